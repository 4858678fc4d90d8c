/* How long each turn of the loop held up the others: all of it but the waiting. The loop must
 * have been told to measure that (UV_METRICS_IDLE_TIME), else nothing is known. */
#pragma once

#include <uv.h>

struct weir_metrics;

struct weir_lag {
	uint64_t before_ns, idle_ns; /* at the end of the turn before; 0: there was none */
};

/* A turn ends: call it in each one, before the loop waits. */
void weir_lag_turn(struct weir_lag *lag, uv_loop_t *loop, struct weir_metrics *metrics);
