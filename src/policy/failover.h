/* Decides, for one request, which target to try next and when.
 *
 * Pure: no socket, no clock, no allocation. The caller reports each event with the time
 * it happened, obeys the returned action, and calls back with WEIR_EV_TIMEOUT once
 * weir_failover_deadline() has passed. What is known of the targets across requests
 * (policy/health.h) is asked and fed here, so that the caller has nothing to book. */
#pragma once

#include "policy/flight.h"

enum weir_state {
	WEIR_ST_IDLE,     /* not started */
	WEIR_ST_TRYING,   /* one attempt in flight, or two; nothing new shown to the caller yet */
	WEIR_ST_WAITING,  /* between attempts */
	WEIR_ST_QUEUED,   /* every target that could be tried is at its cap */
	WEIR_ST_RELAYING, /* the caller has seen bytes */
	WEIR_ST_OVER,     /* answered, failed or abandoned */
	WEIR_ST_N
};

enum weir_event_type {
	WEIR_EV_START,
	WEIR_EV_CONNECTED, /* the connection stands: the connect timer ends */
	WEIR_EV_REPLACED,  /* it was a stale one: a fresh one is begun, not counted */
	WEIR_EV_COMMIT,    /* the answer is worth showing */
	WEIR_EV_PROGRESS,  /* after commit: more of it came */
	WEIR_EV_RESULT,    /* the attempt is over: see outcome */
	WEIR_EV_TIMEOUT,   /* the deadline passed */
	WEIR_EV_ROOM,      /* a target at its cap may have room again */
	WEIR_EV_HANGUP,    /* the caller went away */
	WEIR_EV_N
};

struct weir_event {
	enum weir_event_type type;
	uint64_t now_ms;
	unsigned attempt; /* CONNECTED, REPLACED, COMMIT, RESULT: which; see TRY */
	/* COMMIT, RESULT: what the answer's head said of rate limits. */
	struct weir_limits_news limits;
	/* RESULT only: */
	enum weir_outcome outcome;
	bool overflow;       /* not_here because the context is too long */
	bool model_unknown;  /* not_here because nobody knows the model there */
	bool model_refused;  /* credentials: the key may not use this model */
	bool content_policy; /* caller, refused for its content */
	bool can_repair;     /* repairable, and the field named can be dropped */
	bool added;          /* …and is none of the caller's: no leave is needed */
	bool never_fits;     /* rate_limited: larger than the limit itself, waiting is no use */
	bool unsent;         /* nothing of the request had left */
	bool local;          /* for want of something here: nobody is blamed */
	bool can_resume;     /* cut after commit: what was shown can be gone on from */
	bool retry_after_stated;
	uint64_t retry_after_ms;
};

enum weir_action_type {
	WEIR_DO_NOTHING,
	WEIR_DO_TRY,    /* start an attempt; any other is over */
	WEIR_DO_HEDGE,  /* start a second attempt beside the first */
	WEIR_DO_DROP,   /* cancel this attempt; the other one goes on */
	WEIR_DO_WAIT,   /* nothing in flight until the deadline; keep the request body */
	WEIR_DO_QUEUE,  /* the same, and WEIR_EV_ROOM whenever an attempt anywhere ends */
	WEIR_DO_RELAY,  /* commit: cancel any other attempt, pass this one's bytes through */
	WEIR_DO_FINISH, /* see final; answer unless bytes have been shown */
	WEIR_DO_ABANDON /* cancel what is in flight, answer nobody */
};

struct weir_action {
	enum weir_action_type type;
	unsigned attempt;      /* TRY, HEDGE: its number, from 0; DROP, RELAY: which */
	struct weir_spot spot; /* TRY, HEDGE, WAIT */
	bool fallback;         /* TRY, WAIT: a move to another target, or past one */
	bool repair;           /* TRY: without the refused field */
	bool resume;           /* TRY: go on from what was shown */
	enum weir_final final; /* FINISH */
	unsigned own;          /* FINISH own: which attempt */
	bool retry_after_stated;
	uint64_t retry_after_ms; /* FINISH: the soonest any target returns */
};

struct weir_failover {
	const struct weir_plan *plan;
	struct weir_rng *rng;
	enum weir_state state;
	struct weir_walk walk; /* what was tried, and what was gone past by the last step() */
	struct weir_spot spot; /* where it stands: being tried, or to be tried after the wait */
	unsigned retries;      /* in place, at this step */
	unsigned fallbacks;    /* moves to another target, or past one */
	bool retrying;         /* what is waited for is a retry in place */
	bool waited, queued, hedged, out_of_time;
	bool shown;              /* committed once: from here on it can only be gone on from */
	bool stalled;            /* the driver has given a late clock its second look */
	uint32_t repaired;       /* steps whose request was repaired once: bit per step */
	struct weir_clock clock; /* the next deadline */
	/* The first is the one that counts; the second, if live, a hedge. */
	struct weir_flight flights[2];
	struct weir_seen seen;
};

/* plan and rng must outlive f. */
void weir_failover_init(struct weir_failover *f, const struct weir_plan *plan,
			struct weir_rng *rng);

struct weir_action weir_failover_step(struct weir_failover *f, const struct weir_event *e);

/* WEIR_EV_PROGRESS while it relays, in short: there is nothing to do about it. */
void weir_failover_progress(struct weir_failover *f, uint64_t now_ms);

/* When to call back with WEIR_EV_TIMEOUT: absolute, or WEIR_NEVER. */
uint64_t weir_failover_deadline(const struct weir_failover *f);

const char *weir_state_name(enum weir_state state);
