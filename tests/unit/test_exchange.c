/* Whole answers and error statuses. Streams: test_exchange_stream.c. */
#include "recording.h"

#define CHAT  WEIR_ROUTE_CHAT
#define EMBED WEIR_ROUTE_EMBEDDINGS

#define ANSWER                                                                                  \
	"{\"id\":\"c1\",\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"message\":{" \
	"\"role\":\"assistant\",\"content\":\"Hi\"},\"finish_reason\":\"stop\"}],\"usage\":{"   \
	"\"prompt_tokens\":9,\"completion_tokens\":2}}"
#define ERROR(inner) "{\"error\":{" inner "}}"
#define DOWN         ERROR("\"message\":\"The server had an error\",\"type\":\"server_error\"")
#define UNTYPED      "HTTP/1.1 200 OK\r\n"
#define ANSWER_DONE  "200 done length=181 usage=9/2"

#define WHOLE(name, head, body, expected, out) \
	{ name, false, CHAT, LENGTH, head, body, NULL, 0, OPEN, expected, out }
#define JSON(name, body, expected, out) WHOLE(name, OK_JSON, body, expected, out)

static const struct recording answers[] = {
	JSON("length", ANSWER, ANSWER_DONE " reusable", NULL),
	{ "chunked", false, CHAT, CHUNKED, OK_JSON, ANSWER, NULL, 0, OPEN, ANSWER_DONE " reusable",
	  NULL },
	{ "until the end", false, CHAT, CLOSE, OK_JSON, ANSWER, NULL, 0, FIN, ANSWER_DONE " close",
	  NULL },
	{ "not finished", false, CHAT, CLOSE, OK_JSON, ANSWER, NULL, 0, OPEN, "200 waiting open",
	  "" },
	WHOLE("connection: close", OK_JSON "connection: close\r\n", ANSWER, ANSWER_DONE " close",
	      NULL),
	WHOLE("keep-alive: timeout", OK_JSON "Keep-Alive: max=3, Timeout=5\r\n", ANSWER,
	      ANSWER_DONE " reusable", NULL),
	WHOLE("keep-alive for too short", OK_JSON "Keep-Alive: timeout=1\r\n", ANSWER,
	      ANSWER_DONE " close", NULL),
	{ "then a FIN", false, CHAT, LENGTH, OK_JSON, ANSWER, NULL, 0, FIN, ANSWER_DONE " close",
	  NULL },
	{ "bytes after it", false, CHAT, LENGTH, OK_JSON, ANSWER, "\r\n", 0, OPEN,
	  ANSWER_DONE " close", NULL },
	{ "another answer after it", false, CHAT, LENGTH, OK_JSON, ANSWER,
	  OK_JSON "content-length: 2\r\n\r\n{}", 0, OPEN, ANSWER_DONE " close", NULL },
	WHOLE("after 100 and 103",
	      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" OK_JSON,
	      ANSWER, ANSWER_DONE " reusable", NULL),
	WHOLE("charset", "HTTP/1.1 200 OK\r\ncontent-type: application/json; charset=utf-8\r\n",
	      ANSWER, ANSWER_DONE " reusable", NULL),
	WHOLE("a json type of its own", "HTTP/1.1 200 OK\r\ncontent-type: application/x+json\r\n",
	      ANSWER, ANSWER_DONE " type=application/x+json reusable", NULL),
	WHOLE("no type", UNTYPED, ANSWER, ANSWER_DONE " reusable", NULL),
	{ "another type", false, CHAT, CHUNKED, UNTYPED "content-type: text/plain\r\n", ANSWER,
	  NULL, 0, OPEN, ANSWER_DONE " reusable", NULL },
	WHOLE("identity", OK_JSON "content-encoding: Identity\r\n", ANSWER, ANSWER_DONE " reusable",
	      NULL),
	WHOLE("201", "HTTP/1.1 201 Created\r\n", ANSWER, "201 done length=181 usage=9/2 reusable",
	      NULL),
	{ "blank lines before it", false, CHAT, CHUNKED, UNTYPED, "\n\n \r\n{\"choices\":[{}]}",
	  NULL, 0, OPEN, "200 done length=21 reusable", NULL },
	JSON("nothing said",
	     "{\"choices\":[{\"message\":{\"content\":null},"
	     "\"finish_reason\":\"content_filter\"}]}",
	     "200 done length=75 reusable", NULL),
	{ "embeddings", false, EMBED, LENGTH, OK_JSON,
	  "{\"object\":\"list\",\"data\":[{\"embedding\":[0.5]}],"
	  "\"usage\":{\"prompt_tokens\":8,\"total_tokens\":8}}",
	  NULL, 0, OPEN, "200 done length=91 usage=8/0 reusable", NULL },
};

