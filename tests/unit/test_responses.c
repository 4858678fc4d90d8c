/* What the events and bodies of the responses API say, and what in a request binds it. */
#include "test.h"

#include "base/alloc.h"
#include "core/body.h"
#include "core/bonds.h"
#include "dialect/responses.h"

static struct weir_buf scratch;

static void describe(const struct weir_reading *r, char *text, size_t size)
{
	size_t at = (size_t)snprintf(text, size, "%s%s%s%s%s%s%s", r->json ? "json" : "junk",
				     r->content ? " content" : "", r->end_mark ? " end" : "",
				     r->broken_off ? " broken-off" : "", r->error ? " error" : "",
				     r->choices ? " output" : "", r->no_memory ? " no-memory" : "");

	if (r->usage)
		at += (size_t)snprintf(text + at, size - at, " usage=%llu/%llu",
				       (unsigned long long)r->tokens_in,
				       (unsigned long long)r->tokens_out);
	if (r->failure.code.len)
		at += (size_t)snprintf(text + at, size - at, " code=%.*s", (int)r->failure.code.len,
				       r->failure.code.base);
	if (r->id.len)
		snprintf(text + at, size - at, " id=%.*s", (int)r->id.len, r->id.base);
}

#define EVENT(type, more) "{\"type\":\"" type "\",\"sequence_number\":1" more "}"

static const char *const events[][2] = {
	{ EVENT("response.created", ",\"response\":{\"id\":\"resp_1\"}"), "json id=resp_1" },
	{ EVENT("response.in_progress", ",\"response\":{}"), "json" },
	{ EVENT("response.queued", ",\"response\":{}"), "json" },
	{ EVENT("response.output_item.added", ",\"item\":{\"type\":\"function_call\"}"), "json" },
	{ EVENT("response.content_part.added", ",\"part\":{}"), "json" },
	{ EVENT("response.reasoning_summary_part.added", ",\"part\":{}"), "json" },
	{ EVENT("response.web_search_call.in_progress", ""), "json" },
	{ EVENT("response.output_text.delta", ",\"delta\":\"\""), "json" },
	{ EVENT("response.output_item.done", ",\"item\":{}"), "json content" },
	{ EVENT("response.output_text.delta", ",\"delta\":\"a\""), "json content" },
	{ EVENT("response.reasoning_summary_text.delta", ",\"delta\":\"a\""), "json content" },
	{ EVENT("response.function_call_arguments.delta", ",\"delta\":\"{\""), "json content" },
	{ EVENT("keepalive", ""), "json" },
	{ EVENT("response.completed",
		",\"response\":{\"id\":\"resp_1\",\"error\":null,\"usage\":{\"input_tokens\":7,"
		"\"output_tokens\":5}}"),
	  "json content end usage=7/5 id=resp_1" },
	{ EVENT("response.incomplete", ",\"response\":{}"), "json content end" },
	{ EVENT("response.failed",
		",\"response\":{\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"m\"}}"),
	  "json error code=rate_limit_exceeded" },
	{ EVENT("error", ",\"code\":\"server_error\",\"message\":\"m\",\"param\":null"),
	  "json error code=server_error" },
	{ "{\"error\":{\"code\":\"insufficient_quota\",\"message\":\"m\"}}",
	  "json error code=insufficient_quota" },
	{ "[DONE]", "junk broken-off" },
	{ "{", "junk" },
};

static const char *const bodies[][2] = {
	{ "{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"completed\",\"error\":null,"
	  "\"output\":[{}],\"usage\":{\"input_tokens\":7,\"output_tokens\":5}}",
	  "json output usage=7/5 id=resp_1" },
	{ "{\"object\":\"response\",\"status\":\"incomplete\",\"output\":[]}", "json output" },
	{ "{\"object\":\"response\",\"status\":\"queued\",\"output\":[]}", "json output" },
	{ "{\"object\":\"response\",\"status\":\"failed\",\"output\":[],\"error\":{\"code\":"
	  "\"server_error\",\"message\":\"m\"}}",
	  "json error output code=server_error" },
	{ "{\"error\":{\"code\":\"invalid_api_key\",\"message\":\"m\"}}",
	  "json error code=invalid_api_key" },
	{ "{\"choices\":[{}]}", "json" },
	{ "{}", "json" },
	{ "", "junk" },
};

