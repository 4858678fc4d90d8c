#include "config/models.h"

#include "base/alloc.h"
#include "config/loaded.h"
#include "dialect/chat.h"

enum { MODELS_MAX = 4096, TOKENS_MAX = 1000000000, LIST_MAX = 64, LIST_TEXT_MAX = 4096 };

#define DOLLARS_MAX UINT64_C(1000000000000000) /* a million */

enum kind { COUNT, DOLLARS, SWITCH, PREFILL, THINKS, EFFORTS, FIELD, PATH, FIELDS, ABILITY, LIKE };

static const char *const thinks_words[] = { "off", "on", "asked", "always", "unknown", NULL };
static const char *const prefill_words[] = { "off", "on", "unknown", NULL };
static const char *const effort_words[] = { "none", "minimal", "low", "medium",
					    "high", "xhigh",   "max", NULL };

#define FIELD_PATTERN "^[A-Za-z0-9_.\\\\[\\\\]-]{1,256}$"

static const struct weir_form effort_form = { .takes = WEIR_TAKES_WORD, .words = effort_words };
static const struct weir_form field_form = { .takes = WEIR_TAKES_TEXT | WEIR_TAKES_BARE,
					     .pattern = FIELD_PATTERN };

/* clang-format off */
static const struct weir_form forms[] = {
	[COUNT] = { .takes = WEIR_TAKES_NUMBER, .number = WEIR_NUMBER_COUNT, .min = 1,
		.max = TOKENS_MAX },
	[DOLLARS] = { .takes = WEIR_TAKES_NUMBER, .number = WEIR_NUMBER_DOLLARS,
		.max = DOLLARS_MAX },
	[SWITCH] = { .takes = WEIR_TAKES_WORD, .words = weir_switch_words },
	[ABILITY] = { .takes = WEIR_TAKES_WORD, .words = weir_switch_words },
	[PREFILL] = { .takes = WEIR_TAKES_WORD, .words = prefill_words },
	[THINKS] = { .takes = WEIR_TAKES_WORD, .words = thinks_words },
	[EFFORTS] = { .takes = WEIR_TAKES_LIST | WEIR_TAKES_ONE, .each = &effort_form,
		.most = LIST_MAX },
	[FIELD] = { .takes = WEIR_TAKES_TEXT | WEIR_TAKES_BARE, .pattern = FIELD_PATTERN },
	[PATH] = { .takes = WEIR_TAKES_TEXT | WEIR_TAKES_BARE,
		.pattern = "^[A-Za-z0-9/_.-]{1,256}$" },
	[FIELDS] = { .takes = WEIR_TAKES_LIST | WEIR_TAKES_ONE, .each = &field_form,
		.most = LIST_MAX },
	[LIKE] = { .takes = WEIR_TAKES_TEXT },
};

/* name, kind, enum weir_model_key (of an ability its bit), sentence */
#define KEYS(X) \
	X("context", COUNT, WEIR_MODEL_CONTEXT, "The window, in tokens.") \
	X("like", LIKE, 0, "A model of the built-in table, or VENDOR/MODEL: " \
		"begins with all that is known of that one.") \
	X("output", COUNT, WEIR_MODEL_OUTPUT, "The most tokens it answers.") \
	X("input_price", DOLLARS, WEIR_MODEL_INPUT_PRICE, "Dollars for a million tokens in.") \
	X("output_price", DOLLARS, WEIR_MODEL_OUTPUT_PRICE, "Dollars for a million tokens out.") \
	X("cached_price", DOLLARS, WEIR_MODEL_CACHED_PRICE, \
		"Dollars for a million tokens in that the vendor had kept.") \
	X("images", ABILITY, WEIR_ABLE_IMAGES, "It takes images.") \
	X("image_urls", ABILITY, WEIR_ABLE_IMAGE_URLS, "It fetches images that are elsewhere.") \
	X("pdf", ABILITY, WEIR_ABLE_PDF, "It takes PDF files.") \
	X("audio", ABILITY, WEIR_ABLE_AUDIO, "It takes sound.") \
	X("tools", ABILITY, WEIR_ABLE_TOOLS, "It calls tools.") \
	X("system_turns", ABILITY, WEIR_ABLE_SYSTEM_TURNS, \
		"It takes instructions in mid-conversation as a turn of their own.") \
	X("json_schema", ABILITY, WEIR_ABLE_SCHEMA, "It answers by a JSON Schema.") \
	X("thinks", THINKS, WEIR_MODEL_THINKS, "Whether it thinks: only when asked, unless " \
		"told not to (on), always, or never.") \
	X("thinks_long", SWITCH, WEIR_MODEL_THINKS_LONG, \
		"It thinks long before its first token: timers that are set nowhere are longer.") \
	X("thinks_with_tools", SWITCH, WEIR_MODEL_THINKS_WITH_TOOLS, \
		"It takes tools and thinking in one request.") \
	X("thinking_budget", SWITCH, WEIR_MODEL_THINKING_BUDGET, \
		"It is asked to think by a number of tokens, not by effort.") \
	X("effort", EFFORTS, WEIR_MODEL_EFFORT, "The efforts it accepts.") \
	X("max_tokens", FIELD, WEIR_MODEL_MAX_TOKENS, \
		"The only name it knows of the field that limits an answer.") \
	X("refuses", FIELDS, WEIR_MODEL_REFUSES, "Fields it answers with an error.") \
	X("refuses_thinking", FIELDS, WEIR_MODEL_REFUSES_THINKING, "The same while it thinks.") \
	X("one_of", FIELDS, WEIR_MODEL_ONE_OF, "Fields of which it takes only one.") \
	X("prefill", PREFILL, WEIR_MODEL_PREFILL, "It goes on from a text that is begun.") \
	X("prefill_flag", FIELD, WEIR_MODEL_PREFILL_FLAG, \
		"The field of the message that asks for that.") \
	X("prefill_path", PATH, WEIR_MODEL_PREFILL_PATH, "It does so only below this base path.")

