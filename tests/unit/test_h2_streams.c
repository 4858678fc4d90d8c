/* The client's end of HTTP/2: what is sent, and how streams share a connection. */
#include <nghttp2/nghttp2.h>

#include "h2_end.h"

/* A server that is no test's: what it makes of a request. */
struct server {
	nghttp2_session *session;
	struct h2_bytes fields, body;
	bool ended;
	unsigned secret_n; /* fields that must not be put into a table */
};

static int server_on_header(nghttp2_session *session, const nghttp2_frame *frame,
			    const uint8_t *name, size_t name_len, const uint8_t *value,
			    size_t value_len, uint8_t flags, void *user)
{
	struct server *s = user;

	(void)session;
	(void)frame;
	h2_put(&s->fields, name, name_len);
	h2_put(&s->fields, "=", 1);
	h2_put(&s->fields, value, value_len);
	h2_put(&s->fields, "\n", 1);
	s->secret_n += (flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0;
	return 0;
}

static int server_on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes,
			  size_t len, void *user)
{
	struct server *s = user;

	(void)session;
	(void)flags;
	(void)id;
	h2_put(&s->body, bytes, len);
	return 0;
}

static int server_on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct server *s = user;

	(void)session;
	s->ended |= frame->hd.stream_id && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM);
	return 0;
}

