/* Streams. Whole answers and error statuses: test_exchange.c. */
#include "recording.h"

#define CHAT WEIR_ROUTE_CHAT
#define TEXT WEIR_ROUTE_COMPLETIONS

#define DATA(json)    "data: " json "\n\n"
#define CHUNK(choice) DATA("{\"id\":\"c1\",\"choices\":[" choice "]}")
#define ROLE          CHUNK("{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}")
#define TOKEN(text)   CHUNK("{\"delta\":{\"content\":\"" text "\"},\"finish_reason\":null}")
#define SECOND(text)  CHUNK("{\"index\":1,\"delta\":{\"content\":\"" text "\"}}")
#define STOP_SECOND   CHUNK("{\"index\":1,\"delta\":{},\"finish_reason\":\"length\"}")
#define STOP          CHUNK("{\"delta\":{},\"finish_reason\":\"stop\"}")
#define COUNTS(n)     "\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":" #n "}}"
#define USAGE         DATA("{\"choices\":[]," COUNTS(2))
#define FILTER        DATA("{\"choices\":[],\"prompt_filter_results\":[]}")
#define END           "data: [DONE]\n\n"
#define DOWN          "{\"error\":{\"message\":\"Down\",\"type\":\"server_error\",\"code\":null}}"
#define BUSY          "{\"error\":{\"message\":\"x\",\"type\":\"overloaded_error\"}}"
#define PING          ": OPENROUTER PROCESSING\n\n"
#define DROPPED       ": weir dropped an event that is not JSON\n\n"
#define GOOD          ROLE TOKEN("Hi") TOKEN("\xe2\x82\xac") STOP
#define ANSWER        "{\"object\":\"chat.completion\",\"choices\":[{\"message\":{}}]}"
#define CONVERTED(at) DATA(at "\"object\":\"chat.completion.chunk\",\"choices\":[{\"delta\":{}}]}")
#define UNTYPED       "HTTP/1.1 200 OK\r\n"

/* The usual framing, no surprise at its end. */
#define EVENTS(name, body, expected, out) \
	{ name, true, CHAT, CHUNKED, OK_SSE, body, NULL, 0, OPEN, expected, out }
#define RESPONSES(name, body, expected, out) \
	{ name, true, WEIR_ROUTE_RESPONSES, CHUNKED, OK_SSE, body, NULL, 0, OPEN, expected, out }
#define RESPONSE(type, more) DATA("{\"type\":\"response." type "\"" more "}")
#define BEGUN                                                                   \
	RESPONSE("created", ",\"response\":{}")                                 \
	RESPONSE("output_item.added", ",\"item\":{\"type\":\"function_call\"}") \
	RESPONSE("content_part.added", "") RESPONSE("output_text.delta", ",\"delta\":\"\"")
#define SAID      RESPONSE("output_text.delta", ",\"delta\":\"a\"")
#define COMPLETED RESPONSE("completed", ",\"response\":{}")
#define FAILED    "{\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"x\"}}}"
#define OWN_TYPE  "type=text/event-stream; charset=utf-8"

