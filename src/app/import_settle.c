/* What can be said only when all is known: names, variables, weights. */
#include <stdio.h>

#include "app/import_draft.h"
#include "base/alloc.h"
#include "config/board.h"

/* weir's own timers */
enum { ATTEMPT_MS = 60000, DEADLINE_MS = 120000 };

enum { FACTOR_MAX = 1000, VARIABLE_MAX = 100, WHOLE_MAX = 1000000000 };

/* Names of providers.
 *
 * A vendor's own name goes to the first provider at its own address; the others are
 * numbered. */

static bool is_name_taken(const struct weir_import *im, const char *name)
{
	for (unsigned i = 0; i < im->providers_n; i++)
		if (im->providers[i]->name && strcmp(im->providers[i]->name, name) == 0)
			return true;
	return false;
}

static void name_provider(struct weir_import *im, struct weir_import_provider *provider)
{
	const char *name = provider->hint;

	for (unsigned n = 2; name && is_name_taken(im, name); n++)
		name = weir_import_text(im, "%s-%u", provider->hint, n);
	provider->name = name;
}

static void name_providers(struct weir_import *im)
{
	for (unsigned i = 0; i < im->providers_n; i++) {
		struct weir_import_provider *provider = im->providers[i];

		if (provider->vendor && strcmp(provider->hint, provider->vendor->name) == 0 &&
		    !is_name_taken(im, provider->hint))
			provider->name = provider->hint;
	}
	for (unsigned i = 0; i < im->providers_n; i++)
		if (!im->providers[i]->name)
			name_provider(im, im->providers[i]);
}

/* Variables of secrets. */

static bool names_variable(const struct weir_import_value *value, const char *name)
{
	if (value->from == WEIR_IMPORT_VARIABLE)
		return weir_slice_is(value->text, name);
	return value->variable && strcmp(value->variable, name) == 0;
}

static bool is_variable_taken(const struct weir_import *im, const char *name)
{
	if (names_variable(&im->access, name))
		return true;
	for (unsigned i = 0; i < im->providers_n; i++) {
		const struct weir_import_provider *provider = im->providers[i];

		if (names_variable(&provider->base, name) || names_variable(&provider->key, name))
			return true;
		for (unsigned k = 0; k < provider->headers_n; k++)
			if (names_variable(&provider->headers[k].value, name))
				return true;
	}
	return false;
}

/* "openai-2", "API_KEY": OPENAI_2_API_KEY */
static const char *make_variable(struct weir_import *im, const char *owner, const char *what)
{
	char upper[VARIABLE_MAX];
	const char *name;

	snprintf(upper, sizeof upper, "%s%.70s_%.24s",
		 owner[0] >= '0' && owner[0] <= '9' ? "P" : "", owner, what);
	for (char *c = upper; *c; c++) {
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
		else if ((*c < 'A' || *c > 'Z') && (*c < '0' || *c > '9'))
			*c = '_';
	}
	name = weir_import_text(im, "%s", upper);
	for (unsigned n = 2; name && is_variable_taken(im, name); n++)
		name = weir_import_text(im, "%s_%u", upper, n);
	return name;
}

static void settle_secret(struct weir_import *im, struct weir_import_value *value,
			  const char *owner, const char *what)
{
	if (value->from != WEIR_IMPORT_SECRET && value->from != WEIR_IMPORT_ABSENT)
		return;
	value->variable = make_variable(im, owner, what);
	if (value->variable && value->rule)
		weir_import_warn(im, value->node, value->rule,
				 "%s; the configuration reads it from the variable %s\nset %s",
				 value->what, value->variable, value->variable);
}

static void settle_provider(struct weir_import *im, struct weir_import_provider *provider)
{
	char what[32];

	if (!provider->name)
		return;
	settle_secret(im, &provider->key, provider->name, "API_KEY");
	settle_secret(im, &provider->base, provider->name, "BASE_URL");
	for (unsigned i = 0; i < provider->headers_n; i++) {
		snprintf(what, sizeof what, "%.*s", (int)provider->headers[i].name.len,
			 provider->headers[i].name.base);
		settle_secret(im, &provider->headers[i].value, provider->name, what);
	}
}

/* Weights. */

