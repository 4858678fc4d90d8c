#include "test.h"

#include "base/alloc.h"
#include "base/error.h"
#include "wire/sse.h"

enum { TRACE_MAX = 8192 };

/* What came out: the events to dispatch as "name=data;", and all raw bytes, each event's
 * followed by a bar. */
struct trace {
	size_t said_n, raw_n, bytes_n;
	char said[TRACE_MAX], raw[TRACE_MAX], bytes[TRACE_MAX];
	int stop_after; /* events; 0: never */
};

static void put(char *out, size_t *n, const char *bytes, size_t len)
{
	if (*n + len < TRACE_MAX) {
		if (len)
			memcpy(out + *n, bytes, len);
		*n += len;
	}
	out[*n] = '\0';
}

static int on_event(void *arg, const struct weir_sse_event *event)
{
	struct trace *t = arg;

	put(t->raw, &t->raw_n, event->raw.base, event->raw.len);
	put(t->raw, &t->raw_n, "|", 1);
	put(t->bytes, &t->bytes_n, event->raw.base, event->raw.len);
	if (event->has_data) {
		put(t->said, &t->said_n, event->name.base, event->name.len);
		put(t->said, &t->said_n, "=", 1);
		put(t->said, &t->said_n, event->data.base, event->data.len);
		put(t->said, &t->said_n, ";", 1);
	} else {
		CHECK_INT(event->data.len, 0);
	}
	return t->stop_after && --t->stop_after == 0 ? 77 : 0;
}

/* In memory of exactly its size, so that reading past the end is seen. */
static int feed_tight(struct weir_sse *sse, const char *bytes, size_t len)
{
	char *copy = malloc(len ? len : 1);
	int rc;

	memcpy(copy, bytes, len);
	rc = weir_sse_feed(sse, copy, len);
	memset(copy, 'x', len);
	free(copy);
	return rc;
}

/* Cut before each of the places, of which there are n. */
static void run(struct trace *t, const char *text, size_t len, const size_t *cuts, size_t n)
{
	struct weir_sse sse;
	size_t at = 0;

	*t = (struct trace){ 0 };
	weir_sse_init(&sse, on_event, t);
	for (size_t i = 0; i < n; i++) {
		CHECK_INT(feed_tight(&sse, text + at, cuts[i] - at), 0);
		at = cuts[i];
	}
	CHECK_INT(feed_tight(&sse, text + at, len - at), 0);
	CHECK_INT(weir_sse_eof(&sse), 0);
	CHECK_INT(sse.raw.len, 0);
	weir_sse_fini(&sse);
}

struct recording {
	const char *text;
	const char *said;
	const char *raw; /* NULL: the text itself in one or more events, ends not compared */
};

