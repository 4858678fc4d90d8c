/* Tokens as a provider counted them. */
#pragma once

#include <stdint.h>

#include "base/sum.h" /* a provider may count any nonsense */

struct weir_usage {
	uint64_t in; /* the whole prompt: of it cached and newly written to the cache */
	uint64_t cached, written;
	uint64_t out; /* of it reasoning */
	uint64_t reasoning;
};