static const struct recording good[] = {
	EVENTS("chunked", GOOD END, "200 done reusable", NULL),
	{ "length", true, CHAT, LENGTH, OK_SSE, GOOD END, NULL, 0, OPEN, "200 done reusable",
	  NULL },
	{ "until the end", true, CHAT, CLOSE, OK_SSE, GOOD END, NULL, 0, FIN, "200 done close",
	  NULL },
	{ "done before the end", true, CHAT, CLOSE, OK_SSE, GOOD END, NULL, 0, OPEN,
	  "200 done open", NULL },
	{ "reset after [DONE]", true, CHAT, CHUNKED, OK_SSE, GOOD END, NULL, 5, RST,
	  "200 done close", NULL },
	{ "no last chunk yet", true, CHAT, CHUNKED, OK_SSE, GOOD END, NULL, 5, OPEN,
	  "200 done open", NULL },
	EVENTS("usage", GOOD USAGE END, "200 done usage=9/2 reusable", NULL),
	EVENTS("usage in each",
	       DATA("{\"choices\":[{\"delta\":{\"content\":\"a\"}}]," COUNTS(1))
		       DATA("{\"choices\":[{\"finish_reason\":\"stop\"}]," COUNTS(5)) END,
	       "200 done usage=9/5 reusable", NULL),
	EVENTS("filter results first", FILTER GOOD END, "200 done reusable", NULL),
	EVENTS("pings first", PING PING GOOD PING END, "200 done reusable", NULL),
	EVENTS("finish only", ROLE STOP END, "200 done reusable", NULL),
	{ "completions", true, TEXT, CHUNKED, OK_SSE,
	  CHUNK("{\"text\":\"a\"}") CHUNK("{\"text\":\"\",\"finish_reason\":\"length\"}") END, NULL,
	  0, OPEN, "200 done reusable", NULL },
	EVENTS("CRLF, BOM, names, ids",
	       "\xef\xbb\xbfid: 7\r\nevent: x\r\ndata: {\"choices\":\r\ndata: "
	       "[{\"delta\":{\"content\":\"a\"}}]}\r\n\r\n"
	       "retry: 3\r\rdata:[DONE]\r\n\r\n",
	       "200 done reusable", NULL),
	EVENTS("empty data", "data:\n\n" TOKEN("a") "data\n\n" END, "200 done reusable", NULL),
	{ "no type", true, CHAT, CHUNKED, UNTYPED, PING GOOD END, NULL, 0, OPEN,
	  "200 done reusable", NULL },
	{ "no type, blank lines first", true, CHAT, CHUNKED, UNTYPED, "\n\r\n" GOOD END, NULL, 0,
	  OPEN, "200 done reusable", NULL },
	{ "another type", true, CHAT, CHUNKED, UNTYPED "content-type: application/octet-stream\r\n",
	  GOOD END, NULL, 0, OPEN, "200 done reusable", NULL },
	{ "upper case type", true, CHAT, CHUNKED, UNTYPED "content-type: TEXT/Event-Stream\r\n",
	  GOOD END, NULL, 0, OPEN, "200 done type=TEXT/Event-Stream reusable", NULL },
	EVENTS("half an emoji", TOKEN("\\ud83d") TOKEN("\\ude00") END, "200 done reusable", NULL),

	/* The end, said otherwise. */
	EVENTS("no [DONE]", GOOD, "200 done reusable", GOOD END),
	{ "no [DONE] until the end", true, CHAT, CLOSE, OK_SSE, GOOD USAGE, NULL, 0, FIN,
	  "200 done usage=9/2 close", GOOD USAGE END },
	EVENTS("two choices, no [DONE]", TOKEN("a") SECOND("b") STOP STOP_SECOND,
	       "200 done reusable", TOKEN("a") SECOND("b") STOP STOP_SECOND END),
	EVENTS("one choice in two has words, no [DONE]", TOKEN("a") STOP_SECOND STOP,
	       "200 done reusable", TOKEN("a") STOP_SECOND STOP END),
	EVENTS("blank behind [DONE]", GOOD "data: [DONE] \n\n", "200 done reusable", GOOD END),
	EVENTS("[DONE] unended", GOOD "data: [DONE]", "200 done reusable", GOOD END),
	EVENTS("the last event unended",
	       TOKEN("a") "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}", "200 done reusable",
	       TOKEN("a") DATA("{\"choices\":[{\"finish_reason\":\"stop\"}]}") END),
	EVENTS("more line ends behind it", GOOD END "\n\r\n", "200 done reusable", GOOD END),
	EVENTS("more events behind it", GOOD END TOKEN("x") END, "200 done close", GOOD END),
	EVENTS("half an event behind it", GOOD END "data: {", "200 done close", GOOD END),
	{ "bytes behind the message", true, CHAT, CHUNKED, OK_SSE, GOOD END, "x", 0, OPEN,
	  "200 done close", NULL },

	/* One event that is no JSON does not end it. */
	EVENTS("junk", TOKEN("a") DATA("{oops") TOKEN("b") DATA("ping") STOP END,
	       "200 done dropped=2 reusable", TOKEN("a") DROPPED TOKEN("b") DROPPED STOP END),

	/* The whole answer at once. */
	{ "json", true, CHAT, LENGTH, OK_JSON, ANSWER, NULL, 0, OPEN, "200 done reusable",
	  CONVERTED("{") END },
	RESPONSES("a response", BEGUN SAID COMPLETED, "200 done reusable", NULL),
	EVENTS("json in a stream's clothes", "\n" ANSWER, "200 done reusable", CONVERTED(" {") END),
};

