#include "core/body.h"

#include "base/alloc.h"
#include "base/error.h"
#include "core/litellm.h"

enum { FIRST_MEMBERS = 16, FIRST_PIECES = 8 };

static const struct weir_slice fields[WEIR_BODY_FIELDS_N] = {
	[WEIR_BODY_MODEL] = WEIR_SLICE("model"),
	[WEIR_BODY_STREAM] = WEIR_SLICE("stream"),
	[WEIR_BODY_MESSAGES] = WEIR_SLICE("messages"),
	[WEIR_BODY_FALLBACKS] = WEIR_SLICE("fallbacks"),
	[WEIR_BODY_TIMEOUT] = WEIR_SLICE("timeout"),
	[WEIR_BODY_RETRIES] = WEIR_SLICE("num_retries"),
};

/* Fields that must not choose a host, a key or a header through a fallback's overrides,
 * and those that would change what the caller was promised. */
static const char *const forbidden_overrides[] = {
	"model",
	"stream",
	"messages",
	"fallbacks",
	"timeout",
	"num_retries",
	"api_base",
	"base_url",
	"api_key",
	"api_version",
	"api_type",
	"custom_host",
	"headers",
	"extra_headers",
	"default_headers",
	"proxies",
	"organization",
	"project",
	"custom_llm_provider",
};

/* WEIR_BODY_FIELDS_N: none of them. */
static enum weir_body_field field_of(struct weir_slice key)
{
	enum weir_body_field field = 0;

	while (field < WEIR_BODY_FIELDS_N && !weir_json_text_is_slice(key, fields[field]))
		field++;
	return field;
}

static bool stands_at(const struct weir_body *body, enum weir_body_field field, unsigned member)
{
	return body->places[field] == member + 1;
}

static int keep_member(struct weir_body *body, const struct weir_json_member *member)
{
	if (body->members_n == body->members_cap) {
		unsigned cap = body->members_cap ? body->members_cap * 2 : FIRST_MEMBERS;
		void *grown = weir_realloc(body->members, cap * sizeof *body->members);

		if (!grown)
			return WEIR_ENOMEM;
		body->members = grown;
		body->members_cap = cap;
	}
	body->members[body->members_n++] = *member;
	return 0;
}

static int refuse_twice(const struct weir_body *body, enum weir_body_field field,
			struct weir_complaint *c)
{
	unsigned seen = 0;

	for (unsigned i = 0; i < body->members_n; i++)
		seen += weir_json_text_is_slice(body->members[i].key, fields[field]);
	return weir_complain(c, fields[field].base, "duplicate_field",
			     "the field `%s` stands %u times in the body; send it once",
			     fields[field].base, seen);
}

static int place_members(struct weir_body *body, struct weir_complaint *c)
{
	for (unsigned i = 0; i < body->members_n; i++) {
		enum weir_body_field field = field_of(body->members[i].key);

		if (field == WEIR_BODY_FIELDS_N)
			continue;
		if (body->places[field])
			return refuse_twice(body, field, c);
		body->places[field] = i + 1;
	}
	return 0;
}

static int scan(struct weir_body *body, struct weir_complaint *c)
{
	struct weir_slice text = weir_buf_slice(&body->bytes);
	struct weir_json_cursor cursor;
	struct weir_json_member member;
	int rc;

	if (text.len == 0)
		return weir_complain(c, "", "invalid_json",
				     "the body is empty; send a JSON object");
	rc = weir_json_open(&cursor, text);
	while (rc >= 0 && (rc = weir_json_next(&cursor, &member)) > 0) {
		if (body->members_n == WEIR_BODY_MEMBERS_MAX)
			return weir_complain(c, "", "invalid_json", "more than %d top-level fields",
					     WEIR_BODY_MEMBERS_MAX);
		if (keep_member(body, &member))
			return WEIR_ENOMEM;
	}
	if (rc < 0)
		return weir_complain(c, "", "invalid_json",
				     "the body is not valid JSON: %s at byte %zu", cursor.error,
				     cursor.offset);
	if (cursor.is_array)
		return weir_complain(c, "", "invalid_json",
				     "the body must be a JSON object, not an array");
	return 0;
}

int weir_body_read(struct weir_body *body, struct weir_buf *bytes, struct weir_complaint *c)
{
	return weir_body_read_as(body, bytes, 0, c);
}

