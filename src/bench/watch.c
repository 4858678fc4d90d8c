#include "bench/watch.h"

#include <stdio.h>

#include "bench/pen.h"

enum { ORDER_MAX = 64 * 1024 };

static int64_t since_began(const struct weir_bench_watch *w)
{
	return w->run->began_ns ? (int64_t)(uv_hrtime() - w->run->began_ns) : 0;
}

static void add_sample(struct weir_bench_watch *w, const struct weir_bench_stats *stats)
{
	const struct weir_bench_vendor *victim = weir_bench_stats_of(stats, w->plan.vendor);
	struct weir_bench_sample sample = {
		.at_ns = since_began(w),
		.sent = w->tally->sent,
		.hits = weir_bench_stats_hits(stats),
		.tokens = weir_bench_stats_tokens(stats),
		.victim = victim ? victim->hits : weir_bench_stats_hits(stats),
	};

	weir_bench_samples_add(&w->samples, &sample);
}

static bool knows_victim(const struct weir_bench_watch *w)
{
	return !w->has_plan || weir_slice_is(w->plan.vendor, "*") ||
	       weir_bench_stats_of(&w->first, w->plan.vendor);
}

static void on_first(void *arg, unsigned status, struct weir_slice body)
{
	struct weir_bench_watch *w = arg;
	bool ok = status == 200 && weir_bench_stats_read(&w->first, body) && knows_victim(w);

	if (ok)
		add_sample(w, &w->first);
	w->on_ready(w, ok);
}

static void on_sample(void *arg, unsigned status, struct weir_slice body)
{
	struct weir_bench_watch *w = arg;

	w->asked = false;
	if (status == 200 && weir_bench_stats_read(&w->last, body))
		add_sample(w, &w->last);
}

static void ask_sample(struct weir_bench_watch *w)
{
	if (!w->asked)
		w->asked = weir_bench_control_ask(&w->control, "/mock/stats", NULL, on_sample, w) ==
			   0;
}

/* The moment it is confirmed is the moment that counts. */
static void on_ordered(void *arg, unsigned status, struct weir_slice body)
{
	struct weir_bench_watch *w = arg;

	(void)status;
	(void)body;
	if (w->failing)
		w->failover.began_ns = (uint64_t)since_began(w);
	else
		w->failover.ended_ns = (uint64_t)since_began(w);
	ask_sample(w);
}

static bool struck(const struct weir_bench_watch *w, const struct weir_bench_vendor *v)
{
	return weir_slice_is(w->plan.vendor, "*") || weir_slice_is(w->plan.vendor, v->name);
}

/* A script for each vendor the outage is about: the outage's, or what it had before. */
static void order(struct weir_bench_watch *w, bool fail, weir_bench_on_told *on_told)
{
	struct weir_buf buf;
	struct weir_bench_pen pen = { &buf, 0 };

	w->failing = fail;
	w->over |= !fail;
	w->run->phase = fail ? 1 : 2;
	weir_buf_init(&buf, ORDER_MAX);
	for (unsigned i = 0; i < w->first.vendors_n; i++) {
		const struct weir_bench_vendor *v = &w->first.vendors[i];

		if (struck(w, v) && fail)
			weir_bench_put(&pen, "%s=%.*s\n", v->name, (int)w->plan.script.len,
				       w->plan.script.base);
		else if (struck(w, v))
			weir_bench_put(&pen, "%s=%s\n", v->name, v->script);
	}
	weir_bench_put(&pen, "%c", '\0');
	if (pen.rc || weir_bench_control_ask(&w->control, "/mock/script", buf.base, on_told, w))
		on_told(w, 0, WEIR_SLICE(""));
	weir_buf_fini(&buf);
}

static void on_timer(uv_timer_t *timer)
{
	struct weir_bench_watch *w = timer->data;
	int64_t at = since_began(w);

	if (w->run->state != WEIR_BENCH_ASKING || at < 0)
		return;
	if (w->has_plan && !w->over && !w->failing && at >= (int64_t)w->plan.start_ns)
		order(w, true, on_ordered);
	else if (w->failing && at >= (int64_t)(w->failover.began_ns + w->plan.for_ns) &&
		 w->failover.began_ns)
		order(w, false, on_ordered);
	if (w->ticks++ % (WEIR_BENCH_SAMPLE_MS / WEIR_BENCH_WATCH_MS) == 0)
		ask_sample(w);
}

void weir_bench_watch_open(struct weir_bench_watch *w, uv_loop_t *loop)
{
	w->timer.data = w;
	(void)uv_timer_init(loop, &w->timer);
}

void weir_bench_watch_begin(struct weir_bench_watch *w)
{
	(void)uv_timer_start(&w->timer, on_timer, WEIR_BENCH_WATCH_MS, WEIR_BENCH_WATCH_MS);
	if (weir_bench_control_ask(&w->control, "/mock/stats", NULL, on_first, w))
		w->on_ready(w, false);
}

static void subtract(struct weir_bench_watch *w)
{
	w->failover.vendors = w->last;
	for (unsigned i = 0; i < w->last.vendors_n; i++) {
		struct weir_bench_vendor *v = &w->failover.vendors.vendors[i];
		const struct weir_bench_vendor *before = weir_bench_stats_of(
			&w->first, weir_slice_of(v->name));

		if (before) {
			v->hits -= before->hits;
			v->tokens -= before->tokens;
			v->aborts -= before->aborts;
		}
	}
}

static void on_last(void *arg, unsigned status, struct weir_slice body)
{
	struct weir_bench_watch *w = arg;
	bool ok = status == 200 && weir_bench_stats_read(&w->last, body);

	if (ok) {
		add_sample(w, &w->last);
		subtract(w);
		w->failover.outage = w->over && w->failover.began_ns;
		w->failover.plan = w->plan;
		weir_bench_failover_reckon(&w->failover, &w->samples, w->tally);
	}
	w->on_done(w, ok);
}

static void ask_last(struct weir_bench_watch *w)
{
	if (weir_bench_control_ask(&w->control, "/mock/stats", NULL, on_last, w))
		w->on_done(w, false);
}

static void on_healed(void *arg, unsigned status, struct weir_slice body)
{
	struct weir_bench_watch *w = arg;

	(void)status;
	(void)body;
	w->failover.ended_ns = w->tally->seconds_ns;
	ask_last(w);
}

void weir_bench_watch_end(struct weir_bench_watch *w)
{
	uv_timer_stop(&w->timer);
	if (w->failing)
		order(w, false, on_healed);
	else
		ask_last(w);
}

void weir_bench_watch_close(struct weir_bench_watch *w)
{
	weir_bench_control_close(&w->control);
	uv_close((uv_handle_t *)&w->timer, NULL);
}
