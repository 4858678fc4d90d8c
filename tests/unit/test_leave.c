/* May a target be tried now, and if not: why, and until when? */
#include "target.h"

TEST(each_answer_has_its_class_and_reason)
{
	static const char *const rows[][2] = {
		{ "not_here", "cannot_carry" },
		{ "benched", "disabled" },
		{ "open", "breaker_open" },
		{ "benched", "benched" },
		{ "at_cap", "at_cap" },
		{ "open", "open_elsewhere" },
		{ "open", "group_down" },
		{ "slow", "latency_drift" },
		{ "benched", "tokens_short" },
		{ "slow", "too_slow_for_deadline" },
		{ "open", "ramping" },
		{ NULL, "probe" },
		{ NULL, "ok" },
	};

	CHECK_INT(sizeof rows / sizeof *rows, WEIR_LEAVE_N);
	for (unsigned i = 0; i < WEIR_LEAVE_N; i++) {
		CHECK_STR(weir_leave_class((enum weir_leave)i), rows[i][0]);
		CHECK_STR(weir_leave_reason((enum weir_leave)i), rows[i][1]);
	}
}

TEST(a_new_target_is_in_order)
{
	make();
	CHECK_INT(ask_at(0).leave, WEIR_LEAVE_YES);
	CHECK_INT(ask_at(T0).leave, WEIR_LEAVE_YES);
	CHECK_INT(model.targets_n, 2);
	CHECK_INT(model.open_n, 0);
	CHECK(weir_latency_peak_ms(&TARGET->latency[0], T0) <= 0);
	CHECK(weir_latency_peak_ms(&TARGET->latency[1], T0) <= 0);
	CHECK_INT(TARGET->attempts + TARGET->failures + TARGET->tokens + TARGET->learned, 0);
}

static void slow_down(unsigned n, uint64_t ms)
{
	while (n--)
		weir_latency_add(&TARGET->latency[0], ms, T0);
}

/* Each reason outranks those below it. */
TEST(the_first_reason_that_applies_is_told)
{
	struct weir_asking asking = asking_at(T0);
	struct weir_health before;

	make();
	asking.left_ms = 1999;
	asking.drift_percent = 100;
	asking.roll = 10;
	TARGET->breaker.closed_ms = T0; /* ramping */
	slow_down(40, 2000);
	TARGET->latency[0].asked_ms = T0;
	model.groups[0] = &groups[0];
	model.groups_n = 1;
	groups[0] = (struct weir_group){ .models_n = 4, .tripped_n = 2 };
	model.max_inflight = model.inflight = 1;
	keys[0].bench = bench(T0 + 5, WEIR_OUT_QUOTA, false, false);
	before = *TARGET;
	break_at(0, T0);
	model.disabled = true;

	CHECK_INT(weir_health_ask(TARGET, &asking).leave, WEIR_LEAVE_DISABLED);
	CHECK(weir_health_ask(TARGET, &asking).return_ms == WEIR_NEVER);
	model.disabled = false;
	TARGET->disabled = true;
	CHECK_INT(weir_health_ask(TARGET, &asking).leave, WEIR_LEAVE_DISABLED);
	TARGET->disabled = false;
	CHECK_INT(weir_health_ask(TARGET, &asking).leave, WEIR_LEAVE_OPEN);
	CHECK_INT(weir_health_ask(TARGET, &asking).return_ms, TARGET->breaker.until_ms);
	*TARGET = before;
	CHECK_INT(weir_health_ask(TARGET, &asking).leave, WEIR_LEAVE_BENCHED);
	keys[0].bench = bench(0, WEIR_OUT_OK, false, false);
	CHECK_INT(weir_health_ask(TARGET, &asking).leave, WEIR_LEAVE_AT_CAP);
	model.max_inflight = 0;
	CHECK_INT(weir_health_ask(TARGET, &asking).leave, WEIR_LEAVE_GROUP);
	groups[0].tripped_n = 1;
	CHECK_INT(weir_health_ask(TARGET, &asking).leave, WEIR_LEAVE_DRIFTING);
	asking.drift_percent = 101;
	CHECK_INT(weir_health_ask(TARGET, &asking).leave, WEIR_LEAVE_TOO_SLOW);
	asking.left_ms = 2000;
	CHECK_INT(weir_health_ask(TARGET, &asking).leave, WEIR_LEAVE_RAMPING);
	asking.roll = 9;
	CHECK_INT(weir_health_ask(TARGET, &asking).leave, WEIR_LEAVE_YES);
}

