#include "bench/live.h"

#include <stdio.h>
#include <unistd.h>

#include "bench/pen.h"

enum { EVERY_MS = 500 };

static void on_timer(uv_timer_t *timer)
{
	struct weir_bench_live *live = timer->data;
	const struct weir_bench_tally *t = live->tally;
	uint64_t now = uv_hrtime();
	char p50[WEIR_BENCH_TIME_TEXT], p99[WEIR_BENCH_TIME_TEXT], at[WEIR_BENCH_TIME_TEXT];
	double seconds = (double)(now - live->at_ns) / 1e9;

	if (!live->run || now <= live->run->began_ns)
		return;
	fprintf(stderr, "\r\033[K%s  %.0f/s  %llu done, %llu failed, %u under way  p50 %s  p99 %s",
		weir_bench_time(now - live->run->began_ns, at),
		(double)(t->done - live->done) / seconds, (unsigned long long)t->done,
		(unsigned long long)weir_bench_tally_failed(t), live->run->busy_n,
		weir_bench_time(weir_bench_hist_at(t->latency, 0.5), p50),
		weir_bench_time(weir_bench_hist_at(t->latency, 0.99), p99));
	live->done = t->done;
	live->at_ns = now;
}

void weir_bench_live_open(struct weir_bench_live *live, uv_loop_t *loop, bool wanted)
{
	*live = (struct weir_bench_live){ .on = wanted && isatty(STDERR_FILENO) };
	live->timer.data = live;
	(void)uv_timer_init(loop, &live->timer);
	if (live->on)
		(void)uv_timer_start(&live->timer, on_timer, EVERY_MS, EVERY_MS);
}

void weir_bench_live_watch(struct weir_bench_live *live, struct weir_bench_run *run,
			   struct weir_bench_tally *tally)
{
	live->run = run;
	live->tally = tally;
	live->done = tally->done;
	live->at_ns = uv_hrtime();
}

void weir_bench_live_close(struct weir_bench_live *live)
{
	if (live->on)
		fprintf(stderr, "\r\033[K");
	uv_close((uv_handle_t *)&live->timer, NULL);
}