static const struct recording no_answers[] = {
	{ "silence, then FIN", false, CHAT, BARE, "", NULL, NULL, 0, FIN,
	  "0 failed unreachable empty close", "" },
	{ "silence, then RST", false, CHAT, BARE, "", NULL, NULL, 0, RST,
	  "0 failed unreachable empty close", "" },
	{ "cut in the status line", false, CHAT, BARE, "HTTP/1.1 2", NULL, NULL, 0, FIN,
	  "0 failed server_error proto close", "" },
	{ "cut in the head", false, CHAT, BARE, OK_JSON, NULL, NULL, 0, RST,
	  "0 failed server_error proto close", "" },
	{ "only 100 Continue", false, CHAT, BARE, "HTTP/1.1 100 Continue\r\n\r\n", NULL, NULL, 0,
	  FIN, "0 failed server_error proto close", "" },
	{ "101", false, CHAT, BARE,
	  "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n", NULL,
	  NULL, 0, OPEN, "0 failed server_error proto close", "" },
	{ "a banner", false, CHAT, BARE, "SSH-2.0-OpenSSH_9.2\r\n", NULL, NULL, 0, OPEN,
	  "0 failed server_error proto close", "" },
	{ "HTTP/2", false, CHAT, BARE, "HTTP/2.0 200 OK\r\n\r\n", NULL, NULL, 0, OPEN,
	  "0 failed server_error proto close", "" },
	WHOLE("two lengths", OK_JSON "content-length: 7\r\n", ANSWER,
	      "0 failed server_error proto close", ""),
	{ "bad chunk", false, CHAT, BARE,
	  OK_JSON "transfer-encoding: chunked\r\n\r\n5\r\n{\"a\":\r\nx\r\n", NULL, NULL, 0, OPEN,
	  "200 failed server_error proto close", "" },
	{ "truncated length", false, CHAT, LENGTH, OK_JSON, ANSWER, NULL, 1, FIN,
	  "200 failed cut truncated close", "" },
	{ "truncated chunks", false, CHAT, CHUNKED, OK_JSON, ANSWER, NULL, 2, FIN,
	  "200 failed cut truncated close", "" },
	{ "no last chunk", false, CHAT, CHUNKED, OK_JSON, ANSWER, NULL, 5, RST,
	  "200 failed cut truncated close", "" },
	{ "reset instead of the end", false, CHAT, CLOSE, OK_JSON, ANSWER, NULL, 0, RST,
	  "200 failed cut truncated close", "" },

	JSON("nothing in it", "", "200 failed server_error empty_body reusable", ""),
	WHOLE("nothing, untyped", UNTYPED, "", "200 failed server_error empty_body reusable", ""),
	{ "only blanks", false, CHAT, CHUNKED, UNTYPED, "\n\n\n", NULL, 0, OPEN,
	  "200 failed server_error empty_body reusable", "" },
	JSON("blank json", " \n", "200 failed server_error empty_body reusable", ""),
	JSON("not json", "{\"choices\":[{}]", "200 failed server_error bad_json reusable", ""),
	JSON("BOM", "\xef\xbb\xbf" ANSWER, "200 failed server_error bad_json reusable", ""),
	JSON("garbage behind", ANSWER "x", "200 failed server_error bad_json reusable", ""),
	JSON("NaN", "{\"choices\":[{}],\"x\":NaN}", "200 failed server_error bad_json reusable",
	     ""),
	JSON("not UTF-8", "{\"choices\":[{\"x\":\"\xff\"}]}",
	     "200 failed server_error bad_json reusable", ""),
	JSON("no choices", "{\"choices\":[]}", "200 failed server_error empty_choices reusable",
	     ""),
	JSON("something else", "[1]", "200 failed server_error empty_choices reusable", ""),
	{ "no data", false, EMBED, LENGTH, OK_JSON, ANSWER, NULL, 0, OPEN,
	  "200 failed server_error empty_choices usage=9/2 reusable", "" },
	WHOLE("a page", UNTYPED "content-type: text/HTML ; charset=x\r\n", "<html>",
	      "200 failed server_error bad_type type=text/HTML ; charset=x reusable", ""),
	{ "plain text", false, CHAT, CHUNKED, UNTYPED "content-type: text/plain\r\n", "ok", NULL, 0,
	  OPEN, "200 failed server_error bad_type type=text/plain reusable", "" },
	{ "a stream", false, CHAT, CHUNKED, OK_SSE, "data: {\"choices\":[]}\n\n", NULL, 0, OPEN,
	  "200 failed server_error bad_type type=text/event-stream; charset=utf-8 reusable", "" },
	{ "an untyped stream", false, CHAT, CHUNKED, UNTYPED, "data: {\"choices\":[]}\n\n", NULL, 0,
	  OPEN, "200 failed server_error bad_type reusable", "" },
	WHOLE("gzip", OK_JSON "content-encoding: gzip\r\n", ANSWER,
	      "200 failed server_error bad_type reusable", ""),
	{ "204", false, CHAT, BARE, "HTTP/1.1 204 No Content\r\n\r\n", NULL, NULL, 0, OPEN,
	  "204 failed server_error bad_status reusable", "" },
	WHOLE("205", "HTTP/1.1 205 Reset Content\r\n", "",
	      "205 failed server_error bad_status reusable", ""),
	WHOLE("206", "HTTP/1.1 206 Partial Content\r\n", ANSWER,
	      "206 failed server_error bad_status reusable", ""),
	{ "304", false, CHAT, BARE, "HTTP/1.1 304 Not Modified\r\n\r\n", NULL, NULL, 0, OPEN,
	  "304 failed server_error bad_status reusable", "" },
	WHOLE("a redirect", "HTTP/1.1 302 Found\r\nlocation: http://evil/\r\n", "x",
	      "302 failed server_error bad_status reusable", ""),
};