static const struct recording recordings[] = {
	/* Line ends. */
	{ "data: a\n\n", "=a;", "data: a\n\n|" },
	{ "data: a\r\n\r\n", "=a;", "data: a\r\n\r\n|" },
	{ "data: a\r\rdata: b\r\r", "=a;=b;", "data: a\r\r|data: b\r\r|" },
	{ "data: a\r\n\r\ndata: b\r\n\r\n", "=a;=b;", "data: a\r\n\r\n|data: b\r\n\r\n|" },
	{ "data: a\n\ndata: b\r\n\r\ndata: c\r\rdata: d\n\n", "=a;=b;=c;=d;", NULL },
	{ "data: a\r\n\rdata: b\r\r\ndata: c\n\r\ndata: d\n\r", "=a;=b;=c;=d;", NULL },
	{ "data: a\r\ndata: b\rdata: c\ndata: d\r\n\r\n", "=a\nb\nc\nd;",
	  "data: a\r\ndata: b\rdata: c\ndata: d\r\n\r\n|" },
	{ "\r\n\r\n\n\r\r\n", "", NULL },
	/* Fields. */
	{ "data:a\n\n", "=a;", "data:a\n\n|" },
	{ "data:  a \n\n", "= a ;", "data:  a \n\n|" },
	{ "data\n\n", "=;", "data\n\n|" },
	{ "data:\n\n", "=;", "data:\n\n|" },
	{ "data\ndata\n\n", "=\n;", "data\ndata\n\n|" },
	{ "data:\ndata: \ndata: x\n\n", "=\n\nx;", "data:\ndata: \ndata: x\n\n|" },
	{ "data: {\ndata:  \"a\": 1\ndata: }\n\n", "={\n \"a\": 1\n};",
	  "data: {\ndata:  \"a\": 1\ndata: }\n\n|" },
	{ "data: a:b: c\n\n", "=a:b: c;", "data: a:b: c\n\n|" },
	{ "event: x\ndata: 1\n\ndata: 2\n\n", "x=1;=2;", "event: x\ndata: 1\n\n|data: 2\n\n|" },
	{ "data: 1\nevent:x\n\n", "x=1;", "data: 1\nevent:x\n\n|" },
	{ "event: x\nevent: yy\ndata: 1\n\n", "yy=1;", "event: x\nevent: yy\ndata: 1\n\n|" },
	{ "event: x\nevent\ndata: 1\n\n", "=1;", "event: x\nevent\ndata: 1\n\n|" },
	{ "event: x\n\ndata: 1\n\n", "=1;", "event: x\n\n|data: 1\n\n|" },
	{ "id: 7\nretry: 10\nfoo: bar\nbaz\ndata: 1\n\n", "=1;",
	  "id: 7\nretry: 10\nfoo: bar\nbaz\ndata: 1\n\n|" },
	{ "Data: 1\n data: 2\ndata : 3\ndatax: 4\n: data: 5\n\n", "",
	  "Data: 1\n data: 2\ndata : 3\ndatax: 4\n: data: 5\n\n|" },
	/* Comments and blank lines are passed on. */
	{ ": OPENROUTER PROCESSING\n\n: x\n\ndata: 1\n\n", "=1;",
	  ": OPENROUTER PROCESSING\n\n|: x\n\n|data: 1\n\n|" },
	{ ":\n:\ndata: 1\n:\n\n", "=1;", ":\n:\ndata: 1\n:\n\n|" },
	{ "\n\ndata: 1\n\n\n", "=1;", "\n|\n|data: 1\n\n|\n|" },
	/* A BOM counts at the very start only. */
	{ "\xef\xbb\xbf"
	  "data: 1\n\n",
	  "=1;",
	  "\xef\xbb\xbf"
	  "data: 1\n\n|" },
	{ "\xef\xbb\xbf\xef\xbb\xbf"
	  "data: 1\n\n",
	  "",
	  "\xef\xbb\xbf\xef\xbb\xbf"
	  "data: 1\n\n|" },
	{ "\xef\xbb"
	  "data: 1\n\n",
	  "",
	  "\xef\xbb"
	  "data: 1\n\n|" },
	{ "data: 1\n\n\xef\xbb\xbf"
	  "data: 2\n\n",
	  "=1;",
	  "data: 1\n\n|\xef\xbb\xbf"
	  "data: 2\n\n|" },
	{ "\xef\xbb\xbf\n\xef\xbb\xbf"
	  "data: 2\n\n",
	  "",
	  "\xef\xbb\xbf\n|\xef\xbb\xbf"
	  "data: 2\n\n|" },
	{ "\xef\xbb\xbf", "", "" },
	/* Bytes pass whatever they are. */
	{ "data: \xf0\x9f\x98\x80 \xff\xc3\ndata: \\ud83d\n\n",
	  "=\xf0\x9f\x98\x80 \xff\xc3\n\\ud83d;",
	  "data: \xf0\x9f\x98\x80 \xff\xc3\ndata: \\ud83d\n\n|" },
	/* The end: whole data is delivered with the line ends it lacks, other data is not. */
	{ "data: [DONE]", "=[DONE];", "data: [DONE]\n\n|" },
	{ "data:[DONE]  ", "=[DONE]  ;", "data:[DONE]  \n\n|" },
	{ "data: [DONE]\n", "=[DONE];", "data: [DONE]\n\n|" },
	{ "data: [DONE]\r", "=[DONE];", "data: [DONE]\r\r|" },
	{ "data: [DONE]\r\n", "=[DONE];", "data: [DONE]\r\n\n|" },
	{ "data: [DONE]\r\n\r", "=[DONE];", "data: [DONE]\r\n\r|" },
	{ "data: {\"a\":1}", "={\"a\":1};", "data: {\"a\":1}\n\n|" },
	{ "event: e\ndata: {\ndata: }", "e={\n};", "event: e\ndata: {\ndata: }\n\n|" },
	{ "data: {\"a\":1}\n: c", "={\"a\":1};", "data: {\"a\":1}\n: c\n\n|" },
	{ "data: 1\n\ndata: {\"a\":", "=1;", "data: 1\n\n|" },
	{ "data: 1\n\ndata: {\"a\":1}\ndata: x", "=1;", "data: 1\n\n|" },
	{ "data: 1\n\ndata", "=1;", "data: 1\n\n|" },
	{ "data: 1\n\n: c\n", "=1;", "data: 1\n\n|" },
	{ "data: 1\n\nevent: x\n", "=1;", "data: 1\n\n|" },
	{ "", "", "" },
	/* As providers send it. */
	{ "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n"
	  "data: [DONE]\n\n",
	  "={\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]};=[DONE];",
	  "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n|"
	  "data: [DONE]\n\n|" },
	{ "event: message_start\ndata: {\"type\":\"message_start\"}\n\n"
	  "event: ping\ndata: {\"type\": \"ping\"}\n\n"
	  "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
	  "message_start={\"type\":\"message_start\"};ping={\"type\": \"ping\"};"
	  "message_stop={\"type\":\"message_stop\"};",
	  "event: message_start\ndata: {\"type\":\"message_start\"}\n\n|"
	  "event: ping\ndata: {\"type\": \"ping\"}\n\n|"
	  "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n|" },
	{ "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"Hello\"}]}}]}\r\n\r\n"
	  "data: {\"candidates\": [{\"finishReason\": \"STOP\"}]}\r\n\r\n",
	  "={\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"Hello\"}]}}]};"
	  "={\"candidates\": [{\"finishReason\": \"STOP\"}]};",
	  "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"Hello\"}]}}]}\r\n\r\n|"
	  "data: {\"candidates\": [{\"finishReason\": \"STOP\"}]}\r\n\r\n|" },
};

