#include "config/chain.h"

#include "config/loaded.h"
#include "config/step.h"
#include "policy/plan.h"

#define PRINTABLE "[^\\u0000-\\u0020\\u007f-\\u009f]"

static const struct weir_form steps_form = {
	.takes = WEIR_TAKES_LIST,
	.each = &weir_step_form,
	.least = 1,
	.most = WEIR_STEPS_MAX,
};
static const struct weir_key known[] = {
	{ "steps", &steps_form,
	  "Whom to ask, in this order: the next one when the one before fails for a while.",
	  .needed = true },
};
static const struct weir_shape shape = { "a chain", known, 1, WEIR_IN_CHAIN };
static const struct weir_form form = { .takes = WEIR_TAKES_MAP, .shapes = { &shape } };
const struct weir_form weir_chains_form = {
	.takes = WEIR_TAKES_NAMES,
	.pattern = "^" PRINTABLE "([^\\u0000-\\u001f\\u007f-\\u009f]*" PRINTABLE ")?$",
	.each = &form,
	.least = 1,
	.most = WEIR_CHAINS_MAX,
};

static void fill_affinity(struct weir_chain *chain, unsigned value)
{
	chain->affinity = value == WEIR_SET_AFFINITY_OFF    ? WEIR_AFFINITY_NONE
			  : value == WEIR_SET_AFFINITY_USER ? WEIR_AFFINITY_USER
							    : WEIR_AFFINITY_HEADER;
	chain->affinity_header = value >= WEIR_SET_AFFINITY_HEADER
					 ? value - WEIR_SET_AFFINITY_HEADER
					 : 0;
}

void weir_chain_fill(struct weir_chain *chain, const struct weir_settings *settings)
{
	chain->deadline_ms = settings->value[WEIR_SET_DEADLINE];
	chain->stream_timeout_ms = settings->value[WEIR_SET_STREAM];
	chain->max_attempts = (unsigned)settings->value[WEIR_SET_MAX_ATTEMPTS];
	chain->max_attempts_set = settings->from[WEIR_SET_MAX_ATTEMPTS] != NULL;
	chain->retries = (unsigned)settings->value[WEIR_SET_RETRIES];
	chain->timers = weir_settings_timers(settings, false);
	chain->long_timers = weir_settings_timers(settings, true);
	chain->translate_strict = settings->value[WEIR_SET_TRANSLATE];
	chain->content_policy = (enum weir_choice)settings->value[WEIR_SET_CONTENT_POLICY];
	chain->context_overflow = (enum weir_choice)settings->value[WEIR_SET_CONTEXT_OVERFLOW];
	chain->repair = (enum weir_repair)settings->value[WEIR_SET_REPAIR];
	chain->midstream_continue = settings->value[WEIR_SET_MIDSTREAM];
	chain->stream_usage = settings->value[WEIR_SET_STREAM_USAGE];
	chain->hedge = settings->value[WEIR_SET_HEDGE];
	chain->early_keepalive_ms = settings->value[WEIR_SET_EARLY_KEEPALIVE];
	chain->drift_percent = (unsigned)settings->value[WEIR_SET_LATENCY_EJECTION];
	fill_affinity(chain, (unsigned)settings->value[WEIR_SET_AFFINITY]);
}

/* Without max_attempts: enough for every step and the most retries one of them has. */
static void derive_attempts(struct weir_chain *chain)
{
	unsigned retries = 0;

	for (unsigned i = 0; i < chain->steps_n; i++)
		if (chain->steps[i].retries > retries)
			retries = chain->steps[i].retries;
	if (!chain->max_attempts_set)
		chain->max_attempts = weir_plan_attempts(chain->steps_n ? retries : chain->retries,
							 chain->steps_n);
}

static bool check_steps(struct weir_reader *reader, const struct weir_node *chain,
			const struct weir_node *steps)
{
	if (!steps || weir_node_is_null(steps) ||
	    (steps->type == WEIR_NODE_LIST && steps->pairs_n == 0)) {
		weir_reader_error(reader, steps ? steps : chain, "missing-steps",
				  "a chain without steps answers nobody\nwrite `steps:` and below "
				  "it `- openai/gpt-4o` or another PROVIDER/MODEL");
		return false;
	}
	if (steps->type != WEIR_NODE_LIST) {
		weir_reader_error(reader, steps, "wrong-type",
				  "steps are a list\nwrite each as `- PROVIDER/MODEL`");
		return false;
	}
	if (steps->pairs_n > WEIR_STEPS_MAX) {
		weir_reader_error(reader, steps, "too-many",
				  "%u steps, and %d are the most\nkeep the ones that matter",
				  steps->pairs_n, WEIR_STEPS_MAX);
		return false;
	}
	return true;
}

