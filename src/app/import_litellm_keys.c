/* What becomes of each key of a config.yaml. Sources: LiteLLM's own reference of its settings. */
#include "app/import_litellm_private.h"

#define PARAMETER \
	"weir sends what callers ask for, and adds no parameters of its own\nlet callers send it"
#define LOGGING                                                                              \
	"weir tells what it does in log lines, /metrics and /status, and calls nobody with " \
	"it\nread "                                                                          \
	"those instead"
#define CACHE "weir keeps no answers\nput a cache in front, or do without one"
#define DATABASE                                                                            \
	"weir has no database: all it knows stands in its file\nwrite callers' keys under " \
	"`access`"
#define SHARED                                                                                   \
	"each weir goes by what it sees itself, and shares nothing with others\nnothing to do, " \
	"unless limits are to hold over several of them"
#define CALLERS                                                                               \
	"callers are known by the keys under `access`, and by nothing else\ngive each a key " \
	"there, "                                                                             \
	"or put a proxy in front that knows them"
#define BUDGET "weir keeps no budgets\nset them at the provider"
#define GUARD \
	"weir does not look into prompts\nput the guard in front, or ask it in the application"
#define HEALTH "weir learns from the requests themselves, and asks nobody in between\nnothing to do"
#define BREAKER                                                                                \
	"when weir sets a target aside, and for how long, cannot be set\nsee under Health in " \
	"docs/policy.md"
#define ALERT "weir alerts nobody\nhave Prometheus alert on what /metrics says"
#define PAGES "weir has a status page and no users' pages\nlook at the admin listener"
#define ROUTES                                                                                    \
	"weir serves chat completions, completions and embeddings\ncall the provider itself for " \
	"anything else"
#define SPEAKS                                                                                     \
	"weir asks with a key, and with no other credentials\nuse a key, or another provider for " \
	"this model"
#define LEARNS  "weir drops a field when a target refuses it: see `repair`\nnothing to do"
#define NOTHING "it says nothing that weir needs\nnothing to do"

enum { LOST = WEIR_IMPORT_LOST };

/* clang-format off */
const struct weir_import_key weir_litellm_top_keys[] = {
	{ "model_list", WEIR_LL_MODEL_LIST, NULL },
	{ "router_settings", WEIR_LL_ROUTER, NULL },
	{ "litellm_settings", WEIR_LL_SETTINGS, NULL },
	{ "general_settings", WEIR_LL_GENERAL, NULL },
	{ "environment_variables", WEIR_LL_VARIABLES, NULL },
	{ "credential_list", WEIR_LL_CREDENTIALS, NULL },
	{ "include", LOST,
	  "other files are not read\nimport each of them, and put the parts together" },
	{ "guardrails", LOST, GUARD },
	{ "callback_settings", LOST, LOGGING },
	{ "mcp_servers", LOST, ROUTES },
	{ "mcp_tools", LOST, ROUTES },
	{ "vector_store_registry", LOST, ROUTES },
	{ "search_tools", LOST, ROUTES },
	{ "finetune_settings", LOST, ROUTES },
	{ "files_settings", LOST, ROUTES },
	{ "assistant_settings", LOST, ROUTES },
	{ "prompts", LOST, PARAMETER },
	{ NULL, 0, NULL },
};

