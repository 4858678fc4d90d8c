/* A chain of a configuration, ready for simulated traffic. */
#pragma once

#include "config/board.h"
#include "sim/traffic.h"

struct weir_sim_chain {
	const struct weir_config *config;
	const struct weir_chain *chain;
	const struct weir_target *targets[WEIR_MEMBERS_MAX]; /* distinct, in the chain's order */
	unsigned targets_n;
	uint64_t prices[WEIR_MEMBERS_MAX]; /* for balancing; WEIR_PRICE_UNKNOWN: as configured */
	unsigned workers;
	struct weir_shm *shm; /* what they have in common; NULL: there is one */
	struct weir_board *boards[WEIR_TRAFFIC_WORKERS_MAX];
	struct weir_plan *plans[2]; /* one for each of them */
	struct weir_buf text;       /* its steps, as "a > b | c > d" */
};

/* The one of that name (NULL: the configuration's first). config must outlive it. False:
 * there is none. */
bool weir_sim_chain_find(struct weir_sim_chain *c, const struct weir_config *config,
			 const char *name);
void weir_sim_chain_fini(struct weir_sim_chain *c); /* zeroed is fine */

/* Its targets as traffic has them, with what is known of their prices. */
void weir_sim_chain_targets(const struct weir_sim_chain *c, struct weir_traffic_target *targets);
/* Whose step is it in? From 0. */
bool weir_sim_chain_has(const struct weir_sim_chain *c, unsigned step, unsigned target);

/* A fresh board for each worker: nothing is known of anybody, and what one learns is known to all,
 * by what the proxy's workers have in common. Plans are made over them. 0 or WEIR_ENOMEM. */
WEIR_MUST_CHECK int weir_sim_chain_begin(struct weir_sim_chain *c, unsigned workers);
/* The run, as one process: it is inside for as long as it takes. */
WEIR_MUST_CHECK int weir_sim_chain_run(struct weir_sim_chain *c, struct weir_traffic *traffic,
				       struct weir_book *book);

/* As for the proxy, but a key that the environment does not have is made up: nobody is
 * called. Findings as weir_config_load(). */
WEIR_MUST_CHECK int weir_sim_config(struct weir_config **config, struct weir_slice text,
				    const char *file, struct weir_findings *findings);
/* The whole file, to be freed; 0, WEIR_ENOMEM, or WEIR_ECONFIG with a finding. */
WEIR_MUST_CHECK int weir_sim_file(const char *path, struct weir_buf *text,
				  struct weir_findings *findings);
