/* What an answer took, in every dialect's words, and what that cost. */
#include "test.h"

#include "base/error.h"
#include "dialect/anthropic.h"
#include "dialect/cost.h"
#include "dialect/exchange.h"
#include "dialect/openai.h"

enum { NANO = 1000000000 };

static struct weir_model_facts priced(uint64_t in, uint64_t out)
{
	return (struct weir_model_facts){
		.price_in = in,
		.price_out = out,
		.price_cached = WEIR_PRICE_UNKNOWN,
	};
}

TEST(a_cost_is_exact)
{
	static const uint64_t UNKNOWN = WEIR_PRICE_UNKNOWN, GPT_4O = 2500000000, OUT = 10000000000;
	const struct {
		uint64_t in, out, price_in, price_out, nano;
	} rows[] = {
		{ 1000, 500, GPT_4O, OUT, 7500000 }, /* $0.0075 */
		{ 1, 0, GPT_4O, OUT, 2500 },
		{ 0, 0, GPT_4O, OUT, 0 },
		{ 1000000, 0, GPT_4O, OUT, GPT_4O },
		{ 12, 0, 20000000, 0, 240 }, /* an embedding */
		/* Less than a nano-dollar: rounded once, a half up. */
		{ 1, 0, 499999, 0, 0 },
		{ 1, 0, 500000, 0, 1 },
		{ 1, 1, 400000, 400000, 1 },
		{ 3, 0, 500000, 0, 2 },
		/* What is not needed need not be known. */
		{ 0, 10, UNKNOWN, OUT, 100000 },
		{ 10, 0, GPT_4O, UNKNOWN, 25000 },
		{ 10, 1, GPT_4O, UNKNOWN, UNKNOWN },
		{ 1, 10, UNKNOWN, OUT, UNKNOWN },
		{ 5, 5, 0, 0, 0 }, /* free is not unknown */
		/* Beyond 64 bits on the way, and at the end. */
		{ NANO, NANO, 1000000 * (uint64_t)NANO, 0, 1000000000000000000 },
		{ UINT64_MAX, UINT64_MAX, UNKNOWN - 1, UNKNOWN - 1, UNKNOWN - 1 },
	};

	for (size_t i = 0; i < WEIR_COUNT_OF(rows); i++) {
		struct weir_model_facts facts = priced(rows[i].price_in, rows[i].price_out);
		struct weir_usage usage = { .in = rows[i].in, .out = rows[i].out };

		if (!test_int((long long)weir_cost(&usage, &facts), (long long)rows[i].nano,
			      __FILE__, __LINE__, "the cost"))
			NOTE("row %zu", i);
	}
}

TEST(reasoning_and_what_is_written_to_a_cache_are_paid_once)
{
	struct weir_model_facts facts = priced(1000000000, 10000000000);
	struct weir_usage usage = { .in = 100, .written = 40, .out = 50, .reasoning = 30 };

	CHECK_INT(weir_cost(&usage, &facts), 100 * 1000 + 50 * 10000);
}

TEST(what_was_cached_costs_less_where_that_is_known)
{
	struct weir_model_facts facts = priced(2500000000, 10000000000);
	struct weir_usage usage = { .in = 100, .cached = 64, .written = 30, .out = 20 };

	CHECK_INT(weir_cost(&usage, &facts), 100 * 2500 + 20 * 10000);
	facts.price_cached = 1250000000;
	CHECK_INT(weir_cost(&usage, &facts), 36 * 2500 + 64 * 1250 + 20 * 10000);
	facts.price_cached = 0;
	CHECK_INT(weir_cost(&usage, &facts), 36 * 2500 + 20 * 10000);
	facts.price_in = WEIR_PRICE_UNKNOWN;
	CHECK_INT(weir_cost(&usage, &facts), WEIR_PRICE_UNKNOWN);
	usage.cached = 100;
	CHECK_INT(weir_cost(&usage, &facts), 20 * 10000);
	usage.cached = 101; /* no more than there was */
	CHECK_INT(weir_cost(&usage, &facts), WEIR_PRICE_UNKNOWN);
}

TEST(a_sum_of_many_is_exact)
{
	struct weir_model_facts facts = priced(150000000, 600000000); /* gpt-4o-mini */
	uint64_t sum = 0;

	for (uint64_t i = 0; i < 1000000; i++)
		sum += weir_cost(&(struct weir_usage){ .in = 1, .out = i % 2 }, &facts);
	CHECK_INT(sum, 1000000 * 150 + 500000 * 600);
}

