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

/* Basic, of RFC 7617. WEIR_ECONFIG: it is none. */
static int set_authorization(struct weir_proxy *proxy, struct weir_slice userinfo)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char plain[USERINFO_MAX] = { 0 }, *to;
	const char *colon;
	size_t n = 0;

	if (!weir_url_decode(userinfo, plain, sizeof plain, &n)) {
		explicit_bzero(plain, sizeof plain);
		return WEIR_ECONFIG;
	}
	colon = memchr(plain, ':', n);
	proxy->authorization.text = weir_calloc(1, sizeof "Basic " + (n + 2) / 3 * 4);
	if (colon && n > (size_t)(colon + 1 - plain))
		proxy->password.text = weir_strndup(colon + 1, n - (size_t)(colon + 1 - plain));
	if (proxy->password.text)
		proxy->password.len = n - (size_t)(colon + 1 - plain);
	if (!proxy->authorization.text ||
	    (colon && colon + 1 < plain + n && !proxy->password.text)) {
		explicit_bzero(plain, sizeof plain);
		return WEIR_ENOMEM;
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
	return 0;
}

/* Of a message: the text itself is in none, as there may be a password in it. */
static const char wrong[] = "is no proxy that weir can use\nwrite http://HOST:PORT, or "
			    "http://USER:PASSWORD@HOST:PORT with % and two digits for what is not "
			    "a letter or a digit";

/* 0, WEIR_ENOMEM, or WEIR_ECONFIG: it is none. */
static int parse(struct weir_slice text, struct weir_proxy *proxy)
{
	struct weir_slice userinfo = { NULL, 0 };
	struct weir_url url;
	char whole[512];
	const char *at;
	int rc = 0;

	if (weir_slice_starts_nocase(text, "http://"))
		text = weir_slice(text.base + 7, text.len - 7);
	else if (memmem(text.base, text.len, "://", 3))
		return WEIR_ECONFIG;
	at = memrchr(text.base, '@', text.len);
	if (at) {
		userinfo = weir_slice(text.base, (size_t)(at - text.base));
		text = weir_slice(at + 1, text.len - userinfo.len - 1);
	}
	if (snprintf(whole, sizeof whole, "http://%.*s", (int)text.len, text.base) >=
	    (int)sizeof whole)
		return WEIR_ECONFIG;
	if (weir_url_parse(weir_slice_of(whole), &url) || url.path.len)
		return WEIR_ECONFIG;
	if (userinfo.base)
		rc = set_authorization(proxy, userinfo);
	proxy->host = rc ? NULL : weir_strndup(url.host.base, url.host.len);
	proxy->port = url.port;
	if (rc == 0 && !proxy->host)
		rc = WEIR_ENOMEM;
	if (rc)
		weir_proxy_fini(proxy);
	return rc;
}

void weir_proxy_fini(struct weir_proxy *proxy)
{
	weir_free(proxy->host);
	weir_secret_fini(&proxy->authorization);
	weir_secret_fini(&proxy->password);
	*proxy = (struct weir_proxy){ .host = NULL };
}

static const char *either(weir_env *env, void *arg, const char *small, const char *large)
{
	const char *value = env(arg, small);

	return value && *value ? value : env(arg, large);
}

int weir_proxy_of_environment(weir_env *env, void *arg, const struct weir_proxy_goal *goal,
			      struct weir_proxy *proxy)
{
	const char *value = goal->tls ? either(env, arg, "https_proxy", "HTTPS_PROXY")
				      : either(env, arg, "http_proxy", "HTTP_PROXY");
	const char *except = either(env, arg, "no_proxy", "NO_PROXY");

	if (!value || !*value || weir_host_kind(goal->host) == WEIR_HOST_LOOPBACK ||
	    (except && weir_proxy_excepts(weir_slice_of(except), goal->host, goal->port)))
		return 0;
	return parse(weir_slice_of(value), proxy);
}

static const char *look_up(void *arg, const char *name)
{
	return weir_reader_env(arg, name);
}

static bool read_environment(struct weir_reader *reader, const struct weir_node *at,
			     struct weir_provider *provider)
{
	const struct weir_proxy_goal goal = { provider->tls, weir_slice_of(provider->host),
					      provider->port };
	int rc = weir_proxy_of_environment(look_up, reader, &goal, &provider->proxy);

	reader->out_of_memory |= rc == WEIR_ENOMEM;
	if (rc == WEIR_ECONFIG)
		weir_reader_error(reader, at, "bad-proxy", "the variable %s %s",
				  goal.tls ? "HTTPS_PROXY" : "HTTP_PROXY", wrong);
	return rc == 0;
}

bool weir_proxy_read(struct weir_reader *reader, struct weir_node *node, const struct weir_node *at,
		     struct weir_provider *provider)
{
	struct weir_slice text;
	int rc;

	if (!node)
		return read_environment(reader, at, provider);
	if (!weir_reader_text(reader, node, "a proxy's address, or off,", &text))
		return false;
	if (weir_slice_is(text, off_words[0]))
		return true;
	rc = parse(text, &provider->proxy);
	reader->out_of_memory |= rc == WEIR_ENOMEM;
	if (rc == WEIR_ECONFIG)
		weir_reader_error(reader, node, "bad-proxy", "%s", wrong);
	else if (rc == 0 && !node->text_base && provider->proxy.authorization.len)
		weir_reader_warn(reader, node, "literal-key",
				 "a password in the file itself can be read by whoever sees the "
				 "file\nwrite ${VARIABLE}, and replace the password");
	return rc == 0;
}
