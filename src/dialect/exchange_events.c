#include "base/error.h"
#include "dialect/exchange_private.h"

static bool is_line_ends(struct weir_slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.base[i] != '\n' && s.base[i] != '\r')
			return false;
	return true;
}

/* Something to keep the connection alive, not the answer: worth passing on once the
 * answer is, not worth holding much of before. */
static void take_comment(struct weir_exchange *x, struct weir_slice raw)
{
	if (x->foreign) {
		if (!is_line_ends(raw))
			weir_exchange_tell_ping(x);
		return;
	}
	if (x->committed || x->out.len + raw.len <= WEIR_EXCHANGE_COMMENTS_MAX)
		weir_exchange_put(x, raw);
}

static void take_junk(struct weir_exchange *x, struct weir_slice raw)
{
	if (!x->committed) {
		weir_exchange_fail(x, WEIR_OUT_SERVER_ERROR, "bad_json");
		return;
	}
	x->events_dropped++;
	x->drop_lf = weir_exchange_ends_with_cr(raw);
	weir_exchange_put(x, WEIR_SLICE(": weir dropped an event that is not JSON\n\n"));
}

static bool put_last(struct weir_exchange *x, struct weir_slice raw)
{
	bool whole = raw.len == 0 || !weir_exchange_ends_with_cr(raw);

	return weir_exchange_put(x, raw) && (whole || weir_exchange_put(x, WEIR_SLICE("\n")));
}

static void finish(struct weir_exchange *x, struct weir_slice end_mark)
{
	if (x->foreign)
		weir_exchange_tell_end(x);
	else if (put_last(x, end_mark))
		weir_exchange_done(x);
}

/* That may be all there is to show. */
static void take_end_mark(struct weir_exchange *x, const struct weir_sse_event *event,
			  const struct weir_reading *reading)
{
	bool padded = *x->dialect->end && event->data.base[event->data.len - 1] == ' ';

	if (weir_exchange_resumes(x) && !x->committed)
		weir_exchange_end_resumed(x);
	if (reading->content)
		weir_exchange_commit(x);
	if (x->committed) /* clients compare the whole value: without blanks behind it */
		finish(x, padded ? weir_slice_of(x->dialect->end) : event->raw);
	else
		weir_exchange_fail(x, WEIR_OUT_SERVER_ERROR, "empty_stream");
}

static void take_error(struct weir_exchange *x, const struct weir_sse_event *event,
		       const struct weir_reading *reading)
{
	if (x->committed) {
		bool hidden = x->seam && weir_seam_can_resume(x->seam);

		if (!hidden &&
		    !(x->foreign ? weir_exchange_tell_error(x, reading) : put_last(x, event->raw)))
			return;
		x->error_event_shown = !hidden && (x->foreign || !reading->gave_up);
		weir_exchange_fail(x, WEIR_OUT_CUT, "error_event");
		return;
	}
	weir_buf_clear(&x->out);
	if (!weir_exchange_put(x, event->data))
		return;
	weir_exchange_set_type(x, WEIR_SLICE("application/json"), "");
	weir_exchange_fail_in_200(x, reading, true);
}

/* A named error whose data is no error object: its words, in whatever shape. */
static void take_named_error(struct weir_exchange *x, const struct weir_sse_event *event)
{
	struct weir_reading reading;

	x->dialect->read_body(x->route, event->data, &x->scratch, &reading);
	if (reading.no_memory)
		weir_exchange_fail_local(x);
	else
		take_error(x, event, &reading);
}

static void learn(struct weir_exchange *x, struct weir_slice raw,
		  const struct weir_reading *reading, size_t before)
{
	struct weir_slice shown = weir_slice(x->out.base, x->out.len);
	struct weir_reading unknown = { .json = true };

	if (before)
		shown = weir_slice(shown.base + before, shown.len - before);
	if (x->foreign && !weir_exchange_told_words(x, reading->text))
		reading = &unknown;
	weir_pattern_learn(&x->pattern, raw, reading, shown);
}

/* raw: as it came. */
static void take_chunk(struct weir_exchange *x, const struct weir_sse_event *event,
		       struct weir_slice raw, const struct weir_reading *reading)
{
	size_t before = x->out.len;