/* "in=9 cached=2 written=1 out=3", or "unknown in=9…" when it has not counted all of it. */
static const char *took(const struct weir_dialect *dialect, bool stream, const char *body)
{
	static char said[128];
	enum weir_route route = dialect == &weir_anthropic ? WEIR_ROUTE_MESSAGES : WEIR_ROUTE_CHAT;
	struct weir_exchange_names names = { 0 };
	struct weir_exchange x;
	struct weir_buf text;

	weir_buf_init(&text, 64 * 1024);
	CHECK(weir_buf_printf(&text,
			      "HTTP/1.1 200 OK\r\ncontent-type: %s\r\ncontent-length: %zu\r\n\r\n"
			      "%s",
			      stream ? "text/event-stream" : "application/json", strlen(body),
			      body) == 0);
	weir_exchange_init(&x, dialect, route, stream);
	if (dialect != &weir_openai && dialect != &weir_anthropic) /* no caller speaks it */
		CHECK(weir_exchange_translate(&x, &weir_openai, false, names) == 0);
	weir_exchange_feed(&x, text.base, text.len, 0);
	snprintf(said, sizeof said, "%sin=%llu cached=%llu written=%llu out=%llu",
		 x.usage ? "" : "unknown ", (unsigned long long)x.tokens.in,
		 (unsigned long long)x.tokens.cached, (unsigned long long)x.tokens.written,
		 (unsigned long long)x.tokens.out);
	weir_exchange_fini(&x);
	weir_buf_fini(&text);
	return said;
}

struct row {
	const char *what, *usage, *took;
};

#define PROMPT "\"prompt_tokens\":100,\"completion_tokens\":20"

/* Of a body, of one event before [DONE], and of an event that counts on. */
static const struct row openai_rows[] = {
	{ "plain", "{" PROMPT ",\"total_tokens\":120}", "in=100 cached=0 written=0 out=20" },
	{ "cached",
	  "{" PROMPT ",\"prompt_tokens_details\":{\"cached_tokens\":64,\"audio_tokens\":0},"
	  "\"completion_tokens_details\":{\"reasoning_tokens\":15}}",
	  "in=100 cached=64 written=0 out=20" },
	{ "written to a cache",
	  "{" PROMPT ",\"prompt_tokens_details\":{\"cached_tokens\":64,"
	  "\"cache_write_tokens\":30}}",
	  "in=100 cached=64 written=30 out=20" },
	{ "DeepSeek",
	  "{" PROMPT ",\"prompt_cache_hit_tokens\":60,\"prompt_cache_miss_tokens\":40,"
	  "\"prompt_tokens_details\":null}",
	  "in=100 cached=60 written=0 out=20" },
	{ "more cached than there was",
	  "{" PROMPT ",\"prompt_tokens_details\":{\"cached_tokens\":640,"
	  "\"cache_write_tokens\":5}}",
	  "in=100 cached=100 written=0 out=20" },
	{ "reasoning beside the completion", "{" PROMPT ",\"total_tokens\":150}",
	  "in=100 cached=0 written=0 out=50" },
	{ "a total that is too small", "{" PROMPT ",\"total_tokens\":1}",
	  "in=100 cached=0 written=0 out=20" },
	{ "an embedding", "{\"prompt_tokens\":8,\"total_tokens\":8}",
	  "in=8 cached=0 written=0 out=0" },
	{ "nonsense", "{\"prompt_tokens\":18446744073709551615,\"completion_tokens\":1}",
	  "in=1000000000 cached=0 written=0 out=1" },
	{ "no numbers", "{\"prompt_tokens\":\"100\"}", "unknown in=0 cached=0 written=0 out=0" },
	{ "null", "null", "unknown in=0 cached=0 written=0 out=0" },
};

#define CHOICE "{\"index\":0,\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}"
#define FIRST  "data: {\"choices\":[" CHOICE "],\"usage\":null}\n\n"
#define DONE   "data: [DONE]\n\n"

static void check_row(const char *how, const struct row *row, const char *took)
{
	if (!test_str(took, row->took, __FILE__, __LINE__, "took"))
		NOTE("%s, %s", row->what, how);
}

TEST(openai_counts)
{
	static char text[4096];

	for (size_t i = 0; i < WEIR_COUNT_OF(openai_rows); i++) {
		const struct row *row = &openai_rows[i];

		snprintf(text, sizeof text, "{\"choices\":[{\"message\":{}}],\"usage\":%s}",
			 row->usage);
		check_row("a body", row, took(&weir_openai, false, text));
		snprintf(text, sizeof text, FIRST "data: {\"choices\":[],\"usage\":%s}\n\n" DONE,
			 row->usage);
		check_row("a stream", row, took(&weir_openai, true, text));
		snprintf(text, sizeof text,
			 FIRST "data: {\"choices\":[],\"x_groq\":{\"usage\":%s}}\n\n" DONE,
			 row->usage);
		check_row("Groq's stream", row, took(&weir_openai, true, text));
	}
}

