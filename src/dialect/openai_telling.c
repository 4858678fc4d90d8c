/* An answer as chat completions: chunks, or one body. */
#include "base/error.h"
#include "dialect/openai.h"
#include "dialect/piece.h"

static void put(struct weir_telling *t, const char *text)
{
	weir_put(&t->pen, text);
}

static const char *finish_name(const struct weir_telling *t)
{
	switch (t->finish) {
	case WEIR_FINISH_LENGTH:
		return "length";
	case WEIR_FINISH_FILTER:
		return "content_filter";
	case WEIR_FINISH_STOP:
	case WEIR_FINISH_SEQUENCE:
	case WEIR_FINISH_CALLS:
		break;
	}
	return t->calls_n || t->finish == WEIR_FINISH_CALLS ? "tool_calls" : "stop";
}

/* The provider's own id behind our kind of prefix. */
static void put_head(struct weir_telling *t, const char *object)
{
	struct weir_slice id = weir_buf_slice(&t->id);

	if (weir_slice_starts(id, "msg_"))
		id = weir_slice(id.base + 4, id.len - 4);
	put(t, "{\"id\":\"chatcmpl-");
	weir_put_slice(&t->pen, id);
	put(t, "\",\"object\":\"");
	put(t, object);
	put(t, "\",\"created\":");
	weir_put_u64(&t->pen, t->created_s);
	put(t, ",\"model\":");
	weir_put_quoted(&t->pen, weir_buf_slice(&t->model));
}

static void begin_chunk(struct weir_telling *t)
{
	put(t, "data: ");
	put_head(t, "chat.completion.chunk");
	put(t, ",\"choices\":[");
}

static void begin_delta(struct weir_telling *t)
{
	begin_chunk(t);
	put(t, "{\"index\":0,\"delta\":{");
}

static void end_delta(struct weir_telling *t, const char *finish)
{
	put(t, "},\"logprobs\":null,\"finish_reason\":");
	put(t, finish ? "\"" : "null");
	put(t, finish ? finish : "");
	put(t, finish ? "\"}]" : "}]");
	put(t, t->usage_wanted ? ",\"usage\":null}\n\n" : "}\n\n");
}

static void put_text_delta(struct weir_telling *t, const char *name, struct weir_slice text)
{
	begin_delta(t);
	put(t, "\"");
	put(t, name);
	put(t, "\":");
	weir_put_quoted(&t->pen, text);
	end_delta(t, NULL);
}

static void put_usage(struct weir_telling *t)
{
	const struct weir_usage *u = &t->usage;

	put(t, "{\"prompt_tokens\":");
	weir_put_u64(&t->pen, u->in);
	put(t, ",\"completion_tokens\":");
	weir_put_u64(&t->pen, u->out);
	put(t, ",\"total_tokens\":");
	weir_put_u64(&t->pen, weir_sum(u->in, u->out));
	put(t, ",\"prompt_tokens_details\":{\"cached_tokens\":");
	weir_put_u64(&t->pen, u->cached);
	put(t, ",\"cache_write_tokens\":");
	weir_put_u64(&t->pen, u->written);
	put(t, "},\"completion_tokens_details\":{\"reasoning_tokens\":");
	weir_put_u64(&t->pen, u->reasoning);
	put(t, "}}");
}

static void put_call_delta(struct weir_telling *t, const struct weir_piece *p)
{
	begin_delta(t);
	put(t, "\"tool_calls\":[{\"index\":");
	weir_put_u64(&t->pen, p->call);
	if (p->type == WEIR_PIECE_CALL) {
		put(t, ",\"id\":");
		weir_put_quoted(&t->pen, p->id);
		put(t, ",\"type\":\"function\",\"function\":{\"name\":");
		weir_put_quoted(&t->pen, p->name);
		put(t, ",\"arguments\":\"\"}}]");
	} else {
		put(t, ",\"function\":{\"arguments\":");
		weir_put_quoted(&t->pen, p->text);
		put(t, "}}]");
	}
	end_delta(t, NULL);
}

static void end_stream(struct weir_telling *t)
{
	begin_delta(t);
	end_delta(t, finish_name(t));
	if (t->usage_wanted && t->usage_known) {
		begin_chunk(t);
		put(t, "],\"usage\":");
		put_usage(t);
		put(t, "}\n\n");
	}
	put(t, "data: [DONE]\n\n");
}

static void keep_call(struct weir_telling *t, const struct weir_piece *p)
{
	struct weir_pen pen = { &t->calls, t->pen.rc };

	weir_put(&pen, t->calls.len ? "\"}},{\"id\":" : "{\"id\":");
	weir_put_quoted(&pen, p->id);
	weir_put(&pen, ",\"type\":\"function\",\"function\":{\"name\":");
	weir_put_quoted(&pen, p->name);
	weir_put(&pen, ",\"arguments\":\"");
	t->pen.rc = pen.rc;
}

