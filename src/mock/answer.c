#include "mock/answer.h"

#include <string.h>

#include "mock/generate.h"
#include "mock/messages.h"
#include "mock/responses.h"

#define PUT WEIR_MOCK_PUT

enum { CHATTER_MAX = 2 * 1024 * 1024 };

static const char *const stems[2] = { " tok", " t\xc3\xb8k\xf0\x9f\x90\x8b" };

void weir_mock_chatter_init(struct weir_mock_chatter *chatter)
{
	*chatter = (struct weir_mock_chatter){ .tokens = { 0 } };
	weir_buf_init(&chatter->text[0], CHATTER_MAX);
	weir_buf_init(&chatter->text[1], CHATTER_MAX);
}

void weir_mock_chatter_fini(struct weir_mock_chatter *chatter)
{
	weir_buf_fini(&chatter->text[0]);
	weir_buf_fini(&chatter->text[1]);
}

int weir_mock_chatter_grow(struct weir_mock_chatter *chatter, bool utf8, uint64_t n)
{
	while (chatter->tokens[utf8] < n) {
		size_t len = chatter->text[utf8].len;
		struct weir_mock_pen pen = { &chatter->text[utf8], 0 };

		weir_mock_put_text(&pen, stems[utf8]);
		weir_mock_put_u64(&pen, chatter->tokens[utf8]);
		if (pen.rc) {
			chatter->text[utf8].len = len;
			return pen.rc;
		}
		chatter->tokens[utf8]++;
	}
	return 0;
}

/* Where token i begins: each before it has a stem and its digits. */
static size_t offset_of(bool utf8, uint64_t i)
{
	uint64_t offset = i * strlen(stems[utf8]) + i;

	for (uint64_t ten = 10; ten < i; ten *= 10)
		offset += i - ten;
	return (size_t)offset;
}

static struct weir_slice say(const struct weir_mock_voice *v, uint64_t from, uint64_t to)
{
	bool utf8 = v->step->utf8;
	size_t begin = offset_of(utf8, from);

	return weir_slice(v->chatter->text[utf8].base + begin, offset_of(utf8, to) - begin);
}

/* The token an answer begins with that is asked to go on. */
static uint64_t resume_at(const struct weir_mock_voice *v)
{
	uint64_t said = v->ask->tokens_said;

	switch (v->step->resume) {
	case WEIR_MOCK_RESUME_ON:
	case WEIR_MOCK_RESUME_REFUSE:
		break;
	case WEIR_MOCK_RESUME_OVERLAP:
		said = said > WEIR_MOCK_OVERLAP ? said - WEIR_MOCK_OVERLAP : 0;
		break;
	case WEIR_MOCK_RESUME_RESTART:
	case WEIR_MOCK_RESUME_OTHER:
	case WEIR_MOCK_RESUME_OFF:
		return 0;
	}
	if (said < v->last)
		return said;
	return v->ask->prefill ? v->last : 0;
}

void weir_mock_voice_plan(struct weir_mock_voice *v)
{
	uint64_t max = v->ask->tokens_max;

	v->last = v->step->tokens;
	v->first = v->ask->tokens_said ? resume_at(v) : 0;
	v->limited = max && v->last - v->first > max;
	if (v->limited)
		v->last = v->first + max;
}

static void put_prefix(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	enum weir_mock_resume resume = v->step->resume;

	if (v->ask->lead_len &&
	    (resume == WEIR_MOCK_RESUME_OVERLAP || resume == WEIR_MOCK_RESUME_RESTART)) {
		weir_mock_put(pen, v->ask->lead, v->ask->lead_len);
		return;
	}
	if (v->ask->tokens_said && resume == WEIR_MOCK_RESUME_OTHER) {
		PUT(pen, "Something else:");
		return;
	}
	weir_mock_put_text(pen, v->vendor);
	if (v->ask->nonce[0]) {
		PUT(pen, " ");
		weir_mock_put_text(pen, v->ask->nonce);
	}
	PUT(pen, ":");
}

/* Where piece i of n begins, never within a character. */
static size_t piece_at(struct weir_slice text, uint64_t i, uint64_t n)
{
	size_t at = (size_t)(text.len * i / n);

	while (at < text.len && ((unsigned char)text.base[at] & 0xc0) == 0x80)
		at++;
	return at;
}

/* As it stands in JSON, without quotes. */
static void put_pieces(struct weir_mock_pen *pen, const struct weir_mock_step *step, uint64_t from,
		       uint64_t to)
{
	struct weir_buf *buf = pen->buf;
	size_t begin = piece_at(step->say, from, step->tokens);
	size_t end = piece_at(step->say, to, step->tokens);
	size_t quote = buf->len;

	weir_mock_put_json(pen, weir_slice(step->say.base + begin, end - begin));
	if (pen->rc)
		return;
	buf->len -= 2;
	memmove(buf->base + quote, buf->base + quote + 1, buf->len - quote);
}

