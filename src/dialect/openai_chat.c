/* A chat completions request, as everybody's: what another dialect can be asked. */
#include "base/error.h"
#include "dialect/chat.h"
#include "dialect/openai.h"

/* Bytes of a list that is looked through for each tool. */
enum { ALLOWED_MAX = 64 * 1024 };

struct reader {
	struct weir_chat *chat;
	bool no_memory;
	bool called; /* the legacy function_call before, whose result has no id */
};

static bool is(const struct weir_json_member *m, const char *name)
{
	return weir_json_text_is(m->key, name);
}

static struct weir_part *add(struct reader *r, enum weir_chat_role role, enum weir_part_type type)
{
	struct weir_part *part = weir_chat_add(r->chat, role, type);

	r->no_memory |= !part && !r->chat->cannot;
	return part;
}

static void refuse(struct reader *r, const char *reason, const char *param)
{
	weir_chat_refuse(r->chat, reason, param);
}

static bool over(const struct reader *r)
{
	return r->no_memory || r->chat->cannot;
}

static void add_text(struct reader *r, enum weir_chat_role role, struct weir_slice text,
		     struct weir_slice cache)
{
	struct weir_part *part = add(r, role, WEIR_PART_TEXT);

	if (!part)
		return;
	part->text = text;
	part->cache = cache;
}

static void add_image(struct reader *r, enum weir_chat_role role, struct weir_slice object)
{
	struct weir_slice url = weir_json_pick(
		weir_json_pick(object, "image_url", WEIR_JSON_OBJECT), "url", WEIR_JSON_STRING);
	struct weir_part *part;

	if (url.len == 0)
		url = weir_json_pick(object, "image_url", WEIR_JSON_STRING);
	if (url.len == 0) {
		refuse(r, "cannot_carry_image", "messages");
		return;
	}
	part = add(r, role, WEIR_PART_IMAGE);
	if (part && !weir_chat_data_url(url, &part->media, &part->data))
		part->url = url;
}

static void add_file(struct reader *r, enum weir_chat_role role, struct weir_slice object)
{
	struct weir_slice file = weir_json_pick(object, "file", WEIR_JSON_OBJECT);
	struct weir_slice data = weir_json_pick(file, "file_data", WEIR_JSON_STRING);
	struct weir_slice media, base64;
	struct weir_part *part;

	if (!weir_chat_data_url(data, &media, &base64) ||
	    (!weir_json_text_is(media, "application/pdf") &&
	     !weir_slice_starts_nocase(media, "text/"))) {
		refuse(r, "cannot_carry_file", "messages");
		return;
	}
	part = add(r, role, WEIR_PART_DOCUMENT);
	if (!part)
		return;
	part->media = media;
	part->data = base64;
	part->name = weir_json_pick(file, "filename", WEIR_JSON_STRING);
}

static void add_audio(struct reader *r, enum weir_chat_role role, struct weir_slice object)
{
	struct weir_slice audio = weir_json_pick(object, "input_audio", WEIR_JSON_OBJECT);
	struct weir_slice format = weir_json_pick(audio, "format", WEIR_JSON_STRING);
	struct weir_part *part;

	if (!weir_chat_means(format, "wav") && !weir_chat_means(format, "mp3")) {
		refuse(r, "cannot_carry_audio", "messages");
		return;
	}
	part = add(r, role, WEIR_PART_AUDIO);
	if (!part)
		return;
	part->media = weir_chat_means(format, "wav") ? WEIR_SLICE("audio/wav")
						     : WEIR_SLICE("audio/mp3");
	part->data = weir_chat_inside(weir_json_pick(audio, "data", WEIR_JSON_STRING));
}

