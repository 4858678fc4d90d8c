/* The counters of all processes that are one proxy, as if one had counted. */
#include "base/assert.h"
#include "base/sum.h"
#include "core/metrics_private.h"

static void add(uint64_t *to, const uint64_t *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = weir_sum(to[i], from[i]);
}

static void add_small(uint32_t *to, const uint32_t *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] += from[i];
}

static void add_histogram(struct weir_histogram *to, const struct weir_histogram *from)
{
	add(to->counts, from->counts, WEIR_COUNT_OF(to->counts));
	add(&to->count, &from->count, 1);
	to->sum_s += from->sum_s;
	for (size_t i = 0; i < WEIR_COUNT_OF(to->exemplars); i++)
		if (from->exemplars[i].unix_s >= to->exemplars[i].unix_s)
			to->exemplars[i] = from->exemplars[i];
}

static void add_track(struct weir_track *to, const struct weir_track *from)
{
	add(&to->total, &from->total, 1);
	add_small(to->buckets, from->buckets, WEIR_TRACK_BUCKETS);
}

/* Processes have most of them in the same place. */
static struct weir_target_metrics *target_like(struct weir_metrics *sum,
					       const struct weir_target_metrics *t)
{
	return t->place < sum->targets_n && strcmp(sum->targets[t->place]->id, t->id) == 0
		       ? sum->targets[t->place]
		       : weir_metrics_target(sum, t->id);
}

static bool add_target(struct weir_metrics *sum, const struct weir_target_metrics *from)
{
	struct weir_target_metrics *to = target_like(sum, from);

	if (!to)
		return false;
	add(&to->tokens_in, &from->tokens_in, 1);
	add(&to->tokens_out, &from->tokens_out, 1);
	add(&to->tokens_cached, &from->tokens_cached, 1);
	add(to->cost_states, from->cost_states, WEIR_COST_STATE_N);
	add(&to->tokens_wasted, &from->tokens_wasted, 1);
	add(&to->wasted_nano, &from->wasted_nano, 1);
	add(&to->retries, &from->retries, 1);
	add(to->connects, from->connects, WEIR_COUNT_OF(to->connects));
	add_histogram(&to->attempt_seconds, &from->attempt_seconds);
	return true;
}

static bool add_pair(struct weir_metrics *sum, struct weir_chain_metrics *chain,
		     const struct weir_pair *from)
{
	struct weir_pair *to = weir_metrics_pair(sum, chain, target_like(sum, from->target));

	if (!to)
		return false;
	add(to->attempts, from->attempts, WEIR_OUT_N);
	add(&to->cost_nano, &from->cost_nano, 1);
	add_track(&to->served_track, &from->served_track);
	return true;
}

static bool add_move(struct weir_metrics *sum, struct weir_chain_metrics *chain,
		     const struct weir_fallback_series *from)
{
	struct weir_fallback_series *to = weir_metrics_move(
		sum, chain, target_like(sum, from->from), target_like(sum, from->to));

	if (!to)
		return false;
	add(to->counts, from->counts, WEIR_FALLBACK_CLASS_N);
	return true;
}

static bool add_chain(struct weir_metrics *sum, unsigned place,
		      const struct weir_chain_metrics *from)
{
	struct weir_chain_metrics *to = place < sum->chains_n && strcmp(sum->chains[place]->name,
									from->name) == 0
						? sum->chains[place]
						: weir_metrics_chain(sum, from->name);
	bool ok = to != NULL;

	if (!ok)
		return false;
	add(to->requests, from->requests, WEIR_REQUEST_OUTCOME_N);
	add(to->exhausted, from->exhausted, WEIR_FINAL_N);
	add_histogram(&to->request_seconds, &from->request_seconds);
	add_histogram(&to->first_token_seconds, &from->first_token_seconds);
	add_track(&to->track, &from->track);
	add_track(&to->moved_track, &from->moved_track);
	add_track(&to->failed_track, &from->failed_track);
	add(to->tokens_seen, from->tokens_seen, WEIR_COUNT_OF(to->tokens_seen));
	for (unsigned i = 0; i < WEIR_TOKEN_WINDOWS; i++)
		add_small(to->token_window[i], from->token_window[i],
			  WEIR_COUNT_OF(to->token_window[i]));
	for (unsigned i = 0; i < from->pairs_n && ok; i++)
		ok = add_pair(sum, to, &from->pairs[i]);
	for (unsigned i = 0; i < from->fallbacks_n && ok; i++)
		ok = add_move(sum, to, &from->fallbacks[i]);
	return ok;
}

