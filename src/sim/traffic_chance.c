#include "sim/traffic_chance.h"

#include "base/assert.h"

#define LN_2        0.69314718055994531
#define P99_SIGMAS  2.3263478740408408 /* standard deviations from the median to the 99th */
#define SPREAD_MOST 1e12

enum { UNIFORMS = 12, SERIES = 20 };

bool weir_chance(struct weir_rng *rng, uint32_t share_ppm)
{
	return weir_rng_upto(rng, WEIR_PPM - 1) < share_ppm;
}

/* 0 <= result < 1 */
static double unit(struct weir_rng *rng)
{
	return (double)(weir_rng_next(rng) >> 11) / 9007199254740992.0;
}

/* The sum of twelve has a variance of one and is as good as normal within three deviations
 * (Irwin and Hall, 1927). */
static double normal(struct weir_rng *rng)
{
	double sum = 0;

	for (int i = 0; i < UNIFORMS; i++)
		sum += unit(rng);
	return sum - UNIFORMS / 2;
}

/* Of x > 0, by its exponent and the series of artanh. No libm: one more thing that could
 * round differently elsewhere. */
static double log_2(double x)
{
	double whole = 0, y, power, sum = 0;

	WEIR_ASSERT(x > 0);
	for (; x >= 2; x /= 2)
		whole++;
	for (; x < 1; x *= 2)
		whole--;
	y = (x - 1) / (x + 1);
	power = y;
	for (int i = 1; i < 2 * SERIES; i += 2) {
		sum += power / i;
		power *= y * y;
	}
	return whole + 2 * sum / LN_2;
}

static double exp_2(double x)
{
	double term = 1, sum = 1, scale = 1;

	for (; x >= 1 && scale < SPREAD_MOST; x--)
		scale *= 2;
	for (; x < 0 && scale > 1 / SPREAD_MOST; x++)
		scale /= 2;
	for (int i = 1; i < SERIES; i++) {
		term *= x * LN_2 / i;
		sum += term;
	}
	return sum * scale;
}

struct weir_spread weir_spread_of(uint64_t p50, uint64_t p99)
{
	struct weir_spread spread = { .median = (double)p50 };

	if (p50 > 0 && p99 > p50)
		spread.doublings = log_2((double)p99 / (double)p50) / P99_SIGMAS;
	return spread;
}

uint64_t weir_spread_draw(const struct weir_spread *spread, struct weir_rng *rng)
{
	double drawn = spread->median;

	if (spread->doublings > 0)
		drawn *= exp_2(spread->doublings * normal(rng));
	return (uint64_t)(drawn < SPREAD_MOST ? drawn + 0.5 : SPREAD_MOST);
}

uint64_t weir_chance_gap_us(double per_s, struct weir_rng *rng)
{
	double gap_us;

	WEIR_ASSERT(per_s > 0);
	gap_us = -log_2(1 - unit(rng)) * LN_2 / per_s * 1e6;
	return (uint64_t)(gap_us < SPREAD_MOST ? gap_us : SPREAD_MOST);
}
