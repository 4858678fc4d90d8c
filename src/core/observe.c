#include "core/observe.h"

enum { TARGET_MAX = 640 };

/* What he does in here to requests and the gateway waits for the loop: see gateway->telling. */
static void tell(struct weir_gateway *g, const struct weir_notice *notice)
{
	g->telling++;
	g->on_notice(g->callbacks_arg, notice);
	g->telling--;
}

static const char *chain_name(const struct weir_chain *chain)
{
	return chain ? chain->name : NULL;
}

void weir_observe_attempt(struct weir_gateway *g, const char *request_id,
			  const struct weir_chain *chain, const struct weir_record *record,
			  unsigned n)
{
	char from[TARGET_MAX] WEIR_UNINITIALIZED;

	if (!g->on_notice)
		return;
	weir_target_name(record->target, record->key, from, sizeof from);
	tell(g, &(struct weir_notice){
			.kind = WEIR_NOTICE_ATTEMPT,
			.status = (int)record->status,
			.request_id = request_id,
			.chain = chain_name(chain),
			.from = from,
			.outcome = weir_outcome_name(record->outcome),
			.reason = record->reason,
			.attempt = n,
			.ms = record->ms,
		});
}

void weir_observe_move(struct weir_gateway *g, enum weir_notice_kind kind,
		       const struct weir_move *move)
{
	char from[TARGET_MAX] WEIR_UNINITIALIZED, to[TARGET_MAX] WEIR_UNINITIALIZED;

	if (!g->on_notice)
		return;
	weir_target_name(move->from->target, move->from->key, from, sizeof from);
	weir_target_name(move->to, move->to_key, to, sizeof to);
	tell(g, &(struct weir_notice){
			.kind = kind,
			.status = (int)move->from->status,
			.request_id = move->request_id,
			.chain = chain_name(move->chain),
			.from = from,
			.to = to,
			.outcome = move->move_class,
			.reason = move->from->reason,
			.attempt = (unsigned)move->attempt,
			.ms = move->elapsed_ms,
		});
}

void weir_observe_end(struct weir_gateway *g, const struct weir_request_ending *ending)
{
	char to[TARGET_MAX] WEIR_UNINITIALIZED;

	if (!g->on_notice)
		return;
	if (ending->server)
		weir_target_name(ending->server->target, ending->server->key, to, sizeof to);
	tell(g, &(struct weir_notice){
			.kind = WEIR_NOTICE_END,
			.status = (int)ending->status,
			.request_id = ending->request_id,
			.chain = chain_name(ending->chain),
			.to = ending->server ? to : NULL,
			.outcome = weir_request_outcome_name(ending->outcome),
			.attempt = ending->attempts,
			.ms = ending->ms,
		});
}
