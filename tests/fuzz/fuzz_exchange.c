/* Whatever a provider sends: the same outcome and the same bytes wherever it is cut into
 * pieces, nothing shown of what failed unseen, and only whole events of a stream. With a
 * seam, what is kept of a stream is the same too. */
#include "fuzz.h"

#include "base/alloc.h"
#include "dialect/exchange.h"

#define OK_JSON "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
#define OK_SSE  "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
#define ROLE    "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n"
#define TOKEN   "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"
#define STOP    "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\n"
#define ID      "data: {\"id\":\"b\",\"choices\":[{\"delta\":{\"content\":\"n1 n2\"}}]}\n\n"
#define AGAIN   "data: {\"choices\":[{\"delta\":{\"content\":\" n3 n4\"}}]}\n\n"
#define RESPONSE(type, more) \
	"event: " type "\ndata: {\"type\":\"" type "\",\"response\":{" more "}}\n\n"
#define ERROR "{\"error\":{\"code\":429,\"message\":\"try again in 2s\"}}"

/* The first byte: bit 0 stream, bit 1 embeddings, bit 2 a FIN, bit 3 an RST at the end, bit 4
 * with a seam, bit 5 that another stream's text is in, bit 6 without one: of the responses API. */
static const struct fuzz_seed seeds[] = {
	FUZZ_SEED("\x05" OK_SSE "\r\n: ping\n\n" ROLE TOKEN STOP "data: [DONE]\n\n"),
	FUZZ_SEED("\x05" OK_SSE "\r\n" TOKEN "data: oops\r\n\r\n" STOP "data: [DONE]"),
	FUZZ_SEED("\x09" OK_SSE "\r\n" ROLE "event: error\rdata: " ERROR "\r\rdata: [DONE]\r\r"),
	FUZZ_SEED("\x01" OK_SSE "transfer-encoding: chunked\r\n\r\n"
		  "1f\r\ndata: {\"choices\":[{\"delta\":{\"c\r\n10\r\nontent\":\"a\"}}]}\n\n\r\n"
		  "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"),
	FUZZ_SEED("\x01HTTP/1.1 200 OK\r\n\r\n\n{\"object\":\"x\",\"choices\":[{\"message\":{"
		  "\"tool_calls\":[{\"id\":\"a\"},{}]}}]}"),
	FUZZ_SEED("\x04" OK_JSON "content-length: 29\r\n\r\n{\"choices\":[{\"message\":null}]}x"),
	FUZZ_SEED("\x06" OK_JSON
		  "connection: close\r\n\r\n{\"data\":[],\"usage\":{\"prompt_tokens\":1}}"),
	FUZZ_SEED("\x04HTTP/1.1 429 x\r\nretry-after: 3\r\nkeep-alive: timeout=5\r\n\r\n[" ERROR
		  "]"),
	FUZZ_SEED("\x05" OK_SSE "\r\n" TOKEN TOKEN TOKEN "data: x\n\n" TOKEN TOKEN STOP
		  "data: [DONE]\n\n"),
	FUZZ_SEED("\x04HTTP/1.1 502 x\r\ncontent-type: text/html\r\n\r\n<html><style>a</style>b "),
	FUZZ_SEED("\x04HTTP/1.1 422 x\r\n\r\n{\"detail\":[{\"loc\":[\"body\",\"top_p\"],\"msg\":"
		  "\"Extra inputs are not permitted\"}]}"),
	FUZZ_SEED("\x04" OK_JSON "content-length: 55\r\n\r\n" ERROR),
	FUZZ_SEED("\x1d" OK_SSE "\r\n" ROLE ID TOKEN "data: oops\r\r" TOKEN STOP),
	FUZZ_SEED("\x3d" OK_SSE "\r\n" ROLE ID AGAIN TOKEN "data: oops\r\r" STOP "data: [DONE]\n"),
	FUZZ_SEED("\x35" OK_SSE
		  "\r\n: x\r\rid: 1\revent: e\rdata:{\"id\":\"b\",\rdata:\"choices\":[{"
		  "\"delta\":{\"content\":\" n3 n4\"}}]}\r\r" TOKEN "data: [DONE]\r\r"),
	FUZZ_SEED("\x35" OK_JSON
		  "\r\n{\"id\":\"b\",\"choices\":[{\"message\":{\"content\":\"n2 n3 n4\","
		  "\"tool_calls\":[{}]},\"finish_reason\":\"stop\"}]}"),
	FUZZ_SEED("\x45" OK_SSE "\r\n" RESPONSE("response.created", "\"id\":\"r\"")
			  RESPONSE("response.output_text.delta", "")
				  RESPONSE("response.completed",
					   "\"usage\":{\"input_tokens\":1}") "data: [DONE]\n\n"),
	FUZZ_SEED("\x45" OK_SSE
		  "\r\n" RESPONSE("response.failed", "\"error\":{\"code\":\"slow_down\"}")),
	FUZZ_SEED("\x44" OK_JSON "\r\n{\"id\":\"r\",\"object\":\"response\",\"output\":[]}"),
};

enum { SHOWN_MAX = 16 * FUZZ_INPUT_MAX };

struct outcome {
	enum weir_exchange_state state;
	struct weir_verdict verdict;
	bool committed, reusable, complete, retry_after_stated, usage, shown_error;
	unsigned status, events_dropped;
	uint64_t retry_after_ms, content_length;
	struct weir_usage tokens;
	char content_type[128];
	bool can_resume;
	size_t kept_n;
	char kept[FUZZ_INPUT_MAX + 64];
	size_t shown_n;
	char shown[SHOWN_MAX];
};

