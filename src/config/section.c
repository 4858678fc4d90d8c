#include "config/section.h"

#include "base/alloc.h"
#include "config/access.h"
#include "config/chain.h"
#include "config/identity.h"
#include "config/loaded.h"
#include "config/logging.h"
#include "config/models.h"
#include "config/network.h"
#include "config/provider.h"
#include "config/secret.h"
#include "config/state.h"
#include "config/url.h"

enum { HOUR_MS = 3600 * 1000, MOST = 1000000 };

static const char *const auto_words[] = { "auto", NULL };
static const char *const off_words[] = { "off", NULL };
static const char *const half_close_words[] = { "hangup", "serve", NULL };
static const char *const compat_words[] = { "portkey", "litellm", NULL };

#define ADDRESS "^unix:.|^[^ ]*:[0-9]{1,5}$"

static const struct weir_form address_form = { .takes = WEIR_TAKES_TEXT, .pattern = ADDRESS };
static const struct weir_form compat_form = { .takes = WEIR_TAKES_WORD, .words = compat_words };

const struct weir_shape weir_defaults_shape = { "`defaults`", NULL, 0, WEIR_IN_DEFAULTS };
static const struct weir_form defaults_form = { .takes = WEIR_TAKES_MAP,
						.shapes = { &weir_defaults_shape } };

/* clang-format off */
static const struct weir_key sections_known[WEIR_SECTIONS_N] = {
	[WEIR_SECTION_CHAINS] = { "chains", &weir_chains_form,
		"What callers may ask for: a map from the model's name in their requests to the "
		"chain of targets that answers.", .needed = true },
	[WEIR_SECTION_PROVIDERS] = { "providers", &weir_providers_form,
		"Whose APIs are asked, by name. A well-known name needs only its keys, and nothing "
		"at all where the vendor's variable holds one." },
	[WEIR_SECTION_MODELS] = { "models", &weir_models_form,
		"What holds for models beyond the built-in table: windows, prices, abilities. A "
		"name is a model, PROVIDER/MODEL, or either with * for anything." },
	[WEIR_SECTION_DEFAULTS] = { "defaults", &defaults_form,
		"Settings for every chain that does not say otherwise." },
	[WEIR_SECTION_LISTEN] = { "listen",
		&(const struct weir_form){ .takes = WEIR_TAKES_LIST | WEIR_TAKES_ONE,
			.each = &address_form, .least = 1, .most = WEIR_LISTEN_MAX },
		"Where callers come: an address with its port, or unix:PATH; one or a list.",
		"127.0.0.1:4000" },
	[WEIR_SECTION_ADMIN] = { "admin",
		&(const struct weir_form){ .takes = WEIR_TAKES_WORD | WEIR_TAKES_TEXT,
			.words = off_words, .pattern = ADDRESS },
		"Where the status page, the metrics and the admin API are. Never for callers.",
		"127.0.0.1:4001" },
	[WEIR_SECTION_ADMIN_KEY] = { "admin_key", &weir_secret_form,
		"What the admin API wants as Authorization: Bearer. Needed where other machines "
		"reach it." },
	[WEIR_SECTION_ACCESS] = { "access", &weir_access_form,
		"Who may call. Without it only this machine may; `open` lets in whoever reaches "
		"weir." },
	[WEIR_SECTION_WORKERS] = { "workers",
		&(const struct weir_form){ .takes = WEIR_TAKES_WORD | WEIR_TAKES_NUMBER,
			.words = auto_words, .number = WEIR_NUMBER_COUNT, .min = 1,
			.max = WEIR_WORKERS_MAX },
		"How many processes share the work, each on a core of its own: a number, or `auto` "
		"for one per CPU that may be used.", "1" },
	[WEIR_SECTION_STATE] = { "state", &weir_state_form,
		"A Redis or Valkey where several weirs keep in common who is benched, down or "
		"exhausted, and what callers have used: redis://[USER:PASSWORD@]HOST[:PORT]"
		"[/DATABASE], or rediss:// with TLS." },
	[WEIR_SECTION_TLS] = { "tls", &weir_identity_form,
		"What callers are shown: with it they speak TLS at every address but unix sockets "
		"and the admin listener." },
	[WEIR_SECTION_TRUSTED] = { "trusted_proxies",
		&(const struct weir_form){ .takes = WEIR_TAKES_LIST | WEIR_TAKES_ONE,
			.each = &weir_form_text, .least = 1, .most = WEIR_TRUSTED_MAX },
		"The addresses, or networks as 10.0.0.0/8, of proxies before weir. Their "
		"x-forwarded-for or forwarded is believed, and the log has each `peer`." },
	[WEIR_SECTION_MAX_BODY] = { "max_body",
		&(const struct weir_form){ .takes = WEIR_TAKES_NUMBER, .number = WEIR_NUMBER_SIZE,
			.min = 1024, .max = 1 << 30 },
		"The largest body of a request.", "32MiB" },
	[WEIR_SECTION_MAX_BODIES] = { "max_bodies",
		&(const struct weir_form){ .takes = WEIR_TAKES_NUMBER, .number = WEIR_NUMBER_SIZE,
			.min = 1024, .max = UINT64_C(1) << 40 },
		"What the bodies of all requests under way may hold together, in each process; "
		"beyond it new ones are answered 503. One of `max_body` is always let in.",
		"512MiB" },
	[WEIR_SECTION_PER_ADDRESS] = { "max_connections_per_address",
		&(const struct weir_form){ .takes = WEIR_TAKES_WORD | WEIR_TAKES_NUMBER,
			.words = off_words, .number = WEIR_NUMBER_COUNT, .min = 1, .max = MOST },
		"How many connections one address may have open, in each process, or `off`; of "
		"IPv6 one network of 64 bits. More are reset. `trusted_proxies` may have any "
		"number.", "off" },
	[WEIR_SECTION_HALF_CLOSE] = { "half_close",
		&(const struct weir_form){ .takes = WEIR_TAKES_WORD, .words = half_close_words },
		"What a caller means who stops sending while an answer is owed: that it left, or "
		"that it only listens.", "hangup" },
	[WEIR_SECTION_COMPAT] = { "compat",
		&(const struct weir_form){ .each = &compat_form,
			.takes = WEIR_TAKES_LIST | WEIR_TAKES_ONE | WEIR_TAKES_NOTHING },
		"Whose headers and fields of requests are understood, too." },
	[WEIR_SECTION_READY] = { "ready_needs_chains", &weir_form_bool,
		"/readyz is 503 also while a chain has no usable target.", "false" },
	[WEIR_SECTION_DRAIN_DELAY] = { "drain_delay",
		&(const struct weir_form){ .takes = WEIR_TAKES_NUMBER,
			.number = WEIR_NUMBER_DURATION, .max = HOUR_MS },
		"How long a weir that is to end goes on accepting, for load balancers that have "
		"not heard yet.", "0s" },
	[WEIR_SECTION_DRAIN_TIMEOUT] = { "drain_timeout",
		&(const struct weir_form){ .takes = WEIR_TAKES_NUMBER,
			.number = WEIR_NUMBER_DURATION, .max = 24 * HOUR_MS },
		"How long a weir that is to end lets requests go on.", "600s" },
	[WEIR_SECTION_LOG] = { "log", &weir_logging_form, "Where and how is logged." },
};
/* clang-format on */
const struct weir_shape weir_config_shape = { "the configuration", sections_known, WEIR_SECTIONS_N,
					      0 };

