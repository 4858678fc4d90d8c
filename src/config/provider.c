#include "config/provider.h"

#include <stdio.h>

#include "base/alloc.h"
#include "config/loaded.h"
#include "config/making.h"
#include "config/proxy.h"
#include "config/secret.h"
#include "config/shape.h"

static const char *dialect_name(unsigned index)
{
	return weir_dialect_at(index) ? weir_dialect_at(index)->name : NULL;
}

static const struct weir_form group_form = { .takes = WEIR_TAKES_TEXT | WEIR_TAKES_BARE,
					     .pattern = WEIR_NAME_PATTERN };

/* clang-format off */
static const struct weir_key known[WEIR_FIELDS_N] = {
	[WEIR_FIELD_DIALECT] = { "dialect",
		&(const struct weir_form){ .takes = WEIR_TAKES_WORD, .word_at = dialect_name },
		"The language its API speaks. Needed unless the name is a well-known one." },
	[WEIR_FIELD_BASE_URL] = { "base_url",
		&(const struct weir_form){ .takes = WEIR_TAKES_TEXT, .pattern = "^https?://" },
		"Where its API is. Needed unless the name is a well-known one with one address for "
		"everybody." },
	[WEIR_FIELD_API_VERSION] = { "api_version",
		&(const struct weir_form){ .takes = WEIR_TAKES_TEXT | WEIR_TAKES_BARE,
			.pattern = "^[A-Za-z0-9._~:/-]{1,64}$" },
		"Which version of Azure's API: a date, or preview." },
	[WEIR_FIELD_KEYS] = { "keys",
		&(const struct weir_form){ .takes = WEIR_TAKES_LIST | WEIR_TAKES_ONE,
			.each = &weir_secret_form, .most = WEIR_KEYS_MAX },
		"Its keys, one or a list over which requests are balanced: ${VARIABLE} or "
		"{file: PATH}. Without any: the vendor's own variable." },
	[WEIR_FIELD_HEADERS] = { "headers",
		&(const struct weir_form){ .takes = WEIR_TAKES_NAMES | WEIR_TAKES_NOTHING,
			.pattern = "^" WEIR_TOKEN_PATTERN "$",
			.each = &weir_form_text, .most = WEIR_HEADERS_MAX },
		"Fields that every request to it carries." },
	[WEIR_FIELD_CA_FILE] = { "ca_file", &weir_form_text,
		"A file with the certificates to trust, in PEM form, instead of the system's." },
	[WEIR_FIELD_PROXY] = { "proxy", &weir_proxy_form,
		"The proxy on the way to it: http://HOST:PORT, perhaps with USER:PASSWORD@, or "
		"off. Without it: that of HTTPS_PROXY (HTTP_PROXY where it speaks no TLS), but "
		"for whom NO_PROXY names." },
	[WEIR_FIELD_GROUPS] = { "groups",
		&(const struct weir_form){
			.takes = WEIR_TAKES_LIST | WEIR_TAKES_ONE | WEIR_TAKES_NOTHING,
			.each = &group_form, .most = WEIR_GROUPS_MAX - 1 },
		"What it shares with other providers and may fail with: a region, an account." },
	[WEIR_FIELD_TRACEPARENT] = { "traceparent", &weir_form_switch,
		"Whether requests to it carry the trace's context.", "off" },
	[WEIR_FIELD_HTTP2] = { "http2", &weir_form_switch,
		"Whether HTTP/2 is spoken where TLS agrees on it: many requests on one connection.",
		"on" },
};
/* clang-format on */
static const struct weir_shape shape = { "a provider", known, WEIR_FIELDS_N, WEIR_IN_PROVIDER };
static const struct weir_form form = { .takes = WEIR_TAKES_MAP, .shapes = { &shape } };
const struct weir_form weir_providers_form = {
	.takes = WEIR_TAKES_NAMES | WEIR_TAKES_NOTHING,
	.pattern = WEIR_NAME_PATTERN,
	.each = &form,
	.most = WEIR_PROVIDERS_MAX,
};

