#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "mock/reply.h"
#include "mock/server.h"

enum { STOP = -9301 }; /* a reader's callback has ended the connection */

static const struct weir_mock_step ours = { .word = "", .minor = 1 };

static void start_request(struct weir_mock_peer *peer)
{
	peer->phase = WEIR_MOCK_RECEIVING;
	peer->tally = NULL;
	peer->begun_ns = uv_hrtime();
}

void weir_mock_peer_reply(struct weir_mock_peer *peer, unsigned status, const char *content_type,
			  struct weir_slice body)
{
	struct weir_mock_pen pen = { &peer->mock->wire, 0 };
	struct weir_mock_head head = { .status = status,
				       .step = &ours,
				       .content_type = weir_slice_of(content_type),
				       .vendor = peer->vendor ? peer->vendor->name : "control",
				       .framing = WEIR_MOCK_FRAMING_LENGTH,
				       .length = body.len,
				       .close = !peer->keep_alive };
	struct weir_slice slices[2];
	int rc;

	weir_mock_put_head(&pen, &head);
	WEIR_MOCK_PUT(&pen, "\r\n");
	slices[0] = weir_buf_slice(pen.buf);
	slices[1] = body;
	rc = pen.rc ? pen.rc : weir_conn_write(&peer->conn, slices, 2);
	weir_buf_clear(pen.buf);
	if (rc)
		weir_conn_close(&peer->conn);
	else
		weir_mock_peer_answered(peer, true);
}

/* An error that no script asked for, in the words of who was asked; NULL: OpenAI's. */
static void refuse_as(struct weir_mock_peer *peer, const struct weir_mock_ask *ask, unsigned status,
		      const char *sentence)
{
	struct weir_buf body;
	struct weir_mock_pen pen = { &body, 0 };
	struct weir_slice type;

	weir_buf_init(&body, 4096);
	type = weir_mock_put_error(&pen, &ours, status, ask, sentence);
	if (pen.rc)
		weir_conn_close(&peer->conn);
	else
		weir_mock_peer_reply(peer, status, type.base, weir_buf_slice(&body));
	weir_buf_fini(&body);
}

static void refuse(struct weir_mock_peer *peer, unsigned status, const char *sentence)
{
	refuse_as(peer, NULL, status, sentence);
}

/* What the reader could not take: nothing after it can be understood. */
static void refuse_bytes(struct weir_mock_peer *peer, int rc)
{
	peer->keep_alive = false;
	if (rc == WEIR_HTTP_REFUSED)
		refuse(peer, peer->reader.refusal.status, peer->reader.refusal.reason);
	else
		weir_conn_close(&peer->conn);
}

static void list_models(struct weir_mock_peer *peer)
{
	struct weir_mock_vendor *v = peer->vendor;
	struct weir_mock_pen pen = { &peer->mock->payload, 0 };
	bool any = false;

	WEIR_MOCK_PUT(&pen, "{\"object\":\"list\",\"data\":[");
	weir_mock_put_model(&pen, WEIR_SLICE("gpt-4o"), v->name);
	WEIR_MOCK_PUT(&pen, ",");
	weir_mock_put_model(&pen, WEIR_SLICE("gpt-4o-mini"), v->name);
	WEIR_LIST_FOR(node, &v->rules)
	{
		struct weir_mock_rule *r = WEIR_CONTAINER_OF(node, struct weir_mock_rule, node);

		any = r->model && strcmp(r->model, "gpt-4o") && strcmp(r->model, "gpt-4o-mini");
		if (!any)
			continue;
		WEIR_MOCK_PUT(&pen, ",");
		weir_mock_put_model(&pen, weir_slice_of(r->model), v->name);
	}
	WEIR_MOCK_PUT(&pen, "]}");
	if (pen.rc)
		weir_conn_close(&peer->conn);
	else
		weir_mock_peer_reply(peer, 200, "application/json", weir_buf_slice(pen.buf));
	weir_buf_clear(pen.buf);
}

static void show_model(struct weir_mock_peer *peer)
{
	struct weir_mock_ask *ask = &peer->play.ask;
	struct weir_mock_pen pen = { &peer->mock->payload, 0 };

	weir_mock_put_model(&pen, weir_slice(ask->model, ask->model_len), peer->vendor->name);
	if (pen.rc)
		weir_conn_close(&peer->conn);
	else
		weir_mock_peer_reply(peer, 200, "application/json", weir_buf_slice(pen.buf));
	weir_buf_clear(pen.buf);
}

