/* The caller's body: what is read of it, and that nothing else changes. */
#include "core/body.h"

#include "base/alloc.h"
#include "base/error.h"
#include "test.h"

static struct weir_body body;
static struct weir_complaint complaint;

static int read_text(const char *text)
{
	struct weir_buf bytes;
	int rc;

	weir_buf_init(&bytes, 1 << 20);
	if (weir_buf_puts(&bytes, text))
		return WEIR_ENOMEM;
	complaint = (struct weir_complaint){ 0 };
	rc = weir_body_read(&body, &bytes, &complaint);
	weir_buf_fini(&bytes);
	return rc;
}

/* The body as a target would get it. */
static const char *edited(const char *text, const struct weir_body_edit *edit)
{
	static char out[4096];
	struct weir_buf scratch;
	struct weir_slice *pieces;
	size_t n, length, at = 0;

	if (read_text(text)) {
		weir_body_fini(&body);
		return complaint.message;
	}
	weir_buf_init(&scratch, 4096);
	if (weir_body_pieces(&body, edit, &scratch, &pieces, &n, &length))
		return "out of memory";
	for (size_t i = 1; i < n; i++) {
		memcpy(out + at, pieces[i].base, pieces[i].len);
		at += pieces[i].len;
	}
	out[at] = '\0';
	CHECK_INT(at, length);
	weir_free(pieces);
	weir_buf_fini(&scratch);
	weir_body_fini(&body);
	return out;
}

static const char *to_model(const char *text, const char *model)
{
	struct weir_body_edit edit = { .model = model };

	return edited(text, &edit);
}

TEST(only_the_model_is_replaced)
{
	CHECK_STR(to_model("{\"model\":\"a\",\"x\":1.0,\"messages\":[]}", "b/c"),
		  "{\"model\":\"b/c\",\"x\":1.0,\"messages\":[]}");
	CHECK_STR(to_model(" {\n\t\"x\" : 1e400 ,\"model\"  :  \"a\" } \n", "b"),
		  " {\n\t\"x\" : 1e400 ,\"model\"  :  \"b\" } \n");
	CHECK_STR(to_model("{\"mod\\u0065l\":\"a\"}", "b"), "{\"mod\\u0065l\":\"b\"}");
	CHECK_STR(to_model("{\"model\":\"a\",\"n\":{\"model\":\"a\",\"timeout\":1}}", "b"),
		  "{\"model\":\"b\",\"n\":{\"model\":\"a\",\"timeout\":1}}");
	CHECK_STR(to_model("{\"model\":\"same\"}", "same"), "{\"model\":\"same\"}");
	CHECK_STR(to_model("{\"model\":\"a\"}", "q\"\\"), "{\"model\":\"q\\\"\\\\\"}");
}

/* Wherever they stand, weir's own fields leave valid JSON behind. */
TEST(own_fields_are_cut_out)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "{\"timeout\":5,\"model\":\"a\"}", "{\"model\":\"a\"}" },
		{ "{\"model\":\"a\",\"timeout\":5}", "{\"model\":\"a\"}" },
		{ "{\"model\":\"a\",\"timeout\":5,\"x\":1}", "{\"model\":\"a\",\"x\":1}" },
		{ "{\"timeout\":5,\"num_retries\":2,\"model\":\"a\"}", "{\"model\":\"a\"}" },
		{ "{\"model\":\"a\",\"timeout\":5,\"num_retries\":2}", "{\"model\":\"a\"}" },
		{ "{\"timeout\":5,\"model\":\"a\",\"num_retries\":2,\"fallbacks\":[]}",
		  "{\"model\":\"a\"}" },
		{ "{\"timeout\" : 5 , \"model\" : \"a\" , \"num_retries\" : 2 , \"x\" : 3 }",
		  "{\"model\" : \"a\" , \"x\" : 3 }" },
		{ "{ \"fallbacks\":[\"b\",{\"model\":\"c\"}], \"model\":\"a\" }",
		  "{ \"model\":\"a\" }" },
		{ "{\"t\\u0069meout\":1,\"model\":\"a\"}", "{\"model\":\"a\"}" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		CHECK_STR(to_model(rows[i].in, "a"), rows[i].out);
}

