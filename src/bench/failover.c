#include "bench/failover.h"

#include <string.h>

#include "bench/words.h"

static const uint64_t SETTLED_NS = UINT64_C(1000000000);
static const double GOOD = 0.99, SLOW = 2, SHARE = 0.9;

static bool parse(struct weir_bench_outage_plan *plan, struct weir_slice text)
{
	const char *equals = memchr(text.base, '=', text.len);
	const char *at = memrchr(text.base, '@', text.len), *plus;
	const char *end = text.base + text.len;

	if (!equals || equals == text.base || !at || at < equals)
		return false;
	plus = memchr(at, '+', (size_t)(end - at));
	if (!plus)
		return false;
	plan->vendor = weir_slice(text.base, (size_t)(equals - text.base));
	plan->script = weir_slice(equals + 1, (size_t)(at - equals - 1));
	return plan->script.len &&
	       weir_bench_duration(weir_slice(at + 1, (size_t)(plus - at - 1)), &plan->start_ns) &&
	       weir_bench_duration(weir_slice(plus + 1, (size_t)(end - plus - 1)), &plan->for_ns);
}

int weir_bench_outage_parse(struct weir_bench_outage_plan *plan, const char *text,
			    struct weir_error *err)
{
	if (parse(plan, weir_slice_of(text)))
		return 0;
	return weir_fail(err, WEIR_ECONFIG,
			 "--outage %.80s: write VENDOR=SCRIPT@START+FOR, alpha=503@5s+10s", text);
}

void weir_bench_samples_add(struct weir_bench_samples *s, const struct weir_bench_sample *sample)
{
	if (s->n == WEIR_BENCH_SAMPLES_MAX) {
		s->n = WEIR_BENCH_SAMPLES_MAX / 2;
		for (unsigned i = 0; i < s->n; i++)
			s->list[i] = s->list[2 * i];
	}
	s->list[s->n++] = *sample;
}

static bool settled(const struct weir_bench_series *s, unsigned i, uint64_t until,
		    bool (*good)(const struct weir_bench_bin *bin, double level), double level)
{
	uint64_t begin = i * s->bin_ns;
	bool any = false;

	for (; i < s->bins_n && i * s->bin_ns < until && i * s->bin_ns < begin + SETTLED_NS; i++) {
		if (!s->bins[i].n)
			continue;
		if (!good(&s->bins[i], level))
			return false;
		any = true;
	}
	return any;
}

uint64_t weir_bench_recovery(const struct weir_bench_series *s, uint64_t from, uint64_t until,
			     bool (*good)(const struct weir_bench_bin *bin, double level),
			     double level)
{
	for (unsigned i = (unsigned)(from / s->bin_ns); i < s->bins_n && i * s->bin_ns < until; i++)
		if (settled(s, i, until, good, level))
			return i * s->bin_ns > from ? i * s->bin_ns - from : 0;
	return WEIR_BENCH_NEVER;
}

static bool answers_well(const struct weir_bench_bin *bin, double level)
{
	return (double)bin->ok >= level * (double)bin->n;
}

static bool is_fast(const struct weir_bench_bin *bin, double level)
{
	return (double)bin->latency_ns <= level * (double)bin->n;
}

static double mean_before(const struct weir_bench_series *s, uint64_t until)
{
	double sum = 0, n = 0;

	for (unsigned i = 0; i < s->bins_n && (i + 1) * s->bin_ns <= until; i++) {
		sum += (double)s->bins[i].latency_ns;
		n += (double)s->bins[i].n;
	}
	return n > 0 ? sum / n : 0;
}

/* The last sample not after that time; else the first. */
static const struct weir_bench_sample *sample_at(const struct weir_bench_samples *s, uint64_t at)
{
	unsigned i = 0;

	while (i + 1 < s->n && s->list[i + 1].at_ns <= (int64_t)at)
		i++;
	return &s->list[i];
}

static double calls_between(const struct weir_bench_sample *a, const struct weir_bench_sample *b)
{
	return b->sent > a->sent ? (double)(b->hits - a->hits) / (double)(b->sent - a->sent) : 0;
}

static double victims_share(const struct weir_bench_sample *a, const struct weir_bench_sample *b)
{
	return b->hits > a->hits ? (double)(b->victim - a->victim) / (double)(b->hits - a->hits)
				 : 0;
}

static uint64_t time_to_return(const struct weir_bench_failover *f,
			       const struct weir_bench_samples *s)
{
	const struct weir_bench_sample *first = &s->list[0], *begin = sample_at(s, f->began_ns);
	double wanted = SHARE * victims_share(first, begin);

	if (wanted <= 0)
		return WEIR_BENCH_NEVER;
	for (unsigned i = 0; i + 1 < s->n; i++) {
		const struct weir_bench_sample *a = &s->list[i], *b = &s->list[i + 1];

		if (a->at_ns < (int64_t)f->ended_ns || victims_share(a, b) < wanted)
			continue;
		return (uint64_t)a->at_ns - f->ended_ns;
	}
	return WEIR_BENCH_NEVER;
}

void weir_bench_failover_reckon(struct weir_bench_failover *f, const struct weir_bench_samples *s,
				const struct weir_bench_tally *t)
{
	const struct weir_bench_sample *first = &s->list[0], *last = &s->list[s->n - 1];
	const struct weir_bench_sample *begin = sample_at(s, f->began_ns);
	const struct weir_bench_sample *end = sample_at(s, f->ended_ns);
	uint64_t until = t->seconds_ns;

	f->requests = last->sent - first->sent;
	f->calls = last->hits - first->hits;
	f->made = last->tokens - first->tokens;
	f->wasted = f->made > t->tokens_kept ? f->made - t->tokens_kept : 0;
	if (!f->outage)
		return;
	f->calls_per_request[0] = calls_between(first, begin);
	f->calls_per_request[1] = calls_between(begin, end);
	f->calls_per_request[2] = calls_between(end, last);
	f->success_ns = weir_bench_recovery(&t->series, f->began_ns, until, answers_well, GOOD);
	f->latency_ns = weir_bench_recovery(&t->series, f->began_ns, until, is_fast,
					    SLOW * mean_before(&t->series, f->began_ns));
	f->return_ns = time_to_return(f, s);
	f->step_ns = t->series.bin_ns;
}
