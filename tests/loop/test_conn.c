#include <sys/resource.h>

#include "world.h"

static const uint64_t linger_ms = 200;

TEST(echoes)
{
	struct world w;
	struct peer *client;
	char name[64];

	REQUIRE(world_open(&w, NULL));
	w.server_script.echo = true;
	world_listen(&w, "127.0.0.1:0");
	client = world_connect(&w, NULL);
	client->keep = true;
	CHECK_INT(peer_say(client, "too early"), UV_ENOTCONN);
	WORLD_UNTIL(&w, client->opened);
	CHECK_INT(client->open_err, 0);
	CHECK_INT(weir_conn_write(&client->conn,
				  (struct weir_slice[]){ WEIR_SLICE("head "), WEIR_SLICE(""),
							 WEIR_SLICE("body") },
				  3),
		  0);
	WORLD_UNTIL(&w, client->in.len == 9);
	CHECK_MEM(client->in.base, "head body", 9);
	CHECK_INT(client->conn.bytes_in, 9);
	CHECK_INT(client->conn.bytes_out, 9);
	CHECK(client->conn.queue.base == NULL && client->conn.sending.base == NULL);
	CHECK_INT(w.net.conns_n, 2);
	weir_conn_peer(&client->conn, name, sizeof name);
	CHECK_STR(name, w.listener.text);
	world_close(&w);
}

TEST(echoes_over_a_unix_socket)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char text[120], name[64];
	struct world w;
	struct peer *client;

	snprintf(addr.sun_path, sizeof addr.sun_path, "/tmp/weir-test-%d.sock", (int)getpid());
	snprintf(text, sizeof text, "unix:%s", addr.sun_path);
	REQUIRE(world_open(&w, NULL));
	w.server_script.echo = true;
	REQUIRE(world_listen(&w, text));
	client = world_peer(&w);
	client->keep = true;
	CHECK_INT(weir_conn_open(&client->conn, &w.net, (struct sockaddr *)&addr, NULL,
				 &peer_events, client, peer_on_closed),
		  0);
	WORLD_UNTIL(&w, client->opened);
	CHECK_INT(peer_say(client, "ping"), 0);
	WORLD_UNTIL(&w, client->in.len == 4);
	weir_conn_peer(&client->conn, name, sizeof name);
	CHECK_STR(name, "unix");
	weir_conn_reset(&client->conn);
	world_close(&w);
	CHECK(access(addr.sun_path, F_OK) != 0);
}

static struct peer *connect_to(struct world *w, const char *ip, int port)
{
	struct peer *peer = world_peer(w);
	struct sockaddr_in addr;

	CHECK_INT(uv_ip4_addr(ip, port, &addr), 0);
	CHECK_INT(weir_conn_open(&peer->conn, &w->net, (struct sockaddr *)&addr, NULL, &peer_events,
				 peer, peer_on_closed),
		  0);
	CHECK_INT(peer->opened, 0);
	return peer;
}

TEST(reports_refusal)
{
	struct world w;
	struct peer *client;

	REQUIRE(world_open(&w, NULL));
	client = connect_to(&w, "127.0.0.1", 1);
	WORLD_UNTIL(&w, client->closed);
	CHECK_INT(client->opened, 1);
	CHECK_INT(client->open_err, UV_ECONNREFUSED);
	CHECK_STR(client->reason, "connect");
	CHECK_INT(client->ended, 0);
	world_close(&w);
}

TEST(refuses_an_unknown_family)
{
	struct sockaddr addr = { .sa_family = AF_NETLINK };
	struct weir_conn conn;
	struct world w;

	REQUIRE(world_open(&w, NULL));
	CHECK_INT(weir_conn_open(&conn, &w.net, &addr, NULL, &peer_events, NULL, NULL),
		  UV_EAFNOSUPPORT);
	CHECK_INT(w.net.conns_n, 0);
	world_close(&w);
}

