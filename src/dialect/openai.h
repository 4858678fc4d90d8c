/* The OpenAI chat completions API, and everybody who speaks it more or less.
 * https://platform.openai.com/docs/api-reference/chat */
#pragma once

#include "dialect/dialect.h"

extern const struct weir_dialect weir_openai;

/* openai_error.c: who said what went wrong, in any of the shapes that are about. Fills
 * reading->failure and retry_info, texts in scratch; false: out of memory. root NULL: body
 * is no JSON, and its words are taken as they are, without tags. */
struct yyjson_val;
bool weir_openai_read_failure(struct yyjson_val *root, struct weir_slice body,
			      struct weir_buf *scratch, struct weir_reading *reading);

/* openai_delta.c */
void weir_openai_read_delta(struct weir_slice data, struct weir_buf *scratch,
			    struct weir_delta *delta);

/* openai_stream.c */
int weir_openai_put_as_stream(enum weir_route route, struct weir_slice body, struct weir_buf *out);
