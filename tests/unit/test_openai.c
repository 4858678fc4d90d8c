#include "test.h"

#include "base/alloc.h"
#include "base/error.h"
#include "dialect/openai.h"
#include "dialect/tree.h"
#include "wire/json.h"

static struct weir_buf scratch;

static void say(struct weir_buf *said, const char *name, struct weir_slice word)
{
	if (word.len)
		CHECK(weir_buf_printf(said, " %s=%.*s", name, (int)word.len, word.base) == 0);
}

/* All that a reading says, in words. */
static void describe(struct weir_buf *said, const struct weir_reading *r)
{
	weir_buf_clear(said);
	CHECK(weir_buf_printf(said, "%s%s%s%s%s%s", r->json ? "json" : "junk",
			      r->end_mark ? " end" : "", r->content ? " content" : "",
			      r->finish ? " finish" : "", r->choices ? " choices" : "",
			      !r->error    ? ""
			      : r->gave_up ? " gave_up"
					   : " error") == 0);
	if (r->usage)
		CHECK(weir_buf_printf(said, " usage=%u/%u", (unsigned)r->tokens_in,
				      (unsigned)r->tokens_out) == 0);
	say(said, "code", r->failure.code);
	say(said, "type", r->failure.type);
	say(said, "param", r->failure.param);
	say(said, "retry", r->retry_info);
	say(said, "message", r->failure.message);
}

static void check_reading(const char *text, const struct weir_reading *r, const char *expected)
{
	struct weir_buf said;

	weir_buf_init(&said, 16 * 1024);
	describe(&said, r);
	if (said.len != strlen(expected) || memcmp(said.base, expected, said.len) != 0) {
		NOTE("%.300s", text);
		CHECK(!"the reading is as expected");
		test_print("is      ", said.base, said.len);
		test_print("expected", expected, strlen(expected));
	}
	weir_buf_fini(&said);
}

#define CHUNK(inner) "{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[" inner "]}"
#define DELTA(delta) \
	CHUNK("{\"index\":0,\"delta\":{" delta "},\"logprobs\":null,\"finish_reason\":null}")

