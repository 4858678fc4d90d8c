#include "gateway_raw.h"

/* Faults that nothing else shows, one screen each; what is expected of them stands in
 * tests/data/faults.txt. */

enum { KEYS = 1000 * 1000, MANY = 1000, SOON_MS = 20 * 1000 };

static struct place p;
static struct ask ask;
static struct raw caller;

static bool open_place(const char *defaults)
{
	if (!place_open(&p, defaults))
		return false;
	uv_timer_stop(&p.w.limit); /* some of it takes long on a busy machine */
	place_listen(&p);
	return true;
}

static void end(void)
{
	raw_close(&caller);
	place_close(&p);
}

static void nobody_is_there(void)
{
	while (place_metric(&p, "weir_client_connections "))
		place_turn(&p);
}

static uint64_t opened(void)
{
	return place_metric(&p, "weir_breaker_state{target=\"alpha/m1#1\",state=\"open\"}") +
	       place_metric(&p, "weir_breaker_state{target=\"alpha/m1#2\",state=\"open\"}");
}

/* G-02 */
TEST(who_connects_and_leaves_is_not_told)
{
	REQUIRE(open_place(""));
	for (int i = 0; i < 10; i++) {
		size_t before = p.log_len;

		raw_connect(&caller, p.port);
		while (i % 2 && place_metric(&p, "weir_client_connections ") == 0)
			place_turn(&p);
		raw_close(&caller);
		place_rest(&p, 5);
		nobody_is_there();
		CHECK_INT(p.log_len, before);
	}
	CHECK_INT(place_metric(&p, "weir_requests_total{"), 0);
	end();
}

