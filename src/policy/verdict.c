#include "policy/verdict.h"

#include <stddef.h>

#include "base/assert.h"

/* clang-format off: tables */

#define LIMIT  "rate_limit_error"
#define SERVER "server_error"

/* What the caller is told. */
static const struct weir_final_row finals[] = {
	/*                            name  status  may return  type, code, message */
	[WEIR_FINAL_OK] = { "ok", 200, false, NULL, NULL, NULL },
	[WEIR_FINAL_OWN] = { "own", 400, false, NULL, NULL, NULL },
	[WEIR_FINAL_RATE_LIMITED] = { "rate_limited", 429, true, LIMIT, "rate_limit_exceeded",
				      "every target is rate limited" },
	[WEIR_FINAL_QUOTA] = { "quota", 429, true, LIMIT, "insufficient_quota",
			       "every target is out of quota" },
	[WEIR_FINAL_DEADLINE] = { "deadline", 504, false, SERVER, "deadline_exceeded",
				  "no target answered in time" },
	[WEIR_FINAL_OVERLOADED] = { "overloaded", 503, true, SERVER, "overloaded",
				    "the targets are overloaded" },
	[WEIR_FINAL_UNUSABLE] = { "unusable", 503, true, SERVER, "no_usable_target",
				  "no target can be used at the moment" },
	[WEIR_FINAL_EXHAUSTED] = { "exhausted", 502, false, SERVER, "chain_exhausted",
				   "every target failed" },
	[WEIR_FINAL_CUT] = { "cut", 502, false, SERVER, "stream_cut",
			     "the provider's answer was cut off" },
};

static const char *const timer_reasons[] = {
	[WEIR_TIMER_CONNECT] = "connect_timeout",
	[WEIR_TIMER_FIRST_TOKEN] = "ttfb",
	[WEIR_TIMER_ATTEMPT] = "attempt_timeout",
	[WEIR_TIMER_DEADLINE] = "deadline",
	[WEIR_TIMER_STALL] = "stall_timeout",
	[WEIR_TIMER_STREAM] = "stream_timeout",
	[WEIR_TIMER_WAIT] = "wait",
	[WEIR_TIMER_HEDGE] = "hedge",
	[WEIR_TIMER_QUEUE] = "queue",
};
/* clang-format on */

_Static_assert(sizeof finals / sizeof *finals == WEIR_FINAL_N, "one row per end");
_Static_assert(sizeof timer_reasons / sizeof *timer_reasons == WEIR_TIMER_N, "one per timer");

enum weir_final weir_verdict_of(const struct weir_seen *seen, bool out_of_time)
{
	const uint8_t *tried = seen->tried;
	unsigned limited = tried[WEIR_OUT_RATE_LIMITED] + tried[WEIR_OUT_QUOTA];
	bool only_limited = limited == seen->attempts;

	if (tried[WEIR_OUT_NOT_HERE] || tried[WEIR_OUT_REPAIRABLE])
		return WEIR_FINAL_OWN;
	if (only_limited && seen->past == seen->past_limited && limited + seen->past_limited) {
		if (tried[WEIR_OUT_RATE_LIMITED] || seen->past_limited > seen->past_quota)
			return WEIR_FINAL_RATE_LIMITED;
		return WEIR_FINAL_QUOTA;
	}
	if (out_of_time || (seen->attempts && tried[WEIR_OUT_SLOW] == seen->attempts))
		return WEIR_FINAL_DEADLINE;
	if (only_limited)
		return WEIR_FINAL_UNUSABLE;
	return tried[WEIR_OUT_OVERLOADED] ? WEIR_FINAL_OVERLOADED : WEIR_FINAL_EXHAUSTED;
}

const struct weir_final_row *weir_final_row(enum weir_final final)
{
	WEIR_ASSERT(final < WEIR_FINAL_N);
	return &finals[final];
}

const char *weir_timer_reason(enum weir_timer timer)
{
	WEIR_ASSERT(timer < WEIR_TIMER_N);
	return timer_reasons[timer];
}
