/* Sizes drawn from a distribution: of prompts, of answers.
 *
 *	200                  always
 *	50..500              evenly
 *	exp:300              exponential of that mean
 *	normal:400,100       mean and standard deviation
 *	lognormal:200,1500   median and 95th percentile: most are short, some very long */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/rng.h"
#include "base/slice.h"

enum { WEIR_BENCH_DIST_MAX = 1000 * 1000 };

struct weir_bench_dist {
	enum {
		WEIR_BENCH_DIST_ALWAYS,
		WEIR_BENCH_DIST_EVEN,
		WEIR_BENCH_DIST_EXP,
		WEIR_BENCH_DIST_NORMAL,
		WEIR_BENCH_DIST_LOGNORMAL
	} kind;
	double a, b;
};

/* 0, or WEIR_ECONFIG and a sentence. */
WEIR_MUST_CHECK int weir_bench_dist_parse(struct weir_bench_dist *dist, struct weir_slice text,
					  struct weir_error *err);
/* 1 to WEIR_BENCH_DIST_MAX. */
uint64_t weir_bench_dist_draw(const struct weir_bench_dist *dist, struct weir_rng *rng);

/* 0 < result <= 1: its logarithm is finite. */
double weir_bench_unit(struct weir_rng *rng);
