/* Bytes somebody else owns. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

struct weir_slice {
	const char *base;
	size_t len;
};

#define WEIR_SLICE(literal) ((struct weir_slice){ (literal), sizeof(literal) - 1 })

static inline struct weir_slice weir_slice(const char *base, size_t len)
{
	return (struct weir_slice){ base, len };
}

static inline struct weir_slice weir_slice_of(const char *text)
{
	return (struct weir_slice){ text, text ? strlen(text) : 0 };
}

static inline bool weir_slice_eq(struct weir_slice a, struct weir_slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.base, b.base, a.len) == 0);
}

static inline bool weir_slice_is(struct weir_slice s, const char *text)
{
	return weir_slice_eq(s, weir_slice_of(text));
}

static inline char weir_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* A text of 4 to 16 bytes as two words: all of it, and some of it twice where it is shorter. */
static inline void weir_cover(uint64_t words[2], const char *text, size_t len)
{
	uint32_t halves[2];

	if (len >= 8) {
		memcpy(words, text, 8);
		memcpy(words + 1, text + len - 8, 8);
		return;
	}
	memcpy(halves, text, 4);
	memcpy(halves + 1, text + len - 4, 4);
	words[0] = words[1] = halves[0] | (uint64_t)halves[1] << 32;
}

/* ASCII case is ignored, as in header names; not strncasecmp(), whose I is not everywhere
 * an i: the embedding program chooses the locale. */
bool weir_equal_nocase(const char *a, const char *b, size_t len);

static inline bool weir_slice_is_nocase(struct weir_slice s, const char *text)
{
	return s.len == strlen(text) && weir_equal_nocase(s.base, text, s.len);
}

static inline bool weir_slice_starts(struct weir_slice s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.len >= n && (n == 0 || memcmp(s.base, prefix, n) == 0);
}

static inline bool weir_slice_starts_nocase(struct weir_slice s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.len >= n && weir_equal_nocase(s.base, prefix, n);
}

/* Is needle in s, ASCII case ignored? */
bool weir_slice_has_nocase(struct weir_slice s, const char *needle);

/* Where needle begins in s, NULL: nowhere. Quick where s has little of a byte that needle
 * has, as prose has of underscores. needle is not empty. */
const char *weir_slice_find(struct weir_slice s, const char *needle);

/* FNV-1a; never 0, which means "none" wherever a hash is kept. */
uint64_t weir_slice_hash(struct weir_slice s);

/* As a string, cut where it is as long as fits. */
static inline void weir_slice_print(struct weir_slice s, char *text, size_t size)
{
	size_t n = s.len < size ? s.len : size - 1;

	if (n)
		memcpy(text, s.base, n);
	text[n] = '\0';
}

/* Without leading and trailing spaces and tabs. */
struct weir_slice weir_slice_trim(struct weir_slice s);

/* Decimal digits only, the whole slice, no overflow. */
bool weir_slice_to_u64(struct weir_slice s, uint64_t *value);

/* value in decimal, written to the end of out. */
enum { WEIR_DIGITS_MAX = 20 };
struct weir_slice weir_slice_digits(char out[WEIR_DIGITS_MAX], uint64_t value);

/* Non-negative decimal number, fraction and exponent allowed, the whole slice; the point is
 * a point in every locale. */
bool weir_slice_to_double(struct weir_slice s, double *value);

/* 0 to 15, or -1. */
static inline int weir_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Length of the UTF-8 sequence text begins with, 0 if it is none (RFC 3629 §4). */
size_t weir_utf8_len(const char *text, size_t len);
