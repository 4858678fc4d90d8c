#include "wire/http_write.h"

#include "base/error.h"
#include "wire/http_chars.h"

enum { FIRST_CAP = 512 };

static const struct phrase {
	unsigned status;
	const char *text;
} phrases[] = {
	{ 100, "Continue" },
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 204, "No Content" },
	{ 206, "Partial Content" },
	{ 301, "Moved Permanently" },
	{ 302, "Found" },
	{ 303, "See Other" },
	{ 304, "Not Modified" },
	{ 307, "Temporary Redirect" },
	{ 308, "Permanent Redirect" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 402, "Payment Required" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 407, "Proxy Authentication Required" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 411, "Length Required" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 416, "Range Not Satisfiable" },
	{ 417, "Expectation Failed" },
	{ 421, "Misdirected Request" },
	{ 422, "Unprocessable Content" },
	{ 423, "Locked" },
	{ 424, "Failed Dependency" },
	{ 425, "Too Early" },
	{ 426, "Upgrade Required" },
	{ 428, "Precondition Required" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 451, "Unavailable For Legal Reasons" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
	{ 507, "Insufficient Storage" },
	{ 508, "Loop Detected" },
	{ 529, "Overloaded" },
};

const char *weir_http_phrase(unsigned status)
{
	static const char *const classes[] = { "Unknown",  "Informational", "Success",
					       "Redirect", "Client Error",  "Server Error" };

	for (size_t i = 0; i < WEIR_COUNT_OF(phrases); i++)
		if (phrases[i].status == status)
			return phrases[i].text;
	return classes[status >= 100 && status <= 599 ? status / 100 : 0];
}

/* len more bytes at the end of the buffer, to be written by the caller; NULL with *rc set. */
static char *extend(struct weir_buf *buf, size_t len, int *rc)
{
	size_t need = buf->len + len, cap = buf->cap < FIRST_CAP ? FIRST_CAP : buf->cap;
	char *at;

	*rc = 0;
	if (need > buf->cap) {
		while (cap < need)
			cap *= 2;
		*rc = weir_buf_reserve(buf, need > buf->max || cap < buf->max ? cap : buf->max);
		if (*rc)
			return NULL;
	}
	at = buf->base + buf->len;
	buf->len = need;
	return at;
}

static char *put(char *at, struct weir_slice s)
{
	if (s.len)
		memcpy(at, s.base, s.len);
	return at + s.len;
}

static bool is_token(struct weir_slice s)
{
	return s.len && weir_http_all(s, WEIR_HTTP_TOKEN);
}

int weir_http_put_request(struct weir_buf *buf, const char *method, struct weir_slice target)
{
	static const struct weir_slice end = WEIR_SLICE(" HTTP/1.1\r\n");
	struct weir_slice name = weir_slice_of(method);
	char *at;
	int rc;

	if (!is_token(name) || target.len == 0 || !weir_http_all(target, WEIR_HTTP_TARGET))
		return WEIR_ELIMIT;
	at = extend(buf, name.len + 1 + target.len + end.len, &rc);
	if (!at)
		return rc;
	at = put(at, name);
	*at++ = ' ';
	put(put(at, target), end);
	return 0;
}

int weir_http_put_status(struct weir_buf *buf, unsigned status)
{
	static const struct weir_slice version = WEIR_SLICE("HTTP/1.1 ");
	struct weir_slice phrase = weir_slice_of(weir_http_phrase(status));
	char digits[WEIR_DIGITS_MAX], *at;
	int rc;

	if (status < 100 || status > 599)
		return WEIR_ELIMIT;
	at = extend(buf, version.len + 4 + phrase.len + 2, &rc);
	if (!at)
		return rc;
	at = put(put(at, version), weir_slice_digits(digits, status));
	*at++ = ' ';
	put(put(at, phrase), WEIR_SLICE("\r\n"));
	return 0;
}

int weir_http_put_line(struct weir_buf *buf, struct weir_slice name, struct weir_slice value)
{
	char *at;
	int rc;

	if (!weir_http_is_text(value))
		return WEIR_ELIMIT;
	at = extend(buf, name.len + 2 + value.len + 2, &rc);
	if (!at)
		return rc;
	at = put(put(at, name), WEIR_SLICE(": "));
	put(put(at, value), WEIR_SLICE("\r\n"));
	return 0;
}

int weir_http_put_named(struct weir_buf *buf, struct weir_slice name, struct weir_slice value)
{
	return is_token(name) ? weir_http_put_line(buf, name, value) : WEIR_ELIMIT;
}

int weir_http_put_field_u64(struct weir_buf *buf, const char *name, uint64_t value)
{
	char digits[WEIR_DIGITS_MAX];

	return weir_http_put_field(buf, name, weir_slice_digits(digits, value));
}

int weir_http_put_end(struct weir_buf *buf)
{
	return weir_buf_append(buf, "\r\n", 2);
}

size_t weir_http_chunk_head(char out[WEIR_HTTP_CHUNK_HEAD_MAX], size_t len)
{
	unsigned bits = len ? 64 - (unsigned)__builtin_clzll(len) : 1;
	size_t n = (bits + 3) / 4;

	for (size_t i = n; i > 0; i--, len >>= 4)
		out[i - 1] = "0123456789abcdef"[len & 15];
	out[n] = '\r';
	out[n + 1] = '\n';
	return n + 2;
}