static bool needs_key(const struct weir_making *m)
{
	return m->vendor && m->vendor->key_var && !m->vendor->local &&
	       !m->fields[WEIR_FIELD_BASE_URL] && m->provider->keys_n == 0;
}

static struct weir_draft *add_draft(struct weir_reader *reader, struct weir_slice name,
				    struct weir_node *node)
{
	struct weir_draft *draft;

	if (!weir_reader_grow(reader, &reader->drafts, reader->drafts_n, &reader->drafts_cap,
			      sizeof *reader->drafts))
		return NULL;
	draft = &reader->drafts[reader->drafts_n];
	*draft = (struct weir_draft){ .node = node, .vendor = weir_vendor_find(name) };
	draft->name = weir_reader_copy(reader, name);
	if (!draft->name)
		return NULL;
	reader->drafts_n++;
	return draft;
}

/* Everything is read, so that everything wrong is said; then it is kept or not. */
static void make(struct weir_reader *reader, struct weir_draft *draft, struct weir_node *node,
		 struct weir_node *const *fields, const struct weir_settings *settings)
{
	struct weir_making m = { .reader = reader, .node = node, .vendor = draft->vendor };

	memcpy(m.fields, fields, sizeof m.fields);
	m.provider = weir_reader_alloc(reader, sizeof *m.provider);
	if (!m.provider)
		return;
	m.provider->name = weir_reader_copy(reader, weir_slice_of(draft->name));
	m.provider->max_inflight = (unsigned)settings->value[WEIR_SET_MAX_INFLIGHT];
	m.provider->rpm = settings->value[WEIR_SET_RPM];
	m.provider->tpm = settings->value[WEIR_SET_TPM];
	m.provider->warm = (unsigned)settings->value[WEIR_SET_WARM];
	weir_making_dialect(&m);
	weir_making_base_url(&m);
	weir_making_version(&m);
	weir_making_keys(&m);
	weir_making_headers(&m);
	weir_making_ca_file(&m);
	weir_making_proxy(&m);
	weir_making_groups(&m);
	weir_making_traceparent(&m);
	weir_making_http2(&m);
	weir_making_vendor(&m);
	weir_making_transport(&m);
	draft->needs_key = !m.failed && needs_key(&m);
	if (m.failed || reader->out_of_memory) {
		weir_provider_destroy(m.provider);
		return;
	}
	if (weir_config_add_provider(reader->config, m.provider) != 0) {
		reader->out_of_memory = true;
		weir_provider_destroy(m.provider);
		return;
	}
	draft->provider = m.provider;
}

static void read_one(struct weir_reader *reader, struct weir_node *key, struct weir_node *value)
{
	struct weir_node *fields[WEIR_FIELDS_N];
	struct weir_settings settings;
	struct weir_draft *draft;

	if (key->broken || !weir_reader_name(reader, key, "a provider", key->raw))
		return;
	draft = add_draft(reader, key->raw, value);
	weir_settings_init(&settings);
	if (draft && weir_shape_read(reader, value, &shape, fields, &settings))
		make(reader, draft, key, fields, &settings);
}

void weir_providers_read(struct weir_reader *reader, struct weir_node *node)
{
	if (!node || weir_node_is_null(node))
		return;
	if (node->type != WEIR_NODE_MAP) {
		weir_reader_error(reader, node, "wrong-type",
				  "providers are a map of names\nwrite `openai: { keys: [ "
				  "\"${OPENAI_API_KEY}\" ] }` below it");
		return;
	}
	if (node->pairs_n > WEIR_PROVIDERS_MAX) {
		weir_reader_error(reader, node, "too-many",
				  "%u providers, and %d are the most\nremove what no chain uses",
				  node->pairs_n, WEIR_PROVIDERS_MAX);
		return;
	}
	for (unsigned i = 0; i < node->pairs_n; i++)
		read_one(reader, node->pairs[i].key, node->pairs[i].value);
}

