/* A growing run of bytes with a bound. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "base/slice.h"

struct weir_buf {
	char *base;
	size_t len;
	size_t cap;
	size_t max; /* bytes; appending past it fails with WEIR_ELIMIT */
	bool lent;  /* base is somebody else's */
};

/* No allocation until the first append. */
void weir_buf_init(struct weir_buf *buf, size_t max);
/* The same, with room of the caller's to begin in: for what is small and does not outlive it. */
void weir_buf_init_lent(struct weir_buf *buf, size_t max, char *room, size_t size);
static inline void weir_buf_fini(struct weir_buf *buf);

/* Room for len bytes in all, allocated exactly. 0, WEIR_ENOMEM or WEIR_ELIMIT. */
WEIR_MUST_CHECK int weir_buf_reserve(struct weir_buf *buf, size_t len);

/* 0, WEIR_ENOMEM or WEIR_ELIMIT; on failure the buffer is as before. */
WEIR_MUST_CHECK static inline int weir_buf_append(struct weir_buf *buf, const void *bytes,
						  size_t len);
WEIR_MUST_CHECK static inline int weir_buf_puts(struct weir_buf *buf, const char *text);
/* Needs one byte of room more than its text has. */
WEIR_MUST_CHECK WEIR_PRINTF(2, 3) int weir_buf_printf(struct weir_buf *buf, const char *format,
						      ...);

/* text as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
WEIR_MUST_CHECK int weir_buf_json(struct weir_buf *buf, struct weir_slice text);

/* Drops the first len bytes. */
void weir_buf_consume(struct weir_buf *buf, size_t len);

/* Length 0, the memory kept. */
void weir_buf_clear(struct weir_buf *buf);

static inline void weir_buf_fini(struct weir_buf *buf)
{
	if (buf->base && !buf->lent)
		weir_free(buf->base);
	*buf = (struct weir_buf){ .max = buf->max };
}

/* Makes room for len bytes more, and then some. */
WEIR_MUST_CHECK int weir_buf_grow(struct weir_buf *buf, size_t len);

static inline int weir_buf_append(struct weir_buf *buf, const void *bytes, size_t len)
{
	int rc = len > buf->cap - buf->len ? weir_buf_grow(buf, len) : 0;

	if (rc)
		return rc;
	if (len)
		memcpy(buf->base + buf->len, bytes, len);
	buf->len += len;
	return 0;
}

static inline int weir_buf_puts(struct weir_buf *buf, const char *text)
{
	return weir_buf_append(buf, text, strlen(text));
}

static inline struct weir_slice weir_buf_slice(const struct weir_buf *buf)
{
	return (struct weir_slice){ buf->base, buf->len };
}
