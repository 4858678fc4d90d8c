#include "policy/walk.h"

#include "base/assert.h"

enum { ROOM_SOON_MS = 1000 }; /* when a target at its cap may have room */

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

const struct weir_member *weir_walk_member(const struct weir_walk *walk, struct weir_spot spot)
{
	const struct weir_balancer *pool = walk->plan->steps[spot.step].pool;

	WEIR_ASSERT(spot.member < pool->members_n);
	return &pool->members[spot.member];
}

const struct weir_timers *weir_walk_timers(const struct weir_walk *walk, struct weir_spot spot)
{
	const struct weir_timers *own = walk->plan->steps[spot.step].timers;

	return own ? own : &weir_walk_member(walk, spot)->timers;
}

uint64_t weir_walk_limit_ms(const struct weir_walk *walk, unsigned step)
{
	uint64_t reserve_ms = least(WEIR_RESERVE_MAX_MS, walk->plan->deadline_ms / 4);
	bool last = step + 1 == walk->plan->steps_n;

	return last || walk->no_reserve ? walk->give_up_ms : walk->give_up_ms - reserve_ms;
}

bool weir_walk_has_time(const struct weir_walk *walk, unsigned step, uint64_t at_ms)
{
	uint64_t need_ms = least(WEIR_LEAST_ATTEMPT_MS, walk->plan->deadline_ms / 10);

	uint64_t limit_ms = weir_walk_limit_ms(walk, step);

	return walk->attempts == 0 || (at_ms < limit_ms && at_ms + need_ms <= limit_ms);
}

struct weir_asking weir_walk_asking(const struct weir_walk *walk, unsigned step, uint64_t now_ms)
{
	uint64_t limit_ms = weir_walk_limit_ms(walk, step);

	return (struct weir_asking){
		.now_ms = now_ms,
		.left_ms = limit_ms > now_ms ? limit_ms - now_ms : 0,
		.tokens = walk->plan->tokens,
		.drift_percent = walk->plan->drift_percent,
		.holder = walk->plan->holder,
		.stream = walk->plan->stream,
	};
}

struct weir_answer_to weir_walk_ask(const struct weir_walk *walk, struct weir_spot spot,
				    uint64_t at_ms)
{
	struct weir_asking asking = weir_walk_asking(walk, spot.step, at_ms);

	return weir_health_ask(weir_walk_member(walk, spot)->health, &asking);
}

static bool is_tried(const struct weir_walk *walk, struct weir_spot spot)
{
	return walk->tried[spot.step] >> spot.member & 1;
}

/* Too long for one window, it is for no smaller one and for none that is not known. */
static bool has_room(const struct weir_walk *walk, struct weir_spot spot)
{
	return !walk->window_over ||
	       weir_walk_member(walk, spot)->context_tokens > walk->window_over;
}

static bool is_fit(const struct weir_walk *walk, struct weir_spot spot)
{
	return !(walk->plan->steps[spot.step].unfit >> spot.member & 1);
}

/* Does the request itself allow a try there? */
static bool may_carry(const struct weir_walk *walk, struct weir_spot spot)
{
	return is_fit(walk, spot) && has_room(walk, spot);
}

void weir_walk_tried(struct weir_walk *walk, struct weir_spot spot, bool whole)
{
	const struct weir_balancer *pool = walk->plan->steps[spot.step].pool;
	unsigned target = pool->members[spot.member].target;

	walk->tried[spot.step] |= 1ull << spot.member;
	for (unsigned i = 0; whole && i < pool->members_n; i++)
		if (pool->members[i].target == target)
			walk->tried[spot.step] |= 1ull << i;
}

/* What a look at one step brings. */
struct look {
	uint64_t usable; /* members, a bit each */
	int probe;       /* one that is to be probed; -1: none */
	int best;        /* of those not usable, whose reason is the mildest; -1: none */
	enum weir_leave leave;
};

static bool is_ramping(const struct weir_balancer *pool, uint64_t now_ms)
{
	for (unsigned i = 0; i < pool->members_n; i++)
		if (weir_breaker_ramp_percent(&pool->members[i].health->breaker, now_ms) < 100)
			return true;
	return false;
}

static struct look look_at(struct weir_walk *walk, unsigned step, uint64_t now_ms)
{
	const struct weir_balancer *pool = walk->plan->steps[step].pool;
	struct weir_asking asking = weir_walk_asking(walk, step, now_ms);
	struct look look = { .probe = -1, .best = -1 };

	if (is_ramping(pool, now_ms))
		asking.roll = (unsigned)weir_rng_upto(walk->rng, 99);
	for (unsigned i = 0; i < pool->members_n; i++) {
		struct weir_spot spot = { step, i };
		enum weir_leave leave;

		if (is_tried(walk, spot) || !has_room(walk, spot))
			continue;
		leave = is_fit(walk, spot) ? weir_health_ask(pool->members[i].health, &asking).leave
					   : WEIR_LEAVE_UNFIT;
		if (leave == WEIR_LEAVE_YES) {
			look.usable |= 1ull << i;
		} else if (leave == WEIR_LEAVE_PROBE) {
			look.probe = look.probe < 0 ? (int)i : look.probe;
		} else if (look.best < 0 || leave > look.leave) {
			look.best = (int)i;
			look.leave = leave;
		}
	}
	return look;
}

static bool choose(struct weir_walk *walk, unsigned step, const struct look *look, uint64_t now_ms,
		   struct weir_spot *spot)
{
	const struct weir_plan *plan = walk->plan;

	if (look->probe < 0 && !look->usable)
		return false;
	spot->step = step;
	if (look->probe >= 0)
		spot->member = (unsigned)look->probe;
	else
		spot->member = weir_balance_pick(plan->steps[step].pool, look->usable, plan->stream,
						 plan->affinity, now_ms, walk->rng);
	return true;
}

