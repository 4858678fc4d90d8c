/* Thousands of seeded worlds, each a random plan and random targets; whatever happens in
 * them, these must hold: it ends; in time; never a try after relaying; never more than
 * max_attempts; the caller's fault is never retried; the body is freed once; a timeout is
 * never repeated at the same step; later steps keep their turn. */
#include "sim/world.h"
#include "test.h"

enum { WORLDS = 20000, LINES_MAX = 12 };

struct random_world {
	struct weir_plan plan;
	struct weir_world_target targets[WEIR_PLAN_STEPS_MAX];
	struct weir_world_line lines[WEIR_PLAN_STEPS_MAX][LINES_MAX];
	struct weir_world world;
};

static struct random_world w;

static uint64_t upto(struct weir_rng *rng, uint64_t max)
{
	return weir_rng_upto(rng, max);
}

static void make_plan(struct weir_rng *rng)
{
	w.plan = (struct weir_plan){
		.steps_n = 1 + (unsigned)upto(rng, 5),
		.max_attempts = 1 + (unsigned)upto(rng, 9),
		.stream = upto(rng, 1),
		.policy_next = upto(rng, 1),
		.repair_first = upto(rng, 1),
		.repair_later = upto(rng, 1),
		.overflow = (enum weir_overflow)upto(rng, 2),
		.deadline_ms = 1 + upto(rng, 150000),
		.stream_ms = 1 + upto(rng, 600000),
	};
	for (unsigned i = 0; i < w.plan.steps_n; i++)
		w.plan.steps[i] = (struct weir_plan_step){
			.keys_n = 1 + (unsigned)upto(rng, 2),
			.retries = (unsigned)upto(rng, 3),
			.connect_ms = 1 + upto(rng, 5000),
			.first_token_ms = 1 + upto(rng, 30000),
			.attempt_ms = 1 + upto(rng, 90000),
			.stall_ms = 1 + upto(rng, 40000),
			.context_tokens = upto(rng, 3) * 1000,
		};
}

static struct weir_event result(struct weir_rng *rng)
{
	enum weir_outcome outcome = (enum weir_outcome)(1 + upto(rng, WEIR_OUT_N - 3));

	return (struct weir_event){
		.type = WEIR_EV_RESULT,
		.outcome = outcome == WEIR_OUT_SLOW ? WEIR_OUT_CUT : outcome,
		.overflow = upto(rng, 3) == 0,
		.content_policy = upto(rng, 3) == 0,
		.can_repair = upto(rng, 1),
		.retry_after_stated = upto(rng, 2) == 0,
		.retry_after_ms = upto(rng, 20000),
	};
}

/* connect, then fail; or answer; over and over until the lines are used up. */
static void make_target(struct weir_rng *rng, unsigned step)
{
	struct weir_world_line *line = w.lines[step];
	unsigned n = 0;

	while (n + 4 < LINES_MAX && upto(rng, 9)) {
		uint64_t pace = upto(rng, 3) ? 300 : 30000;

		if (upto(rng, 1))
			line[n++] = (struct weir_world_line){ upto(rng, 200),
							      { .type = WEIR_EV_CONNECTED } };
		if (upto(rng, 3)) {
			line[n++] = (struct weir_world_line){ upto(rng, pace), result(rng) };
			continue;
		}
		line[n++] = (struct weir_world_line){ upto(rng, pace), { .type = WEIR_EV_COMMIT } };
		if (upto(rng, 1))
			line[n++] = (struct weir_world_line){ upto(rng, pace),
							      { .type = WEIR_EV_PROGRESS } };
		line[n++] = (struct weir_world_line){ upto(rng, pace),
						      { .type = WEIR_EV_RESULT,
							.outcome = upto(rng, 1) ? WEIR_OUT_OK
										: WEIR_OUT_CUT } };
		break;
	}
	line[n] = (struct weir_world_line){ WEIR_NEVER, { 0 } };
	w.targets[step] = (struct weir_world_target){
		.name = (const char *const[]){ "a", "b", "c", "d", "e", "f" }[step],
		.lines = line,
		.at_cap = upto(rng, 7) == 0,
	};
}

