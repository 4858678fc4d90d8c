#include "dialect/models.h"

#include <stddef.h>

#include "base/attr.h"

static const struct weir_model_row rows[] = {
#include "dialect/models.inc"
};

/* How exactly a name fits: kinds of names from far to near, and of a kind the longer one. */
enum {
	FITS_PATTERN = 1 << 12,
	FITS_ALIKE = 2 << 12,
	FITS_MODEL = 3 << 12,
	FITS_TARGET = 4 << 12,
	NAME_LONGEST = 1024
};

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

/* On a mismatch the last star takes one byte more. */
static bool matches(struct weir_slice text, struct weir_slice pattern)
{
	size_t t = 0, p = 0, star = SIZE_MAX, resume = 0;

	while (t < text.len) {
		if (p < pattern.len && pattern.base[p] == '*') {
			star = p++;
			resume = t;
		} else if (p < pattern.len &&
			   weir_lower(pattern.base[p]) == weir_lower(text.base[t])) {
			p++;
			t++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			t = ++resume;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.base[p] == '*')
		p++;
	return p == pattern.len;
}

static unsigned letters_of(struct weir_slice name)
{
	unsigned n = 0;

	for (size_t i = 0; i < name.len; i++)
		n += name.base[i] != '*';
	return n < NAME_LONGEST ? n : NAME_LONGEST;
}

/* Of the model alone; own: the name says at whom. */
static unsigned fits_model(struct weir_slice name, struct weir_slice model, bool own)
{
	unsigned exactly = 2 * letters_of(name) + own;

	if (memchr(name.base, '*', name.len))
		return matches(last_component(model), name) ? FITS_PATTERN + exactly : 0;
	return weir_model_is(model, name) ? FITS_ALIKE + exactly : 0;
}

unsigned weir_model_fits(struct weir_slice name, struct weir_slice provider,
			 struct weir_slice model)
{
	const char *slash = name.len ? memchr(name.base, '/', name.len) : NULL;
	size_t before = slash ? (size_t)(slash - name.base) : 0;
	struct weir_slice rest = weir_slice(name.base + before + 1, name.len - before - 1);
	bool whole = name.len == model.len && weir_equal_nocase(name.base, model.base, name.len);

	if (name.len == 0)
		return 0;
	if (slash && weir_slice_eq(weir_slice(name.base, before), provider) && rest.len) {
		if (weir_slice_eq(rest, model))
			return FITS_TARGET;
		return whole ? FITS_MODEL : fits_model(rest, model, true);
	}
	if (whole)
		return FITS_MODEL;
	return slash ? 0 : fits_model(name, model, false);
}

/* A row of a vendor's own speaks of nobody else's model, whatever that is called. */
static unsigned fits_row(const struct weir_model_row *row, struct weir_slice vendor,
			 struct weir_slice model)
{
	const char *slash = strchr(row->name, '/');

	if (slash && !weir_slice_eq(weir_slice(row->name, (size_t)(slash - row->name)), vendor))
		return 0;
	return weir_model_fits(weir_slice_of(row->name), vendor, model);
}

#define MEMBER(name) \
	{ offsetof(struct weir_model_facts, name), sizeof((struct weir_model_facts){ 0 }.name) }

void weir_model_lay(struct weir_model_facts *facts, const struct weir_model_row *row)
{
	static const struct {
		size_t at, size;
	} members[WEIR_MODEL_KEYS_N] = {
		[WEIR_MODEL_CONTEXT] = MEMBER(context_tokens),
		[WEIR_MODEL_OUTPUT] = MEMBER(output_tokens),
		[WEIR_MODEL_INPUT_PRICE] = MEMBER(price_in),
		[WEIR_MODEL_OUTPUT_PRICE] = MEMBER(price_out),
		[WEIR_MODEL_CACHED_PRICE] = MEMBER(price_cached),
		[WEIR_MODEL_PREFILL] = MEMBER(prefill),
		[WEIR_MODEL_PREFILL_FLAG] = MEMBER(prefill_flag),
		[WEIR_MODEL_PREFILL_PATH] = MEMBER(prefill_path),
		[WEIR_MODEL_THINKS] = MEMBER(thinks),
		[WEIR_MODEL_THINKS_LONG] = MEMBER(thinks_long),
		[WEIR_MODEL_THINKS_WITH_TOOLS] = MEMBER(no_thinking_with_tools),
		[WEIR_MODEL_THINKING_BUDGET] = MEMBER(thinking_budget),
		[WEIR_MODEL_EFFORT] = MEMBER(efforts),
		[WEIR_MODEL_MAX_TOKENS] = MEMBER(max_tokens),
		[WEIR_MODEL_REFUSES] = MEMBER(refuses),
		[WEIR_MODEL_REFUSES_THINKING] = MEMBER(refuses_thinking),
		[WEIR_MODEL_ONE_OF] = MEMBER(one_of),
	};

	if (row->said >> WEIR_MODEL_INPUT_PRICE & 1) /* the other one's goes with it */
		facts->price_cached = WEIR_PRICE_UNKNOWN;
	for (unsigned key = 0; key < WEIR_MODEL_KEYS_N; key++)
		if (row->said >> key & 1)
			memcpy((char *)facts + members[key].at,
			       (const char *)&row->facts + members[key].at, members[key].size);
	facts->can = (facts->can & ~row->facts.cannot) | row->facts.can;
	facts->cannot = (facts->cannot & ~row->facts.can) | row->facts.cannot;
}

struct weir_model_facts weir_model_facts(struct weir_slice model, const struct weir_vendor *vendor,
					 const char *base_path)
{
	struct weir_slice provider = vendor ? weir_slice_of(vendor->name) : WEIR_SLICE("");
	struct weir_model_facts facts = {
		.price_in = WEIR_PRICE_UNKNOWN,
		.price_out = WEIR_PRICE_UNKNOWN,
		.price_cached = WEIR_PRICE_UNKNOWN,
		.prefill = -1,
	};
	uint64_t laid = 0;

	for (;;) { /* the next nearer one; as near, the next in the table */
		const struct weir_model_row *next = NULL;
		uint64_t nearest = UINT64_MAX;

		for (uint64_t i = 0; i < WEIR_COUNT_OF(rows); i++) {
			uint64_t fits = fits_row(&rows[i], provider, model);
			uint64_t order = fits << 32 | i;

			if (fits == 0 || order <= laid || order >= nearest)
				continue;
			nearest = order;
			next = &rows[i];
		}
		if (!next)
			break;
		weir_model_lay(&facts, next);
		laid = nearest;
	}
	if (facts.prefill_path && strcmp(facts.prefill_path, base_path) != 0)
		facts.prefill = -1;
	return facts;
}

static const struct weir_vendor *vendor_in(struct weir_slice *name)
{
	const char *slash = name->len ? memchr(name->base, '/', name->len) : NULL;
	size_t before = slash ? (size_t)(slash - name->base) : 0;
	const struct weir_vendor *vendor = weir_vendor_find(weir_slice(name->base, before));

	if (vendor)
		*name = weir_slice(slash + 1, name->len - before - 1);
	return vendor;
}

struct weir_model_facts weir_model_facts_like(struct weir_slice name)
{
	const struct weir_vendor *vendor = vendor_in(&name);

	return weir_model_facts(name, vendor, "");
}

bool weir_model_known(struct weir_slice name)
{
	const struct weir_vendor *vendor = vendor_in(&name);
	struct weir_slice provider = vendor ? weir_slice_of(vendor->name) : WEIR_SLICE("");

	for (size_t i = 0; i < WEIR_COUNT_OF(rows); i++)
		if (fits_row(&rows[i], provider, name))
			return true;
	return false;
}

bool weir_model_lists(const char *list, struct weir_slice name)
{
	while (list && *list) {
		size_t n = strcspn(list, ",");

		if (n == name.len && memcmp(list, name.base, n) == 0)
			return true;
		list += n;
		list += *list == ',';
	}
	return false;
}

static unsigned distance(enum weir_chat_effort a, enum weir_chat_effort b)
{
	return a < b ? b - a : a - b;
}

enum weir_chat_effort weir_model_effort(const struct weir_model_facts *facts,
					enum weir_chat_effort wish)
{
	enum weir_chat_effort best = WEIR_EFFORT_NONE_GIVEN;

	if (!facts->efforts || facts->efforts >> wish & 1)
		return wish;
	for (enum weir_chat_effort e = WEIR_EFFORT_MINIMAL; e <= WEIR_EFFORT_MAX; e++)
		if (facts->efforts >> e & 1 && (!best || distance(e, wish) <= distance(best, wish)))
			best = e;
	return best ? best : WEIR_EFFORT_NONE;
}

uint64_t weir_model_price(const struct weir_model_facts *facts)
{
	if (facts->price_in == WEIR_PRICE_UNKNOWN || facts->price_out == WEIR_PRICE_UNKNOWN)
		return WEIR_PRICE_UNKNOWN;
	return facts->price_in + facts->price_out;
}
