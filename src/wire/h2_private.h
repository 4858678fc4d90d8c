/* Between the files of HTTP/2: h2.c (the connection), h2_stream.c (requests out, ends),
 * h2_head.c (fields). */
#pragma once

#include <nghttp2/nghttp2.h>

#include "wire/h2.h"

struct weir_h2 {
	nghttp2_session *session;
	const struct weir_h2_events *events;
	struct weir_list drained; /* streams that are to hear it */
	struct weir_buf head;     /* the fields that come just now, of one stream */
	unsigned status, fields_n;
	size_t list_bytes; /* of them, as they are counted against a bound */
	int poor_left;
	struct weir_buf *to;    /* while it is filled */
	unsigned char frame[9]; /* the head of one, as far as it has come */
	size_t frame_have, frame_left;
	unsigned continuations; /* in a row */
	bool leaving;
	bool http1;   /* is wanted instead */
	bool busy;    /* inside feed or take */
	bool starved; /* out of memory in a callback */
	bool broken;  /* nothing more can be done with the session */
};

static inline struct weir_h2_stream *weir_h2_find(struct weir_h2 *h2, int32_t id)
{
	return id ? nghttp2_session_get_stream_user_data(h2->session, id) : NULL;
}

/* WEIR_ENOMEM or WEIR_ELIMIT of what nghttp2 returned. */
int weir_h2_error(int rc);

/* h2_stream.c */
void weir_h2_end(struct weir_h2 *h2, struct weir_h2_stream *stream, enum weir_end end);
void weir_h2_tell_drained(struct weir_h2 *h2);
/* nghttp2's: a frame with a piece of a request's body, into h2->to. */
int weir_h2_on_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head,
			 size_t len, nghttp2_data_source *source, void *user);
static inline bool weir_h2_fits_one(const struct weir_buf *to)
{
	return to->cap - to->len >= WEIR_H2_FRAME_MAX;
}

/* h2_head.c */
/* The fields of a request from its text; value slices point into it. How many, or negative. */
int weir_h2_request_fields(struct weir_slice text, nghttp2_nv *fields, size_t max,
			   uint64_t *content_length);
void weir_h2_head_begin(struct weir_h2 *h2);
/* 0, WEIR_ELIMIT: too much, WEIR_ENOMEM. */
int weir_h2_head_add(struct weir_h2 *h2, struct weir_slice name, struct weir_slice value);
/* NULL: out of memory. */
struct weir_http_head *weir_h2_head_take(struct weir_h2 *h2);
