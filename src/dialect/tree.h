/* A JSON text as a tree, for the small texts of a dialect: events, errors. Strict, at
 * most WEIR_JSON_DEPTH_MAX deep, memory bounded by 13 times the text. Nothing here or in
 * what uses it may be recursive: the bytes are a stranger's. */
#pragma once

#include <stdbool.h>

#include <yyjson.h>

#include "base/attr.h"
#include "base/slice.h"

/* Texts up to about WEIR_TREE_POOL / 13 bytes need no allocation. */
enum { WEIR_TREE_POOL = 16 * 1024 };

struct weir_tree {
	yyjson_doc *doc;
	yyjson_val *root; /* NULL: not JSON, or no_memory */
	bool no_memory;
	yyjson_alc alc;
	_Alignas(16) char pool[WEIR_TREE_POOL];
};

/* The tree must not be moved while it lives; declare it WEIR_UNINITIALIZED. */
void weir_tree_read(struct weir_tree *tree, struct weir_slice text);
void weir_tree_fini(struct weir_tree *tree);

/* Where a string stands in the text the tree was read from, when it is written there as it
 * is meant; "" otherwise. */
struct weir_slice weir_tree_place(const struct weir_tree *tree, struct weir_slice text,
				  yyjson_val *value);

/* "" when value is no string. */
static inline struct weir_slice weir_tree_text(yyjson_val *value)
{
	return yyjson_is_str(value) ? weir_slice(yyjson_get_str(value), yyjson_get_len(value))
				    : WEIR_SLICE("");
}

/* Something is in it: a string, array or object that is not empty. */
static inline bool weir_tree_filled(yyjson_val *value)
{
	return (yyjson_is_str(value) && yyjson_get_len(value) > 0) ||
	       (yyjson_is_ctn(value) && unsafe_yyjson_get_len(value) > 0);
}
