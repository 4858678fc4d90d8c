#include "policy/budget.h"

enum {
	TOKENS_MAX = WEIR_BUDGET_BURST * WEIR_BUDGET_PER_RETRY,
	HEDGE_TOKENS_MAX = WEIR_HEDGE_BURST * WEIR_HEDGE_REQUESTS
};

void weir_budget_init(struct weir_budget *budget)
{
	*budget = (struct weir_budget){ .tokens = TOKENS_MAX };
}

void weir_budget_success(struct weir_budget *budget)
{
	if (budget->tokens < TOKENS_MAX)
		budget->tokens++;
}

bool weir_budget_has(const struct weir_budget *budget, uint64_t now_ms)
{
	return budget->tokens >= WEIR_BUDGET_PER_RETRY || !budget->spent ||
	       (now_ms >= budget->spent_ms && now_ms - budget->spent_ms >= WEIR_BUDGET_FLOOR_MS);
}

bool weir_budget_spend(struct weir_budget *budget, uint64_t now_ms)
{
	if (!weir_budget_has(budget, now_ms))
		return false;
	/* What the floor gives takes the rest: it is no extra to what is earned. */
	if (budget->tokens < WEIR_BUDGET_PER_RETRY)
		budget->tokens = 0;
	else
		budget->tokens -= WEIR_BUDGET_PER_RETRY;
	budget->spent = true;
	budget->spent_ms = now_ms;
	return true;
}

void weir_hedges_request(struct weir_hedges *hedges)
{
	if (hedges->tokens < HEDGE_TOKENS_MAX)
		hedges->tokens++;
}

bool weir_hedges_spend(struct weir_hedges *hedges)
{
	if (hedges->tokens < WEIR_HEDGE_REQUESTS)
		return false;
	hedges->tokens -= WEIR_HEDGE_REQUESTS;
	return true;
}
