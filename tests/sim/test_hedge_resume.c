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

/* Each has its own clocks; the one that runs out is dropped. */
TEST(the_second_attempt_has_its_own_clocks)
{
	CHECK_STR(hedge(TARGETS({ "a", LINES(CONNECT(1), TOKEN(9000), RESULT(1, OK)) },
				{ "b", LINES(SILENCE) })),
		  "[    0] start -> try a\n"
		  "[  512] hedge -> hedge b\n"
		  "[ 3512] connect_timeout -> drop attempt 1\n"
		  "[ 9001] token -> relay a\n"
		  "[ 9002] ok -> finish ok\n");
}

TEST(nobody_hedges_who_did_not_opt_in)
{
	hedge_as(&plain, TARGETS({ "a", LINES(CONNECT(1)) }, { "b", ANSWERS }));
	CHECK(!world.tries[1].hedge);
	CHECK_INT(world.finish.final, WEIR_FINAL_OK);
}

/* Members that are set aside are gone past without a word: it is no move yet. */
TEST(a_hedge_tells_nothing_of_who_is_set_aside)
{
	hedge(TARGETS({ "a", LINES(CONNECT(1)) }, { "b", ANSWERS }, { "c", ANSWERS }));
	world.healths[1][0].bench = (struct weir_bench){ .until_ms = WEIR_NEVER, .stated = true };
	world.hedges.tokens = WEIR_HEDGE_REQUESTS - 1; /* and this request */
	world.healths[0][0].latency[1].asked_ms = 0;
	usually_400_ms();
	world.cursor[0] = world.targets[0].lines;
	CHECK_STR(again(0), "[    0] start -> try a\n"
			    "[  512] hedge -> hedge c\n"
			    "[  812] token -> relay c\n"
			    "[  862] ok -> finish ok\n");
	CHECK_INT(world.hedges.tokens, 0);
}

/* It draws on the first one's retry budget, and there must be some. */
TEST(a_hedge_costs_a_retry)
{
	uint32_t before;

	hedge(TARGETS({ "a", LINES(CONNECT(1), TOKEN(900), RESULT(1, OK)) },
		      { "b", LINES(CONNECT(1)) }));
	CHECK_INT(world.tries_n, 2);
	before = WEIR_BUDGET_BURST * WEIR_BUDGET_PER_RETRY;
	CHECK_INT(world.models[0].budget.tokens, before - WEIR_BUDGET_PER_RETRY + 1);
	while (weir_budget_spend(&world.models[0].budget, world.now_ms))
		continue;
	world.hedges.tokens = WEIR_HEDGE_REQUESTS;
	usually_400_ms();
	world.cursor[0] = world.targets[0].lines;
	again(0);
	CHECK_INT(world.tries_n, 1);
}

TEST(without_a_budget_for_hedges_none_is_made)
{
	build(&hedged, TARGETS({ "a", LINES(SILENCE) }, { "b", LINES(SILENCE) }));
	world.plan.hedges = NULL;
	usually_400_ms();
	feed((struct weir_event){ .type = WEIR_EV_START });
	world.now_ms = weir_failover_deadline(&world.failover);
	CHECK_INT(world.failover.clock.timer, WEIR_TIMER_HEDGE);
	CHECK_INT(feed((struct weir_event){ .type = WEIR_EV_TIMEOUT }).type, WEIR_DO_NOTHING);
	CHECK_INT(world.failover.clock.timer, WEIR_TIMER_CONNECT);
}

/* So late that the deadline has passed, too: nothing is begun any more. */
TEST(a_hedge_after_the_deadline_is_none)
{
	for (unsigned late_ms = 0; late_ms < 2; late_ms++) {
		struct weir_action a;

		build(&hedged, TARGETS({ "a", LINES(SILENCE) }, { "b", LINES(SILENCE) }));
		world.hedges.tokens = WEIR_HEDGE_REQUESTS;
		usually_400_ms();
		feed((struct weir_event){ .type = WEIR_EV_START });
		CHECK_INT(world.failover.clock.timer, WEIR_TIMER_HEDGE);
		world.now_ms = world.failover.walk.give_up_ms + late_ms;
		a = feed((struct weir_event){ .type = WEIR_EV_TIMEOUT });
		CHECK_INT(a.type, WEIR_DO_FINISH);
		CHECK_INT(a.final, WEIR_FINAL_DEADLINE);
	}
}

static void open_second(void)
{
	world.healths[1][0].breaker.state = WEIR_BREAKER_OPEN;
	world.healths[1][0].breaker.until_ms = world.now_ms;
	world.models[1].open_n = 1;
}

