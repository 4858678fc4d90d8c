#include "dialect/catalogue.h"

enum { LOCAL = 1 };

/* Sources: the vendors' own API references. */
/* clang-format off */
static const struct weir_vendor vendors[] = {
	/* In this order zero-config prefers them. */
	{ "openai",      "openai", "https://api.openai.com/v1", "OPENAI_API_KEY",
	  "gpt-,chatgpt-,o1,o3,o4,text-embedding-,davinci-,babbage-,codex-,ft:gpt-", 0 },
	{ "anthropic",   "anthropic", "https://api.anthropic.com", "ANTHROPIC_API_KEY",
	  "claude-", 0 },
	{ "gemini",      "gemini", "https://generativelanguage.googleapis.com", "GEMINI_API_KEY",
	  "gemini-,gemma-,learnlm-", 0 },
	{ "groq",        "openai", "https://api.groq.com/openai/v1", "GROQ_API_KEY", "", 0 },
	{ "mistral",     "openai", "https://api.mistral.ai/v1", "MISTRAL_API_KEY",
	  "mistral-,codestral-,ministral-,magistral-,pixtral-,devstral-,voxtral-,"
	  "open-mistral-,open-mixtral-,open-codestral-", 0 },
	{ "deepseek",    "openai", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY",
	  "deepseek-", 0 },
	{ "xai",         "openai", "https://api.x.ai/v1", "XAI_API_KEY", "grok-", 0 },
	{ "openrouter",  "openai", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", "", 0 },
	{ "together",    "openai", "https://api.together.xyz/v1", "TOGETHER_API_KEY", "", 0 },

	{ "fireworks",   "openai", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY",
	  "accounts/fireworks/", 0 },
	{ "cerebras",    "openai", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY", "", 0 },
	{ "perplexity",  "openai", "https://api.perplexity.ai", "PERPLEXITY_API_KEY", "sonar", 0 },
	{ "cohere",      "openai", "https://api.cohere.ai/compatibility/v1", "COHERE_API_KEY",
	  "command-,c4ai-,embed-english-,embed-multilingual-,embed-v4", 0 },
	{ "nvidia",      "openai", "https://integrate.api.nvidia.com/v1", "NVIDIA_API_KEY", "", 0 },
	{ "github",      "openai", "https://models.github.ai/inference", "GITHUB_TOKEN", "", 0 },
	{ "deepinfra",   "openai", "https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY",
	  "", 0 },
	{ "huggingface", "openai", "https://router.huggingface.co/v1", "HF_TOKEN", "", 0 },
	{ "moonshot",    "openai", "https://api.moonshot.ai/v1", "MOONSHOT_API_KEY",
	  "kimi-,moonshot-", 0 },
	{ "zai",         "openai", "https://api.z.ai/api/paas/v4", "ZAI_API_KEY", "glm-", 0 },
	{ "dashscope",   "openai", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
	  "DASHSCOPE_API_KEY", "qwen,qwq-", 0 },
	{ "minimax",     "openai", "https://api.minimax.io/v1", "MINIMAX_API_KEY", "minimax-", 0 },
	{ "baseten",     "openai", "https://inference.baseten.co/v1", "BASETEN_API_KEY", "", 0 },
	{ "nebius",      "openai", "https://api.tokenfactory.nebius.com/v1", "NEBIUS_API_KEY",
	  "", 0 },
	{ "llama",       "openai", "https://api.llama.com/compat/v1", "LLAMA_API_KEY", "", 0 },
	{ "vercel",      "openai", "https://ai-gateway.vercel.sh/v1", "AI_GATEWAY_API_KEY", "", 0 },

	/* Their addresses hold the customer's own account or resource. */
	{ "azure",       "azure",  NULL, "AZURE_OPENAI_API_KEY", "", 0 },
	{ "cloudflare",  "openai", NULL, "CLOUDFLARE_API_KEY", "", 0 },

	{ "ollama",      "openai", "http://127.0.0.1:11434/v1", NULL, "", LOCAL },
	{ "vllm",        "openai", "http://127.0.0.1:8000/v1",  NULL, "", LOCAL },
	{ "llamacpp",    "openai", "http://127.0.0.1:8080/v1",  NULL, "", LOCAL },
	{ "lmstudio",    "openai", "http://127.0.0.1:1234/v1",  NULL, "", LOCAL },
	{ "sglang",      "openai", "http://127.0.0.1:30000/v1", NULL, "", LOCAL },
	{ NULL, NULL, NULL, NULL, NULL, 0 },
};
/* clang-format on */

const struct weir_vendor *weir_vendors(void)
{
	return vendors;
}

const struct weir_vendor *weir_vendor_find(struct weir_slice name)
{
	for (const struct weir_vendor *v = vendors; v->name; v++)
		if (weir_slice_is(name, v->name))
			return v;
	return NULL;
}

const struct weir_vendor *weir_vendor_at(struct weir_slice host)
{
	for (const struct weir_vendor *v = vendors; v->name; v++) {
		const char *own = v->base_url && !v->local ? v->base_url + strlen("https://") : "";
		size_t len = strcspn(own, "/");

		if (len && len == host.len && weir_equal_nocase(own, host.base, len))
			return v;
	}
	return NULL;
}

/* Is one of the comma-separated prefixes the beginning of model? Case is ignored. */
static bool bears(struct weir_slice model, const char *prefixes)
{
	while (*prefixes) {
		size_t n = strcspn(prefixes, ",");

		if (model.len >= n && weir_equal_nocase(model.base, prefixes, n))
			return true;
		prefixes += n;
		prefixes += *prefixes == ',';
	}
	return false;
}

const struct weir_vendor *weir_vendor_of_model(struct weir_slice model)
{
	if (model.len == 0)
		return NULL;
	for (const struct weir_vendor *v = vendors; v->name; v++)
		if (bears(model, v->prefixes))
			return v;
	return NULL;
}
