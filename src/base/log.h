/* One event, one line: JSON, or `key=value` text for a terminal.
 *
 * A line is built on the stack and cut, never grown; what it is given is escaped,
 * so no byte of a caller or a provider can forge a line or a terminal escape. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum {
	WEIR_LOG_LINE_MAX = 4096,
	WEIR_LOG_VALUE_MAX = 1024 /* once escaped */
};

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
/* bare: it is to stand there as it is, and no text. */
void weir_log_member(struct weir_log_line *line, struct weir_slice key, struct weir_slice value,
		     bool bare);

static inline void weir_log_slice(struct weir_log_line *line, const char *key,
				  struct weir_slice value)
{
	weir_log_member(line, weir_slice_of(key), value, false);
}

static inline void weir_log_null(struct weir_log_line *line, const char *key)
{
	weir_log_member(line, weir_slice_of(key),
			line->log->text ? WEIR_SLICE("-") : WEIR_SLICE("null"), true);
}

static inline void weir_log_str(struct weir_log_line *line, const char *key, const char *value)
{
	if (value)
		weir_log_slice(line, key, weir_slice_of(value));
	else
		weir_log_null(line, key);
}

static inline void weir_log_u64(struct weir_log_line *line, const char *key, uint64_t value)
{
	char digits[WEIR_DIGITS_MAX];

	weir_log_member(line, weir_slice_of(key), weir_slice_digits(digits, value), true);
}

/* A number as it is to stand there, as "0.0025". */
static inline void weir_log_number(struct weir_log_line *line, const char *key, const char *number)
{
	weir_log_member(line, weir_slice_of(key), weir_slice_of(number), true);
}

static inline void weir_log_bool(struct weir_log_line *line, const char *key, bool value)
{
	weir_log_member(line, weir_slice_of(key), value ? WEIR_SLICE("true") : WEIR_SLICE("false"),
			true);
}

void weir_log_end(struct weir_log_line *line);

/* event=EVENT message=…, for start-up, shutdown and warnings. */
__attribute__((format(printf, 4, 5))) void weir_log_note(const struct weir_log *log,
							 enum weir_log_level level,
							 const char *event, const char *format,
							 ...);
