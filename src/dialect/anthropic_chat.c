/* A Messages request, as everybody's: what another dialect can be asked. */
#include "base/error.h"
#include "dialect/anthropic.h"

enum { BUDGET_MEDIUM = 2048, BUDGET_HIGH = 8192 };

struct reader {
	struct weir_chat *chat;
	bool no_memory;
};

static bool is(const struct weir_json_member *m, const char *name)
{
	return weir_json_text_is(m->key, name);
}

static void refuse(struct reader *r, const char *reason, const char *param)
{
	weir_chat_refuse(r->chat, reason, param);
}

static bool over(const struct reader *r)
{
	return r->no_memory || r->chat->cannot;
}

static struct weir_part *add(struct reader *r, enum weir_chat_role role, enum weir_part_type type)
{
	struct weir_part *part = weir_chat_add(r->chat, role, type);

	r->no_memory |= !part && !r->chat->cannot;
	return part;
}

/* Claude Code tells Anthropic by a system text of its own whom to bill: nobody else's affair. */
static bool is_attribution(enum weir_chat_role role, struct weir_slice text)
{
	return role == WEIR_ROLE_SYSTEM &&
	       weir_slice_starts(weir_chat_inside(text), "x-anthropic-billing-header:");
}

static void add_text(struct reader *r, enum weir_chat_role role, struct weir_slice text,
		     struct weir_slice title)
{
	struct weir_part *part = is_attribution(role, text) ? NULL : add(r, role, WEIR_PART_TEXT);

	if (!part)
		return;
	part->text = text;
	part->name = title;
}

/* What is here as base64, or elsewhere at a URL. */
static void add_medium(struct reader *r, enum weir_chat_role role, struct weir_slice block,
		       enum weir_part_type type)
{
	struct weir_slice source = weir_json_pick(block, "source", WEIR_JSON_OBJECT);
	struct weir_slice kind = weir_json_pick(source, "type", WEIR_JSON_STRING);
	bool image = type == WEIR_PART_IMAGE;
	struct weir_part *part;

	if (!weir_chat_means(kind, "base64") && !(image && weir_chat_means(kind, "url"))) {
		refuse(r, image ? "cannot_carry_image" : "cannot_carry_document", "messages");
		return;
	}
	part = add(r, role, type);
	if (!part)
		return;
	part->url = weir_json_pick(source, "url", WEIR_JSON_STRING);
	part->media = weir_chat_inside(weir_json_pick(source, "media_type", WEIR_JSON_STRING));
	part->data = weir_chat_inside(weir_json_pick(source, "data", WEIR_JSON_STRING));
	part->name = weir_json_pick(block, "title", WEIR_JSON_STRING);
}

static void add_document(struct reader *r, enum weir_chat_role role, struct weir_slice block)
{
	struct weir_slice source = weir_json_pick(block, "source", WEIR_JSON_OBJECT);

	if (weir_chat_means(weir_json_pick(source, "type", WEIR_JSON_STRING), "text"))
		add_text(r, role, weir_json_pick(source, "data", WEIR_JSON_STRING),
			 weir_json_pick(block, "title", WEIR_JSON_STRING));
	else
		add_medium(r, role, block, WEIR_PART_DOCUMENT);
}

static void add_search_result(struct reader *r, enum weir_chat_role role, struct weir_slice block)
{
	struct weir_slice content = weir_json_pick(block, "content", WEIR_JSON_ARRAY);
	struct weir_slice title = weir_json_pick(block, "title", WEIR_JSON_STRING);
	struct weir_json_cursor cursor;
	struct weir_json_member m;

	if (content.len == 0 || weir_json_open(&cursor, content))
		return;
	while (!over(r) && weir_json_next(&cursor, &m) == 1) {
		add_text(r, role, weir_json_pick(m.value, "text", WEIR_JSON_STRING), title);
		title = WEIR_SLICE("");
	}
}

static void add_call(struct reader *r, struct weir_slice block)
{
	struct weir_part *part = add(r, WEIR_ROLE_ASSISTANT, WEIR_PART_CALL);

	if (!part)
		return;
	part->id = weir_json_pick(block, "id", WEIR_JSON_STRING);
	part->name = weir_json_pick(block, "name", WEIR_JSON_STRING);
	part->text = weir_json_pick(block, "input", WEIR_JSON_OBJECT);
	if (weir_chat_inside(part->name).len == 0 || weir_chat_inside(part->id).len == 0)
		refuse(r, "cannot_carry_tool_call", "messages");
}