static const struct recording failed[] = {
	EVENTS("nothing", "", "200 failed server_error empty_stream " OWN_TYPE " reusable", ""),
	{ "nothing, untyped", true, CHAT, LENGTH, UNTYPED, "", NULL, 0, OPEN,
	  "200 failed server_error empty_stream reusable", "" },
	EVENTS("only [DONE]", END, "200 failed server_error empty_stream " OWN_TYPE " reusable",
	       ""),
	EVENTS("only a role", ROLE END,
	       "200 failed server_error empty_stream " OWN_TYPE " reusable", ""),
	EVENTS("only pings", PING PING,
	       "200 failed server_error empty_stream " OWN_TYPE " reusable", ""),
	{ "only usage", true, CHAT, CLOSE, OK_SSE, FILTER USAGE, NULL, 0, FIN,
	  "200 failed server_error empty_stream usage=9/2 " OWN_TYPE " close", "" },
	{ "still silent", true, CHAT, CHUNKED, OK_SSE, ROLE PING, NULL, 5, OPEN,
	  "200 waiting " OWN_TYPE " open", "" },
	EVENTS("junk first", ROLE DATA("oops") GOOD END,
	       "200 failed server_error bad_json " OWN_TYPE " reusable", ""),
	{ "cut", true, CHAT, CHUNKED, OK_SSE, ROLE TOKEN("a"), NULL, 12, FIN,
	  "200 failed cut truncated " OWN_TYPE " close", "" },
	{ "reset", true, CHAT, CLOSE, OK_SSE, ROLE, NULL, 0, RST,
	  "200 failed cut truncated " OWN_TYPE " close", "" },
	{ "bad chunk", true, CHAT, BARE, OK_SSE "transfer-encoding: chunked\r\n\r\n3\r\n: \n\r\nx",
	  NULL, NULL, 0, OPEN, "200 failed server_error proto " OWN_TYPE " close", "" },
	{ "a page", true, CHAT, LENGTH, UNTYPED "content-type: text/html\r\n", "<html>", NULL, 0,
	  OPEN, "200 failed server_error bad_type type=text/html reusable", "" },
	{ "a word", true, CHAT, LENGTH, UNTYPED, "ok", NULL, 0, OPEN,
	  "200 failed server_error bad_type reusable", "" },
	{ "gzip", true, CHAT, CHUNKED, OK_SSE "content-encoding: gzip\r\n", GOOD END, NULL, 0, OPEN,
	  "200 failed server_error bad_type " OWN_TYPE " reusable", "" },
	{ "204", true, CHAT, BARE, "HTTP/1.1 204 x\r\n\r\n", NULL, NULL, 0, OPEN,
	  "204 failed server_error bad_status reusable", "" },
	{ "json that is none", true, CHAT, LENGTH, OK_JSON, "{", NULL, 0, OPEN,
	  "200 failed server_error bad_json reusable", "" },
	{ "json without choices", true, CHAT, LENGTH, OK_JSON, "{}", NULL, 0, OPEN,
	  "200 failed server_error empty_choices reusable", "" },
	{ "json, cut", true, CHAT, LENGTH, OK_JSON, ANSWER, NULL, 3, FIN,
	  "200 failed cut truncated close", "" },

	/* Errors before anything was shown: the provider's words are kept. */
	{ "json error", true, CHAT, LENGTH, OK_JSON, BUSY, NULL, 0, OPEN,
	  "200 failed overloaded overloaded reusable", NULL },
	EVENTS("bare error", BUSY, "200 failed overloaded overloaded reusable", NULL),
	EVENTS("error first", DATA(DOWN), "200 failed server_error error_event reusable", DOWN),
	EVENTS("error after a role", ROLE PING DATA(BUSY) END,
	       "200 failed overloaded overloaded reusable", BUSY),
	EVENTS("named error", "event: error\n" DATA(DOWN),
	       "200 failed server_error error_event reusable", DOWN),
	EVENTS("named, flat", "event: error\n" DATA("{\"detail\":\"Rate limit\"}"),
	       "200 failed rate_limited rate_limit reusable", "{\"detail\":\"Rate limit\"}"),
	EVENTS("named, plain text", "event: error\n" DATA("server is busy"),
	       "200 failed overloaded overloaded reusable", "server is busy"),
	{ "429 in an event", true, CHAT, CHUNKED, OK_SSE "retry-after: 4\r\n",
	  DATA("{\"error\":{\"code\":429,\"message\":\"x\"}}"), NULL, 0, OPEN,
	  "200 failed rate_limited rate_limit retry=4000 reusable",
	  "{\"error\":{\"code\":429,\"message\":\"x\"}}" },
	EVENTS("content policy in an event",
	       DATA("{\"error\":{\"code\":\"content_filter\",\"message\":\"x\"}}"),
	       "200 failed server_error error_event reusable",
	       "{\"error\":{\"code\":\"content_filter\",\"message\":\"x\"}}"),
	RESPONSES("a response that has but begun", BEGUN DATA(FAILED),
		  "200 failed server_error error_event reusable", FAILED),
	RESPONSES("a response that has but begun, and [DONE]", BEGUN END,
		  "200 failed server_error empty_stream " OWN_TYPE " reusable", ""),
	EVENTS("gave up", ROLE CHUNK("{\"delta\":{},\"finish_reason\":\"error\"}") END,
	       "200 failed server_error error_event reusable",
	       "{\"id\":\"c1\",\"choices\":[{\"delta\":{},\"finish_reason\":\"error\"}]}"),
};

