#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/error.h"
#include "core/request_private.h"

enum { STALLED_LOOP_MS = 1000 };

static void obey(struct weir_request *r, struct weir_action action);
static void on_timer(uv_timer_t *timer);

uint64_t weir_request_now_ms(const struct weir_request *r)
{
	return uv_now(r->gateway->loop);
}

static struct weir_record *current(struct weir_request *r)
{
	WEIR_ASSERT(r->records_n > 0);
	return &r->records[r->records_n - 1];
}

/* Time that is the provider's, or planned: not our overhead. */
static void pause_begin(struct weir_request *r)
{
	if (!r->pause_ns)
		r->pause_ns = uv_hrtime();
}

static void pause_end(struct weir_request *r)
{
	if (r->pause_ns)
		r->waited_ns += uv_hrtime() - r->pause_ns;
	r->pause_ns = 0;
}

/* One timer; it is moved only when it would fire too late, and else re-armed when it has
 * fired too early: a stream moves its stall deadline with every event. */
static void arm(struct weir_request *r)
{
	uint64_t at_ms = weir_failover_deadline(&r->failover), now = weir_request_now_ms(r);

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
	for (unsigned i = 0; i < r->drops_n; i++)
		weir_free((void *)r->drops[i]);
	weir_config_unref(r->config);
	weir_free(r);
	weir_gateway_settle(gateway);
}

static void release_attempt(struct weir_request *r)
{
	struct weir_attempt *attempt = r->attempt;

	if (!attempt)
		return;
	r->attempt = NULL;
	weir_attempt_release(attempt);
}

void weir_request_end(struct weir_request *r, enum weir_request_outcome outcome)
{
	if (r->over)
		return;
	r->over = true;
	r->outcome = outcome;
	pause_end(r);
	weir_answer_account(r);
	release_attempt(r);
	weir_body_release(&r->body);
	uv_close((uv_handle_t *)&r->timer, on_closed);
}

static struct weir_event event_of(struct weir_request *r, enum weir_event_type type)
{
	return (struct weir_event){ .type = type, .now_ms = weir_request_now_ms(r) };
}

void weir_request_report(struct weir_request *r, enum weir_event_type type)
{
	struct weir_event e = event_of(r, type);

	obey(r, weir_failover_step(&r->failover, &e));
}

static bool at_cap(struct weir_request *r, const struct weir_target *target)
{
	unsigned inflight = weir_metrics_target_inflight(r->gateway->metrics, target);
	unsigned of_provider = 0;

	if (target->max_inflight && inflight >= target->max_inflight)
		return true;
	if (!target->provider->max_inflight)
		return false;
	for (unsigned i = 0; i < r->config->targets_n; i++)
		if (r->config->targets[i]->provider == target->provider)
			of_provider += weir_metrics_target_inflight(r->gateway->metrics,
								    r->config->targets[i]);
	return of_provider >= target->provider->max_inflight;
}

/* Every move to another target is told, also past one that was not tried. */
static void tell_move(struct weir_request *r, const struct weir_record *from,
		      const struct weir_action *to, unsigned move_class, const char *text)
{
	const struct weir_leg *leg = &r->route_plan.legs[to->step];
	uint64_t now = weir_request_now_ms(r);
	struct weir_move move = {
		.request_id = r->id,
		.chain = r->route_plan.chain,
		.from = from,
		.to = leg->target,
		.to_key = to->key,
		.fallback = to->fallback,
		.move_class = weir_fallback_class_name(move_class),
		.text = text,
		.attempt = r->records_n,
		.elapsed_ms = now - r->began_ms,
		.remaining_ms = r->failover.give_up_ms > now ? r->failover.give_up_ms - now : 0,
	};

	weir_report_move(&r->gateway->log, &move);
	if (to->fallback)
		weir_metrics_fallback(r->gateway->metrics, r->route_plan.chain, from->target,
				      leg->target, move_class);
}

void weir_request_close_record(struct weir_request *r, enum weir_outcome outcome,
			       const char *reason)
{
	struct weir_record *record = current(r);

	if (r->attempt) /* a clock may end it between its head and anything worth telling */
		record->status = r->attempt->exchange.status;
	record->outcome = outcome;
	record->reason = reason;
	record->ms = weir_request_now_ms(r) - record->began_ms;
	weir_metrics_attempt_end(r->gateway->metrics, r->route_plan.chain, record->target, outcome);
}

