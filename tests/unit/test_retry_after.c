#include "test.h"

#include "policy/retry_after.h"

#define NONE UINT64_MAX
#define NOW  UINT64_C(1795255205250) /* 2026-11-21T10:00:05.250Z, a Saturday */
#define YEAR (UINT64_C(365) * 86400 * 1000)
#define MAX  (200 * YEAR) /* what is longer counts as this */

struct row {
	const char *text;
	uint64_t ms; /* NONE: no statement */
};

#define CHECK_ROWS(rows, field)                                       \
	for (size_t i_ = 0; i_ < sizeof(rows) / sizeof *(rows); i_++) \
	check_row(&(rows)[i_],                                        \
		  &(struct weir_retry_hints){ .field = weir_slice_of((rows)[i_].text) }, #field)

static void check_row(const struct row *row, const struct weir_retry_hints *hints,
		      const char *field)
{
	uint64_t ms = 12345;
	bool stated = weir_retry_after(hints, NOW, &ms);
	int before = test_failures;

	CHECK(stated == (row->ms != NONE));
	if (stated)
		CHECK_INT(ms, row->ms);
	if (test_failures > before)
		NOTE("%s: %s", field, row->text);
}

TEST(retry_after_ms_is_a_number_of_milliseconds)
{
	static const struct row rows[] = {
		{ "0", 0 },
		{ "1", 1 },
		{ "1500", 1500 },
		{ "1500.5", 1501 },
		{ " 250 ", 250 },
		{ "-1", 0 },
		{ "-0.5", 0 },
		{ "", NONE },
		{ "soon", NONE },
		{ "-", NONE },
		{ "1.", NONE },
		{ ".5", NONE },
		{ "20s", NONE },
		{ "1e3", NONE },
		{ "0x10", NONE },
		{ "1,5", NONE },
		{ "NaN", NONE },
		{ "1 2", NONE },
		{ "+5", NONE },
		{ "--5", NONE },
		{ "315360000000", 10 * YEAR },
		{ "99999999999999999999999999", MAX },
	};

	CHECK_ROWS(rows, retry_after_ms);
}

TEST(retry_after_is_seconds_or_a_date)
{
	static const struct row rows[] = {
		{ "0", 0 },
		{ "20", 20000 },
		{ "0.5", 500 },
		{ "1.0001", 1001 },
		{ " 7\t", 7000 },
		{ "0000007", 7000 },
		{ "86400", 86400000 },
		{ "315360000", 10 * YEAR },
		{ "999999999", UINT64_C(999999999000) },
		{ "1795255225", 19750 },    /* a moment, in seconds… */
		{ "1795255225250", 20000 }, /* …and in milliseconds */
		{ "1795255205", 0 },
		{ "99999999999999999999999999999999", MAX },
		{ "-20", 0 },
		{ "-0.5", 0 },
		{ "20s", 20000 },
		{ "1m30s", 90000 },
		{ "", NONE },
		{ "soon", NONE },
		{ "-soon", NONE },
		{ "twenty", NONE },
		{ "20 seconds", NONE },
		{ "20;", NONE },
		{ "2e1", NONE },
		{ "0x14", NONE },
		{ "inf", NONE },
		{ "20, 20", NONE },
		{ "Sat, 21 Nov 2026 10:00:25 GMT", 19750 },
		{ "sat, 21 nov 2026 10:00:25 gmt", 19750 },
		{ "Sat, 21 Nov 2026 10:00:05 GMT", 0 },
		{ "Wed, 21 Oct 2015 07:28:00 GMT", 0 },
		{ "Sun, 06 Nov 1994 08:49:37 GMT", 0 },
		{ "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
		{ "Wed, 31 Dec 1969 23:59:59 GMT", 0 },
		{ "Sun, 22 Nov 2026 00:00:00 GMT", UINT64_C(50394750) },
		{ "Tue, 29 Feb 2028 00:00:00 GMT", UINT64_C(40139994750) },
		{ "Saturday, 21-Nov-26 10:00:25 GMT", 19750 },
		{ "Sunday, 06-Nov-94 08:49:37 GMT", 0 },
		{ "Saturday, 21-Nov-76 10:00:05 GMT", UINT64_C(18263) * 86400000 - 250 },
		{ "Saturday, 21-Nov-77 10:00:05 GMT", 0 },
		{ "Sat Nov 21 10:00:25 2026", 19750 },
		{ "Sun Nov  6 08:49:37 1994", 0 },
		{ "Tue Dec  1 10:00:05 2026", UINT64_C(864000000) - 250 },
		{ "2026-11-21T10:00:25Z", 19750 },
		{ "Sat, 21 Nov 2026 10:00:25", NONE },
		{ "Sat, 21 Nov 2026 10:00:25 CET", NONE },
		{ "Sat, 21 Nov 2026 10:00:25 GMT+1", NONE },
		{ "Sat, 21 Nov 2026 25:00:25 GMT", NONE },
		{ "Sat, 21 Nov 2026 10:60:25 GMT", NONE },
		{ "Sat, 21 Nov 2026 10:00:61 GMT", NONE },
		{ "Sat, 00 Nov 2026 10:00:25 GMT", NONE },
		{ "Sat, 32 Nov 2026 10:00:25 GMT", NONE },
		{ "Sat, 21 Foo 2026 10:00:25 GMT", NONE },
		{ "Sat, 21 November 2026 10:00:25 GMT", NONE },
		{ "Sat, 21 Nov 2026", NONE },
		{ "Sat,21 Nov 2026 10:00:25 GMT", NONE },
		{ "Sat Nov 21 10:00:25", NONE },
		{ "Sat", NONE },
	};

	CHECK_ROWS(rows, retry_after);
}

TEST(google_says_a_duration)
{
	static const struct row rows[] = {
		{ "22s", 22000 }, { "34.074824224s", 34075 },
		{ "0s", 0 },      { "0.000001s", 1 },
		{ "", NONE },     { "s", NONE },
		{ "22 s", NONE }, { "1h", 3600000 },
		{ "-3s", 0 },
	};

	CHECK_ROWS(rows, retry_info);
}

static const char *const bucket_names[WEIR_RETRY_BUCKETS] = { "requests",     "requests a day",
							      "tokens",       "tokens a minute",
							      "project",      "input tokens",
							      "output tokens" };

/* The same forms say until when what is left must last. */
static void check_reset(const struct row *row)
{
	struct weir_retry_hints hints = { .buckets[WEIR_RETRY_TOKENS] = {
						  WEIR_SLICE("12"), weir_slice_of(row->text) } };
	struct weir_limits_news news;
	int before = test_failures;

	weir_limits_read(&hints, NOW, &news);
	CHECK(news.tokens_known == (row->ms != NONE));
	if (news.tokens_known) {
		CHECK_INT(news.tokens_left, 12);
		CHECK_INT(news.tokens_reset_ms, row->ms);
	}
	if (test_failures > before)
		NOTE("reset: %s", row->text);
}

TEST(reset_headers_have_many_forms)
{
	static const struct row rows[] = {
		{ "1s", 1000 },
		{ "6m0s", 360000 },
		{ "12ms", 12 },
		{ "1h2m3.5s", 3723500 },
		{ "59.7s", 59700 },
		{ "1d1h", 90000000 },
		{ "500us", 1 },
		{ "1500\xc2\xb5s", 2 },
		{ "1500\xce\xbcs", 2 },
		{ "1ns", 1 },
		{ "0", 0 },
		{ "17", 17000 },
		{ "7.66", 7660 },
		{ "1795255225", 19750 },
		{ "1795255225250", 20000 },
		{ "1795255205.5", 0 },
		{ "2026-11-21T10:00:25Z", 19750 },
		{ "2026-11-21T10:00:25.5Z", 20250 },
		{ "2026-11-21t10:00:25z", 19750 },
		{ "2026-11-21 10:00:25Z", 19750 },
		{ "2026-11-21T11:00:25+01:00", 19750 },
		{ "2026-11-21T04:30:25-05:30", 19750 },
		{ "2026-11-21T09:00:00Z", 0 },
		{ "1970-01-01T00:30:00+01:00", 0 },
		{ "2026-11-21T10:00:25", NONE },
		{ "2026-11-21", NONE },
		{ "2026-13-21T10:00:25Z", NONE },
		{ "2026-11-21T10:00:25+1", NONE },
		{ "2026-11-21T10:00:25Zx", NONE },
		{ "1m30", NONE },
		{ "1x", NONE },
		{ "m", NONE },
		{ "1m 2s", NONE },
		{ "1S", NONE },
		{ "", NONE },
	};
	uint64_t ms;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct weir_slice text = weir_slice_of(rows[i].text), zero = WEIR_SLICE("0");

		for (unsigned b = 0; b < WEIR_RETRY_BUCKETS; b++) {
			struct weir_retry_hints hints = { 0 };

			hints.buckets[b].remaining = zero;
			hints.buckets[b].reset = text;
			check_row(&rows[i], &hints, bucket_names[b]);
		}
		check_reset(&rows[i]);
	}
	CHECK(weir_retry_after(
		&(struct weir_retry_hints){
			.buckets[WEIR_RETRY_REQUESTS] = { WEIR_SLICE("0"), WEIR_SLICE("9s") },
			.buckets[WEIR_RETRY_TOKENS] = { WEIR_SLICE("0"), WEIR_SLICE("30s") },
			.buckets[WEIR_RETRY_TOKENS_IN] = { WEIR_SLICE("0"), WEIR_SLICE("8s") },
			.buckets[WEIR_RETRY_TOKENS_OUT] = { WEIR_SLICE("1"), WEIR_SLICE("60s") } },
		NOW, &ms));
	CHECK_INT(ms, 30000);
}

TEST(only_an_empty_bucket_counts)
{
	static const char *const remaining[] = { NULL, "", "1", "0.5", "100", "none", "0x", "-0" };
	uint64_t ms;

	for (size_t i = 0; i < sizeof remaining / sizeof *remaining; i++) {
		struct weir_retry_hints hints = { 0 };

		for (unsigned b = 0; b < WEIR_RETRY_BUCKETS; b++) {
			hints.buckets[b].remaining = weir_slice_of(remaining[i]);
			hints.buckets[b].reset = WEIR_SLICE("9s");
		}
		CHECK(!weir_retry_after(&hints, NOW, &ms));
	}
}

/* What is left by bucket, as "amount reset": what that comes to. NULL: says nothing. */
struct levels {
	const char *said[WEIR_RETRY_BUCKETS][2];
	struct weir_limits_news news;
};

static struct weir_limits_news read_levels(const struct levels *levels)
{
	struct weir_retry_hints hints = { 0 };
	struct weir_limits_news news;

	for (unsigned b = 0; b < WEIR_RETRY_BUCKETS; b++) {
		hints.buckets[b].remaining = weir_slice_of(levels->said[b][0]);
		hints.buckets[b].reset = weir_slice_of(levels->said[b][1]);
	}
	memset(&news, 0xff, sizeof news);
	weir_limits_read(&hints, NOW, &news);
	return news;
}

static void check_levels(const struct levels *levels, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct weir_limits_news news = read_levels(&levels[i]), want = levels[i].news;
		int before = test_failures;

		CHECK(news.requests_known == want.requests_known);
		CHECK_INT(news.requests_left, want.requests_left);
		CHECK_INT(news.requests_reset_ms, want.requests_reset_ms);
		CHECK(news.tokens_known == want.tokens_known);
		CHECK_INT(news.tokens_left, want.tokens_left);
		CHECK_INT(news.tokens_reset_ms, want.tokens_reset_ms);
		if (test_failures > before)
			NOTE("row %zu", i);
	}
}

