/* The books of simulated providers, as their control listener tells them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum { WEIR_BENCH_VENDORS_MAX = 64, WEIR_BENCH_VENDOR_NAME = 64, WEIR_BENCH_SCRIPT_MAX = 512 };

struct weir_bench_vendor {
	char name[WEIR_BENCH_VENDOR_NAME];
	char script[WEIR_BENCH_SCRIPT_MAX]; /* of the vendor as a whole; "" when too long */
	uint64_t hits, tokens, aborts;
};

struct weir_bench_stats {
	unsigned vendors_n;
	struct weir_bench_vendor vendors[WEIR_BENCH_VENDORS_MAX];
};

/* false: it is not what a control listener says. */
bool weir_bench_stats_read(struct weir_bench_stats *stats, struct weir_slice json);
/* The vendor of that name, or NULL. */
const struct weir_bench_vendor *weir_bench_stats_of(const struct weir_bench_stats *stats,
						    struct weir_slice name);
uint64_t weir_bench_stats_hits(const struct weir_bench_stats *stats);
uint64_t weir_bench_stats_tokens(const struct weir_bench_stats *stats);
