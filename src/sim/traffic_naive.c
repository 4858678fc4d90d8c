/* The baseline: three tries at each provider with a short backoff, then the next one. It
 * remembers nothing, and has no deadline but the caller's patience. */
#include "base/assert.h"
#include "sim/traffic_caller.h"

enum { TRIES = 3, BACKOFF_MS = 200 };

static uint64_t now(const struct weir_caller *caller)
{
	return caller->run->agenda.now_ms;
}

static void arm(struct weir_caller *caller, uint64_t after_ms)
{
	weir_agenda_set(&caller->run->agenda, &caller->timer, now(caller) + after_ms);
}

static struct weir_call *in_flight(struct weir_caller *caller)
{
	return caller->calls[0].phase == WEIR_CALL_IDLE ? NULL : &caller->calls[0];
}

static const struct weir_member *member(const struct weir_caller *caller)
{
	const struct weir_plan_step *step = &caller->plan.steps[caller->naive.step];

	return &step->pool->members[caller->naive.tries % step->pool->members_n];
}

static const struct weir_timers *timers(const struct weir_caller *caller)
{
	const struct weir_plan_step *step = &caller->plan.steps[caller->naive.step];

	return step->timers ? step->timers : &member(caller)->timers;
}

static void cancel(struct weir_caller *caller)
{
	struct weir_call *call = in_flight(caller);

	if (!call)
		return;
	weir_call_cancel(call);
	weir_caller_settle(caller, call, false);
}

static void reply(struct weir_caller *caller, enum weir_final final)
{
	struct weir_reply said = { .final = final, .good = final == WEIR_FINAL_OK };

	said.may_retry = final == WEIR_FINAL_EXHAUSTED;
	weir_caller_reply(caller, &said);
}

static void try_target(struct weir_caller *caller)
{
	struct weir_book *book = caller->run->book;

	if (++caller->naive.calls > book->attempts_most)
		book->attempts_most = caller->naive.calls;
	(void)weir_caller_call(caller, member(caller), caller->naive.calls);
	arm(caller, timers(caller)->connect_timeout_ms);
}

static void recover(struct weir_caller *caller)
{
	if (caller->shown) {
		reply(caller, WEIR_FINAL_CUT);
	} else if (++caller->naive.tries < TRIES) {
		arm(caller, (uint64_t)BACKOFF_MS << (caller->naive.tries - 1));
	} else if (++caller->naive.step < caller->plan.steps_n) {
		caller->naive.tries = 0;
		caller->run->book->fallbacks++;
		try_target(caller);
	} else {
		reply(caller, WEIR_FINAL_EXHAUSTED);
	}
}

static void begin(struct weir_caller *caller)
{
	caller->plan = *caller->run->traffic->plans[caller->stream];
	caller->naive.step = caller->naive.tries = caller->naive.calls = 0;
	try_target(caller);
}

static void ended(struct weir_caller *caller, struct weir_call *call, enum weir_outcome outcome)
{
	weir_caller_settle(caller, call, outcome == WEIR_OUT_OK);
	if (outcome == WEIR_OUT_OK)
		reply(caller, WEIR_FINAL_OK);
	else if (outcome == WEIR_OUT_CALLER && !caller->shown)
		reply(caller, WEIR_FINAL_OWN);
	else
		recover(caller);
}

static void news(struct weir_caller *caller, struct weir_call *call, struct weir_event *event)
{
	const struct weir_timers *t = timers(caller);

	switch (event->type) {
	case WEIR_EV_CONNECTED:
		arm(caller, caller->stream ? t->first_token_timeout_ms : t->attempt_timeout_ms);
		return;
	case WEIR_EV_COMMIT:
		weir_caller_shown(caller);
		arm(caller, t->stall_timeout_ms);
		return;
	case WEIR_EV_PROGRESS:
		arm(caller, t->stall_timeout_ms);
		return;
	case WEIR_EV_RESULT:
		ended(caller, call, event->outcome);
		return;
	case WEIR_EV_START:
	case WEIR_EV_REPLACED:
	case WEIR_EV_TIMEOUT:
	case WEIR_EV_ROOM:
	case WEIR_EV_HANGUP:
	case WEIR_EV_N:
		break;
	}
	WEIR_ASSERT(!"no news of a call");
}

static void timer(struct weir_caller *caller)
{
	if (!in_flight(caller)) {
		try_target(caller);
		return;
	}
	cancel(caller);
	recover(caller);
}

static void hangup(struct weir_caller *caller)
{
	cancel(caller);
	weir_agenda_clear(&caller->run->agenda, &caller->timer);
}

static void room(struct weir_caller *caller)
{
	(void)caller;
	WEIR_ASSERT(!"nobody waits for room");
}

const struct weir_driver weir_driver_naive = {
	.begin = begin,
	.news = news,
	.timer = timer,
	.hangup = hangup,
	.room = room,
};
