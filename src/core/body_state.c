/* What a request to /v1/responses has to do with what is kept at an account. */
#include "core/body.h"

/* Names that only stand for something stored, wherever in the body: a caller's own words
 * hold none, as their quotation marks are escaped. */
static const char *const stored[] = { "\"item_reference\"", "\"file_id\"", "\"file_ids\"",
				      "\"vector_store_ids\"", "\"container_id\"" };

static bool holds(struct weir_slice text, const char *name)
{
	return weir_slice_find(text, name) != NULL;
}

/* Reasoning that only the account that did it can read: "encrypted_content":"…". */
static bool holds_secret(struct weir_slice text)
{
	static const char name[] = "\"encrypted_content\"";
	const char *end = text.base + text.len, *at = text.base;

	while ((at = weir_slice_find(weir_slice(at, (size_t)(end - at)), name))) {
		at += sizeof name - 1;
		while (at < end && strchr(" \t\r\n:", *at) && *at)
			at++;
		if (at < end && *at == '"')
			return true;
	}
	return false;
}

static bool is_true(const struct weir_json_member *m)
{
	return m->type == WEIR_JSON_BOOL && m->value.base[0] == 't';
}

static void read_member(const struct weir_json_member *m, struct weir_body_state *state)
{
	bool given = m->type == WEIR_JSON_STRING || m->type == WEIR_JSON_OBJECT;

	if (weir_json_text_is(m->key, "previous_response_id") && m->type == WEIR_JSON_STRING) {
		state->bound = true;
		state->previous = weir_slice_hash(weir_slice(m->value.base + 1, m->value.len - 2));
	} else if (weir_json_text_is(m->key, "conversation") && given) {
		state->bound = state->acts = true;
	} else if (weir_json_text_is(m->key, "background") && is_true(m)) {
		state->bound = state->acts = true;
	} else if (weir_json_text_is(m->key, "prompt")) {
		state->bound |= m->type == WEIR_JSON_OBJECT;
	} else if (weir_json_text_is(m->key, "input") || weir_json_text_is(m->key, "tools")) {
		for (size_t i = 0; i < WEIR_COUNT_OF(stored); i++)
			state->bound |= holds(m->value, stored[i]);
		state->bound |= holds_secret(m->value);
	}
}

void weir_body_read_state(const struct weir_body *body, struct weir_body_state *state)
{
	*state = (struct weir_body_state){ .bound = false };
	for (unsigned i = 0; i < body->members_n; i++)
		read_member(&body->members[i], state);
}
