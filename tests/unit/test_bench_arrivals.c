#include <math.h>

#include "bench/arrivals.h"
#include "bench/dist.h"
#include "bench/words.h"
#include "test.h"

static struct weir_bench_rate rate_of(const char *text)
{
	struct weir_bench_rate rate = { 0 };
	struct weir_error err;

	CHECK_INT(weir_bench_rate_parse(&rate, weir_slice_of(text), &err), 0);
	return rate;
}

TEST(constant_arrivals_are_evenly_spaced_and_do_not_drift)
{
	struct weir_bench_rate rate = rate_of("3000");
	struct weir_bench_arrivals a;
	uint64_t last = 0;

	weir_bench_arrivals_init(&a, &rate, false, 1);
	for (int i = 0; i < 30000; i++)
		last = weir_bench_arrivals_next(&a);
	CHECK(last > UINT64_C(9999999000) && last < UINT64_C(10000001000));
}

/* The gaps of independent arrivals: their deviation is their mean, and of all gaps a share
 * of 1/e is longer than the mean. */
TEST(poisson_arrivals_have_exponential_gaps)
{
	struct weir_bench_rate rate = rate_of("1000");
	struct weir_bench_arrivals a;
	double sum = 0, squares = 0, mean;
	uint64_t before = 0;
	int n = 100000, longer = 0;

	weir_bench_arrivals_init(&a, &rate, true, 42);
	for (int i = 0; i < n; i++) {
		uint64_t next = weir_bench_arrivals_next(&a);
		double gap = (double)(next - before);

		CHECK(next >= before);
		sum += gap;
		squares += gap * gap;
		longer += gap > 1e6;
		before = next;
	}
	mean = sum / n;
	CHECK(fabs(mean - 1e6) < 0.02e6);
	CHECK(fabs(sqrt(squares / n - mean * mean) - 1e6) < 0.03e6);
	CHECK(fabs((double)longer / n - 0.3679) < 0.01);
}

TEST(a_ramp_climbs_and_stays)
{
	struct weir_bench_rate rate = rate_of("100..500/10s");
	struct weir_bench_arrivals a;
	int n = 0;

	CHECK_INT(weir_bench_rate_at(&rate, 0), 100);
	CHECK_INT(weir_bench_rate_at(&rate, 5e9), 300);
	CHECK_INT(weir_bench_rate_at(&rate, 60e9), 500);
	weir_bench_arrivals_init(&a, &rate, false, 1);
	while (weir_bench_arrivals_next(&a) < UINT64_C(10000000000))
		n++;
	CHECK(n > 2980 && n < 3020); /* 300 a second on average */
}

TEST(nonsense_is_no_rate)
{
	static const char *const texts[] = { "",      "0",      "-5",      "5/s",    "1..2",
					     "1..2/", "..5/1s", "1..2/0s", "1e9999", "fast" };
	struct weir_bench_rate rate;
	struct weir_error err;

	for (size_t i = 0; i < WEIR_COUNT_OF(texts); i++)
		if (weir_bench_rate_parse(&rate, weir_slice_of(texts[i]), &err) == 0)
			CHECK_STR(texts[i], "refused");
}

static double mean_of(const char *text, uint64_t *least, uint64_t *most)
{
	struct weir_bench_dist dist;
	struct weir_error err;
	struct weir_rng rng = { 3 };
	double sum = 0;

	CHECK_INT(weir_bench_dist_parse(&dist, weir_slice_of(text), &err), 0);
	*least = UINT64_MAX;
	*most = 0;
	for (int i = 0; i < 50000; i++) {
		uint64_t size = weir_bench_dist_draw(&dist, &rng);

		sum += (double)size;
		*least = size < *least ? size : *least;
		*most = size > *most ? size : *most;
	}
	return sum / 50000;
}

TEST(sizes_have_the_distribution_they_were_asked_for)
{
	uint64_t least, most;

	CHECK_INT(mean_of("200", &least, &most), 200);
	CHECK(least == 200 && most == 200);
	CHECK(fabs(mean_of("50..150", &least, &most) - 100) < 1);
	CHECK(least == 50 && most == 150);
	CHECK(fabs(mean_of("exp:300", &least, &most) - 300) < 6);
	CHECK(least >= 1);
	CHECK(fabs(mean_of("normal:400,50", &least, &most) - 400) < 2);
	CHECK(least > 100 && most < 700);
	/* The mean of a lognormal is median * exp(sigma^2 / 2). */
	CHECK(fabs(mean_of("lognormal:100,500", &least, &most) - 161.4) < 5);
}

TEST(the_95th_percentile_of_a_lognormal_is_where_it_was_put)
{
	struct weir_bench_dist dist;
	struct weir_error err;
	struct weir_rng rng = { 9 };
	int above = 0, above_median = 0;

	REQUIRE(!weir_bench_dist_parse(&dist, WEIR_SLICE("lognormal:100,500"), &err));
	for (int i = 0; i < 50000; i++) {
		uint64_t size = weir_bench_dist_draw(&dist, &rng);

		above += size > 500;
		above_median += size > 100;
	}
	CHECK(above > 2250 && above < 2750);
	CHECK(above_median > 24000 && above_median < 26000);
}

TEST(nonsense_is_no_distribution)
{
	static const char *const texts[] = { "",
					     "0",
					     "5..",
					     "9..3",
					     "exp:",
					     "exp:0",
					     "normal:5",
					     "normal:5,6,7",
					     "lognormal:500,100",
					     "uniform:1,2",
					     "1e7",
					     "5,6" };
	struct weir_bench_dist dist;
	struct weir_error err;

	for (size_t i = 0; i < WEIR_COUNT_OF(texts); i++)
		if (weir_bench_dist_parse(&dist, weir_slice_of(texts[i]), &err) == 0)
			CHECK_STR(texts[i], "refused");
}

TEST(times_have_units)
{
	uint64_t ns;

	CHECK(weir_bench_duration(WEIR_SLICE("250ms"), &ns) && ns == 250000000);
	CHECK(weir_bench_duration(WEIR_SLICE("1.5s"), &ns) && ns == 1500000000);
	CHECK(weir_bench_duration(WEIR_SLICE("2m"), &ns) && ns == UINT64_C(120000000000));
	CHECK(!weir_bench_duration(WEIR_SLICE("5"), &ns));
	CHECK(!weir_bench_duration(WEIR_SLICE("0s"), &ns));
	CHECK(!weir_bench_duration(WEIR_SLICE("s"), &ns));
	CHECK(!weir_bench_duration(WEIR_SLICE("25h"), &ns));
}

TEST(shares_are_parts_of_one)
{
	double share;

	CHECK(weir_bench_share(WEIR_SLICE("25%"), &share) && fabs(share - 0.25) < 1e-12);
	CHECK(weir_bench_share(WEIR_SLICE("1"), &share) && fabs(share - 1) < 1e-12);
	CHECK(!weir_bench_share(WEIR_SLICE("101%"), &share));
	CHECK(!weir_bench_share(WEIR_SLICE("half"), &share));
}

TEST_MAIN
