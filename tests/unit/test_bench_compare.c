#include <math.h>

#include "base/rng.h"
#include "bench/chart.h"
#include "bench/compare.h"
#include "bench/report_compare.h"
#include "test.h"

static struct weir_bench_comparison *make(unsigned rounds)
{
	static struct weir_bench_comparison c;

	memset(&c, 0, sizeof c);
	c.rounds_n = rounds;
	c.contestants_n = 3;
	c.base = 0;
	c.control = 2;
	c.drift_max = 0.1;
	c.contestants[0].name = "A";
	c.contestants[1].name = "B";
	c.contestants[2].name = "control";
	return &c;
}

/* What the machine does to everybody in a round, and what is B's own. */
static struct weir_bench_comparison *play(unsigned rounds, double drift, double ratio, double noise)
{
	struct weir_bench_comparison *c = make(rounds);
	struct weir_rng rng = { 11 };

	for (unsigned i = 0; i < rounds; i++) {
		double all = 1000 * (1 + drift * i / rounds);
		double own = 1 + noise * ((double)weir_rng_upto(&rng, 2000) / 1000 - 1);

		c->contestants[0].values[WEIR_BENCH_MEASURE_RATE][i] = all;
		c->contestants[1].values[WEIR_BENCH_MEASURE_RATE][i] = all * ratio * own;
		c->contestants[2].values[WEIR_BENCH_MEASURE_RATE][i] = 5 * all;
	}
	return c;
}

static bool near(double a, double b)
{
	return fabs(a - b) < 1e-9;
}

TEST(the_interval_is_that_of_the_sign_test)
{
	/* n, and the ranks between which the median lies with 95 %: Conover, table A3 */
	static const unsigned rows[][2] = { { 6, 1 },  { 8, 1 },  { 9, 2 },  { 11, 2 }, { 12, 3 },
					    { 15, 4 }, { 20, 6 }, { 25, 8 }, { 50, 18 } };

	for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
		double values[64];
		struct weir_bench_spread s;
		unsigned n = rows[r][0];

		for (unsigned i = 0; i < n; i++)
			values[i] = n - i; /* unsorted */
		s = weir_bench_spread(values, n);
		CHECK(s.has_interval);
		CHECK_INT(s.from, rows[r][1]);
		CHECK_INT(s.to, n + 1 - rows[r][1]);
		CHECK(near(s.median, (n + 1) / 2.0));
	}
}

TEST(few_rounds_have_no_interval)
{
	double values[] = { 3, 1, 2, 5, 4 };
	struct weir_bench_spread s = weir_bench_spread(values, 5);

	CHECK(!s.has_interval);
	CHECK_INT(s.median, 3);
	CHECK_INT(s.least, 1);
	CHECK_INT(s.most, 5);
	CHECK_INT(weir_bench_spread(values, 0).median, 0);
}

TEST(ratios_are_of_neighbours_so_that_a_slow_machine_harms_both)
{
	struct weir_bench_comparison *c = play(10, -0.08, 0.9, 0);
	unsigned n;
	struct weir_bench_spread s = weir_bench_compare_ratios(c, 1, WEIR_BENCH_MEASURE_RATE, &n);

	CHECK_INT(n, 10);
	CHECK(near(s.least, 0.9) && near(s.most, 0.9));
	CHECK(weir_bench_compare_holds(c));
}

TEST(rounds_without_a_value_are_left_out)
{
	struct weir_bench_comparison *c = play(10, 0, 0.9, 0);
	unsigned n;

	c->contestants[1].values[WEIR_BENCH_MEASURE_RATE][3] = 0;
	c->contestants[0].values[WEIR_BENCH_MEASURE_RATE][4] = 0;
	(void)weir_bench_compare_ratios(c, 1, WEIR_BENCH_MEASURE_RATE, &n);
	CHECK_INT(n, 8);
	(void)weir_bench_compare_ratios(c, 1, WEIR_BENCH_MEASURE_P99, &n);
	CHECK_INT(n, 0);
}

static const char *told(const struct weir_bench_comparison *c)
{
	static char text[16 * 1024];
	struct weir_buf buf;
	struct weir_bench_pen pen = { &buf, 0 };

	weir_buf_init(&buf, sizeof text - 1);
	weir_bench_compare_text(&pen, c);
	CHECK_INT(pen.rc, 0);
	memcpy(text, buf.base, buf.len);
	text[buf.len] = '\0';
	weir_buf_fini(&buf);
	return text;
}

TEST(a_verdict_needs_a_difference_and_a_control_that_stays)
{
	CHECK(strstr(told(play(10, 0.05, 0.9, 0.02)), "B: per_second lower than A's"));
	CHECK(strstr(told(play(10, 0.05, 1.2, 0.02)), "B: per_second higher than A's"));
	CHECK(strstr(told(play(10, 0.05, 1, 0.02)), "B: per_second not shown to differ from A's"));
	CHECK(strstr(told(play(4, 0, 0.5, 0)), "B: per_second too few rounds to tell from A's"));
	CHECK(strstr(told(play(10, 0.3, 0.5, 0)), "no verdict: the control (control) drifted by"));
	CHECK(!strstr(told(play(10, 0.3, 0.5, 0)), "lower than"));
}

TEST(a_control_that_never_answered_holds_nothing)
{
	struct weir_bench_comparison *c = make(10);

	CHECK(!weir_bench_compare_holds(c));
}

TEST(an_open_loop_is_measured_by_its_median_latency)
{
	struct weir_bench_comparison *c = play(10, 0.5, 1, 0);

	c->open_loop = true;
	for (unsigned i = 0; i < 10; i++)
		c->contestants[2].values[WEIR_BENCH_MEASURE_P50][i] = 1;
	CHECK(weir_bench_compare_holds(c));
}

TEST(a_chart_is_drawn_inside_its_frame)
{
	static const double x[] = { 0, 0.5, 1 }, y[] = { 0.01, 3, 420 };
	struct weir_bench_chart chart = { .title = "A < B", .unit = "ms", .log_y = true };
	struct weir_buf buf;
	struct weir_bench_pen pen = { &buf, 0 };

	weir_buf_init(&buf, 64 * 1024);
	weir_bench_chart_ticks(&chart, 30, "s");
	CHECK(chart.ticks_n >= 4 && chart.ticks_n <= 8);
	chart.curves[0] = (struct weir_bench_curve){ "one", x, y, 3 };
	chart.curves_n = 1;
	weir_bench_put_chart(&pen, &chart);
	weir_bench_put(&pen, "%c", '\0');
	CHECK_INT(pen.rc, 0);
	CHECK(strstr(buf.base, "A &lt; B"));
	/* 64 to 830 across, 28 to 234 down; 0.01 to 1000 are five decades */
	CHECK(strstr(buf.base, "points=\"64.0,234.0 447.0,131.9 830.0,43.5 \""));
	CHECK(!strstr(buf.base, "nan") && !strstr(buf.base, "inf"));
	weir_buf_fini(&buf);
}

TEST_MAIN
