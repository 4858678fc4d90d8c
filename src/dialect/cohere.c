/* Cohere's chat API, version 2, towards providers. https://docs.cohere.com/reference/chat */
#include "base/error.h"
#include "dialect/chat.h"
#include "dialect/openai.h"
#include "dialect/pen.h"
#include "dialect/piece.h"

enum { STOPS_MAX = 5 };

/* An event's words stand in delta.message, a body's in message. */
static struct weir_slice message_of(struct weir_slice root)
{
	struct weir_slice delta = weir_json_pick(root, "delta", WEIR_JSON_OBJECT);

	return weir_json_pick(delta.len ? delta : root, "message", WEIR_JSON_OBJECT);
}

/* In an event one object, in a body an array of them. */
static bool first_of(struct weir_json_cursor *cursor, struct weir_slice container,
		     struct weir_json_member *m)
{
	if (container.len == 0 || weir_json_open(cursor, container))
		return false;
	if (cursor->is_array)
		return weir_json_next(cursor, m) == 1;
	*m = (struct weir_json_member){ .value = container, .type = WEIR_JSON_OBJECT };
	return true;
}

static bool next_of(struct weir_json_cursor *cursor, struct weir_json_member *m)
{
	return cursor->is_array && weir_json_next(cursor, m) == 1;
}

static struct weir_slice either(struct weir_slice object, const char *name)
{
	struct weir_slice array = weir_json_pick(object, name, WEIR_JSON_ARRAY);

	return array.len ? array : weir_json_pick(object, name, WEIR_JSON_OBJECT);
}

static struct weir_slice finish_of(struct weir_slice root)
{
	struct weir_slice delta = weir_json_pick(root, "delta", WEIR_JSON_OBJECT);

	return weir_chat_pick(delta.len ? delta : root, "finish_reason");
}

static bool read_usage(struct weir_slice root, struct weir_usage *usage)
{
	struct weir_slice delta = weir_json_pick(root, "delta", WEIR_JSON_OBJECT);
	struct weir_slice said = weir_json_pick(delta.len ? delta : root, "usage",
						WEIR_JSON_OBJECT);
	struct weir_slice tokens = weir_json_pick(said, "tokens", WEIR_JSON_OBJECT);
	bool any = weir_json_pick_u64(tokens, "input_tokens", &usage->in);

	any |= weir_json_pick_u64(tokens, "output_tokens", &usage->out);
	weir_json_pick_u64(said, "cached_tokens", &usage->cached);
	return any;
}

static bool has_words(struct weir_slice message)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;

	if (either(message, "tool_calls").len > 2 || weir_chat_pick(message, "tool_plan").len)
		return true;
	for (bool more = first_of(&cursor, either(message, "content"), &m); more;
	     more = next_of(&cursor, &m))
		if (weir_chat_pick(m.value, "text").len || weir_chat_pick(m.value, "thinking").len)
			return true;
	return false;
}

/* Its own failures end an answer, too. */
static bool gave_up(struct weir_slice finish)
{
	return weir_json_text_is(finish, "ERROR") || weir_json_text_is(finish, "ERROR_TOXIC") ||
	       weir_json_text_is(finish, "TIMEOUT") || weir_json_text_is(finish, "USER_CANCEL");
}

static void read_answer(struct weir_slice root, struct weir_reading *r)
{
	struct weir_slice finish = finish_of(root);
	struct weir_usage usage = { 0 };

	r->usage = read_usage(root, &usage);
	r->tokens_in = usage.in;
	r->tokens_out = usage.out;
	r->tokens_cached = usage.cached;
	r->finish = finish.len > 0;
	r->content = r->finish || has_words(message_of(root));
	r->choices = r->finish && message_of(root).len;
	r->error = gave_up(finish);
}

static bool is_object(struct weir_slice text)
{
	size_t offset;

	return weir_json_check(text, &offset) == 0 && text.len &&
	       weir_slice_trim(text).base[0] == '{';
}

