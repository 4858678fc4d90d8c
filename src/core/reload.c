#include "core/reload.h"

#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "config/report.h"
#include "core/client.h"
#include "core/doors.h"

enum { FINDING_MAX = 64 * 1024 };

const char *weir_reload_name(const struct weir_gateway *g)
{
	return g->config_path ? g->config_path : "(text)";
}

void weir_reload_hear(const struct weir_findings *findings,
		      void (*on_finding)(void *arg, const char *line, size_t len), void *arg)
{
	for (unsigned i = 0; on_finding && i < findings->n; i++) {
		struct weir_buf line;

		weir_buf_init(&line, FINDING_MAX);
		if (weir_finding_print(findings, i, &line) == 0)
			on_finding(arg, line.base, line.len);
		weir_buf_fini(&line);
	}
}

int weir_reload_read(const struct weir_gateway *g, struct weir_slice text,
		     struct weir_config **config, struct weir_findings *findings)
{
	if (text.base)
		return weir_config_parse(config, text, weir_reload_name(g), NULL, NULL, findings);
	if (g->config_is_text) {
		*config = NULL;
		weir_findings_add(findings, WEIR_FINDING_ERROR, 0, 0, "missing-file", ".",
				  "the configuration was given as a text, not as a file\ngive the "
				  "new one with weir_gateway_reload()");
		return findings->out_of_memory ? WEIR_ENOMEM : WEIR_ECONFIG;
	}
	if (g->config_path)
		return weir_config_load(config, g->config_path, findings);
	return weir_config_zero(config, NULL, NULL, findings);
}

/* ---- what a running gateway cannot take on ---- */

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static void warn_of_restart(const struct weir_gateway *g, const struct weir_config *config,
			    struct weir_findings *findings)
{
	const struct weir_config *now = g->now->config;

	if (now->workers != config->workers)
		weir_findings_add(findings, WEIR_FINDING_WARNING, 0, 0, "needs-restart", "workers",
				  "the number of processes stays as it is until the next start\n"
				  "restart weir to change it");
	if (!same_text(now->state.shown, config->state.shown) ||
	    !same_text(now->state.user, config->state.user) ||
	    !same_text(now->state.password.text, config->state.password.text))
		weir_findings_add(findings, WEIR_FINDING_WARNING, 0, 0, "needs-restart", "state",
				  "the state in common stays where it is until the next start\n"
				  "restart weir to move it");
	if (!same_text(now->log.file, config->log.file) ||
	    !same_text(now->log.attempts, config->log.attempts))
		weir_findings_add(findings, WEIR_FINDING_WARNING, 0, 0, "needs-restart", "log",
				  "the log's files stay as they are until the next start\n"
				  "restart weir to write elsewhere");
}

/* Zero-config learns targets from its callers, and a reload does not forget them. */
static void keep_zero_targets(const struct weir_config *now, struct weir_config *config)
{
	for (unsigned i = 0; now->zero && config->zero && i < now->targets_n; i++)
		(void)weir_config_zero_target(config, weir_slice_of(now->targets[i]->id));
}

/* Listeners that stay, whatever the file says, must be fit for it. */
static int judge_doors(const struct weir_gateway *g, const struct weir_config *config,
		       struct weir_error *err)
{
	int rc = 0;

	for (unsigned admin = 0; admin < 2; admin++) {
		const struct weir_door *door;

		for (size_t i = 0; rc == 0 && (door = weir_doors_at(g, admin, i)); i++)
			if (!door->configured || g->draining)
				rc = weir_doors_may_open(config, door->listener.text, admin, err);
	}
	return rc;
}

static int judge(const struct weir_gateway *g, const struct weir_config *config,
		 struct weir_findings *findings)
{
	struct weir_error err = { 0 };

	if (judge_doors(g, config, &err)) {
		weir_findings_add(findings, WEIR_FINDING_ERROR, 0, 0, "open-listener", "listen",
				  "%s\nrestart weir where this is meant", err.text);
		return findings->out_of_memory ? WEIR_ENOMEM : WEIR_ECONFIG;
	}
	warn_of_restart(g, config, findings);
	return findings->out_of_memory ? WEIR_ENOMEM : 0;
}

/* What the new file listens at, and the old did not, opens first: that can fail. */
static int prepare(struct weir_gateway *g, const struct weir_config *config,
		   struct weir_list *fresh, struct weir_findings *findings)
{
	struct weir_error err = { 0 };
	const char *key;
	int rc = weir_doors_prepare(g, config, fresh, &key, &err);

	if (rc == 0 || rc == WEIR_ENOMEM)
		return rc;
	weir_findings_add(findings, WEIR_FINDING_ERROR, 0, 0, "cannot-listen", key,
			  "%s\nfree the address, or name another; of one that weir has in another "
			  "form, restart weir",
			  err.text);
	return findings->out_of_memory ? WEIR_ENOMEM : WEIR_ECONFIG;
}

/* ---- telling ---- */

static void log_findings(const struct weir_log *log, const struct weir_findings *findings)
{
	struct weir_log_line line;

	for (unsigned i = 0; i < findings->n; i++) {
		const struct weir_finding *f = &findings->list[i];

		weir_log_begin(&line, log,
			       f->level == WEIR_FINDING_ERROR ? WEIR_LOG_ERROR : WEIR_LOG_WARN,
			       "finding");
		weir_log_str(&line, "file", findings->file);
		weir_log_u64(&line, "line", f->line);
		weir_log_str(&line, "rule", f->rule);
		weir_log_str(&line, "key", f->key);
		weir_log_str(&line, "message", f->message);
		weir_log_str(&line, "fix", f->fix);
		weir_log_end(&line);
	}
}

