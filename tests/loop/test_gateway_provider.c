#include "core/request_private.h"
#include "gateway_raw.h"

/* Providers that are nothing but a socket in the test's hands. */

enum { MUCH = 8 * 1024 * 1024, EVENTS = 9000, EVENT_LEN = 1024, WITHOUT_END = 64 };

static struct place p;
static struct ask ask;
static struct raw provider, second, caller;
static int listener;

static void turns(unsigned n)
{
	while (n--)
		place_turn(&p);
}

/* Chain m1 is raw/m1 alone. */
static bool open_place(const char *defaults)
{
	char yaml[1024];
	unsigned port;

	if (!place_open(&p, "")) /* for its vendors; its gateway is replaced */
		return false;
	place_close_gateway(&p);
	while (!p.closed)
		turns(1);
	p.closed = 0;
	listener = raw_listen(&port);
	snprintf(yaml, sizeof yaml,
		 "providers:\n  raw: { dialect: openai, base_url: \"http://127.0.0.1:%u/v1\" }\n"
		 "defaults: { retries: 0, %s }\n"
		 "chains: { m1: { steps: [ raw/m1 ] } }\n",
		 port, defaults);
	CHECK_INT(place_make(&p, &p.gateway, yaml), 0);
	return true;
}

static void end(void)
{
	place_close(&p);
	close(listener);
	raw_close(&provider);
	raw_close(&second);
	raw_close(&caller);
}

static void await(struct raw *raw)
{
	while (!raw_accept(raw, listener))
		turns(1);
}

static void await_request(struct raw *raw)
{
	while (!raw_whole(raw)) {
		turns(1);
		raw_read(raw, RAW_IN_MAX);
	}
}

static void forget(struct raw *raw)
{
	raw->in_len = 0;
	raw->in[0] = '\0';
}

#define GOOD_BODY                                                                                 \
	"{\"id\":\"x\",\"object\":\"chat.completion\",\"model\":\"m\",\"choices\":[{\"index\":0," \
	"\"message\":{\"role\":\"assistant\",\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}"

static const char *message(const char *status, const char *body)
{
	static char text[1024];

	snprintf(text, sizeof text,
		 "HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n%s",
		 status, strlen(body), body);
	return text;
}

