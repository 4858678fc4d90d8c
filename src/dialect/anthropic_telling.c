/* An answer as a message: events of one block after the other, or one body. */
#include "base/error.h"
#include "dialect/anthropic.h"

static void put(struct weir_telling *t, const char *text)
{
	weir_put(&t->pen, text);
}

static const char *stop_name(const struct weir_telling *t)
{
	switch (t->finish) {
	case WEIR_FINISH_LENGTH:
		return "max_tokens";
	case WEIR_FINISH_FILTER:
		return "refusal";
	case WEIR_FINISH_SEQUENCE:
		return t->calls_n ? "tool_use" : "stop_sequence";
	case WEIR_FINISH_STOP:
	case WEIR_FINISH_CALLS:
		break;
	}
	return t->calls_n || t->finish == WEIR_FINISH_CALLS ? "tool_use" : "end_turn";
}

/* The provider's own id behind our kind of prefix. */
static void put_head(struct weir_telling *t)
{
	struct weir_slice id = weir_buf_slice(&t->id), prefix = WEIR_SLICE("chatcmpl-");

	if (weir_slice_starts(id, prefix.base))
		id = weir_slice(id.base + prefix.len, id.len - prefix.len);
	put(t, "{\"id\":\"msg_");
	weir_put_slice(&t->pen, id);
	put(t, "\",\"type\":\"message\",\"role\":\"assistant\",\"model\":");
	weir_put_quoted(&t->pen, weir_buf_slice(&t->model));
	put(t, ",\"content\":[");
}

/* What was cached is not counted as input. */
static void put_usage(struct weir_telling *t)
{
	const struct weir_usage *u = &t->usage;
	uint64_t cache = weir_sum(u->cached, u->written);

	put(t, "\"usage\":{\"input_tokens\":");
	weir_put_u64(&t->pen, u->in > cache ? u->in - cache : 0);
	put(t, ",\"cache_creation_input_tokens\":");
	weir_put_u64(&t->pen, u->written);
	put(t, ",\"cache_read_input_tokens\":");
	weir_put_u64(&t->pen, u->cached);
	put(t, ",\"output_tokens\":");
	weir_put_u64(&t->pen, u->out);
	put(t, "}");
}

/* Its reason, and the sequence it stopped at. */
static void put_stop(struct weir_telling *t)
{
	put(t, "\"stop_reason\":\"");
	put(t, stop_name(t));
	put(t, "\",\"stop_sequence\":");
	if (t->finish == WEIR_FINISH_SEQUENCE && !t->calls_n)
		weir_put_quoted(&t->pen, weir_buf_slice(&t->reasoning));
	else
		put(t, "null");
}

/* ---- events ---- */

static void begin_event(struct weir_telling *t, const char *name)
{
	put(t, "event: ");
	put(t, name);
	put(t, "\ndata: {\"type\":\"");
	put(t, name);
	put(t, "\"");
}

static void begin_block_event(struct weir_telling *t, const char *name)
{
	begin_event(t, name);
	put(t, ",\"index\":");
	weir_put_u64(&t->pen, t->blocks_n);
}

static void begin_stream(struct weir_telling *t)
{
	begin_event(t, "message_start");
	put(t, ",\"message\":");
	put_head(t);
	put(t, "],\"stop_reason\":null,\"stop_sequence\":null,");
	put_usage(t);
	put(t, "}}\n\n");
}

static void close_block(struct weir_telling *t)
{
	if (t->open == WEIR_PIECE_END)
		return;
	begin_block_event(t, "content_block_stop");
	put(t, "}\n\n");
	t->blocks_n++;
	t->open = WEIR_PIECE_END;
}

static void stream_text(struct weir_telling *t, struct weir_slice text)
{
	if (t->open != WEIR_PIECE_TEXT) {
		close_block(t);
		begin_block_event(t, "content_block_start");
		put(t, ",\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n");
		t->open = WEIR_PIECE_TEXT;
	}
	begin_block_event(t, "content_block_delta");
	put(t, ",\"delta\":{\"type\":\"text_delta\",\"text\":");
	weir_put_quoted(&t->pen, text);
	put(t, "}}\n\n");
}

