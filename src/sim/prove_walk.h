/* One walk of a plan: the prover's own, see prove.h. */
#pragma once

#include "sim/prove.h"
#include "sim/prove_rows.h"
#include "sim/scene.h"

enum {
	WEIR_WALK_MEMO_N = 1 << 17,
	WEIR_WALK_BEGAN_MS = 1 << 20 /* when every request begins */
};

_Static_assert((int)WEIR_PROVE_STATES_MAX < (int)WEIR_WALK_MEMO_N, "it is never full");

/* What lies beyond a state. */
struct weir_beyond {
	uint64_t paths;
	uint64_t cost; /* of the dearest; prices that are not known are 0 here */
};

struct weir_memo {
	struct weir_scene_key key;
	unsigned walk; /* of another one: free */
	bool open;     /* what lies beyond is being found out */
	struct weir_beyond beyond;
};

/* One event, and what the machine said to it. */
struct weir_turn {
	const struct weir_row *row;
	enum weir_moment moment;
	unsigned flight;
	const struct weir_spot *favour; /* where it must go; NULL: anywhere */
	bool short_pause;               /* it must be a pause, of no time */
	uint64_t now_ms;
	struct weir_spot spot; /* where the machine stood */
	struct weir_action action;
};

struct weir_proving {
	weir_prove_step *step;
	const struct weir_prove_price *prices; /* NULL: unknown */
	struct weir_memo *memo;                /* WEIR_WALK_MEMO_N; NULL: every path is walked */
	unsigned walk;                         /* its number, for the memo */
	uint64_t steps;                        /* that it may still take */
	struct weir_scene scene;
	unsigned depth_max;
	unsigned char *saved;                 /* the scene at each depth, and before all of them */
	struct weir_turn *turns;              /* at each depth */
	const struct weir_sickness *sickness; /* of some targets at first; NULL: none */
	uint64_t sick;                        /* models, a bit each */
	bool in_order;                        /* all is walked from where no target is sick */
	bool stop;                            /* no steps are left, or a promise is broken */

	/* What was found so far. */
	struct weir_beyond beyond;
	unsigned states, calls;
	uint64_t answer_ms, end_ms;
	enum weir_promise broken; /* WEIR_PROMISE_N: none */
	unsigned broken_turns;    /* that led there */
};

/* The plan's prices are not known here, and it may take no steps; see scene.h. 0, WEIR_ENOMEM
 * or WEIR_ELIMIT. */
WEIR_MUST_CHECK int weir_proving_init(struct weir_proving *proving, const struct weir_plan *plan);
void weir_proving_fini(struct weir_proving *proving);

/* Everything that can become of a request while these models are sick, or none. */
void weir_proving_walk(struct weir_proving *proving, const struct weir_sickness *sickness,
		       uint64_t sick);

/* The path to the promise that is broken. */
void weir_proving_tell(const struct weir_proving *proving, char *text, size_t size);
