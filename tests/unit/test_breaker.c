#include "breaker_help.h"

enum { SEEDS = 200 };

TEST(it_begins_closed_without_a_ramp)
{
	struct weir_breaker b;

	weir_breaker_init(&b);
	CHECK_STR(weir_breaker_state_name(b.state), "closed");
	CHECK_INT(weir_breaker_ask(&b, 0), WEIR_BREAKER_YES);
	CHECK_INT(weir_breaker_ask(&b, 5), WEIR_BREAKER_YES);
	CHECK_INT(weir_breaker_ramp_percent(&b, 5), 100);
	CHECK_INT(weir_breaker_return_ms(&b, 5), 5);
	CHECK(!weir_breaker_may_trickle(&b, T0));
}

TEST(five_failures_in_a_row_open_it)
{
	struct weir_breaker b;

	weir_breaker_init(&b);
	fail_times(&b, 4, T0);
	CHECK_INT(b.state, WEIR_BREAKER_CLOSED);
	succeed(&b, false, T0);
	fail_times(&b, 4, T0);
	CHECK_INT(b.state, WEIR_BREAKER_CLOSED);
	fail(&b, false, T0);
	CHECK_STR(weir_breaker_state_name(b.state), "open");
	CHECK_INT(weir_breaker_ask(&b, T0), WEIR_BREAKER_NO);
}

/* However far apart they are: a target that is rarely asked is known, too. */
TEST(a_row_may_take_any_time)
{
	struct weir_breaker b;

	weir_breaker_init(&b);
	for (unsigned i = 0; i < 4; i++)
		fail(&b, false, T0 + i * 3600000);
	CHECK_INT(b.state, WEIR_BREAKER_CLOSED);
	fail(&b, false, T0 + 4 * 3600000);
	CHECK_INT(b.state, WEIR_BREAKER_OPEN);
}

TEST(half_of_ten_samples_open_it)
{
	struct weir_breaker b;

	weir_breaker_init(&b);
	for (unsigned i = 0; i < 9; i++)
		i % 2 ? fail(&b, false, T0) : succeed(&b, false, T0);
	CHECK_INT(b.state, WEIR_BREAKER_CLOSED);
	fail(&b, false, T0);
	CHECK_INT(b.state, WEIR_BREAKER_OPEN);
}

TEST(less_than_half_leave_it_closed)
{
	struct weir_breaker b;

	weir_breaker_init(&b);
	for (unsigned i = 0; i < 10000; i++) {
		succeed(&b, false, T0 + i);
		fail(&b, false, T0 + i);
		succeed(&b, false, T0 + i);
	}
	CHECK_INT(b.state, WEIR_BREAKER_CLOSED);
	CHECK_INT(b.epoch, 0);
}

TEST(the_window_is_30_s_long)
{
	static const struct {
		uint64_t after_ms;
		enum weir_breaker_state state;
	} rows[] = {
		{ 0, WEIR_BREAKER_OPEN },         { 28999, WEIR_BREAKER_OPEN },
		{ 29000, WEIR_BREAKER_CLOSED },   { 33000, WEIR_BREAKER_CLOSED },
		{ 3600000, WEIR_BREAKER_CLOSED },
	};

	for (unsigned r = 0; r < sizeof rows / sizeof *rows; r++) {
		struct weir_breaker b;

		weir_breaker_init(&b);
		for (unsigned i = 0; i < 9; i++)
			i % 2 ? succeed(&b, false, T0) : fail(&b, false, T0);
		fail(&b, false, T0 + rows[r].after_ms);
		if (b.state != rows[r].state)
			NOTE("after %u ms", (unsigned)rows[r].after_ms);
		CHECK_INT(b.state, rows[r].state);
	}
}

/* However long nobody has asked: it is no work to forget. */
TEST(a_long_silence_is_over_at_once)
{
	struct weir_breaker b;

	weir_breaker_init(&b);
	fail_times(&b, 4, T0);
	succeed(&b, false, UINT64_MAX / 2);
	check_window(&b, 1, 0);
}

