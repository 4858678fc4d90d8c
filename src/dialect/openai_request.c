/* A chat as a chat completions request. */
#include <stdio.h>

#include "base/error.h"
#include "dialect/openai.h"
#include "dialect/pen.h"

enum {
	STOPS_MAX = 4,
	USER_MAX = 64,
	REASONING_RESERVE = 4096 /* its limit counts the thoughts as well */
};

struct writer {
	const struct weir_chat *chat;
	const struct weir_chat_target *target;
	struct weir_drops *drops;
	struct weir_pen pen;
	unsigned messages_n;
	bool thinks;       /* this request makes it think */
	unsigned calls_at; /* where the assistant's turn before began */
};

static void put(struct writer *w, const char *text)
{
	weir_put(&w->pen, text);
}

static void drop(struct writer *w, const char *name)
{
	weir_chat_drop(w->drops, weir_slice_of(name));
}

static struct weir_slice field(const struct writer *w, enum weir_chat_field f)
{
	return w->chat->fields[f];
}

static void put_member(struct writer *w, const char *name, struct weir_slice value)
{
	put(w, ",\"");
	put(w, name);
	put(w, "\":");
	weir_put_slice(&w->pen, value);
}

/* Does the target refuse it: has it said so, or is it known to? */
static bool refuses(const struct writer *w, const char *name)
{
	const struct weir_model_facts *facts = w->target->facts;
	struct weir_slice slice = weir_slice_of(name);

	return weir_chat_without(w->target, name) || weir_model_lists(facts->refuses, slice) ||
	       (w->thinks && weir_model_lists(facts->refuses_thinking, slice));
}

/* False: the target refuses it, or it was not given. */
static bool wants(struct writer *w, enum weir_chat_field f, const char *name, const char *theirs)
{
	if (field(w, f).len == 0)
		return false;
	if (!refuses(w, name))
		return true;
	drop(w, theirs);
	return false;
}

static void begin_message(struct writer *w, const char *role)
{
	put(w, w->messages_n++ ? ",{\"role\":\"" : "{\"role\":\"");
	put(w, role);
	put(w, "\"");
}

/* A tool's. */
static void put_name(struct writer *w, struct weir_slice name)
{
	char text[128];

	weir_put_quoted(&w->pen,
			weir_chat_short(weir_chat_inside(name), WEIR_OPENAI_TOOL_NAME_MAX, text));
}

/* A text with its title above it. */
static void put_inside(struct writer *w, const struct weir_part *part)
{
	if (part->name.len > 2) {
		weir_put_slice(&w->pen, weir_chat_inside(part->name));
		put(w, "\\n");
	}
	weir_put_slice(&w->pen, weir_chat_inside(part->text));
}

/* The texts of [at, end) that are (not) inside of a result, as one string. */
static void put_texts(struct writer *w, unsigned at, unsigned end, bool inside, const char *between,
		      const char *before)
{
	const struct weir_part *parts = w->chat->parts;
	unsigned n = 0;

	put(w, "\"");
	put(w, before);
	for (unsigned i = at; i < end; i++) {
		if (parts[i].inside != inside || parts[i].type != WEIR_PART_TEXT)
			continue;
		put(w, n++ ? between : "");
		put_inside(w, &parts[i]);
	}
	put(w, "\"");
}

static void put_part(struct writer *w, const struct weir_part *part)
{
	if (part->type == WEIR_PART_TEXT) {
		put(w, "{\"type\":\"text\",\"text\":\"");
		put_inside(w, part);
		put(w, "\"}");
		return;
	}
	if (part->type == WEIR_PART_DOCUMENT) {
		put(w, "{\"type\":\"file\",\"file\":{\"filename\":");
		weir_put_slice(&w->pen,
			       part->name.len > 2 ? part->name : WEIR_SLICE("\"document.pdf\""));
		put(w, ",\"file_data\":\"data:");
	} else if (part->url.len) {
		put(w, "{\"type\":\"image_url\",\"image_url\":{\"url\":");
		weir_put_slice(&w->pen, part->url);
		put(w, "}}");
		return;
	} else {
		put(w, "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:");
	}
	weir_put_slice(&w->pen, part->media);
	put(w, ";base64,");
	weir_put_slice(&w->pen, part->data);
	put(w, "\"}}");
}

static unsigned end_of_inside(const struct weir_chat *chat, unsigned i)
{
	unsigned end = i + 1;

	while (end < chat->parts_n && chat->parts[end].inside)
		end++;
	return end;
}

static bool has_media(const struct weir_chat *chat, unsigned at, unsigned end)
{
	for (unsigned i = at; i < end; i++)
		if (chat->parts[i].type == WEIR_PART_IMAGE ||
		    chat->parts[i].type == WEIR_PART_DOCUMENT)
			return true;
	return false;
}

