/* Chance, for simulated traffic: seeded, and the same on every machine. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"

enum { WEIR_PPM = 1000000 }; /* the whole of a share, which is in parts per million */

bool weir_chance(struct weir_rng *rng, uint32_t share_ppm);

/* Times as they are measured: lognormal, told by their median and their 99th percentile. */
struct weir_spread {
	double median;
	double doublings; /* of the median, for one standard deviation */
};

/* p99 below p50 counts as p50: always the same. */
struct weir_spread weir_spread_of(uint64_t p50, uint64_t p99);
uint64_t weir_spread_draw(const struct weir_spread *spread, struct weir_rng *rng);

/* Microseconds between events of which so many happen in a second, without memory
 * (Poisson); per_s > 0. */
uint64_t weir_chance_gap_us(double per_s, struct weir_rng *rng);
