/* model_list: its entries become targets, gathered by their model_name. */
#include "app/import_litellm_private.h"
#include "app/import_vendors.h"

enum {
	RATE_MAX = 1000000000,
	INFLIGHT_MAX = 1000000,
	TOKENS_MAX = 1000000000,
	ORDER_MAX = 1000000
};

#define PRICE_MAX 1.0 /* dollars for a token */

/* One entry of model_list, while it is read. */
struct entry {
	struct weir_litellm *l;
	struct weir_import *im;
	struct weir_node *e[WEIR_LL_ENTRY_N];
	struct weir_node *p[WEIR_LL_PARAM_N];
	struct weir_node *i[WEIR_LL_INFO_N];
	const struct weir_import_vendor *vendor;
	struct weir_slice model;
	struct weir_import_provider wish;
	struct weir_import_target *target;
};

struct weir_litellm_group *weir_litellm_group(const struct weir_litellm *l, struct weir_slice name)
{
	for (unsigned i = 0; i < l->groups_n; i++)
		if (weir_slice_eq(l->groups[i]->name, name))
			return l->groups[i];
	return NULL;
}

static struct weir_litellm_group *make_group(struct weir_litellm *l, struct weir_slice name,
					     const struct weir_node *node)
{
	struct weir_litellm_group *group = weir_litellm_group(l, name);

	if (group)
		return group;
	if (l->groups_n == WEIR_CHAINS_MAX) {
		weir_import_warn(l->im, node, "limit", "more than %d model names\nsplit the file",
				 WEIR_CHAINS_MAX);
		return NULL;
	}
	group = weir_import_alloc(l->im, sizeof *group);
	if (!group)
		return NULL;
	*group = (struct weir_litellm_group){ .name = name, .node = node };
	group->end = &group->first;
	l->groups[l->groups_n++] = group;
	return group;
}

/* A credential of credential_list fills what the entry does not say. */
static void use_credential(struct entry *x)
{
	static const struct weir_import_key keys[] = { { "api_key", 0, NULL },
						       { "api_base", 1, NULL },
						       { "api_version", 2, NULL },
						       { NULL, 0, NULL } };
	static const enum weir_litellm_param fill[3] = { WEIR_LL_API_KEY, WEIR_LL_API_BASE,
							 WEIR_LL_API_VERSION };
	const struct weir_node *list = x->l->top[WEIR_LL_CREDENTIALS];
	struct weir_node *values[3], *found = NULL;

	if (!x->p[WEIR_LL_CREDENTIAL])
		return;
	for (unsigned i = 0; i < weir_import_items(list) && !found; i++) {
		struct weir_node *one = weir_import_item(list, i);
		struct weir_node *name = weir_import_get(x->im, one, "credential_name");

		if (name && weir_slice_eq(name->raw, x->p[WEIR_LL_CREDENTIAL]->raw))
			found = one;
	}
	if (!found) {
		weir_import_warn(x->im, x->p[WEIR_LL_CREDENTIAL], "unknown-credential",
				 "credential_list has none of this name\nwrite the keys of its "
				 "provider by hand");
		return;
	}
	weir_import_keys(x->im, weir_import_get(x->im, found, "credential_values"),
			 "credential_values", keys, values, 3);
	for (unsigned i = 0; i < 3; i++)
		if (!x->p[fill[i]])
			x->p[fill[i]] = values[i];
}

