#include "wire/json.h"

#include "base/error.h"
#include "base/plain.h"

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

/* Moves *p to what is not blank, and gives that; NUL at the end. */
HOT char skip_blank(const struct scan *s, const char **p)
{
	if (*p < s->end && **p == ' ')
		++*p;
	if (*p < s->end && (unsigned char)**p > ' ')
		return **p;
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
HOT unsigned common_len(const char *p)
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

/* What is left of a string; p is anywhere in it. */
static const char *scan_rest(struct scan *s, const char *p)
{
	while (s->end - p >= WEIR_ODD_WIDE + 8) {
		uint64_t odd = weir_odd_in_wide(p);
		const char *next = p + WEIR_ODD_WIDE;

		while (odd) { /* its bits are those of p and what comes behind */
			unsigned n = weir_odd_first(odd);

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

/* p is at the opening quote; gives where the closing one ends. Most are short. */
HOT const char *scan_string(struct scan *s, const char *p)
{
	uint64_t odd = s->end - ++p >= WEIR_ODD_BLOCK ? weir_odd_in_block(p) : 0;

	if (odd && p[weir_odd_first(odd)] == '"')
		return p + weir_odd_first(odd) + 1;
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

/* A key; gives where its value begins. *key_end: the quote behind it. */
HOT const char *scan_key(struct scan *s, const char *p, const char **key_end)
{
	if (peek(s, p) != '"')
		return fail_here(s, p, "a key in double quotes must follow here");
	p = scan_string(s, p);
	if (!p)
		return NULL;
	*key_end = p - 1;
	if (skip_blank(s, &p) != ':')
		return fail_here(s, p, "a colon must follow the key");
	p++;
	skip_blank(s, &p);
	return p;
}

static bool is_container(char first)
{
	return first == '{' || first == '[';
}

/* To where a container's next value begins. */
HOT const char *scan_to_value(struct scan *s, const char *p, char closing)
{
	const char *key_end;

	return closing == '}' ? scan_key(s, p, &key_end) : p;
}

/* After a value: closes what ends here, and goes to where the next one begins, if any of the
 * containers above floor has one. */
HOT const char *leave(struct scan *s, const char *p, char **top, const char *floor)
{
	for (; *top > floor; --*top, p++) {
		char c = skip_blank(s, &p);

		if (c == ',') {
			p++;
			skip_blank(s, &p);
			return scan_to_value(s, p, **top);
		}
		if (c != **top)
			return fail_here(s, p,
					 **top == '}' ? "a comma or } must follow here"
						      : "a comma or ] must follow here");
	}
	return p;
}

/* One value with all that is in it; depth is how many containers it stands in. */
static const char *scan_value(struct scan *s, const char *p, unsigned depth)
{
	/* Of the containers that are open, the brackets that close them. */
	char closing[WEIR_JSON_DEPTH_MAX + 1], *floor = closing + depth, *top = floor;

	do {
		char c = peek(s, p);

		if (!is_container(c)) {
			p = scan_scalar(s, p);
		} else if (top == closing + WEIR_JSON_DEPTH_MAX) {
			return fail(s, p, "nested too deeply");
		} else {
			*++top = c == '{' ? '}' : ']';
			p++;
			if (skip_blank(s, &p) != *top) {
				p = scan_to_value(s, p, *top);
				continue;
			}
			p++;
			top--;
		}
		if (p)
			p = leave(s, p, &top, floor);
	} while (p && top > floor);
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
static int end_of_text(struct weir_json_cursor *c, struct scan *s, const char *p)
{
	p++;
	skip_blank(s, &p);
	if (p < s->end) {
		fail(s, p, "something follows the end");
		return stop(c, s);
	}
	c->state = ENDED;
	c->offset = c->text.len;
	return 0;
}

/* To where the next member or element begins; *p is behind the one before, if there is one.
 * 1, or as weir_json_next(). */
HOT int go_on(struct weir_json_cursor *c, struct scan *s, const char **p)
{
	char closing = c->is_array ? ']' : '}', at = skip_blank(s, p);

	if (at == closing)
		return end_of_text(c, s, *p);
	if (c->state == FIRST)
		return 1;
	if (at != ',') {
		fail_here(s, *p,
			  c->is_array ? "a comma or ] must follow here"
				      : "a comma or } must follow here");
		return stop(c, s);
	}
	++*p;
	skip_blank(s, p);
	return 1;
}

int weir_json_next(struct weir_json_cursor *c, struct weir_json_member *m)
{
	struct scan s = { .end = c->text.base + c->text.len };
	const char *p = c->text.base + c->offset, *begin, *key_end;
	int rc;

	if (c->state >= ENDED)
		return c->state == ENDED ? 0 : -1;
	rc = go_on(c, &s, &p);
	if (rc <= 0)
		return rc;
	begin = p;
	m->key = weir_slice(NULL, 0);
	if (!c->is_array) {
		p = scan_key(&s, p, &key_end);
		if (!p)
			return stop(c, &s);
		m->key = weir_slice(begin + 1, (size_t)(key_end - begin - 1));
	}
	m->value.base = p;
	p = scan_value(&s, p, 1);
	if (!p)
		return stop(c, &s);
	m->value.len = (size_t)(p - m->value.base);
	m->type = type_of(*m->value.base);
	m->begin = (size_t)(begin - c->text.base);
	m->end = c->offset = (size_t)(p - c->text.base);
	c->state = LATER;
	return 1;
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
