#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/app.h"
#include "app/notify.h"
#include "app/server.h"
#include "app/sockets.h"
#include "app/worker.h"

enum { FILES_FEW = 4096 };
enum { RELOAD_MS = 100 }; /* between two by SIGHUP, at least */

static const char usage[] =
	"usage: weir serve [-c FILE] [--listen ADDRESS]... [--admin ADDRESS|off]\n"
	"                  [--log json|text] [--upgrade-socket PATH|off] [--sandbox on|off]\n\n"
	"The proxy. Without a file: ./weir.yaml, then /etc/weir/weir.yaml, then zero-config:\n"
	"providers come from the API keys in the environment (OPENAI_API_KEY, GROQ_API_KEY, ...),\n"
	"models resolve to their vendor by name, chains come from each request's `fallbacks`.\n\n"
	"  -c, --config FILE       the configuration\n"
	"  -l, --listen ADDRESS    HOST:PORT, [IPV6]:PORT or unix:/path; overrides the file;\n"
	"                          may be given more than once\n"
	"      --admin ADDRESS     likewise for status, metrics and health; `off`: none\n"
	"      --log json|text     how lines look, whatever the file says; text is the default\n"
	"                          on a terminal\n"
	"      --upgrade-socket PATH  where `weir upgrade` finds this process: a file, or @NAME;\n"
	"                          else $RUNTIME_DIRECTORY/upgrade.sock, or a name that goes by\n"
	"                          user and configuration file; `off`: nowhere\n"
	"      --sandbox on|off    once it listens, it makes no system call that a server has no\n"
	"                          need of, runs nothing, writes only in the folders of its log "
	"and\n"
	"                          its sockets, and nobody but root reads its memory; `off` for\n"
	"                          debuggers; `strict` ends it where it tries\n\n"
	"SIGHUP or POST /reload reads the file again: what begins from then on goes by it.\n"
	"SIGUSR1 opens the log's files again, after they were renamed (logrotate).\n"
	"SIGTERM, SIGINT or POST /drain drains: no new request, those under way end; again: at "
	"once.\n\n"
	"Sockets that a service manager passes (LISTEN_FDS) are used: `public` and `admin` by "
	"name,\n"
	"others for the address in the file that they have.\n\n"
	"  weir serve -c weir.yaml\n"
	"  OPENAI_API_KEY=... weir serve --listen 127.0.0.1:8080";

/* As the configuration in force has it; after its end, as it was. */
static const struct weir_log *log_of(struct server *s)
{
	struct weir_log_settings now;

	if (s->gateway && !s->closing) {
		now = weir_gateway_log_settings(s->gateway);
		s->log.text = now.text != 0;
		s->log.least = (enum weir_log_level)now.level;
	}
	return &s->log;
}

static void on_attempt(void *arg, const char *line, size_t len)
{
	weir_sink_line(&WEIR_CONTAINER_OF(arg, struct server, sink)->attempts, line, len);
}

static uint64_t log_dropped(void *arg)
{
	struct server *s = WEIR_CONTAINER_OF(arg, struct server, sink);

	return s->sink.dropped + s->attempts.dropped;
}

static const char *otel(void *arg, const char *variable)
{
	(void)arg;
	return getenv(variable);
}

void weir_server_rotate(struct server *s)
{
	struct weir_sink *const sinks[] = { &s->sink, &s->attempts };
	bool all = true;

	for (size_t i = 0; i < WEIR_COUNT_OF(sinks); i++) {
		int rc = sinks[i]->path ? weir_sink_file(sinks[i], sinks[i]->path) : 0;

		all = all && rc == 0;
		if (rc)
			weir_log_note(log_of(s), WEIR_LOG_ERROR, "warning",
				      "%s cannot be opened again: %s; the old file is written on",
				      sinks[i]->path, strerror(-rc));
	}
	if (all && !s->follows)
		weir_log_note(log_of(s), WEIR_LOG_INFO, "log_opened",
			      "the log's files were opened again");
}

