/* Where a request may go next. */
#include "policy/walk.h"
#include "test.h"

enum { STEPS = 3, MEMBERS = 3 };

static const uint64_t T0 = 1000000, DEADLINE = 100000;

static struct weir_rng rng;
static struct weir_provider_health provider;
static struct weir_model_health models[STEPS][MEMBERS];
static struct weir_key_health keys[STEPS][MEMBERS];
static struct weir_health healths[STEPS][MEMBERS];
static struct weir_member members[STEPS][MEMBERS];
static struct weir_balancer pools[STEPS];
static struct weir_plan plan;
static struct weir_walk walk;
static struct weir_spot found;

#define AT(s, m) ((struct weir_spot){ (s), (m) })

static const struct weir_timers usual = { 3000, 20000, 60000, 30000 };

/* Three steps of three targets each, all in order. */
static void make(void)
{
	weir_rng_init(&rng, 1);
	provider = (struct weir_provider_health){ 0 };
	plan = (struct weir_plan){ .steps_n = STEPS,
				   .max_attempts = 4,
				   .stream = true,
				   .deadline_ms = DEADLINE,
				   .stream_ms = 600000 };
	for (unsigned s = 0; s < STEPS; s++) {
		pools[s] = (struct weir_balancer){ .members_n = MEMBERS, .members = members[s] };
		plan.steps[s].pool = &pools[s];
		for (unsigned m = 0; m < MEMBERS; m++) {
			models[s][m] = (struct weir_model_health){ .provider = &provider };
			weir_budget_init(&models[s][m].budget);
			keys[s][m] = (struct weir_key_health){ 0 };
			weir_health_init(&healths[s][m], &models[s][m], &keys[s][m]);
			members[s][m] = (struct weir_member){ .health = &healths[s][m],
							      .weight = 1,
							      .timers = usual,
							      .target = s * MEMBERS + m };
		}
	}
	walk = (struct weir_walk){ .plan = &plan, .rng = &rng, .give_up_ms = T0 + DEADLINE };
	found = AT(9, 9);
}

static void bench(unsigned s, unsigned m, uint64_t until_ms, bool stated)
{
	healths[s][m].bench = (struct weir_bench){ .until_ms = until_ms,
						   .why = WEIR_OUT_RATE_LIMITED,
						   .stated = stated };
}

static void fill(unsigned s, unsigned m)
{
	models[s][m].max_inflight = models[s][m].inflight = 1;
}

static void open_up(unsigned s, unsigned m, uint64_t until_ms)
{
	healths[s][m].breaker.state = WEIR_BREAKER_OPEN;
	healths[s][m].breaker.opened_ms = T0;
	healths[s][m].breaker.until_ms = until_ms;
}

static void bench_step(unsigned s)
{
	for (unsigned m = 0; m < MEMBERS; m++)
		bench(s, m, T0 + 600000, true);
}

static void slow_down(unsigned s, unsigned m, uint64_t ms)
{
	for (unsigned i = 0; i < 10; i++)
		weir_latency_add(&healths[s][m].latency[1], ms, T0);
	healths[s][m].latency[1].asked_ms = T0;
}

static bool found_at(unsigned s, unsigned m)
{
	bool ok = found.step == s && found.member == m;

	if (!ok)
		NOTE("found step %u, member %u", found.step, found.member);
	return ok;
}

TEST(the_last_step_has_a_reserve)
{
	make();
	CHECK_INT(weir_walk_limit_ms(&walk, 0), T0 + 90000);
	CHECK_INT(weir_walk_limit_ms(&walk, 1), T0 + 90000);
	CHECK_INT(weir_walk_limit_ms(&walk, 2), T0 + 100000);
	/* A quarter of a short deadline. */
	plan.deadline_ms = 8000;
	walk.give_up_ms = T0 + 8000;
	CHECK_INT(weir_walk_limit_ms(&walk, 1), T0 + 6000);
	CHECK_INT(weir_walk_limit_ms(&walk, 2), T0 + 8000);
	walk.no_reserve = true;
	CHECK_INT(weir_walk_limit_ms(&walk, 0), T0 + 8000);
}

