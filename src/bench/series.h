/* A run over time, in at most WEIR_BENCH_SERIES_MAX bins: when they are used up, neighbours
 * are joined and each covers twice the time. */
#pragma once

#include <stdint.h>

enum {
	WEIR_BENCH_SERIES_MAX = 512, /* even */
	WEIR_BENCH_SERIES_NS = 50 * 1000 * 1000,
	WEIR_BENCH_SERIES_STEPS = 24 /* of latency: powers of two from 64 us */
};

struct weir_bench_bin {
	uint64_t n, ok; /* requests that were due then, and those of them answered well */
	uint64_t latency_ns, latency_max_ns; /* sum and maximum, of all */
	uint32_t steps[WEIR_BENCH_SERIES_STEPS];
};

struct weir_bench_series {
	uint64_t bin_ns;
	unsigned bins_n;
	struct weir_bench_bin bins[WEIR_BENCH_SERIES_MAX];
};

void weir_bench_series_clear(struct weir_bench_series *s);
/* at_ns: since the beginning. */
void weir_bench_series_add(struct weir_bench_series *s, uint64_t at_ns, uint64_t latency_ns,
			   int ok);
/* An upper bound of the share's latency, within a factor of two and never above the
 * maximum. */
uint64_t weir_bench_bin_at(const struct weir_bench_bin *bin, double share);
