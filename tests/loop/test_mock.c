#include "mock_world.h"

/* What each word of a script does, byte for byte as far as it matters. */
struct row {
	const char *script;
	const char *body;
	enum mock_end end;
	const char *has[4];
	const char *hasnt[3];
};

static const char head_200[] = "HTTP/1.1 200 OK\r\n";

static const struct row rows[] = {
	{ "200",
	  PLAIN,
	  MOCK_KEPT,
	  { head_200, "\r\ncontent-length: ", "\"content\":\"alpha N1: tok0 tok1 ", " tok15\"" },
	  { "data:" } },
	{ "200",
	  STREAM,
	  MOCK_KEPT,
	  { "text/event-stream", "\"content\":\"alpha N1: tok0\"", "\"content\":\" tok15\"",
	    "data: [DONE]\n\n\r\n0\r\n\r\n" },
	  { "usage", "tok16" } },
	{ "ok;tokens=2", PLAIN, MOCK_KEPT, { "tok0 tok1\"", "\"completion_tokens\":2," } },
	{ "tokens=0", PLAIN, MOCK_KEPT, { "\"content\":\"alpha N1:\"" } },
	{ "tokens=0", STREAM, MOCK_KEPT, { "\"role\"", "\"finish_reason\":\"stop\"", "[DONE]" } },
	{ "tokens=3;utf8",
	  STREAM,
	  MOCK_KEPT,
	  { "t\xc3\xb8k\xf0\x9f\x90\x8b"
	    "0" } },
	{ "say=%7B%22a%22:%22\xc3\xb8\xc3\xb8%22%7D;tokens=3",
	  PLAIN,
	  MOCK_KEPT,
	  { "\"content\":\"{\\\"a\\\":\\\"\xc3\xb8\xc3\xb8\\\"}\"", "\"completion_tokens\":3," } },
	{ "say=%7B%22a%22:%22\xc3\xb8\xc3\xb8%22%7D;tokens=3",
	  STREAM,
	  MOCK_KEPT,
	  { "\"content\":\"{\\\"a\\\"\"", "\"content\":\":\\\"\xc3\xb8\"",
	    "\"content\":\"\xc3\xb8\\\"}\"" },
	  { "alpha N1" } },
	{ "tokens=3;tools",
	  STREAM,
	  MOCK_KEPT,
	  { "\"tool_calls\":[{\"index\":0,\"id\":\"call_mock\"",
	    "\"arguments\":\"{\\\"text\\\":\\\"alpha N1: tok0\"", "tok2\\\"}\"",
	    "\"finish_reason\":\"tool_calls\"" } },
	{ "tokens=3;tools",
	  PLAIN,
	  MOCK_KEPT,
	  { "\"arguments\":\"{\\\"text\\\":\\\"alpha N1: tok0 tok1 tok2\\\"}\"",
	    "\"tool_calls\"" } },
	{ "finish=length", PLAIN, MOCK_KEPT, { "\"finish_reason\":\"length\"" } },
	{ "usage=0", PLAIN, MOCK_KEPT, { head_200 }, { "usage" } },
	{ "as=json", STREAM, MOCK_KEPT, { "application/json", "\"message\":" }, { "data:" } },
	{ "as=stream", PLAIN, MOCK_KEPT, { "text/event-stream", "[DONE]" } },
	{ "text=%7B%22a%22:1%7D", STREAM, MOCK_KEPT, { "\r\n\r\n{\"a\":1}" } },

	{ "400", PLAIN, MOCK_KEPT, { "HTTP/1.1 400 ", "\"code\":\"invalid_value\"" } },
	{ "401", PLAIN, MOCK_KEPT, { "HTTP/1.1 401 ", "\"code\":\"invalid_api_key\"" } },
	{ "402", PLAIN, MOCK_KEPT, { "HTTP/1.1 402 ", "billing_error" } },
	{ "403", PLAIN, MOCK_KEPT, { "HTTP/1.1 403 ", "unsupported_country_region_territory" } },
	{ "404", PLAIN, MOCK_KEPT, { "HTTP/1.1 404 ", "`m1` does not exist", "model_not_found" } },
	{ "not-found", PLAIN, MOCK_KEPT, { "HTTP/1.1 404 ", "\"code\":null" }, { "model_not" } },
	{ "408", STREAM, MOCK_KEPT, { "HTTP/1.1 408 ", "\"error\"" }, { "event-stream" } },
	{ "409", PLAIN, MOCK_KEPT, { "HTTP/1.1 409 ", "conflict_error" } },
	{ "413", PLAIN, MOCK_KEPT, { "HTTP/1.1 413 " } },
	{ "415", PLAIN, MOCK_KEPT, { "HTTP/1.1 415 " } },
	{ "422",
	  PLAIN,
	  MOCK_KEPT,
	  { "HTTP/1.1 422 ", "{\"detail\":[{\"loc\":[\"body\",\"messages\"]" } },
	{ "425", PLAIN, MOCK_KEPT, { "HTTP/1.1 425 " } },
	{ "429",
	  PLAIN,
	  MOCK_KEPT,
	  { "HTTP/1.1 429 ", "rate_limit_exceeded", "reached for m1" },
	  { "retry-after", "try again in", "ratelimit-" } },
	{ "429;retry-after=7", PLAIN, MOCK_KEPT, { "\r\nretry-after: 7\r\n" } },
	{ "429;retry-after=ms:250", PLAIN, MOCK_KEPT, { "\r\nretry-after-ms: 250\r\n" } },
	{ "429;retry-after=date:5", PLAIN, MOCK_KEPT, { "\r\nretry-after: ", " GMT\r\n" } },
	{ "429;retry-after=-soon", PLAIN, MOCK_KEPT, { "\r\nretry-after: -soon\r\n" } },
	{ "429;shape=google;retry-after=info:22s",
	  PLAIN,
	  MOCK_KEPT,
	  { "google.rpc.RetryInfo\",\"retryDelay\":\"22s\"" },
	  { "\r\nretry-after" } },
	{ "quota", PLAIN, MOCK_KEPT, { "HTTP/1.1 429 ", "\"code\":\"insufficient_quota\"" } },
	{ "too-large", PLAIN, MOCK_KEPT, { "HTTP/1.1 429 ", "Request too large for m1" } },
	{ "content_policy", PLAIN, MOCK_KEPT, { "HTTP/1.1 400 ", "content_policy_violation" } },
	{ "context-length", PLAIN, MOCK_KEPT, { "HTTP/1.1 400 ", "context_length_exceeded" } },
	{ "unsupported-parameter;param=top_p",
	  PLAIN,
	  MOCK_KEPT,
	  { "HTTP/1.1 400 ", "unsupported_parameter", "\"param\":\"top_p\"" } },
	{ "500", PLAIN, MOCK_KEPT, { "HTTP/1.1 500 ", "server_error" } },
	{ "502", PLAIN, MOCK_KEPT, { "HTTP/1.1 502 ", "text/html", "<title>502" } },
	{ "503", PLAIN, MOCK_KEPT, { "HTTP/1.1 503 ", "server_is_overloaded" } },
	{ "504", PLAIN, MOCK_KEPT, { "HTTP/1.1 504 ", "text/html" } },
	{ "520", PLAIN, MOCK_KEPT, { "HTTP/1.1 520 ", "text/html" } },
	{ "526", PLAIN, MOCK_KEPT, { "HTTP/1.1 526 ", "text/html" } },
	{ "529", PLAIN, MOCK_KEPT, { "HTTP/1.1 529 Overloaded\r\n", "overloaded_error" } },
	{ "418", PLAIN, MOCK_KEPT, { "HTTP/1.1 418 ", "\"error\"" } },
	{ "301", PLAIN, MOCK_KEPT, { "HTTP/1.1 301 ", "\r\nlocation: http" } },
	{ "204", PLAIN, MOCK_KEPT, { "HTTP/1.1 204 " }, { "content-length", "{" } },
	{ "503;shape=anthropic;type=overloaded_error;message=Busy%2C%20sorry",
	  PLAIN,
	  MOCK_KEPT,
	  { "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Busy, "
	    "sorry\"}" } },
	{ "500;shape=none", PLAIN, MOCK_KEPT, { "content-length: 0\r\n" }, { "content-type" } },
	{ "503;header=X-One:a%3Bb;header=x-two:2",
	  PLAIN,
	  MOCK_KEPT,
	  { "\r\nX-One: a;b\r\n", "\r\nx-two: 2\r\n" } },
	{ "503;keep=0", PLAIN, MOCK_FIN, { "connection: close" } },

	{ "hang", PLAIN, MOCK_KEPT, { NULL } },
	{ "close", PLAIN, MOCK_FIN, { NULL } },
	{ "reset", PLAIN, MOCK_RST, { NULL } },
	{ "hang@head", PLAIN, MOCK_KEPT, { NULL } },
	{ "close@head", PLAIN, MOCK_FIN, { NULL } },
	{ "reset@head", PLAIN, MOCK_RST, { NULL } },
	{ "close@accept", PLAIN, MOCK_FIN, { NULL } },
	{ "hang@accept", PLAIN, MOCK_KEPT, { NULL } },
	{ "close@status", PLAIN, MOCK_FIN, { head_200 }, { "\r\n\r\n" } },
	{ "reset@status", STREAM, MOCK_RST, { head_200 }, { "\r\n\r\n" } },
	{ "hang@headers", PLAIN, MOCK_KEPT, { "\r\n\r\n" }, { "{" } },
	{ "hang@headers", STREAM, MOCK_KEPT, { "\r\n\r\n" }, { "data" } },
	{ "reset@headers", PLAIN, MOCK_RST, { "\r\n\r\n" }, { "{" } },
	{ "reset@half", PLAIN, MOCK_RST, { "\"id\"" }, { "usage" } },
	{ "reset@half;status=500", PLAIN, MOCK_RST, { "HTTP/1.1 500 ", "{\"error" }, { "}}" } },
	{ "close@half", STREAM, MOCK_FIN, { " tok7\"" }, { " tok8\"" } },
	{ "close@end", PLAIN, MOCK_FIN, { "fp_mock\"" }, { "fp_mock\"}" } },
	{ "close@end", STREAM, MOCK_FIN, { "[DONE]\n\n\r\n" }, { "\r\n0\r\n" } },
	{ "hang@role", STREAM, MOCK_KEPT, { "\"role\":\"assistant\"" }, { "tok0" } },
	{ "stall", STREAM, MOCK_KEPT, { "tok2" }, { "tok3" } },
	{ "stall;after=5", STREAM, MOCK_KEPT, { "tok4" }, { "tok5" } },
	{ "cut;after=2", STREAM, MOCK_FIN, { "tok1" }, { "tok2", "\r\n0\r\n" } },
	{ "cut;after=2;clean", STREAM, MOCK_FIN, { "tok1", "\r\n0\r\n\r\n" }, { "tok2", "DONE" } },
	{ "reset;after=1", STREAM, MOCK_RST, { "tok0" }, { "tok1" } },
	{ "cut;after=99", STREAM, MOCK_FIN, { "tok15" }, { "stop" } },

	{ "truncated", PLAIN, MOCK_FIN, { "content-length: ", "fp_mock\"}" } },
	{ "truncated", STREAM, MOCK_FIN, { "content-length: ", "[DONE]\n\n" }, { "chunked" } },
	{ "bad-json", PLAIN, MOCK_KEPT, { head_200, "{\"id\"" }, { "usage" } },
	{ "bad-json", STREAM, MOCK_KEPT, { "[{\"delta\":\n\n", "[DONE]" }, { "tok0" } },
	{ "bad-event;after=1",
	  STREAM,
	  MOCK_KEPT,
	  { "tok0", "[{\"delta\":\n\n", "tok15", "[DONE]" } },
	{ "bad-chunk;after=1", STREAM, MOCK_FIN, { "tok0", "\r\nzz\r\n" }, { "tok1" } },
	{ "bad-chunk", PLAIN, MOCK_FIN, { "chunked", "\r\nzz\r\n" } },
	{ "html", PLAIN, MOCK_KEPT, { head_200, "text/html", "<html>" } },
	{ "html;status=503", STREAM, MOCK_KEPT, { "HTTP/1.1 503 ", "<html>" } },
	{ "error-200", STREAM, MOCK_KEPT, { head_200, "application/json", "{\"error\":{" } },
	{ "error-event",
	  STREAM,
	  MOCK_KEPT,
	  { "\r\n\r\n", "data: {\"error\":{", "0\r\n\r\n" },
	  { "role", "tok", "DONE" } },
	{ "error-event;after=2;named;done",
	  STREAM,
	  MOCK_KEPT,
	  { "tok1", "event: error\ndata: {\"error\"", "[DONE]" },
	  { "tok2" } },
	{ "error-event", PLAIN, MOCK_KEPT, { head_200, "{\"error\":{" } },
	{ "empty", PLAIN, MOCK_KEPT, { head_200, "content-length: 0\r\n" }, { "{" } },
	{ "empty", STREAM, MOCK_KEPT, { "event-stream", "\r\n\r\n0\r\n\r\n" }, { "data" } },
	{ "no-choices", PLAIN, MOCK_KEPT, { "\"choices\":[],\"usage\"" } },
	{ "no-choices", STREAM, MOCK_KEPT, { "\"choices\":[]}", "[DONE]" }, { "delta" } },
	{ "no-done", STREAM, MOCK_KEPT, { "\"stop\"", "0\r\n\r\n" }, { "DONE" } },
	{ "no-finish", STREAM, MOCK_KEPT, { "tok15", "[DONE]" }, { "stop" } },
	{ "no-end", STREAM, MOCK_KEPT, { "tok15", "0\r\n\r\n" }, { "stop", "DONE" } },
	{ "pings;gap=2ms;count=3", STREAM, MOCK_KEPT, { ": ping\n\n", "tok15", "[DONE]" } },
	{ "pings;gap=2ms;count=3",
	  PLAIN,
	  MOCK_KEPT,
	  { "\r\n\r\n1\r\n\n\r\n1\r\n\n\r\n", "tok15" } },
	{ "extra", PLAIN, MOCK_KEPT, { "fp_mock\"}EXTRA BYTES" } },
	{ "extra;second", STREAM, MOCK_KEPT, { "0\r\n\r\nHTTP/1.1 200 OK", "smuggled" } },
	{ "gzip", PLAIN, MOCK_KEPT, { "content-encoding: gzip\r\n", "{\"id\"" } },
	{ "info=103", PLAIN, MOCK_KEPT, { "HTTP/1.1 103 ", "\r\n\r\nHTTP/1.1 200 OK" } },
	{ "raw;text=SSH-2.0-x%0d%0a", PLAIN, MOCK_FIN, { "SSH-2.0-x\r\n" }, { "HTTP" } },
	{ "early", PLAIN, MOCK_FIN, { "HTTP/1.1 413 " } },
	{ "http=0", PLAIN, MOCK_KEPT, { "HTTP/1.0 200 OK" } },
	{ "content-type=", PLAIN, MOCK_KEPT, { head_200 }, { "content-type" } },
	{ "content-type=text/plain", PLAIN, MOCK_KEPT, { "content-type: text/plain\r\n" } },
	{ "framing=close", PLAIN, MOCK_FIN, { "connection: close", "fp_mock\"}" }, { "-length" } },
	{ "framing=close", STREAM, MOCK_FIN, { "[DONE]\n\n" }, { "chunked" } },
	{ "framing=length",
	  STREAM,
	  MOCK_KEPT,
	  { "content-length: ", "[DONE]\n\n" },
	  { "chunked" } },
	{ "framing=chunked", PLAIN, MOCK_KEPT, { "chunked", "fp_mock\"}\r\n0\r\n\r\n" } },
};