static void read_part(struct reader *r, enum weir_chat_role role, const struct weir_json_member *m)
{
	struct weir_slice type = m->type == WEIR_JSON_OBJECT
					 ? weir_json_pick(m->value, "type", WEIR_JSON_STRING)
					 : WEIR_SLICE("");

	if (weir_chat_means(type, "text"))
		add_text(r, role, weir_json_pick(m->value, "text", WEIR_JSON_STRING),
			 weir_json_pick(m->value, "cache_control", WEIR_JSON_OBJECT));
	else if (weir_chat_means(type, "refusal"))
		add_text(r, role, weir_json_pick(m->value, "refusal", WEIR_JSON_STRING),
			 WEIR_SLICE(""));
	else if (weir_chat_means(type, "image_url"))
		add_image(r, role, m->value);
	else if (weir_chat_means(type, "file"))
		add_file(r, role, m->value);
	else if (weir_chat_means(type, "input_audio"))
		add_audio(r, role, m->value);
	else
		refuse(r, "cannot_carry_part", "messages");
}

/* A string or a list of parts. */
static void read_content(struct reader *r, enum weir_chat_role role,
			 const struct weir_json_member *content)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;

	if (content->type == WEIR_JSON_STRING) {
		add_text(r, role, content->value, WEIR_SLICE(""));
	} else if (content->type == WEIR_JSON_ARRAY) {
		weir_json_open(&cursor, content->value);
		while (!over(r) && weir_json_next(&cursor, &m) == 1)
			read_part(r, role, &m);
	} else if (content->type != WEIR_JSON_NULL) {
		refuse(r, "cannot_carry_messages", "messages");
	}
}

static void add_call(struct reader *r, struct weir_slice id, struct weir_slice function)
{
	struct weir_part *part = add(r, WEIR_ROLE_ASSISTANT, WEIR_PART_CALL);

	if (!part)
		return;
	part->name = weir_json_pick(function, "name", WEIR_JSON_STRING);
	part->text = weir_json_pick(function, "arguments", WEIR_JSON_STRING);
	part->id = id;
	if (weir_chat_inside(id).len == 0) {
		part->id = WEIR_SLICE("");
		part->number = ++r->chat->numbers_n;
	}
	if (weir_chat_inside(part->name).len == 0)
		refuse(r, "cannot_carry_tool_call", "messages");
}

static void read_calls(struct reader *r, struct weir_slice calls)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;

	if (calls.len == 0 || weir_json_open(&cursor, calls))
		return;
	while (!over(r) && weir_json_next(&cursor, &m) == 1) {
		if (m.type == WEIR_JSON_OBJECT &&
		    weir_json_pick(m.value, "function", WEIR_JSON_OBJECT).len)
			add_call(r, weir_json_pick(m.value, "id", WEIR_JSON_STRING),
				 weir_json_pick(m.value, "function", WEIR_JSON_OBJECT));
		else
			refuse(r, "cannot_carry_custom_tool", "messages");
	}
}

/* Thoughts are kept only with the signature of who thought them. */
static void read_thoughts(struct reader *r, struct weir_slice blocks)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;
	struct weir_part *part;

	if (blocks.len == 0 || weir_json_open(&cursor, blocks))
		return;
	while (!over(r) && weir_json_next(&cursor, &m) == 1) {
		if (m.type != WEIR_JSON_OBJECT ||
		    (weir_json_pick(m.value, "signature", WEIR_JSON_STRING).len <= 2 &&
		     weir_json_pick(m.value, "data", WEIR_JSON_STRING).len <= 2))
			continue;
		part = add(r, WEIR_ROLE_ASSISTANT, WEIR_PART_THINKING);
		if (part)
			part->text = m.value;
	}
}

static void read_assistant(struct reader *r, struct weir_slice message)
{
	struct weir_slice call = weir_json_pick(message, "function_call", WEIR_JSON_OBJECT);
	struct weir_json_member content;

	read_thoughts(r, weir_json_pick(message, "thinking_blocks", WEIR_JSON_ARRAY));
	if (weir_json_get(message, "content", &content))
		read_content(r, WEIR_ROLE_ASSISTANT, &content);
	if (weir_json_pick(message, "refusal", WEIR_JSON_STRING).len > 2)
		add_text(r, WEIR_ROLE_ASSISTANT,
			 weir_json_pick(message, "refusal", WEIR_JSON_STRING), WEIR_SLICE(""));
	read_calls(r, weir_json_pick(message, "tool_calls", WEIR_JSON_ARRAY));
	r->called = call.len > 0;
	if (r->called)
		add_call(r, WEIR_SLICE(""), call);
}

