/* A chat as a Messages request: everything but its turns. */
#include <stdio.h>

#include "base/error.h"
#include "dialect/anthropic.h"
#include "dialect/pen.h"

enum {
	TOKENS_UNKNOWN = 4096, /* max_tokens is required, and the model's own limit not known */
	TOKENS_STREAM = 32000,
	TOKENS_WHOLE = 8192,
	BUDGET_LEAST = 1024,
	USER_MAX = 256
};

struct writer {
	const struct weir_chat *chat;
	const struct weir_chat_target *target;
	struct weir_drops *drops;
	struct weir_pen pen;
	const struct weir_model_facts *facts;
	uint64_t tokens_max;
	bool thinks; /* thinking was asked for */
	bool loose;  /* forced tools give way to it */
};

static void put(struct writer *w, const char *text)
{
	weir_put(&w->pen, text);
}

/* Not refused, as far as is known. */
static bool wanted(const struct writer *w, const char *name)
{
	struct weir_slice slice = weir_slice_of(name);

	return !weir_chat_without(w->target, name) && !weir_model_lists(w->facts->refuses, slice) &&
	       !(w->thinks && weir_model_lists(w->facts->refuses_thinking, slice));
}

static struct weir_slice field(const struct writer *w, enum weir_chat_field f)
{
	return w->chat->fields[f];
}

static void drop(struct writer *w, const char *name)
{
	weir_chat_drop(w->drops, weir_slice_of(name));
}

