/* Groups become chains: the deployments of one order a step, those of fallbacks the next. */
#include "app/import_litellm_private.h"

enum { FALLBACKS_MAX = 64 /* of one model */ };

enum { DEPTH_MAX = 5 /* LiteLLM's max_fallbacks */, FIRST_TOKEN_MS = 20000 };

struct builder {
	struct weir_litellm *l;
	struct weir_import *im;
	struct weir_import_chain *chain;
	unsigned number; /* of the chain, from 1 */
	uint64_t depth_max;
};

/* Fallbacks. */

static bool is_fallback_list(enum weir_litellm_setting setting)
{
	return setting == WEIR_LL_FALLBACKS || setting == WEIR_LL_WINDOW_FALLBACKS ||
	       setting == WEIR_LL_POLICY_FALLBACKS;
}

static const struct weir_node *own_list(const struct weir_node *lists, struct weir_slice name)
{
	for (unsigned i = 0; i < weir_import_items(lists); i++) {
		const struct weir_node *map = weir_import_item(lists, i);

		for (unsigned k = 0; map->type == WEIR_NODE_MAP && k < map->pairs_n; k++)
			if (weir_slice_eq(map->pairs[k].key->raw, name))
				return map->pairs[k].value;
	}
	return NULL;
}

/* What follows the group of that name; NULL: nothing. */
static const struct weir_node *list_of(const struct weir_litellm *l,
				       enum weir_litellm_setting setting, struct weir_slice name)
{
	const struct weir_node *list = own_list(l->set[setting], name);

	if (!list)
		list = own_list(l->set[setting], WEIR_SLICE("*"));
	if (!list && setting == WEIR_LL_FALLBACKS)
		list = l->set[WEIR_LL_DEFAULT_FALLBACKS];
	return list;
}

static unsigned fallbacks_of(const struct weir_node *list)
{
	unsigned n = weir_import_items(list);

	return n < FALLBACKS_MAX ? n : FALLBACKS_MAX;
}

static void check_list(struct weir_litellm *l, const struct weir_node *list)
{
	if (weir_import_items(list) > FALLBACKS_MAX)
		weir_import_warn(l->im, list, "limit",
				 "more than %d fallbacks: those after them are left out\nkeep the "
				 "ones that matter",
				 FALLBACKS_MAX);
	for (unsigned i = 0; i < fallbacks_of(list); i++) {
		const struct weir_node *item = weir_import_item(list, i);

		if (item->type == WEIR_NODE_MAP)
			weir_import_warn(l->im, item, "no-counterpart",
					 "a fallback with parameters of its own stands in a "
					 "request, not in the file: it is left out\nlet callers "
					 "send it in `fallbacks`");
		else if (item->type != WEIR_NODE_SCALAR || !weir_litellm_meant(l, item->raw))
			weir_import_warn(l->im, item, "unknown-model",
					 "no model_name is called so: it is left out\nadd the "
					 "step by hand");
	}
}

static void check_lists(struct weir_litellm *l, const struct weir_node *lists)
{
	for (unsigned i = 0; i < weir_import_items(lists); i++) {
		const struct weir_node *map = weir_import_item(lists, i);

		if (map->type != WEIR_NODE_MAP)
			weir_import_warn(l->im, map, "bad-value",
					 "is not a map of a model and its fallbacks: it is left "
					 "out\ncorrect it, and import again");
		for (unsigned k = 0; map->type == WEIR_NODE_MAP && k < map->pairs_n; k++) {
			const struct weir_node *key = map->pairs[k].key;

			if (!weir_slice_is(key->raw, "*") && !weir_litellm_meant(l, key->raw))
				weir_import_warn(l->im, key, "unknown-model",
						 "no model_name is called so: its fallbacks are "
						 "left out\nadd a chain by hand");
			check_list(l, map->pairs[k].value);
		}
	}
}

static void check_fallbacks(struct weir_litellm *l)
{
	for (enum weir_litellm_setting i = 0; i < WEIR_LL_SETTING_N; i++)
		if (is_fallback_list(i))
			check_lists(l, l->set[i]);
	check_list(l, l->set[WEIR_LL_DEFAULT_FALLBACKS]);
}

/* Steps. */

