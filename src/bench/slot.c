#include "bench/slot.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "net/tls.h"

struct weir_bench_slot *weir_bench_slot_create(struct weir_bench_run *run)
{
	struct weir_bench_slot *slot = weir_calloc(1, sizeof *slot);

	if (!slot)
		return NULL;
	slot->run = run;
	weir_list_init(&slot->node);
	weir_bench_nonce_init(&slot->nonce, (uint32_t)run->load.seed);
	weir_bench_answer_init(&slot->answer);
	weir_bench_judge_init(&slot->judge, run->dialect);
	return slot;
}

void weir_bench_slot_destroy(struct weir_bench_slot *slot)
{
	WEIR_ASSERT(slot->state == WEIR_BENCH_SLOT_SHUT);
	weir_bench_answer_fini(&slot->answer);
	weir_bench_judge_fini(&slot->judge);
	weir_free(slot);
}

static struct weir_bench_tally *tally_of(struct weir_bench_slot *slot)
{
	return slot->run->round.tally;
}

static void on_closed(struct weir_conn *conn)
{
	struct weir_bench_slot *slot = conn->user;

	slot->state = WEIR_BENCH_SLOT_SHUT;
	if (slot->busy && !slot->run->closing)
		weir_bench_slot_open(slot);
	else
		slot->run->slot_events->on_shut(slot);
}

void weir_bench_slot_shut(struct weir_bench_slot *slot)
{
	if (slot->state == WEIR_BENCH_SLOT_SHUT || slot->state == WEIR_BENCH_SLOT_CLOSING)
		return;
	slot->state = WEIR_BENCH_SLOT_CLOSING;
	weir_conn_close(&slot->conn);
}

static void release(struct weir_bench_slot *slot)
{
	weir_list_remove(&slot->node);
	slot->busy = false;
	slot->run->busy_n--;
}

void weir_bench_slot_end(struct weir_bench_slot *slot, enum weir_bench_outcome outcome,
			 uint64_t now)
{
	struct weir_bench_run *run = slot->run;
	struct weir_bench_ended ended = {
		.outcome = outcome,
		.status = slot->answer.status,
		.at_ns = slot->due_ns > run->began_ns ? slot->due_ns - run->began_ns : 0,
		.latency_ns = now - slot->due_ns,
		.service_ns = slot->sent ? now - slot->sent_ns : 0,
		.tokens = slot->judge.tokens,
		.stream = slot->stream,
		.in_time = now <= run->ends_ns,
		.phase = slot->phase,
	};

	release(slot);
	if (outcome == WEIR_BENCH_OK)
		tally_of(slot)->tokens_kept += slot->judge.tokens;
	if (slot->counts) {
		tally_of(slot)->upstream_told += slot->answer.has_attempts;
		tally_of(slot)->upstream += slot->answer.attempts;
		tally_of(slot)->events += slot->judge.streams ? slot->judge.events : 0;
		weir_bench_tally_add(tally_of(slot), &ended);
	}
	if (run->load.fresh || !slot->answer.keep_alive || slot->answer.state != WEIR_BENCH_ENDED)
		weir_bench_slot_shut(slot);
	weir_bench_answer_next(&slot->answer);
	run->slot_events->on_free(slot, outcome, now);
}

void weir_bench_slot_abandon(struct weir_bench_slot *slot)
{
	release(slot);
	weir_bench_slot_shut(slot);
	weir_bench_answer_next(&slot->answer);
}

static void send_request(struct weir_bench_slot *slot, uint64_t now)
{
	struct weir_bench_run *run = slot->run;
	const struct weir_bench_request *request;
	struct weir_slice bytes;

	weir_bench_nonce_number(&slot->nonce, ++run->number);
	request = weir_bench_mix_next(run->mix, &slot->nonce);
	bytes = weir_slice(request->bytes, request->len);
	slot->stream = request->stream;
	weir_bench_judge_begin(&slot->judge, request->stream,
			       request->nonces_n ? run->load.care : WEIR_BENCH_CARE_NONE,
			       &slot->nonce);
	slot->sent = true;
	slot->sent_ns = now;
	if (weir_conn_write(&slot->conn, &bytes, 1)) {
		weir_bench_slot_end(slot, WEIR_BENCH_CLOSED, now);
		return;
	}
	tally_of(slot)->sent++;
	if (slot->counts)
		tally_of(slot)->bytes_out += request->len;
}

