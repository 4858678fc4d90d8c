/* What one caller may take: rows of what has happened, and what is said then. */
#include "test.h"

#include "policy/calendar.h"
#include "policy/quota.h"

#define MS0 UINT64_C(1000000)              /* where a slice begins */
#define DAY (UINT64_C(20788) * WEIR_DAY_S) /* 2026-12-01 */

static struct weir_quota quota;
static struct weir_quota_share share;

static struct weir_quota_time at(uint64_t ms)
{
	return (struct weir_quota_time){ MS0 + ms, DAY + ms / 1000 };
}

static void limit(struct weir_quota_bounds bounds)
{
	quota = (struct weir_quota){ 0 };
	weir_quota_set(&quota, &bounds);
}

static void begin(uint64_t tokens, uint64_t ms)
{
	struct weir_quota_time now = at(ms);

	weir_quota_begin(&quota, tokens, &now, &share);
}

static void end(uint64_t tokens, uint64_t nano, uint64_t ms)
{
	struct weir_quota_time now = at(ms);

	weir_quota_end(&quota, &share, tokens, nano, &now);
}

/* In how many milliseconds it may begin: 0 now; and by which limit. */
static uint64_t wait(uint64_t tokens, uint64_t ms, const char **why)
{
	struct weir_quota_time now = at(ms);
	struct weir_quota_refusal refusal;
	bool ok = weir_quota_admits(&quota, tokens, &now, &refusal);

	CHECK(ok == (refusal.retry_ms == 0));
	*why = ok ? "" : weir_quota_limit_name(refusal.limit);
	return refusal.retry_ms;
}

TEST(without_bounds_all_begin)
{
	const char *why;

	limit((struct weir_quota_bounds){ 0 });
	for (unsigned i = 0; i < 1000; i++) {
		CHECK_INT(wait(UINT64_MAX, i, &why), 0);
		begin(UINT64_MAX, i);
		quota.inflight = 0;
	}
}

TEST(a_minute_of_requests_says_when_the_next_may_begin)
{
	const char *why;

	limit((struct weir_quota_bounds){ .rpm = 2 });
	begin(0, 1000);
	end(0, 0, 1000);
	begin(0, 7000);
	end(0, 0, 7000);
	CHECK_INT(wait(0, 8000, &why), 65000 - 8000);
	CHECK_STR(why, "rpm");
	CHECK(wait(0, 64999, &why) == 1);
	CHECK_INT(wait(0, 65000, &why), 0);
}

TEST(tokens_are_estimated_and_then_settled)
{
	const char *why;

	limit((struct weir_quota_bounds){ .tpm = 1000 });
	begin(400, 0);
	CHECK_INT(wait(600, 0, &why), 0);
	CHECK(wait(601, 0, &why) > 0);
	CHECK_STR(why, "tpm");
	end(100, 0, 0); /* it was less: the rest is given back */
	CHECK_INT(wait(900, 0, &why), 0);
	begin(100, 0);
	end(950, 0, 6000); /* it was more: that counts when it is known */
	CHECK_INT(weir_minute_left(&quota.tokens, MS0 + 6000), 0);
	CHECK_INT(wait(1, 6000, &why), 65000 - 6000); /* what was taken first is old first */
	CHECK_INT(wait(0, 6000, &why), 65000 - 6000);
	CHECK_INT(wait(200, 6000, &why), 70000 - 6000);
	CHECK_INT(wait(1000, 70000, &why), 0);
}

/* A request that is larger than the limit, in all or as estimated, counts as what it was. */
TEST(more_than_the_limit_is_not_forgotten)
{
	const char *why;

	limit((struct weir_quota_bounds){ .tpm = 10000 });
	begin(25000, 0);
	end(14500, 0, 0);
	CHECK(wait(1, 1000, &why) > 0);
	limit((struct weir_quota_bounds){ .tpm = 10000 });
	begin(4000, 0);
	end(20000, 0, 0);
	begin(4000, 0);
	end(0, 0, 0);
	CHECK_INT(weir_minute_left(&quota.tokens, MS0), 0);
}

