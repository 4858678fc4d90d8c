#include "policy/health.h"

#include "base/assert.h"

enum { DOUBLINGS_MAX = 8 };

/* clang-format off: a table */
static const struct {
	const char *class, *reason;
} leaves[] = {
	[WEIR_LEAVE_UNFIT] = { "not_here", "cannot_carry" },
	[WEIR_LEAVE_DISABLED] = { "benched", "disabled" },
	[WEIR_LEAVE_OPEN] = { "open", "breaker_open" },
	[WEIR_LEAVE_BENCHED] = { "benched", "benched" },
	[WEIR_LEAVE_AT_CAP] = { "at_cap", "at_cap" },
	[WEIR_LEAVE_HEARD] = { "open", "open_elsewhere" },
	[WEIR_LEAVE_GROUP] = { "open", "group_down" },
	[WEIR_LEAVE_DRIFTING] = { "slow", "latency_drift" },
	[WEIR_LEAVE_SHORT] = { "benched", "tokens_short" },
	[WEIR_LEAVE_TOO_SLOW] = { "slow", "too_slow_for_deadline" },
	[WEIR_LEAVE_RAMPING] = { "open", "ramping" },
	[WEIR_LEAVE_PROBE] = { NULL, "probe" },
	[WEIR_LEAVE_YES] = { NULL, "ok" },
};
/* clang-format on */

_Static_assert(sizeof leaves / sizeof *leaves == WEIR_LEAVE_N, "one row per leave");

const char *weir_leave_class(enum weir_leave leave)
{
	WEIR_ASSERT(leave < WEIR_LEAVE_N);
	return leaves[leave].class;
}

const char *weir_leave_reason(enum weir_leave leave)
{
	WEIR_ASSERT(leave < WEIR_LEAVE_N);
	return leaves[leave].reason;
}

void weir_health_reset(struct weir_health *h, struct weir_model_health *model,
		       struct weir_key_health *key)
{
	*h = (struct weir_health){ .model = model, .key = key };
	weir_breaker_init(&h->breaker);
	weir_limits_init(&h->limits, 0, 0);
	weir_latency_init(&h->latency[0]);
	weir_latency_init(&h->latency[1]);
}

void weir_health_join(struct weir_health *h)
{
	h->retired = false;
	h->next = h->model->targets;
	h->model->targets = h;
	h->model->targets_n++;
	h->model->open_n += h->breaker.state != WEIR_BREAKER_CLOSED;
}

void weir_health_init(struct weir_health *h, struct weir_model_health *model,
		      struct weir_key_health *key)
{
	weir_health_reset(h, model, key);
	weir_health_join(h);
}

void weir_health_retire(struct weir_health *h)
{
	h->retired = true;
	h->next = NULL;
	if (h->model->row_of == h)
		h->model->row_of = NULL;
}

void weir_model_part(struct weir_model_health *model)
{
	for (unsigned i = 0; i < model->groups_n; i++) {
		model->groups[i]->models_n--;
		model->groups[i]->tripped_n -= model->open_n == model->targets_n;
	}
	model->targets = NULL;
	model->targets_n = model->open_n = model->groups_n = 0;
}

