/* Recorded answers of providers, played to an exchange whole, byte by byte, cut at every
 * point and with every allocation failing once: always the same outcome and the same
 * bytes for the caller, or the world's own failure. */
#ifndef WEIR_RECORDING_H
#define WEIR_RECORDING_H

#include "test.h"

#include "base/alloc.h"
#include "dialect/exchange.h"

enum framing { LENGTH, CHUNKED, CLOSE, BARE };
enum ending { OPEN, FIN, RST };

struct recording {
	const char *name;
	bool stream;
	enum weir_route route;
	enum framing framing;
	const char *head; /* status line and fields; BARE: all there is */
	const char *body;
	const char *extra; /* bytes after the message */
	size_t missing;    /* bytes that never come, from the end */
	enum ending ending;
	const char *expected; /* see describe() */
	const char *out;      /* the bytes let out; NULL: the body as it is */
	/* With a seam: what another stream showed before, as its id "first"; "": there was none,
	 * this one is noted. NULL: no seam. */
	const char *shown;
	bool prefill;
	const char *dialect; /* the provider's; NULL: openai */
	const char *caller;  /* who speaks another; NULL: the same */
	bool usage;          /* wanted by an event of its own */
	bool unasked;        /* it is counted, and the caller is not to notice */
	const char *tool;    /* the name of one of the caller's; NULL: not told */
};

enum {
	CHUNK_BYTES = 37,
	ALLOCATIONS_MAX = 40,
};

#define NOW_MS UINT64_C(1790000000000) /* Mon, 21 Sep 2026 14:13:20 GMT */

#define OK_JSON "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
#define OK_SSE  "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"

static inline void must(int rc)
{
	if (rc) {
		printf("Bail out! no memory for the test itself\n");
		exit(1);
	}
}

static inline void compose(struct weir_buf *wire, const struct recording *r)
{
	const char *body = r->body ? r->body : "";
	size_t len = strlen(body);

	weir_buf_init(wire, SIZE_MAX);
	must(weir_buf_puts(wire, r->head));
	if (r->framing == LENGTH)
		must(weir_buf_printf(wire, "Content-Length: %zu\r\n", len));
	if (r->framing == CHUNKED)
		must(weir_buf_puts(wire, "transfer-encoding: chunked\r\n"));
	if (r->framing != BARE)
		must(weir_buf_puts(wire, "\r\n"));
	if (r->framing != CHUNKED)
		must(weir_buf_puts(wire, body));
	for (size_t at = 0, n; r->framing == CHUNKED && at < len; at += n) {
		n = len - at < CHUNK_BYTES ? len - at : CHUNK_BYTES;
		must(weir_buf_printf(wire, "%zx\r\n%.*s\r\n", n, (int)n, body + at));
	}
	if (r->framing == CHUNKED)
		must(weir_buf_puts(wire, "0\r\n\r\n"));
	if (r->extra)
		must(weir_buf_puts(wire, r->extra));
	wire->len -= r->missing;
}

struct result {
	char said[512];
	struct weir_buf out;
	enum weir_exchange_state state;
	enum weir_outcome outcome;
	bool committed, complete;
};

/* All an owner can see, in words. */
static inline void describe(struct result *result, const struct weir_exchange *x)
{
	static const char *const states[] = {
		[WEIR_EXCHANGE_WAITING] = "waiting",
		[WEIR_EXCHANGE_COMMITTED] = "committed",
		[WEIR_EXCHANGE_DONE] = "done",
		[WEIR_EXCHANGE_FAILED] = "failed",
	};
	bool failed = x->state == WEIR_EXCHANGE_FAILED;
	const char *usual = x->committed && x->stream ? "text/event-stream" : "application/json";
	char *p = result->said, *end = p + sizeof result->said;

	p += snprintf(p, (size_t)(end - p), "%u %s", x->status, states[x->state]);
	if (failed)
		p += snprintf(p, (size_t)(end - p), " %s %s%s%s%s%s%s",
			      weir_outcome_name(x->verdict.outcome), x->verdict.reason,
			      x->committed ? " late" : "", x->error_event_shown ? " shown" : "",
			      x->verdict.overflow ? " overflow" : "",
			      x->verdict.content_policy ? " policy" : "",
			      x->verdict.model_unknown ? " model" : "");
	if (failed && x->retry_after_stated)
		p += snprintf(p, (size_t)(end - p), " retry=%llu",
			      (unsigned long long)x->retry_after_ms);
	if (x->limits.requests_known)
		p += snprintf(p, (size_t)(end - p), " requests=%llu/%llu",
			      (unsigned long long)x->limits.requests_left,
			      (unsigned long long)x->limits.requests_reset_ms);
	if (x->limits.tokens_known)
		p += snprintf(p, (size_t)(end - p), " tokens=%llu/%llu",
			      (unsigned long long)x->limits.tokens_left,
			      (unsigned long long)x->limits.tokens_reset_ms);
	if (x->refused_field[0])
		p += snprintf(p, (size_t)(end - p), " field=%s", x->refused_field);
	if (x->has_length)
		p += snprintf(p, (size_t)(end - p), " length=%llu",
			      (unsigned long long)x->content_length);
	if (x->usage)
		p += snprintf(p, (size_t)(end - p), " usage=%u/%u", (unsigned)x->tokens.in,
			      (unsigned)x->tokens.out);
	if (x->events_dropped)
		p += snprintf(p, (size_t)(end - p), " dropped=%u", x->events_dropped);
	if (x->status && strncmp(x->content_type, usual, strlen(usual)) != 0)
		p += snprintf(p, (size_t)(end - p), " type=%s", x->content_type);
	snprintf(p, (size_t)(end - p), " %s",
		 !x->message_complete ? "open"
		 : x->reusable        ? "reusable"
				      : "close");
}