static void add_totals(struct weir_metrics *sum, const struct weir_metrics *from)
{
	add_histogram(&sum->overhead_seconds, &from->overhead_seconds);
	add_histogram(&sum->turn_seconds, &from->turn_seconds);
	sum->inflight += from->inflight;
	sum->clients += from->clients;
	sum->waiting += from->waiting;
	sum->readers += from->readers;
	add(sum->rejected, from->rejected, WEIR_REJECTION_N);
	add(&sum->body_bytes, &from->body_bytes, 1);
	if (from->memory_used > sum->memory_used)
		sum->memory_used = from->memory_used; /* they look at the same */
	add(&sum->requests, &from->requests, 1);
	add(&sum->clients_total, &from->clients_total, 1);
	add(&sum->fallbacks, &from->fallbacks, 1);
	add(&sum->errors, &from->errors, 1);
	add(&sum->events_dropped, &from->events_dropped, 1);
	add(&sum->series_lost, &from->series_lost, 1);
	add(&sum->hedges, &from->hedges, 1);
	add(&sum->hedges_won, &from->hedges_won, 1);
	add(&sum->resumed, &from->resumed, 1);
	add(&sum->queued, &from->queued, 1);
	add(&sum->readers_dropped, &from->readers_dropped, 1);
	sum->vitals.process.cpu_s += from->vitals.process.cpu_s;
	add(&sum->vitals.process.resident_bytes, &from->vitals.process.resident_bytes, 1);
	add(&sum->vitals.process.fds_open, &from->vitals.process.fds_open, 1);
	add(&sum->vitals.process.fds_max, &from->vitals.process.fds_max, 1);
	add(&sum->vitals.heap_blocks, &from->vitals.heap_blocks, 1);
	add(&sum->vitals.heap_calls, &from->vitals.heap_calls, 1);
	add(&sum->vitals.log_dropped, &from->vitals.log_dropped, 1);
	add(&sum->vitals.spans.exported, &from->vitals.spans.exported, 1);
	add(&sum->vitals.spans.dropped, &from->vitals.spans.dropped, 1);
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* A reload is one, though each process does it; one that began anew has missed some. */
static void add_process(struct weir_metrics *sum, const struct weir_metrics *from)
{
	sum->reload_ok = from->reload_ok && (sum->reload_ok || !sum->manned);
	sum->snapshots = (unsigned)later(sum->snapshots, from->snapshots);
	sum->generation = (unsigned)later(sum->generation, from->generation);
	sum->reloads = later(sum->reloads, from->reloads);
	sum->reloads_failed = later(sum->reloads_failed, from->reloads_failed);
	sum->loaded_unix_s = later(sum->loaded_unix_s, from->loaded_unix_s);
	if (from->began_unix_s < sum->began_unix_s)
		sum->began_unix_s = from->began_unix_s;
	sum->manned = true;
}

static bool add_all(struct weir_metrics *sum, const struct weir_metrics *from)
{
	bool ok = true;

	for (unsigned i = 0; i < from->targets_n && ok; i++)
		ok = add_target(sum, from->targets[i]);
	for (unsigned i = 0; i < from->chains_n && ok; i++)
		ok = add_chain(sum, i, from->chains[i]);
	add_totals(sum, from);
	if (from->manned)
		add_process(sum, from);
	return ok;
}

struct weir_metrics *weir_metrics_sum(struct weir_shm *shm)
{
	struct weir_metrics *sum = weir_metrics_create(NULL);
	bool ok = sum != NULL;

	weir_shm_enter(shm);
	for (unsigned i = 0; i < weir_shm_holders(shm) && ok; i++) {
		const struct weir_metrics *one = *weir_shm_place(shm, i);

		if (one && !one->changing)
			ok = add_all(sum, one);
	}
	weir_shm_leave(shm);
	if (ok)
		return sum;
	weir_metrics_destroy(sum);
	return NULL;
}
