/* Log lines to a descriptor or a file, never blocking the loop: gathered while a turn of the
 * loop runs, written before it waits. A reader that does not read, or a full disk, costs lines,
 * which are counted; the first line that gets through again tells how many. */
#pragma once

#include <uv.h>

#include "base/buf.h"
#include "base/log.h"

enum { WEIR_SINK_MAX = 1024 * 1024, WEIR_SINK_WRITE_MAX = 4096 };

/* How a descriptor is kept from blocking. */
enum weir_sink_way {
	WEIR_SINK_NOWHERE, /* lines are forgotten, and not counted */
	WEIR_SINK_FILE,    /* nothing to do: a disk takes what it is given, or refuses it */
	WEIR_SINK_NONBLOCK,
	WEIR_SINK_SOCKET,
	WEIR_SINK_POLL /* asked before each write: its flags are shared with others */
};

struct weir_sink {
	uv_prepare_t prepare;
	uv_timer_t again;           /* while it takes nothing */
	const struct weir_log *log; /* what its own lines look like; NULL: it has none */
	enum weir_sink_way way;
	int fd;
	bool owned;
	char *path; /* NULL: not a file of ours */
	struct weir_buf lines;
	bool torn; /* lines begins with the rest of a line whose head is written */
	uint64_t dropped, told;
};

/* fd is the caller's; -1: nowhere, for now. */
void weir_sink_open(struct weir_sink *sink, uv_loop_t *loop, int fd);
/* From now on to the end of this file, which is made when it is missing. 0 or -errno; then all
 * is as before. Again with the path it has, after that was renamed: rotation. */
int weir_sink_file(struct weir_sink *sink, const char *path);
/* arg is the sink; fit for weir_gateway_options.on_log. */
void weir_sink_line(void *arg, const char *line, size_t len);
/* What the descriptor takes now. */
void weir_sink_flush(struct weir_sink *sink);
void weir_sink_close(struct weir_sink *sink);
