/* What one request learns of a target, the next one knows. */
#include "traces.h"

/* A chain of one target with one key. A bench chooses between alternatives: where there is
 * none, it is tried all the same. */
TEST(a_key_that_failed_on_a_guess_is_never_locked_out)
{
	run(&plain, TARGETS({ "a", LINES(RESULT(10, RATE_LIMITED), RESULT(10, QUOTA),
					 RESULT(10, CREDENTIALS), RESULT(10, SERVER_ERROR),
					 RESULT(10, SERVER_ERROR), TOKEN(300), RESULT(50, OK)) }));
	CHECK_STR(world.trace, "[    0] start -> try a\n"
			       "[   10] rate_limited -> finish rate_limited, retry after 5000ms\n");
	CHECK_STR(again(100), "[    0] start -> try a\n"
			      "[   10] quota -> finish quota, retry after 600000ms\n");
	CHECK_STR(again(100), "[    0] start -> try a\n"
			      "[   10] credentials -> finish exhausted\n");
	CHECK_STR(again(100), "[    0] start -> try a\n"
			      "[   10] server_error -> wait for a\n"
			      "[  123] wait -> try a\n"
			      "[  133] server_error -> finish exhausted\n");
	CHECK_STR(again(100), "[    0] start -> try a\n"
			      "[  300] token -> relay a\n"
			      "[  350] ok -> finish ok\n");
}

/* Set aside with a stated time and nothing else left: waited out if it is soon, else an
 * honest 429 without a call. */
TEST(a_stated_bench_holds_for_the_next_request)
{
	static const struct weir_world_line soon[] = { WITH(10, RATE_LIMITED, AFTER(8000)),
						       WITH(10, RATE_LIMITED, AFTER(30000)),
						       TOKEN(300), RESULT(50, OK), SILENCE };

	run(&plain, TARGETS({ "a", soon }));
	CHECK_STR(world.trace,
		  "[    0] start -> try a\n"
		  "[   10] rate_limited -> wait for a\n"
		  "[ 8010] wait -> try a\n"
		  "[ 8020] rate_limited -> finish rate_limited, retry after 30000ms\n");
	CHECK_STR(again(15000), "[    0] start -> finish rate_limited, retry after 15000ms\n");
	CHECK_INT(world.tries_n, 0);
	CHECK_STR(again(6000), "[    0] start -> wait for a\n"
			       "[ 9000] wait -> try a\n"
			       "[ 9300] token -> relay a\n"
			       "[ 9350] ok -> finish ok\n");
}

/* Back at the first step after the wait, its retries are its own again. */
TEST(who_was_waited_for_may_be_retried)
{
	static const struct weir_plan plan = { .max_attempts = 8,
					       .deadline_ms = 120000,
					       .stream_ms = 600000,
					       .steps = { STEP, STEP } };

	CHECK_STR(run(&plan,
		      TARGETS({ "a", LINES(WITH(20, RATE_LIMITED, AFTER(4000)),
					   RESULT(10, SERVER_ERROR), TOKEN(1), RESULT(1, OK)) },
			      { "b", LINES(RESULT(10, SERVER_ERROR), RESULT(10, SERVER_ERROR)) })),
		  "[    0] start -> try a\n"
		  "[   20] rate_limited -> try b\n"
		  "[   30] server_error -> wait for b\n"
		  "[  143] wait -> try b\n"
		  "[  153] server_error -> wait for a\n"
		  "[ 4020] wait -> try a\n"
		  "[ 4030] server_error -> wait for a\n"
		  "[ 4225] wait -> try a\n"
		  "[ 4226] token -> relay a\n"
		  "[ 4227] ok -> finish ok\n");
}