static struct weir_slice key_of(const struct weir_http_head *head)
{
	struct weir_slice key = weir_http_field(head, "authorization");

	if (key.len > 7 && weir_slice_is_nocase(weir_slice(key.base, 7), "bearer "))
		return weir_slice_trim(weir_slice(key.base + 7, key.len - 7));
	key = weir_http_field(head, "x-api-key");
	return key.base ? key : weir_http_field(head, "api-key");
}

/* Azure wants its own field, or a token of Entra ID. */
static bool is_keyless(const struct weir_mock_ask *ask, const struct weir_http_head *head)
{
	return ask->deployment && !ask->azure &&
	       !weir_slice_starts_nocase(weir_http_field(head, "authorization"), "bearer eyJ");
}

/* What a hole swallows and a refusing vendor still has open. */
static const struct weir_mock_step silence = {
	.word = "hang",
	.ending = WEIR_MOCK_HANG,
	.point = WEIR_MOCK_AT_BODY,
};

/* As of models that end a conversation only with the user's turn. */
static const struct weir_mock_step no_prefill = {
	.word = "",
	.kind = WEIR_MOCK_STATUS,
	.status = 400,
	.point = WEIR_MOCK_AT_BODY,
	.keep = 1,
	.notify = 1,
	.minor = 1,
	.message = WEIR_SLICE("This model does not support assistant message prefill. The "
			      "conversation must end with a user message."),
};

static void play_rule(struct weir_mock_peer *peer, struct weir_mock_rule *rule)
{
	struct weir_mock_vendor *v = peer->vendor;
	struct weir_mock_script *script;
	const struct weir_mock_step *step = weir_mock_rule_peek(rule);

	if (v->mode == WEIR_MOCK_HOLE || step->kind == WEIR_MOCK_REFUSE ||
	    step->kind == WEIR_MOCK_BLACKHOLE) {
		step = &silence;
		script = weir_mock_script_ref(rule->script);
	} else {
		step = weir_mock_rule_take(rule, &v->rng, &script);
		if (step->resume == WEIR_MOCK_RESUME_REFUSE && peer->play.ask.prefill)
			step = &no_prefill;
	}
	weir_mock_tally_hit(peer);
	peer->phase = WEIR_MOCK_ANSWERING;
	v->serial++;
	weir_mock_play_begin(peer, script, step);
	if (rule == &v->rule)
		weir_mock_vendor_settle(v);
}

static bool is_due(const struct weir_mock_step *step, enum weir_mock_point point)
{
	return step->ending != WEIR_MOCK_WELL && step->point <= point;
}

/* A step that does not wait for the body, because the vendor's script says so. */
static bool play_at_head(struct weir_mock_peer *peer)
{
	struct weir_mock_rule *rule = &peer->vendor->rule;
	const struct weir_mock_step *step = weir_mock_rule_peek(rule);

	if (!step->early && !is_due(step, WEIR_MOCK_AT_HEAD))
		return false;
	peer->deaf = true;
	peer->keep_alive = false;
	memset(&peer->play.ask, 0, sizeof peer->play.ask);
	peer->tally = NULL;
	play_rule(peer, rule);
	return true;
}

static int on_head(void *arg, const struct weir_http_head *head)
{
	static const struct weir_slice go_on = WEIR_SLICE("HTTP/1.1 100 Continue\r\n\r\n");
	struct weir_mock_peer *peer = arg;

	peer->keep_alive = head->keep_alive;
	if (peer->vendor && play_at_head(peer))
		return STOP;
	if (head->content_length > WEIR_MOCK_BODY_MAX ||
	    weir_buf_reserve(&peer->body, (size_t)head->content_length)) {
		peer->keep_alive = false;
		peer->deaf = true;
		refuse(peer, 413, "Request body too large.");
		return STOP;
	}
	if (head->expect_continue && weir_conn_write(&peer->conn, &go_on, 1)) {
		weir_conn_close(&peer->conn);
		return STOP;
	}
	return 0;
}

static int on_body(void *arg, struct weir_slice bytes)
{
	struct weir_mock_peer *peer = arg;

	return weir_buf_append(&peer->body, bytes.base, bytes.len);
}

