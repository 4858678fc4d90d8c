/* One attempt's hold on a target, from its beginning to its end: what it leaves behind. */
#include "target.h"

static void check_inflight(unsigned first, unsigned second)
{
	CHECK_INT(targets[0].inflight, first);
	CHECK_INT(targets[1].inflight, second);
	CHECK_INT(model.inflight, first + second);
	CHECK_INT(provider.inflight, first + second);
}

TEST(it_is_in_flight_from_begin_to_end)
{
	struct weir_pass one, two;

	make();
	one = begin_at(0, T0);
	check_inflight(1, 0);
	two = begin_at(1, T0);
	check_inflight(1, 1);
	weir_health_commit(&one, T0 + 5);
	check_inflight(1, 1);
	end_as(&one, WEIR_OUT_OK, T0 + 10);
	check_inflight(0, 1);
	CHECK(!one.health);
	end_as(&two, WEIR_OUT_HANGUP, T0 + 10);
	check_inflight(0, 0);
}

TEST(attempts_and_failures_are_counted)
{
	make();
	succeed_at(0, T0);
	fail_at(0, T0);
	CHECK_INT(TARGET->attempts, 2);
	CHECK_INT(TARGET->tokens, 20);
	CHECK_INT(TARGET->failures, 1);
	CHECK_INT(targets[1].attempts, 0);
	for (unsigned i = 0; i < WEIR_OUT_N; i++) {
		struct weir_pass pass;

		make();
		pass = begin_at(0, T0);
		end_as(&pass, (enum weir_outcome)i, T0);
		CHECK_INT(TARGET->failures, weir_outcome_rule((enum weir_outcome)i)->counts);
		CHECK_INT(TARGET->breaker.row, weir_outcome_rule((enum weir_outcome)i)->counts);
	}
}

TEST(it_takes_from_the_limits_of_key_and_target)
{
	struct weir_limits_news news = { .requests_known = true,
					 .requests_left = 5,
					 .requests_reset_ms = 1000,
					 .tokens_known = true,
					 .tokens_left = 100,
					 .tokens_reset_ms = 1000 };

	make();
	weir_limits_learn(&keys[0].limits, &news, T0);
	weir_limits_learn(&TARGET->limits, &news, T0);
	begin_at(0, T0);
	CHECK_INT(keys[0].limits.requests_left, 4);
	CHECK_INT(keys[0].limits.tokens_left, 90);
	CHECK_INT(TARGET->limits.requests_left, 4);
	CHECK_INT(TARGET->limits.tokens_left, 90);
}

TEST(first_content_is_a_sample_of_its_kind)
{
	for (unsigned stream = 0; stream < 2; stream++) {
		struct weir_asking asking = asking_at(T0);
		struct weir_pass pass = { NULL };

		make();
		asking.stream = stream;
		weir_health_begin(TARGET, &asking, &pass);
		CHECK_INT(TARGET->latency[stream].asked_ms, T0);
		CHECK_INT(TARGET->latency[!stream].asked_ms, 0);
		weir_health_commit(&pass, T0 + 300);
		CHECK_INT(TARGET->latency[stream].samples, 1);
		CHECK_INT((long long)TARGET->latency[stream].usual_ms, 300);
		CHECK_INT(TARGET->latency[stream].at_ms, T0 + 300);
		CHECK_INT(TARGET->latency[!stream].samples, 0);
	}
}

TEST(first_content_is_a_success)
{
	struct weir_pass pass;

	make();
	while (weir_budget_spend(&model.budget, T0))
		continue;
	for (unsigned i = 0; i < 4; i++)
		fail_at(0, T0);
	CHECK_INT(TARGET->breaker.row, 4);
	pass = begin_at(0, T0);
	weir_health_commit(&pass, T0);
	CHECK_INT(TARGET->breaker.row, 0);
	CHECK_INT(model.open_n, 0);
	CHECK_INT(model.budget.tokens, 1);
	end_as(&pass, WEIR_OUT_OK, T0);
	CHECK_INT(model.budget.tokens, 1);
}

