#include "bench/hist.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

struct weir_bench_hist *weir_bench_hist_create(void)
{
	struct weir_bench_hist *h = weir_calloc(1, sizeof *h);

	if (h)
		h->min = UINT64_MAX;
	return h;
}

void weir_bench_hist_destroy(struct weir_bench_hist *h)
{
	weir_free(h);
}

/* Only what lies between the extremes can have been touched. */
void weir_bench_hist_clear(struct weir_bench_hist *h)
{
	if (h->n) {
		unsigned from = weir_bench_hist_index(h->min), to = weir_bench_hist_index(h->max);

		memset(h->counts + from, 0, (to - from + 1) * sizeof *h->counts);
	}
	h->n = h->max = 0;
	h->min = UINT64_MAX;
	h->sum = h->squares = 0;
}

unsigned weir_bench_hist_index(uint64_t ns)
{
	const uint64_t longest = (UINT64_C(1) << WEIR_BENCH_HIST_BITS) - 1;
	unsigned shift;

	if (ns > longest)
		ns = longest;
	if (ns < 2 * WEIR_BENCH_HIST_HALF)
		return (unsigned)ns;
	shift = 63 - (unsigned)__builtin_clzll(ns) - 10;
	return shift * WEIR_BENCH_HIST_HALF + (unsigned)(ns >> shift);
}

uint64_t weir_bench_hist_top(unsigned index)
{
	unsigned shift;

	if (index < 2 * WEIR_BENCH_HIST_HALF)
		return index;
	shift = index / WEIR_BENCH_HIST_HALF - 1;
	return ((uint64_t)(index - shift * WEIR_BENCH_HIST_HALF + 1) << shift) - 1;
}

void weir_bench_hist_add(struct weir_bench_hist *h, uint64_t ns)
{
	h->counts[weir_bench_hist_index(ns)]++;
	h->n++;
	if (ns < h->min)
		h->min = ns;
	if (ns > h->max)
		h->max = ns;
	h->sum += (double)ns;
	h->squares += (double)ns * (double)ns;
}

void weir_bench_hist_merge(struct weir_bench_hist *to, const struct weir_bench_hist *from)
{
	if (!from->n)
		return;
	for (unsigned i = weir_bench_hist_index(from->min), end = weir_bench_hist_index(from->max);
	     i <= end; i++)
		to->counts[i] += from->counts[i];
	to->n += from->n;
	to->sum += from->sum;
	to->squares += from->squares;
	if (from->min < to->min)
		to->min = from->min;
	if (from->max > to->max)
		to->max = from->max;
}

uint64_t weir_bench_hist_at(const struct weir_bench_hist *h, double share)
{
	uint64_t seen = 0, wanted;

	if (!h->n)
		return 0;
	/* A hair less, so that 0.99 of 100 values is the 99th, whatever 0.99 is in binary. */
	wanted = (uint64_t)ceil(share * (double)h->n - 1e-9 * (double)h->n);
	if (wanted < 1)
		wanted = 1;
	for (unsigned i = weir_bench_hist_index(h->min);; i++) {
		seen += h->counts[i];
		if (seen >= wanted || i + 1 == WEIR_BENCH_HIST_N) {
			uint64_t top = weir_bench_hist_top(i);

			return top < h->max ? top : h->max;
		}
	}
}

double weir_bench_hist_mean(const struct weir_bench_hist *h)
{
	return h->n ? h->sum / (double)h->n : 0;
}

double weir_bench_hist_deviation(const struct weir_bench_hist *h)
{
	double mean = weir_bench_hist_mean(h);
	double variance = h->n ? h->squares / (double)h->n - mean * mean : 0;

	return variance > 0 ? sqrt(variance) : 0;
}
