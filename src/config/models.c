#include "config/models.h"

#include "base/alloc.h"
#include "config/loaded.h"
#include "config/shape.h"
#include "dialect/chat.h"

enum { MODELS_MAX = 4096, TOKENS_MAX = 1000000000, LIST_MAX = 64, LIST_TEXT_MAX = 4096 };

#define DOLLARS_MAX UINT64_C(1000000000000000) /* a million */

enum kind { COUNT, DOLLARS, SWITCH, PREFILL, THINKS, EFFORTS, FIELD, PATH, FIELDS, ABILITY, LIKE };

struct row {
	const char *name;
	enum kind kind;
	unsigned what; /* enum weir_model_key, or of an ability its bit */
};

static const struct row keys[] = {
	{ "context", COUNT, WEIR_MODEL_CONTEXT },
	{ "like", LIKE, 0 },
	{ "output", COUNT, WEIR_MODEL_OUTPUT },
	{ "input_price", DOLLARS, WEIR_MODEL_INPUT_PRICE },
	{ "output_price", DOLLARS, WEIR_MODEL_OUTPUT_PRICE },
	{ "cached_price", DOLLARS, WEIR_MODEL_CACHED_PRICE },
	{ "images", ABILITY, WEIR_ABLE_IMAGES },
	{ "image_urls", ABILITY, WEIR_ABLE_IMAGE_URLS },
	{ "pdf", ABILITY, WEIR_ABLE_PDF },
	{ "audio", ABILITY, WEIR_ABLE_AUDIO },
	{ "tools", ABILITY, WEIR_ABLE_TOOLS },
	{ "system_turns", ABILITY, WEIR_ABLE_SYSTEM_TURNS },
	{ "json_schema", ABILITY, WEIR_ABLE_SCHEMA },
	{ "thinks", THINKS, WEIR_MODEL_THINKS },
	{ "thinks_long", SWITCH, WEIR_MODEL_THINKS_LONG },
	{ "thinks_with_tools", SWITCH, WEIR_MODEL_THINKS_WITH_TOOLS },
	{ "thinking_budget", SWITCH, WEIR_MODEL_THINKING_BUDGET },
	{ "effort", EFFORTS, WEIR_MODEL_EFFORT },
	{ "max_tokens", FIELD, WEIR_MODEL_MAX_TOKENS },
	{ "refuses", FIELDS, WEIR_MODEL_REFUSES },
	{ "refuses_thinking", FIELDS, WEIR_MODEL_REFUSES_THINKING },
	{ "one_of", FIELDS, WEIR_MODEL_ONE_OF },
	{ "prefill", PREFILL, WEIR_MODEL_PREFILL },
	{ "prefill_flag", FIELD, WEIR_MODEL_PREFILL_FLAG },
	{ "prefill_path", PATH, WEIR_MODEL_PREFILL_PATH },
};

enum { KEYS_N = WEIR_COUNT_OF(keys) };

struct weir_override {
	const struct weir_node *name;
	struct weir_slice like; /* base NULL: nothing is */
	struct weir_model_row row;
	bool used;
};

/* A text the configuration keeps; NULL with reader->out_of_memory. */
static const char *keep(struct weir_reader *reader, struct weir_slice text)
{
	const char *kept = NULL;

	if (weir_config_keep(reader->config, text, &kept))
		reader->out_of_memory = true;
	return kept;
}

static bool is_field(struct weir_slice text, bool path)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.base[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
		    !strchr(path ? "/_.-" : "_.-[]", c))
			return false;
	}
	return text.len && text.len <= WEIR_NAME_MAX;
}

static bool read_name(struct weir_reader *reader, const struct weir_node *node, bool path,
		      struct weir_slice *text)
{
	if (!weir_reader_text(reader, node, path ? "a path" : "the name of a field", text))
		return false;
	if (is_field(*text, path))
		return true;
	weir_reader_error(reader, node, "bad-value",
			  "%s cannot be %s\nwrite it as it stands in a request, as %s",
			  weir_quote(node->raw).text, path ? "a path" : "the name of a field",
			  path ? "/beta" : "temperature");
	return false;
}

static bool read_string(struct weir_reader *reader, const struct weir_node *node, bool path,
			const char **value)
{
	struct weir_slice text;

	if (!read_name(reader, node, path, &text))
		return false;
	*value = keep(reader, text);
	return *value != NULL;
}

static bool check_list(struct weir_reader *reader, const struct weir_node *node)
{
	if (node->type == WEIR_NODE_MAP) {
		weir_reader_error(reader, node, "wrong-type", "is a list\nwrite [ A, B ]");
		return false;
	}
	if (node->type == WEIR_NODE_LIST && node->pairs_n > LIST_MAX) {
		weir_reader_error(reader, node, "too-many",
				  "%u names, and %d are the most\nname fewer", node->pairs_n,
				  LIST_MAX);
		return false;
	}
	return true;
}