/* An error inside a 200 is never the caller's fault. */
#define IN_200(name, body, expected)                                     \
	{ name, false, CHAT, LENGTH, OK_JSON,                            \
	  body, NULL,  0,    OPEN,   "200 failed " expected " reusable", \
	  NULL }

static const struct recording errors_in_200[] = {
	IN_200("plain", DOWN, "server_error error_200"),
	IN_200("as text", "{\"error\":\"no\"}", "server_error error_200"),
	IN_200("beside choices", "{\"choices\":[{}],\"error\":{\"message\":\"x\"}}",
	       "server_error error_200"),
	IN_200("rate limit", ERROR("\"code\":429,\"message\":\"Please try again in 20s\""),
	       "rate_limited rate_limit retry=20000"),
	IN_200("overloaded", ERROR("\"type\":\"overloaded_error\",\"message\":\"x\""),
	       "overloaded overloaded"),
	IN_200("quota", ERROR("\"code\":\"insufficient_quota\",\"message\":\"x\""),
	       "quota insufficient_quota"),
	IN_200("key", ERROR("\"code\":\"invalid_api_key\",\"message\":\"x\""), "credentials auth"),
	IN_200("model", ERROR("\"code\":\"model_not_found\",\"message\":\"x\""),
	       "not_here model_not_found model"),
	IN_200("content policy", ERROR("\"code\":\"content_policy_violation\",\"message\":\"x\""),
	       "server_error error_200"),
	IN_200("bad request",
	       ERROR("\"code\":400,\"type\":\"invalid_request_error\",\"message\":\"x\""),
	       "server_error error_200"),
	IN_200("field",
	       ERROR("\"code\":\"unsupported_parameter\",\"param\":\"top_p\",\"message\":\"x\""),
	       "server_error error_200"),
};

#define STATUS(line) "HTTP/1.1 " line "\r\ncontent-type: application/json\r\n"
#define PAGE         "<html><body>Bad gateway</body></html>"