/* What only Anthropic's own servers understand, and what others must not see. */
static bool is_private(struct weir_slice type)
{
	static const char *const types[] = { "server_tool_use",
					     "web_search_tool_result",
					     "web_fetch_tool_result",
					     "code_execution_tool_result",
					     "bash_code_execution_tool_result",
					     "text_editor_code_execution_tool_result",
					     "mcp_tool_use",
					     "mcp_tool_result",
					     "compaction" };

	for (size_t i = 0; i < WEIR_COUNT_OF(types); i++)
		if (weir_chat_means(type, types[i]))
			return true;
	return false;
}

/* A block that may also stand inside of a result. */
static bool add_plain(struct reader *r, enum weir_chat_role role, struct weir_slice block,
		      struct weir_slice type)
{
	if (weir_chat_means(type, "text"))
		add_text(r, role, weir_json_pick(block, "text", WEIR_JSON_STRING), WEIR_SLICE(""));
	else if (weir_chat_means(type, "image"))
		add_medium(r, role, block, WEIR_PART_IMAGE);
	else if (weir_chat_means(type, "document"))
		add_document(r, role, block);
	else if (weir_chat_means(type, "search_result"))
		add_search_result(r, role, block);
	else
		return false;
	return true;
}

static void add_inside(struct reader *r, const struct weir_json_member *content)
{
	unsigned first = r->chat->parts_n;
	struct weir_json_cursor cursor;
	struct weir_json_member m;

	if (content->type == WEIR_JSON_STRING)
		add_text(r, WEIR_ROLE_USER, content->value, WEIR_SLICE(""));
	else if (content->type == WEIR_JSON_ARRAY && weir_json_open(&cursor, content->value) == 0)
		while (!over(r) && weir_json_next(&cursor, &m) == 1)
			if (!add_plain(r, WEIR_ROLE_USER, m.value,
				       weir_json_pick(m.value, "type", WEIR_JSON_STRING)))
				refuse(r, "cannot_carry_part", "messages");
	for (unsigned i = first; i < r->chat->parts_n; i++)
		r->chat->parts[i].inside = true;
}

static void add_result(struct reader *r, struct weir_slice block)
{
	struct weir_part *part = add(r, WEIR_ROLE_USER, WEIR_PART_RESULT);
	struct weir_json_member content;

	if (!part)
		return;
	part->id = weir_json_pick(block, "tool_use_id", WEIR_JSON_STRING);
	if (part->id.len <= 2)
		refuse(r, "cannot_carry_tool_result", "messages");
	part->is_error = weir_slice_is(weir_json_pick(block, "is_error", WEIR_JSON_BOOL), "true");
	if (weir_json_get(block, "content", &content))
		add_inside(r, &content);
}

static void read_block(struct reader *r, enum weir_chat_role role, const struct weir_json_member *m)
{
	struct weir_slice type = m->type == WEIR_JSON_OBJECT
					 ? weir_json_pick(m->value, "type", WEIR_JSON_STRING)
					 : WEIR_SLICE("");

	if (add_plain(r, role, m->value, type))
		return;
	if (weir_chat_means(type, "tool_use"))
		add_call(r, m->value);
	else if (weir_chat_means(type, "tool_result"))
		add_result(r, m->value);
	else if (is_private(type))
		weir_chat_drop(&r->chat->drops, weir_chat_inside(type));
	else if (!weir_chat_means(type, "thinking") && !weir_chat_means(type, "redacted_thinking"))
		refuse(r, "cannot_carry_part", "messages");
}

static void read_content(struct reader *r, enum weir_chat_role role,
			 const struct weir_json_member *content)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;

	if (content->type == WEIR_JSON_STRING)
		add_text(r, role, content->value, WEIR_SLICE(""));
	else if (content->type == WEIR_JSON_ARRAY && weir_json_open(&cursor, content->value) == 0)
		while (!over(r) && weir_json_next(&cursor, &m) == 1)
			read_block(r, role, &m);
	else
		refuse(r, "cannot_carry_messages", "messages");
}

