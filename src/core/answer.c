#include <stdio.h>

#include "base/alloc.h"
#include "config/value.h"
#include "core/observe.h"
#include "core/request_private.h"
#include "dialect/cost.h"
#include "dialect/pen.h"
#include "wire/http_write.h"

enum { BYTES_PER_TOKEN = 4 };                                    /* of English text, about */
enum { TRAIL_ROOM = 256, FIELDS_ROOM = 1024, FIELD_ROOM = 128 }; /* of most of them */
enum { ERROR_MAX = 64 * 1024 };

/* A whole held answer, each of its lines as one of an event. */
enum { OWN_EVENT_MAX = 2 * WEIR_EXCHANGE_HOLD_MAX };

/* The attempt that decided how the request ended; NULL: there was none. */
static const struct weir_record *decisive(const struct weir_request *r)
{
	unsigned i = r->outcome == WEIR_REQUEST_HANGUP ? r->records_n - 1 : r->left;

	return r->records_n ? &r->records[i] : NULL;
}

/* An attempt still in flight is told as what it is at this moment. */
int weir_request_trail(const struct weir_request *r, struct weir_buf *out)
{
	struct weir_pen pen = { out, 0 };

	weir_report_trail(&pen, r->records, r->records_n);
	return pen.rc;
}

static bool speaks_anthropic(const struct weir_request *r)
{
	return r->route == WEIR_ROUTE_MESSAGES || r->route == WEIR_ROUTE_COUNT;
}

/* Written by hand: nothing in these fields can end a line early. */
static void put_ids(struct weir_pen *pen, const struct weir_request *r)
{
	weir_put(pen, "x-weir-request-id: ");
	weir_put(pen, r->id);
	if (speaks_anthropic(r)) {
		weir_put(pen, "\r\nrequest-id: ");
		weir_put(pen, r->id);
	}
	weir_put(pen, "\r\nx-request-id: ");
	weir_put(pen, r->id);
	weir_put(pen, "\r\n");
}

static void put_common(struct weir_pen *pen, const struct weir_request *r,
		       const struct weir_record *server)
{
	put_ids(pen, r);
	if (server) {
		weir_put(pen, "x-weir-target: ");
		weir_report_target(pen, server);
		weir_put(pen, "\r\n");
	}
	weir_put_number(pen, "x-weir-attempts: ", r->records_n);
	if (r->records_n) {
		weir_put(pen, "\r\nx-weir-trail: ");
		weir_report_trail(pen, r->records, r->records_n);
	}
	weir_put(pen, "\r\n");
	if (r->claim.books)
		weir_claim_put_fields(r->claim.books, weir_request_now_ms(r), pen);
}

/* Has the owner taken `first`? */
static bool tell(struct weir_request *r, const struct weir_answer *answer, struct weir_slice first,
		 bool ended)
{
	r->answered = true;
	r->whole = ended;
	if (r->events->on_answer(r, answer, first, ended))
		return true;
	r->whole = false;
	r->owes = ended || r->failover.state == WEIR_ST_OVER;
	return false;
}

/* With no memory left for headers the answer still goes out, with the least of them. */
static bool tell_head(struct weir_request *r, struct weir_answer *answer, struct weir_pen *fields,
		      struct weir_slice first, bool ended)
{
	bool taken;

	if (fields->rc)
		weir_buf_clear(fields->buf);
	answer->fields = weir_buf_slice(fields->buf);
	taken = tell(r, answer, first, ended);
	weir_buf_fini(fields->buf);
	return taken;
}

/* What was asked of weir and is not heeded, and what this target did not get. */
static void put_dropped(struct weir_pen *pen, const struct weir_request *r)
{
	static const struct weir_drops nothing = { .n = 0 };
	const struct weir_drops *const lists[] = {
		r->body.ignored ? r->body.ignored : &nothing,
		weir_attempt_drops(r->attempt),
	};

	if (lists[0]->n + lists[1]->n == 0)
		return;
	weir_put(pen, "x-weir-dropped: ");
	for (unsigned k = 0; k < 2; k++) {
		for (unsigned i = 0; i < lists[k]->n; i++) {
			weir_put(pen, i || (k && lists[0]->n) ? ", " : "");
			weir_put(pen, lists[k]->names[i]);
		}
	}
	weir_put(pen, "\r\n");
}