static void reset(struct raw *raw)
{
	struct linger now = { .l_onoff = 1 };

	setsockopt(raw->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(raw->fd);
	raw->fd = -1;
}

enum death { BEFORE_FIN, BEFORE_RST, AFTER_FIN, AFTER_RST, DEATHS_N };

/* C-01, F-01, F-02: the first connection serves one request and dies around the second. */
static void die(enum death death)
{
	REQUIRE(open_place(""));
	CHECK_INT(ask_start(&p, &ask, PLAIN), 0);
	await(&provider);
	await_request(&provider);
	raw_say(&provider, message("200 OK", GOOD_BODY));
	ask_wait(&ask);
	CHECK_INT(ask.status, 200);
	forget(&provider);
	turns(2);
	if (death == BEFORE_FIN)
		shutdown(provider.fd, SHUT_WR);
	else if (death == BEFORE_RST)
		reset(&provider);
	CHECK_INT(ask_start(&p, &ask, PLAIN), 0);
	if (death >= AFTER_FIN)
		await_request(&provider);
	if (death == AFTER_FIN)
		shutdown(provider.fd, SHUT_WR);
	else if (death == AFTER_RST)
		reset(&provider);
	await(&second);
	await_request(&second);
	raw_say(&second, message("200 OK", GOOD_BODY));
	ask_wait(&ask);
	CHECK_INT(ask.status, 200);
	CHECK(!strchr(ask.trail, ','));
	CHECK_INT(place_logged(&p, ":\"retry\""), 0);
	end();
}

TEST(a_stale_connection_is_replaced_and_not_counted)
{
	for (enum death death = 0; death < DEATHS_N; death++)
		die(death);
}

TEST(a_fresh_connection_that_dies_is_counted)
{
	REQUIRE(open_place(""));
	CHECK_INT(ask_start(&p, &ask, PLAIN), 0);
	await(&provider);
	await_request(&provider);
	reset(&provider);
	ask_wait(&ask);
	CHECK_INT(ask.status, 502);
	CHECK(strstr(ask.body, "\"class\":\"unreachable\""));
	end();
}

/* Only once: the connection that replaced it is as good as any. */
TEST(a_replacement_that_dies_is_counted)
{
	REQUIRE(open_place(""));
	CHECK_INT(ask_start(&p, &ask, PLAIN), 0);
	await(&provider);
	await_request(&provider);
	raw_say(&provider, message("200 OK", GOOD_BODY));
	ask_wait(&ask);
	forget(&provider);
	CHECK_INT(ask_start(&p, &ask, PLAIN), 0);
	await_request(&provider);
	reset(&provider);
	await(&second);
	await_request(&second);
	reset(&second);
	ask_wait(&ask);
	CHECK_INT(ask.status, 502);
	CHECK(!strchr(ask.trail, ','));
	end();
}

/* ---- bodies larger than all buffers ---- */

static char *much_body(bool stream)
{
	static char body[MUCH], number[24];
	static const char form[] = "{\"model\":\"m1\",\"messages\":[],\"stream\":%s,\"x\":\"";
	static int made = -1;
	size_t n;

	if (made == stream)
		return body;
	made = stream;
	n = (size_t)snprintf(body, sizeof body, form, stream ? "true" : "false");
	for (size_t i = n; i < sizeof body; i += 8) {
		snprintf(number, sizeof number, "%08zu", i);
		memcpy(body + i, number, sizeof body - i < 8 ? sizeof body - i : 8);
	}
	memcpy(body + sizeof body - 3, "\"}", 3);
	return body;
}

/* C-03, C-04: the answer comes when a little of the request has been read. */
static void answer_early(const char *status, const char *body, bool then_reset, int expected)
{
	REQUIRE(open_place(""));
	CHECK_INT(ask_start(&p, &ask, much_body(false)), 0);
	await(&provider);
	while (!raw_body(&provider)) {
		turns(1);
		raw_read(&provider, 1000);
	}
	raw_say(&provider, message(status, body));
	if (then_reset) {
		turns(3);
		reset(&provider);
	}
	ask_wait(&ask);
	CHECK_INT(ask.status, expected);
	CHECK(ask.whole);
	if (expected != 502)
		CHECK_STR(ask.body, body);
	/* What was half sent is not used again. */
	CHECK_INT(ask_start(&p, &ask, PLAIN), 0);
	await(&second);
	await_request(&second);
	raw_say(&second, message("200 OK", GOOD_BODY));
	ask_wait(&ask);
	CHECK_INT(ask.status, 200);
	end();
}

TEST(an_answer_can_outrun_its_request)
{
	answer_early("400 Bad", "{\"error\":{\"message\":\"no\"}}", false, 400);
	answer_early("400 Bad", "{\"error\":{\"message\":\"no\"}}", true, 400);
	answer_early("413 Large", "{\"error\":{\"message\":\"no\"}}", true, 413);
	answer_early("500 Oops", "{\"error\":{\"message\":\"no\"}}", false, 502);
	answer_early("200 OK", GOOD_BODY, false, 200);
	answer_early("200 OK", GOOD_BODY, true, 200);
}

/* C-32 */
TEST(an_answer_that_outruns_its_request_and_stalls_is_slow)
{
	for (int stream = 0; stream < 2; stream++) {
		REQUIRE(open_place("attempt_timeout: 150ms, first_token_timeout: 150ms"));
		CHECK_INT(ask_start(&p, &ask, much_body(stream)), 0);
		await(&provider);
		while (!raw_body(&provider)) {
			turns(1);
			raw_read(&provider, 1000);
		}
		raw_say(&provider, stream ? "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
					    "\r\n: thinking\n\n"
					  : "HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{");
		ask_wait(&ask);
		CHECK_INT(ask.status, 504);
		CHECK(strstr(ask.body, "\"status\":200,\"class\":\"slow\""));
		while (!provider.ended) {
			turns(1);
			raw_read(&provider, RAW_IN_MAX);
		}
		end();
	}
}

static size_t put_event(char *to, unsigned i)
{
	char event[EVENT_LEN + 1];
	size_t n = (size_t)snprintf(
		event, sizeof event,
		"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"e%05u ", i);

	memset(event + n, '.', sizeof event - n);
	memcpy(event + EVENT_LEN - 8, "\"}}]}\n\n", 8);
	memcpy(to, "3ff\r\n", 5);
	memcpy(to + 5, event, EVENT_LEN - 1);
	memcpy(to + 5 + EVENT_LEN - 1, "\r\n", 2);
	return 5 + EVENT_LEN - 1 + 2;
}

/* A whole chunked stream of EVENTS events. */
static char *much_stream(size_t *len)
{
	static char text[EVENTS * (EVENT_LEN + 6) + 1024];
	static size_t n;

	if (n == 0) {
		n = (size_t)snprintf(text, sizeof text,
				     "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
				     "transfer-encoding: chunked\r\n\r\n");
		for (unsigned i = 0; i < EVENTS; i++)
			n += put_event(text + n, i);
		n += (size_t)snprintf(text + n, sizeof text - n,
				      "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n");
	}
	*len = n;
	return text;
}

/* The stream goes on while its request is still being sent, and after it. */
TEST(a_stream_can_outrun_its_request)
{
	size_t len, sent = 0;
	char *stream = much_stream(&len);

	REQUIRE(open_place(""));
	CHECK_INT(ask_start(&p, &ask, much_body(true)), 0);
	await(&provider);
	while (!raw_body(&provider)) {
		turns(1);
		raw_read(&provider, 1000);
	}
	while (sent < len / 2) {
		sent += raw_send(&provider, stream + sent, len / 2 - sent);
		turns(1);
	}
	await_request(&provider);
	CHECK(memmem(provider.in, provider.in_len, much_body(true), MUCH - 1));
	CHECK(ask.request->body.bytes.base);
	while (sent < len - WITHOUT_END) {
		sent += raw_send(&provider, stream + sent, len - WITHOUT_END - sent);
		turns(1);
	}
	turns(20);
	CHECK(!ask.request->body.bytes.base); /* 8 MiB that nobody needs any more */
	sent += raw_send(&provider, stream + sent, len - sent);
	ask_wait(&ask);
	CHECK(ask.whole && ask.bytes_n > (uint64_t)EVENTS * 1000);
	end();
}

/* ---- what does not fit, for lack of memory, leaves no hole ---- */

/* The events in order, without a gap, to the end of what came. */
static unsigned count_events(const struct raw *raw)
{
	const char *at = raw->in, *last = raw->in + raw->in_len;
	unsigned n = 0;

	while (at && n < EVENTS) {
		char name[16];

		snprintf(name, sizeof name, "\"e%05u ", n);
		at = memmem(at, (size_t)(last - at) < 4096 ? (size_t)(last - at) : 4096, name, 8);
		n += at != NULL;
	}
	return n;
}

static bool stream_to_slow_caller(unsigned k)
{
	size_t len, sent = 0;
	char *stream = much_stream(&len);
	bool met;

	if (!open_place(""))
		return false;
	place_listen(&p);
	raw_connect(&caller, p.port);
	raw_post(&caller, "", STREAM);
	await(&provider);
	await_request(&provider);
	sent = raw_send(&provider, stream, 4096);
	while (caller.in_len == 0) {
		turns(1);
		raw_read(&caller, 2048);
	}
	weir_alloc_fail_after(k);
	for (unsigned idle = 0; idle < 50 && sent < len; idle++) {
		size_t n = raw_send(&provider, stream + sent, len - sent);

		idle = n ? 0 : idle;
		sent += n;
		turns(1);
	}
	while (!caller.ended && !raw_whole(&caller)) {
		sent += raw_send(&provider, stream + sent, len - sent);
		turns(1);
		raw_read(&caller, 512 * 1024);
		raw_read(&provider, 0);
	}
	met = place_failure_met(k);
	if (raw_whole(&caller))
		CHECK_INT(count_events(&caller), EVENTS);
	else
		CHECK(count_events(&caller) < EVENTS);
	end();
	return met;
}

TEST(an_answer_that_could_not_be_queued_has_no_hole)
{
	unsigned k = 1;

	while (stream_to_slow_caller(k) && test_failures == 0)
		k++;
	NOTE("%u allocations", k);
	CHECK(k > 2);
}

static bool send_to_slow_provider(unsigned k)
{
	bool met;

	if (!open_place("attempt_timeout: 2s"))
		return false;
	CHECK_INT(ask_start(&p, &ask, much_body(false)), 0);
	weir_alloc_fail_after(k);
	while (!raw_accept(&provider, listener) && !ask.dones)
		turns(1);
	turns(20);
	while (provider.in && !provider.ended && !raw_whole(&provider)) {
		turns(1);
		raw_read(&provider, 512 * 1024);
	}
	if (provider.in && raw_whole(&provider)) {
		CHECK(memmem(provider.in, provider.in_len, much_body(false), MUCH - 1));
		raw_say(&provider, message("200 OK", GOOD_BODY));
	}
	ask_wait(&ask);
	CHECK(ask.status == 200 || strstr(ask.body, "local_resource"));
	met = place_failure_met(k);
	end();
	return met;
}

TEST(a_request_that_could_not_be_queued_has_no_hole)
{
	unsigned k = 1;

	while (send_to_slow_provider(k) && test_failures == 0)
		k++;
	NOTE("%u allocations", k);
	CHECK(k > 2);
}

TEST_MAIN
