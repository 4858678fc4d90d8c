/* A whole message as the stream it would have been: its head, block by block, its end. What a
 * block holds beside its words goes with the block's beginning, as the vendor has it. */
#include "base/error.h"
#include "dialect/anthropic.h"

/* On one line, as an event's data must be: inside of strings there are no line ends. */
static void put_line(struct weir_pen *pen, struct weir_slice json)
{
	size_t at = pen->buf->len;

	weir_put_slice(pen, json);
	for (; at < pen->buf->len && pen->rc == 0; at++)
		if (pen->buf->base[at] == '\n' || pen->buf->base[at] == '\r')
			pen->buf->base[at] = ' ';
}

static void begin_event(struct weir_pen *pen, const char *name)
{
	weir_put(pen, "event: ");
	weir_put(pen, name);
	weir_put(pen, "\ndata: {\"type\":\"");
	weir_put(pen, name);
	weir_put(pen, "\"");
}

static void end_event(struct weir_pen *pen)
{
	weir_put(pen, "}\n\n");
}

static void put_member(struct weir_pen *pen, struct weir_slice key, struct weir_slice value)
{
	weir_put(pen, ",");
	weir_put_quoted(pen, key);
	weir_put(pen, ":");
	put_line(pen, value);
}

static bool is_any(struct weir_slice key, const char *const *names)
{
	for (; *names; names++)
		if (weir_json_text_is(key, *names))
			return true;
	return false;
}

/* All members but these, the first without a comma. */
static void put_but(struct weir_pen *pen, struct weir_slice object, const char *const *names)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;
	bool any = false;

	weir_json_open(&cursor, object);
	while (weir_json_next(&cursor, &m) == 1) {
		if (is_any(m.key, names))
			continue;
		weir_put(pen, any ? "," : "");
		weir_put_quoted(pen, m.key);
		weir_put(pen, ":");
		put_line(pen, m.value);
		any = true;
	}
}

static void put_start(struct weir_pen *pen, struct weir_slice body)
{
	static const char *const later[] = { "content", "stop_reason", "stop_sequence",
					     "stop_details", NULL };

	begin_event(pen, "message_start");
	weir_put(pen, ",\"message\":{");
	put_but(pen, body, later);
	weir_put(pen, ",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null}");
	end_event(pen);
}

static void put_end(struct weir_pen *pen, struct weir_slice body)
{
	static const char *const told[] = { "stop_sequence", "stop_details" };
	struct weir_json_member m;

	begin_event(pen, "message_delta");
	weir_put(pen, ",\"delta\":{\"stop_reason\":");
	put_line(pen, weir_json_get(body, "stop_reason", &m) ? m.value : WEIR_SLICE("null"));
	for (size_t i = 0; i < WEIR_COUNT_OF(told); i++)
		if (weir_json_get(body, told[i], &m))
			put_member(pen, m.key, m.value);
	weir_put(pen, "}");
	if (weir_json_get(body, "usage", &m))
		put_member(pen, m.key, m.value);
	end_event(pen);
	weir_put(pen, weir_anthropic.end);
}

static void begin_block_event(struct weir_pen *pen, const char *name, unsigned index)
{
	begin_event(pen, name);
	weir_put(pen, ",\"index\":");
	weir_put_u64(pen, index);
}

static void put_delta(struct weir_pen *pen, unsigned index, const char *type, const char *field,
		      struct weir_slice value)
{
	if (value.len == 0)
		return;
	begin_block_event(pen, "content_block_delta", index);
	weir_put(pen, ",\"delta\":{\"type\":\"");
	weir_put(pen, type);
	weir_put(pen, "\",\"");
	weir_put(pen, field);
	weir_put(pen, "\":");
	put_line(pen, value);
	weir_put(pen, "}");
	end_event(pen);
}

/* What of a block comes in deltas, by its type. */
static const struct {
	const char *block, *field, *delta, *delta_field, *empty;
	enum weir_json_type type;
} worded[] = {
	{ "text", "text", "text_delta", "text", "\"\"", WEIR_JSON_STRING },
	{ "thinking", "thinking", "thinking_delta", "thinking", "\"\"", WEIR_JSON_STRING },
	{ "thinking", "signature", "signature_delta", "signature", "\"\"", WEIR_JSON_STRING },
	{ "tool_use", "input", "input_json_delta", "partial_json", "{}", WEIR_JSON_OBJECT },
};

static void put_words(struct weir_pen *pen, struct weir_slice block, size_t row, unsigned index)
{
	struct weir_slice value = weir_json_pick(block, worded[row].field, worded[row].type);
	struct weir_buf quoted;
	struct weir_pen inner = { &quoted, pen->rc };

	if (worded[row].type == WEIR_JSON_STRING) {
		put_delta(pen, index, worded[row].delta, worded[row].delta_field, value);
		return;
	}
	weir_buf_init(&quoted, pen->buf->max);
	weir_put(&inner, "\"");
	weir_put_inside(&inner, value);
	weir_put(&inner, "\"");
	pen->rc = inner.rc;
	put_delta(pen, index, worded[row].delta, worded[row].delta_field, weir_buf_slice(&quoted));
	weir_buf_fini(&quoted);
}

static void put_block(struct weir_pen *pen, struct weir_slice block, unsigned index)
{
	struct weir_slice type = weir_chat_inside(weir_json_pick(block, "type", WEIR_JSON_STRING));
	const char *later[WEIR_COUNT_OF(worded) + 1] = { NULL };
	unsigned n = 0;

	for (size_t i = 0; i < WEIR_COUNT_OF(worded); i++)
		if (weir_json_text_is(type, worded[i].block))
			later[n++] = worded[i].field;
	begin_block_event(pen, "content_block_start", index);
	weir_put(pen, ",\"content_block\":{");
	put_but(pen, block, later);
	for (size_t i = 0; i < WEIR_COUNT_OF(worded); i++)
		if (weir_json_text_is(type, worded[i].block))
			put_member(pen, weir_slice_of(worded[i].field),
				   weir_slice_of(worded[i].empty));
	weir_put(pen, "}");
	end_event(pen);
	for (size_t i = 0; i < WEIR_COUNT_OF(worded); i++)
		if (weir_json_text_is(type, worded[i].block))
			put_words(pen, block, i, index);
	begin_block_event(pen, "content_block_stop", index);
	end_event(pen);
}

int weir_anthropic_put_as_stream(enum weir_route route, struct weir_slice body,
				 struct weir_buf *out)
{
	struct weir_slice content = weir_json_pick(body, "content", WEIR_JSON_ARRAY);
	struct weir_pen pen = { out, 0 };
	size_t before = out->len;
	struct weir_json_cursor cursor;
	struct weir_json_member m;

	if (route != WEIR_ROUTE_MESSAGES || content.len == 0)
		return WEIR_ELIMIT;
	put_start(&pen, body);
	weir_json_open(&cursor, content);
	for (unsigned i = 0; weir_json_next(&cursor, &m) == 1;)
		if (m.type == WEIR_JSON_OBJECT)
			put_block(&pen, m.value, i++);
	put_end(&pen, body);
	if (pen.rc)
		out->len = before;
	return pen.rc;
}
