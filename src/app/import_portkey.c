#include "app/import_portkey_private.h"

#include <stdio.h>

enum {
	FIRST_TOKEN_MS = 20000,        /* weir's own */
	LEAVES_MAX = WEIR_MEMBERS_MAX, /* of one chain */
	BRANCHES_MAX = 64              /* of a condition */
};

static const char *const differs[] = {
	"Any status but 2xx makes Portkey go on; weir tells a caller's own mistake (400, 404, 413, "
	"422) to the caller at once.",
	"When one of several targets of a step fails, the others of the step are tried, and then "
	"the next step; Portkey tries the one it has drawn.",
	"One deadline (120s, if nothing is said) holds over all attempts of a request. Timers of "
	"which nothing is said are weir's own: 60s for an answer, 20s for the first token of a "
	"stream. Portkey waits without end.",
	"Callers ask for a chain by its name, as the model of their request; a Portkey config goes "
	"with a header or a key.",
	NULL,
};

/* A target on its way into a chain. */
struct leaf {
	struct weir_import_member member;
	unsigned step; /* from 0 */
	int retries;
};

struct walk {
	struct weir_portkey *p;
	struct weir_import *im;
	struct leaf leaves[LEAVES_MAX];
	unsigned leaves_n;
};

static unsigned walk(struct walk *w, struct weir_node *node, const struct weir_portkey_above *above,
		     unsigned step, double share);

static void explain_codes(struct weir_import *im, const struct weir_node *codes)
{
	static const double transient[] = { 401, 402, 403, 408, 409, 425, 429 };
	bool theirs = false;

	if (!codes)
		return;
	for (unsigned i = 0; i < weir_import_items(codes); i++) {
		const struct weir_node *item = weir_import_item(codes, i);
		double code;
		bool ours;

		if (item->type != WEIR_NODE_SCALAR || !weir_slice_to_double(item->raw, &code))
			continue;
		ours = code < 400 || code >= 500;
		for (size_t k = 0; k < WEIR_COUNT_OF(transient); k++)
			ours = ours || code == transient[k];
		theirs = theirs || !ours;
	}
	if (theirs)
		weir_import_warn(im, codes, "approximated",
				 "weir goes by what a failure means: some of these statuses are a "
				 "caller's own mistake, and go straight back\nsee the table of "
				 "classes in the README");
	else
		weir_import_warn(im, codes, "approximated",
				 "weir goes by what a failure means, and on from all that is not "
				 "the caller's own mistake, also from statuses that are not "
				 "here\nsee the table of classes in the README");
}

static void read_retry(struct weir_import *im, struct weir_node *node, int *retries)
{
	struct weir_node *r[WEIR_PK_RETRY_N];
	uint64_t n;

	if (!node)
		return;
	weir_import_keys(im, node, "retry", weir_portkey_retry_keys, r, WEIR_PK_RETRY_N);
	if (weir_import_count(im, r[WEIR_PK_ATTEMPTS], 0, WEIR_ATTEMPTS_MAX - 1, &n))
		*retries = (int)n;
	if (r[WEIR_PK_RETRY_CODES])
		weir_import_warn(im, r[WEIR_PK_RETRY_CODES], "approximated",
				 "weir tries again in place what broke (5xx, a reset), and goes on "
				 "at once from what is slow or refused\nnothing to do");
	if (weir_import_flag(im, r[WEIR_PK_RETRY_AFTER]) == 0)
		weir_import_warn(im, r[WEIR_PK_RETRY_AFTER], "approximated",
				 "the time that a provider states is always heeded\nnothing to do");
}

