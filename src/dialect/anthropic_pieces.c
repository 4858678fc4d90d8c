/* What a Messages answer says, streamed or whole. The texts it is given are valid JSON. */
#include "base/error.h"
#include "dialect/anthropic.h"

static void say_arguments(struct weir_hearing *h, unsigned call, struct weir_slice text)
{
	if (text.len)
		weir_hearing_say(h, &(struct weir_piece){
					    .type = WEIR_PIECE_ARGUMENTS,
					    .call = call,
					    .text = text,
				    });
}

/* Cumulative; what is not said anew stays as it was. */
static void say_usage(struct weir_hearing *h, struct weir_slice usage)
{
	struct weir_slice tier = weir_chat_pick(usage, "service_tier");

	if (usage.len == 0)
		return;
	weir_json_pick_u64(usage, "input_tokens", &h->fresh);
	weir_json_pick_u64(usage, "cache_read_input_tokens", &h->usage.cached);
	weir_json_pick_u64(usage, "cache_creation_input_tokens", &h->usage.written);
	weir_json_pick_u64(usage, "output_tokens", &h->usage.out);
	weir_json_pick_u64(weir_json_pick(usage, "output_tokens_details", WEIR_JSON_OBJECT),
			   "thinking_tokens", &h->usage.reasoning);
	h->usage.in = weir_sum(h->fresh, weir_sum(h->usage.cached, h->usage.written));
	weir_hearing_say(h,
			 &(struct weir_piece){
				 .type = WEIR_PIECE_USAGE,
				 .usage = h->usage,
				 .tier = weir_json_text_is(tier, "standard")   ? WEIR_TIER_DEFAULT
					 : weir_json_text_is(tier, "priority") ? WEIR_TIER_PRIORITY
									       : WEIR_TIER_UNKNOWN,
			 });
}

static void say_start(struct weir_hearing *h, struct weir_slice message)
{
	weir_hearing_say(h, &(struct weir_piece){
				    .type = WEIR_PIECE_START,
				    .id = weir_chat_pick(message, "id"),
				    .name = weir_chat_pick(message, "model"),
			    });
	say_usage(h, weir_json_pick(message, "usage", WEIR_JSON_OBJECT));
}

static void say_finish(struct weir_hearing *h, struct weir_slice in, struct weir_slice reason)
{
	static const struct {
		const char *reason;
		enum weir_finish finish;
	} reasons[] = {
		{ "stop_sequence", WEIR_FINISH_SEQUENCE },
		{ "max_tokens", WEIR_FINISH_LENGTH },
		{ "model_context_window_exceeded", WEIR_FINISH_LENGTH },
		{ "tool_use", WEIR_FINISH_CALLS },
		{ "refusal", WEIR_FINISH_FILTER },
	};
	struct weir_piece piece = { .type = WEIR_PIECE_FINISH };
	struct weir_slice why = weir_chat_pick(weir_json_pick(in, "stop_details", WEIR_JSON_OBJECT),
					       "explanation");

	for (size_t i = 0; i < WEIR_COUNT_OF(reasons); i++)
		if (weir_json_text_is(reason, reasons[i].reason))
			piece.finish = reasons[i].finish;
	if (piece.finish == WEIR_FINISH_SEQUENCE)
		piece.text = weir_chat_pick(in, "stop_sequence");
	if (piece.finish == WEIR_FINISH_FILTER)
		weir_hearing_say_text(h, WEIR_PIECE_REFUSAL,
				      why.len ? why : WEIR_SLICE("The model refused to answer."));
	weir_hearing_say(h, &piece);
}

/* Returns the call's number. */
static unsigned say_call(struct weir_hearing *h, struct weir_slice block)
{
	unsigned call = h->calls_n++;

	weir_hearing_say(h, &(struct weir_piece){
				    .type = WEIR_PIECE_CALL,
				    .id = weir_chat_pick(block, "id"),
				    .name = weir_chat_pick(block, "name"),
				    .call = call,
			    });
	return call;
}

/* Of a call's input all came with its beginning, or nothing at all: an object it is. */
static void say_input(struct weir_hearing *h, unsigned call, struct weir_slice input)
{
	weir_buf_clear(&h->scratch);
	weir_hearing_quote(h, input.len ? input : WEIR_SLICE("{}"), &h->scratch);
	say_arguments(h, call, weir_buf_slice(&h->scratch));
}

static size_t index_of(struct weir_slice event)
{
	uint64_t index = WEIR_BLOCKS_MAX;

	(void)weir_slice_to_u64(weir_json_pick(event, "index", WEIR_JSON_NUMBER), &index);
	return index < WEIR_BLOCKS_MAX ? (size_t)index : WEIR_BLOCKS_MAX - 1;
}

