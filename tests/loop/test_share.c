/* Many leases on one connection: who gets which, and what the others notice. */
#include "sharers.h"

TEST(one_connection_for_many)
{
	struct weir_origin *origin;
	unsigned opened = 0;

	REQUIRE(open_house(&origin));
	take_all(origin, 0, 100);
	CHECK_INT(h.visitors_n, 1);
	CHECK_INT(weir_origin_active(origin), 1);
	CHECK_INT(weir_origin_streams(origin), 100);
	CHECK(!askers[0].lease.reused && !askers[99].lease.reused);
	say(0, "S " OK(1) OK(199));
	HOUSE_UNTIL(&h, askers[99].heard[0]);
	CHECK_STR(askers[0].heard, "[yes]");
	CHECK_STR(askers[99].heard, "[yes]");
	CHECK_INT(askers[0].lease.phase, WEIR_LEASE_IDLE);
	CHECK_INT(weir_origin_streams(origin), 98);
	for (unsigned i = 0; i < 100; i++)
		opened += askers[i].lease.opened;
	CHECK_INT(opened, 1);
	/* Who comes later is on one that was there before. */
	CHECK_INT(take(&askers[0], origin, false), 1);
	CHECK(askers[0].lease.reused && !askers[0].lease.opened);
	drop_all(100);
	CHECK_INT(weir_origin_streams(origin), 0);
	CHECK_INT(weir_origin_active(origin), 0);
	CHECK_INT(weir_origin_idle(origin), 1);
	CHECK_INT(take(&askers[0], origin, false), 1);
	CHECK_INT(weir_origin_idle(origin), 0);
	drop_all(1);
	weir_pool_shrink(h.pool);
	CHECK_INT(weir_origin_idle(origin), 0);
	HOUSE_UNTIL(&h, h.visitors[0]->ended);
	close_house();
}

TEST(a_further_one_when_it_is_full)
{
	struct weir_origin *origin;

	REQUIRE(open_house(&origin));
	take_all(origin, 0, 250);
	CHECK_INT(h.visitors_n, 3);
	CHECK_INT(weir_origin_active(origin), 3);
	drop_all(250);
	close_house();
}

TEST(as_many_as_the_peer_allows)
{
	struct weir_origin *origin;

	REQUIRE(open_house(&origin));
	take_all(origin, 0, 1);
	say(0, "S(3=2)");
	HOUSE_UNTIL(&h, origin->each == 2);
	take_all(origin, 1, 3);
	CHECK_INT(h.visitors_n, 2);
	CHECK(link_of(&askers[0]) == link_of(&askers[1]));
	CHECK(link_of(&askers[2]) == link_of(&askers[3]));
	/* A stream that became free serves who waits, whatever he has begun. */
	say(1, "S(3=2)");
	house_sleep(&h, 5);
	CHECK_INT(take(&askers[4], origin, false), 0);
	weir_pool_drop(&askers[0].lease);
	HOUSE_UNTIL(&h, askers[4].ready);
	CHECK(link_of(&askers[4]) == link_of(&askers[1]));
	/* The next ones have not said so yet, but it is known. */
	take_all(origin, 5, 6);
	for (unsigned i = 1; i < 11; i++)
		CHECK(link_of(&askers[i])->leases_n <= 2);
	drop_all(11);
	close_house();
}

/* The peer allows fewer than were begun: their heads have not left, and never would. */
TEST(begun_in_vain_goes_elsewhere)
{
	struct weir_origin *origin;
	struct h2_bytes bytes = { 0 };
	struct weir_link *link;

	REQUIRE(open_house(&origin));
	take_all(origin, 0, 1);
	link = link_of(&askers[0]);
	say(0, "S");
	HOUSE_UNTIL(&h, link->heard);
	for (int i = 1; i < 5; i++) {
		CHECK_INT(take(&askers[i], origin, false), 1);
		askers[i].again = true;
	}
	h2_script(&bytes, "S(3=2)");
	CHECK(weir_share_feed(link, bytes.base, bytes.len));
	free(bytes.base);
	CHECK_INT(link->leases_n, 2);
	for (int i = 1; i < 5; i++)
		HOUSE_UNTIL(&h, askers[i].ready);
	CHECK_INT(h.visitors_n, 3); /* two for each, as it says */
	CHECK(link_of(&askers[4]) == link && link_of(&askers[1]) != link);
	askers[4].again = false;
	drop_all(5);
	close_house();
}