const struct weir_import_key weir_litellm_router_keys[] = {
	{ "routing_strategy", WEIR_LL_STRATEGY, NULL },
	{ "fallbacks", WEIR_LL_FALLBACKS, NULL },
	{ "default_fallbacks", WEIR_LL_DEFAULT_FALLBACKS, NULL },
	{ "context_window_fallbacks", WEIR_LL_WINDOW_FALLBACKS, NULL },
	{ "content_policy_fallbacks", WEIR_LL_POLICY_FALLBACKS, NULL },
	{ "num_retries", WEIR_LL_NUM_RETRIES, NULL },
	{ "timeout", WEIR_LL_TIMEOUT, NULL },
	{ "stream_timeout", WEIR_LL_STREAM_TIMEOUT, NULL },
	{ "retry_policy", WEIR_LL_RETRY_POLICY, NULL },
	{ "model_group_alias", WEIR_LL_ALIAS, NULL },
	{ "enable_pre_call_checks", WEIR_LL_PRE_CALL_CHECKS, NULL },
	{ "enable_pre_call_check", WEIR_LL_PRE_CALL_CHECKS, NULL },
	{ "max_fallbacks", WEIR_LL_MAX_FALLBACKS, NULL },
	{ "default_max_parallel_requests", WEIR_LL_MAX_PARALLEL, NULL },
	{ "allowed_fails", LOST, BREAKER },
	{ "allowed_fails_policy", LOST, BREAKER },
	{ "cooldown_time", LOST, BREAKER },
	{ "disable_cooldowns", LOST, BREAKER },
	{ "retry_after", LOST,
	  "weir waits 200 ms, doubled, with jitter, and as long as a provider says\n"
	  "nothing to do" },
	{ "model_group_retry_policy", LOST,
	  "retries are of the same number for all kinds of failures\n"
	  "write `retries` into the chain" },
	{ "routing_strategy_args", LOST, "how a `balance` decides cannot be set\n"
	  "see the table of them in docs/policy.md" },
	{ "enable_tag_filtering", LOST,
	  "requests have no tags here\ngive each tag a chain of its own" },
	{ "tag_filtering_match_any", LOST,
	  "requests have no tags here\ngive each tag a chain of its own" },
	{ "optional_pre_call_checks", LOST, "weir has none of these checks\n"
	  "for requests that must meet the same target again write `affinity` into the chain" },
	{ "deployment_affinity_ttl_seconds", LOST,
	  "affinity has no end here\nwrite `affinity` into the chain" },
	{ "default_litellm_params", LOST, PARAMETER },
	{ "default_priority", LOST, "requests have no priorities here\nnothing to do" },
	{ "polling_interval", LOST, "requests have no priorities here\nnothing to do" },
	{ "provider_budget_config", LOST, BUDGET },
	{ "redis_host", LOST, SHARED },
	{ "redis_port", LOST, SHARED },
	{ "redis_password", LOST, SHARED },
	{ "redis_url", LOST, SHARED },
	{ "redis_db", LOST, SHARED },
	{ "cache_kwargs", LOST, CACHE },
	{ "cache_responses", LOST, CACHE },
	{ "caching_groups", LOST, CACHE },
	{ "client_ttl", LOST, NOTHING },
	{ "set_verbose", LOST, LOGGING },
	{ "debug_level", LOST, LOGGING },
	{ "alerting_config", LOST, ALERT },
	{ "assistants_config", LOST, ROUTES },
	{ "search_tools", LOST, ROUTES },
	{ "guardrail_list", LOST, GUARD },
	{ "ignore_invalid_deployments", LOST, "a configuration with a mistake is not taken at all\n"
	  "correct what `weir check` says" },
	{ "router_general_settings", LOST, NOTHING },
	{ NULL, 0, NULL },
};