/* A second at least, or a tenth of a short deadline; the first is always begun. */
TEST(no_attempt_is_begun_that_cannot_finish)
{
	make();
	walk.attempts = 1;
	CHECK(weir_walk_has_time(&walk, 0, T0 + 89000));
	CHECK(!weir_walk_has_time(&walk, 0, T0 + 89001));
	CHECK(weir_walk_has_time(&walk, 2, T0 + 99000));
	CHECK(!weir_walk_has_time(&walk, 2, T0 + 99001));
	plan.deadline_ms = 5000;
	walk.give_up_ms = T0 + 5000;
	CHECK(weir_walk_has_time(&walk, 2, T0 + 4500));
	CHECK(!weir_walk_has_time(&walk, 2, T0 + 4501));
	walk.attempts = 0;
	CHECK(weir_walk_has_time(&walk, 2, T0 + 4999));
	/* With next to no deadline at all there is still a moment to be had. */
	walk.attempts = 1;
	plan.deadline_ms = 5;
	walk.give_up_ms = T0 + 5;
	CHECK(weir_walk_has_time(&walk, 2, T0 + 4));
	CHECK(!weir_walk_has_time(&walk, 2, T0 + 5));
}

TEST(a_target_is_asked_for_this_request)
{
	struct weir_asking asking;

	make();
	plan.tokens = 77;
	plan.drift_percent = 300;
	asking = weir_walk_asking(&walk, 0, T0 + 1000);
	CHECK_INT(asking.now_ms, T0 + 1000);
	CHECK_INT(asking.left_ms, 89000);
	CHECK_INT(asking.tokens, 77);
	CHECK_INT(asking.drift_percent, 300);
	CHECK(asking.stream);
	CHECK_INT(weir_walk_asking(&walk, 2, T0 + 1000).left_ms, 99000);
	CHECK_INT(weir_walk_asking(&walk, 0, T0 + 90000).left_ms, 0);
	CHECK_INT(weir_walk_asking(&walk, 0, T0 + 90001).left_ms, 0);
	bench(1, 2, T0 + 5000, true);
	CHECK_INT(weir_walk_ask(&walk, AT(1, 2), T0 + 4999).leave, WEIR_LEAVE_BENCHED);
	CHECK_INT(weir_walk_ask(&walk, AT(1, 2), T0 + 5000).leave, WEIR_LEAVE_YES);
}

TEST(timers_are_the_steps_or_the_members_own)
{
	static const struct weir_timers own = { 1, 2, 3, 4 };

	make();
	members[1][1].timers = own;
	CHECK_INT(weir_walk_timers(&walk, AT(1, 1))->attempt_timeout_ms, 3);
	CHECK_INT(weir_walk_timers(&walk, AT(1, 0))->attempt_timeout_ms, 60000);
	plan.steps[1].timers = &usual;
	CHECK_INT(weir_walk_timers(&walk, AT(1, 1))->attempt_timeout_ms, 60000);
}

TEST(the_first_step_with_anybody_in_order_is_next)
{
	make();
	CHECK(weir_walk_next(&walk, 0, T0, &found) && found.step == 0);
	CHECK(weir_walk_next(&walk, 1, T0, &found) && found.step == 1);
	CHECK(!weir_walk_next(&walk, 3, T0, &found));
	for (unsigned m = 0; m < MEMBERS; m++)
		weir_walk_tried(&walk, AT(0, m), false);
	CHECK(weir_walk_next(&walk, 0, T0, &found) && found.step == 1);
	CHECK_INT(walk.passed_n, 0);
	CHECK(!walk.late);
}

TEST(only_who_had_no_turn_is_next)
{
	make();
	weir_walk_tried(&walk, AT(0, 0), false);
	weir_walk_tried(&walk, AT(0, 2), false);
	for (unsigned i = 0; i < 10; i++)
		CHECK(weir_walk_next(&walk, 0, T0, &found) && found_at(0, 1));
	CHECK_INT(walk.tried[0], 5);
	CHECK_INT(walk.tried[1] + walk.tried[2], 0);
}

