/* What is kept of a request, of those that are worth it (recent.h). */
#include "core/recent.h"

#include "core/quotes.h"
#include "core/request_private.h"

enum { WORDS_MAX = 16 * 1024 };

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

/* What a provider says of an account, or of itself. Of a request that is wrong it may say
 * anything. */
static bool may_be_told(enum weir_outcome outcome)
{
	return outcome == WEIR_OUT_CREDENTIALS || outcome == WEIR_OUT_QUOTA ||
	       outcome == WEIR_OUT_RATE_LIMITED || outcome == WEIR_OUT_OVERLOADED ||
	       outcome == WEIR_OUT_SERVER_ERROR;
}

/* Without a secret, and nothing that quotes the request. */
static void put_words(struct weir_request *r, const struct weir_record *record,
		      const struct weir_attempt *attempt, struct weir_buf *words)
{
	const char *said = attempt ? attempt->exchange.said : NULL;
	int rc = 0;

	if (attempt && *attempt->text)
		rc = weir_buf_puts(words, attempt->text);
	else if (said && may_be_told(record->outcome) &&
		 weir_recent_may_quote(r->gateway->recent, weir_request_now_ms(r)) &&
		 !weir_quotes(weir_slice_of(said), weir_buf_slice(&r->body.bytes),
			      weir_slice_of(r->body.model)))
		rc = weir_buf_puts(words, said);
	if (rc == 0)
		rc = weir_config_scrub(r->config, words);
	if (rc)
		weir_buf_clear(words);
}

void weir_request_note_failure(struct weir_request *r, const struct weir_record *record,
			       const struct weir_attempt *attempt)
{
	struct weir_buf words;

	weir_buf_init(&words, WORDS_MAX);
	put_words(r, record, attempt, &words);
	weir_recent_failure(r->gateway->recent, r->snapshot->ledger, record, r->id,
			    weir_buf_slice(&words), weir_request_now_ms(r));
	weir_buf_fini(&words);
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