static void bad_address(struct weir_reader *reader, const struct weir_node *node,
			const char *without)
{
	uint64_t port;

	if (weir_slice_to_u64(node->raw, &port) && port <= UINT16_MAX)
		weir_reader_error(reader, node, "bad-address",
				  "a port without an address\nwrite 127.0.0.1:%u, or :%u for all "
				  "addresses of this machine",
				  (unsigned)port, (unsigned)port);
	else
		weir_reader_error(reader, node, "bad-address",
				  "%s is not an address to listen on\nwrite it as 127.0.0.1:4000, "
				  "[::1]:4000, localhost:4000, :4000 or unix:/run/weir.sock%s",
				  weir_quote(node->raw).text, without);
}

bool weir_listen_add(struct weir_reader *reader, const struct weir_node *node,
		     struct weir_slice text)
{
	struct weir_config *config = reader->config;
	struct weir_endpoint endpoint;

	if (!weir_endpoint_parse(text, &endpoint)) {
		bad_address(reader, node, "");
		return false;
	}
	if (config->listen_n == WEIR_LISTEN_MAX) {
		weir_reader_error(reader, node, "too-many",
				  "more than %d addresses to listen on\nuse fewer",
				  WEIR_LISTEN_MAX);
		return false;
	}
	for (unsigned i = 0; i < config->listen_n; i++) {
		if (!weir_slice_is(text, config->listen[i]) ||
		    (!endpoint.is_unix && endpoint.port == 0))
			continue;
		weir_reader_error(reader, node, "duplicate-listen",
				  "this address is in the list already\nremove one of them");
		return false;
	}
	config->listen[config->listen_n] = weir_reader_copy(reader, text);
	if (!config->listen[config->listen_n])
		return false;
	config->listen_n++;
	return true;
}

bool weir_admin_set(struct weir_reader *reader, const struct weir_node *node,
		    struct weir_slice text)
{
	struct weir_config *config = reader->config;
	struct weir_endpoint endpoint;

