/* A chat's messages as contents: user and model by turns, the results of a turn's calls in a
 * turn of their own, all of them and no others, and nothing empty. */
#include "base/assert.h"
#include "base/error.h"
#include "dialect/gemini.h"
#include "dialect/pen.h"

/* What stands for a signature where there is none (ai.google.dev/gemini-api/docs/thought-
 * signatures): the calls were another's, or their caller has changed the id. */
static const char no_signature[] = "skip_thought_signature_validator";

struct writer {
	const struct weir_chat *chat;
	struct weir_drops *drops;
	struct weir_pen pen;
	struct weir_buf text; /* of arguments or of a result, decoded */
	unsigned turns_n;     /* written */
	unsigned parts_n;     /* of the present turn */
	bool signs;
};

static void put(struct writer *w, const char *text)
{
	weir_put(&w->pen, text);
}

/* A turn is opened by its first part. */
static void begin_part(struct writer *w, const char *role)
{
	if (w->parts_n == 0) {
		put(w, w->turns_n++ ? ",{\"role\":\"" : "{\"role\":\"");
		put(w, role);
		put(w, "\",\"parts\":[");
	}
	put(w, w->parts_n++ ? "," : "");
}

static void end_turn(struct writer *w)
{
	if (w->parts_n)
		put(w, "]}");
	w->parts_n = 0;
}

void weir_gemini_put_text(struct weir_pen *pen, const struct weir_part *part, const char *before,
			  const char *behind)
{
	weir_put(pen, "{\"text\":\"");
	weir_put(pen, before);
	if (part->name.len > 2) {
		weir_put_slice(pen, weir_chat_inside(part->name));
		weir_put(pen, "\\n");
	}
	weir_put_slice(pen, weir_chat_inside(part->text));
	weir_put(pen, behind);
	weir_put(pen, "\"}");
}

static void put_medium(struct writer *w, const struct weir_part *part)
{
	put(w, "{\"inlineData\":{\"mimeType\":");
	weir_put_quoted(&w->pen, weir_json_text_is(part->media, "image/jpg")
					 ? WEIR_SLICE("image/jpeg")
					 : part->media);
	put(w, ",\"data\":");
	weir_put_quoted(&w->pen, part->data);
	put(w, "}}");
}

static bool is_written(const struct weir_part *part)
{
	return part->type != WEIR_PART_TEXT || !weir_chat_is_blank(part->text);
}

static bool is_object(struct weir_slice text)
{
	size_t offset, i = 0;

	while (i < text.len && strchr(" \t\r\n", text.base[i]) && text.base[i])
		i++;
	return i < text.len && text.base[i] == '{' && weir_json_check(text, &offset) == 0;
}

/* Arguments may be anything a model has written: what is no object is kept as a text. */
static void put_args(struct writer *w, struct weir_slice arguments)
{
	weir_buf_clear(&w->text);
	if (arguments.len && arguments.base[0] != '"') {
		weir_put_slice(&w->pen, arguments);
		return;
	}
	if (weir_chat_is_blank(arguments)) {
		put(w, "{}");
		return;
	}
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

/* Of calls beside each other only the first is signed. */
static void put_call(struct writer *w, const struct weir_part *part, bool first)
{
	struct weir_slice id = weir_chat_inside(part->id);
	size_t before;

	put(w, "{\"functionCall\":{");
	weir_gemini_put_own_id(&w->pen, id);
	put(w, "\"name\":");
	weir_put_slice(&w->pen, part->name);
	put(w, ",\"args\":");
	put_args(w, part->text);
	put(w, "}");
	before = w->pen.buf->len;
	put(w, ",\"thoughtSignature\":\"");
	if (weir_gemini_put_signature(&w->pen, id)) {
		put(w, "\"");
	} else if (w->signs && first) {
		put(w, no_signature);
		put(w, "\"");
	} else if (w->pen.rc == 0) {
		w->pen.buf->len = before;
	}
	put(w, "}");
}

/* The texts inside of the result at i, one after the other. escaped: as they stand. */
static void put_texts(struct writer *w, struct weir_buf *out, unsigned i, bool escaped)
{
	const struct weir_part *parts = w->chat->parts;
	struct weir_pen pen = { out, w->pen.rc };
	unsigned n = 0;

	for (unsigned k = i + 1; k < w->chat->parts_n && parts[k].inside; k++) {
		if (parts[k].type != WEIR_PART_TEXT || !is_written(&parts[k]))
			continue;
		if (n++)
			weir_put(&pen, escaped ? "\\n" : "\n");
		if (escaped)
			weir_put_slice(&pen, weir_chat_inside(parts[k].text));
		else if (pen.rc == 0)
			pen.rc = weir_json_unescape(out, parts[k].text);
	}
	w->pen.rc = pen.rc;
}

static bool has_media(const struct writer *w, unsigned i)
{
	const struct weir_part *parts = w->chat->parts;

	for (unsigned k = i + 1; k < w->chat->parts_n && parts[k].inside; k++)
		if (parts[k].type != WEIR_PART_TEXT)
			return true;
	return false;
}

/* An object is what an object says; anything else is made one. */
static void put_response(struct writer *w, unsigned i)
{
	bool failed = w->chat->parts[i].is_error;

	weir_buf_clear(&w->text);
	put_texts(w, &w->text, i, false);
	if (!failed && is_object(weir_buf_slice(&w->text))) {
		weir_put_slice(&w->pen, weir_buf_slice(&w->text));
		return;
	}
	put(w, failed ? "{\"error\":\"" : "{\"output\":\"");
	put(w, has_media(w, i) ? "(Its files are in the next message.) " : "");
	put_texts(w, w->pen.buf, i, true);
	put(w, "\"}");
}

/* Each call of the model's turn [begin, end) gets its result of [end, stop), or one that says
 * that there is none. Returns how many there were to find. */
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
		found += i < stop;
		begin_part(w, "user");
		put(w, "{\"functionResponse\":{");
		weir_gemini_put_own_id(&w->pen, weir_chat_inside(parts[c].id));
		put(w, "\"name\":");
		weir_put_slice(&w->pen, parts[c].name);
		put(w, ",\"response\":");
		if (i < stop)
			put_response(w, i);
		else
			put(w, "{\"error\":\"No result provided.\"}");
		put(w, "}}");
	}
	end_turn(w);
	return found;
}

