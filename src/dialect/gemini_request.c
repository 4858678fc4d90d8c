/* A chat as a generateContent request: everything but its turns. */
#include "base/error.h"
#include "dialect/gemini.h"
#include "dialect/pen.h"

enum {
	STOPS_MAX = 5,
	NAME_MAX_BYTES = 64,
	TINY = 1024,    /* a limit that thoughts alone may eat up */
	RESERVE = 4096, /* added to one, where thinking cannot be switched off */
	BUDGET_LEAST_PRO = 128,
	BUDGET_MOST = 24576,
	BUDGET_MOST_PRO = 32768
};

/* The vendor's documentation of its models. */
struct traits {
	unsigned major, minor; /* 0: none of the numbered ones */
	bool pro, lite;
};

static unsigned number(const char **at)
{
	unsigned n = 0;

	while (**at >= '0' && **at <= '9' && n < 100)
		n = n * 10 + (unsigned)(*(*at)++ - '0');
	return n;
}

/* "gemini-2.5-flash", "models/gemini-3-pro-preview"; "gemini-flash-latest" is a new one. */
static struct traits traits_of(const char *model)
{
	const char *slash = strrchr(model, '/'), *at = slash ? slash + 1 : model;
	struct weir_slice name = weir_slice_of(at);
	struct traits traits = {
		.pro = weir_slice_has_nocase(name, "-pro"),
		.lite = weir_slice_has_nocase(name, "-lite"),
	};

	if (!weir_slice_starts_nocase(name, "gemini-"))
		return traits;
	at += strlen("gemini-");
	traits.major = number(&at);
	if (*at == '.')
		at++, traits.minor = number(&at);
	if (!traits.major && weir_slice_has_nocase(name, "-latest"))
		traits.major = 3;
	return traits;
}

static bool is_from(const struct traits *t, unsigned major, unsigned minor)
{
	return t->major > major || (t->major == major && t->minor >= minor);
}

struct writer {
	const struct weir_chat *chat;
	const struct weir_chat_target *target;
	struct weir_drops *drops;
	struct weir_pen pen;
	struct traits traits;
	unsigned members_n; /* of generationConfig */
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

/* Of generationConfig, which is there only when something is in it. */
static void begin_setting(struct writer *w, const char *name)
{
	put(w, w->members_n++ ? ",\"" : ",\"generationConfig\":{\"");
	put(w, name);
	put(w, "\":");
}

static void put_setting(struct writer *w, const char *name, struct weir_slice value)
{
	if (value.len == 0)
		return;
	begin_setting(w, name);
	weir_put_slice(&w->pen, value);
}

static void put_system(struct writer *w)
{
	const struct weir_chat *chat = w->chat;
	unsigned n = 0;

	for (unsigned i = 0; i < chat->parts_n && chat->parts[i].role == WEIR_ROLE_SYSTEM; i++) {
		const struct weir_part *part = &chat->parts[i];

		if (part->type != WEIR_PART_TEXT || weir_chat_is_blank(part->text))
			continue;
		put(w, n++ ? "," : ",\"systemInstruction\":{\"parts\":[");
		weir_gemini_put_text(&w->pen, part, "", "");
	}
	put(w, n ? "]}" : "");
}

static void put_tool(struct writer *w, const struct weir_chat_tool *tool)
{
	put(w, "{\"name\":");
	weir_put_slice(&w->pen, tool->name);
	if (tool->description.len) {
		put(w, ",\"description\":");
		weir_put_slice(&w->pen, tool->description);
	}
	if (!weir_chat_is_empty(&(struct weir_json_member){ .value = tool->schema,
							    .type = WEIR_JSON_OBJECT })) {
		put(w, ",\"parametersJsonSchema\":");
		weir_put_slice(&w->pen, tool->schema);
	}
	if (weir_slice_is(tool->strict, "true"))
		drop(w, "strict");
	put(w, "}");
}

static void put_choice(struct writer *w)
{
	static const char *const modes[] = {
		[WEIR_TOOLS_AUTO] = "AUTO",
		[WEIR_TOOLS_NONE] = "NONE",
		[WEIR_TOOLS_ANY] = "ANY",
		[WEIR_TOOLS_ONE] = "ANY",
	};
	enum weir_chat_choice choice = w->chat->choice;

	if (w->chat->serial)
		drop(w, "parallel_tool_calls");
	if (choice == WEIR_TOOLS_NONE_GIVEN)
		return;
	put(w, ",\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"");
	put(w, modes[choice]);
	put(w, "\"");
	if (choice == WEIR_TOOLS_ONE) {
		put(w, ",\"allowedFunctionNames\":[");
		weir_put_slice(&w->pen, w->chat->choice_name);
		put(w, "]");
	}
	put(w, "}}");
}

static void put_tools(struct writer *w)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->chat->tools_n; i++) {
		if (w->chat->tools[i].hidden)
			continue;
		put(w, n++ ? "," : ",\"tools\":[{\"functionDeclarations\":[");
		put_tool(w, &w->chat->tools[i]);
	}
	if (n == 0)
		return;
	put(w, "]}]");
	put_choice(w);
}

