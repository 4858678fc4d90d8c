/* A request's attempts: what each of them says, as events for the machine. */
#include "base/alloc.h"
#include "base/assert.h"
#include "core/observe.h"
#include "core/request_private.h"
#include "dialect/cost.h"

void weir_request_idle_begin(struct weir_request *r)
{
	if (!r->pause_ns)
		r->pause_ns = uv_hrtime();
}

/* now_ns: uv_hrtime(). */
static void idle_end(struct weir_request *r, uint64_t now_ns)
{
	if (r->pause_ns)
		r->waited_ns += now_ns - r->pause_ns;
	r->pause_ns = 0;
}

void weir_request_idle_end(struct weir_request *r)
{
	if (r->pause_ns)
		idle_end(r, uv_hrtime());
}

const struct weir_target *weir_request_target(const struct weir_request *r, struct weir_spot spot,
					      unsigned *key)
{
	const struct weir_member *member = weir_walk_member(&r->failover.walk, spot);

	*key = member->key;
	return r->config->targets[member->target];
}

static struct weir_attempt **place_of(struct weir_request *r, unsigned attempt)
{
	if (r->attempt && r->attempt->number == attempt)
		return &r->attempt;
	return r->rival && r->rival->number == attempt ? &r->rival : NULL;
}

/* Did it come to nothing after all of the prompt had been taken, and would its provider
 * charge for that all the same? */
static bool may_be_charged(const struct weir_request *r, const struct weir_attempt *attempt,
			   enum weir_outcome outcome)
{
	return weir_attempt_sent(attempt) && (outcome == WEIR_OUT_SLOW || outcome == WEIR_OUT_CUT ||
					      (outcome == WEIR_OUT_HANGUP && !r->hung_up));
}

/* A caller who leaves has wasted nothing of ours. */
static void book_waste(struct weir_request *r, const struct weir_attempt *attempt,
		       enum weir_outcome outcome)
{
	const struct weir_target *target = r->records[attempt->number].target;
	struct weir_usage usage = attempt->exchange.tokens;

	if (outcome == WEIR_OUT_OK || (outcome == WEIR_OUT_HANGUP && r->hung_up))
		return;
	if (usage.in == 0 && usage.out == 0 && may_be_charged(r, attempt, outcome))
		usage.in = r->route_plan.plan.tokens;
	if (usage.in || usage.out)
		weir_ledger_wasted(r->snapshot->ledger, target, &usage,
				   weir_cost(&usage, &target->facts));
}

void weir_request_close_record(struct weir_request *r, unsigned attempt, enum weir_outcome outcome,
			       const char *reason)
{
	struct weir_record *record = &r->records[attempt];
	struct weir_attempt **place = place_of(r, attempt);
	const struct weir_log *const logs[] = {
		&r->gateway->log,
		&r->gateway->attempt_log,
		weir_events_log(&r->gateway->events),
	};
	struct weir_attempt_end end = {
		.id = r->id,
		.chain = r->route_plan.chain,
		.target = record->target,
		.outcome = outcome,
	};

	WEIR_ASSERT(attempt < r->records_n);
	if (record->ended)
		return;
	record->ended = true;
	if (outcome != WEIR_OUT_HANGUP)
		r->left = attempt;
	if (place) /* a clock may end it between its head and anything worth telling */
		record->status = (*place)->exchange.status;
	record->outcome = outcome;
	record->reason = reason;
	record->ms = weir_request_now_ms(r) - record->began_ms;
	end.seconds = (double)record->ms / 1e3;
	for (size_t i = 0; i < WEIR_COUNT_OF(logs); i++)
		if (logs[i] && weir_log_wants(logs[i], WEIR_LOG_DEBUG))
			weir_report_attempt(logs[i], r->id, r->route_plan.chain, record,
					    attempt + 1);
	weir_request_trace_attempt_end(r, attempt, place ? &(*place)->exchange : NULL);
	weir_observe_attempt(r->gateway, r->id, r->route_plan.chain, record, attempt + 1);
	weir_ledger_attempt_end(r->snapshot->ledger, &end);
	if (outcome != WEIR_OUT_OK && outcome != WEIR_OUT_HANGUP)
		weir_request_note_failure(r, record, place ? *place : NULL);
	if (place && outcome == WEIR_OUT_OK && (*place)->exchange.answer) {
		weir_shm_enter(r->gateway->shm);
		weir_bonds_keep(r->gateway->bonds, (*place)->exchange.answer,
				weir_bonds_account(record->target->provider, record->key));
		weir_shm_leave(r->gateway->shm);
	}
	if (place)
		book_waste(r, *place, outcome);
	if (place && (*place)->exchange.events_dropped) {
		weir_metrics_event_dropped(r->gateway->metrics, (*place)->exchange.events_dropped);
		weir_report_dropped(&r->gateway->log, r->id, record,
				    (*place)->exchange.events_dropped);
	}
}

