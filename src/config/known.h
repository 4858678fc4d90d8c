/* What is known of a provider, a key, a model and a target, counted: boards share it, so that
 * it outlives the configuration it was made for. */
#pragma once

#include "base/attr.h"
#include "policy/health.h"

struct weir_board;

struct weir_known_provider {
	unsigned references;
	struct weir_provider_health health;
};

struct weir_known_key {
	unsigned references;
	struct weir_key_health health;
};

struct weir_known_model {
	unsigned references;
	struct weir_known_provider *provider;
	struct weir_model_health health;
	const struct weir_board *board; /* that settled it last */
};

/* A model with one key. */
struct weir_known_target {
	unsigned references;
	struct weir_known_model *model;
	struct weir_known_key *key;
	struct weir_health health;
	const struct weir_board *board;
};

/* Nothing is known yet; one reference. NULL: out of memory. */
WEIR_MUST_CHECK struct weir_known_provider *weir_known_provider_create(void);
WEIR_MUST_CHECK struct weir_known_key *weir_known_key_create(void);
WEIR_MUST_CHECK struct weir_known_model *
weir_known_model_create(struct weir_known_provider *provider);
WEIR_MUST_CHECK struct weir_known_target *weir_known_target_create(struct weir_known_model *model,
								   struct weir_known_key *key);

/* NULL is fine. */
void weir_known_provider_unref(struct weir_known_provider *provider);
void weir_known_key_unref(struct weir_known_key *key);
void weir_known_model_unref(struct weir_known_model *model);
void weir_known_target_unref(struct weir_known_target *target);
