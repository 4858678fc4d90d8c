#include "world.h"

static int write_text(struct peer *peer, const char *text)
{
	struct weir_slice slice = weir_slice_of(text);

	return weir_conn_write(&peer->conn, &slice, 1);
}

static struct peer *connect_tls(struct world *w, struct trust *t, const char *host,
				struct weir_tls_ticket **ticket)
{
	struct weir_tls_session *session = weir_tls_session_create(t->client, host, ticket);

	CHECK(session != NULL);
	return session ? world_connect(w, session) : NULL;
}

static void echo(unsigned minor, const char *version)
{
	struct trust t;
	struct world w;
	struct peer *client;

	REQUIRE(trust_init(&t, minor));
	REQUIRE(world_open(&w, &t));
	w.server_script.echo = true;
	world_listen(&w, "127.0.0.1:0");
	client = connect_tls(&w, &t, "localhost", NULL);
	client->keep = true;
	WORLD_UNTIL(&w, client->opened);
	NOTE("%s %s", client->reason, client->sentence);
	CHECK_INT(client->open_err, 0);
	CHECK_STR(weir_tls_version(client->conn.tls), version);
	CHECK(!weir_tls_resumed(client->conn.tls));
	CHECK_INT(write_text(client, "ping"), 0);
	WORLD_UNTIL(&w, client->in.len == 4 || client->ended);
	CHECK_MEM(client->in.base, "ping", 4);
	CHECK_INT(w.net.handshakes_n, 0);
	NOTE("%u turns", w.turns);
	world_close(&w);
}

TEST(echoes_over_tls_1_2)
{
	echo(2, "TLSv1.2");
}

TEST(echoes_over_tls_1_3)
{
	echo(3, "TLSv1.3");
}

TEST_MAIN
