/* What is kept of a request, of those that are worth it (recent.h). */
#include "core/recent.h"

#include "core/request_private.h"

static struct weir_recent_request told_of(struct weir_request *r)
{
	return (struct weir_recent_request){
		.ledger = r->snapshot->ledger,
		.chain = r->route_plan.chain,
		.id = r->id,
		.began_ms = r->began_ms,
		.stream = r->body.stream,
		.story = &r->story,
	};
}

void weir_request_note_move(struct weir_request *r, const struct weir_record *from,
			    unsigned attempt, const char *move_class)
{
	struct weir_recent_request request = told_of(r);

	weir_recent_step(r->gateway->recent, &request, from, attempt, move_class);
}

void weir_request_note_failure(struct weir_request *r, const struct weir_record *record,
			       const char *words)
{
	weir_recent_failure(r->gateway->recent, r->snapshot->ledger, record, r->id,
			    weir_slice_of(words ? words : ""), weir_request_now_ms(r));
}

void weir_request_note_end(struct weir_request *r, unsigned status)
{
	struct weir_recent_request request = told_of(r);
	struct weir_recent_end end = {
		.records = r->records,
		.records_n = r->records_n,
		.outcome = r->outcome,
		.status = status,
		.first_token_known = r->committed,
		.first_token_ms = r->first_token_ns / 1000000,
		.now_ms = weir_request_now_ms(r),
	};

	weir_recent_end(r->gateway->recent, &request, &end);
}
