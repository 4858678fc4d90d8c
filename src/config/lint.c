#include "config/lint.h"

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

static void check_repeats(struct weir_reader *reader, const struct weir_linted *linted)
{
	const struct weir_chain *chain = linted->chain;

	for (unsigned i = 1; i < chain->steps_n; i++) {
		unsigned first = 0;

		while (chain->steps[first].target != chain->steps[i].target)
			first++;
		if (first < i)
			weir_reader_warn(reader, linted->steps[i], "repeated-step",
					 "is the same target as step %u, in the same state of "
					 "health\nuse `retries`, or another target",
					 first + 1);
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

static void check_vendors(struct weir_reader *reader, const struct weir_linted *linted)
{
	const struct weir_chain *chain = linted->chain;
	const struct weir_provider *first = chain->steps[0].target->provider;

	if (chain->steps_n < 2)
		return;
	for (unsigned i = 1; i < chain->steps_n; i++)
		if (!is_same_vendor(first, chain->steps[i].target->provider))
			return;
	weir_reader_warn(reader, linted->node, "single-vendor",
			 "all its steps are at %s: when that is down, all of them are\nadd a step "
			 "of another provider",
			 first->name);
}

static void check_embeddings(struct weir_reader *reader, const struct weir_linted *linted)
{
	const struct weir_chain *chain = linted->chain;
	const char *first = chain->steps[0].target->model;

	for (unsigned i = 1; i < chain->steps_n; i++) {
		const char *model = chain->steps[i].target->model;

		if (strcmp(first, model) == 0 ||
		    (!weir_slice_has_nocase(weir_slice_of(first), "embed") &&
		     !weir_slice_has_nocase(weir_slice_of(model), "embed")))
			continue;
		weir_reader_warn(reader, linted->steps[i], "mixed-embeddings",
				 "vectors of different embedding models cannot be "
				 "compared\nfall back to the same model at another provider");
	}
}

void weir_lint_chain(struct weir_reader *reader, const struct weir_linted *linted)
{
	check_timers(reader, &linted->settings);
	for (unsigned i = 0; i < linted->chain->steps_n; i++)
		check_timers(reader, &linted->step_settings[i]);
	check_repeats(reader, linted);
	check_reach(reader, linted);
	check_vendors(reader, linted);
	check_embeddings(reader, linted);
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

void weir_lint_credentials(struct weir_reader *reader)
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
