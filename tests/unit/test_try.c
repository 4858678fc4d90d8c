/* `weir try`: what an answer says, and what many have in common. */
#include "test.h"

#include "app/try_prompts.h"
#include "base/alloc.h"
#include "base/error.h"

static struct weir_try_result result;

static const char *text_of(struct weir_buf *buf)
{
	CHECK(weir_buf_append(buf, "", 1) == 0);
	buf->len--;
	return buf->base;
}

static void read_answer(int status, const char *answer)
{
	weir_try_result_init(&result);
	result.answered = true;
	CHECK(weir_try_read(&result, status, weir_slice_of(answer)) == 0);
}

#define CHUNK(choice) "data: {\"choices\":[" choice "]}\n\n"
#define DELTA(delta)  CHUNK("{\"index\":0,\"delta\":{" delta "}}")

TEST(a_stream_is_read)
{
	read_answer(200, ": ping\n\n" DELTA("\"role\":\"assistant\",\"content\":\"\"")
				 DELTA("\"content\":\"Hi \"") DELTA("\"content\":\"you\"")
					 CHUNK("{\"delta\":{},\"finish_reason\":"
					       "\"stop\"}") "data: "
							    "{\"choices\":[],\"usage\":{}"
							    "}\n\ndata: [DONE]\n\n");
	CHECK_STR(text_of(&result.text), "Hi you");
	CHECK_STR(result.finish, "stop");
	CHECK(result.answered && !result.refused && !result.json && !result.calls_n);
	weir_try_result_fini(&result);
}

TEST(tools_are_read_in_pieces)
{
#define CALL(in) DELTA("\"tool_calls\":[" in "]")
	read_answer(200, CALL("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"look\"}}")
				 CALL("{\"index\":0,\"function\":{\"arguments\":\"{\\\"q\\\":\"}}")
					 CALL("{\"index\":0,\"function\":{\"arguments\":\"1}\"}}")
						 CALL("{\"index\":1,\"function\":{\"name\":\"go\","
						      "\"arguments\":\"{}\"}}"));
	CHECK_STR(text_of(&result.calls), "{\"name\":\"look\",\"arguments\":\"{\\\"q\\\":1}\"},"
					  "{\"name\":\"go\",\"arguments\":\"{}\"}");
	CHECK_STR(text_of(&result.tools), "look\ngo\n");
	CHECK_INT(result.calls_n, 2);
	weir_try_result_fini(&result);
}

TEST(whole_answers_refusals_and_errors)
{
#define WHOLE(message) "{\"choices\":[{\"message\":{" message "},\"finish_reason\":\"stop\"}]}"
	static const struct {
		int status;
		const char *answer, *text;
		bool answered, refused, json;
	} rows[] = {
		{ 200, WHOLE("\"content\":\" {\\\"a\\\":1} \""), " {\"a\":1} ", true, false, true },
		{ 200, WHOLE("\"content\":\"12\""), "12", true, false, false },
		{ 200, WHOLE("\"content\":null,\"refusal\":\"No.\""), "No.", true, true, false },
		{ 200, WHOLE("\"content\":\"I'm sorry, but I can't do that\""),
		  "I'm sorry, but I can't do that", true, true, false },
		{ 200, WHOLE("\"content\":\"I won't say so, he said\""), "I won't say so, he said",
		  true, true, false },
		{ 200, "{\"choices\":[{\"message\":{},\"finish_reason\":\"content_filter\"}]}", "",
		  true, true, false },
		{ 503, "{\"error\":{\"message\":\"down\",\"code\":\"no_usable_target\"}}", "down",
		  false, false, false },
		{ 200, DELTA("\"content\":\"Hi\"") "data: {\"error\":{\"message\":\"cut\"}}\n\n",
		  "cut", false, false, false },
		{ 500, "<html>", "", false, false, false },
		{ 200, "", "", true, false, false },
	};

	for (size_t i = 0; i < WEIR_COUNT_OF(rows); i++) {
		read_answer(rows[i].status, rows[i].answer);
		CHECK_STR(text_of(&result.text), rows[i].text);
		CHECK_INT(result.answered, rows[i].answered);
		CHECK_INT(result.refused, rows[i].refused);
		CHECK_INT(result.json, rows[i].json);
		weir_try_result_fini(&result);
	}
}