/* After commit: all whole events, nothing made up. */
static const struct recording cut_late[] = {
	{ "still coming", true, CHAT, CHUNKED, OK_SSE, ROLE TOKEN("a"), NULL, 5, OPEN,
	  "200 committed open", NULL },
	{ "truncated", true, CHAT, CHUNKED, OK_SSE, ROLE TOKEN("a") TOKEN("b"), NULL, 12, FIN,
	  "200 failed cut truncated late close", ROLE TOKEN("a") },
	{ "reset", true, CHAT, CHUNKED, OK_SSE, ROLE TOKEN("a"), NULL, 5, RST,
	  "200 failed cut truncated late close", ROLE TOKEN("a") },
	{ "reset after the finish", true, CHAT, CHUNKED, OK_SSE, GOOD, NULL, 5, RST,
	  "200 failed cut truncated late close", GOOD },
	EVENTS("ended without finish", ROLE TOKEN("a"),
	       "200 failed cut incomplete_stream late reusable", ROLE TOKEN("a")),
	EVENTS("ended with one of two finished", TOKEN("a") SECOND("b") STOP SECOND("c"),
	       "200 failed cut incomplete_stream late reusable",
	       TOKEN("a") SECOND("b") STOP SECOND("c")),
	{ "closed without finish", true, CHAT, CLOSE, OK_SSE, ROLE TOKEN("a") "data: {\"cho", NULL,
	  0, FIN, "200 failed cut incomplete_stream late close", ROLE TOKEN("a") },
	{ "bad chunk", true, CHAT, BARE,
	  OK_SSE "transfer-encoding: chunked\r\n\r\n2f\r\ndata: {\"choices\":[{\"delta\":{"
		 "\"content\":\"a\"}}]}\n\n\r\nzz",
	  NULL, NULL, 0, OPEN, "200 failed cut proto late close",
	  "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n" },
	EVENTS("error event", TOKEN("a") DATA(BUSY) END,
	       "200 failed cut error_event late shown reusable", TOKEN("a") DATA(BUSY)),
	EVENTS("named error", TOKEN("a") "event: error\n" DATA("sorry"),
	       "200 failed cut error_event late shown reusable",
	       TOKEN("a") "event: error\n" DATA("sorry")),
	RESPONSES("a response that only [DONE] ends", BEGUN SAID END COMPLETED,
		  "200 failed cut incomplete_stream late reusable", BEGUN SAID),
	EVENTS("gave up", TOKEN("a") CHUNK("{\"delta\":{},\"finish_reason\":\"error\"}"),
	       "200 failed cut error_event late reusable",
	       TOKEN("a") CHUNK("{\"delta\":{},\"finish_reason\":\"error\"}")),
};