const struct weir_import_key weir_litellm_setting_keys[] = {
	{ "fallbacks", WEIR_LL_FALLBACKS, NULL },
	{ "default_fallbacks", WEIR_LL_DEFAULT_FALLBACKS, NULL },
	{ "context_window_fallbacks", WEIR_LL_WINDOW_FALLBACKS, NULL },
	{ "content_policy_fallbacks", WEIR_LL_POLICY_FALLBACKS, NULL },
	{ "num_retries", WEIR_LL_NUM_RETRIES, NULL },
	{ "request_timeout", WEIR_LL_TIMEOUT, NULL },
	{ "model_group_alias", WEIR_LL_ALIAS, NULL },
	{ "drop_params", WEIR_LL_DROP_PARAMS, NULL },
	{ "allowed_fails", LOST, BREAKER },
	{ "cooldown_time", LOST, BREAKER },
	{ "modify_params", LOST, LEARNS },
	{ "success_callback", LOST, LOGGING },
	{ "failure_callback", LOST, LOGGING },
	{ "callbacks", LOST, LOGGING },
	{ "service_callbacks", LOST, LOGGING },
	{ "service_callback", LOST, LOGGING },
	{ "audit_log_callbacks", LOST, LOGGING },
	{ "turn_off_message_logging", LOST, "weir never logs what is said\nnothing to do" },
	{ "redact_user_api_key_info", LOST, "weir never logs keys\nnothing to do" },
	{ "redact_messages_in_exceptions", LOST, "weir never logs what is said\nnothing to do" },
	{ "langfuse_default_tags", LOST, LOGGING },
	{ "default_internal_user_params", LOST, CALLERS },
	{ "set_verbose", LOST, LOGGING },
	{ "json_logs", LOST,
	  "log lines are JSON unless stderr is a terminal\nrun `weir serve --log json`" },
	{ "cache", LOST, CACHE },
	{ "cache_params", LOST, CACHE },
	{ "enable_redis_auth_cache", LOST, SHARED },
	{ "max_budget", LOST, BUDGET },
	{ "budget_duration", LOST, BUDGET },
	{ "max_internal_user_budget", LOST, BUDGET },
	{ "internal_user_budget_duration", LOST, BUDGET },
	{ "upperbound_key_generate_params", LOST, DATABASE },
	{ "default_key_generate_params", LOST, DATABASE },
	{ "key_generation_settings", LOST, DATABASE },
	{ "default_team_settings", LOST, CALLERS },
	{ "default_team_params", LOST, CALLERS },
	{ "disable_end_user_cost_tracking", LOST, BUDGET },
	{ "disable_end_user_cost_tracking_prometheus_only", LOST, BUDGET },
	{ "enable_preview_features", LOST, NOTHING },
	{ "enable_json_schema_validation", LOST,
	  "weir does not check answers against a schema\ncheck them in the application" },
	{ "force_ipv4", LOST, "weir tries the addresses a name has, IPv6 and IPv4\nnothing to do" },
	{ "ssl_verify", LOST,
	  "certificates are always checked\nname the authority in `ca_file` of the "
	  "provider" },
	{ "ssl_certificate", LOST, "weir shows no certificate of its own to providers\nput a proxy "
	  "between that does" },
	{ "mcp_aliases", LOST, ROUTES },
	{ "public_model_groups", LOST, PAGES },
	{ "public_routes", LOST, CALLERS },
	{ "custom_provider_map", LOST,
	  "weir runs no code of others\nput a server that speaks OpenAI's "
	  "language in front of that provider" },
	{ "disable_hf_tokenizer_download", LOST, NOTHING },
	{ "disable_copilot_system_to_assistant", LOST, NOTHING },
	{ "telemetry", LOST, NOTHING },
	{ NULL, 0, NULL },
};