/* As simple-shuffle does, which looks at the first of them. */
static double share_of(struct builder *b, const struct weir_litellm_deployment *d,
		       const struct weir_litellm_deployment *first)
{
	const struct weir_node *at = d->weight_node ? d->weight_node : d->node;
	bool weighted = b->l->balance == WEIR_BALANCE_WEIGHTED;
	double share = 1;

	if (weighted && first->weight >= 0)
		share = d->weight;
	else if (d->weight >= 0)
		weir_import_warn(b->im, at, "approximated",
				 "LiteLLM does not heed it: that takes simple-shuffle, and a "
				 "weight of the first deployment; it is left out\nwrite "
				 "`weight` into the step if it is meant");
	if (weighted && first->weight < 0)
		share = first->rpm >= 0 ? d->rpm : first->tpm >= 0 ? d->tpm : 1;
	if (share >= 0)
		return share;
	weir_import_warn(b->im, at, "approximated",
			 "says no weight beside one that does, and gets no requests from LiteLLM: "
			 "it has weight 0, and is asked when no other is left\nwrite the `weight` "
			 "that it should have");
	return 0;
}

/* How long LiteLLM would wait for a stream to begin, where weir would wait less. */
static uint64_t first_token_of(const struct builder *b, const struct weir_litellm_deployment *d)
{
	uint64_t usual = b->im->first_token_ms ? b->im->first_token_ms : FIRST_TOKEN_MS;

	if (d->stream_ms)
		return d->stream_ms == usual ? 0 : d->stream_ms;
	return !b->l->stream_ms && d->attempt_ms > usual ? d->attempt_ms : 0;
}

static void add_deployment(struct builder *b, struct weir_import_step *step,
			   const struct weir_litellm_deployment *d,
			   const struct weir_litellm_deployment *first, bool single)
{
	const struct weir_import_member member = {
		.target = d->target,
		.share = single ? 1 : share_of(b, d, first),
		.attempt_ms = d->attempt_ms == b->im->attempt_ms ? 0 : d->attempt_ms,
		.first_token_ms = first_token_of(b, d),
		.node = d->node,
	};

	if (step->retries >= 0 && d->retries >= 0 && step->retries != d->retries)
		weir_import_warn(b->im, d->node, "approximated",
				 "the deployments of a step have one number of retries: the "
				 "largest\nlook at `retries` of the step");
	if (d->retries > step->retries)
		step->retries = d->retries;
	weir_import_member(b->im, b->chain, &member);
}

/* The smallest order above `after`; false: there is none. */
static bool next_order(const struct weir_litellm_group *group, const uint64_t *after,
		       uint64_t *order)
{
	bool found = false;

	for (const struct weir_litellm_deployment *d = group->first; d; d = d->next)
		if ((!after || d->order > *after) && (!found || d->order < *order)) {
			*order = d->order;
			found = true;
		}
	return found;
}

static bool add_step(struct builder *b, const struct weir_litellm_group *group, uint64_t order,
		     const char *note, const struct weir_node *node)
{
	struct weir_import_step *step = weir_import_step(b->im, b->chain, node);
	const struct weir_litellm_deployment *first = NULL;
	unsigned n = 0;

	if (!step)
		return false;
	step->note = note;
	step->balance = b->l->balance;
	for (const struct weir_litellm_deployment *d = group->first; d; d = d->next)
		n += d->order == order;
	for (const struct weir_litellm_deployment *d = group->first; d; d = d->next) {
		if (d->order != order)
			continue;
		if (!first)
			first = d;
		add_deployment(b, step, d, first, n == 1);
	}
	weir_import_prune(b->chain);
	return true;
}

/* False: the chain is full. */
static bool add_steps(struct builder *b, struct weir_litellm_group *group, const char *note,
		      const struct weir_node *node)
{
	uint64_t order = 0, last;
	bool found = next_order(group, NULL, &order), ok = true;

	group->chain = b->number;
	while (found && ok) {
		ok = add_step(b, group, order, note, node);
		last = order;
		found = next_order(group, &last, &order);
	}
	return ok;
}

/* Each fallback, and what that falls back to. */
static bool add_list(struct builder *b, const struct weir_node *list, const char *note,
		     unsigned depth)
{
	bool ok = true;

	for (unsigned i = 0; ok && depth < b->depth_max && i < fallbacks_of(list); i++) {
		const struct weir_node *item = weir_import_item(list, i);
		struct weir_litellm_group *group = NULL;

		if (item->type == WEIR_NODE_SCALAR)
			group = weir_litellm_meant(b->l, item->raw);
		if (!group || group->chain == b->number)
			continue;
		ok = add_steps(b, group, note, item) &&
		     add_list(b, list_of(b->l, WEIR_LL_FALLBACKS, group->name), note, depth + 1);
	}
	return ok;
}

static bool same_list(const struct weir_node *a, const struct weir_node *b)
{
	if (!a || !b || weir_import_items(a) != weir_import_items(b))
		return false;
	for (unsigned i = 0; i < weir_import_items(a); i++)
		if (!weir_slice_eq(weir_import_item(a, i)->raw, weir_import_item(b, i)->raw))
			return false;
	return true;
}

