/* What `weir try` knows of a target's answer to a prompt, and what becomes of many. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum { WEIR_TRY_WORD_MAX = 64, WEIR_TRY_ANSWER_MAX = 16 * 1024 * 1024 };

/* Asked of every target. */
struct weir_try_prompt {
	char *body; /* a chat's, as JSON text, without what weir adds */
	size_t body_len;
	bool wants_json; /* by its response_format */
	unsigned line;   /* in the file; 0: not from one */
};

struct weir_try_result {
	char status[8]; /* of the target's answer; "-": none came */
	char class_name[WEIR_TRY_WORD_MAX];
	char reason[WEIR_TRY_WORD_MAX]; /* "ok", or why not */
	bool answered;                  /* whole, and no error */
	bool timed, counted;
	uint64_t first_token_ms; /* timed */
	uint64_t ms;
	uint64_t tokens_in, tokens_out; /* counted */
	char cost[32];                  /* dollars; "": not known */
	char finish[WEIR_TRY_WORD_MAX]; /* "": none */
	struct weir_buf text;           /* of the answer, or an error's message */
	struct weir_buf calls;          /* tool calls, as JSON objects joined by commas */
	struct weir_buf tools;          /* their names, a line each */
	unsigned calls_n;
	bool refused; /* the model would not, by its finish reason or its words */
	bool json;    /* the text is JSON */
};

void weir_try_result_init(struct weir_try_result *result);
void weir_try_result_fini(struct weir_try_result *result);

/* Reads what weir told its caller, whole or streamed, into text, calls, finish and what
 * follows from them. 0 or WEIR_ENOMEM. */
WEIR_MUST_CHECK int weir_try_read(struct weir_try_result *result, int status,
				  struct weir_slice answer);
/* Reads the log's line of the request. */
void weir_try_read_log(struct weir_try_result *result, struct weir_slice line);

/* What one target did with all prompts. Shares count what was answered. */
struct weir_try_summary {
	unsigned prompts, answered;
	uint64_t mean_length; /* characters */
	unsigned json_wanted, json_valid;
	unsigned called; /* answers with tool calls */
	unsigned refused;
	/* Of what both answered: the answers that are of one kind with the first target's. */
	unsigned compared, agreed;
};

/* Of one kind: both refuse or neither does, the same tools are called, both are JSON or
 * neither is where that was asked for, and none is more than twice as long as the other. */
bool weir_try_agree(const struct weir_try_result *a, const struct weir_try_result *b,
		    bool wants_json);

/* results[prompt * targets_n + target]. */
struct weir_try_summary weir_try_sum(const struct weir_try_prompt *prompts, unsigned prompts_n,
				     const struct weir_try_result *results, unsigned targets_n,
				     unsigned target);