/* Else one caller's haste would be everybody's outage. */
TEST(a_caller_in_haste_is_no_target_s_fault)
{
	static const struct weir_plan hasty = { .max_attempts = 4,
						.hurried = true,
						.deadline_ms = 100,
						.stream_ms = 600000,
						.steps = { STEP } };

	run(&hasty, TARGETS({ "a", LINES(SILENCE) }));
	for (unsigned i = 0; i < 20; i++)
		CHECK_STR(again(0), "[    0] start -> try a\n"
				    "[  100] deadline -> finish deadline\n");
	CHECK_INT(world.healths[0][0].failures, 0);
	world.plan.deadline_ms = 6000; /* its own clock runs out first */
	for (unsigned i = 0; i < WEIR_BREAKER_ROW; i++)
		CHECK_STR(again(0), "[    0] start -> try a\n"
				    "[ 3000] connect_timeout -> finish deadline\n");
	CHECK_INT(world.healths[0][0].breaker.state, WEIR_BREAKER_OPEN);
}

/* However slowly it is read, or however much there is to say. */
TEST(a_stream_that_goes_on_for_too_long_is_no_failure)
{
	static const struct weir_plan plan = { .max_attempts = 4,
					       .stream = true,
					       .deadline_ms = 120000,
					       .stream_ms = 40000,
					       .steps = { STEP } };

	run(&plan, TARGETS({ "a", LINES(TOKEN(1), MORE(20000), MORE(19000), SILENCE) }));
	CHECK_STR(world.trace, "[    0] start -> try a\n"
			       "[    1] token -> relay a\n"
			       "[40001] stream_timeout -> finish cut\n");
	CHECK_INT(world.healths[0][0].failures, 0);
	CHECK_INT(world.healths[0][0].inflight, 0);
}

/* Of a target that is known, what is unusual for it counts. */
TEST(a_caller_in_haste_may_have_waited_long_enough)
{
	static const struct weir_plan hasty = { .max_attempts = 4,
						.hurried = true,
						.deadline_ms = 900,
						.stream_ms = 600000,
						.steps = { STEP } };

	run(&hasty, TARGETS({ "a", LINES(SILENCE) }));
	for (unsigned i = 0; i < 20; i++)
		weir_latency_add(&world.healths[0][0].latency[0], 300, 1000);
	for (unsigned i = 0; i < WEIR_BREAKER_ROW; i++)
		again(0);
	CHECK_INT(world.healths[0][0].breaker.state, WEIR_BREAKER_OPEN);
}

/* It cannot be waited for within the deadline: said at once. */
TEST(a_stated_bench_beyond_the_deadline_is_not_waited_for)
{
	static const struct weir_plan plan = {
		.max_attempts = 4, .deadline_ms = 3000, .stream_ms = 600000, .steps = { STEP }
	};

	run(&plan,
	    TARGETS({ "a", LINES(WITH(10, RATE_LIMITED, AFTER(8000)), TOKEN(1), RESULT(1, OK)) }));
	CHECK_STR(again(1000), "[    0] start -> finish rate_limited, retry after 7000ms\n");
	CHECK_STR(again(5000), "[    0] start -> wait for a\n"
			       "[ 2000] wait -> try a\n"
			       "[ 2001] token -> relay a\n"
			       "[ 2002] ok -> finish ok\n");
}

/* A stream's end brings no news of limits: what its head said is older than that. */
TEST(limits_are_learned_when_they_come)
{
	static const struct weir_limits_news none_left = {
		.requests_known = true,
		.requests_left = 0,
		.requests_reset_ms = 5000,
	};

	run(&plain, TARGETS({ "a", LINES(TOKEN(1), WITH(60000, OK, .limits = none_left), TOKEN(1),
					 RESULT(1, OK)) }));
	again(0);
	CHECK_INT(world.finish.final, WEIR_FINAL_OK);
	CHECK_INT(world.tries[0].began_ms - world.began_ms, 0);
	/* The head of an error does. */
	run(&plain, TARGETS({ "a", LINES(WITH(10, CALLER, .limits = none_left)) },
			    { "b", LINES(TOKEN(1), RESULT(1, OK)) }));
	CHECK_STR(again(0), "[    0] start -> try b, past a benched\n"
			    "[    1] token -> relay b\n"
			    "[    2] ok -> finish ok\n");
}