/* A target behind it fails now and then: the caller's mistakes are no good sign. */
TEST(what_says_nothing_leaves_the_row_as_it_is)
{
	static const enum weir_outcome outs[] = { WEIR_OUT_OK,         WEIR_OUT_CALLER,
						  WEIR_OUT_NOT_HERE,   WEIR_OUT_CREDENTIALS,
						  WEIR_OUT_QUOTA,      WEIR_OUT_RATE_LIMITED,
						  WEIR_OUT_REPAIRABLE, WEIR_OUT_HANGUP };

	make();
	for (unsigned i = 0; i < 4; i++)
		fail_at(0, T0);
	for (unsigned i = 0; i < sizeof outs / sizeof *outs; i++) {
		struct weir_pass pass = begin_at(0, T0);

		end_as(&pass, outs[i], T0);
		CHECK_INT(TARGET->breaker.row, 4);
	}
}

/* As a probe any answer says that somebody is there; silence says nothing. */
TEST(a_probe_is_judged_by_whether_anybody_answered)
{
	for (unsigned i = 0; i < WEIR_OUT_N; i++) {
		enum weir_outcome out = (enum weir_outcome)i;
		bool bad = weir_outcome_rule(out)->counts, nothing = out == WEIR_OUT_HANGUP;
		struct weir_pass pass;

		make();
		break_at(0, T0);
		pass = begin_at(0, T0 + 2000);
		CHECK(pass.ticket.probe);
		end_as(&pass, out, T0 + 2000);
		CHECK_INT(TARGET->breaker.state, bad ? WEIR_BREAKER_OPEN : WEIR_BREAKER_HALF_OPEN);
		CHECK_INT(TARGET->breaker.probes_good, !bad && !nothing);
		CHECK(!TARGET->breaker.probing);
	}
}

TEST(before_its_time_an_open_one_is_probed_once_a_second)
{
	struct weir_pass pass;

	make();
	break_at(0, T0);
	TARGET->breaker.until_ms = T0 + 5000;
	pass = begin_at(0, T0 + 999);
	CHECK(!pass.ticket.probe);
	end_as(&pass, WEIR_OUT_HANGUP, T0 + 999);
	pass = begin_at(0, T0 + 1000);
	CHECK(pass.ticket.probe);
	CHECK(!begin_at(0, T0 + 3000).ticket.probe);
}

TEST(a_closed_one_is_not_probed)
{
	make();
	CHECK(!begin_at(0, T0).ticket.probe);
	TARGET->breaker.closed_ms = T0;
	CHECK(!begin_at(0, T0).ticket.probe);
}

static void join_groups(void)
{
	model.groups[0] = &groups[0];
	model.groups[1] = &groups[1];
	model.groups_n = 2;
}

static void check_tripped(unsigned open_n, unsigned tripped_n)
{
	CHECK_INT(model.open_n, open_n);
	CHECK_INT(groups[0].tripped_n, tripped_n);
	CHECK_INT(groups[1].tripped_n, tripped_n);
}

/* A model is down when all its keys' breakers are; its groups count that once. */
TEST(groups_count_the_models_that_are_down)
{
	make();
	join_groups();
	break_at(0, T0);
	check_tripped(1, 0);
	break_at(1, T0);
	check_tripped(2, 1);
	begin_at(0, T0 + 2000);
	check_tripped(2, 1);
	TARGET->breaker.probing = false;
	succeed_at(0, T0 + 2000);
	check_tripped(2, 1);
	succeed_at(0, T0 + 2000);
	CHECK_INT(TARGET->breaker.state, WEIR_BREAKER_CLOSED);
	check_tripped(1, 0);
	break_at(0, T0 + 2000);
	check_tripped(2, 1);
}

/* Closed by an answer that is no content, too. */
TEST(a_model_comes_back_by_any_answer)
{
	make();
	join_groups();
	break_at(0, T0);
	break_at(1, T0);
	for (unsigned i = 0; i < 2; i++) {
		struct weir_pass pass = begin_at(0, T0 + 2000);

		check_tripped(2, 1);
		end_as(&pass, WEIR_OUT_CALLER, T0 + 2000);
	}
	check_tripped(1, 0);
}