static void put_cost(struct weir_pen *pen, const struct weir_request *r)
{
	char dollars[32];

	if (r->cost_nano == WEIR_PRICE_UNKNOWN)
		return;
	weir_value_print_dollars(r->cost_nano, dollars, sizeof dollars);
	weir_put(pen, "x-weir-cost-usd: ");
	weir_put(pen, dollars);
	weir_put(pen, "\r\n");
}

/* A provider's word for a header: it may quote the key that it was given. Cut to size. */
static void copy_clean(const struct weir_request *r, const char *text, char *to, size_t size)
{
	char room[FIELD_ROOM] WEIR_UNINITIALIZED;
	struct weir_buf clean;

	weir_buf_init_lent(&clean, sizeof room, room, sizeof room);
	if (weir_buf_append(&clean, text, strlen(text)) || weir_config_scrub(r->config, &clean))
		weir_buf_clear(&clean);
	weir_slice_print(weir_buf_slice(&clean), to, size);
	weir_buf_fini(&clean);
}

/* Almost every answer's is one of these, and no key is. Else it is copied to room. */
static const char *clean_type(const struct weir_request *r, const char *type, char *room,
			      size_t size)
{
	static const char *const usual[] = { "application/json", "text/event-stream" };

	for (size_t i = 0; i < WEIR_COUNT_OF(usual); i++)
		if (strcmp(type, usual[i]) == 0)
			return usual[i];
	copy_clean(r, type, room, size);
	return room;
}

static bool tell_provider_head(struct weir_request *r, struct weir_slice first, bool ended)
{
	const struct weir_exchange *x = &r->attempt->exchange;
	const struct weir_record *server = &r->records[r->server];
	/* Both outlive an attempt that ends during the call. */
	char type[sizeof x->content_type] WEIR_UNINITIALIZED;
	char id[sizeof x->upstream_request_id] WEIR_UNINITIALIZED;
	struct weir_answer answer = {
		.status = 200,
		.content_type = clean_type(r, x->content_type, type, sizeof type),
		.stream = x->stream,
		.has_length = x->has_length,
		.content_length = x->content_length,
		.target = server->target->id,
	};
	struct weir_buf fields;
	struct weir_pen pen = { &fields, 0 };
	char room[FIELDS_ROOM] WEIR_UNINITIALIZED;

	weir_buf_init_lent(&fields, WEIR_ANSWER_HEAD_MAX, room, sizeof room);
	put_common(&pen, r, server);
	put_dropped(&pen, r);
	if (!x->stream)
		put_cost(&pen, r);
	copy_clean(r, x->upstream_request_id, id, sizeof id);
	if (pen.rc == 0 && id[0])
		pen.rc = weir_http_put_field(&fields, "x-upstream-request-id", weir_slice_of(id));
	return tell_head(r, &answer, &pen, first, ended);
}

void weir_answer_relay(struct weir_request *r, bool ended)
{
	struct weir_buf out = r->attempt->exchange.out;
	bool head = r->head_due, taken = true;

	if (r->muted)
		return;
	/* A caller that leaves during the call takes the attempt along, but not the bytes. */
	weir_buf_init(&r->attempt->exchange.out, out.max);
	r->head_due = false;
	r->shown += out.len;
	if (head) {
		taken = tell_provider_head(r, weir_buf_slice(&out), ended);
	} else if (out.len || ended) {
		r->whole = ended;
		r->events->on_bytes(r, weir_buf_slice(&out), ended);
	}
	if (!r->attempt) {
		weir_buf_fini(&out);
		return;
	}
	if (taken)
		weir_buf_clear(&out);
	r->attempt->exchange.out = out;
}

void weir_answer_keepalive(struct weir_request *r)
{
	const struct weir_chain *chain = weir_plan_settings(&r->route_plan, r->config);
	struct weir_answer answer = {
		.status = 200,
		.content_type = "text/event-stream",
		.stream = true,
	};
	struct weir_slice comment = weir_slice_of(
		speaks_anthropic(r) ? "event: ping\ndata: {\"type\":\"ping\"}\n\n"
				    : ": waiting for a target\n\n");
	struct weir_buf fields;
	struct weir_pen pen = { &fields, 0 };

	r->early_due_ms = WEIR_NEVER;
	if (r->committed || r->failover.state == WEIR_ST_OVER)
		return;
	r->early_due_ms = weir_request_now_ms(r) + chain->early_keepalive_ms;
	if (r->muted)
		return;
	if (r->early) {
		r->events->on_bytes(r, comment, false);
		return;
	}
	r->early = true;
	r->own_status = 200;
	weir_buf_init(&fields, WEIR_ANSWER_HEAD_MAX);
	put_ids(&pen, r);
	tell_head(r, &answer, &pen, comment, false);
}

