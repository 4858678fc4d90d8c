#include "core/exporter.h"

#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "core/gateway.h"
#include "net/tls.h"
#include "policy/retry_after.h"
#include "wire/http_read.h"
#include "wire/http_write.h"
#include "wire/json.h"

enum { HEAD_MAX = 64 * 1024, HEX_COLON = 16, AT_ONCE_MS = 0 };
enum { ANSWER_BYTES_MAX = 4 * 1024 * 1024 }; /* read and mostly thrown away */

enum phase {
	IDLE,    /* gathering */
	SENDING, /* a batch is on its way */
	PAUSED   /* it will be tried again */
};

struct weir_exporter {
	struct weir_gateway *gateway;
	struct weir_otel otel;
	struct weir_tls_config *trust;
	struct weir_origin *origin;
	enum phase phase;
	uv_timer_t timer; /* of the phase */
	uv_timer_t last;  /* flushing: no longer than that */
	void (*on_closed)(struct weir_gateway *gateway);
	unsigned handles_open;

	struct weir_buf pending; /* spans, each with a newline behind it */
	size_t writing_at;       /* where the one begins that is being written */
	uint64_t pending_n;
	struct weir_buf fields; /* header lines of every message */
	struct weir_buf body;   /* the batch on its way, behind what begins every message */
	size_t opening_len;
	uint64_t batch_n;
	unsigned tries;
	uint64_t batch_began_ms;

	struct weir_lease lease;
	struct weir_http_reader reader;
	bool replaced; /* a stale connection was replaced once already */
	bool any_byte, keep_alive;
	unsigned status;
	bool told_when; /* Retry-After */
	uint64_t retry_after_ms;
	struct weir_buf answer;
	size_t answer_bytes;

	bool failing; /* and said so */
	bool flushing, gave_up;
	struct weir_span_counts counts;
};

static void go_on(struct weir_exporter *e);
static void start_try(struct weir_exporter *e);
static void fail(struct weir_exporter *e, bool may_retry, const char *why);

const struct weir_otel *weir_exporter_otel(const struct weir_exporter *e)
{
	return &e->otel;
}

struct weir_span_counts weir_exporter_counts(const struct weir_exporter *e)
{
	return e ? e->counts : (struct weir_span_counts){ 0 };
}

static uint64_t now_ms(const struct weir_exporter *e)
{
	return uv_now(e->gateway->loop);
}

/* ---- batches ---- */

/* From the oldest span on. False: no memory. */
static bool gather(struct weir_exporter *e)
{
	struct weir_slice rest = weir_buf_slice(&e->pending);
	int rc = 0;

	e->body.len = e->opening_len;
	for (e->batch_n = 0; rc == 0 && rest.len && e->batch_n < e->otel.batch_max &&
			     e->body.len < WEIR_EXPORTER_BATCH_BYTES;
	     e->batch_n++) {
		const char *end = memchr(rest.base, '\n', rest.len);
		size_t n = (size_t)(end - rest.base);

		if (e->batch_n)
			rc = weir_buf_puts(&e->body, ",");
		if (rc == 0)
			rc = weir_buf_append(&e->body, rest.base, n);
		rest = weir_slice(end + 1, rest.len - n - 1);
	}
	if (rc == 0)
		rc = weir_spans_close(&e->body);
	weir_buf_consume(&e->pending, e->pending.len - rest.len);
	e->pending_n -= e->batch_n;
	if (rc)
		e->counts.dropped += e->batch_n;
	return rc == 0;
}

static void end_batch(struct weir_exporter *e, uint64_t exported)
{
	WEIR_ASSERT(exported <= e->batch_n);
	e->counts.exported += exported;
	e->counts.dropped += e->batch_n - exported;
	e->batch_n = 0;
	e->phase = IDLE;
	e->replaced = false;
	uv_timer_stop(&e->timer);
	go_on(e);
}