	if (weir_slice_is(text, "off"))
		return true;
	if (!weir_endpoint_parse(text, &endpoint)) {
		bad_address(reader, node, ", or off");
		return false;
	}
	config->admin = weir_reader_copy(reader, text);
	return config->admin != NULL;
}

static void read_listen(struct weir_reader *reader, struct weir_node *node)
{
	struct weir_slice text;
	unsigned n = node ? weir_reader_items(node) : 0;

	if (!node) {
		static const struct weir_node nowhere = { 0 };

		(void)weir_listen_add(reader, &nowhere, WEIR_SLICE("127.0.0.1:4000"));
		return;
	}
	if (n == 0) {
		weir_reader_error(reader, node, "empty-value",
				  "an empty list of addresses\nwrite `listen: 127.0.0.1:4000`");
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		struct weir_node *item = weir_reader_item(node, i);

		if (weir_reader_text(reader, item, "an address", &text))
			(void)weir_listen_add(reader, item, text);
	}
}

static void read_admin(struct weir_reader *reader, struct weir_node *node)
{
	static const struct weir_node nowhere = { 0 };
	struct weir_slice text;

	if (!node)
		(void)weir_admin_set(reader, &nowhere, WEIR_SLICE("127.0.0.1:4001"));
	else if (weir_reader_text(reader, node, "an address, or off,", &text))
		(void)weir_admin_set(reader, node, text);
}

const char *weir_listener_at(const struct weir_config *config, struct weir_slice host,
			     uint16_t port)
{
	struct weir_endpoint own;

	for (unsigned i = 0; i <= config->listen_n; i++) {
		const char *text = i < config->listen_n ? config->listen[i] : config->admin;

		if (text && weir_endpoint_parse(weir_slice_of(text), &own) &&
		    weir_endpoint_serves(&own, host, port))
			return text;
	}
	return NULL;
}

static bool is_exposed(const char *text, struct weir_endpoint *endpoint)
{
	return weir_endpoint_parse(weir_slice_of(text), endpoint) &&
	       endpoint->kind != WEIR_HOST_LOOPBACK;
}

static bool overlap(const char *listen, const char *admin)
{
	struct weir_endpoint a, b;

	if (!weir_endpoint_parse(weir_slice_of(listen), &a) ||
	    !weir_endpoint_parse(weir_slice_of(admin), &b) || a.is_unix != b.is_unix)
		return false;
	if (a.is_unix)
		return weir_slice_eq(a.host, b.host);
	return a.port && a.port == b.port &&
	       (a.kind == WEIR_HOST_ANY || b.kind == WEIR_HOST_ANY ||
		weir_endpoint_serves(&a, b.host, b.port));
}

static void check_access(struct weir_reader *reader, const struct weir_node *node)
{
	const struct weir_config *config = reader->config;
	struct weir_endpoint endpoint;

	if (config->access_open || config->access_keys_n || config->client_ca)
		return;
	for (unsigned i = 0; i < config->listen_n; i++) {
		if (!is_exposed(config->listen[i], &endpoint))
			continue;
		weir_reader_error(reader, node, "open-access",
				  "%s can be reached from other machines, and whoever reaches it "
				  "uses your keys\nadd `access: { keys: [ { name: app, key: "
				  "\"${WEIR_APP_KEY}\" } ] }`, listen on 127.0.0.1, or write "
				  "`access: open`",
				  weir_quote(weir_slice_of(config->listen[i])).text);
		return;
	}
}

void weir_listeners_check(struct weir_reader *reader, const struct weir_node *listen,
			  const struct weir_node *admin)
{
	const struct weir_config *config = reader->config;
	struct weir_endpoint endpoint;

	check_access(reader, listen);
	if (!config->admin)
		return;
	for (unsigned i = 0; i < config->listen_n; i++)
		if (overlap(config->listen[i], config->admin))
			weir_reader_error(reader, admin, "duplicate-listen",
					  "the admin listener and callers cannot share %s\nwrite "
					  "another address for one of them, or `admin: off`",
					  weir_quote(weir_slice_of(config->admin)).text);
	if (is_exposed(config->admin, &endpoint) && !config->admin_key.len)
		weir_reader_error(reader, admin, "admin-exposed",
				  "whoever reaches it from another machine could drain or reload "
				  "this one\nadd `admin_key: \"${WEIR_ADMIN_KEY}\"`, or write "
				  "127.0.0.1:4001, unix:PATH or off");
}

static const struct weir_form *form_of(enum weir_section section)
{
	return sections_known[section].form;
}