/* Keys of one target are members beside each other. */
TEST(a_whole_target_has_had_its_turn)
{
	make();
	members[0][2].target = members[0][1].target;
	weir_walk_tried(&walk, AT(0, 1), false);
	CHECK_INT(walk.tried[0], 2);
	weir_walk_tried(&walk, AT(0, 1), true);
	CHECK_INT(walk.tried[0], 6);
	make();
	weir_walk_tried(&walk, AT(0, 0), true);
	CHECK_INT(walk.tried[0], 1);
	members[0][2].target = members[0][0].target;
	weir_walk_tried(&walk, AT(0, 0), true);
	CHECK_INT(walk.tried[0], 5);
	walk.tried[0] = 0;
	weir_walk_tried(&walk, AT(0, 2), true);
	CHECK_INT(walk.tried[0], 5);
}

/* Who is told to have been gone past: whose reason is the mildest. */
TEST(steps_gone_past_are_told)
{
	make();
	bench(0, 0, T0 + 600000, true);
	fill(0, 1);
	bench(0, 2, T0 + 600000, true);
	bench(1, 0, T0 + 600000, true);
	bench(1, 1, T0 + 600000, true);
	open_up(1, 2, T0 + 5000);
	CHECK(weir_walk_next(&walk, 0, T0, &found) && found.step == 2);
	CHECK_INT(walk.passed_n, 2);
	CHECK_INT(walk.passed[0].spot.step, 0);
	CHECK_INT(walk.passed[0].spot.member, 1);
	CHECK_INT(walk.passed[0].leave, WEIR_LEAVE_AT_CAP);
	CHECK_INT(walk.passed[1].spot.step, 1);
	CHECK_INT(walk.passed[1].spot.member, 0);
	CHECK_INT(walk.passed[1].leave, WEIR_LEAVE_BENCHED);
	for (unsigned m = 0; m < MEMBERS; m++)
		models[1][m].disabled = true;
	CHECK(weir_walk_next(&walk, 0, T0, &found) && found.step == 2);
	CHECK_INT(walk.passed_n, 2);
	CHECK_INT(walk.passed[1].leave, WEIR_LEAVE_DISABLED);
	/* Looked again, it is told again and no more; found nothing, nothing was gone past. */
	CHECK(weir_walk_next(&walk, 0, T0, &found));
	CHECK_INT(walk.passed_n, 2);
	bench_step(2);
	CHECK(!weir_walk_next(&walk, 0, T0, &found));
	CHECK_INT(walk.passed_n, 0);
}

TEST(a_probe_is_before_all)
{
	make();
	open_up(0, 1, T0);
	open_up(0, 2, T0);
	for (unsigned i = 0; i < 10; i++)
		CHECK(weir_walk_next(&walk, 0, T0, &found) && found_at(0, 1));
	bench(0, 0, T0 + 1, true);
	CHECK(weir_walk_next(&walk, 0, T0, &found) && found_at(0, 1));
	/* The first of them. */
	bench(0, 0, 0, false);
	open_up(0, 0, T0);
	CHECK(weir_walk_next(&walk, 0, T0, &found) && found_at(0, 0));
}

/* Rolled once for each look, and only while somebody ramps. */
TEST(on_the_ramp_a_share_goes_there)
{
	unsigned there = 0;

	make();
	pools[0].members_n = 1;
	healths[0][0].breaker.closed_ms = T0;
	for (unsigned i = 0; i < 10000; i++) {
		CHECK(weir_walk_next(&walk, 0, T0, &found));
		there += found.step == 0;
	}
	CHECK(there > 900 && there < 1100);
	CHECK_INT(walk.passed_n, found.step != 0);
	make();
	healths[0][2].breaker.closed_ms = T0;
	there = 0;
	for (unsigned i = 0; i < 10000; i++) {
		CHECK(weir_walk_next(&walk, 0, T0, &found));
		there += found.member == 2;
	}
	CHECK(there > 300 && there < 800);
}

TEST(what_was_too_long_for_one_window_is_only_for_larger_ones)
{
	make();
	walk.window_over = 8000;
	members[0][1].context_tokens = 8000;
	members[1][1].context_tokens = 8001;
	CHECK(weir_walk_next(&walk, 0, T0, &found) && found_at(1, 1));
	CHECK_INT(walk.passed_n, 0);
	members[1][1].context_tokens = 8000;
	CHECK(!weir_walk_next(&walk, 0, T0, &found));
	CHECK(!weir_walk_last_resort(&walk, false, T0, &found));
	bench(0, 0, T0 + 5000, false);
	bench(0, 1, T0 + 4000, true);
	fill(0, 2);
	CHECK(!weir_walk_last_resort(&walk, true, T0, &found));
	CHECK(!weir_walk_at_cap(&walk, T0));
	CHECK(!weir_walk_stated(&walk, T0, &found, &(uint64_t){ 0 }));
	walk.window_over = 7999;
	CHECK(weir_walk_stated(&walk, T0, &found, &(uint64_t){ 0 }) && found_at(0, 1));
}

