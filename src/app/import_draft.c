#include "app/import_draft.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/attr.h"

struct weir_import_block {
	struct weir_import_block *next;
	max_align_t bytes[];
};

void weir_import_init(struct weir_import *im, const char *from, struct weir_findings *findings)
{
	*im = (struct weir_import){
		.findings = findings, .from = from, .retries = -1, .repair = -1
	};
	weir_yaml_init(&im->tree);
}

void weir_import_fini(struct weir_import *im)
{
	struct weir_import_block *next;

	for (unsigned i = 0; i < im->chains_n; i++)
		for (unsigned k = 0; k < im->chains[i]->steps_n; k++)
			weir_free(im->chains[i]->steps[k].members);
	for (struct weir_import_block *block = im->blocks; block; block = next) {
		next = block->next;
		weir_free(block);
	}
	weir_free(im->chains);
	weir_free(im->targets);
	weir_yaml_fini(&im->tree);
}

void *weir_import_alloc(struct weir_import *im, size_t size)
{
	struct weir_import_block *block = weir_calloc(1, sizeof *block + size);

	if (!block) {
		im->out_of_memory = true;
		return NULL;
	}
	block->next = im->blocks;
	im->blocks = block;
	return block->bytes;
}

const char *weir_import_text(struct weir_import *im, const char *format, ...)
{
	va_list ap;
	char *text;
	int len;

	va_start(ap, format);
	len = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	WEIR_ASSERT(len >= 0);
	text = weir_import_alloc(im, (size_t)len + 1);
	if (!text)
		return NULL;
	va_start(ap, format);
	vsnprintf(text, (size_t)len + 1, format, ap);
	va_end(ap);
	return text;
}

bool weir_import_grow(struct weir_import *im, void *array, unsigned n, unsigned *cap, size_t size)
{
	unsigned more = *cap ? *cap * 2 : 8;
	void *old, *grown;

	if (n < *cap)
		return true;
	memcpy(&old, array, sizeof old);
	grown = weir_realloc(old, more * size);
	if (!grown) {
		im->out_of_memory = true;
		return false;
	}
	memcpy(array, &grown, sizeof grown);
	*cap = more;
	return true;
}

WEIR_PRINTF(5, 0)
static void add_finding(struct weir_import *im, const struct weir_node *node,
			enum weir_finding_level level, const char *rule, const char *format,
			va_list ap)
{
	char path[WEIR_PATH_MAX] = ".";

	if (node)
		weir_node_path(node, path, sizeof path);
	weir_findings_vadd(im->findings, level, node ? node->line : 0, node ? node->column : 0,
			   rule, path, format, ap);
}

void weir_import_warn(struct weir_import *im, const struct weir_node *node, const char *rule,
		      const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add_finding(im, node, WEIR_FINDING_WARNING, rule, format, ap);
	va_end(ap);
}

void weir_import_fail(struct weir_import *im, const struct weir_node *node, const char *rule,
		      const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add_finding(im, node, WEIR_FINDING_ERROR, rule, format, ap);
	va_end(ap);
}

static bool same_value(const struct weir_import_value *a, const struct weir_import_value *b)
{
	return a->from == b->from && weir_slice_eq(a->text, b->text);
}

static bool same_provider(const struct weir_import_provider *a,
			  const struct weir_import_provider *b)
{
	if (a->vendor != b->vendor || strcmp(a->dialect, b->dialect) != 0 ||
	    !same_value(&a->base, &b->base) || !same_value(&a->key, &b->key) ||
	    !same_value(&a->api_version, &b->api_version) || a->headers_n != b->headers_n)
		return false;
	for (unsigned i = 0; i < a->headers_n; i++)
		if (!weir_slice_eq(a->headers[i].name, b->headers[i].name) ||
		    !same_value(&a->headers[i].value, &b->headers[i].value))
			return false;
	/* Without an address only the name it had tells one from another. */
	return a->vendor ||
	       (a->base.from != WEIR_IMPORT_NOTHING && a->base.from != WEIR_IMPORT_ABSENT) ||
	       strcmp(a->hint, b->hint) == 0;
}

