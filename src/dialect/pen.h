/* Appends many small pieces and asks once at the end whether all went well. */
#pragma once

#include "base/buf.h"

struct weir_pen {
	struct weir_buf *buf;
	int rc; /* the first failure; what follows it is not written */
};

static inline void weir_put(struct weir_pen *pen, const char *text)
{
	if (pen->rc == 0)
		pen->rc = weir_buf_puts(pen->buf, text);
}

static inline void weir_put_slice(struct weir_pen *pen, struct weir_slice text)
{
	if (pen->rc == 0)
		pen->rc = weir_buf_append(pen->buf, text.base, text.len);
}

/* As a JSON string, with its quotes. */
static inline void weir_put_json(struct weir_pen *pen, struct weir_slice text)
{
	if (pen->rc == 0)
		pen->rc = weir_buf_json(pen->buf, text);
}

static inline void weir_put_u64(struct weir_pen *pen, uint64_t value)
{
	char digits[WEIR_DIGITS_MAX];

	weir_put_slice(pen, weir_slice_digits(digits, value));
}

/* A member; key as it stands before the value, with what separates it. */
static inline void weir_put_number(struct weir_pen *pen, const char *key, uint64_t number)
{
	weir_put(pen, key);
	weir_put_u64(pen, number);
}

/* Likewise; NULL is null. */
static inline void weir_put_text(struct weir_pen *pen, const char *key, const char *text)
{
	weir_put(pen, key);
	if (text)
		weir_put_json(pen, weir_slice_of(text));
	else
		weir_put(pen, "null");
}

/* The inside of a JSON string, as it stands there, with its quotes. */
static inline void weir_put_quoted(struct weir_pen *pen, struct weir_slice inside)
{
	weir_put(pen, "\"");
	weir_put_slice(pen, inside);
	weir_put(pen, "\"");
}

/* JSON as the inside of a string: a string's own, anything else escaped and without the white
 * space around it (chat.c). */
void weir_put_inside(struct weir_pen *pen, struct weir_slice json);
