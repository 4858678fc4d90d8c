/* What a chat needs of a model, whichever of the callers' APIs it came by: seen in one pass over
 * its members, without a tree. */
#pragma once

#include "dialect/models.h"
#include "wire/json.h"

struct weir_needs {
	unsigned abilities; /* enum weir_ability */
	uint64_t tokens;    /* about how many its words and images are */
	uint64_t answer;    /* tokens it may be answered with; 0: not said */
};

/* bytes: of the whole body. */
void weir_needs_read(struct weir_needs *needs, const struct weir_json_member *members, unsigned n,
		     size_t bytes);

/* Why the model cannot serve it: "cannot_take_images", "context_window"; NULL: it can, or that is
 * not known. An estimate may be wrong by half: sure says to trust only what is beyond that. */
const char *weir_needs_unmet(const struct weir_needs *needs, const struct weir_model_facts *facts,
			     bool sure);
