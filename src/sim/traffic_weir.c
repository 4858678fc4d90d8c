/* Requests under the policy: each event goes to the failover machine, each action is obeyed,
 * as core/request.c does. */
#include "base/assert.h"
#include "sim/traffic_caller.h"

enum { MS_PER_S = 1000 };

static uint64_t now(const struct weir_caller *caller)
{
	return caller->run->agenda.now_ms;
}

static struct weir_probing *probing(struct weir_caller *caller, const struct weir_call *call)
{
	return &caller->run->probing[call->target * WEIR_SITE_KEYS_MAX + call->key];
}

/* A probe has done its work with its first content. */
static void end_probe(struct weir_caller *caller, struct weir_call *call)
{
	struct weir_probing *probe = &caller->probes[call - caller->calls];
	struct weir_probing *all = probing(caller, call);

	if (probe->n && probe->epoch == all->epoch)
		all->n--;
	probe->n = 0;
}

/* What it held is free: others may be waiting for it. */
static void settle(struct weir_caller *caller, struct weir_call *call, bool good)
{
	struct weir_run *run = caller->run;

	weir_caller_settle(caller, call, good);
	end_probe(caller, call);
	run->roomy |= UINT32_C(1) << caller->worker;
	if (!weir_list_empty(&run->queued))
		weir_agenda_set(&run->agenda, &run->room, run->agenda.now_ms);
}

static void cancel(struct weir_caller *caller, struct weir_call *call)
{
	if (call->phase == WEIR_CALL_IDLE)
		return;
	weir_call_cancel(call);
	settle(caller, call, false);
}

static void cancel_all_but(struct weir_caller *caller, const struct weir_call *but)
{
	for (unsigned i = 0; i < WEIR_CALLS_AT_ONCE; i++)
		if (&caller->calls[i] != but)
			cancel(caller, &caller->calls[i]);
}

static struct weir_call *call_of(struct weir_caller *caller, unsigned attempt)
{
	for (unsigned i = 0; i < WEIR_CALLS_AT_ONCE; i++)
		if (caller->calls[i].phase != WEIR_CALL_IDLE && caller->calls[i].attempt == attempt)
			return &caller->calls[i];
	return NULL;
}

static const struct weir_pass *pass_of(const struct weir_failover *f, unsigned attempt)
{
	unsigned i = f->flights[1].live && f->flights[1].attempt == attempt;

	WEIR_ASSERT(f->flights[i].live && f->flights[i].attempt == attempt);
	return &f->flights[i].pass;
}

static void begin_probe(struct weir_caller *caller, struct weir_call *call, unsigned epoch)
{
	struct weir_book *book = caller->run->book;
	struct weir_probing *all = probing(caller, call);

	if (all->epoch != epoch)
		*all = (struct weir_probing){ .epoch = epoch };
	caller->probes[call - caller->calls] = (struct weir_probing){ epoch, 1 };
	book->probes++;
	if (++all->n > book->probes_most)
		book->probes_most = all->n;
}

static void try_target(struct weir_caller *caller, const struct weir_action *action)
{
	struct weir_book *book = caller->run->book;
	const struct weir_pass *pass;
	struct weir_call *call;

	call = weir_caller_call(caller, weir_walk_member(&caller->failover.walk, action->spot),
				action->attempt);
	if (action->attempt + 1 > book->attempts_most)
		book->attempts_most = action->attempt + 1;
	pass = pass_of(&caller->failover, action->attempt);
	if (pass->ticket.probe)
		begin_probe(caller, call, pass->ticket.epoch);
}

static void finish(struct weir_caller *caller, const struct weir_action *action)
{
	struct weir_reply reply = { .final = action->final };

	cancel_all_but(caller, NULL);
	reply.good = action->final == WEIR_FINAL_OK;
	/* Whole seconds, as in the header; without it, or with a longer one, the answer says
	 * x-should-retry: false. The provider's own answers are no SDK's to repeat. */
	reply.after_stated = action->retry_after_stated;
	reply.after_ms = (action->retry_after_ms + MS_PER_S - 1) / MS_PER_S * MS_PER_S;
	if (reply.after_ms == 0)
		reply.after_ms = MS_PER_S;
	reply.may_retry = action->retry_after_stated &&
			  action->retry_after_ms <= WEIR_SHOULD_RETRY_MS &&
			  action->final != WEIR_FINAL_OWN && action->final != WEIR_FINAL_CUT;
	weir_caller_reply(caller, &reply);
}

static void queue(struct weir_caller *caller)
{
	cancel_all_but(caller, NULL);
	caller->run->book->queued++;
	weir_list_push(&caller->run->queued, &caller->queued);
}

