#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

enum { TAIL_ROOM = 4 }; /* closing quote, brace and newline always fit */

static void put(struct weir_log_line *line, const char *bytes, size_t len)
{
	if (line->full || line->len + len > sizeof line->bytes - TAIL_ROOM) {
		line->full = true;
		return;
	}
	memcpy(line->bytes + line->len, bytes, len);
	line->len += len;
}

static void put_text(struct weir_log_line *line, const char *text)
{
	put(line, text, strlen(text));
}

static void put_quoted(struct weir_log_line *line, struct weir_slice value)
{
	char escape[8];
	size_t len = value.len < WEIR_LOG_VALUE_MAX ? value.len : WEIR_LOG_VALUE_MAX;

	/* Never cut inside a UTF-8 sequence. */
	while (len < value.len && len && ((unsigned char)value.base[len] & 0xc0) == 0x80)
		len--;
	if (line->full || line->len + len * 6 + 2 > sizeof line->bytes - TAIL_ROOM) {
		size_t room = sizeof line->bytes - TAIL_ROOM - line->len;

		if (line->full || room < 16) {
			line->full = true;
			return;
		}
		if (len > (room - 2) / 6)
			len = (room - 2) / 6;
	}
	put(line, "\"", 1);
	for (size_t i = 0, n; i < len; i += n) {
		unsigned char c = (unsigned char)value.base[i];

		n = weir_utf8_len(value.base + i, len - i);
		if (c == '"' || c == '\\') {
			put(line, (char[]){ '\\', (char)c }, 2);
		} else if (n == 0) {
			put_text(line, "\\ufffd");
			n = 1;
		} else if (c < 0x20 || c == 0x7f || (c == 0xc2 && n == 2)) {
			/* C0, DEL and C1: what a terminal would obey. */
			c = n == 2 ? (unsigned char)value.base[i + 1] : c;
			snprintf(escape, sizeof escape, "\\u%04x", c);
			put_text(line, escape);
		} else {
			put(line, value.base + i, n);
		}
	}
	put(line, "\"", 1);
}

static bool is_plain(struct weir_slice value)
{
	if (value.len == 0 || value.len > WEIR_LOG_VALUE_MAX)
		return false;
	for (size_t i = 0; i < value.len; i++)
		if (value.base[i] <= ' ' || value.base[i] >= 0x7f || value.base[i] == '"' ||
		    value.base[i] == '=' || value.base[i] == '\\')
			return false;
	return true;
}

static void put_key(struct weir_log_line *line, const char *key)
{
	if (line->log->text) {
		if (line->len)
			put(line, " ", 1);
		put_text(line, key);
		put(line, "=", 1);
		return;
	}
	put(line, line->len ? ",\"" : "{\"", 2);
	put_text(line, key);
	put(line, "\":", 2);
}

void weir_log_begin(struct weir_log_line *line, const struct weir_log *log, const char *event)
{
	struct timespec now;
	struct tm utc;
	char stamp[40];
	size_t n;

	line->log = log;
	line->len = 0;
	line->full = false;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	n = strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(stamp + n, sizeof stamp - n, ".%03ldZ", now.tv_nsec / 1000000);
	weir_log_str(line, "ts", stamp);
	weir_log_str(line, "event", event);
}

void weir_log_str(struct weir_log_line *line, const char *key, const char *value)
{
	if (value)
		weir_log_slice(line, key, weir_slice_of(value));
	else
		weir_log_null(line, key);
}

void weir_log_slice(struct weir_log_line *line, const char *key, struct weir_slice value)
{
	put_key(line, key);
	if (line->log->text && is_plain(value))
		put(line, value.base, value.len);
	else
		put_quoted(line, value);
}

void weir_log_u64(struct weir_log_line *line, const char *key, uint64_t value)
{
	char text[24];

	put_key(line, key);
	snprintf(text, sizeof text, "%llu", (unsigned long long)value);
	put_text(line, text);
}

void weir_log_bool(struct weir_log_line *line, const char *key, bool value)
{
	put_key(line, key);
	put_text(line, value ? "true" : "false");
}

void weir_log_null(struct weir_log_line *line, const char *key)
{
	put_key(line, key);
	put_text(line, line->log->text ? "-" : "null");
}

void weir_log_end(struct weir_log_line *line)
{
	if (!line->log->text)
		line->bytes[line->len++] = '}';
	line->bytes[line->len++] = '\n';
	if (line->log->sink)
		line->log->sink(line->log->arg, line->bytes, line->len);
}

void weir_log_note(const struct weir_log *log, const char *level, const char *format, ...)
{
	struct weir_log_line line;
	char text[WEIR_LOG_VALUE_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	weir_log_begin(&line, log, level);
	weir_log_str(&line, "message", text);
	weir_log_end(&line);
}
