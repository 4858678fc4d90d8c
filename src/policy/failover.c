#include "policy/failover.h"

#include <stddef.h>

#include "base/assert.h"
#include "policy/backoff.h"

#define TO(state) (1u << WEIR_ST_##state)

/* clang-format off: a table */

/* The request's life, and every move allowed in it. From relaying there is a way back only
 * where a cut stream may be gone on from. */
static const struct {
	const char *name;
	unsigned next;
} states[] = {
	[WEIR_ST_IDLE] = { "idle", TO(TRYING) | TO(WAITING) | TO(QUEUED) | TO(OVER) },
	[WEIR_ST_TRYING] = { "trying",
			     TO(TRYING) | TO(WAITING) | TO(QUEUED) | TO(RELAYING) | TO(OVER) },
	[WEIR_ST_WAITING] = { "waiting", TO(TRYING) | TO(WAITING) | TO(QUEUED) | TO(OVER) },
	[WEIR_ST_QUEUED] = { "queued", TO(TRYING) | TO(WAITING) | TO(OVER) },
	[WEIR_ST_RELAYING] = { "relaying", TO(TRYING) | TO(OVER) },
	[WEIR_ST_OVER] = { "over", 0 },
};
/* clang-format on */

_Static_assert(sizeof states / sizeof *states == WEIR_ST_N, "one row per state");

static const struct weir_action nothing = { .type = WEIR_DO_NOTHING };

/* The only assignment to state. */
static void move(struct weir_failover *f, enum weir_state next)
{
	WEIR_ASSERT(states[f->state].next & 1u << next);
	if (f->state == WEIR_ST_QUEUED)
		f->plan->queue->n--;
	if (next == WEIR_ST_QUEUED)
		f->plan->queue->n++;
	f->state = next;
	weir_clock_stop(&f->clock);
}

/* The only assignment to spot. */
static void stand_at(struct weir_failover *f, struct weir_spot spot)
{
	if (spot.step != f->spot.step)
		f->retries = 0;
	f->spot = spot;
}

static const struct weir_plan_step *here(const struct weir_failover *f)
{
	return &f->plan->steps[f->spot.step];
}

static bool is_last(const struct weir_failover *f)
{
	return f->spot.step + 1 == f->plan->steps_n;
}

/* Attempts that are left when every later step keeps its turn. */
static bool is_spare(const struct weir_failover *f)
{
	return f->walk.attempts + (f->plan->steps_n - f->spot.step - 1) < f->plan->max_attempts;
}

static void arm_attempts(struct weir_failover *f)
{
	weir_clock_stop(&f->clock);
	weir_clock_set(&f->clock, WEIR_TIMER_DEADLINE, 0, f->walk.give_up_ms);
	weir_flight_arm(&f->flights[0], &f->walk, 0, &f->clock);
	if (f->flights[1].live)
		weir_flight_arm(&f->flights[1], &f->walk, 1, &f->clock);
	else if (f->plan->hedge && !f->plan->stateful && !f->hedged && !f->shown)
		weir_flight_arm_hedge(&f->flights[0], &f->walk, &f->clock);
}

void weir_failover_progress(struct weir_failover *f, uint64_t now_ms)
{
	const struct weir_timers *timers = weir_walk_timers(&f->walk, f->spot);

	weir_clock_stop(&f->clock);
	weir_clock_set(&f->clock, WEIR_TIMER_STREAM, 0, f->walk.give_up_ms);
	weir_clock_set(&f->clock, WEIR_TIMER_STALL, 0, now_ms + timers->stall_timeout_ms);
}

static void end_flight(struct weir_failover *f, unsigned i, const struct weir_event *e,
		       enum weir_outcome outcome)
{
	struct weir_ending ending = { .outcome = outcome, .now_ms = e->now_ms };

	if (e->type == WEIR_EV_RESULT && e->outcome == outcome) {
		ending.model_unknown = e->model_unknown;
		ending.model_refused = e->model_refused;
		ending.never_fits = e->never_fits;
		ending.stated = e->retry_after_stated;
		ending.after_ms = e->retry_after_ms;
	}
	if (e->type == WEIR_EV_RESULT && e->local)
		ending.outcome = WEIR_OUT_HANGUP;
	weir_flight_end(&f->flights[i], &ending, f->rng);
}

