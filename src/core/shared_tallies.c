/* What callers have used, as counts that all weirs add to. Of each there is the total of a period,
 * and beside it what of it is ours: so that it is known after a lost connection what has arrived,
 * and what a Redis has lost is added again, and nothing twice. */
#include <inttypes.h>
#include <stdio.h>

#include "core/shared_private.h"

enum {
	MINUTE_MS = 60 * 1000,
	MINUTE_TTL_S = 180,
	DAY_TTL_S = 2 * 86400,
	MONTH_TTL_S = 35 * 86400,
	TOLD = 6, /* replies to what is told of one */
	KEYS = 2, /* of one */
	KEY_MAX = 128,
	NUMBER_MAX = 24,
	LATE_ROUNDS = 2
};

struct names {
	char total[KEY_MAX], own[KEY_MAX + 24];
};

static struct weir_minute *minute_of(const struct weir_window *w)
{
	struct weir_quota *q = &w->books->quota;

	return w->limit == WEIR_QUOTA_RPM   ? &q->requests
	       : w->limit == WEIR_QUOTA_TPM ? &q->tokens
					    : NULL;
}

static struct weir_purse *purse_of(const struct weir_window *w)
{
	return w->limit == WEIR_QUOTA_DAY ? &w->books->quota.day : &w->books->quota.month;
}

static bool is_bounded(const struct weir_books *books, enum weir_quota_limit limit)
{
	const struct weir_quota_bounds *b = &books->quota.bounds;

	switch (limit) {
	case WEIR_QUOTA_RPM:
		return b->rpm;
	case WEIR_QUOTA_TPM:
		return b->tpm;
	case WEIR_QUOTA_DAY:
		return b->day_nano;
	case WEIR_QUOTA_MONTH:
		return b->month_nano;
	case WEIR_QUOTA_INFLIGHT:
	case WEIR_QUOTA_LIMITS_N:
		break;
	}
	return false;
}

static struct weir_tally *tally_of(const struct weir_window *w)
{
	return &w->books->tallies[w->limit];
}

static int ttl_of(enum weir_quota_limit limit)
{
	return limit == WEIR_QUOTA_DAY     ? DAY_TTL_S
	       : limit == WEIR_QUOTA_MONTH ? MONTH_TTL_S
					   : MINUTE_TTL_S;
}

static struct names names_of(const struct weir_shared *s, const struct weir_window *w)
{
	struct names names;

	snprintf(names.total, sizeof names.total, WEIR_SHARED_PREFIX "%s:%s:%" PRIu64,
		 weir_quota_limit_name(w->limit),
		 weir_shared_id(weir_slice_of(w->books->name)).text, tally_of(w)->period);
	snprintf(names.own, sizeof names.own, "%s:%016" PRIx64, names.total, s->common->id);
	return names;
}

/* What was used here in its period. */
static long long own_of(const struct weir_window *w)
{
	const struct weir_minute *minute = minute_of(w);
	const struct weir_tally *tally = tally_of(w);

	return minute ? (long long)(minute->taken - tally->base)
		      : (long long)weir_purse_own(purse_of(w), tally->period);
}

/* What of the last minute was not told yet belongs to this one; of those before it nothing does. */
static void turn(const struct weir_shared *s, const struct weir_window *w)
{
	struct weir_quota_time now = weir_gateway_time(s->gateway);
	struct weir_tally *tally = tally_of(w);
	uint64_t period = minute_of(w) ? weir_shared_clock_ms(s, now.ms) / MINUTE_MS
				       : weir_quota_period(w->limit, now.unix_s);

	if (minute_of(w) && period == tally->period + 1 && tally->late++ < LATE_ROUNDS)
		return;
	tally->late = 0;
	if (period == tally->period)
		return;
	if (period != tally->period + 1)
		tally->based = false;
	tally->period = period;
	tally->base += (uint64_t)tally->applied;
	tally->applied = tally->elsewhere = 0;
	tally->epoch = 0;
}

/* The next ones in turn. */
static void choose(struct weir_shared *s)
{
	const struct weir_snapshot *now = s->gateway->now;
	unsigned all = now->config->callers_n * WEIR_QUOTA_LIMITS_N;

	s->window_n = 0;
	if (s->next_tally >= all)
		s->next_tally = 0;
	for (unsigned i = 0; i < all && s->window_n < WEIR_SHARED_TALLIES; i++) {
		struct weir_window w = {
			.books = now->books[s->next_tally / WEIR_QUOTA_LIMITS_N],
			.limit = (enum weir_quota_limit)(s->next_tally % WEIR_QUOTA_LIMITS_N),
		};

		s->next_tally = (s->next_tally + 1) % all;
		if (is_bounded(w.books, w.limit))
			s->window[s->window_n++] = w;
	}
}

