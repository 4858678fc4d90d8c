/* Where the state is that several weirs have in common. */
#pragma once

#include "config/form.h"

extern const struct weir_form weir_state_form;

void weir_state_read(struct weir_reader *reader, struct weir_node *node);
