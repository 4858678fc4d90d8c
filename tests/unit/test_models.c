/* What is known of models by their names. */
#include "test.h"

#include "dialect/chat.h"

static struct weir_model_facts facts(const char *vendor, const char *model)
{
	const struct weir_vendor *v = vendor ? weir_vendor_find(weir_slice_of(vendor)) : NULL;

	CHECK(!vendor || v);
	return weir_model_facts(weir_slice_of(model), v, "/v1");
}

TEST(names_are_recognised)
{
	static const struct {
		const char *model, *name;
		bool same;
	} rows[] = {
		{ "gpt-4o", "gpt-4o", true },
		{ "GPT-4o", "gpt-4o", true },
		{ "gpt-4o-2024-08-06", "gpt-4o", true },
		{ "gpt-4o-20240806", "gpt-4o", true },
		{ "gpt-4o-latest", "gpt-4o", true },
		{ "gpt-4o-0806", "gpt-4o", true },
		{ "gpt-4o-08-2024", "gpt-4o", true },
		{ "openai/gpt-4o", "gpt-4o", true },
		{ "accounts/x/models/gpt-4o-2024-08-06", "gpt-4o", true },
		{ "gpt-4o-mini", "gpt-4o", false },
		{ "gpt-4o-mini-2024-07-18", "gpt-4o", false },
		{ "gpt-4o-1", "gpt-4o", false },
		{ "gpt-4o-2024--0806", "gpt-4o", false },
		{ "gpt-4o-20240806-", "gpt-4o", false },
		{ "gpt-4o--20240806", "gpt-4o", false },
		{ "gpt-4o-2024-08-061", "gpt-4o", false },
		{ "gpt-4o-", "gpt-4o", false },
		{ "gpt-4ob", "gpt-4o", false },
		{ "gpt-4", "gpt-4o", false },
		{ "gpt-4o/x", "gpt-4o", false },
		{ "my-gpt-4o", "gpt-4o", false },
		{ "", "gpt-4o", false },
		{ "gpt-4o", "", false },
		{ "/", "", false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (!test_check(weir_model_is(weir_slice_of(rows[i].model),
					      weir_slice_of(rows[i].name)) == rows[i].same,
				__FILE__, __LINE__, rows[i].model))
			NOTE("%s: %s", rows[i].model, rows[i].name);
}

TEST(windows_and_prices)
{
	static const struct {
		const char *vendor, *model;
		uint64_t context, output, in, out; /* in, out: thousandths of a dollar */
	} rows[] = {
		{ "openai", "gpt-4o", 128000, 16384, 2500, 10000 },
		{ "openai", "gpt-4o-mini-2024-07-18", 128000, 16384, 150, 600 },
		{ "openai", "gpt-5.4-mini", 1050000, 128000, 750, 4500 },
		{ "openai", "gpt-5.4", 1050000, 128000, 2500, 15000 },
		{ "openai", "text-embedding-3-small", 8191, 0, 20, 0 },
		{ "azure", "gpt-4o", 128000, 16384, 2500, 10000 }, /* nobody else makes it */
		{ NULL, "gpt-4o", 128000, 16384, 2500, 10000 },
		{ "openrouter", "anthropic/claude-sonnet-4-5", 200000, 64000, 3000, 15000 },
		{ "anthropic", "claude-sonnet-4-5-20250929", 200000, 64000, 3000, 15000 },
		{ "anthropic", "claude-opus-4-5", 200000, 64000, 5000, 25000 },
		{ "gemini", "gemini-2.5-flash-lite", 1048576, 65535, 100, 400 },
		{ "deepseek", "deepseek-chat", 131072, 8192, 280, 420 },
		/* One name, two offers, and none known of a third. */
		{ "groq", "openai/gpt-oss-120b", 131072, 32766, 150, 600 },
		{ "cerebras", "gpt-oss-120b", 131072, 32768, 350, 750 },
		{ "fireworks", "accounts/fireworks/models/glm-5p2", 1048576, 131072, 1400, 4400 },
		{ "mistral", "mistral-small-latest", 131072, 131072, 60, 180 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct weir_model_facts f = facts(rows[i].vendor, rows[i].model);

		NOTE("%s", rows[i].model);
		CHECK_INT(f.context_tokens, rows[i].context);
		CHECK_INT(f.output_tokens, rows[i].output);
		CHECK_INT(f.price_in, rows[i].in * 1000000);
		CHECK_INT(f.price_out, rows[i].out * 1000000);
		CHECK_INT(weir_model_price(&f), (rows[i].in + rows[i].out) * 1000000);
	}
}

TEST(what_the_vendor_keeps_costs_less)
{
	CHECK_INT(facts("openai", "gpt-4o").price_cached, 1250000000);
	CHECK_INT(facts("openai", "gpt-5-nano").price_cached, 5000000);
	CHECK_INT(facts("anthropic", "claude-opus-5").price_cached, 500000000);
	CHECK(facts("mistral", "codestral-2508").price_cached == WEIR_PRICE_UNKNOWN);
	CHECK(facts("openai", "gpt-9").price_cached == WEIR_PRICE_UNKNOWN);
}

TEST(what_nobody_says_is_not_known)
{
	static const char *const rows[][2] = {
		{ "together", "openai/gpt-oss-120b" }, /* another offer of the same model */
		{ NULL, "gpt-oss-120b" },
		{ "vllm", "mistral-small-latest" },
		{ "openai", "gpt-9" },
		{ "openai", "gpt-4o-audio-preview" },
		{ "anthropic", "claude-3-5-sonnet-latest" },
		{ NULL, "llama3" },
		{ NULL, "" },
		{ NULL, "/" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct weir_model_facts f = facts(rows[i][0], rows[i][1]);

		NOTE("%s", rows[i][1]);
		CHECK(f.context_tokens == 0 && f.output_tokens == 0);
		CHECK(f.price_in == WEIR_PRICE_UNKNOWN && f.price_out == WEIR_PRICE_UNKNOWN);
		CHECK(weir_model_price(&f) == WEIR_PRICE_UNKNOWN);
	}
}

/* Its tokens have a price, but each request has another one, which is not listed. */
TEST(a_price_with_a_fee_beside_it_is_none)
{
	struct weir_model_facts f = facts("perplexity", "sonar");

	CHECK_INT(f.context_tokens, 128000);
	CHECK(weir_model_price(&f) == WEIR_PRICE_UNKNOWN);
}

TEST(some_go_on_from_a_text_begun)
{
	static const struct {
		const char *vendor, *model;
		int prefill;
		const char *flag;
	} rows[] = {
		{ "openai", "gpt-4o", 0, NULL },
		{ "azure", "o3", 0, NULL },
		{ NULL, "gpt-5.4", 0, NULL },
		{ "openai", "chatgpt-4o-latest", 0, NULL },
		{ "anthropic", "claude-sonnet-4-5", 1, NULL },
		{ "anthropic", "claude-opus-4-5-20251101", 1, NULL },
		{ "anthropic", "claude-sonnet-4-20250514", 1, NULL },
		{ "anthropic", "claude-opus-4-1-20250805", 1, NULL },
		{ "anthropic", "claude-3-5-sonnet-latest", 1, NULL },
		{ "anthropic", "claude-3-haiku-20240307", 1, NULL },
		{ "anthropic", "claude-opus-4-6", 0, NULL },
		{ "anthropic", "claude-sonnet-4-6-20260101", 0, NULL },
		{ "anthropic", "claude-opus-5", 0, NULL },
		{ "anthropic", "claude-fable-5-1", 0, NULL },
		{ "openrouter", "anthropic/claude-sonnet-4-5", -1, NULL }, /* does it pass it on? */
		{ "openrouter", "anthropic/claude-opus-5", 0, NULL },
		{ "mistral", "mistral-small-latest", 1, "prefix" },
		{ "mistral", "whatever", 1, "prefix" },
		{ "vllm", "mistral-small-latest", -1, NULL },
		{ "moonshot", "kimi-k2.6", 1, "partial" },
		{ "groq", "moonshotai/kimi-k2-instruct-0905", -1, NULL },
		{ "deepseek", "deepseek-chat", -1, "prefix" }, /* not at this path */
		{ "gemini", "gemini-2.5-pro", -1, NULL },
		{ NULL, "gpt-oss-120b", -1, NULL },
		{ NULL, "llama3", -1, NULL },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct weir_model_facts f = facts(rows[i].vendor, rows[i].model);

		NOTE("%s", rows[i].model);
		CHECK_INT(f.prefill, rows[i].prefill);
		CHECK_STR(f.prefill_flag, rows[i].flag);
	}
}

TEST(deepseek_goes_on_at_its_beta_path)
{
	struct weir_model_facts f = weir_model_facts(
		WEIR_SLICE("deepseek-chat"), weir_vendor_find(WEIR_SLICE("deepseek")), "/beta");

	CHECK_INT(f.prefill, 1);
	CHECK_STR(f.prefill_flag, "prefix");
}

TEST(some_think)
{
	static const struct {
		const char *model;
		bool thinks;
	} rows[] = {
		{ "o1", true },
		{ "o3-mini", true },
		{ "o4-mini", true },
		{ "gpt-5", true },
		{ "gpt-5.3-new", true },
		{ "gpt-6-sol", true },
		{ "openai/o3", true },
		{ "gpt-oss-20b", true },
		{ "gpt-4o", false },
		{ "gpt-4.1", false },
		{ "gpt-5-chat", false },
		{ "gpt-5-chat-latest", false },
		{ "o", false },
		{ "o33", false },
		{ "olmo", false },
		{ "gpt-", false },
		{ "claude-opus-5", true },
		{ "deepseek-reasoner", true },
		{ "deepseek-chat", false },
		{ "llama3", false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		NOTE("%s", rows[i].model);
		CHECK_INT(facts(NULL, rows[i].model).thinks > WEIR_THINKS_OFF, rows[i].thinks);
	}
}

TEST(abilities)
{
	struct weir_model_facts f = facts("openai", "gpt-4o");

	CHECK_INT(f.can, WEIR_ABLE_IMAGES | WEIR_ABLE_TOOLS | WEIR_ABLE_SCHEMA | WEIR_ABLE_PDF);
	CHECK_INT(f.cannot, WEIR_ABLE_AUDIO);
	f = facts("groq", "llama-3.3-70b-versatile");
	CHECK_INT(f.can, WEIR_ABLE_TOOLS);
	CHECK_INT(f.cannot, WEIR_ABLE_IMAGES | WEIR_ABLE_SCHEMA | WEIR_ABLE_PDF);
	f = facts("openai", "text-embedding-3-small");
	CHECK_INT(f.can | f.cannot, 0);
}

TEST(what_a_model_refuses)
{
	static const struct {
		const char *vendor, *model, *refuses, *refuses_thinking, *max_tokens;
	} rows[] = {
		{ "openai", "gpt-4o", "reasoning_effort,verbosity", NULL, NULL },
		{ "openai", "o1-2024-12-17",
		  "temperature,top_p,presence_penalty,frequency_penalty,logprobs,top_logprobs,"
		  "logit_bias,verbosity,parallel_tool_calls",
		  NULL, "max_completion_tokens" },
		{ "azure", "gpt-5-mini",
		  "temperature,top_p,presence_penalty,frequency_penalty,logprobs,top_logprobs,"
		  "logit_bias,stop",
		  NULL, "max_completion_tokens" },
		{ "openai", "gpt-5.2", "presence_penalty,frequency_penalty,logit_bias,stop",
		  "temperature,top_p,logprobs,top_logprobs", "max_completion_tokens" },
		{ "anthropic", "claude-opus-4-7", "temperature,top_p,top_k", NULL, NULL },
		{ "anthropic", "claude-sonnet-4-5", "", "temperature,top_k", NULL },
		{ "mistral", "whatever", NULL, NULL, NULL },
		{ NULL, "llama3", NULL, NULL, NULL },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct weir_model_facts f = facts(rows[i].vendor, rows[i].model);

		NOTE("%s", rows[i].model);
		CHECK_STR(f.refuses, rows[i].refuses);
		CHECK_STR(f.refuses_thinking, rows[i].refuses_thinking);
		CHECK_STR(f.max_tokens, rows[i].max_tokens);
	}
	CHECK(weir_model_lists("stop,n", WEIR_SLICE("n")));
	CHECK(!weir_model_lists("stop,n", WEIR_SLICE("sto")));
	CHECK(!weir_model_lists("stop,n", WEIR_SLICE("")));
	CHECK(!weir_model_lists("", WEIR_SLICE("")));
	CHECK(!weir_model_lists(NULL, WEIR_SLICE("n")));
}

TEST(the_nearest_effort)
{
	static const struct {
		const char *model;
		enum weir_chat_effort wish, got;
	} rows[] = {
		{ "gpt-5", WEIR_EFFORT_NONE, WEIR_EFFORT_MINIMAL },
		{ "gpt-5", WEIR_EFFORT_MAX, WEIR_EFFORT_HIGH },
		{ "gpt-5.1", WEIR_EFFORT_NONE, WEIR_EFFORT_NONE },
		{ "gpt-5.1", WEIR_EFFORT_MINIMAL, WEIR_EFFORT_LOW },
		{ "gpt-5.2", WEIR_EFFORT_MAX, WEIR_EFFORT_XHIGH },
		{ "o3", WEIR_EFFORT_MINIMAL, WEIR_EFFORT_LOW },
		{ "o3", WEIR_EFFORT_MEDIUM, WEIR_EFFORT_MEDIUM },
		{ "claude-opus-4-6", WEIR_EFFORT_XHIGH, WEIR_EFFORT_MAX },
		{ "llama3", WEIR_EFFORT_XHIGH, WEIR_EFFORT_XHIGH },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct weir_model_facts f = facts(NULL, rows[i].model);

		NOTE("%s %s", rows[i].model, weir_chat_effort_name(rows[i].wish));
		CHECK_INT(weir_model_effort(&f, rows[i].wish), rows[i].got);
	}
}

TEST(a_name_fits_more_or_less_exactly)
{
	static const char *const names[] = {
		/* from far to near, for openrouter/x/gpt-4o-0806 */
		"openrouter/*",     "gpt-*",
		"openrouter/gpt-*", "gpt-4*0806",
		"gpt-4o",           "openrouter/gpt-4o",
		"X/gpt-4o-0806",    "openrouter/x/gpt-4o-0806",
	};
	static const char *const others[] = { "",
					      "/",
					      "openrouter/",
					      "gpt-4o-mini",
					      "gpt-5*",
					      "x/gpt-4o",
					      "openai/gpt-4o",
					      "gpt-*-chat*",
					      "Openrouter/*" };
	struct weir_slice provider = WEIR_SLICE("openrouter");
	struct weir_slice model = WEIR_SLICE("x/gpt-4o-0806");
	unsigned last = 0;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		unsigned fits = weir_model_fits(weir_slice_of(names[i]), provider, model);

		NOTE("%s", names[i]);
		CHECK(fits > last);
		last = fits;
	}
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		NOTE("%s", others[i]);
		CHECK_INT(weir_model_fits(weir_slice_of(others[i]), provider, model), 0);
	}
}

TEST_MAIN
