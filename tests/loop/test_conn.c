#include <sys/resource.h>

#include "world.h"

static const uint64_t linger_ms = 200;

static int write_text(struct peer *peer, const char *text)
{
	struct weir_slice slice = weir_slice_of(text);

	return weir_conn_write(&peer->conn, &slice, 1);
}

static int write_bytes(struct peer *peer, size_t len)
{
	static char block[1024 * 1024];
	struct weir_slice slice = { block, len };

	for (size_t i = 0; block[0] == 0 && i < sizeof block; i++)
		block[sizeof block - 1 - i] = (char)((sizeof block - 1 - i) * 7 + 1);
	return weir_conn_write(&peer->conn, &slice, 1);
}

/* A connection with both ends open. */
static struct peer *join(struct world *w, struct peer **server)
{
	struct peer *client = world_connect(w, NULL);
	unsigned n = 0;

	while (world_server(w, n))
		n++;
	WORLD_UNTIL(w, client->opened && world_server(w, n) && world_server(w, n)->opened);
	*server = world_server(w, n);
	return client;
}

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
	CHECK_INT(write_text(client, "too early"), UV_ENOTCONN);
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
	CHECK_INT(write_text(client, "ping"), 0);
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
	CHECK_INT(write_text(client, "ping"), 0);
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
	client = join(&w, &server);
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
				(void)write_text(client, "ping");
		}
		weir_conn_close(&client->conn);
		weir_conn_close(&client->conn);
		weir_conn_reset(&client->conn);
		weir_conn_finish(&client->conn, linger_ms);
		CHECK_INT(client->closed, 0);
		CHECK(write_text(client, "late") < 0);
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
	client = join(&w, &server);
	client->close_on_end = true;
	(void)write_text(client, "ping");
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
	client = join(&w, &server);
	CHECK_INT(write_text(server, "bye"), 0);
	weir_conn_finish(&server->conn, 5000);
	CHECK_INT(write_text(server, "no"), UV_ENOTCONN);
	WORLD_UNTIL(&w, client->ended);
	CHECK_INT(client->end_err, 0);
	CHECK_INT(client->bytes_n, 3);
	CHECK_INT(write_text(client, "still here"), 0);
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
	client = join(&w, &server);
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
	client = join(&w, &server);
	CHECK_INT(write_text(server, "last words"), 0);
	weir_conn_reset(&server->conn);
	/* No turn of the client's reading in between: */
	weir_conn_read_stop(&client->conn);
	WORLD_UNTIL(&w, server->closed);
	for (int i = 0; i < 5 && rc == 0; i++)
		rc = write_text(client, "hello?");
	CHECK(rc < 0);
	CHECK_INT(write_text(client, "again"), rc);
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
	client = join(&w, &server);
	weir_conn_read_stop(&client->conn);
	weir_conn_read_stop(&client->conn);
	CHECK_INT(write_text(server, "ping"), 0);
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
	client = join(&w, &server);
	client->conn.events = &other;
	client->conn.user = &other_bytes;
	CHECK_INT(write_text(server, "ping"), 0);
	WORLD_UNTIL(&w, other_bytes == 4);
	CHECK_INT(client->bytes_n, 0);
	client->conn.events = &peer_events;
	client->conn.user = client;
	CHECK_INT(write_text(server, "ping"), 0);
	WORLD_UNTIL(&w, client->bytes_n == 4);
	world_close(&w);
}

