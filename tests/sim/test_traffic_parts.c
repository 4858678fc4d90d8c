/* What traffic is made of: the agenda, chance, tallies, the book, providers. */
#include "base/alloc.h"
#include "base/error.h"
#include "rig.h"

static unsigned fired[8], fired_n;

struct numbered {
	struct weir_tick tick;
	unsigned number;
};

static void fire(struct weir_tick *tick)
{
	fired[fired_n++] = WEIR_CONTAINER_OF(tick, struct numbered, tick)->number;
}

TEST(the_agenda_keeps_time_and_order)
{
	static const uint64_t at[] = { 30, 10, 20, 10, 40 };
	struct numbered ticks[5] = { 0 };
	struct weir_agenda agenda;
	struct weir_tick *tick;

	weir_agenda_init(&agenda);
	REQUIRE(weir_agenda_reserve(&agenda, 5) == 0);
	for (unsigned i = 0; i < 5; i++) {
		ticks[i].number = i;
		ticks[i].tick.fire = fire;
		weir_agenda_set(&agenda, &ticks[i].tick, at[i]);
	}
	weir_agenda_set(&agenda, &ticks[0].tick, 15); /* moved */
	weir_agenda_set(&agenda, &ticks[4].tick, WEIR_NEVER);
	fired_n = 0;
	while ((tick = weir_agenda_next(&agenda)))
		tick->fire(tick);
	CHECK_INT(fired_n, 4);
	CHECK_INT(fired[0], 1);
	CHECK_INT(fired[1], 3);
	CHECK_INT(fired[2], 0);
	CHECK_INT(fired[3], 2);
	CHECK_INT(agenda.now_ms, 20);
	weir_agenda_set(&agenda, &ticks[0].tick, 3); /* in the past: now */
	CHECK(weir_agenda_next(&agenda) == &ticks[0].tick);
	CHECK_INT(agenda.now_ms, 20);
	weir_agenda_fini(&agenda);
}

TEST(a_random_agenda_comes_out_sorted)
{
	static struct numbered ticks[500];
	struct weir_agenda agenda;
	struct weir_tick *tick, *before = NULL;
	struct weir_rng rng;
	unsigned n = 0;

	weir_rng_init(&rng, 3);
	weir_agenda_init(&agenda);
	REQUIRE(weir_agenda_reserve(&agenda, 500) == 0);
	for (unsigned i = 0; i < 5000; i++) {
		uint64_t roll = weir_rng_upto(&rng, 120);

		weir_agenda_set(&agenda, &ticks[weir_rng_upto(&rng, 499)].tick,
				roll < 100 ? roll : WEIR_NEVER);
	}
	while ((tick = weir_agenda_next(&agenda))) {
		CHECK(!before || before->at_ms < tick->at_ms ||
		      (before->at_ms == tick->at_ms && before->order < tick->order));
		before = tick;
		n++;
	}
	CHECK(n > 300 && n < 500);
	weir_agenda_fini(&agenda);
}

TEST(chance_draws_what_it_is_told)
{
	struct weir_spread spread = weir_spread_of(400, 3200), fixed = weir_spread_of(70, 0);
	static struct weir_tally tally;
	struct weir_rng rng;
	uint64_t sum_us = 0;
	unsigned hits = 0;

	weir_rng_init(&rng, 5);
	tally = (struct weir_tally){ 0 };
	for (unsigned i = 0; i < 100000; i++) {
		weir_tally_add(&tally, weir_spread_draw(&spread, &rng));
		sum_us += weir_chance_gap_us(400, &rng);
		hits += weir_chance(&rng, 250000);
	}
	CHECK(weir_tally_at(&tally, 500) >= 388 && weir_tally_at(&tally, 500) <= 412);
	CHECK(weir_tally_at(&tally, 990) >= 2950 && weir_tally_at(&tally, 990) <= 3450);
	CHECK(sum_us / 100000 >= 2450 && sum_us / 100000 <= 2550);
	CHECK(hits > 24500 && hits < 25500);
	CHECK_INT(weir_spread_draw(&fixed, &rng), 70);
	CHECK(!weir_chance(&rng, 0));
	CHECK(weir_chance(&rng, WEIR_PPM));
}