/* The caller sees no more of them; they are nobody's fault. */
static void end_all(struct weir_failover *f, const struct weir_event *e)
{
	end_flight(f, 0, e, WEIR_OUT_HANGUP);
	end_flight(f, 1, e, WEIR_OUT_HANGUP);
}

static struct weir_action try_spot(struct weir_failover *f, struct weir_spot spot, uint64_t now_ms,
				   bool fallback)
{
	struct weir_action a = { .type = WEIR_DO_TRY, .spot = spot, .resume = f->shown };

	stand_at(f, spot);
	move(f, WEIR_ST_TRYING);
	weir_flight_begin(&f->flights[0], &f->walk, spot, now_ms);
	arm_attempts(f);
	a.attempt = f->flights[0].attempt;
	a.fallback = fallback || f->walk.passed_n;
	f->fallbacks += a.fallback;
	return a;
}

static struct weir_action wait_for(struct weir_failover *f, struct weir_spot spot, uint64_t at_ms,
				   bool fallback)
{
	stand_at(f, spot);
	move(f, WEIR_ST_WAITING);
	weir_clock_set(&f->clock, WEIR_TIMER_DEADLINE, 0, f->walk.give_up_ms);
	weir_clock_set(&f->clock, WEIR_TIMER_WAIT, 0, at_ms);
	f->fallbacks += fallback;
	return (struct weir_action){ .type = WEIR_DO_WAIT, .spot = spot, .fallback = fallback };
}

static struct weir_action queue(struct weir_failover *f, uint64_t now_ms)
{
	f->queued = f->walk.hurried = true;
	move(f, WEIR_ST_QUEUED);
	weir_clock_set(&f->clock, WEIR_TIMER_DEADLINE, 0, f->walk.give_up_ms);
	weir_clock_set(&f->clock, WEIR_TIMER_QUEUE, 0, now_ms + WEIR_QUEUE_MS);
	return (struct weir_action){ .type = WEIR_DO_QUEUE };
}

static struct weir_action finish_as(struct weir_failover *f, enum weir_final final, uint64_t now_ms)
{
	struct weir_action a = { .type = WEIR_DO_FINISH, .final = final, .own = f->seen.own };
	struct weir_survey survey;

	move(f, WEIR_ST_OVER);
	if (!weir_final_row(final)->may_return)
		return a;
	weir_walk_survey(&f->walk, now_ms, &survey);
	a.retry_after_stated = survey.return_ms != WEIR_NEVER;
	if (a.retry_after_stated)
		a.retry_after_ms = survey.return_ms > now_ms ? survey.return_ms - now_ms : 0;
	return a;
}

static struct weir_action finish(struct weir_failover *f, uint64_t now_ms)
{
	struct weir_survey survey;

	if (f->shown)
		return finish_as(f, WEIR_FINAL_CUT, now_ms);
	weir_walk_survey(&f->walk, now_ms, &survey);
	f->seen.past = survey.past;
	f->seen.past_limited = survey.past_limited;
	f->seen.past_quota = survey.past_quota;
	return finish_as(f, weir_verdict_of(&f->seen, f->out_of_time), now_ms);
}

static bool may_queue(const struct weir_failover *f, uint64_t now_ms)
{
	return f->plan->queue && !f->queued && !f->shown && f->plan->queue->n < WEIR_QUEUE_MAX &&
	       now_ms < f->walk.give_up_ms && weir_walk_at_cap(&f->walk, now_ms);
}

/* Nobody is in order. In this order: who was only second best; room at a target that is at
 * its cap; a guess that may have been wrong; who said when it returns, once. */
static struct weir_action run_out(struct weir_failover *f, uint64_t now_ms)
{
	bool may_try = f->walk.attempts < f->plan->max_attempts && !f->waited;
	struct weir_spot spot;
	uint64_t at_ms;

