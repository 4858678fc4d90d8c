/* Which lease gets which connection, and what happens to idle ones. */
#include "base/rng.h"
#include "house.h"

static struct house h;
static struct user users[1000];

static void take_ready(struct user *user, struct weir_origin *origin, bool fresh)
{
	int rc = user_take(user, origin, fresh);

	CHECK(rc >= 0);
	if (rc == 0)
		HOUSE_UNTIL(&h, user->ready || user->failed);
	CHECK_INT(user->ready, 1);
	CHECK_INT(user->lease.phase, WEIR_LEASE_HELD);
}

TEST(reused_when_given_back)
{
	struct weir_origin *origin;
	struct weir_conn *conn;

	REQUIRE(house_open(&h, NULL));
	origin = house_origin(&h, "127.0.0.1", NULL);
	CHECK_INT(user_take(&users[0], origin, false), 0);
	CHECK_INT(users[0].lease.phase, WEIR_LEASE_CONNECTING);
	HOUSE_UNTIL(&h, users[0].ready);
	CHECK(!users[0].lease.reused);
	CHECK_INT(weir_origin_active(origin), 1);
	conn = users[0].lease.conn;
	weir_pool_give(&users[0].lease, 0);
	CHECK_INT(users[0].lease.phase, WEIR_LEASE_IDLE);
	CHECK(users[0].lease.conn == NULL);
	CHECK_INT(weir_origin_active(origin), 0);
	CHECK_INT(weir_origin_idle(origin), 1);
	CHECK_INT(user_take(&users[1], origin, false), 1);
	CHECK(users[1].lease.reused && users[1].lease.conn == conn);
	CHECK_INT(weir_origin_idle(origin), 0);
	weir_pool_give(&users[1].lease, 0);
	/* Somebody wants none that may be stale. */
	take_ready(&users[2], origin, true);
	CHECK(!users[2].lease.reused && users[2].lease.conn != conn);
	CHECK_INT(weir_origin_idle(origin), 1);
	weir_pool_drop(&users[2].lease);
	weir_pool_drop(&users[2].lease);
	CHECK_INT(weir_origin_idle(origin), 1);
	CHECK_INT(h.visitors_n, 2);
	house_close(&h);
}

TEST(newest_first)
{
	struct weir_origin *origin;
	struct weir_conn *conns[3];

	REQUIRE(house_open(&h, NULL));
	origin = house_origin(&h, "localhost", NULL);
	for (int i = 0; i < 3; i++) {
		take_ready(&users[i], origin, false);
		conns[i] = users[i].lease.conn;
	}
	weir_pool_give(&users[1].lease, 0);
	weir_pool_give(&users[0].lease, 0);
	weir_pool_give(&users[2].lease, 0);
	CHECK_INT(weir_origin_idle(origin), 3);
	for (int i = 0; i < 3; i++)
		CHECK_INT(user_take(&users[i], origin, false), 1);
	CHECK(users[0].lease.conn == conns[2]);
	CHECK(users[1].lease.conn == conns[0]);
	CHECK(users[2].lease.conn == conns[1]);
	for (int i = 0; i < 3; i++)
		weir_pool_drop(&users[i].lease);
	house_close(&h);
}

TEST(origins_are_apart)
{
	struct weir_origin *a, *b;
	struct weir_origin_config config = { .host = "[::1]", .port = 1, .public_vendor = true };

	REQUIRE(house_open(&h, NULL));
	a = house_origin(&h, "localhost", NULL);
	CHECK(house_origin(&h, "LOCALHOST", NULL) == a);
	b = house_origin(&h, "127.0.0.1", NULL);
	CHECK(a != b);
	CHECK(weir_pool_origin(h.pool, &config) !=
	      weir_pool_origin(h.pool, &(struct weir_origin_config){ .host = "::1", .port = 1 }));
	CHECK(weir_pool_origin(h.pool, &config) ==
	      weir_pool_origin(h.pool, &(struct weir_origin_config){
					       .host = "::1", .port = 1, .public_vendor = true }));
	take_ready(&users[0], a, false);
	weir_pool_give(&users[0].lease, 0);
	CHECK_INT(user_take(&users[1], b, false), 0);
	weir_pool_drop(&users[1].lease);
	CHECK_INT(weir_origin_idle(a), 1);
	house_close(&h);
}

