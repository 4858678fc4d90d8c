/* How much one turn of the loop reads, and who waits for the next. No clock takes part: a turn
 * is full because the test says so. */
#include "net/turn.h"
#include "world.h"

enum { MANY = 2 * WEIR_TURN_LATE_MAX + 5 };

struct line {
	struct world w;
	struct peer *clients[MANY + 1], *servers[MANY + 1];
	struct peer *waiting[MANY + 1]; /* as they stand in it */
};

static void begin_turn(struct world *w, bool full)
{
	weir_net_turn(&w->net);
	w->net.busy_until_ns = full ? 1 : UINT64_MAX;
}

static unsigned look(struct line *l)
{
	unsigned n = 0;

	for (struct weir_list *at = l->w.net.late.next; at != &l->w.net.late; at = at->next)
		l->waiting[n++] = WEIR_CONTAINER_OF(at, struct weir_conn, late)->user;
	return n;
}

static unsigned heard(const struct line *l)
{
	unsigned n = 0;

	for (unsigned i = 0; i <= MANY; i++)
		n += l->servers[i]->bytes_n > 0;
	return n;
}

/* MANY of them have something to read, and there was no time for any. */
static bool line_open(struct line *l)
{
	if (!world_open(&l->w, NULL) || !world_listen(&l->w, "127.0.0.1:0"))
		return false;
	for (unsigned i = 0; i <= MANY; i++)
		l->clients[i] = world_join(&l->w, &l->servers[i]);
	begin_turn(&l->w, true);
	for (unsigned i = 0; i < MANY; i++)
		CHECK_INT(peer_say(l->clients[i], "x"), 0);
	WORLD_UNTIL(&l->w, look(l) == MANY);
	CHECK_INT(heard(l), 0);
	return true;
}

static void some_turns(struct line *l)
{
	for (unsigned i = 0; i <= WEIR_TURN_PASSES_MAX; i++)
		world_turn(&l->w);
}

TEST(reads_all_while_there_is_time)
{
	struct line l;

	REQUIRE(line_open(&l));
	l.w.net.busy_until_ns = UINT64_MAX;
	WORLD_UNTIL(&l.w, heard(&l) == MANY);
	CHECK_INT(look(&l), 0);
	world_close(&l.w);
}

TEST(who_is_late_keeps_his_place)
{
	struct line l;
	struct peer *first[MANY + 1];

	REQUIRE(line_open(&l));
	memcpy(first, l.waiting, sizeof first);
	some_turns(&l);
	CHECK_INT(peer_say(l.clients[MANY], "x"), 0);
	WORLD_UNTIL(&l.w, look(&l) == MANY + 1);
	CHECK_MEM(l.waiting, first, MANY * sizeof *first);
	CHECK(l.waiting[MANY] == l.servers[MANY]);
	CHECK_INT(heard(&l), 0);
	world_close(&l.w);
}

TEST(reads_some_of_the_late_first_come_first_served)
{
	struct line l;
	struct peer *first[MANY + 1];
	unsigned n = 0;

	REQUIRE(line_open(&l));
	memcpy(first, l.waiting, sizeof first);
	while (n < MANY) {
		n = n + WEIR_TURN_LATE_MAX < MANY ? n + WEIR_TURN_LATE_MAX : MANY;
		begin_turn(&l.w, true);
		WORLD_UNTIL(&l.w, heard(&l) == n);
		some_turns(&l);
		CHECK_INT(heard(&l), n);
		for (unsigned i = 0; i < MANY; i++)
			CHECK_INT(first[i]->bytes_n, i < n);
		CHECK_INT(look(&l), MANY - n);
		CHECK_MEM(l.waiting, first + n, (MANY - n) * sizeof *first);
	}
	world_close(&l.w);
}

static unsigned polled(const struct line *l)
{
	unsigned n = 0;

	for (unsigned i = 0; i < MANY; i++)
		n += uv_is_active((const uv_handle_t *)&l->waiting[i]->conn.uv.stream) != 0;
	return n;
}

/* Else each turn would be told of thousands in vain. */
TEST(who_waits_long_is_not_polled_until_his_turn)
{
	struct line l;

	REQUIRE(line_open(&l));
	some_turns(&l);
	CHECK_INT(look(&l), MANY);
	CHECK_INT(polled(&l), 0);
	world_turn(&l.w);
	CHECK_INT(heard(&l), 0);
	for (unsigned turns = 0; heard(&l) < MANY && turns < 10 * MANY; turns++) {
		begin_turn(&l.w, true);
		world_turn(&l.w);
	}
	CHECK_INT(heard(&l), MANY);
	CHECK_INT(look(&l), 0);
	for (unsigned i = 0; i < MANY; i++)
		CHECK_INT(peer_say(l.clients[i], "x"), 0);
	begin_turn(&l.w, false);
	for (unsigned i = 0; i < MANY; i++)
		WORLD_UNTIL(&l.w, l.servers[i]->bytes_n == 2);
	world_close(&l.w);
}