static const char *const events[][2] = {
	/* Worth showing. */
	{ DELTA("\"content\":\"Hi\""), "json content choices" },
	{ DELTA("\"content\":\" \""), "json content choices" },
	{ DELTA("\"refusal\":\"No\""), "json content choices" },
	{ DELTA("\"tool_calls\":[{\"index\":0}]"), "json content choices" },
	{ DELTA("\"function_call\":{\"name\":\"f\"}"), "json content choices" },
	{ DELTA("\"audio\":{\"id\":\"a\"}"), "json content choices" },
	{ DELTA("\"reasoning_content\":\"Hm\""), "json content choices" },
	{ DELTA("\"reasoning\":\"Hm\""), "json content choices" },
	{ DELTA("\"reasoning_details\":[{}]"), "json content choices" },
	{ DELTA("\"content\":[{\"type\":\"thinking\"}]"), "json content choices" },
	{ CHUNK("{\"text\":\"Hi\",\"finish_reason\":null}"), "json content choices" },
	{ CHUNK("{\"delta\":{},\"finish_reason\":\"stop\"}"), "json content finish choices" },
	{ CHUNK("{\"delta\":{\"content\":\"!\"},\"finish_reason\":\"eos\"}"),
	  "json content finish choices" },
	{ CHUNK("{\"delta\":{},\"finish_reason\":null},{\"delta\":{\"content\":\"x\"}}"),
	  "json content choices" },
	{ DELTA("\"content\":\"\\ud83d\""), "json content choices" }, /* half an emoji */
	{ " {\n\"choices\":[{\"delta\":\n{\"content\":\"Hi\"}}]\n} ", "json content choices" },
	{ CHUNK("{\"delta\":{\"content\":\"x\"},\"logprobs\":-1e999}"), "json content choices" },

	/* Not worth it. */
	{ DELTA("\"role\":\"assistant\",\"content\":\"\",\"refusal\":null"), "json choices" },
	{ DELTA("\"role\":\"assistant\",\"tool_calls\":[],\"audio\":{}"), "json choices" },
	{ DELTA("\"content\":null,\"name\":\"x\""), "json choices" },
	{ DELTA(""), "json choices" },
	{ CHUNK("{\"text\":\"\",\"finish_reason\":\"\"}"), "json choices" },
	{ CHUNK("null, 1, \"x\", []"), "json choices" },
	{ CHUNK(""), "json" },
	{ "{\"choices\":[],\"prompt_filter_results\":[{\"prompt_index\":0}]}", "json" },
	{ "{\"choices\":null}", "json" },
	{ "{\"choices\":\"x\",\"usage\":7,\"error\":null,\"x_groq\":[]}", "json" },
	{ "{\"type\":\"ping\"}", "json" },
	{ "{}", "json" },
	{ "[]", "json" },
	{ "1", "json" },
	{ "\"text\"", "json" },

	/* Usage. */
	{ "{\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}",
	  "json usage=9/2" },
	{ "{\"choices\":[],\"usage\":null}", "json" },
	{ "{\"choices\":[],\"usage\":{\"prompt_tokens\":\"9\",\"completion_tokens\":-1}}", "json" },
	{ "{\"choices\":[],\"usage\":{\"prompt_tokens\":9}}", "json usage=9/0" },
	{ "{\"choices\":[],\"x_groq\":{\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":6}}}",
	  "json usage=5/6" },

	/* The end. */
	{ "[DONE]", "junk end" },
	{ "[DONE]  ", "junk end" },
	{ "[DONE", "junk" },
	{ "[DONE]x", "junk" },

	/* Not JSON. */
	{ "", "junk" },
	{ "{", "junk" },
	{ "{\"a\":1,}", "junk" },
	{ "{\"a\":NaN}", "junk" },
	{ "{} {}", "junk" },
	{ "{\"a\":\"\x80\"}", "junk" },
	{ "\xef\xbb\xbf{}", "junk" },
	{ "{\"a\":\"\x01\"}", "junk" },

	/* Errors. */
	{ "{\"error\":{\"message\":\"Down.\",\"type\":\"server_error\",\"param\":null,"
	  "\"code\":null}}",
	  "json error type=server_error message=Down." },
	{ "{\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}],\"error\":"
	  "{\"code\":502,\"message\":\"Provider disconnected\"}}",
	  "json choices error code=502 message=Provider disconnected" },
	{ "{\"error\":\"text\"}", "json error message=text" },
	{ "{\"error\":{}}", "json" },
	{ "{\"error\":\"\"}", "json" },
	{ "{\"object\":\"error\",\"message\":\"m\",\"code\":40}", "json error code=40 message=m" },
	{ "{\"message\":\"m\",\"type\":\"too_many_requests_error\",\"code\":\"queue_exceeded\"}",
	  "json error code=queue_exceeded type=too_many_requests_error message=m" },
	{ "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Busy\"}}",
	  "json error type=overloaded_error message=Busy" },
	{ "[{\"error\":{\"code\":429,\"message\":\"m\",\"status\":\"RESOURCE_EXHAUSTED\"}}]",
	  "json error code=429 type=RESOURCE_EXHAUSTED message=m" },
	{ CHUNK("{\"delta\":{},\"finish_reason\":\"insufficient_system_resource\"}"),
	  "json choices gave_up message=" CHUNK(
		  "{\"delta\":{},\"finish_reason\":\"insufficient_system_resource\"}") },
};

TEST(events)
{
	struct weir_reading r;

	weir_buf_init(&scratch, 64 * 1024);
	for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
		weir_openai.read_event(weir_slice_of(events[i][0]), &scratch, &r);
		check_reading(events[i][0], &r, events[i][1]);
	}
	weir_buf_fini(&scratch);
	CHECK_INT(weir_alloc_live(), 0);
}

