/* From a request's wishes and the configuration to a plan the failover machine can run,
 * and to what each of its steps sends. */
#pragma once

#include "config/board.h"
#include "core/body.h"
#include "policy/failover.h"

struct weir_request_input;

struct weir_route_plan {
	struct weir_plan plan;
	/* Of the caller's fallback, per step; base NULL: none. */
	struct weir_slice overrides[WEIR_PLAN_STEPS_MAX];
	const struct weir_chain *chain; /* of the caller's model; NULL outside configured ones */
};

/* 0; WEIR_ECONFIG and *complaint (404 for the model, 400 for a fallback); WEIR_ENOMEM. */
WEIR_MUST_CHECK int weir_plan_make(struct weir_route_plan *plan, struct weir_board *board,
				   struct weir_config *config, const struct weir_body *body,
				   const struct weir_request_input *input,
				   struct weir_complaint *complaint);
