/* Things by name, when there are too many to look through. */
#pragma once

#include "base/attr.h"
#include "base/slice.h"

struct weir_index_slot {
	struct weir_slice name; /* borrowed: lives as long as the item */
	void *item;
};

struct weir_index {
	struct weir_index_slot *slots;
	unsigned cap, n; /* cap: a power of two, or 0 */
};

/* 0 or WEIR_ENOMEM; name must not be there yet. */
WEIR_MUST_CHECK int weir_index_put(struct weir_index *index, struct weir_slice name, void *item);
void *weir_index_get(const struct weir_index *index, struct weir_slice name);
void weir_index_fini(struct weir_index *index);
