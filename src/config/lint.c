#include "config/lint.h"

#include "base/alloc.h"
#include "config/secret.h"
#include "config/value.h"

static void check_timer(struct weir_reader *reader, const struct weir_settings *settings,
			enum weir_setting timer, enum weir_setting limit, const char *limit_name)
{
	char text[32];

	if (!settings->from[timer] || settings->value[timer] <= settings->value[limit])
		return;
	weir_value_print_duration(settings->value[limit], text, sizeof text);
	weir_reader_warn(reader, settings->from[timer], "timeout-exceeds-deadline",
			 "is longer than the %s of %s, which ends it first\nwrite less, or raise "
			 "the %s",
			 limit_name, text, limit_name);
}

static void check_timers(struct weir_reader *reader, const struct weir_settings *settings)
{
	check_timer(reader, settings, WEIR_SET_CONNECT, WEIR_SET_DEADLINE, "deadline");
	check_timer(reader, settings, WEIR_SET_FIRST_TOKEN, WEIR_SET_DEADLINE, "deadline");
	check_timer(reader, settings, WEIR_SET_ATTEMPT, WEIR_SET_DEADLINE, "deadline");
	check_timer(reader, settings, WEIR_SET_STALL, WEIR_SET_STREAM, "stream_timeout");
}

/* The step before `before` that has the target, from 1; 0: none. */
static unsigned earlier_step(const struct weir_chain *chain, unsigned before,
			     const struct weir_target *target)
{
	for (unsigned i = 0; i < before; i++)
		for (unsigned k = 0; k < chain->steps[i].targets_n; k++)
			if (chain->steps[i].targets[k].target == target)
				return i + 1;
	return 0;
}

static void check_repeats(struct weir_reader *reader, const struct weir_linted *linted)
{
	const struct weir_chain *chain = linted->chain;
	unsigned at = 0;

	for (unsigned i = 0; i < chain->steps_n; i++) {
		for (unsigned k = 0; k < chain->steps[i].targets_n; k++, at++) {
			unsigned first = earlier_step(chain, i, chain->steps[i].targets[k].target);

			if (first)
				weir_reader_warn(reader, linted->targets[at].node, "repeated-step",
						 "is the same target as step %u, in the same state "
						 "of health\nuse `retries`, or another target",
						 first);
		}
	}
}

static void check_reach(struct weir_reader *reader, const struct weir_linted *linted)
{
	const struct weir_chain *chain = linted->chain;

	if (chain->max_attempts >= chain->steps_n)
		return;
	weir_reader_warn(reader, linted->steps[chain->max_attempts], "unreachable-step",
			 "is never reached when all before it are tried: max_attempts is "
			 "%u\nwrite `max_attempts: %u`, or remove steps",
			 chain->max_attempts, chain->steps_n);
}

static bool is_same_vendor(const struct weir_provider *a, const struct weir_provider *b)
{
	return a == b || (a->port == b->port && strcmp(a->host, b->host) == 0);
}

static bool is_all_at(const struct weir_chain *chain, const struct weir_provider *provider)
{
	for (unsigned i = 0; i < chain->steps_n; i++)
		for (unsigned k = 0; k < chain->steps[i].targets_n; k++)
			if (!is_same_vendor(provider, chain->steps[i].targets[k].target->provider))
				return false;
	return true;
}

static void check_vendors(struct weir_reader *reader, const struct weir_linted *linted)
{
	const struct weir_chain *chain = linted->chain;
	const struct weir_provider *first = chain->steps[0].targets[0].target->provider;

	if (chain->steps_n < 2 || !is_all_at(chain, first))
		return;
	weir_reader_warn(reader, linted->node, "single-vendor",
			 "all its steps are at %s: when that is down, all of them are\nadd a step "
			 "of another provider",
			 first->name);
}

/* With one key or none there is nobody to hedge with. */
static bool is_alone(const struct weir_chain *chain)
{
	return chain->steps_n == 1 && chain->steps[0].targets_n == 1 &&
	       chain->steps[0].targets[0].target->provider->keys_n <= 1;
}

