/* Plays bytes into an HTTP reader, cut into pieces, and writes down what comes out:
 *
 *	POST /x keep len=5 |hello| done +3      a request, its body, 3 bytes left over
 *	200 close eof |he| truncated            a response whose end has not come
 *	400 Host missing                        a refusal: status and reason
 *
 * Each piece lies in memory of just its size, so that ASan sees a read past it. */
#ifndef WEIR_HTTP_TRACE_H
#define WEIR_HTTP_TRACE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "wire/http_read.h"

struct http_trace {
	struct weir_http_reader reader;
	char *text; /* malloc'ed */
	size_t len, size;
	FILE *out;
	bool fields; /* write the header fields down, too */
	bool body;   /* a body has begun */
};

static inline void http_trace_slice(struct http_trace *t, struct weir_slice s)
{
	fwrite(s.base, 1, s.len, t->out);
}

static inline int http_trace_head(void *arg, const struct weir_http_head *head)
{
	struct http_trace *t = arg;

	if (t->reader.role == WEIR_HTTP_REQUEST) {
		http_trace_slice(t, head->method);
		fputc(' ', t->out);
		http_trace_slice(t, head->target);
	} else {
		fprintf(t->out, "%u", head->status);
	}
	fputs(head->keep_alive ? " keep" : " close", t->out);
	if (head->has_length)
		fprintf(t->out, " len=%llu", (unsigned long long)head->content_length);
	fputs(head->chunked ? " chunked" : "", t->out);
	fputs(head->expect_continue ? " expect" : "", t->out);
	fputs(t->reader.body_until_eof ? " eof" : "", t->out);
	for (unsigned i = 0; t->fields && i < head->fields_n; i++) {
		fputs(" <", t->out);
		http_trace_slice(t, head->fields[i].name);
		fputs(": ", t->out);
		http_trace_slice(t, head->fields[i].value);
		fputs(">", t->out);
	}
	fputc(' ', t->out);
	return 0;
}

static inline int http_trace_body(void *arg, struct weir_slice bytes)
{
	struct http_trace *t = arg;

	if (!t->body)
		fputc('|', t->out);
	t->body = true;
	http_trace_slice(t, bytes);
	return 0;
}

static const struct weir_http_reader_events http_trace_events = {
	.on_head = http_trace_head,
	.on_body = http_trace_body,
};

static inline int http_trace_feed(struct http_trace *t, const char *bytes, size_t len, size_t *used)
{
	char *piece = malloc(len + !len);
	int rc;

	memcpy(piece, bytes, len);
	rc = weir_http_reader_feed(&t->reader, piece, len, used);
	free(piece);
	return rc;
}

static inline void http_trace_end(struct http_trace *t, int rc, size_t unused)
{
	if (t->body)
		fputs("| ", t->out);
	if (rc == 0)
		rc = weir_http_reader_eof(&t->reader);
	if (rc == WEIR_HTTP_REFUSED)
		fprintf(t->out, "%u %s", t->reader.refusal.status, t->reader.refusal.reason);
	else if (rc == WEIR_HTTP_TRUNCATED)
		fputs("truncated", t->out);
	else if (rc == WEIR_ENOMEM)
		fputs("out of memory", t->out);
	else if (rc)
		fprintf(t->out, "stopped %d", rc);
	else if (t->reader.complete)
		fputs("done", t->out);
	else
		fputs("nothing", t->out);
	if (t->reader.complete && unused)
		fprintf(t->out, " +%zu", unused);
}

/* first: the size of the first piece; step: of those after it. The caller frees the text. */
static inline char *http_trace(enum weir_http_role role, const char *bytes, size_t len,
			       size_t first, size_t step, bool fields)
{
	struct http_trace t = { .fields = fields };
	size_t at = 0, n = first, used;
	int rc = 0;

	t.out = open_memstream(&t.text, &t.size);
	weir_http_reader_init(&t.reader, role, &http_trace_events, &t);
	while (rc == 0 && at < len && !t.reader.complete) {
		if (n > len - at)
			n = len - at;
		rc = http_trace_feed(&t, bytes + at, n, &used);
		at += used;
		if (rc == 0 && !t.reader.complete && used != n)
			fprintf(t.out, " !took %zu of %zu ", used, n);
		n = step;
	}
	http_trace_end(&t, rc, len - at);
	weir_http_reader_fini(&t.reader);
	if (weir_alloc_live())
		fprintf(t.out, " !leaks");
	fclose(t.out);
	return t.text;
}

#endif
