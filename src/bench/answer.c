#include "bench/answer.h"

#include <string.h>

void weir_bench_answer_init(struct weir_bench_answer *a)
{
	*a = (struct weir_bench_answer){ .state = WEIR_BENCH_IN_HEAD };
	weir_buf_init(&a->held, WEIR_BENCH_HEAD_MAX);
}

void weir_bench_answer_fini(struct weir_bench_answer *a)
{
	weir_buf_fini(&a->held);
}

void weir_bench_answer_next(struct weir_bench_answer *a)
{
	struct weir_buf held = a->held;

	weir_buf_clear(&held);
	*a = (struct weir_bench_answer){ .state = WEIR_BENCH_IN_HEAD, .held = held };
}

static enum weir_bench_got bad(struct weir_bench_answer *a, const char *reason)
{
	a->reason = reason;
	a->state = WEIR_BENCH_BROKEN;
	return WEIR_BENCH_GOT_BAD;
}

static void take(struct weir_slice *in, size_t n)
{
	in->base += n;
	in->len -= n;
}

/* "HTTP/1.1 200" and a space or nothing behind it. */
static bool read_start(struct weir_bench_answer *a, struct weir_slice line)
{
	static const char version[] = "HTTP/1.";
	const char *p = line.base;
	unsigned status = 0;

	if (line.len < 12 || memcmp(p, version, 7) != 0 || (p[7] != '0' && p[7] != '1') ||
	    p[8] != ' ' || (line.len > 12 && p[12] != ' '))
		return false;
	for (int i = 9; i < 12; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		status = status * 10 + (unsigned)(p[i] - '0');
	}
	a->status = status;
	a->keep_alive = p[7] == '1';
	return status >= 100;
}

static const char *read_length(struct weir_bench_answer *a, struct weir_slice value)
{
	uint64_t length;

	if (!weir_slice_to_u64(value, &length) || (a->has_length && length != a->length))
		return "a Content-Length that is no number, or two of them";
	a->has_length = true;
	a->length = length;
	return NULL;
}

/* By length first: most fields are nobody's business here. */
static const char *read_field(struct weir_bench_answer *a, struct weir_slice name,
			      struct weir_slice value)
{
	if (name.len == 14 && weir_slice_is_nocase(name, "content-length"))
		return read_length(a, value);
	if (name.len == 17 && weir_slice_is_nocase(name, "transfer-encoding")) {
		if (a->chunked || !weir_slice_is_nocase(value, "chunked"))
			return "a Transfer-Encoding other than chunked";
		a->chunked = true;
	} else if (name.len == 10 && weir_slice_is_nocase(name, "connection")) {
		if (weir_slice_has_nocase(value, "close"))
			a->keep_alive = false;
		else if (weir_slice_has_nocase(value, "keep-alive"))
			a->keep_alive = true;
	} else if (name.len == 12 && weir_slice_is_nocase(name, "content-type")) {
		a->event_stream = weir_slice_starts_nocase(value, "text/event-stream");
	} else if (name.len == 15 && weir_slice_is_nocase(name, "x-weir-attempts")) {
		a->has_attempts = weir_slice_to_u64(value, &a->attempts);
	}
	return NULL;
}

/* lines: without the empty one at the end. */
static const char *read_lines(struct weir_bench_answer *a, struct weir_slice lines)
{
	bool first = true;

	while (lines.len) {
		const char *end = memchr(lines.base, '\n', lines.len), *colon;
		size_t n = end ? (size_t)(end - lines.base) : 0;
		struct weir_slice line = weir_slice(lines.base, n ? n - 1 : 0);

		if (n == 0 || lines.base[n - 1] != '\r')
			return "a line of the head without CRLF";
		take(&lines, n + 1);
		if (first) {
			if (!read_start(a, line))
				return "no HTTP/1 status line";
			first = false;
			continue;
		}
		colon = memchr(line.base, ':', line.len);
		if (!colon || colon == line.base || colon[-1] == ' ' || colon[-1] == '\t')
			return "a header field without a name";
		n = (size_t)(colon - line.base);
		a->reason = read_field(a, weir_slice(line.base, n),
				       weir_slice_trim(weir_slice(colon + 1, line.len - n - 1)));
		if (a->reason)
			return a->reason;
	}
	return NULL;
}

