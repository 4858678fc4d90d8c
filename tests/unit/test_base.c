#include "test.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/list.h"
#include "base/rng.h"
#include "wire/json.h"

TEST(the_kth_allocation_fails_once)
{
	void *p, *q;

	CHECK_INT(weir_alloc_live(), 0);
	weir_alloc_fail_after(3);
	p = weir_alloc(10);
	q = weir_calloc(4, 4);
	CHECK(p && q);
	CHECK(weir_realloc(p, 100) == NULL);
	CHECK_INT(weir_alloc_live(), 2);
	p = weir_realloc(p, 100);
	CHECK(p != NULL);
	weir_alloc_fail_after(1);
	CHECK(weir_strndup("x", 1) == NULL);
	weir_alloc_fail_after(1);
	CHECK(weir_realloc(NULL, 5) == NULL);
	weir_alloc_fail_after(1);
	weir_alloc_fail_after(0);
	weir_free_secret(p, 100);
	weir_free(q);
	weir_free(NULL);
	weir_free_secret(NULL, 9);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST(nothing_can_be_allocated_too)
{
	char *text = weir_strndup(NULL, 0);
	void *p = weir_alloc(0), *q = weir_calloc(0, 8);

	CHECK_STR(text, "");
	p = weir_realloc(p, 0);
	CHECK(p && q);
	CHECK_INT(weir_alloc_live(), 3);
	weir_free(text);
	weir_free(p);
	weir_free(q);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST(a_buffer_grows_to_its_bound)
{
	volatile size_t endless = SIZE_MAX;
	struct weir_buf buf;

	weir_buf_init(&buf, 1000);
	CHECK_INT(buf.cap, 0);
	CHECK_INT(weir_buf_append(&buf, NULL, 0), 0);
	CHECK_INT(buf.cap, 0);
	for (int i = 0; i < 100; i++)
		CHECK_INT(weir_buf_append(&buf, "0123456789", 10), 0);
	CHECK_INT(buf.len, 1000);
	CHECK_INT(buf.cap, 1000);
	CHECK_INT(weir_buf_append(&buf, "x", 1), WEIR_ELIMIT);
	CHECK_INT(weir_buf_append(&buf, "x", endless), WEIR_ELIMIT);
	CHECK_INT(weir_buf_append(&buf, "", 0), 0);
	CHECK_INT(buf.len, 1000);
	weir_buf_consume(&buf, 995);
	CHECK(weir_slice_is(weir_buf_slice(&buf), "56789"));
	weir_buf_consume(&buf, 0);
	CHECK_INT(buf.len, 5);
	weir_buf_consume(&buf, 5);
	CHECK_INT(buf.len, 0);
	weir_buf_clear(&buf);
	CHECK_INT(buf.cap, 1000);
	weir_buf_fini(&buf);
	CHECK_INT(buf.max, 1000);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST(a_lent_buffer_is_left_when_it_is_full)
{
	char room[8];
	struct weir_buf buf;

	weir_buf_init_lent(&buf, 100, room, sizeof room);
	CHECK_INT(weir_buf_append(&buf, "12345678", 8), 0);
	CHECK(buf.base == room);
	CHECK_INT(weir_alloc_live(), 0);
	weir_alloc_fail_after(1);
	CHECK_INT(weir_buf_append(&buf, "9", 1), WEIR_ENOMEM);
	CHECK(weir_slice_is(weir_buf_slice(&buf), "12345678"));
	CHECK_INT(weir_buf_append(&buf, "9", 1), 0);
	CHECK(weir_slice_is(weir_buf_slice(&buf), "123456789"));
	CHECK(buf.base != room);
	weir_buf_fini(&buf);
	CHECK_INT(weir_alloc_live(), 0);
	weir_buf_init_lent(&buf, 4, room, sizeof room);
	CHECK_INT(weir_buf_append(&buf, "12345", 5), WEIR_ELIMIT);
	weir_buf_fini(&buf);
}

TEST(a_buffer_reserves_exactly)
{
	struct weir_buf buf;

	weir_buf_init(&buf, 100);
	CHECK_INT(weir_buf_reserve(&buf, 77), 0);
	CHECK_INT(buf.cap, 77);
	CHECK_INT(weir_buf_reserve(&buf, 10), 0);
	CHECK_INT(buf.cap, 77);
	CHECK_INT(weir_buf_reserve(&buf, 101), WEIR_ELIMIT);
	weir_alloc_fail_after(1);
	CHECK_INT(weir_buf_reserve(&buf, 100), WEIR_ENOMEM);
	CHECK_INT(buf.cap, 77);
	weir_buf_fini(&buf);
	weir_buf_init(&buf, 0);
	CHECK_INT(weir_buf_puts(&buf, "a"), WEIR_ELIMIT);
	CHECK_INT(weir_buf_puts(&buf, ""), 0);
	weir_buf_fini(&buf);
}

TEST(a_buffer_is_as_before_when_it_fails)
{
	struct weir_buf buf;

	weir_buf_init(&buf, 300);
	CHECK_INT(weir_buf_printf(&buf, "%s-%d", "a", 7), 0);
	weir_alloc_fail_after(1);
	CHECK_INT(weir_buf_printf(&buf, "%300s", ""), WEIR_ELIMIT);
	CHECK_INT(weir_buf_printf(&buf, "%280s", ""), WEIR_ENOMEM);
	CHECK(weir_slice_is(weir_buf_slice(&buf), "a-7"));
	CHECK_INT(weir_buf_printf(&buf, "%296s", ""), 0);
	CHECK_INT(buf.len, 299);
	CHECK_INT(weir_buf_json(&buf, WEIR_SLICE("")), WEIR_ELIMIT);
	CHECK_INT(buf.len, 299);
	weir_buf_fini(&buf);
}

/* C strings, for tables: what a JSON string of the text looks like. */
static const char *const json_rows[][2] = {
	{ "", "\"\"" },
	{ "plain", "\"plain\"" },
	{ "a\"b\\c/d", "\"a\\\"b\\\\c/d\"" },
	{ "\n\r\t\b\f\x01\x1f\x7f", "\"\\n\\r\\t\\u0008\\u000c\\u0001\\u001f\\u007f\"" },
	{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
	{ "a\x80z", "\"a\\ufffdz\"" },
	{ "\xc3", "\"\\ufffd\"" },
	{ "\xe2\x82", "\"\\ufffd\\ufffd\"" },
	{ "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"" },
	{ "\xff\xfe\"", "\"\\ufffd\\ufffd\\\"\"" },
	{ "end\\", "\"end\\\\\"" },
};

TEST(any_bytes_become_a_json_string)
{
	struct weir_buf buf;
	char byte[3] = "";
	size_t at;

	weir_buf_init(&buf, 1000);
	for (size_t i = 0; i < sizeof json_rows / sizeof *json_rows; i++) {
		weir_buf_clear(&buf);
		CHECK_INT(weir_buf_json(&buf, weir_slice_of(json_rows[i][0])), 0);
		CHECK_INT(weir_buf_append(&buf, "", 1), 0);
		CHECK_STR(buf.base, json_rows[i][1]);
	}
	for (unsigned pair = 0; pair < 65536; pair++) {
		weir_buf_clear(&buf);
		byte[0] = (char)(pair >> 8);
		byte[1] = (char)pair;
		REQUIRE(weir_buf_json(&buf, weir_slice(byte, 2)) == 0);
		REQUIRE(weir_json_check(weir_buf_slice(&buf), &at) == 0);
	}
	weir_buf_clear(&buf);
	CHECK_INT(weir_buf_json(&buf, weir_slice(NULL, 0)), 0);
	weir_buf_fini(&buf);
}

TEST(json_strings_read_back_as_they_were)
{
	static const char text[] = "line\nquote\" back\\slash \xe2\x82\xac \x01 end";
	struct weir_buf json, back;

	weir_buf_init(&json, 1000);
	weir_buf_init(&back, 1000);
	CHECK_INT(weir_buf_json(&json, WEIR_SLICE(text)), 0);
	CHECK_INT(weir_json_unescape(&back, weir_buf_slice(&json)), 0);
	CHECK(weir_slice_is(weir_buf_slice(&back), text));
	weir_buf_fini(&json);
	weir_buf_fini(&back);
}

TEST(slices_compare)
{
	struct weir_slice none = { 0 };

	CHECK(weir_slice_eq(none, WEIR_SLICE("")));
	CHECK(weir_slice_is(none, ""));
	CHECK(!weir_slice_is(none, "a"));
	CHECK(weir_slice_is(weir_slice_of(NULL), ""));
	CHECK(!weir_slice_is(weir_slice("a\0b", 3), "a"));
	CHECK(weir_slice_is_nocase(WEIR_SLICE("Content-LENGTH"), "content-length"));
	CHECK(weir_slice_is_nocase(none, ""));
	CHECK(!weir_slice_is_nocase(WEIR_SLICE("a"), "aa"));
	CHECK(!weir_slice_is_nocase(WEIR_SLICE("@["), "`{"));
	CHECK(!weir_slice_is_nocase(WEIR_SLICE("\xc4"), "\xe4"));
	CHECK(weir_slice_starts(WEIR_SLICE("data: x"), "data:"));
	CHECK(!weir_slice_starts(WEIR_SLICE("dat"), "data:"));
	CHECK(weir_slice_starts(none, ""));
	CHECK(weir_slice_starts_nocase(WEIR_SLICE("BEARER x"), "bearer "));
	CHECK(!weir_slice_starts_nocase(none, "b"));
	CHECK(weir_slice_has_nocase(WEIR_SLICE("text/Event-Stream; x"), "EVENT-stream"));
	CHECK(weir_slice_has_nocase(WEIR_SLICE("aab"), "ab"));
	CHECK(!weir_slice_has_nocase(WEIR_SLICE("ab"), "abc"));
	CHECK(weir_slice_has_nocase(none, ""));
}

/* Every byte at every place of a text of every length, as one byte at a time would say. */
TEST(case_is_ignored_in_letters_only)
{
	char a[20], b[20];

	for (size_t len = 1; len < sizeof a; len++) {
		unsigned wrong = 0;

		memset(a, 'x', sizeof a);
		memset(b, 'X', sizeof b);
		for (unsigned c = 0; c < 256 * 256; c++) {
			size_t at = c % len;

			a[at] = (char)c;
			b[at] = (char)(c >> 8);
			wrong += weir_equal_nocase(a, b, len) !=
				 (weir_lower(a[at]) == weir_lower(b[at]));
			a[at] = b[at] = 'x';
		}
		CHECK_INT(wrong, 0);
	}
}

TEST(a_text_is_found_in_another)
{
	static const char s[] = "a__b__gsig_x \"input_audio\" __gsig";

	CHECK(weir_slice_find(weir_slice_of(s), "__gsig_") == s + 4);
	CHECK(weir_slice_find(weir_slice_of(s), "\"input_audio\"") == s + 13);
	CHECK(weir_slice_find(weir_slice_of(s), "a_") == s);
	CHECK(weir_slice_find(weir_slice_of(s), "gsig") == s + 6);
	CHECK(weir_slice_find(weir_slice_of(s + 12), "gsig") == s + 29);
	CHECK(!weir_slice_find(weir_slice_of(s + 12), "__gsig_"));
	CHECK(!weir_slice_find(weir_slice_of("_"), "__"));
	CHECK(!weir_slice_find((struct weir_slice){ 0 }, "a"));
	CHECK(!weir_slice_find(weir_slice(s, 10), "__gsig_"));
	CHECK(weir_slice_find(weir_slice(s, 11), "__gsig_"));
}

TEST(numbers_become_digits)
{
	char digits[WEIR_DIGITS_MAX];

	CHECK(weir_slice_is(weir_slice_digits(digits, 0), "0"));
	CHECK(weir_slice_is(weir_slice_digits(digits, 1005), "1005"));
	CHECK(weir_slice_is(weir_slice_digits(digits, UINT64_MAX), "18446744073709551615"));
}

TEST(slices_are_trimmed)
{
	CHECK(weir_slice_is(weir_slice_trim(WEIR_SLICE(" \t a b\t ")), "a b"));
	CHECK(weir_slice_is(weir_slice_trim(WEIR_SLICE(" \t ")), ""));
	CHECK(weir_slice_is(weir_slice_trim((struct weir_slice){ 0 }), ""));
	CHECK(weir_slice_is(weir_slice_trim(WEIR_SLICE("\na ")), "\na"));
}

TEST(whole_numbers_are_read)
{
	static const char *const bad[] = { "",
					   "-1",
					   "+1",
					   " 1",
					   "1 ",
					   "1.0",
					   "0x1",
					   "1e3",
					   "18446744073709551616",
					   "99999999999999999999",
					   "a" };
	uint64_t v = 0;

	CHECK(weir_slice_to_u64(WEIR_SLICE("18446744073709551615"), &v));
	CHECK(v == UINT64_MAX);
	CHECK(weir_slice_to_u64(WEIR_SLICE("007"), &v));
	CHECK_INT(v, 7);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK(!weir_slice_to_u64(weir_slice_of(bad[i]), &v));
	CHECK_INT(v, 7);
}

TEST(decimal_numbers_are_read)
{
	static const char *const good[] = {
		"0",
		"7",
		"0.1",
		"20.5",
		"0.00000025",
		"1e3",
		"1E-7",
		"2.50e+2",
		"1234567",
		"0.0000",
		"3.14159",
		"1e22",
		"1e-22",
		"15",
		"0e999",
		"0e-999",
		"100000.5",
		"007.5",
		"123456789012345",
		"0.000001",
	};
	static const char *const bad[] = {
		"",      "-1",    "+1",
		" 1",    "1.",    ".5",
		"1e",    "1e+",   "0x1",
		"1.2.3", "1,5",   "nan",
		"inf",   "1e300", "1e999",
		"1f",    "1e5.5", "1000000000000000000000000000000000000000000000000000000000000000"
	};
	double v;

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		v = -1;
		CHECK(weir_slice_to_double(weir_slice_of(good[i]), &v));
		if (v != strtod(good[i], NULL)) {
			NOTE("%s is %.17g", good[i], v);
			CHECK(false);
		}
	}
	v = 5;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK(!weir_slice_to_double(weir_slice_of(bad[i]), &v));
	CHECK(v == 5);
	CHECK(!weir_slice_to_double((struct weir_slice){ 0 }, &v));
	/* Where not exact, as near as makes no difference. */
	CHECK(weir_slice_to_double(WEIR_SLICE("98765432109876543210987654321.25e-30"), &v));
	CHECK(v > 0.098765432109876 && v < 0.098765432109877);
	CHECK(weir_slice_to_double(WEIR_SLICE("9.99e299"), &v));
	CHECK(v > 9.98e299 && v < 1e300);
	CHECK(weir_slice_to_double(WEIR_SLICE("1e-999999999999"), &v));
	CHECK(v == 0);
}

static unsigned code_point(const unsigned char *s, size_t n)
{
	return n == 1   ? s[0]
	       : n == 2 ? (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu)
	       : n == 3 ? (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu)
			: (s[0] & 0x07u) << 18 | (s[1] & 0x3fu) << 12 | (s[2] & 0x3fu) << 6 |
				  (s[3] & 0x3fu);
}

/* By counting: the sequences found are the code points there are, each once. */
TEST(utf8_is_what_rfc_3629_says)
{
	unsigned count[5] = { 0 }, last[5] = { 0 };

	for (unsigned word = 0; word < 1u << 24; word++) {
		unsigned char s[4] = { (unsigned char)(word >> 16), (unsigned char)(word >> 8),
				       (unsigned char)word, 0x80 };
		size_t n = weir_utf8_len((char *)s, 4);

		if (n == 4 || (n && n < 3 && s[2]) || (n == 1 && s[1]))
			continue;
		count[n]++;
		if (n)
			last[n] = code_point(s, n);
	}
	CHECK_INT(count[1], 0x80);
	CHECK_INT(count[2], 0x800 - 0x80);
	CHECK_INT(count[3], 0x10000 - 0x800 - 0x800);
	CHECK_INT(last[3], 0xffff);
	for (unsigned i = 0; i < 4; i++) {
		static const char *const four[] = { "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf",
						    "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80" };

		CHECK_INT(weir_utf8_len(four[i], 4), i < 2 ? 4 : 0);
		CHECK_INT(weir_utf8_len(four[i], 3), 0);
	}
	CHECK_INT(weir_utf8_len("", 0), 0);
}

TEST(hexadecimal_digits_have_values)
{
	for (int c = 0; c < 256; c++) {
		const char *digits = "0123456789abcdef";
		const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;

		CHECK_INT(weir_hex_digit((char)c), at ? at - digits : -1);
	}
}

struct item {
	int value;
	struct weir_list node;
};

TEST(a_list_keeps_its_order)
{
	struct item items[4];
	struct weir_list head;
	int seen = 0;

	weir_list_init(&head);
	CHECK(weir_list_empty(&head));
	for (int i = 0; i < 4; i++) {
		items[i].value = i;
		weir_list_push(&head, &items[i].node);
	}
	weir_list_remove(&items[1].node);
	weir_list_remove(&items[1].node);
	WEIR_LIST_FOR(node, &head)
	{
		struct item *item = WEIR_CONTAINER_OF(node, struct item, node);

		seen = seen * 10 + item->value;
		weir_list_remove(node);
	}
	CHECK_INT(seen, 23);
	CHECK(weir_list_empty(&head));
}

/* The first outputs of the authors' splitmix64.c for this seed. */
TEST(random_numbers_repeat)
{
	static const uint64_t expected[] = { UINT64_C(6457827717110365317),
					     UINT64_C(3203168211198807973),
					     UINT64_C(9817491932198370423) };
	struct weir_rng rng;

	weir_rng_init(&rng, 1234567);
	for (int i = 0; i < 3; i++)
		CHECK(weir_rng_next(&rng) == expected[i]);
}

TEST(random_numbers_stay_in_range)
{
	struct weir_rng rng;
	unsigned seen[7] = { 0 };
	bool high = false;

	weir_rng_init(&rng, 1);
	for (int i = 0; i < 70000; i++)
		seen[weir_rng_upto(&rng, 6)]++;
	for (int i = 0; i < 7; i++)
		CHECK(seen[i] > 9500 && seen[i] < 10500);
	CHECK_INT(weir_rng_upto(&rng, 0), 0);
	for (int i = 0; i < 100; i++)
		high |= weir_rng_upto(&rng, UINT64_MAX) > UINT64_MAX / 2;
	CHECK(high);
}

TEST(base64_is_decoded)
{
	static const struct {
		const char *text, *bytes; /* NULL: it is none */
	} rows[] = {
		{ "", "" },
		{ "Zg==", "f" },
		{ "Zg", "f" },
		{ "Zm8=", "fo" },
		{ "Zm9v", "foo" },
		{ "Zm9vYg", "foob" },
		{ "+/+/", "\xfb\xff\xbf" },
		{ "Z", NULL },
		{ "Zm9vY", NULL },
		{ "Zm9?", NULL },
		{ "Zm=v", NULL },
		{ "Zm 9v", NULL },
	};
	struct weir_buf out;

	weir_buf_init(&out, 64);
	for (size_t i = 0; i < WEIR_COUNT_OF(rows); i++) {
		weir_buf_clear(&out);
		CHECK_INT(weir_buf_puts(&out, "x"), 0);
		CHECK_INT(weir_base64_decode(&out, weir_slice_of(rows[i].text)),
			  rows[i].bytes ? 0 : WEIR_ELIMIT);
		CHECK(weir_slice_is(weir_slice(out.base + 1, out.len - 1),
				    rows[i].bytes ? rows[i].bytes : ""));
	}
	weir_buf_fini(&out);
}

TEST(an_error_is_a_code_and_a_sentence)
{
	struct weir_error err;
	char longest[400];

	CHECK_INT(weir_fail(&err, WEIR_EBIND, "cannot bind %s:%d", "::1", 80), WEIR_EBIND);
	CHECK_INT(err.code, WEIR_EBIND);
	CHECK_STR(err.text, "cannot bind ::1:80");
	CHECK_INT(weir_fail(NULL, WEIR_ELIMIT, "x"), WEIR_ELIMIT);
	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	weir_fail(&err, WEIR_ECONFIG, "%s", longest);
	CHECK_INT(strlen(err.text), sizeof err.text - 1);
}

TEST_MAIN