TEST(blames_nobody_when_descriptors_run_out)
{
	struct rlimit old, none;
	struct world w;
	struct peer *client;

	REQUIRE(world_open(&w, NULL));
	getrlimit(RLIMIT_NOFILE, &old);
	none = (struct rlimit){ 0, old.rlim_max };
	setrlimit(RLIMIT_NOFILE, &none);
	client = connect_to(&w, "127.0.0.1", 1);
	setrlimit(RLIMIT_NOFILE, &old);
	WORLD_UNTIL(&w, client->closed);
	CHECK_INT(client->open_err, UV_EMFILE);
	CHECK_STR(client->reason, "local_resource");
	world_close(&w);
}

TEST(works_with_high_descriptors)
{
	struct rlimit old, many;
	int null, last = 0, fds_n = 0;
	static int fds[1100];
	struct world w;
	struct peer *client;

	getrlimit(RLIMIT_NOFILE, &old);
	many = (struct rlimit){ old.rlim_cur < 2000 ? 2000 : old.rlim_cur, old.rlim_max };
	if (setrlimit(RLIMIT_NOFILE, &many)) {
		NOTE("skipped: no right to 2000 descriptors");
		return;
	}
	null = dup(1);
	while (fds_n < 1100 && (last = dup(null)) >= 0)
		fds[fds_n++] = last;
	CHECK(last > 1024);
	REQUIRE(world_open(&w, NULL));
	w.server_script.echo = true;
	world_listen(&w, "127.0.0.1:0");
	client = world_connect(&w, NULL);
	WORLD_UNTIL(&w, client->opened);
	CHECK_INT(peer_say(client, "ping"), 0);
	WORLD_UNTIL(&w, client->bytes_n == 4);
	world_close(&w);
	while (fds_n)
		close(fds[--fds_n]);
	close(null);
	setrlimit(RLIMIT_NOFILE, &old);
}

TEST(sets_socket_options)
{
	struct world w;
	struct peer *client, *server;

	REQUIRE(world_open(&w, NULL));
	world_listen(&w, "127.0.0.1:0");
	client = world_join(&w, &server);
	for (int i = 0; i < 2; i++) {
		struct peer *peer = i ? server : client;
		int on = 0;
		socklen_t len = sizeof on;
		uv_os_fd_t fd;

		CHECK_INT(uv_fileno(&peer->conn.uv.handle, &fd), 0);
		CHECK_INT(getsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, &len), 0);
		CHECK(on);
		on = 0;
		CHECK_INT(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, &len), 0);
		CHECK(on);
	}
	world_close(&w);
}

/* Whenever it happens, close is final and leaves nothing behind. */
TEST(closes_after_any_number_of_turns)
{
	for (unsigned turns = 0; turns < 12; turns++) {
		struct world w;
		struct peer *client;

		REQUIRE(world_open(&w, NULL));
		w.server_script.echo = true;
		world_listen(&w, "127.0.0.1:0");
		client = world_connect(&w, NULL);
		for (unsigned i = 0; i < turns; i++) {
			world_turn(&w);
			if (client->opened)
				(void)peer_say(client, "ping");
		}
		weir_conn_close(&client->conn);
		weir_conn_close(&client->conn);
		weir_conn_reset(&client->conn);
		weir_conn_finish(&client->conn, linger_ms);
		CHECK_INT(client->closed, 0);
		CHECK(peer_say(client, "late") < 0);
		WORLD_UNTIL(&w, client->closed);
		world_close(&w);
	}
}

static void close_in(int callback)
{
	struct world w;
	struct peer *client, *server;

	REQUIRE(world_open(&w, NULL));
	w.server_script.close_on_open = callback == 0;
	w.server_script.close_on_bytes = callback == 1;
	w.server_script.close_on_end = callback == 2;
	world_listen(&w, "127.0.0.1:0");
	client = world_join(&w, &server);
	client->close_on_end = true;
	(void)peer_say(client, "ping");
	if (client->ended)
		weir_conn_close(&client->conn);
	if (callback == 2)
		weir_conn_finish(&client->conn, linger_ms);
	WORLD_UNTIL(&w, client->closed && server->closed);
	world_close(&w);
}