#define AS_ROW(name, kind, what, says) { kind, what },
#define AS_KEY(name, kind, what, says) { name, &forms[kind], says },

static const struct row {
	enum kind kind;
	unsigned what;
} rows[] = { KEYS(AS_ROW) };
static const struct weir_key known[] = { KEYS(AS_KEY) };
/* clang-format on */

enum { KEYS_N = WEIR_COUNT_OF(known) };

static const struct weir_shape shape = { "a model", known, KEYS_N, 0 };
static const struct weir_form form = { .takes = WEIR_TAKES_MAP, .shapes = { &shape } };
const struct weir_form weir_models_form = {
	.takes = WEIR_TAKES_NAMES | WEIR_TAKES_NOTHING,
	.pattern = ".",
	.each = &form,
	.most = MODELS_MAX,
};

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
	if (!check_list(reader, node))
		return false;
	*efforts = 0;
	for (unsigned i = 0; i < weir_reader_items(node); i++) {
		int word = weir_reader_word(reader, weir_reader_item(node, i), effort_words);

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
			const struct row *row, struct weir_model_facts *facts)
{
	bool *const members[WEIR_MODEL_KEYS_N] = {
		[WEIR_MODEL_THINKS_LONG] = &facts->thinks_long,
		[WEIR_MODEL_THINKS_WITH_TOOLS] = &facts->no_thinking_with_tools,
		[WEIR_MODEL_THINKING_BUDGET] = &facts->thinking_budget,
	};
	int word = weir_form_word(reader, &forms[row->kind], node);

	if (word < 0)
		return false;
	if (row->kind == ABILITY)
		*(word ? &facts->can : &facts->cannot) |= row->what;
	else
		*members[row->what] = (word == 1) != (row->what == WEIR_MODEL_THINKS_WITH_TOOLS);
	return true;
}

static bool read_word(struct weir_reader *reader, const struct weir_node *node,
		      const struct row *row, struct weir_model_facts *facts)
{
	static const enum weir_thinks thinks[] = { WEIR_THINKS_OFF, WEIR_THINKS_ON,
						   WEIR_THINKS_ASKED, WEIR_THINKS_ALWAYS,
						   WEIR_THINKS_UNKNOWN };
	int word = weir_form_word(reader, &forms[row->kind], node);

	if (word < 0)
		return false;
	if (row->kind == THINKS)
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

static bool read_key(struct weir_reader *reader, const struct row *row, struct weir_node *node,
		     struct weir_override *model)
{
	struct weir_model_facts *facts = &model->row.facts;

	switch (row->kind) {
	case COUNT:
	case DOLLARS:
		return weir_form_number(reader, &forms[row->kind], node,
					number_of(facts, row->what));
	case SWITCH:
	case ABILITY:
		return read_switch(reader, node, row, facts);
	case PREFILL:
	case THINKS:
		return read_word(reader, node, row, facts);
	case EFFORTS:
		return read_efforts(reader, node, &facts->efforts);
	case FIELD:
	case PATH:
		return read_string(reader, node, row->kind == PATH, text_of(facts, row->what));
	case FIELDS:
		return read_fields(reader, node, text_of(facts, row->what));
	case LIKE:
		return read_like(reader, node, model);
	}
	return false;
}

static void read_one(struct weir_reader *reader, const struct weir_node *name,
		     struct weir_node *value)
{
	struct weir_node *values[KEYS_N];
	struct weir_override *model;

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
		if (values[i] && read_key(reader, &rows[i], values[i], model) &&
		    rows[i].kind != ABILITY && rows[i].kind != LIKE)
			model->row.said |= 1u << rows[i].what;
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
