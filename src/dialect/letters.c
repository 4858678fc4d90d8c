#include "dialect/letters.h"

#include "base/attr.h"

static enum weir_letter ascii(char c)
{
	if (c >= 'a' && c <= 'z')
		return WEIR_LETTER_LOWER;
	if (c >= 'A' && c <= 'Z')
		return WEIR_LETTER_UPPER;
	if (c >= '0' && c <= '9')
		return WEIR_LETTER_DIGIT;
	return weir_is_blank(c) ? WEIR_LETTER_BLANK : WEIR_LETTER_MARK;
}

struct range {
	uint32_t first, last;
	enum weir_letter letter;
};

/* By block: https://www.unicode.org/Public/UNIDATA/Blocks.txt. The rest are letters. */
static const struct range ranges[] = {
	{ 0x80, 0xbf, WEIR_LETTER_MARK },       { 0x2000, 0x2bff, WEIR_LETTER_MARK },
	{ 0x2e00, 0x2e7f, WEIR_LETTER_MARK },   { 0x2e80, 0x2fff, WEIR_LETTER_IDEO },
	{ 0x3000, 0x303f, WEIR_LETTER_MARK },   { 0x3040, 0x9fff, WEIR_LETTER_IDEO },
	{ 0xe000, 0xf8ff, WEIR_LETTER_MARK },   { 0xf900, 0xfaff, WEIR_LETTER_IDEO },
	{ 0xfe00, 0xfe6f, WEIR_LETTER_MARK },   { 0xff00, 0xff0f, WEIR_LETTER_MARK },
	{ 0xff66, 0xff9f, WEIR_LETTER_IDEO },   { 0xfff0, 0xffff, WEIR_LETTER_MARK },
	{ 0x1f000, 0x1faff, WEIR_LETTER_MARK }, { 0x20000, 0x3ffff, WEIR_LETTER_IDEO },
};

static uint32_t decode(const char *text, size_t n)
{
	uint32_t code = (unsigned char)text[0] & (0xffu >> (n + 1));

	for (size_t i = 1; i < n; i++)
		code = code << 6 | ((unsigned char)text[i] & 0x3f);
	return code;
}

enum weir_letter weir_letter_first(struct weir_slice text)
{
	size_t n = weir_utf8_len(text.base, text.len);
	uint32_t code;

	if (n < 2)
		return n ? ascii(text.base[0]) : WEIR_LETTER_MARK;
	code = decode(text.base, n);
	for (size_t i = 0; i < WEIR_COUNT_OF(ranges); i++)
		if (code >= ranges[i].first && code <= ranges[i].last)
			return ranges[i].letter;
	return WEIR_LETTER_OTHER;
}

enum weir_letter weir_letter_last(struct weir_slice text)
{
	size_t n = 1;

	while (n < text.len && n < 4 && ((unsigned char)text.base[text.len - n] & 0xc0) == 0x80)
		n++;
	return weir_letter_first(weir_slice(text.base + text.len - n, n));
}

size_t weir_blanks_before(struct weir_slice text)
{
	size_t n = 0;

	while (n < text.len && weir_is_blank(text.base[n]))
		n++;
	return n;
}

size_t weir_blanks_behind(struct weir_slice text)
{
	size_t n = 0;

	while (n < text.len && weir_is_blank(text.base[text.len - 1 - n]))
		n++;
	return n;
}