bool weir_answer_pending(const struct weir_request *r)
{
	return r->failover.state == WEIR_ST_RELAYING && r->attempt &&
	       (r->head_due || r->attempt->exchange.out.len);
}

int weir_answer_complain(struct weir_request *r, const struct weir_complaint *complaint)
{
	int rc;

	weir_buf_init(&r->own, ERROR_MAX);
	if (speaks_anthropic(r))
		rc = weir_report_anthropic_error(complaint->status, complaint->message,
						 complaint->code, NULL, 0, r->id, &r->own);
	else
		rc = weir_report_error(complaint->message, complaint->type, complaint->code,
				       complaint->param, NULL, 0, &r->own);
	r->own_status = complaint->status;
	snprintf(r->own_type, sizeof r->own_type, "application/json");
	return rc;
}

/* The head is out, and no answer came: what would have been the body is the last event. */
static void tell_late(struct weir_request *r)
{
	struct weir_slice body = weir_buf_slice(&r->own);
	struct weir_buf event;
	int rc;

	weir_buf_init(&event, OWN_EVENT_MAX);
	rc = speaks_anthropic(r) ? weir_buf_puts(&event, "event: error\n") : 0;
	while (body.len && rc == 0) {
		const char *end = memchr(body.base, '\n', body.len);
		size_t n = end ? (size_t)(end - body.base) : body.len;

		if (n && (rc = weir_buf_puts(&event, "data: ")) == 0 &&
		    (rc = weir_buf_append(&event, body.base, n)) == 0)
			rc = weir_buf_puts(&event, "\n");
		n += end != NULL;
		body = weir_slice(body.base + n, body.len - n);
	}
	if (rc == 0 && weir_buf_puts(&event, "\n") == 0)
		r->events->on_bytes(r, weir_buf_slice(&event), false);
	weir_buf_fini(&event);
}

static void tell_own(struct weir_request *r, const struct weir_action *finish)
{
	const struct weir_record *server = r->own_target && finish->own < r->records_n
						   ? &r->records[finish->own]
						   : NULL;
	struct weir_answer answer = {
		.status = r->own_status,
		.content_type = r->own_type,
		.has_length = true,
		.target = server ? server->target->id : NULL,
	};
	struct weir_buf fields;
	struct weir_pen pen = { &fields, 0 };

	/* What is unchanged may still hold a key of ours that the provider quotes. */
	if (weir_config_scrub(r->config, &r->own))
		weir_buf_clear(&r->own);
	answer.content_type = clean_type(r, r->own_type, r->own_type, sizeof r->own_type);
	r->told_own = true;
	if (r->early) {
		tell_late(r);
		return;
	}
	answer.content_length = r->own.len;
	weir_buf_init(&fields, WEIR_ANSWER_HEAD_MAX);
	put_common(&pen, r, server);
	tell_head(r, &answer, &pen, weir_buf_slice(&r->own), true);
}

/* A caller who is told that nobody can count would count by asking. */
static int put_estimate(struct weir_request *r)
{
	return weir_buf_printf(&r->own, "{\"input_tokens\":%zu}\n",
			       r->body.bytes.len / BYTES_PER_TOKEN + 1);
}

unsigned weir_answer_status(const struct weir_request *r, enum weir_final final)
{
	unsigned status = weir_final_row(final)->status;

	if (r->route == WEIR_ROUTE_COUNT)
		return 200;
	return speaks_anthropic(r) && status == 503 ? 529 : status;
}

int weir_answer_estimate(struct weir_request *r)
{
	weir_buf_init(&r->own, ERROR_MAX);
	r->own_status = 200;
	snprintf(r->own_type, sizeof r->own_type, "application/json");
	return put_estimate(r);
}

