#include "wire/http_start.h"

#include "wire/http_chars.h"

int weir_http_refuse(struct weir_http_refusal *refusal, enum weir_http_role role, unsigned status,
		     const char *reason)
{
	refusal->status = role == WEIR_HTTP_REQUEST ? status : 502;
	refusal->reason = reason;
	return WEIR_HTTP_REFUSED;
}

static int refuse(struct weir_http_refusal *refusal, unsigned status, const char *reason)
{
	return weir_http_refuse(refusal, WEIR_HTTP_REQUEST, status, reason);
}

/* Everything before the first byte c goes to *part and, with c, out of *rest. */
static bool cut(struct weir_slice *rest, char c, struct weir_slice *part)
{
	const char *at = memchr(rest->base, c, rest->len);

	if (!at)
		return false;
	*part = weir_slice(rest->base, (size_t)(at - rest->base));
	*rest = weir_slice(at + 1, rest->len - part->len - 1);
	return true;
}

static struct weir_slice cut_rest(struct weir_slice *rest)
{
	struct weir_slice all = *rest;

	rest->len = 0;
	return all;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* 0: 1.0 or 1.1; 400: not a version; 505: some other version. */
static unsigned read_version(struct weir_slice s, unsigned *minor)
{
	if (s.len != 8 || !weir_slice_starts(s, "HTTP/") || !is_digit(s.base[5]) ||
	    s.base[6] != '.' || !is_digit(s.base[7]))
		return 400;
	*minor = (unsigned)(s.base[7] - '0');
	return s.base[5] == '1' && *minor <= 1 ? 0 : 505;
}

static bool is_known_method(struct weir_slice s)
{
	static const char *const methods[] = { "POST", "GET",   "HEAD",  "OPTIONS",
					       "PUT",  "PATCH", "DELETE" };

	for (size_t i = 0; i < WEIR_COUNT_OF(methods); i++)
		if (weir_slice_is(s, methods[i]))
			return true;
	return false;
}

static bool has_lower_case(struct weir_slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.base[i] >= 'a' && s.base[i] <= 'z')
			return true;
	return false;
}

/* RFC 9112 §3.2.2: the authority stands for Host, by which nothing here is routed. */
static int strip_authority(struct weir_slice *target, struct weir_http_refusal *refusal)
{
	size_t scheme = weir_equal_nocase(target->base, "http://", 7) ? 7 : 8;
	struct weir_slice rest = weir_slice(target->base + scheme, target->len - scheme);
	struct weir_slice authority = rest;
	const char *slash = memchr(rest.base, '/', rest.len);

	if (slash)
		authority.len = (size_t)(slash - rest.base);
	if (!weir_http_is_host(authority))
		return refuse(refusal, 400, "malformed host in the request target");
	*target = slash ? weir_slice(slash, rest.len - authority.len) : WEIR_SLICE("/");
	return 0;
}

static bool starts_nocase(struct weir_slice s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.len >= n && weir_equal_nocase(s.base, prefix, n);
}

static int read_target(struct weir_http_start *start, struct weir_http_refusal *refusal)
{
	struct weir_slice *target = &start->target;

	if (target->len == 0)
		return refuse(refusal, 400, "request target missing");
	if (!weir_http_all(*target, WEIR_HTTP_TARGET))
		return refuse(refusal, 400, "invalid character in the request target");
	if (target->base[0] == '/')
		return 0;
	if (starts_nocase(*target, "http://") || starts_nocase(*target, "https://"))
		return strip_authority(target, refusal);
	if (weir_slice_is(*target, "*") && weir_slice_is(start->method, "OPTIONS"))
		return 0;
	return refuse(refusal, 400, "request target is neither a path nor an http URL");
}

static int read_request_line(struct weir_http_start *start, struct weir_slice line,
			     struct weir_http_refusal *refusal)
{
	unsigned status;

	if (!cut(&line, ' ', &start->method) || start->method.len == 0)
		return refuse(refusal, 400, "malformed request line");
	if (!weir_http_all(start->method, WEIR_HTTP_TOKEN))
		return refuse(refusal, 400, "invalid character in the method");
	if (!cut(&line, ' ', &start->target))
		return refuse(refusal, 400, "HTTP version missing in the request line");
	if (start->target.len > WEIR_HTTP_TARGET_MAX)
		return refuse(refusal, 414, "request target too long");
	status = read_version(line, &start->minor);
	if (status)
		return refuse(refusal, status,
			      status == 505 ? "HTTP version not supported, use HTTP/1.1"
					    : "malformed HTTP version in the request line");
	if (has_lower_case(start->method))
		return refuse(refusal, 400, "method not in capital letters");
	if (!is_known_method(start->method))
		return refuse(refusal, 405, "method not supported");
	return read_target(start, refusal);
}

static const char *read_status_line(struct weir_http_start *start, struct weir_slice line)
{
	struct weir_slice version, code;

	if (!cut(&line, ' ', &version) || read_version(version, &start->minor))
		return "not an HTTP/1.1 status line";
	if (!cut(&line, ' ', &code)) /* many servers leave out the space before no phrase */
		code = cut_rest(&line);
	if (code.len != 3 || !is_digit(code.base[0]) || !is_digit(code.base[1]) ||
	    !is_digit(code.base[2]))
		return "malformed status code";
	start->status = (unsigned)((code.base[0] - '0') * 100 + (code.base[1] - '0') * 10 +
				   (code.base[2] - '0'));
	if (start->status < 100 || start->status > 599)
		return "status code out of range";
	if (!weir_http_is_text(line))
		return "control character in the reason phrase";
	return NULL;
}

int weir_http_read_start(struct weir_http_start *start, enum weir_http_role role,
			 struct weir_slice line, struct weir_http_refusal *refusal)
{
	const char *reason;

	*start = (struct weir_http_start){ 0 };
	if (line.len < 2 || line.base[line.len - 2] != '\r')
		return weir_http_refuse(refusal, role, 400, "bare line feed in the first line");
	line.len -= 2;
	if (role == WEIR_HTTP_REQUEST)
		return read_request_line(start, line, refusal);
	reason = read_status_line(start, line);
	return reason ? weir_http_refuse(refusal, role, 502, reason) : 0;
}
