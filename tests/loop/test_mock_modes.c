#include "mock_world.h"
#include "net/listen.h"

/* Connections, counting, control: everything about a mock that is not one answer's bytes. */

TEST(refuses_and_returns)
{
	struct mock_world w;
	struct mock_client kept, c;
	unsigned port;

	REQUIRE(mock_world_open(&w));
	mock_vendor(&w, "alpha", NULL, "200,refuse;for=60ms,503");
	port = weir_mock_port(w.mock, "alpha");
	CHECK_INT(mock_ask(&w, &kept, "alpha", PLAIN, 1000), MOCK_FIN); /* after its answer */
	CHECK(mock_has(&kept, "HTTP/1.1 200"));
	mock_connect(&w, &c, "alpha");
	CHECK_INT(mock_wait(&w, &c, 1000), MOCK_FAILED);
	CHECK_INT(c.open_err, UV_ECONNREFUSED);
	mock_client_close(&w, &c);
	for (unsigned i = 0; i < 1000; i++) {
		struct weir_mock_stats stats;

		CHECK(weir_mock_stats(w.mock, "alpha", &stats));
		mock_connect(&w, &c, "alpha");
		if (mock_wait(&w, &c, 1) != MOCK_FAILED)
			break;
		mock_client_close(&w, &c);
		uv_sleep(1);
	}
	mock_post(&w, &c, CHAT, PLAIN);
	CHECK_INT(mock_wait(&w, &c, 1000), MOCK_KEPT);
	CHECK(mock_has(&c, "HTTP/1.1 503"));
	CHECK_INT(weir_mock_port(w.mock, "alpha"), port);
	mock_client_close(&w, &c);
	mock_client_close(&w, &kept);
	mock_world_close(&w);
}

TEST(refusing_closes_what_is_idle)
{
	struct mock_world w;
	struct mock_client idle, c;

	REQUIRE(mock_world_open(&w));
	mock_vendor(&w, "alpha", NULL, "200");
	CHECK_INT(mock_ask(&w, &idle, "alpha", PLAIN, 1000), MOCK_KEPT);
	CHECK_INT(weir_mock_script(w.mock, "*", "refuse", NULL), 0);
	CHECK_INT(mock_wait(&w, &idle, 1000), MOCK_FIN);
	mock_connect(&w, &c, "alpha");
	CHECK_INT(mock_wait(&w, &c, 1000), MOCK_FAILED);
	mock_client_close(&w, &c);
	CHECK_INT(weir_mock_script(w.mock, "alpha", "", NULL), 0);
	CHECK_INT(mock_ask(&w, &c, "alpha", PLAIN, 1000), MOCK_KEPT);
	mock_client_close(&w, &c);
	mock_client_close(&w, &idle);
	mock_world_close(&w);
}

TEST(swallows_in_a_black_hole)
{
	struct mock_world w;
	struct mock_client old, c;
	uint64_t until;

	REQUIRE(mock_world_open(&w));
	mock_vendor(&w, "alpha", NULL, "200,blackhole");
	CHECK_INT(mock_ask(&w, &old, "alpha", PLAIN, 1000), MOCK_KEPT);
	mock_connect(&w, &c, "alpha");
	until = uv_hrtime() + 100 * 1000 * 1000;
	while (uv_hrtime() < until && !c.opened)
		uv_run(&w.loop, UV_RUN_NOWAIT);
	CHECK(!c.opened);
	mock_client_close(&w, &c);
	weir_buf_clear(&old.in);
	mock_post(&w, &old, CHAT, PLAIN); /* an open connection falls silent */
	CHECK_INT(mock_wait(&w, &old, 20), MOCK_KEPT);
	CHECK_INT(old.in.len, 0);
	CHECK_INT(weir_mock_script(w.mock, "alpha", "200", NULL), 0);
	CHECK_INT(mock_ask(&w, &c, "alpha", PLAIN, 1000), MOCK_KEPT);
	CHECK(mock_has(&c, "HTTP/1.1 200"));
	mock_client_close(&w, &c);
	mock_client_close(&w, &old);
	mock_world_close(&w);
}