TEST(the_log_says_the_rest)
{
	weir_try_result_init(&result);
	weir_try_read_log(
		&result, WEIR_SLICE("{\"outcome\":\"ok\",\"ms\":640,\"first_token_ms\":210,"
				    "\"tokens_in\":9,\"tokens_out\":2,\"cost_usd\":0.0000425,"
				    "\"trail\":\"a/m;500;server_error;9ms, a/m#2;200;ok;210ms\"}"));
	CHECK_STR(result.status, "200");
	CHECK_STR(result.class_name, "ok");
	CHECK_STR(result.reason, "ok");
	CHECK_STR(result.cost, "0.0000425");
	CHECK(result.timed && result.counted);
	CHECK_INT(result.ms, 640);
	CHECK_INT(result.first_token_ms, 210);
	CHECK_INT(result.tokens_in * 10 + result.tokens_out, 92);
	weir_try_result_fini(&result);

	weir_try_result_init(&result);
	weir_try_read_log(
		&result, WEIR_SLICE("{\"outcome\":\"exhausted\",\"ms\":3,\"first_token_ms\":null,"
				    "\"tokens_in\":null,\"cost_usd\":\"unknown\","
				    "\"trail\":\"a/m;-;unreachable;3ms\",\"reason\":\"refused\"}"));
	CHECK_STR(result.status, "-");
	CHECK_STR(result.class_name, "unreachable");
	CHECK_STR(result.reason, "refused");
	CHECK_STR(result.cost, "");
	CHECK(!result.timed && !result.counted);
	weir_try_result_fini(&result);
}

/* { text, tools, refused, json } */
struct said {
	const char *text, *tools;
	bool refused, json, failed;
};

static struct weir_try_result made(const struct said *said)
{
	struct weir_try_result r;

	weir_try_result_init(&r);
	CHECK(weir_buf_puts(&r.text, said->text) == 0);
	CHECK(weir_buf_puts(&r.tools, said->tools) == 0);
	r.answered = !said->failed;
	r.calls_n = said->tools[0] != '\0';
	r.refused = said->refused;
	r.json = said->json;
	return r;
}

#define LONG "It is a sentence of sixty letters, which is long enough, sure"

TEST(answers_of_one_kind)
{
	static const struct {
		struct said a, b;
		bool wants_json, agree;
	} rows[] = {
		{ { "Paris", "" }, { "It is Paris.", "" }, false, true },
		{ { LONG, "" }, { LONG LONG, "" }, false, true },
		{ { LONG, "" }, { LONG LONG "!", "" }, false, false },
		{ { "Paris", "" }, { LONG, "" }, false, false },
		{ { "No", "", true }, { "No", "" }, false, false },
		{ { "", "look\n" }, { "", "look\n" }, false, true },
		{ { "", "look\n" }, { "", "go\n" }, false, false },
		{ { "", "look\n" }, { "Paris", "" }, false, false },
		{ { "{}", "", false, true }, { "no", "" }, false, true },
		{ { "{}", "", false, true }, { "no", "" }, true, false },
	};

	for (size_t i = 0; i < WEIR_COUNT_OF(rows); i++) {
		struct weir_try_result a = made(&rows[i].a), b = made(&rows[i].b);

		if (!test_check(weir_try_agree(&a, &b, rows[i].wants_json) == rows[i].agree,
				__FILE__, __LINE__, "agreement"))
			NOTE("row %zu", i);
		CHECK_INT(weir_try_agree(&b, &a, rows[i].wants_json), rows[i].agree);
		weir_try_result_fini(&a);
		weir_try_result_fini(&b);
	}
}

