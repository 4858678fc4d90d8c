/* From a configuration to the state the policy shares between requests. */
#include "config/board.h"
#include "config_help.h"
#include "policy/budget.h"
#include "policy/failover.h"

static const char *const two_keys[] = { "A=key-a-0123456789012", "B=key-b-0123456789012", NULL };

static const char text[] =
	"providers:\n"
	"  one: { dialect: openai, base_url: 'http://10.0.0.1', keys: [ \"${A}\", \"${B}\" ],\n"
	"         max_inflight: 50, rpm: 60, tpm: 9000, groups: [ region ] }\n"
	"  two: { dialect: openai, base_url: 'http://10.0.0.2', groups: region }\n"
	"models: { m: { context: 9000, input_price: 1, output_price: 2 } }\n"
	"chains:\n"
	"  a:\n"
	"    stall_timeout: 7s\n"
	"    steps:\n"
	"      - balance: latency\n"
	"        targets:\n"
	"          - { target: one/m, weight: 3, first_token_timeout: 4s }\n"
	"          - { target: two/m, weight: 0, max_inflight: 5, rpm: 2 }\n"
	"      - { target: two/n, retries: 5 }\n"
	"  b: { steps: [ two/m, one/m ] }\n";

struct setting {
	struct config_try try;
	struct weir_board *board;
	const struct weir_config *config;
	const struct weir_chain *a, *b;
};

static bool begin(struct setting *s)
{
	config_parse_with(&s->try, weir_slice_of(text), "weir.yaml", two_keys);
	CHECK_STR(s->try.text.base, "");
	s->board = NULL;
	s->config = s->try.config;
	if (!s->config || weir_board_create(&s->board, s->config) != 0)
		return false;
	s->a = weir_config_chain(s->config, WEIR_SLICE("a"));
	s->b = weir_config_chain(s->config, WEIR_SLICE("b"));
	return s->a && s->b;
}

static void end(struct setting *s)
{
	weir_board_destroy(s->board);
	config_done(&s->try);
	CHECK_INT(weir_alloc_live(), 0);
}

static struct weir_target *target(const struct setting *s, const char *id)
{
	return weir_config_target(s->config, weir_slice_of(id));
}

TEST(a_member_per_target_and_key)
{
	struct setting s;
	const struct weir_balancer *pool;
	const struct weir_member *m;

	REQUIRE(begin(&s));
	pool = weir_board_step(s.board, s.a, 0);
	CHECK_INT(pool->balance, WEIR_BALANCE_LATENCY);
	REQUIRE(pool->members_n == 3);
	m = pool->members;
	for (unsigned i = 0; i < 3; i++) {
		const struct weir_target *t = target(&s, i < 2 ? "one/m" : "two/m");
		unsigned key = i < 2 ? i : 0;

		CHECK_INT(m[i].target, t->index);
		CHECK_INT(m[i].key, key);
		CHECK(m[i].health == weir_board_health(s.board, t, key));
		CHECK_INT(m[i].context_tokens, 9000);
		CHECK_INT(m[i].price, 3000000000);
		CHECK_INT(m[i].timers.stall_timeout_ms, 7000);
		CHECK_INT(m[i].timers.first_token_timeout_ms, i < 2 ? 4000 : 20000);
	}
	CHECK_INT(m[0].weight, 3 * WEIR_BALANCE_SCALE / 2);
	CHECK_INT(m[1].weight, 3 * WEIR_BALANCE_SCALE / 2);
	CHECK_INT(m[2].weight, 0);
	pool = weir_board_step(s.board, s.a, 1);
	REQUIRE(pool->members_n == 1);
	CHECK_INT(pool->members[0].weight, WEIR_BALANCE_SCALE);
	CHECK_INT(pool->members[0].context_tokens, 0);
	CHECK(pool->members[0].price == UINT64_MAX);
	end(&s);
}

/* Two chains with the same target look at the same health, and keep their own turns. */
TEST(chains_share_health_and_nothing_else)
{
	struct setting s;
	struct weir_balancer *a, *b;

	REQUIRE(begin(&s));
	a = weir_board_step(s.board, s.a, 0);
	b = weir_board_step(s.board, s.b, 1);
	REQUIRE(b->members_n == 2);
	CHECK(a->members[0].health == b->members[0].health);
	CHECK(a->members[1].health == b->members[1].health);
	CHECK(&a->members[0] != &b->members[0]);
	CHECK(weir_board_step(s.board, s.b, 0)->members[0].health == a->members[2].health);
	end(&s);
}