static void check_row(const struct row *row)
{
	struct mock_world w;
	struct mock_client c;
	enum mock_end end;
	int before = test_failures;

	REQUIRE(mock_world_open(&w));
	mock_vendor(&w, "alpha", NULL, row->script);
	end = mock_ask(&w, &c, "alpha", row->body, MOCK_QUIET_MS);
	CHECK_INT(end, row->end);
	CHECK((c.in.len > 0) == (row->has[0] != NULL));
	for (size_t i = 0; i < WEIR_COUNT_OF(row->has) && row->has[i]; i++)
		CHECK(mock_has(&c, row->has[i]));
	for (size_t i = 0; i < WEIR_COUNT_OF(row->hasnt) && row->hasnt[i]; i++)
		CHECK(!mock_has(&c, row->hasnt[i]));
	if (test_failures > before) {
		NOTE("script \"%s\"", row->script);
		test_print("got", c.in.base, c.in.len);
	}
	mock_client_close(&w, &c);
	mock_world_close(&w);
}

TEST(plays_every_word)
{
	for (size_t i = 0; i < WEIR_COUNT_OF(rows); i++)
		check_row(&rows[i]);
}

/* reset@accept: the request may or may not have been written before. */
TEST(resets_after_accept)
{
	struct mock_world w;
	struct mock_client c;

	REQUIRE(mock_world_open(&w));
	mock_vendor(&w, "alpha", NULL, "reset@accept,200");
	mock_connect(&w, &c, "alpha");
	CHECK_INT(mock_wait(&w, &c, 1000), MOCK_RST);
	CHECK_INT(c.in.len, 0);
	mock_client_close(&w, &c);
	CHECK_INT(mock_ask(&w, &c, "alpha", PLAIN, 1000), MOCK_KEPT);
	CHECK(mock_has(&c, head_200));
	mock_client_close(&w, &c);
	mock_world_close(&w);
}

