/* The prover's short cuts change nothing, and no world is worse than its worst case. */
#include "proofs.h"

static const struct weir_prover_options every_path = { .every_path = true, .steps_max = 300000 };

/* Where paths meet, what follows is walked once: nothing may be forgotten that makes two
 * states differ. False: too many paths to walk them one by one. */
static bool meets_well(const struct weir_prove_price *prices)
{
	struct weir_proof one_by_one = prove(&every_path, prices), met;

	if (one_by_one.walked != WEIR_WALKED_ALL)
		return false;
	met = prove(NULL, prices);
	CHECK_INT(met.walked, WEIR_WALKED_ALL);
	CHECK_INT(met.paths, one_by_one.paths);
	CHECK_INT(met.calls, one_by_one.calls);
	CHECK_INT(met.answer_ms, one_by_one.answer_ms);
	CHECK_INT(met.end_ms, one_by_one.end_ms);
	CHECK_INT(met.cost, one_by_one.cost);
	CHECK(met.states <= one_by_one.states);
	return true;
}

static uint64_t upto(struct weir_rng *rng, uint64_t max)
{
	return weir_rng_upto(rng, max);
}

static uint64_t one_of(struct weir_rng *rng, const uint64_t *list, unsigned n)
{
	return list[upto(rng, n - 1)];
}

#define ONE_OF(rng, ...) \
	one_of(rng, (const uint64_t[]){ __VA_ARGS__ }, sizeof((uint64_t[]){ __VA_ARGS__ }) / 8)

static struct weir_plan random_plan(struct weir_rng *rng, struct weir_timers *timers)
{
	struct weir_plan p = plan_of(3, (unsigned)upto(rng, 2), upto(rng, 1));

	for (unsigned i = 0; i < 3; i++) {
		timers[i] = (struct weir_timers){
			.connect_timeout_ms = ONE_OF(rng, 500, 3000),
			.first_token_timeout_ms = ONE_OF(rng, 300, 1000, 2500, 20000),
			.attempt_timeout_ms = ONE_OF(rng, 1000, 4000, 60000),
			.stall_timeout_ms = ONE_OF(rng, 1000, 30000),
		};
		p.steps[i].timers = &timers[i];
	}
	p.steps_n = 0; /* as the targets say */
	p.max_attempts = 1 + (unsigned)upto(rng, 3);
	p.deadline_ms = ONE_OF(rng, 400, 5000, 20000, 120000);
	p.stream_ms = ONE_OF(rng, 1000, 600000);
	p.policy_next = upto(rng, 1);
	p.repair_first = upto(rng, 1);
	p.resume = upto(rng, 3) == 0;
	p.hedge = upto(rng, 3) == 0;
	p.stateful = upto(rng, 7) == 0;
	p.hurried = upto(rng, 3) == 0;
	p.overflow = (enum weir_overflow)upto(rng, 2);
	return p;
}

/* Up to three steps, of up to two targets, with up to two keys. */
static void make_random(struct weir_rng *rng, struct weir_timers *timers)
{
	static const char *const names[] = { "a", "b", "c" };
	struct weir_world_target targets[4] = { { NULL } };
	struct weir_plan p = random_plan(rng, timers);
	unsigned targets_n = 1 + (unsigned)upto(rng, 2);

	for (unsigned i = 0; i < targets_n; i++)
		targets[i] = (struct weir_world_target){
			.name = names[i],
			.beside = upto(rng, 2) == 0,
			.keys = upto(rng, 2) ? 1 : 2,
			.context_tokens = upto(rng, 2) * 1000,
		};
	make(&p, targets);
	for (unsigned i = 0; i < targets_n; i++) {
		if (upto(rng, 5) == 0)
			weir_limits_init(&world.healths[i][0].limits, 1 + upto(rng, 2), 0);
		if (i && upto(rng, 3) == 0) /* one account */
			world.healths[i][0].key = &world.keys[0][0];
		if (i && upto(rng, 3) == 0) /* one vendor */
			world.models[i].provider = &world.providers[0];
	}
	if (world.plan.steps_n > 1 && upto(rng, 3) == 0) /* the same target twice */
		*world.plan.steps[1].pool->members = *world.plan.steps[0].pool->members;
}

TEST(walking_every_path_one_by_one_finds_the_same)
{
	static const struct weir_prove_price prices[] = { { 1, 2 }, { 3, 1 }, { 2, 5 },
							  { 9, 0 }, { 4, 4 }, { 0, 7 } };
	struct weir_timers timers[3];
	struct weir_rng rng;
	unsigned walked = 0;

	weir_rng_init(&rng, 7);
	for (unsigned i = 0; i < 70; i++) {
		make_random(&rng, timers);
		walked += meets_well(prices);
		if (test_failures) {
			NOTE("in plan %u", i);
			return;
		}
	}
	NOTE("%u plans", walked);
	CHECK(walked > 40);
}