static const struct recording statuses[] = {
	WHOLE("400", STATUS("400 Bad Request"), ERROR("\"message\":\"bad\""),
	      "400 failed caller http_400 reusable", NULL),
	{ "400 to a stream", true, CHAT, CHUNKED, STATUS("400 Bad Request"),
	  ERROR("\"message\":\"bad\""), NULL, 0, OPEN, "400 failed caller http_400 reusable",
	  NULL },
	{ "400 until the end", true, CHAT, CLOSE, STATUS("400 Bad Request"),
	  ERROR("\"message\":\"bad\""), NULL, 0, FIN, "400 failed caller http_400 close", NULL },
	WHOLE("400 with words", "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\n", "no",
	      "400 failed caller http_400 type=text/plain reusable", NULL),
	WHOLE("404 and nothing", "HTTP/1.1 404 Not Found\r\n", "",
	      "404 failed caller http_404 reusable", NULL),
	WHOLE("an unknown model", STATUS("404 Not Found"),
	      ERROR("\"code\":\"model_not_found\",\"message\":\"no\""),
	      "404 failed not_here model_not_found model reusable", NULL),
	WHOLE("content policy", STATUS("400 Bad Request"),
	      ERROR("\"code\":\"content_filter\",\"message\":\"no\""),
	      "400 failed caller content_policy policy reusable", NULL),
	WHOLE("too long", STATUS("400 Bad Request"),
	      ERROR("\"code\":\"context_length_exceeded\",\"message\":\"no\""),
	      "400 failed not_here context_length overflow reusable", NULL),
	WHOLE("a field by param", STATUS("400 Bad Request"),
	      ERROR("\"code\":\"unsupported_parameter\",\"param\":\"max_tokens\",\"message\":\"Use "
		    "'x'\""),
	      "400 failed repairable unsupported_parameter field=max_tokens reusable", NULL),
	WHOLE("a field by message", STATUS("422 Unprocessable"),
	      ERROR("\"code\":\"unsupported_value\",\"message\":\"Unsupported: 'not a name' "
		    "`top_p`.\""),
	      "422 failed repairable unsupported_parameter field=top_p reusable", NULL),
	WHOLE("a field nobody names", STATUS("400 Bad Request"),
	      ERROR("\"code\":\"unsupported_value\",\"message\":\"what's wrong\""),
	      "400 failed repairable unsupported_parameter reusable", NULL),
	WHOLE("401", STATUS("401 Unauthorized"), ERROR("\"message\":\"no\""),
	      "401 failed credentials auth reusable", NULL),
	WHOLE("429 with Retry-After", STATUS("429 Too Many Requests") "retry-after: 7\r\n",
	      ERROR("\"message\":\"slow\""), "429 failed rate_limited http_429 retry=7000 reusable",
	      NULL),
	WHOLE("429 until a date",
	      STATUS("429 Too Many Requests") "retry-after: Mon, 21 Sep 2026 14:13:50 GMT\r\n",
	      ERROR("\"message\":\"slow\""),
	      "429 failed rate_limited http_429 retry=30000 reusable", NULL),
	WHOLE("429 in milliseconds",
	      STATUS("429 Too Many Requests") "retry-after: 9\r\nretry-after-ms: 250\r\n", "{}",
	      "429 failed rate_limited http_429 retry=250 reusable", NULL),
	WHOLE("429 by bucket",
	      STATUS("429 Too Many Requests") "x-ratelimit-remaining-requests: "
					      "0\r\nx-ratelimit-reset-requests: 6m0s\r\n",
	      "{}", "429 failed rate_limited http_429 retry=360000 requests=0/360000 reusable",
	      NULL),
	WHOLE("429 by Anthropic's bucket",
	      STATUS("429 Too Many Requests") "anthropic-ratelimit-tokens-remaining: 0\r\n"
					      "anthropic-ratelimit-tokens-reset: "
					      "2026-09-21T14:13:30Z\r\n",
	      "{}", "429 failed rate_limited http_429 retry=10000 tokens=0/10000 reusable", NULL),
	WHOLE("429 of Google", STATUS("429 Too Many Requests"),
	      "[{\"error\":{\"code\":429,\"message\":\"Quota\",\"status\":\"RESOURCE_EXHAUSTED\","
	      "\"details\":[{\"@type\":"
	      "\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"22s\"}]}}]",
	      "429 failed rate_limited rate_limit retry=22000 reusable", NULL),
	WHOLE("429 in words", STATUS("429 Too Many Requests"),
	      ERROR("\"message\":\"Please try again in 1.5s.\""),
	      "429 failed rate_limited http_429 retry=1500 reusable", NULL),
	{ "502, a page", true, CHAT, LENGTH,
	  "HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\n", PAGE, NULL, 0, OPEN,
	  "502 failed server_error http_502 type=text/html reusable", NULL },
	{ "503, nothing said", true, CHAT, LENGTH, "HTTP/1.1 503 x\r\n", "", NULL, 0, OPEN,
	  "503 failed overloaded http_503 reusable", NULL },
	{ "500 as an event", true, CHAT, CHUNKED,
	  "HTTP/1.1 500 x\r\ncontent-type: text/event-stream\r\n",
	  ": hm\nevent: error\ndata: " ERROR(
		  "\"type\":\"overloaded_error\",\"message\":\"x\"") "\n\n",
	  NULL, 0, OPEN, "500 failed overloaded overloaded type=text/event-stream reusable", NULL },

	/* What shall be shown must be whole; what only counts need not. */
	{ "503, cut", false, CHAT, LENGTH, STATUS("503 x"), DOWN, NULL, 5, FIN,
	  "503 failed overloaded http_503 close", "" },
	{ "400, cut", false, CHAT, LENGTH, STATUS("400 x"), DOWN, NULL, 5, FIN,
	  "400 failed cut truncated close", "" },
	{ "400, reset", false, CHAT, CHUNKED, STATUS("400 x"), DOWN, NULL, 5, RST,
	  "400 failed cut truncated close", "" },
	{ "429, bad chunk", false, CHAT, BARE,
	  STATUS("429 x") "transfer-encoding: chunked\r\n\r\nx\r\n", NULL, NULL, 0, OPEN,
	  "429 failed rate_limited http_429 close", "" },
	{ "400, bad chunk", false, CHAT, BARE,
	  STATUS("400 x") "transfer-encoding: chunked\r\n\r\nx\r\n", NULL, NULL, 0, OPEN,
	  "400 failed server_error proto close", "" },
	WHOLE("400, gzip", STATUS("400 x") "content-encoding: gzip\r\n", "\x1f\x8b",
	      "400 failed server_error bad_type reusable", ""),
	WHOLE("500, gzip", STATUS("500 x") "content-encoding: gzip\r\n", "\x1f\x8b",
	      "500 failed server_error http_500 reusable", ""),
};

