/* How long to pause before a retry in place: full jitter, so that callers that failed
 * together do not come back together (AWS, "Exponential Backoff And Jitter", 2015). */
#pragma once

#include <stdint.h>

#include "base/rng.h"

/* 0 to min(5 s, 200 ms × 2^retries). */
uint64_t weir_backoff_ms(unsigned retries, struct weir_rng *rng);
