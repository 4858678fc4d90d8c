#include "app/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/app.h"
#include "app/cpus.h"
#include "app/notify.h"
#include "app/worker.h"

enum { TEXT_MAX = 64 * 1024 * 1024 };
enum { RELOAD_MS = 100 }; /* between two by SIGHUP, at least */

static void note(struct weir_supervisor *s, enum weir_log_level level, const char *event,
		 const char *message)
{
	weir_log_note(&s->server->log, level, event, "%s", message);
}

static unsigned living(const struct weir_supervisor *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->n; i++)
		n += s->children[i].state != WEIR_WORKER_NONE;
	return n;
}

/* ---- the end ---- */

static void on_closed(uv_handle_t *handle)
{
	(void)handle;
}

static void close_handle(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, on_closed);
}

static void finish(struct weir_supervisor *s)
{
	s->over = true;
	uv_stop(&s->server->loop);
}

/* Once the last worker is gone, this one goes. */
static void end_all(struct weir_supervisor *s, int code, const char *word)
{
	s->draining = true;
	if (!s->code)
		s->code = code;
	weir_supervisor_say(s, word);
	if (living(s) == 0)
		finish(s);
}

void weir_supervisor_drain(struct weir_supervisor *s, const char *word)
{
	note(s, WEIR_LOG_INFO, "draining", "requests under way may end; signal again to stop now");
	weir_notify("STOPPING=1");
	end_all(s, WEIR_EXIT_DONE,
		weir_handover_asked(&s->server->handover) ? WEIR_ORDER_LEAVE : word);
}

/* ---- a worker's life ---- */

static void on_line(uv_poll_t *poll, int err, int events)
{
	(void)err, (void)events;
	weir_child_hear(poll->data);
}

static void on_again(uv_timer_t *timer)
{
	struct weir_child *child = timer->data;

	child->due = true;
	uv_stop(&child->supervisor->server->loop); /* it is forked from outside of the loop */
}

/* The child's side of what a fork gives it: nothing of its parent's is left open. */
static void forget_parent(struct weir_supervisor *s)
{
	struct server *server = s->server;

	uv_loop_fork(&server->loop);
	weir_sink_close(&server->attempts);
	weir_sink_close(&server->sink);
	uv_walk(&server->loop, close_handle, NULL);
	uv_run(&server->loop, UV_RUN_DEFAULT);
	uv_loop_close(&server->loop);
	for (unsigned i = 0; i < s->n; i++)
		if (s->children[i].state != WEIR_WORKER_NONE)
			close(s->children[i].line);
	if (server->handover.open)
		close(server->handover.fd);
	if (server->handover.open && server->handover.peer >= 0)
		close(server->handover.peer);
	if (server->parcel.line >= 0)
		close(server->parcel.line);
	if (server->parcel.fd >= 0 && !server->handover.open)
		close(server->parcel.fd);
	if (server->ready_fd >= 0)
		close(server->ready_fd);
	unsetenv("NOTIFY_SOCKET");
}

static void become(struct weir_supervisor *s, unsigned number, int line, struct weir_shm *shm)
{
	struct server *server = s->server;

	forget_parent(s);
	*server = s->pristine;
	if (s->sockets_n) {
		memcpy(server->parcel.sockets, s->sockets, sizeof s->sockets);
		server->parcel.n = s->sockets_n;
		server->follows = true;
	}
	for (unsigned i = 0; i < s->sockets_n; i++)
		server->parcel.sockets[i].flags |= WEIR_SOCKET_COMMON;
	server->parcel.line = server->parcel.fd = server->ready_fd = -1;
	server->shm = shm;
	server->worker = number;
	server->line = line;
	if (s->path) {
		server->text = s->text.base;
		server->text_len = s->text.len;
	}
}

/* 0: this is the parent; 1: the child, whose server is its own now. */
static int begin_child(struct weir_supervisor *s, struct weir_child *child)
{
	unsigned number = (unsigned)(child - s->children);
	sigset_t all, before;
	int lines[2];

	child->due = false;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, lines))
		return -errno;
	weir_sink_flush(&s->server->sink);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	child->pid = fork();
	if (child->pid == 0) {
		close(lines[0]);
		become(s, number, lines[1], s->pristine.shm);
		sigprocmask(SIG_SETMASK, &before, NULL);
		return 1;
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(lines[1]);
	if (child->pid < 0) {
		close(lines[0]);
		return -errno;
	}
	child->state = WEIR_WORKER_STARTING;
	child->line = lines[0];
	child->version = s->version;
	child->following = false;
	child->began_ms = uv_now(&s->server->loop);
	uv_poll_init(&s->server->loop, &child->poll, child->line);
	child->poll.data = child;
	uv_poll_start(&child->poll, UV_READABLE, on_line);
	return 0;
}

