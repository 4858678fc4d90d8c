#include "bench/answer.h"
#include "test.h"

/* What comes of a text that is cut after every `step` bytes: "HEAD 200", the body between
 * "<" and ">", END or BAD and what is left. */
static const char *read_in_steps(const char *text, size_t step)
{
	static char trace[4096];
	struct weir_bench_answer a;
	size_t n = 0, len = strlen(text);
	bool over = false;

	weir_bench_answer_init(&a);
	trace[0] = '\0';
	for (size_t at = 0; at < len && !over; at += step) {
		struct weir_slice in = weir_slice(text + at, len - at < step ? len - at : step);
		struct weir_slice body;
		enum weir_bench_got got;

		while ((got = weir_bench_answer_read(&a, &in, &body)) != WEIR_BENCH_GOT_NOTHING) {
			if (got == WEIR_BENCH_GOT_HEAD)
				n += (size_t)snprintf(trace + n, sizeof trace - n, "%u%s%s ",
						      a.status, a.keep_alive ? " keep" : "",
						      a.event_stream ? " sse" : "");
			else if (got == WEIR_BENCH_GOT_BODY)
				n += (size_t)snprintf(trace + n, sizeof trace - n, "%.*s",
						      (int)body.len, body.base);
			else if (got == WEIR_BENCH_GOT_END)
				n += (size_t)snprintf(trace + n, sizeof trace - n, " END");
			else
				n += (size_t)snprintf(trace + n, sizeof trace - n, " BAD: %s",
						      a.reason);
			over = got == WEIR_BENCH_GOT_END || got == WEIR_BENCH_GOT_BAD;
			if (over)
				break;
		}
	}
	if (!over)
		snprintf(trace + n, sizeof trace - n,
			 weir_bench_answer_ends(&a) ? " ends" : " more");
	weir_bench_answer_fini(&a);
	return trace;
}

#define OK      "HTTP/1.1 200 OK\r\n"
#define LENGTH  "Content-Length: 5\r\n"
#define CHUNKED "transfer-encoding: chunked\r\n"

static const struct {
	const char *text, *trace;
} rows[] = {
	{ OK LENGTH "\r\nhello", "200 keep hello END" },
	{ OK LENGTH "\r\nhel", "200 keep hel more" },
	{ OK "content-length: 0\r\n\r\n", "200 keep  END" },
	{ OK "Connection: close\r\n" LENGTH "\r\nhello", "200 hello END" },
	{ "HTTP/1.0 200 OK\r\n" LENGTH "\r\nhello", "200 hello END" },
	{ "HTTP/1.0 200\r\nconnection: Keep-Alive\r\n" LENGTH "\r\nhello", "200 keep hello END" },
	{ OK "\r\nuntil the end", "200 until the end ends" },
	{ "HTTP/1.1 204 No Content\r\n\r\n", "204 keep  END" },
	{ "HTTP/1.1 100 Continue\r\n\r\n" OK LENGTH "\r\nhello", "200 keep hello END" },
	{ OK CHUNKED "\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n", "200 keep hello world END" },
	{ OK CHUNKED "Content-Type: text/event-stream; charset=utf-8\r\n\r\n5\r\nhello\r\n0\r\n"
		     "trailer: 1\r\n\r\n",
	  "200 keep sse hello END" },
	{ OK CHUNKED "\r\n5\r\nhello\r\n", "200 keep hello more" },
	{ OK CHUNKED "\r\nzz\r\nhello", "200 keep  BAD: a chunk without a size" },
	{ OK CHUNKED "\r\n5\nhello", "200 keep  BAD: a chunk's size without CRLF" },
	{ OK CHUNKED "\r\n5\r\nhello!\r\n", "200 keep hello BAD: a chunk longer than its size" },
	{ OK CHUNKED "\r\n1234567890123456\r\n",
	  "200 keep  BAD: a chunk's size of more than 15 digits" },
	{ OK CHUNKED LENGTH "\r\nhello", " BAD: both Content-Length and Transfer-Encoding" },
	{ OK "transfer-encoding: gzip\r\n\r\n", " BAD: a Transfer-Encoding other than chunked" },
	{ OK LENGTH "content-length: 6\r\n\r\n",
	  " BAD: a Content-Length that is no number, or two of them" },
	{ OK "no colon\r\n\r\n", " BAD: a header field without a name" },
	{ OK "a b: c\nd: e\r\n\r\n", " BAD: a line of the head without CRLF" },
	{ "HTTP/2 200\r\n\r\n", " BAD: no HTTP/1 status line" },
	{ "HTTP/1.1 2000 OK\r\n\r\n", " BAD: no HTTP/1 status line" },
	{ "garbage that is not HTTP\r\n\r\n", " BAD: no HTTP/1 status line" },
};

TEST(answers_are_read_the_same_however_they_are_cut)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t step = 1; step < 200; step++)
			if (strcmp(read_in_steps(rows[i].text, step), rows[i].trace) != 0) {
				NOTE("row %zu in steps of %zu", i, step);
				CHECK_STR(read_in_steps(rows[i].text, step), rows[i].trace);
			}
}

TEST(what_comes_after_an_answer_is_left)
{
	struct weir_slice in = WEIR_SLICE(OK LENGTH "\r\nhelloEXTRA"), body;
	struct weir_bench_answer a;

	weir_bench_answer_init(&a);
	CHECK_INT(weir_bench_answer_read(&a, &in, &body), WEIR_BENCH_GOT_HEAD);
	CHECK_INT(weir_bench_answer_read(&a, &in, &body), WEIR_BENCH_GOT_BODY);
	CHECK_INT(weir_bench_answer_read(&a, &in, &body), WEIR_BENCH_GOT_END);
	CHECK(weir_slice_is(in, "EXTRA"));
	weir_bench_answer_fini(&a);
}

TEST(the_gateways_count_of_upstream_calls_is_read)
{
	struct weir_slice in = WEIR_SLICE(OK "X-Weir-Attempts: 3\r\n" LENGTH "\r\n"), body;
	struct weir_bench_answer a;

	weir_bench_answer_init(&a);
	CHECK_INT(weir_bench_answer_read(&a, &in, &body), WEIR_BENCH_GOT_HEAD);
	CHECK(a.has_attempts);
	CHECK_INT(a.attempts, 3);
	weir_bench_answer_next(&a);
	CHECK(!a.has_attempts && !weir_bench_answer_started(&a));
	weir_bench_answer_fini(&a);
}

TEST(a_head_without_an_end_has_a_bound)
{
	static char endless[100 * 1024];
	struct weir_slice in = weir_slice(endless, sizeof endless), body;
	struct weir_bench_answer a;

	memset(endless, 'x', sizeof endless);
	weir_bench_answer_init(&a);
	CHECK_INT(weir_bench_answer_read(&a, &in, &body), WEIR_BENCH_GOT_BAD);
	weir_bench_answer_fini(&a);
}

TEST_MAIN