TEST(plays_steps_in_order)
{
	static const unsigned want[] = { 503, 503, 429, 200, 200 };
	struct mock_world w;
	struct mock_client c;
	char status[16];

	REQUIRE(mock_world_open(&w));
	mock_vendor(&w, "alpha", NULL, " 503*2 , 429;retry-after=1 , 200 ");
	mock_connect(&w, &c, "alpha");
	for (size_t i = 0; i < WEIR_COUNT_OF(want); i++) {
		weir_buf_clear(&c.in);
		mock_post(&w, &c, CHAT, PLAIN);
		CHECK_INT(mock_wait(&w, &c, 1000), MOCK_KEPT);
		snprintf(status, sizeof status, "HTTP/1.1 %u ", want[i]);
		CHECK(mock_has(&c, status));
	}
	mock_client_close(&w, &c);
	mock_world_close(&w);
}

/* Bytes of the same answer, cut everywhere: a prefix each time, and the end asked for. */
TEST(cuts_at_every_byte)
{
	struct mock_world w;
	struct mock_client whole, c;
	char script[64];

	REQUIRE(mock_world_open(&w));
	mock_vendor(&w, "alpha", NULL, "tokens=2");
	CHECK_INT(mock_ask(&w, &whole, "alpha", STREAM, 1000), MOCK_KEPT);
	REQUIRE(whole.in.len > 500);
	for (size_t n = 1; n <= whole.in.len; n++) {
		snprintf(script, sizeof script, "%s@byte;after=%zu;tokens=2",
			 n % 2 ? "close" : "reset", n);
		weir_mock_reset(w.mock);
		CHECK_INT(weir_mock_script(w.mock, "alpha", script, NULL), 0);
		CHECK_INT(mock_ask(&w, &c, "alpha", STREAM, 1000), n % 2 ? MOCK_FIN : MOCK_RST);
		CHECK_INT(c.in.len, n);
		CHECK_MEM(c.in.base, whole.in.base, n);
		mock_client_close(&w, &c);
	}
	mock_client_close(&w, &whole);
	mock_world_close(&w);
}

