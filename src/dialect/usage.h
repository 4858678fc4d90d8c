/* Tokens as a provider counted them. */
#pragma once

#include <stdint.h>

struct weir_usage {
	uint64_t in; /* the whole prompt: of it cached and newly written to the cache */
	uint64_t cached, written;
	uint64_t out; /* of it reasoning */
	uint64_t reasoning;
};

/* A provider may count any nonsense. */
static inline uint64_t weir_usage_sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}
