#include <time.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "core/metrics_private.h"

/* clang-format off */
/* OpenTelemetry GenAI: gen_ai.client.operation.duration. */
static const double duration_bounds[] = { 0.01, 0.02, 0.04, 0.08, 0.16,  0.32,  0.64,
					  1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92 };
/* OpenTelemetry GenAI: gen_ai.server.time_to_first_token. */
static const double token_bounds[] = { 0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1,
				       0.25,  0.5,   0.75, 1,    2.5,  5,    7.5,  10 };
static const double overhead_bounds[] = { 0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005,
					  0.001,   0.0025,   0.005,   0.01,   0.025,   0.05 };
static const double turn_bounds[] = { 0.0001, 0.001, 0.0025, 0.005, 0.01, 0.025,
				      0.05,   0.1,   0.25,   0.5,   1,    2.5 };
/* clang-format on */

static void histogram_init(struct weir_histogram *h, const double *bounds_s, size_t n)
{
	WEIR_ASSERT(n <= WEIR_HISTOGRAM_BUCKETS_MAX);
	*h = (struct weir_histogram){ .bounds_s = bounds_s, .bounds_n = (unsigned)n };
}

/* Others look only while nothing is being put together. */
static void begin_change(struct weir_metrics *m)
{
	weir_shm_enter(m->shm);
	__atomic_store_n(&m->changing, true, __ATOMIC_RELEASE);
}

static void end_change(struct weir_metrics *m)
{
	__atomic_store_n(&m->changing, false, __ATOMIC_RELEASE);
	weir_shm_leave(m->shm);
}

/* Room for one more at the end of a growing array. NULL: out of memory, or at the bound. */
static void *grow(struct weir_shm *shm, void *list, unsigned n, unsigned *cap, unsigned max,
		  size_t size)
{
	unsigned wanted = *cap ? *cap * 2 : 8;
	void *grown;

	if (n < *cap)
		return list;
	if (n >= max)
		return NULL;
	grown = weir_shm_calloc(shm, wanted, size);
	if (!grown)
		return NULL;
	if (n)
		memcpy(grown, list, n * size);
	weir_shm_free(shm, list);
	*cap = wanted;
	return grown;
}

static struct weir_pair *add_pair(struct weir_metrics *m, struct weir_chain_metrics *c,
				  struct weir_target_metrics *target)
{
	void *grown = grow(m->shm, c->pairs, c->pairs_n, &c->pairs_cap, WEIR_METRICS_PAIRS_MAX,
			   sizeof *c->pairs);

	if (!grown)
		return NULL;
	c->pairs = grown;
	c->pairs[c->pairs_n] = (struct weir_pair){ .target = target };
	return &c->pairs[c->pairs_n++];
}

struct weir_pair *weir_metrics_pair(struct weir_metrics *m, struct weir_chain_metrics *c,
				    struct weir_target_metrics *target)
{
	struct weir_pair *pair;

	for (unsigned i = 0; i < c->pairs_n; i++)
		if (c->pairs[i].target == target)
			return &c->pairs[i];
	if (!target)
		return NULL;
	begin_change(m);
	pair = add_pair(m, c, target);
	end_change(m);
	return pair;
}

static struct weir_fallback_series *add_move(struct weir_metrics *m, struct weir_chain_metrics *c,
					     struct weir_target_metrics *from,
					     struct weir_target_metrics *to)
{
	void *grown = grow(m->shm, c->fallbacks, c->fallbacks_n, &c->fallbacks_cap,
			   WEIR_METRICS_PAIRS_MAX, sizeof *c->fallbacks);

	if (!grown)
		return NULL;
	c->fallbacks = grown;
	c->fallbacks[c->fallbacks_n] = (struct weir_fallback_series){ .from = from, .to = to };
	return &c->fallbacks[c->fallbacks_n++];
}

struct weir_fallback_series *weir_metrics_move(struct weir_metrics *m, struct weir_chain_metrics *c,
					       struct weir_target_metrics *from,
					       struct weir_target_metrics *to)
{
	struct weir_fallback_series *series;