TEST(what_is_shared_is_kept_once)
{
	struct setting s;
	struct weir_health *m0, *m1, *n, *other;

	REQUIRE(begin(&s));
	m0 = weir_board_health(s.board, target(&s, "one/m"), 0);
	m1 = weir_board_health(s.board, target(&s, "one/m"), 1);
	other = weir_board_health(s.board, target(&s, "two/m"), 0);
	n = weir_board_health(s.board, target(&s, "two/n"), 0);
	CHECK(m0->model == m1->model && m0->key != m1->key);
	CHECK(other->model != n->model && other->key == n->key);
	CHECK(other->model->provider == n->model->provider);
	CHECK(m0->model->provider != n->model->provider);
	CHECK_INT(m0->model->targets_n, 2);
	CHECK_INT(n->model->targets_n, 1);
	CHECK_INT(m0->model->provider->max_inflight, 50);
	CHECK_INT(n->model->provider->max_inflight, 0);
	CHECK_INT(other->model->max_inflight, 5);
	CHECK_INT(m0->key->limits.requests.most, 60);
	CHECK_INT(m1->key->limits.tokens.most, 9000);
	CHECK_INT(n->key->limits.requests.most, 0);
	CHECK_INT(other->limits.requests.most, 2);
	CHECK_INT(other->limits.tokens.most, 0);
	CHECK(weir_budget_has(&m0->model->budget, 0));
	end(&s);
}

TEST(groups_know_how_many_are_in_them)
{
	struct setting s;
	struct weir_model_health *m, *n;

	REQUIRE(begin(&s));
	m = weir_board_health(s.board, target(&s, "one/m"), 0)->model;
	n = weir_board_health(s.board, target(&s, "two/n"), 0)->model;
	REQUIRE(m->groups_n == 2 && n->groups_n == 2);
	CHECK(m->groups[0] != n->groups[0] && m->groups[1] == n->groups[1]);
	CHECK_INT(m->groups[0]->models_n, 1); /* one: m */
	CHECK_INT(n->groups[0]->models_n, 2); /* two: m and n */
	CHECK_INT(m->groups[1]->models_n, 3);
	CHECK_INT(m->groups[1]->tripped_n, 0);
	end(&s);
}

TEST(a_target_alone_is_balanced_over_its_keys)
{
	struct setting s;
	const struct weir_balancer *alone;

	REQUIRE(begin(&s));
	alone = weir_board_target(s.board, target(&s, "one/m"));
	REQUIRE(alone && alone->members_n == 2);
	CHECK_INT(alone->balance, WEIR_BALANCE_WEIGHTED);
	CHECK_INT(alone->members[1].key, 1);
	CHECK_INT(alone->members[1].weight, WEIR_BALANCE_SCALE / 2);
	CHECK_INT(alone->members[0].timers.stall_timeout_ms, 30000);
	CHECK(alone->members[0].health == weir_board_health(s.board, target(&s, "one/m"), 0));
	CHECK(weir_board_target(s.board, target(&s, "one/m")) == alone);
	end(&s);
}

TEST(hedges_are_counted_per_chain)
{
	struct setting s;

	REQUIRE(begin(&s));
	CHECK(weir_board_hedges(s.board, s.a) != weir_board_hedges(s.board, s.b));
	CHECK(weir_board_hedges(s.board, NULL) != weir_board_hedges(s.board, s.a));
	CHECK(weir_board_hedges(s.board, NULL) != weir_board_hedges(s.board, s.b));
	CHECK(weir_board_hedges(s.board, s.config->defaults) == weir_board_hedges(s.board, NULL));
	end(&s);
}

TEST(a_chain_is_a_plan)
{
	struct setting s;
	struct weir_plan plan;

	REQUIRE(begin(&s));
	weir_board_plan(s.board, s.a, true, &plan);
	CHECK_INT(plan.steps_n, 2);
	CHECK_INT(plan.max_attempts, 7); /* five retries and two steps */
	CHECK(plan.stream && !plan.stateful && !plan.policy_next && !plan.resume && !plan.hedge);
	CHECK(!plan.repair_first && plan.repair_later);
	CHECK_INT(plan.overflow, WEIR_OVERFLOW_AUTO);
	CHECK_INT(plan.deadline_ms, 120000);
	CHECK_INT(plan.stream_ms, 600000);
	CHECK(plan.attempt_ms == 0 && plan.tokens == 0 && plan.affinity == 0);
	CHECK(plan.hedges == weir_board_hedges(s.board, s.a));
	CHECK(plan.queue == weir_board_queue(s.board, s.config->chains[0]));
	for (unsigned i = 0; i < 2; i++) {
		CHECK(plan.steps[i].pool == weir_board_step(s.board, s.a, i));
		CHECK(!plan.steps[i].timers);
	}
	CHECK_INT(plan.steps[0].retries, 1);
	CHECK_INT(plan.steps[1].retries, 5);
	weir_board_plan(s.board, s.b, false, &plan);
	CHECK_INT(plan.max_attempts, 4);
	CHECK(!plan.stream);
	end(&s);
}

