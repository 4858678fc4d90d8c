/* Parts of import_litellm.c: what its keys are, and what stands between them and chains. */
#pragma once

#include "app/import_litellm.h"

enum weir_litellm_top {
	WEIR_LL_MODEL_LIST,
	WEIR_LL_ROUTER,
	WEIR_LL_SETTINGS,
	WEIR_LL_GENERAL,
	WEIR_LL_VARIABLES,
	WEIR_LL_CREDENTIALS,
	WEIR_LL_TOP_N
};

/* Of router_settings and litellm_settings. */
enum weir_litellm_setting {
	WEIR_LL_STRATEGY,
	WEIR_LL_FALLBACKS,
	WEIR_LL_DEFAULT_FALLBACKS,
	WEIR_LL_WINDOW_FALLBACKS,
	WEIR_LL_POLICY_FALLBACKS,
	WEIR_LL_NUM_RETRIES,
	WEIR_LL_TIMEOUT,
	WEIR_LL_STREAM_TIMEOUT,
	WEIR_LL_RETRY_POLICY,
	WEIR_LL_ALIAS,
	WEIR_LL_PRE_CALL_CHECKS,
	WEIR_LL_MAX_FALLBACKS,
	WEIR_LL_MAX_PARALLEL,
	WEIR_LL_DROP_PARAMS,
	WEIR_LL_SETTING_N
};

enum weir_litellm_general { WEIR_LL_MASTER_KEY, WEIR_LL_MAX_REQUEST, WEIR_LL_GENERAL_N };

enum weir_litellm_entry {
	WEIR_LL_NAME,
	WEIR_LL_PARAMS,
	WEIR_LL_INFO,
	WEIR_LL_ENTRY_RPM,
	WEIR_LL_ENTRY_TPM,
	WEIR_LL_ENTRY_N
};

enum weir_litellm_param {
	WEIR_LL_MODEL,
	WEIR_LL_API_KEY,
	WEIR_LL_API_BASE,
	WEIR_LL_BASE_URL,
	WEIR_LL_API_VERSION,
	WEIR_LL_ORGANIZATION,
	WEIR_LL_PROVIDER,
	WEIR_LL_CREDENTIAL,
	WEIR_LL_HEADERS,
	WEIR_LL_RPM,
	WEIR_LL_TPM,
	WEIR_LL_WEIGHT,
	WEIR_LL_ORDER,
	WEIR_LL_PARAM_TIMEOUT,
	WEIR_LL_PARAM_REQUEST_TIMEOUT,
	WEIR_LL_PARAM_STREAM_TIMEOUT,
	WEIR_LL_PARAM_NUM_RETRIES,
	WEIR_LL_MAX_RETRIES,
	WEIR_LL_PARAM_MAX_PARALLEL,
	WEIR_LL_INPUT_COST,
	WEIR_LL_OUTPUT_COST,
	WEIR_LL_PARAM_N
};

enum weir_litellm_info {
	WEIR_LL_ID,
	WEIR_LL_MODE,
	WEIR_LL_INFO_INPUT_COST,
	WEIR_LL_INFO_OUTPUT_COST,
	WEIR_LL_MAX_INPUT,
	WEIR_LL_MAX_OUTPUT,
	WEIR_LL_VISION,
	WEIR_LL_FUNCTIONS,
	WEIR_LL_SCHEMA,
	WEIR_LL_INFO_N
};

extern const struct weir_import_key weir_litellm_top_keys[];
extern const struct weir_import_key weir_litellm_router_keys[];
extern const struct weir_import_key weir_litellm_setting_keys[];
extern const struct weir_import_key weir_litellm_general_keys[];
extern const struct weir_import_key weir_litellm_entry_keys[];
extern const struct weir_import_key weir_litellm_param_keys[];
extern const struct weir_import_key weir_litellm_info_keys[];
extern const struct weir_import_key weir_litellm_retry_keys[];

struct weir_litellm_deployment {
	struct weir_litellm_deployment *next; /* of its group */
	struct weir_import_target *target;
	const struct weir_node *node; /* its model */
	struct weir_slice id;
	const struct weir_node *weight_node, *order_node; /* NULL: not said */
	double weight, rpm, tpm;                          /* below 0: not said */
	uint64_t order;                                   /* UINT64_MAX: not said */
	uint64_t attempt_ms, stream_ms;                   /* 0: not said */
	int retries;                                      /* -1: not said */
};

/* The deployments of one model_name. */
struct weir_litellm_group {
	struct weir_slice name;
	const struct weir_node *node;
	struct weir_litellm_deployment *first, **end;
	bool pattern;   /* name has a * in it: no chain, but fallbacks may mean it */
	unsigned chain; /* the last one it was put into, from 1 */
	struct weir_litellm_group *next; /* of those that no model_name has */
};

struct weir_litellm {
	struct weir_import *im;
	struct weir_node *top[WEIR_LL_TOP_N];
	struct weir_node *set[WEIR_LL_SETTING_N];
	struct weir_node *general[WEIR_LL_GENERAL_N];
	struct weir_litellm_group *groups[WEIR_CHAINS_MAX];
	unsigned groups_n;
	struct weir_litellm_group *extra; /* what fallbacks mean beside them */
	enum weir_balance balance;
	uint64_t stream_ms;    /* stream_timeout of all; 0: not said */
	uint64_t max_inflight; /* default_max_parallel_requests; 0: not said */
};

/* Reads model_list into groups. */
void weir_litellm_models(struct weir_litellm *l);
/* NULL: there is none. */
struct weir_litellm_group *weir_litellm_group(const struct weir_litellm *l, struct weir_slice name);
/* What a fallback means: a group, a deployment by its id, or a name that a pattern fits. */
struct weir_litellm_group *weir_litellm_meant(struct weir_litellm *l, struct weir_slice name);
/* Makes the chains of the groups. */
void weir_litellm_chains(struct weir_litellm *l);
