/* Which targets can serve a request: those that would be told it in another dialect, and those of
 * which it is known what they cannot take. */
#include <stdio.h>

#include "base/error.h"
#include "core/bonds.h"
#include "core/plan.h"
#include "dialect/needs.h"

enum { ROLL_WORST = 99 };

enum weir_route weir_plan_route(enum weir_route route, const struct weir_provider *provider)
{
	const struct weir_dialect *caller = weir_dialect_of(route);
	const struct weir_dialect *dialect = provider->dialect;

	if (weir_provider_has_route(provider, route))
		return route;
	return route == caller->chat->route ? dialect->chat->route : WEIR_ROUTE_N;
}

static const struct weir_target *target_of(const struct weir_config *config,
					   const struct weir_plan_step *step, unsigned member)
{
	return config->targets[step->pool->members[member].target];
}

static bool is_foreign(const struct weir_route_plan *p, const struct weir_target *target)
{
	return weir_plan_route(p->route, target->provider) != p->route;
}

/* Would the target not get some of it? */
static bool loses(const struct weir_chat *chat, const struct weir_dialect *dialect,
		  const struct weir_chat_target *to)
{
	struct weir_drops drops = chat->drops;
	struct weir_buf out;
	int rc;

	weir_buf_init(&out, SIZE_MAX);
	rc = dialect->chat->put_request(chat, to, &out, &drops);
	weir_buf_fini(&out);
	return rc || drops.n;
}

/* NULL: it can be carried there. */
static const char *why_not(const struct weir_route_plan *p, const struct weir_target *target,
			   const struct weir_chat *chat, int rc)
{
	const struct weir_dialect *dialect = target->provider->dialect;
	struct weir_chat_target to = { .model = target->model, .facts = &target->facts };
	const char *reason;

	if (weir_plan_route(p->route, target->provider) == WEIR_ROUTE_N)
		return "cannot_carry_route";
	if (rc)
		return "local_resource";
	reason = chat->cannot ? chat->cannot : dialect->chat->cannot(chat, &to);
	return !reason && p->strict && loses(chat, dialect, &to) ? "cannot_carry_all" : reason;
}

static void judge_step(struct weir_route_plan *p, unsigned i, const struct weir_config *config,
		       const struct weir_chat *chat, int rc)
{
	struct weir_plan_step *step = &p->plan.steps[i];

	for (unsigned k = 0; k < step->pool->members_n; k++) {
		const char *reason;

		if (!(p->foreign[i] >> k & 1))
			continue;
		reason = why_not(p, target_of(config, step, k), chat, rc);
		step->unfit |= (uint64_t)(reason != NULL) << k;
		if (reason)
			p->unfit_reasons[i] = reason;
	}
	if (i == 0)
		p->unfit_param = chat->cannot_param;
}

static uint64_t all_of(const struct weir_plan_step *step)
{
	unsigned n = step->pool->members_n;

	return n >= 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;
}

/* Most steps are asked the same: it is read once for all of those. */
static void judge_foreign(struct weir_route_plan *p, const struct weir_config *config,
			  const struct weir_body *body, bool readable)
{
	const struct weir_dialect *caller = weir_dialect_of(p->route);
	struct weir_slice none = { NULL, 0 };
	struct weir_chat plain = { 0 };
	int rc = readable ? weir_body_read_chat(body, none, caller, &plain) : 0;

	p->strict = (p->chain ? p->chain : config->defaults)->translate_strict;
	for (unsigned i = 0; i < p->plan.steps_n; i++) {
		struct weir_chat own = { 0 };
		int own_rc;

		if (!p->foreign[i])
			continue;
		if (!readable || !p->overrides[i].base) {
			judge_step(p, i, config, &plain, rc);
			continue;
		}
		own_rc = weir_body_read_chat(body, p->overrides[i], caller, &own);
		judge_step(p, i, config, &own, own_rc);
		weir_chat_fini(&own);
	}
	weir_chat_fini(&plain);
}

/* Members of a step that are known not to be able; the last step's windows count only where an
 * estimate cannot be that wrong. */
