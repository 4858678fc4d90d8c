#include "policy/limits.h"

#include "base/sum.h"

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void weir_limits_set(struct weir_limits *limits, uint64_t rpm, uint64_t tpm)
{
	weir_minute_set(&limits->requests, rpm);
	weir_minute_set(&limits->tokens, tpm);
}

void weir_limits_init(struct weir_limits *limits, uint64_t rpm, uint64_t tpm)
{
	*limits = (struct weir_limits){ 0 };
	weir_limits_set(limits, rpm, tpm);
}

static void learn(uint64_t *left, uint64_t *until_ms, uint64_t news_left, uint64_t reset_ms,
		  uint64_t now_ms)
{
	*left = news_left;
	*until_ms = reset_ms ? weir_sum(now_ms, least(reset_ms, WEIR_LIMITS_RESET_MAX_MS)) : 0;
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
	bool ok = weir_minute_admits(&limits->requests, 1, now_ms, &at_ms);

	ok &= weir_minute_admits(&limits->tokens, tokens, now_ms, &at_ms);
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
	weir_minute_take(&limits->requests, 1, now_ms);
	weir_minute_take(&limits->tokens, tokens, now_ms);
	if (limits->requests_left)
		limits->requests_left--;
	limits->tokens_left -= least(limits->tokens_left, tokens);
}
