#include <limits.h>

#include "test.h"

#include "policy/balance.h"

enum { PICKS = 10000 };

#define ALL_MEMBERS (~UINT64_C(0))

struct pool {
	struct weir_balancer b;
	struct weir_member members[WEIR_BALANCE_MEMBERS_MAX];
	struct weir_health healths[WEIR_BALANCE_MEMBERS_MAX];
	unsigned picked[WEIR_BALANCE_MEMBERS_MAX];
};

static struct pool p;
static struct weir_rng rng;

/* A weight each, the last is followed by -1. */
static void make(enum weir_balance balance, const int *weights)
{
	p = (struct pool){ .b = { .balance = balance, .members = p.members } };
	weir_rng_init(&rng, 42);
	for (; weights[p.b.members_n] >= 0; p.b.members_n++) {
		unsigned i = p.b.members_n;

		p.members[i].health = &p.healths[i];
		p.members[i].weight = (uint32_t)weights[i] * WEIR_BALANCE_SCALE;
		for (unsigned stream = 0; stream < 2; stream++)
			weir_latency_init(&p.healths[i].latency[stream]);
	}
}

#define MAKE(balance, ...) make(WEIR_BALANCE_##balance, (const int[]){ __VA_ARGS__, -1 })

static uint64_t everybody(void)
{
	return ALL_MEMBERS >> (WEIR_BALANCE_MEMBERS_MAX - p.b.members_n);
}

static unsigned pick_at(uint64_t candidates, uint64_t now_ms)
{
	unsigned i = weir_balance_pick(&p.b, candidates, false, 0, now_ms, &rng);

	CHECK(i < p.b.members_n && (candidates >> i & 1));
	p.picked[i]++;
	return i;
}

static unsigned pick(uint64_t candidates)
{
	return pick_at(candidates, 1000);
}

static bool within(double value, double expected, double percent)
{
	double off = value > expected ? value - expected : expected - value;
	bool ok = off <= expected * percent / 100;

	if (!ok)
		NOTE("%f, expected about %f", value, expected);
	return ok;
}

TEST(weights_of_3_and_1_are_served_3_to_1)
{
	MAKE(WEIGHTED, 3, 1);
	for (unsigned i = 0; i < PICKS; i++)
		pick(3);
	CHECK(within(p.picked[0], PICKS * 0.75, 1));
	CHECK(within(p.picked[1], PICKS * 0.25, 1));
}

TEST(nobody_is_served_in_bursts)
{
	unsigned last = 0;

	MAKE(WEIGHTED, 5, 1, 1);
	for (unsigned i = 0; i < 700; i++) {
		unsigned now = pick(7);

		CHECK(now == 0 || now != last);
		last = now;
		if (i % 7 == 6)
			CHECK_INT(p.picked[0], 5 * (i / 7 + 1));
	}
}

TEST(weights_hold_while_one_comes_and_goes)
{
	unsigned both = 0, first = 0;

	MAKE(WEIGHTED, 3, 1);
	for (unsigned i = 0; i < 2 * PICKS; i++) {
		bool is_there = weir_rng_upto(&rng, 1);
		unsigned member = pick(is_there ? 3 : 1);

		both += is_there;
		first += is_there && member == 0;
	}
	CHECK(within(both, PICKS, 5));
	CHECK(within(first, both * 0.75, 1));
}

TEST(the_others_share_by_weight_when_one_is_missing)
{
	unsigned n[2] = { 0 }, picked[2][3] = { 0 };

	MAKE(WEIGHTED, 3, 2, 1);
	for (unsigned i = 0; i < 2 * PICKS; i++) {
		bool is_there = weir_rng_upto(&rng, 1);

		n[is_there]++;
		picked[is_there][pick(is_there ? 7 : 3)]++;
	}
	for (unsigned i = 0; i < 3; i++)
		CHECK(within(picked[1][i], n[1] * (3.0 - i) / 6, 1));
	for (unsigned i = 0; i < 2; i++)
		CHECK(within(picked[0][i], n[0] * (3.0 - i) / 5, 1));
}

/* What it missed while it was away is not made up for. */
TEST(a_member_that_returns_is_not_flooded)
{
	MAKE(WEIGHTED, 1, 1);
	for (unsigned i = 0; i < PICKS; i++)
		pick(1);
	for (unsigned i = 0; i < 100; i++)
		pick(3);
	CHECK_INT(p.picked[1], 50);
}

