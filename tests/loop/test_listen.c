#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "world.h"

static const struct {
	const char *text;
	bool ok, loopback;
} addresses[] = {
	{ "127.0.0.1:4000", true, true },
	{ "127.9.9.9:0", true, true },
	{ "[::1]:4000", true, true },
	{ "localhost:4000", true, true },
	{ "LocalHost:4000", true, true },
	{ "unix:/run/weir.sock", true, true },
	{ ":4000", true, false },
	{ "0.0.0.0:65535", true, false },
	{ "[::]:4000", true, false },
	{ "[2001:db8::1]:4000", true, false },
	{ "203.0.113.7:80", true, false },
	{ "", false, false },
	{ "4000", false, false },
	{ "127.0.0.1", false, false },
	{ "127.0.0.1:", false, false },
	{ "127.0.0.1:65536", false, false },
	{ "127.0.0.1:-1", false, false },
	{ "127.0.0.1:+1", false, false },
	{ "127.0.0.1:40 00", false, false },
	{ "127.0.0.256:4000", false, false },
	{ "::1:4000", false, false },
	{ "[::1:4000", false, false },
	{ "[::1]4000", false, false },
	{ "[]:4000", false, false },
	{ "[127.0.0.1]:4000", false, false },
	{ "example.com:4000", false, false },
	{ "http://127.0.0.1:4000", false, false },
	{ "unix:", false, false },
	{ "unix:/a-path-that-is-too-long-for-a-socket-address-0123456789-0123456789-0123456789-"
	  "0123456789-0123456789-0123456789-0123456789",
	  false, false },
};

TEST(understands_addresses)
{
	for (size_t i = 0; i < WEIR_COUNT_OF(addresses); i++) {
		bool loopback = false;
		bool ok = weir_listen_address_ok(addresses[i].text, &loopback);

		if (ok != addresses[i].ok || loopback != addresses[i].loopback)
			NOTE("%s", addresses[i].text);
		CHECK(ok == addresses[i].ok && loopback == addresses[i].loopback);
		CHECK(weir_listen_address_ok(addresses[i].text, NULL) == ok);
	}
}

static bool is_at(const struct weir_listener *listener, const char *ip, unsigned port)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (uv_ip4_addr(ip, (int)port, &v4) == 0)
		return weir_listener_is_at(listener, (struct sockaddr *)&v4);
	CHECK_INT(uv_ip6_addr(ip, (int)port, &v6), 0);
	return weir_listener_is_at(listener, (struct sockaddr *)&v6);
}

TEST(knows_what_leads_to_it)
{
	struct world w;
	unsigned port;

	REQUIRE(world_open(&w, NULL));
	REQUIRE(world_listen(&w, "127.0.0.1:0"));
	port = weir_listener_port(&w.listener);
	CHECK(is_at(&w.listener, "127.0.0.1", port));
	CHECK(is_at(&w.listener, "::ffff:127.0.0.1", port));
	CHECK(!is_at(&w.listener, "127.0.0.1", port ^ 1));
	CHECK(!is_at(&w.listener, "127.0.0.2", port));
	CHECK(!is_at(&w.listener, "::1", port));
	world_close(&w);

	REQUIRE(world_open(&w, NULL));
	REQUIRE(world_listen(&w, ":0")); /* whatever this machine is called */
	port = weir_listener_port(&w.listener);
	CHECK(is_at(&w.listener, "127.0.0.1", port));
	CHECK(is_at(&w.listener, "127.0.0.2", port));
	CHECK(is_at(&w.listener, "::1", port));
	CHECK(!is_at(&w.listener, "127.0.0.1", port ^ 1));
	CHECK(!is_at(&w.listener, "203.0.113.7", port));
	world_close(&w);
}

static void listen_and_connect(const char *text, const char *prefix, bool loopback)
{
	struct world w;
	struct peer *client;

	REQUIRE(world_open(&w, NULL));
	if (world_listen(&w, text)) {
		CHECK(weir_slice_starts(weir_slice_of(w.listener.text), prefix));
		CHECK(w.listener.loopback == loopback);
		CHECK(weir_listener_port(&w.listener) > 0);
		client = world_connect(&w, NULL);
		WORLD_UNTIL(&w, client->opened);
		CHECK_INT(client->open_err, 0);
	}
	world_close(&w);
}

