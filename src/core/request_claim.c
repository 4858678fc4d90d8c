/* What an ended request has used of its caller's limits. */
#include "core/request_private.h"
#include "dialect/cost.h"

enum { EVENT_BYTES = 160 }; /* about what an event of one token takes of a stream */

/* Whom its provider charges for it, as far as can be known: he who is shown, or was asked with
 * all of the prompt when the caller left. NULL: nobody does. */
static const struct weir_record *payee(const struct weir_request *r)
{
	if (r->route == WEIR_ROUTE_COUNT)
		return NULL;
	if (r->committed)
		return &r->records[r->server];
	return r->hung_up && r->attempt && weir_attempt_sent(r->attempt)
		       ? &r->records[r->attempt->number]
		       : NULL;
}

/* What its provider has counted, else what can be told by sizes: to leave before the count comes,
 * or before anything does, is not for nothing. */
static struct weir_usage used(const struct weir_request *r)
{
	struct weir_usage usage = r->usage;

	if (r->usage_known)
		return usage;
	if (usage.in == 0)
		usage.in = r->route_plan.plan.tokens;
	if (usage.out == 0)
		usage.out = r->body.stream ? r->shown / EVENT_BYTES : weir_plan_tokens(r->shown);
	return usage;
}

void weir_request_settle_claim(struct weir_request *r)
{
	struct weir_quota_time now = weir_gateway_time(r->gateway);
	const struct weir_record *charges = payee(r);
	struct weir_usage usage = charges ? used(r) : (struct weir_usage){ 0 };
	uint64_t nano = r->cost_nano;

	if (charges && (nano == WEIR_PRICE_UNKNOWN || !r->committed))
		nano = weir_cost(&usage, &charges->target->facts);
	if (nano == WEIR_PRICE_UNKNOWN)
		nano = 0;
	weir_claim_count(&r->claim, r->outcome, usage.in, usage.out, nano);
	weir_claim_end(&r->claim, weir_sum(usage.in, usage.out), nano, &now);
}