/* As long as there is somebody else, a bench diverts: at once, and told as a move. */
TEST(a_bench_is_stepped_over)
{
	run(&plain, TARGETS({ "a", LINES(WITH(10, RATE_LIMITED, AFTER(30000)), TOKEN(300),
					 RESULT(50, OK)) },
			    { "b", LINES(TOKEN(1), RESULT(1, OK), TOKEN(1), RESULT(1, OK)) }));
	CHECK_STR(again(100), "[    0] start -> try b, past a benched\n"
			      "[    1] token -> relay b\n"
			      "[    2] ok -> finish ok\n");
	CHECK_INT(world.failover.fallbacks, 1);
	CHECK_STR(again(30000), "[    0] start -> try a\n"
				"[  300] token -> relay a\n"
				"[  350] ok -> finish ok\n");
}

/* A 429 without a hint: 5 s, then 10, 20, 40, 60; one success begins anew. */
TEST(guesses_double_until_a_success)
{
	static const uint64_t expected[] = { 5000, 10000, 20000, 40000, 60000, 60000 };
	static const struct weir_world_line limited[] = { RESULT(0, RATE_LIMITED),
							  RESULT(0, RATE_LIMITED),
							  RESULT(0, RATE_LIMITED),
							  RESULT(0, RATE_LIMITED),
							  RESULT(0, RATE_LIMITED),
							  RESULT(0, RATE_LIMITED),
							  TOKEN(0),
							  RESULT(0, OK),
							  RESULT(0, RATE_LIMITED),
							  SILENCE };

	run(&plain, TARGETS({ "a", limited }));
	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
		if (i)
			again(60001);
		CHECK_INT(world.finish.retry_after_ms, expected[i]);
	}
	again(60001);
	CHECK_INT(world.finish.final, WEIR_FINAL_OK);
	again(0);
	CHECK_INT(world.finish.retry_after_ms, 5000);
}

/* An unknown model at one provider is set aside for all its keys, and nobody else. */
TEST(an_unknown_model_benches_the_model)
{
	run(&plain, TARGETS({ "a", LINES(WITH(10, NOT_HERE, .model_unknown = true)), .keys = 2 },
			    { "b", LINES(TOKEN(1), RESULT(1, OK), TOKEN(1), RESULT(1, OK)) }));
	CHECK_INT(world.tries_n, 2);
	CHECK_STR(again(1000), "[    0] start -> try b, past a#1 benched\n"
			       "[    1] token -> relay b\n"
			       "[    2] ok -> finish ok\n");
}

/* Two keys, one of them exhausted: the request moves on, and nobody asks it until then. */
TEST(an_exhausted_key_is_skipped_until_its_reset)
{
	static const struct weir_world_line script[] = { WITH(10, RATE_LIMITED, AFTER(60000)),
							 TOKEN(1),
							 RESULT(1, OK),
							 TOKEN(1),
							 RESULT(1, OK),
							 TOKEN(1),
							 RESULT(1, OK),
							 TOKEN(1),
							 RESULT(1, OK),
							 TOKEN(1),
							 RESULT(1, OK),
							 SILENCE };
	unsigned first = 0;

	run(&plain, TARGETS({ "a", script, .keys = 2 }));
	CHECK_STR(world.trace, "[    0] start -> try a#1\n"
			       "[   10] rate_limited -> try a#2\n"
			       "[   11] token -> relay a#2\n"
			       "[   12] ok -> finish ok\n");
	for (unsigned i = 0; i < 2; i++) {
		again(20000);
		CHECK_INT(world.tries[0].key, 1);
		CHECK_INT(world.tries_n, 1);
	}
	for (unsigned i = 0; i < 2; i++) {
		again(20000);
		first += world.tries[0].key == 0;
	}
	CHECK_INT(first, 1);
}

