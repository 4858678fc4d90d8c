/* How connections are opened: addresses in turn, what is refused, handshakes shared out. */
#include "house.h"
#include "spoil.h"

static struct house h;
static struct user users[200];

static int no_route_for_ipv6(const struct sockaddr *addr)
{
	return addr->sa_family == AF_INET6 ? ENETUNREACH : 0;
}

static struct weir_origin *origin_at(const char *host, unsigned port, struct weir_tls_config *tls,
				     bool vendor)
{
	struct weir_origin_config config = {
		.host = host, .port = (uint16_t)port, .tls = tls, .public_vendor = vendor
	};

	return weir_pool_origin(h.pool, &config);
}

static void wait_for(struct user *user)
{
	HOUSE_UNTIL(&h, user->ready || user->failed);
}

/* A port of 127.0.0.1 that nobody listens on. */
static unsigned unused_port(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof addr;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	CHECK_INT(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
	CHECK_INT(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	close(fd);
	return ntohs(addr.sin_port);
}

TEST(refused)
{
	REQUIRE(house_open(&h, NULL));
	for (int i = 0; i < 2; i++) {
		const char *host = i ? "localhost" : "127.0.0.1";

		CHECK_INT(user_take(&users[0], origin_at(host, unused_port(), NULL, false), false),
			  0);
		wait_for(&users[0]);
		CHECK_INT(users[0].failed, 1);
		CHECK_STR(users[0].reason, "connect");
		NOTE("%s", users[0].text);
	}
	house_close(&h);
}

TEST(unknown_name)
{
	char host[300];

	REQUIRE(house_open(&h, NULL));
	CHECK_INT(user_take(&users[0], house_origin(&h, "none.test", NULL), false), 0);
	CHECK_INT(users[0].lease.phase, WEIR_LEASE_RESOLVING);
	wait_for(&users[0]);
	CHECK_STR(users[0].reason, "dns");
	CHECK_STR(users[0].text, "NXDOMAIN");
	memset(host, 'a', sizeof host);
	host[299] = '\0';
	CHECK_INT(user_take(&users[0], house_origin(&h, host, NULL), false), 0);
	wait_for(&users[0]);
	CHECK_STR(users[0].reason, "dns");
	house_close(&h);
}

TEST(every_address_is_tried)
{
	struct weir_origin *origin;

	for (int round = 0; round < 8; round++) {
		REQUIRE(house_open(&h, NULL));
		h.names[0] = (struct fake_name){ "x.test", .ttl = 60,
						 .a = { "127.0.0.2", "127.0.0.1", "127.0.0.3" },
						 .aaaa = { "::1" } };
		origin = house_origin(&h, "x.test", NULL);
		for (int i = 0; i < 5; i++) {
			CHECK_INT(user_take(&users[i], origin, true), 0);
			wait_for(&users[i]);
			CHECK_INT(users[i].ready, 1);
			weir_pool_drop(&users[i].lease);
		}
		house_close(&h);
	}
}

/* The listener has no IPv6: after the first failure nobody begins with it. */
TEST(broken_ipv6_is_remembered)
{
	struct weir_origin *origin;
	unsigned v6_first = 0;

	REQUIRE(house_open(&h, NULL));
	h.names[0] = (struct fake_name){ "x.test", .ttl = 60, .a = { "127.0.0.1" },
					 .aaaa = { "::1" } };
	origin = house_origin(&h, "x.test", NULL);
	for (int i = 0; i < 40; i++) {
		CHECK_INT(user_take(&users[0], origin, true), 0);
		wait_for(&users[0]);
		CHECK_INT(users[0].ready, 1);
		v6_first += users[0].lease.addresses.list[0].any.sa_family == AF_INET6;
		weir_pool_drop(&users[0].lease);
	}
	CHECK_INT(v6_first, 1);
	CHECK(h.pool->v6_bad_until_ms > uv_now(&h.loop));
	house_close(&h);
}

/* */
TEST(ipv6_alone_without_a_route_fails_at_once)
{
	REQUIRE(house_open(&h, NULL));
	spoil_connect = no_route_for_ipv6;
	h.names[0] = (struct fake_name){ "x.test", .ttl = 60,
					 .aaaa = { "2001:db8::1", "2001:db8::2" } };
	CHECK_INT(user_take(&users[0], house_origin(&h, "x.test", NULL), false), 0);
	wait_for(&users[0]);
	CHECK_INT(users[0].failed, 1);
	CHECK_STR(users[0].reason, "connect");
	NOTE("%s", users[0].text);
	CHECK_INT(h.net.conns_n, 0);
	spoil_connect = NULL;
	house_close(&h);
}

TEST(forbidden_addresses_are_never_connected)
{
	static const struct {
		const char *a, *aaaa;
		bool vendor;
	} cases[] = {
		{ "127.0.0.1", NULL, true },        { "169.254.169.254", NULL, false },
		{ NULL, "::ffff:127.0.0.1", true }, { NULL, "::ffff:169.254.169.254", false },
		{ "0.0.0.0", "::1", true },
	};

	for (size_t i = 0; i < WEIR_COUNT_OF(cases); i++) {
		REQUIRE(house_open(&h, NULL));
		h.names[0] = (struct fake_name){ "x.test", .ttl = 60, .a = { cases[i].a },
						 .aaaa = { cases[i].aaaa } };
		CHECK_INT(user_take(&users[0],
				    origin_at("x.test", weir_listener_port(&h.listener), NULL,
					      cases[i].vendor),
				    false),
			  0);
		wait_for(&users[0]);
		CHECK_STR(users[0].reason, "policy");
		CHECK_INT(h.visitors_n, 0);
		CHECK_INT(h.net.conns_n, 0);
		house_close(&h);
	}
	/* As a literal too, and at once, yet not inside of take. */
	REQUIRE(house_open(&h, NULL));
	CHECK_INT(user_take(&users[0], origin_at("127.0.0.1", 1, NULL, true), false), 0);
	wait_for(&users[0]);
	CHECK_STR(users[0].reason, "policy");
	house_close(&h);
}

/* A name whose second answer leads home. */
TEST(rebinding_is_refused)
{
	struct weir_origin *origin;

	REQUIRE(house_open(&h, NULL));
	h.names[0] = (struct fake_name){ "x.test", .ttl = 5, .a = { "127.0.0.1" } };
	origin = house_origin(&h, "x.test", NULL);
	CHECK_INT(user_take(&users[0], origin, true), 0);
	wait_for(&users[0]);
	CHECK_INT(users[0].ready, 1);
	weir_pool_drop(&users[0].lease);
	weir_resolver_age(h.resolver, 6000);
	h.names[0].a[0] = "169.254.169.254";
	CHECK_INT(user_take(&users[0], origin, true), 0);
	wait_for(&users[0]);
	CHECK_STR(users[0].reason, "policy");
	house_close(&h);
}

static bool is_house(void *house, const struct sockaddr *addr)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)addr;

	return v4->sin_port ==
	       htons((uint16_t)weir_listener_port(&((struct house *)house)->listener));
}

