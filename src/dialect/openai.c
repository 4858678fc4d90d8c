#include "dialect/openai.h"

#include <stdio.h>

#include "base/error.h"
#include "dialect/tree.h"
#include "wire/json.h"

/* What of a delta is worth showing. Vendors' own: reasoning_content (DeepSeek, xAI,
 * Moonshot, older vLLM), reasoning (Groq, Cerebras, OpenRouter, newer vLLM). */
static bool is_content(struct weir_slice key)
{
	switch (key.len) {
	case 5:
		return weir_slice_is(key, "audio");
	case 7:
		return weir_slice_is(key, "content") || weir_slice_is(key, "refusal");
	case 9:
		return weir_slice_is(key, "reasoning");
	case 10:
		return weir_slice_is(key, "tool_calls");
	case 13:
		return weir_slice_is(key, "function_call");
	case 17:
		return weir_slice_is(key, "reasoning_content") ||
		       weir_slice_is(key, "reasoning_details");
	default:
		return false;
	}
}

/* The first content of a delta; NULL: it has none. */
static yyjson_val *find_content(yyjson_val *delta)
{
	yyjson_obj_iter members = yyjson_obj_iter_with(delta);
	yyjson_val *key, *value;

	while ((key = yyjson_obj_iter_next(&members))) {
		value = yyjson_obj_iter_get_val(key);
		if (is_content(weir_tree_text(key)) && weir_tree_filled(value))
			return value;
	}
	return NULL;
}

/* The new words in it: itself, or the arguments of a tool call. */
static yyjson_val *find_words(yyjson_val *content)
{
	yyjson_val *call = yyjson_arr_get_first(content);

	if (yyjson_is_str(content))
		return content;
	return yyjson_obj_get(yyjson_obj_get(call, "function"), "arguments");
}

/* Finish reasons by which a provider says that it failed: OpenRouter, DeepSeek, Z.AI. */
static bool is_failure(struct weir_slice finish)
{
	return weir_slice_is(finish, "error") || weir_slice_is(finish, "network_error") ||
	       weir_slice_is(finish, "insufficient_system_resource");
}

/* Whether it is a finish reason. */
static bool read_finish(yyjson_val *value, struct weir_reading *r)
{
	struct weir_slice finish = weir_tree_text(value);

	if (is_failure(finish))
		r->error = r->gave_up = true;
	else if (finish.len)
		r->finish = r->content = true;
	return finish.len > 0;
}

/* Returns where the choice's new words are, if it has any. */
static yyjson_val *read_choice(yyjson_val *choice, struct weir_reading *r)
{
	yyjson_obj_iter members = yyjson_obj_iter_with(choice);
	yyjson_val *key, *content = NULL;
	uint64_t index = 0;
	bool ended = false;

	while ((key = yyjson_obj_iter_next(&members))) {
		struct weir_slice name = weir_tree_text(key);
		yyjson_val *value = yyjson_obj_iter_get_val(key);

		if (weir_slice_is(name, "delta"))
			content = find_content(value);
		else if (weir_slice_is(name, "text") && weir_tree_filled(value))
			content = value;
		else if (weir_slice_is(name, "finish_reason"))
			ended = read_finish(value, r);
		else if (weir_slice_is(name, "index"))
			index = yyjson_get_uint(value);
	}
	r->content |= content != NULL;
	if (index < 64) {
		r->begun |= (uint64_t)(content != NULL) << index;
		r->ended |= (uint64_t)ended << index;
	}
	return find_words(content);
}

static yyjson_val *read_choices(yyjson_val *choices, struct weir_reading *r)
{
	yyjson_arr_iter each = yyjson_arr_iter_with(choices);
	yyjson_val *choice, *words = NULL;

	r->choices = yyjson_arr_size(choices) > 0;
	while ((choice = yyjson_arr_iter_next(&each)))
		words = read_choice(choice, r);
	return words;
}

