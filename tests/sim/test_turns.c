/* While one request waits, others find out more: step by step, what it makes of that. */
#include "traces.h"

static struct weir_group down;

static const struct weir_world_line silence[] = { SILENCE };
static const struct weir_world_target two[] = { { "a", silence }, { "b", silence }, { NULL } };
static const struct weir_world_target keys[] = { { "a", silence, .keys = 2 },
						 { "b", silence },
						 { NULL } };

static uint64_t bench(unsigned target, uint64_t ms)
{
	world.healths[target][0].bench = (struct weir_bench){
		.until_ms = world.now_ms + ms,
		.why = WEIR_OUT_RATE_LIMITED,
		.stated = true,
	};
	return world.now_ms + ms;
}

static void fill(unsigned target)
{
	world.models[target].max_inflight = world.models[target].inflight = 1;
}

static void take_down(unsigned target)
{
	down = (struct weir_group){ .models_n = 2, .tripped_n = 2 };
	world.models[target].groups[0] = &down;
	world.models[target].groups_n = 1;
}

static struct weir_action fail_with(enum weir_outcome outcome)
{
	return feed((struct weir_event){ .type = WEIR_EV_RESULT, .outcome = outcome });
}

static struct weir_action time_out(void)
{
	world.now_ms = weir_failover_deadline(&world.failover);
	return feed((struct weir_event){ .type = WEIR_EV_TIMEOUT });
}

static bool is_at(const struct weir_action *a, enum weir_action_type type, unsigned step,
		  unsigned member)
{
	CHECK_INT(a->type, type);
	CHECK_INT(a->spot.step, step);
	CHECK_INT(a->spot.member, member);
	return a->type == type;
}

static void pause_before_a_retry(const struct weir_world_target *targets)
{
	struct weir_action a;

	start(&plain, targets);
	a = fail_with(WEIR_OUT_SERVER_ERROR);
	is_at(&a, WEIR_DO_WAIT, 0, 0);
}

TEST(who_was_set_aside_during_the_pause_is_not_retried)
{
	struct weir_action a;

	pause_before_a_retry(two);
	bench(0, 60000);
	a = time_out();
	is_at(&a, WEIR_DO_TRY, 1, 0);
	CHECK(a.fallback);
	/* Nor at its cap; but in spite of its group's fate. */
	pause_before_a_retry(two);
	fill(0);
	a = time_out();
	is_at(&a, WEIR_DO_TRY, 1, 0);
	pause_before_a_retry(two);
	take_down(0);
	a = time_out();
	is_at(&a, WEIR_DO_TRY, 0, 0);
	CHECK(!a.fallback);
}

/* It was the target that failed: its other key is not asked either. */
TEST(who_is_not_retried_has_had_its_turn_with_all_keys)
{
	struct weir_action a;

	pause_before_a_retry(keys);
	bench(0, 60000);
	a = time_out();
	is_at(&a, WEIR_DO_TRY, 1, 0);
}

TEST(after_the_pause_another_return_may_be_waited_for)
{
	struct weir_action a;

	pause_before_a_retry(two);
	bench(0, 60000);
	bench(1, 5000);
	a = time_out();
	is_at(&a, WEIR_DO_WAIT, 1, 0);
	CHECK(a.fallback);
	CHECK_INT(world.failover.state, WEIR_ST_WAITING);
	a = time_out();
	is_at(&a, WEIR_DO_TRY, 1, 0);
}

TEST(after_the_pause_room_may_be_waited_for)
{
	struct weir_action a;

	pause_before_a_retry(two);
	bench(0, 60000);
	fill(1);
	a = time_out();
	CHECK_INT(a.type, WEIR_DO_QUEUE);
	CHECK_INT(world.queue.n, 1);
	world.models[1].max_inflight = 0;
	a = feed((struct weir_event){ .type = WEIR_EV_ROOM });
	is_at(&a, WEIR_DO_TRY, 1, 0);
	CHECK(a.fallback);
	CHECK_INT(world.queue.n, 0);
}

TEST(the_first_try_after_the_queue_is_no_move)
{
	struct weir_action a;

	build(&plain, two);
	fill(0);
	fill(1);
	feed((struct weir_event){ .type = WEIR_EV_START });
	world.models[0].max_inflight = 0;
	a = feed((struct weir_event){ .type = WEIR_EV_ROOM });
	is_at(&a, WEIR_DO_TRY, 0, 0);
	CHECK(!a.fallback);
	CHECK_INT(world.failover.fallbacks, 0);
}

static void wait_for_its_return(void)
{
	struct weir_action a;

	build(&plain, two);
	bench(0, 9000);
	bench(1, 5000);
	a = feed((struct weir_event){ .type = WEIR_EV_START });
	is_at(&a, WEIR_DO_WAIT, 1, 0);
}

