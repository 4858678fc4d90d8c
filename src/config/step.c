#include "config/step.h"

#include <inttypes.h>

#include "base/alloc.h"
#include "config/loaded.h"
#include "config/models.h"
#include "config/provider.h"

enum { TARGETS_MAX = WEIR_CHAINS_MAX * WEIR_MEMBERS_MAX };

static const char *const balances[WEIR_BALANCE_N + 1] = {
	[WEIR_BALANCE_WEIGHTED] = "weighted",
	[WEIR_BALANCE_LEAST_INFLIGHT] = "least_inflight",
	[WEIR_BALANCE_LATENCY] = "latency",
	[WEIR_BALANCE_COST] = "cost",
};

enum step_field { TARGET, TARGETS, BALANCE, STEP_FIELDS_N };

#define TARGET_SAYS "Who is asked, as PROVIDER/MODEL."
#define TARGETS_SAYS \
	"Several of which one is asked: a pool. Texts, or maps with settings of their own."
#define BALANCE_SAYS "How one of the targets is chosen."

static const struct weir_form name_form = { .takes = WEIR_TAKES_TEXT, .pattern = "^[^/]+/." };
static const struct weir_form balance_form = { .takes = WEIR_TAKES_WORD, .words = balances };
static const struct weir_key target_keys[] = {
	{ "target", &name_form, TARGET_SAYS, .needed = true },
};
static const struct weir_shape target_shape = { "a target", target_keys, 1, WEIR_IN_TARGET };
static const struct weir_form target_form = {
	.takes = WEIR_TAKES_TEXT | WEIR_TAKES_MAP,
	.pattern = "^[^/]+/.",
	.shapes = { &target_shape },
};
static const struct weir_form targets_form = {
	.takes = WEIR_TAKES_LIST | WEIR_TAKES_ONE,
	.each = &target_form,
	.least = 1,
	.most = WEIR_MEMBERS_MAX,
};
static const struct weir_key step_keys[STEP_FIELDS_N] = {
	[TARGET] = { "target", &name_form, TARGET_SAYS, .needed = true },
	[TARGETS] = { "targets", &targets_form, TARGETS_SAYS, .refused = true },
	[BALANCE] = { "balance", &balance_form, BALANCE_SAYS, "weighted" },
};
static const struct weir_key pool_keys[STEP_FIELDS_N] = {
	[TARGET] = { "target", &name_form, TARGET_SAYS, .refused = true },
	[TARGETS] = { "targets", &targets_form, TARGETS_SAYS, .needed = true },
	[BALANCE] = { "balance", &balance_form, BALANCE_SAYS, "weighted" },
};
static const struct weir_shape step_shape = { "a step", step_keys, STEP_FIELDS_N,
					      WEIR_IN_STEP | WEIR_IN_TARGET };
static const struct weir_shape pool_shape = { "a step with targets", pool_keys, STEP_FIELDS_N,
					      WEIR_IN_STEP };
const struct weir_form weir_step_form = {
	.takes = WEIR_TAKES_TEXT | WEIR_TAKES_MAP,
	.pattern = "^[^/]+/.",
	.shapes = { &step_shape, &pool_shape },
	.by = "targets",
};

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
	if (why.rule)
		weir_reader_error(reader, node, why.rule, "%s", why.text);
	if (!draft || !draft->provider)
		return NULL;
	draft->used = true;
	if (weir_config_add_target(reader->config, draft->provider, model, TARGETS_MAX, &target))
		reader->out_of_memory = true;
	else
		weir_models_apply(reader, target);
	return target;
}

/* A limit of the target itself, whichever step says it. */
static bool limit_target(struct weir_reader *reader, const struct weir_settings *settings,
			 enum weir_setting what, uint64_t *limit)
{
	const struct weir_node *from = settings->from[what];

	if (!from)
		return true;
	if (*limit && *limit != settings->value[what]) {
		weir_reader_error(reader, from, "conflict",
				  "another step says %s %" PRIu64 " of the same target\nwrite the "
				  "same number in both, or in one of them only",
				  weir_setting_name(what), *limit);
		return false;
	}
	*limit = settings->value[what];
	return true;
}

static bool limit_all(struct weir_reader *reader, const struct weir_settings *settings,
		      struct weir_target *target)
{
	uint64_t cap = target->max_inflight;
	bool ok = limit_target(reader, settings, WEIR_SET_MAX_INFLIGHT, &cap);

	target->max_inflight = (unsigned)cap;
	ok = limit_target(reader, settings, WEIR_SET_RPM, &target->rpm) && ok;
	return limit_target(reader, settings, WEIR_SET_TPM, &target->tpm) && ok;
}

/* What is being read: a step, its places, and what holds for its targets. */
struct reading {
	struct weir_reader *reader;
	struct weir_linted *linted;
	struct weir_step *step;
	struct weir_settings settings;
};

/* Who loads a model when it is asked for is not slow yet. */
static struct weir_timers timers_of(const struct weir_settings *settings,
				    const struct weir_target *target)
{
	const struct weir_vendor *vendor = target->provider->vendor;
	struct weir_timers timers = weir_settings_timers(settings, target->facts.thinks_long);
	uint64_t patience_ms = vendor ? vendor->patience_ms : 0;

	if (!settings->from[WEIR_SET_FIRST_TOKEN] && patience_ms > timers.first_token_timeout_ms)
		timers.first_token_timeout_ms = patience_ms;
	if (!settings->from[WEIR_SET_ATTEMPT] && patience_ms > timers.attempt_timeout_ms)
		timers.attempt_timeout_ms = patience_ms;
	return timers;
}