	if (may_try && weir_walk_last_resort(&f->walk, false, now_ms, &spot))
		return try_spot(f, spot, now_ms, f->walk.attempts > 0);
	if (may_try && may_queue(f, now_ms))
		return queue(f, now_ms);
	if (may_try && weir_walk_last_resort(&f->walk, true, now_ms, &spot))
		return try_spot(f, spot, now_ms, f->walk.attempts > 0);
	if (!may_try || f->shown || !weir_walk_stated(&f->walk, now_ms, &spot, &at_ms) ||
	    at_ms > now_ms + WEIR_WAIT_OUT_MAX_MS || at_ms >= f->walk.give_up_ms)
		return finish(f, now_ms);
	f->waited = f->walk.no_reserve = f->walk.hurried = true;
	if (!weir_walk_has_time(&f->walk, f->plan->steps_n - 1, at_ms))
		return finish(f, now_ms);
	return wait_for(f, spot, at_ms,
			f->walk.attempts &&
				(spot.step != f->spot.step || spot.member != f->spot.member));
}

/* To whoever is next in order. */
static struct weir_action go_on(struct weir_failover *f, uint64_t now_ms)
{
	unsigned from = is_spare(f) || f->walk.attempts == 0 ? f->spot.step : f->spot.step + 1;
	struct weir_spot spot;

	if (f->waited || f->walk.attempts >= f->plan->max_attempts)
		return run_out(f, now_ms);
	if (weir_walk_next(&f->walk, from, now_ms, &spot))
		return try_spot(f, spot, now_ms, f->walk.attempts > 0);
	f->out_of_time |= f->walk.late;
	return run_out(f, now_ms);
}

/* This target as a whole has had its turn. */
static struct weir_action leave(struct weir_failover *f, uint64_t now_ms)
{
	weir_walk_tried(&f->walk, f->spot, true);
	return go_on(f, now_ms);
}

/* Once more here after a pause: if it failed quickly, every later step keeps its turn, its
 * breaker still lets it through, and this target's retries are not used up. */
static struct weir_action retry(struct weir_failover *f, const struct weir_event *e)
{
	struct weir_health *health = weir_walk_member(&f->walk, f->spot)->health;
	uint64_t delay_ms = weir_backoff_ms(f->retries, f->rng), at_ms;

	if (e->retry_after_stated && e->retry_after_ms > delay_ms)
		delay_ms = e->retry_after_ms;
	at_ms = e->now_ms + delay_ms;
	if (f->shown || f->retries >= here(f)->retries || !is_spare(f) ||
	    e->now_ms - f->flights[0].tried_ms >= WEIR_QUICK_MS ||
	    delay_ms > WEIR_WAIT_OUT_MAX_MS || !weir_walk_has_time(&f->walk, f->spot.step, at_ms) ||
	    weir_walk_ask(&f->walk, f->spot, at_ms).leave <= WEIR_LEAVE_AT_CAP ||
	    !weir_budget_spend(&health->model->budget, e->now_ms))
		return leave(f, e->now_ms);
	f->retries++;
	f->retrying = true;
	return wait_for(f, f->spot, at_ms, false);
}

static struct weir_action repair(struct weir_failover *f, const struct weir_event *e)
{
	bool first = f->spot.step == 0;
	bool allowed = e->added || (first ? f->plan->repair_first : f->plan->repair_later);
	struct weir_action a;

	if (first && !allowed && !f->shown)
		return finish_as(f, WEIR_FINAL_OWN, e->now_ms);
	if (!allowed || !e->can_repair ||
	    weir_walk_ask(&f->walk, f->spot, e->now_ms).leave <= WEIR_LEAVE_AT_CAP ||
	    f->repaired & 1u << f->spot.step || f->walk.attempts >= f->plan->max_attempts ||
	    !weir_walk_has_time(&f->walk, f->spot.step, e->now_ms))
		return leave(f, e->now_ms);
	f->repaired |= 1u << f->spot.step;
	a = try_spot(f, f->spot, e->now_ms, false);
	a.repair = true;
	return a;
}

/* From here on only a larger window is of use. */
static void note_overflow(struct weir_failover *f, struct weir_spot spot)
{
	uint64_t window = weir_walk_member(&f->walk, spot)->context_tokens;

	if (f->plan->overflow == WEIR_OVERFLOW_AUTO && !f->shown && window > f->walk.window_over)
		f->walk.window_over = window;
}

static struct weir_action overflow(struct weir_failover *f, uint64_t now_ms)
{
	if (f->shown || f->plan->overflow == WEIR_OVERFLOW_NEXT || f->walk.window_over)
		return leave(f, now_ms);
	return finish_as(f, WEIR_FINAL_OWN, now_ms);
}

