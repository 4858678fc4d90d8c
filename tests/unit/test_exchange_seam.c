/* Streams that may go on elsewhere, and those that go on with another's. */
#include "recording.h"

#define CHAT WEIR_ROUTE_CHAT

#define DATA(json)         "data: " json "\n\n"
#define CHUNK(id, choice)  DATA("{\"id\":\"" id "\",\"choices\":[" choice "]}")
#define DELTA(id, members) CHUNK(id, "{\"index\":0,\"delta\":{" members "},\"finish_reason\":null}")
#define ROLE(id)           DELTA(id, "\"role\":\"assistant\",\"content\":\"\"")
#define TOKEN(id, text)    DELTA(id, "\"content\":\"" text "\"")
#define CALL(id)           DELTA(id, "\"tool_calls\":[{\"index\":0,\"id\":\"c\"}]")
#define THOUGHT(id)        DELTA(id, "\"reasoning\":\"hm\"")
#define STOP(id)           CHUNK(id, "{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}")
#define USAGE(id)                                 \
	DATA("{\"id\":\"" id "\",\"choices\":[]," \
	     "\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}")
#define END     "data: [DONE]\n\n"
#define PING    ": ping\n\n"
#define DROPPED ": weir dropped an event that is not JSON\n\n"
#define BUSY    DATA("{\"error\":{\"message\":\"x\",\"type\":\"overloaded_error\"}}")

#define SHOWN    "n1 n2 n3 n4"
#define OWN_TYPE "type=text/event-stream; charset=utf-8"
#define MISMATCH "200 failed not_here seam_mismatch " OWN_TYPE " reusable"

#define RESUMED(name, body, expected, out, prefill) \
	{ name, true, CHAT, CHUNKED, OK_SSE, body, NULL, 0, OPEN, expected, out, SHOWN, prefill }

static const struct recording resumed[] = {
	RESUMED("goes on", ROLE("b") TOKEN("b", " n5") TOKEN("b", " n6") STOP("b") END,
		"200 done reusable", TOKEN("first", " n5") TOKEN("first", " n6") STOP("first") END,
		true),
	RESUMED("a finish brings what is held",
		ROLE("b") DELTA("b", "\"content\":\" n4\"") STOP("b") USAGE("b") END,
		"200 done usage=9/2 reusable", STOP("first") USAGE("first") END, false),
	RESUMED("repeats",
		PING ROLE("b") TOKEN("b", "n3") TOKEN("b", " n4") TOKEN("b", " n5, \\\"")
			TOKEN("b", "\\u0041\\/") STOP("b") END,
		"200 done reusable",
		PING TOKEN("first", " n5, \\\"") TOKEN("first", "\\u0041\\/") STOP("first") END,
		false),
	RESUMED("begins again, and ends in the same event",
		CHUNK("b",
		      "{\"delta\":{\"content\":\"n1 n2 n3 n4 n5\"},\"finish_reason\":\"stop\"}")
			END,
		"200 done reusable",
		CHUNK("first", "{\"delta\":{\"content\":\" n5\"},\"finish_reason\":\"stop\"}") END,
		true),
	RESUMED("held to the end", TOKEN("b", " n5") STOP("b") END, "200 done reusable",
		TOKEN("first", " n5") STOP("first") END, true),
	RESUMED("held to [DONE]", TOKEN("b", " n5") END, "200 done reusable",
		TOKEN("first", " n5") END, true),
	RESUMED("nothing is missing", ROLE("b") STOP("b") END, "200 done reusable",
		STOP("first") END, true),
	RESUMED("thinks first", ROLE("b") THOUGHT("b") TOKEN("b", "n4 n5") STOP("b") END,
		"200 done reusable", TOKEN("first", " n5") STOP("first") END, false),
	RESUMED("then calls a tool", TOKEN("b", "n4 n5") CALL("b") STOP("b") END,
		"200 done reusable", TOKEN("first", " n5") CALL("first") STOP("first") END, false),
	RESUMED("calls one instead of going on", TOKEN("b", "n4") CALL("b") STOP("b") END,
		"200 done reusable", CALL("first") STOP("first") END, false),
	RESUMED("junk", TOKEN("b", "n4 n5") DATA("oops") TOKEN("b", " n6") STOP("b") END,
		"200 done dropped=1 reusable",
		TOKEN("first", " n5") DROPPED TOKEN("first", " n6") STOP("first") END, false),
	RESUMED("CR, names, several lines, no id",
		"event: x\rid: 7\rdata: {\"choices\":\rdata: [{\"delta\":{\"content\":\"n4 "
		"n5\"}}]}\r\r"
		"data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\r\r" END,
		"200 done reusable",
		"event: x\ndata: {\"choices\": [{\"delta\":{\"content\":\" n5\"}}]}\n\n" DATA(
			"{\"choices\":[{\"finish_reason\":\"stop\"}]}") END,
		false),
	RESUMED("CRLF, the id last",
		"data: {\"choices\":[{\"delta\":{\"content\":\"n4 n5\"}}],\"id\":\"b\"}\r\n\r\n"
		"data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\r\n\r\n" END,
		"200 done reusable",
		DATA("{\"choices\":[{\"delta\":{\"content\":\" n5\"}}],\"id\":\"first\"}")
			DATA("{\"choices\":[{\"finish_reason\":\"stop\"}]}") END,
		false),
	RESUMED("no [DONE]", TOKEN("b", "n4 n5") STOP("b"), "200 done reusable",
		TOKEN("first", " n5") STOP("first") END, false),
	{ "all at once", true, CHAT, LENGTH, OK_JSON,
	  "{\"id\":\"b\",\"choices\":[{\"message\":{\"content\":\"n3 n4 n5\"},"
	  "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}",
	  NULL, 0, OPEN, "200 done usage=9/2 reusable",
	  DATA("{\"id\":\"first\",\"choices\":[{\"delta\":{\"content\":\" n5\"},"
	       "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":9,"
	       "\"completion_tokens\":2}}") END,
	  SHOWN, false },
};

