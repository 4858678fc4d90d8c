#include "core/lag.h"

#include "core/metrics.h"

/* By that the loop's clock may be behind when it is read: it counts in whole ones, and may be read
 * from what the kernel updates once in a tick. */
enum { BEHIND_MS = 2 };

void weir_lag_polled(struct weir_lag *lag, const uv_loop_t *loop)
{
	lag->polled_ms = uv_now(loop);
}

void weir_lag_turn(const struct weir_lag *lag, uint64_t began_ns, struct weir_metrics *metrics)
{
	uint64_t now_ns = uv_hrtime(), back_ns = (lag->polled_ms + BEHIND_MS) * 1000000;

	if (lag->polled_ms == 0)
		return;
	if (began_ns == 0 || began_ns > back_ns)
		began_ns = back_ns;
	weir_metrics_turn(metrics, now_ns > began_ns ? (double)(now_ns - began_ns) / 1e9 : 0);
}
