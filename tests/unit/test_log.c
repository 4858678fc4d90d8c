#include "test.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/rng.h"
#include "wire/json.h"

struct sink {
	unsigned lines;
	size_t len;
	char bytes[WEIR_LOG_LINE_MAX + 1];
};

static void on_line(void *arg, const char *line, size_t len)
{
	struct sink *sink = arg;

	sink->lines++;
	sink->len = len;
	memcpy(sink->bytes, line, len);
	sink->bytes[len] = '\0';
}

/* One line, one JSON object, no byte that a terminal would obey. */
static void check_line(const struct sink *sink)
{
	struct weir_slice line = weir_slice(sink->bytes, sink->len);
	size_t at;

	CHECK_INT(sink->lines, 1);
	REQUIRE(line.len > 1 && line.base[line.len - 1] == '\n');
	line.len--;
	CHECK(memchr(line.base, '\n', line.len) == NULL);
	if (weir_json_check(line, &at) != 0) {
		NOTE("at %zu: %.*s", at, (int)line.len, line.base);
		CHECK(false);
	}
	for (size_t i = 0; i < line.len; i++) {
		unsigned char c = (unsigned char)line.base[i];

		CHECK(c >= 0x20 && c != 0x7f);
		CHECK(!(c == 0xc2 && (unsigned char)line.base[i + 1] < 0xa0));
	}
}

static void log_one(struct sink *sink, bool text, struct weir_slice value)
{
	struct weir_log log = { .sink = on_line, .arg = sink, .text = text };
	struct weir_log_line line;

	sink->lines = 0;
	weir_log_begin(&line, &log, WEIR_LOG_INFO, "test");
	weir_log_slice(&line, "v", value);
	weir_log_u64(&line, "n", 42);
	weir_log_end(&line);
}

/* Without the time and the level, which begin every line. */
static const char *after_stamp(const struct sink *sink, bool text)
{
	return sink->bytes +
	       (text ? sizeof "ts=2026-11-21T10:00:05.250Z level=info"
		     : sizeof "{\"ts\":\"2026-11-21T10:00:05.250Z\",\"level\":\"info\"");
}

struct row {
	const char *value, *json, *text;
};

static const struct row rows[] = {
	{ "", "\"\"", "\"\"" },
	{ "plain", "\"plain\"", "plain" },
	{ "openai/gpt-4o;503", "\"openai/gpt-4o;503\"", "openai/gpt-4o;503" },
	{ "two words", "\"two words\"", "\"two words\"" },
	{ "a=b", "\"a=b\"", "\"a=b\"" },
	{ "quo\"te\\", "\"quo\\\"te\\\\\"", "\"quo\\\"te\\\\\"" },
	{ "x\nts=1 event=fake", "\"x\\u000ats=1 event=fake\"", "\"x\\u000ats=1 event=fake\"" },
	{ "\r\t\x1b[31m\x7f", "\"\\u000d\\u0009\\u001b[31m\\u007f\"",
	  "\"\\u000d\\u0009\\u001b[31m\\u007f\"" },
	{ "\xc2\x9b"
	  "31m \xc2\x80\xc2\x9f",
	  "\"\\u009b31m \\u0080\\u009f\"", "\"\\u009b31m \\u0080\\u009f\"" },
	{ "\xc2\xa0\xc2\xa9 \xc3\xa9", "\"\xc2\xa0\xc2\xa9 \xc3\xa9\"",
	  "\"\xc2\xa0\xc2\xa9 \xc3\xa9\"" },
	{ "\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xe2\x82\xac\xf0\x9f\x98\x80\"",
	  "\"\xe2\x82\xac\xf0\x9f\x98\x80\"" },
	{ "\x9b\xff", "\"\\ufffd\\ufffd\"", "\"\\ufffd\\ufffd\"" },
	{ "\xc2", "\"\\ufffd\"", "\"\\ufffd\"" },
	{ "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"", "\"\\ufffd\\ufffd\\ufffd\"" },
};

TEST(values_are_escaped)
{
	static struct sink sink;
	char expected[256];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		log_one(&sink, false, weir_slice_of(rows[i].value));
		check_line(&sink);
		snprintf(expected, sizeof expected, "\"event\":\"test\",\"v\":%s,\"n\":42}\n",
			 rows[i].json);
		CHECK_STR(after_stamp(&sink, false), expected);
		log_one(&sink, true, weir_slice_of(rows[i].value));
		snprintf(expected, sizeof expected, "event=test v=%s n=42\n", rows[i].text);
		CHECK_STR(after_stamp(&sink, true), expected);
	}
}

TEST(a_nul_byte_is_escaped)
{
	static struct sink sink;

	log_one(&sink, false, weir_slice("a\0b", 3));
	check_line(&sink);
	CHECK(strstr(sink.bytes, "\"a\\u0000b\"") != NULL);
}

TEST(all_kinds_of_values)
{
	static struct sink sink;
	struct weir_log log = { .sink = on_line, .arg = &sink };
	struct weir_log_line line;

	for (int text = 0; text < 2; text++) {
		log.text = text;
		sink.lines = 0;
		weir_log_begin(&line, &log, WEIR_LOG_INFO, "e");
		weir_log_str(&line, "s", "x");
		weir_log_str(&line, "z", NULL);
		weir_log_bool(&line, "t", true);
		weir_log_bool(&line, "f", false);
		weir_log_u64(&line, "u", UINT64_MAX);
		weir_log_end(&line);
		CHECK_STR(after_stamp(&sink, text),
			  text ? "event=e s=x z=- t=true f=false u=18446744073709551615\n"
			       : "\"event\":\"e\",\"s\":\"x\",\"z\":null,\"t\":true,\"f\":false,"
				 "\"u\":18446744073709551615}\n");
	}
}

