/* Numbers with their units, as expressions of ECMA-262. */
#pragma once

#include "config/form.h"
#include "dialect/pen.h"

/* What the reader accepts as that number from min to max: exact for a whole number of one unit; a
 * fraction or a sum of several is let through where its first whole part fits. */
void weir_put_number_pattern(struct weir_pen *pen, const struct weir_form *form);
