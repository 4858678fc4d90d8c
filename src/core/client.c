#include "core/client.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/error.h"
#include "core/input.h"
#include "core/page.h"
#include "core/reply.h"
#include "core/report.h"
#include "core/shed.h"

enum { PAGE_MAX = 64 * 1024 * 1024 };

static void next_message(struct weir_client *client);

/* ---- ends ---- */

static void on_closed(struct weir_conn *conn)
{
	struct weir_client *client = WEIR_CONTAINER_OF(conn, struct weir_client, conn);
	struct weir_gateway *gateway = client->gateway;

	WEIR_ASSERT(!client->request);
	weir_list_remove(&client->node);
	if (client->admin)
		gateway->admin_clients_n--;
	else
		gateway->clients_n--;
	weir_metrics_client(gateway->metrics, -1);
	weir_crowd_leave(client->crowd);
	weir_http_reader_fini(&client->reader);
	weir_input_fini(&client->input);
	weir_buf_fini(&client->pending);
	weir_free(client);
	weir_gateway_settle(gateway);
}

static void leave_request(struct weir_client *client)
{
	struct weir_request *request = client->request;

	if (!request)
		return;
	client->request = NULL;
	weir_request_disown(request);
	weir_request_hangup(request);
}

void weir_client_close(struct weir_client *client)
{
	client->phase = WEIR_CLIENT_ENDING;
	weir_client_greeted(client);
	weir_audience_leave(client);
	leave_request(client);
	weir_conn_close(&client->conn);
}

/* What is queued goes out, then FIN: an error must be readable, so what the caller still
 * sends is taken for a moment. */
static void finish_connection(struct weir_client *client)
{
	client->phase = WEIR_CLIENT_ENDING;
	weir_conn_finish(&client->conn, weir_conn_queued(&client->conn) ? WEIR_CLIENT_STALL_MS
									: WEIR_CLIENT_LINGER_MS);
}

/* Between requests. One may be in the socket already: it is answered. One that comes after the
 * FIN is not, but its caller reads an end and no reset. */
static void leave(struct weir_client *client)
{
	if (weir_conn_pending(&client->conn))
		weir_conn_timer(&client->conn, 1);
	else
		finish_connection(client);
}

/* The gateway's list is in the order of idleness. */
static void stir(struct weir_client *client)
{
	struct weir_gateway *g = client->gateway;

	client->idle_since_ms = weir_gateway_now_ms(g);
	if (client->admin)
		return;
	g->stirred_ms = client->idle_since_ms;
	weir_list_remove(&client->node);
	weir_list_push(&g->clients, &client->node);
}

void weir_client_watch(struct weir_client *client)
{
	client->unacked_seen = weir_conn_unacked(&client->conn);
	weir_conn_timer(&client->conn, WEIR_CLIENT_STALL_MS);
}

/* The answer is told. What a slow caller has yet to take of it comes before all else. */
static void end_answer(struct weir_client *client)
{
	if (weir_conn_queued(&client->conn) > WEIR_CONN_QUEUE_LOW)
		weir_client_watch(client);
	else if (client->keep_alive)
		next_message(client);
	else
		finish_connection(client);
}

void weir_client_refuse(struct weir_client *client, unsigned status, const char *code,
			const char *message, const char *more)
{
	struct weir_gateway *gateway = client->gateway;
	char id[WEIR_REQUEST_ID_MAX], fields[3 * WEIR_REQUEST_ID_MAX + WEIR_CLIENT_MORE_MAX];
	struct weir_request_end end = { .id = id, .outcome = WEIR_REQUEST_REJECTED };

	weir_input_unclaim(&client->input);
	weir_gateway_make_id(gateway, id);
	snprintf(fields, sizeof fields, "x-weir-request-id: %s\r\nx-request-id: %s\r\n%s", id, id,
		 more);
	client->keep_alive = false;
	weir_reply_error(client, status, code, message, weir_slice_of(fields));
	if (!client->admin) {
		weir_metrics_request_begin(gateway->metrics);
		weir_ledger_request_end(gateway->now->ledger, &end);
		if (client->input.caller)
			client->input.snapshot->books[client->input.caller->index]
				->requests[WEIR_REQUEST_REJECTED]++;
		weir_report_rejected(&gateway->log, id, client->input.caller, client->input.peer,
				     status, code);
	}
	if (client->phase != WEIR_CLIENT_ENDING)
		finish_connection(client);
}

