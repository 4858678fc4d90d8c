/* Spans as OTLP has them in JSON: the protobuf JSON mapping of opentelemetry-proto 1.x, but with
 * ids in hexadecimal, and enums and 64-bit numbers as its specification says
 * (opentelemetry.io/docs/specs/otlp, "JSON Protobuf Encoding"). Bytes out; no clock, no socket. */
#pragma once

#include "dialect/pen.h"
#include "trace/context.h"

enum { WEIR_SPAN_VALUE_MAX = 1024 }; /* bytes of an attribute; cut at a character */

enum weir_span_kind { WEIR_SPAN_SERVER = 2, WEIR_SPAN_CLIENT = 3 };

struct weir_span {
	struct weir_trace_context context; /* its own id in it */
	uint64_t parent;                   /* 0: the first of its trace */
	bool parent_remote;
	enum weir_span_kind kind;
	uint64_t start_ns, end_ns; /* since 1970; an end before the start is the start */
};

struct weir_span_pen {
	struct weir_pen pen; /* rc: as ever */
	unsigned attributes_n, events_n;
};

/* One line of JSON without its newline is appended to buf: begin, its attributes, its events,
 * each with its attributes behind it, end. */
void weir_span_begin(struct weir_span_pen *pen, struct weir_buf *buf, const struct weir_span *span,
		     const char *name_a, const char *name_b); /* "chat", "gpt-4o" */
void weir_span_str(struct weir_span_pen *pen, const char *key, const char *value);
void weir_span_u64(struct weir_span_pen *pen, const char *key, uint64_t value);
void weir_span_bool(struct weir_span_pen *pen, const char *key, bool value);
/* A number as it is to stand there, as "0.0025". */
void weir_span_number(struct weir_span_pen *pen, const char *key, const char *number);
void weir_span_seconds(struct weir_span_pen *pen, const char *key, uint64_t ns);
void weir_span_event(struct weir_span_pen *pen, const char *name, uint64_t at_ns);
/* failed: why, "" for no words; NULL: it did not. 0, WEIR_ENOMEM, WEIR_ELIMIT. */
WEIR_MUST_CHECK int weir_span_end(struct weir_span_pen *pen, const char *failed,
				  unsigned events_lost);

/* What stands before and after the spans of a message, which are joined by commas. */
struct weir_attribute {
	char *name, *value;
};
WEIR_MUST_CHECK int weir_spans_open(struct weir_buf *buf, const struct weir_attribute *resource,
				    unsigned n, const char *version);
WEIR_MUST_CHECK int weir_spans_close(struct weir_buf *buf);
