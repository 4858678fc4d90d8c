#include "base/rng.h"
#include "bench/hist.h"
#include "bench/series.h"
#include "bench/tally.h"
#include "test.h"

TEST(each_bucket_begins_where_the_one_before_ends)
{
	for (unsigned i = 0; i < WEIR_BENCH_HIST_N; i++) {
		uint64_t top = weir_bench_hist_top(i);

		if (weir_bench_hist_index(top) != i)
			CHECK_INT(weir_bench_hist_index(top), i);
		if (i + 1 < WEIR_BENCH_HIST_N && weir_bench_hist_index(top + 1) != i + 1)
			CHECK_INT(weir_bench_hist_index(top + 1), i + 1);
	}
	CHECK_INT(weir_bench_hist_index(UINT64_MAX), WEIR_BENCH_HIST_N - 1);
}

TEST(a_bucket_is_a_thousandth_wide)
{
	struct weir_rng rng = { 7 };

	for (int i = 0; i < 10000; i++) {
		uint64_t ns = weir_rng_next(&rng) >> (23 + weir_rng_upto(&rng, 39));
		uint64_t top = weir_bench_hist_top(weir_bench_hist_index(ns));

		if (top < ns || (double)(top - ns) > (double)ns / 1000)
			CHECK_INT(top, ns);
	}
}

TEST(percentiles_are_those_of_a_sorted_list)
{
	struct weir_bench_hist *h = weir_bench_hist_create();

	REQUIRE(h);
	CHECK_INT(weir_bench_hist_at(h, 0.5), 0);
	for (uint64_t i = 1; i <= 1000; i++)
		weir_bench_hist_add(h, i);
	CHECK_INT(weir_bench_hist_at(h, 0), 1);
	CHECK_INT(weir_bench_hist_at(h, 0.5), 500);
	CHECK_INT(weir_bench_hist_at(h, 0.99), 990);
	CHECK_INT(weir_bench_hist_at(h, 0.999), 999);
	CHECK_INT(weir_bench_hist_at(h, 1), 1000);
	CHECK_INT(weir_bench_hist_mean(h) * 10, 5005);
	CHECK_INT(weir_bench_hist_deviation(h), 288);
	weir_bench_hist_add(h, 5000000);
	CHECK_INT(weir_bench_hist_at(h, 1), 5000000); /* exact, not the bucket's top */
	weir_bench_hist_destroy(h);
}

TEST(a_merged_histogram_is_that_of_all_values)
{
	struct weir_bench_hist *a = weir_bench_hist_create(), *b = weir_bench_hist_create();
	struct weir_bench_hist *all = weir_bench_hist_create();
	struct weir_rng rng = { 1 };

	REQUIRE(a && b && all);
	for (int i = 0; i < 5000; i++) {
		uint64_t ns = weir_rng_upto(&rng, 1000 * 1000);

		weir_bench_hist_add(i % 3 ? a : b, ns);
		weir_bench_hist_add(all, ns);
	}
	weir_bench_hist_merge(a, b);
	CHECK_INT(a->n, all->n);
	CHECK_INT(a->min, all->min);
	CHECK_INT(a->max, all->max);
	CHECK_MEM(a->counts, all->counts, sizeof a->counts);
	weir_bench_hist_clear(a);
	weir_bench_hist_clear(b);
	CHECK_INT(a->n, 0);
	CHECK_MEM(a->counts, b->counts, sizeof a->counts);
	CHECK_INT(weir_bench_hist_at(a, 0.99), 0);
	weir_bench_hist_destroy(a);
	weir_bench_hist_destroy(b);
	weir_bench_hist_destroy(all);
}

TEST(a_long_series_joins_its_neighbours_and_loses_nothing)
{
	static struct weir_bench_series s;
	uint64_t n = 0, ok = 0, steps = 0;

	weir_bench_series_clear(&s);
	for (uint64_t i = 0; i < 3000; i++)
		weir_bench_series_add(&s, i * WEIR_BENCH_SERIES_NS, 1000000 + i, i % 2 == 0);
	CHECK(s.bins_n <= WEIR_BENCH_SERIES_MAX);
	CHECK_INT(s.bin_ns, UINT64_C(8) * WEIR_BENCH_SERIES_NS);
	for (unsigned i = 0; i < s.bins_n; i++) {
		n += s.bins[i].n;
		ok += s.bins[i].ok;
		for (unsigned k = 0; k < WEIR_BENCH_SERIES_STEPS; k++)
			steps += s.bins[i].steps[k];
	}
	CHECK_INT(n, 3000);
	CHECK_INT(ok, 1500);
	CHECK_INT(steps, 3000);
	CHECK_INT(s.bins[0].latency_max_ns, 1000007);
	CHECK_INT(weir_bench_bin_at(&s.bins[0], 0.5), 1000007);
}

TEST(the_books_balance)
{
	struct weir_bench_tally *t = weir_bench_tally_create();
	struct weir_bench_tally *sum = weir_bench_tally_create();

	REQUIRE(t && sum);
	for (unsigned i = 0; i < WEIR_BENCH_OUTCOME_N; i++) {
		struct weir_bench_ended e = { .outcome = i,
					      .status = i == WEIR_BENCH_OK ? 200 : 500,
					      .latency_ns = 5000,
					      .service_ns = 4000,
					      .tokens = 2,
					      .stream = true,
					      .in_time = true };

		weir_bench_tally_add(t, &e);
	}
	t->seconds_ns = 1000000000;
	CHECK_INT(t->done, WEIR_BENCH_OUTCOME_N);
	CHECK_INT(weir_bench_tally_failed(t), WEIR_BENCH_OUTCOME_N - 1);
	CHECK_INT(t->latency->n, 1);
	CHECK_INT(t->failure->n, WEIR_BENCH_OUTCOME_N - 1);
	CHECK_INT(t->streams, WEIR_BENCH_OUTCOME_N);
	CHECK_INT(t->streams_whole, 3); /* good, wrong, crossed */
	CHECK_INT(t->tokens_good, 2);
	CHECK_INT(weir_bench_tally_rate(t), 1);
	weir_bench_tally_merge(sum, t);
	weir_bench_tally_merge(sum, t);
	CHECK_INT(sum->done, 2 * WEIR_BENCH_OUTCOME_N);
	CHECK_INT(sum->outcomes[WEIR_BENCH_WRONG], 2);
	CHECK_INT(sum->statuses[200], 2);
	CHECK_INT(weir_bench_tally_rate(sum), 1);
	weir_bench_tally_clear(t);
	CHECK_INT(t->done + t->latency->n + t->series.bins_n, 0);
	weir_bench_tally_destroy(t);
	weir_bench_tally_destroy(sum);
}

TEST_MAIN
