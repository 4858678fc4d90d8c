/* A trace per row of the outcome table, and for each rule beside it. */
#include "traces.h"

TEST(ok)
{
	CHECK_STR(run(&plain, TARGETS({ "a", ANSWERS }, { "b", ANSWERS })),
		  "[    0] start -> try a\n"
		  "[  300] token -> relay a\n"
		  "[  350] ok -> finish ok\n");
}

/* The caller's own mistake: back at once, nobody else is asked. */
TEST(caller)
{
	CHECK_STR(run(&plain, TARGETS({ "a", LINES(RESULT(40, CALLER)) }, { "b", ANSWERS })),
		  "[    0] start -> try a\n"
		  "[   40] caller -> finish own\n");
	CHECK_INT(world.finish.own, 0);
}

TEST(content_policy_next_opts_out)
{
	static const struct weir_plan plan = { PLAN, .policy_next = true, .steps = { STEP, STEP } };

	CHECK_STR(run(&plan, TARGETS({ "a", LINES(WITH(40, CALLER, .content_policy = true)) },
				     { "b", ANSWERS })),
		  "[    0] start -> try a\n"
		  "[   40] caller -> try b\n"
		  "[  340] token -> relay b\n"
		  "[  390] ok -> finish ok\n");
}

TEST(not_here)
{
	CHECK_STR(run(&plain, TARGETS({ "a", LINES(RESULT(40, NOT_HERE)) }, { "b", ANSWERS })),
		  "[    0] start -> try a\n"
		  "[   40] not_here -> try b\n"
		  "[  340] token -> relay b\n"
		  "[  390] ok -> finish ok\n");
}

/* Its own answer is the most actionable, whatever the others said after it. */
TEST(not_here_outranks_the_rest)
{
	CHECK_STR(run(&plain, TARGETS({ "a", LINES(RESULT(40, NOT_HERE)) },
				      { "b", LINES(RESULT(10, RATE_LIMITED)) })),
		  "[    0] start -> try a\n"
		  "[   40] not_here -> try b\n"
		  "[   50] rate_limited -> finish own\n");
	CHECK_INT(world.finish.own, 0);
}

/* Nobody is known to have a larger window: the caller has to shorten it. */
TEST(context_overflow_returns_when_no_window_is_known)
{
	CHECK_STR(run(&plain, TARGETS({ "a", LINES(WITH(40, NOT_HERE, .overflow = true)) },
				      { "b", ANSWERS })),
		  "[    0] start -> try a\n"
		  "[   40] not_here -> finish own\n");
}

TEST(context_overflow_goes_to_a_larger_window)
{
	CHECK_STR(run(&plain, TARGETS({ "a", LINES(WITH(40, NOT_HERE, .overflow = true)),
					.context_tokens = 8000 },
				      { "b", ANSWERS, .context_tokens = 8000 },
				      { "c", ANSWERS, .context_tokens = 200000 })),
		  "[    0] start -> try a\n"
		  "[   40] not_here -> try c\n"
		  "[  340] token -> relay c\n"
		  "[  390] ok -> finish ok\n");
}

TEST(credentials_go_to_the_next_key)
{
	CHECK_STR(run(&plain,
		      TARGETS({ "a", LINES(RESULT(20, CREDENTIALS), TOKEN(300), RESULT(50, OK)),
				.keys = 2 },
			      { "b", ANSWERS })),
		  "[    0] start -> try a#1\n"
		  "[   20] credentials -> try a#2\n"
		  "[  320] token -> relay a#2\n"
		  "[  370] ok -> finish ok\n");
}

TEST(quota_goes_to_the_next_key_then_the_next_step)
{
	CHECK_STR(
		run(&plain, TARGETS({ "a", LINES(RESULT(20, QUOTA), RESULT(20, QUOTA)), .keys = 2 },
				    { "b", ANSWERS })),
		"[    0] start -> try a#1\n"
		"[   20] quota -> try a#2\n"
		"[   40] quota -> try b\n"
		"[  340] token -> relay b\n"
		"[  390] ok -> finish ok\n");
}

/* However many keys the first step has, the others keep their turn. */
TEST(keys_leave_an_attempt_to_each_later_step)
{
	CHECK_STR(
		run(&plain,
		    TARGETS({ "a", LINES(RESULT(20, QUOTA), RESULT(20, QUOTA)), .keys = 9 },
			    { "b", LINES(RESULT(20, CREDENTIALS)), .keys = 9 }, { "c", ANSWERS })),
		"[    0] start -> try a#1\n"
		"[   20] quota -> try a#2\n"
		"[   40] quota -> try b#1\n"
		"[   60] credentials -> try c\n"
		"[  360] token -> relay c\n"
		"[  410] ok -> finish ok\n");
}