static void begin_batch(struct weir_exporter *e)
{
	if (!gather(e)) {
		e->batch_n = 0;
		go_on(e);
		return;
	}
	e->tries = 0;
	e->batch_began_ms = now_ms(e);
	start_try(e);
}

static void on_delay(uv_timer_t *timer)
{
	begin_batch(timer->data);
}

/* Idle: is there something to be sent, and when? */
static void go_on(struct weir_exporter *e)
{
	if (e->phase != IDLE || e->handles_open == 0 || uv_is_closing((uv_handle_t *)&e->timer))
		return;
	if (e->pending_n == 0) {
		uv_timer_stop(&e->timer);
		if (e->flushing)
			weir_gateway_settle(e->gateway);
	} else if (e->flushing || e->pending_n >= e->otel.batch_max) {
		uv_timer_start(&e->timer, on_delay, AT_ONCE_MS, 0);
	} else if (!uv_is_active((uv_handle_t *)&e->timer)) {
		uv_timer_start(&e->timer, on_delay, e->otel.delay_ms, 0);
	}
}

/* ---- one try ---- */

static void leave_connection(struct weir_exporter *e, bool keep)
{
	weir_http_reader_fini(&e->reader);
	if (keep && weir_conn_queued(e->lease.conn) == 0)
		weir_pool_give(&e->lease, 0);
	else
		weir_pool_drop(&e->lease);
}

/* Of those it took not all may have been to its liking; these are not sent again. */
static uint64_t count_rejected(const struct weir_exporter *e)
{
	struct weir_slice partial, text;
	uint64_t n = 0;
	size_t at;

	if (!e->answer.len || weir_json_check(weir_buf_slice(&e->answer), &at))
		return 0;
	partial = weir_json_pick(weir_buf_slice(&e->answer), "partialSuccess", WEIR_JSON_OBJECT);
	text = weir_json_pick(partial, "rejectedSpans", WEIR_JSON_STRING);
	if (text.len > 2)
		(void)weir_slice_to_u64(weir_slice(text.base + 1, text.len - 2), &n);
	else
		(void)weir_json_pick_u64(partial, "rejectedSpans", &n);
	return n < e->batch_n ? n : e->batch_n;
}

static void on_answered(struct weir_exporter *e)
{
	uint64_t rejected = e->status < 300 ? count_rejected(e) : 0;
	char why[64];

	leave_connection(e, e->keep_alive && e->reader.complete);
	snprintf(why, sizeof why, "it answered %u", e->status);
	if (e->status >= 300) {
		fail(e,
		     e->status == 429 || e->status == 502 || e->status == 503 || e->status == 504,
		     why);
		return;
	}
	if (e->failing)
		weir_log_note(&e->gateway->log, WEIR_LOG_INFO, "traces", "%s takes traces again",
			      e->otel.url);
	e->failing = false;
	if (rejected)
		weir_log_note(&e->gateway->log, WEIR_LOG_WARN, "traces",
			      "%s has refused %llu of %llu spans", e->otel.url,
			      (unsigned long long)rejected, (unsigned long long)e->batch_n);
	end_batch(e, e->batch_n - rejected);
}

static int on_head(void *arg, const struct weir_http_head *head)
{
	struct weir_exporter *e = arg;
	struct weir_retry_hints hints = { .retry_after = weir_http_field(head, "retry-after") };

	e->status = head->status;
	e->keep_alive = head->keep_alive;
	e->told_when = weir_retry_after(&hints, (uint64_t)time(NULL) * 1000, &e->retry_after_ms);
	return 0;
}

static int on_body(void *arg, struct weir_slice bytes)
{
	struct weir_exporter *e = arg;

	if (bytes.len <= WEIR_EXPORTER_ANSWER_MAX - e->answer.len)
		return weir_buf_append(&e->answer, bytes.base, bytes.len);
	e->answer_bytes += bytes.len;
	return e->answer_bytes > ANSWER_BYTES_MAX ? WEIR_ELIMIT : 0;
}