static void check_run(const struct recording *row, const size_t *cuts, size_t n)
{
	static struct trace t;
	size_t len = strlen(row->text);
	int before = test_failures;

	run(&t, row->text, len, cuts, n);
	CHECK_STR(t.said, row->said);
	if (row->raw)
		CHECK_STR(t.raw, row->raw);
	else
		CHECK_STR(t.bytes, row->text);
	if (test_failures > before)
		NOTE("cut %zu times, first at %zu, last at %zu", n, n ? cuts[0] : 0,
		     n ? cuts[n - 1] : 0);
}

static void check_all_cuts(const struct recording *row)
{
	size_t len = strlen(row->text), cuts[1024];

	check_run(row, NULL, 0);
	for (cuts[0] = 0; cuts[0] <= len; cuts[0]++) {
		check_run(row, cuts, 1);
		for (cuts[1] = cuts[0]; len < 64 && cuts[1] <= len; cuts[1]++)
			check_run(row, cuts, 2);
	}
	for (size_t i = 0; i < len; i++)
		cuts[i] = i;
	check_run(row, cuts, len);
}

TEST(recordings_read_the_same_at_every_cut)
{
	for (size_t i = 0; i < sizeof recordings / sizeof *recordings; i++) {
		int before = test_failures;

		check_all_cuts(&recordings[i]);
		if (test_failures > before)
			NOTE("row %zu", i);
	}
}

/* One after another in one stream, cut at places that move on. */
TEST(recordings_can_follow_each_other)
{
	static struct trace whole, cut;
	char text[TRACE_MAX];
	size_t len = 0, cuts[TRACE_MAX], n;

	for (size_t i = 0; i < sizeof recordings / sizeof *recordings; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, "%s\n\n",
					recordings[i].text);
	run(&whole, text, len, NULL, 0);
	CHECK_INT(whole.bytes_n, len);
	CHECK_MEM(whole.bytes, text, len);
	for (size_t step = 1; step < 80; step++) {
		n = 0;
		for (size_t at = step; at < len; at += step)
			cuts[n++] = at;
		run(&cut, text, len, cuts, n);
		CHECK_STR(cut.said, whole.said);
		CHECK_STR(cut.bytes, whole.bytes);
	}
}

TEST(nul_bytes_are_data)
{
	static struct trace t;

	run(&t, "data: a\0b\n\n", 11, NULL, 0);
	CHECK_INT(t.said_n, 5);
	CHECK_MEM(t.said, "=a\0b;", 5);
}

/* An event is delivered with its last byte, whatever the line end. */
TEST(nothing_waits_for_the_next_event)
{
	static const char *const texts[] = { "data: a\n\n", "data: a\r\n\r\n", "data: a\r\r" };
	static struct trace t;
	struct weir_sse sse;

	for (size_t i = 0; i < 3; i++) {
		t = (struct trace){ 0 };
		weir_sse_init(&sse, on_event, &t);
		CHECK_INT(weir_sse_feed(&sse, texts[i], strlen(texts[i])), 0);
		CHECK_STR(t.said, "=a;");
		CHECK_INT(sse.raw.len, 0);
		weir_sse_fini(&sse);
	}
}

struct place {
	const char *base;
	size_t len;
	bool zero_copy;
	unsigned n;
};

