/* A client's end of HTTP/2 with requests under way, and what is heard of them. */
#ifndef WEIR_TEST_H2_END_H
#define WEIR_TEST_H2_END_H

#include "base/alloc.h"
#include "base/error.h"
#include "h2_script.h"
#include "test.h"
#include "wire/h2.h"

#define ASK                                                                                   \
	"POST /v1/chat?x=y HTTP/1.1\r\nhost: api.example:444\r\nAuthorization: Bearer k\r\n"  \
	"Connection: keep-alive\r\nX-Empty:\r\ncontent-length: 5\r\nContent-Type: text/x\r\n" \
	"\r\n"
#define OK200 "H1{:status=200} "

/* A connection with requests under way, and what was heard of them. */
struct end {
	struct weir_h2 *h2;
	struct weir_h2_stream streams[4];
	struct h2_bytes heard, sent;
	unsigned drained_n;
	bool close_at_head; /* the owner leaves in the middle of it all */
};

static struct end *the_end;

static inline void hear(const char *text)
{
	h2_put(&the_end->heard, text, strlen(text));
}

static inline void on_head(void *user, struct weir_http_head *head)
{
	char text[64];

	snprintf(text, sizeof text, "[%u", head->status);
	hear(text);
	for (unsigned i = 0; i < head->fields_n; i++) {
		hear(" ");
		h2_put(&the_end->heard, head->fields[i].name.base, head->fields[i].name.len);
		hear("=");
		if (head->fields[i].value.len < 40)
			h2_put(&the_end->heard, head->fields[i].value.base,
			       head->fields[i].value.len);
	}
	snprintf(text, sizeof text, head->has_length ? " %llu]" : "]",
		 (unsigned long long)head->content_length);
	hear(text);
	CHECK(head->chunked == !head->has_length);
	weir_free(head);
	if (the_end->close_at_head)
		weir_h2_close(user);
}

static inline void on_body(void *user, struct weir_slice bytes)
{
	(void)user;
	h2_put(&the_end->heard, bytes.base, bytes.len);
}

static inline void on_end(void *user, enum weir_end how)
{
	static const char *const words[] = { " whole",   " cut",   " malformed",
					     " refused", " stale", " starved" };

	CHECK(((struct weir_h2_stream *)user)->h2 == NULL);
	hear(words[how]);
}

static inline void on_drained(void *user)
{
	(void)user;
	the_end->drained_n++;
}

static const struct weir_h2_events events = { on_head, on_body, on_end, on_drained };

/* 0, or why the connection cannot be used any more. */
static inline int take_all(struct end *e)
{
	char room[2 * WEIR_H2_FRAME_MAX];
	struct weir_buf buf;
	ssize_t n;

	do {
		weir_buf_init_lent(&buf, sizeof room, room, sizeof room);
		n = weir_h2_take(e->h2, &buf);
		if (n > 0)
			h2_put(&e->sent, buf.base, (size_t)n);
	} while (n > 0);
	return (int)n;
}

static inline int ask(struct end *e, unsigned i)
{
	const struct weir_slice slices[] = { WEIR_SLICE(ASK), WEIR_SLICE("hello") };

	e->streams[i] = (struct weir_h2_stream){ .user = &e->streams[i] };
	return weir_h2_write(e->h2, &e->streams[i], slices, 2);
}

static inline int open_end(struct end *e)
{
	int rc;

	*e = (struct end){ 0 };
	the_end = e;
	rc = weir_h2_create(&e->h2, &events);
	return rc ? rc : ask(e, 0);
}

static inline void close_end(struct end *e)
{
	for (unsigned i = 0; i < 4; i++)
		weir_h2_close(&e->streams[i]);
	weir_h2_destroy(e->h2);
	free(e->heard.base);
	free(e->sent.base);
}

/* In pieces of that size, each in memory of its own. */
static inline int feed(struct end *e, const struct h2_bytes *bytes, size_t piece)
{
	int rc = 0;

	for (size_t at = 0; rc == 0 && at < bytes->len; at += piece) {
		size_t n = bytes->len - at < piece ? bytes->len - at : piece;
		char *copy = malloc(n);

		memcpy(copy, bytes->base + at, n);
		rc = weir_h2_feed(e->h2, copy, n);
		if (rc == 0)
			rc = take_all(e);
		free(copy);
	}
	return rc;
}

static inline const char *heard(struct end *e)
{
	h2_put(&e->heard, "", 1);
	return e->heard.base;
}

#endif
