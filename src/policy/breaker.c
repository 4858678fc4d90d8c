#include "policy/breaker.h"

#include "base/assert.h"
#include "base/attr.h"

enum { RAMP_STEPS = 3, DOUBLINGS_MAX = 8 };

static const char *const names[] = { "closed", "open", "half_open" };

_Static_assert(WEIR_COUNT_OF(names) == WEIR_BREAKER_N, "one name per state");

static void clear_window(struct weir_breaker *b)
{
	for (unsigned i = 0; i < WEIR_BREAKER_BUCKETS; i++)
		b->window[i].good = b->window[i].bad = 0;
}

void weir_breaker_init(struct weir_breaker *b)
{
	*b = (struct weir_breaker){ .state = WEIR_BREAKER_CLOSED };
}

static uint64_t since(uint64_t then_ms, uint64_t now_ms)
{
	return now_ms > then_ms ? now_ms - then_ms : 0;
}

static uint64_t later(uint64_t a_ms, uint64_t b_ms)
{
	return a_ms > b_ms ? a_ms : b_ms;
}

/* Makes the bucket of now the newest; those in between hold nothing. */
static void advance(struct weir_breaker *b, uint64_t now_ms)
{
	uint64_t steps = since(b->bucket_ms, now_ms) / WEIR_BREAKER_BUCKET_MS;

	b->bucket_ms += steps * WEIR_BREAKER_BUCKET_MS;
	if (steps > WEIR_BREAKER_BUCKETS)
		steps = WEIR_BREAKER_BUCKETS;
	for (; steps; steps--) {
		b->newest = (b->newest + 1) % WEIR_BREAKER_BUCKETS;
		b->window[b->newest].good = b->window[b->newest].bad = 0;
	}
}

static void take_back_good(struct weir_breaker *b)
{
	for (unsigned i = 0; i < WEIR_BREAKER_BUCKETS; i++) {
		unsigned at = (b->newest + WEIR_BREAKER_BUCKETS - i) % WEIR_BREAKER_BUCKETS;

		if (b->window[at].good) {
			b->window[at].good--;
			return;
		}
	}
}

static bool must_open(const struct weir_breaker *b)
{
	uint64_t good = 0, bad = 0;

	for (unsigned i = 0; i < WEIR_BREAKER_BUCKETS; i++) {
		good += b->window[i].good;
		bad += b->window[i].bad;
	}
	return b->row >= WEIR_BREAKER_ROW || (good + bad >= WEIR_BREAKER_SAMPLES && bad >= good);
}

/* Of the nth opening in a row, from 0. */
static uint64_t open_ms(unsigned nth, struct weir_rng *rng)
{
	unsigned doublings = nth < DOUBLINGS_MAX ? nth : DOUBLINGS_MAX;
	uint64_t ms = (uint64_t)WEIR_BREAKER_OPEN_MS << doublings, jitter;

	if (ms > WEIR_BREAKER_OPEN_MAX_MS)
		ms = WEIR_BREAKER_OPEN_MAX_MS;
	jitter = ms * WEIR_BREAKER_JITTER_PERCENT / 100;
	return ms - jitter + weir_rng_upto(rng, 2 * jitter);
}

static void enter(struct weir_breaker *b, enum weir_breaker_state state)
{
	b->state = state;
	b->epoch++;
	b->moves[state]++;
	b->probing = false;
	b->probes_good = 0;
}

static void trip(struct weir_breaker *b, uint64_t now_ms, struct weir_rng *rng)
{
	enter(b, WEIR_BREAKER_OPEN);
	b->heard = false;
	b->opened_ms = now_ms;
	b->until_ms = now_ms + open_ms(b->openings, rng);
	if (b->openings < DOUBLINGS_MAX)
		b->openings++;
}

static void recover(struct weir_breaker *b, uint64_t now_ms)
{
	enter(b, WEIR_BREAKER_CLOSED);
	clear_window(b);
	b->row = 0;
	b->openings = 0;
	b->heard = false;
	b->closed_ms = later(now_ms, 1);
}

unsigned weir_breaker_ramp_percent(const struct weir_breaker *b, uint64_t now_ms)
{
	static const unsigned percent[RAMP_STEPS] = { 10, 25, 50 };
	uint64_t ms = since(b->closed_ms, now_ms);

	if (!b->closed_ms || ms >= WEIR_BREAKER_RAMP_MS)
		return 100;
	return percent[ms * RAMP_STEPS / WEIR_BREAKER_RAMP_MS];
}

static enum weir_breaker_word yes_or_ramp(const struct weir_breaker *b, uint64_t now_ms)
{
	return weir_breaker_ramp_percent(b, now_ms) < 100 ? WEIR_BREAKER_RAMP : WEIR_BREAKER_YES;
}

