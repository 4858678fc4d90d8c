#include "core/quotes.h"

#include <stdint.h>
#include <string.h>

#include "base/attr.h"

enum { MARKS = 1024 };

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

/* Any of the strings that are too short for a run. */
static bool has_short_string(struct weir_slice words, struct weir_slice body)
{
	for (size_t i = 0; i < body.len; i++) {
		size_t from = i + 1, to = from;
		struct weir_slice text;

		if (body.base[i] != '"')
			continue;
		while (to < body.len && body.base[to] != '"')
			to += body.base[to] == '\\' ? 2 : 1;
		if (to >= body.len)
			return false;
		text = weir_slice(body.base + from, to - from);
		i = to;
		if (text.len < WEIR_QUOTES_WORD_MIN || text.len >= WEIR_QUOTES_RUN ||
		    (to + 1 < body.len && body.base[to + 1] == ':') || is_common(text))
			continue;
		if (stands_in(words, text))
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
	return has_run(words, body) || has_short_string(words, body);
}
