#include "bench/dist.h"

#include <math.h>
#include <string.h>

#include "base/attr.h"

static const struct {
	const char *prefix;
	int kind;
	unsigned numbers;
} kinds[] = {
	{ "exp:", WEIR_BENCH_DIST_EXP, 1 },
	{ "normal:", WEIR_BENCH_DIST_NORMAL, 2 },
	{ "lognormal:", WEIR_BENCH_DIST_LOGNORMAL, 2 },
	{ "", WEIR_BENCH_DIST_EVEN, 2 },
	{ "", WEIR_BENCH_DIST_ALWAYS, 1 },
};

static bool number(struct weir_slice text, double *value)
{
	return weir_slice_to_double(text, value) && *value <= WEIR_BENCH_DIST_MAX;
}

/* One or two numbers with this text between them. */
static bool numbers(struct weir_slice text, const char *between, unsigned n, double *a, double *b)
{
	const char *at = memmem(text.base, text.len, between, strlen(between));
	size_t left = at ? (size_t)(at - text.base) : text.len;

	if ((at != NULL) != (n == 2) || !number(weir_slice(text.base, left), a))
		return false;
	left += strlen(between);
	return n == 1 || number(weir_slice(text.base + left, text.len - left), b);
}

static bool sound(const struct weir_bench_dist *d)
{
	switch (d->kind) {
	case WEIR_BENCH_DIST_ALWAYS:
	case WEIR_BENCH_DIST_EXP:
	case WEIR_BENCH_DIST_NORMAL:
		return d->a >= 1;
	case WEIR_BENCH_DIST_EVEN:
	case WEIR_BENCH_DIST_LOGNORMAL:
		return d->a >= 1 && d->b >= d->a;
	}
	return false;
}

int weir_bench_dist_parse(struct weir_bench_dist *dist, struct weir_slice text,
			  struct weir_error *err)
{
	for (size_t i = 0; i < WEIR_COUNT_OF(kinds); i++) {
		size_t n = strlen(kinds[i].prefix);

		if (!weir_slice_starts(text, kinds[i].prefix))
			continue;
		*dist = (struct weir_bench_dist){ .kind = kinds[i].kind };
		if (numbers(weir_slice(text.base + n, text.len - n), n ? "," : "..",
			    kinds[i].numbers, &dist->a, &dist->b) &&
		    sound(dist))
			return 0;
	}
	return weir_fail(err, WEIR_ECONFIG,
			 "\"%.*s\" is no distribution: write 200, 50..500, exp:300, "
			 "normal:400,100 or lognormal:200,1500 (median,p95), 1 to 1000000",
			 (int)(text.len < 60 ? text.len : 60), text.base);
}

double weir_bench_unit(struct weir_rng *rng)
{
	return (double)((weir_rng_next(rng) >> 11) + 1) * 0x1p-53;
}

/* Box and Muller, 1958. */
static double gauss(struct weir_rng *rng)
{
	const double turn = 6.283185307179586;
	double radius = sqrt(-2 * log(weir_bench_unit(rng)));

	return radius * cos(turn * weir_bench_unit(rng));
}

static double draw(const struct weir_bench_dist *d, struct weir_rng *rng)
{
	const double p95 = 1.6448536269514722; /* of the standard normal distribution */

	switch (d->kind) {
	case WEIR_BENCH_DIST_ALWAYS:
		break;
	case WEIR_BENCH_DIST_EVEN:
		return d->a + (double)weir_rng_upto(rng, (uint64_t)(d->b - d->a));
	case WEIR_BENCH_DIST_EXP:
		return -d->a * log(weir_bench_unit(rng));
	case WEIR_BENCH_DIST_NORMAL:
		return d->a + d->b * gauss(rng);
	case WEIR_BENCH_DIST_LOGNORMAL:
		return d->a * exp(gauss(rng) * log(d->b / d->a) / p95);
	}
	return d->a;
}

uint64_t weir_bench_dist_draw(const struct weir_bench_dist *dist, struct weir_rng *rng)
{
	double size = draw(dist, rng);

	if (size < 1)
		return 1;
	return size > WEIR_BENCH_DIST_MAX ? WEIR_BENCH_DIST_MAX : (uint64_t)(size + 0.5);
}
