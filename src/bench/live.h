/* The progress line on a terminal. */
#pragma once

#include <stdbool.h>
#include <uv.h>

#include "bench/run.h"

struct weir_bench_live {
	uv_timer_t timer;
	struct weir_bench_run *run;
	struct weir_bench_tally *tally;
	uint64_t done, at_ns; /* at the last line */
	bool on;
};

/* On stderr, and only when that is a terminal. */
void weir_bench_live_open(struct weir_bench_live *live, uv_loop_t *loop, bool wanted);
void weir_bench_live_watch(struct weir_bench_live *live, struct weir_bench_run *run,
			   struct weir_bench_tally *tally);
void weir_bench_live_close(struct weir_bench_live *live);
