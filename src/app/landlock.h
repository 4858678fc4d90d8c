/* Files may be read as before; from here on nothing is run, and nothing is written but in the
 * folders that these files are in (NULL: none). 0, or why not: an errno. */
#pragma once

#include "base/attr.h"

WEIR_MUST_CHECK int weir_landlock(const char *const *writable, unsigned n);
