#include "base/slice.h"

#include <stdlib.h>

bool weir_slice_has_nocase(struct weir_slice s, const char *needle)
{
	size_t n = strlen(needle);

	for (size_t i = 0; i + n <= s.len; i++)
		if (strncasecmp(s.base + i, needle, n) == 0)
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

bool weir_slice_to_double(struct weir_slice s, double *value)
{
	char text[64];
	char *end;
	double v;

	if (s.len == 0 || s.len >= sizeof text || s.base[0] < '0' || s.base[0] > '9')
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!strchr("0123456789.eE+-", s.base[i]))
			return false;
	memcpy(text, s.base, s.len);
	text[s.len] = '\0';
	v = strtod(text, &end);
	if (end != text + s.len || !(v >= 0 && v < 1e300))
		return false;
	*value = v;
	return true;
}

size_t weir_utf8_len(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t n = len == 0	 ? 0
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