static void on_rotate(uv_signal_t *handle, int number)
{
	(void)number;
	weir_server_rotate(handle->data);
}

/* From here to the end of the process none of them has its usual effect, death. */
static void stop_watching(struct server *s)
{
	sigset_t watched;

	sigemptyset(&watched);
	for (unsigned i = 0; i < s->signals_n; i++)
		sigaddset(&watched, s->signals[i].signum);
	sigprocmask(SIG_BLOCK, &watched, NULL);
	for (unsigned i = 0; i < s->signals_n; i++)
		uv_close((uv_handle_t *)&s->signals[i], NULL);
}

static void on_closed(void *arg)
{
	struct server *s = arg;

	stop_watching(s);
	uv_close((uv_handle_t *)&s->reload, NULL);
	weir_handover_close(&s->handover);
	weir_worker_close(s);
	if (!s->shm)
		weir_log_note(&s->log, WEIR_LOG_INFO, "stopped", "weir has stopped");
	weir_sink_close(&s->attempts);
	weir_sink_close(&s->sink);
}

static void close_now(struct server *s)
{
	if (s->closing)
		return;
	(void)log_of(s);
	s->closing = true;
	weir_gateway_close(s->gateway, on_closed, s);
}

static void on_drained(void *arg)
{
	close_now(arg);
}

static void drain(struct server *s)
{
	s->draining = true;
	if (!s->shm)
		weir_log_note(log_of(s), WEIR_LOG_INFO, "draining",
			      "requests under way may end; signal again to stop now");
	weir_notify("STOPPING=1");
	if (weir_handover_asked(&s->handover))
		weir_gateway_hand_over(s->gateway); /* he goes on with the listeners */
	weir_gateway_drain(s->gateway, on_drained, s);
}

/* ---- handing over ---- */

static unsigned on_asked(void *arg, struct weir_handover_socket list[WEIR_HANDOVER_MAX])
{
	const struct server *s = arg;

	return s->draining || s->closing ? 0 : weir_sockets_list(s->gateway, list);
}

static void note_successor(struct server *s, const char *event, int64_t pid, const char *why)
{
	struct weir_log_line line;

	weir_log_begin(&line, log_of(s), why ? WEIR_LOG_ERROR : WEIR_LOG_INFO, event);
	weir_log_u64(&line, "successor", (uint64_t)pid);
	if (why)
		weir_log_str(&line, "message", why);
	weir_log_end(&line);
}

static void on_taken(void *arg, int64_t pid)
{
	struct server *s = arg;

	note_successor(s, "handed_over", pid, NULL);
	weir_notify_main_pid(pid);
	s->draining = true;
	weir_gateway_hand_over(s->gateway);
	weir_gateway_drain(s->gateway, on_drained, s);
}

static void on_failed(void *arg, int64_t pid, const char *why)
{
	note_successor(arg, "upgrade_failed", pid, why);
}

static const struct weir_handover_events handover_events = { on_asked, on_taken, on_failed };

static void on_stop(uv_signal_t *handle, int number)
{
	struct server *s = handle->data;

	(void)number;
	if (s->draining)
		close_now(s);
	else
		drain(s);
}

static void on_drain(void *arg)
{
	struct server *s = WEIR_CONTAINER_OF(arg, struct server, sink);

	if (s->shm)
		weir_worker_ask_drain(s);
	else if (!s->draining)
		drain(s);
}

/* ---- as a worker ---- */

static void on_reloaded(void *arg)
{
	weir_worker_tell(WEIR_CONTAINER_OF(arg, struct server, sink), true);
}

static void obey_drain(struct server *s, bool leave)
{
	if (s->closing || s->draining)
		return;
	if (leave)
		weir_gateway_hand_over(s->gateway);
	drain(s);
}

static int obey_reload(struct server *s, const char *text, size_t len)
{
	char why[WHY_MAX] = "";

	return s->closing ? WEIR_ERR_BIND
			  : weir_gateway_reload(s->gateway, text, len, why, sizeof why);
}

static const struct weir_worker_events orders = { obey_drain, close_now, weir_server_rotate,
						  obey_reload };

