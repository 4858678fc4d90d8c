/* Decides, for one request, which target to try next and when.
 *
 * Pure: no socket, no clock, no allocation. The caller reports each event with the time
 * it happened, obeys the returned action, and calls back with WEIR_EV_TIMEOUT once
 * weir_failover_deadline() has passed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "policy/outcome.h"

#define WEIR_NEVER UINT64_MAX

enum {
	WEIR_PLAN_STEPS_MAX = 16,
	WEIR_QUICK_MS = 2000,         /* a try that failed slower is not repeated in place */
	WEIR_WAIT_OUT_MAX_MS = 10000, /* a stated return worth waiting for, once */
	WEIR_RESERVE_MAX_MS = 10000,  /* of the deadline, kept for the last step */
	WEIR_LEAST_ATTEMPT_MS = 1000, /* no further attempt with less time left; see plan */
	WEIR_ATTEMPTS_DEFAULT = 4,
	WEIR_ATTEMPTS_DEFAULT_MAX = 8
};

enum weir_overflow { WEIR_OVERFLOW_AUTO, WEIR_OVERFLOW_NEXT, WEIR_OVERFLOW_RETURN };

struct weir_plan_step {
	unsigned keys_n;         /* equal members of this step, tried in order */
	unsigned retries;        /* in place, over all its keys */
	uint64_t connect_ms;     /* name, TCP and TLS */
	uint64_t first_token_ms; /* streams: until the first content */
	uint64_t attempt_ms;     /* until commit */
	uint64_t stall_ms;       /* after commit, between bytes */
	uint64_t context_tokens; /* the target's window; 0: not known */
};

struct weir_plan {
	unsigned steps_n;
	unsigned max_attempts;
	bool stream;
	bool policy_next;  /* a refusal for content goes on to the next step */
	bool repair_first; /* the first step's request may be repaired, too */
	bool repair_later;
	enum weir_overflow overflow;
	uint64_t deadline_ms; /* whole request, until commit */
	uint64_t stream_ms;   /* from commit to the end */
	struct weir_plan_step steps[WEIR_PLAN_STEPS_MAX];
};

/* max(4, retries + steps), at most 8. */
unsigned weir_plan_attempts(unsigned retries, unsigned steps_n);

enum weir_state {
	WEIR_ST_IDLE,     /* not started */
	WEIR_ST_TRYING,   /* one attempt in flight, nothing shown to the caller yet */
	WEIR_ST_WAITING,  /* between attempts */
	WEIR_ST_RELAYING, /* the caller has seen bytes: no way back */
	WEIR_ST_OVER,     /* answered, failed or abandoned */
	WEIR_ST_N
};

enum weir_event_type {
	WEIR_EV_START,
	WEIR_EV_SKIPPED,   /* the target just chosen may not be tried (at its cap): no attempt */
	WEIR_EV_CONNECTED, /* the connection stands: the connect timer ends */
	WEIR_EV_REPLACED,  /* it was a stale one: a fresh one is begun, not counted */
	WEIR_EV_COMMIT,    /* the answer is worth showing */
	WEIR_EV_PROGRESS,  /* after commit: more of it came */
	WEIR_EV_RESULT,    /* the attempt is over: see outcome */
	WEIR_EV_TIMEOUT,   /* the deadline passed */
	WEIR_EV_HANGUP,    /* the caller went away */
	WEIR_EV_N
};

struct weir_event {
	enum weir_event_type type;
	uint64_t now_ms;
	/* WEIR_EV_RESULT only: */
	enum weir_outcome outcome;
	bool overflow;       /* not_here because the context is too long */
	bool content_policy; /* caller, refused for its content */
	bool can_repair;     /* repairable, and the field named can be dropped */
	bool retry_after_stated;
	uint64_t retry_after_ms;
};

enum weir_action_type {
	WEIR_DO_NOTHING,
	WEIR_DO_TRY,    /* start an attempt at step, key */
	WEIR_DO_WAIT,   /* nothing in flight until the deadline; keep the request body */
	WEIR_DO_RELAY,  /* commit: free the request body, pass bytes through */
	WEIR_DO_FINISH, /* see final; answer unless bytes have been shown */
	WEIR_DO_ABANDON /* cancel the attempt, answer nobody */
};

/* What the caller is told when it is over; the table is in failover.c. */
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
	WEIR_TIMER_N
};

const char *weir_timer_reason(enum weir_timer timer);

struct weir_action {
	enum weir_action_type type;
	unsigned step, key;    /* TRY, WAIT */
	bool fallback;         /* TRY, WAIT: another target than the one before */
	bool repair;           /* TRY: without the refused field */
	enum weir_final final; /* FINISH */
	unsigned own;          /* FINISH own: which attempt, counted from 0 */
	bool retry_after_stated;
	uint64_t retry_after_ms; /* FINISH: the soonest any target returns */
};

struct weir_failover {
	const struct weir_plan *plan;
	struct weir_rng *rng;
	enum weir_state state;
	unsigned step, key; /* being tried, or to be tried after the wait */
	unsigned attempts;  /* upstream calls so far, the current one included */
	unsigned retries;   /* in place, at this step */
	bool connected, waited, out_of_time;
	bool stalled;          /* the driver has given a late clock its second look */
	uint32_t repaired;     /* steps whose request was repaired once: bit per step */
	enum weir_timer timer; /* what wake_ms stands for */
	uint64_t tried_ms;     /* when the current attempt began */
	uint64_t opened_ms;    /* when its connection was begun */
	uint64_t give_up_ms;   /* deadline, absolute */
	uint64_t stream_end_ms;
	uint64_t wake_ms;          /* next deadline, absolute */
	unsigned seen[WEIR_OUT_N]; /* attempts by outcome */
	unsigned own;              /* the last attempt whose own answer may be shown */
	/* The soonest return: of what any target said or is benched for, and of what one
	 * stated itself, which may be waited for. */
	bool return_known;
	uint64_t return_ms, stated_ms;
	unsigned stated_step, stated_key;
};

/* plan and rng must outlive f. */
void weir_failover_init(struct weir_failover *f, const struct weir_plan *plan,
			struct weir_rng *rng);

struct weir_action weir_failover_step(struct weir_failover *f, const struct weir_event *e);

/* When to call back with WEIR_EV_TIMEOUT: absolute, or WEIR_NEVER. */
uint64_t weir_failover_deadline(const struct weir_failover *f);

const char *weir_state_name(enum weir_state state);
