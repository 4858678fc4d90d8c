#include "bench/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double CONFIDENCE = 0.95;

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The largest k so that the k-th value from either end leaves out at most 5 %: twice the
 * sum of the first k binomial(n, 1/2) terms. 0: even the extremes leave out more. */
static unsigned rank_of(unsigned n)
{
	double term = pow(0.5, n), sum = 0;
	unsigned k = 0;

	while (2 * (sum + term) <= 1 - CONFIDENCE) {
		sum += term;
		k++;
		term *= (double)(n - k + 1) / (double)k;
	}
	return k;
}

struct weir_bench_spread weir_bench_spread(double *values, unsigned n)
{
	struct weir_bench_spread s = { .median = 0 };
	unsigned k;

	if (!n)
		return s;
	qsort(values, n, sizeof *values, by_size);
	s.least = values[0];
	s.most = values[n - 1];
	s.median = n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
	k = rank_of(n);
	s.has_interval = k > 0;
	if (k) {
		s.from = values[k - 1];
		s.to = values[n - k];
	}
	return s;
}

static double ms(const struct weir_bench_hist *h, double share)
{
	return (double)weir_bench_hist_at(h, share) / 1e6;
}

void weir_bench_compare_note(struct weir_bench_contestant *c, unsigned round,
			     const struct weir_bench_tally *t)
{
	c->values[WEIR_BENCH_MEASURE_RATE][round] = weir_bench_tally_rate(t);
	c->values[WEIR_BENCH_MEASURE_P50][round] = ms(t->latency, 0.5);
	c->values[WEIR_BENCH_MEASURE_P99][round] = ms(t->latency, 0.99);
	c->values[WEIR_BENCH_MEASURE_FIRST][round] = ms(t->first, 0.5);
	c->values[WEIR_BENCH_MEASURE_SUCCESS][round] = weir_bench_tally_success(t);
}

struct weir_bench_spread weir_bench_compare_values(const struct weir_bench_comparison *c,
						   unsigned contestant,
						   enum weir_bench_measure measure)
{
	double values[WEIR_BENCH_ROUNDS_MAX];

	memcpy(values, c->contestants[contestant].values[measure], sizeof values);
	return weir_bench_spread(values, c->rounds_n);
}

struct weir_bench_spread weir_bench_compare_ratios(const struct weir_bench_comparison *c,
						   unsigned contestant,
						   enum weir_bench_measure measure, unsigned *n)
{
	const double *mine = c->contestants[contestant].values[measure];
	const double *base = c->contestants[c->base].values[measure];
	double ratios[WEIR_BENCH_ROUNDS_MAX];

	*n = 0;
	for (unsigned i = 0; i < c->rounds_n; i++)
		if (mine[i] > 0 && base[i] > 0)
			ratios[(*n)++] = mine[i] / base[i];
	return weir_bench_spread(ratios, *n);
}

enum weir_bench_measure weir_bench_compare_yardstick(const struct weir_bench_comparison *c)
{
	return c->open_loop ? WEIR_BENCH_MEASURE_P50 : WEIR_BENCH_MEASURE_RATE;
}

double weir_bench_compare_drift(const struct weir_bench_comparison *c)
{
	struct weir_bench_spread s = weir_bench_compare_values(c, c->control,
							       weir_bench_compare_yardstick(c));

	return s.median > 0 ? (s.most - s.least) / s.median : INFINITY;
}

bool weir_bench_compare_holds(const struct weir_bench_comparison *c)
{
	return weir_bench_compare_drift(c) <= c->drift_max;
}

const char *weir_bench_measure_name(enum weir_bench_measure measure)
{
	static const char *const names[WEIR_BENCH_MEASURE_N] = {
		[WEIR_BENCH_MEASURE_RATE] = "per_second",
		[WEIR_BENCH_MEASURE_P50] = "p50",
		[WEIR_BENCH_MEASURE_P99] = "p99",
		[WEIR_BENCH_MEASURE_FIRST] = "first_token",
		[WEIR_BENCH_MEASURE_SUCCESS] = "success",
	};

	return names[measure];
}
