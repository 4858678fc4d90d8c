#include "base/assert.h"
#include "base/error.h"
#include "wire/h2_private.h"

enum { FRAME_HEAD_BYTES = 9 };
enum { POOR_PER_SENT = 2 }; /* window updates that a frame of ours may be answered with */

static void forget(struct weir_h2_stream *stream)
{
	stream->h2 = NULL;
	if (stream->due.next)
		weir_list_remove(&stream->due);
	weir_buf_fini(&stream->out);
	stream->out_at = 0;
}

/* Best effort: it fails when memory has run out, and then the connection ends soon. */
static void cancel(struct weir_h2 *h2, int32_t id)
{
	if (nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL))
		h2->starved = true;
}

void weir_h2_end(struct weir_h2 *h2, struct weir_h2_stream *stream, enum weir_end end)
{
	(void)nghttp2_session_set_stream_user_data(h2->session, stream->id, NULL);
	if (end == WEIR_END_WHOLE && !stream->sent)
		cancel(h2, stream->id);
	forget(stream);
	h2->events->on_end(stream->user, end);
}

void weir_h2_close(struct weir_h2_stream *stream)
{
	struct weir_h2 *h2 = stream->h2;

	if (!h2)
		return;
	(void)nghttp2_session_set_stream_user_data(h2->session, stream->id, NULL);
	cancel(h2, stream->id);
	forget(stream);
}

bool weir_h2_unsent(const struct weir_h2_stream *stream)
{
	return stream->h2 && stream->id &&
	       !nghttp2_session_find_stream(stream->h2->session, stream->id);
}

static void note_drained(struct weir_h2 *h2, struct weir_h2_stream *stream)
{
	if (!stream->drain_due || weir_h2_queued(stream) > WEIR_H2_QUEUE_LOW)
		return;
	stream->drain_due = false;
	weir_list_push(&h2->drained, &stream->due);
}

void weir_h2_tell_drained(struct weir_h2 *h2)
{
	while (!weir_list_empty(&h2->drained)) {
		struct weir_list *node = h2->drained.next;

		weir_list_remove(node);
		h2->events->on_drained(WEIR_CONTAINER_OF(node, struct weir_h2_stream, due)->user);
	}
}

/* How much of a request's body a frame may have; it is copied once, into what is sent. */
static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *to, size_t len,
			 uint32_t *flags, nghttp2_data_source *source, void *user)
{
	struct weir_h2 *h2 = user;
	struct weir_h2_stream *stream = weir_h2_find(h2, id);
	size_t queued = stream ? weir_h2_queued(stream) : 0;

	(void)session;
	(void)source;
	(void)to;
	if (!stream)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	if (queued == 0 && stream->left)
		return NGHTTP2_ERR_DEFERRED;
	*flags |= NGHTTP2_DATA_FLAG_NO_COPY;
	if (queued <= len && stream->left == 0)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)(queued < len ? queued : len);
}

int weir_h2_on_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head,
			 size_t len, nghttp2_data_source *source, void *user)
{
	struct weir_h2 *h2 = user;
	struct weir_h2_stream *stream = weir_h2_find(h2, frame->hd.stream_id);

	(void)session;
	(void)source;
	if (!stream)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	WEIR_ASSERT(len <= weir_h2_queued(stream));
	if (weir_buf_append(h2->to, head, FRAME_HEAD_BYTES) ||
	    weir_buf_append(h2->to, stream->out.base + stream->out_at, len))
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	stream->out_at += len;
	if (stream->out_at == stream->out.len) {
		weir_buf_fini(&stream->out);
		stream->out_at = 0;
		stream->sent = stream->left == 0;
	}
	h2->poor_left += POOR_PER_SENT;
	note_drained(h2, stream);
	return weir_h2_fits_one(h2->to) ? 0 : NGHTTP2_ERR_PAUSE;
}

static int begin(struct weir_h2 *h2, struct weir_h2_stream *stream, struct weir_slice head)
{
	nghttp2_data_provider body = { .read_callback = read_body };
	nghttp2_nv fields[WEIR_H2_REQUEST_FIELDS_MAX] WEIR_UNINITIALIZED;
	int n = weir_h2_request_fields(head, fields, WEIR_H2_REQUEST_FIELDS_MAX, &stream->left);
	int32_t id;

	if (n < 0)
		return n;
	stream->sent = stream->left == 0;
	id = nghttp2_submit_request(h2->session, NULL, fields, (size_t)n,
				    stream->sent ? NULL : &body, stream);
	if (id < 0)
		return weir_h2_error(id);
	stream->id = id;
	stream->h2 = h2;
	weir_list_init(&stream->due);
	weir_buf_init(&stream->out, SIZE_MAX);
	return 0;
}

static int add(struct weir_h2_stream *stream, struct weir_slice bytes)
{
	int rc;

	WEIR_ASSERT(bytes.len <= stream->left);
	if (stream->out_at) {
		weir_buf_consume(&stream->out, stream->out_at);
		stream->out_at = 0;
	}
	rc = weir_buf_append(&stream->out, bytes.base, bytes.len);
	if (rc == 0)
		stream->left -= bytes.len;
	return rc;
}

int weir_h2_write(struct weir_h2 *h2, struct weir_h2_stream *stream,
		  const struct weir_slice *slices, size_t slices_n)
{
	size_t i = 0;
	int rc = 0;

	if (stream->id == 0 && slices_n)
		rc = begin(h2, stream, slices[i++]);
	if (rc)
		return rc;
	if (!stream->h2)
		return WEIR_ELIMIT; /* over already */
	for (; rc == 0 && i < slices_n; i++)
		rc = add(stream, slices[i]);
	if (weir_h2_queued(stream) > WEIR_H2_QUEUE_LOW)
		stream->drain_due = true;
	/* Not deferred, or not yet a stream: it will ask by itself. */
	if (nghttp2_session_resume_data(h2->session, stream->id) == NGHTTP2_ERR_NOMEM)
		rc = WEIR_ENOMEM;
	return rc;
}

size_t weir_h2_queued(const struct weir_h2_stream *stream)
{
	return stream->out.len - stream->out_at;
}

void weir_h2_hold(struct weir_h2_stream *stream)
{
	stream->held = true;
}

void weir_h2_resume(struct weir_h2_stream *stream)
{
	stream->held = false;
	if (stream->h2 && stream->owed &&
	    nghttp2_session_consume_stream(stream->h2->session, stream->id, stream->owed))
		stream->h2->starved = true;
	stream->owed = 0;
}
