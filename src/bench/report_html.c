#include "bench/report.h"

#include <math.h>

#include "bench/chart.h"
#include "bench/report_compare.h"

enum { SPECTRUM = 200 };

static const double NINES = 5; /* the spectrum ends at p99.999 */

static const char head[] =
	"<!doctype html>\n<html lang=en><meta charset=utf-8>\n"
	"<meta name=viewport content=\"width=device-width\">\n<title>weir-bench</title>\n<style>\n"
	":root{color-scheme:light dark;--ink:#222;--paper:#fff;--dim:#ddd;--shade:#fde2e0}\n"
	"@media(prefers-color-scheme:dark){:root{--ink:#ddd;--paper:#161616;--dim:#383838;"
	"--shade:#4a2320}}\n"
	"body{font:15px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--paper);"
	"max-width:900px;margin:2em auto;padding:0 1em}\n"
	"pre{overflow-x:auto;font-size:13px}figure{margin:1.5em 0}svg{width:100%}\n"
	"svg text{font-size:11px;fill:var(--ink)}svg .title{font-size:14px;font-weight:600}\n"
	".grid{stroke:var(--dim)}.shade{fill:var(--shade)}\n"
	"polyline{fill:none;stroke-width:1.6}\n"
	"polyline.c0{stroke:#2a78d6}text.c0{fill:#2a78d6}polyline.c1{stroke:#d6552a}"
	"text.c1{fill:#d6552a}\npolyline.c2{stroke:#3a9d5d}text.c2{fill:#3a9d5d}"
	"polyline.c3{stroke:#9a5fc9}text.c3{fill:#9a5fc9}\npolyline.c4{stroke:#b08900}"
	"text.c4{fill:#b08900}polyline.c5{stroke:#5a8f99}text.c5{fill:#5a8f99}\n"
	"</style>\n<h1>weir-bench</h1>\n";

/* The points of a run over time. */
struct track {
	double x[WEIR_BENCH_SERIES_MAX], good[WEIR_BENCH_SERIES_MAX], bad[WEIR_BENCH_SERIES_MAX];
	double mean[WEIR_BENCH_SERIES_MAX], p99[WEIR_BENCH_SERIES_MAX], max[WEIR_BENCH_SERIES_MAX];
};

static void follow(struct track *track, const struct weir_bench_series *s)
{
	double per_second = 1e9 / (double)s->bin_ns;

	for (unsigned i = 0; i < s->bins_n; i++) {
		const struct weir_bench_bin *bin = &s->bins[i];

		track->x[i] = (i + 0.5) / s->bins_n;
		track->good[i] = (double)bin->ok * per_second;
		track->bad[i] = (double)(bin->n - bin->ok) * per_second;
		track->mean[i] = bin->n ? (double)bin->latency_ns / (double)bin->n / 1e6 : 0;
		track->p99[i] = (double)weir_bench_bin_at(bin, 0.99) / 1e6;
		track->max[i] = (double)bin->latency_max_ns / 1e6;
	}
}

static void shade(struct weir_bench_chart *chart, const struct weir_bench_report *r)
{
	const struct weir_bench_series *s = &r->tally->series;
	double whole = (double)s->bin_ns * s->bins_n;

	if (!r->failover || !r->failover->outage)
		return;
	chart->shade_from = (double)r->failover->began_ns / whole;
	chart->shade_to = (double)r->failover->ended_ns / whole;
	if (chart->shade_to > 1)
		chart->shade_to = 1;
}

static void put_track(struct weir_bench_pen *pen, const struct weir_bench_report *r)
{
	const struct weir_bench_series *s = &r->tally->series;
	double seconds = (double)s->bin_ns * s->bins_n / 1e9;
	struct weir_bench_chart chart = { .title = "Requests, by when they were due",
					  .unit = "a second" };
	static struct track track;

	if (!s->bins_n)
		return;
	follow(&track, s);
	weir_bench_chart_ticks(&chart, seconds, "s");
	shade(&chart, r);
	chart.curves[0] = (struct weir_bench_curve){ "answered well", track.x, track.good,
						     s->bins_n };
	chart.curves[1] = (struct weir_bench_curve){ "failed", track.x, track.bad, s->bins_n };
	chart.curves_n = 2;
	weir_bench_put_chart(pen, &chart);
	chart.title = "Latency, by when requests were due";
	chart.unit = "ms";
	chart.log_y = true;
	chart.curves[0] = (struct weir_bench_curve){ "mean", track.x, track.mean, s->bins_n };
	chart.curves[1] = (struct weir_bench_curve){ "longest", track.x, track.max, s->bins_n };
	chart.curves[2] = (struct weir_bench_curve){ "99 % below", track.x, track.p99, s->bins_n };
	chart.curves_n = 3;
	weir_bench_put_chart(pen, &chart);
}

