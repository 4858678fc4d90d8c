#include "test.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/plain.h"
#include "wire/json.h"

#define TEN(s)     s s s s s s s s s s
#define HUNDRED(s) TEN(TEN(s))

static const char *const valid[] = {
	"{}",
	"[]",
	" \t\r\n{ } ",
	"{\"a\":1}",
	"[null,true,false,0,-0,1.5,-1.5e+10,1E-2,0e0,1e999,123456789012345678901234567890]",
	"{\"a\":{\"b\":[{},[],{\"c\":[]}]},\"d\":[[[[]]]]}",
	"[ 1 , 2 ,\n3 ]",
	"{\n        \"a\": [\n                  1\n\t\t         ]  \r\n          }       \n",
	"{\"\":\"\"}",
	"[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\uabCD\"]",
	"[\"\\ud800\"]",
	"[\"\\udc00\\ud800 \\ud83d\\ude00\"]",
	"[\"\x7f\"]",
	"[\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4"
	"\x8f"
	"\xbf\xbf\"]",
	"[\"sixteen bytes and more, with an \\\"escape\\\" far behind the first block\"]",
	"{\"a\":1,\"a\":2}",
};

struct invalid {
	const char *text;
	size_t offset;
};

static const struct invalid invalid[] = {
	{ "", 0 },
	{ "  ", 2 },
	{ "{", 1 },
	{ "[", 1 },
	{ "]", 0 },
	{ "{]", 1 },
	{ "[}", 1 },
	{ "[1}", 2 },
	{ "[[1,2}]", 5 },
	{ "{\"a\":[1,2}}", 9 },
	{ "{\"a\":1]", 6 },
	{ "{\"a\"}", 4 },
	{ "{\"a\":}", 5 },
	{ "{\"a\" 1}", 5 },
	{ "{a:1}", 1 },
	{ "{'a':1}", 1 },
	{ "{1:1}", 1 },
	{ "{\"a\":1,}", 7 },
	{ "{,}", 1 },
	{ "[1,]", 3 },
	{ "[,1]", 1 },
	{ "[1 2]", 3 },
	{ "{\"a\":1 \"b\":2}", 7 },
	{ "{\"a\":1,,\"b\":2}", 7 },
	{ "[1] x", 4 },
	{ "[1][2]", 3 },
	{ "{}{}", 2 },
	{ "[1]\xef\xbb\xbf", 3 },
	{ "\xef\xbb\xbf{}", 0 },
	{ "[1 /* no */]", 3 },
	{ "[1] // no", 4 },
	{ "[NaN]", 1 },
	{ "[Infinity]", 1 },
	{ "[-Infinity]", 2 },
	{ "[tru]", 1 },
	{ "[nulL]", 1 },
	{ "[True]", 1 },
	{ "[+1]", 1 },
	{ "[01]", 2 },
	{ "[-]", 2 },
	{ "[-01]", 3 },
	{ "[.5]", 1 },
	{ "[1.]", 3 },
	{ "[1.e1]", 3 },
	{ "[1e]", 3 },
	{ "[1e+]", 4 },
	{ "[0x10]", 2 },
	{ "[1_000]", 2 },
	{ "[--1]", 2 },
	{ "[\"\n\"]", 2 },
	{ "[\"a\tb\"]", 3 },
	{ "[\"\x1f\"]", 2 },
	{ "[\"unfinished]", 13 },
	{ "[\"a\\", 4 },
	{ "[\"\\x\"]", 3 },
	{ "[\"\\u12\"]", 6 },
	{ "[\"\\u12g4\"]", 6 },
	{ "[\"\\uD80\"]", 7 },
	{ "[\"\\", 3 },
	{ "[\"\\u", 4 },
	{ "['a']", 1 },
	{ "[\x0b"
	  "1]",
	  1 },
	{ "[\x0c"
	  "1]",
	  1 },
	{ "[1\xc2\xa0]", 2 },
	/* Not UTF-8: lone tails, overlong forms, surrogates, past U+10FFFF, cut short. */
	{ "[\"\x80\"]", 2 },
	{ "[\"ab\xbf\"]", 4 },
	{ "[\"\xc0\x80\"]", 2 },
	{ "[\"\xc1\xbf\"]", 2 },
	{ "[\"\xe0\x9f\xbf\"]", 2 },
	{ "[\"\xf0\x8f\xbf\xbf\"]", 2 },
	{ "[\"\xed\xa0\x80\"]", 2 },
	{ "[\"\xed\xbf\xbf\"]", 2 },
	{ "[\"\xf4\x90\x80\x80\"]", 2 },
	{ "[\"\xf5\x80\x80\x80\"]", 2 },
	{ "[\"\xff\"]", 2 },
	{ "[\"\xc3\"]", 2 },
	{ "[\"\xe2\x82\"]", 2 },
	{ "[\"\xe2\x82", 2 },
	{ "[\"\xf0\x9f\x98\"]", 2 },
	{ "[\"\xc3\xa9\xe2\x82\xac\xe2\x28\xa1\"]", 7 },
	{ "[\"fifteen bytes..\xff then more than a block follows here\"]", 17 },
};

