/* What a provider counts of tokens, and what of that its caller is not to see. */
#include "base/error.h"
#include "dialect/exchange_private.h"
#include "wire/json.h"

enum { TOKENS_MAX = 1000000000 /* nonsense beyond */ };

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void renew(uint64_t *count, uint64_t news)
{
	if (news)
		*count = least(news, TOKENS_MAX);
}

/* Each count is the whole so far. Some tell one of them only once; those that count a cache
 * beside the prompt need not repeat that. */
void weir_exchange_count(struct weir_exchange *x, const struct weir_reading *r)
{
	struct weir_usage *t = &x->tokens;

	x->usage |= r->usage;
	renew(&t->out, r->tokens_out);
	if (r->cache_beside) {
		renew(&t->cached, r->tokens_cached);
		renew(&t->written, r->tokens_written);
		renew(&x->fresh, r->tokens_in);
	} else if (r->tokens_in) {
		x->fresh = least(r->tokens_in, TOKENS_MAX);
		t->cached = least(r->tokens_cached, x->fresh);
		x->fresh -= t->cached;
		t->written = least(r->tokens_written, x->fresh);
		x->fresh -= t->written;
	}
	t->in = x->fresh + t->cached + t->written;
}

/* A member, together with the comma that joins it. */
struct cut {
	size_t from, to;
	enum weir_json_type type;
};

static bool find_member(struct weir_slice data, const char *name, struct cut *cut)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;
	size_t end = 0; /* of the member before */

	if (weir_json_open(&cursor, data) || cursor.is_array)
		return false;
	while (weir_json_next(&cursor, &m) == 1) {
		if (!weir_json_text_is(m.key, name)) {
			end = m.end;
			continue;
		}
		*cut = (struct cut){ end ? end : m.begin, m.end, m.type };
		if (!end && weir_json_next(&cursor, &m) == 1)
			cut->to = m.begin;
		return true;
	}
	return false;
}

static void put_all_but(struct weir_buf *out, struct weir_slice data, const struct cut *cut,
			int *rc)
{
	if (*rc == 0)
		*rc = weir_buf_append(out, data.base, cut->from);
	if (*rc == 0)
		*rc = weir_buf_append(out, data.base + cut->to, data.len - cut->to);
}

/* Data that came in several lines is one line then: between JSON's words any blank will do. */
static int put_joined(struct weir_buf *out, const struct weir_sse_event *event,
		      const struct cut *cut, size_t *at)
{
	int rc = event->name.len ? weir_buf_puts(out, "event: ") : 0;

	if (rc == 0 && event->name.len &&
	    (rc = weir_buf_append(out, event->name.base, event->name.len)) == 0)
		rc = weir_buf_puts(out, "\n");
	if (rc == 0)
		rc = weir_buf_puts(out, "data: ");
	*at = out->len;
	put_all_but(out, event->data, cut, &rc);
	for (size_t i = *at; rc == 0 && i < out->len; i++)
		if (out->base[i] == '\n' || out->base[i] == '\r')
			out->base[i] = ' ';
	return rc ? rc : weir_buf_puts(out, "\n\n");
}

static int put_in_place(struct weir_buf *out, const struct weir_sse_event *event,
			const struct cut *cut, size_t *at)
{
	struct weir_slice raw = event->raw, data = event->data;
	size_t before = (size_t)(data.base - raw.base), end = before + data.len;
	int rc = weir_buf_append(out, raw.base, before);

	*at = out->len;
	put_all_but(out, data, cut, &rc);
	return rc ? rc : weir_buf_append(out, raw.base + end, raw.len - end);
}

bool weir_exchange_hide_usage(struct weir_exchange *x, const struct weir_reading *reading,
			      struct weir_sse_event *event)
{
	struct weir_slice raw = event->raw, data = event->data;
	bool inside = data.base >= raw.base && data.base + data.len <= raw.base + raw.len;
	struct cut cut;
	size_t at;
	int rc;

	if (!find_member(data, x->unasked->member, &cut))
		return true;
	if (cut.type == WEIR_JSON_OBJECT && !reading->choices) {
		x->drop_lf = weir_exchange_ends_with_cr(raw);
		return false;
	}
	weir_buf_clear(&x->shown);
	rc = (inside ? put_in_place : put_joined)(&x->shown, event, &cut, &at);
	if (rc) {
		weir_exchange_fail_local(x);
		return false;
	}
	event->raw = weir_buf_slice(&x->shown);
	event->data = weir_slice(x->shown.base + at, data.len - (cut.to - cut.from));
	return true;
}

void weir_exchange_name_model(struct weir_exchange *x, struct weir_slice data)
{
	const struct weir_dialect *d = x->dialect;
	struct weir_slice name, inside;
	struct weir_buf text;

	if (!x->model || *x->model || !d->model_member)
		return;
	name = weir_json_pick(data, d->model_member, WEIR_JSON_STRING);
	if (!name.len && d->model_inside) {
		inside = weir_json_pick(data, d->model_inside, WEIR_JSON_OBJECT);
		name = weir_json_pick(inside, d->model_member, WEIR_JSON_STRING);
	}
	weir_buf_init(&text, WEIR_EXCHANGE_MODEL_MAX - 1);
	if (name.len && weir_json_unescape(&text, name) == 0 && text.len &&
	    !memchr(text.base, '\0', text.len)) {
		memcpy(x->model, text.base, text.len);
		x->model[text.len] = '\0';
	}
	weir_buf_fini(&text);
}
