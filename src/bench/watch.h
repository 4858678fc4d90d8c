/* Follows simulated providers through a run: takes samples of their books, and makes the
 * scripted outage begin and end. */
#pragma once

#include <uv.h>

#include "bench/control.h"
#include "bench/failover.h"
#include "bench/run.h"

enum { WEIR_BENCH_WATCH_MS = 10, WEIR_BENCH_SAMPLE_MS = 100 };

struct weir_bench_watch {
	struct weir_bench_control control;
	struct weir_bench_run *run;
	const struct weir_bench_tally *tally;
	bool has_plan;
	struct weir_bench_outage_plan plan;
	void *user;
	/* ok false: the control listener does not answer as one. */
	void (*on_ready)(struct weir_bench_watch *watch, bool ok); /* the run may begin */
	void (*on_done)(struct weir_bench_watch *watch, bool ok);  /* failover is reckoned */
	struct weir_bench_failover failover;
	/* Private. */
	uv_timer_t timer;
	struct weir_bench_stats first, last;
	struct weir_bench_samples samples;
	bool asked;   /* for a sample */
	bool failing; /* the outage is on */
	bool over;    /* … or was */
	bool ending;
	unsigned ticks;
};

/* control's target is resolved. Then everything else comes by callbacks. */
void weir_bench_watch_open(struct weir_bench_watch *watch, uv_loop_t *loop);
void weir_bench_watch_begin(struct weir_bench_watch *watch);
/* The run is over: heals what is broken, takes the last sample, reckons. */
void weir_bench_watch_end(struct weir_bench_watch *watch);
void weir_bench_watch_close(struct weir_bench_watch *watch);
