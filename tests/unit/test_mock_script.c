#include "base/alloc.h"
#include "mock/script.h"
#include "test.h"

static struct weir_mock_script *parse(const char *text, struct weir_error *err)
{
	*err = (struct weir_error){ 0 };
	return weir_mock_script_parse(weir_slice_of(text), err);
}

TEST(reads_steps)
{
	struct weir_error err;
	struct weir_mock_script *s = parse(
		" 503*2, 429;retry-after=5 ,200;latency=20ms;tokens=40*3,reset@half;status=500",
		&err);

	REQUIRE(s);
	CHECK_INT(s->steps_n, 4);
	CHECK_INT(s->steps[0].kind, WEIR_MOCK_STATUS);
	CHECK_INT(s->steps[0].status, 503);
	CHECK_INT(s->steps[0].times, 2);
	CHECK(weir_slice_is(s->steps[1].retry_after, "5"));
	CHECK_INT(s->steps[1].times, 1);
	CHECK_INT(s->steps[2].kind, WEIR_MOCK_ANSWER);
	CHECK_INT(s->steps[2].latency_ms, 20);
	CHECK_INT(s->steps[2].tokens, 40);
	CHECK_INT(s->steps[2].times, 3);
	CHECK_INT(s->steps[3].ending, WEIR_MOCK_RESET);
	CHECK_INT(s->steps[3].point, WEIR_MOCK_AT_HALF);
	CHECK_INT(s->steps[3].status, 500);
	CHECK_STR(s->source, " 503*2, 429;retry-after=5 ,200;latency=20ms;tokens=40*3,"
			     "reset@half;status=500");
	weir_mock_script_unref(s);
}

TEST(reads_values)
{
	struct weir_error err;
	struct weir_mock_script *s = parse(
		"latency=1.5s;jitter=250;ttft=2m;tps=100;bytes=64KiB;chance=2.5%;done=0;tools;"
		"framing=chunked;as=stream;resume=refuse-prefill;header=A:b%2Cc;header=d:e;text=%"
		"7b%00%zz%;utf8=1",
		&err);
	const struct weir_mock_step *step;

	REQUIRE(s);
	step = &s->steps[0];
	CHECK_INT(step->kind, WEIR_MOCK_ANSWER);
	CHECK_INT(step->latency_ms, 1500);
	CHECK_INT(step->jitter_ms, 250);
	CHECK_INT(step->ttft_ms, 120000);
	CHECK_INT(step->gap_us, 10000);
	CHECK_INT(step->bytes, 65536);
	CHECK_INT(step->chance_ppm, 25000);
	CHECK_INT(step->done, 0);
	CHECK_INT(step->tools, 1);
	CHECK_INT(step->utf8, 1);
	CHECK_INT(step->framing, WEIR_MOCK_FRAMING_CHUNKED);
	CHECK_INT(step->form, WEIR_MOCK_AS_STREAM);
	CHECK_INT(step->resume, WEIR_MOCK_RESUME_REFUSE);
	CHECK_INT(s->plain[0].resume, WEIR_MOCK_RESUME_ON);
	CHECK_INT(step->headers_n, 2);
	CHECK(weir_slice_is(step->headers[0], "A:b,c"));
	CHECK(weir_slice_eq(step->text, weir_slice("{\0%zz%", 6)));
	CHECK_INT(s->plain[0].latency_ms, 1500);
	CHECK_INT(s->plain[0].done, 1);
	CHECK_INT(s->plain[0].text.len, 0);
	weir_mock_script_unref(s);
}

TEST(words_bring_their_defaults)
{
	struct weir_error err;
	struct weir_mock_script *s = parse("stall,cut@role,stall;after=7,no_end,huge,Gzip,raw,,",
					   &err);

	REQUIRE(s);
	CHECK_INT(s->steps_n, 9);
	CHECK_INT(s->steps[0].after, 3);
	CHECK_INT(s->steps[0].point, WEIR_MOCK_AT_TOKEN);
	CHECK_INT(s->steps[0].ending, WEIR_MOCK_HANG);
	CHECK_INT(s->steps[1].point, WEIR_MOCK_AT_ROLE);
	CHECK_INT(s->steps[2].after, 7);
	CHECK_INT(s->steps[3].done, 0);
	CHECK(weir_slice_is(s->steps[3].finish, "none"));
	CHECK_INT(s->steps[4].bytes, 8 << 20);
	CHECK(weir_slice_is(s->steps[5].encoding, "gzip"));
	CHECK_INT(s->steps[6].keep, 0);
	CHECK_INT(s->steps[7].status, 200);
	weir_mock_script_unref(s);
}

