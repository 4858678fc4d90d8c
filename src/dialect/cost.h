/* What an answer cost, in whole nano-dollars: integers, so that sums of millions of them are
 * exact, and so are single ones at the prices of the built-in table. */
#pragma once

#include "dialect/models.h"
#include "dialect/usage.h"

/* Cached input at its own price where that is known, all other input, also what was written
 * to a cache, at the plain one; reasoning is output. Rounded once, a half up.
 * WEIR_PRICE_UNKNOWN: a price it takes is not known. */
uint64_t weir_cost(const struct weir_usage *usage, const struct weir_model_facts *facts);
