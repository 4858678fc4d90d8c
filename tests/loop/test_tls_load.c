#include "duo.h"
#include "world.h"

static bool open_world(struct world *w, struct trust *t, unsigned minor)
{
	if (!trust_init(t, minor) || !world_open(w, t))
		return false;
	w->server_script.echo = true;
	return world_listen(w, "127.0.0.1:0");
}

static struct peer *connect_tls(struct world *w)
{
	return world_connect(w, weir_tls_session_create(w->trust->client, "localhost", NULL));
}

TEST(serves_many_at_once)
{
	enum { N = 64, SIZE = 20 * 1024 };
	struct peer *clients[N];
	struct trust t;
	struct world w;
	unsigned high = 0;

	REQUIRE(open_world(&w, &t, 0));
	for (int i = 0; i < N; i++) {
		clients[i] = connect_tls(&w);
		clients[i]->bytes_wanted = SIZE;
	}
	for (int i = 0; i < N; i++) {
		while (!clients[i]->opened && !w.late) {
			if (w.net.handshakes_n > high)
				high = w.net.handshakes_n;
			uv_run(&w.loop, UV_RUN_ONCE);
		}
		CHECK_INT(clients[i]->open_err, 0);
		CHECK_INT(peer_write_pattern(clients[i], SIZE), 0);
	}
	CHECK(high >= N); /* they did overlap */
	for (int i = 0; i < N; i++)
		WORLD_UNTIL(&w, clients[i]->closed);
	world_close(&w);
}

/* While many handshakes are under way a plain connection gets through again and again. */
static unsigned trips;

static void trip(struct peer *peer)
{
	trips++;
	(void)peer_write_pattern(peer, 4);
}

TEST(lets_others_through_between_handshake_steps)
{
	enum { N = 40 };
	struct peer *clients[N], *plain;
	struct trust t;
	struct world w;
	unsigned open = 0;

	REQUIRE(open_world(&w, &t, 3));
	w.server_tls = NULL;
	plain = world_connect(&w, NULL);
	WORLD_UNTIL(&w, plain->opened && world_server(&w, 0)->opened);
	w.server_tls = t.server;
	for (int i = 0; i < N; i++)
		clients[i] = connect_tls(&w);
	WORLD_UNTIL(&w, w.net.handshakes_n == 2 * N);
	trips = 0;
	plain->on_bytes = trip;
	CHECK_INT(peer_write_pattern(plain, 4), 0);
	while (open < N && !w.late) {
		uv_run(&w.loop, UV_RUN_ONCE);
		for (open = 0; open < N && clients[open]->opened;)
			open++;
	}
	NOTE("%u round trips during %u handshakes", trips, N);
	CHECK(trips > N);
	world_close(&w);
}

TEST(moves_much_both_ways_in_bounded_memory)
{
	enum { MUCH = 8 * 1024 * 1024 };

	for (unsigned minor = 2; minor <= 3; minor++) {
		struct trust t;
		struct world w;
		struct peer *client, *server;

		REQUIRE(open_world(&w, &t, minor));
		w.server_script.echo = false;
		client = connect_tls(&w);
		WORLD_UNTIL(&w, client->opened && world_server(&w, 0)->opened);
		server = world_server(&w, 0);
		client->script_left = server->script_left = MUCH;
		client->on_drained = server->on_drained = peer_send_more;
		peer_send_more(client);
		peer_send_more(server);
		WORLD_UNTIL(&w, client->bytes_n == MUCH && server->bytes_n == MUCH);
		world_close(&w);
	}
}

TEST(queues_and_tells_when_drained)
{
	struct trust t;
	struct world w;
	struct peer *client, *server;
	size_t sum = 0;
	int rc;

	REQUIRE(open_world(&w, &t, 3));
	w.server_script.echo = false;
	client = connect_tls(&w);
	WORLD_UNTIL(&w, client->opened && world_server(&w, 0)->opened);
	server = world_server(&w, 0);
	weir_conn_read_stop(&server->conn);
	while ((rc = peer_write_pattern(client, PATTERN_MAX)) == 0 && sum < 1000000000)
		sum += PATTERN_MAX;
	CHECK_INT(rc, WEIR_ELIMIT);
	CHECK(weir_conn_queued(&client->conn) <= WEIR_CONN_QUEUE_MAX);
	CHECK_INT(client->drained, 0);
	weir_conn_read_start(&server->conn);
	WORLD_UNTIL(&w, server->bytes_n == sum);
	WORLD_UNTIL(&w, client->drained == 1);
	CHECK_INT(peer_write_pattern(client, 4), 0);
	WORLD_UNTIL(&w, server->bytes_n == sum + 4);
	world_close(&w);
}