static void begin_later(struct weir_child *child)
{
	uint64_t ms = 1;

	if (child->failures > 1)
		ms = (uint64_t)WEIR_WORKER_AGAIN_MS << (child->failures - 2);
	if (ms > WEIR_WORKER_AGAIN_MS_MAX || child->failures > 10)
		ms = WEIR_WORKER_AGAIN_MS_MAX;
	uv_timer_start(&child->again, on_again, ms, 0);
}

static void note_end(struct weir_child *child, int status)
{
	const struct server *server = child->supervisor->server;
	bool expected = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	struct weir_log_line line;

	weir_log_begin(&line, &server->log, expected ? WEIR_LOG_INFO : WEIR_LOG_ERROR,
		       "worker_ended");
	weir_log_u64(&line, "worker", (uint64_t)(child - child->supervisor->children));
	weir_log_u64(&line, "pid", (uint64_t)child->pid);
	if (WIFSIGNALED(status))
		weir_log_u64(&line, "signal", (uint64_t)WTERMSIG(status));
	else
		weir_log_u64(&line, "status", (uint64_t)WEXITSTATUS(status));
	weir_log_end(&line);
}

/* A worker has ended: what it held is free, and another takes its place. */
static void bury(struct weir_child *child, int status)
{
	struct weir_supervisor *s = child->supervisor;
	uint64_t lived_ms = uv_now(&s->server->loop) - child->began_ms;

	if (!s->draining || !WIFEXITED(status) || WEXITSTATUS(status))
		note_end(child, status);
	weir_workers_forfeit(s->pristine.shm, (unsigned)(child - s->children));
	uv_close((uv_handle_t *)&child->poll, on_closed);
	close(child->line);
	child->state = WEIR_WORKER_NONE;
	child->failures = lived_ms < WEIR_WORKER_YOUNG_MS ? child->failures + 1 : 1;
	if (s->draining) {
		if (living(s) == 0)
			finish(s);
	} else if (!s->serving) {
		end_all(s,
			WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status)
								 : WEIR_EXIT_BAD,
			WEIR_ORDER_STOP);
	} else if (living(s) == 0 && child->failures > WEIR_WORKER_FAILURES_MAX) {
		note(s, WEIR_LOG_ERROR, "workers_fail", "no worker stays: weir ends");
		end_all(s, WEIR_EXIT_BAD, WEIR_ORDER_STOP);
	} else {
		weir_supervisor_lost(s, child);
		begin_later(child);
	}
}

/* ---- signals ---- */

static void on_child(uv_signal_t *handle, int number)
{
	struct weir_supervisor *s = handle->data;
	int status;

	(void)number;
	for (unsigned i = 0; i < s->n; i++)
		if (s->children[i].state != WEIR_WORKER_NONE &&
		    waitpid(s->children[i].pid, &status, WNOHANG) == s->children[i].pid)
			bury(&s->children[i], status);
}

static void on_stop(uv_signal_t *handle, int number)
{
	struct weir_supervisor *s = handle->data;

	(void)number;
	if (s->draining)
		weir_supervisor_say(s, WEIR_ORDER_STOP);
	else
		weir_supervisor_drain(s, WEIR_ORDER_DRAIN);
}

static void on_reload(uv_timer_t *timer)
{
	struct weir_supervisor *s = timer->data;

	s->reloaded_ms = uv_now(&s->server->loop);
	weir_supervisor_reload(s);
}

static void on_hangup(uv_signal_t *handle, int number)
{
	struct weir_supervisor *s = handle->data;
	uint64_t since_ms = uv_now(&s->server->loop) - s->reloaded_ms;

	(void)number;
	if (!uv_is_active((uv_handle_t *)&s->reload))
		uv_timer_start(&s->reload, on_reload,
			       since_ms < RELOAD_MS ? RELOAD_MS - since_ms : 0, 0);
}

static void on_rotate(uv_signal_t *handle, int number)
{
	struct weir_supervisor *s = handle->data;

	(void)number;
	weir_server_rotate(s->server);
	weir_supervisor_say(s, WEIR_ORDER_ROTATE);
}

/* ---- a successor ---- */