/* As an owner does: takes out what may be shown. */
static inline void take_out(struct result *result, struct weir_exchange *x)
{
	if (x->state == WEIR_EXCHANGE_WAITING)
		return;
	must(weir_buf_append(&result->out, x->out.base, x->out.len));
	weir_buf_clear(&x->out);
}

static inline void lend_seam(struct weir_exchange *x, struct weir_seam *seam,
			     const struct recording *r)
{
	struct weir_delta delta = { .text = weir_slice_of(r->shown),
				    .id_at = WEIR_SLICE("\"first\"") };

	weir_seam_init(seam);
	if (!r->shown)
		return;
	x->seam = seam;
	if (!r->shown[0])
		return;
	weir_seam_note(seam, &delta);
	must(weir_seam_begin(seam, r->prefill));
}

static inline const struct weir_dialect *words_of(const struct recording *r)
{
	return weir_dialect_words(
		weir_dialect_find(weir_slice_of(r->dialect ? r->dialect : "openai")), r->route);
}

/* Pieces of memory of just their size, freed at once. first: of the first piece. */
static inline void play(struct result *result, const struct recording *r, struct weir_slice wire,
			size_t first, size_t others, uint64_t failing)
{
	struct weir_exchange_names names = { WEIR_SLICE("given"), WEIR_SLICE("asked") };
	struct weir_exchange x;
	struct weir_seam seam;

	weir_buf_init(&result->out, SIZE_MAX);
	weir_exchange_init(&x, words_of(r), r->route, r->stream);
	lend_seam(&x, &seam, r);
	x.unasked = r->unasked ? x.dialect->usage_wish : NULL;
	if (r->caller)
		must(weir_exchange_translate(&x, weir_dialect_find(weir_slice_of(r->caller)),
					     r->usage, names));
	if (r->tool)
		must(weir_exchange_keep_tool(&x, weir_slice_of(r->tool)));
	for (size_t at = 0, n = first; at < wire.len; at += n, n = others) {
		enum weir_exchange_state before = x.state, state;
		char *piece;

		n = n < wire.len - at ? n : wire.len - at;
		piece = malloc(n ? n : 1);
		must(!piece);
		memcpy(piece, wire.base + at, n);
		weir_alloc_fail_after(failing);
		state = weir_exchange_feed(&x, piece, n, NOW_MS);
		weir_alloc_fail_after(0);
		free(piece);
		CHECK(state == x.state && state >= before);
		take_out(result, &x);
	}
	if (r->ending != OPEN) {
		weir_alloc_fail_after(failing);
		weir_exchange_eof(&x, r->ending == FIN);
		weir_alloc_fail_after(0);
		CHECK(x.state >= WEIR_EXCHANGE_DONE && x.message_complete && !x.reusable);
		take_out(result, &x);
	}
	describe(result, &x);
	result->state = x.state;
	result->outcome = x.verdict.outcome;
	result->committed = x.committed;
	result->complete = x.message_complete;
	weir_exchange_fini(&x);
	weir_seam_fini(&seam);
}

static inline bool check_result(const struct recording *r, struct result *result,
				const char *expected, struct weir_slice out, const char *how,
				size_t at)
{
	bool ok = strcmp(result->said, expected) == 0 &&
		  weir_slice_eq(weir_buf_slice(&result->out), out);

	if (!ok) {
		NOTE("%s, %s %zu", r->name, how, at);
		CHECK_STR(result->said, expected);
		CHECK(weir_slice_eq(weir_buf_slice(&result->out), out));
		test_print("out     ", result->out.base, result->out.len);
		test_print("expected", out.base, out.len);
	}
	weir_buf_fini(&result->out);
	return ok;
}

