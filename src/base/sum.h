/* A sum that stays at the greatest number instead of beginning anew. */
#pragma once

#include <stdint.h>

static inline uint64_t weir_sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}
