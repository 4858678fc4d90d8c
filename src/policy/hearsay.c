#include "policy/hearsay.h"

static bool runs(uint64_t until_ms, uint64_t now_ms)
{
	return until_ms > now_ms;
}

struct weir_hearsay weir_bench_tell(const struct weir_bench *bench, uint64_t now_ms)
{
	if (!runs(bench->until_ms, now_ms))
		return (struct weir_hearsay){ 0 };
	return (struct weir_hearsay){ bench->until_ms, bench->why, bench->stated };
}

/* A key that is refused for one model alone sets that target aside. */
static bool may_stand(const struct weir_hearsay *said, enum weir_blame of)
{
	enum weir_blame blame = weir_outcome_rule(said->why)->blame;

	return blame == of || (blame == WEIR_BLAME_KEY && of == WEIR_BLAME_TARGET);
}

static bool is_possible(const struct weir_hearsay *said, enum weir_blame of, uint64_t now_ms)
{
	const struct weir_rule *rule = weir_outcome_rule(said->why);
	uint64_t most_ms = said->stated ? rule->bench_max_ms : rule->guess_max_ms;

	return may_stand(said, of) && said->until_ms - now_ms <= most_ms;
}

bool weir_bench_hear(struct weir_bench *bench, const struct weir_hearsay *said, enum weir_blame of,
		     uint64_t now_ms)
{
	bool stated = bench->stated && runs(bench->until_ms, now_ms);

	if (!runs(said->until_ms, now_ms)) {
		if (!stated)
			bench->until_ms = 0;
		return true;
	}
	if (!is_possible(said, of, now_ms))
		return false;
	if (stated && (!said->stated || bench->until_ms >= said->until_ms))
		return true;
	bench->until_ms = said->until_ms;
	bench->why = said->why;
	bench->stated = said->stated;
	return true;
}

struct weir_hearsay weir_limits_tell(const struct weir_limits *limits, bool tokens, uint64_t now_ms)
{
	uint64_t left = tokens ? limits->tokens_left : limits->requests_left;
	uint64_t until_ms = tokens ? limits->tokens_until_ms : limits->requests_until_ms;

	if (left || !runs(until_ms, now_ms))
		return (struct weir_hearsay){ 0 };
	return (struct weir_hearsay){ until_ms, WEIR_OUT_RATE_LIMITED, true };
}

bool weir_limits_hear(struct weir_limits *limits, bool tokens, const struct weir_hearsay *said,
		      uint64_t now_ms)
{
	uint64_t *left = tokens ? &limits->tokens_left : &limits->requests_left;
	uint64_t *until_ms = tokens ? &limits->tokens_until_ms : &limits->requests_until_ms;

	if (!runs(said->until_ms, now_ms)) {
		if (*left == 0)
			*until_ms = 0; /* how much there is nobody has said */
		return true;
	}
	if (said->until_ms - now_ms > WEIR_LIMITS_RESET_MAX_MS)
		return false;
	*left = 0;
	*until_ms = said->until_ms;
	return true;
}
