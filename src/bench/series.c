#include "bench/series.h"

#include <string.h>

enum { FIRST_STEP_BITS = 16 }; /* 65.5 us */

void weir_bench_series_clear(struct weir_bench_series *s)
{
	memset(s, 0, sizeof *s);
	s->bin_ns = WEIR_BENCH_SERIES_NS;
}

static void join(struct weir_bench_bin *to, const struct weir_bench_bin *from)
{
	to->n += from->n;
	to->ok += from->ok;
	to->latency_ns += from->latency_ns;
	if (from->latency_max_ns > to->latency_max_ns)
		to->latency_max_ns = from->latency_max_ns;
	for (int i = 0; i < WEIR_BENCH_SERIES_STEPS; i++)
		to->steps[i] += from->steps[i];
}

static void halve(struct weir_bench_series *s)
{
	for (unsigned i = 0; i < WEIR_BENCH_SERIES_MAX / 2; i++) {
		s->bins[i] = s->bins[2 * i];
		join(&s->bins[i], &s->bins[2 * i + 1]);
	}
	memset(s->bins + WEIR_BENCH_SERIES_MAX / 2, 0, sizeof s->bins / 2);
	s->bins_n = (s->bins_n + 1) / 2;
	s->bin_ns *= 2;
}

static unsigned step_of(uint64_t ns)
{
	unsigned bits = ns ? 64 - (unsigned)__builtin_clzll(ns) : 0;

	if (bits <= FIRST_STEP_BITS)
		return 0;
	bits -= FIRST_STEP_BITS;
	return bits < WEIR_BENCH_SERIES_STEPS ? bits : WEIR_BENCH_SERIES_STEPS - 1;
}

void weir_bench_series_add(struct weir_bench_series *s, uint64_t at_ns, uint64_t latency_ns, int ok)
{
	struct weir_bench_bin *bin;
	uint64_t i;

	while ((i = at_ns / s->bin_ns) >= WEIR_BENCH_SERIES_MAX)
		halve(s);
	if (i >= s->bins_n)
		s->bins_n = (unsigned)i + 1;
	bin = &s->bins[i];
	bin->n++;
	bin->ok += ok != 0;
	bin->latency_ns += latency_ns;
	if (latency_ns > bin->latency_max_ns)
		bin->latency_max_ns = latency_ns;
	bin->steps[step_of(latency_ns)]++;
}

uint64_t weir_bench_bin_at(const struct weir_bench_bin *bin, double share)
{
	double wanted = share * (double)bin->n, seen = 0;

	for (unsigned i = 0; i < WEIR_BENCH_SERIES_STEPS; i++) {
		uint64_t top = UINT64_C(1) << (FIRST_STEP_BITS + i);

		seen += bin->steps[i];
		if (bin->n && seen >= wanted)
			return top < bin->latency_max_ns ? top : bin->latency_max_ns;
	}
	return bin->latency_max_ns;
}
