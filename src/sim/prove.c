#include "sim/prove.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/error.h"
#include "base/sum.h"
#include "sim/prove_walk.h"

enum { SHARED_MAX = 4096 }; /* shapes that are remembered */

struct shared {
	struct weir_scene_key shape;
	struct weir_proof proof;
};

struct weir_prover {
	struct weir_prover_options options;
	uint64_t steps_left; /* for all plans */
	struct weir_memo *memo;
	unsigned walks;
	struct shared *shared;
	unsigned shared_n, shared_cap;
	struct weir_proving proving; /* too large for the stack */
};

static const char *const promises[] = {
	[WEIR_PROMISE_ENDS] = "it ends with an answer",
	[WEIR_PROMISE_CALLS] = "it makes no more than max_attempts calls",
	[WEIR_PROMISE_TIME] = "it ends in time",
	[WEIR_PROMISE_CALLER] = "a caller's fault is never retried",
	[WEIR_PROMISE_COMMIT] = "nothing is tried after a commit",
};

_Static_assert(WEIR_COUNT_OF(promises) == WEIR_PROMISE_N, "one text per promise");

const char *weir_promise_text(enum weir_promise promise)
{
	WEIR_ASSERT(promise < WEIR_PROMISE_N);
	return promises[promise];
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t longest_ms(const struct weir_plan *plan)
{
	uint64_t longest = 0;

	for (unsigned i = 0; i < plan->steps_n; i++) {
		for (unsigned k = 0; k < plan->steps[i].pool->members_n; k++) {
			const struct weir_timers *timers = plan->steps[i].timers;
			uint64_t ms;

			if (!timers)
				timers = &plan->steps[i].pool->members[k].timers;
			ms = plan->steps[i].attempt_ms ? plan->steps[i].attempt_ms
			     : plan->attempt_ms        ? plan->attempt_ms
						       : timers->attempt_timeout_ms;
			if (plan->stream)
				ms = least(ms, timers->first_token_timeout_ms);
			longest = most(longest, ms);
		}
	}
	return longest;
}

static uint64_t times(uint64_t a, uint64_t b)
{
	return b && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

static uint64_t dearest(const struct weir_plan *plan, const struct weir_prove_price *prices)
{
	uint64_t in = 0, out = 0;
	unsigned members_n = 0;

	for (unsigned i = 0; i < plan->steps_n; i++)
		members_n += plan->steps[i].pool->members_n;
	for (unsigned i = 0; i < members_n && prices; i++) {
		in = most(in, prices[i].in);
		out = most(out, prices[i].out);
	}
	if (!prices || in == WEIR_COST_UNKNOWN || out == WEIR_COST_UNKNOWN)
		return WEIR_COST_UNKNOWN;
	return weir_sum(times(in, plan->max_attempts),
			times(out, plan->resume ? plan->max_attempts : 1));
}

/* Every call takes as long as one can, with the longest pause between any two, a queue
 * before the first, and a stated return waited out; but the deadline is the end of it. */
static void bound(const struct weir_plan *plan, const struct weir_prove_price *prices,
		  struct weir_proof *proof)
{
	uint64_t pauses_ms = (uint64_t)plan->max_attempts * WEIR_WAIT_OUT_MAX_MS + WEIR_QUEUE_MS;
	uint64_t calls_ms = times(longest_ms(plan), plan->max_attempts);

	*proof = (struct weir_proof){
		.calls = plan->max_attempts,
		.answer_ms = least(plan->deadline_ms, weir_sum(calls_ms, pauses_ms)),
		.cost = dearest(plan, prices),
		.broken = WEIR_PROMISE_N,
	};
	proof->end_ms = weir_sum(proof->answer_ms, plan->stream_ms);
}

static void walk_all(struct weir_proving *p)
{
	unsigned models_n = p->scene.models_n, sicknesses_n;
	const struct weir_sickness *sicknesses = weir_prove_sicknesses(&sicknesses_n);
	uint64_t all = UINT64_MAX >> (64 - models_n);

	weir_proving_walk(p, NULL, 0);
	p->in_order = !p->stop;
	for (unsigned i = 0; i < sicknesses_n; i++) {
		weir_proving_walk(p, &sicknesses[i], all);
		for (unsigned k = 0; k < models_n && models_n > 1; k++)
			weir_proving_walk(p, &sicknesses[i], UINT64_C(1) << k);
	}
}

/* Where not all was walked, the bounds stay. */
static void report(const struct weir_proving *p, struct weir_proof *proof)
{
	if (!p->stop)
		proof->walked = WEIR_WALKED_ALL;
	else if (p->in_order)
		proof->walked = WEIR_WALKED_IN_ORDER;
	proof->paths = p->beyond.paths;
	proof->states = p->states;
	proof->broken = p->broken;
	if (p->broken != WEIR_PROMISE_N)
		weir_proving_tell(p, proof->how, sizeof proof->how);
	if (proof->walked != WEIR_WALKED_ALL)
		return;
	proof->calls = p->calls;
	proof->answer_ms = p->answer_ms;
	proof->end_ms = p->end_ms;
	if (proof->cost != WEIR_COST_UNKNOWN)
		proof->cost = p->beyond.cost;
}

static struct weir_scene_key shape_of(const struct weir_proving *p)
{
	struct weir_scene_key key;

	weir_scene_key_init(&key);
	weir_scene_shape(&p->scene, &key);
	weir_scene_key_add(&key, p->prices != NULL);
	for (unsigned i = 0; i < p->scene.members_n && p->prices; i++) {
		weir_scene_key_add(&key, p->prices[i].in);
		weir_scene_key_add(&key, p->prices[i].out);
	}
	return key;
}

static const struct weir_proof *find_shared(const struct weir_prover *prover,
					    struct weir_scene_key shape)
{
	for (unsigned i = 0; i < prover->shared_n; i++)
		if (prover->shared[i].shape.a == shape.a && prover->shared[i].shape.b == shape.b)
			return &prover->shared[i].proof;
	return NULL;
}

static int share(struct weir_prover *prover, struct weir_scene_key shape,
		 const struct weir_proof *proof)
{
	unsigned cap = prover->shared_cap ? prover->shared_cap * 2 : 16;
	struct shared *list;

	if (prover->shared_n == prover->shared_cap) {
		if (cap > SHARED_MAX)
			return 0;
		list = weir_realloc(prover->shared, cap * sizeof *list);
		if (!list)
			return WEIR_ENOMEM;
		prover->shared = list;
		prover->shared_cap = cap;
	}
	prover->shared[prover->shared_n++] = (struct shared){ shape, *proof };
	return 0;
}

static int prove(struct weir_prover *prover, struct weir_proof *proof)
{
	struct weir_proving *p = &prover->proving;
	struct weir_scene_key shape = shape_of(p);
	const struct weir_proof *known = find_shared(prover, shape);
	/* Never all that is left: a large plan leaves enough for small ones. */
	uint64_t steps = least(prover->options.steps_max, prover->steps_left / 4);

	if (known) {
		*proof = *known;
		return 0;
	}
	p->step = prover->options.step;
	p->memo = prover->memo;
	p->walk = ++prover->walks;
	p->steps = steps;
	walk_all(p);
	prover->steps_left -= steps - p->steps;
	report(p, proof);
	return share(prover, shape, proof);
}

int weir_prove(struct weir_prover *prover, const struct weir_plan *plan,
	       const struct weir_prove_price *prices, struct weir_proof *proof)
{
	int rc;

	bound(plan, prices, proof);
	rc = weir_proving_init(&prover->proving, plan);
	if (rc)
		return rc == WEIR_ELIMIT ? 0 : rc;
	/* One that is unknown makes all of it unknown; the walk adds up what it is given. */
	prover->proving.prices = proof->cost == WEIR_COST_UNKNOWN ? NULL : prices;
	rc = prove(prover, proof);
	weir_proving_fini(&prover->proving);
	return rc;
}

int weir_prover_create(struct weir_prover **prover, const struct weir_prover_options *options)
{
	struct weir_prover *made = weir_calloc(1, sizeof *made);

	*prover = NULL;
	if (!made)
		return WEIR_ENOMEM;
	if (options)
		made->options = *options;
	if (!made->options.step)
		made->options.step = weir_failover_step;
	if (!made->options.steps_max)
		made->options.steps_max = WEIR_PROVE_STEPS_MAX;
	made->steps_left = made->options.all_steps_max;
	if (!made->steps_left)
		made->steps_left = WEIR_PROVE_ALL_STEPS_MAX;
	if (!made->options.every_path)
		made->memo = weir_calloc(WEIR_WALK_MEMO_N, sizeof *made->memo);
	if (!made->options.every_path && !made->memo) {
		weir_free(made);
		return WEIR_ENOMEM;
	}
	*prover = made;
	return 0;
}

void weir_prover_destroy(struct weir_prover *prover)
{
	if (!prover)
		return;
	weir_free(prover->memo);
	weir_free(prover->shared);
	weir_free(prover);
}