static void note(struct outcome *o, const struct weir_exchange *x)
{
	o->state = x->state;
	o->verdict = x->verdict;
	o->committed = x->committed;
	o->reusable = x->reusable;
	o->complete = x->message_complete;
	o->retry_after_stated = x->retry_after_stated;
	o->retry_after_ms = x->retry_after_ms;
	o->usage = x->usage;
	o->tokens = x->tokens;
	o->status = x->status;
	o->events_dropped = x->events_dropped;
	o->shown_error = x->error_event_shown;
	o->content_length = x->has_length ? x->content_length : 0;
	memcpy(o->content_type, x->content_type, sizeof o->content_type);
}

static void take_out(struct outcome *o, struct weir_exchange *x)
{
	if (x->state == WEIR_EXCHANGE_WAITING)
		return;
	FUZZ_CHECK(o->shown_n + x->out.len <= SHOWN_MAX);
	if (x->out.len)
		memcpy(o->shown + o->shown_n, x->out.base, x->out.len);
	o->shown_n += x->out.len;
	weir_buf_clear(&x->out);
}

static void lend(struct weir_exchange *x, struct weir_seam *seam, uint8_t flags)
{
	struct weir_delta delta = { .text = WEIR_SLICE("n1 n2 n3"), .id_at = WEIR_SLICE("\"a\"") };

	weir_seam_init(seam);
	if (flags & 16)
		x->seam = seam;
	if ((flags & 48) != 48)
		return;
	weir_seam_note(seam, &delta);
	FUZZ_CHECK(weir_seam_begin(seam, flags & 4) == 0);
}

static void note_seam(struct outcome *o, const struct weir_seam *seam)
{
	struct weir_slice text = weir_seam_text(seam);

	o->can_resume = weir_seam_can_resume(seam);
	o->kept_n = text.len;
	FUZZ_CHECK(text.len <= sizeof o->kept);
	if (text.len)
		memcpy(o->kept, text.base, text.len);
}

static void play(struct outcome *o, uint8_t flags, struct weir_slice bytes, uint64_t seed)
{
	struct weir_exchange x;
	struct weir_seam seam;
	struct weir_rng rng;

	memset(o, 0, offsetof(struct outcome, shown));
	weir_rng_init(&rng, seed);
	if ((flags & 80) == 64)
		weir_exchange_init(&x, weir_dialect_of(WEIR_ROUTE_RESPONSES), WEIR_ROUTE_RESPONSES,
				   flags & 1);
	else
		weir_exchange_init(&x, weir_dialect_find(WEIR_SLICE("openai")),
				   flags & 2 ? WEIR_ROUTE_EMBEDDINGS : WEIR_ROUTE_CHAT, flags & 1);
	lend(&x, &seam, flags);
	for (size_t at = 0, n; at < bytes.len; at += n) {
		n = seed ? 1 + fuzz_below(&rng, seed % 64 + 1) : bytes.len;
		if (n > bytes.len - at)
			n = bytes.len - at;
		FUZZ_CHECK(weir_exchange_feed(&x, bytes.base + at, n, 1) == x.state);
		take_out(o, &x);
	}
	if (flags & 12) {
		weir_exchange_eof(&x, flags & 4);
		take_out(o, &x);
		FUZZ_CHECK(x.state >= WEIR_EXCHANGE_DONE && x.message_complete && !x.reusable);
	}
	note(o, &x);
	note_seam(o, &seam);
	if (x.state == WEIR_EXCHANGE_FAILED)
		FUZZ_CHECK(x.verdict.reason && x.verdict.outcome != WEIR_OUT_OK);
	FUZZ_CHECK((x.state == WEIR_EXCHANGE_DONE || x.state == WEIR_EXCHANGE_COMMITTED) <=
		   x.committed);
	weir_exchange_fini(&x);
	weir_seam_fini(&seam);
	FUZZ_CHECK(weir_alloc_live() == 0);
}

static void compare(const struct outcome *a, const struct outcome *b)
{
	FUZZ_CHECK(a->state == b->state);
	FUZZ_CHECK(a->verdict.outcome == b->verdict.outcome);
	FUZZ_CHECK(a->verdict.reason == b->verdict.reason);
	FUZZ_CHECK(a->committed == b->committed && a->complete == b->complete);
	FUZZ_CHECK(a->reusable == b->reusable);
	FUZZ_CHECK(a->retry_after_stated == b->retry_after_stated);
	FUZZ_CHECK(a->retry_after_ms == b->retry_after_ms);
	FUZZ_CHECK(a->usage == b->usage && a->shown_error == b->shown_error);
	FUZZ_CHECK(memcmp(&a->tokens, &b->tokens, sizeof a->tokens) == 0);
	FUZZ_CHECK(a->status == b->status && a->events_dropped == b->events_dropped);
	FUZZ_CHECK(a->content_length == b->content_length);
	FUZZ_CHECK(strcmp(a->content_type, b->content_type) == 0);
	FUZZ_CHECK(a->can_resume == b->can_resume && a->kept_n == b->kept_n);
	FUZZ_CHECK(memcmp(a->kept, b->kept, a->kept_n) == 0);
	FUZZ_CHECK(a->shown_n == b->shown_n && memcmp(a->shown, b->shown, a->shown_n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct outcome whole, pieces;
	struct weir_slice wire;

	if (size < 1 || size > FUZZ_INPUT_MAX)
		return 0;
	wire = weir_slice((const char *)bytes + 1, size - 1);
	play(&whole, bytes[0], wire, 0);
	for (uint64_t seed = 64; seed < 67; seed++) {
		play(&pieces, bytes[0], wire, seed * 7 + size);
		compare(&whole, &pieces);
	}
	return 0;
}

FUZZ_MAIN(seeds, 60000)