static uint64_t unable(const struct weir_route_plan *p, unsigned i,
		       const struct weir_config *config, const struct weir_needs *needs,
		       const char **reason)
{
	const struct weir_plan_step *step = &p->plan.steps[i];
	uint64_t members = 0;

	for (unsigned k = 0; k < step->pool->members_n; k++) {
		const char *why = weir_needs_unmet(needs, &target_of(config, step, k)->facts,
						   i + 1 == p->plan.steps_n);

		members |= (uint64_t)(why != NULL) << k;
		*reason = why ? why : *reason;
	}
	return members;
}

/* The first step is gone past only for somebody who can. */
static void judge_limited(struct weir_route_plan *p, const struct weir_config *config,
			  const struct weir_body *body)
{
	struct weir_needs needs;
	bool others = false;

	weir_needs_read(&needs, body->members, body->members_n, body->bytes.len);
	for (unsigned i = p->plan.steps_n; i-- > 0;) {
		struct weir_plan_step *step = &p->plan.steps[i];
		const char *reason = NULL;
		uint64_t members = step->unfit | unable(p, i, config, &needs, &reason);

		if (i == 0 && !others && members == all_of(step))
			break;
		others |= members != all_of(step);
		if (members != step->unfit && reason)
			p->unfit_reasons[i] = reason;
		step->unfit = members;
	}
}

void weir_plan_judge(struct weir_route_plan *p, const struct weir_config *config,
		     const struct weir_body *body)
{
	bool readable = p->route == weir_dialect_of(p->route)->chat->route;

	p->judged = true;
	if (p->any_foreign)
		judge_foreign(p, config, body, readable);
	if (readable && p->any_limited)
		judge_limited(p, config, body);
}

static int complain(const struct weir_route_plan *p, struct weir_complaint *c)
{
	const char *reason = p->unfit_reasons[0] ? p->unfit_reasons[0] : "local_resource";

	c->status = 400;
	c->type = "invalid_request_error";
	c->code = reason;
	snprintf(c->param, sizeof c->param, "%s", p->unfit_param ? p->unfit_param : "");
	snprintf(c->message, sizeof c->message,
		 "no target of this chain can carry the request (%s); its targets speak another "
		 "API than the one it came by",
		 reason);
	return WEIR_ECONFIG;
}

int weir_plan_find_foreign(struct weir_route_plan *p, const struct weir_config *config,
			   const struct weir_body *body, struct weir_complaint *complaint)
{
	bool native = false;

	for (unsigned i = 0; i < p->plan.steps_n; i++) {
		const struct weir_plan_step *step = &p->plan.steps[i];

		for (unsigned k = 0; k < step->pool->members_n; k++) {
			const struct weir_target *target = target_of(config, step, k);

			p->foreign[i] |= (uint64_t)is_foreign(p, target) << k;
			p->any_limited |= target->facts.cannot || target->facts.context_tokens;
		}
		p->any_foreign |= p->foreign[i] != 0;
		native |= p->foreign[i] != all_of(step);
	}
	if (native)
		return 0;
	weir_plan_judge(p, config, body);
	for (unsigned i = 0; i < p->plan.steps_n; i++)
		if (p->plan.steps[i].unfit != all_of(&p->plan.steps[i]))
			return 0;
	return complain(p, complaint);
}

/* Somebody of the first step will be tried, and all of it is native. */
static bool first_is_sure(const struct weir_route_plan *p, uint64_t now_ms)
{
	const struct weir_plan *plan = &p->plan;
	struct weir_asking asking = {
		.now_ms = now_ms,
		.left_ms = plan->deadline_ms / 2,
		.tokens = plan->tokens,
		.drift_percent = plan->drift_percent,
		.roll = ROLL_WORST,
		.stream = plan->stream,
	};

	if (p->foreign[0] || plan->steps[0].unfit)
		return false;
	for (unsigned i = 0; i < plan->steps[0].pool->members_n; i++)
		if (weir_health_ask(plan->steps[0].pool->members[i].health, &asking).leave ==
		    WEIR_LEAVE_YES)
			return true;
	return false;
}

static bool mentions(const struct weir_body *body, const char *word)
{
	return weir_slice_find(weir_buf_slice(&body->bytes), word) != NULL;
}

static bool has_field(const struct weir_body *body, const char *name)
{
	for (unsigned i = 0; i < body->members_n; i++)
		if (weir_json_text_is(body->members[i].key, name))
			return true;
	return false;
}

