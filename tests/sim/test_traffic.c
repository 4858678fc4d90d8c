/* The policy under traffic: what it must hold at 400 requests a second with three providers
 * and callers whose SDKs come back twice, beside what three tries at each provider do. */
#include "rig.h"
#include "sim/traffic_report.h"
#include "sim/traffic_svg.h"

enum { FROM = 5000, TO = 20000 };

static struct rig rig;
static struct weir_book book;

static void all(enum weir_fault_kind kind)
{
	for (unsigned i = 0; i < 3; i++)
		rig_fault(&rig, i, kind, FROM, TO);
}

static struct weir_span outage(void)
{
	return weir_book_span(&book, FROM, TO);
}

/* How many upstream calls the baseline makes in the same outage, per request. */
static double naive_calls(void)
{
	struct weir_span span;

	rig_run(&rig, WEIR_POLICY_NAIVE, &book);
	span = outage();
	weir_book_fini(&book);
	return (double)span.calls / (double)span.offered;
}

TEST(without_a_fault_the_first_target_serves_all)
{
	rig_init(&rig, 3);
	rig_run(&rig, WEIR_POLICY_WEIR, &book);
	CHECK_INT(book.good, book.offered);
	CHECK_INT(book.calls, book.offered);
	CHECK_INT(book.calls_of[0], book.offered);
	CHECK_INT(book.fallbacks, 0);
	CHECK(book.offered > 11500 && book.offered < 12500);
	weir_book_fini(&book);
}

TEST(a_dead_primary_costs_hardly_a_call_and_no_caller)
{
	rig_init(&rig, 3);
	rig_fault(&rig, 0, WEIR_FAULT_DEAD, FROM, TO);
	rig_run(&rig, WEIR_POLICY_WEIR, &book);
	CHECK_INT(book.failed, 0);
	CHECK_INT(book.errors, 0);
	CHECK(book.calls * 100 <= book.offered * 110);
	CHECK(book.faults[0].offered > 4000);
	CHECK(book.faults[0].calls * 100 <= book.faults[0].offered * 5);
	CHECK(book.fallbacks >= book.faults[0].offered);
	weir_book_fini(&book);
	CHECK(naive_calls() > 3);
}

TEST(a_browned_out_primary_is_left_within_seconds)
{
	rig_init(&rig, 3);
	rig_fault(&rig, 0, WEIR_FAULT_BROWNOUT, FROM, TO);
	rig_run(&rig, WEIR_POLICY_WEIR, &book);
	CHECK(weir_book_recovery_ms(&book, FROM) <= 3000);
	CHECK(weir_book_span(&book, FROM + 3000, TO).at_once * 100 >=
	      weir_book_span(&book, FROM + 3000, TO).offered * 95);
	CHECK(book.calls * 100 <= book.offered * 110);
	CHECK(book.faults[0].calls * 100 <= book.faults[0].offered * 5);
	weir_book_fini(&book);
	rig_run(&rig, WEIR_POLICY_NAIVE, &book);
	CHECK(book.faults[0].calls > 2 * book.faults[0].offered);
	weir_book_fini(&book);
}

TEST(with_all_dead_errors_are_at_once_and_hardly_anybody_is_called)
{
	rig_init(&rig, 3);
	all(WEIR_FAULT_DEAD);
	rig_run(&rig, WEIR_POLICY_WEIR, &book);
	CHECK(outage().calls <= outage().offered / 10 + book.probes);
	CHECK(book.errors > 4000);
	CHECK(weir_tally_at(&book.error_ms, 500) <= 1);
	CHECK(weir_tally_at(&book.error_ms, 990) <= 50);
	CHECK(weir_book_recovery_ms(&book, TO) <= 5000);
	weir_book_fini(&book);
	CHECK(naive_calls() > 3);
}

TEST(with_all_browned_out_nobody_is_called_more_than_asked)
{
	rig_init(&rig, 3);
	all(WEIR_FAULT_BROWNOUT);
	rig_run(&rig, WEIR_POLICY_WEIR, &book);
	CHECK(outage().calls <= outage().offered);
	CHECK(weir_book_recovery_ms(&book, TO) <= 5000);
	weir_book_fini(&book);
	CHECK(naive_calls() > 3);
}

/* At that target, in that time. */
static uint64_t calls_at(unsigned target, uint64_t from_ms, uint64_t to_ms)
{
	uint64_t sum = 0;

	for (uint64_t at_ms = from_ms; at_ms < to_ms; at_ms += WEIR_BOOK_BUCKET_MS)
		sum += weir_book_at(&book, at_ms)->calls[target];
	return sum;
}

