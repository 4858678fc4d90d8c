#include "wire/json.h"

#include <endian.h>
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/error.h"

enum { FIRST, LATER, ENDED, FAILED }; /* what a cursor's next member will be */

struct scan {
	const char *p;
	const char *end;
	const char *error;
};

static bool fail(struct scan *s, const char *error)
{
	s->error = error;
	return false;
}

/* NUL at the end: no grammar rule has a use for it. */
static char peek(const struct scan *s)
{
	return s->p < s->end ? *s->p : '\0';
}

static bool fail_here(struct scan *s, const char *error)
{
	return fail(s, s->p < s->end ? error : "the text ends too early");
}

static void skip_blank(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\r' || *s->p == '\t'))
		s->p++;
}

/* ASCII that stands for itself. Signed, so that a byte of a longer character is < ' ' too. */
static bool is_plain(char c)
{
	return (signed char)c >= ' ' && c != '"' && c != '\\';
}

/* Which of the BLOCK bytes at p are not plain: BLOCK_BITS each, the first one lowest. */
#ifdef __SSE2__
enum { BLOCK = 16, BLOCK_BITS = 1 };

static uint64_t find_special(const char *p)
{
	__m128i b = _mm_loadu_si128((const __m128i *)p);
	__m128i quote = _mm_cmpeq_epi8(b, _mm_set1_epi8('"'));
	__m128i slash = _mm_cmpeq_epi8(b, _mm_set1_epi8('\\'));
	__m128i other = _mm_cmplt_epi8(b, _mm_set1_epi8(' '));

	return (unsigned)_mm_movemask_epi8(_mm_or_si128(other, _mm_or_si128(quote, slash)));
}
#else
enum { BLOCK = 8, BLOCK_BITS = 8 };

#define EACH_BYTE UINT64_C(0x0101010101010101)

/* The high bit of each byte below n; a borrow can set others only above one that is. */
static uint64_t bytes_below(uint64_t x, unsigned char n)
{
	return (x - EACH_BYTE * n) & ~x & EACH_BYTE << 7;
}

static uint64_t find_special(const char *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof x);
	x = le64toh(x);
	return (x & EACH_BYTE << 7) | bytes_below(x, ' ') | bytes_below(x ^ EACH_BYTE * '"', 1) |
	       bytes_below(x ^ EACH_BYTE * '\\', 1);
}
#endif

static const char *skip_plain(const char *p, const char *end)
{
	for (; end - p >= BLOCK; p += BLOCK) {
		uint64_t special = find_special(p);

		if (special)
			return p + __builtin_ctzll(special) / BLOCK_BITS;
	}
	while (p < end && is_plain(*p))
		p++;
	return p;
}

static bool is_tail(char c)
{
	return (c & 0xc0) == 0x80;
}

/* As weir_utf8_len(); the common two and three byte forms are looked at here, because a
 * long prompt in Chinese or Russian is nothing else. */
static size_t utf8_len(const char *p, const char *end)
{
	unsigned char c = (unsigned char)*p;

	if (c >= 0xe1 && c <= 0xef && c != 0xed && end - p >= 3 && is_tail(p[1]) && is_tail(p[2]))
		return 3;
	if (c >= 0xc2 && c <= 0xdf && end - p >= 2 && is_tail(p[1]))
		return 2;
	return weir_utf8_len(p, (size_t)(end - p));
}

static bool scan_hex4(struct scan *s)
{
	for (int i = 0; i < 4; i++, s->p++)
		if (weir_hex_digit(peek(s)) < 0)
			return fail_here(s, "\\u must be followed by four hexadecimal digits");
	return true;
}

static bool scan_escape(struct scan *s)
{
	s->p++;
	switch (peek(s)) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		s->p++;
		return true;
	case 'u':
		s->p++;
		return scan_hex4(s);
	default:
		return fail_here(s, "this escape does not exist in JSON");
	}
}

