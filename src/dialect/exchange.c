#include "dialect/exchange_private.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/error.h"

enum { SCRATCH_MAX = 64 * 1024, STOPPED = 1 };

static void enter(struct weir_exchange *x, enum weir_exchange_state state)
{
	WEIR_ASSERT(!weir_exchange_over(x));
	x->state = state;
	if (weir_exchange_over(x))
		x->mode = WEIR_EXCHANGE_DRAIN;
	else
		x->committed = true;
}

void weir_exchange_commit(struct weir_exchange *x)
{
	if (x->state == WEIR_EXCHANGE_WAITING)
		enter(x, WEIR_EXCHANGE_COMMITTED);
}

void weir_exchange_done(struct weir_exchange *x)
{
	weir_exchange_commit(x);
	enter(x, WEIR_EXCHANGE_DONE);
}

static void fail_with(struct weir_exchange *x, struct weir_verdict verdict)
{
	x->verdict = verdict;
	enter(x, WEIR_EXCHANGE_FAILED);
}

void weir_exchange_fail(struct weir_exchange *x, enum weir_outcome outcome, const char *reason)
{
	if (weir_exchange_over(x))
		return;
	if (!x->committed)
		weir_buf_clear(&x->out);
	fail_with(x, (struct weir_verdict){ .outcome = outcome, .reason = reason });
}

void weir_exchange_fail_local(struct weir_exchange *x)
{
	weir_exchange_fail(x, WEIR_OUT_UNREACHABLE, "local_resource");
}

static bool is_name(struct weir_slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.base[i] <= ' ' || s.base[i] > '~' || strchr("'\"`", s.base[i]))
			return false;
	return s.len > 0;
}

/* "Unrecognized request argument supplied: 'foo'", with or without saying so in param. */
static struct weir_slice quoted_name(struct weir_slice message)
{
	for (size_t i = 0; i < message.len; i++) {
		struct weir_slice name = weir_slice(message.base + i + 1, 0);
		const char *end;

		if (message.base[i] != '\'' && message.base[i] != '"' && message.base[i] != '`')
			continue;
		end = memchr(name.base, message.base[i], message.len - i - 1);
		name.len = end ? (size_t)(end - name.base) : 0;
		if (is_name(name))
			return name;
	}
	return WEIR_SLICE("");
}

static void note_refused_field(struct weir_exchange *x, const struct weir_failure *failure)
{
	struct weir_slice name = failure->param;

	if (!is_name(name))
		name = quoted_name(failure->message);
	x->lesson = weir_lesson_of(failure, name);
	if (name.len >= sizeof x->refused_field)
		return;
	memcpy(x->refused_field, name.base, name.len);
	x->refused_field[name.len] = '\0';
}

void weir_exchange_fail_as(struct weir_exchange *x, struct weir_verdict verdict,
			   const struct weir_reading *reading)
{
	struct weir_retry_hints hints = {
		.retry_info = reading->retry_info,
		.message = reading->failure.message,
	};

	if (x->proxied && x->status == 407)
		verdict = (struct weir_verdict){ WEIR_OUT_UNREACHABLE, "proxy_auth" };
	if (x->foreign && !x->committed && weir_exchange_is_own(verdict.outcome) &&
	    !weir_exchange_tell_refusal(x, verdict, reading))
		return;
	weir_exchange_read_hints(x, &hints);
	x->retry_after_stated = weir_retry_after(&hints, x->now_unix_ms, &x->retry_after_ms);
	if (verdict.outcome == WEIR_OUT_REPAIRABLE)
		note_refused_field(x, &reading->failure);
	if (hints.message.len && hints.message.len <= WEIR_EXCHANGE_SAID_MAX && !x->said)
		x->said = weir_strndup(hints.message.base, hints.message.len);
	fail_with(x, verdict);
}

void weir_exchange_fail_in_200(struct weir_exchange *x, const struct weir_reading *reading,
			       bool in_stream)
{
	struct weir_failure failure = reading->failure;
	struct weir_verdict verdict;

	failure.status = 200;
	failure.in_stream = in_stream;
	verdict = weir_classify(&failure);
	if (verdict.outcome == WEIR_OUT_CALLER || verdict.outcome == WEIR_OUT_REPAIRABLE)
		verdict = (struct weir_verdict){
			.outcome = WEIR_OUT_SERVER_ERROR,
			.reason = in_stream ? "error_event" : "error_200",
		};
	weir_exchange_fail_as(x, verdict, reading);
}

bool weir_exchange_put(struct weir_exchange *x, struct weir_slice bytes)
{
	if (weir_buf_append(&x->out, bytes.base, bytes.len) == 0)
		return true;
	weir_exchange_fail_local(x);
	return false;
}