static enum weir_bench_got begin_body(struct weir_bench_answer *a)
{
	if (a->chunked && a->has_length)
		return bad(a, "both Content-Length and Transfer-Encoding");
	if (a->status == 204 || a->status == 304)
		a->has_length = true, a->length = 0, a->chunked = false;
	a->left = a->length;
	if (a->chunked)
		a->state = WEIR_BENCH_IN_SIZE;
	else
		a->state = a->has_length ? WEIR_BENCH_IN_LENGTH : WEIR_BENCH_IN_REST;
	if (a->state == WEIR_BENCH_IN_REST)
		a->keep_alive = false;
	a->left = a->chunked ? 0 : a->length;
	return WEIR_BENCH_GOT_HEAD;
}

/* The head in one piece: where it came in, or gathered. False: there is more of it to come. */
static bool whole_head(struct weir_bench_answer *a, struct weir_slice *in, struct weir_slice *head)
{
	size_t before = a->held.len, from = before > 3 ? before - 3 : 0;
	const char *end;

	*head = *in;
	if (before) {
		size_t room = WEIR_BENCH_HEAD_MAX - before;

		if (weir_buf_append(&a->held, in->base, in->len < room ? in->len : room))
			a->reason = "no memory for a head in pieces";
		*head = weir_buf_slice(&a->held);
	}
	end = memmem(head->base + from, head->len - from, "\r\n\r\n", 4);
	if (end) {
		head->len = (size_t)(end - head->base) + 4;
		take(in, head->len - before);
		return true;
	}
	if (head->len >= WEIR_BENCH_HEAD_MAX)
		a->reason = "a head longer than 64 KiB";
	else if (!before && in->len && weir_buf_append(&a->held, in->base, in->len))
		a->reason = "no memory for a head in pieces";
	take(in, in->len);
	return false;
}

static enum weir_bench_got read_head(struct weir_bench_answer *a, struct weir_slice *in)
{
	struct weir_slice head;

	while (whole_head(a, in, &head)) {
		const char *reason = read_lines(a, weir_slice(head.base, head.len - 2));

		weir_buf_clear(&a->held);
		if (reason)
			return bad(a, reason);
		if (a->status >= 200)
			return begin_body(a);
		weir_bench_answer_next(a); /* 1xx: the answer is yet to come */
	}
	return a->reason ? bad(a, a->reason) : WEIR_BENCH_GOT_NOTHING;
}

static enum weir_bench_got ended(struct weir_bench_answer *a)
{
	a->state = WEIR_BENCH_ENDED;
	return WEIR_BENCH_GOT_END;
}

/* What is there of the body or the chunk; true: some of it. */
static bool take_data(struct weir_bench_answer *a, struct weir_slice *in, struct weir_slice *body)
{
	size_t n = in->len < a->left ? in->len : (size_t)a->left;

	*body = weir_slice(in->base, n);
	take(in, n);
	a->left -= n;
	return n > 0;
}

/* A byte of the line with a chunk's size. */
static const char *take_size(struct weir_bench_answer *a, char c)
{
	int digit = a->state == WEIR_BENCH_IN_SIZE ? weir_hex_digit(c) : -1;

	if (++a->line > WEIR_BENCH_LINE_MAX)
		return "a chunk's line longer than 4 KiB";
	if (digit >= 0) {
		a->left = a->left * 16 + (unsigned)digit;
		return ++a->digits > 15 ? "a chunk's size of more than 15 digits" : NULL;
	}
	if (!a->digits)
		return "a chunk without a size";
	if (c != '\n') {
		bool known = a->state == WEIR_BENCH_IN_EXTENSION || c == ';' || c == ' ' ||
			     c == '\t' || c == '\r';

		a->state = WEIR_BENCH_IN_EXTENSION;
		return known ? NULL : "a chunk's size that is no number";
	}
	if (a->state != WEIR_BENCH_IN_EXTENSION)
		return "a chunk's size without CRLF";
	a->state = a->left ? WEIR_BENCH_IN_CHUNK : WEIR_BENCH_IN_TRAILER;
	a->digits = a->line = 0;
	return NULL;
}

