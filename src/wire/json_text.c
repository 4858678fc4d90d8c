/* What strings in JSON mean: escapes decoded. Safe on bytes that were never checked. */
#include "wire/json.h"

#include "base/error.h"

/* The four digits of a \u escape, or -1. */
static int hex4(const char *p, const char *end)
{
	int value = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = weir_hex_digit(p[i]);

		if (digit < 0)
			return -1;
		value = value * 16 + digit;
	}
	return value;
}

static size_t put_utf8(unsigned c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* The character of the \u escape whose digits begin at *p; takes both halves of a pair. */
static size_t decode_unicode(const char **p, const char *end, char out[4])
{
	int high = hex4(*p, end), low;

	if (high < 0)
		return put_utf8(0xfffd, out);
	*p += 4;
	if (high < 0xd800 || high > 0xdfff)
		return put_utf8((unsigned)high, out);
	if (high > 0xdbff || end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u')
		return put_utf8(0xfffd, out);
	low = hex4(*p + 2, end);
	if (low < 0xdc00 || low > 0xdfff)
		return put_utf8(0xfffd, out);
	*p += 6;
	return put_utf8(0x10000 + ((unsigned)(high - 0xd800) << 10) + (unsigned)(low - 0xdc00),
			out);
}

/* What the escape at *p means; advances past it. */
static size_t decode_escape(const char **p, const char *end, char out[4])
{
	static const char names[] = "bfnrt", means[] = "\b\f\n\r\t";
	const char *name;
	char c;

	++*p;
	if (*p == end)
		return put_utf8(0xfffd, out);
	c = *(*p)++;
	if (c == 'u')
		return decode_unicode(p, end, out);
	name = c ? strchr(names, c) : NULL;
	out[0] = name ? means[name - names] : c;
	return 1;
}

/* The bytes at *p that stand for themselves; advances past them. */
static struct weir_slice take_run(const char **p, const char *end)
{
	const char *begin = *p;
	const char *slash = memchr(begin, '\\', (size_t)(end - begin));

	*p = slash ? slash : end;
	return weir_slice(begin, (size_t)(*p - begin));
}

bool weir_json_text_equals(struct weir_slice raw, const char *text)
{
	char bytes[4];
	size_t n = 0;

	while (n < raw.len && raw.base[n] == text[n] && text[n] && text[n] != '\\')
		n++;
	if (n < raw.len && raw.base[n] != '\\')
		return false;
	raw = weir_slice(raw.base + n, raw.len - n);
	for (text += n; (n = weir_json_text_step(&raw, bytes));)
		for (size_t i = 0; i < n; i++, text++)
			if (*text == '\0' || *text != bytes[i])
				return false;
	return *text == '\0';
}

size_t weir_json_text_step(struct weir_slice *raw, char bytes[4])
{
	const char *p = raw->len ? raw->base : "", *end = p + raw->len;
	size_t n = 1;

	if (p == end)
		return 0;
	if (*p == '\\')
		n = decode_escape(&p, end, bytes);
	else
		bytes[0] = *p++;
	*raw = weir_slice(p, (size_t)(end - p));
	return n;
}

int weir_json_unescape(struct weir_buf *out, struct weir_slice raw)
{
	const char *p = raw.len ? raw.base : "", *end = p + raw.len;
	size_t before = out->len;
	struct weir_slice run;
	char decoded[4];
	int rc = 0;

	if (raw.len >= 2 && p[0] == '"' && end[-1] == '"') {
		p++;
		end--;
	}
	while (rc == 0 && p < end) {
		if (*p == '\\')
			run = weir_slice(decoded, decode_escape(&p, end, decoded));
		else
			run = take_run(&p, end);
		rc = weir_buf_append(out, run.base, run.len);
	}
	if (rc)
		out->len = before;
	return rc;
}

bool weir_json_get(struct weir_slice object, const char *name, struct weir_json_member *member)
{
	struct weir_json_cursor cursor;

	if (weir_json_open(&cursor, object) || cursor.is_array)
		return false;
	while (weir_json_next(&cursor, member) == 1)
		if (weir_json_text_is(member->key, name))
			return true;
	return false;
}

struct weir_slice weir_json_pick(struct weir_slice object, const char *name,
				 enum weir_json_type type)
{
	struct weir_json_member m;

	if (object.len && weir_json_get(object, name, &m) && m.type == type)
		return m.value;
	return WEIR_SLICE("");
}

bool weir_json_pick_u64(struct weir_slice object, const char *name, uint64_t *n)
{
	return weir_slice_to_u64(weir_json_pick(object, name, WEIR_JSON_NUMBER), n);
}
