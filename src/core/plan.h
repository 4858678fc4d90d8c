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
	struct weir_board *board;       /* whose members the steps have */
	const struct weir_chain *chain; /* of the caller's model; NULL outside configured ones */
	enum weir_route route;
	/* Members that speak another dialect than the caller, and whether it was found out which
	 * of them can carry this request (plan.steps[].unfit, and why not). */
	uint64_t foreign[WEIR_PLAN_STEPS_MAX];
	const char *unfit_reasons[WEIR_PLAN_STEPS_MAX];
	const char *unfit_param; /* the field, of the first step; NULL: none */
	bool any_foreign, any_limited, judged;
	bool strict; /* judged: nothing of it may be left out */
};

/* How many tokens so many bytes of a request are, about: of English text; a larger body holds
 * images, which cost less than their bytes. */
static inline uint64_t weir_plan_tokens(uint64_t bytes)
{
	uint64_t tokens = bytes / 4;

	return tokens < 32 * 1024 ? tokens : 32 * 1024;
}

/* 0; WEIR_ECONFIG and *complaint (404 for the model, 400 for a fallback); WEIR_ENOMEM. */
WEIR_MUST_CHECK int weir_plan_make(struct weir_route_plan *plan, struct weir_board *board,
				   struct weir_config *config, const struct weir_body *body,
				   const struct weir_request_input *input,
				   struct weir_complaint *complaint);

/* The chain's, or where there is none the defaults. */
static inline const struct weir_chain *weir_plan_settings(const struct weir_route_plan *plan,
							  const struct weir_config *config)
{
	return plan->chain ? plan->chain : config->defaults;
}

/* plan_fit.c */
/* Finds the foreign members. When there are no others, judges them; WEIR_ECONFIG: none can
 * carry it. */
WEIR_MUST_CHECK int weir_plan_find_foreign(struct weir_route_plan *plan,
					   const struct weir_config *config,
					   const struct weir_body *body,
					   struct weir_complaint *complaint);
/* Must they be judged before the machine takes this step? Most requests are answered by the
 * first target they are sent to, and need not be read for the others. */
bool weir_plan_must_judge(const struct weir_route_plan *plan, const struct weir_config *config,
			  const struct weir_body *body, const struct weir_event *event);
/* Once; body is still whole. */
void weir_plan_judge(struct weir_route_plan *plan, const struct weir_config *config,
		     const struct weir_body *body);
/* The first step is gone past, whoever stands in it. */
void weir_plan_skip_first(struct weir_route_plan *plan, const char *reason);
/* A stream that was shown in the caller's dialect goes on in no other. */
void weir_plan_keep_native(struct weir_route_plan *plan);
/* The route a provider is asked by; WEIR_ROUTE_N: it has none for this. */
enum weir_route weir_plan_route(enum weir_route route, const struct weir_provider *provider);
/* What is kept at one account stays with it, of those in the plan: all others are unfit.
 * Without one, or with one that is none of them: with the first that has the route. */
void weir_plan_bind(struct weir_route_plan *plan, const struct weir_config *config,
		    uint64_t account);
