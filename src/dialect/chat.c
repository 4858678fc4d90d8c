#include "dialect/chat.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "dialect/pen.h"

enum { FIRST = 16, UNESCAPED_MAX = 256 };

void weir_chat_fini(struct weir_chat *chat)
{
	weir_free(chat->parts);
	weir_free(chat->tools);
	*chat = (struct weir_chat){ 0 };
}

void weir_chat_refuse(struct weir_chat *chat, const char *reason, const char *param)
{
	if (chat->cannot)
		return;
	chat->cannot = reason;
	chat->cannot_param = param;
}

/* One more element; false: out of memory. */
static bool grow(void **list, unsigned n, unsigned *cap, size_t size)
{
	unsigned wanted = *cap ? *cap * 2 : FIRST;
	void *grown;

	if (n < *cap)
		return true;
	grown = weir_realloc(*list, wanted * size);
	if (!grown)
		return false;
	*list = grown;
	*cap = wanted;
	return true;
}

struct weir_part *weir_chat_add(struct weir_chat *chat, enum weir_chat_role role,
				enum weir_part_type type)
{
	void *parts = chat->parts;

	chat->calls_n = role != WEIR_ROLE_ASSISTANT ? 0 : chat->calls_n + (type == WEIR_PART_CALL);
	if (chat->parts_n == WEIR_CHAT_PARTS_MAX || chat->calls_n > WEIR_CHAT_CALLS_MAX) {
		weir_chat_refuse(chat, "cannot_carry_so_many", "messages");
		return NULL;
	}
	if (!grow(&parts, chat->parts_n, &chat->parts_cap, sizeof *chat->parts))
		return NULL;
	chat->parts = parts;
	chat->parts[chat->parts_n] = (struct weir_part){ .type = type, .role = role };
	return &chat->parts[chat->parts_n++];
}

struct weir_chat_tool *weir_chat_add_tool(struct weir_chat *chat)
{
	void *tools = chat->tools;

	if (chat->tools_n == WEIR_CHAT_TOOLS_MAX) {
		weir_chat_refuse(chat, "cannot_carry_so_many", "tools");
		return NULL;
	}
	if (!grow(&tools, chat->tools_n, &chat->tools_cap, sizeof *chat->tools))
		return NULL;
	chat->tools = tools;
	chat->tools[chat->tools_n] = (struct weir_chat_tool){ .hidden = false };
	return &chat->tools[chat->tools_n++];
}

static bool is_word(struct weir_slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = weir_lower(name.base[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
		      c == '-' || c == '[' || c == ']'))
			return false;
	}
	return name.len > 0 && name.len < WEIR_CHAT_NAME_MAX;
}

static void note_drop(struct weir_drops *drops, struct weir_slice name)
{
	if (!is_word(name))
		name = WEIR_SLICE("other");
	if (drops->n == WEIR_CHAT_DROPS_MAX)
		return;
	for (unsigned i = 0; i < drops->n; i++)
		if (weir_slice_is(name, drops->names[i]))
			return;
	memcpy(drops->names[drops->n], name.base, name.len);
	drops->names[drops->n++][name.len] = '\0';
}

void weir_chat_drop(struct weir_drops *drops, struct weir_slice name)
{
	struct weir_buf plain;

	if (!name.len || !memchr(name.base, '\\', name.len)) {
		note_drop(drops, name);
		return;
	}
	weir_buf_init(&plain, UNESCAPED_MAX);
	note_drop(drops,
		  weir_json_unescape(&plain, name) ? WEIR_SLICE("") : weir_buf_slice(&plain));
	weir_buf_fini(&plain);
}

bool weir_chat_without(const struct weir_chat_target *target, const char *name)
{
	for (unsigned i = 0; i < target->without_n; i++)
		if (strcmp(target->without[i], name) == 0)
			return true;
	return false;
}

struct weir_slice weir_chat_short(struct weir_slice name, unsigned max, char text[128])
{
	enum { TAIL = 9 }; /* "_", and half a hash */
	size_t n = max - TAIL;
	const char *escape;

	if (name.len <= max)
		return name;
	while (n && (name.base[n] & 0xc0) == 0x80)
		n--;
	escape = memchr(name.base, '\\', n);
	if (escape)
		n = (size_t)(escape - name.base);
	memcpy(text, name.base, n);
	snprintf(text + n, TAIL + 1, "_%08x", (unsigned)(weir_slice_hash(name) & UINT32_MAX));
	return weir_slice(text, n + TAIL);
}

/* How long the character at i is, and whether it is white space. */
static size_t measure(struct weir_slice s, size_t i, bool *blank)
{
	if (s.base[i] != '\\' || i + 1 == s.len) {
		*blank = s.base[i] == ' ';
		return 1;
	}
	*blank = s.base[i + 1] == 'n' || s.base[i + 1] == 't' || s.base[i + 1] == 'r';
	return 2;
}

struct weir_slice weir_chat_trim_end(struct weir_slice string)
{
	struct weir_slice s = weir_chat_inside(string);
	size_t end = 0, i = 0;

