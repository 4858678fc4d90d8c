/* Four tables, then a short function. To teach weir a provider's words, add a row. */
#include "policy/classify.h"

#include "base/attr.h"

/* What is looked at of a code, a type, a message. */
enum { WORD_MAX = 128, MESSAGE_MAX = 1024, TEXT_MAX = 2 * WORD_MAX + MESSAGE_MAX + 4 };

/* clang-format off */
/* What can be said about a failure. */
static const struct weir_verdict
	too_long      = { WEIR_OUT_NOT_HERE, "context_length", .overflow = true },
	no_model      = { WEIR_OUT_NOT_HERE, "model_not_found", .model_unknown = true },
	never_fits    = { WEIR_OUT_NOT_HERE, "request_too_large", .never_fits = true },
	cannot        = { WEIR_OUT_NOT_HERE, "unsupported" },
	bad_image     = { WEIR_OUT_NOT_HERE, "image" },
	bad_field     = { WEIR_OUT_REPAIRABLE, "unsupported_parameter" },
	policy        = { WEIR_OUT_CALLER, "content_policy", .content_policy = true },
	not_found     = { WEIR_OUT_CALLER, "http_404" },
	bad_key       = { WEIR_OUT_CREDENTIALS, "auth" },
	no_money      = { WEIR_OUT_QUOTA, "insufficient_quota" },
	billing       = { WEIR_OUT_QUOTA, "billing" },
	too_many      = { WEIR_OUT_RATE_LIMITED, "rate_limit" },
	daily         = { WEIR_OUT_RATE_LIMITED, "quota_per_day" },
	busy          = { WEIR_OUT_OVERLOADED, "overloaded" },
	broken        = { WEIR_OUT_SERVER_ERROR, "server_error" },
	bad_output    = { WEIR_OUT_SERVER_ERROR, "generation_failed" },
	bad_status    = { WEIR_OUT_SERVER_ERROR, "bad_status" },
	error_in_200  = { WEIR_OUT_SERVER_ERROR, "error_200" },
	error_event   = { WEIR_OUT_SERVER_ERROR, "error_event" },
	other_4xx     = { WEIR_OUT_CALLER, "http_error" },
	other_5xx     = { WEIR_OUT_SERVER_ERROR, "http_error" };
/* clang-format on */

/* Codes and types that decide by themselves, in any case; * stands for any ending. */
static const struct word_row {
	const char *word;
	const struct weir_verdict *verdict;
} words[] = {
	{ "context_length_exceeded", &too_long },
	{ "exceed_context_size_error", &too_long },
	{ "tokens_limit_reached", &too_long },
	{ "unsupported_parameter", &bad_field },
	{ "unsupported_value", &bad_field },
	{ "unknown_parameter", &bad_field },
	{ "extra_forbidden", &bad_field },
	{ "invalid_prompt", &policy },
	{ "content_policy_violation", &policy },
	{ "image_content_policy_violation", &policy },
	{ "content_filter", &policy },
	{ "moderation_blocked", &policy },
	{ "ResponsibleAIPolicyViolation", &policy },
	{ "bio_policy", &policy },
	{ "misalignment_policy_violation", &policy },
	{ "data_inspection_failed", &policy },
	{ "DataInspectionFailed", &policy },
	{ "invalid_image*", &bad_image },
	{ "invalid_base64*", &bad_image },
	{ "image_*", &bad_image },
	{ "not_supported_error", &cannot },
	{ "data_residency_mismatch", &cannot },
	{ "previous_response_not_found", &not_found },
	{ "model_not_found", &no_model },
	{ "unknown_model", &no_model },
	{ "unavailable_model", &no_model },
	{ "invalid_model", &no_model },
	{ "model_not_available", &no_model },
	{ "model_decommissioned", &no_model },
	{ "model_terms_required", &no_model },
	{ "model_permission_blocked*", &no_model },
	{ "DeploymentNotFound", &no_model },
	{ "ResourceNotFoundException", &no_model },
	{ "invalid_api_key", &bad_key },
	{ "API_KEY_*", &bad_key },
	{ "account_deactivated", &bad_key },
	{ "invalid_organization", &bad_key },
	{ "mismatched_organization", &bad_key },
	{ "organization_on_hold", &bad_key },
	{ "unsupported_country_region_territory", &bad_key },
	{ "AccessDeniedException", &bad_key },
	{ "UnrecognizedClientException", &bad_key },
	{ "ExpiredToken*", &bad_key },
	{ "InvalidSignature*", &bad_key },
	{ "insufficient_quota", &no_money },
	{ "exceeded_current_quota_error", &no_money },
	{ "ServiceQuotaExceededException", &no_money },
	{ "1113", &no_money }, /* Z.AI */
	{ "Arrearage", &no_money },
	{ "billing_error", &billing },
	{ "billing_hard_limit_reached", &billing },
	{ "billing_not_active", &billing },
	{ "BILLING_DISABLED", &billing }, /* Google */
	{ "contract_spend_limit_reached", &billing },
	{ "enforced_spend_limit_reached", &billing },
	{ "ramp_limit_exceeded", &too_many },
	{ "1302", &too_many }, /* Z.AI */
	{ "1303", &too_many },
	{ "1305", &too_many },
	{ "overloaded_error", &busy },
	{ "server_is_overloaded", &busy },
	{ "slow_down", &busy },
	{ "service_unavailable_error", &busy },
	{ "unavailable_error", &busy },
	{ "engine_overloaded_error", &busy },
	{ "queue_exceeded", &busy },
	{ "capacity_exceeded", &busy },
	{ "resource_unavailable", &busy },
	{ "ModelNotReadyException", &busy },
	{ "ServiceUnavailableException", &busy },
	{ "ModelErrorException", &broken },
	{ "ModelStreamErrorException", &broken },
	{ "ModelTimeoutException", &broken },
	{ "InternalServerException", &broken },
	{ "CANCELLED", &broken },
	{ "vector_store_timeout", &broken },
	{ "MALFORMED_*", &bad_output }, /* Gemini's finish reasons */
	{ "UNEXPECTED_TOOL_CALL", &bad_output },
	{ "TOO_MANY_TOOL_CALLS", &bad_output },
	{ "quota_of_nothing", &no_model }, /* what Gemini's quotas come to */
	{ "quota_per_day", &daily },
	{ "tool_use_failed", &bad_output },
	{ "json_validate_failed", &bad_output },
};

