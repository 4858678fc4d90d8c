/* The providers section, and the providers nobody needed to write down. */
#pragma once

#include "config/shape.h"

extern const struct weir_form weir_providers_form;

/* Reads the section into drafts and, of those that can be used, providers. */
void weir_providers_read(struct weir_reader *reader, struct weir_node *node);

/* A sentence, a newline, a fix. */
struct weir_why {
	const char *rule;
	char text[512];
};

/* The draft of that name. A well-known name that the file does not mention is made from
 * the vendor's row, with the key of its environment variable. NULL: see why (or memory
 * ran out). */
struct weir_draft *weir_provider_draft(struct weir_reader *reader, struct weir_node *node,
				       struct weir_slice name, struct weir_why *why);

/* A well-known provider as the vendor's row has it; NULL: out of memory. */
struct weir_draft *weir_provider_implicit(struct weir_reader *reader, struct weir_node *node,
					  const struct weir_vendor *vendor);

void weir_drafts_fini(struct weir_reader *reader);
