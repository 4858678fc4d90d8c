/* OpenAI's API at Azure: the same words, another key field and other addresses.
 * https://learn.microsoft.com/azure/ai-services/openai/reference */
#pragma once

#include "dialect/dialect.h"

extern const struct weir_dialect weir_azure;
