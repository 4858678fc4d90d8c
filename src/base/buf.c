#include "base/buf.h"

#include <stdint.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/error.h"

enum { FIRST_CAP = 256 };

void weir_buf_init(struct weir_buf *buf, size_t max)
{
	*buf = (struct weir_buf){ .max = max };
}

void weir_buf_init_lent(struct weir_buf *buf, size_t max, char *room, size_t size)
{
	*buf = (struct weir_buf){ room, 0, size < max ? size : max, max, true };
}

int weir_buf_reserve(struct weir_buf *buf, size_t len)
{
	char *base;

	if (len > buf->max)
		return WEIR_ELIMIT;
	if (len <= buf->cap)
		return 0;
	base = buf->lent ? weir_alloc(len) : weir_realloc(buf->base, len);
	if (!base)
		return WEIR_ENOMEM;
	if (buf->lent && buf->len)
		memcpy(base, buf->base, buf->len);
	buf->lent = false;
	buf->base = base;
	buf->cap = len;
	return 0;
}

int weir_buf_grow(struct weir_buf *buf, size_t extra)
{
	size_t need, cap = buf->cap ? buf->cap : FIRST_CAP;

	if (__builtin_add_overflow(buf->len, extra, &need) || need > buf->max)
		return WEIR_ELIMIT;
	if (need <= buf->cap)
		return 0;
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	return weir_buf_reserve(buf, cap < buf->max ? cap : buf->max);
}

int weir_buf_printf(struct weir_buf *buf, const char *format, ...)
{
	va_list ap;
	int n, rc;

	va_start(ap, format);
	n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (n < 0)
		return WEIR_ELIMIT;
	rc = weir_buf_grow(buf, (size_t)n + 1);
	if (rc)
		return rc;
	va_start(ap, format);
	vsnprintf(buf->base + buf->len, (size_t)n + 1, format, ap);
	va_end(ap);
	buf->len += (size_t)n;
	return 0;
}

static int put_escaped(struct weir_buf *buf, unsigned char c)
{
	char text[8];

	switch (c) {
	case '"':
		return weir_buf_puts(buf, "\\\"");
	case '\\':
		return weir_buf_puts(buf, "\\\\");
	case '\n':
		return weir_buf_puts(buf, "\\n");
	case '\r':
		return weir_buf_puts(buf, "\\r");
	case '\t':
		return weir_buf_puts(buf, "\\t");
	default:
		snprintf(text, sizeof text, "\\u%04x", c);
		return weir_buf_puts(buf, text);
	}
}

static bool stands_for_itself(const char *at, size_t n)
{
	return n > 1 || (n == 1 && *at >= ' ' && *at != '"' && *at != '\\' && *at != 0x7f);
}

int weir_buf_json(struct weir_buf *buf, struct weir_slice text)
{
	size_t before = buf->len, done = 0, i = 0, n;
	int rc = weir_buf_append(buf, "\"", 1);

	for (; rc == 0 && i < text.len; i += n) {
		n = weir_utf8_len(text.base + i, text.len - i);
		if (stands_for_itself(text.base + i, n))
			continue;
		rc = weir_buf_append(buf, text.base + done, i - done);
		if (rc == 0)
			rc = n ? put_escaped(buf, (unsigned char)text.base[i])
			       : weir_buf_puts(buf, "\\ufffd");
		n = 1;
		done = i + 1;
	}
	if (rc == 0 && text.len > done)
		rc = weir_buf_append(buf, text.base + done, text.len - done);
	if (rc == 0)
		rc = weir_buf_append(buf, "\"", 1);
	if (rc)
		buf->len = before;
	return rc;
}

void weir_buf_consume(struct weir_buf *buf, size_t len)
{
	WEIR_ASSERT(len <= buf->len);
	buf->len -= len;
	if (buf->len && len)
		memmove(buf->base, buf->base + len, buf->len);
}

void weir_buf_clear(struct weir_buf *buf)
{
	buf->len = 0;
}
