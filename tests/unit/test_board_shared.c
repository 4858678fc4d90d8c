/* Two workers' boards: what one learns the other goes by, and one that is killed gives all back. */
#include "config/board.h"
#include "config/known.h"
#include "config_help.h"

enum { T0 = 100000, LATER = T0 + 60000, FIRST = 0, SECOND = 1 };

static const char TEXT[] =
	"providers:\n"
	"  one: { dialect: openai, base_url: 'http://10.0.0.1', keys: [ '${A}', '${B}' ],\n"
	"         groups: [ region ], max_inflight: 3 }\n"
	"  two: { dialect: openai, base_url: 'http://10.0.0.2', groups: [ region ] }\n"
	"chains: { a: { steps: [ one/m, two/m ] }, b: { steps: [ one/n ] } }\n";
static const char *const keys[] = { "A=key-a-0123456789012", "B=key-b-0123456789012", NULL };

struct worker {
	struct config_try try;
	struct weir_board *board;
};

static bool start(struct worker *w, struct weir_shm *shm)
{
	config_parse_with(&w->try, weir_slice_of(TEXT), "weir.yaml", keys);
	if (!w->try.config || weir_board_create_after(&w->board, w->try.config, NULL, shm) != 0)
		return false;
	weir_board_settle(w->board, NULL);
	return true;
}

static void stop(struct worker *w)
{
	weir_board_destroy(w->board);
	config_done(&w->try);
}

static struct weir_health *health(struct worker *w, const char *id, unsigned key)
{
	return weir_board_health(w->board, weir_config_target(w->try.config, weir_slice_of(id)),
				 key);
}

static enum weir_leave leave(const struct weir_health *h, uint64_t now_ms)
{
	struct weir_asking asking = { .now_ms = now_ms, .left_ms = WEIR_NEVER };

	return weir_health_ask(h, &asking).leave;
}

static void begin(struct weir_health *h, unsigned holder, uint64_t now_ms, struct weir_pass *pass)
{
	struct weir_asking asking = { .now_ms = now_ms, .left_ms = WEIR_NEVER, .holder = holder };

	*pass = (struct weir_pass){ .health = NULL };
	weir_health_begin(h, &asking, pass);
}

static void end(struct weir_pass *pass, enum weir_outcome outcome, uint64_t now_ms)
{
	struct weir_ending ending = { .outcome = outcome, .now_ms = now_ms };
	struct weir_rng rng;

	weir_rng_init(&rng, 1);
	weir_health_end(pass, &ending, &rng);
}

static void fail(struct weir_health *h, unsigned holder, unsigned times)
{
	struct weir_pass pass;

	for (unsigned i = 0; i < times; i++) {
		begin(h, holder, T0, &pass);
		end(&pass, WEIR_OUT_SERVER_ERROR, T0);
	}
}

struct two {
	struct weir_shm *shm;
	struct worker first, second;
};

static bool start_two(struct two *t)
{
	return weir_shm_create(&t->shm, 2) == 0 && start(&t->first, t->shm) &&
	       start(&t->second, t->shm);
}

