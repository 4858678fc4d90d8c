/* What an outage costs: figures from the caller's side and from the providers' books, put
 * beside each other. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "bench/stats.h"
#include "bench/tally.h"

enum { WEIR_BENCH_SAMPLES_MAX = 1024 };

/* "alpha=503@5s+10s": what the vendor does from when on, and for how long. */
struct weir_bench_outage_plan {
	struct weir_slice vendor; /* also "*" */
	struct weir_slice script;
	uint64_t start_ns, for_ns;
};

WEIR_MUST_CHECK int weir_bench_outage_parse(struct weir_bench_outage_plan *plan, const char *text,
					    struct weir_error *err);

/* The books at a moment. */
struct weir_bench_sample {
	int64_t at_ns;         /* from the beginning of what is measured */
	uint64_t sent;         /* requests of ours */
	uint64_t hits, tokens; /* of all providers */
	uint64_t victim;       /* hits of the one that fails */
};

/* When samples are used up, every other one is forgotten. */
struct weir_bench_samples {
	unsigned n;
	struct weir_bench_sample list[WEIR_BENCH_SAMPLES_MAX];
};

void weir_bench_samples_add(struct weir_bench_samples *samples,
			    const struct weir_bench_sample *sample);

#define WEIR_BENCH_NEVER UINT64_MAX

struct weir_bench_failover {
	uint64_t calls, requests;        /* upstream calls, and the requests that caused them */
	uint64_t made, wasted;           /* tokens made upstream, and those in no good answer */
	struct weir_bench_stats vendors; /* differences, from the first sample to the last */
	bool outage;
	struct weir_bench_outage_plan plan;
	uint64_t began_ns, ended_ns; /* as it was, from the beginning of what is measured */
	double calls_per_request[WEIR_BENCH_PHASES];
	uint64_t success_ns; /* until at least 99 % are answered well, for a second */
	uint64_t latency_ns; /* until the mean latency is at most twice what it was, likewise */
	uint64_t return_ns;  /* from the outage's end until the vendor has its share again */
	uint64_t step_ns;    /* how fine the last two times are */
};

/* until_ns: the end of what was measured. Fills the members after `plan`; samples at least
 * two, in order. */
void weir_bench_failover_reckon(struct weir_bench_failover *failover,
				const struct weir_bench_samples *samples,
				const struct weir_bench_tally *tally);

/* From from_ns, the time until all bins of a second (or as long as there are any before
 * until_ns) fulfil it; WEIR_BENCH_NEVER. */
uint64_t weir_bench_recovery(const struct weir_bench_series *series, uint64_t from_ns,
			     uint64_t until_ns,
			     bool (*good)(const struct weir_bench_bin *bin, double level),
			     double level);