TEST(events_are_read)
{
	struct weir_reading r;
	char text[256];

	weir_buf_init(&scratch, 64 * 1024);
	for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
		weir_responses.read_event(weir_slice_of(events[i][0]), &scratch, &r);
		describe(&r, text, sizeof text);
		CHECK_STR(text, events[i][1]);
	}
	weir_buf_fini(&scratch);
}

TEST(bodies_are_read)
{
	struct weir_reading r;
	char text[256];

	weir_buf_init(&scratch, 64 * 1024);
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		weir_responses.read_body(WEIR_ROUTE_RESPONSES, weir_slice_of(bodies[i][0]),
					 &scratch, &r);
		describe(&r, text, sizeof text);
		CHECK_STR(text, bodies[i][1]);
	}
	weir_buf_fini(&scratch);
}

static struct weir_body_state state_of(const char *text)
{
	struct weir_complaint complaint;
	struct weir_body_state state = { 0 };
	struct weir_body body;
	struct weir_buf bytes;

	weir_buf_init(&bytes, 4096);
	CHECK_INT(weir_buf_puts(&bytes, text), 0);
	CHECK_INT(weir_body_read(&body, &bytes, &complaint), 0);
	weir_body_read_state(&body, &state);
	weir_body_fini(&body);
	return state;
}

TEST(a_request_is_bound_by_what_is_stored)
{
	static const struct {
		const char *text;
		bool bound, acts;
	} rows[] = {
		{ "{\"model\":\"m\",\"input\":\"hi\",\"store\":true}", false, false },
		{ "{\"model\":\"m\",\"previous_response_id\":\"resp_1\"}", true, false },
		{ "{\"model\":\"m\",\"previous_response_id\":null}", false, false },
		{ "{\"model\":\"m\",\"conversation\":\"conv_1\"}", true, true },
		{ "{\"model\":\"m\",\"conversation\":{\"id\":\"conv_1\"}}", true, true },
		{ "{\"model\":\"m\",\"conversation\":null}", false, false },
		{ "{\"model\":\"m\",\"background\":true}", true, true },
		{ "{\"model\":\"m\",\"background\":false}", false, false },
		{ "{\"model\":\"m\",\"prompt\":{\"id\":\"p\"}}", true, false },
		{ "{\"model\":\"m\",\"input\":[{\"type\":\"item_reference\",\"id\":\"i\"}]}", true,
		  false },
		{ "{\"model\":\"m\",\"input\":[{\"encrypted_content\": \"x\"}]}", true, false },
		{ "{\"model\":\"m\",\"input\":[{\"encrypted_content\": null}]}", false, false },
		{ "{\"model\":\"m\",\"input\":[{\"encrypted_content\":null},"
		  "{\"encrypted_content\" :\"x\"}]}",
		  true, false },
		{ "{\"model\":\"m\",\"input\":\"say \\\"file_id\\\"\"}", false, false },
		{ "{\"model\":\"m\",\"input\":\"\"}", false, false },
		{ "{\"model\":\"m\",\"tools\":[{\"container\":{\"file_ids\":[\"f\"]}}]}", true,
		  false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct weir_body_state state = state_of(rows[i].text);

		if (state.bound != rows[i].bound || state.acts != rows[i].acts)
			NOTE("%s", rows[i].text);
		CHECK(state.bound == rows[i].bound);
		CHECK(state.acts == rows[i].acts);
	}
	CHECK(state_of("{\"model\":\"m\",\"previous_response_id\":\"a\"}").previous ==
	      weir_slice_hash(WEIR_SLICE("a")));
	CHECK_INT(weir_alloc_live(), 0);
}

TEST(an_answer_is_remembered_until_it_is_overwritten)
{
	static struct weir_bonds bonds;

	CHECK(weir_bonds_find(&bonds, 0) == 0);
	CHECK(weir_bonds_find(&bonds, 7) == 0);
	weir_bonds_keep(&bonds, 7, 70);
	weir_bonds_keep(&bonds, 8, 80);
	CHECK(weir_bonds_find(&bonds, 7) == 70);
	CHECK(weir_bonds_find(&bonds, 7 + WEIR_BONDS_MAX) == 0);
	weir_bonds_keep(&bonds, 7 + WEIR_BONDS_MAX, 71);
	CHECK(weir_bonds_find(&bonds, 7) == 0);
	CHECK(weir_bonds_find(&bonds, 8) == 80);
}

TEST_MAIN
