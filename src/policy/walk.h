/* Where a request may go next: a walk over the steps of its plan, asking each member. */
#pragma once

#include "policy/plan.h"

/* A member of a step. */
struct weir_spot {
	unsigned step, member;
};

/* A step that was gone past without a try: who would have been tried, and why not. */
struct weir_passed {
	struct weir_spot spot;
	enum weir_leave leave;
};

struct weir_walk {
	const struct weir_plan *plan;
	struct weir_rng *rng;
	uint64_t give_up_ms;  /* absolute */
	unsigned attempts;    /* upstream calls so far; the first one is always started */
	bool no_reserve;      /* nothing is kept for the last step any more */
	bool hurried;         /* attempts may have less time than is configured */
	bool late;            /* the last walk left something out for lack of time */
	uint64_t window_over; /* only members with a larger context window; 0: whoever */
	uint64_t tried[WEIR_PLAN_STEPS_MAX]; /* members that had their turn: bit each */
	/* Steps gone past by the last walk that found something. */
	struct weir_passed passed[WEIR_PLAN_STEPS_MAX];
	unsigned passed_n;
};

const struct weir_member *weir_walk_member(const struct weir_walk *walk, struct weir_spot spot);
const struct weir_timers *weir_walk_timers(const struct weir_walk *walk, struct weir_spot spot);

/* Until when an attempt at this step may run: before the last one, a reserve is kept so
 * that the fallback stays reachable. */
uint64_t weir_walk_limit_ms(const struct weir_walk *walk, unsigned step);
/* Is there time for a further attempt that begins then? */
bool weir_walk_has_time(const struct weir_walk *walk, unsigned step, uint64_t at_ms);

/* What a request asks a target at this step. */
struct weir_asking weir_walk_asking(const struct weir_walk *walk, unsigned step, uint64_t now_ms);
struct weir_answer_to weir_walk_ask(const struct weir_walk *walk, struct weir_spot spot,
				    uint64_t at_ms);

/* Had its turn; whole: so have the other keys of the same target. */
void weir_walk_tried(struct weir_walk *walk, struct weir_spot spot, bool whole);

/* The first step from `from` on where somebody is in order, and who of them; a probe before
 * all. False: none. */
bool weir_walk_next(struct weir_walk *walk, unsigned from, uint64_t now_ms, struct weir_spot *spot);
/* Nobody is in order: one that may be tried all the same, of those not tried yet. First who
 * was only second best, then (desperate) who is set aside on a guess, one request at a time,
 * or open and not probed for a second. */
bool weir_walk_last_resort(struct weir_walk *walk, bool desperate, uint64_t now_ms,
			   struct weir_spot *spot);
/* Is anybody left out only because it is at its cap? */
bool weir_walk_at_cap(const struct weir_walk *walk, uint64_t now_ms);
/* Who said it returns soonest, of those who are rate limited, and when. */
bool weir_walk_stated(const struct weir_walk *walk, uint64_t now_ms, struct weir_spot *spot,
		      uint64_t *at_ms);

struct weir_survey {
	unsigned past, past_limited, past_quota; /* not tried; see struct weir_seen */
	uint64_t return_ms;                      /* the soonest any target returns; or WEIR_NEVER */
};

void weir_walk_survey(const struct weir_walk *walk, uint64_t now_ms, struct weir_survey *survey);
