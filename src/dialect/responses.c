#include "dialect/responses.h"

#include "base/error.h"
#include "dialect/openai.h"
#include "dialect/pen.h"
#include "dialect/tree.h"

static struct weir_slice text_of(yyjson_val *object, const char *name)
{
	return weir_tree_text(yyjson_obj_get(object, name));
}

static void read_usage(yyjson_val *usage, struct weir_reading *r)
{
	yyjson_val *in = yyjson_obj_get(usage, "input_tokens");
	yyjson_val *out = yyjson_obj_get(usage, "output_tokens");
	yyjson_val *details = yyjson_obj_get(usage, "input_tokens_details");

	if (!yyjson_is_uint(in) && !yyjson_is_uint(out))
		return;
	r->usage = true;
	r->tokens_in = yyjson_get_uint(in);
	r->tokens_out = yyjson_get_uint(out);
	r->tokens_cached = yyjson_get_uint(yyjson_obj_get(details, "cached_tokens"));
	r->tokens_written = yyjson_get_uint(yyjson_obj_get(details, "cache_write_tokens"));
}

static bool ends(struct weir_slice text, struct weir_slice end)
{
	return text.len >= end.len &&
	       weir_slice_eq(weir_slice(text.base + text.len - end.len, end.len), end);
}

/* That work on it has begun, or on a part of it, is not worth showing. */
static bool is_content(struct weir_slice type, yyjson_val *delta)
{
	static const char *const begun[] = { ".created", ".in_progress", ".queued", ".added" };

	for (size_t i = 0; i < WEIR_COUNT_OF(begun); i++)
		if (ends(type, weir_slice_of(begun[i])))
			return false;
	if (ends(type, WEIR_SLICE(".delta")) && !weir_tree_filled(delta))
		return false;
	return weir_slice_starts(type, "response.");
}

static void read_object(const struct weir_tree *tree, struct weir_slice data,
			struct weir_buf *scratch, struct weir_reading *r)
{
	yyjson_val *root = tree->root;
	struct weir_slice type = text_of(root, "type");
	yyjson_val *response = yyjson_obj_get(root, "response");
	bool failed = weir_slice_is(type, "response.failed");

	read_usage(yyjson_obj_get(response, "usage"), r);
	r->error = failed || weir_slice_is(type, "error") ||
		   weir_tree_filled(yyjson_obj_get(root, "error"));
	if (r->error) {
		r->no_memory = !weir_openai_read_failure(failed ? response : root, data, scratch,
							 r);
		return;
	}
	r->end_mark = weir_slice_is(type, "response.completed") ||
		      weir_slice_is(type, "response.incomplete") ||
		      weir_slice_is(type, "response.cancelled");
	r->finish = r->end_mark;
	r->content = is_content(type, yyjson_obj_get(root, "delta"));
	r->id = weir_tree_place(tree, data, yyjson_obj_get(response, "id"));
}

static void read_event(struct weir_slice data, struct weir_buf *scratch, struct weir_reading *r)
{
	struct weir_tree tree WEIR_UNINITIALIZED;

	/* Some cannot leave that; of an answer that was complete it is not read. */
	*r = (struct weir_reading){ .broken_off = weir_slice_is(data, "[DONE]") };
	if (r->broken_off)
		return;
	weir_tree_read(&tree, data);
	r->no_memory = tree.no_memory;
	r->json = tree.root != NULL;
	if (r->json)
		read_object(&tree, data, scratch, r);
	weir_tree_fini(&tree);
}

static void count(struct weir_slice object, const char *name, uint64_t *n)
{
	struct weir_json_member member;

	if (weir_json_get(object, name, &member))
		(void)weir_slice_to_u64(member.value, n);
}

static void read_counts(struct weir_slice usage, struct weir_reading *r)
{
	struct weir_json_member details;

	r->usage = true;
	count(usage, "input_tokens", &r->tokens_in);
	count(usage, "output_tokens", &r->tokens_out);
	if (!weir_json_get(usage, "input_tokens_details", &details))
		return;
	count(details.value, "cached_tokens", &r->tokens_cached);
	count(details.value, "cache_write_tokens", &r->tokens_written);
}

static void read_member(const struct weir_json_member *m, struct weir_reading *r)
{
	if (weir_slice_is(m->key, "output"))
		r->choices |= m->type == WEIR_JSON_ARRAY;
	else if (weir_slice_is(m->key, "usage") && m->type == WEIR_JSON_OBJECT)
		read_counts(m->value, r);
	else if (weir_slice_is(m->key, "error"))
		r->error |= !weir_chat_is_empty(m);
	else if (weir_slice_is(m->key, "status"))
		r->error |= weir_slice_is(m->value, "\"failed\"");
	else if (weir_slice_is(m->key, "id") && m->type == WEIR_JSON_STRING)
		r->id = weir_slice(m->value.base + 1, m->value.len - 2);
	else if (weir_slice_is(m->key, "object"))
		r->error |= weir_slice_is(m->value, "\"error\"");
}

/* In one pass without a tree: a long answer costs no memory. */
static void read_body(enum weir_route route, struct weir_slice body, struct weir_buf *scratch,
		      struct weir_reading *r)
{
	struct weir_json_cursor cursor;
	struct weir_json_member member;
	int rc = -1;

	(void)route;
	*r = (struct weir_reading){ 0 };
	if (weir_json_open(&cursor, body) == 0)
		while ((rc = weir_json_next(&cursor, &member)) == 1)
			if (!cursor.is_array)
				read_member(&member, r);
	if (rc)
		*r = (struct weir_reading){ 0 };
	r->json = rc == 0;
	if (r->error || !r->choices)
		r->no_memory = !weir_openai_read_failed_body(body, r->json, scratch, r);
}

/* Both as the reference has it and as the API itself does: clients look into either. */
static int put_error_event(struct weir_buf *out, struct weir_slice message, const char *code)
{
	struct weir_slice word = weir_slice_of(code ? code : "server_error");
	struct weir_pen pen = { out, 0 };
	size_t before = out->len;

	weir_put(&pen, "event: error\ndata: {\"type\":\"error\",\"sequence_number\":0,\"code\":");
	weir_put_json(&pen, word);
	weir_put(&pen, ",\"message\":");
	weir_put_json(&pen, message);
	weir_put(&pen, ",\"param\":null,\"error\":{\"type\":\"server_error\",\"code\":");
	weir_put_json(&pen, word);
	weir_put(&pen, ",\"message\":");
	weir_put_json(&pen, message);
	weir_put(&pen, ",\"param\":null}}\n\n");
	if (pen.rc)
		out->len = before;
	return pen.rc;
}

static int put_as_stream(enum weir_route route, struct weir_slice body, struct weir_buf *out)
{
	(void)route, (void)body, (void)out;
	return WEIR_ELIMIT;
}

/* A stream of it cannot be gone on with elsewhere. */
static void read_delta(struct weir_slice data, struct weir_buf *scratch, struct weir_delta *delta)
{
	(void)data, (void)scratch;
	*delta = (struct weir_delta){ .other = true };
}

const struct weir_dialect weir_responses = {
	.name = "openai",
	.routes = { [WEIR_ROUTE_RESPONSES] = "/responses" },
	.model_member = "model",
	.model_inside = "response",
	.end = "",
	.fields = "",
	.chat = &weir_openai_words,
	.read_event = read_event,
	.read_delta = read_delta,
	.read_body = read_body,
	.put_error_event = put_error_event,
	.put_as_stream = put_as_stream,
};
