#include "app/import_litellm_private.h"

#include <stdio.h>

enum { FIRST_TOKEN_MS = 20000, BODY_MIB_MAX = 1024 };

static const char *const differs[] = {
	"A caller's own mistake (400, 404, 413, 422) is told to the caller at once; LiteLLM tries "
	"the fallbacks. content_policy and context_overflow make exceptions of two of them.",
	"Only what broke quickly is tried again in place; a target that was too slow, or refused "
	"for its rate, is left for the next one at once.",
	"One deadline (120s, if nothing is said) holds over all attempts of a request. Timers of "
	"which nothing is said are weir's own: 60s for an answer, 20s for the first token of a "
	"stream. LiteLLM waits for 6000s.",
	"It listens on 127.0.0.1:4000; LiteLLM listens on all addresses. See `listen`.",
	NULL,
};

static void read_strategy(struct weir_litellm *l)
{
	static const struct {
		const char *word;
		enum weir_balance balance;
		bool exact;
	} strategies[] = {
		{ "simple-shuffle", WEIR_BALANCE_WEIGHTED, true },
		{ "least-busy", WEIR_BALANCE_LEAST_INFLIGHT, true },
		{ "latency-based-routing", WEIR_BALANCE_LATENCY, true },
		{ "cost-based-routing", WEIR_BALANCE_COST, true },
		{ "usage-based-routing", WEIR_BALANCE_LEAST_INFLIGHT, false },
		{ "usage-based-routing-v2", WEIR_BALANCE_LEAST_INFLIGHT, false },
	};
	const struct weir_node *node = l->set[WEIR_LL_STRATEGY];

	l->balance = WEIR_BALANCE_WEIGHTED;
	if (!node)
		return;
	for (size_t i = 0; i < WEIR_COUNT_OF(strategies); i++) {
		if (node->type != WEIR_NODE_SCALAR || !weir_slice_is(node->raw, strategies[i].word))
			continue;
		l->balance = strategies[i].balance;
		if (!strategies[i].exact)
			weir_import_warn(l->im, node, "approximated",
					 "weir does not balance by tokens of the last minute: it "
					 "takes the one with the fewest requests under way, and "
					 "none whose rpm or tpm is used up\nchoose another "
					 "`balance` if you like");
		return;
	}
	weir_import_warn(l->im, node, "bad-value",
			 "is not a strategy that is known here: it is left out, and weights "
			 "decide\nwrite `balance` into the steps: see docs/policy.md");
}

/* router_settings say more than litellm_settings. */
static void merge_settings(struct weir_litellm *l)
{
	struct weir_node *other[WEIR_LL_SETTING_N];

	weir_import_keys(l->im, l->top[WEIR_LL_ROUTER], "router_settings", weir_litellm_router_keys,
			 l->set, WEIR_LL_SETTING_N);
	weir_import_keys(l->im, l->top[WEIR_LL_SETTINGS], "litellm_settings",
			 weir_litellm_setting_keys, other, WEIR_LL_SETTING_N);
	for (unsigned i = 0; i < WEIR_LL_SETTING_N; i++) {
		if (other[i] && l->set[i])
			weir_import_warn(l->im, other[i], "conflict",
					 "router_settings say it, too, and they count\nremove one "
					 "of them");
		else if (other[i])
			l->set[i] = other[i];
	}
}

static void read_retries(struct weir_litellm *l)
{
	struct weir_import *im = l->im;
	const struct weir_node *node = l->set[WEIR_LL_NUM_RETRIES];
	struct weir_node *policy;
	uint64_t n;

	weir_import_keys(im, l->set[WEIR_LL_RETRY_POLICY], "retry_policy", weir_litellm_retry_keys,
			 &policy, 1);
	if (policy)
		node = policy;
	if (!weir_import_count(im, node, 0, WEIR_ATTEMPTS_MAX - 1, &n))
		return;
	im->retries = (int)n;
	im->retries_note = weir_import_path(im, node);
}

static void read_timers(struct weir_litellm *l)
{
	struct weir_import *im = l->im;
	const struct weir_node *timeout = l->set[WEIR_LL_TIMEOUT];
	const struct weir_node *stream = l->set[WEIR_LL_STREAM_TIMEOUT];

	if (weir_import_timer(im, timeout, 1000, &im->attempt_ms))
		im->attempt_note = weir_import_path(im, timeout);
	if (weir_import_timer(im, stream, 1000, &l->stream_ms)) {
		im->first_token_ms = l->stream_ms;
		im->first_token_note = weir_import_path(im, stream);
	} else if (im->attempt_ms > FIRST_TOKEN_MS) {
		im->first_token_ms = im->attempt_ms;
		im->first_token_note = "the same holds for streams";
	}
}

