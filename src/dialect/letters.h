/* Where words begin and end, in UTF-8 and roughly: enough to join two pieces of a text. */
#pragma once

#include "base/slice.h"

enum weir_letter {
	WEIR_LETTER_BLANK,
	WEIR_LETTER_MARK,  /* punctuation, symbols, emoji: words end at them */
	WEIR_LETTER_IDEO,  /* of scripts without blanks between words */
	WEIR_LETTER_LOWER, /* from here on: parts of words */
	WEIR_LETTER_UPPER,
	WEIR_LETTER_DIGIT,
	WEIR_LETTER_OTHER
};

static inline bool weir_is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Of the character text begins with; text is not empty. */
enum weir_letter weir_letter_first(struct weir_slice text);
/* Of the one it ends with. */
enum weir_letter weir_letter_last(struct weir_slice text);

static inline bool weir_is_word(enum weir_letter letter)
{
	return letter >= WEIR_LETTER_LOWER;
}

/* How many white space bytes it begins with, or ends with. */
size_t weir_blanks_before(struct weir_slice text);
size_t weir_blanks_behind(struct weir_slice text);