/* One exchange in which the k-th allocation fails. Did it succeed all the same? */
static bool exchange(unsigned minor, uint64_t k)
{
	struct weir_tls_ticket *ticket = NULL;
	struct trust t;
	struct duo duo;
	bool done = false;

	if (!trust_init(&t, minor))
		return false;
	weir_alloc_fail_after(k);
	if (duo_init(&duo, &t, &ticket)) {
		duo_run(&duo, 100000);
		if (duo.client.state == WEIR_TLS_OPEN && duo.server.state == WEIR_TLS_OPEN) {
			done = weir_tls_write(duo.client.session, "ping", 4) == 0;
			duo_run(&duo, 100000);
			done &= duo.server.in.len == 4;
		} else {
			const char *a = weir_tls_reason(duo.client.session);
			const char *b = weir_tls_reason(duo.server.session);

			/* The one that had no memory says so; the other one may have noticed. */
			CHECK((a && strcmp(a, "local_resource") == 0) ||
			      (b && strcmp(b, "local_resource") == 0));
		}
	}
	weir_alloc_fail_after(0);
	weir_tls_ticket_destroy(ticket);
	duo_fini(&duo);
	trust_fini(&t);
	CHECK_INT(weir_alloc_live(), 0);
	return done;
}

TEST(survives_any_failed_allocation_in_a_session)
{
	for (unsigned minor = 2; minor <= 3; minor++) {
		unsigned good = 0, runs = 0;

		for (uint64_t k = 1; good < 3 && k < 100000; k += 1 + k / 8, runs++)
			good = exchange(minor, k) ? good + 1 : 0;
		NOTE("TLS 1.%u: %u runs", minor, runs);
		CHECK(runs > 20);
	}
}

static bool configure(uint64_t k)
{
	struct weir_throwaway_spec spec = { .hosts = { "localhost" } };
	struct trust t = { 0 };
	struct weir_error err = { 0 };
	bool done = false;

	weir_alloc_fail_after(k);
	if (weir_throwaway_ca_create(&t.ca, &err) == 0 &&
	    weir_tls_client_config_create_pem(&t.client, weir_throwaway_ca_pem(t.ca), NULL, &err) ==
		    0) {
		t.server = trust_server(&t, &spec, 0);
		done = t.server != NULL;
	}
	weir_alloc_fail_after(0);
	CHECK(done || t.client || err.text[0]);
	trust_fini(&t);
	CHECK_INT(weir_alloc_live(), 0);
	return done;
}

TEST(survives_any_failed_allocation_in_a_config)
{
	unsigned good = 0, runs = 0;

	for (uint64_t k = 1; good < 3 && k < 100000; k += 1 + k / 8, runs++)
		good = configure(k) ? good + 1 : 0;
	NOTE("%u runs", runs);
	CHECK(runs > 20);
}

TEST(survives_any_failed_allocation_on_a_loop)
{
	unsigned good = 0;

	for (uint64_t k = 1; good < 3 && k < 100000; k += 1 + k / 6) {
		struct weir_tls_session *session;
		struct trust t;
		struct world w;
		struct peer *client = NULL;

		REQUIRE(open_world(&w, &t, k % 2 ? 2 : 3));
		weir_alloc_fail_after(k);
		session = weir_tls_session_create(t.client, "localhost", NULL);
		if (session)
			client = world_connect(&w, session);
		for (int i = 0; client && i < 300; i++) {
			world_turn(&w);
			if (client->opened && !client->open_err && i % 10 == 0)
				(void)peer_write_pattern(client, 40000);
		}
		good = client && client->bytes_n > 400000 ? good + 1 : 0;
		weir_alloc_fail_after(0);
		world_close(&w);
	}
}

TEST_MAIN
