#include "classify_rows.h"

static const struct row openai[] = {
	{ 400, "context_length_exceeded", INVALID, "messages",
	  "This model's maximum context length is 128000 tokens.", TOO_LONG },
	{ 400, "", INVALID, "messages",
	  "Input tokens exceed the configured limit of 272000 tokens.", TOO_LONG },
	{ 400, "", INVALID, "input", "Your input exceeds the context window of this model.",
	  TOO_LONG },
	{ 400, "unsupported_parameter", INVALID, "max_tokens",
	  "Unsupported parameter: 'max_tokens' is not supported with this model.", BAD_FIELD },
	{ 400, "unsupported_value", INVALID, "temperature",
	  "Unsupported value: 'temperature' does not support 0.2 with this model.", BAD_FIELD },
	{ 400, "unsupported_value", INVALID, "stream",
	  "Your organization must be verified to stream this model.", BAD_FIELD },
	{ 400, "", INVALID, "reasoning_effort",
	  "Function tools with reasoning_effort are not supported for gpt-5.4 in "
	  "/v1/chat/completions. Please use /v1/responses instead.",
	  BAD_FIELD },
	{ 400, "unknown_parameter", INVALID, "foo", "Unknown parameter: 'foo'.", BAD_FIELD },
	{ 400, "", INVALID, "", "Unrecognized request argument supplied: foo", BAD_FIELD },
	{ 400, "invalid_value", INVALID, "max_tokens",
	  "max_tokens is too large: 100000. This model supports at most 16384 completion tokens.",
	  BAD_FIELD },
	{ 400, "invalid_prompt", INVALID, "",
	  "Invalid prompt: your prompt was flagged as potentially violating our usage policy.",
	  POLICY },
	{ 400, "content_policy_violation", INVALID, "",
	  "Your request was rejected as a result of our safety system.", POLICY },
	{ 400, "content_filter", "", "prompt", "", POLICY },
	{ 400, "moderation_blocked", "image_generation_user_error", "", "", POLICY },
	{ 400, "", INVALID, "", "Your request was rejected by our safety system.", POLICY },
	{ 400, "invalid_image_url", INVALID, "messages", "Error while downloading the image.",
	  NOT_HERE, "image" },
	{ 400, "invalid_image_format", INVALID, "", "", NOT_HERE, "image" },
	{ 400, "image_parse_error", INVALID, "", "", NOT_HERE, "image" },
	{ 400, "invalid_base64", INVALID, "", "", NOT_HERE, "image" },
	{ 400, "string_above_max_length", INVALID, "messages[0].content",
	  "Invalid 'messages[0].content': string too long.", CALLER, "http_400" },
	{ 400, "array_above_max_length", INVALID, "tools", "Invalid 'tools': array too long.",
	  CALLER, "http_400" },
	{ 400, "invalid_type", INVALID, "messages",
	  "Invalid type for 'messages': expected an array.", CALLER, "http_400" },
	{ 400, "invalid_value", INVALID, "messages[0].role",
	  "Invalid value: 'insufficient_quota'. Supported values are: 'system', 'user'.", CALLER,
	  "http_400" },
	{ 400, "missing_required_parameter", INVALID, "messages",
	  "Missing required parameter: 'messages'.", CALLER, "http_400" },
	{ 400, "invalid_function_parameters", INVALID, "tools[0].function.parameters",
	  "Invalid schema for function 'f'.", CALLER, "http_400" },
	{ 400, "billing_hard_limit_reached", INVALID, "", "Billing hard limit has been reached.",
	  QUOTA, "billing" },
	{ 401, "invalid_api_key", INVALID, "", "Incorrect API key provided: sk-abc.", BAD_KEY },
	{ 401, "account_deactivated", INVALID, "", "", BAD_KEY },
	{ 401, "invalid_organization", INVALID, "", "", BAD_KEY },
	{ 401, "mismatched_organization", "", "", "", BAD_KEY },
	{ 401, "", INVALID, "", "Your IP is not in the allow-list.", BAD_KEY },
	{ 403, "unsupported_country_region_territory", "request_forbidden", "",
	  "Country, region, or territory not supported", BAD_KEY },
	{ 403, "model_not_found", INVALID, "",
	  "Project `proj_x` does not have access to model `gpt-5`", NO_MODEL },
	{ 403, "", INVALID, "", "Project `proj_x` does not have access to model `gpt-5`",
	  NO_MODEL },
	{ 404, "model_not_found", INVALID, "",
	  "The model `gpt-9` does not exist or you do not have access to it.", NO_MODEL },
	{ 404, "", INVALID, "model", "The model `gpt-9` does not exist.", NO_MODEL },
	{ 404, "", INVALID, "model",
	  "This is not a chat model and thus not supported in the v1/chat/completions endpoint.",
	  NO_MODEL },
	{ 404, "", INVALID, "", "Invalid URL (POST /v1/chat)", CALLER, "http_404" },
	{ 404, "", "", "", "Not Found", CALLER, "http_404" },
	{ 404, "previous_response_not_found", INVALID, "previous_response_id",
	  "Previous response with id 'resp_model' not found.", CALLER, "http_404" },
	{ 408, "", "", "", "Request timeout", SERVER_ERROR, "http_408" },
	{ 409, "", "", "", "Conflict", SERVER_ERROR, "http_409" },
	{ 425, "", "", "", "", SERVER_ERROR, "http_425" },
	{ 413, "", "", "", "Request Entity Too Large", CALLER, "http_413" },
	{ 415, "", "", "", "", CALLER, "http_415" },
	{ 405, "", "", "", "", CALLER, "http_405" },
	{ 422, "", "", "", "Unprocessable", CALLER, "http_422" },
	{ 418, "", "", "", "", CALLER, "http_error" },
	{ 429, "rate_limit_exceeded", "requests", "",
	  "Rate limit reached for gpt-4o. Please try again in 20s.", RATE_LIMITED, "http_429" },
	{ 429, "rate_limit_exceeded", "tokens", "",
	  "Rate limit reached for gpt-4o in organization org-x on tokens per min (TPM): Limit "
	  "30000, Used 29000, Requested 2000. Please try again in 2s. Visit "
	  "https://platform.openai.com/account/rate-limits.",
	  RATE_LIMITED, "http_429" },
	{ 429, "rate_limit_exceeded", "tokens", "",
	  "Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit "
	  "30000, Requested 40000.",
	  NOT_HERE, "request_too_large" },
	{ 429, "insufficient_quota", "insufficient_quota", "",
	  "You exceeded your current quota, please check your plan and billing details.",
	  NO_MONEY },
	{ 429, "", "insufficient_quota", "", "", NO_MONEY },
	{ 429, "", "", "",
	  "You exceeded your current quota, please check your plan and billing details.",
	  NO_MONEY },
	{ 429, "billing_not_active", "", "",
	  "Your account is not active, please check your billing details.", QUOTA, "billing" },
	{ 429, "billing_hard_limit_reached", "", "", "", QUOTA, "billing" },
	{ 429, "resource_unavailable", "", "", "", OVERLOADED, "overloaded" },
	{ 429, "", "", "", "", RATE_LIMITED, "http_429" },
	{ 499, "", "", "", "", CALLER, "http_499" },
	{ 500, "", "server_error", "", "The server had an error while processing your request.",
	  SERVER_ERROR, "http_500" },
	{ 500, "server_error", "server_error", "", "", SERVER_ERROR, "http_500" },
	{ 502, "", "", "", "<html><h1>502 Bad Gateway</h1>", SERVER_ERROR, "http_502" },
	{ 504, "", "", "", "<html>", SERVER_ERROR, "http_504" },
	{ 503, "server_is_overloaded", "server_error", "", "The server is overloaded.", OVERLOADED,
	  "overloaded" },
	{ 503, "slow_down", "service_unavailable_error", "", "Slow Down", OVERLOADED,
	  "overloaded" },
	{ 503, "", "server_error", "", "That model is currently overloaded.", OVERLOADED,
	  "http_503" },
	{ 520, "", "", "", "<html>", SERVER_ERROR, "http_520" },
	{ 526, "", "", "", "<html>", SERVER_ERROR, "http_526" },
	{ 529, "", "", "", "", OVERLOADED, "http_529" },
	{ 599, "", "", "", "", SERVER_ERROR, "http_error" },
	{ STREAM, "server_error", "", "", "", SERVER_ERROR, "error_event" },
	{ STREAM, "rate_limit_exceeded", "", "", "", RATE_LIMITED, "rate_limit" },
	{ STREAM, "invalid_prompt", "", "", "", POLICY },
	{ STREAM, "bio_policy", "", "", "", POLICY },
	{ STREAM, "misalignment_policy_violation", "", "", "", POLICY },
	{ STREAM, "data_residency_mismatch", "", "", "", NOT_HERE, "unsupported" },
	{ STREAM, "vector_store_timeout", "", "", "", SERVER_ERROR, "server_error" },
	{ STREAM, "image_too_large", "", "", "", NOT_HERE, "image" },
	{ STREAM, "image_content_policy_violation", "", "", "", POLICY },
	{ STREAM, "", "server_error", "", "The server had an error processing your request.",
	  SERVER_ERROR, "error_event" },
	{ STREAM, "insufficient_quota", "", "", "", NO_MONEY },
};