#define NOTED(name, body, expected, out) \
	{ name, true, CHAT, CHUNKED, OK_SSE, body, NULL, 0, OPEN, expected, out, "", false }

/* Whoever goes on with it must not come behind an error. */
static const struct recording hidden[] = {
	NOTED("error event", TOKEN("a", "Hi") BUSY END, "200 failed cut error_event late reusable",
	      TOKEN("a", "Hi")),
	NOTED("named error", TOKEN("a", "Hi") "event: error\n" DATA("sorry"),
	      "200 failed cut error_event late reusable", TOKEN("a", "Hi")),
	NOTED("gave up", TOKEN("a", "Hi") CHUNK("a", "{\"delta\":{},\"finish_reason\":\"error\"}"),
	      "200 failed cut error_event late reusable", TOKEN("a", "Hi")),
	NOTED("no way on", CALL("a") BUSY, "200 failed cut error_event late shown reusable", NULL),
	NOTED("an error all the same", TOKEN("a", "Hi") STOP("a") BUSY,
	      "200 failed cut error_event late shown reusable", NULL),
	NOTED("unseen", ROLE("a") BUSY, "200 failed overloaded overloaded reusable",
	      "{\"error\":{\"message\":\"x\",\"type\":\"overloaded_error\"}}"),
};

static const struct recording mismatched[] = {
	RESUMED("something else", ROLE("b") TOKEN("b", "Sorry") TOKEN("b", ", no.") STOP("b") END,
		MISMATCH, "", true),
	RESUMED("known only at the end", TOKEN("b", "n1 n2 ") STOP("b") END, MISMATCH, "", false),
	RESUMED("calls a tool", ROLE("b") CALL("b") STOP("b") USAGE("b") END, MISMATCH, "", true),
	RESUMED("thinks, and calls a tool", THOUGHT("b") CALL("b") STOP("b") END, MISMATCH, "",
		true),
	RESUMED("refuses", DELTA("b", "\"refusal\":\"No.\"") STOP("b") END, MISMATCH, "", true),
	RESUMED("another choice", CHUNK("b", "{\"index\":1,\"delta\":{\"content\":\" n5\"}}") END,
		MISMATCH, "", true),
	RESUMED("only [DONE]", END, "200 failed server_error empty_stream " OWN_TYPE " reusable",
		"", true),
	RESUMED("held, and no end", TOKEN("b", "n4 n5"),
		"200 failed cut incomplete_stream late "
		"reusable",
		TOKEN("first", " n5"), false),
	RESUMED("never new, and no end", TOKEN("b", "n4"),
		"200 failed server_error empty_stream " OWN_TYPE " reusable", "", false),
	RESUMED("an error while it is held", TOKEN("b", "n4") BUSY,
		"200 failed overloaded overloaded reusable",
		"{\"error\":{\"message\":\"x\",\"type\":\"overloaded_error\"}}", false),
	RESUMED("an error later", TOKEN("b", "n4 n5") BUSY,
		"200 failed cut error_event late reusable", TOKEN("first", " n5"), false),
	RESUMED("junk while it is held", TOKEN("b", "n4") DATA("oops") TOKEN("b", " n5") STOP("b"),
		"200 failed server_error bad_json " OWN_TYPE " reusable", "", false),
	{ "another answer at once", true, CHAT, LENGTH, OK_JSON,
	  "{\"id\":\"b\",\"choices\":[{\"message\":{\"content\":\"Sorry\"},"
	  "\"finish_reason\":\"stop\"}]}",
	  NULL, 0, OPEN, "200 failed not_here seam_mismatch type=text/event-stream reusable", "",
	  SHOWN, true },
};

TEST(streams_that_go_on_with_another)
{
	CHECK_RECORDINGS(resumed);
}

TEST(errors_that_are_not_the_end)
{
	CHECK_RECORDINGS(hidden);
}

