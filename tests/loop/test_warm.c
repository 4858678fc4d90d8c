/* Connections that are open before anybody asks. */
#include "house.h"
#include "unit/h2_script.h"

static struct house h;
static struct user users[8];

/* What is due some time is due now. */
static void hurry(struct weir_origin *origin)
{
	origin->warm.due_ms = uv_now(&h.loop);
	uv_timer_start(&h.pool->warm, h.pool->warm.timer_cb, 0, 0);
}

static void until_idle(struct weir_origin *origin, unsigned n)
{
	while (weir_origin_idle(origin) < n && !h.late) {
		if (origin->warm.due_ms && origin->warm.lease.phase == WEIR_LEASE_IDLE)
			hurry(origin);
		uv_run(&h.loop, UV_RUN_ONCE);
	}
	CHECK_INT(weir_origin_idle(origin), n);
}

TEST(are_there_for_the_first_who_comes)
{
	struct trust trust;

	for (int tls = 0; tls < 2; tls++) {
		struct weir_origin *origin;

		REQUIRE(house_trust(&trust));
		REQUIRE(house_open(&h, tls ? trust.server : NULL));
		origin = house_origin(&h, "localhost", tls ? trust.client : NULL);
		CHECK_INT(user_take(&users[0], origin, false), 0);
		weir_pool_drop(&users[0].lease);
		weir_origin_warm(origin, 3);
		CHECK(origin->warm.due_ms <= uv_now(&h.loop) + WEIR_POOL_WARM_JITTER_MS);
		until_idle(origin, 3);
		CHECK_INT(origin->warm.due_ms, 0);
		CHECK_INT(user_take(&users[0], origin, false), 1);
		CHECK(users[0].lease.reused);
		CHECK_INT(origin->warm.due_ms, 0); /* it comes back */
		weir_pool_give(&users[0].lease, 0);
		CHECK_INT(weir_origin_idle(origin), 3);
		house_close(&h);
		house_distrust(&trust);
	}
}

TEST(are_opened_again_with_jitter_when_they_end)
{
	struct weir_origin *origin;
	int64_t least = INT64_MAX, most = 0, pause;

	REQUIRE(house_open(&h, NULL));
	origin = house_origin(&h, "127.0.0.1", NULL);
	weir_origin_warm(origin, 1);
	for (unsigned i = 0; i < 20; i++) {
		until_idle(origin, 1);
		origin->warm.opened_ms -= WEIR_POOL_WARM_SHORT_MS; /* so long ago */
		weir_conn_close(&h.visitors[h.visitors_n - 1]->conn);
		HOUSE_UNTIL(&h, origin->warm.due_ms);
		CHECK_INT(origin->warm.failures, 0);
		pause = (int64_t)(origin->warm.due_ms - uv_now(&h.loop));
		if (pause < least)
			least = pause;
		if (pause > most)
			most = pause;
	}
	CHECK(least < most && most <= WEIR_POOL_WARM_JITTER_MS);
	CHECK_INT(h.visitors_n, 20);
	house_close(&h);
}

/* Refused, or taken and closed at once: both ever more seldom. */
TEST(do_not_hammer_who_does_not_want_them)
{
	for (int closes = 0; closes < 2; closes++) {
		struct weir_origin *origin;

		REQUIRE(house_open(&h, NULL));
		if (!closes)
			h.names[0] = (struct fake_name){ "x.test", .ttl = 60, .aaaa = { "::1" } };
		origin = house_origin(&h, closes ? "127.0.0.1" : "x.test", NULL);
		weir_origin_warm(origin, 1);
		for (unsigned i = 1; i < 9; i++) {
			uint64_t whole = i < 6 ? (uint64_t)1000 << i : WEIR_POOL_WARM_AGAIN_MS_MAX;

			hurry(origin);
			if (closes) {
				until_idle(origin, 1);
				weir_conn_close(&h.visitors[h.visitors_n - 1]->conn);
			}
			HOUSE_UNTIL(&h, origin->warm.failures == i);
			CHECK(origin->warm.due_ms - uv_now(&h.loop) >= whole / 2 - 1);
			CHECK(origin->warm.due_ms - uv_now(&h.loop) <= whole);
		}
		house_close(&h);
	}
}

