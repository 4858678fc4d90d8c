#include "app/import_vendors.h"

#include <stdio.h>

#include "config/url.h"

#define AWS    "it is asked with signed requests of AWS"
#define GOOGLE "it is asked with tokens of a Google service account"
#define OWN    "it has a language of its own"

/* Sources: the projects' own documentation. */
/* clang-format off */
static const struct weir_import_vendor litellm[] = {
	{ "openai",       "openai",      NULL, NULL, NULL, NULL },
	{ "text-completion-openai", "openai", NULL, NULL, NULL, NULL },
	{ "azure",        "azure",       NULL, "AZURE_API_KEY", NULL, NULL },
	{ "azure_text",   "azure",       NULL, "AZURE_API_KEY", NULL, NULL },
	{ "anthropic",    "anthropic",   NULL, NULL, NULL, NULL },
	{ "gemini",       "gemini",      NULL, NULL, NULL, NULL },
	{ "groq",         "groq",        NULL, NULL, NULL, NULL },
	{ "mistral",      "mistral",     NULL, NULL, NULL, NULL },
	{ "deepseek",     "deepseek",    NULL, NULL, NULL, NULL },
	{ "xai",          "xai",         NULL, NULL, NULL, NULL },
	{ "openrouter",   "openrouter",  NULL, NULL, NULL, NULL },
	{ "together_ai",  "together",    NULL, NULL, NULL, NULL },
	{ "fireworks_ai", "fireworks",   NULL, NULL, NULL, NULL },
	{ "cerebras",     "cerebras",    NULL, NULL, NULL, NULL },
	{ "perplexity",   "perplexity",  NULL, "PERPLEXITYAI_API_KEY", NULL, NULL },
	{ "cohere",       "cohere",      NULL, NULL, NULL, NULL },
	{ "cohere_chat",  "cohere",      NULL, NULL, NULL, NULL },
	{ "nvidia_nim",   "nvidia",      NULL, "NVIDIA_NIM_API_KEY", NULL, NULL },
	{ "github",       "github",      NULL, "GITHUB_API_KEY", NULL, NULL },
	{ "deepinfra",    "deepinfra",   NULL, NULL, NULL, NULL },
	{ "huggingface",  "huggingface", NULL, "HUGGINGFACE_API_KEY", NULL, NULL },
	{ "moonshot",     "moonshot",    NULL, NULL, NULL, NULL },
	{ "zai",          "zai",         NULL, NULL, NULL, NULL },
	{ "dashscope",    "dashscope",   NULL, NULL, NULL, NULL },
	{ "minimax",      "minimax",     NULL, NULL, NULL, NULL },
	{ "baseten",      "baseten",     NULL, NULL, NULL, NULL },
	{ "nebius",       "nebius",      NULL, NULL, NULL, NULL },
	{ "meta_llama",   "llama",       NULL, NULL, NULL, NULL },
	{ "vercel_ai_gateway", "vercel", NULL, "VERCEL_AI_GATEWAY_API_KEY", NULL, NULL },
	{ "ollama",       "ollama",      NULL, NULL, "/v1", NULL },
	{ "ollama_chat",  "ollama",      NULL, NULL, "/v1", NULL },
	{ "hosted_vllm",  "vllm",        NULL, NULL, NULL, NULL },
	{ "lm_studio",    "lmstudio",    NULL, NULL, NULL, NULL },
	{ "llamafile",    "llamacpp",    NULL, NULL, NULL, NULL },
	{ "sambanova",    NULL, "https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY", NULL, NULL },
	{ "volcengine",   NULL, "https://ark.cn-beijing.volces.com/api/v3", "VOLCENGINE_API_KEY",
	  NULL, NULL },
	{ "codestral",    NULL, "https://codestral.mistral.ai/v1", "CODESTRAL_API_KEY",
	  NULL, NULL },
	{ "friendliai",   NULL, "https://api.friendli.ai/serverless/v1", "FRIENDLI_TOKEN", NULL,
	  NULL },
	{ "nscale",       NULL, "https://inference.api.nscale.com/v1", "NSCALE_API_KEY",
	  NULL, NULL },
	{ "novita",       NULL, "https://api.novita.ai/v3/openai", "NOVITA_API_KEY", NULL, NULL },
	{ "featherless_ai", NULL, "https://api.featherless.ai/v1", "FEATHERLESS_AI_API_KEY", NULL,
	  NULL },
	{ "ai21_chat",    NULL, "https://api.ai21.com/studio/v1", "AI21_API_KEY", NULL, NULL },
	{ "openai_like",  NULL, NULL, "OPENAI_LIKE_API_KEY", NULL, NULL },
	{ "custom_openai", NULL, NULL, NULL, NULL, NULL },
	{ "litellm_proxy", NULL, NULL, "LITELLM_PROXY_API_KEY", NULL, NULL },
	{ "xinference",   NULL, NULL, NULL, NULL, NULL },
	{ "databricks",   NULL, NULL, "DATABRICKS_API_KEY", NULL, NULL },
	{ "bedrock",      NULL, NULL, NULL, NULL, AWS },
	{ "bedrock_converse", NULL, NULL, NULL, NULL, AWS },
	{ "sagemaker",    NULL, NULL, NULL, NULL, AWS },
	{ "sagemaker_chat", NULL, NULL, NULL, NULL, AWS },
	{ "vertex_ai",    NULL, NULL, NULL, NULL, GOOGLE },
	{ "vertex_ai_beta", NULL, NULL, NULL, NULL, GOOGLE },
	{ "azure_ai",     NULL, NULL, NULL, NULL, OWN },
	{ "cloudflare",   NULL, NULL, NULL, NULL, OWN },
	{ "watsonx",      NULL, NULL, NULL, NULL, OWN },
	{ "replicate",    NULL, NULL, NULL, NULL, OWN },
	{ "predibase",    NULL, NULL, NULL, NULL, OWN },
	{ "snowflake",    NULL, NULL, NULL, NULL, OWN },
	{ "triton",       NULL, NULL, NULL, NULL, OWN },
	{ "jina_ai",      NULL, NULL, NULL, NULL, OWN },
	{ "voyage",       NULL, NULL, NULL, NULL, OWN },
	{ "github_copilot", NULL, NULL, NULL, NULL, OWN },
	{ "oci",          NULL, NULL, NULL, NULL, OWN },
	{ NULL, NULL, NULL, NULL, NULL, NULL },
};