static void read_message(struct reader *r, const struct weir_json_member *message)
{
	struct weir_slice role = message->type == WEIR_JSON_OBJECT
					 ? weir_json_pick(message->value, "role", WEIR_JSON_STRING)
					 : WEIR_SLICE("");
	struct weir_json_member content = { .type = WEIR_JSON_NULL };
	unsigned first = r->chat->parts_n;

	if (message->type == WEIR_JSON_OBJECT)
		(void)weir_json_get(message->value, "content", &content);
	if (weir_chat_means(role, "user"))
		read_content(r, WEIR_ROLE_USER, &content);
	else if (weir_chat_means(role, "assistant"))
		read_content(r, WEIR_ROLE_ASSISTANT, &content);
	else if (weir_chat_means(role, "system"))
		read_content(r, WEIR_ROLE_SYSTEM, &content);
	else
		refuse(r, "cannot_carry_role", "messages");
	if (first < r->chat->parts_n)
		r->chat->parts[first].begins = true;
}

static void read_messages(struct reader *r, const struct weir_json_member *messages)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;

	if (messages->type != WEIR_JSON_ARRAY || weir_json_open(&cursor, messages->value)) {
		refuse(r, "cannot_carry_messages", "messages");
		return;
	}
	while (!over(r) && weir_json_next(&cursor, &m) == 1)
		read_message(r, &m);
}

/* With a version in its type it is one of Anthropic's own. */
static void read_tool(struct reader *r, struct weir_slice tool)
{
	struct weir_slice type = weir_json_pick(tool, "type", WEIR_JSON_STRING);
	struct weir_chat_tool *added;

	if (type.len && !weir_chat_means(type, "custom")) {
		weir_chat_drop(&r->chat->drops, weir_chat_inside(type));
		return;
	}
	added = weir_chat_add_tool(r->chat);
	r->no_memory |= !added && !r->chat->cannot;
	if (!added)
		return;
	added->name = weir_json_pick(tool, "name", WEIR_JSON_STRING);
	added->description = weir_json_pick(tool, "description", WEIR_JSON_STRING);
	added->schema = weir_json_pick(tool, "input_schema", WEIR_JSON_OBJECT);
	added->strict = weir_json_pick(tool, "strict", WEIR_JSON_BOOL);
	if (weir_chat_inside(added->name).len == 0)
		refuse(r, "cannot_carry_tool", "tools");
}

static void read_tools(struct reader *r, const struct weir_json_member *tools)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;

	if (tools->type != WEIR_JSON_ARRAY || weir_json_open(&cursor, tools->value))
		return;
	while (!over(r) && weir_json_next(&cursor, &m) == 1)
		if (m.type == WEIR_JSON_OBJECT)
			read_tool(r, m.value);
}

static bool has_tool(const struct weir_chat *chat, struct weir_slice name)
{
	for (unsigned i = 0; i < chat->tools_n; i++)
		if (weir_slice_eq(chat->tools[i].name, name))
			return true;
	return false;
}

static void read_choice(struct reader *r, const struct weir_json_member *m)
{
	struct weir_chat *chat = r->chat;
	struct weir_slice type;

	if (m->type != WEIR_JSON_OBJECT)
		return;
	type = weir_json_pick(m->value, "type", WEIR_JSON_STRING);
	chat->serial = weir_slice_is(
		weir_json_pick(m->value, "disable_parallel_tool_use", WEIR_JSON_BOOL), "true");
	chat->choice = weir_chat_means(type, "none")   ? WEIR_TOOLS_NONE
		       : weir_chat_means(type, "any")  ? WEIR_TOOLS_ANY
		       : weir_chat_means(type, "tool") ? WEIR_TOOLS_ONE
						       : WEIR_TOOLS_AUTO;
	chat->choice_name = weir_json_pick(m->value, "name", WEIR_JSON_STRING);
	if (chat->choice == WEIR_TOOLS_ONE && !has_tool(chat, chat->choice_name))
		refuse(r, "cannot_carry_tool_choice", "tool_choice");
}

static void read_output(struct reader *r, const struct weir_json_member *m)
{
	struct weir_slice format, effort;

	if (m->type != WEIR_JSON_OBJECT)
		return;
	format = weir_json_pick(m->value, "format", WEIR_JSON_OBJECT);
	effort = weir_json_pick(m->value, "effort", WEIR_JSON_STRING);
	if (effort.len && r->chat->effort != WEIR_EFFORT_NONE)
		r->chat->effort = weir_chat_effort(effort);
	if (format.len == 0)
		return;
	r->chat->schema = weir_json_pick(format, "schema", WEIR_JSON_OBJECT);
	r->chat->format = WEIR_FORMAT_SCHEMA;
	if (r->chat->schema.len == 0)
		refuse(r, "cannot_carry_output_format", "output_config");
}