/* Codes and types that are a status by another name. Those that stand beside several
 * statuses count only where the status says nothing: inside a 200. */
static const struct name_row {
	const char *word;
	unsigned status;
	bool only_in_200;
} names[] = {
	{ "rate_limit_exceeded", 429, false },
	{ "rate_limit_error", 429, false },
	{ "rate_limit_reached_error", 429, false },
	{ "RateLimitReached", 429, false },
	{ "too_many_requests*", 429, false },
	{ "request_quota_exceeded", 429, false },
	{ "token_quota_exceeded", 429, false },
	{ "Throttling*", 429, false },
	{ "RESOURCE_EXHAUSTED", 429, false },
	{ "request_too_large", 413, false },
	{ "authentication_error", 401, false },
	{ "UNAUTHENTICATED", 401, false },
	{ "permission_error", 403, false },
	{ "PERMISSION_DENIED", 403, false },
	{ "UNAVAILABLE", 503, false },
	{ "invalid_request_error", 400, true },
	{ "INVALID_ARGUMENT", 400, true },
	{ "FAILED_PRECONDITION", 400, true },
	{ "ValidationException", 400, true },
	{ "not_found_error", 404, true },
	{ "NOT_FOUND", 404, true },
};

/* What a message says, where neither code nor type is known. Lower case; `also` must be
 * in it, too. What would bench a key or a model counts only outside quotation marks, and
 * only in a message that names no parameter: else a caller's own words, echoed back,
 * could take a target from everybody. */
enum {
	AT_400 = 1, /* and 422 */
	AT_403 = 2,
	AT_404 = 4, /* and 410 */
	AT_413 = 8,
	AT_429 = 16,
	AT_4XX = 32, /* any other but 401, 402, 405, 408, 409, 425 */
	AT_500 = 64,
	AT_200 = 128,
	AT_LONG = AT_400 | AT_403 | AT_413 | AT_500 | AT_200,
	AT_POLICY = AT_400 | AT_403 | AT_4XX | AT_200,
	AT_MONEY = AT_400 | AT_403 | AT_429 | AT_4XX | AT_200,
	AT_MODEL = AT_400 | AT_403 | AT_404 | AT_200
};

