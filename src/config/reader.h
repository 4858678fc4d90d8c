/* One reading of one configuration: what all readers in this folder share. They report
 * what is wrong and go on, so that all of it is said at once. */
#pragma once

#include "config/suggest.h"
#include "config/yaml.h"

enum {
	WEIR_CONFIG_TEXT_MAX = 1024 * 1024, /* bytes of a configuration file */
	WEIR_SECRET_MAX = 4096,
	WEIR_HEADERS_MAX = 32, /* per provider */
	WEIR_CALLERS_MAX = 4096,
	WEIR_CALLER_KEYS_MAX = 4, /* of one, while it changes them */
	WEIR_FILE_PATH_MAX = 4096
};

/* A provider as the file names it, also when it cannot be used. */
struct weir_draft {
	char *name;
	struct weir_node *node;           /* its map, or where a step first named it */
	const struct weir_vendor *vendor; /* NULL: not well known */
	struct weir_provider *provider;   /* owned by the configuration; NULL: not usable */
	bool needs_key;                   /* has none, and its vendor answers nobody without */
	bool used;
};

struct weir_reader {
	struct weir_config *config;
	struct weir_findings *findings;
	struct weir_yaml tree;
	weir_env *env;
	void *env_arg;
	const char *file;
	struct weir_draft *drafts;
	unsigned drafts_n, drafts_cap;
	struct weir_override *models; /* see models.h */
	unsigned models_n, models_cap;
	bool out_of_memory;
};

const char *weir_reader_env(const struct weir_reader *reader, const char *name);
/* The vendor's key from the first of its variables that is set; NULL: none is. */
const char *weir_reader_vendor_key(const struct weir_reader *reader,
				   const struct weir_vendor *vendor);
/* The address of a vendor that has none for everybody, from its variable; NULL: not set. */
const char *weir_reader_vendor_base(const struct weir_reader *reader,
				    const struct weir_vendor *vendor);

/* format as in weir_findings_add(): the sentence, a newline, the fix. */
WEIR_PRINTF(4, 5)
void weir_reader_error(struct weir_reader *reader, const struct weir_node *node, const char *rule,
		       const char *format, ...);
WEIR_PRINTF(4, 5)
void weir_reader_warn(struct weir_reader *reader, const struct weir_node *node, const char *rule,
		      const char *format, ...);

/* A copy; NULL sets out_of_memory. */
char *weir_reader_copy(struct weir_reader *reader, struct weir_slice text);
/* Zeroed; NULL sets out_of_memory. */
void *weir_reader_alloc(struct weir_reader *reader, size_t size);
/* Room for one more in an array of n of cap; the old one stays when false. */
bool weir_reader_grow(struct weir_reader *reader, void *array, unsigned n, unsigned *cap,
		      size_t size);

/* Replaces ${VAR}, ${VAR:-default} and ${VAR:?message} in all values of the tree. */
void weir_reader_expand(struct weir_reader *reader);

/* False, with a finding, unless node is a text that is not empty. what: "an address". */
bool weir_reader_text(struct weir_reader *reader, const struct weir_node *node, const char *what,
		      struct weir_slice *text);

/* The index of the word that stands there; -1 with a finding. words ends with NULL. */
int weir_reader_word(struct weir_reader *reader, const struct weir_node *node,
		     const char *const *words);
bool weir_reader_bool(struct weir_reader *reader, const struct weir_node *node, bool *value);

enum weir_number {
	WEIR_NUMBER_DURATION, /* milliseconds */
	WEIR_NUMBER_SIZE,     /* bytes */
	WEIR_NUMBER_COUNT,
	WEIR_NUMBER_PERCENT,
	WEIR_NUMBER_DOLLARS /* nano-dollars */
};

/* "a duration" */
const char *weir_number_what(enum weir_number number);
/* The shortest way to write it. */
void weir_number_print(enum weir_number number, uint64_t value, char *text, size_t size);

struct weir_range {
	uint64_t min, max;
	const char *or_else; /* "off, or ": what else may be written there; NULL: nothing */
};

/* False with a finding that gives the bounds. */
bool weir_reader_number(struct weir_reader *reader, const struct weir_node *node,
			enum weir_number number, const struct weir_range *range, uint64_t *value);
bool weir_reader_duration(struct weir_reader *reader, const struct weir_node *node, uint64_t min,
			  uint64_t max, uint64_t *value);
bool weir_reader_size(struct weir_reader *reader, const struct weir_node *node, uint64_t min,
		      uint64_t max, uint64_t *value);
bool weir_reader_count(struct weir_reader *reader, const struct weir_node *node, uint64_t min,
		       uint64_t max, uint64_t *value);

/* A list's items, or a single value as a list of one. */
unsigned weir_reader_items(struct weir_node *node);
struct weir_node *weir_reader_item(struct weir_node *node, unsigned index);

/* [A-Za-z0-9._-]+, at most WEIR_NAME_MAX; false with a finding. */
bool weir_reader_name(struct weir_reader *reader, const struct weir_node *node, const char *what,
		      struct weir_slice name);

/* A token of RFC 9110 §5.6.2, at most WEIR_NAME_MAX: the name of a header field. */
bool weir_is_token(struct weir_slice text);

/* UTF-8 without control characters, not empty, no blank at either end. */
bool weir_is_printable(struct weir_slice text);

/* path as seen from the folder of the configuration file. False: it does not fit. */
bool weir_reader_path(const struct weir_reader *reader, struct weir_slice path, char *out,
		      size_t size);
/* A copy of the path of a PEM file that can be read and is not empty; false with a finding.
 * what: "the certificate". */
bool weir_reader_file(struct weir_reader *reader, const struct weir_node *node, const char *what,
		      char **path);
