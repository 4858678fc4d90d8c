/* How long a target takes until its first content: for balancing, planning, hedging and
 * the early notice that it has become slow. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	WEIR_LATENCY_BUCKETS = 40,     /* √2 apart, from 1 ms on: up to about 12 minutes */
	WEIR_LATENCY_DECAY_MS = 10000, /* of the peak: Finagle's peak EWMA */
	WEIR_LATENCY_SLOW_MS = 300000, /* of the baseline that drift is measured against */
	WEIR_LATENCY_SAMPLES_MIN = 10, /* below them nothing is known */
	WEIR_LATENCY_STALE_MS = 30000,
	WEIR_LATENCY_FADE = 512 /* samples after which all bucket counts are halved */
};

struct weir_latency {
	double peak_ms;     /* jumps up with a slow sample, sinks with time */
	double usual_ms;    /* moving average of the last dozens of samples */
	double baseline_ms; /* moving average over minutes */
	uint64_t at_ms;     /* of the newest sample */
	uint64_t asked_ms;  /* when it was tried last */
	uint32_t samples;   /* in all, saturating */
	uint32_t buckets[WEIR_LATENCY_BUCKETS], in_buckets;
};

void weir_latency_init(struct weir_latency *latency);
void weir_latency_add(struct weir_latency *latency, uint64_t sample_ms, uint64_t now_ms);

/* The peak as it has sunk by now; 0: nothing is known yet. */
double weir_latency_peak_ms(const struct weir_latency *latency, uint64_t now_ms);
/* Nobody has tried for half a minute: what was slow may not be any more. */
bool weir_latency_is_stale(const struct weir_latency *latency, uint64_t now_ms);
/* 0 until WEIR_LATENCY_SAMPLES_MIN samples. */
uint64_t weir_latency_usual_ms(const struct weir_latency *latency);
/* The percent-th percentile of the newer samples, within a factor of √2, never less than
 * it; 0 until WEIR_LATENCY_SAMPLES_MIN samples. */
uint64_t weir_latency_percentile_ms(const struct weir_latency *latency, unsigned percent);
/* Its writer was killed in the middle: what is a sum is added up anew. */
void weir_latency_mend(struct weir_latency *latency);
/* Usually percent % of its own baseline or more (300: three times as slow)? */
bool weir_latency_drifts(const struct weir_latency *latency, unsigned percent);
