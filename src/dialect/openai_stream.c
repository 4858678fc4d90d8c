/* A whole answer as the stream it would have been: one chunk with everything in it, then
 * the end mark. The text is copied as it came but for what a chunk names differently. */
#include <stdio.h>

#include "base/error.h"
#include "dialect/openai.h"
#include "wire/json.h"

struct splice {
	struct weir_buf *out;
	const char *from; /* of the text, copied up to here */
	int rc;
};

static void put(struct splice *s, const char *text)
{
	if (s->rc == 0)
		s->rc = weir_buf_puts(s->out, text);
}

/* On one line, as an event's data must be. Inside strings there are no line ends. */
static void copy_to(struct splice *s, const char *to)
{
	size_t at = s->out->len;

	if (s->rc == 0)
		s->rc = weir_buf_append(s->out, s->from, (size_t)(to - s->from));
	for (; at < s->out->len; at++)
		if (s->out->base[at] == '\n' || s->out->base[at] == '\r')
			s->out->base[at] = ' ';
	s->from = to;
}

static void replace(struct splice *s, struct weir_slice part, const char *text)
{
	copy_to(s, part.base);
	put(s, text);
	s->from = part.base + part.len;
}

/* Goes through an object or array that is known to be valid. */
static bool next(struct weir_json_cursor *cursor, struct weir_json_member *member,
		 enum weir_json_type type)
{
	while (weir_json_next(cursor, member) == 1)
		if (member->type == type)
			return true;
	return false;
}

static bool is_empty(struct weir_slice object)
{
	struct weir_json_cursor cursor;
	struct weir_json_member member;

	weir_json_open(&cursor, object);
	return weir_json_next(&cursor, &member) == 0;
}

/* In a chunk each tool call says which one it is. */
static void number_tool_calls(struct splice *s, struct weir_slice calls)
{
	struct weir_json_cursor cursor;
	struct weir_json_member call, index;
	char text[32];

	weir_json_open(&cursor, calls);
	for (unsigned n = 0; next(&cursor, &call, WEIR_JSON_OBJECT); n++) {
		if (weir_json_get(call.value, "index", &index))
			continue;
		copy_to(s, call.value.base + 1);
		snprintf(text, sizeof text, "\"index\":%u%s", n, is_empty(call.value) ? "" : ",");
		put(s, text);
	}
}

static void convert_message(struct splice *s, struct weir_slice message)
{
	struct weir_json_cursor cursor;
	struct weir_json_member member;

	weir_json_open(&cursor, message);
	while (next(&cursor, &member, WEIR_JSON_ARRAY))
		if (weir_slice_is(member.key, "tool_calls"))
			number_tool_calls(s, member.value);
}

static void convert_choice(struct splice *s, struct weir_slice choice)
{
	struct weir_json_cursor cursor;
	struct weir_json_member member;

	weir_json_open(&cursor, choice);
	while (next(&cursor, &member, WEIR_JSON_OBJECT)) {
		if (!weir_slice_is(member.key, "message"))
			continue;
		replace(s, member.key, "delta");
		convert_message(s, member.value);
	}
}

static void convert_choices(struct splice *s, struct weir_slice choices)
{
	struct weir_json_cursor cursor;
	struct weir_json_member choice;

	weir_json_open(&cursor, choices);
	while (next(&cursor, &choice, WEIR_JSON_OBJECT))
		convert_choice(s, choice.value);
}

static void convert(struct splice *s, struct weir_slice body)
{
	struct weir_json_cursor cursor;
	struct weir_json_member member;

	weir_json_open(&cursor, body);
	while (weir_json_next(&cursor, &member) == 1) {
		if (weir_slice_is(member.key, "object"))
			replace(s, member.value, "\"chat.completion.chunk\"");
		else if (weir_slice_is(member.key, "choices") && member.type == WEIR_JSON_ARRAY)
			convert_choices(s, member.value);
	}
}

int weir_openai_put_as_stream(enum weir_route route, struct weir_slice body, struct weir_buf *out)
{
	struct splice s = { .out = out, .from = body.base };
	size_t before = out->len;

	if (route == WEIR_ROUTE_EMBEDDINGS)
		return WEIR_ELIMIT;
	put(&s, "data: ");
	if (route == WEIR_ROUTE_CHAT) /* a chunk of /v1/completions is as its body */
		convert(&s, body);
	copy_to(&s, body.base + body.len);
	put(&s, "\n\ndata: [DONE]\n\n");
	if (s.rc)
		out->len = before;
	return s.rc;
}