static const struct weir_http_reader_events reader_events = { on_head, on_body };

static void on_bytes(struct weir_conn *conn, const char *bytes, size_t len)
{
	struct weir_exporter *e = conn->user;
	size_t used;

	e->any_byte = true;
	if (weir_http_reader_feed(&e->reader, bytes, len, &used)) {
		fail(e, e->status == 0, "its answer is no HTTP");
		return;
	}
	e->keep_alive &= used == len;
	if (e->reader.complete)
		on_answered(e);
}

static void on_end(struct weir_conn *conn, int err)
{
	struct weir_exporter *e = conn->user;

	if (err == 0 && weir_http_reader_eof(&e->reader) == 0 && e->reader.complete) {
		e->keep_alive = false;
		on_answered(e);
	} else if (e->lease.reused && !e->replaced && !e->any_byte) {
		e->replaced = true; /* it was closed while nobody looked */
		leave_connection(e, false);
		start_try(e);
	} else {
		fail(e, true, "it closed the connection");
	}
}

static const struct weir_conn_events conn_events = {
	.on_bytes = on_bytes,
	.on_end = on_end,
};

static int put_head(const struct weir_exporter *e, struct weir_buf *head)
{
	bool asks_proxy = e->otel.proxy.host && !e->otel.tls;
	int rc = weir_http_put_request(head, "POST",
				       weir_slice_of(asks_proxy ? e->otel.url : e->otel.path));

	if (rc == 0)
		rc = weir_buf_append(head, e->fields.base, e->fields.len);
	if (rc == 0)
		rc = weir_http_put_field_u64(head, "content-length", e->body.len);
	return rc ? rc : weir_http_put_end(head);
}

static void send_batch(struct weir_exporter *e)
{
	struct weir_buf head;
	struct weir_slice slices[2];
	int rc;

	e->lease.conn->events = &conn_events;
	e->lease.conn->user = e;
	weir_http_reader_init(&e->reader, WEIR_HTTP_RESPONSE, &reader_events, e);
	weir_buf_init(&head, HEAD_MAX);
	rc = put_head(e, &head);
	if (rc == 0) {
		slices[0] = weir_buf_slice(&head);
		slices[1] = weir_buf_slice(&e->body);
		rc = weir_conn_write(e->lease.conn, slices, 2);
	}
	weir_buf_fini(&head);
	/* A broken connection says so by on_end. */
	if (rc == WEIR_ENOMEM || rc == WEIR_ELIMIT)
		fail(e, true, "there is no memory");
}

static void on_ready(struct weir_lease *lease)
{
	send_batch(WEIR_CONTAINER_OF(lease, struct weir_exporter, lease));
}

static void on_failed(struct weir_lease *lease, const char *reason, const char *text)
{
	(void)reason;
	fail(WEIR_CONTAINER_OF(lease, struct weir_exporter, lease), true,
	     text ? text : "it cannot be reached");
}

static void on_timeout(uv_timer_t *timer)
{
	fail(timer->data, true, "it does not answer in time");
}

static void start_try(struct weir_exporter *e)
{
	int rc;

	e->phase = SENDING;
	e->status = 0;
	e->any_byte = e->told_when = false;
	e->answer_bytes = 0;
	weir_buf_clear(&e->answer);
	if (!e->replaced)
		e->tries++;
	e->lease = (struct weir_lease){
		.on_ready = on_ready,
		.on_failed = on_failed,
		.origin = e->origin,
	};
	weir_list_init(&e->lease.node);
	uv_timer_start(&e->timer, on_timeout, e->otel.timeout_ms, 0);
	rc = weir_pool_take(e->origin, &e->lease, e->replaced);
	if (rc > 0)
		send_batch(e);
	else if (rc < 0)
		fail(e, true, "there is no memory");
}

/* ---- failures ---- */

