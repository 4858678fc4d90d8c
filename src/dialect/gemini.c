#include "dialect/gemini.h"

#include "base/error.h"
#include "dialect/usage.h"

/* An empty one tells nothing. */
static struct weir_slice first_object(struct weir_slice array)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;

	if (weir_json_open(&cursor, array) == 0 && weir_json_next(&cursor, &m) == 1 &&
	    m.type == WEIR_JSON_OBJECT)
		return m.value;
	return WEIR_SLICE("");
}

static void read_member(const struct weir_json_member *m, struct weir_gemini_top *top)
{
	if (weir_json_text_is(m->key, "candidates") && m->type == WEIR_JSON_ARRAY)
		top->candidate = first_object(m->value);
	else if (weir_json_text_is(m->key, "promptFeedback") && m->type == WEIR_JSON_OBJECT)
		top->feedback = m->value;
	else if (weir_json_text_is(m->key, "usageMetadata") && m->type == WEIR_JSON_OBJECT)
		top->usage = m->value;
	else if (weir_json_text_is(m->key, "error") && !weir_chat_is_empty(m))
		top->error = m->value;
	else if (weir_json_text_is(m->key, "responseId") && m->type == WEIR_JSON_STRING)
		top->id = weir_chat_inside(m->value);
	else if (weir_json_text_is(m->key, "modelVersion") && m->type == WEIR_JSON_STRING)
		top->model = weir_chat_inside(m->value);
}

bool weir_gemini_read_top(struct weir_slice data, struct weir_gemini_top *top)
{
	struct weir_slice none = WEIR_SLICE("");
	struct weir_json_cursor cursor;
	struct weir_json_member m;
	int rc;

	*top = (struct weir_gemini_top){ none, none, none, none, none, none };
	if (weir_json_open(&cursor, data) || cursor.is_array)
		return false;
	while ((rc = weir_json_next(&cursor, &m)) == 1)
		read_member(&m, top);
	if (rc)
		*top = (struct weir_gemini_top){ none, none, none, none, none, none };
	return rc == 0;
}

enum weir_finish weir_gemini_finish(struct weir_slice reason, bool *barren)
{
	static const struct {
		const char *reason;
		enum weir_finish finish;
	} reasons[] = {
		{ "STOP", WEIR_FINISH_STOP },
		{ "CONTINUATION", WEIR_FINISH_STOP },
		{ "MAX_TOKENS", WEIR_FINISH_LENGTH },
		{ "SAFETY", WEIR_FINISH_FILTER },
		{ "RECITATION", WEIR_FINISH_FILTER },
		{ "BLOCKLIST", WEIR_FINISH_FILTER },
		{ "PROHIBITED_CONTENT", WEIR_FINISH_FILTER },
		{ "SPII", WEIR_FINISH_FILTER },
		{ "IMAGE_SAFETY", WEIR_FINISH_FILTER },
		{ "IMAGE_PROHIBITED_CONTENT", WEIR_FINISH_FILTER },
		{ "IMAGE_RECITATION", WEIR_FINISH_FILTER },
		{ "IMAGE_OTHER", WEIR_FINISH_FILTER },
	};

	*barren = false;
	for (size_t i = 0; i < WEIR_COUNT_OF(reasons); i++)
		if (weir_json_text_is(reason, reasons[i].reason))
			return reasons[i].finish;
	*barren = true; /* OTHER, LANGUAGE and what is to come */
	return WEIR_FINISH_STOP;
}

/* What it was to say could not be made out: the rest of it is worth nothing. */
static bool is_failed(struct weir_slice reason)
{
	static const char *const reasons[] = { "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL",
					       "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE" };

	for (size_t i = 0; i < WEIR_COUNT_OF(reasons); i++)
		if (weir_json_text_is(reason, reasons[i]))
			return true;
	return false;
}

static void count(struct weir_slice usage, const char *name, uint64_t *sum, bool *known)
{
	uint64_t n;

	if (!weir_slice_to_u64(weir_json_pick(usage, name, WEIR_JSON_NUMBER), &n))
		return;
	*sum = weir_sum(*sum, n);
	*known = true;
}

