#include "policy/outcome.h"

#include "base/assert.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };

#define ROW(name, remedy, blame, counts, bench, doubled, stated) \
	{ name, WEIR_REMEDY_##remedy, WEIR_BLAME_##blame, counts, bench, doubled, stated }

/* clang-format off: a table */
static const struct weir_rule rules[] = {
	/*                            name           remedy    blame   counts benched: for, doubled
	 *                                                                    up to; stated up to */
	[WEIR_OUT_OK] = ROW("ok", RETURN, NOBODY, false, 0, 0, 0),
	[WEIR_OUT_CALLER] = ROW("caller", RETURN, NOBODY, false, 0, 0, 0),
	[WEIR_OUT_NOT_HERE] = ROW("not_here", NEXT_STEP, MODEL, false, 10 * MINUTE, 10 * MINUTE,
				  10 * MINUTE),
	[WEIR_OUT_CREDENTIALS] = ROW("credentials", NEXT_KEY, KEY, false, 10 * MINUTE, 10 * MINUTE,
				     10 * MINUTE),
	[WEIR_OUT_QUOTA] = ROW("quota", NEXT_KEY, KEY, false, 10 * MINUTE, 10 * MINUTE, HOUR),
	[WEIR_OUT_RATE_LIMITED] = ROW("rate_limited", NEXT_KEY, TARGET, false, 5 * SECOND, MINUTE,
				      10 * MINUTE),
	[WEIR_OUT_OVERLOADED] = ROW("overloaded", NEXT_STEP, TARGET, true, 0, 0, 10 * MINUTE),
	[WEIR_OUT_SERVER_ERROR] = ROW("server_error", SAME, TARGET, true, 0, 0, 10 * MINUTE),
	[WEIR_OUT_UNREACHABLE] = ROW("unreachable", SAME, TARGET, true, 0, 0, 0),
	[WEIR_OUT_SLOW] = ROW("slow", NEXT_STEP, TARGET, true, 0, 0, 0),
	[WEIR_OUT_CUT] = ROW("cut", SAME, TARGET, true, 0, 0, 0),
	[WEIR_OUT_REPAIRABLE] = ROW("repairable", REPAIR, NOBODY, false, 0, 0, 0),
	[WEIR_OUT_HANGUP] = ROW("hangup", RETURN, NOBODY, false, 0, 0, 0),
};
/* clang-format on */

_Static_assert(sizeof rules / sizeof *rules == WEIR_OUT_N, "one rule per outcome");

const struct weir_rule *weir_outcome_rule(enum weir_outcome outcome)
{
	WEIR_ASSERT(outcome < WEIR_OUT_N);
	return &rules[outcome];
}

const char *weir_outcome_name(enum weir_outcome outcome)
{
	return weir_outcome_rule(outcome)->name;
}