static const struct weir_attempt_events attempt_events;

static void begin_attempt(struct weir_request *r, const struct weir_action *action)
{
	const struct weir_leg *leg = &r->route_plan.legs[action->step];
	struct weir_body_edit edit = { .model = leg->target->model, .overrides = leg->overrides };
	struct weir_attempt_order order = {
		.target = leg->target,
		.key = action->key,
		.route = r->route,
		.body = &r->body,
		.edit = &edit,
		.fields = weir_buf_slice(&r->fields),
	};
	struct weir_event failed = event_of(r, WEIR_EV_RESULT);

	WEIR_ASSERT(r->records_n < r->records_cap && !r->attempt);
	r->records[r->records_n++] = (struct weir_record){
		.target = leg->target,
		.key = action->key,
		.step = action->step,
		.began_ms = weir_request_now_ms(r),
	};
	edit.drops_n = r->drops_n;
	memcpy(edit.drops, r->drops, sizeof edit.drops);
	weir_metrics_attempt_begin(r->gateway->metrics, leg->target);
	r->attempt = weir_attempt_open(r->gateway, &order, &attempt_events, r);
	pause_begin(r);
	if (!r->attempt) {
		weir_request_close_record(r, WEIR_OUT_UNREACHABLE, "local_resource");
		failed.outcome = WEIR_OUT_UNREACHABLE;
		obey(r, weir_failover_step(&r->failover, &failed));
	} else if (r->attempt->lease.phase == WEIR_LEASE_HELD) {
		weir_request_report(r, WEIR_EV_CONNECTED);
	}
}

static void forget_drops(struct weir_request *r)
{
	while (r->drops_n)
		weir_free((void *)r->drops[--r->drops_n]);
}

static void try_target(struct weir_request *r, struct weir_action action)
{
	const struct weir_record *from = r->records_n ? current(r) : NULL;
	const struct weir_target *target = r->route_plan.legs[action.step].target;

	if (action.fallback) {
		forget_drops(r);
		if (from)
			tell_move(r, from, &action, from->outcome,
				  r->attempt ? r->attempt->text : NULL);
	} else if (action.repair && from) {
		tell_move(r, from, &action, from->outcome, NULL);
	}
	release_attempt(r);
	if (at_cap(r, target)) {
		struct weir_record skipped = { .target = target,
					       .key = action.key,
					       .reason = "at_cap" };
		struct weir_event e = event_of(r, WEIR_EV_SKIPPED);
		struct weir_action next = weir_failover_step(&r->failover, &e);

		if (next.type == WEIR_DO_TRY)
			tell_move(r, &skipped, &next, WEIR_FALLBACK_AT_CAP, NULL);
		next.fallback = false; /* told already */
		obey(r, next);
		return;
	}
	begin_attempt(r, &action);
}

static enum weir_request_outcome outcome_of(const struct weir_request *r,
					    const struct weir_action *finish)
{
	const struct weir_record *last = r->records_n ? &r->records[r->records_n - 1] : NULL;

	if (r->refused)
		return WEIR_REQUEST_REJECTED;
	if (finish->final == WEIR_FINAL_OWN)
		return last && last->outcome == WEIR_OUT_CALLER ? WEIR_REQUEST_CALLER_ERROR
								: WEIR_REQUEST_EXHAUSTED;
	if (finish->final != WEIR_FINAL_OK)
		return WEIR_REQUEST_EXHAUSTED;
	return last->target != r->route_plan.legs[0].target || last->key != 0
		       ? WEIR_REQUEST_FAILED_OVER
		       : WEIR_REQUEST_OK;
}

void weir_request_soon(struct weir_request *r)
{
	r->armed_ms = weir_request_now_ms(r);
	uv_timer_start(&r->timer, on_timer, 0, 0);
}

static void defer(struct weir_request *r, const struct weir_action *action)
{
	r->deferred = true;
	r->finish = *action;
	if (action->final != WEIR_FINAL_OK && action->final != WEIR_FINAL_CUT)
		release_attempt(r); /* it has said all, and must not be heard again */
	if (r->muted)
		uv_timer_stop(&r->timer);
	else
		weir_request_soon(r);
}

