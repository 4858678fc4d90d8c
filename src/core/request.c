#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/error.h"
#include "core/request_private.h"
#include "core/shed.h"

static void on_timer(uv_timer_t *timer);

uint64_t weir_request_now_ms(const struct weir_request *r)
{
	return weir_gateway_now_ms(r->gateway);
}

/* One timer; it is moved only when it would fire too late, and else re-armed when it has
 * fired too early: a stream moves its stall deadline with every event. */
static void arm(struct weir_request *r)
{
	uint64_t at_ms = weir_failover_deadline(&r->failover), now = weir_request_now_ms(r);

	if (r->early_due_ms < at_ms)
		at_ms = r->early_due_ms;
	if (r->over || r->deferred || at_ms == WEIR_NEVER || at_ms >= r->armed_ms)
		return;
	r->armed_ms = at_ms;
	uv_timer_start(&r->timer, on_timer, at_ms > now ? at_ms - now : 0, 0);
}

static void on_closed(uv_handle_t *handle)
{
	struct weir_request *r = handle->data;
	struct weir_gateway *gateway = r->gateway;

	r->events->on_done(r, r->whole);
	weir_list_remove(&r->node);
	gateway->requests_n--;
	weir_body_fini(&r->body);
	weir_buf_fini(&r->fields);
	weir_buf_fini(&r->own);
	weir_seam_fini(&r->seam);
	weir_request_forget_lessons(r);
	weir_request_trace_free(r);
	weir_snapshot_unref(r->snapshot);
	if (r->records != r->few)
		weir_free(r->records);
	weir_spares_give(&gateway->spare_requests, r);
	weir_gateway_settle(gateway);
}

static void leave_queue(struct weir_request *r)
{
	if (weir_list_empty(&r->waiting))
		return;
	weir_list_remove(&r->waiting);
	weir_metrics_unqueued(r->gateway->metrics);
}

void weir_request_release_body(struct weir_request *r)
{
	weir_body_release(&r->body);
	weir_shed_let_go(r->gateway, &r->body_held);
}

void weir_request_end(struct weir_request *r, enum weir_request_outcome outcome)
{
	if (r->over)
		return;
	r->over = true;
	r->outcome = outcome;
	weir_request_idle_end(r);
	for (unsigned i = 0; i < r->records_n; i++)
		weir_request_close_record(r, i, WEIR_OUT_HANGUP,
					  r->hung_up ? "hangup" : "not_needed");
	weir_answer_account(r);
	weir_request_keep_only(r, WEIR_ATTEMPTS_MAX);
	leave_queue(r);
	weir_request_release_body(r);
	uv_close((uv_handle_t *)&r->timer, on_closed);
}

struct weir_event weir_request_event(const struct weir_request *r, enum weir_event_type type)
{
	return (struct weir_event){ .type = type, .now_ms = weir_request_now_ms(r) };
}

void weir_request_report(struct weir_request *r, enum weir_event_type type)
{
	struct weir_event e = weir_request_event(r, type);

	weir_request_step(r, &e);
}

static enum weir_request_outcome outcome_of(const struct weir_request *r,
					    const struct weir_action *finish)
{
	const struct weir_record *last = r->records_n ? &r->records[r->left] : NULL;

	if (r->refused)
		return r->own_status == 200 ? WEIR_REQUEST_OK : WEIR_REQUEST_REJECTED;
	if (finish->final == WEIR_FINAL_OWN)
		return last && last->outcome == WEIR_OUT_CALLER ? WEIR_REQUEST_CALLER_ERROR
								: WEIR_REQUEST_EXHAUSTED;
	if (finish->final != WEIR_FINAL_OK)
		return WEIR_REQUEST_EXHAUSTED;
	return r->failover.fallbacks ? WEIR_REQUEST_FAILED_OVER : WEIR_REQUEST_OK;
}

void weir_request_soon(struct weir_request *r)
{
	r->armed_ms = weir_request_now_ms(r);
	uv_timer_start(&r->timer, on_timer, 0, 0);
}

void weir_request_wake(struct weir_request *r)
{
	if (!r->over && !r->deferred)
		weir_request_soon(r);
}

static void defer(struct weir_request *r, const struct weir_action *action)
{
	r->deferred = true;
	r->finish = *action;
	if (r->muted)
		weir_request_idle_begin(r);
	if (action->final != WEIR_FINAL_OK && action->final != WEIR_FINAL_CUT)
		weir_request_keep_only(r, WEIR_ATTEMPTS_MAX); /* not to be heard again */
	if (r->muted && !r->hangup_due)                       /* only to keep the loop alive */
		uv_timer_start(&r->timer, on_timer, WEIR_NEVER, 0);
	else
		weir_request_soon(r);
}

void weir_request_finish(struct weir_request *r, const struct weir_action *action)
{
	if (r->opening || r->muted) {
		defer(r, action);
		return;
	}
	weir_request_idle_end(r);
	r->finish.final = action->final;
	if (action->final != WEIR_FINAL_OK && action->final != WEIR_FINAL_CUT &&
	    action->final != WEIR_FINAL_OWN)
		r->own_status = weir_answer_status(r, action->final);
	weir_answer_finish(r, action);
	if (r->owes && !r->over)
		defer(r, action);
	else /* nothing happens when the caller left while being told */
		weir_request_end(r, outcome_of(r, action));
}

static void wait(struct weir_request *r, const struct weir_action *action)
{
	if (action->type == WEIR_DO_WAIT) {
		if (action->fallback)
			weir_request_forget_lessons(r);
		weir_request_tell_moves(r, action);
	}
	weir_request_keep_only(r, WEIR_ATTEMPTS_MAX);
	weir_request_idle_begin(r);
	if (action->type == WEIR_DO_QUEUE) {
		weir_metrics_queued(r->gateway->metrics);
		weir_list_push(&r->gateway->waiting, &r->waiting);
		weir_gateway_await_room(r->gateway);
	}
}

