#include <sys/socket.h>

#include "gateway_world.h"

/* A caller, an embedder or an operator who changes his mind at every single turn. */

enum { TURNS_MAX = 300, CANCELLED_MS = 1000 };

#define RETRIED "{\"model\":\"m1\",\"messages\":[],\"num_retries\":1}"

enum deed { CANCEL, CLOSE_GATEWAY, DRAIN, PAUSE, LEAVE, RESET, SHUT, DEEDS_N };

static const char *const deed_names[] = { "cancel", "close", "drain", "pause",
					  "leave",  "reset", "shut" };

static const struct plot {
	const char *script; /* of alpha; beta and gamma are good */
	const char *body;
} plots[] = {
	{ "200;tokens=3", PLAIN },
	{ "200;tokens=3", STREAM },
	{ "200;tokens=3;tps=700", STREAM },
	{ "503", PLAIN },
	{ "refuse", PLAIN },
	{ "429;retry-after=ms:12", PLAIN },
	{ "500*1,200", RETRIED },
	{ "hang", PLAIN },
	{ "hang@role", STREAM },
	{ "stall;after=1", STREAM },
	{ "reset@half", PLAIN },
	{ "blackhole", PLAIN },
	{ "close@accept", PLAIN },
	{ "413;early", PLAIN },
	{ "401", PLAIN },
	{ "200;tokens=200;bytes=4000", STREAM },
	{ "200;tokens=200;bytes=40000", PLAIN },
	{ "error-event;after=1", STREAM },
	{ "200", "{" },
};

#define TIMERS                                                                                  \
	"retries: 0, attempt_timeout: 12ms, first_token_timeout: 12ms, connect_timeout: 12ms, " \
	"stall_timeout: 12ms, max_attempts: 5"

#define BYSTANDER "{\"model\":\"m9\",\"messages\":[{\"role\":\"user\",\"content\":\"nonce=BY\"}]}"

struct scene {
	struct place p;
	struct ask ask, bystander, late;
	struct mock_client client; /* of the listener: for LEAVE, RESET and SHUT */
	const struct plot *plot;
	enum deed deed;
};

static struct scene scene; /* too large for a stack */

static bool by_listener(const struct scene *s)
{
	return s->deed >= LEAVE;
}

static bool scene_open(struct scene *s)
{
	if (!place_open(&s->p, TIMERS))
		return false;
	place_listen(&s->p);
	place_script(&s->p, "alpha", s->plot->script);
	place_script(&s->p, "gamma/m9", "200;latency=3ms");
	CHECK_INT(ask_start(&s->p, &s->bystander, BYSTANDER), 0);
	if (!by_listener(s)) {
		CHECK_INT(ask_start(&s->p, &s->ask, s->plot->body), 0);
		return true;
	}
	mock_connect_port(&s->p.w, &s->client, s->p.port, NULL);
	while (!s->client.opened)
		place_turn(&s->p);
	mock_post(&s->p.w, &s->client, CHAT, s->plot->body);
	return true;
}

static bool is_over(struct scene *s)
{
	if (!by_listener(s))
		return s->ask.dones > 0;
	return place_logged(&s->p, ":\"request\"") == s->bystander.dones + 1;
}

static void on_drained(void *arg)
{
	((struct place *)arg)->drained++;
}

static void do_deed(struct scene *s)
{
	int fd;

	switch (s->deed) {
	case CANCEL:
		ask_cancel(&s->ask);
		ask_cancel(&s->ask);
		break;
	case CLOSE_GATEWAY:
		place_close_gateway(&s->p);
		break;
	case DRAIN:
		weir_gateway_drain(s->p.gateway, on_drained, &s->p);
		CHECK_INT(s->p.drained, 0);
		CHECK_INT(ask_start(&s->p, &s->late, PLAIN), UV_EINVAL);
		break;
	case PAUSE:
		ask_pause(&s->ask);
		place_rest(&s->p, 2);
		if (!s->ask.dones)
			ask_resume(&s->ask);
		break;
	case LEAVE:
		weir_conn_close(&s->client.conn);
		break;
	case RESET:
		weir_conn_reset(&s->client.conn);
		break;
	case SHUT:
		CHECK_INT(uv_fileno(&s->client.conn.uv.handle, &fd), 0);
		shutdown(fd, SHUT_WR);
		break;
	case DEEDS_N:
		break;
	}
}

