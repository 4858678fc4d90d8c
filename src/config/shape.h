/* Maps with a known set of keys. */
#pragma once

#include "config/form.h"
#include "config/settings.h"

struct weir_key {
	const char *name;
	const struct weir_form *form;
	const char *says;      /* a sentence or two, for manuals and editors */
	const char *otherwise; /* what holds without it, as one would write it; may be NULL */
	bool needed;           /* the reader of the map refuses one without it */
	bool refused;          /* known only so that the reader can say what to write instead */
};

/* The keys a map may have. */
struct weir_shape {
	const char *what; /* "a provider" */
	const struct weir_key *keys;
	unsigned keys_n;
	unsigned places; /* of settings, enum weir_place */
};

/* False, with a finding, unless node is a map (or empty: a map without keys). values[i]
 * becomes the value of keys[i] or NULL; settings are read into settings,
 * which may be NULL when shape has no places for them. */
bool weir_shape_read(struct weir_reader *reader, struct weir_node *node,
		     const struct weir_shape *shape, struct weir_node **values,
		     struct weir_settings *settings);