/* Closing while a hole or a refusal is on, and with answers under way. */
TEST(closes_in_every_state)
{
	static const char *const scripts[] = { "refuse",        "refuse;for=5",
					       "blackhole",     "blackhole;for=5",
					       "hang",          "tps=100",
					       "split=1",       "split=2;drip=3",
					       "latency=50ms",  "huge;bytes=50MiB",
					       "pings;gap=1ms", "reset;after=2",
					       "close@headers", "200" };

	for (size_t i = 0; i < WEIR_COUNT_OF(scripts); i++) {
		for (unsigned turns = 0; turns < 12; turns++) {
			struct mock_world w;
			struct mock_client c;

			REQUIRE(mock_world_open(&w));
			mock_vendor(&w, "alpha", NULL, scripts[i]);
			mock_vendor(&w, "beta", NULL, NULL);
			CHECK_INT(weir_mock_control(w.mock, "127.0.0.1:0", NULL), 0);
			mock_connect(&w, &c, "alpha");
			for (unsigned k = 0; k < turns; k++) {
				uv_run(&w.loop, UV_RUN_NOWAIT);
				if (k == 2 && c.opened && !c.open_err)
					mock_post(&w, &c, CHAT, STREAM);
			}
			weir_conn_close(&c.conn);
			w.blocks_before += c.in.base != NULL;
			mock_world_close(&w);
			weir_buf_fini(&c.in);
		}
	}
}

/* The k-th allocation fails: that connection may be lost, nobody else, and no block. */
TEST(survives_every_failing_allocation)
{
	static const char *const scripts[] = { "200", "503", "split=9;chunk=5",
					       "pings;count=2;gap=1" };

	for (uint64_t k = 1; k < 60; k++) {
		struct mock_world w;
		struct mock_client c;

		REQUIRE(mock_world_open(&w));
		mock_vendor(&w, "alpha", NULL, scripts[k % WEIR_COUNT_OF(scripts)]);
		mock_connect(&w, &c, "alpha");
		CHECK_INT(weir_buf_reserve(&c.in, 16 * 1024), 0);
		weir_alloc_fail_after(k);
		while (!c.opened)
			uv_run(&w.loop, UV_RUN_ONCE);
		mock_post(&w, &c, CHAT, STREAM);
		for (unsigned turn = 0; turn < 40; turn++)
			uv_run(&w.loop, UV_RUN_NOWAIT);
		weir_alloc_fail_after(0);
		mock_client_close(&w, &c);
		CHECK_INT(weir_mock_script(w.mock, "alpha", "200", NULL), 0);
		CHECK_INT(mock_ask(&w, &c, "alpha", PLAIN, 1000), MOCK_KEPT);
		CHECK(mock_has(&c, "HTTP/1.1 200 OK"));
		mock_client_close(&w, &c);
		mock_world_close(&w);
	}
}

TEST(counts)
{
	struct mock_world w;
	struct mock_client c;
	struct weir_mock_stats s;
	const struct weir_mock_request *last;
	static const char m2[] = "{\"model\":\"m2\",\"messages\":[]}";

	REQUIRE(mock_world_open(&w));
	mock_vendor(&w, "alpha", NULL, NULL);
	mock_vendor(&w, "beta", NULL, "503");
	CHECK(!weir_mock_last(w.mock, "alpha"));
	CHECK_INT(mock_ask(&w, &c, "alpha", PLAIN, 1000), MOCK_KEPT);
	mock_post(&w, &c, CHAT "?x=1", m2);
	CHECK_INT(mock_wait(&w, &c, 1000), MOCK_KEPT);
	CHECK(weir_mock_stats(w.mock, "alpha", &s));
	CHECK_INT(s.hits, 2);
	CHECK_INT(s.answered, 2);
	CHECK_INT(s.inflight, 0);
	CHECK_INT(s.tokens, 32);
	CHECK_INT(s.accepted, 1);
	CHECK_INT(s.open, 1);
	CHECK_INT(s.aborts, 0);
	CHECK(weir_mock_stats(w.mock, "alpha/m2", &s));
	CHECK_INT(s.hits, 1);
	CHECK(!weir_mock_stats(w.mock, "alpha/m3", &s));
	CHECK(weir_mock_stats(w.mock, "beta", &s));
	CHECK_INT(s.hits, 0);
	CHECK(!weir_mock_stats(w.mock, "gamma", &s));
	last = weir_mock_last(w.mock, "alpha");
	REQUIRE(last);
	CHECK(weir_slice_is(last->method, "POST"));
	CHECK(weir_slice_is(last->target, CHAT "?x=1"));
	CHECK(weir_slice_is(last->body, m2));
	CHECK(weir_slice_is(weir_mock_field(last, "Authorization"), "Bearer sk-one"));
	CHECK(!weir_mock_field(last, "cookie").base);
	last = weir_mock_last(w.mock, "alpha/m1");
	REQUIRE(last);
	CHECK(weir_slice_is(last->body, PLAIN));
	weir_mock_reset(w.mock);
	CHECK(!weir_mock_last(w.mock, "alpha"));
	CHECK(weir_mock_stats(w.mock, "alpha", &s));
	CHECK_INT(s.hits, 0);
	CHECK_INT(s.open, 1);
	mock_client_close(&w, &c);
	mock_world_close(&w);
}