static uint64_t divisor(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

static uint64_t rounded(double value)
{
	return (uint64_t)(value + 0.5);
}

static bool is_whole(double value)
{
	double off = value - (double)rounded(value);

	return (off < 0 ? -off : off) <= 1e-6 * (value > 1 ? value : 1);
}

/* The shares as whole numbers, each times the factor, without what they have in common. The
 * largest; 0: they are not whole. */
static uint64_t try_factor(struct weir_import_step *step, unsigned factor, uint64_t *whole)
{
	uint64_t common = 0, most = 0;

	for (unsigned i = 0; i < step->members_n; i++) {
		double value = step->members[i].share * factor;

		if (value > WHOLE_MAX || !is_whole(value))
			return 0;
		whole[i] = rounded(value);
		common = divisor(whole[i], common);
	}
	for (unsigned i = 0; common && i < step->members_n; i++) {
		whole[i] /= common;
		most = whole[i] > most ? whole[i] : most;
	}
	return most;
}

static double largest_share(const struct weir_import_step *step)
{
	double most = 0;

	for (unsigned i = 0; i < step->members_n; i++)
		if (step->members[i].share > most)
			most = step->members[i].share;
	return most;
}

static void round_weights(struct weir_import *im, struct weir_import_step *step, double most)
{
	for (unsigned i = 0; i < step->members_n; i++) {
		struct weir_import_member *member = &step->members[i];
		double value = member->share / most * WEIR_IMPORT_WEIGHT_MAX;

		member->weight = (unsigned)rounded(value);
		if (member->share > 0 && member->weight == 0)
			member->weight = 1;
	}
	weir_import_warn(im, step->members[0].node, "approximated",
			 "the weights of its group are not in proportion to whole numbers up to "
			 "%d: they are rounded\nlook at them",
			 WEIR_IMPORT_WEIGHT_MAX);
}

static void settle_weights(struct weir_import *im, struct weir_import_step *step)
{
	double most = largest_share(step);
	uint64_t whole[WEIR_MEMBERS_MAX], largest = 0;
	unsigned factor = 0;

	if (most <= 0) { /* nobody has a share: all have the same */
		for (unsigned i = 0; i < step->members_n; i++)
			step->members[i].weight = 1;
		return;
	}
	while ((largest == 0 || largest > WEIR_IMPORT_WEIGHT_MAX) && ++factor <= FACTOR_MAX)
		largest = try_factor(step, factor, whole);
	if (factor > FACTOR_MAX) {
		round_weights(im, step, most);
		return;
	}
	for (unsigned i = 0; i < step->members_n; i++)
		step->members[i].weight = (unsigned)whole[i];
}

/* Weight 0 is for when no other is left, and then there is no other. */
static void settle_last_resort(struct weir_import_step *step)
{
	for (unsigned i = 0; i < step->members_n; i++)
		if (weir_import_usable(step->members[i].target) && step->members[i].weight)
			return;
	for (unsigned i = 0; i < step->members_n; i++)
		if (weir_import_usable(step->members[i].target))
			step->members[i].weight = 1;
}

/* How long a request may take, and how many calls it may make: neither of the others has one
 * limit over all of them, so those of weir give way to what each target and step is allowed. */

static void settle_deadline(const struct weir_import *im, struct weir_import_chain *chain)
{
	uint64_t usual = im->attempt_ms ? im->attempt_ms : ATTEMPT_MS, sum = 0;
	bool said = im->attempt_ms > 0;

	for (unsigned i = 0; i < chain->steps_n; i++)
		for (unsigned k = 0; k < chain->steps[i].members_n; k++) {
			const struct weir_import_member *member = &chain->steps[i].members[k];

			if (!weir_import_usable(member->target))
				continue;
			said = said || member->attempt_ms;
			sum += member->attempt_ms ? member->attempt_ms : usual;
		}
	if (sum > WEIR_IMPORT_MS_MAX)
		sum = WEIR_IMPORT_MS_MAX;
	if (said && sum > DEADLINE_MS)
		chain->deadline_ms = sum;
}

static void settle_attempts(const struct weir_import *im, struct weir_import_chain *chain)
{
	unsigned wanted = 0, steps = 0, most = 0;
	bool said = im->retries >= 0;

	for (unsigned i = 0; i < chain->steps_n; i++) {
		const struct weir_import_step *step = &chain->steps[i];
		int retries = step->retries >= 0 ? step->retries : im->retries;

		if (weir_import_usable_n(step) == 0)
			continue;
		said = said || step->retries >= 0;
		retries = retries < 0 ? 1 : retries;
		wanted += 1 + (unsigned)retries;
		most = (unsigned)retries > most ? (unsigned)retries : most;
		steps++;
	}
	if (!said || wanted < steps)
		wanted = steps;
	if (wanted > WEIR_ATTEMPTS_MAX)
		wanted = WEIR_ATTEMPTS_MAX;
	if (wanted > weir_plan_attempts(most, steps))
		chain->max_attempts = wanted;
}

static void settle_chain(struct weir_import *im, struct weir_import_chain *chain)
{
	for (unsigned i = 0; i < chain->steps_n; i++) {
		struct weir_import_step *step = &chain->steps[i];

		settle_weights(im, step);
		settle_last_resort(step);
		for (unsigned k = 0; k < step->members_n; k++) {
			struct weir_import_target *target = step->members[k].target;

			target->stands = target->provider->stands = true;
			if (weir_import_usable(target))
				target->provider->used = true;
		}
	}
}

bool weir_import_settle(struct weir_import *im)
{
	bool any = false;

	name_providers(im);
	settle_secret(im, &im->access, im->from, "MASTER_KEY");
	for (unsigned i = 0; i < im->providers_n; i++)
		settle_provider(im, im->providers[i]);
	for (unsigned i = 0; i < im->chains_n; i++) {
		settle_chain(im, im->chains[i]);
		settle_deadline(im, im->chains[i]);
		settle_attempts(im, im->chains[i]);
		any = any || weir_import_chain_usable_n(im->chains[i]) > 0;
	}
	if (!any && !im->out_of_memory)
		weir_import_fail(im, im->tree.root, "nothing-usable",
				 "none of its models can be used by this version of weir, and a "
				 "configuration needs a chain\nadd one that speaks one of: %s",
				 weir_dialect_names());
	return any;
}
