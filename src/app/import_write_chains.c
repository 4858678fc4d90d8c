#include <inttypes.h>
#include <stdio.h>

#include "app/import_write_private.h"

void weir_import_write_duration(struct weir_import_pen *pen, unsigned indent, bool off,
				const char *key, uint64_t ms, const char *note)
{
	if (!ms)
		return;
	weir_import_pen_begin(pen, indent, off);
	weir_import_pen_add_duration(pen, key, ms);
	weir_import_pen_end(pen, note);
}

void weir_import_write_number(struct weir_import_pen *pen, unsigned indent, bool off,
			      const char *key, unsigned number, const char *note)
{
	weir_import_pen_begin(pen, indent, off);
	weir_import_pen_add(pen, "%s: %u", key, number);
	weir_import_pen_end(pen, note);
}

static bool has_limits(const struct weir_import_member *m)
{
	return m->attempt_ms || m->first_token_ms || m->target->rpm || m->target->tpm ||
	       m->target->max_inflight;
}

static void add_limits(struct weir_import_pen *pen, const struct weir_import_member *m)
{
	if (m->attempt_ms) {
		weir_import_pen_add(pen, ", ");
		weir_import_pen_add_duration(pen, "attempt_timeout", m->attempt_ms);
	}
	if (m->first_token_ms) {
		weir_import_pen_add(pen, ", ");
		weir_import_pen_add_duration(pen, "first_token_timeout", m->first_token_ms);
	}
	if (m->target->rpm)
		weir_import_pen_add(pen, ", rpm: %" PRIu64, m->target->rpm);
	if (m->target->tpm)
		weir_import_pen_add(pen, ", tpm: %" PRIu64, m->target->tpm);
	if (m->target->max_inflight)
		weir_import_pen_add(pen, ", max_inflight: %" PRIu64, m->target->max_inflight);
}

/* weights: they differ. retries: of a step that is this target alone; -1: none. */
static void write_member(struct weir_import_pen *pen, const struct weir_import_member *m,
			 bool weights, int retries, const char *origin)
{
	bool map = weights || retries >= 0 || has_limits(m);
	char note[160];
	int n;

	weir_import_pen_add(pen, "%s", map ? "- { target: " : "- ");
	weir_import_pen_add_target(pen, m->target, false);
	if (weights)
		weir_import_pen_add(pen, ", weight: %u", m->weight);
	if (retries >= 0)
		weir_import_pen_add(pen, ", retries: %d", retries);
	if (map) {
		add_limits(pen, m);
		weir_import_pen_add(pen, " }");
	}
	n = snprintf(note, sizeof note, "%s%sline %u", origin ? origin : "", origin ? "; " : "",
		     m->node ? m->node->line : 0);
	if (!weir_import_usable(m->target) && n > 0 && (size_t)n < sizeof note)
		snprintf(note + n, sizeof note - (size_t)n, "; %s",
			 m->target->why ? m->target->why : m->target->provider->why);
	weir_import_pen_end(pen, note);
}

static bool weights_differ(const struct weir_import_step *step)
{
	for (unsigned i = 0; i < step->members_n; i++)
		if (step->members[i].weight != 1)
			return true;
	return false;
}

static const char *balance_word(enum weir_balance balance)
{
	static const char *const words[WEIR_BALANCE_N] = {
		[WEIR_BALANCE_WEIGHTED] = NULL,
		[WEIR_BALANCE_LEAST_INFLIGHT] = "least_inflight",
		[WEIR_BALANCE_LATENCY] = "latency",
		[WEIR_BALANCE_COST] = "cost",
	};

	return words[balance];
}

/* off: none of its targets can be used. */
static void write_pool(struct weir_import_pen *pen, const struct weir_import_step *step, bool off)
{
	const char *lead = "- ", *note = step->note;

	if (balance_word(step->balance)) {
		weir_import_pen_begin(pen, 6, off);
		weir_import_pen_add(pen, "%sbalance: %s", lead, balance_word(step->balance));
		weir_import_pen_end(pen, note);
		lead = "  ";
		note = NULL;
	}
	if (step->retries >= 0) {
		weir_import_pen_begin(pen, 6, off);
		weir_import_pen_add(pen, "%sretries: %d", lead, step->retries);
		weir_import_pen_end(pen, note);
		lead = "  ";
		note = NULL;
	}
	weir_import_pen_begin(pen, 6, off);
	weir_import_pen_add(pen, "%stargets:", lead);
	weir_import_pen_end(pen, note);
	for (unsigned i = 0; i < step->members_n; i++) {
		weir_import_pen_begin(pen, 10, !weir_import_usable(step->members[i].target));
		write_member(pen, &step->members[i], weights_differ(step), -1, NULL);
	}
}

static void write_step(struct weir_import_pen *pen, const struct weir_import_step *step)
{
	bool off = weir_import_usable_n(step) == 0;

	if (step->members_n > 1) {
		write_pool(pen, step, off);
		return;
	}
	weir_import_pen_begin(pen, 6, off);
	write_member(pen, &step->members[0], false, step->retries, step->note);
}

static void write_chain(struct weir_import_pen *pen, const struct weir_import_chain *chain)
{
	bool off = weir_import_chain_usable_n(chain) == 0;

	weir_import_pen_begin(pen, 2, off);
	weir_import_pen_add_scalar(pen, chain->name);
	weir_import_pen_add(pen, ":");
	weir_import_pen_end(pen, chain->note);
	if (chain->retries >= 0)
		weir_import_write_number(pen, 4, off, "retries", (unsigned)chain->retries, NULL);
	weir_import_write_duration(pen, 4, off, "attempt_timeout", chain->attempt_ms, NULL);
	weir_import_write_duration(pen, 4, off, "first_token_timeout", chain->first_token_ms, NULL);
	weir_import_write_duration(pen, 4, off, "deadline", chain->deadline_ms,
				   "every target has its whole time");
	if (chain->max_attempts)
		weir_import_write_number(pen, 4, off, "max_attempts", chain->max_attempts,
					 "every step has all its retries");
	if (chain->content_policy_next) {
		weir_import_pen_begin(pen, 4, off);
		weir_import_pen_add(pen, "content_policy: next");
		weir_import_pen_end(pen, "content_policy_fallbacks");
	}
	if (chain->overflow_next) {
		weir_import_pen_begin(pen, 4, off);
		weir_import_pen_add(pen, "context_overflow: next");
		weir_import_pen_end(pen, "context_window_fallbacks");
	}
	weir_import_pen_begin(pen, 4, off);
	weir_import_pen_add(pen, "steps:");
	weir_import_pen_end(pen, NULL);
	for (unsigned i = 0; i < chain->steps_n; i++)
		write_step(pen, &chain->steps[i]);
}

void weir_import_write_chains(struct weir_import_pen *pen)
{
	bool usable = false;

	for (unsigned i = 0; i < pen->im->chains_n; i++)
		usable = usable || weir_import_chain_usable_n(pen->im->chains[i]) > 0;
	weir_import_pen_begin(pen, 0, !usable);
	weir_import_pen_add(pen, "chains:");
	weir_import_pen_end(pen, NULL);
	for (unsigned i = 0; i < pen->im->chains_n; i++) {
		if (i)
			weir_import_pen_blank(pen);
		write_chain(pen, pen->im->chains[i]);
	}
}