void weir_bench_slot_begin(struct weir_bench_slot *slot, uint64_t due_ns, uint64_t now)
{
	struct weir_bench_run *run = slot->run;

	slot->busy = true;
	slot->counts = due_ns >= run->began_ns;
	slot->sent = slot->judged = slot->first = slot->stream = false;
	slot->phase = run->phase;
	slot->due_ns = due_ns;
	slot->begun_ns = now;
	slot->judge.tokens = slot->judge.events = 0;
	weir_list_remove(&slot->node);
	weir_list_push(&run->busy, &slot->node);
	run->busy_n++;
	if (slot->state == WEIR_BENCH_SLOT_OPEN)
		send_request(slot, now);
	else if (slot->state == WEIR_BENCH_SLOT_SHUT)
		weir_bench_slot_open(slot);
}

static enum weir_bench_outcome outcome_of(const char *reason)
{
	if (weir_slice_starts(weir_slice_of(reason), "tls"))
		return WEIR_BENCH_TLS;
	return weir_slice_is(weir_slice_of(reason), "local_resource") ? WEIR_BENCH_LOCAL
								      : WEIR_BENCH_CONNECT;
}

static void on_failed(struct weir_bench_slot *slot, const char *reason)
{
	struct weir_bench_run *run = slot->run;

	run->complaint = reason;
	if (slot->conn.tls && weir_tls_sentence(slot->conn.tls)[0])
		run->complaint = weir_tls_reason(slot->conn.tls);
	run->target->address_next++;
	weir_bench_slot_shut(slot);
	if (slot->busy)
		weir_bench_slot_end(slot, outcome_of(reason), uv_hrtime());
	else
		run->slot_events->on_opened(slot);
}

static void on_open(struct weir_conn *conn, int err, const char *reason)
{
	struct weir_bench_slot *slot = conn->user;
	uint64_t now = uv_hrtime();

	if (err) {
		on_failed(slot, reason);
		return;
	}
	slot->state = WEIR_BENCH_SLOT_OPEN;
	tally_of(slot)->connections++;
	weir_bench_hist_add(tally_of(slot)->connect, now - slot->opened_ns);
	if (slot->busy)
		send_request(slot, now);
	else
		slot->run->slot_events->on_opened(slot);
}

/* The head is there: what kind of body comes? */
static void take_head(struct weir_bench_slot *slot)
{
	if (slot->answer.status == 200)
		weir_bench_judge_head(&slot->judge, slot->answer.event_stream);
	else
		slot->judged = true; /* nobody reads it */
}

static void take_tokens(struct weir_bench_slot *slot, unsigned n, uint64_t now)
{
	struct weir_bench_tally *t = tally_of(slot);

	if (!n || !slot->counts)
		return;
	if (!slot->first) {
		slot->first = true;
		weir_bench_hist_add(t->first, now - slot->due_ns);
	} else {
		t->stalls += now - slot->token_ns > slot->run->load.stall_ns;
		weir_bench_hist_add(t->gap, now - slot->token_ns);
	}
	slot->token_ns = now;
	while (--n) /* they came in one piece */
		weir_bench_hist_add(t->gap, 0);
}

static void take_body(struct weir_bench_slot *slot, struct weir_slice body, bool last, uint64_t now)
{
	if (slot->judged)
		return;
	slot->judged = last;
	take_tokens(slot, weir_bench_judge_bytes(&slot->judge, body, last), now);
}

static enum weir_bench_outcome outcome_of_status(const struct weir_bench_slot *slot)
{
	unsigned status = slot->answer.status;