static bool upstream_is_quiet(struct scene *s)
{
	struct weir_mock_stats stats;
	unsigned inflight = 0;

	for (int i = 0; i < PLACE_VENDORS; i++) {
		weir_mock_stats(s->p.w.mock, place_names[i], &stats);
		inflight += stats.inflight;
	}
	return inflight == 0;
}

/* The provider hears at once that nobody waits any more; a blackhole never hears. */
static void check_cancelled(struct scene *s)
{
	uint64_t end_ms = uv_now(&s->p.w.loop) + CANCELLED_MS;

	while (!upstream_is_quiet(s) && uv_now(&s->p.w.loop) < end_ms)
		place_turn(&s->p);
	CHECK(upstream_is_quiet(s));
}

/* What is called whole is, and a stream that is cut says so. A large body that is shown before it
 * is all there can only end early, as it does where a slow machine makes the provider stall. */
static void check_answer(const struct scene *s)
{
	const struct ask *ask = &s->ask;
	bool stream = s->plot->body == plots[1].body;

	CHECK_INT(ask->starts, 1);
	if (!ask->whole)
		CHECK(!stream || strstr(ask->body, "stream_cut") ||
		      strstr(ask->body, "data: {\"error\""));
	else if (ask->status == 200)
		CHECK(strstr(ask->body, stream ? "data: [DONE]" : "\"usage\""));
	else if (ask->status != 200)
		CHECK(strstr(ask->body, "\"error\""));
}

/* After the deed everything comes to its own end, and nobody else notices. */
static void run_out(struct scene *s)
{
	struct ask *by = &s->bystander;

	while (s->deed == CLOSE_GATEWAY && !s->p.closed)
		place_turn(&s->p);
	if (s->deed == CLOSE_GATEWAY)
		CHECK(by->dones && s->ask.dones);
	while (!by->dones || !is_over(s))
		place_turn(&s->p);
	while (s->deed == DRAIN && !s->p.drained)
		place_turn(&s->p);
	if (s->deed != CLOSE_GATEWAY)
		CHECK(by->whole && by->status == 200 && strstr(by->body, "gamma BY"));
	if (!by_listener(s) && (s->ask.whole || s->deed == PAUSE || s->deed == DRAIN))
		check_answer(s);
	check_cancelled(s);
}

static void scene_close(struct scene *s)
{
	if (!by_listener(s)) {
		place_close(&s->p);
		return;
	}
	/* So that the gateway's end meets open connections, too. */
	if (s->p.gateway)
		place_check_books(&s->p);
	place_close_gateway(&s->p);
	weir_conn_close(&s->client.conn);
	while (!s->p.closed || !s->client.closed)
		place_turn(&s->p);
	weir_buf_fini(&s->client.in);
	place_close(&s->p);
}

/* False: it was over before that turn. */
static bool play(enum deed deed, const struct plot *plot, unsigned turn)
{
	struct scene *s = &scene;
	bool early = false;

	s->deed = deed;
	s->plot = plot;
	if (!scene_open(s))
		return false;
	for (unsigned i = 0; i < turn && !early; i++) {
		place_turn(&s->p);
		early = is_over(s);
	}
	if (early)
		s->deed = by_listener(s) ? LEAVE : CANCEL; /* it has nothing to wait for */
	else
		do_deed(s);
	run_out(s);
	scene_close(s);
	return !early;
}

static void play_all(enum deed deed)
{
	for (size_t i = 0; i < sizeof plots / sizeof *plots; i++) {
		int before = test_failures;
		unsigned turn = 0;

		while (turn < TURNS_MAX && test_failures == before && play(deed, &plots[i], turn))
			turn += 1 + turn / 10;
		CHECK(turn < TURNS_MAX);
		if (test_failures != before)
			NOTE("%s at turn %u of %s", deed_names[deed], turn, plots[i].script);
	}
}

TEST(cancel_at_every_turn)
{
	play_all(CANCEL);
}

TEST(close_the_gateway_at_every_turn)
{
	play_all(CLOSE_GATEWAY);
}

TEST(drain_at_every_turn)
{
	play_all(DRAIN);
}

TEST(pause_at_every_turn)
{
	play_all(PAUSE);
}

TEST(leave_at_every_turn)
{
	play_all(LEAVE);
}

TEST(reset_at_every_turn)
{
	play_all(RESET);
}

TEST(shut_at_every_turn)
{
	play_all(SHUT);
}

TEST_MAIN
