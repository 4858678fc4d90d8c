#include "dialect/models.h"

#include "base/attr.h"

enum {
	V = WEIR_ABLE_IMAGES,
	F = WEIR_ABLE_TOOLS,
	S = WEIR_ABLE_SCHEMA,
	ABILITIES = V | F | S,
	R = 8,              /* thinks */
	NONE = 0,           /* no number is known; of abilities, nothing at all */
	NO_PRICE = 0xffffff /* likewise */
};

struct row {
	const char *name;
	const char *vendor;
	uint32_t context, output; /* tokens */
	uint32_t in, out;         /* thousandths of a dollar for a million tokens */
	uint32_t cached;          /* in, from the vendor's cache; millionths */
	unsigned flags;
};

/* From the price lists of LiteLLM (July 2026) and genai-prices (September 2026), both MIT
 * licensed; short prompts, off-peak. Where those say that a number is a
 * guess, or where there is a fee beside it, it is left out. */
/* clang-format off */
static const struct row rows[] = {
	{ "gpt-6-astra", "openai", 1050000, NONE, 10000, 50000, 1000000, V | F | S | R },
	{ "gpt-6-sol", "openai", 1050000, NONE, 2000, 10000, 200000, V | F | S | R },
	{ "gpt-6-luna", "openai", 1050000, NONE, 100, 500, 10000, V | F | S | R },
	{ "gpt-5.6", "openai", 1050000, 128000, 5000, 30000, 500000, V | F | S | R },
	{ "gpt-5.6-sol", "openai", 1050000, 128000, 5000, 30000, 500000, V | F | S | R },
	{ "gpt-5.6-terra", "openai", 1050000, 128000, 2500, 15000, 250000, V | F | S | R },
	{ "gpt-5.6-luna", "openai", 1050000, 128000, 1000, 6000, 100000, V | F | S | R },
	{ "gpt-5.5", "openai", 1050000, 128000, 5000, 30000, 500000, V | F | S | R },
	{ "gpt-5.4", "openai", 1050000, 128000, 2500, 15000, 250000, V | F | S | R },
	{ "gpt-5.4-mini", "openai", 1050000, 128000, 750, 4500, 75000, V | F | S | R },
	{ "gpt-5.4-nano", "openai", 1050000, 128000, 200, 1250, 20000, V | F | S | R },
	{ "gpt-5.2", "openai", 272000, 128000, 1750, 14000, 175000, V | F | S | R },
	{ "gpt-5.1", "openai", 272000, 128000, 1250, 10000, 125000, V | F | S | R },
	{ "gpt-5", "openai", 272000, 128000, 1250, 10000, 125000, V | F | S | R },
	{ "gpt-5-mini", "openai", 272000, 128000, 250, 2000, 25000, V | F | S | R },
	{ "gpt-5-nano", "openai", 272000, 128000, 50, 400, 5000, V | F | S | R },
	{ "gpt-4.1", "openai", 1047576, 32768, 2000, 8000, 500000, V | F | S },
	{ "gpt-4.1-mini", "openai", 1047576, 32768, 400, 1600, 100000, V | F | S },
	{ "gpt-4.1-nano", "openai", 1047576, 32768, 100, 400, 25000, V | F | S },
	{ "gpt-4o", "openai", 128000, 16384, 2500, 10000, 1250000, V | F | S },
	{ "gpt-4o-mini", "openai", 128000, 16384, 150, 600, 75000, V | F | S },
	{ "o3", "openai", 200000, 100000, 2000, 8000, 500000, V | F | S | R },
	{ "o4-mini", "openai", 200000, 100000, 1100, 4400, 275000, V | F | S | R },
	{ "o3-mini", "openai", 200000, 100000, 1100, 4400, 550000, F | S | R },
	{ "text-embedding-3-small", "openai", 8191, NONE, 20, 0, NO_PRICE, NONE },
	{ "text-embedding-3-large", "openai", 8191, NONE, 130, 0, NO_PRICE, NONE },

	{ "claude-fable-5-1", "anthropic", 1000000, NONE, 10000, 50000, 250000, V | F | S | R },
	{ "claude-opus-5-5", "anthropic", 1000000, NONE, 4000, 20000, 200000, V | F | S | R },
	{ "claude-fable-5", "anthropic", 1000000, 128000, 10000, 50000, 1000000, V | F | S | R },
	{ "claude-opus-5", "anthropic", 1000000, 128000, 5000, 25000, 500000, V | F | S | R },
	{ "claude-opus-4-8", "anthropic", 1000000, 128000, 5000, 25000, 500000, V | F | S | R },
	{ "claude-opus-4-7", "anthropic", 1000000, 128000, 5000, 25000, 500000, V | F | S | R },
	{ "claude-opus-4-6", "anthropic", 1000000, 128000, 5000, 25000, 500000, V | F | S | R },
	{ "claude-opus-4-5", "anthropic", 200000, 64000, 5000, 25000, 500000, V | F | S | R },
	{ "claude-sonnet-5", "anthropic", 1000000, 128000, 2000, 10000, 200000, V | F | S | R },
	{ "claude-sonnet-4-6", "anthropic", 1000000, 64000, 3000, 15000, 300000, V | F | S | R },
	{ "claude-sonnet-4-5", "anthropic", 200000, 64000, 3000, 15000, 300000, V | F | S | R },
	{ "claude-haiku-4-5", "anthropic", 200000, 64000, 1000, 5000, 100000, V | F | S | R },

	{ "gemini-3.8-flash", "gemini", 1000000, NONE, 750, 3750, 75000, V | F | S | R },
	{ "gemini-3.7-flash", "gemini", 1000000, NONE, 750, 3750, 75000, V | F | S | R },
	{ "gemini-3.6-flash", "gemini", 1048576, 65536, 1500, 7500, 150000, V | F | S | R },
	{ "gemini-3.5-flash", "gemini", 1048576, 65535, 1500, 9000, 150000, V | F | S | R },
	{ "gemini-3.5-flash-lite", "gemini", 1048576, 65536, 300, 2500, 30000, V | F | S | R },
	{ "gemini-3.1-pro-preview", "gemini", 1048576, 65536, 2000, 12000, 200000, V | F | S | R },
	{ "gemini-3-flash-preview", "gemini", 1048576, 65535, 500, 3000, 50000, V | F | S | R },
	{ "gemini-3.1-flash-lite", "gemini", 1048576, 65536, 250, 1500, 25000, V | F | S | R },
	{ "gemini-2.5-pro", "gemini", 1048576, 65535, 1250, 10000, 125000, V | F | S | R },
	{ "gemini-2.5-flash", "gemini", 1048576, 65535, 300, 2500, 30000, V | F | S | R },
	{ "gemini-2.5-flash-lite", "gemini", 1048576, 65535, 100, 400, 10000, V | F | S | R },
	{ "gemini-embedding-001", "gemini", 2048, NONE, 150, 0, NO_PRICE, NONE },

	{ "grok-4.6", "xai", 500000, NONE, 2000, 6000, 500000, V | F | S | R },
	{ "grok-4.5", "xai", 500000, NONE, 2000, 6000, 500000, V | F | S | R },
	{ "grok-4.3", "xai", 1000000, NONE, 1250, 2500, 200000, V | F | S | R },

	{ "deepseek-v4-pro", "deepseek", 1000000, NONE, 660, 1980, NO_PRICE, F | S },
	{ "deepseek-v4-flash", "deepseek", 1000000, NONE, 220, 660, NO_PRICE, F | S },
	{ "deepseek-chat", "deepseek", 131072, 8192, 280, 420, 28000, F | S },
	{ "deepseek-reasoner", "deepseek", 131072, 65536, 280, 420, 28000, S | R },

	{ "mistral-large-2512", "mistral", 262144, 262144, 500, 1500, NO_PRICE, V | F | S },
	{ "mistral-medium-3-5", "mistral", 262144, 262144, 1500, 7500, NO_PRICE, V | F | S | R },
	{ "mistral-small-latest", "mistral", 131072, 131072, 60, 180, NO_PRICE, V | F | S },
	{ "codestral-2508", "mistral", 256000, 256000, 300, 900, NO_PRICE, F | S },
	{ "devstral-2512", "mistral", 256000, 256000, 400, 2000, NO_PRICE, F | S },
	{ "ministral-3-8b-2512", "mistral", 262144, 262144, 150, 150, NO_PRICE, V | F | S },

	{ "llama-3.3-70b-versatile", "groq", 128000, 32768, 590, 790, NO_PRICE, F },
	{ "llama-3.1-8b-instant", "groq", 128000, 8192, 50, 80, NO_PRICE, F },
	{ "gpt-oss-120b", "groq", 131072, 32766, 150, 600, 75000, F | S | R },
	{ "gpt-oss-20b", "groq", 131072, 32768, 75, 300, 37500, F | S | R },
	{ "kimi-k2-instruct-0905", "groq", 262144, 16384, 1000, 3000, 500000, F | S },
	{ "gpt-oss-120b", "cerebras", 131072, 32768, 350, 750, NO_PRICE, F | S | R },
	{ "zai-glm-4.7", "cerebras", 128000, 128000, 2250, 2750, NO_PRICE, F | R },
	{ "command-a-03-2025", "cohere", 256000, 8000, 2500, 10000, NO_PRICE, F },
	{ "sonar", "perplexity", 128000, NONE, NO_PRICE, NO_PRICE, NO_PRICE, NONE },
	{ "sonar-pro", "perplexity", 200000, 8000, NO_PRICE, NO_PRICE, NO_PRICE, NONE },
	{ "kimi-k2.6", "moonshot", 262144, 262144, 950, 4000, 160000, V | F | S | R },
	{ "glm-5p2", "fireworks", 1048576, 131072, 1400, 4400, 140000, F | S | R },
	{ "glm-5", "zai", 200000, 128000, 1000, 3200, 200000, F | R },
	{ "glm-4.7", "zai", 200000, 128000, 600, 2200, 110000, F | R },
};
/* clang-format on */

