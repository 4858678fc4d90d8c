/* Good answers in the Anthropic Messages API's words. */
#pragma once

#include "mock/answer.h"

extern const struct weir_mock_tongue weir_mock_messages;
