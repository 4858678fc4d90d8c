/* The prover of the machine as it is: it finds every promise kept, and the worst cases. */
#include "proofs.h"

#define FIRST .retries = 0, .timers = &usual

enum { TOO_MANY = WEIR_BALANCE_MEMBERS_MAX + 1 };

static const struct weir_prover_options few_steps = { .steps_max = 1000 };

TEST(chains_of_one_to_five_steps_keep_every_promise)
{
	for (unsigned steps_n = 1; steps_n <= 5; steps_n++) {
		for (unsigned stream = 0; stream < 2; stream++) {
			struct weir_plan p = plan_of(steps_n, 1, stream);
			struct weir_proof proof;

			make(&p, SOME);
			proof = prove(NULL, NULL);
			check_keeps(&proof);
			CHECK_INT(proof.walked,
				  steps_n <= 3 ? WEIR_WALKED_ALL : WEIR_WALKED_IN_ORDER);
			CHECK_INT(proof.calls, steps_n == 1 ? 3 : p.max_attempts);
		}
	}
}

TEST(pools_keys_and_what_is_opted_in_keep_every_promise)
{
	static const struct weir_world_target pool[] = {
		{ "a", .keys = 2 }, { "b", .beside = true, .weight = 3 }, { "c" }, { NULL }
	};
	static const struct weir_world_target keys[] = { { "a", .keys = 9 }, { "b" }, { NULL } };

	for (unsigned i = 0; i < 8; i++) {
		struct weir_plan p = plan_of(2, 1, true);
		struct weir_proof proof;

		p.resume = i & 1;
		p.hedge = i & 2;
		p.policy_next = p.repair_first = i & 4;
		p.max_attempts = 3;
		make(&p, pool);
		proof = prove(NULL, NULL);
		check_keeps(&proof);
		CHECK_INT(proof.calls, 3);
		make(&p, keys);
		proof = prove(NULL, NULL);
		check_keeps(&proof);
		CHECK_INT(proof.walked, WEIR_WALKED_ALL);
		CHECK_INT(proof.calls, 3);
	}
}

/* By hand. One call: the target is known to return in 10 s, and then runs into its clock. Two
 * at two targets: the first, while the second is open, says at its last moment that it returns
 * in 10 s, and runs into its clock the second time. Where one target may be called twice, there
 * may have been no room for it at first; where it may be retried, it failed just quickly
 * enough, and paused as long as it may. */
TEST(worst_times_are_what_the_timers_add_up_to)
{
	struct weir_plan p = { PLAN, .steps_n = 1, .steps = { { FIRST }, { FIRST } } };
	struct weir_proof proof;

	p.max_attempts = 1;
	make(&p, SOME);
	proof = prove(NULL, NULL);
	CHECK_INT(proof.walked, WEIR_WALKED_ALL);
	CHECK_INT(proof.calls, 1);
	CHECK_INT(proof.answer_ms, 10000 + 20000);
	CHECK_INT(proof.end_ms, 10000 + 20000 + 600000);

	p.stream = false;
	make(&p, SOME);
	CHECK_INT(prove(NULL, NULL).answer_ms, 10000 + 60000);

	p.stream = true;
	p.steps_n = p.max_attempts = 2;
	make(&p, SOME);
	proof = prove(NULL, NULL);
	CHECK_INT(proof.walked, WEIR_WALKED_ALL);
	CHECK_INT(proof.calls, 2);
	CHECK_INT(proof.answer_ms, 20000 + 10000 + 20000);

	p.steps_n = 1;
	p.steps[0].retries = 1;
	make(&p, SOME);
	proof = prove(NULL, NULL);
	CHECK_INT(proof.calls, 2);
	CHECK_INT(proof.answer_ms, 1000 + 20000 + 10000 + 20000);
	p.max_attempts = 3;
	make(&p, SOME);
	proof = prove(NULL, NULL);
	CHECK_INT(proof.calls, 3);
	CHECK_INT(proof.answer_ms, 1000 + 1999 + 10000 + 20000 + 10000 + 20000);
}

TEST(a_deadline_shorter_than_the_timers_is_the_worst_time)
{
	for (uint64_t deadline_ms = 1; deadline_ms <= 50000; deadline_ms *= 7) {
		struct weir_plan p = plan_of(2, 1, true);
		struct weir_proof proof;

		p.deadline_ms = deadline_ms;
		make(&p, SOME);
		proof = prove(NULL, NULL);
		check_keeps(&proof);
		CHECK_INT(proof.walked, WEIR_WALKED_ALL);
		CHECK_INT(proof.answer_ms, deadline_ms);
		CHECK_INT(proof.end_ms, deadline_ms + 600000);
	}
}

TEST(fewer_attempts_than_steps_are_all_that_is_made)
{
	for (unsigned max = 1; max <= 3; max++) {
		struct weir_plan p = plan_of(4, 2, true);
		struct weir_proof proof;

		p.max_attempts = max;
		make(&p, SOME);
		proof = prove(NULL, NULL);
		check_keeps(&proof);
		CHECK_INT(proof.calls, max);
	}
}

/* 1 and 5 in, 2 and 10 out. Dearest: the second twice (it says 429 for so long, the first is
 * not to be had), and its answer. Where only one call is made: the second's, whole. */
