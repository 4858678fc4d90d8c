#include "gateway_world.h"

/* Callbacks that cancel, close, pause and start things, from inside. */

static struct place p;
static struct ask ask, second;

static void cancel(struct ask *a)
{
	ask_cancel(a);
}

static void close_all(struct ask *a)
{
	if (!a->place->gateway)
		return;
	a->cancelled = true;
	place_close_gateway(a->place);
}

static void pause_it(struct ask *a)
{
	ask_pause(a);
}

static void pause_and_resume(struct ask *a)
{
	ask_pause(a);
	ask_resume(a);
}

static void pause_and_cancel(struct ask *a)
{
	ask_pause(a);
	ask_cancel(a);
}

static void start_another(struct ask *a)
{
	if (!second.place)
		CHECK_INT(ask_start(a->place, &second, PLAIN), 0);
}

static void drain(struct ask *a)
{
	weir_gateway_drain(a->place->gateway, NULL, NULL);
}

static void touch(struct ask *a)
{
	weir_request_cancel(a->request);
	weir_request_pause(a->request);
	weir_request_resume(a->request);
}

static void touch_and_close(struct ask *a)
{
	touch(a);
	close_all(a);
}

struct deed {
	const char *name;
	void (*on_start)(struct ask *);
	void (*on_bytes)(struct ask *);
	void (*on_done)(struct ask *);
	bool ends;   /* the request is not answered whole */
	bool pauses; /* it goes on only when resumed from outside */
	bool opens;  /* another one begins */
};

static const struct deed deeds[] = {
	{ "cancel in on_start", cancel, NULL, NULL, true },
	{ "cancel in on_bytes", NULL, cancel, NULL, true },
	{ "close in on_start", close_all, NULL, NULL, true },
	{ "close in on_bytes", NULL, close_all, NULL, true },
	{ "close in on_done", NULL, NULL, close_all },
	{ "pause in on_start", pause_it, NULL, NULL, false, true },
	{ "pause in on_bytes", NULL, pause_it, NULL, false, true },
	{ "pause and cancel in on_start", pause_and_cancel, NULL, NULL, true },
	{ "pause and cancel in on_bytes", NULL, pause_and_cancel, NULL, true },
	{ "resume in on_start", pause_and_resume, NULL, NULL },
	{ "resume in on_bytes", NULL, pause_and_resume, NULL },
	{ "start in on_start", start_another, NULL, NULL, false, false, true },
	{ "start in on_bytes", NULL, start_another, NULL, false, false, true },
	{ "start in on_done", NULL, NULL, start_another, false, false, true },
	{ "drain in on_start", drain, NULL, NULL },
	{ "touch in on_done", NULL, NULL, touch },
	{ "touch and close in on_done", NULL, NULL, touch_and_close },
};

static const struct scene {
	const char *script, *body;
	int status;
	bool cut;
	bool timed; /* milliseconds are in the body */
} scenes[] = {
	{ "200", PLAIN, 200 },
	{ "200;tokens=3", STREAM, 200 },
	{ "200;tokens=3;latency=2ms;tps=500", STREAM, 200 },
	{ "400", PLAIN, 400 },
	{ "500", PLAIN, 502, false, true },
	{ "cut;after=2", STREAM, 200, true },
	{ "cut;after=2;tps=200", STREAM, 200, true },
	{ "error-event;after=2", STREAM, 200, true },
	{ "reset;after=1", STREAM, 200, true },
	{ "stall;after=2", STREAM, 200, true },
	{ "200", "{", 400 },
};

/* While paused nothing may come, however long, and resuming brings it all. */
static void resume_until_done(void)
{
	while (!ask.dones) {
		unsigned pieces = ask.pieces, starts = ask.starts;

		if (!ask.paused) {
			place_turn(&p);
			continue;
		}
		place_rest(&p, 3);
		CHECK_INT(ask.pieces, pieces);
		CHECK_INT(ask.starts, starts);
		if (!ask.dones) /* it may end when there is nothing left to tell */
			ask_resume(&ask);
	}
}

/* expected: what the same scene brings where nothing is done; NULL: not known yet. */
static void play(const struct deed *deed, const struct scene *scene, const struct ask *expected)
{
	REQUIRE(place_open(&p, "retries: 0, stall_timeout: 25ms, attempt_timeout: 50ms"));
	for (int i = 0; i < PLACE_VENDORS; i++)
		place_script(&p, place_names[i], scene->script);
	second.place = NULL;
	CHECK_INT(ask_start(&p, &ask, scene->body), 0);
	ask.on_start = deed->on_start;
	ask.on_bytes = deed->on_bytes;
	ask.on_done = deed->on_done;
	resume_until_done();
	CHECK(ask.starts == 1);
	CHECK_INT(ask.status, scene->status);
	if (deed->ends || scene->cut)
		CHECK(!ask.whole);
	else
		CHECK(ask.whole && ask.bytes_n > 0);
	if (!deed->ends && !scene->timed && expected)
		CHECK_STR(ask.body, expected->body);
	if (!deed->ends && scene->cut)
		CHECK(strstr(ask.body, "data: {\"error\":{") && !strstr(ask.body, "[DONE]"));
	if (deed->opens) {
		CHECK(second.place);
		ask_wait(&second);
	}
	place_close(&p);
}

TEST(whatever_a_callback_does)
{
	static const struct deed nothing = { .name = "nothing" };
	static struct ask expected;

	for (size_t s = 0; s < sizeof scenes / sizeof *scenes; s++) {
		play(&nothing, &scenes[s], NULL);
		expected = ask;
		for (size_t d = 0; d < sizeof deeds / sizeof *deeds; d++) {
			int before = test_failures;

			play(&deeds[d], &scenes[s], &expected);
			if (test_failures != before)
				NOTE("%s, %s, %s", deeds[d].name, scenes[s].script, scenes[s].body);
		}
	}
}

static void start_and_close(struct ask *a)
{
	CHECK_INT(ask_start(a->place, &second, STREAM), 0);
	close_all(a);
	CHECK_INT(ask_start(a->place, &second, STREAM), UV_EINVAL);
}

/* A request that was begun in the same breath as the gateway was closed. */
TEST(start_then_close)
{
	REQUIRE(place_open(&p, ""));
	CHECK_INT(ask_start(&p, &ask, PLAIN), 0);
	ask.on_start = start_and_close;
	while (!p.closed)
		uv_run(&p.w.loop, UV_RUN_ONCE);
	CHECK_INT(ask.dones, 1);
	CHECK_INT(place_logged(&p, ":\"request\""), 2);
	place_close(&p);
}

TEST_MAIN