static void read_result(struct reader *r, struct weir_slice message, bool legacy)
{
	struct weir_part *part = add(r, WEIR_ROLE_USER, WEIR_PART_RESULT);
	struct weir_json_member content;
	unsigned first;

	if (!part)
		return;
	part->id = weir_json_pick(message, "tool_call_id", WEIR_JSON_STRING);
	if (weir_chat_inside(part->id).len == 0) {
		part->id = WEIR_SLICE("");
		part->number = legacy && !r->called ? 0 : r->chat->numbers_n;
	}
	r->called = false;
	first = r->chat->parts_n;
	if (weir_json_get(message, "content", &content))
		read_content(r, WEIR_ROLE_USER, &content);
	for (unsigned i = first; i < r->chat->parts_n; i++)
		r->chat->parts[i].inside = true;
}

static void read_message(struct reader *r, const struct weir_json_member *message)
{
	unsigned first = r->chat->parts_n;
	struct weir_json_member content = { .type = WEIR_JSON_NULL };
	struct weir_slice role;

	if (message->type != WEIR_JSON_OBJECT) {
		refuse(r, "cannot_carry_messages", "messages");
		return;
	}
	role = weir_json_pick(message->value, "role", WEIR_JSON_STRING);
	(void)weir_json_get(message->value, "content", &content);
	if (weir_chat_means(role, "system") || weir_chat_means(role, "developer"))
		read_content(r, WEIR_ROLE_SYSTEM, &content);
	else if (weir_chat_means(role, "user"))
		read_content(r, WEIR_ROLE_USER, &content);
	else if (weir_chat_means(role, "assistant"))
		read_assistant(r, message->value);
	else if (weir_chat_means(role, "tool") || weir_chat_means(role, "function"))
		read_result(r, message->value, weir_chat_means(role, "function"));
	else
		refuse(r, "cannot_carry_role", "messages");
	if (first < r->chat->parts_n)
		r->chat->parts[first].begins = true;
}

static void read_messages(struct reader *r, const struct weir_json_member *messages)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;

	if (messages->type != WEIR_JSON_ARRAY) {
		refuse(r, "cannot_carry_messages", "messages");
		return;
	}
	weir_json_open(&cursor, messages->value);
	while (!over(r) && weir_json_next(&cursor, &m) == 1)
		read_message(r, &m);
}

static void add_tool(struct reader *r, struct weir_slice function, struct weir_slice cache)
{
	struct weir_chat_tool *tool = weir_chat_add_tool(r->chat);
	struct weir_json_member strict;

	r->no_memory |= !tool && !r->chat->cannot;
	if (!tool)
		return;
	tool->name = weir_json_pick(function, "name", WEIR_JSON_STRING);
	tool->description = weir_json_pick(function, "description", WEIR_JSON_STRING);
	tool->schema = weir_json_pick(function, "parameters", WEIR_JSON_OBJECT);
	tool->cache = cache;
	if (weir_json_get(function, "strict", &strict) && strict.type == WEIR_JSON_BOOL)
		tool->strict = strict.value;
	if (weir_chat_inside(tool->name).len == 0)
		refuse(r, "cannot_carry_tool", "tools");
}

/* legacy: a list of functions, not of tools that hold one. */
static void read_tools(struct reader *r, const struct weir_json_member *tools, bool legacy)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;

	if (tools->type != WEIR_JSON_ARRAY || weir_json_open(&cursor, tools->value))
		return;
	while (!over(r) && weir_json_next(&cursor, &m) == 1) {
		struct weir_slice function = legacy ? m.value
						    : weir_json_pick(m.value, "function",
								     WEIR_JSON_OBJECT);

		if (m.type == WEIR_JSON_OBJECT && function.len)
			add_tool(r, function,
				 legacy ? WEIR_SLICE("")
					: weir_json_pick(m.value, "cache_control",
							 WEIR_JSON_OBJECT));
		else
			refuse(r, "cannot_carry_custom_tool", "tools");
	}
}

