/* The opt-ins: a second attempt beside the first, and a cut stream gone on from. */
#include "traces.h"

static const struct weir_plan hedged = { PLAN, .hedge = true, .steps = { STEP, STEP, STEP } };

static void usually_400_ms(void)
{
	weir_latency_init(&world.healths[0][0].latency[1]);
	for (unsigned i = 0; i < 20; i++)
		weir_latency_add(&world.healths[0][0].latency[1], 400, world.now_ms);
}

/* A world whose first target usually takes 400 ms, and whose budget allows a hedge. */
static const char *hedge_as(const struct weir_plan *plan, const struct weir_world_target *targets)
{
	world = (struct weir_world){
		.plan = *plan,
		.targets = targets,
		.seed = 1,
		.hangup_ms = WEIR_NEVER,
		.room_ms = WEIR_NEVER,
		.now_ms = 1000000,
	};
	weir_world_init(&world);
	usually_400_ms();
	for (unsigned i = 0; i < WEIR_HEDGE_REQUESTS; i++)
		weir_hedges_request(&world.hedges);
	weir_world_run(&world);
	return world.trace;
}

static const char *hedge(const struct weir_world_target *targets)
{
	return hedge_as(&hedged, targets);
}

TEST(a_hedge_that_wins)
{
	hedge(TARGETS({ "a", LINES(CONNECT(1)) }, { "b", ANSWERS }));
	CHECK_INT(world.tries_n, 2);
	CHECK(world.tries[1].hedge && world.tries[1].target == 1);
	CHECK(world.tries[1].began_ms - world.began_ms >= 400);
	CHECK(world.tries[1].began_ms - world.began_ms < 600);
	CHECK_INT(world.finish.final, WEIR_FINAL_OK);
	CHECK_INT(world.failover.spot.step, 1);
	CHECK_INT(world.healths[0][0].inflight + world.healths[1][0].inflight, 0);
	CHECK_INT(world.healths[0][0].breaker.row, 0);
}

TEST(a_hedge_that_loses)
{
	hedge(TARGETS({ "a", LINES(CONNECT(1), TOKEN(700), RESULT(1, OK)) },
		      { "b", LINES(CONNECT(1)) }));
	CHECK_INT(world.tries_n, 2);
	CHECK_INT(world.failover.spot.step, 0);
	CHECK_INT(world.failover.fallbacks, 0);
	CHECK_INT(world.finish.final, WEIR_FINAL_OK);
}

/* Either of the two may fail: the other one goes on, and then the chain does. */
TEST(a_hedge_or_its_first_may_fail)
{
	hedge(TARGETS({ "a", LINES(CONNECT(1), RESULT(700, OVERLOADED)) },
		      { "b", LINES(CONNECT(1), TOKEN(900), RESULT(1, OK)) }));
	CHECK_INT(world.finish.final, WEIR_FINAL_OK);
	CHECK_INT(world.tries_n, 2);
	hedge(TARGETS({ "a", LINES(CONNECT(1), TOKEN(900), RESULT(1, OK)) },
		      { "b", LINES(CONNECT(1), RESULT(10, OVERLOADED)) }));
	CHECK_INT(world.finish.final, WEIR_FINAL_OK);
	CHECK_INT(world.tries_n, 2);
	hedge(TARGETS({ "a", LINES(CONNECT(1), RESULT(700, OVERLOADED)) },
		      { "b", LINES(CONNECT(1), RESULT(900, OVERLOADED)) }, { "c", ANSWERS }));
	CHECK_INT(world.finish.final, WEIR_FINAL_OK);
	CHECK_INT(world.tries_n, 3);
	hedge(TARGETS({ "a", LINES(CONNECT(1)) }, { "b", LINES(CONNECT(1), RESULT(900, CALLER)) },
		      { "c", ANSWERS }));
	CHECK_INT(world.finish.final, WEIR_FINAL_OWN);
	CHECK_INT(world.tries_n, 2);
}

/* The first one failed: who answers is another target, as after any other move. */
TEST(a_hedge_that_goes_on_alone_is_a_fallback)
{
	hedge(TARGETS({ "a", LINES(CONNECT(1), RESULT(700, OVERLOADED)) },
		      { "b", LINES(CONNECT(1), TOKEN(900), RESULT(1, OK)) }));
	CHECK_INT(world.failover.fallbacks, 1);
	hedge(TARGETS({ "a", LINES(CONNECT(1)) }, { "b", ANSWERS }));
	CHECK_INT(world.failover.fallbacks, 1);
	hedge(TARGETS({ "a", LINES(CONNECT(1), TOKEN(900), RESULT(1, OK)) },
		      { "b", LINES(CONNECT(1), RESULT(10, OVERLOADED)) }));
	CHECK_INT(world.failover.fallbacks, 0);
}

