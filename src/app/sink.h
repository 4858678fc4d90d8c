/* Log lines to a descriptor, never blocking the loop: gathered while a turn of the loop
 * runs, written before it waits; a reader that does not read costs lines, which are counted. */
#pragma once

#include <uv.h>

#include "base/buf.h"

enum { WEIR_SINK_MAX = 1024 * 1024, WEIR_SINK_WRITE_MAX = 4096 };

struct weir_sink {
	uv_prepare_t prepare;
	uv_timer_t again; /* while the reader does not read */
	int fd;
	bool may_block; /* a pipe, a terminal, a socket: asked before each write */
	struct weir_buf lines;
	uint64_t dropped;
};

void weir_sink_open(struct weir_sink *sink, uv_loop_t *loop, int fd);
/* arg is the sink; fit for weir_gateway_options.on_log. */
void weir_sink_line(void *arg, const char *line, size_t len);
/* What the descriptor takes now. */
void weir_sink_flush(struct weir_sink *sink);
void weir_sink_close(struct weir_sink *sink);
