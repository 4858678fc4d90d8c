/* How importers read: the keys of a map by a table that says of every one what becomes of it,
 * and values as the other proxies write them. Nothing that could be a secret gets into a
 * finding: they name keys, never values. */
#pragma once

#include "app/import_draft.h"

enum {
	WEIR_IMPORT_LOST = -1, /* the slot of a key that does not carry over */
	WEIR_IMPORT_KEYS_MAX = 256
};

struct weir_import_key {
	const char *name;
	int slot;        /* where its value goes; or LOST */
	const char *why; /* it does not carry over, a newline, what to do instead */
};

/* Parses the source; true when it is a map. */
bool weir_import_parse(struct weir_import *im, struct weir_slice text, const char *what);

/* The values of the map by their slots, NULL for those that are not there or null; a key that
 * does not carry over, or is in no row, is a finding. Merge keys (`<<`) are followed. what:
 * "a deployment". keys ends with a NULL name; slots has slots_n elements. */
void weir_import_keys(struct weir_import *im, struct weir_node *map, const char *what,
		      const struct weir_import_key *keys, struct weir_node **slots,
		      unsigned slots_n);

/* The value of a key of a map, merge keys followed, in camelCase where that may be; NULL. */
struct weir_node *weir_import_get(const struct weir_import *im, const struct weir_node *map,
				  const char *key);

/* Values. NULL is no value; what cannot be read is a finding. */
bool weir_import_string(struct weir_import *im, const struct weir_node *node,
			struct weir_slice *text);
/* 1, 0; -1: none. */
int weir_import_flag(struct weir_import *im, const struct weir_node *node);
bool weir_import_number(struct weir_import *im, const struct weir_node *node, double min,
			double max, double *value);
bool weir_import_count(struct weir_import *im, const struct weir_node *node, uint64_t min,
		       uint64_t max, uint64_t *value);
/* A timer in milliseconds; unit_ms: of the number. */
bool weir_import_timer(struct weir_import *im, const struct weir_node *node, unsigned unit_ms,
		       uint64_t *ms);
/* A list's items, or one value as a list of one. */
unsigned weir_import_items(const struct weir_node *node);
struct weir_node *weir_import_item(const struct weir_node *node, unsigned index);

/* os.environ/NAME and ${NAME} are variables; anything else is a secret. */
struct weir_import_value weir_import_secret(struct weir_import *im, const struct weir_node *node);
/* An address: a variable, a text that may be shown, or a secret when it holds what an address
 * must not (a query, a password), which is a finding. */
struct weir_import_value weir_import_address(struct weir_import *im, const struct weir_node *node);
/* A request header, when weir lets one of that name be sent; else a finding at `at`. */
void weir_import_header(struct weir_import *im, struct weir_import_provider *provider,
			struct weir_slice name, const struct weir_node *value,
			const struct weir_node *at);

/* The version of Azure's API; of another one, a finding. */
void weir_import_version(struct weir_import *im, struct weir_import_provider *wish,
			 const struct weir_node *node);

/* A word that is given to servers that ask for a key and look at none. */
bool weir_import_is_placeholder(struct weir_slice key);

/* Does the program's own reader of configurations accept that text? All variables are set.
 * What others build is there as soon as it accepts it. */
bool weir_import_accepts(struct weir_import *im, struct weir_slice yaml,
			 struct weir_findings *findings);