enum weir_breaker_word weir_breaker_ask(const struct weir_breaker *b, uint64_t now_ms)
{
	switch (b->state) {
	case WEIR_BREAKER_CLOSED:
		return yes_or_ramp(b, now_ms);
	case WEIR_BREAKER_OPEN:
		return now_ms >= b->until_ms ? WEIR_BREAKER_PROBE : WEIR_BREAKER_NO;
	case WEIR_BREAKER_HALF_OPEN:
		return b->probing ? WEIR_BREAKER_NO : WEIR_BREAKER_PROBE;
	case WEIR_BREAKER_N:
		break;
	}
	WEIR_ASSERT(!"a state");
	return WEIR_BREAKER_NO;
}

bool weir_breaker_may_trickle(const struct weir_breaker *b, uint64_t now_ms)
{
	uint64_t last_ms = later(b->probed_ms, b->opened_ms);

	return b->state != WEIR_BREAKER_CLOSED && !b->probing &&
	       since(last_ms, now_ms) >= WEIR_BREAKER_TRICKLE_MS;
}

uint64_t weir_breaker_return_ms(const struct weir_breaker *b, uint64_t now_ms)
{
	if (b->state == WEIR_BREAKER_OPEN)
		return later(b->until_ms, now_ms);
	return b->probing ? later(b->probed_ms + WEIR_BREAKER_TRICKLE_MS, now_ms) : now_ms;
}

struct weir_breaker_ticket weir_breaker_begin(struct weir_breaker *b, bool probe, uint64_t now_ms)
{
	probe = probe && b->state != WEIR_BREAKER_CLOSED;
	if (probe) {
		WEIR_ASSERT(!b->probing);
		if (b->state == WEIR_BREAKER_OPEN)
			enter(b, WEIR_BREAKER_HALF_OPEN);
		b->probing = true;
		b->probed_ms = now_ms;
	}
	return (struct weir_breaker_ticket){ .epoch = b->epoch, .probe = probe };
}

static bool holds_lease(const struct weir_breaker *b, const struct weir_breaker_ticket *ticket)
{
	return ticket->probe && !ticket->good && ticket->epoch == b->epoch;
}

void weir_breaker_good(struct weir_breaker *b, struct weir_breaker_ticket *ticket, uint64_t now_ms)
{
	if (ticket->good || ticket->epoch != b->epoch)
		return;
	if (b->state == WEIR_BREAKER_CLOSED) {
		advance(b, now_ms);
		b->window[b->newest].good++;
		b->row = 0;
	} else if (holds_lease(b, ticket)) {
		b->probing = false;
		if (++b->probes_good >= WEIR_BREAKER_PROBES)
			recover(b, now_ms);
	}
	ticket->good = true;
}

static void book_bad(struct weir_breaker *b, bool was_good, uint64_t now_ms, struct weir_rng *rng)
{
	advance(b, now_ms);
	if (was_good)
		take_back_good(b);
	b->window[b->newest].bad++;
	b->row++;
	if (must_open(b))
		trip(b, now_ms, rng);
}

void weir_breaker_join(struct weir_breaker *b, uint64_t now_ms, struct weir_rng *rng)
{
	if (b->state == WEIR_BREAKER_CLOSED)
		trip(b, now_ms, rng);
	else if (b->state == WEIR_BREAKER_OPEN)
		b->until_ms = later(b->until_ms, now_ms + open_ms(b->openings - 1, rng));
}

void weir_breaker_hear_open(struct weir_breaker *b, uint64_t now_ms, struct weir_rng *rng)
{
	if (b->state != WEIR_BREAKER_CLOSED)
		return;
	trip(b, now_ms, rng);
	b->heard = true;
}

void weir_breaker_hear_closed(struct weir_breaker *b, uint64_t now_ms)
{
	if (b->state == WEIR_BREAKER_OPEN && b->until_ms > now_ms)
		b->until_ms = now_ms;
}

void weir_breaker_bad(struct weir_breaker *b, struct weir_breaker_ticket *ticket, uint64_t now_ms,
		      struct weir_rng *rng)
{
	bool current = ticket->epoch == b->epoch;

	/* Its time counts from the last failure, whenever that request began. */
	if (b->state == WEIR_BREAKER_OPEN)
		weir_breaker_join(b, now_ms, rng);
	else if (b->state == WEIR_BREAKER_CLOSED && current)
		book_bad(b, ticket->good, now_ms, rng);
	else if (b->state == WEIR_BREAKER_HALF_OPEN && current && ticket->probe)
		trip(b, now_ms, rng);
}

void weir_breaker_nothing(struct weir_breaker *b, struct weir_breaker_ticket *ticket)
{
	if (holds_lease(b, ticket))
		b->probing = false;
	ticket->probe = false;
}

void weir_breaker_mend(struct weir_breaker *b)
{
	b->probing = b->probing && b->state == WEIR_BREAKER_HALF_OPEN;
	b->newest %= WEIR_BREAKER_BUCKETS;
}

const char *weir_breaker_state_name(enum weir_breaker_state state)
{
	WEIR_ASSERT(state < WEIR_BREAKER_N);
	return names[state];
}
