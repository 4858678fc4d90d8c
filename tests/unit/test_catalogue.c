#include "test.h"

#include "dialect/catalogue.h"
#include "dialect/dialect.h"

static const char *owner(const char *model)
{
	const struct weir_vendor *v = weir_vendor_of_model(weir_slice_of(model));

	return v ? v->name : "nobody";
}

TEST(models_belong_to_their_vendors)
{
	static const char *const cases[][2] = {
		{ "gpt-4o", "openai" },
		{ "gpt-4o-mini", "openai" },
		{ "chatgpt-4o-latest", "openai" },
		{ "o1", "openai" },
		{ "o3-mini", "openai" },
		{ "o4-mini", "openai" },
		{ "text-embedding-3-small", "openai" },
		{ "ft:gpt-4o-mini:me::1", "openai" },
		{ "claude-3-5-sonnet-latest", "anthropic" },
		{ "gemini-2.0-flash", "gemini" },
		{ "mistral-large-latest", "mistral" },
		{ "codestral-latest", "mistral" },
		{ "ministral-8b-latest", "mistral" },
		{ "magistral-medium-latest", "mistral" },
		{ "open-mistral-nemo", "mistral" },
		{ "deepseek-chat", "deepseek" },
		{ "grok-2-latest", "xai" },
		{ "sonar-pro", "perplexity" },
		{ "command-r-plus", "cohere" },
		{ "kimi-k2", "moonshot" },
		{ "glm-4.6", "zai" },
		{ "qwen-max", "dashscope" },
		{ "qwen3-max", "dashscope" },
		{ "MiniMax-M2", "minimax" },
		{ "accounts/fireworks/models/x", "fireworks" },
		{ "llama-3.3-70b-versatile", "nobody" },
		{ "o", "nobody" },
		{ "gpt", "nobody" },
		{ "my-gpt-4o", "nobody" },
		{ "", "nobody" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		CHECK_STR(owner(cases[i][0]), cases[i][1]);
}

TEST(zero_config_has_its_order)
{
	static const char *const order[][2] = {
		{ "openai", "OPENAI_API_KEY" },     { "anthropic", "ANTHROPIC_API_KEY" },
		{ "gemini", "GEMINI_API_KEY" },     { "groq", "GROQ_API_KEY" },
		{ "mistral", "MISTRAL_API_KEY" },   { "deepseek", "DEEPSEEK_API_KEY" },
		{ "xai", "XAI_API_KEY" },           { "openrouter", "OPENROUTER_API_KEY" },
		{ "together", "TOGETHER_API_KEY" },
	};
	const struct weir_vendor *v = weir_vendors();

	for (size_t i = 0; i < sizeof order / sizeof *order; i++, v++) {
		REQUIRE(v->name);
		CHECK_STR(v->name, order[i][0]);
		CHECK_STR(v->key_var, order[i][1]);
	}
}

TEST(rows_are_well_formed)
{
	for (const struct weir_vendor *v = weir_vendors(); v->name; v++) {
		NOTE("%s", v->name);
		CHECK(weir_vendor_find(weir_slice_of(v->name)) == v);
		CHECK(v->dialect && v->prefixes);
		if (v->base_url) {
			const char *scheme = v->local ? "http://127.0.0.1:" : "https://";
			size_t len = strlen(v->base_url);

			CHECK(strncmp(v->base_url, scheme, strlen(scheme)) == 0);
			CHECK(v->base_url[len - 1] != '/');
		}
		CHECK(v->local == !v->key_var);
		/* No prefix of one may be the beginning of another's. */
		for (const char *p = v->prefixes; *p; p += strcspn(p, ","), p += *p == ',')
			CHECK(weir_vendor_of_model(weir_slice(p, strcspn(p, ","))) == v);
	}
	CHECK(!weir_vendor_find(WEIR_SLICE("nobody")));
	CHECK(!weir_vendor_find(WEIR_SLICE("")));
}

TEST(vendors_are_known_by_their_hosts)
{
	static const char *const cases[][2] = {
		{ "api.openai.com", "openai" },
		{ "API.Groq.com", "groq" },
		{ "api.anthropic.com", "anthropic" },
		{ "openai.com", NULL },
		{ "api.openai.com.example", NULL },
		{ "127.0.0.1", NULL },
		{ "", NULL },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct weir_vendor *v = weir_vendor_at(weir_slice_of(cases[i][0]));

		CHECK_STR(v ? v->name : NULL, cases[i][1]);
	}
}

TEST_MAIN
