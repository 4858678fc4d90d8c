#include "config/report.h"

#include <yyjson.h>

#include "base/alloc.h"
#include "test.h"

static void add(struct weir_findings *findings, enum weir_finding_level level, unsigned line,
		unsigned column, const char *text)
{
	weir_findings_add(findings, level, line, column, "rule", "a.b", "%s\nfix it", text);
}

static void check_print(const struct weir_findings *findings, unsigned index, const char *want)
{
	struct weir_buf out;

	weir_buf_init(&out, 4096);
	CHECK_INT(weir_finding_print(findings, index, &out), 0);
	CHECK_INT(weir_buf_append(&out, "", 1), 0);
	CHECK_STR(out.base, want);
	weir_buf_fini(&out);
}

TEST(each_is_one_line)
{
	struct weir_findings f;

	weir_findings_init(&f, "weir.yaml");
	add(&f, WEIR_FINDING_ERROR, 3, 7, "what");
	weir_findings_add(&f, WEIR_FINDING_WARNING, 0, 0, "other", "environment", "no fix");
	check_print(&f, 0, "weir.yaml:3:7: error[rule] a.b: what; fix: fix it\n");
	check_print(&f, 1, "weir.yaml: warning[other] environment: no fix\n");
	CHECK_INT(f.errors, 1);
	CHECK_INT(f.warnings, 1);
	weir_findings_fini(&f);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST(they_are_sorted_and_said_once)
{
	static const char order[] = "abcdef";
	struct weir_findings f;

	weir_findings_init(&f, "f");
	add(&f, WEIR_FINDING_ERROR, 9, 1, "f");
	add(&f, WEIR_FINDING_ERROR, 2, 5, "c");
	add(&f, WEIR_FINDING_WARNING, 2, 5, "d");
	add(&f, WEIR_FINDING_ERROR, 2, 1, "b");
	add(&f, WEIR_FINDING_ERROR, 0, 0, "a");
	add(&f, WEIR_FINDING_ERROR, 2, 6, "e");
	add(&f, WEIR_FINDING_ERROR, 2, 5, "c");
	weir_findings_sort(&f);
	CHECK_INT(f.n, 6);
	CHECK_INT(f.errors, 5);
	for (unsigned i = 0; i < f.n; i++)
		CHECK_INT(f.list[i].message[0], order[i]);
	weir_findings_fini(&f);
}

TEST(there_is_a_most)
{
	struct weir_findings f;

	weir_findings_init(&f, "f");
	for (unsigned i = 0; i < WEIR_FINDINGS_MAX + 10; i++)
		add(&f, WEIR_FINDING_ERROR, i + 1, 1, "x");
	CHECK_INT(f.n, WEIR_FINDINGS_MAX);
	CHECK_INT(f.errors, WEIR_FINDINGS_MAX + 10);
	CHECK(!f.out_of_memory);
	weir_findings_fini(&f);
}

TEST(texts_are_quoted_harmlessly)
{
	static const struct {
		struct weir_slice text;
		const char *want;
	} rows[] = {
		{ { "", 0 }, "\"\"" },
		{ { "plain ü", 8 }, "\"plain ü\"" },
		{ { "a\nb\t\x1b[31m", 9 }, "\"a\\x0ab\\x09\\x1b[31m\"" },
		{ { "\xc2\x9b"
		    "1m\x7f",
		    5 },
		  "\"\\xc2\\x9b1m\\x7f\"" },
		{ { "\xff\0", 2 }, "\"\\xff\\x00\"" },
		{ { "0123456789012345678901234567890123456789"
		    "0123456789012345678901234567890123456789",
		    80 },
		  "\"0123456789012345678901234567890123456789"
		  "012345678901234567890123456789012345678…\"" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		CHECK_STR(weir_quote(rows[i].text).text, rows[i].want);
}

TEST(json_is_json_whatever_is_in_it)
{
	struct weir_findings f;
	struct weir_buf out;
	yyjson_doc *doc;
	yyjson_val *first;

	weir_findings_init(&f, "we\"ir\\.yaml");
	weir_buf_init(&out, 1 << 16);
	CHECK_INT(weir_findings_json(&f, &out), 0);
	CHECK_INT(out.len, 3);
	CHECK_MEM(out.base, "[]\n", 3);
	weir_buf_clear(&out);
	weir_findings_add(&f, WEIR_FINDING_ERROR, 3, 7, "rule", "k\x01\xff", "a \"b\" \x1b\nc\\d");
	add(&f, WEIR_FINDING_WARNING, 4, 1, "second");
	CHECK_INT(weir_findings_json(&f, &out), 0);
	doc = yyjson_read(out.base, out.len, 0);
	REQUIRE(doc);
	CHECK_INT(yyjson_arr_size(yyjson_doc_get_root(doc)), 2);
	first = yyjson_arr_get_first(yyjson_doc_get_root(doc));
	CHECK_STR(yyjson_get_str(yyjson_obj_get(first, "file")), "we\"ir\\.yaml");
	CHECK_INT(yyjson_get_int(yyjson_obj_get(first, "line")), 3);
	CHECK_INT(yyjson_get_int(yyjson_obj_get(first, "column")), 7);
	CHECK_STR(yyjson_get_str(yyjson_obj_get(first, "level")), "error");
	CHECK_STR(yyjson_get_str(yyjson_obj_get(first, "rule")), "rule");
	CHECK_STR(yyjson_get_str(yyjson_obj_get(first, "message")), "a \"b\" \x1b");
	CHECK_STR(yyjson_get_str(yyjson_obj_get(first, "fix")), "c\\d");
	CHECK_INT(yyjson_obj_size(first), 8);
	yyjson_doc_free(doc);
	weir_buf_fini(&out);
	weir_findings_fini(&f);
}

TEST(a_full_buffer_is_left_as_it_was)
{
	struct weir_findings f;
	struct weir_buf out;

	weir_findings_init(&f, "f");
	add(&f, WEIR_FINDING_ERROR, 1, 1, "what");
	for (size_t max = 0; max < 40; max++) {
		weir_buf_init(&out, max);
		CHECK(weir_finding_print(&f, 0, &out) != 0);
		CHECK(weir_findings_json(&f, &out) != 0);
		CHECK_INT(out.len, 0);
		weir_buf_fini(&out);
	}
	weir_findings_fini(&f);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST_MAIN
