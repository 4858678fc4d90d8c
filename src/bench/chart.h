/* Line charts as SVG, made here: a report must look the same without a network and in ten
 * years. Pure. */
#pragma once

#include <stdbool.h>

#include "bench/pen.h"

enum { WEIR_BENCH_CHART_TICKS = 12, WEIR_BENCH_CHART_CURVES = 6 };

struct weir_bench_curve {
	const char *name;
	const double *x, *y; /* x from 0 to 1 */
	unsigned n;
};

struct weir_bench_tick {
	double x; /* 0 to 1 */
	char label[16];
};

struct weir_bench_chart {
	const char *title, *unit; /* of y */
	bool log_y;
	double shade_from, shade_to; /* of x; equal: none */
	unsigned ticks_n, curves_n;
	struct weir_bench_tick ticks[WEIR_BENCH_CHART_TICKS];
	struct weir_bench_curve curves[WEIR_BENCH_CHART_CURVES];
};

void weir_bench_put_chart(struct weir_bench_pen *pen, const struct weir_bench_chart *chart);
/* Round numbers from 0 to max along x. */
void weir_bench_chart_ticks(struct weir_bench_chart *chart, double max, const char *unit);