TEST(a_return_that_is_put_off_is_not_waited_for_again)
{
	struct weir_action a;

	wait_for_its_return();
	world.now_ms += 4000;
	bench(1, 3000);
	a = time_out();
	CHECK_INT(a.type, WEIR_DO_FINISH);
	CHECK_INT(a.final, WEIR_FINAL_RATE_LIMITED);
	CHECK_INT(a.retry_after_ms, 2000);
	/* At its cap it is not tried; of a group that is down it is. */
	wait_for_its_return();
	fill(1);
	a = time_out();
	CHECK_INT(a.type, WEIR_DO_FINISH);
	wait_for_its_return();
	take_down(1);
	a = time_out();
	is_at(&a, WEIR_DO_TRY, 1, 0);
	CHECK(!a.fallback);
}

/* It was not tried: that it is limited is still all there is to say. */
TEST(who_was_waited_for_in_vain_was_not_tried)
{
	struct weir_action a;

	build(&plain, two);
	world.models[1].disabled = true;
	bench(0, 5000);
	a = feed((struct weir_event){ .type = WEIR_EV_START });
	is_at(&a, WEIR_DO_WAIT, 0, 0);
	world.models[1].disabled = false;
	bench(0, 8000);
	bench(1, 9000);
	a = time_out();
	CHECK_INT(a.type, WEIR_DO_FINISH);
	CHECK_INT(a.final, WEIR_FINAL_RATE_LIMITED);
	CHECK_INT(world.failover.seen.past, 2);
}

TEST(a_wait_that_ends_at_the_deadline_was_too_long)
{
	for (unsigned early_ms = 0; early_ms < 2; early_ms++) {
		struct weir_action a;

		wait_for_its_return();
		world.now_ms = world.failover.walk.give_up_ms - early_ms;
		a = feed((struct weir_event){ .type = WEIR_EV_TIMEOUT });
		CHECK_INT(a.type, early_ms ? WEIR_DO_TRY : WEIR_DO_FINISH);
		if (!early_ms)
			CHECK_INT(a.final, WEIR_FINAL_DEADLINE);
	}
}

/* Others have taken its place meanwhile. */
TEST(who_is_full_is_not_retried)
{
	struct weir_action a;

	start(&plain, two);
	world.models[0].max_inflight = 1;
	world.models[0].inflight++;
	a = fail_with(WEIR_OUT_SERVER_ERROR);
	is_at(&a, WEIR_DO_TRY, 1, 0);
	start(&plain, two);
	take_down(0);
	a = fail_with(WEIR_OUT_SERVER_ERROR);
	is_at(&a, WEIR_DO_WAIT, 0, 0);
}

/* Nor is it asked once more without the refused field. */
TEST(who_is_full_is_not_repaired_for)
{
	static const struct weir_plan plan = { PLAN, .repair_first = true,
					       .steps = { STEP, STEP } };
	const struct weir_event refused = { .type = WEIR_EV_RESULT,
					    .outcome = WEIR_OUT_REPAIRABLE,
					    .can_repair = true };
	struct weir_action a;

	start(&plan, two);
	world.models[0].max_inflight = 1;
	world.models[0].inflight++;
	a = feed(refused);
	is_at(&a, WEIR_DO_TRY, 1, 0);
	CHECK(!a.repair);
	start(&plan, two);
	take_down(0);
	a = feed(refused);
	is_at(&a, WEIR_DO_TRY, 0, 0);
	CHECK(a.repair);
}

TEST(without_a_queue_nobody_waits_for_room)
{
	struct weir_action a;

	build(&plain, two);
	fill(0);
	fill(1);
	world.plan.queue = NULL;
	a = feed((struct weir_event){ .type = WEIR_EV_START });
	CHECK_INT(a.type, WEIR_DO_FINISH);
	CHECK_INT(a.final, WEIR_FINAL_UNUSABLE);
	CHECK(a.retry_after_stated);
	CHECK_INT(a.retry_after_ms, 1000);
}

TEST(when_nobody_knows_a_return_none_is_told)
{
	struct weir_action a;

	build(&plain, two);
	world.models[0].disabled = world.models[1].disabled = true;
	a = feed((struct weir_event){ .type = WEIR_EV_START });
	CHECK_INT(a.final, WEIR_FINAL_UNUSABLE);
	CHECK(!a.retry_after_stated);
	CHECK_INT(a.retry_after_ms, 0);
}

/* A probe has been under way for longer than a second: any moment now. */
TEST(a_return_that_is_due_is_now)
{
	struct weir_action a;

	build(&plain, two);
	world.models[1].disabled = true;
	world.healths[0][0].breaker.state = WEIR_BREAKER_HALF_OPEN;
	world.healths[0][0].breaker.probing = true;
	world.healths[0][0].breaker.probed_ms = world.now_ms - 2000;
	a = feed((struct weir_event){ .type = WEIR_EV_START });
	CHECK_INT(a.final, WEIR_FINAL_UNUSABLE);
	CHECK(a.retry_after_stated);
	CHECK_INT(a.retry_after_ms, 0);
}

TEST_MAIN
