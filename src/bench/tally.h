/* The books of a run: what was asked, what came, how long it took. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bench/hist.h"
#include "bench/outcome.h"
#include "bench/series.h"

enum { WEIR_BENCH_STATUS_MAX = 600, WEIR_BENCH_PHASES = 3 };

/* Before, during and after a scripted outage; without one there is only the first. */
struct weir_bench_phase {
	uint64_t n, ok;
	struct weir_bench_hist *latency; /* of those answered well */
};

struct weir_bench_tally {
	uint64_t sent;   /* requests written to a connection, warm-up included */
	uint64_t warmup; /* requests of the warm-up: counted nowhere else but in sent */
	uint64_t done;   /* requests that ended, by outcome: */
	uint64_t outcomes[WEIR_BENCH_OUTCOME_N];
	uint64_t statuses[WEIR_BENCH_STATUS_MAX];
	uint64_t ok_in_time; /* answered well before the time was up */
	uint64_t unfinished; /* sent, and not answered when the run ended */
	uint64_t unsent;     /* due, and never sent for want of a connection */
	uint64_t streams, streams_whole;
	uint64_t events;      /* content events of all streams */
	uint64_t stalls;      /* gaps between them longer than the bound */
	uint64_t tokens;      /* of answers, as they say it themselves; else their events */
	uint64_t tokens_good; /* of answers that were good */
	uint64_t tokens_kept; /* the same, warm-up included */
	uint64_t upstream, upstream_told; /* x-weir-attempts: sum, and answers that had it */
	uint64_t connections;             /* opened */
	uint64_t bytes_in, bytes_out;
	uint64_t seconds_ns; /* measured: from the warm-up's end until the time was up */
	uint64_t cpu_ns;     /* of this program, warm-up included, */
	uint64_t wall_ns;    /* in this time */
	struct weir_bench_hist *latency; /* good answers, from when they were due */
	struct weir_bench_hist *service; /* the same from when they were sent */
	struct weir_bench_hist *failure; /* the others, from when they were due */
	struct weir_bench_hist *first;   /* streams: from when they were due to the first token */
	struct weir_bench_hist *gap;     /* between two tokens */
	struct weir_bench_hist *connect; /* opening a connection, TLS included */
	struct weir_bench_hist *lag;     /* we were late, with a connection free */
	struct weir_bench_phase phases[WEIR_BENCH_PHASES];
	struct weir_bench_series series;
};

/* NULL: out of memory. */
WEIR_MUST_CHECK struct weir_bench_tally *weir_bench_tally_create(void);
void weir_bench_tally_destroy(struct weir_bench_tally *t);
void weir_bench_tally_clear(struct weir_bench_tally *t);
/* Of several rounds one; phases are left out. */
void weir_bench_tally_merge(struct weir_bench_tally *to, const struct weir_bench_tally *from);

/* One request that ended, whatever became of it. */
struct weir_bench_ended {
	enum weir_bench_outcome outcome;
	unsigned status;     /* 0: none came */
	uint64_t at_ns;      /* when it was due, from the beginning */
	uint64_t latency_ns; /* from when it was due */
	uint64_t service_ns; /* from when it was sent */
	uint64_t tokens;
	bool stream; /* asked for */
	bool in_time;
	unsigned phase;
};

void weir_bench_tally_add(struct weir_bench_tally *t, const struct weir_bench_ended *e);

uint64_t weir_bench_tally_failed(const struct weir_bench_tally *t);
double weir_bench_tally_success(const struct weir_bench_tally *t); /* 0 to 1 */
double weir_bench_tally_rate(const struct weir_bench_tally *t);    /* good answers a second */