/* A copy without a byte behind it, so that reading past the end is seen. */
static struct weir_slice tight(const char *text, size_t len)
{
	char *copy = malloc(len ? len : 1);

	memcpy(copy, text, len);
	return weir_slice(copy, len);
}

static void drop(struct weir_slice text)
{
	free((char *)text.base);
}

static int walk(struct weir_slice text, struct weir_json_cursor *c)
{
	struct weir_json_member m;
	int rc = weir_json_open(c, text);

	while (rc == 0 && (rc = weir_json_next(c, &m)) == 1)
		rc = 0;
	return rc;
}

/* Of containers some are gone into, some left half-way, some passed, some not looked at. */
static int step_through(struct weir_json_cursor *c, unsigned level, size_t *n)
{
	struct weir_json_cursor inner;
	struct weir_json_member m, first;
	int rc;

	while ((rc = weir_json_step(c, &m)) == 1) {
		++*n;
		if (m.type != WEIR_JSON_ARRAY && m.type != WEIR_JSON_OBJECT)
			continue;
		CHECK_INT(m.value.len, 1);
		if (level < 100 && *n % 4 < 2) {
			weir_json_enter(c, &inner);
			(void)(*n % 4 ? weir_json_step(&inner, &first)
				      : step_through(&inner, level + 1, n));
			(void)weir_json_leave(c, &inner);
		} else if (*n % 4 == 2 && weir_json_pass(c, &m) == 1) {
			CHECK(m.value.len > 1);
		}
	}
	return rc;
}

static int step_from(struct weir_slice text, struct weir_json_cursor *c, size_t n)
{
	int rc = weir_json_open(c, text);

	return rc ? rc : step_through(c, 1, &n);
}

static void check_both(struct weir_slice text, int expected, size_t offset)
{
	struct weir_json_cursor c;
	size_t at = 0;

	for (size_t n = 0; n < 4; n++) {
		CHECK_INT(step_from(text, &c, n), expected);
		CHECK((c.error != NULL) == (expected != 0) && (!expected || c.offset == offset));
	}

	CHECK_INT(walk(text, &c), expected);
	CHECK((c.error != NULL) == (expected != 0));
	CHECK_INT(weir_json_check(text, &at), expected);
	if (expected) {
		CHECK_INT(c.offset, offset);
		CHECK_INT(at, offset);
	}
}

TEST(valid_texts_pass)
{
	for (size_t i = 0; i < sizeof valid / sizeof *valid; i++) {
		struct weir_slice text = tight(valid[i], strlen(valid[i]));
		int before = test_failures;

		check_both(text, 0, 0);
		if (test_failures > before)
			NOTE("row %zu: %s", i, valid[i]);
		drop(text);
	}
}

TEST(invalid_texts_fail_where_they_are_wrong)
{
	for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++) {
		struct weir_slice text = tight(invalid[i].text, strlen(invalid[i].text));
		int before = test_failures;

		check_both(text, -1, invalid[i].offset);
		if (test_failures > before)
			NOTE("row %zu: %s", i, invalid[i].text);
		drop(text);
	}
}

