/* Targets that took turns, round by round: ratios of neighbours in one round, so that what
 * changes with time meets all. Pure.
 *
 * An interval is that of the sign test: between two order statistics, so that the true
 * median lies in it with at least 95 %, whatever the distribution. Fewer than 6 rounds have
 * none. A control that is always the same thing tells whether the machine was: when it
 * drifts, there is no verdict. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bench/tally.h"

enum { WEIR_BENCH_COMPARE_MAX = 9, WEIR_BENCH_ROUNDS_MAX = 1000 };

enum weir_bench_measure {
	WEIR_BENCH_MEASURE_RATE, /* good answers a second; of an open loop it is the load's */
	WEIR_BENCH_MEASURE_P50,
	WEIR_BENCH_MEASURE_P99,
	WEIR_BENCH_MEASURE_FIRST, /* token: p50 */
	WEIR_BENCH_MEASURE_SUCCESS,
	WEIR_BENCH_MEASURE_N
};

struct weir_bench_contestant {
	const char *name;
	double values[WEIR_BENCH_MEASURE_N][WEIR_BENCH_ROUNDS_MAX]; /* times in ms */
};

struct weir_bench_comparison {
	unsigned rounds_n, contestants_n;
	unsigned base, control; /* may be the same one */
	double drift_max;
	bool open_loop;
	struct weir_bench_contestant contestants[WEIR_BENCH_COMPARE_MAX];
};

struct weir_bench_spread {
	double median, least, most;
	double from, to; /* the interval */
	bool has_interval;
};

/* Of n values; sorts them. */
struct weir_bench_spread weir_bench_spread(double *values, unsigned n);

/* Writes one round's figures down. */
void weir_bench_compare_note(struct weir_bench_contestant *c, unsigned round,
			     const struct weir_bench_tally *tally);

struct weir_bench_spread weir_bench_compare_values(const struct weir_bench_comparison *c,
						   unsigned contestant,
						   enum weir_bench_measure measure);
/* To the base, of the same round; rounds without a value on both sides are left out. n is
 * how many are left. */
struct weir_bench_spread weir_bench_compare_ratios(const struct weir_bench_comparison *c,
						   unsigned contestant,
						   enum weir_bench_measure measure, unsigned *n);
/* What must stay the same: throughput, in an open loop the median latency. */
enum weir_bench_measure weir_bench_compare_yardstick(const struct weir_bench_comparison *c);
/* (most - least) / median of the control. */
double weir_bench_compare_drift(const struct weir_bench_comparison *c);
bool weir_bench_compare_holds(const struct weir_bench_comparison *c);

const char *weir_bench_measure_name(enum weir_bench_measure measure);
