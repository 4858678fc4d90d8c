#include "core/metrics.h"

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

/* OpenTelemetry GenAI: gen_ai.client.operation.duration. */
static const double duration_bounds[] = { 0.01, 0.02, 0.04, 0.08, 0.16,  0.32,  0.64,
					  1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92 };
/* OpenTelemetry GenAI: gen_ai.server.time_to_first_token. */
static const double token_bounds[] = { 0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1,
				       0.25,  0.5,   0.75, 1,    2.5,  5,    7.5,  10 };
static const double overhead_bounds[] = { 0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005,
					  0.001,   0.0025,   0.005,   0.01,   0.025,   0.05 };
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

static void histogram_init(struct weir_histogram *h, const double *bounds_s, size_t n)
{
	WEIR_ASSERT(n <= WEIR_HISTOGRAM_BUCKETS_MAX);
	*h = (struct weir_histogram){ .bounds_s = bounds_s, .bounds_n = (unsigned)n };
}

void weir_histogram_add(struct weir_histogram *h, double seconds)
{
	unsigned i = 0;

	while (i < h->bounds_n && seconds > h->bounds_s[i])
		i++;
	h->counts[i]++;
	h->count++;
	h->sum_s += seconds;
}

/* Room for one more at the end of a growing array. NULL: out of memory, or at the bound. */
static void *grow(void *list, unsigned n, unsigned *cap, size_t size)
{
	unsigned wanted = *cap ? *cap * 2 : 8;

	if (n < *cap)
		return list;
	if (n >= WEIR_METRICS_PAIRS_MAX)
		return NULL;
	list = weir_realloc(list, wanted * size);
	if (list)
		*cap = wanted;
	return list;
}

static struct weir_pair *pair_of(struct weir_chain_metrics *c, const struct weir_target *target)
{
	void *grown;

	for (unsigned i = 0; i < c->pairs_n; i++)
		if (c->pairs[i].target == target)
			return &c->pairs[i];
	grown = grow(c->pairs, c->pairs_n, &c->pairs_cap, sizeof *c->pairs);
	if (!grown)
		return NULL;
	c->pairs = grown;
	c->pairs[c->pairs_n] = (struct weir_pair){ .target = target };
	return &c->pairs[c->pairs_n++];
}

static struct weir_fallback_series *fallback_of(struct weir_chain_metrics *c,
						const struct weir_target *from,
						const struct weir_target *to)
{
	void *grown;

	for (unsigned i = 0; i < c->fallbacks_n; i++)
		if (c->fallbacks[i].from == from && c->fallbacks[i].to == to)
			return &c->fallbacks[i];
	grown = grow(c->fallbacks, c->fallbacks_n, &c->fallbacks_cap, sizeof *c->fallbacks);
	if (!grown)
		return NULL;
	c->fallbacks = grown;
	c->fallbacks[c->fallbacks_n] = (struct weir_fallback_series){ .from = from, .to = to };
	return &c->fallbacks[c->fallbacks_n++];
}

static bool reach_target(struct weir_metrics *m, const struct weir_target *target)
{
	unsigned wanted = target->index + 1;
	void *grown;

	if (wanted <= m->targets_n)
		return true;
	grown = weir_realloc(m->targets, wanted * sizeof *m->targets);
	if (!grown)
		return false;
	m->targets = grown;
	for (unsigned i = m->targets_n; i < wanted; i++)
		m->targets[i] = (struct weir_target_metrics){ 0 };
	m->targets[target->index].target = target;
	m->targets_n = wanted;
	return true;
}

/* Every target, and every move from one step to the next. */
static bool chain_init(struct weir_chain_metrics *c, const struct weir_chain *chain)
{
	c->name = chain ? chain->name : "other";
	histogram_init(&c->request_seconds, duration_bounds, WEIR_COUNT_OF(duration_bounds));
	histogram_init(&c->first_token_seconds, token_bounds, WEIR_COUNT_OF(token_bounds));
	for (unsigned i = 0; chain && i < chain->steps_n; i++) {
		const struct weir_step *step = &chain->steps[i];

		for (unsigned j = 0; j < step->targets_n; j++)
			if (!pair_of(c, step->targets[j].target))
				return false;
		if (i &&
		    !fallback_of(c, chain->steps[i - 1].targets[0].target, step->targets[0].target))
			return false;
	}
	return true;
}

struct weir_metrics *weir_metrics_create(const struct weir_config *config, struct weir_board *board)
{
	struct weir_metrics *m = weir_calloc(1, sizeof *m);

