/* What is known of a provider, a key, a model and a target, counted: boards share it, so that
 * it outlives the configuration it was made for. Where several processes are one proxy, what they
 * know is in their common memory, by what it is of; the counts are each process's own. */
#pragma once

#include "base/shm.h"
#include "config/config.h"
#include "policy/health.h"

struct weir_board;

/* In common memory. */
enum weir_known_kind {
	WEIR_KNOWN_PROVIDER,
	WEIR_KNOWN_KEY,
	WEIR_KNOWN_MODEL,
	WEIR_KNOWN_TARGET,
	WEIR_KNOWN_GROUP,
	WEIR_KNOWN_CALLER,
	WEIR_KNOWN_OTHER /* there is one of each */
};

struct weir_known_provider {
	unsigned references;
	struct weir_provider_health *health, own;
};

struct weir_known_key {
	unsigned references;
	struct weir_key_health *health, own;
};

struct weir_known_model {
	unsigned references;
	struct weir_known_provider *provider;
	struct weir_model_health *health, own;
	const struct weir_board *board; /* that settled it last */
};

/* A model with one key. */
struct weir_known_target {
	unsigned references;
	struct weir_known_model *model;
	struct weir_known_key *key;
	struct weir_health *health, own;
	const struct weir_board *board;
};

/* One reference. What other processes know already is known here, too; shm NULL: nothing is.
 * key: its place among the provider's. *fresh: nobody has known the model. Inside shm. NULL: out of
 * memory. */
WEIR_MUST_CHECK struct weir_known_provider *
weir_known_provider_create(struct weir_shm *shm, const struct weir_provider *provider);
WEIR_MUST_CHECK struct weir_known_key *
weir_known_key_create(struct weir_shm *shm, const struct weir_provider *provider, unsigned key);
WEIR_MUST_CHECK struct weir_known_model *
weir_known_model_create(struct weir_shm *shm, struct weir_known_provider *provider,
			const struct weir_target *target, bool *fresh);
WEIR_MUST_CHECK struct weir_known_target *weir_known_target_create(struct weir_shm *shm,
								   struct weir_known_model *model,
								   struct weir_known_key *key);
/* own: where there is no common memory. */
WEIR_MUST_CHECK struct weir_group *weir_known_group(struct weir_shm *shm, const char *name,
						    struct weir_group *own);

/* NULL is fine. */
void weir_known_provider_unref(struct weir_known_provider *provider);
void weir_known_key_unref(struct weir_known_key *key);
void weir_known_model_unref(struct weir_known_model *model);
void weir_known_target_unref(struct weir_known_target *target);

/* The record of that kind and name. */
WEIR_MUST_CHECK void *weir_known_record(struct weir_shm *shm, enum weir_known_kind kind,
					struct weir_slice name, size_t size);
/* A process is gone: what it held of targets is given back. Inside. */
void weir_known_forfeit(struct weir_shm *shm, unsigned holder);
/* One was killed in the middle of a change. Inside. */
void weir_known_mend(struct weir_shm *shm);
