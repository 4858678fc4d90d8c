/* The words of other proxies, where they are understood: what becomes of each. */
#include "core/body.h"

#include "base/alloc.h"
#include "base/error.h"
#include "test.h"

static struct weir_body body;
static struct weir_complaint complaint;

static int read_as(const char *text, unsigned how)
{
	struct weir_buf bytes;
	int rc;

	weir_buf_init(&bytes, 1 << 20);
	if (weir_buf_puts(&bytes, text))
		return WEIR_ENOMEM;
	complaint = (struct weir_complaint){ 0 };
	rc = weir_body_read_as(&body, &bytes, how, &complaint);
	weir_buf_fini(&bytes);
	return rc;
}

/* What a target gets of it. */
static const char *sent(const struct weir_body_edit *edit)
{
	static char out[4096];
	struct weir_buf scratch;
	struct weir_slice *pieces;
	size_t n, length, at = 0;

	weir_buf_init(&scratch, 4096);
	if (weir_body_pieces(&body, edit, &scratch, &pieces, &n, &length))
		return "out of memory";
	for (size_t i = 1; i < n; at += pieces[i++].len)
		memcpy(out + at, pieces[i].base, pieces[i].len);
	out[at] = '\0';
	weir_free(pieces);
	weir_buf_fini(&scratch);
	return out;
}

/* "api_key, guardrails" */
static const char *ignored(void)
{
	static char out[1024];

	out[0] = '\0';
	for (unsigned i = 0; body.ignored && i < body.ignored->n; i++)
		snprintf(out + strlen(out), sizeof out - strlen(out), "%s%s", i ? ", " : "",
			 body.ignored->names[i]);
	return out;
}

/* "b@fallbacks[0]" */
static const char *fallbacks(void)
{
	static char out[1024];

	out[0] = '\0';
	for (unsigned i = 0; i < body.fallbacks_n; i++)
		snprintf(out + strlen(out), sizeof out - strlen(out), "%s%s@%s", i ? " " : "",
			 body.fallbacks[i].name, body.fallbacks[i].where);
	return out;
}

static const struct {
	const char *in, *out, *told;
} stripped[] = {
	{ "{\"model\":\"a\",\"metadata\":{\"tags\":[\"x\"]},\"n\":1}", "{\"model\":\"a\",\"n\":1}",
	  "" },
	{ "{\"api_key\":\"sk-1\",\"model\":\"a\",\"api_base\":\"http://evil\",\"base_url\":\"x\"}",
	  "{\"model\":\"a\"}", "api_key, api_base, base_url" },
	{ "{\"model\":\"a\",\"\\u0061pi_key\":\"sk-1\"}", "{\"model\":\"a\"}", "api_key" },
	{ "{\"model\":\"a\",\"tags\":[],\"no-log\":true,\"drop_params\":true,\"caching\":true,"
	  "\"litellm_session_id\":\"s\",\"litellm_metadata\":{}}",
	  "{\"model\":\"a\"}", "" },
	{ "{\"model\":\"a\",\"aws_secret_access_key\":\"s\",\"custom_llm_provider\":\"openai\","
	  "\"user\":\"u\"}",
	  "{\"model\":\"a\",\"user\":\"u\"}", "aws_secret_access_key, custom_llm_provider" },
	{ "{\"model\":\"a\",\"\\u0061ws_region\":\"s\",\"vertex\\u005fproject\":1,\"vertex\":2}",
	  "{\"model\":\"a\",\"vertex\":2}", "aws_region, vertex_project" },
	{ "{\"model\":\"a\",\"guardrails\":[\"pii\"],\"content_policy_fallbacks\":[{\"a\":[]}]}",
	  "{\"model\":\"a\"}", "guardrails, content_policy_fallbacks" },
	{ "{\"model\":\"a\",\"api_key\":null,\"guardrails\":[],\"mock_response\":null}",
	  "{\"model\":\"a\"}", "" },
	{ "{\"model\":\"a\",\"request_timeout\":3,\"max_retries\":1,\"unknown\":{\"api_key\":1}}",
	  "{\"model\":\"a\",\"unknown\":{\"api_key\":1}}", "" },
};

TEST(litellm_fields_reach_no_provider)
{
	struct weir_body_edit edit = { .model = "a" };

	for (size_t i = 0; i < WEIR_COUNT_OF(stripped); i++) {
		REQUIRE(read_as(stripped[i].in, WEIR_BODY_LITELLM) == 0);
		CHECK_STR(sent(&edit), stripped[i].out);
		CHECK_STR(ignored(), stripped[i].told);
		weir_body_fini(&body);
	}
}