TEST(are_given_up_when_nothing_answers)
{
	struct weir_origin *origin;
	struct trust trust;

	REQUIRE(house_trust(&trust));
	REQUIRE(house_open(&h, trust.server));
	h.server_tls = NULL; /* says nothing */
	origin = house_origin(&h, "localhost", trust.client);
	weir_origin_warm(origin, 2);
	hurry(origin);
	HOUSE_UNTIL(&h, origin->warm.lease.phase == WEIR_LEASE_HANDSHAKE);
	CHECK(origin->warm.due_ms > uv_now(&h.loop));
	CHECK(origin->warm.due_ms <= uv_now(&h.loop) + WEIR_POOL_ORPHAN_MS);
	hurry(origin); /* so much later */
	HOUSE_UNTIL(&h, origin->warm.failures == 1);
	CHECK_INT(origin->warm.lease.phase, WEIR_LEASE_IDLE);
	CHECK_INT(h.pool->slots_n, 0);
	CHECK(origin->warm.due_ms > uv_now(&h.loop));
	h.server_tls = trust.server;
	house_close(&h);
	house_distrust(&trust);
}

TEST(serve_who_waits_for_a_connection)
{
	struct weir_origin *origin;

	REQUIRE(house_open(&h, NULL));
	h.names[0] = (struct fake_name){ "x.test", .ttl = 60, .a = { "127.0.0.1" } };
	origin = house_origin(&h, "x.test", NULL);
	weir_origin_warm(origin, 1);
	hurry(origin);
	HOUSE_UNTIL(&h,
		    origin->warm.lease.phase == WEIR_LEASE_CONNECTING || weir_origin_idle(origin));
	CHECK(user_take(&users[0], origin, false) >= 0);
	HOUSE_UNTIL(&h, users[0].lease.phase == WEIR_LEASE_HELD);
	CHECK(users[0].lease.reused);
	weir_pool_drop(&users[0].lease);
	house_close(&h);
}

TEST(are_as_many_as_the_highest_wish)
{
	struct weir_origin *origin;

	REQUIRE(house_open(&h, NULL));
	origin = house_origin(&h, "127.0.0.1", NULL);
	weir_origin_warm(origin, 2);
	weir_origin_warm(origin, 1);
	CHECK_INT(origin->warm.n, 2);
	weir_origin_warm(origin, 1000);
	CHECK_INT(origin->warm.n, WEIR_POOL_WARM_MAX);
	weir_origin_cool(origin);
	weir_origin_warm(origin, 1);
	CHECK_INT(origin->warm.n, 1);
	until_idle(origin, 1);
	weir_origin_cool(origin); /* what is open stays as long as others */
	CHECK_INT(weir_origin_idle(origin), 1);
	weir_conn_close(&h.visitors[0]->conn);
	HOUSE_UNTIL(&h, origin->links_n == 0);
	CHECK_INT(origin->warm.due_ms, 0);
	CHECK(!uv_has_ref((uv_handle_t *)&h.pool->warm));
	house_close(&h);
}

static struct weir_origin *origin_of_http2(const struct trust *trust)
{
	struct weir_origin_config config = {
		.host = "localhost",
		.port = (uint16_t)weir_listener_port(&h.listener),
		.tls = trust->client,
		.http2 = true,
	};
	struct weir_origin *origin = weir_pool_origin(h.pool, &config);

	CHECK(origin);
	return origin;
}

static void say(const char *words)
{
	struct visitor *visitor = h.visitors[h.visitors_n - 1];
	struct h2_bytes bytes = { 0 };
	struct weir_slice slice;

	HOUSE_UNTIL(&h, visitor->open);
	h2_script(&bytes, words);
	slice = weir_slice(bytes.base, bytes.len);
	CHECK_INT(weir_conn_write(&visitor->conn, &slice, 1), 0);
	free(bytes.base);
}

/* The only idle one has been silent for so long. */
static struct weir_link *rested(struct weir_origin *origin, uint64_t ms)
{
	struct weir_link *link = weir_origin_newest(origin, NULL);

	CHECK(link && uv_now(&h.loop) > ms);
	link->idle_since_ms = link->heard_ms = uv_now(&h.loop) - ms;
	weir_conn_timer(&link->conn, 0);
	return link;
}

