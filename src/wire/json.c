#include "wire/json.h"

#include "base/assert.h"
#include "base/error.h"
#include "base/plain.h"

/* What a cursor's next member will be. OPEN: another one, once its container is passed that the
 * cursor is at. */
enum { FIRST, LATER, OPEN, ENDED, FAILED };

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

static bool is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static const char *skip_spaces(const char *p, const char *end)
{
	static const char spaces[8] = "        ";
	uint64_t x, eight;

	memcpy(&eight, spaces, sizeof eight);
	for (; end - p >= (ptrdiff_t)sizeof x; p += sizeof x) {
		memcpy(&x, p, sizeof x);
		if (x != eight)
			return p + (unsigned)__builtin_ctzll(le64toh(x ^ eight)) / 8;
	}
	return p;
}

/* What is laid out for people to read has many in a row, most of them spaces. */
static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && is_blank(*p))
		p = skip_spaces(p + 1, end);
	return p;
}

HOT bool is_sign(const struct scan *s, const char *p)
{
	return p < s->end && (unsigned char)*p > ' ';
}

/* Moves *p to what is not blank, and gives that; NUL at the end. Most often that is the next
 * byte, or the one behind a space. */
HOT char skip_blank(const struct scan *s, const char **p)
{
	if (is_sign(s, *p))
		return **p;
	if (*p < s->end && **p == ' ' && is_sign(s, *p + 1))
		return *++*p;
	*p = skip_blanks(*p, s->end);
	return peek(s, *p);
}

static const char *scan_unicode(struct scan *s, const char *p)
{
	for (int i = 0; i < 4; i++, p++)
		if (weir_hex_digit(peek(s, p)) < 0)
			return fail_here(s, p, "\\u must be followed by four hexadecimal digits");
	return p;
}

/* How long an escape is that goes on with this byte, if two bytes are all of it; else 0. */
static const unsigned char escape_len[256] = {
	['"'] = 2, ['\\'] = 2, ['/'] = 2, ['b'] = 2, ['f'] = 2, ['n'] = 2, ['r'] = 2, ['t'] = 2,
};

/* Does a character of two bytes begin there, no overlong form? */
HOT bool is_two(uint64_t c)
{
	return (c & 0xc0e0) == 0x80c0 && (c & 0x1e);
}

/* The same of three; a surrogate is none either. */
HOT bool is_three(uint64_t c)
{
	return (c & 0xc0c0f0) == 0x8080e0 && (c & 0x200f) && (c & 0x200f) != 0x200d;
}

/* What is odd but not rare: an escape of two bytes, one or two characters of two, or of three.
 * Eight bytes are at p. Their length; 0: it is something else. */
HOT size_t common_len(const char *p)
{
	uint64_t c;

	memcpy(&c, p, sizeof c);
	c = le64toh(c);
	if ((c & 0xff) == '\\')
		return escape_len[c >> 8 & 0xff];
	if (is_two(c))
		return is_two(c >> 16) ? 4 : 2;
	if (is_three(c))
		return is_three(c >> 24) ? 6 : 3;
	return 0;
}

/* p is at an odd byte that is no quote. */
static const char *scan_odd(struct scan *s, const char *p)
{
	size_t n;

	if (*p == '\\') {
		if (s->end - p > 1 && escape_len[(unsigned char)p[1]])
			return p + 2;
		if (peek(s, p + 1) != 'u')
			return fail_here(s, p + 1, "this escape does not exist in JSON");
		return scan_unicode(s, p + 2);
	}
	if ((signed char)*p >= 0)
		return fail(s, p, "a string holds a control character that is not escaped");
	n = weir_utf8_len(p, (size_t)(s->end - p));
	return n ? p + n : fail(s, p, "a string is not valid UTF-8");
}

/* Near the end of the text, where no block fits. */
static const char *scan_last(struct scan *s, const char *p)
{
	while (p) {
		p = weir_skip_plain(p, s->end);
		if (p == s->end)
			return fail(s, p, "the text ends inside a string");
		if (*p == '"')
			return p + 1;
		p = scan_odd(s, p);
	}
	return NULL;
}

enum { WIDE_MIN = WEIR_ODD_WIDE + 8 }; /* a block, and what may belong to its last byte */

typedef uint64_t odd_in_wide(const char *p);

/* What is left of a string; p is anywhere in it. */
HOT const char *scan_wide(struct scan *s, const char *p, odd_in_wide *odd_in)
{
	const char *last;

	if (s->end - p < WIDE_MIN)
		return scan_last(s, p);
	for (last = s->end - WIDE_MIN; p <= last;) {
		uint64_t odd = odd_in(p);
		const char *next = p + WEIR_ODD_WIDE;

		while (odd) { /* its bits are those of p and what comes behind */
			size_t n = weir_odd_first(odd);

			p += n;
			odd >>= n * WEIR_ODD_BITS;
			n = common_len(p);
			if (n == 0)
				break;
			p += n;
			odd >>= n * WEIR_ODD_BITS;
		}
		if (!odd)
			p = p < next ? next : p;
		else if (*p == '"')
			return p + 1;
		else if (!(p = scan_odd(s, p)))
			return NULL;
	}
	return scan_last(s, p);
}