static void release(struct weir_request *r, struct weir_attempt **place)
{
	struct weir_attempt *attempt = *place;

	if (!attempt)
		return;
	weir_request_close_record(r, attempt->number, WEIR_OUT_HANGUP, "not_needed");
	*place = NULL;
	weir_attempt_release(attempt);
	weir_gateway_make_room(r->gateway);
}

void weir_request_keep_only(struct weir_request *r, unsigned attempt)
{
	if (r->rival && r->rival->number != attempt)
		release(r, &r->rival);
	if (r->attempt && r->attempt->number != attempt)
		release(r, &r->attempt);
	if (!r->attempt) {
		if (r->rival)
			weir_request_forget_lessons(r);
		r->attempt = r->rival;
		r->rival = NULL;
	}
}

static bool asks(struct weir_slice value, const struct weir_usage_wish *wish)
{
	return value.base[0] == '{' &&
	       weir_slice_is(weir_json_pick(value, wish->switch_name, WEIR_JSON_BOOL), "true");
}

/* Is the stream to be counted for our books alone? Who says anything himself is left alone, but
 * not where his limits go by the count. */
static const struct weir_usage_wish *wish_of(const struct weir_request *r,
					     const struct weir_attempt_order *order)
{
	const struct weir_dialect *words = weir_dialect_words(order->target->provider->dialect,
							      order->route);
	const struct weir_usage_wish *wish = words->usage_wish;
	bool counts = weir_claim_counts(&r->claim);
	struct weir_slice value;

	if (!wish || !weir_dialect_same(order->caller, words) || !r->body.stream ||
	    !(weir_plan_settings(&r->route_plan, r->config)->stream_usage || counts) ||
	    weir_request_refused(r, order->target, weir_slice_of(wish->field)))
		return NULL;
	value = weir_body_value(&r->body, order->edit->overrides, wish->field);
	return weir_slice_is(value, "null") || (counts && !asks(value, wish)) ? wish : NULL;
}

static const struct weir_attempt_events attempt_events;

static bool is_local(const char *reason)
{
	return strcmp(reason, "local_resource") == 0;
}