static const struct row anthropic[] = {
	{ 400, "", INVALID, "", "prompt is too long: 250000 tokens > 200000 maximum", TOO_LONG },
	{ 400, "", INVALID, "",
	  "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000", TOO_LONG },
	{ 400, "", INVALID, "", "Your credit balance is too low to access the Anthropic API.",
	  NO_MONEY },
	{ 400, "", INVALID, "", "You have reached your specified API usage limits.", NO_MONEY },
	{ 400, "organization_on_hold", INVALID, "", "", BAD_KEY },
	{ 400, "", INVALID, "", "`temperature` is deprecated for this model.", BAD_FIELD },
	{ 400, "", INVALID, "",
	  "`temperature` and `top_p` cannot both be specified for this model.", BAD_FIELD },
	{ 400, "", INVALID, "", "Thinking may not be enabled when tool_choice forces tool use.",
	  BAD_FIELD },
	{ 400, "", INVALID, "", "`thinking.type.enabled` is not supported for this model.",
	  BAD_FIELD },
	{ 400, "", INVALID, "", "Prefilling assistant messages is not supported for this model.",
	  BAD_FIELD },
	{ 400, "", INVALID, "", "role 'system' is not supported on this model", BAD_FIELD },
	{ 400, "", INVALID, "", "foo: Extra inputs are not permitted", BAD_FIELD },
	{ 400, "", INVALID, "", "messages.1.content.0: Invalid `signature` in `thinking` block",
	  BAD_FIELD },
	{ 400, "", INVALID, "",
	  "thinking or redacted_thinking blocks in the latest assistant message cannot be modified",
	  BAD_FIELD },
	{ 400, "", INVALID, "",
	  "messages.3.content.0.type: Expected `thinking` or `redacted_thinking`, but found "
	  "`tool_use`. When `thinking` is enabled, a final `assistant` message must start with a "
	  "thinking block. To avoid this requirement, disable `thinking`.",
	  BAD_FIELD },
	{ 400, "", INVALID, "",
	  "max_tokens: 100000 > 64000, which is the maximum allowed number of output tokens",
	  BAD_FIELD },
	{ 400, "", INVALID, "",
	  "`tool_use` ids were found without `tool_result` blocks immediately after: toolu_1",
	  CALLER, "http_400" },
	{ 400, "", INVALID, "", "unexpected `tool_use_id` found in `tool_result` blocks: toolu_1",
	  CALLER, "http_400" },
	{ 400, "", INVALID, "", "messages: text content blocks must be non-empty", CALLER,
	  "http_400" },
	{ 400, "", INVALID, "", "Output blocked by content filtering policy", POLICY },
	{ 400, "", INVALID, "", "messages: at least one message is required", CALLER, "http_400" },
	{ 401, "", "authentication_error", "", "invalid x-api-key", BAD_KEY },
	{ 402, "", "billing_error", "", "", QUOTA, "billing" },
	{ 402, "", "", "", "", QUOTA, "quota" },
	{ 403, "", "permission_error", "",
	  "Your API key does not have permission to use the specified resource.", BAD_KEY },
	{ 403, "", "", "", "<html>Request not allowed</html>", BAD_KEY },
	{ 404, "", "not_found_error", "", "model: claude-9", NO_MODEL },
	{ 404, "", "not_found_error", "", "Not found", CALLER, "http_404" },
	{ 408, "", "", "", "", SERVER_ERROR, "http_408" },
	{ 409, "", "conflict_error", "", "", SERVER_ERROR, "http_409" },
	{ 413, "", "request_too_large", "", "Request exceeds the maximum size", CALLER,
	  "http_413" },
	{ 413, "", "", "", "<html>413 Request Entity Too Large", CALLER, "http_413" },
	{ 429, "", "rate_limit_error", "",
	  "This request would exceed your organization's rate limit of 50,000 input tokens per "
	  "minute.",
	  RATE_LIMITED, "http_429" },
	{ 429, "contract_spend_limit_reached", "rate_limit_error", "", "", QUOTA, "billing" },
	{ 429, "enforced_spend_limit_reached", "rate_limit_error", "", "", QUOTA, "billing" },
	{ 429, "ramp_limit_exceeded", "rate_limit_error", "", "acceleration limit", RATE_LIMITED,
	  "rate_limit" },
	{ 500, "", "api_error", "", "Internal server error", SERVER_ERROR, "http_500" },
	{ 503, "", "api_error", "", "Service unavailable", OVERLOADED, "http_503" },
	{ 504, "", "timeout_error", "", "", SERVER_ERROR, "http_504" },
	{ 529, "", "overloaded_error", "", "Overloaded", OVERLOADED, "overloaded" },
	{ STREAM, "", "overloaded_error", "", "Overloaded", OVERLOADED, "overloaded" },
	{ STREAM, "", "api_error", "", "Internal server error", SERVER_ERROR, "error_event" },
	{ STREAM, "", "rate_limit_error", "", "", RATE_LIMITED, "rate_limit" },
	{ STREAM, "", "authentication_error", "", "", BAD_KEY },
	{ STREAM, "", INVALID, "", "prompt is too long: 2 tokens > 1 maximum", TOO_LONG },
	{ STREAM, "", INVALID, "", "Something else", SERVER_ERROR, "error_event" },
};

