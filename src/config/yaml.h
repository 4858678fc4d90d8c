/* A YAML (or JSON) text as a tree that still knows where everything stood.
 *
 * Scalars stay texts: what they mean is decided by who asks for them, never guessed.
 * An alias is one more reference to the same node, so the tree may share branches;
 * depth and size are bounded as if they were written out. */
#pragma once

#include <stdbool.h>

#include "config/report.h"

enum {
	WEIR_YAML_DEPTH_MAX = 32,
	WEIR_YAML_NODES_MAX = 100000, /* aliases counted in full */
	WEIR_YAML_ANCHORS_MAX = 256
};

enum weir_node_type { WEIR_NODE_SCALAR, WEIR_NODE_LIST, WEIR_NODE_MAP };

struct weir_pair {
	struct weir_node *key; /* a scalar; NULL in lists */
	struct weir_node *value;
};

struct weir_node {
	struct weir_node *next; /* of all nodes of the tree, as written */
	enum weir_node_type type;
	unsigned line, column;
	bool plain; /* a scalar without quotes */
	bool is_key;
	bool broken;                /* what is wrong with it has been said */
	bool done;                  /* its end has been read */
	struct weir_slice raw;      /* scalars: as written, may be shown */
	struct weir_slice text;     /* with variables: may be a secret, never shown */
	char *raw_base, *text_base; /* owned; text_base NULL: text is raw */
	struct weir_node *parent;
	struct weir_node *key; /* in a map */
	unsigned position;     /* in a list */
	struct weir_pair *pairs;
	unsigned pairs_n, pairs_cap;
	unsigned weight, height; /* nodes and levels, aliases written out */
};

struct weir_yaml {
	struct weir_node *first, **end;
	struct weir_node *root; /* NULL: the text holds nothing */
	unsigned nodes_n;
};

void weir_yaml_init(struct weir_yaml *tree);
void weir_yaml_fini(struct weir_yaml *tree); /* wipes all texts */

/* 0; WEIR_ECONFIG with a finding when it is not YAML; WEIR_ENOMEM. A key that stands twice
 * in one map is a finding, and its first value counts. */
WEIR_MUST_CHECK int weir_yaml_parse(struct weir_yaml *tree, struct weir_slice text,
				    struct weir_findings *findings);

/* "chains.gpt-4o.steps[1]", or "." for the root. */
void weir_node_path(const struct weir_node *node, char *path, size_t size);

/* An empty, unquoted value, or `null`, or `~`. */
bool weir_node_is_null(const struct weir_node *node);

/* The value of a key; NULL: not there. */
struct weir_node *weir_node_get(const struct weir_node *map, const char *key);
