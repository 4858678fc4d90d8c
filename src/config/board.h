/* The policy's shared state for one configuration: what is known of its targets' health,
 * and the pools its requests share. One per gateway and configuration; only the failover
 * machine writes into it. All pointers it gives stay valid for its life.
 *
 * What is known outlives it: a board for the next configuration takes over what it knows of
 * providers (by name and place), keys (by what they are) and models that stay, and both share
 * it as long as requests of the old one are under way. */
#pragma once

#include "base/shm.h"
#include "config/config.h"
#include "dialect/lessons.h"
#include "policy/plan.h"

struct weir_board;

/* Everything in order, nothing in flight. config must outlive it. 0 or WEIR_ENOMEM. */
WEIR_MUST_CHECK int weir_board_create(struct weir_board **board, const struct weir_config *config);
/* For a configuration that is to follow that of before (NULL: none). Nothing changes yet, and it
 * is not to be used before weir_board_settle(), with the same before. shm: in common with other
 * processes, who then do the same; whoever asks what a board gives is inside. NULL: alone. */
WEIR_MUST_CHECK int weir_board_create_after(struct weir_board **board,
					    const struct weir_config *config,
					    const struct weir_board *before, struct weir_shm *shm);
/* From now on the shared state goes by this configuration's limits, and counts its keys. */
void weir_board_settle(struct weir_board *board, const struct weir_board *before);
/* Before its configuration. */
void weir_board_destroy(struct weir_board *board); /* NULL is fine */

/* The members of a step: each of its targets with each of that one's keys. */
struct weir_balancer *weir_board_step(struct weir_board *board, const struct weir_chain *chain,
				      unsigned step);
/* A target alone, balanced over its keys, with the timers of the defaults. Those of
 * zero-config are made when they are first asked for. NULL: out of memory. */
struct weir_balancer *weir_board_target(struct weir_board *board, const struct weir_target *target);
/* Of a target with one of its provider's keys; key 0 where there are none. NULL: out of
 * memory. */
struct weir_health *weir_board_health(struct weir_board *board, const struct weir_target *target,
				      unsigned key);

/* What an operator says of a target, or of it with one of its keys; key WEIR_KEYS_MAX: of all
 * its keys, which then have no word of their own. 0 or WEIR_ENOMEM. */
WEIR_MUST_CHECK int weir_board_disable(struct weir_board *board, const struct weir_target *target,
				       unsigned key, bool disabled);

/* What the target has said it refuses; NULL: nothing yet. */
const struct weir_lessons *weir_board_lessons(const struct weir_board *board,
					      const struct weir_target *target);
/* The same to add to; NULL: out of memory. */
struct weir_lessons *weir_board_lessons_of(struct weir_board *board,
					   const struct weir_target *target);

/* chain NULL: of requests outside all chains. */
struct weir_hedges *weir_board_hedges(struct weir_board *board, const struct weir_chain *chain);
struct weir_queue *weir_board_queue(struct weir_board *board, const struct weir_chain *chain);

/* What the chain (or the defaults) says of a plan whose steps stand. */
void weir_board_policy(struct weir_board *board, const struct weir_chain *chain, bool stream,
		       struct weir_plan *plan);
/* The whole chain as the plan of a request without wishes. */
void weir_board_plan(struct weir_board *board, const struct weir_chain *chain, bool stream,
		     struct weir_plan *plan);
