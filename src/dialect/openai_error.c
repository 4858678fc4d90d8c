/* What went wrong, in the shapes that OpenAI-compatible servers say it:
 *
 *	{"error":{"message","type","param","code"}}            OpenAI, Groq, vLLM (code a number)
 *	{"error":{"code":N,"message","status","details"}}      Google, also inside an array
 *	{"error":{"type","message","details":{"error_code"}}}  Anthropic
 *	{"error":"text"}, with or without a "code" beside it   LM Studio, xAI, Ollama
 *	{"object":"error","message","type","param","code"}     Mistral, SGLang, older vLLM
 *	{"message","type","param","code"}, {"Message"}         Cerebras, Cohere, AWS
 *	{"statusCode":N,"message"}                             Azure API Management
 *	{"detail":"text" | [{"loc","msg","type"}] | {"error"}} FastAPI servers, NIM, DeepInfra
 *	{"errors":[{"message","code"}]}                        Cloudflare
 *	{"base_resp":{"status_code","status_msg"}}             MiniMax, inside a 200
 *	HTML, plain text, nothing                              edges, load balancers
 */
#include <stdio.h>

#include "base/assert.h"
#include "dialect/openai.h"
#include "dialect/tree.h"

enum {
	WORD_MAX = 256, /* code, type, param, retryDelay */
	MESSAGE_MAX = 4096,
	PLAIN_MAX = 512,
	PLAIN_SEARCHED_MAX = 16 * 1024,
	WORDS_N = 4,
	KEPT_MAX = WORDS_N * WORD_MAX + MESSAGE_MAX,
	BODY_MAX = 64 * 1024 /* larger ones are read as plain text */
};

struct found {
	yyjson_val *message, *code, *type, *param;
};

/* Either may be NULL. */
static yyjson_val *either(yyjson_val *a, yyjson_val *b)
{
	return a && !yyjson_is_null(a) ? a : b;
}

static yyjson_val *string_or_null(yyjson_val *value)
{
	return weir_tree_filled(value) && yyjson_is_str(value) ? value : NULL;
}

static struct found find_flat(yyjson_val *object)
{
	return (struct found){
		.message = string_or_null(either(yyjson_obj_get(object, "message"),
						 yyjson_obj_get(object, "Message"))),
		.code = either(yyjson_obj_get(object, "code"),
			       yyjson_obj_get(object, "statusCode")),
		.type = either(yyjson_obj_get(object, "type"), yyjson_obj_get(object, "status")),
		.param = yyjson_obj_get(object, "param"),
	};
}

/* FastAPI: a sentence, a list of what pydantic found, or something of the server's own. */
static void find_detail(yyjson_val *detail, struct found *found)
{
	yyjson_val *first = yyjson_arr_get_first(detail), *error;

	if (yyjson_is_arr(detail)) {
		found->message = string_or_null(either(yyjson_obj_get(first, "msg"), first));
		found->type = either(found->type, yyjson_obj_get(first, "type"));
		found->param = either(found->param,
				      yyjson_arr_get_last(yyjson_obj_get(first, "loc")));
		return;
	}
	if (yyjson_is_obj(detail)) {
		error = yyjson_obj_get(detail, "error");
		*found = find_flat(yyjson_is_obj(error) ? error : detail);
		detail = error;
	}
	if (!found->message)
		found->message = string_or_null(detail);
}

static struct found find(yyjson_val *root)
{
	yyjson_val *error = yyjson_obj_get(root, "error");
	struct found found = find_flat(root), outer = found;
	yyjson_val *message = yyjson_obj_get(root, "message");
	yyjson_val *base_resp = yyjson_obj_get(root, "base_resp");

	if (yyjson_is_obj(error) && weir_tree_filled(error)) {
		found = find_flat(error);
		found.code = either(found.code, outer.code);
		found.code = either(found.code,
				    yyjson_obj_get(yyjson_obj_get(error, "details"), "error_code"));
		if (!found.message)
			found.message = string_or_null(yyjson_obj_get(error, "error"));
	} else if (string_or_null(error)) {
		found.message = error;
	}
	if (!found.message)
		find_detail(
			either(yyjson_obj_get(root, "detail"), yyjson_obj_get(message, "detail")),
			&found);
	if (!found.message && yyjson_is_arr(yyjson_obj_get(root, "errors")))
		found = find_flat(yyjson_arr_get_first(yyjson_obj_get(root, "errors")));
	if (!found.message && base_resp) {
		found.message = string_or_null(yyjson_obj_get(base_resp, "status_msg"));
		found.code = either(found.code, yyjson_obj_get(base_resp, "status_code"));
	}
	return found;
}