TEST(good_streams)
{
	CHECK_RECORDINGS(good);
}

TEST(streams_that_fail_unseen)
{
	CHECK_RECORDINGS(failed);
}

TEST(streams_cut_after_commit)
{
	CHECK_RECORDINGS(cut_late);
}

static void feed(struct weir_exchange *x, const char *text)
{
	weir_exchange_feed(x, text, strlen(text), NOW_MS);
}

static void begin(struct weir_exchange *x)
{
	weir_exchange_init(x, weir_dialect_find(WEIR_SLICE("openai")), CHAT, true);
	feed(x, OK_SSE "\r\n");
}

static void feed_filler(struct weir_exchange *x, size_t bytes)
{
	static char filler[64 * 1024];

	memset(filler, 'x', sizeof filler);
	for (size_t n; bytes > 0; bytes -= n) {
		n = bytes < sizeof filler ? bytes : sizeof filler;
		weir_exchange_feed(x, filler, n, NOW_MS);
	}
}

TEST(the_commit_comes_with_the_first_content)
{
	struct weir_exchange x;

	begin(&x);
	feed(&x, ROLE);
	CHECK_INT(x.state, WEIR_EXCHANGE_WAITING);
	CHECK(!x.committed);
	feed(&x, TOKEN("a"));
	CHECK_INT(x.state, WEIR_EXCHANGE_COMMITTED);
	CHECK(weir_slice_is(weir_buf_slice(&x.out), ROLE TOKEN("a")));
	weir_buf_consume(&x.out, strlen(ROLE));
	feed(&x, STOP END);
	CHECK_INT(x.state, WEIR_EXCHANGE_DONE);
	CHECK(weir_slice_is(weir_buf_slice(&x.out), TOKEN("a") STOP END));
	CHECK(!x.message_complete);
	weir_exchange_fini(&x);
}

