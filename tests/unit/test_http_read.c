/* The HTTP reader as its owner sees it: events, memory, one message after another.
 * What it takes and refuses: test_http_requests.c, test_http_responses.c. */
#include "test.h"
#include "unit/http_trace.h"

#define POST "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
#define GET  "GET /y HTTP/1.1\r\nHost: a\r\n\r\n"
#define OK   "HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 5\r\n\r\nhello"

struct owner {
	struct weir_http_reader reader;
	int head_rc, body_rc; /* what the callbacks answer */
	unsigned heads_n, bodies_n;
	struct weir_slice body; /* the last piece */
};

static int on_head(void *arg, const struct weir_http_head *head)
{
	struct owner *o = arg;

	o->heads_n++;
	CHECK(head == o->reader.head);
	CHECK(o->reader.head_done);
	CHECK_INT(o->reader.parser.lenient_flags, 0);
	return o->head_rc;
}

static int on_body(void *arg, struct weir_slice bytes)
{
	struct owner *o = arg;

	o->bodies_n++;
	o->body = bytes;
	return o->body_rc;
}

static const struct weir_http_reader_events events = { on_head, on_body };

static void init(struct owner *o, enum weir_http_role role)
{
	*o = (struct owner){ 0 };
	weir_http_reader_init(&o->reader, role, &events, o);
}

static int feed(struct owner *o, const char *text, size_t *used)
{
	return weir_http_reader_feed(&o->reader, text, strlen(text), used);
}

TEST(fields)
{
	struct owner o;
	size_t used;

	init(&o, WEIR_HTTP_RESPONSE);
	CHECK_INT(feed(&o, OK, &used), 0);
	REQUIRE(o.reader.head);
	CHECK_INT(o.reader.head->status, 200);
	CHECK_INT(o.reader.head->minor, 1);
	CHECK_INT(o.reader.head->fields_n, 3);
	CHECK(weir_slice_is(weir_http_field(o.reader.head, "X-a"), "1"));
	CHECK(weir_slice_is(weir_http_field(o.reader.head, "content-length"), "5"));
	CHECK(!weir_http_field(o.reader.head, "x-").base);
	weir_http_reader_fini(&o.reader);
}

TEST(body_is_not_copied)
{
	static const char bytes[] = POST;
	struct owner o;
	size_t used;

	init(&o, WEIR_HTTP_REQUEST);
	CHECK_INT(feed(&o, bytes, &used), 0);
	CHECK(o.body.base == bytes + sizeof bytes - 1 - 5 && o.body.len == 5);
	weir_http_reader_fini(&o.reader);
}

TEST(pipelined)
{
	static const char bytes[] = POST GET "\r\n" POST GET;
	static const char *const methods[] = { "POST", "GET", "POST", "GET" };
	struct owner o;
	size_t used, at = 0;

	init(&o, WEIR_HTTP_REQUEST);
	for (int i = 0; i < 4; i++) {
		CHECK(!weir_http_reader_started(&o.reader));
		CHECK_INT(feed(&o, bytes + at, &used), 0);
		at += used;
		REQUIRE(o.reader.complete);
		CHECK(weir_slice_is(o.reader.head->method, methods[i]));
		CHECK(weir_http_reader_started(&o.reader));
		CHECK_INT(feed(&o, bytes + at, &used), 0);
		CHECK_INT(used, 0);
		CHECK_INT(weir_http_reader_eof(&o.reader), 0);
		weir_http_reader_next(&o.reader);
		CHECK_INT(weir_alloc_live(), 0);
	}
	CHECK_INT(at, sizeof bytes - 1);
	CHECK_INT(o.heads_n, 4);
	CHECK_INT(o.bodies_n, 2);
	weir_http_reader_fini(&o.reader);
}

TEST(started)
{
	struct owner o;
	size_t used;

	init(&o, WEIR_HTTP_REQUEST);
	CHECK(!weir_http_reader_started(&o.reader));
	CHECK_INT(weir_http_reader_eof(&o.reader), 0);
	CHECK_INT(feed(&o, "", &used), 0);
	CHECK_INT(feed(&o, "\r\n\r", &used), 0);
	CHECK(!weir_http_reader_started(&o.reader));
	CHECK_INT(weir_alloc_live(), 0);
	CHECK_INT(feed(&o, "\nG", &used), 0);
	CHECK(weir_http_reader_started(&o.reader));
	CHECK_INT(weir_http_reader_eof(&o.reader), WEIR_HTTP_TRUNCATED);
	weir_http_reader_fini(&o.reader);
}

