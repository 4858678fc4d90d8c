/* The first line of an HTTP/1.x message, read strictly (RFC 9112 §3, §4). */
#pragma once

#include "base/attr.h"
#include "base/slice.h"

enum { WEIR_HTTP_TARGET_MAX = 8 * 1024 };

enum {
	WEIR_HTTP_REFUSED = -9101,   /* see refusal; the connection must close */
	WEIR_HTTP_TRUNCATED = -9102, /* the peer ended inside a message */
};

enum weir_http_role { WEIR_HTTP_REQUEST, WEIR_HTTP_RESPONSE };

struct weir_http_refusal {
	unsigned status;    /* what a server answers: 400, 405, 414, 417, 431, 501, 505; else 502 */
	const char *reason; /* static: "both Content-Length and Transfer-Encoding" */
};

struct weir_http_start {
	struct weir_slice method; /* request */
	struct weir_slice target; /* request: origin form, "*", or absolute form's path */
	unsigned status;          /* response */
	unsigned minor;           /* HTTP/1.minor */
};

/* Fills the refusal and returns WEIR_HTTP_REFUSED. status is for requests; responses
 * are refused as a bad gateway's. */
int weir_http_refuse(struct weir_http_refusal *refusal, enum weir_http_role role, unsigned status,
		     const char *reason);

/* line: its line feed included. Slices point into it. 0 or WEIR_HTTP_REFUSED. */
WEIR_MUST_CHECK int weir_http_read_start(struct weir_http_start *start, enum weir_http_role role,
					 struct weir_slice line, struct weir_http_refusal *refusal);
