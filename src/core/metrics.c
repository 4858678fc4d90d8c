#include "core/metrics.h"

#include <time.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "core/metrics_private.h"

/* clang-format off */
static const char *const outcome_names[] = {
	[WEIR_REQUEST_OK]           = "ok",
	[WEIR_REQUEST_FAILED_OVER]  = "failed_over",
	[WEIR_REQUEST_EXHAUSTED]    = "exhausted",
	[WEIR_REQUEST_CALLER_ERROR] = "caller_error",
	[WEIR_REQUEST_HANGUP]       = "hangup",
	[WEIR_REQUEST_REJECTED]     = "rejected",
};
/* clang-format on */

_Static_assert(WEIR_COUNT_OF(outcome_names) == WEIR_REQUEST_OUTCOME_N, "one name each");

const char *weir_request_outcome_name(enum weir_request_outcome outcome)
{
	WEIR_ASSERT(outcome < WEIR_REQUEST_OUTCOME_N);
	return outcome_names[outcome];
}

const char *weir_fallback_class_name(unsigned fallback_class)
{
	static const char *const past[] = { "at_cap", "open", "benched" };

	WEIR_ASSERT(fallback_class < WEIR_FALLBACK_CLASS_N);
	return fallback_class < WEIR_OUT_N ? weir_outcome_name((enum weir_outcome)fallback_class)
					   : past[fallback_class - WEIR_OUT_N];
}

unsigned weir_fallback_class_of(enum weir_leave leave)
{
	const char *word = weir_leave_class(leave);

	for (unsigned i = 0; i < WEIR_FALLBACK_CLASS_N; i++)
		if (word && strcmp(word, weir_fallback_class_name(i)) == 0)
			return i;
	WEIR_ASSERT(!"a target that is in order is not gone past");
	return 0;
}

static void remember(struct weir_exemplar *e, double seconds, const char *id)
{
	size_t n = strnlen(id, sizeof e->id - 1);

	memcpy(e->id, id, n);
	e->id[n] = '\0';
	e->seconds = seconds;
	e->unix_s = (uint64_t)time(NULL);
}

void weir_histogram_add(struct weir_histogram *h, double seconds, const char *id)
{
	unsigned i = 0;

	while (i < h->bounds_n && seconds > h->bounds_s[i])
		i++;
	h->counts[i]++;
	h->count++;
	h->sum_s += seconds;
	if (id)
		remember(&h->exemplars[i], seconds, id);
}

static struct weir_chain_metrics *chain_of(struct weir_ledger *l, const struct weir_chain *chain)
{
	return l->chains[chain ? chain->index : l->chains_n - 1];
}

/* Those that a request has made are found here when they are first counted. NULL: no memory. */
static struct weir_target_metrics *target_of(struct weir_ledger *l,
					     const struct weir_target *target)
{
	unsigned wanted = target->index + 1;
	struct weir_target_metrics **grown;

	if (wanted > l->targets_n) {
		grown = weir_realloc(l->targets, wanted * sizeof(struct weir_target_metrics *));
		if (!grown)
			return NULL;
		l->targets = grown;
		while (l->targets_n < wanted)
			l->targets[l->targets_n++] = NULL;
	}
	if (!l->targets[target->index])
		l->targets[target->index] = weir_metrics_target(l->metrics, target->id);
	return l->targets[target->index];
}

/* Every target, and every move from one step to the next. */
static bool add_chain(struct weir_ledger *l, const struct weir_chain *chain)
{
	struct weir_chain_metrics *c = weir_metrics_chain(l->metrics,
							  chain ? chain->name : "other");

	if (!c)
		return false;
	l->chains[l->chains_n++] = c;
	for (unsigned i = 0; chain && i < chain->steps_n; i++) {
		const struct weir_step *step = &chain->steps[i];

		for (unsigned j = 0; j < step->targets_n; j++)
			if (!weir_metrics_pair(l->metrics, c,
					       target_of(l, step->targets[j].target)))
				return false;
		if (i && !weir_metrics_move(l->metrics, c,
					    target_of(l, chain->steps[i - 1].targets[0].target),
					    target_of(l, step->targets[0].target)))
			return false;
	}
	return true;
}