static bool read_fields(struct weir_reader *reader, struct weir_node *node, const char **list)
{
	struct weir_buf joined;
	bool ok = check_list(reader, node);

	weir_buf_init(&joined, LIST_TEXT_MAX);
	for (unsigned i = 0; ok && i < weir_reader_items(node); i++) {
		struct weir_slice text;

		ok = read_name(reader, weir_reader_item(node, i), false, &text);
		if (ok && (weir_buf_puts(&joined, i ? "," : "") ||
			   weir_buf_append(&joined, text.base, text.len))) {
			reader->out_of_memory = true;
			ok = false;
		}
	}
	if (ok)
		*list = keep(reader, weir_slice(joined.len ? joined.base : "", joined.len));
	weir_buf_fini(&joined);
	return ok && *list;
}

static bool read_efforts(struct weir_reader *reader, struct weir_node *node, unsigned *efforts)
{
	static const char *const words[] = { "none", "minimal", "low", "medium",
					     "high", "xhigh",   "max", NULL };

	if (!check_list(reader, node))
		return false;
	*efforts = 0;
	for (unsigned i = 0; i < weir_reader_items(node); i++) {
		int word = weir_reader_word(reader, weir_reader_item(node, i), words);

		if (word < 0)
			return false;
		*efforts |= 1u << (WEIR_EFFORT_NONE + word);
	}
	return true;
}

static uint64_t *number_of(struct weir_model_facts *facts, enum weir_model_key key)
{
	uint64_t *const members[WEIR_MODEL_KEYS_N] = {
		[WEIR_MODEL_CONTEXT] = &facts->context_tokens,
		[WEIR_MODEL_OUTPUT] = &facts->output_tokens,
		[WEIR_MODEL_INPUT_PRICE] = &facts->price_in,
		[WEIR_MODEL_OUTPUT_PRICE] = &facts->price_out,
		[WEIR_MODEL_CACHED_PRICE] = &facts->price_cached,
	};

	return members[key];
}

static const char **text_of(struct weir_model_facts *facts, enum weir_model_key key)
{
	const char **const members[WEIR_MODEL_KEYS_N] = {
		[WEIR_MODEL_PREFILL_FLAG] = &facts->prefill_flag,
		[WEIR_MODEL_PREFILL_PATH] = &facts->prefill_path,
		[WEIR_MODEL_MAX_TOKENS] = &facts->max_tokens,
		[WEIR_MODEL_REFUSES] = &facts->refuses,
		[WEIR_MODEL_REFUSES_THINKING] = &facts->refuses_thinking,
		[WEIR_MODEL_ONE_OF] = &facts->one_of,
	};

	return members[key];
}

static bool read_switch(struct weir_reader *reader, const struct weir_node *node,
			const struct row *key, struct weir_model_facts *facts)
{
	bool *const members[WEIR_MODEL_KEYS_N] = {
		[WEIR_MODEL_THINKS_LONG] = &facts->thinks_long,
		[WEIR_MODEL_THINKS_WITH_TOOLS] = &facts->no_thinking_with_tools,
		[WEIR_MODEL_THINKING_BUDGET] = &facts->thinking_budget,
	};
	static const char *const words[] = { "off", "on", NULL };
	int word = weir_reader_word(reader, node, words);

	if (word < 0)
		return false;
	if (key->kind == ABILITY)
		*(word ? &facts->can : &facts->cannot) |= key->what;
	else
		*members[key->what] = (word == 1) != (key->what == WEIR_MODEL_THINKS_WITH_TOOLS);
	return true;
}

static bool read_word(struct weir_reader *reader, const struct weir_node *node,
		      const struct row *key, struct weir_model_facts *facts)
{
	static const char *const words[] = { "off", "on", "asked", "always", "unknown", NULL };
	static const char *const prefill[] = { "off", "on", "unknown", NULL };
	static const enum weir_thinks thinks[] = { WEIR_THINKS_OFF, WEIR_THINKS_ON,
						   WEIR_THINKS_ASKED, WEIR_THINKS_ALWAYS,
						   WEIR_THINKS_UNKNOWN };
	int word = weir_reader_word(reader, node, key->kind == THINKS ? words : prefill);

	if (word < 0)
		return false;
	if (key->kind == THINKS)
		facts->thinks = thinks[word];
	else
		facts->prefill = word == 2 ? -1 : word;
	return true;
}

/* A model of the built-in table. */
static bool read_like(struct weir_reader *reader, const struct weir_node *node,
		      struct weir_override *model)
{
	if (!weir_reader_text(reader, node, "the name of a model", &model->like))
		return false;
	if (weir_model_known(model->like))
		return true;
	weir_reader_error(reader, node, "unknown-model",
			  "nothing is known of %s\nwrite a model that weir knows, as gpt-5 or "
			  "groq/gpt-oss-120b, or what holds for it",
			  weir_quote(node->raw).text);
	return false;
}