TEST(an_event_past_its_bound)
{
	struct weir_exchange x;

	begin(&x);
	feed(&x, ROLE "data: ");
	feed_filler(&x, WEIR_SSE_EVENT_MAX);
	CHECK_INT(x.state, WEIR_EXCHANGE_FAILED);
	CHECK_INT(x.verdict.outcome, WEIR_OUT_SERVER_ERROR);
	CHECK_STR(x.verdict.reason, "event_too_large");
	CHECK_INT(x.out.len, 0);
	weir_exchange_fini(&x);

	begin(&x);
	feed(&x, TOKEN("a") "data: ");
	feed_filler(&x, WEIR_SSE_EVENT_MAX);
	CHECK_INT(x.state, WEIR_EXCHANGE_FAILED);
	CHECK_INT(x.verdict.outcome, WEIR_OUT_CUT);
	CHECK_STR(x.verdict.reason, "event_too_large");
	CHECK(weir_slice_is(weir_buf_slice(&x.out), TOKEN("a")));
	weir_exchange_fini(&x);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST(what_is_held_is_bounded)
{
	struct weir_exchange x;
	size_t held;

	begin(&x);
	for (int i = 0; i < 100 * 1000; i++)
		feed(&x, PING);
	CHECK_INT(x.state, WEIR_EXCHANGE_WAITING);
	CHECK(x.out.len <= WEIR_EXCHANGE_COMMENTS_MAX);
	held = x.out.len;
	feed(&x, TOKEN("a") PING);
	CHECK_INT(x.state, WEIR_EXCHANGE_COMMITTED);
	CHECK_INT(x.out.len, held + strlen(TOKEN("a") PING));
	weir_exchange_fini(&x);

	begin(&x);
	for (int i = 0; i < 100 * 1000 && x.state == WEIR_EXCHANGE_WAITING; i++)
		feed(&x, FILTER);
	CHECK_INT(x.state, WEIR_EXCHANGE_FAILED);
	CHECK_STR(x.verdict.reason, "no_content");
	CHECK_INT(x.verdict.outcome, WEIR_OUT_SERVER_ERROR);
	CHECK_INT(x.out.len, 0);
	weir_exchange_fini(&x);

	weir_exchange_init(&x, weir_dialect_find(WEIR_SLICE("openai")), CHAT, true);
	feed(&x, UNTYPED "\r\n");
	for (int i = 0; i < WEIR_EXCHANGE_BLANK_MAX + 1; i++)
		feed(&x, "\n");
	CHECK_INT(x.state, WEIR_EXCHANGE_FAILED);
	CHECK_STR(x.verdict.reason, "bad_type");
	weir_exchange_fini(&x);
}

/* The owner has not consumed anything for too long. */
TEST(out_is_bounded)
{
	struct weir_exchange x;

	begin(&x);
	for (int i = 0; i < 200 * 1000 && x.state != WEIR_EXCHANGE_FAILED; i++)
		feed(&x, TOKEN("a"));
	CHECK_INT(x.state, WEIR_EXCHANGE_FAILED);
	CHECK_STR(x.verdict.reason, "local_resource");
	CHECK(x.out.len <= WEIR_EXCHANGE_OUT_MAX && x.out.len % strlen(TOKEN("a")) == 0);
	weir_exchange_fini(&x);
}

TEST(draining_ends)
{
	struct weir_exchange x;

	begin(&x);
	feed(&x, TOKEN("a") END);
	CHECK_INT(x.state, WEIR_EXCHANGE_DONE);
	CHECK(!x.message_complete);
	feed_filler(&x, WEIR_EXCHANGE_DRAIN_MAX + 1);
	CHECK(x.message_complete && !x.reusable);
	feed_filler(&x, 10);
	CHECK_INT(x.state, WEIR_EXCHANGE_DONE);
	weir_exchange_fini(&x);
}

TEST(events_are_relayed_without_allocation)
{
	struct weir_exchange x;

	begin(&x);
	feed(&x, ROLE TOKEN("a"));
	weir_buf_clear(&x.out);
	weir_alloc_fail_after(1);
	for (int i = 0; i < 100; i++) {
		feed(&x, TOKEN("a"));
		CHECK(weir_slice_is(weir_buf_slice(&x.out), TOKEN("a")));
		weir_buf_clear(&x.out);
	}
	weir_alloc_fail_after(0);
	CHECK_INT(x.state, WEIR_EXCHANGE_COMMITTED);
	weir_exchange_fini(&x);
}

TEST_MAIN
