/* What a request has seen, and what its caller is told when it is over. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "policy/outcome.h"

enum weir_final {
	WEIR_FINAL_OK,
	WEIR_FINAL_OWN, /* the provider's own answer of attempt `own`, unchanged */
	WEIR_FINAL_RATE_LIMITED,
	WEIR_FINAL_QUOTA,
	WEIR_FINAL_DEADLINE,
	WEIR_FINAL_OVERLOADED,
	WEIR_FINAL_UNUSABLE, /* no target could be tried at all */
	WEIR_FINAL_EXHAUSTED,
	WEIR_FINAL_CUT, /* after commit: the stream ends with an error event */
	WEIR_FINAL_N
};

struct weir_final_row {
	const char *name;
	unsigned status;
	bool may_return;         /* carries the soonest time a target returns */
	const char *type, *code; /* of the OpenAI-shaped error */
	const char *message;
};

const struct weir_final_row *weir_final_row(enum weir_final final);

/* Which clock ran out, for the attempt's reason. */
enum weir_timer {
	WEIR_TIMER_CONNECT,
	WEIR_TIMER_FIRST_TOKEN,
	WEIR_TIMER_ATTEMPT,
	WEIR_TIMER_DEADLINE,
	WEIR_TIMER_STALL,
	WEIR_TIMER_STREAM,
	WEIR_TIMER_WAIT,
	WEIR_TIMER_HEDGE,
	WEIR_TIMER_QUEUE,
	WEIR_TIMER_N
};

const char *weir_timer_reason(enum weir_timer timer);

/* The books of one request. */
struct weir_seen {
	uint8_t tried[WEIR_OUT_N]; /* attempts by outcome */
	uint8_t attempts;          /* their sum */
	unsigned own;              /* the last attempt whose own answer may be shown */
	/* Targets that were not tried because they may not be: all; for lack of rate or quota;
	 * for lack of quota. */
	unsigned past, past_limited, past_quota;
};

/* The most actionable of all that was seen; a caller's fault never comes here. */
enum weir_final weir_verdict_of(const struct weir_seen *seen, bool out_of_time);