#define CHECK_LEVELS(rows)         check_levels(rows, sizeof(rows) / sizeof *(rows))
#define REQUESTS_LEFT(left, reset) { true, false, left, reset, 0, 0 }
#define TOKENS_LEFT(left, reset)   { false, true, 0, 0, left, reset }
#define NOTHING                    { 0 }

TEST(limits_are_read_from_every_bucket)
{
	static const struct levels rows[] = {
		{ { { NULL } }, NOTHING },
		{ { [WEIR_RETRY_REQUESTS] = { "59", "1s" } }, REQUESTS_LEFT(59, 1000) },
		{ { [WEIR_RETRY_REQUESTS_DAY] = { "14000", "32801.5" } },
		  REQUESTS_LEFT(14000, 32801500) },
		{ { [WEIR_RETRY_TOKENS] = { "149984", "6ms" } }, TOKENS_LEFT(149984, 6) },
		{ { [WEIR_RETRY_TOKENS_MINUTE] = { "0", "11.38" } }, TOKENS_LEFT(0, 11380) },
		{ { [WEIR_RETRY_TOKENS_PROJECT] = { "7", "1m0s" } }, TOKENS_LEFT(7, 60000) },
		{ { [WEIR_RETRY_TOKENS_IN] = { "3000", "2026-11-21T10:00:25Z" } },
		  TOKENS_LEFT(3000, 19750) },
		{ { [WEIR_RETRY_TOKENS_OUT] = { "0", "2026-11-21T10:00:25Z" } },
		  TOKENS_LEFT(0, 19750) },
		{ { [WEIR_RETRY_REQUESTS] = { "5", "1s" }, [WEIR_RETRY_TOKENS] = { "6", "2s" } },
		  { true, true, 5, 1000, 6, 2000 } },
	};

	CHECK_LEVELS(rows);
}