int weir_body_read_as(struct weir_body *body, struct weir_buf *bytes, unsigned how,
		      struct weir_complaint *c)
{
	int rc;

	*body = (struct weir_body){ .bytes = *bytes, .how = how };
	weir_buf_init(bytes, bytes->max);
	rc = scan(body, c);
	if (rc == 0)
		rc = place_members(body, c);
	return rc ? rc : weir_body_read_wishes(body, c);
}

void weir_body_release(struct weir_body *body)
{
	weir_buf_fini(&body->bytes);
	weir_buf_fini(&body->extra);
	weir_free(body->members);
	body->members = NULL;
	body->members_n = body->members_cap = 0;
	memset(body->places, 0, sizeof body->places);
}

void weir_body_fini(struct weir_body *body)
{
	weir_body_release(body);
	weir_free(body->model);
	body->model = NULL;
	for (unsigned i = 0; i < body->fallbacks_n; i++)
		weir_free(body->fallbacks[i].name);
	weir_free(body->fallbacks);
	body->fallbacks = NULL;
	body->fallbacks_n = 0;
	weir_free(body->ignored);
	body->ignored = NULL;
}

static bool listed(struct weir_slice raw, const char *const *names, size_t names_n)
{
	for (size_t i = 0; i < names_n; i++)
		if (weir_json_text_is(raw, names[i]))
			return true;
	return false;
}

static bool is_litellm(const struct weir_body *body, struct weir_slice key)
{
	enum weir_litellm_word word;

	if (!(body->how & WEIR_BODY_LITELLM))
		return false;
	word = weir_litellm_word(key);
	return word == WEIR_LITELLM_METADATA ? !(body->how & WEIR_BODY_METADATA)
					     : word != WEIR_LITELLM_NONE;
}

bool weir_body_is_ours(const struct weir_body *body, struct weir_slice key)
{
	static const char *const always[] = { "timeout", "num_retries" };

	if (weir_json_text_is(key, "fallbacks"))
		return !(body->how & WEIR_BODY_OWN_FALLBACKS);
	return listed(key, always, WEIR_COUNT_OF(always)) || is_litellm(body, key);
}

bool weir_body_may_override(const struct weir_body *body, struct weir_slice key)
{
	return !listed(key, forbidden_overrides, WEIR_COUNT_OF(forbidden_overrides)) &&
	       !weir_body_is_ours(body, key);
}

static struct weir_slice wish_of(const struct weir_body_edit *edit)
{
	return edit->wish ? weir_slice_of(edit->wish->body) : (struct weir_slice){ NULL, 0 };
}

/* The override for a field, if there is one that is allowed. */
static bool find_override(const struct weir_body *body, struct weir_slice overrides,
			  struct weir_slice key, struct weir_slice *value)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;
	bool found = false;

	if (!overrides.base || weir_json_open(&cursor, overrides))
		return false;
	while (weir_json_next(&cursor, &m) > 0) {
		if (!weir_slice_eq(m.key, key) || !weir_body_may_override(body, m.key))
			continue;
		*value = m.value;
		found = true;
	}
	return found;
}

static inline bool overridden(const struct weir_body *body, const struct weir_body_edit *edit,
			      struct weir_slice key, struct weir_slice *value)
{
	if (!edit->wish && !edit->overrides.base)
		return false;
	return find_override(body, wish_of(edit), key, value) ||
	       find_override(body, edit->overrides, key, value);
}

struct weir_slice weir_body_value(const struct weir_body *body, struct weir_slice overrides,
				  const char *name)
{
	struct weir_slice value = WEIR_SLICE("null");

	if (find_override(body, overrides, weir_slice_of(name), &value))
		return value;
	for (unsigned i = 0; i < body->members_n; i++)
		if (weir_json_text_is(body->members[i].key, name))
			return body->members[i].value;
	return value;
}

struct cutter {
	struct weir_slice *pieces;
	size_t n, cap, length;
	int rc; /* WEIR_ENOMEM: some pieces are missing */
	const char *text;
	size_t from;                        /* kept so far up to here, not yet given */
	bool any;                           /* a member was given: the next one needs a comma */
	const struct weir_adapted *adapted; /* NULL: nothing is cut */
	const struct weir_cut *last;        /* that was given; NULL: none yet */
};