/* Equal steps to each further nine. */
static void draw_spectrum(double x[SPECTRUM], double y[SPECTRUM], const struct weir_bench_hist *h)
{
	for (unsigned i = 0; i < SPECTRUM; i++) {
		x[i] = (double)i / (SPECTRUM - 1);
		y[i] = (double)weir_bench_hist_at(h, 1 - pow(10, -NINES * x[i])) / 1e6;
	}
}

static void name_nines(struct weir_bench_chart *chart)
{
	static const struct {
		const char *label;
		double share;
	} marks[] = { { "p0", 0 },           { "p50", 0.5 },     { "p90", 0.9 },
		      { "p99", 0.99 },       { "p99.9", 0.999 }, { "p99.99", 0.9999 },
		      { "p99.999", 0.99999 } };

	for (unsigned i = 0; i < WEIR_COUNT_OF(marks); i++) {
		struct weir_bench_tick *tick = &chart->ticks[chart->ticks_n++];

		tick->x = -log10(1 - marks[i].share) / NINES;
		memcpy(tick->label, marks[i].label, strlen(marks[i].label) + 1);
	}
}

static void put_spectrum(struct weir_bench_pen *pen, const struct weir_bench_hist *const *hists,
			 const char *const *names, unsigned n, const char *title)
{
	static double x[SPECTRUM], y[WEIR_BENCH_CHART_CURVES][SPECTRUM];
	struct weir_bench_chart chart = { .title = title, .unit = "ms", .log_y = true };

	for (unsigned i = 0; i < n && chart.curves_n < WEIR_BENCH_CHART_CURVES; i++) {
		if (!hists[i]->n)
			continue;
		draw_spectrum(x, y[chart.curves_n], hists[i]);
		chart.curves[chart.curves_n] =
			(struct weir_bench_curve){ names[i], x, y[chart.curves_n], SPECTRUM };
		chart.curves_n++;
	}
	if (!chart.curves_n)
		return;
	name_nines(&chart);
	weir_bench_put_chart(pen, &chart);
}

static void put_single(struct weir_bench_pen *pen, const struct weir_bench_report *r)
{
	const struct weir_bench_tally *t = r->tally;
	const struct weir_bench_hist *hists[] = { t->latency, t->service, t->first, t->gap };
	const char *const names[] = { "latency", "once sent", "first token", "token gap" };

	put_track(pen, r);
	put_spectrum(pen, hists, names, WEIR_COUNT_OF(hists), "Latency spectrum");
}

static void put_contest(struct weir_bench_pen *pen, const struct weir_bench_report *r)
{
	const struct weir_bench_comparison *c = r->comparison;
	enum weir_bench_measure m = weir_bench_compare_yardstick(c);
	const struct weir_bench_hist *hists[WEIR_BENCH_COMPARE_MAX];
	const char *names[WEIR_BENCH_COMPARE_MAX];
	static double x[WEIR_BENCH_ROUNDS_MAX];
	struct weir_bench_chart chart = { .title = "Round by round",
					  .unit = c->open_loop ? "ms, p50" : "answers a second" };

	for (unsigned i = 0; i < c->rounds_n; i++)
		x[i] = (i + 0.5) / c->rounds_n;
	weir_bench_chart_ticks(&chart, c->rounds_n, "");
	for (unsigned i = 0; i < c->contestants_n; i++) {
		hists[i] = r->tallies[i]->latency;
		names[i] = c->contestants[i].name;
		if (chart.curves_n < WEIR_BENCH_CHART_CURVES)
			chart.curves[chart.curves_n++] = (struct weir_bench_curve){
				names[i], x, c->contestants[i].values[m], c->rounds_n
			};
	}
	if (c->rounds_n)
		weir_bench_put_chart(pen, &chart);
	put_spectrum(pen, hists, names, c->contestants_n, "Latency spectrum");
}

/* The table of the terminal, word for word. */
static void put_table(struct weir_bench_pen *pen, const struct weir_bench_report *r)
{
	struct weir_buf text;
	struct weir_bench_pen inner = { &text, 0 };

	weir_buf_init(&text, 1024 * 1024);
	if (r->comparison)
		weir_bench_compare_text(&inner, r->comparison);
	else
		weir_bench_report_text(&inner, r);
	weir_bench_put(&inner, "%c", '\0');
	weir_bench_put(pen, "<pre>");
	if (inner.rc == 0)
		weir_bench_put_html(pen, text.base);
	weir_bench_put(pen, "</pre>\n");
	weir_buf_fini(&text);
}

void weir_bench_report_html(struct weir_bench_pen *pen, const struct weir_bench_report *r)
{
	if (!pen->rc)
		pen->rc = weir_buf_puts(pen->buf, head);
	put_table(pen, r);
	if (r->comparison)
		put_contest(pen, r);
	else
		put_single(pen, r);
	weir_bench_put(pen, "<p>weir-bench %s; seed %llu</p>\n</html>\n", WEIR_VERSION,
		       (unsigned long long)r->options->load.seed);
}