	if (status == 429)
		return WEIR_BENCH_429;
	if (status >= 500)
		return WEIR_BENCH_5XX;
	if (status >= 400)
		return WEIR_BENCH_4XX;
	return status < 300 && !slot->run->dialect->read_whole ? WEIR_BENCH_OK : WEIR_BENCH_OTHER;
}

static void finish_message(struct weir_bench_slot *slot, uint64_t now)
{
	enum weir_bench_outcome outcome;

	if (slot->answer.status == 200) {
		take_body(slot, WEIR_SLICE(""), true, now);
		outcome = weir_bench_judge_end(&slot->judge);
	} else {
		outcome = outcome_of_status(slot);
	}
	weir_bench_slot_end(slot, outcome, now);
}

static void on_bytes(struct weir_conn *conn, const char *bytes, size_t len)
{
	struct weir_bench_slot *slot = conn->user;
	struct weir_slice in = weir_slice(bytes, len), body = weir_slice(NULL, 0);
	uint64_t now = uv_hrtime();

	if (!slot->busy) { /* nobody asked */
		weir_bench_slot_shut(slot);
		return;
	}
	if (slot->counts)
		tally_of(slot)->bytes_in += len;
	for (;;) {
		switch (weir_bench_answer_read(&slot->answer, &in, &body)) {
		case WEIR_BENCH_GOT_NOTHING:
			return;
		case WEIR_BENCH_GOT_HEAD:
			take_head(slot);
			break;
		case WEIR_BENCH_GOT_BODY:
			take_body(slot, body,
				  slot->answer.state == WEIR_BENCH_IN_LENGTH && !slot->answer.left,
				  now);
			break;
		case WEIR_BENCH_GOT_END:
			if (in.len)
				weir_bench_slot_shut(slot); /* bytes nobody asked for */
			finish_message(slot, now);
			return;
		case WEIR_BENCH_GOT_BAD:
			slot->run->complaint = slot->answer.reason;
			weir_bench_slot_end(slot, WEIR_BENCH_PROTOCOL, now);
			return;
		}
	}
}

static void on_end(struct weir_conn *conn, int err)
{
	struct weir_bench_slot *slot = conn->user;
	uint64_t now = uv_hrtime();
	bool head = slot->answer.state > WEIR_BENCH_IN_HEAD && slot->answer.status == 200;

	if (!slot->busy)
		weir_bench_slot_shut(slot);
	else if (err == 0 && weir_bench_answer_ends(&slot->answer))
		finish_message(slot, now);
	else
		weir_bench_slot_end(
			slot, head ? weir_bench_judge_cut(&slot->judge) : WEIR_BENCH_CLOSED, now);
}

static const struct weir_conn_events events = {
	.on_open = on_open,
	.on_bytes = on_bytes,
	.on_end = on_end,
};

/* What the kernel refuses at once comes by on_open, too; only memory can fail here. */
void weir_bench_slot_open(struct weir_bench_slot *slot)
{
	struct weir_bench_run *run = slot->run;
	const struct weir_addresses *all = &run->target->addresses;
	struct weir_tls_session *session = NULL;
	int rc = WEIR_ENOMEM;

	WEIR_ASSERT(slot->state == WEIR_BENCH_SLOT_SHUT);
	slot->opened_ns = uv_hrtime();
	if (run->tls)
		session = weir_tls_session_create(run->tls, run->target->host, &run->ticket);
	if (session || !run->tls)
		rc = weir_conn_open(&slot->conn, run->net,
				    &all->list[run->target->address_next % all->n].any, session,
				    &events, slot, on_closed);
	if (rc == 0) {
		slot->state = WEIR_BENCH_SLOT_OPENING;
		return;
	}
	run->complaint = "out of memory";
	if (slot->busy)
		weir_bench_slot_end(slot, WEIR_BENCH_LOCAL, slot->opened_ns);
	else
		run->slot_events->on_opened(slot);
}
