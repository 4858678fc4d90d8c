/* A target with all that it shares, everything in order. */
#pragma once

#include "policy/health.h"
#include "test.h"

static const uint64_t T0 = 1000000;

static struct weir_rng rng;
static struct weir_group groups[2];
static struct weir_provider_health provider;
static struct weir_model_health model;
static struct weir_key_health keys[2];
static struct weir_health targets[2]; /* one model with two keys */

#define TARGET (&targets[0])

static inline void make(void)
{
	weir_rng_init(&rng, 1);
	memset(groups, 0, sizeof groups);
	provider = (struct weir_provider_health){ 0 };
	model = (struct weir_model_health){ .provider = &provider };
	weir_budget_init(&model.budget);
	for (unsigned i = 0; i < 2; i++) {
		keys[i] = (struct weir_key_health){ 0 };
		weir_limits_init(&keys[i].limits, 0, 0);
		memset(&targets[i], 0xff, sizeof targets[i]); /* init leaves nothing of it */
		weir_health_init(&targets[i], &model, &keys[i]);
	}
}

static inline struct weir_asking asking_at(uint64_t now_ms)
{
	return (struct weir_asking){ .now_ms = now_ms, .left_ms = 60000, .tokens = 10 };
}

static inline struct weir_answer_to ask_at(uint64_t now_ms)
{
	struct weir_asking asking = asking_at(now_ms);

	return weir_health_ask(TARGET, &asking);
}

static inline struct weir_pass begin_at(unsigned target, uint64_t now_ms)
{
	struct weir_asking asking = asking_at(now_ms);
	struct weir_pass pass = { NULL };

	weir_health_begin(&targets[target], &asking, &pass);
	return pass;
}

static inline void end_as(struct weir_pass *pass, enum weir_outcome outcome, uint64_t now_ms)
{
	struct weir_ending ending = { .outcome = outcome, .now_ms = now_ms };

	weir_health_end(pass, &ending, &rng);
}

static inline void fail_at(unsigned target, uint64_t now_ms)
{
	struct weir_pass pass = begin_at(target, now_ms);

	end_as(&pass, WEIR_OUT_UNREACHABLE, now_ms);
}

/* Five in a row: its breaker opens. */
static inline void break_at(unsigned target, uint64_t now_ms)
{
	for (unsigned i = 0; i < WEIR_BREAKER_ROW; i++)
		fail_at(target, now_ms);
}

static inline void succeed_at(unsigned target, uint64_t now_ms)
{
	struct weir_pass pass = begin_at(target, now_ms);

	weir_health_commit(&pass, now_ms);
	end_as(&pass, WEIR_OUT_OK, now_ms);
}

static inline struct weir_bench bench(uint64_t until_ms, enum weir_outcome why, bool stated,
				      bool asked)
{
	return (struct weir_bench){
		.until_ms = until_ms, .why = why, .stated = stated, .asked = asked
	};
}