bool weir_walk_next(struct weir_walk *walk, unsigned from, uint64_t now_ms, struct weir_spot *spot)
{
	walk->late = false;
	walk->passed_n = 0;
	for (unsigned step = from; step < walk->plan->steps_n; step++) {
		struct look look;

		if (!weir_walk_has_time(walk, step, now_ms)) {
			walk->late = true;
			continue;
		}
		look = look_at(walk, step, now_ms);
		if (choose(walk, step, &look, now_ms, spot))
			return true;
		if (look.best < 0)
			continue;
		walk->late |= look.leave == WEIR_LEAVE_TOO_SLOW;
		walk->passed[walk->passed_n++] = (struct weir_passed){
			.spot = { step, (unsigned)look.best },
			.leave = look.leave,
		};
	}
	walk->passed_n = 0;
	return false;
}

static bool serves_all_the_same(const struct weir_walk *walk, struct weir_spot spot, bool desperate,
				uint64_t now_ms)
{
	const struct weir_health *health = weir_walk_member(walk, spot)->health;
	struct weir_answer_to a = weir_walk_ask(walk, spot, now_ms);

	switch (a.leave) {
	case WEIR_LEAVE_YES:
	case WEIR_LEAVE_PROBE:
	case WEIR_LEAVE_RAMPING:
	case WEIR_LEAVE_HEARD:
	case WEIR_LEAVE_GROUP:
	case WEIR_LEAVE_DRIFTING:
	case WEIR_LEAVE_SHORT:
		return !desperate;
	case WEIR_LEAVE_TOO_SLOW:
		return !desperate && walk->attempts == 0;
	case WEIR_LEAVE_BENCHED:
		return desperate && !a.stated && !a.asked;
	case WEIR_LEAVE_OPEN:
		return desperate && weir_health_may_trickle(health, now_ms);
	case WEIR_LEAVE_UNFIT:
	case WEIR_LEAVE_AT_CAP:
	case WEIR_LEAVE_DISABLED:
	case WEIR_LEAVE_N:
		break;
	}
	return false;
}

/* Each member of each step, in order. */
static bool next_spot(const struct weir_plan *plan, struct weir_spot *spot)
{
	if (++spot->member < plan->steps[spot->step].pool->members_n)
		return true;
	spot->member = 0;
	return ++spot->step < plan->steps_n;
}

bool weir_walk_last_resort(struct weir_walk *walk, bool desperate, uint64_t now_ms,
			   struct weir_spot *found)
{
	struct weir_spot spot = { 0, 0 };

	walk->passed_n = 0;
	do {
		if (is_tried(walk, spot) || !may_carry(walk, spot) ||
		    !weir_walk_has_time(walk, spot.step, now_ms) ||
		    !serves_all_the_same(walk, spot, desperate, now_ms))
			continue;
		*found = spot;
		return true;
	} while (next_spot(walk->plan, &spot));
	return false;
}

bool weir_walk_at_cap(const struct weir_walk *walk, uint64_t now_ms)
{
	struct weir_spot spot = { 0, 0 };

	do {
		if (!is_tried(walk, spot) && may_carry(walk, spot) &&
		    weir_walk_ask(walk, spot, now_ms).leave == WEIR_LEAVE_AT_CAP)
			return true;
	} while (next_spot(walk->plan, &spot));
	return false;
}

bool weir_walk_stated(const struct weir_walk *walk, uint64_t now_ms, struct weir_spot *found,
		      uint64_t *at_ms)
{
	struct weir_spot spot = { 0, 0 };

	*at_ms = WEIR_NEVER;
	do {
		struct weir_answer_to a = weir_walk_ask(walk, spot, now_ms);

		if (a.leave != WEIR_LEAVE_BENCHED || !a.stated || a.return_ms >= *at_ms ||
		    !may_carry(walk, spot))
			continue;
		*at_ms = a.return_ms;
		*found = spot;
	} while (next_spot(walk->plan, &spot));
	return *at_ms != WEIR_NEVER;
}

/* A bad key or an unknown model returns when somebody has mended it: nobody knows when. */
static uint64_t honest_return(const struct weir_answer_to *a, uint64_t now_ms)
{
	if (a->leave == WEIR_LEAVE_AT_CAP)
		return now_ms + ROOM_SOON_MS;
	if (a->leave == WEIR_LEAVE_OPEN)
		return a->return_ms;
	if (a->leave != WEIR_LEAVE_BENCHED ||
	    (!a->stated && (a->why == WEIR_OUT_CREDENTIALS || a->why == WEIR_OUT_NOT_HERE)))
		return WEIR_NEVER;
	return a->return_ms;
}

void weir_walk_survey(const struct weir_walk *walk, uint64_t now_ms, struct weir_survey *survey)
{
	struct weir_spot spot = { 0, 0 };

	*survey = (struct weir_survey){ .return_ms = WEIR_NEVER };
	do {
		struct weir_answer_to a = weir_walk_ask(walk, spot, now_ms);
		bool benched = a.leave == WEIR_LEAVE_BENCHED;

		if (!is_fit(walk, spot))
			continue;
		survey->return_ms = least(survey->return_ms, honest_return(&a, now_ms));
		if (is_tried(walk, spot) || a.leave > WEIR_LEAVE_AT_CAP)
			continue;
		survey->past++;
		survey->past_limited += benched &&
					(a.why == WEIR_OUT_RATE_LIMITED || a.why == WEIR_OUT_QUOTA);
		survey->past_quota += benched && a.why == WEIR_OUT_QUOTA;
	} while (next_spot(walk->plan, &spot));
}
