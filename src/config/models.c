#include "config/models.h"

#include "base/alloc.h"
#include "config/shape.h"

enum { MODELS_MAX = 4096, TOKENS_MAX = 1000000000 };

#define DOLLARS_MAX UINT64_C(1000000000000000) /* a million */

enum field {
	CONTEXT,
	OUTPUT,
	INPUT_PRICE,
	OUTPUT_PRICE,
	CACHED_PRICE,
	PREFILL,
	THINKS,
	IMAGES,
	TOOLS,
	SCHEMA,
	FIELDS_N
};

static const char *const names[FIELDS_N] = { "context",      "output",       "input_price",
					     "output_price", "cached_price", "prefill",
					     "thinks",       "images",       "tools",
					     "json_schema" };
static const struct weir_shape shape = { "a model", names, FIELDS_N, 0 };

struct weir_override {
	const struct weir_node *name;
	bool said[FIELDS_N];
	uint64_t value[FIELDS_N];
	bool used;
};

static bool read_field(struct weir_reader *reader, enum field field, const struct weir_node *node,
		       uint64_t *value)
{
	static const char *const words[] = { "off", "on", NULL };
	struct weir_range dollars = { 0, DOLLARS_MAX, NULL };
	int word;

	switch (field) {
	case CONTEXT:
	case OUTPUT:
		return weir_reader_count(reader, node, 1, TOKENS_MAX, value);
	case INPUT_PRICE:
	case OUTPUT_PRICE:
	case CACHED_PRICE:
		return weir_reader_number(reader, node, WEIR_NUMBER_DOLLARS, &dollars, value);
	case PREFILL:
	case THINKS:
	case IMAGES:
	case TOOLS:
	case SCHEMA:
	case FIELDS_N:
		break;
	}
	word = weir_reader_word(reader, node, words);
	*value = word == 1;
	return word >= 0;
}

static void read_one(struct weir_reader *reader, const struct weir_node *key,
		     struct weir_node *value)
{
	struct weir_node *fields[FIELDS_N];
	struct weir_override *model;

	if (key->broken || !weir_shape_read(reader, value, &shape, fields, NULL) ||
	    !weir_reader_grow(reader, &reader->models, reader->models_n, &reader->models_cap,
			      sizeof *reader->models))
		return;
	if (!weir_is_printable(key->raw)) {
		weir_reader_error(reader, key, "bad-name",
				  "%s cannot be the name of a model\nwrite it as the provider "
				  "has it, as gpt-4o, or as PROVIDER/MODEL",
				  weir_quote(key->raw).text);
		return;
	}
	model = &reader->models[reader->models_n++];
	*model = (struct weir_override){ .name = key };
	for (enum field i = 0; i < FIELDS_N; i++)
		model->said[i] = fields[i] && read_field(reader, i, fields[i], &model->value[i]);
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

/* From far to near. */
enum nearness { NOT, ALIKE, SAME_MODEL, SAME_TARGET, NEARNESS_N };

static enum nearness nearness_of(const struct weir_override *model,
				 const struct weir_target *target)
{
	if (weir_slice_is(model->name->raw, target->id))
		return SAME_TARGET;
	if (weir_slice_is_nocase(model->name->raw, target->model))
		return SAME_MODEL;
	return weir_model_is(weir_slice_of(target->model), model->name->raw) ? ALIKE : NOT;
}

static void set_ability(struct weir_model_facts *facts, const struct weir_override *model,
			enum field field, enum weir_ability ability)
{
	if (!model->said[field])
		return;
	facts->can &= ~(unsigned)ability;
	facts->cannot &= ~(unsigned)ability;
	*(model->value[field] ? &facts->can : &facts->cannot) |= ability;
}

static void apply(struct weir_model_facts *facts, const struct weir_override *model)
{
	const uint64_t *value = model->value;

	facts->context_tokens = model->said[CONTEXT] ? value[CONTEXT] : facts->context_tokens;
	facts->output_tokens = model->said[OUTPUT] ? value[OUTPUT] : facts->output_tokens;
	if (model->said[INPUT_PRICE]) { /* the other one's cached price goes with it */
		facts->price_in = value[INPUT_PRICE];
		facts->price_cached = WEIR_PRICE_UNKNOWN;
	}
	facts->price_out = model->said[OUTPUT_PRICE] ? value[OUTPUT_PRICE] : facts->price_out;
	facts->price_cached = model->said[CACHED_PRICE] ? value[CACHED_PRICE] : facts->price_cached;
	facts->prefill = model->said[PREFILL] ? (int)value[PREFILL] : facts->prefill;
	facts->thinks = model->said[THINKS] ? value[THINKS] : facts->thinks;
	set_ability(facts, model, IMAGES, WEIR_ABLE_IMAGES);
	set_ability(facts, model, TOOLS, WEIR_ABLE_TOOLS);
	set_ability(facts, model, SCHEMA, WEIR_ABLE_SCHEMA);
}

void weir_models_apply(struct weir_reader *reader, struct weir_target *target)
{
	struct weir_override *best[NEARNESS_N] = { NULL }; /* of several, the longest name */

	for (unsigned i = 0; i < reader->models_n; i++) {
		struct weir_override *model = &reader->models[i];
		enum nearness nearness = nearness_of(model, target);

		if (!best[nearness] || model->name->raw.len > best[nearness]->name->raw.len)
			best[nearness] = model;
	}
	for (enum nearness nearness = ALIKE; nearness < NEARNESS_N; nearness++) {
		if (!best[nearness])
			continue;
		best[nearness]->used = true;
		apply(&target->facts, best[nearness]);
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
