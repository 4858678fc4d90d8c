#include "test.h"

#include "base/rng.h"
#include "policy/limits.h"

enum { HOUR_MS = 3600000, SENT_MAX = 100000 };

static const uint64_t T0 = 1000000; /* where a slice begins */

static bool admits(const struct weir_limits *limits, uint64_t tokens, uint64_t now_ms)
{
	uint64_t return_ms = 0;
	bool ok = weir_limits_admit(limits, tokens, now_ms, &return_ms);

	CHECK(ok == (return_ms == 0));
	return ok;
}

static uint64_t returns(const struct weir_limits *limits, uint64_t tokens, uint64_t now_ms)
{
	uint64_t return_ms = 0;

	CHECK(!weir_limits_admit(limits, tokens, now_ms, &return_ms));
	return return_ms;
}

TEST(without_limits_all_go)
{
	struct weir_limits limits;

	weir_limits_init(&limits, 0, 0);
	for (unsigned i = 0; i < 10000; i++) {
		CHECK(admits(&limits, UINT64_MAX, T0));
		weir_limits_take(&limits, UINT64_MAX, T0);
	}
}

TEST(a_minute_full_of_requests_refuses_until_they_are_old)
{
	struct weir_limits limits;

	weir_limits_init(&limits, 3, 0);
	for (unsigned i = 0; i < 3; i++) {
		CHECK(admits(&limits, 0, T0 + i * 7000));
		weir_limits_take(&limits, 0, T0 + i * 7000);
	}
	CHECK_INT(returns(&limits, 0, T0 + 14000), T0 + 65000);
	CHECK(!admits(&limits, 0, T0 + 64999));
	CHECK(admits(&limits, 0, T0 + 65000));
	weir_limits_take(&limits, 0, T0 + 65000);
	/* The next one was sent in the slice from 5 s on. */
	CHECK_INT(returns(&limits, 0, T0 + 65000), T0 + 70000);
	CHECK(admits(&limits, 0, T0 + HOUR_MS));
}

/* A clock may begin at 0, and its first minute is no shorter. */
TEST(the_first_minute_counts)
{
	for (uint64_t now = 0; now <= 70000; now += 5000) {
		struct weir_limits limits;

		weir_limits_init(&limits, 2, 0);
		weir_limits_take(&limits, 0, now);
		CHECK(admits(&limits, 0, now));
		weir_limits_take(&limits, 0, now);
		CHECK_INT(returns(&limits, 0, now), now + 65000);
		CHECK(!admits(&limits, 0, now + 64999));
		CHECK(admits(&limits, 0, now + 65000));
	}
}

/* However long nobody has asked: it is no work to count what was not sent. */
TEST(the_first_request_may_come_at_any_time)
{
	struct weir_limits limits;

	weir_limits_init(&limits, 1, 0);
	weir_limits_take(&limits, 0, UINT64_MAX / 2);
	CHECK(!admits(&limits, 0, UINT64_MAX / 2));
}

TEST(a_minute_full_of_tokens_refuses_what_does_not_fit)
{
	struct weir_limits limits;

	weir_limits_init(&limits, 0, 1000);
	weir_limits_take(&limits, 400, T0);
	weir_limits_take(&limits, 300, T0 + 20000);
	CHECK(admits(&limits, 300, T0 + 20000));
	CHECK_INT(returns(&limits, 301, T0 + 20000), T0 + 65000);
	CHECK_INT(returns(&limits, 700, T0 + 20000), T0 + 65000);
	/* Not before both are old. */
	CHECK_INT(returns(&limits, 701, T0 + 20000), T0 + 85000);
	CHECK(admits(&limits, 700, T0 + 65000));
	CHECK(!admits(&limits, 701, T0 + 65000));
	CHECK(admits(&limits, 701, T0 + 85000));
}

TEST(what_is_larger_than_the_limit_goes_alone)
{
	struct weir_limits limits;

	weir_limits_init(&limits, 0, 1000);
	CHECK(admits(&limits, 5000, T0));
	weir_limits_take(&limits, 5000, T0);
	CHECK_INT(returns(&limits, 1, T0), T0 + 65000);
	CHECK_INT(returns(&limits, 5000, T0), T0 + 65000);
	CHECK(admits(&limits, 1000, T0 + 65000));
	weir_limits_take(&limits, 1, T0 + 65000);
	CHECK_INT(returns(&limits, UINT64_MAX, T0 + 65000), T0 + 130000);
}

