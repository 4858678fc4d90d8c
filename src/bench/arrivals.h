/* When requests are due in an open loop: at their own pace, whatever becomes of those
 * before them. Times are nanoseconds from the beginning. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/rng.h"
#include "base/slice.h"

/* "5000", "100..5000/60s": a second; the second form climbs (or falls) evenly in that time
 * and then stays. */
struct weir_bench_rate {
	double from, to;
	uint64_t ramp_ns;
};

struct weir_bench_arrivals {
	struct weir_bench_rate rate;
	bool poisson; /* independent arrivals: the gaps are exponential */
	struct weir_rng rng;
	double due_ns;
};

WEIR_MUST_CHECK int weir_bench_rate_parse(struct weir_bench_rate *rate, struct weir_slice text,
					  struct weir_error *err);
double weir_bench_rate_at(const struct weir_bench_rate *rate, double ns);

void weir_bench_arrivals_init(struct weir_bench_arrivals *a, const struct weir_bench_rate *rate,
			      bool poisson, uint64_t seed);
/* The next one's time; they never go back. */
uint64_t weir_bench_arrivals_next(struct weir_bench_arrivals *a);
