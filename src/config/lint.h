/* What is legal and yet unlikely to be what somebody wants. */
#pragma once

#include "config/shape.h"

struct weir_linted_target {
	const struct weir_node *node;
	struct weir_settings settings; /* in force for it */
};

/* A chain with the places its parts were read from. */
struct weir_linted {
	const struct weir_chain *chain;
	const struct weir_node *node;
	const struct weir_node *steps[WEIR_STEPS_MAX];
	const struct weir_settings *defaults;
	struct weir_settings settings;      /* in force for the chain */
	struct weir_linted_target *targets; /* of all its steps, one after the other */
	unsigned targets_n, targets_cap;
};

/* False: out of memory. */
bool weir_linted_add(struct weir_reader *reader, struct weir_linted *linted,
		     const struct weir_node *node, const struct weir_settings *settings);
void weir_linted_fini(struct weir_linted *linted);

/* Where the chain itself says it; NULL: it does not. */
const struct weir_node *weir_linted_own(const struct weir_linted *linted,
					enum weir_setting setting);

void weir_lint_chain(struct weir_reader *reader, const struct weir_linted *linted);
/* Of the same, what follows from the facts about its models. */
void weir_lint_models(struct weir_reader *reader, const struct weir_linted *linted);

/* After all chains. Providers without a key they need: warnings, or errors when no chain has
 * any other. One key at two providers. */
void weir_lint_providers(struct weir_reader *reader);
