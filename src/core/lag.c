#include "core/lag.h"

#include "core/metrics.h"

/* Before the loop waits: of the time since it last came here, it has waited for some. */
static void on_prepare(uv_prepare_t *prepare)
{
	struct weir_lag *lag = prepare->data;
	uint64_t now_ns = uv_hrtime(), idle_ns = uv_metrics_idle_time(prepare->loop);
	uint64_t past_ns = now_ns - lag->before_ns, waited_ns = idle_ns - lag->idle_ns;

	if (lag->before_ns && idle_ns)
		weir_metrics_turn(lag->metrics,
				  past_ns > waited_ns ? (double)(past_ns - waited_ns) / 1e9 : 0);
	lag->before_ns = now_ns;
	lag->idle_ns = idle_ns;
}

void weir_lag_init(struct weir_lag *lag, uv_loop_t *loop)
{
	uv_prepare_init(loop, &lag->prepare);
	uv_unref((uv_handle_t *)&lag->prepare);
}

void weir_lag_start(struct weir_lag *lag, struct weir_metrics *metrics)
{
	lag->metrics = metrics;
	lag->prepare.data = lag;
	uv_prepare_start(&lag->prepare, on_prepare);
}
