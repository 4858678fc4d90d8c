#include "core/plan.h"

#include <stdio.h>

#include "base/error.h"
#include "core/request.h"

/* A plan being made. */
struct making {
	struct weir_route_plan *p;
	struct weir_board *board;
	struct weir_config *config;
	const struct weir_body *body;
	const struct weir_request_input *input;
	struct weir_complaint *complaint;
	const struct weir_fallback *fallback; /* whose steps are added; NULL: the chain's own */
	char param[64];                       /* of what is being read: "model", "fallbacks[0]" */
};

WEIR_PRINTF(4, 5)
static int complain(struct making *m, unsigned status, const char *code, const char *format, ...)
{
	struct weir_complaint *c = m->complaint;
	va_list ap;

	c->status = status;
	c->type = "invalid_request_error";
	c->code = code;
	snprintf(c->param, sizeof c->param, "%s", m->param);
	va_start(ap, format);
	vsnprintf(c->message, sizeof c->message, format, ap);
	va_end(ap);
	return WEIR_ECONFIG;
}

static int unknown(struct making *m, unsigned status, const char *name)
{
	if (m->config->zero && m->config->targets_n >= WEIR_CHAINS_MAX) {
		complain(m, 503, "too_many_models",
			 "without a configuration weir keeps at most %d model names, and `%.200s` "
			 "is "
			 "one more; write a weir.yaml, or restart it",
			 WEIR_CHAINS_MAX, name);
		m->complaint->type = "server_error";
		return WEIR_ECONFIG;
	}
	if (m->config->zero)
		return complain(m, status, "model_not_found",
				"no provider is known for the model `%.200s`; write it as "
				"vendor/model, or set that vendor's API key",
				name);
	return complain(m, status, "model_not_found",
			"the model `%.200s` is not configured; GET /v1/models lists those that "
			"are",
			name);
}

static int add_step(struct making *m, struct weir_balancer *pool, const struct weir_timers *timers,
		    unsigned retries, struct weir_slice overrides)
{
	const struct weir_fallback *own = m->fallback;
	struct weir_plan *plan = &m->p->plan;

	if (!pool)
		return WEIR_ENOMEM;
	if (plan->steps_n == WEIR_PLAN_STEPS_MAX)
		return complain(m, 400, "too_many_fallbacks",
				"the chain and its fallbacks have more than %d steps; name fewer",
				WEIR_PLAN_STEPS_MAX);
	if (m->body->retries_set)
		retries = m->body->retries;
	else if (own && own->retries >= 0)
		retries = (unsigned)own->retries;
	else if (m->input->repeated)
		retries = 0;
	m->p->overrides[plan->steps_n] = overrides;
	plan->steps[plan->steps_n++] = (struct weir_plan_step){
		.pool = pool,
		.timers = timers,
		.retries = retries,
		.attempt_ms = own && !m->body->timeout_set ? own->timeout_ms : 0,
	};
	plan->hurried |= plan->steps[plan->steps_n - 1].attempt_ms != 0;
	return 0;
}

static int add_chain(struct making *m, const struct weir_chain *chain, unsigned steps_max,
		     struct weir_slice overrides)
{
	int rc = 0;

	for (unsigned i = 0; i < chain->steps_n && i < steps_max && rc == 0; i++)
		rc = add_step(m, weir_board_step(m->board, chain, i), NULL, chain->steps[i].retries,
			      overrides);
	return rc;
}

static const struct weir_chain *settings_of(const struct making *m)
{
	return weir_plan_settings(m->p, m->config);
}

/* NULL: there is none, or it is not this caller's. */
static const struct weir_chain *chain_named(const struct weir_config *config,
					    const struct weir_request_input *input,
					    const char *name)
{
	const struct weir_chain *chain = weir_config_chain(config, weir_slice_of(name));

	return chain && weir_caller_may(input->caller, chain) ? chain : NULL;
}

/* A chain (its steps, one level), or a target that stands in some chain; without a
 * configuration also a known vendor's model. */
static int add_named(struct making *m, unsigned status, const char *name,
		     struct weir_slice overrides)
{
	const struct weir_chain *settings = settings_of(m);
	struct weir_slice slice = weir_slice_of(name);
	const struct weir_caller *caller = m->input->caller;
	const struct weir_chain *chain = chain_named(m->config, m->input, name);
	const struct weir_target *target;

	if (chain)
		return add_chain(m, chain, WEIR_STEPS_MAX, overrides);
	target = caller && !caller->targets ? NULL : weir_config_target(m->config, slice);
	if (!target && m->config->zero)
		target = weir_config_zero_target(m->config, slice);
	if (!target)
		return unknown(m, status, name);
	return add_step(m, weir_board_target(m->board, target),
			target->facts.thinks_long ? &settings->long_timers : &settings->timers,
			settings->retries, overrides);
}

/* Has the first step no other behind it? */
static bool is_alone(const struct making *m)
{
	return m->input->no_fallback || m->body->no_fallback;
}

