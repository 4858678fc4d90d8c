/* Reads HTTP/1.x messages strictly: llhttp without any lenient flag, and our own
 * checks where it is silent. Bytes in, events out; no socket, no clock.
 *
 * One message at a time: at the end of a message the reader stops and leaves the
 * bytes after it (a pipelined request, or bytes nobody asked for) to its owner. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <llhttp.h>

#include "base/buf.h"

enum {
	WEIR_HTTP_HEAD_MAX = 32 * 1024,
	WEIR_HTTP_TARGET_MAX = 8 * 1024,
	WEIR_HTTP_FIELDS_MAX = 100,
	WEIR_HTTP_LINE_MAX = 16 * 1024,
	WEIR_HTTP_INFORMATIONAL_MAX = 8,
	WEIR_HTTP_CHUNK_EXT_MAX = 256,
	WEIR_HTTP_TRAILERS_MAX = 4 * 1024,
	WEIR_HTTP_LEADING_CRLF_MAX = 64
};

enum weir_http_role { WEIR_HTTP_REQUEST, WEIR_HTTP_RESPONSE };

struct weir_http_field {
	struct weir_slice name;
	struct weir_slice value; /* trimmed */
};

/* Slices point into the reader, valid until weir_http_reader_next() or _fini(). */
struct weir_http_head {
	struct weir_slice method; /* request */
	struct weir_slice target; /* request: raw bytes, origin form or absolute form's path */
	unsigned status;          /* response */
	unsigned minor;           /* HTTP/1.minor */
	bool keep_alive;          /* the peer lets the connection live after this message */
	bool has_length;
	uint64_t content_length;
	bool chunked;
	bool expect_continue; /* request: wants 100 before it sends the body */
	unsigned fields_n;
	struct weir_http_field fields[WEIR_HTTP_FIELDS_MAX];
};

/* The value of the first field of that name, or base NULL. Any case. */
struct weir_slice weir_http_field(const struct weir_http_head *head, const char *name);

struct weir_http_reader_events {
	/* The head is complete. Nonzero stops the reader: feed returns it. */
	int (*on_head)(void *arg, const struct weir_http_head *head);
	/* A piece of the body, framing removed. Nonzero stops the reader. */
	int (*on_body)(void *arg, struct weir_slice bytes);
};

struct weir_http_refusal {
	unsigned status;    /* what a server answers: 400, 408, 414, 417, 431, 501, 505 */
	const char *reason; /* static: "both Content-Length and Transfer-Encoding" */
};

struct weir_http_reader {
	llhttp_t parser;
	const struct weir_http_reader_events *events;
	void *arg;
	enum weir_http_role role;
	bool complete; /* the message ended; call _next() before feeding more */
	bool head_done;
	bool body_until_eof; /* response without a length: ends with the connection */
	struct weir_http_refusal refusal;
	struct weir_http_head *head; /* allocated while a message is under way */
	struct weir_buf bytes;       /* the head's own bytes */
	/* … private counters as needed … */
};

enum {
	WEIR_HTTP_REFUSED = -9101,   /* see refusal; the connection must close */
	WEIR_HTTP_TRUNCATED = -9102, /* the peer ended inside a message */
};

void weir_http_reader_init(struct weir_http_reader *r, enum weir_http_role role,
			   const struct weir_http_reader_events *events, void *arg);
void weir_http_reader_fini(struct weir_http_reader *r);

/* 0: all is well; r->complete says whether the message ended, *used how many bytes
 * were taken (all of them unless complete). WEIR_HTTP_REFUSED, WEIR_ENOMEM, or what a
 * callback returned: the reader is dead until _init(). */
int weir_http_reader_feed(struct weir_http_reader *r, const char *bytes, size_t len, size_t *used);

/* The peer will send no more. 0: between messages, or a body that ends so (then
 * complete is set); WEIR_HTTP_TRUNCATED otherwise. */
int weir_http_reader_eof(struct weir_http_reader *r);

/* Ready for the next message on the same connection; holds no memory until it comes. */
void weir_http_reader_next(struct weir_http_reader *r);

/* Has any byte of the present message arrived? */
bool weir_http_reader_started(const struct weir_http_reader *r);