static const struct row google[] = {
	{ 400, "400", "INVALID_ARGUMENT", "", "API key not valid. Please pass a valid API key.",
	  BAD_KEY },
	{ 400, "API_KEY_INVALID", "INVALID_ARGUMENT", "", "", BAD_KEY },
	{ 403, "API_KEY_SERVICE_BLOCKED", "PERMISSION_DENIED", "", "", BAD_KEY },
	{ 400, "BILLING_DISABLED", "FAILED_PRECONDITION", "", "", QUOTA, "billing" },
	{ 400, "invalid_translation", "INVALID_ARGUMENT", "", "Bad turns", NOT_HERE,
	  "unsupported" },
	{ 400, "invalid_translation", "INVALID_ARGUMENT", "",
	  "The input token count (2) exceeds the maximum number of tokens allowed (1).", TOO_LONG },
	{ 429, "quota_per_day", "RESOURCE_EXHAUSTED", "", "", RATE_LIMITED, "quota_per_day" },
	{ 429, "quota_of_nothing", "RESOURCE_EXHAUSTED", "", "", NO_MODEL },
	{ STREAM, "MALFORMED_FUNCTION_CALL", "", "", "", SERVER_ERROR, "generation_failed" },
	{ STREAM, "UNEXPECTED_TOOL_CALL", "", "", "", SERVER_ERROR, "generation_failed" },
	{ STREAM, "TOO_MANY_TOOL_CALLS", "", "", "", SERVER_ERROR, "generation_failed" },
	{ 400, "400", "INVALID_ARGUMENT", "",
	  "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
	  TOO_LONG },
	{ 400, "400", "INVALID_ARGUMENT", "",
	  "Function call is missing a thought_signature in functionCall parts.", BAD_FIELD },
	{ 400, "400", "INVALID_ARGUMENT", "",
	  "Invalid JSON payload received. Unknown name \"foo\": Cannot find field.", BAD_FIELD },
	{ 400, "400", "INVALID_ARGUMENT", "",
	  "Please ensure that multiturn requests alternate between user and model.", CALLER,
	  "http_400" },
	{ 400, "400", "FAILED_PRECONDITION", "", "User location is not supported for the API use.",
	  BAD_KEY },
	{ 400, "400", "FAILED_PRECONDITION", "",
	  "Please enable billing on project 12 in Google AI Studio.", QUOTA, "billing" },
	{ 401, "401", "UNAUTHENTICATED", "", "Request had invalid authentication credentials.",
	  BAD_KEY },
	{ 403, "403", "PERMISSION_DENIED", "", "Your API key was reported as leaked.", BAD_KEY },
	{ 404, "404", "NOT_FOUND", "",
	  "models/gemini-9 is not found for API version v1beta, or is not supported for "
	  "generateContent.",
	  NO_MODEL },
	{ 404, "404", "NOT_FOUND", "", "Requested entity was not found.", NO_MODEL },
	{ 429, "429", "RESOURCE_EXHAUSTED", "",
	  "You exceeded your current quota, please check your plan and billing details. * Quota "
	  "exceeded for metric: generate_content_free_tier_requests, limit: 10\nPlease retry in "
	  "22.3s.",
	  RATE_LIMITED, "rate_limit" },
	{ 429, "429", "", "",
	  "You exceeded your current quota, please check your plan and billing details. For more "
	  "information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.",
	  RATE_LIMITED, "rate_limit" },
	{ 429, "429", "RESOURCE_EXHAUSTED", "", "Resource exhausted. Please try again later.",
	  RATE_LIMITED, "rate_limit" },
	{ 429, "429", "RESOURCE_EXHAUSTED", "", "Your prepayment credits are depleted.", NO_MONEY },
	{ 499, "499", "CANCELLED", "", "The operation was cancelled.", SERVER_ERROR,
	  "server_error" },
	{ 500, "500", "INTERNAL", "", "An internal error has occurred.", SERVER_ERROR, "http_500" },
	{ 503, "503", "UNAVAILABLE", "", "The model is overloaded. Please try again later.",
	  OVERLOADED, "http_503" },
	{ 504, "504", "DEADLINE_EXCEEDED", "", "The request timed out.", SERVER_ERROR, "http_504" },
	{ STREAM, "429", "RESOURCE_EXHAUSTED", "", "Resource exhausted.", RATE_LIMITED,
	  "rate_limit" },
	{ STREAM, "503", "UNAVAILABLE", "", "The model is overloaded.", OVERLOADED, "overloaded" },
	{ STREAM, "500", "INTERNAL", "", "", SERVER_ERROR, "error_event" },
};