TEST(without_compat_they_are_the_providers_affair)
{
	static const char text[] = "{\"model\":\"a\",\"metadata\":{},\"api_key\":\"x\"}";
	struct weir_body_edit edit = { .model = "a" };

	REQUIRE(read_as(text, 0) == 0);
	CHECK_STR(sent(&edit), text);
	CHECK(!body.ignored);
	weir_body_fini(&body);
}

TEST(metadata_stays_where_the_api_has_it)
{
	static const char text[] = "{\"model\":\"a\",\"metadata\":{\"user_id\":\"u\"}}";
	struct weir_body_edit edit = { .model = "a" };

	REQUIRE(read_as(text, WEIR_BODY_LITELLM | WEIR_BODY_METADATA) == 0);
	CHECK_STR(sent(&edit), text);
	weir_body_fini(&body);
}

TEST(litellm_overrides_bring_none_of_its_fields)
{
	struct weir_body_edit edit = {
		.model = "b",
		.overrides = WEIR_SLICE("{\"model\":\"b\",\"temperature\":0,\"metadata\":{},"
					"\"guardrails\":[1],\"aws_region_name\":\"x\"}"),
	};

	REQUIRE(read_as("{\"model\":\"a\"}", WEIR_BODY_LITELLM) == 0);
	CHECK_STR(sent(&edit), "{\"model\":\"b\",\"temperature\":0}");
	weir_body_fini(&body);
}

TEST(a_target_of_another_dialect_does_not_see_them)
{
	struct weir_slice none = { NULL, 0 };
	struct weir_chat chat;

	REQUIRE(read_as("{\"model\":\"a\",\"timeout\":3,\"num_retries\":1,\"fallbacks\":[],"
			"\"metadata\":{\"a\":1},\"api_key\":\"x\",\"store\":true,"
			"\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}",
			WEIR_BODY_LITELLM) == 0);
	REQUIRE(weir_body_read_chat(&body, none, weir_dialect_of(WEIR_ROUTE_CHAT), &chat) == 0);
	REQUIRE(chat.drops.n == 1);
	CHECK_STR(chat.drops.names[0], "store");
	CHECK(!chat.cannot);
	weir_chat_fini(&chat);
	weir_body_fini(&body);
}

static const struct {
	const char *text;
	uint64_t timeout_ms;
	int retries; /* -1: not set */
} wishes[] = {
	{ "{\"model\":\"a\",\"request_timeout\":3}", 3000, -1 },
	{ "{\"model\":\"a\",\"request_timeout\":3,\"timeout\":2}", 2000, -1 },
	{ "{\"model\":\"a\",\"stream_timeout\":1,\"timeout\":2}", 2000, -1 },
	{ "{\"model\":\"a\",\"stream_timeout\":1,\"timeout\":2,\"stream\":true}", 1000, -1 },
	{ "{\"model\":\"a\",\"stream_timeout\":1}", 0, -1 },
	{ "{\"model\":\"a\",\"max_retries\":2}", 0, 2 },
	{ "{\"model\":\"a\",\"max_retries\":2,\"num_retries\":0}", 0, 0 },
};

TEST(litellm_wishes_have_other_names_too)
{
	for (size_t i = 0; i < WEIR_COUNT_OF(wishes); i++) {
		REQUIRE(read_as(wishes[i].text, WEIR_BODY_LITELLM) == 0);
		CHECK_INT(body.timeout_ms, wishes[i].timeout_ms);
		CHECK_INT(body.retries_set ? (int)body.retries : -1, wishes[i].retries);
		CHECK(body.timeout_set == (wishes[i].timeout_ms != 0));
		weir_body_fini(&body);
	}
}

static const struct {
	const char *text, *fallbacks;
	bool set;
} lists[] = {
	{ "{\"model\":\"a\",\"fallbacks\":[\"b\",{\"model\":\"c\"}]}",
	  "b@fallbacks[0] c@fallbacks[1]", true },
	{ "{\"model\":\"a\",\"fallbacks\":[{\"x\":[\"no\"]},{\"a\":[\"b\",{\"model\":\"c\"}]}]}",
	  "b@fallbacks[1] c@fallbacks[1]", true },
	{ "{\"model\":\"a\",\"fallbacks\":[{\"*\":[\"b\"]}]}", "b@fallbacks[0]", true },
	{ "{\"model\":\"a\",\"fallbacks\":[]}", "", true },
	{ "{\"model\":\"a\",\"context_window_fallbacks\":[{\"a\":[\"big\"]}]}",
	  "big@context_window_fallbacks[0]", false },
	{ "{\"context_window_fallback_dict\":{\"a\":\"big\",\"z\":\"no\"},\"model\":\"a\","
	  "\"fallbacks\":[\"b\"]}",
	  "b@fallbacks[0] big@context_window_fallback_dict", true },
};