/* Told by every answer, not by refusals alone. */
#define LIMITS(name, fields, expected)               \
	{ name,                                      \
	  false,                                     \
	  CHAT,                                      \
	  LENGTH,                                    \
	  OK_JSON fields,                            \
	  "{\"choices\":[{}]}",                      \
	  NULL,                                      \
	  0,                                         \
	  OPEN,                                      \
	  "200 done" expected " length=16 reusable", \
	  NULL }
#define X(what, value)         "x-ratelimit-" what ": " value "\r\n"
#define ANTHROPIC(what, value) "anthropic-ratelimit-" what ": " value "\r\n"

static const struct recording limits[] = {
	LIMITS("none", "x-request-id: r\r\nx-rate: 1\r\nanthropic-version: 1\r\n", ""),
	LIMITS("OpenAI's",
	       X("limit-requests", "60") X("limit-tokens", "150000") X("remaining-requests", "59")
		       X("remaining-tokens", "149984") X("reset-requests", "1s")
			       X("reset-tokens", "6m0s"),
	       " requests=59/1000 tokens=149984/360000"),
	LIMITS("any case", "X-RateLimit-Remaining-Requests: 0\r\nX-RATELIMIT-RESET-REQUESTS: 2\r\n",
	       " requests=0/2000"),
	LIMITS("of a project", X("remaining-project-tokens", "9") X("reset-project-tokens", "1ms"),
	       " tokens=9/1"),
	LIMITS("OpenRouter's", X("limit", "20") X("remaining", "3") X("reset", "1790000004000"),
	       " requests=3/4000"),
	LIMITS("unix seconds", X("remaining", "3") X("reset", "1790000004"), " requests=3/4000"),
	LIMITS("Cerebras's",
	       X("remaining-requests-day", "14370") X("reset-requests-day", "33011.5")
		       X("remaining-tokens-minute", "0") X("reset-tokens-minute", "11.38"),
	       " requests=14370/33011500 tokens=0/11380"),
	LIMITS("Anthropic's",
	       ANTHROPIC("requests-limit", "50") ANTHROPIC("requests-remaining", "49")
		       ANTHROPIC("requests-reset", "2026-09-21T14:13:21Z")
			       ANTHROPIC("tokens-remaining", "48000")
				       ANTHROPIC("tokens-reset", "2026-09-21T14:13:30Z"),
	       " requests=49/1000 tokens=48000/10000"),
	LIMITS("Anthropic's, input and output",
	       ANTHROPIC("tokens-remaining", "48000") ANTHROPIC("tokens-reset",
								"2026-09-21T14:13:30Z")
		       ANTHROPIC("input-tokens-remaining",
				 "40000") ANTHROPIC("input-tokens-reset", "2026-09-21T14:13:25Z")
			       ANTHROPIC("output-tokens-remaining", "0")
				       ANTHROPIC("output-tokens-reset", "2026-09-21T14:14:20Z"),
	       " tokens=0/60000"),
	LIMITS("Anthropic's, of a subscription",
	       ANTHROPIC("unified-remaining", "0") ANTHROPIC("unified-reset", "1790000004"), ""),
	LIMITS("the first of two counts",
	       X("remaining", "3") X("remaining-requests", "4") X("reset", "5s")
		       X("reset-requests", "6s"),
	       " requests=3/5000"),
	LIMITS("without a reset", X("remaining-requests", "0") X("remaining-tokens", "0"), ""),
	LIMITS("without an amount", X("reset-requests", "1s"), ""),
	LIMITS("not quite",
	       X("remainingrequests", "0") X("resetrequests", "1s") X("remaining-images", "0")
		       X("reset-images", "1s") X("reset-requests-", "1s")
			       ANTHROPIC("remaining", "0") ANTHROPIC("reset", "1s"),
	       ""),
	{ "of a stream", true, CHAT, CHUNKED,
	  OK_SSE X("remaining-requests", "1") X("reset-requests", "20ms"),
	  "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\ndata: [DONE]\n\n", NULL, 0,
	  OPEN, "200 done requests=1/20 reusable", NULL },
	WHOLE("of a failure",
	      STATUS("500 x") X("remaining-requests", "1") X("reset-requests", "1s"), DOWN,
	      "500 failed server_error http_500 requests=1/1000 reusable", NULL),
	WHOLE("of what is no answer",
	      "HTTP/1.1 302 Found\r\n" X("remaining-requests", "1") X("reset-requests", "1s"), "x",
	      "302 failed server_error bad_status requests=1/1000 reusable", ""),
};