TEST(a_nul_byte_is_refused_everywhere)
{
	static const char text[] = "{\"a\":[1,\"b\"]}";
	char bad[sizeof text];
	struct weir_json_cursor c;

	for (size_t i = 0; i < sizeof text - 1; i++) {
		struct weir_slice copy;

		memcpy(bad, text, sizeof text);
		bad[i] = '\0';
		copy = tight(bad, sizeof text - 1);
		CHECK_INT(walk(copy, &c), -1);
		drop(copy);
	}
	CHECK_INT(walk(weir_slice("{}\0", 3), &c), -1);
	CHECK_INT(walk(weir_slice(NULL, 0), &c), -1);
}

/* No text that is cut short is valid, and none is read past its end. */
TEST(every_prefix_of_an_object_fails)
{
	static const char text[] =
		"{\"k\\u00e9y\":[\"va\\ud83d\\ude00lue \xe2\x82\xac\",-1.5e+3,"
		"{\"x\":true,\"y\":null}],\"long\":\"0123456789abcdef0123456789\"}";

	for (size_t n = 0; n < sizeof text - 1; n++) {
		struct weir_slice cut = tight(text, n);
		struct weir_json_cursor c;
		size_t at = 0;

		CHECK_INT(walk(cut, &c), -1);
		CHECK(c.offset <= n);
		CHECK_INT(weir_json_check(cut, &at), -1);
		drop(cut);
	}
}

/* One piece at some place of a long string, alone or behind another. */
static void check_piece(const char *piece, size_t at, bool good)
{
	enum { LEN = 200 };
	char text[LEN + 4];
	struct weir_json_cursor c;
	struct weir_slice s;

	memset(text, 'a', sizeof text);
	memcpy(text, "[\"", 2);
	memcpy(text + 2 + LEN, "\"]", 2);
	if (at > 4)
		memcpy(text + at - 2, "\\\\\\n", 4);
	memcpy(text + 2 + at, piece, strlen(piece));
	s = tight(text, sizeof text);
	CHECK_INT(walk(s, &c), good ? 0 : -1);
	if (!good)
		CHECK_INT(c.offset, 2 + at + (piece[0] == '\\'));
	drop(s);
}

/* What is wrong is found at every place of a block and across its end, what is right passes. */
TEST(strings_are_checked_at_every_alignment)
{
	static const char *const bad[] = {
		"\x01",      "\x1f",     "\xff",         "\\q",          "\xc3(",
		"\xe2\x80(", "\xc1\xa9", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf"
	};
	static const char *const good[] = {
		"\\n",
		"\\\"",
		"\\\\",
		"\\u00e9",
		"\xc3\xa9",
		"\xe2\x80\x93",
		"\x7f",
		"\xf0\x9f\x98\x80",
		"\xd0\x96\xd0\xb6\xc3\xa9",
		"\xe4\xb8\xad\xe6\x96\x87\xed\x9f\xbf",
	};
	char text[220];
	struct weir_json_cursor c;

	for (size_t at = 0; at < 190; at++) {
		for (size_t i = 0; i < WEIR_COUNT_OF(bad); i++)
			check_piece(bad[i], at, false);
		for (size_t i = 0; i < WEIR_COUNT_OF(good); i++)
			check_piece(good[i], at, true);
		memset(text, 'a', sizeof text);
		memcpy(text, "[\"", 2);
		memcpy(text + 2 + at, "\"]", 2);
		CHECK_INT(walk(weir_slice(text, 4 + at), &c), 0);
	}
}

static size_t skip_one_by_one(struct weir_slice s)
{
	size_t n = 0;

	while (n < s.len && weir_is_plain(s.base[n]))
		n++;
	return n;
}

/* Each byte at every place of every length, alone and before another odd one. */
TEST(plain_bytes_are_skipped_as_one_by_one)
{
	enum { LEN_MAX = 40 };
	char text[LEN_MAX];
	size_t wrong = 0;

	for (size_t len = 1; len <= LEN_MAX; len++)
		for (size_t at = 0; at < len; at++)
			for (int c = 0; c < 256; c++) {
				struct weir_slice s;

				memset(text, 'a', len);
				text[len - 1] = c % 3 ? 'a' : '"';
				text[at] = (char)c;
				s = tight(text, len);
				wrong += (size_t)(weir_skip_plain(s.base, s.base + len) - s.base) !=
					 skip_one_by_one(s);
				drop(s);
			}
	CHECK_INT(wrong, 0);
}