TEST(litellm_fallbacks_come_in_three_forms)
{
	for (size_t i = 0; i < WEIR_COUNT_OF(lists); i++) {
		REQUIRE(read_as(lists[i].text, WEIR_BODY_LITELLM) == 0);
		CHECK_STR(fallbacks(), lists[i].fallbacks);
		CHECK(body.fallbacks_set == lists[i].set);
		weir_body_fini(&body);
	}
}

TEST(litellm_switches_are_heeded)
{
	REQUIRE(read_as("{\"model\":\"a\",\"disable_fallbacks\":true}", WEIR_BODY_LITELLM) == 0);
	CHECK(body.no_fallback && !body.skip_first);
	weir_body_fini(&body);
	REQUIRE(read_as("{\"model\":\"a\",\"mock_testing_fallbacks\":true}", WEIR_BODY_LITELLM) ==
		0);
	CHECK(!body.no_fallback && body.skip_first);
	weir_body_fini(&body);
	REQUIRE(read_as("{\"model\":\"a\",\"mock_testing_fallbacks\":true}", 0) == 0);
	CHECK(!body.skip_first);
	weir_body_fini(&body);
}

static const struct {
	const char *text, *param, *code;
} refused[] = {
	{ "{\"model\":\"a\",\"mock_response\":\"hi\"}", "mock_response", "not_supported" },
	{ "{\"model\":\"a\",\"mock_testing_context_fallbacks\":true}",
	  "mock_testing_context_fallbacks", "not_supported" },
	{ "{\"model\":\"a\",\"request_timeout\":\"3\"}", "request_timeout", "invalid_type" },
	{ "{\"model\":\"a\",\"max_retries\":-1}", "max_retries", "invalid_type" },
	{ "{\"model\":\"a\",\"fallbacks\":[{\"a\":[7]}]}", "fallbacks[0]", "invalid_type" },
	{ "{\"model\":\"a\",\"fallbacks\":[{\"a\":7}]}", "fallbacks[0]", "invalid_type" },
	{ "{\"model\":\"a\",\"context_window_fallbacks\":{}}", "context_window_fallbacks",
	  "invalid_type" },
	{ "{\"model\":\"a\",\"context_window_fallback_dict\":[]}", "context_window_fallback_dict",
	  "invalid_type" },
};

TEST(litellm_complaints_name_the_field)
{
	for (size_t i = 0; i < WEIR_COUNT_OF(refused); i++) {
		CHECK_INT(read_as(refused[i].text, WEIR_BODY_LITELLM), WEIR_ECONFIG);
		CHECK_STR(complaint.param, refused[i].param);
		CHECK_STR(complaint.code, refused[i].code);
		weir_body_fini(&body);
	}
}

TEST(fallbacks_have_a_bound_in_every_form)
{
	static const char many[] =
		"{\"model\":\"a\",\"fallbacks\":[{\"a\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\","
		"\"8\",\"9\",\"10\",\"11\",\"12\",\"13\",\"14\",\"15\",\"16\"]}]}";

	CHECK_INT(read_as(many, WEIR_BODY_LITELLM), WEIR_ECONFIG);
	CHECK_STR(complaint.param, "fallbacks");
	weir_body_fini(&body);
}

TEST(the_kth_allocation_fails)
{
	static const char text[] =
		"{\"model\":\"a\",\"fallbacks\":[{\"a\":[\"b\",\"c\"]}],\"api_key\":\"x\"}";
	bool failed = true;

	for (uint64_t k = 1; failed && k < 30; k++) {
		struct weir_buf bytes;

		weir_buf_init(&bytes, 4096);
		REQUIRE(weir_buf_puts(&bytes, text) == 0);
		weir_alloc_fail_after(k);
		failed = weir_body_read_as(&body, &bytes, WEIR_BODY_LITELLM, &complaint) != 0;
		weir_alloc_fail_after(0);
		weir_body_fini(&body);
		CHECK_INT(weir_alloc_live(), 0);
	}
	CHECK(!failed);
}

TEST_MAIN