TEST(fires_its_timer_once)
{
	struct world w;
	struct peer *client, *server;

	REQUIRE(world_open(&w, NULL));
	world_listen(&w, "127.0.0.1:0");
	client = join(&w, &server);
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

static void close_conn(struct peer *peer)
{
	weir_conn_close(&peer->conn);
}

/* the timer and the success in one turn of the loop have one outcome. */
TEST(times_out_although_it_connected_just_now)
{
	struct world w;
	struct peer *client;

	REQUIRE(world_open(&w, NULL));
	world_listen(&w, "127.0.0.1:0");
	client = world_connect(&w, NULL);
	client->on_timer = close_conn;
	weir_conn_timer(&client->conn, 1);
	uv_sleep(10);
	WORLD_UNTIL(&w, client->closed);
	CHECK_INT(client->timers, 1);
	CHECK_INT(client->opened, 0);
	world_close(&w);
}

/* Fills the pipe until the queue is long, with the server not reading. */
static size_t fill(struct peer *client, size_t upto)
{
	size_t sum = 0;

	while (weir_conn_queued(&client->conn) < upto) {
		if (write_bytes(client, 64 * 1024))
			break;
		sum += 64 * 1024;
	}
	return sum;
}

TEST(queues_and_tells_when_drained)
{
	struct world w;
	struct peer *client, *server;
	size_t sum;

	REQUIRE(world_open(&w, NULL));
	world_listen(&w, "127.0.0.1:0");
	client = join(&w, &server);
	weir_conn_read_stop(&server->conn);
	sum = fill(client, WEIR_CONN_QUEUE_HIGH);
	world_sleep(&w, 20);
	CHECK(weir_conn_queued(&client->conn) >= WEIR_CONN_QUEUE_LOW);
	CHECK_INT(client->drained, 0);
	server->keep = true;
	weir_conn_read_start(&server->conn);
	WORLD_UNTIL(&w, server->bytes_n == sum);
	WORLD_UNTIL(&w, client->drained);
	CHECK_INT(client->drained, 1);
	CHECK_INT(weir_conn_queued(&client->conn), 0);
	CHECK_INT(client->conn.bytes_out, sum);
	CHECK(client->conn.queue.base == NULL && client->conn.sending.base == NULL);
	for (size_t i = 0; i < sum; i++)
		if (server->in.base[i] != (char)(i % (64 * 1024) * 7 + 1)) {
			NOTE("byte %zu of %zu", i, sum);
			CHECK(!"bytes arrive as sent");
			break;
		}
	world_close(&w);
}

/* Small writes while one is under way: their memory must not be moved from under it. */
TEST(appends_while_sending)
{
	struct world w;
	struct peer *client, *server;
	size_t sum;

	REQUIRE(world_open(&w, NULL));
	world_listen(&w, "127.0.0.1:0");
	client = join(&w, &server);
	weir_conn_read_stop(&server->conn);
	sum = fill(client, 1);
	CHECK(client->conn.sending_now);
	weir_conn_read_start(&server->conn);
	for (int i = 0; i < 20000; i++) {
		CHECK_INT(write_bytes(client, 100), 0);
		sum += 100;
		if (i % 100 == 0)
			world_turn(&w);
	}
	WORLD_UNTIL(&w, server->bytes_n == sum);
	world_close(&w);
}

TEST(bounds_its_queue)
{
	struct world w;
	struct peer *client, *server;
	size_t sum = 0;
	int rc;

	REQUIRE(world_open(&w, NULL));
	world_listen(&w, "127.0.0.1:0");
	client = join(&w, &server);
	weir_conn_read_stop(&server->conn);
	while ((rc = write_bytes(client, 1024 * 1024)) == 0 && sum < 1000000000)
		sum += 1024 * 1024;
	CHECK_INT(rc, WEIR_ELIMIT);
	CHECK(weir_conn_queued(&client->conn) <= WEIR_CONN_QUEUE_MAX);
	weir_conn_read_start(&server->conn); /* all that was taken arrives */
	WORLD_UNTIL(&w, server->bytes_n == sum);
	CHECK_INT(client->ended, 0);
	CHECK_INT(write_text(client, "fine"), 0);
	WORLD_UNTIL(&w, server->bytes_n == sum + 4);
	world_close(&w);
}

/* A relay: what comes in goes out elsewhere, reading stops while the way is jammed. */
static void relay_on(struct peer *peer)
{
	static char block[WEIR_CONN_READ_MAX];
	struct weir_slice slice = { block, sizeof block };

	while (peer->script_left && weir_conn_queued(&peer->conn) < WEIR_CONN_QUEUE_HIGH) {
		CHECK_INT(weir_conn_write(&peer->conn, &slice, 1), 0);
		peer->script_left -= sizeof block;
	}
	CHECK(weir_conn_queued(&peer->conn) < WEIR_CONN_QUEUE_HIGH + sizeof block);
}

TEST(moves_much_both_ways_in_bounded_memory)
{
	enum { MUCH = 64 * 1024 * 1024 };
	struct world w;
	struct peer *client, *server;

	REQUIRE(world_open(&w, NULL));
	world_listen(&w, "127.0.0.1:0");
	client = join(&w, &server);
	client->script_left = server->script_left = MUCH;
	client->on_drained = server->on_drained = relay_on;
	relay_on(client);
	relay_on(server);
	WORLD_UNTIL(&w, client->bytes_n == MUCH && server->bytes_n == MUCH);
	CHECK(client->drained > 10 && server->drained > 10);
	world_close(&w);
}

/* Even a peer that never pauses leaves room for the others. */
TEST(reads_a_bounded_amount_per_turn)
{
	struct world w;
	struct peer *client, *server;
	size_t sum;

	REQUIRE(world_open(&w, NULL));
	world_listen(&w, "127.0.0.1:0");
	client = join(&w, &server);
	weir_conn_read_stop(&server->conn);
	sum = fill(client, 1024 * 1024);
	weir_conn_read_start(&server->conn);
	while (server->bytes_n < sum && !w.late) {
		uint64_t before = server->bytes_n;

		world_turn(&w);
		CHECK(server->bytes_n - before <= 5 * WEIR_CONN_READ_MAX);
	}
	world_close(&w);
}

/* G-17: the answer to a caller who is still sending must reach him. */
TEST(finishes_against_a_talking_peer)
{
	struct world w;
	struct peer *client, *server;

	REQUIRE(world_open(&w, NULL));
	world_listen(&w, "127.0.0.1:0");
	client = join(&w, &server);
	client->keep = true;
	CHECK_INT(write_bytes(client, 30 * 1024), 0);
	CHECK_INT(write_text(server, "413"), 0);
	weir_conn_finish(&server->conn, linger_ms);
	CHECK_INT(write_bytes(client, 30 * 1024), 0);
	WORLD_UNTIL(&w, client->ended);
	CHECK_INT(client->end_err, 0);
	CHECK_INT(client->in.len, 3);
	weir_conn_close(&client->conn);
	WORLD_UNTIL(&w, server->closed);
	CHECK_INT(server->ended, 0);
	CHECK_INT(server->bytes_n, 0);
	world_close(&w);
}

TEST(finishes_in_time_and_with_bounds)
{
	struct world w;
	struct peer *client, *server;
	uint64_t start;

	REQUIRE(world_open(&w, NULL));
	world_listen(&w, "127.0.0.1:0");
	client = join(&w, &server); /* says nothing and stays */
	start = uv_hrtime();
	weir_conn_finish(&server->conn, linger_ms);
	weir_conn_finish(&server->conn, linger_ms);
	WORLD_UNTIL(&w, server->closed);
	CHECK((uv_hrtime() - start) / 1000000 >= linger_ms);
	weir_conn_close(&client->conn);

	client = join(&w, &server); /* never stops talking */
	weir_conn_finish(&server->conn, 100000);
	WORLD_UNTIL(&w, client->ended);
	while (!server->closed && write_bytes(client, 16 * 1024) == 0)
		world_turn(&w);
	WORLD_UNTIL(&w, server->closed);
	CHECK(server->conn.dropped >= WEIR_CONN_FINISH_BYTES_MAX);
	CHECK(server->conn.dropped <= WEIR_CONN_FINISH_BYTES_MAX + 5 * WEIR_CONN_READ_MAX);

	client = join(&w, &server); /* never reads */
	weir_conn_read_stop(&client->conn);
	fill(server, 1024 * 1024);
	weir_conn_finish(&server->conn, linger_ms);
	WORLD_UNTIL(&w, server->closed);
	world_close(&w);
}

/* A slow reader gets the whole tail as long as he goes on reading. */
TEST(finishes_after_the_queue)
{
	struct world w;
	struct peer *client, *server;
	size_t sum;

	REQUIRE(world_open(&w, NULL));
	world_listen(&w, "127.0.0.1:0");
	client = join(&w, &server);
	weir_conn_read_stop(&client->conn);
	sum = fill(server, 4 * 1024 * 1024);
	weir_conn_finish(&server->conn, 100);
	for (int i = 0; i < 10; i++) {
		client->stop_on_bytes = true;
		weir_conn_read_start(&client->conn);
		world_sleep(&w, 30);
		CHECK(!server->closed);
	}
	client->stop_on_bytes = false;
	weir_conn_read_start(&client->conn);
	WORLD_UNTIL(&w, client->ended);
	CHECK_INT(client->bytes_n, sum);
	CHECK_INT(client->end_err, 0);
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
		CHECK_INT(write_bytes(clients[i], SIZE), 0);
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
		(void)fill(client, WEIR_CONN_QUEUE_HIGH);
		for (int i = 0; i < 200 && !client->closed && !client->ended; i++)
			world_turn(&w);
		weir_alloc_fail_after(0);
		world_close(&w);
	}
}

TEST_MAIN