static const struct row azure[] = {
	{ 400, "content_filter", "", "prompt",
	  "The response was filtered due to the prompt triggering Azure OpenAI's content "
	  "management policy.",
	  POLICY },
	{ 400, "", "", "prompt",
	  "The response was filtered due to the prompt triggering Azure OpenAI's content "
	  "management policy.",
	  POLICY },
	{ 401, "401", "", "",
	  "Access denied due to invalid subscription key or wrong API endpoint.", BAD_KEY },
	{ 404, "DeploymentNotFound", "", "", "The API deployment for this resource does not exist.",
	  NO_MODEL },
	{ 404, "404", "", "", "Resource not found", CALLER, "http_404" },
	{ 408, "Timeout", "", "", "The operation was timeout.", SERVER_ERROR, "http_408" },
	{ 424, "", "", "", "Failed dependency", CALLER, "http_424" },
	{ 429, "429", "", "",
	  "Requests to the ChatCompletions_Create Operation have exceeded the token rate limit. "
	  "Please retry after 7 seconds.",
	  RATE_LIMITED, "http_429" },
	{ 429, "RateLimitReached", "", "", "Please retry after 7 seconds.", RATE_LIMITED,
	  "http_429" },
	{ 503, "503", "", "", "", OVERLOADED, "http_503" },
};

