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

/* Has x a byte below 0x20, or 0x7f? Anderson, Bit Twiddling Hacks: hasless, haszero. */
static bool may_hold_control(uint64_t x)
{
	const uint64_t ones = ~UINT64_C(0) / 255, tops = ones << 7;
	uint64_t del = x ^ ones * 0x7f;

	return (((x - ones * 0x20) & ~x) | ((del - ones) & ~del)) & tops;
}

static bool is_text8(const char *bytes)
{
	uint64_t x;

	memcpy(&x, bytes, sizeof x);
	return !may_hold_control(x) || weir_http_all(weir_slice(bytes, sizeof x), WEIR_HTTP_TEXT);
}

bool weir_http_is_text(struct weir_slice s)
{
	if (s.len < 8)
		return weir_http_all(s, WEIR_HTTP_TEXT);
	for (size_t i = 0; s.len - i > 8; i += 8)
		if (!is_text8(s.base + i))
			return false;
	return is_text8(s.base + s.len - 8); /* the rest, and some a second time */
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
