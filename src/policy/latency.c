#include "policy/latency.h"

#include "base/assert.h"

#define ROOT_2       1518500249 /* times 2^30 */
#define UNDER_ONE_MS 0.5        /* of less than a millisecond: 0 would read as not known */

enum { USUAL_SAMPLES = 16, DRIFT_SAMPLES = 4 * WEIR_LATENCY_SAMPLES_MIN, SQUARINGS = 10 };

void weir_latency_init(struct weir_latency *latency)
{
	*latency = (struct weir_latency){ 0 };
}

/* e^(-ms/tau) as (1 + x/n)^-n, n = 1024: 5 % off at ten times tau, and needs no libm. */
static double decay(uint64_t ms, uint64_t tau_ms)
{
	double d = 1 / (1 + (double)ms / (double)tau_ms / (1 << SQUARINGS));

	for (unsigned i = 0; i < SQUARINGS; i++)
		d *= d;
	return d;
}

/* The largest sample that falls into it. */
static uint64_t bucket_bound(unsigned bucket)
{
	uint64_t bound = UINT64_C(1) << bucket / 2;

	return bucket % 2 ? bound * ROOT_2 >> 30 : bound;
}

static unsigned bucket_of(uint64_t sample_ms)
{
	unsigned bucket = 0;

	while (bucket < WEIR_LATENCY_BUCKETS - 1 && sample_ms > bucket_bound(bucket))
		bucket++;
	return bucket;
}

static void halve_buckets(struct weir_latency *l)
{
	l->in_buckets = 0;
	for (unsigned i = 0; i < WEIR_LATENCY_BUCKETS; i++)
		l->in_buckets += l->buckets[i] /= 2;
}

static uint64_t since(const struct weir_latency *l, uint64_t now_ms)
{
	return now_ms > l->at_ms ? now_ms - l->at_ms : 0;
}

static double peak_after(const struct weir_latency *l, double sample, uint64_t now_ms)
{
	double left = decay(since(l, now_ms), WEIR_LATENCY_DECAY_MS);

	return sample > l->peak_ms * left ? sample : sample + (l->peak_ms - sample) * left;
}

/* By time, but the first samples all count alike: the very first would else be the baseline
 * for minutes. */
static double baseline_after(const struct weir_latency *l, double sample, uint64_t now_ms)
{
	double weight = 1 - decay(since(l, now_ms), WEIR_LATENCY_SLOW_MS);

	if (weight < 1.0 / l->samples)
		weight = 1.0 / l->samples;
	return l->baseline_ms + (sample - l->baseline_ms) * weight;
}

void weir_latency_add(struct weir_latency *l, uint64_t sample_ms, uint64_t now_ms)
{
	double sample = (double)sample_ms;

	if (l->samples < UINT32_MAX)
		l->samples++;
	l->peak_ms = peak_after(l, sample_ms ? sample : UNDER_ONE_MS, now_ms);
	l->usual_ms += (sample - l->usual_ms) /
		       (l->samples < USUAL_SAMPLES ? l->samples : USUAL_SAMPLES);
	l->baseline_ms = baseline_after(l, sample, now_ms);
	l->at_ms = now_ms > l->at_ms ? now_ms : l->at_ms;
	l->buckets[bucket_of(sample_ms)]++;
	if (++l->in_buckets >= WEIR_LATENCY_FADE)
		halve_buckets(l);
}

double weir_latency_peak_ms(const struct weir_latency *l, uint64_t now_ms)
{
	return l->samples ? l->peak_ms * decay(since(l, now_ms), WEIR_LATENCY_DECAY_MS) : 0;
}

uint64_t weir_latency_usual_ms(const struct weir_latency *l)
{
	return l->samples < WEIR_LATENCY_SAMPLES_MIN ? 0 : (uint64_t)(l->usual_ms + 0.5);
}

void weir_latency_mend(struct weir_latency *l)
{
	l->in_buckets = 0;
	for (unsigned i = 0; i < WEIR_LATENCY_BUCKETS; i++)
		l->in_buckets += l->buckets[i];
}

uint64_t weir_latency_percentile_ms(const struct weir_latency *l, unsigned percent)
{
	uint64_t rank = ((uint64_t)l->in_buckets * percent + 99) / 100, seen = 0;

	if (l->samples < WEIR_LATENCY_SAMPLES_MIN)
		return 0;
	WEIR_ASSERT(percent >= 1 && percent <= 100);
	for (unsigned i = 0; i < WEIR_LATENCY_BUCKETS; i++) {
		seen += l->buckets[i];
		if (seen >= rank)
			return bucket_bound(i);
	}
	WEIR_ASSERT(!"a sample in some bucket");
	return 0;
}

bool weir_latency_drifts(const struct weir_latency *l, unsigned percent)
{
	return l->samples >= DRIFT_SAMPLES && l->usual_ms > 0 &&
	       l->usual_ms * 100 >= l->baseline_ms * percent;
}

bool weir_latency_is_stale(const struct weir_latency *l, uint64_t now_ms)
{
	return now_ms >= l->asked_ms + WEIR_LATENCY_STALE_MS;
}