TEST(a_chunked_body_counts_once_it_is_there)
{
	const char *why;
	struct weir_quota_time now = at(6000);

	limit((struct weir_quota_bounds){ .tpm = 1000 });
	begin(0, 0);
	CHECK_INT(wait(1000, 0, &why), 0);
	weir_quota_grow(&quota, 900, &now, &share);
	weir_quota_grow(&quota, 800, &now, &share); /* never less */
	CHECK_INT(weir_minute_left(&quota.tokens, now.ms), 100);
	end(0, 0, 7000);
	CHECK_INT(weir_minute_left(&quota.tokens, now.ms), 1000);
}

TEST(a_limit_set_later_gets_nothing_back_that_it_did_not_count)
{
	struct weir_quota_share first;

	limit((struct weir_quota_bounds){ 0 });
	begin(8000, 0);
	first = share;
	weir_quota_set(&quota, &(struct weir_quota_bounds){ .tpm = 10000 });
	begin(8000, 0);
	share = first;
	end(0, 0, 0);
	CHECK_INT(weir_minute_left(&quota.tokens, MS0), 2000);
}

TEST(what_is_given_back_late_is_not_missed)
{
	limit((struct weir_quota_bounds){ .tpm = 1000 });
	begin(900, 0);
	end(0, 0, 600000);
	begin(200, 600000);
	CHECK_INT(weir_minute_left(&quota.tokens, MS0 + 600000), 800);
	CHECK_INT(weir_minute_whole_in(&quota.tokens, MS0 + 600000), 65000);
	CHECK_INT(weir_minute_whole_in(&quota.tokens, MS0 + 700000), 0);
}

TEST(only_so_many_at_once)
{
	const char *why;

	limit((struct weir_quota_bounds){ .max_inflight = 2 });
	begin(0, 0);
	begin(0, 0);
	CHECK_INT(wait(0, 0, &why), 1000);
	CHECK_STR(why, "max_inflight");
	end(0, 0, 0);
	CHECK_INT(wait(0, 0, &why), 0);
}

