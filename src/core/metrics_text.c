#include <stdio.h>

#include "base/alloc.h"
#include "config/value.h"
#include "core/callers.h"
#include "core/metrics_pen.h"
#include "core/metrics_private.h"
#include "core/process.h"
#include "net/versions.h"
#include "weir.h"

#define put           weir_metrics_put
#define put_family    weir_metrics_put_family
#define put_histogram weir_metrics_put_histogram
#define put_counter   weir_metrics_put_counter
#define put_gauge     weir_metrics_put_gauge
#define label         weir_metrics_label

static void put_requests(struct weir_metrics_pen *t, const struct weir_metrics *m)
{
	put_family(t, "weir_requests_total", "counter", "Requests that ended, by outcome.");
	for (unsigned c = 0; c < m->chains_n; c++)
		for (unsigned o = 0; o < WEIR_REQUEST_OUTCOME_N; o++)
			put(t, "weir_requests_total{chain=\"%s\",outcome=\"%s\"} %llu\n",
			    label(m->chains[c]->name),
			    weir_request_outcome_name((enum weir_request_outcome)o),
			    (unsigned long long)m->chains[c]->requests[o]);
}

static void put_exhausted(struct weir_metrics_pen *t, const struct weir_metrics *m)
{
	put_family(t, "weir_exhausted_total", "counter",
		   "Requests that no target could answer, by the code that their callers were "
		   "told; own: a provider's own answer.");
	for (unsigned c = 0; c < m->chains_n; c++)
		for (unsigned f = WEIR_FINAL_OWN; f < WEIR_FINAL_N; f++) {
			const struct weir_final_row *row = weir_final_row((enum weir_final)f);

			put(t, "weir_exhausted_total{chain=\"%s\",code=\"%s\"} %llu\n",
			    label(m->chains[c]->name), row->code ? row->code : row->name,
			    (unsigned long long)m->chains[c]->exhausted[f]);
		}
}

static void put_attempts(struct weir_metrics_pen *t, const struct weir_metrics *m)
{
	put_family(t, "weir_attempts_total", "counter", "Upstream calls that ended, by class.");
	for (unsigned c = 0; c < m->chains_n; c++)
		for (unsigned p = 0; p < m->chains[c]->pairs_n; p++)
			for (unsigned o = 0; o < WEIR_OUT_N; o++)
				put(t,
				    "weir_attempts_total{chain=\"%s\",target=\"%s\",class=\"%s\"} "
				    "%llu\n",
				    label(m->chains[c]->name),
				    label(m->chains[c]->pairs[p].target->id),
				    weir_outcome_name((enum weir_outcome)o),
				    (unsigned long long)m->chains[c]->pairs[p].attempts[o]);
}

static bool may_fall_back(unsigned fallback_class)
{
	return fallback_class != WEIR_OUT_OK && fallback_class != WEIR_OUT_HANGUP;
}

static void put_fallbacks(struct weir_metrics_pen *t, const struct weir_metrics *m)
{
	put_family(t, "weir_fallbacks_total", "counter",
		   "Moves to another target, by why the one before was left.");
	for (unsigned c = 0; c < m->chains_n; c++)
		for (unsigned f = 0; f < m->chains[c]->fallbacks_n; f++)
			for (unsigned k = 0; k < WEIR_FALLBACK_CLASS_N; k++)
				if (may_fall_back(k))
					put(t,
					    "weir_fallbacks_total{chain=\"%s\",from=\"%s\","
					    "to=\"%s\",class=\"%s\"} %llu\n",
					    label(m->chains[c]->name),
					    label(m->chains[c]->fallbacks[f].from->id),
					    label(m->chains[c]->fallbacks[f].to->id),
					    weir_fallback_class_name(k),
					    (unsigned long long)m->chains[c]
						    ->fallbacks[f]
						    .counts[k]);
}

/* The next target that has counters; NULL: there are no more. */
static const struct weir_target_metrics *next_target(const struct weir_metrics *m, unsigned *i)
{
	return *i < m->targets_n ? m->targets[(*i)++] : NULL;
}

