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
		CHECK(!v->base_url || v->local == !v->key_var);
		CHECK(!v->base_url == !!v->form);
		/* No prefix of one may be the beginning of another's. */
		for (const char *p = v->prefixes; *p; p += strcspn(p, ","), p += *p == ',')
			CHECK(weir_vendor_of_model(weir_slice(p, strcspn(p, ","))) == v);
	}
	CHECK(!weir_vendor_find(WEIR_SLICE("nobody")));
	CHECK(!weir_vendor_find(WEIR_SLICE("")));
}

enum {
	NONE = 0,
	TEXT = WEIR_LACKS_TEXT,
	EMBED = WEIR_LACKS_EMBEDDINGS,
	RESP = WEIR_LACKS_RESPONSES,
	SYSTEM = 8, /* takes no role `developer` */
	LOADS = 16  /* a model when it is asked for */
};

#define AT_OPENAI "max_completion_tokens:max_tokens"

/* What the vendors' own pages say, row by row. */
static const struct fact {
	const char *name, *address, *keys; /* the address, or the form of one */
	int quirks;
	const char *rename, *strips; /* strips: one of them */
} facts[] = {
	{ "openai", "https://api.openai.com/v1", "OPENAI_API_KEY", NONE, NULL, NULL },
	{ "anthropic", "https://api.anthropic.com", "ANTHROPIC_API_KEY", SYSTEM, NULL, NULL },
	{ "gemini", "https://generativelanguage.googleapis.com", "GEMINI_API_KEY GOOGLE_API_KEY",
	  SYSTEM, NULL, NULL },
	{ "groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", TEXT | EMBED | SYSTEM, NULL,
	  "messages[].name" },
	{ "mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY", TEXT | RESP | SYSTEM,
	  "seed:random_seed," AT_OPENAI, "stream_options" },
	{ "deepseek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY",
	  TEXT | EMBED | RESP | SYSTEM, AT_OPENAI, NULL },
	{ "xai", "https://api.x.ai/v1", "XAI_API_KEY", SYSTEM, NULL, NULL },
	{ "openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", NONE, NULL, NULL },
	{ "together", "https://api.together.xyz/v1", "TOGETHER_API_KEY", RESP | SYSTEM, AT_OPENAI,
	  NULL },
	{ "fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY", SYSTEM, NULL,
	  NULL },
	{ "cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY", EMBED | RESP | SYSTEM, NULL,
	  "messages[].reasoning_content" },
	{ "perplexity", "https://api.perplexity.ai", "PERPLEXITY_API_KEY",
	  TEXT | EMBED | RESP | SYSTEM, AT_OPENAI, "stop" },
	{ "cohere", "https://api.cohere.ai/compatibility/v1", "COHERE_API_KEY CO_API_KEY",
	  TEXT | RESP, AT_OPENAI, "logit_bias" },
	{ "nvidia", "https://integrate.api.nvidia.com/v1", "NVIDIA_API_KEY", RESP | SYSTEM,
	  AT_OPENAI, NULL },
	{ "github", "https://models.github.ai/inference", "GITHUB_TOKEN", TEXT | RESP | SYSTEM,
	  NULL, NULL },
	{ "deepinfra", "https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY DEEPINFRA_TOKEN",
	  RESP | SYSTEM, AT_OPENAI, NULL },
	{ "huggingface", "https://router.huggingface.co/v1", "HF_TOKEN", TEXT | SYSTEM, NULL,
	  NULL },
	{ "moonshot", "https://api.moonshot.ai/v1", "MOONSHOT_API_KEY",
	  TEXT | EMBED | RESP | SYSTEM, AT_OPENAI, NULL },
	{ "zai", "https://api.z.ai/api/paas/v4", "ZAI_API_KEY ZHIPU_API_KEY", TEXT | RESP | SYSTEM,
	  AT_OPENAI, NULL },
	{ "dashscope", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
	  "DASHSCOPE_API_KEY", TEXT | RESP | SYSTEM, AT_OPENAI, NULL },
	{ "minimax", "https://api.minimax.io/v1", "MINIMAX_API_KEY", TEXT | EMBED | RESP | SYSTEM,
	  NULL, NULL },
	{ "baseten", "https://inference.baseten.co/v1", "BASETEN_API_KEY", EMBED | RESP | SYSTEM,
	  NULL, NULL },
	{ "nebius", "https://api.tokenfactory.nebius.com/v1", "NEBIUS_API_KEY", RESP | SYSTEM, NULL,
	  NULL },
	{ "llama", "https://api.llama.com/compat/v1", "LLAMA_API_KEY", TEXT | EMBED | RESP | SYSTEM,
	  NULL, NULL },
	{ "vercel", "https://ai-gateway.vercel.sh/v1", "AI_GATEWAY_API_KEY", TEXT, NULL, NULL },
	{ "gemini-openai", "https://generativelanguage.googleapis.com/v1beta/openai",
	  "GEMINI_API_KEY GOOGLE_API_KEY", TEXT | RESP | SYSTEM, NULL, "tools[].function.strict" },
	{ "azure", "https://RESOURCE.openai.azure.com/openai/v1",
	  "AZURE_OPENAI_API_KEY AZURE_API_KEY", NONE, NULL, NULL },
	{ "cloudflare", "https://api.cloudflare.com/client/v4/accounts/ACCOUNT/ai/v1",
	  "CLOUDFLARE_API_KEY CLOUDFLARE_API_TOKEN", TEXT | SYSTEM, NULL, NULL },
	{ "bedrock", "https://bedrock-mantle.REGION.api.aws/v1", "AWS_BEARER_TOKEN_BEDROCK",
	  TEXT | EMBED | SYSTEM, NULL, NULL },
	{ "vertex",
	  "https://LOCATION-aiplatform.googleapis.com/v1/projects/PROJECT/locations/LOCATION/"
	  "endpoints/openapi",
	  "", TEXT | EMBED | RESP | SYSTEM, NULL, "metadata" },
	{ "ollama", "http://127.0.0.1:11434/v1", "", SYSTEM | LOADS, AT_OPENAI, NULL },
	{ "vllm", "http://127.0.0.1:8000/v1", "", SYSTEM, NULL, NULL },
	{ "llamacpp", "http://127.0.0.1:8080/v1", "", RESP | SYSTEM, NULL, NULL },
	{ "lmstudio", "http://127.0.0.1:1234/v1", "", SYSTEM | LOADS, AT_OPENAI, NULL },
	{ "sglang", "http://127.0.0.1:30000/v1", "", SYSTEM, NULL, NULL },
};

