/* What one event adds to the first choice's text, and where it stands in the event. What is
 * there twice, or more than can be gone on from, is other. */
#include "base/error.h"
#include "dialect/openai.h"
#include "wire/json.h"

struct reader {
	struct weir_delta *delta;
	struct weir_buf *scratch;
};

/* More in it than quotes or brackets. */
static bool is_filled(const struct weir_json_member *m)
{
	struct weir_json_cursor cursor;
	struct weir_json_member inside;

	if (m->type == WEIR_JSON_ARRAY || m->type == WEIR_JSON_OBJECT)
		return weir_json_open(&cursor, m->value) == 0 &&
		       weir_json_next(&cursor, &inside) == 1;
	return m->type == WEIR_JSON_STRING && m->value.len > 2;
}

static void read_text(struct reader *r, const struct weir_json_member *m)
{
	struct weir_delta *d = r->delta;
	size_t before = r->scratch->len;
	int rc;

	if (m->type == WEIR_JSON_NULL)
		return;
	if (d->text_at.len || m->type != WEIR_JSON_STRING) {
		d->other |= d->text_at.len || is_filled(m);
		return;
	}
	rc = weir_json_unescape(r->scratch, m->value);
	d->no_memory |= rc == WEIR_ENOMEM;
	d->other |= rc == WEIR_ELIMIT;
	d->text_at = m->value;
	d->text = weir_slice(r->scratch->base + before, r->scratch->len - before);
}

static void read_member(struct reader *r, const struct weir_json_member *m)
{
	static const char *const others[] = { "tool_calls", "function_call", "refusal", "audio" };
	static const char *const thoughts[] = { "reasoning", "reasoning_content",
						"reasoning_details" };

	if (weir_json_text_is(m->key, "content"))
		read_text(r, m);
	if (!is_filled(m))
		return;
	for (size_t i = 0; i < WEIR_COUNT_OF(others); i++)
		r->delta->other |= weir_json_text_is(m->key, others[i]);
	for (size_t i = 0; i < WEIR_COUNT_OF(thoughts); i++)
		r->delta->reasoning |= weir_json_text_is(m->key, thoughts[i]);
}

static void read_members(struct reader *r, struct weir_slice object)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;

	if (weir_json_open(&cursor, object) || cursor.is_array)
		return;
	while (weir_json_next(&cursor, &m) == 1)
		read_member(r, &m);
}

static bool is_first(struct weir_slice choice)
{
	struct weir_json_member index;

	return !weir_json_get(choice, "index", &index) || index.type == WEIR_JSON_NULL ||
	       weir_slice_is(index.value, "0");
}

static void read_choice(struct reader *r, struct weir_slice choice)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;
	bool delta = false;

	if (weir_json_open(&cursor, choice) || cursor.is_array)
		return;
	if (!is_first(choice)) {
		r->delta->other = true;
		return;
	}
	while (weir_json_next(&cursor, &m) == 1) {
		if (weir_json_text_is(m.key, "delta")) {
			r->delta->other |= delta;
			delta = true;
			read_members(r, m.value);
		} else if (weir_json_text_is(m.key, "text")) {
			r->delta->other |= is_filled(&m);
		} else if (weir_json_text_is(m.key, "finish_reason")) {
			r->delta->finish |= is_filled(&m);
		}
	}
}

static void read_choices(struct reader *r, struct weir_slice choices)
{
	struct weir_json_cursor cursor;
	struct weir_json_member choice;

	if (weir_json_open(&cursor, choices) || !cursor.is_array)
		return;
	while (weir_json_next(&cursor, &choice) == 1)
		read_choice(r, choice.value);
}

void weir_openai_read_delta(struct weir_slice data, struct weir_buf *scratch, struct weir_delta *d)
{
	struct reader r = { d, scratch };
	struct weir_json_cursor cursor;
	struct weir_json_member m;
	bool choices = false;

	*d = (struct weir_delta){ 0 };
	weir_buf_clear(scratch);
	if (weir_json_open(&cursor, data)) {
		d->other = true;
		return;
	}
	d->other = cursor.is_array;
	while (!cursor.is_array && weir_json_next(&cursor, &m) == 1) {
		if (weir_json_text_is(m.key, "id") && is_filled(&m)) {
			d->other |= d->id_at.len > 0;
			d->id_at = m.value;
		} else if (weir_json_text_is(m.key, "choices")) {
			d->other |= choices;
			choices = true;
			read_choices(&r, m.value);
		}
	}
}
