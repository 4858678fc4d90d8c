#include "wire/h2.h"

#include "base/alloc.h"
#include "base/error.h"
#include "wire/h2_private.h"
#include "wire/http_read.h"

/* What a frame with a piece of a response is worth in frames that bring nothing. */
enum { POOR_PER_HEAD = 4, POOR_PER_DATA = 2, SETTINGS_ENTRIES_MAX = 32 };

int weir_h2_error(int rc)
{
	return rc == NGHTTP2_ERR_NOMEM ? WEIR_ENOMEM : WEIR_ELIMIT;
}

static void *on_malloc(size_t size, void *user)
{
	(void)user;
	return weir_alloc(size);
}

static void on_free(void *ptr, void *user)
{
	(void)user;
	weir_free(ptr);
}

static void *on_calloc(size_t n, size_t size, void *user)
{
	(void)user;
	return weir_calloc(n, size);
}

static void *on_realloc(void *ptr, size_t size, void *user)
{
	(void)user;
	return weir_realloc(ptr, size);
}

static int starve(struct weir_h2 *h2)
{
	h2->starved = true;
	return NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* Every frame is one too many, until it brings something. nghttp2 tells of those that it knows. */
static void count_frames(struct weir_h2 *h2, const char *bytes, size_t len)
{
	for (size_t n; len; bytes += n, len -= n) {
		size_t lacks = sizeof h2->frame - h2->frame_have;

		if (h2->frame_left) {
			n = len < h2->frame_left ? len : h2->frame_left;
			h2->frame_left -= n;
			continue;
		}
		n = len < lacks ? len : lacks;
		memcpy(h2->frame + h2->frame_have, bytes, n);
		h2->frame_have += n;
		if (n < lacks)
			continue;
		h2->frame_have = 0;
		h2->frame_left = (size_t)h2->frame[0] << 16 | (size_t)h2->frame[1] << 8 |
				 h2->frame[2];
		h2->poor_left--;
		h2->continuations = h2->frame[3] == NGHTTP2_CONTINUATION ? h2->continuations + 1
									 : 0;
		if (h2->continuations > WEIR_H2_CONTINUATIONS_MAX)
			h2->poor_left = -WEIR_H2_POOR_MAX;
	}
}

/* After a read, which may hold some thousand of the smallest. */
static bool is_flood(struct weir_h2 *h2)
{
	if (h2->poor_left > WEIR_H2_POOR_MAX)
		h2->poor_left = WEIR_H2_POOR_MAX;
	return h2->poor_left < 0;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	(void)session;
	(void)frame;
	weir_h2_head_begin(user);
	return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
		     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
		     void *user)
{
	struct weir_h2 *h2 = user;
	struct weir_h2_stream *stream = weir_h2_find(h2, frame->hd.stream_id);
	int rc;

	(void)session;
	(void)flags;
	if (!stream)
		return 0;
	rc = weir_h2_head_add(h2, weir_slice((const char *)name, name_len),
			      weir_slice((const char *)value, value_len));
	if (rc == WEIR_ENOMEM)
		return starve(h2);
	if (rc == 0)
		return 0;
	weir_h2_end(h2, stream, WEIR_END_MALFORMED);
	return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* nghttp2 would leave it out. */
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame,
			     const uint8_t *name, size_t name_len, const uint8_t *value,
			     size_t value_len, uint8_t flags, void *user)
{
	struct weir_h2_stream *stream = weir_h2_find(user, frame->hd.stream_id);

	(void)session;
	(void)name;
	(void)name_len;
	(void)value;
	(void)value_len;
	(void)flags;
	if (stream)
		weir_h2_end(user, stream, WEIR_END_MALFORMED);
	return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static void break_off(struct weir_h2 *h2, struct weir_h2_stream *stream)
{
	int rc = nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, stream->id,
					   NGHTTP2_PROTOCOL_ERROR);

	if (rc)
		h2->starved = true;
	weir_h2_end(h2, stream, WEIR_END_MALFORMED);
}

static int on_headers(struct weir_h2 *h2, struct weir_h2_stream *stream)
{
	struct weir_http_head *head;

	if (stream->head_seen) { /* trailers: of no use */
		weir_h2_head_begin(h2);
		return 0;
	}
	if (h2->status < 200) {
		if (h2->status < 100 || ++stream->informational_n > WEIR_HTTP_INFORMATIONAL_MAX)
			break_off(h2, stream);
		return 0;
	}
	head = weir_h2_head_take(h2);
	if (!head)
		return starve(h2);
	stream->head_seen = true;
	h2->poor_left += POOR_PER_HEAD;
	h2->events->on_head(stream->user, head);
	return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct weir_h2 *h2 = user;
	int32_t id = frame->hd.stream_id;
	struct weir_h2_stream *stream = weir_h2_find(h2, id);
	int rc = 0;

	(void)session;
	if (frame->hd.type == NGHTTP2_GOAWAY) {
		h2->leaving = true;
		h2->http1 |= frame->goaway.error_code == NGHTTP2_HTTP_1_1_REQUIRED;
	}
	if (!stream)
		return 0;
	if (frame->hd.type == NGHTTP2_RST_STREAM) {
		stream->reset = true;
		h2->http1 |= frame->rst_stream.error_code == NGHTTP2_HTTP_1_1_REQUIRED;
	}
	if (frame->hd.type == NGHTTP2_HEADERS)
		rc = on_headers(h2, stream);
	if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
		return rc;
	stream = weir_h2_find(h2, id); /* or its owner has left */
	if (rc == 0 && stream && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
		weir_h2_end(h2, stream, WEIR_END_WHOLE);
	return rc;
}

/* A connection's window is for what is on its way; how much of a stream is kept here, its own
 * window says. */
static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes,
		   size_t len, void *user)
{
	struct weir_h2 *h2 = user;
	struct weir_h2_stream *stream = weir_h2_find(h2, id);

	(void)flags;
	if (nghttp2_session_consume_connection(session, len))
		return starve(h2);
	if (!stream || len == 0)
		return 0;
	h2->poor_left += POOR_PER_DATA;
	if (stream->held)
		stream->owed += len;
	else if (nghttp2_session_consume_stream(session, id, len))
		return starve(h2);
	h2->events->on_body(stream->user, weir_slice((const char *)bytes, len));
	return 0;
}

static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int error,
			    void *user)
{
	struct weir_h2_stream *stream = weir_h2_find(user, frame->hd.stream_id);

	(void)session;
	(void)error;
	if (stream)
		weir_h2_end(user, stream, WEIR_END_MALFORMED);
	return 0;
}

