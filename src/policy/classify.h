/* From a provider's words to an outcome: structured code, then type, then status,
 * then (last) substrings of the message. Only for answers that are errors; model
 * output never comes here. */
#pragma once

#include "base/slice.h"
#include "policy/outcome.h"

struct weir_failure {
	unsigned status;        /* HTTP status of the answer; 200 for an error inside one */
	struct weir_slice code; /* "" when absent; numbers as their text */
	struct weir_slice type; /* Google: error.status */
	struct weir_slice param;
	struct weir_slice message;
	bool in_stream; /* an error event, so the status says nothing */
};

struct weir_verdict {
	enum weir_outcome outcome;
	const char *reason;  /* static, finer than the class: "http_503", "context_length"… */
	bool overflow;       /* NOT_HERE: the context is too long for this target */
	bool content_policy; /* CALLER: refused for its content */
	bool model_unknown;  /* NOT_HERE: bench the model at this provider */
	bool never_fits;     /* NOT_HERE: larger than the rate limit itself, do not wait */
};

struct weir_verdict weir_classify(const struct weir_failure *failure);
