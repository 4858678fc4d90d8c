/* Simulated providers in a process of their own, so that they do not share our core: the
 * mock of `weir mock`, with its control listener. It ends when we do. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "bench/options.h"

enum { WEIR_BENCH_URL_MAX = 160 };

struct weir_bench_child {
	pid_t pid; /* 0: none */
	int leash; /* closed, it tells the child to end */
	unsigned vendors_n;
	char names[WEIR_BENCH_LIST_MAX][64];
	char urls[WEIR_BENCH_LIST_MAX][WEIR_BENCH_URL_MAX];
	char control[WEIR_BENCH_URL_MAX];
	struct weir_buf ca; /* PEM; empty without TLS */
};

/* Before this process has a loop or random numbers. 0, or negative and a sentence. */
WEIR_MUST_CHECK int weir_bench_child_start(struct weir_bench_child *child,
					   const struct weir_bench_options *options,
					   struct weir_error *err);
/* Waits for its end. false: it ended badly. */
bool weir_bench_child_stop(struct weir_bench_child *child);