TEST(old_successes_do_not_hide_an_outage)
{
	struct weir_breaker b;
	unsigned failed = 0;

	weir_breaker_init(&b);
	for (unsigned i = 0; i < 1000; i++)
		succeed(&b, false, T0 + i);
	/* Three of four fail, so that no row of five comes about. */
	for (unsigned i = 0; b.state == WEIR_BREAKER_CLOSED && i < 400; i++)
		i % 4 ? (failed++, fail(&b, false, T0 + 31000 + i))
		      : succeed(&b, false, T0 + 31000 + i);
	CHECK_INT(b.state, WEIR_BREAKER_OPEN);
	CHECK_INT(failed, 7);
}

/* 1, 2, 4, 5, 5 s, each a fifth more or less. */
TEST(open_times_double_up_to_5_s)
{
	static const uint64_t ms[] = { 1000, 2000, 4000, 5000, 5000, 5000 };
	enum { N = sizeof ms / sizeof *ms };
	uint64_t least[N], most[N] = { 0 };

	memset(least, 0xff, sizeof least);
	for (unsigned seed = 0; seed < SEEDS; seed++) {
		struct weir_breaker b;
		uint64_t now = T0;

		weir_rng_init(&rng, seed);
		b = opened(now);
		for (unsigned i = 0; i < N; i++) {
			uint64_t open = b.until_ms - now;

			least[i] = open < least[i] ? open : least[i];
			most[i] = open > most[i] ? open : most[i];
			now = b.until_ms;
			CHECK_INT(weir_breaker_ask(&b, now - 1), WEIR_BREAKER_NO);
			CHECK_INT(weir_breaker_ask(&b, now), WEIR_BREAKER_PROBE);
			fail(&b, true, now);
		}
	}
	for (unsigned i = 0; i < N; i++) {
		CHECK(least[i] >= ms[i] * 8 / 10 && least[i] <= ms[i] * 84 / 100);
		CHECK(most[i] <= ms[i] * 12 / 10 && most[i] >= ms[i] * 116 / 100);
	}
}

/* All of a fifth, and no more than it. */
TEST(open_times_are_spread_evenly)
{
	static const uint64_t bounds[][2] = { { 800, 1200 }, { 4000, 6000 } };

	for (unsigned nth = 0; nth < 2; nth++) {
		uint64_t least = UINT64_MAX, most = 0;

		for (unsigned seed = 0; seed < 50000; seed++) {
			struct weir_breaker b;
			uint64_t open;

			weir_rng_init(&rng, seed);
			weir_breaker_init(&b);
			b.openings = nth * 9;
			fail_times(&b, WEIR_BREAKER_ROW, T0);
			open = b.until_ms - T0;
			least = open < least ? open : least;
			most = open > most ? open : most;
		}
		CHECK_INT(least, bounds[nth][0]);
		CHECK_INT(most, bounds[nth][1]);
	}
}

TEST(the_open_time_counts_from_the_last_failure)
{
	for (unsigned seed = 0; seed < SEEDS; seed++) {
		struct weir_breaker b;
		struct weir_breaker_ticket late;
		uint64_t until;

		weir_rng_init(&rng, seed);
		weir_breaker_init(&b);
		late = weir_breaker_begin(&b, false, T0);
		fail_times(&b, WEIR_BREAKER_ROW, T0);
		until = b.until_ms;
		weir_breaker_bad(&b, &late, T0 + 100, &rng);
		CHECK(b.until_ms >= until && b.until_ms <= T0 + 100 + 1200);
		weir_breaker_bad(&b, &late, T0 + 700, &rng);
		CHECK(b.until_ms >= T0 + 700 + 800 && b.until_ms <= T0 + 700 + 1200);
		CHECK_INT(b.state, WEIR_BREAKER_OPEN);
		CHECK_INT(b.openings, 1);
		CHECK_INT(b.epoch, 1);
	}
}