/* A path that went dark says nothing: the next request is not sent there, too. */
TEST(who_left_unanswered_takes_the_connection_along)
{
	struct weir_origin *origin;

	REQUIRE(open_house(&origin));
	take_all(origin, 0, 1);
	say(0, "S");
	HOUSE_UNTIL(&h, link_of(&askers[0])->heard);
	weir_pool_drop(&askers[0].lease);
	CHECK_INT(weir_origin_idle(origin), 1);
	CHECK_INT(take(&askers[0], origin, false), 1);
	REQUIRE(uv_now(&h.loop) > WEIR_POOL_DOUBT_MS);
	askers[0].lease.wrote_ms = uv_now(&h.loop) - WEIR_POOL_DOUBT_MS;
	weir_pool_drop(&askers[0].lease);
	CHECK_INT(weir_origin_idle(origin), 0);
	HOUSE_UNTIL(&h, h.visitors[0]->ended);
	close_house();
}

TEST(one_leaves_and_the_others_stay)
{
	struct weir_origin *origin;

	REQUIRE(open_house(&origin));
	take_all(origin, 0, 3);
	weir_pool_drop(&askers[1].lease);
	weir_pool_drop(&askers[1].lease);
	say(0, "S " OK(3) OK(1) "R5(2)");
	HOUSE_UNTIL(&h, askers[2].heard[0]);
	CHECK_STR(askers[0].heard, "[yes]");
	CHECK_STR(askers[1].heard, "");
	CHECK_STR(askers[2].heard, "|");
	CHECK_INT(h.visitors_n, 1);
	CHECK(!h.visitors[0]->ended);
	CHECK_INT(weir_origin_idle(origin), 1);
	close_house();
}

TEST(lost_with_all_it_carried)
{
	struct weir_origin *origin;

	REQUIRE(open_house(&origin));
	take_all(origin, 0, 3);
	say(0, "S H1{:status=200} D1{some}");
	HOUSE_UNTIL(&h, askers[0].heard[0]);
	weir_conn_close(&h.visitors[0]->conn);
	HOUSE_UNTIL(&h, askers[2].heard[0]);
	CHECK_STR(askers[0].heard, "[some|");
	CHECK_STR(askers[1].heard, "|");
	CHECK_STR(askers[2].heard, "|");
	CHECK_INT(weir_origin_active(origin), 0);
	/* One that was there before, and says nothing any more: it was dead. */
	take_all(origin, 0, 1);
	say(1, "S " OK(1));
	HOUSE_UNTIL(&h, askers[0].heard[0]);
	for (int i = 0; i < 3; i++) {
		askers[i].again = true;
		CHECK_INT(take(&askers[i], origin, false), 1);
		askers[i].again = true;
	}
	weir_conn_close(&h.visitors[1]->conn);
	HOUSE_UNTIL(&h, askers[0].ready && askers[1].ready && askers[2].ready && h.visitors_n == 3);
	CHECK(!askers[0].lease.reused);
	CHECK_INT(weir_origin_streams(origin), 3);
	/* …but not when it had been asked long before: it may have done the work. */
	drop_all(3);
	say(2, "S");
	house_sleep(&h, 5);
	CHECK_INT(take(&askers[0], origin, false), 1);
	REQUIRE(uv_now(&h.loop) > WEIR_POOL_STALE_MS);
	askers[0].lease.wrote_ms = uv_now(&h.loop) - WEIR_POOL_STALE_MS;
	weir_conn_close(&h.visitors[2]->conn);
	HOUSE_UNTIL(&h, askers[0].heard[0]);
	CHECK_STR(askers[0].heard, "|");
	close_house();
}