/* The others go on. */
static void on_dismissed(uv_signal_t *handle, int number)
{
	(void)number;
	obey_drain(handle->data, true);
}

static void on_reload(uv_timer_t *timer)
{
	struct server *s = timer->data;
	char why[WHY_MAX] = "";

	if (s->closing)
		return;
	weir_notify_reloading();
	(void)weir_gateway_reload(s->gateway, NULL, 0, why, sizeof why); /* the log tells it */
	if (!s->draining)
		weir_notify("READY=1");
	s->reloaded_ms = uv_now(&s->loop);
}

/* Whoever sends a thousand of them means the last: a reload reads files, so few are enough. */
static void on_hangup(uv_signal_t *handle, int number)
{
	struct server *s = handle->data;
	uint64_t since_ms = uv_now(&s->loop) - s->reloaded_ms;

	(void)number;
	if (!uv_is_active((uv_handle_t *)&s->reload))
		uv_timer_start(&s->reload, on_reload,
			       since_ms < RELOAD_MS ? RELOAD_MS - since_ms : 0, 0);
}

static void watch(struct server *s, int number, uv_signal_cb on_signal)
{
	uv_signal_t *handle = &s->signals[s->signals_n++];

	uv_signal_init(&s->loop, handle);
	handle->data = s;
	uv_signal_start(handle, on_signal, number);
	uv_unref((uv_handle_t *)handle);
}

static void on_finding(void *arg, const char *line, size_t len)
{
	const struct server *s = WEIR_CONTAINER_OF(arg, struct server, sink);

	if (!s->running && !s->follows)
		fwrite(line, 1, len, stderr);
}

static int create(struct server *s)
{
	struct weir_gateway_options options = {
		.size = sizeof options,
		.config_path = weir_app_config_path(s->config),
		.config_text = s->text,
		.config_len = s->text_len,
		.config_reread = true,
		.on_log = weir_sink_line,
		.log_text = s->log_text,
		.log_text_fixed = s->log_text_fixed,
		.on_attempt = on_attempt,
		.log_dropped = log_dropped,
		.on_finding = on_finding,
		.otel = otel,
		.on_drain = on_drain,
		.on_reload = s->shm ? on_reloaded : NULL,
		.shm = s->shm,
		.worker = s->worker,
		.arg = &s->sink,
	};
	char why[WHY_MAX] = "";
	int rc = weir_gateway_create(&s->gateway, &s->loop, &options, why, sizeof why);

	if (rc == 0)
		return WEIR_EXIT_DONE;
	fprintf(stderr, "weir: %s\n", why);
	return rc == WEIR_ERR_CONFIG ? WEIR_EXIT_USAGE : WEIR_EXIT_BAD;
}

static int open_files(struct server *s)
{
	struct weir_log_settings wanted = weir_gateway_log_settings(s->gateway);
	const char *const paths[] = { wanted.file, wanted.attempts };
	struct weir_sink *const sinks[] = { &s->sink, &s->attempts };

	for (size_t i = 0; i < WEIR_COUNT_OF(paths); i++) {
		int rc = paths[i] ? weir_sink_file(sinks[i], paths[i]) : 0;

		if (rc == 0)
			continue;
		fprintf(stderr, "weir: %s cannot be opened: %s\n", paths[i], strerror(-rc));
		return WEIR_EXIT_BAD;
	}
	return WEIR_EXIT_DONE;
}

static int listen_public(struct server *s, char why[WHY_MAX])
{
	const char *name;
	unsigned n = 0;
	int rc = 0;

	for (; n < s->listens_n && rc == 0; n++)
		rc = weir_gateway_listen(s->gateway, s->listens[n], why, WHY_MAX);
	for (unsigned i = 0; s->listens_n == 0 && rc == 0 &&
			     (name = weir_sockets_named(&s->parcel, WEIR_SOCKET_PUBLIC, i));
	     i++, n++)
		rc = weir_gateway_listen(s->gateway, name, why, WHY_MAX);
	return n ? rc : weir_gateway_listen(s->gateway, NULL, why, WHY_MAX);
}

