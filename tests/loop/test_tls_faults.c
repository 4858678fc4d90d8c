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

/* Stands between client and server and spoils what the server says. */
enum spoil { PASS, STALL, FIN, RST };

struct middle {
	struct world *world;
	struct weir_listener front;
	struct weir_conn down, up;
	struct weir_buf early; /* from the client, before the server is there */
	size_t chunk;
	size_t cut_at;
	size_t passed; /* server to client */
	enum spoil spoil;
	bool cut;
	unsigned closed;
};

static void middle_closed(struct weir_conn *conn)
{
	((struct middle *)conn->user)->closed++;
}

static void forward(struct weir_conn *to, size_t chunk, const char *bytes, size_t len)
{
	for (size_t at = 0; at < len; at += chunk) {
		struct weir_slice slice = { bytes + at, len - at < chunk ? len - at : chunk };

		if (to->open && weir_conn_write(to, &slice, 1) < 0)
			return;
	}
}

static void down_bytes(struct weir_conn *conn, const char *bytes, size_t len)
{
	struct middle *m = conn->user;

	if (m->up.open)
		forward(&m->up, m->chunk, bytes, len);
	else
		CHECK_INT(weir_buf_append(&m->early, bytes, len), 0);
}

static void up_open(struct weir_conn *conn, int err, const char *reason)
{
	struct middle *m = conn->user;

	(void)reason;
	CHECK_INT(err, 0);
	forward(&m->up, m->chunk, m->early.base, m->early.len);
	weir_buf_fini(&m->early);
}

static void do_spoil(struct middle *m)
{
	m->cut = true;
	if (m->spoil == FIN)
		weir_conn_finish(&m->down, 1000);
	else if (m->spoil == RST)
		weir_conn_reset(&m->down);
}

static void up_bytes(struct weir_conn *conn, const char *bytes, size_t len)
{
	struct middle *m = conn->user;
	bool last = m->spoil != PASS && m->passed + len >= m->cut_at;

	if (m->cut)
		return;
	if (last)
		len = m->cut_at - m->passed;
	m->passed += len;
	forward(&m->down, m->chunk, bytes, len);
	if (last)
		do_spoil(m);
}

static void down_end(struct weir_conn *conn, int err)
{
	struct middle *m = conn->user;

	(void)err;
	weir_conn_finish(&m->up, 1000);
}

static void up_end(struct weir_conn *conn, int err)
{
	struct middle *m = conn->user;

	(void)err;
	if (!m->cut)
		weir_conn_finish(&m->down, 1000);
}

static const struct weir_conn_events down_events = { .on_bytes = down_bytes, .on_end = down_end };
static const struct weir_conn_events up_events = { .on_open = up_open,
						   .on_bytes = up_bytes,
						   .on_end = up_end };

static void middle_connection(struct weir_listener *listener)
{
	struct middle *m = listener->user;
	struct sockaddr_storage addr;
	int len = sizeof addr;

	CHECK_INT(weir_conn_accept(&m->down, &m->world->net, &listener->uv.stream, NULL,
				   &down_events, m, middle_closed),
		  0);
	uv_tcp_getsockname(&m->world->listener.uv.tcp, (struct sockaddr *)&addr, &len);
	CHECK_INT(weir_conn_open(&m->up, &m->world->net, (struct sockaddr *)&addr, NULL, &up_events,
				 m, middle_closed),
		  0);
}

static struct peer *connect_through(struct world *w, struct middle *m)
{
	struct peer *peer = world_peer(w);
	struct sockaddr_storage addr;
	int len = sizeof addr;

	m->world = w;
	weir_buf_init(&m->early, 65536);
	CHECK_INT(
		weir_listener_open(&m->front, &w->loop, "127.0.0.1:0", middle_connection, m, NULL),
		0);
	uv_tcp_getsockname(&m->front.uv.tcp, (struct sockaddr *)&addr, &len);
	CHECK_INT(weir_conn_open(&peer->conn, &w->net, (struct sockaddr *)&addr,
				 weir_tls_session_create(w->trust->client, "localhost", NULL),
				 &peer_events, peer, peer_on_closed),
		  0);
	return peer;
}