TEST(who_would_ask_himself_asks_nobody)
{
	struct weir_origin *origin;

	REQUIRE(house_open(&h, NULL));
	h.names[0] = (struct fake_name){ "x.test", .ttl = 5, .a = { "127.0.0.1" } };
	origin = house_origin(&h, "x.test", NULL);
	weir_pool_shun(h.pool, is_house, &h);
	CHECK_INT(user_take(&users[0], origin, true), 0);
	wait_for(&users[0]);
	CHECK_STR(users[0].reason, "policy");
	house_close(&h);
}

/* Listens where nobody accepts and the queue is full: the kernel drops what comes. */
struct hole {
	int listener, filler;
	unsigned port;
};

static bool hole_open(struct hole *hole, const char *ip, unsigned port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	socklen_t len = sizeof addr;

	inet_pton(AF_INET, ip, &addr.sin_addr);
	hole->listener = socket(AF_INET, SOCK_STREAM, 0);
	hole->filler = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(hole->listener, (struct sockaddr *)&addr, sizeof addr) ||
	    listen(hole->listener, 0) ||
	    getsockname(hole->listener, (struct sockaddr *)&addr, &len) ||
	    connect(hole->filler, (struct sockaddr *)&addr, len))
		return false;
	hole->port = ntohs(addr.sin_port);
	return true;
}