struct weir_ledger *weir_ledger_create(struct weir_metrics *m, const struct weir_config *config)
{
	struct weir_ledger *l = weir_calloc(1, sizeof *l);
	bool ok;

	if (!l)
		return NULL;
	weir_metrics_tidy(m);
	l->metrics = m;
	l->chains = weir_calloc(config->chains_n + 1, sizeof(struct weir_chain_metrics *));
	ok = l->chains != NULL;
	for (unsigned i = 0; i <= config->chains_n && ok; i++)
		ok = add_chain(l, i < config->chains_n ? config->chains[i] : NULL);
	for (unsigned i = 0; i < config->targets_n && ok; i++)
		ok = target_of(l, config->targets[i]) != NULL;
	if (ok)
		return l;
	weir_ledger_destroy(l);
	return NULL;
}

void weir_ledger_destroy(struct weir_ledger *l)
{
	if (!l)
		return;
	for (unsigned i = 0; i < l->chains_n; i++)
		l->chains[i]->references--;
	for (unsigned i = 0; i < l->targets_n; i++)
		if (l->targets[i])
			l->targets[i]->references--;
	weir_free(l->chains);
	weir_free(l->targets);
	weir_free(l);
}

void weir_metrics_request_begin(struct weir_metrics *m)
{
	m->inflight++;
}

void weir_ledger_request_end(struct weir_ledger *l, const struct weir_request_end *end)
{
	struct weir_chain_metrics *c = chain_of(l, end->chain);
	struct weir_metrics *m = l->metrics;

	WEIR_ASSERT(m->inflight > 0);
	m->inflight--;
	m->requests++;
	c->requests[end->outcome]++;
	if (end->outcome == WEIR_REQUEST_EXHAUSTED) {
		m->errors++;
		c->exhausted[end->final]++;
	}
	weir_histogram_add(&c->request_seconds, end->seconds, end->id);
}

void weir_ledger_first_token(struct weir_ledger *l, const struct weir_chain *chain, double seconds,
			     const char *id)
{
	weir_histogram_add(&chain_of(l, chain)->first_token_seconds, seconds, id);
}

void weir_metrics_overhead(struct weir_metrics *m, double seconds, const char *id)
{
	weir_histogram_add(&m->overhead_seconds, seconds, id);
}

void weir_metrics_turn(struct weir_metrics *m, double seconds)
{
	weir_histogram_add(&m->turn_seconds, seconds, NULL);
}

void weir_ledger_attempt_end(struct weir_ledger *l, const struct weir_attempt_end *end)
{
	struct weir_target_metrics *t = target_of(l, end->target);
	struct weir_pair *pair = weir_metrics_pair(l->metrics, chain_of(l, end->chain), t);

	if (!pair) {
		l->metrics->series_lost++;
		return;
	}
	pair->attempts[end->outcome]++;
	weir_histogram_add(&t->attempt_seconds, end->seconds, end->id);
}

void weir_ledger_connected(struct weir_ledger *l, const struct weir_target *target, bool opened)
{
	struct weir_target_metrics *t = target_of(l, target);

	if (t)
		t->connects[!opened]++;
}

void weir_ledger_retry(struct weir_ledger *l, const struct weir_target *target)
{
	struct weir_target_metrics *t = target_of(l, target);

	if (t)
		t->retries++;
}

void weir_ledger_fallback(struct weir_ledger *l, const struct weir_chain *chain,
			  const struct weir_target *from, const struct weir_target *to,
			  unsigned fallback_class)
{
	struct weir_target_metrics *left = target_of(l, from), *next = target_of(l, to);
	struct weir_fallback_series *series = weir_metrics_move(l->metrics, chain_of(l, chain),
								left, next);

	WEIR_ASSERT(fallback_class < WEIR_FALLBACK_CLASS_N);
	l->metrics->fallbacks++;
	if (series)
		series->counts[fallback_class]++;
	else
		l->metrics->series_lost++;
}