/* Whose models nobody else makes: they are the same wherever they are sold. */
static const char *const only_makers[] = { "openai", "anthropic", "gemini", "xai" };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "latest", "20250929", "2024-08-06", "0905", "03-2025". */
static bool is_date(struct weir_slice text)
{
	size_t digits = 0;

	if (weir_slice_is_nocase(text, "latest"))
		return true;
	for (size_t i = 0; i < text.len; i++) {
		bool dash = text.base[i] == '-' && i && i + 1 < text.len && text.base[i - 1] != '-';

		if (!is_digit(text.base[i]) && !dash)
			return false;
		digits += is_digit(text.base[i]);
	}
	return digits == 4 || digits == 6 || digits == 8;
}

static struct weir_slice last_component(struct weir_slice model)
{
	const char *slash = model.len ? memrchr(model.base, '/', model.len) : NULL;
	size_t before = slash ? (size_t)(slash - model.base) + 1 : 0;

	return weir_slice(model.base + before, model.len - before);
}

bool weir_model_is(struct weir_slice model, struct weir_slice name)
{
	struct weir_slice own = last_component(model);

	if (name.len == 0 || own.len < name.len ||
	    !weir_equal_nocase(own.base, name.base, name.len))
		return false;
	return own.len == name.len ||
	       (own.base[name.len] == '-' &&
		is_date(weir_slice(own.base + name.len + 1, own.len - name.len - 1)));
}