static struct weir_draft *find_draft(struct weir_reader *reader, struct weir_slice name)
{
	for (unsigned i = 0; i < reader->drafts_n; i++)
		if (weir_slice_is(name, reader->drafts[i].name))
			return &reader->drafts[i];
	return NULL;
}

static void explain_unknown(struct weir_reader *reader, const struct weir_node *node,
			    struct weir_slice name, struct weir_why *why)
{
	struct weir_suggest near;

	weir_suggest_init(&near, name);
	for (unsigned i = 0; i < reader->drafts_n; i++)
		weir_suggest_offer(&near, weir_slice_of(reader->drafts[i].name));
	for (const struct weir_vendor *v = weir_vendors(); v->name; v++)
		weir_suggest_offer(&near, weir_slice_of(v->name));
	why->rule = "unknown-provider";
	if (node->text_base) /* what a variable holds is not shown */
		snprintf(why->text, sizeof why->text,
			 "the variables in %s give no provider's name\nset them, or add the "
			 "provider",
			 weir_quote(node->raw).text);
	else if (near.best.base)
		snprintf(why->text, sizeof why->text,
			 "no provider named %s\nwrite `%s/…`, or add it under `providers`",
			 weir_quote(name).text, near.best.base);
	else
		snprintf(why->text, sizeof why->text,
			 "no provider named %s\nadd it under `providers` with its dialect and "
			 "base_url",
			 weir_quote(name).text);
}

/* Can there be a provider that the file does not mention? */
static bool check_implicit(struct weir_reader *reader, const struct weir_vendor *vendor,
			   struct weir_why *why)
{
	const char *key = weir_reader_vendor_key(reader, vendor);

	if (!vendor->base_url && !weir_reader_vendor_base(reader, vendor)) {
		why->rule = "unknown-provider";
		snprintf(why->text, sizeof why->text,
			 "%s has no address of its own for everybody\nadd %s under `providers` "
			 "with its keys and its base_url, %s",
			 vendor->name, vendor->name, vendor->form);
	} else if (vendor->key_var && !vendor->local && !key) {
		why->rule = "missing-credential";
		snprintf(
			why->text, sizeof why->text,
			"%s has no key: it is not under `providers`, and %s is not set\nset %s, or "
			"write `%s: { keys: [ { file: PATH } ] }` under `providers`",
			vendor->name, vendor->key_var, vendor->key_var, vendor->name);
	} else if (reader->drafts_n >= WEIR_PROVIDERS_MAX) {
		why->rule = "too-many";
		snprintf(why->text, sizeof why->text,
			 "more than %d providers\nremove what no chain uses", WEIR_PROVIDERS_MAX);
	} else {
		return true;
	}
	return false;
}

struct weir_draft *weir_provider_implicit(struct weir_reader *reader, struct weir_node *node,
					  const struct weir_vendor *vendor)
{
	struct weir_node *no_fields[WEIR_FIELDS_N] = { NULL };
	struct weir_settings settings;
	struct weir_draft *draft = add_draft(reader, weir_slice_of(vendor->name), node);

	weir_settings_init(&settings);
	if (draft)
		make(reader, draft, node, no_fields, &settings);
	return draft;
}

struct weir_draft *weir_provider_draft(struct weir_reader *reader, struct weir_node *node,
				       struct weir_slice name, struct weir_why *why)
{
	struct weir_draft *draft = find_draft(reader, name);
	const struct weir_vendor *vendor = draft ? NULL : weir_vendor_find(name);

	if (vendor && check_implicit(reader, vendor, why))
		draft = weir_provider_implicit(reader, node, vendor);
	else if (!draft && !vendor)
		explain_unknown(reader, node, name, why);
	return draft;
}

void weir_drafts_fini(struct weir_reader *reader)
{
	for (unsigned i = 0; i < reader->drafts_n; i++)
		weir_free(reader->drafts[i].name);
	weir_free(reader->drafts);
	reader->drafts = NULL;
	reader->drafts_n = reader->drafts_cap = 0;
}