struct body_row {
	enum weir_route route;
	const char *body, *expected;
};

#define CHAT  WEIR_ROUTE_CHAT
#define TEXT  WEIR_ROUTE_COMPLETIONS
#define EMBED WEIR_ROUTE_EMBEDDINGS

static const struct body_row bodies[] = {
	{ CHAT,
	  "{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":null},"
	  "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":82,\"completion_tokens\":17}}",
	  "json choices usage=82/17" },
	{ CHAT, "\n\n {\"choices\" : [ {} ] }\n", "json choices" },
	{ TEXT, "{\"choices\":[{\"text\":\"x\"}],\"error\":null}", "json choices" },
	{ EMBED, "{\"object\":\"list\",\"data\":[{\"embedding\":[1.5]}]}", "json choices" },
	{ EMBED, "{\"data\":[]}", "json choices" },

	/* No success: the failure is what it can be. */
	{ CHAT, "{\"choices\":[]}", "json message={\"choices\":[]}" },
	{ CHAT, "{\"choices\":[null]}", "json message={\"choices\":[null]}" },
	{ CHAT, "{\"choices\":{}}", "json message={\"choices\":{}}" },
	{ CHAT, "{\"data\":[{}]}", "json message={\"data\":[{}]}" },
	{ EMBED, "{\"choices\":[{}]}", "json message={\"choices\":[{}]}" },
	{ CHAT, "{}", "json message={}" },
	{ CHAT, "[]", "json message=[]" },
	{ CHAT, "{\"choices\":[{}]} x", "junk message={\"choices\":[{}]} x" },
	{ CHAT, "{\"choices\":[{}],\"x\":NaN}", "junk message={\"choices\":[{}],\"x\":NaN}" },
	{ CHAT, "{\"choices\":[{}],\"error\":{\"message\":\"m\"}}",
	  "json choices error message=m" },
	{ CHAT, "", "junk" },

	/* The shapes of errors. */
	{ CHAT,
	  "{\"error\":{\"message\":\"You exceeded\",\"type\":\"insufficient_quota\",\"param\":null,"
	  "\"code\":\"insufficient_quota\"}}",
	  "json error code=insufficient_quota type=insufficient_quota message=You exceeded" },
	{ CHAT,
	  "{\"error\":{\"message\":\"m\",\"type\":\"BadRequestError\",\"param\":\"top_p\","
	  "\"code\":400}}",
	  "json error code=400 type=BadRequestError param=top_p message=m" },
	{ CHAT,
	  "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}"
	  ","
	  "\"request_id\":\"req_1\"}",
	  "json error type=overloaded_error message=Overloaded" },
	{ CHAT,
	  "{\"error\":{\"code\":429,\"message\":\"Quota\",\"status\":\"RESOURCE_EXHAUSTED\","
	  "\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.Help\"},{\"@type\":"
	  "\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"22s\"}]}}",
	  "json error code=429 type=RESOURCE_EXHAUSTED retry=22s message=Quota" },
	{ CHAT, "[{\"error\":{\"code\":503,\"message\":\"Busy\",\"status\":\"UNAVAILABLE\"}}\n]",
	  "json code=503 type=UNAVAILABLE message=Busy" },
	{ CHAT, "{\"error\":{\"code\":\"DeploymentNotFound\",\"message\":\"m\"}}",
	  "json error code=DeploymentNotFound message=m" },
	{ CHAT,
	  "{\"error\":{\"code\":429,\"message\":\"m\",\"metadata\":{\"raw\":\"r\"}},\"user_id\":7}",
	  "json error code=429 message=m" },
	{ CHAT, "{\"error\":\"model 'x' not found\"}", "json error message=model 'x' not found" },
	{ CHAT,
	  "{\"code\":\"Client specified an invalid argument\",\"error\":\"Incorrect API key\"}",
	  "json error code=Client specified an invalid argument message=Incorrect API key" },
	{ CHAT,
	  "{\"object\":\"error\",\"message\":\"m\",\"type\":\"invalid_request_error\",\"param\":"
	  "null,"
	  "\"code\":\"1300\",\"raw_status_code\":400}",
	  "json error code=1300 type=invalid_request_error message=m" },
	{ CHAT,
	  "{\"object\":\"error\",\"message\":{\"detail\":[{\"type\":\"missing\",\"loc\":[\"body\","
	  "\"model\"],\"msg\":\"Field required\"}]},\"type\":\"invalid_request_error\",\"code\":1}",
	  "json error code=1 type=invalid_request_error param=model message=Field required" },
	{ CHAT,
	  "{\"message\":\"m\",\"type\":\"too_many_requests_error\",\"param\":\"quota\",\"code\":"
	  "\"request_quota_exceeded\"}",
	  "json code=request_quota_exceeded type=too_many_requests_error param=quota message=m" },
	{ CHAT, "{\"message\":\"no such route\"}", "json message=no such route" },
	{ CHAT, "{\"Message\":\"denied\"}", "json message=denied" },
	{ CHAT, "{\"statusCode\":401,\"message\":\"Access denied\"}",
	  "json code=401 message=Access denied" },
	{ CHAT, "{\"detail\":\"Not Found\"}", "json message=Not Found" },
	{ CHAT,
	  "{\"detail\":[{\"loc\":[\"body\",\"temperature\"],\"msg\":\"Extra inputs are not "
	  "permitted\",\"type\":\"extra_forbidden\"}]}",
	  "json type=extra_forbidden param=temperature message=Extra inputs are not permitted" },
	{ CHAT, "{\"detail\":{\"error\":\"busy\"}}", "json message=busy" },
	{ CHAT, "{\"detail\":{\"error\":{\"message\":\"m\",\"code\":7}}}",
	  "json code=7 message=m" },
	{ CHAT, "{\"detail\":{\"message\":\"m\"}}", "json message=m" },
	{ CHAT, "{\"errors\":[{\"message\":\"m\",\"code\":10000}],\"success\":false}",
	  "json code=10000 message=m" },
	{ CHAT, "{\"error\":{\"message\":\"tab\\t\\\"q\\\" \\u00e9\",\"code\":-3}}",
	  "json error code=-3 message=tab\t\"q\" \xc3\xa9" },
	{ CHAT, "{\"error\":{\"code\":1.5,\"type\":true,\"message\":[]}}",
	  "json error message={\"error\":{\"code\":1.5,\"type\":true,\"message\":[]}}" },

	/* Pages and words. */
	{ CHAT,
	  "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title><style>\nh1 { x: y }\n"
	  "</style>\n</head>\r\n<body><h1>502</h1><hr>nginx</body></html>",
	  "junk message=502 Bad Gateway 502 nginx" },
	{ CHAT, "upstream connect error\r\nreset < before\theaders",
	  "junk message=upstream connect error reset < before headers" },
	{ CHAT, "<", "junk" },
	{ CHAT, "<script>never closed", "junk" },
	{ CHAT, " \r\n\t ", "junk" },
};

