/* What becomes of each key of a Portkey config. Sources: the gateway's own types and pages. */
#include "app/import_portkey_private.h"

#define CACHE "weir keeps no answers\nput a cache in front, or do without one"
#define GUARD                                                                                   \
	"weir does not look into prompts or answers\nput the guard in front, or ask it in the " \
	"application"
#define BREAKER                                                                                \
	"when weir sets a target aside, and for how long, cannot be set\nsee under Health in " \
	"docs/policy.md"
#define SPEAKS                                                                                     \
	"weir asks with a key, and with no other credentials\nuse a key, or another provider for " \
	"this model"
#define HEADERS                                                                                   \
	"what is sent to a provider beside the key stands under `headers`\nwrite it there if it " \
	"matters"
#define NOTHING "it says nothing that weir needs\nnothing to do"

enum { LOST = WEIR_IMPORT_LOST };

/* clang-format off */
const struct weir_import_key weir_portkey_keys[] = {
	{ "strategy", WEIR_PK_STRATEGY, NULL },
	{ "targets", WEIR_PK_TARGETS, NULL },
	{ "provider", WEIR_PK_PROVIDER, NULL },
	{ "api_key", WEIR_PK_API_KEY, NULL },
	{ "virtual_key", WEIR_PK_VIRTUAL_KEY, NULL },
	{ "custom_host", WEIR_PK_HOST, NULL },
	{ "override_params", WEIR_PK_PARAMS, NULL },
	{ "weight", WEIR_PK_WEIGHT, NULL },
	{ "retry", WEIR_PK_RETRY, NULL },
	{ "request_timeout", WEIR_PK_TIMEOUT, NULL },
	{ "resource_name", WEIR_PK_RESOURCE, NULL },
	{ "azure_resource_name", WEIR_PK_RESOURCE, NULL },
	{ "deployment_id", WEIR_PK_DEPLOYMENT, NULL },
	{ "azure_deployment_id", WEIR_PK_DEPLOYMENT, NULL },
	{ "azure_deployment_name", WEIR_PK_DEPLOYMENT, NULL },
	{ "api_version", WEIR_PK_API_VERSION, NULL },
	{ "azure_api_version", WEIR_PK_API_VERSION, NULL },
	{ "openai_organization", WEIR_PK_ORGANIZATION, NULL },
	{ "openai_project", WEIR_PK_PROJECT, NULL },
	{ "name", WEIR_PK_NAME, NULL },
	{ "on_status_codes", WEIR_PK_STATUS_CODES, NULL },
	{ "cache", LOST, CACHE },
	{ "cb_config", LOST, BREAKER },
	{ "input_guardrails", LOST, GUARD },
	{ "output_guardrails", LOST, GUARD },
	{ "before_request_hooks", LOST, GUARD },
	{ "after_request_hooks", LOST, GUARD },
	{ "default_input_guardrails", LOST, GUARD },
	{ "default_output_guardrails", LOST, GUARD },
	{ "input_mutators", LOST, GUARD },
	{ "output_mutators", LOST, GUARD },
	{ "forward_headers", LOST,
	  "callers' headers are not passed on\nwrite those that are wanted under `headers`" },
	{ "strict_open_ai_compliance", LOST, "answers are passed on as they are\nnothing to do" },
	{ "metadata", LOST, "requests have no metadata here\nname callers under `access`" },
	{ "trace_id", LOST, "each request has an id of its own: x-weir-request-id\nnothing to do" },
	{ "id", LOST, NOTHING },
	{ "model_pricing_config", LOST, "prices stand under `models`\nwrite them there" },
	{ "azure_model_name", LOST, "what a deployment's name stands for is not known here\n"
	  "write its `context` and prices under `models`" },
	{ "ad_auth", LOST, SPEAKS },
	{ "azure_ad_token", LOST, SPEAKS },
	{ "azure_auth_mode", LOST, SPEAKS },
	{ "azure_managed_client_id", LOST, SPEAKS },
	{ "azure_entra_client_id", LOST, SPEAKS },
	{ "azure_entra_client_secret", LOST, SPEAKS },
	{ "azure_entra_tenant_id", LOST, SPEAKS },
	{ "azure_entra_scope", LOST, SPEAKS },
	{ "aws_access_key_id", LOST, SPEAKS },
	{ "aws_secret_access_key", LOST, SPEAKS },
	{ "aws_session_token", LOST, SPEAKS },
	{ "aws_region", LOST, SPEAKS },
	{ "aws_auth_type", LOST, SPEAKS },
	{ "aws_role_arn", LOST, SPEAKS },
	{ "aws_external_id", LOST, SPEAKS },
	{ "vertex_project_id", LOST, SPEAKS },
	{ "vertex_region", LOST, SPEAKS },
	{ "vertex_service_account_json", LOST, SPEAKS },
	{ "workers_ai_account_id", LOST, SPEAKS },
	{ "snowflake_account", LOST, SPEAKS },
	{ "openai_beta", LOST, HEADERS },
	{ "anthropic_beta", LOST, HEADERS },
	{ "anthropic_version", LOST, HEADERS },
	{ NULL, 0, NULL },
};

const struct weir_import_key weir_portkey_strategy_keys[] = {
	{ "mode", WEIR_PK_MODE, NULL },
	{ "on_status_codes", WEIR_PK_STRATEGY_CODES, NULL },
	{ "conditions", WEIR_PK_CONDITIONS, NULL },
	{ "default", WEIR_PK_DEFAULT, NULL },
	{ "cancel_others", LOST, "see `hedge` for two calls at a time\nnothing to do" },
	{ NULL, 0, NULL },
};

const struct weir_import_key weir_portkey_retry_keys[] = {
	{ "attempts", WEIR_PK_ATTEMPTS, NULL },
	{ "on_status_codes", WEIR_PK_RETRY_CODES, NULL },
	{ "use_retry_after_header", WEIR_PK_RETRY_AFTER, NULL },
	{ NULL, 0, NULL },
};
/* clang-format on */
