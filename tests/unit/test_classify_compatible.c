#include "classify_rows.h"

static const struct row groq[] = {
	{ 413, "rate_limit_exceeded", "tokens", "",
	  "Request too large for model `x` on tokens per minute (TPM): Limit 6000, Requested 8000.",
	  NOT_HERE, "request_too_large" },
	{ 413, "rate_limit_exceeded", "tokens", "", "", NOT_HERE, "request_too_large" },
	{ 498, "capacity_exceeded", "", "", "Flex tier capacity exceeded.", OVERLOADED,
	  "overloaded" },
	{ 498, "", "", "", "Flex tier capacity exceeded.", OVERLOADED, "overloaded" },
	{ 400, "tool_use_failed", INVALID, "", "Failed to call a function.", SERVER_ERROR,
	  "generation_failed" },
	{ 400, "model_decommissioned", INVALID, "", "The model `x` has been decommissioned.",
	  NO_MODEL },
	{ 400, "", INVALID, "max_tokens",
	  "`max_tokens` must be less than or equal to `32768`, the maximum value for `max_tokens` "
	  "is less than the `context_window` for this model",
	  BAD_FIELD },
};

static const struct row mistral[] = {
	{ 400, "1500", "invalid_model", "", "Invalid model: x", NO_MODEL },
	{ 429, "1300", "rate_limited", "", "Rate limit exceeded", RATE_LIMITED, "http_429" },
	{ 422, "", "extra_forbidden", "", "Extra inputs are not permitted", BAD_FIELD },
	{ 422, "", "", "", "Field required", CALLER, "http_422" },
	{ 400, "3230", INVALID, "", "Unexpected role 'user' after role 'tool'", CALLER,
	  "http_400" },
	{ 401, "", "", "", "Unauthorized", BAD_KEY },
};

static const struct row together[] = {
	{ 402, "", "", "", "Credit limit exceeded", QUOTA, "quota" },
	{ 403, "", INVALID, "",
	  "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097.", TOO_LONG },
	{ 403, "", "", "", "input tokens + max_tokens must be \xe2\x89\xa4 4097", TOO_LONG },
	{ 400, "", INVALID, "", "Unable to access non-serverless model x.", NO_MODEL },
	{ 503, "", "", "", "The server is overloaded", OVERLOADED, "http_503" },
	{ 429, "", "model_rate_limit", "", "You have exceeded the rate limit.", RATE_LIMITED,
	  "http_429" },
};

static const struct row fireworks[] = {
	{ 404, "NOT_FOUND", "", "", "Model not found, inaccessible, and/or not deployed",
	  NO_MODEL },
	{ 412, "", "", "", "Account suspended, possibly due to reaching the monthly spending limit",
	  QUOTA, "billing" },
	{ 412, "", "", "", "Precondition failed", CALLER, "http_412" },
};

static const struct row deepseek[] = {
	{ 402, INVALID, "unknown_error", "", "Insufficient Balance", QUOTA, "quota" },
	{ 400, INVALID, INVALID, "", "Model Not Exist", NO_MODEL },
	{ 422, "", "", "",
	  "Failed to deserialize: messages[0].role: unknown variant `developer`, expected one of "
	  "`system`",
	  BAD_FIELD },
	{ 503, "", "", "", "Service is too busy.", OVERLOADED, "http_503" },
};

static const struct row xai[] = {
	{ 400, "Client specified an invalid argument", "", "", "Incorrect API key provided: xa***.",
	  BAD_KEY },
	{ 404, "Some requested entity was not found", "", "",
	  "The model grok-9 does not exist or your team does not have access to it.", NO_MODEL },
};