TEST(streams_that_do_not_fit)
{
	CHECK_RECORDINGS(mismatched);
}

struct noted {
	const char *events, *text, *id; /* text NULL: it cannot be gone on with */
};

/* Cut behind these events, what is kept of it? */
static void check_noted_row(const struct noted *row)
{
	struct weir_exchange x;
	struct weir_seam seam;

	weir_seam_init(&seam);
	weir_exchange_init(&x, weir_dialect_find(WEIR_SLICE("openai")), CHAT, true);
	x.seam = &seam;
	weir_exchange_feed(&x, OK_SSE "\r\n", strlen(OK_SSE "\r\n"), NOW_MS);
	weir_exchange_feed(&x, row->events, strlen(row->events), NOW_MS);
	if (x.state == WEIR_EXCHANGE_COMMITTED)
		CHECK_MEM(x.out.base, row->events, x.out.len);
	weir_exchange_eof(&x, false);
	if (weir_seam_can_resume(&seam) != (row->text != NULL) ||
	    (row->text && (!weir_slice_is(weir_seam_text(&seam), row->text) ||
			   !weir_slice_is(weir_seam_id(&seam), row->id)))) {
		NOTE("%s", row->events);
		test_print("text", seam.text.base, seam.text.len);
		test_print("id  ", seam.id.base, seam.id.len);
		CHECK(!"as expected");
	}
	weir_exchange_fini(&x);
	weir_seam_fini(&seam);
}

TEST(what_is_noted_of_a_stream)
{
	static const struct noted rows[] = {
		{ "", NULL, "" },
		{ ROLE("a"), NULL, "" },
		{ ROLE("a") TOKEN("a", "Hi") TOKEN("b", " you") PING, "Hi you", "\"a\"" },
		{ TOKEN("a", "Hi") "data: {\"id\":\"a\",\"choices\":[{\"delta\":{\"content\":\"x",
		  "Hi", "\"a\"" },
		{ TOKEN("q\\\"\\u0041", "\\u20ac\\n\\\"\\ud83d\\ude00"),
		  "\xe2\x82\xac\n\"\xf0\x9f\x98\x80", "\"q\\\"\\u0041\"" },
		{ DATA("{\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}"), "Hi", "" },
		{ TOKEN("a", "Hi") DELTA("a", "\"content\":null"), "Hi", "\"a\"" },
		{ THOUGHT("a") TOKEN("a", "Hi"), "Hi", "\"a\"" },
		{ THOUGHT("a"), NULL, "" },
		{ TOKEN("a", "Hi") THOUGHT("a"), NULL, "" },
		{ TOKEN("a", "Hi") STOP("a"), NULL, "" },
		{ TOKEN("a", "Hi") CALL("a"), NULL, "" },
		{ CALL("a") TOKEN("a", "Hi"), NULL, "" },
		{ DELTA("a", "\"function_call\":{\"name\":\"f\"}") TOKEN("a", "Hi"), NULL, "" },
		{ DELTA("a", "\"refusal\":\"No\"") TOKEN("a", "Hi"), NULL, "" },
		{ DELTA("a", "\"audio\":{\"data\":\"\"}") TOKEN("a", "Hi"), NULL, "" },
		{ DELTA("a", "\"content\":[{\"text\":\"x\"}]") TOKEN("a", "Hi"), NULL, "" },
		{ DELTA("a", "\"content\":\"x\",\"content\":\"y\""), NULL, "" },
		{ TOKEN("a", "Hi") CHUNK("a", "{\"index\":1,\"delta\":{\"content\":\"x\"}}"), NULL,
		  "" },
		{ CHUNK("a", "{\"text\":\"Hi\"}"), NULL, "" },
		{ DATA("[{\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}]"), NULL, "" },
		{ TOKEN("a", "Hi") TOKEN("a", "\\ud83d"), NULL, "" },
		{ DELTA("a", "\"c\\u006fntent\":\"Hi\",\"tool_calls\":[],\"refusal\":null"), "Hi",
		  "\"a\"" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check_noted_row(&rows[i]);
	CHECK_INT(weir_alloc_live(), 0);
}

/* Only what was let out counts: nothing of an attempt that failed unseen. */
TEST(a_failed_attempt_is_not_noted)
{
	static const char failing[] = OK_SSE "\r\n" ROLE("a") BUSY;
	struct weir_exchange x;
	struct weir_seam seam;

	weir_seam_init(&seam);
	weir_exchange_init(&x, weir_dialect_find(WEIR_SLICE("openai")), CHAT, true);
	x.seam = &seam;
	weir_exchange_feed(&x, failing, strlen(failing), NOW_MS);
	CHECK_INT(x.state, WEIR_EXCHANGE_FAILED);
	CHECK_INT(weir_seam_id(&seam).len + weir_seam_text(&seam).len, 0);
	weir_exchange_fini(&x);
	weir_seam_fini(&seam);
}

TEST_MAIN