TEST(closed_by_the_peer_while_idle)
{
	struct weir_origin *origin;

	REQUIRE(house_open(&h, NULL));
	origin = house_origin(&h, "127.0.0.1", NULL);
	take_ready(&users[0], origin, false);
	HOUSE_UNTIL(&h, h.visitors_n == 1 && h.visitors[0]->open);
	weir_pool_give(&users[0].lease, 0);
	weir_conn_close(&h.visitors[0]->conn);
	HOUSE_UNTIL(&h, weir_origin_idle(origin) == 0);
	CHECK_INT(user_take(&users[0], origin, false), 0);
	weir_pool_drop(&users[0].lease);
	house_close(&h);
}

static void say(struct visitor *visitor)
{
	CHECK_INT(weir_conn_write(&visitor->conn, &WEIR_SLICE("HTTP/1.1 200 OK\r\n\r\n"), 1), 0);
}

TEST(unasked_bytes_while_idle)
{
	struct weir_origin *origin;

	REQUIRE(house_open(&h, NULL));
	origin = house_origin(&h, "127.0.0.1", NULL);
	take_ready(&users[0], origin, false);
	HOUSE_UNTIL(&h, h.visitors_n == 1 && h.visitors[0]->open);
	weir_pool_give(&users[0].lease, 0);
	say(h.visitors[0]);
	HOUSE_UNTIL(&h, weir_origin_idle(origin) == 0);
	HOUSE_UNTIL(&h, h.visitors[0]->closed);
	house_close(&h);
}

/* What the kernel holds is not seen while reading is off. */
TEST(given_back_unread)
{
	struct weir_origin *origin;

	for (int speaks = 0; speaks < 2; speaks++) {
		REQUIRE(house_open(&h, NULL));
		origin = house_origin(&h, "127.0.0.1", NULL);
		take_ready(&users[0], origin, false);
		HOUSE_UNTIL(&h, h.visitors_n == 1 && h.visitors[0]->open);
		weir_conn_read_stop(users[0].lease.conn);
		if (speaks)
			say(h.visitors[0]);
		house_sleep(&h, 5);
		weir_pool_give(&users[0].lease, 0);
		CHECK_INT(weir_origin_idle(origin), 0);
		CHECK_INT(user_take(&users[1], origin, false), 0);
		weir_pool_drop(&users[1].lease);
		house_sleep(&h, 20);
		CHECK_INT(weir_origin_idle(origin), !speaks);
		house_close(&h);
	}
}

static int taken_inside;

static void take_inside(struct weir_conn *conn, const char *bytes, size_t len)
{
	struct user *user = conn->user;

	(void)bytes;
	(void)len;
	weir_pool_give(&user->lease, 0);
	taken_inside = user_take(&users[1], user->lease.origin, false);
}

static const struct weir_conn_events take_inside_events = { .on_bytes = take_inside };

/* More than was read at once may belong to the first. */
TEST(not_reused_while_it_still_delivers)
{
	struct weir_origin *origin;

	REQUIRE(house_open(&h, NULL));
	origin = house_origin(&h, "127.0.0.1", NULL);
	take_ready(&users[0], origin, false);
	users[0].lease.conn->events = &take_inside_events;
	users[0].lease.conn->user = &users[0];
	HOUSE_UNTIL(&h, h.visitors_n == 1 && h.visitors[0]->open);
	taken_inside = -1;
	say(h.visitors[0]);
	HOUSE_UNTIL(&h, taken_inside != -1);
	CHECK_INT(taken_inside, 0);
	/* But in the next turn it is there for who waits. */
	HOUSE_UNTIL(&h, users[1].ready);
	CHECK(users[1].lease.reused);
	weir_pool_drop(&users[1].lease);
	house_close(&h);
}