static void put_member(struct writer *w, const char *name, struct weir_slice value)
{
	put(w, ",\"");
	put(w, name);
	put(w, "\":");
	weir_put_slice(&w->pen, value);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t tokens_max(const struct writer *w)
{
	uint64_t most = w->facts->output_tokens, wish;
	uint64_t usual = w->chat->stream ? TOKENS_STREAM : TOKENS_WHOLE;

	if (weir_slice_to_u64(field(w, WEIR_CHAT_MAX_TOKENS), &wish) && wish)
		return most ? least(wish, most) : wish;
	return most ? least(most, usual) : TOKENS_UNKNOWN;
}

static void put_system_text(struct writer *w, unsigned *n, struct weir_slice text,
			    struct weir_slice cache)
{
	put(w, (*n)++ ? "," : ",\"system\":[");
	put(w, "{\"type\":\"text\",\"text\":");
	weir_put_slice(&w->pen, text);
	if (cache.len)
		put_member(w, "cache_control", cache);
	put(w, "}");
}

static void put_system(struct writer *w)
{
	const struct weir_chat *chat = w->chat;
	unsigned n = 0;

	for (unsigned i = 0; i < chat->parts_n && chat->parts[i].role == WEIR_ROLE_SYSTEM; i++)
		if (chat->parts[i].type == WEIR_PART_TEXT &&
		    !weir_chat_is_blank(chat->parts[i].text))
			put_system_text(w, &n, chat->parts[i].text, chat->parts[i].cache);
	if (chat->format == WEIR_FORMAT_OBJECT)
		put_system_text(w, &n, WEIR_SLICE("\"Respond with one JSON object only.\""),
				WEIR_SLICE(""));
	put(w, n ? "]" : "");
}

static void put_stop(struct writer *w)
{
	struct weir_slice stop = field(w, WEIR_CHAT_STOP);
	struct weir_json_cursor cursor;
	struct weir_json_member m;
	unsigned n = 0;

	if (stop.len == 0 || !wanted(w, "stop_sequences"))
		return;
	if (stop.base[0] == '"') {
		if (weir_chat_is_blank(stop)) {
			drop(w, "stop");
			return;
		}
		put(w, ",\"stop_sequences\":[");
		weir_put_slice(&w->pen, stop);
		put(w, "]");
		return;
	}
	if (weir_json_open(&cursor, stop))
		return;
	while (weir_json_next(&cursor, &m) == 1) {
		if (m.type != WEIR_JSON_STRING || weir_chat_is_blank(m.value)) {
			drop(w, "stop");
			continue;
		}
		put(w, n++ ? "," : ",\"stop_sequences\":[");
		weir_put_slice(&w->pen, m.value);
	}
	put(w, n ? "]" : "");
}

/* A temperature alone: the pair is refused. */
static void put_sampling(struct writer *w)
{
	struct weir_slice temperature = field(w, WEIR_CHAT_TEMPERATURE);
	struct weir_slice top_p = field(w, WEIR_CHAT_TOP_P), top_k = field(w, WEIR_CHAT_TOP_K);
	double value = 1, share = 0;

	(void)weir_slice_to_double(temperature, &value);
	(void)weir_slice_to_double(top_p, &share);
	if (temperature.len && !wanted(w, "temperature")) {
		if (value != 1)
			drop(w, "temperature");
	} else if (temperature.len) {
		put_member(w, "temperature", value > 1 ? WEIR_SLICE("1") : temperature);
		if (value > 1)
			drop(w, "temperature");
		if (top_p.len && share < 1)
			drop(w, "top_p");
		top_p = WEIR_SLICE("");
	}
	if (top_p.len && ((w->thinks && share < 0.95) || !wanted(w, "top_p"))) {
		if (share < 1)
			drop(w, "top_p");
	} else if (top_p.len) {
		put_member(w, "top_p", top_p);
	}
	if (top_k.len && !wanted(w, "top_k"))
		drop(w, "top_k");
	else if (top_k.len)
		put_member(w, "top_k", top_k);
	if (field(w, WEIR_CHAT_SEED).len)
		drop(w, "seed");
}

static void put_tool(struct writer *w, const struct weir_chat_tool *tool)
{
	struct weir_json_member type;
	struct weir_slice schema = tool->schema;

	put(w, "{\"name\":");
	weir_put_slice(&w->pen, tool->name);
	if (tool->description.len)
		put_member(w, "description", tool->description);
	put(w, ",\"input_schema\":");
	if (schema.len == 0 || weir_chat_is_empty(&(struct weir_json_member){
				       .value = schema, .type = WEIR_JSON_OBJECT })) {
		put(w, "{\"type\":\"object\",\"properties\":{}}");
	} else if (weir_json_get(schema, "type", &type)) {
		weir_put_slice(&w->pen, schema);
	} else {
		put(w, "{\"type\":\"object\",");
		weir_put_slice(&w->pen, weir_slice(schema.base + 1, schema.len - 1));
	}
	if (weir_slice_is(tool->strict, "true") && wanted(w, "strict"))
		put_member(w, "strict", tool->strict);
	if (tool->cache.len)
		put_member(w, "cache_control", tool->cache);
	put(w, "}");
}

static void put_choice(struct writer *w)
{
	enum weir_chat_choice choice = w->chat->choice;

	if (choice == WEIR_TOOLS_NONE_GIVEN && w->chat->serial)
		choice = WEIR_TOOLS_AUTO;
	if (choice == WEIR_TOOLS_NONE_GIVEN)
		return;
	if (w->loose && (choice == WEIR_TOOLS_ANY || choice == WEIR_TOOLS_ONE)) {
		choice = WEIR_TOOLS_AUTO;
		drop(w, "tool_choice");
	}
	put(w, ",\"tool_choice\":{\"type\":\"");
	put(w, choice == WEIR_TOOLS_NONE  ? "none"
	       : choice == WEIR_TOOLS_ANY ? "any"
	       : choice == WEIR_TOOLS_ONE ? "tool"
					  : "auto");
	put(w, "\"");
	if (choice == WEIR_TOOLS_ONE)
		put_member(w, "name", w->chat->choice_name);
	if (w->chat->serial && choice != WEIR_TOOLS_NONE)
		put(w, ",\"disable_parallel_tool_use\":true");
	put(w, "}");
}

static void put_tools(struct writer *w)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->chat->tools_n; i++) {
		if (w->chat->tools[i].hidden)
			continue;
		put(w, n++ ? "," : ",\"tools\":[");
		put_tool(w, &w->chat->tools[i]);
	}
	if (n == 0)
		return;
	put(w, "]");
	put_choice(w);
}

/* Older models think on only from a turn that begins with their own thoughts. */
static bool is_in_tool_loop(const struct weir_chat *chat)
{
	return chat->parts_n && (chat->parts[chat->parts_n - 1].type == WEIR_PART_RESULT ||
				 chat->parts[chat->parts_n - 1].inside);
}

static bool is_forced(const struct weir_chat *chat)
{
	return chat->tools_n && (chat->choice == WEIR_TOOLS_ANY || chat->choice == WEIR_TOOLS_ONE);
}

