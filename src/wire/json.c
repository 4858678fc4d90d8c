#include "wire/json.h"

#include <endian.h>
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/error.h"

enum { FIRST, LATER, ENDED, FAILED }; /* what a cursor's next member will be */

/* What every string, key and number goes through. */
#define HOT static inline __attribute__((always_inline))

/* A scanner goes from p to p, NULL where it fails. */
struct scan {
	const char *end;
	const char *error;
	const char *error_at;
};

static const char *fail(struct scan *s, const char *p, const char *error)
{
	s->error = error;
	s->error_at = p;
	return NULL;
}

/* NUL at the end: no grammar rule has a use for it. */
static char peek(const struct scan *s, const char *p)
{
	return p < s->end ? *p : '\0';
}

static const char *fail_here(struct scan *s, const char *p, const char *error)
{
	return fail(s, p, p < s->end ? error : "the text ends too early");
}

HOT const char *skip_blank(const struct scan *s, const char *p)
{
	while (p < s->end && (unsigned char)*p <= ' ' &&
	       (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	return p;
}

/* ASCII that stands for itself. Signed, so that a byte of a longer character is < ' ' too. */
static bool is_plain(char c)
{
	return (signed char)c >= ' ' && c != '"' && c != '\\';
}

/* Which of the BLOCK bytes at p are not plain: BLOCK_BITS each, the first one lowest. */
#ifdef __SSE2__
enum { BLOCK = 64, BLOCK_BITS = 1, SHORT = 16 };

static uint64_t find_in_short(const char *p)
{
	__m128i b = _mm_loadu_si128((const __m128i *)p);
	__m128i quote = _mm_cmpeq_epi8(b, _mm_set1_epi8('"'));
	__m128i slash = _mm_cmpeq_epi8(b, _mm_set1_epi8('\\'));
	__m128i above = _mm_cmpgt_epi8(b, _mm_set1_epi8(' ' - 1));
	__m128i plain = _mm_andnot_si128(_mm_or_si128(quote, slash), above);

	return 0xffff - (unsigned)_mm_movemask_epi8(plain);
}

static uint64_t find_special(const char *p)
{
	return find_in_short(p) | find_in_short(p + SHORT) << SHORT |
	       find_in_short(p + 2 * SHORT) << 2 * SHORT |
	       find_in_short(p + 3 * SHORT) << 3 * SHORT;
}
#else
enum { BLOCK = 8, BLOCK_BITS = 8, SHORT = BLOCK };

#define EACH_BYTE UINT64_C(0x0101010101010101)
#define HIGH_BITS (EACH_BYTE << 7)

/* The high bit of each byte whose other bits are below n; nothing is borrowed. */
static uint64_t bytes_below(uint64_t x, unsigned char n)
{
	return ~((x | HIGH_BITS) - EACH_BYTE * n) & HIGH_BITS;
}

static uint64_t find_special(const char *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof x);
	x = le64toh(x);
	return (x & HIGH_BITS) | bytes_below(x, ' ') | bytes_below(x ^ EACH_BYTE * '"', 1) |
	       bytes_below(x ^ EACH_BYTE * '\\', 1);
}

static uint64_t find_in_short(const char *p)
{
	return find_special(p);
}
#endif

static const char *first_of(const char *p, uint64_t special)
{
	return p + (unsigned)__builtin_ctzll(special) / BLOCK_BITS;
}

static bool is_tail(char c)
{
	return (signed char)c < -0x40;
}

/* As weir_utf8_len(); the common two and three byte forms are looked at here, because a
 * long prompt in Chinese or Russian is nothing else. */
static inline size_t utf8_len(const char *p, const char *end)
{
	unsigned char c = (unsigned char)*p;

	if (c >= 0xe1 && c <= 0xef && c != 0xed && end - p > 2 && is_tail(p[1]) && is_tail(p[2]))
		return 3;
	if (c >= 0xc2 && c <= 0xdf && end - p > 1 && is_tail(p[1]))
		return 2;
	return weir_utf8_len(p, (size_t)(end - p));
}

static const char *scan_unicode(struct scan *s, const char *p)
{
	for (int i = 0; i < 4; i++, p++)
		if (weir_hex_digit(peek(s, p)) < 0)
			return fail_here(s, p, "\\u must be followed by four hexadecimal digits");
	return p;
}

/* Is p at an escape of two bytes, both of which are there? */
static bool is_short_escape(const char *p)
{
	static const bool stands[256] = {
		['"'] = true, ['\\'] = true, ['/'] = true, ['b'] = true,
		['f'] = true, ['n'] = true,  ['r'] = true, ['t'] = true,
	};

	return *p == '\\' && stands[(unsigned char)p[1]];
}

/* p is at what no string may hold, or at a longer escape. */
static const char *scan_rare(struct scan *s, const char *p)
{
	if (*p != '\\')
		return fail(s, p, "a string holds a control character that is not escaped");
	if (peek(s, p + 1) != 'u')
		return fail_here(s, p + 1, "this escape does not exist in JSON");
	return scan_unicode(s, p + 2);
}

/* p is at what is neither plain nor a quote; gives where it ends. */
static inline const char *scan_special(struct scan *s, const char *p, const char *end)
{
	size_t n;

	if ((signed char)*p >= 0)
		return scan_rare(s, p);
	do {
		n = utf8_len(p, end);
		if (n == 0)
			return fail(s, p, "a string is not valid UTF-8");
		p += n;
	} while (p < end && (signed char)*p < 0);
	return p;
}

/* Near the end of the text, where no block fits. */
static const char *scan_bytewise(struct scan *s, const char *p)
{
	while (p < s->end && *p != '"')
		if (is_plain(*p))
			p++;
		else if (s->end - p > 1 && is_short_escape(p))
			p += 2;
		else if (!(p = scan_special(s, p, s->end)))
			return NULL;
	return p < s->end ? p + 1 : fail(s, p, "the text ends inside a string");
}

static const char *scan_long_string(struct scan *s, const char *p)
{
	const char *end = s->end, *at, *next;
	uint64_t special;

	for (; end - p > BLOCK; p = next) {
		special = find_special(p);
		next = p + BLOCK;
		while (special) {
			at = first_of(p, special);
			if (*at == '"')
				return at + 1;
			if (is_short_escape(at))
				at += 2;
			else if (!(at = scan_special(s, at, end)))
				return NULL;
			if (at >= next) {
				next = at;
				break;
			}
			special &= UINT64_MAX << (at - p) * BLOCK_BITS;
		}
	}
	return scan_bytewise(s, p);
}

/* p is at the opening quote; gives where the closing one ends. */
HOT const char *scan_string(struct scan *s, const char *p)
{
	uint64_t special = s->end - ++p >= SHORT ? find_in_short(p) : 0;

	if (special && *first_of(p, special) == '"')
		return first_of(p, special) + 1;
	return scan_long_string(s, p);
}

static const char *skip_digits(const struct scan *s, const char *p)
{
	while (p < s->end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

static const char *scan_digits(struct scan *s, const char *p, const char *error)
{
	const char *end = skip_digits(s, p);

	return end > p ? end : fail_here(s, p, error);
}

static const char *scan_number(struct scan *s, const char *p)
{
	p += *p == '-';
	if (peek(s, p) == '0')
		p++;
	else if (!(p = scan_digits(s, p, "a number must begin with a digit")))
		return NULL;
	if (peek(s, p) == '.' &&
	    !(p = scan_digits(s, p + 1, "digits must follow the decimal point")))
		return NULL;
	if ((peek(s, p) | 0x20) != 'e')
		return p;
	p++;
	p += peek(s, p) == '+' || peek(s, p) == '-';
	return scan_digits(s, p, "an exponent must have digits");
}

static const char *scan_word(struct scan *s, const char *p, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(s->end - p) < n || memcmp(p, word, n) != 0)
		return fail(s, p, "a value must follow here");
	return p + n;
}

HOT const char *scan_scalar(struct scan *s, const char *p)
{
	switch (peek(s, p)) {
	case '"':
		return scan_string(s, p);
	case 't':
		return scan_word(s, p, "true");
	case 'f':
		return scan_word(s, p, "false");
	case 'n':
		return scan_word(s, p, "null");
	case '-':
	case '0' ... '9':
		return scan_number(s, p);
	default:
		return fail_here(s, p, "a value must follow here");
	}
}

/* A key; gives where its value begins. key_end may be NULL. */
HOT const char *scan_key(struct scan *s, const char *p, const char **key_end)
{
	if (peek(s, p) != '"')
		return fail_here(s, p, "a key in double quotes must follow here");
	p = scan_string(s, p);
	if (!p)
		return NULL;
	if (key_end)
		*key_end = p - 1;
	p = skip_blank(s, p);
	if (peek(s, p) != ':')
		return fail_here(s, p, "a colon must follow the key");
	return skip_blank(s, p + 1);
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

HOT const char *enter(struct scan *s, const char *p, struct nest *nest)
{
	uint64_t bit;

	if (nest->depth == WEIR_JSON_DEPTH_MAX)
		return fail(s, p, "nested too deeply");
	bit = (uint64_t)1 << nest->depth % 64;
	if (*p == '{')
		nest->is_object[nest->depth / 64] |= bit;
	else
		nest->is_object[nest->depth / 64] &= ~bit;
	nest->depth++;
	return skip_blank(s, p + 1);
}

/* After a value: closes what ends here, and goes to where the next one begins, if the
 * containers entered here have one. */
HOT const char *leave(struct scan *s, const char *p, struct nest *nest)
{
	while (nest->depth > nest->floor) {
		p = skip_blank(s, p);
		if (peek(s, p) == ',') {
			p = skip_blank(s, p + 1);
			return in_object(nest) ? scan_key(s, p, NULL) : p;
		}
		if (peek(s, p) != closing(nest))
			return fail_here(s, p,
					 in_object(nest) ? "a comma or } must follow here"
							 : "a comma or ] must follow here");
		p++;
		nest->depth--;
	}
	return p;
}

/* One value with all that is in it; depth is how many containers it stands in. */
static const char *scan_value(struct scan *s, const char *p, unsigned depth)
{
	struct nest nest;

	if (peek(s, p) != '{' && peek(s, p) != '[')
		return scan_scalar(s, p);
	nest.depth = nest.floor = depth;
	do {
		if (peek(s, p) == '{' || peek(s, p) == '[') {
			p = enter(s, p, &nest);
			if (p && peek(s, p) != closing(&nest)) {
				p = in_object(&nest) ? scan_key(s, p, NULL) : p;
				continue;
			}
		} else {
			p = scan_scalar(s, p);
		}
		if (p)
			p = leave(s, p, &nest);
	} while (p && nest.depth > nest.floor);
	return p;
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

static struct weir_slice there(struct weir_slice text)
{
	return text.base ? text : WEIR_SLICE("");
}

static int stop(struct weir_json_cursor *c, const struct scan *s)
{
	c->state = FAILED;
	c->error = s->error;
	c->offset = (size_t)(s->error_at - c->text.base);
	return -1;
}

int weir_json_open(struct weir_json_cursor *c, struct weir_slice text)
{
	struct scan s;
	const char *p;

	*c = (struct weir_json_cursor){ .text = there(text) };
	s.end = c->text.base + text.len;
	p = skip_blank(&s, c->text.base);
	if (peek(&s, p) != '{' && peek(&s, p) != '[') {
		fail_here(&s, p, "an object or array must begin here");
		return stop(c, &s);
	}
	c->is_array = *p == '[';
	c->offset = (size_t)(p + 1 - c->text.base);
	return 0;
}

/* p is at the closing bracket. */
static int end_of_text(struct weir_json_cursor *c, struct scan *s, const char *p)
{
	p = skip_blank(s, p + 1);
	if (p < s->end) {
		fail(s, p, "something follows the end");
		return stop(c, s);
	}
	c->state = ENDED;
	c->offset = c->text.len;
	return 0;
}

int weir_json_next(struct weir_json_cursor *c, struct weir_json_member *member)
{
	struct scan s = { .end = c->text.base + c->text.len };
	const char *p = c->text.base + c->offset, *begin, *value, *key_end = NULL;

	if (c->state >= ENDED)
		return c->state == ENDED ? 0 : -1;
	p = skip_blank(&s, p);
	if (peek(&s, p) == (c->is_array ? ']' : '}'))
		return end_of_text(c, &s, p);
	if (c->state == LATER) {
		if (peek(&s, p) != ',') {
			fail_here(&s, p,
				  c->is_array ? "a comma or ] must follow here"
					      : "a comma or } must follow here");
			return stop(c, &s);
		}
		p = skip_blank(&s, p + 1);
	}
	begin = value = p;
	if (!c->is_array && !(value = scan_key(&s, p, &key_end)))
		return stop(c, &s);
	p = scan_value(&s, value, 1);
	if (!p)
		return stop(c, &s);
	*member = (struct weir_json_member){
		.key = key_end ? weir_slice(begin + 1, (size_t)(key_end - begin - 1))
			       : weir_slice(NULL, 0),
		.value = weir_slice(value, (size_t)(p - value)),
		.type = type_of(*value),
		.begin = (size_t)(begin - c->text.base),
		.end = (size_t)(p - c->text.base),
	};
	c->state = LATER;
	c->offset = member->end;
	return 1;
}

int weir_json_check(struct weir_slice text, size_t *offset)
{
	struct scan s;
	const char *p;

	text = there(text);
	s.end = text.base + text.len;
	p = scan_value(&s, skip_blank(&s, text.base), 0);
	if (p)
		p = skip_blank(&s, p);
	*offset = (size_t)((p ? p : s.error_at) - text.base);
	return p == s.end ? 0 : -1;
}