static void open_server(struct server *s)
{
	nghttp2_session_callbacks *on;

	*s = (struct server){ 0 };
	REQUIRE(nghttp2_session_callbacks_new(&on) == 0);
	nghttp2_session_callbacks_set_on_header_callback(on, server_on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(on, server_on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(on, server_on_frame);
	CHECK_INT(nghttp2_session_server_new(&s->session, on, s), 0);
	nghttp2_session_callbacks_del(on);
	CHECK_INT(nghttp2_submit_settings(s->session, NGHTTP2_FLAG_NONE, NULL, 0), 0);
}

static void close_server(struct server *s)
{
	nghttp2_session_del(s->session);
	free(s->fields.base);
	free(s->body.base);
}

/* Both sides say all they have to say. */
static void converse(struct end *e, struct server *s)
{
	const uint8_t *bytes;
	ssize_t n;

	do {
		CHECK_INT(take_all(e), 0);
		n = (ssize_t)e->sent.len;
		CHECK_INT(nghttp2_session_mem_recv(s->session, (uint8_t *)e->sent.base, (size_t)n),
			  n);
		e->sent.len = 0;
		while ((n = nghttp2_session_mem_send(s->session, &bytes)) > 0)
			CHECK_INT(weir_h2_feed(e->h2, (const char *)bytes, (size_t)n), 0);
	} while (nghttp2_session_want_write(s->session) || (take_all(e), e->sent.len));
}

TEST(what_a_server_hears)
{
	struct server s;
	struct end e;

	REQUIRE(open_end(&e) == 0);
	open_server(&s);
	converse(&e, &s);
	h2_put(&s.fields, "", 1);
	CHECK_STR(s.fields.base, ":method=POST\n:scheme=https\n:authority=api.example:444\n"
				 ":path=/v1/chat?x=y\nauthorization=Bearer k\nx-empty=\n"
				 "content-length=5\ncontent-type=text/x\n");
	CHECK_INT(s.secret_n, 1);
	CHECK_INT(s.body.len, 5);
	CHECK_MEM(s.body.base, "hello", 5);
	CHECK(s.ended);
	CHECK_INT(weir_h2_room(e.h2), WEIR_H2_STREAMS_MAX);
	close_server(&s);
	close_end(&e);
}

/* A body that is larger than any window, in pieces, as its queue drains. */
TEST(a_large_request)
{
	enum { SIZE = 1000 * 1000, PIECE = 100 * 1000 };
	static char piece[PIECE];
	char head[100];
	struct weir_slice slices[2];
	struct weir_h2_stream stream = { .user = &stream };
	struct server s;
	struct end e;
	size_t given = PIECE;

	REQUIRE(open_end(&e) == 0);
	open_server(&s);
	snprintf(head, sizeof head, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n",
		 SIZE);
	memset(piece, 'x', sizeof piece);
	slices[0] = weir_slice_of(head);
	slices[1] = weir_slice(piece, PIECE);
	CHECK_INT(weir_h2_write(e.h2, &stream, slices, 2), 0);
	CHECK_INT(weir_h2_queued(&stream), PIECE);
	while (given < SIZE) {
		unsigned before = e.drained_n;

		converse(&e, &s);
		CHECK_INT(weir_h2_queued(&stream), 0);
		CHECK_INT(e.drained_n, before + 1);
		CHECK_INT(weir_h2_write(e.h2, &stream, &slices[1], 1), 0);
		given += PIECE;
	}
	converse(&e, &s);
	CHECK_INT(s.body.len, SIZE + 5);
	CHECK(stream.sent);
	weir_h2_close(&stream);
	close_server(&s);
	close_end(&e);
}

static unsigned long count_frames(const struct h2_bytes *sent, unsigned type, unsigned long id)
{
	unsigned long n = 0;

	for (size_t at = 0; at + 9 <= sent->len;) {
		const unsigned char *p = (const unsigned char *)sent->base + at;

		n += p[3] == type && ((unsigned)p[7] << 8 | p[8]) == id;
		at += 9 + ((size_t)p[0] << 16 | (size_t)p[1] << 8 | p[2]);
	}
	return n;
}

/* Who is held gives no window back, and keeps nobody else from theirs. */
TEST(one_is_held)
{
	struct h2_bytes words = { 0 };
	struct end e;

	REQUIRE(open_end(&e) == 0);
	CHECK_INT(ask(&e, 1), 0);
	CHECK_INT(take_all(&e), 0);
	weir_h2_hold(&e.streams[0]);
	e.sent.len = 0;
	h2_script(&words, "S A " OK200 "H3{:status=200} D1{#16384}*15 D3{#16384}*60");
	CHECK_INT(feed(&e, &words, 65536), 0);
	CHECK_INT(count_frames(&e.sent, NGHTTP2_WINDOW_UPDATE, 1), 0);
	CHECK(count_frames(&e.sent, NGHTTP2_WINDOW_UPDATE, 3) > 3);
	e.sent.len = words.len = 0;
	weir_h2_resume(&e.streams[0]);
	CHECK_INT(take_all(&e), 0);
	CHECK_INT(count_frames(&e.sent, NGHTTP2_WINDOW_UPDATE, 1), 1);
	/* Who goes on in spite of it ends his stream, not the connection. */
	weir_h2_hold(&e.streams[0]);
	h2_script(&words, "D1{#16384}*17 D3e{x}");
	CHECK_INT(feed(&e, &words, 65536), 0);
	CHECK(strstr(heard(&e), " malformed") && strstr(e.heard.base, " whole"));
	free(words.base);
	close_end(&e);
}

/* The connection's window is given back whoever is held. */
TEST(all_are_held)
{
	struct h2_bytes words = { 0 };
	struct end e;

	REQUIRE(open_end(&e) == 0);
	CHECK_INT(take_all(&e), 0);
	h2_script(&words, "S A ");
	CHECK_INT(feed(&e, &words, 65536), 0);
	for (unsigned i = 0; i < 60; i++) {
		char text[60];
		struct weir_h2_stream *stream = calloc(1, sizeof *stream);
		const struct weir_slice slices[] = { WEIR_SLICE(ASK), WEIR_SLICE("hello") };

		stream->user = stream;
		CHECK_INT(weir_h2_write(e.h2, stream, slices, 2), 0);
		weir_h2_hold(stream);
		CHECK_INT(take_all(&e), 0);
		words.len = e.sent.len = 0;
		snprintf(text, sizeof text, "H%u{:status=200} D%u{#16000}*16", 2 * i + 3,
			 2 * i + 3);
		h2_script(&words, text);
		CHECK_INT(feed(&e, &words, 65536), 0);
		weir_h2_close(stream);
		free(stream);
	}
	CHECK(!weir_h2_over(e.h2));
	free(words.base);
	close_end(&e);
}

/* An owner may leave whenever he is told something. */
TEST(left_in_the_middle)
{
	struct h2_bytes words = { 0 };
	struct end e;

	REQUIRE(open_end(&e) == 0);
	CHECK_INT(ask(&e, 1), 0);
	CHECK_INT(take_all(&e), 0);
	e.close_at_head = true;
	e.sent.len = 0;
	h2_script(&words, "S " OK200 "D1{x} H3e{:status=200} D1{x}*20 D1e");
	CHECK_INT(feed(&e, &words, 65536), 0);
	CHECK_STR(heard(&e), "[200][200]");
	CHECK_INT(count_frames(&e.sent, NGHTTP2_RST_STREAM, 1), 1);
	CHECK(!weir_h2_over(e.h2) && weir_h2_room(e.h2) == WEIR_H2_STREAMS_MAX);
	free(words.base);
	close_end(&e);
}

/* A response may be whole before its request is: that is not gone on with. */
TEST(answered_early)
{
	static char part[1000];
	const struct weir_slice slices[] = {
		WEIR_SLICE("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5000\r\n\r\n"),
		{ part, sizeof part },
	};
	struct h2_bytes words = { 0 };
	struct end e;

	REQUIRE(open_end(&e) == 0);
	e.streams[1].user = &e.streams[1];
	CHECK_INT(weir_h2_write(e.h2, &e.streams[1], slices, 2), 0);
	CHECK_INT(take_all(&e), 0);
	e.sent.len = 0;
	h2_script(&words, "S H3e{:status=413} R3(0)");
	CHECK_INT(feed(&e, &words, 65536), 0);
	CHECK_STR(heard(&e), "[413] whole");
	CHECK_INT(weir_h2_write(e.h2, &e.streams[1], &slices[1], 1), WEIR_ELIMIT);
	CHECK(!weir_h2_over(e.h2));
	free(words.base);
	close_end(&e);
}

/* The peer says how many: one that is open counts. */
TEST(room)
{
	struct h2_bytes words = { 0 };
	struct end e;

	REQUIRE(open_end(&e) == 0);
	CHECK_INT(take_all(&e), 0);
	CHECK_INT(weir_h2_room(e.h2), WEIR_H2_STREAMS_MAX);
	h2_script(&words, "S(3=7)");
	CHECK_INT(feed(&e, &words, 65536), 0);
	CHECK_INT(weir_h2_room(e.h2), 7);
	words.len = 0;
	h2_script(&words, "S(3=100000)");
	CHECK_INT(feed(&e, &words, 65536), 0);
	CHECK_INT(weir_h2_room(e.h2), WEIR_H2_STREAMS_MAX);
	words.len = 0;
	h2_script(&words, "G1(0)");
	CHECK_INT(feed(&e, &words, 65536), 0);
	CHECK(weir_h2_leaving(e.h2));
	CHECK_INT(weir_h2_room(e.h2), 0);
	CHECK(!weir_h2_over(e.h2));
	free(words.base);
	close_end(&e);
}

TEST_MAIN
