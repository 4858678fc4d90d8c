#include "wire/http_chars.h"

#include <stdint.h>

enum {
	TEXT = WEIR_HTTP_TEXT,
	TARGET = TEXT | WEIR_HTTP_TARGET,
	TOKEN = TEXT | WEIR_HTTP_TOKEN | WEIR_HTTP_NAME,
	BOTH = TARGET | TOKEN,
	HOST = BOTH | WEIR_HTTP_HOST,
	HEX = HOST | WEIR_HTTP_IPV6,
};

const unsigned char weir_http_class[256] = {
	['\t'] = TEXT,
	[' '] = TEXT,
	['!'] = BOTH,
	['"'] = TEXT,
	['#'] = TOKEN,
	['$' ... '\''] = BOTH,
	['('] = TARGET,
	[')'] = TARGET,
	['*'] = BOTH,
	['+'] = BOTH,
	[','] = TARGET,
	['-'] = HOST,
	['.'] = HEX,
	['/'] = TARGET,
	['0' ... '9'] = HEX,
	[':'] = TARGET | WEIR_HTTP_IPV6,
	[';'] = TARGET,
	['<'] = TEXT,
	['='] = TARGET,
	['>'] = TEXT,
	['?'] = TARGET,
	['@'] = TARGET,
	['A' ... 'F'] = HEX,
	['G' ... 'Z'] = HOST,
	['['] = TARGET,
	['\\'] = TEXT,
	[']'] = TARGET,
	['^'] = TOKEN,
	['_'] = TARGET | WEIR_HTTP_TOKEN | WEIR_HTTP_HOST,
	['`'] = TOKEN,
	['a' ... 'f'] = HEX,
	['g' ... 'z'] = HOST,
	['{'] = TEXT,
	['|'] = TOKEN,
	['}'] = TEXT,
	['~'] = HOST,
	[0x80 ... 0xff] = TEXT,
};

typedef unsigned char block __attribute__((vector_size(16)));

/* Has it a byte below 0x20, or 0x7f? A tab may stand in a value. */
static bool may_hold_control(block b)
{
	block bad = (block)((b < 0x20) | (b == 0x7f));
	uint64_t words[2];

	memcpy(words, &bad, sizeof words);
	return words[0] | words[1];
}

/* The same of a text of four bytes or more. */
static bool text_may_hold_control(struct weir_slice s)
{
	uint64_t words[2];
	block b;

	if (s.len < sizeof b) {
		weir_cover(words, s.base, s.len);
		memcpy(&b, words, sizeof b);
		return may_hold_control(b);
	}
	for (size_t i = 0; s.len - i > sizeof b; i += sizeof b) {
		memcpy(&b, s.base + i, sizeof b);
		if (may_hold_control(b))
			return true;
	}
	memcpy(&b, s.base + s.len - sizeof b, sizeof b); /* the rest, and some a second time */
	return may_hold_control(b);
}

bool weir_http_is_text(struct weir_slice s)
{
	return (s.len >= 4 && !text_may_hold_control(s)) || weir_http_all(s, WEIR_HTTP_TEXT);
}

static bool is_port(struct weir_slice s)
{
	uint64_t port;

	return s.len <= 5 && weir_slice_to_u64(s, &port) && port <= 65535;
}

bool weir_http_is_host(struct weir_slice s)
{
	bool bracket = s.len && s.base[0] == '[';
	struct weir_slice rest = { s.base + bracket, s.len - bracket };
	size_t n = weir_http_span(rest, bracket ? WEIR_HTTP_IPV6 : WEIR_HTTP_HOST);

	if (n == 0)
		return false;
	rest = weir_slice(rest.base + n, rest.len - n);
	if (bracket) {
		if (rest.len == 0 || rest.base[0] != ']')
			return false;
		rest = weir_slice(rest.base + 1, rest.len - 1);
	}
	return rest.len == 0 ||
	       (rest.base[0] == ':' && is_port(weir_slice(rest.base + 1, rest.len - 1)));
}