/* Longer names before those they begin with. */
static const struct weir_import_vendor portkey[] = {
	{ "azure-openai",  "azure",       NULL, NULL, NULL, NULL },
	{ "azure-ai",      NULL,          NULL, NULL, NULL, OWN },
	{ "azure",         "azure",       NULL, NULL, NULL, NULL },
	{ "openai",        "openai",      NULL, NULL, NULL, NULL },
	{ "open-ai",       "openai",      NULL, NULL, NULL, NULL },
	{ "anthropic",     "anthropic",   NULL, NULL, NULL, NULL },
	{ "vertex-ai",     NULL,          NULL, NULL, NULL, GOOGLE },
	{ "google",        "gemini",      NULL, NULL, NULL, NULL },
	{ "gemini",        "gemini",      NULL, NULL, NULL, NULL },
	{ "groq",          "groq",        NULL, NULL, NULL, NULL },
	{ "mistral-ai",    "mistral",     NULL, NULL, NULL, NULL },
	{ "mistral",       "mistral",     NULL, NULL, NULL, NULL },
	{ "deepseek",      "deepseek",    NULL, NULL, NULL, NULL },
	{ "x-ai",          "xai",         NULL, NULL, NULL, NULL },
	{ "openrouter",    "openrouter",  NULL, NULL, NULL, NULL },
	{ "together-ai",   "together",    NULL, NULL, NULL, NULL },
	{ "together",      "together",    NULL, NULL, NULL, NULL },
	{ "fireworks-ai",  "fireworks",   NULL, NULL, NULL, NULL },
	{ "fireworks",     "fireworks",   NULL, NULL, NULL, NULL },
	{ "cerebras",      "cerebras",    NULL, NULL, NULL, NULL },
	{ "perplexity-ai", "perplexity",  NULL, NULL, NULL, NULL },
	{ "perplexity",    "perplexity",  NULL, NULL, NULL, NULL },
	{ "cohere",        "cohere",      NULL, NULL, NULL, NULL },
	{ "github",        "github",      NULL, NULL, NULL, NULL },
	{ "deepinfra",     "deepinfra",   NULL, NULL, NULL, NULL },
	{ "huggingface",   "huggingface", NULL, NULL, NULL, NULL },
	{ "moonshot",      "moonshot",    NULL, NULL, NULL, NULL },
	{ "z-ai",          "zai",         NULL, NULL, NULL, NULL },
	{ "dashscope",     "dashscope",   NULL, NULL, NULL, NULL },
	{ "nebius",        "nebius",      NULL, NULL, NULL, NULL },
	{ "ollama",        "ollama",      NULL, NULL, "/v1", NULL },
	{ "sambanova",     NULL, "https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY", NULL, NULL },
	{ "novita-ai",     NULL, "https://api.novita.ai/v3/openai", "NOVITA_API_KEY", NULL, NULL },
	{ "nscale",        NULL, "https://inference.api.nscale.com/v1", "NSCALE_API_KEY",
	  NULL, NULL },
	{ "featherless-ai", NULL, "https://api.featherless.ai/v1", "FEATHERLESS_API_KEY",
	  NULL, NULL },
	{ "bedrock",       NULL, NULL, NULL, NULL, AWS },
	{ "sagemaker",     NULL, NULL, NULL, NULL, AWS },
	{ "workers-ai",    NULL, NULL, NULL, NULL, OWN },
	{ "cortex",        NULL, NULL, NULL, NULL, OWN },
	{ "replicate",     NULL, NULL, NULL, NULL, OWN },
	{ "stability-ai",  NULL, NULL, NULL, NULL, OWN },
	{ "predibase",     NULL, NULL, NULL, NULL, OWN },
	{ "triton",        NULL, NULL, NULL, NULL, OWN },
	{ NULL, NULL, NULL, NULL, NULL, NULL },
};
/* clang-format on */