TEST(a_tally_is_exact_below_and_close_above)
{
	static struct weir_tally tally;

	tally = (struct weir_tally){ 0 };
	CHECK_INT(weir_tally_at(&tally, 500), 0);
	for (uint64_t i = 1; i <= 100; i++)
		weir_tally_add(&tally, i);
	CHECK_INT(weir_tally_at(&tally, 500), 50);
	CHECK_INT(weir_tally_at(&tally, 990), 99);
	for (uint64_t i = 0; i < 100000; i++)
		weir_tally_add(&tally, 1000000);
	CHECK(weir_tally_at(&tally, 500) <= 1000000 && weir_tally_at(&tally, 500) >= 984000);
	weir_tally_add(&tally, UINT64_MAX);
	CHECK(weir_tally_at(&tally, 1000) > 1000000000);
}

TEST(the_book_knows_when_a_second_was_healthy)
{
	struct weir_book book;

	REQUIRE(weir_book_init(&book, 5000, 2) == 0);
	CHECK(weir_book_at(&book, 5000) == NULL);
	for (uint64_t at_ms = 0; at_ms < 5000; at_ms += 10) {
		struct weir_bucket *bucket = weir_book_at(&book, at_ms);

		bucket->offered++;
		bucket->at_once += at_ms < 1000 || at_ms >= 2500;
	}
	CHECK_INT(weir_book_recovery_ms(&book, 0), 0);
	CHECK_INT(weir_book_recovery_ms(&book, 1000), 1500);
	CHECK_INT(weir_book_recovery_ms(&book, 1100), 1400);
	CHECK(weir_book_recovery_ms(&book, 4500) == WEIR_NEVER);
	weir_book_at(&book, 2000)->left = 25;
	weir_book_at(&book, 2250)->left = 25;
	CHECK_INT(weir_book_recovery_ms(&book, 1000), 1000); /* who left was owed nothing */
	weir_book_fini(&book);
}

static struct rig rig;
static struct weir_book book;

/* What one target's fault does to callers who can go nowhere else. */
static void only(enum weir_fault_kind kind, void (*more)(struct weir_fault *fault))
{
	struct weir_fault *fault;

	rig_init(&rig, 1);
	rig.phase.per_s = 50;
	rig.traffic.ms = 10000;
	rig.traffic.callers.sdk_retries = 0;
	fault = rig_fault(&rig, 0, kind, 0, WEIR_NEVER);
	if (more)
		more(fault);
	rig_run(&rig, WEIR_POLICY_NAIVE, &book);
}

static void answers_401(struct weir_fault *fault)
{
	fault->status = 401;
}

static void for_another_key(struct weir_fault *fault)
{
	fault->key = 1;
}

TEST(each_fault_does_what_it_says)
{
	static const struct {
		enum weir_fault_kind kind;
		void (*more)(struct weir_fault *fault);
		unsigned good_from, good_to; /* percent */
	} cases[] = {
		{ WEIR_FAULT_DEAD, NULL, 0, 0 },
		{ WEIR_FAULT_DEAD, for_another_key, 100, 100 },
		{ WEIR_FAULT_BLACKHOLE, NULL, 0, 0 },
		{ WEIR_FAULT_HANG, NULL, 0, 0 },
		{ WEIR_FAULT_STATUS, NULL, 0, 0 },
		{ WEIR_FAULT_STATUS, answers_401, 0, 0 },
		{ WEIR_FAULT_BROWNOUT, NULL, 40, 58 }, /* one of three tries at 20 % */
		{ WEIR_FAULT_RATE_LIMITED, NULL, 100, 100 },
		{ WEIR_FAULT_SLOW, NULL, 100, 100 },
		{ WEIR_FAULT_CUT, NULL, 80, 95 }, /* streams; whole answers are asked for again */
		{ WEIR_FAULT_FLAPPING, NULL, 55, 90 },
	};

	for (size_t i = 0; i < WEIR_COUNT_OF(cases); i++) {
		uint64_t percent;

		only(cases[i].kind, cases[i].more);
		percent = book.good * 100 / book.offered;
		if (percent < cases[i].good_from || percent > cases[i].good_to)
			NOTE("%s: %llu %%", weir_fault_name(cases[i].kind),
			     (unsigned long long)percent);
		CHECK(percent >= cases[i].good_from && percent <= cases[i].good_to);
		weir_book_fini(&book);
	}
}