static bool is_own(enum weir_outcome outcome)
{
	return outcome == WEIR_OUT_CALLER || outcome == WEIR_OUT_NOT_HERE ||
	       outcome == WEIR_OUT_REPAIRABLE;
}

/* Of two attempts one failed: the other goes on. */
static struct weir_action drop(struct weir_failover *f, unsigned failed)
{
	struct weir_action a = { .type = WEIR_DO_DROP, .attempt = f->flights[failed].attempt };

	if (failed == 0) {
		f->flights[0] = f->flights[1];
		f->flights[1] = (struct weir_flight){ .live = false };
		stand_at(f, f->flights[0].spot);
		f->fallbacks++;
	}
	arm_attempts(f);
	return a;
}

/* What may be sent a second time? A request that acts may only if it never left. */
static bool may_repeat(const struct weir_failover *f, const struct weir_event *e)
{
	return !f->plan->stateful || e->unsent;
}

static struct weir_action remedy(struct weir_failover *f, const struct weir_event *e)
{
	enum weir_remedy remedy = weir_outcome_rule(e->outcome)->remedy;

	if (e->outcome == WEIR_OUT_OVERLOADED && is_last(f))
		remedy = WEIR_REMEDY_SAME;
	switch (remedy) {
	case WEIR_REMEDY_SAME:
		return retry(f, e);
	case WEIR_REMEDY_NEXT_KEY:
		return go_on(f, e->now_ms);
	case WEIR_REMEDY_NEXT_STEP:
		return leave(f, e->now_ms);
	case WEIR_REMEDY_REPAIR:
		return repair(f, e);
	case WEIR_REMEDY_RETURN:
		if (f->shown) /* gone on from what the caller has seen, it is not his fault */
			return leave(f, e->now_ms);
		break;
	case WEIR_REMEDY_N:
		break;
	}
	return finish_as(f, WEIR_FINAL_OWN, e->now_ms);
}

/* An attempt failed before the caller saw anything of it. */
static struct weir_action recover(struct weir_failover *f, unsigned i, const struct weir_event *e)
{
	bool opted_out = e->outcome == WEIR_OUT_CALLER && e->content_policy && f->plan->policy_next;

	f->seen.tried[e->outcome]++;
	f->seen.attempts++;
	if (is_own(e->outcome) && !f->shown)
		f->seen.own = f->flights[i].attempt;
	if (opted_out) /* its own answer stays the last word */
		f->seen.tried[WEIR_OUT_NOT_HERE]++;
	if (e->outcome == WEIR_OUT_NOT_HERE && e->overflow)
		note_overflow(f, f->flights[i].spot);
	weir_health_learn(&f->flights[i].pass, &e->limits, e->now_ms);
	end_flight(f, i, e, weir_flight_blame(&f->flights[i], &f->walk, e->outcome, e->now_ms));
	if (f->flights[!i].live && (opted_out || e->outcome != WEIR_OUT_CALLER) &&
	    e->now_ms < f->walk.give_up_ms)
		return drop(f, i);
	end_all(f, e);
	if (!may_repeat(f, e) && (opted_out || e->outcome != WEIR_OUT_CALLER))
		return finish(f, e->now_ms);
	if (opted_out)
		return leave(f, e->now_ms);
	if (e->outcome == WEIR_OUT_NOT_HERE && e->overflow)
		return overflow(f, e->now_ms);
	return remedy(f, e);
}

static struct weir_action hedge(struct weir_failover *f, uint64_t now_ms)
{
	struct weir_health *first = weir_walk_member(&f->walk, f->spot)->health;
	struct weir_spot spot;

	f->hedged = true;
	if (f->plan->hedges && is_spare(f) && f->plan->hedges->tokens >= WEIR_HEDGE_REQUESTS &&
	    weir_budget_has(&first->model->budget, now_ms) &&
	    weir_walk_next(&f->walk, f->spot.step, now_ms, &spot)) {
		weir_hedges_spend(f->plan->hedges);
		weir_budget_spend(&first->model->budget, now_ms);
		f->walk.passed_n = 0;
		weir_flight_begin(&f->flights[1], &f->walk, spot, now_ms);
		arm_attempts(f);
		return (struct weir_action){
			.type = WEIR_DO_HEDGE,
			.attempt = f->flights[1].attempt,
			.spot = spot,
		};
	}
	arm_attempts(f);
	return nothing;
}