/* p is at the opening quote, and after it past the closing one. */
static bool scan_string(struct scan *s)
{
	size_t n;

	s->p++;
	for (;;) {
		s->p = skip_plain(s->p, s->end);
		if (s->p == s->end)
			return fail(s, "the text ends inside a string");
		if (*s->p == '"') {
			s->p++;
			return true;
		}
		if (*s->p == '\\') {
			if (!scan_escape(s))
				return false;
			continue;
		}
		if ((unsigned char)*s->p < ' ')
			return fail(s, "a string holds a control character that is not escaped");
		do {
			n = utf8_len(s->p, s->end);
			if (n == 0)
				return fail(s, "a string is not valid UTF-8");
			s->p += n;
		} while (s->p < s->end && (unsigned char)*s->p >= 0x80);
	}
}

static bool scan_digits(struct scan *s)
{
	const char *begin = s->p;

	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
	return s->p > begin;
}

static bool scan_number(struct scan *s)
{
	if (*s->p == '-')
		s->p++;
	if (peek(s) == '0')
		s->p++;
	else if (!scan_digits(s))
		return fail_here(s, "a number must begin with a digit");
	if (peek(s) == '.') {
		s->p++;
		if (!scan_digits(s))
			return fail_here(s, "digits must follow the decimal point");
	}
	if (peek(s) == 'e' || peek(s) == 'E') {
		s->p++;
		if (peek(s) == '+' || peek(s) == '-')
			s->p++;
		if (!scan_digits(s))
			return fail_here(s, "an exponent must have digits");
	}
	return true;
}

static bool scan_word(struct scan *s, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
		return fail(s, "a value must follow here");
	s->p += n;
	return true;
}

static bool scan_scalar(struct scan *s)
{
	switch (peek(s)) {
	case '"':
		return scan_string(s);
	case 't':
		return scan_word(s, "true");
	case 'f':
		return scan_word(s, "false");
	case 'n':
		return scan_word(s, "null");
	case '-':
	case '0' ... '9':
		return scan_number(s);
	default:
		return fail_here(s, "a value must follow here");
	}
}

/* A key and its colon; key may be NULL. */
static bool scan_key(struct scan *s, struct weir_slice *key)
{
	const char *begin = s->p + 1;

	if (peek(s) != '"')
		return fail_here(s, "a key in double quotes must follow here");
	if (!scan_string(s))
		return false;
	if (key)
		*key = weir_slice(begin, (size_t)(s->p - 1 - begin));
	skip_blank(s);
	if (peek(s) != ':')
		return fail_here(s, "a colon must follow the key");
	s->p++;
	skip_blank(s);
	return true;
}

/* The containers that are open inside one value, as one bit each: object or array. */
struct nest {
	unsigned depth;
	unsigned floor;
	uint64_t is_object[WEIR_JSON_DEPTH_MAX / 64];
};

static bool in_object(const struct nest *nest)
{
	unsigned level = nest->depth - 1;

	return nest->is_object[level / 64] >> level % 64 & 1;
}

static char closing(const struct nest *nest)
{
	return in_object(nest) ? '}' : ']';
}

static bool enter(struct scan *s, struct nest *nest)
{
	uint64_t bit;

	if (nest->depth == WEIR_JSON_DEPTH_MAX)
		return fail(s, "nested too deeply");
	bit = (uint64_t)1 << nest->depth % 64;
	if (*s->p == '{')
		nest->is_object[nest->depth / 64] |= bit;
	else
		nest->is_object[nest->depth / 64] &= ~bit;
	nest->depth++;
	s->p++;
	skip_blank(s);
	return true;
}

/* After a value: closes what ends here, and goes to where the next one begins, if the
 * containers entered here have one. */
static bool leave(struct scan *s, struct nest *nest)
{
	while (nest->depth > nest->floor) {
		skip_blank(s);
		if (peek(s) == ',') {
			s->p++;
			skip_blank(s);
			return !in_object(nest) || scan_key(s, NULL);
		}
		if (peek(s) != closing(nest))
			return fail_here(s, in_object(nest) ? "a comma or } must follow here"
							    : "a comma or ] must follow here");
		s->p++;
		nest->depth--;
	}
	return true;
}

