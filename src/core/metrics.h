/* The counters, resolved once at configuration time: on the hot path a handle and an
 * addition, no label, no hash, no allocation. */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "config/board.h"
#include "dialect/usage.h"

enum weir_request_outcome {
	WEIR_REQUEST_OK,
	WEIR_REQUEST_FAILED_OVER,
	WEIR_REQUEST_EXHAUSTED,
	WEIR_REQUEST_CALLER_ERROR,
	WEIR_REQUEST_HANGUP,
	WEIR_REQUEST_REJECTED,
	WEIR_REQUEST_OUTCOME_N
};

const char *weir_request_outcome_name(enum weir_request_outcome outcome);

/* What a fallback left its target for: an outcome, or why it was stepped past. */
enum weir_fallback_class {
	WEIR_FALLBACK_AT_CAP = WEIR_OUT_N,
	WEIR_FALLBACK_OPEN,
	WEIR_FALLBACK_BENCHED,
	WEIR_FALLBACK_CLASS_N
};
const char *weir_fallback_class_name(unsigned fallback_class);
/* Of a target that was gone past. */
unsigned weir_fallback_class_of(enum weir_leave leave);

/* Of an answer that was served. */
enum weir_cost_state {
	WEIR_COST_KNOWN,
	WEIR_COST_NO_USAGE, /* its provider did not count */
	WEIR_COST_NO_PRICE,
	WEIR_COST_CUT, /* it ended before it was counted */
	WEIR_COST_STATE_N
};

enum { WEIR_HISTOGRAM_BUCKETS_MAX = 20, WEIR_METRICS_PAIRS_MAX = 4096 };

struct weir_histogram {
	const double *bounds_s;
	unsigned bounds_n;
	uint64_t counts[WEIR_HISTOGRAM_BUCKETS_MAX + 1];
	uint64_t count;
	double sum_s;
};

void weir_histogram_add(struct weir_histogram *histogram, double seconds);

struct weir_metrics; /* all of a gateway's */

/* NULL: out of memory. Series of the configuration's chains and targets exist at zero. What
 * is known of the targets' health is read from the board. */
WEIR_MUST_CHECK struct weir_metrics *weir_metrics_create(const struct weir_config *config,
							 struct weir_board *board);
void weir_metrics_destroy(struct weir_metrics *metrics);

/* chain NULL: "other". Every request is begun once and ended once. */
void weir_metrics_request_begin(struct weir_metrics *metrics);
void weir_metrics_request_end(struct weir_metrics *metrics, const struct weir_chain *chain,
			      enum weir_request_outcome outcome, double seconds);
void weir_metrics_first_token(struct weir_metrics *metrics, const struct weir_chain *chain,
			      double seconds);
/* Our own time: the whole less what was spent waiting for providers. */
void weir_metrics_overhead(struct weir_metrics *metrics, double seconds);
void weir_metrics_attempt_end(struct weir_metrics *metrics, const struct weir_chain *chain,
			      const struct weir_target *target, enum weir_outcome outcome);
void weir_metrics_fallback(struct weir_metrics *metrics, const struct weir_chain *chain,
			   const struct weir_target *from, const struct weir_target *to,
			   unsigned fallback_class);
/* An answer was served: what it took, NULL when that is not known, or not all of it; and its
 * cost in nano-dollars, or why that is not known. */
void weir_metrics_usage(struct weir_metrics *metrics, const struct weir_chain *chain,
			const struct weir_target *target, const struct weir_usage *usage,
			enum weir_cost_state state, uint64_t cost_nano);
void weir_metrics_client(struct weir_metrics *metrics, int delta); /* connections open */
void weir_metrics_event_dropped(struct weir_metrics *metrics, unsigned n);
/* A second attempt was begun; won: it is the one that is shown. */
void weir_metrics_hedge(struct weir_metrics *metrics, bool won);
/* What an attempt took that came to nothing; cost_nano: WEIR_PRICE_UNKNOWN. */
void weir_metrics_wasted(struct weir_metrics *metrics, const struct weir_target *target,
			 const struct weir_usage *usage, uint64_t cost_nano);
void weir_metrics_resumed(struct weir_metrics *metrics); /* a cut stream went on elsewhere */
void weir_metrics_queued(struct weir_metrics *metrics);  /* a request waits for room */

/* Prometheus text 0.0.4. */
WEIR_MUST_CHECK int weir_metrics_text(const struct weir_metrics *metrics, struct weir_buf *out);
/* The JSON of /status, product form. */
WEIR_MUST_CHECK int weir_metrics_status(const struct weir_metrics *metrics, uint64_t now_ms,
					uint64_t uptime_s, bool draining, struct weir_buf *out);