/* There is room: it was reserved. */
static struct weir_slice keep(struct weir_buf *scratch, struct weir_slice text, size_t max)
{
	size_t at = scratch->len;

	if (text.len > max) {
		text.len = max;
		while (text.len && (text.base[text.len] & 0xc0) == 0x80)
			text.len--;
	}
	WEIR_ASSERT(weir_buf_append(scratch, text.base, text.len) == 0);
	return weir_slice(scratch->base + at, text.len);
}

static struct weir_slice keep_word(struct weir_buf *scratch, yyjson_val *value)
{
	char digits[24];

	if (!yyjson_is_int(value))
		return keep(scratch, weir_tree_text(value), WORD_MAX);
	if (yyjson_is_sint(value))
		snprintf(digits, sizeof digits, "%lld", (long long)yyjson_get_sint(value));
	else
		snprintf(digits, sizeof digits, "%llu", (unsigned long long)yyjson_get_uint(value));
	return keep(scratch, weir_slice_of(digits), WORD_MAX);
}

/* google.rpc.RetryInfo. */
static yyjson_val *find_retry_delay(yyjson_val *root)
{
	static const char type[] = "google.rpc.RetryInfo";
	yyjson_val *details = yyjson_obj_get(yyjson_obj_get(root, "error"), "details");
	yyjson_arr_iter each = yyjson_arr_iter_with(details);
	yyjson_val *detail;

	while ((detail = yyjson_arr_iter_next(&each))) {
		struct weir_slice name = weir_tree_text(yyjson_obj_get(detail, "@type"));

		if (name.len >= sizeof type - 1 &&
		    memcmp(name.base + name.len - (sizeof type - 1), type, sizeof type - 1) == 0)
			return yyjson_obj_get(detail, "retryDelay");
	}
	return NULL;
}

static bool begins_nocase(const char *p, const char *end, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(end - p) >= n && weir_equal_nocase(p, word, n);
}

/* Past the tag at p, and what stands between a style or script's two tags. */
static const char *skip_tag(const char *p, const char *end)
{
	const char *closing = begins_nocase(p, end, "<style")    ? "</style"
			      : begins_nocase(p, end, "<script") ? "</script"
								 : NULL;

	while (closing && p < end && !begins_nocase(p, end, closing))
		p++;
	p = p < end ? memchr(p, '>', (size_t)(end - p)) : NULL;
	return p ? p + 1 : end;
}

/* The words of a page or a plain text, blanks and controls as one space. */
static struct weir_slice keep_plain(struct weir_buf *scratch, struct weir_slice body)
{
	char text[PLAIN_MAX];
	size_t n = 0;
	const char *p = body.base;
	const char *end = p + (body.len < PLAIN_SEARCHED_MAX ? body.len : PLAIN_SEARCHED_MAX);
	bool html = false, blank = false;

	while (p < end && n < sizeof text - 1) {
		if (*p == '<' && (html || n == 0)) {
			p = skip_tag(p, end);
			html = blank = true;
			continue;
		}
		if ((unsigned char)*p <= ' ' || *p == 0x7f) {
			blank = true;
		} else {
			if (blank && n)
				text[n++] = ' ';
			blank = false;
			text[n++] = *p;
		}
		p++;
	}
	return keep(scratch, weir_slice(text, n), PLAIN_MAX);
}

bool weir_openai_read_failure(yyjson_val *root, struct weir_slice body, struct weir_buf *scratch,
			      struct weir_reading *r)
{
	struct found found;

	weir_buf_clear(scratch);
	if (weir_buf_reserve(scratch, KEPT_MAX))
		return false;
	if (yyjson_is_arr(root))
		root = yyjson_arr_get_first(root);
	found = find(root);
	r->failure.code = keep_word(scratch, found.code);
	r->failure.type = keep_word(scratch, found.type);
	r->failure.param = keep_word(scratch, found.param);
	r->retry_info = keep_word(scratch, find_retry_delay(root));
	r->failure.message = found.message
				     ? keep(scratch, weir_tree_text(found.message), MESSAGE_MAX)
				     : keep_plain(scratch, body);
	return true;
}

bool weir_openai_read_failed_body(struct weir_slice body, bool json, struct weir_buf *scratch,
				  struct weir_reading *r)
{
	struct weir_tree tree WEIR_UNINITIALIZED;
	bool fine;

	if (!json || body.len > BODY_MAX)
		return weir_openai_read_failure(NULL, body, scratch, r);
	weir_tree_read(&tree, body);
	fine = !tree.no_memory && weir_openai_read_failure(tree.root, body, scratch, r);
	weir_tree_fini(&tree);
	return fine;
}
