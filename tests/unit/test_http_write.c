#include "test.h"

#include "base/alloc.h"
#include "base/error.h"
#include "wire/http_write.h"

static void check_text(struct weir_buf *buf, const char *want)
{
	CHECK_INT(buf->len, strlen(want));
	CHECK(weir_slice_is(weir_buf_slice(buf), want));
	weir_buf_clear(buf);
}

TEST(request)
{
	struct weir_buf buf;

	weir_buf_init(&buf, 4096);
	CHECK_INT(weir_http_put_request(&buf, "POST", WEIR_SLICE("/v1/x?y=%20")), 0);
	CHECK_INT(weir_http_put_field(&buf, "Host", WEIR_SLICE("a:80")), 0);
	CHECK_INT(weir_http_put_field_u64(&buf, "Content-Length", UINT64_MAX), 0);
	CHECK_INT(weir_http_put_field_u64(&buf, "X", 0), 0);
	CHECK_INT(weir_http_put_field(&buf, "Empty", WEIR_SLICE("")), 0);
	CHECK_INT(weir_http_put_field(&buf, "Text", WEIR_SLICE("a\tb \xc3\xa9")), 0);
	CHECK_INT(weir_http_put_end(&buf), 0);
	check_text(&buf, "POST /v1/x?y=%20 HTTP/1.1\r\nHost: a:80\r\n"
			 "Content-Length: 18446744073709551615\r\nX: 0\r\nEmpty: \r\n"
			 "Text: a\tb \xc3\xa9\r\n\r\n");
	weir_buf_fini(&buf);
}

TEST(status)
{
	struct weir_buf buf;

	weir_buf_init(&buf, 4096);
	CHECK_INT(weir_http_put_status(&buf, 503), 0);
	check_text(&buf, "HTTP/1.1 503 Service Unavailable\r\n");
	CHECK_INT(weir_http_put_status(&buf, 529), 0);
	check_text(&buf, "HTTP/1.1 529 Overloaded\r\n");
	CHECK_INT(weir_http_put_status(&buf, 499), 0);
	check_text(&buf, "HTTP/1.1 499 Client Error\r\n");
	CHECK_INT(weir_http_put_status(&buf, 99), WEIR_ELIMIT);
	CHECK_INT(weir_http_put_status(&buf, 600), WEIR_ELIMIT);
	CHECK_INT(weir_http_put_status(&buf, 0), WEIR_ELIMIT);
	CHECK_INT(buf.len, 0);
	weir_buf_fini(&buf);
}

TEST(phrases)
{
	CHECK_STR(weir_http_phrase(200), "OK");
	CHECK_STR(weir_http_phrase(413), "Content Too Large");
	CHECK_STR(weir_http_phrase(431), "Request Header Fields Too Large");
	CHECK_STR(weir_http_phrase(299), "Success");
	CHECK_STR(weir_http_phrase(525), "Server Error");
	CHECK_STR(weir_http_phrase(1000), "Unknown");
}

/* Nothing that could end a line early gets out, and what was there stays. */
TEST(unfit_bytes)
{
	static const char *const names[] = { "",    "X Y", "X:",    "X\r",
					     "X\n", "X\t", "X\x7f", "\xc3\xa9" };
	struct weir_buf buf;

	weir_buf_init(&buf, 4096);
	CHECK_INT(weir_buf_puts(&buf, "before"), 0);
	for (int c = 0; c < 256; c++) {
		char value[] = "0123456789abcdef?";
		bool fit = c == '\t' || (c >= ' ' && c != 0x7f);

		for (size_t at = 0; at < sizeof value - 1; at++) {
			char kept = value[at];

			value[at] = (char)c;
			CHECK_INT(
				weir_http_put_field(&buf, "X", weir_slice(value, sizeof value - 1)),
				fit ? 0 : WEIR_ELIMIT);
			CHECK_INT(buf.len, fit ? 6 + sizeof value - 1 + 5 : 6);
			buf.len = 6;
			value[at] = kept;
		}
	}
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		CHECK_INT(weir_http_put_named(&buf, weir_slice_of(names[i]), WEIR_SLICE("y")),
			  WEIR_ELIMIT);
		CHECK_INT(weir_http_put_request(&buf, names[i], WEIR_SLICE("/")), WEIR_ELIMIT);
	}
	check_text(&buf, "before");
	weir_buf_fini(&buf);
}

TEST(unfit_target)
{
	static const char *const targets[] = { "", "/a b", "/\r\n", "/\t", "/#", "/\x80", "/\x7f" };
	struct weir_buf buf;

	weir_buf_init(&buf, 4096);
	for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
		CHECK_INT(weir_http_put_request(&buf, "GET", weir_slice_of(targets[i])),
			  WEIR_ELIMIT);
	CHECK_INT(weir_http_put_request(&buf, "GET", WEIR_SLICE("/\0")), WEIR_ELIMIT);
	CHECK_INT(buf.len, 0);
	weir_buf_fini(&buf);
}

TEST(limit)
{
	struct weir_buf buf;

	weir_buf_init(&buf, 20);
	CHECK_INT(weir_http_put_field(&buf, "X", WEIR_SLICE("0123456789abcde")), 0);
	CHECK_INT(buf.len, 20);
	CHECK_INT(weir_http_put_end(&buf), WEIR_ELIMIT);
	CHECK_INT(weir_http_put_status(&buf, 200), WEIR_ELIMIT);
	CHECK_INT(buf.len, 20);
	weir_buf_fini(&buf);
}

TEST(grows)
{
	struct weir_buf buf;

	weir_buf_init(&buf, 1024 * 1024);
	for (int i = 0; i < 1000; i++)
		CHECK_INT(weir_http_put_field_u64(&buf, "X", 10), 0);
	CHECK_INT(buf.len, 7000);
	CHECK(memcmp(buf.base + 6993, "X: 10\r\n", 7) == 0);
	weir_buf_fini(&buf);
}

TEST(K_04)
{
	struct weir_buf buf;

	weir_buf_init(&buf, 4096);
	weir_alloc_fail_after(1);
	CHECK_INT(weir_http_put_status(&buf, 200), WEIR_ENOMEM);
	weir_alloc_fail_after(1);
	CHECK_INT(weir_http_put_request(&buf, "GET", WEIR_SLICE("/")), WEIR_ENOMEM);
	weir_alloc_fail_after(1);
	CHECK_INT(weir_http_put_field(&buf, "X", WEIR_SLICE("y")), WEIR_ENOMEM);
	CHECK_INT(buf.len, 0);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST(chunk_head)
{
	static const struct {
		size_t len;
		const char *want;
	} rows[] = {
		{ 0, "0\r\n" },
		{ 1, "1\r\n" },
		{ 15, "f\r\n" },
		{ 16, "10\r\n" },
		{ 0x1a2b, "1a2b\r\n" },
		{ 65536, "10000\r\n" },
		{ SIZE_MAX, "ffffffffffffffff\r\n" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char out[WEIR_HTTP_CHUNK_HEAD_MAX];
		size_t n = weir_http_chunk_head(out, rows[i].len);

		CHECK_INT(n, strlen(rows[i].want));
		CHECK_MEM(out, rows[i].want, n);
	}
}

TEST_MAIN
