/* How long each turn of the loop held up the others: all of it but the waiting. */
#pragma once

#include <stdbool.h>
#include <uv.h>

struct weir_metrics;

struct weir_lag {
	uint64_t polled_ms; /* uv_now() as the wait ended; 0: there was none */
	uint64_t turned_ns; /* when the last turn ended */
	uint64_t behind_ns; /* since when the loop is behind; 0: it is not */
};

/* Longer turns are too long, shorter ones mean that it has caught up. One long turn is an accident,
 * a second of nothing else is a loop that is asked for more than it can do. */
enum { WEIR_LAG_LONG_MS = 250, WEIR_LAG_SHORT_MS = 100, WEIR_LAG_PATIENCE_MS = 1000 };

/* After each wait: the loop's own clock was read then, and is not read again. */
void weir_lag_polled(struct weir_lag *lag, const uv_loop_t *loop);

/* A turn ends: call it in each one, before the loop waits. began_ns: uv_hrtime() when the first of
 * what is ours began in it; 0: nothing did. What others did before is known to a few
 * milliseconds only, and less than that not told. */
void weir_lag_turn(struct weir_lag *lag, uint64_t began_ns, struct weir_metrics *metrics);

/* For longer than WEIR_LAG_PATIENCE_MS there was neither a short turn nor a wait. */
bool weir_lag_is_behind(const struct weir_lag *lag);