void weir_request_begin(struct weir_request *r, const struct weir_action *action)
{
	unsigned key;
	const struct weir_target *target = weir_request_target(r, action->spot, &key);
	struct weir_body_edit edit = {
		.model = target->model,
		.overrides = r->route_plan.overrides[action->spot.step],
	};
	struct weir_attempt_order order = {
		.target = target,
		.origin = r->snapshot->origins[target->provider->index],
		.key = key,
		.number = action->attempt,
		.route = weir_plan_route(r->route, target->provider),
		.caller = weir_dialect_of(r->route),
		.body = &r->body,
		.edit = &edit,
		.request_id = weir_slice_of(r->id),
		.fields = weir_buf_slice(&r->fields),
		.prefixes = weir_snapshot_prefixes(r->snapshot, target),
	};
	struct weir_attempt **place = r->attempt ? &r->rival : &r->attempt;
	struct weir_body_resume resume = {
		.prefill = target->facts.prefill == 1,
		.prefill_flag = target->facts.prefill_flag,
	};
	struct weir_request_fit fit WEIR_UNINITIALIZED;
	char traceparent[WEIR_TRACEPARENT_LEN + 1];
	struct weir_event failed = weir_request_event(r, WEIR_EV_RESULT);
	struct weir_event connected = weir_request_event(r, WEIR_EV_CONNECTED);

	WEIR_ASSERT(r->records_n == action->attempt && r->records_n < r->records_cap && !*place);
	r->records[r->records_n++] = (struct weir_record){
		.target = target,
		.key = key,
		.outcome = WEIR_OUT_HANGUP, /* until it is known better */
		.reason = "not_needed",
		.began_ms = weir_request_now_ms(r),
	};
	weir_request_trace_attempt(r, action->attempt);
	order.traceparent = weir_request_traceparent(r, action->attempt, traceparent);
	if (order.route != r->route)
		order.fields.len = r->common_len;
	edit.wish = wish_of(r, &order);
	if (r->route_plan.plan.resume && order.route == r->route)
		order.seam = &r->seam;
	if (action->resume && weir_seam_begin(&r->seam, resume.prefill) == 0) {
		resume.text = weir_seam_text(&r->seam);
		edit.resume = &resume;
	}
	if ((!action->resume || edit.resume) && weir_request_fit(r, action, &order, &fit) == 0)
		*place = weir_attempt_open(r->gateway, &order, &attempt_events, r);
	weir_request_idle_begin(r);
	if (*place)
		weir_request_trace_listen(r, *place);
	if (*place && weir_attempt_drops(*place)->n)
		weir_report_fields_dropped(&r->gateway->log, r->id, &r->records[action->attempt],
					   weir_attempt_drops(*place));
	if (!*place) {
		failed.attempt = action->attempt;
		failed.outcome = WEIR_OUT_UNREACHABLE;
		failed.unsent = failed.local = true;
		weir_request_close_record(r, action->attempt, failed.outcome, "local_resource");
		weir_request_step(r, &failed);
	} else if ((*place)->lease.phase == WEIR_LEASE_HELD) {
		weir_ledger_connected(r->snapshot->ledger, target, (*place)->lease.opened);
		connected.attempt = action->attempt;
		weir_request_step(r, &connected);
	}
}

/* All of it was told, and there is a way to ask for the rest. */
bool weir_request_can_resume(const struct weir_request *r)
{
	return r->route_plan.plan.resume && r->committed && !r->muted && !weir_answer_pending(r) &&
	       weir_seam_can_resume(&r->seam);
}

/* Keeps a provider's answer that may become the caller's. */
static void keep_own(struct weir_request *r, const struct weir_record *record,
		     struct weir_exchange *x)
{
	weir_buf_fini(&r->own);
	r->own = x->out;
	weir_buf_init(&x->out, x->out.max);
	/* An error told inside a 200 keeps its words, but not that status. */
	r->own_status = x->status >= 400 ? x->status : x->verdict.model_unknown ? 404 : 400;
	memcpy(r->own_type, x->content_type, sizeof r->own_type);
	r->own_target = record->target;
}

static struct weir_event event_of(const struct weir_request *r, const struct weir_attempt *attempt,
				  enum weir_event_type type)
{
	struct weir_event e = weir_request_event(r, type);

	e.attempt = attempt->number;
	e.limits = attempt->exchange.limits;
	return e;
}

static void on_failed(struct weir_request *r, struct weir_attempt *attempt)
{
	struct weir_exchange *x = &attempt->exchange;
	struct weir_event e = event_of(r, attempt, WEIR_EV_RESULT);

	e.outcome = x->verdict.outcome;
	e.local = is_local(x->verdict.reason);
	e.overflow = x->verdict.overflow;
	e.model_unknown = x->verdict.model_unknown;
	e.model_refused = e.outcome == WEIR_OUT_CREDENTIALS && x->status == 403;
	e.content_policy = x->verdict.content_policy;
	e.never_fits = x->verdict.never_fits;
	e.retry_after_stated = x->retry_after_stated;
	e.retry_after_ms = x->retry_after_ms;
	if (r->failover.state == WEIR_ST_TRYING && !r->committed) {
		if (e.outcome == WEIR_OUT_CALLER || e.outcome == WEIR_OUT_NOT_HERE ||
		    e.outcome == WEIR_OUT_REPAIRABLE)
			keep_own(r, &r->records[attempt->number], x);
		if (e.outcome == WEIR_OUT_REPAIRABLE && attempt == r->attempt)
			e.can_repair = weir_request_learn(r, attempt);
		e.added = weir_attempt_added(attempt);
	}
	e.can_resume = weir_request_can_resume(r);
	weir_request_close_record(r, attempt->number, e.outcome, x->verdict.reason);
	weir_request_step(r, &e);
}