static void read_event(struct weir_slice data, struct weir_buf *scratch, struct weir_reading *r)
{
	*r = (struct weir_reading){ .json = is_object(data) };
	if (weir_slice_is(weir_slice_trim(data), "[DONE]"))
		*r = (struct weir_reading){ .json = true, .end_mark = true };
	if (!r->json || r->end_mark)
		return;
	read_answer(data, r);
	r->error |= weir_json_pick(data, "type", WEIR_JSON_STRING).len == 0;
	if (r->error)
		r->no_memory = !weir_openai_read_failed_body(data, true, scratch, r);
}

static void read_body(enum weir_route route, struct weir_slice body, struct weir_buf *scratch,
		      struct weir_reading *r)
{
	(void)route;
	*r = (struct weir_reading){ .json = is_object(body) };
	if (r->json)
		read_answer(body, r);
	if (r->error || !r->choices)
		r->no_memory = !weir_openai_read_failed_body(body, r->json, scratch, r);
}

/* A call's beginning has an id and a name, what follows only more of its arguments. */
static void say_call(struct weir_hearing *h, struct weir_slice call)
{
	struct weir_slice function = weir_json_pick(call, "function", WEIR_JSON_OBJECT);
	struct weir_piece piece = {
		.type = WEIR_PIECE_CALL,
		.id = weir_chat_pick(call, "id"),
		.name = weir_chat_pick(function, "name"),
		.call = h->calls_n,
	};

	if (piece.name.len && h->calls_n < WEIR_BLOCKS_MAX) {
		h->calls_n++;
		weir_hearing_say(h, &piece);
	}
	piece.type = WEIR_PIECE_ARGUMENTS;
	piece.text = weir_chat_pick(function, "arguments");
	if (h->calls_n == 0 || piece.text.len == 0)
		return;
	piece.call = h->calls_n - 1;
	weir_hearing_say(h, &piece);
}

static void say_message(struct weir_hearing *h, struct weir_slice message)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;

	weir_hearing_say_text(h, WEIR_PIECE_REASONING, weir_chat_pick(message, "tool_plan"));
	for (bool more = first_of(&cursor, either(message, "content"), &m); more;
	     more = next_of(&cursor, &m)) {
		weir_hearing_say_text(h, WEIR_PIECE_REASONING, weir_chat_pick(m.value, "thinking"));
		weir_hearing_say_text(h, WEIR_PIECE_TEXT, weir_chat_pick(m.value, "text"));
	}
	for (bool more = first_of(&cursor, either(message, "tool_calls"), &m); more;
	     more = next_of(&cursor, &m))
		say_call(h, m.value);
}

static void say_finish(struct weir_hearing *h, struct weir_slice reason)
{
	struct weir_piece piece = { .type = WEIR_PIECE_FINISH };

	if (reason.len == 0)
		return;
	if (weir_json_text_is(reason, "MAX_TOKENS"))
		piece.finish = WEIR_FINISH_LENGTH;
	if (weir_json_text_is(reason, "TOOL_CALL"))
		piece.finish = WEIR_FINISH_CALLS;
	weir_hearing_say(h, &piece);
}

/* It never says which model answered. */
static void hear(struct weir_hearing *h, struct weir_slice root)
{
	struct weir_piece usage = { .type = WEIR_PIECE_USAGE };

	if (!h->started)
		weir_hearing_say(h, &(struct weir_piece){ .type = WEIR_PIECE_START,
							  .id = weir_chat_pick(root, "id"),
							  .name = WEIR_SLICE("") });
	h->started = true;
	say_message(h, message_of(root));
	if (read_usage(root, &usage.usage))
		weir_hearing_say(h, &usage);
	say_finish(h, finish_of(root));
}

struct writer {
	const struct weir_chat *chat;
	const struct weir_chat_target *target;
	struct weir_drops *drops;
	struct weir_pen pen;
	unsigned messages_n;
};

