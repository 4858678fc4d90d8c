#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "base/attr.h"

enum {
	TAIL_ROOM = 4, /* closing quote, brace and newline always fit */
	MARKS_LEN = sizeof ",\"\":\"\"" - 1,
	SECOND_LEN = sizeof "2026-01-31T23:59:59" - 1,
	STAMP_LEN = SECOND_LEN + sizeof ".999Z" - 1
};

#define HOT static inline __attribute__((always_inline)) /* what every member goes through */

typedef signed char block __attribute__((vector_size(16)));

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* As memcpy(), without a call for what is short, as almost all of a line is. */
HOT void copy(char *to, const char *from, size_t len)
{
	if (len > 16) {
		memcpy(to, from, len);
	} else if (len >= 8) {
		memcpy(to, from, 8);
		memcpy(to + len - 8, from + len - 8, 8);
	} else if (len >= 4) {
		memcpy(to, from, 4);
		memcpy(to + len - 4, from + len - 4, 4);
	} else if (len >= 2) {
		memcpy(to, from, 2);
		memcpy(to + len - 2, from + len - 2, 2);
	} else if (len) {
		*to = *from;
	}
}

/* Where len more bytes go; NULL: they do not fit. */
static char *extend(struct weir_log_line *line, size_t len)
{
	char *at = line->bytes + line->len;

	if (line->len + len > WEIR_LOG_LINE_MAX - TAIL_ROOM)
		return NULL;
	line->len += len;
	return at;
}

/* ASCII that stands for itself, which is almost all there is. */
static bool is_plain(char c)
{
	return (signed char)c >= ' ' && c != 0x7f && c != '"' && c != '\\';
}

static bool is_plain_block(block b)
{
	uint64_t odd[2];
	block bad = (block)((b < ' ') | (b == 0x7f) | (b == '"') | (b == '\\'));

	memcpy(odd, &bad, sizeof odd);
	return !(odd[0] | odd[1]);
}

/* The same of what is shorter than a block. */
HOT bool copy_short(char *to, const char *from, size_t len)
{
	uint64_t words[2];
	block b;

	copy(to, from, len);
	if (len >= 4) {
		weir_cover(words, from, len);
		memcpy(&b, words, sizeof b);
		return is_plain_block(b);
	}
	for (size_t i = 0; i < len; i++)
		if (!is_plain(from[i]))
			return false;
	return true;
}

/* Is all of it plain? If not, something of it is there. */
HOT bool copy_if_plain(char *to, const char *from, size_t len)
{
	block b;

	if (len < sizeof b)
		return copy_short(to, from, len);
	for (size_t n = 0;; n = least(n + sizeof b, len - sizeof b)) {
		memcpy(&b, from + n, sizeof b);
		memcpy(to + n, &b, sizeof b);
		if (!is_plain_block(b))
			return false;
		if (n == len - sizeof b)
			return true;
	}
}

/* Returns how much is plain. */
static size_t copy_plain(char *to, const char *from, size_t len)
{
	size_t n = 0;

	while (len - n >= sizeof(block) && copy_if_plain(to + n, from + n, sizeof(block)))
		n += sizeof(block);
	while (n < len && is_plain(from[n])) {
		to[n] = from[n];
		n++;
	}
	return n;
}

/* What the character at `at` becomes in out; *n is how long it is there. */
static size_t escape(char out[8], const char *at, size_t left, size_t *n)
{
	unsigned char c = (unsigned char)*at;

	*n = weir_utf8_len(at, left);
	if (*n == 0) {
		*n = 1;
		return (size_t)snprintf(out, 8, "\\ufffd");
	}
	if (c == '"' || c == '\\')
		return (size_t)snprintf(out, 8, "\\%c", c);
	/* C0, DEL and C1: what a terminal would obey. */
	if (c < 0x20 || c == 0x7f)
		return (size_t)snprintf(out, 8, "\\u%04x", c);
	if (c == 0xc2 && (unsigned char)at[1] < 0xa0)
		return (size_t)snprintf(out, 8, "\\u%04x", (unsigned char)at[1]);
	memcpy(out, at, *n);
	return *n;
}

/* Cut where the line or the value is as long as it may be, never inside a character. */
static bool put_quoted(struct weir_log_line *line, struct weir_slice value)
{
	size_t limit = WEIR_LOG_LINE_MAX - TAIL_ROOM - 1, len;
	char out[8];

	if (line->len >= limit)
		return false;
	line->bytes[line->len++] = '"';
	if (limit > line->len + WEIR_LOG_VALUE_MAX)
		limit = line->len + WEIR_LOG_VALUE_MAX;
	for (size_t i = 0, n; i < value.len; i += n) {
		n = least(value.len - i, limit - line->len);
		n = copy_plain(line->bytes + line->len, value.base + i, n);
		line->len += n;
		i += n;
		if (i == value.len || line->len == limit)
			break;
		len = escape(out, value.base + i, value.len - i, &n);
		if (line->len + len > limit)
			break;
		memcpy(line->bytes + line->len, out, len);
		line->len += len;
	}
	line->bytes[line->len++] = '"';
	return true;
}

