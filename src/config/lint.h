/* What is legal and yet unlikely to be what somebody wants. */
#pragma once

#include "config/settings.h"

/* A chain with the places its parts were read from. */
struct weir_linted {
	const struct weir_chain *chain;
	const struct weir_node *node;
	const struct weir_node *steps[WEIR_STEPS_MAX];
	struct weir_settings settings; /* in force for the chain */
	struct weir_settings step_settings[WEIR_STEPS_MAX];
};

void weir_lint_chain(struct weir_reader *reader, const struct weir_linted *linted);

/* Providers without a key they need: warnings, or errors when no chain has any other. */
void weir_lint_credentials(struct weir_reader *reader);