/* A probe that was cancelled has found out nothing. */
TEST(a_cancelled_hedge_is_no_good_probe)
{
	for (unsigned hangup = 0; hangup < 2; hangup++) {
		build(&hedged, TARGETS({ "a", LINES(SILENCE) }, { "b", LINES(SILENCE) }));
		world.hedges.tokens = WEIR_HEDGE_REQUESTS;
		usually_400_ms();
		feed((struct weir_event){ .type = WEIR_EV_START });
		open_second();
		world.now_ms = weir_failover_deadline(&world.failover);
		CHECK_INT(feed((struct weir_event){ .type = WEIR_EV_TIMEOUT }).type, WEIR_DO_HEDGE);
		CHECK(world.healths[1][0].breaker.probing);
		feed((struct weir_event){ .type = hangup ? WEIR_EV_HANGUP : WEIR_EV_COMMIT });
		CHECK(!world.healths[1][0].breaker.probing);
		CHECK_INT(world.healths[1][0].breaker.probes_good, 0);
	}
	build(&plain, TARGETS({ "b", LINES(SILENCE) }, { "a", LINES(SILENCE) }));
	world.healths[0][0].breaker.state = WEIR_BREAKER_OPEN;
	world.healths[0][0].breaker.until_ms = world.now_ms;
	feed((struct weir_event){ .type = WEIR_EV_START });
	CHECK(world.healths[0][0].breaker.probing);
	feed((struct weir_event){ .type = WEIR_EV_HANGUP });
	CHECK_INT(world.healths[0][0].breaker.probes_good, 0);
	CHECK(!world.healths[0][0].breaker.probing);
}

/* Opted out of refusals for content: what one refuses the other may answer. */
TEST(a_refusal_for_content_leaves_the_other_attempt)
{
	static const struct weir_plan plan = { PLAN, .hedge = true, .policy_next = true,
					       .steps = { STEP, STEP, STEP } };

	CHECK_STR(hedge_as(&plan, TARGETS({ "a", LINES(CONNECT(1),
						       WITH(700, CALLER, .content_policy = true)) },
					  { "b", LINES(TOKEN(900), RESULT(1, OK)) })),
		  "[    0] start -> try a\n"
		  "[  512] hedge -> hedge b\n"
		  "[  701] caller -> drop attempt 0\n"
		  "[ 1412] token -> relay b\n"
		  "[ 1413] ok -> finish ok\n");
}

/* Of two windows that were too small the larger one says who may be next. */
TEST(the_larger_of_two_windows_counts)
{
	CHECK_STR(hedge(TARGETS({ "a", LINES(CONNECT(1), WITH(700, NOT_HERE, .overflow = true)),
				  .context_tokens = 16000 },
				{ "b", LINES(CONNECT(1), WITH(900, NOT_HERE, .overflow = true)),
				  .context_tokens = 8000 },
				{ "c", ANSWERS, .context_tokens = 12000 })),
		  "[    0] start -> try a\n"
		  "[  512] hedge -> hedge b\n"
		  "[  701] not_here -> drop attempt 0\n"
		  "[ 1413] not_here -> finish own\n");
}

TEST(at_the_deadline_no_attempt_is_left)
{
	static const struct weir_timers patient = { 500000, 500000, 500000, 500000 };
	static const struct weir_plan plan = { .max_attempts = 4,
					       .stream = true,
					       .hedge = true,
					       .deadline_ms = 2000,
					       .steps = { { .timers = &patient },
							  { .timers = &patient } } };

	CHECK_STR(hedge_as(&plan, TARGETS({ "a", LINES(RESULT(2000, OVERLOADED)) },
					  { "b", LINES(SILENCE), .beside = true })),
		  "[    0] start -> try a\n"
		  "[  512] hedge -> hedge b\n"
		  "[ 2000] overloaded -> finish deadline\n");
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

/* Beside what goes on with a stream nothing is begun. */
TEST(a_resumed_stream_is_not_hedged)
{
	static const struct weir_plan plan = { PLAN, .hedge = true, .resume = true,
					       .steps = { STEP, STEP, STEP } };

	start(&plan, TARGETS({ "a", LINES(SILENCE) }, { "b", LINES(SILENCE) }, { "c", ANSWERS }));
	world.hedges.tokens = WEIR_HEDGE_REQUESTS;
	for (unsigned i = 0; i < 20; i++)
		weir_latency_add(&world.healths[1][0].latency[1], 400, world.now_ms);
	feed((struct weir_event){ .type = WEIR_EV_COMMIT });
	feed((struct weir_event){
		.type = WEIR_EV_RESULT, .outcome = WEIR_OUT_CUT, .can_resume = true });
	CHECK_INT(world.failover.state, WEIR_ST_TRYING);
	CHECK_INT(world.failover.clock.timer, WEIR_TIMER_CONNECT);
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
