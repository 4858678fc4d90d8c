/* One step of a chain. */
#pragma once

#include "config/lint.h"
#include "config/shape.h"

extern const struct weir_form weir_step_form;

/* Over the settings of the chain, linted->settings; its targets are added to linted. False:
 * reported, and nothing to free. */
bool weir_step_read(struct weir_reader *reader, struct weir_node *node, struct weir_linted *linted,
		    struct weir_step *step);
