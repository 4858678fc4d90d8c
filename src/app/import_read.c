#include "app/import_read.h"

#include <stdio.h>

#include "base/alloc.h"

bool weir_import_parse(struct weir_import *im, struct weir_slice text, const char *what)
{
	int rc = weir_yaml_parse(&im->tree, text, im->findings);

	if (rc == WEIR_ENOMEM)
		im->out_of_memory = true;
	if (rc || im->findings->errors)
		return false;
	if (im->tree.root && im->tree.root->type == WEIR_NODE_MAP)
		return true;
	weir_findings_add(im->findings, WEIR_FINDING_ERROR, 1, 1, "wrong-type", ".",
			  "is not %s: its top is no map of keys\nname another file", what);
	return false;
}

/* "on_status_codes" and "onStatusCodes" are one key where camelCase may be. */
static bool is_key(const struct weir_import *im, struct weir_slice key, const char *name)
{
	size_t i = 0;

	if (!im->camel || weir_slice_is(key, name))
		return weir_slice_is(key, name);
	for (; *name; name++) {
		bool upper = *name == '_';

		name += upper;
		if (i == key.len || (upper ? weir_lower(key.base[i]) : key.base[i]) != *name ||
		    (upper && key.base[i] >= 'a' && key.base[i] <= 'z'))
			return false;
		i++;
	}
	return i == key.len;
}

static bool is_merge(const struct weir_pair *pair)
{
	return weir_slice_is(pair->key->raw, "<<") && pair->key->plain;
}

struct weir_node *weir_import_get(const struct weir_import *im, const struct weir_node *map,
				  const char *key)
{
	struct weir_node *found = NULL;

	if (!map || map->type != WEIR_NODE_MAP)
		return NULL;
	for (unsigned i = 0; i < map->pairs_n; i++)
		if (is_key(im, map->pairs[i].key->raw, key))
			return map->pairs[i].value;
	for (unsigned i = 0; i < map->pairs_n && !found; i++)
		for (unsigned k = 0; is_merge(&map->pairs[i]) && !found &&
				     k < weir_import_items(map->pairs[i].value);
		     k++)
			found = weir_import_get(im, weir_import_item(map->pairs[i].value, k), key);
	return found;
}

static const struct weir_import_key *
find_key(const struct weir_import *im, const struct weir_import_key *keys, struct weir_slice name)
{
	for (; keys->name; keys++)
		if (is_key(im, name, keys->name))
			return keys;
	return NULL;
}

static void take_key(struct weir_import *im, const struct weir_pair *pair, const char *what,
		     const struct weir_import_key *keys, struct weir_node **slots)
{
	const struct weir_import_key *row = find_key(im, keys, pair->key->raw);

	if (!row)
		weir_import_warn(im, pair->key, "unknown-key",
				 "is not known as a key of %s: it is left out\nsee whether "
				 "anything depends on it",
				 what);
	else if (row->slot == WEIR_IMPORT_LOST)
		weir_import_warn(im, pair->key, "no-counterpart", "%s", row->why);
	else if (!slots[row->slot] && !weir_node_is_null(pair->value))
		slots[row->slot] = pair->value;
}

static void walk(struct weir_import *im, const struct weir_node *map, const char *what,
		 const struct weir_import_key *keys, struct weir_node **slots)
{
	for (unsigned i = 0; i < map->pairs_n; i++)
		if (!is_merge(&map->pairs[i]))
			take_key(im, &map->pairs[i], what, keys, slots);
	for (unsigned i = 0; i < map->pairs_n; i++) {
		const struct weir_node *merged = map->pairs[i].value;

		for (unsigned k = 0; is_merge(&map->pairs[i]) && k < weir_import_items(merged); k++)
			if (weir_import_item(merged, k)->type == WEIR_NODE_MAP)
				walk(im, weir_import_item(merged, k), what, keys, slots);
	}
}

void weir_import_keys(struct weir_import *im, struct weir_node *map, const char *what,
		      const struct weir_import_key *keys, struct weir_node **slots,
		      unsigned slots_n)
{
	for (unsigned i = 0; i < slots_n; i++)
		slots[i] = NULL;
	if (!map || weir_node_is_null(map))
		return;
	if (map->type != WEIR_NODE_MAP) {
		weir_import_warn(im, map, "bad-value",
				 "%s is a map of keys, and this is none: it is left out\ncorrect "
				 "it, and import again",
				 what);
		return;
	}
	walk(im, map, what, keys, slots);
}

static void bad_value(struct weir_import *im, const struct weir_node *node, const char *wanted)
{
	weir_import_warn(im, node, "bad-value",
			 "is not %s: it is left out\ncorrect it, and import again", wanted);
}

bool weir_import_string(struct weir_import *im, const struct weir_node *node,
			struct weir_slice *text)
{
	if (!node)
		return false;
	if (node->type != WEIR_NODE_SCALAR || weir_node_is_null(node) || node->raw.len == 0) {
		bad_value(im, node, "a text");
		return false;
	}
	*text = node->raw;
	return true;
}

int weir_import_flag(struct weir_import *im, const struct weir_node *node)
{
	static const char *const words[2][5] = { { "false", "no", "off", "n", "0" },
						 { "true", "yes", "on", "y", "1" } };

	if (!node || weir_node_is_null(node))
		return -1;
	for (int is = 0; is < 2 && node->type == WEIR_NODE_SCALAR; is++)
		for (size_t i = 0; i < WEIR_COUNT_OF(words[is]); i++)
			if (weir_slice_is_nocase(node->raw, words[is][i]))
				return is;
	bad_value(im, node, "true or false");
	return -1;
}

bool weir_import_number(struct weir_import *im, const struct weir_node *node, double min,
			double max, double *value)
{
	char wanted[64];
	double read;

	if (!node || weir_node_is_null(node))
		return false;
	if (node->type == WEIR_NODE_SCALAR && weir_slice_to_double(node->raw, &read) &&
	    read >= min && read <= max) {
		*value = read;
		return true;
	}
	snprintf(wanted, sizeof wanted, "a number from %.10g to %.10g", min, max);
	bad_value(im, node, wanted);
	return false;
}

bool weir_import_count(struct weir_import *im, const struct weir_node *node, uint64_t min,
		       uint64_t max, uint64_t *value)
{
	double read;

	if (!weir_import_number(im, node, (double)min, (double)max, &read))
		return false;
	*value = (uint64_t)read;
	if (*value < min)
		*value = min;
	return true;
}

bool weir_import_timer(struct weir_import *im, const struct weir_node *node, unsigned unit_ms,
		       uint64_t *ms)
{
	double unit = unit_ms, read;

	if (!weir_import_number(im, node, 1 / unit, WEIR_IMPORT_MS_MAX / unit, &read))
		return false;
	*ms = (uint64_t)(read * unit + 0.5);
	return true;
}

unsigned weir_import_items(const struct weir_node *node)
{
	return !node ? 0 : node->type == WEIR_NODE_LIST ? node->pairs_n : 1;
}

struct weir_node *weir_import_item(const struct weir_node *node, unsigned index)
{
	return node->type == WEIR_NODE_LIST ? node->pairs[index].value : (struct weir_node *)node;
}