/* A provider that is off for a minute, and few requests: twenty every four seconds. */
TEST(an_outage_under_little_traffic_is_probed_one_by_one)
{
	rig_init(&rig, 3);
	rig.phase.per_s = 5;
	rig.traffic.callers.arrivals = WEIR_ARRIVE_EVENLY;
	rig.traffic.callers.burst = 20;
	rig.traffic.ms = 110000;
	rig_fault(&rig, 0, WEIR_FAULT_DEAD, 10000, 70000);
	rig_run(&rig, WEIR_POLICY_WEIR, &book);
	CHECK_INT(book.good, book.offered);
	CHECK_INT(book.probes_most, 1);
	/* At most one of each of the fifteen bursts. */
	CHECK(calls_at(0, 16000, 70000) >= 5);
	CHECK(calls_at(0, 16000, 70000) <= 15);
	/* The bursts at 72, 76 and 80 s. */
	CHECK(calls_at(0, 70000, 80250) >= 2);
	CHECK_INT(calls_at(0, 95000, 110000), weir_book_span(&book, 95000, 110000).calls);
	CHECK(calls_at(0, 95000, 110000) >= 60);
	weir_book_fini(&book);
}

/* Four members of one step, the first of them ten times as slow from then on. */
static void pool(enum weir_balance balance, uint64_t slow_from_ms)
{
	rig_init(&rig, 1);
	for (unsigned i = 1; i < 4; i++)
		rig_target(&rig, 0, 1);
	rig.pools[0].balance = balance;
	rig_fault(&rig, 0, WEIR_FAULT_SLOW, slow_from_ms, WEIR_NEVER);
}

TEST(two_choices_beat_a_random_one_on_the_99th_percentile)
{
	uint64_t random_ms, choices_ms, random_slow, choices_slow;

	pool(WEIR_BALANCE_LEAST_INFLIGHT, 0);
	rig.traffic.callers.users = UINT64_MAX; /* hashed each to some member: by chance */
	rig_run(&rig, WEIR_POLICY_WEIR, &book);
	random_ms = weir_tally_at(&book.first_ms, 990);
	random_slow = book.calls_of[0];
	weir_book_fini(&book);

	rig.traffic.callers.users = 0;
	rig_run(&rig, WEIR_POLICY_WEIR, &book);
	choices_ms = weir_tally_at(&book.first_ms, 990);
	choices_slow = book.calls_of[0];
	NOTE("99th percentile %llu ms at random, %llu ms with two choices",
	     (unsigned long long)random_ms, (unsigned long long)choices_ms);
	CHECK(random_slow * 100 > book.offered * 20); /* a fair share is 25 % */
	CHECK(choices_slow * 100 < book.offered * 8);
	CHECK(choices_ms * 2 < random_ms);
	weir_book_fini(&book);
}

TEST(latency_balancing_sheds_a_member_that_turns_slow)
{
	pool(WEIR_BALANCE_LATENCY, 10000);
	rig_run(&rig, WEIR_POLICY_WEIR, &book);
	CHECK(calls_at(0, 5000, 10000) * 100 > weir_book_span(&book, 5000, 10000).calls * 15);
	CHECK(calls_at(0, 15000, 30000) * 100 < weir_book_span(&book, 15000, 30000).calls * 5);
	weir_book_fini(&book);
}

struct exhausted {
	uint64_t known_ms; /* when the first 429 had come; 0: not yet */
	unsigned until, after;
};

static void watch_key(void *arg, const struct weir_sight *sight)
{
	struct exhausted *seen = arg;
	const struct weir_event *e = sight->event;
	const struct weir_action *a = sight->action;
	const struct weir_member *m;

	if (e->type == WEIR_EV_RESULT && e->outcome == WEIR_OUT_RATE_LIMITED && !seen->known_ms)
		seen->known_ms = sight->now_ms;
	if (a->type != WEIR_DO_TRY)
		return;
	m = weir_walk_member(&sight->failover->walk, a->spot);
	if (!seen->known_ms || m->target != 0 || m->key != 0)
		return;
	seen->until += sight->now_ms < TO;
	seen->after += sight->now_ms >= TO;
}