TEST(overrides_replace_and_add)
{
	struct weir_body_edit edit = {
		.model = "b",
		.overrides = WEIR_SLICE("{\"model\":\"b\",\"temperature\":0.5,\"top_p\":1,"
					"\"api_base\":\"http://evil\",\"stream\":true}"),
	};

	CHECK_STR(edited("{\"model\":\"a\",\"temperature\":1,\"timeout\":3}", &edit),
		  "{\"model\":\"b\",\"temperature\":0.5,\"top_p\":1}");
	CHECK_STR(edited("{\"timeout\":3,\"model\":\"a\"}", &edit),
		  "{\"model\":\"b\",\"temperature\":0.5,\"top_p\":1}");
}

TEST(drops_leave_a_field_out)
{
	struct weir_adapted adapted = { .drops = { WEIR_SLICE("logprobs") }, .drops_n = 1 };
	struct weir_body_edit edit = { .model = "a", .adapted = &adapted };

	CHECK_STR(edited("{\"model\":\"a\",\"logprobs\":true,\"n\":1}", &edit),
		  "{\"model\":\"a\",\"n\":1}");
}

#define TURN                                                                                    \
	",{\"role\":\"user\",\"content\":\"Your last message was cut off. Continue it exactly " \
	"after its last character, with a space first if one belongs there. Repeat nothing of " \
	"it, and write no preamble and no comment.\"}"

/* Wherever the messages stand, and nothing else changes. */
TEST(messages_are_added_to)
{
	static const struct {
		const char *in, *flag, *text, *out;
		bool prefill;
	} rows[] = {
		{ "{\"model\":\"a\",\"messages\":[{\"role\":\"user\"}]}", NULL, "Hi",
		  "{\"model\":\"a\",\"messages\":[{\"role\":\"user\"},"
		  "{\"role\":\"assistant\",\"content\":\"Hi\"}]}",
		  true },
		{ "{\"messages\" : [ 1 , [] \n] , \"model\":\"b\",\"timeout\":3}\n", "prefix",
		  "Hi \n",
		  "{\"messages\" : [ 1 , [] \n,{\"role\":\"assistant\",\"content\":\"Hi\","
		  "\"prefix\":true}] , \"model\":\"a\"}\n",
		  true },
		{ "{\"timeout\":1,\"m\\u0065ssages\":[ ],\"model\":\"a\"}", "prefix", "Hi \n",
		  "{\"m\\u0065ssages\":[ {\"role\":\"assistant\",\"content\":\"Hi \\n\"}" TURN
		  "],\"model\":\"a\"}",
		  false },
		{ "{\"model\":\"a\",\"messages\":[\"]\"]}", NULL, "\"\\\x01\xe2\x82\xac",
		  "{\"model\":\"a\",\"messages\":[\"]\",{\"role\":\"assistant\",\"content\":"
		  "\"\\\"\\\\\\u0001\xe2\x82\xac\"}" TURN "]}",
		  false },
		{ "{\"model\":\"a\",\"n\":{\"messages\":[]},\"messages\":[],\"x\":1}", NULL, "Hi",
		  "{\"model\":\"a\",\"n\":{\"messages\":[]},\"messages\":[{\"role\":\"assistant\","
		  "\"content\":\"Hi\"}],\"x\":1}",
		  true },
		{ "{\"model\":\"a\",\"messages\":null}", NULL, "Hi",
		  "{\"model\":\"a\",\"messages\":null}", true },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct weir_body_resume resume = { weir_slice_of(rows[i].text), rows[i].prefill,
						   rows[i].flag };
		struct weir_body_edit edit = { .model = "a", .resume = &resume };
		const char *out = edited(rows[i].in, &edit);
		size_t at;

		CHECK_STR(out, rows[i].out);
		CHECK_INT(weir_json_check(weir_slice_of(out), &at), 0);
	}
}