static void hole_close(struct hole *hole)
{
	close(hole->listener);
	close(hole->filler);
}

TEST(a_silent_address_does_not_hold_up_the_next)
{
	struct weir_origin *origin;
	struct hole hole;
	uint64_t start_ms;
	bool slow = false;

	REQUIRE(house_open(&h, NULL));
	REQUIRE(hole_open(&hole, "127.0.0.2", weir_listener_port(&h.listener)));
	h.names[0] = (struct fake_name){ "x.test", .ttl = 60, .a = { "127.0.0.2", "127.0.0.1" } };
	origin = house_origin(&h, "x.test", NULL);
	for (int i = 0; i < 20 && !slow; i++) {
		uv_update_time(&h.loop);
		start_ms = uv_now(&h.loop);
		CHECK_INT(user_take(&users[0], origin, true), 0);
		wait_for(&users[0]);
		CHECK_INT(users[0].ready, 1);
		slow = uv_now(&h.loop) - start_ms >= WEIR_POOL_STAGGER_MS - 10;
		CHECK(uv_now(&h.loop) - start_ms < 2000);
		weir_pool_drop(&users[0].lease);
	}
	CHECK(slow);
	CHECK_INT(weir_origin_active(origin), 0);
	house_turns(&h, 5);
	CHECK_INT(origin->links_n, 0); /* the other one is gone */
	hole_close(&hole);
	house_close(&h);
}

TEST(dropped_while_connecting)
{
	struct hole hole;

	for (unsigned n = 0; n < 5; n++) {
		REQUIRE(house_open(&h, NULL));
		REQUIRE(hole_open(&hole, "127.0.0.1", 0));
		CHECK_INT(
			user_take(&users[0], origin_at("127.0.0.1", hole.port, NULL, false), false),
			0);
		house_turns(&h, n);
		CHECK_INT(users[0].lease.phase, WEIR_LEASE_CONNECTING);
		weir_pool_drop(&users[0].lease);
		house_turns(&h, 5);
		CHECK(users[0].ready == 0 && users[0].failed == 0);
		hole_close(&hole);
		house_close(&h);
	}
}

TEST(no_descriptors_left)
{
	struct weir_origin *idle, *wanted;
	struct rlimit old, none;
	int fds[64], fds_n = 0;

	REQUIRE(house_open(&h, NULL));
	idle = house_origin(&h, "127.0.0.1", NULL);
	wanted = house_origin(&h, "localhost", NULL);
	CHECK_INT(user_take(&users[0], idle, false), 0);
	wait_for(&users[0]);
	CHECK_INT(users[0].ready, 1);
	HOUSE_UNTIL(&h, h.visitors_n == 1 && h.visitors[0]->open);
	getrlimit(RLIMIT_NOFILE, &old);
	none = (struct rlimit){ 64, old.rlim_max };
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &none), 0);
	while (fds_n < 64 && (fds[fds_n] = dup(0)) >= 0)
		fds_n++;
	CHECK_INT(user_take(&users[1], wanted, false), 0);
	wait_for(&users[1]);
	CHECK_STR(users[1].reason, "local_resource");
	/* Those who rest make room for those who work. */
	weir_pool_give(&users[0].lease, 0);
	CHECK_INT(user_take(&users[1], wanted, false), 0);
	wait_for(&users[1]);
	CHECK_INT(users[1].ready, 1);
	CHECK_INT(weir_origin_idle(idle), 0);
	while (fds_n > 0)
		close(fds[--fds_n]);
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &old), 0);
	weir_pool_drop(&users[1].lease);
	house_close(&h);
}