/* What befalls its like opens it, or keeps it open; a probe finds out by itself. */
TEST(it_joins_its_like)
{
	struct weir_breaker b, before;

	weir_rng_init(&rng, 1);
	weir_breaker_init(&b);
	weir_breaker_join(&b, T0, &rng);
	CHECK_INT(b.state, WEIR_BREAKER_OPEN);
	CHECK(b.until_ms >= T0 + 800 && b.until_ms <= T0 + 1200);
	weir_breaker_join(&b, T0 + 700, &rng);
	CHECK(b.until_ms >= T0 + 1500 && b.until_ms <= T0 + 1900);
	CHECK_INT(b.openings, 1);
	weir_breaker_begin(&b, true, T0 + 3000);
	before = b;
	weir_breaker_join(&b, T0 + 3000, &rng);
	CHECK_MEM(&b, &before, sizeof b);
}

TEST(what_began_before_a_move_says_nothing_after_it)
{
	struct weir_breaker b, before;
	struct weir_breaker_ticket old[3], probe;

	weir_breaker_init(&b);
	for (unsigned i = 0; i < 3; i++)
		old[i] = weir_breaker_begin(&b, false, T0);
	fail_times(&b, WEIR_BREAKER_ROW, T0);
	before = b;
	weir_breaker_good(&b, &old[0], T0 + 10);
	weir_breaker_nothing(&b, &old[1]);
	CHECK_MEM(&b, &before, sizeof b);
	probe = weir_breaker_begin(&b, true, T0 + 2000);
	before = b;
	weir_breaker_good(&b, &old[0], T0 + 2000);
	weir_breaker_bad(&b, &old[2], T0 + 2000, &rng);
	weir_breaker_nothing(&b, &old[1]);
	CHECK_MEM(&b, &before, sizeof b);
	weir_breaker_good(&b, &probe, T0 + 2001);
	succeed(&b, true, T0 + 2002);
	before = b;
	CHECK_INT(b.state, WEIR_BREAKER_CLOSED);
	for (unsigned i = 0; i < 3; i++)
		weir_breaker_bad(&b, &old[i], T0 + 2003, &rng);
	weir_breaker_bad(&b, &probe, T0 + 2003, &rng);
	CHECK_MEM(&b, &before, sizeof b);
	fail_times(&b, 3, T0 + 2004);
	before = b;
	for (unsigned i = 0; i < 3; i++) {
		old[i].good = false;
		weir_breaker_good(&b, &old[i], T0 + 2005);
	}
	CHECK_MEM(&b, &before, sizeof b);
}

/* Of several buckets with successes it is the newest one's. */
TEST(the_newest_success_is_taken_back)
{
	struct weir_breaker b;
	struct weir_breaker_ticket cut;

	weir_breaker_init(&b);
	succeed(&b, false, T0);
	cut = weir_breaker_begin(&b, false, T0);
	weir_breaker_good(&b, &cut, T0 + 15000);
	succeed(&b, false, T0 + 15000);
	weir_breaker_bad(&b, &cut, T0 + 15000, &rng);
	check_window(&b, 2, 1);
	succeed(&b, false, T0 + 33000); /* the first one is too old now */
	check_window(&b, 2, 1);
}

TEST(a_request_is_one_sample)
{
	struct weir_breaker b;
	struct weir_breaker_ticket ticket;

	weir_breaker_init(&b);
	ticket = weir_breaker_begin(&b, false, T0);
	weir_breaker_good(&b, &ticket, T0);
	weir_breaker_good(&b, &ticket, T0);
	check_window(&b, 1, 0);
	weir_breaker_bad(&b, &ticket, T0 + 10, &rng);
	check_window(&b, 0, 1);
	CHECK_INT(b.row, 1);
	/* Also when its success was booked some buckets ago… */
	ticket = weir_breaker_begin(&b, false, T0);
	weir_breaker_good(&b, &ticket, T0 + 10);
	weir_breaker_bad(&b, &ticket, T0 + 20000, &rng);
	check_window(&b, 0, 2);
	/* …or has left the window. */
	ticket = weir_breaker_begin(&b, false, T0);
	weir_breaker_good(&b, &ticket, T0 + 20000);
	weir_breaker_bad(&b, &ticket, T0 + 90000, &rng);
	check_window(&b, 0, 1);
	ticket = weir_breaker_begin(&b, false, T0 + 90000);
	weir_breaker_nothing(&b, &ticket);
	check_window(&b, 0, 1);
}