TEST(ids_go_on_without_what_only_their_maker_reads)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":"
		  "\"gem_1__gsig_QUJD\",\"function\":{\"name\":\"f\"}},{\"id\":\"gem_2\"},{\"id\":"
		  "\"call_3__gsig_Qg\"}]},{\"role\":\"tool\",\"tool_call_id\":\"gem_1__gsig_QUJD\","
		  "\"content\":\"x__gsig_y\"}],\"n\":1}",
		  "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":"
		  "\"gem_1\",\"function\":{\"name\":\"f\"}},{\"id\":\"gem_2\"},{\"id\":"
		  "\"call_3\"}]},{\"role\":\"tool\",\"tool_call_id\":\"gem_1\","
		  "\"content\":\"x__gsig_y\"}],\"n\":1}" },
		{ "{\"model\":\"m\",\"messages\":[{\"content\":[{\"type\":\"tool_use\",\"id\":"
		  "\"a__gsig_B\",\"input\":{\"id\":\"c__gsig_d\"}}]},{\"content\":[{\"tool_use_"
		  "id\":"
		  "\"a__gsig_B\",\"content\":[{\"id\":\"c__gsig_d\"}]}]}]}",
		  "{\"model\":\"m\",\"messages\":[{\"content\":[{\"type\":\"tool_use\",\"id\":"
		  "\"a\",\"input\":{\"id\":\"c__gsig_d\"}}]},{\"content\":[{\"tool_use_id\":"
		  "\"a\",\"content\":[{\"id\":\"c__gsig_d\"}]}]}]}" },
		{ "{\"model\":\"m\",\"messages\":[\"__gsig_\",{\"content\":\"__gsig_\"}],"
		  "\"user\":\"__gsig_\"}",
		  "{\"model\":\"m\",\"messages\":[\"__gsig_\",{\"content\":\"__gsig_\"}],"
		  "\"user\":\"__gsig_\"}" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		CHECK_STR(to_model(cases[i].in, "m"), cases[i].out);
	CHECK_STR(
		to_model("{\"messages\":[{\"tool_call_id\":\"a__gsig_B\"}],\"model\":\"m\"}", "b"),
		"{\"messages\":[{\"tool_call_id\":\"a\"}],\"model\":\"b\"}");
	CHECK_INT(weir_alloc_live(), 0);
}

TEST(everything_at_once_is_valid)
{
	struct weir_body_resume resume = { WEIR_SLICE("Hi"), true, NULL };
	struct weir_adapted adapted = { .drops = { WEIR_SLICE("z") }, .drops_n = 1 };
	struct weir_body_edit edit = { .model = "c",
				       .overrides = WEIR_SLICE("{\"x\":2,\"y\":3}"),
				       .adapted = &adapted,
				       .resume = &resume };

	CHECK_STR(edited("{\"fallbacks\":[],\"x\":1,\"messages\":[{}],\"z\":0,\"model\":\"a\"}",
			 &edit),
		  "{\"x\":2,\"messages\":[{},{\"role\":\"assistant\",\"content\":\"Hi\"}],"
		  "\"model\":\"c\",\"y\":3}");
}