static void put_id(struct writer *w, const struct weir_part *part)
{
	if (!part->number) {
		weir_put_quoted(&w->pen, weir_chat_plain_id(weir_chat_inside(part->id)));
		return;
	}
	put(w, "\"call_");
	weir_put_u64(&w->pen, part->number);
	put(w, "\"");
}

static void begin_result(struct writer *w, const struct weir_part *part)
{
	begin_message(w, "tool");
	put(w, ",\"tool_call_id\":");
	put_id(w, part);
	put(w, ",\"content\":");
}

/* A result holds only text: what else there is follows as the user's. */
static void put_result(struct writer *w, unsigned i)
{
	const struct weir_part *part = &w->chat->parts[i];
	unsigned stop = end_of_inside(w->chat, i);

	begin_result(w, part);
	if (has_media(w->chat, i + 1, stop))
		put_texts(w, i + 1, stop, true, "\\n", "(Its files are in the next message.) ");
	else
		put_texts(w, i + 1, stop, true, "\\n", part->is_error ? "Error: " : "");
	put(w, "}");
}

/* Each call of the assistant's turn [w->calls_at, at) gets its result of those before the next
 * one, or one that says that there is none; a result of no call is not told. */
static void put_results(struct writer *w, unsigned at)
{
	const struct weir_part *parts = w->chat->parts;
	unsigned stop = at, results = 0;

	while (stop < w->chat->parts_n && parts[stop].role != WEIR_ROLE_ASSISTANT)
		results += parts[stop++].type == WEIR_PART_RESULT;
	for (unsigned c = w->calls_at; c < at; c++) {
		unsigned i = at;

		if (parts[c].type != WEIR_PART_CALL)
			continue;
		while (i < stop && !weir_chat_answers(&parts[i], &parts[c]))
			i++;
		if (i < stop) {
			put_result(w, i);
			results--;
			continue;
		}
		begin_result(w, &parts[c]);
		put(w, "\"No result provided.\"}");
	}
	if (results)
		drop(w, "tool_result");
}

/* Stands in the user's own message: not a result, nor the text of one. */
static bool is_users(const struct weir_part *part)
{
	return part->type != WEIR_PART_RESULT && (!part->inside || part->type != WEIR_PART_TEXT);
}

static void put_user(struct writer *w, unsigned at, unsigned end)
{
	const struct weir_part *parts = w->chat->parts;
	unsigned n = 0, texts = 0, put_n = 0;

	for (unsigned i = at; i < end; i++) {
		n += is_users(&parts[i]);
		texts += is_users(&parts[i]) && parts[i].type == WEIR_PART_TEXT;
	}
	if (n == 0)
		return;
	begin_message(w, "user");
	put(w, ",\"content\":");
	if (n == 1 && texts == 1) {
		put_texts(w, at, end, false, "", "");
	} else {
		for (unsigned i = at; i < end; i++) {
			if (!is_users(&parts[i]))
				continue;
			put(w, put_n++ ? "," : "[");
			put_part(w, &parts[i]);
		}
		put(w, "]");
	}
	put(w, "}");
}

static void put_calls(struct writer *w, unsigned at, unsigned end)
{
	const struct weir_part *parts = w->chat->parts;
	unsigned n = 0;

	for (unsigned i = at; i < end; i++) {
		if (parts[i].type != WEIR_PART_CALL)
			continue;
		put(w, n++ ? "," : ",\"tool_calls\":[");
		put(w, "{\"id\":");
		put_id(w, &parts[i]);
		put(w, ",\"type\":\"function\",\"function\":{\"name\":");
		put_name(w, parts[i].name);
		put(w, ",\"arguments\":\"");
		weir_put_inside(&w->pen, parts[i].text.len ? parts[i].text : WEIR_SLICE("{}"));
		put(w, "\"}}");
	}
	put(w, n ? "]" : "");
}

static void put_assistant(struct writer *w, unsigned at, unsigned end)
{
	const struct weir_part *parts = w->chat->parts;
	unsigned texts = 0, calls = 0;

	for (unsigned i = at; i < end; i++) {
		texts += parts[i].type == WEIR_PART_TEXT;
		calls += parts[i].type == WEIR_PART_CALL;
	}
	if (texts + calls == 0)
		return;
	begin_message(w, "assistant");
	put(w, ",\"content\":");
	if (texts)
		put_texts(w, at, end, false, "", "");
	else
		put(w, "null");
	put_calls(w, at, end);
	put(w, "}");
}