TEST(bodies)
{
	struct weir_reading r;

	weir_buf_init(&scratch, 64 * 1024);
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		weir_openai.read_body(bodies[i].route, weir_slice_of(bodies[i].body), &scratch, &r);
		check_reading(bodies[i].body, &r, bodies[i].expected);
	}
	weir_buf_fini(&scratch);
	CHECK_INT(weir_alloc_live(), 0);
}

/* Texts of any length are cut where a character ends; numbers of any size are read. */
TEST(long_words_are_cut)
{
	static char body[40 * 1024];
	struct weir_reading r;
	int n = snprintf(body, sizeof body, "{\"error\":{\"message\":\"a");

	for (int i = 0; i < 3000; i++)
		n += snprintf(body + n, sizeof body - (size_t)n, "\xe2\x82\xac");
	snprintf(body + n, sizeof body - (size_t)n, "\",\"code\":\"%0600d\"}}", 7);
	weir_buf_init(&scratch, 64 * 1024);
	weir_openai.read_body(CHAT, weir_slice_of(body), &scratch, &r);
	CHECK(r.error);
	CHECK_INT(r.failure.message.len, 4096);
	CHECK_INT(r.failure.code.len, 256);
	for (size_t i = 0; i < 9000; i++)
		body[i] = 'x';
	body[9000] = '\0';
	weir_openai.read_body(CHAT, weir_slice_of(body), &scratch, &r);
	CHECK_INT(r.failure.message.len, 511);
	weir_buf_fini(&scratch);
}

