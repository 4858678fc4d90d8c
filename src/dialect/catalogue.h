/* Well-known providers: what needs only a key. Facts from the vendors' own pages. */
#pragma once

#include <stdbool.h>

#include "base/slice.h"

struct weir_vendor {
	const char *name;     /* the provider name in the configuration */
	const char *dialect;  /* may be one that is not built yet: then targets are refused */
	const char *base_url; /* NULL: holds the customer's own account, must be configured */
	const char *key_var;  /* environment variable of zero-config; NULL: none */
	const char *
		prefixes; /* comma-separated beginnings of its model names, "gpt-,o1,o3"; "" none */
	bool local;       /* its built-in address is loopback (Ollama …) */
};

const struct weir_vendor *weir_vendor_find(struct weir_slice name);
/* The vendor whose built-in address is at that host; NULL: nobody's. */
const struct weir_vendor *weir_vendor_at(struct weir_slice host);
/* The vendor whose prefix the model name bears; NULL: nobody's. */
const struct weir_vendor *weir_vendor_of_model(struct weir_slice model);
/* All of them, in the order of zero-config; ends with a row whose name is NULL. */
const struct weir_vendor *weir_vendors(void);
