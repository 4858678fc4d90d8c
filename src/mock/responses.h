/* Good answers in the words of OpenAI's responses API. */
#pragma once

#include "mock/answer.h"

extern const struct weir_mock_tongue weir_mock_responses;
