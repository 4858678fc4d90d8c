#pragma once

#include "app/import_draft.h"

/* The configuration, with a comment for where each part comes from. What cannot be used yet
 * stands in comments. The import is settled. 0, WEIR_ENOMEM or WEIR_ELIMIT. */
WEIR_MUST_CHECK int weir_import_write(const struct weir_import *im, const char *command,
				      struct weir_buf *out);