/* G-03 */
TEST(who_leaves_in_the_head_has_asked_nothing)
{
	static const char head[] = "POST " CHAT
				   " HTTP/1.1\r\nhost: weir\r\ncontent-length: 68\r\n\r\n";
	struct linger now = { .l_onoff = 1 };

	REQUIRE(open_place(""));
	for (size_t n = 1; n < sizeof head; n += 5) {
		raw_connect(&caller, p.port);
		raw_send(&caller, head, n);
		while (place_metric(&p, "weir_client_connections ") == 0)
			place_turn(&p);
		if (n % 2)
			setsockopt(caller.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
		raw_close(&caller);
		nobody_is_there();
	}
	CHECK_INT(place_metric(&p, "weir_requests_total{"), 0);
	CHECK_INT(place_metric(&p, "weir_attempts_total{"), 0);
	end();
}

/* G-16 */
TEST(a_connection_serves_a_thousand_requests)
{
	struct weir_mock_stats stats;

	REQUIRE(open_place("retries: 0"));
	raw_connect(&caller, p.port);
	for (int i = 0; i < MANY && !caller.ended; i++) {
		caller.in_len = 0;
		raw_post(&caller, "", PLAIN);
		raw_wait(&p, &caller);
		CHECK_INT(raw_status(&caller), 200);
	}
	CHECK(!caller.ended && !raw_find(&caller, "connection: close"));
	weir_mock_stats(p.w.mock, "alpha", &stats);
	CHECK_INT(stats.hits, MANY);
	CHECK_INT(stats.accepted, 1);
	end();
}

/* ---- bodies ---- */

/* A million of them, at the top or in one of its fields. */
static char *keyed(bool top, size_t *len)
{
	size_t size = KEYS * 16, n;
	char *body = malloc(size);

	n = (size_t)snprintf(body, size, "{\"model\":\"m9\",\"messages\":[],%s\"k\":0",
			     top ? "" : "\"metadata\":{");
	for (unsigned i = 0; i < KEYS; i++)
		n += (size_t)snprintf(body + n, size - n, ",\"k%u\":%u", i, i % 10);
	*len = n + (size_t)snprintf(body + n, size - n, "%s", top ? "}" : "}}");
	return body;
}

/* I-06: where each is compared with each it takes hours. */
TEST(a_million_keys_are_read_once)
{
	for (int top = 0; top < 2; top++) {
		size_t len;
		char *body = keyed(top, &len);
		uint64_t began;

		REQUIRE(open_place("retries: 0"));
		began = uv_now(&p.w.loop);
		CHECK_INT(ask_whole(&p, &ask, body), top ? 400 : 200);
		uv_update_time(&p.w.loop);
		CHECK(uv_now(&p.w.loop) - began < SOON_MS);
		if (top)
			CHECK(strstr(ask.body, "more than 1024 top-level fields"));
		else
			CHECK_INT(weir_mock_last(p.w.mock, "gamma")->body.len, len);
		free(body);
		place_close(&p);
	}
}

static const char *const lures[] = {
	"api_base",
	"base_url",
	"api_key",
	"custom_host",
	"host",
	"url",
	"endpoint",
	"azure_endpoint",
	"api_version",
	"deployment_id",
	"organization",
	"provider",
	"target",
	"targets",
	"proxy",
	"proxies",
	"extra_headers",
	"headers",
	"default_headers",
	"aws_region",
	"vertex_project",
	"litellm_params",
	"router_settings",
	"config",
	"override_params",
};

static const char *const lure_fields[] = {
	"x-portkey-custom-host", "x-api-base",       "x-base-url",      "helicone-target-url",
	"x-target-url",          "x-forwarded-host", "x-weir-base-url", "x-stainless-helper-method",
	"openai-organization",   "api-key",
};

/* I-10: each of them names a place where nobody may come, and a key that nobody may use. */
TEST(fields_that_name_hosts_and_keys_choose_nothing)
{
	const struct weir_mock_request *sent;
	char body[8192], head[2048];
	struct raw visitor;
	unsigned port;
	int lure = raw_listen(&port);
	int n = snprintf(body, sizeof body, "{\"model\":\"m1\",\"messages\":[]"), m;

	for (size_t i = 0; i < sizeof lures / sizeof *lures; i++)
		n += snprintf(body + n, sizeof body - (size_t)n,
			      ",\"%s\":\"http://127.0.0.1:%u/v1?sk-lure\"", lures[i], port);
	snprintf(body + n, sizeof body - (size_t)n, "}");
	m = snprintf(head, sizeof head, "POST " CHAT " HTTP/1.1\r\nhost: weir\r\n");
	for (size_t i = 0; i < sizeof lure_fields / sizeof *lure_fields; i++)
		m += snprintf(head + m, sizeof head - (size_t)m,
			      "%s: http://127.0.0.1:%u/sk-lure\r\n", lure_fields[i], port);
	snprintf(head + m, sizeof head - (size_t)m, "content-length: %zu\r\n\r\n", strlen(body));
	REQUIRE(open_place("retries: 0"));
	raw_connect(&caller, p.port);
	raw_say(&caller, head);
	raw_say(&caller, body);
	raw_wait(&p, &caller);
	CHECK_INT(raw_status(&caller), 200);
	CHECK(raw_find(&caller, "x-weir-target: alpha/m1"));
	sent = weir_mock_last(p.w.mock, "alpha");
	REQUIRE(sent);
	CHECK(weir_slice_is(sent->body, body)); /* data, as it came */
	CHECK(weir_slice_starts(weir_mock_field(sent, "authorization"), "Bearer sk-secret-alpha"));
	for (size_t i = 0; i < sizeof lure_fields / sizeof *lure_fields; i++)
		CHECK(!weir_mock_field(sent, lure_fields[i]).base);
	CHECK(!raw_accept(&visitor, lure));
	close(lure);
	end();
}

/* ---- what providers do ---- */

/* E-09 */
TEST(what_comes_behind_done_is_dropped)
{
	static const char events[] =
		"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
		"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hello\"}}]}\n\n"
		"data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
		"data: [DONE]\n\n"
		"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"too late\"}}]}\n\n"
		"data: [DONE]\n\n";
	char script[4 * sizeof events] = "raw;text=";
	size_t n = strlen(script);

	for (size_t i = 0; i + 1 < sizeof events; i++)
		n += (size_t)snprintf(script + n, sizeof script - n, "%%%02x", events[i]);
	REQUIRE(place_open(&p, "retries: 0"));
	place_script(&p, "alpha", script);
	CHECK_INT(ask_whole(&p, &ask, STREAM), 200);
	CHECK(ask.whole && strstr(ask.body, "hello") && !strstr(ask.body, "late"));
	CHECK(strstr(ask.body, "[DONE]") == strrchr(ask.body, '[')); /* once, and last */
	place_close(&p);
}

static uint64_t clock_ms;

static uint64_t our_clock(void *arg)
{
	(void)arg;
	return clock_ms;
}

/* Its waits between attempts are leapt over. */
static void ask_quickly(void)
{
	CHECK_INT(ask_start(&p, &ask, PLAIN), 0);
	for (unsigned turns = 1; !ask.dones; turns++) {
		place_turn(&p);
		if (turns % 8 == 0) {
			clock_ms += 100;
			weir_gateway_wake(p.gateway);
		}
	}
	CHECK_INT(ask.status, 200);
}

/* O-03: every fourth call fails. A retry in place is paid for by successes, ten to one, and by a
 * burst of fifty for each of two keys; when that is spent the request goes on instead. */
TEST(an_empty_retry_budget_holds_no_failover_back)
{
	enum { EARLY = 150, ALL = 1000 };
	unsigned retries, moves;

	place_clock = our_clock;
	REQUIRE(open_place("retries: 1"));
	place_script(&p, "alpha", "500;every=4");
	for (int i = 0; i < ALL; i++) {
		ask_quickly();
		if (i != EARLY)
			continue;
		CHECK(place_logged(&p, ":\"retry\"") >= EARLY / 4);
		CHECK_INT(place_logged(&p, ":\"fallback\""), 0);
	}
	retries = place_logged(&p, ":\"retry\"");
	moves = place_logged(&p, ":\"fallback\"");
	NOTE("%u retries, %u moves", retries, moves);
	CHECK(retries >= 100 && retries <= 100 + ALL / 10 + 2);
	CHECK(moves > 0);
	CHECK_INT(opened(), 0); /* no breaker has a part in it */
	place_close(&p);
	place_clock = NULL;
}

TEST_MAIN