static void log_reload(const struct weir_log *log, unsigned generation,
		       const struct weir_findings *findings, const struct weir_error *err, int rc)
{
	struct weir_log_line line;

	weir_log_begin(&line, log, rc ? WEIR_LOG_ERROR : WEIR_LOG_INFO, "reload");
	weir_log_bool(&line, "ok", rc == 0);
	weir_log_u64(&line, "generation", generation);
	weir_log_u64(&line, "errors", findings->errors);
	weir_log_u64(&line, "warnings", findings->warnings);
	if (rc)
		weir_log_str(&line, "message", err->text);
	weir_log_end(&line);
}

static int put_reload(struct weir_buf *out, const struct weir_gateway *g,
		      const struct weir_findings *findings, const struct weir_error *err, int rc)
{
	time_t now = time(NULL);
	struct tm utc;
	char at[24];
	int failed;

	gmtime_r(&now, &utc);
	strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%SZ", &utc);
	failed = weir_buf_printf(out,
				 "{\"ok\":%s,\"generation\":%u,\"at\":\"%s\",\"errors\":%u,"
				 "\"warnings\":%u,\"message\":",
				 rc ? "false" : "true", g->now->generation, at, findings->errors,
				 findings->warnings);
	if (failed ||
	    (failed = rc ? weir_buf_json(out, weir_slice_of(err->text))
			 : weir_buf_puts(out, "null")) ||
	    (failed = weir_buf_puts(out, ",\"findings\":")) ||
	    (failed = weir_findings_json(findings, out)))
		return failed;
	while (out->len && out->base[out->len - 1] == '\n')
		out->len--;
	return weir_buf_puts(out, "}");
}

static void tell(struct weir_gateway *g, const struct weir_findings *findings,
		 void (*on_finding)(void *arg, const char *line, size_t len),
		 const struct weir_error *err, int rc)
{
	const struct weir_log *events = weir_events_log(&g->events);

	weir_reload_hear(findings, on_finding, g->callbacks_arg);
	log_findings(&g->log, findings);
	log_reload(&g->log, g->now->generation, findings, err, rc);
	if (events)
		log_reload(events, g->now->generation, findings, err, rc);
	weir_metrics_reload(g->metrics, rc == 0, g->now->generation, (uint64_t)time(NULL));
	weir_buf_fini(&g->reload);
	weir_buf_init(&g->reload, WEIR_RELOAD_TEXT_MAX);
	if (put_reload(&g->reload, g, findings, err, rc)) {
		weir_buf_clear(&g->reload);
		if (weir_buf_printf(&g->reload, "{\"ok\":%s,\"generation\":%u}",
				    rc ? "false" : "true", g->now->generation))
			weir_buf_clear(&g->reload);
	}
}

/* ---- doing ---- */

/* A stream that was opened with a key ends with it. */
static void heed_admin_key(struct weir_gateway *g, const struct weir_config *before)
{
	const struct weir_secret *old = &before->admin_key, *key = &g->now->config->admin_key;

	if (weir_slice_eq(weir_slice(old->text, old->len), weir_slice(key->text, key->len)))
		return;
	weir_audience_dismiss(&g->events.audience);
	weir_audience_dismiss(&g->watch.audience);
}

static int swap(struct weir_gateway *g, struct weir_config *config, struct weir_list *fresh,
		struct weir_error *err)
{
	struct weir_snapshot *before = g->now, *after;
	int rc = weir_snapshot_create(&after, g, config, before, err);

	if (rc) {
		weir_doors_abandon(fresh);
		return rc;
	}
	weir_snapshot_settle(after, before);
	g->now = after;
	weir_gateway_heed_log(g);
	weir_shared_heed(g->shared);
	heed_admin_key(g, before->config);
	weir_client_heed_trust(g);
	weir_snapshot_unref(before);
	weir_doors_settle(g, fresh);
	weir_gateway_make_room(g); /* there may be more of it now */
	return 0;
}

int weir_reload(struct weir_gateway *g, struct weir_slice text,
		void (*on_finding)(void *arg, const char *line, size_t len), struct weir_error *err)
{
	struct weir_config *config = NULL;
	struct weir_findings findings;
	struct weir_list fresh;
	int rc;

	if (g->closing)
		return weir_fail(err, UV_EINVAL, "the gateway is closing");
	weir_findings_init(&findings, weir_reload_name(g));
	rc = weir_reload_read(g, text, &config, &findings);
	if (rc == 0)
		rc = judge(g, config, &findings);
	if (rc == 0)
		rc = prepare(g, config, &fresh, &findings);
	if (rc)
		weir_fail(err, rc,
			  rc == WEIR_ENOMEM ? "out of memory" : "the configuration has %u error(s)",
			  findings.errors);
	if (rc == 0) {
		keep_zero_targets(g->now->config, config);
		rc = swap(g, config, &fresh, err);
	} else {
		weir_config_unref(config);
	}
	tell(g, &findings, on_finding, err, rc);
	weir_findings_fini(&findings);
	return rc;
}