static void try_target(struct weir_request *r, const struct weir_action *action)
{
	if (action->fallback)
		weir_request_forget_lessons(r);
	if (action->fallback || action->repair)
		weir_request_tell_moves(r, action);
	weir_request_keep_only(r, WEIR_ATTEMPTS_MAX);
	weir_request_begin(r, action);
}

static void relay(struct weir_request *r, const struct weir_action *action)
{
	if (r->rival && r->rival->number == action->attempt) {
		weir_metrics_hedge(r->gateway->metrics, true);
		weir_request_tell_overtaken(r);
	}
	if (r->answered)
		weir_metrics_resumed(r->gateway->metrics);
	weir_request_keep_only(r, action->attempt);
	r->head_due = !r->answered;
	if (r->held)
		weir_attempt_hold(r->attempt);
}

static void obey(struct weir_request *r, const struct weir_action *action)
{
	if (r->failover.state != WEIR_ST_QUEUED)
		leave_queue(r);
	switch (action->type) {
	case WEIR_DO_NOTHING:
		break;
	case WEIR_DO_TRY:
		try_target(r, action);
		break;
	case WEIR_DO_HEDGE:
		weir_metrics_hedge(r->gateway->metrics, false);
		weir_request_tell_hedge(r, action);
		weir_request_begin(r, action);
		break;
	case WEIR_DO_DROP:
		if (r->attempt->number == action->attempt)
			weir_request_tell_overtaken(r);
		weir_request_keep_only(r, r->failover.flights[0].attempt);
		break;
	case WEIR_DO_WAIT:
	case WEIR_DO_QUEUE:
		wait(r, action);
		break;
	case WEIR_DO_RELAY:
		relay(r, action);
		break;
	case WEIR_DO_FINISH:
		weir_request_finish(r, action);
		return;
	case WEIR_DO_ABANDON:
		weir_request_end(r, WEIR_REQUEST_HANGUP);
		return;
	}
	if (!r->over)
		arm(r);
}

void weir_request_step(struct weir_request *r, const struct weir_event *event)
{
	struct weir_action action;

	weir_shm_enter(r->gateway->shm);
	if (!r->committed && weir_plan_must_judge(&r->route_plan, r->config, &r->body, event))
		weir_plan_judge(&r->route_plan, r->config, &r->body);
	action = weir_failover_step(&r->failover, event);
	weir_shm_leave(r->gateway->shm);
	obey(r, &action);
}

/* The connect clock has one word for a name, a connection and a handshake. */
static const char *timeout_reason(const struct weir_request *r)
{
	const struct weir_clock *clock = &r->failover.clock;
	const struct weir_attempt *attempt = clock->flight ? r->rival : r->attempt;

	if (clock->timer != WEIR_TIMER_CONNECT || !attempt)
		return weir_timer_reason(clock->timer);
	switch (attempt->lease.phase) {
	case WEIR_LEASE_RESOLVING:
		return "dns_timeout";
	case WEIR_LEASE_HANDSHAKE:
		return "tls_timeout";
	case WEIR_LEASE_IDLE:
	case WEIR_LEASE_CONNECTING:
	case WEIR_LEASE_HELD:
		break;
	}
	return weir_timer_reason(WEIR_TIMER_CONNECT);
}

/* The clock that ran out is one attempt's, unless it only says what comes next. */
static void time_out(struct weir_request *r)
{
	const struct weir_failover *f = &r->failover;
	struct weir_event e = weir_request_event(r, WEIR_EV_TIMEOUT);
	bool relaying = f->state == WEIR_ST_RELAYING;

	if ((f->state == WEIR_ST_TRYING && f->clock.timer != WEIR_TIMER_HEDGE) || relaying)
		weir_request_close_record(r, f->flights[f->clock.flight].attempt,
					  relaying ? WEIR_OUT_CUT : WEIR_OUT_SLOW,
					  timeout_reason(r));
	e.can_resume = weir_request_can_resume(r);
	weir_request_step(r, &e);
}

static void on_timer(uv_timer_t *timer)
{
	struct weir_request *r = timer->data;
	uint64_t due_ms = weir_failover_deadline(&r->failover), now = weir_request_now_ms(r);

	r->armed_ms = WEIR_NEVER;
	if (r->hangup_due) {
		weir_request_hangup(r);
		return;
	}
	if (r->deferred) {
		struct weir_action finish = r->finish;

		r->deferred = false;
		weir_request_finish(r, &finish);
		return;
	}
	if (weir_answer_pending(r))
		weir_answer_relay(r, false);
	if (r->over)
		return;
	if (r->early_due_ms <= now && due_ms > now)
		weir_answer_keepalive(r);
	if (r->over)
		return;
	if (due_ms > now) {
		r->failover.stalled = false;
		arm(r);
		return;
	}
	/* Nothing is read while the caller takes nothing: that is not the provider's stall. */
	if (r->held && r->failover.clock.timer == WEIR_TIMER_STALL) {
		weir_request_report(r, WEIR_EV_PROGRESS);
		return;
	}
	/* The loop runs timers before it looks at sockets: the answer may be waiting there since
	 * before its time was up, and the provider shall not be blamed for our sleep. */
	if (!r->failover.stalled) {
		r->failover.stalled = true;
		r->armed_ms = now;
		uv_timer_start(&r->timer, on_timer, 1, 0);
		return;
	}
	r->failover.stalled = false;
	time_out(r);
}
