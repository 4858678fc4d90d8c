#include "wire/sse.h"

#include "base/error.h"
#include "wire/json.h"

enum {
	BOM_LEN = 3,
	BOM_OVER = BOM_LEN + 1,
	KEEP_MAX = 4096 /* of an event's memory, until the next one */
};

/* What one call is given. What stands before `from` is in sse->raw already. */
struct input {
	const char *from;
	const char *p; /* looked at up to here */
	const char *end;
	const char *lf; /* the next LF at or after p, or end; NULL: not looked for yet */
};

void weir_sse_init(struct weir_sse *sse, weir_sse_on_event *on_event, void *arg)
{
	*sse = (struct weir_sse){ .on_event = on_event, .arg = arg };
	weir_buf_init(&sse->raw, WEIR_SSE_EVENT_MAX);
	weir_buf_init(&sse->joined, WEIR_SSE_EVENT_MAX);
}

void weir_sse_fini(struct weir_sse *sse)
{
	weir_buf_fini(&sse->raw);
	weir_buf_fini(&sse->joined);
}

static void forget(struct weir_buf *buf)
{
	if (buf->cap > KEEP_MAX)
		weir_buf_fini(buf);
	else
		weir_buf_clear(buf);
}

static void begin_event(struct weir_sse *sse)
{
	forget(&sse->raw);
	forget(&sse->joined);
	sse->line = 0;
	sse->name_at = sse->name_len = 0;
	sse->data_at = sse->data_len = 0;
	sse->data_lines = 0;
	sse->blank_held = false;
}

static int deliver(struct weir_sse *sse, struct weir_slice raw)
{
	struct weir_sse_event event = {
		.raw = raw,
		.name = weir_slice(raw.base + sse->name_at, sse->name_len),
		.data = weir_slice(raw.base + sse->data_at, sse->data_len),
		.has_data = sse->data_lines > 0,
	};
	int rc;

	if (sse->data_lines > 1)
		event.data = weir_buf_slice(&sse->joined);
	rc = sse->on_event(sse->arg, &event);
	if (rc == 0)
		begin_event(sse);
	return rc;
}

static int add_data(struct weir_sse *sse, const char *event, struct weir_slice value)
{
	int rc = 0;

	if (sse->data_lines == 0) {
		sse->data_at = (size_t)(value.base - event);
		sse->data_len = value.len;
	} else {
		if (sse->data_lines == 1)
			rc = weir_buf_append(&sse->joined, event + sse->data_at, sse->data_len);
		if (rc == 0)
			rc = weir_buf_append(&sse->joined, "\n", 1);
		if (rc == 0)
			rc = weir_buf_append(&sse->joined, value.base, value.len);
	}
	if (rc == 0)
		sse->data_lines++;
	return rc;
}

/* A line that is not blank, without its end. event: the first byte of the event. */
static int take_field(struct weir_sse *sse, const char *event, struct weir_slice line)
{
	const char *colon = memchr(line.base, ':', line.len);
	struct weir_slice name = line, value = weir_slice(line.base + line.len, 0);

	if (colon) {
		name.len = (size_t)(colon - line.base);
		value = weir_slice(colon + 1, line.len - name.len - 1);
		if (value.len && value.base[0] == ' ')
			value = weir_slice(value.base + 1, value.len - 1);
	}
	if (weir_slice_is(name, "data"))
		return add_data(sse, event, value);
	if (weir_slice_is(name, "event")) {
		sse->name_at = (size_t)(value.base - event);
		sse->name_len = value.len;
	}
	return 0;
}

/* The event's bytes up to in->p, in one piece: in the input itself if all of them are there. */
static int gather(struct weir_sse *sse, struct input *in, struct weir_slice *event)
{
	int rc;

	*event = weir_slice(in->from, (size_t)(in->p - in->from));
	if (sse->raw.len == 0)
		return event->len > WEIR_SSE_EVENT_MAX ? WEIR_ELIMIT : 0;
	rc = weir_buf_append(&sse->raw, event->base, event->len);
	in->from = in->p;
	*event = weir_buf_slice(&sse->raw);
	return rc;
}

static int end_event(struct weir_sse *sse, struct input *in)
{
	struct weir_slice event;
	int rc = gather(sse, in, &event);

	in->from = in->p;
	return rc ? rc : deliver(sse, event);
}

/* in->p stands behind a line's end, which is end_len bytes long. */
static int take_line(struct weir_sse *sse, struct input *in, size_t end_len)
{
	struct weir_slice event;
	size_t end = sse->raw.len + (size_t)(in->p - in->from) - end_len;
	bool blank = end == sse->line;
	int rc;

	if (blank && sse->after_cr && sse->was_crlf) {
		sse->blank_held = true;
		return 0;
	}
	sse->was_crlf = end_len == 2;
	if (blank)
		return end_event(sse, in);
	rc = gather(sse, in, &event);
	if (rc == 0)
		rc = take_field(sse, event.base,
				weir_slice(event.base + sse->line, end - sse->line));
	sse->line = event.len;
	return rc;
}