void weir_request_finish(struct weir_request *r, const struct weir_action *action)
{
	if (r->opening || r->muted) {
		defer(r, action);
		return;
	}
	pause_end(r);
	if (action->final != WEIR_FINAL_OK && action->final != WEIR_FINAL_CUT &&
	    action->final != WEIR_FINAL_OWN)
		r->own_status = weir_final_row(action->final)->status;
	weir_answer_finish(r, action);
	if (r->owes && !r->over)
		defer(r, action);
	else /* nothing happens when the caller left while being told */
		weir_request_end(r, outcome_of(r, action));
}

/* Committed, it is needed no more once it has left: an answer can outrun its request. */
static void forget_body(struct weir_request *r)
{
	if (weir_attempt_sent(r->attempt))
		weir_body_release(&r->body);
}

static void obey(struct weir_request *r, struct weir_action action)
{
	switch (action.type) {
	case WEIR_DO_NOTHING:
		break;
	case WEIR_DO_TRY:
		try_target(r, action);
		break;
	case WEIR_DO_WAIT:
		if (action.fallback)
			forget_drops(r);
		tell_move(r, current(r), &action, current(r)->outcome,
			  r->attempt ? r->attempt->text : NULL);
		release_attempt(r);
		pause_begin(r);
		break;
	case WEIR_DO_RELAY:
		r->head_due = true;
		if (r->held)
			weir_attempt_hold(r->attempt);
		forget_body(r);
		break;
	case WEIR_DO_FINISH:
		weir_request_finish(r, &action);
		return;
	case WEIR_DO_ABANDON:
		weir_request_end(r, WEIR_REQUEST_HANGUP);
		return;
	}
	if (!r->over)
		arm(r);
}

/* Keeps a provider's answer that may become the caller's. */
static void keep_own(struct weir_request *r, struct weir_exchange *x)
{
	weir_buf_fini(&r->own);
	r->own = x->out;
	weir_buf_init(&x->out, x->out.max);
	/* An error told inside a 200 keeps its words, but not that status. */
	r->own_status = x->status >= 400 ? x->status : x->verdict.model_unknown ? 404 : 400;
	memcpy(r->own_type, x->content_type, sizeof r->own_type);
	r->own_target = current(r)->target;
}

/* Remembers the field to leave out, for this target in this request. */
static bool note_refused_field(struct weir_request *r, const struct weir_exchange *x)
{
	struct weir_slice name = weir_slice_of(x->refused_field);
	char *copy;

	if (r->drops_n == WEIR_DROPS_MAX || !weir_body_can_drop(&r->body, name))
		return false;
	copy = weir_strndup(name.base, name.len);
	if (!copy)
		return false;
	r->drops[r->drops_n++] = copy;
	return true;
}

static void on_failed(struct weir_request *r, struct weir_exchange *x)
{
	struct weir_event e = event_of(r, WEIR_EV_RESULT);

	e.outcome = x->verdict.outcome;
	e.overflow = x->verdict.overflow;
	e.content_policy = x->verdict.content_policy;
	e.retry_after_stated = x->retry_after_stated;
	e.retry_after_ms = x->retry_after_ms;
	if (r->failover.state == WEIR_ST_TRYING) {
		if (e.outcome == WEIR_OUT_CALLER || e.outcome == WEIR_OUT_NOT_HERE ||
		    e.outcome == WEIR_OUT_REPAIRABLE)
			keep_own(r, x);
		if (e.outcome == WEIR_OUT_REPAIRABLE)
			e.can_repair = note_refused_field(r, x);
	}
	weir_request_close_record(r, e.outcome, x->verdict.reason);
	obey(r, weir_failover_step(&r->failover, &e));
}