static const struct weir_import_vendor *find(const struct weir_import_vendor *table,
					     struct weir_slice name)
{
	for (; table->name; table++)
		if (weir_slice_is(name, table->name))
			return table;
	return NULL;
}

const struct weir_import_vendor *weir_import_litellm_vendor(struct weir_slice name)
{
	return find(litellm, name);
}

const struct weir_import_vendor *weir_import_portkey_vendor(struct weir_slice name)
{
	return find(portkey, name);
}

const struct weir_import_vendor *weir_import_portkey_guess(struct weir_slice slug)
{
	for (const struct weir_import_vendor *v = portkey; v->name; v++) {
		size_t n = strlen(v->name);

		if (weir_slice_starts_nocase(slug, v->name) &&
		    (slug.len == n || slug.base[n] == '-' || slug.base[n] == '_'))
			return v;
	}
	return NULL;
}

const struct weir_vendor *weir_import_in_catalogue(const struct weir_import_vendor *vendor)
{
	return vendor->weir ? weir_vendor_find(weir_slice_of(vendor->weir)) : NULL;
}

/* Letters, digits and dashes of text in small letters; false when nothing is left. */
static bool make_name(struct weir_slice text, char name[WEIR_IMPORT_NAME_MAX])
{
	size_t len = 0;

	for (size_t i = 0; i < text.len && len + 1 < WEIR_IMPORT_NAME_MAX; i++) {
		char c = weir_lower(text.base[i]);

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			name[len++] = c;
		else if (len && name[len - 1] != '-')
			name[len++] = '-';
	}
	while (len && name[len - 1] == '-')
		len--;
	name[len] = '\0';
	return len > 0;
}

const char *weir_import_name(struct weir_import *im, struct weir_slice text, const char *otherwise)
{
	char name[WEIR_IMPORT_NAME_MAX];

	return make_name(text, name) ? weir_import_text(im, "%s", name) : otherwise;
}

/* VLLM_API_BASE is the address of "vllm". */
static struct weir_slice without_tail(struct weir_slice variable)
{
	static const char *const tails[] = { "_API_BASE_URL", "_API_BASE", "_BASE_URL", "_API_URL",
					     "_ENDPOINT",     "_BASE",     "_URL",      "_HOST" };

	for (size_t i = 0; i < WEIR_COUNT_OF(tails); i++) {
		size_t n = strlen(tails[i]);

		if (variable.len > n &&
		    weir_equal_nocase(variable.base + variable.len - n, tails[i], n))
			return weir_slice(variable.base, variable.len - n);
	}
	return variable;
}

/* The word that tells a host: its first label, unless that says nothing. */
static struct weir_slice telling_label(struct weir_slice host)
{
	static const char *const dull[] = { "api", "www", "llm", "inference", "gateway" };
	const char *dot = memchr(host.base, '.', host.len);
	struct weir_slice label = weir_slice(host.base, dot ? (size_t)(dot - host.base) : host.len);

	for (size_t i = 0; dot && i < WEIR_COUNT_OF(dull); i++)
		if (weir_slice_is_nocase(label, dull[i]))
			return telling_label(
				weir_slice(dot + 1, (size_t)(host.base + host.len - dot) - 1));
	return label;
}

