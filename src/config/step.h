/* One step of a chain. */
#pragma once

#include "config/shape.h"

/* settings: those of the chain; becomes those of the step. False: reported. */
bool weir_step_read(struct weir_reader *reader, struct weir_node *node,
		    struct weir_settings *settings, struct weir_step *step);