static const struct says_row {
	const char *text, *also;
	unsigned where;
	const struct weir_verdict *verdict;
} says[] = {
	{ "unsupported parameter", NULL, AT_400, &bad_field },
	{ "unsupported value", NULL, AT_400, &bad_field },
	{ "unknown name", NULL, AT_400, &bad_field },
	{ "extra inputs are not permitted", NULL, AT_400, &bad_field },
	{ "extra_forbidden", NULL, AT_400, &bad_field },
	{ "unrecognized request argument", NULL, AT_400, &bad_field },
	{ "unexpected keyword", NULL, AT_400, &bad_field },
	{ "unknown variant", NULL, AT_400, &bad_field },
	{ "is not supported with this model", NULL, AT_400, &bad_field },
	{ "is not supported for this model", NULL, AT_400, &bad_field },
	{ "is not supported on this model", NULL, AT_400, &bad_field },
	{ "is deprecated for this model", NULL, AT_400, &bad_field },
	{ "cannot both be specified", NULL, AT_400, &bad_field },
	{ "may not be enabled when tool_choice", NULL, AT_400, &bad_field },
	{ "use /v1/responses", NULL, AT_400, &bad_field },
	{ "`signature` in `thinking`", NULL, AT_400, &bad_field },
	{ "thinking", "cannot be modified", AT_400, &bad_field },
	{ "when `thinking` is enabled", NULL, AT_400, &bad_field },
	{ "missing a thought_signature", NULL, AT_400, &bad_field },

	{ "context length", NULL, AT_LONG, &too_long },
	{ "context_length", NULL, AT_LONG, &too_long },
	{ "context window", NULL, AT_LONG, &too_long },
	{ "context size", NULL, AT_LONG, &too_long },
	{ "maximum context", NULL, AT_LONG, &too_long },
	{ "exceed context limit", NULL, AT_LONG, &too_long },
	{ "exceed_context_size", NULL, AT_LONG, &too_long },
	{ "longer than the model's context", NULL, AT_LONG, &too_long },
	{ "prompt is too long", NULL, AT_LONG, &too_long },
	{ "input is too long", NULL, AT_LONG, &too_long },
	{ "too many input tokens", NULL, AT_LONG, &too_long },
	{ "too many tokens", NULL, AT_LONG & ~AT_200, &too_long },
	{ "exceeds the maximum number of tokens", NULL, AT_LONG, &too_long },
	{ "tokens_limit_reached", NULL, AT_LONG, &too_long },
	{ "input tokens exceed", NULL, AT_LONG, &too_long },
	{ "reduce the length of the messages", NULL, AT_LONG, &too_long },
	{ "passed", "input tokens", AT_LONG, &too_long },
	{ "inputs tokens + max_new_tokens", NULL, AT_LONG, &too_long },
	{ "tokens + ", "must be", AT_LONG, &too_long },
	{ "max_tokens", "maximum allowed", AT_400, &bad_field },
	{ "max_tokens", "too large", AT_400, &bad_field },
	{ "max_tokens", "must be less than or equal", AT_400, &bad_field },
	{ "max_tokens must be", NULL, AT_400, &bad_field },
	{ "max_completion_tokens", "too large", AT_400, &bad_field },
	{ "must be <=", "tokens", AT_LONG, &too_long },

	{ "content_filter", NULL, AT_POLICY, &policy },
	{ "content filter", NULL, AT_POLICY, &policy },
	{ "content policy", NULL, AT_POLICY, &policy },
	{ "content management policy", NULL, AT_POLICY, &policy },
	{ "content_policy", NULL, AT_POLICY, &policy },
	{ "responsibleaipolicyviolation", NULL, AT_POLICY, &policy },
	{ "safety system", NULL, AT_POLICY, &policy },
	{ "data_inspection_failed", NULL, AT_POLICY, &policy },
	{ "moderation", NULL, AT_POLICY, &policy },
	{ "flagged", NULL, AT_POLICY, &policy },
	{ "guardrail", NULL, AT_POLICY, &policy },
	{ "blocked input", NULL, AT_4XX, &policy },

	{ "request too large", NULL, AT_429, &never_fits },
	/* Google says "exceeded your current quota" of limits per minute as well. */
	{ "resource_exhausted", "depleted", AT_429, &no_money },
	{ "resource_exhausted", NULL, AT_429, &too_many },
	{ "exceeded your current quota", "ai.google.dev", AT_429, &too_many },
	{ "quota exceeded for metric", NULL, AT_429 | AT_200, &too_many },
	{ "insufficient_quota", NULL, AT_MONEY, &no_money },
	{ "insufficient balance", NULL, AT_MONEY, &no_money },
	{ "insufficient credit", NULL, AT_MONEY, &no_money },
	{ "credit balance is too low", NULL, AT_MONEY, &no_money },
	{ "out of credits", NULL, AT_MONEY, &no_money },
	{ "credits", "depleted", AT_MONEY, &no_money },
	{ "arrearage", NULL, AT_MONEY, &no_money },
	{ "specified api usage limits", NULL, AT_MONEY, &no_money },
	{ "exceeded your current quota", NULL, AT_MONEY, &no_money },
	{ "usage limits", NULL, AT_MONEY & ~AT_400, &no_money },
	{ "spend limit", NULL, AT_MONEY, &billing },
	{ "spending limit", NULL, AT_MONEY, &billing },
	{ "payment required", NULL, AT_MONEY, &billing },
	{ "billing", "enable", AT_MONEY, &billing },
	{ "billing", NULL, AT_MONEY & ~AT_400, &billing },
	{ "suspended", NULL, AT_4XX, &billing },

	{ "api key not valid", NULL, AT_400 | AT_200, &bad_key },
	{ "api key expired", NULL, AT_400 | AT_200, &bad_key },
	{ "invalid api key", NULL, AT_400 | AT_200, &bad_key },
	{ "incorrect api key", NULL, AT_400 | AT_200, &bad_key },
	{ "invalid x-api-key", NULL, AT_400 | AT_200, &bad_key },
	{ "invalid authentication", NULL, AT_400 | AT_200, &bad_key },
	{ "invalid subscription key", NULL, AT_400 | AT_200, &bad_key },
	{ "location is not supported", NULL, AT_400 | AT_200, &bad_key },
	{ "unauthorized", NULL, AT_200, &bad_key },
	{ "login fail", NULL, AT_200, &bad_key },

	{ "no endpoints found that", NULL, AT_404, &cannot },
	{ "no endpoints found matching", NULL, AT_404, &cannot },
	{ "model_not_found", NULL, AT_MODEL, &no_model },
	{ "model not found", NULL, AT_MODEL, &no_model },
	{ "model not exist", NULL, AT_MODEL, &no_model },
	{ "unknown model", NULL, AT_MODEL, &no_model },
	{ "invalid model", NULL, AT_MODEL, &no_model },
	{ "no such model", NULL, AT_MODEL, &no_model },
	{ "not a valid model", NULL, AT_MODEL, &no_model },
	{ "model identifier is invalid", NULL, AT_MODEL, &no_model },
	{ "on-demand throughput", NULL, AT_MODEL, &no_model },
	{ "access to model", NULL, AT_MODEL, &no_model },
	{ "access to the model", NULL, AT_MODEL, &no_model },
	{ "model", "does not exist", AT_MODEL, &no_model },
	{ "model", "has been deprecated", AT_MODEL, &no_model },
	{ "decommissioned", NULL, AT_MODEL, &no_model },
	{ "try pulling it first", NULL, AT_MODEL, &no_model },
	{ "non-serverless", NULL, AT_MODEL, &no_model },
	{ "not supported for this account", NULL, AT_MODEL, &no_model },
	{ "not found for account", NULL, AT_404, &no_model },
	{ "no endpoints found for", NULL, AT_404, &no_model },
	{ "requested entity was not found", NULL, AT_404, &no_model },
	{ "deployment", NULL, AT_404, &no_model },
	{ "model", NULL, AT_404, &no_model },

	{ "rate limit", NULL, AT_200, &too_many },
	{ "rate_limit", NULL, AT_200, &too_many },
	{ "ratelimit", NULL, AT_200, &too_many },
	{ "too many requests", NULL, AT_200, &too_many },
	{ "overloaded", NULL, AT_4XX | AT_200, &busy },
	{ "capacity", NULL, AT_4XX | AT_200, &busy },
	{ "server is busy", NULL, AT_4XX | AT_200, &busy },
	{ "slow down", NULL, AT_200, &busy },
	{ "temporarily unavailable", NULL, AT_200, &busy },
	{ "try again later", NULL, AT_200, &busy },
	{ "resource exhausted", NULL, AT_200, &busy },
	{ "loading model", NULL, AT_200, &busy },
	{ "no healthy upstream", NULL, AT_200, &busy },

	/* All that Gemini is asked has been translated: it may be our own fault. */
	{ "invalid_translation", NULL, AT_400, &cannot },
};

