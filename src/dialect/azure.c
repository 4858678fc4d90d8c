#include "dialect/azure.h"

#include "base/error.h"
#include "dialect/openai.h"

/* A token of Entra ID, which is a JWT, and not a key of the resource. */
static bool is_token(struct weir_slice key)
{
	return weir_slice_starts(key, "eyJ") && memchr(key.base, '.', key.len);
}

static int put_key(struct weir_buf *head, struct weir_slice key)
{
	return weir_openai_put_key(head,
				   is_token(key) ? "authorization: Bearer " : "api-key: ", key);
}

/* With an api_version that is a date. The model of the body is ignored there. */
static const struct weir_dialect dated = {
	WEIR_OPENAI_WORDS,
	.name = "azure",
	.root = "/openai",
	.routes = {
		[WEIR_ROUTE_CHAT] = "/openai/deployments/{model}/chat/completions",
		[WEIR_ROUTE_COMPLETIONS] = "/openai/deployments/{model}/completions",
		[WEIR_ROUTE_EMBEDDINGS] = "/openai/deployments/{model}/embeddings",
	},
	.put_key = put_key,
};

const struct weir_dialect weir_azure = {
	WEIR_OPENAI_WORDS,
	.name = "azure",
	.root = "/openai",
	.dated = &dated,
	.routes = {
		[WEIR_ROUTE_CHAT] = "/openai/v1/chat/completions",
		[WEIR_ROUTE_COMPLETIONS] = "/openai/v1/completions",
		[WEIR_ROUTE_EMBEDDINGS] = "/openai/v1/embeddings",
		[WEIR_ROUTE_RESPONSES] = "/openai/v1/responses",
	},
	.put_key = put_key,
};
