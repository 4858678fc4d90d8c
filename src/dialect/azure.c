#include "dialect/azure.h"

#include "base/error.h"
#include "dialect/openai.h"

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
	.key_field = "api-key: ",
	.token_field = "authorization: Bearer ", /* of Entra ID */
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
	.key_field = "api-key: ",
	.token_field = "authorization: Bearer ", /* of Entra ID */
};