/* The k-th allocation fails: ours is the failure, or nobody noticed. */
static inline void check_allocations(const struct recording *r, struct weir_slice wire,
				     struct weir_slice out)
{
	struct result result;

	for (uint64_t k = 1; k <= ALLOCATIONS_MAX; k++) {
		play(&result, r, wire, wire.len, 0, k);
		if (result.state == WEIR_EXCHANGE_FAILED &&
		    result.outcome == WEIR_OUT_UNREACHABLE &&
		    strstr(result.said, " local_resource")) {
			CHECK(result.committed || result.out.len == 0);
			CHECK(result.out.len <= out.len);
			CHECK_MEM(result.out.base, out.base, result.out.len);
			weir_buf_fini(&result.out);
			continue;
		}
		if (!check_result(r, &result, r->expected, out, "allocation", k))
			return;
	}
}

static inline bool is_ended(const struct recording *r, struct weir_slice stream)
{
	const char *speaks = r->caller ? r->caller : r->dialect;
	const char *mark = speaks && strcmp(speaks, "openai") != 0 ? "\"message_stop\"}" : "[DONE]";
	size_t n;

	if (r->route == WEIR_ROUTE_RESPONSES)
		mark = "\"response\":{}}";
	n = strlen(mark);
	while (stream.len && strchr("\r\n", stream.base[stream.len - 1]))
		stream.len--;
	return stream.len >= n && memcmp(stream.base + stream.len - n, mark, n) == 0;
}

/* The connection ends after any byte: it is over, and no answer is called whole that was
 * not. */
static inline void check_cuts(const struct recording *r, struct weir_slice wire,
			      struct weir_slice out)
{
	struct recording cut = *r;
	struct result result;

	for (size_t n = 0; n < 2 * wire.len; n++) {
		cut.ending = n % 2 ? FIN : RST;
		play(&result, &cut, weir_slice(wire.base, n / 2), n / 2, 0, 0);
		if (result.state == WEIR_EXCHANGE_DONE && r->stream)
			CHECK(is_ended(r, weir_buf_slice(&result.out)));
		else if (result.state == WEIR_EXCHANGE_DONE)
			CHECK(weir_slice_eq(weir_buf_slice(&result.out), out));
		else if (result.committed && strstr(r->expected, " done")) {
			CHECK(result.out.len <= out.len);
			CHECK_MEM(result.out.base, out.base, result.out.len);
		}
		weir_buf_fini(&result.out);
	}
}

/* Whole, byte by byte, cut in two at every point. */
static inline bool check_splits(const struct recording *r, struct weir_slice wire,
				struct weir_slice out)
{
	struct result result;

	play(&result, r, wire, wire.len, 0, 0);
	if (!check_result(r, &result, r->expected, out, "whole", wire.len))
		return false;
	play(&result, r, wire, 1, 1, 0);
	if (!check_result(r, &result, r->expected, out, "byte by byte", wire.len))
		return false;
	for (size_t i = 1; i < wire.len; i++) {
		play(&result, r, wire, i, wire.len, 0);
		if (!check_result(r, &result, r->expected, out, "split at", i))
			return false;
	}
	return true;
}

/* What is noted changes nothing. */
static inline void check_noted(const struct recording *r, struct weir_slice wire,
			       struct weir_slice out)
{
	struct recording noted = *r;

	if (strstr(r->expected, " error_event late")) /* would be hidden */
		return;
	noted.shown = "";
	if (check_splits(&noted, wire, out))
		check_allocations(&noted, wire, out);
}

static inline void check_recording(const struct recording *r)
{
	struct weir_buf buf;
	struct weir_slice wire, out = weir_slice_of(r->out ? r->out : r->body ? r->body : "");

	compose(&buf, r);
	wire = weir_buf_slice(&buf);
	if (check_splits(r, wire, out)) {
		if (!r->shown || r->shown[0]) /* a seam that lost its text shows more */
			check_allocations(r, wire, out);
		check_cuts(r, wire, out);
		if (r->stream && !r->shown && !r->dialect)
			check_noted(r, wire, out);
	}
	weir_buf_fini(&buf);
	CHECK_INT(weir_alloc_live(), 0);
}

static inline void check_recordings(const struct recording *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_recording(&r[i]);
}

#define CHECK_RECORDINGS(rows) check_recordings(rows, sizeof(rows) / sizeof *(rows))

#endif