/* xAI, and Gemini's API of this dialect, count reasoning in the total alone. */
static void add_untold(struct weir_reading *r, uint64_t total)
{
	if (r->tokens_in < total && r->tokens_out < total - r->tokens_in)
		r->tokens_out = total - r->tokens_in;
}

/* DeepSeek counts what was cached beside the rest. */
static void read_usage(yyjson_val *usage, struct weir_reading *r)
{
	yyjson_val *in = yyjson_obj_get(usage, "prompt_tokens");
	yyjson_val *out = yyjson_obj_get(usage, "completion_tokens");
	yyjson_val *details = yyjson_obj_get(usage, "prompt_tokens_details");
	yyjson_val *cached = yyjson_obj_get(details, "cached_tokens");

	if (!yyjson_is_uint(in) && !yyjson_is_uint(out))
		return;
	if (!yyjson_is_uint(cached))
		cached = yyjson_obj_get(usage, "prompt_cache_hit_tokens");
	r->usage = true;
	r->tokens_in = yyjson_get_uint(in);
	r->tokens_out = yyjson_get_uint(out);
	r->tokens_cached = yyjson_get_uint(cached);
	r->tokens_written = yyjson_get_uint(yyjson_obj_get(details, "cache_write_tokens"));
	add_untold(r, yyjson_get_uint(yyjson_obj_get(usage, "total_tokens")));
}

/* Members of an event or error that matter at the top. */
struct top {
	yyjson_val *choices, *error, *usage, *x_groq, *object, *message, *code, *type;
	yyjson_val *obfuscation;
};

static yyjson_val **slot(struct top *top, struct weir_slice key)
{
	switch (key.len) {
	case 4:
		return weir_slice_is(key, "code")   ? &top->code
		       : weir_slice_is(key, "type") ? &top->type
						    : NULL;
	case 5:
		return weir_slice_is(key, "usage")   ? &top->usage
		       : weir_slice_is(key, "error") ? &top->error
						     : NULL;
	case 6:
		return weir_slice_is(key, "object")   ? &top->object
		       : weir_slice_is(key, "x_groq") ? &top->x_groq
						      : NULL;
	case 7:
		return weir_slice_is(key, "choices")   ? &top->choices
		       : weir_slice_is(key, "message") ? &top->message
						       : NULL;
	case 11:
		return weir_slice_is(key, "obfuscation") ? &top->obfuscation : NULL;
	default:
		return NULL;
	}
}

static struct top read_top(yyjson_val *root)
{
	struct top top = { 0 };
	yyjson_obj_iter members = yyjson_obj_iter_with(root);
	yyjson_val *key, **place;

	while ((key = yyjson_obj_iter_next(&members))) {
		place = slot(&top, weir_tree_text(key));
		if (place && !*place)
			*place = yyjson_obj_iter_get_val(key);
	}
	return top;
}

/* An error object; Mistral's flat one; Cerebras' flat one, which names itself nowhere. */
static bool is_error(const struct top *top)
{
	return weir_tree_filled(top->error) ||
	       weir_slice_is(weir_tree_text(top->object), "error") ||
	       (!top->choices && yyjson_is_str(top->message) && (top->code || top->type));
}

static bool is_end_mark(struct weir_slice data)
{
	while (data.len && data.base[data.len - 1] == ' ')
		data.len--;
	return weir_slice_is(data, "[DONE]");
}

static void read_object(const struct weir_tree *tree, yyjson_val *root, struct weir_slice data,
			struct weir_buf *scratch, struct weir_reading *r)
{
	struct top top = read_top(root);
	yyjson_val *words = read_choices(top.choices, r);

	read_usage(top.usage, r);
	if (!r->usage)
		read_usage(yyjson_obj_get(top.x_groq, "usage"), r);
	if (is_error(&top)) {
		r->error = true;
		r->gave_up = false;
	}
	if (r->error) {
		r->no_memory = !weir_openai_read_failure(root, data, scratch, r);
	} else if (r->content && !r->finish && !r->usage) {
		r->text = weir_tree_place(tree, data, words);
		r->padding = weir_tree_place(tree, data, top.obfuscation);
	}
}