static const struct row bedrock[] = {
	{ 400, "ValidationException", "", "", "Input is too long for requested model.", TOO_LONG },
	{ 400, "ValidationException", "", "", "too many input tokens", TOO_LONG },
	{ 400, "ValidationException", "", "",
	  "Invocation of model ID x with on-demand throughput isn't supported.", NO_MODEL },
	{ 400, "ValidationException", "", "", "The provided model identifier is invalid.",
	  NO_MODEL },
	{ 400, "ValidationException", "", "", "Malformed input request.", CALLER, "http_400" },
	{ 403, "AccessDeniedException", "", "",
	  "You don't have access to the model with the specified model ID.", BAD_KEY },
	{ 403, "UnrecognizedClientException", "", "", "", BAD_KEY },
	{ 403, "ExpiredTokenException", "", "", "", BAD_KEY },
	{ 403, "InvalidSignatureException", "", "", "", BAD_KEY },
	{ 404, "ResourceNotFoundException", "", "", "", NO_MODEL },
	{ 408, "ModelTimeoutException", "", "", "", SERVER_ERROR, "server_error" },
	{ 424, "ModelErrorException", "", "", "", SERVER_ERROR, "server_error" },
	{ 429, "ThrottlingException", "", "", "Too many tokens, please wait before trying again.",
	  RATE_LIMITED, "http_429" },
	{ 429, "ModelNotReadyException", "", "", "", OVERLOADED, "overloaded" },
	{ 400, "ServiceQuotaExceededException", "", "", "", NO_MONEY },
	{ 500, "InternalServerException", "", "", "", SERVER_ERROR, "server_error" },
	{ 503, "ServiceUnavailableException", "", "", "", OVERLOADED, "overloaded" },
	{ STREAM, "ThrottlingException", "", "", "Too many tokens, please wait.", RATE_LIMITED,
	  "rate_limit" },
};