#ifdef WEIR_AVX2
WEIR_AVX2 static const char *scan_rest_avx2(struct scan *s, const char *p)
{
	return scan_wide(s, p, weir_odd_in_wide_avx2);
}
#endif

static const char *scan_rest(struct scan *s, const char *p)
{
#ifdef WEIR_AVX2
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi"))
		return scan_rest_avx2(s, p);
#endif
	return scan_wide(s, p, weir_odd_in_wide);
}

/* p is at the opening quote; gives where the closing one ends. Most are short. */
HOT const char *scan_string(struct scan *s, const char *p)
{
	uint64_t odd = 0;

	p++;
	for (int i = 0; i < 2 && s->end - p >= WEIR_ODD_BLOCK; i++, p += WEIR_ODD_BLOCK)
		if ((odd = weir_odd_in_block(p)))
			break;
	if (odd && *(p += weir_odd_first(odd)) == '"')
		return p + 1;
	return scan_rest(s, p);
}

HOT const char *skip_digits(const struct scan *s, const char *p)
{
	while (p < s->end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

HOT const char *scan_digits(struct scan *s, const char *p, const char *error)
{
	const char *end = skip_digits(s, p);

	return end > p ? end : fail_here(s, p, error);
}

/* The digits before a point, an exponent or the number's end. */
HOT const char *scan_whole(struct scan *s, const char *p)
{
	p += *p == '-';
	return peek(s, p) == '0' ? p + 1 : scan_digits(s, p, "a number must begin with a digit");
}

static const char *scan_number(struct scan *s, const char *p)
{
	p = scan_whole(s, p);
	if (p && peek(s, p) == '.')
		p = scan_digits(s, p + 1, "digits must follow the decimal point");
	if (!p || (peek(s, p) | 0x20) != 'e')
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

/* p is at the byte given, or at the end and that is NUL; here and below. */
HOT const char *scan_scalar(struct scan *s, const char *p, char at)
{
	switch (at) {
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

/* A key; moves *p to where its value begins, and gives the byte there. *key_end: the quote
 * behind it. */
HOT char scan_key(struct scan *s, const char **p, char at, const char **key_end)
{
	if (at != '"') {
		*p = fail_here(s, *p, "a key in double quotes must follow here");
		return '\0';
	}
	*p = scan_string(s, *p);
	if (!*p)
		return '\0';
	*key_end = *p - 1;
	if (skip_blank(s, p) != ':') {
		*p = fail_here(s, *p, "a colon must follow the key");
		return '\0';
	}
	++*p;
	return skip_blank(s, p);
}

static bool is_container(char first)
{
	return (first | 0x20) == '{';
}

/* To where a container's next value begins. */
HOT char scan_to_value(struct scan *s, const char **p, char at, char closing)
{
	const char *key_end;

	return closing == '}' ? scan_key(s, p, at, &key_end) : at;
}

/* After a value: closes what ends here, and goes to where the next one begins, if any of the
 * containers above floor has one. */
HOT char leave(struct scan *s, const char **p, char **top, const char *floor)
{
	for (; *top > floor; --*top, ++*p) {
		char c = skip_blank(s, p);

		if (c == ',') {
			++*p;
			return scan_to_value(s, p, skip_blank(s, p), **top);
		}
		if (c != **top) {
			*p = fail_here(s, *p,
				       **top == '}' ? "a comma or } must follow here"
						    : "a comma or ] must follow here");
			return '\0';
		}
	}
	return '\0';
}

/* One value with all that is in it; depth is how many containers it stands in. */
static const char *scan_value(struct scan *s, const char *p, unsigned depth)
{
	/* Of the containers that are open, the brackets that close them. */
	char closing[WEIR_JSON_DEPTH_MAX + 1] WEIR_UNINITIALIZED;
	char *floor = closing + depth, *top = floor, at = peek(s, p);

	do {
		if (!is_container(at)) {
			p = scan_scalar(s, p, at);
		} else if (top == closing + WEIR_JSON_DEPTH_MAX) {
			return fail(s, p, "nested too deeply");
		} else {
			*++top = (char)(at + 2); /* '}' or ']' */
			p++;
			at = skip_blank(s, &p);
			if (at != *top) {
				at = scan_to_value(s, &p, at, *top);
				continue;
			}
			p++;
			top--;
		}
		if (p)
			at = leave(s, &p, &top, floor);
	} while (p && top > floor);
	return p;
}

/* By the first byte of a value that has been scanned. */
static const unsigned char types[256] = {
	['{'] = WEIR_JSON_OBJECT, ['['] = WEIR_JSON_ARRAY,          ['"'] = WEIR_JSON_STRING,
	['t'] = WEIR_JSON_BOOL,   ['f'] = WEIR_JSON_BOOL,           ['n'] = WEIR_JSON_NULL,
	['-'] = WEIR_JSON_NUMBER, ['0' ... '9'] = WEIR_JSON_NUMBER,
};

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

	*c = (struct weir_json_cursor){ .text = there(text), .depth = 1 };
	s.end = c->text.base + text.len;
	p = c->text.base;
	if (!is_container(skip_blank(&s, &p))) {
		fail_here(&s, p, "an object or array must begin here");
		return stop(c, &s);
	}
	c->is_array = *p == '[';
	c->offset = (size_t)(p + 1 - c->text.base);
	return 0;
}

/* p is at the closing bracket. */
static int end_of_members(struct weir_json_cursor *c, struct scan *s, const char *p)
{
	p++;
	if (c->depth == 1) {
		skip_blank(s, &p);
		if (p < s->end) {
			fail(s, p, "something follows the end");
			return stop(c, s);
		}
	}
	c->state = ENDED;
	c->offset = (size_t)(p - c->text.base);
	return 0;
}

/* To where the next member or element begins; *p is behind the one before, if there is one.
 * 1, or as weir_json_next(). */
HOT int go_on(struct weir_json_cursor *c, struct scan *s, const char **p, char *at)
{
	*at = skip_blank(s, p);
	if (*at == (c->is_array ? ']' : '}'))
		return end_of_members(c, s, *p);
	if (c->state == FIRST)
		return 1;
	if (*at != ',') {
		fail_here(s, *p,
			  c->is_array ? "a comma or ] must follow here"
				      : "a comma or } must follow here");
		return stop(c, s);
	}
	++*p;
	*at = skip_blank(s, p);
	return 1;
}

/* To the end of a value that begins at p. */
HOT int pass(struct weir_json_cursor *c, struct scan *s, const char *p, char at,
	     struct weir_json_member *m)
{
	m->value.base = p;
	p = is_container(at) ? scan_value(s, p, c->depth) : scan_scalar(s, p, at);
	if (!p)
		return stop(c, s);
	m->value.len = (size_t)(p - m->value.base);
	m->type = types[(unsigned char)at];
	m->end = c->offset = (size_t)(p - c->text.base);
	c->state = LATER;
	return 1;
}

int weir_json_pass(struct weir_json_cursor *c, struct weir_json_member *m)
{
	const char *p = c->text.base + c->offset;
	struct scan s WEIR_UNINITIALIZED;

	if (c->state != OPEN)
		return c->state == FAILED ? -1 : 1;
	s.end = c->text.base + c->text.len;
	return pass(c, &s, p, *p, m);
}

/* To where a value begins, and past it if that is wanted or it is no container. */
HOT int next(struct weir_json_cursor *c, struct weir_json_member *m, bool whole)
{
	const char *p = c->text.base + c->offset, *begin, *key_end;
	struct scan s WEIR_UNINITIALIZED;
	char at;
	int rc;

	if (c->state >= ENDED)
		return c->state == ENDED ? 0 : -1;
	s.end = c->text.base + c->text.len;
	rc = go_on(c, &s, &p, &at);
	if (rc <= 0)
		return rc;
	begin = p;
	m->key = weir_slice(NULL, 0);
	if (!c->is_array) {
		at = scan_key(&s, &p, at, &key_end);
		if (!p)
			return stop(c, &s);
		m->key = weir_slice(begin + 1, (size_t)(key_end - begin - 1));
	}
	m->begin = (size_t)(begin - c->text.base);
	if (whole || !is_container(at))
		return pass(c, &s, p, at, m);
	m->value = weir_slice(p, 1);
	m->type = types[(unsigned char)at];
	c->offset = (size_t)(p - c->text.base);
	c->state = OPEN;
	return 1;
}

int weir_json_next(struct weir_json_cursor *c, struct weir_json_member *m)
{
	return next(c, m, true);
}

int weir_json_step(struct weir_json_cursor *c, struct weir_json_member *m)
{
	if (c->state == OPEN && weir_json_pass(c, m) < 0)
		return -1;
	return next(c, m, false);
}

void weir_json_enter(const struct weir_json_cursor *c, struct weir_json_cursor *inner)
{
	WEIR_ASSERT(c->state == OPEN && c->depth < WEIR_JSON_DEPTH_MAX);
	*inner = *c;
	inner->is_array = c->text.base[c->offset] == '[';
	inner->offset++;
	inner->depth++;
	inner->state = FIRST;
}

int weir_json_leave(struct weir_json_cursor *c, struct weir_json_cursor *inner)
{
	struct weir_json_member rest;
	int rc;

	while ((rc = weir_json_step(inner, &rest)) == 1)
		;
	c->offset = inner->offset;
	c->error = inner->error;
	c->state = rc == 0 ? LATER : FAILED;
	return rc;
}

int weir_json_check(struct weir_slice text, size_t *offset)
{
	struct scan s;
	const char *p;

	text = there(text);
	s.end = text.base + text.len;
	p = text.base;
	skip_blank(&s, &p);
	p = scan_value(&s, p, 0);
	if (p)
		skip_blank(&s, &p);
	*offset = (size_t)((p ? p : s.error_at) - text.base);
	return p == s.end ? 0 : -1;
}
