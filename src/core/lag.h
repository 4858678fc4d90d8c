/* How long each turn of the loop held up the others: all of it but the waiting. */
#pragma once

#include <uv.h>

struct weir_metrics;

struct weir_lag {
	uint64_t polled_ms; /* uv_now() as the wait ended; 0: there was none */
};

/* After each wait: the loop's own clock was read then, and is not read again. */
void weir_lag_polled(struct weir_lag *lag, const uv_loop_t *loop);

/* A turn ends: call it in each one, before the loop waits. began_ns: uv_hrtime() when the first of
 * what is ours began in it; 0: nothing did. What others did before is known to a few
 * milliseconds only, and less than that not told. */
void weir_lag_turn(const struct weir_lag *lag, uint64_t began_ns, struct weir_metrics *metrics);
