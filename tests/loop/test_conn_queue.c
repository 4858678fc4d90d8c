#include "world.h"

static const uint64_t linger_ms = 200;

TEST(queues_and_tells_when_drained)
{
	struct world w;
	struct peer *client, *server;
	size_t sum;

	REQUIRE(world_open(&w, NULL));
	world_listen(&w, "127.0.0.1:0");
	client = world_join(&w, &server);
	weir_conn_read_stop(&server->conn);
	sum = peer_fill(client, WEIR_CONN_QUEUE_HIGH);
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
		if (server->in.base[i] != pattern_at(i % WEIR_CONN_READ_MAX)) {
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
	client = world_join(&w, &server);
	weir_conn_read_stop(&server->conn);
	sum = peer_fill(client, 1);
	CHECK(client->conn.sending_now);
	weir_conn_read_start(&server->conn);
	for (int i = 0; i < 20000; i++) {
		CHECK_INT(peer_write_pattern(client, 100), 0);
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
	client = world_join(&w, &server);
	weir_conn_read_stop(&server->conn);
	while ((rc = peer_write_pattern(client, 1024 * 1024)) == 0 && sum < 1000000000)
		sum += 1024 * 1024;
	CHECK_INT(rc, WEIR_ELIMIT);
	CHECK(weir_conn_queued(&client->conn) <= WEIR_CONN_QUEUE_MAX);
	weir_conn_read_start(&server->conn); /* all that was taken arrives */
	WORLD_UNTIL(&w, server->bytes_n == sum);
	CHECK_INT(client->ended, 0);
	CHECK_INT(peer_say(client, "fine"), 0);
	WORLD_UNTIL(&w, server->bytes_n == sum + 4);
	world_close(&w);
}

TEST(moves_much_both_ways_in_bounded_memory)
{
	enum { MUCH = 64 * 1024 * 1024 };
	struct world w;
	struct peer *client, *server;

	REQUIRE(world_open(&w, NULL));
	world_listen(&w, "127.0.0.1:0");
	client = world_join(&w, &server);
	client->script_left = server->script_left = MUCH;
	client->on_drained = server->on_drained = peer_send_more;
	peer_send_more(client);
	peer_send_more(server);
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
	client = world_join(&w, &server);
	weir_conn_read_stop(&server->conn);
	sum = peer_fill(client, 1024 * 1024);
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
	client = world_join(&w, &server);
	client->keep = true;
	CHECK_INT(peer_write_pattern(client, 30 * 1024), 0);
	CHECK_INT(peer_say(server, "413"), 0);
	weir_conn_finish(&server->conn, linger_ms);
	CHECK_INT(peer_write_pattern(client, 30 * 1024), 0);
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
	client = world_join(&w, &server); /* says nothing and stays */
	start = uv_hrtime();
	weir_conn_finish(&server->conn, linger_ms);
	weir_conn_finish(&server->conn, linger_ms);
	WORLD_UNTIL(&w, server->closed);
	CHECK((uv_hrtime() - start) / 1000000 >= linger_ms);
	weir_conn_close(&client->conn);

	client = world_join(&w, &server); /* never stops talking */
	weir_conn_finish(&server->conn, 100000);
	WORLD_UNTIL(&w, client->ended);
	while (!server->closed && peer_write_pattern(client, 16 * 1024) == 0)
		world_turn(&w);
	WORLD_UNTIL(&w, server->closed);
	CHECK(server->conn.dropped >= WEIR_CONN_FINISH_BYTES_MAX);
	CHECK(server->conn.dropped <= WEIR_CONN_FINISH_BYTES_MAX + 5 * WEIR_CONN_READ_MAX);

	client = world_join(&w, &server); /* never reads */
	weir_conn_read_stop(&client->conn);
	peer_fill(server, 1024 * 1024);
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
	client = world_join(&w, &server);
	weir_conn_read_stop(&client->conn);
	sum = peer_fill(server, 4 * 1024 * 1024);
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

TEST_MAIN