void weir_openai_read_event(struct weir_slice data, struct weir_buf *scratch,
			    struct weir_reading *r)
{
	struct weir_tree tree WEIR_UNINITIALIZED;
	yyjson_val *root;

	*r = (struct weir_reading){ .end_mark = is_end_mark(data) };
	if (r->end_mark)
		return;
	weir_tree_read(&tree, data);
	r->no_memory = tree.no_memory;
	r->json = tree.root != NULL;
	root = yyjson_is_arr(tree.root) ? yyjson_arr_get_first(tree.root) : tree.root;
	if (r->json)
		read_object(&tree, root, data, scratch, r);
	weir_tree_fini(&tree);
}

/* The first byte of the first element, or NUL. */
static char first_in(struct weir_slice array)
{
	size_t i = 1;

	while (i < array.len && strchr(" \t\r\n", array.base[i]))
		i++;
	return i < array.len ? array.base[i] : '\0';
}

/* A number, the first of its name. */
struct count {
	uint64_t n;
	bool there;
};

struct counts {
	struct count in, out, total, hit, cached, written;
	bool detailed;
};

static void take_count(struct count *count, struct weir_slice number)
{
	if (!count->there)
		count->there = weir_slice_to_u64(number, &count->n);
}

static void read_detail(struct counts *c, const struct weir_json_member *m)
{
	if (m->type != WEIR_JSON_NUMBER)
		return;
	if (weir_json_text_is(m->key, "cached_tokens"))
		take_count(&c->cached, m->value);
	else if (weir_json_text_is(m->key, "cache_write_tokens"))
		take_count(&c->written, m->value);
}

static void read_count(struct counts *c, const struct weir_json_member *m)
{
	if (weir_json_text_is(m->key, "prompt_tokens"))
		take_count(&c->in, m->value);
	else if (weir_json_text_is(m->key, "completion_tokens"))
		take_count(&c->out, m->value);
	else if (weir_json_text_is(m->key, "total_tokens"))
		take_count(&c->total, m->value);
	else if (weir_json_text_is(m->key, "prompt_cache_hit_tokens"))
		take_count(&c->hit, m->value);
}

static void read_details(struct counts *c, struct weir_json_cursor *usage)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;

	weir_json_enter(usage, &cursor);
	while (weir_json_step(&cursor, &m) == 1)
		read_detail(c, &m);
	weir_json_leave(usage, &cursor);
	c->detailed = true;
}

/* The body's cursor is at the usage. */
static void read_counts(struct weir_json_cursor *body, struct weir_reading *r)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;
	struct counts c = { .detailed = false };

	weir_json_enter(body, &cursor);
	while (weir_json_step(&cursor, &m) == 1) {
		if (m.type == WEIR_JSON_NUMBER)
			read_count(&c, &m);
		else if (m.type == WEIR_JSON_OBJECT && !c.detailed &&
			 weir_json_text_is(m.key, "prompt_tokens_details"))
			read_details(&c, &cursor);
	}
	weir_json_leave(body, &cursor);
	r->usage = c.in.there || c.out.there;
	r->tokens_in = c.in.n;
	r->tokens_out = c.out.n;
	r->tokens_cached = c.cached.there ? c.cached.n : c.hit.n;
	r->tokens_written = c.written.n;
	if (r->usage)
		add_untold(r, c.total.n);
}

/* MiniMax, in every answer: 0 when it is a good one. */
static bool is_bad_base_resp(struct weir_slice base_resp)
{
	struct weir_json_member member;
	uint64_t status = 0;

	return weir_json_get(base_resp, "status_code", &member) &&
	       weir_slice_to_u64(member.value, &status) && status != 0;
}

