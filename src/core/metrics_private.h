/* The counters' inside, shared by metrics.c (counting), metrics_text.c and status.c. */
#pragma once

#include "core/metrics.h"

struct weir_pair {
	const struct weir_target *target;
	uint64_t attempts[WEIR_OUT_N];
	uint64_t cost_nano; /* of the answers it served */
};

struct weir_fallback_series {
	const struct weir_target *from, *to;
	uint64_t counts[WEIR_FALLBACK_CLASS_N];
};

struct weir_chain_metrics {
	const char *name;
	uint64_t requests[WEIR_REQUEST_OUTCOME_N];
	struct weir_histogram request_seconds, first_token_seconds;
	struct weir_pair *pairs;
	unsigned pairs_n, pairs_cap;
	struct weir_fallback_series *fallbacks;
	unsigned fallbacks_n, fallbacks_cap;
};

struct weir_target_metrics {
	const struct weir_target *target;
	uint64_t tokens_in, tokens_out, tokens_cached;
	uint64_t cost_states[WEIR_COST_STATE_N]; /* answers */
	uint64_t tokens_wasted, wasted_nano;
};

struct weir_metrics {
	const struct weir_config *config;
	struct weir_board *board;
	struct weir_chain_metrics *chains; /* by index; the last one is "other" */
	unsigned chains_n;
	struct weir_target_metrics *targets; /* by index */
	unsigned targets_n;
	struct weir_histogram overhead_seconds;
	unsigned inflight, clients;
	uint64_t requests, clients_total, fallbacks, errors, events_dropped, series_lost;
	uint64_t hedges, hedges_won, resumed, queued;
};