enum { NOBODY, KEY, MODEL, OWN };

static const struct {
	struct weir_ending ending;
	int whose;
	uint64_t for_ms;
} blames[] = {
	{ { .outcome = WEIR_OUT_OK }, NOBODY, 0 },
	{ { .outcome = WEIR_OUT_CALLER }, NOBODY, 0 },
	{ { .outcome = WEIR_OUT_NOT_HERE }, NOBODY, 0 },
	{ { .outcome = WEIR_OUT_NOT_HERE, .model_unknown = true }, MODEL, 600000 },
	{ { .outcome = WEIR_OUT_CREDENTIALS }, KEY, 600000 },
	{ { .outcome = WEIR_OUT_CREDENTIALS, .model_refused = true }, OWN, 600000 },
	{ { .outcome = WEIR_OUT_QUOTA }, KEY, 600000 },
	{ { .outcome = WEIR_OUT_RATE_LIMITED }, OWN, 5000 },
	{ { .outcome = WEIR_OUT_RATE_LIMITED, .never_fits = true }, NOBODY, 0 },
	{ { .outcome = WEIR_OUT_OVERLOADED }, NOBODY, 0 },
	{ { .outcome = WEIR_OUT_SERVER_ERROR }, NOBODY, 0 },
	{ { .outcome = WEIR_OUT_UNREACHABLE }, NOBODY, 0 },
	{ { .outcome = WEIR_OUT_SLOW }, NOBODY, 0 },
	{ { .outcome = WEIR_OUT_CUT }, NOBODY, 0 },
	{ { .outcome = WEIR_OUT_REPAIRABLE }, NOBODY, 0 },
	{ { .outcome = WEIR_OUT_HANGUP }, NOBODY, 0 },
/* Stated times: 10 min at most, 1 h for quota, and never nothing. */
#define STATED(out, ms) { .outcome = WEIR_OUT_##out, .stated = true, .after_ms = (ms) }
	{ STATED(CREDENTIALS, 7000), KEY, 7000 },
	{ STATED(CREDENTIALS, 600001), KEY, 600000 },
	{ STATED(QUOTA, 3600000), KEY, 3600000 },
	{ STATED(QUOTA, 3600001), KEY, 3600000 },
	{ STATED(RATE_LIMITED, 1), OWN, 1 },
	{ STATED(RATE_LIMITED, 0), OWN, 1 },
	{ STATED(RATE_LIMITED, 600001), OWN, 600000 },
	{ STATED(OVERLOADED, 7000), OWN, 7000 },
	{ STATED(OVERLOADED, 600001), OWN, 600000 },
	{ STATED(SERVER_ERROR, 7000), OWN, 7000 },
	{ STATED(SERVER_ERROR, 600001), OWN, 600000 },
	{ { .outcome = WEIR_OUT_NOT_HERE,
	    .model_unknown = true,
	    .stated = true,
	    .after_ms = 600001 },
	  MODEL,
	  600000 },
	{ STATED(OK, 7000), NOBODY, 0 },
	{ STATED(CALLER, 7000), NOBODY, 0 },
	{ STATED(REPAIRABLE, 7000), NOBODY, 0 },
	{ STATED(HANGUP, 7000), NOBODY, 0 },
};

/* A key that is bad is so for all models; one that may not use this model, for this one; an
 * unknown model is so for all keys. */
