/* What a chat completions answer says, streamed or whole: of its first choice. The texts it is
 * given are valid JSON. */
#include <stdio.h>

#include "base/error.h"
#include "dialect/openai.h"

/* DeepSeek counts what was cached beside the rest. */
static void say_usage(struct weir_hearing *h, struct weir_slice usage)
{
	struct weir_slice in = weir_json_pick(usage, "prompt_tokens_details", WEIR_JSON_OBJECT);
	struct weir_slice out = weir_json_pick(usage, "completion_tokens_details",
					       WEIR_JSON_OBJECT);
	struct weir_piece piece = { .type = WEIR_PIECE_USAGE };
	bool any = weir_json_pick_u64(usage, "prompt_tokens", &piece.usage.in);

	any |= weir_json_pick_u64(usage, "completion_tokens", &piece.usage.out);
	if (!any)
		return;
	if (!weir_json_pick_u64(in, "cached_tokens", &piece.usage.cached))
		weir_json_pick_u64(usage, "prompt_cache_hit_tokens", &piece.usage.cached);
	weir_json_pick_u64(in, "cache_write_tokens", &piece.usage.written);
	weir_json_pick_u64(out, "reasoning_tokens", &piece.usage.reasoning);
	weir_hearing_say(h, &piece);
}

static void say_start(struct weir_hearing *h, struct weir_slice root)
{
	if (h->started)
		return;
	h->started = true;
	weir_hearing_say(h, &(struct weir_piece){
				    .type = WEIR_PIECE_START,
				    .id = weir_chat_pick(root, "id"),
				    .name = weir_chat_pick(root, "model"),
			    });
}

/* vLLM and SGLang tell which stop sequence it was. */
static void say_finish(struct weir_hearing *h, struct weir_slice choice)
{
	static const struct {
		const char *reason;
		enum weir_finish finish;
	} reasons[] = {
		{ "length", WEIR_FINISH_LENGTH },         { "model_length", WEIR_FINISH_LENGTH },
		{ "tool_calls", WEIR_FINISH_CALLS },      { "function_call", WEIR_FINISH_CALLS },
		{ "content_filter", WEIR_FINISH_FILTER },
	};
	struct weir_slice reason = weir_chat_pick(choice, "finish_reason");
	struct weir_piece piece = { .type = WEIR_PIECE_FINISH };

	if (reason.len == 0)
		return;
	for (size_t i = 0; i < WEIR_COUNT_OF(reasons); i++)
		if (weir_json_text_is(reason, reasons[i].reason))
			piece.finish = reasons[i].finish;
	piece.text = weir_chat_pick(choice, "stop_reason");
	if (piece.text.len == 0)
		piece.text = weir_chat_pick(choice, "matched_stop");
	if (piece.finish == WEIR_FINISH_STOP && piece.text.len)
		piece.finish = WEIR_FINISH_SEQUENCE;
	weir_hearing_say(h, &piece);
}

/* A string, or an object where a vendor knows no better. */
static struct weir_slice arguments_of(struct weir_hearing *h, struct weir_slice function)
{
	struct weir_slice object = weir_json_pick(function, "arguments", WEIR_JSON_OBJECT);

	if (object.len == 0)
		return weir_chat_pick(function, "arguments");
	weir_buf_clear(&h->scratch);
	weir_hearing_quote(h, object, &h->scratch);
	return weir_buf_slice(&h->scratch);
}

static void say_arguments(struct weir_hearing *h, unsigned block, struct weir_slice text)
{
	struct weir_piece piece = { .type = WEIR_PIECE_ARGUMENTS, .text = text };

	if (text.len == 0 || !h->calls[block])
		return;
	piece.call = h->calls[block] - 1u;
	weir_arguments_follow(&h->arguments[block], text);
	weir_hearing_say(h, &piece);
}

static uint32_t hash_of(struct weir_slice text)
{
	return text.len ? (uint32_t)weir_slice_hash(text) : 0;
}

/* Does it begin another call than the one of that block? Its id says so; without one a name
 * that is not the same, or more arguments behind complete ones. Some repeat the name with each
 * piece. */
static bool is_next(const struct weir_hearing *h, uint64_t block, struct weir_slice id,
		    struct weir_slice function)
{
	uint32_t name = hash_of(weir_chat_pick(function, "name"));
	struct weir_json_member m;

	if (!h->calls[block])
		return false;
	if (id.len && h->ids[block])
		return h->ids[block] != hash_of(id);
	if (!name)
		return false;
	return name != h->names[block] || (weir_arguments_complete(&h->arguments[block]) &&
					   weir_json_get(function, "arguments", &m) &&
					   m.value.len > 2 && m.type != WEIR_JSON_NULL);
}

/* Which of the calls it speaks of: by its index; without, the last. In a whole answer each is
 * one of its own. */
static unsigned block_of(struct weir_hearing *h, struct weir_slice call, struct weir_slice id,
			 bool whole)
{
	uint64_t index = h->last;
	bool known = weir_slice_to_u64(weir_json_pick(call, "index", WEIR_JSON_NUMBER), &index);

	index = index < WEIR_BLOCKS_MAX ? index : WEIR_BLOCKS_MAX - 1;
	if (whole || is_next(h, index, id, weir_json_pick(call, "function", WEIR_JSON_OBJECT))) {
		if (!known && index + 1 < WEIR_BLOCKS_MAX)
			index++;
		h->calls[index] = 0;
		h->ids[index] = 0;
	}
	if (id.len)
		h->ids[index] = hash_of(id);
	h->last = (unsigned)index;
	return (unsigned)index;
}