static bool add_target(struct reading *r, struct weir_node *node, struct weir_node *named,
		       const struct weir_settings *settings)
{
	struct weir_step *step = r->step;
	struct weir_target *target = read_target(r->reader, named);

	if (!target)
		return false;
	for (unsigned i = 0; i < step->targets_n; i++) {
		if (step->targets[i].target != target)
			continue;
		weir_reader_error(
			r->reader, node, "duplicate-target",
			"this target is in the list already\nwrite it once, with a larger "
			"`weight` if it can take more");
		return false;
	}
	if (!limit_all(r->reader, settings, target) ||
	    !weir_linted_add(r->reader, r->linted, node, settings))
		return false;
	step->targets[step->targets_n++] = (struct weir_step_target){
		.target = target,
		.weight = (unsigned)settings->value[WEIR_SET_WEIGHT],
		.timers = timers_of(settings, target),
		.line = node->line,
	};
	return true;
}

/* One of several: a text, or a map that names it. */
static bool read_member(struct reading *r, struct weir_node *node)
{
	struct weir_settings settings = r->settings, own;
	struct weir_node *named = NULL;

	if (node->type != WEIR_NODE_MAP)
		return add_target(r, node, node, &settings);
	weir_settings_init(&own);
	if (!weir_shape_read(r->reader, node, &target_shape, &named, &own))
		return false;
	if (!named) {
		weir_reader_error(r->reader, node, "missing-key",
				  "does not say which target\nwrite `target: PROVIDER/MODEL`");
		return false;
	}
	weir_settings_overlay(&settings, &own);
	return add_target(r, node, named, &settings);
}

/* Room for n targets. */
static bool make_targets(struct reading *r, unsigned n)
{
	r->step->targets = weir_reader_alloc(r->reader, n * sizeof *r->step->targets);
	return r->step->targets != NULL;
}

static bool check_weights(struct reading *r, const struct weir_node *node)
{
	for (unsigned i = 0; i < r->step->targets_n; i++)
		if (r->step->targets[i].weight)
			return true;
	weir_reader_error(r->reader, node, "bad-value",
			  "every target of this step has weight 0, which means: only when there is "
			  "no other\ngive one of them a weight");
	return false;
}

static bool read_pool(struct reading *r, struct weir_node *node)
{
	unsigned n = weir_node_is_null(node) ? 0 : weir_reader_items(node);
	bool whole = true;

	if (n == 0) {
		weir_reader_error(r->reader, node, "missing-steps",
				  "a step without targets\nwrite `- PROVIDER/MODEL` below it");
		return false;
	}
	if (n > WEIR_MEMBERS_MAX) {
		weir_reader_error(r->reader, node, "too-many",
				  "%u targets, and %d are the most\nuse fewer, or several steps", n,
				  WEIR_MEMBERS_MAX);
		return false;
	}
	if (!make_targets(r, n))
		return false;
	for (unsigned i = 0; i < n; i++)
		whole = read_member(r, weir_reader_item(node, i)) && whole;
	return whole && check_weights(r, node);
}

static bool read_single(struct reading *r, struct weir_node *node, struct weir_node *named)
{
	return make_targets(r, 1) && add_target(r, node, named, &r->settings) &&
	       check_weights(r, node);
}

static void read_balance(struct reading *r, const struct weir_node *node)
{
	int word = node ? weir_reader_word(r->reader, node, balances) : -1;

	if (word >= 0)
		r->step->balance = (enum weir_balance)word;
}

static bool read_map(struct reading *r, struct weir_node *node)
{
	bool pool = weir_node_get(node, weir_step_form.by);
	struct weir_node *fields[STEP_FIELDS_N];
	struct weir_settings own;

	weir_settings_init(&own);
	if (!weir_shape_read(r->reader, node, weir_step_form.shapes[pool], fields, &own))
		return false;
	weir_settings_overlay(&r->settings, &own);
	r->step->retries_set = own.from[WEIR_SET_RETRIES] != NULL;
	read_balance(r, fields[BALANCE]);
	if (fields[TARGET] && fields[TARGETS]) {
		weir_reader_error(r->reader, node, "conflict",
				  "has both `target` and `targets`\nremove one of them");
		return false;
	}
	if (fields[TARGETS])
		return read_pool(r, fields[TARGETS]);
	if (fields[TARGET])
		return read_single(r, node, fields[TARGET]);
	weir_reader_error(r->reader, node, "missing-key",
			  "does not say which target\nwrite `target: PROVIDER/MODEL`");
	return false;
}

bool weir_step_read(struct weir_reader *reader, struct weir_node *node, struct weir_linted *linted,
		    struct weir_step *step)
{
	struct reading r = { reader, linted, step, linted->settings };
	bool ok;

	*step = (struct weir_step){ .balance = WEIR_BALANCE_WEIGHTED, .line = node->line };
	ok = node->type == WEIR_NODE_MAP ? read_map(&r, node) : read_single(&r, node, node);
	step->timers = weir_settings_timers(&r.settings, false);
	step->retries = (unsigned)r.settings.value[WEIR_SET_RETRIES];
	if (ok)
		return true;
	weir_free(step->targets);
	*step = (struct weir_step){ 0 };
	return false;
}