TEST(the_peer_says_goodbye)
{
	struct weir_origin *origin;

	REQUIRE(open_house(&origin));
	take_all(origin, 0, 3);
	askers[1].again = askers[2].again = true;
	say(0, "S G1(0)");
	HOUSE_UNTIL(&h, h.visitors_n == 2 && askers[1].ready && askers[2].ready);
	CHECK(link_of(&askers[1]) == link_of(&askers[2]));
	CHECK(link_of(&askers[0]) != link_of(&askers[1]));
	say(0, OK(1));
	HOUSE_UNTIL(&h, askers[0].heard[0]);
	CHECK_STR(askers[0].heard, "[yes]");
	HOUSE_UNTIL(&h, h.visitors[0]->ended);
	CHECK_INT(weir_origin_idle(origin), 0);
	/* …while nobody uses it. */
	drop_all(3);
	CHECK_INT(weir_origin_idle(origin), 1);
	say(1, "S G0(0)");
	HOUSE_UNTIL(&h, weir_origin_idle(origin) == 0);
	HOUSE_UNTIL(&h, h.visitors[1]->ended);
	close_house();
}

TEST(refused_and_asked_again)
{
	struct weir_origin *origin;

	REQUIRE(open_house(&origin));
	take_all(origin, 0, 1);
	askers[0].again = true;
	say(0, "S R1(7)");
	HOUSE_UNTIL(&h, link_of(&askers[0]) && link_of(&askers[0])->heard && !askers[0].again);
	HOUSE_UNTIL(&h, askers[0].ready);
	say(0, OK(3));
	HOUSE_UNTIL(&h, askers[0].heard[0]);
	CHECK_STR(askers[0].heard, "[yes]");
	CHECK_INT(h.visitors_n, 1);
	close_house();
}

/* It refuses for HTTP/1.1's sake: it is asked anew in that, for a time. */
static void play_http1(const char *refusal)
{
	struct weir_origin *origin;

	REQUIRE(open_house(&origin));
	take_all(origin, 0, 1);
	CHECK(!askers[0].lease.conn);
	askers[0].again = true;
	say(0, refusal);
	HOUSE_UNTIL(&h, !askers[0].again && askers[0].ready);
	CHECK(askers[0].lease.conn);
	take_all(origin, 1, 3);
	CHECK_INT(h.visitors_n, 5);
	CHECK_INT(weir_origin_streams(origin), 0);
	HOUSE_UNTIL(&h, h.visitors[0]->ended); /* is of no use any more */
	drop_all(4);
	origin->http1_until_ms = uv_now(&h.loop);
	take_all(origin, 0, 2);
	CHECK_INT(weir_origin_streams(origin), 2);
	drop_all(2);
	close_house();
}

TEST(http1_is_required)
{
	play_http1("S R1(13)");
	play_http1("S G0(13)");
}

/* The newest idle one need not be the one that it may have. */
TEST(a_fresh_one_finds_any_that_is_new)
{
	struct weir_origin *origin;
	struct weir_lease waits = { .fresh = true };
	struct weir_link *old, *new;

	REQUIRE(open_house(&origin));
	take_all(origin, 0, 1);
	old = link_of(&askers[0]);
	waits.began = old->serial;
	CHECK_INT(take(&askers[1], origin, true), 0);
	HOUSE_UNTIL(&h, askers[1].ready);
	new = link_of(&askers[1]);
	weir_pool_drop(&askers[1].lease);
	weir_pool_drop(&askers[0].lease);
	CHECK_INT(weir_origin_idle(origin), 2);
	CHECK(weir_origin_newest(origin, NULL) == old);
	CHECK(weir_origin_newest(origin, &waits) == new);
	waits.began = new->serial;
	CHECK(weir_origin_newest(origin, &waits) == NULL);
	CHECK_INT(weir_origin_idle(origin), 2);
	close_house();
}