TEST(knows_what_comes_early)
{
	static const struct {
		const char *text;
		bool early;
	} rows[] = {
		{ "200", false },         { "refuse", true },    { "blackhole;for=1s", true },
		{ "reset@accept", true }, { "hang@head", true }, { "close@body", false },
		{ "413;early", true },    { "early", true },     { "early;early=0", false },
	};

	for (size_t i = 0; i < WEIR_COUNT_OF(rows); i++) {
		struct weir_error err;
		struct weir_mock_script *s = parse(rows[i].text, &err);

		REQUIRE(s);
		CHECK_INT(weir_mock_step_is_early(&s->steps[0]), rows[i].early);
		weir_mock_script_unref(s);
	}
}

TEST(says_what_is_wrong)
{
	static const struct {
		const char *text, *sentence;
	} rows[] = {
		{ "what", "unknown word \"what\" in a script" },
		{ "199", "unknown word \"199\" in a script" },
		{ "600", "unknown word \"600\" in a script" },
		{ "200@half", "only hang, close and reset happen @half" },
		{ "reset@soon", "unknown point @soon" },
		{ "200;tokns=3", "unknown parameter \"tokns\" in a script" },
		{ "200;tokens=many", "parameter \"tokens\" cannot be \"many\": default 16" },
		{ "200;tokens=1000001", NULL },
		{ "200;latency=5d", NULL },
		{ "200;latency=-1", NULL },
		{ "200;chance=101%", NULL },
		{ "200;chance=5", NULL },
		{ "200;tps=0", NULL },
		{ "200;done=2", NULL },
		{ "200;framing=odd", NULL },
		{ "200;resume=odd", NULL },
		{ "503;shape=odd", NULL },
		{ "503;header=none", NULL },
		{ "503;header=a:1;header=a:1;header=a:1;header=a:1;header=a:1;header=a:1;header=a:"
		  "1",
		  NULL },
	};

	for (size_t i = 0; i < WEIR_COUNT_OF(rows); i++) {
		struct weir_error err;
		struct weir_mock_script *s = parse(rows[i].text, &err);

		CHECK(!s);
		CHECK_INT(err.code, WEIR_ECONFIG);
		if (rows[i].sentence)
			CHECK_STR(err.text, rows[i].sentence);
		weir_mock_script_unref(s);
	}
}

TEST(has_bounds)
{
	static char text[WEIR_MOCK_SCRIPT_MAX + 1];
	struct weir_error err = { 0 };

	memset(text, ',', WEIR_MOCK_STEPS_MAX);
	CHECK(!weir_mock_script_parse(weir_slice(text, WEIR_MOCK_STEPS_MAX), &err));
	memset(text, '2', sizeof text);
	CHECK(!weir_mock_script_parse(weir_slice(text, sizeof text), &err));
	CHECK_INT(err.code, WEIR_ECONFIG);
}

TEST(survives_every_failing_allocation)
{
	size_t before = weir_alloc_live();
	struct weir_error err = { 0 };

	for (uint64_t k = 1; k < 20; k++) {
		struct weir_mock_script *s;

		weir_alloc_fail_after(k);
		s = parse("503;header=a:b*2,200", &err);
		weir_alloc_fail_after(0);
		CHECK(s || err.code == WEIR_ENOMEM);
		weir_mock_script_unref(s);
		CHECK_INT(weir_alloc_live(), before);
	}
}

TEST(helps)
{
	struct weir_buf buf;

	weir_buf_init(&buf, 1 << 20);
	CHECK_INT(weir_mock_script_help(&buf), 0);
	CHECK(weir_slice_has_nocase(weir_buf_slice(&buf), "context-length"));
	CHECK(weir_slice_has_nocase(weir_buf_slice(&buf), "retry-after"));
	CHECK(weir_slice_has_nocase(weir_buf_slice(&buf), " detail-list"));
	CHECK(weir_slice_has_nocase(weir_buf_slice(&buf), "resume=overlap"));
	weir_buf_fini(&buf);
}

TEST_MAIN
