/* Parts of portkey.c. */
#pragma once

#include "core/portkey.h"

/* What a target has of those above it. Slices are JSON, but for the provider's. */
struct weir_portkey_above {
	struct weir_slice provider; /* "" not said */
	struct weir_slice model;    /* a string; "" the request's */
	struct weir_slice params[WEIR_PORTKEY_DEPTH_MAX + 1];
	unsigned params_n;
	uint64_t timeout_ms; /* 0: not said */
	int retries;         /* -1: not said */
};

struct weir_portkey_walk {
	struct weir_body *body;
	const struct weir_config *config;
	struct weir_rng *rng;
	struct weir_complaint *c;
	size_t overrides[WEIR_FALLBACKS_MAX + 1][2]; /* of each fallback, in body->extra */
};

/* portkey_target.c */
/* Does it say who is to answer, or what to ask? */
bool weir_portkey_names_target(const struct weir_portkey_walk *walk,
			       const struct weir_portkey_above *here);
/* One more target, after those there are. As weir_portkey_read(). */
WEIR_MUST_CHECK int weir_portkey_add(struct weir_portkey_walk *walk,
				     const struct weir_portkey_above *here, const char *where);
/* The same, of that name: a chain's, or a target's. */
WEIR_MUST_CHECK int weir_portkey_lead(struct weir_portkey_walk *walk, struct weir_slice name,
				      const char *where);
/* Nothing is said of targets: it holds for the chain that the body names. */
void weir_portkey_keep_chain(struct weir_body *body, const struct weir_portkey_above *above);
