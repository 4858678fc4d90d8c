#include "mock/reply.h"

#include <string.h>
#include <time.h>

#include "mock/words.h"
#include "wire/http_write.h"

#define PUT WEIR_MOCK_PUT

struct sample {
	const char *word; /* "" : of the status alone */
	unsigned status;
	const char *shape;
	const char *type, *code, *param; /* NULL: null */
	const char *message;             /* {model} is replaced */
};

#define INVALID "invalid_request_error"

/* clang-format off */
static const struct sample samples[] = {
	{ "content-policy", 400, "openai", INVALID, "content_policy_violation", NULL,
	  "Your request was rejected as a result of our safety system." },
	{ "context-length", 400, "openai", INVALID, "context_length_exceeded", "messages",
	  "This model's maximum context length is 8192 tokens. However, your messages resulted "
	  "in 9001 tokens. Please reduce the length of the messages." },
	{ "unsupported-parameter", 400, "openai", INVALID, "unsupported_parameter", "max_tokens",
	  "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
	  "'max_completion_tokens' instead." },
	{ "unsupported-value", 400, "openai", INVALID, "unsupported_value", "temperature",
	  "Unsupported value: 'temperature' does not support 0.2 with this model. Only the "
	  "default (1) value is supported." },
	{ "not-found", 404, "openai", INVALID, NULL, NULL, "Invalid URL (POST /v1/chat)" },
	{ "too-large", 429, "openai", "tokens", "rate_limit_exceeded", NULL,
	  "Request too large for {model} on tokens per min (TPM): Limit 30000, Requested 40000." },
	{ "quota", 429, "openai", "insufficient_quota", "insufficient_quota", NULL,
	  "You exceeded your current quota, please check your plan and billing details." },

	{ "html", 200, "html", NULL, NULL, NULL, "" },
	{ "error-200", 200, "openai", "server_error", NULL, NULL,
	  "The server had an error while processing your request." },
	{ "error-event", 200, "openai", "server_error", NULL, NULL,
	  "The server had an error while processing your request." },

	{ "", 400, "openai", INVALID, "invalid_value", "messages",
	  "Invalid value for 'messages': expected at least one message." },
	{ "", 401, "openai", INVALID, "invalid_api_key", NULL,
	  "Incorrect API key provided: sk-mock****mock." },
	{ "", 402, "openai", "billing_error", NULL, NULL, "Payment required." },
	{ "", 403, "openai", "request_forbidden", "unsupported_country_region_territory", NULL,
	  "Country, region, or territory not supported" },
	{ "", 404, "openai", INVALID, "model_not_found", NULL,
	  "The model `{model}` does not exist or you do not have access to it." },
	{ "", 405, "openai", INVALID, NULL, NULL, "Not allowed to use this method here." },
	{ "", 408, "openai", "timeout_error", NULL, NULL, "Request timed out." },
	{ "", 409, "openai", "conflict_error", NULL, NULL, "The request conflicts, try again." },
	{ "", 413, "openai", INVALID, NULL, NULL, "Request body too large." },
	{ "", 415, "openai", INVALID, NULL, NULL, "Unsupported content type." },
	{ "", 422, "detail-list", "missing", NULL, "messages", "Field required" },
	{ "", 425, "openai", "server_error", NULL, NULL, "Too early." },
	{ "", 429, "openai", "requests", "rate_limit_exceeded", NULL,
	  "Rate limit reached for {model} on requests per min (RPM): Limit 500, Used 500." },
	{ "", 500, "openai", "server_error", NULL, NULL,
	  "The server had an error while processing your request. Sorry about that!" },
	{ "", 502, "html", NULL, NULL, NULL, "" },
	{ "", 503, "openai", "service_unavailable_error", "server_is_overloaded", NULL,
	  "The server is currently overloaded, please slow down." },
	{ "", 504, "html", NULL, NULL, NULL, "" },
	{ "", 520, "html", NULL, NULL, NULL, "" },
	{ "", 521, "html", NULL, NULL, NULL, "" },
	{ "", 522, "html", NULL, NULL, NULL, "" },
	{ "", 523, "html", NULL, NULL, NULL, "" },
	{ "", 524, "html", NULL, NULL, NULL, "" },
	{ "", 525, "html", NULL, NULL, NULL, "" },
	{ "", 526, "html", NULL, NULL, NULL, "" },
	{ "", 529, "openai", "overloaded_error", "overloaded", NULL, "Overloaded" },
};

