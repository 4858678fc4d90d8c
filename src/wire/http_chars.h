/* Which byte may stand where in HTTP. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/slice.h"

enum weir_http_chars {
	WEIR_HTTP_TOKEN = 1, /* tchar, RFC 9110 §5.6.2 */
	WEIR_HTTP_NAME =
		2, /* tchar without the underscore, which some back ends read as a hyphen */
	WEIR_HTTP_TARGET = 4, /* what RFC 3986 lets stand in a request target, except "#" */
	WEIR_HTTP_HOST = 8,   /* a host name or an IPv4 address */
	WEIR_HTTP_IPV6 = 16,
	WEIR_HTTP_TEXT = 32, /* in field values: visible, space, tab, obs-text; RFC 9110 §5.5 */
};

extern const unsigned char weir_http_class[256];

static inline bool weir_http_is(char c, enum weir_http_chars chars)
{
	return weir_http_class[(unsigned char)c] & chars;
}

/* How many bytes from the start are of that class. */
static inline size_t weir_http_span(struct weir_slice s, enum weir_http_chars chars)
{
	const unsigned char *p = (const unsigned char *)s.base, *class = weir_http_class;
	size_t i = 0;

	while (s.len - i >= 4 &&
	       (class[p[i]] & class[p[i + 1]] & class[p[i + 2]] & class[p[i + 3]] & chars))
		i += 4;
	while (i < s.len && (class[p[i]] & chars))
		i++;
	return i;
}

static inline bool weir_http_all(struct weir_slice s, enum weir_http_chars chars)
{
	return weir_http_span(s, chars) == s.len;
}

/* How many bytes from the start may stand in a name. Most are letters and hyphens, with a colon
 * behind them. */
static inline size_t weir_http_name_len(struct weir_slice s)
{
#ifdef __SSE2__
	if (s.len >= sizeof(__m128i)) {
		__m128i b = _mm_loadu_si128((const __m128i *)s.base),
			most = _mm_set1_epi8('z' - 'a');
		__m128i n = _mm_sub_epi8(_mm_or_si128(b, _mm_set1_epi8('a' ^ 'A')),
					 _mm_set1_epi8('a'));
		__m128i good = _mm_or_si128(_mm_cmpeq_epi8(n, _mm_min_epu8(n, most)),
					    _mm_cmpeq_epi8(b, _mm_set1_epi8('-')));
		unsigned odd = (unsigned)_mm_movemask_epi8(good) ^ 0xffff;

		if (odd && s.base[__builtin_ctz(odd)] == ':')
			return (size_t)__builtin_ctz(odd);
	}
#endif
	return weir_http_span(s, WEIR_HTTP_NAME);
}

/* As memchr(at, '\n', end - at), without a call for a line that is not long. */
static inline const char *weir_http_line_feed(const char *at, const char *end)
{
#ifdef __SSE2__
	for (int i = 0; i < 4 && end - at >= (ptrdiff_t)sizeof(__m128i);
	     i++, at += sizeof(__m128i)) {
		__m128i b = _mm_loadu_si128((const __m128i *)at);
		unsigned lf = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(b, _mm_set1_epi8('\n')));

		if (lf)
			return at + __builtin_ctz(lf);
	}
#endif
	return at == end ? NULL : memchr(at, '\n', (size_t)(end - at));
}

/* All WEIR_HTTP_TEXT? As weir_http_all(), sixteen bytes at a time. */
bool weir_http_is_text(struct weir_slice s);

/* host or host:port, the host a name, an IPv4 address or [IPv6]; RFC 9110 §7.2 without
 * the forms that only serve confusion: empty, percent-encoded, with sub-delims or userinfo. */
bool weir_http_is_host(struct weir_slice s);
