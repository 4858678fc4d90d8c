#include "test.h"

#include "base/rng.h"
#include "policy/latency.h"

static bool within(double value, double expected, double percent)
{
	double off = value > expected ? value - expected : expected - value;
	bool ok = off <= expected * percent / 100;

	if (!ok)
		NOTE("%f, expected about %f", value, expected);
	return ok;
}

static void add_times(struct weir_latency *l, unsigned n, uint64_t sample_ms, uint64_t *now_ms,
		      uint64_t step_ms)
{
	while (n--) {
		*now_ms += step_ms;
		weir_latency_add(l, sample_ms, *now_ms);
	}
}

TEST(nothing_is_known_at_first)
{
	struct weir_latency l;
	uint64_t now = 5000;

	weir_latency_init(&l);
	CHECK(weir_latency_peak_ms(&l, now) <= 0);
	CHECK(!weir_latency_drifts(&l, 1));
	add_times(&l, 9, 100, &now, 10);
	CHECK_INT(weir_latency_usual_ms(&l), 0);
	CHECK_INT(weir_latency_percentile_ms(&l, 95), 0);
	CHECK(weir_latency_peak_ms(&l, now) > 0);
	add_times(&l, 1, 100, &now, 10);
	CHECK_INT(weir_latency_usual_ms(&l), 100);
	CHECK(weir_latency_percentile_ms(&l, 95) >= 100);
}

TEST(a_peak_jumps_up_at_once)
{
	struct weir_latency l;

	weir_latency_init(&l);
	weir_latency_add(&l, 100, 1000);
	CHECK(within(weir_latency_peak_ms(&l, 1000), 100, 0.1));
	weir_latency_add(&l, 3000, 1000);
	CHECK(within(weir_latency_peak_ms(&l, 1000), 3000, 0.1));
	weir_latency_add(&l, 100, 1000);
	CHECK(within(weir_latency_peak_ms(&l, 1000), 3000, 0.1));
	weir_latency_add(&l, 4000, 900);
	CHECK(within(weir_latency_peak_ms(&l, 1000), 4000, 0.1));
}

/* e^-x */
TEST(a_peak_sinks_with_time)
{
	static const struct {
		uint64_t ms;
		double left;
	} rows[] = {
		{ 0, 1 },
		{ 1000, 0.904837 },
		{ 10000, 0.367879 },
		{ 30000, 0.049787 },
		{ 50000, 0.006738 },
	};
	struct weir_latency l;
	double last = 1e9;

	weir_latency_init(&l);
	weir_latency_add(&l, 1000, 5000);
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
		CHECK(within(weir_latency_peak_ms(&l, 5000 + rows[i].ms), 1000 * rows[i].left,
			     1.5));
	for (uint64_t ms = 0; ms < 100000; ms += 97) {
		CHECK(weir_latency_peak_ms(&l, 5000 + ms) < last);
		last = weir_latency_peak_ms(&l, 5000 + ms);
	}
	CHECK(weir_latency_peak_ms(&l, UINT64_MAX) >= 0);
	CHECK(within(weir_latency_peak_ms(&l, 0), 1000, 0.1));
}

/* It has sunk to 368 by then, and this sample is higher. */
TEST(a_sunken_peak_is_jumped_over)
{
	struct weir_latency l;

	weir_latency_init(&l);
	weir_latency_add(&l, 1000, 1000);
	weir_latency_add(&l, 500, 11000);
	CHECK(within(weir_latency_peak_ms(&l, 11000), 500, 0.1));
}

TEST(a_peak_sinks_towards_the_samples)
{
	struct weir_latency l;
	uint64_t now = 1000;

	weir_latency_init(&l);
	weir_latency_add(&l, 10000, now);
	add_times(&l, 10, 200, &now, 1000);
	CHECK(within(weir_latency_peak_ms(&l, now), 200 + 9800 * 0.367879, 2));
	add_times(&l, 1000, 200, &now, 1000);
	CHECK(within(weir_latency_peak_ms(&l, now), 200, 1));
}

