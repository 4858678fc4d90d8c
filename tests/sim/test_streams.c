/* The failover machine as a stream of events: whatever can be reported in a state, in any
 * order and late by any time, as when the loop stood still. None of it may be a bug, and the
 * books of each step must balance. */
#include "sim/world.h"
#include "test.h"

enum { STREAMS = 20000, EVENTS_MAX = 4000, TARGETS_MAX = 4 };

static struct weir_world world;
static struct weir_world_target targets[TARGETS_MAX + 1];
static struct weir_timers timers[TARGETS_MAX];
static struct weir_rng rng;
static unsigned begun, ends[WEIR_FINAL_N], abandoned, dropped;

static uint64_t upto(uint64_t max)
{
	return weir_rng_upto(&rng, max);
}

static bool once_in(uint64_t n)
{
	return upto(n - 1) == 0;
}

static void make_plan(void)
{
	world.plan = (struct weir_plan){
		.max_attempts = 1 + (unsigned)upto(7),
		.stream = upto(1),
		.stateful = once_in(10),
		.policy_next = upto(1),
		.repair_first = upto(1),
		.repair_later = upto(1),
		.resume = upto(1),
		.hedge = upto(1),
		.overflow = (enum weir_overflow)upto(2),
		.deadline_ms = 1 + upto(once_in(4) ? 500 : 120000),
		.stream_ms = 1 + upto(600000),
		.attempt_ms = once_in(4) ? 1 + upto(60000) : 0,
		.drift_percent = once_in(4) ? 150 : 0,
	};
	for (unsigned i = 0; i < TARGETS_MAX; i++) {
		timers[i] = (struct weir_timers){ 1 + upto(5000), 1 + upto(30000), 1 + upto(60000),
						  1 + upto(40000) };
		world.plan.steps[i] = (struct weir_plan_step){ .retries = (unsigned)upto(3),
							       .timers = &timers[i] };
	}
}

static void make_target(unsigned i)
{
	static const struct weir_world_line silence = { WEIR_NEVER, { 0 } };

	targets[i] = (struct weir_world_target){
		.name = "a",
		.lines = &silence,
		.keys = 1 + (unsigned)upto(1),
		.beside = once_in(3),
		.at_cap = once_in(4),
		.context_tokens = upto(2) * 1000,
	};
}

static void know(struct weir_health *health)
{
	for (unsigned n = upto(1) ? 20 : 0; n; n--)
		weir_latency_add(&health->latency[world.plan.stream], upto(2000), world.now_ms);
	if (once_in(6))
		health->bench = (struct weir_bench){ .until_ms = world.now_ms + upto(20000),
						     .why = WEIR_OUT_RATE_LIMITED,
						     .stated = upto(1) };
}

static void make_world(void)
{
	unsigned n = 1 + (unsigned)upto(TARGETS_MAX - 1);

	memset(&world, 0, sizeof world);
	memset(targets, 0, sizeof targets);
	make_plan();
	for (unsigned i = 0; i < n; i++)
		make_target(i);
	world.targets = targets;
	world.now_ms = 1000000;
	world.seed = upto(UINT32_MAX);
	weir_world_init(&world);
	world.hedges.tokens = WEIR_HEDGE_REQUESTS;
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < targets[i].keys; k++)
			know(&world.healths[i][k]);
	weir_failover_init(&world.failover, &world.plan, &world.rng);
	begun = 0;
}

static struct weir_event result(enum weir_outcome least)
{
	return (struct weir_event){
		.type = WEIR_EV_RESULT,
		.outcome = (enum weir_outcome)(least + upto(WEIR_OUT_REPAIRABLE - least)),
		.overflow = once_in(4),
		.model_unknown = upto(1),
		.model_refused = once_in(4),
		.content_policy = once_in(4),
		.can_repair = upto(1),
		.never_fits = once_in(6),
		.unsent = upto(1),
		.can_resume = upto(1),
		.retry_after_stated = upto(1),
		.retry_after_ms = upto(20000),
	};
}

static struct weir_event timeout(void)
{
	uint64_t deadline_ms = weir_failover_deadline(&world.failover);

	if (world.now_ms < deadline_ms)
		world.now_ms = deadline_ms;
	return (struct weir_event){ .type = WEIR_EV_TIMEOUT };
}

static struct weir_event while_trying(void)
{
	static const enum weir_event_type news[] = { WEIR_EV_CONNECTED, WEIR_EV_REPLACED,
						     WEIR_EV_COMMIT };
	const struct weir_flight *flights = world.failover.flights;
	struct weir_event e = result(WEIR_OUT_CALLER);

	if (once_in(3))
		return timeout();
	if (once_in(3))
		e = (struct weir_event){ .type = news[upto(2)] };
	e.attempt = flights[flights[1].live && upto(1)].attempt;
	return e;
}

static struct weir_event while_relaying(void)
{
	struct weir_event e = result(WEIR_OUT_OK);

	if (once_in(4))
		return timeout();
	if (once_in(3))
		e = (struct weir_event){ .type = WEIR_EV_PROGRESS };
	e.attempt = world.failover.flights[0].attempt;
	return e;
}