static const struct row openrouter[] = {
	{ 200, "429", "", "", "Rate limit exceeded", RATE_LIMITED, "rate_limit" },
	{ 200, "502", "", "", "Provider returned error", SERVER_ERROR, "error_200" },
	{ 200, "503", "", "", "No instances available", OVERLOADED, "overloaded" },
	{ 200, "402", "", "", "Insufficient credits", NO_MONEY },
	{ 200, "400", "", "", "Provider returned error", SERVER_ERROR, "error_200" },
	{ 200, "400", "", "", "This endpoint's maximum context length is 8192 tokens.", TOO_LONG },
	{ STREAM, "502", "", "", "Upstream idle timeout", SERVER_ERROR, "error_event" },
	{ 403, "403", "", "",
	  "openai/gpt-4o requires moderation. Your input was flagged for \"violence\".", POLICY },
	{ 402, "402", "", "", "Insufficient credits", QUOTA, "quota" },
	{ 404, "404", "", "", "No endpoints found that support tool use.", NOT_HERE,
	  "unsupported" },
	{ 404, "404", "", "", "No endpoints found for foo/bar.", NO_MODEL },
	{ 400, "400", "", "", "foo/bar is not a valid model ID", NO_MODEL },
	{ 408, "408", "", "", "Your request timed out", SERVER_ERROR, "http_408" },
	{ 502, "502", "", "", "Provider returned error", SERVER_ERROR, "http_502" },
	{ 503, "503", "", "",
	  "There is no available model provider that meets your routing requirements", OVERLOADED,
	  "http_503" },
};

static const struct row cerebras[] = {
	{ 429, "request_quota_exceeded", "too_many_requests_error", "quota",
	  "Requests per day limit exceeded", RATE_LIMITED, "http_429" },
	{ 429, "token_quota_exceeded", "too_many_requests_error", "quota",
	  "Tokens per minute limit exceeded", RATE_LIMITED, "http_429" },
	{ 429, "queue_exceeded", "too_many_requests_error", "queue",
	  "We're experiencing high traffic right now!", OVERLOADED, "overloaded" },
};

static const struct row perplexity[] = {
	{ 400, "400", "invalid_message", "", "Last message must have role `user` or `tool`.",
	  CALLER, "http_400" },
};

static const struct row cohere[] = {
	{ 498, "", "", "", "invalid token", CALLER, "http_498" },
	{ 498, "", "", "", "blocked input", POLICY },
	{ 429, "", "", "", "You are using a Trial key, which is limited to 10 API calls / minute.",
	  RATE_LIMITED, "http_429" },
};

static const struct row ollama[] = {
	{ 404, "", "", "", "model 'llama9' not found, try pulling it first", NO_MODEL },
};

static const struct row vllm[] = {
	{ 404, "404", "NotFoundError", "", "The model `x` does not exist.", NO_MODEL },
	{ 400, "400", "BadRequestError", "",
	  "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.",
	  TOO_LONG },
	{ 400, "400", "BadRequestError", "",
	  "You passed 5000 input tokens and requested 100 output tokens.", TOO_LONG },
	{ 400, "400", "BadRequestError", "",
	  "\"auto\" tool choice requires --enable-auto-tool-choice", CALLER, "http_400" },
};

static const struct row llamacpp[] = {
	{ 503, "503", "unavailable_error", "", "Loading model", OVERLOADED, "overloaded" },
	{ 400, "400", "exceed_context_size_error", "",
	  "the request exceeds the available context size", TOO_LONG },
	{ 500, "500", "server_error", "", "Context size has been exceeded.", TOO_LONG },
	{ 501, "501", "not_supported_error", "", "This server does not support it.", NOT_HERE,
	  "unsupported" },
	{ 501, "", "", "", "", SERVER_ERROR, "http_501" },
};

static const struct row lmstudio[] = {
	{ 200, "", "", "", "Model unloaded", SERVER_ERROR, "error_200" },
};

static const struct row sglang[] = {
	{ 400, "400", "BadRequestError", "",
	  "The input (5000 tokens) is longer than the model's context length (4096 tokens).",
	  TOO_LONG },
};

static const struct row github[] = {
	{ 413, "tokens_limit_reached", "", "",
	  "Request body too large for gpt-4o model. Max size: 8000 tokens.", TOO_LONG },
	{ 429, "RateLimitReached", "", "",
	  "Rate limit of 50 per 86400s exceeded for UserByModelByDay.", RATE_LIMITED, "http_429" },
};

static const struct row huggingface[] = {
	{ 403, "", "", "", "You are out of credits.", NO_MONEY },
	{ 402, "", "", "", "You have exceeded your monthly included credits", QUOTA, "quota" },
};

static const struct row nvidia[] = {
	{ 404, "", "", "", "Function 'abc': Not found for account 'xyz'", NO_MODEL },
	{ 402, "", "", "", "Account credits expired", QUOTA, "quota" },
	{ 403, "", "", "", "Credits are depleted", NO_MONEY },
	{ 422, "", "", "", "body -> model: field required", CALLER, "http_422" },
};

