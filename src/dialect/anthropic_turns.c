/* A chat's messages as Anthropic wants them: user and assistant by turns, the results of a
 * turn's calls first in the next one, all of them and no others, and nothing empty. */
#include <stdio.h>

#include "base/assert.h"
#include "base/error.h"
#include "dialect/anthropic.h"
#include "dialect/pen.h"

struct writer {
	const struct weir_chat *chat;
	struct weir_drops *drops;
	struct weir_pen pen;
	struct weir_buf text; /* of a call's arguments, or of a document, decoded */
	struct weir_buf scratch;
	unsigned turns_n;  /* written */
	unsigned blocks_n; /* of the present turn */
	bool prefill;
	bool system; /* instructions may stand between the turns */
};

static void put(struct writer *w, const char *text)
{
	weir_put(&w->pen, text);
}

/* A turn is opened by its first block. */
static void begin_block(struct writer *w, enum weir_chat_role role)
{
	static const char *const names[] = {
		[WEIR_ROLE_SYSTEM] = "system",
		[WEIR_ROLE_USER] = "user",
		[WEIR_ROLE_ASSISTANT] = "assistant",
	};

	if (w->blocks_n == 0) {
		put(w, w->turns_n++ ? ",{\"role\":\"" : "{\"role\":\"");
		put(w, names[role]);
		put(w, "\",\"content\":[");
	}
	put(w, w->blocks_n++ ? "," : "");
}

static void end_turn(struct writer *w)
{
	if (w->blocks_n)
		put(w, "]}");
	w->blocks_n = 0;
}

static void put_cache(struct writer *w, const struct weir_part *part)
{
	if (part->cache.len == 0)
		return;
	put(w, ",\"cache_control\":");
	weir_put_slice(&w->pen, part->cache);
}

static void put_member(struct writer *w, const char *name, struct weir_slice value)
{
	put(w, ",\"");
	put(w, name);
	put(w, "\":");
	weir_put_slice(&w->pen, value);
}

static void put_text(struct writer *w, const struct weir_part *part, const char *before,
		     const char *behind, bool trim)
{
	struct weir_slice inside = trim ? weir_chat_trim_end(part->text)
					: weir_chat_inside(part->text);

	put(w, "{\"type\":\"text\",\"text\":\"");
	put(w, before);
	weir_put_slice(&w->pen, inside);
	put(w, behind);
	put(w, "\"");
	put_cache(w, part);
	put(w, "}");
}

/* A text is told as one; whatever kind of text it is. */
static void put_plain_source(struct writer *w, const struct weir_part *part)
{
	weir_buf_clear(&w->text);
	/* It was judged before: if it is none now, there was no memory to see it. */
	if (w->pen.rc == 0 && weir_chat_decode(part, &w->scratch, &w->text))
		w->pen.rc = WEIR_ENOMEM;
	put(w, "{\"type\":\"text\",\"media_type\":\"text/plain\",\"data\":");
	weir_put_json(&w->pen, weir_buf_slice(&w->text));
	put(w, "}");
}

static void put_source(struct writer *w, const struct weir_part *part)
{
	put(w, ",\"source\":");
	if (part->type == WEIR_PART_DOCUMENT && weir_slice_starts_nocase(part->media, "text/")) {
		put_plain_source(w, part);
		return;
	}
	if (part->url.len) {
		put(w, "{\"type\":\"url\"");
		put_member(w, "url", part->url);
	} else {
		put(w, "{\"type\":\"base64\",\"media_type\":");
		weir_put_quoted(&w->pen, weir_json_text_is(part->media, "image/jpg")
						 ? WEIR_SLICE("image/jpeg")
						 : part->media);
		put(w, ",\"data\":");
		weir_put_quoted(&w->pen, part->data);
	}
	put(w, "}");
}

/* An image or a document. */
static void put_medium(struct writer *w, const struct weir_part *part)
{
	put(w, part->type == WEIR_PART_IMAGE ? "{\"type\":\"image\"" : "{\"type\":\"document\"");
	put_source(w, part);
	if (part->name.len > 2)
		put_member(w, "title", part->name);
	put_cache(w, part);
	put(w, "}");
}

/* [a-zA-Z0-9_-]+, the same for a call and its result; two that are told apart by other signs
 * stay two. */