static void tell_final(struct weir_request *r, const struct weir_action *finish)
{
	const struct weir_final_row *row = weir_final_row(finish->final);
	unsigned status = weir_answer_status(r, finish->final);
	struct weir_answer answer = {
		.status = status,
		.content_type = "application/json",
		.has_length = true,
	};
	struct weir_buf fields;
	struct weir_pen pen = { &fields, 0 };
	char message[200];
	int rc;

	weir_buf_init(&fields, WEIR_ANSWER_HEAD_MAX);
	weir_buf_clear(&r->own);
	snprintf(message, sizeof message, "%s (%u attempt%s)", row->message, r->records_n,
		 r->records_n == 1 ? "" : "s");
	if (status == 200)
		rc = put_estimate(r);
	else if (speaks_anthropic(r))
		rc = weir_report_anthropic_error(status, message, row->code, r->records,
						 r->records_n, r->id, &r->own);
	else
		rc = weir_report_error(message, row->type, row->code, NULL, r->records,
				       r->records_n, &r->own);
	if (rc)
		weir_buf_clear(&r->own);
	if (r->early) {
		tell_late(r);
		return;
	}
	put_common(&pen, r, NULL);
	if (status != 200)
		weir_report_retry(&pen, finish->retry_after_stated, finish->retry_after_ms);
	answer.content_length = r->own.len;
	tell_head(r, &answer, &pen, weir_buf_slice(&r->own), true);
}

/* The caller has seen bytes: an honest end, never a clean one. */
static void tell_cut(struct weir_request *r, const struct weir_action *finish)
{
	struct weir_exchange *x = r->attempt && r->attempt->exchange.committed
					  ? &r->attempt->exchange
					  : NULL;
	const struct weir_final_row *row = weir_final_row(finish->final);
	struct weir_buf event;

	if (x && (!x->stream || x->error_event_shown)) {
		if (x->error_event_shown && weir_config_scrub(r->config, &x->out))
			weir_buf_clear(&x->out);
		weir_answer_relay(r, false);
		return;
	}
	if (x)
		weir_answer_relay(r, false);
	if (r->over)
		return;
	if (r->muted) {
		r->owes = true;
		return;
	}
	weir_buf_init(&event, ERROR_MAX);
	if (weir_dialect_of(r->route)->put_error_event(&event, weir_slice_of(row->message),
						       row->code) == 0)
		r->events->on_bytes(r, weir_buf_slice(&event), false);
	weir_buf_fini(&event);
}

/* What the owner did not take, as it had paused. */
static void tell_rest(struct weir_request *r, const struct weir_action *finish)
{
	r->owes = false;
	if (finish->final == WEIR_FINAL_OK) {
		weir_answer_relay(r, true);
		return;
	}
	if (finish->final == WEIR_FINAL_CUT) {
		tell_cut(r, finish);
		return;
	}
	r->whole = true;
	r->events->on_bytes(r, weir_buf_slice(&r->own), true);
}

void weir_answer_finish(struct weir_request *r, const struct weir_action *finish)
{
	if (r->owes) {
		tell_rest(r, finish);
		return;
	}
	switch (finish->final) {
	case WEIR_FINAL_OK:
		weir_answer_relay(r, true);
		return;
	case WEIR_FINAL_CUT:
		tell_cut(r, finish);
		return;
	case WEIR_FINAL_OWN:
		tell_own(r, finish);
		return;
	case WEIR_FINAL_RATE_LIMITED:
	case WEIR_FINAL_QUOTA:
	case WEIR_FINAL_DEADLINE:
	case WEIR_FINAL_OVERLOADED:
	case WEIR_FINAL_UNUSABLE:
	case WEIR_FINAL_EXHAUSTED:
	case WEIR_FINAL_N:
		break;
	}
	tell_final(r, finish);
}

/* Nobody charges for what nobody served, nor for counting. */
static bool is_charged(const struct weir_request *r)
{
	return r->committed && r->route != WEIR_ROUTE_COUNT;
}

static void log_cost(struct weir_log_line *line, const struct weir_request *r)
{
	char dollars[32];

	if (!is_charged(r)) {
		weir_log_null(line, "cost_usd");
	} else if (r->cost_nano == WEIR_PRICE_UNKNOWN) {
		weir_log_str(line, "cost_usd", "unknown");
	} else {
		weir_value_print_dollars(r->cost_nano, dollars, sizeof dollars);
		weir_log_number(line, "cost_usd", dollars);
	}
}

unsigned weir_answer_seen(const struct weir_request *r)
{
	return !r->answered ? 499 : r->early ? 200 : r->own_status;
}

static enum weir_log_level level_of(const struct weir_request *r)
{
	return r->outcome == WEIR_REQUEST_EXHAUSTED ? WEIR_LOG_ERROR : WEIR_LOG_INFO;
}

static void observe(struct weir_request *r, uint64_t ms)
{
	weir_observe_end(r->gateway, &(struct weir_request_ending){
					     .request_id = r->id,
					     .chain = r->route_plan.chain,
					     .server = r->committed ? &r->records[r->server] : NULL,
					     .outcome = r->outcome,
					     .status = weir_answer_seen(r),
					     .attempts = r->records_n,
					     .ms = ms,
				     });
}