static struct weir_event while_queued(void)
{
	if (once_in(3))
		return timeout();
	if (once_in(2))
		world.models[upto(world.targets_n - 1)].max_inflight = 0;
	return (struct weir_event){ .type = WEIR_EV_ROOM };
}

/* Some of what may come, at any time from now on. */
static struct weir_event next_event(void)
{
	world.now_ms += once_in(3) ? 0 : upto(once_in(8) ? 100000 : 500);
	if (once_in(50))
		return (struct weir_event){ .type = WEIR_EV_HANGUP };
	switch (world.failover.state) {
	case WEIR_ST_IDLE:
		return (struct weir_event){ .type = WEIR_EV_START };
	case WEIR_ST_TRYING:
		return while_trying();
	case WEIR_ST_QUEUED:
		return while_queued();
	case WEIR_ST_RELAYING:
		return while_relaying();
	case WEIR_ST_WAITING:
	case WEIR_ST_OVER:
	case WEIR_ST_N:
		break;
	}
	return timeout();
}

/* Whose breakers' probes, guesses and places are held: by attempts in flight, and no others. */
static void check_held(unsigned live)
{
	unsigned inflight = 0, asked = 0, probing = 0, asks = 0, probes = 0;

	for (unsigned i = 0; i < world.targets_n; i++) {
		asked += world.models[i].bench.asked;
		for (unsigned k = 0; k < targets[i].keys; k++) {
			inflight += world.healths[i][k].inflight;
			asked += world.healths[i][k].bench.asked + world.keys[i][k].bench.asked;
			probing += world.healths[i][k].breaker.probing;
		}
	}
	for (unsigned i = 0; i < 2; i++) {
		asks += world.failover.flights[i].live && world.failover.flights[i].pass.asks;
		probes += world.failover.flights[i].live &&
			  world.failover.flights[i].pass.ticket.probe &&
			  !world.failover.flights[i].pass.ticket.good;
	}
	CHECK_INT(inflight, live);
	CHECK_INT(asked, asks);
	CHECK_INT(probing, probes);
}

static void check_state(void)
{
	const struct weir_failover *f = &world.failover;
	bool flies = f->state == WEIR_ST_TRYING || f->state == WEIR_ST_RELAYING;
	bool ended = f->state == WEIR_ST_OVER;

	CHECK_INT(f->flights[0].live, flies);
	CHECK(!f->flights[1].live || f->state == WEIR_ST_TRYING);
	CHECK(!f->flights[1].live || !f->plan->stateful);
	CHECK_INT(weir_failover_deadline(f) == WEIR_NEVER, ended);
	CHECK(ended || weir_failover_deadline(f) <= f->walk.give_up_ms);
	CHECK_INT(world.queue.n, f->state == WEIR_ST_QUEUED);
	check_held((unsigned)f->flights[0].live + f->flights[1].live);
}

static void check_action(const struct weir_event *e, const struct weir_action *a)
{
	const struct weir_failover *f = &world.failover;
	bool begins = a->type == WEIR_DO_TRY || a->type == WEIR_DO_HEDGE;

	if (begins)
		CHECK_INT(a->attempt, begun++);
	CHECK(begun <= f->plan->max_attempts);
	CHECK(begun == f->walk.attempts);
	if (begins || a->type == WEIR_DO_WAIT || a->type == WEIR_DO_QUEUE)
		CHECK(e->now_ms < f->walk.give_up_ms);
	if (a->type == WEIR_DO_TRY || a->type == WEIR_DO_WAIT)
		CHECK(f->plan->resume || !f->shown);
	if (a->type == WEIR_DO_DROP)
		CHECK(a->attempt != f->flights[0].attempt && a->attempt < begun);
	if (a->type == WEIR_DO_FINISH) {
		bool cut = a->final == WEIR_FINAL_OK || a->final == WEIR_FINAL_CUT;

		CHECK_INT(cut, f->shown);
		CHECK(a->final != WEIR_FINAL_OWN || a->own < begun);
		ends[a->final]++;
	}
	abandoned += a->type == WEIR_DO_ABANDON;
	dropped += a->type == WEIR_DO_DROP;
}

static void flow(void)
{
	unsigned n = 0;

	while (world.failover.state != WEIR_ST_OVER && n++ < EVENTS_MAX) {
		struct weir_event e = next_event();
		struct weir_action a;

		e.now_ms = world.now_ms;
		a = weir_failover_step(&world.failover, &e);
		check_action(&e, &a);
		check_state();
	}
	CHECK_INT(world.failover.state, WEIR_ST_OVER);
}

TEST(no_stream_of_events_is_a_bug)
{
	for (unsigned seed = 1; seed <= STREAMS; seed++) {
		int before = test_failures;

		weir_rng_init(&rng, seed);
		make_world();
		flow();
		if (test_failures != before) {
			NOTE("seed %u", seed);
			return;
		}
	}
	CHECK(abandoned && dropped);
	for (unsigned i = 0; i < WEIR_FINAL_N; i++)
		CHECK(ends[i]);
}

TEST_MAIN
