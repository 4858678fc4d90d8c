#include "core/litellm.h"

#include "base/attr.h"
#include "wire/json.h"

#define QUIET   WEIR_LITELLM_QUIET
#define TOLD    WEIR_LITELLM_TOLD
#define REFUSED WEIR_LITELLM_REFUSED

struct word {
	const char *text;
	enum weir_litellm_word kind;
};

/* clang-format off */
static const struct word words[] = {
	{ "metadata", WEIR_LITELLM_METADATA },
	/* wishes: body_wishes.c */
	{ "request_timeout", QUIET },
	{ "stream_timeout", QUIET },
	{ "max_retries", QUIET },
	{ "context_window_fallbacks", QUIET },
	{ "context_window_fallback_dict", QUIET },
	{ "disable_fallbacks", QUIET },
	{ "mock_testing_fallbacks", QUIET },
	/* books and switches that weir does not have */
	{ "tags", QUIET },
	{ "no-log", QUIET },
	{ "caching", QUIET },
	{ "cache", QUIET },
	{ "cache_key", QUIET },
	{ "caching_groups", QUIET },
	{ "preset_cache_key", QUIET },
	{ "ttl", QUIET },
	{ "drop_params", QUIET }, /* what a target cannot take is always dropped, and told */
	{ "allowed_openai_params", QUIET },
	{ "force_timeout", QUIET },
	{ "max_fallbacks", QUIET },
	{ "fallback_depth", QUIET },
	{ "cooldown_time", QUIET },
	{ "verbose", QUIET },
	{ "turn_off_message_logging", QUIET },
	{ "use_in_pass_through", QUIET },
	{ "use_litellm_proxy", QUIET },
	{ "model_info", QUIET },
	{ "proxy_server_request", QUIET },
	{ "hf_model_name", QUIET },
	{ "base_model", QUIET },
	{ "input_cost_per_token", QUIET },
	{ "output_cost_per_token", QUIET },
	{ "input_cost_per_second", QUIET },
	{ "output_cost_per_second", QUIET },
	/* where a request goes, and with whose key: the configuration's affair */
	{ "api_key", TOLD },
	{ "api_base", TOLD },
	{ "base_url", TOLD },
	{ "api_version", TOLD },
	{ "api_type", TOLD },
	{ "custom_llm_provider", TOLD },
	{ "organization", TOLD },
	{ "project", TOLD },
	{ "headers", TOLD },
	{ "extra_headers", TOLD },
	{ "default_headers", TOLD },
	{ "extra_query", TOLD },
	{ "extra_body", TOLD },
	{ "proxies", TOLD },
	{ "client", TOLD },
	{ "model_list", TOLD },
	{ "region_name", TOLD },
	{ "allowed_model_region", TOLD },
	{ "configurable_clientside_auth_params", TOLD },
	{ "azure_ad_token", TOLD },
	{ "azure_ad_token_provider", TOLD },
	{ "azure_username", TOLD },
	{ "azure_password", TOLD },
	{ "azure_scope", TOLD },
	{ "tenant_id", TOLD },
	{ "client_id", TOLD },
	{ "client_secret", TOLD },
	{ "provider_specific_header", TOLD },
	/* what it would have done, weir does not */
	{ "content_policy_fallbacks", TOLD },
	{ "retry_policy", TOLD },
	{ "retry_strategy", TOLD },
	{ "fastest_response", TOLD },
	{ "guardrails", TOLD },
	{ "guardrail_config", TOLD },
	{ "prompt_id", TOLD },
	{ "prompt_variables", TOLD },
	{ "prompt_label", TOLD },
	{ "additional_drop_params", TOLD },
	{ "ensure_alternating_roles", TOLD },
	{ "user_continue_message", TOLD },
	{ "assistant_continue_message", TOLD },
	{ "supports_system_message", TOLD },
	{ "merge_reasoning_content_in_choices", TOLD },
	{ "max_budget", TOLD },
	{ "budget_duration", TOLD },
	{ "rpm", TOLD },
	{ "tpm", TOLD },
	{ "max_parallel_requests", TOLD },
	/* an answer that no provider was to be paid for */
	{ "mock_response", REFUSED },
	{ "mock_tool_calls", REFUSED },
	{ "mock_timeout", REFUSED },
	{ "mock_delay", REFUSED },
	{ "mock_testing_context_fallbacks", REFUSED },
	{ "mock_testing_content_policy_fallbacks", REFUSED },
	{ "mock_testing_rate_limit_error", REFUSED },
};

static const struct word prefixes[] = {
	{ "litellm_", QUIET },
	{ "langfuse_", QUIET },
	{ "langsmith_", QUIET },
	{ "aws_", TOLD },
	{ "vertex_", TOLD },
	{ "watsonx_", TOLD },
};
/* clang-format on */

static bool starts(struct weir_slice key, const char *prefix)
{
	char bytes[4];
	size_t n;

	while (*prefix && (n = weir_json_text_step(&key, bytes)))
		for (size_t i = 0; i < n && *prefix; i++)
			if (bytes[i] != *prefix++)
				return false;
	return !*prefix;
}

enum weir_litellm_word weir_litellm_word(struct weir_slice key)
{
	for (size_t i = 0; i < WEIR_COUNT_OF(words); i++)
		if (weir_json_text_is(key, words[i].text))
			return words[i].kind;
	for (size_t i = 0; i < WEIR_COUNT_OF(prefixes); i++)
		if (starts(key, prefixes[i].text))
			return prefixes[i].kind;
	return WEIR_LITELLM_NONE;
}
