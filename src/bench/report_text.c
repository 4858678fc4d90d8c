#include "bench/report.h"

static const double shares[] = { 0.5, 0.9, 0.99, 0.999 };
static const char *const share_names[] = { "p50", "p90", "p99", "p99.9" };

static void put_time(struct weir_bench_pen *pen, const char *label, uint64_t ns)
{
	char text[WEIR_BENCH_TIME_TEXT];

	weir_bench_put(pen, "  %s %s", label, weir_bench_time(ns, text));
}

static void put_hist(struct weir_bench_pen *pen, const char *label, const struct weir_bench_hist *h)
{
	if (!h->n)
		return;
	weir_bench_put(pen, "  %-13s", label);
	for (unsigned i = 0; i < WEIR_COUNT_OF(shares); i++)
		put_time(pen, share_names[i], weir_bench_hist_at(h, shares[i]));
	put_time(pen, "max", h->max);
	put_time(pen, "mean", (uint64_t)weir_bench_hist_mean(h));
	weir_bench_put(pen, "\n");
}

void weir_bench_report_load(struct weir_bench_pen *pen, const struct weir_bench_options *o)
{
	const struct weir_bench_load *load = &o->load;
	char text[WEIR_BENCH_TIME_TEXT];

	if (!load->open_loop) {
		weir_bench_put(pen, "closed loop, %u connection%s", load->connections,
			       load->connections == 1 ? "" : "s");
	} else {
		weir_bench_put(pen, "open loop, %g", load->rate.from);
		if (load->rate.ramp_ns)
			weir_bench_put(pen, " to %g in %s", load->rate.to,
				       weir_bench_time(load->rate.ramp_ns, text));
		weir_bench_put(pen, " requests/s, %s arrivals",
			       load->poisson ? "Poisson" : "constant");
	}
	if (load->fresh)
		weir_bench_put(pen, ", each on a fresh one");
	if (o->compare)
		weir_bench_put(pen, ", rounds of %s", weir_bench_time(o->round_ns, text));
	else if (o->requests)
		weir_bench_put(pen, ", %llu requests", (unsigned long long)o->requests);
	else
		weir_bench_put(pen, ", %s", weir_bench_time(o->duration_ns, text));
	if (o->warmup_ns)
		weir_bench_put(pen, " after %s of warm-up", weir_bench_time(o->warmup_ns, text));
}

static void put_requests(struct weir_bench_pen *pen, const struct weir_bench_tally *t)
{
	char text[WEIR_BENCH_TIME_TEXT];

	weir_bench_put(pen, "  answered well %llu of %llu (%.3f %%), %.1f/s in %s",
		       (unsigned long long)t->outcomes[WEIR_BENCH_OK], (unsigned long long)t->done,
		       100 * weir_bench_tally_success(t), weir_bench_tally_rate(t),
		       weir_bench_time(t->seconds_ns, text));
	if (t->warmup)
		weir_bench_put(pen, "; %llu more to warm up", (unsigned long long)t->warmup);
	if (t->unfinished)
		weir_bench_put(pen, "; %llu unfinished", (unsigned long long)t->unfinished);
	if (t->unsent)
		weir_bench_put(pen, "; %llu never sent", (unsigned long long)t->unsent);
	weir_bench_put(pen, "\n");
}

static void put_outcomes(struct weir_bench_pen *pen, const struct weir_bench_tally *t)
{
	if (!weir_bench_tally_failed(t))
		return;
	weir_bench_put(pen, "  failed\n");
	for (unsigned i = WEIR_BENCH_OK + 1; i < WEIR_BENCH_OUTCOME_N; i++)
		if (t->outcomes[i])
			weir_bench_put(pen, "    %-13s %8llu  %s\n", weir_bench_outcome_name(i),
				       (unsigned long long)t->outcomes[i],
				       weir_bench_outcome_says(i));
	weir_bench_put(pen, "    status ");
	for (unsigned i = 0; i < WEIR_BENCH_STATUS_MAX; i++)
		if (t->statuses[i])
			weir_bench_put(pen, "  %u: %llu", i, (unsigned long long)t->statuses[i]);
	weir_bench_put(pen, "\n");
}

static void put_streams(struct weir_bench_pen *pen, const struct weir_bench_tally *t)
{
	if (!t->streams)
		return;
	put_hist(pen, "first token", t->first);
	put_hist(pen, "token gap", t->gap);
	weir_bench_put(pen, "  streams       %llu of %llu whole, %llu token events, %llu stall%s\n",
		       (unsigned long long)t->streams_whole, (unsigned long long)t->streams,
		       (unsigned long long)t->events, (unsigned long long)t->stalls,
		       t->stalls == 1 ? "" : "s");
}

static void put_rest(struct weir_bench_pen *pen, const struct weir_bench_report *r)
{
	const struct weir_bench_tally *t = r->tally;
	char text[WEIR_BENCH_WARNING_TEXT];

	if (t->upstream_told)
		weir_bench_put(pen, "  upstream      %.3f calls per answer, as the gateway says\n",
			       (double)t->upstream / (double)t->upstream_told);
	put_hist(pen, "connecting", t->connect);
	weir_bench_put(pen, "  opened %llu connection%s; this program used %.0f %% of a core\n",
		       (unsigned long long)t->connections, t->connections == 1 ? "" : "s",
		       t->wall_ns ? 100 * (double)t->cpu_ns / (double)t->wall_ns : 0.0);
	for (unsigned i = 0; weir_bench_warning(r, i, text); i++)
		weir_bench_put(pen, "  note: %s\n", text);
}

void weir_bench_report_text(struct weir_bench_pen *pen, const struct weir_bench_report *r)
{
	const struct weir_bench_tally *t = r->tally;

	weir_bench_put(pen, "%s\n  ", r->url);
	weir_bench_report_load(pen, r->options);
	weir_bench_put(pen, "%s\n\n", r->interrupted ? " (interrupted)" : "");
	put_requests(pen, t);
	put_hist(pen, "latency", t->latency);
	if (r->options->load.open_loop)
		put_hist(pen, "  once sent", t->service);
	put_hist(pen, "of failures", t->failure);
	put_streams(pen, t);
	put_outcomes(pen, t);
	weir_bench_failover_text(pen, r);
	put_rest(pen, r);
}
