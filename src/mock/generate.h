/* Good answers in the Gemini API's words, and what it refuses. */
#pragma once

#include "mock/answer.h"

extern const struct weir_mock_tongue weir_mock_generate;

/* NULL, or what is wrong with the body of a generateContent request, static. ask has its
 * model; the rest is filled from body. */
const char *weir_mock_generate_read(struct weir_mock_ask *ask, struct weir_slice body);