const struct weir_import_key weir_litellm_general_keys[] = {
	{ "master_key", WEIR_LL_MASTER_KEY, NULL },
	{ "max_request_size_mb", WEIR_LL_MAX_REQUEST, NULL },
	{ "max_response_size_mb", LOST, "answers are passed on as they come\nnothing to do" },
	{ "max_parallel_requests", LOST, "there is no cap for all at once\n"
	  "write `max_inflight` into the providers" },
	{ "global_max_parallel_requests", LOST, "there is no cap for all at once\n"
	  "write `max_inflight` into the providers" },
	{ "disable_retry_on_max_parallel_request_limit_error", LOST,
	  "a target at its cap is passed over, which is no failure\nnothing to do" },
	{ "completion_model", LOST, "callers name the model they want\nlet them" },
	{ "embedding_model", LOST, "callers name the model they want\nlet them" },
	{ "image_generation_model", LOST, ROUTES },
	{ "moderation_model", LOST, ROUTES },
	{ "infer_model_from_keys", LOST,
	  "models are those under `chains`\nname the ones that you want" },
	{ "database_url", LOST, DATABASE },
	{ "database_type", LOST, DATABASE },
	{ "database_args", LOST, DATABASE },
	{ "database_connection_pool_limit", LOST, DATABASE },
	{ "database_connection_timeout", LOST, DATABASE },
	{ "allow_requests_on_db_unavailable", LOST, DATABASE },
	{ "store_model_in_db", LOST, DATABASE },
	{ "supported_db_objects", LOST, DATABASE },
	{ "disable_prisma_schema_update", LOST, DATABASE },
	{ "store_prompts_in_spend_logs", LOST, DATABASE },
	{ "disable_spend_logs", LOST, DATABASE },
	{ "disable_spend_updates", LOST, DATABASE },
	{ "disable_reset_budget", LOST, BUDGET },
	{ "disable_adding_master_key_hash_to_db", LOST, DATABASE },
	{ "disable_master_key_return", LOST, DATABASE },
	{ "proxy_batch_write_at", LOST, DATABASE },
	{ "proxy_batch_polling_interval", LOST, DATABASE },
	{ "proxy_budget_rescheduler_min_time", LOST, BUDGET },
	{ "proxy_budget_rescheduler_max_time", LOST, BUDGET },
	{ "maximum_spend_logs_retention_period", LOST, DATABASE },
	{ "maximum_spend_logs_retention_interval", LOST, DATABASE },
	{ "use_redis_transaction_buffer", LOST, SHARED },
	{ "spend_report_frequency", LOST, ALERT },
	{ "key_management_system", LOST, "keys come from the environment, or from files\n"
	  "write `keys: [ { file: PATH } ]`" },
	{ "key_management_settings", LOST, "keys come from the environment, or from files\n"
	  "write `keys: [ { file: PATH } ]`" },
	{ "use_azure_key_vault", LOST, "keys come from the environment, or from files\n"
	  "write `keys: [ { file: PATH } ]`" },
	{ "use_google_kms", LOST, "keys come from the environment, or from files\n"
	  "write `keys: [ { file: PATH } ]`" },
	{ "custom_auth", LOST, CALLERS },
	{ "custom_key_generate", LOST, CALLERS },
	{ "custom_sso", LOST, CALLERS },
	{ "allow_user_auth", LOST, CALLERS },
	{ "user_api_key_cache_ttl", LOST, CALLERS },
	{ "enable_jwt_auth", LOST, CALLERS },
	{ "litellm_jwtauth", LOST, CALLERS },
	{ "enable_oauth2_auth", LOST, CALLERS },
	{ "enable_oauth2_proxy_auth", LOST, CALLERS },
	{ "oauth2_config_mappings", LOST, CALLERS },
	{ "litellm_key_header_name", LOST, "keys come as `authorization: Bearer` or `x-api-key`\n"
	  "have callers use one of them" },
	{ "service_account_settings", LOST, CALLERS },
	{ "default_team_disabled", LOST, CALLERS },
	{ "enforce_user_param", LOST, CALLERS },
	{ "enforced_params", LOST, CALLERS },
	{ "allowed_routes", LOST, CALLERS },
	{ "public_routes", LOST, CALLERS },
	{ "admin_only_routes", LOST, CALLERS },
	{ "allowed_ips", LOST, "who may connect is not weir's to say\nuse a firewall" },
	{ "use_x_forwarded_for", LOST, NOTHING },
	{ "reject_clientside_metadata_tags", LOST, NOTHING },
	{ "allow_client_side_credentials", LOST,
	  "callers' keys never reach a provider\ngive the provider keys of its own" },
	{ "forward_client_headers_to_llm_api", LOST,
	  "callers' headers are not passed on\nwrite those that are wanted under `headers`" },
	{ "forward_openai_org_id", LOST,
	  "callers' headers are not passed on\nwrite those that are wanted under `headers`" },
	{ "use_client_credentials_pass_through_routes", LOST, ROUTES },
	{ "pass_through_endpoints", LOST, ROUTES },
	{ "disable_responses_id_security", LOST, ROUTES },
	{ "user_mcp_management_mode", LOST, ROUTES },
	{ "background_health_checks", LOST, HEALTH },
	{ "health_check_interval", LOST, HEALTH },
	{ "health_check_details", LOST, HEALTH },
	{ "alerting", LOST, ALERT },
	{ "alerting_threshold", LOST, ALERT },
	{ "alerting_args", LOST, ALERT },
	{ "alert_types", LOST, ALERT },
	{ "alert_to_webhook_url", LOST, ALERT },
	{ "ui_access_mode", LOST, PAGES },
	{ "litellm_license", LOST, NOTHING },
	{ NULL, 0, NULL },
};

const struct weir_import_key weir_litellm_entry_keys[] = {
	{ "model_name", WEIR_LL_NAME, NULL },
	{ "litellm_params", WEIR_LL_PARAMS, NULL },
	{ "model_info", WEIR_LL_INFO, NULL },
	{ "rpm", WEIR_LL_ENTRY_RPM, NULL },
	{ "tpm", WEIR_LL_ENTRY_TPM, NULL },
	{ NULL, 0, NULL },
};