TEST(weight_0_is_for_when_no_other_is_left)
{
	for (unsigned balance = 0; balance < WEIR_BALANCE_N; balance++) {
		MAKE(WEIGHTED, 0, 1, 0, 2);
		p.b.balance = balance;
		for (unsigned i = 0; i < 1000; i++)
			pick(15);
		for (unsigned i = 1; i <= 1000; i++)
			p.picked[weir_balance_pick(&p.b, 15, false, i, 0, &rng)]++;
		CHECK_INT(p.picked[0] + p.picked[2], 0);
		for (unsigned i = 0; i < 1000; i++)
			pick(5);
		CHECK_INT(p.picked[0] + p.picked[2], 1000);
		CHECK(within(p.picked[0], 500, 15));
		CHECK_INT(pick(4), 2);
	}
}

TEST(the_only_candidate_is_it)
{
	for (unsigned balance = 0; balance < WEIR_BALANCE_N; balance++) {
		MAKE(WEIGHTED, 1);
		while (p.b.members_n < WEIR_BALANCE_MEMBERS_MAX) {
			p.members[p.b.members_n] = p.members[0];
			p.members[p.b.members_n].health = &p.healths[p.b.members_n];
			p.b.members_n++;
		}
		p.b.balance = balance;
		for (unsigned i = 0; i < WEIR_BALANCE_MEMBERS_MAX; i++) {
			CHECK_INT(pick(UINT64_C(1) << i), i);
			CHECK_INT(weir_balance_pick(&p.b, UINT64_C(1) << i, true, 7, 0, &rng), i);
		}
		for (unsigned i = 0; i < 64 * 200; i++)
			pick(ALL_MEMBERS);
		for (unsigned i = 0; i < WEIR_BALANCE_MEMBERS_MAX; i++)
			CHECK(within(p.picked[i], 201, 40));
	}
}

/* It is, however much less busy somebody is who is none. */
TEST(the_only_candidate_may_be_the_busiest)
{
	MAKE(LEAST_INFLIGHT, 1, 1, 1, 1);
	p.healths[3].inflight = 5;
	for (unsigned i = 0; i < 100; i++)
		CHECK_INT(pick(8), 3);
}

TEST(the_least_weight_is_a_weight)
{
	MAKE(WEIGHTED, 0, 1);
	p.members[1].weight = 1;
	for (unsigned i = 0; i < 100; i++)
		CHECK_INT(pick(3), 1);
}

TEST(a_weight_divides_among_up_to_sixteen_keys)
{
	for (unsigned keys = 1; keys <= 16; keys++)
		CHECK_INT(WEIR_BALANCE_SCALE % keys, 0);
}

TEST(of_two_the_less_busy_is_always_picked)
{
	MAKE(LEAST_INFLIGHT, 1, 1);
	p.healths[0].inflight = 5;
	for (unsigned i = 0; i < 1000; i++)
		CHECK_INT(pick(3), 1);
	p.healths[1].inflight = 6;
	for (unsigned i = 0; i < 1000; i++)
		CHECK_INT(pick(3), 0);
}

TEST(ties_are_drawn_by_weight)
{
	MAKE(LEAST_INFLIGHT, 3, 1);
	for (unsigned i = 0; i < PICKS; i++)
		pick(3);
	CHECK(within(p.picked[0], PICKS * 0.75, 3));
}

/* Nothing ends: random choice would leave some tens between them. */
TEST(two_choices_spread_the_load)
{
	unsigned least = UINT_MAX, most = 0;

	MAKE(LEAST_INFLIGHT, 1, 1, 1, 1, 1, 1, 1, 1);
	for (unsigned i = 0; i < 8000; i++)
		p.healths[pick(everybody())].inflight++;
	for (unsigned i = 0; i < 8; i++) {
		least = p.healths[i].inflight < least ? p.healths[i].inflight : least;
		most = p.healths[i].inflight > most ? p.healths[i].inflight : most;
	}
	NOTE("%u to %u", least, most);
	CHECK(most <= 1000 + 5 && least >= 1000 - 15);
}

TEST(two_choices_go_by_weight)
{
	MAKE(LEAST_INFLIGHT, 4, 2, 1, 1);
	for (unsigned i = 0; i < 8000; i++)
		p.healths[pick(everybody())].inflight++;
	CHECK(within(p.healths[0].inflight, 4000, 3));
	CHECK(within(p.healths[1].inflight, 2000, 3));
	CHECK(within(p.healths[2].inflight, 1000, 3));
}

/* The busiest of all is never picked, the idlest not always: that would be a herd. */
TEST(two_choices_are_no_herd)
{
	MAKE(LEAST_INFLIGHT, 1, 1, 1, 1);
	for (unsigned i = 0; i < 4; i++)
		p.healths[i].inflight = i;
	for (unsigned i = 0; i < PICKS; i++)
		pick(15);
	CHECK_INT(p.picked[3], 0);
	CHECK(within(p.picked[0], PICKS / 2.0, 5));
	CHECK(within(p.picked[1], PICKS / 3.0, 5));
	CHECK(within(p.picked[2], PICKS / 6.0, 5));
}

