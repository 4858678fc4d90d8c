/* Thousands of seeded worlds, each a random plan and random targets; whatever happens in
 * them, these must hold: it ends; in time; never a try after relaying; never more than
 * max_attempts; the caller's fault is never retried; the body is freed once; a timeout is
 * never repeated at the same step; later steps keep their turn. */
#include "sim/world.h"
#include "test.h"

enum { WORLDS = 20000, LINES_MAX = 24, TARGETS_MAX = 6, REQUESTS_MAX = 6 };

struct random_world {
	struct weir_timers timers[WEIR_PLAN_STEPS_MAX];
	struct weir_world_target targets[TARGETS_MAX + 1];
	struct weir_world_line lines[TARGETS_MAX][LINES_MAX];
	struct weir_world world;
};

static struct random_world w;

static uint64_t upto(struct weir_rng *rng, uint64_t max)
{
	return weir_rng_upto(rng, max);
}

static struct weir_plan make_plan(struct weir_rng *rng)
{
	struct weir_plan plan = {
		.max_attempts = 1 + (unsigned)upto(rng, 9),
		.stream = upto(rng, 1),
		.stateful = upto(rng, 9) == 0,
		.policy_next = upto(rng, 1),
		.repair_first = upto(rng, 1),
		.repair_later = upto(rng, 1),
		.resume = upto(rng, 2) == 0,
		.hedge = upto(rng, 2) == 0,
		.overflow = (enum weir_overflow)upto(rng, 2),
		.deadline_ms = 1 + upto(rng, 150000),
		.stream_ms = 1 + upto(rng, 600000),
		.attempt_ms = upto(rng, 3) ? 0 : 1 + upto(rng, 90000),
		.drift_percent = upto(rng, 3) ? 0 : 300,
	};

	for (unsigned i = 0; i < WEIR_PLAN_STEPS_MAX; i++) {
		w.timers[i] = (struct weir_timers){
			.connect_timeout_ms = 1 + upto(rng, 5000),
			.first_token_timeout_ms = 1 + upto(rng, 30000),
			.attempt_timeout_ms = 1 + upto(rng, 90000),
			.stall_timeout_ms = 1 + upto(rng, 40000),
		};
		plan.steps[i] = (struct weir_plan_step){
			.retries = (unsigned)upto(rng, 3),
			.timers = &w.timers[i],
		};
	}
	return plan;
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
		.model_unknown = upto(rng, 1),
		.model_refused = upto(rng, 3) == 0,
		.never_fits = upto(rng, 5) == 0,
		.unsent = upto(rng, 1),
		.retry_after_stated = upto(rng, 2) == 0,
		.retry_after_ms = upto(rng, 20000),
	};
}

/* connect, then fail; or answer; over and over until the lines are used up. */
static void make_target(struct weir_rng *rng, unsigned i)
{
	struct weir_world_line *line = w.lines[i];
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
							.can_resume = upto(rng, 1),
							.outcome = upto(rng, 1) ? WEIR_OUT_OK
										: WEIR_OUT_CUT } };
	}
	line[n] = (struct weir_world_line){ WEIR_NEVER, { 0 } };
	w.targets[i] = (struct weir_world_target){
		.name = (const char *const[]){ "a", "b", "c", "d", "e", "f" }[i],
		.lines = line,
		.keys = 1 + (unsigned)upto(rng, 2),
		.beside = upto(rng, 3) == 0,
		.at_cap = upto(rng, 7) == 0,
		.context_tokens = upto(rng, 3) * 1000,
		.weight = 1 + (uint32_t)upto(rng, 3),
	};
}

static bool is_final_for_the_caller(const struct weir_world_try *t)
{
	return t->outcome == WEIR_OUT_CALLER && !w.world.plan.policy_next;
}

static void check_tries(void)
{
	const struct weir_world *world = &w.world;
	uint64_t end_ms = world->began_ms + world->plan.deadline_ms;

	CHECK(world->tries_n <= world->plan.max_attempts);
	CHECK(world->plan.resume || world->tries_after_relay_n == 0);
	for (unsigned i = 0; i < world->tries_n; i++) {
		const struct weir_world_try *t = &world->tries[i];
		const struct weir_world_try *next = i + 1 < world->tries_n ? t + 1 : NULL;

		CHECK(i == 0 || world->relays_n || t->began_ms < end_ms);
		if (!next || next->hedge)
			continue;
		CHECK(world->relays_n || !is_final_for_the_caller(t));
		CHECK(!t->timed_out || next->target != t->target || next->key != t->key);
		/* In place: only after a quick failure, or once for a stated return. */
		if (next->target == t->target && next->key == t->key && !world->failover.waited)
			CHECK(t->ended_ms - t->began_ms < WEIR_QUICK_MS ||
			      t->outcome == WEIR_OUT_REPAIRABLE);
	}
}