TEST(the_tightest_limit_is_told)
{
	static const struct levels rows[] = {
		{ { [WEIR_RETRY_TOKENS] = { "900", "1s" },
		    [WEIR_RETRY_TOKENS_IN] = { "800", "2s" } },
		  TOKENS_LEFT(800, 2000) },
		{ { [WEIR_RETRY_TOKENS] = { "800", "2s" },
		    [WEIR_RETRY_TOKENS_IN] = { "900", "9s" } },
		  TOKENS_LEFT(800, 2000) },
		{ { [WEIR_RETRY_REQUESTS] = { "0", "3s" },
		    [WEIR_RETRY_REQUESTS_DAY] = { "0", "1h" } },
		  REQUESTS_LEFT(0, 3600000) },
		{ { [WEIR_RETRY_REQUESTS] = { "0", "2h" },
		    [WEIR_RETRY_REQUESTS_DAY] = { "0", "1h" } },
		  REQUESTS_LEFT(0, 7200000) },
		/* Full again: it limits nothing, but beside no other that is news, too. */
		{ { [WEIR_RETRY_TOKENS] = { "5", "0s" }, [WEIR_RETRY_TOKENS_IN] = { "800", "2s" } },
		  TOKENS_LEFT(800, 2000) },
		{ { [WEIR_RETRY_TOKENS] = { "800", "2s" }, [WEIR_RETRY_TOKENS_IN] = { "5", "0s" } },
		  TOKENS_LEFT(800, 2000) },
		{ { [WEIR_RETRY_TOKENS] = { "0", "2026-11-21T09:00:00Z" } }, TOKENS_LEFT(0, 0) },
		{ { [WEIR_RETRY_TOKENS] = { "0", "-5" } }, TOKENS_LEFT(0, 0) },
	};

	CHECK_LEVELS(rows);
}

