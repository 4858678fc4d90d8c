/* One provider being read: shared by the files that read its parts. */
#pragma once

#include "config/form.h"

enum weir_provider_field {
	WEIR_FIELD_DIALECT,
	WEIR_FIELD_BASE_URL,
	WEIR_FIELD_API_VERSION,
	WEIR_FIELD_KEYS,
	WEIR_FIELD_HEADERS,
	WEIR_FIELD_CA_FILE,
	WEIR_FIELD_PROXY,
	WEIR_FIELD_GROUPS,
	WEIR_FIELD_TRACEPARENT,
	WEIR_FIELD_HTTP2,
	WEIR_FIELDS_N
};

struct weir_making {
	struct weir_reader *reader;
	struct weir_node *node; /* its name, or where a step names it */
	struct weir_node *fields[WEIR_FIELDS_N];
	const struct weir_vendor *vendor;
	struct weir_provider *provider;
	bool failed;
};

/* Each reads its part of the map into making->provider; what is wrong is reported, and
 * sets failed. */
void weir_making_dialect(struct weir_making *making);
void weir_making_base_url(struct weir_making *making);
/* What of the API is asked, and so where. */
void weir_making_version(struct weir_making *making);
/* Without keys: the one of the vendor's variable. */
void weir_making_keys(struct weir_making *making);
void weir_making_headers(struct weir_making *making);
void weir_making_ca_file(struct weir_making *making);
/* Its own, or the environment's; after the address. */
void weir_making_proxy(struct weir_making *making);
/* Its own name is always one. */
void weir_making_groups(struct weir_making *making);
void weir_making_http2(struct weir_making *making);
void weir_making_traceparent(struct weir_making *making);

/* Whose models these are, by its address, its name or its dialect; after the others. */
void weir_making_vendor(struct weir_making *making);
/* A warning when keys would cross a public network in the clear; after the others. */
void weir_making_transport(struct weir_making *making);