/* A clock ran out before commit: the deadline ends it all, any other this attempt. */
static struct weir_action timed_out(struct weir_failover *f, const struct weir_event *e)
{
	struct weir_event slow = *e;

	if (f->clock.timer == WEIR_TIMER_HEDGE && e->now_ms < f->walk.give_up_ms)
		return hedge(f, e->now_ms);
	slow.type = WEIR_EV_RESULT;
	slow.outcome = WEIR_OUT_SLOW;
	if (e->now_ms >= f->walk.give_up_ms)
		f->out_of_time = true;
	return recover(f, f->clock.flight, &slow);
}

static unsigned flight_of(const struct weir_failover *f, unsigned attempt)
{
	unsigned i = f->flights[1].live && f->flights[1].attempt == attempt;

	WEIR_ASSERT(f->flights[i].live && f->flights[i].attempt == attempt);
	return i;
}

static struct weir_action commit(struct weir_failover *f, unsigned i, const struct weir_event *e)
{
	struct weir_flight *flight = &f->flights[i];

	weir_health_learn(&flight->pass, &e->limits, e->now_ms);
	weir_health_commit(&flight->pass, e->now_ms);
	end_flight(f, !i, e, WEIR_OUT_HANGUP);
	if (i == 1) {
		f->flights[0] = f->flights[1];
		f->flights[1] = (struct weir_flight){ .live = false };
		f->fallbacks++;
	}
	stand_at(f, f->flights[0].spot);
	move(f, WEIR_ST_RELAYING);
	if (!f->shown)
		f->walk.give_up_ms = e->now_ms + f->plan->stream_ms;
	f->shown = f->walk.no_reserve = true;
	weir_failover_progress(f, e->now_ms);
	return (struct weir_action){
		.type = WEIR_DO_RELAY,
		.attempt = f->flights[0].attempt,
		.spot = f->spot,
	};
}

static struct weir_action trying(struct weir_failover *f, const struct weir_event *e)
{
	struct weir_flight *flight;

	switch (e->type) {
	case WEIR_EV_CONNECTED:
		f->flights[flight_of(f, e->attempt)].connected = true;
		arm_attempts(f);
		return nothing;
	case WEIR_EV_REPLACED:
		flight = &f->flights[flight_of(f, e->attempt)];
		flight->connected = false;
		flight->opened_ms = e->now_ms;
		arm_attempts(f);
		return nothing;
	case WEIR_EV_COMMIT:
		return commit(f, flight_of(f, e->attempt), e);
	case WEIR_EV_RESULT:
		WEIR_ASSERT(e->outcome != WEIR_OUT_OK);     /* an answer is committed first */
		WEIR_ASSERT(e->outcome != WEIR_OUT_HANGUP); /* that is an event of its own */
		return recover(f, flight_of(f, e->attempt), e);
	case WEIR_EV_TIMEOUT:
		return timed_out(f, e);
	case WEIR_EV_START:
	case WEIR_EV_PROGRESS:
	case WEIR_EV_ROOM:
	case WEIR_EV_HANGUP:
	case WEIR_EV_N:
		break;
	}
	WEIR_ASSERT(!"an event that cannot happen while trying");
	return nothing;
}

/* The pause is over; in the meantime others may have found out more. */
static struct weir_action waited(struct weir_failover *f, uint64_t now_ms)
{
	enum weir_leave word = weir_walk_ask(&f->walk, f->spot, now_ms).leave;
	bool in_place = f->retrying;

	f->retrying = false;
	if (now_ms >= f->walk.give_up_ms) {
		f->out_of_time = true;
		return finish(f, now_ms);
	}
	if (word > WEIR_LEAVE_AT_CAP)
		return try_spot(f, f->spot, now_ms, false);
	return in_place ? leave(f, now_ms) : run_out(f, now_ms);
}

static struct weir_action queued(struct weir_failover *f, const struct weir_event *e)
{
	struct weir_spot spot;

