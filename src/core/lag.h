/* How long each turn of the loop held up the others: all of it but the waiting. The loop must
 * have been told to measure that (UV_METRICS_IDLE_TIME), else nothing is known. */
#pragma once

#include <uv.h>

struct weir_metrics;

struct weir_lag {
	uv_prepare_t prepare;
	struct weir_metrics *metrics;
	uint64_t before_ns, idle_ns; /* at the end of the turn before */
};

void weir_lag_init(struct weir_lag *lag, uv_loop_t *loop);
/* From now on. */
void weir_lag_start(struct weir_lag *lag, struct weir_metrics *metrics);
