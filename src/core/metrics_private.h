/* The counters' inside, shared by metrics.c (counting), metrics_series.c (what is counted by
 * name), metrics_text.c and metrics_targets.c (telling), and status.c. */
#pragma once

#include "core/metrics.h"
#include "core/track.h"

enum { WEIR_TOKEN_WINDOWS = 12 }; /* of the percentiles in /status: a minute */

struct weir_failures; /* recent.h */

struct weir_target_metrics {
	char *id;
	unsigned place;      /* in metrics->targets */
	unsigned references; /* of ledgers, and of what was lately */
	uint64_t tokens_in, tokens_out, tokens_cached;
	uint64_t cost_states[WEIR_COST_STATE_N]; /* answers */
	uint64_t tokens_wasted, wasted_nano;
	uint64_t retries, connects[2]; /* [reused] */
	struct weir_histogram attempt_seconds;
	uint64_t all_nano;              /* in whatever chain; reckoned by status.c */
	struct weir_failures *failures; /* NULL: none yet */
	uint8_t stood[WEIR_KEYS_MAX];   /* enum weir_stand_state, with each key */
};

struct weir_pair {
	struct weir_target_metrics *target;
	uint64_t attempts[WEIR_OUT_N];
	uint64_t cost_nano; /* of the answers it served */
	struct weir_track served_track;
};

struct weir_fallback_series {
	struct weir_target_metrics *from, *to;
	uint64_t counts[WEIR_FALLBACK_CLASS_N];
};

struct weir_chain_metrics {
	char *name;
	unsigned references; /* likewise */
	uint64_t requests[WEIR_REQUEST_OUTCOME_N];
	uint64_t exhausted[WEIR_FINAL_N]; /* their sum is that outcome's */
	struct weir_histogram request_seconds, first_token_seconds;
	struct weir_track track, moved_track, failed_track;   /* of requests */
	uint64_t tokens_seen[WEIR_HISTOGRAM_BUCKETS_MAX + 1]; /* when the last window was filled */
	uint32_t token_window[WEIR_TOKEN_WINDOWS][WEIR_HISTOGRAM_BUCKETS_MAX + 1];
	struct weir_pair *pairs;
	unsigned pairs_n, pairs_cap;
	struct weir_fallback_series *fallbacks;
	unsigned fallbacks_n, fallbacks_cap;
};

struct weir_metrics {
	struct weir_shm *shm; /* NULL: nobody else looks */
	bool changing;        /* left behind by one who was killed at it: not to be trusted */
	bool manned;          /* a process has them; of a sum: one has */
	struct weir_vitals vitals;
	struct weir_chain_metrics **chains;
	unsigned chains_n, chains_cap;
	struct weir_target_metrics **targets;
	unsigned targets_n, targets_cap;
	struct weir_histogram overhead_seconds, turn_seconds;
	uint64_t rejected[WEIR_REJECTION_N], body_bytes;
	double memory_used;
	unsigned inflight, clients, waiting, snapshots, readers;
	uint64_t handshakes[2]; /* callers', failed and done */
	uint64_t requests, clients_total, fallbacks, errors, events_dropped, series_lost;
	uint64_t hedges, hedges_won, resumed, queued, readers_dropped;
	unsigned generation;
	bool reload_ok;
	uint64_t reloads, reloads_failed, loaded_unix_s, began_unix_s;
};

struct weir_ledger {
	struct weir_metrics *metrics;
	struct weir_chain_metrics **chains; /* by index; the last one is "other" */
	unsigned chains_n;
	struct weir_target_metrics **targets; /* by index; those of zero-config may come later */
	unsigned targets_n;
};

/* The series of that name, made when it is new, with one more reference. NULL: out of memory. */
WEIR_MUST_CHECK struct weir_chain_metrics *weir_metrics_chain(struct weir_metrics *metrics,
							      const char *name);
WEIR_MUST_CHECK struct weir_target_metrics *weir_metrics_target(struct weir_metrics *metrics,
								const char *id);
/* Likewise a move's, and an attempt's; also at the bound NULL. */
struct weir_pair *weir_metrics_pair(struct weir_metrics *metrics, struct weir_chain_metrics *chain,
				    struct weir_target_metrics *target);
struct weir_fallback_series *weir_metrics_move(struct weir_metrics *metrics,
					       struct weir_chain_metrics *chain,
					       struct weir_target_metrics *from,
					       struct weir_target_metrics *to);
struct weir_metrics_pen;
/* metrics_targets.c: how each target stands, and the connections to them. */
void weir_metrics_put_targets(struct weir_metrics_pen *pen, const struct weir_standing *now);
/* Forgets what no ledger has any more, when that is too much. */
void weir_metrics_tidy(struct weir_metrics *metrics);
