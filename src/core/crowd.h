/* How many connections callers have from each address. Of IPv6 a caller has a whole /64. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

enum { WEIR_CROWD_BUCKETS = 512 };

struct weir_crowd {
	struct weir_list buckets[WEIR_CROWD_BUCKETS]; /* of addresses, by their hash */
	uint64_t seed;                                /* nobody chooses which one */
};

struct weir_crowd_address; /* one that somebody is connected from */

void weir_crowd_init(struct weir_crowd *crowd, uint64_t seed);
/* One more from this address of 4 or 16 bytes. NULL: there are most already, or no memory. */
struct weir_crowd_address *weir_crowd_join(struct weir_crowd *crowd, const unsigned char *bytes,
					   unsigned size, uint64_t most);
void weir_crowd_leave(struct weir_crowd_address *address); /* NULL is fine */
