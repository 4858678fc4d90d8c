#include "base/slice.h"

enum { DOUBLE_LEN_MAX = 63, SAFE_DIGITS = 19 /* of any uint64_t */ };

/* A to Z in lower case; the high bit of a byte is no part of any sum. */
static uint64_t lower8(uint64_t x)
{
	const uint64_t ones = ~UINT64_C(0) / 255, high = ones << 7;
	uint64_t low = x & ~high, upper;

	upper = (low + ones * (0x80 - 'A')) & ~(low + ones * (0x7f - 'Z')) & ~x & high;
	return x | upper >> 2;
}

/* Most are the same in case as well. */
static bool equal8(uint64_t x, uint64_t y)
{
	return x == y || lower8(x) == lower8(y);
}

bool weir_equal_nocase(const char *a, const char *b, size_t len)
{
	uint64_t x[2], y[2];

	for (; len > 16; len -= 8, a += 8, b += 8) {
		memcpy(x, a, 8);
		memcpy(y, b, 8);
		if (!equal8(x[0], y[0]))
			return false;
	}
	if (len >= 4) {
		weir_cover(x, a, len);
		weir_cover(y, b, len);
		return equal8(x[0], y[0]) && (len <= 8 || equal8(x[1], y[1]));
	}
	for (size_t i = 0; i < len; i++)
		if (weir_lower(a[i]) != weir_lower(b[i]))
			return false;
	return true;
}

bool weir_slice_has_nocase(struct weir_slice s, const char *needle)
{
	size_t n = strlen(needle);

	if (n == 0)
		return true;
	for (size_t i = 0; i + n <= s.len; i++)
		if (weir_lower(s.base[i]) == weir_lower(needle[0]) &&
		    weir_equal_nocase(s.base + i, needle, n))
			return true;
	return false;
}

/* The byte of it that prose has least of: what is found need not be looked at often. */
static size_t rarest(struct weir_slice needle)
{
	static const unsigned char rarity[256] = {
		['g'] = 1, ['p'] = 2, ['b'] = 3, ['v'] = 4, ['k'] = 5,
		['x'] = 6, ['j'] = 7, ['q'] = 8, ['z'] = 9, ['_'] = 10
	};
	size_t best = 0;

	for (size_t i = 1; i < needle.len; i++)
		if (rarity[(unsigned char)needle.base[i]] >
		    rarity[(unsigned char)needle.base[best]])
			best = i;
	return best;
}

const char *weir_slice_find(struct weir_slice s, const char *needle)
{
	size_t n = strlen(needle), before = rarest(weir_slice(needle, n));
	const char *at, *last; /* where the rare byte may stand */

	if (s.len < n)
		return NULL;
	at = s.base + before;
	last = s.base + s.len - (n - before);
	while (at <= last && (at = memchr(at, needle[before], (size_t)(last - at) + 1))) {
		if (memcmp(at - before, needle, n) == 0)
			return at - before;
		at++;
	}
	return NULL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct weir_slice weir_slice_trim(struct weir_slice s)
{
	while (s.len && is_blank(s.base[0])) {
		s.base++;
		s.len--;
	}
	while (s.len && is_blank(s.base[s.len - 1]))
		s.len--;
	return s;
}

bool weir_slice_to_u64(struct weir_slice s, uint64_t *value)
{
	uint64_t v = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned digit = (unsigned char)s.base[i] - (unsigned)'0';

		if (digit > 9)
			return false;
		if (i < SAFE_DIGITS)
			v = v * 10 + digit;
		else if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, digit, &v))
			return false;
	}
	*value = v;
	return true;
}

struct weir_slice weir_slice_digits(char out[WEIR_DIGITS_MAX], uint64_t value)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324"
				    "25262728293031323334353637383940414243444546474849"
				    "50515253545556575859606162636465666768697071727374"
				    "75767778798081828384858687888990919293949596979899";
	size_t at = WEIR_DIGITS_MAX;

	for (; value >= 100; value /= 100)
		memcpy(out + (at -= 2), pairs + value % 100 * 2, 2);
	if (value >= 10)
		memcpy(out + (at -= 2), pairs + value * 2, 2);
	else
		out[--at] = (char)('0' + value);
	return weir_slice(out + at, WEIR_DIGITS_MAX - at);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* What is read of a decimal number: digits times 10^exponent. */
struct decimal {
	uint64_t digits;
	int exponent;
};

static const char *read_digits(const char *p, const char *end, struct decimal *d, int step)
{
	for (; p < end && is_digit(*p); p++) {
		/* More digits than fit change nothing that a double could show. */
		if (d->digits < UINT64_MAX / 10 - 9) {
			d->digits = d->digits * 10 + (uint64_t)(*p - '0');
			d->exponent += step;
		} else {
			d->exponent += 1 + step;
		}
	}
	return p;
}

static const char *read_exponent(const char *p, const char *end, struct decimal *d)
{
	bool negative = p < end && *p == '-';
	int value = 0;

	if (p < end && (*p == '-' || *p == '+'))
		p++;
	if (p == end)
		return NULL;
	for (; p < end && is_digit(*p); p++)
		if (value < 10000)
			value = value * 10 + *p - '0';
	d->exponent += negative ? -value : value;
	return p;
}

/* Exact where digits and power are (Clinger 1990): 15 digits, 10^-22 to 10^22. */
static double scale(const struct decimal *d)
{
	double v = (double)d->digits, power = 1;
	int n = d->exponent < 0 ? -d->exponent : d->exponent;

	if (v == 0)
		return 0;
	for (; n > 22 && v > 0 && v < 1e300; n -= 22)
		v = d->exponent < 0 ? v / 1e22 : v * 1e22;
	for (; n > 0 && n <= 22; n--)
		power *= 10;
	return d->exponent < 0 ? v / power : v * power;
}

bool weir_slice_to_double(struct weir_slice s, double *value)
{
	struct decimal d = { 0 };
	const char *p = s.base, *end = p + s.len;
	double v;

	if (s.len == 0 || s.len > DOUBLE_LEN_MAX || !is_digit(*p))
		return false;
	p = read_digits(p, end, &d, 0);
	if (end - p > 1 && p[0] == '.' && is_digit(p[1]))
		p = read_digits(p + 1, end, &d, -1);
	if (p < end && (*p == 'e' || *p == 'E'))
		p = read_exponent(p + 1, end, &d);
	if (p != end)
		return false;
	v = scale(&d);
	if (!(v < 1e300))
		return false;
	*value = v;
	return true;
}

size_t weir_utf8_len(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t n = len == 0      ? 0
		   : s[0] < 0x80 ? 1
		   : s[0] < 0xc2 ? 0
		   : s[0] < 0xe0 ? 2
		   : s[0] < 0xf0 ? 3
		   : s[0] < 0xf5 ? 4
				 : 0;

	if (n == 0 || n > len)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

uint64_t weir_slice_hash(struct weir_slice s)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < s.len; i++)
		h = (h ^ (unsigned char)s.base[i]) * 0x100000001b3u;
	return h ? h : 1;
}
