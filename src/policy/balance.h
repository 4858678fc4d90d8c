/* Which of several equal members serves a request. */
#pragma once

#include "policy/health.h"

enum {
	WEIR_BALANCE_MEMBERS_MAX = 64, /* a bit each */
	WEIR_BALANCE_SCALE = 720720    /* a weight's unit: divides evenly among up to 16 keys */
};

enum weir_balance {
	WEIR_BALANCE_WEIGHTED,       /* smooth weighted round robin, as nginx has it */
	WEIR_BALANCE_LEAST_INFLIGHT, /* power of two choices, by weight */
	WEIR_BALANCE_LATENCY,        /* peak EWMA of the first token's time × those in flight */
	WEIR_BALANCE_COST,           /* the cheapest; among equals, least in flight */
	WEIR_BALANCE_N
};

/* All in milliseconds. */
struct weir_timers {
	uint64_t connect_timeout_ms;
	uint64_t first_token_timeout_ms; /* streams: until the first content */
	uint64_t attempt_timeout_ms;     /* until commit */
	uint64_t stall_timeout_ms;       /* after commit, between bytes */
};

/* One target in one step. */
struct weir_member {
	struct weir_health *health;
	uint32_t weight;         /* times WEIR_BALANCE_SCALE, over the keys of its target; 0: only
	                            when no other is left */
	int64_t credit;          /* of weighted round robin */
	uint64_t price;          /* nano-dollars for a million tokens; UINT64_MAX: not known */
	uint64_t context_tokens; /* the model's window; 0: not known */
	struct weir_timers timers;
	unsigned target, key; /* for who obeys: its index, and the key's, from 0 */
};

struct weir_balancer {
	enum weir_balance balance;
	unsigned members_n;
	struct weir_member *members;
};

/* One of candidates, a bit per member and not 0. stream: whose latency. affinity: the same
 * member for the same value as long as it is a candidate, values spread by weight, 0 for none
 * (rendezvous hashing: Thaler and Ravishankar, 1998). */
unsigned weir_balance_pick(struct weir_balancer *balancer, uint64_t candidates, bool stream,
			   uint64_t affinity, uint64_t now_ms, struct weir_rng *rng);

const char *weir_balance_name(enum weir_balance balance);