static void read_usage(struct weir_slice usage, struct weir_reading *r)
{
	count(usage, "promptTokenCount", &r->tokens_in, &r->usage);
	count(usage, "toolUsePromptTokenCount", &r->tokens_in, &r->usage);
	count(usage, "cachedContentTokenCount", &r->tokens_cached, &r->usage);
	count(usage, "candidatesTokenCount", &r->tokens_out, &r->usage);
	count(usage, "thoughtsTokenCount", &r->tokens_out, &r->usage);
}

/* Text, thoughts or a call: what else there may be cannot be told. */
static bool has_content(struct weir_slice candidate)
{
	struct weir_slice parts = weir_json_pick(
		weir_json_pick(candidate, "content", WEIR_JSON_OBJECT), "parts", WEIR_JSON_ARRAY);
	struct weir_json_cursor cursor;
	struct weir_json_member m;

	if (parts.len == 0 || weir_json_open(&cursor, parts))
		return false;
	while (weir_json_next(&cursor, &m) == 1)
		if (m.type == WEIR_JSON_OBJECT &&
		    (weir_chat_pick(m.value, "text").len ||
		     weir_json_pick(m.value, "functionCall", WEIR_JSON_OBJECT).len))
			return true;
	return false;
}

/* A blocked prompt is an answer, too: its finish stands elsewhere. */
static void read_answer(const struct weir_gemini_top *top, struct weir_buf *scratch,
			struct weir_reading *r)
{
	struct weir_slice reason = weir_chat_pick(top->candidate, "finishReason");
	struct weir_slice words = weir_chat_pick(top->candidate, "finishMessage");
	bool barren = false;
	int rc;

	read_usage(top->usage, r);
	r->content = has_content(top->candidate);
	r->finish = reason.len ||
		    (top->candidate.len == 0 && weir_chat_pick(top->feedback, "blockReason").len);
	if (reason.len)
		weir_gemini_finish(reason, &barren);
	r->choices = top->candidate.len || r->finish;
	r->barren = barren && (!r->content || is_failed(reason));
	r->content |= r->finish;
	if (!r->barren)
		return;
	weir_buf_clear(scratch);
	rc = weir_json_unescape(scratch, words);
	r->failure.code = reason;
	r->failure.message = scratch->len ? weir_buf_slice(scratch) : reason;
	r->no_memory = rc == WEIR_ENOMEM;
}

static void read_event(struct weir_slice data, struct weir_buf *scratch, struct weir_reading *r)
{
	struct weir_gemini_top top;
	size_t offset;

	*r = (struct weir_reading){ .json = weir_gemini_read_top(data, &top) };
	if (r->json)
		read_answer(&top, scratch, r);
	else if (weir_json_check(data, &offset) == 0)
		r->json = r->error = data.len && data.base[0] == '['; /* [{"error":…}] */
	r->error |= top.error.len > 0;
	if (r->error)
		r->no_memory = !weir_gemini_read_failed_body(data, true, scratch, r);
}

static void read_body(enum weir_route route, struct weir_slice body, struct weir_buf *scratch,
		      struct weir_reading *r)
{
	struct weir_gemini_top top;
	size_t offset;

	(void)route;
	*r = (struct weir_reading){ .json = weir_gemini_read_top(body, &top) };
	if (r->json)
		read_answer(&top, scratch, r);
	r->choices &= r->finish; /* else it was cut */
	r->json |= weir_json_check(body, &offset) == 0;
	r->error = top.error.len || r->barren;
	if ((r->error || !r->choices) && !r->barren)
		r->no_memory = !weir_gemini_read_failed_body(body, r->json, scratch, r);
}

static const struct weir_chat_words chat_words = {
	.route = WEIR_ROUTE_NATIVE,
	.cannot = weir_gemini_cannot,
	.put_request = weir_gemini_put_request,
	.hear_event = weir_gemini_hear_event,
	.hear_body = weir_gemini_hear_body,
};

const struct weir_dialect weir_gemini = {
	.name = "gemini",
	.routes = { [WEIR_ROUTE_NATIVE] = "/v1beta/models/{model}:generateContent" },
	.stream_routes = {
		[WEIR_ROUTE_NATIVE] = "/v1beta/models/{model}:streamGenerateContent?alt=sse",
	},
	.model_member = "modelVersion",
	.end = "",
	.fields = "",
	.chat = &chat_words,
	.key_field = "x-goog-api-key: ",
	.read_event = read_event,
	.read_body = read_body,
};
