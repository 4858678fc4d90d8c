/* Keys: in the file, in the environment, in a file of their own. */
#pragma once

#include "config/shape.h"

extern const struct weir_form weir_secret_form;

enum weir_secret_use {
	WEIR_SECRET_OURS,    /* lets somebody in: a short one is a secret, too */
	WEIR_SECRET_CALLERS, /* likewise, or the hash of one, which is no secret */
	WEIR_SECRET_THEIRS   /* a provider's: servers without keys want any text */
};

/* A text or {file: PATH}. False, with a finding that never shows it, when it cannot be
 * used. A key that stands in the file itself is a warning, unless it can be no secret. */
bool weir_secret_read(struct weir_reader *reader, struct weir_node *node, enum weir_secret_use use,
		      struct weir_secret *secret);

/* A copy of what is a usable key; where says, for messages, whose value it is. */
bool weir_secret_set(struct weir_reader *reader, const struct weir_node *node,
		     struct weir_slice text, struct weir_secret *secret);

bool weir_secret_eq(const struct weir_secret *a, const struct weir_secret *b);
