/* How traces are written: scripts, plans, and a world to run them in. */
#pragma once

#include "sim/world.h"
#include "test.h"

/* clang-format off: scripts and traces read as tables */
#define SILENCE { WEIR_NEVER, { 0 } }
#define CONNECT(ms)                               \
	{                                         \
		ms,                               \
		{                                 \
			.type = WEIR_EV_CONNECTED \
		}                                 \
	}
#define TOKEN(ms)                              \
	{                                      \
		ms,                            \
		{                              \
			.type = WEIR_EV_COMMIT \
		}                              \
	}
#define MORE(ms)                                 \
	{                                        \
		ms,                              \
		{                                \
			.type = WEIR_EV_PROGRESS \
		}                                \
	}
#define RESULT(ms, what)                                                   \
	{                                                                  \
		ms,                                                        \
		{                                                          \
			.type = WEIR_EV_RESULT, .outcome = WEIR_OUT_##what \
		}                                                          \
	}
#define WITH(ms, what, ...)                                                             \
	{                                                                               \
		ms,                                                                     \
		{                                                                       \
			.type = WEIR_EV_RESULT, .outcome = WEIR_OUT_##what, __VA_ARGS__ \
		}                                                                       \
	}
#define AFTER(after) .retry_after_stated = true, .retry_after_ms = (after)
#define LINES(...)   ((const struct weir_world_line[]){ __VA_ARGS__, SILENCE })
#define ANSWERS      LINES(TOKEN(300), RESULT(50, OK))
#define TARGETS(...) ((const struct weir_world_target[]){ __VA_ARGS__, { .name = NULL } })
#define STEP         { .retries = 1, .timers = &usual }
#define PLAN         .max_attempts = 4, .stream = true, .deadline_ms = 120000, .stream_ms = 600000
/* clang-format on */

static const struct weir_timers usual = {
	.connect_timeout_ms = 3000,
	.first_token_timeout_ms = 20000,
	.attempt_timeout_ms = 60000,
	.stall_timeout_ms = 30000,
};
/* How many of the steps there are, the targets say. */
static const struct weir_plan plain = { PLAN, .steps = { STEP, STEP, STEP } };

static struct weir_world world;

static inline const char *run(const struct weir_plan *plan, const struct weir_world_target *targets)
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
	weir_world_run(&world);
	return world.trace;
}

/* One more request in the same world, so much later. */
static inline const char *again(uint64_t after_ms)
{
	world.now_ms += after_ms;
	weir_world_run(&world);
	return world.trace;
}

/* The same world step by step, where the test says what happens and when. */
static inline void build(const struct weir_plan *plan, const struct weir_world_target *targets)
{
	world = (struct weir_world){
		.plan = *plan,
		.targets = targets,
		.seed = 1,
		.now_ms = 1000000,
	};
	weir_world_init(&world);
	weir_failover_init(&world.failover, &world.plan, &world.rng);
}

static inline struct weir_action feed(struct weir_event e)
{
	e.now_ms = world.now_ms;
	return weir_failover_step(&world.failover, &e);
}

static inline void start(const struct weir_plan *plan, const struct weir_world_target *targets)
{
	build(plan, targets);
	feed((struct weir_event){ .type = WEIR_EV_START });
}

static inline void fail_as(enum weir_outcome outcome)
{
	feed((struct weir_event){ .type = WEIR_EV_RESULT, .outcome = outcome });
}