TEST(every_wish_of_a_chain_is_in_its_plan)
{
	static const struct {
		const char *settings;
		bool next, first, later, resume, hedge;
		enum weir_overflow overflow;
		unsigned drift;
	} rows[] = {
		{ "content_policy: next, repair: on, midstream: continue, hedge: on, "
		  "context_overflow: next, latency_ejection: 300%",
		  true, true, true, true, true, WEIR_OVERFLOW_NEXT, 300 },
		{ "content_policy: return, repair: off, context_overflow: return", false, false,
		  false, false, false, WEIR_OVERFLOW_RETURN, 0 },
		{ "repair: fallbacks, midstream: error, hedge: off, context_overflow: auto", false,
		  false, true, false, false, WEIR_OVERFLOW_AUTO, 0 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct weir_board *board;
		struct config_try try;
		struct weir_plan plan;
		char config[512];

		snprintf(config, sizeof config,
			 "chains: { m: { %s, max_attempts: 3, deadline: 9s, stream_timeout: 8s, "
			 "steps: [ ollama/m, vllm/m ] } }",
			 rows[i].settings);
		config_parse(&try, config);
		REQUIRE(try.rc == 0 && weir_board_create(&board, try.config) == 0);
		weir_board_plan(board, try.config->chains[0], true, &plan);
		CHECK(plan.policy_next == rows[i].next && plan.repair_first == rows[i].first &&
		      plan.repair_later == rows[i].later);
		CHECK(plan.resume == rows[i].resume && plan.hedge == rows[i].hedge);
		CHECK_INT(plan.overflow, rows[i].overflow);
		CHECK_INT(plan.drift_percent, rows[i].drift);
		CHECK(plan.max_attempts == 3 && plan.deadline_ms == 9000 && plan.stream_ms == 8000);
		weir_board_destroy(board);
		config_done(&try);
	}
}

/* The machine walks it: a failed first step is followed by the second. */
TEST(the_machine_runs_on_it)
{
	struct setting s;
	struct weir_plan plan;
	struct weir_failover f;
	struct weir_rng rng;
	struct weir_action action;
	struct weir_event e = { .type = WEIR_EV_START, .now_ms = 1000 };

	REQUIRE(begin(&s));
	weir_rng_init(&rng, 1);
	weir_board_plan(s.board, s.b, true, &plan);
	weir_failover_init(&f, &plan, &rng);
	action = weir_failover_step(&f, &e);
	CHECK_INT(action.type, WEIR_DO_TRY);
	CHECK_INT(weir_board_health(s.board, target(&s, "two/m"), 0)->inflight, 1);
	e = (struct weir_event){ .type = WEIR_EV_RESULT,
				 .now_ms = 1100,
				 .attempt = action.attempt,
				 .outcome = WEIR_OUT_OVERLOADED };
	action = weir_failover_step(&f, &e);
	CHECK_INT(action.type, WEIR_DO_TRY);
	CHECK_INT(action.spot.step, 1);
	CHECK(action.fallback);
	CHECK_INT(weir_board_health(s.board, target(&s, "two/m"), 0)->inflight, 0);
	CHECK_INT(weir_board_health(s.board, target(&s, "one/m"), action.spot.member)->inflight, 1);
	e = (struct weir_event){ .type = WEIR_EV_HANGUP, .now_ms = 1200 };
	CHECK_INT(weir_failover_step(&f, &e).type, WEIR_DO_ABANDON);
	end(&s);
}

/* What fails for want of something here says nothing of a target. */
TEST(a_local_failure_blames_nobody)
{
	enum { TIMES = 30, APART_MS = 100 };
	struct setting s;
	const struct weir_health *health[2];
	struct weir_plan plan;
	struct weir_rng rng;

	REQUIRE(begin(&s));
	weir_rng_init(&rng, 1);
	weir_board_plan(s.board, s.b, true, &plan);
	for (unsigned key = 0; key < 2; key++)
		health[key] = weir_board_health(s.board, target(&s, "one/m"), key);
	for (unsigned local = 2; local-- > 0;) {
		for (uint64_t i = 0; i < TIMES; i++) {
			struct weir_failover f;
			struct weir_event e = { .type = WEIR_EV_START,
						.now_ms = 1000 + i * APART_MS };

			weir_failover_init(&f, &plan, &rng);
			e.attempt = weir_failover_step(&f, &e).attempt;
			e.type = WEIR_EV_RESULT;
			e.outcome = WEIR_OUT_UNREACHABLE;
			e.unsent = true;
			e.local = local;
			weir_failover_step(&f, &e);
			e = (struct weir_event){ .type = WEIR_EV_HANGUP, .now_ms = e.now_ms };
			weir_failover_step(&f, &e);
		}
		CHECK((health[0]->breaker.state == WEIR_BREAKER_CLOSED &&
		       health[1]->breaker.state == WEIR_BREAKER_CLOSED) == local);
		CHECK((health[0]->failures + health[1]->failures == 0) == local);
	}
	end(&s);
}

static struct weir_config *zero(struct config_try *try)
{
	static const char *const env[] = { "OPENAI_API_KEY=sk-openai-0123456789",
					   "GROQ_API_KEY=gsk-groq-0123456789", NULL };

	weir_findings_init(&try->findings, "weir");
	try->rc = weir_config_zero(&try->config, config_getenv, (void *)env, &try->findings);
	config_print(try);
	return try->config;
}

/* Hundreds of targets come later: what was given out stays where it was. */
TEST(targets_on_demand_move_nothing)
{
	struct weir_balancer *first;
	struct weir_health *health;
	struct weir_board *board;
	struct config_try try;
	char name[32];

	REQUIRE(zero(&try) && weir_board_create(&board, try.config) == 0);
	first = weir_board_target(board, weir_config_zero_target(try.config, WEIR_SLICE("gpt-4o")));
	REQUIRE(first && first->members_n == 1);
	health = first->members[0].health;
	health->inflight = 77;
	for (int i = 999; i >= 0; i--) {
		const struct weir_target *t;

		snprintf(name, sizeof name, "groq/m%d", i);
		t = weir_config_zero_target(try.config, weir_slice_of(name));
		REQUIRE(t);
		if (i % 3 == 0)
			CHECK(weir_board_target(board, t));
	}
	CHECK(weir_board_target(board, try.config->targets[0]) == first);
	CHECK(weir_board_health(board, try.config->targets[0], 0) == health);
	CHECK_INT(health->inflight, 77);
	CHECK_INT(health->model->groups[0]->models_n, 1);
	CHECK_INT(weir_board_health(board, try.config->targets[1], 0)->model->groups[0]->models_n,
		  334);
	weir_board_destroy(board);
	config_done(&try);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST(memory_that_runs_out_leaves_nothing_behind)
{
	struct weir_board *board = NULL;
	struct config_try try;
	size_t live;
	uint64_t k = 1;

	config_parse_with(&try, weir_slice_of(text), "weir.yaml", two_keys);
	REQUIRE(try.rc == 0);
	live = weir_alloc_live();
	for (; !board && k < 100; k++) {
		weir_alloc_fail_after(k);
		CHECK((weir_board_create(&board, try.config) == 0) == (board != NULL));
		weir_alloc_fail_after(0);
		CHECK(board || weir_alloc_live() == live);
	}
	CHECK(k > 10 && board);
	weir_board_destroy(board);
	weir_board_destroy(NULL);
	config_done(&try);
}

TEST(a_target_on_demand_may_not_fit)
{
	struct weir_balancer *alone = NULL;
	const struct weir_target *t;
	struct weir_board *board;
	struct config_try try;
	uint64_t k = 1;

	REQUIRE(zero(&try) && weir_board_create(&board, try.config) == 0);
	t = weir_config_zero_target(try.config, WEIR_SLICE("gpt-4o"));
	REQUIRE(t);
	for (; !alone && k < 100; k++) {
		weir_alloc_fail_after(k);
		alone = weir_board_target(board, t);
		weir_alloc_fail_after(0);
	}
	CHECK(k > 3 && alone);
	CHECK_INT(weir_board_health(board, t, 0)->model->groups[0]->models_n, 1);
	weir_board_destroy(board);
	config_done(&try);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST_MAIN