static const struct row moonshot[] = {
	{ 429, "", "exceeded_current_quota_error", "", "Your account is suspended.", NO_MONEY },
	{ 429, "", "engine_overloaded_error", "", "The engine is currently overloaded.", OVERLOADED,
	  "overloaded" },
	{ 429, "", "rate_limit_reached_error", "", "", RATE_LIMITED, "http_429" },
};

static const struct row zai[] = {
	{ 429, "1113", "", "", "Insufficient balance.", NO_MONEY },
	{ 429, "1302", "", "", "High concurrency.", RATE_LIMITED, "rate_limit" },
	{ 429, "1303", "", "", "High frequency.", RATE_LIMITED, "rate_limit" },
	{ 429, "1305", "", "", "Rate limit triggered.", RATE_LIMITED, "rate_limit" },
};

static const struct row dashscope[] = {
	{ 400, "data_inspection_failed", "", "", "", POLICY },
	{ 400, "Arrearage", "", "",
	  "Access denied, please make sure your account is in good standing.", NO_MONEY },
	{ 429, "Throttling.RateQuota", "", "", "", RATE_LIMITED, "http_429" },
};

static const struct row deepinfra[] = {
	{ 429, "", "", "", "Model busy, retry later", RATE_LIMITED, "http_429" },
};

static const struct row minimax[] = {
	{ 200, "1004", "", "", "login fail: please carry the API secret key", BAD_KEY },
	{ 200, "1008", "", "", "insufficient balance", NO_MONEY },
	{ 200, "1002", "", "", "rate limit exceeded", RATE_LIMITED, "rate_limit" },
	{ 200, "1000", "", "", "unknown error", SERVER_ERROR, "error_200" },
};

/* What is no answer. */
static const struct row no_answer[] = {
	{ 100, "", "", "", "", SERVER_ERROR, "bad_status" },
	{ 101, "", "", "", "", SERVER_ERROR, "bad_status" },
	{ 204, "", "", "", "", SERVER_ERROR, "bad_status" },
	{ 301, "", "", "", "", SERVER_ERROR, "bad_status" },
	{ 307, "", "", "", "billing", SERVER_ERROR, "bad_status" },
	{ 999, "", "", "", "", SERVER_ERROR, "bad_status" },
	{ 0, "", "", "", "", SERVER_ERROR, "bad_status" },
};

TEST(errors_of_compatible_providers)
{
	CHECK_ROWS(groq);
	CHECK_ROWS(mistral);
	CHECK_ROWS(together);
	CHECK_ROWS(fireworks);
	CHECK_ROWS(deepseek);
	CHECK_ROWS(xai);
	CHECK_ROWS(openrouter);
	CHECK_ROWS(cerebras);
	CHECK_ROWS(perplexity);
	CHECK_ROWS(cohere);
	CHECK_ROWS(ollama);
	CHECK_ROWS(vllm);
	CHECK_ROWS(llamacpp);
	CHECK_ROWS(lmstudio);
	CHECK_ROWS(sglang);
	CHECK_ROWS(github);
	CHECK_ROWS(huggingface);
	CHECK_ROWS(nvidia);
	CHECK_ROWS(moonshot);
	CHECK_ROWS(zai);
	CHECK_ROWS(dashscope);
	CHECK_ROWS(deepinfra);
	CHECK_ROWS(minimax);
	CHECK_ROWS(no_answer);
}