/* The first byte of a body whose type is not told, or is told wrongly by some. */
static void choose_mode(struct weir_exchange *x, char first)
{
	if (first == '{' || first == '[') {
		x->mode = WEIR_EXCHANGE_BODY;
		weir_exchange_set_type(x, WEIR_SLICE("application/json"), "");
	} else if (x->typed_sse) {
		x->mode = WEIR_EXCHANGE_EVENTS;
	} else if (x->stream && strchr("dei:r\xef", first) && first) {
		/* data, event, id, a comment, retry, or a BOM before any of them */
		x->mode = WEIR_EXCHANGE_EVENTS;
		weir_exchange_set_type(x, WEIR_SLICE("text/event-stream"), "");
	} else {
		weir_exchange_fail(x, WEIR_OUT_SERVER_ERROR, "bad_type");
	}
}

static void take(struct weir_exchange *x, struct weir_slice bytes);

static void sniff(struct weir_exchange *x, struct weir_slice bytes)
{
	size_t i = weir_exchange_blanks(bytes);

	if (x->held.len + i > WEIR_EXCHANGE_BLANK_MAX) {
		weir_exchange_fail(x, WEIR_OUT_SERVER_ERROR, "bad_type");
	} else if (i == bytes.len) {
		if (weir_buf_append(&x->held, bytes.base, bytes.len))
			weir_exchange_fail_local(x);
	} else {
		choose_mode(x, bytes.base[i]);
		if (x->held.len)
			take(x, weir_buf_slice(&x->held));
		weir_buf_fini(&x->held);
		take(x, bytes);
	}
}

static void drain(struct weir_exchange *x, struct weir_slice bytes)
{
	bool blank = true;

	for (size_t i = 0; blank && i < bytes.len; i++)
		blank = bytes.base[i] == '\n' || bytes.base[i] == '\r';
	x->extra_bytes |= x->state == WEIR_EXCHANGE_DONE && !blank;
	x->drained_bytes += bytes.len;
}

static void take(struct weir_exchange *x, struct weir_slice bytes)
{
	switch (x->mode) {
	case WEIR_EXCHANGE_SNIFF:
		sniff(x, bytes);
		break;
	case WEIR_EXCHANGE_BODY:
		weir_exchange_take_body(x, bytes);
		break;
	case WEIR_EXCHANGE_RELAY:
		weir_exchange_take_relay(x, bytes);
		break;
	case WEIR_EXCHANGE_EVENTS:
		weir_exchange_take_events(x, bytes);
		break;
	case WEIR_EXCHANGE_ERROR:
		weir_exchange_take_error(x, bytes);
		break;
	case WEIR_EXCHANGE_DRAIN:
		drain(x, bytes);
		break;
	}
}

static int on_head(void *arg, const struct weir_http_head *head)
{
	struct weir_exchange *x = arg;

	x->head = head;
	weir_exchange_read_head(x, head);
	return 0;
}

static int on_body(void *arg, struct weir_slice bytes)
{
	struct weir_exchange *x = arg;

	take(x, bytes);
	return x->drained_bytes > WEIR_EXCHANGE_DRAIN_MAX ? STOPPED : 0;
}

static const struct weir_http_reader_events reader_events = {
	.on_head = on_head,
	.on_body = on_body,
};

static void end_whole(struct weir_exchange *x)
{
	switch (x->mode) {
	case WEIR_EXCHANGE_SNIFF:
		weir_exchange_fail(x, WEIR_OUT_SERVER_ERROR,
				   x->stream ? "empty_stream" : "empty_body");
		break;
	case WEIR_EXCHANGE_BODY:
		weir_exchange_end_body(x);
		break;
	case WEIR_EXCHANGE_RELAY:
		weir_exchange_end_relay(x);
		break;
	case WEIR_EXCHANGE_EVENTS:
		weir_exchange_end_events(x);
		break;
	case WEIR_EXCHANGE_ERROR:
		weir_exchange_end_error(x, NULL);
		break;
	case WEIR_EXCHANGE_DRAIN:
		break;
	}
}

/* The rest of the message will never come. */
static void end_cut(struct weir_exchange *x, enum weir_outcome outcome, const char *reason)
{
	struct weir_verdict cut = { .outcome = outcome, .reason = reason };

	if (x->mode == WEIR_EXCHANGE_ERROR)
		weir_exchange_end_error(x, &cut);
	else
		weir_exchange_fail(x, x->committed ? WEIR_OUT_CUT : outcome, reason);
}

static void end_message(struct weir_exchange *x, bool reusable)
{
	WEIR_ASSERT(weir_exchange_over(x));
	x->message_complete = true;
	x->reusable = reusable;
}

static void forget_head(struct weir_exchange *x)
{
	weir_http_reader_forget(&x->reader);
	weir_free(x->own_head);
	x->head = x->own_head = NULL;
}

