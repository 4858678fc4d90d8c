/* Where a request goes at its provider: the path of its base address, the route of the
 * dialect, the model in it. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

/* Appends base, then route with "{model}" replaced by the model as one segment (RFC 3986
 * §3.3): whatever else it holds than letters, digits and "-._~" is %-encoded. Nothing is said
 * twice: not the version that ends the base ("/v1beta") when the route holds one, then what
 * stands before it neither; nor what stands before "{model}" ("models/") when the model's name
 * begins with it. 0, WEIR_ENOMEM, WEIR_ELIMIT (also: the model strays; the path may be half
 * there). */
WEIR_MUST_CHECK int weir_path_put(struct weir_buf *out, struct weir_slice base, const char *route,
				  struct weir_slice model);

/* "/openai/v1", "/v1beta". */
bool weir_path_ends_in_version(struct weir_slice base);

/* Has the name a segment "." or "..", which leads elsewhere once somebody decodes it? */
bool weir_path_strays(struct weir_slice model);