TEST(not_kept_when_unwell)
{
	struct weir_origin *origin;
	static char big[4 * 1024 * 1024];

	REQUIRE(house_open(&h, NULL));
	origin = house_origin(&h, "127.0.0.1", NULL);
	take_ready(&users[0], origin, false);
	weir_conn_close(users[0].lease.conn);
	weir_pool_give(&users[0].lease, 0);
	CHECK_INT(weir_origin_idle(origin), 0);
	/* Its memory is gone before the lease is dropped. */
	take_ready(&users[0], origin, false);
	weir_conn_close(users[0].lease.conn);
	house_turns(&h, 3);
	CHECK_INT(weir_origin_active(origin), 0);
	weir_pool_drop(&users[0].lease);
	take_ready(&users[0], origin, false);
	weir_conn_reset(users[0].lease.conn);
	house_turns(&h, 3);
	weir_pool_give(&users[0].lease, 0);
	/* Half a request is still queued. */
	take_ready(&users[0], origin, false);
	HOUSE_UNTIL(&h, h.visitors_n == 4 && h.visitors[3]->open);
	weir_conn_read_stop(&h.visitors[3]->conn);
	CHECK_INT(weir_conn_write(users[0].lease.conn, &(struct weir_slice){ big, sizeof big }, 1),
		  0);
	CHECK(weir_conn_queued(users[0].lease.conn) > 0);
	weir_pool_give(&users[0].lease, 0);
	CHECK_INT(weir_origin_idle(origin), 0);
	house_close(&h);
}

TEST(idle_time_and_age)
{
	struct weir_origin *origin;

	REQUIRE(house_open(&h, NULL));
	origin = house_origin(&h, "127.0.0.1", NULL);
	take_ready(&users[0], origin, false);
	weir_pool_give(&users[0].lease, 30);
	CHECK_INT(weir_origin_idle(origin), 1);
	house_sleep(&h, 60);
	CHECK_INT(weir_origin_idle(origin), 0);
	/* The timer does not go on for the next holder. */
	take_ready(&users[0], origin, false);
	weir_pool_give(&users[0].lease, 30);
	CHECK_INT(user_take(&users[0], origin, false), 1);
	house_sleep(&h, 60);
	CHECK(!users[0].lease.conn->closing);
	WEIR_CONTAINER_OF(users[0].lease.conn, struct weir_link, conn)->started_ms -=
		WEIR_POOL_AGE_MAX_MS;
	weir_pool_give(&users[0].lease, 0);
	CHECK_INT(weir_origin_idle(origin), 0);
	house_close(&h);
}

/* As many as were needed at once within the last minute. */
TEST(idle_ones_up_to_the_peak)
{
	struct weir_origin *origin;

	REQUIRE(house_open(&h, NULL));
	origin = house_origin(&h, "127.0.0.1", NULL);
	for (int i = 0; i < 10; i++)
		take_ready(&users[i], origin, false);
	for (int i = 0; i < 10; i++)
		weir_pool_give(&users[i].lease, 0);
	CHECK_INT(weir_origin_idle(origin), 10);
	for (int i = 0; i < 3; i++)
		CHECK_INT(user_take(&users[i], origin, false), 1);
	origin->bucket -= WEIR_PEAK_BUCKETS; /* a minute later */
	for (int i = 0; i < 3; i++)
		weir_pool_give(&users[i].lease, 0);
	CHECK_INT(weir_origin_idle(origin), 3);
	CHECK_INT(user_take(&users[0], origin, false), 1);
	origin->bucket -= 1;
	weir_pool_give(&users[0].lease, 0);
	CHECK_INT(weir_origin_idle(origin), 3);
	weir_pool_shrink(h.pool);
	CHECK_INT(weir_origin_idle(origin), 0);
	house_close(&h);
}

/* Who waits is served by another's connection: the one begun for it is kept all the same. */
TEST(a_burst_keeps_what_it_opened)
{
	struct weir_origin *origin;

	REQUIRE(house_open(&h, NULL));
	origin = house_origin(&h, "127.0.0.1", NULL);
	take_ready(&users[0], origin, false);
	for (int i = 1; i < 4; i++)
		CHECK_INT(user_take(&users[i], origin, false), 0);
	for (int i = 0; i < 4; i++) {
		HOUSE_UNTIL(&h, i == 0 || users[i].ready);
		weir_pool_give(&users[i].lease, 0);
	}
	HOUSE_UNTIL(&h, h.visitors_n == 4);
	house_sleep(&h, 20);
	CHECK_INT(weir_origin_idle(origin), 4);
	house_close(&h);
}

