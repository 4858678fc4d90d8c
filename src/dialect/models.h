/* What is known of models by their names: how much they take, what they cost, what they can
 * do, and what they refuse. Most of it is unknown for most models, and that is fine. The table
 * is data/models.yaml; docs/models.md says what its keys mean. */
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
	WEIR_ABLE_SCHEMA = 4, /* answers in the shape of a JSON schema */
	WEIR_ABLE_PDF = 8,
	WEIR_ABLE_AUDIO = 16,
	WEIR_ABLE_SYSTEM_TURNS = 32, /* instructions in mid-conversation, as such */
	WEIR_ABLE_IMAGE_URLS = 64    /* fetches those that are elsewhere */
};

enum weir_thinks {
	WEIR_THINKS_UNKNOWN,
	WEIR_THINKS_OFF,
	WEIR_THINKS_ASKED, /* only when asked to */
	WEIR_THINKS_ON,    /* unless told not to */
	WEIR_THINKS_ALWAYS
};

/* Ascending. */
enum weir_chat_effort {
	WEIR_EFFORT_NONE_GIVEN,
	WEIR_EFFORT_NONE,
	WEIR_EFFORT_MINIMAL,
	WEIR_EFFORT_LOW,
	WEIR_EFFORT_MEDIUM,
	WEIR_EFFORT_HIGH,
	WEIR_EFFORT_XHIGH,
	WEIR_EFFORT_MAX
};

/* Lists are names joined by commas, or NULL. */
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
	const char *prefill_path; /* only at this base path; NULL: everywhere */
	enum weir_thinks thinks;
	bool thinks_long;            /* before its first token */
	bool no_thinking_with_tools; /* one of both is refused */
	bool thinking_budget;        /* is asked to think by a number of tokens, not by effort */
	unsigned efforts;       /* those it accepts, 1 << enum weir_chat_effort; 0: not known */
	const char *max_tokens; /* the only name it knows of that field; NULL: not known */
	const char *refuses, *refuses_thinking; /* fields; while it thinks */
	const char *one_of;                     /* fields of which it takes only one */
};

/* What a row of the table says: a bit each. Of abilities the facts say it themselves. */
enum weir_model_key {
	WEIR_MODEL_CONTEXT,
	WEIR_MODEL_OUTPUT,
	WEIR_MODEL_INPUT_PRICE,
	WEIR_MODEL_OUTPUT_PRICE,
	WEIR_MODEL_CACHED_PRICE,
	WEIR_MODEL_PREFILL,
	WEIR_MODEL_PREFILL_FLAG,
	WEIR_MODEL_PREFILL_PATH,
	WEIR_MODEL_THINKS,
	WEIR_MODEL_THINKS_LONG,
	WEIR_MODEL_THINKS_WITH_TOOLS,
	WEIR_MODEL_THINKING_BUDGET,
	WEIR_MODEL_EFFORT,
	WEIR_MODEL_MAX_TOKENS,
	WEIR_MODEL_REFUSES,
	WEIR_MODEL_REFUSES_THINKING,
	WEIR_MODEL_ONE_OF,
	WEIR_MODEL_KEYS_N
};

struct weir_model_row {
	const char *name;
	unsigned said; /* 1 << enum weir_model_key */
	struct weir_model_facts facts;
};

/* Of a model at a vendor, whose API is at base_path; vendor NULL: somebody unknown. */
struct weir_model_facts weir_model_facts(struct weir_slice model, const struct weir_vendor *vendor,
					 const char *base_path);

/* Of a model, or VENDOR/MODEL, of that name. */
struct weir_model_facts weir_model_facts_like(struct weir_slice name);
/* Does the table speak of it? */
bool weir_model_known(struct weir_slice name);

/* Does a row of that name speak of the model at that provider, and how exactly? 0: no; of two
 * the larger is nearer. name is a model's, PROVIDER/MODEL, or has * for anything. */
unsigned weir_model_fits(struct weir_slice name, struct weir_slice provider,
			 struct weir_slice model);
/* What the row says replaces what facts say. */
void weir_model_lay(struct weir_model_facts *facts, const struct weir_model_row *row);

/* Is model that name: itself, behind a path, or dated ("gpt-4o" is openai/GPT-4o-2024-08-06,
 * and gpt-4o-latest)? */
bool weir_model_is(struct weir_slice model, struct weir_slice name);

/* Is name in a list of the facts'? */
bool weir_model_lists(const char *list, struct weir_slice name);

/* What it accepts that is nearest to the wish; of two as near the higher, and never "none"
 * for another wish. The wish itself when it is not known what it accepts. */
enum weir_chat_effort weir_model_effort(const struct weir_model_facts *facts,
					enum weir_chat_effort wish);

/* Price of a million tokens in and as many out, in nano-dollars; WEIR_PRICE_UNKNOWN. */
uint64_t weir_model_price(const struct weir_model_facts *facts);
