/* Which trace a request belongs to, as told by the header field traceparent: W3C Trace Context,
 * https://www.w3.org/TR/trace-context/ §3.2. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum {
	WEIR_TRACE_ID_DIGITS = 32,
	WEIR_SPAN_ID_DIGITS = 16,
	WEIR_TRACEPARENT_LEN = 55, /* of version 00 */
};

struct weir_trace_context {
	uint64_t high, low; /* the trace's id, never both 0 */
	uint64_t span;      /* never 0 */
	bool sampled;
};

/* False: it is not one, and a trace begins anew. Of a later version what it has in common with
 * version 00 is taken. */
bool weir_traceparent_read(struct weir_slice value, struct weir_trace_context *context);
/* Version 00, with a NUL. */
void weir_traceparent_print(const struct weir_trace_context *context,
			    char out[WEIR_TRACEPARENT_LEN + 1]);

/* In small hexadecimal digits, with a NUL. */
void weir_trace_id_print(const struct weir_trace_context *context,
			 char out[WEIR_TRACE_ID_DIGITS + 1]);
void weir_span_id_print(uint64_t span, char out[WEIR_SPAN_ID_DIGITS + 1]);
