/* The tables of the policy: what is promised of each class, and of each end. */
#include "test.h"

#include "policy/backoff.h"
#include "policy/plan.h"
#include "policy/verdict.h"

TEST(each_class_has_its_name)
{
	static const char *const names[] = {
		"ok",           "caller",     "not_here",     "credentials", "quota",
		"rate_limited", "overloaded", "server_error", "unreachable", "slow",
		"cut",          "repairable", "hangup",
	};

	CHECK_INT(sizeof names / sizeof *names, WEIR_OUT_N);
	for (unsigned i = 0; i < WEIR_OUT_N; i++)
		CHECK_STR(weir_outcome_name((enum weir_outcome)i), names[i]);
}

/* Only what the provider, or the way to it, is to blame for. */
TEST(these_feed_the_breaker)
{
	for (unsigned i = 0; i < WEIR_OUT_N; i++) {
		enum weir_outcome outcome = (enum weir_outcome)i;
		bool counts = outcome == WEIR_OUT_OVERLOADED || outcome == WEIR_OUT_SERVER_ERROR ||
			      outcome == WEIR_OUT_UNREACHABLE || outcome == WEIR_OUT_SLOW ||
			      outcome == WEIR_OUT_CUT;

		CHECK_INT(weir_outcome_rule(outcome)->counts, counts);
	}
}

TEST(who_blames_nobody_sets_nobody_aside)
{
	for (unsigned i = 0; i < WEIR_OUT_N; i++) {
		const struct weir_rule *rule = weir_outcome_rule((enum weir_outcome)i);

		if (rule->blame == WEIR_BLAME_NOBODY)
			CHECK(!rule->counts && !rule->bench_ms && !rule->bench_max_ms);
		if (!rule->bench_ms)
			CHECK_INT(rule->guess_max_ms, 0);
		CHECK(rule->bench_ms <= rule->guess_max_ms);
	}
}

/* An answer, the caller's own mistake and his leaving have nothing to be mended. */
TEST(these_go_back_to_the_caller)
{
	for (unsigned i = 0; i < WEIR_OUT_N; i++) {
		const struct weir_rule *rule = weir_outcome_rule((enum weir_outcome)i);

		CHECK_INT(rule->remedy == WEIR_REMEDY_RETURN,
			  i == WEIR_OUT_OK || i == WEIR_OUT_CALLER || i == WEIR_OUT_HANGUP);
	}
}

TEST(each_end_is_told_as_promised)
{
	static const struct {
		const char *name;
		unsigned status;
		bool may_return;
		const char *type, *code, *message;
	} rows[] = {
		{ "ok", 200, false, NULL, NULL, NULL },
		{ "own", 400, false, NULL, NULL, NULL },
		{ "rate_limited", 429, true, "rate_limit_error", "rate_limit_exceeded",
		  "every target is rate limited" },
		{ "quota", 429, true, "rate_limit_error", "insufficient_quota",
		  "every target is out of quota" },
		{ "deadline", 504, false, "server_error", "deadline_exceeded",
		  "no target answered in time" },
		{ "overloaded", 503, true, "server_error", "overloaded",
		  "the targets are overloaded" },
		{ "unusable", 503, true, "server_error", "no_usable_target",
		  "no target can be used at the moment" },
		{ "exhausted", 502, false, "server_error", "chain_exhausted",
		  "every target failed" },
		{ "cut", 502, false, "server_error", "stream_cut",
		  "the provider's answer was cut off" },
	};

	CHECK_INT(sizeof rows / sizeof *rows, WEIR_FINAL_N);
	for (unsigned i = 0; i < WEIR_FINAL_N; i++) {
		const struct weir_final_row *row = weir_final_row((enum weir_final)i);

		CHECK_STR(row->name, rows[i].name);
		CHECK_INT(row->status, rows[i].status);
		CHECK_INT(row->may_return, rows[i].may_return);
		CHECK_STR(row->type, rows[i].type);
		CHECK_STR(row->code, rows[i].code);
		CHECK_STR(row->message, rows[i].message);
	}
}

TEST(each_clock_has_its_reason)
{
	static const char *const reasons[] = {
		"connect_timeout", "ttfb", "attempt_timeout", "deadline", "stall_timeout",
		"stream_timeout",  "wait", "hedge",           "queue",
	};

	CHECK_INT(sizeof reasons / sizeof *reasons, WEIR_TIMER_N);
	for (unsigned i = 0; i < WEIR_TIMER_N; i++)
		CHECK_STR(weir_timer_reason((enum weir_timer)i), reasons[i]);
}

/* What was seen: attempts by class, then those gone past: all, limited, out of quota. */
#define SEEN(...)       { { __VA_ARGS__ }, 0, 0, 0, 0, 0 }
#define PAST(a, b, c)   { { 0 }, 0, 0, a, b, c }
#define BOTH(seen, ...) { { seen }, 0, 0, __VA_ARGS__ }