TEST(who_is_to_blame_is_set_aside)
{
	for (unsigned i = 0; i < sizeof blames / sizeof *blames; i++) {
		struct weir_ending ending = blames[i].ending;
		const struct weir_bench *benches[] = { &keys[0].bench, &model.bench,
						       &TARGET->bench };
		struct weir_pass pass;
		int before = test_failures;

		make();
		pass = begin_at(0, T0);
		ending.now_ms = T0 + 50;
		weir_health_end(&pass, &ending, &rng);
		for (int b = 0; b < 3; b++) {
			bool his = b == blames[i].whose - KEY;

			CHECK_INT(benches[b]->until_ms, his ? T0 + 50 + blames[i].for_ms : 0);
			CHECK(!his || (benches[b]->why == ending.outcome &&
				       benches[b]->stated == ending.stated));
		}
		CHECK_INT(keys[1].bench.until_ms + targets[1].bench.until_ms, 0);
		if (test_failures != before)
			NOTE("row %u", i);
	}
}

static void limit_at(uint64_t now_ms, bool stated, uint64_t after_ms)
{
	struct weir_pass pass = begin_at(0, now_ms);
	struct weir_ending ending = { .outcome = WEIR_OUT_RATE_LIMITED,
				      .now_ms = now_ms,
				      .stated = stated,
				      .after_ms = after_ms };

	pass.asks = NULL; /* it was sent before that was known */
	weir_health_end(&pass, &ending, &rng);
	TARGET->bench.asked = false;
}

/* Hundreds of 429 may come in one moment. */
TEST(many_answers_of_one_moment_are_one_piece_of_news)
{
	make();
	limit_at(T0, false, 0);
	CHECK_INT(TARGET->bench.until_ms, T0 + 5000);
	for (unsigned i = 0; i < 100; i++)
		limit_at(T0 + 4999, false, 0);
	CHECK_INT(TARGET->bench.until_ms, T0 + 5000);
	CHECK_INT(TARGET->bench.doublings, 1);
	limit_at(T0 + 5000, false, 0);
	CHECK_INT(TARGET->bench.until_ms, T0 + 15000);
}

TEST(guesses_double_up_to_a_minute_however_often)
{
	static const uint64_t seconds[] = { 5, 10, 20, 40, 60, 60, 60, 60, 60, 60, 60, 60 };
	uint64_t now = T0;

	make();
	for (unsigned i = 0; i < 100; i++) {
		unsigned s = i < sizeof seconds / sizeof *seconds ? i : 11;

		limit_at(now, false, 0);
		CHECK_INT(TARGET->bench.until_ms - now, seconds[s] * 1000);
		now = TARGET->bench.until_ms;
	}
}

/* Ten minutes are ten minutes: it needs somebody to mend it. */
TEST(other_guesses_do_not_double)
{
	static const struct weir_ending endings[] = {
		{ .outcome = WEIR_OUT_NOT_HERE, .model_unknown = true },
		{ .outcome = WEIR_OUT_CREDENTIALS, .model_refused = true },
		{ .outcome = WEIR_OUT_QUOTA },
	};

	make();
	for (unsigned i = 0; i < 9; i++) {
		uint64_t now = T0 + i * 600000;
		struct weir_pass pass = begin_at(0, now);
		struct weir_ending ending = endings[i / 3];

		ending.now_ms = now;
		weir_health_end(&pass, &ending, &rng);
		CHECK_INT(ask_at(now).return_ms, now + 600000);
	}
}

TEST(of_stated_times_the_latest_holds)
{
	make();
	limit_at(T0, true, 9000);
	limit_at(T0 + 1000, true, 3000);
	CHECK_INT(TARGET->bench.until_ms, T0 + 9000);
	limit_at(T0 + 1000, true, 8001);
	CHECK_INT(TARGET->bench.until_ms, T0 + 9001);
	/* A guess adds nothing to it. */
	limit_at(T0 + 9000, false, 0);
	CHECK_INT(TARGET->bench.until_ms, T0 + 9001);
	CHECK(TARGET->bench.stated);
	limit_at(T0 + 9001, true, 10);
	CHECK_INT(TARGET->bench.until_ms, T0 + 9011);
}