/* Can it be told not to? */
static bool can_think_not(const struct traits *t)
{
	if (t->major == 2)
		return t->minor < 5 || !t->pro;
	return !t->pro && !is_from(t, 3, 7); /* MINIMAL does not think of what is simple */
}

static uint64_t budget_of(const struct traits *t, enum weir_chat_effort effort)
{
	switch (effort) {
	case WEIR_EFFORT_NONE_GIVEN:
	case WEIR_EFFORT_NONE:
		return t->pro ? BUDGET_LEAST_PRO : 0;
	case WEIR_EFFORT_MINIMAL:
		return 512;
	case WEIR_EFFORT_LOW:
		return 1024;
	case WEIR_EFFORT_MEDIUM:
		return 8192;
	case WEIR_EFFORT_HIGH:
		return BUDGET_MOST;
	case WEIR_EFFORT_XHIGH:
	case WEIR_EFFORT_MAX:
		break;
	}
	return t->pro ? BUDGET_MOST_PRO : BUDGET_MOST;
}

static const char *level_of(const struct traits *t, enum weir_chat_effort effort)
{
	switch (effort) {
	case WEIR_EFFORT_NONE_GIVEN:
	case WEIR_EFFORT_NONE:
	case WEIR_EFFORT_MINIMAL:
		return can_think_not(t) ? "MINIMAL" : "LOW";
	case WEIR_EFFORT_LOW:
		return "LOW";
	case WEIR_EFFORT_MEDIUM:
		return "MEDIUM";
	case WEIR_EFFORT_HIGH:
	case WEIR_EFFORT_XHIGH:
	case WEIR_EFFORT_MAX:
		break;
	}
	return "HIGH";
}

static bool thinks(const struct traits *t)
{
	return is_from(t, 2, 5);
}

/* tiny: as little as there is, unless more was asked for. */
static void put_thinking(struct writer *w, bool tiny)
{
	enum weir_chat_effort effort = w->chat->effort;

	if (field(w, WEIR_CHAT_THINKING).len)
		drop(w, "thinking");
	if (effort == WEIR_EFFORT_NONE_GIVEN && !(tiny && thinks(&w->traits)))
		return;
	if (!thinks(&w->traits)) {
		if (effort > WEIR_EFFORT_NONE)
			drop(w, "reasoning_effort");
		return;
	}
	if (effort == WEIR_EFFORT_NONE && !can_think_not(&w->traits))
		drop(w, "reasoning_effort");
	begin_setting(w, "thinkingConfig");
	if (w->traits.major == 2) {
		put(w, "{\"thinkingBudget\":");
		weir_put_u64(&w->pen, budget_of(&w->traits, effort));
	} else {
		put(w, "{\"thinkingLevel\":\"");
		put(w, level_of(&w->traits, effort));
		put(w, "\"");
	}
	put(w, "}");
}

static void put_limit(struct writer *w)
{
	uint64_t most = w->target->facts->output_tokens, wish;
	bool tiny;

	if (!weir_slice_to_u64(field(w, WEIR_CHAT_MAX_TOKENS), &wish) || wish == 0) {
		put_thinking(w, false);
		return;
	}
	tiny = wish < TINY && thinks(&w->traits);
	if (tiny && (w->chat->effort > WEIR_EFFORT_NONE || !can_think_not(&w->traits)))
		wish += RESERVE;
	begin_setting(w, "maxOutputTokens");
	weir_put_u64(&w->pen, most && most < wish ? most : wish);
	put_thinking(w, tiny);
}

/* It has 32 bits there. */
static void put_seed(struct writer *w)
{
	struct weir_slice seed = field(w, WEIR_CHAT_SEED), digits = seed;
	uint64_t value;

	if (digits.len && digits.base[0] == '-')
		digits = weir_slice(digits.base + 1, digits.len - 1);
	if (weir_slice_to_u64(digits, &value) && value <= INT32_MAX)
		put_setting(w, "seed", seed);
	else if (seed.len)
		drop(w, "seed");
}

/* From 3.6 on it is fixed. */
static void put_sampling(struct writer *w)
{
	static const struct {
		enum weir_chat_field field;
		const char *name, *theirs;
	} fields[] = {
		{ WEIR_CHAT_TEMPERATURE, "temperature", "temperature" },
		{ WEIR_CHAT_TOP_P, "topP", "top_p" },
		{ WEIR_CHAT_TOP_K, "topK", "top_k" },
	};

	for (size_t i = 0; i < WEIR_COUNT_OF(fields); i++) {
		struct weir_slice value = field(w, fields[i].field);

		if (!is_from(&w->traits, 3, 6))
			put_setting(w, fields[i].name, value);
		else if (value.len && !weir_slice_is(value, "1"))
			drop(w, fields[i].theirs);
	}
	put_seed(w);
}

