/* One event, one line: JSON, or `key=value` text for a terminal.
 *
 * A line is built on the stack and cut, never grown; what it is given is escaped,
 * so no byte of a caller or a provider can forge a line or a terminal escape. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum { WEIR_LOG_LINE_MAX = 4096, WEIR_LOG_VALUE_MAX = 1024 /* once escaped */ };

/* Receives each finished line, its newline included. Must not block. */
typedef void weir_log_sink(void *arg, const char *line, size_t len);

struct weir_log {
	weir_log_sink *sink; /* NULL: nothing is written */
	void *arg;
	bool text; /* key=value instead of JSON */
};

struct weir_log_line {
	const struct weir_log *log;
	size_t len;
	bool full; /* what is being added does not fit */
	char bytes[WEIR_LOG_LINE_MAX];
};

/* Starts a line with ts (UTC, RFC 3339 with milliseconds) and event. */
void weir_log_begin(struct weir_log_line *line, const struct weir_log *log, const char *event);
void weir_log_str(struct weir_log_line *line, const char *key, const char *value); /* NULL: null */
void weir_log_slice(struct weir_log_line *line, const char *key, struct weir_slice value);
void weir_log_u64(struct weir_log_line *line, const char *key, uint64_t value);
/* A number as it is to stand there, as "0.0025". */
void weir_log_number(struct weir_log_line *line, const char *key, const char *number);
void weir_log_bool(struct weir_log_line *line, const char *key, bool value);
void weir_log_null(struct weir_log_line *line, const char *key);
void weir_log_end(struct weir_log_line *line);

/* event=LEVEL message=…, for start-up, shutdown and warnings. */
__attribute__((format(printf, 3, 4))) void
weir_log_note(const struct weir_log *log, const char *level, const char *format, ...);