static bool read_key(struct weir_reader *reader, const struct row *key, struct weir_node *node,
		     struct weir_override *model)
{
	struct weir_model_facts *facts = &model->row.facts;
	struct weir_range dollars = { 0, DOLLARS_MAX, NULL };

	switch (key->kind) {
	case COUNT:
		return weir_reader_count(reader, node, 1, TOKENS_MAX, number_of(facts, key->what));
	case DOLLARS:
		return weir_reader_number(reader, node, WEIR_NUMBER_DOLLARS, &dollars,
					  number_of(facts, key->what));
	case SWITCH:
	case ABILITY:
		return read_switch(reader, node, key, facts);
	case PREFILL:
	case THINKS:
		return read_word(reader, node, key, facts);
	case EFFORTS:
		return read_efforts(reader, node, &facts->efforts);
	case FIELD:
	case PATH:
		return read_string(reader, node, key->kind == PATH, text_of(facts, key->what));
	case FIELDS:
		return read_fields(reader, node, text_of(facts, key->what));
	case LIKE:
		return read_like(reader, node, model);
	}
	return false;
}

static void read_one(struct weir_reader *reader, const struct weir_node *name,
		     struct weir_node *value)
{
	const char *names[KEYS_N];
	const struct weir_shape shape = { "a model", names, KEYS_N, 0 };
	struct weir_node *values[KEYS_N];
	struct weir_override *model;

	for (unsigned i = 0; i < KEYS_N; i++)
		names[i] = keys[i].name;
	if (name->broken || !weir_shape_read(reader, value, &shape, values, NULL) ||
	    !weir_reader_grow(reader, &reader->models, reader->models_n, &reader->models_cap,
			      sizeof *reader->models))
		return;
	if (!weir_is_printable(name->raw)) {
		weir_reader_error(reader, name, "bad-name",
				  "%s cannot be the name of a model\nwrite it as the provider "
				  "has it, as gpt-4o, or as PROVIDER/MODEL",
				  weir_quote(name->raw).text);
		return;
	}
	model = &reader->models[reader->models_n++];
	*model = (struct weir_override){ .name = name };
	for (unsigned i = 0; i < KEYS_N; i++)
		if (values[i] && read_key(reader, &keys[i], values[i], model) &&
		    keys[i].kind != ABILITY && keys[i].kind != LIKE)
			model->row.said |= 1u << keys[i].what;
}

void weir_models_read(struct weir_reader *reader, struct weir_node *node)
{
	if (!node || weir_node_is_null(node))
		return;
	if (node->type != WEIR_NODE_MAP) {
		weir_reader_error(reader, node, "wrong-type",
				  "models are a map of names\nwrite `gpt-4o: { context: 128000 }` "
				  "below it; what callers may ask for stands under `chains`");
		return;
	}
	if (node->pairs_n > MODELS_MAX) {
		weir_reader_error(reader, node, "too-many",
				  "%u models, and %d are the most\nremove what no chain uses",
				  node->pairs_n, MODELS_MAX);
		return;
	}
	for (unsigned i = 0; i < node->pairs_n; i++)
		read_one(reader, node->pairs[i].key, node->pairs[i].value);
}

/* The next nearer one after laid, of those that fit the target; as near, the next one. */
static struct weir_override *next_of(struct weir_reader *reader, const struct weir_target *target,
				     uint64_t *laid)
{
	struct weir_override *next = NULL;
	uint64_t nearest = UINT64_MAX;

	for (unsigned i = 0; i < reader->models_n; i++) {
		struct weir_override *model = &reader->models[i];
		uint64_t fits = weir_model_fits(model->name->raw,
						weir_slice_of(target->provider->name),
						weir_slice_of(target->model));
		uint64_t order = fits << 32 | i;

		if (fits == 0 || order <= *laid || order >= nearest)
			continue;
		nearest = order;
		next = model;
	}
	*laid = nearest;
	return next;
}

void weir_models_apply(struct weir_reader *reader, struct weir_target *target)
{
	struct weir_override *model;
	uint64_t laid = 0;

	while ((model = next_of(reader, target, &laid))) {
		model->used = true;
		if (model->like.base)
			target->facts = weir_model_facts_like(model->like);
		weir_model_lay(&target->facts, &model->row);
	}
}

void weir_models_check(struct weir_reader *reader)
{
	if (reader->findings->errors) /* a step that could not be read may have it */
		return;
	for (unsigned i = 0; i < reader->models_n; i++)
		if (!reader->models[i].used)
			weir_reader_warn(reader, reader->models[i].name, "unused-model",
					 "no step has a target of this name\nwrite it as it stands "
					 "in a step, with or without its provider, or remove it");
}

void weir_models_fini(struct weir_reader *reader)
{
	weir_free(reader->models);
	reader->models = NULL;
	reader->models_n = reader->models_cap = 0;
}