static int add_fallbacks(struct making *m)
{
	int rc = 0;

	for (unsigned i = 0; i < m->body->fallbacks_n && rc == 0; i++) {
		const struct weir_fallback *f = &m->body->fallbacks[i];

		m->fallback = f;
		snprintf(m->param, sizeof m->param, "%s", f->where);
		rc = add_named(m, strcmp(f->where, "model") == 0 ? 404 : 400, f->name,
			       f->overrides);
		if (is_alone(m) && m->p->plan.steps_n > 1)
			m->p->plan.steps_n = 1;
	}
	m->fallback = NULL;
	return rc;
}

/* By the raw text: who writes it differently is somebody else. */
static uint64_t user_of(const struct weir_body *body)
{
	for (unsigned i = 0; i < body->members_n; i++)
		if (weir_json_text_is(body->members[i].key, "user"))
			return weir_slice_hash(body->members[i].value);
	return 0;
}

static uint64_t affinity(const struct making *m, const struct weir_chain *chain)
{
	switch (chain->affinity) {
	case WEIR_AFFINITY_USER:
		return user_of(m->body);
	case WEIR_AFFINITY_HEADER:
		return m->input->affinity[chain->affinity_header];
	case WEIR_AFFINITY_NONE:
		break;
	}
	return 0;
}

static void set_policy(struct making *m, const struct weir_chain *chain)
{
	struct weir_plan *plan = &m->p->plan;
	bool stream = m->input->route != WEIR_ROUTE_EMBEDDINGS && m->body->stream;

	weir_board_policy(m->board, chain, stream, plan);
	plan->resume = plan->resume && m->input->route == WEIR_ROUTE_CHAT &&
		       weir_body_can_resume(m->body);
	plan->attempt_ms = m->body->timeout_set ? m->body->timeout_ms : 0;
	plan->hurried |= plan->attempt_ms != 0;
	if (m->input->deadline_ms && m->input->deadline_ms < plan->deadline_ms) {
		plan->deadline_ms = m->input->deadline_ms;
		plan->hurried = true;
	}
	plan->tokens = weir_plan_tokens(m->body->bytes.len);
	plan->affinity = affinity(m, chain);
}

/* So that callers see their fallbacks work. */
static int test_fallbacks(struct making *m)
{
	static const char word[] = "mock_testing_fallbacks";

	if (!m->body->skip_first)
		return 0;
	snprintf(m->param, sizeof m->param, "%s", word);
	if (m->p->plan.steps_n < 2)
		return complain(m, 400, "not_supported",
				"there is no fallback to test: `%.200s` has one step; name others "
				"as `fallbacks`",
				m->body->model);
	weir_plan_skip_first(m->p, word);
	return 0;
}

/* Whose settings hold. */
static const struct weir_chain *chain_of(const struct weir_config *config,
					 const struct weir_body *body,
					 const struct weir_request_input *input)
{
	const struct weir_chain *led = NULL;

	if (body->led)
		led = chain_named(config, input, body->fallbacks[0].name);
	return led ? led : chain_named(config, input, body->model);
}

/* With the timers it has in its chain. */
static int add_only(struct making *m)
{
	const struct weir_chain *chain = m->p->chain;
	struct weir_slice none = { NULL, 0 };

	for (unsigned i = 0; chain && i < chain->steps_n; i++) {
		for (unsigned k = 0; k < chain->steps[i].targets_n; k++) {
			const struct weir_step_target *t = &chain->steps[i].targets[k];

			if (strcmp(t->target->id, m->input->only) == 0)
				return add_step(m, weir_board_target(m->board, t->target),
						&t->timers, chain->steps[i].retries, none);
		}
	}
	return unknown(m, 404, chain ? m->input->only : m->body->model);
}

static int add_all(struct making *m)
{
	bool whole = !m->body->fallbacks_set && !is_alone(m);
	struct weir_slice none = { NULL, 0 };
	int rc = 0;

	if (m->body->led)
		rc = 0;
	else if (m->p->chain)
		rc = add_chain(m, m->p->chain, whole ? WEIR_STEPS_MAX : 1, none);
	else
		rc = m->config->zero ? add_named(m, 404, m->body->model, none)
				     : unknown(m, 404, m->body->model);
	if (rc == 0)
		rc = add_fallbacks(m);
	return rc ? rc : test_fallbacks(m);
}

int weir_plan_make(struct weir_route_plan *p, struct weir_board *board, struct weir_config *config,
		   const struct weir_body *body, const struct weir_request_input *input,
		   struct weir_complaint *complaint)
{
	struct making m = { p, board, config, body, input, complaint, NULL, "model" };
	int rc;

	*p = (struct weir_route_plan){ .board = board, .chain = chain_of(config, body, input) };
	rc = input->only ? add_only(&m) : add_all(&m);
	if (rc)
		return rc;
	set_policy(&m, settings_of(&m));
	p->route = input->route;
	return weir_plan_find_foreign(p, config, body, complaint);
}
