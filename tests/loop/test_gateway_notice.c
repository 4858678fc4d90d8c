#include "gateway_raw.h"

/* What the embedding program hears of each request, what it may do meanwhile, and the clock
 * that it may move. */

enum { TOLD_MAX = 64 };

static struct place p;
static struct ask ask, more;
static char told[TOLD_MAX][200];
static unsigned told_n;
static unsigned act_at; /* the notice, from 1, in which act() is called; 0: none */
static void (*act)(void);
static uint64_t clock_ms;

static void on_notice(void *arg, const struct weir_notice *n)
{
	static const char *const kinds[] = { "?", "attempt", "fallback", "retry", "hedge", "end" };

	CHECK(arg == &p);
	CHECK(strncmp(n->request_id, "req_", 4) == 0);
	if (told_n < TOLD_MAX)
		snprintf(told[told_n], sizeof told[0], "%s %s %s>%s %s %s %d %u", kinds[n->kind],
			 n->chain ? n->chain : "-", n->from ? n->from : "-", n->to ? n->to : "-",
			 n->outcome, n->reason ? n->reason : "-", n->status, n->attempt);
	if (++told_n == act_at)
		act();
}

static bool begin(const char *defaults)
{
	told_n = act_at = 0;
	memset(told, 0, sizeof told);
	place_on_notice = on_notice;
	return place_open(&p, defaults);
}

static void end(void)
{
	place_close(&p);
	place_on_notice = NULL;
	place_clock = NULL;
}

/* Without the number of the key, which is drawn. */
static void check_told(unsigned i, const char *expected)
{
	char text[sizeof told[0]], *to = text;

	for (const char *at = told[i]; *at; at++)
		if (*at == '#')
			at++;
		else
			*to++ = *at;
	*to = '\0';
	CHECK_STR(text, expected);
}

TEST(every_attempt_and_move_is_told)
{
	REQUIRE(begin("retries: 0"));
	place_script(&p, "alpha", "503");
	CHECK_INT(ask_whole(&p, &ask, PLAIN), 200);
	CHECK_INT(told_n, 4);
	check_told(0, "attempt m1 alpha/m1>- overloaded overloaded 503 1");
	check_told(1, "fallback m1 alpha/m1>beta/m2 overloaded overloaded 503 1");
	check_told(2, "attempt m1 beta/m2>- ok ok 200 2");
	check_told(3, "end m1 ->beta/m2 failed_over - 200 2");
	end();
}

TEST(a_refused_request_is_told)
{
	REQUIRE(begin("retries: 0"));
	CHECK_INT(ask_whole(&p, &ask, "{"), 400);
	CHECK_INT(told_n, 1);
	check_told(0, "end - ->- rejected - 400 0");
	end();
}

static void cancel(void)
{
	ask_cancel(&ask);
}

static void close_gateway(void)
{
	ask.cancelled = true; /* by that */
	place_close_gateway(&p);
}

/* Whatever is told when it is cancelled: it ends once, later, and nothing comes meanwhile. */
static void ends_in_each_notice(void (*how)(void), const char *body)
{
	unsigned all = 4;

	for (unsigned i = 1; i <= all; i++) {
		REQUIRE(begin("retries: 0"));
		place_script(&p, "alpha", "503");
		place_script(&p, "beta", "200;tokens=20");
		act = how;
		act_at = i;
		CHECK_INT(ask_start(&p, &ask, body), 0);
		ask_wait(&ask);
		CHECK_INT(ask.dones, 1);
		CHECK(told_n >= i);
		if (i < all) { /* the last one tells that all is over */
			CHECK(!ask.whole);
			CHECK_STR(strstr(told[told_n - 1], "end"), told[told_n - 1]);
		}
		end();
	}
}

TEST(a_request_is_cancelled_in_any_notice)
{
	ends_in_each_notice(cancel, PLAIN);
	ends_in_each_notice(cancel, STREAM);
}

TEST(the_gateway_is_closed_in_any_notice)
{
	ends_in_each_notice(close_gateway, PLAIN);
	ends_in_each_notice(close_gateway, STREAM);
}

static void cancel_paused(void)
{
	weir_request_pause(ask.request);
	cancel();
}

TEST(a_paused_request_is_cancelled_in_any_notice)
{
	ends_in_each_notice(cancel_paused, STREAM);
}

static void ask_more(void)
{
	act_at = 0;
	CHECK_INT(ask_start(&p, &more, PLAIN), 0);
}

TEST(a_request_begins_in_a_notice)
{
	for (unsigned i = 1; i <= 4; i++) {
		REQUIRE(begin("retries: 0"));
		place_script(&p, "alpha", "503");
		act = ask_more;
		act_at = i;
		CHECK_INT(ask_whole(&p, &ask, PLAIN), 200);
		ask_wait(&more);
		CHECK_INT(more.status, 200);
		end();
	}
}

static uint64_t our_clock(void *arg)
{
	CHECK(arg == &p);
	return clock_ms;
}

/* From zero on, which must not be taken for "never". */
TEST(a_moved_clock_ends_a_bench)
{
	clock_ms = 0;
	place_clock = our_clock;
	REQUIRE(begin("retries: 0"));
	place_script(&p, "alpha", "401");
	CHECK_INT(ask_whole(&p, &ask, PLAIN), 200); /* both keys are tried, and put on the bench */
	CHECK_STR(ask.target, "beta/m2");
	place_script(&p, "alpha", "200;tokens=3");
	CHECK_INT(ask_whole(&p, &ask, PLAIN), 200);
	CHECK_STR(ask.target, "beta/m2");
	clock_ms += 24 * 3600 * 1000;
	CHECK_INT(ask_whole(&p, &ask, PLAIN), 200);
	CHECK(strncmp(ask.target, "alpha/m1", 8) == 0);
	end();
}

/* Ten real seconds would be a test's end; one minute of this clock is a leap. */
TEST(a_leap_lets_timers_expire)
{
	clock_ms = 1000;
	place_clock = our_clock;
	REQUIRE(begin("retries: 0, attempt_timeout: 50s, first_token_timeout: 50s"));
	place_script(&p, "alpha", "200;latency=50s");
	CHECK_INT(ask_start(&p, &ask, PLAIN), 0);
	place_rest(&p, 50);
	CHECK_INT(ask.starts, 0);
	clock_ms += 60 * 1000;
	weir_gateway_wake(p.gateway);
	ask_wait(&ask);
	CHECK_INT(ask.status, 200);
	CHECK(strncmp(ask.target, "beta/m2", 7) == 0);
	CHECK(strstr(told[0], "slow") != NULL);
	end();
}

TEST_MAIN
