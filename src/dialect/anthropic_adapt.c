/* A Messages request, for another model of those that speak this API. */
#include "dialect/adapt.h"
#include "dialect/anthropic.h"

enum { BUDGET_LEAST = 1024 };

struct thinking {
	const struct weir_json_member *field; /* NULL: not given, or dropped */
	struct weir_slice type;
	enum weir_chat_effort effort;
	struct weir_slice effort_at;
	uint64_t max_tokens;
};

static struct weir_slice word_in(struct weir_slice object, const char *name)
{
	struct weir_json_member m;

	if (!weir_json_get(object, name, &m) || m.type != WEIR_JSON_STRING)
		return WEIR_SLICE("");
	return m.value;
}

static bool is_word(struct weir_slice string, const char *word)
{
	return string.len >= 2 && weir_json_text_is(weir_chat_inside(string), word);
}

static struct thinking read_thinking(const struct weir_adapting *a)
{
	const struct weir_json_member *output = weir_adapt_find(a, "output_config");
	const struct weir_json_member *limit = weir_adapt_find(a, "max_tokens");
	struct thinking t = { .field = weir_adapt_find(a, "thinking") };

	if (t.field && t.field->type == WEIR_JSON_OBJECT)
		t.type = word_in(t.field->value, "type");
	if (output && output->type == WEIR_JSON_OBJECT)
		t.effort_at = word_in(output->value, "effort");
	if (t.effort_at.len)
		t.effort = weir_chat_effort(t.effort_at);
	if (limit)
		(void)weir_slice_to_u64(limit->value, &t.max_tokens);
	return t;
}

static void forget_thinking(struct weir_adapting *a, struct thinking *t)
{
	weir_adapt_drop(a, t->field);
	t->field = NULL;
}

static bool is_thought(const struct weir_json_member *part)
{
	struct weir_slice type = part->type == WEIR_JSON_OBJECT ? word_in(part->value, "type")
								: WEIR_SLICE("");

	return is_word(type, "thinking") || is_word(type, "redacted_thinking");
}

/* The content of a message, if it is a list. */
static bool content_of(const struct weir_json_member *message, struct weir_json_member *content)
{
	return message->type == WEIR_JSON_OBJECT &&
	       weir_json_get(message->value, "content", content) &&
	       content->type == WEIR_JSON_ARRAY;
}

static bool begins_with_thought(const struct weir_json_member *message)
{
	struct weir_json_member content, part;
	struct weir_json_cursor cursor;

	return content_of(message, &content) && weir_json_open(&cursor, content.value) == 0 &&
	       weir_json_next(&cursor, &part) == 1 && is_thought(&part);
}

static bool has_result(const struct weir_json_member *message)
{
	struct weir_json_member content, part;
	struct weir_json_cursor cursor;

	if (!content_of(message, &content) || weir_json_open(&cursor, content.value))
		return false;
	while (weir_json_next(&cursor, &part) == 1)
		if (part.type == WEIR_JSON_OBJECT &&
		    is_word(word_in(part.value, "type"), "tool_result"))
			return true;
	return false;
}

/* The last turn is of results, to calls that somebody made without a thought of this vendor's. */
static bool is_thoughtless_loop(const struct weir_adapting *a)
{
	const struct weir_json_member *messages = weir_adapt_find(a, "messages");
	struct weir_json_member now, calls = { .type = WEIR_JSON_NULL };
	struct weir_json_cursor cursor;
	bool results = false;

	if (!messages || messages->type != WEIR_JSON_ARRAY ||
	    weir_json_open(&cursor, messages->value))
		return false;
	while (weir_json_next(&cursor, &now) == 1) {
		if (now.type != WEIR_JSON_OBJECT)
			return false;
		results = has_result(&now);
		if (is_word(word_in(now.value, "role"), "assistant"))
			calls = now;
	}
	return results && (weir_lessons_have(a->to->lessons, WEIR_LESSON_THOUGHTS) ||
			   !begins_with_thought(&calls));
}

/* By a number of tokens, as older models are asked. */
static void set_budget(struct weir_adapting *a, struct thinking *t)
{
	static const unsigned budgets[] = {
		[WEIR_EFFORT_NONE_GIVEN] = 4096, [WEIR_EFFORT_NONE] = 1024,
		[WEIR_EFFORT_MINIMAL] = 1024,    [WEIR_EFFORT_LOW] = 1024,
		[WEIR_EFFORT_MEDIUM] = 4096,     [WEIR_EFFORT_HIGH] = 8192,
		[WEIR_EFFORT_XHIGH] = 16384,     [WEIR_EFFORT_MAX] = 32768,
	};
	uint64_t budget = budgets[t->effort], most = t->max_tokens ? t->max_tokens - 1 : 0;

	if (t->max_tokens <= BUDGET_LEAST) {
		forget_thinking(a, t);
		return;
	}
	weir_adapt_cut(a, t->field->value,
		       weir_adapt_text(a, "{\"type\":\"enabled\",\"budget_tokens\":%llu}",
				       (unsigned long long)(budget < most ? budget : most)));
	t->type = WEIR_SLICE("\"enabled\"");
}

