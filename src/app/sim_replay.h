/* `weir sim --from`: what a log's requests would have met on other chains. */
#pragma once

#include "config/config.h"

struct weir_sim_replay_order {
	const char *log;
	const char *of; /* only requests of this chain; NULL: all */
	const char *const *chains;
	unsigned chains_n; /* 0: all of the configuration */
	uint64_t seed;
	bool json;
};

/* Prints the trade of each candidate; an exit code. */
int weir_sim_replay(const struct weir_sim_replay_order *order, const struct weir_config *config);