static unsigned on_asked(void *arg, struct weir_handover_socket list[WEIR_HANDOVER_MAX])
{
	const struct weir_supervisor *s = arg;

	if (s->draining)
		return 0;
	memcpy(list, s->sockets, sizeof s->sockets);
	return s->sockets_n;
}

static void note_successor(struct weir_supervisor *s, const char *event, int64_t pid,
			   const char *why)
{
	struct weir_log_line line;

	weir_log_begin(&line, &s->server->log, why ? WEIR_LOG_ERROR : WEIR_LOG_INFO, event);
	weir_log_u64(&line, "successor", (uint64_t)pid);
	if (why)
		weir_log_str(&line, "message", why);
	weir_log_end(&line);
}

static void on_taken(void *arg, int64_t pid)
{
	struct weir_supervisor *s = arg;

	note_successor(s, "handed_over", pid, NULL);
	weir_notify_main_pid(pid);
	end_all(s, WEIR_EXIT_DONE, WEIR_ORDER_LEAVE);
}

static void on_failed(void *arg, int64_t pid, const char *why)
{
	note_successor(arg, "upgrade_failed", pid, why);
}

static const struct weir_handover_events successor_events = { on_asked, on_taken, on_failed };

/* ---- the beginning ---- */

static int take_over(struct weir_supervisor *s)
{
	struct weir_error err = { 0 };

	if (!s->server->upgrade || weir_handover_ready(&s->server->parcel, &err) == 0)
		return WEIR_EXIT_DONE;
	fprintf(stderr, "weir: %s\n", err.text);
	return WEIR_EXIT_BAD;
}

static void note_begun(struct weir_supervisor *s)
{
	struct weir_log_line line;

	weir_log_begin(&line, &s->server->log, WEIR_LOG_INFO, "workers");
	weir_log_u64(&line, "workers", s->n);
	weir_log_end(&line);
}

static void commence(struct weir_supervisor *s)
{
	int rc = take_over(s);

	if (rc == WEIR_EXIT_DONE)
		rc = weir_server_await_successor(s->server, &successor_events, s, &s->server->log);
	if (rc) {
		end_all(s, rc, WEIR_ORDER_STOP);
		return;
	}
	s->serving = true;
	note_begun(s);
	for (unsigned i = 0; i < s->n; i++) {
		weir_child_say(&s->children[i], WEIR_ORDER_GO);
		s->children[i].state = WEIR_WORKER_SERVING;
	}
	weir_server_tell_ready(s->server);
}

/* The first has the sockets; then the others may begin. */
void weir_supervisor_ready(struct weir_supervisor *s)
{
	unsigned ready = 0;

	for (unsigned i = 0; i < s->n; i++)
		ready += s->children[i].state == WEIR_WORKER_READY;
	if (ready == s->n)
		commence(s);
	for (unsigned i = 1; i < s->n && ready == 1; i++)
		s->children[i].due = true;
	if (ready == 1)
		uv_stop(&s->server->loop);
}

static void watch(struct weir_supervisor *s, int number, uv_signal_cb on_signal)
{
	uv_signal_t *handle = &s->signals[s->signals_n++];

	uv_signal_init(&s->server->loop, handle);
	handle->data = s;
	uv_signal_start(handle, on_signal, number);
}

static int open_log(struct weir_supervisor *s, const struct weir_config *config)
{
	int rc;

	weir_server_open_logs(s->server);
	s->server->log.least = config->log.least;
	if (!s->server->log_text_fixed && config->log.format != WEIR_LOG_AUTO)
		s->server->log.text = config->log.format == WEIR_LOG_TEXT;
	else if (!s->server->log_text_fixed && config->log.file)
		s->server->log.text = false;
	rc = config->log.file ? weir_sink_file(&s->server->sink, config->log.file) : 0;
	if (rc == 0)
		return WEIR_EXIT_DONE;
	fprintf(stderr, "weir: %s cannot be opened: %s\n", config->log.file, strerror(-rc));
	return WEIR_EXIT_BAD;
}

static void open_all(struct weir_supervisor *s)
{
	for (unsigned i = 0; i < s->n; i++) {
		s->children[i].supervisor = s;
		uv_timer_init(&s->server->loop, &s->children[i].again);
		s->children[i].again.data = &s->children[i];
	}
	uv_timer_init(&s->server->loop, &s->reload);
	s->reload.data = s;
	watch(s, SIGCHLD, on_child);
	watch(s, SIGTERM, on_stop);
	watch(s, SIGINT, on_stop);
	watch(s, SIGHUP, on_hangup);
	watch(s, SIGUSR1, on_rotate);
}