static void middle_close(struct middle *m)
{
	weir_listener_close(&m->front, NULL);
	if (m->down.net)
		weir_conn_close(&m->down);
	if (m->up.net)
		weir_conn_close(&m->up);
	while ((m->down.net && m->closed < 2) || m->front.handles_open)
		uv_run(&m->world->loop, UV_RUN_ONCE);
	weir_buf_fini(&m->early);
}

TEST(works_byte_by_byte)
{
	for (unsigned minor = 2; minor <= 3; minor++) {
		struct middle m = { .chunk = 1 };
		struct trust t;
		struct world w;
		struct peer *client;

		REQUIRE(open_world(&w, &t, minor));
		client = connect_through(&w, &m);
		client->keep = true;
		WORLD_UNTIL(&w, client->opened);
		CHECK_INT(client->open_err, 0);
		CHECK_INT(peer_say(client, "hello, world"), 0);
		WORLD_UNTIL(&w, client->in.len == 12);
		CHECK_MEM(client->in.base, "hello, world", 12);
		middle_close(&m);
		world_close(&w);
	}
}

/* B-18: wherever the handshake is cut, it fails once, with a word for it. */
static void cut(unsigned minor, size_t at, enum spoil spoil)
{
	struct middle m = { .chunk = 100000, .cut_at = at, .spoil = spoil };
	struct trust t;
	struct world w;
	struct peer *client;

	REQUIRE(open_world(&w, &t, minor));
	client = connect_through(&w, &m);
	WORLD_UNTIL(&w, client->opened);
	if (client->open_err) {
		bool early = at == 0 && spoil == RST && client->conn.bytes_in == 0;

		CHECK_STR(client->reason, early ? "connect" : "tls");
		CHECK(client->open_err == UV_EOF || client->open_err == UV_ECONNRESET);
		CHECK_INT(client->ended, 0);
	} else {
		while (!client->ended && !w.late) {
			(void)peer_say(client, "ping");
			world_turn(&w);
		}
		CHECK(client->end_err < 0);
	}
	middle_close(&m);
	world_close(&w);
}

TEST(fails_when_cut_anywhere)
{
	for (unsigned minor = 2; minor <= 3; minor++)
		for (size_t at = 0; at < 1000; at += at < 12 ? 3 : 97)
			for (enum spoil spoil = FIN; spoil <= RST; spoil++)
				cut(minor, at, spoil);
}

static void close_late(struct peer *peer)
{
	weir_conn_close(&peer->conn);
}

/* B-15: only the holder's timer ends it. */
TEST(waits_when_stalled_anywhere)
{
	for (size_t at = 0; at < 1000; at += 200) {
		struct middle m = { .chunk = 100000, .cut_at = at, .spoil = STALL };
		struct trust t;
		struct world w;
		struct peer *client;

		REQUIRE(open_world(&w, &t, 2));
		client = connect_through(&w, &m);
		client->on_timer = close_late;
		weir_conn_timer(&client->conn, 60);
		WORLD_UNTIL(&w, client->closed);
		CHECK_INT(client->timers, 1);
		CHECK_INT(client->opened, 0);
		CHECK(w.turns < 200); /* asleep meanwhile */
		middle_close(&m);
		world_close(&w);
	}
}

TEST(closes_after_any_number_of_turns)
{
	for (unsigned turns = 0; turns < 24; turns++) {
		struct trust t;
		struct world w;
		struct peer *client;

		REQUIRE(open_world(&w, &t, turns % 2 ? 2 : 3));
		client = connect_tls(&w);
		for (unsigned i = 0; i < turns; i++) {
			world_turn(&w);
			if (client->opened)
				(void)peer_say(client, "ping");
		}
		CHECK(!client->opened || client->open_err == 0);
		if (turns % 3 == 0)
			weir_conn_reset(&client->conn);
		weir_conn_close(&client->conn);
		weir_conn_close(&client->conn);
		CHECK(peer_say(client, "late") < 0);
		WORLD_UNTIL(&w, client->closed);
		world_close(&w);
	}
}

