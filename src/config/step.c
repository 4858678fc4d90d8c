#include "config/step.h"

#include "config/loaded.h"
#include "config/provider.h"

enum { TARGETS_MAX = WEIR_CHAINS_MAX * WEIR_STEPS_MAX };

static const char *const balances[] = { "weighted", "least_inflight", "latency", "cost", NULL };

enum step_field { TARGET, TARGETS, BALANCE, STEP_FIELDS_N };

static const char *const names[STEP_FIELDS_N] = { "target", "targets", "balance" };
static const struct weir_shape step_shape = { "a step", names, STEP_FIELDS_N,
					      WEIR_IN_STEP | WEIR_IN_TARGET };
static const struct weir_shape pool_shape = { "a step with targets", names, STEP_FIELDS_N,
					      WEIR_IN_STEP };
static const struct weir_shape target_shape = { "a target", names, 1, WEIR_IN_TARGET };

static void not_a_target(struct weir_reader *reader, const struct weir_node *node,
			 struct weir_slice text)
{
	const struct weir_vendor *vendor = weir_vendor_of_model(text);

	if (vendor && !memchr(text.base, '/', text.len))
		weir_reader_error(reader, node, "bad-target",
				  "%s names no provider\nwrite `%s/%.*s`, as PROVIDER/MODEL",
				  weir_quote(node->raw).text, vendor->name, (int)node->raw.len,
				  node->raw.base);
	else
		weir_reader_error(reader, node, "bad-target",
				  "%s is not PROVIDER/MODEL\nwrite it as `openai/gpt-4o`",
				  weir_quote(node->raw).text);
}

/* Splits at the first slash: models may have more of them. */
static bool split(struct weir_reader *reader, const struct weir_node *node,
		  struct weir_slice *provider, struct weir_slice *model)
{
	struct weir_slice text;
	const char *slash;

	if (!weir_reader_text(reader, node, "a target", &text))
		return false;
	slash = memchr(text.base, '/', text.len);
	*provider = weir_slice(text.base, slash ? (size_t)(slash - text.base) : 0);
	*model = weir_slice(slash ? slash + 1 : NULL, slash ? text.len - provider->len - 1 : 0);
	if (provider->len && model->len && model->len <= WEIR_NAME_MAX && weir_is_printable(text))
		return true;
	not_a_target(reader, node, text);
	return false;
}

static struct weir_target *read_target(struct weir_reader *reader, struct weir_node *node)
{
	struct weir_slice provider, model;
	struct weir_why why = { .text = "" };
	struct weir_target *target = NULL;
	struct weir_draft *draft;

	if (!split(reader, node, &provider, &model))
		return NULL;
	draft = weir_provider_draft(reader, node, provider, &why);
	if (draft && draft->unbuilt)
		weir_why_not_built(&why, draft->name, draft->unbuilt);
	if (why.rule)
		weir_reader_error(reader, node, why.rule, "%s", why.text);
	if (!draft || !draft->provider)
		return NULL;
	draft->used = true;
	if (weir_config_add_target(reader->config, draft->provider, model, TARGETS_MAX, &target))
		reader->out_of_memory = true;
	return target;
}

static bool cap_target(struct weir_reader *reader, const struct weir_settings *settings,
		       struct weir_target *target)
{
	const struct weir_node *from = settings->from[WEIR_SET_MAX_INFLIGHT];
	unsigned cap = (unsigned)settings->value[WEIR_SET_MAX_INFLIGHT];

	if (!from)
		return true;
	if (target->max_inflight && target->max_inflight != cap) {
		weir_reader_error(reader, from, "conflict",
				  "another step says max_inflight %u of the same target\nwrite "
				  "the same number in both, or in one of them only",
				  target->max_inflight);
		return false;
	}
	target->max_inflight = cap;
	return true;
}

/* The single member of a pool, as a node that names it; NULL: reported. */
static struct weir_node *read_pool(struct weir_reader *reader, struct weir_node *node,
				   struct weir_settings *settings)
{
	struct weir_node *member, *target = NULL;
	struct weir_settings own;

	if (weir_node_is_null(node) || weir_reader_items(node) == 0) {
		weir_reader_error(reader, node, "missing-steps",
				  "a step without targets\nwrite `- PROVIDER/MODEL` below it");
		return NULL;
	}
	if (weir_reader_items(node) > 1) {
		weir_reader_error(reader, node, "not-built",
				  "pools of several targets are not in this version of weir\nlist "
				  "the targets as separate steps");
		return NULL;
	}
	member = weir_reader_item(node, 0);
	if (member->type != WEIR_NODE_MAP)
		return member;
	weir_settings_init(&own);
	if (!weir_shape_read(reader, member, &target_shape, &target, &own))
		return NULL;
	if (!target)
		weir_reader_error(reader, member, "missing-key",
				  "does not say which target\nwrite `target: PROVIDER/MODEL`");
	weir_settings_overlay(settings, &own);
	return target;
}

/* The node that names the target; NULL: reported. */
static struct weir_node *read_map(struct weir_reader *reader, struct weir_node *node,
				  struct weir_settings *settings, bool *retries_set)
{
	const struct weir_shape *shape = weir_node_get(node, "targets") ? &pool_shape : &step_shape;
	struct weir_node *fields[STEP_FIELDS_N];
	struct weir_settings own;

	weir_settings_init(&own);
	if (!weir_shape_read(reader, node, shape, fields, &own))
		return NULL;
	weir_settings_overlay(settings, &own);
	*retries_set = own.from[WEIR_SET_RETRIES] != NULL;
	if (fields[BALANCE])
		(void)weir_reader_word(reader, fields[BALANCE], balances);
	if (fields[TARGET] && fields[TARGETS]) {
		weir_reader_error(reader, node, "conflict",
				  "has both `target` and `targets`\nremove one of them");
		return NULL;
	}
	if (fields[TARGETS])
		return read_pool(reader, fields[TARGETS], settings);
	if (!fields[TARGET])
		weir_reader_error(reader, node, "missing-key",
				  "does not say which target\nwrite `target: PROVIDER/MODEL`");
	return fields[TARGET];
}

bool weir_step_read(struct weir_reader *reader, struct weir_node *node,
		    struct weir_settings *settings, struct weir_step *step)
{
	struct weir_node *named = node;

	*step = (struct weir_step){ .line = node->line };
	if (node->type == WEIR_NODE_MAP)
		named = read_map(reader, node, settings, &step->retries_set);
	if (!named)
		return false;
	step->target = read_target(reader, named);
	if (!step->target || !cap_target(reader, settings, step->target))
		return false;
	step->timers = weir_settings_timers(settings);
	step->retries = (unsigned)settings->value[WEIR_SET_RETRIES];
	return true;
}