/* Splitting and chunking change where the bytes are cut, not what they mean. */
TEST(splits_and_chunks)
{
	struct mock_world w;
	struct mock_client whole, c;

	REQUIRE(mock_world_open(&w));
	mock_vendor(&w, "alpha", NULL, "tokens=3");
	CHECK_INT(mock_ask(&w, &whole, "alpha", STREAM, 1000), MOCK_KEPT);
	weir_mock_reset(w.mock);
	CHECK_INT(weir_mock_script(w.mock, "alpha", "tokens=3;split=7", NULL), 0);
	CHECK_INT(mock_ask(&w, &c, "alpha", STREAM, 1000), MOCK_KEPT);
	CHECK_INT(c.in.len, whole.in.len);
	CHECK_MEM(c.in.base, whole.in.base, whole.in.len);
	CHECK(c.reads_n > whole.in.len / 8);
	mock_client_close(&w, &c);
	CHECK_INT(weir_mock_script(w.mock, "alpha", "tokens=3;split=40;drip=1;chunk=5", NULL), 0);
	CHECK_INT(mock_ask(&w, &c, "alpha", STREAM, 1000), MOCK_KEPT);
	CHECK(c.in.len > whole.in.len);
	CHECK(mock_has(&c, "0\r\n\r\n"));
	mock_client_close(&w, &c);
	mock_client_close(&w, &whole);
	mock_world_close(&w);
}

