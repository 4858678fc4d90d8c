/* The counters, resolved once per configuration: on the hot path a handle and an addition, no
 * label, no hash, no allocation. They go by names and outlive configurations: a chain or target
 * that vanishes keeps its series, as one that comes back goes on with them. */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/shm.h"
#include "config/board.h"
#include "core/exporter.h"
#include "core/process.h"
#include "core/shared.h"
#include "dialect/usage.h"
#include "policy/verdict.h"

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

enum { WEIR_HISTOGRAM_BUCKETS_MAX = 16, WEIR_METRICS_PAIRS_MAX = 4096, WEIR_EXEMPLAR_ID_MAX = 40 };

/* A request that fell into a bucket: the last one. */
struct weir_exemplar {
	char id[WEIR_EXEMPLAR_ID_MAX]; /* empty: there was none */
	double seconds;
	uint64_t unix_s;
};

struct weir_histogram {
	const double *bounds_s;
	unsigned bounds_n;
	uint64_t counts[WEIR_HISTOGRAM_BUCKETS_MAX + 1];
	struct weir_exemplar exemplars[WEIR_HISTOGRAM_BUCKETS_MAX + 1];
	uint64_t count;
	double sum_s;
};

/* id: the request's; NULL: of none. */
void weir_histogram_add(struct weir_histogram *histogram, double seconds, const char *id);

/* Of series whose chain or target is gone at most so many are kept. */
enum { WEIR_METRICS_VANISHED_MAX = 1024 };

struct weir_metrics; /* all of a gateway's */
struct weir_ledger;  /* what a configuration's chains and targets are in them */

/* In memory that other processes look into, this one's place there (NULL: in its own): where one
 * that was there before is gone, its counters go on. NULL: out of memory. */
WEIR_MUST_CHECK struct weir_metrics *weir_metrics_create(struct weir_shm *shm);
void weir_metrics_destroy(struct weir_metrics *metrics); /* after all its ledgers */
/* A process is gone, and what it had open. Inside. */
void weir_metrics_forfeit(struct weir_shm *shm, unsigned holder);
/* Those of all processes, added up, in memory of our own. NULL: out of memory. */
WEIR_MUST_CHECK struct weir_metrics *weir_metrics_sum(struct weir_shm *shm);

/* NULL: out of memory. Series of the configuration's chains and targets exist from here on. */
WEIR_MUST_CHECK struct weir_ledger *weir_ledger_create(struct weir_metrics *metrics,
						       const struct weir_config *config);
void weir_ledger_destroy(struct weir_ledger *ledger); /* NULL is fine */

/* How a request ended. */
struct weir_request_end {
	const char *id;
	const struct weir_chain *chain; /* NULL: "other" */
	enum weir_request_outcome outcome;
	enum weir_final final; /* of one that is exhausted */
	double seconds;
};

/* Every request is begun once and ended once. */
void weir_metrics_request_begin(struct weir_metrics *metrics);
void weir_ledger_request_end(struct weir_ledger *ledger, const struct weir_request_end *end);
void weir_ledger_first_token(struct weir_ledger *ledger, const struct weir_chain *chain,
			     double seconds, const char *id);
/* Our own time: the whole less what was spent waiting for providers. */
void weir_metrics_overhead(struct weir_metrics *metrics, double seconds, const char *id);

/* A turn of the loop held up the others for so long. */
void weir_metrics_turn(struct weir_metrics *metrics, double seconds);

struct weir_attempt_end {
	const char *id; /* of its request */
	const struct weir_chain *chain;
	const struct weir_target *target;
	enum weir_outcome outcome;
	double seconds;
};

void weir_ledger_attempt_end(struct weir_ledger *ledger, const struct weir_attempt_end *end);
/* An attempt has its connection. */
void weir_ledger_connected(struct weir_ledger *ledger, const struct weir_target *target,
			   bool opened);
