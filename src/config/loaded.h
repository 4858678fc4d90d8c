/* A configuration and what is private about it: how it is built, kept and freed. */
#pragma once

#include "config/config.h"
#include "config/index.h"

struct weir_loaded {
	struct weir_config config;
	unsigned providers_cap, targets_cap, chains_cap, groups_cap;
	char **texts; /* that something points to */
	unsigned texts_n, texts_cap;
	struct weir_index chains, targets;
};

/* With the defaults of the product, no listener and one reference; NULL: out of memory. */
WEIR_MUST_CHECK struct weir_config *weir_config_create(void);

/* Takes it over and gives it its index. 0; WEIR_ENOMEM or WEIR_ELIMIT, then it stays the
 * caller's. */
WEIR_MUST_CHECK int weir_config_add_provider(struct weir_config *config,
					     struct weir_provider *provider);
WEIR_MUST_CHECK int weir_config_add_chain(struct weir_config *config, struct weir_chain *chain);

/* The one that is there, or a new one. 0, WEIR_ENOMEM, WEIR_ELIMIT (more than max). */
WEIR_MUST_CHECK int weir_config_add_target(struct weir_config *config,
					   struct weir_provider *provider, struct weir_slice model,
					   unsigned max, struct weir_target **target);

/* The position of the name, which may have been there. 0, WEIR_ENOMEM, WEIR_ELIMIT. */
WEIR_MUST_CHECK int weir_config_add_group(struct weir_config *config, struct weir_slice name,
					  unsigned *index);
/* The same of a header field; in whatever case. */
WEIR_MUST_CHECK int weir_config_add_affinity(struct weir_config *config, struct weir_slice name,
					     unsigned *index);

/* A copy that lives as long as the configuration. 0 or WEIR_ENOMEM. */
WEIR_MUST_CHECK int weir_config_keep(struct weir_config *config, struct weir_slice text,
				     const char **kept);

/* Once it is whole: what finds its secrets again in a text (scrub.c). 0 or WEIR_ENOMEM. */
WEIR_MUST_CHECK int weir_config_seal(struct weir_config *config);
void weir_config_unseal(struct weir_config *config);

struct weir_provider *weir_config_provider(const struct weir_config *config,
					   struct weir_slice name);

void weir_provider_destroy(struct weir_provider *provider);
void weir_chain_destroy(struct weir_chain *chain);
void weir_caller_fini(struct weir_caller *caller);
void weir_secret_fini(struct weir_secret *secret); /* wipes it */
