#include "core/status.h"

#include "config/value.h"
#include "core/callers.h"
#include "core/metrics_private.h"
#include "dialect/pen.h"
#include "weir.h"

static void put_known(struct weir_pen *pen, const char *key, bool known, uint64_t number)
{
	if (known)
		weir_put_number(pen, key, number);
	else
		weir_put_text(pen, key, NULL);
}

static void put_dollars(struct weir_pen *pen, const char *key, uint64_t nano)
{
	char text[32];

	weir_value_print_dollars(nano, text, sizeof text);
	weir_put(pen, key);
	weir_put(pen, text);
}

/* Of streams where there have been any, else of whole answers. */
static void put_latency(struct weir_pen *pen, const struct weir_health *h)
{
	const struct weir_latency *latency = &h->latency[h->latency[1].samples ? 1 : 0];
	uint64_t p50 = weir_latency_percentile_ms(latency, 50);
	uint64_t p99 = weir_latency_percentile_ms(latency, 99);

	put_known(pen, ",\"first_token_ms\":{\"p50\":", p50 != 0, p50);
	put_known(pen, ",\"p99\":", p99 != 0, p99);
	weir_put(pen, "}");
}

static void put_member(struct weir_pen *pen, const struct weir_standing *now,
		       const struct weir_chain *chain, const struct weir_member *member)
{
	const struct weir_target *target = now->config->targets[member->target];
	const struct weir_health *h = member->health;
	struct weir_stand s = weir_stand_of(h, chain->drift_percent, now->now_ms);
	unsigned cap = h->model->max_inflight;
	char id[2 * WEIR_NAME_MAX + 16];

	weir_target_name(target, member->key, id, sizeof id);
	weir_put_text(pen, "{\"target\":", id);
	weir_put_text(pen, ",\"model\":", target->id);
	weir_put_text(pen, ",\"state\":", weir_stand_name(s.state));
	weir_put_text(pen, ",\"reason\":", s.reason);
	put_known(pen, ",\"until_ms\":", s.until_known, s.until_ms);
	weir_put_text(pen, ",\"breaker\":", weir_breaker_state_name(h->breaker.state));
	weir_put_number(pen,
			",\"ramp_percent\":", weir_breaker_ramp_percent(&h->breaker, now->now_ms));
	weir_put_number(pen, ",\"inflight\":", h->inflight);
	put_known(pen, ",\"max_inflight\":", cap != 0, cap);
	weir_put_number(pen, ",\"attempts\":", h->attempts);
	weir_put_number(pen, ",\"failures\":", h->failures);
	put_latency(pen, h);
	weir_put(pen, "}");
}

static void put_steps(struct weir_pen *pen, const struct weir_standing *now,
		      const struct weir_chain *chain)
{
	weir_put(pen, ",\"steps\":[");
	for (unsigned i = 0; i < chain->steps_n; i++) {
		const struct weir_balancer *pool = weir_board_step(now->board, chain, i);

		weir_put(pen, i ? ",[" : "[");
		for (unsigned k = 0; k < pool->members_n; k++) {
			weir_put(pen, k ? "," : "");
			weir_shm_enter(now->shm);
			put_member(pen, now, chain, &pool->members[k]);
			weir_shm_leave(now->shm);
		}
		weir_put(pen, "]");
	}
	weir_put(pen, "]");
}

/* In milliseconds, as Prometheus reckons it: even within a bucket. */
static uint64_t percentile(const struct weir_histogram *h, const uint64_t *counts, uint64_t count,
			   double percent)
{
	double rank = (double)count * percent / 100, below = 0, from = 0;

	for (unsigned i = 0; i < h->bounds_n; i++) {
		double n = (double)counts[i];

		if (n > 0 && below + n >= rank)
			return (uint64_t)(1000 * (from +
						  (h->bounds_s[i] - from) * (rank - below) / n) +
					  0.5);
		below += n;
		from = h->bounds_s[i];
	}
	return (uint64_t)(1000 * from);
}

/* Of the last minute, of all these chains. */
static void put_first_tokens(struct weir_pen *pen, struct weir_chain_metrics *const *chains,
			     unsigned n)
{
	uint64_t counts[WEIR_HISTOGRAM_BUCKETS_MAX + 1] = { 0 }, count = 0;

	for (unsigned c = 0; c < n; c++)
		for (unsigned i = 0; i <= WEIR_HISTOGRAM_BUCKETS_MAX; i++) {
			uint64_t more = chains[c]->first_token_seconds.counts[i] -
					chains[c]->tokens_seen[i];

			for (unsigned w = 0; w < WEIR_TOKEN_WINDOWS; w++)
				more += chains[c]->token_window[w][i];
			counts[i] += more;
			count += more;
		}
	put_known(pen, ",\"first_token_ms\":{\"p50\":", count != 0,
		  n ? percentile(&chains[0]->first_token_seconds, counts, count, 50) : 0);
	put_known(pen, ",\"p99\":", count != 0,
		  n ? percentile(&chains[0]->first_token_seconds, counts, count, 99) : 0);
	weir_put(pen, "}");
}

/* A sum that has come to its end stays there. */
static void add(uint64_t *sum, uint64_t n)
{
	if (__builtin_add_overflow(*sum, n, sum))
		*sum = UINT64_MAX;
}