static void log_request(const struct weir_request *r, const struct weir_log *log, uint64_t ms)
{
	/* Who answered: nobody when the answer is weir's own error. */
	const struct weir_target *target = r->committed  ? r->records[r->server].target
					   : r->told_own ? r->own_target
							 : NULL;
	const struct weir_record *last = decisive(r);
	const struct weir_chain *chain = r->route_plan.chain;
	char trace[WEIR_TRACE_ID_DIGITS + 1];
	struct weir_log_line line WEIR_UNINITIALIZED;
	struct weir_buf trail;
	char room[TRAIL_ROOM] WEIR_UNINITIALIZED;

	if (!weir_log_wants(log, level_of(r)))
		return;
	/* The line cuts what is too long for it. */
	weir_buf_init_lent(&trail, WEIR_ANSWER_HEAD_MAX, room, sizeof room);
	if (weir_request_trail(r, &trail))
		weir_buf_clear(&trail);
	weir_log_begin(&line, log, level_of(r), "request");
	weir_log_str(&line, "request_id", r->id);
	if (weir_request_trace_id(r, trace))
		weir_log_str(&line, "trace_id", trace);
	if (r->caller)
		weir_log_str(&line, "caller", r->caller->name);
	if (r->peer[0])
		weir_log_str(&line, "peer", r->peer);
	weir_log_str(&line, "chain", chain ? chain->name : "other");
	weir_log_str(&line, "model", r->body.model);
	weir_log_str(&line, "target", target ? target->id : NULL);
	weir_log_str(&line, "outcome", weir_request_outcome_name(r->outcome));
	weir_log_u64(&line, "status", weir_answer_seen(r));
	weir_log_u64(&line, "attempts", r->records_n);
	weir_log_bool(&line, "stream", r->body.stream);
	weir_log_u64(&line, "ms", ms);
	if (r->committed)
		weir_log_u64(&line, "first_token_ms", r->first_token_ns / 1000000);
	else
		weir_log_null(&line, "first_token_ms");
	if (r->usage_known) {
		weir_log_u64(&line, "tokens_in", r->usage.in);
		weir_log_u64(&line, "tokens_out", r->usage.out);
	} else {
		weir_log_null(&line, "tokens_in");
		weir_log_null(&line, "tokens_out");
	}
	log_cost(&line, r);
	weir_log_slice(&line, "trail", weir_buf_slice(&trail));
	if (last && last->outcome != WEIR_OUT_OK)
		weir_log_str(&line, "reason", last->reason);
	weir_log_end(&line);
	weir_buf_fini(&trail);
}

/* What of an answer was not told to its end is nobody's, or waste (request_attempts.c). */
static void account_usage(struct weir_request *r)
{
	bool done = r->records[r->server].outcome == WEIR_OUT_OK;
	enum weir_cost_state state = r->cost_nano != WEIR_PRICE_UNKNOWN ? WEIR_COST_KNOWN
				     : !done                            ? WEIR_COST_CUT
				     : r->usage_known                   ? WEIR_COST_NO_PRICE
									: WEIR_COST_NO_USAGE;

	weir_ledger_usage(r->snapshot->ledger, r->route_plan.chain, r->records[r->server].target,
			  r->usage_known && done ? &r->usage : NULL, state, r->cost_nano);
}

void weir_answer_account(struct weir_request *r)
{
	uint64_t now_ns = uv_hrtime(), whole_ns = now_ns - r->began_ns;
	struct weir_request_end end = {
		.id = r->id,
		.chain = r->route_plan.chain,
		.outcome = r->outcome,
		.final = r->finish.final,
		.seconds = (double)whole_ns / 1e9,
	};

	weir_ledger_request_end(r->snapshot->ledger, &end);
	if (r->waited_ns <= whole_ns)
		weir_metrics_overhead(r->gateway->metrics, (double)(whole_ns - r->waited_ns) / 1e9,
				      r->id);
	if (is_charged(r))
		account_usage(r);
	if (r->claim.books)
		weir_request_settle_claim(r);
	weir_request_trace_end(r);
	log_request(r, &r->gateway->log, whole_ns / 1000000);
	log_request(r, &r->gateway->attempt_log, whole_ns / 1000000);
	weir_request_note_end(r, weir_answer_seen(r));
	observe(r, weir_request_now_ms(r) - r->began_ms);
}
