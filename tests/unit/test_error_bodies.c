/* From the bytes of a provider's error to what becomes of the request. */
#include "test.h"

#include "dialect/anthropic.h"
#include "dialect/openai.h"

struct row {
	const char *who;
	unsigned status;
	const char *body;
	enum weir_outcome outcome;
	const char *reason;
};

/* Who says it in which shape. */
static const struct row openai[] = {
	{ "OpenAI", 429,
	  "{\"error\":{\"message\":\"You exceeded your current quota\",\"type\":"
	  "\"insufficient_quota\",\"param\":null,\"code\":\"insufficient_quota\"}}",
	  WEIR_OUT_QUOTA, "insufficient_quota" },
	{ "Groq", 413,
	  "{\"error\":{\"message\":\"Request too large for model `x` on tokens per minute (TPM): "
	  "Limit 6000, Requested 8000\",\"type\":\"tokens\",\"code\":\"rate_limit_exceeded\"}}",
	  WEIR_OUT_NOT_HERE, "request_too_large" },
	{ "Together", 403,
	  "{\"error\":{\"message\":\"Input validation error: `inputs` tokens + `max_new_tokens` "
	  "must be <= 4097\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":null}}",
	  WEIR_OUT_NOT_HERE, "context_length" },
	{ "DeepSeek", 402,
	  "{\"error\":{\"message\":\"Insufficient Balance\",\"type\":\"unknown_error\",\"param\":"
	  "null,\"code\":\"invalid_request_error\"}}",
	  WEIR_OUT_QUOTA, "quota" },
	{ "vLLM", 400,
	  "{\"error\":{\"message\":\"This model's maximum context length is 4096 tokens.\","
	  "\"type\":\"BadRequestError\",\"param\":null,\"code\":400}}",
	  WEIR_OUT_NOT_HERE, "context_length" },
	{ "Google", 429,
	  "[{\"error\":{\"code\":429,\"message\":\"Resource exhausted.\",\"status\":"
	  "\"RESOURCE_EXHAUSTED\",\"details\":[]}}]",
	  WEIR_OUT_RATE_LIMITED, "rate_limit" },
	{ "Azure", 404,
	  "{\"error\":{\"code\":\"DeploymentNotFound\",\"message\":\"The API deployment for this "
	  "resource does not exist.\"}}",
	  WEIR_OUT_NOT_HERE, "model_not_found" },
	{ "Azure", 400,
	  "{\"error\":{\"message\":\"The response was filtered due to the prompt triggering Azure "
	  "OpenAI's content management policy.\",\"type\":null,\"param\":\"prompt\",\"code\":"
	  "\"content_filter\",\"status\":400,\"innererror\":{\"code\":"
	  "\"ResponsibleAIPolicyViolation\",\"content_filter_result\":{\"hate\":{\"filtered\":"
	  "false,\"severity\":\"safe\"},\"jailbreak\":{\"filtered\":true,\"detected\":true}}}}}",
	  WEIR_OUT_CALLER, "content_policy" },
	{ "Azure", 401,
	  "{\"error\":{\"code\":\"401\",\"message\":\"Access denied due to invalid subscription "
	  "key or wrong API endpoint.\"}}",
	  WEIR_OUT_CREDENTIALS, "auth" },
	{ "Azure API Management", 401,
	  "{\"statusCode\":401,\"message\":\"Access denied due to missing subscription key.\"}",
	  WEIR_OUT_CREDENTIALS, "auth" },
	{ "Azure API Management", 429,
	  "{\"statusCode\":429,\"message\":\"Rate limit is exceeded. Try again in 7 seconds.\"}",
	  WEIR_OUT_RATE_LIMITED, "http_429" },
	{ "OpenRouter", 200,
	  "{\"error\":{\"code\":502,\"message\":\"Provider returned error\",\"metadata\":{\"raw\":"
	  "\"{}\",\"provider_name\":\"x\"}},\"user_id\":\"u\"}",
	  WEIR_OUT_SERVER_ERROR, "error_200" },
	{ "OpenRouter", 200,
	  "{\"error\":{\"code\":429,\"message\":\"Rate limit exceeded\"},\"user_id\":\"u\"}",
	  WEIR_OUT_RATE_LIMITED, "rate_limit" },
	{ "OpenRouter", 403,
	  "{\"error\":{\"code\":403,\"message\":\"openai/gpt-4o requires moderation. Your input "
	  "was flagged\",\"metadata\":{\"reasons\":[\"violence\"]}}}",
	  WEIR_OUT_CALLER, "content_policy" },
	{ "LM Studio", 400, "{\"error\":\"The prompt exceeds the context length\"}",
	  WEIR_OUT_NOT_HERE, "context_length" },
	{ "Ollama", 404, "{\"error\":\"model 'x' not found, try pulling it first\"}",
	  WEIR_OUT_NOT_HERE, "model_not_found" },
	{ "xAI", 400,
	  "{\"code\":\"Client specified an invalid argument\",\"error\":\"Incorrect API key "
	  "provided: xa***.\"}",
	  WEIR_OUT_CREDENTIALS, "auth" },
	{ "Mistral", 400,
	  "{\"object\":\"error\",\"message\":\"Invalid model: x\",\"type\":\"invalid_model\","
	  "\"param\":null,\"code\":\"1500\",\"raw_status_code\":400}",
	  WEIR_OUT_NOT_HERE, "model_not_found" },
	{ "Mistral", 422,
	  "{\"detail\":[{\"type\":\"extra_forbidden\",\"loc\":[\"body\",\"user\"],\"msg\":\"Extra "
	  "inputs are not permitted\"}]}",
	  WEIR_OUT_REPAIRABLE, "unsupported_parameter" },
	{ "Mistral's gateway", 401, "{\"message\":\"Unauthorized\",\"request_id\":\"r\"}",
	  WEIR_OUT_CREDENTIALS, "auth" },
	{ "SGLang", 400,
	  "{\"object\":\"error\",\"message\":\"The input (5000 tokens) is longer than the model's "
	  "context length (4096 "
	  "tokens).\",\"type\":\"BadRequestError\",\"param\":null,\"code\":400}",
	  WEIR_OUT_NOT_HERE, "context_length" },
	{ "Cerebras", 429,
	  "{\"message\":\"Requests per day limit exceeded\",\"type\":\"too_many_requests_error\","
	  "\"param\":\"quota\",\"code\":\"request_quota_exceeded\"}",
	  WEIR_OUT_RATE_LIMITED, "http_429" },
	{ "Cohere", 429, "{\"id\":\"i\",\"message\":\"You are using a Trial key\"}",
	  WEIR_OUT_RATE_LIMITED, "http_429" },
	{ "AWS", 403, "{\"Message\":\"The security token included in the request is expired\"}",
	  WEIR_OUT_CREDENTIALS, "auth" },
	{ "AWS", 400, "{\"message\":\"Input is too long for requested model.\"}", WEIR_OUT_NOT_HERE,
	  "context_length" },
	{ "NIM", 422, "{\"detail\":\"Unprocessable\"}", WEIR_OUT_CALLER, "http_422" },
	{ "DeepInfra", 429, "{\"detail\":{\"error\":\"Model busy, retry later\"}}",
	  WEIR_OUT_RATE_LIMITED, "http_429" },
	{ "Cloudflare", 401,
	  "{\"errors\":[{\"message\":\"Authentication error\",\"code\":10000}],\"success\":false}",
	  WEIR_OUT_CREDENTIALS, "auth" },
	{ "MiniMax", 200,
	  "{\"id\":\"i\",\"choices\":null,\"base_resp\":{\"status_code\":1008,\"status_msg\":"
	  "\"insufficient balance\"}}",
	  WEIR_OUT_QUOTA, "insufficient_quota" },
	{ "llama.cpp", 500,
	  "{\"error\":{\"code\":500,\"message\":\"Context size has been exceeded.\",\"type\":"
	  "\"server_error\"}}",
	  WEIR_OUT_NOT_HERE, "context_length" },
	{ "llama.cpp", 503,
	  "{\"error\":{\"code\":503,\"message\":\"Loading model\",\"type\":\"unavailable_error\"}}",
	  WEIR_OUT_OVERLOADED, "overloaded" },
	{ "an edge", 502, "<html><head><title>502 Bad Gateway</title></head></html>",
	  WEIR_OUT_SERVER_ERROR, "http_502" },
	{ "an edge", 403, "<html><body>Request not allowed</body></html>", WEIR_OUT_CREDENTIALS,
	  "auth" },
	{ "a load balancer", 503, "no healthy upstream", WEIR_OUT_OVERLOADED, "http_503" },
	{ "nobody", 500, "", WEIR_OUT_SERVER_ERROR, "http_500" },
};