static void read_workers(struct weir_reader *reader, struct weir_node *node)
{
	struct weir_slice text;
	uint64_t n;

	if (!weir_reader_text(reader, node, "a number of processes", &text))
		return;
	if (weir_slice_is(text, auto_words[0]))
		reader->config->workers = WEIR_WORKERS_AUTO;
	else if (weir_form_number(reader, form_of(WEIR_SECTION_WORKERS), node, &n))
		reader->config->workers = (unsigned)n;
}

static void read_trusted(struct weir_reader *reader, struct weir_node *node)
{
	struct weir_config *config = reader->config;
	unsigned n = weir_reader_items(node);
	struct weir_slice text;

	if (n == 0 || n > WEIR_TRUSTED_MAX)
		weir_reader_error(
			reader, node, "wrong-type",
			"trusted proxies are a list of at most %d\nwrite `[ 10.0.0.0/8 ]`",
			WEIR_TRUSTED_MAX);
	for (unsigned i = 0; i < n && n <= WEIR_TRUSTED_MAX; i++) {
		struct weir_node *item = weir_reader_item(node, i);

		if (!weir_reader_text(reader, item, "an address", &text))
			continue;
		if (weir_network_read(text, &config->trusted_proxies[config->trusted_proxies_n]))
			config->trusted_proxies_n++;
		else
			weir_reader_error(reader, item, "bad-address",
					  "%s is no address and no network\nwrite it as 10.0.0.1, "
					  "10.0.0.0/8 or fd00::/8",
					  weir_quote(item->raw).text);
	}
}

static void read_per_address(struct weir_reader *reader, struct weir_node *node)
{
	if (node->type == WEIR_NODE_SCALAR && weir_slice_is(node->text, off_words[0]))
		reader->config->connections_per_address = 0;
	else
		(void)weir_form_number(reader, form_of(WEIR_SECTION_PER_ADDRESS), node,
				       &reader->config->connections_per_address);
}

static void read_half_close(struct weir_reader *reader, struct weir_node *node)
{
	reader->config->half_close_serve = weir_reader_word(reader, node, half_close_words) == 1;
}

static void read_compat(struct weir_reader *reader, struct weir_node *node)
{
	struct weir_config *config = reader->config;

	for (unsigned i = 0; i < weir_reader_items(node); i++) {
		int word = weir_reader_word(reader, weir_reader_item(node, i), compat_words);

		config->compat_portkey |= word == 0;
		config->compat_litellm |= word == 1;
	}
}

void weir_sections_read(struct weir_reader *reader, struct weir_node *const *sections)
{
	struct weir_config *config = reader->config;
	struct weir_node *node;

	read_listen(reader, sections[WEIR_SECTION_LISTEN]);
	read_admin(reader, sections[WEIR_SECTION_ADMIN]);
	if ((node = sections[WEIR_SECTION_ADMIN_KEY]))
		(void)weir_secret_read(reader, node, WEIR_SECRET_OURS, &config->admin_key);
	if ((node = sections[WEIR_SECTION_WORKERS]))
		read_workers(reader, node);
	if ((node = sections[WEIR_SECTION_STATE]))
		weir_state_read(reader, node);
	if ((node = sections[WEIR_SECTION_TLS]) && !weir_node_is_null(node))
		weir_identity_read(reader, node);
	if ((node = sections[WEIR_SECTION_TRUSTED]))
		read_trusted(reader, node);
	if ((node = sections[WEIR_SECTION_MAX_BODY]))
		(void)weir_form_number(reader, form_of(WEIR_SECTION_MAX_BODY), node,
				       &config->body_max);
	if ((node = sections[WEIR_SECTION_MAX_BODIES]))
		(void)weir_form_number(reader, form_of(WEIR_SECTION_MAX_BODIES), node,
				       &config->bodies_max);
	if ((node = sections[WEIR_SECTION_PER_ADDRESS]))
		read_per_address(reader, node);
	if ((node = sections[WEIR_SECTION_HALF_CLOSE]))
		read_half_close(reader, node);
	if ((node = sections[WEIR_SECTION_COMPAT]) && !weir_node_is_null(node))
		read_compat(reader, node);
	if ((node = sections[WEIR_SECTION_READY]))
		(void)weir_reader_bool(reader, node, &config->ready_needs_chains);
	if ((node = sections[WEIR_SECTION_DRAIN_DELAY]))
		(void)weir_form_number(reader, form_of(WEIR_SECTION_DRAIN_DELAY), node,
				       &config->drain_delay_ms);
	if ((node = sections[WEIR_SECTION_DRAIN_TIMEOUT]))
		(void)weir_form_number(reader, form_of(WEIR_SECTION_DRAIN_TIMEOUT), node,
				       &config->drain_timeout_ms);
	if ((node = sections[WEIR_SECTION_LOG]) && !weir_node_is_null(node))
		weir_logging_read(reader, node);
}