static void put_tokens(struct weir_metrics_pen *t, const struct weir_metrics *m)
{
	const struct weir_target_metrics *of;

	put_family(t, "weir_tokens_total", "counter",
		   "Tokens of answers, as the providers counted them; cached ones are input too.");
	for (unsigned i = 0; (of = next_target(m, &i));) {
		const uint64_t counts[] = { of->tokens_in, of->tokens_out, of->tokens_cached };
		static const char *const types[] = { "input", "output", "cached" };

		for (size_t k = 0; k < WEIR_COUNT_OF(types); k++)
			put(t, "weir_tokens_total{target=\"%s\",type=\"%s\"} %llu\n", label(of->id),
			    types[k], (unsigned long long)counts[k]);
	}
}

/* Exact: a double would lose the small ones beside the sum. */
static const char *dollars(uint64_t nano)
{
	static char text[32];

	weir_value_print_dollars(nano, text, sizeof text);
	return text;
}

static void put_costs(struct weir_metrics_pen *t, const struct weir_metrics *m)
{
	static const char *const reasons[] = { NULL, "no_usage", "no_price", "cut" };
	const struct weir_target_metrics *of;

	_Static_assert(WEIR_COUNT_OF(reasons) == WEIR_COST_STATE_N, "one each");
	put_family(t, "weir_cost_usd_total", "counter",
		   "Dollars of answers, where their provider counted and the price is known.");
	for (unsigned c = 0; c < m->chains_n; c++)
		for (unsigned p = 0; p < m->chains[c]->pairs_n; p++)
			put(t, "weir_cost_usd_total{chain=\"%s\",target=\"%s\"} %s\n",
			    label(m->chains[c]->name), label(m->chains[c]->pairs[p].target->id),
			    dollars(m->chains[c]->pairs[p].cost_nano));
	put_family(t, "weir_cost_unknown_total", "counter", "Answers whose cost is not known.");
	for (unsigned i = 0; (of = next_target(m, &i));)
		for (unsigned s = WEIR_COST_KNOWN + 1; s < WEIR_COST_STATE_N; s++)
			put(t, "weir_cost_unknown_total{target=\"%s\",reason=\"%s\"} %llu\n",
			    label(of->id), reasons[s], (unsigned long long)of->cost_states[s]);
}

static void put_wasted(struct weir_metrics_pen *t, const struct weir_metrics *m)
{
	const struct weir_target_metrics *of;

	put_family(t, "weir_wasted_tokens_total", "counter",
		   "Tokens of attempts that came to nothing: as counted by their provider, else "
		   "the prompt by its size.");
	for (unsigned i = 0; (of = next_target(m, &i));)
		put(t, "weir_wasted_tokens_total{target=\"%s\"} %llu\n", label(of->id),
		    (unsigned long long)of->tokens_wasted);
	put_family(t, "weir_wasted_cost_usd_total", "counter",
		   "About the dollars of these, where the price is known.");
	for (unsigned i = 0; (of = next_target(m, &i));)
		put(t, "weir_wasted_cost_usd_total{target=\"%s\"} %s\n", label(of->id),
		    dollars(of->wasted_nano));
}

static void put_efforts(struct weir_metrics_pen *t, const struct weir_metrics *m)
{
	const struct weir_target_metrics *of;
	char labels[1100];

	put_family(t, "weir_retries_total", "counter",
		   "Further tries in place, at the same target.");
	for (unsigned i = 0; (of = next_target(m, &i));)
		put(t, "weir_retries_total{target=\"%s\"} %llu\n", label(of->id),
		    (unsigned long long)of->retries);
	put_family(t, "weir_upstream_connects_total", "counter",
		   "Attempts that had a connection, a new one or one that was there already.");
	for (unsigned i = 0; (of = next_target(m, &i));)
		for (unsigned r = 0; r < WEIR_COUNT_OF(of->connects); r++)
			put(t, "weir_upstream_connects_total{target=\"%s\",reused=\"%s\"} %llu\n",
			    label(of->id), r ? "true" : "false",
			    (unsigned long long)of->connects[r]);
	put_family(t, "weir_attempt_duration_seconds", "histogram",
		   "From an attempt's beginning to its end; of streams, too.");
	for (unsigned i = 0; (of = next_target(m, &i));) {
		snprintf(labels, sizeof labels, "target=\"%s\"", label(of->id));
		put_histogram(t, "weir_attempt_duration_seconds", labels, &of->attempt_seconds);
	}
}