static void refuse(struct weir_client *client, unsigned status, const char *code,
		   const char *message)
{
	weir_client_refuse(client, status, code, message, "");
}

/* ---- a request's answer ---- */

static bool on_answer(struct weir_request *request, const struct weir_answer *answer,
		      struct weir_slice first, bool ended)
{
	weir_reply_answer(weir_request_owner(request), answer, first, ended);
	return true;
}

static void on_bytes(struct weir_request *request, struct weir_slice bytes, bool ended)
{
	weir_reply_bytes(weir_request_owner(request), bytes, ended);
}

static void on_done(struct weir_request *request, bool whole)
{
	struct weir_client *client = weir_request_owner(request);

	client->request = NULL;
	client->keep_alive &= whole;
	if (whole || !client->unframed) {
		end_answer(client);
	} else { /* a FIN would be the end of a whole body (RFC 9112 §6.3) */
		client->phase = WEIR_CLIENT_ENDING;
		weir_conn_reset(&client->conn);
	}
}

static const struct weir_request_events request_events = { on_answer, on_bytes, on_done };

static void start_request(struct weir_client *client)
{
	client->phase = WEIR_CLIENT_ANSWERING;
	weir_conn_timer_stop(&client->conn);
	weir_http_reader_forget(&client->reader);
	if (weir_request_open(&client->request, client->gateway, &client->input, &request_events,
			      client)) {
		client->request = NULL;
		refuse(client, 503, "out_of_memory", "weir is out of memory");
	}
}

static bool reads_events(const struct weir_client *client)
{
	return client->audience != NULL;
}

static void answer_events(struct weir_client *client)
{
	client->phase = WEIR_CLIENT_ANSWERING;
	if (!client->page->join(client->gateway, client))
		weir_reply_error(client, 503, "too_many_readers",
				 "there are as many readers of this stream as may be",
				 weir_slice(NULL, 0));
}

static void answer_page(struct weir_client *client)
{
	struct weir_page_answer answer = { .status = 200, .content_type = "application/json" };
	int rc;

	client->phase = WEIR_CLIENT_ANSWERING;
	answer.open_metrics = client->wants_open_metrics;
	answer.caller = client->input.caller;
	weir_buf_init(&answer.body, PAGE_MAX);
	answer.config = client->input.snapshot ? client->input.snapshot->config
					       : client->gateway->now->config;
	rc = client->page->answer(client->gateway, client->page_rest, &answer);
	if (rc)
		weir_reply_error(client, 503, "out_of_memory", "weir is out of memory",
				 weir_slice(NULL, 0));
	else
		weir_reply_direct(client, answer.status, answer.content_type,
				  weir_buf_slice(&answer.body), answer.fields);
	weir_buf_fini(&answer.body);
}

static int on_body(void *arg, struct weir_slice bytes)
{
	struct weir_client *client = arg;
	int rc;

	if (client->work == WEIR_WORK_DIRECT) {
		client->dropped += bytes.len;
		return client->dropped <= WEIR_CLIENT_DISCARD_MAX
			       ? 0
			       : weir_client_refuse_head(client, 413, "request_too_large",
							 "this path takes no body");
	}
	if (!weir_shed_hold(client, client->input.body.len + bytes.len))
		return WEIR_CLIENT_STOP;
	rc = weir_buf_append(&client->input.body, bytes.base, bytes.len);
	if (rc == WEIR_ELIMIT)
		return weir_client_refuse_head(client, 413, "request_too_large",
					       "the body is larger than weir accepts");
	return rc ? weir_client_refuse_head(client, 503, "out_of_memory", "weir is out of memory")
		  : 0;
}

static const struct weir_http_reader_events reader_events = { weir_client_on_head, on_body };

/* ---- reading ---- */

static bool is_idle(const struct weir_client *client)
{
	return client->phase == WEIR_CLIENT_IDLE ||
	       (client->phase == WEIR_CLIENT_HEAD && !weir_http_reader_started(&client->reader));
}