static bool is_final_for_the_caller(const struct weir_world_try *t)
{
	return t->outcome == WEIR_OUT_CALLER && !w.plan.policy_next;
}

static void check_tries(void)
{
	const struct weir_world *world = &w.world;

	CHECK(world->tries_n <= w.plan.max_attempts);
	for (unsigned i = 0; i < world->tries_n; i++) {
		const struct weir_world_try *t = &world->tries[i];
		const struct weir_world_try *next = i + 1 < world->tries_n ? t + 1 : NULL;

		CHECK(i == 0 || t->began_ms < w.plan.deadline_ms);
		CHECK(!w.targets[t->step].at_cap);
		if (!next)
			continue;
		CHECK(!is_final_for_the_caller(t));
		CHECK(!t->timed_out || next->step != t->step || next->key != t->key);
		/* In place: only after a quick failure, or once for a stated return. */
		if (next->step == t->step && next->key == t->key &&
		    t->outcome != WEIR_OUT_RATE_LIMITED)
			CHECK(t->ended_ms - t->began_ms < WEIR_QUICK_MS ||
			      t->outcome == WEIR_OUT_REPAIRABLE);
	}
}

static void check_end(void)
{
	const struct weir_world *world = &w.world;

	CHECK_INT(world->ends_n, 1);
	CHECK(world->relays_n <= 1);
	CHECK_INT(world->tries_after_relay_n, 0);
	if (world->relays_n)
		CHECK(world->end_ms <= world->relay_ms + w.plan.stream_ms);
	else
		CHECK(world->end_ms <= w.plan.deadline_ms);
	if (!world->abandoned && world->finish.final == WEIR_FINAL_OWN)
		CHECK(world->finish.own < world->tries_n);
	if (!world->abandoned)
		CHECK((world->relays_n == 1) == (world->finish.final == WEIR_FINAL_OK ||
						 world->finish.final == WEIR_FINAL_CUT));
}

static void live(uint64_t seed)
{
	struct weir_rng rng;

	weir_rng_init(&rng, seed);
	make_plan(&rng);
	for (unsigned i = 0; i < w.plan.steps_n; i++)
		make_target(&rng, i);
	memset(&w.world, 0, sizeof w.world);
	w.world.plan = &w.plan;
	w.world.targets = w.targets;
	w.world.seed = seed;
	w.world.hangup_ms = upto(&rng, 4) ? WEIR_NEVER : upto(&rng, 60000);
	weir_world_run(&w.world);
}

TEST(random_worlds_keep_the_promises)
{
	for (uint64_t seed = 1; seed <= WORLDS; seed++) {
		int before = test_failures;

		live(seed);
		check_tries();
		check_end();
		if (test_failures != before) {
			NOTE("seed %llu", (unsigned long long)seed);
			fputs(w.world.trace, stdout);
			return;
		}
	}
}

TEST(the_same_seed_is_the_same_story)
{
	static char first[WEIR_WORLD_TRACE_MAX];

	for (uint64_t seed = 1; seed <= 100; seed++) {
		live(seed);
		memcpy(first, w.world.trace, sizeof first);
		live(seed);
		CHECK_STR(w.world.trace, first);
	}
}

/* The suite would prove nothing if its worlds were all alike. */
TEST(the_worlds_see_every_end)
{
	unsigned ends[WEIR_FINAL_N] = { 0 }, abandoned = 0;

	for (uint64_t seed = 1; seed <= WORLDS; seed++) {
		live(seed);
		if (w.world.abandoned)
			abandoned++;
		else
			ends[w.world.finish.final]++;
	}
	CHECK(abandoned > 0);
	for (unsigned i = 0; i < WEIR_FINAL_N; i++)
		CHECK(ends[i] > 0);
}

TEST_MAIN
