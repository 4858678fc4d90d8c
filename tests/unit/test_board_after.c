/* One configuration follows another, and what is known stays with whom it is about. */
#include "config/board.h"
#include "config_help.h"

enum { T0 = 100000, LIFE = 3000 };

static const char *const keys[] = { "A=key-a-0123456789012", "B=key-b-0123456789012",
				    "C=key-c-0123456789012", NULL };

struct side {
	struct config_try try;
	struct weir_board *board;
};

/* The provider's keys and place, and more about it. */
static bool read_side(struct side *s, const char *list, const char *url, const char *more)
{
	char text[1024];

	snprintf(text, sizeof text,
		 "providers:\n"
		 "  one: { dialect: openai, base_url: '%s', keys: [ %s ], groups: [ region ]%s }\n"
		 "  two: { dialect: openai, base_url: 'http://10.0.0.2', groups: [ region ] }\n"
		 "chains: { a: { steps: [ one/m, two/m ] }, b: { steps: [ one/n ] } }\n",
		 url, list, more);
	s->board = NULL;
	config_parse_with(&s->try, weir_slice_of(text), "weir.yaml", keys);
	return s->try.config != NULL;
}

static const char HERE[] = "http://10.0.0.1";

static struct weir_health *health(struct side *s, const char *id, unsigned key)
{
	return weir_board_health(s->board, weir_config_target(s->try.config, weir_slice_of(id)),
				 key);
}

static bool begin(struct side *first, const char *list)
{
	return read_side(first, list, HERE, "") &&
	       weir_board_create(&first->board, first->try.config) == 0;
}

static bool follow(struct side *next, struct side *before, const char *list, const char *url,
		   const char *more)
{
	if (!read_side(next, list, url, more) ||
	    weir_board_create_after(&next->board, next->try.config, before->board, NULL) != 0)
		return false;
	weir_board_settle(next->board, before->board);
	return true;
}

static void drop(struct side *s)
{
	weir_board_destroy(s->board);
	config_done(&s->try);
}

static void fail(struct weir_health *h, unsigned times)
{
	struct weir_asking asking = { .now_ms = T0, .left_ms = WEIR_NEVER };
	struct weir_ending ending = { .outcome = WEIR_OUT_SERVER_ERROR, .now_ms = T0 };
	struct weir_rng rng;

	weir_rng_init(&rng, 1);
	for (unsigned i = 0; i < times; i++) {
		struct weir_pass pass = { .health = NULL };

		weir_health_begin(h, &asking, &pass);
		weir_health_end(&pass, &ending, &rng);
	}
}