void weir_mock_put_tokens(struct weir_mock_pen *pen, const struct weir_mock_voice *v, uint64_t from,
			  uint64_t to)
{
	if (v->step->say.len && !v->step->tools) {
		if (from < to)
			put_pieces(pen, v->step, from, to);
		return;
	}
	if (from == 0 && v->first == 0)
		put_prefix(pen, v);
	if (from < to)
		weir_mock_put_slice(pen, say(v, from, to));
}

static void put_id(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	if (v->ask->route == WEIR_MOCK_COMPLETIONS)
		PUT(pen, "{\"id\":\"cmpl-");
	else
		PUT(pen, "{\"id\":\"chatcmpl-");
	weir_mock_put_text(pen, v->vendor);
	PUT(pen, "-");
	weir_mock_put_u64(pen, v->serial);
}

static void put_model_and_choices(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	PUT(pen, "\",\"created\":1790000000,\"model\":\"");
	weir_mock_put(pen, v->ask->model, v->ask->model_len);
	PUT(pen, "\",\"choices\":[");
}

static void open_event(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	PUT(pen, "data: ");
	put_id(pen, v);
	if (v->ask->route == WEIR_MOCK_COMPLETIONS)
		PUT(pen, "\",\"object\":\"text_completion");
	else
		PUT(pen, "\",\"object\":\"chat.completion.chunk");
	put_model_and_choices(pen, v);
}

static void close_event(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	if (v->ask->include_usage)
		PUT(pen, "],\"usage\":null}\n\n");
	else
		PUT(pen, "]}\n\n");
}

static void begin(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	if (v->ask->route == WEIR_MOCK_COMPLETIONS)
		return;
	if (v->ask->azure)
		PUT(pen, "data: {\"choices\":[],\"created\":0,\"id\":\"\",\"model\":\"\","
			 "\"object\":\"\",\"prompt_filter_results\":[{\"prompt_index\":0,"
			 "\"content_filter_results\":{\"hate\":{\"filtered\":false,"
			 "\"severity\":\"safe\"}}}]}\n\n");
	open_event(pen, v);
	PUT(pen,
	    "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null},"
	    "\"logprobs\":null,\"finish_reason\":null}");
	close_event(pen, v);
}

/* The calls before the last one say nothing but their number. */
static void put_early_calls(struct weir_mock_pen *pen, const struct weir_mock_voice *v, bool index)
{
	for (uint64_t call = 0; call + 1 < v->step->tools; call++) {
		PUT(pen, "{");
		if (index) {
			PUT(pen, "\"index\":");
			weir_mock_put_u64(pen, call);
			PUT(pen, ",");
		}
		PUT(pen, "\"id\":\"call_mock");
		weir_mock_put_u64(pen, call);
		PUT(pen, "\",\"type\":\"function\",\"function\":{\"name\":\"say\","
			 "\"arguments\":\"{\\\"n\\\":");
		weir_mock_put_u64(pen, call);
		PUT(pen, "}\"}},");
	}
}

/* A tool call's arguments are JSON inside a JSON string. */
static void open_tool(struct weir_mock_pen *pen, const struct weir_mock_voice *v, bool first)
{
	PUT(pen, "{\"index\":0,\"delta\":{\"tool_calls\":[");
	if (first)
		put_early_calls(pen, v, true);
	PUT(pen, "{\"index\":");
	weir_mock_put_u64(pen, v->step->tools - 1);
	PUT(pen, ",");
	if (first)
		PUT(pen,
		    "\"id\":\"call_mock\",\"type\":\"function\",\"function\":{\"name\":\"say\","
		    "\"arguments\":\"{\\\"text\\\":\\\"");
	else
		PUT(pen, "\"function\":{\"arguments\":\"");
}

static void open_token(struct weir_mock_pen *pen, const struct weir_mock_voice *v, uint64_t i)
{
	open_event(pen, v);
	if (v->ask->route == WEIR_MOCK_COMPLETIONS)
		PUT(pen, "{\"text\":\"");
	else if (v->step->tools)
		open_tool(pen, v, i == v->first);
	else
		PUT(pen, "{\"index\":0,\"delta\":{\"content\":\"");
	weir_mock_put_tokens(pen, v, i, i + 1);
}

static void close_token(struct weir_mock_pen *pen, const struct weir_mock_voice *v, uint64_t i)
{
	if (v->ask->route == WEIR_MOCK_COMPLETIONS)
		PUT(pen, "\",\"index\":0,\"logprobs\":null,\"finish_reason\":null}");
	else if (!v->step->tools)
		PUT(pen, "\"},\"logprobs\":null,\"finish_reason\":null}");
	else if (i + 1 == v->last)
		PUT(pen, "\\\"}\"}}]},\"logprobs\":null,\"finish_reason\":null}");
	else
		PUT(pen, "\"}}]},\"logprobs\":null,\"finish_reason\":null}");
	close_event(pen, v);
}

