/* What a held request, an open stream and one more of its events cost: bytes of memory and calls
 * of the heap, which are the same on every machine. Callers and providers are sockets and
 * nothing else, so that all of it is the gateway's. */
#define RAW_IN_MAX 32768

#include "gateway_raw.h"

#include "base/alloc.h"
#if defined(__SANITIZE_ADDRESS__)
size_t __sanitizer_get_current_allocated_bytes(void);
#elif defined(__GLIBC__)
#include <malloc.h>
#endif

enum { STREAMS_N = 64, WARM_N = 3, EVENTS_N = 40, BODY_BYTES = 1024 };

#define HEAD                                                            \
	"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"        \
	"x-request-id: req_0123456789abcdef\r\ndate: Thu, 01 Jan 1970 " \
	"00:00:00 GMT\r\ntransfer-encoding: chunked\r\n\r\n"
#define CHUNK                                                                            \
	"data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":" \
	"1790000000,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" \
	"word%u \"},\"finish_reason\":null}]}\n\n"
#define DELTA                                                                              \
	"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0," \
	"\"delta\":{\"type\":\"text_delta\",\"text\":\"word%u \"}}\n\n"

/* The bounds are what was counted, and a tenth. */
static const struct kind {
	const char *name, *target, *path;
	bool anthropic;            /* the events that come */
	size_t held_max, open_max; /* bytes of a held request, of an open stream */
} kinds[] = {
	{ "OpenAI's API", "openai", "/v1/chat/completions", false, 12200, 10300 },
	{ "Anthropic's API", "anthropic", "/v1/messages", true, 12700, 10600 },
	{ "Anthropic's API for a caller of OpenAI's", "anthropic", "/v1/chat/completions", true,
	  20900, 17100 },
	{ "OpenAI's API for a caller of Anthropic's", "openai", "/v1/messages", false, 20900,
	  19500 },
};

static struct place p;
static struct raw callers[STREAMS_N], providers[STREAMS_N];
static unsigned callers_n, providers_n, sent_n;
static int listener;

/* 0: this build cannot say. */
static size_t bytes_used(void)
{
#if defined(__SANITIZE_ADDRESS__)
	return __sanitizer_get_current_allocated_bytes();
#elif defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
	return mallinfo2().uordblks;
#else
	return 0;
#endif
}

static bool begin(const struct kind *kind)
{
	char yaml[1024];
	unsigned port;

	memset(&p, 0, offsetof(struct place, log) + 1);
	callers_n = providers_n = sent_n = 0;
	if (!mock_world_open(&p.w))
		return false;
	CHECK_INT(uv_timer_init(&p.w.loop, &p.tick), 0);
	listener = raw_listen(&port);
	snprintf(yaml, sizeof yaml,
		 "listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nproviders:\n"
		 "  alpha: { dialect: %s, base_url: \"http://127.0.0.1:%u%s\", keys: [ sk-1 ] }\n"
		 "chains:\n  m1: { steps: [ alpha/m1, alpha/m2 ] }\n",
		 kind->target, port, kind->anthropic ? "" : "/v1");
	if (place_make(&p, &p.gateway, yaml)) {
		NOTE("%s", p.why);
		CHECK(!"the gateway was made");
		return false;
	}
	place_listen(&p);
	return true;
}

static void end(void)
{
	for (unsigned i = 0; i < STREAMS_N; i++) {
		raw_close(&callers[i]);
		raw_close(&providers[i]);
	}
	close(listener);
	for (int i = 0; i < 1000 && place_metric(&p, "weir_inflight_requests "); i++)
		place_rest(&p, 10);
	place_close(&p);
}

static void turn(void)
{
	place_turn(&p);
	if (providers_n < STREAMS_N && raw_accept(&providers[providers_n], listener))
		providers_n++;
	for (unsigned i = 0; i < callers_n; i++)
		raw_read(&callers[i], RAW_IN_MAX);
	for (unsigned i = 0; i < providers_n; i++)
		raw_read(&providers[i], RAW_IN_MAX);
}

static unsigned count(const struct raw *raw, const char *text)
{
	unsigned n = 0;

	for (const char *at = raw->in; (at = strstr(at, text)); at += strlen(text))
		n++;
	return n;
}

/* All requests are at the provider. */
static void ask(const struct kind *kind)
{
	char body[BODY_BYTES + 1], request[2 * BODY_BYTES];
	int n = snprintf(body, sizeof body,
			 "{\"model\":\"m1\",\"stream\":true,\"max_tokens\":99,\"messages\":[{"
			 "\"role\":\"user\",\"content\":\"");

	memset(body + n, 'x', (size_t)(BODY_BYTES - n));
	memcpy(body + BODY_BYTES - 4, "\"}]}", 5);
	snprintf(request, sizeof request,
		 "POST %s HTTP/1.1\r\nhost: weir\r\nauthorization: Bearer sk-caller\r\n"
		 "anthropic-version: 2023-06-01\r\ncontent-type: application/json\r\n"
		 "content-length: %d\r\n\r\n%s",
		 kind->path, BODY_BYTES, body);
	while (callers_n < STREAMS_N) {
		raw_connect(&callers[callers_n], p.port);
		raw_say(&callers[callers_n++], request);
		turn();
	}
	for (unsigned i = 0; i < STREAMS_N;)
		if (i < providers_n && strstr(providers[i].in, "xx\""))
			i++;
		else
			turn();
}

/* One more event for each, until all callers have it. */
static void tell(const struct kind *kind)
{
	char event[512], chunk[600], word[32];
	int n = snprintf(event, sizeof event, kind->anthropic ? DELTA : CHUNK, sent_n);

	snprintf(word, sizeof word, "word%u ", sent_n++);
	snprintf(chunk, sizeof chunk, "%x\r\n%s\r\n", (unsigned)n, event);
	for (unsigned i = 0; i < STREAMS_N; i++)
		raw_say(&providers[i], chunk);
	for (unsigned i = 0; i < STREAMS_N;)
		if (strstr(callers[i].in, word))
			i++;
		else
			turn();
}

/* Less what the callers and providers themselves use. */
static size_t each(size_t before)
{
	size_t all = bytes_used();

	return all ? (all - before) / STREAMS_N - 2 * RAW_IN_MAX : 0;
}

static void measure(const struct kind *kind)
{
	size_t before, held, open;
	uint64_t calls;

	if (!begin(kind))
		return;
	place_rest(&p, 10);
	before = bytes_used();
	ask(kind);
	held = each(before);
	for (unsigned i = 0; i < STREAMS_N; i++)
		raw_say(&providers[i], HEAD);
	for (int i = 0; i < WARM_N; i++)
		tell(kind);
	open = each(before);
	calls = weir_alloc_calls();
	for (int i = 0; i < EVENTS_N; i++)
		tell(kind);
	calls = weir_alloc_calls() - calls;
	NOTE("%s: %zu bytes held, %zu open, %.2f heap calls per event", kind->name, held, open,
	     (double)calls / (STREAMS_N * EVENTS_N));
	CHECK_INT(calls, 0);
	CHECK(held <= kind->held_max);
	CHECK(open <= kind->open_max);
	for (unsigned i = 0; i < STREAMS_N; i++)
		CHECK_INT(count(&callers[i], "word"), WARM_N + EVENTS_N);
	end();
}

TEST(an_event_that_is_passed_on_takes_no_memory_and_a_stream_little)
{
	for (size_t i = 0; i < WEIR_COUNT_OF(kinds); i++)
		measure(&kinds[i]);
}

TEST_MAIN