static int ask_predecessor(struct weir_supervisor *s)
{
	struct weir_error err = { 0 };

	if (!s->server->upgrade ||
	    weir_handover_ask(s->server->path, &s->server->parcel, &err) == 0)
		return WEIR_EXIT_DONE;
	fprintf(stderr, "weir: %s\n", err.text);
	return WEIR_EXIT_BAD;
}

/* 1: this is a worker. */
static int begin_due(struct weir_supervisor *s)
{
	for (unsigned i = 0; i < s->n; i++) {
		int rc = s->children[i].due && !s->draining ? begin_child(s, &s->children[i]) : 0;

		if (rc > 0)
			return rc;
		if (rc == 0)
			continue;
		weir_log_note(&s->server->log, WEIR_LOG_ERROR, "worker_not_begun", "%s",
			      strerror(-rc));
		if (!s->serving)
			end_all(s, WEIR_EXIT_BAD, WEIR_ORDER_STOP);
		else
			begin_later(&s->children[i]);
	}
	return 0;
}

static void close_all(struct weir_supervisor *s)
{
	for (unsigned i = 0; i < s->sockets_n; i++)
		close(s->sockets[i].fd);
	weir_handover_close(&s->server->handover);
	if (s->serving)
		note(s, WEIR_LOG_INFO, "stopped", "weir has stopped");
	weir_sink_close(&s->server->attempts);
	weir_sink_close(&s->server->sink);
	uv_walk(&s->server->loop, close_handle, NULL);
	uv_run(&s->server->loop, UV_RUN_DEFAULT);
	uv_loop_close(&s->server->loop);
}

static void forget(struct weir_supervisor *s)
{
	weir_workers_unshare(s->pristine.shm);
	weir_buf_fini(&s->text);
	weir_buf_fini(&s->next);
}

static int supervise(struct weir_supervisor *s, const struct weir_config *config)
{
	bool child = false;

	weir_sandbox_hide_environment();
	weir_sandbox_hide_memory(s->server->sandbox);
	if (!weir_app_loop(&s->server->loop))
		return WEIR_EXIT_BAD;
	open_all(s);
	s->code = open_log(s, config);
	if (s->code == WEIR_EXIT_DONE)
		s->code = ask_predecessor(s);
	s->pristine.parcel = s->server->parcel;
	s->children[0].due = true;
	s->over = s->code != WEIR_EXIT_DONE;
	while (!s->over && !(child = begin_due(s) > 0))
		uv_run(&s->server->loop, UV_RUN_DEFAULT);
	if (!child)
		close_all(s);
	return child ? weir_server_run(s->server) : s->code;
}

static unsigned workers_of(const struct weir_config *config)
{
	unsigned n = config->workers == WEIR_WORKERS_AUTO ? weir_cpus_usable() : config->workers;

	return n > WEIR_WORKERS_MAX ? WEIR_WORKERS_MAX : n;
}

/* NULL: who serves says what is wrong with it. */
static struct weir_config *read_config(struct weir_supervisor *s)
{
	struct weir_findings findings;
	struct weir_config *config = NULL;

	weir_findings_init(&findings, s->path ? s->path : "(text)");
	if (weir_supervisor_read(s->path, &s->text) &&
	    weir_config_parse(&config, weir_buf_slice(&s->text), s->path, NULL, NULL, &findings))
		config = NULL;
	weir_findings_fini(&findings);
	return config;
}

static int with_workers(struct weir_supervisor *s, unsigned n, const struct weir_config *config)
{
	s->n = n;
	s->pristine = *s->server;
	if (weir_workers_share(&s->pristine.shm, n) == 0)
		return supervise(s, config);
	fprintf(stderr, "weir: no memory that %u workers could share\n", n);
	return WEIR_EXIT_BAD;
}

int weir_server_run_all(struct server *server)
{
	static struct weir_supervisor s;
	struct weir_config *config;
	unsigned n = 1;
	int code;

	s.server = server;
	s.path = weir_app_config_path(server->config);
	weir_buf_init(&s.text, TEXT_MAX);
	weir_buf_init(&s.next, TEXT_MAX);
	config = read_config(&s);
	if (config)
		n = workers_of(config);
	code = n > 1 ? with_workers(&s, n, config) : weir_server_run(server);
	weir_config_unref(config);
	forget(&s);
	return code;
}