/* What its headers say is left is counted down: never a 429 for what was known. */
TEST(a_key_known_to_be_exhausted_is_not_asked)
{
	static const struct weir_limits_news last_one = {
		.requests_known = true,
		.requests_left = 0,
		.requests_reset_ms = 5000,
	};

	run(&plain, TARGETS({ "a", LINES({ 1, { .type = WEIR_EV_COMMIT, .limits = last_one } },
					 RESULT(1, OK), TOKEN(1), RESULT(1, OK)) },
			    { "b", LINES(TOKEN(1), RESULT(1, OK)) }));
	CHECK_STR(again(1000), "[    0] start -> try b, past a benched\n"
			       "[    1] token -> relay b\n"
			       "[    2] ok -> finish ok\n");
	again(4000);
	CHECK_INT(world.tries[0].target, 0);
}

#define DOWN RESULT(0, UNREACHABLE)

/* Five in a row open the breaker, within the request that brings the fifth: it does not
 * try again there. Then one probe, and a second one, close it. */
TEST(a_breaker_opens_probes_and_closes)
{
	static const struct weir_world_line dies[] = { DOWN,           DOWN,      DOWN,
						       DOWN,           DOWN,      TOKEN(10),
						       RESULT(10, OK), TOKEN(10), RESULT(10, OK),
						       SILENCE };
	static const struct weir_world_line serves[] = {
		TOKEN(1), RESULT(1, OK), TOKEN(1), RESULT(1, OK), TOKEN(1), RESULT(1, OK),
		TOKEN(1), RESULT(1, OK), TOKEN(1), RESULT(1, OK), SILENCE
	};

	run(&plain, TARGETS({ "a", dies }, { "b", serves }));
	CHECK_INT(world.tries_n, 3);
	again(0);
	CHECK_INT(world.tries_n, 3);
	CHECK_STR(again(0), "[    0] start -> try a\n"
			    "[    0] unreachable -> try b\n"
			    "[    1] token -> relay b\n"
			    "[    2] ok -> finish ok\n");
	CHECK_INT(world.healths[0][0].breaker.state, WEIR_BREAKER_OPEN);
	CHECK_STR(again(100), "[    0] start -> try b, past a breaker_open\n"
			      "[    1] token -> relay b\n"
			      "[    2] ok -> finish ok\n");
	for (unsigned i = 0; i < 2; i++) {
		again(i ? 0 : 1300);
		CHECK_INT(world.tries[0].target, 0);
		CHECK_INT(world.healths[0][0].breaker.state,
			  i ? WEIR_BREAKER_CLOSED : WEIR_BREAKER_HALF_OPEN);
	}
}

/* All of them are open: an answer at once, and one call per target and second. */
TEST(when_all_are_open_one_call_a_second)
{
	static const struct weir_world_line down[] = { DOWN, DOWN, DOWN, DOWN,   DOWN,
						       DOWN, DOWN, DOWN, SILENCE };
	unsigned calls = 0;

	run(&plain, TARGETS({ "a", down }));
	while (world.healths[0][0].breaker.state == WEIR_BREAKER_CLOSED)
		again(0);
	CHECK_STR(again(100), "[    0] start -> finish unusable, retry after 878ms\n");
	for (unsigned i = 0; i < 30; i++) {
		again(100);
		calls += world.tries_n;
	}
	CHECK(calls >= 1 && calls <= 3);
}

/* A probe that is cancelled, or answered with the caller's mistake, wedges nothing. */
TEST(a_probe_without_a_verdict_is_given_back)
{
	static const struct weir_world_line dies[] = {
		DOWN, DOWN, DOWN, DOWN, DOWN, RESULT(10, CALLER), TOKEN(10), RESULT(10, OK), SILENCE
	};
	static const struct weir_world_line serves[] = {
		TOKEN(1),      RESULT(1, OK), TOKEN(1),      RESULT(1, OK), TOKEN(1),
		RESULT(1, OK), TOKEN(1),      RESULT(1, OK), SILENCE
	};

	run(&plain, TARGETS({ "a", dies }, { "b", serves }));
	while (world.healths[0][0].breaker.state == WEIR_BREAKER_CLOSED)
		again(0);
	world.hangup_ms = 5;
	again(2000);
	CHECK(world.abandoned);
	CHECK(!world.healths[0][0].breaker.probing);
	world.hangup_ms = WEIR_NEVER;
	again(0);
	CHECK_INT(world.tries[0].target, 0);
	CHECK(!world.healths[0][0].breaker.probing);
	CHECK_INT(world.healths[0][0].inflight, 0);
}