struct weir_import_provider *weir_import_provider(struct weir_import *im,
						  const struct weir_import_provider *wish,
						  const struct weir_node *node)
{
	struct weir_import_provider *provider;

	for (unsigned i = 0; i < im->providers_n; i++)
		if (same_provider(im->providers[i], wish))
			return im->providers[i];
	if (im->providers_n == WEIR_PROVIDERS_MAX) {
		weir_import_warn(im, node, "limit",
				 "more than %d different addresses and keys\nadd it by hand to a "
				 "configuration of its own",
				 WEIR_PROVIDERS_MAX);
		return NULL;
	}
	provider = weir_import_alloc(im, sizeof *provider);
	if (!provider)
		return NULL;
	*provider = *wish;
	provider->line = node->line;
	im->providers[im->providers_n++] = provider;
	return provider;
}

struct weir_import_target *weir_import_target(struct weir_import *im,
					      struct weir_import_provider *provider,
					      struct weir_slice model, const struct weir_node *node)
{
	struct weir_import_target *target;

	for (unsigned i = 0; i < im->targets_n; i++)
		if (im->targets[i]->provider == provider &&
		    weir_slice_eq(im->targets[i]->model, model))
			return im->targets[i];
	if (im->targets_n == WEIR_IMPORT_TARGETS_MAX) {
		weir_import_warn(im, node, "limit", "more than %d targets\nsplit the file",
				 WEIR_IMPORT_TARGETS_MAX);
		return NULL;
	}
	if (!weir_import_grow(im, &im->targets, im->targets_n, &im->targets_cap,
			      sizeof(struct weir_import_target *)))
		return NULL;
	target = weir_import_alloc(im, sizeof *target);
	if (!target)
		return NULL;
	*target = (struct weir_import_target){
		.provider = provider,
		.model = model,
		.facts = { .input_price = -1,
			   .output_price = -1,
			   .images = -1,
			   .tools = -1,
			   .schema = -1 },
	};
	im->targets[im->targets_n++] = target;
	return target;
}

void weir_import_limit(struct weir_import *im, const struct weir_node *node, uint64_t *limit,
		       uint64_t value)
{
	if (*limit && *limit != value)
		weir_import_warn(im, node, "conflict",
				 "the same model with the same key has another number above, and "
				 "weir has one of each\nmake sure that the first is the right one");
	else
		*limit = value;
}

static bool is_taken(const struct weir_import *im, struct weir_slice name)
{
	for (unsigned i = 0; i < im->chains_n; i++)
		if (weir_slice_eq(im->chains[i]->name, name))
			return true;
	return false;
}

/* Printable text, no blank at its ends, not too long. */
static struct weir_slice valid_name(struct weir_import *im, struct weir_slice name)
{
	enum { ROOM = 8 }; /* for a number */
	char *made = weir_import_alloc(im, WEIR_NAME_MAX + 1);
	size_t len = 0, step;

	if (!made)
		return (struct weir_slice){ NULL, 0 };
	for (size_t i = 0; i < name.len && len + 4 < WEIR_NAME_MAX - ROOM; i += step) {
		step = weir_utf8_len(name.base + i, name.len - i);
		if (step == 0 || !weir_is_printable(weir_slice(name.base + i, step))) {
			step = step ? step : 1;
			made[len++] = '-';
			continue;
		}
		memcpy(made + len, name.base + i, step);
		len += step;
	}
	return len ? weir_slice(made, len) : WEIR_SLICE("model");
}

