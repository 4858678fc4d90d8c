/* Has targets take turns: each round all of them once, every other round in reverse order. */
#pragma once

#include "bench/compare.h"
#include "bench/lane.h"
#include "bench/live.h"

struct weir_bench_contest {
	struct weir_bench_lane *lanes;
	unsigned lanes_n;
	const struct weir_bench_options *options;
	struct weir_bench_live *live;
	void *user;
	void (*on_over)(struct weir_bench_contest *contest);
	struct weir_bench_comparison *comparison; /* rounds_n: those that are whole */
	/* Private. */
	struct weir_bench_tally *round; /* of the one whose turn it is */
	unsigned turn;                  /* in this round */
	bool stopped;
};

/* The lanes' runs are open, and their callbacks become the contest's. 0 or WEIR_ENOMEM;
 * _fini() in any case. */
WEIR_MUST_CHECK int weir_bench_contest_begin(struct weir_bench_contest *contest);
void weir_bench_contest_stop(struct weir_bench_contest *contest);
void weir_bench_contest_fini(struct weir_bench_contest *contest);