/* To the form this model knows. */
static void set_thinking(struct weir_adapting *a, struct thinking *t)
{
	const struct weir_model_facts *facts = a->to->facts;
	bool fixed = weir_model_lists(facts->refuses, WEIR_SLICE("temperature"));

	if (!t->field || facts->thinks == WEIR_THINKS_UNKNOWN)
		return;
	if (weir_adapt_refuses(a, WEIR_SLICE("thinking")) ||
	    (facts->thinks == WEIR_THINKS_OFF && !is_word(t->type, "disabled")) ||
	    (facts->thinks == WEIR_THINKS_ALWAYS && is_word(t->type, "disabled"))) {
		forget_thinking(a, t);
	} else if (facts->thinking_budget && is_word(t->type, "adaptive")) {
		set_budget(a, t);
	} else if (!facts->thinking_budget && fixed && is_word(t->type, "enabled")) {
		weir_adapt_cut(a, t->field->value, WEIR_SLICE("{\"type\":\"adaptive\"}"));
		t->type = WEIR_SLICE("\"adaptive\"");
	}
	if (t->field && facts->thinking_budget && is_word(t->type, "enabled") &&
	    is_thoughtless_loop(a))
		forget_thinking(a, t);
}

static void set_effort(struct weir_adapting *a, const struct thinking *t)
{
	const struct weir_model_facts *facts = a->to->facts;
	enum weir_chat_effort nearest = weir_model_effort(facts, t->effort);

	if (!t->effort_at.len || !t->effort || facts->thinks == WEIR_THINKS_UNKNOWN)
		return;
	if (facts->thinks == WEIR_THINKS_OFF || facts->thinking_budget)
		a->also = "output_config.effort";
	else if (nearest != t->effort)
		weir_adapt_cut(a, t->effort_at,
			       weir_adapt_text(a, "\"%s\"", weir_chat_effort_name(nearest)));
}

/* A forced tool and thinking exclude each other: it thinks not, or else chooses itself. */
static void set_choice(struct weir_adapting *a, struct thinking *t)
{
	static const char off[] = "{\"type\":\"disabled\"}";
	const struct weir_json_member *choice = weir_adapt_find(a, "tool_choice");
	enum weir_thinks thinks = a->to->facts->thinks;
	struct weir_slice type = choice && choice->type == WEIR_JSON_OBJECT
					 ? word_in(choice->value, "type")
					 : WEIR_SLICE("");

	if (!a->thinks || !(is_word(type, "any") || is_word(type, "tool")))
		return;
	if (thinks == WEIR_THINKS_ALWAYS) {
		weir_adapt_cut(a, choice->value, WEIR_SLICE("{\"type\":\"auto\"}"));
		weir_adapt_tell(a, "tool_choice");
		return;
	}
	a->thinks = false;
	weir_adapt_tell(a, "thinking");
	if (!t->field)
		a->out->added = "\"thinking\":{\"type\":\"disabled\"}";
	else if (thinks == WEIR_THINKS_ON)
		weir_adapt_cut(a, t->field->value, weir_slice_of(off));
	else
		forget_thinking(a, t);
}

/* Signed for somebody else, they are refused. */
static void strip_thoughts(struct weir_adapting *a)
{
	const struct weir_json_member *messages = weir_adapt_find(a, "messages");
	struct weir_adapt_row all, parts;

	if (!messages || messages->type != WEIR_JSON_ARRAY)
		return;
	weir_adapt_row(&all, a, messages->value);
	while (weir_adapt_next(&all)) {
		struct weir_json_member content, part;
		struct weir_json_cursor cursor;
		unsigned kept = 0, n = 0;

		if (!content_of(&all.now, &content) || weir_json_open(&cursor, content.value))
			continue;
		while (weir_json_next(&cursor, &part) == 1) {
			n++;
			kept += !is_thought(&part);
		}
		if (n && !kept) {
			weir_adapt_row_drop(&all);
			continue;
		}
		weir_adapt_row(&parts, a, content.value);
		while (kept < n && weir_adapt_next(&parts))
			if (is_thought(&parts.now))
				weir_adapt_row_drop(&parts);
	}
	weir_adapt_tell(a, "thinking");
}

static void set_sampling(struct weir_adapting *a)
{
	const struct weir_json_member *temperature = weir_adapt_find(a, "temperature");
	const struct weir_json_member *top_p = weir_adapt_find(a, "top_p");
	double share = 1;

	if (top_p && a->thinks && weir_slice_to_double(top_p->value, &share) && share < 0.95)
		weir_adapt_drop(a, top_p);
	else if (temperature && top_p && weir_model_lists(a->to->facts->one_of, top_p->key))
		weir_adapt_drop(a, top_p);
}

/* Refused as something to go on from, it is followed by a turn that asks to. */
static void end_with_user(struct weir_adapting *a)
{
	const struct weir_json_member *messages = weir_adapt_find(a, "messages");
	struct weir_json_member now, last = { .type = WEIR_JSON_NULL };
	struct weir_json_cursor cursor;

	if (a->to->facts->prefill != 0 || !messages || messages->type != WEIR_JSON_ARRAY ||
	    weir_json_open(&cursor, messages->value))
		return;
	while (weir_json_next(&cursor, &now) == 1)
		last = now;
	if (last.type == WEIR_JSON_OBJECT && is_word(word_in(last.value, "role"), "assistant"))
		weir_adapt_cut(a, weir_slice(messages->value.base + messages->value.len - 1, 0),
			       WEIR_SLICE(",{\"role\":\"user\",\"content\":\"Continue.\"}"));
}

void weir_anthropic_adapt(struct weir_adapting *a)
{
	struct thinking t = read_thinking(a);

	set_thinking(a, &t);
	set_effort(a, &t);
	a->thinks = t.field ? !is_word(t.type, "disabled") : a->to->facts->thinks >= WEIR_THINKS_ON;
	set_choice(a, &t);
	if (weir_lessons_have(a->to->lessons, WEIR_LESSON_THOUGHTS))
		strip_thoughts(a);
	weir_adapt_fields(a);
	set_sampling(a);
	weir_adapt_limit(a, weir_adapt_find(a, "max_tokens"));
	end_with_user(a);
}