static void sample(unsigned member, bool stream, uint64_t ms, uint64_t now_ms)
{
	weir_latency_add(&p.healths[member].latency[stream], ms, now_ms);
}

TEST(the_quickest_is_picked)
{
	MAKE(LATENCY, 1, 1, 1);
	sample(0, false, 300, 1000);
	sample(1, false, 200, 1000);
	sample(2, false, 400, 1000);
	for (unsigned i = 0; i < 100; i++)
		CHECK_INT(pick(7), 1);
	CHECK_INT(pick(5), 0);
	/* Two in flight make it as slow as three times its latency. */
	p.healths[1].inflight = 1;
	CHECK_INT(pick(7), 0);
	/* A weight is how many times as much it bears. */
	p.members[2].weight *= 2;
	CHECK_INT(pick(7), 2);
}

TEST(an_answer_in_no_time_is_known)
{
	MAKE(LATENCY, 1, 1);
	sample(0, false, 2000, 1000);
	sample(1, false, 0, 1000);
	for (unsigned i = 0; i < 100; i++)
		CHECK_INT(pick(3), 1);
}

TEST(streams_have_a_latency_of_their_own)
{
	MAKE(LATENCY, 1, 1);
	sample(0, false, 100, 1000);
	sample(1, false, 200, 1000);
	sample(0, true, 200, 1000);
	sample(1, true, 100, 1000);
	CHECK_INT(weir_balance_pick(&p.b, 3, false, 0, 1000, &rng), 0);
	CHECK_INT(weir_balance_pick(&p.b, 3, true, 0, 1000, &rng), 1);
}

TEST(a_new_member_counts_as_quick_as_the_quickest)
{
	MAKE(LATENCY, 1, 1, 1);
	sample(0, false, 300, 1000);
	sample(1, false, 200, 1000);
	for (unsigned i = 0; i < PICKS; i++)
		pick(7);
	CHECK_INT(p.picked[0], 0);
	CHECK(within(p.picked[1], PICKS / 2.0, 5));
	CHECK(within(p.picked[2], PICKS / 2.0, 5));
	p.healths[2].inflight = 1;
	CHECK_INT(pick(7), 1);
	/* Whichever of them that is. */
	sample(0, false, 1, 100000);
	sample(1, false, 250, 100000);
	p.healths[2].inflight = 0;
	for (unsigned i = 0; i < 100; i++) {
		unsigned member = weir_balance_pick(&p.b, 7, false, 0, 100000, &rng);

		CHECK(member != 1);
	}
}

TEST(when_nothing_is_known_all_are_tried)
{
	MAKE(LATENCY, 1, 1, 1, 1);
	for (unsigned i = 0; i < PICKS; i++)
		pick(15);
	for (unsigned i = 0; i < 4; i++)
		CHECK(within(p.picked[i], PICKS / 4.0, 8));
	/* And the less busy first. */
	for (unsigned i = 0; i < 3; i++)
		p.healths[i].inflight = i + 1;
	for (unsigned i = 0; i < 100; i++)
		CHECK_INT(pick(15), 3);
}

/* Fifty requests a second over five members, for as long as ms tells of each. */
static void run_latency(uint64_t from_ms, uint64_t to_ms, const uint64_t *ms)
{
	static uint64_t ends[WEIR_BALANCE_MEMBERS_MAX][5000 / 20 + 1];

	memset(ends, 0, sizeof ends);
	memset(p.picked, 0, sizeof p.picked);
	for (uint64_t now = from_ms; now < to_ms; now += 20) {
		unsigned slot = (unsigned)(now / 20 % (sizeof *ends / sizeof **ends)), member;

		for (unsigned i = 0; i < p.b.members_n; i++) {
			for (unsigned s = 0; s < sizeof *ends / sizeof **ends; s++) {
				if (!ends[i][s] || ends[i][s] > now)
					continue;
				ends[i][s] = 0;
				p.healths[i].inflight--;
				sample(i, false, ms[i], now);
			}
		}
		member = pick_at(everybody(), now);
		p.healths[member].inflight++;
		ends[member][slot] = now + ms[member];
	}
	for (unsigned i = 0; i < p.b.members_n; i++)
		p.healths[i].inflight = 0;
}

