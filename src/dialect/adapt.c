#include "dialect/adapt.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "base/error.h"

enum { PATH_MAX_LEN = 128, FIRST_CUTS = 8 };

void weir_adapted_fini(struct weir_adapted *adapted)
{
	weir_free(adapted->cuts);
	adapted->cuts = NULL;
	adapted->cuts_n = adapted->cuts_cap = 0;
}

bool weir_adapted_any(const struct weir_adapted *adapted)
{
	return adapted->drops_n || adapted->cuts_n || adapted->added;
}

void weir_adapt_tell(struct weir_adapting *a, const char *name)
{
	weir_chat_drop(&a->out->told, weir_slice_of(name));
}

void weir_adapt_cut(struct weir_adapting *a, struct weir_slice at, struct weir_slice by)
{
	struct weir_adapted *out = a->out;

	if (out->cuts_n == out->cuts_cap) {
		unsigned cap = out->cuts_cap ? out->cuts_cap * 2 : FIRST_CUTS;
		void *grown = cap > WEIR_CUTS_MAX
				      ? NULL
				      : weir_realloc(out->cuts, cap * sizeof *out->cuts);

		if (!grown) {
			out->rc = cap > WEIR_CUTS_MAX ? WEIR_ELIMIT : WEIR_ENOMEM;
			return;
		}
		out->cuts = grown;
		out->cuts_cap = cap;
	}
	out->cuts[out->cuts_n++] = (struct weir_cut){ at, by };
}

struct weir_slice weir_adapt_text(struct weir_adapting *a, const char *format, ...)
{
	struct weir_adapted *out = a->out;
	size_t room = sizeof out->text - out->text_n;
	char *text = out->text + out->text_n;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text, room, format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room) {
		out->rc = WEIR_ELIMIT;
		return WEIR_SLICE("");
	}
	out->text_n += (size_t)n;
	return weir_slice(text, (size_t)n);
}

static bool is_dropped(const struct weir_adapting *a, struct weir_slice key)
{
	for (unsigned i = 0; i < a->out->drops_n; i++)
		if (weir_slice_eq(a->out->drops[i], key))
			return true;
	return false;
}

const struct weir_json_member *weir_adapt_find(const struct weir_adapting *a, const char *name)
{
	struct weir_slice text = weir_slice_of(name);

	for (unsigned i = 0; i < a->members_n; i++)
		if (weir_json_text_is_slice(a->members[i].key, text))
			return is_dropped(a, a->members[i].key) ? NULL : &a->members[i];
	return NULL;
}

/* What says no more than silence would is not missed. */
static bool is_default(const struct weir_json_member *m)
{
	return weir_chat_is_empty(m) ||
	       ((weir_json_text_is(m->key, "temperature") || weir_json_text_is(m->key, "top_p")) &&
		weir_slice_is(m->value, "1"));
}

void weir_adapt_drop(struct weir_adapting *a, const struct weir_json_member *m)
{
	struct weir_adapted *out = a->out;

	if (is_dropped(a, m->key))
		return;
	if (out->drops_n == WEIR_ADAPT_DROPS_MAX) {
		out->rc = WEIR_ELIMIT;
		return;
	}
	out->drops[out->drops_n++] = m->key;
	if (!is_default(m))
		weir_chat_drop(&out->told, m->key);
}

bool weir_adapt_refuses(const struct weir_adapting *a, struct weir_slice path)
{
	const struct weir_adapt_to *to = a->to;

	for (unsigned i = 0; i < to->lessons->n; i++)
		if (to->lessons->list[i].kind == WEIR_LESSON_DROP &&
		    weir_slice_is(path, to->lessons->list[i].path))
			return true;
	return weir_model_lists(to->facts->refuses, path) ||
	       (a->thinks && weir_model_lists(to->facts->refuses_thinking, path)) ||
	       weir_model_lists(to->strip, path) || weir_model_lists(a->also, path);
}

/* Does a list have something inside of path? */
static bool lists_below(const char *list, struct weir_slice path)
{
	while (list && *list) {
		size_t n = strcspn(list, ",");

		if (n > path.len && memcmp(list, path.base, path.len) == 0 &&
		    (list[path.len] == '.' || list[path.len] == '['))
			return true;
		list += n;
		list += *list == ',';
	}
	return false;
}

static bool changes_below(const struct weir_adapting *a, struct weir_slice path)
{
	const struct weir_adapt_to *to = a->to;

	if (a->renames && (weir_slice_is(path, "messages") || weir_slice_is(path, "messages[]")))
		return true;
	for (unsigned i = 0; i < to->lessons->n; i++)
		if (to->lessons->list[i].kind == WEIR_LESSON_DROP &&
		    lists_below(to->lessons->list[i].path, path))
			return true;
	return lists_below(to->facts->refuses, path) || lists_below(to->strip, path) ||
	       lists_below(a->also, path);
}

void weir_adapt_row(struct weir_adapt_row *row, struct weir_adapting *a, struct weir_slice text)
{
	*row = (struct weir_adapt_row){ .a = a, .dropped = true };
	row->has_next = weir_json_open(&row->cursor, text) == 0 &&
			weir_json_next(&row->cursor, &row->next) == 1;
}