/* "groq/llama" → groq, "llama"; "gpt-4o" by the vendor whose model that is. */
static bool find_vendor(struct entry *x)
{
	static const struct weir_import_vendor unknown = {
		"unknown", NULL, NULL, NULL, NULL, "no provider of that name is known here"
	};
	struct weir_slice text, prefix = { NULL, 0 };
	const struct weir_vendor *known;
	const char *slash;

	if (!weir_import_string(x->im, x->p[WEIR_LL_MODEL], &text))
		return false;
	slash = memchr(text.base, '/', text.len);
	x->model = text;
	if (slash)
		prefix = weir_slice(text.base, (size_t)(slash - text.base));
	if (x->p[WEIR_LL_PROVIDER] && x->p[WEIR_LL_PROVIDER]->type == WEIR_NODE_SCALAR) {
		struct weir_slice said = x->p[WEIR_LL_PROVIDER]->raw;

		if (!weir_slice_eq(said, prefix))
			slash = NULL;
		prefix = said;
	}
	x->vendor = weir_import_litellm_vendor(prefix);
	if (x->vendor && slash)
		x->model = weir_slice(slash + 1, text.len - (size_t)(slash - text.base) - 1);
	known = x->vendor ? NULL : weir_vendor_of_model(text);
	if (known)
		x->vendor = weir_import_litellm_vendor(weir_slice_of(known->name));
	if (!x->vendor)
		x->vendor = &unknown;
	return true;
}

/* What LiteLLM sends to a server that was given no key. */
static void default_key(struct entry *x)
{
	const struct weir_vendor *known = weir_import_in_catalogue(x->vendor);
	const char *variable = x->vendor->key_var ? x->vendor->key_var
			       : known            ? known->key_var
						  : NULL;
	bool own = x->wish.vendor || x->vendor->base_url || (known && !known->base_url);

	if (!variable)
		return;
	if (own)
		x->wish.key = (struct weir_import_value){ .from = WEIR_IMPORT_VARIABLE,
							  .text = weir_slice_of(variable) };
	else if (!x->vendor->why)
		weir_import_warn(
			x->im, x->p[WEIR_LL_MODEL], "key-not-sent",
			"has an address of its own and no key: LiteLLM would send %s "
			"there, and weir sends none\nwrite `keys` if that server wants one",
			variable);
}

static void read_key(struct entry *x)
{
	struct weir_node *node = x->p[WEIR_LL_API_KEY];

	x->wish.key = weir_import_secret(x->im, node);
	if (x->wish.key.from == WEIR_IMPORT_NOTHING) {
		default_key(x);
		return;
	}
	if (x->wish.key.from != WEIR_IMPORT_SECRET || x->wish.vendor ||
	    !weir_import_is_placeholder(x->wish.key.text))
		return;
	x->wish.key = (struct weir_import_value){ .from = WEIR_IMPORT_NOTHING };
	weir_import_warn(x->im, node, "placeholder",
			 "is a word that stands for no key: weir sends none\nwrite `keys` if that "
			 "server wants one");
}

static void read_headers(struct entry *x)
{
	const struct weir_node *headers = x->p[WEIR_LL_HEADERS];
	const struct weir_node *organization = x->p[WEIR_LL_ORGANIZATION];

	if (organization)
		weir_import_header(x->im, &x->wish, WEIR_SLICE("OpenAI-Organization"), organization,
				   organization);
	if (headers && headers->type != WEIR_NODE_MAP)
		weir_import_warn(x->im, headers, "bad-value",
				 "is not a map of headers: it is left out\ncorrect it, and import "
				 "again");
	for (unsigned i = 0; headers && headers->type == WEIR_NODE_MAP && i < headers->pairs_n; i++)
		weir_import_header(x->im, &x->wish, headers->pairs[i].key->raw,
				   headers->pairs[i].value, headers->pairs[i].key);
}

static bool read_provider(struct entry *x)
{
	struct weir_node *base = x->p[WEIR_LL_API_BASE] ? x->p[WEIR_LL_API_BASE]
							: x->p[WEIR_LL_BASE_URL];
	struct weir_import_value address = weir_import_address(x->im, base);
	struct weir_node *node = x->p[WEIR_LL_MODEL];
	struct weir_import_provider *provider;

	weir_import_place(x->im, &x->wish, x->vendor, &address, node);
	weir_import_judge(x->im, &x->wish, x->vendor, node);
	read_key(x);
	if (x->vendor->why)
		x->wish.key.rule = NULL; /* of no use */
	weir_import_version(x->im, &x->wish, x->p[WEIR_LL_API_VERSION]);
	read_headers(x);
	if (x->model.len == 0 || x->model.len > WEIR_NAME_MAX || !weir_is_printable(x->model)) {
		weir_import_warn(
			x->im, node, "bad-value",
			"cannot be a model's name here: it is left out\nuse printable text "
			"of at most %d bytes",
			WEIR_NAME_MAX);
		return false;
	}
	if (x->im->out_of_memory)
		return false;
	provider = weir_import_provider(x->im, &x->wish, node);
	x->target = provider ? weir_import_target(x->im, provider, x->model, node) : NULL;
	return x->target != NULL;
}