static int check_nested(unsigned depth, bool objects)
{
	struct weir_buf text;
	size_t at = 0;
	int rc = 0;

	weir_buf_init(&text, 2048);
	for (unsigned i = 0; i < depth; i++)
		rc |= weir_buf_puts(&text, objects && i % 2 ? "{\"a\":" : "[");
	rc |= weir_buf_puts(&text, "1");
	for (unsigned i = depth; i-- > 0;)
		rc |= weir_buf_puts(&text, objects && i % 2 ? "}" : "]");
	CHECK_INT(rc, 0);
	rc = weir_json_check(weir_buf_slice(&text), &at);
	weir_buf_fini(&text);
	return rc;
}

TEST(depth_is_limited)
{
	struct weir_json_cursor c;

	CHECK_INT(WEIR_JSON_DEPTH_MAX, 128);
	for (int objects = 0; objects < 2; objects++) {
		CHECK_INT(check_nested(1, objects), 0);
		CHECK_INT(check_nested(65, objects), 0);
		CHECK_INT(check_nested(128, objects), 0);
		CHECK_INT(check_nested(129, objects), -1);
	}
	CHECK_INT(walk(WEIR_SLICE(HUNDRED("[") HUNDRED("[")), &c), -1);
	CHECK_STR(c.error, "nested too deeply");
	CHECK_INT(c.offset, 128);
	/* Depth is how deep, not how many. */
	CHECK_INT(walk(WEIR_SLICE("[" HUNDRED("{},[],") HUNDRED("[[]],") "1]"), &c), 0);
}

struct seen {
	const char *key, *value;
	enum weir_json_type type;
};

static void check_members(const char *text, const struct seen *seen, size_t n)
{
	struct weir_json_cursor c;
	struct weir_json_member m;

	CHECK_INT(weir_json_open(&c, weir_slice_of(text)), 0);
	for (size_t i = 0; i < n; i++) {
		REQUIRE(weir_json_next(&c, &m) == 1);
		CHECK(weir_slice_is(m.key, seen[i].key));
		CHECK(weir_slice_is(m.value, seen[i].value));
		CHECK_INT(m.type, seen[i].type);
		CHECK(text + m.end == m.value.base + m.value.len);
		CHECK(text + m.begin == (c.is_array ? m.value.base : m.key.base - 1));
	}
	CHECK_INT(weir_json_next(&c, &m), 0);
	CHECK_INT(weir_json_next(&c, &m), 0);
	CHECK_INT(c.offset, strlen(text));
}

TEST(members_come_in_order)
{
	static const struct seen members[] = {
		{ "model", "\"gpt-4o\"", WEIR_JSON_STRING },
		{ "n", "-1.50e+2", WEIR_JSON_NUMBER },
		{ "stream", "true", WEIR_JSON_BOOL },
		{ "stop", "null", WEIR_JSON_NULL },
		{ "messages", "[ {\"role\":\"user\"}, [] ]", WEIR_JSON_ARRAY },
		{ "a\\u0062c", "{\"x\": {\"y\":1} }", WEIR_JSON_OBJECT },
	};
	static const struct seen elements[] = {
		{ "", "1", WEIR_JSON_NUMBER },
		{ "", "\"two\"", WEIR_JSON_STRING },
		{ "", "{}", WEIR_JSON_OBJECT },
	};

	check_members(
		" { \"model\" : \"gpt-4o\" , \"n\":-1.50e+2,\"stream\":true,\"stop\" :null,"
		"\"messages\":[ {\"role\":\"user\"}, [] ],\"a\\u0062c\":{\"x\": {\"y\":1} } } ",
		members, sizeof members / sizeof *members);
	check_members("[ 1 ,\"two\",{}]\n", elements, sizeof elements / sizeof *elements);
	check_members("{}", NULL, 0);
	check_members(" [ ] ", NULL, 0);
}

