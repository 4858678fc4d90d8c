/* From a request's wishes and the configuration to a plan the failover machine can run,
 * and to what each of its steps sends. */
#pragma once

#include "config/config.h"
#include "core/body.h"
#include "policy/failover.h"

/* What a step of the plan means here. */
struct weir_leg {
	const struct weir_target *target;
	struct weir_slice overrides; /* of the caller's fallback; base NULL: none */
};

struct weir_route_plan {
	struct weir_plan plan;
	struct weir_leg legs[WEIR_PLAN_STEPS_MAX];
	const struct weir_chain *chain; /* of the caller's model; NULL outside configured ones */
};

/* 0; WEIR_ECONFIG and *complaint (404 for the model, 400 for a fallback); WEIR_ENOMEM.
 * deadline_ms: the caller's own, 0 for none. no_fallback: the first step only. */
WEIR_MUST_CHECK int weir_plan_make(struct weir_route_plan *plan, struct weir_config *config,
				   const struct weir_body *body, enum weir_route route,
				   uint64_t deadline_ms, bool no_fallback,
				   struct weir_complaint *complaint);
