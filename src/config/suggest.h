/* "did you mean": the nearest of some words. */
#pragma once

#include "base/slice.h"

struct weir_suggest {
	struct weir_slice word;
	struct weir_slice best; /* base NULL: nothing is near */
	size_t distance;
};

void weir_suggest_init(struct weir_suggest *suggest, struct weir_slice word);
void weir_suggest_offer(struct weir_suggest *suggest, struct weir_slice candidate);

/* Insertions, deletions, substitutions and swaps of neighbours; case is ignored, and - is _.
 * At most limit + 1, also for words too long to compare. */
size_t weir_edit_distance(struct weir_slice a, struct weir_slice b, size_t limit);
