/* `weir serve` and `weir upgrade`: one process that serves, and where it has its sockets from. */
#pragma once

#include "app/handover.h"
#include "app/sandbox.h"
#include "app/sink.h"
#include "base/log.h"
#include "weir.h"

enum { LISTENS_MAX = 16, WHY_MAX = 512 };

struct server {
	uv_loop_t loop;
	struct weir_sink sink;     /* of the log */
	struct weir_sink attempts; /* of every attempt and request */
	struct weir_log log;       /* lines of our own */
	struct weir_gateway *gateway;
	uv_signal_t signals[4];
	unsigned signals_n;
	uv_timer_t reload; /* SIGHUP has come */
	uint64_t reloaded_ms;
	bool running; /* findings are in the log from here on */
	bool draining, closing;
	const char *config;
	const char *listens[LISTENS_MAX];
	unsigned listens_n;
	const char *admin;
	bool log_text, log_text_fixed;
	enum weir_sandbox sandbox;
	const char *upgrade_path; /* --upgrade-socket */
	bool upgrade, background;
	int ready_fd; /* a byte goes there once it serves; -1: nobody waits */
	char path[WEIR_HANDOVER_PATH_MAX + 1];
	struct weir_handover handover;      /* to a successor */
	struct weir_handover_parcel parcel; /* from a predecessor, or a service manager */

	/* A worker has: */
	struct weir_shm *shm; /* NULL: it is no worker */
	unsigned worker;      /* its number, from 0 */
	bool follows;         /* others were there before: it tells nothing of its start */
	const char *text;     /* the configuration in force, whatever the file says by now */
	size_t text_len;
	int line; /* to its supervisor */
	uv_poll_t line_poll;
	const struct weir_worker_events *orders;
};

/* cmd_serve.c. -1: go on; else the exit code. */
int weir_server_options(struct server *server, const char *help, int argc, char **argv);
int weir_server_run(struct server *server); /* one process; the exit code */
void weir_server_rotate(struct server *server);
void weir_server_open_logs(struct server *server);

/* supervisor.c: with as many workers as the configuration says, or as one process. */
int weir_server_run_all(struct server *server);

/* server.c, in this order; exit codes. */
void weir_server_find_path(struct server *server);
int weir_server_take_sockets(struct server *server);
int weir_server_take_over(struct server *server);
void weir_server_drop_sockets(struct server *server, const struct weir_log *log);
int weir_server_await_successor(struct server *server, const struct weir_handover_events *events,
				void *arg, const struct weir_log *log);
/* Nothing is opened from here on but what a reload asks for. */
void weir_server_confine(struct server *server, const struct weir_log *log);
void weir_server_tell_ready(struct server *server);