/* The caller's fault and the caller's leaving never count. */
TEST(what_does_not_count_opens_nothing)
{
	run(&plain, TARGETS({ "a", LINES(RESULT(5, CALLER)) }));
	for (unsigned i = 0; i < 20; i++) {
		world.cursor[0] = world.targets[0].lines;
		world.hangup_ms = i % 2 ? 1 : WEIR_NEVER;
		again(0);
	}
	CHECK_INT(world.healths[0][0].breaker.state, WEIR_BREAKER_CLOSED);
	CHECK_INT(world.healths[0][0].breaker.row, 0);
}

/* A provider that is down takes all its keys along: the keys are not tried out one by one,
 * and there is one probe for all of them. */
TEST(all_keys_of_a_dead_provider_open_at_once)
{
	static const struct weir_world_line dies[] = { DOWN, DOWN, DOWN, DOWN, DOWN,   DOWN,
						       DOWN, DOWN, DOWN, DOWN, SILENCE };
	static const struct weir_plan plan = { .max_attempts = 4,
					       .deadline_ms = 120000,
					       .stream_ms = 600000,
					       .steps = { { .timers = &usual },
							  { .timers = &usual } } };
	static struct weir_world_line serves[2 * 40 + 1];
	unsigned calls = 0;

	for (unsigned i = 0; i < 40; i++) {
		serves[2 * i] = (struct weir_world_line)TOKEN(1);
		serves[2 * i + 1] = (struct weir_world_line)RESULT(1, OK);
	}
	serves[80] = (struct weir_world_line)SILENCE;
	run(&plan, TARGETS({ "a", dies, .keys = 8 }, { "b", serves }));
	for (unsigned i = 0; i < 30; i++)
		again(10);
	for (unsigned k = 0; k < 8; k++)
		CHECK_INT(world.healths[0][k].breaker.state, WEIR_BREAKER_OPEN);
	CHECK_INT(world.healths[0][0].attempts + world.healths[0][1].attempts +
			  world.healths[0][2].attempts + world.healths[0][3].attempts +
			  world.healths[0][4].attempts + world.healths[0][5].attempts +
			  world.healths[0][6].attempts + world.healths[0][7].attempts,
		  WEIR_BREAKER_ROW);
	again(1500); /* the probe of one key, which fails, speaks for all */
	CHECK_INT(world.tries[0].target, 0);
	for (unsigned i = 0; i < 5; i++) {
		again(1);
		calls += world.tries[0].target == 0;
	}
	CHECK_INT(calls, 0);
}

/* One bad key among good ones stays one bad key. */
TEST(a_bad_key_does_not_take_the_good_one_along)
{
	struct weir_rng rng;

	run(&plain, TARGETS({ "a", LINES(TOKEN(1), RESULT(1, OK)), .keys = 2 }));
	weir_rng_init(&rng, 1);
	for (unsigned i = 0; i < 20; i++) {
		struct weir_asking asking = { .now_ms = world.now_ms };
		struct weir_ending end = { .now_ms = world.now_ms,
					   .outcome = i % 2 ? WEIR_OUT_OK : WEIR_OUT_SERVER_ERROR };
		struct weir_pass pass = { NULL };

		weir_health_begin(&world.healths[0][i % 2], &asking, &pass);
		if (i % 2)
			weir_health_commit(&pass, world.now_ms);
		weir_health_end(&pass, &end, &rng);
	}
	CHECK_INT(world.healths[0][0].breaker.state, WEIR_BREAKER_OPEN);
	CHECK_INT(world.healths[0][1].breaker.state, WEIR_BREAKER_CLOSED);
}

