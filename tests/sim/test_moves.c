/* The edges of the rules: how long, how often, to whom, and what it is counted as. */
#include "traces.h"

#define PLAN_OF(...) (&(const struct weir_plan){ PLAN, __VA_ARGS__ })
#define STEPS        .steps = { STEP, STEP, STEP }

/* Patient enough for every clock but the deadline. */
static const struct weir_timers patient = {
	.connect_timeout_ms = 500000,
	.first_token_timeout_ms = 500000,
	.attempt_timeout_ms = 500000,
	.stall_timeout_ms = 500000,
};

#define PATIENT { .timers = &patient }

TEST(only_moves_count_as_fallbacks)
{
	run(&plain, TARGETS({ "a", ANSWERS }));
	CHECK_INT(world.failover.fallbacks, 0);
	run(&plain, TARGETS({ "a", LINES(RESULT(10, OVERLOADED)) }, { "b", ANSWERS }));
	CHECK_INT(world.failover.fallbacks, 1);
	run(&plain, TARGETS({ "a", ANSWERS, .at_cap = true }, { "b", ANSWERS }));
	CHECK_INT(world.failover.fallbacks, 1);
	/* Once more in place, after a pause or repaired, is none. */
	run(&plain, TARGETS({ "a", LINES(RESULT(10, CUT), TOKEN(1), RESULT(1, OK)) }));
	CHECK_INT(world.tries_n, 2);
	CHECK_INT(world.failover.fallbacks, 0);
	run(PLAN_OF(.repair_first = true, STEPS),
	    TARGETS({ "a",
		      LINES(WITH(10, REPAIRABLE, .can_repair = true), TOKEN(1), RESULT(1, OK)) }));
	CHECK_INT(world.tries_n, 2);
	CHECK_INT(world.failover.fallbacks, 0);
	/* Nor is waiting for the one that was tried last; for another one it is. */
	run(&plain, TARGETS({ "a", LINES(WITH(20, RATE_LIMITED, AFTER(2000)), TOKEN(300),
					 RESULT(50, OK)) }));
	CHECK_INT(world.failover.fallbacks, 0);
	run(&plain,
	    TARGETS({ "a", LINES(WITH(20, RATE_LIMITED, AFTER(2000)), TOKEN(300), RESULT(50, OK)) },
		    { "b", LINES(WITH(20, RATE_LIMITED, AFTER(9000))) }));
	CHECK_INT(world.failover.fallbacks, 2);
	run(&plain,
	    TARGETS({ "a",
		      LINES(WITH(20, RATE_LIMITED, AFTER(9000)),
			    WITH(20, RATE_LIMITED, AFTER(2000)), TOKEN(300), RESULT(50, OK)),
		      .keys = 2 }));
	CHECK_INT(world.tries_n, 3);
	CHECK_INT(world.failover.fallbacks, 1);
	run(&plain,
	    TARGETS({ "a",
		      LINES(WITH(20, RATE_LIMITED, AFTER(2000)),
			    WITH(20, RATE_LIMITED, AFTER(9000)), TOKEN(300), RESULT(50, OK)),
		      .keys = 2 }));
	CHECK_INT(world.tries_n, 3);
	CHECK_INT(world.failover.fallbacks, 2);
}

/* The first try is no move, also of one that is only tried for want of a better one. */
TEST(a_last_resort_is_a_move_when_somebody_was_tried)
{
	run(&plain, TARGETS({ "a", LINES(RESULT(10, RATE_LIMITED), TOKEN(1), RESULT(1, OK)) },
			    { "b", LINES(RESULT(10, RATE_LIMITED), TOKEN(1), RESULT(1, OK)) }));
	CHECK_STR(again(0), "[    0] start -> try a\n"
			    "[    1] token -> relay a\n"
			    "[    2] ok -> finish ok\n");
	CHECK_INT(world.failover.fallbacks, 0);
	run(&plain, TARGETS({ "a", LINES(RESULT(10, OVERLOADED)) }, { "b", ANSWERS }));
	world.healths[1][0].bench = (struct weir_bench){ .until_ms = world.now_ms + 60000,
							 .why = WEIR_OUT_RATE_LIMITED };
	world.cursor[0] = world.targets[0].lines;
	world.cursor[1] = world.targets[1].lines;
	again(0);
	CHECK_INT(world.tries_n, 2);
	CHECK_INT(world.failover.fallbacks, 1);
	/* Second best: its model's group is down. */
	for (unsigned fails = 0; fails < 2; fails++) {
		static struct weir_group down = { .models_n = 2, .tripped_n = 2 };

		run(&plain, TARGETS({ "a", LINES(RESULT(10, CALLER), RESULT(10, OVERLOADED)) },
				    { "b", ANSWERS }));
		for (unsigned i = 0; i < 2; i++) {
			world.models[i].groups[0] = &down;
			world.models[i].groups_n = 1;
		}
		if (!fails)
			world.cursor[0] = world.targets[1].lines;
		again(0);
		CHECK_INT(world.tries_n, 1 + fails);
		CHECK_INT(world.failover.fallbacks, fails);
	}
}

