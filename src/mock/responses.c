#include "mock/responses.h"

#define PUT WEIR_MOCK_PUT

enum { FIRST_TOKEN = 4 }; /* events before it */

static void put_item_id(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	PUT(pen, "\"msg_");
	weir_mock_put_text(pen, v->vendor);
	PUT(pen, "-");
	weir_mock_put_u64(pen, v->serial);
	PUT(pen, "\"");
}

static void open_response(struct weir_mock_pen *pen, const struct weir_mock_voice *v,
			  const char *status)
{
	PUT(pen, "{\"id\":\"resp_");
	weir_mock_put_text(pen, v->vendor);
	PUT(pen, "-");
	weir_mock_put_u64(pen, v->serial);
	PUT(pen, "\",\"object\":\"response\",\"created_at\":1790000000,\"status\":\"");
	weir_mock_put_text(pen, status);
	PUT(pen, "\",\"error\":null,\"model\":\"");
	weir_mock_put(pen, v->ask->model, v->ask->model_len);
	PUT(pen, "\",\"incomplete_details\":");
	weir_mock_put_text(pen, status[0] == 'i' && status[2] == 'c'
					? "{\"reason\":\"max_output_tokens\"}"
					: "null");
	PUT(pen, ",\"output\":[");
}

static void close_response(struct weir_mock_pen *pen, const struct weir_mock_voice *v, bool counts)
{
	uint64_t in = v->ask->prompt_tokens, out = v->last - v->first;

	PUT(pen, "],\"parallel_tool_calls\":true,\"tools\":[],\"usage\":");
	if (!counts || !v->step->usage) {
		PUT(pen, "null}");
		return;
	}
	PUT(pen, "{\"input_tokens\":");
	weir_mock_put_u64(pen, in);
	PUT(pen, ",\"input_tokens_details\":{\"cached_tokens\":0},\"output_tokens\":");
	weir_mock_put_u64(pen, out);
	PUT(pen, ",\"output_tokens_details\":{\"reasoning_tokens\":0},\"total_tokens\":");
	weir_mock_put_u64(pen, in + out);
	PUT(pen, "}}");
}

static void open_item(struct weir_mock_pen *pen, const struct weir_mock_voice *v,
		      const char *status)
{
	PUT(pen, "{\"id\":");
	put_item_id(pen, v);
	PUT(pen, ",\"type\":\"message\",\"status\":\"");
	weir_mock_put_text(pen, status);
	PUT(pen, "\",\"role\":\"assistant\",\"content\":[");
}

static const char part[] = "{\"type\":\"output_text\",\"annotations\":[],\"text\":\"";

static void open_event(struct weir_mock_pen *pen, const char *name, uint64_t number)
{
	PUT(pen, "event: ");
	weir_mock_put_text(pen, name);
	PUT(pen, "\ndata: {\"type\":\"");
	weir_mock_put_text(pen, name);
	PUT(pen, "\",\"sequence_number\":");
	weir_mock_put_u64(pen, number);
}

static void put_state(struct weir_mock_pen *pen, const struct weir_mock_voice *v, const char *name,
		      uint64_t number)
{
	open_event(pen, name, number);
	PUT(pen, ",\"response\":");
	open_response(pen, v, "in_progress");
	close_response(pen, v, false);
	PUT(pen, "}\n\n");
}

static void put_place(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	PUT(pen, ",\"item_id\":");
	put_item_id(pen, v);
	PUT(pen, ",\"output_index\":0,\"content_index\":0");
}

static void begin(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	put_state(pen, v, "response.created", 0);
	put_state(pen, v, "response.in_progress", 1);
}