static void add_window_fallbacks(struct builder *b, struct weir_slice name)
{
	const struct weir_node *list = list_of(b->l, WEIR_LL_WINDOW_FALLBACKS, name);

	if (!list)
		return;
	b->chain->overflow_next = true;
	if (!same_list(list, list_of(b->l, WEIR_LL_FALLBACKS, name)))
		weir_import_warn(b->im, list, "approximated",
				 "a chain has one order: these are steps after its fallbacks, also "
				 "for other failures, and what is too long goes to each step in "
				 "turn\nmove them forward if that matters");
	(void)add_list(b, list, "context_window_fallbacks", 0);
}

static void add_policy_fallbacks(struct builder *b, struct weir_slice name)
{
	const struct weir_node *list = list_of(b->l, WEIR_LL_POLICY_FALLBACKS, name);

	if (!list)
		return;
	b->chain->content_policy_next = true;
	weir_import_warn(b->im, list, "approximated",
			 "a chain has one order: these are steps after its fallbacks, also for "
			 "other failures, and refused content goes to the next step, whichever "
			 "that is\nmove them forward if that matters");
	(void)add_list(b, list, "content_policy_fallbacks", 0);
}

/* A model of another kind of route is not followed by those that talk. */
static bool is_served(const struct weir_litellm_group *group)
{
	for (const struct weir_litellm_deployment *d = group->first; d; d = d->next)
		if (!d->target->why)
			return true;
	return false;
}

static void add_chain(struct builder *b, struct weir_litellm_group *group, struct weir_slice name,
		      const struct weir_node *node, const char *alias)
{
	b->chain = weir_import_chain(b->im, name, node);
	if (!b->chain)
		return;
	b->number++;
	b->chain->note = weir_import_text(b->im, "%s%sline %u", alias ? alias : "",
					  alias ? ", " : "", node->line);
	(void)add_steps(b, group, NULL, node);
	if (!is_served(group))
		return;
	(void)add_list(b, list_of(b->l, WEIR_LL_FALLBACKS, group->name), "fallbacks", 0);
	add_window_fallbacks(b, group->name);
	add_policy_fallbacks(b, group->name);
}

/* "alias": "model_name", or { "model": "model_name", "hidden": true } */
static void add_alias(struct builder *b, const struct weir_pair *alias)
{
	const struct weir_node *value = alias->value;
	const struct weir_node *name = value->type == WEIR_NODE_MAP
					       ? weir_import_get(b->im, value, "model")
					       : value;
	struct weir_litellm_group *group = NULL, *same;

	if (weir_import_flag(b->im, weir_import_get(b->im, value, "hidden")) == 1)
		weir_import_warn(b->im, alias->key, "no-counterpart",
				 "/v1/models lists every chain\nnothing to do");
	if (name && name->type == WEIR_NODE_SCALAR)
		group = weir_litellm_meant(b->l, name->raw);
	if (!group) {
		weir_import_warn(b->im, alias->key, "unknown-model",
				 "stands for a model_name that there is not: it is left out\nadd "
				 "a chain by hand");
		return;
	}
	same = weir_litellm_group(b->l, alias->key->raw);
	if (same && !same->pattern)
		weir_import_warn(b->im, alias->key, "conflict",
				 "is a model_name, too, and that one counts: it is left out\n"
				 "rename one of them");
	else
		add_chain(b, group, alias->key->raw, alias->key, "model_group_alias");
}

static uint64_t depth_of(struct weir_litellm *l)
{
	uint64_t depth = DEPTH_MAX;
	const struct weir_node *node = l->set[WEIR_LL_MAX_FALLBACKS];

	if (weir_import_count(l->im, node, 0, WEIR_STEPS_MAX, &depth))
		weir_import_warn(l->im, node, "approximated",
				 "says how far fallbacks of fallbacks are followed; a chain says "
				 "how many calls a request may make\nwrite `max_attempts` if that "
				 "is meant");
	return depth;
}

void weir_litellm_chains(struct weir_litellm *l)
{
	const struct weir_node *aliases = l->set[WEIR_LL_ALIAS];
	struct builder b = { .l = l, .im = l->im, .depth_max = depth_of(l) };

	check_fallbacks(l);
	for (unsigned i = 0; i < l->groups_n && !l->im->out_of_memory; i++)
		if (!l->groups[i]->pattern)
			add_chain(&b, l->groups[i], l->groups[i]->name, l->groups[i]->node, NULL);
	if (aliases && aliases->type != WEIR_NODE_MAP)
		weir_import_warn(l->im, aliases, "bad-value",
				 "is not a map of names: it is left out\ncorrect it, and import "
				 "again");
	for (unsigned i = 0; aliases && aliases->type == WEIR_NODE_MAP && i < aliases->pairs_n; i++)
		add_alias(&b, &aliases->pairs[i]);
}