static unsigned members_of(const struct weir_step *step)
{
	unsigned members = 0;

	for (unsigned i = 0; i < step->targets_n; i++) {
		unsigned keys = step->targets[i].target->provider->keys_n;

		members += keys ? keys : 1;
	}
	return members;
}

static bool check_members(struct weir_reader *reader, const struct weir_node *node,
			  const struct weir_chain *chain)
{
	unsigned members = 0;

	for (unsigned i = 0; i < chain->steps_n; i++)
		members += members_of(&chain->steps[i]);
	if (members > WEIR_MEMBERS_MAX)
		weir_reader_error(reader, node, "too-many",
				  "its steps have %u keys in all, and %d are the most\nuse fewer "
				  "targets or fewer keys per provider",
				  members, WEIR_MEMBERS_MAX);
	return members <= WEIR_MEMBERS_MAX;
}

/* False when a step could not be read: then the chain is not looked at further. */
static bool read_steps(struct weir_reader *reader, struct weir_chain *chain,
		       struct weir_node *steps, struct weir_linted *linted)
{
	bool whole = true;

	for (unsigned i = 0; i < steps->pairs_n; i++) {
		struct weir_node *node = steps->pairs[i].value;

		if (!weir_step_read(reader, node, linted, &chain->steps[chain->steps_n])) {
			whole = false;
			continue;
		}
		linted->steps[chain->steps_n++] = node;
	}
	return whole;
}

static void read_body(struct weir_reader *reader, struct weir_chain *chain, struct weir_node *key,
		      struct weir_node *value, const struct weir_settings *defaults)
{
	struct weir_linted linted = { .chain = chain, .node = key, .defaults = defaults };
	struct weir_settings own;
	struct weir_node *steps;

	weir_settings_init(&own);
	if (!weir_shape_read(reader, value, &shape, &steps, &own))
		return;
	linted.settings = *defaults;
	weir_settings_overlay(&linted.settings, &own);
	weir_chain_fill(chain, &linted.settings);
	if (check_steps(reader, key, steps) && read_steps(reader, chain, steps, &linted)) {
		derive_attempts(chain);
		if (check_members(reader, key, chain))
			weir_lint_chain(reader, &linted);
	}
	weir_linted_fini(&linted);
}

static void read_chain(struct weir_reader *reader, struct weir_node *key, struct weir_node *value,
		       const struct weir_settings *defaults)
{
	struct weir_chain *chain;

	if (key->broken)
		return;
	if (key->raw.len > WEIR_NAME_MAX || !weir_is_printable(key->raw)) {
		weir_reader_error(reader, key, "bad-name",
				  "%s cannot be the name of a chain\nuse printable text of at most "
				  "%d bytes, without blanks at its ends",
				  weir_quote(key->raw).text, WEIR_NAME_MAX);
		return;
	}
	chain = weir_reader_alloc(reader, sizeof *chain);
	if (!chain)
		return;
	chain->line = key->line;
	chain->name = weir_reader_copy(reader, key->raw);
	if (!chain->name || weir_config_add_chain(reader->config, chain) != 0) {
		reader->out_of_memory = true;
		weir_chain_destroy(chain);
		return;
	}
	read_body(reader, chain, key, value, defaults);
}

void weir_chains_read(struct weir_reader *reader, struct weir_node *node,
		      const struct weir_settings *defaults)
{
	if (node->type != WEIR_NODE_MAP) {
		weir_reader_error(reader, node, "wrong-type",
				  "chains are a map of names\nwrite `gpt-4o:` below it, and below "
				  "that its `steps`");
		return;
	}
	if (node->pairs_n > WEIR_CHAINS_MAX) {
		weir_reader_error(reader, node, "too-many",
				  "%u chains, and %d are the most\nremove some", node->pairs_n,
				  WEIR_CHAINS_MAX);
		return;
	}
	for (unsigned i = 0; i < node->pairs_n; i++)
		read_chain(reader, node->pairs[i].key, node->pairs[i].value, defaults);
}