/* With its quotes, or null. */
static void put_reason(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	if (weir_slice_is(v->step->finish, "none"))
		PUT(pen, "null");
	else if (v->step->finish.len)
		weir_mock_put_json(pen, v->step->finish);
	else if (v->limited)
		PUT(pen, "\"length\"");
	else if (v->step->tools && v->ask->route == WEIR_MOCK_CHAT)
		PUT(pen, "\"tool_calls\"");
	else
		PUT(pen, "\"stop\"");
}

static void finish(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	open_event(pen, v);
	if (v->ask->route == WEIR_MOCK_COMPLETIONS)
		PUT(pen, "{\"text\":\"\",\"index\":0,\"logprobs\":null,\"finish_reason\":");
	else
		PUT(pen, "{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":");
	put_reason(pen, v);
	PUT(pen, "}");
	close_event(pen, v);
}

static void put_counts(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	uint64_t in = v->ask->prompt_tokens, out = v->last - v->first;

	PUT(pen, "\"usage\":{\"prompt_tokens\":");
	weir_mock_put_u64(pen, in);
	PUT(pen, ",\"completion_tokens\":");
	weir_mock_put_u64(pen, out);
	PUT(pen, ",\"total_tokens\":");
	weir_mock_put_u64(pen, in + out);
	PUT(pen, ",\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},"
		 "\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0}}");
}

static void put_usage(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	open_event(pen, v);
	PUT(pen, "],");
	put_counts(pen, v);
	PUT(pen, "}\n\n");
}

static void no_choices(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	open_event(pen, v);
	close_event(pen, v);
}

static void open_choice(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	if (v->ask->route == WEIR_MOCK_COMPLETIONS)
		PUT(pen, "{\"text\":\"");
	else if (v->step->tools)
		PUT(pen, "{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":null,"
			 "\"tool_calls\":[");
	else
		PUT(pen, "{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"");
}

static void close_choice(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	if (v->ask->route == WEIR_MOCK_COMPLETIONS)
		PUT(pen, "\",\"index\":0,\"logprobs\":null,\"finish_reason\":");
	else if (v->step->tools)
		PUT(pen, "\\\"}\"}}],\"refusal\":null},\"logprobs\":null,\"finish_reason\":");
	else
		PUT(pen, "\",\"refusal\":null,\"annotations\":[]},\"logprobs\":null,"
			 "\"finish_reason\":");
	put_reason(pen, v);
	PUT(pen, "}");
}

static void open_whole(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	put_id(pen, v);
	if (v->ask->route == WEIR_MOCK_COMPLETIONS)
		PUT(pen, "\",\"object\":\"text_completion");
	else
		PUT(pen, "\",\"object\":\"chat.completion");
	put_model_and_choices(pen, v);
	if (v->step->kind == WEIR_MOCK_NO_CHOICES)
		return;
	open_choice(pen, v);
	if (v->step->tools && v->ask->route == WEIR_MOCK_CHAT) {
		put_early_calls(pen, v, false);
		PUT(pen, "{\"id\":\"call_mock\",\"type\":\"function\",\"function\":{"
			 "\"name\":\"say\",\"arguments\":\"{\\\"text\\\":\\\"");
	}
	weir_mock_put_tokens(pen, v, v->first, v->last);
}

static void close_whole(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	if (v->step->kind != WEIR_MOCK_NO_CHOICES)
		close_choice(pen, v);
	PUT(pen, "],");
	if (v->step->usage) {
		put_counts(pen, v);
		PUT(pen, ",");
	}
	PUT(pen, "\"service_tier\":\"default\",\"system_fingerprint\":\"fp_mock\"}");
}

const struct weir_mock_tongue *weir_mock_tongue(enum weir_mock_route route)
{
	static const struct weir_mock_tongue own = {
		.begin = begin,
		.open_token = open_token,
		.close_token = close_token,
		.finish = finish,
		.usage = put_usage,
		.no_choices = no_choices,
		.open_whole = open_whole,
		.close_whole = close_whole,
		.end = "data: [DONE]\n\n",
		.ping = ": ping\n\n",
		.ends_errors = true,
	};

	if (route == WEIR_MOCK_MESSAGES)
		return &weir_mock_messages;
	if (route == WEIR_MOCK_RESPONSES)
		return &weir_mock_responses;
	return route == WEIR_MOCK_GENERATE ? &weir_mock_generate : &own;
}

void weir_mock_put_model(struct weir_mock_pen *pen, struct weir_slice model, const char *vendor)
{
	PUT(pen, "{\"id\":\"");
	weir_mock_put_slice(pen, model);
	PUT(pen, "\",\"object\":\"model\",\"created\":1790000000,\"owned_by\":\"");
	weir_mock_put_text(pen, vendor);
	PUT(pen, "\"}");
}