static bool allows(struct weir_slice list, struct weir_slice name)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;

	weir_json_open(&cursor, list);
	while (weir_json_next(&cursor, &m) == 1)
		if (m.type == WEIR_JSON_OBJECT &&
		    weir_slice_eq(
			    weir_json_pick(weir_json_pick(m.value, "function", WEIR_JSON_OBJECT),
					   "name", WEIR_JSON_STRING),
			    name))
			return true;
	return false;
}

/* {"type":"allowed_tools","allowed_tools":{"mode","tools":[…]}} */
static void read_allowed(struct reader *r, struct weir_slice allowed)
{
	struct weir_slice list = weir_json_pick(allowed, "tools", WEIR_JSON_ARRAY);

	if (list.len == 0 || list.len > ALLOWED_MAX) {
		refuse(r, "cannot_carry_tool_choice", "tool_choice");
		return;
	}
	for (unsigned i = 0; i < r->chat->tools_n; i++)
		r->chat->tools[i].hidden = !allows(list, r->chat->tools[i].name);
	r->chat->choice = weir_chat_means(weir_json_pick(allowed, "mode", WEIR_JSON_STRING),
					  "required")
				  ? WEIR_TOOLS_ANY
				  : WEIR_TOOLS_AUTO;
}

static void read_choice(struct reader *r, const struct weir_json_member *m)
{
	struct weir_chat *chat = r->chat;
	struct weir_slice function, name;

	if (m->type == WEIR_JSON_STRING) {
		chat->choice = weir_chat_means(m->value, "none")       ? WEIR_TOOLS_NONE
			       : weir_chat_means(m->value, "required") ? WEIR_TOOLS_ANY
								       : WEIR_TOOLS_AUTO;
		return;
	}
	if (m->type != WEIR_JSON_OBJECT)
		return;
	if (weir_json_pick(m->value, "allowed_tools", WEIR_JSON_OBJECT).len) {
		read_allowed(r, weir_json_pick(m->value, "allowed_tools", WEIR_JSON_OBJECT));
		return;
	}
	function = weir_json_pick(m->value, "function", WEIR_JSON_OBJECT);
	name = weir_json_pick(function.len ? function : m->value, "name", WEIR_JSON_STRING);
	if (name.len == 0) {
		refuse(r, "cannot_carry_tool_choice", "tool_choice");
		return;
	}
	chat->choice = WEIR_TOOLS_ONE;
	chat->choice_name = name;
}

static void read_format(struct reader *r, const struct weir_json_member *m)
{
	struct weir_slice type, schema;
	struct weir_json_member strict;

	if (m->type != WEIR_JSON_OBJECT)
		return;
	type = weir_json_pick(m->value, "type", WEIR_JSON_STRING);
	schema = weir_json_pick(m->value, "json_schema", WEIR_JSON_OBJECT);
	if (weir_chat_means(type, "json_object")) {
		r->chat->format = WEIR_FORMAT_OBJECT;
	} else if (weir_chat_means(type, "json_schema") &&
		   weir_json_pick(schema, "schema", WEIR_JSON_OBJECT).len) {
		r->chat->format = WEIR_FORMAT_SCHEMA;
		r->chat->schema = weir_json_pick(schema, "schema", WEIR_JSON_OBJECT);
		r->chat->schema_name = weir_json_pick(schema, "name", WEIR_JSON_STRING);
		if (weir_json_get(schema, "strict", &strict) && strict.type == WEIR_JSON_BOOL)
			r->chat->schema_strict = strict.value;
	} else if (!weir_chat_means(type, "text")) {
		refuse(r, "cannot_carry_response_format", "response_format");
	}
}

static void read_modalities(struct reader *r, const struct weir_json_member *m)
{
	struct weir_json_cursor cursor;
	struct weir_json_member word;

	if (m->type != WEIR_JSON_ARRAY || weir_json_open(&cursor, m->value))
		return;
	while (weir_json_next(&cursor, &word) == 1)
		if (!weir_chat_means(word.value, "text"))
			refuse(r, "cannot_carry_audio", "modalities");
}

static void read_usage_wish(struct reader *r, const struct weir_json_member *m)
{
	if (m->type == WEIR_JSON_OBJECT)
		r->chat->include_usage = weir_slice_is(
			weir_json_pick(m->value, "include_usage", WEIR_JSON_BOOL), "true");
}

