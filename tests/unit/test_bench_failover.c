#include "bench/failover.h"
#include "test.h"

static const uint64_t MS = 1000000;

static bool well(const struct weir_bench_bin *bin, double level)
{
	return (double)bin->ok >= level * (double)bin->n;
}

/* A letter is a bin of 50 ms with ten requests: g all good, b all bad, one of ten in between;
 * a space is a bin without any. */
static void draw(struct weir_bench_series *s, const char *bins, uint64_t latency_ns)
{
	weir_bench_series_clear(s);
	for (uint64_t i = 0; bins[i]; i++)
		for (int k = 0; bins[i] != ' ' && k < 10; k++)
			weir_bench_series_add(s, i * 50 * MS, latency_ns,
					      bins[i] == 'g' ||
						      (bins[i] != 'b' && k < bins[i] - '0'));
}

static const struct {
	const char *bins;
	uint64_t from_ms, until_ms;
	long long recovery_ms; /* -1: never */
} rows[] = {
	{ "gggggggggg", 100, 500, 0 },
	{ "ggbbgggggg", 100, 500, 100 },
	{ "ggbbgbgggg", 100, 500, 200 }, /* not for good at first */
	{ "ggbb9ggggg", 100, 500, 150 }, /* 90 % is not enough */
	{ "ggbbbbbbbb", 100, 500, -1 },
	{ "ggbb  gggg", 100, 500, 100 }, /* nobody asked: nothing was wrong */
	{ "ggbb      ", 100, 500, -1 },
	{ "ggbbggbbbb", 100, 300, 100 }, /* what comes after the end is not looked at */
	{ "ggbbggggggggggggggggggggggb", 100, 1350, 100 }, /* a second is enough */
	{ "ggbbgggggggggggggggggggb", 100, 1200, -1 },     /* a little less is not */
};

TEST(recovery_is_when_a_second_is_good)
{
	static struct weir_bench_series s;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint64_t found;

		draw(&s, rows[i].bins, 1000);
		found = weir_bench_recovery(&s, rows[i].from_ms * MS, rows[i].until_ms * MS, well,
					    0.99);
		if (found != (rows[i].recovery_ms < 0 ? WEIR_BENCH_NEVER
						      : (uint64_t)rows[i].recovery_ms * MS)) {
			NOTE("row %zu", i);
			CHECK_INT(found, rows[i].recovery_ms);
		}
	}
}

static void add(struct weir_bench_samples *s, int64_t at_ms, uint64_t sent, uint64_t hits,
		uint64_t victim, uint64_t tokens)
{
	struct weir_bench_sample sample = { at_ms * (int64_t)MS, sent, hits, tokens, victim };

	weir_bench_samples_add(s, &sample);
}

TEST(calls_and_tokens_are_reckoned_from_both_books)
{
	struct weir_bench_tally *t = weir_bench_tally_create();
	static struct weir_bench_failover f;
	static struct weir_bench_samples s;

	REQUIRE(t);
	t->seconds_ns = 1000 * MS;
	t->tokens_kept = 350;
	add(&s, -100, 0, 7, 7, 100);
	add(&s, 100, 10, 17, 17, 200);
	add(&s, 200, 20, 27, 27, 300); /* the outage begins */
	add(&s, 300, 30, 47, 37, 400); /* each is tried twice */
	add(&s, 400, 40, 59, 38, 450); /* it ends; the breaker stays open */
	add(&s, 500, 50, 69, 39, 460);
	add(&s, 600, 60, 79, 48, 480); /* nine of ten are back */
	add(&s, 700, 70, 89, 58, 500);
	f.outage = true;
	f.began_ns = 200 * MS;
	f.ended_ns = 400 * MS;
	weir_bench_failover_reckon(&f, &s, t);
	CHECK_INT(f.requests, 70);
	CHECK_INT(f.calls, 82);
	CHECK_INT(f.made, 400);
	CHECK_INT(f.wasted, 50);
	CHECK_INT(f.calls_per_request[0] * 100, 100);
	CHECK_INT(f.calls_per_request[1] * 100, 160);
	CHECK_INT(f.calls_per_request[2] * 100, 100);
	CHECK_INT(f.return_ns, 100 * MS);
	CHECK_INT(f.success_ns, WEIR_BENCH_NEVER); /* nobody was answered at all */
	weir_bench_tally_destroy(t);
}

TEST(samples_without_room_are_thinned_out_in_order)
{
	static struct weir_bench_samples s;

	for (int i = 0; i < 5000; i++)
		add(&s, i, 0, 0, 0, 0);
	CHECK(s.n <= WEIR_BENCH_SAMPLES_MAX);
	CHECK_INT(s.list[0].at_ns, 0);
	CHECK_INT(s.list[s.n - 1].at_ns, 4999 * (int64_t)MS);
	for (unsigned i = 1; i < s.n; i++)
		CHECK(s.list[i].at_ns > s.list[i - 1].at_ns);
}

TEST(an_outage_says_who_what_when_and_how_long)
{
	static const char *const wrong[] = { "",
					     "alpha",
					     "alpha=503",
					     "alpha=503@1s",
					     "=503@1s+1s",
					     "alpha=@1s+1s",
					     "alpha=503@1+1",
					     "alpha=503@1s+",
					     "alpha@1s+1s=503" };
	struct weir_bench_outage_plan plan;
	struct weir_error err;

	CHECK_INT(weir_bench_outage_parse(&plan, "alpha=reset@half*2,503@5s+250ms", &err), 0);
	CHECK(weir_slice_is(plan.vendor, "alpha"));
	CHECK(weir_slice_is(plan.script, "reset@half*2,503"));
	CHECK_INT(plan.start_ns, 5000 * MS);
	CHECK_INT(plan.for_ns, 250 * MS);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (weir_bench_outage_parse(&plan, wrong[i], &err) == 0)
			CHECK_STR(wrong[i], "refused");
}

TEST(the_books_of_providers_are_read)
{
	static struct weir_bench_stats stats;

	CHECK(weir_bench_stats_read(
		&stats,
		WEIR_SLICE("{\"vendors\":[{\"name\":\"a\",\"hits\":3,\"tokens\":40,\"aborts\":1,"
			   "\"rules\":[{\"model\":\"*\",\"script\":\"200;tokens=5\"}]},"
			   "{\"name\":\"b\",\"hits\":4,\"tokens\":2,\"rules\":[]}]}")));
	CHECK_INT(stats.vendors_n, 2);
	CHECK_INT(weir_bench_stats_hits(&stats), 7);
	CHECK_INT(weir_bench_stats_tokens(&stats), 42);
	CHECK_STR(stats.vendors[0].script, "200;tokens=5");
	CHECK(weir_bench_stats_of(&stats, WEIR_SLICE("b")) == &stats.vendors[1]);
	CHECK(!weir_bench_stats_of(&stats, WEIR_SLICE("c")));
	CHECK(!weir_bench_stats_read(&stats, WEIR_SLICE("<html>")));
	CHECK(!weir_bench_stats_read(&stats, WEIR_SLICE("{\"vendors\":[]}")));
}

TEST_MAIN