/* The item and its part come with the first token: they are worth showing. */
static void open_token(struct weir_mock_pen *pen, const struct weir_mock_voice *v, uint64_t i)
{
	if (i == v->first) {
		open_event(pen, "response.output_item.added", 2);
		PUT(pen, ",\"output_index\":0,\"item\":");
		open_item(pen, v, "in_progress");
		PUT(pen, "]}}\n\n");
		open_event(pen, "response.content_part.added", 3);
		put_place(pen, v);
		PUT(pen, ",\"part\":");
		weir_mock_put_text(pen, part);
		PUT(pen, "\"}}\n\n");
	}
	open_event(pen, "response.output_text.delta", FIRST_TOKEN + i - v->first);
	put_place(pen, v);
	PUT(pen, ",\"logprobs\":[],\"delta\":\"");
	weir_mock_put_tokens(pen, v, i, i + 1);
}

static void close_token(struct weir_mock_pen *pen, const struct weir_mock_voice *v, uint64_t i)
{
	(void)v, (void)i;
	PUT(pen, "\"}\n\n");
}

static void put_item(struct weir_mock_pen *pen, const struct weir_mock_voice *v, const char *status)
{
	open_item(pen, v, status);
	weir_mock_put_text(pen, part);
	weir_mock_put_tokens(pen, v, v->first, v->last);
	PUT(pen, "\"}]}");
}

static const char *status_of(const struct weir_mock_voice *v)
{
	return v->limited ? "incomplete" : "completed";
}

static void finish(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	uint64_t number = FIRST_TOKEN + v->last - v->first;

	open_event(pen, "response.output_text.done", number);
	put_place(pen, v);
	PUT(pen, ",\"logprobs\":[],\"text\":\"");
	weir_mock_put_tokens(pen, v, v->first, v->last);
	PUT(pen, "\"}\n\n");
	open_event(pen, "response.content_part.done", number + 1);
	put_place(pen, v);
	PUT(pen, ",\"part\":");
	weir_mock_put_text(pen, part);
	weir_mock_put_tokens(pen, v, v->first, v->last);
	PUT(pen, "\"}}\n\n");
	open_event(pen, "response.output_item.done", number + 2);
	PUT(pen, ",\"output_index\":0,\"item\":");
	put_item(pen, v, status_of(v));
	PUT(pen, "}\n\n");
	open_event(pen, v->limited ? "response.incomplete" : "response.completed", number + 3);
	PUT(pen, ",\"response\":");
	open_response(pen, v, status_of(v));
	put_item(pen, v, status_of(v));
	close_response(pen, v, true);
	PUT(pen, "}\n\n");
}

static void open_whole(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	if (v->step->kind == WEIR_MOCK_NO_CHOICES) {
		PUT(pen, "{\"object\":\"response\"");
		return;
	}
	open_response(pen, v, status_of(v));
	open_item(pen, v, status_of(v));
	weir_mock_put_text(pen, part);
	weir_mock_put_tokens(pen, v, v->first, v->last);
}

static void close_whole(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	if (v->step->kind == WEIR_MOCK_NO_CHOICES) {
		PUT(pen, "}");
		return;
	}
	PUT(pen, "\"}]}");
	close_response(pen, v, true);
}

/* A failure is told as the state of the response. */
static void fail(struct weir_mock_pen *pen, const struct weir_mock_voice *v, struct weir_slice code,
		 struct weir_slice message)
{
	open_event(pen, "response.failed", FIRST_TOKEN + v->last);
	PUT(pen, ",\"response\":{\"id\":\"resp_");
	weir_mock_put_text(pen, v->vendor);
	PUT(pen, "\",\"object\":\"response\",\"status\":\"failed\",\"output\":[],\"error\":{"
		 "\"code\":");
	weir_mock_put_json(pen, code.base ? code : WEIR_SLICE("server_error"));
	PUT(pen, ",\"message\":");
	weir_mock_put_json(pen, message.base ? message : WEIR_SLICE("The server had an error."));
	PUT(pen, "}}}\n\n");
}

const struct weir_mock_tongue weir_mock_responses = {
	.begin = begin,
	.open_token = open_token,
	.close_token = close_token,
	.finish = finish,
	.no_choices = begin,
	.open_whole = open_whole,
	.close_whole = close_whole,
	.fail = fail,
	.end = "",
	.ping = ": ping\n\n",
};
