/* What a Portkey client says in a request's head: which targets, in which order, how patiently.
 * It becomes wishes as those in a body are: targets that stand in some chain, never a host or a
 * key. Sources: Portkey's pages on configs and headers, and its open gateway. */
#pragma once

#include "base/rng.h"
#include "config/config.h"
#include "core/body.h"
#include "wire/http_head.h"

enum {
	WEIR_PORTKEY_DEPTH_MAX = 4,   /* targets of targets */
	WEIR_PORTKEY_PARAMS_MAX = 64, /* members of one override_params */
};

enum weir_portkey_field {
	WEIR_PORTKEY_CONFIG,
	WEIR_PORTKEY_PROVIDER,
	WEIR_PORTKEY_VIRTUAL_KEY,
	WEIR_PORTKEY_HOST,
	WEIR_PORTKEY_TIMEOUT,
	WEIR_PORTKEY_RETRIES,
	WEIR_PORTKEY_FIELDS_N
};

/* The values of its header fields, one after the other. */
struct weir_portkey {
	struct weir_buf text; /* empty: none was there */
	size_t ends[WEIR_PORTKEY_FIELDS_N];
};

/* 0 or WEIR_ENOMEM; fit for _fini in every case. */
WEIR_MUST_CHECK int weir_portkey_take(struct weir_portkey *portkey,
				      const struct weir_http_head *head);
void weir_portkey_fini(struct weir_portkey *portkey);

/* Into the wishes of a body that was read. Targets to be balanced are put in an order by lot.
 * 0; WEIR_ECONFIG and *complaint, whose param names the place; WEIR_ENOMEM. */
WEIR_MUST_CHECK int weir_portkey_read(struct weir_body *body, const struct weir_portkey *portkey,
				      const struct weir_config *config, struct weir_rng *rng,
				      struct weir_complaint *complaint);