static void await(struct weir_client *client)
{
	if (client->phase == WEIR_CLIENT_IDLE)
		weir_conn_timer(&client->conn, WEIR_CLIENT_IDLE_MS);
	else if (client->phase == WEIR_CLIENT_HEAD)
		weir_conn_timer(&client->conn, WEIR_CLIENT_HEAD_MS);
	else if (client->phase == WEIR_CLIENT_BODY)
		weir_conn_timer(&client->conn, WEIR_CLIENT_BODY_IDLE_MS);
}

static void on_message(struct weir_client *client)
{
	if (client->work == WEIR_WORK_REQUEST) {
		start_request(client);
		return;
	}
	if (client->page->join)
		answer_events(client);
	else
		answer_page(client);
	if (client->phase == WEIR_CLIENT_ANSWERING && !reads_events(client))
		end_answer(client);
}

static void on_refused(struct weir_client *client, int rc)
{
	if (client->phase == WEIR_CLIENT_ENDING)
		return; /* a callback has said why already */
	if (rc != WEIR_HTTP_REFUSED) {
		weir_client_close(client);
		return;
	}
	weir_client_refuse(
		client, client->reader.refusal.status, "bad_http", client->reader.refusal.reason,
		client->reader.refusal.status == 405 ? "allow: GET, HEAD, POST\r\n" : "");
}

/* Below the least rate a body holds memory for nothing. */
static bool too_slow(const struct weir_client *client)
{
	uint64_t ms = weir_gateway_now_ms(client->gateway) - client->body_began_ms;

	if (client->phase != WEIR_CLIENT_BODY || ms <= WEIR_CLIENT_BODY_GRACE_MS)
		return false;
	return client->input.body.len <
	       (ms - WEIR_CLIENT_BODY_GRACE_MS) / 1000 * WEIR_CLIENT_BODY_RATE_MIN;
}

static void keep_pending(struct weir_client *client, const char *bytes, size_t len)
{
	if (weir_buf_append(&client->pending, bytes, len)) {
		weir_client_close(client);
		return;
	}
	if (client->pending.len >= WEIR_CLIENT_PENDING_MAX)
		weir_conn_read_stop(&client->conn);
}

static void consume(struct weir_client *client, const char *bytes, size_t len)
{
	while (len && client->phase < WEIR_CLIENT_ANSWERING) {
		size_t used = 0;
		enum weir_client_phase before = client->phase;
		int rc;

		if (client->phase == WEIR_CLIENT_IDLE)
			client->phase = WEIR_CLIENT_HEAD;
		stir(client);
		rc = weir_http_reader_feed(&client->reader, bytes, len, &used);
		if (rc) {
			on_refused(client, rc);
			return;
		}
		bytes += used;
		len -= used;
		if (client->reader.complete)
			on_message(client);
		else if (client->phase != before || client->phase == WEIR_CLIENT_BODY)
			await(client);
	}
	if (len && client->phase == WEIR_CLIENT_ANSWERING)
		keep_pending(client, bytes, len);
	else if (too_slow(client))
		refuse(client, 408, "request_timeout", "the body came too slowly");
}

/* The answer is whole: ready for the next request, which may have come already. */
static void next_message(struct weir_client *client)
{
	struct weir_buf pending = client->pending;

	weir_http_reader_next(&client->reader);
	weir_input_fini(&client->input);
	client->dropped = 0;
	client->phase = WEIR_CLIENT_IDLE;
	stir(client);
	await(client);
	weir_conn_read_start(&client->conn);
	if (pending.len == 0)
		return;
	weir_buf_init(&client->pending, pending.max);
	consume(client, pending.base, pending.len);
	weir_buf_fini(&pending);
}

/* Speaks HTTP where TLS is spoken: hears so, as far as it can be heard. */
static void refuse_plain(struct weir_client *client)
{
	weir_conn_forgo_tls(&client->conn);
	refuse(client, 400, "tls_required", "this address speaks TLS: write https://");
}

static void on_conn_open(struct weir_conn *conn, int err, const char *reason)
{
	struct weir_client *client = conn->user;

	weir_client_greeted(client);
	if (conn->tls)
		weir_metrics_handshake(client->gateway->metrics, err == 0);
	if (err && conn->tls && strcmp(reason, "tls_plain") == 0)
		refuse_plain(client);
	else if (err)
		weir_client_close(client);
	else if (conn->tls)
		stir(client);
}

