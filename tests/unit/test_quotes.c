/* What of a provider's words may be shown: nothing that repeats the request. */
#include "test.h"

#include "core/quotes.h"

#define BODY                                                                                      \
	"{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"system\",\"content\":\"You are \\\"kind" \
	"\\\" and brief.\"},{\"role\":\"user\",\"content\":\"hunter2\"},{\"role\":\"user\","      \
	"\"content\":\"My number is 555-0199 and I live in Oslo.\"}],\"temperature\":0.5}"

static bool quotes(const char *words)
{
	return weir_quotes(weir_slice_of(words), WEIR_SLICE(BODY), WEIR_SLICE("gpt-4o"));
}

TEST(words_of_their_own_are_shown)
{
	CHECK(!quotes(""));
	CHECK(!quotes("The server is overloaded"));
	CHECK(!quotes("Rate limit reached for gpt-4o in organization org-1 on tokens per min"));
	CHECK(!quotes("the system has no room for a user, messages or temperature"));
	CHECK(!quotes("You exceeded your current quota"));
}

TEST(a_run_of_the_request_is_a_quotation)
{
	CHECK(quotes("cannot parse: My number is 555-0199"));
	CHECK(quotes("0199 and I live in Oslo."));
	CHECK(quotes("{\"role\":\"user\",\"content\""));
	CHECK(!quotes("My number is up")); /* 13 bytes are the same */
}

TEST(wherever_it_begins_and_ends)
{
	static const char text[] = BODY;
	char words[WEIR_QUOTES_RUN + 3] = "<";

	for (size_t at = 0; at + WEIR_QUOTES_RUN < sizeof text; at++) {
		memcpy(words + 1, text + at, WEIR_QUOTES_RUN);
		words[1 + WEIR_QUOTES_RUN] = '>';
		CHECK(quotes(words) || strstr(words, "gpt-4o"));
	}
}

TEST(so_is_a_short_string_of_it)
{
	CHECK(quotes("who is hunter2?"));
	CHECK(quotes("hunter2"));
	CHECK(!quotes("who is hunter3?"));
}

static bool tells(const char *words, const char *content)
{
	char body[256];
	int len = snprintf(body, sizeof body, "{\"messages\":[{\"content\":\"%s\"}]}", content);

	CHECK(len > 0 && (size_t)len < sizeof body);
	return weir_quotes(weir_slice_of(words), weir_slice(body, (size_t)len),
			   WEIR_SLICE("gpt-4o"));
}

TEST(escapes_of_the_body_hide_nothing)
{
	CHECK(tells("at: my \"PIN\" is \"4711\"", "my \\\"PIN\\\" is \\\"4711\\\""));
	CHECK(tells("at: my PIN is 4711, Anna", "my\\u0020P\\u0049N is\\u00204\\u003711, Anna"));
	CHECK(tells("for Anna/Ulm/Donau/7", "Anna\\/Ulm\\/Donau\\/7"));
	CHECK(tells("one line\nand another", "one line\\nand another"));
	CHECK(tells("is <b>Anna</b> there?", "\\u003cb\\u003EAnna\\u003c/b\\u003e"));
	CHECK(tells("who is hunter2?", "\\u0068\\u0075\\u006e\\u0074\\u0065\\u0072\\u0032"));
	CHECK(tells("who is a \"b\" c?", "a \\\"b\\\" c"));
	CHECK(!tells("the herd is thundering", "my \\\"PIN\\\" is\\n\\u0034711\\/\\\\"));
}

TEST(nor_does_json_in_its_strings)
{
	CHECK(tells("who is hunter2?", "{\\\"name\\\":\\\"hunter2\\\",\\\"age\\\":7}"));
	CHECK(tells("at my \"PIN\" is 4711", "{\\\"a\\\":\\\"my \\\\\\\"PIN\\\\\\\" is 4711\\\"}"));
	CHECK(tells("fine", "\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\"));
}

TEST(escapes_of_the_words_hide_nothing)
{
	CHECK(tells("cannot read \\u0041nna of Ulm, PIN 4711", "Anna of Ulm, PIN 4711"));
	CHECK(tells("cannot read M\\u00fcller lives in K\\u00f6ln",
		    "M\xc3\xbcller lives in K\xc3\xb6ln"));
	CHECK(tells("cannot read Anna of \\ud83d\\ude00 Ulm, 4711",
		    "Anna of \xf0\x9f\x98\x80 Ulm, 4711"));
}

TEST(what_cannot_be_compared_is_not_shown)
{
	static char large[WEIR_QUOTES_BODY_MAX + 1], words[WEIR_QUOTES_WORDS_MAX + 1];

	memset(large, 'x', sizeof large);
	memset(words, 'y', sizeof words);
	CHECK(weir_quotes(WEIR_SLICE("fine"), weir_slice(NULL, 0), WEIR_SLICE("m")));
	CHECK(weir_quotes(WEIR_SLICE("fine"), weir_slice(large, sizeof large), WEIR_SLICE("m")));
	CHECK(!weir_quotes(WEIR_SLICE("fine"), weir_slice(large, sizeof large - 1),
			   WEIR_SLICE("m")));
	CHECK(weir_quotes(weir_slice(words, sizeof words), WEIR_SLICE(BODY), WEIR_SLICE("m")));
	CHECK(quotes("\xe6\x97\xa5\xe6\x9c\xac"));
}

TEST(broken_bodies_end_somewhere)
{
	CHECK(!weir_quotes(WEIR_SLICE("words"), WEIR_SLICE("\""), WEIR_SLICE("m")));
	CHECK(!weir_quotes(WEIR_SLICE("words"), WEIR_SLICE("\"a\\"), WEIR_SLICE("m")));
	CHECK(weir_quotes(WEIR_SLICE("my words"), WEIR_SLICE("\"words\""), WEIR_SLICE("m")));
}

TEST_MAIN