TEST(a_note_is_a_line)
{
	static struct sink sink;
	struct weir_log log = { .sink = on_line, .arg = &sink, .text = true };

	weir_log_note(&log, WEIR_LOG_INFO, "warning", "key %d is \"%s\"", 7, "x");
	CHECK_STR(after_stamp(&sink, true), "event=warning message=\"key 7 is \\\"x\\\"\"\n");
	log.sink = NULL;
	weir_log_note(&log, WEIR_LOG_INFO, "warning", "nobody listens");
	CHECK_INT(sink.lines, 1);
}

TEST(lines_of_a_lower_level_are_not_written)
{
	static const char *const names[] = { "debug", "info", "warn", "error" };
	static struct sink sink;
	struct weir_log log = { .sink = on_line, .arg = &sink };
	struct weir_log_line line;
	char word[32];

	for (unsigned least = 0; least < WEIR_LOG_LEVEL_N; least++) {
		for (unsigned level = 0; level < WEIR_LOG_LEVEL_N; level++) {
			log.least = (enum weir_log_level)least;
			sink.lines = 0;
			weir_log_begin(&line, &log, (enum weir_log_level)level, "e");
			weir_log_str(&line, "s", "x");
			weir_log_u64(&line, "n", 1);
			weir_log_null(&line, "z");
			weir_log_end(&line);
			CHECK_INT(sink.lines, level >= least);
			snprintf(word, sizeof word, "\"level\":\"%s\"", names[level]);
			CHECK(level < least || strstr(sink.bytes, word) != NULL);
		}
	}
}

/* A long value is cut at a character; what comes after it is still there. */
TEST(long_values_are_cut)
{
	static const char *const units[] = { "a",    "\x01", "\xe2\x82\xac",
					     "\x80", "\"",   "\xf0\x9f\x98\x80" };
	static struct sink sink;
	struct weir_buf value;
	struct weir_json_member m;

	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		weir_buf_init(&value, 100000);
		for (int n = 0; n < 9000; n++)
			REQUIRE(weir_buf_puts(&value, units[i]) == 0);
		log_one(&sink, false, weir_buf_slice(&value));
		check_line(&sink);
		CHECK(weir_json_get(weir_slice(sink.bytes, sink.len), "v", &m));
		CHECK(m.value.len <= WEIR_LOG_VALUE_MAX + 2);
		CHECK(m.value.len > WEIR_LOG_VALUE_MAX - 6);
		CHECK(strstr(m.value.base, "fffd") == NULL || units[i][0] == '\x80');
		CHECK(weir_json_get(weir_slice(sink.bytes, sink.len), "n", &m));
		weir_buf_fini(&value);
	}
}

/* Members of random kinds until the line is long full: it stays one JSON object. */
static void fill(struct weir_log_line *line, struct weir_rng *rng)
{
	char noise[300];
	size_t len;

	for (int i = 0; i < 200; i++) {
		switch (weir_rng_upto(rng, 5)) {
		case 0:
			weir_log_u64(line, "number", weir_rng_next(rng) >> weir_rng_upto(rng, 63));
			break;
		case 1:
			weir_log_bool(line, "b", weir_rng_upto(rng, 1));
			break;
		case 2:
			weir_log_null(line, "a_rather_long_key_for_nothing");
			break;
		case 3:
			weir_log_str(line, "text", "some words");
			break;
		default:
			len = weir_rng_upto(rng, sizeof noise);
			for (size_t k = 0; k < len; k++)
				noise[k] = (char)weir_rng_next(rng);
			weir_log_slice(line, "noise", weir_slice(noise, len));
		}
	}
}

TEST(a_full_line_is_still_json)
{
	static struct sink sink;
	struct weir_log log = { .sink = on_line, .arg = &sink };
	struct weir_log_line line;
	struct weir_rng rng;

	for (uint64_t seed = 0; seed < 500; seed++) {
		weir_rng_init(&rng, seed);
		sink.lines = 0;
		weir_log_begin(&line, &log, WEIR_LOG_INFO, "full");
		fill(&line, &rng);
		weir_log_end(&line);
		check_line(&sink);
		CHECK(sink.len <= WEIR_LOG_LINE_MAX);
		CHECK(sink.len > WEIR_LOG_LINE_MAX - 64);
	}
}

/* Filled to each of its last bytes, then one more member of each kind. */
TEST(no_member_is_half_there)
{
	static struct sink sink;
	struct weir_log log = { .sink = on_line, .arg = &sink };
	struct weir_log_line line;
	char pad[WEIR_LOG_VALUE_MAX];

	memset(pad, 'p', sizeof pad);
	for (size_t left = 0; left < 120; left++) {
		for (int kind = 0; kind < 4; kind++) {
			sink.lines = 0;
			weir_log_begin(&line, &log, WEIR_LOG_INFO, "e");
			for (int i = 0; i < 3; i++)
				weir_log_slice(&line, "p", weir_slice(pad, sizeof pad));
			weir_log_slice(&line, "p",
				       weir_slice(pad, sizeof line.bytes - line.len - 8 - left));
			if (kind == 0)
				weir_log_u64(&line, "u", 123456789);
			else if (kind == 1)
				weir_log_str(&line, "s", "\xe2\x82\xac\x01 text");
			else if (kind == 2)
				weir_log_null(&line, "z");
			else
				weir_log_bool(&line, "b", false);
			weir_log_end(&line);
			check_line(&sink);
		}
	}
}

TEST_MAIN