static const struct sample message_samples[] = {
	{ "context-length", 400, "anthropic", INVALID, NULL, NULL,
	  "prompt is too long: 9001 tokens > 8192 maximum" },
	{ "quota", 400, "anthropic", INVALID, NULL, NULL,
	  "Your credit balance is too low to access the Anthropic API." },
	{ "unsupported-value", 400, "anthropic", INVALID, NULL, NULL,
	  "`temperature` is deprecated for this model." },
	{ "content-policy", 400, "anthropic", INVALID, NULL, NULL,
	  "Output blocked by content filtering policy" },
	{ "error-200", 200, "anthropic", "api_error", NULL, NULL, "Internal server error" },
	{ "error-event", 200, "anthropic", "overloaded_error", NULL, NULL, "Overloaded" },
	{ "", 400, "anthropic", INVALID, NULL, NULL, "messages: at least one is required" },
	{ "", 401, "anthropic", "authentication_error", NULL, NULL, "invalid x-api-key" },
	{ "", 402, "anthropic", "billing_error", NULL, NULL, "Payment required." },
	{ "", 403, "anthropic", "permission_error", NULL, NULL, "Request not allowed" },
	{ "", 404, "anthropic", "not_found_error", NULL, NULL, "model: {model}" },
	{ "", 413, "anthropic", "request_too_large", NULL, NULL, "Request is too large" },
	{ "", 429, "anthropic", "rate_limit_error", NULL, NULL,
	  "This request would exceed your organization's rate limit." },
	{ "", 500, "anthropic", "api_error", NULL, NULL, "Internal server error" },
	{ "", 503, "anthropic", "api_error", NULL, NULL, "Service unavailable" },
	{ "", 504, "anthropic", "timeout_error", NULL, NULL, "Request timed out" },
	{ "", 529, "anthropic", "overloaded_error", NULL, NULL, "Overloaded" },
};

static const struct sample generate_samples[] = {
	{ "context-length", 400, "google", "INVALID_ARGUMENT", NULL, NULL,
	  "The input token count (9001) exceeds the maximum number of tokens allowed (8192)." },
	{ "quota", 429, "google", "RESOURCE_EXHAUSTED", NULL, NULL,
	  "Your prepayment credits are depleted." },
	{ "unsupported-parameter", 400, "google", "INVALID_ARGUMENT", NULL, NULL,
	  "Invalid JSON payload received. Unknown name \\\"max_tokens\\\": Cannot find "
	  "field." },
	{ "error-200", 200, "google", "INTERNAL", NULL, NULL, "An internal error has occurred." },
	{ "error-event", 200, "google-line", "INTERNAL", NULL, NULL,
	  "An internal error has occurred." },
	{ "", 400, "google", "INVALID_ARGUMENT", NULL, NULL,
	  "* GenerateContentRequest.contents: contents is not specified" },
	{ "", 401, "google", "UNAUTHENTICATED", NULL, NULL,
	  "Request had invalid authentication credentials." },
	{ "", 403, "google", "PERMISSION_DENIED", NULL, NULL,
	  "Your API key was reported as leaked. Please use another API key." },
	{ "", 404, "google", "NOT_FOUND", NULL, NULL,
	  "models/{model} is not found for API version v1beta, or is not supported for "
	  "generateContent." },
	{ "", 429, "google", "RESOURCE_EXHAUSTED", NULL, NULL,
	  "Resource exhausted. Please try again later." },
	{ "", 500, "google", "INTERNAL", NULL, NULL, "An internal error has occurred." },
	{ "", 503, "google", "UNAVAILABLE", NULL, NULL,
	  "The model is overloaded. Please try again later." },
	{ "", 504, "google", "DEADLINE_EXCEEDED", NULL, NULL, "The request timed out." },
};

static const struct sample azure_samples[] = {
	{ "content-policy", 400, "openai", NULL, "content_filter", "prompt",
	  "The response was filtered due to the prompt triggering Azure OpenAI's content "
	  "management policy." },
	{ "not-found", 404, "azure", NULL, "404", NULL, "Resource not found" },
	{ "", 401, "azure", NULL, "401", NULL,
	  "Access denied due to invalid subscription key or wrong API endpoint." },
	{ "", 404, "azure", NULL, "DeploymentNotFound", NULL,
	  "The API deployment for this resource does not exist." },
	{ "", 408, "azure", NULL, "Timeout", NULL, "The operation was timeout." },
	{ "", 429, "azure", NULL, "429", NULL,
	  "Requests to the ChatCompletions_Create Operation under Azure OpenAI API have exceeded "
	  "token rate limit. Please retry after 7 seconds." },
};