/* B-17, both ways round */
TEST(never_takes_plaintext_for_tls)
{
	struct trust t;
	struct world w;
	struct peer *client;

	REQUIRE(open_world(&w, &t, 0));
	client = world_connect(&w, NULL);
	WORLD_UNTIL(&w, client->opened);
	CHECK_INT(peer_say(client, "GET / HTTP/1.1\r\nhost: x\r\n\r\n"), 0);
	WORLD_UNTIL(&w, world_server(&w, 0)->opened);
	CHECK_INT(world_server(&w, 0)->open_err, WEIR_ETLS);
	CHECK_STR(world_server(&w, 0)->reason, "tls_plain");
	CHECK_INT(world_server(&w, 0)->bytes_n, 0);
	world_close(&w);

	REQUIRE(open_world(&w, &t, 0));
	w.server_tls = NULL; /* echoes our hello */
	client = connect_tls(&w);
	WORLD_UNTIL(&w, client->opened);
	CHECK_INT(client->open_err, WEIR_ETLS);
	CHECK_STR(client->reason, "tls_proto");
	CHECK_INT(client->bytes_n, 0);
	world_close(&w);
}

/* B-23, B-24: the bytes come first, then how it ended. */
static void end_with(bool notify, int expected)
{
	struct trust t;
	struct world w;
	struct peer *client, *server;

	REQUIRE(open_world(&w, &t, 0));
	client = connect_tls(&w);
	WORLD_UNTIL(&w, client->opened && world_server(&w, 0)->opened);
	server = world_server(&w, 0);
	CHECK_INT(peer_say(server, "half an answer"), 0);
	if (notify)
		weir_conn_finish(&server->conn, 1000);
	else
		weir_conn_close(&server->conn);
	WORLD_UNTIL(&w, client->ended);
	CHECK_INT(client->bytes_n, 14);
	CHECK_INT(client->end_err, expected);
	world_close(&w);
}

TEST(tells_a_clean_end_from_a_cut)
{
	end_with(true, 0);
	end_with(false, UV_ECONNABORTED);
}

/* Stopped in the middle of what was read: nothing is lost, nothing comes early. */
TEST(keeps_what_is_not_wanted_yet)
{
	enum { LEN = 300 * 1024 };
	static char block[LEN];
	struct trust t;
	struct world w;
	struct peer *client, *server;
	struct weir_slice slice = { block, LEN };

	REQUIRE(open_world(&w, &t, 0));
	client = connect_tls(&w);
	WORLD_UNTIL(&w, client->opened && world_server(&w, 0)->opened);
	server = world_server(&w, 0);
	client->stop_on_bytes = true;
	CHECK_INT(weir_conn_write(&server->conn, &slice, 1), 0);
	weir_conn_finish(&server->conn, 5000);
	while (!client->ended && !w.late) {
		uint64_t before = client->bytes_n;

		world_turn(&w);
		world_turn(&w);
		CHECK(client->bytes_n - before <= WEIR_CONN_READ_MAX);
		before = client->bytes_n;
		if (!client->conn.reading) {
			world_turn(&w);
			CHECK_INT(client->bytes_n, before);
			weir_conn_read_start(&client->conn);
			CHECK_INT(client->bytes_n, before);
		}
	}
	CHECK_INT(client->bytes_n, LEN);
	CHECK_INT(client->end_err, 0);
	world_close(&w);
}

/* B-14, B-11 from the other side: nothing in common. */
TEST(fails_without_a_common_suite)
{
	static const int cbc[] = { 0xc013, 0xc009, 0 };
	struct trust t;
	struct world w;
	struct peer *client;

	REQUIRE(open_world(&w, &t, 2));
	mbedtls_ssl_conf_ciphersuites(&t.server->ssl, cbc);
	client = connect_tls(&w);
	WORLD_UNTIL(&w, client->opened);
	CHECK_INT(client->open_err, WEIR_ETLS);
	CHECK_STR(client->reason, "tls_alert");
	CHECK_STR(client->sentence, "the peer sent the alert handshake_failure");
	WORLD_UNTIL(&w, world_server(&w, 0)->opened);
	CHECK_INT(world_server(&w, 0)->open_err, WEIR_ETLS);
	world_close(&w);
}

TEST_MAIN
