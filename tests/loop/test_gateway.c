#include "gateway_world.h"

/* What a caller of the API hears, script by script. */

/* Without the milliseconds of each attempt. */
static void strip_times(char *trail)
{
	char *to = trail;

	for (const char *at = trail; *at; at++) {
		if (*at == ';' && at[1] >= '0' && at[1] <= '9' &&
		    at[1 + strspn(at + 1, "0123456789")] == 'm')
			at += 2 + strspn(at + 1, "0123456789");
		else
			*to++ = *at;
	}
	*to = '\0';
}

struct row {
	const char *alpha, *beta, *gamma; /* NULL: 200 */
	const char *body;
	int status;
	const char *trail;
	const char *has;
	const char *outcome;
};

#define A1   "alpha/m1#1"
#define A2   "alpha/m1#2"
#define B1   "beta/m2#1"
#define OK_A ", alpha/m1#1;200;ok"
#define OK_B ", beta/m2#1;200;ok"

static const struct row rows[] = {
	{ "200", NULL, NULL, PLAIN, 200, A1 ";200;ok", "alpha N1: tok0", ":\"ok\"" },
	{ "200", NULL, NULL, STREAM, 200, A1 ";200;ok", "[DONE]", ":\"ok\"" },
	{ "400", NULL, NULL, PLAIN, 400, A1 ";400;caller", "invalid_value", ":\"caller_error\"" },
	{ "422", NULL, NULL, STREAM, 422, A1 ";422;caller", "detail", ":\"caller_error\"" },
	{ "413;early", NULL, NULL, PLAIN, 413, A1 ";413;caller", NULL, ":\"caller_error\"" },
	{ "content_policy", NULL, NULL, PLAIN, 400, A1 ";400;caller", NULL, ":\"caller_error\"" },
	{ "404", NULL, NULL, PLAIN, 200, A1 ";404;not_here" OK_B, "beta N1", ":\"failed_over\"" },
	{ "404", "404", "404", PLAIN, 404,
	  A1 ";404;not_here, " B1 ";404;not_here, gamma/m3#1;404;not_here", "`m3` does not exist",
	  ":\"exhausted\"" },
	{ "context-length", NULL, NULL, PLAIN, 400, A1 ";400;not_here", "context_length", NULL },
	{ "error-200;code=context_length_exceeded", NULL, NULL, PLAIN, 400, A1 ";200;not_here",
	  "context_length", NULL },
	{ "error-event;code=context_length_exceeded", NULL, NULL, STREAM, 400, A1 ";200;not_here",
	  "context_length", NULL },
	{ "401,200", NULL, NULL, PLAIN, 200, A1 ";401;credentials, " A2 ";200;ok", "alpha N1",
	  ":\"failed_over\"" },
	{ "403", NULL, NULL, PLAIN, 200, A1 ";403;credentials, " A2 ";403;credentials" OK_B,
	  "beta N1", NULL },
	{ "quota,429", NULL, NULL, PLAIN, 200, A1 ";429;quota, " A2 ";429;rate_limited" OK_B, NULL,
	  NULL },
	{ "503", NULL, NULL, STREAM, 200, A1 ";503;overloaded" OK_B, "beta N1", NULL },
	{ "529", NULL, NULL, PLAIN, 200, A1 ";529;overloaded" OK_B, NULL, NULL },
	{ "500", NULL, NULL, PLAIN, 200, A1 ";500;server_error" OK_B, NULL, NULL },
	{ "502", "408", NULL, PLAIN, 200,
	  A1 ";502;server_error, " B1 ";408;server_error, gamma/m3#1;200;ok", NULL, NULL },
	{ "301", NULL, NULL, PLAIN, 200, A1 ";301;server_error" OK_B, NULL, NULL },
	{ "204", NULL, NULL, PLAIN, 200, A1 ";204;server_error" OK_B, NULL, NULL },
	{ "bad-json", NULL, NULL, PLAIN, 200, A1 ";200;server_error" OK_B, NULL, NULL },
	{ "bad-json", NULL, NULL, STREAM, 200, A1 ";200;server_error" OK_B, NULL, NULL },
	{ "html", NULL, NULL, PLAIN, 200, A1 ";200;server_error" OK_B, NULL, NULL },
	{ "error-200", NULL, NULL, PLAIN, 200, A1 ";200;server_error" OK_B, NULL, NULL },
	{ "error-event", NULL, NULL, STREAM, 200, A1 ";200;server_error" OK_B, NULL, NULL },
	{ "empty", NULL, NULL, STREAM, 200, A1 ";200;server_error" OK_B, NULL, NULL },
	{ "no-choices", NULL, NULL, PLAIN, 200, A1 ";200;server_error" OK_B, NULL, NULL },
	{ "raw;text=SSH-2.0-x%0d%0a", NULL, NULL, PLAIN, 200, A1 ";-;server_error" OK_B, NULL,
	  NULL },
	{ "extra", NULL, NULL, PLAIN, 200, A1 ";200;ok", NULL, NULL },
	{ "refuse", NULL, NULL, PLAIN, 200, A1 ";-;unreachable" OK_B, NULL, NULL },
	{ "reset", NULL, NULL, PLAIN, 200, A1 ";-;unreachable" OK_B, NULL, NULL },
	{ "reset@accept", NULL, NULL, PLAIN, 200, A1 ";-;unreachable" OK_B, NULL, NULL },
	{ "reset@status", NULL, NULL, PLAIN, 200, A1 ";-;server_error" OK_B, NULL, NULL },
	{ "reset@half", NULL, NULL, PLAIN, 200, A1 ";200;cut" OK_B, "beta N1", NULL },
	{ "close@role", NULL, NULL, STREAM, 200, A1 ";200;cut" OK_B, "beta N1", NULL },
	{ "truncated", NULL, NULL, PLAIN, 200, A1 ";200;cut" OK_B, NULL, NULL },
	{ "hang", NULL, NULL, PLAIN, 200, A1 ";-;slow" OK_B, NULL, NULL },
	{ "hang@role", NULL, NULL, STREAM, 200, A1 ";200;slow" OK_B, NULL, NULL },
	{ "blackhole", NULL, NULL, PLAIN, 200, A1 ";-;slow" OK_B, NULL, NULL },
	{ "no-done", NULL, NULL, STREAM, 200, A1 ";200;ok", "[DONE]", NULL },
	{ "503", "500", "hang", PLAIN, 503,
	  A1 ";503;overloaded, " B1 ";500;server_error, gamma/m3#1;-;slow",
	  "\"code\":\"overloaded\",\"attempts\":[{\"target\":\"" A1 "\",\"status\":503,\"class\":",
	  ":\"exhausted\"" },
	{ "500", "500", "refuse", PLAIN, 502,
	  A1 ";500;server_error, " B1 ";500;server_error, gamma/m3#1;-;unreachable",
	  "\"status\":null,\"class\":\"unreachable\",\"reason\":\"connect\",\"ms\":",
	  ":\"exhausted\"" },
	{ "hang", "hang", "hang", PLAIN, 504, A1 ";-;slow, " B1 ";-;slow, gamma/m3#1;-;slow",
	  "\"code\":\"deadline_exceeded\"", ":\"exhausted\"" },
	{ "429", "429", "429;retry-after=20", PLAIN, 429,
	  A1 ";429;rate_limited, " A2 ";429;rate_limited, " B1 ";429;rate_limited, beta/m2#2;429;"
	     "rate_limited, gamma/m3#1;429;rate_limited, gamma/m3#2;429;rate_limited",
	  "rate_limit_exceeded", ":\"exhausted\"" },
	{ "quota", "quota", "quota", PLAIN, 429, NULL, "insufficient_quota", ":\"exhausted\"" },
};