static const struct weir_http_reader_events reader_events = { on_head, on_body };

static void on_request(struct weir_mock_peer *peer)
{
	const struct weir_http_head *head = peer->reader.head;
	struct weir_mock_ask *ask = &peer->play.ask;
	struct weir_slice model, key = { NULL, 0 };
	struct weir_mock_vendor *v = peer->vendor;
	const char *wrong;
	unsigned status;

	if (!v) {
		weir_mock_control_answer(peer);
		return;
	}
	wrong = weir_mock_ask_read(ask, head->method, head->target, weir_buf_slice(&peer->body),
				   &status);
	model = weir_slice(ask->model, ask->model_len);
	peer->tally = NULL;
	ask->azure = weir_http_field(head, "api-key").base;
	if (wrong) {
		refuse(peer, status, wrong);
	} else if (is_keyless(ask, head)) {
		ask->azure = true;
		refuse_as(peer, ask, 401, NULL);
	} else if (ask->route == WEIR_MOCK_MODELS) {
		list_models(peer);
	} else if (ask->route == WEIR_MOCK_MODEL) {
		show_model(peer);
	} else {
		if (v->keys_n)
			key = key_of(head);
		peer->tally = weir_mock_tally_of(v, model);
		weir_mock_tally_record(peer);
		play_rule(peer, weir_mock_rules_find(v, model, key));
	}
}

/* All that can be read while no answer is under way. */
static void feed(struct weir_mock_peer *peer, const char *bytes, size_t len)
{
	while (len && !peer->conn.closing && peer->phase != WEIR_MOCK_ANSWERING) {
		size_t used;
		int rc;

		if (peer->phase == WEIR_MOCK_IDLE)
			start_request(peer);
		rc = weir_http_reader_feed(&peer->reader, bytes, len, &used);
		if (rc == STOP || peer->conn.closing || peer->conn.finishing)
			return;
		if (rc) {
			refuse_bytes(peer, rc);
			return;
		}
		bytes += used;
		len -= used;
		if (peer->reader.complete)
			on_request(peer);
	}
	if (len && !peer->conn.closing && !peer->deaf &&
	    (peer->ahead.len + len > WEIR_MOCK_AHEAD_MAX ||
	     weir_buf_append(&peer->ahead, bytes, len)))
		weir_conn_close(&peer->conn);
}

/* After an answer: the requests that came during it. */
static void go_on(struct weir_mock_peer *peer)
{
	while (peer->ahead.len && peer->phase == WEIR_MOCK_IDLE && !peer->conn.closing &&
	       !peer->conn.finishing) {
		struct weir_buf ahead = peer->ahead;

		weir_buf_init(&peer->ahead, WEIR_MOCK_AHEAD_MAX);
		feed(peer, ahead.base, ahead.len);
		weir_buf_fini(&ahead);
	}
}

void weir_mock_peer_answered(struct weir_mock_peer *peer, bool keep)
{
	if (!keep || !peer->keep_alive || peer->deaf ||
	    (peer->vendor && peer->vendor->mode == WEIR_MOCK_REFUSING)) {
		weir_conn_finish(&peer->conn, WEIR_MOCK_LINGER_MS);
		return;
	}
	peer->phase = WEIR_MOCK_IDLE;
	weir_buf_fini(&peer->body);
	weir_http_reader_next(&peer->reader);
}

static void on_open(struct weir_conn *conn, int err, const char *reason)
{
	struct weir_mock_peer *peer = conn->user;
	struct weir_mock_vendor *v = peer->vendor;

	(void)reason;
	if (err) {
		weir_conn_close(conn);
	} else if (peer->bait && v->tls_after == 0 && v->tls_ending != WEIR_MOCK_HANG) {
		weir_mock_play_ending(peer, v->tls_ending, true);
	} else if (v && v->tls_kind != WEIR_MOCK_TLS_BROKEN &&
		   is_due(weir_mock_rule_peek(&v->rule), WEIR_MOCK_AT_ACCEPT)) {
		start_request(peer);
		play_at_head(peer);
	}
}

