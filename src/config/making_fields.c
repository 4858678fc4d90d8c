#include "base/attr.h"
#include "config/loaded.h"
#include "config/making.h"
#include "config/proxy.h"
#include "config/secret.h"

static void read_key(struct weir_making *m, struct weir_node *node)
{
	struct weir_provider *provider = m->provider;
	struct weir_secret *key = &provider->keys[provider->keys_n];

	if (!weir_secret_read(m->reader, node, WEIR_SECRET_THEIRS, key)) {
		m->failed = true;
		return;
	}
	for (unsigned i = 0; i < provider->keys_n; i++) {
		if (!weir_secret_eq(&provider->keys[i], key))
			continue;
		weir_reader_warn(m->reader, node, "same-key",
				 "is the same key as number %u of this provider\nremove it, or "
				 "name another one",
				 i + 1);
		weir_secret_fini(key);
		return;
	}
	provider->keys_n++;
}

static bool is_vendors_address(const struct weir_making *m)
{
	return !m->fields[WEIR_FIELD_BASE_URL] ||
	       (m->vendor->hosts && m->provider->host && m->provider->tls &&
		weir_vendor_at(weir_slice_of(m->provider->host), m->vendor->dialect) == m->vendor);
}

/* The key of the vendor's variable goes to the vendor's own address only. */
static void take_key_of_environment(struct weir_making *m)
{
	const char *value;

	if (!m->vendor || m->fields[WEIR_FIELD_KEYS] || !is_vendors_address(m))
		return;
	value = weir_reader_vendor_key(m->reader, m->vendor);
	if (!value)
		return;
	if (weir_secret_set(m->reader, m->node, weir_slice_of(value), &m->provider->keys[0]))
		m->provider->keys_n = 1;
	else
		m->failed = true;
}

void weir_making_keys(struct weir_making *m)
{
	struct weir_node *node = m->fields[WEIR_FIELD_KEYS];
	unsigned n = node ? weir_reader_items(node) : 0;

	if (n > WEIR_KEYS_MAX) {
		m->failed = true;
		weir_reader_error(m->reader, node, "too-many",
				  "%u keys, and %d are the most\nsplit them over two providers", n,
				  WEIR_KEYS_MAX);
		return;
	}
	for (unsigned i = 0; i < n; i++)
		read_key(m, weir_reader_item(node, i));
	take_key_of_environment(m);
}

static bool is_forbidden_header(struct weir_slice name)
{
	static const char *const owned[] = {
		"authorization",
		"host",
		"content-length",
		"transfer-encoding",
		"connection",
		"keep-alive",
		"te",
		"trailer",
		"upgrade",
		"expect",
		"content-type",
		"content-encoding",
		"accept",
		"accept-encoding",
		"x-api-key",
		"api-key",
		"x-goog-api-key",
		"proxy-authorization",
		"via",
		"proxy-connection",
		"http2-settings",
		"forwarded",
		"range",
		"max-forwards",
	};

	for (size_t i = 0; i < WEIR_COUNT_OF(owned); i++)
		if (weir_slice_is_nocase(name, owned[i]))
			return true;
	return name.len >= 7 && weir_equal_nocase(name.base, "x-weir-", 7);
}

static bool is_field_value(struct weir_slice value)
{
	for (size_t i = 0; i < value.len; i++)
		if ((value.base[i] < 0x20 && value.base[i] != '\t') || value.base[i] == 0x7f)
			return false;
	return value.len <= WEIR_SECRET_MAX;
}

static bool check_header(struct weir_making *m, const struct weir_node *key,
			 struct weir_node *value, struct weir_slice *text)
{
	const struct weir_provider *provider = m->provider;

	if (!weir_is_token(key->raw)) {
		weir_reader_error(m->reader, key, "bad-header",
				  "%s is no name of a header field\nuse letters, digits and "
				  "dashes",
				  weir_quote(key->raw).text);
		return false;
	}
	if (is_forbidden_header(key->raw)) {
		weir_reader_error(m->reader, key, "forbidden-header",
				  "weir sets this field itself\nremove it%s",
				  weir_slice_has_nocase(key->raw, "auth") ||
						  weir_slice_has_nocase(key->raw, "key")
					  ? ": credentials stand under `keys`"
					  : "");
		return false;
	}
	for (unsigned i = 0; i < provider->headers_n; i++) {
		if (!weir_slice_is_nocase(key->raw, provider->headers[i].name))
			continue;
		weir_reader_error(m->reader, key, "duplicate-key",
				  "this field is here already: case does not count\nremove one "
				  "of them");
		return false;
	}
	if (!weir_reader_text(m->reader, value, "a header value", text))
		return false;
	*text = weir_slice_trim(*text);
	if (is_field_value(*text))
		return true;
	weir_reader_error(m->reader, value, "bad-header",
			  "the value holds a line end or another control character, or is longer "
			  "than %d bytes\nwrite it in one short line",
			  WEIR_SECRET_MAX);
	return false;
}