TEST(a_full_provider_lets_some_wait_and_sends_the_rest_away)
{
	rig_init(&rig, 1);
	rig.phase.per_s = 50;
	rig.traffic.ms = 10000;
	rig.traffic.callers.sdk_retries = 0;
	rig.sites[0].capacity = 10; /* of about fifty that would be under way */
	rig_run(&rig, WEIR_POLICY_NAIVE, &book);
	CHECK(book.good > 0 && book.failed > book.offered / 3);
	weir_book_fini(&book);
	rig.sites[0].queue = 100000;
	rig_run(&rig, WEIR_POLICY_NAIVE, &book);
	CHECK(book.failed < book.offered);
	CHECK(weir_tally_at(&book.first_ms, 500) > 2000);
	weir_book_fini(&book);
}

TEST(an_sdk_comes_back_only_when_told_that_it_is_worth_it)
{
	rig_init(&rig, 1);
	rig.phase.per_s = 50;
	rig.traffic.ms = 10000;
	rig_fault(&rig, 0, WEIR_FAULT_DEAD, 0, WEIR_NEVER);
	rig_run(&rig, WEIR_POLICY_NAIVE, &book);
	CHECK_INT(book.tries, 3 * book.offered);
	CHECK_INT(book.calls, 9 * book.offered);
	CHECK_INT(book.attempts_most, 3);
	weir_book_fini(&book);
	rig.faults[0].kind = WEIR_FAULT_STATUS;
	rig.faults[0].status = 401; /* nobody knows when a bad key is mended */
	rig_run(&rig, WEIR_POLICY_WEIR, &book);
	CHECK_INT(book.tries, book.offered);
	CHECK_INT(book.failed, book.offered);
	weir_book_fini(&book);
}

TEST(callers_lose_patience_and_leave)
{
	rig_init(&rig, 1);
	rig.phase.per_s = 50;
	rig.traffic.ms = 10000;
	rig.traffic.callers.timeout_ms = 1000;
	rig_fault(&rig, 0, WEIR_FAULT_HANG, 0, WEIR_NEVER);
	rig_run(&rig, WEIR_POLICY_NAIVE, &book);
	CHECK_INT(book.timeouts, 3 * book.offered);
	CHECK_INT(book.good, 0);
	weir_book_fini(&book);
	rig.traffic.callers.leaves_ppm = WEIR_PPM;
	rig.traffic.callers.leaves_ms = 500;
	for (unsigned policy = 0; policy < WEIR_POLICY_N; policy++) {
		rig_run(&rig, (enum weir_traffic_policy)policy, &book);
		CHECK_INT(book.left, book.offered);
		weir_book_fini(&book);
	}
}

/* Every allocation fails once: nothing leaks, nothing is half done. */
TEST(out_of_memory_ends_a_run_cleanly)
{
	size_t live = weir_alloc_live();
	unsigned failed = 0;

	rig_init(&rig, 1);
	rig.phase.per_s = 20;
	rig.traffic.ms = 2000;
	for (uint64_t nth = 1; nth < 100; nth++) {
		int rc;

		rig_reset(&rig);
		weir_alloc_fail_after(nth);
		rc = weir_traffic_run(&rig.traffic, &book);
		weir_alloc_fail_after(0);
		CHECK(rc == 0 || rc == WEIR_ENOMEM);
		failed += rc != 0;
		weir_book_fini(&book);
		CHECK_INT(weir_alloc_live(), live);
	}
	CHECK(failed > 10);
}

TEST_MAIN