static void read_mode(struct entry *x)
{
	static const char *const served[] = { "chat", "completion", "embedding" };
	const struct weir_node *mode = x->i[WEIR_LL_MODE];

	if (!mode)
		return;
	for (size_t i = 0; i < WEIR_COUNT_OF(served); i++)
		if (mode->type == WEIR_NODE_SCALAR && weir_slice_is(mode->raw, served[i]))
			return;
	x->target->why = "no such route";
	weir_import_warn(x->im, mode, "no-counterpart",
			 "weir serves chat completions, completions and embeddings: this model "
			 "stands in a comment\ncall its provider for anything else");
}

static void read_price(struct entry *x, enum weir_litellm_param param, enum weir_litellm_info info,
		       double *price)
{
	const struct weir_node *node = x->p[param] ? x->p[param] : x->i[info];
	double dollars;

	if (!weir_import_number(x->im, node, 0, PRICE_MAX, &dollars))
		return;
	dollars *= 1e6;
	if (*price >= 0 && (*price - dollars > 1e-9 || dollars - *price > 1e-9))
		weir_import_warn(x->im, node, "conflict",
				 "the same model with the same key has another price above\nmake "
				 "sure that the first is the right one");
	else
		*price = dollars;
}

static void read_facts(struct entry *x)
{
	struct weir_import_facts *facts = &x->target->facts;
	uint64_t tokens;
	int able;

	read_price(x, WEIR_LL_INPUT_COST, WEIR_LL_INFO_INPUT_COST, &facts->input_price);
	read_price(x, WEIR_LL_OUTPUT_COST, WEIR_LL_INFO_OUTPUT_COST, &facts->output_price);
	if (weir_import_count(x->im, x->i[WEIR_LL_MAX_INPUT], 1, TOKENS_MAX, &tokens))
		weir_import_limit(x->im, x->i[WEIR_LL_MAX_INPUT], &facts->context, tokens);
	if (weir_import_count(x->im, x->i[WEIR_LL_MAX_OUTPUT], 1, TOKENS_MAX, &tokens))
		weir_import_limit(x->im, x->i[WEIR_LL_MAX_OUTPUT], &facts->output, tokens);
	if ((able = weir_import_flag(x->im, x->i[WEIR_LL_VISION])) >= 0)
		facts->images = able;
	if ((able = weir_import_flag(x->im, x->i[WEIR_LL_FUNCTIONS])) >= 0)
		facts->tools = able;
	if ((able = weir_import_flag(x->im, x->i[WEIR_LL_SCHEMA])) >= 0)
		facts->schema = able;
	read_mode(x);
}

/* -1: not said. */
static double read_rate(struct entry *x, const struct weir_node *node, uint64_t *limit)
{
	uint64_t rate;

	if (!weir_import_count(x->im, node, 1, RATE_MAX, &rate))
		return -1;
	weir_import_limit(x->im, node, limit, rate);
	return (double)rate;
}

static void read_limits(struct entry *x, struct weir_litellm_deployment *d)
{
	const struct weir_node *parallel = x->p[WEIR_LL_PARAM_MAX_PARALLEL];
	uint64_t cap = x->l->max_inflight;

	d->rpm = read_rate(x, x->p[WEIR_LL_RPM] ? x->p[WEIR_LL_RPM] : x->e[WEIR_LL_ENTRY_RPM],
			   &x->target->rpm);
	d->tpm = read_rate(x, x->p[WEIR_LL_TPM] ? x->p[WEIR_LL_TPM] : x->e[WEIR_LL_ENTRY_TPM],
			   &x->target->tpm);
	(void)weir_import_count(x->im, parallel, 1, INFLIGHT_MAX, &cap);
	if (cap)
		weir_import_limit(x->im, parallel ? parallel : d->node, &x->target->max_inflight,
				  cap);
}