static void put_messages(struct writer *w)
{
	const struct weir_chat *chat = w->chat;
	unsigned at = 0, end;

	put(w, ",\"messages\":[");
	for (; at < chat->parts_n; at = end) {
		enum weir_chat_role role = chat->parts[at].role;
		bool follows = at && chat->parts[at - 1].role == WEIR_ROLE_ASSISTANT;

		end = at + 1;
		while (end < chat->parts_n && chat->parts[end].role == role &&
		       (role == WEIR_ROLE_ASSISTANT || !chat->parts[end].begins))
			end++;
		if (role == WEIR_ROLE_ASSISTANT) {
			put_assistant(w, at, end);
			w->calls_at = at;
			continue;
		}
		if (follows || at == 0)
			put_results(w, at);
		if (role == WEIR_ROLE_USER) {
			put_user(w, at, end);
		} else {
			begin_message(w, "system");
			put(w, ",\"content\":");
			put_texts(w, at, end, false, "\\n", "");
			put(w, "}");
		}
	}
	if (chat->parts[chat->parts_n - 1].role == WEIR_ROLE_ASSISTANT)
		put_results(w, chat->parts_n);
	put(w, "]");
}

/* A model that hides its thoughts counts them as well: a limit meant for words would leave it
 * none. */
static void put_limit(struct writer *w)
{
	const struct weir_model_facts *facts = w->target->facts;
	const char *name = facts->max_tokens ? facts->max_tokens : "max_tokens";
	uint64_t most = facts->output_tokens, tokens;

	if (!weir_slice_to_u64(field(w, WEIR_CHAT_MAX_TOKENS), &tokens))
		return;
	tokens += facts->thinks >= WEIR_THINKS_ASKED && facts->max_tokens ? REASONING_RESERVE : 0;
	put(w, ",\"");
	put(w, name);
	put(w, "\":");
	weir_put_u64(&w->pen, most && most < tokens ? most : tokens);
}

static void put_stop(struct writer *w)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;
	unsigned n = 0;

	if (field(w, WEIR_CHAT_STOP).len == 0 || weir_json_open(&cursor, field(w, WEIR_CHAT_STOP)))
		return;
	while (weir_json_next(&cursor, &m) == 1) {
		if (refuses(w, "stop") || n == STOPS_MAX) {
			drop(w, "stop_sequences");
			break;
		}
		put(w, n++ ? "," : ",\"stop\":[");
		weir_put_slice(&w->pen, m.value);
	}
	put(w, n ? "]" : "");
}

/* What is refused is its default all the same. */
static void put_sampling(struct writer *w)
{
	static const struct {
		enum weir_chat_field field;
		const char *name;
	} fields[] = { { WEIR_CHAT_TEMPERATURE, "temperature" }, { WEIR_CHAT_TOP_P, "top_p" } };

	for (size_t i = 0; i < WEIR_COUNT_OF(fields); i++) {
		struct weir_slice value = field(w, fields[i].field);

		if (value.len && !refuses(w, fields[i].name))
			put_member(w, fields[i].name, value);
		else if (value.len && !weir_slice_is(value, "1"))
			drop(w, fields[i].name);
	}
	if (field(w, WEIR_CHAT_TOP_K).len)
		drop(w, "top_k");
}

static void put_tools(struct writer *w)
{
	static const char *const choices[] = {
		[WEIR_TOOLS_AUTO] = "\"auto\"",
		[WEIR_TOOLS_NONE] = "\"none\"",
		[WEIR_TOOLS_ANY] = "\"required\"",
	};
	const struct weir_chat *chat = w->chat;

	for (unsigned i = 0; i < chat->tools_n; i++) {
		const struct weir_chat_tool *tool = &chat->tools[i];

		put(w, i ? "," : ",\"tools\":[");
		put(w, "{\"type\":\"function\",\"function\":{\"name\":");
		put_name(w, tool->name);
		if (tool->description.len)
			put_member(w, "description", tool->description);
		if (tool->schema.len)
			put_member(w, "parameters", tool->schema);
		if (tool->strict.len)
			put_member(w, "strict", tool->strict);
		put(w, "}}");
	}
	if (chat->tools_n == 0)
		return;
	put(w, "]");
	if (chat->choice == WEIR_TOOLS_ONE) {
		put(w, ",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":");
		put_name(w, chat->choice_name);
		put(w, "}}");
	} else if (chat->choice != WEIR_TOOLS_NONE_GIVEN) {
		put_member(w, "tool_choice", weir_slice_of(choices[chat->choice]));
	}
	if (chat->serial && !refuses(w, "parallel_tool_calls"))
		put(w, ",\"parallel_tool_calls\":false");
}

enum weir_chat_effort weir_openai_effort(const struct weir_model_facts *facts,
					 enum weir_chat_effort wish, bool tools)
{
	bool asked = wish != WEIR_EFFORT_NONE_GIVEN || facts->thinks == WEIR_THINKS_ON;

	if (facts->thinks <= WEIR_THINKS_OFF)
		return WEIR_EFFORT_NONE_GIVEN;
	if (facts->no_thinking_with_tools && tools && asked)
		return WEIR_EFFORT_NONE;
	return wish == WEIR_EFFORT_NONE_GIVEN ? wish : weir_model_effort(facts, wish);
}

static void put_effort(struct writer *w, enum weir_chat_effort effort)
{
	if (effort == WEIR_EFFORT_NONE_GIVEN) {
		if (w->chat->effort > WEIR_EFFORT_NONE)
			drop(w, "thinking");
		return;
	}
	put(w, ",\"reasoning_effort\":\"");
	put(w, weir_chat_effort_name(effort));
	put(w, "\"");
}

static unsigned count_members(struct weir_slice container)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;
	unsigned n = 0;

	if (weir_json_open(&cursor, container))
		return 0;
	while (weir_json_next(&cursor, &m) == 1)
		n++;
	return n;
}