static const struct row anthropic[] = {
	{ "Anthropic", 400,
	  "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"Your "
	  "credit balance is too low to access the Anthropic API. Please go to Plans & Billing "
	  "to upgrade or purchase credits.\"},\"request_id\":\"req_1\"}",
	  WEIR_OUT_QUOTA, "insufficient_quota" },
	{ "Anthropic", 400,
	  "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"m\","
	  "\"details\":{\"error_code\":\"organization_on_hold\"}}}",
	  WEIR_OUT_CREDENTIALS, "auth" },
	{ "Anthropic", 429,
	  "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"m\","
	  "\"details\":{\"error_code\":\"enforced_spend_limit_reached\"}}}",
	  WEIR_OUT_QUOTA, "billing" },
	{ "Anthropic", 529,
	  "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}"
	  "}",
	  WEIR_OUT_OVERLOADED, "overloaded" },
	{ "Anthropic", 404,
	  "{\"type\":\"error\",\"error\":{\"type\":\"not_found_error\",\"message\":\"model: x\"}}",
	  WEIR_OUT_NOT_HERE, "model_not_found" },
	{ "Anthropic's edge", 413, "<html>413 Request Entity Too Large</html>", WEIR_OUT_CALLER,
	  "http_413" },
};

static void check_rows(const struct weir_dialect *dialect, enum weir_route route,
		       const struct row *rows, size_t n)
{
	struct weir_reading r;
	struct weir_verdict v;
	struct weir_buf scratch;

	weir_buf_init(&scratch, 64 * 1024);
	for (size_t i = 0; i < n; i++) {
		int before = test_failures;

		dialect->read_body(route, weir_slice_of(rows[i].body), &scratch, &r);
		CHECK(!r.no_memory);
		if (rows[i].status == 200)
			CHECK(r.error);
		r.failure.status = rows[i].status;
		v = weir_classify(&r.failure);
		CHECK_STR(weir_outcome_name(v.outcome), weir_outcome_name(rows[i].outcome));
		CHECK_STR(v.reason, rows[i].reason);
		if (test_failures > before)
			NOTE("%s, %u: %s", rows[i].who, rows[i].status, rows[i].body);
	}
	weir_buf_fini(&scratch);
}

TEST(what_openai_and_those_like_it_answer)
{
	check_rows(&weir_openai, WEIR_ROUTE_CHAT, openai, sizeof openai / sizeof *openai);
}

TEST(what_anthropic_answers)
{
	check_rows(&weir_anthropic, WEIR_ROUTE_MESSAGES, anthropic,
		   sizeof anthropic / sizeof *anthropic);
}

TEST_MAIN