/* One value with all that is in it; depth is how many containers it stands in. */
static bool scan_value(struct scan *s, unsigned depth)
{
	struct nest nest = { .depth = depth, .floor = depth };

	do {
		if (peek(s) == '{' || peek(s) == '[') {
			if (!enter(s, &nest))
				return false;
			if (peek(s) != closing(&nest)) {
				if (in_object(&nest) && !scan_key(s, NULL))
					return false;
				continue;
			}
		} else if (!scan_scalar(s)) {
			return false;
		}
		if (!leave(s, &nest))
			return false;
	} while (nest.depth > nest.floor);
	return true;
}

static enum weir_json_type type_of(char first)
{
	switch (first) {
	case '{':
		return WEIR_JSON_OBJECT;
	case '[':
		return WEIR_JSON_ARRAY;
	case '"':
		return WEIR_JSON_STRING;
	case 't':
	case 'f':
		return WEIR_JSON_BOOL;
	case 'n':
		return WEIR_JSON_NULL;
	default:
		return WEIR_JSON_NUMBER;
	}
}

static struct scan scan_from(struct weir_slice text, size_t offset)
{
	if (!text.base)
		text = WEIR_SLICE("");
	return (struct scan){ .p = text.base + offset, .end = text.base + text.len };
}

static int stop(struct weir_json_cursor *c, const struct scan *s)
{
	c->state = FAILED;
	c->error = s->error;
	c->offset = (size_t)(s->p - c->text.base);
	return -1;
}

int weir_json_open(struct weir_json_cursor *c, struct weir_slice text)
{
	struct scan s = scan_from(text, 0);

	*c = (struct weir_json_cursor){ .text = weir_slice(s.p, text.len) };
	skip_blank(&s);
	if (peek(&s) != '{' && peek(&s) != '[') {
		fail_here(&s, "an object or array must begin here");
		return stop(c, &s);
	}
	c->is_array = *s.p == '[';
	c->offset = (size_t)(s.p + 1 - c->text.base);
	return 0;
}

/* p is at the closing bracket. */
static int end_of_text(struct weir_json_cursor *c, struct scan *s)
{
	s->p++;
	skip_blank(s);
	if (s->p < s->end) {
		fail(s, "something follows the end");
		return stop(c, s);
	}
	c->state = ENDED;
	c->offset = c->text.len;
	return 0;
}

int weir_json_next(struct weir_json_cursor *c, struct weir_json_member *member)
{
	struct scan s = scan_from(c->text, c->offset);
	char close = c->is_array ? ']' : '}';
	const char *begin, *value;

	if (c->state >= ENDED)
		return c->state == ENDED ? 0 : -1;
	skip_blank(&s);
	if (peek(&s) == close)
		return end_of_text(c, &s);
	if (c->state == LATER) {
		if (peek(&s) != ',') {
			fail_here(&s, c->is_array ? "a comma or ] must follow here"
						  : "a comma or } must follow here");
			return stop(c, &s);
		}
		s.p++;
		skip_blank(&s);
	}
	*member = (struct weir_json_member){ 0 };
	begin = s.p;
	if (!c->is_array && !scan_key(&s, &member->key))
		return stop(c, &s);
	value = s.p;
	if (!scan_value(&s, 1))
		return stop(c, &s);
	member->value = weir_slice(value, (size_t)(s.p - value));
	member->type = type_of(*value);
	member->begin = (size_t)(begin - c->text.base);
	member->end = (size_t)(s.p - c->text.base);
	c->state = LATER;
	c->offset = member->end;
	return 1;
}

int weir_json_check(struct weir_slice text, size_t *offset)
{
	struct scan s = scan_from(text, 0);
	const char *begin = s.p;
	bool ok;

	skip_blank(&s);
	ok = scan_value(&s, 0);
	if (ok)
		skip_blank(&s);
	*offset = (size_t)(s.p - begin);
	return ok && s.p == s.end ? 0 : -1;
}
