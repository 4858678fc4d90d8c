/* What may stand under a key: the readers go by it, and the JSON Schema is written from it. */
#pragma once

#include "config/reader.h"

/* A value fits when it fits one of those. */
enum weir_takes {
	WEIR_TAKES_WORD = 1,   /* one of words, or of word_at */
	WEIR_TAKES_NUMBER = 2, /* number, from min to max */
	WEIR_TAKES_TEXT = 4,   /* any that is not empty, or as pattern has it */
	WEIR_TAKES_MAP = 8,    /* of the keys that a shape knows; empty where it needs none */
	WEIR_TAKES_NAMES = 16, /* a map of the file's own names, as pattern has them, to each */
	WEIR_TAKES_LIST = 32,  /* of each */
	WEIR_TAKES_ONE = 64,   /* each itself, for a list of one */
	WEIR_TAKES_NOTHING = 128,
	WEIR_TAKES_BARE = 256 /* pattern has room for what YAML calls a number, or true */
};

struct weir_form {
	unsigned takes;
	const char *const *words; /* ends with NULL */
	const char *(*word_at)(unsigned index);
	enum weir_number number;
	uint64_t min, max;
	const char *pattern; /* of ECMA-262, as it stands inside a JSON string */
	const struct weir_shape *shapes[2];
	const char *by; /* with this key a map is of the second shape; NULL: there is one */
	const struct weir_form *each;
	unsigned least, most; /* entries of a list or a map of names; most 0: any number */
};

static inline bool weir_form_number(struct weir_reader *reader, const struct weir_form *form,
				    const struct weir_node *node, uint64_t *value)
{
	struct weir_range range = { form->min, form->max, NULL };

	return weir_reader_number(reader, node, form->number, &range, value);
}

static inline int weir_form_word(struct weir_reader *reader, const struct weir_form *form,
				 const struct weir_node *node)
{
	return weir_reader_word(reader, node, form->words);
}

/* off | on */
extern const char *const weir_switch_words[];
/* Those, and false | true. */
extern const struct weir_form weir_form_switch, weir_form_bool;
/* Any text that is not empty. */
extern const struct weir_form weir_form_text;
/* As weir_reader_name() has it. */
#define WEIR_NAME_PATTERN "^[A-Za-z0-9._-]{1,256}$"
/* As weir_is_token() has it. */
#define WEIR_TOKEN_PATTERN "[!#$%&'*+.^_`|~A-Za-z0-9-]{1,256}"