static bool is_vendor(const struct weir_vendor *vendor, const char *name)
{
	return vendor && strcmp(vendor->name, name) == 0;
}

/* The longest name; of equal ones, the vendor's own. */
static const struct row *find(struct weir_slice model, const struct weir_vendor *vendor)
{
	const struct row *best = NULL;

	for (const struct row *row = rows; row < rows + WEIR_COUNT_OF(rows); row++) {
		size_t len = strlen(row->name), longest = best ? strlen(best->name) : 0;

		if (len < longest || !weir_model_is(model, weir_slice_of(row->name)))
			continue;
		if (len > longest || is_vendor(vendor, row->vendor))
			best = row;
	}
	return best;
}

static uint64_t nano(uint32_t mills)
{
	return mills == NO_PRICE ? WEIR_PRICE_UNKNOWN : (uint64_t)mills * 1000000;
}

static bool holds_at(const struct row *row, const struct weir_vendor *vendor)
{
	for (size_t i = 0; i < WEIR_COUNT_OF(only_makers); i++)
		if (strcmp(row->vendor, only_makers[i]) == 0)
			return true;
	return is_vendor(vendor, row->vendor);
}

static bool starts_with(struct weir_slice name, const char *prefix)
{
	return weir_slice_starts_nocase(name, prefix);
}