/* What a request may cost is a guess: who has less left is second best, not out. */
TEST(tokens_that_may_not_do_are_second_best)
{
	static const struct weir_limits_news few = {
		.tokens_known = true,
		.tokens_left = 1000,
		.tokens_reset_ms = 60000,
	};
	static const struct weir_plan plan = { PLAN, .tokens = 5000, .steps = { STEP, STEP } };

	run(&plan, TARGETS({ "a", LINES({ 1, { .type = WEIR_EV_COMMIT, .limits = few } },
					RESULT(1, OK), TOKEN(1), RESULT(1, OK)) },
			   { "b", LINES(TOKEN(1), RESULT(1, OK)) }));
	CHECK_STR(again(100), "[    0] start -> try b, past a tokens_short\n"
			      "[    1] token -> relay b\n"
			      "[    2] ok -> finish ok\n");
	run(&plan, TARGETS({ "a", LINES({ 1, { .type = WEIR_EV_COMMIT, .limits = few } },
					RESULT(1, OK), TOKEN(1), RESULT(1, OK)) }));
	again(100);
	CHECK_INT(world.finish.final, WEIR_FINAL_OK);
}

/* A pool: another region first, then the next step; its other keys are not asked when it is
 * the target that is down. */
TEST(a_pool_is_left_for_another_member_first)
{
	CHECK_STR(run(&plain, TARGETS({ "a", LINES(RESULT(10, OVERLOADED)), .keys = 2 },
				      { "b", LINES(RESULT(10, OVERLOADED)), .beside = true },
				      { "c", ANSWERS })),
		  "[    0] start -> try b\n"
		  "[   10] overloaded -> try a#1\n"
		  "[   20] overloaded -> try c\n"
		  "[  320] token -> relay c\n"
		  "[  370] ok -> finish ok\n");
}

/* Everybody is at his cap: a short wait, and whoever has room first. */
TEST(a_request_waits_for_room)
{
	world = (struct weir_world){
		.plan = plain,
		.targets = TARGETS({ "a", ANSWERS, .at_cap = true }),
		.seed = 1,
		.hangup_ms = WEIR_NEVER,
		.room_ms = 400,
	};
	weir_world_init(&world);
	weir_world_run(&world);
	CHECK_STR(world.trace, "[    0] start -> queue\n"
			       "[  400] room -> try a\n"
			       "[  700] token -> relay a\n"
			       "[  750] ok -> finish ok\n");
	CHECK_INT(world.queue.n, 0);
}

/* Not even whoever would be tried for want of anybody else. */
TEST(nobody_is_tried_when_the_deadline_passes_in_the_queue)
{
	static const struct weir_plan plan = {
		.max_attempts = 4, .deadline_ms = 500, .stream_ms = 600000, .steps = { STEP, STEP }
	};

	run(&plan, TARGETS({ "a", LINES(SILENCE), .at_cap = true }, { "b", LINES(SILENCE) }));
	world.healths[1][0].bench = (struct weir_bench){ .until_ms = world.now_ms + 60000,
							 .why = WEIR_OUT_RATE_LIMITED };
	CHECK_STR(again(0), "[    0] start -> queue\n"
			    "[  500] deadline -> finish deadline\n");
}

TEST(the_queue_is_bounded)
{
	run(&plain, TARGETS({ "a", ANSWERS, .at_cap = true }));
	world.queue.n = 64;
	CHECK_STR(again(0), "[    0] start -> finish unusable, retry after 1000ms\n");
	CHECK_INT(world.queue.n, 64);
	world.queue.n = 63;
	CHECK_STR(again(0), "[    0] start -> queue\n"
			    "[ 1000] queue -> finish unusable, retry after 1000ms\n");
	CHECK_INT(world.queue.n, 63);
}