/* CR LF after a chunk's data. */
static const char *take_chunk_end(struct weir_bench_answer *a, char c)
{
	if (c != "\r\n"[a->line])
		return "a chunk longer than its size";
	if (++a->line == 2) {
		a->line = 0;
		a->state = WEIR_BENCH_IN_SIZE;
	}
	return NULL;
}

/* line counts without the CR. */
static const char *take_trailer(struct weir_bench_answer *a, char c)
{
	if (c == '\n') {
		if (a->line == 0)
			a->state = WEIR_BENCH_ENDED;
		a->line = 0;
	} else if (c != '\r' && ++a->line > WEIR_BENCH_LINE_MAX) {
		return "a trailer longer than 4 KiB";
	}
	return NULL;
}

static enum weir_bench_got read_chunks(struct weir_bench_answer *a, struct weir_slice *in,
				       struct weir_slice *body)
{
	while (in->len) {
		const char *reason = NULL;
		char c = in->base[0];

		if (a->state == WEIR_BENCH_IN_CHUNK) {
			(void)take_data(a, in, body);
			if (!a->left)
				a->state = WEIR_BENCH_IN_CHUNK_END;
			return WEIR_BENCH_GOT_BODY;
		}
		take(in, 1);
		if (a->state == WEIR_BENCH_IN_CHUNK_END)
			reason = take_chunk_end(a, c);
		else if (a->state == WEIR_BENCH_IN_TRAILER)
			reason = take_trailer(a, c);
		else
			reason = take_size(a, c);
		if (reason)
			return bad(a, reason);
		if (a->state == WEIR_BENCH_ENDED)
			return WEIR_BENCH_GOT_END;
	}
	return WEIR_BENCH_GOT_NOTHING;
}

enum weir_bench_got weir_bench_answer_read(struct weir_bench_answer *a, struct weir_slice *in,
					   struct weir_slice *body)
{
	switch (a->state) {
	case WEIR_BENCH_IN_HEAD:
		return read_head(a, in);
	case WEIR_BENCH_IN_LENGTH:
		if (take_data(a, in, body))
			return WEIR_BENCH_GOT_BODY;
		return a->left ? WEIR_BENCH_GOT_NOTHING : ended(a);
	case WEIR_BENCH_IN_SIZE:
	case WEIR_BENCH_IN_EXTENSION:
	case WEIR_BENCH_IN_CHUNK:
	case WEIR_BENCH_IN_CHUNK_END:
	case WEIR_BENCH_IN_TRAILER:
		return read_chunks(a, in, body);
	case WEIR_BENCH_IN_REST:
		*body = *in;
		take(in, in->len);
		return body->len ? WEIR_BENCH_GOT_BODY : WEIR_BENCH_GOT_NOTHING;
	case WEIR_BENCH_ENDED:
		return WEIR_BENCH_GOT_END;
	case WEIR_BENCH_BROKEN:
		break;
	}
	return WEIR_BENCH_GOT_BAD;
}

bool weir_bench_answer_started(const struct weir_bench_answer *a)
{
	return a->state != WEIR_BENCH_IN_HEAD || a->held.len > 0;
}

bool weir_bench_answer_ends(const struct weir_bench_answer *a)
{
	return a->state == WEIR_BENCH_IN_REST || a->state == WEIR_BENCH_ENDED;
}
