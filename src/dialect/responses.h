/* OpenAI's responses API, for callers and targets that both speak it: read, never translated.
 * https://platform.openai.com/docs/api-reference/responses */
#pragma once

#include "dialect/dialect.h"

/* Its words; where it is asked is said by the dialect of the provider. */
extern const struct weir_dialect weir_responses;