/* What a status says when nothing else does. */
static const struct status_row {
	unsigned status;
	struct weir_verdict verdict;
} statuses[] = {
	{ 400, { WEIR_OUT_CALLER, "http_400" } },
	{ 401, { WEIR_OUT_CREDENTIALS, "auth" } },
	{ 402, { WEIR_OUT_QUOTA, "quota" } },
	{ 403, { WEIR_OUT_CREDENTIALS, "auth" } },
	{ 404, { WEIR_OUT_CALLER, "http_404" } },
	{ 405, { WEIR_OUT_CALLER, "http_405" } },
	{ 406, { WEIR_OUT_CALLER, "http_406" } },
	{ 408, { WEIR_OUT_SERVER_ERROR, "http_408" } },
	{ 409, { WEIR_OUT_SERVER_ERROR, "http_409" } },
	{ 410, { WEIR_OUT_CALLER, "http_410" } },
	{ 411, { WEIR_OUT_CALLER, "http_411" } },
	{ 412, { WEIR_OUT_CALLER, "http_412" } },
	{ 413, { WEIR_OUT_CALLER, "http_413" } },
	{ 414, { WEIR_OUT_CALLER, "http_414" } },
	{ 415, { WEIR_OUT_CALLER, "http_415" } },
	{ 417, { WEIR_OUT_CALLER, "http_417" } },
	{ 421, { WEIR_OUT_CALLER, "http_421" } },
	{ 422, { WEIR_OUT_CALLER, "http_422" } },
	{ 424, { WEIR_OUT_CALLER, "http_424" } },
	{ 425, { WEIR_OUT_SERVER_ERROR, "http_425" } },
	{ 426, { WEIR_OUT_CALLER, "http_426" } },
	{ 429, { WEIR_OUT_RATE_LIMITED, "http_429" } },
	{ 431, { WEIR_OUT_CALLER, "http_431" } },
	{ 451, { WEIR_OUT_CALLER, "http_451" } },
	{ 498, { WEIR_OUT_CALLER, "http_498" } },
	{ 499, { WEIR_OUT_CALLER, "http_499" } },
	{ 500, { WEIR_OUT_SERVER_ERROR, "http_500" } },
	{ 501, { WEIR_OUT_SERVER_ERROR, "http_501" } },
	{ 502, { WEIR_OUT_SERVER_ERROR, "http_502" } },
	{ 503, { WEIR_OUT_OVERLOADED, "http_503" } },
	{ 504, { WEIR_OUT_SERVER_ERROR, "http_504" } },
	{ 520, { WEIR_OUT_SERVER_ERROR, "http_520" } }, /* to 526: Cloudflare's edge */
	{ 521, { WEIR_OUT_SERVER_ERROR, "http_521" } },
	{ 522, { WEIR_OUT_SERVER_ERROR, "http_522" } },
	{ 523, { WEIR_OUT_SERVER_ERROR, "http_523" } },
	{ 524, { WEIR_OUT_SERVER_ERROR, "http_524" } },
	{ 525, { WEIR_OUT_SERVER_ERROR, "http_525" } },
	{ 526, { WEIR_OUT_SERVER_ERROR, "http_526" } },
	{ 529, { WEIR_OUT_OVERLOADED, "http_529" } },
};
static bool is_word(struct weir_slice s, const char *word)
{
	size_t n;

	if ((*s.base ^ *word) & ~('a' ^ 'A')) /* of most of them that is all that is looked at */
		return false;
	n = strlen(word);
	if (word[n - 1] == '*')
		return s.len >= n - 1 && weir_equal_nocase(s.base, word, n - 1);
	return weir_slice_is_nocase(s, word);
}