/* A connection that becomes free comes sooner than one still to be made. */
TEST(waiting_gets_what_is_given_back)
{
	struct weir_origin *origin;

	REQUIRE(house_open(&h, NULL));
	h.names[0] = (struct fake_name){ "x.test", .ttl = 60, .a = { "127.0.0.1" } };
	origin = house_origin(&h, "x.test", NULL);
	take_ready(&users[0], origin, false);
	weir_resolver_age(h.resolver, 2 * 3600 * 1000);
	h.names[0].silent = true;
	for (int i = 1; i < 4; i++) {
		CHECK_INT(user_take(&users[i], origin, i == 1), 0);
		CHECK_INT(users[i].lease.phase, WEIR_LEASE_RESOLVING);
	}
	weir_pool_give(&users[0].lease, 0);
	CHECK_INT(user_take(&users[4], origin, false), 0); /* does not jump the queue */
	CHECK(users[2].ready == 0);
	HOUSE_UNTIL(&h, users[2].ready);
	CHECK(users[2].lease.reused);
	weir_pool_give(&users[2].lease, 0);
	HOUSE_UNTIL(&h, users[3].ready);
	weir_pool_give(&users[3].lease, 0);
	HOUSE_UNTIL(&h, users[4].ready);
	CHECK(users[1].ready == 0); /* wants a fresh one */
	weir_pool_drop(&users[1].lease);
	weir_pool_give(&users[4].lease, 0);
	CHECK_INT(weir_origin_idle(origin), 1);
	CHECK_INT(h.visitors_n, 1);
	house_close(&h);
}

TEST(half_open_ones_serve_whoever_comes)
{
	struct weir_origin *origin;

	REQUIRE(house_open(&h, NULL));
	origin = house_origin(&h, "127.0.0.1", NULL);
	take_ready(&users[0], origin, false);
	take_ready(&users[1], origin, false);
	CHECK_INT(user_take(&users[2], origin, false), 0);
	weir_dial_abandon(&users[2].lease); /* as if it had been served */
	weir_pool_give(&users[0].lease, 0);
	HOUSE_UNTIL(&h, users[2].ready);
	CHECK(users[2].lease.reused);
	HOUSE_UNTIL(&h, weir_origin_idle(origin) == 1);
	CHECK_INT(h.visitors_n, 3);
	weir_pool_drop(&users[1].lease);
	weir_pool_drop(&users[2].lease);
	house_close(&h);
}

TEST(a_thousand_leases)
{
	enum { N = 1000 };
	struct weir_origin *origin;
	unsigned ready = 0;

	REQUIRE(house_open(&h, NULL));
	h.names[0] = (struct fake_name){ "x.test", .ttl = 60, .a = { "127.0.0.1" } };
	origin = house_origin(&h, "x.test", NULL);
	for (int i = 0; i < N; i++)
		CHECK_INT(user_take(&users[i], origin, false), 0);
	for (int i = 0; i < N; i++)
		HOUSE_UNTIL(&h, users[i].ready);
	CHECK_INT(h.names[0].asked_a, 1);
	CHECK_INT(weir_origin_active(origin), N);
	for (int i = 0; i < N; i++)
		weir_pool_give(&users[i].lease, 0);
	CHECK_INT(weir_origin_idle(origin), N);
	for (int i = 0; i < N; i++)
		ready += user_take(&users[i], origin, false) == 1;
	CHECK_INT(ready, N);
	for (int i = 0; i < N; i++)
		weir_pool_drop(&users[i].lease);
	house_close(&h);
}

static struct weir_origin *again_at;
static unsigned again_left;

static void again(struct user *user)
{
	if (again_left == 0)
		return;
	again_left--;
	weir_pool_drop(&user->lease);
	CHECK_INT(user_take(user, again_at, true), 0);
}