TEST(answers_repeat_with_the_seed)
{
	struct mock_client c[2];

	for (unsigned i = 0; i < 2; i++) {
		struct mock_world w;

		REQUIRE(mock_world_open(&w));
		mock_vendor(&w, "alpha", NULL, "503;chance=50%*6,chunk=9;tokens=4");
		mock_connect(&w, &c[i], "alpha");
		for (unsigned k = 0; k < 8; k++) {
			mock_post(&w, &c[i], CHAT, STREAM);
			CHECK_INT(mock_wait(&w, &c[i], 1000), MOCK_KEPT);
		}
		weir_conn_close(&c[i].conn);
		w.blocks_before += 1; /* what was received is looked at below */
		mock_world_close(&w);
	}
	CHECK(mock_has(&c[0], "503") && mock_count(&c[0], "HTTP/1.1 503") < 6);
	CHECK_INT(c[0].in.len, c[1].in.len);
	CHECK_MEM(c[0].in.base, c[1].in.base, c[0].in.len);
	weir_buf_fini(&c[0].in);
	weir_buf_fini(&c[1].in);
}

TEST(a_step_of_every_third_turn)
{
	struct mock_world w;
	struct mock_client c;

	REQUIRE(mock_world_open(&w));
	mock_vendor(&w, "alpha", NULL, "503;every=3;tokens=2");
	mock_connect(&w, &c, "alpha");
	for (unsigned turn = 1; turn <= 7; turn++) {
		mock_post(&w, &c, CHAT, PLAIN);
		CHECK_INT(mock_wait(&w, &c, 1000), MOCK_KEPT);
		CHECK_INT(mock_count(&c, "HTTP/1.1 503"), turn / 3);
		CHECK_INT(mock_count(&c, "HTTP/1.1 200"), turn - turn / 3);
	}
	mock_client_close(&w, &c);
	mock_world_close(&w);
}