/* Members that cannot carry the request are gone past, and nobody's last resort. */
TEST(who_is_unfit_is_never_tried)
{
	make();
	plan.steps[0].unfit = 6;
	CHECK(weir_walk_next(&walk, 0, T0, &found) && found_at(0, 0));
	plan.steps[0].unfit = 7;
	plan.steps[1].unfit = 5;
	CHECK(weir_walk_next(&walk, 0, T0, &found) && found_at(1, 1));
	CHECK_INT(walk.passed_n, 1);
	CHECK_INT(walk.passed[0].leave, WEIR_LEAVE_UNFIT);
	pools[1].members_n = 1;
	plan.steps[2].unfit = 7;
	fill(1, 0);
	bench(2, 0, T0 + 100, true);
	bench(2, 1, T0 + 100, false);
	CHECK(!weir_walk_next(&walk, 0, T0, &found));
	CHECK(!weir_walk_last_resort(&walk, false, T0, &found));
	CHECK(!weir_walk_last_resort(&walk, true, T0, &found));
	CHECK(!weir_walk_at_cap(&walk, T0));
	CHECK(!weir_walk_stated(&walk, T0, &found, &(uint64_t){ 0 }));
}

TEST(what_is_left_out_for_lack_of_time_is_late)
{
	make();
	walk.attempts = 1;
	CHECK(weir_walk_next(&walk, 0, T0 + 89001, &found) && found.step == 2);
	CHECK(walk.late);
	CHECK_INT(walk.passed_n, 0);
	CHECK(!weir_walk_next(&walk, 0, T0 + 99001, &found));
	CHECK(walk.late);
	CHECK(weir_walk_next(&walk, 0, T0, &found));
	CHECK(!walk.late);
	/* As is what usually takes longer than there is. */
	for (unsigned m = 0; m < MEMBERS; m++)
		slow_down(0, m, 95000);
	bench_step(1);
	CHECK(weir_walk_next(&walk, 0, T0, &found) && found.step == 2);
	CHECK(walk.late);
	CHECK_INT(walk.passed_n, 2);
	CHECK_INT(walk.passed[0].leave, WEIR_LEAVE_TOO_SLOW);
	/* Gone past for another reason, nothing is late. */
	bench_step(0);
	CHECK(weir_walk_next(&walk, 0, T0, &found) && found.step == 2);
	CHECK(!walk.late);
}

static bool resort(bool desperate)
{
	found = AT(9, 9);
	walk.passed_n = 1;
	if (!weir_walk_last_resort(&walk, desperate, T0, &found))
		return false;
	CHECK_INT(walk.passed_n, 0);
	return true;
}

/* First who was only second best. */
TEST(second_best_is_better_than_nobody)
{
	static struct weir_group group;

	make();
	for (unsigned s = 0; s < STEPS; s++)
		bench_step(s);
	CHECK(!resort(false) && !resort(true));
	CHECK_INT(walk.passed_n, 0);
	bench(2, 2, 0, false);
	CHECK(resort(false) && found_at(2, 2) && !resort(true));
	open_up(2, 2, T0);
	CHECK(resort(false) && found_at(2, 2) && !resort(true)); /* a probe */
	healths[2][2].breaker = (struct weir_breaker){ .closed_ms = T0 };
	CHECK(resort(false) && found_at(2, 2)); /* on the ramp, whatever is rolled */
	for (unsigned i = 0; i < 100; i++)
		CHECK(resort(false));
	healths[2][2].breaker = (struct weir_breaker){ 0 };
	group = (struct weir_group){ .models_n = 2, .tripped_n = 2 };
	models[2][2].groups[0] = &group;
	models[2][2].groups_n = 1;
	CHECK(resort(false) && found_at(2, 2) && !resort(true)); /* its group is down */
	models[2][2].groups_n = 0;
	plan.drift_percent = 100;
	for (unsigned i = 0; i < 4; i++)
		slow_down(2, 2, 50);
	CHECK_INT(weir_walk_ask(&walk, AT(2, 2), T0).leave, WEIR_LEAVE_DRIFTING);
	CHECK(resort(false) && found_at(2, 2) && !resort(true));
	weir_walk_tried(&walk, AT(2, 2), false);
	CHECK(!resort(false) && !resort(true));
}