TEST(an_exhausted_key_rests_until_its_reset)
{
	struct exhausted seen = { 0 };
	struct weir_fault *fault;

	rig_init(&rig, 0);
	rig_target(&rig, 0, 2);
	rig_target(&rig, 1, 1);
	fault = rig_fault(&rig, 0, WEIR_FAULT_RATE_LIMITED, FROM, TO);
	fault->key = 0;
	fault->most = 0;
	rig.traffic.saw = watch_key;
	rig.traffic.arg = &seen;
	rig_run(&rig, WEIR_POLICY_WEIR, &book);
	CHECK_INT(book.good, book.offered);
	CHECK(seen.known_ms >= FROM && seen.known_ms < FROM + 500);
	CHECK_INT(seen.until, 0);
	CHECK(seen.after > 100);
	CHECK_INT(book.calls_of[1], 0); /* the other key takes it all */
	CHECK_INT(book.faults[0].calls, 0);
	weir_book_fini(&book);
}

/* As above, but the key's answers say beforehand how many it will still take. */
TEST(a_key_that_says_what_is_left_never_answers_429)
{
	struct exhausted seen = { 0 };
	struct weir_fault *fault;

	rig_init(&rig, 0);
	rig_target(&rig, 0, 2);
	rig_target(&rig, 1, 1);
	rig.phase.per_s = 20;
	fault = rig_fault(&rig, 0, WEIR_FAULT_RATE_LIMITED, 0, WEIR_NEVER);
	fault->key = 0;
	fault->most = 50;
	fault->window_ms = 10000;
	fault->says_left = true;
	rig.traffic.callers.stream_ppm = WEIR_PPM;
	rig.traffic.saw = watch_key;
	rig.traffic.arg = &seen;
	rig_run(&rig, WEIR_POLICY_WEIR, &book);
	CHECK_INT(book.good, book.offered);
	CHECK_INT(seen.known_ms, 0);
	weir_book_fini(&book);
}

/* Answers here outlast the windows: what their heads said is old when they end. */
TEST(a_limited_target_is_used_in_each_of_its_windows)
{
	struct weir_fault *fault;

	rig_init(&rig, 2);
	rig.phase.per_s = 100;
	fault = rig_fault(&rig, 0, WEIR_FAULT_RATE_LIMITED, 0, WEIR_NEVER);
	fault->most = 300;
	fault->window_ms = 10000;
	fault->says_left = true;
	rig.traffic.callers.stream_ppm = WEIR_PPM;
	rig.traffic.callers.tokens_out = weir_spread_of(1200, 1200);
	rig_run(&rig, WEIR_POLICY_WEIR, &book);
	CHECK_INT(book.good, book.offered);
	for (uint64_t from_ms = 0; from_ms < 30000; from_ms += 10000) {
		CHECK(calls_at(0, from_ms, from_ms + 10000) <= 302);
		CHECK(calls_at(0, from_ms, from_ms + 10000) >= 270);
	}
	weir_book_fini(&book);
}

static void print(struct weir_buf *json, struct weir_buf *svg, struct weir_buf *table)
{
	struct weir_traffic_report report = { .name = "twice", .chain = "a > b" };

	report.traffic = &rig.traffic;
	report.books[0] = &book;
	report.books_n = 1;
	weir_buf_init(json, 1 << 20);
	weir_buf_init(svg, 1 << 20);
	weir_buf_init(table, 1 << 20);
	CHECK_INT(weir_traffic_json(&report, json), 0);
	CHECK_INT(weir_traffic_svg(&report, svg), 0);
	CHECK_INT(weir_traffic_table(&report, false, table), 0);
}

TEST(the_same_seed_makes_the_same_bytes)
{
	struct weir_buf texts[3][3];

	rig_init(&rig, 3);
	rig_fault(&rig, 0, WEIR_FAULT_BROWNOUT, FROM, TO);
	rig_fault(&rig, 1, WEIR_FAULT_CUT, FROM, TO);
	rig.traffic.callers.leaves_ppm = 50000;
	rig.traffic.callers.leaves_ms = 2000;
	for (unsigned i = 0; i < 3; i++) {
		rig.traffic.seed = i < 2 ? 7 : 8;
		rig_run(&rig, WEIR_POLICY_WEIR, &book);
		CHECK(book.left > 0 && book.cut > 0);
		print(&texts[i][0], &texts[i][1], &texts[i][2]);
		weir_book_fini(&book);
	}
	for (unsigned i = 0; i < 3; i++) {
		CHECK(texts[0][i].len > 200);
		CHECK(weir_slice_eq(weir_buf_slice(&texts[0][i]), weir_buf_slice(&texts[1][i])));
		CHECK(!weir_slice_eq(weir_buf_slice(&texts[0][i]), weir_buf_slice(&texts[2][i])));
	}
	for (unsigned i = 0; i < 9; i++)
		weir_buf_fini(&texts[i / 3][i % 3]);
}

TEST_MAIN
