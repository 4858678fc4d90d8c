/* A target with everything that is made before the first request: its address, the rendered
 * requests, its connections. */
#pragma once

#include "bench/options.h"

struct weir_bench_lane {
	const char *name; /* --compare's, else "" */
	const char *url;
	struct weir_bench_target target;
	struct weir_bench_mix mix;
	struct weir_bench_run run;
	struct weir_bench_tally *tally; /* of all rounds, or of the only one */
	bool open;
};

/* The kinds of requests the options ask for; bodies point into a file's text that lives
 * until weir_bench_kinds_fini(). */
struct weir_bench_kinds {
	struct weir_bench_kind list[WEIR_BENCH_KINDS_MAX];
	unsigned n;
	struct weir_buf file;
};

WEIR_MUST_CHECK int weir_bench_kinds_load(struct weir_bench_kinds *kinds,
					  const struct weir_bench_options *options,
					  struct weir_error *err);
void weir_bench_kinds_fini(struct weir_bench_kinds *kinds);

/* tls: for https. On failure there is a sentence, and _close() need not be called. */
WEIR_MUST_CHECK int weir_bench_lane_open(struct weir_bench_lane *lane,
					 const struct weir_bench_options *options,
					 const struct weir_bench_kinds *kinds, struct weir_net *net,
					 struct weir_tls_config *tls, struct weir_error *err);
void weir_bench_lane_close(struct weir_bench_lane *lane); /* the loop must run on */
void weir_bench_lane_fini(struct weir_bench_lane *lane);  /* when it has ended */