static void put_stop(struct writer *w)
{
	struct weir_slice stop = field(w, WEIR_CHAT_STOP);
	struct weir_json_cursor cursor;
	struct weir_json_member m;
	unsigned n = 0;

	if (stop.len > 2 && stop.base[0] == '"') {
		begin_setting(w, "stopSequences");
		put(w, "[");
		weir_put_slice(&w->pen, stop);
		put(w, "]");
		return;
	}
	if (stop.len == 0 || weir_json_open(&cursor, stop))
		return;
	while (weir_json_next(&cursor, &m) == 1) {
		if (m.type != WEIR_JSON_STRING || m.value.len == 2 || n == STOPS_MAX) {
			drop(w, "stop");
			continue;
		}
		if (n == 0)
			begin_setting(w, "stopSequences");
		put(w, n++ ? "," : "[");
		weir_put_slice(&w->pen, m.value);
	}
	put(w, n ? "]" : "");
}

static void put_format(struct writer *w)
{
	if (w->chat->format == WEIR_FORMAT_TEXT)
		return;
	put_setting(w, "responseMimeType", WEIR_SLICE("\"application/json\""));
	if (w->chat->format == WEIR_FORMAT_SCHEMA)
		put_setting(w, "responseJsonSchema", w->chat->schema);
}

static void put_settings(struct writer *w)
{
	put_limit(w);
	put_sampling(w);
	put_stop(w);
	put_format(w);
	put(w, w->members_n ? "}" : "");
	if (field(w, WEIR_CHAT_USER).len)
		drop(w, "user");
	if (field(w, WEIR_CHAT_TIER).len)
		drop(w, "service_tier");
}

/* [A-Za-z_][A-Za-z0-9_.:-]* */
static bool is_name(struct weir_slice string)
{
	struct weir_slice name = weir_chat_inside(string);

	for (size_t i = 0; i < name.len; i++) {
		char c = weir_lower(name.base[i]);
		bool begins = (c >= 'a' && c <= 'z') || c == '_';
		bool follows = (c >= '0' && c <= '9') || c == '.' || c == ':' || c == '-';

		if (!begins && !(follows && i))
			return false;
	}
	return name.len > 0 && name.len <= NAME_MAX_BYTES;
}

static bool is_one_of(struct weir_slice media, const char *const *list)
{
	for (; *list; list++)
		if (weir_json_text_is(media, *list))
			return true;
	return false;
}

static const char *cannot_part(const struct weir_part *part)
{
	static const char *const images[] = { "image/png",  "image/jpeg", "image/jpg", "image/webp",
					      "image/heic", "image/heif", NULL };
	static const char *const documents[] = { "application/pdf", NULL };

	switch (part->type) {
	case WEIR_PART_IMAGE: /* they fetch nothing, and a URL as a text would be a lie */
		if (part->url.len)
			return "cannot_carry_image_url";
		return is_one_of(part->media, images) ? NULL : "cannot_carry_image";
	case WEIR_PART_DOCUMENT:
		return is_one_of(part->media, documents) ? NULL : "cannot_carry_document";
	case WEIR_PART_CALL:
		return is_name(part->name) ? NULL : "cannot_carry_tool_name";
	case WEIR_PART_TEXT:
	case WEIR_PART_AUDIO:
	case WEIR_PART_RESULT:
	case WEIR_PART_THINKING:
		break;
	}
	return NULL;
}

const char *weir_gemini_cannot(const struct weir_chat *chat, const struct weir_chat_target *target)
{
	struct traits traits = traits_of(target->model);
	bool any = false;

	if (chat->cannot)
		return chat->cannot;
	if (chat->format != WEIR_FORMAT_TEXT && chat->tools_n && !is_from(&traits, 3, 0))
		return "cannot_carry_response_format"; /* beside tools */
	for (unsigned i = 0; i < chat->tools_n; i++)
		if (!is_name(chat->tools[i].name))
			return "cannot_carry_tool_name";
	for (unsigned i = 0; i < chat->parts_n; i++) {
		const struct weir_part *part = &chat->parts[i];
		const char *reason = cannot_part(part);

		if (reason)
			return reason;
		any |= part->type != WEIR_PART_TEXT || !weir_chat_is_blank(part->text);
	}
	return any ? NULL : "cannot_carry_messages";
}

int weir_gemini_put_request(const struct weir_chat *chat, const struct weir_chat_target *target,
			    struct weir_buf *out, struct weir_drops *drops)
{
	struct writer w = {
		.chat = chat,
		.target = target,
		.drops = drops,
		.pen = { out, 0 },
		.traits = traits_of(target->model),
	};

	put(&w, "{\"contents\":");
	if (w.pen.rc == 0)
		w.pen.rc = weir_gemini_put_turns(chat, w.traits.major >= 3, out, drops);
	put_system(&w);
	put_tools(&w);
	put_settings(&w);
	put(&w, "}");
	return w.pen.rc;
}
