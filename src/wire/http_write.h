/* Writes HTTP/1.1 heads and chunk frames. Every value is checked: CR, LF, NUL or
 * another control character is refused, never sent. */
#pragma once

#include <stdint.h>

#include "base/buf.h"

enum { WEIR_HTTP_CHUNK_HEAD_MAX = 20 };

/* "POST /v1/x HTTP/1.1\r\n". 0, WEIR_ENOMEM, WEIR_ELIMIT (also for unfit bytes). */
WEIR_MUST_CHECK int weir_http_put_request(struct weir_buf *buf, const char *method,
					  struct weir_slice target);
/* "HTTP/1.1 503 Service Unavailable\r\n"; our own reason phrases only. */
WEIR_MUST_CHECK int weir_http_put_status(struct weir_buf *buf, unsigned status);
WEIR_MUST_CHECK int weir_http_put_named(struct weir_buf *buf, struct weir_slice name,
					struct weir_slice value);
/* The same of a name that is known to be one. */
WEIR_MUST_CHECK int weir_http_put_line(struct weir_buf *buf, struct weir_slice name,
				       struct weir_slice value);
/* The same of a name that stands in the source. */
WEIR_MUST_CHECK static inline int weir_http_put_field(struct weir_buf *buf, const char *name,
						      struct weir_slice value)
{
	return weir_http_put_line(buf, weir_slice_of(name), value);
}

WEIR_MUST_CHECK int weir_http_put_field_u64(struct weir_buf *buf, const char *name, uint64_t value);
/* The empty line. */
WEIR_MUST_CHECK int weir_http_put_end(struct weir_buf *buf);

/* "1a2b\r\n" before a chunk's bytes; the chunk is followed by "\r\n". Returns its length. */
size_t weir_http_chunk_head(char out[WEIR_HTTP_CHUNK_HEAD_MAX], size_t len);

const char *weir_http_phrase(unsigned status);