TEST(dropped_and_taken_again_in_callbacks)
{
	REQUIRE(house_open(&h, NULL));
	for (int works = 0; works < 2; works++) {
		again_at = house_origin(&h, works ? "127.0.0.1" : "none.test", NULL);
		again_left = 5;
		users[0].then = again;
		CHECK_INT(user_take(&users[0], again_at, true), 0);
		HOUSE_UNTIL(&h, again_left == 0 && (users[0].ready || users[0].failed));
		CHECK_INT(users[0].ready, works);
		weir_pool_drop(&users[0].lease);
		users[0].then = NULL;
	}
	house_close(&h);
}

static void drop_the_others(struct user *user)
{
	for (unsigned i = 0; i < 20; i++)
		weir_pool_drop(&users[i].lease);
	house_close_pool(user->house);
}

TEST(all_dropped_and_closed_from_a_callback)
{
	static const char *const hosts[] = { "127.0.0.1", "none.test", "x.test" };

	for (size_t k = 0; k < WEIR_COUNT_OF(hosts); k++) {
		REQUIRE(house_open(&h, NULL));
		h.names[0] = (struct fake_name){ "x.test", .ttl = 60, .a = { "127.0.0.1" } };
		for (unsigned i = 0; i < 20; i++) {
			users[i].house = &h;
			users[i].then = drop_the_others;
			CHECK_INT(user_take(&users[i], house_origin(&h, hosts[k], NULL), false), 0);
		}
		HOUSE_UNTIL(&h, h.pool == NULL);
		for (unsigned i = 0; i < 20; i++)
			users[i].then = NULL;
		house_close(&h);
	}
}

/* A lease may be given up at any moment. */
TEST(dropped_after_any_number_of_turns)
{
	static const char *const hosts[] = { "127.0.0.1", "x.test", "none.test" };

	for (size_t k = 0; k < WEIR_COUNT_OF(hosts); k++) {
		for (unsigned n = 0; n < 12; n++) {
			REQUIRE(house_open(&h, NULL));
			h.names[0] = (struct fake_name){ "x.test", .ttl = 60,
							 .a = { "127.0.0.1" } };
			for (unsigned i = 0; i < 3; i++)
				CHECK_INT(user_take(&users[i], house_origin(&h, hosts[k], NULL), i),
					  0);
			house_turns(&h, n);
			for (unsigned i = 0; i < 3; i++) {
				weir_pool_drop(&users[i].lease);
				CHECK_INT(users[i].lease.phase, WEIR_LEASE_IDLE);
				weir_pool_drop(&users[i].lease);
			}
			CHECK_INT(weir_origin_active(house_origin(&h, hosts[k], NULL)), 0);
			house_close(&h);
		}
	}
}

static void do_anything(struct weir_rng *rng, struct weir_origin *const *origins)
{
	struct user *user = &users[weir_rng_upto(rng, 39)];
	struct visitor *visitor = h.visitors_n ? h.visitors[weir_rng_upto(rng, h.visitors_n - 1)]
					       : NULL;
	bool held = user->lease.phase == WEIR_LEASE_HELD;

	switch (weir_rng_upto(rng, 8)) {
	case 0:
	case 1:
	case 2:
		if (user->lease.phase == WEIR_LEASE_IDLE && h.visitors_n < VISITORS_MAX - 10)
			CHECK(user_take(user, origins[weir_rng_upto(rng, 3)],
					weir_rng_upto(rng, 4) == 0) >= 0);
		break;
	case 3:
	case 4:
		if (held)
			weir_pool_give(&user->lease, weir_rng_upto(rng, 20));
		break;
	case 5:
		weir_pool_drop(&user->lease);
		break;
	case 6:
		if (held && weir_rng_upto(rng, 1))
			weir_conn_close(user->lease.conn);
		else if (held)
			weir_conn_read_stop(user->lease.conn);
		break;
	case 7:
		if (visitor && visitor->open && !visitor->conn.closing)
			weir_conn_close(&visitor->conn);
		break;
	default:
		if (visitor && visitor->open && !visitor->conn.closing)
			(void)!weir_conn_write(&visitor->conn, &WEIR_SLICE("boo"), 1);
	}
}

