#include <stdio.h>

#include "base/attr.h"
#include "config/making.h"
#include "config/section.h"
#include "config/url.h"
#include "dialect/path.h"

#define QUERY "api-version="

enum { VERSION_MAX = 64 };

static void unknown_dialect(struct weir_making *m, struct weir_node *node, struct weir_slice word)
{
	struct weir_suggest near;

	weir_suggest_init(&near, word);
	for (unsigned i = 0; weir_dialect_at(i); i++)
		weir_suggest_offer(&near, weir_slice_of(weir_dialect_at(i)->name));
	m->failed = true;
	if (near.best.base)
		weir_reader_error(m->reader, node, "unknown-dialect",
				  "no dialect named %s\nwrite `dialect: %s`",
				  weir_quote(node->raw).text, near.best.base);
	else
		weir_reader_error(m->reader, node, "unknown-dialect",
				  "no dialect named %s\nwrite one of: %s",
				  weir_quote(node->raw).text, weir_dialect_names());
}

void weir_making_dialect(struct weir_making *m)
{
	struct weir_node *node = m->fields[WEIR_FIELD_DIALECT] ? m->fields[WEIR_FIELD_DIALECT]
							       : m->node;
	struct weir_slice word = { NULL, 0 };

	if (m->fields[WEIR_FIELD_DIALECT] &&
	    !weir_reader_text(m->reader, node, "a dialect", &word)) {
		m->failed = true;
		return;
	}
	if (!word.base && m->vendor)
		word = weir_slice_of(m->vendor->dialect);
	if (!word.base) {
		m->failed = true;
		weir_reader_error(m->reader, node, "missing-key",
				  "has no dialect, and its name is not a well-known one\nwrite "
				  "`dialect: openai` below it");
		return;
	}
	m->provider->dialect = weir_dialect_find(word);
	if (!m->provider->dialect)
		unknown_dialect(m, node, word);
}

static bool set_origin(struct weir_reader *reader, struct weir_provider *provider,
		       const struct weir_url *url)
{
	char text[300];
	const char *open = url->v6 ? "[" : "", *shut = url->v6 ? "]" : "";

	provider->tls = url->tls;
	provider->port = url->port;
	provider->host = weir_reader_copy(reader, url->host);
	if (!provider->host)
		return false;
	for (char *c = provider->host; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	if (url->port == (url->tls ? 443 : 80))
		snprintf(text, sizeof text, "%s%s%s", open, provider->host, shut);
	else
		snprintf(text, sizeof text, "%s%s%s:%u", open, provider->host, shut, url->port);
	provider->host_field = weir_reader_copy(reader, weir_slice_of(text));
	provider->base_path = weir_reader_copy(reader, url->path);
	return provider->host_field && provider->base_path;
}

/* As Azure's own pages show it. */
static void check_deployment(struct weir_making *m, struct weir_node *node)
{
	const struct weir_dialect *dialect = m->provider->dialect;

	if (!dialect || !dialect->dated || !strstr(m->provider->base_path, "/deployments"))
		return;
	m->failed = true;
	weir_reader_error(m->reader, node, "bad-url",
			  "names a deployment\nend the address with its host, and write the "
			  "deployment's name as the model of a target");
}

/* An address may end in what all routes begin with. */
static void trim_root(const struct weir_making *m)
{
	const char *root = m->provider->dialect ? m->provider->dialect->root : NULL;
	char *path = m->provider->base_path;
	size_t n = root ? strlen(root) : 0, len = strlen(path);

	if (n && len >= n && strcmp(path + len - n, root) == 0)
		path[len - n] = '\0';
}

static void check_place(struct weir_making *m, struct weir_node *node)
{
	struct weir_slice host = weir_slice_of(m->provider->host);
	const char *own = weir_listener_at(m->reader->config, host, m->provider->port);

	if (weir_host_kind(host) == WEIR_HOST_LINK_LOCAL) {
		m->failed = true;
		weir_reader_error(m->reader, node, "forbidden-address",
				  "a link-local or cloud metadata address is never asked\nname "
				  "the provider's own address");
	}
	if (!own)
		return;
	m->failed = true;
	weir_reader_error(m->reader, node, "loop",
			  "is weir's own address %s: requests would go round in circles\nname the "
			  "address of the provider, or listen elsewhere",
			  weir_quote(weir_slice_of(own)).text);
}

void weir_making_base_url(struct weir_making *m)
{
	struct weir_node *node = m->fields[WEIR_FIELD_BASE_URL];
	struct weir_slice text = { NULL, 0 };
	struct weir_url url;
	const char *wrong;

	if (node && !weir_reader_text(m->reader, node, "an address", &text)) {
		m->failed = true;
		return;
	}
	if (!node && m->vendor && m->vendor->base_url) {
		text = weir_slice_of(m->vendor->base_url);
		m->provider->public_vendor = !m->vendor->local;
	}
	if (!text.base && m->vendor)
		text = weir_slice_of(weir_reader_vendor_base(m->reader, m->vendor));
	if (!text.base) {
		m->failed = true;
		weir_reader_error(m->reader, m->node, "missing-key",
				  "has no base_url, and %s\nwrite `base_url: %s` below it",
				  m->vendor ? "every customer of this vendor has an own one"
					    : "its name is not a well-known one",
				  m->vendor && m->vendor->form ? m->vendor->form
							       : "https://api.example.com/v1");
		return;
	}
	wrong = weir_url_parse(text, &url);
	if (wrong) {
		m->failed = true;
		weir_reader_error(m->reader, node ? node : m->node, "bad-url", "%s", wrong);
		return;
	}
	if (!set_origin(m->reader, m->provider, &url)) {
		m->failed = true;
		return;
	}
	trim_root(m);
	check_place(m, node ? node : m->node);
	check_deployment(m, node ? node : m->node);
}

static bool is_version(struct weir_slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = weir_lower(text.base[i]);

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && (!c || !strchr("-._~:/", c)))
			return false;
	}
	return text.len > 0 && text.len <= VERSION_MAX;
}

