#include "core/lag.h"

#include "core/metrics.h"

/* By that the loop's clock may be behind when it is read: it counts in whole ones, and may be read
 * from what the kernel updates once in a tick. */
enum { BEHIND_MS = 2, MS = 1000 * 1000 };
enum { WAITED_MS = 20 }; /* nothing was ready: what came before is no burden any more */

void weir_lag_polled(struct weir_lag *lag, const uv_loop_t *loop)
{
	lag->polled_ms = uv_now(loop);
	if (lag->behind_ns && lag->polled_ms * MS > lag->turned_ns + (uint64_t)WAITED_MS * MS)
		lag->behind_ns = 0;
}

void weir_lag_turn(struct weir_lag *lag, uint64_t began_ns, struct weir_metrics *metrics)
{
	uint64_t now_ns = uv_hrtime(), back_ns = (lag->polled_ms + BEHIND_MS) * MS, turn_ns;

	lag->turned_ns = now_ns;
	if (lag->polled_ms == 0)
		return;
	if (began_ns == 0 || began_ns > back_ns)
		began_ns = back_ns;
	turn_ns = now_ns > began_ns ? now_ns - began_ns : 0;
	if (turn_ns < (uint64_t)WEIR_LAG_SHORT_MS * MS)
		lag->behind_ns = 0;
	else if (turn_ns > (uint64_t)WEIR_LAG_LONG_MS * MS && lag->behind_ns == 0)
		lag->behind_ns = now_ns;
	weir_metrics_turn(metrics, (double)turn_ns / 1e9);
}

bool weir_lag_is_behind(const struct weir_lag *lag)
{
	return lag->behind_ns && uv_hrtime() - lag->behind_ns > (uint64_t)WEIR_LAG_PATIENCE_MS * MS;
}