TEST(huge_answers_wait_for_a_slow_reader)
{
	struct mock_world w;
	struct mock_client c;

	REQUIRE(mock_world_open(&w));
	mock_vendor(&w, "alpha", NULL, "huge;bytes=20MiB,huge;bytes=3MiB,huge-head;bytes=9MiB");
	for (unsigned i = 0; i < 3; i++) {
		static const size_t least[] = { 20 << 20, 3 << 20, 9 << 20 };

		mock_connect(&w, &c, "alpha");
		mock_post(&w, &c, CHAT, i == 1 ? STREAM : PLAIN);
		weir_conn_read_stop(&c.conn);
		for (unsigned k = 0; k < 20; k++)
			uv_run(&w.loop, UV_RUN_NOWAIT);
		weir_conn_read_start(&c.conn);
		CHECK_INT(mock_wait(&w, &c, 2000), MOCK_KEPT);
		CHECK(c.in.len > least[i] && c.in.len < least[i] + 8192 + least[i] / 1000);
		CHECK(!c.ended);
		CHECK(mock_has(&c, i == 0 ? "fp_mock\"}" : i == 1 ? "[DONE]" : "\r\n\r\n{}"));
		mock_client_close(&w, &c);
	}
	mock_world_close(&w);
}

TEST(keeps_time)
{
	struct mock_world w;
	struct mock_client c;
	uint64_t begin;

	REQUIRE(mock_world_open(&w));
	mock_vendor(&w, "alpha", NULL,
		    "latency=40ms;jitter=5ms;ttft=30ms;tps=200;tokens=10,latency=25ms;tps=1000;"
		    "tokens=20");
	mock_connect(&w, &c, "alpha");
	c.quiet_ms = 200;
	uv_run(&w.loop, UV_RUN_ONCE);
	uv_update_time(&w.loop);
	begin = uv_now(&w.loop);
	mock_post(&w, &c, CHAT, STREAM);
	CHECK_INT(mock_wait(&w, &c, 5000), MOCK_KEPT);
	CHECK(c.first_ms >= begin + 39);
	CHECK(c.last_ms >= begin + 39 + 30 + 45);
	CHECK(mock_count(&c, "\"content\"") == 11); /* the role's event is the eleventh */
	weir_buf_clear(&c.in);
	c.first_ms = 0;
	uv_update_time(&w.loop);
	begin = uv_now(&w.loop);
	mock_post(&w, &c, CHAT, PLAIN);
	CHECK_INT(mock_wait(&w, &c, 5000), MOCK_KEPT);
	CHECK(c.first_ms >= begin + 44);
	mock_client_close(&w, &c);
	mock_world_close(&w);
}

TEST_MAIN