/* A caller's words that come back in a message bench nothing. */
static const struct row echoes[] = {
	{ 400, "", "", "", "Invalid role 'your credit balance is too low'", CALLER, "http_400" },
	{ 400, "", "", "", "Invalid role: `invalid api key`.", CALLER, "http_400" },
	{ 400, "", "", "", "Invalid role \"unknown model\"", CALLER, "http_400" },
	{ 400, "", "", "messages[0].role", "unknown model is no role", CALLER, "http_400" },
	{ 400, "", "", "", "your credit balance is too low: Extra inputs are not permitted",
	  BAD_FIELD },
	{ 404, "", INVALID, "", "Response with id 'resp_model' not found.", CALLER, "http_404" },
	{ 404, "", "", "", "No file called \"my model\"", CALLER, "http_404" },
	/* An apostrophe quotes nothing. */
	{ 400, "", "", "", "You can't go on: credit balance is too low, isn't it", NO_MONEY },
	{ 400, "", "", "", "'unfinished: credit balance is too low", NO_MONEY },
};
TEST(openai_errors)
{
	CHECK_ROWS(openai);
}

TEST(anthropic_errors)
{
	CHECK_ROWS(anthropic);
}

TEST(google_errors)
{
	CHECK_ROWS(google);
}

TEST(azure_errors)
{
	CHECK_ROWS(azure);
}

TEST(bedrock_errors)
{
	CHECK_ROWS(bedrock);
}

TEST(echoed_words_bench_nothing)
{
	CHECK_ROWS(echoes);
}

TEST(every_status_has_a_verdict)
{
	for (unsigned status = 0; status < 1000; status++) {
		struct weir_verdict v = classify(&(struct row){ status, "", "", "", "" });

		REQUIRE(v.reason != NULL);
		CHECK(v.outcome != WEIR_OUT_OK);
		if (status >= 400 && status < 500)
			CHECK(v.outcome != WEIR_OUT_NOT_HERE);
		if (status < 400 || status >= 600)
			CHECK_INT(v.outcome, WEIR_OUT_SERVER_ERROR);
	}
}

/* Any bytes at all, any length, no reading past the end. */
TEST(hostile_text_is_read_safely)
{
	char *message = malloc(100000);
	struct weir_failure f = { .status = 400 };
	struct weir_verdict v;

	for (size_t i = 0; i < 100000; i++)
		message[i] = (char)(i * 7919 >> 3);
	for (size_t len = 0; len < 100000; len = len * 2 + 1) {
		f.code = f.type = f.message = weir_slice(message + 100000 - len, len);
		v = weir_classify(&f);
		CHECK(v.outcome == WEIR_OUT_CALLER);
	}
	memset(message, '\'', 100000);
	f.message = weir_slice(message, 100000);
	f.code = f.type = weir_slice(NULL, 0);
	CHECK_INT(weir_classify(&f).outcome, WEIR_OUT_CALLER);
	f.message = weir_slice("a\0credit balance is too low", 27);
	CHECK_INT(weir_classify(&f).outcome, WEIR_OUT_QUOTA);
	free(message);
}

TEST_MAIN