enum weir_exchange_state weir_exchange_feed(struct weir_exchange *x, const char *bytes, size_t len,
					    uint64_t now_unix_ms)
{
	size_t used;
	int rc;

	x->now_unix_ms = now_unix_ms;
	x->any_byte |= len > 0;
	if (x->message_complete) {
		x->reusable &= len == 0;
		return x->state;
	}
	rc = weir_http_reader_feed(&x->reader, bytes, len, &used);
	if (rc == 0 && !x->reader.complete) {
		if (x->committed && x->head)
			forget_head(x);
		return x->state;
	}
	if (rc == 0)
		end_whole(x);
	else if (rc == WEIR_ENOMEM)
		weir_exchange_fail_local(x);
	else if (rc != STOPPED)
		end_cut(x, WEIR_OUT_SERVER_ERROR, "proto");
	end_message(x, rc == 0 && x->keep_alive && !x->extra_bytes && used == len);
	return x->state;
}

enum weir_exchange_state weir_exchange_eof(struct weir_exchange *x, bool clean)
{
	int rc;

	x->reusable = false;
	if (x->message_complete)
		return x->state;
	rc = weir_http_reader_eof(&x->reader);
	if (!x->any_byte)
		weir_exchange_fail(x, WEIR_OUT_UNREACHABLE, "empty");
	else if (!x->status)
		weir_exchange_fail(x, WEIR_OUT_SERVER_ERROR, "proto");
	else if (rc == 0 && clean)
		end_whole(x);
	else
		end_cut(x, WEIR_OUT_CUT, "truncated");
	end_message(x, false);
	return x->state;
}

enum weir_exchange_state weir_exchange_take_head(struct weir_exchange *x,
						 struct weir_http_head *head, uint64_t now_unix_ms)
{
	WEIR_ASSERT(!x->any_byte);
	x->now_unix_ms = now_unix_ms;
	x->any_byte = true;
	x->own_head = head;
	on_head(x, head);
	return x->state;
}

enum weir_exchange_state weir_exchange_take_bytes(struct weir_exchange *x, struct weir_slice bytes,
						  uint64_t now_unix_ms)
{
	x->now_unix_ms = now_unix_ms;
	if (x->message_complete)
		return x->state;
	if (on_body(x, bytes) == STOPPED)
		end_message(x, false);
	if (x->committed && x->head)
		forget_head(x);
	return x->state;
}

enum weir_exchange_state weir_exchange_end(struct weir_exchange *x, enum weir_end ending)
{
	switch (ending) {
	case WEIR_END_WHOLE:
	case WEIR_END_CUT:
	case WEIR_END_REFUSED:
	case WEIR_END_STALE:
		return weir_exchange_eof(x, ending == WEIR_END_WHOLE);
	case WEIR_END_MALFORMED:
	case WEIR_END_STARVED:
		break;
	}
	if (x->message_complete)
		return x->state;
	if (ending == WEIR_END_STARVED)
		weir_exchange_fail_local(x);
	else
		end_cut(x, WEIR_OUT_SERVER_ERROR, "proto");
	end_message(x, false);
	return x->state;
}

void weir_exchange_init(struct weir_exchange *x, const struct weir_dialect *dialect,
			enum weir_route route, bool stream)
{
	*x = (struct weir_exchange){ .dialect = dialect, .route = route, .stream = stream };
	weir_buf_init(&x->out, WEIR_EXCHANGE_OUT_MAX);
	weir_buf_init(&x->held, WEIR_EXCHANGE_BLANK_MAX);
	weir_buf_init(&x->scratch, SCRATCH_MAX);
	weir_buf_init(&x->words, WEIR_SSE_EVENT_MAX);
	weir_buf_init(&x->shown, 2 * WEIR_SSE_EVENT_MAX);
	weir_buf_init(&x->example, WEIR_SSE_EVENT_MAX);
	weir_http_reader_init(&x->reader, WEIR_HTTP_RESPONSE, &reader_events, x);
	weir_pattern_init(&x->pattern);
	weir_sse_init(&x->sse, weir_exchange_on_event, x);
	x->sse.skip = weir_exchange_skip;
}

void weir_exchange_fini(struct weir_exchange *x)
{
	weir_exchange_foreign_fini(x);
	weir_http_reader_fini(&x->reader);
	weir_free(x->own_head);
	weir_sse_fini(&x->sse);
	weir_pattern_fini(&x->pattern);
	weir_buf_fini(&x->out);
	weir_buf_fini(&x->held);
	weir_buf_fini(&x->scratch);
	weir_buf_fini(&x->words);
	weir_buf_fini(&x->shown);
	weir_buf_fini(&x->example);
	weir_free(x->said);
}
