#include "core/quotes.h"

#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/attr.h"

enum {
	MARKS = 1024,
	ESCAPE_LEN = 6, /* \\u0041 */
	DEPTH_MAX = 3,  /* of JSON in strings of JSON */
	OTHER = 0x80    /* any character that is not ASCII */
};

/* Said in requests of all kinds, and in errors too. */
static bool is_common(struct weir_slice text)
{
	static const char *const common[] = { "user",     "system", "assistant", "developer",
					      "tool",     "text",   "auto",      "none",
					      "function", "object", "string",    "number",
					      "default",  "message" };

	for (size_t i = 0; i < WEIR_COUNT_OF(common); i++)
		if (weir_slice_is(text, common[i]))
			return true;
	return false;
}

static bool stands_in(struct weir_slice words, struct weir_slice text)
{
	return memmem(words.base, words.len, text.base, text.len) != NULL;
}

static unsigned hex_of(char c)
{
	return c >= '0' && c <= '9' ? (unsigned)(c - '0') : ((unsigned)c | 0x20) - 'a' + 10;
}

static bool is_code(struct weir_slice text)
{
	if (text.len < ESCAPE_LEN || text.base[0] != '\\' || text.base[1] != 'u')
		return false;
	for (size_t i = 2; i < ESCAPE_LEN; i++)
		if (hex_of(text.base[i]) > 15)
			return false;
	return true;
}

/* What stands at the begin of text, as one byte; 0: nothing of its own. */
static unsigned char letter_of(struct weir_slice text, size_t *taken)
{
	static const char names[] = "bfnrt", letters[] = "\b\f\n\r\t";
	unsigned char c = (unsigned char)text.base[0];
	const char *name;
	unsigned code = 0;

	*taken = 1;
	if (c >= 0x80)
		return c >= 0xc0 ? OTHER : 0;
	if (c != '\\')
		return c;
	if (text.len < 2)
		return 0;
	if (is_code(text)) {
		*taken = ESCAPE_LEN;
		for (size_t i = 2; i < ESCAPE_LEN; i++)
			code = code << 4 | hex_of(text.base[i]);
		if (code < 0x80)
			return (unsigned char)code;
		return code >> 10 == 0xdc00 >> 10 ? 0 : OTHER; /* the second half of one */
	}
	*taken = 2;
	name = memchr(names, text.base[1], sizeof names - 1);
	return (unsigned char)(name ? letters[name - names] : text.base[1]);
}

/* Without one level of escapes. to may be where text is: it does not grow. */
static struct weir_slice unescape(char *to, struct weir_slice text)
{
	size_t len = 0, taken;

	for (size_t i = 0; i < text.len; i += taken) {
		unsigned char c = letter_of(weir_slice(text.base + i, text.len - i), &taken);

		if (c)
			to[len++] = (char)c;
	}
	return weir_slice(to, len);
}

static bool is_escaped(struct weir_slice text)
{
	return text.len && memchr(text.base, '\\', text.len);
}

static bool is_short_string(struct weir_slice words, struct weir_slice text)
{
	char plain[ESCAPE_LEN * WEIR_QUOTES_RUN];

	if (text.len > sizeof plain)
		return false;
	text = weir_slice_trim(unescape(plain, text));
	return text.len >= WEIR_QUOTES_WORD_MIN && text.len < WEIR_QUOTES_RUN && !is_common(text) &&
	       stands_in(words, text);
}

/* Any of the strings that are too short for a run. Where escapes are gone nobody knows which
 * quote begins one: each does. */
static bool has_short_string(struct weir_slice words, struct weir_slice body)
{
	for (size_t i = 0, to; i < body.len; i = to) {
		if (body.base[i] != '"') {
			to = i + 1;
			continue;
		}
		for (to = i + 1; to < body.len && body.base[to] != '"';)
			to += body.base[to] == '\\' ? 2 : 1;
		if (to >= body.len)
			return false;
		if ((to + 1 == body.len || body.base[to + 1] != ':') &&
		    is_short_string(words, weir_slice(body.base + i + 1, to - i - 1)))
			return true;
	}
	return false;
}

static unsigned mark_of(const char *at)
{
	uint32_t four;

	memcpy(&four, at, sizeof four);
	return (unsigned)((four * UINT32_C(2654435761)) >> 22) % MARKS;
}

/* The body is looked through once, and closely only where a run could begin. */
static bool has_run(struct weir_slice words, struct weir_slice body)
{
	uint8_t marks[MARKS / 8] = { 0 };

	for (size_t i = 0; i + WEIR_QUOTES_RUN <= words.len; i++)
		marks[mark_of(words.base + i) / 8] |= (uint8_t)(1 << mark_of(words.base + i) % 8);
	for (size_t i = 0; i + WEIR_QUOTES_RUN <= body.len; i++) {
		unsigned mark = mark_of(body.base + i);

		if (marks[mark / 8] & 1 << mark % 8 &&
		    stands_in(words, weir_slice(body.base + i, WEIR_QUOTES_RUN)))
			return true;
	}
	return false;
}

/* Out of sight: nothing of it stands anywhere. */
static void mask(char *words, size_t len, struct weir_slice name)
{
	char *at;

	while (name.len && (at = memmem(words, len, name.base, name.len)))
		memset(at, 1, name.len);
}

static bool has_any(struct weir_slice words, struct weir_slice body)
{
	return has_run(words, body) || has_short_string(words, body);
}

/* Who repeats a body may have read it before, or written it anew with escapes of his own. */
static bool has_unescaped(struct weir_slice words, struct weir_slice body)
{
	char plain[WEIR_QUOTES_WORDS_MAX], *copy;
	struct weir_slice bare = words, left = body;
	bool found = false, escaped = is_escaped(words);

	if (!escaped && !is_escaped(body))
		return false;
	copy = weir_alloc(body.len);
	if (!copy)
		return true;
	for (unsigned i = 0; i < DEPTH_MAX && is_escaped(bare); i++)
		bare = unescape(plain, bare);
	for (unsigned i = 0; !found && (i == 0 || is_escaped(left)); i++) {
		left = unescape(copy, left);
		found = i == DEPTH_MAX || has_any(words, left) || (escaped && has_any(bare, left));
	}
	weir_free(copy);
	return found;
}

bool weir_quotes(struct weir_slice words, struct weir_slice body, struct weir_slice model)
{
	char seen[WEIR_QUOTES_WORDS_MAX];

	if (body.len == 0 || body.len > WEIR_QUOTES_BODY_MAX || words.len > sizeof seen)
		return true;
	for (size_t i = 0; i < words.len; i++)
		if ((unsigned char)words.base[i] >= 0x80)
			return true;
	if (words.len)
		memcpy(seen, words.base, words.len);
	mask(seen, words.len, model);
	words.base = seen;
	return has_any(words, body) || has_unescaped(words, body);
}