TEST(listens_on_a_free_port)
{
	listen_and_connect("127.0.0.1:0", "127.0.0.1:", true);
	listen_and_connect("localhost:0", "127.0.0.1:", true);
	listen_and_connect("0.0.0.0:0", "0.0.0.0:", false);
}

static bool have_ipv6(void)
{
	struct sockaddr_in6 addr = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(AF_INET6, SOCK_STREAM, 0), rc;

	if (fd < 0)
		return false;
	rc = bind(fd, (struct sockaddr *)&addr, sizeof addr);
	close(fd);
	return rc == 0;
}

TEST(listens_on_ipv6)
{
	if (!have_ipv6()) {
		NOTE("skipped: no IPv6 here");
		return;
	}
	listen_and_connect("[::1]:0", "[::1]:", true);
	listen_and_connect(":0", "[::]:", false);
}

TEST(takes_ipv4_on_all_addresses)
{
	struct sockaddr_in addr;
	struct world w;
	struct peer *client;

	REQUIRE(world_open(&w, NULL));
	REQUIRE(world_listen(&w, ":0"));
	client = world_peer(&w);
	uv_ip4_addr("127.0.0.1", (int)weir_listener_port(&w.listener), &addr);
	CHECK_INT(weir_conn_open(&client->conn, &w.net, (struct sockaddr *)&addr, NULL,
				 &peer_events, client, peer_on_closed),
		  0);
	WORLD_UNTIL(&w, client->opened);
	CHECK_INT(client->open_err, 0);
	world_close(&w);
}

static void expect_refusal(struct world *w, const char *text, const char *part)
{
	struct weir_listener listener;
	struct weir_error err = { 0 };

	CHECK_INT(weir_listener_open(&listener, &w->loop, text, world_on_connection, w, &err),
		  WEIR_EBIND);
	CHECK(strstr(err.text, text) != NULL);
	CHECK(strstr(err.text, part) != NULL);
	if (!strstr(err.text, text) || !strstr(err.text, part))
		NOTE("%s", err.text);
}

TEST(says_why_it_cannot)
{
	struct world w;

	REQUIRE(world_open(&w, NULL));
	REQUIRE(world_listen(&w, "127.0.0.1:0"));
	expect_refusal(&w, w.listener.text, "in use; stop the program");
	expect_refusal(&w, "203.0.113.7:4000", "no such address");
	expect_refusal(&w, "somewhere", "not an address; write 127.0.0.1:4000");
	expect_refusal(&w, "unix:/no/such/directory/weir.sock", "No such file");
	world_close(&w);
}

static void unix_path(char *path, char *text)
{
	snprintf(path, 80, "/tmp/weir-test-%d.sock", (int)getpid());
	snprintf(text, 90, "unix:%s", path);
}

TEST(replaces_a_stale_socket_and_no_other_file)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char path[80], text[90];
	struct world w;
	struct stat st;
	int fd;

	unix_path(path, text);
	snprintf(addr.sun_path, sizeof addr.sun_path, "%s", path);
	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_INT(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
	close(fd); /* as after a crash */

	REQUIRE(world_open(&w, NULL));
	CHECK(world_listen(&w, text));
	CHECK_STR(w.listener.text, text);
	CHECK(w.listener.loopback);
	CHECK_INT(weir_listener_port(&w.listener), 0);
	expect_refusal(&w, text, "in use"); /* a live one */
	CHECK_INT(stat(path, &st), 0);
	world_close(&w);
	CHECK(stat(path, &st) != 0);

	close(open(path, O_CREAT | O_WRONLY, 0600));
	REQUIRE(world_open(&w, NULL));
	expect_refusal(&w, text, "in use"); /* somebody's file */
	CHECK_INT(stat(path, &st), 0);
	unlink(path);
	world_close(&w);
}

TEST(leaves_the_successors_socket_alone)
{
	char path[80], text[90], old[90];
	struct world w;
	struct stat st;

	unix_path(path, text);
	snprintf(old, sizeof old, "%s.old", path);
	unlink(path);
	REQUIRE(world_open(&w, NULL));
	REQUIRE(world_listen(&w, text));
	/* Not at once free, so that the successor's inode is another one. */
	CHECK_INT(rename(path, old), 0);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	world_close(&w);
	CHECK_INT(stat(path, &st), 0);
	unlink(path);
	unlink(old);
}