/* "o3", "o4-mini" */
static bool is_o_series(struct weir_slice name)
{
	return name.len >= 2 && weir_lower(name.base[0]) == 'o' && name.base[1] >= '1' &&
	       name.base[1] <= '9' && (name.len == 2 || name.base[2] == '-');
}

/* "gpt-5" and later ones, but for those that only chat. */
static bool is_thinking_gpt(struct weir_slice name)
{
	return starts_with(name, "gpt-") && name.len > 4 && name.base[4] >= '5' &&
	       name.base[4] <= '9' && !weir_slice_has_nocase(name, "-chat");
}

static bool is_gpt(struct weir_slice name)
{
	return is_o_series(name) || starts_with(name, "chatgpt-") ||
	       (starts_with(name, "gpt-") && name.len > 4 && is_digit(name.base[4]));
}

/* From 4.6 on they refuse to go on from a text begun. */
static bool is_older_claude(struct weir_slice name)
{
	static const char *const old[] = { "claude-sonnet-4",   "claude-opus-4",
					   "claude-sonnet-4-0", "claude-opus-4-0",
					   "claude-opus-4-1",   "claude-sonnet-4-5",
					   "claude-opus-4-5",   "claude-haiku-4-5" };

	for (size_t i = 0; i < WEIR_COUNT_OF(old); i++)
		if (weir_model_is(name, weir_slice_of(old[i])))
			return true;
	return starts_with(name, "claude-2") || starts_with(name, "claude-3-") ||
	       starts_with(name, "claude-3.");
}

/* At these every model goes on from a message that carries a flag. */
static const char *flag_of(const struct weir_vendor *vendor)
{
	if (is_vendor(vendor, "mistral") || is_vendor(vendor, "deepseek"))
		return "prefix";
	return is_vendor(vendor, "moonshot") ? "partial" : NULL;
}

static int prefill_of(struct weir_slice name, const struct weir_vendor *vendor,
		      const char *base_path)
{
	if (is_vendor(vendor, "deepseek")) /* api-docs.deepseek.com: of its beta API only */
		return strcmp(base_path, "/beta") == 0 ? 1 : -1;
	if (flag_of(vendor))
		return 1;
	if (is_gpt(name))
		return 0; /* it answers anew */
	if (!starts_with(name, "claude-"))
		return -1;
	if (!is_older_claude(name))
		return 0;
	return is_vendor(vendor, "anthropic") ? 1 : -1;
}

struct weir_model_facts weir_model_facts(struct weir_slice model, const struct weir_vendor *vendor,
					 const char *base_path)
{
	const struct row *row = find(model, vendor);
	struct weir_slice name = last_component(model);
	struct weir_model_facts facts = {
		.price_in = WEIR_PRICE_UNKNOWN,
		.price_out = WEIR_PRICE_UNKNOWN,
		.price_cached = WEIR_PRICE_UNKNOWN,
		.prefill = prefill_of(name, vendor, base_path),
		.prefill_flag = flag_of(vendor),
		.thinks = is_o_series(name) || is_thinking_gpt(name) || (row && row->flags & R),
	};

	if (!row || !holds_at(row, vendor))
		return facts;
	facts.context_tokens = row->context;
	facts.output_tokens = row->output;
	facts.price_in = nano(row->in);
	facts.price_out = nano(row->out);
	facts.price_cached = row->cached == NO_PRICE ? WEIR_PRICE_UNKNOWN
						     : (uint64_t)row->cached * 1000;
	facts.can = row->flags & ABILITIES;
	facts.cannot = row->flags ? ~row->flags & ABILITIES : 0;
	return facts;
}

uint64_t weir_model_price(const struct weir_model_facts *facts)
{
	if (facts->price_in == WEIR_PRICE_UNKNOWN || facts->price_out == WEIR_PRICE_UNKNOWN)
		return WEIR_PRICE_UNKNOWN;
	return facts->price_in + facts->price_out;
}
