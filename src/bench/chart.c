#include "bench/chart.h"

#include <math.h>
#include <stdio.h>

enum { WIDTH = 860, HEIGHT = 260, LEFT = 64, RIGHT = 30, TOP = 28, BOTTOM = 26 };

/* Where y lies, and what its lines say. */
struct scale {
	double low, high, step;
	bool log;
};

/* 1, 2 or 5 times a power of ten, so that about five of them make the whole. */
static double nice_step(double whole)
{
	double power = pow(10, floor(log10(whole / 5))), part = whole / 5 / power;

	if (part <= 1)
		return power;
	return part <= 2 ? 2 * power : (part <= 5 ? 5 * power : 10 * power);
}

static struct scale scale_of(const struct weir_bench_chart *c)
{
	double least = INFINITY, most = 0;
	struct scale s = { .log = c->log_y };

	for (unsigned k = 0; k < c->curves_n; k++) {
		for (unsigned i = 0; i < c->curves[k].n; i++) {
			double y = c->curves[k].y[i];

			most = y > most ? y : most;
			least = y > 0 && y < least ? y : least;
		}
	}
	if (most <= 0)
		most = least = 1;
	if (s.log) {
		s.low = floor(log10(least));
		s.high = ceil(log10(most));
		s.high += s.high <= s.low;
		s.step = 1;
	} else {
		s.step = nice_step(most);
		s.high = ceil(most / s.step) * s.step;
	}
	return s;
}

static double place_x(double x)
{
	return LEFT + x * (WIDTH - LEFT - RIGHT);
}

static double place_y(const struct scale *s, double y)
{
	double at = s->log ? (y > 0 ? log10(y) : s->low) : y;

	if (at < s->low)
		at = s->low;
	return HEIGHT - BOTTOM - (at - s->low) / (s->high - s->low) * (HEIGHT - TOP - BOTTOM);
}

static void put_grid(struct weir_bench_pen *pen, const struct weir_bench_chart *c,
		     const struct scale *s)
{
	if (c->shade_to > c->shade_from)
		weir_bench_put(pen, "<rect class=shade x=%.1f y=%d width=%.1f height=%d />\n",
			       place_x(c->shade_from), TOP,
			       place_x(c->shade_to) - place_x(c->shade_from),
			       HEIGHT - TOP - BOTTOM);
	for (double at = s->low; at <= s->high + s->step / 2; at += s->step) {
		double value = s->log ? pow(10, at) : at, y = place_y(s, value);

		weir_bench_put(pen,
			       "<line class=grid x1=%d x2=%d y1=%.1f y2=%.1f />"
			       "<text x=%d y=%.1f text-anchor=end>%.6g</text>\n",
			       LEFT, WIDTH - RIGHT, y, y, LEFT - 6, y + 4, value);
	}
	for (unsigned i = 0; i < c->ticks_n; i++)
		weir_bench_put(pen,
			       "<line class=grid x1=%.1f x2=%.1f y1=%d y2=%d />"
			       "<text x=%.1f y=%d text-anchor=middle>%s</text>\n",
			       place_x(c->ticks[i].x), place_x(c->ticks[i].x), TOP, HEIGHT - BOTTOM,
			       place_x(c->ticks[i].x), HEIGHT - 8, c->ticks[i].label);
}

static void put_curve(struct weir_bench_pen *pen, const struct weir_bench_curve *curve, unsigned k,
		      const struct scale *s)
{
	weir_bench_put(pen, "<polyline class=c%u points=\"", k);
	for (unsigned i = 0; i < curve->n; i++)
		weir_bench_put(pen, "%.1f,%.1f ", place_x(curve->x[i]), place_y(s, curve->y[i]));
	weir_bench_put(pen, "\" />\n");
	weir_bench_put(pen, "<text class=c%u x=%d y=18 text-anchor=end>", k,
		       WIDTH - 12 - 120 * (int)k);
	weir_bench_put_html(pen, curve->name);
	weir_bench_put(pen, "</text>\n");
}

void weir_bench_put_chart(struct weir_bench_pen *pen, const struct weir_bench_chart *c)
{
	struct scale s = scale_of(c);

	weir_bench_put(pen, "<figure><svg viewBox=\"0 0 %d %d\" role=img>\n", WIDTH, HEIGHT);
	weir_bench_put(pen, "<text x=0 y=18 class=title>");
	weir_bench_put_html(pen, c->title);
	weir_bench_put(pen, ", ");
	weir_bench_put_html(pen, c->unit);
	weir_bench_put(pen, "</text>\n");
	put_grid(pen, c, &s);
	for (unsigned k = 0; k < c->curves_n; k++)
		put_curve(pen, &c->curves[k], k, &s);
	weir_bench_put(pen, "</svg></figure>\n");
}

void weir_bench_chart_ticks(struct weir_bench_chart *c, double max, const char *unit)
{
	double step = nice_step(max > 0 ? max : 1);

	for (double at = 0; at <= max && c->ticks_n < WEIR_BENCH_CHART_TICKS; at += step) {
		struct weir_bench_tick *tick = &c->ticks[c->ticks_n++];

		tick->x = max > 0 ? at / max : 0;
		snprintf(tick->label, sizeof tick->label, "%.6g %s", at, unit);
	}
}
