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

enum weir_log_level {
	WEIR_LOG_DEBUG,
	WEIR_LOG_INFO,
	WEIR_LOG_WARN,
	WEIR_LOG_ERROR,
	WEIR_LOG_LEVEL_N
};

const char *weir_log_level_name(enum weir_log_level level);

/* Receives each finished line, its newline included. Must not block. */
typedef void weir_log_sink(void *arg, const char *line, size_t len);

struct weir_log {
	weir_log_sink *sink; /* NULL: nothing is written */
	void *arg;
	bool text;                 /* key=value instead of JSON */
	enum weir_log_level least; /* lines of a lower level are not written */
};

struct weir_log_line {
	const struct weir_log *log;
	size_t len;
	bool unwanted;
	bool full; /* what is being added does not fit */
	char bytes[WEIR_LOG_LINE_MAX];
};

/* Is a line of that level written at all? One that is not may be begun and ended all the same. */
static inline bool weir_log_wants(const struct weir_log *log, enum weir_log_level level)
{
	return log->sink && level >= log->least;
}

/* Starts a line with ts (UTC, RFC 3339 with milliseconds), level and event. */
void weir_log_begin(struct weir_log_line *line, const struct weir_log *log,
		    enum weir_log_level level, const char *event);
void weir_log_str(struct weir_log_line *line, const char *key, const char *value); /* NULL: null */
void weir_log_slice(struct weir_log_line *line, const char *key, struct weir_slice value);
void weir_log_u64(struct weir_log_line *line, const char *key, uint64_t value);
/* A number as it is to stand there, as "0.0025". */
void weir_log_number(struct weir_log_line *line, const char *key, const char *number);
void weir_log_bool(struct weir_log_line *line, const char *key, bool value);
void weir_log_null(struct weir_log_line *line, const char *key);
void weir_log_end(struct weir_log_line *line);

/* event=EVENT message=…, for start-up, shutdown and warnings. */
__attribute__((format(printf, 4, 5))) void weir_log_note(const struct weir_log *log,
							 enum weir_log_level level,
							 const char *event, const char *format,
							 ...);