/* What comes of a call before its name waits for it: of one call. */
static void hold(struct weir_hearing *h, unsigned block, struct weir_slice id,
		 struct weir_slice arguments)
{
	if (id.len == 0 && arguments.len == 0)
		return;
	if (block != h->nameless && h->input.len && h->rc == 0)
		h->rc = WEIR_ELIMIT;
	if (block != h->nameless || id.len)
		weir_buf_clear(&h->id);
	h->nameless = block;
	if (h->rc == 0)
		h->rc = weir_buf_append(&h->id, id.base, id.len);
	if (h->rc == 0)
		h->rc = weir_buf_append(&h->input, arguments.base, arguments.len);
}

/* A call without an id gets one that no other answer's has. */
static void begin_call(struct weir_hearing *h, unsigned block, struct weir_slice id,
		       struct weir_slice name, struct weir_slice answer)
{
	struct weir_slice seed = weir_chat_pick(answer, "id");
	char text[32];

	if (h->calls_n == UINT16_MAX)
		return;
	if (id.len == 0) {
		seed = seed.len ? weir_json_pick(answer, "id", WEIR_JSON_STRING) : answer;
		snprintf(text, sizeof text, "call_%016llx",
			 (unsigned long long)weir_slice_hash(seed) + h->calls_n);
		id = weir_slice_of(text);
	}
	weir_hearing_say(h, &(struct weir_piece){
				    .type = WEIR_PIECE_CALL,
				    .id = id,
				    .name = name,
				    .call = h->calls_n,
			    });
	h->calls[block] = (unsigned short)++h->calls_n;
	h->names[block] = hash_of(name);
	h->arguments[block] = (struct weir_arguments){ .any = false };
}

/* A call is told once its name is known. */
static void say_call(struct weir_hearing *h, struct weir_slice call, struct weir_slice answer,
		     bool whole)
{
	struct weir_slice function = weir_json_pick(call, "function", WEIR_JSON_OBJECT);
	struct weir_slice id = weir_chat_pick(call, "id"), name = weir_chat_pick(function, "name");
	unsigned block = block_of(h, call, id, whole);
	struct weir_slice arguments = arguments_of(h, function);
	bool held = block == h->nameless && !whole;

	if (!h->calls[block] && name.len == 0) {
		if (!whole)
			hold(h, block, id, arguments);
		return;
	}
	if (!h->calls[block]) {
		if (held && id.len == 0)
			id = weir_buf_slice(&h->id);
		begin_call(h, block, id, name, answer);
		if (held) {
			say_arguments(h, block, weir_buf_slice(&h->input));
			weir_buf_clear(&h->id);
			weir_buf_clear(&h->input);
		}
	}
	say_arguments(h, block, arguments);
}

/* A function_call, as it was before there were several. */
static void say_legacy(struct weir_hearing *h, struct weir_slice function, struct weir_slice answer)
{
	struct weir_slice name = weir_chat_pick(function, "name");

	if (!h->calls[0] && name.len)
		begin_call(h, 0, WEIR_SLICE(""), name, answer);
	say_arguments(h, 0, arguments_of(h, function));
}

static void say_message(struct weir_hearing *h, struct weir_slice message, struct weir_slice answer,
			bool whole)
{
	struct weir_slice legacy = weir_json_pick(message, "function_call", WEIR_JSON_OBJECT);
	struct weir_slice calls = weir_json_pick(message, "tool_calls", WEIR_JSON_ARRAY);
	struct weir_slice thought = weir_chat_pick(message, "reasoning_content");
	struct weir_json_cursor cursor;
	struct weir_json_member m;

	weir_hearing_say_text(h, WEIR_PIECE_REASONING,
			      thought.len ? thought : weir_chat_pick(message, "reasoning"));
	weir_hearing_say_text(h, WEIR_PIECE_TEXT, weir_chat_pick(message, "content"));
	weir_hearing_say_text(h, WEIR_PIECE_REFUSAL, weir_chat_pick(message, "refusal"));
	if (legacy.len)
		say_legacy(h, legacy, answer);
	if (calls.len == 0 || weir_json_open(&cursor, calls))
		return;
	while (weir_json_next(&cursor, &m) == 1)
		if (m.type == WEIR_JSON_OBJECT)
			say_call(h, m.value, answer, whole);
}

static void hear(struct weir_hearing *h, struct weir_slice root, bool whole)
{
	struct weir_slice choices = weir_json_pick(root, "choices", WEIR_JSON_ARRAY);
	struct weir_json_cursor cursor;
	struct weir_json_member choice;
	uint64_t index = 0;

	say_start(h, root);
	say_usage(h, weir_json_pick(root, "usage", WEIR_JSON_OBJECT));
	say_usage(h, weir_json_pick(weir_json_pick(root, "x_groq", WEIR_JSON_OBJECT), "usage",
				    WEIR_JSON_OBJECT));
	if (choices.len == 0 || weir_json_open(&cursor, choices) ||
	    weir_json_next(&cursor, &choice) != 1 || choice.type != WEIR_JSON_OBJECT)
		return;
	(void)weir_slice_to_u64(weir_json_pick(choice.value, "index", WEIR_JSON_NUMBER), &index);
	if (index)
		return;
	say_message(h, weir_json_pick(choice.value, whole ? "message" : "delta", WEIR_JSON_OBJECT),
		    root, whole);
	say_finish(h, choice.value);
}

void weir_openai_hear_event(struct weir_hearing *h, struct weir_slice data)
{
	hear(h, data, false);
}

void weir_openai_hear_body(struct weir_hearing *h, struct weir_slice body)
{
	hear(h, body, true);
}