TEST(a_target_that_stays_is_the_same_one)
{
	struct side was, now;
	struct weir_health *one, *two;

	REQUIRE(begin(&was, "\"${A}\", \"${B}\""));
	one = health(&was, "one/m", 0);
	two = health(&was, "one/m", 1);
	REQUIRE(follow(&now, &was, "\"${B}\", \"${A}\"", HERE, ", max_inflight: 7, rpm: 3"));
	CHECK(health(&now, "one/m", 1) == one && health(&now, "one/m", 0) == two);
	CHECK(one->key == health(&now, "one/n", 1)->key);
	CHECK_INT(one->model->provider->max_inflight, 7);
	CHECK_INT(one->key->limits.requests.most, 3);
	CHECK_INT(one->model->targets_n, 2);
	CHECK_INT(one->model->groups_n, 2);
	drop(&was);
	CHECK_INT(one->attempts, 0); /* it outlives the board it was made for */
	drop(&now);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST(nothing_changes_before_it_is_settled)
{
	struct side was, now;

	REQUIRE(begin(&was, "\"${A}\""));
	REQUIRE(read_side(&now, "\"${A}\", \"${B}\"", HERE, ", max_inflight: 7"));
	REQUIRE(weir_board_create_after(&now.board, now.try.config, was.board, NULL) == 0);
	CHECK_INT(health(&was, "one/m", 0)->model->targets_n, 1);
	CHECK_INT(health(&was, "one/m", 0)->model->provider->max_inflight, 0);
	drop(&now);
	CHECK_INT(health(&was, "one/m", 0)->model->targets_n, 1);
	drop(&was);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST(another_place_is_another_target_but_an_operators_word_is_of_the_name)
{
	struct side was, now;

	REQUIRE(begin(&was, "\"${A}\""));
	fail(health(&was, "one/m", 0), 5);
	CHECK_INT(health(&was, "one/m", 0)->breaker.state, WEIR_BREAKER_OPEN);
	CHECK_INT(weir_board_disable(was.board,
				     weir_config_target(was.try.config, WEIR_SLICE("one/m")),
				     WEIR_KEYS_MAX, true),
		  0);
	REQUIRE(follow(&now, &was, "\"${A}\"", "http://10.0.0.9", ""));
	CHECK(health(&now, "one/m", 0) != health(&was, "one/m", 0));
	CHECK_INT(health(&now, "one/m", 0)->breaker.state, WEIR_BREAKER_CLOSED);
	CHECK(health(&now, "one/m", 0)->model->disabled);
	CHECK(!health(&now, "one/n", 0)->model->disabled);
	CHECK(health(&now, "two/m", 0) == health(&was, "two/m", 0));
	drop(&was);
	drop(&now);
	CHECK_INT(weir_alloc_live(), 0);
}

/* Its attempts are still under way, and speak for nobody else any more. */
TEST(a_key_that_is_gone_counts_for_its_model_no_more)
{
	struct side was, now;
	struct weir_health *gone, *stays;
	struct weir_pass pass = { .health = NULL };
	struct weir_asking asking = { .now_ms = T0, .left_ms = WEIR_NEVER };
	struct weir_ending ending = { .outcome = WEIR_OUT_SERVER_ERROR, .now_ms = T0 };
	struct weir_rng rng;

	weir_rng_init(&rng, 1);
	REQUIRE(begin(&was, "\"${A}\", \"${B}\""));
	gone = health(&was, "one/m", 0);
	stays = health(&was, "one/m", 1);
	fail(stays, 5);
	CHECK_INT(stays->model->open_n, 1);
	fail(gone, 4);
	weir_health_begin(gone, &asking, &pass);
	REQUIRE(follow(&now, &was, "\"${B}\", \"${C}\"", HERE, ""));
	CHECK(health(&now, "one/m", 0) == stays);
	CHECK(gone->retired && !stays->retired);
	CHECK_INT(stays->model->targets_n, 2);
	CHECK_INT(stays->model->open_n, 1);
	CHECK_INT(stays->model->inflight, 1); /* of the one that is gone */
	weir_health_end(&pass, &ending, &rng);
	CHECK_INT(gone->breaker.state, WEIR_BREAKER_OPEN);
	CHECK_INT(stays->model->open_n, 1);
	CHECK_INT(stays->model->inflight, 0);
	CHECK_INT(health(&now, "one/m", 1)->breaker.state, WEIR_BREAKER_CLOSED);
	drop(&was);
	fail(health(&now, "one/m", 1), 5);
	CHECK_INT(stays->model->open_n, 2);
	CHECK_INT(stays->model->groups[1]->tripped_n, 1);
	drop(&now);
	CHECK_INT(weir_alloc_live(), 0);
}

/* The board in the middle is gone, and with it the groups and the key that the target had there. */
TEST(who_asks_a_target_that_two_reloads_have_lost_is_alone)
{
	struct side was, then, now;
	struct weir_health *one;
	struct weir_asking asking = { .now_ms = T0 + 2000, .left_ms = WEIR_NEVER };

	REQUIRE(begin(&was, "\"${A}\", \"${B}\""));
	one = health(&was, "one/m", 0);
	fail(one, 2);
	REQUIRE(follow(&then, &was, "\"${A}\", \"${C}\"", HERE, ""));
	REQUIRE(follow(&now, &then, "\"${A}\"", "http://10.0.0.9", ""));
	drop(&then);
	fail(one, 3);
	CHECK_INT(one->breaker.state, WEIR_BREAKER_OPEN);
	CHECK_INT(one->model->groups_n, 0);
	CHECK(weir_health_may_trickle(one, T0 + 2000));
	CHECK(!weir_health_may_trickle(one, T0 + 1));
	CHECK(weir_health_ask(one, &asking).leave != WEIR_LEAVE_AT_CAP);
	drop(&was);
	drop(&now);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST(a_group_counts_anew_who_is_down)
{
	struct side was, now;

	REQUIRE(begin(&was, "\"${A}\""));
	fail(health(&was, "one/m", 0), 5);
	fail(health(&was, "two/m", 0), 5);
	CHECK_INT(health(&was, "one/n", 0)->model->groups[1]->tripped_n, 2);
	REQUIRE(follow(&now, &was, "\"${A}\"", "http://10.0.0.9", ""));
	CHECK_INT(health(&now, "one/n", 0)->model->groups[1]->tripped_n, 1);
	CHECK_INT(health(&now, "one/n", 0)->model->groups[1]->models_n, 3);
	drop(&was);
	drop(&now);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST(without_memory_nothing_is_taken_over)
{
	struct side was, now;
	int rc = WEIR_ENOMEM;
	unsigned k = 1;

	REQUIRE(begin(&was, "\"${A}\", \"${B}\""));
	REQUIRE(read_side(&now, "\"${B}\", \"${C}\"", HERE, ""));
	for (; rc == WEIR_ENOMEM && k < LIFE; k++) {
		weir_alloc_fail_after(k);
		rc = weir_board_create_after(&now.board, now.try.config, was.board, NULL);
		weir_alloc_fail_after(0);
	}
	CHECK(rc == 0 && k > 10);
	drop(&now);
	CHECK_INT(health(&was, "one/m", 0)->model->targets_n, 2);
	drop(&was);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST_MAIN