TEST(rate_limited_moves_on_at_once)
{
	CHECK_STR(run(&plain, TARGETS({ "a", LINES(WITH(20, RATE_LIMITED, AFTER(1000))) },
				      { "b", ANSWERS })),
		  "[    0] start -> try a\n"
		  "[   20] rate_limited -> try b\n"
		  "[  320] token -> relay b\n"
		  "[  370] ok -> finish ok\n");
}

/* Everyone is limited: the caller hears the soonest honest return. */
TEST(all_rate_limited)
{
	CHECK_STR(run(&plain, TARGETS({ "a", LINES(WITH(20, RATE_LIMITED, AFTER(45000))) },
				      { "b", LINES(WITH(20, RATE_LIMITED, AFTER(30000))) })),
		  "[    0] start -> try a\n"
		  "[   20] rate_limited -> try b\n"
		  "[   40] rate_limited -> finish rate_limited, retry after 30000ms\n");
}

TEST(all_out_of_quota)
{
	CHECK_STR(run(&plain, TARGETS({ "a", LINES(RESULT(20, QUOTA)) },
				      { "b", LINES(RESULT(20, QUOTA)) })),
		  "[    0] start -> try a\n"
		  "[   20] quota -> try b\n"
		  "[   40] quota -> finish quota, retry after 599980ms\n");
}

/* Nothing else is left and it said when: waited for, once, and only if it is soon. */
TEST(a_stated_return_is_waited_out_once)
{
	CHECK_STR(run(&plain, TARGETS({ "a", LINES(WITH(20, RATE_LIMITED, AFTER(2000)), TOKEN(300),
						   RESULT(50, OK)) })),
		  "[    0] start -> try a\n"
		  "[   20] rate_limited -> wait for a\n"
		  "[ 2020] wait -> try a\n"
		  "[ 2320] token -> relay a\n"
		  "[ 2370] ok -> finish ok\n");
	CHECK_STR(run(&plain, TARGETS({ "a", LINES(WITH(20, RATE_LIMITED, AFTER(2000)),
						   WITH(20, RATE_LIMITED, AFTER(2000))) })),
		  "[    0] start -> try a\n"
		  "[   20] rate_limited -> wait for a\n"
		  "[ 2020] wait -> try a\n"
		  "[ 2040] rate_limited -> finish rate_limited, retry after 2000ms\n");
	CHECK_STR(run(&plain, TARGETS({ "a", LINES(WITH(20, RATE_LIMITED, AFTER(11000))) })),
		  "[    0] start -> try a\n"
		  "[   20] rate_limited -> finish rate_limited, retry after 11000ms\n");
}

TEST(a_429_without_a_hint_is_never_waited_for)
{
	CHECK_STR(run(&plain, TARGETS({ "a", LINES(RESULT(20, RATE_LIMITED)) })),
		  "[    0] start -> try a\n"
		  "[   20] rate_limited -> finish rate_limited, retry after 5000ms\n");
}

TEST(overloaded_goes_to_the_next_step)
{
	CHECK_STR(run(&plain, TARGETS({ "a", LINES(RESULT(120, OVERLOADED)) }, { "b", ANSWERS })),
		  "[    0] start -> try a\n"
		  "[  120] overloaded -> try b\n"
		  "[  420] token -> relay b\n"
		  "[  470] ok -> finish ok\n");
}

TEST(overloaded_as_the_last_step_is_retried)
{
	CHECK_STR(run(&plain,
		      TARGETS({ "a", LINES(RESULT(20, OVERLOADED), TOKEN(300), RESULT(50, OK)) })),
		  "[    0] start -> try a\n"
		  "[   20] overloaded -> wait for a\n"
		  "[  133] wait -> try a\n"
		  "[  433] token -> relay a\n"
		  "[  483] ok -> finish ok\n");
}

TEST(server_error_is_retried_once_then_left)
{
	CHECK_STR(run(&plain,
		      TARGETS({ "a", LINES(RESULT(10, SERVER_ERROR), RESULT(10, SERVER_ERROR)) },
			      { "b", ANSWERS })),
		  "[    0] start -> try a\n"
		  "[   10] server_error -> wait for a\n"
		  "[  123] wait -> try a\n"
		  "[  133] server_error -> try b\n"
		  "[  433] token -> relay b\n"
		  "[  483] ok -> finish ok\n");
}

