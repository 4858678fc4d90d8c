#include "base/base64.h"

#include "base/error.h"

/* 0 to 63, or -1. */
static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters, or the last two or three. */
static int decode_group(struct weir_buf *out, struct weir_slice group)
{
	unsigned bits = 0;
	char bytes[3];

	for (size_t i = 0; i < 4; i++) {
		int value = i < group.len ? value_of(group.base[i]) : 0;

		if (value < 0)
			return WEIR_ELIMIT;
		bits = bits << 6 | (unsigned)value;
	}
	for (size_t i = 0; i < 3; i++)
		bytes[i] = (char)(bits >> (16 - 8 * i) & 0xff);
	return weir_buf_append(out, bytes, group.len - 1);
}

int weir_base64_decode(struct weir_buf *out, struct weir_slice text)
{
	size_t before = out->len;
	int rc = 0;

	while (text.len && text.base[text.len - 1] == '=')
		text.len--;
	if (text.len % 4 == 1)
		return WEIR_ELIMIT;
	for (size_t i = 0; i < text.len && rc == 0; i += 4)
		rc = decode_group(out,
				  weir_slice(text.base + i, text.len - i < 4 ? text.len - i : 4));
	if (rc)
		out->len = before;
	return rc;
}
