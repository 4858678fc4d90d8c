#include "gateway_raw.h"

/* Gateways that open, drain and close, alone and side by side. */

static struct place p;
static struct ask ask, asks[4];
static struct raw caller, other;

static void on_drained(void *arg)
{
	struct place *place = arg;

	CHECK(!place->busy);
	place->drained++;
}

static void drain(void)
{
	p.busy = true;
	weir_gateway_drain(p.gateway, on_drained, &p);
	p.busy = false;
}

static void end(void)
{
	raw_close(&caller);
	raw_close(&other);
	place_close(&p);
}

static bool connects(void)
{
	struct sockaddr_in addr = raw_loopback(p.port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	bool good = connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0;

	close(fd);
	return good;
}

static void await_drained(void)
{
	while (!p.drained)
		place_turn(&p);
	CHECK_INT(p.drained, 1);
}

TEST(drains_when_nobody_is_there)
{
	REQUIRE(place_open(&p, ""));
	place_listen(&p);
	drain();
	drain();
	await_drained();
	CHECK(!connects());
	CHECK(!weir_gateway_address(p.gateway, 0));
	CHECK_INT(weir_gateway_listen(p.gateway, "127.0.0.1:0", p.why, sizeof p.why),
		  WEIR_ERR_BIND);
	CHECK_INT(ask_start(&p, &ask, PLAIN), UV_EINVAL);
	end();
}

/* The delay is for those who have not heard yet that weir is leaving. */
TEST(accepts_for_the_delay_though_nothing_is_under_way)
{
	uint64_t began;

	REQUIRE(place_open_with(&p, "retries: 0", "drain_delay: 300ms"));
	place_listen(&p);
	place_script(&p, "alpha", "200;latency=10ms");
	CHECK_INT(ask_start(&p, &ask, PLAIN), 0);
	began = uv_now(&p.w.loop);
	drain();
	ask_wait(&ask); /* its end is not the end of the drain */
	place_rest(&p, 10);
	CHECK(p.drained == 0 || uv_now(&p.w.loop) >= began + 300);
	if (p.drained == 0) {
		raw_connect(&caller, p.port);
		raw_post(&caller, "", PLAIN);
		raw_wait(&p, &caller);
		CHECK_INT(raw_status(&caller), 200);
		CHECK(raw_find(&caller, "\r\nconnection: close\r\n"));
	}
	await_drained();
	CHECK(uv_now(&p.w.loop) >= began + 300);
	CHECK(!connects());
	end();
}

/* An idle caller is let go soon; one whose answer is under way gets it whole, and what it asks next
 * is answered, too: it had not been told that it may not. */
TEST(lets_requests_end)
{
	REQUIRE(place_open(&p, "retries: 0"));
	place_listen(&p);
	raw_connect(&other, p.port);
	raw_post(&other, "", PLAIN);
	raw_wait(&p, &other);
	CHECK_INT(raw_status(&other), 200);
	place_script(&p, "alpha", "200;tokens=20;tps=400");
	raw_connect(&caller, p.port);
	raw_post(&caller, "", STREAM);
	raw_post(&caller, "", PLAIN);
	while (!caller.in_len) {
		place_turn(&p);
		raw_read(&caller, RAW_IN_MAX);
	}
	drain();
	while (!other.ended) {
		place_turn(&p);
		raw_read(&other, RAW_IN_MAX);
	}
	while (!caller.ended) {
		place_turn(&p);
		raw_read(&caller, RAW_IN_MAX);
	}
	CHECK(strstr(caller.in, "[DONE]"));
	CHECK(strstr(caller.in, "\r\nconnection: close\r\n"));
	await_drained();
	CHECK_INT(place_logged(&p, ":\"request\""), 3);
	end();
}

TEST(waits_no_longer_than_it_may)
{
	REQUIRE(place_open_with(&p, "retries: 0", "drain_timeout: 50ms"));
	place_script(&p, "alpha", "hang");
	CHECK_INT(ask_start(&p, &ask, PLAIN), 0);
	place_rest(&p, 5);
	drain();
	await_drained();
	CHECK_INT(ask.dones, 0);
	place_close_gateway(&p);
	ask_wait(&ask);
	CHECK(!ask.whole);
	end();
}

static void close_when_drained(void *arg)
{
	((struct place *)arg)->drained++;
	place_close_gateway(arg);
}

TEST(closes_when_drained)
{
	REQUIRE(place_open(&p, "retries: 0"));
	place_listen(&p);
	CHECK_INT(ask_start(&p, &ask, PLAIN), 0);
	weir_gateway_drain(p.gateway, close_when_drained, &p);
	while (!p.closed)
		place_turn(&p);
	CHECK(ask.whole && p.drained == 1);
	end();
}

/* "none was opened" */
TEST(listens_everywhere_or_nowhere)
{
	struct weir_gateway *gateway;
	char yaml[4096], listen[64];

	REQUIRE(place_open(&p, ""));
	place_listen(&p);
	snprintf(listen, sizeof listen, "[ \"127.0.0.1:0\", \"127.0.0.1:%u\" ]", p.port);
	p.listen = listen;
	place_yaml(&p, "", "", yaml, sizeof yaml);
	REQUIRE(place_make(&p, &gateway, yaml) == 0);
	CHECK_INT(weir_gateway_listen(gateway, NULL, p.why, sizeof p.why), WEIR_ERR_BIND);
	CHECK(strstr(p.why, "in use"));
	CHECK(!weir_gateway_address(gateway, 0));
	CHECK_INT(weir_gateway_listen(gateway, "127.0.0.1:0", p.why, sizeof p.why), 0);
	CHECK(weir_gateway_address(gateway, 0) && !weir_gateway_address(gateway, 1));
	weir_gateway_close(gateway, NULL, NULL);
	CHECK(weir_gateway_listen(gateway, "127.0.0.1:0", p.why, sizeof p.why) < 0);
	CHECK(weir_gateway_listen_admin(gateway, "127.0.0.1:0", p.why, sizeof p.why) < 0);
	end();
}

/* Two on one loop share nothing but the loop. */
TEST(two_gateways_on_one_loop)
{
	struct weir_gateway *gateways[2];
	char yaml[4096];
	size_t len;
	char *text;

	REQUIRE(place_open(&p, "retries: 0"));
	place_yaml(&p, "retries: 0", "", yaml, sizeof yaml);
	gateways[0] = p.gateway;
	REQUIRE(place_make(&p, &gateways[1], yaml) == 0);
	for (int i = 0; i < 4; i++) {
		p.gateway = gateways[i % 2];
		CHECK_INT(ask_start(&p, &asks[i], i < 2 ? PLAIN : STREAM), 0);
	}
	for (int i = 0; i < 2; i++)
		ask_wait(&asks[i]);
	weir_gateway_close(gateways[1], NULL, NULL);
	ask_wait(&asks[2]);
	ask_wait(&asks[3]);
	CHECK(asks[0].whole && asks[1].whole && asks[2].whole);
	p.gateway = gateways[0];
	CHECK_INT(weir_gateway_status(p.gateway, &text, &len), 0);
	CHECK(text && strstr(text, "\"inflight\":0,\"totals\":{\"requests\":2,"));
	weir_text_free(text);
	place_close_gateway(&p);
	while (!p.closed) /* its books alone cannot match the log of both */
		place_turn(&p);
	end();
}

TEST(when_something_was_does_not_move)
{
	char *before, *after;
	size_t len;

	REQUIRE(place_open(&p, "retries: 0"));
	CHECK_INT(ask_whole(&p, &ask, PLAIN), 200);
	CHECK_INT(weir_gateway_status(p.gateway, &before, &len), 0);
	uv_sleep(5); /* the calendar's clock goes on, the loop's stands still */
	CHECK_INT(weir_gateway_status(p.gateway, &after, &len), 0);
	REQUIRE(before && after && strstr(before, "\"recent\":{") && strstr(after, "\"recent\":{"));
	CHECK_STR(strstr(after, "\"recent\":{"), strstr(before, "\"recent\":{"));
	weir_text_free(before);
	weir_text_free(after);
	place_close(&p);
}

TEST(opens_and_closes_two_hundred_times)
{
	size_t live;

	REQUIRE(place_open(&p, "retries: 0"));
	place_close_gateway(&p);
	while (!p.closed)
		place_turn(&p);
	live = weir_alloc_live();
	for (unsigned i = 0; i < 200; i++) {
		char yaml[4096];

		place_yaml(&p, "retries: 0", "", yaml, sizeof yaml);
		p.closed = 0;
		REQUIRE(place_make(&p, &p.gateway, yaml) == 0);
		if (i % 3)
			place_listen(&p);
		if (i % 4 == 0)
			CHECK_INT(ask_start(&p, &ask, PLAIN), 0);
		if (i % 5 == 0)
			place_turn(&p);
		place_close_gateway(&p);
		while (!p.closed)
			place_turn(&p);
		CHECK(i % 4 || ask.dones == 1);
	}
	place_rest(&p, 20);
	CHECK(weir_alloc_live() < live + 20); /* what the vendors remember */
	end();
}

TEST(a_body_can_be_too_large)
{
	static char body[8192];

	memset(body, ' ', sizeof body - 1);
	REQUIRE(place_open_with(&p, "", "max_body: 4KiB"));
	CHECK_INT(ask_start(&p, &ask, body), UV_EMSGSIZE);
	CHECK_INT(weir_request_start(&ask.request, p.gateway, "/v1/nothing", "{}", 2,
				     &ask_callbacks, &ask),
		  UV_EINVAL);
	CHECK_INT(weir_request_start(&ask.request, p.gateway, CHAT, NULL, 0, &ask_callbacks, &ask),
		  0);
	weir_request_cancel(ask.request);
	place_rest(&p, 3);
	end();
}

enum { HELD_MS = 40, KNOWN_MS = 30 }; /* the loop's clock is a little behind */

static void hold_up(uv_timer_t *timer)
{
	uv_sleep(HELD_MS);
	uv_close((uv_handle_t *)timer, NULL);
}

static double held_up(void)
{
	static const char name[] = "\nweir_loop_lag_seconds_sum ";
	const char *at;
	char *text, *end;
	double seconds;
	size_t len;

	CHECK_INT(weir_gateway_metrics(p.gateway, &text, &len), 0);
	at = strstr(text, name);
	seconds = at ? strtod(at + sizeof name - 1, &end) : -1;
	CHECK(at && *end == '\n');
	weir_text_free(text);
	return seconds;
}

/* By the embedder himself, in a callback of his own, with nothing to do for the gateway. */
TEST(tells_how_long_the_loop_was_held_up)
{
	uv_timer_t timer;
	double before;

	REQUIRE(place_open(&p, ""));
	place_turn(&p);
	before = held_up();
	CHECK_INT(uv_timer_init(&p.w.loop, &timer), 0);
	CHECK_INT(uv_timer_start(&timer, hold_up, 0, 0), 0);
	while (!uv_is_closing((uv_handle_t *)&timer))
		place_turn(&p);
	place_turn(&p);
	CHECK(held_up() - before >= KNOWN_MS / 1e3);
	end();
}

TEST_MAIN