TEST(a_probe_is_due_whatever_else_would_be_better)
{
	struct weir_asking asking = asking_at(T0 + 2000);

	make();
	break_at(0, T0);
	CHECK_INT(weir_health_ask(TARGET, &asking).leave, WEIR_LEAVE_PROBE);
	slow_down(40, 2000);
	TARGET->latency[0].asked_ms = T0 + 2000;
	asking.left_ms = 1;
	model.groups[0] = &groups[0];
	model.groups_n = 1;
	groups[0] = (struct weir_group){ .models_n = 2, .tripped_n = 2 };
	CHECK_INT(weir_health_ask(TARGET, &asking).leave, WEIR_LEAVE_PROBE);
	/* But not of what is set aside, or has no room. */
	model.max_inflight = model.inflight = 3;
	CHECK_INT(weir_health_ask(TARGET, &asking).leave, WEIR_LEAVE_AT_CAP);
	model.bench = bench(T0 + 2001, WEIR_OUT_NOT_HERE, false, false);
	CHECK_INT(weir_health_ask(TARGET, &asking).leave, WEIR_LEAVE_BENCHED);
}

TEST(a_bench_ends_at_its_time)
{
	struct weir_answer_to a;

	make();
	TARGET->bench = bench(T0 + 5000, WEIR_OUT_OVERLOADED, true, false);
	a = ask_at(T0 + 4999);
	CHECK_INT(a.leave, WEIR_LEAVE_BENCHED);
	CHECK_INT(a.return_ms, T0 + 5000);
	CHECK_INT(a.why, WEIR_OUT_OVERLOADED);
	CHECK(a.stated && !a.asked);
	CHECK_INT(ask_at(T0 + 5000).leave, WEIR_LEAVE_YES);
}

enum { NONE, GUESS, ASKED, STATED };

static struct weir_bench bench_of(int kind, unsigned s, enum weir_outcome why)
{
	return bench(kind ? T0 + s * 1000 : 0, why, kind == STATED, kind == ASKED);
}

/* The key's, the model's, its own: of guesses the longest holds, and what was stated before any
 * guess. */
TEST(what_was_stated_holds_and_else_the_longest_guess)
{
	static const struct {
		int key, model, own; /* kinds */
		unsigned key_s, model_s, own_s;
		enum weir_outcome why; /* as set: QUOTA, NOT_HERE, RATE_LIMITED */
		unsigned return_s;
		bool stated, asked;
	} rows[] = {
		{ GUESS, NONE, NONE, 5, 0, 0, WEIR_OUT_QUOTA, 5, false, false },
		{ NONE, ASKED, NONE, 0, 5, 0, WEIR_OUT_NOT_HERE, 5, false, true },
		{ GUESS, GUESS, NONE, 5, 9, 0, WEIR_OUT_NOT_HERE, 9, false, false },
		{ GUESS, GUESS, NONE, 9, 5, 0, WEIR_OUT_QUOTA, 9, false, false },
		{ GUESS, GUESS, NONE, 5, 5, 0, WEIR_OUT_QUOTA, 5, false, false },
		{ ASKED, GUESS, NONE, 5, 9, 0, WEIR_OUT_NOT_HERE, 9, false, true },
		{ GUESS, ASKED, NONE, 9, 5, 0, WEIR_OUT_QUOTA, 9, false, true },
		{ GUESS, GUESS, ASKED, 9, 5, 5, WEIR_OUT_QUOTA, 9, false, true },
		{ ASKED, GUESS, GUESS, 9, 5, 5, WEIR_OUT_QUOTA, 9, false, true },
		{ STATED, GUESS, NONE, 5, 9, 0, WEIR_OUT_QUOTA, 5, true, false },
		{ STATED, ASKED, NONE, 5, 9, 0, WEIR_OUT_QUOTA, 5, true, false },
		{ GUESS, STATED, NONE, 9, 5, 0, WEIR_OUT_NOT_HERE, 5, true, false },
		{ GUESS, NONE, STATED, 5, 0, 9, WEIR_OUT_RATE_LIMITED, 9, true, false },
		{ STATED, STATED, NONE, 5, 9, 0, WEIR_OUT_NOT_HERE, 9, true, false },
		{ STATED, STATED, NONE, 9, 5, 0, WEIR_OUT_QUOTA, 9, true, false },
		{ STATED, GUESS, STATED, 9, 20, 5, WEIR_OUT_QUOTA, 9, true, false },
	};

	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct weir_answer_to a;
		int before = test_failures;

		make();
		keys[0].bench = bench_of(rows[i].key, rows[i].key_s, WEIR_OUT_QUOTA);
		model.bench = bench_of(rows[i].model, rows[i].model_s, WEIR_OUT_NOT_HERE);
		TARGET->bench = bench_of(rows[i].own, rows[i].own_s, WEIR_OUT_RATE_LIMITED);
		a = ask_at(T0);
		CHECK_INT(a.leave, WEIR_LEAVE_BENCHED);
		CHECK_INT(a.return_ms, T0 + rows[i].return_s * 1000);
		CHECK_INT(a.why, rows[i].why);
		CHECK_INT(a.stated, rows[i].stated);
		if (!a.stated)
			CHECK_INT(a.asked, rows[i].asked);
		if (test_failures != before)
			NOTE("row %u", i);
	}
}

