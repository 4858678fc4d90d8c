/* A configuration as a list of what it says, key by key, to be compared with another one. */
#pragma once

#include "config/config.h"

enum weir_difference { WEIR_ADDED, WEIR_REMOVED, WEIR_CHANGED };

struct weir_change {
	enum weir_difference difference;
	const char *key;         /* "chains.gpt-4o.deadline" */
	const char *was, *now;   /* as people write it, never a secret; NULL where there is none */
	const char *consequence; /* of it for a running weir; NULL: none but itself */
};

/* Tells each difference, in the order of the file's sections; what is new or gone as a whole is
 * told once. 0 or WEIR_ENOMEM. */
WEIR_MUST_CHECK int
weir_config_compare(const struct weir_config *was, const struct weir_config *now,
		    void (*on_change)(void *arg, const struct weir_change *change), void *arg);
