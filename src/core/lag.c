#include "core/lag.h"

#include "core/metrics.h"

/* Of the time since it last came here, the loop has waited for some. */
void weir_lag_turn(struct weir_lag *lag, uv_loop_t *loop, struct weir_metrics *metrics)
{
	uint64_t now_ns = uv_hrtime(), idle_ns = uv_metrics_idle_time(loop);
	uint64_t past_ns = now_ns - lag->before_ns, waited_ns = idle_ns - lag->idle_ns;

	if (lag->before_ns && idle_ns)
		weir_metrics_turn(metrics,
				  past_ns > waited_ns ? (double)(past_ns - waited_ns) / 1e9 : 0);
	lag->before_ns = now_ns;
	lag->idle_ns = idle_ns;
}