TEST(tls_opened_resumed_reused)
{
	struct weir_origin *origin;
	struct trust trust;

	REQUIRE(house_trust(&trust));
	REQUIRE(house_open(&h, trust.server));
	origin = house_origin(&h, "localhost", trust.client);
	CHECK_INT(user_take(&users[0], origin, false), 0);
	HOUSE_UNTIL(&h, users[0].lease.phase == WEIR_LEASE_HANDSHAKE || users[0].ready);
	wait_for(&users[0]);
	CHECK_INT(users[0].ready, 1);
	CHECK(!weir_tls_resumed(users[0].lease.conn->tls));
	CHECK(users[0].lease.handshake_ms + users[0].lease.connect_ms < HOUSE_MS_MAX);
	CHECK_INT(h.pool->slots_n, 0);
	HOUSE_UNTIL(&h, h.visitors[0]->open);
	CHECK_INT(weir_conn_write(&h.visitors[0]->conn, &WEIR_SLICE("hello"), 1), 0);
	HOUSE_UNTIL(&h, origin->ticket); /* comes with the first bytes */
	house_turns(&h, 5);
	weir_pool_give(&users[0].lease, 0);
	CHECK_INT(user_take(&users[0], origin, false), 1);
	CHECK_INT(user_take(&users[1], origin, true), 0);
	wait_for(&users[1]);
	CHECK(weir_tls_resumed(users[1].lease.conn->tls));
	/* No ticket goes to another origin, though it is the same server. */
	CHECK_INT(user_take(&users[2], house_origin(&h, "127.0.0.1", trust.client), true), 0);
	wait_for(&users[2]);
	CHECK_INT(users[2].ready, 1);
	CHECK(!weir_tls_resumed(users[2].lease.conn->tls));
	for (int i = 0; i < 3; i++)
		weir_pool_drop(&users[i].lease);
	house_close(&h);
	house_distrust(&trust);
}

TEST(wrong_certificate)
{
	static const struct weir_throwaway_spec other = { .hosts = { "other.test" } };
	struct weir_tls_config *server;
	struct trust trust;

	REQUIRE(house_trust(&trust));
	server = trust_server(&trust, &other, 0);
	REQUIRE(server);
	REQUIRE(house_open(&h, server));
	CHECK_INT(user_take(&users[0], house_origin(&h, "localhost", trust.client), false), 0);
	wait_for(&users[0]);
	CHECK_STR(users[0].reason, "tls_cert");
	NOTE("%s", users[0].text);
	CHECK(users[0].text[0] != '\0');
	CHECK_INT(h.pool->slots_n, 0);
	house_close(&h);
	weir_tls_config_destroy(server);
	house_distrust(&trust);
}

TEST(tls_dropped_after_any_number_of_turns)
{
	struct trust trust;
	bool ready = false;

	REQUIRE(house_trust(&trust));
	for (unsigned n = 0; n < 60 && !ready; n++) {
		REQUIRE(house_open(&h, trust.server));
		CHECK_INT(user_take(&users[0], house_origin(&h, "localhost", trust.client), false),
			  0);
		CHECK_INT(user_take(&users[1], house_origin(&h, "localhost", trust.client), true),
			  0);
		house_turns(&h, n);
		ready = users[0].ready && users[1].ready;
		weir_pool_drop(&users[0].lease);
		weir_pool_drop(&users[1].lease);
		CHECK_INT(h.pool->slots_n, 0);
		house_close(&h);
	}
	house_distrust(&trust);
}

static unsigned count_phase(unsigned n, enum weir_lease_phase phase)
{
	unsigned found = 0;

	for (unsigned i = 0; i < n; i++)
		found += users[i].lease.phase == phase;
	return found;
}

