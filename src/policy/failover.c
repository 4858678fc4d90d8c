#include "policy/failover.h"

#include <stddef.h>

#include "base/assert.h"
#include "policy/backoff.h"

#define TO(state) (1u << WEIR_ST_##state)

/* clang-format off: tables */

/* The request's life, and every move allowed in it. */
static const struct {
	const char *name;
	unsigned next;
} states[] = {
	[WEIR_ST_IDLE] = { "idle", TO(TRYING) | TO(OVER) },
	[WEIR_ST_TRYING] = { "trying", TO(TRYING) | TO(WAITING) | TO(RELAYING) | TO(OVER) },
	[WEIR_ST_WAITING] = { "waiting", TO(TRYING) | TO(OVER) },
	[WEIR_ST_RELAYING] = { "relaying", TO(RELAYING) | TO(OVER) },
	[WEIR_ST_OVER] = { "over", 0 },
};

#define LIMIT  "rate_limit_error"
#define SERVER "server_error"

/* What the caller is told. */
static const struct weir_final_row finals[] = {
	/*                            name  status  may return  type, code, message */
	[WEIR_FINAL_OK] = { "ok", 200, false, NULL, NULL, NULL },
	[WEIR_FINAL_OWN] = { "own", 400, false, NULL, NULL, NULL },
	[WEIR_FINAL_RATE_LIMITED] = { "rate_limited", 429, true, LIMIT, "rate_limit_exceeded",
				      "every target is rate limited" },
	[WEIR_FINAL_QUOTA] = { "quota", 429, true, LIMIT, "insufficient_quota",
			       "every target is out of quota" },
	[WEIR_FINAL_DEADLINE] = { "deadline", 504, false, SERVER, "deadline_exceeded",
				  "no target answered in time" },
	[WEIR_FINAL_OVERLOADED] = { "overloaded", 503, true, SERVER, "overloaded",
				    "the targets are overloaded" },
	[WEIR_FINAL_UNUSABLE] = { "unusable", 503, true, SERVER, "no_usable_target",
				  "no target can be used at the moment" },
	[WEIR_FINAL_EXHAUSTED] = { "exhausted", 502, false, SERVER, "chain_exhausted",
				   "every target failed" },
	[WEIR_FINAL_CUT] = { "cut", 502, false, SERVER, "stream_cut",
			     "the provider's answer was cut off" },
};

static const char *const timer_reasons[] = {
	[WEIR_TIMER_CONNECT] = "connect_timeout",
	[WEIR_TIMER_FIRST_TOKEN] = "ttfb",
	[WEIR_TIMER_ATTEMPT] = "attempt_timeout",
	[WEIR_TIMER_DEADLINE] = "deadline",
	[WEIR_TIMER_STALL] = "stall_timeout",
	[WEIR_TIMER_STREAM] = "stream_timeout",
	[WEIR_TIMER_WAIT] = "wait",
};
/* clang-format on */

_Static_assert(sizeof states / sizeof *states == WEIR_ST_N, "one row per state");
_Static_assert(sizeof finals / sizeof *finals == WEIR_FINAL_N, "one row per end");
_Static_assert(sizeof timer_reasons / sizeof *timer_reasons == WEIR_TIMER_N, "one per timer");

/* The only assignment to state. */
static void move(struct weir_failover *f, enum weir_state next)
{
	WEIR_ASSERT(states[f->state].next & 1u << next);
	f->state = next;
	f->wake_ms = WEIR_NEVER;
}

/* Of several clocks the soonest wakes us; of equal ones the first named. */
static void wake(struct weir_failover *f, enum weir_timer timer, uint64_t at_ms)
{
	if (at_ms >= f->wake_ms)
		return;
	f->wake_ms = at_ms;
	f->timer = timer;
}

static const struct weir_plan_step *here(const struct weir_failover *f)
{
	return &f->plan->steps[f->step];
}