TEST(counts_those_who_leave)
{
	static const struct {
		const char *script;
		const char *bytes; /* NULL: a whole request */
		const char *phase;
	} rows[] = {
		{ "200", "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\n", "request" },
		{ "200",
		  "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n{",
		  "request" },
		{ "latency=10s", NULL, "waiting" },
		{ "hang", NULL, "waiting" },
		{ "hang@headers", NULL, "answering" },
		{ "stall;after=1", NULL, "answering" },
		{ "tps=10", NULL, "answering" },
		{ "huge;bytes=50MiB", NULL, "answering" },
	};

	for (size_t i = 0; i < WEIR_COUNT_OF(rows); i++) {
		struct mock_world w;
		struct mock_client c;
		struct weir_mock_stats s = { 0 };

		REQUIRE(mock_world_open(&w));
		mock_vendor(&w, "alpha", NULL, rows[i].script);
		mock_connect(&w, &c, "alpha");
		if (rows[i].bytes)
			mock_say(&w, &c, rows[i].bytes, strlen(rows[i].bytes));
		else
			mock_post(&w, &c, CHAT, STREAM);
		if (strncmp(rows[i].script, "huge", 4) == 0)
			weir_conn_read_stop(&c.conn); /* or it would be all read */
		while (c.conn.bytes_in < 100 && s.open == 0) {
			CHECK(weir_mock_stats(w.mock, "alpha", &s));
			uv_run(&w.loop, UV_RUN_ONCE);
		}
		weir_conn_timer(&c.conn, 10);
		while (!c.expired)
			uv_run(&w.loop, UV_RUN_ONCE);
		mock_client_close(&w, &c);
		while (s.aborts == 0) {
			CHECK(weir_mock_stats(w.mock, "alpha", &s));
			uv_run(&w.loop, UV_RUN_NOWAIT);
		}
		CHECK_STR(s.abort_phase, rows[i].phase);
		CHECK(s.abort_ms < 5000 && s.abort_at_ms <= uv_hrtime() / 1000000);
		while (s.open) {
			CHECK(weir_mock_stats(w.mock, "alpha", &s));
			uv_run(&w.loop, UV_RUN_NOWAIT);
		}
		CHECK_INT(s.inflight, 0);
		CHECK_INT(s.answered, 0);
		mock_world_close(&w);
	}
}