/* Sent again it might act twice: only what never left may be. */
TEST(a_stateful_request_is_not_sent_twice)
{
	static const struct weir_plan plan = { PLAN, .stateful = true, .steps = { STEP, STEP } };

	CHECK_STR(run(&plan, TARGETS({ "a", LINES(WITH(1, UNREACHABLE, .unsent = true),
						  RESULT(1, UNREACHABLE)) },
				     { "b", ANSWERS })),
		  "[    0] start -> try a\n"
		  "[    1] unreachable -> wait for a\n"
		  "[  114] wait -> try a\n"
		  "[  115] unreachable -> finish exhausted\n");
	CHECK_STR(run(&plan, TARGETS({ "a", LINES(RESULT(1, OVERLOADED)) }, { "b", ANSWERS })),
		  "[    0] start -> try a\n"
		  "[    1] overloaded -> finish overloaded\n");
}

/* A step whose first token usually comes later than there is time for is stepped over. */
TEST(a_step_known_to_be_too_slow_is_stepped_over)
{
	static const struct weir_plan plan = { .max_attempts = 4,
					       .stream = true,
					       .deadline_ms = 3000,
					       .stream_ms = 600000,
					       .steps = { STEP, STEP, STEP } };

	run(&plan,
	    TARGETS({ "a", LINES(RESULT(10, OVERLOADED)) }, { "b", LINES(TOKEN(1), RESULT(1, OK)) },
		    { "c", LINES(TOKEN(1), RESULT(1, OK), TOKEN(1), RESULT(1, OK)) }));
	for (unsigned i = 0; i < 20; i++)
		weir_latency_add(&world.healths[1][0].latency[1], 5000, 1000000);
	world.cursor[0] = world.targets[0].lines;
	CHECK_STR(again(0), "[    0] start -> try a\n"
			    "[   10] overloaded -> try c, past b too_slow_for_deadline\n"
			    "[   11] token -> relay c\n"
			    "[   12] ok -> finish ok\n");
}

/* 20 s attempts under a 30 s deadline: the fallback is reached; with 800 ms left nothing is
 * begun any more. */
TEST(a_deadline_is_planned_for)
{
	static const struct weir_timers twenty = {
		.connect_timeout_ms = 3000,
		.first_token_timeout_ms = 20000,
		.attempt_timeout_ms = 20000,
		.stall_timeout_ms = 30000,
	};
	static const struct weir_plan plan = {
		.max_attempts = 4,
		.deadline_ms = 30000,
		.stream_ms = 600000,
		.steps = { { .timers = &twenty }, { .timers = &twenty }, { .timers = &twenty } }
	};

	CHECK_STR(run(&plan, TARGETS({ "a", LINES(CONNECT(1)) }, { "b", ANSWERS })),
		  "[    0] start -> try a\n"
		  "[20000] attempt_timeout -> try b\n"
		  "[20300] token -> relay b\n"
		  "[20350] ok -> finish ok\n");
	CHECK_STR(run(&plan, TARGETS({ "a", LINES(CONNECT(1), RESULT(29199, OVERLOADED)) })),
		  "[    0] start -> try a\n"
		  "[20000] attempt_timeout -> finish deadline\n");
	CHECK_STR(run(&plan, TARGETS({ "a", LINES(CONNECT(1), RESULT(14199, OVERLOADED)) },
				     { "b", LINES(CONNECT(1), RESULT(14999, OVERLOADED)) },
				     { "c", ANSWERS })),
		  "[    0] start -> try a\n"
		  "[14200] overloaded -> try b\n"
		  "[22500] attempt_timeout -> try c\n"
		  "[22800] token -> relay c\n"
		  "[22850] ok -> finish ok\n");
	CHECK_STR(run(&plan, TARGETS({ "a", LINES(CONNECT(1), RESULT(9199, OVERLOADED)) },
				     { "b", LINES(CONNECT(1), RESULT(19999, OVERLOADED)) })),
		  "[    0] start -> try a\n"
		  "[ 9200] overloaded -> try b\n"
		  "[29200] overloaded -> finish deadline\n");
}

TEST_MAIN