static const struct sample any_2xx = { "", 0, "none", NULL, NULL, NULL, "" };
static const struct sample any_3xx = { "", 0, "html", NULL, NULL, NULL, "" };
static const struct sample any_4xx = { "", 0, "openai", INVALID, NULL, NULL, "Refused." };
static const struct sample any_5xx = { "", 0, "openai", "server_error", NULL, NULL, "Failed." };
/* clang-format on */

static const struct sample *find_sample(const char *word, unsigned status)
{
	for (size_t i = 0; i < WEIR_COUNT_OF(samples); i++)
		if (samples[i].word[0] && strcmp(samples[i].word, word) == 0)
			return &samples[i];
	for (size_t i = 0; i < WEIR_COUNT_OF(samples); i++)
		if (!samples[i].word[0] && samples[i].status == status)
			return &samples[i];
	if (status < 400)
		return status < 300 ? &any_2xx : &any_3xx;
	return status < 500 ? &any_4xx : &any_5xx;
}

/* In the API's own words; statuses it has none for are in its edge's. */
static const struct sample *find_own_sample(const struct sample *own, size_t n, const char *word,
					    unsigned status)
{
	for (size_t i = 0; i < n; i++)
		if (own[i].word[0] ? strcmp(own[i].word, word) == 0 : own[i].status == status)
			return &own[i];
	return find_sample(word, status);
}

static const struct sample *sample_of(const struct weir_mock_ask *ask, const char *word,
				      unsigned status)
{
	if (ask && (ask->route == WEIR_MOCK_MESSAGES || ask->route == WEIR_MOCK_COUNT))
		return find_own_sample(message_samples, WEIR_COUNT_OF(message_samples), word,
				       status);
	if (ask && ask->route == WEIR_MOCK_GENERATE)
		return find_own_sample(generate_samples, WEIR_COUNT_OF(generate_samples), word,
				       status);
	if (ask && ask->azure)
		return find_own_sample(azure_samples, WEIR_COUNT_OF(azure_samples), word, status);
	return find_sample(word, status);
}

/* given, else the sample's, else null. */
static void put_word(struct weir_mock_pen *pen, struct weir_slice given, const char *otherwise)
{
	if (given.base)
		weir_mock_put_json(pen, given);
	else if (otherwise)
		weir_mock_put_json(pen, weir_slice_of(otherwise));
	else
		PUT(pen, "null");
}

/* Samples need no escaping, and a model comes escaped. */
static void put_message(struct weir_mock_pen *pen, const char *text, struct weir_slice model)
{
	const char *at = strstr(text, "{model}");

	PUT(pen, "\"");
	if (at) {
		weir_mock_put(pen, text, (size_t)(at - text));
		weir_mock_put_slice(pen, model);
		text = at + strlen("{model}");
	}
	weir_mock_put_text(pen, text);
	PUT(pen, "\"");
}

static void put_details(struct weir_mock_pen *pen, struct weir_slice retry_after)
{
	if (!weir_slice_starts(retry_after, "info:"))
		return;
	PUT(pen, ",\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\","
		 "\"retryDelay\":");
	weir_mock_put_json(pen, weir_slice(retry_after.base + 5, retry_after.len - 5));
	PUT(pen, "}]");
}

struct weir_slice weir_mock_put_error(struct weir_mock_pen *pen, const struct weir_mock_step *step,
				      unsigned status, const struct weir_mock_ask *ask,
				      const char *sentence)
{
	const struct sample *t = sample_of(ask, step->word, status);
	struct weir_slice model = ask ? weir_slice(ask->model, ask->model_len) : WEIR_SLICE("");
	const struct weir_mock_shape *shape = weir_mock_shape(
		step->shape.base ? step->shape : weir_slice_of(t->shape));

	for (const char *p = shape->pattern; *p; p++) {
		if (*p != '$') {
			weir_mock_put(pen, p, 1);
			continue;
		}
		p++;
		if (*p == 'M' && step->message.base)
			weir_mock_put_json(pen, step->message);
		else if (*p == 'M')
			put_message(pen, sentence ? sentence : t->message, model);
		else if (*p == 'T')
			put_word(pen, step->type, t->type);
		else if (*p == 'P')
			put_word(pen, step->param, t->param);
		else if (*p == 'C')
			put_word(pen, step->code, t->code);
		else if (*p == 'S')
			weir_mock_put_u64(pen, status);
		else if (*p == 'D')
			put_details(pen, step->retry_after);
	}
	return weir_slice_of(shape->content_type);
}

