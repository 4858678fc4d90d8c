/* Ways to be in each state of the failover machine. */
#pragma once

#include "traces.h"

/* clang-format off: tables */
static const struct weir_world_target one[] = { { "a", .lines = LINES(SILENCE) }, { NULL } };
static const struct weir_world_target three[] = { { "a", .lines = LINES(SILENCE) },
						  { "b", .lines = LINES(SILENCE) },
						  { "c", .lines = LINES(SILENCE) },
						  { NULL } };
static const struct weir_world_target full[] = { { "a", .lines = LINES(SILENCE), .at_cap = true },
						 { NULL } };

static const struct weir_plan single_shot = { .max_attempts = 1,
					      .stream = true,
					      .deadline_ms = 120000,
					      .stream_ms = 600000,
					      .steps = { STEP, STEP, STEP } };
static const struct weir_plan hedging = { PLAN, .hedge = true, .steps = { STEP, STEP, STEP } };
static const struct weir_plan resuming = { PLAN, .resume = true, .steps = { STEP, STEP, STEP } };
/* clang-format on */

static void bench_for(uint64_t ms)
{
	world.healths[0][0].bench = (struct weir_bench){
		.until_ms = world.now_ms + ms,
		.why = WEIR_OUT_RATE_LIMITED,
		.stated = true,
	};
}

static void idle(void)
{
	build(&plain, three);
}

static void idle_at_cap(void)
{
	build(&plain, full);
}

static void idle_benched_briefly(void)
{
	build(&plain, one);
	bench_for(2000);
}

static void idle_benched_for_long(void)
{
	build(&plain, one);
	bench_for(60000);
}

static void trying(void)
{
	start(&plain, three);
}

static void trying_the_only_one(void)
{
	start(&plain, one);
}

static void trying_for_the_last_time(void)
{
	start(&single_shot, three);
}

static void trying_two(void)
{
	build(&hedging, three);
	for (unsigned i = 0; i < 20; i++)
		weir_latency_add(&world.healths[0][0].latency[1], 400, world.now_ms);
	world.hedges.tokens = WEIR_HEDGE_REQUESTS;
	feed((struct weir_event){ .type = WEIR_EV_START });
	world.now_ms = weir_failover_deadline(&world.failover);
	feed((struct weir_event){ .type = WEIR_EV_TIMEOUT });
}

static void relaying(void)
{
	start(&plain, three);
	feed((struct weir_event){ .type = WEIR_EV_COMMIT });
}

static void relaying_to_resume(void)
{
	start(&resuming, three);
	feed((struct weir_event){ .type = WEIR_EV_COMMIT });
}

static void trying_to_resume(void)
{
	relaying_to_resume();
	feed((struct weir_event){
		.type = WEIR_EV_RESULT, .outcome = WEIR_OUT_CUT, .can_resume = true });
}

static void waiting_to_retry(void)
{
	start(&plain, three);
	fail_as(WEIR_OUT_SERVER_ERROR);
}

static void waiting_for_a_return(void)
{
	idle_benched_briefly();
	feed((struct weir_event){ .type = WEIR_EV_START });
}

static void queued(void)
{
	start(&plain, full);
}

static void over_finished(void)
{
	start(&plain, three);
	fail_as(WEIR_OUT_CALLER);
}

static void over_abandoned(void)
{
	start(&plain, three);
	feed((struct weir_event){ .type = WEIR_EV_HANGUP });
}

/* Ways to be in a state. attempt: whose news they are. */
static const struct situation {
	enum weir_state state;
	const char *name;
	void (*enter)(void);
	unsigned attempt;
} situations[] = {
	{ WEIR_ST_IDLE, "a target is in order", idle, 0 },
	{ WEIR_ST_IDLE, "all are at their cap", idle_at_cap, 0 },
	{ WEIR_ST_IDLE, "all are benched for 2 s", idle_benched_briefly, 0 },
	{ WEIR_ST_IDLE, "all are benched for 60 s", idle_benched_for_long, 0 },
	{ WEIR_ST_TRYING, "first of three", trying, 0 },
	{ WEIR_ST_TRYING, "the only one", trying_the_only_one, 0 },
	{ WEIR_ST_TRYING, "last attempt", trying_for_the_last_time, 0 },
	{ WEIR_ST_TRYING, "hedged: the first's news", trying_two, 0 },
	{ WEIR_ST_TRYING, "hedged: the second's", trying_two, 1 },
	{ WEIR_ST_TRYING, "to resume a stream", trying_to_resume, 1 },
	{ WEIR_ST_WAITING, "to retry in place", waiting_to_retry, 0 },
	{ WEIR_ST_WAITING, "for a stated return", waiting_for_a_return, 0 },
	{ WEIR_ST_QUEUED, "all are at their cap", queued, 0 },
	{ WEIR_ST_RELAYING, "as usual", relaying, 0 },
	{ WEIR_ST_RELAYING, "may be resumed", relaying_to_resume, 0 },
	{ WEIR_ST_OVER, "finished", over_finished, 0 },
	{ WEIR_ST_OVER, "abandoned", over_abandoned, 0 },
};

enum { SITUATIONS = sizeof situations / sizeof *situations };
