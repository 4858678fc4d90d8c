#include "base/error.h"
#include "dialect/exchange_private.h"

static bool begins_as_json(struct weir_slice body)
{
	size_t i = weir_exchange_blanks(body);

	return i < body.len && body.base[i] == '{';
}

/* Nothing but its own brackets says that such a body is all there. */
static void follow_nesting(struct weir_exchange *x, struct weir_slice bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		char c = bytes.base[i];

		if (x->escaped) {
			x->escaped = false;
		} else if (x->in_string) {
			x->escaped = c == '\\';
			x->in_string = c != '"';
		} else if (c == '"') {
			x->in_string = true;
		} else if (c == '{' || c == '[') {
			x->depth++;
		} else if ((c == '}' || c == ']') && x->depth > 0) {
			x->depth--;
		}
	}
}

void weir_exchange_take_relay(struct weir_exchange *x, struct weir_slice bytes)
{
	if (x->by_close)
		follow_nesting(x, bytes);
	weir_exchange_put(x, bytes);
}

void weir_exchange_end_relay(struct weir_exchange *x)
{
	if (x->in_string || x->depth)
		weir_exchange_fail(x, WEIR_OUT_CUT, "truncated");
	else
		weir_exchange_done(x);
}

/* More of an answer: held while it may still turn out to be none. */
void weir_exchange_take_body(struct weir_exchange *x, struct weir_slice bytes)
{
	const struct weir_http_head *head = x->head;
	bool too_large = x->out.len + bytes.len > WEIR_EXCHANGE_HOLD_MAX;

	if (too_large && x->foreign) {
		weir_exchange_fail(x, WEIR_OUT_SERVER_ERROR, "too_large");
		return;
	}
	if (too_large && x->stream) {
		weir_exchange_fail(x, WEIR_OUT_SERVER_ERROR, "bad_type");
		return;
	}
	if (!weir_exchange_put(x, bytes) || !too_large)
		return;
	if (!begins_as_json(weir_buf_slice(&x->out))) {
		weir_exchange_fail(x, WEIR_OUT_SERVER_ERROR, "bad_json");
		return;
	}
	x->mode = WEIR_EXCHANGE_RELAY;
	x->by_close = !head->has_length && !head->chunked;
	if (x->by_close)
		follow_nesting(x, weir_buf_slice(&x->out));
	x->has_length = head->has_length;
	x->content_length = head->content_length;
	weir_exchange_commit(x);
}

/* It goes on with another's stream: all of it may be there already. */
static void resume(struct weir_exchange *x, struct weir_slice stream)
{
	weir_buf_clear(&x->out);
	weir_exchange_take_events(x, stream);
	if (!weir_exchange_over(x))
		weir_exchange_end_events(x);
}

/* A stream was asked for, and the whole answer came at once. */
static void convert(struct weir_exchange *x)
{
	struct weir_buf stream;
	int rc;

	weir_buf_init(&stream, x->out.max);
	rc = x->dialect->put_as_stream(x->route, weir_buf_slice(&x->out), &stream);
	if (rc == 0)
		weir_exchange_set_type(x, WEIR_SLICE("text/event-stream"), "");
	if (rc == 0 && weir_exchange_resumes(x)) {
		resume(x, weir_buf_slice(&stream));
		weir_buf_fini(&stream);
		return;
	}
	if (rc == 0) {
		weir_buf_fini(&x->out);
		x->out = stream;
		weir_exchange_done(x);
		return;
	}
	weir_buf_fini(&stream);
	if (rc == WEIR_ENOMEM)
		weir_exchange_fail_local(x);
	else
		weir_exchange_fail(x, WEIR_OUT_SERVER_ERROR, "bad_type");
}

void weir_exchange_end_body(struct weir_exchange *x)
{
	struct weir_reading r;

	if (weir_exchange_blanks(weir_buf_slice(&x->out)) == x->out.len) {
		weir_exchange_fail(x, WEIR_OUT_SERVER_ERROR, "empty_body");
		return;
	}
	x->dialect->read_body(x->route, weir_buf_slice(&x->out), &x->scratch, &r);
	if (r.id.len)
		x->answer = weir_slice_hash(r.id);
	weir_exchange_count(x, &r);
	if (r.json)
		weir_exchange_name_model(x, weir_buf_slice(&x->out));
	if (r.no_memory) {
		weir_exchange_fail_local(x);
	} else if (!r.json) {
		weir_exchange_fail(x, WEIR_OUT_SERVER_ERROR, "bad_json");
	} else if (r.error) {
		weir_exchange_fail_in_200(x, &r, false);
	} else if (!r.choices) {
		weir_exchange_fail(x, WEIR_OUT_SERVER_ERROR, "empty_choices");
	} else if (x->foreign) {
		weir_exchange_tell_body(x);
	} else if (x->stream) {
		convert(x);
	} else {
		x->has_length = true;
		x->content_length = x->out.len;
		weir_exchange_done(x);
	}
}

void weir_exchange_take_error(struct weir_exchange *x, struct weir_slice bytes)
{
	static const struct weir_verdict too_large = { WEIR_OUT_SERVER_ERROR, "error_too_large" };

	if (x->out.len + bytes.len > WEIR_EXCHANGE_HOLD_MAX)
		weir_exchange_end_error(x, &too_large);
	else
		weir_exchange_put(x, bytes);
}

/* Of an error told as a stream, the first event's data. */
static struct weir_slice first_data(struct weir_slice body)
{
	static const char field[] = "data:";
	const char *end;

	for (size_t i = 0; i + sizeof field - 1 < body.len; i++) {
		if (memcmp(body.base + i, field, sizeof field - 1) != 0 ||
		    (i > 0 && body.base[i - 1] != '\n' && body.base[i - 1] != '\r'))
			continue;
		i += sizeof field - 1;
		end = body.base + i;
		while (end < body.base + body.len && *end != '\n' && *end != '\r')
			end++;
		return weir_slice(body.base + i, (size_t)(end - body.base) - i);
	}
	return body;
}

void weir_exchange_end_error(struct weir_exchange *x, const struct weir_verdict *cut)
{
	static const struct weir_verdict encoded = { WEIR_OUT_SERVER_ERROR, "bad_type" };
	struct weir_slice body = weir_buf_slice(&x->out);
	struct weir_verdict verdict;
	struct weir_reading r;

	if (x->encoded)
		body.len = 0;
	if (x->typed_sse)
		body = first_data(body);
	x->dialect->read_body(x->route, body, &x->scratch, &r);
	if (r.no_memory) {
		weir_exchange_fail_local(x);
		return;
	}
	r.failure.status = x->status;
	verdict = weir_classify(&r.failure);
	if (x->encoded && !cut)
		cut = &encoded;
	if (cut) {
		weir_buf_clear(&x->out);
		if (weir_exchange_is_own(verdict.outcome))
			verdict = *cut;
	}
	weir_exchange_fail_as(x, verdict, &r);
}