static enum weir_end end_of(const struct weir_h2 *h2, const struct weir_h2_stream *stream,
			    uint32_t code)
{
	if (code == NGHTTP2_REFUSED_STREAM || (stream->reset && code == NGHTTP2_HTTP_1_1_REQUIRED))
		return stream->head_seen ? WEIR_END_CUT : WEIR_END_REFUSED;
	if (h2->starved)
		return WEIR_END_STARVED;
	return stream->reset || code == NGHTTP2_NO_ERROR ? WEIR_END_CUT : WEIR_END_MALFORMED;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
	struct weir_h2 *h2 = user;
	struct weir_h2_stream *stream = weir_h2_find(h2, id);

	(void)session;
	if (stream)
		weir_h2_end(h2, stream, end_of(h2, stream, code));
	return 0;
}

/* A request that the peer's GOAWAY overtook. */
static int on_not_sent(nghttp2_session *session, const nghttp2_frame *frame, int error, void *user)
{
	struct weir_h2 *h2 = user;
	struct weir_h2_stream *stream;

	(void)session;
	if (frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	stream = weir_h2_find(h2, frame->hd.stream_id);
	if (stream)
		weir_h2_end(h2, stream,
			    error == NGHTTP2_ERR_NOMEM ? WEIR_END_STARVED : WEIR_END_REFUSED);
	return 0;
}

static int make_session(struct weir_h2 *h2, nghttp2_session_callbacks *on, nghttp2_option *option)
{
	nghttp2_mem mem = { NULL, on_malloc, on_free, on_calloc, on_realloc };
	int rc;

	nghttp2_session_callbacks_set_on_begin_headers_callback(on, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(on, on_header);
	nghttp2_session_callbacks_set_on_invalid_header_callback(on, on_invalid_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(on, on_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(on, on_data);
	nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(on, on_invalid_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(on, on_stream_close);
	nghttp2_session_callbacks_set_on_frame_not_send_callback(on, on_not_sent);
	nghttp2_session_callbacks_set_send_data_callback(on, weir_h2_on_send_data);
	nghttp2_option_set_no_auto_window_update(option, 1);
	nghttp2_option_set_no_closed_streams(option, 1);
	nghttp2_option_set_peer_max_concurrent_streams(option, WEIR_H2_STREAMS_MAX);
	nghttp2_option_set_max_outbound_ack(option, WEIR_H2_ACKS_MAX);
	nghttp2_option_set_max_settings(option, SETTINGS_ENTRIES_MAX);
	rc = nghttp2_session_client_new3(&h2->session, on, h2, option, &mem);
	return rc ? weir_h2_error(rc) : 0;
}

static int greet(struct weir_h2 *h2)
{
	static const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WEIR_H2_WINDOW },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, WEIR_HTTP_HEAD_MAX },
	};
	int rc = nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, settings,
					 WEIR_COUNT_OF(settings));

	if (rc == 0)
		rc = nghttp2_session_set_local_window_size(h2->session, NGHTTP2_FLAG_NONE, 0,
							   WEIR_H2_CONNECTION_WINDOW);
	return rc ? weir_h2_error(rc) : 0;
}

int weir_h2_create(struct weir_h2 **to, const struct weir_h2_events *events)
{
	struct weir_h2 *h2 = weir_calloc(1, sizeof *h2);
	nghttp2_session_callbacks *callbacks = NULL;
	nghttp2_option *option = NULL;
	int rc = WEIR_ENOMEM;

	*to = NULL;
	if (!h2)
		return WEIR_ENOMEM;
	h2->events = events;
	h2->poor_left = WEIR_H2_POOR_MAX;
	weir_list_init(&h2->drained);
	weir_buf_init(&h2->head, 2 * WEIR_HTTP_HEAD_MAX);
	if (nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&option) == 0)
		rc = make_session(h2, callbacks, option);
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_option_del(option);
	if (rc == 0)
		rc = greet(h2);
	if (rc) {
		weir_h2_destroy(h2);
		return rc;
	}
	*to = h2;
	return 0;
}

