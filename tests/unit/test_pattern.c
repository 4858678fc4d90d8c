#include "test.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "dialect/openai.h"
#include "dialect/pattern.h"

#define EVENT(content) \
	"{\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" content "\"}}]}"
#define PADDED(content, padding)                                                                   \
	"{\"choices\":[{\"delta\":{\"content\":\"" content "\"}}],\"obfuscation\":\"" padding "\"" \
	"}"
#define FIRST(content, padding)                                                                    \
	"{\"obfuscation\":\"" padding "\",\"choices\":[{\"delta\":{\"content\":\"" content "\"}}]" \
	"}"
#define CALL(arguments)                                                         \
	"{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{" \
	"\"arguments\":\"" arguments "\"}}]}}]}"

static struct weir_buf scratch;

static void learn(struct weir_pattern *p, const char *event)
{
	struct weir_reading r;

	weir_openai.read_event(weir_slice_of(event), &scratch, &r);
	weir_pattern_learn(p, weir_slice_of(event), &r);
}

TEST(what_matches)
{
	static const struct {
		const char *example, *event;
		bool matches;
	} cases[] = {
		{ EVENT("Hi"), EVENT("Hi"), true },
		{ EVENT("Hi"), EVENT("x"), true },
		{ EVENT("Hi"), EVENT(" a much longer text, with [signs] {in} it: 1"), true },
		{ EVENT("Hi"), EVENT("\\n\\t\\\" \\\\ \\/"), true },
		{ EVENT("Hi"), EVENT("\xe2\x82\xac \xf0\x9f\x98\x80"), true },
		{ EVENT("Hi"), EVENT(""), false },
		{ EVENT("Hi"), EVENT("\\u0041"), false },
		{ EVENT("Hi"), EVENT("\\x"), false },
		{ EVENT("Hi"), EVENT("\\"), false },
		{ EVENT("Hi"), EVENT("\x80"), false },
		{ EVENT("Hi"), EVENT("\n"), false },
		{ EVENT("Hi"), EVENT("\x7f"), true },
		{ EVENT("Hi"), EVENT("Hi") " ", false },
		{ EVENT("Hi"), " " EVENT("Hi"), false },
		{ EVENT("Hi"), "", false },
		{ EVENT("Hi"), "{\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"",
		  false },
		{ EVENT("Hi"), EVENT("a\"}}],\"error\":\"x"), false },
		{ EVENT("\\n"), EVENT("\\n"), false }, /* an example must be plain */
		{ EVENT(""), EVENT(""), false },
		{ PADDED("Hi", "x7Kd"), PADDED("Ho", "8"), true },
		{ PADDED("Hi", "x7Kd"), PADDED("Ho", ""), false },
		{ PADDED("Hi", ""), PADDED("Ho", ""), true },
		{ PADDED("Hi", ""), PADDED("Ho", "x"), false },
		{ FIRST("Hi", "x7Kd"), FIRST("Ho", "8"), true },
		{ CALL("{\\\"a\\\":"), CALL("1}"), false },
		{ CALL("1}"), CALL("{\\\"a\\\":"), true },
		{ "[DONE]", "[DONE]", false },
		{ "{\"error\":\"x\"}", "{\"error\":\"x\"}", false },
		{ "{\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}",
		  "{\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}",
		  false },
		{ "{\"choices\":[{\"text\":\"a\"}]}", "{\"choices\":[{\"text\":\"b\"}]}", true },
	};
	struct weir_pattern p;

	weir_buf_init(&scratch, 64 * 1024);
	weir_pattern_init(&p);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		learn(&p, cases[i].example);
		if (weir_pattern_match(&p, weir_slice_of(cases[i].event)) != cases[i].matches) {
			NOTE("%s", cases[i].event);
			CHECK_INT(!cases[i].matches, cases[i].matches);
		}
	}
	weir_pattern_fini(&p);
	weir_buf_fini(&scratch);
}

TEST(nothing_matches_before_anything_is_known)
{
	struct weir_pattern p;

	weir_buf_init(&scratch, 64 * 1024);
	weir_pattern_init(&p);
	CHECK(!weir_pattern_match(&p, WEIR_SLICE("")));
	CHECK(!weir_pattern_match(&p, WEIR_SLICE(EVENT("Hi"))));
	weir_alloc_fail_after(1);
	learn(&p, EVENT("Hi"));
	weir_alloc_fail_after(0);
	CHECK(!weir_pattern_match(&p, WEIR_SLICE(EVENT("Hi"))));
	weir_pattern_fini(&p);
	weir_buf_fini(&scratch);
}

static void check_same(const char *event, size_t len)
{
	struct weir_reading r;

	weir_openai.read_event(weir_slice(event, len), &scratch, &r);
	if (!r.json || !r.content || r.error || r.finish || r.usage || r.end_mark) {
		CHECK(!"what matches reads as the example");
		test_print("event   ", event, len);
	}
}

/* Every byte replaced by every other, and many random changes: what still matches also
 * reads the same when it is read. */
TEST(a_match_says_what_reading_says)
{
	static const char *const examples[] = { EVENT("Hi"), PADDED("a", "bc"), FIRST("a", "bc"),
						CALL("x"), "{\"choices\":[{\"text\":\"abc\"}]}" };
	struct weir_pattern p;
	struct weir_rng rng;
	char event[256];
	unsigned matches = 0;

	weir_buf_init(&scratch, 64 * 1024);
	weir_pattern_init(&p);
	weir_rng_init(&rng, 7);
	for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
		size_t len = strlen(examples[i]);

		learn(&p, examples[i]);
		for (size_t n = 0; n < 256 * len + 30000; n++) {
			memcpy(event, examples[i], len);
			event[n / 256 % len] = (char)(n % 256);
			if (n >= 256 * len)
				event[weir_rng_upto(&rng, len - 1)] = (char)weir_rng_upto(&rng,
											  255);
			if (!weir_pattern_match(&p, weir_slice(event, len)))
				continue;
			matches++;
			check_same(event, len);
		}
	}
	CHECK(matches > 1000);
	weir_pattern_fini(&p);
	weir_buf_fini(&scratch);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST_MAIN