static const struct weir_verdict *find_word(struct weir_slice s)
{
	for (size_t i = 0; s.len && i < WEIR_COUNT_OF(words); i++)
		if (is_word(s, words[i].word))
			return words[i].verdict;
	return NULL;
}

static unsigned find_name(struct weir_slice s, bool in_200)
{
	uint64_t number;

	for (size_t i = 0; s.len && i < WEIR_COUNT_OF(names); i++)
		if ((in_200 || !names[i].only_in_200) && is_word(s, names[i].word))
			return names[i].status;
	if (in_200 && weir_slice_to_u64(s, &number) && number >= 400 && number < 600)
		return (unsigned)number;
	return 0;
}

static bool is_in_200(const struct weir_failure *f)
{
	return f->in_stream || f->status == 200;
}

/* The status that is meant, whatever the one on the answer. */
static unsigned meant_status(const struct weir_failure *f)
{
	bool in_200 = is_in_200(f);
	unsigned status = find_name(f->code, in_200);

	if (!status)
		status = find_name(f->type, in_200);
	if (!status)
		status = in_200 ? 200 : f->status;
	return status;
}

static unsigned where_is(unsigned status)
{
	switch (status) {
	case 200:
		return AT_200;
	case 400:
	case 422:
		return AT_400;
	case 403:
		return AT_403;
	case 404:
	case 410:
		return AT_404;
	case 413:
		return AT_413;
	case 429:
		return AT_429;
	case 500:
		return AT_500;
	case 401:
	case 402:
	case 405:
	case 408:
	case 409:
	case 425:
		return 0;
	default:
		return status >= 400 && status < 500 ? AT_4XX : 0;
	}
}