TEST(huge_numbers_stay_numbers)
{
	struct weir_limits limits;

	weir_limits_init(&limits, UINT64_MAX, UINT64_MAX);
	for (unsigned i = 0; i < 100; i++)
		weir_limits_take(&limits, UINT64_MAX, T0 + i * 5000);
	CHECK(!admits(&limits, UINT64_MAX, T0 + 100 * 5000));
	CHECK(admits(&limits, UINT64_MAX, T0 + 112 * 5000));
	weir_limits_init(&limits, 10, 10);
	weir_limits_take(&limits, UINT64_MAX, T0);
	weir_limits_take(&limits, 1, T0 + 5000);
	CHECK(!admits(&limits, 1, T0 + 5000));
}

struct sent {
	uint64_t at_ms, tokens;
};

static struct sent sent[SENT_MAX];

/* An hour of arrivals, gap_ms apart on average, in bursts. */
static unsigned arrive(uint64_t rpm, uint64_t tpm, uint64_t gap_ms, uint64_t tokens_max,
		       uint64_t seed)
{
	struct weir_limits limits;
	struct weir_rng rng;
	unsigned n = 0;

	weir_rng_init(&rng, seed);
	weir_limits_init(&limits, rpm, tpm);
	for (uint64_t now = T0 + seed * 1237; now < T0 + HOUR_MS;) {
		uint64_t tokens = 1 + weir_rng_upto(&rng, tokens_max - 1);

		if (admits(&limits, tokens, now) && n < SENT_MAX) {
			weir_limits_take(&limits, tokens, now);
			sent[n++] = (struct sent){ now, tokens };
		}
		if (weir_rng_upto(&rng, 3) == 0)
			now += weir_rng_upto(&rng, 8 * gap_ms);
	}
	return n;
}

TEST(no_minute_holds_more_than_rpm_requests)
{
	static const struct {
		unsigned rpm;
		uint64_t gap_ms;
	} rows[] = { { 1, 1000 }, { 7, 5000 }, { 60, 100 }, { 60, 900 }, { 600, 20 } };

	for (unsigned r = 0; r < sizeof rows / sizeof *rows; r++) {
		for (uint64_t seed = 0; seed < 5; seed++) {
			unsigned rpm = rows[r].rpm, n = arrive(rpm, 0, rows[r].gap_ms, 1, seed);

			for (unsigned i = rpm; i < n; i++)
				CHECK(sent[i].at_ms - sent[i - rpm].at_ms > 60000);
			/* Nor is much of it given away, where enough arrive: full every 65 s. */
			CHECK(n >= rpm * 55 * 9 / 10 || rows[r].gap_ms * rpm > 30000);
		}
	}
}

TEST(no_minute_holds_more_than_tpm_tokens)
{
	for (uint64_t seed = 0; seed < 10; seed++) {
		unsigned n = arrive(0, 100000, 50, 5000, seed), begin = 0;
		uint64_t tokens = 0, all = 0;

		for (unsigned i = 0; i < n; i++) {
			all += sent[i].tokens;
			tokens += sent[i].tokens;
			while (sent[i].at_ms - sent[begin].at_ms > 60000)
				tokens -= sent[begin++].tokens;
			CHECK(tokens <= 100000);
		}
		CHECK(all >= UINT64_C(100000) * 55 * 9 / 10);
	}
}

TEST(at_the_time_it_names_it_admits)
{
	struct weir_limits limits;
	struct weir_rng rng;
	uint64_t now = T0, at_ms;
	unsigned refused = 0;

	weir_rng_init(&rng, 11);
	weir_limits_init(&limits, 20, 10000);
	for (unsigned i = 0; i < 5000; i++) {
		uint64_t tokens = weir_rng_upto(&rng, 1500);

		if (weir_limits_admit(&limits, tokens, now, &at_ms)) {
			weir_limits_take(&limits, tokens, now);
		} else {
			refused++;
			CHECK(at_ms > now && at_ms <= now + 65000);
			CHECK(!admits(&limits, tokens, at_ms - 1));
			CHECK(admits(&limits, tokens, at_ms));
		}
		now += weir_rng_upto(&rng, 4000);
	}
	CHECK(refused > 500 && refused < 4500);
}