const struct weir_import_key weir_litellm_param_keys[] = {
	{ "model", WEIR_LL_MODEL, NULL },
	{ "api_key", WEIR_LL_API_KEY, NULL },
	{ "api_base", WEIR_LL_API_BASE, NULL },
	{ "base_url", WEIR_LL_BASE_URL, NULL },
	{ "api_version", WEIR_LL_API_VERSION, NULL },
	{ "organization", WEIR_LL_ORGANIZATION, NULL },
	{ "custom_llm_provider", WEIR_LL_PROVIDER, NULL },
	{ "litellm_credential_name", WEIR_LL_CREDENTIAL, NULL },
	{ "extra_headers", WEIR_LL_HEADERS, NULL },
	{ "headers", WEIR_LL_HEADERS, NULL },
	{ "rpm", WEIR_LL_RPM, NULL },
	{ "tpm", WEIR_LL_TPM, NULL },
	{ "weight", WEIR_LL_WEIGHT, NULL },
	{ "order", WEIR_LL_ORDER, NULL },
	{ "timeout", WEIR_LL_PARAM_TIMEOUT, NULL },
	{ "request_timeout", WEIR_LL_PARAM_REQUEST_TIMEOUT, NULL },
	{ "stream_timeout", WEIR_LL_PARAM_STREAM_TIMEOUT, NULL },
	{ "num_retries", WEIR_LL_PARAM_NUM_RETRIES, NULL },
	{ "max_retries", WEIR_LL_MAX_RETRIES, NULL },
	{ "max_parallel_requests", WEIR_LL_PARAM_MAX_PARALLEL, NULL },
	{ "input_cost_per_token", WEIR_LL_INPUT_COST, NULL },
	{ "output_cost_per_token", WEIR_LL_OUTPUT_COST, NULL },
	{ "temperature", LOST, PARAMETER },
	{ "top_p", LOST, PARAMETER },
	{ "top_k", LOST, PARAMETER },
	{ "n", LOST, PARAMETER },
	{ "max_tokens", LOST, PARAMETER },
	{ "max_completion_tokens", LOST, PARAMETER },
	{ "max_new_tokens", LOST, PARAMETER },
	{ "stop", LOST, PARAMETER },
	{ "seed", LOST, PARAMETER },
	{ "stream", LOST, PARAMETER },
	{ "stream_options", LOST, PARAMETER },
	{ "presence_penalty", LOST, PARAMETER },
	{ "frequency_penalty", LOST, PARAMETER },
	{ "logit_bias", LOST, PARAMETER },
	{ "logprobs", LOST, PARAMETER },
	{ "user", LOST, PARAMETER },
	{ "response_format", LOST, PARAMETER },
	{ "tools", LOST, PARAMETER },
	{ "tool_choice", LOST, PARAMETER },
	{ "thinking", LOST, PARAMETER },
	{ "reasoning_effort", LOST, PARAMETER },
	{ "verbosity", LOST, PARAMETER },
	{ "service_tier", LOST, PARAMETER },
	{ "safety_settings", LOST, PARAMETER },
	{ "extra_body", LOST, PARAMETER },
	{ "metadata", LOST, PARAMETER },
	{ "dimensions", LOST, PARAMETER },
	{ "encoding_format", LOST, PARAMETER },
	{ "num_ctx", LOST, PARAMETER },
	{ "keep_alive", LOST, PARAMETER },
	{ "cache_control_injection_points", LOST, PARAMETER },
	{ "drop_params", LOST, LEARNS },
	{ "additional_drop_params", LOST, LEARNS },
	{ "allowed_openai_params", LOST, LEARNS },
	{ "modify_params", LOST, LEARNS },
	{ "merge_reasoning_content_in_choices", LOST,
	  "answers are passed on as they are\nnothing to do" },
	{ "mock_response", LOST,
	  "weir makes up no answers\nrun `weir mock`, and name its address" },
	{ "mock_timeout", LOST, "weir makes up no answers\nrun `weir mock`, and name its address" },
	{ "cooldown_time", LOST, BREAKER },
	{ "allowed_fails", LOST, BREAKER },
	{ "tags", LOST, "requests have no tags here\ngive each tag a chain of its own" },
	{ "region_name", LOST, "targets have no regions that requests could ask for\n"
	  "give each region a chain of its own" },
	{ "max_budget", LOST, BUDGET },
	{ "budget_duration", LOST, BUDGET },
	{ "input_cost_per_second", LOST, "prices are by tokens here\nwrite them under `models`" },
	{ "output_cost_per_second", LOST, "prices are by tokens here\nwrite them under `models`" },
	{ "use_in_pass_through", LOST, ROUTES },
	{ "configurable_clientside_auth_params", LOST,
	  "callers' keys never reach a provider\ngive the provider keys of its own" },
	{ "ssl_verify", LOST,
	  "certificates are always checked\nname the authority in `ca_file` of the provider" },
	{ "guardrails", LOST, GUARD },
	{ "azure_ad_token", LOST, SPEAKS },
	{ "azure_username", LOST, SPEAKS },
	{ "azure_password", LOST, SPEAKS },
	{ "tenant_id", LOST, SPEAKS },
	{ "client_id", LOST, SPEAKS },
	{ "client_secret", LOST, SPEAKS },
	{ "vertex_project", LOST, SPEAKS },
	{ "vertex_location", LOST, SPEAKS },
	{ "vertex_credentials", LOST, SPEAKS },
	{ "aws_access_key_id", LOST, SPEAKS },
	{ "aws_secret_access_key", LOST, SPEAKS },
	{ "aws_session_token", LOST, SPEAKS },
	{ "aws_region_name", LOST, SPEAKS },
	{ "aws_role_name", LOST, SPEAKS },
	{ "aws_session_name", LOST, SPEAKS },
	{ "aws_profile_name", LOST, SPEAKS },
	{ "aws_bedrock_runtime_endpoint", LOST, SPEAKS },
	{ NULL, 0, NULL },
};