/* What node says for itself and those below it. */
static struct weir_portkey_above read_common(struct walk *w, struct weir_node *const *k,
					     const struct weir_portkey_above *above)
{
	struct weir_portkey_above here = *above;
	struct weir_node *model = weir_import_get(w->im, k[WEIR_PK_PARAMS], "model");

	if (model && !weir_node_is_null(model))
		here.model = model;
	if (k[WEIR_PK_HOST])
		here.host = k[WEIR_PK_HOST];
	read_retry(w->im, k[WEIR_PK_RETRY], &here.retries);
	(void)weir_import_timer(w->im, k[WEIR_PK_TIMEOUT], 1, &here.timeout_ms);
	explain_codes(w->im, k[WEIR_PK_STATUS_CODES]);
	return here;
}

static unsigned add_leaf(struct walk *w, struct weir_node *node, struct weir_node *const *k,
			 const struct weir_portkey_above *here, unsigned step, double share)
{
	uint64_t usual = w->im->first_token_ms ? w->im->first_token_ms : FIRST_TOKEN_MS;
	struct weir_import_target *target = weir_portkey_target(w->p, node, k, here);

	if (!target)
		return 0;
	if (w->leaves_n == LEAVES_MAX) {
		weir_import_warn(w->im, node, "limit",
				 "a chain has at most %d targets\nkeep the ones that matter",
				 LEAVES_MAX);
		return 0;
	}
	w->leaves[w->leaves_n++] = (struct leaf){
		.member = { .target = target,
			    .share = share,
			    .attempt_ms = here->timeout_ms == w->im->attempt_ms ? 0
										: here->timeout_ms,
			    .first_token_ms = here->timeout_ms > usual ? here->timeout_ms : 0,
			    .node = node },
		.step = step,
		.retries = here->retries,
	};
	return 1;
}

static double weight_of(struct walk *w, const struct weir_node *target)
{
	const struct weir_node *node = weir_import_get(w->im, target, "weight");
	double weight = 1;

	if (node)
		(void)weir_import_number(w->im, node, 0, 1e6, &weight);
	return weight;
}

static unsigned walk_pool(struct walk *w, struct weir_node *list,
			  const struct weir_portkey_above *here, unsigned step, double share)
{
	double total = 0;
	unsigned high = 0;

	for (unsigned i = 0; i < list->pairs_n; i++)
		total += weight_of(w, list->pairs[i].value);
	for (unsigned i = 0; i < list->pairs_n; i++) {
		struct weir_node *target = list->pairs[i].value;
		double part = total > 0 ? weight_of(w, target) / total : 1;
		unsigned n = walk(w, target, here, step, share * part);

		if (n > 1)
			weir_import_warn(w->im, target, "approximated",
					 "its fallbacks become part of the chain's own steps: the "
					 "first of each stand in one step, the second in the "
					 "next\nwrite chains of their own if that is not meant");
		high = n > high ? n : high;
	}
	return high;
}

static unsigned walk_row(struct walk *w, struct weir_node *list,
			 const struct weir_portkey_above *here, unsigned step, double share)
{
	unsigned n = 0;

	for (unsigned i = 0; i < list->pairs_n; i++)
		n += walk(w, list->pairs[i].value, here, step + n, share);
	return n;
}

static struct weir_node *named(struct walk *w, struct weir_node *list, const struct weir_node *name)
{
	for (unsigned i = 0; name && i < list->pairs_n; i++) {
		struct weir_node *own = weir_import_get(w->im, list->pairs[i].value, "name");

		if (own && own->type == WEIR_NODE_SCALAR && weir_slice_eq(own->raw, name->raw))
			return list->pairs[i].value;
	}
	return list->pairs[0].value;
}

static unsigned walk_condition(struct walk *w, struct weir_node *list, struct weir_node *const *s,
			       const struct weir_portkey_above *here, unsigned step, double share)
{
	weir_import_warn(w->im, s[WEIR_PK_MODE], "no-counterpart",
			 "weir has no conditions: of these targets only the default is kept\n"
			 "write a chain for each of the others, and have callers ask for it");
	return walk(w, named(w, list, s[WEIR_PK_DEFAULT]), here, step, share);
}

