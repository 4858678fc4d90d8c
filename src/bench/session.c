#include "bench/session.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/lane.h"
#include "bench/live.h"
#include "bench/report.h"
#include "net/tls.h"

enum { DONE = 0, BAD = 1, USAGE = 2, REPORT_MAX = 64 * 1024 * 1024 };

struct session {
	struct weir_bench_options *options;
	uv_loop_t loop;
	struct weir_net net;
	struct weir_tls_config *tls;
	struct weir_bench_kinds kinds;
	struct weir_bench_lane lanes[WEIR_BENCH_TARGETS_MAX];
	unsigned lanes_n, at;
	struct weir_bench_live live;
	uv_signal_t signals[2];
	bool ready; /* there are handles to close */
	bool interrupted;
	int code;
};

static void close_all(struct session *s)
{
	for (unsigned i = 0; i < s->lanes_n; i++)
		weir_bench_lane_close(&s->lanes[i]);
	if (!s->ready)
		return;
	s->ready = false;
	weir_bench_live_close(&s->live);
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
	weir_bench_run_stop(&s->lanes[s->at].run);
}

static void on_over(struct weir_bench_run *run)
{
	close_all(run->user);
}

static int set_up_tls(struct session *s, struct weir_error *err)
{
	bool wanted = false;
	int unparsed;

	for (unsigned i = 0; i < s->lanes_n; i++)
		wanted |= s->lanes[i].target.tls;
	if (!wanted)
		return 0;
	return weir_tls_client_config_create(&s->tls, s->options->ca_file, &unparsed, err);
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
	if (rc)
		return rc;
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

static int show(struct session *s)
{
	struct weir_bench_lane *lane = &s->lanes[0];
	struct weir_bench_report report = { .options = s->options,
					    .url = lane->url,
					    .tally = lane->tally,
					    .complaint = lane->run.complaint,
					    .interrupted = s->interrupted };
	struct weir_buf buf;
	struct weir_bench_pen pen = { &buf, 0 };

	weir_buf_init(&buf, REPORT_MAX);
	if (s->options->json) {
		weir_bench_report_json(&pen, &report);
		weir_bench_put(&pen, "\n");
	} else {
		weir_bench_report_text(&pen, &report);
	}
	if (pen.rc == 0)
		fwrite(buf.base, 1, buf.len, stdout);
	weir_buf_fini(&buf);
	if (pen.rc)
		return BAD;
	return lane->tally->outcomes[WEIR_BENCH_OK] ? DONE : BAD;
}

static void fini(struct session *s)
{
	for (unsigned i = 0; i < s->lanes_n; i++)
		weir_bench_lane_fini(&s->lanes[i]);
	weir_tls_config_destroy(s->tls);
	weir_bench_kinds_fini(&s->kinds);
	weir_net_fini(&s->net);
	uv_loop_close(&s->loop);
}

int weir_bench_session(struct weir_bench_options *options)
{
	static struct session session;
	struct session *s = &session;
	struct weir_error err = { 0 };
	int rc;

	s->options = options;
	uv_loop_init(&s->loop);
	s->loop.data = s;
	rc = weir_net_init(&s->net, &s->loop);
	if (rc) {
		fprintf(stderr, "weir-bench: out of memory\n");
		return BAD;
	}
	rc = set_up(s, &err);
	if (rc == 0)
		rc = go(s, &err);
	if (rc)
		close_all(s);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	if (rc)
		fprintf(stderr, "weir-bench: %s\n", err.text);
	else
		s->code = show(s);
	if (rc)
		s->code = err.code == WEIR_ECONFIG ? USAGE : BAD;
	fini(s);
	return s->code;
}