static void begin_block(struct weir_hearing *h, struct weir_slice event)
{
	struct weir_slice block = weir_json_pick(event, "content_block", WEIR_JSON_OBJECT);
	struct weir_slice type = weir_chat_pick(block, "type"), input;
	size_t index = index_of(event);

	h->calls[index] = 0;
	if (weir_json_text_is(type, "text"))
		weir_hearing_say_text(h, WEIR_PIECE_TEXT, weir_chat_pick(block, "text"));
	else if (weir_json_text_is(type, "thinking"))
		weir_hearing_say_text(h, WEIR_PIECE_REASONING, weir_chat_pick(block, "thinking"));
	if (!weir_json_text_is(type, "tool_use") || h->calls_n == UINT16_MAX)
		return;
	input = weir_json_pick(block, "input", WEIR_JSON_OBJECT);
	weir_buf_clear(&h->input);
	h->rc = h->rc ? h->rc : weir_buf_append(&h->input, input.base, input.len);
	h->calls[index] = (unsigned short)(say_call(h, block) + 1);
	h->quiet = true;
}

static void go_on_block(struct weir_hearing *h, struct weir_slice event)
{
	struct weir_slice delta = weir_json_pick(event, "delta", WEIR_JSON_OBJECT);
	struct weir_slice type = weir_chat_pick(delta, "type"), text;
	unsigned call = h->calls[index_of(event)];

	if (weir_json_text_is(type, "text_delta")) {
		weir_hearing_say_text(h, WEIR_PIECE_TEXT, weir_chat_pick(delta, "text"));
	} else if (weir_json_text_is(type, "thinking_delta")) {
		weir_hearing_say_text(h, WEIR_PIECE_REASONING, weir_chat_pick(delta, "thinking"));
	} else if (weir_json_text_is(type, "input_json_delta") && call) {
		text = weir_chat_pick(delta, "partial_json");
		h->quiet &= text.len == 0;
		say_arguments(h, call - 1, text);
	}
}

static void end_block(struct weir_hearing *h, struct weir_slice event)
{
	size_t index = index_of(event);

	if (h->calls[index] && h->quiet)
		say_input(h, h->calls[index] - 1u, weir_buf_slice(&h->input));
	h->calls[index] = 0;
	h->quiet = false;
}

void weir_anthropic_hear_event(struct weir_hearing *h, struct weir_slice event)
{
	struct weir_slice type = weir_chat_pick(event, "type"), delta, reason;

	if (weir_json_text_is(type, "message_start")) {
		say_start(h, weir_json_pick(event, "message", WEIR_JSON_OBJECT));
	} else if (weir_json_text_is(type, "content_block_delta")) {
		go_on_block(h, event);
	} else if (weir_json_text_is(type, "content_block_start")) {
		begin_block(h, event);
	} else if (weir_json_text_is(type, "content_block_stop")) {
		end_block(h, event);
	} else if (weir_json_text_is(type, "ping")) {
		weir_hearing_say(h, &(struct weir_piece){ .type = WEIR_PIECE_PING });
	} else if (weir_json_text_is(type, "message_delta")) {
		delta = weir_json_pick(event, "delta", WEIR_JSON_OBJECT);
		reason = weir_chat_pick(delta, "stop_reason");
		say_usage(h, weir_json_pick(event, "usage", WEIR_JSON_OBJECT));
		if (reason.len)
			say_finish(h, delta, reason);
	}
}

static void hear_block(struct weir_hearing *h, struct weir_slice block)
{
	struct weir_slice type = weir_chat_pick(block, "type");

	if (weir_json_text_is(type, "text"))
		weir_hearing_say_text(h, WEIR_PIECE_TEXT, weir_chat_pick(block, "text"));
	else if (weir_json_text_is(type, "thinking"))
		weir_hearing_say_text(h, WEIR_PIECE_REASONING, weir_chat_pick(block, "thinking"));
	else if (weir_json_text_is(type, "tool_use"))
		say_input(h, say_call(h, block), weir_json_pick(block, "input", WEIR_JSON_OBJECT));
}

void weir_anthropic_hear_body(struct weir_hearing *h, struct weir_slice body)
{
	struct weir_slice content = weir_json_pick(body, "content", WEIR_JSON_ARRAY);
	struct weir_json_cursor cursor;
	struct weir_json_member m;

	say_start(h, body);
	if (content.len && weir_json_open(&cursor, content) == 0)
		while (weir_json_next(&cursor, &m) == 1)
			if (m.type == WEIR_JSON_OBJECT)
				hear_block(h, m.value);
	say_finish(h, body, weir_chat_pick(body, "stop_reason"));
}
