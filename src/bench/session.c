#include "bench/session.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/child.h"
#include "bench/contest.h"
#include "bench/lane.h"
#include "bench/live.h"
#include "bench/present.h"
#include "bench/watch.h"
#include "mock/script.h"
#include "net/tls.h"

enum { DONE = 0, BAD = 1, USAGE = 2, LANES_MAX = WEIR_BENCH_TARGETS_MAX + 1 };

struct session {
	struct weir_bench_options *options;
	uv_loop_t loop;
	struct weir_net net;
	struct weir_tls_config *tls;
	struct weir_bench_kinds kinds;
	struct weir_bench_lane lanes[LANES_MAX];
	unsigned lanes_n;
	struct weir_bench_contest contest; /* --compare */
	struct weir_bench_live live;
	struct weir_bench_child child;
	struct weir_bench_watch watch;
	bool watched; /* there are books to look into */
	bool reckoned;
	uv_signal_t signals[2];
	bool ready; /* there are handles to close */
	bool interrupted;
	struct weir_error err;
};

static void close_all(struct session *s)
{
	for (unsigned i = 0; i < s->lanes_n; i++)
		weir_bench_lane_close(&s->lanes[i]);
	if (!s->ready)
		return;
	s->ready = false;
	weir_bench_live_close(&s->live);
	if (s->watched)
		weir_bench_watch_close(&s->watch);
	for (unsigned i = 0; i < 2; i++)
		uv_close((uv_handle_t *)&s->signals[i], NULL);
}

/* The first ends the run and shows what there is, the second only ends. */
static void on_signal(uv_signal_t *handle, int number)
{
	struct session *s = handle->loop->data;

	(void)number;
	if (s->interrupted)
		_exit(BAD);
	s->interrupted = true;
	if (s->options->compare)
		weir_bench_contest_stop(&s->contest);
	else
		weir_bench_run_stop(&s->lanes[0].run);
}

static int go(struct session *s, struct weir_error *err)
{
	struct weir_bench_lane *lane = &s->lanes[0];
	struct weir_bench_round round = { .tally = lane->tally,
					  .warmup_ns = s->options->warmup_ns,
					  .duration_ns = s->options->duration_ns,
					  .requests = s->options->requests };

	weir_bench_live_watch(&s->live, &lane->run, lane->tally);
	if (weir_bench_run_go(&lane->run, &round))
		return weir_fail(err, WEIR_ENOMEM, "out of memory");
	return 0;
}

static void on_contest_over(struct weir_bench_contest *contest)
{
	close_all(contest->user);
}

static int go_by_turns(struct session *s, struct weir_error *err)
{
	s->contest = (struct weir_bench_contest){ .lanes = s->lanes,
						  .lanes_n = s->lanes_n,
						  .options = s->options,
						  .live = &s->live,
						  .user = s,
						  .on_over = on_contest_over };
	if (weir_bench_contest_begin(&s->contest))
		return weir_fail(err, WEIR_ENOMEM, "out of memory");
	return 0;
}

static void on_ready(struct weir_bench_watch *watch, bool ok)
{
	struct session *s = watch->user;

	if (!ok)
		weir_fail(&s->err, WEIR_EBIND,
			  "the control listener of the simulated providers "
			  "does not answer, or knows no such vendor");
	if (!ok || s->interrupted || go(s, &s->err))
		close_all(s);
}

static void on_done(struct weir_bench_watch *watch, bool ok)
{
	struct session *s = watch->user;

	s->reckoned = ok;
	close_all(s);
}

static void on_over(struct weir_bench_run *run)
{
	struct session *s = run->user;

	if (s->watched)
		weir_bench_watch_end(&s->watch);
	else
		close_all(s);
}

/* Simulated providers vouch for themselves. */
static int set_up_tls(struct session *s, struct weir_error *err)
{
	bool wanted = false;
	int unparsed;

	for (unsigned i = 0; i < s->lanes_n; i++)
		wanted |= s->lanes[i].target.tls;
	if (!wanted)
		return 0;
	if (s->child.ca.len && !s->options->ca_file)
		return weir_tls_client_config_create_pem(&s->tls, weir_buf_slice(&s->child.ca),
							 &unparsed, err);
	return weir_tls_client_config_create(&s->tls, s->options->ca_file, &unparsed, err);
}

/* Now, not when the outage is to begin. */
static int check_script(struct weir_slice text, struct weir_error *err)
{
	struct weir_error why = { 0 };
	struct weir_mock_script *script = weir_mock_script_parse(text, &why);

	if (!script)
		return weir_fail(err, WEIR_ECONFIG, "--outage: %s", why.text);
	weir_mock_script_unref(script);
	return 0;
}

static int set_up_watch(struct session *s, struct weir_error *err)
{
	const char *url = s->child.pid ? s->child.control : s->options->control;
	struct weir_bench_watch *w = &s->watch;
	int rc;

	if (!url || s->options->compare)
		return 0;
	weir_bench_control_init(&w->control, &s->net);
	rc = weir_bench_target_parse(&w->control.target, url,
				     weir_bench_dialect(WEIR_SLICE("http")), err);
	if (rc == 0)
		rc = weir_bench_target_resolve(&w->control.target, &s->loop, err);
	if (rc == 0 && s->options->outage) {
		w->has_plan = true;
		rc = weir_bench_outage_parse(&w->plan, s->options->outage, err);
		if (rc == 0)
			rc = check_script(w->plan.script, err);
	}
	if (rc)
		return rc;
	w->run = &s->lanes[0].run;
	w->user = s;
	w->on_ready = on_ready;
	w->on_done = on_done;
	s->watched = true;
	return 0;
}