TEST(limits_are_told_by_every_answer)
{
	CHECK_RECORDINGS(limits);
}

TEST(answers_are_given_as_they_are)
{
	CHECK_RECORDINGS(answers);
}

TEST(what_is_no_answer_is_never_seen)
{
	CHECK_RECORDINGS(no_answers);
}

TEST(errors_in_a_200)
{
	CHECK_RECORDINGS(errors_in_200);
}

TEST(error_statuses)
{
	CHECK_RECORDINGS(statuses);
}

TEST(the_head_is_noted)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nx-request-id: req_7\r\n"
				   "openai-processing-ms: 123\r\nkeep-alive: timeout=60\r\n"
				   "content-length: 2\r\n\r\n";
	struct weir_exchange x;

	weir_exchange_init(&x, weir_dialect_find(WEIR_SLICE("openai")), CHAT, false);
	CHECK(!x.any_byte);
	weir_exchange_feed(&x, "", 0, NOW_MS);
	CHECK(!x.any_byte);
	weir_exchange_feed(&x, head, sizeof head - 1, NOW_MS);
	CHECK(x.any_byte);
	CHECK_STR(x.upstream_request_id, "req_7");
	CHECK_INT(x.processing_ms, 123);
	CHECK_INT(x.idle_ms, 59000);
	CHECK_STR(x.content_type, "application/json");
	weir_exchange_fini(&x);
}

TEST(a_head_of_odd_values_is_survived)
{
	static const char head[] =
		"HTTP/1.1 200 OK\r\nrequest-id: \xc3\xa9\r\ncontent-type: \xff\r\n"
		"openai-processing-ms: soon\r\n"
		"keep-alive: timeout=99999999999999999999\r\n\r\n";
	struct weir_exchange x;

	weir_exchange_init(&x, weir_dialect_find(WEIR_SLICE("openai")), CHAT, false);
	weir_exchange_feed(&x, head, sizeof head - 1, NOW_MS);
	CHECK_INT(x.status, 200);
	CHECK_STR(x.upstream_request_id, "");
	CHECK_INT(x.processing_ms, 0);
	CHECK_INT(x.idle_ms, 0);
	CHECK_STR(x.content_type, "application/json");
	weir_exchange_fini(&x);
}

