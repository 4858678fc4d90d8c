#include "dialect/anthropic.h"

#include "base/error.h"
#include "dialect/openai.h"

/* Members of an event that matter at the top. */
struct top {
	struct weir_slice type, delta, block, message, usage, error;
};

static struct weir_slice *slot(struct top *top, struct weir_slice key)
{
	if (weir_json_text_is(key, "type"))
		return &top->type;
	if (weir_json_text_is(key, "delta"))
		return &top->delta;
	if (weir_json_text_is(key, "content_block"))
		return &top->block;
	if (weir_json_text_is(key, "message"))
		return &top->message;
	if (weir_json_text_is(key, "usage"))
		return &top->usage;
	return weir_json_text_is(key, "error") ? &top->error : NULL;
}

/* False: it is no JSON object. */
static bool read_top(struct weir_slice data, struct top *top)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;
	struct weir_slice *place;
	int rc;

	*top = (struct top){ .type = WEIR_SLICE("") };
	if (weir_json_open(&cursor, data))
		return false;
	while ((rc = weir_json_next(&cursor, &m)) == 1) {
		place = cursor.is_array ? NULL : slot(top, m.key);
		if (place && place->len == 0 && m.type != WEIR_JSON_NULL)
			*place = m.value;
	}
	return rc == 0 && !cursor.is_array;
}

static bool has_text(struct weir_slice object, const char *name)
{
	return weir_json_pick(object, name, WEIR_JSON_STRING).len > 2;
}

static bool read_usage(struct weir_slice usage, struct weir_reading *r)
{
	bool any = weir_json_pick_u64(usage, "input_tokens", &r->tokens_in);

	any |= weir_json_pick_u64(usage, "cache_creation_input_tokens", &r->tokens_written);
	any |= weir_json_pick_u64(usage, "cache_read_input_tokens", &r->tokens_cached);
	any |= weir_json_pick_u64(usage, "output_tokens", &r->tokens_out);
	r->cache_beside = true;
	return any;
}

/* A call's beginning is worth showing, and so is what only its own callers understand. */
static bool begins_content(struct weir_slice block)
{
	struct weir_slice type = weir_json_pick(block, "type", WEIR_JSON_STRING);

	if (weir_chat_means(type, "text"))
		return has_text(block, "text");
	if (weir_chat_means(type, "thinking"))
		return has_text(block, "thinking");
	return type.len > 2 && !weir_chat_means(type, "redacted_thinking");
}

static void read_delta_event(struct weir_slice delta, struct weir_reading *r)
{
	static const char *const words[] = { "text", "thinking", "partial_json" };

	for (size_t i = 0; i < WEIR_COUNT_OF(words) && r->text.len == 0; i++)
		r->text = weir_chat_pick(delta, words[i]);
	r->content = r->text.len || weir_json_pick(delta, "citation", WEIR_JSON_OBJECT).len;
}

static void read_event(struct weir_slice data, struct weir_buf *scratch, struct weir_reading *r)
{
	struct top top;

	*r = (struct weir_reading){ .json = read_top(data, &top) };
	if (!r->json)
		return;
	r->end_mark = weir_chat_means(top.type, "message_stop");
	r->error = weir_chat_means(top.type, "error") || (top.type.len == 0 && top.error.len);
	r->usage = read_usage(top.usage, r);
	if (!r->usage) /* at the beginning the output is not counted yet */
		read_usage(weir_json_pick(top.message, "usage", WEIR_JSON_OBJECT), r);
	if (weir_chat_means(top.type, "message_delta"))
		r->finish = r->content = has_text(top.delta, "stop_reason");
	else if (weir_chat_means(top.type, "content_block_start"))
		r->content = begins_content(top.block);
	else if (weir_chat_means(top.type, "content_block_delta"))
		read_delta_event(top.delta, r);
	if (r->error)
		r->no_memory = !weir_openai_read_failed_body(data, true, scratch, r);
}

static void read_member(enum weir_route route, const struct weir_json_member *m,
			struct weir_reading *r)
{
	if (weir_json_text_is(m->key, "content"))
		r->choices |= route == WEIR_ROUTE_MESSAGES && m->type == WEIR_JSON_ARRAY;
	else if (weir_json_text_is(m->key, "input_tokens"))
		r->choices |= route == WEIR_ROUTE_COUNT && m->type == WEIR_JSON_NUMBER;
	else if (weir_json_text_is(m->key, "usage") && m->type == WEIR_JSON_OBJECT)
		r->usage = read_usage(m->value, r);
	else if (weir_json_text_is(m->key, "type"))
		r->error |= weir_chat_means(m->value, "error");
	else if (weir_json_text_is(m->key, "error"))
		r->error |= !weir_chat_is_empty(m);
}

static void read_body(enum weir_route route, struct weir_slice body, struct weir_buf *scratch,
		      struct weir_reading *r)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;
	int rc = -1;

	*r = (struct weir_reading){ 0 };
	if (weir_json_open(&cursor, body) == 0)
		while ((rc = weir_json_next(&cursor, &m)) == 1)
			if (!cursor.is_array)
				read_member(route, &m, r);
	if (rc)
		*r = (struct weir_reading){ 0 };
	r->json = rc == 0;
	if (r->error || !r->choices)
		r->no_memory = !weir_openai_read_failed_body(body, r->json, scratch, r);
}

static int put_error_event(struct weir_buf *out, struct weir_slice message, const char *code)
{
	struct weir_pen pen = { out, 0 };
	size_t before = out->len;
	bool busy = code && strcmp(code, "overloaded") == 0;

	weir_put(&pen, "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"");
	weir_put(&pen, busy ? "overloaded_error" : "api_error");
	weir_put(&pen, "\",\"message\":");
	weir_put_json(&pen, message);
	if (code) {
		weir_put(&pen, ",\"code\":");
		weir_put_json(&pen, weir_slice_of(code));
	}
	weir_put(&pen, "}}\n\n");
	if (pen.rc)
		out->len = before;
	return pen.rc;
}

/* A stream of its own cannot be gone on with elsewhere. */
static void read_delta(struct weir_slice data, struct weir_buf *scratch, struct weir_delta *delta)
{
	(void)data, (void)scratch;
	*delta = (struct weir_delta){ .other = true };
}

static const struct weir_chat_words chat_words = {
	.route = WEIR_ROUTE_MESSAGES,
	.read_request = weir_anthropic_read_chat,
	.tell = weir_anthropic_tell,
	.put_refusal = weir_anthropic_put_refusal,
	.adapt = weir_anthropic_adapt,
	.cannot = weir_anthropic_cannot,
	.put_request = weir_anthropic_put_request,
	.hear_event = weir_anthropic_hear_event,
	.hear_body = weir_anthropic_hear_body,
};

const struct weir_dialect weir_anthropic = {
	.name = "anthropic",
	.routes = {
		[WEIR_ROUTE_MESSAGES] = "/v1/messages",
		[WEIR_ROUTE_COUNT] = "/v1/messages/count_tokens",
	},
	.model_member = "model",
	.model_inside = "message",
	.end = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
	.fields = "anthropic-version: 2023-06-01\r\n",
	.chat = &chat_words,
	.key_field = "x-api-key: ",
	.read_event = read_event,
	.read_delta = read_delta,
	.read_body = read_body,
	.put_error_event = put_error_event,
	.put_as_stream = weir_anthropic_put_as_stream,
};