static void on_connection_close(struct weir_listener *listener)
{
	struct world *w = listener->user;

	world_on_connection(listener);
	weir_listener_close(listener, world_on_listener_closed);
	CHECK_INT(w->listener_closed, 0);
}

TEST(closes_in_its_callback)
{
	struct world w;
	struct peer *a, *b;

	REQUIRE(world_open(&w, NULL));
	REQUIRE(world_listen(&w, "127.0.0.1:0"));
	w.listener.on_connection = on_connection_close;
	a = world_connect(&w, NULL);
	b = world_connect(&w, NULL);
	WORLD_UNTIL(&w, w.listener_closed && a->opened && b->opened);
	world_sleep(&w, 10);
	CHECK(world_server(&w, 0) && !world_server(&w, 1));
	world_close(&w);
}

/* Nobody of those who have come is reset, and nobody new is let in. */
TEST(leaves_when_all_are_taken)
{
	struct peer *peers[20];
	struct sockaddr_in addr;
	struct world w;
	int late;

	REQUIRE(world_open(&w, NULL));
	REQUIRE(world_listen(&w, "127.0.0.1:0"));
	uv_ip4_addr("127.0.0.1", (int)weir_listener_port(&w.listener), &addr);
	for (unsigned i = 0; i < WEIR_COUNT_OF(peers); i++)
		peers[i] = world_connect(&w, NULL);
	weir_listener_leave(&w.listener, world_on_listener_closed);
	weir_listener_leave(&w.listener, world_on_listener_closed);
	late = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CHECK(connect(late, (struct sockaddr *)&addr, sizeof addr) && errno == EINPROGRESS);
	WORLD_UNTIL(&w, w.listener_closed);
	for (unsigned i = 0; i < WEIR_COUNT_OF(peers); i++)
		CHECK(peers[i]->opened && peers[i]->open_err == 0 && !peers[i]->ended);
	CHECK(world_server(&w, WEIR_COUNT_OF(peers) - 1) &&
	      !world_server(&w, WEIR_COUNT_OF(peers)));
	close(late);
	world_close(&w);
}

/* Two processes have the socket: one may go without a trace. */
TEST(adopts_a_socket_that_listens)
{
	char path[80], text[90];
	const char *texts[] = { "127.0.0.1:0", text };
	struct weir_listener second;
	struct weir_error err = { 0 };
	struct peer *client;
	struct world w;
	int plain = socket(AF_INET, SOCK_STREAM, 0);

	unix_path(path, text);
	for (unsigned i = 0; i < 2; i++) {
		REQUIRE(world_open(&w, NULL));
		REQUIRE(world_listen(&w, texts[i]));
		CHECK_INT(weir_listener_adopt(&second, &w.loop, dup(weir_listener_fd(&w.listener)),
					      true, world_on_connection, &w, &err),
			  0);
		CHECK_STR(second.text, w.listener.text);
		CHECK(weir_listen_same(w.listener.text, second.text));
		weir_listener_leave(&second, world_on_listener_closed);
		WORLD_UNTIL(&w, w.listener_closed);
		w.listener_closed = 0;
		if (i == 0) {
			client = world_connect(&w, NULL);
			WORLD_UNTIL(&w, client->opened && world_server(&w, 0));
		} else {
			CHECK_INT(access(path, F_OK), 0);
		}
		world_close(&w);
	}
	CHECK_INT(weir_listener_adopt(&second, NULL, plain, true, NULL, NULL, &err), WEIR_EBIND);
	CHECK(strstr(err.text, "no listening"));
	CHECK(!weir_listen_same("127.0.0.1:4000", "127.0.0.1:0"));
	CHECK(weir_listen_same("127.0.0.1:4000", "localhost:4000"));
	close(plain);
}

static unsigned pending;

static void on_connection_wait(struct weir_listener *listener)
{
	(void)listener;
	pending++;
}