static uint64_t budget_of(enum weir_chat_effort effort)
{
	switch (effort) {
	case WEIR_EFFORT_MEDIUM:
		return 4096;
	case WEIR_EFFORT_HIGH:
		return 8192;
	case WEIR_EFFORT_XHIGH:
		return 16384;
	case WEIR_EFFORT_MAX:
		return 32768;
	case WEIR_EFFORT_NONE_GIVEN:
	case WEIR_EFFORT_NONE:
	case WEIR_EFFORT_MINIMAL:
	case WEIR_EFFORT_LOW:
		break;
	}
	return BUDGET_LEAST;
}

static void put_budget(struct writer *w)
{
	uint64_t budget = budget_of(w->chat->effort);

	if (w->chat->effort == WEIR_EFFORT_NONE)
		return;
	if (w->tokens_max <= BUDGET_LEAST || is_forced(w->chat) || is_in_tool_loop(w->chat)) {
		drop(w, "reasoning_effort");
		return;
	}
	w->thinks = true;
	put(w, ",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":");
	weir_put_u64(&w->pen, least(budget, w->tokens_max - 1));
	put(w, "}");
}

/* Returns what is to stand in output_config; NONE_GIVEN: nothing. */
static enum weir_chat_effort put_thinking(struct writer *w)
{
	enum weir_chat_effort effort = w->chat->effort;
	enum weir_thinks thinks = w->facts->thinks;

	if (!wanted(w, "thinking")) {
		drop(w, "reasoning_effort");
		return WEIR_EFFORT_NONE_GIVEN;
	}
	if (field(w, WEIR_CHAT_THINKING).len) {
		w->thinks = w->loose = true;
		put_member(w, "thinking", field(w, WEIR_CHAT_THINKING));
	} else if (effort == WEIR_EFFORT_NONE_GIVEN || thinks <= WEIR_THINKS_OFF) {
		if (effort > WEIR_EFFORT_NONE)
			drop(w, "reasoning_effort");
		return WEIR_EFFORT_NONE_GIVEN;
	} else if (w->facts->thinking_budget) {
		put_budget(w);
	} else if (effort == WEIR_EFFORT_NONE && thinks != WEIR_THINKS_ALWAYS) {
		put(w, ",\"thinking\":{\"type\":\"disabled\"}");
	} else if (thinks == WEIR_THINKS_ASKED && effort > WEIR_EFFORT_NONE &&
		   !is_forced(w->chat)) {
		w->thinks = true;
		put(w, ",\"thinking\":{\"type\":\"adaptive\"}");
	}
	if (thinks <= WEIR_THINKS_OFF || w->facts->thinking_budget ||
	    effort == WEIR_EFFORT_NONE_GIVEN)
		return WEIR_EFFORT_NONE_GIVEN;
	if (effort == WEIR_EFFORT_NONE && thinks != WEIR_THINKS_ALWAYS)
		return WEIR_EFFORT_NONE_GIVEN;
	if (effort == WEIR_EFFORT_NONE)
		drop(w, "reasoning_effort");
	return weir_model_effort(w->facts, effort);
}

static void put_output(struct writer *w, enum weir_chat_effort effort)
{
	bool schema = w->chat->format == WEIR_FORMAT_SCHEMA;

	if (!wanted(w, "output_config") || (effort == WEIR_EFFORT_NONE_GIVEN && !schema))
		return;
	put(w, ",\"output_config\":{");
	if (effort != WEIR_EFFORT_NONE_GIVEN) {
		put(w, "\"effort\":\"");
		put(w, weir_chat_effort_name(effort));
		put(w, schema ? "\"," : "\"");
	}
	if (schema) {
		put(w, "\"format\":{\"type\":\"json_schema\",\"schema\":");
		weir_put_slice(&w->pen, w->chat->schema);
		put(w, "}");
	}
	put(w, "}");
}

/* An address or a number of a person must not be told. */
static bool is_personal(struct weir_slice user)
{
	size_t digits = 0;

	for (size_t i = 0; i < user.len; i++) {
		if (user.base[i] == '@')
			return true;
		digits += user.base[i] >= '0' && user.base[i] <= '9';
	}
	return user.len && user.base[0] == '+' && digits >= 7;
}

/* A long name would be refused; it only has to be the same each time. */
static void put_user_id(struct writer *w, struct weir_slice user)
{
	char hash[24];

	snprintf(hash, sizeof hash, "\"%016llx\"", (unsigned long long)weir_slice_hash(user));
	weir_put_slice(&w->pen,
		       weir_chat_inside(user).len <= USER_MAX ? user : weir_slice_of(hash));
}

static void put_user(struct writer *w)
{
	struct weir_slice user = field(w, WEIR_CHAT_USER), tier = field(w, WEIR_CHAT_TIER);

	if (user.len && (user.base[0] != '"' || is_personal(weir_chat_inside(user)) ||
			 !wanted(w, "metadata"))) {
		drop(w, "user");
	} else if (user.len) {
		put(w, ",\"metadata\":{\"user_id\":");
		put_user_id(w, user);
		put(w, "}");
	}
	if (weir_slice_is(tier, "\"auto\""))
		put(w, ",\"service_tier\":\"auto\"");
	else if (weir_slice_is(tier, "\"default\""))
		put(w, ",\"service_tier\":\"standard_only\"");
	else if (tier.len)
		drop(w, "service_tier");
}

/* A text document is told decoded. */
static bool is_readable(const struct weir_part *part)
{
	struct weir_buf scratch, text;
	int rc;

	if (part->type != WEIR_PART_DOCUMENT || !weir_slice_starts_nocase(part->media, "text/"))
		return true;
	weir_buf_init(&scratch, WEIR_CHAT_BODY_MAX);
	weir_buf_init(&text, WEIR_CHAT_BODY_MAX);
	rc = weir_chat_decode(part, &scratch, &text);
	if (rc == 0 && text.len == 0)
		rc = WEIR_ELIMIT; /* it may not be empty */
	weir_buf_fini(&scratch);
	weir_buf_fini(&text);
	return rc != WEIR_ELIMIT; /* out of memory is found out when it is written */
}

const char *weir_anthropic_cannot(const struct weir_chat *chat,
				  const struct weir_chat_target *target)
{
	static const char *const media[] = { "image/jpeg", "image/jpg", "image/png", "image/gif",
					     "image/webp" };
	bool any = chat->format == WEIR_FORMAT_OBJECT;

	if (chat->cannot)
		return chat->cannot;
	if (chat->format == WEIR_FORMAT_SCHEMA && target->facts->cannot & WEIR_ABLE_SCHEMA)
		return "cannot_carry_response_format";
	for (unsigned i = 0; i < chat->parts_n; i++) {
		const struct weir_part *part = &chat->parts[i];
		bool fine;

		if (part->type == WEIR_PART_AUDIO)
			return "cannot_carry_audio";
		fine = part->type != WEIR_PART_IMAGE || part->url.len;

		for (size_t k = 0; k < WEIR_COUNT_OF(media) && !fine; k++)
			fine = weir_json_text_is(part->media, media[k]);
		if (!fine)
			return "cannot_carry_image";
		if (!is_readable(part))
			return "cannot_carry_document";
		any |= part->type != WEIR_PART_TEXT || !weir_chat_is_blank(part->text);
	}
	return any ? NULL : "cannot_carry_messages";
}

int weir_anthropic_put_request(const struct weir_chat *chat, const struct weir_chat_target *target,
			       struct weir_buf *out, struct weir_drops *drops)
{
	struct writer w = {
		.chat = chat,
		.target = target,
		.drops = drops,
		.pen = { out, 0 },
		.facts = target->facts,
	};
	enum weir_chat_effort effort;

	w.tokens_max = tokens_max(&w);
	put(&w, "{\"model\":");
	weir_put_json(&w.pen, weir_slice_of(target->model));
	put(&w, ",\"max_tokens\":");
	weir_put_u64(&w.pen, w.tokens_max);
	put(&w, chat->stream ? ",\"stream\":true" : "");
	put_system(&w);
	put(&w, ",\"messages\":");
	if (w.pen.rc == 0)
		w.pen.rc = weir_anthropic_put_turns(chat, target->facts->prefill == 1,
						    w.facts->can & WEIR_ABLE_SYSTEM_TURNS, out,
						    drops);
	effort = put_thinking(&w);
	put_sampling(&w);
	put_stop(&w);
	put_tools(&w);
	put_output(&w, effort);
	put_user(&w);
	if (field(&w, WEIR_CHAT_CACHE).len)
		put_member(&w, "cache_control", field(&w, WEIR_CHAT_CACHE));
	put(&w, "}");
	return w.pen.rc;
}