static void on_bytes(struct weir_conn *conn, const char *bytes, size_t len)
{
	struct weir_mock_peer *peer = conn->user;

	if (peer->vendor && (peer->vendor->tls_kind == WEIR_MOCK_TLS_PLAIN || peer->bait)) {
		weir_mock_shade_feed(peer, bytes, len);
		return;
	}
	feed(peer, bytes, len);
	go_on(peer);
}

static void on_end(struct weir_conn *conn, int err)
{
	struct weir_mock_peer *peer = conn->user;

	(void)err;
	if (peer->vendor && peer->phase != WEIR_MOCK_IDLE)
		weir_mock_tally_abort(peer);
	weir_conn_close(conn);
}

void weir_mock_peer_go_on(struct weir_mock_peer *peer)
{
	if (peer->phase == WEIR_MOCK_ANSWERING && peer->play.script)
		weir_mock_play_run(peer);
	go_on(peer);
}

static void on_drained(struct weir_conn *conn)
{
	weir_mock_peer_go_on(conn->user);
}

static const struct weir_conn_events conn_events = {
	.on_open = on_open,
	.on_bytes = on_bytes,
	.on_end = on_end,
	.on_drained = on_drained,
	.on_timer = on_drained, /* the same: go on with what waited */
};

static void on_closed(struct weir_conn *conn)
{
	struct weir_mock_peer *peer = conn->user;
	struct weir_mock *mock = peer->mock;

	weir_list_remove(&conn->node);
	weir_list_remove(&peer->turn);
	if (peer->vendor) {
		peer->vendor->sum.stats.open--;
		if (peer->play.script)
			weir_mock_tally_over(peer, false);
	}
	weir_mock_play_stop(&peer->play);
	weir_http_reader_fini(&peer->reader);
	weir_buf_fini(&peer->body);
	weir_buf_fini(&peer->ahead);
	weir_buf_fini(&peer->pending);
	weir_tls_session_destroy(peer->bait);
	if (mock->spare)
		weir_free(peer);
	else
		mock->spare = peer;
	weir_mock_closed_one(mock);
}

/* A connection that nobody takes would stop its listener for ever. */
static struct weir_mock_peer *create(struct weir_mock *mock, struct weir_mock_vendor *vendor)
{
	struct weir_mock_peer *peer = weir_alloc(sizeof *peer);

	if (!peer) {
		peer = mock->spare;
		mock->spare = NULL;
	}
	if (!peer)
		return NULL;
	*peer = (struct weir_mock_peer){ .mock = mock, .vendor = vendor, .keep_alive = true };
	weir_list_init(&peer->turn);
	weir_http_reader_init(&peer->reader, WEIR_HTTP_REQUEST, &reader_events, peer);
	weir_buf_init(&peer->body, WEIR_MOCK_BODY_MAX);
	weir_buf_init(&peer->ahead, WEIR_MOCK_AHEAD_MAX);
	weir_buf_init(&peer->pending, WEIR_MOCK_WIRE_MAX);
	return peer;
}

/* The handshake of the connection itself, or of a peer that will be let down. false: out
 * of memory. */
static bool begin_tls(struct weir_mock_peer *peer, struct weir_tls_session **tls)
{
	struct weir_mock_vendor *v = peer->vendor;

	*tls = NULL;
	if (!v || !v->tls)
		return true;
	if (v->tls_kind == WEIR_MOCK_TLS_WELL)
		*tls = weir_tls_session_create(v->tls, NULL, NULL);
	else
		peer->bait = weir_tls_session_create(v->tls, NULL, NULL);
	return *tls || peer->bait;
}

void weir_mock_peer_accept(struct weir_mock *mock, struct weir_mock_vendor *vendor,
			   struct weir_listener *listener)
{
	struct weir_mock_peer *peer = create(mock, vendor);
	struct weir_tls_session *tls;
	bool fit;

	if (!peer)
		return;
	fit = begin_tls(peer, &tls);
	if (weir_conn_accept(&peer->conn, &mock->net, &listener->uv.stream, tls, &conn_events, peer,
			     on_closed)) {
		weir_tls_session_destroy(peer->bait);
		weir_free(peer);
		return;
	}
	mock->open_n++;
	weir_list_push(vendor ? &vendor->peers : &mock->control_peers, &peer->conn.node);
	if (vendor) {
		vendor->sum.stats.accepted++;
		vendor->sum.stats.open++;
	}
	if (!fit)
		weir_conn_close(&peer->conn);
}