	for (unsigned i = 0; i < c->fallbacks_n; i++)
		if (c->fallbacks[i].from == from && c->fallbacks[i].to == to)
			return &c->fallbacks[i];
	if (!from || !to)
		return NULL;
	begin_change(m);
	series = add_move(m, c, from, to);
	end_change(m);
	return series;
}

static void chain_free(struct weir_metrics *m, struct weir_chain_metrics *c)
{
	weir_shm_free(m->shm, c->pairs);
	weir_shm_free(m->shm, c->fallbacks);
	weir_shm_free(m->shm, c->name);
	weir_shm_free(m->shm, c);
}

static struct weir_chain_metrics *add_chain(struct weir_metrics *m, const char *name)
{
	struct weir_chain_metrics *c;
	void *grown = grow(m->shm, m->chains, m->chains_n, &m->chains_cap, UINT32_MAX,
			   sizeof(struct weir_chain_metrics *));

	if (!grown)
		return NULL;
	m->chains = grown;
	c = weir_shm_calloc(m->shm, 1, sizeof *c);
	if (!c)
		return NULL;
	c->references = 1;
	c->name = weir_shm_strndup(m->shm, name, strlen(name));
	if (!c->name) {
		chain_free(m, c);
		return NULL;
	}
	histogram_init(&c->request_seconds, duration_bounds, WEIR_COUNT_OF(duration_bounds));
	histogram_init(&c->first_token_seconds, token_bounds, WEIR_COUNT_OF(token_bounds));
	m->chains[m->chains_n++] = c;
	return c;
}

struct weir_chain_metrics *weir_metrics_chain(struct weir_metrics *m, const char *name)
{
	struct weir_chain_metrics *c;

	for (unsigned i = 0; i < m->chains_n; i++) {
		if (strcmp(m->chains[i]->name, name) != 0)
			continue;
		m->chains[i]->references++;
		return m->chains[i];
	}
	begin_change(m);
	c = add_chain(m, name);
	end_change(m);
	return c;
}

static void target_free(struct weir_metrics *m, struct weir_target_metrics *t)
{
	weir_free(t->failures);
	weir_shm_free(m->shm, t->id);
	weir_shm_free(m->shm, t);
}

static struct weir_target_metrics *add_target(struct weir_metrics *m, const char *id)
{
	struct weir_target_metrics *t;
	void *grown = grow(m->shm, m->targets, m->targets_n, &m->targets_cap, UINT32_MAX,
			   sizeof(struct weir_target_metrics *));

	if (!grown)
		return NULL;
	m->targets = grown;
	t = weir_shm_calloc(m->shm, 1, sizeof *t);
	if (!t)
		return NULL;
	t->references = 1;
	t->place = m->targets_n;
	t->id = weir_shm_strndup(m->shm, id, strlen(id));
	if (!t->id) {
		target_free(m, t);
		return NULL;
	}
	histogram_init(&t->attempt_seconds, duration_bounds, WEIR_COUNT_OF(duration_bounds));
	m->targets[m->targets_n++] = t;
	return t;
}

struct weir_target_metrics *weir_metrics_target(struct weir_metrics *m, const char *id)
{
	struct weir_target_metrics *t;

	for (unsigned i = 0; i < m->targets_n; i++) {
		if (strcmp(m->targets[i]->id, id) != 0)
			continue;
		m->targets[i]->references++;
		return m->targets[i];
	}
	begin_change(m);
	t = add_target(m, id);
	end_change(m);
	return t;
}

static unsigned vanished(const struct weir_metrics *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < m->chains_n; i++)
		n += m->chains[i]->references == 0;
	for (unsigned i = 0; i < m->targets_n; i++)
		n += m->targets[i]->references == 0;
	return n;
}