static int listen_all(struct server *s)
{
	const char *named = weir_sockets_named(&s->parcel, WEIR_SOCKET_ADMIN, 0);
	bool admin_off = s->admin && weir_slice_is(weir_slice_of(s->admin), "off");
	char why[WHY_MAX] = "";
	int rc = listen_public(s, why);

	if (rc == 0 && !admin_off)
		rc = weir_gateway_listen_admin(s->gateway, s->admin ? s->admin : named, why,
					       sizeof why);
	if (rc)
		fprintf(stderr, "weir: %s\n", why);
	return rc ? WEIR_EXIT_BAD : WEIR_EXIT_DONE;
}

static void tell_start(struct server *s)
{
	const char *admin = weir_gateway_admin_address(s->gateway);
	struct weir_log_line line;
	size_t chains = 0;

	while (weir_gateway_chain(s->gateway, chains))
		chains++;
	for (size_t i = 0; weir_gateway_address(s->gateway, i); i++) {
		weir_log_begin(&line, log_of(s), WEIR_LOG_INFO, "listening");
		weir_log_str(&line, "address", weir_gateway_address(s->gateway, i));
		weir_log_u64(&line, "chains", chains);
		weir_log_str(&line, "version", weir_version());
		weir_log_end(&line);
	}
	if (!admin)
		return;
	weir_log_begin(&line, log_of(s), WEIR_LOG_INFO, "listening");
	weir_log_str(&line, "admin", admin);
	weir_log_end(&line);
}

/* A request takes two descriptors, an idle caller one. */
static void warn_of_limit(struct server *s)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= FILES_FEW)
		return;
	weir_log_note(log_of(s), WEIR_LOG_WARN, "warning",
		      "at most %llu open files, so about %llu requests at once; raise the hard "
		      "limit (ulimit -Hn, LimitNOFILE=)",
		      (unsigned long long)limit.rlim_cur, (unsigned long long)limit.rlim_cur / 2);
}

static int begin_worker(struct server *s)
{
	char why[WHY_MAX] = "";
	int rc = open_files(s);

	if (rc == WEIR_EXIT_DONE && weir_sockets_give(&s->parcel, s->gateway, why, sizeof why)) {
		fprintf(stderr, "weir: %s\n", why);
		rc = WEIR_EXIT_BAD;
	}
	if (rc || (rc = listen_all(s)) || (rc = weir_worker_up(s))) {
		if (s->upgrade || s->follows)
			weir_gateway_hand_over(s->gateway); /* they are still the others' */
		return rc;
	}
	weir_server_drop_sockets(s, log_of(s));
	weir_worker_listen(s, &orders);
	return WEIR_EXIT_DONE;
}

/* What may fail comes before the predecessor is told. */
static int begin(struct server *s)
{
	int rc;

	if (s->shm)
		return begin_worker(s);

	if ((rc = open_files(s)) || (rc = weir_server_take_sockets(s)))
		return rc;
	rc = listen_all(s);
	if (rc && s->upgrade)
		weir_gateway_hand_over(s->gateway); /* what was taken is still the other one's */
	if (rc || (rc = weir_server_take_over(s)))
		return rc;
	weir_server_drop_sockets(s, log_of(s));
	return weir_server_await_successor(s, &handover_events, s, log_of(s));
}

/* A terminal and a service manager signal all of a group: a worker leaves that to its supervisor,
 * but for an end of its own. */
static void watch_all(struct server *s)
{
	if (s->shm) {
		signal(SIGINT, SIG_IGN);
		watch(s, SIGTERM, on_dismissed);
		return;
	}
	watch(s, SIGTERM, on_stop);
	watch(s, SIGINT, on_stop);
	watch(s, SIGHUP, on_hangup);
	watch(s, SIGUSR1, on_rotate);
}

static void tell_begun(struct server *s)
{
	if (!s->follows) {
		tell_start(s);
		warn_of_limit(s);
	}
	weir_server_confine(s, log_of(s));
	if (!s->shm)
		weir_server_tell_ready(s);
}