TEST(a_ramping_member_is_second_best_whatever_is_rolled)
{
	make();
	for (unsigned s = 0; s < STEPS; s++)
		bench_step(s);
	bench(1, 1, 0, false);
	healths[1][1].breaker.closed_ms = T0;
	CHECK(resort(false) && found_at(1, 1));
	CHECK(!resort(true));
}

/* Too slow is only tried when nobody has been. */
TEST(too_slow_is_tried_only_first)
{
	make();
	for (unsigned s = 0; s < STEPS; s++)
		bench_step(s);
	bench(1, 0, 0, false);
	slow_down(1, 0, 95000);
	CHECK_INT(weir_walk_ask(&walk, AT(1, 0), T0).leave, WEIR_LEAVE_TOO_SLOW);
	CHECK(resort(false) && found_at(1, 0));
	CHECK(!resort(true));
	walk.attempts = 1;
	CHECK(!resort(false) && !resort(true));
}

/* Then a guess that nobody asks about yet, or an open one that nobody has probed for a second. */
TEST(in_despair_guesses_and_open_ones_are_tried)
{
	make();
	for (unsigned s = 0; s < STEPS; s++)
		bench_step(s);
	bench(1, 2, T0 + 5000, false);
	CHECK(!resort(false));
	CHECK(resort(true) && found_at(1, 2));
	healths[1][2].bench.asked = true;
	CHECK(!resort(true));
	open_up(0, 1, T0 + 5000);
	CHECK(!resort(true) && !resort(false));
	healths[0][1].breaker.opened_ms = T0 - 1000;
	CHECK(resort(true) && found_at(0, 1) && !resort(false));
	/* But no longer than there is time, and nobody twice. */
	walk.attempts = 1;
	CHECK(weir_walk_last_resort(&walk, true, T0 + 4000, &found));
	walk.give_up_ms = T0 + 5000;
	CHECK(!weir_walk_last_resort(&walk, true, T0 + 4000, &found));
	walk.give_up_ms = T0 + DEADLINE;
	weir_walk_tried(&walk, AT(0, 1), false);
	CHECK(!resort(true));
}

TEST(nobody_who_is_disabled_or_at_his_cap_is_a_last_resort)
{
	make();
	for (unsigned s = 0; s < STEPS; s++)
		for (unsigned m = 0; m < MEMBERS; m++)
			models[s][m].disabled = true;
	CHECK(!resort(false) && !resort(true));
	models[0][0].disabled = false;
	fill(0, 0);
	CHECK(!resort(false) && !resort(true));
}

TEST(room_is_waited_for_where_nobody_was_tried)
{
	make();
	CHECK(!weir_walk_at_cap(&walk, T0));
	fill(2, 1);
	CHECK(weir_walk_at_cap(&walk, T0));
	weir_walk_tried(&walk, AT(2, 1), false);
	CHECK(!weir_walk_at_cap(&walk, T0));
	fill(2, 2);
	bench(2, 2, T0 + 1, true);
	CHECK(!weir_walk_at_cap(&walk, T0));
	CHECK(weir_walk_at_cap(&walk, T0 + 1));
}

TEST(the_soonest_stated_return_is_waited_for)
{
	uint64_t at_ms = 7;

	make();
	CHECK(!weir_walk_stated(&walk, T0, &found, &at_ms));
	bench(0, 0, T0 + 100, false);
	open_up(0, 2, T0 + 50);
	CHECK(!weir_walk_stated(&walk, T0, &found, &at_ms));
	bench(1, 1, T0 + 9000, true);
	CHECK(weir_walk_stated(&walk, T0, &found, &at_ms) && found_at(1, 1));
	CHECK_INT(at_ms, T0 + 9000);
	bench(0, 1, T0 + 9000, true);
	bench(2, 2, T0 + 9001, true);
	CHECK(weir_walk_stated(&walk, T0, &found, &at_ms) && found_at(0, 1));
	bench(2, 2, T0 + 8999, true);
	CHECK(weir_walk_stated(&walk, T0, &found, &at_ms) && found_at(2, 2));
	CHECK_INT(at_ms, T0 + 8999);
	/* Also of those who had their turn: they said it then. */
	weir_walk_tried(&walk, AT(2, 2), false);
	CHECK(weir_walk_stated(&walk, T0, &found, &at_ms) && found_at(2, 2));
}

