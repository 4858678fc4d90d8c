/* Whether a trace is kept: OTEL_TRACES_SAMPLER of the OpenTelemetry specification. */
#pragma once

#include "trace/context.h"

struct weir_sampler {
	bool parent_based;   /* who called has decided, where it has said so */
	uint64_t keep_below; /* of 2^63: of traces that nobody has decided on */
};

/* name: parentbased_always_on, traceidratio, …; ratio: 0 to 1, of those that have one. False:
 * there is no such sampler, and *sampler is as before. */
bool weir_sampler_named(struct weir_slice name, double ratio, struct weir_sampler *sampler);

/* parent NULL: there was none. low: of the trace's id. */
bool weir_sampler_keeps(const struct weir_sampler *sampler, const struct weir_trace_context *parent,
			uint64_t low);
