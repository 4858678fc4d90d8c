#include "bench/arrivals.h"

#include <math.h>
#include <string.h>

#include "bench/dist.h"
#include "bench/words.h"

enum { RATE_MAX = 10 * 1000 * 1000 };

static bool rate_of(struct weir_slice text, double *rate)
{
	return weir_slice_to_double(text, rate) && *rate > 0 && *rate <= RATE_MAX;
}

static bool parse(struct weir_bench_rate *rate, struct weir_slice text)
{
	const char *dots = memmem(text.base, text.len, "..", 2);
	const char *slash = memchr(text.base, '/', text.len);
	const char *end = text.base + text.len;

	rate->ramp_ns = 0;
	if (!dots) {
		bool ok = rate_of(text, &rate->from);

		rate->to = rate->from;
		return ok;
	}
	return slash && slash > dots + 2 &&
	       rate_of(weir_slice(text.base, (size_t)(dots - text.base)), &rate->from) &&
	       rate_of(weir_slice(dots + 2, (size_t)(slash - dots - 2)), &rate->to) &&
	       weir_bench_duration(weir_slice(slash + 1, (size_t)(end - slash - 1)),
				   &rate->ramp_ns);
}

int weir_bench_rate_parse(struct weir_bench_rate *rate, struct weir_slice text,
			  struct weir_error *err)
{
	if (parse(rate, text))
		return 0;
	return weir_fail(err, WEIR_ECONFIG,
			 "\"%.*s\" is no rate: write requests a second, 5000, or a ramp, "
			 "100..5000/60s",
			 (int)(text.len < 60 ? text.len : 60), text.base);
}

double weir_bench_rate_at(const struct weir_bench_rate *rate, double ns)
{
	double ramp = (double)rate->ramp_ns;

	return ns >= ramp ? rate->to : rate->from + (rate->to - rate->from) * ns / ramp;
}

void weir_bench_arrivals_init(struct weir_bench_arrivals *a, const struct weir_bench_rate *rate,
			      bool poisson, uint64_t seed)
{
	*a = (struct weir_bench_arrivals){ .rate = *rate, .poisson = poisson };
	weir_rng_init(&a->rng, seed);
}

uint64_t weir_bench_arrivals_next(struct weir_bench_arrivals *a)
{
	double gap = 1e9 / weir_bench_rate_at(&a->rate, a->due_ns);

	if (a->poisson)
		gap *= -log(weir_bench_unit(&a->rng));
	a->due_ns += gap;
	return (uint64_t)a->due_ns;
}