TEST(against_the_rules)
{
	struct weir_origin *origin;

	REQUIRE(open_house(&origin));
	take_all(origin, 0, 2);
	say(0, "S D7{x}");
	HOUSE_UNTIL(&h, askers[1].heard[0]);
	CHECK_STR(askers[0].heard, "!");
	CHECK_STR(askers[1].heard, "!");
	HOUSE_UNTIL(&h, h.visitors[0]->ended);
	take_all(origin, 0, 1);
	say(1, "S P*5000");
	HOUSE_UNTIL(&h, askers[0].heard[0]);
	CHECK_STR(askers[0].heard, "!");
	close_house();
}

/* Nobody knows it before the first handshake: then they go their own ways. */
TEST(http1_where_that_is_chosen)
{
	struct weir_throwaway_spec spec = { .hosts = { "localhost" } };
	struct weir_tls_config *plain;
	struct weir_origin *origin;

	REQUIRE(open_house(&origin));
	plain = trust_server(&trust, &spec, 0);
	REQUIRE(plain);
	h.server_tls = plain;
	take_all(origin, 0, 20);
	CHECK_INT(h.visitors_n, 20);
	CHECK_INT(origin->each, 1);
	CHECK_INT(weir_origin_active(origin), 20);
	CHECK_INT(weir_origin_streams(origin), 0);
	say(0, "!HTTP/1.1 204 No Content\r\n\r\n");
	HOUSE_UNTIL(&h, askers[0].heard[0] || askers[19].heard[0] || askers[1].heard[0]);
	drop_all(20);
	house_close(&h);
	weir_tls_config_destroy(plain);
	house_distrust(&trust);
}

/* The first that waits dials for all; when it leaves, its connection is for the others. */
TEST(who_dials_may_leave)
{
	struct weir_origin *origin;

	REQUIRE(open_house(&origin));
	for (int i = 0; i < 10; i++)
		CHECK_INT(take(&askers[i], origin, false), 0);
	HOUSE_UNTIL(&h, h.visitors_n == 1);
	weir_pool_drop(&askers[0].lease);
	for (int i = 1; i < 10; i++)
		HOUSE_UNTIL(&h, askers[i].ready);
	CHECK_INT(h.visitors_n, 1);
	drop_all(10);
	close_house();
}

TEST(nobody_relies_on_one_that_failed)
{
	struct weir_origin *origin;

	REQUIRE(open_house(&origin));
	weir_listener_close(&h.listener, NULL);
	house_turns(&h, 3);
	for (int i = 0; i < 10; i++)
		CHECK_INT(take(&askers[i], origin, false), 0);
	for (int i = 0; i < 10; i++) {
		HOUSE_UNTIL(&h, askers[i].reason[0]);
		CHECK_STR(askers[i].reason, "connect");
	}
	CHECK_INT(origin->each, 1);
	close_house();
}

TEST(what_comes_at_once_is_told_piece_by_piece)
{
	enum { N = 10 };
	char words[N * 64];
	struct weir_origin *origin;
	size_t at = 0;

	REQUIRE(open_house(&origin));
	take_all(origin, 0, N);
	for (int i = 0; i < N; i++)
		at += (size_t)snprintf(words + at, sizeof words - at,
				       " H%d{:status=200} D%de{#4000}", 2 * i + 1, 2 * i + 1);
	say(0, "S");
	HOUSE_UNTIL(&h, link_of(&askers[0])->heard);
	busy = true;
	say(0, words);
	HOUSE_UNTIL(&h, askers[0].heard[0]);
	CHECK_STR(askers[0].heard, "[]");
	CHECK_STR(askers[N - 1].heard, "");
	busy = false;
	weir_net_unbound(&h.net);
	HOUSE_UNTIL(&h, askers[N - 1].heard[0] && askers[N - 1].heard[1]);
	CHECK_STR(askers[N - 1].heard, "[]");
	close_house();
}