/* What is opted in, and what a full house does. */
static void put_extras(struct weir_metrics_pen *t, const struct weir_metrics *m)
{
	put_family(t, "weir_hedges_total", "counter", "Second attempts, begun and won.");
	put(t, "weir_hedges_total{result=\"begun\"} %llu\n", (unsigned long long)m->hedges);
	put(t, "weir_hedges_total{result=\"won\"} %llu\n", (unsigned long long)m->hedges_won);
	put_counter(t, "weir_streams_resumed_total",
		    "Cut streams that were gone on from at another target.", m->resumed);
	put_gauge(t, "weir_queue_length", "Requests that wait for room at a target.", m->waiting);
	put_counter(t, "weir_queued_total", "Requests that had to wait for room.", m->queued);
}

/* What weir itself can bear, and whom it refused over it. */
static void put_burdens(struct weir_metrics_pen *t, const struct weir_metrics *m)
{
	static const char *const reasons[WEIR_REJECTION_N] = { "address", "bodies", "lag",
							       "memory" };

	put_family(t, "weir_rejected_total", "counter",
		   "Connections (address) and requests that weir refused for its own sake.");
	for (unsigned i = 0; i < WEIR_REJECTION_N; i++)
		put(t, "weir_rejected_total{reason=\"%s\"} %llu\n", reasons[i],
		    (unsigned long long)m->rejected[i]);
	put_gauge(t, "weir_body_bytes", "What bodies of requests hold.", m->body_bytes);
	put_family(t, "weir_memory_used_ratio", "gauge",
		   "Of the memory that the cgroup may have, what is in use; 0: no limit is known.");
	put(t, "weir_memory_used_ratio %.3f\n", m->memory_used);
}

static void put_chain_histograms(struct weir_metrics_pen *t, const struct weir_metrics *m)
{
	char labels[1100];

	put_family(t, "weir_request_seconds", "histogram", "From a request's body to its end.");
	for (unsigned c = 0; c < m->chains_n; c++) {
		snprintf(labels, sizeof labels, "chain=\"%s\"", label(m->chains[c]->name));
		put_histogram(t, "weir_request_seconds", labels, &m->chains[c]->request_seconds);
	}
	put_family(t, "weir_first_token_seconds", "histogram",
		   "From a request's body to the first content shown.");
	for (unsigned c = 0; c < m->chains_n; c++) {
		snprintf(labels, sizeof labels, "chain=\"%s\"", label(m->chains[c]->name));
		put_histogram(t, "weir_first_token_seconds", labels,
			      &m->chains[c]->first_token_seconds);
	}
}

/* What is told of what happens, and did not get where it should. */
static void put_losses(struct weir_metrics_pen *t, const struct weir_metrics *m)
{
	put_counter(t, "weir_log_dropped_total",
		    "Log lines lost, because their pipe or disk took no more.",
		    m->vitals.log_dropped);
	put_family(t, "weir_otlp_exported_total", "counter", "What a collector has taken.");
	put(t, "weir_otlp_exported_total{signal=\"traces\"} %llu\n",
	    (unsigned long long)m->vitals.spans.exported);
	put_family(t, "weir_otlp_dropped_total", "counter",
		   "What no collector has taken, because it was away, too slow or unwilling.");
	put(t, "weir_otlp_dropped_total{signal=\"traces\"} %llu\n",
	    (unsigned long long)m->vitals.spans.dropped);
	put_gauge(t, "weir_event_readers", "Connections that read /events.", m->readers);
	put_counter(t, "weir_event_readers_dropped_total",
		    "Readers of /events that were let go, because they read too slowly.",
		    m->readers_dropped);
}

/* What is known in common with other machines. */
static void put_shared(struct weir_metrics_pen *t, const struct weir_shared_status *s)
{
	put_gauge(t, "weir_state_up",
		  "1: what weirs on several machines have in common is within reach.", s->up);
	put_family(t, "weir_state_rounds_total", "counter",
		   "Exchanges with where that is, by how they ended.");
	put(t, "weir_state_rounds_total{result=\"ok\"} %llu\n", (unsigned long long)s->rounds);
	put(t, "weir_state_rounds_total{result=\"failed\"} %llu\n",
	    (unsigned long long)s->failures);
	put_counter(t, "weir_state_ignored_total",
		    "What was found there and made no sense, or could not be.", s->ignored);
}