static void check_row(const struct row *row)
{
	const char *const scripts[] = { row->alpha, row->beta, row->gamma };
	static struct place p;
	static struct ask ask;
	char line[80];
	bool streamed, silent = false;

	for (int i = 0; i < PLACE_VENDORS; i++)
		silent |= scripts[i] && (strstr(scripts[i], "hang") || strstr(scripts[i], "hole"));
	REQUIRE(place_open(&p, silent ? "retries: 0, max_attempts: 8, attempt_timeout: 150ms, "
					"connect_timeout: 150ms"
				      : "retries: 0, max_attempts: 8"));
	for (int i = 0; i < PLACE_VENDORS; i++)
		if (scripts[i])
			place_script(&p, place_names[i], scripts[i]);
	CHECK_INT(ask_whole(&p, &ask, row->body), row->status);
	CHECK(ask.whole && ask.starts == 1);
	strip_times(ask.trail);
	if (row->trail)
		CHECK_STR(ask.trail, row->trail);
	if (row->has && !strstr(ask.body, row->has))
		CHECK_STR(ask.body, row->has);
	if (row->outcome) {
		snprintf(line, sizeof line, "\"outcome\"%s", row->outcome);
		CHECK_INT(place_logged(&p, line), 1);
	}
	streamed = ask.status == 200 && strstr(row->body, "stream");
	CHECK_STR(ask.type, streamed ? "text/event-stream; charset=utf-8" : "application/json");
	place_close(&p);
}

