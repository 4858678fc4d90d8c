/* What `weir try` asks: one prompt, or a file of them. */
#pragma once

#include "app/try.h"

enum { WEIR_TRY_PROMPTS_MAX = 10000, WEIR_TRY_FILE_MAX = 64 * 1024 * 1024 };

struct weir_try_prompts {
	struct weir_try_prompt *list;
	unsigned n, cap;
};

/* One prompt, as a chat of one message. 0 or WEIR_ENOMEM. */
WEIR_MUST_CHECK int weir_try_add_text(struct weir_try_prompts *prompts, struct weir_slice text);
/* A line each: {"prompt": "…"} or a chat's body with its messages; blank ones are skipped. 0;
 * WEIR_ENOMEM; WEIR_ECONFIG: why[] names the line. */
WEIR_MUST_CHECK int weir_try_add_lines(struct weir_try_prompts *prompts, struct weir_slice text,
				       char *why, size_t why_size);
void weir_try_prompts_fini(struct weir_try_prompts *prompts);

/* How it is asked. */
struct weir_try_wishes {
	bool stream;
	uint64_t timeout_ms; /* 0: the chain's */
	uint64_t max_tokens; /* 0: the prompt's own, or none */
};
/* The body to send. 0, WEIR_ENOMEM, WEIR_ELIMIT. */
WEIR_MUST_CHECK int weir_try_put_body(struct weir_buf *out, const struct weir_try_prompt *prompt,
				      const char *chain, const struct weir_try_wishes *wishes);
