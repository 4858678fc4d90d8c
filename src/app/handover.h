/* How a running weir hands its listening sockets to a successor: over a unix socket on which the
 * running one waits. The successor gets the descriptors (SCM_RIGHTS), makes itself ready, says so,
 * and begins only when it is told that it may; until then the running one goes on as ever.
 *
 *     running    "weir-handover 1\n", a line per socket, their descriptors; or "refused WHY"
 *     successor  "ready"
 *     running    "yours", and it drains; or "refused WHY"
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"

enum {
	WEIR_HANDOVER_MAX = 40, /* sockets */
	WEIR_HANDOVER_NAME_MAX = 128,
	WEIR_HANDOVER_PATH_MAX = 107,
	WEIR_HANDOVER_PATIENCE_MS = 60 * 1000, /* for the successor to be ready */
	WEIR_HANDOVER_ANSWER_MS = 10 * 1000    /* for the running one to answer */
};

struct weir_handover_socket {
	int fd;
	unsigned flags; /* the program's own */
	char name[WEIR_HANDOVER_NAME_MAX];
};

struct weir_handover_events {
	/* Somebody wants to take over: which sockets are there? How many; 0: not now. */
	unsigned (*on_asked)(void *arg, struct weir_handover_socket list[WEIR_HANDOVER_MAX]);
	/* The process pid is ready, and will serve from here on. */
	void (*on_taken)(void *arg, int64_t pid);
	/* Nothing has changed, and why. */
	void (*on_failed)(void *arg, int64_t pid, const char *why);
};

struct weir_handover {
	uv_loop_t *loop;
	const struct weir_handover_events *events;
	void *arg;
	uint64_t patience_ms;
	char path[WEIR_HANDOVER_PATH_MAX + 1];
	/* Private. */
	int fd, peer; /* -1: none */
	int64_t successor;
	uv_poll_t door, line;
	uv_timer_t patience;
	bool open, line_open, over;
	uint64_t unlink_dev, unlink_ino;
};

/* Where, when nobody says: a file in systemd's $RUNTIME_DIRECTORY, else an abstract socket
 * ("@…") that goes by the user and the configuration's file. */
void weir_handover_path(const char *config, char path[WEIR_HANDOVER_PATH_MAX + 1]);

/* Waits there; fd: the socket that a predecessor waited on, or -1. A file is of mode 0600, and a
 * stale one is replaced, as is a predecessor's that is gone. handover->open is false on
 * failure. */
WEIR_MUST_CHECK int weir_handover_open(struct weir_handover *handover, uv_loop_t *loop,
				       const char *path, int fd,
				       const struct weir_handover_events *events, void *arg,
				       struct weir_error *err);
/* Is there one who has asked, and is not ready yet? */
bool weir_handover_asked(const struct weir_handover *handover);
/* Ends on the loop. Its file goes, unless a successor has asked and may go on with it. */
void weir_handover_close(struct weir_handover *handover);

/* The successor's side; these block. */
struct weir_handover_parcel {
	int line; /* to the running one; -1: not asked */
	int fd;   /* the one it waits on */
	unsigned n;
	struct weir_handover_socket sockets[WEIR_HANDOVER_MAX];
};

/* Messages of the same form go between a parent and its workers. own: a descriptor beside the
 * sockets, of which there is at least one. 0 or -errno. */
WEIR_MUST_CHECK int weir_handover_send(int line, int own, const struct weir_handover_socket *list,
				       unsigned n);
enum { WEIR_HANDOVER_TEXT_MAX = 8 * 1024 };
/* 1: that, into parcel (fd is own); 0: only a text; negative: the line has ended. */
WEIR_MUST_CHECK int weir_handover_receive(int line, struct weir_handover_parcel *parcel,
					  char text[WEIR_HANDOVER_TEXT_MAX + 1]);

WEIR_MUST_CHECK int weir_handover_ask(const char *path, struct weir_handover_parcel *parcel,
				      struct weir_error *err);
/* 0: the sockets are this process's alone, or the other one is gone. Negative: it goes on, and
 * this one must not begin. */
WEIR_MUST_CHECK int weir_handover_ready(struct weir_handover_parcel *parcel,
					struct weir_error *err);