static void put_rest(struct weir_metrics_pen *t, const struct weir_metrics *m)
{
	put_family(t, "weir_overhead_seconds", "histogram",
		   "Our own time per request: all of it but the waiting for providers.");
	put_histogram(t, "weir_overhead_seconds", "", &m->overhead_seconds);
	put_family(t, "weir_loop_lag_seconds", "histogram",
		   "How long each turn of the event loop held up the others.");
	put_histogram(t, "weir_loop_lag_seconds", "", &m->turn_seconds);
	put_gauge(t, "weir_inflight_requests", "Requests under way.", m->inflight);
	put_gauge(t, "weir_client_connections", "Callers' connections open.", m->clients);
	put_counter(t, "weir_client_connects_total", "Callers' connections so far.",
		    m->clients_total);
	put_family(t, "weir_tls_handshakes_total", "counter",
		   "TLS handshakes of callers, by how they ended.");
	put(t, "weir_tls_handshakes_total{result=\"ok\"} %llu\n",
	    (unsigned long long)m->handshakes[true]);
	put(t, "weir_tls_handshakes_total{result=\"failed\"} %llu\n",
	    (unsigned long long)m->handshakes[false]);
	put_counter(t, "weir_stream_events_dropped_total",
		    "Single stream events that were not JSON and were not passed on.",
		    m->events_dropped);
	put_counter(t, "weir_series_lost_total",
		    "Events of series beyond the bound, counted nowhere else.", m->series_lost);
}

static void put_build(struct weir_metrics_pen *t)
{
	put_family(t, "weir_build_info", "info", "The versions, as labels.");
	put(t, "weir_build_info{version=\"%s\",libuv=\"%s\",mbedtls=\"%s\"} 1\n",
	    label(weir_version()), label(uv_version_string()), label(weir_net_mbedtls_version()));
}

/* The configuration: as it is, and whether it could be renewed. */
static void put_reloads(struct weir_metrics_pen *t, const struct weir_metrics *m)
{
	put_gauge(t, "weir_config_generation", "Configurations that came into force.",
		  m->generation);
	put_gauge(t, "weir_config_last_reload_successful",
		  "0 when the configuration that was offered last was refused.", m->reload_ok);
	put_gauge(t, "weir_config_last_reload_success_timestamp_seconds",
		  "When the present one came into force.", m->loaded_unix_s);
	put_family(t, "weir_config_reloads_total", "counter", "Reloads, by their result.");
	put(t, "weir_config_reloads_total{result=\"ok\"} %llu\n", (unsigned long long)m->reloads);
	put(t, "weir_config_reloads_total{result=\"failed\"} %llu\n",
	    (unsigned long long)m->reloads_failed);
	put_gauge(t, "weir_config_snapshots",
		  "The present configuration, and former ones that requests still go by.",
		  m->snapshots);
}

/* By the names that every scraper's user knows. */
static void put_process(struct weir_metrics_pen *t, const struct weir_metrics *m)
{
	struct weir_process p = m->vitals.process;

	put_family(t, "process_cpu_seconds_total", "counter", "User and system time.");
	put(t, "process_cpu_seconds_total %.6f\n", p.cpu_s);
	put_gauge(t, "process_resident_memory_bytes", "Memory in use.", p.resident_bytes);
	put_gauge(t, "weir_heap_blocks", "Blocks of memory in use.", m->vitals.heap_blocks);
	put_counter(t, "weir_heap_calls_total", "How often memory was asked for.",
		    m->vitals.heap_calls);
	if (p.fds_open)
		put_gauge(t, "process_open_fds", "Descriptors open.", p.fds_open);
	put_gauge(t, "process_max_fds", "How many may be.", p.fds_max);
	put_gauge(t, "process_start_time_seconds", "When it began.", m->began_unix_s);
}

int weir_metrics_text(const struct weir_metrics *m, const struct weir_standing *now,
		      struct weir_metrics_wish wish, struct weir_buf *out)
{
	struct weir_metrics_pen t = { .out = out, .open_metrics = wish.open_metrics };

	put_requests(&t, m);
	put_exhausted(&t, m);
	put_attempts(&t, m);
	put_fallbacks(&t, m);
	weir_metrics_put_targets(&t, now);
	put_tokens(&t, m);
	put_costs(&t, m);
	put_wasted(&t, m);
	weir_callers_put_metrics(&t, now);
	put_efforts(&t, m);
	put_extras(&t, m);
	put_burdens(&t, m);
	put_chain_histograms(&t, m);
	put_reloads(&t, m);
	put_losses(&t, m);
	put_shared(&t, &now->shared);
	put_rest(&t, m);
	put_build(&t);
	if (wish.process)
		put_process(&t, m);
	if (wish.open_metrics)
		put(&t, "# EOF\n");
	return t.rc;
}
