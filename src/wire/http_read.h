/* Reads HTTP/1.x messages strictly. The head is collected and read by our own parser,
 * which refuses what llhttp lets pass (http_head.h); llhttp, without any lenient flag, frames
 * a body that comes in chunks, guarded byte by byte (http_chunk.h). Bytes in, events out; no
 * socket, no clock.
 *
 * One message at a time: at the end of a message the reader stops and leaves the
 * bytes after it (a pipelined request, or bytes nobody asked for) to its owner.
 * An Upgrade is never made: such a request is an ordinary one that ends its connection. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <llhttp.h>

#include "base/buf.h"
#include "wire/http_chunk.h"
#include "wire/http_head.h"

enum {
	WEIR_HTTP_INFORMATIONAL_MAX = 8,
	WEIR_HTTP_LEADING_CRLF_MAX = 64, /* bytes of empty lines before a request */
};

/* A callback must not call the reader. */
struct weir_http_reader_events {
	/* The head is complete. Nonzero stops the reader: feed returns it. */
	int (*on_head)(void *arg, const struct weir_http_head *head);
	/* A piece of the body, framing removed. Nonzero stops the reader. */
	int (*on_body)(void *arg, struct weir_slice bytes);
};

struct weir_http_reader {
	llhttp_t parser;
	const struct weir_http_reader_events *events;
	void *arg;
	enum weir_http_role role;
	bool complete; /* the message ended; call _next() before feeding more */
	bool head_done;
	bool chunked;
	bool body_until_eof; /* response without a length: ends with the connection */
	struct weir_http_refusal refusal;
	struct weir_http_head *head; /* from on_head on; NULL once forgotten */
	struct weir_buf bytes;       /* the head's own bytes */

	/* Private. */
	bool start_checked; /* the first line was found good */
	bool ended;         /* the message's last byte was seen */
	int failed;         /* what feed returned when it failed */
	uint64_t left;      /* of a body without chunks, bytes that are to come at most */
	unsigned leading_n; /* bytes of empty lines before the message */
	unsigned lines_n;   /* of the head, the empty one not counted */
	size_t line_bytes;  /* of its unfinished line */
	unsigned informational_n;
	struct weir_http_chunks chunks;
};

void weir_http_reader_init(struct weir_http_reader *r, enum weir_http_role role,
			   const struct weir_http_reader_events *events, void *arg);
void weir_http_reader_fini(struct weir_http_reader *r);

/* 0: all is well; r->complete says whether the message ended, *used how many bytes
 * were taken (all of them unless complete). WEIR_HTTP_REFUSED, WEIR_ENOMEM, or what a
 * callback returned: the reader is dead until _init(). */
WEIR_MUST_CHECK int weir_http_reader_feed(struct weir_http_reader *r, const char *bytes, size_t len,
					  size_t *used);

/* The peer will send no more. 0: between messages, or a body that ends so (then
 * complete is set); WEIR_HTTP_TRUNCATED otherwise. */
int weir_http_reader_eof(struct weir_http_reader *r);

/* Ready for the next message on the same connection; holds no memory until it comes. */
void weir_http_reader_next(struct weir_http_reader *r);

/* Its head is needed no more: what points into it ends here. Not within a callback. */
void weir_http_reader_forget(struct weir_http_reader *r);

/* Has any byte of the present message arrived? Empty lines before it do not count. */
bool weir_http_reader_started(const struct weir_http_reader *r);