/* A statement is better than a guess, sooner or later, and guesses begin anew after it. */
TEST(a_stated_time_replaces_a_guess)
{
	make();
	limit_at(T0, false, 0);
	limit_at(T0 + 5000, false, 0);
	CHECK_INT(TARGET->bench.until_ms, T0 + 15000);
	limit_at(T0 + 6000, true, 1000);
	CHECK_INT(TARGET->bench.until_ms, T0 + 7000);
	CHECK(TARGET->bench.stated);
	limit_at(T0 + 7000, false, 0);
	CHECK_INT(TARGET->bench.until_ms, T0 + 12000);
	CHECK(!TARGET->bench.stated);
}

/* The key's before the model's before its own; not what was stated, is over, or is asked about
 * already. */
TEST(a_request_asks_about_one_guess)
{
	struct weir_bench *benches[3];
	struct weir_pass passes[4];

	make();
	benches[0] = &keys[0].bench;
	benches[1] = &model.bench;
	benches[2] = &TARGET->bench;
	CHECK(!begin_at(0, T0).asks);
	for (unsigned i = 0; i < 3; i++)
		*benches[i] = bench(T0 + 1, WEIR_OUT_QUOTA, false, false);
	for (unsigned i = 0; i < 4; i++) {
		passes[i] = begin_at(0, T0);
		CHECK(passes[i].asks == (i < 3 ? benches[i] : NULL));
		CHECK(i == 3 || benches[i]->asked);
	}
	end_as(&passes[1], WEIR_OUT_HANGUP, T0);
	CHECK(benches[0]->asked && !benches[1]->asked && benches[2]->asked);
	CHECK(!begin_at(0, T0 + 1).asks);
	benches[1]->stated = true;
	CHECK(!begin_at(0, T0).asks);
}

static struct weir_bench asked_about(enum weir_outcome outcome)
{
	struct weir_pass pass;

	make();
	TARGET->bench = bench(T0 + 5000, WEIR_OUT_RATE_LIMITED, false, false);
	TARGET->bench.doublings = 1;
	pass = begin_at(0, T0);
	end_as(&pass, outcome, T0 + 10);
	return TARGET->bench;
}

TEST(a_guess_is_lifted_by_any_answer_of_another_class)
{
	for (unsigned i = 0; i < WEIR_OUT_N; i++) {
		enum weir_outcome out = (enum weir_outcome)i;
		struct weir_bench left = asked_about(out);

		CHECK(!left.asked);
		if (out == WEIR_OUT_RATE_LIMITED) { /* it was right */
			CHECK_INT(left.until_ms, T0 + 10 + 10000);
			CHECK_INT(left.doublings, 2);
		} else if (out == WEIR_OUT_UNREACHABLE || out == WEIR_OUT_SLOW ||
			   out == WEIR_OUT_CUT || out == WEIR_OUT_HANGUP) {
			CHECK_INT(left.until_ms, T0 + 5000);
			CHECK_INT(left.doublings, 1);
		} else {
			CHECK_INT(left.until_ms, 0);
			CHECK_INT(left.doublings, 0);
		}
	}
}

TEST(a_guess_is_lifted_by_content)
{
	struct weir_pass pass;

	make();
	keys[0].bench = bench(T0 + 5000, WEIR_OUT_QUOTA, false, false);
	pass = begin_at(0, T0);
	weir_health_commit(&pass, T0 + 10);
	CHECK_INT(keys[0].bench.until_ms, 0);
	CHECK(!keys[0].bench.asked && !pass.asks);
	/* What becomes of it later is another matter. */
	keys[0].bench = bench(T0 + 5000, WEIR_OUT_QUOTA, false, true);
	end_as(&pass, WEIR_OUT_OVERLOADED, T0 + 20);
	CHECK(keys[0].bench.asked);
}

/* While it was asked about, somebody was told when. */
TEST(what_was_stated_meanwhile_is_not_lifted)
{
	static const enum weir_outcome outs[] = { WEIR_OUT_OK, WEIR_OUT_SERVER_ERROR,
						  WEIR_OUT_RATE_LIMITED };

	for (unsigned i = 0; i < sizeof outs / sizeof *outs; i++) {
		struct weir_pass pass;

		make();
		TARGET->bench = bench(T0 + 5000, WEIR_OUT_RATE_LIMITED, false, false);
		pass = begin_at(0, T0);
		limit_at(T0, true, 60000);
		TARGET->bench.asked = true;
		if (outs[i] == WEIR_OUT_OK)
			weir_health_commit(&pass, T0 + 10);
		end_as(&pass, outs[i], T0 + 10);
		CHECK_INT(TARGET->bench.until_ms, T0 + 60000);
		CHECK(TARGET->bench.stated && !TARGET->bench.asked);
	}
}

