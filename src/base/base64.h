/* RFC 4648 §4, as data: URLs have it. */
#pragma once

#include "base/buf.h"

/* Appends the bytes that text stands for; the padding may be missing. 0, WEIR_ENOMEM, WEIR_ELIMIT
 * (also: it is none); on failure out is as before. */
WEIR_MUST_CHECK int weir_base64_decode(struct weir_buf *out, struct weir_slice text);