/* An error body past what a tree is built of: its status must do. */
TEST(a_large_error_body_is_plain_text)
{
	enum { LEN = 100 * 1024 };
	char *body = malloc(LEN + 64);
	struct weir_reading r;
	size_t n;

	REQUIRE(body);
	n = (size_t)snprintf(body, LEN, "{\"error\":{\"message\":\"m\"},\"pad\":\"");
	memset(body + n, 'x', LEN - n);
	memcpy(body + LEN, "\"}", 3);
	weir_buf_init(&scratch, 64 * 1024);
	weir_openai.read_body(CHAT, weir_slice_of(body), &scratch, &r);
	CHECK(r.json && r.error);
	CHECK(weir_slice_starts(r.failure.message, "{\"error\":{\"message\":\"m\"}"));
	weir_buf_fini(&scratch);
	free(body);
}

static void nested(char *text, size_t depth)
{
	memset(text, '[', depth);
	memset(text + depth, ']', depth);
	text[2 * depth] = '\0';
}

TEST(depth_is_bounded)
{
	enum { DEEP = 300 * 1000 };
	char *text = malloc(2 * DEEP + 1);
	struct weir_reading r;

	REQUIRE(text);
	weir_buf_init(&scratch, 64 * 1024);
	nested(text, WEIR_JSON_DEPTH_MAX);
	weir_openai.read_event(weir_slice_of(text), &scratch, &r);
	CHECK(r.json);
	nested(text, WEIR_JSON_DEPTH_MAX + 1);
	weir_openai.read_event(weir_slice_of(text), &scratch, &r);
	CHECK(!r.json);
	nested(text, DEEP);
	weir_openai.read_event(weir_slice_of(text), &scratch, &r);
	CHECK(!r.json && !r.no_memory);
	weir_openai.read_body(CHAT, weir_slice_of(text), &scratch, &r);
	CHECK(!r.json && !r.no_memory);
	/* Brackets in strings are no depth. */
	text[0] = '"';
	memset(text + 1, '{', 2 * DEEP - 2);
	text[2 * DEEP - 1] = '"';
	weir_openai.read_event(weir_slice_of(text), &scratch, &r);
	CHECK(r.json);
	weir_buf_fini(&scratch);
	free(text);
}

/* Whatever our scanner calls JSON is a tree, and nothing else is. */
TEST(the_tree_agrees_with_the_scanner)
{
	static const char *const texts[] = {
		"1e999",
		"-1e-999",
		"123456789012345678901234567890",
		"\"\\udc00\"",
		"\"\\\\udc00 \\ud83d\\uDE00 \\ud7ff \\udc00\"",
		"\"\\u0000\"",
		"{\"a\":1,\"a\":2}",
		"[1,]",
		"'a'",
		"// x\n1",
		"Infinity",
		"\"\xed\xa0\x80\"",
		"tru",
		"01",
		"-",
		"\"\x7f\"",
		"1 2",
	};
	struct weir_tree tree;
	size_t offset;

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct weir_slice text = weir_slice_of(texts[i]);

		weir_tree_read(&tree, text);
		if ((tree.root != NULL) != (weir_json_check(text, &offset) == 0)) {
			CHECK(!"they agree");
			test_print("about   ", text.base, text.len);
		}
		weir_tree_fini(&tree);
	}
}