static void put_books(struct weir_pen *pen, struct weir_chain_metrics *c)
{
	uint64_t requests = 0, nano = 0;

	for (unsigned o = 0; o < WEIR_REQUEST_OUTCOME_N; o++)
		requests += c->requests[o];
	for (unsigned i = 0; i < c->pairs_n; i++)
		add(&nano, c->pairs[i].cost_nano);
	weir_put_number(pen, ",\"requests\":", requests);
	weir_put_number(pen, ",\"failed_over\":", c->requests[WEIR_REQUEST_FAILED_OVER]);
	weir_put_number(pen, ",\"failed\":", c->requests[WEIR_REQUEST_EXHAUSTED]);
	put_first_tokens(pen, &c, 1);
	put_dollars(pen, ",\"cost_usd\":", nano);
}

static void put_chain(struct weir_pen *pen, const struct weir_standing *now,
		      const struct weir_chain *chain)
{
	weir_put_text(pen, "{\"name\":", chain->name);
	put_books(pen, now->ledger->chains[chain->index]);
	put_steps(pen, now, chain);
	weir_put(pen, "}");
}

/* What is counted of a model at a provider, with whatever key and in whatever chain. */
static void put_model(struct weir_pen *pen, const struct weir_target_metrics *t)
{
	weir_put_text(pen, "{\"model\":", t->id);
	weir_put_number(pen, ",\"tokens_in\":", t->tokens_in);
	weir_put_number(pen, ",\"tokens_out\":", t->tokens_out);
	weir_put_number(pen, ",\"tokens_wasted\":", t->tokens_wasted);
	put_dollars(pen, ",\"cost_usd\":", t->all_nano);
	weir_put(pen, "}");
}

static void reckon_costs(const struct weir_metrics *m)
{
	for (unsigned i = 0; i < m->targets_n; i++)
		m->targets[i]->all_nano = 0;
	for (unsigned c = 0; c < m->chains_n; c++)
		for (unsigned p = 0; p < m->chains[c]->pairs_n; p++)
			add(&m->chains[c]->pairs[p].target->all_nano,
			    m->chains[c]->pairs[p].cost_nano);
}

static void put_models(struct weir_pen *pen, const struct weir_metrics *m,
		       const struct weir_ledger *ledger)
{
	const char *comma = "";

	reckon_costs(m);
	weir_put(pen, "],\"models\":[");
	for (unsigned i = 0; i < ledger->targets_n; i++) {
		if (!ledger->targets[i])
			continue;
		weir_put(pen, comma);
		put_model(pen, ledger->targets[i]);
		comma = ",";
	}
}

static void put_whole(struct weir_pen *pen, const struct weir_metrics *m,
		      const struct weir_standing *now)
{
	weir_put_text(pen, "{\"version\":", weir_version());
	weir_put_number(pen, ",\"uptime_s\":", now->uptime_s);
	weir_put_number(pen, ",\"generation\":", now->generation);
	weir_put(pen, now->draining ? ",\"draining\":true" : ",\"draining\":false");
	weir_put_number(pen, ",\"inflight\":", m->inflight);
	weir_put_number(pen, ",\"totals\":{\"requests\":", m->requests);
	weir_put_number(pen, ",\"fallbacks\":", m->fallbacks);
	weir_put_number(pen, ",\"errors\":", m->errors);
	weir_put_number(pen, "},\"time_ms\":", now->unix_ms);
	weir_put_number(pen, ",\"waiting\":", m->waiting);
	weir_put_number(pen, ",\"connections\":", m->clients);
	put_first_tokens(pen, m->chains, m->chains_n);
}

/* What is known in common with other machines. */
static void put_shared(struct weir_pen *pen, const struct weir_standing *now)
{
	const struct weir_shared_status *s = &now->shared;

	if (!s->address) {
		weir_put(pen, ",\"state\":null");
		return;
	}
	weir_put(pen, ",\"state\":{\"address\":");
	weir_put_json(pen, weir_slice_of(s->address));
	weir_put(pen, s->up ? ",\"up\":true" : ",\"up\":false");
	weir_put_number(pen, ",\"for_ms\":",
			s->known && now->now_ms > s->changed_ms ? now->now_ms - s->changed_ms : 0);
	weir_put_number(pen, ",\"round_ms\":", s->round_ms);
	weir_put_number(pen, ",\"rounds\":", s->rounds);
	weir_put_number(pen, ",\"failures\":", s->failures);
	weir_put_number(pen, ",\"ignored\":", s->ignored);
	weir_put(pen, "}");
}

int weir_status_put(const struct weir_metrics *m, const struct weir_recent *recent,
		    const struct weir_standing *now, struct weir_recent_since since,
		    struct weir_buf *out)
{
	struct weir_pen pen = { out, 0 };

	put_whole(&pen, m, now);
	weir_put(&pen, ",\"chains\":[");
	for (unsigned i = 0; i < now->config->chains_n; i++) {
		weir_put(&pen, i ? "," : "");
		put_chain(&pen, now, now->config->chains[i]);
	}
	put_models(&pen, m, now->ledger);
	weir_put(&pen, "]");
	weir_callers_put_status(&pen, now);
	put_shared(&pen, now);
	weir_put(&pen, ",\"reload\":");
	if (now->reload.len)
		weir_put_slice(&pen, now->reload);
	else
		weir_put(&pen, "null");
	weir_put(&pen, ",\"recent\":");
	if (pen.rc == 0)
		pen.rc = weir_recent_put(recent, since, now->now_ms, now->unix_ms, out);
	weir_put(&pen, "}\n");
	return pen.rc;
}