/* Each had its first content before it was cut. */
TEST(streams_that_are_all_cut_open_it)
{
	struct weir_breaker b;
	unsigned n = 0;

	weir_breaker_init(&b);
	for (; b.state == WEIR_BREAKER_CLOSED && n < 100; n++) {
		struct weir_breaker_ticket ticket = weir_breaker_begin(&b, false, T0 + n * 10);

		weir_breaker_good(&b, &ticket, T0 + n * 10);
		weir_breaker_bad(&b, &ticket, T0 + n * 10 + 5, &rng);
	}
	CHECK_INT(n, 10);
}

TEST(traffic_comes_back_on_a_ramp)
{
	static const struct {
		uint64_t after_ms;
		unsigned percent;
	} rows[] = {
		{ 0, 10 },    { 3333, 10 }, { 3334, 25 },   { 6666, 25 },
		{ 6667, 50 }, { 9999, 50 }, { 10000, 100 }, { 3600000, 100 },
	};
	struct weir_breaker b = recovered(T0);

	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint64_t now = T0 + rows[i].after_ms;

		CHECK_INT(weir_breaker_ramp_percent(&b, now), rows[i].percent);
		CHECK_INT(weir_breaker_ask(&b, now),
			  rows[i].percent < 100 ? WEIR_BREAKER_RAMP : WEIR_BREAKER_YES);
		CHECK_INT(weir_breaker_return_ms(&b, now), now);
	}
}

TEST(it_may_fail_again_on_the_ramp)
{
	struct weir_breaker b = recovered(T0);

	fail_times(&b, 5, T0 + 4000);
	CHECK_INT(b.state, WEIR_BREAKER_OPEN);
	CHECK(b.until_ms <= T0 + 4000 + 1200);
	CHECK_INT(weir_breaker_ask(&b, T0 + 4000), WEIR_BREAKER_NO);
}

TEST(nobody_else_left_means_a_probe_each_second)
{
	struct weir_breaker b;
	struct weir_breaker_ticket probe;
	uint64_t now;

	weir_rng_init(&rng, 1);
	b = opened(T0);
	fail(&b, true, b.until_ms);
	now = b.opened_ms;
	CHECK(b.until_ms > now + 1001);
	CHECK(!weir_breaker_may_trickle(&b, now + 999));
	CHECK(weir_breaker_may_trickle(&b, now + 1000));
	CHECK_INT(weir_breaker_ask(&b, now + 1000), WEIR_BREAKER_NO);
	probe = weir_breaker_begin(&b, true, now + 1000);
	CHECK_INT(b.state, WEIR_BREAKER_HALF_OPEN);
	CHECK(!weir_breaker_may_trickle(&b, now + 5000));
	weir_breaker_nothing(&b, &probe);
	CHECK(!weir_breaker_may_trickle(&b, now + 1999));
	CHECK(weir_breaker_may_trickle(&b, now + 2000));
	probe = weir_breaker_begin(&b, true, now + 2000);
	weir_breaker_bad(&b, &probe, now + 2500, &rng);
	CHECK(!weir_breaker_may_trickle(&b, now + 3499));
	CHECK(weir_breaker_may_trickle(&b, now + 3500));
}