/* Where no URL was given, the first simulated provider is the target. */
static int start_child(struct session *s, struct weir_error *err)
{
	struct weir_bench_options *o = s->options;
	int rc = weir_bench_child_start(&s->child, o, err);

	/* Beside others it is their control: the same load without anybody between. */
	if (rc == 0 && (!o->targets_n || o->compare))
		o->targets[o->targets_n++] = (struct weir_bench_named){ o->compare ? "control" : "",
									s->child.urls[0] };
	return rc;
}

static int set_up_targets(struct session *s, struct weir_error *err)
{
	int rc = 0;

	for (unsigned i = 0; i < s->options->targets_n && rc == 0; i++) {
		struct weir_bench_lane *lane = &s->lanes[i];

		lane->name = s->options->targets[i].name;
		lane->url = s->options->targets[i].url;
		rc = weir_bench_target_parse(&lane->target, lane->url, s->options->dialect, err);
		if (rc == 0)
			rc = weir_bench_target_resolve(&lane->target, &s->loop, err);
		s->lanes_n = i + 1;
	}
	return rc;
}

static int set_up(struct session *s, struct weir_error *err)
{
	static const int numbers[] = { SIGINT, SIGTERM };
	int rc = weir_bench_kinds_load(&s->kinds, s->options, err);

	if (rc == 0)
		rc = set_up_targets(s, err);
	if (rc == 0)
		rc = set_up_tls(s, err);
	if (rc == 0)
		rc = set_up_watch(s, err);
	if (rc)
		return rc;
	if (s->watched)
		weir_bench_watch_open(&s->watch, &s->loop);
	weir_bench_live_open(&s->live, &s->loop, !s->options->quiet);
	for (unsigned i = 0; i < 2; i++) {
		(void)uv_signal_init(&s->loop, &s->signals[i]);
		(void)uv_signal_start(&s->signals[i], on_signal, numbers[i]);
	}
	s->ready = true;
	for (unsigned i = 0; i < s->lanes_n && rc == 0; i++) {
		rc = weir_bench_lane_open(&s->lanes[i], s->options, &s->kinds, &s->net, s->tls,
					  err);
		s->lanes[i].run.user = s;
		s->lanes[i].run.on_over = on_over;
	}
	return rc;
}

static bool show(struct session *s)
{
	struct weir_bench_report report = { .options = s->options,
					    .url = s->lanes[0].url,
					    .tally = s->lanes[0].tally,
					    .failover = s->reckoned ? &s->watch.failover : NULL,
					    .comparison = s->contest.comparison,
					    .complaint = s->lanes[0].run.complaint,
					    .interrupted = s->interrupted };

	for (unsigned i = 0; i < s->lanes_n; i++)
		report.tallies[i] = s->lanes[i].tally;
	return weir_bench_present(&report);
}

static bool fini(struct session *s)
{
	bool ok = true;

	weir_bench_contest_fini(&s->contest);
	for (unsigned i = 0; i < s->lanes_n; i++)
		weir_bench_lane_fini(&s->lanes[i]);
	weir_tls_config_destroy(s->tls);
	weir_bench_kinds_fini(&s->kinds);
	weir_net_fini(&s->net);
	uv_loop_close(&s->loop);
	if (s->child.pid) {
		ok = weir_bench_child_stop(&s->child);
		if (!ok)
			fprintf(stderr, "weir-bench: the simulated providers ended badly\n");
	}
	return ok;
}

static int begin(struct session *s)
{
	struct weir_error *err = &s->err;
	int rc = s->options->mock ? start_child(s, err) : 0;

	if (uv_loop_init(&s->loop)) {
		fputs("weir-bench: no memory or no descriptor for an event loop\n", stderr);
		exit(BAD);
	}
	s->loop.data = s;
	if (weir_net_init(&s->net, &s->loop))
		return weir_fail(err, WEIR_ENOMEM, "out of memory");
	if (rc == 0)
		rc = set_up(s, err);
	if (rc)
		return rc;
	if (s->options->compare)
		return go_by_turns(s, err);
	if (!s->watched)
		return go(s, err);
	s->watch.tally = s->lanes[0].tally;
	weir_bench_watch_begin(&s->watch);
	return 0;
}

int weir_bench_session(struct weir_bench_options *options)
{
	static struct session session;
	struct session *s = &session;
	int code;

	s->options = options;
	if (begin(s))
		close_all(s);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	if (s->err.code)
		fprintf(stderr, "weir-bench: %s\n", s->err.text);
	if (s->err.code)
		code = s->err.code == WEIR_ECONFIG ? USAGE : BAD;
	else
		code = show(s) ? DONE : BAD;
	return fini(s) ? code : BAD;
}
