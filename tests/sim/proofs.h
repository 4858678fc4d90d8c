/* How proofs are made: of plans in a world, with the promises every one of them must keep. */
#pragma once

#include "base/alloc.h"
#include "base/error.h"
#include "sim/prove.h"
#include "traces.h"

#define SOME TARGETS({ "a" }, { "b" }, { "c" }, { "d" }, { "e" })

/* The world's targets, of which the plan takes as many steps as it has. */
static inline void make(const struct weir_plan *plan, const struct weir_world_target *targets)
{
	world = (struct weir_world){ .plan = *plan, .targets = targets, .now_ms = 1000000 };
	weir_world_init(&world);
	if (plan->steps_n)
		world.plan.steps_n = plan->steps_n;
}

static inline struct weir_plan plan_of(unsigned steps_n, unsigned retries, bool stream)
{
	struct weir_plan p = plain;

	p.steps_n = steps_n;
	p.stream = stream;
	p.repair_later = true;
	p.max_attempts = weir_plan_attempts(retries, steps_n);
	for (unsigned i = 0; i < steps_n; i++)
		p.steps[i] = (struct weir_plan_step){ .retries = retries, .timers = &usual };
	return p;
}

/* Of the world's plan, by a prover of its own. */
static inline struct weir_proof prove(const struct weir_prover_options *options,
				      const struct weir_prove_price *prices)
{
	struct weir_prover *prover;
	struct weir_proof proof = { .broken = WEIR_PROMISE_N };

	CHECK_INT(weir_prover_create(&prover, options), 0);
	if (prover)
		CHECK_INT(weir_prove(prover, &world.plan, prices, &proof), 0);
	weir_prover_destroy(prover);
	CHECK_INT(weir_alloc_live(), 0);
	return proof;
}

static inline void check_keeps(const struct weir_proof *proof)
{
	const struct weir_plan *p = &world.plan;

	CHECK_INT(proof->broken, WEIR_PROMISE_N);
	CHECK_STR(proof->how, "");
	CHECK(proof->paths > 0 && proof->states > 0);
	CHECK(proof->calls > 0 && proof->calls <= p->max_attempts);
	CHECK(proof->answer_ms > 0 && proof->answer_ms <= p->deadline_ms);
	CHECK(proof->end_ms >= proof->answer_ms);
	CHECK(proof->end_ms <= p->deadline_ms + p->stream_ms);
}
