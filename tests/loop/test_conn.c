#include "world.h"

static int write_text(struct peer *peer, const char *text)
{
	struct weir_slice slice = weir_slice_of(text);

	return weir_conn_write(&peer->conn, &slice, 1);
}

TEST(echoes)
{
	struct world w;
	struct peer *client;

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
	world_close(&w);
}

TEST_MAIN