TEST(the_dearest_sequence_is_found)
{
	static const struct weir_prove_price prices[] = { { 1, 2 }, { 5, 10 } };
	static const struct weir_prove_price unknown[] = { { 1, 2 }, { 5, WEIR_COST_UNKNOWN } };
	struct weir_plan p = plan_of(2, 0, true);

	p.max_attempts = 2;
	make(&p, SOME);
	CHECK_INT(prove(NULL, prices).cost, 5 + 5 + 10);
	CHECK(prove(NULL, unknown).cost == WEIR_COST_UNKNOWN);
	CHECK(prove(NULL, NULL).cost == WEIR_COST_UNKNOWN);
	p.max_attempts = 1;
	make(&p, SOME);
	CHECK_INT(prove(NULL, prices).cost, 5 + 10);
	/* Bounds where it is not walked to its end: each call the dearest. */
	p.max_attempts = 4;
	make(&p, SOME);
	CHECK_INT(prove(&few_steps, prices).cost, 4 * 5 + 10);
}

TEST(a_walk_cut_short_says_so_and_gives_bounds)
{
	struct weir_plan p = plan_of(3, 1, true);
	struct weir_proof part, all;

	make(&p, SOME);
	part = prove(&few_steps, NULL);
	all = prove(NULL, NULL);
	check_keeps(&part);
	CHECK_INT(part.walked, WEIR_WALKED_PART);
	CHECK_INT(all.walked, WEIR_WALKED_ALL);
	CHECK(part.paths < all.paths);
	CHECK_INT(part.calls, p.max_attempts);
	CHECK_INT(part.answer_ms, 120000);
	CHECK(all.answer_ms <= part.answer_ms && all.calls <= part.calls);
	/* Short timers bound it below the deadline. */
	p.attempt_ms = 1000;
	make(&p, SOME);
	CHECK_INT(prove(&few_steps, NULL).answer_ms, 4 * 1000 + 4 * 10000 + 1000);
}

TEST(nothing_of_the_plan_is_changed)
{
	static struct weir_world before;
	struct weir_plan p = plan_of(3, 1, true);

	p.hedge = true;
	make(&p, SOME);
	before = world;
	CHECK(prove(&few_steps, NULL).paths > 0);
	CHECK_MEM(&world, &before, sizeof world);
}

/* All of them would take far more steps than one prover may. */
TEST(plans_of_one_shape_are_walked_once)
{
	struct weir_plan p = plan_of(3, 1, true);
	struct weir_prover *prover;
	struct weir_proof proof;

	CHECK_INT(weir_prover_create(&prover, NULL), 0);
	REQUIRE(prover);
	for (unsigned i = 0; i < 500; i++) {
		make(&p, SOME);
		CHECK_INT(weir_prove(prover, &world.plan, NULL, &proof), 0);
		CHECK_INT(proof.walked, WEIR_WALKED_ALL);
		CHECK_INT(proof.answer_ms, 91000);
	}
	p.deadline_ms = 80000;
	make(&p, SOME);
	CHECK_INT(weir_prove(prover, &world.plan, NULL, &proof), 0);
	CHECK_INT(proof.answer_ms, 80000);
	weir_prover_destroy(prover);
}

/* However many plans there are, it ends soon, and says what was not walked. */
TEST(many_plans_share_a_bound)
{
	struct weir_prover_options options = { .steps_max = 20000, .all_steps_max = 1000000 };
	struct weir_prover *prover;
	unsigned parts = 0;

	CHECK_INT(weir_prover_create(&prover, &options), 0);
	REQUIRE(prover);
	for (unsigned i = 0; i < 1024; i++) {
		struct weir_plan p = plan_of(3, 1, true);
		struct weir_proof proof;

		p.deadline_ms += i;
		make(&p, SOME);
		CHECK_INT(weir_prove(prover, &world.plan, NULL, &proof), 0);
		CHECK_INT(proof.broken, WEIR_PROMISE_N);
		CHECK_INT(proof.calls, 4);
		parts += proof.walked != WEIR_WALKED_ALL && proof.paths < 1000;
	}
	CHECK(parts > 500);
	weir_prover_destroy(prover);
}

TEST(more_members_than_a_scene_has_get_bounds)
{
	static struct weir_member members[TOO_MANY];
	struct weir_balancer pool = { .members_n = TOO_MANY, .members = members };
	struct weir_plan p = plan_of(1, 0, true);
	struct weir_proof proof;

	make(&p, SOME);
	for (unsigned i = 0; i < TOO_MANY; i++)
		members[i] = world.members[0];
	world.plan.steps[0].pool = &pool;
	proof = prove(NULL, NULL);
	CHECK_INT(proof.walked, WEIR_WALKED_PART);
	CHECK_INT(proof.paths, 0);
	CHECK_INT(proof.calls, 4);
}

TEST(out_of_memory_at_any_point)
{
	struct weir_plan p = plan_of(2, 1, true);
	struct weir_proof proof;
	unsigned failed = 0;
	int rc;

	make(&p, SOME);
	do {
		struct weir_prover *prover;

		weir_alloc_fail_after(++failed);
		rc = weir_prover_create(&prover, &few_steps);
		if (rc == 0)
			rc = weir_prove(prover, &world.plan, NULL, &proof);
		weir_alloc_fail_after(0);
		weir_prover_destroy(prover);
		CHECK(rc == 0 || rc == WEIR_ENOMEM);
		CHECK_INT(weir_alloc_live(), 0);
	} while (rc && failed < 100);
	CHECK(failed > 5 && failed < 100);
}

TEST(a_promise_has_a_text)
{
	for (unsigned i = 0; i < WEIR_PROMISE_N; i++)
		CHECK(strlen(weir_promise_text((enum weir_promise)i)) > 10);
}

TEST_MAIN