static void read_member(enum weir_route route, const struct weir_json_member *m,
			struct weir_reading *r)
{
	if (weir_slice_is(m->key, "choices") && m->type == WEIR_JSON_ARRAY) {
		r->choices |= route != WEIR_ROUTE_EMBEDDINGS && first_in(m->value) == '{';
	} else if (weir_slice_is(m->key, "data") && m->type == WEIR_JSON_ARRAY) {
		r->choices |= route == WEIR_ROUTE_EMBEDDINGS;
	} else if (weir_slice_is(m->key, "error")) {
		r->error |= (m->type == WEIR_JSON_STRING && m->value.len > 2) ||
			    (m->type == WEIR_JSON_OBJECT && first_in(m->value) == '"');
	} else if (weir_slice_is(m->key, "base_resp") && m->type == WEIR_JSON_OBJECT) {
		r->error |= is_bad_base_resp(m->value);
	} else if (weir_slice_is(m->key, "object")) {
		r->error |= weir_slice_is(m->value, "\"error\"");
	}
}

/* In one pass without a tree: a long answer costs no memory. */
void weir_openai_read_body(enum weir_route route, struct weir_slice body, struct weir_buf *scratch,
			   struct weir_reading *r)
{
	struct weir_json_cursor cursor;
	struct weir_json_member member;
	int rc = -1;

	*r = (struct weir_reading){ 0 };
	if (weir_json_open(&cursor, body) == 0) {
		while ((rc = weir_json_step(&cursor, &member)) == 1) {
			if (cursor.is_array)
				continue;
			if (member.type == WEIR_JSON_OBJECT && weir_slice_is(member.key, "usage"))
				read_counts(&cursor, r);
			else if (weir_json_pass(&cursor, &member) == 1)
				read_member(route, &member, r);
		}
	}
	r->json = rc == 0;
	if (!r->json)
		*r = (struct weir_reading){ 0 };
	if (r->error || !r->choices)
		r->no_memory = !weir_openai_read_failed_body(body, r->json, scratch, r);
}

int weir_openai_put_error_event(struct weir_buf *out, struct weir_slice message, const char *code)
{
	size_t before = out->len;
	int rc = weir_buf_puts(out, "data: {\"error\":{\"message\":");

	if (rc == 0)
		rc = weir_buf_json(out, message);
	if (rc == 0)
		rc = weir_buf_puts(out, ",\"type\":\"server_error\",\"param\":null,\"code\":");
	if (rc == 0)
		rc = code ? weir_buf_json(out, weir_slice_of(code)) : weir_buf_puts(out, "null");
	if (rc == 0)
		rc = weir_buf_puts(out, "}}\n\n");
	if (rc)
		out->len = before;
	return rc;
}

const struct weir_chat_words weir_openai_words = {
	.route = WEIR_ROUTE_CHAT,
	.read_request = weir_openai_read_chat,
	.tell = weir_openai_tell,
	.put_refusal = weir_openai_put_refusal,
	.adapt = weir_openai_adapt,
	.cannot = weir_openai_cannot,
	.put_request = weir_openai_put_request,
	.tool_name_max = WEIR_OPENAI_TOOL_NAME_MAX,
	.hear_event = weir_openai_hear_event,
	.hear_body = weir_openai_hear_body,
};

const struct weir_usage_wish weir_openai_usage_wish = {
	.body = "{\"stream_options\":{\"include_usage\":true}}",
	.field = "stream_options",
	.switch_name = "include_usage",
	.member = "usage",
};

const struct weir_dialect weir_openai = {
	WEIR_OPENAI_WORDS,
	.name = "openai",
	.routes = {
		[WEIR_ROUTE_CHAT] = "/chat/completions",
		[WEIR_ROUTE_COMPLETIONS] = "/completions",
		[WEIR_ROUTE_EMBEDDINGS] = "/embeddings",
		[WEIR_ROUTE_RESPONSES] = "/responses",
	},
	.key_field = "authorization: Bearer ",
};