/* Too long for the first, it goes to the second and not to the third; anything else does. */
TEST(a_request_too_long_for_one_is_told_from_others)
{
	struct weir_plan p = plan_of(3, 0, true);

	p.max_attempts = 3;
	make(&p, TARGETS({ "a", .context_tokens = 1000 }, { "b", .context_tokens = 2000 },
			 { "c", .context_tokens = 1000 }));
	CHECK(meets_well(NULL));
}

/* Five failures in a row open a breaker, within one request. */
TEST(a_target_that_opens_on_the_way_is_told_from_one_that_does_not)
{
	static const struct weir_timers short_ones = { 40, 50, 50, 50 };
	struct weir_plan p = plan_of(1, 5, true);

	p.max_attempts = 6;
	p.deadline_ms = 400;
	p.steps[0].timers = &short_ones;
	make(&p, SOME);
	CHECK(meets_well(NULL));
}

/* Worlds: nothing that happens to a request is worse than the worst case. */

enum { PLANS = 40, WORLDS = 300, LINES_MAX = 12 };

static struct weir_world_line line_of(struct weir_rng *rng)
{
	static const uint64_t paces[] = { 1, 200, 2500, 25000 };
	enum weir_outcome outcome = (enum weir_outcome)(1 + upto(rng, WEIR_OUT_N - 3));
	struct weir_world_line line = { .after_ms = upto(rng, paces[upto(rng, 3)]) };

	if (upto(rng, 9) == 0) {
		line.event.type = WEIR_EV_COMMIT;
		return line;
	}
	line.event = (struct weir_event){
		.type = WEIR_EV_RESULT,
		.outcome = outcome == WEIR_OUT_SLOW ? WEIR_OUT_CUT : outcome,
		.can_repair = true,
		.overflow = upto(rng, 1),
		.model_unknown = upto(rng, 1),
		.content_policy = upto(rng, 1),
		.retry_after_stated = upto(rng, 1),
		.retry_after_ms = upto(rng, 12000),
	};
	return line;
}

static void make_lines(struct weir_rng *rng, struct weir_world_line *lines)
{
	unsigned n = 0;

	while (n + 1 < LINES_MAX && upto(rng, 9)) {
		lines[n] = line_of(rng);
		if (lines[n++].event.type == WEIR_EV_COMMIT && n + 1 < LINES_MAX)
			lines[n++] = (struct weir_world_line)WITH(1, OK, .can_resume = true);
	}
	lines[n] = (struct weir_world_line)SILENCE;
}

static struct weir_plan plan_for_worlds(struct weir_rng *rng, struct weir_timers *timers)
{
	struct weir_plan p = random_plan(rng, timers);

	p.steps_n = 1 + (unsigned)upto(rng, 2);
	for (unsigned i = 0; i < p.steps_n; i++)
		timers[i] = (struct weir_timers){ 1 + upto(rng, 4000), 1 + upto(rng, 30000),
						  1 + upto(rng, 40000), 1 + upto(rng, 30000) };
	p.deadline_ms = 1 + upto(rng, upto(rng, 1) ? 20000 : 150000);
	p.resume = p.hedge = false;
	return p;
}

static void run_world(struct weir_rng *rng, const struct weir_plan *p, unsigned at_cap)
{
	static struct weir_world_line lines[3][LINES_MAX];
	struct weir_world_target targets[4] = { { "a" }, { "b" }, { "c" }, { NULL } };

	for (unsigned i = 0; i < p->steps_n; i++) {
		make_lines(rng, lines[i]);
		targets[i].lines = lines[i];
		targets[i].at_cap = i == at_cap;
	}
	targets[p->steps_n].name = NULL;
	make(p, targets);
	world.seed = upto(rng, UINT32_MAX);
	world.hangup_ms = WEIR_NEVER;
	world.room_ms = world.now_ms + upto(rng, 3000);
	weir_world_run(&world);
}

TEST(no_world_is_worse_than_the_worst_case)
{
	struct weir_rng rng;
	unsigned all = 0;

	weir_rng_init(&rng, 1);
	for (unsigned i = 0; i < PLANS; i++) {
		struct weir_timers timers[3];
		struct weir_plan p = plan_for_worlds(&rng, timers);
		struct weir_proof proof;

		make(&p, SOME);
		proof = prove(NULL, NULL);
		check_keeps(&proof);
		all += proof.walked == WEIR_WALKED_ALL;
		for (unsigned k = 0; k < WORLDS; k++) {
			uint64_t answer_ms;

			run_world(&rng, &p, (unsigned)upto(&rng, 5));
			answer_ms = world.relays_n ? world.relay_ms : world.end_ms;
			CHECK(world.tries_n <= proof.calls);
			CHECK(answer_ms - world.began_ms <= proof.answer_ms);
			CHECK(world.end_ms - world.began_ms <= proof.end_ms);
			if (test_failures) {
				NOTE("plan %u, world %u: %u calls of %u, %llu ms of %llu\n# %s", i,
				     k, world.tries_n, proof.calls,
				     (unsigned long long)(answer_ms - world.began_ms),
				     (unsigned long long)proof.answer_ms, world.trace);
				return;
			}
		}
	}
	CHECK(all > PLANS / 2);
}

TEST_MAIN
