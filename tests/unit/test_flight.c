/* The clocks of an attempt, and its place in the books. */
#include "policy/flight.h"
#include "test.h"

static const uint64_t T0 = 1000000;

static struct weir_rng rng;
static struct weir_provider_health provider;
static struct weir_model_health model;
static struct weir_key_health key;
static struct weir_health health;
static struct weir_member members[2];
static struct weir_balancer pool;
static struct weir_plan plan;
static struct weir_walk walk;
static struct weir_flight flight;
static struct weir_clock clock;

/* Two steps; the first is tried. */
static void make(void)
{
	weir_rng_init(&rng, 1);
	provider = (struct weir_provider_health){ 0 };
	model = (struct weir_model_health){ .provider = &provider };
	key = (struct weir_key_health){ 0 };
	weir_health_init(&health, &model, &key);
	members[0] = (struct weir_member){ .health = &health,
					   .target = 0,
					   .timers = { 3000, 20000, 60000, 30000 } };
	members[1] = members[0];
	pool = (struct weir_balancer){ .members_n = 2, .members = members };
	plan = (struct weir_plan){ .steps_n = 2, .max_attempts = 4, .deadline_ms = 100000 };
	plan.steps[0].pool = plan.steps[1].pool = &pool;
	walk = (struct weir_walk){ .plan = &plan, .rng = &rng, .give_up_ms = T0 + 100000 };
	flight = (struct weir_flight){ .live = false };
	weir_flight_begin(&flight, &walk, (struct weir_spot){ 0, 0 }, T0);
}

static void arm(void)
{
	weir_clock_stop(&clock);
	weir_flight_arm(&flight, &walk, 1, &clock);
}

static void check_clock(enum weir_timer timer, uint64_t after_ms)
{
	CHECK_STR(weir_timer_reason(clock.timer), weir_timer_reason(timer));
	CHECK_INT(clock.wake_ms, T0 + after_ms);
}

TEST(of_equal_clocks_the_first_stays)
{
	weir_clock_stop(&clock);
	CHECK(clock.wake_ms == WEIR_NEVER);
	weir_clock_set(&clock, WEIR_TIMER_ATTEMPT, 0, 70);
	weir_clock_set(&clock, WEIR_TIMER_CONNECT, 1, 70);
	CHECK_INT(clock.timer, WEIR_TIMER_ATTEMPT);
	CHECK_INT(clock.flight, 0);
	weir_clock_set(&clock, WEIR_TIMER_CONNECT, 1, 71);
	CHECK_INT(clock.wake_ms, 70);
	weir_clock_set(&clock, WEIR_TIMER_CONNECT, 1, 69);
	CHECK_INT(clock.wake_ms, 69);
	CHECK_INT(clock.timer, WEIR_TIMER_CONNECT);
	CHECK_INT(clock.flight, 1);
	weir_clock_stop(&clock);
	CHECK(clock.wake_ms == WEIR_NEVER);
}

TEST(it_takes_its_place_and_gives_it_back)
{
	struct weir_ending ending = { .outcome = WEIR_OUT_SERVER_ERROR, .now_ms = T0 + 5 };

	make();
	CHECK(flight.live && !flight.connected);
	CHECK_INT(flight.attempt, 0);
	CHECK_INT(walk.attempts, 1);
	CHECK_INT(walk.tried[0], 1); /* not yet the whole target */
	CHECK_INT(health.inflight, 1);
	weir_flight_end(&flight, &ending, &rng);
	CHECK(!flight.live);
	CHECK_INT(health.inflight, 0);
	CHECK_INT(health.failures, 1);
	weir_flight_end(&flight, &ending, &rng);
	CHECK_INT(health.failures, 1);
	weir_flight_begin(&flight, &walk, (struct weir_spot){ 1, 1 }, T0 + 9);
	CHECK_INT(flight.attempt, 1);
	CHECK_INT(flight.spot.step + flight.spot.member, 2);
	CHECK_INT(flight.tried_ms, T0 + 9);
	CHECK_INT(flight.opened_ms, T0 + 9);
}

TEST(first_it_has_to_connect)
{
	make();
	arm();
	check_clock(WEIR_TIMER_CONNECT, 3000);
	CHECK_INT(clock.flight, 1);
	flight.opened_ms = T0 + 500;
	arm();
	check_clock(WEIR_TIMER_CONNECT, 3500);
	flight.connected = true;
	arm();
	check_clock(WEIR_TIMER_ATTEMPT, 60000);
	CHECK_INT(clock.flight, 1);
}

TEST(a_stream_has_to_begin)
{
	make();
	plan.stream = true;
	flight.connected = true;
	arm();
	check_clock(WEIR_TIMER_FIRST_TOKEN, 20000);
	CHECK_INT(clock.flight, 1);
}

/* The caller's wish is for the attempt, and nothing in it takes longer. */
TEST(the_callers_wish_replaces_the_attempts_time)
{
	make();
	flight.connected = true;
	plan.attempt_ms = 70000;
	arm();
	check_clock(WEIR_TIMER_ATTEMPT, 70000);
	plan.stream = true;
	arm();
	check_clock(WEIR_TIMER_FIRST_TOKEN, 20000);
	plan.attempt_ms = 10000;
	arm();
	check_clock(WEIR_TIMER_ATTEMPT, 10000);
	members[0].timers.attempt_timeout_ms = 5;
	arm();
	check_clock(WEIR_TIMER_ATTEMPT, 10000);
}