TEST(informational_is_started)
{
	struct owner o;
	size_t used;

	init(&o, WEIR_HTTP_RESPONSE);
	CHECK_INT(feed(&o, "HTTP/1.1 100 Continue\r\n\r\n", &used), 0);
	CHECK_INT(used, 25);
	CHECK(weir_http_reader_started(&o.reader));
	CHECK(!o.reader.head_done && !o.reader.complete);
	CHECK_INT(weir_alloc_live(), 0);
	CHECK_INT(feed(&o, OK, &used), 0);
	CHECK(o.reader.complete);
	weir_http_reader_next(&o.reader);
	CHECK(!weir_http_reader_started(&o.reader));
	weir_http_reader_fini(&o.reader);
}

/* The connection that carries it may move between owners. */
TEST(moved)
{
	static const char bytes[] = POST;
	struct owner a, b;
	size_t used, at = sizeof bytes - 4;

	init(&a, WEIR_HTTP_REQUEST);
	CHECK_INT(weir_http_reader_feed(&a.reader, bytes, at, &used), 0);
	b = a;
	memset(&a, 0xff, sizeof a);
	b.reader.arg = &b;
	CHECK_INT(feed(&b, bytes + at, &used), 0);
	CHECK(b.reader.complete);
	CHECK_INT(b.bodies_n, 2);
	weir_http_reader_fini(&b.reader);
}

static void check_stopped(const char *bytes, int head_rc, int body_rc)
{
	struct owner o;
	size_t used;

	init(&o, WEIR_HTTP_REQUEST);
	o.head_rc = head_rc;
	o.body_rc = body_rc;
	CHECK_INT(feed(&o, bytes, &used), -77);
	CHECK(!o.reader.complete);
	CHECK_INT(feed(&o, bytes, &used), -77);
	CHECK_INT(used, 0);
	CHECK_INT(o.heads_n, 1);
	CHECK_INT(o.bodies_n, head_rc == 0);
	CHECK_INT(weir_http_reader_eof(&o.reader), -77);
	weir_http_reader_fini(&o.reader);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST(callbacks_stop_it)
{
	check_stopped(GET, -77, 0);
	check_stopped(POST, -77, 0);
	check_stopped(POST, 0, -77);
	check_stopped("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
		      "5\r\nhello\r\n0\r\n\r\n",
		      0, -77);
}

TEST(dead_after_a_refusal)
{
	struct owner o;
	size_t used;

	init(&o, WEIR_HTTP_REQUEST);
	CHECK_INT(feed(&o, "GET /x\r\n", &used), WEIR_HTTP_REFUSED);
	CHECK_INT(o.reader.refusal.status, 400);
	CHECK_INT(feed(&o, GET, &used), WEIR_HTTP_REFUSED);
	CHECK_INT(used, 0);
	CHECK_INT(weir_http_reader_eof(&o.reader), WEIR_HTTP_REFUSED);
	CHECK_INT(o.heads_n, 0);
	weir_http_reader_fini(&o.reader);
}

/* Out of memory at any place: said so, and nothing leaks. */
TEST(K_04)
{
	static const char *const texts[] = { GET, POST, "HTTP/1.1 103 x\r\n\r\n" OK };

	for (int i = 0; i < 3; i++) {
		enum weir_http_role role = i == 2 ? WEIR_HTTP_RESPONSE : WEIR_HTTP_REQUEST;

		for (size_t step = 1; step <= 200; step += 199) {
			for (uint64_t nth = 1;; nth++) {
				char *got;
				bool failed;

				weir_alloc_fail_after(nth);
				got = http_trace(role, texts[i], strlen(texts[i]), step, step,
						 false);
				weir_alloc_fail_after(0);
				failed = strcmp(got, "out of memory") == 0;
				CHECK(failed || strstr(got, " done"));
				free(got);
				CHECK(nth < 50);
				if (!failed)
					break;
			}
		}
	}
}

/* An idle connection holds no buffers, and the head no more than it needs. */
TEST(memory)
{
	struct owner o;
	size_t used;

	init(&o, WEIR_HTTP_REQUEST);
	CHECK_INT(weir_alloc_live(), 0);
	CHECK_INT(feed(&o, POST, &used), 0);
	CHECK_INT(weir_alloc_live(), 1);
	CHECK_INT(o.reader.bytes.cap, strlen(POST) - 5);
	weir_http_reader_next(&o.reader);
	CHECK_INT(weir_alloc_live(), 0);
	weir_http_reader_fini(&o.reader);
}

TEST_MAIN