static void on_pause(uv_timer_t *timer)
{
	struct weir_exporter *e = timer->data;

	e->replaced = false;
	start_try(e);
}

/* As the collector says, else 1 s, 2 s, 4 s, 8 s, each less up to a quarter. */
static uint64_t pause_ms(struct weir_exporter *e)
{
	uint64_t ms = WEIR_EXPORTER_PAUSE_MS;

	if (e->told_when)
		return e->retry_after_ms < WEIR_EXPORTER_RETRY_AFTER_MAX_MS
			       ? e->retry_after_ms
			       : WEIR_EXPORTER_RETRY_AFTER_MAX_MS;
	for (unsigned i = 1; i < e->tries && ms < WEIR_EXPORTER_PAUSE_MAX_MS; i++)
		ms *= 2;
	return ms - weir_rng_upto(&e->gateway->rng, ms / 4);
}

static void fail(struct weir_exporter *e, bool may_retry, const char *why)
{
	uint64_t wait_ms = pause_ms(e);

	if (e->lease.phase == WEIR_LEASE_HELD)
		weir_http_reader_fini(&e->reader);
	weir_pool_drop(&e->lease);
	if (!e->failing)
		weir_log_note(&e->gateway->log, WEIR_LOG_WARN, "traces",
			      "%s takes no traces: %s; those beyond %llu are dropped", e->otel.url,
			      why, (unsigned long long)e->otel.queue_max);
	e->failing = true;
	e->replaced = false;
	if (may_retry && !e->flushing &&
	    now_ms(e) - e->batch_began_ms + wait_ms < e->otel.give_up_ms) {
		e->phase = PAUSED;
		uv_timer_start(&e->timer, on_pause, wait_ms, 0);
	} else {
		end_batch(e, 0);
	}
}

/* ---- spans in ---- */

struct weir_buf *weir_exporter_room(struct weir_exporter *e)
{
	if (e->pending_n >= e->otel.queue_max || e->gave_up) {
		e->counts.dropped++;
		return NULL;
	}
	e->writing_at = e->pending.len;
	return &e->pending;
}

void weir_exporter_took(struct weir_exporter *e, int rc)
{
	if (rc == 0)
		rc = weir_buf_puts(&e->pending, "\n");
	if (rc) {
		e->pending.len = e->writing_at;
		e->counts.dropped++;
		return;
	}
	e->pending_n++;
	go_on(e);
}

/* ---- life ---- */

static int put_fields(struct weir_exporter *e)
{
	const struct weir_otel *o = &e->otel;
	bool usual = o->port == (o->tls ? 443 : 80), v6 = strchr(o->host, ':') != NULL;
	char host[WEIR_TLS_HOST_MAX + HEX_COLON];
	int rc;

	snprintf(host, sizeof host, v6 ? "[%s]" : "%s", o->host);
	if (!usual)
		snprintf(host + strlen(host), sizeof host - strlen(host), ":%u", (unsigned)o->port);
	if ((rc = weir_http_put_field(&e->fields, "host", weir_slice_of(host))) ||
	    (rc = weir_http_put_field(&e->fields, "content-type",
				      WEIR_SLICE("application/json"))) ||
	    (rc = weir_buf_puts(&e->fields, "user-agent: weir/" WEIR_VERSION "\r\n")))
		return rc;
	for (unsigned i = 0; i < o->headers_n && rc == 0; i++)
		rc = weir_http_put_named(&e->fields, weir_slice_of(o->headers[i].name),
					 weir_slice_of(o->headers[i].value));
	if (rc == 0 && o->proxy.authorization.len && !o->tls)
		rc = weir_http_put_field(
			&e->fields, "proxy-authorization",
			weir_slice(o->proxy.authorization.text, o->proxy.authorization.len));
	return rc;
}

