/* LiteLLM's own words in a request's body: they are meant for the proxy, and go to no provider.
 * Source: the proxy's documentation, and the parameters it strips itself. */
#pragma once

#include "base/slice.h"

enum weir_litellm_word {
	WEIR_LITELLM_NONE,    /* none of them */
	WEIR_LITELLM_QUIET,   /* heeded, or of no consequence here */
	WEIR_LITELLM_TOLD,    /* not heeded, and the caller hears that it was not */
	WEIR_LITELLM_REFUSED, /* without it the request would not be what was meant */
	WEIR_LITELLM_METADATA /* QUIET where the provider's API has no field of that name */
};

/* key: as it stands in the JSON, without quotes. */
enum weir_litellm_word weir_litellm_word(struct weir_slice key);