static void put_id(struct writer *w, const struct weir_part *part)
{
	struct weir_slice id = weir_chat_plain_id(weir_chat_inside(part->id));
	bool changed = false;
	char mark[16];

	put(w, "\"");
	if (part->number) {
		put(w, "call_");
		weir_put_u64(&w->pen, part->number);
	}
	for (size_t i = 0; i < id.len && w->pen.rc == 0; i++) {
		char c = id.base[i], lower = weir_lower(c);

		if (!((lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
		      c == '-')) {
			changed = true;
			c = '_';
		}
		weir_put_slice(&w->pen, weir_slice(&c, 1));
	}
	snprintf(mark, sizeof mark, "_%08x", (unsigned)(weir_slice_hash(id) & UINT32_MAX));
	put(w, changed ? mark : "");
	put(w, "\"");
}

static bool is_object(struct weir_slice text)
{
	size_t offset, i = 0;

	while (i < text.len && strchr(" \t\r\n", text.base[i]) && text.base[i])
		i++;
	return i < text.len && text.base[i] == '{' && weir_json_check(text, &offset) == 0;
}

/* Arguments may be anything a model has written: what is no object is kept as a text. */
static void put_input(struct writer *w, struct weir_slice arguments)
{
	weir_buf_clear(&w->text);
	if (arguments.len && arguments.base[0] != '"') {
		weir_put_slice(&w->pen, arguments);
	} else if (weir_chat_is_blank(arguments)) {
		put(w, "{}");
	} else {
		if (w->pen.rc == 0)
			w->pen.rc = weir_json_unescape(&w->text, arguments);
		if (is_object(weir_buf_slice(&w->text))) {
			weir_put_slice(&w->pen, weir_buf_slice(&w->text));
			return;
		}
		put(w, "{\"_raw\":");
		weir_put_slice(&w->pen, arguments);
		put(w, "}");
	}
}

static void put_call(struct writer *w, const struct weir_part *part)
{
	put(w, "{\"type\":\"tool_use\",\"id\":");
	put_id(w, part);
	put_member(w, "name", part->name);
	put(w, ",\"input\":");
	put_input(w, part->text);
	put_cache(w, part);
	put(w, "}");
}

static bool is_written(const struct weir_part *part)
{
	return part->type != WEIR_PART_TEXT || !weir_chat_is_blank(part->text);
}

static void put_plain(struct writer *w, const struct weir_part *part)
{
	if (part->type == WEIR_PART_TEXT)
		put_text(w, part, "", "", false);
	else
		put_medium(w, part);
}

/* Part i is a result; what is inside of it follows. */
static void put_result(struct writer *w, unsigned i)
{
	const struct weir_part *parts = w->chat->parts;
	unsigned n = 0;

	put(w, "{\"type\":\"tool_result\",\"tool_use_id\":");
	put_id(w, &parts[i]);
	for (unsigned k = i + 1; k < w->chat->parts_n && parts[k].inside; k++) {
		if (!is_written(&parts[k]))
			continue;
		put(w, n++ ? "," : ",\"content\":[");
		put_plain(w, &parts[k]);
	}
	put(w, n ? "]" : "");
	put(w, parts[i].is_error ? ",\"is_error\":true}" : "}");
}

/* Each call of the assistant's turn [begin, end) gets its result of [end, stop), or one that
 * says that there is none. Returns how many there were to find. */
static unsigned put_results(struct writer *w, unsigned begin, unsigned end, unsigned stop)
{
	const struct weir_part *parts = w->chat->parts;
	unsigned found = 0;

	for (unsigned c = begin; c < end; c++) {
		unsigned i = end;

		if (parts[c].type != WEIR_PART_CALL)
			continue;
		while (i < stop && !weir_chat_answers(&parts[i], &parts[c]))
			i++;
		begin_block(w, WEIR_ROLE_USER);
		if (i < stop) {
			found++;
			put_result(w, i);
			continue;
		}
		put(w, "{\"type\":\"tool_result\",\"tool_use_id\":");
		put_id(w, &parts[c]);
		put(w, ",\"content\":\"No result provided.\",\"is_error\":true}");
	}
	return found;
}

static unsigned count_results(struct writer *w, unsigned begin, unsigned end)
{
	unsigned n = 0;

	for (unsigned i = begin; i < end; i++)
		n += w->chat->parts[i].type == WEIR_PART_RESULT;
	return n;
}

static bool is_instruction(const struct weir_part *part)
{
	return part->role == WEIR_ROLE_SYSTEM && part->type == WEIR_PART_TEXT && is_written(part);
}

/* Instructions behind all that the user says, as a turn of their own: only there they may be. */
static void put_system(struct writer *w, unsigned begin, unsigned end)
{
	end_turn(w);
	for (unsigned i = begin; i < end; i++) {
		if (!is_instruction(&w->chat->parts[i]))
			continue;
		begin_block(w, WEIR_ROLE_SYSTEM);
		put_text(w, &w->chat->parts[i], "", "", false);
	}
}

/* What is not a result; instructions among it are marked as such. */
static void put_users(struct writer *w, unsigned begin, unsigned end)
{
	for (unsigned i = begin; i < end; i++) {
		const struct weir_part *part = &w->chat->parts[i];

		if (part->type == WEIR_PART_RESULT || part->inside || !is_written(part))
			continue;
		begin_block(w, WEIR_ROLE_USER);
		if (is_instruction(part))
			put_text(w, part, "<system>", "</system>", false);
		else
			put_plain(w, part);
	}
}

static void put_user(struct writer *w, unsigned begin, unsigned end)
{
	unsigned stop = end;

	while (w->system && stop > begin &&
	       (is_instruction(&w->chat->parts[stop - 1]) ||
		!is_written(&w->chat->parts[stop - 1])))
		stop--;
	put_users(w, begin, stop);
	if (w->blocks_n == 0)
		put_users(w, stop, end);
	else if (stop < end)
		put_system(w, stop, end);
}

static void put_assistant(struct writer *w, unsigned begin, unsigned end)
{
	bool last = end == w->chat->parts_n;

	for (unsigned i = begin; i < end; i++) {
		const struct weir_part *part = &w->chat->parts[i];

		if (!is_written(part))
			continue;
		begin_block(w, WEIR_ROLE_ASSISTANT);
		if (part->type == WEIR_PART_CALL)
			put_call(w, part);
		else if (part->type == WEIR_PART_THINKING)
			weir_put_slice(&w->pen, part->text);
		else if (part->type == WEIR_PART_TEXT)
			put_text(w, part, "", "", last && i + 1 == end);
		else
			put_plain(w, part);
	}
}

static void put_go_on(struct writer *w)
{
	begin_block(w, WEIR_ROLE_USER);
	put(w, "{\"type\":\"text\",\"text\":\"Continue.\"}");
	end_turn(w);
}

/* One after the other; the assistant's turn before reaches from `begin` to `at`. */
static void put_all(struct writer *w, unsigned at)
{
	const struct weir_part *parts = w->chat->parts;
	unsigned n = w->chat->parts_n, begin = at;
	bool calls = false;

	while (at < n) {
		bool assistant = parts[at].role == WEIR_ROLE_ASSISTANT;
		unsigned end = at;

		while (end < n && (parts[end].role == WEIR_ROLE_ASSISTANT) == assistant)
			end++;
		if (assistant) {
			if (w->turns_n == 0)
				put_go_on(w);
			put_assistant(w, at, end);
			begin = at;
		} else {
			if (put_results(w, begin, at, end) < count_results(w, at, end))
				weir_chat_drop(w->drops, WEIR_SLICE("tool_result"));
			put_user(w, at, end);
		}
		end_turn(w);
		calls = assistant;
		at = end;
	}
	if (!calls)
		return;
	put_results(w, begin, n, n);
	end_turn(w);
}

static bool ends_with_assistant(const struct weir_chat *chat)
{
	const struct weir_part *last = &chat->parts[chat->parts_n - 1];

	return last->role == WEIR_ROLE_ASSISTANT && last->type != WEIR_PART_CALL;
}

int weir_anthropic_put_turns(const struct weir_chat *chat, bool prefill, bool system,
			     struct weir_buf *out, struct weir_drops *drops)
{
	struct writer w = {
		.chat = chat,
		.drops = drops,
		.pen = { out, 0 },
		.prefill = prefill,
		.system = system,
	};
	unsigned at = 0;

	WEIR_ASSERT(chat->parts_n > 0);
	weir_buf_init(&w.text, WEIR_CHAT_BODY_MAX);
	weir_buf_init(&w.scratch, WEIR_CHAT_BODY_MAX);
	while (at < chat->parts_n && chat->parts[at].role == WEIR_ROLE_SYSTEM)
		at++;
	put(&w, "[");
	put_all(&w, at);
	if (w.turns_n == 0 || (!prefill && ends_with_assistant(chat)))
		put_go_on(&w);
	put(&w, "]");
	weir_buf_fini(&w.text);
	weir_buf_fini(&w.scratch);
	return w.pen.rc;
}
