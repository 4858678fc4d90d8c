/* The models section: what the operator knows better than the built-in table. */
#pragma once

#include "config/shape.h"

extern const struct weir_form weir_models_form;

/* Reads the section; node NULL: there is none. */
void weir_models_read(struct weir_reader *reader, struct weir_node *node);

/* Lays what is said of a target's model over what is known of it. */
void weir_models_apply(struct weir_reader *reader, struct weir_target *target);

/* A warning for each name that no target has; after all chains. */
void weir_models_check(struct weir_reader *reader);

void weir_models_fini(struct weir_reader *reader);