TEST(openai_counts_on_and_the_last_word_holds)
{
#define EVENT(usage) "data: {\"choices\":[" CHOICE "],\"usage\":" usage "}\n\n"
	CHECK_STR(took(&weir_openai, true,
		       EVENT("{\"prompt_tokens\":9,\"completion_tokens\":1,"
			     "\"prompt_tokens_details\":{\"cached_tokens\":8}}")
			       EVENT("{\"prompt_tokens\":9,\"completion_tokens\":2}") EVENT("null")
				       EVENT("{\"completion_tokens\":3}") DONE),
		  "in=9 cached=0 written=0 out=3");
	/* It was cut before [DONE]: what is known is known. */
	CHECK_STR(took(&weir_openai, true, FIRST), "unknown in=0 cached=0 written=0 out=0");
}

TEST(gemini_counts_thoughts_beside_the_answer)
{
#define PARTS \
	"\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hi\"}]},\"finishReason\":\"STOP\"}]"
#define COUNTED(out)                                                                \
	"\"usageMetadata\":{\"promptTokenCount\":10,\"cachedContentTokenCount\":4," \
	"\"candidatesTokenCount\":" out ",\"thoughtsTokenCount\":30,"               \
	"\"toolUsePromptTokenCount\":2,\"totalTokenCount\":47}"
	const struct weir_dialect *gemini = weir_dialect_find(WEIR_SLICE("gemini"));

	CHECK_STR(took(gemini, false, "{" PARTS "," COUNTED("5") "}"),
		  "in=12 cached=4 written=0 out=35");
	CHECK_STR(took(gemini, true,
		       "data: {" PARTS "," COUNTED("1") "}\n\ndata: {" PARTS
							"," COUNTED("5") "}\n\n"),
		  "in=12 cached=4 written=0 out=35");
}

#define START(usage)                                                                         \
	"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\"," \
	"\"content\":[],\"usage\":" usage "}}\n\n"
#define WORDS                                                                                     \
	"data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\"," \
	"\"text\":\"Hi\"}}\n\n"
#define DELTA(usage)                                                                  \
	"data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}," \
	"\"usage\":" usage "}\n\n"
#define STOP "data: {\"type\":\"message_stop\"}\n\n"
#define CACHE                                                      \
	"{\"input_tokens\":12,\"cache_creation_input_tokens\":30," \
	"\"cache_read_input_tokens\":2048,\"output_tokens\":1}"

TEST(anthropic_counts_its_cache_beside_the_rest)
{
	static const struct row rows[] = {
		{ "whole",
		  "{\"type\":\"message\",\"content\":[],\"usage\":{\"input_tokens\":12,"
		  "\"cache_creation_input_tokens\":30,\"cache_read_input_tokens\":2048,"
		  "\"output_tokens\":9}}",
		  "in=2090 cached=2048 written=30 out=9" },
		{ "without a cache",
		  "{\"content\":[],\"usage\":{\"input_tokens\":12,\"output_tokens\":9,"
		  "\"cache_read_input_tokens\":null}}",
		  "in=12 cached=0 written=0 out=9" },
		{ "none", "{\"content\":[]}", "unknown in=0 cached=0 written=0 out=0" },
	};
	static const struct row streams[] = {
		{ "the end counts the output only",
		  START(CACHE) WORDS DELTA("{\"output_tokens\":9}") STOP,
		  "in=2090 cached=2048 written=30 out=9" },
		{ "the end counts all of it once more",
		  START(CACHE)
			  WORDS DELTA("{\"input_tokens\":20,\"cache_creation_input_tokens\":31,"
				      "\"cache_read_input_tokens\":2049,\"output_tokens\":9}") STOP,
		  "in=2100 cached=2049 written=31 out=9" },
		{ "the end leaves the cache out",
		  START(CACHE) WORDS DELTA("{\"input_tokens\":12,\"output_tokens\":9}") STOP,
		  "in=2090 cached=2048 written=30 out=9" },
		{ "the end says null or nothing",
		  START(CACHE) WORDS DELTA("{\"input_tokens\":0,\"cache_read_input_tokens\":null,"
					   "\"output_tokens\":9}") STOP,
		  "in=2090 cached=2048 written=30 out=9" },
		/* The beginning has not counted any output: that is no answer's cost. */
		{ "cut", START(CACHE) WORDS, "unknown in=2090 cached=2048 written=30 out=1" },
		{ "never counted at the end", START(CACHE) WORDS DELTA("null") STOP,
		  "unknown in=2090 cached=2048 written=30 out=1" },
	};

	for (size_t i = 0; i < WEIR_COUNT_OF(rows); i++)
		check_row("a body", &rows[i], took(&weir_anthropic, false, rows[i].usage));
	for (size_t i = 0; i < WEIR_COUNT_OF(streams); i++)
		check_row("a stream", &streams[i], took(&weir_anthropic, true, streams[i].usage));
}

TEST_MAIN