static int on_place(void *arg, const struct weir_sse_event *event)
{
	struct place *p = arg;

	p->n++;
	p->zero_copy = event->raw.base >= p->base && event->raw.base < p->base + p->len &&
		       event->data.base >= p->base && event->data.base < p->base + p->len;
	return 0;
}

TEST(a_whole_event_is_not_copied)
{
	static const char text[] = "event: e\ndata: one\n\nevent: e\ndata: two\n\n";
	struct place place = { .base = text, .len = sizeof text - 1 };
	struct weir_sse sse;

	weir_sse_init(&sse, on_place, &place);
	weir_alloc_fail_after(1);
	CHECK_INT(weir_sse_feed(&sse, text, sizeof text - 1), 0);
	weir_alloc_fail_after(0);
	CHECK_INT(place.n, 2);
	CHECK(place.zero_copy);
	CHECK_INT(sse.raw.cap, 0);
	weir_sse_fini(&sse);
}

TEST(the_callback_can_stop)
{
	static const char text[] = "data: 1\n\ndata: 2\n\ndata: 3\n\n";
	static struct trace t;
	struct weir_sse sse;

	t = (struct trace){ .stop_after = 2 };
	weir_sse_init(&sse, on_event, &t);
	CHECK_INT(weir_sse_feed(&sse, text, sizeof text - 1), 77);
	CHECK_STR(t.said, "=1;=2;");
	weir_sse_fini(&sse);
	t = (struct trace){ .stop_after = 1 };
	weir_sse_init(&sse, on_event, &t);
	CHECK_INT(weir_sse_feed(&sse, "data: {}", 8), 0);
	CHECK_INT(weir_sse_eof(&sse), 77);
	weir_sse_fini(&sse);
}

/* An event of that many bytes, given in pieces of that size. */
static int feed_long(size_t len, size_t piece, unsigned *n)
{
	struct place place = { 0 };
	char *text = malloc(len);
	struct weir_sse sse;
	int rc = 0;

	memset(text, 'a', len);
	memcpy(text, "data: ", 6);
	memcpy(text + len - 2, "\n\n", 2);
	weir_sse_init(&sse, on_place, &place);
	for (size_t at = 0; rc == 0 && at < len; at += piece)
		rc = weir_sse_feed(&sse, text + at, len - at < piece ? len - at : piece);
	*n = place.n;
	CHECK(sse.raw.cap <= WEIR_SSE_EVENT_MAX);
	weir_sse_fini(&sse);
	free(text);
	return rc;
}

TEST(an_event_has_a_limit)
{
	static const size_t pieces[] = { 2 * WEIR_SSE_EVENT_MAX, 65536, 1000, 1 };
	unsigned n;

	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
		CHECK_INT(feed_long(WEIR_SSE_EVENT_MAX, pieces[i], &n), 0);
		CHECK_INT(n, 1);
		CHECK_INT(feed_long(WEIR_SSE_EVENT_MAX + 1, pieces[i], &n), WEIR_ELIMIT);
		CHECK_INT(n, 0);
	}
}

TEST(a_large_event_leaves_no_memory_behind)
{
	struct place place = { 0 };
	struct weir_sse sse;
	char text[20000];

	memset(text, 'a', sizeof text);
	memcpy(text, "data: ", 6);
	weir_sse_init(&sse, on_place, &place);
	CHECK_INT(weir_sse_feed(&sse, text, sizeof text), 0);
	CHECK_INT(weir_sse_feed(&sse, "\n\n", 2), 0);
	CHECK_INT(place.n, 1);
	CHECK_INT(weir_alloc_live(), 0);
	weir_sse_fini(&sse);
}

TEST(no_memory_is_an_error_at_every_place)
{
	static const char text[] = "data: a\ndata: b\n\ndata: {}";
	static struct trace t;
	struct weir_sse sse;
	int rc = WEIR_ENOMEM;

	for (uint64_t k = 1; rc == WEIR_ENOMEM && k < 50; k++) {
		t = (struct trace){ 0 };
		weir_sse_init(&sse, on_event, &t);
		weir_alloc_fail_after(k);
		rc = 0;
		for (size_t i = 0; rc == 0 && i < sizeof text - 1; i++)
			rc = weir_sse_feed(&sse, text + i, 1);
		if (rc == 0)
			rc = weir_sse_eof(&sse);
		weir_alloc_fail_after(0);
		weir_sse_fini(&sse);
		CHECK_INT(weir_alloc_live(), 0);
	}
	CHECK_INT(rc, 0);
	CHECK_STR(t.said, "=a\nb;={};");
}

TEST_MAIN
