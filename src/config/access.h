/* Who may call: `access`. */
#pragma once

#include "config/shape.h"

extern const struct weir_form weir_access_form;

/* After the chains, which it may name. */
void weir_access_read(struct weir_reader *reader, struct weir_node *node);