static void read_times(struct entry *x, struct weir_litellm_deployment *d)
{
	const struct weir_node *timeout = x->p[WEIR_LL_PARAM_TIMEOUT];
	const struct weir_node *retries = x->p[WEIR_LL_PARAM_NUM_RETRIES];
	uint64_t n;

	if (!timeout)
		timeout = x->p[WEIR_LL_PARAM_REQUEST_TIMEOUT];
	(void)weir_import_timer(x->im, timeout, 1000, &d->attempt_ms);
	(void)weir_import_timer(x->im, x->p[WEIR_LL_PARAM_STREAM_TIMEOUT], 1000, &d->stream_ms);
	if (!retries)
		retries = x->p[WEIR_LL_MAX_RETRIES];
	if (weir_import_count(x->im, retries, 0, WEIR_ATTEMPTS_MAX - 1, &n))
		d->retries = (int)n;
}

static void read_deployment(struct entry *x, struct weir_litellm_group *group)
{
	struct weir_litellm_deployment *d = weir_import_alloc(x->im, sizeof *d);
	double weight;

	if (!d)
		return;
	*d = (struct weir_litellm_deployment){ .target = x->target,
					       .node = x->p[WEIR_LL_MODEL],
					       .weight = -1,
					       .order = UINT64_MAX,
					       .retries = -1 };
	if (weir_import_number(x->im, x->p[WEIR_LL_WEIGHT], 0, RATE_MAX, &weight)) {
		d->weight = weight;
		d->weight_node = x->p[WEIR_LL_WEIGHT];
	}
	if (weir_import_count(x->im, x->p[WEIR_LL_ORDER], 0, ORDER_MAX, &d->order))
		d->order_node = x->p[WEIR_LL_ORDER];
	if (x->i[WEIR_LL_ID] && x->i[WEIR_LL_ID]->type == WEIR_NODE_SCALAR)
		d->id = x->i[WEIR_LL_ID]->raw;
	read_limits(x, d);
	read_times(x, d);
	read_facts(x);
	*group->end = d;
	group->end = &d->next;
}

static void note_pattern(struct weir_litellm *l, struct weir_litellm_group *group)
{
	if (group->pattern)
		return;
	group->pattern = true;
	weir_import_warn(
		l->im, group->node, "wildcard",
		"stands for whatever callers name, and a chain has one name\nwrite a chain "
		"for each model; without any file weir finds the vendor by the model's "
		"name");
}

static void read_entry(struct weir_litellm *l, struct weir_node *node)
{
	struct entry x = { .l = l, .im = l->im };
	struct weir_litellm_group *group;
	struct weir_slice name;

	weir_import_keys(l->im, node, "an entry of model_list", weir_litellm_entry_keys, x.e,
			 WEIR_LL_ENTRY_N);
	weir_import_keys(l->im, x.e[WEIR_LL_PARAMS], "litellm_params", weir_litellm_param_keys, x.p,
			 WEIR_LL_PARAM_N);
	weir_import_keys(l->im, x.e[WEIR_LL_INFO], "model_info", weir_litellm_info_keys, x.i,
			 WEIR_LL_INFO_N);
	if (!x.e[WEIR_LL_NAME] || !x.p[WEIR_LL_MODEL]) {
		weir_import_warn(l->im, node, "bad-value",
				 "has no model_name, or no model under litellm_params: it is left "
				 "out\ncorrect it, and import again");
		return;
	}
	if (!weir_import_string(l->im, x.e[WEIR_LL_NAME], &name))
		return;
	use_credential(&x);
	if (!find_vendor(&x) || !read_provider(&x))
		return;
	group = make_group(l, name, x.e[WEIR_LL_NAME]);
	if (!group)
		return;
	read_deployment(&x, group);
	if (memchr(name.base, '*', name.len) || memchr(x.model.base, '*', x.model.len))
		note_pattern(l, group);
}

