#include "config/shape.h"

/* What people write who know another proxy. */
static const char *const other_words[][2] = {
	{ "api_key", "keys" },
	{ "apikey", "keys" },
	{ "key", "keys" },
	{ "api_keys", "keys" },
	{ "api_base", "base_url" },
	{ "url", "base_url" },
	{ "endpoint", "base_url" },
	{ "base", "base_url" },
	{ "type", "dialect" },
	{ "format", "dialect" },
	{ "custom_llm_provider", "dialect" },
	{ "extra_headers", "headers" },
	{ "model_list", "chains" },
	{ "routes", "chains" },
	{ "vendors", "providers" },
	{ "fallbacks", "steps" },
	{ "targets", "steps" },
	{ "targets", "target" },
	{ "model", "target" },
	{ "timeout", "attempt_timeout" },
	{ "request_timeout", "attempt_timeout" },
	{ "stream_idle_timeout", "stall_timeout" },
	{ "idle_timeout", "stall_timeout" },
	{ "ttft_timeout", "first_token_timeout" },
	{ "total_timeout", "deadline" },
	{ "num_retries", "retries" },
	{ "max_retries", "retries" },
	{ "attempts", "max_attempts" },
	{ "max_parallel_requests", "max_inflight" },
	{ "concurrency", "max_inflight" },
	{ "models", "chains" },
	{ "max_budget", "daily_budget" },
	{ "budget", "daily_budget" },
	{ "key_alias", "name" },
	{ "expires_at", "expires" },
	{ "rpm_limit", "rpm" },
	{ "tpm_limit", "tpm" },
	{ "requests_per_minute", "rpm" },
	{ "tokens_per_minute", "tpm" },
	{ "sticky", "affinity" },
	{ "strategy", "balance" },
	{ "routing_strategy", "balance" },
	{ "max_input_tokens", "context" },
	{ "context_window", "context" },
	{ "max_tokens", "output" },
	{ "max_output_tokens", "output" },
	{ "zone", "groups" },
	{ "region", "groups" },
	{ "bind", "listen" },
	{ "address", "listen" },
	{ "port", "listen" },
	{ "auth", "access" },
	{ "master_key", "access" },
	{ "router_settings", "defaults" },
	{ "max_request_size", "max_body" },
	{ "body_max", "max_body" },
	{ "ca", "ca_file" },
};

static bool allows(const struct weir_shape *shape, const char *name)
{
	struct weir_suggest exact;

	for (unsigned i = 0; i < shape->keys_n; i++)
		if (strcmp(shape->keys[i].name, name) == 0)
			return true;
	weir_suggest_init(&exact, weir_slice_of(name));
	weir_settings_suggest(&exact, shape->places);
	return exact.best.base && weir_slice_is(exact.best, name);
}

/* Keys that are not settings, and where they stand. */
static const char *const homes[][2] = {
	{ "dialect", "a provider" },
	{ "base_url", "a provider" },
	{ "keys", "a provider" },
	{ "headers", "a provider" },
	{ "ca_file", "a provider" },
	{ "groups", "a provider" },
	{ "traceparent", "a provider" },
	{ "http2", "a provider" },
	{ "steps", "a chain" },
	{ "target", "a step" },
	{ "targets", "a step" },
	{ "balance", "a step" },
	{ "listen", "the top of the file" },
	{ "admin", "the top of the file" },
	{ "access", "the top of the file" },
	{ "chains", "the top of the file" },
	{ "providers", "the top of the file" },
	{ "models", "the top of the file" },
	{ "defaults", "the top of the file" },
};

static void unknown_key(struct weir_reader *reader, const struct weir_shape *shape,
			const struct weir_node *key)
{
	struct weir_suggest near;
	const char *meant = NULL, *home = NULL;

	for (size_t i = 0; !meant && i < WEIR_COUNT_OF(other_words); i++)
		if (weir_slice_is(key->raw, other_words[i][0]) && allows(shape, other_words[i][1]))
			meant = other_words[i][1];
	weir_suggest_init(&near, key->raw);
	for (unsigned i = 0; i < shape->keys_n; i++)
		weir_suggest_offer(&near, weir_slice_of(shape->keys[i].name));
	weir_settings_suggest(&near, shape->places);
	for (size_t i = 0; i < WEIR_COUNT_OF(homes); i++)
		if (weir_slice_is(key->raw, homes[i][0]))
			home = homes[i][1];
	if (weir_slice_is(key->raw, "<<"))
		weir_reader_error(reader, key, "unknown-key",
				  "merge keys are not understood\nput what is shared under "
				  "`defaults`, or repeat a whole value with *ALIAS");
	else if (home && !meant)
		weir_reader_error(reader, key, "misplaced-key",
				  "%s cannot stand here\nmove it to %s", weir_quote(key->raw).text,
				  home);
	else if (meant || near.best.base)
		weir_reader_error(reader, key, "unknown-key", "%s is not a key of %s\nwrite `%s`",
				  weir_quote(key->raw).text, shape->what,
				  meant ? meant : near.best.base);
	else
		weir_reader_error(reader, key, "unknown-key", "%s is not a key of %s\nremove it",
				  weir_quote(key->raw).text, shape->what);
}

bool weir_shape_read(struct weir_reader *reader, struct weir_node *node,
		     const struct weir_shape *shape, struct weir_node **values,
		     struct weir_settings *settings)
{
	for (unsigned i = 0; i < shape->keys_n; i++)
		values[i] = NULL;
	if (weir_node_is_null(node))
		return true;
	if (node->type != WEIR_NODE_MAP) {
		weir_reader_error(reader, node, "wrong-type",
				  "%s is a map of keys, not a %s\nwrite `%s: …` and so on below it",
				  shape->what, node->type == WEIR_NODE_LIST ? "list" : "text",
				  shape->keys_n ? shape->keys[0].name : "deadline");
		return false;
	}
	for (unsigned i = 0; i < node->pairs_n; i++) {
		const struct weir_node *key = node->pairs[i].key;
		unsigned at = 0;

		if (key->broken)
			continue;
		while (at < shape->keys_n && !weir_slice_is(key->raw, shape->keys[at].name))
			at++;
		if (at < shape->keys_n)
			values[at] = node->pairs[i].value;
		else if (!weir_settings_read(reader, settings, shape->places, key,
					     node->pairs[i].value))
			unknown_key(reader, shape, key);
	}
	return true;
}
