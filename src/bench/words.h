/* Small readings that options and files share. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* "250us", "250ms", "20s", "2m", "1h", with a fraction where wanted; more than nothing and
 * less than a day. Nanoseconds. */
bool weir_bench_duration(struct weir_slice text, uint64_t *ns);

/* "0.25" or "25%": 0 to 1. */
bool weir_bench_share(struct weir_slice text, double *share);