/* A stream does not stand in one line with all those whose provider just failed. */
TEST(who_was_read_a_moment_ago_passes_the_silent)
{
	struct line l;
	struct peer *stream;

	REQUIRE(line_open(&l));
	some_turns(&l);
	stream = l.servers[MANY];
	l.w.net.busy_until_ns = UINT64_MAX;
	CHECK_INT(peer_say(l.clients[MANY], "x"), 0);
	WORLD_UNTIL(&l.w, stream->bytes_n == 1);
	CHECK_INT(look(&l), MANY);
	for (unsigned i = 2; i < 4; i++) {
		unsigned before = heard(&l);

		l.w.net.busy_until_ns = 1;
		CHECK_INT(peer_say(l.clients[MANY], "x"), 0);
		WORLD_UNTIL(&l.w, !weir_list_empty(&l.w.net.late_lively));
		begin_turn(&l.w, true);
		WORLD_UNTIL(&l.w, stream->bytes_n == i && heard(&l) > before);
		some_turns(&l);
		CHECK_INT(heard(&l), before + WEIR_TURN_LATE_MAX - 1); /* nor do they wait for it */
		CHECK(!weir_list_empty(&l.w.net.late));
	}
	stream->conn.read_ms -= WEIR_TURN_LIVELY_MS;
	CHECK_INT(peer_say(l.clients[MANY], "x"), 0);
	WORLD_UNTIL(&l.w, l.w.net.late.prev == &stream->conn.late);
	world_close(&l.w);
}

TEST(who_ends_while_parked_is_told_of_it)
{
	struct line l;

	REQUIRE(line_open(&l));
	some_turns(&l);
	weir_conn_close(&l.clients[0]->conn);
	weir_conn_read_stop(&l.servers[1]->conn);
	some_turns(&l);
	begin_turn(&l.w, true);
	weir_net_unbound(&l.w.net);
	WORLD_UNTIL(&l.w, l.servers[0]->ended && heard(&l) == MANY - 1);
	CHECK_INT(l.servers[1]->bytes_n, 0);
	weir_conn_read_start(&l.servers[1]->conn);
	WORLD_UNTIL(&l.w, heard(&l) == MANY);
	world_close(&l.w);
}

TEST(reads_all_who_are_late_once_nothing_bounds_it)
{
	struct line l;

	REQUIRE(line_open(&l));
	weir_net_unbound(&l.w.net);
	CHECK_INT(look(&l), 0);
	CHECK_INT(peer_say(l.clients[MANY], "x"), 0);
	WORLD_UNTIL(&l.w, heard(&l) == MANY + 1);
	CHECK_INT(look(&l), 0);
	world_close(&l.w);
}

TEST(who_finishes_while_late_is_read_in_his_turn)
{
	struct line l;
	struct peer *peer;
	unsigned i = 0;

	REQUIRE(line_open(&l));
	peer = l.waiting[0];
	weir_conn_finish(&peer->conn, 100 * WORLD_MS_MAX);
	some_turns(&l);
	CHECK_INT(peer->conn.dropped, 0);
	while (l.servers[i] != peer)
		i++;
	begin_turn(&l.w, true);
	WORLD_UNTIL(&l.w, heard(&l) == WEIR_TURN_LATE_MAX - 1);
	some_turns(&l);
	CHECK_INT(peer->conn.dropped, 1);
	weir_conn_finish(&l.clients[i]->conn, 100 * WORLD_MS_MAX);
	while (!peer->closed && !l.w.late) {
		begin_turn(&l.w, true);
		world_turn(&l.w);
	}
	CHECK(peer->closed);
	CHECK_INT(peer->bytes_n, 0);
	world_close(&l.w);
}

TEST(who_closes_while_late_leaves_the_line)
{
	struct line l;
	struct peer *second;

	REQUIRE(line_open(&l));
	second = l.waiting[1];
	weir_conn_close(&l.waiting[0]->conn);
	CHECK_INT(look(&l), MANY - 1);
	CHECK(l.waiting[0] == second);
	weir_conn_reset(&second->conn);
	CHECK_INT(look(&l), MANY - 2);
	begin_turn(&l.w, true);
	WORLD_UNTIL(&l.w, heard(&l) == WEIR_TURN_LATE_MAX);
	CHECK(second->closed);
	world_close(&l.w);
}

TEST(who_pauses_while_late_is_read_when_he_goes_on)
{
	struct line l;
	struct peer *peer;

	REQUIRE(line_open(&l));
	peer = l.waiting[0];
	weir_conn_read_stop(&peer->conn);
	CHECK_INT(look(&l), MANY - 1);
	begin_turn(&l.w, false);
	WORLD_UNTIL(&l.w, heard(&l) == MANY - 1);
	some_turns(&l);
	CHECK_INT(peer->bytes_n, 0);
	begin_turn(&l.w, true);
	weir_conn_read_start(&peer->conn);
	WORLD_UNTIL(&l.w, look(&l) == 1);
	CHECK(l.waiting[0] == peer);
	begin_turn(&l.w, true);
	WORLD_UNTIL(&l.w, peer->bytes_n == 1);
	world_close(&l.w);
}

static unsigned announced;

/* So long that the turn has no time for another. */
static void dawdle(struct peer *peer)
{
	uint64_t until = uv_hrtime() + 2 * WEIR_TURN_READY_US * UINT64_C(1000);

	(void)peer;
	announced++;
	while (uv_hrtime() < until)
		;
}

TEST(who_closes_in_his_turn_leaves_the_others_theirs)
{
	enum { FEW = 10 };
	struct world w;

	announced = 0;
	REQUIRE(world_open(&w, NULL) && world_listen(&w, "127.0.0.1:0"));
	w.server_script.on_open = dawdle;
	w.server_script.close_on_open = true;
	for (unsigned i = 0; i < FEW; i++)
		REQUIRE(world_connect(&w, NULL));
	WORLD_UNTIL(&w, announced == FEW);
	world_close(&w);
}

TEST_MAIN