/* Text that needs no quotes to be told from what follows it. */
static bool is_word(struct weir_slice value)
{
	if (value.len == 0 || value.len > WEIR_LOG_VALUE_MAX)
		return false;
	for (size_t i = 0; i < value.len; i++)
		if (!is_plain(value.base[i]) || value.base[i] == ' ' || value.base[i] == '=')
			return false;
	return true;
}

static bool put(struct weir_log_line *line, struct weir_slice bytes)
{
	char *at = extend(line, bytes.len);

	if (at)
		copy(at, bytes.base, bytes.len);
	return at != NULL;
}

static bool put_key(struct weir_log_line *line, struct weir_slice key)
{
	bool first = line->len == 0, text = line->log->text;
	char *at = extend(line, key.len + (text ? 2u - first : 4u));

	if (!at)
		return false;
	if (!text) {
		memcpy(at, first ? "{\"" : ",\"", 2);
		copy(at + 2, key.base, key.len);
		memcpy(at + 2 + key.len, "\":", 2);
		return true;
	}
	if (!first)
		*at++ = ' ';
	copy(at, key.base, key.len);
	at[key.len] = '=';
	return true;
}

/* The last n digits of a number. */
static char *put_digits(char *at, unsigned value, unsigned n)
{
	for (unsigned i = n; i > 0; i--, value /= 10)
		at[i - 1] = (char)('0' + value % 10);
	return at + n;
}

/* RFC 3339. By hand, because strftime() costs more than the rest of a line. */
static void put_second(char *at, time_t second)
{
	struct tm utc;

	gmtime_r(&second, &utc);
	at = put_digits(at, (unsigned)utc.tm_year + 1900, 4);
	*at++ = '-';
	at = put_digits(at, (unsigned)utc.tm_mon + 1, 2);
	*at++ = '-';
	at = put_digits(at, (unsigned)utc.tm_mday, 2);
	*at++ = 'T';
	at = put_digits(at, (unsigned)utc.tm_hour, 2);
	*at++ = ':';
	at = put_digits(at, (unsigned)utc.tm_min, 2);
	*at++ = ':';
	put_digits(at, (unsigned)utc.tm_sec, 2);
}

/* The date is made once a second. */
static struct weir_slice stamp_now(void)
{
	static _Thread_local char stamp[STAMP_LEN];
	static _Thread_local time_t second = -1;
	struct timespec now;
	char *at = stamp + SECOND_LEN;

	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec != second)
		put_second(stamp, now.tv_sec);
	second = now.tv_sec;
	*at++ = '.';
	at = put_digits(at, (unsigned)(now.tv_nsec / 1000000), 3);
	*at = 'Z';
	return weir_slice(stamp, STAMP_LEN);
}

const char *weir_log_level_name(enum weir_log_level level)
{
	static const char *const names[] = { "debug", "info", "warn", "error" };

	_Static_assert(WEIR_COUNT_OF(names) == WEIR_LOG_LEVEL_N, "one name each");
	return names[level];
}

void weir_log_begin(struct weir_log_line *line, const struct weir_log *log,
		    enum weir_log_level level, const char *event)
{
	line->log = log;
	line->len = 0;
	line->unwanted = !weir_log_wants(log, level);
	if (line->unwanted)
		return;
	weir_log_slice(line, "ts", stamp_now());
	weir_log_str(line, "level", weir_log_level_name(level));
	weir_log_str(line, "event", event);
}

/* Nothing of a member that does not fit: half of one would not be JSON. */
__attribute__((noinline)) static void put_member(struct weir_log_line *line, struct weir_slice key,
						 struct weir_slice value, bool bare)
{
	size_t before = line->len;

	if (!put_key(line, key) ||
	    !(bare || (line->log->text && is_word(value)) ? put(line, value)
							  : put_quoted(line, value)))
		line->len = before;
}

/* Almost every one: JSON that fits, of text that needs neither to be escaped nor to be cut. */
void weir_log_member(struct weir_log_line *line, struct weir_slice key, struct weir_slice value,
		     bool bare)
{
	char *at = line->bytes + line->len;

	if (line->unwanted)
		return;
	if (line->log->text || value.len > WEIR_LOG_VALUE_MAX ||
	    line->len + key.len + value.len + MARKS_LEN > WEIR_LOG_LINE_MAX - TAIL_ROOM) {
		put_member(line, key, value, bare);
		return;
	}
	memcpy(at, line->len ? ",\"" : "{\"", 2);
	copy(at += 2, key.base, key.len);
	memcpy(at += key.len, "\":\"", 3);
	at += 3 - bare;
	if (bare) {
		copy(at, value.base, value.len);
	} else if (copy_if_plain(at, value.base, value.len)) {
		at[value.len] = '"';
	} else {
		put_member(line, key, value, bare);
		return;
	}
	line->len = (size_t)(at - line->bytes) + value.len + !bare;
}

void weir_log_end(struct weir_log_line *line)
{
	if (line->unwanted)
		return;
	if (!line->log->text)
		line->bytes[line->len++] = '}';
	line->bytes[line->len++] = '\n';
	line->log->sink(line->log->arg, line->bytes, line->len);
}

void weir_log_note(const struct weir_log *log, enum weir_log_level level, const char *event,
		   const char *format, ...)
{
	struct weir_log_line line;
	char text[WEIR_LOG_VALUE_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	weir_log_begin(&line, log, level, event);
	weir_log_str(&line, "message", text);
	weir_log_end(&line);
}