static bool grow(struct cutter *cut)
{
	size_t cap = cut->cap ? cut->cap * 2 : FIRST_PIECES;
	void *grown = cut->rc ? NULL : weir_realloc(cut->pieces, cap * sizeof *cut->pieces);

	if (!grown) {
		cut->rc = WEIR_ENOMEM;
		return false;
	}
	cut->pieces = grown;
	cut->cap = cap;
	return true;
}

static void put(struct cutter *cut, struct weir_slice piece)
{
	if (piece.len == 0 || (cut->n == cut->cap && !grow(cut)))
		return;
	cut->pieces[cut->n++] = piece;
	cut->length += piece.len;
}

/* The first cut that is not before at. */
static unsigned first_cut(const struct weir_adapted *adapted, const char *at)
{
	unsigned low = 0, high = adapted->cuts_n;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;

		if (adapted->cuts[middle].at.base < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* A cut may reach into the next piece. */
static struct weir_slice without_last(const struct cutter *cut, struct weir_slice piece)
{
	const struct weir_cut *last = cut->last;
	size_t gone;

	if (!last || piece.base < last->at.base || piece.base >= last->at.base + last->at.len)
		return piece;
	gone = (size_t)(last->at.base + last->at.len - piece.base);
	return gone < piece.len ? weir_slice(piece.base + gone, piece.len - gone)
				: weir_slice(piece.base + piece.len, 0);
}

static void give(struct cutter *cut, struct weir_slice piece)
{
	const struct weir_adapted *adapted = cut->adapted;
	const char *end = piece.base + piece.len;

	piece = without_last(cut, piece);
	for (unsigned i = adapted ? first_cut(adapted, piece.base) : 0;
	     adapted && i < adapted->cuts_n && adapted->cuts[i].at.base < end; i++) {
		cut->last = &adapted->cuts[i];
		put(cut, weir_slice(piece.base, (size_t)(cut->last->at.base - piece.base)));
		put(cut, cut->last->by);
		piece.base = cut->last->at.base;
		piece.len = (size_t)(end - piece.base);
		piece = without_last(cut, piece);
	}
	put(cut, piece);
}

/* Everything kept up to offset goes out as one piece. */
static void give_upto(struct cutter *cut, size_t offset)
{
	if (offset <= cut->from)
		return;
	give(cut, weir_slice(cut->text + cut->from, offset - cut->from));
	cut->from = offset;
}

static bool is_refused(const struct weir_body_edit *edit, struct weir_slice key)
{
	for (unsigned i = 0; edit->adapted && i < edit->adapted->drops_n; i++)
		if (weir_slice_eq(edit->adapted->drops[i], key))
			return true;
	return false;
}

bool weir_body_member_is_ours(const struct weir_body *body, unsigned member)
{
	if (stands_at(body, WEIR_BODY_FALLBACKS, member))
		return !(body->how & WEIR_BODY_OWN_FALLBACKS);
	return stands_at(body, WEIR_BODY_TIMEOUT, member) ||
	       stands_at(body, WEIR_BODY_RETRIES, member) ||
	       is_litellm(body, body->members[member].key);
}

/* A call's id goes on without what its maker has put behind it. */
static void cut_mark(void *arg, struct weir_slice mark)
{
	struct cutter *cut = arg;
	size_t begin = (size_t)(mark.base - cut->text);

	if (begin < cut->from)
		return;
	give_upto(cut, begin);
	cut->from = begin + mark.len;
}

/* Before the bracket that closes the messages. */
static void give_turns(struct cutter *cut, const struct weir_json_member *m,
		       struct weir_slice turns)
{
	struct weir_json_cursor cursor;
	struct weir_json_member first;

	give_upto(cut, m->end - 1);
	if (weir_json_open(&cursor, m->value) == 0 && weir_json_next(&cursor, &first) == 1)
		give(cut, WEIR_SLICE(","));
	give(cut, turns);
}

/* What an edit needs that stands nowhere yet; base NULL: nothing of the kind. */
struct additions {
	struct weir_slice model; /* a JSON string */
	struct weir_slice turns; /* elements of messages */
};

/* Members that go are cut out together with the comma that joined them. */
static void give_members(struct cutter *cut, const struct weir_body *body,
			 const struct weir_body_edit *edit, const struct additions *add)
{
	for (unsigned i = 0; i < body->members_n; i++) {
		const struct weir_json_member *m = &body->members[i];
		struct weir_slice value;

		if (weir_body_member_is_ours(body, i) || is_refused(edit, m->key)) {
			if (cut->from < m->begin) {
				size_t end = i ? body->members[i - 1].end : m->begin;

				give_upto(cut, end);
			}
			cut->from = i + 1 < body->members_n && !cut->any
					    ? body->members[i + 1].begin
					    : m->end;
			continue;
		}
		cut->any = true;
		if (stands_at(body, WEIR_BODY_MESSAGES, i) && m->type == WEIR_JSON_ARRAY) {
			if (!overridden(body, edit, m->key, &value))
				weir_body_find_marks(m->value, cut_mark, cut);
			if (add->turns.len) {
				give_turns(cut, m, add->turns);
				continue;
			}
		}
		if (add->model.len && stands_at(body, WEIR_BODY_MODEL, i))
			value = add->model;
		else if (!overridden(body, edit, m->key, &value))
			continue;
		give_upto(cut, m->end - m->value.len);
		give(cut, value);
		cut->from = m->end;
	}
}

/* Overrides for fields the body does not have: before the closing brace. */
static void give_added(struct cutter *cut, const struct weir_body *body,
		       const struct weir_body_edit *edit, struct weir_slice overrides)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;

	if (!overrides.base || weir_json_open(&cursor, overrides))
		return;
	while (weir_json_next(&cursor, &m) > 0) {
		bool wished = edit->wish && overrides.base != edit->wish->body &&
			      weir_json_text_is(m.key, edit->wish->field);
		bool there = wished || !weir_body_may_override(body, m.key);

		for (unsigned i = 0; i < body->members_n && !there; i++)
			there = weir_slice_eq(body->members[i].key, m.key);
		if (there || is_refused(edit, m.key))
			continue;
		if (cut->any)
			give(cut, WEIR_SLICE(","));
		give(cut, weir_slice(m.key.base - 1,
				     (size_t)(m.value.base + m.value.len - (m.key.base - 1))));
		cut->any = true;
	}
}

/* Both into scratch, which moves until both are there. */
static int make_additions(const struct weir_body *body, const struct weir_body_edit *edit,
			  struct weir_buf *scratch, struct additions *add)
{
	size_t before = scratch->len, between;
	int rc = 0;

	if (strcmp(edit->model, body->model) != 0)
		rc = weir_buf_json(scratch, weir_slice_of(edit->model));
	between = scratch->len;
	if (rc == 0 && edit->resume)
		rc = weir_body_put_turns(scratch, edit->resume);
	if (rc) {
		scratch->len = before;
		return rc;
	}
	*add = (struct additions){ 0 };
	if (between > before)
		add->model = weir_slice(scratch->base + before, between - before);
	if (scratch->len > between)
		add->turns = weir_slice(scratch->base + between, scratch->len - between);
	return 0;
}

int weir_body_pieces(const struct weir_body *body, const struct weir_body_edit *edit,
		     struct weir_buf *scratch, struct weir_slice **pieces, size_t *pieces_n,
		     size_t *length)
{
	struct cutter cut = { .text = body->bytes.base, .adapted = edit->adapted, .n = 1 };
	size_t end = body->members_n ? body->members[body->members_n - 1].end : 0;
	struct additions add;

	if (make_additions(body, edit, scratch, &add) || !grow(&cut))
		return WEIR_ENOMEM;
	give_members(&cut, body, edit, &add);
	give_upto(&cut, end);
	if (edit->adapted && edit->adapted->added) {
		put(&cut, weir_slice_of(cut.any ? "," : ""));
		put(&cut, weir_slice_of(edit->adapted->added));
		cut.any = true;
	}
	give_added(&cut, body, edit, edit->overrides);
	give_added(&cut, body, edit, wish_of(edit));
	give_upto(&cut, body->bytes.len);
	if (cut.rc) {
		weir_free(cut.pieces);
		return cut.rc;
	}
	*pieces = cut.pieces;
	*pieces_n = cut.n;
	*length = cut.length;
	return 0;
}
