/* What a chat needs of a model, and whether that is known to be missing. */
#include "dialect/needs.h"

#include "test.h"

enum { MEMBERS_MAX = 16 };

static struct weir_needs needs_of(const char *text)
{
	struct weir_json_member members[MEMBERS_MAX];
	struct weir_json_cursor cursor;
	struct weir_needs needs;
	unsigned n = 0;

	CHECK_INT(weir_json_open(&cursor, weir_slice_of(text)), 0);
	while (n < MEMBERS_MAX && weir_json_next(&cursor, &members[n]) == 1)
		n++;
	weir_needs_read(&needs, members, n, strlen(text));
	return needs;
}

#define PART(part)                                                                                \
	"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}," part \
	"]}]}"

TEST(what_stands_in_a_request)
{
	static const struct {
		const char *text;
		unsigned abilities;
	} rows[] = {
		{ "{\"messages\":[{\"content\":\"image_url\"}],\"tools\":[],\"response_format\":{"
		  "\"type\":\"json_object\"}}",
		  0 },
		{ "{\"messages\":3,\"tools\":null,\"output_config\":{\"effort\":\"low\"}}", 0 },
		{ PART("{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/"
		       "png;base64,QUJD\"}}"),
		  WEIR_ABLE_IMAGES },
		{ PART("{\"type\":\"image_url\",\"image_url\":{\"url\":\"HTTPS://example.com/"
		       "a.png\"}}"),
		  WEIR_ABLE_IMAGES | WEIR_ABLE_IMAGE_URLS },
		{ PART("{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"data\":\"QUJD\"}}"),
		  WEIR_ABLE_IMAGES },
		{ PART("{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":\"http://"
		       "example.com\"}}"),
		  WEIR_ABLE_IMAGES | WEIR_ABLE_IMAGE_URLS },
		{ PART("{\"type\":\"input_audio\",\"input_audio\":{}}"), WEIR_ABLE_AUDIO },
		{ PART("{\"type\":\"file\",\"file\":{\"file_data\":\"data:application/"
		       "pdf;base64,QUJD\"}}"),
		  WEIR_ABLE_PDF },
		{ PART("{\"type\":\"document\",\"source\":{\"type\":\"base64\"}}"), WEIR_ABLE_PDF },
		{ PART("{\"type\":\"document\",\"source\":{\"type\":\"text\",\"data\":\"a\"}}"),
		  0 },
		{ PART("{\"type\":\"tool_result\",\"content\":[{\"type\":\"image\",\"source\":{"
		       "\"type\":\"base64\"}}]}"),
		  WEIR_ABLE_IMAGES },
		{ "{\"messages\":[],\"tools\":[{}]}", WEIR_ABLE_TOOLS },
		{ "{\"messages\":[],\"functions\":[{}]}", WEIR_ABLE_TOOLS },
		{ "{\"messages\":[],\"response_format\":{\"type\":\"json_schema\"}}",
		  WEIR_ABLE_SCHEMA },
		{ "{\"messages\":[],\"output_config\":{\"format\":{\"type\":\"json_schema\"}}}",
		  WEIR_ABLE_SCHEMA },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		NOTE("%s", rows[i].text);
		CHECK_INT(needs_of(rows[i].text).abilities, rows[i].abilities);
	}
}

TEST(an_image_is_not_counted_by_its_bytes)
{
	struct weir_needs text = needs_of(
		"{\"messages\":[{\"content\":\"0123456789012345678901234567890123456789\"}]}");
	struct weir_needs image = needs_of(PART(
		"{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"data\":\"0123456789\"}}"));

	CHECK_INT(text.tokens, 19);
	CHECK(image.tokens >= 800 && image.tokens < 830);
}

TEST(what_is_missing)
{
	struct weir_model_facts facts = { .context_tokens = 1000, .output_tokens = 100 };
	struct weir_needs needs = { .abilities = WEIR_ABLE_TOOLS | WEIR_ABLE_IMAGES };

	CHECK_STR(weir_needs_unmet(&needs, &facts, false), NULL);
	facts.cannot = WEIR_ABLE_TOOLS;
	CHECK_STR(weir_needs_unmet(&needs, &facts, true), "cannot_take_tools");
	facts.cannot = WEIR_ABLE_TOOLS | WEIR_ABLE_IMAGES;
	CHECK_STR(weir_needs_unmet(&needs, &facts, true), "cannot_take_images");
	facts.cannot = WEIR_ABLE_PDF;
	CHECK_STR(weir_needs_unmet(&needs, &facts, true), NULL);
}

TEST(an_estimate_is_believed_only_where_it_cannot_be_that_wrong)
{
	struct weir_model_facts facts = { .context_tokens = 1000, .output_tokens = 100 };
	static const struct {
		uint64_t tokens, answer;
		bool likely, sure;
	} rows[] = {
		{ 1110, 0, false, false },   { 1120, 0, true, false },
		{ 1000, 90, false, false },  { 1000, 9999, false, false },
		{ 1010, 9999, true, false }, { 2010, 0, true, true },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct weir_needs needs = { 0, rows[i].tokens, rows[i].answer };

		NOTE("%u", (unsigned)i);
		CHECK_INT(weir_needs_unmet(&needs, &facts, false) != NULL, rows[i].likely);
		CHECK_INT(weir_needs_unmet(&needs, &facts, true) != NULL, rows[i].sure);
	}
	facts.context_tokens = 0;
	CHECK_STR(weir_needs_unmet(&(struct weir_needs){ 0, UINT64_MAX / 2, 0 }, &facts, true),
		  NULL);
}

TEST_MAIN
