#include <stdarg.h>
#include <stdio.h>

#include "config/value.h"
#include "core/metrics_private.h"
#include "weir.h"

/* One failure spoils the whole text; so it is kept, and checked once at the end. */
struct text {
	struct weir_buf *out;
	int rc;
};

WEIR_PRINTF(2, 3) static void put(struct text *t, const char *format, ...)
{
	char line[2048];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(line, sizeof line, format, ap);
	va_end(ap);
	if (t->rc == 0 && n > 0)
		t->rc = weir_buf_append(t->out, line,
					(size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}

static void put_family(struct text *t, const char *name, const char *type, const char *help)
{
	put(t, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A label's value, escaped as the exposition format wants it; lives until the next two. */
static const char *label(const char *value)
{
	static char ring[4][1024];
	static unsigned next;
	char *out = ring[next++ % 4];
	size_t n = 0;

	for (; *value && n + 3 < sizeof ring[0]; value++) {
		if (*value == '"' || *value == '\\' || *value == '\n')
			out[n++] = '\\';
		out[n++] = *value == '\n' ? 'n' : *value;
	}
	out[n] = '\0';
	return out;
}

static void put_histogram(struct text *t, const char *name, const char *labels,
			  const struct weir_histogram *h)
{
	const char *comma = *labels ? "," : "";
	uint64_t below = 0;

	for (unsigned i = 0; i < h->bounds_n; i++) {
		below += h->counts[i];
		put(t, "%s_bucket{%s%sle=\"%g\"} %llu\n", name, labels, comma, h->bounds_s[i],
		    (unsigned long long)below);
	}
	put(t, "%s_bucket{%s%sle=\"+Inf\"} %llu\n", name, labels, comma,
	    (unsigned long long)h->count);
	put(t, *labels ? "%s_sum{%s} %.9g\n" : "%s_sum%s %.9g\n", name, labels, h->sum_s);
	put(t, *labels ? "%s_count{%s} %llu\n" : "%s_count%s %llu\n", name, labels,
	    (unsigned long long)h->count);
}

static void put_requests(struct text *t, const struct weir_metrics *m)
{
	put_family(t, "weir_requests_total", "counter", "Requests that ended, by outcome.");
	for (unsigned c = 0; c < m->chains_n; c++)
		for (unsigned o = 0; o < WEIR_REQUEST_OUTCOME_N; o++)
			put(t, "weir_requests_total{chain=\"%s\",outcome=\"%s\"} %llu\n",
			    label(m->chains[c]->name),
			    weir_request_outcome_name((enum weir_request_outcome)o),
			    (unsigned long long)m->chains[c]->requests[o]);
}

static void put_attempts(struct text *t, const struct weir_metrics *m)
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

static void put_fallbacks(struct text *t, const struct weir_metrics *m)
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

/* One series per target and key. */
typedef void put_health(struct text *t, const char *name, const struct weir_health *h);

static void put_each(struct text *t, const struct weir_standing *now, put_health *put_one)
{
	for (unsigned i = 0; i < now->config->targets_n; i++) {
		const struct weir_target *target = now->config->targets[i];
		unsigned keys = target->provider->keys_n ? target->provider->keys_n : 1;

		for (unsigned k = 0; k < keys; k++) {
			const struct weir_health *h = weir_board_health(now->board, target, k);
			char name[2 * WEIR_NAME_MAX + 16];

			weir_target_name(target, k, name, sizeof name);
			if (h)
				put_one(t, label(name), h);
		}
	}
}

static void put_inflight(struct text *t, const char *name, const struct weir_health *h)
{
	put(t, "weir_inflight_attempts{target=\"%s\"} %u\n", name, h->inflight);
}

static void put_breaker(struct text *t, const char *name, const struct weir_health *h)
{
	for (unsigned s = 0; s < WEIR_BREAKER_N; s++)
		put(t, "weir_breaker_state{target=\"%s\",state=\"%s\"} %d\n", name,
		    weir_breaker_state_name((enum weir_breaker_state)s), h->breaker.state == s);
}

static void put_targets(struct text *t, const struct weir_standing *now)
{
	put_family(t, "weir_inflight_attempts", "gauge", "Upstream calls under way.");
	put_each(t, now, put_inflight);
	put_family(t, "weir_breaker_state", "gauge", "1 for the state a target's breaker is in.");
	put_each(t, now, put_breaker);
}

/* The next target that has counters; NULL: there are no more. */
static const struct weir_target_metrics *next_target(const struct weir_metrics *m, unsigned *i)
{
	return *i < m->targets_n ? m->targets[(*i)++] : NULL;
}

static void put_tokens(struct text *t, const struct weir_metrics *m)
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

static void put_costs(struct text *t, const struct weir_metrics *m)
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

static void put_wasted(struct text *t, const struct weir_metrics *m)
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

/* What is opted in, and what a full house does. */
static void put_extras(struct text *t, const struct weir_metrics *m)
{
	put_family(t, "weir_hedges_total", "counter", "Second attempts, begun and won.");
	put(t, "weir_hedges_total{result=\"begun\"} %llu\n", (unsigned long long)m->hedges);
	put(t, "weir_hedges_total{result=\"won\"} %llu\n", (unsigned long long)m->hedges_won);
	put_family(t, "weir_streams_resumed_total", "counter",
		   "Cut streams that were gone on from at another target.");
	put(t, "weir_streams_resumed_total %llu\n", (unsigned long long)m->resumed);
	put_family(t, "weir_queue_length", "gauge", "Requests that wait for room at a target.");
	put(t, "weir_queue_length %u\n", m->waiting);
	put_family(t, "weir_queued_total", "counter", "Requests that had to wait for room.");
	put(t, "weir_queued_total %llu\n", (unsigned long long)m->queued);
}

static void put_chain_histograms(struct text *t, const struct weir_metrics *m)
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
static void put_losses(struct text *t, const struct weir_metrics *m,
		       const struct weir_standing *now)
{
	put_family(t, "weir_log_dropped_total", "counter",
		   "Log lines lost, because their pipe or disk took no more.");
	put(t, "weir_log_dropped_total %llu\n", (unsigned long long)now->log_dropped);
	put_family(t, "weir_event_readers", "gauge", "Connections that read /events.");
	put(t, "weir_event_readers %u\n", m->readers);
	put_family(t, "weir_event_readers_dropped_total", "counter",
		   "Readers of /events that were let go, because they read too slowly.");
	put(t, "weir_event_readers_dropped_total %llu\n", (unsigned long long)m->readers_dropped);
}

static void put_rest(struct text *t, const struct weir_metrics *m)
{
	put_family(t, "weir_overhead_seconds", "histogram",
		   "Our own time per request: all of it but the waiting for providers.");
	put_histogram(t, "weir_overhead_seconds", "", &m->overhead_seconds);
	put_family(t, "weir_inflight_requests", "gauge", "Requests under way.");
	put(t, "weir_inflight_requests %u\n", m->inflight);
	put_family(t, "weir_client_connections", "gauge", "Callers' connections open.");
	put(t, "weir_client_connections %u\n", m->clients);
	put_family(t, "weir_client_connections_total", "counter", "Callers' connections so far.");
	put(t, "weir_client_connections_total %llu\n", (unsigned long long)m->clients_total);
	put_family(t, "weir_stream_events_dropped_total", "counter",
		   "Single stream events that were not JSON and were not passed on.");
	put(t, "weir_stream_events_dropped_total %llu\n", (unsigned long long)m->events_dropped);
	put_family(t, "weir_series_lost_total", "counter",
		   "Events of series beyond the bound, counted nowhere else.");
	put(t, "weir_series_lost_total %llu\n", (unsigned long long)m->series_lost);
	put_family(t, "weir_build_info", "gauge", "The version, as a label.");
	put(t, "weir_build_info{version=\"%s\"} 1\n", label(weir_version()));
}

/* The configuration: as it is, and whether it could be renewed. */
static void put_reloads(struct text *t, const struct weir_metrics *m)
{
	put_family(t, "weir_config_generation", "gauge", "Configurations that came into force.");
	put(t, "weir_config_generation %u\n", m->generation);
	put_family(t, "weir_config_last_reload_successful", "gauge",
		   "0 when the configuration that was offered last was refused.");
	put(t, "weir_config_last_reload_successful %d\n", m->reload_ok);
	put_family(t, "weir_config_last_reload_success_timestamp_seconds", "gauge",
		   "When the present one came into force.");
	put(t, "weir_config_last_reload_success_timestamp_seconds %llu\n",
	    (unsigned long long)m->loaded_unix_s);
	put_family(t, "weir_config_reloads_total", "counter", "Reloads, by their result.");
	put(t, "weir_config_reloads_total{result=\"ok\"} %llu\n", (unsigned long long)m->reloads);
	put(t, "weir_config_reloads_total{result=\"failed\"} %llu\n",
	    (unsigned long long)m->reloads_failed);
	put_family(t, "weir_config_snapshots", "gauge",
		   "The present configuration, and former ones that requests still go by.");
	put(t, "weir_config_snapshots %u\n", m->snapshots);
}

int weir_metrics_text(const struct weir_metrics *m, const struct weir_standing *now,
		      struct weir_buf *out)
{
	struct text t = { out, 0 };

	put_requests(&t, m);
	put_attempts(&t, m);
	put_fallbacks(&t, m);
	put_targets(&t, now);
	put_tokens(&t, m);
	put_costs(&t, m);
	put_wasted(&t, m);
	put_extras(&t, m);
	put_chain_histograms(&t, m);
	put_reloads(&t, m);
	put_losses(&t, m, now);
	put_rest(&t, m);
	return t.rc;
}