TEST(what_can_be_gone_on_with)
{
	static const struct {
		const char *more;
		bool can;
	} rows[] = {
		{ "", true },
		{ ",\"response_format\":null,\"n\":1,\"logprobs\":false,\"audio\":null", true },
		{ ",\"response_format\":{\"type\":\"text\"},\"n\":null,\"top_logprobs\":0", true },
		{ ",\"modalities\":[\"text\"],\"tools\":[{}],\"stop\":[\"x\"]", true },
		{ ",\"x\":{\"n\":2}", true },
		{ ",\"response_format\":{\"type\":\"json_object\"}", false },
		{ ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{}}", false },
		{ ",\"response_format\":{}", false },
		{ ",\"response_format\":{\"type\":\"text\"},\"response_format\":{}", false },
		{ ",\"resp\\u006fnse_format\":{}", false },
		{ ",\"n\":2", false },
		{ ",\"logprobs\":true", false },
		{ ",\"top_logprobs\":2", false },
		{ ",\"modalities\":[\"text\",\"audio\"]", false },
		{ ",\"audio\":{\"voice\":\"x\"}", false },
	};
	char text[256];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		snprintf(text, sizeof text, "{\"model\":\"a\",\"messages\":[]%s}", rows[i].more);
		REQUIRE(read_text(text) == 0);
		if (weir_body_can_resume(&body) != rows[i].can)
			NOTE("%s", text);
		CHECK(weir_body_can_resume(&body) == rows[i].can);
		weir_body_fini(&body);
	}
	REQUIRE(read_text("{\"model\":\"a\",\"prompt\":\"x\"}") == 0);
	CHECK(!weir_body_can_resume(&body));
	weir_body_fini(&body);
	REQUIRE(read_text("{\"model\":\"a\",\"messages\":\"x\"}") == 0);
	CHECK(!weir_body_can_resume(&body));
	weir_body_fini(&body);
}

TEST(wishes_are_read)
{
	REQUIRE(read_text("{\"model\":\"gpt-4o\",\"stream\":true,\"timeout\":2.5,"
			  "\"num_retries\":2,\"fallbacks\":[\"claude\",{\"model\":\"mini\","
			  "\"temperature\":0}]}") == 0);
	CHECK_STR(body.model, "gpt-4o");
	CHECK(body.stream);
	CHECK_INT(body.timeout_ms, 2500);
	CHECK(body.retries_set);
	CHECK_INT(body.retries, 2);
	REQUIRE(body.fallbacks_n == 2);
	CHECK_STR(body.fallbacks[0].name, "claude");
	CHECK_STR(body.fallbacks[1].name, "mini");
	CHECK(body.fallbacks[1].overrides.len > 0);
	weir_body_fini(&body);
	REQUIRE(read_text("{\"model\":\"m\",\"stream\":null,\"timeout\":null,"
			  "\"fallbacks\":[]}") == 0);
	CHECK(!body.stream);
	CHECK(!body.timeout_set);
	CHECK(body.fallbacks_set);
	CHECK_INT(body.fallbacks_n, 0);
	weir_body_fini(&body);
}