static void on_committed(struct weir_request *r, struct weir_attempt *attempt)
{
	struct weir_record *record = &r->records[attempt->number];
	struct weir_event e = event_of(r, attempt, WEIR_EV_COMMIT);
	uint64_t now_ns = uv_hrtime();
	bool more = attempt->exchange.state == WEIR_EXCHANGE_COMMITTED;

	idle_end(r, now_ns);
	weir_request_remember(r, attempt);
	record->outcome = WEIR_OUT_OK;
	record->reason = "ok";
	record->status = attempt->exchange.status;
	record->ms = weir_request_now_ms(r) - record->began_ms;
	r->server = attempt->number;
	weir_request_trace_first(r, attempt->number);
	if (!r->committed) {
		r->committed = true;
		weir_plan_keep_native(&r->route_plan);
		r->own_status = record->status;
		r->first_token_ns = now_ns - r->began_ns;
		weir_ledger_first_token(r->snapshot->ledger, r->route_plan.chain,
					(double)r->first_token_ns / 1e9, r->id);
	}
	weir_request_step(r, &e);
	if (more)
		weir_request_idle_begin(r);
}

static void take_usage(struct weir_request *r, const struct weir_exchange *x)
{
	r->usage_known = x->usage;
	r->usage = x->tokens;
}

/* Committed, it is needed no more once it has left: an answer can outrun its request. */
static void forget_body(struct weir_request *r)
{
	if (r->attempt->pieces && weir_attempt_forget(r->attempt) && !r->route_plan.plan.resume)
		weir_request_release_body(r);
}

static void on_done(struct weir_request *r, struct weir_attempt *attempt)
{
	struct weir_event done = event_of(r, attempt, WEIR_EV_RESULT);

	if (attempt->exchange.usage)
		r->cost_nano = weir_cost(&attempt->exchange.tokens,
					 &r->records[attempt->number].target->facts);
	weir_request_close_record(r, attempt->number, WEIR_OUT_OK, "ok");
	weir_request_step(r, &done);
}

static void on_news(struct weir_attempt *attempt)
{
	struct weir_request *r = attempt->user;
	struct weir_exchange *x = &attempt->exchange;

	r->records[attempt->number].status = x->status;
	if (x->committed && r->failover.state == WEIR_ST_TRYING)
		on_committed(r, attempt);
	else if (r->failover.state == WEIR_ST_RELAYING)
		weir_failover_progress(&r->failover, weir_request_now_ms(r)); /* never sooner due */
	if (r->failover.state == WEIR_ST_RELAYING)
		take_usage(r, x);
	switch (x->state) {
	case WEIR_EXCHANGE_WAITING:
		break;
	case WEIR_EXCHANGE_COMMITTED:
		forget_body(r);
		weir_answer_relay(r, false);
		break;
	case WEIR_EXCHANGE_DONE:
		on_done(r, attempt);
		break;
	case WEIR_EXCHANGE_FAILED:
		if (r->failover.state == WEIR_ST_RELAYING && r->route_plan.plan.resume)
			weir_answer_relay(r, false); /* nothing may be lost on the way */
		if (!r->over)
			on_failed(r, attempt);
		break;
	}
}

static void on_connected(struct weir_attempt *attempt)
{
	struct weir_request *r = attempt->user;
	struct weir_event e = event_of(r, attempt, WEIR_EV_CONNECTED);

	weir_ledger_connected(r->snapshot->ledger, r->records[attempt->number].target,
			      attempt->lease.opened);
	weir_request_step(r, &e);
}

static void on_replaced(struct weir_attempt *attempt)
{
	struct weir_request *r = attempt->user;
	struct weir_event e = event_of(r, attempt, WEIR_EV_REPLACED);

	weir_request_step(r, &e);
}

static void on_unreachable(struct weir_attempt *attempt)
{
	struct weir_request *r = attempt->user;
	struct weir_event e = event_of(r, attempt, WEIR_EV_RESULT);

	e.outcome = attempt->verdict.outcome;
	e.unsent = true;
	e.local = is_local(attempt->verdict.reason);
	weir_request_close_record(r, attempt->number, e.outcome, attempt->verdict.reason);
	weir_request_step(r, &e);
}

static const struct weir_attempt_events attempt_events = {
	.on_connected = on_connected,
	.on_replaced = on_replaced,
	.on_news = on_news,
	.on_unreachable = on_unreachable,
};