static void read_switches(struct weir_litellm *l)
{
	struct weir_import *im = l->im;
	const struct weir_node *checks = l->set[WEIR_LL_PRE_CALL_CHECKS];
	const struct weir_node *drop = l->set[WEIR_LL_DROP_PARAMS];

	if (weir_import_flag(im, checks) == 1)
		weir_import_warn(im, checks, "approximated",
				 "weir counts no tokens before a call: the provider says what is "
				 "too long, and the request goes where `context_overflow` says\n"
				 "nothing to do");
	im->repair = weir_import_flag(im, drop);
	if (im->repair >= 0)
		im->repair_note = weir_import_path(im, drop);
	if (weir_import_count(im, l->set[WEIR_LL_MAX_PARALLEL], 1, 1000000, &l->max_inflight))
		weir_import_warn(im, l->set[WEIR_LL_MAX_PARALLEL], "approximated",
				 "is written as `max_inflight` of each target, and a target at its "
				 "cap is passed over for the next one\nnothing to do");
}

/* Where order stands, it counts here; there it takes a switch. */
static void check_order(struct weir_litellm *l)
{
	if (weir_import_flag(l->im, l->set[WEIR_LL_PRE_CALL_CHECKS]) == 1)
		return;
	for (unsigned i = 0; i < l->groups_n; i++)
		for (struct weir_litellm_deployment *d = l->groups[i]->first; d; d = d->next)
			if (d->order_node)
				weir_import_warn(l->im, d->order_node, "approximated",
						 "LiteLLM may not heed it without "
						 "enable_pre_call_checks: here it makes steps\n"
						 "remove it if that is not meant");
}

static void read_general(struct weir_litellm *l)
{
	struct weir_import *im = l->im;
	const struct weir_node *size;

	weir_import_keys(im, l->top[WEIR_LL_GENERAL], "general_settings", weir_litellm_general_keys,
			 l->general, WEIR_LL_GENERAL_N);
	im->access = weir_import_secret(im, l->general[WEIR_LL_MASTER_KEY]);
	if (im->access.from != WEIR_IMPORT_NOTHING)
		im->access_note = "general_settings.master_key";
	size = l->general[WEIR_LL_MAX_REQUEST];
	(void)weir_import_count(im, size, 1, BODY_MIB_MAX, &im->body_mib);
}

static void read_variables(struct weir_litellm *l)
{
	const struct weir_node *map = l->top[WEIR_LL_VARIABLES];

	for (unsigned i = 0; map && map->type == WEIR_NODE_MAP && i < map->pairs_n; i++)
		weir_import_warn(l->im, map->pairs[i].key, "no-counterpart",
				 "variables are not set in the file\nset it where weir is started, "
				 "if the configuration reads it");
}

static bool read_top(struct weir_litellm *l)
{
	const struct weir_node *list;

	weir_import_keys(l->im, l->im->tree.root, "config.yaml", weir_litellm_top_keys, l->top,
			 WEIR_LL_TOP_N);
	list = l->top[WEIR_LL_MODEL_LIST];
	if (list && list->type == WEIR_NODE_LIST && list->pairs_n)
		return true;
	weir_import_fail(l->im, list ? list : l->im->tree.root, "missing-key",
			 "has no model_list, so it is not LiteLLM's config.yaml, or has no models"
			 "\nname the file that has `model_list:`");
	return false;
}

bool weir_import_litellm(struct weir_import *im, struct weir_slice text)
{
	struct weir_litellm *l;
	bool ok;

	im->differs = differs;
	if (!weir_import_parse(im, text, "LiteLLM's config.yaml"))
		return false;
	l = weir_import_alloc(im, sizeof *l);
	if (!l)
		return false;
	l->im = im;
	ok = read_top(l);
	if (!ok)
		return false;
	merge_settings(l);
	read_strategy(l);
	read_retries(l);
	read_timers(l);
	read_switches(l);
	read_general(l);
	read_variables(l);
	weir_litellm_models(l);
	check_order(l);
	weir_litellm_chains(l);
	return !im->out_of_memory;
}