bool weir_adapt_next(struct weir_adapt_row *row)
{
	if (!row->dropped)
		row->kept = true;
	if (!row->has_next)
		return false;
	row->end = row->now.end;
	row->now = row->next;
	row->dropped = false;
	row->has_next = weir_json_next(&row->cursor, &row->next) == 1;
	return true;
}

void weir_adapt_row_drop(struct weir_adapt_row *row)
{
	size_t from = row->kept ? row->end : row->now.begin;
	size_t to = !row->kept && row->has_next ? row->next.begin : row->now.end;

	row->dropped = true;
	weir_adapt_cut(row->a, weir_slice(row->cursor.text.base + from, to - from), WEIR_SLICE(""));
}

/* A place in the body, as the lists call it. */
struct path {
	char text[PATH_MAX_LEN];
	size_t len;
};

static bool extend(struct path *path, const char *between, struct weir_slice name)
{
	size_t n = strlen(between);

	if (path->len + n + name.len >= sizeof path->text)
		return false;
	memcpy(path->text + path->len, between, n);
	memcpy(path->text + path->len + n, name.base, name.len);
	path->len += n + name.len;
	return true;
}

static struct weir_slice path_slice(const struct path *path)
{
	return weir_slice(path->text, path->len);
}

/* Only as deep as a list goes. */
static void visit(struct weir_adapting *a, const struct weir_json_member *at, struct path path)
{
	bool array = at->type == WEIR_JSON_ARRAY;
	struct weir_adapt_row row;

	if (!array && at->type != WEIR_JSON_OBJECT)
		return;
	weir_adapt_row(&row, a, at->value);
	while (weir_adapt_next(&row)) {
		struct path inner = path;
		struct weir_slice where;

		if (!extend(&inner, array ? "[]" : ".", array ? WEIR_SLICE("") : row.now.key))
			continue;
		where = path_slice(&inner);
		if (!array && weir_adapt_refuses(a, where)) {
			if (!weir_chat_is_empty(&row.now))
				weir_chat_drop(&a->out->told, where);
			weir_adapt_row_drop(&row);
		} else if (a->renames && weir_slice_is(where, "messages[].role") &&
			   row.now.type == WEIR_JSON_STRING &&
			   weir_json_text_is(weir_chat_inside(row.now.value), "developer")) {
			weir_adapt_cut(a, row.now.value, WEIR_SLICE("\"system\""));
		} else if (changes_below(a, where)) {
			visit(a, &row.now, inner);
		}
	}
}

/* What no request can do without. */
static bool is_needed(struct weir_slice key)
{
	static const char *const needed[] = { "model", "messages", "stream", "input", "prompt" };

	for (size_t i = 0; i < WEIR_COUNT_OF(needed); i++)
		if (weir_json_text_is(key, needed[i]))
			return true;
	return false;
}

/* Without it, tools would be called. */
static bool forbids_tools(const struct weir_json_member *m)
{
	struct weir_json_member type;

	if (!weir_json_text_is(m->key, "tool_choice"))
		return false;
	if (m->type == WEIR_JSON_OBJECT)
		return weir_json_get(m->value, "type", &type) &&
		       weir_slice_is(type.value, "\"none\"");
	return weir_slice_is(m->value, "\"none\"");
}

static bool has_developer(const struct weir_adapting *a)
{
	for (unsigned i = 0; i < a->members_n; i++)
		if (weir_json_text_is(a->members[i].key, "messages"))
			return weir_slice_find(a->members[i].value, "\"developer\"") != NULL;
	return false;
}

/* Is there anything at all that this target does not take? */
static bool is_picky(const struct weir_adapting *a)
{
	const struct weir_adapt_to *to = a->to;

	return a->renames || to->lessons->n || to->facts->refuses || to->facts->refuses_thinking ||
	       to->strip || a->also;
}

void weir_adapt_fields(struct weir_adapting *a)
{
	a->renames = !a->to->developer && has_developer(a);
	if (!is_picky(a))
		return;
	for (unsigned i = 0; i < a->members_n; i++) {
		const struct weir_json_member *m = &a->members[i];
		struct path path = { .len = 0 };

		if (is_dropped(a, m->key) || !extend(&path, "", m->key))
			continue;
		if (!is_needed(m->key) && !forbids_tools(m) && weir_adapt_refuses(a, m->key))
			weir_adapt_drop(a, m);
		else if (changes_below(a, m->key))
			visit(a, m, path);
	}
}

void weir_adapt_limit(struct weir_adapting *a, const struct weir_json_member *m)
{
	uint64_t most = a->to->facts->output_tokens, tokens;

	if (m && most && weir_slice_to_u64(m->value, &tokens) && tokens > most)
		weir_adapt_cut(a, m->value, weir_adapt_text(a, "%llu", (unsigned long long)most));
}

static int by_place(const void *a, const void *b)
{
	const struct weir_cut *one = a, *other = b;

	return (one->at.base > other->at.base) - (one->at.base < other->at.base);
}

void weir_adapt(struct weir_adapted *out, const struct weir_json_member *members, unsigned n,
		const struct weir_adapt_to *to, void (*chat)(struct weir_adapting *a))
{
	struct weir_adapting a = { members, n, to, out, NULL, false };

	*out = (struct weir_adapted){ 0 };
	if (chat)
		chat(&a);
	else
		weir_adapt_fields(&a);
	if (out->cuts_n > 1)
		qsort(out->cuts, out->cuts_n, sizeof *out->cuts, by_place);
}
