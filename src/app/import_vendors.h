/* Providers by the names that other proxies give them. */
#pragma once

#include "app/import_draft.h"

struct weir_import_vendor {
	const char *name;     /* there */
	const char *weir;     /* in the catalogue; NULL: it is not */
	const char *base_url; /* of one that is not; NULL: the source must say it */
	const char *key_var;  /* read there when no key is given; NULL: none, or the catalogue's */
	const char *tail;     /* of an address in the source, when it has another end; NULL */
	const char *why;      /* nothing here speaks its language, because…; NULL */
};

/* NULL: not known. */
const struct weir_import_vendor *weir_import_litellm_vendor(struct weir_slice name);
const struct weir_import_vendor *weir_import_portkey_vendor(struct weir_slice name);
/* The one whose name slug is, or begins with, as "openai-prod"; NULL: none. */
const struct weir_import_vendor *weir_import_portkey_guess(struct weir_slice slug);

/* "openai" in weir's catalogue, with the address and key it has there. */
const struct weir_vendor *weir_import_in_catalogue(const struct weir_import_vendor *vendor);

/* The letters and digits of text as a provider's name, within 64 bytes; or otherwise. */
const char *weir_import_name(struct weir_import *im, struct weir_slice text, const char *otherwise);
/* A name for whoever is at that address; or otherwise. */
const char *weir_import_host_name(struct weir_import *im, const struct weir_import_value *base,
				  const char *otherwise);

/* Says why no target of the provider can be used, when that is so. node: where it is named. */
void weir_import_judge(struct weir_import *im, struct weir_import_provider *wish,
		       const struct weir_import_vendor *vendor, const struct weir_node *node);

/* Where the provider is: at the vendor's own address, or at base, which may be one of those. */
void weir_import_place(struct weir_import *im, struct weir_import_provider *wish,
		       const struct weir_import_vendor *vendor,
		       const struct weir_import_value *base, const struct weir_node *node);