void weir_making_version(struct weir_making *m)
{
	struct weir_node *node = m->fields[WEIR_FIELD_API_VERSION];
	const struct weir_dialect *dialect = m->provider->dialect;
	char text[sizeof QUERY + VERSION_MAX];
	struct weir_slice version;

	if (!node || !dialect || !m->provider->base_path)
		return;
	if (!weir_reader_text(m->reader, node, "a version", &version)) {
		m->failed = true;
	} else if (!dialect->dated) {
		m->failed = true;
		weir_reader_error(
			m->reader, node, "misplaced-key",
			"the API of the dialect %s is asked for no version\nremove the key",
			dialect->name);
	} else if (!is_version(version)) {
		m->failed = true;
		weir_reader_error(m->reader, node, "bad-value",
				  "%s is no version\nwrite a date, as 2024-10-21, or preview",
				  weir_quote(node->raw).text);
	} else {
		snprintf(text, sizeof text, "%s%.*s", QUERY, (int)version.len, version.base);
		m->provider->query = weir_reader_copy(m->reader, weir_slice_of(text));
		if (version.base[0] >= '0' && version.base[0] <= '9' &&
		    !weir_path_ends_in_version(weir_slice_of(m->provider->base_path)))
			m->provider->dialect = dialect->dated;
	}
}

void weir_making_vendor(struct weir_making *m)
{
	struct weir_provider *provider = m->provider;

	if (!provider->host || !provider->dialect)
		return;
	provider->vendor = m->fields[WEIR_FIELD_BASE_URL] ? NULL : m->vendor;
	if (!provider->vendor)
		provider->vendor = weir_vendor_at(weir_slice_of(provider->host),
						  provider->dialect->name);
	if (!provider->vendor && m->vendor && (!m->vendor->base_url || m->vendor->local))
		provider->vendor = m->vendor;
	/* whoever speaks the language of one vendor has that one's models */
	if (!provider->vendor && strcmp(provider->dialect->name, "openai") != 0)
		provider->vendor = weir_vendor_find(weir_slice_of(provider->dialect->name));
}

void weir_making_transport(struct weir_making *m)
{
	const struct weir_provider *provider = m->provider;

	if (m->failed || provider->tls || provider->keys_n == 0 ||
	    weir_host_kind(weir_slice_of(provider->host)) != WEIR_HOST_PUBLIC)
		return;
	weir_reader_warn(m->reader,
			 m->fields[WEIR_FIELD_BASE_URL] ? m->fields[WEIR_FIELD_BASE_URL] : m->node,
			 "plain-http",
			 "its key crosses the network unencrypted\nwrite https:// if the "
			 "provider has it");
}