TEST(a_container_is_gone_into_or_passed)
{
	struct weir_json_cursor c, inner;
	struct weir_json_member m;

	REQUIRE(weir_json_open(&c, WEIR_SLICE("{\"a\":{\"x\":[1,2],\"y\":3},\"b\":[],\"c\":4}")) ==
		0);
	REQUIRE(weir_json_step(&c, &m) == 1 && weir_slice_is(m.key, "a"));
	CHECK(weir_slice_is(m.value, "{") && m.type == WEIR_JSON_OBJECT);
	weir_json_enter(&c, &inner);
	REQUIRE(weir_json_step(&inner, &m) == 1 && weir_json_pass(&inner, &m) == 1);
	CHECK(weir_slice_is(m.key, "x") && weir_slice_is(m.value, "[1,2]"));
	CHECK_INT(weir_json_leave(&c, &inner), 0);
	REQUIRE(weir_json_step(&c, &m) == 1 && weir_json_step(&c, &m) == 1);
	CHECK(weir_slice_is(m.key, "c") && weir_slice_is(m.value, "4"));
	CHECK_INT(weir_json_step(&c, &m), 0);
}

TEST(an_error_stays)
{
	struct weir_json_cursor c;
	struct weir_json_member m;

	CHECK_INT(weir_json_open(&c, WEIR_SLICE("{\"a\":1,\"b\":}")), 0);
	CHECK_INT(weir_json_next(&c, &m), 1);
	CHECK_INT(weir_json_next(&c, &m), -1);
	CHECK_INT(weir_json_next(&c, &m), -1);
	CHECK_INT(c.offset, 11);
	CHECK_STR(c.error, "a value must follow here");
	CHECK_INT(weir_json_open(&c, WEIR_SLICE("\"text\"")), -1);
	CHECK_INT(weir_json_next(&c, &m), -1);
	CHECK_STR(c.error, "an object or array must begin here");
}

TEST(a_scalar_is_a_text_for_check_only)
{
	size_t at;

	CHECK_INT(weir_json_check(WEIR_SLICE(" 12 "), &at), 0);
	CHECK_INT(weir_json_check(WEIR_SLICE("\"a\""), &at), 0);
	CHECK_INT(weir_json_check(WEIR_SLICE("null"), &at), 0);
	CHECK_INT(weir_json_check(WEIR_SLICE("[DONE]"), &at), -1);
	CHECK_INT(at, 1);
	CHECK_INT(weir_json_check(WEIR_SLICE("null null"), &at), -1);
	CHECK_INT(at, 5);
	CHECK_INT(weir_json_check(weir_slice(NULL, 0), &at), -1);
}

struct meaning {
	const char *raw, *text;
	size_t len;
};

#define MEANS(raw, text) { (raw), (text), sizeof(text) - 1 }

static const struct meaning meanings[] = {
	MEANS("", ""),
	MEANS("model", "model"),
	MEANS("m\\u006fdel", "model"),
	MEANS("\\u006D\\u006f\\u0064\\u0065\\u006c", "model"),
	MEANS("\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t"),
	MEANS("\\u0041\\u00e9\\u20ac\\uffff", "A\xc3\xa9\xe2\x82\xac\xef\xbf\xbf"),
	MEANS("\\ud83d\\ude00!", "\xf0\x9f\x98\x80!"),
	MEANS("\\uDBFF\\uDFFF", "\xf4\x8f\xbf\xbf"),
	MEANS("\\ud83d", "\xef\xbf\xbd"),
	MEANS("\\ude00\\ud83d", "\xef\xbf\xbd\xef\xbf\xbd"),
	MEANS("\\ud83dx", "\xef\xbf\xbdx"),
	MEANS("\\ud83d\\n", "\xef\xbf\xbd\n"),
	MEANS("\\ud83d\\u0041", "\xef\xbf\xbd"
				"A"),
	MEANS("\\ud83d\\ud83d\\ude00", "\xef\xbf\xbd\xf0\x9f\x98\x80"),
	MEANS("\xe2\x82\xac plain", "\xe2\x82\xac plain"),
	MEANS("a\\u0000b", "a\0b"),
};

