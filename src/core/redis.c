#include "core/redis.h"

#include <stdio.h>

#include "base/attr.h"
#include "base/error.h"
#include "core/gateway.h"
#include "net/tls.h"

enum { GREETING_MAX = 16 * 1024, CODE_MAX = 24, DOUBLINGS_MAX = 8 };

static uint64_t now_ms(const struct weir_redis *r)
{
	return uv_now(r->gateway->loop);
}

static void move(struct weir_redis *r, enum weir_redis_phase phase)
{
	r->phase = phase;
	r->since_ms = now_ms(r);
}

/* 100 ms, 200 ms, … 3 s, each less up to a half: a fleet does not come back at once. */
static uint64_t pause_ms(struct weir_redis *r)
{
	unsigned doublings = r->failures < DOUBLINGS_MAX ? r->failures : DOUBLINGS_MAX;
	uint64_t ms = (uint64_t)WEIR_REDIS_AGAIN_MS << doublings;

	if (ms > WEIR_REDIS_AGAIN_MAX_MS)
		ms = WEIR_REDIS_AGAIN_MAX_MS;
	return ms - weir_rng_upto(&r->gateway->rng, ms / 2);
}

void weir_redis_close(struct weir_redis *r)
{
	weir_pool_drop(&r->lease);
	weir_resp_destroy(r->resp);
	r->resp = NULL;
	move(r, WEIR_REDIS_OFF);
}

static void fail(struct weir_redis *r, const char *why)
{
	r->again_ms = now_ms(r) + pause_ms(r);
	r->failures++;
	weir_redis_close(r);
	r->events->on_failed(r, why);
}

/* ---- replies ---- */

/* Only the code of an error is repeated: what follows may quote a value. */
static void note_error(struct weir_redis *r, struct weir_slice text)
{
	size_t n = 0;

	while (n < text.len && n < CODE_MAX && text.base[n] >= 'A' && text.base[n] <= 'Z')
		n++;
	r->refused = true;
	snprintf(r->why, sizeof r->why, "it answers %.*s", n ? (int)n : 8,
		 n ? text.base : "an error");
}

void weir_redis_refuse(struct weir_redis *r)
{
	r->refused = true;
	snprintf(r->why, sizeof r->why, "what it says is no answer");
}

static void on_value(void *arg, int place, const struct weir_resp_value *value)
{
	struct weir_redis *r = arg;

	if (place < 0 && value->kind == WEIR_RESP_ERROR) {
		if (!r->refused)
			note_error(r, value->text);
	} else if (r->greetings == 0 && r->replied < r->replies) {
		r->events->on_value(r, r->replied, place, value);
	}
}

static void on_reply(struct weir_redis *r)
{
	if (r->refused) {
		fail(r, r->why);
	} else if (r->greetings) {
		r->greetings--;
	} else if (r->replied >= r->replies) {
		fail(r, "it says what nobody has asked for");
	} else if (++r->replied == r->replies) {
		r->failures = 0;
		move(r, WEIR_REDIS_IDLE);
		r->events->on_round(r);
	}
}

static void on_bytes(struct weir_conn *conn, const char *bytes, size_t len)
{
	struct weir_redis *r = conn->user;
	int rc = weir_resp_feed(r->resp, weir_slice(bytes, len));

	if (rc == 0)
		rc = weir_resp_next(r->resp);
	while (rc > 0) {
		on_reply(r);
		rc = r->resp ? weir_resp_next(r->resp) : 0;
	}
	if (rc < 0)
		fail(r, "what it says is no answer");
}

static void on_end(struct weir_conn *conn, int err)
{
	(void)err;
	fail(conn->user, "it has closed the connection");
}

static const struct weir_conn_events conn_events = {
	.on_bytes = on_bytes,
	.on_end = on_end,
};

/* ---- opening ---- */

static int put_greeting(struct weir_redis *r, struct weir_buf *out)
{
	const struct weir_state_at *s = r->state;
	char database[16];
	int rc = 0;

	r->greetings = 0;
	if (s->password.len) {
		const char *const named[] = { "AUTH", s->user, s->password.text, NULL };
		const char *const alone[] = { "AUTH", s->password.text, NULL };

		rc = weir_resp_put(out, s->user ? named : alone);
		r->greetings++;
	}
	if (rc == 0 && s->database) {
		snprintf(database, sizeof database, "%u", s->database);
		rc = weir_resp_put(out, (const char *const[]){ "SELECT", database, NULL });
		r->greetings++;
	}
	return rc;
}