TEST(a_slow_member_is_shed_and_comes_back)
{
	static const uint64_t even[] = { 100, 100, 100, 100, 100 };
	static const uint64_t slow[] = { 100, 100, 3000, 100, 100 };

	MAKE(LATENCY, 1, 1, 1, 1, 1);
	run_latency(1000, 61000, even);
	for (unsigned i = 0; i < 5; i++)
		CHECK(within(p.picked[i], 600, 10));
	run_latency(61000, 121000, slow);
	NOTE("slow: %u of 3000", p.picked[2]);
	CHECK(p.picked[2] < 30);
	CHECK(p.picked[2] > 0);
	run_latency(121000, 181000, even);
	run_latency(181000, 241000, even);
	CHECK(within(p.picked[2], 600, 15));
}

TEST(the_cheapest_is_picked)
{
	MAKE(COST, 1, 1, 1);
	p.members[0].price = UINT64_MAX;
	p.members[1].price = 2000;
	p.members[2].price = 1000;
	p.healths[2].inflight = 1000;
	CHECK_INT(pick(7), 2);
	CHECK_INT(pick(3), 1);
	CHECK_INT(pick(1), 0);
	p.members[1].price = 999;
	CHECK_INT(pick(7), 1);
}

TEST(of_equal_prices_the_least_busy_is_picked)
{
	MAKE(COST, 1, 1, 1, 1);
	p.members[3].price = 1;
	p.healths[0].inflight = 2;
	p.healths[2].inflight = 1;
	CHECK_INT(pick(15), 1);
	p.healths[1].inflight = 3;
	CHECK_INT(pick(15), 2);
	p.healths[2].inflight = 3;
	CHECK_INT(pick(15), 0);
}

TEST(of_equals_each_in_turn_is_picked)
{
	MAKE(COST, 1, 1, 1, 1);
	p.members[1].price = 5;
	for (unsigned i = 0; i < 300; i++) {
		pick(15);
		if (i % 3 == 2)
			CHECK(p.picked[0] == i / 3 + 1 && p.picked[2] == i / 3 + 1 &&
			      p.picked[3] == i / 3 + 1);
	}
}

static unsigned affine(uint64_t candidates, uint64_t value)
{
	return weir_balance_pick(&p.b, candidates, false, value, 1000, &rng);
}

TEST(the_same_value_meets_the_same_member)
{
	for (unsigned balance = 0; balance < WEIR_BALANCE_N; balance++) {
		MAKE(WEIGHTED, 1, 1, 1, 1, 1);
		p.b.balance = balance;
		for (uint64_t value = 1; value <= 1000; value++) {
			unsigned member = affine(31, value);

			p.picked[member]++;
			p.healths[member].inflight++;
			CHECK_INT(affine(31, value), member);
		}
		for (unsigned i = 0; i < 5; i++)
			CHECK(within(p.picked[i], 200, 25));
	}
}

TEST(only_those_of_a_missing_member_move)
{
	unsigned moved[5] = { 0 };

	MAKE(WEIGHTED, 1, 1, 1, 1, 1);
	for (uint64_t value = 1; value <= 2000; value++) {
		unsigned member = affine(31, value), other = affine(31 & ~2u, value);

		CHECK(other != 1 && (member == other || member == 1));
		moved[other] += member == 1;
		CHECK_INT(affine(31, value), member);
	}
	/* And not all of them to one. */
	for (unsigned i = 0; i < 5; i++)
		CHECK(i == 1 || within(moved[i], 100, 35));
}

/* Values that differ in one bit are no neighbours. */
TEST(affinity_spreads_values_that_are_alike)
{
	unsigned n[2] = { 0 };

	MAKE(WEIGHTED, 1, 1);
	for (unsigned bit = 0; bit < 64; bit++)
		for (uint64_t low = 0; low < 16; low++)
			n[affine(3, UINT64_C(1) << bit | low << 40)]++;
	CHECK(within(n[0], 512, 15));
}

TEST(affinity_spreads_values_by_weight)
{
	MAKE(WEIGHTED, 90, 9, 1, 0);
	for (uint64_t value = 1; value <= PICKS; value++)
		p.picked[affine(15, value)]++;
	CHECK(within(p.picked[0], PICKS * 0.90, 2));
	CHECK(within(p.picked[1], PICKS * 0.09, 10));
	CHECK(within(p.picked[2], PICKS * 0.01, 30));
	CHECK_INT(p.picked[3], 0);
}

TEST(every_balance_has_a_name)
{
	CHECK_STR(weir_balance_name(WEIR_BALANCE_WEIGHTED), "weighted");
	CHECK_STR(weir_balance_name(WEIR_BALANCE_LEAST_INFLIGHT), "least_inflight");
	CHECK_STR(weir_balance_name(WEIR_BALANCE_LATENCY), "latency");
	CHECK_STR(weir_balance_name(WEIR_BALANCE_COST), "cost");
}

TEST_MAIN