void weir_server_open_logs(struct server *s)
{
	weir_sink_open(&s->sink, &s->loop, STDERR_FILENO);
	weir_sink_open(&s->attempts, &s->loop, -1);
	s->log = (struct weir_log){ weir_sink_line, &s->sink, s->log_text, WEIR_LOG_INFO };
	s->sink.log = &s->log;
}

int weir_server_run(struct server *s)
{
	int rc;

	if (!s->shm)
		weir_sandbox_hide_environment();
	weir_sandbox_hide_memory(s->sandbox);
	signal(SIGHUP, SIG_IGN); /* who asks for a reload this early has it */
	if (!weir_app_loop(&s->loop))
		return WEIR_EXIT_BAD;
	signal(SIGUSR1, SIG_IGN);
	weir_server_open_logs(s);
	rc = create(s);
	if (rc == WEIR_EXIT_DONE) {
		watch_all(s);
		uv_timer_init(&s->loop, &s->reload);
		s->reload.data = s;
		s->running = true;
		rc = begin(s);
		if (rc == WEIR_EXIT_DONE) {
			tell_begun(s);
		} else {
			close_now(s);
		}
	} else {
		weir_sink_close(&s->attempts);
		weir_sink_close(&s->sink);
	}
	uv_run(&s->loop, UV_RUN_DEFAULT);
	uv_loop_close(&s->loop);
	return rc;
}

int weir_server_options(struct server *s, const char *help, int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "listen", required_argument, NULL, 'l' },
		{ "admin", required_argument, NULL, 'a' },
		{ "log", required_argument, NULL, 'g' },
		{ "upgrade-socket", required_argument, NULL, 'u' },
		{ "sandbox", required_argument, NULL, 's' },
		{ "background", no_argument, NULL, 'b' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:l:h", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			s->config = optarg;
			break;
		case 'l':
			if (s->listens_n == LISTENS_MAX)
				return weir_app_usage("serve", "too many --listen");
			s->listens[s->listens_n++] = optarg;
			break;
		case 'a':
			s->admin = optarg;
			break;
		case 'g':
			s->log_text = weir_slice_is(weir_slice_of(optarg), "text");
			s->log_text_fixed = true;
			if (!s->log_text && !weir_slice_is(weir_slice_of(optarg), "json"))
				return weir_app_usage("serve", "--log takes json or text");
			break;
		case 'u':
			s->upgrade_path = optarg;
			break;
		case 's':
			s->sandbox = weir_sandbox_word(optarg);
			break;
		case 'b':
			s->background = true;
			break;
		case 'h':
			puts(help);
			return WEIR_EXIT_DONE;
		default:
			return weir_app_usage(argv[0], "bad option");
		}
	}
	if (s->sandbox == WEIR_SANDBOX_BAD)
		return weir_app_usage(argv[0], "--sandbox takes on, off or strict");
	if (s->background && !s->upgrade)
		return weir_app_usage(argv[0], "--background is for `weir upgrade`");
	if (s->upgrade_path && strcmp(s->upgrade_path, "@") == 0)
		return weir_app_usage(argv[0], "--upgrade-socket @NAME: the name is missing");
	if (s->upgrade_path && strlen(s->upgrade_path) > WEIR_HANDOVER_PATH_MAX)
		return weir_app_usage(argv[0], "--upgrade-socket: the path is too long");
	weir_server_find_path(s);
	if (s->upgrade && !s->path[0])
		return weir_app_usage(argv[0], "--upgrade-socket off: then there is nobody to ask");
	return optind < argc ? weir_app_usage(argv[0], "takes options only") : -1;
}

int weir_cmd_serve(int argc, char **argv)
{
	struct server server = { .log_text = isatty(STDERR_FILENO), .ready_fd = -1 };
	int code = weir_server_options(&server, usage, argc, argv);

	if (code >= 0)
		return code;
	weir_sockets_passed(&server.parcel);
	return weir_server_run_all(&server);
}
