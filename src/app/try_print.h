/* How `weir try` shows what it has seen. */
#pragma once

#include "app/try_prompts.h"

struct weir_try_table {
	const char *chain;
	const char *const *targets;
	unsigned targets_n;
	const struct weir_try_prompts *prompts;
	const struct weir_try_result *results; /* [prompt * targets_n + target] */
	bool many;                             /* the prompts are a file's */
};

/* 0, WEIR_ENOMEM, WEIR_ELIMIT. columns: of the terminal. */
WEIR_MUST_CHECK int weir_try_text(const struct weir_try_table *table, unsigned columns,
				  struct weir_buf *out);
WEIR_MUST_CHECK int weir_try_json(const struct weir_try_table *table, struct weir_buf *out);
