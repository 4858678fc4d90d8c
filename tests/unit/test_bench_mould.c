#include "base/attr.h"
#include "bench/mould.h"
#include "test.h"

static const char event[] = "{\"a\":1,\"text\":\"one\",\"b\":[]}";
static const struct {
	const char *event, *text; /* NULL: it is to be read */
} cases[] = {
	{ "{\"a\":1,\"text\":\"one\",\"b\":[]}", "one" },
	{ "{\"a\":1,\"text\":\"x\",\"b\":[]}", "x" },
	{ "{\"a\":1,\"text\":\" much longer than before, \",\"b\":[]}",
	  " much longer than before, " },
	{ "{\"a\":1,\"text\":\"\",\"b\":[]}", NULL },
	{ "{\"a\":2,\"text\":\"one\",\"b\":[]}", NULL },
	{ "{\"a\":1,\"text\":\"one\",\"b\":[1]}", NULL },
	{ "{\"a\":1,\"text\":\"one\",\"b\":[]} ", NULL },
	{ "{\"a\":1,\"text\":\"a\\nb\",\"b\":[]}", NULL },
	{ "{\"a\":1,\"text\":\"a\tb\",\"b\":[]}", NULL },
	{ "{\"a\":1,\"text\":\"a\\\",\"b\":[]}", NULL },
	{ "{\"a\":1,\"text\":\"one\",\"text\":\"two\",\"b\":[]}", NULL },
	{ "{\"a\":1,\"text\":\"t\xc3\xb8k\",\"b\":[]}", NULL },
	{ "{\"a\":1,\"text\":\"\xff\",\"b\":[]}", NULL },
	{ "{\"a\":1,\"text\":\",\"b\":[]}", NULL },
	{ "[DONE]", NULL },
	{ "", NULL },
};

static struct weir_bench_mould mould;

static void cast(const char *from, const char *text)
{
	const char *at = strstr(from, text);

	weir_bench_mould_cast(&mould, weir_slice_of(from), weir_slice(at, strlen(text)));
}

TEST(an_event_that_differs_in_its_text_alone_need_not_be_read)
{
	struct weir_slice text;

	cast(event, "one");
	for (size_t i = 0; i < WEIR_COUNT_OF(cases); i++) {
		bool fits = weir_bench_mould_fits(&mould, weir_slice_of(cases[i].event), &text);

		if (fits != (cases[i].text != NULL))
			NOTE("%s", cases[i].event);
		CHECK_INT(fits, cases[i].text != NULL);
		CHECK(!fits || weir_slice_is(text, cases[i].text));
	}
}

TEST(nothing_fits_no_mould)
{
	struct weir_slice text;

	mould = (struct weir_bench_mould){ 0 };
	CHECK(!weir_bench_mould_fits(&mould, weir_slice_of(event), &text));
}

TEST(what_is_too_long_is_not_kept)
{
	static char longest[WEIR_BENCH_MOULD_MAX + 64];
	struct weir_slice text;

	memset(longest, ' ', sizeof longest - 1);
	memcpy(longest, "{\"t\":\"x\"", 8);
	longest[sizeof longest - 2] = '}';
	cast(event, "one");
	cast(longest, "x");
	CHECK(!weir_bench_mould_fits(&mould, weir_slice_of(longest), &text));
	CHECK(!weir_bench_mould_fits(&mould, weir_slice_of(event), &text));
}

TEST_MAIN