TEST(closes_inside_callbacks)
{
	for (int i = 0; i < 3; i++)
		close_in(i);
}

TEST(tells_a_clean_end_and_goes_on_writing)
{
	struct world w;
	struct peer *client, *server;

	REQUIRE(world_open(&w, NULL));
	world_listen(&w, "127.0.0.1:0");
	client = world_join(&w, &server);
	CHECK_INT(peer_say(server, "bye"), 0);
	weir_conn_finish(&server->conn, 5000);
	CHECK_INT(peer_say(server, "no"), UV_ENOTCONN);
	WORLD_UNTIL(&w, client->ended);
	CHECK_INT(client->end_err, 0);
	CHECK_INT(client->bytes_n, 3);
	CHECK_INT(peer_say(client, "still here"), 0);
	world_sleep(&w, 20);
	CHECK_INT(server->bytes_n, 0); /* it hears nothing any more */
	CHECK_INT(server->conn.dropped, 10);
	CHECK_INT(server->closed, 0);
	weir_conn_close(&client->conn);
	WORLD_UNTIL(&w, server->closed);
	CHECK_INT(server->ended, 0);
	world_close(&w);
}

TEST(tells_a_reset)
{
	struct world w;
	struct peer *client, *server;

	REQUIRE(world_open(&w, NULL));
	world_listen(&w, "127.0.0.1:0");
	client = world_join(&w, &server);
	weir_conn_reset(&server->conn);
	WORLD_UNTIL(&w, client->ended);
	CHECK_INT(client->end_err, UV_ECONNRESET);
	world_close(&w);
}

/* The failed write may be the first to see the reset; the end comes all the same. */
TEST(reports_a_failed_write_later)
{
	struct world w;
	struct peer *client, *server;
	int rc = 0;

	REQUIRE(world_open(&w, NULL));
	world_listen(&w, "127.0.0.1:0");
	client = world_join(&w, &server);
	CHECK_INT(peer_say(server, "last words"), 0);
	weir_conn_reset(&server->conn);
	/* No turn of the client's reading in between: */
	weir_conn_read_stop(&client->conn);
	WORLD_UNTIL(&w, server->closed);
	for (int i = 0; i < 5 && rc == 0; i++)
		rc = peer_say(client, "hello?");
	CHECK(rc < 0);
	CHECK_INT(peer_say(client, "again"), rc);
	CHECK_INT(client->ended, 0);
	world_sleep(&w, 10);
	CHECK_INT(client->ended, 0);
	weir_conn_read_start(&client->conn);
	WORLD_UNTIL(&w, client->ended);
	CHECK(client->end_err < 0);
	world_close(&w);
}

TEST(stops_reading)
{
	struct world w;
	struct peer *client, *server;

	REQUIRE(world_open(&w, NULL));
	world_listen(&w, "127.0.0.1:0");
	client = world_join(&w, &server);
	weir_conn_read_stop(&client->conn);
	weir_conn_read_stop(&client->conn);
	CHECK_INT(peer_say(server, "ping"), 0);
	weir_conn_finish(&server->conn, 5000);
	world_sleep(&w, 20);
	CHECK_INT(client->bytes_n, 0);
	CHECK_INT(client->ended, 0);
	weir_conn_read_start(&client->conn);
	WORLD_UNTIL(&w, client->ended);
	CHECK_INT(client->bytes_n, 4);
	CHECK_INT(client->end_err, 0);
	world_close(&w);
}

/* From the pool to an attempt: whoever holds the connection hears it. */
static unsigned other_bytes;

static void other_on_bytes(struct weir_conn *conn, const char *bytes, size_t len)
{
	(void)bytes;
	CHECK(conn->user == &other_bytes);
	other_bytes += (unsigned)len;
}