static void on_committed(struct weir_request *r, struct weir_exchange *x)
{
	struct weir_record *record = current(r);

	pause_end(r);
	record->outcome = WEIR_OUT_OK;
	record->reason = "ok";
	record->status = x->status;
	record->ms = weir_request_now_ms(r) - record->began_ms;
	r->own_status = x->status;
	r->committed = true;
	r->first_token_ns = uv_hrtime() - r->began_ns;
	weir_metrics_first_token(r->gateway->metrics, r->route_plan.chain,
				 (double)r->first_token_ns / 1e9);
	weir_request_report(r, WEIR_EV_COMMIT);
	pause_begin(r);
}

static void take_usage(struct weir_request *r, const struct weir_exchange *x)
{
	r->tokens_known = x->usage;
	r->tokens_in = x->tokens_in;
	r->tokens_out = x->tokens_out;
}

static void on_news(struct weir_attempt *attempt)
{
	struct weir_request *r = attempt->user;
	struct weir_exchange *x = &attempt->exchange;
	struct weir_event done = event_of(r, WEIR_EV_RESULT);

	current(r)->status = x->status;
	if (x->committed && r->failover.state == WEIR_ST_TRYING)
		on_committed(r, x);
	else if (r->failover.state == WEIR_ST_RELAYING)
		weir_request_report(r, WEIR_EV_PROGRESS);
	take_usage(r, x);
	switch (x->state) {
	case WEIR_EXCHANGE_WAITING:
		break;
	case WEIR_EXCHANGE_COMMITTED:
		forget_body(r);
		weir_answer_relay(r, false);
		break;
	case WEIR_EXCHANGE_DONE:
		weir_metrics_event_dropped(r->gateway->metrics, x->events_dropped);
		weir_request_close_record(r, WEIR_OUT_OK, "ok");
		obey(r, weir_failover_step(&r->failover, &done));
		break;
	case WEIR_EXCHANGE_FAILED:
		weir_metrics_event_dropped(r->gateway->metrics, x->events_dropped);
		on_failed(r, x);
		break;
	}
}

static void on_connected(struct weir_attempt *attempt)
{
	weir_request_report(attempt->user, WEIR_EV_CONNECTED);
}

static void on_replaced(struct weir_attempt *attempt)
{
	weir_request_report(attempt->user, WEIR_EV_REPLACED);
}

static void on_unreachable(struct weir_attempt *attempt)
{
	struct weir_request *r = attempt->user;
	struct weir_event e = event_of(r, WEIR_EV_RESULT);

	e.outcome = attempt->verdict.outcome;
	weir_request_close_record(r, e.outcome, attempt->verdict.reason);
	obey(r, weir_failover_step(&r->failover, &e));
}

static const struct weir_attempt_events attempt_events = {
	.on_connected = on_connected,
	.on_replaced = on_replaced,
	.on_news = on_news,
	.on_unreachable = on_unreachable,
};

/* The connect clock has one word for a name, a connection and a handshake. */
static const char *timeout_reason(const struct weir_request *r)
{
	if (r->failover.timer != WEIR_TIMER_CONNECT || !r->attempt)
		return weir_timer_reason(r->failover.timer);
	switch (r->attempt->lease.phase) {
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

static void on_timer(uv_timer_t *timer)
{
	struct weir_request *r = timer->data;
	uint64_t due_ms = weir_failover_deadline(&r->failover), now = weir_request_now_ms(r);

	r->armed_ms = WEIR_NEVER;
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
	if (due_ms > now) {
		r->failover.stalled = false;
		arm(r);
		return;
	}
	/* Nothing is read while the caller takes nothing: that is not the provider's stall. */
	if (r->held && r->failover.timer == WEIR_TIMER_STALL) {
		weir_request_report(r, WEIR_EV_PROGRESS);
		return;
	}
	/* The process was stopped, or the loop was: the answer may be waiting in the socket,
	 * and the provider shall not be blamed for our sleep. */
	if (now - due_ms > STALLED_LOOP_MS && !r->failover.stalled) {
		r->failover.stalled = true;
		r->armed_ms = now;
		uv_timer_start(&r->timer, on_timer, 1, 0);
		return;
	}
	r->failover.stalled = false;
	if (r->attempt)
		weir_request_close_record(
			r, r->failover.state == WEIR_ST_RELAYING ? WEIR_OUT_CUT : WEIR_OUT_SLOW,
			timeout_reason(r));
	weir_request_report(r, WEIR_EV_TIMEOUT);
}