/* Two seconds of waiting have been enough: no second try there. */
TEST(a_slow_failure_is_not_retried_in_place)
{
	CHECK_STR(
		run(&plain, TARGETS({ "a", LINES(RESULT(2000, SERVER_ERROR)) }, { "b", ANSWERS })),
		"[    0] start -> try a\n"
		"[ 2000] server_error -> try b\n"
		"[ 2300] token -> relay b\n"
		"[ 2350] ok -> finish ok\n");
}

TEST(unreachable_is_retried_once_then_left)
{
	CHECK_STR(
		run(&plain, TARGETS({ "a", LINES(RESULT(1, UNREACHABLE), RESULT(1, UNREACHABLE)) },
				    { "b", ANSWERS })),
		"[    0] start -> try a\n"
		"[    1] unreachable -> wait for a\n"
		"[  114] wait -> try a\n"
		"[  115] unreachable -> try b\n"
		"[  415] token -> relay b\n"
		"[  465] ok -> finish ok\n");
}

TEST(slow_connect)
{
	CHECK_STR(run(&plain, TARGETS({ "a", LINES(SILENCE) }, { "b", ANSWERS })),
		  "[    0] start -> try a\n"
		  "[ 3000] connect_timeout -> try b\n"
		  "[ 3300] token -> relay b\n"
		  "[ 3350] ok -> finish ok\n");
}

/* A stale connection cost half a second: its replacement has the whole time again, and no
 * more than that. */
TEST(slow_connect_of_a_replacement)
{
	CHECK_STR(run(&plain, TARGETS({ "a", LINES(CONNECT(0), { 500, { WEIR_EV_REPLACED } }) },
				      { "b", ANSWERS })),
		  "[    0] start -> try a\n"
		  "[ 3500] connect_timeout -> try b\n"
		  "[ 3800] token -> relay b\n"
		  "[ 3850] ok -> finish ok\n");
}

TEST(slow_first_token)
{
	CHECK_STR(run(&plain, TARGETS({ "a", LINES(CONNECT(10)) }, { "b", ANSWERS })),
		  "[    0] start -> try a\n"
		  "[20000] ttfb -> try b\n"
		  "[20300] token -> relay b\n"
		  "[20350] ok -> finish ok\n");
}

TEST(slow_whole_attempt)
{
	static const struct weir_plan plan = { .max_attempts = 4,
					       .deadline_ms = 120000,
					       .stream_ms = 600000,
					       .steps = { STEP, STEP } };

	CHECK_STR(run(&plan, TARGETS({ "a", LINES(CONNECT(10)) }, { "b", ANSWERS })),
		  "[    0] start -> try a\n"
		  "[60000] attempt_timeout -> try b\n"
		  "[60300] token -> relay b\n"
		  "[60350] ok -> finish ok\n");
}

TEST(cut_before_commit_is_like_a_server_error)
{
	CHECK_STR(run(&plain,
		      TARGETS({ "a", LINES(RESULT(10, CUT), RESULT(10, CUT)) }, { "b", ANSWERS })),
		  "[    0] start -> try a\n"
		  "[   10] cut -> wait for a\n"
		  "[  123] wait -> try a\n"
		  "[  133] cut -> try b\n"
		  "[  433] token -> relay b\n"
		  "[  483] ok -> finish ok\n");
}

TEST(cut_after_commit_is_the_end)
{
	CHECK_STR(
		run(&plain, TARGETS({ "a", LINES(TOKEN(200), RESULT(10, CUT)) }, { "b", ANSWERS })),
		"[    0] start -> try a\n"
		"[  200] token -> relay a\n"
		"[  210] cut -> finish cut\n");
}

/* Each event starts the stall clock anew. */
TEST(stall_after_commit)
{
	CHECK_STR(run(&plain, TARGETS({ "a", LINES(TOKEN(200), MORE(29000)) }, { "b", ANSWERS })),
		  "[    0] start -> try a\n"
		  "[  200] token -> relay a\n"
		  "[59200] stall_timeout -> finish cut\n");
}

TEST(repairable_first_step_is_the_callers)
{
	CHECK_STR(run(&plain, TARGETS({ "a", LINES(WITH(10, REPAIRABLE, .can_repair = true)) },
				      { "b", ANSWERS })),
		  "[    0] start -> try a\n"
		  "[   10] repairable -> finish own\n");
}