/* A counter that has come to its end stays there. */
static void add(uint64_t *sum, uint64_t n)
{
	if (__builtin_add_overflow(*sum, n, sum))
		*sum = UINT64_MAX;
}

static void add_cost(struct weir_ledger *l, const struct weir_chain *chain,
		     struct weir_target_metrics *target, uint64_t nano)
{
	struct weir_pair *pair = weir_metrics_pair(l->metrics, chain_of(l, chain), target);

	if (pair)
		add(&pair->cost_nano, nano);
	else
		l->metrics->series_lost++;
}

void weir_ledger_usage(struct weir_ledger *l, const struct weir_chain *chain,
		       const struct weir_target *target, const struct weir_usage *usage,
		       enum weir_cost_state state, uint64_t cost_nano)
{
	struct weir_target_metrics *t = target_of(l, target);

	if (state == WEIR_COST_KNOWN)
		add_cost(l, chain, t, cost_nano);
	if (!t)
		return;
	t->cost_states[state]++;
	if (!usage)
		return;
	t->tokens_in += usage->in;
	t->tokens_out += usage->out;
	t->tokens_cached += usage->cached;
}

void weir_metrics_reject(struct weir_metrics *m, enum weir_rejection why)
{
	m->rejected[why]++;
}

void weir_metrics_bodies(struct weir_metrics *m, uint64_t bytes)
{
	m->body_bytes = bytes;
}

void weir_metrics_memory(struct weir_metrics *m, double used)
{
	m->memory_used = used;
}

void weir_metrics_handshake(struct weir_metrics *m, bool ok)
{
	m->handshakes[ok]++;
}

void weir_metrics_client(struct weir_metrics *m, int delta)
{
	if (delta > 0)
		m->clients_total++;
	m->clients = (unsigned)((int)m->clients + delta);
}

void weir_metrics_event_dropped(struct weir_metrics *m, unsigned n)
{
	m->events_dropped += n;
}

void weir_metrics_hedge(struct weir_metrics *m, bool won)
{
	m->hedges_won += won;
	m->hedges += !won;
}

void weir_ledger_wasted(struct weir_ledger *l, const struct weir_target *target,
			const struct weir_usage *usage, uint64_t cost_nano)
{
	struct weir_target_metrics *t = target_of(l, target);

	if (!t)
		return;
	t->tokens_wasted += usage->in + usage->out;
	if (cost_nano != WEIR_PRICE_UNKNOWN)
		add(&t->wasted_nano, cost_nano);
}

void weir_metrics_resumed(struct weir_metrics *m)
{
	m->resumed++;
}

void weir_metrics_readers(struct weir_metrics *m, unsigned n)
{
	m->readers = n;
}

void weir_metrics_reader_dropped(struct weir_metrics *m)
{
	m->readers_dropped++;
}

void weir_metrics_queued(struct weir_metrics *m)
{
	m->queued++;
	m->waiting++;
}

void weir_metrics_unqueued(struct weir_metrics *m)
{
	WEIR_ASSERT(m->waiting > 0);
	m->waiting--;
}

void weir_metrics_snapshots(struct weir_metrics *m, int delta)
{
	m->snapshots = (unsigned)((int)m->snapshots + delta);
}

void weir_metrics_reload(struct weir_metrics *m, bool ok, unsigned generation, uint64_t unix_s)
{
	m->reload_ok = ok;
	m->reloads += ok && generation > 1;
	m->reloads_failed += !ok;
	m->generation = generation;
	if (ok)
		m->loaded_unix_s = unix_s;
}

void weir_metrics_note(struct weir_metrics *m, const struct weir_vitals *vitals)
{
	m->vitals = *vitals;
}