/* It is written together with the first round, or at once: nobody waits for its reply. */
static void greet(struct weir_redis *r)
{
	struct weir_buf out;
	struct weir_slice bytes;
	int rc;

	r->lease.conn->events = &conn_events;
	r->lease.conn->user = r;
	weir_conn_count(r->lease.conn, false);
	r->resp = weir_resp_create(on_value, r);
	weir_buf_init(&out, GREETING_MAX);
	rc = r->resp ? put_greeting(r, &out) : WEIR_ENOMEM;
	bytes = weir_buf_slice(&out);
	if (rc == 0 && bytes.len)
		rc = weir_conn_write(r->lease.conn, &bytes, 1);
	weir_free_secret(out.base, out.cap);
	r->replies = r->replied = 0;
	r->refused = false;
	if (rc == WEIR_ENOMEM || rc == WEIR_ELIMIT)
		fail(r, "there is no memory");
	else
		move(r, WEIR_REDIS_IDLE);
}

static void on_ready(struct weir_lease *lease)
{
	greet(WEIR_CONTAINER_OF(lease, struct weir_redis, lease));
}

static void on_failed(struct weir_lease *lease, const char *reason, const char *text)
{
	(void)reason;
	fail(WEIR_CONTAINER_OF(lease, struct weir_redis, lease),
	     text ? text : "it cannot be reached");
}

static void open_it(struct weir_redis *r)
{
	int rc;

	r->lease = (struct weir_lease){
		.on_ready = on_ready,
		.on_failed = on_failed,
		.origin = r->origin,
	};
	weir_list_init(&r->lease.node);
	move(r, WEIR_REDIS_OPENING);
	rc = weir_pool_take(r->origin, &r->lease, true);
	if (rc > 0)
		greet(r);
	else if (rc < 0)
		fail(r, "there is no memory");
}

void weir_redis_tick(struct weir_redis *r)
{
	uint64_t past_ms = now_ms(r) - r->since_ms;

	switch (r->phase) {
	case WEIR_REDIS_OFF:
		if (now_ms(r) >= r->again_ms)
			open_it(r);
		break;
	case WEIR_REDIS_OPENING:
		if (past_ms >= WEIR_REDIS_CONNECT_MS)
			fail(r, "it cannot be reached in time");
		break;
	case WEIR_REDIS_ASKING:
		if (past_ms >= WEIR_REDIS_ROUND_MS)
			fail(r, "it does not answer in time");
		break;
	case WEIR_REDIS_IDLE:
		break;
	}
}

void weir_redis_ask(struct weir_redis *r, struct weir_slice commands, unsigned replies)
{
	int rc;

	r->replies = replies;
	r->replied = 0;
	move(r, WEIR_REDIS_ASKING);
	rc = weir_conn_write(r->lease.conn, &commands, 1);
	/* A broken connection says so by on_end. */
	if (rc == WEIR_ENOMEM || rc == WEIR_ELIMIT)
		fail(r, "there is no memory");
}

/* ---- life ---- */

int weir_redis_init(struct weir_redis *r, struct weir_gateway *gateway,
		    const struct weir_state_at *state, const struct weir_redis_events *events,
		    struct weir_error *err)
{
	struct weir_origin_config config = { .host = state->host, .port = state->port };
	int rc;

	*r = (struct weir_redis){ .gateway = gateway, .state = state, .events = events };
	weir_list_init(&r->lease.node);
	if (state->tls) {
		rc = weir_tls_client_config_create(&r->trust, NULL, NULL, err);
		if (rc)
			return rc;
	}
	config.tls = r->trust;
	r->origin = weir_pool_origin(gateway->pool, &config);
	if (r->origin)
		return 0;
	weir_tls_config_destroy(r->trust);
	return weir_fail(err, WEIR_ENOMEM, "out of memory");
}

void weir_redis_fini(struct weir_redis *r)
{
	weir_origin_release(r->origin);
	weir_tls_config_destroy(r->trust);
}
