/* Parts of import_portkey.c. */
#pragma once

#include "app/import_portkey.h"

enum weir_portkey_key {
	WEIR_PK_STRATEGY,
	WEIR_PK_TARGETS,
	WEIR_PK_PROVIDER,
	WEIR_PK_API_KEY,
	WEIR_PK_VIRTUAL_KEY,
	WEIR_PK_HOST,
	WEIR_PK_PARAMS,
	WEIR_PK_WEIGHT,
	WEIR_PK_RETRY,
	WEIR_PK_TIMEOUT,
	WEIR_PK_RESOURCE,
	WEIR_PK_DEPLOYMENT,
	WEIR_PK_API_VERSION,
	WEIR_PK_ORGANIZATION,
	WEIR_PK_PROJECT,
	WEIR_PK_NAME,
	WEIR_PK_STATUS_CODES,
	WEIR_PK_N
};

enum weir_portkey_strategy {
	WEIR_PK_MODE,
	WEIR_PK_STRATEGY_CODES,
	WEIR_PK_CONDITIONS,
	WEIR_PK_DEFAULT,
	WEIR_PK_STRATEGY_N
};

enum weir_portkey_retry {
	WEIR_PK_ATTEMPTS,
	WEIR_PK_RETRY_CODES,
	WEIR_PK_RETRY_AFTER,
	WEIR_PK_RETRY_N
};

extern const struct weir_import_key weir_portkey_keys[];
extern const struct weir_import_key weir_portkey_strategy_keys[];
extern const struct weir_import_key weir_portkey_retry_keys[];

/* What a target has of those above it. */
struct weir_portkey_above {
	const struct weir_node *model, *host;
	int retries;         /* -1: not said */
	uint64_t timeout_ms; /* 0: not said */
};

struct weir_portkey {
	struct weir_import *im;
	struct weir_slice model; /* for targets that take the request's; "" : a variable */
};

/* The target that the keys k of node are; NULL: it is none that could be named. */
struct weir_import_target *weir_portkey_target(struct weir_portkey *p, struct weir_node *node,
					       struct weir_node *const *k,
					       const struct weir_portkey_above *above);
