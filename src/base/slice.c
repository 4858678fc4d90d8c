#include "base/slice.h"

enum { DOUBLE_LEN_MAX = 63 };

bool weir_equal_nocase(const char *a, const char *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (weir_lower(a[i]) != weir_lower(b[i]))
			return false;
	return true;
}

bool weir_slice_has_nocase(struct weir_slice s, const char *needle)
{
	size_t n = strlen(needle);

	for (size_t i = 0; i + n <= s.len; i++)
		if (weir_equal_nocase(s.base + i, needle, n))
			return true;
	return false;
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
		if (s.base[i] < '0' || s.base[i] > '9')
			return false;
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s.base[i] - '0'), &v))
			return false;
	}
	*value = v;
	return true;
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
