/* Appends many small pieces and asks once at the end whether all went well. */
#pragma once

#include <string.h>

#include "base/buf.h"

struct weir_mock_pen {
	struct weir_buf *buf;
	int rc; /* the first failure; what follows it is not written */
};

/* Mostly there is room already, and len is known to the compiler. */
static inline void weir_mock_put(struct weir_mock_pen *pen, const char *bytes, size_t len)
{
	struct weir_buf *buf = pen->buf;

	if (pen->rc == 0 && len && len <= buf->cap - buf->len) {
		memcpy(buf->base + buf->len, bytes, len);
		buf->len += len;
	} else if (pen->rc == 0) {
		pen->rc = weir_buf_append(buf, bytes, len);
	}
}

#define WEIR_MOCK_PUT(pen, literal) weir_mock_put((pen), (literal), sizeof(literal) - 1)

static inline void weir_mock_put_text(struct weir_mock_pen *pen, const char *text)
{
	weir_mock_put(pen, text, strlen(text));
}

static inline void weir_mock_put_slice(struct weir_mock_pen *pen, struct weir_slice text)
{
	weir_mock_put(pen, text.base, text.len);
}

static inline void weir_mock_put_u64(struct weir_mock_pen *pen, uint64_t value)
{
	char digits[20];
	size_t at = sizeof digits;

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	weir_mock_put(pen, digits + at, sizeof digits - at);
}

static inline void weir_mock_put_json(struct weir_mock_pen *pen, struct weir_slice text)
{
	if (pen->rc == 0)
		pen->rc = weir_buf_json(pen->buf, text);
}
