#include "dialect/dialect.h"

#include "dialect/anthropic.h"
#include "dialect/azure.h"
#include "dialect/gemini.h"
#include "dialect/openai.h"

static const struct weir_dialect *const dialects[] = { &weir_openai, &weir_anthropic, &weir_gemini,
						       &weir_azure };

const struct weir_dialect *weir_dialect_of(enum weir_route route)
{
	for (size_t i = 0; i < WEIR_COUNT_OF(dialects); i++)
		if (dialects[i]->routes[route])
			return weir_dialect_words(dialects[i], route);
	return NULL;
}

const struct weir_dialect *weir_dialect_find(struct weir_slice name)
{
	for (size_t i = 0; i < WEIR_COUNT_OF(dialects); i++)
		if (weir_slice_is(name, dialects[i]->name))
			return dialects[i];
	return NULL;
}

const char *weir_dialect_names(void)
{
	return "openai, anthropic, gemini, azure";
}