static struct weir_survey survey(void)
{
	struct weir_survey s;

	weir_walk_survey(&walk, T0, &s);
	return s;
}

static void set_aside(unsigned s, unsigned m, enum weir_outcome why, bool stated)
{
	bench(s, m, T0 + 9000, stated);
	healths[s][m].bench.why = why;
}

static void check_survey(unsigned past, unsigned limited, unsigned quota)
{
	CHECK_INT(survey().past, past);
	CHECK_INT(survey().past_limited, limited);
	CHECK_INT(survey().past_quota, quota);
}

/* Those who were not tried because they may not be, and why. */
TEST(who_was_not_tried_is_counted)
{
	make();
	check_survey(0, 0, 0);
	set_aside(0, 0, WEIR_OUT_RATE_LIMITED, true);
	check_survey(1, 1, 0);
	set_aside(0, 1, WEIR_OUT_QUOTA, false);
	check_survey(2, 2, 1);
	set_aside(0, 2, WEIR_OUT_CREDENTIALS, false);
	check_survey(3, 2, 1);
	open_up(1, 0, T0 + 5000);
	check_survey(4, 2, 1);
	fill(1, 1);
	check_survey(5, 2, 1);
	models[1][2].disabled = true;
	check_survey(6, 2, 1);
	slow_down(2, 0, 200000); /* only second best: it could have been */
	CHECK_INT(weir_walk_ask(&walk, AT(2, 0), T0).leave, WEIR_LEAVE_TOO_SLOW);
	open_up(2, 1, T0); /* and so could a probe */
	check_survey(6, 2, 1);
	plan.steps[0].unfit = 2; /* it does not count at all */
	check_survey(5, 1, 0);
	plan.steps[0].unfit = 0;
	weir_walk_tried(&walk, AT(0, 1), false);
	check_survey(5, 1, 0);
	weir_walk_tried(&walk, AT(1, 0), false);
	check_survey(4, 1, 0);
	/* What a group's fate leaves for others could have been tried, too. */
	for (unsigned m = 0; m < MEMBERS; m++) {
		static struct weir_group down = { .models_n = 2, .tripped_n = 2 };

		models[2][m].groups[0] = &down;
		models[2][m].groups_n = 1;
	}
	check_survey(4, 1, 0);
}

/* A bad key or an unknown model returns when somebody has mended it: nobody knows when. */
TEST(the_soonest_honest_return_is_told)
{
	make();
	CHECK(survey().return_ms == WEIR_NEVER);
	set_aside(0, 0, WEIR_OUT_CREDENTIALS, false);
	set_aside(0, 1, WEIR_OUT_NOT_HERE, false);
	models[0][2].disabled = true;
	CHECK(survey().return_ms == WEIR_NEVER);
	set_aside(0, 0, WEIR_OUT_CREDENTIALS, true);
	CHECK_INT(survey().return_ms, T0 + 9000);
	healths[0][0].bench.until_ms = 0;
	set_aside(0, 1, WEIR_OUT_NOT_HERE, true);
	CHECK_INT(survey().return_ms, T0 + 9000);
	healths[0][1].bench.until_ms = 0;
	set_aside(1, 0, WEIR_OUT_QUOTA, false);
	CHECK_INT(survey().return_ms, T0 + 9000);
	set_aside(1, 0, WEIR_OUT_RATE_LIMITED, false);
	CHECK_INT(survey().return_ms, T0 + 9000);
	open_up(2, 0, T0 + 4000);
	CHECK_INT(survey().return_ms, T0 + 4000);
	fill(2, 1);
	CHECK_INT(survey().return_ms, T0 + 1000);
	/* Also of those who were tried. */
	weir_walk_tried(&walk, AT(2, 1), false);
	CHECK_INT(survey().return_ms, T0 + 1000);
}

TEST_MAIN
