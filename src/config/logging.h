/* `log`: what is written, how, and where. */
#pragma once

#include "config/shape.h"

extern const struct weir_form weir_logging_form;

/* node: the map that stands there. */
void weir_logging_read(struct weir_reader *reader, struct weir_node *node);