void weir_litellm_models(struct weir_litellm *l)
{
	const struct weir_node *list = l->top[WEIR_LL_MODEL_LIST];

	for (unsigned i = 0; i < list->pairs_n && !l->im->out_of_memory; i++)
		read_entry(l, list->pairs[i].value);
}

/* What * stands for when pattern, with one in it, is name. */
static bool match(struct weir_slice pattern, struct weir_slice name, struct weir_slice *rest)
{
	const char *star = memchr(pattern.base, '*', pattern.len);
	size_t before, after;

	if (!star)
		return false;
	before = (size_t)(star - pattern.base);
	after = pattern.len - before - 1;
	if (name.len <= before + after || memcmp(name.base, pattern.base, before) != 0 ||
	    memcmp(name.base + name.len - after, star + 1, after) != 0)
		return false;
	*rest = weir_slice(name.base + before, name.len - before - after);
	return true;
}

/* The deployment, for one of the names that its pattern fits. */
static bool add_matched(struct weir_litellm *l, struct weir_litellm_group *group,
			const struct weir_litellm_deployment *of, struct weir_slice rest)
{
	struct weir_litellm_deployment *d = weir_import_alloc(l->im, sizeof *d);
	struct weir_slice model = of->target->model;
	const char *star = memchr(model.base, '*', model.len);

	if (!d)
		return false;
	if (star)
		model = weir_slice_of(weir_import_text(
			l->im, "%.*s%.*s%.*s", (int)(star - model.base), model.base, (int)rest.len,
			rest.base, (int)(model.base + model.len - star - 1), star + 1));
	*d = *of;
	d->next = NULL;
	if (!model.base || model.len > WEIR_NAME_MAX || !weir_is_printable(model))
		return false;
	d->target = weir_import_target(l->im, of->target->provider, model, of->node);
	if (!d->target)
		return false;
	*group->end = d;
	group->end = &d->next;
	return true;
}

/* A group that no model_name has. The same one for the same name: chains mark where they
 * have been. */
static struct weir_litellm_group *make_extra(struct weir_litellm *l, struct weir_slice name,
					     const struct weir_node *node)
{
	struct weir_litellm_group *group = weir_import_alloc(l->im, sizeof *group);

	if (!group)
		return NULL;
	*group = (struct weir_litellm_group){ .name = name, .node = node, .next = l->extra };
	group->end = &group->first;
	l->extra = group;
	return group;
}

static struct weir_litellm_group *by_pattern(struct weir_litellm *l, struct weir_slice name)
{
	struct weir_slice rest;

	for (unsigned i = 0; i < l->groups_n; i++) {
		struct weir_litellm_group *pattern = l->groups[i], *group;

		if (!pattern->pattern || !match(pattern->name, name, &rest))
			continue;
		group = make_extra(l, name, pattern->node);
		for (struct weir_litellm_deployment *d = pattern->first; group && d; d = d->next)
			if (!add_matched(l, group, d, rest))
				return NULL;
		return group;
	}
	return NULL;
}

static struct weir_litellm_group *by_id(struct weir_litellm *l, struct weir_slice name)
{
	struct weir_litellm_group *group;

	for (unsigned i = 0; i < l->groups_n; i++)
		for (struct weir_litellm_deployment *d = l->groups[i]->first; d; d = d->next) {
			if (d->id.len == 0 || !weir_slice_eq(d->id, name) || l->groups[i]->pattern)
				continue;
			group = make_extra(l, name, d->node);
			if (group && (group->first = weir_import_alloc(l->im, sizeof *d))) {
				*group->first = *d;
				group->first->next = NULL;
			}
			return group;
		}
	return NULL;
}

struct weir_litellm_group *weir_litellm_meant(struct weir_litellm *l, struct weir_slice name)
{
	struct weir_litellm_group *group = weir_litellm_group(l, name);

	if (group && !group->pattern)
		return group;
	for (group = l->extra; group; group = group->next)
		if (weir_slice_eq(group->name, name))
			return group;
	group = by_id(l, name);
	return group ? group : by_pattern(l, name);
}
