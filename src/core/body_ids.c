/* Where ids of calls carry what only their maker understands (WEIR_CHAT_ID_MARK): who speaks
 * the caller's own dialect gets the body as it is, and may find them too long. */
#include "core/body.h"

static bool is_marked(struct weir_slice text)
{
	return weir_slice_find(text, WEIR_CHAT_ID_MARK) != NULL;
}

static bool is_id(struct weir_slice key)
{
	return weir_json_text_is(key, "id") || weir_json_text_is(key, "tool_call_id") ||
	       weir_json_text_is(key, "tool_use_id");
}

struct finder {
	weir_body_on_mark *on_mark;
	void *arg;
};

/* Of a message, a tool call or a block. */
static void find_own(const struct finder *f, struct weir_slice object)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;
	size_t plain;

	if (weir_json_open(&cursor, object) || cursor.is_array)
		return;
	while (weir_json_next(&cursor, &m) == 1) {
		struct weir_slice inside = weir_chat_inside(m.value);

		if (m.type != WEIR_JSON_STRING || !is_id(m.key) || !is_marked(inside))
			continue;
		plain = weir_chat_plain_id(inside).len;
		f->on_mark(f->arg, weir_slice(inside.base + plain, inside.len - plain));
	}
}

/* Of the calls or blocks of a message. */
static void find_in_lists(const struct finder *f, struct weir_slice message)
{
	struct weir_json_cursor cursor, each;
	struct weir_json_member list, element;

	if (weir_json_open(&cursor, message) || cursor.is_array)
		return;
	while (weir_json_next(&cursor, &list) == 1) {
		if (list.type != WEIR_JSON_ARRAY || !is_marked(list.value) ||
		    weir_json_open(&each, list.value))
			continue;
		while (weir_json_next(&each, &element) == 1)
			if (element.type == WEIR_JSON_OBJECT)
				find_own(f, element.value);
	}
}

void weir_body_find_marks(struct weir_slice messages, weir_body_on_mark *on_mark, void *arg)
{
	struct finder f = { on_mark, arg };
	struct weir_json_cursor cursor;
	struct weir_json_member m;

	if (!is_marked(messages) || weir_json_open(&cursor, messages))
		return;
	while (weir_json_next(&cursor, &m) == 1) {
		if (m.type != WEIR_JSON_OBJECT || !is_marked(m.value))
			continue;
		find_own(&f, m.value);
		find_in_lists(&f, m.value);
	}
}