static bool lists(const char *list, const char *word)
{
	for (size_t n; list && *list; list += n, list += *list == ',') {
		n = strcspn(list, ",");
		if (weir_slice_is(weir_slice(list, n), word))
			return true;
	}
	return false;
}

static void check_fact(const struct fact *f, const struct weir_vendor *v)
{
	int quirks = (int)v->lacks | (v->developer ? 0 : SYSTEM) | (v->patience_ms ? LOADS : 0);
	char keys[64];

	snprintf(keys, sizeof keys, "%s%s%s", v->key_var ? v->key_var : "",
		 v->other_key_var ? " " : "", v->other_key_var ? v->other_key_var : "");
	CHECK_STR(v->base_url ? v->base_url : v->form, f->address);
	CHECK_STR(keys, f->keys);
	CHECK_INT(quirks, f->quirks);
	CHECK_STR(v->rename, f->rename);
	CHECK(!v->strip == !f->strips);
	CHECK(!f->strips || lists(v->strip, f->strips));
}

TEST(every_vendor_is_as_its_own_pages_say)
{
	size_t n = 0;

	for (const struct fact *f = facts; f < facts + sizeof facts / sizeof *facts; f++) {
		const struct weir_vendor *v = weir_vendor_find(weir_slice_of(f->name));
		int before = test_failures;

		REQUIRE(v);
		check_fact(f, v);
		if (test_failures > before)
			NOTE("of %s", f->name);
	}
	while (weir_vendors()[n].name)
		n++;
	CHECK_INT(n, sizeof facts / sizeof *facts);
}

TEST(vendors_are_known_by_their_hosts)
{
	static const char *const cases[][3] = {
		{ "api.openai.com", "openai", "openai" },
		{ "API.Groq.com", "openai", "groq" },
		{ "api.anthropic.com", "anthropic", "anthropic" },
		{ "api.deepseek.com", "anthropic", "deepseek" },
		{ "generativelanguage.googleapis.com", "gemini", "gemini" },
		{ "generativelanguage.googleapis.com", "openai", "gemini-openai" },
		{ "contoso.openai.azure.com", "azure", "azure" },
		{ "Contoso.Cognitiveservices.Azure.com", "openai", "azure" },
		{ "contoso.services.ai.azure.com", "anthropic", "azure" },
		{ ".openai.azure.com", "azure", NULL },
		{ "bedrock-mantle.eu-west-1.api.aws", "openai", "bedrock" },
		{ "bedrock-runtime.us-east-1.amazonaws.com", "openai", "bedrock" },
		{ "s3.us-east-1.amazonaws.com", "openai", NULL },
		{ "aiplatform.googleapis.com", "openai", "vertex" },
		{ "europe-west1-aiplatform.googleapis.com", "openai", "vertex" },
		{ "aiplatform.eu.rep.googleapis.com", "openai", "vertex" },
		{ "api.cloudflare.com", "openai", "cloudflare" },
		{ "openai.com", "openai", NULL },
		{ "api.openai.com.example", "openai", NULL },
		{ "127.0.0.1", "openai", NULL },
		{ "", "openai", NULL },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct weir_vendor *v = weir_vendor_at(weir_slice_of(cases[i][0]),
							     cases[i][1]);

		CHECK_STR(v ? v->name : NULL, cases[i][2]);
	}
}

TEST_MAIN
