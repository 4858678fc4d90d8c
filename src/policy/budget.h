/* What keeps retries from multiplying an outage: token buckets, fed by successes. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	WEIR_BUDGET_BURST = 50,
	WEIR_BUDGET_PER_RETRY = 10,  /* successes that earn one */
	WEIR_BUDGET_FLOOR_MS = 10000 /* one per this time, however few successes there are */
};

/* In-place retries of one target: at most 10 % of its successes, a burst of 50, and never
 * less than one per 10 s. Moving on to another target costs nothing here. */
struct weir_budget {
	uint32_t tokens; /* in successes: WEIR_BUDGET_PER_RETRY of them are a retry */
	uint64_t spent_ms;
	bool spent; /* ever */
};

void weir_budget_init(struct weir_budget *budget);
void weir_budget_success(struct weir_budget *budget);
bool weir_budget_has(const struct weir_budget *budget, uint64_t now_ms);
/* Charged when a retry is decided, not when it is sent: those that wait count. False: it may
 * not be. */
bool weir_budget_spend(struct weir_budget *budget, uint64_t now_ms);

/* Hedges: at most 5 % of requests, saved up for a burst of ten. */
enum { WEIR_HEDGE_REQUESTS = 20, WEIR_HEDGE_BURST = 10 };

struct weir_hedges {
	uint32_t tokens; /* in requests */
};

void weir_hedges_request(struct weir_hedges *hedges);
bool weir_hedges_spend(struct weir_hedges *hedges);