struct weir_import_chain *weir_import_chain(struct weir_import *im, struct weir_slice name,
					    const struct weir_node *node)
{
	struct weir_import_chain *chain;
	struct weir_slice valid = name, first;

	if (name.len > WEIR_NAME_MAX || !weir_is_printable(name))
		valid = valid_name(im, name);
	first = valid.base && is_taken(im, valid) ? valid_name(im, name) : valid;
	for (unsigned n = 2; valid.base && is_taken(im, valid); n++)
		valid = weir_slice_of(
			weir_import_text(im, "%.*s-%u", (int)first.len, first.base, n));
	if (im->chains_n == WEIR_CHAINS_MAX) {
		weir_import_warn(im, node, "limit", "more than %d chains\nsplit the file",
				 WEIR_CHAINS_MAX);
		return NULL;
	}
	if (!valid.base || !weir_import_grow(im, &im->chains, im->chains_n, &im->chains_cap,
					     sizeof(struct weir_import_chain *)))
		return NULL;
	if (!weir_slice_eq(valid, name))
		weir_import_warn(im, node, "renamed",
				 "this name cannot be a chain's here: callers ask for %s "
				 "instead\ntell them, or rename it in both",
				 weir_quote(valid).text);
	chain = weir_import_alloc(im, sizeof *chain);
	if (!chain)
		return NULL;
	chain->name = valid;
	chain->retries = -1;
	im->chains[im->chains_n++] = chain;
	return chain;
}

struct weir_import_step *weir_import_step(struct weir_import *im, struct weir_import_chain *chain,
					  const struct weir_node *node)
{
	struct weir_import_step *step;

	if (chain->steps_n == WEIR_STEPS_MAX) {
		weir_import_warn(im, node, "limit",
				 "a chain has at most %d steps: what comes after is left out\nkeep "
				 "the ones that matter",
				 WEIR_STEPS_MAX);
		return NULL;
	}
	step = &chain->steps[chain->steps_n++];
	*step = (struct weir_import_step){ .balance = WEIR_BALANCE_WEIGHTED, .retries = -1 };
	return step;
}

void weir_import_prune(struct weir_import_chain *chain)
{
	if (chain->steps_n && chain->steps[chain->steps_n - 1].members_n == 0)
		chain->steps_n--;
}

static unsigned members_of(const struct weir_import_chain *chain)
{
	unsigned n = 0;

	for (unsigned i = 0; i < chain->steps_n; i++)
		n += chain->steps[i].members_n;
	return n;
}

static struct weir_import_member *find_member(struct weir_import_step *step,
					      const struct weir_import_target *target)
{
	for (unsigned i = 0; i < step->members_n; i++)
		if (step->members[i].target == target)
			return &step->members[i];
	return NULL;
}

void weir_import_member(struct weir_import *im, struct weir_import_chain *chain,
			const struct weir_import_member *member)
{
	struct weir_import_step *step = &chain->steps[chain->steps_n - 1];
	struct weir_import_member *same = find_member(step, member->target);

	if (same) {
		same->share += member->share;
		weir_import_warn(im, member->node, "repeated",
				 "is the same model with the same key as another of its group\none "
				 "target has the weight of both: nothing to do");
		return;
	}
	for (unsigned i = 0; i + 1 < chain->steps_n; i++) {
		if (!find_member(&chain->steps[i], member->target))
			continue;
		weir_import_warn(im, member->node, "repeated",
				 "is the same model with the same key as an earlier step, and in "
				 "the same state of health\nuse `retries` for further tries there");
		return;
	}
	if (members_of(chain) == WEIR_MEMBERS_MAX) {
		weir_import_warn(im, member->node, "limit",
				 "a chain has at most %d targets\nkeep the ones that matter",
				 WEIR_MEMBERS_MAX);
		return;
	}
	if (weir_import_grow(im, &step->members, step->members_n, &step->members_cap,
			     sizeof *step->members))
		step->members[step->members_n++] = *member;
}

bool weir_import_usable(const struct weir_import_target *target)
{
	return !target->why && !target->provider->why;
}

unsigned weir_import_usable_n(const struct weir_import_step *step)
{
	unsigned n = 0;

	for (unsigned i = 0; i < step->members_n; i++)
		n += weir_import_usable(step->members[i].target);
	return n;
}

unsigned weir_import_chain_usable_n(const struct weir_import_chain *chain)
{
	unsigned n = 0;

	for (unsigned i = 0; i < chain->steps_n; i++)
		n += weir_import_usable_n(&chain->steps[i]);
	return n;
}

const char *weir_import_path(struct weir_import *im, const struct weir_node *node)
{
	char path[WEIR_PATH_MAX];

	weir_node_path(node, path, sizeof path);
	return weir_import_text(im, "%s", path);
}