TEST(repairable_fallback_is_repaired_once)
{
	static const struct weir_plan plan = { PLAN, .repair_later = true,
					       .steps = { STEP, STEP, STEP } };

	CHECK_STR(run(&plan, TARGETS({ "a", LINES(RESULT(10, OVERLOADED)) },
				     { "b", LINES(WITH(10, REPAIRABLE, .can_repair = true),
						  WITH(10, REPAIRABLE, .can_repair = true)) },
				     { "c", ANSWERS })),
		  "[    0] start -> try a\n"
		  "[   10] overloaded -> try b\n"
		  "[   20] repairable -> repair b\n"
		  "[   30] repairable -> try c\n"
		  "[  330] token -> relay c\n"
		  "[  380] ok -> finish ok\n");
}

TEST(hangup_in_every_phase)
{
	static const struct {
		uint64_t at_ms;
		const char *trace;
	} rows[] = {
		{ 5, "[    0] start -> try a\n[    5] hangup -> abandon\n" },
		{ 60, "[    0] start -> try a\n[   10] server_error -> wait for a\n"
		      "[   60] hangup -> abandon\n" },
		{ 400, "[    0] start -> try a\n[   10] server_error -> wait for a\n"
		       "[  123] wait -> try a\n[  323] token -> relay a\n"
		       "[  400] hangup -> abandon\n" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		world = (struct weir_world){
			.plan = plain,
			.targets = TARGETS({ "a", LINES(RESULT(10, SERVER_ERROR), TOKEN(200)) },
					   { "b", ANSWERS }),
			.seed = 1,
			.hangup_ms = rows[i].at_ms,
			.room_ms = WEIR_NEVER,
		};
		weir_world_init(&world);
		weir_world_run(&world);
		CHECK_STR(world.trace, rows[i].trace);
	}
}

/* At its cap a target is passed over, and it costs no attempt. */
TEST(at_cap_is_next)
{
	CHECK_STR(run(&plain, TARGETS({ "a", ANSWERS, .at_cap = true }, { "b", ANSWERS })),
		  "[    0] start -> try b, past a at_cap\n"
		  "[  300] token -> relay b\n"
		  "[  350] ok -> finish ok\n");
	CHECK_STR(run(&plain, TARGETS({ "a", ANSWERS, .at_cap = true })),
		  "[    0] start -> queue\n"
		  "[ 1000] queue -> finish unusable, retry after 1000ms\n");
}

/* A retry in place is skipped rather than a step. */
TEST(every_later_step_keeps_one_attempt)
{
	static const struct weir_plan plan = { .max_attempts = 3,
					       .deadline_ms = 120000,
					       .stream_ms = 600000,
					       .steps = { STEP, STEP, STEP } };

	CHECK_STR(run(&plan, TARGETS({ "a", LINES(RESULT(10, SERVER_ERROR)) },
				     { "b", LINES(RESULT(10, SERVER_ERROR)) }, { "c", ANSWERS })),
		  "[    0] start -> try a\n"
		  "[   10] server_error -> try b\n"
		  "[   20] server_error -> try c\n"
		  "[  320] token -> relay c\n"
		  "[  370] ok -> finish ok\n");
}

/* num_retries: 2, fallbacks: two: three tries of the first, then both others. */
TEST(the_usual_example)
{
	static const struct weir_plan plan = {
		.max_attempts = 5,
		.deadline_ms = 120000,
		.stream_ms = 600000,
		.attempt_ms = 20000,
		.steps = { { .retries = 2, .timers = &usual },
			   { .retries = 2, .timers = &usual },
			   { .retries = 2, .timers = &usual } },
	};

	run(&plan, TARGETS({ "a", LINES(RESULT(10, SERVER_ERROR), RESULT(10, SERVER_ERROR),
					RESULT(10, SERVER_ERROR)) },
			   { "b", LINES(RESULT(10, SERVER_ERROR)) }, { "c", ANSWERS }));
	CHECK_INT(world.tries_n, 5);
	CHECK_INT(world.tries[2].step, 0);
	CHECK_INT(world.tries[3].step, 1);
	CHECK_INT(world.tries[4].step, 2);
	CHECK_INT(world.finish.final, WEIR_FINAL_OK);
}

/* The reserve lets the last step begin although the first ones ate the time. */
TEST(the_last_step_stays_reachable)
{
	static const struct weir_timers patient = {
		.connect_timeout_ms = 3000,
		.first_token_timeout_ms = 500000,
		.attempt_timeout_ms = 500000,
		.stall_timeout_ms = 30000,
	};
	static const struct weir_plan plan = { PLAN, .steps = { { .timers = &patient }, STEP } };

	CHECK_STR(run(&plan, TARGETS({ "a", LINES(CONNECT(10)) }, { "b", ANSWERS })),
		  "[    0] start -> try a\n"
		  "[110000] attempt_timeout -> try b\n"
		  "[110300] token -> relay b\n"
		  "[110350] ok -> finish ok\n");
}

TEST(silence_everywhere)
{
	CHECK_STR(run(&plain, TARGETS({ "a", LINES(CONNECT(10)) }, { "b", LINES(CONNECT(10)) },
				      { "c", LINES(CONNECT(10)) })),
		  "[    0] start -> try a\n"
		  "[20000] ttfb -> try b\n"
		  "[40000] ttfb -> try c\n"
		  "[60000] ttfb -> finish deadline\n");
}

TEST(the_most_actionable_end)
{
	static const struct {
		enum weir_outcome a, b;
		enum weir_final final;
	} rows[] = {
		{ WEIR_OUT_RATE_LIMITED, WEIR_OUT_QUOTA, WEIR_FINAL_RATE_LIMITED },
		{ WEIR_OUT_SLOW, WEIR_OUT_SLOW, WEIR_FINAL_DEADLINE },
		{ WEIR_OUT_SLOW, WEIR_OUT_OVERLOADED, WEIR_FINAL_OVERLOADED },
		{ WEIR_OUT_RATE_LIMITED, WEIR_OUT_OVERLOADED, WEIR_FINAL_OVERLOADED },
		{ WEIR_OUT_CREDENTIALS, WEIR_OUT_CREDENTIALS, WEIR_FINAL_EXHAUSTED },
		{ WEIR_OUT_RATE_LIMITED, WEIR_OUT_CREDENTIALS, WEIR_FINAL_EXHAUSTED },
		{ WEIR_OUT_SERVER_ERROR, WEIR_OUT_RATE_LIMITED, WEIR_FINAL_EXHAUSTED },
		{ WEIR_OUT_NOT_HERE, WEIR_OUT_SLOW, WEIR_FINAL_OWN },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct weir_world_line a[] = {
			{ 3000, { .type = WEIR_EV_RESULT, .outcome = rows[i].a } }, SILENCE
		};
		const struct weir_world_line b[] = {
			{ 3000, { .type = WEIR_EV_RESULT, .outcome = rows[i].b } }, SILENCE
		};

		run(&plain, TARGETS({ "a", a }, { "b", b }));
		CHECK_INT(world.finish.final, rows[i].final);
		CHECK_INT(world.tries_n, 2);
	}
}

#define STEP_UNFIT { .retries = 1, .timers = &usual, .unfit = 1 }

/* One that cannot carry the request is gone past as if it stood there for others. */
TEST(a_target_that_cannot_carry_it_is_passed)
{
	static const struct weir_plan middle = { PLAN, .steps = { STEP, STEP_UNFIT, STEP } };
	static const struct weir_plan last = { PLAN, .steps = { STEP, STEP_UNFIT } };

	CHECK_STR(run(&middle, TARGETS({ "a", LINES(RESULT(3000, OVERLOADED)) }, { "b", ANSWERS },
				       { "c", ANSWERS })),
		  "[    0] start -> try a\n"
		  "[ 3000] overloaded -> try c, past b cannot_carry\n"
		  "[ 3300] token -> relay c\n"
		  "[ 3350] ok -> finish ok\n");
	CHECK_INT(world.tries_n, 2);
	run(&last, TARGETS({ "a", LINES(RESULT(3000, OVERLOADED)) }, { "b", ANSWERS }));
	CHECK_INT(world.finish.final, WEIR_FINAL_OVERLOADED);
	CHECK_INT(world.tries_n, 1);
	CHECK_INT(world.failover.seen.past, 0);
}

/* Nor is it waited for when it says that it returns soon. */
TEST(a_target_that_cannot_carry_it_is_no_hope)
{
	static const struct weir_plan none = { PLAN, .steps = { STEP_UNFIT, STEP } };
	struct weir_ending limited = { .outcome = WEIR_OUT_RATE_LIMITED,
				       .stated = true,
				       .after_ms = 2000 };
	struct weir_pass pass = { NULL };
	struct weir_asking asking;

	run(&none, TARGETS({ "a", ANSWERS }, { "b", LINES(RESULT(1, CREDENTIALS)) }));
	asking = (struct weir_asking){ .now_ms = world.now_ms, .left_ms = 1000 };
	limited.now_ms = world.now_ms;
	weir_health_begin(&world.healths[0][0], &asking, &pass);
	weir_health_end(&pass, &limited, &world.rng);
	again(1);
	for (unsigned i = 0; i < world.tries_n; i++)
		CHECK_INT(world.tries[i].target, 1);
	CHECK_STR(world.trace, "[    0] start -> try b\n"
			       "[ 3000] connect_timeout -> finish deadline\n");
}

TEST_MAIN