void weir_model_join(struct weir_model_health *model, struct weir_group *group)
{
	WEIR_ASSERT(model->groups_n < WEIR_GROUPS_MAX);
	model->groups[model->groups_n++] = group;
	group->models_n++;
	group->tripped_n += model->open_n == model->targets_n;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* What the provider said holds; of guesses the longest does. */
static void add_bench(struct weir_answer_to *a, const struct weir_bench *bench, uint64_t now_ms)
{
	bool first = a->leave != WEIR_LEAVE_BENCHED;

	if (bench->until_ms <= now_ms || (!first && a->stated && !bench->stated))
		return;
	if (first || (bench->stated && !a->stated) || bench->until_ms > a->return_ms) {
		a->return_ms = bench->until_ms;
		a->why = bench->why;
	}
	a->asked = bench->asked || (!first && a->asked);
	a->stated = bench->stated;
	a->leave = WEIR_LEAVE_BENCHED;
}

static void add_limits(struct weir_answer_to *a, const struct weir_limits *limits,
		       const struct weir_asking *asking)
{
	uint64_t return_ms;

	if (weir_limits_admit(limits, asking->tokens, asking->now_ms, &return_ms))
		return;
	if (a->leave != WEIR_LEAVE_BENCHED || !a->stated || return_ms > a->return_ms) {
		a->return_ms = return_ms;
		a->why = WEIR_OUT_RATE_LIMITED;
	}
	a->leave = WEIR_LEAVE_BENCHED;
	a->stated = true;
}

static bool is_at_cap(const struct weir_model_health *model)
{
	const struct weir_provider_health *provider = model->provider;

	return (model->max_inflight && model->inflight >= model->max_inflight) ||
	       (provider->max_inflight && provider->inflight >= provider->max_inflight);
}

/* Several of a group, and half of it, are down: the rest may be about to be. */
static bool is_group_down(const struct weir_model_health *model)
{
	for (unsigned i = 0; i < model->groups_n; i++) {
		const struct weir_group *group = model->groups[i];

		if (group->tripped_n >= WEIR_GROUP_TRIPPED &&
		    group->tripped_n * 2 >= group->models_n)
			return true;
	}
	return false;
}

/* All keys of a model are open: then it is one target, and has one probe. */
static bool is_probed_elsewhere(const struct weir_health *h)
{
	if (h->retired || h->model->open_n < h->model->targets_n)
		return false;
	for (const struct weir_health *t = h->model->targets; t; t = t->next)
		if (t->breaker.probing)
			return true;
	return false;
}

static enum weir_breaker_word ask_breaker(const struct weir_health *h, uint64_t now_ms)
{
	enum weir_breaker_word word = weir_breaker_ask(&h->breaker, now_ms);

	return word == WEIR_BREAKER_PROBE && is_probed_elsewhere(h) ? WEIR_BREAKER_NO : word;
}

bool weir_health_may_trickle(const struct weir_health *h, uint64_t now_ms)
{
	if (h->retired || h->model->open_n < h->model->targets_n)
		return weir_breaker_may_trickle(&h->breaker, now_ms);
	for (const struct weir_health *t = h->model->targets; t; t = t->next)
		if (!weir_breaker_may_trickle(&t->breaker, now_ms))
			return false;
	return true;
}

/* It could be tried; would something else be better? */
static enum weir_leave ask_softly(const struct weir_health *h, const struct weir_asking *asking,
				  enum weir_breaker_word word)
{
	const struct weir_latency *latency = &h->latency[asking->stream];

	if (word == WEIR_BREAKER_PROBE)
		return WEIR_LEAVE_PROBE;
	if (word == WEIR_BREAKER_NO)
		return WEIR_LEAVE_HEARD;
	if (is_group_down(h->model))
		return WEIR_LEAVE_GROUP;
	if (!weir_limits_fit(&h->limits, asking->tokens, asking->now_ms))
		return WEIR_LEAVE_SHORT;
	if (!weir_latency_is_stale(latency, asking->now_ms)) {
		if (asking->drift_percent && weir_latency_drifts(latency, asking->drift_percent))
			return WEIR_LEAVE_DRIFTING;
		if (weir_latency_usual_ms(latency) > asking->left_ms)
			return WEIR_LEAVE_TOO_SLOW;
	}
	if (word == WEIR_BREAKER_RAMP &&
	    asking->roll >= weir_breaker_ramp_percent(&h->breaker, asking->now_ms))
		return WEIR_LEAVE_RAMPING;
	return WEIR_LEAVE_YES;
}

struct weir_answer_to weir_health_ask(const struct weir_health *h, const struct weir_asking *asking)
{
	struct weir_answer_to a = { .leave = WEIR_LEAVE_YES, .return_ms = asking->now_ms };
	enum weir_breaker_word word = ask_breaker(h, asking->now_ms);

	if (h->model->disabled || h->disabled)
		return (struct weir_answer_to){ .leave = WEIR_LEAVE_DISABLED,
						.return_ms = WEIR_NEVER };
	if (word == WEIR_BREAKER_NO && !h->breaker.heard)
		return (struct weir_answer_to){
			.leave = WEIR_LEAVE_OPEN,
			.return_ms = weir_breaker_return_ms(&h->breaker, asking->now_ms),
		};
	add_bench(&a, &h->key->bench, asking->now_ms);
	add_bench(&a, &h->model->bench, asking->now_ms);
	add_bench(&a, &h->bench, asking->now_ms);
	add_limits(&a, &h->key->limits, asking);
	add_limits(&a, &h->limits, asking);
	if (a.leave == WEIR_LEAVE_BENCHED)
		return a;
	a.leave = is_at_cap(h->model) ? WEIR_LEAVE_AT_CAP : ask_softly(h, asking, word);
	return a;
}

/* Books that a breaker has left or reached the closed state, up to the groups. */
static void note_state(struct weir_health *h, bool was_closed)
{
	struct weir_model_health *model = h->model;
	bool is_closed = h->breaker.state == WEIR_BREAKER_CLOSED;
	bool was_tripped = model->open_n == model->targets_n, is_tripped;

	if (is_closed == was_closed || h->retired)
		return;
	if (is_closed)
		model->open_n--;
	else
		model->open_n++;
	is_tripped = model->open_n == model->targets_n;
	for (unsigned i = 0; i < model->groups_n && is_tripped != was_tripped; i++) {
		if (is_tripped)
			model->groups[i]->tripped_n++;
		else
			model->groups[i]->tripped_n--;
	}
}

/* The guess a request would be asking about. */
static struct weir_bench *guess(struct weir_health *h, uint64_t now_ms)
{
	struct weir_bench *benches[] = { &h->key->bench, &h->model->bench, &h->bench };

	for (unsigned i = 0; i < sizeof benches / sizeof *benches; i++)
		if (benches[i]->until_ms > now_ms && !benches[i]->stated && !benches[i]->asked)
			return benches[i];
	return NULL;
}

void weir_health_begin(struct weir_health *h, const struct weir_asking *asking,
		       struct weir_pass *pass)
{
	enum weir_breaker_word word = ask_breaker(h, asking->now_ms);
	bool was_closed = h->breaker.state == WEIR_BREAKER_CLOSED;
	bool probe = word == WEIR_BREAKER_PROBE ||
		     (word == WEIR_BREAKER_NO && weir_health_may_trickle(h, asking->now_ms));

	WEIR_ASSERT(!pass->health);
	if (probe)
		h->prober = asking->holder;
	*pass = (struct weir_pass){
		.health = h,
		.asks = guess(h, asking->now_ms),
		.began_ms = asking->now_ms,
		.attempts = ++h->attempts,
		.tokens = h->tokens += asking->tokens,
		.holder = asking->holder,
		.stream = asking->stream,
		.ticket = weir_breaker_begin(&h->breaker, probe, asking->now_ms),
	};
	if (pass->asks) {
		pass->asks->asker = asking->holder;
		pass->asks->asked = true;
	}
	note_state(h, was_closed);
	weir_limits_take(&h->key->limits, asking->tokens, asking->now_ms);
	weir_limits_take(&h->limits, asking->tokens, asking->now_ms);
	h->latency[asking->stream].asked_ms = asking->now_ms;
	if (h->shares)
		h->shares[asking->holder]++;
	h->inflight++;
	h->model->inflight++;
	h->model->provider->inflight++;
}

/* Unless meanwhile the provider has said when: that is no guess. */
static void lift(struct weir_bench *guess)
{
	if (!guess)
		return;
	guess->asked = false;
	if (!guess->stated)
		*guess = (struct weir_bench){ 0 };
}

static void end_row(struct weir_model_health *model)
{
	model->row = 0;
	model->row_of = NULL;
	model->row_mixed = false;
}

void weir_health_commit(struct weir_pass *pass, uint64_t now_ms)
{
	struct weir_health *h = pass->health;
	bool was_closed = h->breaker.state == WEIR_BREAKER_CLOSED;

	weir_breaker_good(&h->breaker, &pass->ticket, now_ms);
	note_state(h, was_closed);
	end_row(h->model);
	weir_budget_success(&h->model->budget);
	weir_latency_add(&h->latency[pass->stream], now_ms - pass->began_ms, now_ms);
	lift(pass->asks);
	pass->asks = NULL;
	if (h->bench.until_ms <= now_ms)
		h->bench.doublings = 0;
}

/* An amount that nobody limits stays that. */
static void take_off(uint64_t *left, uint64_t amount)
{
	if (*left < UINT64_MAX)
		*left -= amount < *left ? amount : *left;
}

/* Headers speak of the key's share for this model: other models have their own. */
void weir_health_learn(struct weir_pass *pass, const struct weir_limits_news *news, uint64_t now_ms)
{
	struct weir_health *h = pass->health;
	struct weir_limits_news rest = *news;

	if (pass->attempts <= h->learned || (!news->requests_known && !news->tokens_known))
		return;
	h->learned = pass->attempts;
	take_off(&rest.requests_left, h->attempts - pass->attempts);
	take_off(&rest.tokens_left, h->tokens - pass->tokens);
	weir_limits_learn(&h->limits, &rest, now_ms);
}

static struct weir_bench *blamed(struct weir_health *h, const struct weir_ending *e)
{
	switch (weir_outcome_rule(e->outcome)->blame) {
	case WEIR_BLAME_KEY:
		return e->model_refused ? &h->bench : &h->key->bench;
	case WEIR_BLAME_MODEL:
		return e->model_unknown ? &h->model->bench : NULL;
	case WEIR_BLAME_TARGET:
		return e->never_fits ? NULL : &h->bench;
	case WEIR_BLAME_NOBODY:
		break;
	}
	return NULL;
}

static void set_aside(struct weir_bench *bench, const struct weir_ending *e, bool asked_now)
{
	const struct weir_rule *rule = weir_outcome_rule(e->outcome);
	bool running = bench->until_ms > e->now_ms && (bench->stated || !asked_now);
	uint64_t for_ms = rule->bench_ms;

	if (e->stated) {
		for_ms = e->after_ms < rule->bench_max_ms ? e->after_ms : rule->bench_max_ms;
		for_ms = later(for_ms, 1); /* "at once" is a statement, too */
		if (running && bench->stated)
			for_ms = later(for_ms, bench->until_ms - e->now_ms);
		bench->doublings = 0;
	} else if (running || for_ms == 0) {
		return; /* many answers of one moment are one piece of news */
	} else {
		for_ms <<= bench->doublings;
		if (for_ms > rule->guess_max_ms)
			for_ms = rule->guess_max_ms;
		bench->doublings += bench->doublings < DOUBLINGS_MAX;
	}
	bench->until_ms = e->now_ms + for_ms;
	bench->why = e->outcome;
	bench->stated = e->stated;
}

/* Did the provider say anything at all? Then a guess about it is answered. */
static bool is_answer(enum weir_outcome outcome)
{
	return outcome != WEIR_OUT_UNREACHABLE && outcome != WEIR_OUT_SLOW &&
	       outcome != WEIR_OUT_CUT && outcome != WEIR_OUT_HANGUP;
}

/* A provider that is down takes all keys along: each of them need not find out by itself. */
static void add_to_row(struct weir_health *h, uint64_t now_ms, struct weir_rng *rng)
{
	struct weir_model_health *model = h->model;

	if (h->retired)
		return;
	model->row_mixed |= model->row_of && model->row_of != h;
	model->row_of = h;
	model->row += model->row < WEIR_BREAKER_ROW;
	if (model->row < WEIR_BREAKER_ROW || !model->row_mixed)
		return;
	for (struct weir_health *t = model->targets; t; t = t->next) {
		bool was_closed = t->breaker.state == WEIR_BREAKER_CLOSED;

		weir_breaker_join(&t->breaker, now_ms, rng);
		note_state(t, was_closed);
	}
}

static void end_ticket(struct weir_pass *pass, const struct weir_ending *e, struct weir_rng *rng)
{
	struct weir_breaker *breaker = &pass->health->breaker;
	bool was_closed = breaker->state == WEIR_BREAKER_CLOSED;

	if (weir_outcome_rule(e->outcome)->counts)
		weir_breaker_bad(breaker, &pass->ticket, e->now_ms, rng);
	else if (pass->ticket.probe && is_answer(e->outcome))
		weir_breaker_good(breaker, &pass->ticket, e->now_ms);
	else
		weir_breaker_nothing(breaker, &pass->ticket);
	note_state(pass->health, was_closed);
	if (weir_outcome_rule(e->outcome)->counts)
		add_to_row(pass->health, e->now_ms, rng);
	else if (is_answer(e->outcome))
		end_row(pass->health->model);
}

void weir_health_end(struct weir_pass *pass, const struct weir_ending *e, struct weir_rng *rng)
{
	struct weir_health *h = pass->health;
	struct weir_bench *bench = blamed(h, e), *asked = pass->asks;

	end_ticket(pass, e, rng);
	if (asked)
		asked->asked = false;
	if (asked && is_answer(e->outcome) && asked->why != e->outcome)
		lift(asked);
	if (bench)
		set_aside(bench, e, bench == asked);
	WEIR_ASSERT(h->inflight && h->model->inflight && h->model->provider->inflight);
	h->failures += weir_outcome_rule(e->outcome)->counts;
	if (h->shares)
		h->shares[pass->holder]--;
	h->inflight--;
	h->model->inflight--;
	h->model->provider->inflight--;
	*pass = (struct weir_pass){ .health = NULL };
}

/* ---- other weirs ---- */

void weir_health_hear(struct weir_health *h, bool open, uint64_t now_ms, struct weir_rng *rng)
{
	bool was_closed = h->breaker.state == WEIR_BREAKER_CLOSED;

	if (open)
		weir_breaker_hear_open(&h->breaker, now_ms, rng);
	else
		weir_breaker_hear_closed(&h->breaker, now_ms);
	note_state(h, was_closed);
}

/* ---- a process is gone ---- */

static void forfeit_bench(struct weir_bench *bench, unsigned holder)
{
	if (bench->asked && bench->asker == holder)
		bench->asked = false;
}

void weir_health_forfeit(struct weir_health *h, unsigned holder)
{
	uint32_t n = h->shares[holder];

	h->shares[holder] = 0;
	h->inflight -= n;
	h->model->inflight -= n;
	h->model->provider->inflight -= n;
	if (h->breaker.probing && h->prober == holder)
		h->breaker.probing = false;
	forfeit_bench(&h->bench, holder);
	forfeit_bench(&h->model->bench, holder);
	forfeit_bench(&h->key->bench, holder);
}

void weir_model_mend(struct weir_model_health *model)
{
	unsigned n = 0;

	for (unsigned i = 0; i < WEIR_GROUPS_MAX && i < model->groups_n; i++)
		if (model->groups[i])
			model->groups[n++] = model->groups[i];
	model->groups_n = n;
	model->targets = NULL;
	model->targets_n = model->open_n = model->inflight = model->provider->inflight = 0;
}

void weir_health_mend(struct weir_health *h)
{
	weir_breaker_mend(&h->breaker);
	weir_latency_mend(&h->latency[0]);
	weir_latency_mend(&h->latency[1]);
	h->inflight = 0;
	for (unsigned i = 0; i < WEIR_HOLDERS_MAX; i++)
		h->inflight += h->shares[i];
	h->model->inflight += h->inflight;
	h->model->provider->inflight += h->inflight;
}
