/* What an HTTP/2 server says, in words: each becomes a frame.
 *
 *	S S(3=1) A               SETTINGS, with one of them, their acknowledgement
 *	H1{:status=200;a=b}      HEADERS of stream 1; H1e also ends the stream, H1c is not all of it
 *	C1{c=d}                  CONTINUATION, the last; C1c not
 *	D1{text} D1e D1{#5000}   DATA; of that many bytes
 *	R1(8) G1(0) W1(5) P U1 O1 X1   RST_STREAM, GOAWAY, WINDOW_UPDATE, PING, PUSH_PROMISE,
 *	                         PRIORITY, one of a type that nobody knows
 *	!text                    no frame at all
 *	D1*500                   a word may be repeated */
#ifndef WEIR_TEST_H2_SCRIPT_H
#define WEIR_TEST_H2_SCRIPT_H

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct h2_bytes {
	char *base; /* malloc'ed */
	size_t len, size;
};

static inline void h2_put(struct h2_bytes *to, const void *bytes, size_t len)
{
	if (to->len + len > to->size) {
		to->size = 2 * (to->len + len) + 64;
		to->base = realloc(to->base, to->size);
	}
	if (len)
		memcpy(to->base + to->len, bytes, len);
	to->len += len;
}

static inline void h2_put_u32(struct h2_bytes *to, unsigned long value)
{
	const unsigned char bytes[] = { (unsigned char)(value >> 24), (unsigned char)(value >> 16),
					(unsigned char)(value >> 8), (unsigned char)value };

	h2_put(to, bytes, sizeof bytes);
}

static inline void h2_put_frame(struct h2_bytes *to, unsigned type, unsigned flags,
				unsigned long id, const struct h2_bytes *payload)
{
	const unsigned char head[] = { (unsigned char)(payload->len >> 16),
				       (unsigned char)(payload->len >> 8),
				       (unsigned char)payload->len, (unsigned char)type,
				       (unsigned char)flags };

	h2_put(to, head, sizeof head);
	h2_put_u32(to, id);
	h2_put(to, payload->base, payload->len);
}

/* A length of HPACK's, with a prefix of 7 bits. */
static inline void h2_put_length(struct h2_bytes *to, size_t n)
{
	unsigned char byte = n < 127 ? (unsigned char)n : 127;

	h2_put(to, &byte, 1);
	if (n < 127)
		return;
	for (n -= 127; n >= 128; n >>= 7) {
		byte = (unsigned char)(n | 128);
		h2_put(to, &byte, 1);
	}
	byte = (unsigned char)n;
	h2_put(to, &byte, 1);
}

/* "a=b;c=d" as literals; a value #N is N letters. */
static inline void h2_put_fields(struct h2_bytes *to, const char *at, const char *end)
{
	while (at < end) {
		const char *stop = memchr(at, ';', (size_t)(end - at));
		const char *last = stop ? stop : end,
			   *equals = memchr(at, '=', (size_t)(last - at));
		size_t n = equals && equals[1] == '#' ? strtoul(equals + 2, NULL, 10) : 0;

		h2_put(to, "", 1);
		h2_put_length(to, (size_t)(equals - at));
		h2_put(to, at, (size_t)(equals - at));
		h2_put_length(to, n ? n : (size_t)(last - equals - 1));
		for (size_t i = 0; i < n; i++)
			h2_put(to, "x", 1);
		if (!n)
			h2_put(to, equals + 1, (size_t)(last - equals - 1));
		at = last + 1;
	}
}

struct h2_word {
	char kind;
	unsigned long id, number;
	int setting; /* S(setting=number); -1: none */
	unsigned flags;
	const char *text, *text_end;
	unsigned long repeat;
};

/* The next word; NULL: there is none. */
static inline const char *h2_read_word(const char *at, struct h2_word *w)
{
	*w = (struct h2_word){ .kind = *at, .setting = -1, .repeat = 1 };
	if (!*at)
		return NULL;
	at++;
	w->text = w->text_end = at;
	if (w->kind == '!')
		return w->text_end = at + strlen(at);
	w->id = strtoul(at, (char **)&at, 10);
	w->flags = w->kind == 'H' || w->kind == 'C' ? 4 : 0;
	for (; *at == 'e' || *at == 'c'; at++)
		w->flags = *at == 'e' ? w->flags | 1 : w->flags & ~4u;
	if (*at == '(') {
		w->number = strtoul(at + 1, (char **)&at, 10);
		if (*at == '=') {
			w->setting = (int)w->number;
			w->number = strtoul(at + 1, (char **)&at, 10);
		}
		at++;
	}
	if (*at == '{') {
		w->text = at + 1;
		w->text_end = strchr(at, '}');
		at = w->text_end + 1;
	}
	if (*at == '*')
		w->repeat = strtoul(at + 1, (char **)&at, 10);
	while (*at == ' ')
		at++;
	return at;
}

static inline void h2_put_text(struct h2_bytes *to, const struct h2_word *w)
{
	size_t n = w->text < w->text_end && *w->text == '#' ? strtoul(w->text + 1, NULL, 10) : 0;

	for (size_t i = 0; i < n; i++)
		h2_put(to, "x", 1);
	if (!n)
		h2_put(to, w->text, (size_t)(w->text_end - w->text));
}

static inline void h2_put_word(struct h2_bytes *to, const struct h2_word *w)
{
	static const char kinds[] = "DHORSUPGWC"; /* as they are numbered */
	const char *kind = strchr(kinds, w->kind == 'A' ? 'S' : w->kind);
	struct h2_bytes payload = { 0 };
	unsigned type = kind ? (unsigned)(kind - kinds) : 99;
	char setting[2] = { 0, (char)w->setting };

	switch (w->kind) {
	case 'H':
	case 'C':
		h2_put_fields(&payload, w->text, w->text_end);
		break;
	case 'S':
		if (w->setting >= 0) {
			h2_put(&payload, setting, 2);
			h2_put_u32(&payload, w->number);
		}
		break;
	case 'R':
	case 'W':
		h2_put_u32(&payload, w->number);
		break;
	case 'G':
		h2_put_u32(&payload, w->id);
		h2_put_u32(&payload, w->number);
		break;
	case 'P':
		h2_put(&payload, "12345678", 8);
		break;
	case 'O':
		h2_put(&payload, "\0\0\0\0\0", 5);
		break;
	case 'U':
		h2_put_u32(&payload, 2);
		break;
	default:
		h2_put_text(&payload, w);
		break;
	}
	h2_put_frame(to, type,
		     w->kind == 'A'   ? 1
		     : w->kind == 'U' ? 4
				      : w->flags,
		     w->kind == 'G' ? 0 : w->id, &payload);
	free(payload.base);
}

static inline void h2_script(struct h2_bytes *to, const char *words)
{
	struct h2_word w;

	while ((words = h2_read_word(words, &w)))
		for (unsigned long i = 0; i < w.repeat; i++)
			if (w.kind == '!')
				h2_put(to, w.text, (size_t)(w.text_end - w.text));
			else
				h2_put_word(to, &w);
}

#endif
