/* Server-sent events as the WHATWG defines them, at any split of the bytes: LF, CR,
 * CRLF mixed, one BOM, comments, several data lines. The raw bytes of each event are
 * given beside its meaning, so that a relay can pass on what it did not change. */
#pragma once

#include "base/buf.h"

enum { WEIR_SSE_EVENT_MAX = 1024 * 1024 };

/* Together the raw bytes of all events are the stream, so a block of comments or a lone
 * blank line is an event too. A BOM is the beginning of the first one. */
struct weir_sse_event {
	struct weir_slice raw;  /* all its bytes, comments and the closing blank line included */
	struct weir_slice name; /* "" when none */
	struct weir_slice data; /* data lines joined by LF */
	bool has_data;          /* false: only comments or other fields; nothing to dispatch */
};

/* Slices are valid during the call. Nonzero stops: feed returns it, and nothing but
 * _fini() may follow. */
typedef int weir_sse_on_event(void *arg, const struct weir_sse_event *event);

/* Between two events: how many of the bytes are one whole event that its owner has dealt with
 * himself, knowing how it ends; 0: none. crlf: how the line before them ended, and the event
 * must. */
typedef size_t weir_sse_skip(void *arg, struct weir_slice bytes, bool crlf);

struct weir_sse {
	weir_sse_on_event *on_event;
	weir_sse_skip *skip; /* NULL: all are told */
	void *arg;
	struct weir_buf raw; /* an event that has begun and not ended; nothing while idle */
	/* private: places count from the first byte of the event */
	struct weir_buf joined; /* its data, once it has a second line of it */
	size_t line;            /* where the line that has begun begins */
	size_t name_at, name_len;
	size_t data_at, data_len;
	unsigned data_lines;
	unsigned bom;    /* bytes of it seen; past 3: the stream's beginning is over */
	bool was_crlf;   /* how the last line ended */
	bool after_cr;   /* the last byte was a CR: an LF now is no line of its own */
	bool blank_held; /* that CR was a blank line's, and its LF is waited for */
};

void weir_sse_init(struct weir_sse *sse, weir_sse_on_event *on_event, void *arg);
void weir_sse_fini(struct weir_sse *sse);

/* 0, WEIR_ENOMEM, WEIR_ELIMIT (an event over WEIR_SSE_EVENT_MAX) or the callback's. */
int weir_sse_feed(struct weir_sse *sse, const char *bytes, size_t len);

/* The stream ended as its framing promised: an unfinished event whose data is whole
 * (`[DONE]`, or JSON that parses) is delivered, raw with the line ends it lacks; any
 * other is dropped. */
int weir_sse_eof(struct weir_sse *sse);
