/* Walks everything that can become of one request of a plan, through the failover machine
 * itself, and sees whether the policy holds: it ends; in time; after no more upstream calls
 * than allowed; nothing follows a caller's fault, nor a commit unless it is to be gone on from.
 *
 * An attempt may end in each way that prove_rows.c lists, at once and, where it makes a
 * difference, as late as it can. Where chance decides between the members of a step, each is
 * chosen. A pause takes as long as it can, or no time where only that leaves time for a retry.
 * The targets are in order when the request begins; then, all of them and each alone, they are
 * open, rate limited with and without a stated return, or at their caps.
 * What is not walked: moments in between, what other requests find out meanwhile, a caller who
 * leaves, and a stale connection that is replaced. */
#pragma once

#include "base/attr.h"
#include "policy/failover.h"

enum {
	WEIR_PROVE_STEPS_MAX = 600 * 1000,          /* of the machine, for one plan */
	WEIR_PROVE_STATES_MAX = 100 * 1000,         /* different ones of it, for one plan */
	WEIR_PROVE_ALL_STEPS_MAX = 8 * 1000 * 1000, /* for all plans of one prover */
	WEIR_PROVE_HOW_MAX = 768                    /* bytes of a path in words */
};

enum weir_promise {
	WEIR_PROMISE_ENDS,   /* some answer comes */
	WEIR_PROMISE_CALLS,  /* max_attempts */
	WEIR_PROMISE_TIME,   /* the deadline, and from commit on stream_timeout */
	WEIR_PROMISE_CALLER, /* after a caller's fault nothing but its answer */
	WEIR_PROMISE_COMMIT, /* after a commit no other attempt, unless it resumes */
	WEIR_PROMISE_N
};

/* "a caller's fault is never retried"… */
const char *weir_promise_text(enum weir_promise promise);

enum weir_walked {
	WEIR_WALKED_PART,     /* a bound was hit, or a promise is broken */
	WEIR_WALKED_IN_ORDER, /* all that begins with every target in order, and part of the rest */
	WEIR_WALKED_ALL
};

#define WEIR_COST_UNKNOWN UINT64_MAX

/* In nano-dollars for a million tokens; WEIR_COST_UNKNOWN. */
struct weir_prove_price {
	uint64_t in, out;
};

struct weir_proof {
	enum weir_walked walked;
	uint64_t paths;  /* that were walked; UINT64_MAX: so many, or more */
	unsigned states; /* different ones they led through */
	/* The worst that was found where all was walked; else upper bounds from the plan alone. */
	unsigned calls;     /* upstream */
	uint64_t answer_ms; /* until the caller has the beginning of an answer, or an error */
	uint64_t end_ms;    /* until it is over */
	uint64_t cost;      /* nano-dollars, with a million tokens into every call, and as many
	                       out of each that answers; WEIR_COST_UNKNOWN */
	enum weir_promise broken;     /* WEIR_PROMISE_N: none */
	char how[WEIR_PROVE_HOW_MAX]; /* the path there, in words; cut when it is longer */
};

struct weir_prover;

/* Instead of the machine's own step: for tests of the prover. */
typedef struct weir_action weir_prove_step(struct weir_failover *f, const struct weir_event *e);

struct weir_prover_options {
	weir_prove_step *step;  /* NULL: weir_failover_step */
	bool every_path;        /* one by one, also those that meet again */
	uint64_t steps_max;     /* of one plan; 0: WEIR_PROVE_STEPS_MAX */
	uint64_t all_steps_max; /* of all; 0: WEIR_PROVE_ALL_STEPS_MAX */
};

/* options NULL: all 0. 0 or WEIR_ENOMEM. */
WEIR_MUST_CHECK int weir_prover_create(struct weir_prover **prover,
				       const struct weir_prover_options *options);
void weir_prover_destroy(struct weir_prover *prover); /* NULL is fine */

/* The plan's targets stay as they are. prices: of each member, step by step; NULL: unknown.
 * A plan of the same shape as an earlier one is not walked again. 0 or WEIR_ENOMEM. */
WEIR_MUST_CHECK int weir_prove(struct weir_prover *prover, const struct weir_plan *plan,
			       const struct weir_prove_price *prices, struct weir_proof *proof);