TEST(output_tokens_limit_when_none_are_left)
{
	static const struct levels rows[] = {
		{ { [WEIR_RETRY_TOKENS_OUT] = { "1000", "20s" } }, NOTHING },
		{ { [WEIR_RETRY_TOKENS] = { "9000", "5s" },
		    [WEIR_RETRY_TOKENS_OUT] = { "1000", "20s" } },
		  TOKENS_LEFT(9000, 5000) },
		{ { [WEIR_RETRY_TOKENS] = { "9000", "5s" },
		    [WEIR_RETRY_TOKENS_OUT] = { "0", "20s" } },
		  TOKENS_LEFT(0, 20000) },
	};

	CHECK_LEVELS(rows);
}

TEST(limits_that_cannot_be_read_are_none)
{
	static const char *const amounts[] = { NULL,        "",   " ",     "-1",
					       "unlimited", "1k", "1,000", "0x10" };
	static const char *const resets[] = { NULL, "", "soon", "tomorrow", "1m30", "2026-11-21" };

	for (size_t i = 0; i < sizeof amounts / sizeof *amounts; i++)
		check_levels(&(struct levels){ { { amounts[i], "1s" } }, NOTHING }, 1);
	for (size_t i = 0; i < sizeof resets / sizeof *resets; i++)
		check_levels(&(struct levels){ { { "5", resets[i] } }, NOTHING }, 1);
	check_levels(&(struct levels){ { { " 5 ", " 1s\t" } }, REQUESTS_LEFT(5, 1000) }, 1);
	check_levels(&(struct levels){ { { "5.9", "1s" } }, REQUESTS_LEFT(5, 1000) }, 1);
	check_levels(&(struct levels){ { { "99999999999999999999999999", "999999999999h" } },
				       REQUESTS_LEFT(UINT64_C(999999999999999999), MAX) },
		     1);
}

