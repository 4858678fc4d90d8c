/* One attempt under way: what it holds of its target, and the clocks it runs against. */
#pragma once

#include "policy/verdict.h"
#include "policy/walk.h"

/* The soonest of several clocks, and whose it is. */
struct weir_clock {
	uint64_t wake_ms; /* absolute; WEIR_NEVER: none runs */
	enum weir_timer timer;
	unsigned flight; /* whose */
};

static inline void weir_clock_stop(struct weir_clock *clock)
{
	clock->wake_ms = WEIR_NEVER;
}

/* Of equal ones the first set stays. */
static inline void weir_clock_set(struct weir_clock *clock, enum weir_timer timer, unsigned flight,
				  uint64_t at_ms)
{
	if (at_ms >= clock->wake_ms)
		return;
	clock->wake_ms = at_ms;
	clock->timer = timer;
	clock->flight = flight;
}

struct weir_flight {
	bool live, connected;
	unsigned attempt; /* its number in the request, from 0 */
	struct weir_spot spot;
	uint64_t tried_ms;  /* when it began */
	uint64_t opened_ms; /* when its connection was begun */
	struct weir_pass pass;
};

/* The next attempt of the walk, which counts it. */
void weir_flight_begin(struct weir_flight *flight, struct weir_walk *walk, struct weir_spot spot,
		       uint64_t now_ms);
/* Takes it out of the books, with what became of it. Nothing if it is not live. */
void weir_flight_end(struct weir_flight *flight, const struct weir_ending *ending,
		     struct weir_rng *rng);

/* What its target is told of this outcome. Who was given less time than its timers say (a
 * caller in haste, a wait before) is slow only if it took longer than 19 of 20 do, or, while
 * that is unknown, than WEIR_PATIENCE_MS; else one caller's haste would be everybody's outage. */
enum weir_outcome weir_flight_blame(const struct weir_flight *flight, const struct weir_walk *walk,
				    enum weir_outcome outcome, uint64_t now_ms);

/* Its own clocks, before its answer is committed; index: its place, for the clock. */
void weir_flight_arm(const struct weir_flight *flight, const struct weir_walk *walk, unsigned index,
		     struct weir_clock *clock);
/* When a second attempt may be begun beside it: once it has taken longer than 19 of 20 do. */
void weir_flight_arm_hedge(const struct weir_flight *flight, const struct weir_walk *walk,
			   struct weir_clock *clock);