	x->finish_seen |= reading->finish;
	x->begun |= reading->begun;
	x->ended |= reading->ended;
	if (weir_exchange_resumes(x)) {
		weir_exchange_take_resumed(x, event);
		return;
	}
	if (!(x->foreign ? weir_exchange_tell(x, event->data) : weir_exchange_put(x, event->raw)))
		return;
	if (!x->seam)
		learn(x, raw, reading, before);
	if (reading->content)
		weir_exchange_commit(x);
	else if (!x->committed && x->out.len > WEIR_EXCHANGE_STREAM_HOLD_MAX)
		weir_exchange_fail(x, WEIR_OUT_SERVER_ERROR, "no_content");
	if (x->seam && x->committed)
		weir_exchange_note(x, event->data);
}

/* Nothing has said that it is complete. */
static void break_off(struct weir_exchange *x)
{
	if (x->committed)
		weir_exchange_fail(x, WEIR_OUT_CUT, "incomplete_stream");
	else
		weir_exchange_fail(x, WEIR_OUT_SERVER_ERROR, "empty_stream");
}

static void take_data(struct weir_exchange *x, const struct weir_sse_event *event)
{
	struct weir_sse_event shown = *event;
	struct weir_reading reading;

	x->dialect->read_event(event->data, &x->scratch, &reading);
	if (reading.id.len)
		x->answer = weir_slice_hash(reading.id);
	weir_exchange_count(x, &reading);
	if (reading.json)
		weir_exchange_name_model(x, event->data);
	if (reading.no_memory)
		weir_exchange_fail_local(x);
	else if (reading.broken_off)
		break_off(x);
	else if (reading.end_mark)
		take_end_mark(x, event, &reading);
	else if (reading.error || (reading.barren && !x->committed))
		take_error(x, event, &reading);
	else if (weir_slice_is(event->name, "error"))
		take_named_error(x, event);
	else if (!reading.json)
		take_junk(x, event->raw);
	else if (!x->unasked || weir_exchange_hide_usage(x, &reading, &shown))
		take_chunk(x, &shown, event->raw, &reading);
}

/* An event like the one before. Its length; 0: it is none. */
static inline size_t show_alike(struct weir_exchange *x, struct weir_slice bytes)
{
	struct weir_pattern_words words WEIR_UNINITIALIZED;
	size_t n = weir_pattern_match(&x->pattern, bytes, &words);

	if (n && weir_pattern_put(&x->pattern, weir_slice(bytes.base, n), &words, &x->out))
		weir_exchange_fail_local(x);
	return n;
}

size_t weir_exchange_skip(void *arg, struct weir_slice bytes, bool crlf)
{
	struct weir_exchange *x = arg;
	size_t n = 0;

	if (x->state == WEIR_EXCHANGE_COMMITTED && x->pattern.crlf == crlf)
		n = show_alike(x, bytes);
	x->drop_lf &= n == 0;
	return n;
}

int weir_exchange_on_event(void *arg, const struct weir_sse_event *event)
{
	struct weir_exchange *x = arg;
	bool drop = x->drop_lf && weir_slice_is(event->raw, "\n");

	x->drop_lf = false;
	if (x->state == WEIR_EXCHANGE_DONE)
		x->extra_bytes |= !is_line_ends(event->raw) &&
				  !weir_slice_is(event->data, "[DONE]");
	else if (x->state == WEIR_EXCHANGE_FAILED || drop)
		return 0;
	else if (!event->has_data || event->data.len == 0)
		take_comment(x, event->raw);
	else if (show_alike(x, event->raw) == 0)
		take_data(x, event);
	return 0;
}

static void read_result(struct weir_exchange *x, int rc)
{
	if (rc == WEIR_ELIMIT)
		weir_exchange_fail(x, x->committed ? WEIR_OUT_CUT : WEIR_OUT_SERVER_ERROR,
				   "event_too_large");
	else if (rc)
		weir_exchange_fail_local(x);
	x->extra_bytes |= x->state == WEIR_EXCHANGE_DONE && x->sse.raw.len;
}

void weir_exchange_take_events(struct weir_exchange *x, struct weir_slice bytes)
{
	read_result(x, weir_sse_feed(&x->sse, bytes.base, bytes.len));
}

void weir_exchange_end_events(struct weir_exchange *x)
{
	read_result(x, weir_sse_eof(&x->sse));
	if (weir_exchange_over(x))
		return;
	if (x->finish_seen && !(x->begun & ~x->ended))
		finish(x, weir_slice_of(x->dialect->end));
	else
		break_off(x);
}