/* A number of tokens as an effort, unless one is named. */
static void read_thinking(struct reader *r, const struct weir_json_member *m)
{
	struct weir_slice type;
	uint64_t budget;

	if (m->type != WEIR_JSON_OBJECT)
		return;
	type = weir_json_pick(m->value, "type", WEIR_JSON_STRING);
	if (weir_chat_means(type, "disabled"))
		r->chat->effort = WEIR_EFFORT_NONE;
	if (!weir_chat_means(type, "enabled") || r->chat->effort != WEIR_EFFORT_NONE_GIVEN ||
	    !weir_slice_to_u64(weir_json_pick(m->value, "budget_tokens", WEIR_JSON_NUMBER),
			       &budget))
		return;
	r->chat->effort = budget < BUDGET_MEDIUM ? WEIR_EFFORT_LOW
			  : budget < BUDGET_HIGH ? WEIR_EFFORT_MEDIUM
						 : WEIR_EFFORT_HIGH;
}

static void read_tier(struct reader *r, const struct weir_json_member *m)
{
	if (weir_chat_means(m->value, "auto"))
		r->chat->fields[WEIR_CHAT_TIER] = WEIR_SLICE("\"auto\"");
	else if (weir_chat_means(m->value, "standard_only"))
		r->chat->fields[WEIR_CHAT_TIER] = WEIR_SLICE("\"default\"");
}

static void read_plain(struct reader *r, const struct weir_json_member *m)
{
	static const struct {
		const char *name;
		enum weir_chat_field field;
	} plain[] = {
		{ "max_tokens", WEIR_CHAT_MAX_TOKENS }, { "temperature", WEIR_CHAT_TEMPERATURE },
		{ "top_p", WEIR_CHAT_TOP_P },           { "top_k", WEIR_CHAT_TOP_K },
		{ "stop_sequences", WEIR_CHAT_STOP },
	};

	if (m->type == WEIR_JSON_NULL || is(m, "model") || is(m, "cache_control"))
		return;
	for (size_t i = 0; i < WEIR_COUNT_OF(plain); i++) {
		if (!is(m, plain[i].name))
			continue;
		r->chat->fields[plain[i].field] = m->value;
		return;
	}
	if (is(m, "mcp_servers") && !weir_chat_is_empty(m))
		refuse(r, "cannot_carry_mcp_servers", "mcp_servers");
	else if (!weir_chat_is_empty(m))
		weir_chat_drop(&r->chat->drops, m->key);
}

static void read_member(struct reader *r, const struct weir_json_member *m)
{
	if (is(m, "system") || is(m, "messages") || is(m, "tool_choice") || is(m, "thinking"))
		return; /* each in its turn */
	if (is(m, "tools"))
		read_tools(r, m);
	else if (is(m, "output_config"))
		read_output(r, m);
	else if (is(m, "metadata") && m->type == WEIR_JSON_OBJECT)
		r->chat->fields[WEIR_CHAT_USER] = weir_json_pick(m->value, "user_id",
								 WEIR_JSON_STRING);
	else if (is(m, "service_tier"))
		read_tier(r, m);
	else if (is(m, "stream"))
		r->chat->stream = weir_slice_is(m->value, "true");
	else
		read_plain(r, m);
}

static const struct weir_json_member *find(const struct weir_json_member *members, unsigned n,
					   const char *name)
{
	static const struct weir_json_member none = { .type = WEIR_JSON_NULL };

	for (unsigned i = 0; i < n; i++)
		if (is(&members[i], name))
			return &members[i];
	return &none;
}

int weir_anthropic_read_chat(struct weir_chat *chat, const struct weir_json_member *members,
			     unsigned n)
{
	const struct weir_json_member *system = find(members, n, "system");
	struct reader r = { .chat = chat };

	*chat = (struct weir_chat){ .include_usage = true };
	if (system->type != WEIR_JSON_NULL)
		read_content(&r, WEIR_ROLE_SYSTEM, system);
	if (chat->parts_n)
		chat->parts[0].begins = true;
	read_messages(&r, find(members, n, "messages"));
	for (unsigned i = 0; i < n && !over(&r); i++)
		read_member(&r, &members[i]);
	read_thinking(&r, find(members, n, "thinking"));
	read_choice(&r, find(members, n, "tool_choice"));
	if (!over(&r) && chat->parts_n == 0)
		refuse(&r, "cannot_carry_messages", "messages");
	return r.no_memory ? WEIR_ENOMEM : 0;
}
