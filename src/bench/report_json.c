#include "bench/report.h"

static const double shares[] = { 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999 };
static const char *const share_names[] = { "p50", "p75", "p90", "p95", "p99", "p999", "p9999" };

/* A member and the comma before it. */
static void count(struct weir_bench_pen *pen, const char *name, uint64_t n)
{
	weir_bench_put(pen, ",\"%s\":%llu", name, (unsigned long long)n);
}

static void put_hist(struct weir_bench_pen *pen, const char *name, const struct weir_bench_hist *h)
{
	weir_bench_put(pen, ",\n \"%s_ms\":", name);
	if (!h->n) {
		weir_bench_put(pen, "null");
		return;
	}
	weir_bench_put(pen, "{\"n\":%llu,\"min\":%.6f,\"mean\":%.6f,\"sd\":%.6f",
		       (unsigned long long)h->n, (double)h->min / 1e6,
		       weir_bench_hist_mean(h) / 1e6, weir_bench_hist_deviation(h) / 1e6);
	for (unsigned i = 0; i < WEIR_COUNT_OF(shares); i++)
		weir_bench_put(pen, ",\"%s\":%.6f", share_names[i],
			       (double)weir_bench_hist_at(h, shares[i]) / 1e6);
	weir_bench_put(pen, ",\"max\":%.6f}", (double)h->max / 1e6);
}

static void put_load(struct weir_bench_pen *pen, const struct weir_bench_options *o)
{
	const struct weir_bench_load *load = &o->load;

	weir_bench_put(pen, ",\n \"load\":{\"loop\":\"%s\",\"connections\":%u",
		       load->open_loop ? "open" : "closed", load->connections);
	if (load->open_loop)
		weir_bench_put(pen, ",\"rate\":%g,\"rate_to\":%g,\"ramp_s\":%g,\"arrival\":\"%s\"",
			       load->rate.from, load->rate.to, (double)load->rate.ramp_ns / 1e9,
			       load->poisson ? "poisson" : "const");
	weir_bench_put(pen, ",\"fresh\":%s,\"warmup_s\":%g,\"dialect\":\"%s\",\"seed\":%llu}",
		       load->fresh ? "true" : "false", (double)o->warmup_ns / 1e9, o->dialect->name,
		       (unsigned long long)load->seed);
}

static void put_outcomes(struct weir_bench_pen *pen, const struct weir_bench_tally *t)
{
	const char *comma = "";

	weir_bench_put(pen, ",\n \"outcomes\":{");
	for (unsigned i = 0; i < WEIR_BENCH_OUTCOME_N; i++)
		weir_bench_put(pen, "%s\"%s\":%llu", i ? "," : "", weir_bench_outcome_name(i),
			       (unsigned long long)t->outcomes[i]);
	weir_bench_put(pen, "},\n \"statuses\":{");
	for (unsigned i = 0; i < WEIR_BENCH_STATUS_MAX; i++) {
		if (!t->statuses[i])
			continue;
		weir_bench_put(pen, "%s\"%u\":%llu", comma, i, (unsigned long long)t->statuses[i]);
		comma = ",";
	}
	weir_bench_put(pen, "}");
}

static void put_series(struct weir_bench_pen *pen, const struct weir_bench_series *s)
{
	weir_bench_put(pen, ",\n \"series\":{\"bin_s\":%g,\"n\":[", (double)s->bin_ns / 1e9);
	for (unsigned i = 0; i < s->bins_n; i++)
		weir_bench_put(pen, "%s%llu", i ? "," : "", (unsigned long long)s->bins[i].n);
	weir_bench_put(pen, "],\"ok\":[");
	for (unsigned i = 0; i < s->bins_n; i++)
		weir_bench_put(pen, "%s%llu", i ? "," : "", (unsigned long long)s->bins[i].ok);
	weir_bench_put(pen, "],\"mean_ms\":[");
	for (unsigned i = 0; i < s->bins_n; i++)
		weir_bench_put(pen, "%s%.3f", i ? "," : "",
			       s->bins[i].n
				       ? (double)s->bins[i].latency_ns / 1e6 / (double)s->bins[i].n
				       : 0.0);
	weir_bench_put(pen, "],\"max_ms\":[");
	for (unsigned i = 0; i < s->bins_n; i++)
		weir_bench_put(pen, "%s%.3f", i ? "," : "",
			       (double)s->bins[i].latency_max_ns / 1e6);
	weir_bench_put(pen, "]}");
}

static void put_counts(struct weir_bench_pen *pen, const struct weir_bench_tally *t)
{
	weir_bench_put(pen, ",\n \"seconds\":%.6f,\"per_second\":%.3f,\"success\":%.6f",
		       (double)t->seconds_ns / 1e9, weir_bench_tally_rate(t),
		       weir_bench_tally_success(t));
	count(pen, "sent", t->sent);
	count(pen, "warmup", t->warmup);
	count(pen, "done", t->done);
	count(pen, "unfinished", t->unfinished);
	count(pen, "unsent", t->unsent);
	weir_bench_put(pen, ",\n \"streams\":{\"n\":%llu", (unsigned long long)t->streams);
	count(pen, "whole", t->streams_whole);
	count(pen, "events", t->events);
	count(pen, "stalls", t->stalls);
	weir_bench_put(pen, "},\n \"tokens\":{\"told\":%llu", (unsigned long long)t->tokens);
	count(pen, "good", t->tokens_good);
	weir_bench_put(pen, "},\n \"upstream\":{\"calls\":%llu", (unsigned long long)t->upstream);
	count(pen, "answers", t->upstream_told);
	weir_bench_put(pen, "},\n \"self\":{\"cpu\":%.4f",
		       t->wall_ns ? (double)t->cpu_ns / (double)t->wall_ns : 0.0);
	count(pen, "connections", t->connections);
	count(pen, "bytes_in", t->bytes_in);
	count(pen, "bytes_out", t->bytes_out);
	weir_bench_put(pen, "}");
}

static void put_warnings(struct weir_bench_pen *pen, const struct weir_bench_report *r)
{
	char text[WEIR_BENCH_WARNING_TEXT];

	weir_bench_put(pen, ",\n \"notes\":[");
	for (unsigned i = 0; weir_bench_warning(r, i, text); i++) {
		weir_bench_put(pen, i ? "," : "");
		weir_bench_put_json(pen, text);
	}
	weir_bench_put(pen, "]");
}

void weir_bench_report_json(struct weir_bench_pen *pen, const struct weir_bench_report *r)
{
	const struct weir_bench_tally *t = r->tally;

	weir_bench_put(pen, "{\"target\":");
	weir_bench_put_json(pen, r->url);
	weir_bench_put(pen, ",\"interrupted\":%s", r->interrupted ? "true" : "false");
	put_load(pen, r->options);
	put_counts(pen, t);
	put_outcomes(pen, t);
	put_hist(pen, "latency", t->latency);
	put_hist(pen, "service", t->service);
	put_hist(pen, "failure", t->failure);
	put_hist(pen, "first_token", t->first);
	put_hist(pen, "token_gap", t->gap);
	put_hist(pen, "connect", t->connect);
	put_hist(pen, "send_lag", t->lag);
	weir_bench_failover_json(pen, r);
	put_series(pen, &t->series);
	put_warnings(pen, r);
	weir_bench_put(pen, "}");
}