TEST(a_wish_for_one_step_is_nearer_than_one_for_all)
{
	make();
	flight.connected = true;
	plan.attempt_ms = 70000;
	plan.steps[flight.spot.step].attempt_ms = 9000;
	arm();
	check_clock(WEIR_TIMER_ATTEMPT, 9000);
	plan.stream = true;
	arm();
	check_clock(WEIR_TIMER_ATTEMPT, 9000);
	plan.attempt_ms = 0;
	plan.steps[flight.spot.step].attempt_ms = 30000;
	arm();
	check_clock(WEIR_TIMER_FIRST_TOKEN, 20000);
}

TEST(an_attempt_leaves_the_reserve_to_the_last_step)
{
	make();
	flight.connected = true;
	members[0].timers.attempt_timeout_ms = 500000;
	arm();
	check_clock(WEIR_TIMER_ATTEMPT, 90000);
	flight.spot.step = 1;
	arm();
	check_clock(WEIR_TIMER_ATTEMPT, 100000);
}

static enum weir_outcome blamed(enum weir_outcome outcome, uint64_t took_ms)
{
	return weir_flight_blame(&flight, &walk, outcome, T0 + took_ms);
}

/* Given less time than its timers say, nobody is slow for it yet. */
TEST(a_caller_in_haste_blames_nobody)
{
	make();
	flight.connected = true;
	CHECK_INT(blamed(WEIR_OUT_SLOW, 100), WEIR_OUT_SLOW);
	walk.hurried = true;
	CHECK_INT(blamed(WEIR_OUT_SLOW, 4999), WEIR_OUT_HANGUP);
	CHECK_INT(blamed(WEIR_OUT_SLOW, 5000), WEIR_OUT_SLOW);
	CHECK_INT(blamed(WEIR_OUT_CUT, 100), WEIR_OUT_CUT);
	/* Its own timers are another matter. */
	members[0].timers.attempt_timeout_ms = 4000;
	CHECK_INT(blamed(WEIR_OUT_SLOW, 3999), WEIR_OUT_HANGUP);
	CHECK_INT(blamed(WEIR_OUT_SLOW, 4000), WEIR_OUT_SLOW);
	members[0].timers.first_token_timeout_ms = 1000;
	CHECK_INT(blamed(WEIR_OUT_SLOW, 1000), WEIR_OUT_HANGUP);
	plan.stream = true;
	CHECK_INT(blamed(WEIR_OUT_SLOW, 999), WEIR_OUT_HANGUP);
	CHECK_INT(blamed(WEIR_OUT_SLOW, 1000), WEIR_OUT_SLOW);
	plan.stream = false;
	flight.opened_ms = T0 + 200;
	CHECK_INT(blamed(WEIR_OUT_SLOW, 3200), WEIR_OUT_HANGUP);
	flight.connected = false;
	CHECK_INT(blamed(WEIR_OUT_SLOW, 3199), WEIR_OUT_HANGUP);
	CHECK_INT(blamed(WEIR_OUT_SLOW, 3200), WEIR_OUT_SLOW);
}

static void know(unsigned n, uint64_t ms)
{
	while (n--)
		weir_latency_add(&health.latency[plan.stream], ms, T0);
}

static void arm_hedge(void)
{
	weir_clock_stop(&clock);
	weir_flight_arm_hedge(&flight, &walk, &clock);
}

/* Once it takes longer than 19 of 20 do, and never before 300 ms. */
TEST(a_hedge_is_for_who_takes_longer_than_usual)
{
	make();
	know(9, 400);
	arm_hedge();
	CHECK(clock.wake_ms == WEIR_NEVER);
	know(1, 400);
	arm_hedge();
	check_clock(WEIR_TIMER_HEDGE, 512);
	CHECK_INT(clock.flight, 0);
	make();
	know(100, 1);
	arm_hedge();
	check_clock(WEIR_TIMER_HEDGE, 300);
	make();
	know(95, 400);
	know(5, 9000);
	arm_hedge();
	check_clock(WEIR_TIMER_HEDGE, 512);
	know(1, 9000);
	arm_hedge();
	CHECK(clock.wake_ms > T0 + 9000);
	/* Streams have their own. */
	plan.stream = true;
	arm_hedge();
	CHECK(clock.wake_ms == WEIR_NEVER);
}

/* Who usually is quicker than this caller waits is slow for him, too. */
TEST(haste_is_measured_by_what_is_usual)
{
	make();
	walk.hurried = flight.connected = true;
	know(95, 400);
	know(5, 9000);
	CHECK_INT(blamed(WEIR_OUT_SLOW, 511), WEIR_OUT_HANGUP);
	CHECK_INT(blamed(WEIR_OUT_SLOW, 512), WEIR_OUT_SLOW);
	know(1, 9000);
	CHECK_INT(blamed(WEIR_OUT_SLOW, 5000), WEIR_OUT_HANGUP);
}

TEST_MAIN