	WEIR_ASSERT(e->type == WEIR_EV_ROOM || e->type == WEIR_EV_TIMEOUT);
	if (e->now_ms >= f->walk.give_up_ms) {
		f->out_of_time = true;
		return finish(f, e->now_ms);
	}
	if (weir_walk_next(&f->walk, 0, e->now_ms, &spot))
		return try_spot(f, spot, e->now_ms, f->walk.attempts > 0);
	return e->type == WEIR_EV_ROOM ? nothing : run_out(f, e->now_ms);
}

/* The caller has seen the beginning: an honest end, or the rest from somebody else. */
static struct weir_action cut(struct weir_failover *f, const struct weir_event *e)
{
	end_flight(f, 0, e, e->outcome);
	if (!f->plan->resume || !e->can_resume || e->now_ms >= f->walk.give_up_ms)
		return finish_as(f, WEIR_FINAL_CUT, e->now_ms);
	return leave(f, e->now_ms);
}

static struct weir_action relaying(struct weir_failover *f, const struct weir_event *e)
{
	struct weir_event stalled = *e;

	switch (e->type) {
	case WEIR_EV_PROGRESS:
		weir_failover_progress(f, e->now_ms);
		return nothing;
	case WEIR_EV_RESULT:
		WEIR_ASSERT(e->outcome != WEIR_OUT_HANGUP);
		if (e->outcome != WEIR_OUT_OK)
			return cut(f, e);
		end_flight(f, 0, e, WEIR_OUT_OK);
		return finish_as(f, WEIR_FINAL_OK, e->now_ms);
	case WEIR_EV_TIMEOUT:
		if (f->clock.timer == WEIR_TIMER_STREAM) /* it went on to the last */
			end_all(f, e);
		stalled.type = WEIR_EV_RESULT;
		stalled.outcome = WEIR_OUT_CUT;
		return cut(f, &stalled);
	case WEIR_EV_START:
	case WEIR_EV_CONNECTED:
	case WEIR_EV_REPLACED:
	case WEIR_EV_COMMIT:
	case WEIR_EV_ROOM:
	case WEIR_EV_HANGUP:
	case WEIR_EV_N:
		break;
	}
	WEIR_ASSERT(!"an event that cannot happen while relaying");
	return nothing;
}

void weir_failover_init(struct weir_failover *f, const struct weir_plan *plan, struct weir_rng *rng)
{
	WEIR_ASSERT(plan->steps_n > 0 && plan->steps_n <= WEIR_PLAN_STEPS_MAX);
	WEIR_ASSERT(plan->max_attempts > 0);
	*f = (struct weir_failover){
		.plan = plan,
		.rng = rng,
		.clock = { .wake_ms = WEIR_NEVER },
		.walk = { .plan = plan, .rng = rng, .hurried = plan->hurried },
	};
}

struct weir_action weir_failover_step(struct weir_failover *f, const struct weir_event *e)
{
	f->walk.passed_n = 0;
	if (e->type == WEIR_EV_HANGUP && f->state != WEIR_ST_OVER) {
		end_all(f, e);
		move(f, WEIR_ST_OVER);
		return (struct weir_action){ .type = WEIR_DO_ABANDON };
	}

	switch (f->state) {
	case WEIR_ST_IDLE:
		WEIR_ASSERT(e->type == WEIR_EV_START);
		f->walk.give_up_ms = e->now_ms + f->plan->deadline_ms;
		if (f->plan->hedges)
			weir_hedges_request(f->plan->hedges);
		return go_on(f, e->now_ms);

	case WEIR_ST_TRYING:
		return trying(f, e);

	case WEIR_ST_WAITING:
		WEIR_ASSERT(e->type == WEIR_EV_TIMEOUT);
		return waited(f, e->now_ms);

	case WEIR_ST_QUEUED:
		return queued(f, e);

	case WEIR_ST_RELAYING:
		return relaying(f, e);

	case WEIR_ST_OVER: /* late news of a cancelled attempt */
	case WEIR_ST_N:
		break;
	}
	return nothing;
}

uint64_t weir_failover_deadline(const struct weir_failover *f)
{
	return f->clock.wake_ms;
}

const char *weir_state_name(enum weir_state state)
{
	WEIR_ASSERT(state < WEIR_ST_N);
	return states[state].name;
}
