#include "mock/messages.h"

#define PUT WEIR_MOCK_PUT

static void put_message(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	PUT(pen, "{\"id\":\"msg_");
	weir_mock_put_text(pen, v->vendor);
	PUT(pen, "-");
	weir_mock_put_u64(pen, v->serial);
	PUT(pen, "\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"");
	weir_mock_put(pen, v->ask->model, v->ask->model_len);
	PUT(pen, "\",\"content\":[");
}

static void put_usage(struct weir_mock_pen *pen, const struct weir_mock_voice *v, uint64_t out)
{
	PUT(pen, "\"usage\":{\"input_tokens\":");
	weir_mock_put_u64(pen, v->ask->prompt_tokens);
	PUT(pen, ",\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,"
		 "\"output_tokens\":");
	weir_mock_put_u64(pen, out);
	PUT(pen, "}");
}

/* With its quotes, or null. */
static void put_reason(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	if (weir_slice_is(v->step->finish, "none"))
		PUT(pen, "null");
	else if (v->step->finish.len)
		weir_mock_put_json(pen, v->step->finish);
	else if (v->limited)
		PUT(pen, "\"max_tokens\"");
	else if (v->step->tools)
		PUT(pen, "\"tool_use\"");
	else
		PUT(pen, "\"end_turn\"");
}

/* The calls before the last one say nothing but their number. */
static void put_call(struct weir_mock_pen *pen, uint64_t call, const char *input)
{
	PUT(pen, "{\"type\":\"tool_use\",\"id\":\"toolu_mock");
	weir_mock_put_u64(pen, call);
	PUT(pen, "\",\"name\":\"say\",\"input\":");
	weir_mock_put_text(pen, input);
}

static void begin_event(struct weir_mock_pen *pen, const char *name, uint64_t index)
{
	PUT(pen, "event: ");
	weir_mock_put_text(pen, name);
	PUT(pen, "\ndata: {\"type\":\"");
	weir_mock_put_text(pen, name);
	PUT(pen, "\",\"index\":");
	weir_mock_put_u64(pen, index);
}

static uint64_t last_block(const struct weir_mock_voice *v)
{
	return v->step->tools ? v->step->tools - 1 : 0;
}

static void put_early_call(struct weir_mock_pen *pen, uint64_t call)
{
	begin_event(pen, "content_block_start", call);
	PUT(pen, ",\"content_block\":");
	put_call(pen, call, "{}");
	PUT(pen, "}}\n\n");
	begin_event(pen, "content_block_delta", call);
	PUT(pen, ",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"n\\\":");
	weir_mock_put_u64(pen, call);
	PUT(pen, "}\"}}\n\n");
	begin_event(pen, "content_block_stop", call);
	PUT(pen, "}\n\n");
}

static void begin(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	PUT(pen, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":");
	put_message(pen, v);
	PUT(pen, "],\"stop_reason\":null,\"stop_sequence\":null,");
	put_usage(pen, v, 1);
	PUT(pen, "}}\n\n");
	if (v->step->kind == WEIR_MOCK_NO_CHOICES)
		return;
	if (v->step->tools == 0) {
		begin_event(pen, "content_block_start", 0);
		PUT(pen, ",\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n");
	}
	PUT(pen, "event: ping\ndata: {\"type\":\"ping\"}\n\n");
}

static void open_token(struct weir_mock_pen *pen, const struct weir_mock_voice *v, uint64_t i)
{
	if (v->step->tools && i == v->first) {
		for (uint64_t call = 0; call + 1 < v->step->tools; call++)
			put_early_call(pen, call);
		begin_event(pen, "content_block_start", last_block(v));
		PUT(pen, ",\"content_block\":");
		put_call(pen, last_block(v), "{}");
		PUT(pen, "}}\n\n");
	}
	begin_event(pen, "content_block_delta", last_block(v));
	if (!v->step->tools)
		PUT(pen, ",\"delta\":{\"type\":\"text_delta\",\"text\":\"");
	else if (i == v->first)
		PUT(pen, ",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":"
			 "\"{\\\"text\\\":\\\"");
	else
		PUT(pen, ",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"");
	weir_mock_put_tokens(pen, v, i, i + 1);
}

static void close_token(struct weir_mock_pen *pen, const struct weir_mock_voice *v, uint64_t i)
{
	if (v->step->tools && i + 1 == v->last)
		PUT(pen, "\\\"}");
	PUT(pen, "\"}}\n\n");
}

static void finish(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	begin_event(pen, "content_block_stop", last_block(v));
	PUT(pen, "}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{"
		 "\"stop_reason\":");
	put_reason(pen, v);
	PUT(pen, ",\"stop_sequence\":null},");
	put_usage(pen, v, v->last - v->first);
	PUT(pen, "}\n\n");
}

static void open_whole(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	put_message(pen, v);
	if (v->step->kind == WEIR_MOCK_NO_CHOICES)
		return;
	for (uint64_t call = 0; call + 1 < v->step->tools; call++) {
		put_call(pen, call, "{\"n\":");
		weir_mock_put_u64(pen, call);
		PUT(pen, "}},");
	}
	if (v->step->tools)
		put_call(pen, last_block(v), "{\"text\":\"");
	else
		PUT(pen, "{\"type\":\"text\",\"text\":\"");
	weir_mock_put_tokens(pen, v, v->first, v->last);
}

static void close_whole(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	if (v->step->kind != WEIR_MOCK_NO_CHOICES)
		weir_mock_put_text(pen, v->step->tools ? "\"}}" : "\"}");
	PUT(pen, "],\"stop_reason\":");
	put_reason(pen, v);
	PUT(pen, ",\"stop_sequence\":null,");
	put_usage(pen, v, v->last - v->first);
	PUT(pen, "}");
}

const struct weir_mock_tongue weir_mock_messages = {
	.begin = begin,
	.open_token = open_token,
	.close_token = close_token,
	.finish = finish,
	.no_choices = begin,
	.open_whole = open_whole,
	.close_whole = close_whole,
	.end = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
	.ping = "event: ping\ndata: {\"type\":\"ping\"}\n\n",
	.names_errors = true,
};
