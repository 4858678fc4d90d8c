#include "policy/flight.h"

#include "base/assert.h"

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void weir_flight_begin(struct weir_flight *flight, struct weir_walk *walk, struct weir_spot spot,
		       uint64_t now_ms)
{
	struct weir_asking asking = weir_walk_asking(walk, spot.step, now_ms);

	WEIR_ASSERT(!flight->live);
	*flight = (struct weir_flight){
		.live = true,
		.attempt = walk->attempts++,
		.spot = spot,
		.tried_ms = now_ms,
		.opened_ms = now_ms,
	};
	weir_health_begin(weir_walk_member(walk, spot)->health, &asking, &flight->pass);
	weir_walk_tried(walk, spot, false);
}

void weir_flight_end(struct weir_flight *flight, const struct weir_ending *ending,
		     struct weir_rng *rng)
{
	if (!flight->live)
		return;
	weir_health_end(&flight->pass, ending, rng);
	flight->live = false;
}

enum weir_outcome weir_flight_blame(const struct weir_flight *flight, const struct weir_walk *walk,
				    enum weir_outcome outcome, uint64_t now_ms)
{
	const struct weir_health *health = weir_walk_member(walk, flight->spot)->health;
	const struct weir_timers *timers = weir_walk_timers(walk, flight->spot);
	uint64_t took_ms = now_ms - flight->tried_ms, usual_ms;

	if (outcome != WEIR_OUT_SLOW || !walk->hurried || took_ms >= timers->attempt_timeout_ms ||
	    (walk->plan->stream && took_ms >= timers->first_token_timeout_ms) ||
	    (!flight->connected && now_ms - flight->opened_ms >= timers->connect_timeout_ms))
		return outcome;
	usual_ms = weir_latency_percentile_ms(&health->latency[walk->plan->stream], 95);
	return took_ms < (usual_ms ? usual_ms : WEIR_PATIENCE_MS) ? WEIR_OUT_HANGUP : outcome;
}

void weir_flight_arm(const struct weir_flight *flight, const struct weir_walk *walk, unsigned index,
		     struct weir_clock *clock)
{
	const struct weir_timers *timers = weir_walk_timers(walk, flight->spot);
	uint64_t limit_ms = weir_walk_limit_ms(walk, flight->spot.step);
	uint64_t attempt_ms = timers->attempt_timeout_ms, first_ms = timers->first_token_timeout_ms;
	uint64_t wish_ms = walk->plan->steps[flight->spot.step].attempt_ms;

	if (wish_ms == 0)
		wish_ms = walk->plan->attempt_ms;
	if (wish_ms) {
		attempt_ms = wish_ms;
		first_ms = least(first_ms, attempt_ms);
	}
	weir_clock_set(clock, WEIR_TIMER_ATTEMPT, index,
		       least(flight->tried_ms + attempt_ms, limit_ms));
	if (walk->plan->stream)
		weir_clock_set(clock, WEIR_TIMER_FIRST_TOKEN, index, flight->tried_ms + first_ms);
	if (!flight->connected)
		weir_clock_set(clock, WEIR_TIMER_CONNECT, index,
			       flight->opened_ms + timers->connect_timeout_ms);
}

void weir_flight_arm_hedge(const struct weir_flight *flight, const struct weir_walk *walk,
			   struct weir_clock *clock)
{
	const struct weir_health *health = weir_walk_member(walk, flight->spot)->health;
	uint64_t after_ms = weir_latency_percentile_ms(&health->latency[walk->plan->stream], 95);

	if (after_ms == 0)
		return;
	if (after_ms < WEIR_HEDGE_LEAST_MS)
		after_ms = WEIR_HEDGE_LEAST_MS;
	weir_clock_set(clock, WEIR_TIMER_HEDGE, 0, flight->tried_ms + after_ms);
}