/* Once more to the same target. */
void weir_ledger_retry(struct weir_ledger *ledger, const struct weir_target *target);
void weir_ledger_fallback(struct weir_ledger *ledger, const struct weir_chain *chain,
			  const struct weir_target *from, const struct weir_target *to,
			  unsigned fallback_class);
/* An answer was served: what it took, NULL when that is not known, or not all of it; and its
 * cost in nano-dollars, or why that is not known. */
void weir_ledger_usage(struct weir_ledger *ledger, const struct weir_chain *chain,
		       const struct weir_target *target, const struct weir_usage *usage,
		       enum weir_cost_state state, uint64_t cost_nano);
/* A request, or a connection, that was refused for weir's own sake. */
enum weir_rejection {
	WEIR_REJECT_ADDRESS, /* its address has too many connections */
	WEIR_REJECT_BODIES,
	WEIR_REJECT_LAG,
	WEIR_REJECT_MEMORY,
	WEIR_REJECTION_N
};
void weir_metrics_reject(struct weir_metrics *metrics, enum weir_rejection why);
void weir_metrics_bodies(struct weir_metrics *metrics, uint64_t bytes);
void weir_metrics_memory(struct weir_metrics *metrics, double used);
void weir_metrics_handshake(struct weir_metrics *metrics, bool ok); /* a caller's, of TLS */
void weir_metrics_client(struct weir_metrics *metrics, int delta);  /* connections open */
void weir_metrics_event_dropped(struct weir_metrics *metrics, unsigned n);
/* A second attempt was begun; won: it is the one that is shown. */
void weir_metrics_hedge(struct weir_metrics *metrics, bool won);
/* What an attempt took that came to nothing; cost_nano: WEIR_PRICE_UNKNOWN. */
void weir_ledger_wasted(struct weir_ledger *ledger, const struct weir_target *target,
			const struct weir_usage *usage, uint64_t cost_nano);
void weir_metrics_resumed(struct weir_metrics *metrics); /* a cut stream went on elsewhere */
void weir_metrics_readers(struct weir_metrics *metrics, unsigned n); /* of events */
void weir_metrics_reader_dropped(struct weir_metrics *metrics);
/* A request waits for room; it does no more. */
void weir_metrics_queued(struct weir_metrics *metrics);
void weir_metrics_unqueued(struct weir_metrics *metrics);
/* Configurations in use, by requests too; and one that came into force, or did not. */
void weir_metrics_snapshots(struct weir_metrics *metrics, int delta);
void weir_metrics_reload(struct weir_metrics *metrics, bool ok, unsigned generation,
			 uint64_t unix_s);

/* What is known elsewhere, and told with them. */
struct weir_vitals {
	struct weir_process process;
	uint64_t heap_blocks, heap_calls;
	uint64_t log_dropped; /* lines */
	struct weir_span_counts spans;
};
void weir_metrics_note(struct weir_metrics *metrics, const struct weir_vitals *vitals);

struct weir_origin;
struct weir_books;

/* The configuration in force, and what else is to be told. */
struct weir_standing {
	const struct weir_config *config;
	struct weir_board *board;           /* what is known of the targets' health */
	struct weir_origin *const *origins; /* of its providers, by index */
	const struct weir_ledger *ledger;
	struct weir_books *const *books; /* of its callers, by index */
	unsigned generation;
	uint64_t now_ms, uptime_s, unix_ms;
	bool draining;
	struct weir_slice reload; /* of the last one, as JSON */
	struct weir_shared_status shared;
	struct weir_shm *shm;
};

/* Prometheus text 0.0.4, or OpenMetrics 1.0.0 with exemplars. process: with what the system says
 * of this process, which may not be ours alone. */
struct weir_metrics_wish {
	bool open_metrics, process;
};

WEIR_MUST_CHECK int weir_metrics_text(const struct weir_metrics *metrics,
				      const struct weir_standing *standing,
				      struct weir_metrics_wish wish, struct weir_buf *out);