struct text {
	size_t len;
	char whole[TEXT_MAX];    /* lower case */
	char unquoted[TEXT_MAX]; /* the same without what stands in quotation marks */
};

static void add(struct text *t, struct weir_slice s, size_t max)
{
	for (size_t i = 0; i < s.len && i < max; i++) {
		char c = s.base[i];

		t->whole[t->len++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c ? c : ' ';
	}
	t->whole[t->len++] = ' ';
	t->whole[t->len] = '\0';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* The mark that ends what the one at i begins, or 0: an apostrophe begins nothing. */
static size_t quote_end(const char *text, size_t i)
{
	if (!strchr("\"'`", text[i]) || (i > 0 && is_letter(text[i - 1])))
		return 0;
	for (size_t k = i + 1; text[k]; k++)
		if (text[k] == text[i] && !is_letter(text[k + 1]))
			return k;
	return 0;
}

static void read_text(struct text *t, const struct weir_failure *f)
{
	t->len = 0;
	add(t, f->code, WORD_MAX);
	add(t, f->type, WORD_MAX);
	add(t, f->message, MESSAGE_MAX);
	memcpy(t->unquoted, t->whole, t->len + 1);
	for (size_t i = 0; t->unquoted[i]; i++) {
		size_t end = quote_end(t->unquoted, i);

		if (end > i) {
			memset(t->unquoted + i, ' ', end - i + 1);
			i = end;
		}
	}
}

static bool benches(const struct weir_verdict *v)
{
	return v->outcome == WEIR_OUT_QUOTA || v->outcome == WEIR_OUT_CREDENTIALS ||
	       v->model_unknown;
}

static const struct weir_verdict *find_saying(const struct weir_failure *f, unsigned status)
{
	unsigned where = where_is(status);
	bool of_parameter = f->param.len && !weir_slice_is(f->param, "model");
	struct text t;

	if (!where)
		return NULL;
	read_text(&t, f);
	for (size_t i = 0; i < WEIR_COUNT_OF(says); i++) {
		const struct says_row *row = &says[i];
		bool careful = benches(row->verdict);
		const char *text = careful ? t.unquoted : t.whole;

		if ((row->where & where) && !(careful && of_parameter) && strstr(text, row->text) &&
		    (!row->also || strstr(text, row->also)))
			return row->verdict;
	}
	return NULL;
}

static const struct weir_verdict *find_status(unsigned status)
{
	for (size_t i = 0; i < WEIR_COUNT_OF(statuses); i++)
		if (statuses[i].status == status)
			return &statuses[i].verdict;
	if (status >= 400 && status < 500)
		return &other_4xx;
	return status >= 500 && status < 600 ? &other_5xx : &bad_status;
}

/* An error inside a 200 is the caller's fault only if it says so in words of its own. */
static const struct weir_verdict *find_in_200(const struct weir_failure *f, unsigned status)
{
	static const struct weir_verdict *const verdicts[WEIR_OUT_N] = {
		[WEIR_OUT_CREDENTIALS] = &bad_key,
		[WEIR_OUT_QUOTA] = &no_money,
		[WEIR_OUT_RATE_LIMITED] = &too_many,
		[WEIR_OUT_OVERLOADED] = &busy,
	};
	const struct weir_verdict *v = verdicts[find_status(status)->outcome];

	if (v)
		return v;
	return f->in_stream ? &error_event : &error_in_200;
}

struct weir_verdict weir_classify(const struct weir_failure *f)
{
	const struct weir_verdict *v = find_word(f->code);
	unsigned status;

	if (!v)
		v = find_word(f->type);
	if (v)
		return *v;
	status = meant_status(f);
	/* Groq: more tokens in this request than the limit allows in a minute. */
	if (f->status == 413 && status == 429)
		return never_fits;
	v = find_saying(f, status);
	if (!v)
		v = is_in_200(f) ? find_in_200(f, status) : find_status(status);
	return *v;
}