enum mode { SINGLE, FALLBACK, LOADBALANCE, CONDITIONAL, MODES_N };

static enum mode mode_of(struct weir_import *im, const struct weir_node *node)
{
	static const char *const words[MODES_N] = { "single", "fallback", "loadbalance",
						    "conditional" };

	for (enum mode i = 0; node && node->type == WEIR_NODE_SCALAR && i < MODES_N; i++)
		if (weir_slice_is(node->raw, words[i]))
			return i;
	if (node)
		weir_import_warn(im, node, "no-counterpart",
				 "weir has no strategy of this name: the targets are tried one "
				 "after the other\nsee `balance` and `hedge` in docs/policy.md");
	return FALLBACK;
}

static bool has_targets(const struct weir_node *targets)
{
	return targets && targets->type == WEIR_NODE_LIST && targets->pairs_n;
}

static unsigned walk_targets(struct walk *w, struct weir_node *const *k,
			     const struct weir_portkey_above *here, unsigned step, double share)
{
	struct weir_node *list = k[WEIR_PK_TARGETS];
	struct weir_node *s[WEIR_PK_STRATEGY_N];

	weir_import_keys(w->im, k[WEIR_PK_STRATEGY], "strategy", weir_portkey_strategy_keys, s,
			 WEIR_PK_STRATEGY_N);
	explain_codes(w->im, s[WEIR_PK_STRATEGY_CODES]);
	switch (mode_of(w->im, s[WEIR_PK_MODE])) {
	case SINGLE:
		for (unsigned i = 1; i < list->pairs_n; i++)
			weir_import_warn(w->im, list->pairs[i].value, "no-counterpart",
					 "is never asked: the strategy is `single`\nremove it, or "
					 "add it as a step");
		return walk(w, list->pairs[0].value, here, step, share);
	case LOADBALANCE:
		return walk_pool(w, list, here, step, share);
	case CONDITIONAL:
		return walk_condition(w, list, s, here, step, share);
	case FALLBACK:
	case MODES_N:
		break;
	}
	return walk_row(w, list, here, step, share);
}

/* The number of steps that node has become, from `step` on. */
static unsigned walk(struct walk *w, struct weir_node *node, const struct weir_portkey_above *above,
		     unsigned step, double share)
{
	struct weir_node *k[WEIR_PK_N];
	struct weir_portkey_above here;

	weir_import_keys(w->im, node, "a target", weir_portkey_keys, k, WEIR_PK_N);
	if (node->type != WEIR_NODE_MAP)
		return 0;
	here = read_common(w, k, above);
	if (has_targets(k[WEIR_PK_TARGETS]))
		return walk_targets(w, k, &here, step, share);
	return add_leaf(w, node, k, &here, step, share);
}

/* Chains. */

static void fill_step(struct walk *w, struct weir_import_chain *chain, unsigned number)
{
	struct weir_import_step *step = NULL;

	for (unsigned i = 0; i < w->leaves_n; i++) {
		const struct leaf *leaf = &w->leaves[i];

		if (leaf->step != number)
			continue;
		if (!step && !(step = weir_import_step(w->im, chain, leaf->member.node)))
			return;
		if (leaf->retries >= 0 && leaf->retries != w->im->retries &&
		    leaf->retries > step->retries)
			step->retries = leaf->retries;
		weir_import_member(w->im, chain, &leaf->member);
	}
	if (step)
		weir_import_prune(chain);
}

static void add_chain(struct walk *w, struct weir_slice name, const struct weir_node *node,
		      unsigned steps)
{
	struct weir_import_chain *chain;

	if (w->leaves_n == 0)
		return;
	if (name.len == 0 && !w->leaves[0].member.target->model_is_variable)
		name = w->leaves[0].member.target->model;
	if (name.len == 0)
		name = WEIR_SLICE("default");
	chain = weir_import_chain(w->im, name, node);
	for (unsigned i = 0; chain && i < steps; i++)
		fill_step(w, chain, i);
}

