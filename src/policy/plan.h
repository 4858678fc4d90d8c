/* What one request may do: its steps, its clocks, how often it may ask. Made once from the
 * configuration and the caller's wishes; the failover machine walks it. */
#pragma once

#include "policy/balance.h"

enum {
	WEIR_PLAN_STEPS_MAX = 16,
	WEIR_QUICK_MS = 2000,         /* a try that failed slower is not repeated in place */
	WEIR_WAIT_OUT_MAX_MS = 10000, /* a stated return worth waiting for, once */
	WEIR_RESERVE_MAX_MS = 10000,  /* of the deadline, kept for the last step */
	WEIR_LEAST_ATTEMPT_MS = 1000, /* no further attempt with less time left; see has_time */
	WEIR_QUEUE_MAX = 64,          /* requests of one chain that wait for capacity */
	WEIR_QUEUE_MS = 1000,         /* and how long */
	WEIR_PATIENCE_MS = 5000,      /* who is cut off sooner by the caller is not slow yet */
	WEIR_HEDGE_LEAST_MS = 300,    /* a second attempt is never begun before */
	WEIR_ATTEMPTS_DEFAULT = 4,
	WEIR_ATTEMPTS_DEFAULT_MAX = 8
};

enum weir_overflow { WEIR_OVERFLOW_AUTO, WEIR_OVERFLOW_NEXT, WEIR_OVERFLOW_RETURN };

struct weir_plan_step {
	struct weir_balancer *pool;       /* shared with all requests */
	const struct weir_timers *timers; /* for all members; NULL: each has its own */
	unsigned retries;                 /* in place, over all its members */
	uint64_t attempt_ms;              /* the caller's wish for each of its attempts; 0: none */
	uint64_t unfit; /* members that cannot carry this request: bit each; never tried */
};

/* Requests that wait until a target at its cap has room. */
struct weir_queue {
	unsigned n; /* at most WEIR_QUEUE_MAX */
};

struct weir_plan {
	unsigned steps_n;
	unsigned max_attempts;
	bool stream;
	bool stateful;     /* sent twice it might act twice: again only what was never sent */
	bool policy_next;  /* a refusal for content goes on to the next step */
	bool repair_first; /* the first step's request may be repaired, too */
	bool repair_later;
	bool resume; /* a stream cut after commit goes on at the next target */
	bool hedge;
	bool hurried; /* the caller wants some of it sooner than is configured */
	enum weir_overflow overflow;
	uint64_t deadline_ms; /* whole request, until commit */
	uint64_t stream_ms;   /* from commit to the end */
	uint64_t attempt_ms;  /* the caller's wish for each attempt; 0: as the step says */
	uint64_t tokens;      /* about how many it costs, for tpm */
	uint64_t affinity;    /* 0: none */
	unsigned drift_percent;
	unsigned holder;            /* which process */
	struct weir_hedges *hedges; /* NULL: none are made */
	struct weir_queue *queue;   /* NULL: nobody waits */
	struct weir_plan_step steps[WEIR_PLAN_STEPS_MAX];
};

/* max(4, retries + steps), at most 8. */
unsigned weir_plan_attempts(unsigned retries, unsigned steps_n);