TEST(every_class_of_failure)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int before = test_failures;

		check_row(&rows[i]);
		if (test_failures != before)
			NOTE("row %zu: %s", i, rows[i].alpha);
	}
}

static struct place p;
static struct ask ask, other;

#define ON_M9(more) "{\"model\":\"m9\",\"messages\":[]" more "}"

/* Nothing else is left: a stated time is waited out once, if it is short. */
TEST(a_short_bench_is_waited_out_once)
{
	static const struct {
		const char *script;
		int status;
		const char *trail;
		bool waits;
	} cases[] = {
		{ "429;retry-after=ms:80*2,200", 200,
		  "gamma/m9#1;429;rate_limited, gamma/m9#2;429;rate_limited, gamma/m9#1;200;ok",
		  true },
		{ "429;retry-after=ms:60", 429,
		  "gamma/m9#1;429;rate_limited, gamma/m9#2;429;rate_limited, "
		  "gamma/m9#1;429;rate_limited",
		  true },
		{ "429;retry-after=11", 429,
		  "gamma/m9#1;429;rate_limited, gamma/m9#2;429;rate_limited", false },
		{ "429", 429, "gamma/m9#1;429;rate_limited, gamma/m9#2;429;rate_limited", false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint64_t began;

		REQUIRE(place_open(&p, "retries: 0"));
		place_script(&p, "gamma/m9", cases[i].script);
		began = uv_now(&p.w.loop);
		CHECK_INT(ask_whole(&p, &ask, ON_M9("")), cases[i].status);
		strip_times(ask.trail);
		CHECK_STR(ask.trail, cases[i].trail);
		if (cases[i].waits)
			CHECK(uv_now(&p.w.loop) >= began + 55);
		else
			CHECK(uv_now(&p.w.loop) < began + 5000);
		place_close(&p);
	}
}

/* The pooled connection was stale, and nobody answers the new one: the connect timer ends
 * that, not the whole attempt's. */
TEST(a_replacement_has_its_connect_timer)
{
	REQUIRE(place_open(&p, "retries: 0, connect_timeout: 50ms, attempt_timeout: 15s"));
	CHECK_INT(ask_whole(&p, &ask, PLAIN), 200);
	place_script(&p, "alpha", "close,blackhole");
	CHECK_INT(ask_whole(&p, &ask, PLAIN), 200);
	strip_times(ask.trail);
	CHECK_STR(ask.trail, "alpha/m1#2;-;slow, beta/m2#1;200;ok");
	CHECK_INT(place_logged(&p, "\"reason\":\"connect_timeout\""), 1);
	place_close(&p);
}

TEST(the_deadline_ends_it)
{
	uint64_t began;

	REQUIRE(place_open(&p, "retries: 0, deadline: 120ms"));
	for (int i = 0; i < PLACE_VENDORS; i++)
		place_script(&p, place_names[i], "hang");
	began = uv_now(&p.w.loop);
	CHECK_INT(ask_whole(&p, &ask, PLAIN), 504);
	CHECK(uv_now(&p.w.loop) >= began + 60 && uv_now(&p.w.loop) < began + 5000);
	CHECK(strstr(ask.body, "deadline_exceeded"));
	place_close(&p);
}

/* One at a time: the second goes on at once, and it shows. */
TEST(a_full_target_is_stepped_past)
{
	REQUIRE(place_open_first(&p, "retries: 0", "", ", max_inflight: 1"));
	place_script(&p, "alpha", "200;latency=30ms");
	CHECK_INT(ask_start(&p, &other, PLAIN), 0);
	CHECK_INT(ask_whole(&p, &ask, PLAIN), 200);
	strip_times(ask.trail);
	CHECK_STR(ask.trail, "beta/m2#1;200;ok");
	CHECK_INT(place_logged(&p, "\"class\":\"at_cap\""), 1);
	CHECK_INT(place_logged(&p, "\"outcome\":\"failed_over\""), 1);
	ask_wait(&other);
	CHECK(strncmp(other.target, "alpha", 5) == 0);
	CHECK_INT(ask_whole(&p, &ask, PLAIN), 200); /* the place is free again */
	CHECK(strncmp(ask.target, "alpha", 5) == 0);
	place_close(&p);
}

/* Nobody else may serve it: it waits a moment, and has its turn. */
TEST(when_all_are_full_one_waits_for_room)
{
	REQUIRE(place_open_first(&p, "retries: 0", "", ", max_inflight: 1"));
	place_script(&p, "alpha", "200;latency=30ms");
	CHECK_INT(ask_start(&p, &other, PLAIN), 0);
	CHECK_INT(ask_whole(&p, &ask, "{\"model\":\"m1\",\"messages\":[],\"fallbacks\":[]}"), 200);
	strip_times(ask.trail);
	CHECK_STR(ask.trail, "alpha/m1#2;200;ok");
	ask_wait(&other);
	CHECK_INT(other.status, 200);
	place_close(&p);
}

TEST(when_all_stay_full_none_is_usable)
{
	REQUIRE(place_open_first(&p, "retries: 0", "", ", max_inflight: 1"));
	place_script(&p, "alpha", "200;latency=1500ms");
	CHECK_INT(ask_start(&p, &other, PLAIN), 0);
	CHECK_INT(ask_whole(&p, &ask, "{\"model\":\"m1\",\"messages\":[],\"fallbacks\":[]}"), 503);
	CHECK(strstr(ask.body, "\"code\":\"no_usable_target\",\"attempts\":[]"));
	CHECK_STR(ask.trail, "");
	ask_wait(&other);
	CHECK_INT(other.status, 200);
	place_close(&p);
}

/* product §8, key by key and in this order. */
static void check_keys(const char *event, const char *keys)
{
	const char *line = strstr(p.log, event), *end;
	char text[2048], *key = text, *next;

	REQUIRE(line);
	while (line > p.log && line[-1] != '\n')
		line--;
	end = strchr(line, '\n');
	snprintf(text, sizeof text, "%s", keys);
	for (; *key; key = next) {
		char quoted[64];
		size_t n = strcspn(key, " ");

		next = key + n + (key[n] == ' ');
		snprintf(quoted, sizeof quoted, "\"%.*s\":", (int)n, key);
		line = strstr(line, quoted);
		if (!test_check(line && line < end, __FILE__, __LINE__, quoted))
			return;
	}
}

TEST(log_lines_have_their_form)
{
	REQUIRE(place_open(&p, "retries: 1"));
	place_script(&p, "alpha", "500*2,200");
	CHECK_INT(ask_whole(&p, &ask, STREAM), 200);
	check_keys(":\"retry\"", "request_id chain from to class reason status attempt elapsed_ms "
				 "remaining_ms");
	check_keys(":\"fallback\"",
		   "request_id chain from to class reason status attempt elapsed_ms "
		   "remaining_ms");
	check_keys(":\"request\"",
		   "request_id chain model target outcome status attempts stream ms "
		   "first_token_ms tokens_in tokens_out cost_usd trail");
	CHECK_INT(place_logged(&p, "\"from\":\"alpha/m1#1\",\"to\":\"beta/m2#1\""), 1);
	CHECK_INT(place_logged(&p, "\"chain\":\"m1\""), 3);
	CHECK_INT(ask_whole(&p, &ask, "{\"model\":\"x\\ny\\u001b[31m\"}"), 404);
	CHECK(!strchr(p.log, 27) && place_logged(&p, "\"chain\":\"other\"") == 1);
	place_close(&p);
}

TEST_MAIN