TEST(rules_for_models_and_keys)
{
	static const struct {
		const char *model, *key;
		unsigned status;
	} rows[] = {
		{ "m1", "sk-one", 429 }, { "m1", "sk-two", 402 },     { "m2", "sk-two", 401 },
		{ "m2", "sk-one", 503 }, { "org/m3", "sk-one", 500 },
	};
	struct weir_error err = { 0 };
	struct mock_world w;

	REQUIRE(mock_world_open(&w));
	mock_vendor(&w, "alpha", NULL, "503");
	CHECK_INT(weir_mock_assign(w.mock, "alpha/m1=429", NULL), 0);
	CHECK_INT(weir_mock_assign(w.mock, "alpha#sk-two = 401", NULL), 0);
	CHECK_INT(weir_mock_assign(w.mock, "*/m1#sk-two=402", NULL), 0);
	CHECK_INT(weir_mock_assign(w.mock, "alpha/org/m3=500", NULL), 0);
	for (size_t i = 0; i < WEIR_COUNT_OF(rows); i++) {
		char request[512], body[128], status[16];
		struct mock_client c;
		int n = snprintf(body, sizeof body, "{\"model\":\"%s\",\"messages\":[]}",
				 rows[i].model);

		n = snprintf(request, sizeof request,
			     "POST /chat/completions HTTP/1.1\r\nhost: a\r\nx-api-key: %s\r\n"
			     "content-length: %d\r\n\r\n%s",
			     rows[i].key, n, body);
		mock_connect(&w, &c, "alpha");
		mock_say(&w, &c, request, (size_t)n);
		CHECK_INT(mock_wait(&w, &c, 1000), MOCK_KEPT);
		snprintf(status, sizeof status, "HTTP/1.1 %u ", rows[i].status);
		CHECK(mock_has(&c, status));
		mock_client_close(&w, &c);
	}
	CHECK_INT(weir_mock_script(w.mock, "beta", "200", &err), WEIR_ECONFIG);
	CHECK_STR(err.text, "no vendor is called \"beta\"");
	CHECK_INT(weir_mock_script(w.mock, "alpha/m1", "200,refuse", &err), WEIR_ECONFIG);
	CHECK(strstr(err.text, "step 2, \"refuse\""));
	CHECK_INT(weir_mock_assign(w.mock, "nonsense", &err), WEIR_ECONFIG);
	CHECK_INT(weir_mock_add(w.mock, "alpha", "127.0.0.1:0", NULL, &err), WEIR_ECONFIG);
	CHECK_INT(weir_mock_add(w.mock, "a b", "127.0.0.1:0", NULL, &err), WEIR_ECONFIG);
	CHECK_INT(weir_mock_add(w.mock, "b", "127.0.0.1:x", NULL, &err), WEIR_EBIND);
	CHECK_INT(weir_mock_add(w.mock, "b", "127.0.0.1:0", "odd", &err), WEIR_ECONFIG);
	mock_world_close(&w);
}

static void exchange(struct mock_world *w, struct mock_client *c, const char *request)
{
	weir_buf_clear(&c->in);
	mock_say(w, c, request, strlen(request));
	CHECK_INT(mock_wait(w, c, 1000), MOCK_KEPT);
}

TEST(other_paths)
{
	struct mock_world w;
	struct mock_client c;
	struct weir_mock_stats s;

	REQUIRE(mock_world_open(&w));
	mock_vendor(&w, "alpha", NULL, "tokens=2");
	CHECK_INT(weir_mock_assign(w.mock, "alpha/mine=503", NULL), 0);
	mock_connect(&w, &c, "alpha");
	exchange(&w, &c, "GET /v1/models HTTP/1.1\r\nhost: a\r\n\r\n");
	CHECK(mock_has(&c, "\"object\":\"list\"") && mock_has(&c, "\"id\":\"gpt-4o\"") &&
	      mock_has(&c, "\"id\":\"mine\"") && mock_has(&c, "\"owned_by\":\"alpha\""));
	exchange(&w, &c, "GET /models/x HTTP/1.1\r\nhost: a\r\n\r\n");
	CHECK(mock_has(&c, "{\"id\":\"x\",\"object\":\"model\""));
	exchange(&w, &c, "GET /nowhere HTTP/1.1\r\nhost: a\r\n\r\n");
	CHECK(mock_has(&c, "HTTP/1.1 404 ") && mock_has(&c, "Invalid URL"));
	exchange(&w, &c, "PUT /v1/chat/completions HTTP/1.1\r\nhost: a\r\n\r\n");
	CHECK(mock_has(&c, "HTTP/1.1 405 "));
	exchange(&w, &c,
		 "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\n{");
	CHECK(mock_has(&c, "HTTP/1.1 400 ") && mock_has(&c, "could not parse"));
	CHECK(weir_mock_stats(w.mock, "alpha", &s));
	CHECK_INT(s.hits, 0);
	weir_buf_clear(&c.in);
	mock_post(&w, &c, "/v1/completions", "{\"model\":\"m\",\"prompt\":\"nonce=Q\"}");
	CHECK_INT(mock_wait(&w, &c, 1000), MOCK_KEPT);
	CHECK(mock_has(&c, "\"object\":\"text_completion\"") &&
	      mock_has(&c, "\"text\":\"alpha Q: tok0 tok1\""));
	weir_buf_clear(&c.in);
	mock_post(&w, &c, "/v1/completions", "{\"model\":\"m\",\"prompt\":\"x\",\"stream\":true}");
	CHECK_INT(mock_wait(&w, &c, 1000), MOCK_KEPT);
	CHECK(mock_has(&c, "{\"text\":\" tok1\",\"index\":0") && mock_has(&c, "[DONE]"));
	weir_buf_clear(&c.in);
	mock_post(&w, &c, "/v1/embeddings",
		  "{\"model\":\"m\",\"input\":[\"a\",\"b\"],\"dimensions\":2}");
	CHECK_INT(mock_wait(&w, &c, 1000), MOCK_KEPT);
	CHECK(mock_has(&c, "\"index\":1,\"embedding\":[") && !mock_has(&c, "\"index\":2"));
	weir_buf_clear(&c.in);
	mock_post(&w, &c, "/v1/embeddings",
		  "{\"model\":\"m\",\"input\":\"a\",\"dimensions\":2,\"encoding_format\":"
		  "\"base64\"}");
	CHECK_INT(mock_wait(&w, &c, 1000), MOCK_KEPT);
	CHECK(mock_has(&c, "=\"}],\"model\":\"m\"")); /* 8 bytes are 11 letters and a sign */
	weir_buf_clear(&c.in);
	mock_post(&w, &c, "/openai/deployments/mine/chat/completions?api-version=1", "{}");
	CHECK_INT(mock_wait(&w, &c, 1000), MOCK_KEPT);
	CHECK(mock_has(&c, "HTTP/1.1 401 ")); /* no key of Azure's */
	exchange(&w, &c,
		 "POST /openai/deployments/mine/chat/completions?api-version=1 HTTP/1.1\r\n"
		 "host: a\r\napi-key: k\r\ncontent-length: 2\r\n\r\n{}");
	CHECK(mock_has(&c, "HTTP/1.1 503 "));
	mock_client_close(&w, &c);
	mock_world_close(&w);
}

