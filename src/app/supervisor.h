/* The parent of workers: one process that serves nobody itself. It forks them, replaces those that
 * end, keeps the sockets and the configuration that is in force for those that come later, passes
 * signals on, and speaks with the service manager and a successor. */
#pragma once

#include "app/server.h"
#include "base/buf.h"
#include "config/config.h"

enum {
	WEIR_WORKER_YOUNG_MS = 10 * 1000, /* one that ends sooner is begun later each time */
	WEIR_WORKER_AGAIN_MS = 100,       /* doubled with each in a row, but the first */
	WEIR_WORKER_AGAIN_MS_MAX = 10 * 1000,
	WEIR_WORKER_FAILURES_MAX = 5 /* in a row, with nobody left: then all ends */
};

enum weir_worker_state {
	WEIR_WORKER_NONE,
	WEIR_WORKER_STARTING,
	WEIR_WORKER_READY, /* it waits for the others */
	WEIR_WORKER_SERVING
};

struct weir_supervisor;

struct weir_child {
	struct weir_supervisor *supervisor;
	enum weir_worker_state state;
	int pid, line;
	bool due;         /* to be begun */
	bool following;   /* it has been told of a reload, as one of those who come after */
	unsigned version; /* of the configuration it has, or will have answered for */
	unsigned failures;
	uint64_t began_ms;
	uv_poll_t poll;
	uv_timer_t again;
};

struct weir_supervisor {
	struct server *server;  /* its loop, log and handover are the supervisor's */
	struct server pristine; /* as it came from the command line: what a worker begins with */
	const char *path;       /* of the configuration; NULL: there is no file */
	unsigned n;
	struct weir_child children[WEIR_WORKERS_MAX];
	struct weir_handover_socket sockets[WEIR_HANDOVER_MAX]; /* of all workers */
	unsigned sockets_n;
	struct weir_buf text, next; /* in force; offered to the leader */
	unsigned version;
	uv_signal_t signals[5];
	unsigned signals_n;
	uv_timer_t reload; /* SIGHUP has come */
	uint64_t reloaded_ms;
	struct weir_child *leader; /* who tries a reload before the others; NULL: none is tried */
	bool reload_due;           /* another one */
	bool serving, draining, over;
	int code;
};

/* supervisor_line.c: what is said between it and its workers. */
void weir_child_hear(struct weir_child *child);
void weir_child_say(const struct weir_child *child, const char *word);
void weir_supervisor_say(const struct weir_supervisor *supervisor, const char *word);
void weir_supervisor_reload(struct weir_supervisor *supervisor);
/* What a reload waited for is not there any more. */
void weir_supervisor_lost(struct weir_supervisor *supervisor, const struct weir_child *child);
/* The file's text. False: it cannot be read. */
WEIR_MUST_CHECK bool weir_supervisor_read(const char *path, struct weir_buf *text);

/* supervisor.c */
void weir_supervisor_drain(struct weir_supervisor *supervisor, const char *word);
/* All whom it waited for are ready. */
void weir_supervisor_ready(struct weir_supervisor *supervisor);