TEST(are_asked_whether_they_are_still_there)
{
	struct weir_origin *origin;
	struct weir_link *link;
	struct trust trust;

	REQUIRE(house_trust(&trust));
	weir_tls_config_http2(trust.client);
	weir_tls_config_http2(trust.server);
	REQUIRE(house_open(&h, trust.server));
	origin = origin_of_http2(&trust);
	weir_origin_warm_shared(origin, 1);
	until_idle(origin, 1);
	say("S");
	HOUSE_UNTIL(&h, weir_origin_newest(origin, NULL)->heard);
	for (int i = 0; i < 3; i++) { /* longer than others rest, as long as it answers */
		link = rested(origin, WEIR_POOL_IDLE_MS);
		HOUSE_UNTIL(&h, link->asked_ms);
		say("S");
		HOUSE_UNTIL(&h, !link->asked_ms);
		CHECK_INT(weir_origin_idle(origin), 1);
	}
	CHECK_INT(h.visitors_n, 1);
	link = rested(origin, WEIR_POOL_IDLE_MS);
	HOUSE_UNTIL(&h, link->asked_ms);
	link->asked_ms -= WEIR_POOL_PONG_MS; /* and no answer */
	weir_conn_timer(&link->conn, 0);
	origin->warm.opened_ms -= WEIR_POOL_WARM_SHORT_MS;
	HOUSE_UNTIL(&h, origin->warm.due_ms);
	CHECK(origin->warm.due_ms <= uv_now(&h.loop) + WEIR_POOL_WARM_JITTER_MS);
	until_idle(origin, 1);
	CHECK_INT(h.visitors_n, 2);
	weir_origin_cool(origin); /* as others, now */
	rested(origin, WEIR_POOL_IDLE_MS);
	HOUSE_UNTIL(&h, origin->links_n == 0);
	CHECK_INT(origin->warm.due_ms, 0);
	house_close(&h);
	house_distrust(&trust);
}

TEST(are_none_where_only_http1_is_spoken)
{
	struct weir_origin *origin;
	struct trust trust;

	REQUIRE(house_trust(&trust));
	weir_tls_config_http2(trust.client);
	REQUIRE(house_open(&h, trust.server));
	origin = origin_of_http2(&trust);
	weir_origin_warm_shared(origin, 1);
	until_idle(origin, 1); /* how else could it be known */
	CHECK_INT(weir_warm_wished(origin), 0);
	rested(origin, 0);
	HOUSE_UNTIL(&h, origin->links_n == 0);
	CHECK_INT(origin->warm.due_ms, 0);
	weir_origin_warm(origin, 1); /* unless they are asked for */
	CHECK_INT(weir_warm_wished(origin), 1);
	weir_origin_cool(origin);
	weir_origin_warm_shared(origin, 1);
	HOUSE_UNTIL(&h, origin->warm.due_ms == 0 || weir_origin_idle(origin));
	/* One day a request finds that it has learned. */
	weir_tls_config_http2(trust.server);
	weir_pool_shrink(h.pool);
	CHECK_INT(user_take(&users[0], origin, true), 0);
	HOUSE_UNTIL(&h, users[0].lease.phase == WEIR_LEASE_HELD);
	CHECK_INT(weir_warm_wished(origin), 1);
	weir_pool_give(&users[0].lease, 0);
	weir_pool_shrink(h.pool);
	HOUSE_UNTIL(&h, origin->warm.due_ms);
	until_idle(origin, 1);
	house_close(&h);
	house_distrust(&trust);
}

/* The origin goes while one is being opened, or the pool does. */
TEST(end_with_their_origin_after_any_number_of_turns)
{
	struct trust trust;

	REQUIRE(house_trust(&trust));
	for (unsigned n = 0; n < 40; n++) {
		struct weir_origin *origin;

		REQUIRE(house_open(&h, trust.server));
		origin = house_origin(&h, "localhost", trust.client);
		weir_origin_warm(origin, 2);
		hurry(origin);
		house_turns(&h, n / 2);
		if (n % 2)
			weir_origin_release(origin);
		house_close(&h);
	}
	house_distrust(&trust);
}

TEST(survive_any_failed_allocation)
{
	for (uint64_t k = 1; k < 40; k++) {
		struct weir_origin *origin;

		REQUIRE(house_open(&h, NULL));
		origin = house_origin(&h, "127.0.0.1", NULL);
		weir_origin_warm(origin, 2);
		hurry(origin);
		weir_alloc_fail_after(k);
		HOUSE_UNTIL(&h, weir_origin_idle(origin) || origin->warm.failures);
		weir_alloc_fail_after(0);
		until_idle(origin, 2);
		house_close(&h);
	}
}

TEST_MAIN