static int put(struct weir_shared *s, const struct weir_window *w, long long own)
{
	struct names names = names_of(s, w);
	char more[NUMBER_MAX], ttl[NUMBER_MAX];
	const char *const commands[TOLD][4] = {
		{ "MULTI", NULL },
		{ "INCRBY", names.total, more, NULL },
		{ "INCRBY", names.own, more, NULL },
		{ "EXPIRE", names.total, ttl, NULL },
		{ "EXPIRE", names.own, ttl, NULL },
		{ "EXEC", NULL },
	};
	int rc = 0;

	snprintf(more, sizeof more, "%lld", own - tally_of(w)->applied);
	snprintf(ttl, sizeof ttl, "%d", ttl_of(w->limit));
	for (unsigned i = 0; i < TOLD && rc == 0; i++)
		rc = weir_resp_put(&s->out, commands[i]);
	return rc;
}

int weir_tallies_put(struct weir_shared *s, unsigned *told)
{
	int rc = 0;

	*told = 0;
	choose(s);
	for (unsigned i = 0; i < s->window_n && rc == 0; i++) {
		const struct weir_window *w = &s->window[i];
		struct weir_tally *tally = tally_of(w);

		turn(s, w);
		if (tally->epoch != s->common->epoch || tally->late || own_of(w) == tally->applied)
			continue;
		rc = put(s, w, own_of(w));
		*told += TOLD;
	}
	return rc;
}

unsigned weir_tallies_keys(const struct weir_shared *s)
{
	return s->window_n * KEYS;
}

int weir_tallies_ask(struct weir_shared *s)
{
	int rc = 0;

	for (unsigned i = 0; i < s->window_n && rc == 0; i++) {
		struct names names = names_of(s, &s->window[i]);

		rc = weir_resp_word(&s->out, weir_slice_of(names.total));
		if (rc == 0)
			rc = weir_resp_word(&s->out, weir_slice_of(names.own));
	}
	return rc;
}

/* Of a minute what is new counts in it now; what was taken back there is given back here. */
static void hear_elsewhere(const struct weir_shared *s, const struct weir_window *w,
			   long long elsewhere)
{
	struct weir_minute *minute = minute_of(w);
	struct weir_tally *tally = tally_of(w);

	if (minute)
		weir_minute_hear(minute, elsewhere - tally->elsewhere,
				 weir_gateway_now_ms(s->gateway));
	else if (elsewhere > 0)
		weir_purse_hear(purse_of(w), tally->period, (uint64_t)elsewhere);
	tally->elsewhere = elsewhere;
}

static void hear(struct weir_shared *s, const struct weir_window *w, long long total, long long own,
		 bool lost)
{
	struct weir_tally *tally = tally_of(w);

	if (minute_of(w) && !tally->based)
		tally->base = minute_of(w)->taken - (uint64_t)own;
	if (!minute_of(w) && own > total)
		own = total; /* a part of it was lost: what is missing is ours */
	tally->based = true;
	tally->applied = own;
	tally->epoch = s->common->epoch;
	if (!lost)
		hear_elsewhere(s, w, total - own);
}

static bool is_number(const struct weir_resp_value *value, long long *number)
{
	*number = value->number;
	return value->kind == WEIR_RESP_NUMBER || value->kind == WEIR_RESP_NIL ||
	       (value->kind == WEIR_RESP_TEXT && weir_shared_number(value->text, number));
}

void weir_tallies_hear(struct weir_shared *s, unsigned place, const struct weir_resp_value *value)
{
	struct weir_resp_value got = { .kind = value->kind };

	if (place / KEYS >= s->window_n)
		return;
	if (!is_number(value, &got.number))
		got.kind = WEIR_RESP_ERROR;
	else if (got.kind != WEIR_RESP_NIL)
		got.kind = WEIR_RESP_NUMBER;
	if (place % KEYS == 0) {
		s->total = got;
		return;
	}
	if (s->total.kind == WEIR_RESP_ERROR || got.kind == WEIR_RESP_ERROR) {
		tally_of(&s->window[place / KEYS])->epoch = 0; /* nothing is added to that */
		weir_shared_ignore(s);
	} else if (s->total.kind == WEIR_RESP_NIL) {
		hear(s, &s->window[place / KEYS], 0, 0, true);
	} else {
		hear(s, &s->window[place / KEYS], s->total.number, got.number, false);
	}
}