TEST(asks_that_change_the_answer)
{
	struct mock_world w;
	struct mock_client c;

	REQUIRE(mock_world_open(&w));
	mock_vendor(&w, "alpha", NULL, "tokens=6");
	CHECK_INT(mock_ask(&w, &c, "alpha",
			   "{\"model\":\"m\",\"max_tokens\":2,\"messages\":[],\"stream\":true,"
			   "\"stream_options\":{\"include_usage\":true}}",
			   1000),
		  MOCK_KEPT);
	CHECK(mock_has(&c, "tok1") && !mock_has(&c, "tok2"));
	CHECK(mock_has(&c, "\"finish_reason\":\"length\"}],\"usage\":null}"));
	CHECK(mock_has(&c,
		       "\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,"));
	mock_client_close(&w, &c);
	CHECK_INT(mock_ask(&w, &c, "alpha",
			   "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"},"
			   "{\"role\":\"assistant\",\"content\":\"beta: tok0 tok1 tok2\"}]}",
			   1000),
		  MOCK_KEPT);
	CHECK(mock_has(&c, "\"content\":\" tok3 tok4 tok5\""));
	mock_client_close(&w, &c);
	mock_world_close(&w);
}

TEST(pipelined_and_piecemeal)
{
	static const char one[] = "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\n"
				  "content-length: 14\r\n\r\n{\"model\":\"m1\"}";
	struct mock_world w;
	struct mock_client c;
	char twice[512];
	int n = snprintf(twice, sizeof twice, "%s%s", one, one);

	REQUIRE(mock_world_open(&w));
	mock_vendor(&w, "alpha", NULL, "503,latency=5ms,429,200");
	mock_connect(&w, &c, "alpha");
	mock_say(&w, &c, twice, (size_t)n);
	CHECK_INT(mock_wait(&w, &c, 1000), MOCK_KEPT);
	CHECK(mock_has(&c, "503 Service") && mock_count(&c, "HTTP/1.1 200 OK") == 1);
	weir_buf_clear(&c.in);
	for (size_t i = 0; one[i]; i++) {
		mock_say(&w, &c, one + i, 1);
		uv_run(&w.loop, UV_RUN_NOWAIT);
	}
	CHECK_INT(mock_wait(&w, &c, 1000), MOCK_KEPT);
	CHECK(mock_has(&c, "429 Too"));
	exchange(&w, &c,
		 "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\n"
		 "content-length: 14\r\n\r\n");
	CHECK(mock_has(&c, "HTTP/1.1 100 Continue\r\n\r\n"));
	exchange(&w, &c, "{\"model\":\"m1\"}");
	CHECK(mock_has(&c, "HTTP/1.1 200 OK"));
	weir_buf_clear(&c.in);
	mock_say(&w, &c, "GARBAGE\r\n\r\n", 11);
	CHECK_INT(mock_wait(&w, &c, 1000), MOCK_FIN);
	CHECK(mock_has(&c, "HTTP/1.1 400 "));
	mock_client_close(&w, &c);
	mock_world_close(&w);
}

