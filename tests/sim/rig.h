/* A chain, its providers and their callers, without a configuration: for tests of traffic.
 *
 *	struct rig rig;
 *	rig_init(&rig, 3);                          three steps, one target each
 *	rig_fault(&rig, 0, WEIR_FAULT_DEAD, 5000, 20000);
 *	rig_run(&rig, WEIR_POLICY_WEIR, &book);
 */
#ifndef WEIR_RIG_H
#define WEIR_RIG_H

#include "sim/traffic.h"
#include "test.h"

enum { RIG_MEMBERS = 12, RIG_KEYS = 3, RIG_STEPS = 4 };

struct rig {
	struct weir_provider_health providers[RIG_MEMBERS];
	struct weir_model_health models[RIG_MEMBERS];
	struct weir_key_health keys[RIG_MEMBERS][RIG_KEYS];
	struct weir_health healths[RIG_MEMBERS][RIG_KEYS];
	struct weir_member members[RIG_STEPS][RIG_MEMBERS];
	struct weir_balancer pools[RIG_STEPS];
	struct weir_hedges hedges;
	struct weir_queue queue;
	struct weir_plan plans[2];
	struct weir_phase phase;
	struct weir_traffic_target targets[RIG_MEMBERS];
	struct weir_site sites[RIG_MEMBERS];
	struct weir_fault faults[WEIR_BOOK_FAULTS_MAX];
	unsigned keys_n[RIG_MEMBERS], step_of[RIG_MEMBERS];
	struct weir_traffic traffic;
};

static const char *const rig_names[] = { "alpha", "beta", "gamma", "delta", "eta",     "iota",
					 "kappa", "lota", "mu",    "nu",    "omicron", "pi" };

/* A target more, in this step, with so many keys; the first call of a step opens it. */
static inline void rig_target(struct rig *rig, unsigned step, unsigned keys_n)
{
	unsigned i = rig->traffic.targets_n++;

	rig->step_of[i] = step;
	rig->keys_n[i] = keys_n;
	rig->targets[i] = (struct weir_traffic_target){
		.name = rig_names[i], .site = i, .nano_in = 1000, .nano_out = 4000
	};
	rig->sites[i] = (struct weir_site){
		.name = rig_names[i],
		.connect_ms = 2,
		.error_ms = 20,
		.first = weir_spread_of(250, 900),
		.tokens_per_s = 100,
	};
	rig->traffic.sites_n = rig->traffic.targets_n;
	for (unsigned stream = 0; stream < 2; stream++)
		if (rig->plans[stream].steps_n <= step)
			rig->plans[stream].steps_n = step + 1;
}

static inline void rig_init(struct rig *rig, unsigned steps_n)
{
	*rig = (struct rig){ .phase = { 0, 400 } };
	for (unsigned stream = 0; stream < 2; stream++) {
		rig->plans[stream] = (struct weir_plan){
			.max_attempts = weir_plan_attempts(1, steps_n),
			.stream = stream,
			.repair_later = true,
			.deadline_ms = 120000,
			.stream_ms = 600000,
			.hedges = &rig->hedges,
			.queue = &rig->queue,
		};
		rig->traffic.plans[stream] = &rig->plans[stream];
		for (unsigned i = 0; i < RIG_STEPS; i++)
			rig->plans[stream].steps[i] =
				(struct weir_plan_step){ .pool = &rig->pools[i], .retries = 1 };
	}
	for (unsigned i = 0; i < steps_n; i++)
		rig_target(rig, i, 1);
	rig->traffic.seed = 1;
	rig->traffic.ms = 30000;
	rig->traffic.targets = rig->targets;
	rig->traffic.sites = rig->sites;
	rig->traffic.faults = rig->faults;
	rig->traffic.callers = (struct weir_callers){
		.arrivals = WEIR_ARRIVE_POISSON,
		.phases = &rig->phase,
		.phases_n = 1,
		.sdk_retries = 2,
		.timeout_ms = 60000,
		.stream_ppm = 600000,
		.tokens_in = weir_spread_of(500, 4000),
		.tokens_out = weir_spread_of(50, 300),
	};
}

/* Of that target, with any key. */
static inline struct weir_fault *rig_fault(struct rig *rig, unsigned target,
					   enum weir_fault_kind kind, uint64_t from_ms,
					   uint64_t to_ms)
{
	struct weir_fault *fault = &rig->faults[rig->traffic.faults_n++];

	*fault = (struct weir_fault){
		.name = rig_names[target],
		.what = weir_fault_name(kind),
		.kind = kind,
		.site = target,
		.target = WEIR_ANY,
		.key = WEIR_ANY,
		.from_ms = from_ms,
		.to_ms = to_ms,
		.share_ppm = 200000,
		.status = 500,
		.percent = 1000,
		.up_ms = 1000,
		.down_ms = 1000,
		.most = 100,
		.window_ms = 1000,
		.capacity = 10,
		.says_when = true,
	};
	return fault;
}

static inline void rig_member(struct rig *rig, unsigned target, unsigned key)
{
	struct weir_balancer *pool = &rig->pools[rig->step_of[target]];

	pool->members[pool->members_n++] = (struct weir_member){
		.health = &rig->healths[target][key],
		.weight = WEIR_BALANCE_SCALE / rig->keys_n[target],
		.price = 1000 + target,
		.timers = { 3000, 20000, 60000, 30000 },
		.target = target,
		.key = key,
	};
}

/* Everything in order, nobody known. */
static inline void rig_reset(struct rig *rig)
{
	rig->hedges = (struct weir_hedges){ 0 };
	rig->queue = (struct weir_queue){ 0 };
	for (unsigned i = 0; i < RIG_STEPS; i++) {
		rig->pools[i].members = rig->members[i];
		rig->pools[i].members_n = 0;
	}
	for (unsigned t = 0; t < rig->traffic.targets_n; t++) {
		unsigned cap = rig->models[t].max_inflight;

		rig->providers[t].inflight = 0;
		rig->models[t] = (struct weir_model_health){ .provider = &rig->providers[t],
							     .max_inflight = cap };
		weir_budget_init(&rig->models[t].budget);
		for (unsigned k = 0; k < rig->keys_n[t]; k++) {
			rig->keys[t][k] = (struct weir_key_health){ 0 };
			weir_limits_init(&rig->keys[t][k].limits, 0, 0);
			weir_health_init(&rig->healths[t][k], &rig->models[t], &rig->keys[t][k]);
			rig_member(rig, t, k);
		}
	}
}

/* A run from the beginning; what must be true of any run is checked here. */
static inline void rig_run(struct rig *rig, enum weir_traffic_policy policy, struct weir_book *book)
{
	rig_reset(rig);
	rig->traffic.policy = policy;
	CHECK_INT(weir_traffic_run(&rig->traffic, book), 0);
	CHECK(book->offered > 0);
	CHECK_INT(book->good + book->failed + book->left, book->offered);
	CHECK(book->tries >= book->offered);
	if (policy == WEIR_POLICY_NAIVE)
		return;
	CHECK(book->attempts_most <= rig->plans[0].max_attempts);
	CHECK(book->probes_most <= 1);
	CHECK_INT(rig->queue.n, 0);
	for (unsigned t = 0; t < rig->traffic.targets_n; t++) {
		CHECK_INT(rig->providers[t].inflight, 0);
		CHECK_INT(rig->models[t].inflight, 0);
		for (unsigned k = 0; k < rig->keys_n[t]; k++)
			CHECK_INT(rig->healths[t][k].inflight, 0);
	}
}

#endif
