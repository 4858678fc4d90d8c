#include "mock/generate.h"

#define PUT WEIR_MOCK_PUT

static const char signature[] = "bW9jaytzaWduYXR1cmUv"; /* base64 with its own signs */

static void put_usage(struct weir_mock_pen *pen, const struct weir_mock_voice *v, uint64_t out)
{
	if (v->step->usage) {
		PUT(pen, "\"usageMetadata\":{\"promptTokenCount\":");
		weir_mock_put_u64(pen, v->ask->prompt_tokens);
		PUT(pen, ",\"candidatesTokenCount\":");
		weir_mock_put_u64(pen, out);
		PUT(pen, ",\"totalTokenCount\":");
		weir_mock_put_u64(pen, v->ask->prompt_tokens + out);
		PUT(pen, "},");
	}
	PUT(pen, "\"modelVersion\":\"");
	weir_mock_put(pen, v->ask->model, v->ask->model_len);
	PUT(pen, "\",\"responseId\":\"");
	weir_mock_put_text(pen, v->vendor);
	PUT(pen, "-");
	weir_mock_put_u64(pen, v->serial);
	PUT(pen, "\"}");
}

static void open_candidate(struct weir_mock_pen *pen)
{
	PUT(pen, "{\"candidates\":[{\"content\":{\"parts\":[");
}

/* Only the last event of an answer has a reason. */
static void close_candidate(struct weir_mock_pen *pen, const struct weir_mock_voice *v, bool last)
{
	PUT(pen, "],\"role\":\"model\"}");
	if (last && !weir_slice_is(v->step->finish, "none")) {
		PUT(pen, ",\"finishReason\":");
		if (v->step->finish.len)
			weir_mock_put_json(pen, v->step->finish);
		else
			weir_mock_put_text(pen, v->limited ? "\"MAX_TOKENS\"" : "\"STOP\"");
	}
	PUT(pen, ",\"index\":0}],");
}

/* Of calls beside each other the first is signed. */
static void close_call(struct weir_mock_pen *pen, uint64_t call)
{
	PUT(pen, "}}");
	if (call == 0) {
		PUT(pen, ",\"thoughtSignature\":\"");
		weir_mock_put_text(pen, signature);
		PUT(pen, "\"");
	}
	PUT(pen, "}");
}

static void open_call(struct weir_mock_pen *pen, const struct weir_mock_voice *v, uint64_t call)
{
	PUT(pen, "{\"functionCall\":{\"id\":\"mock");
	weir_mock_put_u64(pen, v->serial);
	PUT(pen, "-");
	weir_mock_put_u64(pen, call);
	PUT(pen, "\",\"name\":\"say\",\"args\":{");
}

/* The calls before the last one say nothing but their number; of the last one all but its end. */
static void put_calls(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	uint64_t last = v->step->tools - 1;

	for (uint64_t call = 0; call < last; call++) {
		open_call(pen, v, call);
		PUT(pen, "\"n\":");
		weir_mock_put_u64(pen, call);
		close_call(pen, call);
		PUT(pen, ",");
	}
	open_call(pen, v, last);
	PUT(pen, "\"text\":\"");
	weir_mock_put_tokens(pen, v, v->first, v->last);
}

static void open_text(struct weir_mock_pen *pen, const struct weir_mock_voice *v, uint64_t from,
		      uint64_t to)
{
	PUT(pen, "{\"text\":\"");
	weir_mock_put_tokens(pen, v, from, to);
}

/* A call comes whole, where its first token is due. */
static bool is_silent(const struct weir_mock_voice *v, uint64_t i)
{
	return v->step->tools && i > v->first;
}

static void begin(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	(void)pen, (void)v; /* it has no event for that */
}

static void open_token(struct weir_mock_pen *pen, const struct weir_mock_voice *v, uint64_t i)
{
	if (is_silent(v, i))
		return;
	PUT(pen, "data: ");
	open_candidate(pen);
	if (v->step->tools)
		put_calls(pen, v);
	else
		open_text(pen, v, i, i + 1);
}

static void close_token(struct weir_mock_pen *pen, const struct weir_mock_voice *v, uint64_t i)
{
	if (is_silent(v, i))
		return;
	PUT(pen, "\"");
	if (v->step->tools)
		close_call(pen, v->step->tools - 1);
	else
		PUT(pen, "}");
	close_candidate(pen, v, false);
	put_usage(pen, v, i + 1 - v->first);
	PUT(pen, "\r\n\r\n");
}

static void finish(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	PUT(pen, "data: ");
	open_candidate(pen);
	PUT(pen, "{\"text\":\"\"}");
	close_candidate(pen, v, true);
	put_usage(pen, v, v->last - v->first);
	PUT(pen, "\r\n\r\n");
}

static void no_choices(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	PUT(pen, "data: {");
	put_usage(pen, v, 0);
	PUT(pen, "\r\n\r\n");
}

static void open_whole(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	if (v->step->kind == WEIR_MOCK_NO_CHOICES) {
		PUT(pen, "{\"candidates\":[],");
		return;
	}
	open_candidate(pen);
	if (v->step->tools)
		put_calls(pen, v);
	else
		open_text(pen, v, v->first, v->last);
}

static void close_whole(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	if (v->step->kind != WEIR_MOCK_NO_CHOICES) {
		PUT(pen, "\"");
		if (v->step->tools)
			close_call(pen, v->step->tools - 1);
		else
			PUT(pen, "}");
		close_candidate(pen, v, true);
	}
	put_usage(pen, v, v->last - v->first);
}

const struct weir_mock_tongue weir_mock_generate = {
	.begin = begin,
	.open_token = open_token,
	.close_token = close_token,
	.finish = finish,
	.no_choices = no_choices,
	.open_whole = open_whole,
	.close_whole = close_whole,
	.end = "",
	.ping = ": ping\r\n\r\n",
};