	if (!m)
		return NULL;
	m->config = config;
	m->board = board;
	histogram_init(&m->overhead_seconds, overhead_bounds, WEIR_COUNT_OF(overhead_bounds));
	m->chains = weir_calloc(config->chains_n + 1, sizeof *m->chains);
	if (!m->chains)
		goto fail;
	m->chains_n = config->chains_n + 1;
	for (unsigned i = 0; i < m->chains_n; i++)
		if (!chain_init(&m->chains[i], i < config->chains_n ? config->chains[i] : NULL))
			goto fail;
	for (unsigned i = 0; i < config->targets_n; i++)
		if (!reach_target(m, config->targets[i]))
			goto fail;
	return m;
fail:
	weir_metrics_destroy(m);
	return NULL;
}

void weir_metrics_destroy(struct weir_metrics *m)
{
	if (!m)
		return;
	for (unsigned i = 0; i < m->chains_n; i++) {
		weir_free(m->chains[i].pairs);
		weir_free(m->chains[i].fallbacks);
	}
	weir_free(m->chains);
	weir_free(m->targets);
	weir_free(m);
}

static struct weir_chain_metrics *chain_of(struct weir_metrics *m, const struct weir_chain *chain)
{
	return &m->chains[chain ? chain->index : m->chains_n - 1];
}

void weir_metrics_request_begin(struct weir_metrics *m)
{
	m->inflight++;
}

void weir_metrics_request_end(struct weir_metrics *m, const struct weir_chain *chain,
			      enum weir_request_outcome outcome, double seconds)
{
	struct weir_chain_metrics *c = chain_of(m, chain);

	WEIR_ASSERT(m->inflight > 0);
	m->inflight--;
	m->requests++;
	m->errors += outcome == WEIR_REQUEST_EXHAUSTED;
	c->requests[outcome]++;
	weir_histogram_add(&c->request_seconds, seconds);
}

void weir_metrics_first_token(struct weir_metrics *m, const struct weir_chain *chain,
			      double seconds)
{
	weir_histogram_add(&chain_of(m, chain)->first_token_seconds, seconds);
}

void weir_metrics_overhead(struct weir_metrics *m, double seconds)
{
	weir_histogram_add(&m->overhead_seconds, seconds);
}

void weir_metrics_attempt_end(struct weir_metrics *m, const struct weir_chain *chain,
			      const struct weir_target *target, enum weir_outcome outcome)
{
	struct weir_pair *pair = pair_of(chain_of(m, chain), target);

	if (pair)
		pair->attempts[outcome]++;
	else
		m->series_lost++;
}

void weir_metrics_fallback(struct weir_metrics *m, const struct weir_chain *chain,
			   const struct weir_target *from, const struct weir_target *to,
			   unsigned fallback_class)
{
	struct weir_fallback_series *series = fallback_of(chain_of(m, chain), from, to);

	WEIR_ASSERT(fallback_class < WEIR_FALLBACK_CLASS_N);
	m->fallbacks++;
	if (series)
		series->counts[fallback_class]++;
	else
		m->series_lost++;
}

/* A counter that has come to its end stays there. */
static void add(uint64_t *sum, uint64_t n)
{
	if (__builtin_add_overflow(*sum, n, sum))
		*sum = UINT64_MAX;
}

static void add_cost(struct weir_metrics *m, const struct weir_chain *chain,
		     const struct weir_target *target, uint64_t nano)
{
	struct weir_pair *pair = pair_of(chain_of(m, chain), target);

	if (pair)
		add(&pair->cost_nano, nano);
	else
		m->series_lost++;
}

void weir_metrics_usage(struct weir_metrics *m, const struct weir_chain *chain,
			const struct weir_target *target, const struct weir_usage *usage,
			enum weir_cost_state state, uint64_t cost_nano)
{
	struct weir_target_metrics *t;

	if (state == WEIR_COST_KNOWN)
		add_cost(m, chain, target, cost_nano);
	if (!reach_target(m, target))
		return;
	t = &m->targets[target->index];
	t->cost_states[state]++;
	if (!usage)
		return;
	t->tokens_in += usage->in;
	t->tokens_out += usage->out;
	t->tokens_cached += usage->cached;
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

void weir_metrics_wasted(struct weir_metrics *m, const struct weir_target *target,
			 const struct weir_usage *usage, uint64_t cost_nano)
{
	if (!reach_target(m, target))
		return;
	m->targets[target->index].tokens_wasted += usage->in + usage->out;
	if (cost_nano != WEIR_PRICE_UNKNOWN)
		add(&m->targets[target->index].wasted_nano, cost_nano);
}

void weir_metrics_resumed(struct weir_metrics *m)
{
	m->resumed++;
}

void weir_metrics_queued(struct weir_metrics *m)
{
	m->queued++;
}
