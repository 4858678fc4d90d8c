/* What a caller asked, as far as a simulated provider cares. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum {
	WEIR_MOCK_MODEL_MAX = 160,
	WEIR_MOCK_NONCE_MAX = 64,
	WEIR_MOCK_LEAD_MAX = 256,
	WEIR_MOCK_INPUTS_MAX = 2048, /* as the API has it */
	WEIR_MOCK_DIMENSIONS_MAX = 4096
};

enum weir_mock_route {
	WEIR_MOCK_CHAT,
	WEIR_MOCK_COMPLETIONS,
	WEIR_MOCK_EMBEDDINGS,
	WEIR_MOCK_RESPONSES,
	WEIR_MOCK_MESSAGES, /* Anthropic's */
	WEIR_MOCK_COUNT,    /* its count_tokens */
	WEIR_MOCK_GENERATE, /* Gemini's */
	WEIR_MOCK_MODELS,   /* GET: never a step of a script */
	WEIR_MOCK_MODEL,
	WEIR_MOCK_NOWHERE
};

struct weir_mock_ask {
	enum weir_mock_route route;
	bool stream;
	bool include_usage;
	bool base64;
	bool deployment;   /* by a path that says Azure's deployment, which is the model */
	bool azure;        /* set by who has seen the key's field */
	unsigned inputs_n; /* embeddings asked for */
	unsigned dimensions;
	uint64_t tokens_max; /* 0: no bound */
	uint64_t prompt_tokens;
	/* Of an answer that is to be gone on with: an assistant's message at the end, or before
	 * a turn without a nonce of its own. */
	uint64_t tokens_said; /* 0: there is none */
	bool prefill;         /* the last message is the assistant's */
	unsigned lead_len;    /* 0: none, or too long */
	unsigned model_len;
	char model[WEIR_MOCK_MODEL_MAX]; /* as it stands in JSON, without quotes */
	char nonce[WEIR_MOCK_NONCE_MAX + 1];
	char lead[WEIR_MOCK_LEAD_MAX]; /* before its first token, as it stands in JSON */
};

/* Sets nonce from "nonce=…" in the text. */
void weir_mock_ask_nonce(struct weir_mock_ask *ask, struct weir_slice prompt);

/* NULL, or what is wrong with the request in one sentence, static; then *status says how
 * it is refused (400, 404, 405). Paths are known by their end, so that a base URL may have
 * any prefix. */
const char *weir_mock_ask_read(struct weir_mock_ask *ask, struct weir_slice method,
			       struct weir_slice target, struct weir_slice body, unsigned *status);
