#include "core/plan.h"

#include <stdio.h>

#include "base/error.h"

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void add_step(struct weir_route_plan *p, const struct weir_target *target,
		     struct weir_slice overrides, const struct weir_timers *timers,
		     unsigned retries, const struct weir_body *body)
{
	struct weir_plan_step *step;

	if (p->plan.steps_n == WEIR_PLAN_STEPS_MAX)
		return;
	step = &p->plan.steps[p->plan.steps_n];
	*step = (struct weir_plan_step){
		.keys_n = target->provider->keys_n ? target->provider->keys_n : 1,
		.retries = body->retries_set ? body->retries : retries,
		.connect_ms = timers->connect_timeout_ms,
		.first_token_ms = timers->first_token_timeout_ms,
		.attempt_ms = timers->attempt_timeout_ms,
		.stall_ms = timers->stall_timeout_ms,
	};
	if (body->timeout_set) {
		step->attempt_ms = body->timeout_ms;
		step->first_token_ms = least(step->first_token_ms, body->timeout_ms);
	}
	p->legs[p->plan.steps_n] = (struct weir_leg){ target, overrides };
	p->plan.steps_n++;
}

static void add_chain(struct weir_route_plan *p, const struct weir_chain *chain, unsigned steps_max,
		      struct weir_slice overrides, const struct weir_body *body)
{
	for (unsigned i = 0; i < chain->steps_n && i < steps_max; i++) {
		const struct weir_step *step = &chain->steps[i];

		add_step(p, step->target, overrides, &step->timers, step->retries, body);
	}
}

static int unknown(struct weir_complaint *c, unsigned status, const char *param, const char *name,
		   bool zero)
{
	c->status = status;
	c->type = "invalid_request_error";
	c->code = "model_not_found";
	snprintf(c->param, sizeof c->param, "%s", param);
	snprintf(c->message, sizeof c->message,
		 zero ? "no provider is known for the model `%.200s`; write it as vendor/model, or "
			"set that vendor's API key"
		      : "the model `%.200s` is not configured; GET /v1/models lists those that are",
		 name);
	return WEIR_ECONFIG;
}

/* A chain (its steps, one level), or a target that stands in some chain; without a
 * configuration also a known vendor's model. */
static bool add_named(struct weir_route_plan *p, struct weir_config *config, const char *name,
		      struct weir_slice overrides, const struct weir_body *body)
{
	const struct weir_chain *defaults = p->chain ? p->chain : config->defaults;
	struct weir_slice slice = weir_slice_of(name);
	const struct weir_chain *chain = weir_config_chain(config, slice);
	const struct weir_target *target;

	if (chain) {
		add_chain(p, chain, WEIR_STEPS_MAX, overrides, body);
		return true;
	}
	target = weir_config_target(config, slice);
	if (!target && config->zero)
		target = weir_config_zero_target(config, slice);
	if (!target)
		return false;
	add_step(p, target, overrides, &defaults->timers, defaults->retries, body);
	return true;
}

static unsigned most_retries(const struct weir_plan *plan)
{
	unsigned most = 0;

	for (unsigned i = 0; i < plan->steps_n; i++)
		if (plan->steps[i].retries > most)
			most = plan->steps[i].retries;
	return most;
}

static void set_policy(struct weir_plan *plan, const struct weir_chain *from, bool stream,
		       uint64_t deadline_ms)
{
	plan->stream = stream;
	plan->deadline_ms = from->deadline_ms;
	if (deadline_ms)
		plan->deadline_ms = least(plan->deadline_ms, deadline_ms);
	plan->stream_ms = from->stream_timeout_ms;
	plan->policy_next = from->content_policy == WEIR_CHOICE_NEXT;
	plan->overflow = from->context_overflow == WEIR_CHOICE_NEXT   ? WEIR_OVERFLOW_NEXT
			 : from->context_overflow == WEIR_CHOICE_AUTO ? WEIR_OVERFLOW_AUTO
								      : WEIR_OVERFLOW_RETURN;
	plan->repair_first = from->repair == WEIR_REPAIR_ON;
	plan->repair_later = from->repair != WEIR_REPAIR_OFF;
	plan->max_attempts = from->max_attempts_set
				     ? from->max_attempts
				     : weir_plan_attempts(most_retries(plan), plan->steps_n);
}

int weir_plan_make(struct weir_route_plan *p, struct weir_config *config,
		   const struct weir_body *body, enum weir_route route, uint64_t deadline_ms,
		   bool no_fallback, struct weir_complaint *c)
{
	struct weir_slice none = { NULL, 0 };

	*p = (struct weir_route_plan){ .chain = weir_config_chain(config,
								  weir_slice_of(body->model)) };
	if (p->chain) {
		bool whole = !body->fallbacks_set && !no_fallback;

		add_chain(p, p->chain, whole ? WEIR_STEPS_MAX : 1, none, body);
	} else if (!config->zero || !add_named(p, config, body->model, none, body)) {
		return unknown(c, 404, "model", body->model, config->zero);
	}
	for (unsigned i = 0; i < body->fallbacks_n; i++) {
		const struct weir_fallback *f = &body->fallbacks[i];
		unsigned before = p->plan.steps_n;
		char param[32];

		snprintf(param, sizeof param, "fallbacks[%u]", i);
		if (!add_named(p, config, f->name, f->overrides, body))
			return unknown(c, 400, param, f->name, config->zero);
		if (no_fallback)
			p->plan.steps_n = before;
	}
	set_policy(&p->plan, p->chain ? p->chain : config->defaults,
		   route != WEIR_ROUTE_EMBEDDINGS && body->stream, deadline_ms);
	return 0;
}