TEST(it_says_when_it_returns)
{
	struct weir_breaker b = opened(T0);
	uint64_t until = b.until_ms;

	CHECK_INT(weir_breaker_return_ms(&b, T0), until);
	CHECK_INT(weir_breaker_return_ms(&b, until + 7), until + 7);
	weir_breaker_begin(&b, true, until);
	CHECK_INT(weir_breaker_return_ms(&b, until + 7), until + 1000);
	CHECK_INT(weir_breaker_return_ms(&b, until + 1007), until + 1007);
	b = opened(T0);
	succeed(&b, true, until);
	CHECK_INT(weir_breaker_return_ms(&b, until + 7), until + 7);
}

/* A target that is up 8 s, down 8 s, for two minutes, then up for good; a request each 20 ms
 * that takes 100 ms. */
struct flapping {
	struct weir_breaker b;
	struct weir_breaker_ticket tickets[6000 / 5 * 6];
	unsigned asked, sent, failed, probes_at_once, probes_most;
};

static bool is_up(uint64_t ms)
{
	return ms >= 120000 || ms / 8000 % 2 == 0;
}

static void flap_ends(struct flapping *f, unsigned i)
{
	uint64_t ms = i * UINT64_C(20) + 100;

	f->probes_at_once -= f->tickets[i].probe;
	if (is_up(ms)) {
		weir_breaker_good(&f->b, &f->tickets[i], ms);
	} else {
		f->failed++;
		weir_breaker_bad(&f->b, &f->tickets[i], ms, &rng);
	}
}

static bool flap_begins(struct flapping *f, unsigned i)
{
	uint64_t ms = i * UINT64_C(20);
	enum weir_breaker_word word = weir_breaker_ask(&f->b, ms);
	bool probe = word == WEIR_BREAKER_PROBE;

	f->asked++;
	if (word == WEIR_BREAKER_NO ||
	    (word == WEIR_BREAKER_RAMP &&
	     weir_rng_upto(&rng, 99) >= weir_breaker_ramp_percent(&f->b, ms)))
		return false;
	f->sent++;
	f->tickets[i] = weir_breaker_begin(&f->b, probe, ms);
	f->probes_at_once += probe;
	if (f->probes_at_once > f->probes_most)
		f->probes_most = f->probes_at_once;
	return true;
}

TEST(a_flapping_target_costs_little_and_comes_back)
{
	static struct flapping f;
	static bool sent[sizeof f.tickets / sizeof *f.tickets];
	enum { N = sizeof sent / sizeof *sent, DOWN_ASKS = 56000 / 20 };

	f = (struct flapping){ 0 };
	weir_rng_init(&rng, 7);
	weir_breaker_init(&f.b);
	for (unsigned i = 0; i < N; i++) {
		if (i >= 5 && sent[i - 5])
			flap_ends(&f, i - 5);
		sent[i] = flap_begins(&f, i);
	}
	NOTE("asked %u, sent %u, failed %u", f.asked, f.sent, f.failed);
	CHECK_INT(f.probes_most, 1);
	/* Each time it goes down, a row and what is in flight, and then a few probes. */
	CHECK(f.failed > 7 * WEIR_BREAKER_ROW);
	CHECK(f.failed < DOWN_ASKS / 15);
	CHECK_INT(f.b.state, WEIR_BREAKER_CLOSED);
	CHECK_INT(weir_breaker_ask(&f.b, 144000), WEIR_BREAKER_YES);
	CHECK(f.b.closed_ms < 120000 + 6000 + 500);
}

TEST(clocks_that_go_back_do_no_harm)
{
	struct weir_breaker b = recovered(T0);

	succeed(&b, false, T0 - 50000);
	CHECK_INT(weir_breaker_ramp_percent(&b, T0 - 50000), 10);
	fail_times(&b, 5, T0 - 50000);
	CHECK_INT(b.state, WEIR_BREAKER_OPEN);
	CHECK(!weir_breaker_may_trickle(&b, T0 - 60000));
	weir_breaker_begin(&b, true, T0);
	CHECK_INT(weir_breaker_return_ms(&b, T0 - 60000), T0 + 1000);
}

TEST_MAIN