TEST(nothing_left_refuses_until_the_reset)
{
	struct weir_limits limits;
	struct weir_limits_news news = { .requests_known = true, .requests_reset_ms = 7000 };

	weir_limits_init(&limits, 0, 0);
	weir_limits_learn(&limits, &news, T0);
	CHECK_INT(returns(&limits, 0, T0), T0 + 7000);
	CHECK(!admits(&limits, 0, T0 + 6999));
	CHECK(admits(&limits, 0, T0 + 7000));
}

TEST(what_is_left_is_counted_down)
{
	struct weir_limits limits;
	struct weir_limits_news news = { .requests_known = true,
					 .requests_left = 2,
					 .requests_reset_ms = 7000 };

	weir_limits_init(&limits, 0, 0);
	weir_limits_learn(&limits, &news, T0);
	for (unsigned i = 0; i < 2; i++) {
		CHECK(admits(&limits, 5, T0));
		weir_limits_take(&limits, 5, T0);
	}
	CHECK_INT(returns(&limits, 5, T0), T0 + 7000);
	weir_limits_take(&limits, 5, T0);
	CHECK(!admits(&limits, 5, T0 + 6999));
	CHECK(admits(&limits, 5, T0 + 7000));
	/* The newest answer knows best. */
	weir_limits_learn(&limits, &news, T0 + 100);
	CHECK(admits(&limits, 5, T0 + 100));
}

TEST(tokens_left_may_not_do_for_larger_requests)
{
	struct weir_limits limits;
	struct weir_limits_news news = { .tokens_known = true,
					 .tokens_left = 1000,
					 .tokens_reset_ms = 9000 };

	weir_limits_init(&limits, 0, 0);
	weir_limits_learn(&limits, &news, T0);
	CHECK(weir_limits_fit(&limits, 1000, T0));
	CHECK(!weir_limits_fit(&limits, 1001, T0));
	CHECK(admits(&limits, 1001, T0));
	weir_limits_take(&limits, 700, T0);
	CHECK(weir_limits_fit(&limits, 300, T0));
	CHECK(!weir_limits_fit(&limits, 301, T0));
	weir_limits_take(&limits, 700, T0);
	CHECK_INT(returns(&limits, 1, T0), T0 + 9000);
	CHECK(weir_limits_fit(&limits, 2000, T0 + 9000));
	/* Nothing at all is left: what costs is only thought to be nothing. */
	CHECK(!admits(&limits, 0, T0 + 8999));
	CHECK(admits(&limits, 2000, T0 + 9000));
}

/* One token is something, and nothing is not enough for anything. */
TEST(the_last_token_is_left)
{
	struct weir_limits limits;
	struct weir_limits_news news = { .tokens_known = true,
					 .tokens_left = 1,
					 .tokens_reset_ms = 9000 };

	weir_limits_init(&limits, 0, 0);
	weir_limits_learn(&limits, &news, T0);
	CHECK(admits(&limits, 1000, T0));
	CHECK(weir_limits_fit(&limits, 1, T0) && !weir_limits_fit(&limits, 2, T0));
	weir_limits_take(&limits, 1, T0);
	CHECK(!admits(&limits, 0, T0));
	CHECK(!weir_limits_fit(&limits, 0, T0));
	CHECK(weir_limits_fit(&limits, 0, T0 + 9000));
}

TEST(a_reset_of_nothing_or_no_limit_clears_it)
{
	static const struct weir_limits_news clear[] = {
		{ .requests_known = true, .tokens_known = true },
		{ .requests_known = true,
		  .tokens_known = true,
		  .requests_left = UINT64_MAX,
		  .tokens_left = UINT64_MAX,
		  .requests_reset_ms = 5000,
		  .tokens_reset_ms = 5000 },
	};
	static const struct weir_limits_news empty = { .requests_known = true,
						       .tokens_known = true,
						       .requests_reset_ms = 60000,
						       .tokens_reset_ms = 60000 };

	for (unsigned i = 0; i < sizeof clear / sizeof *clear; i++) {
		struct weir_limits limits;

		weir_limits_init(&limits, 0, 0);
		weir_limits_learn(&limits, &empty, T0);
		CHECK(!admits(&limits, 10, T0));
		weir_limits_learn(&limits, &clear[i], T0);
		for (unsigned n = 0; n < 5; n++) {
			CHECK(admits(&limits, 10, T0));
			weir_limits_take(&limits, 10, T0);
		}
	}
}

