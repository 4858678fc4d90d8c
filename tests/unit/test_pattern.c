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

enum { RAW_MAX = 512 };

static struct weir_buf scratch;

/* Around the data of an event, which it is read from where it stands. */
struct around {
	const char *before, *after;
};

static const struct around plain = { "data: ", "\n\n" };

static struct weir_slice wrap(char raw[RAW_MAX], const struct around *around, const char *data,
			      size_t len)
{
	size_t before = strlen(around->before), after = strlen(around->after);

	memcpy(raw, around->before, before);
	memcpy(raw + before, data, len);
	memcpy(raw + before + len, around->after, after);
	return weir_slice(raw, before + len + after);
}

static void learn_as(struct weir_pattern *p, const struct around *around, const char *data,
		     const char *shown)
{
	char raw[RAW_MAX];
	struct weir_slice event = wrap(raw, around, data, strlen(data));
	struct weir_reading r;

	weir_openai.read_event(weir_slice(raw + strlen(around->before), strlen(data)), &scratch,
			       &r);
	weir_pattern_learn(p, event, &r, shown ? weir_slice_of(shown) : event);
}

static void learn(struct weir_pattern *p, const char *data)
{
	learn_as(p, &plain, data, NULL);
}

/* Also with more behind it. */
static bool matches(const struct weir_pattern *p, const char *data, size_t len)
{
	struct weir_pattern_words words;
	char raw[RAW_MAX];
	struct weir_slice event = wrap(raw, &plain, data, len);
	size_t n = weir_pattern_match(p, event, &words);

	CHECK(n == 0 || n == event.len);
	raw[event.len] = 'd';
	CHECK_INT(weir_pattern_match(p, weir_slice(raw, event.len + 1), &words), n);
	for (size_t cut = 0; cut < event.len; cut += 7)
		CHECK_INT(weir_pattern_match(p, weir_slice(raw, cut), &words), 0);
	return n > 0;
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
		if (matches(&p, cases[i].event, strlen(cases[i].event)) != cases[i].matches) {
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
	CHECK(!matches(&p, "", 0));
	CHECK(!matches(&p, EVENT("Hi"), strlen(EVENT("Hi"))));
	weir_alloc_fail_after(1);
	learn(&p, EVENT("Hi"));
	weir_alloc_fail_after(0);
	CHECK(!matches(&p, EVENT("Hi"), strlen(EVENT("Hi"))));
	weir_pattern_fini(&p);
	weir_buf_fini(&scratch);
}

TEST(which_events_are_learned)
{
	static const struct {
		struct around around;
		bool learned, crlf;
	} cases[] = {
		{ { "data: ", "\n\n" }, true, false },
		{ { "event: chunk\nid: 7\ndata:", "\n\n" }, true, false },
		{ { "data: ", "\r\n\r\n" }, true, true },
		{ { "data: ", "\r\r" }, false, false },                   /* is it over? */
		{ { "\xef\xbb\xbf\x64\x61ta: ", "\n\n" }, false, false }, /* once only */
	};
	struct weir_pattern_words words;
	struct weir_pattern p;
	char raw[RAW_MAX];

	weir_buf_init(&scratch, 64 * 1024);
	weir_pattern_init(&p);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct weir_slice like = wrap(raw, &cases[i].around, EVENT("x"),
					      strlen(EVENT("x")));

		learn_as(&p, &cases[i].around, EVENT("Hi"), NULL);
		CHECK_INT(weir_pattern_match(&p, like, &words),
			  cases[i].learned ? (long long)like.len : 0);
		CHECK(!cases[i].learned || p.crlf == cases[i].crlf);
		CHECK(!cases[i].learned || weir_slice_is(words.at[0], "x"));
	}
	weir_pattern_fini(&p);
	weir_buf_fini(&scratch);
}

/* shown NULL: as it came; shown "": it is not to be learned. */
TEST(what_is_shown_is_shown_alike)
{
	static const struct {
		const char *example, *as, *event, *shown;
	} cases[] = {
		{ EVENT("Hi"), NULL, EVENT("x"), "data: " EVENT("x") "\n\n" },
		{ EVENT("Hi"), "data: {\"text\":\"Hi\"}\n\n", EVENT("a \\\" b"),
		  "data: {\"text\":\"a \\\" b\"}\n\n" },
		{ EVENT("Hi"), "data: {\"Hi!\":\"Hi\"}\n\n", EVENT("x"),
		  "data: {\"Hi!\":\"x\"}\n\n" },
		{ EVENT("Hi"), "data: {\"Hi\":\"Hi\"}\n\n", EVENT("x"), "" },
		{ EVENT("Hi"), "data: {\"text\":\"Ho\"}\n\n", EVENT("x"), "" },
		{ EVENT("Hi"), "Hi", EVENT("x"), "" },
		{ EVENT("Hi"), "", EVENT("x"), "" },
		{ PADDED("Hi", "abc"), "{\"a\":\"Hi\",\"b\":\"abc\"}", PADDED("x", "y"),
		  "{\"a\":\"x\",\"b\":\"y\"}" },
		{ PADDED("Hi", "abc"), "{\"b\":\"abc\",\"a\":\"Hi\"}", PADDED("x", "y"), "" },
		{ PADDED("Hi", "abc"), "{\"a\":\"Hi\"}", PADDED("x", "y"), "" },
		{ PADDED("Hi", "Hi"), "{\"a\":\"Hi\",\"b\":\"Hi\"}", PADDED("x", "y"), "" },
	};
	struct weir_pattern_words words;
	struct weir_pattern p;
	struct weir_buf out;
	char raw[RAW_MAX];

	weir_buf_init(&scratch, 64 * 1024);
	weir_buf_init(&out, RAW_MAX);
	weir_pattern_init(&p);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct weir_slice event = wrap(raw, &plain, cases[i].event, strlen(cases[i].event));

		learn_as(&p, &plain, cases[i].example, cases[i].as);
		weir_buf_clear(&out);
		if (weir_pattern_match(&p, event, &words))
			CHECK_INT(weir_pattern_put(&p, event, &words, &out), 0);
		CHECK(weir_slice_is(weir_buf_slice(&out), cases[i].shown));
	}
	weir_pattern_fini(&p);
	weir_buf_fini(&out);
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
	unsigned found = 0;

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
			if (!matches(&p, event, len))
				continue;
			found++;
			check_same(event, len);
		}
	}
	CHECK(found > 1000);
	weir_pattern_fini(&p);
	weir_buf_fini(&scratch);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST_MAIN