const struct weir_import_key weir_litellm_info_keys[] = {
	{ "id", WEIR_LL_ID, NULL },
	{ "mode", WEIR_LL_MODE, NULL },
	{ "input_cost_per_token", WEIR_LL_INFO_INPUT_COST, NULL },
	{ "output_cost_per_token", WEIR_LL_INFO_OUTPUT_COST, NULL },
	{ "max_input_tokens", WEIR_LL_MAX_INPUT, NULL },
	{ "max_output_tokens", WEIR_LL_MAX_OUTPUT, NULL },
	{ "supports_vision", WEIR_LL_VISION, NULL },
	{ "supports_function_calling", WEIR_LL_FUNCTIONS, NULL },
	{ "supports_response_schema", WEIR_LL_SCHEMA, NULL },
	{ "max_tokens", LOST, "it does not say whether what comes in or what goes out\n"
	  "write `context` or `output` under `models`" },
	{ "base_model", LOST, "what a deployment's name stands for is not known here\n"
	  "write its `context` and prices under `models`" },
	{ "access_groups", LOST, CALLERS },
	{ "team_id", LOST, CALLERS },
	{ "description", LOST, NOTHING },
	{ "litellm_provider", LOST, NOTHING },
	{ "supports_parallel_function_calling", LOST, NOTHING },
	{ "supports_tool_choice", LOST, NOTHING },
	{ "supports_system_messages", LOST, NOTHING },
	{ "supports_reasoning", LOST, "write `thinks: on` for its model under `models`\n"
	  "if streams of it are to go on at others" },
	{ "supports_prompt_caching", LOST, NOTHING },
	{ "supports_assistant_prefill", LOST,
	  "whether a stream may go on there is not taken on trust\nwrite `prefill: on` under "
	  "`models`" },
	{ "health_check_model", LOST, HEALTH },
	{ "health_check_timeout", LOST, HEALTH },
	{ "disable_background_health_check", LOST, HEALTH },
	{ "version", LOST, NOTHING },
	{ NULL, 0, NULL },
};

/* Only the first has a counterpart: weir retries what broke in place, and goes on from all else. */
const struct weir_import_key weir_litellm_retry_keys[] = {
	{ "InternalServerErrorRetries", 0, NULL },
	{ "TimeoutErrorRetries", LOST,
	  "a target that was too slow is not asked again: the next one is\n"
	  "nothing to do" },
	{ "RateLimitErrorRetries", LOST,
	  "a target that refused for its rate is not asked again: the next "
	  "one is\nnothing to do" },
	{ "AuthenticationErrorRetries", LOST,
	  "a key that was refused is not tried again: the next one is\n"
	  "nothing to do" },
	{ "BadRequestErrorRetries", LOST,
	  "what the caller got wrong is told to the caller at once\n"
	  "nothing to do" },
	{ "ContentPolicyViolationErrorRetries", LOST,
	  "refused content is told to the caller, or goes to the next step\n"
	  "write `content_policy: next` into the chain" },
	{ NULL, 0, NULL },
};
/* clang-format on */
