/* A histogram of times with a bounded relative error (high dynamic range): three decimal
 * digits from 1 ns to 73 minutes, so that p99.9 is as exact as p50. After Gil Tene's
 * HdrHistogram: buckets double in width every 1,024 of them. */
#pragma once

#include <stdint.h>

#include "base/attr.h"

enum {
	WEIR_BENCH_HIST_HALF = 1024, /* buckets per power of two: 0.1 % wide */
	WEIR_BENCH_HIST_BITS = 42,   /* longer times count as the longest */
	WEIR_BENCH_HIST_N = (WEIR_BENCH_HIST_BITS - 9) * WEIR_BENCH_HIST_HALF
};

/* Use through a pointer: a quarter of a megabyte, of which only what is used is touched. */
struct weir_bench_hist {
	uint64_t n;
	uint64_t min, max; /* exact; min is UINT64_MAX while n is 0 */
	double sum, squares;
	uint64_t counts[WEIR_BENCH_HIST_N];
};

/* NULL: out of memory. */
WEIR_MUST_CHECK struct weir_bench_hist *weir_bench_hist_create(void);
void weir_bench_hist_destroy(struct weir_bench_hist *h); /* NULL is fine */
void weir_bench_hist_clear(struct weir_bench_hist *h);

unsigned weir_bench_hist_index(uint64_t ns);
/* The longest time that counts in this bucket. */
uint64_t weir_bench_hist_top(unsigned index);

void weir_bench_hist_add(struct weir_bench_hist *h, uint64_t ns);
void weir_bench_hist_merge(struct weir_bench_hist *to, const struct weir_bench_hist *from);

/* The least time that at least this share (0 to 1) of the values does not exceed; never
 * more than the exact maximum; 0 when there is no value. */
uint64_t weir_bench_hist_at(const struct weir_bench_hist *h, double share);
double weir_bench_hist_mean(const struct weir_bench_hist *h);
double weir_bench_hist_deviation(const struct weir_bench_hist *h);