const char *weir_import_host_name(struct weir_import *im, const struct weir_import_value *base,
				  const char *otherwise)
{
	struct weir_slice text = { NULL, 0 };
	struct weir_url url;

	if (base->from == WEIR_IMPORT_VARIABLE)
		text = without_tail(base->text);
	else if (base->from == WEIR_IMPORT_TEXT && !weir_url_parse(base->text, &url) && !url.v6 &&
		 (url.host.base[0] < '0' || url.host.base[0] > '9') &&
		 !weir_slice_is_nocase(url.host, "localhost"))
		text = telling_label(url.host);
	return weir_import_name(im, text, otherwise);
}

void weir_import_judge(struct weir_import *im, struct weir_import_provider *wish,
		       const struct weir_import_vendor *vendor, const struct weir_node *node)
{
	if (!vendor || !vendor->why)
		return;
	wish->why = "not supported";
	weir_import_warn(im, node, "unsupported-provider",
			 "weir cannot ask this provider: %s\nuse another one for this model, or a "
			 "server that speaks OpenAI's language in front of it",
			 vendor->why);
}

/* Is it the address that the vendor has in the catalogue? */
static bool is_own_address(const struct weir_vendor *vendor, const struct weir_import_value *base)
{
	return base->from == WEIR_IMPORT_TEXT && vendor->base_url &&
	       weir_slice_is_nocase(base->text, vendor->base_url);
}

static void add_tail(struct weir_import *im, struct weir_import_provider *wish, const char *tail)
{
	struct weir_slice text = wish->base.text;
	size_t n = strlen(tail);

	if (wish->base.from == WEIR_IMPORT_VARIABLE)
		wish->base_tail = tail;
	if (wish->base.from != WEIR_IMPORT_TEXT ||
	    (text.len >= n && memcmp(text.base + text.len - n, tail, n) == 0))
		return;
	wish->base.text = weir_slice_of(
		weir_import_text(im, "%.*s%s", (int)text.len, text.base, tail));
}

/* Here it is the model of a target. */
static void cut_deployment(struct weir_slice *base)
{
	static const char path[] = "/openai/deployments";
	const char *at = memmem(base->base, base->len, path, sizeof path - 1);

	if (at)
		base->len = (size_t)(at - base->base);
}

/* At an address that the source gives. */
static void place_at_base(struct weir_import *im, struct weir_import_provider *wish,
			  const struct weir_import_vendor *vendor, const struct weir_vendor *known)
{
	if (vendor->tail)
		add_tail(im, wish, vendor->tail);
	if (wish->base.from == WEIR_IMPORT_TEXT && strcmp(wish->dialect, "azure") == 0)
		cut_deployment(&wish->base.text);
	if (known && is_own_address(known, &wish->base))
		wish->vendor = known;
	/* "openai/…" at the address of Groq is Groq */
	for (const struct weir_vendor *v = weir_vendors(); !wish->vendor && v->name; v++)
		if (strcmp(v->dialect, wish->dialect) == 0 && is_own_address(v, &wish->base))
			wish->vendor = v;
	if (wish->vendor) {
		wish->hint = wish->vendor->name;
		wish->base = (struct weir_import_value){ .from = WEIR_IMPORT_NOTHING };
		return;
	}
	wish->hint = known && (known->local || !known->base_url) ? known->name : NULL;
	wish->hint = weir_import_host_name(im, &wish->base, wish->hint ? wish->hint : "server");
}

void weir_import_place(struct weir_import *im, struct weir_import_provider *wish,
		       const struct weir_import_vendor *vendor,
		       const struct weir_import_value *base, const struct weir_node *node)
{
	const struct weir_vendor *known = weir_import_in_catalogue(vendor);

	wish->dialect = known ? known->dialect : "openai";
	wish->base = *base;
	if (base->from != WEIR_IMPORT_NOTHING) {
		place_at_base(im, wish, vendor, known);
		return;
	}
	wish->hint = weir_import_name(im, weir_slice_of(vendor->name), "server");
	if (known) {
		wish->hint = known->name;
		if (known->base_url) {
			wish->vendor = known;
			return;
		}
	} else if (vendor->base_url) {
		wish->base.from = WEIR_IMPORT_TEXT;
		wish->base.text = weir_slice_of(vendor->base_url);
		return;
	}
	wish->base = (struct weir_import_value){
		.from = WEIR_IMPORT_ABSENT,
		.node = node,
		.rule = vendor->why ? NULL : "missing-address",
		.what = "its address is not in the file, and not the same for everybody",
	};
}