static void obey(struct weir_caller *caller, const struct weir_action *action)
{
	struct weir_call *call;

	switch (action->type) {
	case WEIR_DO_NOTHING:
		return;
	case WEIR_DO_TRY:
		cancel_all_but(caller, NULL);
		try_target(caller, action);
		return;
	case WEIR_DO_HEDGE:
		caller->run->book->hedges++;
		try_target(caller, action);
		return;
	case WEIR_DO_DROP:
		call = call_of(caller, action->attempt);
		if (call)
			cancel(caller, call);
		return;
	case WEIR_DO_WAIT:
		cancel_all_but(caller, NULL);
		caller->run->book->waits++;
		return;
	case WEIR_DO_QUEUE:
		queue(caller);
		return;
	case WEIR_DO_RELAY:
		cancel_all_but(caller, call_of(caller, action->attempt));
		weir_caller_shown(caller);
		return;
	case WEIR_DO_FINISH:
		finish(caller, action);
		return;
	case WEIR_DO_ABANDON:
		cancel_all_but(caller, NULL);
		return;
	}
}

static void step(struct weir_caller *caller, const struct weir_event *event)
{
	struct weir_run *run = caller->run;
	unsigned moves = caller->failover.fallbacks;
	struct weir_action action = weir_failover_step(&caller->failover, event);
	struct weir_sight sight = {
		.now_ms = now(caller),
		.caller = caller->number,
		.try = caller->tries,
		.event = event,
		.action = &action,
		.failover = &caller->failover,
	};

	if (run->traffic->saw)
		run->traffic->saw(run->traffic->arg, &sight);
	if (caller->failover.state != WEIR_ST_QUEUED)
		weir_list_remove(&caller->queued);
	run->book->fallbacks += caller->failover.fallbacks - moves;
	obey(caller, &action);
	if (caller->asking)
		weir_agenda_set(&run->agenda, &caller->timer,
				weir_failover_deadline(&caller->failover));
}

static void report(struct weir_caller *caller, enum weir_event_type type)
{
	struct weir_event event = { .type = type, .now_ms = now(caller) };

	step(caller, &event);
}

static void begin(struct weir_caller *caller)
{
	const struct weir_traffic *traffic = caller->run->traffic;
	uint64_t timeout_ms = traffic->callers.timeout_ms;

	if (traffic->workers > 1)
		caller->worker = (unsigned)weir_rng_upto(&caller->run->spreading,
							 traffic->workers - 1);
	caller->plan = traffic->plans[caller->stream][caller->worker];
	caller->plan.stream = caller->stream;
	caller->plan.tokens = caller->tokens_in + caller->tokens_out;
	caller->plan.affinity = caller->user;
	caller->tokens_shown = 0;
	/* SDKs say how long they will wait. */
	if (timeout_ms && timeout_ms < caller->plan.deadline_ms)
		caller->plan.deadline_ms = timeout_ms;
	weir_failover_init(&caller->failover, &caller->plan, &caller->run->deciding);
	report(caller, WEIR_EV_START);
}

/* What was shown of a stream that breaks off can be gone on from, where the plan allows. */
static bool resume(struct weir_caller *caller, const struct weir_call *call)
{
	uint64_t made = weir_call_tokens(call, now(caller));

	if (!caller->shown || !caller->stream || !caller->plan.resume || made >= call->tokens_out)
		return false;
	caller->tokens_shown += made;
	return true;
}

static void news(struct weir_caller *caller, struct weir_call *call, struct weir_event *event)
{
	if (event->type == WEIR_EV_COMMIT)
		end_probe(caller, call);
	if (event->type == WEIR_EV_RESULT) {
		event->can_resume = event->outcome == WEIR_OUT_CUT && resume(caller, call);
		settle(caller, call, event->outcome == WEIR_OUT_OK || event->can_resume);
	}
	step(caller, event);
}

static void timer(struct weir_caller *caller)
{
	struct weir_event event = { .type = WEIR_EV_TIMEOUT, .now_ms = now(caller) };
	bool relaying = caller->failover.state == WEIR_ST_RELAYING;
	struct weir_call *call = relaying ? call_of(caller, caller->failover.flights[0].attempt)
					  : NULL;

	event.can_resume = call && resume(caller, call);
	step(caller, &event);
}

static void hangup(struct weir_caller *caller)
{
	report(caller, WEIR_EV_HANGUP);
	weir_agenda_clear(&caller->run->agenda, &caller->timer);
}

static void room(struct weir_caller *caller)
{
	report(caller, WEIR_EV_ROOM);
}

const struct weir_driver weir_driver_weir = {
	.begin = begin,
	.news = news,
	.timer = timer,
	.hangup = hangup,
	.room = room,
};