/* A pause as long as the provider wants it, where that is longer, up to 10 s. */
TEST(a_retry_waits_as_long_as_it_was_told)
{
	static const struct {
		struct weir_event error;
		const char *then;
	} rows[] = {
		{ { .retry_after_ms = 5000 }, "[  123] wait -> try a\n" },
		{ { AFTER(1) }, "[  123] wait -> try a\n" },
		{ { AFTER(3000) }, "[ 3010] wait -> try a\n" },
		{ { AFTER(10000) }, "[10010] wait -> try a\n" },
		{ { AFTER(10001) }, "[   10] server_error -> try b\n" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct weir_world_line a[] = {
			{ 10, rows[i].error }, TOKEN(1), RESULT(1, OK), SILENCE
		};

		a[0].event.type = WEIR_EV_RESULT;
		a[0].event.outcome = WEIR_OUT_SERVER_ERROR;
		run(&plain, TARGETS({ "a", a }, { "b", ANSWERS }));
		if (!strstr(world.trace, rows[i].then))
			NOTE("%s", world.trace);
		CHECK(strstr(world.trace, rows[i].then));
	}
}

TEST(a_retry_needs_budget)
{
	run(&plain,
	    TARGETS({ "a", LINES(RESULT(1, CALLER), RESULT(10, SERVER_ERROR)) }, { "b", ANSWERS }));
	while (weir_budget_spend(&world.models[0].budget, world.now_ms))
		continue;
	CHECK_STR(again(0), "[    0] start -> try a\n"
			    "[   10] server_error -> try b\n"
			    "[  310] token -> relay b\n"
			    "[  360] ok -> finish ok\n");
}

/* Up to 10 s, and only if there is time for a try then. */
TEST(a_stated_return_is_waited_for_up_to_ten_seconds)
{
	CHECK_STR(run(&plain, TARGETS({ "a", LINES(WITH(20, RATE_LIMITED, AFTER(10000)), TOKEN(1),
						   RESULT(1, OK)) })),
		  "[    0] start -> try a\n"
		  "[   20] rate_limited -> wait for a\n"
		  "[10020] wait -> try a\n"
		  "[10021] token -> relay a\n"
		  "[10022] ok -> finish ok\n");
	CHECK_STR(run(&plain, TARGETS({ "a", LINES(WITH(20, RATE_LIMITED, AFTER(10001))) })),
		  "[    0] start -> try a\n"
		  "[   20] rate_limited -> finish rate_limited, retry after 10001ms\n");
	CHECK_STR(run(&(const struct weir_plan){ .max_attempts = 4, .deadline_ms = 3000, STEPS },
		      TARGETS({ "a", LINES(WITH(20, RATE_LIMITED, AFTER(2681))) })),
		  "[    0] start -> try a\n"
		  "[   20] rate_limited -> finish rate_limited, retry after 2681ms\n");
	CHECK_STR(run(&(const struct weir_plan){ .max_attempts = 4, .deadline_ms = 3000, STEPS },
		      TARGETS({ "a", LINES(WITH(20, RATE_LIMITED, AFTER(2680)), TOKEN(1),
					   RESULT(1, OK)) })),
		  "[    0] start -> try a\n"
		  "[   20] rate_limited -> wait for a\n"
		  "[ 2700] wait -> try a\n"
		  "[ 2701] token -> relay a\n"
		  "[ 2701] stream_timeout -> finish cut\n");
}

TEST(a_return_at_the_deadline_is_not_waited_for)
{
	const struct weir_plan plan = { .max_attempts = 4, .deadline_ms = 5000, STEPS };

	run(&plan, TARGETS({ "a", LINES(WITH(20, RATE_LIMITED, AFTER(7020))) }));
	CHECK_STR(again(2020), "[    0] start -> finish rate_limited, retry after 5000ms\n");
	run(&plan, TARGETS({ "a", LINES(WITH(20, RATE_LIMITED, AFTER(7020))) }));
	CHECK_STR(again(2021), "[    0] start -> wait for a\n"
			       "[ 4999] wait -> try a\n"
			       "[ 5000] deadline -> finish deadline\n");
}

/* Fewer attempts than steps: still from the first one on, and each step once. */
TEST(few_attempts_are_spread_over_the_steps)
{
	CHECK_STR(run(&(const struct weir_plan){ .max_attempts = 1,
						 .deadline_ms = 120000,
						 .stream_ms = 1000,
						 STEPS },
		      TARGETS({ "a", LINES(RESULT(10, SERVER_ERROR)) }, { "b", ANSWERS },
			      { "c", ANSWERS })),
		  "[    0] start -> try a\n"
		  "[   10] server_error -> finish exhausted\n");
	CHECK_STR(run(&(const struct weir_plan){ .max_attempts = 3,
						 .deadline_ms = 120000,
						 .stream_ms = 1000,
						 STEPS },
		      TARGETS({ "a", LINES(RESULT(10, QUOTA)), .keys = 2 },
			      { "b", LINES(RESULT(10, QUOTA)), .keys = 2 }, { "c", ANSWERS })),
		  "[    0] start -> try a#1\n"
		  "[   10] quota -> try b#1\n"
		  "[   20] quota -> try c\n"
		  "[  320] token -> relay c\n"
		  "[  370] ok -> finish ok\n");
}

TEST(the_deadline_ends_what_is_under_way)
{
	CHECK_STR(run(PLAN_OF(.steps = { PATIENT }), TARGETS({ "a", LINES(SILENCE) })),
		  "[    0] start -> try a\n"
		  "[120000] deadline -> finish deadline\n");
	/* Whatever else was seen before. */
	CHECK_STR(run(&(const struct weir_plan){ .max_attempts = 2,
						 .deadline_ms = 5000,
						 .stream_ms = 1000,
						 .steps = { PATIENT, PATIENT } },
		      TARGETS({ "a", LINES(RESULT(10, OVERLOADED)) }, { "b", LINES(SILENCE) })),
		  "[    0] start -> try a\n"
		  "[   10] overloaded -> try b\n"
		  "[ 5000] deadline -> finish deadline\n");
	/* A slow attempt before it is only that. */
	CHECK_STR(run(&plain, TARGETS({ "a", LINES(CONNECT(1)) },
				      { "b", LINES(RESULT(2500, OVERLOADED)) })),
		  "[    0] start -> try a\n"
		  "[20000] ttfb -> try b\n"
		  "[22500] overloaded -> finish overloaded\n");
}

TEST(a_stream_has_its_own_time)
{
	const struct weir_plan plan = {
		.max_attempts = 4, .deadline_ms = 500, .stream_ms = 1000, .resume = true, STEPS
	};

	CHECK_STR(run(&(const struct weir_plan){ .max_attempts = 4,
						 .deadline_ms = 500,
						 .stream_ms = 1000,
						 STEPS },
		      TARGETS({ "a", LINES(TOKEN(200), MORE(500), MORE(400), MORE(99), MORE(1)) })),
		  "[    0] start -> try a\n"
		  "[  200] token -> relay a\n"
		  "[ 1200] stream_timeout -> finish cut\n");
	/* Of which the one that goes on with it has the rest. */
	CHECK_STR(run(&plan, TARGETS({ "a", LINES(TOKEN(200), WITH(500, CUT, .can_resume = true)) },
				     { "b", LINES(TOKEN(100), MORE(300)) })),
		  "[    0] start -> try a\n"
		  "[  200] token -> relay a\n"
		  "[  700] cut -> resume at b\n"
		  "[  800] token -> relay b\n"
		  "[ 1200] stream_timeout -> finish cut\n");
}

/* Which of the providers' own answers it is, when it is one. */
TEST(the_last_own_answer_is_told)
{
	static const struct {
		struct weir_event b, c;
	} rows[] = {
		{ { .outcome = WEIR_OUT_CALLER }, { .outcome = WEIR_OUT_SLOW } },
		{ { .outcome = WEIR_OUT_NOT_HERE }, { .outcome = WEIR_OUT_OVERLOADED } },
		{ { .outcome = WEIR_OUT_REPAIRABLE }, { .outcome = WEIR_OUT_CREDENTIALS } },
		{ { .outcome = WEIR_OUT_CALLER, .content_policy = true },
		  { .outcome = WEIR_OUT_OVERLOADED } },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct weir_world_line b[] = { { 3000, rows[i].b }, SILENCE };
		struct weir_world_line c[] = { { 3000, rows[i].c }, SILENCE };

		b[0].event.type = c[0].event.type = WEIR_EV_RESULT;
		run(PLAN_OF(.policy_next = true, STEPS),
		    TARGETS({ "a", LINES(RESULT(10, OVERLOADED)) }, { "b", b }, { "c", c }));
		CHECK_INT(world.finish.final, WEIR_FINAL_OWN);
		CHECK_INT(world.finish.own, 1);
		CHECK_INT(world.tries_n, i == 0 ? 2 : 3);
	}
}

/* Opted out of refusals for content, not of the caller's other mistakes. */
TEST(content_policy_next_is_for_refusals)
{
	CHECK_STR(run(PLAN_OF(.policy_next = true, STEPS),
		      TARGETS({ "a", LINES(RESULT(10, CALLER)) }, { "b", ANSWERS })),
		  "[    0] start -> try a\n"
		  "[   10] caller -> finish own\n");
}

TEST(repairs_are_for_the_steps_they_are_allowed_at)
{
	CHECK_STR(run(PLAN_OF(.repair_first = true, STEPS),
		      TARGETS({ "a", LINES(WITH(10, REPAIRABLE, .can_repair = true),
					   RESULT(10, OVERLOADED)) },
			      { "b", LINES(WITH(10, REPAIRABLE, .can_repair = true)) },
			      { "c", ANSWERS })),
		  "[    0] start -> try a\n"
		  "[   10] repairable -> repair a\n"
		  "[   20] overloaded -> try b\n"
		  "[   30] repairable -> try c\n"
		  "[  330] token -> relay c\n"
		  "[  380] ok -> finish ok\n");
	CHECK_INT(world.failover.fallbacks, 2);
	/* What cannot be left out is no different, whatever is allowed. */
	CHECK_STR(run(PLAN_OF(.repair_first = true, .repair_later = true, STEPS),
		      TARGETS({ "a", LINES(RESULT(10, REPAIRABLE)) }, { "b", ANSWERS })),
		  "[    0] start -> try a\n"
		  "[   10] repairable -> try b\n"
		  "[  310] token -> relay b\n"
		  "[  360] ok -> finish ok\n");
	/* Attempts are attempts, and so is time. */
	CHECK_STR(run(&(const struct weir_plan){ .max_attempts = 1,
						 .deadline_ms = 120000,
						 .repair_first = true,
						 STEPS },
		      TARGETS({ "a", LINES(WITH(10, REPAIRABLE, .can_repair = true)) })),
		  "[    0] start -> try a\n"
		  "[   10] repairable -> finish own\n");
	CHECK_STR(run(&(const struct weir_plan){ .max_attempts = 4,
						 .deadline_ms = 2000,
						 .repair_first = true,
						 .steps = { PATIENT } },
		      TARGETS({ "a", LINES(WITH(1801, REPAIRABLE, .can_repair = true)) })),
		  "[    0] start -> try a\n"
		  "[ 1801] repairable -> finish own\n");
}

#define TOO_LONG(ms) WITH(ms, NOT_HERE, .overflow = true)

TEST(context_overflow_goes_where_it_is_told_to)
{
	static const struct {
		enum weir_overflow overflow;
		const char *then;
	} rows[] = {
		{ WEIR_OVERFLOW_AUTO, "[   40] not_here -> try c\n" },
		{ WEIR_OVERFLOW_NEXT, "[   40] not_here -> try b\n" },
		{ WEIR_OVERFLOW_RETURN, "[   40] not_here -> finish own\n" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		run(PLAN_OF(.overflow = rows[i].overflow, STEPS),
		    TARGETS({ "a", LINES(TOO_LONG(40)), .context_tokens = 8000 },
			    { "b", ANSWERS, .context_tokens = 8000 },
			    { "c", ANSWERS, .context_tokens = 9000 }));
		CHECK(strstr(world.trace, rows[i].then));
	}
	/* What is not there for another reason may be at one with the same window. */
	run(&plain, TARGETS({ "a", LINES(RESULT(40, NOT_HERE)), .context_tokens = 8000 },
			    { "b", ANSWERS, .context_tokens = 8000 }));
	CHECK(strstr(world.trace, "[   40] not_here -> try b\n"));
	/* Nobody knows its own window: that is for the next one to find out. */
	run(PLAN_OF(.overflow = WEIR_OVERFLOW_NEXT, STEPS),
	    TARGETS({ "a", LINES(TOO_LONG(40)) }, { "b", ANSWERS }));
	CHECK(strstr(world.trace, "[   40] not_here -> try b\n"));
}

/* From what was shown on, it is another request. */
TEST(context_overflow_of_a_resumed_stream_is_like_any_other_failure)
{
	CHECK_STR(run(PLAN_OF(.resume = true, STEPS),
		      TARGETS({ "a", LINES(TOKEN(200), WITH(10, CUT, .can_resume = true)) },
			      { "b", LINES(TOO_LONG(40)), .context_tokens = 8000 },
			      { "c", ANSWERS })),
		  "[    0] start -> try a\n"
		  "[  200] token -> relay a\n"
		  "[  210] cut -> resume at b\n"
		  "[  250] not_here -> resume at c\n"
		  "[  550] token -> relay c\n"
		  "[  600] ok -> finish ok\n");
}

/* What acts is not sent again; what was refused, whoever refused it, is told. */
TEST(a_stateful_request_ends_with_the_first_answer)
{
	static const struct {
		struct weir_event error;
		enum weir_final final;
	} rows[] = {
		{ { .outcome = WEIR_OUT_CALLER }, WEIR_FINAL_OWN },
		{ { .outcome = WEIR_OUT_CALLER, .content_policy = true }, WEIR_FINAL_OWN },
		{ { .outcome = WEIR_OUT_NOT_HERE }, WEIR_FINAL_OWN },
		{ { .outcome = WEIR_OUT_REPAIRABLE, .can_repair = true }, WEIR_FINAL_OWN },
		{ { .outcome = WEIR_OUT_QUOTA }, WEIR_FINAL_QUOTA },
		{ { .outcome = WEIR_OUT_SERVER_ERROR }, WEIR_FINAL_EXHAUSTED },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct weir_world_line a[] = { { 10, rows[i].error }, SILENCE };

		a[0].event.type = WEIR_EV_RESULT;
		run(PLAN_OF(.stateful = true, .policy_next = true, .repair_first = true, STEPS),
		    TARGETS({ "a", a }, { "b", ANSWERS }));
		CHECK_INT(world.tries_n, 1);
		CHECK_INT(world.finish.final, rows[i].final);
	}
}

/* What a provider says of the key, and of the request, is booked there. */
TEST(what_is_said_of_key_and_request_is_booked)
{
	run(&plain, TARGETS({ "a", LINES(WITH(10, CREDENTIALS, .model_refused = true)) }));
	CHECK(world.healths[0][0].bench.until_ms && !world.keys[0][0].bench.until_ms);
	run(&plain, TARGETS({ "a", LINES(RESULT(10, CREDENTIALS)) }));
	CHECK(!world.healths[0][0].bench.until_ms && world.keys[0][0].bench.until_ms);
	run(&plain, TARGETS({ "a", LINES(WITH(10, RATE_LIMITED, .never_fits = true)) }));
	CHECK(!world.healths[0][0].bench.until_ms);
	run(&plain, TARGETS({ "a", LINES(TOKEN(10), WITH(10, RATE_LIMITED, AFTER(30000))) }));
	CHECK(world.healths[0][0].bench.until_ms && world.healths[0][0].bench.stated);
	run(&plain, TARGETS({ "a", LINES(TOKEN(10), RESULT(10, CUT)) }));
	CHECK_INT(world.healths[0][0].breaker.row, 1);
	run(&plain, TARGETS({ "a", LINES(TOKEN(10)) }));
	CHECK_INT(world.finish.final, WEIR_FINAL_CUT);
	CHECK_INT(world.healths[0][0].breaker.row, 1);
	run(&plain, TARGETS({ "a", ANSWERS }));
	CHECK_INT(world.healths[0][0].breaker.row, 0);
}

TEST(out_of_quota_everywhere_is_told_without_a_call)
{
	run(&plain, TARGETS({ "a", LINES(WITH(10, QUOTA, AFTER(50000))) },
			    { "b", LINES(WITH(10, QUOTA, AFTER(40000))) }));
	CHECK_STR(again(0), "[    0] start -> finish quota, retry after 40000ms\n");
}

TEST_MAIN
