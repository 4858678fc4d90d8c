#include "policy/outcome.h"

#include "base/assert.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };

/* clang-format off */
static const struct weir_rule rules[] = {
	/*                        name            remedy                  blame              counts bench, stated at most */
	[WEIR_OUT_OK]           = { "ok",           WEIR_REMEDY_RETURN,    WEIR_BLAME_NOBODY, false, 0, 0 },
	[WEIR_OUT_CALLER]       = { "caller",       WEIR_REMEDY_RETURN,    WEIR_BLAME_NOBODY, false, 0, 0 },
	[WEIR_OUT_NOT_HERE]     = { "not_here",     WEIR_REMEDY_NEXT_STEP, WEIR_BLAME_MODEL,  false, 10 * MINUTE, 10 * MINUTE },
	[WEIR_OUT_CREDENTIALS]  = { "credentials",  WEIR_REMEDY_NEXT_KEY,  WEIR_BLAME_KEY,    false, 10 * MINUTE, 10 * MINUTE },
	[WEIR_OUT_QUOTA]        = { "quota",        WEIR_REMEDY_NEXT_KEY,  WEIR_BLAME_KEY,    false, 10 * MINUTE, HOUR },
	[WEIR_OUT_RATE_LIMITED] = { "rate_limited", WEIR_REMEDY_NEXT_KEY,  WEIR_BLAME_KEY,    false, 5 * SECOND,  10 * MINUTE },
	[WEIR_OUT_OVERLOADED]   = { "overloaded",   WEIR_REMEDY_NEXT_STEP, WEIR_BLAME_TARGET, true,  0, 10 * MINUTE },
	[WEIR_OUT_SERVER_ERROR] = { "server_error", WEIR_REMEDY_SAME,      WEIR_BLAME_TARGET, true,  0, 10 * MINUTE },
	[WEIR_OUT_UNREACHABLE]  = { "unreachable",  WEIR_REMEDY_SAME,      WEIR_BLAME_TARGET, true,  0, 0 },
	[WEIR_OUT_SLOW]         = { "slow",         WEIR_REMEDY_NEXT_STEP, WEIR_BLAME_TARGET, true,  0, 0 },
	[WEIR_OUT_CUT]          = { "cut",          WEIR_REMEDY_SAME,      WEIR_BLAME_TARGET, true,  0, 0 },
	[WEIR_OUT_REPAIRABLE]   = { "repairable",   WEIR_REMEDY_REPAIR,    WEIR_BLAME_NOBODY, false, 0, 0 },
	[WEIR_OUT_HANGUP]       = { "hangup",       WEIR_REMEDY_RETURN,    WEIR_BLAME_NOBODY, false, 0, 0 },
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