/* A message alone, at a status that leaves it open. */
static const struct row sayings[] = {
	{ 400, "", "", "", "exceeds the Context Length", TOO_LONG },
	{ 400, "", "", "", "error: context_length", TOO_LONG },
	{ 422, "", "", "", "larger than the context window", TOO_LONG },
	{ 500, "", "", "", "context size", TOO_LONG },
	{ 403, "", "", "", "over the maximum context", TOO_LONG },
	{ 400, "", "", "", "too many tokens", TOO_LONG },
	{ 400, "", "", "", "exceed_context_size", TOO_LONG },
	{ 413, "", "", "", "tokens_limit_reached", TOO_LONG },
	{ 400, "", "", "", "Please reduce the length of the messages", TOO_LONG },
	{ 400, "", "", "", "inputs tokens + max_new_tokens is 9", TOO_LONG },
	{ 400, "", "", "", "tokens must be <= 4096", TOO_LONG },
	{ 429, "", "", "", "too many tokens", RATE_LIMITED, "http_429" },
	{ 429, "", "", "", "insufficient_quota", NO_MONEY },
	{ 400, "", "", "", "insufficient balance", NO_MONEY },
	{ 403, "", "", "", "insufficient credits", NO_MONEY },
	{ 429, "", "", "", "you hit your usage limits", NO_MONEY },
	{ 429, "", "", "", "see billing", QUOTA, "billing" },
	{ 400, "", "", "", "payment required", QUOTA, "billing" },
	{ 429, "", "", "", "monthly spend limit", QUOTA, "billing" },
	{ 400, "", "", "", "Arrearage", NO_MONEY },
	{ 429, "", "", "", "out of credits", NO_MONEY },
	{ 429, "", "", "", "credits are depleted", NO_MONEY },
	{ 400, "", "", "", "invalid api key", BAD_KEY },
	{ 400, "", "", "", "Incorrect API key provided", BAD_KEY },
	{ 400, "", "", "", "invalid x-api-key", BAD_KEY },
	{ 400, "", "", "", "invalid authentication", BAD_KEY },
	{ STREAM, "", "", "", "Unauthorized", BAD_KEY },
	{ 400, "", "", "", "access denied due to invalid subscription key", BAD_KEY },
	{ 400, "", "", "", "model_not_found", NO_MODEL },
	{ 400, "", "", "", "this model does not exist", NO_MODEL },
	{ 400, "", "", "", "model not found", NO_MODEL },
	{ 400, "", "", "", "unknown model", NO_MODEL },
	{ 400, "", "", "", "that is not a valid model", NO_MODEL },
	{ 400, "", "", "", "no such model", NO_MODEL },
	{ 404, "", "", "", "DeploymentNotFound", NO_MODEL },
	{ 400, "", "", "", "the model has been deprecated", NO_MODEL },
	{ 400, "", "", "", "decommissioned", NO_MODEL },
	{ 400, "", "", "", "not supported for this account", NO_MODEL },
	{ 400, "", "", "", "the tool does not exist", CALLER, "http_400" },
	{ STREAM, "", "", "", "we are overloaded", OVERLOADED, "overloaded" },
	{ STREAM, "", "", "", "no capacity", OVERLOADED, "overloaded" },
	{ STREAM, "", "", "", "the server is busy", OVERLOADED, "overloaded" },
	{ STREAM, "", "", "", "slow down", OVERLOADED, "overloaded" },
	{ STREAM, "", "", "", "temporarily unavailable", OVERLOADED, "overloaded" },
	{ STREAM, "", "", "", "try again later", OVERLOADED, "overloaded" },
	{ STREAM, "", "", "", "resource exhausted", OVERLOADED, "overloaded" },
	{ STREAM, "", "", "", "loading model", OVERLOADED, "overloaded" },
	{ STREAM, "", "", "", "no healthy upstream", OVERLOADED, "overloaded" },
	{ STREAM, "", "", "", "Rate limit reached, try again later", RATE_LIMITED, "rate_limit" },
	{ STREAM, "", "", "", "Too Many Requests", RATE_LIMITED, "rate_limit" },
	{ 400, "", "", "", "no capacity", CALLER, "http_400" },
	{ 400, "", "", "", "content_filter", POLICY },
	{ 400, "", "", "", "against our content policy", POLICY },
	{ 400, "", "", "", "content management policy", POLICY },
	{ 400, "", "", "", "ResponsibleAIPolicyViolation", POLICY },
	{ 403, "", "", "", "safety system", POLICY },
	{ 400, "", "", "", "data_inspection_failed", POLICY },
	{ 403, "", "", "", "moderation", POLICY },
	{ STREAM, "", "", "", "your prompt was flagged", POLICY },
	{ 400, "", "", "", "stopped by a guardrail", POLICY },
	{ 400, "", "", "", "unsupported parameter: x", BAD_FIELD },
	{ 422, "", "", "", "unsupported value: x", BAD_FIELD },
	{ 400, "", "", "", "Unknown name x", BAD_FIELD },
	{ 400, "", "", "", "x is not supported with this model", BAD_FIELD },
	{ 422, "", "", "", "extra_forbidden", BAD_FIELD },
	{ 400, "", "", "", "got an unexpected keyword argument", BAD_FIELD },
	{ 500, "", "", "", "unexpected keyword", SERVER_ERROR, "http_500" },
};

TEST(messages_decide_what_a_status_leaves_open)
{
	CHECK_ROWS(sayings);
}

TEST_MAIN