TEST(large_events_come_from_the_heap_or_say_so)
{
	enum { LEN = 64 * 1024 };
	char *text = malloc(LEN + 1);
	struct weir_reading r;
	uint64_t nth = 0;

	REQUIRE(text);
	memset(text, ' ', LEN);
	memcpy(text, DELTA("\"content\":\"x\""), strlen(DELTA("\"content\":\"x\"")));
	text[LEN] = '\0';
	weir_buf_init(&scratch, 64 * 1024);
	do {
		weir_alloc_fail_after(++nth);
		weir_openai.read_event(weir_slice_of(text), &scratch, &r);
		weir_alloc_fail_after(0);
		CHECK(r.no_memory != r.content);
		CHECK_INT(weir_alloc_live(), 0);
	} while (r.no_memory && nth < 100);
	CHECK(nth > 1 && r.content);
	free(text);

	weir_alloc_fail_after(1);
	weir_openai.read_event(WEIR_SLICE("{\"error\":\"x\"}"), &scratch, &r);
	CHECK(r.no_memory);
	weir_alloc_fail_after(0);
	weir_buf_fini(&scratch);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST(the_key_is_a_bearer)
{
	struct weir_buf head;

	weir_buf_init(&head, 64);
	CHECK_INT(weir_dialect_put_key(&weir_openai, &head, WEIR_SLICE("sk-abc")), 0);
	CHECK_INT(head.len, 30);
	CHECK_MEM(head.base, "authorization: Bearer sk-abc\r\n", 30);
	CHECK_INT(weir_dialect_put_key(&weir_openai, &head, WEIR_SLICE("a\r\nx: y")), WEIR_ELIMIT);
	CHECK_INT(weir_dialect_put_key(&weir_openai, &head, WEIR_SLICE("a b")), WEIR_ELIMIT);
	CHECK_INT(weir_dialect_put_key(&weir_openai, &head, WEIR_SLICE("\xc3\xa9")), WEIR_ELIMIT);
	CHECK_INT(
		weir_dialect_put_key(&weir_openai, &head, WEIR_SLICE("much-too-long-for-the-room")),
		WEIR_ELIMIT);
	CHECK_INT(head.len, 30);
	weir_buf_fini(&head);
}

TEST(an_error_event_is_escaped)
{
	static const char plain[] = "data: {\"error\":{\"message\":\"a \\\"b\\\"\\n\",\"type\":"
				    "\"server_error\",\"param\":null,\"code\":\"stream_cut\"}}\n\n";
	static const char bare[] = "data: {\"error\":{\"message\":\"\",\"type\":\"server_error\","
				   "\"param\":null,\"code\":null}}\n\n";
	struct weir_buf out;

	weir_buf_init(&out, 256);
	CHECK_INT(weir_openai.put_error_event(&out, WEIR_SLICE("a \"b\"\n"), "stream_cut"), 0);
	CHECK_INT(out.len, sizeof plain - 1);
	CHECK_MEM(out.base, plain, sizeof plain - 1);
	weir_buf_clear(&out);
	CHECK_INT(weir_openai.put_error_event(&out, WEIR_SLICE(""), NULL), 0);
	CHECK_INT(out.len, sizeof bare - 1);
	CHECK_MEM(out.base, bare, sizeof bare - 1);
	weir_buf_fini(&out);

	weir_buf_init(&out, 60);
	CHECK_INT(weir_openai.put_error_event(&out, WEIR_SLICE("x"), NULL), WEIR_ELIMIT);
	CHECK_INT(out.len, 0);
	weir_buf_fini(&out);
}

static const struct body_row conversions[] = {
	{ CHAT,
	  "{\n  \"id\": \"c1\",\n  \"object\": \"chat.completion\",\n  \"choices\": [{\"index\": "
	  "0,\r\n"
	  "\"message\": {\"role\": \"assistant\", \"content\": \"Hi\\n\"}, \"finish_reason\": "
	  "\"stop\"}],\n  \"usage\": {\"prompt_tokens\": 1}\n}\n",
	  "data: {   \"id\": \"c1\",   \"object\": \"chat.completion.chunk\",   \"choices\": [{"
	  "\"index\": 0,  \"delta\": {\"role\": \"assistant\", \"content\": \"Hi\\n\"}, "
	  "\"finish_reason\": \"stop\"}],   \"usage\": {\"prompt_tokens\": 1} } \n\n"
	  "data: [DONE]\n\n" },
	{ CHAT,
	  "{\"choices\":[{\"message\":{\"tool_calls\":[{\"id\":\"a\"},{\"index\":7},{},{ }],"
	  "\"content\":null}},{\"message\":null},{\"finish_reason\":\"stop\"},5]}",
	  "data: "
	  "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\"},{\"index\":7},"
	  "{\"index\":2},{\"index\":3 }],\"content\":null}},{\"message\":null},"
	  "{\"finish_reason\":\"stop\"},5]}\n\ndata: [DONE]\n\n" },
	{ TEXT, "{\"object\":\"text_completion\",\"choices\":[{\"text\":\"Hi\"}]}",
	  "data: {\"object\":\"text_completion\",\"choices\":[{\"text\":\"Hi\"}]}\n\n"
	  "data: [DONE]\n\n" },
	{ EMBED, "{\"data\":[]}", NULL },
};

TEST(whole_answers_become_streams)
{
	struct weir_reading r;
	struct weir_buf out;
	size_t offset;

	for (size_t i = 0; i < sizeof conversions / sizeof *conversions; i++) {
		const struct body_row *c = &conversions[i];
		size_t end = strlen("data: "), last = strlen("\n\ndata: [DONE]\n\n");
		int rc;

		weir_buf_init(&out, 4096);
		rc = weir_openai.put_as_stream(c->route, weir_slice_of(c->body), &out);
		CHECK_INT(rc, c->expected ? 0 : WEIR_ELIMIT);
		if (c->expected) {
			CHECK(weir_slice_is(weir_buf_slice(&out), c->expected));
			CHECK_INT(weir_json_check(weir_slice(out.base + end, out.len - end - last),
						  &offset),
				  0);
			for (size_t room = 0; room < strlen(c->expected); room++) {
				struct weir_buf small;

				weir_buf_init(&small, room);
				CHECK_INT(weir_openai.put_as_stream(c->route,
								    weir_slice_of(c->body), &small),
					  WEIR_ELIMIT);
				CHECK_INT(small.len, 0);
				weir_buf_fini(&small);
			}
		}
		weir_buf_fini(&out);
	}
	weir_buf_init(&scratch, 64 * 1024);
	weir_buf_init(&out, 4096);
	REQUIRE(weir_openai.put_as_stream(CHAT, weir_slice_of(conversions[0].body), &out) == 0);
	weir_openai.read_event(weir_slice(out.base + 6, out.len - 6 - 16), &scratch, &r);
	check_reading(out.base, &r, "json content finish choices usage=1/0");
	weir_buf_fini(&out);
	weir_buf_fini(&scratch);
}

TEST(dialects_are_found_by_name)
{
	CHECK(weir_dialect_find(WEIR_SLICE("openai")) == &weir_openai);
	CHECK(!weir_dialect_find(WEIR_SLICE("OpenAI")));
	CHECK(weir_dialect_find(WEIR_SLICE("anthropic")));
	CHECK(weir_dialect_find(WEIR_SLICE("gemini")));
	for (unsigned i = 0; weir_dialect_at(i); i++) {
		const char *name = weir_dialect_at(i)->name;

		CHECK(weir_dialect_find(weir_slice_of(name)) == weir_dialect_at(i));
		CHECK(strstr(weir_dialect_names(), name));
	}
	CHECK(!weir_dialect_find(WEIR_SLICE("")));
}

TEST_MAIN