static bool is_last(const struct weir_failover *f, unsigned step)
{
	return step + 1 == f->plan->steps_n;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Until when an attempt at this step may run: before the last one, a reserve is kept so
 * that the fallback stays reachable. */
static uint64_t limit_ms(const struct weir_failover *f, unsigned step)
{
	uint64_t reserve_ms = least(WEIR_RESERVE_MAX_MS, f->plan->deadline_ms / 4);

	return is_last(f, step) || f->waited ? f->give_up_ms : f->give_up_ms - reserve_ms;
}

static bool has_time(const struct weir_failover *f, unsigned step, uint64_t at_ms)
{
	uint64_t need_ms = least(WEIR_LEAST_ATTEMPT_MS, f->plan->deadline_ms / 10);

	return at_ms + need_ms <= limit_ms(f, step);
}

static void arm_attempt(struct weir_failover *f)
{
	const struct weir_plan_step *step = here(f);

	f->wake_ms = WEIR_NEVER;
	wake(f, WEIR_TIMER_DEADLINE, f->give_up_ms);
	wake(f, WEIR_TIMER_ATTEMPT, least(f->tried_ms + step->attempt_ms, limit_ms(f, f->step)));
	if (f->plan->stream)
		wake(f, WEIR_TIMER_FIRST_TOKEN, f->tried_ms + step->first_token_ms);
	if (!f->connected)
		wake(f, WEIR_TIMER_CONNECT, f->opened_ms + step->connect_ms);
}

static void arm_relay(struct weir_failover *f, uint64_t now_ms)
{
	f->wake_ms = WEIR_NEVER;
	wake(f, WEIR_TIMER_STREAM, f->stream_end_ms);
	wake(f, WEIR_TIMER_STALL, now_ms + here(f)->stall_ms);
}

static struct weir_action try_target(struct weir_failover *f, uint64_t now_ms, bool fallback,
				     bool repair)
{
	move(f, WEIR_ST_TRYING);
	f->attempts++;
	f->tried_ms = f->opened_ms = now_ms;
	f->connected = false;
	arm_attempt(f);
	return (struct weir_action){
		.type = WEIR_DO_TRY,
		.step = f->step,
		.key = f->key,
		.fallback = fallback,
		.repair = repair,
	};
}

static struct weir_action wait_until(struct weir_failover *f, uint64_t at_ms, bool fallback)
{
	move(f, WEIR_ST_WAITING);
	wake(f, WEIR_TIMER_WAIT, at_ms);
	return (struct weir_action){
		.type = WEIR_DO_WAIT,
		.step = f->step,
		.key = f->key,
		.fallback = fallback,
	};
}

static struct weir_action finish(struct weir_failover *f, enum weir_final final, uint64_t now_ms)
{
	struct weir_action a = { .type = WEIR_DO_FINISH, .final = final, .own = f->own };

	move(f, WEIR_ST_OVER);
	if (f->return_known && finals[final].may_return) {
		a.retry_after_stated = true;
		a.retry_after_ms = f->return_ms > now_ms ? f->return_ms - now_ms : 0;
	}
	return a;
}

/* The most actionable of all that was seen; a caller's fault never comes here. */
static enum weir_final verdict(const struct weir_failover *f)
{
	unsigned limited = f->seen[WEIR_OUT_RATE_LIMITED] + f->seen[WEIR_OUT_QUOTA];

	if (f->seen[WEIR_OUT_NOT_HERE] || f->seen[WEIR_OUT_REPAIRABLE])
		return WEIR_FINAL_OWN;
	if (f->attempts && limited == f->attempts)
		return f->seen[WEIR_OUT_RATE_LIMITED] ? WEIR_FINAL_RATE_LIMITED : WEIR_FINAL_QUOTA;
	if (f->out_of_time || (f->attempts && f->seen[WEIR_OUT_SLOW] == f->attempts))
		return WEIR_FINAL_DEADLINE;
	if (f->attempts == 0)
		return WEIR_FINAL_UNUSABLE;
	return f->seen[WEIR_OUT_OVERLOADED] ? WEIR_FINAL_OVERLOADED : WEIR_FINAL_EXHAUSTED;
}

/* Nothing else is left: a target that said when it returns is waited for, once. */
static struct weir_action run_out(struct weir_failover *f, uint64_t now_ms)
{
	uint64_t at_ms = f->stated_ms > now_ms ? f->stated_ms : now_ms;
	bool fallback = f->step != f->stated_step || f->key != f->stated_key;

	if (f->waited || f->stated_ms == WEIR_NEVER || f->attempts >= f->plan->max_attempts ||
	    at_ms > now_ms + WEIR_WAIT_OUT_MAX_MS || !has_time(f, f->plan->steps_n - 1, at_ms))
		return finish(f, verdict(f), now_ms);
	f->waited = true;
	f->step = f->stated_step;
	f->key = f->stated_key;
	f->retries = here(f)->retries;
	return wait_until(f, at_ms, fallback);
}

/* To the next step with a larger window than this one's, when the context was too long. */
static struct weir_action next_step(struct weir_failover *f, uint64_t now_ms, uint64_t window_over)
{
	bool late = false;

	if (f->waited || f->attempts >= f->plan->max_attempts)
		return run_out(f, now_ms);
	for (unsigned step = f->step + 1; step < f->plan->steps_n; step++) {
		if (window_over && f->plan->steps[step].context_tokens <= window_over)
			continue;
		if (!has_time(f, step, now_ms)) {
			late = true;
			continue;
		}
		f->step = step;
		f->key = 0;
		f->retries = 0;
		return try_target(f, now_ms, true, false);
	}
	f->out_of_time |= late;
	return run_out(f, now_ms);
}

/* However many keys a step has, every later step keeps its turn. */
static struct weir_action next_key(struct weir_failover *f, uint64_t now_ms)
{
	unsigned later = f->plan->steps_n - f->step - 1;

	if (f->waited || f->key + 1 >= here(f)->keys_n ||
	    f->attempts + later >= f->plan->max_attempts || !has_time(f, f->step, now_ms))
		return next_step(f, now_ms, 0);
	f->key++;
	return try_target(f, now_ms, true, false);
}

/* Once more here after a pause, if it failed quickly and every later step keeps its turn. */
static struct weir_action retry(struct weir_failover *f, const struct weir_event *e)
{
	unsigned later = f->plan->steps_n - f->step - 1;
	uint64_t delay_ms = weir_backoff_ms(f->retries, f->rng);

	if (e->retry_after_stated && e->retry_after_ms > delay_ms)
		delay_ms = e->retry_after_ms;
	if (f->retries >= here(f)->retries || f->attempts + later >= f->plan->max_attempts ||
	    e->now_ms - f->tried_ms >= WEIR_QUICK_MS || delay_ms > WEIR_WAIT_OUT_MAX_MS ||
	    !has_time(f, f->step, e->now_ms + delay_ms))
		return next_step(f, e->now_ms, 0);
	f->retries++;
	return wait_until(f, e->now_ms + delay_ms, false);
}

static struct weir_action repair(struct weir_failover *f, const struct weir_event *e)
{
	bool allowed = f->step == 0 ? f->plan->repair_first : f->plan->repair_later;

	if (f->step == 0 && !allowed)
		return finish(f, WEIR_FINAL_OWN, e->now_ms);
	if (!allowed || !e->can_repair || f->repaired & 1u << f->step ||
	    f->attempts >= f->plan->max_attempts || !has_time(f, f->step, e->now_ms))
		return next_step(f, e->now_ms, 0);
	f->repaired |= 1u << f->step;
	return try_target(f, e->now_ms, false, true);
}

static struct weir_action overflow(struct weir_failover *f, uint64_t now_ms)
{
	uint64_t window = here(f)->context_tokens;

	if (f->plan->overflow == WEIR_OVERFLOW_NEXT)
		return next_step(f, now_ms, 0);
	if (f->plan->overflow == WEIR_OVERFLOW_AUTO && window)
		return next_step(f, now_ms, window);
	return finish(f, WEIR_FINAL_OWN, now_ms);
}

/* The books: what was seen, whose own answer may be shown, who returns when. */
static void note(struct weir_failover *f, const struct weir_event *e)
{
	const struct weir_rule *rule = weir_outcome_rule(e->outcome);
	uint64_t away_ms = rule->bench_ms, return_ms;

	f->seen[e->outcome]++;
	if (e->outcome == WEIR_OUT_CALLER || e->outcome == WEIR_OUT_NOT_HERE ||
	    e->outcome == WEIR_OUT_REPAIRABLE)
		f->own = f->attempts - 1;
	if (rule->blame != WEIR_BLAME_KEY && rule->blame != WEIR_BLAME_TARGET)
		return;
	if (e->outcome == WEIR_OUT_CREDENTIALS || (!e->retry_after_stated && !rule->bench_ms))
		return;
	if (e->retry_after_stated)
		away_ms = least(e->retry_after_ms, rule->bench_max_ms);
	return_ms = e->now_ms + away_ms;
	if (!f->return_known || return_ms < f->return_ms)
		f->return_ms = return_ms;
	f->return_known = true;
	if (e->retry_after_stated && e->outcome == WEIR_OUT_RATE_LIMITED &&
	    return_ms < f->stated_ms) {
		f->stated_ms = return_ms;
		f->stated_step = f->step;
		f->stated_key = f->key;
	}
}

/* The attempt failed before the caller saw anything. */
static struct weir_action recover(struct weir_failover *f, const struct weir_event *e)
{
	enum weir_remedy remedy = weir_outcome_rule(e->outcome)->remedy;

	note(f, e);
	if (e->outcome == WEIR_OUT_NOT_HERE && e->overflow)
		return overflow(f, e->now_ms);
	if (e->outcome == WEIR_OUT_CALLER && e->content_policy && f->plan->policy_next) {
		f->seen[WEIR_OUT_NOT_HERE]++; /* its own answer stays the last word */
		return next_step(f, e->now_ms, 0);
	}
	if (e->outcome == WEIR_OUT_OVERLOADED && is_last(f, f->step))
		remedy = WEIR_REMEDY_SAME;

	switch (remedy) {
	case WEIR_REMEDY_SAME:
		return retry(f, e);
	case WEIR_REMEDY_NEXT_KEY:
		return next_key(f, e->now_ms);
	case WEIR_REMEDY_NEXT_STEP:
		return next_step(f, e->now_ms, 0);
	case WEIR_REMEDY_REPAIR:
		return repair(f, e);
	case WEIR_REMEDY_RETURN:
	case WEIR_REMEDY_N:
		break;
	}
	return finish(f, WEIR_FINAL_OWN, e->now_ms);
}

/* A clock ran out before commit: the deadline ends it all, any other this attempt. */
static struct weir_action timed_out(struct weir_failover *f, uint64_t now_ms)
{
	struct weir_event slow = {
		.type = WEIR_EV_RESULT,
		.now_ms = now_ms,
		.outcome = WEIR_OUT_SLOW,
	};

	if (now_ms >= f->give_up_ms)
		f->out_of_time = true;
	return recover(f, &slow);
}

static struct weir_action trying(struct weir_failover *f, const struct weir_event *e)
{
	switch (e->type) {
	case WEIR_EV_SKIPPED:
		f->attempts--;
		return next_step(f, e->now_ms, 0);
	case WEIR_EV_CONNECTED:
		f->connected = true;
		arm_attempt(f);
		return (struct weir_action){ .type = WEIR_DO_NOTHING };
	case WEIR_EV_REPLACED:
		f->connected = false;
		f->opened_ms = e->now_ms;
		arm_attempt(f);
		return (struct weir_action){ .type = WEIR_DO_NOTHING };
	case WEIR_EV_COMMIT:
		move(f, WEIR_ST_RELAYING);
		f->stream_end_ms = e->now_ms + f->plan->stream_ms;
		arm_relay(f, e->now_ms);
		return (struct weir_action){
			.type = WEIR_DO_RELAY,
			.step = f->step,
			.key = f->key,
		};
	case WEIR_EV_RESULT:
		WEIR_ASSERT(e->outcome != WEIR_OUT_OK); /* an answer is committed first */
		return recover(f, e);
	case WEIR_EV_TIMEOUT:
		return timed_out(f, e->now_ms);
	case WEIR_EV_START:
	case WEIR_EV_PROGRESS:
	case WEIR_EV_HANGUP:
	case WEIR_EV_N:
		break;
	}
	WEIR_ASSERT(!"an event that cannot happen while trying");
	return (struct weir_action){ .type = WEIR_DO_NOTHING };
}

void weir_failover_init(struct weir_failover *f, const struct weir_plan *plan, struct weir_rng *rng)
{
	WEIR_ASSERT(plan->steps_n > 0 && plan->steps_n <= WEIR_PLAN_STEPS_MAX);
	WEIR_ASSERT(plan->max_attempts > 0);
	*f = (struct weir_failover){
		.plan = plan,
		.rng = rng,
		.wake_ms = WEIR_NEVER,
		.stated_ms = WEIR_NEVER,
	};
}

struct weir_action weir_failover_step(struct weir_failover *f, const struct weir_event *e)
{
	if (e->type == WEIR_EV_HANGUP && f->state != WEIR_ST_OVER) {
		move(f, WEIR_ST_OVER);
		return (struct weir_action){ .type = WEIR_DO_ABANDON };
	}

	switch (f->state) {
	case WEIR_ST_IDLE:
		WEIR_ASSERT(e->type == WEIR_EV_START);
		f->give_up_ms = e->now_ms + f->plan->deadline_ms;
		return try_target(f, e->now_ms, false, false);

	case WEIR_ST_TRYING:
		return trying(f, e);

	case WEIR_ST_WAITING:
		WEIR_ASSERT(e->type == WEIR_EV_TIMEOUT);
		return try_target(f, e->now_ms, false, false);

	case WEIR_ST_RELAYING:
		if (e->type == WEIR_EV_PROGRESS) {
			arm_relay(f, e->now_ms);
			break;
		}
		WEIR_ASSERT(e->type == WEIR_EV_RESULT || e->type == WEIR_EV_TIMEOUT);
		if (e->type == WEIR_EV_RESULT && e->outcome == WEIR_OUT_OK)
			return finish(f, WEIR_FINAL_OK, e->now_ms);
		return finish(f, WEIR_FINAL_CUT, e->now_ms);

	case WEIR_ST_OVER: /* late news of a cancelled attempt */
	case WEIR_ST_N:
		break;
	}
	return (struct weir_action){ .type = WEIR_DO_NOTHING };
}

uint64_t weir_failover_deadline(const struct weir_failover *f)
{
	return f->wake_ms;
}

unsigned weir_plan_attempts(unsigned retries, unsigned steps_n)
{
	unsigned wanted = retries + steps_n;

	if (wanted < WEIR_ATTEMPTS_DEFAULT)
		return WEIR_ATTEMPTS_DEFAULT;
	return wanted < WEIR_ATTEMPTS_DEFAULT_MAX ? wanted : WEIR_ATTEMPTS_DEFAULT_MAX;
}

const struct weir_final_row *weir_final_row(enum weir_final final)
{
	WEIR_ASSERT(final < WEIR_FINAL_N);
	return &finals[final];
}

const char *weir_timer_reason(enum weir_timer timer)
{
	WEIR_ASSERT(timer < WEIR_TIMER_N);
	return timer_reasons[timer];
}

const char *weir_state_name(enum weir_state state)
{
	WEIR_ASSERT(state < WEIR_ST_N);
	return states[state].name;
}