	while (i < s.len) {
		bool blank;

		i += measure(s, i, &blank);
		if (!blank)
			end = i;
	}
	return weir_slice(s.base, end);
}

bool weir_chat_is_blank(struct weir_slice string)
{
	return weir_chat_trim_end(string).len == 0;
}

struct weir_slice weir_chat_plain_id(struct weir_slice inside)
{
	static const char mark[] = WEIR_CHAT_ID_MARK;
	const char *at = inside.len ? memmem(inside.base, inside.len, mark, sizeof mark - 1) : NULL;

	return at ? weir_slice(inside.base, (size_t)(at - inside.base)) : inside;
}

bool weir_chat_data_url(struct weir_slice string, struct weir_slice *media, struct weir_slice *data)
{
	struct weir_slice s = weir_chat_inside(string), base64 = WEIR_SLICE(";base64");
	const char *comma, *semicolon;

	if (!weir_slice_starts_nocase(s, "data:"))
		return false;
	s = weir_slice(s.base + 5, s.len - 5);
	comma = s.len ? memchr(s.base, ',', s.len) : NULL;
	if (!comma)
		return false;
	*media = weir_slice(s.base, (size_t)(comma - s.base));
	*data = weir_slice(comma + 1, s.len - media->len - 1);
	if (media->len < base64.len ||
	    !weir_equal_nocase(comma - base64.len, base64.base, base64.len))
		return false;
	semicolon = memchr(media->base, ';', media->len);
	media->len = (size_t)(semicolon - media->base);
	return true;
}

int weir_chat_decode(const struct weir_part *part, struct weir_buf *scratch, struct weir_buf *out)
{
	int rc;

	weir_buf_clear(scratch);
	rc = weir_json_unescape(scratch, part->data);
	return rc ? rc : weir_base64_decode(out, weir_buf_slice(scratch));
}

bool weir_chat_is_empty(const struct weir_json_member *m)
{
	double number;

	switch (m->type) {
	case WEIR_JSON_NULL:
		return true;
	case WEIR_JSON_BOOL:
		return weir_slice_is(m->value, "false");
	case WEIR_JSON_NUMBER:
		return weir_slice_to_double(m->value, &number) && number == 0;
	case WEIR_JSON_STRING:
		return m->value.len == 2;
	case WEIR_JSON_ARRAY:
	case WEIR_JSON_OBJECT:
		break;
	}
	for (size_t i = 1; i + 1 < m->value.len; i++)
		if (!strchr(" \t\r\n", m->value.base[i]))
			return false;
	return true;
}

static const char *const efforts[] = {
	[WEIR_EFFORT_NONE] = "none", [WEIR_EFFORT_MINIMAL] = "minimal",
	[WEIR_EFFORT_LOW] = "low",   [WEIR_EFFORT_MEDIUM] = "medium",
	[WEIR_EFFORT_HIGH] = "high", [WEIR_EFFORT_XHIGH] = "xhigh",
	[WEIR_EFFORT_MAX] = "max",
};

const char *weir_chat_effort_name(enum weir_chat_effort effort)
{
	return efforts[effort];
}

enum weir_chat_effort weir_chat_effort(struct weir_slice string)
{
	for (unsigned i = WEIR_EFFORT_NONE; i <= WEIR_EFFORT_MAX; i++)
		if (weir_json_text_is(weir_chat_inside(string), efforts[i]))
			return (enum weir_chat_effort)i;
	return WEIR_EFFORT_NONE_GIVEN;
}

/* Inside of a string a backslash goes with what it escapes. Returns what it has read. */
static size_t put_escape(struct weir_pen *pen, struct weir_slice rest)
{
	bool both = rest.len > 1 && (rest.base[1] == '"' || rest.base[1] == '\\');

	weir_put(pen, both ? "\\\\\\" : "\\\\");
	weir_put_slice(pen, weir_slice(rest.base + 1, rest.len > 1));
	return rest.len > 1 ? 2 : 1;
}

void weir_put_inside(struct weir_pen *pen, struct weir_slice json)
{
	bool string = false;
	size_t from = 0, i = 0;

	if (json.len && json.base[0] == '"') {
		weir_put_slice(pen, weir_chat_inside(json));
		return;
	}
	while (i < json.len && pen->rc == 0) {
		char c = json.base[i];

		if (c != '"' && c != '\\' && (string || !strchr(" \t\r\n", c))) {
			i++;
			continue;
		}
		weir_put_slice(pen, weir_slice(json.base + from, i - from));
		if (c == '\\') {
			i += put_escape(pen, weir_slice(json.base + i, json.len - i));
		} else {
			weir_put(pen, c == '"' ? "\\\"" : "");
			string ^= c == '"';
			i++;
		}
		from = i;
	}
	if (from < json.len)
		weir_put_slice(pen, weir_slice(json.base + from, json.len - from));
}

bool weir_chat_answers(const struct weir_part *result, const struct weir_part *call)
{
	return result->type == WEIR_PART_RESULT && result->number == call->number &&
	       weir_slice_eq(result->id, call->id);
}