static void check_alternatives(struct weir_reader *reader, const struct weir_linted *linted)
{
	const struct weir_node *hedge = weir_linted_own(linted, WEIR_SET_HEDGE);
	const struct weir_node *midstream = weir_linted_own(linted, WEIR_SET_MIDSTREAM);
	const struct weir_chain *chain = linted->chain;

	if (hedge && chain->hedge && is_alone(chain))
		weir_reader_warn(reader, hedge, "hedge-without-alternative",
				 "this chain has a single target with a single key: there is "
				 "nobody to hedge with\nadd a target, or write `hedge: off`");
	if (midstream && chain->midstream_continue && linted->targets_n == 1)
		weir_reader_warn(reader, midstream, "midstream-without-fallback",
				 "this chain has a single target: a stream that is cut can go on "
				 "nowhere\nadd a step, or write `midstream: error`");
}

void weir_lint_chain(struct weir_reader *reader, const struct weir_linted *linted)
{
	check_timers(reader, &linted->settings);
	for (unsigned i = 0; i < linted->targets_n; i++)
		check_timers(reader, &linted->targets[i].settings);
	check_repeats(reader, linted);
	check_reach(reader, linted);
	check_vendors(reader, linted);
	check_alternatives(reader, linted);
	weir_lint_models(reader, linted);
}

bool weir_linted_add(struct weir_reader *reader, struct weir_linted *linted,
		     const struct weir_node *node, const struct weir_settings *settings)
{
	if (!weir_reader_grow(reader, &linted->targets, linted->targets_n, &linted->targets_cap,
			      sizeof *linted->targets))
		return false;
	linted->targets[linted->targets_n++] = (struct weir_linted_target){ node, *settings };
	return true;
}

void weir_linted_fini(struct weir_linted *linted)
{
	weir_free(linted->targets);
	linted->targets = NULL;
	linted->targets_n = linted->targets_cap = 0;
}

const struct weir_node *weir_linted_own(const struct weir_linted *linted, enum weir_setting setting)
{
	const struct weir_node *from = linted->settings.from[setting];

	return from == linted->defaults->from[setting] ? NULL : from;
}

static bool any_target_has_key(const struct weir_reader *reader)
{
	for (unsigned i = 0; i < reader->drafts_n; i++)
		if (reader->drafts[i].used && !reader->drafts[i].needs_key)
			return true;
	return false;
}

static bool any_target(const struct weir_reader *reader)
{
	for (unsigned i = 0; i < reader->drafts_n; i++)
		if (reader->drafts[i].used)
			return true;
	return false;
}

static void check_credentials(struct weir_reader *reader)
{
	bool hopeless = any_target(reader) && !any_target_has_key(reader);

	for (unsigned i = 0; i < reader->drafts_n; i++) {
		const struct weir_draft *draft = &reader->drafts[i];

		if (!draft->needs_key)
			continue;
		if (hopeless && draft->used)
			weir_reader_error(reader, draft->node, "missing-credential",
					  "has no key, and no chain has a target with one\nwrite "
					  "`keys: [ \"${%s}\" ]` below it, and set the variable",
					  draft->vendor->key_var);
		else
			weir_reader_warn(reader, draft->node, "missing-credential",
					 "has no key: it will refuse every request\nwrite "
					 "`keys: [ \"${%s}\" ]` below it, and set the variable",
					 draft->vendor->key_var);
	}
}

/* The number of the first key of `of` that `other` has, too, from 1; 0: none. */
static unsigned shared_key(const struct weir_provider *of, const struct weir_provider *other)
{
	for (unsigned i = 0; i < of->keys_n; i++)
		for (unsigned k = 0; k < other->keys_n; k++)
			if (weir_secret_eq(&of->keys[i], &other->keys[k]))
				return i + 1;
	return 0;
}

static void check_shared_keys(struct weir_reader *reader, const struct weir_draft *draft,
			      const struct weir_draft *other)
{
	unsigned key;

	if (!draft->provider || !other->provider ||
	    !is_same_vendor(draft->provider, other->provider))
		return;
	key = shared_key(draft->provider, other->provider);
	if (key)
		weir_reader_warn(reader, draft->node, "same-key",
				 "its key number %u is also one of %s, at the same host: one "
				 "limit, counted twice\nuse one provider, or give each keys of its "
				 "own",
				 key, other->name);
}

void weir_lint_providers(struct weir_reader *reader)
{
	check_credentials(reader);
	for (unsigned i = 1; i < reader->drafts_n; i++)
		for (unsigned k = 0; k < i; k++)
			check_shared_keys(reader, &reader->drafts[i], &reader->drafts[k]);
}