TEST(who_says_nothing_changes_nothing)
{
	static const struct weir_limits_news empty = { .requests_known = true,
						       .requests_reset_ms = 60000 };
	struct weir_limits_news other = { .requests_left = 10, .requests_reset_ms = 1 };
	struct weir_limits limits, before;

	weir_limits_init(&limits, 5, 5);
	weir_limits_learn(&limits, &empty, T0);
	before = limits;
	weir_limits_learn(&limits, &other, T0);
	CHECK_MEM(&limits, &before, sizeof limits);
	other.tokens_known = true;
	other.tokens_left = 10;
	other.tokens_reset_ms = 10;
	weir_limits_learn(&limits, &other, T0);
	CHECK_INT(returns(&limits, 1, T0), T0 + 60000);
}

/* Each header says what it says, and nothing of the other. */
TEST(news_of_requests_are_no_news_of_tokens)
{
	struct weir_limits_news news = { .tokens_known = true, .tokens_reset_ms = 60000 };
	struct weir_limits limits;

	weir_limits_init(&limits, 0, 0);
	weir_limits_learn(&limits, &news, T0);
	news = (struct weir_limits_news){ .requests_known = true,
					  .requests_left = 10,
					  .requests_reset_ms = 60000,
					  .tokens_left = 1000 };
	weir_limits_learn(&limits, &news, T0);
	CHECK_INT(returns(&limits, 1, T0), T0 + 60000);
}

TEST(the_later_of_two_minutes_says_when)
{
	struct weir_limits limits;

	weir_limits_init(&limits, 2, 100);
	weir_limits_take(&limits, 90, T0);
	weir_limits_take(&limits, 1, T0 + 20000);
	CHECK_INT(returns(&limits, 50, T0 + 20000), T0 + 65000);
	weir_limits_init(&limits, 1, 100);
	weir_limits_take(&limits, 90, T0);
	weir_limits_take(&limits, 1, T0 + 20000);
	CHECK_INT(returns(&limits, 50, T0 + 20000), T0 + 85000);
}

/* A day's quota, a date taken for a duration: asked again after ten minutes. */
TEST(a_reset_in_the_far_future_is_believed_for_ten_minutes)
{
	struct weir_limits_news news = { .requests_known = true,
					 .requests_reset_ms = 24 * HOUR_MS };
	struct weir_limits limits;

	weir_limits_init(&limits, 0, 0);
	weir_limits_learn(&limits, &news, T0);
	CHECK_INT(returns(&limits, 1, T0), T0 + 600000);
	news.requests_reset_ms = UINT64_MAX;
	weir_limits_learn(&limits, &news, T0);
	CHECK_INT(returns(&limits, 1, T0), T0 + 600000);
	CHECK(admits(&limits, 1, T0 + 600000));
}

TEST(the_last_of_all_limits_says_when)
{
	struct weir_limits_news news = { .requests_known = true,
					 .requests_reset_ms = 3000,
					 .tokens_known = true,
					 .tokens_reset_ms = 90000 };
	struct weir_limits limits;

	weir_limits_init(&limits, 1, 10);
	weir_limits_take(&limits, 10, T0);
	CHECK_INT(returns(&limits, 1, T0), T0 + 65000);
	weir_limits_learn(&limits, &news, T0);
	CHECK_INT(returns(&limits, 1, T0), T0 + 90000);
	news.requests_reset_ms = 95000;
	weir_limits_learn(&limits, &news, T0);
	CHECK_INT(returns(&limits, 1, T0), T0 + 95000);
	news.requests_reset_ms = news.tokens_reset_ms = 1;
	weir_limits_learn(&limits, &news, T0);
	CHECK_INT(returns(&limits, 1, T0), T0 + 65000);
}

TEST(a_clock_that_goes_back_forgets_nothing)
{
	struct weir_limits limits;

	weir_limits_init(&limits, 2, 0);
	weir_limits_take(&limits, 0, T0);
	weir_limits_take(&limits, 0, T0 - 500000);
	CHECK_INT(returns(&limits, 0, T0 - 500000), T0 + 65000);
	CHECK(!admits(&limits, 0, T0));
	CHECK(admits(&limits, 0, T0 + 65000));
}

TEST_MAIN