TEST(escapes_are_decoded)
{
	struct weir_buf out;

	for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
		const struct meaning *row = &meanings[i];
		char quoted[128];

		snprintf(quoted, sizeof quoted, "\"%s\"", row->raw);
		weir_buf_init(&out, 1024);
		CHECK_INT(weir_buf_puts(&out, "<"), 0);
		CHECK_INT(weir_json_unescape(&out, weir_slice_of(row->raw)), 0);
		CHECK_INT(weir_buf_puts(&out, "><"), 0);
		CHECK_INT(weir_json_unescape(&out, weir_slice_of(quoted)), 0);
		REQUIRE(out.len == 3 + 2 * row->len);
		CHECK_MEM(out.base + 1, row->text, row->len);
		CHECK_MEM(out.base + 3 + row->len, row->text, row->len);
		if (strlen(row->text) == row->len)
			CHECK(weir_json_text_is(weir_slice_of(row->raw), row->text));
		weir_buf_fini(&out);
	}
}

TEST(text_is_compares_the_whole)
{
	CHECK(!weir_json_text_is(WEIR_SLICE("mode"), "model"));
	CHECK(!weir_json_text_is(WEIR_SLICE("models"), "model"));
	CHECK(!weir_json_text_is(WEIR_SLICE("Model"), "model"));
	CHECK(!weir_json_text_is(WEIR_SLICE("model\\u0000"), "model"));
	CHECK(!weir_json_text_is(WEIR_SLICE("model\\n"), "model"));
	CHECK(!weir_json_text_is(weir_slice("model\0", 6), "model"));
	CHECK(!weir_json_text_is(WEIR_SLICE("m\\u006"), "mo"));
	CHECK(!weir_json_text_is(WEIR_SLICE("model\\"), "model"));
	CHECK(weir_json_text_is(weir_slice(NULL, 0), ""));
	CHECK(!weir_json_text_is(weir_slice(NULL, 0), "a"));
}

TEST(unescape_keeps_its_bound)
{
	struct weir_buf out;

	weir_buf_init(&out, 8);
	CHECK_INT(weir_json_unescape(&out, WEIR_SLICE("ab\\n")), 0);
	CHECK_INT(weir_json_unescape(&out, WEIR_SLICE("cdef\\nx")), WEIR_ELIMIT);
	CHECK_INT(out.len, 3);
	weir_buf_fini(&out);
	weir_buf_init(&out, 8);
	weir_alloc_fail_after(1);
	CHECK_INT(weir_json_unescape(&out, WEIR_SLICE("ab")), WEIR_ENOMEM);
	CHECK_INT(out.len, 0);
	weir_buf_fini(&out);
}

TEST(get_finds_the_first)
{
	static const char text[] = "{\"a\":1,\"b\":{\"c\":[2]},\"\\u0064\":3,\"a\":4}";
	struct weir_json_member m;

	CHECK(weir_json_get(WEIR_SLICE(text), "a", &m) && weir_slice_is(m.value, "1"));
	CHECK(weir_json_get(WEIR_SLICE(text), "d", &m) && weir_slice_is(m.value, "3"));
	CHECK(weir_json_get(WEIR_SLICE(text), "b", &m) && m.type == WEIR_JSON_OBJECT);
	CHECK(weir_json_get(m.value, "c", &m) && weir_slice_is(m.value, "[2]"));
	CHECK(!weir_json_get(WEIR_SLICE(text), "c", &m));
	CHECK(!weir_json_get(WEIR_SLICE("[\"a\"]"), "a", &m));
	CHECK(!weir_json_get(WEIR_SLICE("nonsense"), "a", &m));
}

/* Hostile sizes end: a million keys, megabytes of brackets or of blanks. */
TEST(a_million_keys_are_walked)
{
	enum { KEYS = 1000 * 1000 };
	struct weir_buf text;
	struct weir_json_cursor c;
	int rc;

	weir_buf_init(&text, KEYS * 14);
	rc = weir_buf_puts(&text, "{");
	for (int i = 0; i < KEYS; i++)
		rc |= weir_buf_printf(&text, "\"k%d\":1%s", i, i + 1 < KEYS ? "," : "}");
	REQUIRE(rc == 0);
	CHECK_INT(walk(weir_buf_slice(&text), &c), 0);
	memset(text.base, '[', text.len);
	CHECK_INT(walk(weir_buf_slice(&text), &c), -1);
	memset(text.base, ' ', text.len);
	CHECK_INT(walk(weir_buf_slice(&text), &c), -1);
	CHECK_INT(c.offset, text.len);
	weir_buf_fini(&text);
}

TEST_MAIN
