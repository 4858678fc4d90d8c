/* Well-known providers: what needs only a key. Facts from the vendors' own pages. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* Routes of the OpenAI API that a vendor is known not to have, a bit each. */
enum weir_lacks { WEIR_LACKS_TEXT = 1, WEIR_LACKS_EMBEDDINGS = 2, WEIR_LACKS_RESPONSES = 4 };

struct weir_vendor {
	const char *name; /* the provider name in the configuration */
	const char *dialect;
	const char *base_url; /* NULL: holds the customer's own account, must be configured */
	const char *key_var;  /* environment variable of zero-config; NULL: none */
	const char *
		prefixes; /* comma-separated beginnings of its model names, "gpt-,o1,o3"; "" none */
	bool local;       /* its built-in address is loopback (Ollama …) */
	const char *other_key_var; /* read when the first is not set; NULL: none */
	const char *base_var;      /* of its base_url, when that is NULL; NULL: none */
	const char *form;          /* of a base_url that must be configured; NULL: anything */
	const char *hosts; /* comma-separated, * for any one part: where it is, beyond base_url;
	                      NULL: nowhere else */
	unsigned lacks;    /* enum weir_lacks */
	bool developer;    /* takes messages of that role; others get them as the system's */
	/* Comma-separated fields it refuses or that mean something else there, left out of a
	 * request that is changed anyway: "user", "messages[].name"; NULL: none. */
	const char *strip;
	const char *rename;   /* likewise, "seed:random_seed"; NULL: none */
	uint64_t patience_ms; /* loads a model when it is asked for: its timers, where none is
	                         configured; 0: the usual */
};

const struct weir_vendor *weir_vendor_find(struct weir_slice name);
/* The vendor whose address is at that host; of several that speak different dialects there,
 * the one that speaks this, else the first. NULL: nobody's. */
const struct weir_vendor *weir_vendor_at(struct weir_slice host, const char *dialect);
/* The vendor whose prefix the model name bears; NULL: nobody's. */
const struct weir_vendor *weir_vendor_of_model(struct weir_slice model);
/* All of them, in the order of zero-config; ends with a row whose name is NULL. */
const struct weir_vendor *weir_vendors(void);
