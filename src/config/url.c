#include "config/url.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "base/attr.h"

enum { HOST_MAX = 253, PATH_MAX_BYTES = 1024 };

struct address {
	int family; /* 0: a name */
	unsigned char bytes[16];
};

/* v4 in v6 is v4. */
static struct address read_address(struct weir_slice host)
{
	static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	struct address address = { 0 };
	char text[64];

	if (host.len == 0 || host.len >= sizeof text)
		return address;
	memcpy(text, host.base, host.len);
	text[host.len] = '\0';
	if (inet_pton(AF_INET, text, address.bytes) == 1) {
		address.family = AF_INET;
	} else if (inet_pton(AF_INET6, text, address.bytes) == 1) {
		address.family = AF_INET6;
		if (memcmp(address.bytes, mapped, sizeof mapped) == 0) {
			memmove(address.bytes, address.bytes + 12, 4);
			memset(address.bytes + 4, 0, 12);
			address.family = AF_INET;
		}
	}
	return address;
}

static bool ends_with_nocase(struct weir_slice s, const char *tail)
{
	size_t n = strlen(tail);

	return s.len >= n && weir_equal_nocase(s.base + s.len - n, tail, n);
}

static enum weir_host v4_kind(const unsigned char *b)
{
	static const unsigned char metadata[4] = { 100, 100, 100, 200 }; /* Alibaba Cloud */

	if (b[0] == 0)
		return WEIR_HOST_ANY;
	if (b[0] == 127)
		return WEIR_HOST_LOOPBACK;
	if ((b[0] == 169 && b[1] == 254) || memcmp(b, metadata, 4) == 0)
		return WEIR_HOST_LINK_LOCAL;
	if (b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168) ||
	    (b[0] == 100 && (b[1] & 0xc0) == 64))
		return WEIR_HOST_PRIVATE;
	return WEIR_HOST_PUBLIC;
}

static enum weir_host v6_kind(const unsigned char *b)
{
	static const unsigned char any[16] = { 0 };
	static const unsigned char loopback[16] = { [15] = 1 };
	static const unsigned char metadata[16] = { 0xfd,        0x00,       0x0e, 0xc2, /* AWS */
						    [14] = 0x02, [15] = 0x54 };

	if (memcmp(b, any, 16) == 0)
		return WEIR_HOST_ANY;
	if (memcmp(b, loopback, 16) == 0)
		return WEIR_HOST_LOOPBACK;
	if ((b[0] == 0xfe && (b[1] & 0xc0) == 0x80) || memcmp(b, metadata, 16) == 0)
		return WEIR_HOST_LINK_LOCAL;
	return (b[0] & 0xfe) == 0xfc ? WEIR_HOST_PRIVATE : WEIR_HOST_PUBLIC;
}

enum weir_host weir_host_kind(struct weir_slice host)
{
	static const char *const private_tails[] = { ".local",     ".internal",   ".lan",
						     ".home.arpa", ".svc",        ".test",
						     ".intranet",  ".localdomain" };
	struct address address = read_address(host);