static void put_date(struct weir_mock_pen *pen, uint64_t ahead_s)
{
	time_t when = time(NULL) + (time_t)ahead_s;
	struct tm tm;
	char text[40] = "";

	if (gmtime_r(&when, &tm))
		strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	weir_mock_put_text(pen, text);
}

static void put_retry_after(struct weir_mock_pen *pen, struct weir_slice value)
{
	uint64_t ahead_s;

	if (weir_slice_starts(value, "info:"))
		return;
	if (weir_slice_starts(value, "ms:")) {
		PUT(pen, "retry-after-ms: ");
		weir_mock_put(pen, value.base + 3, value.len - 3);
	} else if (weir_slice_starts(value, "date:") &&
		   weir_slice_to_u64(weir_slice(value.base + 5, value.len - 5), &ahead_s) &&
		   ahead_s < UINT32_MAX) {
		PUT(pen, "retry-after: ");
		put_date(pen, ahead_s);
	} else {
		PUT(pen, "retry-after: ");
		weir_mock_put_slice(pen, value);
	}
	PUT(pen, "\r\n");
}

static void put_headers(struct weir_mock_pen *pen, const struct weir_mock_step *step)
{
	for (unsigned i = 0; i < step->headers_n; i++) {
		struct weir_slice h = step->headers[i];
		size_t name = (size_t)((const char *)memchr(h.base, ':', h.len) - h.base);

		weir_mock_put(pen, h.base, name);
		PUT(pen, ": ");
		weir_mock_put(pen, h.base + name + 1, h.len - name - 1);
		PUT(pen, "\r\n");
	}
	if (step->retry_after.base)
		put_retry_after(pen, step->retry_after);
	if (step->encoding.base) {
		PUT(pen, "content-encoding: ");
		weir_mock_put_slice(pen, step->encoding);
		PUT(pen, "\r\n");
	}
}

static void put_status_line(struct weir_mock_pen *pen, uint64_t minor, unsigned status)
{
	char digits[3] = { (char)('0' + status / 100 % 10), (char)('0' + status / 10 % 10),
			   (char)('0' + status % 10) };

	PUT(pen, "HTTP/1.");
	weir_mock_put_u64(pen, minor);
	PUT(pen, " ");
	weir_mock_put(pen, digits, sizeof digits);
	PUT(pen, " ");
	weir_mock_put_text(pen, weir_http_phrase(status));
	PUT(pen, "\r\n");
}

void weir_mock_put_head(struct weir_mock_pen *pen, const struct weir_mock_head *head)
{
	put_status_line(pen, head->step->minor, head->status);
	if (head->content_type.len) {
		PUT(pen, "content-type: ");
		weir_mock_put_slice(pen, head->content_type);
		PUT(pen, "\r\n");
	}
	if (head->framing == WEIR_MOCK_FRAMING_LENGTH && head->status != 204 &&
	    head->status != 304) {
		PUT(pen, "content-length: ");
		weir_mock_put_u64(pen, head->length);
		PUT(pen, "\r\n");
	} else if (head->framing == WEIR_MOCK_FRAMING_CHUNKED) {
		PUT(pen, "transfer-encoding: chunked\r\n");
	}
	if (head->close)
		PUT(pen, "connection: close\r\n");
	if (head->status >= 300 && head->status < 400)
		PUT(pen, "location: http://127.0.0.1:9/elsewhere\r\n");
	PUT(pen, "x-request-id: req_");
	weir_mock_put_text(pen, head->vendor);
	PUT(pen, "_");
	weir_mock_put_u64(pen, head->serial);
	PUT(pen, "\r\n");
	put_headers(pen, head->step);
}

void weir_mock_put_info(struct weir_mock_pen *pen, unsigned status)
{
	put_status_line(pen, 1, status);
	PUT(pen, "x-info: mock\r\n\r\n");
}