TEST(a_day_ends_at_midnight_and_a_month_with_it)
{
	static const struct {
		uint64_t day_nano, month_nano, spent, ms, wait_ms;
		const char *why;
	} rows[] = {
		{ 100, 0, 99, 0, 0, "" },
		{ 100, 0, 100, 0, 86400000, "daily_budget" },
		{ 100, 0, 250, 86399000, 1000, "daily_budget" },
		{ 100, 0, 250, 86400000, 0, "" },
		{ 0, 100, 99, 0, 0, "" },
		{ 0, 100, 100, 0, UINT64_C(31) * 86400000, "monthly_budget" },
		{ 100, 150, 120, 0, 86400000, "daily_budget" },
		{ 100, 120, 120, 0, UINT64_C(31) * 86400000, "monthly_budget" },
		{ 100, 120, 120, UINT64_C(30) * 86400000, 86400000, "monthly_budget" },
		{ 100, 120, 120, UINT64_C(31) * 86400000, 0, "" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *why;
		uint64_t ms;

		limit((struct weir_quota_bounds){ .day_nano = rows[i].day_nano,
						  .month_nano = rows[i].month_nano });
		begin(0, 0);
		end(0, rows[i].spent, 0);
		ms = wait(0, rows[i].ms, &why);
		if (ms != rows[i].wait_ms || strcmp(why, rows[i].why) != 0)
			NOTE("row %zu", i);
		CHECK_INT(ms, rows[i].wait_ms);
		CHECK_STR(why, rows[i].why);
	}
}

/* However many begin at once: more than the budget by at most what one of them costs. */
TEST(those_under_way_are_reckoned_as_the_dearest)
{
	enum { COST = 30, BUDGET = 100 };
	const char *why;
	unsigned under_way = 0;

	limit((struct weir_quota_bounds){ .day_nano = BUDGET });
	begin(0, 0);
	end(0, COST, 0);
	while (wait(0, 0, &why) == 0) {
		begin(0, 0);
		under_way++;
	}
	CHECK_INT(under_way, 3);
	CHECK_INT(wait(0, 0, &why), 1000); /* nothing is spent yet */
	while (under_way--)
		end(0, COST, 0);
	CHECK_INT(weir_quota_day_nano(&quota, DAY), 4 * COST);
	CHECK(weir_quota_day_nano(&quota, DAY) < BUDGET + COST);
	CHECK_INT(wait(0, 0, &why), 86400000);
	CHECK_INT(weir_quota_day_nano(&quota, DAY + WEIR_DAY_S), 0);
	CHECK_INT(weir_quota_month_nano(&quota, DAY + WEIR_DAY_S), 4 * COST);
}

/* What was begun before midnight is paid for by the day it ends in. */
TEST(what_is_spent_counts_when_it_is_known)
{
	limit((struct weir_quota_bounds){ .day_nano = 100 });
	begin(0, 86399000);
	end(0, 70, 86401000);
	CHECK_INT(weir_quota_day_nano(&quota, DAY + WEIR_DAY_S + 1), 70);
}

TEST(other_bounds_count_on)
{
	const char *why;

	limit((struct weir_quota_bounds){ .rpm = 5, .day_nano = 100 });
	for (unsigned i = 0; i < 3; i++) {
		begin(0, 0);
		end(0, 20, 0);
	}
	weir_quota_set(&quota, &(struct weir_quota_bounds){ .rpm = 3, .day_nano = 100 });
	CHECK(wait(0, 0, &why) > 0);
	CHECK_STR(why, "rpm");
	weir_quota_set(&quota, &(struct weir_quota_bounds){ .rpm = 4, .day_nano = 60 });
	CHECK(wait(0, 0, &why) > 0);
	CHECK_STR(why, "daily_budget");
	weir_quota_set(&quota, &(struct weir_quota_bounds){ .rpm = 4, .day_nano = 61 });
	CHECK_INT(wait(0, 0, &why), 0);
}

TEST(sums_come_to_an_end_and_stay_there)
{
	const char *why;

	limit((struct weir_quota_bounds){ .day_nano = 100, .tpm = UINT64_MAX });
	for (unsigned i = 0; i < 3; i++) {
		begin(UINT64_MAX, 0);
		end(UINT64_MAX, UINT64_MAX - 5, 0);
	}
	begin(0, 0);
	CHECK(wait(0, 0, &why) > 0);
	CHECK(weir_quota_day_nano(&quota, DAY) == UINT64_MAX);
}

/* One that starts a year ahead and is set right leaves no purse that never empties. */
TEST(a_clock_that_was_ahead_freezes_nothing)
{
	struct weir_quota_time now = { MS0, DAY + UINT64_C(366) * WEIR_DAY_S };
	struct weir_quota_refusal refusal;

	limit((struct weir_quota_bounds){ .day_nano = 1000, .month_nano = 20000 });
	weir_quota_begin(&quota, 0, &now, &share);
	weir_quota_end(&quota, &share, 0, 400, &now);
	for (unsigned day = 0; day < 6; day++) {
		now.unix_s = DAY + (uint64_t)day * WEIR_DAY_S;
		CHECK(weir_quota_admits(&quota, 0, &now, &refusal));
		CHECK_INT(weir_quota_day_nano(&quota, now.unix_s), 0);
		weir_quota_begin(&quota, 0, &now, &share);
		weir_quota_end(&quota, &share, 0, 400, &now);
	}
	/* Back over midnight: the day that was begun is not forgotten. */
	CHECK_INT(weir_quota_day_nano(&quota, now.unix_s - WEIR_DAY_S), 400);
}

TEST_MAIN
