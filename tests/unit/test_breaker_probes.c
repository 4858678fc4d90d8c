/* Half open: who may try, and what becomes of the lease. */
#include "breaker_help.h"

TEST(a_closed_one_lends_no_lease)
{
	struct weir_breaker b;

	weir_breaker_init(&b);
	CHECK(!weir_breaker_begin(&b, true, T0).probe);
	CHECK(!b.probing);
}

TEST(five_hundred_who_ask_at_once_send_one_probe)
{
	struct weir_breaker b = opened(T0);
	uint64_t now = b.until_ms;
	unsigned words[4] = { 0 };

	for (unsigned i = 0; i < 500; i++) {
		enum weir_breaker_word word = weir_breaker_ask(&b, now);

		words[word]++;
		if (word == WEIR_BREAKER_PROBE)
			weir_breaker_begin(&b, true, now);
	}
	CHECK_INT(words[WEIR_BREAKER_PROBE], 1);
	CHECK_INT(words[WEIR_BREAKER_NO], 499);
	CHECK_STR(weir_breaker_state_name(b.state), "half_open");
}

TEST(asking_changes_nothing)
{
	struct weir_breaker b = opened(T0), before = b;

	for (uint64_t now = T0; now < T0 + 60000; now += 100) {
		weir_breaker_ask(&b, now);
		weir_breaker_may_trickle(&b, now);
		weir_breaker_return_ms(&b, now);
		weir_breaker_ramp_percent(&b, now);
	}
	CHECK_MEM(&b, &before, sizeof b);
}

TEST(two_good_probes_close_it)
{
	struct weir_breaker b = opened(T0);
	uint64_t now = b.until_ms;

	succeed(&b, true, now);
	CHECK_INT(b.state, WEIR_BREAKER_HALF_OPEN);
	CHECK_INT(weir_breaker_ask(&b, now), WEIR_BREAKER_PROBE);
	succeed(&b, true, now + 1);
	CHECK_INT(b.state, WEIR_BREAKER_CLOSED);
	check_window(&b, 0, 0);
	CHECK_INT(b.row, 0);
	fail_times(&b, 4, now + 2);
	CHECK_INT(b.state, WEIR_BREAKER_CLOSED);
	fail(&b, false, now + 2);
	CHECK_INT(b.state, WEIR_BREAKER_OPEN);
	/* The first opening again. */
	CHECK(b.until_ms - now - 2 <= 1200);
}

TEST(a_probe_counts_once)
{
	struct weir_breaker b = opened(T0);
	struct weir_breaker_ticket probe = weir_breaker_begin(&b, true, b.until_ms);

	for (unsigned i = 0; i < 5; i++)
		weir_breaker_good(&b, &probe, b.until_ms);
	CHECK_INT(b.state, WEIR_BREAKER_HALF_OPEN);
	CHECK_INT(b.probes_good, 1);
}

TEST(a_bad_probe_opens_it_again)
{
	struct weir_breaker b = opened(T0);
	struct weir_breaker_ticket probe;
	uint64_t now = b.until_ms;

	succeed(&b, true, now);
	probe = weir_breaker_begin(&b, true, now);
	weir_breaker_bad(&b, &probe, now + 500, &rng);
	CHECK_INT(b.state, WEIR_BREAKER_OPEN);
	CHECK(b.until_ms >= now + 500 + 1600 && b.until_ms <= now + 500 + 2400);
	CHECK_INT(weir_breaker_ask(&b, now + 500), WEIR_BREAKER_NO);
	/* The good one before it is forgotten. */
	now = b.until_ms;
	succeed(&b, true, now);
	CHECK_INT(b.state, WEIR_BREAKER_HALF_OPEN);
}

TEST(a_probe_cut_after_its_content_opens_it_again)
{
	struct weir_breaker b = opened(T0);
	struct weir_breaker_ticket first = weir_breaker_begin(&b, true, b.until_ms), second;
	uint64_t now = b.until_ms;

	weir_breaker_good(&b, &first, now);
	second = weir_breaker_begin(&b, true, now);
	weir_breaker_bad(&b, &first, now + 1, &rng);
	CHECK_INT(b.state, WEIR_BREAKER_OPEN);
	CHECK(!b.probing);
	/* The other one holds no lease any more, and is not heard. */
	weir_breaker_good(&b, &second, now + 2);
	CHECK_INT(b.state, WEIR_BREAKER_OPEN);
	CHECK_INT(b.probes_good, 0);
}

TEST(only_the_probe_of_now_decides)
{
	struct weir_breaker b = opened(T0);
	struct weir_breaker_ticket old = weir_breaker_begin(&b, true, b.until_ms), other;
	uint64_t now;

	weir_breaker_good(&b, &old, b.until_ms);
	fail(&b, true, b.until_ms);
	now = b.until_ms;
	weir_breaker_begin(&b, true, now);
	other = weir_breaker_begin(&b, false, now);
	weir_breaker_good(&b, &other, now);
	CHECK(b.probing);
	CHECK_INT(b.probes_good, 0);
	weir_breaker_bad(&b, &other, now, &rng);
	weir_breaker_bad(&b, &old, now, &rng);
	CHECK_INT(b.state, WEIR_BREAKER_HALF_OPEN);
	CHECK(b.probing);
}

TEST(a_caller_who_leaves_gives_the_lease_back)
{
	struct weir_breaker b = opened(T0);
	struct weir_breaker_ticket left = weir_breaker_begin(&b, true, b.until_ms), next;
	uint64_t now = b.until_ms;

	CHECK_INT(weir_breaker_ask(&b, now), WEIR_BREAKER_NO);
	weir_breaker_nothing(&b, &left);
	CHECK_INT(b.state, WEIR_BREAKER_HALF_OPEN);
	CHECK_INT(weir_breaker_ask(&b, now), WEIR_BREAKER_PROBE);
	/* It is the next one's, whatever is said of those that are done with it. */
	next = weir_breaker_begin(&b, true, now);
	weir_breaker_nothing(&b, &left);
	CHECK_INT(weir_breaker_ask(&b, now), WEIR_BREAKER_NO);
	weir_breaker_good(&b, &next, now);
	left = weir_breaker_begin(&b, true, now);
	weir_breaker_nothing(&b, &next);
	CHECK_INT(weir_breaker_ask(&b, now), WEIR_BREAKER_NO);
	weir_breaker_good(&b, &left, now);
	CHECK_INT(b.state, WEIR_BREAKER_CLOSED);
}

/* A probe that opened it again was not the only one under way. */
TEST(a_probe_of_before_holds_no_lease)
{
	struct weir_breaker b = opened(T0);
	struct weir_breaker_ticket first = weir_breaker_begin(&b, true, b.until_ms), second;
	uint64_t now = b.until_ms;

	weir_breaker_good(&b, &first, now);
	second = weir_breaker_begin(&b, true, now);
	weir_breaker_bad(&b, &first, now, &rng);
	CHECK_INT(b.state, WEIR_BREAKER_OPEN);
	weir_breaker_begin(&b, true, b.until_ms);
	weir_breaker_nothing(&b, &second);
	CHECK(b.probing);
	CHECK_INT(weir_breaker_ask(&b, b.until_ms), WEIR_BREAKER_NO);
}

TEST_MAIN