static void put(struct writer *w, const char *text)
{
	weir_put(&w->pen, text);
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

/* What was given, unless the target has refused it. */
static struct weir_slice wanted(struct writer *w, enum weir_chat_field f, const char *name,
				const char *theirs)
{
	struct weir_slice value = w->chat->fields[f];

	if (value.len == 0 || !weir_chat_without(w->target, name))
		return value;
	drop(w, theirs);
	return WEIR_SLICE("");
}

static void begin_message(struct writer *w, const char *role)
{
	put(w, w->messages_n++ ? ",{\"role\":\"" : "{\"role\":\"");
	put(w, role);
	put(w, "\"");
}

static void put_id(struct writer *w, const struct weir_part *part)
{
	if (part->number) {
		put(w, "\"call_");
		weir_put_u64(&w->pen, part->number);
		put(w, "\"");
	} else {
		weir_put_quoted(&w->pen, weir_chat_plain_id(weir_chat_inside(part->id)));
	}
}

static void put_part(struct writer *w, const struct weir_part *part)
{
	if (part->type == WEIR_PART_TEXT) {
		put(w, "{\"type\":\"text\",\"text\":");
		weir_put_slice(&w->pen, part->text);
		put(w, "}");
		return;
	}
	put(w, "{\"type\":\"image_url\",\"image_url\":{\"url\":");
	if (part->url.len) {
		weir_put_slice(&w->pen, part->url);
	} else {
		put(w, "\"data:");
		weir_put_slice(&w->pen, part->media);
		put(w, ";base64,");
		weir_put_slice(&w->pen, part->data);
		put(w, "\"");
	}
	put(w, "}}");
}

static bool is_content(const struct weir_part *part, bool inside)
{
	return part->inside == inside &&
	       ((part->type == WEIR_PART_TEXT && !weir_chat_is_blank(part->text)) ||
		part->type == WEIR_PART_IMAGE);
}

/* Of [at, end); false: there is none. */
static bool put_content(struct writer *w, unsigned at, unsigned end, bool inside)
{
	unsigned n = 0;

	for (unsigned i = at; i < end; i++) {
		if (!is_content(&w->chat->parts[i], inside))
			continue;
		put(w, n++ ? "," : ",\"content\":[");
		put_part(w, &w->chat->parts[i]);
	}
	put(w, n ? "]" : "");
	return n > 0;
}

static void put_result(struct writer *w, unsigned at, unsigned end)
{
	begin_message(w, "tool");
	put(w, ",\"tool_call_id\":");
	put_id(w, &w->chat->parts[at]);
	if (!put_content(w, at + 1, end, true))
		put(w,
		    w->chat->parts[at].is_error ? ",\"content\":\"Error\"" : ",\"content\":\"\"");
	put(w, "}");
}

static unsigned end_of_result(const struct weir_chat *chat, unsigned at, unsigned end)
{
	for (at++; at < end && chat->parts[at].inside;)
		at++;
	return at;
}

static void put_calls(struct writer *w, unsigned at, unsigned end)
{
	unsigned n = 0;

	for (; at < end; at++) {
		const struct weir_part *part = &w->chat->parts[at];

		if (part->type != WEIR_PART_CALL)
			continue;
		put(w, n++ ? "," : ",\"tool_calls\":[");
		put(w, "{\"id\":");
		put_id(w, part);
		put(w, ",\"type\":\"function\",\"function\":{\"name\":");
		weir_put_slice(&w->pen, part->name);
		put(w, ",\"arguments\":\"");
		weir_put_inside(&w->pen, part->text.len ? part->text : WEIR_SLICE("{}"));
		put(w, "\"}}");
	}
	put(w, n ? "]" : "");
}

/* Besides results. */
static bool says_anything(const struct weir_chat *chat, unsigned at, unsigned end)
{
	for (; at < end; at++)
		if (chat->parts[at].type == WEIR_PART_CALL || is_content(&chat->parts[at], false))
			return true;
	return false;
}

/* Results are messages of their own, before what else the user says. */
static void put_turn(struct writer *w, unsigned at, unsigned end)
{
	static const char *const roles[] = {
		[WEIR_ROLE_SYSTEM] = "system",
		[WEIR_ROLE_USER] = "user",
		[WEIR_ROLE_ASSISTANT] = "assistant",
	};
	const struct weir_chat *chat = w->chat;

	for (unsigned i = at; i < end; i++)
		if (chat->parts[i].type == WEIR_PART_RESULT)
			put_result(w, i, end_of_result(chat, i, end));
	if (!says_anything(chat, at, end))
		return;
	begin_message(w, roles[chat->parts[at].role]);
	put_content(w, at, end, false);
	put_calls(w, at, end);
	put(w, "}");
}

static void put_messages(struct writer *w)
{
	const struct weir_chat *chat = w->chat;

	put(w, ",\"messages\":[");
	for (unsigned at = 0, end; at < chat->parts_n; at = end) {
		end = at + 1;
		while (end < chat->parts_n && chat->parts[end].role == chat->parts[at].role &&
		       !chat->parts[end].begins)
			end++;
		put_turn(w, at, end);
	}
	put(w, "]");
}

static void put_clamped(struct writer *w, const char *name, const char *theirs,
			struct weir_slice value, double most, struct weir_slice at_most)
{
	double number = 0;

	if (value.len == 0)
		return;
	(void)weir_slice_to_double(value, &number);
	put_member(w, name, number > most ? at_most : value);
	if (number > most)
		drop(w, theirs);
}

static void put_limit(struct writer *w)
{
	struct weir_slice wish = w->chat->fields[WEIR_CHAT_MAX_TOKENS];
	uint64_t most = w->target->facts->output_tokens, tokens;

	if (!weir_slice_to_u64(wish, &tokens))
		return;
	put(w, ",\"max_tokens\":");
	weir_put_u64(&w->pen, most && most < tokens ? most : tokens);
}

static void put_stops(struct writer *w)
{
	struct weir_slice stop = wanted(w, WEIR_CHAT_STOP, "stop_sequences", "stop");
	struct weir_json_cursor cursor;
	struct weir_json_member m;
	unsigned n = 0;

	if (stop.len && stop.base[0] == '"') {
		put(w, ",\"stop_sequences\":[");
		weir_put_slice(&w->pen, stop);
		put(w, "]");
		return;
	}
	if (stop.len == 0 || weir_json_open(&cursor, stop))
		return;
	while (weir_json_next(&cursor, &m) == 1) {
		if (n == STOPS_MAX) {
			drop(w, "stop");
			break;
		}
		put(w, n++ ? "," : ",\"stop_sequences\":[");
		weir_put_slice(&w->pen, m.value);
	}
	put(w, n ? "]" : "");
}

static void put_sampling(struct writer *w)
{
	struct weir_slice seed = w->chat->fields[WEIR_CHAT_SEED];

	put_clamped(w, "temperature", "temperature",
		    wanted(w, WEIR_CHAT_TEMPERATURE, "temperature", "temperature"), 1,
		    WEIR_SLICE("1"));
	put_clamped(w, "p", "top_p", wanted(w, WEIR_CHAT_TOP_P, "p", "top_p"), 0.99,
		    WEIR_SLICE("0.99"));
	put_clamped(w, "k", "top_k", wanted(w, WEIR_CHAT_TOP_K, "k", "top_k"), 500,
		    WEIR_SLICE("500"));
	if (seed.len && seed.base[0] == '-')
		drop(w, "seed");
	else if (seed.len)
		put_member(w, "seed", seed);
}

/* None can be named there: it is the only one, then. */
static bool is_offered(const struct weir_chat *chat, const struct weir_chat_tool *tool)
{
	return !tool->hidden &&
	       (chat->choice != WEIR_TOOLS_ONE || weir_slice_eq(tool->name, chat->choice_name));
}

static void put_tools(struct writer *w)
{
	const struct weir_chat *chat = w->chat;
	unsigned n = 0;

	for (unsigned i = 0; i < chat->tools_n; i++) {
		const struct weir_chat_tool *tool = &chat->tools[i];

		if (!is_offered(chat, tool))
			continue;
		put(w, n++ ? "," : ",\"tools\":[");
		put(w, "{\"type\":\"function\",\"function\":{\"name\":");
		weir_put_slice(&w->pen, tool->name);
		if (tool->description.len)
			put_member(w, "description", tool->description);
		put_member(w, "parameters",
			   tool->schema.len
				   ? tool->schema
				   : WEIR_SLICE("{\"type\":\"object\",\"properties\":{}}"));
		put(w, "}}");
	}
	if (n == 0)
		return;
	put(w, "]");
	if (chat->choice == WEIR_TOOLS_NONE)
		put(w, ",\"tool_choice\":\"NONE\"");
	else if (chat->choice == WEIR_TOOLS_ANY || chat->choice == WEIR_TOOLS_ONE)
		put(w, ",\"tool_choice\":\"REQUIRED\"");
	if (chat->serial)
		drop(w, "parallel_tool_calls");
}

static void put_format(struct writer *w)
{
	if (w->chat->format == WEIR_FORMAT_TEXT)
		return;
	put(w, ",\"response_format\":{\"type\":\"json_object\"");
	if (w->chat->format == WEIR_FORMAT_SCHEMA)
		put_member(w, "json_schema", w->chat->schema);
	put(w, "}");
}

/* It thinks or it does not. */
static void put_thinking(struct writer *w)
{
	enum weir_chat_effort effort = w->chat->effort;

	if (w->chat->fields[WEIR_CHAT_THINKING].len)
		drop(w, "thinking");
	if (effort == WEIR_EFFORT_NONE_GIVEN)
		return;
	if (w->target->facts->thinks && effort == WEIR_EFFORT_NONE)
		put(w, ",\"thinking\":{\"type\":\"disabled\"}");
	else if (effort != WEIR_EFFORT_NONE)
		drop(w, "reasoning_effort");
}

static const char *cannot_part(const struct weir_part *part)
{
	if (part->type == WEIR_PART_DOCUMENT)
		return "cannot_carry_document";
	if (part->type == WEIR_PART_AUDIO)
		return "cannot_carry_audio";
	if (part->type == WEIR_PART_IMAGE && (part->inside || part->role != WEIR_ROLE_USER))
		return "cannot_carry_image";
	return NULL;
}

static const char *cannot(const struct weir_chat *chat, const struct weir_chat_target *target)
{
	(void)target;
	if (chat->cannot)
		return chat->cannot;
	if (chat->format != WEIR_FORMAT_TEXT && chat->tools_n)
		return "cannot_carry_response_format"; /* beside tools */
	for (unsigned i = 0; i < chat->parts_n; i++)
		if (cannot_part(&chat->parts[i]))
			return cannot_part(&chat->parts[i]);
	return chat->parts_n ? NULL : "cannot_carry_messages";
}

static int put_request(const struct weir_chat *chat, const struct weir_chat_target *target,
		       struct weir_buf *out, struct weir_drops *drops)
{
	struct writer w = { .chat = chat, .target = target, .drops = drops, .pen = { out, 0 } };

	put(&w, "{\"model\":");
	weir_put_json(&w.pen, weir_slice_of(target->model));
	put_messages(&w);
	put(&w, chat->stream ? ",\"stream\":true" : "");
	put_limit(&w);
	put_sampling(&w);
	put_stops(&w);
	put_tools(&w);
	put_format(&w);
	put_thinking(&w);
	if (chat->fields[WEIR_CHAT_USER].len)
		drop(&w, "user");
	if (chat->fields[WEIR_CHAT_TIER].len)
		drop(&w, "service_tier");
	put(&w, "}");
	return w.pen.rc;
}

static const struct weir_chat_words chat_words = {
	.route = WEIR_ROUTE_NATIVE,
	.cannot = cannot,
	.put_request = put_request,
	.hear_event = hear,
	.hear_body = hear,
};

const struct weir_dialect weir_cohere = {
	.name = "cohere",
	.key_field = "authorization: Bearer ",
	.routes = { [WEIR_ROUTE_NATIVE] = "/v2/chat" },
	.end = "",
	.fields = "",
	.chat = &chat_words,
	.read_event = read_event,
	.read_body = read_body,
};
