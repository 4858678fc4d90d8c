#include "base/error.h"
#include "dialect/exchange_private.h"

static void read_delta(struct weir_exchange *x, struct weir_slice data, struct weir_delta *delta)
{
	x->dialect->read_delta(data, &x->words, delta);
}

void weir_exchange_note(struct weir_exchange *x, struct weir_slice data)
{
	struct weir_delta delta;

	read_delta(x, data, &delta);
	weir_seam_note(x->seam, &delta);
}

/* An event written anew: its data with up to two strings replaced. */
struct rewriting {
	struct weir_buf *out;
	const char *from; /* of the data, written up to here */
	int rc;
};

/* On one line, as an event's data must be. Inside strings there are no line ends. */
static void copy_to(struct rewriting *w, const char *to)
{
	size_t at = w->out->len;

	if (w->rc == 0)
		w->rc = weir_buf_append(w->out, w->from, (size_t)(to - w->from));
	for (; at < w->out->len; at++)
		if (w->out->base[at] == '\n' || w->out->base[at] == '\r')
			w->out->base[at] = ' ';
	w->from = to;
}

static void write_id(struct rewriting *w, struct weir_slice at, struct weir_slice id)
{
	if (at.len == 0 || id.len == 0)
		return;
	copy_to(w, at.base);
	if (w->rc == 0)
		w->rc = weir_buf_append(w->out, id.base, id.len);
	w->from = at.base + at.len;
}

static void write_text(struct rewriting *w, struct weir_slice at, const struct weir_slice *text)
{
	if (at.len == 0 || !text)
		return;
	copy_to(w, at.base);
	if (w->rc == 0)
		w->rc = weir_buf_json(w->out, *text);
	w->from = at.base + at.len;
}

/* text NULL: as it is. False: failed locally, nothing put. */
static bool put_rewritten(struct weir_exchange *x, struct weir_slice name,
			  const struct weir_delta *delta, struct weir_slice data,
			  const struct weir_slice *text)
{
	size_t before = x->out.len;
	struct rewriting w = { .out = &x->out, .from = data.base };
	struct weir_slice id = weir_seam_id(x->seam);
	bool id_first = delta->id_at.len && delta->id_at.base < delta->text_at.base;

	if (name.len && ((w.rc = weir_buf_puts(w.out, "event: ")) == 0) &&
	    ((w.rc = weir_buf_append(w.out, name.base, name.len)) == 0))
		w.rc = weir_buf_puts(w.out, "\n");
	if (w.rc == 0)
		w.rc = weir_buf_puts(w.out, "data: ");
	if (id_first)
		write_id(&w, delta->id_at, id);
	write_text(&w, delta->text_at, text);
	if (!id_first)
		write_id(&w, delta->id_at, id);
	copy_to(&w, data.base + data.len);
	if (w.rc == 0)
		w.rc = weir_buf_puts(w.out, "\n\n");
	if (w.rc == 0)
		return true;
	x->out.len = before;
	weir_exchange_fail_local(x);
	return false;
}

/* The event whose text was held last, to carry what is new of it when nothing else can. */
static bool put_example(struct weir_exchange *x, struct weir_slice text)
{
	struct weir_slice data = weir_buf_slice(&x->example);
	struct weir_delta delta;

	if (text.len == 0)
		return true;
	read_delta(x, data, &delta);
	if (!delta.no_memory)
		return put_rewritten(x, WEIR_SLICE(""), &delta, data, &text);
	weir_exchange_fail_local(x);
	return false;
}

static void keep_example(struct weir_exchange *x, struct weir_slice data)
{
	weir_buf_clear(&x->example);
	if (weir_buf_append(&x->example, data.base, data.len))
		weir_exchange_fail_local(x);
}

/* rest: what is new of it, and of what was held before. */
static void let_out(struct weir_exchange *x, const struct weir_sse_event *event,
		    struct weir_delta *delta, struct weir_slice rest)
{
	bool own = delta->text_at.len > 0;

	if ((!own && !put_example(x, rest)) ||
	    !put_rewritten(x, event->name, delta, event->data, own ? &rest : NULL))
		return;
	weir_exchange_commit(x);
	delta->text = rest;
	weir_seam_note(x->seam, delta);
}

/* Is it the first stream's answer that goes on here? */
static enum weir_seam_state meet(struct weir_exchange *x, const struct weir_delta *delta,
				 struct weir_slice *rest)
{
	enum weir_seam_state state;

	if (delta->other && delta->text.len == 0 && x->example.len == 0)
		return WEIR_SEAM_MISMATCH;
	state = weir_seam_feed(x->seam, delta->text, rest);
	if (state == WEIR_SEAM_UNDECIDED && (delta->other || delta->finish))
		state = weir_seam_end(x->seam, rest);
	return state;
}

static void fail_at_seam(struct weir_exchange *x, enum weir_seam_state state)
{
	if (state == WEIR_SEAM_NO_MEMORY)
		weir_exchange_fail_local(x);
	else
		weir_exchange_fail(x, WEIR_OUT_NOT_HERE, "seam_mismatch");
}

static void take_unseen(struct weir_exchange *x, const struct weir_sse_event *event,
			struct weir_delta *delta)
{
	struct weir_slice rest = WEIR_SLICE("");
	enum weir_seam_state state = meet(x, delta, &rest);

	if (state == WEIR_SEAM_GOES_ON)
		let_out(x, event, delta, rest);
	else if (state != WEIR_SEAM_UNDECIDED)
		fail_at_seam(x, state);
	else if (delta->text.len)
		keep_example(x, event->data);
}

void weir_exchange_take_resumed(struct weir_exchange *x, const struct weir_sse_event *event)
{
	struct weir_delta delta;

	x->drop_lf = weir_exchange_ends_with_cr(event->raw);
	read_delta(x, event->data, &delta);
	if (delta.no_memory)
		weir_exchange_fail_local(x);
	else if (!x->committed)
		take_unseen(x, event, &delta);
	else if (put_rewritten(x, event->name, &delta, event->data, NULL))
		weir_seam_note(x->seam, &delta);
}

void weir_exchange_end_resumed(struct weir_exchange *x)
{
	struct weir_delta delta = { 0 };
	enum weir_seam_state state;

	if (x->example.len == 0)
		return;
	state = weir_seam_end(x->seam, &delta.text);
	if (state != WEIR_SEAM_GOES_ON) {
		fail_at_seam(x, state);
	} else if (put_example(x, delta.text)) {
		weir_exchange_commit(x);
		weir_seam_note(x->seam, &delta);
	}
}