static void check_end(void)
{
	const struct weir_world *world = &w.world;
	enum weir_final final = world->finish.final;

	CHECK_INT(world->ends_n, 1);
	CHECK(world->relays_n <= 1 || world->plan.resume);
	if (world->relays_n)
		CHECK(world->end_ms <=
		      world->began_ms + world->plan.deadline_ms + world->plan.stream_ms);
	else
		CHECK(world->end_ms <= world->began_ms + world->plan.deadline_ms);
	if (world->abandoned)
		return;
	CHECK(final != WEIR_FINAL_OWN || world->finish.own < world->tries_n);
	CHECK((world->relays_n > 0) == (final == WEIR_FINAL_OK || final == WEIR_FINAL_CUT));
}

/* Nothing of a request stays behind when it is over. */
static void check_books(void)
{
	const struct weir_world *world = &w.world;

	CHECK_INT(world->queue.n, 0);
	for (unsigned i = 0; i < world->targets_n; i++) {
		CHECK_INT(world->models[i].inflight,
			  w.targets[i].at_cap && world->models[i].inflight);
		CHECK_INT(world->providers[i].inflight, 0);
		for (unsigned k = 0; k < w.targets[i].keys; k++) {
			CHECK_INT(world->healths[i][k].inflight, 0);
			CHECK(!world->healths[i][k].breaker.probing);
			CHECK(!world->healths[i][k].bench.asked);
			CHECK(!world->keys[i][k].bench.asked);
		}
		CHECK(!world->models[i].bench.asked);
	}
}

static void make_world(struct weir_rng *rng, uint64_t seed)
{
	unsigned targets_n = 1 + (unsigned)upto(rng, TARGETS_MAX - 1);

	memset(&w.world, 0, sizeof w.world);
	w.world.plan = make_plan(rng);
	for (unsigned i = 0; i < targets_n; i++)
		make_target(rng, i);
	w.targets[targets_n].name = NULL;
	w.world.targets = w.targets;
	w.world.balance = (enum weir_balance)upto(rng, WEIR_BALANCE_N - 1);
	w.world.seed = seed;
	w.world.now_ms = upto(rng, 1000000);
	w.world.room_ms = upto(rng, 1) ? WEIR_NEVER : w.world.now_ms + upto(rng, 2000);
	weir_world_init(&w.world);
	w.world.hedges.tokens = (uint32_t)upto(rng, 3) * WEIR_HEDGE_REQUESTS;
	for (unsigned n = upto(rng, 1) ? 20 : 0; n; n--)
		weir_latency_add(&w.world.healths[0][0].latency[w.world.plan.stream],
				 upto(rng, 1000), w.world.now_ms);
}

/* The next request in the same world. */
static void live(struct weir_rng *rng)
{
	w.world.now_ms += upto(rng, 1) ? upto(rng, 2000) : upto(rng, 60000);
	w.world.hangup_ms = upto(rng, 4) ? WEIR_NEVER : upto(rng, 60000);
	weir_world_run(&w.world);
}

static void story(uint64_t seed, void (*each)(void))
{
	struct weir_rng rng;

	weir_rng_init(&rng, seed);
	make_world(&rng, seed);
	for (uint64_t n = upto(&rng, REQUESTS_MAX); n + 1; n--) {
		live(&rng);
		each();
	}
}

static void check(void)
{
	int before = test_failures;

	check_tries();
	check_end();
	check_books();
	if (test_failures != before)
		fputs(w.world.trace, stdout);
}

TEST(random_worlds_keep_the_promises)
{
	for (uint64_t seed = 1; seed <= WORLDS; seed++) {
		int before = test_failures;

		story(seed, check);
		if (test_failures != before) {
			NOTE("seed %llu", (unsigned long long)seed);
			return;
		}
	}
}

static char told[2][REQUESTS_MAX * WEIR_WORLD_TRACE_MAX];
static unsigned teller;

static void tell(void)
{
	size_t n = strlen(told[teller]);

	memcpy(told[teller] + n, w.world.trace, strlen(w.world.trace) + 1);
}

TEST(the_same_seed_is_the_same_story)
{
	for (uint64_t seed = 1; seed <= 100; seed++) {
		for (teller = 0; teller < 2; teller++) {
			told[teller][0] = '\0';
			story(seed, tell);
		}
		CHECK_STR(told[0], told[1]);
	}
}

static unsigned ends[WEIR_FINAL_N], abandoned, hedges, resumed, queued, waited;

static void count(void)
{
	if (w.world.abandoned)
		abandoned++;
	else
		ends[w.world.finish.final]++;
	for (unsigned i = 0; i < w.world.tries_n; i++)
		hedges += w.world.tries[i].hedge;
	resumed += w.world.tries_after_relay_n > 0;
	queued += w.world.failover.queued;
	waited += w.world.failover.waited;
}

/* The suite would prove nothing if its worlds were all alike. */
TEST(the_worlds_see_every_end)
{
	for (uint64_t seed = 1; seed <= WORLDS; seed++)
		story(seed, count);
	CHECK(abandoned > 0 && resumed > 0 && queued > 0 && waited > 0 && hedges > 0);
	for (unsigned i = 0; i < WEIR_FINAL_N; i++)
		CHECK(ends[i] > 0);
}

TEST_MAIN
