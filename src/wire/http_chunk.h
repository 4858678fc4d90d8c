/* Guards the framing of a chunked body (RFC 9112 §7.1), more strictly than llhttp:
 * it bounds the size line, the extensions and the trailers, and names the trailers
 * that nobody may send. It looks at the bytes and keeps none of them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum {
	WEIR_HTTP_CHUNK_DIGITS_MAX = 16,
	WEIR_HTTP_CHUNK_EXT_MAX = 256,       /* per chunk */
	WEIR_HTTP_CHUNK_EXTS_MAX = 4 * 1024, /* per message */
	WEIR_HTTP_TRAILERS_MAX = 4 * 1024,
	WEIR_HTTP_TRAILER_NAME_MAX = 20, /* longer than every forbidden one */
};

enum weir_http_chunk_state {
	WEIR_HTTP_CHUNK_SIZE,
	WEIR_HTTP_CHUNK_EXT_NAME,
	WEIR_HTTP_CHUNK_EXT_VALUE,
	WEIR_HTTP_CHUNK_EXT_QUOTED,
	WEIR_HTTP_CHUNK_EXT_ESCAPED,
	WEIR_HTTP_CHUNK_EXT_END,
	WEIR_HTTP_CHUNK_SIZE_LF,
	WEIR_HTTP_CHUNK_DATA,
	WEIR_HTTP_CHUNK_DATA_CR,
	WEIR_HTTP_CHUNK_DATA_LF,
	WEIR_HTTP_CHUNK_TRAILER,
	WEIR_HTTP_CHUNK_TRAILER_NAME,
	WEIR_HTTP_CHUNK_TRAILER_VALUE,
	WEIR_HTTP_CHUNK_TRAILER_LF,
	WEIR_HTTP_CHUNK_END_LF,
	WEIR_HTTP_CHUNK_ENDED,
};

/* All zero before the first byte. */
struct weir_http_chunks {
	enum weir_http_chunk_state state;
	uint64_t left;       /* bytes of data to come in this chunk */
	unsigned digits_n;   /* of this chunk's size */
	unsigned word_n;     /* bytes of this extension's name or value */
	unsigned ext_bytes;  /* of this chunk */
	unsigned exts_bytes; /* of all chunks before */
	unsigned trailer_bytes;
	unsigned name_n; /* may exceed the array, which keeps the beginning */
	char name[WEIR_HTTP_TRAILER_NAME_MAX];
};

/* How many of the bytes are sound: all of them, unless the body ends among them (state
 * ENDED) or the byte after them is wrong (*reason, static; else NULL). */
size_t weir_http_chunks_check(struct weir_http_chunks *c, const char *bytes, size_t len,
			      const char **reason);

/* Between two chunks: how many bytes the next one is long, if all of it is there, without
 * extensions, and it is not the last; *data is its inside. 0: it has to be checked. */
size_t weir_http_chunks_whole(const struct weir_http_chunks *c, const char *bytes, size_t len,
			      struct weir_slice *data);