static void run_dry(struct weir_limits *limits, uint64_t reset_ms)
{
	struct weir_limits_news news = { .requests_known = true, .requests_reset_ms = reset_ms };

	weir_limits_learn(limits, &news, T0);
}

static void check_benched(uint64_t return_ms, enum weir_outcome why)
{
	struct weir_answer_to a = ask_at(T0);

	CHECK_INT(a.leave, WEIR_LEAVE_BENCHED);
	CHECK_INT(a.return_ms, return_ms);
	CHECK_INT(a.why, why);
	CHECK(a.stated);
}

/* A limit is a stated bench that we count ourselves. */
TEST(who_is_out_of_requests_is_benched_until_the_reset)
{
	make();
	run_dry(&keys[0].limits, 7000);
	check_benched(T0 + 7000, WEIR_OUT_RATE_LIMITED);
	run_dry(&TARGET->limits, 9000);
	check_benched(T0 + 9000, WEIR_OUT_RATE_LIMITED);
	run_dry(&TARGET->limits, 5000);
	check_benched(T0 + 7000, WEIR_OUT_RATE_LIMITED);
	run_dry(&keys[0].limits, 0);
	check_benched(T0 + 5000, WEIR_OUT_RATE_LIMITED);
	/* Before a guess, however long, and after a stated time that is longer. */
	TARGET->bench = bench(T0 + 8000, WEIR_OUT_OVERLOADED, false, false);
	check_benched(T0 + 5000, WEIR_OUT_RATE_LIMITED);
	TARGET->bench = bench(T0 + 4000, WEIR_OUT_OVERLOADED, true, false);
	check_benched(T0 + 5000, WEIR_OUT_RATE_LIMITED);
	TARGET->bench = bench(T0 + 5000, WEIR_OUT_OVERLOADED, true, false);
	check_benched(T0 + 5000, WEIR_OUT_OVERLOADED);
	TARGET->bench = bench(T0 + 8000, WEIR_OUT_OVERLOADED, true, false);
	check_benched(T0 + 8000, WEIR_OUT_OVERLOADED);
}

TEST(limits_are_asked_about_the_tokens_of_the_request)
{
	struct weir_asking asking = asking_at(T0);

	make();
	weir_limits_init(&keys[0].limits, 0, 100);
	weir_limits_take(&keys[0].limits, 50, T0);
	asking.tokens = 50;
	CHECK_INT(weir_health_ask(TARGET, &asking).leave, WEIR_LEAVE_YES);
	asking.tokens = 51;
	CHECK_INT(weir_health_ask(TARGET, &asking).leave, WEIR_LEAVE_BENCHED);
}

TEST(tokens_that_may_not_do_are_no_reason_to_refuse)
{
	const struct weir_limits_news news = { .tokens_known = true,
					       .tokens_left = 50,
					       .tokens_reset_ms = 1000 };
	struct weir_asking asking = asking_at(T0);

	make();
	weir_limits_learn(&TARGET->limits, &news, T0);
	asking.tokens = 50;
	CHECK_INT(weir_health_ask(TARGET, &asking).leave, WEIR_LEAVE_YES);
	asking.tokens = 51;
	CHECK_INT(weir_health_ask(TARGET, &asking).leave, WEIR_LEAVE_SHORT);
	weir_limits_take(&TARGET->limits, 50, T0);
	CHECK_INT(weir_health_ask(TARGET, &asking).leave, WEIR_LEAVE_BENCHED);
}