void weir_h2_destroy(struct weir_h2 *h2)
{
	if (!h2)
		return;
	nghttp2_session_del(h2->session);
	weir_buf_fini(&h2->head);
	weir_free(h2);
}

static int failed(struct weir_h2 *h2, ssize_t rc)
{
	h2->broken = true;
	return h2->starved || rc == NGHTTP2_ERR_NOMEM ? WEIR_ENOMEM : WEIR_ELIMIT;
}

int weir_h2_feed(struct weir_h2 *h2, const char *bytes, size_t len)
{
	ssize_t rc;

	if (h2->broken)
		return failed(h2, 0);
	if (h2->busy)
		return 0;
	h2->busy = true;
	count_frames(h2, bytes, len);
	rc = nghttp2_session_mem_recv(h2->session, (const uint8_t *)bytes, len);
	h2->busy = false;
	return rc < 0 || h2->starved || is_flood(h2) ? failed(h2, rc) : 0;
}

/* All frames but those of bodies, which go where they are wanted by themselves. */
static ssize_t fill(struct weir_h2 *h2, struct weir_buf *to)
{
	while (weir_h2_fits_one(to)) {
		const uint8_t *data = NULL;
		ssize_t n = nghttp2_session_mem_send(h2->session, &data);

		if (n <= 0)
			return n;
		if (weir_buf_append(to, data, (size_t)n))
			return NGHTTP2_ERR_NOMEM;
	}
	return 0;
}

ssize_t weir_h2_take(struct weir_h2 *h2, struct weir_buf *to)
{
	size_t before = to->len;
	ssize_t rc;

	if (h2->broken)
		return failed(h2, 0);
	if (h2->busy)
		return 0;
	h2->busy = true;
	h2->to = to;
	rc = fill(h2, to);
	h2->to = NULL;
	h2->busy = false;
	weir_h2_tell_drained(h2);
	return rc < 0 || h2->starved ? failed(h2, rc) : (ssize_t)(to->len - before);
}

bool weir_h2_over(const struct weir_h2 *h2)
{
	return h2->broken || (!nghttp2_session_want_read(h2->session) &&
			      !nghttp2_session_want_write(h2->session));
}

unsigned weir_h2_room(const struct weir_h2 *h2)
{
	uint32_t most = nghttp2_session_get_remote_settings(
		h2->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);

	if (h2->leaving || h2->broken || !nghttp2_session_check_request_allowed(h2->session))
		return 0;
	return most < WEIR_H2_STREAMS_MAX ? most : WEIR_H2_STREAMS_MAX;
}

bool weir_h2_http1(const struct weir_h2 *h2)
{
	return h2->http1;
}

bool weir_h2_leaving(const struct weir_h2 *h2)
{
	return h2->leaving;
}

void weir_h2_refill(struct weir_h2 *h2)
{
	h2->poor_left = WEIR_H2_POOR_MAX;
}

int weir_h2_ping(struct weir_h2 *h2)
{
	int rc = nghttp2_submit_ping(h2->session, NGHTTP2_FLAG_NONE, NULL);

	return rc ? weir_h2_error(rc) : 0;
}

void weir_h2_goodbye(struct weir_h2 *h2)
{
	/* Best effort. */
	(void)nghttp2_session_terminate_session(h2->session, NGHTTP2_NO_ERROR);
}