struct large {
	unsigned status;
	bool stream, has_length;
	size_t len;
	size_t sent;
	const char *expected;
	bool fin;
	char first;       /* byte of the body; 0: what an answer begins with */
	const char *last; /* bytes of the body */
};

enum { MIB = 1024 * 1024 };

/* A body of len bytes in pieces of 64 KiB, an owner that takes what it is given. */
static void check_large(const struct large *c)
{
	static char piece[64 * 1024];
	struct result result;
	struct weir_exchange x;
	size_t seen = 0;
	int n;

	weir_exchange_init(&x, weir_dialect_find(WEIR_SLICE("openai")), CHAT, c->stream);
	n = snprintf(piece, sizeof piece, "HTTP/1.1 %u x\r\ncontent-type: application/json\r\n",
		     c->status);
	if (c->has_length)
		n += snprintf(piece + n, sizeof piece - (size_t)n, "content-length: %zu\r\n",
			      c->len);
	n += snprintf(piece + n, sizeof piece - (size_t)n, "\r\n");
	weir_exchange_feed(&x, piece, (size_t)n, NOW_MS);
	memset(piece, ' ', sizeof piece);
	for (size_t at = 0, part; at < c->sent; at += part) {
		part = c->sent - at < sizeof piece ? c->sent - at : sizeof piece;
		piece[0] = at ? ' ' : c->first ? c->first : '{';
		if (c->last && at + part == c->sent)
			memcpy(piece + part - strlen(c->last), c->last, strlen(c->last));
		weir_exchange_feed(&x, piece, part, NOW_MS);
		if (x.state == WEIR_EXCHANGE_WAITING)
			continue;
		seen += x.out.len;
		weir_buf_clear(&x.out);
	}
	if (c->fin)
		weir_exchange_eof(&x, true);
	describe(&result, &x);
	CHECK_STR(result.said, c->expected);
	CHECK_INT(seen, x.committed ? c->sent : 0);
	weir_exchange_fini(&x);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST(bodies_past_the_hold_are_relayed_unseen)
{
	static const struct large cases[] = {
		{ 200, false, true, 4 * MIB, 4 * MIB, "200 failed server_error bad_json reusable",
		  false },
		{ 200, false, true, 4 * MIB + 1, 4 * MIB + 1, "200 done length=4194305 reusable",
		  false },
		{ 200, false, true, 9 * MIB, 5 * MIB, "200 committed length=9437184 open", false },
		{ 200, false, true, 9 * MIB, 5 * MIB,
		  "200 failed cut truncated late length=9437184 close", true },
		{ 200, false, false, 0, 20 * MIB, "200 committed open", false },
		{ 200, false, false, 0, 20 * MIB, "200 done close", true, 0, "}" },
		{ 200, false, false, 0, 20 * MIB, "200 done close", true, 0, "\"}\\\"[{\":[]}\n" },
		{ 200, false, false, 0, 20 * MIB, "200 failed cut truncated late close", true },
		{ 200, false, false, 0, 20 * MIB, "200 failed cut truncated late close", true, 0,
		  "\"}" },
		{ 200, false, false, 0, 20 * MIB, "200 failed cut truncated late close", true, 0,
		  "[{}" },
		{ 200, true, true, 9 * MIB, 9 * MIB, "200 failed server_error bad_type close",
		  false },
		{ 200, false, true, 9 * MIB, 9 * MIB, "200 failed server_error bad_json close",
		  false, '<' },
		{ 400, false, true, 9 * MIB, 9 * MIB,
		  "400 failed server_error error_too_large close", false },
		{ 503, false, true, 9 * MIB, 9 * MIB, "503 failed overloaded http_503 close",
		  false },
		{ 302, false, true, 60000, 60000, "302 failed server_error bad_status reusable",
		  false },
		{ 302, false, true, 9 * MIB, 9 * MIB, "302 failed server_error bad_status close",
		  false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		check_large(&cases[i]);
}

TEST_MAIN
