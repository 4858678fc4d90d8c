/* The head of what is asked of a provider. What is the same in every request to a target with a
 * key is written once and kept. */
#pragma once

#include "core/attempt.h"

/* Of a target: of requests for the whole answer, and of those for a stream. */
enum { WEIR_PREFIXES_EACH = 2, WEIR_ATTEMPT_HEAD_MAX = 64 * 1024 };

/* Up to the length of the body. Begins as zeros. */
struct weir_prefix {
	struct weir_buf text; /* len 0: not written yet */
	unsigned key;
	enum weir_route route;
	bool lacking; /* of what the dialect wants told: the caller has not said it */
};

void weir_prefixes_free(struct weir_prefix *prefixes, size_t n); /* NULL is fine */

/* 0, WEIR_ENOMEM, WEIR_ELIMIT. */
WEIR_MUST_CHECK int weir_attempt_put_head(struct weir_buf *head,
					  const struct weir_attempt_order *order, size_t length);
