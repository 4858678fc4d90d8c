/* What an answer says, streamed or whole: an event is a whole answer's piece. */
#include "base/error.h"
#include "dialect/gemini.h"

/* Cumulative; what is not said anew stays as it was. */
static void say_usage(struct weir_hearing *h, struct weir_slice usage)
{
	uint64_t tools = 0, words = h->usage.out - h->usage.reasoning;

	if (usage.len == 0)
		return;
	weir_json_pick_u64(usage, "promptTokenCount", &h->fresh);
	weir_json_pick_u64(usage, "toolUsePromptTokenCount", &tools);
	weir_json_pick_u64(usage, "cachedContentTokenCount", &h->usage.cached);
	weir_json_pick_u64(usage, "candidatesTokenCount", &words);
	weir_json_pick_u64(usage, "thoughtsTokenCount", &h->usage.reasoning);
	h->usage.in = weir_sum(h->fresh, tools);
	h->usage.out = weir_sum(words, h->usage.reasoning);
	weir_hearing_say(h, &(struct weir_piece){ .type = WEIR_PIECE_USAGE, .usage = h->usage });
}

/* Whole, in one part. */
static void say_call(struct weir_hearing *h, struct weir_slice part, struct weir_slice call,
		     uint64_t answer)
{
	struct weir_slice args = weir_json_pick(call, "args", WEIR_JSON_OBJECT);
	struct weir_piece piece = { .type = WEIR_PIECE_CALL, .call = h->calls_n++ };
	int rc;

	weir_buf_clear(&h->input);
	rc = weir_gemini_put_id(&h->input, weir_chat_pick(call, "id"), answer, piece.call,
				weir_chat_pick(part, "thoughtSignature"));
	h->rc = h->rc ? h->rc : rc;
	weir_buf_clear(&h->scratch);
	weir_hearing_quote(h, args.len ? args : WEIR_SLICE("{}"), &h->scratch);
	if (h->rc)
		return;
	piece.id = weir_buf_slice(&h->input);
	piece.name = weir_chat_pick(call, "name");
	weir_hearing_say(h, &piece);
	piece.type = WEIR_PIECE_ARGUMENTS;
	piece.text = weir_buf_slice(&h->scratch);
	weir_hearing_say(h, &piece);
}

static void hear_part(struct weir_hearing *h, struct weir_slice part, uint64_t answer)
{
	struct weir_slice call = weir_json_pick(part, "functionCall", WEIR_JSON_OBJECT);
	bool thought = weir_slice_is(weir_json_pick(part, "thought", WEIR_JSON_BOOL), "true");

	weir_hearing_say_text(h, thought ? WEIR_PIECE_REASONING : WEIR_PIECE_TEXT,
			      weir_chat_pick(part, "text"));
	if (call.len)
		say_call(h, part, call, answer);
}

static void hear_candidate(struct weir_hearing *h, struct weir_slice candidate, uint64_t answer)
{
	struct weir_slice content = weir_json_pick(candidate, "content", WEIR_JSON_OBJECT);
	struct weir_slice parts = weir_json_pick(content, "parts", WEIR_JSON_ARRAY);
	struct weir_slice reason = weir_chat_pick(candidate, "finishReason");
	struct weir_piece finish = { .type = WEIR_PIECE_FINISH };
	struct weir_json_cursor cursor;
	struct weir_json_member m;
	bool barren;

	if (parts.len && weir_json_open(&cursor, parts) == 0)
		while (weir_json_next(&cursor, &m) == 1)
			if (m.type == WEIR_JSON_OBJECT)
				hear_part(h, m.value, answer);
	if (reason.len == 0)
		return;
	finish.finish = weir_gemini_finish(reason, &barren);
	weir_hearing_say(h, &finish);
}

/* Nothing was answered, because of what was asked. */
static void say_blocked(struct weir_hearing *h, struct weir_slice reason)
{
	struct weir_pen pen = { &h->scratch, h->rc };

	weir_buf_clear(&h->scratch);
	weir_put(&pen, "The prompt was blocked (");
	weir_put_slice(&pen, reason);
	weir_put(&pen, ").");
	h->rc = pen.rc;
	if (h->rc)
		return;
	weir_hearing_say_text(h, WEIR_PIECE_REFUSAL, weir_buf_slice(&h->scratch));
	weir_hearing_say(
		h, &(struct weir_piece){ .type = WEIR_PIECE_FINISH, .finish = WEIR_FINISH_FILTER });
}

void weir_gemini_hear_event(struct weir_hearing *h, struct weir_slice data)
{
	struct weir_gemini_top top;
	struct weir_slice blocked;

	if (!weir_gemini_read_top(data, &top))
		return;
	if (!h->started)
		weir_hearing_say(h, &(struct weir_piece){
					    .type = WEIR_PIECE_START,
					    .id = top.id,
					    .name = top.model,
				    });
	h->started = true;
	blocked = weir_chat_pick(top.feedback, "blockReason");
	say_usage(h, top.usage);
	if (top.candidate.len)
		hear_candidate(h, top.candidate, weir_slice_hash(top.id.len ? top.id : data));
	else if (blocked.len)
		say_blocked(h, blocked);
}

void weir_gemini_hear_body(struct weir_hearing *h, struct weir_slice body)
{
	weir_gemini_hear_event(h, body);
}
