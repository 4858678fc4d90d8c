/* Maps with a known set of keys. */
#pragma once

#include "config/settings.h"

/* The keys a map may have. */
struct weir_shape {
	const char *what; /* "a provider" */
	const char *const *names;
	unsigned names_n;
	unsigned places; /* of settings, enum weir_place */
};

/* False, with a finding, unless node is a map (or empty: a map without keys). values[i]
 * becomes the value of names[i] or NULL; settings are read into settings,
 * which may be NULL when shape has no places for them. */
bool weir_shape_read(struct weir_reader *reader, struct weir_node *node,
		     const struct weir_shape *shape, struct weir_node **values,
		     struct weir_settings *settings);