static void put_call(struct weir_telling *t, const struct weir_piece *p)
{
	put(t, "{\"type\":\"tool_use\",\"id\":");
	weir_put_quoted(&t->pen, p->id);
	put(t, ",\"name\":");
	weir_put_quoted(&t->pen, p->name);
	put(t, ",\"input\":");
}

void weir_anthropic_open_call(struct weir_telling *t, const struct weir_piece *call)
{
	close_block(t);
	begin_block_event(t, "content_block_start");
	put(t, ",\"content_block\":");
	put_call(t, call);
	put(t, "{}}}\n\n");
	t->open = WEIR_PIECE_CALL;
}

void weir_anthropic_put_arguments(struct weir_telling *t, struct weir_slice text)
{
	begin_block_event(t, "content_block_delta");
	put(t, ",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":");
	weir_put_quoted(&t->pen, text);
	put(t, "}}\n\n");
}

static void end_stream(struct weir_telling *t)
{
	weir_anthropic_end_calls(t);
	close_block(t);
	begin_event(t, "message_delta");
	put(t, ",\"delta\":{");
	put_stop(t);
	put(t, "},");
	put_usage(t);
	put(t, "}\n\n");
	put(t, weir_anthropic.end);
}

/* ---- a body ---- */

/* The call before is complete: its arguments, as the object they should be. */
static void close_call(struct weir_telling *t)
{
	struct weir_buf text;
	struct weir_pen pen = { &t->calls, t->pen.rc };
	size_t offset;

	if (t->open != WEIR_PIECE_CALL)
		return;
	t->open = WEIR_PIECE_END;
	weir_buf_init(&text, WEIR_ANSWER_TEXT_MAX);
	if (pen.rc == 0)
		pen.rc = weir_json_unescape(&text, weir_buf_slice(&t->refusal));
	if (text.len == 0) {
		weir_put(&pen, "{}}");
	} else if (text.base[0] == '{' && weir_json_check(weir_buf_slice(&text), &offset) == 0) {
		weir_put_slice(&pen, weir_buf_slice(&text));
		weir_put(&pen, "}");
	} else {
		weir_put(&pen, "{\"_raw\":");
		weir_put_quoted(&pen, weir_buf_slice(&t->refusal));
		weir_put(&pen, "}}");
	}
	weir_buf_clear(&t->refusal);
	weir_buf_fini(&text);
	t->pen.rc = pen.rc;
}

static void keep_call(struct weir_telling *t, const struct weir_piece *p)
{
	struct weir_buf *out = t->pen.buf;

	if (p->type == WEIR_PIECE_ARGUMENTS) {
		weir_telling_keep(t, &t->refusal, p->text);
		return;
	}
	close_call(t);
	t->pen.buf = &t->calls;
	put(t, ",");
	put_call(t, p);
	t->pen.buf = out;
	t->open = WEIR_PIECE_CALL;
}

static void put_body(struct weir_telling *t)
{
	struct weir_slice calls;

	close_call(t);
	calls = weir_buf_slice(&t->calls);
	put_head(t);
	if (t->text.len) {
		put(t, "{\"type\":\"text\",\"text\":");
		weir_put_quoted(&t->pen, weir_buf_slice(&t->text));
		put(t, "}");
	} else if (calls.len) {
		calls = weir_slice(calls.base + 1, calls.len - 1);
	}
	weir_put_slice(&t->pen, calls);
	put(t, "],");
	put_stop(t);
	put(t, ",");
	put_usage(t);
	put(t, "}\n");
}

/* ---- both ---- */

static void tell_start(struct weir_telling *t, const struct weir_piece *p)
{
	if (p->type == WEIR_PIECE_START) {
		weir_telling_keep_name(t, &t->id, p->id);
		weir_telling_keep_name(t, &t->model, p->name);
	}
	if (t->begun)
		return;
	t->begun = true;
	t->open = WEIR_PIECE_END;
	if (t->stream)
		begin_stream(t);
}

static void tell_words(struct weir_telling *t, const struct weir_piece *p)
{
	if (t->stream)
		stream_text(t, p->text);
	else
		weir_telling_keep(t, &t->text, p->text);
}

static void tell_call(struct weir_telling *t, const struct weir_piece *p)
{
	t->calls_n += p->type == WEIR_PIECE_CALL;
	if (t->stream)
		weir_anthropic_stream_call(t, p);
	else
		keep_call(t, p);
}

static void tell_end(struct weir_telling *t)
{
	if (t->stream)
		end_stream(t);
	else
		put_body(t);
}

/* Thoughts are not told: they have no signature, and sent back they would be refused. */
void weir_anthropic_tell(struct weir_telling *t, const struct weir_piece *p)
{
	if (p->type != WEIR_PIECE_PING)
		tell_start(t, p);
	switch (p->type) {
	case WEIR_PIECE_START:
	case WEIR_PIECE_REASONING:
		break;
	case WEIR_PIECE_TEXT:
		tell_words(t, p);
		break;
	case WEIR_PIECE_REFUSAL:
		tell_words(t, p);
		t->finish = WEIR_FINISH_FILTER;
		break;
	case WEIR_PIECE_CALL:
	case WEIR_PIECE_ARGUMENTS:
		tell_call(t, p);
		break;
	case WEIR_PIECE_FINISH:
		if (t->finish != WEIR_FINISH_FILTER)
			t->finish = p->finish;
		if (p->finish == WEIR_FINISH_SEQUENCE)
			weir_telling_keep(t, &t->reasoning, p->text);
		break;
	case WEIR_PIECE_USAGE:
		t->usage = p->usage;
		break;
	case WEIR_PIECE_PING:
		if (t->stream)
			put(t, "event: ping\ndata: {\"type\":\"ping\"}\n\n");
		break;
	case WEIR_PIECE_END:
		tell_end(t);
		break;
	}
}

/* The two numbers of a sentence about too long a prompt, the larger one first. */
static bool find_tokens(struct weir_slice text, uint64_t found[2])
{
	unsigned n = 0;

	for (size_t i = 0; i < text.len && n < 2;) {
		size_t begin = i;

		while (i < text.len && text.base[i] >= '0' && text.base[i] <= '9')
			i++;
		if (i - begin >= 3 &&
		    weir_slice_to_u64(weir_slice(text.base + begin, i - begin), &found[n]))
			n++;
		i += i == begin;
	}
	if (n == 2 && found[0] < found[1]) {
		uint64_t less = found[0];

		found[0] = found[1];
		found[1] = less;
	}
	return n == 2;
}

/* Its callers' recovery looks for these words. */
static void put_too_long(struct weir_pen *pen, struct weir_slice message)
{
	uint64_t tokens[2];

	weir_put(pen, "\"prompt is too long");
	if (find_tokens(message, tokens)) {
		weir_put(pen, ": ");
		weir_put_u64(pen, tokens[0]);
		weir_put(pen, " tokens > ");
		weir_put_u64(pen, tokens[1]);
		weir_put(pen, " maximum");
	}
	weir_put(pen, "\"");
}

int weir_anthropic_put_refusal(struct weir_buf *out, const struct weir_refusal *refusal)
{
	struct weir_pen pen = { out, 0 };
	bool unknown = refusal->verdict.model_unknown || refusal->status == 404;

	weir_put(&pen, "{\"type\":\"error\",\"error\":{\"type\":\"");
	weir_put(&pen, unknown                  ? "not_found_error"
		       : refusal->status == 413 ? "request_too_large"
						: "invalid_request_error");
	weir_put(&pen, "\",\"message\":");
	if (refusal->verdict.overflow)
		put_too_long(&pen, refusal->message);
	else
		weir_put_json(&pen, refusal->message);
	weir_put(&pen, "}}\n");
	return pen.rc;
}
