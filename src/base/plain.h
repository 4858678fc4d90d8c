/* The bytes that stand for themselves in a JSON string, found many at a time: ASCII but for
 * control characters, the quote and the backslash. The others are odd. */
#pragma once

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <immintrin.h>
#endif

/* Where some processors of this architecture can do more, and are asked at run time. */
#if defined __SSE2__ && !defined WEIR_PLAIN_BASELINE
#define WEIR_AVX2 __attribute__((target("avx2,bmi")))
#endif

static inline bool weir_is_plain(char c)
{
	return (signed char)c >= ' ' && c != '"' && c != '\\';
}

/* Which bytes of a block, or of as many as there is room for in the result, are odd: so many
 * bits for each, the highest of them set, those of the first byte lowest. */
#ifdef __SSE2__
enum { WEIR_ODD_BITS = 1, WEIR_ODD_BLOCK = 16, WEIR_ODD_WIDE = 64 };

static inline uint64_t weir_plain_in_block(const char *p)
{
	__m128i b = _mm_loadu_si128((const __m128i *)p);
	__m128i slash = _mm_cmpeq_epi8(b, _mm_set1_epi8('\\'));
	/* With its bit 1 turned over, the quote is a blank, and still above control characters. */
	__m128i above = _mm_cmpgt_epi8(_mm_xor_si128(b, _mm_set1_epi8(2)), _mm_set1_epi8(' '));

	return (unsigned)_mm_movemask_epi8(_mm_andnot_si128(slash, above));
}

static inline uint64_t weir_odd_in_block(const char *p)
{
	return weir_plain_in_block(p) ^ 0xffff;
}

static inline uint64_t weir_odd_in_wide(const char *p)
{
	return ~(weir_plain_in_block(p) | weir_plain_in_block(p + 16) << 16 |
		 weir_plain_in_block(p + 32) << 32 | weir_plain_in_block(p + 48) << 48);
}

#ifdef WEIR_AVX2
WEIR_AVX2 static inline uint64_t weir_plain_in_32(const char *p)
{
	__m256i b = _mm256_loadu_si256((const __m256i *)p);
	__m256i slash = _mm256_cmpeq_epi8(b, _mm256_set1_epi8('\\'));
	__m256i above = _mm256_cmpgt_epi8(_mm256_xor_si256(b, _mm256_set1_epi8(2)),
					  _mm256_set1_epi8(' '));

	return (unsigned)_mm256_movemask_epi8(_mm256_andnot_si256(slash, above));
}

WEIR_AVX2 static inline uint64_t weir_odd_in_wide_avx2(const char *p)
{
	return ~(weir_plain_in_32(p) | weir_plain_in_32(p + 32) << 32);
}
#endif
#else
enum { WEIR_ODD_BITS = 8, WEIR_ODD_BLOCK = 8, WEIR_ODD_WIDE = 8 };

static inline uint64_t weir_odd_in_block(const char *p)
{
	const uint64_t each = ~UINT64_C(0) / 255, high = each << 7;
	uint64_t x, low, quote, slash;

	memcpy(&x, p, sizeof x);
	x = le64toh(x);
	/* A high bit stays where the byte below it is at least what is taken from it. */
	low = (x | high) - each * ' ';
	quote = ((x ^ each * '"') | high) - each;
	slash = ((x ^ each * '\\') | high) - each;
	return (x | ~(low & quote & slash)) & high;
}

static inline uint64_t weir_odd_in_wide(const char *p)
{
	return weir_odd_in_block(p);
}
#endif

/* How many bytes come before the first odd one, if there is any. */
static inline size_t weir_odd_first(uint64_t odd)
{
	return (size_t)__builtin_ctzll(odd) / WEIR_ODD_BITS;
}

/* The first odd byte, or end. */
static inline const char *weir_skip_plain(const char *p, const char *end)
{
	for (; end - p >= WEIR_ODD_BLOCK; p += WEIR_ODD_BLOCK) {
		uint64_t odd = weir_odd_in_block(p);

		if (odd)
			return p + weir_odd_first(odd);
	}
	while (p < end && weir_is_plain(*p))
		p++;
	return p;
}