/* Whoever does not want a further connection leaves it, and takes it later. */
TEST(waits_while_nobody_accepts)
{
	struct weir_conn none;
	struct world w;
	struct peer *client;

	REQUIRE(world_open(&w, NULL));
	REQUIRE(world_listen(&w, "127.0.0.1:0"));
	CHECK_INT(weir_conn_accept(&none, &w.net, &w.listener.uv.stream, NULL, &peer_events, NULL,
				   NULL),
		  UV_EAGAIN);
	pending = 0;
	w.listener.on_connection = on_connection_wait;
	for (int i = 0; i < 3; i++)
		client = world_connect(&w, NULL);
	WORLD_UNTIL(&w, client->opened && pending);
	world_sleep(&w, 20);
	CHECK_INT(pending, 1);
	w.listener.on_connection = world_on_connection;
	world_on_connection(&w.listener);
	WORLD_UNTIL(&w, world_server(&w, 2));
	world_close(&w);
}

/* K-01: out of descriptors new connections wait, are not lost, and cost no CPU. */
TEST(waits_while_descriptors_are_scarce)
{
	enum { CLIENTS = 30, ROOM = 20 };
	struct rlimit old, few;
	struct world w;
	struct peer *first;
	int fds[CLIENTS], fd = dup(1);
	struct sockaddr_in addr;
	unsigned served = 0, n = 0, turns;

	close(fd);
	getrlimit(RLIMIT_NOFILE, &old);
	few = (struct rlimit){ (rlim_t)(fd + CLIENTS + ROOM), old.rlim_max };
	setrlimit(RLIMIT_NOFILE, &few);
	REQUIRE(world_open(&w, NULL));
	w.server_script.echo = true;
	REQUIRE(world_listen(&w, "127.0.0.1:0"));
	first = world_connect(&w, NULL);
	WORLD_UNTIL(&w, first->opened && world_server(&w, 0));
	uv_ip4_addr("127.0.0.1", (int)weir_listener_port(&w.listener), &addr);
	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM, 0);
		CHECK_INT(connect(fds[i], (struct sockaddr *)&addr, sizeof addr), 0);
	}
	for (int i = 0; i < 30; i++)
		world_turn(&w);
	while (world_server(&w, served))
		served++;
	CHECK(served > 1 && served < ROOM);
	CHECK_INT(weir_conn_write(&first->conn, &WEIR_SLICE("ping"), 1), 0);
	WORLD_UNTIL(&w, first->bytes_n == 4); /* the others go on */
	turns = w.turns;
	for (uint64_t end = uv_hrtime() + 250 * UINT64_C(1000000); uv_hrtime() < end; w.turns++)
		uv_run(&w.loop, UV_RUN_ONCE);
	CHECK(w.turns - turns < 20); /* no spinning */
	for (unsigned i = 0; i < served; i++)
		weir_conn_close(&world_server(&w, i)->conn);
	WORLD_UNTIL(&w, world_server(&w, served)); /* goes on by itself */
	setrlimit(RLIMIT_NOFILE, &old);
	WORLD_UNTIL(&w, world_server(&w, CLIENTS)); /* and nobody was turned away */
	while (world_server(&w, n))
		n++;
	CHECK_INT(n, CLIENTS + 1);
	for (int i = 0; i < CLIENTS; i++)
		close(fds[i]);
	world_close(&w);
}

/* When the last descriptor went elsewhere libuv turns connections away, but it must not
 * ask again and again. */
TEST(survives_having_no_descriptor_at_all)
{
	struct rlimit old, few;
	struct world w;
	struct peer *clients[4], *later;
	int fd;

	REQUIRE(world_open(&w, NULL));
	REQUIRE(world_listen(&w, "127.0.0.1:0"));
	for (int i = 0; i < 4; i++)
		clients[i] = world_connect(&w, NULL);
	getrlimit(RLIMIT_NOFILE, &old);
	fd = dup(1);
	close(fd);
	few = (struct rlimit){ (rlim_t)fd, old.rlim_max };
	setrlimit(RLIMIT_NOFILE, &few);
	for (int i = 0; i < 20; i++)
		world_turn(&w);
	setrlimit(RLIMIT_NOFILE, &old);
	WORLD_UNTIL(&w, clients[3]->opened);
	later = world_connect(&w, NULL);
	WORLD_UNTIL(&w, later->opened && world_server(&w, 0));
	world_close(&w);
}

TEST_MAIN
