/* A chat completions request, for a server that takes less of it. */
#include "dialect/adapt.h"
#include "dialect/openai.h"

static const char *const limits[] = { "max_completion_tokens", "max_tokens" };

static bool has_tools(const struct weir_adapting *a)
{
	const struct weir_json_member *m = weir_adapt_find(a, "tools");

	return m && !weir_chat_is_empty(m);
}

/* What is meant for tools is refused without any. */
static void drop_toolless(struct weir_adapting *a)
{
	static const char *const names[] = { "parallel_tool_calls", "tool_choice" };

	for (size_t i = 0; i < WEIR_COUNT_OF(names); i++) {
		const struct weir_json_member *m = weir_adapt_find(a, names[i]);

		if (m)
			weir_adapt_drop(a, m);
	}
}

static void set_effort(struct weir_adapting *a, bool tools)
{
	const struct weir_model_facts *facts = a->to->facts;
	const struct weir_json_member *m = weir_adapt_find(a, "reasoning_effort");
	bool given = m && m->type == WEIR_JSON_STRING;
	enum weir_chat_effort wish = given ? weir_chat_effort(m->value) : WEIR_EFFORT_NONE_GIVEN;
	enum weir_chat_effort effort;
	const char *name;

	if (m && weir_adapt_refuses(a, m->key)) {
		weir_adapt_drop(a, m);
		m = NULL;
	}
	if (facts->thinks == WEIR_THINKS_UNKNOWN) {
		effort = m && wish ? weir_model_effort(facts, wish) : wish;
	} else {
		effort = weir_openai_effort(facts, m ? wish : WEIR_EFFORT_NONE_GIVEN, tools);
		a->thinks = effort > WEIR_EFFORT_NONE ||
			    (effort == WEIR_EFFORT_NONE_GIVEN && facts->thinks >= WEIR_THINKS_ON);
	}
	name = weir_chat_effort_name(effort);
	if (m && wish && !name)
		weir_adapt_drop(a, m);
	else if (m && name && effort != wish)
		weir_adapt_cut(a, m->value, weir_adapt_text(a, "\"%s\"", name));
	else if (!m && name && effort == WEIR_EFFORT_NONE &&
		 !weir_adapt_refuses(a, WEIR_SLICE("reasoning_effort")))
		a->out->added = "\"reasoning_effort\":\"none\"";
}

/* To the other name, unless that is there already. */
static void rename(struct weir_adapting *a, const struct weir_json_member *m,
		   struct weir_slice name)
{
	for (unsigned i = 0; i < a->members_n; i++) {
		if (!weir_slice_eq(a->members[i].key, name))
			continue;
		weir_adapt_drop(a, m);
		return;
	}
	weir_adapt_cut(a, m->key, name);
}

/* By the model's own word for it, else by its vendor's. */
static void set_limits(struct weir_adapting *a)
{
	const char *only = a->to->facts->max_tokens;

	for (size_t i = 0; i < WEIR_COUNT_OF(limits); i++) {
		const struct weir_json_member *m = weir_adapt_find(a, limits[i]);

		if (!m)
			continue;
		if (only && strcmp(only, limits[i]) != 0)
			rename(a, m, weir_slice_of(only));
		if (weir_adapt_find(a, limits[i]))
			weir_adapt_limit(a, m);
	}
}

static bool is_limit(struct weir_slice name)
{
	return weir_slice_is(name, limits[0]) || weir_slice_is(name, limits[1]);
}

/* "seed:random_seed,…" */
static void rename_others(struct weir_adapting *a)
{
	for (const char *pair = a->to->rename; pair && *pair;) {
		size_t n = strcspn(pair, ","), from = strcspn(pair, ":");
		struct weir_slice name = weir_slice(pair, from);

		for (unsigned i = 0; i < a->members_n && from < n; i++)
			if (weir_slice_eq(a->members[i].key, name) &&
			    !(is_limit(name) && a->to->facts->max_tokens))
				rename(a, &a->members[i],
				       weir_slice(pair + from + 1, n - from - 1));
		pair += n;
		pair += *pair == ',';
	}
}

/* Of fields that exclude each other the first in the list stays. */
static void keep_one(struct weir_adapting *a)
{
	bool kept = false;

	for (const char *list = a->to->facts->one_of; list && *list;) {
		size_t n = strcspn(list, ",");

		for (unsigned i = 0; i < a->members_n; i++) {
			if (!weir_slice_eq(a->members[i].key, weir_slice(list, n)))
				continue;
			if (kept)
				weir_adapt_drop(a, &a->members[i]);
			kept = true;
		}
		list += n;
		list += *list == ',';
	}
}

void weir_openai_adapt(struct weir_adapting *a)
{
	bool tools = has_tools(a);

	if (!tools)
		drop_toolless(a);
	set_effort(a, tools);
	weir_adapt_fields(a);
	keep_one(a);
	set_limits(a);
	rename_others(a);
}
