#include "bench/report.h"

static const char *const phase_names[WEIR_BENCH_PHASES] = { "before", "during", "after" };

static double per(uint64_t a, uint64_t b)
{
	return b ? (double)a / (double)b : 0;
}

static void put_until(struct weir_bench_pen *pen, const char *what, uint64_t ns)
{
	char text[WEIR_BENCH_TIME_TEXT];

	weir_bench_put(pen, "    %s %s\n", what,
		       ns == WEIR_BENCH_NEVER ? "never" : weir_bench_time(ns, text));
}

static void put_phase(struct weir_bench_pen *pen, const struct weir_bench_report *r, unsigned i)
{
	const struct weir_bench_phase *phase = &r->tally->phases[i];
	char p50[WEIR_BENCH_TIME_TEXT] = "-", p99[WEIR_BENCH_TIME_TEXT] = "-";

	if (phase->ok) {
		weir_bench_time(weir_bench_hist_at(phase->latency, 0.5), p50);
		weir_bench_time(weir_bench_hist_at(phase->latency, 0.99), p99);
	}
	weir_bench_put(pen, "    %-7s %9llu requests  %8.3f %% answered well  p50 %-8s p99 %-8s",
		       phase_names[i], (unsigned long long)phase->n, 100 * per(phase->ok, phase->n),
		       p50, p99);
	weir_bench_put(pen, " %.3f calls each\n", r->failover->calls_per_request[i]);
}

static void put_outage(struct weir_bench_pen *pen, const struct weir_bench_report *r)
{
	const struct weir_bench_failover *f = r->failover;
	char begin[WEIR_BENCH_TIME_TEXT], end[WEIR_BENCH_TIME_TEXT];

	weir_bench_put(pen, "  outage        %.*s=%.*s from %s to %s\n", (int)f->plan.vendor.len,
		       f->plan.vendor.base, (int)f->plan.script.len, f->plan.script.base,
		       weir_bench_time(f->began_ns, begin), weir_bench_time(f->ended_ns, end));
	for (unsigned i = 0; i < WEIR_BENCH_PHASES; i++)
		put_phase(pen, r, i);
	put_until(pen, "99 % answered well again after", f->success_ns);
	put_until(pen, "latency within twice its mean after", f->latency_ns);
	put_until(pen, "after its end the traffic is back within", f->return_ns);
}

void weir_bench_failover_text(struct weir_bench_pen *pen, const struct weir_bench_report *r)
{
	const struct weir_bench_failover *f = r->failover;

	if (!f)
		return;
	weir_bench_put(pen,
		       "  providers     %llu calls for %llu requests (%.3f each); %llu tokens, "
		       "%llu of them wasted (%.2f %%)\n",
		       (unsigned long long)f->calls, (unsigned long long)f->requests,
		       per(f->calls, f->requests), (unsigned long long)f->made,
		       (unsigned long long)f->wasted, 100 * per(f->wasted, f->made));
	for (unsigned i = 0; i < f->vendors.vendors_n; i++)
		weir_bench_put(pen, "    %-13s %8llu calls, %llu broken off by the caller\n",
			       f->vendors.vendors[i].name,
			       (unsigned long long)f->vendors.vendors[i].hits,
			       (unsigned long long)f->vendors.vendors[i].aborts);
	if (f->outage)
		put_outage(pen, r);
}

static void json_until(struct weir_bench_pen *pen, const char *name, uint64_t ns)
{
	if (ns == WEIR_BENCH_NEVER)
		weir_bench_put(pen, ",\"%s\":null", name);
	else
		weir_bench_put(pen, ",\"%s\":%.6f", name, (double)ns / 1e9);
}

static void json_outage(struct weir_bench_pen *pen, const struct weir_bench_report *r)
{
	const struct weir_bench_failover *f = r->failover;

	weir_bench_put(pen, ",\"outage\":{\"from_s\":%.6f,\"to_s\":%.6f", (double)f->began_ns / 1e9,
		       (double)f->ended_ns / 1e9);
	for (unsigned i = 0; i < WEIR_BENCH_PHASES; i++) {
		const struct weir_bench_phase *phase = &r->tally->phases[i];

		weir_bench_put(pen,
			       ",\"%s\":{\"requests\":%llu,\"success\":%.6f,\"p50_ms\":%.6f,"
			       "\"p99_ms\":%.6f,\"calls_per_request\":%.6f}",
			       phase_names[i], (unsigned long long)phase->n,
			       per(phase->ok, phase->n),
			       (double)weir_bench_hist_at(phase->latency, 0.5) / 1e6,
			       (double)weir_bench_hist_at(phase->latency, 0.99) / 1e6,
			       f->calls_per_request[i]);
	}
	json_until(pen, "success_after_s", f->success_ns);
	json_until(pen, "latency_after_s", f->latency_ns);
	json_until(pen, "return_after_s", f->return_ns);
	weir_bench_put(pen, ",\"step_s\":%g}", (double)f->step_ns / 1e9);
}

void weir_bench_failover_json(struct weir_bench_pen *pen, const struct weir_bench_report *r)
{
	const struct weir_bench_failover *f = r->failover;

	if (!f)
		return;
	weir_bench_put(pen,
		       ",\n \"providers\":{\"calls\":%llu,\"requests\":%llu,"
		       "\"calls_per_request\":%.6f,\"tokens\":%llu,\"wasted\":%llu,\"vendors\":{",
		       (unsigned long long)f->calls, (unsigned long long)f->requests,
		       per(f->calls, f->requests), (unsigned long long)f->made,
		       (unsigned long long)f->wasted);
	for (unsigned i = 0; i < f->vendors.vendors_n; i++) {
		const struct weir_bench_vendor *v = &f->vendors.vendors[i];

		weir_bench_put(pen, "%s\"%s\":{\"calls\":%llu,\"tokens\":%llu,\"aborts\":%llu}",
			       i ? "," : "", v->name, (unsigned long long)v->hits,
			       (unsigned long long)v->tokens, (unsigned long long)v->aborts);
	}
	weir_bench_put(pen, "}");
	if (f->outage)
		json_outage(pen, r);
	weir_bench_put(pen, "}");
}