/* Might it be known of the first step that it cannot? Only then is the request read for that. */
static bool first_may_lack(const struct weir_route_plan *p, const struct weir_config *config,
			   const struct weir_body *body)
{
	const struct weir_plan_step *step = &p->plan.steps[0];
	uint64_t window = UINT64_MAX;
	unsigned cannot = 0;

	for (unsigned k = 0; k < step->pool->members_n; k++) {
		const struct weir_model_facts *facts = &target_of(config, step, k)->facts;

		cannot |= facts->cannot;
		if (facts->context_tokens && facts->context_tokens < window)
			window = facts->context_tokens;
	}
	return body->bytes.len / 4 > window ||
	       (cannot & WEIR_ABLE_TOOLS &&
		(has_field(body, "tools") || has_field(body, "functions"))) ||
	       (cannot & WEIR_ABLE_SCHEMA &&
		(has_field(body, "response_format") || has_field(body, "output_config"))) ||
	       (cannot & (WEIR_ABLE_IMAGES | WEIR_ABLE_IMAGE_URLS) && mentions(body, "\"image")) ||
	       (cannot & WEIR_ABLE_AUDIO && mentions(body, "\"input_audio\"")) ||
	       (cannot & WEIR_ABLE_PDF &&
		(mentions(body, "\"file\"") || mentions(body, "\"document\"")));
}

bool weir_plan_must_judge(const struct weir_route_plan *p, const struct weir_config *config,
			  const struct weir_body *body, const struct weir_event *event)
{
	if (p->judged || !(p->any_foreign || p->any_limited))
		return false;
	switch (event->type) {
	case WEIR_EV_START:
		return (p->any_foreign && !first_is_sure(p, event->now_ms)) ||
		       (p->any_limited && first_may_lack(p, config, body));
	case WEIR_EV_RESULT:
	case WEIR_EV_TIMEOUT:
	case WEIR_EV_ROOM:
		return true;
	case WEIR_EV_CONNECTED:
	case WEIR_EV_REPLACED:
	case WEIR_EV_COMMIT:
	case WEIR_EV_PROGRESS:
	case WEIR_EV_HANGUP:
	case WEIR_EV_N:
		break;
	}
	return false;
}

void weir_plan_skip_first(struct weir_route_plan *p, const char *reason)
{
	p->plan.steps[0].unfit = all_of(&p->plan.steps[0]);
	p->unfit_reasons[0] = reason;
}

void weir_plan_keep_native(struct weir_route_plan *p)
{
	p->judged = true;
	for (unsigned i = 0; i < p->plan.steps_n; i++) {
		p->plan.steps[i].unfit |= p->foreign[i];
		if (p->foreign[i])
			p->unfit_reasons[i] = "cannot_go_on";
	}
}

static uint64_t account_of(const struct weir_config *config, const struct weir_plan_step *step,
			   unsigned member)
{
	return weir_bonds_account(target_of(config, step, member)->provider,
				  step->pool->members[member].key);
}

/* The first that has the route, or is that account; 0: none. */
static uint64_t find_account(const struct weir_route_plan *p, const struct weir_config *config,
			     uint64_t account)
{
	for (unsigned i = 0; i < p->plan.steps_n; i++) {
		const struct weir_plan_step *step = &p->plan.steps[i];

		for (unsigned k = 0; k < step->pool->members_n; k++) {
			uint64_t one = account_of(config, step, k);

			if (!(p->foreign[i] >> k & 1) && (!account || one == account))
				return one;
		}
	}
	return 0;
}

void weir_plan_bind(struct weir_route_plan *p, const struct weir_config *config, uint64_t account)
{
	account = account ? find_account(p, config, account) : 0;
	if (!account)
		account = find_account(p, config, 0);
	for (unsigned i = 0; i < p->plan.steps_n; i++) {
		struct weir_plan_step *step = &p->plan.steps[i];

		for (unsigned k = 0; k < step->pool->members_n; k++) {
			if (account_of(config, step, k) == account)
				continue;
			step->unfit |= UINT64_C(1) << k;
			p->unfit_reasons[i] = "other_account";
		}
	}
}