TEST(many_answers_are_summed_up)
{
	static const struct said said[] = {
		{ "Paris", "" },
		{ "It is Paris", "" }, /* agree */
		{ "{}", "", false, true },
		{ "sorry", "" }, /* one is no JSON */
		{ "", "look\n" },
		{ "", "", .failed = true },
		{ "x", "", .failed = true },
		{ "\xe2\x82\xac", "", true },
	};
	static const struct weir_try_prompt prompts[] = {
		{ 0 }, { .wants_json = true }, { 0 }, { 0 }
	};
	struct weir_try_result results[WEIR_COUNT_OF(said)];
	struct weir_try_summary first, second;

	for (size_t i = 0; i < WEIR_COUNT_OF(said); i++)
		results[i] = made(&said[i]);
	first = weir_try_sum(prompts, 4, results, 2, 0);
	second = weir_try_sum(prompts, 4, results, 2, 1);
	CHECK_INT(first.answered * 10 + second.answered, 33);
	CHECK_INT(first.mean_length, 2);  /* 5, 2, 0 */
	CHECK_INT(second.mean_length, 6); /* 11, 5, 1 letter of three bytes */
	CHECK_INT(first.json_wanted * 10 + first.json_valid, 11);
	CHECK_INT(second.json_wanted * 10 + second.json_valid, 10);
	CHECK_INT(first.called * 10 + second.called, 10);
	CHECK_INT(first.refused * 10 + second.refused, 1);
	CHECK_INT(first.compared * 10 + first.agreed, 33);
	CHECK_INT(second.compared * 10 + second.agreed, 21);
	for (size_t i = 0; i < WEIR_COUNT_OF(said); i++)
		weir_try_result_fini(&results[i]);
}

static const char *lines(const char *text, unsigned *n)
{
	static char why[256];
	struct weir_try_prompts prompts = { 0 };
	int rc = weir_try_add_lines(&prompts, weir_slice_of(text), why, sizeof why);

	*n = prompts.n;
	CHECK(rc == 0 || rc == WEIR_ECONFIG);
	weir_try_prompts_fini(&prompts);
	return rc ? why : "";
}

TEST(a_file_has_a_prompt_on_each_line)
{
	unsigned n;

#define GOOD "{\"prompt\":\"a\"}\n\n {\"messages\":[{}],\"tools\":[]} \r\n"
	CHECK_STR(lines(GOOD, &n), "");
	CHECK_INT(n, 2);
	CHECK(strncmp(lines(GOOD "{\"prompt\":1}", &n), "line 4 has neither", 18) == 0);
	CHECK(strncmp(lines(GOOD "{\"messages\":[]}", &n), "line 4 has neither", 18) == 0);
	CHECK(strncmp(lines("\n[]\n", &n), "line 2 is no JSON object", 24) == 0);
	CHECK(strncmp(lines("{\"prompt\":\"a\"\n", &n), "line 1 is no JSON object", 24) == 0);
	CHECK(strncmp(lines("\n\n", &n), "line 2 is the last", 18) == 0);
}

TEST(a_body_is_asked_of_one_target_once)
{
	struct weir_try_wishes wishes = { .stream = true, .timeout_ms = 1500, .max_tokens = 9 };
	struct weir_try_prompts prompts = { 0 };
	struct weir_buf out;
	char why[200];

	weir_buf_init(&out, 4096);
	REQUIRE(weir_try_add_lines(&prompts,
				   WEIR_SLICE("{\"messages\":[{}],\"model\":\"x\",\"stream\":false,"
					      "\"fallbacks\":[\"y\"],\"max_completion_tokens\":1,"
					      "\"response_format\":{\"type\":\"json_object\"}}"),
				   why, sizeof why) == 0);
	CHECK(prompts.list[0].wants_json);
	CHECK(weir_try_put_body(&out, &prompts.list[0], "m", &wishes) == 0);
	CHECK_STR(
		text_of(&out),
		"{\"messages\":[{}],\"response_format\":{\"type\":\"json_object\"},\"model\":\"m\","
		"\"num_retries\":0,\"stream\":true,\"stream_options\":{\"include_usage\":true},"
		"\"timeout\":1.5,\"max_tokens\":9}");
	weir_buf_fini(&out);
	weir_try_prompts_fini(&prompts);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST_MAIN
