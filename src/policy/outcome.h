/* What became of one attempt, and what that means for the request.
 *
 * The table in outcome.c is the failover policy: to change how weir reacts to
 * something, change a row there. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum weir_outcome {
	WEIR_OUT_OK,           /* complete answer relayed */
	WEIR_OUT_CALLER,       /* the request is wrong: every target would refuse it */
	WEIR_OUT_NOT_HERE,     /* this target cannot serve this request; others may */
	WEIR_OUT_CREDENTIALS,  /* 401, 403: our key, not the caller's */
	WEIR_OUT_QUOTA,        /* the key is out of money: time alone will not cure it */
	WEIR_OUT_RATE_LIMITED, /* 429 with hope of recovery */
	WEIR_OUT_OVERLOADED,   /* 503, 529, "overloaded" */
	WEIR_OUT_SERVER_ERROR, /* other 5xx, and answers that are none */
	WEIR_OUT_UNREACHABLE,  /* name, connection or TLS failed, or reset before any answer */
	WEIR_OUT_SLOW,         /* connect, first-token or attempt timer */
	WEIR_OUT_CUT,          /* stream or body ended or stalled before its end marker */
	WEIR_OUT_REPAIRABLE,   /* the target names a field it refuses */
	WEIR_OUT_HANGUP,       /* the caller left */
	WEIR_OUT_N
};

enum weir_remedy {
	WEIR_REMEDY_RETURN,    /* the caller gets this answer at once */
	WEIR_REMEDY_SAME,      /* once more here if it failed quickly, then the next step */
	WEIR_REMEDY_NEXT_KEY,  /* the next key of this step, else the next step */
	WEIR_REMEDY_NEXT_STEP, /* never the same target again in this request */
	WEIR_REMEDY_REPAIR,    /* without the refused field once more here, else the next step */
	WEIR_REMEDY_N
};

/* Who is stepped over for a while. */
enum weir_blame {
	WEIR_BLAME_NOBODY,
	WEIR_BLAME_KEY,   /* the key, whatever model it is used for */
	WEIR_BLAME_MODEL, /* the model at this provider, with whatever key */
	WEIR_BLAME_TARGET /* this model with this key */
};

struct weir_rule {
	const char *name; /* the class, as in logs, trails and metrics */
	enum weir_remedy remedy;
	enum weir_blame blame; /* what is benched */
	bool counts;           /* feeds the breaker */
	uint32_t bench_ms;     /* how long when the provider states no time; 0: not benched */
	uint32_t guess_max_ms; /* doubled each time in a row, up to this */
	uint32_t bench_max_ms; /* what a stated time is capped at */
};

/* Never returns NULL. */
const struct weir_rule *weir_outcome_rule(enum weir_outcome outcome);
const char *weir_outcome_name(enum weir_outcome outcome);
