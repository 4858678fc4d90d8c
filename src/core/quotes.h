/* May words of a provider be shown to an operator, or do they repeat what a caller said? */
#pragma once

#include "base/slice.h"

enum {
	WEIR_QUOTES_WORDS_MAX = 512,
	WEIR_QUOTES_RUN = 16,             /* bytes in a row that both have */
	WEIR_QUOTES_WORD_MIN = 4,         /* a whole string of the body, of at least so many */
	WEIR_QUOTES_BODY_MAX = 256 * 1024 /* larger ones are not looked through */
};

/* False only when nothing of body, a request in JSON, is known to stand in words: no run of it,
 * and none of its short strings but for names that stand in every request, and model, which
 * errors name. Escapes hide nothing, neither in the body, nor in JSON that stands in its strings,
 * nor in words. Words in another script than ASCII, or too many of them, and those about a body
 * that is gone, too large or escaped more than three times over, are taken to quote it. */
bool weir_quotes(struct weir_slice words, struct weir_slice body, struct weir_slice model);