static int open_origin(struct weir_exporter *e, struct weir_error *err)
{
	const struct weir_proxy *proxy = &e->otel.proxy;
	struct weir_origin_config config = {
		.host = e->otel.host,
		.port = e->otel.port,
		.proxy = { proxy->host, proxy->port, proxy->authorization.text },
	};
	int rc = 0;

	if (e->otel.tls)
		rc = weir_tls_client_config_create(&e->trust, e->otel.ca_file, NULL, err);
	if (rc)
		return rc;
	config.tls = e->trust;
	e->origin = weir_pool_origin(e->gateway->pool, &config);
	return e->origin ? 0 : weir_fail(err, WEIR_ENOMEM, "out of memory");
}

static void destroy(struct weir_exporter *e)
{
	if (e->origin)
		weir_origin_release(e->origin);
	weir_tls_config_destroy(e->trust);
	weir_buf_fini(&e->pending);
	weir_buf_fini(&e->fields);
	weir_buf_fini(&e->body);
	weir_buf_fini(&e->answer);
	weir_otel_fini(&e->otel);
	weir_free(e);
}

int weir_exporter_create(struct weir_exporter **exporter, struct weir_gateway *gateway,
			 struct weir_otel *otel, struct weir_error *err)
{
	struct weir_exporter *e = weir_calloc(1, sizeof *e);
	int rc;

	if (!e) {
		weir_otel_fini(otel);
		return weir_fail(err, WEIR_ENOMEM, "out of memory");
	}
	e->gateway = gateway;
	e->otel = *otel;
	*otel = (struct weir_otel){ 0 };
	weir_list_init(&e->lease.node);
	weir_buf_init(&e->pending, WEIR_EXPORTER_PENDING_BYTES_MAX);
	weir_buf_init(&e->fields, HEAD_MAX);
	weir_buf_init(&e->body, WEIR_EXPORTER_PENDING_BYTES_MAX);
	weir_buf_init(&e->answer, WEIR_EXPORTER_ANSWER_MAX);
	rc = put_fields(e);
	if (rc == 0)
		rc = weir_spans_open(&e->body, e->otel.attributes, e->otel.attributes_n,
				     WEIR_VERSION);
	e->opening_len = e->body.len;
	rc = rc ? weir_fail(err, rc, "its headers or attributes are too long")
		: open_origin(e, err);
	if (rc) {
		destroy(e);
		return rc;
	}
	uv_timer_init(gateway->loop, &e->timer);
	uv_timer_init(gateway->loop, &e->last);
	e->timer.data = e->last.data = e;
	e->handles_open = 2;
	*exporter = e;
	return 0;
}

static void on_last(uv_timer_t *timer)
{
	struct weir_exporter *e = timer->data;

	e->gave_up = true;
	weir_gateway_settle(e->gateway);
}

void weir_exporter_flush(struct weir_exporter *e)
{
	if (!e || e->flushing)
		return;
	e->flushing = true;
	uv_timer_start(&e->last, on_last, WEIR_EXPORTER_FLUSH_MS, 0);
	if (e->phase == PAUSED)
		uv_timer_start(&e->timer, on_pause, AT_ONCE_MS, 0);
	else
		go_on(e);
}

bool weir_exporter_is_flushed(const struct weir_exporter *e)
{
	return !e || e->gave_up || (e->phase == IDLE && e->pending_n == 0);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct weir_exporter *e = handle->data;
	void (*on_closed)(struct weir_gateway *) = e->on_closed;
	struct weir_gateway *gateway = e->gateway;

	if (--e->handles_open)
		return;
	destroy(e);
	on_closed(gateway);
}

void weir_exporter_close(struct weir_exporter *e, void (*on_closed)(struct weir_gateway *gateway))
{
	e->on_closed = on_closed;
	if (e->phase == SENDING && e->lease.phase == WEIR_LEASE_HELD)
		weir_http_reader_fini(&e->reader);
	weir_pool_drop(&e->lease);
	uv_close((uv_handle_t *)&e->timer, on_timer_closed);
	uv_close((uv_handle_t *)&e->last, on_timer_closed);
}
