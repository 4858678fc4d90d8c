#include "test.h"

#include "base/rng.h"
#include "policy/budget.h"

static unsigned spend_all(struct weir_budget *budget, uint64_t now_ms)
{
	unsigned n = 0;

	while (n < 1000 && weir_budget_spend(budget, now_ms))
		n++;
	return n;
}

TEST(it_begins_with_a_burst_of_fifty)
{
	struct weir_budget budget;

	weir_budget_init(&budget);
	CHECK(weir_budget_has(&budget, 0));
	CHECK_INT(spend_all(&budget, 0), 50);
	CHECK(!weir_budget_has(&budget, 0));
}

TEST(ten_successes_earn_one)
{
	struct weir_budget budget;

	weir_budget_init(&budget);
	spend_all(&budget, 1000);
	for (unsigned i = 0; i < 9; i++)
		weir_budget_success(&budget);
	CHECK(!weir_budget_has(&budget, 1000));
	weir_budget_success(&budget);
	CHECK(weir_budget_has(&budget, 1000));
	CHECK_INT(spend_all(&budget, 1000), 1);
}

TEST(more_than_the_burst_is_never_saved)
{
	struct weir_budget budget;

	weir_budget_init(&budget);
	for (unsigned i = 0; i < 100000; i++)
		weir_budget_success(&budget);
	CHECK_INT(spend_all(&budget, 0), 50);
	for (unsigned i = 0; i < 9; i++)
		weir_budget_success(&budget);
	CHECK(!weir_budget_has(&budget, 0));
}

TEST(one_in_ten_seconds_is_always_there)
{
	struct weir_budget budget;

	weir_budget_init(&budget);
	spend_all(&budget, 5000);
	CHECK(!weir_budget_has(&budget, 14999));
	CHECK(!weir_budget_spend(&budget, 14999));
	CHECK(weir_budget_has(&budget, 15000));
	CHECK_INT(spend_all(&budget, 15000), 1);
	CHECK(!weir_budget_has(&budget, 24999));
	CHECK_INT(spend_all(&budget, 1000000), 1);
	/* A clock that went back. */
	CHECK(!weir_budget_has(&budget, 0));
}

TEST(what_is_given_is_no_extra)
{
	struct weir_budget budget;

	weir_budget_init(&budget);
	spend_all(&budget, 0);
	for (unsigned i = 0; i < 9; i++)
		weir_budget_success(&budget);
	CHECK_INT(spend_all(&budget, 10000), 1);
	for (unsigned i = 0; i < 9; i++)
		weir_budget_success(&budget);
	CHECK(!weir_budget_has(&budget, 10000));
}

TEST(asking_costs_nothing)
{
	struct weir_budget budget;

	weir_budget_init(&budget);
	for (unsigned i = 0; i < 1000; i++)
		weir_budget_has(&budget, i);
	CHECK_INT(spend_all(&budget, 1000), 50);
}

/* Each of 10,000 requests fails half of the time and would be retried without end. */
TEST(retries_are_a_tenth_of_successes_and_the_burst)
{
	struct weir_budget budget;
	struct weir_rng rng;
	unsigned successes = 0, retries = 0;

	weir_rng_init(&rng, 3);
	weir_budget_init(&budget);
	for (unsigned i = 0; i < 10000; i++) {
		uint64_t now_ms = i / 10; /* all of it within a second */

		while (weir_rng_upto(&rng, 1) && weir_budget_spend(&budget, now_ms))
			retries++;
		if (weir_rng_upto(&rng, 1)) {
			successes++;
			weir_budget_success(&budget);
		}
		CHECK(retries <= successes / 10 + 50);
	}
	/* And not much less: what is earned is had. */
	CHECK(retries >= successes / 10 + 50 - 1);
	NOTE("%u successes, %u retries", successes, retries);
}

/* An outage of an hour: nothing succeeds, and requests come every 50 ms. */
TEST(an_outage_is_asked_again_once_in_ten_seconds)
{
	struct weir_budget budget;
	unsigned retries = 0;

	weir_budget_init(&budget);
	for (uint64_t now_ms = 0; now_ms < 3600000; now_ms += 50)
		retries += weir_budget_spend(&budget, now_ms);
	CHECK(retries >= 50 + 355 && retries <= 50 + 360);
}

static unsigned hedge_all(struct weir_hedges *hedges)
{
	unsigned n = 0;

	while (n < 1000 && weir_hedges_spend(hedges))
		n++;
	return n;
}

TEST(twenty_requests_earn_a_hedge)
{
	struct weir_hedges hedges = { 0 };

	CHECK(!weir_hedges_spend(&hedges));
	for (unsigned i = 0; i < 19; i++)
		weir_hedges_request(&hedges);
	CHECK(!weir_hedges_spend(&hedges));
	weir_hedges_request(&hedges);
	CHECK_INT(hedge_all(&hedges), 1);
}

TEST(hedges_are_saved_for_a_burst_of_ten)
{
	struct weir_hedges hedges = { 0 };

	for (unsigned i = 0; i < 100000; i++)
		weir_hedges_request(&hedges);
	CHECK_INT(hedge_all(&hedges), 10);
	for (unsigned i = 0; i < 19; i++)
		weir_hedges_request(&hedges);
	CHECK(!weir_hedges_spend(&hedges));
}

TEST(hedges_are_a_twentieth_of_requests)
{
	struct weir_hedges hedges = { 0 };
	unsigned n = 0;

	for (unsigned i = 1; i <= 10000; i++) {
		weir_hedges_request(&hedges);
		n += weir_hedges_spend(&hedges);
		CHECK(n <= i / 20);
	}
	CHECK_INT(n, 500);
}

TEST_MAIN
