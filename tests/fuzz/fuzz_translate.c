/* Whatever a caller asks and a provider answers, between the dialects: what is written is
 * JSON, the same wherever the answer is cut into pieces, and nothing is shown of what failed
 * unseen. */
#include "fuzz.h"

#include "base/alloc.h"
#include "base/error.h"
#include "dialect/chat.h"
#include "dialect/exchange.h"

#define OK_JSON "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n"
#define OK_SSE  "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
#define START \
	"data: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"m\"}}\n\n"
#define BLOCK(json)                                                                           \
	"data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":" json "}\n\n" \
	"data: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
#define DELTA(json) "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":" json "}\n\n"
#define OVER                                                                                     \
	"data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{" \
	"\"output_tokens\":3}}\n\ndata: {\"type\":\"message_stop\"}\n\n"
#define CHUNK(json) "data: {\"id\":\"1\",\"model\":\"m\",\"choices\":[{" json "}]}\n\n"
#define CALL(json)  CHUNK("\"delta\":{\"tool_calls\":[" json "]}")

/* The first byte: bit 0 stream, bit 1 the caller speaks Anthropic's API, bit 2 a request, bit 3
 * a FIN at the end, bit 4 the target speaks Gemini's. */
static const struct fuzz_seed seeds[] = {
	FUZZ_SEED("\x09" OK_SSE START BLOCK("{\"type\":\"text\",\"text\":\"a \\ud83d\"}") OVER),
	FUZZ_SEED("\x09" OK_SSE START DELTA("{\"type\":\"text_delta\",\"text\":\"a\\\"\"}") OVER),
	FUZZ_SEED("\x09" OK_SSE START DELTA("{\"type\":\"text_delta\",\"text\":\"a\"}")
			  DELTA("{\"type\":\"text_delta\",\"text\":\"b\"}")
				  DELTA("{\"type\":\"text_delta\",\"text\":\"c\"}") OVER),
	FUZZ_SEED("\x09" OK_SSE START BLOCK(
		"{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{\"a\":\"\\\\\"}}")
			  OVER),
	FUZZ_SEED("\x01" OK_SSE START DELTA(
		"{\"type\":\"thinking_delta\",\"thinking\":\"a\"}") "event: error\ndata: "
								    "{\"type\":\"error\",\"error\":"
								    "{\"type\":\"x\"}}\n\n"),
	FUZZ_SEED("\x08" OK_JSON
		  "{\"id\":\"msg_1\",\"model\":\"m\",\"content\":[{\"type\":\"text\","
		  "\"text\":\"a\"},{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{"
		  "\"a\":[1,\"b\\\"\"]}}],\"stop_reason\":\"tool_use\",\"usage\":{\"input_tokens\":"
		  "1}}"),
	FUZZ_SEED("\x08HTTP/1.1 400 x\r\n\r\n{\"type\":\"error\",\"error\":{\"type\":"
		  "\"invalid_request_error\",\"message\":\"prompt is too long: 9001 > 8192\"}}"),
	FUZZ_SEED("\x0b" OK_SSE CHUNK("\"delta\":{\"content\":\"a \\ud83d\"}")
			  CHUNK("\"delta\":{},\"finish_reason\":\"stop\"") "data: [DONE]\n\n"),
	FUZZ_SEED("\x0b" OK_SSE CALL("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\","
				     "\"arguments\":\"{\\\"x\\\":\"}}")
			  CALL("{\"index\":0,\"function\":{\"arguments\":\"1}\"}}") CALL(
				  "{\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":{}}}")
				  CHUNK("\"finish_reason\":\"stop\"") "data: [DONE]\n\n"),
	FUZZ_SEED("\x0a" OK_JSON
		  "{\"id\":\"1\",\"model\":\"m\",\"choices\":[{\"message\":{\"content\":"
		  "\"a\",\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":"
		  "\"{\\\"x\\\":1}\"}}]},\"finish_reason\":\"stop\"}]}"),
	FUZZ_SEED(
		"\x04{\"messages\":[{\"role\":\"system\",\"content\":\"S\"},{\"role\":\"user\","
		"\"content\":[{\"type\":\"text\",\"text\":\"a \\n\"},{\"type\":\"image_url\","
		"\"image_url\":{\"url\":\"data:image/png;base64,QQ==\"}}]},{\"role\":\"assistant\","
		"\"tool_calls\":[{\"id\":\"a.b\",\"function\":{\"name\":\"f\",\"arguments\":"
		"\"{\\\"x\\\":1}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"a.b\",\"content\":"
		"\"R\"}],"
		"\"stop\":[\"a\",\" \"],\"temperature\":1.5,\"seed\":1}"),
	FUZZ_SEED("\x04{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"tools\":[{\"type\":"
		  "\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"properties\":{}}}}],"
		  "\"tool_choice\":{\"function\":{\"name\":\"f\"}},\"reasoning_effort\":\"high\","
		  "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{"
		  "\"a\":1}}}}"),
	FUZZ_SEED(
		"\x06{\"max_tokens\":9,\"system\":[{\"type\":\"text\",\"text\":\"S\"}],"
		"\"messages\":["
		"{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":[{"
		"\"type\":"
		"\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{\"a\":\"\\\\ "
		"\\\"\"}}]},{\"role\":"
		"\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"t\",\"content\":"
		"[{"
		"\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":\"u\"}}]},{\"type\":"
		"\"text\","
		"\"text\":\"b\"}]}],\"stop_sequences\":[\"a\"],\"thinking\":{\"type\":\"enabled\","
		"\"budget_tokens\":2048}}"),
	FUZZ_SEED("\x06{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"document\","
		  "\"title\":"
		  "\"T\",\"source\":{\"type\":\"text\",\"data\":\"d\"}}]}],\"tools\":[{\"name\":"
		  "\"f\","
		  "\"input_schema\":{}}],\"tool_choice\":{\"type\":\"tool\",\"name\":\"f\"},"
		  "\"metadata\":{"
		  "\"user_id\":\"u\"},\"output_config\":{\"format\":{\"schema\":{\"type\":"
		  "\"object\"}}}}"),
	FUZZ_SEED("\x19HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: "
		  "{\"candidates\":[{"
		  "\"content\":{\"parts\":[{\"text\":\"a\",\"thought\":true},{\"text\":\"b\"}]}}],"
		  "\"usageMetadata\":{\"promptTokenCount\":1}}\r\n\r\ndata: {\"candidates\":[{"
		  "\"content\":{\"parts\":[{\"functionCall\":{\"id\":\"1\",\"name\":\"f\",\"args\":"
		  "{\"a\":"
		  "\"\\\"\"}},\"thoughtSignature\":\"Q2l0+\\/"
		  "8\\u003d\"}]},\"finishReason\":\"STOP\"}]}"
		  "\r\n\r\n"),
	FUZZ_SEED("\x1bHTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: "
		  "{\"candidates\":[{"
		  "\"finishReason\":\"MALFORMED_FUNCTION_CALL\",\"finishMessage\":\"\\ud83d\"}]}"
		  "\n\n"),
	FUZZ_SEED("\x18HTTP/1.1 429 x\r\ncontent-type: "
		  "application/json\r\n\r\n[{\"error\":{\"code\":429,"
		  "\"message\":\"limit: "
		  "0\",\"status\":\"RESOURCE_EXHAUSTED\",\"details\":[{\"@type\":\"t/"
		  "google.rpc.QuotaFailure\",\"violations\":[{\"quotaId\":\"PerDay-FreeTier\"}]},{"
		  "\"@type\":\"google.rpc.ErrorInfo\",\"reason\":\"API_KEY_INVALID\"}]}}]"),
	FUZZ_SEED(
		"\x1aHTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{\"promptFeedback\":{"
		"\"blockReason\":\"SAFETY\"}}"),
	FUZZ_SEED("\x14{\"messages\":[{\"role\":\"system\",\"content\":\"S\"},{\"role\":"
		  "\"assistant\","
		  "\"content\":\"t\",\"tool_calls\":[{\"id\":\"gem_1__gsig_Q2l0-_8\",\"function\":{"
		  "\"name\":"
		  "\"f\",\"arguments\":\"{\\\"x\\\":1}\"}}]},{\"role\":\"tool\",\"tool_call_id\":"
		  "\"gem_1__gsig_Q2l0-_8\",\"content\":\"{}\"}],\"stop\":[\"a\"],\"seed\":-1,\"max_"
		  "tokens\":9,"
		  "\"reasoning_effort\":\"low\",\"temperature\":1.5}"),
	FUZZ_SEED("\x16{\"max_tokens\":9,\"system\":\"S\",\"messages\":[{\"role\":\"user\","
		  "\"content\":[{"
		  "\"type\":\"document\",\"title\":\"T\",\"source\":{\"type\":\"text\",\"data\":"
		  "\"d\"}},{"
		  "\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/"
		  "png\",\"data\":"
		  "\"Q\"}}]}],\"tools\":[{\"name\":\"f\",\"input_schema\":{}}],\"tool_choice\":{"
		  "\"type\":"
		  "\"tool\",\"name\":\"f\"}}"),
};

enum { SHOWN_MAX = 128 * FUZZ_INPUT_MAX, MEMBERS_MAX = 64 };

struct outcome {
	enum weir_exchange_state state;
	enum weir_outcome outcome;
	const char *reason;
	bool committed, shown_error;
	unsigned dropped;
	size_t n;
	char shown[SHOWN_MAX];
};

static const struct weir_dialect *caller_of(uint8_t flags)
{
	return weir_dialect_find(flags & 2 ? WEIR_SLICE("anthropic") : WEIR_SLICE("openai"));
}

static const struct weir_dialect *target_of(uint8_t flags)
{
	const struct weir_dialect *target = weir_dialect_at(flags >> 4);

	return target && target != caller_of(flags) ? target : caller_of((uint8_t)(flags ^ 2));
}

static void take_out(struct outcome *o, struct weir_exchange *x)
{
	if (x->state == WEIR_EXCHANGE_WAITING)
		return;
	FUZZ_CHECK(o->n + x->out.len <= SHOWN_MAX);
	if (x->out.len)
		memcpy(o->shown + o->n, x->out.base, x->out.len);
	o->n += x->out.len;
	weir_buf_clear(&x->out);
}

static void play(struct outcome *o, uint8_t flags, struct weir_slice bytes, uint64_t seed)
{
	struct weir_exchange_names names = { WEIR_SLICE("i"), WEIR_SLICE("m") };
	struct weir_exchange x;
	struct weir_rng rng;

	memset(o, 0, offsetof(struct outcome, shown));
	weir_rng_init(&rng, seed);
	weir_exchange_init(&x, target_of(flags), target_of(flags)->chat->route, flags & 1);
	FUZZ_CHECK(weir_exchange_translate(&x, caller_of(flags), true, names) == 0);
	for (size_t at = 0, n; at < bytes.len; at += n) {
		n = seed ? 1 + fuzz_below(&rng, seed % 64 + 1) : bytes.len;
		if (n > bytes.len - at)
			n = bytes.len - at;
		weir_exchange_feed(&x, bytes.base + at, n, 1000);
		take_out(o, &x);
	}
	if (flags & 8) {
		weir_exchange_eof(&x, true);
		take_out(o, &x);
	}
	o->state = x.state;
	o->outcome = x.verdict.outcome;
	o->reason = x.verdict.reason;
	o->committed = x.committed;
	o->shown_error = x.error_event_shown;
	o->dropped = x.events_dropped;
	weir_exchange_fini(&x);
	FUZZ_CHECK(weir_alloc_live() == 0);
}

/* Every line of an answer that is shown is an event's, and its data is JSON. */
static void check_shown(const struct outcome *o, bool stream)
{
	const char *p = o->shown, *end = p + o->n;
	size_t offset;

	if (!o->committed)
		return;
	if (!stream) {
		FUZZ_CHECK(o->state != WEIR_EXCHANGE_DONE ||
			   weir_json_check(weir_slice(p, o->n), &offset) == 0);
		return;
	}
	while (p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		struct weir_slice line;

		FUZZ_CHECK(stop != NULL);
		line = weir_slice(p, (size_t)(stop - p));
		p = stop + 1;
		if (weir_slice_starts(line, "data: ") && !weir_slice_is(line, "data: [DONE]"))
			FUZZ_CHECK(weir_json_check(weir_slice(line.base + 6, line.len - 6),
						   &offset) == 0);
		else
			FUZZ_CHECK(line.len == 0 || line.base[0] == ':' ||
				   weir_slice_starts(line, "event: ") ||
				   weir_slice_is(line, "data: [DONE]"));
	}
}

static void try_answer(uint8_t flags, struct weir_slice wire)
{
	static struct outcome whole, pieces;

	play(&whole, flags, wire, 0);
	check_shown(&whole, flags & 1);
	for (uint64_t seed = 64; seed < 66; seed++) {
		play(&pieces, flags, wire, seed * 7 + wire.len);
		FUZZ_CHECK(whole.state == pieces.state && whole.outcome == pieces.outcome);
		FUZZ_CHECK(whole.reason == pieces.reason && whole.committed == pieces.committed);
		FUZZ_CHECK(whole.dropped == pieces.dropped);
		FUZZ_CHECK(whole.n == pieces.n && memcmp(whole.shown, pieces.shown, whole.n) == 0);
	}
}

static void try_request(uint8_t flags, struct weir_slice body)
{
	static const char *const models[] = { "gpt-5.4", "claude-opus-4-6", "claude-sonnet-4-5",
					      "gemini-3-flash-preview", "gemini-2.5-pro" };
	struct weir_json_member members[MEMBERS_MAX];
	struct weir_json_cursor cursor;
	struct weir_model_facts facts = { .output_tokens = 64000 };
	struct weir_chat_target target = { .facts = &facts };
	struct weir_drops drops;
	struct weir_chat chat;
	struct weir_buf out;
	unsigned n = 0;
	int rc = weir_json_open(&cursor, body);
	size_t offset;

	while (rc >= 0 && n < MEMBERS_MAX && (rc = weir_json_next(&cursor, &members[n])) > 0)
		n++;
	if (rc != 0 || cursor.is_array)
		return;
	target.model = models[body.len % WEIR_COUNT_OF(models)];
	FUZZ_CHECK(caller_of(flags)->chat->read_request(&chat, members, n) == 0);
	drops = chat.drops;
	weir_buf_init(&out, SHOWN_MAX);
	if (!chat.cannot && !target_of(flags)->chat->cannot(&chat, &target)) {
		FUZZ_CHECK(target_of(flags)->chat->put_request(&chat, &target, &out, &drops) == 0);
		FUZZ_CHECK(weir_json_check(weir_buf_slice(&out), &offset) == 0);
	}
	weir_buf_fini(&out);
	weir_chat_fini(&chat);
	FUZZ_CHECK(weir_alloc_live() == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct weir_slice rest;

	if (size < 1 || size > FUZZ_INPUT_MAX)
		return 0;
	rest = weir_slice((const char *)bytes + 1, size - 1);
	if (bytes[0] & 4)
		try_request(bytes[0], rest);
	else
		try_answer(bytes[0], rest);
	return 0;
}

FUZZ_MAIN(seeds, 60000)