	if (address.family == AF_INET)
		return v4_kind(address.bytes);
	if (address.family == AF_INET6)
		return v6_kind(address.bytes);
	if (weir_slice_is_nocase(host, "localhost") || ends_with_nocase(host, ".localhost"))
		return WEIR_HOST_LOOPBACK;
	if (weir_slice_is_nocase(host, "metadata.google.internal"))
		return WEIR_HOST_LINK_LOCAL;
	if (!memchr(host.base, '.', host.len))
		return WEIR_HOST_PRIVATE;
	for (size_t i = 0; i < WEIR_COUNT_OF(private_tails); i++)
		if (ends_with_nocase(host, private_tails[i]))
			return WEIR_HOST_PRIVATE;
	return WEIR_HOST_PUBLIC;
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_number(struct weir_slice label)
{
	bool hex = weir_slice_starts(label, "0x") || weir_slice_starts(label, "0X");

	for (size_t i = hex ? 2 : 0; i < label.len && label.base[i] != '.'; i++)
		if (hex ? !is_hex(label.base[i]) : label.base[i] < '0' || label.base[i] > '9')
			return false;
	return true;
}

/* A name of the DNS or an IPv4 address; not "127.1" or "0x7f000001", which some
 * libraries take for an address and others do not. */
static bool is_host_name(struct weir_slice host)
{
	size_t label = 0;

	if (host.len == 0 || host.len > HOST_MAX || host.base[0] == '.')
		return false;
	for (size_t i = 0; i < host.len; i++) {
		char c = host.base[i];

		if (!is_alnum(c) && c != '-' && c != '_' && c != '.')
			return false;
		if (c == '.' && i + 1 < host.len) {
			if (host.base[i + 1] == '.')
				return false;
			label = i + 1;
		}
	}
	return !is_number(weir_slice(host.base + label, host.len - label)) ||
	       read_address(host).family == AF_INET;
}

static bool read_port(struct weir_slice text, uint16_t *port)
{
	uint64_t value;

	if (text.len > 5 || !weir_slice_to_u64(text, &value) || value > UINT16_MAX)
		return false;
	*port = (uint16_t)value;
	return true;
}

/* host[:port]; a port is needed when *port is 0. */
static const char *read_authority(struct weir_slice text, struct weir_url *url)
{
	static const char bad_port[] = "the port is not one\nwrite a number from 1 to 65535 after "
				       "the colon, or none";
	struct weir_slice port = { NULL, 0 };
	const char *end = NULL;

	if (text.len && text.base[0] == '[') {
		end = memchr(text.base, ']', text.len);
		if (!end)
			return "a [ without ]\nwrite an IPv6 address as [::1]";
		url->v6 = true;
		url->host = weir_slice(text.base + 1, (size_t)(end - text.base) - 1);
		if (!memchr(url->host.base, ':', url->host.len) || !read_address(url->host).family)
			return "no IPv6 address stands in the brackets\nwrite it as [::1]";
		end++;
	} else {
		end = text.len ? memchr(text.base, ':', text.len) : NULL;
		end = end ? end : text.base + text.len;
		url->host = weir_slice(text.base, (size_t)(end - text.base));
		if (!is_host_name(url->host))
			return "the host is not a name or an address\nwrite it as api.example.com, "
			       "192.0.2.7 or [2001:db8::7] (names of other alphabets as xn--…)";
	}
	if (end == text.base + text.len)
		return NULL;
	port = weir_slice(end + 1, (size_t)(text.base + text.len - end) - 1);
	if (*end != ':' || !read_port(port, &url->port) || url->port == 0)
		return bad_port;
	return NULL;
}

/* path-abempty of RFC 3986 §3.3. */
static const char *check_path(struct weir_slice path)
{
	for (size_t i = 0; i < path.len; i++) {
		char c = path.base[i];

		if (c == '?' || c == '#')
			return "a query or fragment cannot stand here\nend the address with its "
			       "path";
		if (c == '%' &&
		    (i + 2 >= path.len || !is_hex(path.base[i + 1]) || !is_hex(path.base[i + 2])))
			return "a % without two hexadecimal digits\nwrite %25 for a percent sign";
		if (!is_alnum(c) && (!c || !strchr("/-._~%!$&'()*+,;=:@", c)))
			return "a character that cannot stand in a path\n%-encode it (a space is "
			       "%20)";
	}
	if (path.len > PATH_MAX_BYTES)
		return "the path is longer than 1024 bytes\nshorten it";
	return NULL;
}

static const char *check_tail(struct weir_slice path)
{
	static const char *const tails[] = { "/chat/completions", "/completions", "/embeddings",
					     "/messages", "/responses" };

	for (size_t i = 0; i < WEIR_COUNT_OF(tails); i++)
		if (ends_with_nocase(path, tails[i]))
			return "ends with the path of one route\nend it before that, as in "
			       "https://api.example.com/v1: the rest is added per request";
	return NULL;
}

const char *weir_url_parse(struct weir_slice text, struct weir_url *url)
{
	struct weir_slice rest;
	const char *wrong;
	size_t n = 0;

	*url = (struct weir_url){ 0 };
	if (text.len >= 8 && weir_equal_nocase(text.base, "https://", 8))
		url->tls = true;
	else if (text.len < 7 || !weir_equal_nocase(text.base, "http://", 7))
		return "does not begin with https:// or http://\nwrite it as "
		       "https://api.example.com/v1";
	url->port = url->tls ? 443 : 80;
	rest = weir_slice(text.base + (url->tls ? 8 : 7), text.len - (url->tls ? 8 : 7));
	while (n < rest.len && !strchr("/?#", rest.base[n]))
		n++;
	if (memchr(rest.base, '@', n))
		return "a user name or password cannot stand in it\nput the credential under "
		       "`keys`";
	wrong = read_authority(weir_slice(rest.base, n), url);
	if (wrong)
		return wrong;
	url->path = weir_slice(rest.base + n, rest.len - n);
	wrong = check_path(url->path);
	if (wrong)
		return wrong;
	while (url->path.len && url->path.base[url->path.len - 1] == '/')
		url->path.len--;
	return check_tail(url->path);
}

static const char *last_colon(struct weir_slice text)
{
	for (size_t i = text.len; i; i--)
		if (text.base[i - 1] == ':')
			return &text.base[i - 1];
	return NULL;
}

bool weir_endpoint_parse(struct weir_slice text, struct weir_endpoint *endpoint)
{
	const char *colon;
	struct address address;

	*endpoint = (struct weir_endpoint){ 0 };
	if (weir_slice_starts(text, "unix:")) {
		endpoint->is_unix = true;
		endpoint->kind = WEIR_HOST_LOOPBACK;
		endpoint->host = weir_slice(text.base + 5, text.len - 5);
		return endpoint->host.len > 0 && endpoint->host.len < 108 && /* sun_path */
		       !memchr(text.base, '\0', text.len);
	}
	colon = last_colon(text);
	if (!colon || !read_port(weir_slice(colon + 1, text.len - (size_t)(colon - text.base) - 1),
				 &endpoint->port))
		return false;
	endpoint->host = weir_slice(text.base, (size_t)(colon - text.base));
	if (endpoint->host.len == 0) {
		endpoint->kind = WEIR_HOST_ANY;
		return true;
	}
	if (endpoint->host.base[0] == '[') {
		if (endpoint->host.len < 4 || colon[-1] != ']')
			return false;
		endpoint->host = weir_slice(text.base + 1, endpoint->host.len - 2);
		if (!memchr(endpoint->host.base, ':', endpoint->host.len))
			return false;
	} else if (memchr(endpoint->host.base, ':', endpoint->host.len)) {
		return false;
	}
	address = read_address(endpoint->host);
	if (!address.family && !weir_slice_is_nocase(endpoint->host, "localhost"))
		return false;
	endpoint->kind = weir_host_kind(endpoint->host);
	return true;
}

bool weir_endpoint_serves(const struct weir_endpoint *endpoint, struct weir_slice host,
			  uint16_t port)
{
	enum weir_host kind = weir_host_kind(host);
	struct address there = read_address(host), here;

	if (endpoint->is_unix || endpoint->port == 0 || endpoint->port != port)
		return false;
	/* 0.0.0.0 as a destination is this machine */
	if (endpoint->kind == WEIR_HOST_ANY)
		return kind == WEIR_HOST_LOOPBACK || kind == WEIR_HOST_ANY;
	here = read_address(endpoint->host);
	if (kind == WEIR_HOST_ANY)
		return endpoint->kind == WEIR_HOST_LOOPBACK;
	if (!there.family || !here.family) /* a name: localhost is 127.0.0.1 and ::1 */
		return (kind == WEIR_HOST_LOOPBACK && endpoint->kind == WEIR_HOST_LOOPBACK) ||
		       (there.family == here.family && weir_slice_eq(endpoint->host, host));
	return there.family == here.family && memcmp(there.bytes, here.bytes, 16) == 0;
}

bool weir_url_decode(struct weir_slice text, char *out, size_t size, size_t *len)
{
	*len = 0;
	for (size_t i = 0; i < text.len; i++) {
		bool coded = text.base[i] == '%';
		int high = coded && i + 2 < text.len ? weir_hex_digit(text.base[i + 1]) : -1;
		int low = high >= 0 ? weir_hex_digit(text.base[i + 2]) : -1;
		char c = coded ? (char)(high << 4 | low) : text.base[i];

		if ((coded && low < 0) || *len == size || c == '\0')
			return false;
		out[(*len)++] = c;
		i += coded ? 2 : 0;
	}
	return true;
}