TEST(timers_and_silence)
{
	struct weir_origin *origin;
	uint64_t bytes;

	REQUIRE(open_house(&origin));
	take_all(origin, 0, 2);
	say(0, "S");
	HOUSE_UNTIL(&h, link_of(&askers[0])->heard);
	CHECK(weir_lease_timer(&askers[1].lease, 1));
	HOUSE_UNTIL(&h, askers[1].timers == 1);
	CHECK_INT(askers[0].timers, 0);
	house_sleep(&h, 5);
	bytes = h.visitors[0]->bytes_n;
	/* A while later, it is asked whether it is still there… */
	REQUIRE(uv_now(&h.loop) > WEIR_POOL_PING_MS + WEIR_POOL_PONG_MS);
	link_of(&askers[0])->heard_ms = uv_now(&h.loop) - WEIR_POOL_PING_MS;
	weir_conn_timer(askers[0].lease.link ? &link_of(&askers[0])->conn : NULL, 0);
	HOUSE_UNTIL(&h, h.visitors[0]->bytes_n > bytes);
	CHECK_STR(askers[0].heard, "");
	/* …which any word of its tells… */
	say(0, "S");
	HOUSE_UNTIL(&h, !link_of(&askers[0])->asked_ms);
	/* …and then given up. */
	link_of(&askers[0])->asked_ms = uv_now(&h.loop) - WEIR_POOL_PONG_MS;
	weir_conn_timer(&link_of(&askers[0])->conn, 0);
	HOUSE_UNTIL(&h, askers[1].heard[0]);
	CHECK_STR(askers[0].heard, "|");
	CHECK_STR(askers[1].heard, "|");
	close_house();
}

/* What is too old takes nobody more, and ends with the last. */
TEST(old_age)
{
	struct weir_origin *origin;
	struct weir_link *old;

	REQUIRE(open_house(&origin));
	take_all(origin, 0, 2);
	old = link_of(&askers[0]);
	REQUIRE(uv_now(&h.loop) > WEIR_POOL_AGE_MAX_MS);
	old->started_ms = uv_now(&h.loop) - WEIR_POOL_AGE_MAX_MS;
	take_all(origin, 2, 1);
	CHECK(link_of(&askers[2]) != old);
	say(0, "S " OK(1) OK(3));
	HOUSE_UNTIL(&h, askers[1].heard[0]);
	CHECK_STR(askers[0].heard, "[yes]");
	HOUSE_UNTIL(&h, h.visitors[0]->ended);
	drop_all(3);
	close_house();
}

/* Once a connection stands: mbedTLS's own handshake leaks on one of them. */
static bool survive(struct weir_origin *origin, uint64_t nth)
{
	bool whole;

	take_all(origin, 0, 1);
	say(h.visitors_n - 1, "S");
	HOUSE_UNTIL(&h, link_of(&askers[0])->heard);
	say(h.visitors_n - 1, "P " OK(1) OK(3)); /* is read once both have asked */
	weir_alloc_fail_after(nth);
	CHECK_INT(take(&askers[1], origin, false), 1);
	house_sleep(&h, 2);
	weir_alloc_fail_after(0);
	whole = strcmp(askers[0].heard, "[yes]") == 0 && strcmp(askers[1].heard, "[yes]") == 0;
	drop_all(2);
	weir_pool_shrink(h.pool);
	house_turns(&h, 3);
	return whole;
}

TEST(any_allocation_may_fail)
{
	struct weir_origin *origin;
	unsigned in_a_row = 0;
	uint64_t nth = 1;

	REQUIRE(open_house(&origin));
	for (; in_a_row < 3 && nth < 200; nth++)
		in_a_row = survive(origin, nth) ? in_a_row + 1 : 0;
	CHECK(nth > 10 && in_a_row >= 3);
	close_house();
}

TEST_MAIN