static void put_tier(struct weir_telling *t)
{
	if (t->tier == WEIR_TIER_DEFAULT)
		put(t, ",\"service_tier\":\"default\"");
	else if (t->tier == WEIR_TIER_PRIORITY)
		put(t, ",\"service_tier\":\"priority\"");
}

static void put_body(struct weir_telling *t)
{
	put_head(t, "chat.completion");
	put(t, ",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":");
	if (t->text.len || !t->calls_n)
		weir_put_quoted(&t->pen, weir_buf_slice(&t->text));
	else
		put(t, "null");
	put(t, ",\"refusal\":");
	if (t->refusal.len)
		weir_put_quoted(&t->pen, weir_buf_slice(&t->refusal));
	else
		put(t, "null");
	if (t->reasoning.len) {
		put(t, ",\"reasoning_content\":");
		weir_put_quoted(&t->pen, weir_buf_slice(&t->reasoning));
	}
	if (t->calls_n) {
		put(t, ",\"tool_calls\":[");
		weir_put_slice(&t->pen, weir_buf_slice(&t->calls));
		put(t, "\"}}]");
	}
	put(t, "},\"logprobs\":null,\"finish_reason\":\"");
	put(t, finish_name(t));
	put(t, "\"}]");
	if (t->usage_known) {
		put(t, ",\"usage\":");
		put_usage(t);
	}
	put_tier(t);
	put(t, "}\n");
}

static void tell_words(struct weir_telling *t, const struct weir_piece *p, const char *name,
		       struct weir_buf *whole)
{
	if (t->stream)
		put_text_delta(t, name, p->text);
	else
		weir_telling_keep(t, whole, p->text);
}

static void tell_call(struct weir_telling *t, const struct weir_piece *p)
{
	if (p->type == WEIR_PIECE_CALL)
		t->calls_n++;
	if (t->stream)
		put_call_delta(t, p);
	else if (p->type == WEIR_PIECE_CALL)
		keep_call(t, p);
	else
		weir_telling_keep(t, &t->calls, p->text);
}

static void tell_start(struct weir_telling *t, const struct weir_piece *p)
{
	if (p->type == WEIR_PIECE_START) {
		weir_telling_keep_name(t, &t->id, p->id);
		weir_telling_keep_name(t, &t->model, p->name);
	}
	if (t->begun || !t->stream)
		return;
	t->begun = true;
	begin_delta(t);
	put(t, "\"role\":\"assistant\",\"content\":\"\"");
	end_delta(t, NULL);
}

void weir_openai_tell(struct weir_telling *t, const struct weir_piece *p)
{
	if (p->type != WEIR_PIECE_PING)
		tell_start(t, p);
	switch (p->type) {
	case WEIR_PIECE_START:
		break;
	case WEIR_PIECE_TEXT:
		tell_words(t, p, "content", &t->text);
		break;
	case WEIR_PIECE_REASONING:
		tell_words(t, p, "reasoning_content", &t->reasoning);
		break;
	case WEIR_PIECE_REFUSAL:
		tell_words(t, p, "refusal", &t->refusal);
		break;
	case WEIR_PIECE_CALL:
	case WEIR_PIECE_ARGUMENTS:
		tell_call(t, p);
		break;
	case WEIR_PIECE_FINISH:
		t->finish = p->finish;
		break;
	case WEIR_PIECE_USAGE:
		t->usage = p->usage;
		t->tier = p->tier ? p->tier : t->tier;
		t->usage_known = true;
		break;
	case WEIR_PIECE_PING:
		if (t->stream)
			put(t, ": keepalive\n\n");
		break;
	case WEIR_PIECE_END:
		if (t->stream)
			end_stream(t);
		else
			put_body(t);
		break;
	}
}

/* In the words an SDK of ours knows. */
int weir_openai_put_refusal(struct weir_buf *out, const struct weir_refusal *refusal)
{
	const struct weir_verdict *v = &refusal->verdict;
	struct weir_pen pen = { out, 0 };
	const char *code = v->overflow              ? "\"context_length_exceeded\""
			   : v->model_unknown       ? "\"model_not_found\""
			   : v->content_policy      ? "\"content_policy_violation\""
			   : refusal->status == 413 ? "\"request_too_large\""
						    : "null";

	weir_put(&pen, "{\"error\":{\"message\":");
	weir_put_json(&pen, refusal->message);
	weir_put(&pen, ",\"type\":\"invalid_request_error\",\"param\":null,\"code\":");
	weir_put(&pen, code);
	weir_put(&pen, "}}\n");
	return pen.rc;
}