TEST(usual_follows_the_last_dozens)
{
	struct weir_latency l;
	uint64_t now = 0;

	weir_latency_init(&l);
	/* The first ones count alike. */
	for (unsigned i = 1; i <= 10; i++)
		add_times(&l, 1, i * 100, &now, 10);
	CHECK_INT(weir_latency_usual_ms(&l), 550);
	add_times(&l, 100, 1000, &now, 10);
	CHECK(within((double)weir_latency_usual_ms(&l), 1000, 1));
	add_times(&l, 1, 17000, &now, 10);
	CHECK(within((double)weir_latency_usual_ms(&l), 2000, 1));
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The percent-th percentile of n sorted samples: nearest rank. */
static uint64_t exact(const uint64_t *sorted, size_t n, unsigned percent)
{
	return sorted[(n * percent + 99) / 100 - 1];
}

TEST(percentiles_are_right_within_root_two)
{
	static const unsigned percents[] = { 1, 10, 50, 75, 90, 95, 99, 100 };
	enum { N = 487 };
	uint64_t samples[N], now = 0;
	struct weir_rng rng;

	for (unsigned seed = 0; seed < 50; seed++) {
		struct weir_latency l;

		weir_rng_init(&rng, seed);
		weir_latency_init(&l);
		for (unsigned i = 0; i < N; i++) {
			/* 1 ms to 12 minutes, evenly by magnitude */
			samples[i] = 1 + weir_rng_upto(&rng, (1u << weir_rng_upto(&rng, 19)) - 1);
			weir_latency_add(&l, samples[i], now++);
		}
		qsort(samples, N, sizeof *samples, by_value);
		for (unsigned i = 0; i < sizeof percents / sizeof *percents; i++) {
			uint64_t want = exact(samples, N, percents[i]);
			uint64_t is = weir_latency_percentile_ms(&l, percents[i]);

			CHECK(is >= want);
			CHECK((double)is < (double)want * 1.41422);
		}
	}
}

TEST(every_sample_has_a_bucket)
{
	static const uint64_t samples[] = { 0, 1, 2, 3, 741455, 741456, UINT32_MAX, UINT64_MAX };
	static const uint64_t bounds[] = { 1, 1, 2, 4, 741455, 741455, 741455, 741455 };
	struct weir_latency l;

	for (unsigned i = 0; i < sizeof samples / sizeof *samples; i++) {
		uint64_t now = 0;

		weir_latency_init(&l);
		add_times(&l, 10, samples[i], &now, 1);
		CHECK_INT(weir_latency_percentile_ms(&l, 50), bounds[i]);
	}
}

TEST(percentiles_forget)
{
	struct weir_latency l;
	uint64_t now = 0;

	weir_latency_init(&l);
	add_times(&l, 5000, 10000, &now, 10);
	CHECK(weir_latency_percentile_ms(&l, 50) >= 10000);
	add_times(&l, WEIR_LATENCY_FADE * 3, 100, &now, 10);
	CHECK(weir_latency_percentile_ms(&l, 50) < 142);
	add_times(&l, WEIR_LATENCY_FADE * 6, 100, &now, 10);
	CHECK(weir_latency_percentile_ms(&l, 100) < 142);
}

/* Also the quickest of all: what was 1 ms long ago is no percentile of what takes 100. */
TEST(percentiles_forget_upwards)
{
	struct weir_latency l;
	uint64_t now = 0;

	weir_latency_init(&l);
	add_times(&l, WEIR_LATENCY_FADE - 1, 1, &now, 10);
	CHECK_INT(l.in_buckets, 511);
	add_times(&l, 1, 1, &now, 10);
	CHECK_INT(l.in_buckets, 256);
	add_times(&l, WEIR_LATENCY_FADE * 6, 100, &now, 10);
	CHECK(weir_latency_percentile_ms(&l, 1) >= 100);
	CHECK(weir_latency_percentile_ms(&l, 100) < 142);
}

TEST(samples_are_counted_up_to_a_limit)
{
	struct weir_latency l;

	weir_latency_init(&l);
	l.samples = UINT32_MAX - 1;
	weir_latency_add(&l, 1, 1);
	CHECK_INT(l.samples, UINT32_MAX);
	weir_latency_add(&l, 1, 1);
	CHECK_INT(l.samples, UINT32_MAX);
}

TEST(slower_than_ever_is_drift)
{
	struct weir_latency l;
	uint64_t now = 0;
	unsigned n = 0;

	weir_latency_init(&l);
	add_times(&l, 600, 200, &now, 1000);
	CHECK(!weir_latency_drifts(&l, 300));
	CHECK(weir_latency_drifts(&l, 100));
	for (; !weir_latency_drifts(&l, 300) && n < 1000; n++)
		add_times(&l, 1, 1200, &now, 1000);
	/* Soon, but not for a few. */
	CHECK(n >= 5 && n <= 20);
	/* What lasts becomes the baseline. */
	add_times(&l, 1200, 1200, &now, 1000);
	CHECK(!weir_latency_drifts(&l, 120));
}

TEST(what_takes_no_time_does_not_drift)
{
	struct weir_latency l;
	uint64_t now = 0;

	weir_latency_init(&l);
	add_times(&l, 40, 0, &now, 1000);
	CHECK(!weir_latency_drifts(&l, 100));
	weir_latency_init(&l);
	add_times(&l, 40, 1, &now, 1000);
	CHECK(weir_latency_drifts(&l, 100));
}

TEST(one_slow_answer_is_no_drift)
{
	struct weir_latency l;
	uint64_t now = 0;

	weir_latency_init(&l);
	add_times(&l, 600, 200, &now, 1000);
	add_times(&l, 1, 6000, &now, 1000);
	CHECK(!weir_latency_drifts(&l, 300));
}

TEST(drift_needs_forty_samples)
{
	struct weir_latency l;
	uint64_t now = 0;

	weir_latency_init(&l);
	add_times(&l, 20, 100, &now, 1000);
	add_times(&l, 19, 10000, &now, 10);
	CHECK(!weir_latency_drifts(&l, 110));
	add_times(&l, 1, 10000, &now, 10);
	CHECK(weir_latency_drifts(&l, 110));
}

/* The baseline does not hang on it for minutes. */
TEST(a_lucky_first_answer_makes_no_drift)
{
	struct weir_latency l;
	uint64_t now = 0;

	weir_latency_init(&l);
	weir_latency_add(&l, 10, now);
	add_times(&l, 60, 1000, &now, 50);
	CHECK(!weir_latency_drifts(&l, 150));
	CHECK(weir_latency_drifts(&l, 95));
}

/* And so that much traffic does not make minutes of it. */
TEST(the_baseline_goes_by_time)
{
	struct weir_latency slow, busy;
	uint64_t slow_ms = 0, busy_ms = 0;

	weir_latency_init(&slow);
	weir_latency_init(&busy);
	add_times(&slow, 1200, 200, &slow_ms, 1000);
	add_times(&busy, 120000, 200, &busy_ms, 10);
	add_times(&slow, 60, 1000, &slow_ms, 1000);
	add_times(&busy, 6000, 1000, &busy_ms, 10);
	CHECK(within(slow.baseline_ms, 200 + 800 * 0.181269, 2));
	CHECK(within(busy.baseline_ms, 200 + 800 * 0.181269, 2));
}

TEST_MAIN