/* Two providers take connections and then say nothing: the third is not held up. */
TEST(handshakes_are_shared_out)
{
	enum { N = 100, BY = WEIR_POOL_HANDSHAKES_MAX };
	struct weir_origin *sick, *sicker, *well;
	struct weir_listener tls_listener = { 0 };
	struct trust trust;
	struct weir_error err;

	REQUIRE(house_trust(&trust));
	REQUIRE(house_open(&h, NULL)); /* its listener speaks no TLS */
	sick = house_origin(&h, "127.0.0.1", trust.client);
	sicker = house_origin(&h, "localhost", trust.client);
	for (unsigned i = 0; i < N; i++)
		CHECK_INT(user_take(&users[i], i < N / 2 ? sick : sicker, false), 0);
	house_sleep(&h, 50);
	CHECK_INT(sick->slots_n, WEIR_POOL_COLD_MAX); /* it has yet to show that it answers */
	sick->cold_until_ms = sicker->cold_until_ms = 1;
	CHECK_INT(user_take(&users[N + 20], sick, false), 0);
	house_sleep(&h, 50);
	CHECK(h.pool->slots_n < BY);
	CHECK(sick->slots_n >= BY / 4 && sicker->slots_n >= BY / 8);
	CHECK_INT(count_phase(N, WEIR_LEASE_HANDSHAKE), h.pool->slots_n);
	CHECK_INT(count_phase(N, WEIR_LEASE_CONNECTING), N - h.pool->slots_n);
	weir_pool_drop(&users[N + 20].lease);
	h.server_tls = trust.server;
	CHECK_INT(weir_listener_open(&tls_listener, &h.loop, "127.0.0.1:0", house_on_connection, &h,
				     &err),
		  0);
	well = origin_at("localhost", weir_listener_port(&tls_listener), trust.client, false);
	for (unsigned i = N; i < N + 20; i++)
		CHECK_INT(user_take(&users[i], well, false), 0);
	for (unsigned i = N; i < N + 20; i++) {
		wait_for(&users[i]);
		CHECK_INT(users[i].ready, 1);
		weir_pool_drop(&users[i].lease);
	}
	/* Who is given up makes room for the next. */
	for (unsigned i = 0; i < N; i++) {
		weir_pool_drop(&users[i].lease);
		CHECK(h.pool->slots_n < BY);
	}
	CHECK_INT(h.pool->slots_n, 0);
	CHECK_INT(h.pool->queued_n, 0);
	weir_listener_close(&tls_listener, NULL);
	house_close(&h);
	house_distrust(&trust);
}

/* A burst at a provider nobody has talked to yet: few pay for a whole handshake. */
TEST(a_burst_waits_for_the_first_ticket)
{
	enum { N = 48 };
	struct weir_origin *origin;
	struct trust trust;

	for (unsigned minor = 2; minor <= 3; minor++) {
		struct weir_tls_config *server;
		unsigned full = 0;

		REQUIRE(house_trust(&trust));
		server = trust_server(
			&trust, &(struct weir_throwaway_spec){ .hosts = { "localhost" } }, minor);
		REQUIRE(server);
		REQUIRE(house_open(&h, server));
		origin = house_origin(&h, "localhost", trust.client);
		origin->cold_until_ms = UINT64_MAX; /* however slow this machine is */
		for (unsigned i = 0; i < N; i++)
			CHECK_INT(user_take(&users[i], origin, true), 0);
		for (unsigned i = 0; i < N; i++) {
			wait_for(&users[i]);
			REQUIRE(users[i].ready);
			full += !weir_tls_resumed(users[i].lease.conn->tls);
		}
		NOTE("TLS 1.%u: %u of %u in full", minor, full, N);
		CHECK(full >= 1 && full <= 2 * WEIR_POOL_COLD_MAX);
		for (unsigned i = 0; i < N; i++)
			weir_pool_drop(&users[i].lease);
		house_close(&h);
		weir_tls_config_destroy(server);
		house_distrust(&trust);
	}
}