TEST(changes_hands)
{
	static const struct weir_conn_events other = { .on_bytes = other_on_bytes };
	struct world w;
	struct peer *client, *server;

	REQUIRE(world_open(&w, NULL));
	world_listen(&w, "127.0.0.1:0");
	client = world_join(&w, &server);
	client->conn.events = &other;
	client->conn.user = &other_bytes;
	CHECK_INT(peer_say(server, "ping"), 0);
	WORLD_UNTIL(&w, other_bytes == 4);
	CHECK_INT(client->bytes_n, 0);
	client->conn.events = &peer_events;
	client->conn.user = client;
	CHECK_INT(peer_say(server, "ping"), 0);
	WORLD_UNTIL(&w, client->bytes_n == 4);
	world_close(&w);
}

TEST(fires_its_timer_once)
{
	struct world w;
	struct peer *client, *server;

	REQUIRE(world_open(&w, NULL));
	world_listen(&w, "127.0.0.1:0");
	client = world_join(&w, &server);
	weir_conn_timer(&client->conn, 100000);
	weir_conn_timer(&client->conn, 5);
	WORLD_UNTIL(&w, client->timers);
	world_sleep(&w, 20);
	CHECK_INT(client->timers, 1);
	weir_conn_timer(&client->conn, 5);
	weir_conn_timer_stop(&client->conn);
	world_sleep(&w, 20);
	CHECK_INT(client->timers, 1);
	weir_conn_timer(&client->conn, 1);
	weir_conn_close(&client->conn);
	world_sleep(&w, 10);
	CHECK_INT(client->timers, 1);
	world_close(&w);
}

static unsigned opened_at_timer;

static void close_at_timer(struct peer *peer)
{
	opened_at_timer = peer->opened;
	weir_conn_close(&peer->conn);
}

/* the timer and the success in one turn of the loop have one outcome. Which of them
 * comes first depends on libuv (timers before I/O until 1.44); nothing comes after close. */
TEST(times_out_although_it_connected_just_now)
{
	struct world w;
	struct peer *client;

	REQUIRE(world_open(&w, NULL));
	world_listen(&w, "127.0.0.1:0");
	client = world_connect(&w, NULL);
	client->on_timer = close_at_timer;
	weir_conn_timer(&client->conn, 1);
	uv_sleep(10);
	WORLD_UNTIL(&w, client->closed);
	CHECK_INT(client->timers, 1);
	CHECK_INT(client->opened, opened_at_timer);
	world_close(&w);
}

TEST(serves_many_at_once)
{
	enum { N = 64, SIZE = 200 * 1024 };
	struct peer *clients[N];
	struct world w;
	unsigned done = 0;

	REQUIRE(world_open(&w, NULL));
	w.server_script.echo = true;
	world_listen(&w, "127.0.0.1:0");
	for (int i = 0; i < N; i++) {
		clients[i] = world_connect(&w, NULL);
		clients[i]->bytes_wanted = SIZE;
	}
	WORLD_UNTIL(&w, clients[N - 1]->opened);
	for (int i = 0; i < N; i++) {
		WORLD_UNTIL(&w, clients[i]->opened);
		CHECK_INT(peer_write_pattern(clients[i], SIZE), 0);
	}
	while (done < N && !w.late) {
		uv_run(&w.loop, UV_RUN_ONCE);
		for (done = 0; done < N && clients[done]->closed;)
			done++;
	}
	CHECK_INT(done, N);
	world_close(&w);
}

/* Whichever allocation fails, only what needed it fails, and nothing is lost. */
TEST(survives_any_failed_allocation)
{
	for (unsigned k = 1; k < 40; k++) {
		struct world w;
		struct peer *client;

		weir_alloc_fail_after(k);
		if (!world_open(&w, NULL)) {
			weir_alloc_fail_after(0);
			world_close(&w);
			continue;
		}
		w.server_script.echo = true;
		world_listen(&w, "127.0.0.1:0");
		client = world_connect(&w, NULL);
		client->keep = true;
		WORLD_UNTIL(&w, client->opened);
		(void)peer_fill(client, WEIR_CONN_QUEUE_HIGH);
		for (int i = 0; i < 200 && !client->closed && !client->ended; i++)
			world_turn(&w);
		weir_alloc_fail_after(0);
		world_close(&w);
	}
}

TEST_MAIN