static void on_conn_bytes(struct weir_conn *conn, const char *bytes, size_t len)
{
	struct weir_client *client = conn->user;

	if (client->phase == WEIR_CLIENT_ANSWERING)
		keep_pending(client, bytes, len);
	else if (client->phase != WEIR_CLIENT_ENDING)
		consume(client, bytes, len);
}

static void on_conn_end(struct weir_conn *conn, int err)
{
	struct weir_client *client = conn->user;

	/* The caller has said all it will say, and waits. */
	if (err == 0 && client->phase == WEIR_CLIENT_ANSWERING && !reads_events(client) &&
	    client->gateway->now->config->half_close_serve) {
		client->keep_alive = false;
		return;
	}
	if (err == 0 && client->phase == WEIR_CLIENT_IDLE)
		finish_connection(client);
	else
		weir_client_close(client);
}

static void on_conn_drained(struct weir_conn *conn)
{
	struct weir_client *client = conn->user;

	if (client->phase != WEIR_CLIENT_ANSWERING || reads_events(client))
		return;
	weir_conn_timer_stop(conn);
	if (client->request)
		weir_request_release(client->request);
	else
		end_answer(client);
}

static void on_conn_timer(struct weir_conn *conn)
{
	struct weir_client *client = conn->user;

	switch (client->phase) {
	case WEIR_CLIENT_HEAD:
		if (!conn->open)
			break;
		if (!is_idle(client))
			refuse(client, 408, "request_timeout",
			       "the request's head came too slowly");
		else
			leave(client);
		return;
	case WEIR_CLIENT_BODY:
		refuse(client, 408, "request_timeout", "the body stopped coming");
		return;
	case WEIR_CLIENT_ANSWERING:
		if (weir_conn_unacked(conn) < client->unacked_seen) {
			weir_client_watch(client);
			return;
		}
		client->phase = WEIR_CLIENT_ENDING;
		leave_request(client);
		weir_conn_reset(conn);
		return;
	case WEIR_CLIENT_IDLE:
		leave(client);
		return;
	case WEIR_CLIENT_ENDING:
		break;
	}
	weir_client_close(client);
}

static const struct weir_conn_events conn_events = {
	.on_open = on_conn_open,
	.on_bytes = on_conn_bytes,
	.on_end = on_conn_end,
	.on_drained = on_conn_drained,
	.on_timer = on_conn_timer,
};

void weir_client_accept(struct weir_gateway *gateway, struct weir_listener *listener, bool admin)
{
	bool secure = weir_client_needs_tls(gateway, listener, admin);
	struct weir_tls_session *tls = NULL;
	struct weir_client *client;

	if (secure && !weir_client_may_greet(gateway))
		return;
	client = weir_calloc(1, sizeof *client);
	if (client && secure)
		tls = weir_tls_session_create(gateway->now->identity, NULL, NULL);
	if (!client || (secure && !tls)) {
		weir_free(client);
		return;
	}
	client->gateway = gateway;
	client->admin = admin;
	client->outside = !listener->loopback;
	client->certified = secure && gateway->now->config->client_ca;
	client->phase = WEIR_CLIENT_HEAD;
	if (weir_conn_accept(&client->conn, &gateway->net, &listener->uv.stream, tls, &conn_events,
			     client, on_closed)) {
		weir_free(client);
		return;
	}
	weir_http_reader_init(&client->reader, WEIR_HTTP_REQUEST, &reader_events, client);
	weir_buf_init(&client->pending, WEIR_CLIENT_PENDING_MAX + WEIR_CONN_READ_MAX);
	weir_list_init(&client->reading);
	weir_client_greet(client);
	weir_list_push(&gateway->clients, &client->node);
	if (admin)
		gateway->admin_clients_n++;
	else
		gateway->clients_n++;
	weir_metrics_client(gateway->metrics, 1);
	stir(client);
	if (weir_shed_join(client)) {
		await(client);
		return;
	}
	client->phase = WEIR_CLIENT_ENDING;
	weir_client_greeted(client);
	weir_conn_reset(&client->conn);
}

bool weir_client_part(struct weir_client *client, uint64_t since_ms)
{
	if (client->admin || !client->conn.open || !is_idle(client) ||
	    client->idle_since_ms > since_ms)
		return false;
	leave(client);
	return client->phase == WEIR_CLIENT_ENDING;
}
