#include "dialect/catalogue.h"

enum {
	LOCAL = 1,
	NO_TEXT = WEIR_LACKS_TEXT,
	NO_EMBED = WEIR_LACKS_EMBEDDINGS,
	NO_RESP = WEIR_LACKS_RESPONSES,
	LOADS_MS = 100 * 1000 /* tens of gigabytes from a disk */
};

#define MAX_TOKENS "max_completion_tokens:max_tokens"
/* What Google's compatible servers answer "Unknown name" to. */
#define GOOGLE                                                               \
	"logit_bias,seed,user,store,metadata,service_tier,prompt_cache_key," \
	"tools[].function.strict"

/* Sources: the vendors' own API references. */
/* clang-format off */
static const struct weir_vendor vendors[] = {
	/* In this order zero-config prefers them. */
	{ "openai",      "openai", "https://api.openai.com/v1", "OPENAI_API_KEY",
	  "gpt-,chatgpt-,o1,o3,o4,text-embedding-,davinci-,babbage-,codex-,ft:gpt-",
	  .developer = true },
	{ "anthropic",   "anthropic", "https://api.anthropic.com", "ANTHROPIC_API_KEY",
	  "claude-" },
	{ "gemini",      "gemini", "https://generativelanguage.googleapis.com", "GEMINI_API_KEY",
	  "gemini-,gemma-,learnlm-", .other_key_var = "GOOGLE_API_KEY" },
	{ "groq",        "openai", "https://api.groq.com/openai/v1", "GROQ_API_KEY", "",
	  .lacks = NO_TEXT | NO_EMBED,
	  .strip = "logprobs,top_logprobs,logit_bias,messages[].name" },
	{ "mistral",     "openai", "https://api.mistral.ai/v1", "MISTRAL_API_KEY",
	  "mistral-,codestral-,ministral-,magistral-,pixtral-,devstral-,voxtral-,"
	  "open-mistral-,open-mixtral-,open-codestral-",
	  .lacks = NO_TEXT | NO_RESP,
	  .strip = "stream_options,user,logit_bias,store,logprobs,top_logprobs,service_tier,"
		   "prompt_cache_key,safety_identifier,verbosity,messages[].name",
	  .rename = "seed:random_seed," MAX_TOKENS },
	{ "deepseek",    "openai", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY",
	  "deepseek-", .lacks = NO_TEXT | NO_EMBED | NO_RESP, .rename = MAX_TOKENS },
	{ "xai",         "openai", "https://api.x.ai/v1", "XAI_API_KEY", "grok-" },
	{ "openrouter",  "openai", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", "",
	  .developer = true },
	{ "together",    "openai", "https://api.together.xyz/v1", "TOGETHER_API_KEY", "",
	  .lacks = NO_RESP, .rename = MAX_TOKENS },

	{ "fireworks",   "openai", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY",
	  "accounts/fireworks/" },
	{ "cerebras",    "openai", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY", "",
	  .lacks = NO_EMBED | NO_RESP,
	  .strip = "frequency_penalty,presence_penalty,logit_bias,service_tier,store,"
		   "messages[].reasoning_content" },
	{ "perplexity",  "openai", "https://api.perplexity.ai", "PERPLEXITY_API_KEY", "sonar",
	  .lacks = NO_TEXT | NO_EMBED | NO_RESP,
	  .strip = "stop,seed,logit_bias,logprobs,top_logprobs,parallel_tool_calls,user,store",
	  .rename = MAX_TOKENS },
	{ "cohere",      "openai", "https://api.cohere.ai/compatibility/v1", "COHERE_API_KEY",
	  "command-,c4ai-,embed-english-,embed-multilingual-,embed-v4",
	  .other_key_var = "CO_API_KEY", .lacks = NO_TEXT | NO_RESP, .developer = true,
	  .strip = "logit_bias,user,store,parallel_tool_calls", .rename = MAX_TOKENS },
	{ "nvidia",      "openai", "https://integrate.api.nvidia.com/v1", "NVIDIA_API_KEY", "",
	  .lacks = NO_RESP, .rename = MAX_TOKENS },
	{ "github",      "openai", "https://models.github.ai/inference", "GITHUB_TOKEN", "",
	  .lacks = NO_TEXT | NO_RESP },
	{ "deepinfra",   "openai", "https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY",
	  "", .other_key_var = "DEEPINFRA_TOKEN", .lacks = NO_RESP, .rename = MAX_TOKENS },
	{ "huggingface", "openai", "https://router.huggingface.co/v1", "HF_TOKEN", "",
	  .lacks = NO_TEXT },
	{ "moonshot",    "openai", "https://api.moonshot.ai/v1", "MOONSHOT_API_KEY",
	  "kimi-,moonshot-", .lacks = NO_TEXT | NO_EMBED | NO_RESP, .rename = MAX_TOKENS },
	{ "zai",         "openai", "https://api.z.ai/api/paas/v4", "ZAI_API_KEY", "glm-",
	  .other_key_var = "ZHIPU_API_KEY", .lacks = NO_TEXT | NO_RESP, .rename = MAX_TOKENS },
	{ "dashscope",   "openai", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
	  "DASHSCOPE_API_KEY", "qwen,qwq-", .lacks = NO_TEXT | NO_RESP, .rename = MAX_TOKENS },
	{ "minimax",     "openai", "https://api.minimax.io/v1", "MINIMAX_API_KEY", "minimax-",
	  .lacks = NO_TEXT | NO_EMBED | NO_RESP },
	{ "baseten",     "openai", "https://inference.baseten.co/v1", "BASETEN_API_KEY", "",
	  .lacks = NO_EMBED | NO_RESP },
	{ "nebius",      "openai", "https://api.tokenfactory.nebius.com/v1", "NEBIUS_API_KEY",
	  "", .lacks = NO_RESP },
	{ "llama",       "openai", "https://api.llama.com/compat/v1", "LLAMA_API_KEY", "",
	  .lacks = NO_TEXT | NO_EMBED | NO_RESP },
	{ "vercel",      "openai", "https://ai-gateway.vercel.sh/v1", "AI_GATEWAY_API_KEY", "",
	  .lacks = NO_TEXT, .developer = true },
	/* The same models by the words of OpenAI. */
	{ "gemini-openai", "openai", "https://generativelanguage.googleapis.com/v1beta/openai",
	  "GEMINI_API_KEY", "", .other_key_var = "GOOGLE_API_KEY", .lacks = NO_TEXT | NO_RESP,
	  .strip = GOOGLE },

	/* Their addresses hold the customer's own account, resource or region. */
	{ "azure",       "azure",  NULL, "AZURE_OPENAI_API_KEY", "",
	  .other_key_var = "AZURE_API_KEY", .base_var = "AZURE_OPENAI_ENDPOINT",
	  .developer = true,
	  .form = "https://RESOURCE.openai.azure.com/openai/v1",
	  .hosts = "*.openai.azure.com,*.cognitiveservices.azure.com,*.services.ai.azure.com" },
	{ "cloudflare",  "openai", NULL, "CLOUDFLARE_API_KEY", "", .lacks = NO_TEXT,
	  .other_key_var = "CLOUDFLARE_API_TOKEN",
	  .form = "https://api.cloudflare.com/client/v4/accounts/ACCOUNT/ai/v1",
	  .hosts = "api.cloudflare.com" },
	{ "bedrock",     "openai", NULL, "AWS_BEARER_TOKEN_BEDROCK", "",
	  .lacks = NO_TEXT | NO_EMBED,
	  .form = "https://bedrock-mantle.REGION.api.aws/v1",
	  .hosts = "bedrock-mantle.*.api.aws,bedrock-runtime.*.amazonaws.com" },
	{ "vertex",      "openai", NULL, NULL, "",
	  .lacks = NO_TEXT | NO_EMBED | NO_RESP, .strip = GOOGLE,
	  .form = "https://LOCATION-aiplatform.googleapis.com/v1/projects/PROJECT/locations/"
		  "LOCATION/endpoints/openapi",
	  .hosts = "aiplatform.googleapis.com,*-aiplatform.googleapis.com,"
		   "aiplatform.*.rep.googleapis.com" },

	{ "ollama",      "openai", "http://127.0.0.1:11434/v1", NULL, "", LOCAL,
	  .rename = MAX_TOKENS, .patience_ms = LOADS_MS },
	{ "vllm",        "openai", "http://127.0.0.1:8000/v1",  NULL, "", LOCAL },
	{ "llamacpp",    "openai", "http://127.0.0.1:8080/v1",  NULL, "", LOCAL,
	  .lacks = NO_RESP },
	{ "lmstudio",    "openai", "http://127.0.0.1:1234/v1",  NULL, "", LOCAL,
	  .rename = MAX_TOKENS, .patience_ms = LOADS_MS },
	{ "sglang",      "openai", "http://127.0.0.1:30000/v1", NULL, "", LOCAL },
	{ .name = NULL },
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

/* Is host that, where its one * stands for something? */
static bool is_like(struct weir_slice host, struct weir_slice pattern)
{
	const char *star = memchr(pattern.base, '*', pattern.len);
	size_t head = star ? (size_t)(star - pattern.base) : pattern.len;
	size_t tail = star ? pattern.len - head - 1 : 0;

	return (star ? host.len > head + tail : host.len == head) &&
	       weir_equal_nocase(host.base, pattern.base, head) &&
	       weir_equal_nocase(host.base + host.len - tail, pattern.base + pattern.len - tail,
				 tail);
}

static bool is_at(const struct weir_vendor *vendor, struct weir_slice host)
{
	const char *own = vendor->base_url && !vendor->local ? vendor->base_url + strlen("https://")
							     : "";
	size_t len = strcspn(own, "/");

	if (len && is_like(host, weir_slice(own, len)))
		return true;
	for (const char *p = vendor->hosts ? vendor->hosts : ""; *p; p += len, p += *p == ',') {
		len = strcspn(p, ",");
		if (is_like(host, weir_slice(p, len)))
			return true;
	}
	return false;
}

const struct weir_vendor *weir_vendor_at(struct weir_slice host, const char *dialect)
{
	const struct weir_vendor *first = NULL;

	for (const struct weir_vendor *v = vendors; v->name; v++) {
		if (!is_at(v, host))
			continue;
		if (strcmp(v->dialect, dialect) == 0)
			return v;
		first = first ? first : v;
	}
	return first;
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