TEST(content_begins_guesses_anew_once_the_bench_is_over)
{
	make();
	TARGET->bench = bench(T0 + 5000, WEIR_OUT_RATE_LIMITED, false, true);
	TARGET->bench.doublings = 3;
	succeed_at(0, T0 + 4999);
	CHECK_INT(TARGET->bench.doublings, 3);
	succeed_at(0, T0 + 5000);
	CHECK_INT(TARGET->bench.doublings, 0);
}

static void learn(struct weir_pass *pass, uint64_t requests, uint64_t tokens)
{
	struct weir_limits_news news = { .requests_known = requests != 0,
					 .requests_left = requests,
					 .requests_reset_ms = 1000,
					 .tokens_known = tokens != 0,
					 .tokens_left = tokens,
					 .tokens_reset_ms = 1000 };

	weir_health_learn(pass, &news, T0);
}

/* What was sent after it began, the provider had not counted yet. */
TEST(limits_are_less_what_was_sent_since)
{
	struct weir_pass first, last;

	make();
	first = begin_at(0, T0);
	begin_at(0, T0);
	last = begin_at(0, T0);
	learn(&first, 100, 1000);
	CHECK_INT(TARGET->limits.requests_left, 98);
	CHECK_INT(TARGET->limits.tokens_left, 980);
	CHECK_INT(TARGET->limits.requests_until_ms, T0 + 1000);
	CHECK_INT(TARGET->limits.tokens_until_ms, T0 + 1000);
	CHECK_INT(keys[0].limits.requests_until_ms, 0);
	learn(&last, 50, 0);
	CHECK_INT(TARGET->limits.requests_left, 50);
	CHECK_INT(TARGET->limits.tokens_left, 980);
	last = begin_at(0, T0);
	learn(&last, 0, 70);
	CHECK_INT(TARGET->limits.requests_left, 49);
	CHECK_INT(TARGET->limits.tokens_left, 70);
}

TEST(there_is_never_less_than_nothing_left)
{
	struct weir_pass first;

	make();
	first = begin_at(0, T0);
	for (unsigned i = 0; i < 5; i++)
		begin_at(0, T0);
	learn(&first, 3, 49);
	CHECK_INT(TARGET->limits.requests_left, 0);
	CHECK_INT(TARGET->limits.tokens_left, 0);
	CHECK_INT(ask_at(T0).leave, WEIR_LEAVE_BENCHED);
}

TEST(where_nobody_limits_nothing_is_taken_off)
{
	struct weir_pass first;

	make();
	first = begin_at(0, T0);
	begin_at(0, T0);
	learn(&first, UINT64_MAX, UINT64_MAX);
	CHECK(TARGET->limits.requests_left == UINT64_MAX);
	CHECK(TARGET->limits.tokens_left == UINT64_MAX);
}

/* The head of a long answer says nothing new at its end; nor does one that began earlier. */
TEST(old_news_of_limits_are_no_news)
{
	struct weir_pass first, second;

	make();
	first = begin_at(0, T0);
	second = begin_at(0, T0);
	learn(&second, 7, 0);
	CHECK_INT(TARGET->limits.requests_left, 7);
	learn(&first, 50, 0);
	learn(&second, 60, 0);
	CHECK_INT(TARGET->limits.requests_left, 7);
	/* Who says nothing has not told yet. */
	first = begin_at(0, T0);
	learn(&first, 0, 0);
	learn(&first, 30, 0);
	CHECK_INT(TARGET->limits.requests_left, 30);
}

TEST_MAIN
