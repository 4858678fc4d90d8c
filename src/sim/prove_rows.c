#include "sim/prove_rows.h"

#include "base/attr.h"

/* clang-format off: tables */

#define IN(state) (1u << WEIR_ST_##state)
#define ONCE      (1u << WEIR_AT_ONCE)
#define QUICK     (1u << WEIR_QUICKLY)
#define LATE      (1u << WEIR_LATE)
#define CLOCK     (1u << WEIR_BY_CLOCK)

#define EVENT(words, in, at, line, twist, type_)                         \
	{                                                                \
		words, IN(in), at, WEIR_LINE_##line, WEIR_TWIST_##twist, \
		{                                                        \
			.type = WEIR_EV_##type_                          \
		}                                                        \
	}
#define FAILS(words, at, line, twist, outcome_, ...)                                        \
	{                                                                                   \
		words, IN(TRYING), at, WEIR_LINE_##line, WEIR_TWIST_##twist,                \
		{                                                                           \
			.type = WEIR_EV_RESULT, .outcome = WEIR_OUT_##outcome_, __VA_ARGS__ \
		}                                                                           \
	}
#define ENDS(words, outcome_, ...)                                                          \
	{                                                                                   \
		words, IN(RELAYING), ONCE, WEIR_LINE_ANY, WEIR_TWIST_NONE,                  \
		{                                                                           \
			.type = WEIR_EV_RESULT, .outcome = WEIR_OUT_##outcome_, __VA_ARGS__ \
		}                                                                           \
	}
#define STATED      .retry_after_stated = true
#define TEN_MINUTES 600000

static const struct weir_row rows[] = {
	EVENT("the request begins", IDLE, ONCE, ANY, NONE, START),

	/* Late matters where the same target, or another key of it, comes next: what leaves the
	 * target late leaves it when the clock does. */
	EVENT("connects", TRYING, ONCE, CONNECTING, NONE, CONNECTED),
	EVENT("answers", TRYING, ONCE | LATE, CONNECTED, NONE, COMMIT),
	FAILS("cannot be reached", ONCE, CONNECTING, NONE, UNREACHABLE, .unsent = true),
	FAILS("says 400", ONCE, CONNECTED, NONE, CALLER),
	FAILS("refuses the content", ONCE, CONNECTED, NONE, CALLER, .content_policy = true),
	FAILS("does not know the model", ONCE, CONNECTED, NONE, NOT_HERE, .model_unknown = true),
	FAILS("says it is too long", ONCE, CONNECTED, NONE, NOT_HERE, .overflow = true),
	FAILS("says 401", ONCE, CONNECTED, NONE, CREDENTIALS),
	FAILS("is out of quota", ONCE, CONNECTED, NONE, QUOTA),
	FAILS("says 429", ONCE | LATE, CONNECTED, NONE, RATE_LIMITED),
	FAILS("says 429 for so long", ONCE | LATE, CONNECTED, WAITED_OUT, RATE_LIMITED, STATED),
	FAILS("says 429 for ten minutes", ONCE, CONNECTED, NONE, RATE_LIMITED, STATED,
	      .retry_after_ms = TEN_MINUTES),
	FAILS("says 503", ONCE, CONNECTED, NONE, OVERLOADED),
	FAILS("says 503 for so long", ONCE, CONNECTED, PAUSED, OVERLOADED, STATED),
	FAILS("says 500", ONCE, CONNECTED, JITTER, SERVER_ERROR),
	FAILS("says 500 for so long", QUICK, CONNECTED, PAUSED, SERVER_ERROR, STATED),
	FAILS("is cut", ONCE, CONNECTED, NONE, CUT),
	FAILS("refuses a field", ONCE | LATE, CONNECTED, NONE, REPAIRABLE, .can_repair = true),
	EVENT("runs into its clock", TRYING, CLOCK, ANY, NONE, TIMEOUT),

	EVENT("the pause is over", WAITING, CLOCK, ANY, NONE, TIMEOUT),
	EVENT("the pause is over, and others were told to wait", WAITING, CLOCK, ANY, ELSEWHERE,
	      TIMEOUT),

	EVENT("there is room", QUEUED, ONCE | LATE, ANY, ROOM, ROOM),
	EVENT("there is no room", QUEUED, CLOCK, ANY, NONE, TIMEOUT),

	ENDS("is complete", OK),
	ENDS("is cut after commit", CUT, .can_resume = true),
	ENDS("is cut beyond repair", CUT),
	EVENT("stalls", RELAYING, CLOCK, ANY, NONE, TIMEOUT),
	EVENT("goes on and on", RELAYING, CLOCK, ANY, STREAMS_ON, TIMEOUT),
};

static const struct weir_sickness sicknesses[] = {
	{ "open", WEIR_BREAKER_ROW, WEIR_OUT_UNREACHABLE, false, 0, false },
	{ "rate limited for 10 s", 1, WEIR_OUT_RATE_LIMITED, true, WEIR_WAIT_OUT_MAX_MS, false },
	{ "rate limited", 1, WEIR_OUT_RATE_LIMITED, false, 0, false },
	{ "at its cap", 0, WEIR_OUT_OK, false, 0, true },
};
/* clang-format on */

const struct weir_row *weir_prove_rows(unsigned *n)
{
	*n = WEIR_COUNT_OF(rows);
	return rows;
}

const struct weir_sickness *weir_prove_sicknesses(unsigned *n)
{
	*n = WEIR_COUNT_OF(sicknesses);
	return sicknesses;
}
