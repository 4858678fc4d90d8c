#include "core/reply.h"

#include <stdio.h>
#include <time.h>

#include "core/report.h"
#include "wire/http_write.h"

enum { HEAD_ROOM = 1024, HEAD_MAX = 2 * WEIR_ANSWER_HEAD_MAX, ERROR_MAX = 8 * 1024 };

/* RFC 9110 §6.6.1; made once a second. */
static struct weir_slice date(struct weir_gateway *gateway)
{
	time_t now = time(NULL);
	struct tm utc;

	if (now != gateway->date_s) {
		gateway->date_s = now;
		gmtime_r(&now, &utc);
		strftime(gateway->date, sizeof gateway->date, "%a, %d %b %Y %H:%M:%S GMT", &utc);
	}
	return weir_slice_of(gateway->date);
}

static void send_slices(struct weir_client *client, const struct weir_slice *slices, size_t n)
{
	/* What could not be written is lost: nothing may follow it as if it were there. */
	if (weir_conn_write(&client->conn, slices, n)) {
		weir_client_close(client);
		return;
	}
	if (client->request && weir_conn_queued(&client->conn) > WEIR_CONN_QUEUE_HIGH) {
		weir_request_hold(client->request, false);
		weir_client_watch(client);
	}
}

static void put_framing(struct weir_pen *pen, struct weir_client *client, bool has_length,
			uint64_t length)
{
	client->chunked = client->unframed = false;
	if (has_length) {
		weir_put_number(pen, "content-length: ", length);
		weir_put(pen, "\r\n");
	} else if (client->minor0) {
		client->keep_alive = false;
	} else {
		client->chunked = true;
		weir_put(pen, "transfer-encoding: chunked\r\n");
	}
	if (client->gateway->draining)
		client->keep_alive = false;
	if (!client->keep_alive)
		weir_put(pen, "connection: close\r\n");
	else if (client->minor0)
		weir_put(pen, "connection: keep-alive\r\n");
}

struct head {
	unsigned status;
	const char *content_type;
	bool stream, has_length;
	bool own; /* of weir's own words, which may repeat a caller's */
	uint64_t length;
	struct weir_slice fields;
};

/* Written by hand: content_type is ours, or was looked at when it came. */
static int put_head(struct weir_client *client, struct weir_buf *buf, const struct head *head)
{
	struct weir_pen pen = { buf, weir_http_put_status(buf, head->status) };

	weir_put(&pen, "date: ");
	weir_put_slice(&pen, date(client->gateway));
	weir_put(&pen, "\r\ncontent-type: ");
	weir_put(&pen, head->content_type);
	weir_put(&pen, "\r\n");
	put_framing(&pen, client, head->has_length, head->length);
	if (head->stream)
		weir_put(&pen, "cache-control: no-cache, no-transform\r\n"
			       "x-accel-buffering: no\r\n");
	if (head->own)
		weir_put(&pen, "x-content-type-options: nosniff\r\n");
	weir_put_slice(&pen, head->fields);
	weir_put(&pen, "\r\n");
	return pen.rc;
}

/* Head, first bytes and end in one write. */
static void send_head(struct weir_client *client, const struct head *head, struct weir_slice first,
		      bool ended)
{
	struct weir_buf buf;
	char chunk[WEIR_HTTP_CHUNK_HEAD_MAX], room[HEAD_ROOM] WEIR_UNINITIALIZED;
	struct weir_slice slices[5];
	size_t n = 0;

	weir_buf_init_lent(&buf, HEAD_MAX, room, sizeof room);
	if (put_head(client, &buf, head)) {
		weir_buf_fini(&buf);
		weir_client_close(client);
		return;
	}
	slices[n++] = weir_buf_slice(&buf);
	if (first.len && !client->is_head) {
		if (client->chunked)
			slices[n++] = weir_slice(chunk, weir_http_chunk_head(chunk, first.len));
		slices[n++] = first;
		if (client->chunked)
			slices[n++] = WEIR_SLICE("\r\n");
	}
	if (ended && client->chunked && !client->is_head)
		slices[n++] = WEIR_SLICE("0\r\n\r\n");
	send_slices(client, slices, n);
	weir_buf_fini(&buf);
}

void weir_reply_answer(struct weir_client *client, const struct weir_answer *answer,
		       struct weir_slice first, bool ended)
{
	struct head head = {
		.status = answer->status,
		.content_type = answer->content_type,
		.stream = answer->stream,
		.has_length = answer->has_length && !answer->stream,
		.length = answer->content_length,
		.fields = answer->fields,
	};

	if (ended && !answer->stream) {
		head.has_length = true;
		head.length = first.len;
	}
	send_head(client, &head, first, ended);
	client->unframed = !head.has_length && !head.stream && !client->chunked;
}

void weir_reply_bytes(struct weir_client *client, struct weir_slice bytes, bool ended)
{
	char chunk[WEIR_HTTP_CHUNK_HEAD_MAX] WEIR_UNINITIALIZED;
	struct weir_slice slices[4] WEIR_UNINITIALIZED;
	size_t n = 0;

	if (bytes.len) {
		if (client->chunked)
			slices[n++] = weir_slice(chunk, weir_http_chunk_head(chunk, bytes.len));
		slices[n++] = bytes;
		if (client->chunked)
			slices[n++] = WEIR_SLICE("\r\n");
	}
	if (ended && client->chunked)
		slices[n++] = WEIR_SLICE("0\r\n\r\n");
	if (n)
		send_slices(client, slices, n);
}

void weir_reply_direct(struct weir_client *client, unsigned status, const char *content_type,
		       struct weir_slice body, struct weir_slice extra)
{
	struct head head = {
		.status = status,
		.content_type = content_type,
		.has_length = true,
		.own = true,
		.length = body.len,
		.fields = extra,
	};

	send_head(client, &head, body, true);
}

static int put_error(const struct weir_client *client, unsigned status, const char *code,
		     const char *message, struct weir_buf *out)
{
	/* 501 and 505 are answers to framing and versions the caller chose. */
	bool callers = status < 500 || status == 501 || status == 505;
	const char *type = status == 401   ? "authentication_error"
			   : status == 429 ? "rate_limit_error"
			   : callers       ? "invalid_request_error"
					   : "server_error";

	if (client->anthropic_shape)
		return weir_report_anthropic_error(status, message, NULL, NULL, 0, NULL, out);
	return weir_report_error(message, type, code, NULL, NULL, 0, out);
}

void weir_reply_error(struct weir_client *client, unsigned status, const char *code,
		      const char *message, struct weir_slice extra)
{
	struct weir_buf body;

	weir_buf_init(&body, ERROR_MAX);
	if (put_error(client, status, code, message, &body))
		weir_buf_clear(&body);
	weir_reply_direct(client, status, "application/json", weir_buf_slice(&body), extra);
	weir_buf_fini(&body);
}

void weir_reply_continue(struct weir_client *client)
{
	struct weir_slice interim = WEIR_SLICE("HTTP/1.1 100 Continue\r\n\r\n");

	send_slices(client, &interim, 1);
}
