/* What is known of models by their names: how much they take, what they cost, what they can
 * do. Most of it is unknown for most models, and that is fine. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "dialect/catalogue.h"

#define WEIR_PRICE_UNKNOWN UINT64_MAX

/* A bit each. */
enum weir_ability {
	WEIR_ABLE_IMAGES = 1,
	WEIR_ABLE_TOOLS = 2,
	WEIR_ABLE_SCHEMA = 4 /* answers in the shape of a JSON schema */
};

struct weir_model_facts {
	uint64_t context_tokens, output_tokens; /* 0: not known */
	/* Nano-dollars for a million tokens, or WEIR_PRICE_UNKNOWN; cached: of those in that the
	 * vendor had kept. */
	uint64_t price_in, price_out, price_cached;
	unsigned can, cannot; /* enum weir_ability; in neither: not known */
	/* Goes on from an assistant's message that is not complete: 1 yes, 0 no, -1 not known,
	 * to be treated as no. */
	int prefill;
	/* The field of that message which asks for it, "prefix" or "partial"; NULL: none. */
	const char *prefill_flag;
	bool thinks; /* a reasoning model */
};

/* Of a model at a vendor, whose API is at base_path; vendor NULL: somebody unknown. What only
 * that vendor's own offer of the model has (the window, the price) is not known of the same
 * model elsewhere, unless nobody else makes it. */
struct weir_model_facts weir_model_facts(struct weir_slice model, const struct weir_vendor *vendor,
					 const char *base_path);

/* Is model that name: itself, behind a path, or dated ("gpt-4o" is openai/GPT-4o-2024-08-06,
 * and gpt-4o-latest)? */
bool weir_model_is(struct weir_slice model, struct weir_slice name);

/* Price of a million tokens in and as many out, in nano-dollars; WEIR_PRICE_UNKNOWN. */
uint64_t weir_model_price(const struct weir_model_facts *facts);