static void stop_two(struct two *t)
{
	stop(&t->first);
	stop(&t->second);
	weir_shm_destroy(t->shm);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST(it_is_known_once_and_counted_once)
{
	struct weir_model_health *model;
	struct two t;

	REQUIRE(start_two(&t));
	CHECK(health(&t.first, "one/m", 0) == health(&t.second, "one/m", 0));
	CHECK(health(&t.first, "one/m", 1) != health(&t.second, "one/m", 0));
	CHECK(health(&t.first, "one/m", 1)->key == health(&t.second, "one/n", 1)->key);
	model = health(&t.first, "one/m", 0)->model;
	CHECK_INT(model->targets_n, 2);
	CHECK_INT(model->groups_n, 2);
	CHECK_INT(model->groups[1]->models_n, 3); /* one/m, one/n, two/m */
	CHECK_INT(model->budget.tokens / WEIR_BUDGET_PER_RETRY, WEIR_BUDGET_BURST);
	stop_two(&t);
}

TEST(one_breaker_and_one_probe)
{
	struct weir_health *h;
	struct weir_pass probe;
	struct two t;

	REQUIRE(start_two(&t));
	h = health(&t.first, "two/m", 0);
	fail(h, FIRST, 3);
	fail(h, SECOND, 2);
	CHECK_INT(leave(health(&t.second, "two/m", 0), T0), WEIR_LEAVE_OPEN);
	CHECK_INT(h->model->groups[1]->tripped_n, 1);
	begin(h, FIRST, LATER, &probe);
	CHECK(probe.ticket.probe);
	CHECK_INT(leave(health(&t.second, "two/m", 0), LATER), WEIR_LEAVE_OPEN);
	weir_known_forfeit(t.shm, SECOND); /* it has it not */
	CHECK_INT(leave(h, LATER), WEIR_LEAVE_OPEN);
	weir_known_forfeit(t.shm, FIRST);
	CHECK_INT(leave(h, LATER), WEIR_LEAVE_PROBE);
	CHECK_INT(h->inflight, 0);
	stop_two(&t);
}

TEST(who_is_gone_gives_back_his_rooms_and_questions)
{
	struct weir_pass pass[3], asking;
	struct weir_health *h, *other;
	struct two t;

	REQUIRE(start_two(&t));
	h = health(&t.first, "one/m", 0);
	other = health(&t.second, "one/n", 1);
	begin(h, FIRST, T0, &pass[0]);
	begin(h, SECOND, T0, &pass[1]);
	begin(other, SECOND, T0, &pass[2]);
	CHECK_INT(leave(h, T0), WEIR_LEAVE_AT_CAP);
	weir_known_forfeit(t.shm, SECOND);
	CHECK_INT(h->model->provider->inflight, 1);
	CHECK_INT(h->inflight, 1);
	CHECK_INT(other->inflight, 0);
	end(&pass[0], WEIR_OUT_CREDENTIALS, T0);
	CHECK_INT(h->model->provider->inflight, 0);

	begin(h, SECOND, T0 + 1, &asking);
	CHECK(asking.asks && asking.asks->asked);
	weir_known_forfeit(t.shm, FIRST);
	CHECK(h->key->bench.asked);
	weir_known_forfeit(t.shm, SECOND);
	CHECK(!h->key->bench.asked);
	stop_two(&t);
}

/* As one leaves it who is killed anywhere in a change. */
TEST(what_is_half_written_is_mended)
{
	struct weir_model_health *model;
	struct weir_pass pass;
	struct weir_health *h;
	struct two t;

	REQUIRE(start_two(&t));
	h = health(&t.first, "one/m", 0);
	model = h->model;
	fail(h, FIRST, 5);
	begin(health(&t.first, "two/m", 0), FIRST, T0, &pass);
	h->breaker.probing = true; /* though it is open */
	h->latency[0].in_buckets = 99;
	h->shares[SECOND] = 2;
	h->inflight = 77;
	model->open_n = 40;
	model->targets = NULL;
	model->inflight = model->provider->inflight = 1;
	model->groups[1]->models_n = 0;
	model->groups[1]->tripped_n = 9;
	weir_shm_enter(t.shm);
	weir_known_mend(t.shm);
	weir_shm_leave(t.shm);
	CHECK(!h->breaker.probing);
	CHECK_INT(h->latency[0].in_buckets, 0);
	CHECK_INT(h->inflight, 2);
	CHECK_INT(model->inflight, 2);
	CHECK_INT(model->provider->inflight, 2);
	CHECK_INT(model->targets_n, 2);
	CHECK_INT(model->open_n, 1);
	CHECK_INT(model->groups[1]->models_n, 3);
	CHECK_INT(model->groups[1]->tripped_n, 0);
	CHECK_INT(leave(h, LATER), WEIR_LEAVE_PROBE);
	weir_known_forfeit(t.shm, SECOND);
	CHECK_INT(h->inflight, 0);
	end(&pass, WEIR_OUT_HANGUP, T0);
	stop_two(&t);
}

/* Whoever ends, the others go on. */
TEST(one_that_ends_takes_nothing_along)
{
	struct weir_health *h;
	struct worker third;
	struct two t;

	REQUIRE(start_two(&t));
	h = health(&t.first, "two/m", 0);
	fail(h, FIRST, 5);
	CHECK_INT(
		weir_board_disable(t.second.board,
				   weir_config_target(t.second.try.config, weir_slice_of("one/n")),
				   WEIR_KEYS_MAX, true),
		0);
	stop(&t.first);
	CHECK_INT(leave(health(&t.second, "two/m", 0), T0), WEIR_LEAVE_OPEN);
	CHECK_INT(h->model->targets_n, 1);
	REQUIRE(start(&third, t.shm)); /* in its place */
	CHECK_INT(leave(health(&third, "two/m", 0), T0), WEIR_LEAVE_OPEN);
	CHECK_INT(leave(health(&third, "one/n", 0), T0), WEIR_LEAVE_DISABLED);
	CHECK_INT(h->model->groups[1]->models_n, 3);
	CHECK_INT(h->model->groups[1]->tripped_n, 1);
	stop(&third);
	stop(&t.second);
	weir_shm_destroy(t.shm);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST_MAIN
