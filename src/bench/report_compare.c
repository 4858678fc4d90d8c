#include "bench/report_compare.h"

static const char *base_name(const struct weir_bench_comparison *c)
{
	return c->contestants[c->base].name;
}

static bool shown(const struct weir_bench_comparison *c, enum weir_bench_measure m)
{
	return weir_bench_compare_values(c, c->base, m).median > 0 &&
	       !(c->open_loop && m == WEIR_BENCH_MEASURE_RATE);
}

static void put_values(struct weir_bench_pen *pen, const struct weir_bench_comparison *c,
		       unsigned contestant, enum weir_bench_measure m)
{
	struct weir_bench_spread s = weir_bench_compare_values(c, contestant, m);
	const char *unit = m == WEIR_BENCH_MEASURE_RATE || m == WEIR_BENCH_MEASURE_SUCCESS ? ""
											   : " ms";

	weir_bench_put(pen, "    %-12s %-11s %.4g%s (%.4g to %.4g)\n",
		       c->contestants[contestant].name, weir_bench_measure_name(m), s.median, unit,
		       s.least, s.most);
}

static void put_ratio(struct weir_bench_pen *pen, const struct weir_bench_comparison *c,
		      unsigned contestant, enum weir_bench_measure m)
{
	unsigned n;
	struct weir_bench_spread s = weir_bench_compare_ratios(c, contestant, m, &n);

	if (!n)
		return;
	weir_bench_put(pen, "    %s / %s %s: %.3f (%.3f to %.3f)", c->contestants[contestant].name,
		       base_name(c), weir_bench_measure_name(m), s.median, s.least, s.most);
	if (s.has_interval)
		weir_bench_put(pen, "; 95 %% within %.3f to %.3f", s.from, s.to);
	weir_bench_put(pen, "\n");
}

static const char *verdict_of(const struct weir_bench_spread *s)
{
	if (!s->has_interval)
		return "too few rounds to tell from";
	if (s->from > 1)
		return "higher than";
	return s->to < 1 ? "lower than" : "not shown to differ from";
}

static void put_verdict(struct weir_bench_pen *pen, const struct weir_bench_comparison *c)
{
	if (!weir_bench_compare_holds(c)) {
		weir_bench_put(pen,
			       "  no verdict: the control (%s) drifted by %.0f %%, more than "
			       "%.0f %%: something else changed while this ran\n",
			       c->contestants[c->control].name, 100 * weir_bench_compare_drift(c),
			       100 * c->drift_max);
		return;
	}
	weir_bench_put(pen, "  verdict, with a control (%s) that drifted by %.1f %%:\n",
		       c->contestants[c->control].name, 100 * weir_bench_compare_drift(c));
	for (unsigned i = 0; i < c->contestants_n; i++) {
		for (unsigned m = 0; m < WEIR_BENCH_MEASURE_N; m++) {
			unsigned n;
			struct weir_bench_spread s;

			if (i == c->base || i == c->control || !shown(c, m))
				continue;
			s = weir_bench_compare_ratios(c, i, m, &n);
			weir_bench_put(pen, "    %s: %s %s %s's\n", c->contestants[i].name,
				       weir_bench_measure_name(m), verdict_of(&s), base_name(c));
		}
	}
}

void weir_bench_compare_text(struct weir_bench_pen *pen, const struct weir_bench_comparison *c)
{
	weir_bench_put(pen, "  %u rounds, taking turns; medians of rounds, least and most\n",
		       c->rounds_n);
	for (unsigned m = 0; m < WEIR_BENCH_MEASURE_N; m++)
		for (unsigned i = 0; i < c->contestants_n && shown(c, m); i++)
			put_values(pen, c, i, m);
	weir_bench_put(pen, "  ratios of neighbours in one round\n");
	for (unsigned i = 0; i < c->contestants_n; i++)
		for (unsigned m = 0; m < WEIR_BENCH_MEASURE_N && i != c->base; m++)
			if (shown(c, m))
				put_ratio(pen, c, i, m);
	put_verdict(pen, c);
}

static void json_spread(struct weir_bench_pen *pen, const char *name,
			const struct weir_bench_spread *s)
{
	weir_bench_put(pen, "\"%s\":{\"median\":%.9g,\"min\":%.9g,\"max\":%.9g", name, s->median,
		       s->least, s->most);
	if (s->has_interval)
		weir_bench_put(pen, ",\"from\":%.9g,\"to\":%.9g", s->from, s->to);
	weir_bench_put(pen, "}");
}

static void json_contestant(struct weir_bench_pen *pen, const struct weir_bench_comparison *c,
			    unsigned i)
{
	const char *comma = "";

	weir_bench_put(pen, "{\"name\":");
	weir_bench_put_json(pen, c->contestants[i].name);
	for (unsigned m = 0; m < WEIR_BENCH_MEASURE_N; m++) {
		struct weir_bench_spread s = weir_bench_compare_values(c, i, m);

		weir_bench_put(pen, ",");
		json_spread(pen, weir_bench_measure_name(m), &s);
	}
	weir_bench_put(pen, ",\"ratios\":{");
	for (unsigned m = 0; m < WEIR_BENCH_MEASURE_N; m++) {
		unsigned n;
		struct weir_bench_spread s = weir_bench_compare_ratios(c, i, m, &n);

		if (!n)
			continue;
		weir_bench_put(pen, "%s", comma);
		json_spread(pen, weir_bench_measure_name(m), &s);
		comma = ",";
	}
	weir_bench_put(pen, "}}");
}

void weir_bench_compare_json(struct weir_bench_pen *pen, const struct weir_bench_comparison *c)
{
	double drift = weir_bench_compare_drift(c);

	weir_bench_put(pen, "{\"rounds\":%u,\"base\":", c->rounds_n);
	weir_bench_put_json(pen, base_name(c));
	weir_bench_put(pen, ",\"control\":");
	weir_bench_put_json(pen, c->contestants[c->control].name);
	if (drift < 1e9)
		weir_bench_put(pen, ",\"drift\":%.6f", drift);
	else
		weir_bench_put(pen, ",\"drift\":null");
	weir_bench_put(pen, ",\"drift_max\":%.6f,\"verdict\":%s,\"targets\":[", c->drift_max,
		       weir_bench_compare_holds(c) ? "true" : "false");
	for (unsigned i = 0; i < c->contestants_n; i++) {
		weir_bench_put(pen, i ? ",\n " : "\n ");
		json_contestant(pen, c, i);
	}
	weir_bench_put(pen, "]}");
}
