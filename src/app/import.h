/* Configurations of other proxies as weir's own. */
#pragma once

#include "config/config.h"

enum weir_import_source { WEIR_IMPORT_LITELLM, WEIR_IMPORT_PORTKEY };

/* Appends the equivalent weir.yaml to out; what does not carry over is in findings, as warnings.
 * model: for targets of a Portkey config that take the model of a request; NULL: a variable.
 * 0; WEIR_ECONFIG with errors in findings: out is empty when text is none of that source, and
 * has all the same what could be read when no chain can be used; WEIR_ENOMEM; WEIR_ELIMIT: it
 * would be longer than a configuration may be. */
WEIR_MUST_CHECK int weir_import(enum weir_import_source source, struct weir_slice text,
				const char *model, struct weir_buf *out,
				struct weir_findings *findings);