void weir_making_headers(struct weir_making *m)
{
	struct weir_node *node = m->fields[WEIR_FIELD_HEADERS];
	struct weir_provider *provider = m->provider;
	struct weir_slice value;

	if (!node || weir_node_is_null(node))
		return;
	if (node->type != WEIR_NODE_MAP || node->pairs_n > WEIR_HEADERS_MAX) {
		m->failed = true;
		weir_reader_error(m->reader, node, "wrong-type",
				  "headers are a map of at most %d names\nwrite `name: value` "
				  "below it",
				  WEIR_HEADERS_MAX);
		return;
	}
	provider->headers = weir_reader_alloc(m->reader, node->pairs_n * sizeof *provider->headers);
	for (unsigned i = 0; provider->headers && i < node->pairs_n; i++) {
		struct weir_header *header = &provider->headers[provider->headers_n];

		if (node->pairs[i].key->broken)
			continue;
		if (!check_header(m, node->pairs[i].key, node->pairs[i].value, &value)) {
			m->failed = true;
			continue;
		}
		provider->headers_n++;
		header->name = weir_reader_copy(m->reader, node->pairs[i].key->raw);
		header->value = weir_reader_copy(m->reader, value);
		header->secret = memmem(node->pairs[i].value->raw.base,
					node->pairs[i].value->raw.len, "${", 2) != NULL;
		if (!header->name || !header->value)
			return;
	}
}

void weir_making_ca_file(struct weir_making *m)
{
	struct weir_node *node = m->fields[WEIR_FIELD_CA_FILE];

	if (node &&
	    !weir_reader_file(m->reader, node, "the certificates to trust", &m->provider->ca_file))
		m->failed = true;
}

void weir_making_proxy(struct weir_making *m)
{
	if (m->provider->host &&
	    !weir_proxy_read(m->reader, m->fields[WEIR_FIELD_PROXY], m->node, m->provider))
		m->failed = true;
}

static void add_group(struct weir_making *m, const struct weir_node *node, struct weir_slice name)
{
	struct weir_provider *provider = m->provider;
	unsigned index, i = 0;
	int rc = weir_config_add_group(m->reader->config, name, &index);

	if (rc) {
		m->failed = true;
		if (rc == WEIR_ENOMEM)
			m->reader->out_of_memory = true;
		else
			weir_reader_error(m->reader, node, "too-many",
					  "more than %d groups and providers\nput more providers "
					  "into each",
					  WEIR_GROUP_NAMES_MAX);
		return;
	}
	while (i < provider->groups_n && provider->groups[i] != index)
		i++;
	if (i == provider->groups_n)
		provider->groups[provider->groups_n++] = index;
}

void weir_making_groups(struct weir_making *m)
{
	struct weir_node *node = m->fields[WEIR_FIELD_GROUPS];
	unsigned n = node && !weir_node_is_null(node) ? weir_reader_items(node) : 0;
	struct weir_slice name;

	if (m->provider->name)
		add_group(m, m->node, weir_slice_of(m->provider->name));
	if (n > WEIR_GROUPS_MAX - 1) {
		m->failed = true;
		weir_reader_error(m->reader, node, "too-many",
				  "%u groups, and %d are the most\nname those that fail as one: a "
				  "region, an account",
				  n, WEIR_GROUPS_MAX - 1);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		struct weir_node *item = weir_reader_item(node, i);

		if (weir_reader_text(m->reader, item, "the name of a group", &name) &&
		    weir_reader_name(m->reader, item, "a group", name))
			add_group(m, item, name);
		else
			m->failed = true;
	}
}

void weir_making_http2(struct weir_making *m)
{
	static const char *const words[] = { "off", "on", NULL };
	struct weir_node *node = m->fields[WEIR_FIELD_HTTP2];
	int word = node ? weir_reader_word(m->reader, node, words) : 1;

	m->failed |= word < 0;
	m->provider->http2 = word == 1;
}

void weir_making_traceparent(struct weir_making *m)
{
	struct weir_node *node = m->fields[WEIR_FIELD_TRACEPARENT];
	int word = node ? weir_form_word(m->reader, &weir_form_switch, node) : 0;

	m->failed |= word < 0;
	m->provider->traceparent = word == 1;
	m->reader->config->any_traceparent |= word == 1;
}