/* Nothing beside what is named, all of it required, and no object inside: only then may the
 * schema be called strict. */
static bool is_strict(struct weir_slice schema)
{
	static const char nested[] = "\"object\"";
	struct weir_json_member m;
	unsigned properties, objects = 0;

	if (!weir_json_get(schema, "additionalProperties", &m) || !weir_slice_is(m.value, "false"))
		return false;
	for (size_t i = 0; i + sizeof nested - 1 <= schema.len; i++)
		objects += memcmp(schema.base + i, nested, sizeof nested - 1) == 0;
	if (objects > 1 || !weir_json_get(schema, "properties", &m))
		return false;
	properties = count_members(m.value);
	return properties == 0 ||
	       (weir_json_get(schema, "required", &m) && count_members(m.value) == properties);
}

static void put_format(struct writer *w)
{
	const struct weir_chat *chat = w->chat;

	if (chat->format == WEIR_FORMAT_TEXT || refuses(w, "response_format"))
		return;
	if (chat->format == WEIR_FORMAT_OBJECT) {
		put(w, ",\"response_format\":{\"type\":\"json_object\"}");
		return;
	}
	put(w, ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":");
	weir_put_slice(&w->pen,
		       chat->schema_name.len ? chat->schema_name : WEIR_SLICE("\"response\""));
	put_member(w, "schema", chat->schema);
	put(w, is_strict(chat->schema) ? ",\"strict\":true}}" : ",\"strict\":false}}");
}

/* A long name would be refused; it only has to be the same each time. */
static void put_user_name(struct writer *w)
{
	struct weir_slice user = field(w, WEIR_CHAT_USER);
	char hash[24];

	if (!wants(w, WEIR_CHAT_USER, "user", "metadata"))
		return;
	if (weir_chat_inside(user).len <= USER_MAX) {
		put_member(w, "user", user);
		return;
	}
	snprintf(hash, sizeof hash, "\"%016llx\"", (unsigned long long)weir_slice_hash(user));
	put_member(w, "user", weir_slice_of(hash));
}

const char *weir_openai_cannot(const struct weir_chat *chat, const struct weir_chat_target *target)
{
	(void)target;
	if (chat->cannot)
		return chat->cannot;
	for (unsigned i = 0; i < chat->parts_n; i++) {
		if (chat->parts[i].type == WEIR_PART_DOCUMENT &&
		    !weir_json_text_is(chat->parts[i].media, "application/pdf"))
			return "cannot_carry_document";
		if (chat->parts[i].type == WEIR_PART_AUDIO)
			return "cannot_carry_audio";
	}
	return NULL;
}

int weir_openai_put_request(const struct weir_chat *chat, const struct weir_chat_target *target,
			    struct weir_buf *out, struct weir_drops *drops)
{
	struct writer w = {
		.chat = chat,
		.target = target,
		.drops = drops,
		.pen = { out, 0 },
	};
	enum weir_chat_effort effort = WEIR_EFFORT_NONE_GIVEN;

	if (!refuses(&w, "reasoning_effort"))
		effort = weir_openai_effort(target->facts, chat->effort, chat->tools_n > 0);
	w.thinks = effort > WEIR_EFFORT_NONE ||
		   (effort == WEIR_EFFORT_NONE_GIVEN && target->facts->thinks >= WEIR_THINKS_ON);
	put(&w, "{\"model\":");
	weir_put_json(&w.pen, weir_slice_of(target->model));
	put_messages(&w);
	put_limit(&w);
	if (chat->stream)
		put(&w, ",\"stream\":true,\"stream_options\":{\"include_usage\":true}");
	put_sampling(&w);
	put_stop(&w);
	put_tools(&w);
	put_effort(&w, effort);
	put_format(&w);
	put_user_name(&w);
	if (wants(&w, WEIR_CHAT_TIER, "service_tier", "service_tier"))
		put_member(&w, "service_tier", field(&w, WEIR_CHAT_TIER));
	put(&w, "}");
	return w.pen.rc;
}
