/* A client's end of an HTTP/2 connection (RFC 9113), on nghttp2: bytes in, events of its streams
 * out, and bytes to send. No socket, no clock.
 *
 * Bounded against a peer that means harm: heads and trailers as in HTTP/1.1, informational
 * responses, frames that bring nothing, bytes received and not consumed. One stream that is held
 * keeps no other waiting: what came is out of the connection's window at once, and out of its own
 * only when it is no longer held. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/list.h"
#include "wire/end.h"
#include "wire/http_head.h"

enum {
	WEIR_H2_STREAMS_MAX = 100,   /* at once, where the peer takes as many */
	WEIR_H2_WINDOW = 256 * 1024, /* of a stream: so much comes while it is held */
	WEIR_H2_CONNECTION_WINDOW = 4 * 1024 * 1024, /* for all of them */
	WEIR_H2_QUEUE_LOW = 64 * 1024,               /* of a request's body; then on_drained */
	WEIR_H2_CONTINUATIONS_MAX = 8,               /* frames of one head */
	WEIR_H2_POOR_MAX = 1000, /* frames that bring nothing, more than others and until */
	WEIR_H2_ACKS_MAX = 100,  /* of PING and SETTINGS, not yet sent */
	WEIR_H2_REQUEST_FIELDS_MAX = 200,
	WEIR_H2_FRAME_MAX = 16 * 1024 + 1024 /* that we send: 16 KiB, and what stands before it */
};

struct weir_h2;

/* user: the stream's. All may call anything but destroy; feed and take do nothing meanwhile. */
struct weir_h2_events {
	/* Of the final response; the receiver's, who frees it with weir_free(). */
	void (*on_head)(void *user, struct weir_http_head *head);
	void (*on_body)(void *user, struct weir_slice bytes);
	/* Once, and nothing after it; the stream has still to be closed. */
	void (*on_end)(void *user, enum weir_end end);
	/* Its queue fell to WEIR_H2_QUEUE_LOW after it had been above. */
	void (*on_drained)(void *user);
};

/* One request and its response. Embedded in its owner, zeroed before the first write. */
struct weir_h2_stream {
	struct weir_h2 *h2; /* NULL: not begun, or over */
	void *user;
	/* Private. */
	int32_t id;
	uint8_t informational_n;
	bool head_seen;
	bool reset; /* by the peer */
	bool sent;  /* all of the request */
	bool held;
	bool drain_due;
	size_t owed;          /* received while held */
	uint64_t left;        /* of the request's body, to be written */
	struct weir_buf out;  /* of it, to be sent */
	size_t out_at;        /* bytes of out that went already */
	struct weir_list due; /* h2->drained */
};

/* 0 or WEIR_ENOMEM. The preface and the settings are ready to be taken. */
WEIR_MUST_CHECK int weir_h2_create(struct weir_h2 **h2, const struct weir_h2_events *events);
/* Streams must have been closed, or told their end. */
void weir_h2_destroy(struct weir_h2 *h2);

/* Bytes from the peer. Negative (WEIR_ENOMEM, WEIR_ELIMIT): the connection is of no use. */
WEIR_MUST_CHECK int weir_h2_feed(struct weir_h2 *h2, const char *bytes, size_t len);
/* Appends what is to be sent while there is room for a frame: WEIR_H2_FRAME_MAX at the least, or
 * nothing is. How many bytes, or negative as above. */
WEIR_MUST_CHECK ssize_t weir_h2_take(struct weir_h2 *h2, struct weir_buf *to);
/* Nothing will be read or sent any more: a connection that failed, or has said goodbye. */
bool weir_h2_over(const struct weir_h2 *h2);

/* How many streams there may be at once; 0: no new ones on this connection. */
unsigned weir_h2_room(const struct weir_h2 *h2);
/* The peer wants HTTP/1.1 instead (RFC 9113 §7), and has refused a stream for it, or all. */
bool weir_h2_http1(const struct weir_h2 *h2);
/* The peer has announced its end: the streams that are open may finish. */
bool weir_h2_leaving(const struct weir_h2 *h2);
/* Time has passed: frames that bring nothing may come again. */
void weir_h2_refill(struct weir_h2 *h2);
WEIR_MUST_CHECK int weir_h2_ping(struct weir_h2 *h2);
void weir_h2_goodbye(struct weir_h2 *h2); /* GOAWAY */

/* Does its head still wait, for room on the connection or for the next write? */
bool weir_h2_unsent(const struct weir_h2_stream *stream);

/* The first slice of all is the request's head, just as http_write.h writes it for HTTP/1.1, with
 * a content-length; the others are that many bytes of body, copied. 0; WEIR_ENOMEM or WEIR_ELIMIT,
 * and the request is not whole: close it. */
WEIR_MUST_CHECK int weir_h2_write(struct weir_h2 *h2, struct weir_h2_stream *stream,
				  const struct weir_slice *slices, size_t slices_n);
size_t weir_h2_queued(const struct weir_h2_stream *stream);
/* No window is given back meanwhile; up to WEIR_H2_WINDOW still comes. */
void weir_h2_hold(struct weir_h2_stream *stream);
void weir_h2_resume(struct weir_h2_stream *stream);
/* Resets it unless it is over. Also of one that was never begun. */
void weir_h2_close(struct weir_h2_stream *stream);