/* Of a chain that stays, what speaks of targets that do not. */
static void forget_moves(struct weir_chain_metrics *c)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < c->pairs_n; i++)
		if (c->pairs[i].target->references)
			c->pairs[kept++] = c->pairs[i];
	c->pairs_n = kept;
	kept = 0;
	for (unsigned i = 0; i < c->fallbacks_n; i++)
		if (c->fallbacks[i].from->references && c->fallbacks[i].to->references)
			c->fallbacks[kept++] = c->fallbacks[i];
	c->fallbacks_n = kept;
}

static void tidy(struct weir_metrics *m)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < m->chains_n; i++) {
		if (m->chains[i]->references) {
			forget_moves(m->chains[i]);
			m->chains[kept++] = m->chains[i];
		} else {
			chain_free(m, m->chains[i]);
		}
	}
	m->chains_n = kept;
	kept = 0;
	for (unsigned i = 0; i < m->targets_n; i++) {
		if (m->targets[i]->references) {
			m->targets[i]->place = kept;
			m->targets[kept++] = m->targets[i];
		} else {
			target_free(m, m->targets[i]);
		}
	}
	m->targets_n = kept;
}

void weir_metrics_tidy(struct weir_metrics *m)
{
	if (vanished(m) <= WEIR_METRICS_VANISHED_MAX)
		return;
	begin_change(m);
	tidy(m);
	end_change(m);
}

static struct weir_metrics *make(struct weir_shm *shm)
{
	struct weir_metrics *m = weir_shm_calloc(shm, 1, sizeof *m);

	if (!m)
		return NULL;
	m->shm = shm;
	m->manned = shm != NULL;
	histogram_init(&m->overhead_seconds, overhead_bounds, WEIR_COUNT_OF(overhead_bounds));
	histogram_init(&m->turn_seconds, turn_bounds, WEIR_COUNT_OF(turn_bounds));
	m->began_unix_s = (uint64_t)time(NULL);
	return m;
}

/* What a process had, rather than counted. */
static void let_go(struct weir_metrics *m)
{
	m->manned = false;
	m->inflight = m->clients = m->waiting = m->snapshots = m->readers = 0;
	m->vitals.heap_blocks = 0;
	m->vitals.process.resident_bytes = m->vitals.process.fds_open = 0;
	m->vitals.process.fds_max = 0;
}

/* The pointers of one that is gone lead nowhere. */
static void take_over(struct weir_metrics *m)
{
	let_go(m);
	for (unsigned i = 0; i < m->chains_n; i++)
		m->chains[i]->references = 0;
	for (unsigned i = 0; i < m->targets_n; i++) {
		m->targets[i]->references = 0;
		m->targets[i]->failures = NULL;
	}
}

struct weir_metrics *weir_metrics_create(struct weir_shm *shm)
{
	struct weir_metrics *m;
	void **place;

	if (!shm)
		return make(NULL);
	weir_shm_enter(shm);
	place = weir_shm_place(shm, weir_shm_holder(shm));
	m = *place;
	if (m && !m->changing)
		take_over(m);
	else
		m = make(shm);
	if (m) {
		m->manned = true;
		*place = m;
	}
	weir_shm_leave(shm);
	return m;
}

void weir_metrics_forfeit(struct weir_shm *shm, unsigned holder)
{
	struct weir_metrics *m = *weir_shm_place(shm, holder);

	if (m)
		let_go(m);
}

/* What others look into stays where it is. */
static void leave(struct weir_metrics *m)
{
	for (unsigned i = 0; i < m->targets_n; i++) {
		weir_free(m->targets[i]->failures);
		m->targets[i]->failures = NULL;
	}
	weir_shm_enter(m->shm);
	let_go(m);
	weir_shm_leave(m->shm);
}

void weir_metrics_destroy(struct weir_metrics *m)
{
	if (!m)
		return;
	if (m->shm) {
		leave(m);
		return;
	}
	for (unsigned i = 0; i < m->chains_n; i++)
		chain_free(m, m->chains[i]);
	for (unsigned i = 0; i < m->targets_n; i++)
		target_free(m, m->targets[i]);
	weir_free(m->chains);
	weir_free(m->targets);
	weir_free(m);
}
