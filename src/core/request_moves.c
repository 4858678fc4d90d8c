/* Telling of moves: to another target, past one, or once more to the same. */
#include "core/observe.h"
#include "core/request_private.h"

static const char *const words[] = {
	[WEIR_NOTICE_FALLBACK] = "fallback",
	[WEIR_NOTICE_RETRY] = "retry",
	[WEIR_NOTICE_HEDGE] = "hedge",
};

struct leg {
	struct weir_record from;
	unsigned attempt; /* from 1; 0: it was not tried */
	unsigned move_class;
	const char *text;
};

static void tell(struct weir_request *r, const struct leg *leg, const struct weir_target *to,
		 unsigned to_key, enum weir_notice_kind kind)
{
	uint64_t now = weir_request_now_ms(r), end = r->failover.walk.give_up_ms;
	struct weir_move move = {
		.request_id = r->id,
		.chain = r->route_plan.chain,
		.from = &leg->from,
		.to = to,
		.to_key = to_key,
		.event = words[kind],
		.level = kind == WEIR_NOTICE_FALLBACK ? WEIR_LOG_WARN : WEIR_LOG_INFO,
		.move_class = weir_fallback_class_name(leg->move_class),
		.text = leg->text,
		.attempt = r->records_n,
		.elapsed_ms = now - r->began_ms,
		.remaining_ms = end > now ? end - now : 0,
	};
	const struct weir_log *events;

	weir_report_move(&r->gateway->log, &move);
	if ((events = weir_events_log(&r->gateway->events)))
		weir_report_move(events, &move);
	weir_request_trace_move(r, &move);
	weir_request_note_move(r, &leg->from, leg->attempt, move.move_class);
	if (kind == WEIR_NOTICE_FALLBACK)
		weir_ledger_fallback(r->snapshot->ledger, r->route_plan.chain, leg->from.target, to,
				     leg->move_class);
	else if (kind == WEIR_NOTICE_RETRY)
		weir_ledger_retry(r->snapshot->ledger, to);
	weir_observe_move(r->gateway, kind, &move);
}

/* Why the attempt that ended last was left: of two, it need not be the newer one. */
static struct leg last_leg(const struct weir_request *r)
{
	const struct weir_record *left = &r->records[r->left];

	return (struct leg){
		.from = *left,
		.attempt = r->left + 1,
		.move_class = left->outcome,
		.text = r->attempt && r->attempt->number == r->left ? r->attempt->text : NULL,
	};
}

static struct leg passed_leg(const struct weir_request *r, const struct weir_passed *passed)
{
	struct leg leg = { .move_class = weir_fallback_class_of(passed->leave) };

	leg.from.target = weir_request_target(r, passed->spot, &leg.from.key);
	leg.from.reason = weir_leave_reason(passed->leave);
	if (passed->leave == WEIR_LEAVE_UNFIT && r->route_plan.unfit_reasons[passed->spot.step])
		leg.from.reason = r->route_plan.unfit_reasons[passed->spot.step];
	return leg;
}

void weir_request_tell_overtaken(struct weir_request *r)
{
	const struct weir_record *to = &r->records[r->rival->number];
	struct leg leg = {
		.from = r->records[r->attempt->number],
		.attempt = r->attempt->number + 1,
		.text = r->attempt->text,
	};

	leg.move_class = leg.from.outcome;
	if (!leg.from.ended) {
		leg.move_class = WEIR_OUT_SLOW;
		leg.from.reason = "hedge";
	}
	tell(r, &leg, to->target, to->key, WEIR_NOTICE_FALLBACK);
}

void weir_request_tell_hedge(struct weir_request *r, const struct weir_action *action)
{
	unsigned key;
	const struct weir_target *to = weir_request_target(r, action->spot, &key);
	struct leg leg = {
		.from = r->records[r->attempt->number],
		.attempt = r->attempt->number + 1,
		.move_class = WEIR_OUT_SLOW,
	};

	leg.from.reason = "hedge";
	tell(r, &leg, to, key, WEIR_NOTICE_HEDGE);
}

void weir_request_tell_moves(struct weir_request *r, const struct weir_action *action)
{
	const struct weir_walk *walk = &r->failover.walk;
	unsigned key;
	const struct weir_target *to = weir_request_target(r, action->spot, &key);
	struct leg leg;

	if (!r->records_n && !walk->passed_n)
		return;
	if (r->records_n)
		leg = last_leg(r);
	for (unsigned i = 0; i < walk->passed_n; i++) {
		struct leg next = passed_leg(r, &walk->passed[i]);

		if (r->records_n || i)
			tell(r, &leg, next.from.target, next.from.key, WEIR_NOTICE_FALLBACK);
		leg = next;
	}
	tell(r, &leg, to, key, action->fallback ? WEIR_NOTICE_FALLBACK : WEIR_NOTICE_RETRY);
}