/* Of a condition at the top: each target a chain of its own. */
static void add_branches(struct walk *w, struct weir_node *list, struct weir_node *const *s,
			 const struct weir_portkey_above *here)
{
	weir_import_warn(
		w->im, s[WEIR_PK_CONDITIONS] ? s[WEIR_PK_CONDITIONS] : s[WEIR_PK_MODE],
		"no-counterpart",
		"weir has no conditions: each target is a chain by its name, and none is the "
		"default\nhave callers ask for the one they need");
	for (unsigned i = 0; i < list->pairs_n && i < BRANCHES_MAX; i++) {
		struct weir_node *target = list->pairs[i].value;
		const struct weir_node *own = weir_import_get(w->im, target, "name");
		struct weir_slice name = { NULL, 0 };

		if (own)
			(void)weir_import_string(w->im, own, &name);
		w->leaves_n = 0;
		add_chain(w, name, target, walk(w, target, here, 0, 1));
	}
	if (list->pairs_n > BRANCHES_MAX)
		weir_import_warn(w->im, list, "limit", "more than %d targets\nsplit the file",
				 BRANCHES_MAX);
}

static void read_defaults(struct weir_import *im, const struct weir_portkey_above *here,
			  struct weir_node *const *k)
{
	im->retries = here->retries >= 0 ? here->retries : 0;
	im->retries_note = here->retries >= 0 ? "retry.attempts"
					      : "Portkey tries again only where `retry` says so";
	im->attempt_ms = here->timeout_ms;
	im->attempt_note = k[WEIR_PK_TIMEOUT] ? weir_import_path(im, k[WEIR_PK_TIMEOUT]) : NULL;
	if (here->timeout_ms > FIRST_TOKEN_MS) {
		im->first_token_ms = here->timeout_ms;
		im->first_token_note = "the same holds for streams";
	}
}

static void read_root(struct walk *w, struct weir_node *const *k)
{
	static const struct weir_portkey_above nothing = { .retries = -1 };
	struct weir_import *im = w->im;
	struct weir_node *root = im->tree.root, *s[WEIR_PK_STRATEGY_N];
	struct weir_portkey_above here = read_common(w, k, &nothing);

	read_defaults(im, &here, k);
	weir_import_keys(im, k[WEIR_PK_STRATEGY], "strategy", weir_portkey_strategy_keys, s,
			 WEIR_PK_STRATEGY_N);
	if (has_targets(k[WEIR_PK_TARGETS]) && s[WEIR_PK_MODE] &&
	    weir_slice_is(s[WEIR_PK_MODE]->raw, "conditional"))
		add_branches(w, k[WEIR_PK_TARGETS], s, &here);
	else
		add_chain(w, w->p->model, root, walk(w, root, &nothing, 0, 1));
}

bool weir_import_portkey(struct weir_import *im, struct weir_slice text, const char *model)
{
	struct weir_portkey p = { .im = im };
	struct walk *w;
	struct weir_node *k[WEIR_PK_N];

	im->camel = true;
	im->differs = differs;
	if (model)
		p.model = weir_slice_of(model);
	if (!weir_import_parse(im, text, "a Portkey config"))
		return false;
	w = weir_import_alloc(im, sizeof *w);
	if (!w)
		return false;
	w->p = &p;
	w->im = im;
	weir_import_keys(im, im->tree.root, "a config", weir_portkey_keys, k, WEIR_PK_N);
	if (!has_targets(k[WEIR_PK_TARGETS]) && !k[WEIR_PK_PROVIDER] && !k[WEIR_PK_VIRTUAL_KEY] &&
	    !k[WEIR_PK_PARAMS]) {
		weir_import_fail(im, im->tree.root, "missing-key",
				 "has neither `targets` nor a provider, so it is no Portkey config"
				 "\nname the file that has them");
		return false;
	}
	read_root(w, k);
	return !im->out_of_memory;
}