TEST(complaints_name_the_field)
{
	static const struct {
		const char *text, *param, *code;
	} rows[] = {
		{ "", "", "invalid_json" },
		{ "[]", "", "invalid_json" },
		{ "\"x\"", "", "invalid_json" },
		{ "{\"model\":\"a\",}", "", "invalid_json" },
		{ "{\"model\":\"a\"} x", "", "invalid_json" },
		{ "{}", "model", "missing_required_parameter" },
		{ "{\"model\":7}", "model", "invalid_type" },
		{ "{\"model\":\"\"}", "model", "invalid_value" },
		{ "{\"model\":\"a\\u0000b\"}", "model", "invalid_value" },
		{ "{\"model\":\"a\",\"model\":\"b\"}", "model", "duplicate_field" },
		{ "{\"model\":\"a\",\"str\\u0065am\":true,\"stream\":false}", "stream",
		  "duplicate_field" },
		{ "{\"model\":\"a\",\"stream\":1}", "stream", "invalid_type" },
		{ "{\"model\":\"a\",\"timeout\":0}", "timeout", "invalid_type" },
		{ "{\"model\":\"a\",\"timeout\":-1}", "timeout", "invalid_type" },
		{ "{\"model\":\"a\",\"timeout\":\"20\"}", "timeout", "invalid_type" },
		{ "{\"model\":\"a\",\"num_retries\":1.5}", "num_retries", "invalid_type" },
		{ "{\"model\":\"a\",\"num_retries\":-1}", "num_retries", "invalid_type" },
		{ "{\"model\":\"a\",\"fallbacks\":\"b\"}", "fallbacks", "invalid_type" },
		{ "{\"model\":\"a\",\"fallbacks\":[1]}", "fallbacks[0]", "invalid_type" },
		{ "{\"model\":\"a\",\"fallbacks\":[\"b\",{}]}", "fallbacks[1]", "invalid_type" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		CHECK_INT(read_text(rows[i].text), WEIR_ECONFIG);
		CHECK_STR(complaint.param, rows[i].param);
		CHECK_STR(complaint.code, rows[i].code);
		CHECK_INT(complaint.status, 400);
		weir_body_fini(&body);
	}
}

static bool value_is(const char *overrides, const char *name, const char *value)
{
	return weir_slice_is(weir_body_value(&body, weir_slice_of(overrides), name), value);
}

/* A wish stands behind all else, and who has said anything himself is left alone. */
TEST(a_stream_is_asked_to_count)
{
	const struct weir_usage_wish *wish = weir_dialect_find(WEIR_SLICE("openai"))->usage_wish;
	struct weir_body_edit edit = { .model = "a", .wish = wish };

#define WISHED "\"stream_options\":{\"include_usage\":true}"
	CHECK_STR(edited("{\"model\":\"a\",\"stream\":true }", &edit),
		  "{\"model\":\"a\",\"stream\":true," WISHED " }");
	CHECK_STR(edited("{\"stream_options\": null,\"model\":\"a\"}", &edit),
		  "{\"stream_options\": {\"include_usage\":true},\"model\":\"a\"}");
	edit.overrides = WEIR_SLICE("{\"n\":1,\"stream_options\":null}");
	CHECK_STR(edited("{\"model\":\"a\"}", &edit), "{\"model\":\"a\",\"n\":1," WISHED "}");
	REQUIRE(read_text("{\"model\":\"a\",\"stream_options\":{},\"x\":null}") == 0);
	CHECK(value_is("{\"n\":1}", "stream_options", "{}"));
	CHECK(value_is("{\"stream_options\":null}", "stream_options", "null"));
	CHECK(value_is("{\"x\":1}", "x", "1"));
	CHECK(value_is("{}", "x", "null"));
	CHECK(value_is("{}", "y", "null"));
	weir_body_fini(&body);
}

TEST(the_kth_allocation_of_an_edit_fails)
{
	struct weir_body_resume resume = { WEIR_SLICE("Hi"), false, NULL };
	struct weir_body_edit edit = { .model = "c", .resume = &resume };
	struct weir_slice *pieces;
	struct weir_buf scratch;
	size_t n, length, failed = 0;

	REQUIRE(read_text("{\"model\":\"a\",\"messages\":[]}") == 0);
	for (uint64_t k = 1; k < 6; k++) {
		weir_buf_init(&scratch, 4096);
		weir_alloc_fail_after(k);
		if (weir_body_pieces(&body, &edit, &scratch, &pieces, &n, &length))
			failed++;
		else
			weir_free(pieces);
		weir_alloc_fail_after(0);
		weir_buf_fini(&scratch);
	}
	CHECK(failed > 1 && failed < 5);
	weir_body_fini(&body);
	CHECK_INT(weir_alloc_live(), 0);
}

/* Out of memory at any point leaves nothing behind. */
TEST(the_kth_allocation_fails)
{
	static const char text[] = "{\"model\":\"a\",\"fallbacks\":[\"b\",\"c\"],\"x\":1}";
	size_t live = weir_alloc_live();

	for (uint64_t k = 1; k < 20; k++) {
		struct weir_buf bytes;

		weir_buf_init(&bytes, 4096);
		REQUIRE(weir_buf_puts(&bytes, text) == 0);
		weir_alloc_fail_after(k);
		if (weir_body_read(&body, &bytes, &complaint))
			CHECK(weir_alloc_live() >= live);
		weir_alloc_fail_after(0);
		weir_body_fini(&body);
		CHECK_INT(weir_alloc_live(), live);
	}
}

TEST_MAIN
