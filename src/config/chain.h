/* The chains section: names, steps, and what holds for each step. */
#pragma once

#include "config/shape.h"

extern const struct weir_form weir_chains_form;

/* Fills the chain's own values from the settings in force for it. */
void weir_chain_fill(struct weir_chain *chain, const struct weir_settings *settings);

/* defaults: of the file, over those of the product. node NULL: there is no such section. */
void weir_chains_read(struct weir_reader *reader, struct weir_node *node,
		      const struct weir_settings *defaults);
