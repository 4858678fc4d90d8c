#include "config/proxy.h"

#include <stdio.h>

#include "base/alloc.h"
#include "config/form.h"
#include "config/loaded.h"
#include "config/network.h"
#include "config/url.h"

enum { USERINFO_MAX = 1024 };

static const char *const off_words[] = { "off", NULL };

const struct weir_form weir_proxy_form = { .takes = WEIR_TAKES_WORD | WEIR_TAKES_TEXT,
					   .words = off_words,
					   .pattern = "^http://." };

/* ---- whom it is not for ---- */

static bool in_network(struct weir_slice text, struct weir_slice host)
{
	struct weir_network network;
	unsigned char bytes[16];
	unsigned size = weir_address_read(host, bytes);

	return size && weir_network_read(text, &network) && weir_network_has(&network, bytes, size);
}

/* "example.com" and ".example.com" are both of the name and of all below it, as curl has it. */
static bool is_below(struct weir_slice suffix, struct weir_slice host)
{
	if (weir_slice_starts(suffix, "*."))
		suffix = weir_slice(suffix.base + 1, suffix.len - 1);
	if (suffix.len && suffix.base[0] == '.')
		suffix = weir_slice(suffix.base + 1, suffix.len - 1);
	if (suffix.len == 0 || suffix.len > host.len ||
	    !weir_equal_nocase(host.base + host.len - suffix.len, suffix.base, suffix.len))
		return false;
	return suffix.len == host.len || host.base[host.len - suffix.len - 1] == '.';
}

static bool excepts(struct weir_slice entry, struct weir_slice host, uint16_t port)
{
	const char *colon = memrchr(entry.base, ':', entry.len);
	bool one = colon == memchr(entry.base, ':', entry.len) ||
		   (entry.base[0] == '[' && colon > entry.base && colon[-1] == ']');
	uint64_t only;

	if (weir_slice_is(entry, "*"))
		return true;
	if (colon && one &&
	    weir_slice_to_u64(weir_slice(colon + 1, entry.len - (size_t)(colon + 1 - entry.base)),
			      &only)) {
		if (only != port)
			return false;
		entry.len = (size_t)(colon - entry.base);
	}
	return in_network(entry, host) || is_below(entry, host);
}

bool weir_proxy_excepts(struct weir_slice list, struct weir_slice host, uint16_t port)
{
	for (size_t i = 0; i < list.len;) {
		size_t from = i;

		while (i < list.len && !strchr(", \t", list.base[i]))
			i++;
		if (i > from && excepts(weir_slice(list.base + from, i - from), host, port))
			return true;
		i++;
	}
	return false;
}

/* ---- which one ---- */

/* Basic, of RFC 7617. */
static bool set_authorization(struct weir_reader *reader, struct weir_proxy *proxy,
			      struct weir_slice userinfo)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char plain[USERINFO_MAX] = { 0 }, *to;
	const char *colon;
	size_t n = 0;

	if (!weir_url_decode(userinfo, plain, sizeof plain, &n)) {
		explicit_bzero(plain, sizeof plain);
		return false;
	}
	colon = memchr(plain, ':', n);
	proxy->authorization.text = weir_reader_alloc(reader, sizeof "Basic " + (n + 2) / 3 * 4);
	if (!proxy->authorization.text)
		return true; /* told as such */
	if (colon && n > (size_t)(colon + 1 - plain)) {
		proxy->password.len = n - (size_t)(colon + 1 - plain);
		proxy->password.text = weir_reader_copy(reader,
							weir_slice(colon + 1, proxy->password.len));
	}
	memcpy(proxy->authorization.text, "Basic ", 6);
	to = proxy->authorization.text + 6;
	for (size_t i = 0; i < n; i += 3) {
		unsigned char b[3] = { 0 };
		size_t left = n - i < 3 ? n - i : 3;

		memcpy(b, plain + i, left);
		*to++ = digits[b[0] >> 2];
		*to++ = digits[(b[0] & 3) << 4 | b[1] >> 4];
		*to++ = left > 1 ? digits[(b[1] & 15) << 2 | b[2] >> 6] : '=';
		*to++ = left > 2 ? digits[b[2] & 63] : '=';
	}
	proxy->authorization.len = (size_t)(to - proxy->authorization.text);
	explicit_bzero(plain, sizeof plain);
	return true;
}

/* text itself is in no message: there may be a password in it. */
static const char *parse(struct weir_reader *reader, struct weir_slice text,
			 struct weir_proxy *proxy)
{
	static const char wrong[] = "is no proxy that weir can use\nwrite http://HOST:PORT, or "
				    "http://USER:PASSWORD@HOST:PORT with % and two digits for "
				    "what is not a letter or a digit";
	struct weir_slice userinfo = { NULL, 0 };
	struct weir_url url;
	char whole[512];
	const char *at, *why;

	if (weir_slice_starts_nocase(text, "http://"))
		text = weir_slice(text.base + 7, text.len - 7);
	else if (memmem(text.base, text.len, "://", 3))
		return wrong;
	at = memrchr(text.base, '@', text.len);
	if (at) {
		userinfo = weir_slice(text.base, (size_t)(at - text.base));
		text = weir_slice(at + 1, text.len - userinfo.len - 1);
	}
	if (snprintf(whole, sizeof whole, "http://%.*s", (int)text.len, text.base) >=
	    (int)sizeof whole)
		return wrong;
	why = weir_url_parse(weir_slice_of(whole), &url);
	if (why || url.path.len)
		return wrong;
	if (userinfo.base && !set_authorization(reader, proxy, userinfo))
		return wrong;
	proxy->host = weir_reader_copy(reader, url.host);
	proxy->port = url.port;
	return NULL;
}

static const char *either(const struct weir_reader *reader, const char *small, const char *large)
{
	const char *value = weir_reader_env(reader, small);

	return value && *value ? value : weir_reader_env(reader, large);
}

static bool read_environment(struct weir_reader *reader, const struct weir_node *at,
			     struct weir_provider *provider)
{
	const char *value = either(reader, "https_proxy", "HTTPS_PROXY");
	const char *except = either(reader, "no_proxy", "NO_PROXY");
	struct weir_slice host = weir_slice_of(provider->host);
	const char *why;

	if (!value || !*value || !provider->tls || weir_host_kind(host) == WEIR_HOST_LOOPBACK ||
	    (except && weir_proxy_excepts(weir_slice_of(except), host, provider->port)))
		return true;
	why = parse(reader, weir_slice_of(value), &provider->proxy);
	if (why)
		weir_reader_error(reader, at, "bad-proxy", "the variable HTTPS_PROXY %s", why);
	return !why;
}

bool weir_proxy_read(struct weir_reader *reader, struct weir_node *node, const struct weir_node *at,
		     struct weir_provider *provider)
{
	struct weir_slice text;
	const char *why;

	if (!node)
		return read_environment(reader, at, provider);
	if (!weir_reader_text(reader, node, "a proxy's address, or off,", &text))
		return false;
	if (weir_slice_is(text, off_words[0]))
		return true;
	why = parse(reader, text, &provider->proxy);
	if (why)
		weir_reader_error(reader, node, "bad-proxy", "%s", why);
	else if (!node->text_base && provider->proxy.authorization.len)
		weir_reader_warn(reader, node, "literal-key",
				 "a password in the file itself can be read by whoever sees the "
				 "file\nwrite ${VARIABLE}, and replace the password");
	return !why;
}
