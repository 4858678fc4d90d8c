#include "core/quotes.h"

#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "base/plain.h"

enum {
	MARKS = 1024,
	GRAM = WEIR_QUOTES_RUN / 2, /* wherever a run stands, it has a whole one of the body's */
	ESCAPE_LEN = 6,             /* \\u0041 */
	DEPTH_MAX = 3,              /* of JSON in strings of JSON */
	OTHER = 0x80                /* any character that is not ASCII */
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

	for (const char *at = text.base, *end = at + text.len; at < end; at += taken) {
		const char *odd = weir_skip_plain(at, end);
		unsigned char c = 0;

		memmove(to + len, at, (size_t)(odd - at));
		len += (size_t)(odd - at);
		at = odd;
		taken = 0;
		if (at < end)
			c = letter_of(weir_slice(at, (size_t)(end - at)), &taken);
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
	char plain[ESCAPE_LEN * WEIR_QUOTES_RUN] WEIR_UNINITIALIZED;

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
	const char *at = body.base, *end = at + body.len;

	while ((at = memchr(at, '"', (size_t)(end - at)))) {
		const char *to = weir_skip_plain(++at, end);

		for (; to < end && *to != '"'; to = weir_skip_plain(to, end))
			to += *to == '\\' && end - to > 1 ? 2 : 1;
		if (to >= end)
			return false;
		if ((to + 1 == end || to[1] != ':') &&
		    is_short_string(words, weir_slice(at, (size_t)(to - at))))
			return true;
		at = to;
	}
	return false;
}

static unsigned mark_of(const char *at)
{
	uint64_t gram;

	_Static_assert(sizeof gram == GRAM, "a gram is read at once");
	memcpy(&gram, at, sizeof gram);
	return (unsigned)((gram * UINT64_C(0x9e3779b97f4a7c15)) >> 54) % MARKS;
}

/* Is the gram at i part of a run that both have? */
static bool is_in_run(struct weir_slice words, struct weir_slice body, size_t i)
{
	for (size_t from = i > GRAM ? i - GRAM : 0; from <= i; from++)
		if (from + WEIR_QUOTES_RUN <= body.len &&
		    stands_in(words, weir_slice(body.base + from, WEIR_QUOTES_RUN)))
			return true;
	return false;
}

/* The body is looked through once, gram by gram, and closely only where a run could be. */
static bool has_run(struct weir_slice words, struct weir_slice body)
{
	uint8_t marks[MARKS / 8] = { 0 };

	for (size_t i = 0; i + GRAM <= words.len; i++)
		marks[mark_of(words.base + i) / 8] |= (uint8_t)(1 << mark_of(words.base + i) % 8);
	for (size_t i = 0; i + GRAM <= body.len; i += GRAM) {
		unsigned mark = mark_of(body.base + i);

		if (marks[mark / 8] & 1 << mark % 8 && is_in_run(words, body, i))
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
	char plain[WEIR_QUOTES_WORDS_MAX] WEIR_UNINITIALIZED, *copy;
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
	char seen[WEIR_QUOTES_WORDS_MAX] WEIR_UNINITIALIZED;

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
