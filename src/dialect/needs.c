#include "dialect/needs.h"

#include "base/attr.h"
#include "dialect/chat.h"

enum { IMAGE_TOKENS = 800, DEPTH_MAX = 2 };

struct reading {
	unsigned abilities, images;
	size_t opaque; /* bytes that are no words */
};

static struct weir_slice word_in(struct weir_slice object, const char *name)
{
	struct weir_json_member m;

	if (!weir_json_get(object, name, &m) || m.type != WEIR_JSON_STRING)
		return WEIR_SLICE("");
	return weir_chat_inside(m.value);
}

/* Is it elsewhere, and to be fetched by whoever gets it? */
static bool is_elsewhere(struct weir_slice part)
{
	struct weir_json_member m;

	if (weir_json_get(part, "image_url", &m))
		return weir_slice_starts_nocase(m.type == WEIR_JSON_OBJECT
							? word_in(m.value, "url")
							: weir_chat_inside(m.value),
						"http");
	return weir_json_get(part, "source", &m) && m.type == WEIR_JSON_OBJECT &&
	       weir_json_text_is(word_in(m.value, "type"), "url");
}

static bool is_text_document(struct weir_slice part)
{
	struct weir_json_member m;

	return weir_json_get(part, "source", &m) && m.type == WEIR_JSON_OBJECT &&
	       (weir_json_text_is(word_in(m.value, "type"), "text") ||
		weir_json_text_is(word_in(m.value, "type"), "content"));
}

static unsigned ability_of(struct weir_slice part, struct weir_slice type)
{
	static const struct {
		const char *type;
		enum weir_ability ability;
	} rows[] = {
		{ "image_url", WEIR_ABLE_IMAGES },  { "image", WEIR_ABLE_IMAGES },
		{ "input_audio", WEIR_ABLE_AUDIO }, { "file", WEIR_ABLE_PDF },
		{ "document", WEIR_ABLE_PDF },
	};

	for (size_t i = 0; i < WEIR_COUNT_OF(rows); i++) {
		if (!weir_json_text_is(type, rows[i].type))
			continue;
		if (rows[i].ability == WEIR_ABLE_PDF && is_text_document(part))
			return 0;
		return rows[i].ability | (rows[i].ability == WEIR_ABLE_IMAGES && is_elsewhere(part)
						  ? WEIR_ABLE_IMAGE_URLS
						  : 0);
	}
	return 0;
}

/* The content of a message, or of a tool's result in it. */
static void read_content(struct reading *r, struct weir_slice content, unsigned depth)
{
	struct weir_json_cursor cursor;
	struct weir_json_member part, inner;

	if (weir_json_open(&cursor, content))
		return;
	while (weir_json_next(&cursor, &part) == 1) {
		unsigned ability;

		if (part.type != WEIR_JSON_OBJECT)
			continue;
		ability = ability_of(part.value, word_in(part.value, "type"));
		r->abilities |= ability;
		r->images += (ability & WEIR_ABLE_IMAGES) != 0;
		r->opaque += ability ? part.value.len : 0;
		if (!ability && depth < DEPTH_MAX && weir_json_get(part.value, "content", &inner) &&
		    inner.type == WEIR_JSON_ARRAY)
			read_content(r, inner.value, depth + 1);
	}
}

static void read_messages(struct reading *r, const struct weir_json_member *messages)
{
	struct weir_json_cursor cursor;
	struct weir_json_member message, content;

	if (messages->type != WEIR_JSON_ARRAY || weir_json_open(&cursor, messages->value))
		return;
	while (weir_json_next(&cursor, &message) == 1)
		if (message.type == WEIR_JSON_OBJECT &&
		    weir_json_get(message.value, "content", &content) &&
		    content.type == WEIR_JSON_ARRAY)
			read_content(r, content.value, 1);
}

static bool is_schema(const struct weir_json_member *m)
{
	struct weir_json_member format = *m;

	if (m->type != WEIR_JSON_OBJECT)
		return false;
	if (weir_json_text_is(m->key, "output_config") &&
	    (!weir_json_get(m->value, "format", &format) || format.type != WEIR_JSON_OBJECT))
		return false;
	return weir_json_text_is(word_in(format.value, "type"), "json_schema");
}

void weir_needs_read(struct weir_needs *needs, const struct weir_json_member *members, unsigned n,
		     size_t bytes)
{
	struct reading r = { 0 };

	*needs = (struct weir_needs){ 0 };
	for (unsigned i = 0; i < n; i++) {
		const struct weir_json_member *m = &members[i];

		if (weir_json_text_is(m->key, "messages"))
			read_messages(&r, m);
		else if (weir_json_text_is(m->key, "tools") ||
			 weir_json_text_is(m->key, "functions"))
			r.abilities |= weir_chat_is_empty(m) ? 0 : WEIR_ABLE_TOOLS;
		else if (weir_json_text_is(m->key, "response_format") ||
			 weir_json_text_is(m->key, "output_config"))
			r.abilities |= is_schema(m) ? WEIR_ABLE_SCHEMA : 0;
		else if (weir_json_text_is(m->key, "max_tokens") ||
			 weir_json_text_is(m->key, "max_completion_tokens"))
			(void)weir_slice_to_u64(m->value, &needs->answer);
	}
	needs->abilities = r.abilities;
	/* Three and a half bytes of text a token. */
	needs->tokens = (bytes - r.opaque) * 2 / 7 + (uint64_t)r.images * IMAGE_TOKENS;
}

static bool is_too_long(const struct weir_needs *needs, const struct weir_model_facts *facts,
			bool sure)
{
	uint64_t answer = needs->answer;

	if (facts->output_tokens && answer > facts->output_tokens)
		answer = facts->output_tokens;
	return facts->context_tokens &&
	       (sure ? needs->tokens / 2 : needs->tokens / 10 * 9 + answer) > facts->context_tokens;
}

const char *weir_needs_unmet(const struct weir_needs *needs, const struct weir_model_facts *facts,
			     bool sure)
{
	static const struct {
		enum weir_ability ability;
		const char *reason;
	} rows[] = {
		{ WEIR_ABLE_IMAGES, "cannot_take_images" },
		{ WEIR_ABLE_IMAGE_URLS, "cannot_take_image_urls" },
		{ WEIR_ABLE_PDF, "cannot_take_pdf" },
		{ WEIR_ABLE_AUDIO, "cannot_take_audio" },
		{ WEIR_ABLE_TOOLS, "cannot_take_tools" },
		{ WEIR_ABLE_SCHEMA, "cannot_take_json_schema" },
	};

	for (size_t i = 0; i < WEIR_COUNT_OF(rows); i++)
		if (needs->abilities & facts->cannot & rows[i].ability)
			return rows[i].reason;
	return is_too_long(needs, facts, sure) ? "context_window" : NULL;
}