/* What the first step used up of its retries is not the hedge's matter. */
TEST(a_hedge_that_goes_on_alone_has_its_own_retries)
{
	CHECK_STR(hedge(TARGETS({ "a", LINES(RESULT(10, SERVER_ERROR), CONNECT(1),
					     RESULT(700, OVERLOADED)) },
				{ "b", LINES(CONNECT(1), RESULT(900, SERVER_ERROR), TOKEN(300),
					     RESULT(50, OK)) })),
		  "[    0] start -> try a\n"
		  "[   10] server_error -> wait for a\n"
		  "[  123] wait -> try a\n"
		  "[  635] hedge -> hedge b\n"
		  "[  824] overloaded -> drop attempt 1\n"
		  "[ 1536] server_error -> wait for b\n"
		  "[ 1685] wait -> try b\n"
		  "[ 1985] token -> relay b\n"
		  "[ 2035] ok -> finish ok\n");
}

/* Side by side it would act twice. */
TEST(a_stateful_request_is_not_hedged)
{
	static const struct weir_plan stateful = { PLAN, .hedge = true, .stateful = true,
						   .steps = { STEP, STEP } };

	hedge_as(&stateful, TARGETS({ "a", LINES(CONNECT(1)) }, { "b", ANSWERS }));
	CHECK_INT(world.tries_n, 1);
}

TEST(hedges_are_one_in_twenty)
{
	unsigned hedges = 0;

	hedge(TARGETS({ "a", LINES(CONNECT(1)) }, { "b", LINES(CONNECT(1)) }));
	for (unsigned i = 0; i < 400; i++) {
		static const struct weir_world_line late[] = { CONNECT(1), TOKEN(900),
							       RESULT(1, OK), SILENCE };

		world.cursor[0] = world.cursor[1] = late;
		usually_400_ms();
		again(0);
		hedges += world.tries_n > 1;
	}
	CHECK(hedges > 0 && hedges <= 20);
}

static const struct weir_plan resumed = { PLAN, .resume = true, .steps = { STEP, STEP, STEP } };

/* Opted in, a cut stream is gone on from at the next target; the chain's own rules hold. */
TEST(a_cut_stream_is_resumed)
{
	CHECK_STR(
		run(&resumed, TARGETS({ "a", LINES(TOKEN(200), WITH(10, CUT, .can_resume = true)) },
				      { "b", ANSWERS })),
		"[    0] start -> try a\n"
		"[  200] token -> relay a\n"
		"[  210] cut -> resume at b\n"
		"[  510] token -> relay b\n"
		"[  560] ok -> finish ok\n");
	CHECK_STR(
		run(&resumed, TARGETS({ "a", LINES(TOKEN(200), WITH(10, CUT, .can_resume = true)) },
				      { "b", LINES(RESULT(10, CALLER)) },
				      { "c", LINES(TOKEN(1), WITH(1, CUT, .can_resume = true)) })),
		"[    0] start -> try a\n"
		"[  200] token -> relay a\n"
		"[  210] cut -> resume at b\n"
		"[  220] caller -> resume at c\n"
		"[  221] token -> relay c\n"
		"[  222] cut -> finish cut\n");
}

TEST(what_cannot_be_resumed_ends_honestly)
{
	CHECK_STR(run(&resumed,
		      TARGETS({ "a", LINES(TOKEN(200), RESULT(10, CUT)) }, { "b", ANSWERS })),
		  "[    0] start -> try a\n"
		  "[  200] token -> relay a\n"
		  "[  210] cut -> finish cut\n");
	CHECK_STR(run(&resumed,
		      TARGETS({ "a", LINES(TOKEN(200), WITH(10, CUT, .can_resume = true)) })),
		  "[    0] start -> try a\n"
		  "[  200] token -> relay a\n"
		  "[  210] cut -> finish cut\n");
}

/* Half of a group is down: the rest of it is stepped over as long as there is more. */
TEST(a_group_shares_its_fate)
{
	static struct weir_group region;

	region = (struct weir_group){ .models_n = 3 };
	run(&plain, TARGETS({ "a", LINES(RESULT(1, CALLER)) }, { "b", LINES(SILENCE) },
			    { "c", LINES(SILENCE) }, { "d", LINES(SILENCE) }));
	for (unsigned i = 0; i < 3; i++) {
		world.models[i].groups[0] = &region;
		world.models[i].groups_n = 1;
	}
	for (unsigned i = 1; i < 3; i++)
		for (unsigned n = 0; n < 5; n++) {
			struct weir_asking asking = { .now_ms = world.now_ms, .stream = true };
			struct weir_ending down = { .outcome = WEIR_OUT_UNREACHABLE,
						    .now_ms = world.now_ms };
			struct weir_pass pass = { NULL };

			weir_health_begin(&world.healths[i][0], &asking, &pass);
			weir_health_end(&pass, &down, &world.rng);
		}
	CHECK_INT(region.tripped_n, 2);
	again(0);
	CHECK_INT(world.tries[0].target, 3);
	CHECK_INT(world.failover.walk.passed[0].leave, WEIR_LEAVE_GROUP);
}

TEST_MAIN