TEST(the_end_is_the_most_actionable_of_all_that_was_seen)
{
	static const struct {
		struct weir_seen seen;
		bool late;
		enum weir_final final;
	} rows[] = {
		/* The provider's own words before all. */
		{ SEEN([WEIR_OUT_NOT_HERE] = 1, [WEIR_OUT_RATE_LIMITED] = 3), true,
		  WEIR_FINAL_OWN },
		{ SEEN([WEIR_OUT_REPAIRABLE] = 1, [WEIR_OUT_SLOW] = 3), true, WEIR_FINAL_OWN },
		/* All of them limited, tried or not; quota only when nothing else. */
		{ SEEN([WEIR_OUT_RATE_LIMITED] = 2), false, WEIR_FINAL_RATE_LIMITED },
		{ SEEN([WEIR_OUT_RATE_LIMITED] = 2), true, WEIR_FINAL_RATE_LIMITED },
		{ SEEN([WEIR_OUT_QUOTA] = 2), false, WEIR_FINAL_QUOTA },
		{ SEEN([WEIR_OUT_QUOTA] = 2, [WEIR_OUT_RATE_LIMITED] = 1), false,
		  WEIR_FINAL_RATE_LIMITED },
		{ PAST(2, 2, 0), false, WEIR_FINAL_RATE_LIMITED },
		{ PAST(2, 2, 1), false, WEIR_FINAL_RATE_LIMITED },
		{ PAST(2, 2, 2), false, WEIR_FINAL_QUOTA },
		{ BOTH([WEIR_OUT_QUOTA] = 1, 2, 2, 1), false, WEIR_FINAL_RATE_LIMITED },
		{ BOTH([WEIR_OUT_QUOTA] = 1, 2, 2, 2), false, WEIR_FINAL_QUOTA },
		{ BOTH([WEIR_OUT_RATE_LIMITED] = 1, 2, 2, 2), false, WEIR_FINAL_RATE_LIMITED },
		{ BOTH([WEIR_OUT_RATE_LIMITED] = 1, 1, 1, 0), false, WEIR_FINAL_RATE_LIMITED },
		/* Some are set aside for another reason. */
		{ BOTH([WEIR_OUT_RATE_LIMITED] = 1, 2, 1, 0), false, WEIR_FINAL_UNUSABLE },
		{ PAST(2, 1, 0), false, WEIR_FINAL_UNUSABLE },
		{ PAST(2, 0, 0), false, WEIR_FINAL_UNUSABLE },
		{ PAST(0, 0, 0), false, WEIR_FINAL_UNUSABLE },
		/* Time ran out, or all took too long. */
		{ PAST(2, 1, 0), true, WEIR_FINAL_DEADLINE },
		{ PAST(0, 0, 0), true, WEIR_FINAL_DEADLINE },
		{ SEEN([WEIR_OUT_SERVER_ERROR] = 1), true, WEIR_FINAL_DEADLINE },
		{ SEEN([WEIR_OUT_SLOW] = 2), false, WEIR_FINAL_DEADLINE },
		{ SEEN([WEIR_OUT_SLOW] = 2, [WEIR_OUT_CUT] = 1), false, WEIR_FINAL_EXHAUSTED },
		/* The rest. */
		{ SEEN([WEIR_OUT_OVERLOADED] = 1, [WEIR_OUT_CUT] = 2), false,
		  WEIR_FINAL_OVERLOADED },
		{ SEEN([WEIR_OUT_CREDENTIALS] = 1, [WEIR_OUT_RATE_LIMITED] = 2), false,
		  WEIR_FINAL_EXHAUSTED },
		{ BOTH([WEIR_OUT_CREDENTIALS] = 1, 2, 2, 0), false, WEIR_FINAL_EXHAUSTED },
	};

	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct weir_seen seen = rows[i].seen;
		enum weir_final final;

		for (unsigned out = 0; out < WEIR_OUT_N; out++)
			seen.attempts += seen.tried[out];
		final = weir_verdict_of(&seen, rows[i].late);
		if (final != rows[i].final)
			NOTE("row %u: %s", i, weir_final_row(final)->name);
		CHECK_INT(final, rows[i].final);
	}
}

/* max(4, retries + steps), at most 8. */
TEST(attempts_follow_from_retries_and_steps)
{
	static const unsigned rows[][3] = { { 0, 1, 4 }, { 1, 2, 4 }, { 1, 3, 4 },
					    { 2, 3, 5 }, { 0, 5, 5 }, { 3, 4, 7 },
					    { 4, 4, 8 }, { 3, 6, 8 }, { 0, 16, 8 } };

	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
		CHECK_INT(weir_plan_attempts(rows[i][0], rows[i][1]), rows[i][2]);
}

/* 200 ms, doubled up to 5 s, and any part of it. */
TEST(a_pause_is_any_part_of_what_doubles)
{
	static const struct {
		unsigned retries;
		uint64_t most_ms;
	} rows[] = { { 0, 200 },  { 1, 400 },  { 2, 800 },   { 3, 1600 },
		     { 4, 3200 }, { 5, 5000 }, { 20, 5000 }, { 1000000, 5000 } };
	struct weir_rng rng;

	weir_rng_init(&rng, 1);
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint64_t least = UINT64_MAX, most = 0;

		for (unsigned n = 0; n < 100000; n++) {
			uint64_t ms = weir_backoff_ms(rows[i].retries, &rng);

			least = ms < least ? ms : least;
			most = ms > most ? ms : most;
		}
		CHECK_INT(least, 0);
		CHECK_INT(most, rows[i].most_ms);
	}
}

TEST_MAIN