/* Whatever happens in whatever order: nothing is lost, nothing is counted twice. */
TEST(a_random_walk)
{
	struct weir_origin *origins[4];
	struct weir_rng rng;
	unsigned held;

	for (uint64_t seed = 1; seed <= 20; seed++) {
		weir_rng_init(&rng, seed);
		memset(users, 0, sizeof users);
		REQUIRE(house_open(&h, NULL));
		h.names[0] = (struct fake_name){ "x.test", .ttl = 60,
						 .a = { "127.0.0.1", "127.0.0.2" } };
		origins[0] = house_origin(&h, "127.0.0.1", NULL);
		origins[1] = house_origin(&h, "x.test", NULL);
		origins[2] = house_origin(&h, "localhost", NULL);
		origins[3] = house_origin(&h, "none.test", NULL);
		for (unsigned step = 0; step < 2000; step++) {
			do_anything(&rng, origins);
			if (weir_rng_upto(&rng, 2) == 0)
				house_turns(&h, 1);
		}
		held = 0;
		for (unsigned i = 0; i < 40; i++)
			held += users[i].lease.phase == WEIR_LEASE_HELD;
		for (unsigned i = 0; i < 4; i++)
			held -= weir_origin_active(origins[i]);
		CHECK_INT(held, 0);
		for (unsigned i = 0; i < 40; i++)
			weir_pool_drop(&users[i].lease);
		for (unsigned i = 0; i < 4; i++) {
			CHECK_INT(origins[i]->leases_n + origins[i]->active_n, 0);
			CHECK_INT(origins[i]->hungry_n, 0);
		}
		CHECK_INT(h.pool->hungry_n + h.pool->queued_n + h.pool->slots_n, 0);
		house_close(&h);
	}
}

TEST(released_origins_vanish)
{
	struct weir_origin *origin;
	size_t live;

	REQUIRE(house_open(&h, NULL));
	live = weir_alloc_live();
	weir_origin_release(house_origin(&h, "127.0.0.1", NULL));
	CHECK_INT(weir_alloc_live(), live);
	/* In use: it stays, but is nobody's any more. */
	origin = house_origin(&h, "127.0.0.1", NULL);
	take_ready(&users[0], origin, false);
	CHECK_INT(user_take(&users[1], origin, false), 0);
	CHECK(house_origin(&h, "127.0.0.1", NULL) == origin);
	weir_origin_release(origin);
	weir_origin_release(origin);
	CHECK(house_origin(&h, "127.0.0.1", NULL) != origin);
	weir_pool_drop(&users[1].lease);
	weir_pool_give(&users[0].lease, 0);
	house_turns(&h, 5);
	weir_origin_release(house_origin(&h, "127.0.0.1", NULL));
	weir_origin_release(house_origin(&h, "127.0.0.1", NULL));
	house_turns(&h, 5);
	CHECK(weir_list_empty(&h.pool->origins) || h.pool->origins.next->next == &h.pool->origins);
	house_close(&h);
}

TEST(any_allocation_fails)
{
	unsigned failed = 0;

	for (unsigned k = 1; k < 30; k++) {
		struct weir_origin_config config = { .host = "x.test" };
		struct weir_origin *origin;
		int rc = -1;

		REQUIRE(house_open(&h, NULL));
		h.names[0] = (struct fake_name){ "x.test", .ttl = 60, .a = { "127.0.0.1" } };
		config.port = (uint16_t)weir_listener_port(&h.listener);
		weir_alloc_fail_after(k);
		origin = weir_pool_origin(h.pool, &config);
		if (origin)
			rc = user_take(&users[0], origin, false);
		if (rc == 0)
			HOUSE_UNTIL(&h, users[0].ready || users[0].failed);
		weir_alloc_fail_after(0);
		failed += rc < 0 || users[0].failed;
		if (rc == 0 && users[0].failed)
			CHECK(strcmp(users[0].reason, "local_resource") == 0 ||
			      strcmp(users[0].reason, "dns") == 0);
		if (origin)
			weir_pool_drop(&users[0].lease);
		/* The next one is not harmed. */
		take_ready(&users[0], house_origin(&h, "x.test", NULL), false);
		weir_pool_drop(&users[0].lease);
		house_close(&h);
	}
	CHECK(failed >= 4);
}

TEST_MAIN