TEST(at_the_cap_of_the_model_or_the_provider)
{
	make();
	model.inflight = provider.inflight = 1000;
	CHECK_INT(ask_at(T0).leave, WEIR_LEAVE_YES);
	model.max_inflight = 1001;
	CHECK_INT(ask_at(T0).leave, WEIR_LEAVE_YES);
	model.max_inflight = 1000;
	CHECK_INT(ask_at(T0).leave, WEIR_LEAVE_AT_CAP);
	model.max_inflight = 0;
	provider.max_inflight = 1001;
	CHECK_INT(ask_at(T0).leave, WEIR_LEAVE_YES);
	provider.max_inflight = 1000;
	CHECK_INT(ask_at(T0).leave, WEIR_LEAVE_AT_CAP);
}

/* At least two of a group, and half of it. */
TEST(a_group_is_down_when_two_and_half_of_it_are)
{
	static const struct {
		unsigned models_n, tripped_n;
		bool down;
	} rows[] = { { 1, 1, false }, { 2, 1, false }, { 2, 2, true },  { 4, 2, true },
		     { 5, 2, false }, { 5, 3, true },  { 3, 0, false }, { 6, 2, false } };

	make();
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		for (unsigned which = 0; which < 2; which++) {
			model.groups[which] = &groups[0];
			model.groups[!which] = &groups[1];
			model.groups_n = 2;
			groups[0] = (struct weir_group){ rows[i].models_n, rows[i].tripped_n };
			groups[1] = (struct weir_group){ .models_n = 2 };
			CHECK_INT(ask_at(T0).leave == WEIR_LEAVE_GROUP, rows[i].down);
		}
		model.groups_n = 0;
		CHECK_INT(ask_at(T0).leave, WEIR_LEAVE_YES);
	}
}

/* Opted in, and only while somebody still asks: else nobody would find out that it is over. */
TEST(who_drifts_is_only_second_best)
{
	struct weir_asking asking = asking_at(T0);

	make();
	slow_down(40, 100);
	TARGET->latency[0].asked_ms = T0;
	CHECK_INT(weir_health_ask(TARGET, &asking).leave, WEIR_LEAVE_YES);
	asking.drift_percent = 100;
	CHECK_INT(weir_health_ask(TARGET, &asking).leave, WEIR_LEAVE_DRIFTING);
	asking.stream = true;
	CHECK_INT(weir_health_ask(TARGET, &asking).leave, WEIR_LEAVE_YES);
	asking.stream = false;
	asking.drift_percent = 101;
	CHECK_INT(weir_health_ask(TARGET, &asking).leave, WEIR_LEAVE_YES);
	asking.drift_percent = 100;
	asking.now_ms = T0 + 29999;
	CHECK_INT(weir_health_ask(TARGET, &asking).leave, WEIR_LEAVE_DRIFTING);
	asking.now_ms = T0 + 30000;
	CHECK_INT(weir_health_ask(TARGET, &asking).leave, WEIR_LEAVE_YES);
}

TEST(who_is_usually_too_slow_is_only_second_best)
{
	struct weir_asking asking = asking_at(T0);

	make();
	slow_down(10, 2000);
	TARGET->latency[0].asked_ms = T0;
	asking.left_ms = 2000;
	CHECK_INT(weir_health_ask(TARGET, &asking).leave, WEIR_LEAVE_YES);
	asking.left_ms = 1999;
	CHECK_INT(weir_health_ask(TARGET, &asking).leave, WEIR_LEAVE_TOO_SLOW);
	asking.now_ms = T0 + 30000;
	CHECK_INT(weir_health_ask(TARGET, &asking).leave, WEIR_LEAVE_YES);
}

/* On the ramp a share of the requests goes there, as they are rolled. */
TEST(on_the_ramp_the_roll_decides)
{
	struct weir_asking asking = asking_at(T0);

	make();
	TARGET->breaker.closed_ms = T0;
	for (asking.roll = 0; asking.roll < 100; asking.roll++) {
		asking.now_ms = T0;
		CHECK_INT(weir_health_ask(TARGET, &asking).leave,
			  asking.roll < 10 ? WEIR_LEAVE_YES : WEIR_LEAVE_RAMPING);
		asking.now_ms = T0 + 7000;
		CHECK_INT(weir_health_ask(TARGET, &asking).leave,
			  asking.roll < 50 ? WEIR_LEAVE_YES : WEIR_LEAVE_RAMPING);
		asking.now_ms = T0 + 10000;
		CHECK_INT(weir_health_ask(TARGET, &asking).leave, WEIR_LEAVE_YES);
	}
}

TEST_MAIN
