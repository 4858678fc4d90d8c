/* Calls of a stream as blocks, one after the other: what comes for a call that is not open
 * waits until the one that is has all of its arguments, or the stream ends. */
#include "base/error.h"
#include "dialect/anthropic.h"

/* All that may wait: it is looked through with each piece. */
enum { WAITING_MAX = 256 * 1024, WAITING_CALLS_MAX = 128 };

/* What waits, in t->calls: a record, then its texts. */
struct record {
	enum weir_piece_type type;
	unsigned call;
	size_t text_len, name_len; /* CALL: of the id, of the name */
};

static bool read_record(struct weir_slice *rest, struct record *r, struct weir_slice *bytes)
{
	if (rest->len < sizeof *r)
		return false;
	memcpy(r, rest->base, sizeof *r);
	*bytes = weir_slice(rest->base + sizeof *r, r->text_len + r->name_len);
	*rest = weir_slice(bytes->base + bytes->len, rest->len - sizeof *r - bytes->len);
	return true;
}

static void wait(struct weir_telling *t, const struct weir_piece *p)
{
	struct weir_slice text = p->type == WEIR_PIECE_CALL ? p->id : p->text;
	struct record r = { p->type, p->call, text.len, p->name.len };
	struct weir_pen pen = { &t->calls, t->pen.rc };

	if (t->calls.len + sizeof r + text.len + p->name.len > WAITING_MAX ||
	    p->call - t->call > WAITING_CALLS_MAX)
		pen.rc = WEIR_ELIMIT;
	weir_put_slice(&pen, weir_slice((const char *)&r, sizeof r));
	weir_put_slice(&pen, text);
	weir_put_slice(&pen, p->name);
	t->pen.rc = pen.rc;
}

static bool waits(const struct weir_telling *t, unsigned call)
{
	struct weir_slice rest = weir_buf_slice(&t->calls), bytes;
	struct record r;

	while (read_record(&rest, &r, &bytes))
		if (r.call == call)
			return true;
	return false;
}

static bool is_complete(const struct weir_telling *t)
{
	return weir_arguments_complete(&t->arguments);
}

static void open_call(struct weir_telling *t, const struct weir_piece *p)
{
	weir_anthropic_open_call(t, p);
	t->call = p->call;
	t->arguments = (struct weir_arguments){ .any = false };
}

static void go_on(struct weir_telling *t, const struct weir_piece *p)
{
	weir_anthropic_put_arguments(t, p->text);
	weir_arguments_follow(&t->arguments, p->text);
}

static void tell_record(struct weir_telling *t, const struct record *r, struct weir_slice bytes)
{
	struct weir_slice text = weir_slice(bytes.base, r->text_len);
	struct weir_piece piece = { .type = r->type, .call = r->call, .text = text };

	piece.id = text;
	piece.name = weir_slice(bytes.base + r->text_len, r->name_len);
	if (r->type == WEIR_PIECE_CALL)
		open_call(t, &piece);
	else
		go_on(t, &piece);
}

/* The first of those that wait is told, the others wait on. */
static void tell_first(struct weir_telling *t)
{
	struct weir_buf before = t->calls;
	struct weir_slice rest = weir_buf_slice(&before), bytes;
	struct record first, r;

	weir_buf_init(&t->calls, before.max);
	(void)read_record(&rest, &first, &bytes);
	rest = weir_buf_slice(&before);
	while (read_record(&rest, &r, &bytes)) {
		struct weir_pen pen = { &t->calls, t->pen.rc };

		if (r.call == first.call) {
			tell_record(t, &r, bytes);
			continue;
		}
		weir_put_slice(&pen, weir_slice(bytes.base - sizeof r, sizeof r + bytes.len));
		t->pen.rc = pen.rc;
	}
	weir_buf_fini(&before);
}

void weir_anthropic_stream_call(struct weir_telling *t, const struct weir_piece *p)
{
	bool open = t->open == WEIR_PIECE_CALL, here = open && t->call == p->call;

	if (here && p->type == WEIR_PIECE_ARGUMENTS)
		go_on(t, p);
	else if (p->type == WEIR_PIECE_CALL && (!open || is_complete(t)) && !t->calls.len)
		open_call(t, p);
	else if (p->type == WEIR_PIECE_CALL || waits(t, p->call))
		wait(t, p);
	else /* more of one that was complete: it cannot be opened again */
		t->pen.rc = t->pen.rc ? t->pen.rc : WEIR_ELIMIT;
	while (t->calls.len && is_complete(t) && t->pen.rc == 0)
		tell_first(t);
}

void weir_anthropic_end_calls(struct weir_telling *t)
{
	while (t->calls.len && t->pen.rc == 0)
		tell_first(t);
}