static void control(struct mock_world *w, struct mock_client *c, const char *method,
		    const char *path, const char *body)
{
	char request[1024];
	int n = snprintf(request, sizeof request,
			 "%s %s HTTP/1.1\r\nhost: a\r\ncontent-length: %zu\r\n\r\n%s", method, path,
			 strlen(body), body);

	weir_buf_clear(&c->in);
	mock_say(w, c, request, (size_t)n);
	CHECK_INT(mock_wait(w, c, 1000), MOCK_KEPT);
}

TEST(is_controlled_over_http)
{
	struct mock_world w;
	struct mock_client c, r;
	const char *url;
	uint64_t port;

	REQUIRE(mock_world_open(&w));
	mock_vendor(&w, "alpha", NULL, "refuse");
	CHECK(!weir_mock_control_url(w.mock));
	CHECK_INT(weir_mock_control(w.mock, "127.0.0.1:0", NULL), 0);
	url = weir_mock_control_url(w.mock);
	REQUIRE(url && strncmp(url, "http://127.0.0.1:", 17) == 0);
	CHECK(weir_slice_to_u64(weir_slice_of(url + 17), &port));
	mock_connect_port(&w, &r, (unsigned)port, NULL);
	control(&w, &r, "GET", "/mock/last", "");
	CHECK(mock_has(&r, "HTTP/1.1 404"));
	control(&w, &r, "GET", "/mock/stats", "");
	CHECK(mock_has(&r, "\"name\":\"alpha\"") && mock_has(&r, "\"mode\":\"refuse\""));
	control(&w, &r, "POST", "/mock/script",
		"{\"vendor\":\"alpha\",\"model\":\"*\",\"script\":\"503,200\"}");
	CHECK(mock_has(&r, "HTTP/1.1 200"));
	CHECK_INT(mock_ask(&w, &c, "alpha", PLAIN, 1000), MOCK_KEPT);
	CHECK(mock_has(&c, "HTTP/1.1 503"));
	control(&w, &r, "POST", "/mock/script", "{\"script\":\"404\"}");
	control(&w, &r, "POST", "/mock/script", "# \r\n");
	CHECK(mock_has(&r, "HTTP/1.1 400"));
	control(&w, &r, "POST", "/mock/script", "alpha/m1=429\r\n\r\nalpha=401\n");
	CHECK(mock_has(&r, "HTTP/1.1 200"));
	weir_buf_clear(&c.in);
	mock_post(&w, &c, CHAT, PLAIN);
	CHECK_INT(mock_wait(&w, &c, 1000), MOCK_KEPT);
	CHECK(mock_has(&c, "HTTP/1.1 429"));
	control(&w, &r, "POST", "/mock/script", "{\"script\":\"what\"}");
	CHECK(mock_has(&r, "HTTP/1.1 400") && mock_has(&r, "unknown word \"what\""));
	control(&w, &r, "GET", "/mock/last?vendor=alpha&model=m1", "");
	CHECK(mock_has(&r, "\"method\":\"POST\",\"target\":\"" CHAT "\",\"headers\":{\"host\":"));
	CHECK(mock_has(&r, "\"body\":\"{\\\"model\\\":\\\"m1\\\""));
	control(&w, &r, "GET", "/mock/last", "");
	CHECK(mock_has(&r, "\"model\":\"m1\""));
	control(&w, &r, "GET", "/mock/stats", "");
	CHECK(mock_has(&r, "\"hits\":2,\"inflight\":0,\"answered\":2,\"tokens\":0,\"aborts\":0,"));
	CHECK(mock_has(&r, "{\"model\":\"m1\",\"key\":\"*\",\"script\":\"429\","
			   "\"next\":0,\"hits\":1}"));
	control(&w, &r, "POST", "/mock/reset", "");
	control(&w, &r, "GET", "/mock/stats", "");
	CHECK(mock_has(&r, "\"hits\":0,"));
	control(&w, &r, "GET", "/mock/ca", "");
	CHECK(mock_has(&r, "-----BEGIN CERTIFICATE-----"));
	control(&w, &r, "GET", "/", "");
	CHECK(mock_has(&r, "HTTP/1.1 404"));
	mock_client_close(&w, &c);
	mock_client_close(&w, &r);
	mock_world_close(&w);
}

TEST_MAIN
