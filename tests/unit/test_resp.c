/* Replies of a Redis, whole and in pieces, and what is none. */
#include "test.h"

#include "base/attr.h"
#include "wire/resp.h"

static struct weir_buf seen;

static void on_value(void *arg, int place, const struct weir_resp_value *value)
{
	static const char letters[] = { [WEIR_RESP_TEXT] = 't',
					[WEIR_RESP_NUMBER] = 'n',
					[WEIR_RESP_NIL] = '-',
					[WEIR_RESP_ERROR] = 'e' };

	(void)arg;
	CHECK_INT(weir_buf_printf(&seen, "%d%c%.*s%lld ", place, letters[value->kind],
				  (int)value->text.len, value->text.len ? value->text.base : "",
				  value->number),
		  0);
}

/* As many replies as end; -1: it was refused. */
static int feed(const char *text, size_t len, size_t step)
{
	struct weir_resp *resp = weir_resp_create(on_value, NULL);
	int replies = 0, rc = 0;

	CHECK(resp != NULL);
	weir_buf_init(&seen, 4096);
	for (size_t at = 0; at < len && rc >= 0; at += step) {
		rc = weir_resp_feed(resp, weir_slice(text + at, len - at < step ? len - at : step));
		while (rc >= 0 && (rc = weir_resp_next(resp)) > 0)
			replies++;
	}
	weir_resp_destroy(resp);
	return rc < 0 ? -1 : replies;
}

static void expect(const char *text, int replies, const char *values)
{
	for (size_t step = 1; step <= strlen(text); step++) {
		CHECK_INT(feed(text, strlen(text), step), replies);
		CHECK_INT(weir_buf_append(&seen, "", 1), 0);
		CHECK_STR(seen.base, values);
		weir_buf_fini(&seen);
	}
}

TEST(replies_are_the_same_however_they_come)
{
	expect("+OK\r\n", 1, "-1tOK0 ");
	expect("-ERR no\r\n:-7\r\n$-1\r\n", 3, "-1eERR no0 -1n-7 -1-0 ");
	expect("*3\r\n$2\r\nab\r\n$-1\r\n:5\r\n+x\r\n", 2, "0tab0 1-0 2n5 -1tx0 ");
	expect("*0\r\n$0\r\n\r\n", 2, "-1t0 ");
}

TEST(what_is_none_is_refused)
{
	static const char *const texts[] = {
		"HTTP/1.1 200 OK\r\n\r\n",
		"*1\r\n*1\r\n:1\r\n",
		"*2147483647\r\n",
		"*4097\r\n",
		"?\r\n",
	};

	for (size_t i = 0; i < WEIR_COUNT_OF(texts); i++) {
		CHECK_INT(feed(texts[i], strlen(texts[i]), 3), -1);
		weir_buf_fini(&seen);
	}
}

TEST(no_reply_grows_without_end)
{
	static char text[WEIR_RESP_REPLY_MAX + 64];
	int n = snprintf(text, sizeof text, "$%d\r\n", 100 * WEIR_RESP_REPLY_MAX);

	memset(text + n, 'x', sizeof text - (size_t)n);
	CHECK_INT(feed(text, sizeof text, 16384), -1);
	weir_buf_fini(&seen);
}

TEST(commands_are_arrays_of_words)
{
	struct weir_buf out;

	weir_buf_init(&out, 100);
	CHECK_INT(weir_resp_put(&out, (const char *const[]){ "GET", "a b", NULL }), 0);
	CHECK_INT(weir_buf_append(&out, "", 1), 0);
	CHECK_STR(out.base, "*2\r\n$3\r\nGET\r\n$3\r\na b\r\n");
	weir_buf_fini(&out);
}

TEST_MAIN
