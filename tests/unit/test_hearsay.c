/* What other weirs say: how far it is believed. */
#include "target.h"

#include "base/attr.h"
#include "policy/hearsay.h"
#include "policy/quota.h"

enum { MINUTE = 60000, HOUR = 60 * MINUTE };

static struct weir_hearsay until(uint64_t ms, enum weir_outcome why, bool stated)
{
	return (struct weir_hearsay){ T0 + ms, why, stated };
}

static bool hear(struct weir_bench *bench, struct weir_hearsay said, enum weir_blame of)
{
	return weir_bench_hear(bench, &said, of, T0);
}

TEST(a_bench_is_heard_as_it_is_told)
{
	struct weir_bench here = { T0 + MINUTE, WEIR_OUT_RATE_LIMITED, .stated = true },
			  there = { 0 };
	struct weir_hearsay told = weir_bench_tell(&here, T0);

	CHECK(hear(&there, told, WEIR_BLAME_TARGET));
	CHECK(there.until_ms == here.until_ms && there.stated);
	CHECK_INT(there.why, WEIR_OUT_RATE_LIMITED);
	CHECK(weir_bench_tell(&here, T0 + MINUTE).until_ms == 0);
}

TEST(nobody_is_set_aside_for_longer_than_a_provider_may_say)
{
	static const struct {
		enum weir_outcome why;
		enum weir_blame of;
		bool stated;
		uint64_t most_ms;
	} rows[] = {
		{ WEIR_OUT_RATE_LIMITED, WEIR_BLAME_TARGET, true, 10 * MINUTE },
		{ WEIR_OUT_RATE_LIMITED, WEIR_BLAME_TARGET, false, MINUTE },
		{ WEIR_OUT_QUOTA, WEIR_BLAME_KEY, true, HOUR },
		{ WEIR_OUT_QUOTA, WEIR_BLAME_TARGET, true, HOUR },
		{ WEIR_OUT_CREDENTIALS, WEIR_BLAME_KEY, false, 10 * MINUTE },
		{ WEIR_OUT_NOT_HERE, WEIR_BLAME_MODEL, false, 10 * MINUTE },
		/* and not at all for what benches nobody, or somebody else */
		{ WEIR_OUT_OK, WEIR_BLAME_TARGET, true, 0 },
		{ WEIR_OUT_CALLER, WEIR_BLAME_NOBODY, true, 0 },
		{ WEIR_OUT_SLOW, WEIR_BLAME_TARGET, true, 0 },
		{ WEIR_OUT_RATE_LIMITED, WEIR_BLAME_KEY, true, 0 },
		{ WEIR_OUT_NOT_HERE, WEIR_BLAME_KEY, true, 0 },
	};

	for (size_t i = 0; i < WEIR_COUNT_OF(rows); i++) {
		struct weir_bench bench = { 0 };

		CHECK(!hear(&bench, until(rows[i].most_ms + 1, rows[i].why, rows[i].stated),
			    rows[i].of));
		CHECK(bench.until_ms == 0);
		if (!rows[i].most_ms)
			continue;
		CHECK(hear(&bench, until(rows[i].most_ms, rows[i].why, rows[i].stated),
			   rows[i].of));
		CHECK(bench.until_ms == T0 + rows[i].most_ms);
	}
	CHECK(!hear(&(struct weir_bench){ 0 },
		    (struct weir_hearsay){ UINT64_MAX, WEIR_OUT_QUOTA, true }, WEIR_BLAME_KEY));
}

TEST(what_a_provider_has_stated_is_not_talked_away)
{
	struct weir_bench bench = { T0 + MINUTE, WEIR_OUT_RATE_LIMITED, .stated = true };

	CHECK(hear(&bench, (struct weir_hearsay){ 0 }, WEIR_BLAME_TARGET));
	CHECK(hear(&bench, until(MINUTE, WEIR_OUT_RATE_LIMITED, false), WEIR_BLAME_TARGET));
	CHECK(hear(&bench, until(1000, WEIR_OUT_RATE_LIMITED, true), WEIR_BLAME_TARGET));
	CHECK(bench.until_ms == T0 + MINUTE && bench.stated);
	CHECK(hear(&bench, until(2 * MINUTE, WEIR_OUT_RATE_LIMITED, true), WEIR_BLAME_TARGET));
	CHECK(bench.until_ms == T0 + 2 * MINUTE);
	bench.stated = false; /* of a guess it is news */
	CHECK(hear(&bench, (struct weir_hearsay){ 0 }, WEIR_BLAME_TARGET));
	CHECK(bench.until_ms == 0);
}

TEST(an_amount_is_used_up_elsewhere_and_there_again)
{
	struct weir_limits limits;
	struct weir_hearsay told;
	uint64_t return_ms = 0;

	weir_limits_init(&limits, 0, 0);
	told = until(MINUTE, WEIR_OUT_RATE_LIMITED, true);
	CHECK(weir_limits_hear(&limits, true, &told, T0));
	CHECK(!weir_limits_admit(&limits, 1, T0, &return_ms));
	CHECK(return_ms == T0 + MINUTE);
	CHECK(weir_limits_tell(&limits, true, T0).until_ms == T0 + MINUTE);
	CHECK(weir_limits_tell(&limits, false, T0).until_ms == 0);
	told = (struct weir_hearsay){ 0 };
	CHECK(weir_limits_hear(&limits, true, &told, T0));
	CHECK(weir_limits_admit(&limits, 1, T0, &return_ms));
	told = until(WEIR_LIMITS_RESET_MAX_MS + 1, WEIR_OUT_RATE_LIMITED, true);
	CHECK(!weir_limits_hear(&limits, false, &told, T0));
	CHECK(weir_limits_admit(&limits, 1, T0, &return_ms));
}