TEST(messages_say_it_in_words)
{
	static const struct row rows[] = {
		{ "Rate limit reached. Please try again in 20s. Visit https://x", 20000 },
		{ "Please try again in 6m0s.", 360000 },
		{ "Please try again in 7m12s.", 432000 },
		{ "Please try again in 7m12.5s.", 432500 },
		{ "Try again in 1.5s", 1500 },
		{ "Please retry in 22.3s.", 22300 },
		{ "try again in 250ms", 250 },
		{ "Please retry in 22.302711586s.", 22303 },
		{ "Please retry after 7 seconds.", 7000 },
		{ "retry after 1 second", 1000 },
		{ "Retry After 2 Minutes", 120000 },
		{ "retry after 1 minute 30 seconds", 90000 },
		{ "Try again after 1 hour.", 3600000 },
		{ "retry in 100 milliseconds", 100 },
		{ "retry in 3 secs, or 5 mins", 3000 },
		{ "please try again in 1 day", 86400000 },
		{ "try again in a moment, or retry in 5s", 5000 },
		{ "try again in 5", NONE },
		{ "try again in 5 models", NONE },
		{ "try again in -5s", NONE },
		{ "try again in seconds", NONE },
		{ "try again in ", NONE },
		{ "try again later", NONE },
		{ "entry in 5s", NONE },
		{ "5s", NONE },
		{ "", NONE },
		{ "try again in 99999999999999999999999999999h", MAX },
	};

	CHECK_ROWS(rows, message);
}

/* Each hint is taken away in turn, the strongest first. */
TEST(the_strongest_statement_wins)
{
	struct weir_retry_hints h = {
		.retry_after_ms = WEIR_SLICE("1"),
		.retry_after = WEIR_SLICE("2"),
		.retry_info = WEIR_SLICE("3s"),
		.buckets[WEIR_RETRY_REQUESTS] = { WEIR_SLICE("0"), WEIR_SLICE("4s") },
		.message = WEIR_SLICE("try again in 5s"),
	};
	uint64_t ms = 0;

	CHECK(weir_retry_after(&h, NOW, &ms));
	CHECK_INT(ms, 1);
	h.retry_after_ms = WEIR_SLICE("garbage");
	CHECK(weir_retry_after(&h, NOW, &ms));
	CHECK_INT(ms, 2000);
	h.retry_after = WEIR_SLICE("garbage");
	CHECK(weir_retry_after(&h, NOW, &ms));
	CHECK_INT(ms, 3000);
	h.retry_info = (struct weir_slice){ 0 };
	CHECK(weir_retry_after(&h, NOW, &ms));
	CHECK_INT(ms, 4000);
	h.buckets[WEIR_RETRY_REQUESTS].remaining = WEIR_SLICE("1");
	CHECK(weir_retry_after(&h, NOW, &ms));
	CHECK_INT(ms, 5000);
	h.message = WEIR_SLICE("no");
	CHECK(!weir_retry_after(&h, NOW, &ms));
	CHECK(!weir_retry_after(&(struct weir_retry_hints){ 0 }, NOW, &ms));
}

TEST(durations_are_parsed_whole)
{
	static const struct row rows[] = {
		{ "1h2m3.5s", 3723500 }, { "250ms", 250 },     { "59.7s", 59700 },
		{ "20", 20000 },         { "0.25", 250 },      { " 20s ", 20000 },
		{ "2m", 120000 },        { "0s", 0 },          { "1.5h", 5400000 },
		{ "2s3s", 5000 },        { "", NONE },         { "s", NONE },
		{ "-1s", NONE },         { "+1s", NONE },      { "1s ago", NONE },
		{ "1 s", NONE },         { "1sx", NONE },      { "1 minute", NONE },
		{ "1seconds", NONE },    { "99999999d", MAX }, { "1m1", NONE },
	};
	uint64_t ms;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int before = test_failures;
		bool ok = weir_duration_parse(weir_slice_of(rows[i].text), &ms);

		CHECK(ok == (rows[i].ms != NONE));
		if (ok)
			CHECK_INT(ms, rows[i].ms);
		if (test_failures > before)
			NOTE("%s", rows[i].text);
	}
}

/* No prefix of any form is read past its end. */
TEST(nothing_is_read_past_the_end)
{
	static const char *const texts[] = { "Sat, 21 Nov 2026 10:00:25 GMT",
					     "Saturday, 21-Nov-26 10:00:25 GMT",
					     "Sat Nov 21 10:00:25 2026",
					     "2026-11-21T10:00:25.5+01:00",
					     "1h2m3.5s",
					     "1500\xc2\xb5s",
					     "please retry after 1 minute 30 seconds" };

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		for (size_t n = 0; n <= strlen(texts[i]); n++) {
			char *copy = malloc(n ? n : 1);
			struct weir_slice s = weir_slice(copy, n), zero = WEIR_SLICE("0");
			struct weir_retry_hints hints = { s, s, s, s, { { zero, s }, { s, s } } };
			struct weir_limits_news news;
			uint64_t ms;

			memcpy(copy, texts[i], n);
			weir_retry_after(&hints, NOW, &ms);
			weir_limits_read(&hints, NOW, &news);
			free(copy);
		}
	}
}

TEST_MAIN