static unsigned count_results(const struct writer *w, unsigned begin, unsigned end)
{
	unsigned n = 0;

	for (unsigned i = begin; i < end; i++)
		n += w->chat->parts[i].type == WEIR_PART_RESULT;
	return n;
}

/* What is not a result nor the text of one; instructions in mid-conversation are marked. */
static void put_user(struct writer *w, unsigned begin, unsigned end)
{
	for (unsigned i = begin; i < end; i++) {
		const struct weir_part *part = &w->chat->parts[i];
		bool text = part->type == WEIR_PART_TEXT;
		bool marked = part->role == WEIR_ROLE_SYSTEM;

		if (part->type == WEIR_PART_RESULT || (text && part->inside) || !is_written(part))
			continue;
		begin_part(w, "user");
		if (text)
			weir_gemini_put_text(&w->pen, part, marked ? "<system>" : "",
					     marked ? "</system>" : "");
		else
			put_medium(w, part);
	}
	end_turn(w);
}

static void put_model(struct writer *w, unsigned begin, unsigned end)
{
	bool called = false;

	for (unsigned i = begin; i < end; i++) {
		const struct weir_part *part = &w->chat->parts[i];

		if (!is_written(part) || part->type == WEIR_PART_THINKING)
			continue;
		begin_part(w, "model");
		if (part->type == WEIR_PART_CALL)
			put_call(w, part, !called);
		else if (part->type == WEIR_PART_TEXT)
			weir_gemini_put_text(&w->pen, part, "", "");
		else
			put_medium(w, part);
		called |= part->type == WEIR_PART_CALL;
	}
	end_turn(w);
}

static void put_go_on(struct writer *w)
{
	begin_part(w, "user");
	put(w, "{\"text\":\"Continue.\"}");
	end_turn(w);
}

/* One after the other; the model's turn before reaches from `begin` to `at`. */
static void put_all(struct writer *w, unsigned at)
{
	const struct weir_part *parts = w->chat->parts;
	unsigned n = w->chat->parts_n, begin = at;

	while (at < n) {
		bool model = parts[at].role == WEIR_ROLE_ASSISTANT;
		unsigned end = at;

		while (end < n && (parts[end].role == WEIR_ROLE_ASSISTANT) == model)
			end++;
		if (model) {
			if (w->turns_n == 0)
				put_go_on(w);
			put_model(w, at, end);
			begin = at;
		} else {
			if (put_results(w, begin, at, end) < count_results(w, at, end))
				weir_chat_drop(w->drops, WEIR_SLICE("tool_result"));
			put_user(w, at, end);
		}
		at = end;
	}
	if (n && parts[n - 1].role == WEIR_ROLE_ASSISTANT)
		put_results(w, begin, n, n);
}

/* It answers what a user says, and does not go on from its own words. */
static bool ends_with_model(const struct weir_chat *chat)
{
	const struct weir_part *last = &chat->parts[chat->parts_n - 1];

	return last->role == WEIR_ROLE_ASSISTANT && last->type != WEIR_PART_CALL;
}

int weir_gemini_put_turns(const struct weir_chat *chat, bool signs, struct weir_buf *out,
			  struct weir_drops *drops)
{
	struct writer w = { .chat = chat, .drops = drops, .pen = { out, 0 }, .signs = signs };
	unsigned at = 0;

	WEIR_ASSERT(chat->parts_n > 0);
	weir_buf_init(&w.text, WEIR_CHAT_BODY_MAX);
	while (at < chat->parts_n && chat->parts[at].role == WEIR_ROLE_SYSTEM)
		at++;
	put(&w, "[");
	put_all(&w, at);
	if (w.turns_n == 0 || ends_with_model(chat))
		put_go_on(&w);
	put(&w, "]");
	weir_buf_fini(&w.text);
	return w.pen.rc;
}