/* The call before ended with a CR, and so with a line. */
static int after_cr(struct weir_sse *sse, struct input *in)
{
	bool is_lf = *in->p == '\n';

	sse->after_cr = false;
	sse->was_crlf = is_lf;
	if (is_lf) {
		in->p++;
		sse->line++;
	}
	/* Between events it is passed on by itself: the event it closed is gone. */
	if (sse->blank_held || (is_lf && sse->raw.len == 0))
		return end_event(sse, in);
	return 0;
}

static void skip_bom(struct weir_sse *sse, struct input *in)
{
	static const char bom[] = "\xef\xbb\xbf";

	while (sse->bom < BOM_LEN && in->p < in->end && *in->p == bom[sse->bom]) {
		in->p++;
		sse->bom++;
	}
	if (sse->bom == BOM_LEN)
		sse->line = BOM_LEN;
	if (in->p < in->end)
		sse->bom = BOM_OVER;
}

/* Moves in->p behind the next line end and returns its length; 0: there is none. */
static size_t find_line_end(struct weir_sse *sse, struct input *in)
{
	const char *cr;

	if (!in->lf || in->lf < in->p) {
		in->lf = memchr(in->p, '\n', (size_t)(in->end - in->p));
		if (!in->lf)
			in->lf = in->end;
	}
	cr = memchr(in->p, '\r', (size_t)(in->lf - in->p));
	if (!cr) {
		in->p = in->lf < in->end ? in->lf + 1 : in->end;
		return in->lf < in->end;
	}
	in->p = cr + 1;
	if (in->p == in->lf && in->lf < in->end) {
		in->p++;
		return 2;
	}
	sse->after_cr = in->p == in->end;
	return 1;
}

/* Between two events: behind those that their owner has dealt with himself. */
static const char *skip_events(struct weir_sse *sse, const char *p, const char *end)
{
	size_t n;

	if (!sse->skip || sse->raw.len || sse->after_cr || sse->bom < BOM_OVER)
		return p;
	while (p < end &&
	       (n = sse->skip(sse->arg, weir_slice(p, (size_t)(end - p)), sse->was_crlf)))
		p += n;
	return p;
}

static int feed(struct weir_sse *sse, struct input *in)
{
	size_t end_len;
	int rc = 0;

	if (sse->bom < BOM_OVER)
		skip_bom(sse, in);
	if (sse->after_cr)
		rc = after_cr(sse, in);
	while (rc == 0 && in->p < in->end) {
		end_len = find_line_end(sse, in);
		if (end_len)
			rc = take_line(sse, in, end_len);
		if (rc == 0 && in->from == in->p)
			in->from = in->p = skip_events(sse, in->p, in->end);
	}
	if (rc == 0 && in->from < in->end)
		rc = weir_buf_append(&sse->raw, in->from, (size_t)(in->end - in->from));
	return rc;
}

int weir_sse_feed(struct weir_sse *sse, const char *bytes, size_t len)
{
	const char *end = bytes + len, *p = skip_events(sse, bytes, end);
	struct input in = { .from = p, .p = p, .end = end };

	return p < end ? feed(sse, &in) : 0;
}

/* The line that was not ended, and the end it lacks. */
static int end_line(struct weir_sse *sse)
{
	struct weir_buf *raw = &sse->raw;
	int rc;

	if (raw->len == sse->line)
		return 0;
	rc = weir_buf_puts(raw, "\n");
	return rc ? rc
		  : take_field(sse, raw->base,
			       weir_slice(raw->base + sse->line, raw->len - 1 - sse->line));
}

static bool is_whole(const struct weir_sse *sse)
{
	struct weir_slice data = weir_buf_slice(&sse->joined);
	size_t offset;

	if (sse->data_lines == 0)
		return false;
	if (sse->data_lines == 1)
		data = weir_slice(sse->raw.base + sse->data_at, sse->data_len);
	return weir_slice_is(weir_slice_trim(data), "[DONE]") ||
	       weir_json_check(data, &offset) == 0;
}

int weir_sse_eof(struct weir_sse *sse)
{
	struct weir_buf *raw = &sse->raw;
	int rc = 0;

	if (!sse->blank_held) {
		rc = end_line(sse);
		if (rc)
			return rc;
		if (!is_whole(sse)) {
			begin_event(sse);
			return 0;
		}
		/* A CR would take the LF for its own. */
		rc = weir_buf_puts(raw, raw->base[raw->len - 1] == '\r' ? "\r" : "\n");
	}
	return rc ? rc : deliver(sse, weir_buf_slice(raw));
}
