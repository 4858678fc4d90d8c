/* Several keys of one model: when they speak of the model, and when of themselves. */
#include "target.h"

static void end_now(unsigned target, enum weir_outcome outcome)
{
	struct weir_pass pass = begin_at(target, T0);

	end_as(&pass, outcome, T0);
}

static void fail_times(unsigned target, unsigned n)
{
	while (n--)
		fail_at(target, T0);
}

static void check_open(bool first, bool second)
{
	CHECK_INT(targets[0].breaker.state, first ? WEIR_BREAKER_OPEN : WEIR_BREAKER_CLOSED);
	CHECK_INT(targets[1].breaker.state, second ? WEIR_BREAKER_OPEN : WEIR_BREAKER_CLOSED);
	CHECK_INT(model.open_n, first + second);
}

TEST(five_failures_of_several_keys_open_them_all)
{
	make();
	fail_times(0, 3);
	fail_times(1, 1);
	check_open(false, false);
	fail_times(1, 1);
	check_open(true, true);
}

TEST(five_failures_of_one_key_are_its_own)
{
	make();
	fail_times(0, 5);
	check_open(true, false);
	/* But of another one now they speak of both. */
	fail_times(1, 1);
	check_open(true, true);
}

/* Content, or an answer of any kind, of any key: it is not the provider. */
TEST(an_answer_of_any_key_ends_the_row)
{
	for (unsigned how = 0; how < 3; how++) {
		make();
		fail_times(0, 3);
		fail_times(1, 1);
		if (how == 0)
			succeed_at(1, T0);
		else
			end_now(how - 1, WEIR_OUT_CALLER);
		fail_times(1, 1);
		check_open(false, false);
		CHECK_INT(model.row, 1);
	}
}

TEST(a_caller_who_leaves_ends_no_row)
{
	make();
	fail_times(0, 3);
	end_now(0, WEIR_OUT_HANGUP);
	end_now(1, WEIR_OUT_HANGUP);
	fail_times(1, 2);
	check_open(true, true);
}

/* Whose failures were in the row before says nothing of the next one. */
TEST(a_row_begins_anew)
{
	make();
	fail_times(0, 2);
	fail_times(1, 1);
	succeed_at(0, T0);
	fail_times(0, 5);
	check_open(true, false);
	make();
	fail_times(1, 1);
	succeed_at(0, T0);
	fail_times(0, 5);
	check_open(true, false);
	make();
	fail_times(0, 1);
	succeed_at(0, T0);
	fail_times(0, 2);
	fail_times(1, 2);
	check_open(false, false);
	fail_times(1, 1);
	check_open(true, true);
}

static enum weir_leave leave_of(unsigned target, uint64_t now_ms)
{
	struct weir_asking asking = asking_at(now_ms);

	return weir_health_ask(&targets[target], &asking).leave;
}

/* All of them open, the model is one target, and has one probe. */
TEST(while_all_are_open_one_of_them_is_probed)
{
	struct weir_pass probe;

	make();
	fail_times(0, 3);
	fail_times(1, 2);
	CHECK_INT(leave_of(0, T0 + 2000), WEIR_LEAVE_PROBE);
	CHECK_INT(leave_of(1, T0 + 2000), WEIR_LEAVE_PROBE);
	probe = begin_at(0, T0 + 2000);
	CHECK(probe.ticket.probe);
	CHECK_INT(leave_of(1, T0 + 2000), WEIR_LEAVE_OPEN);
	CHECK(!begin_at(1, T0 + 2000).ticket.probe);
	end_as(&probe, WEIR_OUT_HANGUP, T0 + 2000);
	CHECK_INT(leave_of(1, T0 + 2000), WEIR_LEAVE_PROBE);
}

/* As long as one of them serves, each of the others has its own. */
TEST(beside_one_that_serves_each_is_probed)
{
	struct weir_key_health key = { .bench = { 0 } };
	struct weir_health third;

	make();
	weir_limits_init(&key.limits, 0, 0);
	weir_health_init(&third, &model, &key);
	break_at(0, T0);
	succeed_at(1, T0);
	break_at(1, T0);
	CHECK_INT(model.open_n, 2);
	CHECK(begin_at(0, T0 + 2000).ticket.probe);
	CHECK_INT(leave_of(1, T0 + 2000), WEIR_LEAVE_PROBE);
	CHECK(begin_at(1, T0 + 2000).ticket.probe);
}

TEST(while_all_are_open_one_is_asked_each_second)
{
	struct weir_pass probe;

	make();
	fail_times(0, 3);
	fail_times(1, 2);
	targets[0].breaker.until_ms = targets[1].breaker.until_ms = T0 + 60000;
	for (unsigned i = 0; i < 2; i++) {
		CHECK(!weir_health_may_trickle(&targets[i], T0 + 999));
		CHECK(weir_health_may_trickle(&targets[i], T0 + 1000));
	}
	probe = begin_at(0, T0 + 1000);
	CHECK(probe.ticket.probe);
	end_as(&probe, WEIR_OUT_HANGUP, T0 + 1000);
	for (unsigned i = 0; i < 2; i++) {
		CHECK(!weir_health_may_trickle(&targets[i], T0 + 1999));
		CHECK(weir_health_may_trickle(&targets[i], T0 + 2000));
	}
}

TEST(beside_one_that_serves_each_is_asked_by_itself)
{
	make();
	break_at(0, T0);
	CHECK(!weir_health_may_trickle(&targets[0], T0 + 999));
	CHECK(weir_health_may_trickle(&targets[0], T0 + 1000));
	CHECK(!weir_health_may_trickle(&targets[1], T0 + 1000)); /* it is closed */
}

TEST_MAIN