/* After a while it is clear that there will be none. */
TEST(without_tickets_a_burst_does_not_wait)
{
	enum { N = 2 * WEIR_POOL_COLD_MAX };
	struct weir_origin *origin;
	struct trust trust;

	REQUIRE(house_trust(&trust));
	REQUIRE(house_open(&h, trust.server));
	h.server_tls = NULL; /* says nothing */
	origin = house_origin(&h, "localhost", trust.client);
	for (unsigned i = 0; i < N; i++)
		CHECK_INT(user_take(&users[i], origin, true), 0);
	house_sleep(&h, 50);
	CHECK_INT(origin->slots_n, WEIR_POOL_COLD_MAX);
	CHECK(origin->cold_until_ms <= uv_now(&h.loop) + WEIR_POOL_COLD_MS);
	origin->cold_until_ms = uv_now(&h.loop); /* so much later */
	weir_pool_drop(&users[0].lease);
	CHECK_INT(origin->slots_n, N - 1);
	for (unsigned i = 1; i < N; i++)
		weir_pool_drop(&users[i].lease);
	h.server_tls = trust.server;
	house_close(&h);
	house_distrust(&trust);
}

TEST(more_handshakes_than_may_be_under_way)
{
	enum { N = 48 };
	struct weir_origin *origin;
	struct trust trust;
	unsigned most = 0;

	REQUIRE(house_trust(&trust));
	REQUIRE(house_open(&h, trust.server));
	origin = house_origin(&h, "localhost", trust.client);
	for (unsigned i = 0; i < N; i++)
		CHECK_INT(user_take(&users[i], origin, false), 0);
	for (unsigned i = 0; i < N; i++) {
		while (!users[i].ready && !users[i].failed && !h.late) {
			uv_run(&h.loop, UV_RUN_ONCE);
			most = h.pool->slots_n > most ? h.pool->slots_n : most;
		}
		CHECK_INT(users[i].ready, 1);
	}
	CHECK(most > 0 && most <= WEIR_POOL_HANDSHAKES_MAX);
	for (unsigned i = 0; i < N; i++)
		weir_pool_drop(&users[i].lease);
	house_close(&h);
	house_distrust(&trust);
}

/* Handshakes that take too long are saved by those that are done. */
TEST(waiting_for_a_handshake_takes_what_is_free)
{
	enum { N = 60 };
	struct weir_origin *origin;
	struct trust trust;
	unsigned ready = 0;

	REQUIRE(house_trust(&trust));
	REQUIRE(house_open(&h, trust.server));
	origin = house_origin(&h, "localhost", trust.client);
	for (unsigned i = 0; i < N; i++)
		CHECK_INT(user_take(&users[i], origin, false), 0);
	while (ready < N && !h.late) {
		uv_run(&h.loop, UV_RUN_ONCE);
		for (unsigned i = 0; i < N; i++) {
			if (users[i].lease.phase != WEIR_LEASE_HELD)
				continue;
			weir_pool_give(&users[i].lease, 0);
			ready++;
		}
	}
	CHECK_INT(ready, N);
	CHECK(h.visitors_n < N);
	house_close(&h);
	house_distrust(&trust);
}

TEST(any_allocation_fails_with_tls)
{
	struct trust trust;
	unsigned failed = 0, fine = 0;

	REQUIRE(house_trust(&trust));
	for (unsigned k = 1; fine < 2 && k < 100000; k += 1 + k / 4) {
		struct weir_origin *origin;
		int rc;

		REQUIRE(house_open(&h, trust.server));
		origin = house_origin(&h, "127.0.0.1", trust.client);
		weir_alloc_fail_after(k);
		rc = user_take(&users[0], origin, false);
		if (rc == 0)
			wait_for(&users[0]);
		weir_alloc_fail_after(0);
		failed += users[0].failed;
		fine += users[0].ready;
		weir_pool_drop(&users[0].lease);
		CHECK_INT(h.pool->slots_n, 0);
		house_close(&h);
	}
	CHECK(failed > 0 && fine > 0);
	house_distrust(&trust);
}

TEST_MAIN
