#include "policy/limits.h"

enum { SLICES = WEIR_LIMITS_BUCKETS + 1 };

#define MOST_MAX (UINT64_MAX / SLICES) /* so that a minute's sum is a number */

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void weir_limits_set(struct weir_limits *limits, uint64_t rpm, uint64_t tpm)
{
	limits->requests.most = least(rpm, MOST_MAX);
	limits->tokens.most = least(tpm, MOST_MAX);
}

void weir_limits_init(struct weir_limits *limits, uint64_t rpm, uint64_t tpm)
{
	*limits = (struct weir_limits){ 0 };
	weir_limits_set(limits, rpm, tpm);
}

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* Of one of the last SLICES slices. */
static uint64_t count_of(const struct weir_minute *m, uint64_t slice)
{
	return slice > m->slice ? 0 : m->counts[slice % SLICES];
}

/* An amount larger than the limit may go alone: else it never could. */
static bool fits(const struct weir_minute *m, uint64_t used, uint64_t amount)
{
	return used == 0 || sum(used, amount) <= m->most;
}

/* Does the minute that ends now have room? Else *return_ms is moved out to when it has. */
static bool minute_admits(const struct weir_minute *m, uint64_t amount, uint64_t now_ms,
			  uint64_t *return_ms)
{
	uint64_t now = now_ms / WEIR_LIMITS_BUCKET_MS, used = 0, oldest;

	/* A clock that went back must not forget what was sent since. */
	if (now < m->slice)
		now = m->slice;
	oldest = now < SLICES ? 0 : now - SLICES + 1;
	for (uint64_t slice = oldest; m->most && slice <= now; slice++)
		used += count_of(m, slice);
	if (!m->most || fits(m, used, amount))
		return true;
	for (; !fits(m, used, amount); oldest++)
		used -= count_of(m, oldest);
	if (*return_ms < (oldest - 1 + SLICES) * WEIR_LIMITS_BUCKET_MS)
		*return_ms = (oldest - 1 + SLICES) * WEIR_LIMITS_BUCKET_MS;
	return false;
}

static void minute_take(struct weir_minute *m, uint64_t amount, uint64_t now_ms)
{
	uint64_t now = now_ms / WEIR_LIMITS_BUCKET_MS, *count;

	if (!m->most)
		return;
	if (now >= m->slice + SLICES)
		m->slice = now - SLICES;
	while (m->slice < now)
		m->counts[++m->slice % SLICES] = 0;
	count = &m->counts[m->slice % SLICES];
	/* More than the limit refuses no more than the limit does. */
	*count = least(sum(*count, amount), m->most);
}

static void learn(uint64_t *left, uint64_t *until_ms, uint64_t news_left, uint64_t reset_ms,
		  uint64_t now_ms)
{
	*left = news_left;
	*until_ms = reset_ms ? sum(now_ms, least(reset_ms, WEIR_LIMITS_RESET_MAX_MS)) : 0;
}

void weir_limits_learn(struct weir_limits *limits, const struct weir_limits_news *news,
		       uint64_t now_ms)
{
	if (news->requests_known)
		learn(&limits->requests_left, &limits->requests_until_ms, news->requests_left,
		      news->requests_reset_ms, now_ms);
	if (news->tokens_known)
		learn(&limits->tokens_left, &limits->tokens_until_ms, news->tokens_left,
		      news->tokens_reset_ms, now_ms);
}

/* An amount left of 0 refuses even what costs nothing: the estimate may be wrong. */
static bool left_admits(uint64_t left, uint64_t until_ms, uint64_t amount, uint64_t now_ms,
			uint64_t *return_ms)
{
	if (now_ms >= until_ms || (left && left >= amount))
		return true;
	if (*return_ms < until_ms)
		*return_ms = until_ms;
	return false;
}

bool weir_limits_admit(const struct weir_limits *limits, uint64_t tokens, uint64_t now_ms,
		       uint64_t *return_ms)
{
	uint64_t at_ms = 0;
	bool ok = minute_admits(&limits->requests, 1, now_ms, &at_ms);

	ok &= minute_admits(&limits->tokens, tokens, now_ms, &at_ms);
	ok &= left_admits(limits->requests_left, limits->requests_until_ms, 1, now_ms, &at_ms);
	ok &= left_admits(limits->tokens_left, limits->tokens_until_ms, 1, now_ms, &at_ms);
	if (!ok)
		*return_ms = at_ms;
	return ok;
}

bool weir_limits_fit(const struct weir_limits *limits, uint64_t tokens, uint64_t now_ms)
{
	uint64_t at_ms = 0;

	return left_admits(limits->tokens_left, limits->tokens_until_ms, tokens, now_ms, &at_ms);
}

void weir_limits_take(struct weir_limits *limits, uint64_t tokens, uint64_t now_ms)
{
	minute_take(&limits->requests, 1, now_ms);
	minute_take(&limits->tokens, tokens, now_ms);
	if (limits->requests_left)
		limits->requests_left--;
	limits->tokens_left -= least(limits->tokens_left, tokens);
}