/* Whatever others say there is a way to ask it, until it has failed here, too. */
TEST(a_breaker_that_others_say_is_open_refuses_nobody)
{
	struct weir_pass pass;

	make();
	weir_health_hear(TARGET, true, T0, &rng);
	CHECK_INT(TARGET->breaker.state, WEIR_BREAKER_OPEN);
	CHECK_INT(model.open_n, 1);
	CHECK_INT(ask_at(T0).leave, WEIR_LEAVE_HEARD);
	CHECK_STR(weir_leave_reason(WEIR_LEAVE_HEARD), "open_elsewhere");
	pass = begin_at(0, T0); /* nothing else was left */
	end_as(&pass, WEIR_OUT_SERVER_ERROR, T0);
	CHECK_INT(ask_at(T0).leave, WEIR_LEAVE_HEARD);
	CHECK_INT(ask_at(TARGET->breaker.until_ms).leave, WEIR_LEAVE_PROBE);
	pass = begin_at(0, TARGET->breaker.until_ms);
	CHECK_INT(ask_at(T0 + 5000).leave, WEIR_LEAVE_HEARD); /* the probe is under way */
	end_as(&pass, WEIR_OUT_SERVER_ERROR, T0 + 5000);
	CHECK_INT(ask_at(T0 + 5000).leave, WEIR_LEAVE_OPEN); /* now it has been seen */
	weir_health_hear(TARGET, true, T0 + 5000, &rng);
	CHECK(!TARGET->breaker.heard);
	weir_health_hear(TARGET, false, T0 + 5000, &rng);
	CHECK_INT(ask_at(T0 + 5000).leave, WEIR_LEAVE_PROBE);
}

TEST(it_closes_by_what_is_seen_here)
{
	make();
	weir_health_hear(TARGET, true, T0, &rng);
	weir_health_hear(TARGET, false, T0, &rng);
	CHECK_INT(TARGET->breaker.state, WEIR_BREAKER_OPEN);
	for (unsigned i = 0; i < WEIR_BREAKER_PROBES; i++) {
		struct weir_pass pass = begin_at(0, T0);

		weir_health_commit(&pass, T0);
		end_as(&pass, WEIR_OUT_OK, T0);
	}
	CHECK_INT(TARGET->breaker.state, WEIR_BREAKER_CLOSED);
	CHECK(!TARGET->breaker.heard);
	CHECK_INT(model.open_n, 0);
}

TEST(a_minute_has_what_others_took_in_it_and_tells_only_its_own)
{
	struct weir_minute minute = { 0 };

	weir_minute_set(&minute, 10);
	weir_minute_take(&minute, 3, T0);
	weir_minute_hear(&minute, 5, T0);
	CHECK_INT(weir_minute_left(&minute, T0), 2);
	CHECK_INT(minute.taken, 3);
	weir_minute_hear(&minute, -2, T0);
	CHECK_INT(weir_minute_left(&minute, T0), 4);
	weir_minute_give(&minute, 1, T0);
	CHECK_INT(minute.taken, 2);
	weir_minute_hear(&minute, INT64_MAX, T0); /* no more than all of it */
	CHECK_INT(weir_minute_left(&minute, T0), 0);
	CHECK_INT(weir_minute_left(&minute, T0 + 2 * MINUTE), 10);
	weir_minute_hear(&minute, -INT64_MAX, T0);
	CHECK_INT(weir_minute_left(&minute, T0), 10);
}

TEST(a_purse_has_what_others_spent_and_forgets_none_of_it)
{
	struct weir_quota quota = { 0 };
	struct weir_quota_bounds bounds = { .day_nano = 100 };
	struct weir_quota_time now = { T0, 86400 };
	struct weir_quota_refusal refusal;

	weir_quota_set(&quota, &bounds);
	weir_purse_hear(&quota.day, 1, 60);
	CHECK_INT(weir_quota_day_nano(&quota, now.unix_s), 60);
	CHECK_INT(weir_purse_own(&quota.day, 1), 0);
	CHECK(weir_quota_admits(&quota, 1, &now, &refusal));
	weir_purse_hear(&quota.day, 1, 100);
	weir_purse_hear(&quota.day, 1, 10);
	CHECK(!weir_quota_admits(&quota, 1, &now, &refusal));
	CHECK_INT(refusal.limit, WEIR_QUOTA_DAY);
	now.unix_s += 86400;
	CHECK(weir_quota_admits(&quota, 1, &now, &refusal));
	weir_purse_hear(&quota.day, 2, 7);
	CHECK_INT(weir_quota_day_nano(&quota, now.unix_s), 7);
}

TEST_MAIN