/* Fields that go on as they are, of two the earlier in the table when both stand. */
static const struct {
	const char *name;
	enum weir_chat_field field;
} plain[] = {
	{ "max_completion_tokens", WEIR_CHAT_MAX_TOKENS },
	{ "max_tokens", WEIR_CHAT_MAX_TOKENS },
	{ "temperature", WEIR_CHAT_TEMPERATURE },
	{ "top_p", WEIR_CHAT_TOP_P },
	{ "top_k", WEIR_CHAT_TOP_K },
	{ "seed", WEIR_CHAT_SEED },
	{ "stop", WEIR_CHAT_STOP },
	{ "safety_identifier", WEIR_CHAT_USER },
	{ "user", WEIR_CHAT_USER },
	{ "service_tier", WEIR_CHAT_TIER },
	{ "thinking", WEIR_CHAT_THINKING },
	{ "cache_control", WEIR_CHAT_CACHE },
};

static void read_plain(struct reader *r, const struct weir_json_member *members, unsigned n)
{
	for (size_t k = 0; k < WEIR_COUNT_OF(plain); k++) {
		struct weir_slice *field = &r->chat->fields[plain[k].field];

		for (unsigned i = 0; i < n && field->len == 0; i++)
			if (is(&members[i], plain[k].name) && members[i].type != WEIR_JSON_NULL)
				*field = members[i].value;
	}
}

static bool is_plain(const struct weir_json_member *m)
{
	for (size_t k = 0; k < WEIR_COUNT_OF(plain); k++)
		if (is(m, plain[k].name))
			return true;
	return false;
}

/* What was read elsewhere. */
static bool is_known(const struct weir_json_member *m)
{
	return is(m, "model") || is_plain(m);
}

static void read_odd(struct reader *r, const struct weir_json_member *m)
{
	if (is(m, "web_search_options") && m->type != WEIR_JSON_NULL) /* {} asks for it, too */
		refuse(r, "cannot_carry_web_search_options", "web_search_options");
	if (is_known(m) || weir_chat_is_empty(m))
		return;
	if (is(m, "n")) {
		if (!weir_slice_is(m->value, "1"))
			refuse(r, "cannot_carry_n", "n");
	} else if (is(m, "logprobs") || is(m, "top_logprobs")) {
		refuse(r, "cannot_carry_logprobs", "logprobs");
	} else if (is(m, "modalities")) {
		read_modalities(r, m);
	} else if (is(m, "audio")) {
		refuse(r, "cannot_carry_audio", "audio");
	} else {
		weir_chat_drop(&r->chat->drops, m->key);
	}
}

static void read_member(struct reader *r, const struct weir_json_member *m)
{
	if (is(m, "messages"))
		read_messages(r, m);
	else if (is(m, "tools"))
		read_tools(r, m, false);
	else if (is(m, "functions"))
		read_tools(r, m, true);
	else if (is(m, "tool_choice") || is(m, "function_call"))
		; /* when all tools are known */
	else if (is(m, "response_format"))
		read_format(r, m);
	else if (is(m, "stream"))
		r->chat->stream = weir_slice_is(m->value, "true");
	else if (is(m, "stream_options"))
		read_usage_wish(r, m);
	else if (is(m, "parallel_tool_calls"))
		r->chat->serial = weir_slice_is(m->value, "false");
	else if (is(m, "reasoning_effort"))
		r->chat->effort = weir_chat_effort(m->value);
	else
		read_odd(r, m);
}

int weir_openai_read_chat(struct weir_chat *chat, const struct weir_json_member *members,
			  unsigned n)
{
	struct reader r = { .chat = chat };

	*chat = (struct weir_chat){ 0 };
	for (unsigned i = 0; i < n && !over(&r); i++)
		read_member(&r, &members[i]);
	for (unsigned i = 0; i < n && !over(&r); i++)
		if (is(&members[i], "tool_choice") || is(&members[i], "function_call"))
			read_choice(&r, &members[i]);
	read_plain(&r, members, n);
	if (!over(&r) && chat->parts_n == 0)
		refuse(&r, "cannot_carry_messages", "messages");
	return r.no_memory ? WEIR_ENOMEM : 0;
}
