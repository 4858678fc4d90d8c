/* A mock and raw clients of it on one loop. A client says its bytes, keeps what comes back
 * and tells how it ended: kept open and quiet, FIN or RST. */
#ifndef WEIR_MOCK_WORLD_H
#define WEIR_MOCK_WORLD_H

#include <stdarg.h>

#include "base/alloc.h"
#include "mock/mock.h"
#include "net/conn.h"
#include "test.h"

enum { MOCK_QUIET_MS = 20, MOCK_LIMIT_MS = 20 * 1000, MOCK_TICK_MS = 10 };

struct mock_world {
	uv_loop_t loop;
	struct weir_net net;
	struct weir_mock *mock;
	uv_timer_t limit;
	uint64_t limit_ms;
	size_t blocks_before;
};

enum mock_end { MOCK_KEPT, MOCK_FIN, MOCK_RST, MOCK_FAILED };

struct mock_client {
	struct weir_conn conn;
	struct weir_buf in; /* NUL after it */
	unsigned reads_n;
	bool opened, ended, expired, quiet, closed;
	int open_err, end_err;
	const char *reason;
	uint64_t quiet_ms;          /* so long without a byte, and it is taken for all */
	uint64_t first_ms, last_ms; /* loop time of the first and last bytes */
};

static void mock_client_on_open(struct weir_conn *conn, int err, const char *reason)
{
	struct mock_client *c = conn->user;

	c->opened = true;
	c->open_err = err;
	c->reason = reason;
}

static void mock_client_on_bytes(struct weir_conn *conn, const char *bytes, size_t len)
{
	struct mock_client *c = conn->user;

	CHECK_INT(weir_buf_append(&c->in, bytes, len), 0);
	CHECK_INT(weir_buf_append(&c->in, "", 1), 0);
	c->in.len--;
	c->reads_n++;
	c->expired = false;
	c->last_ms = uv_now(conn->net->loop);
	if (!c->first_ms)
		c->first_ms = c->last_ms;
	weir_conn_timer(conn, c->quiet_ms);
}

static void mock_client_on_end(struct weir_conn *conn, int err)
{
	struct mock_client *c = conn->user;

	c->ended = true;
	c->end_err = err;
}

static void mock_client_on_timer(struct weir_conn *conn)
{
	struct mock_client *c = conn->user;

	if (c->expired) /* the loop has polled since: nothing was waiting to be read */
		c->quiet = true;
	else
		weir_conn_timer(conn, 1);
	c->expired = true;
}

static void mock_client_on_closed(struct weir_conn *conn)
{
	struct mock_client *c = conn->user;

	c->closed = true;
}

static const struct weir_conn_events mock_client_events = {
	.on_open = mock_client_on_open,
	.on_bytes = mock_client_on_bytes,
	.on_end = mock_client_on_end,
	.on_timer = mock_client_on_timer,
};

/* It also ticks: UV_RUN_ONCE runs timers first and then waits for I/O, so a timer that comes
 * due between two turns would otherwise be noticed only at the next event. */
static inline void mock_on_tick(uv_timer_t *timer)
{
	struct mock_world *w = WEIR_CONTAINER_OF(timer, struct mock_world, limit);

	if (uv_now(&w->loop) < w->limit_ms)
		return;
	uv_print_all_handles(&w->loop, stdout);
	printf("Bail out! the loop did not come to rest\n");
	abort();
}

static inline bool mock_world_open(struct mock_world *w)
{
	*w = (struct mock_world){ .blocks_before = weir_alloc_live() };
	CHECK_INT(uv_loop_init(&w->loop), 0);
	CHECK_INT(weir_net_init(&w->net, &w->loop), 0);
	CHECK_INT(weir_mock_create(&w->mock, &w->loop, 1), 0);
	CHECK_INT(uv_timer_init(&w->loop, &w->limit), 0);
	w->limit_ms = uv_now(&w->loop) + MOCK_LIMIT_MS;
	CHECK_INT(uv_timer_start(&w->limit, mock_on_tick, MOCK_TICK_MS, MOCK_TICK_MS), 0);
	uv_unref((uv_handle_t *)&w->limit);
	return w->mock != NULL;
}

static inline void mock_vendor(struct mock_world *w, const char *name, const char *tls,
			       const char *script)
{
	struct weir_error err = { 0 };

	if (weir_mock_add(w->mock, name, "127.0.0.1:0", tls, &err))
		NOTE("%s", err.text);
	if (script && weir_mock_script(w->mock, name, script, &err))
		NOTE("%s", err.text);
	CHECK_STR(err.text, "");
}

static inline void mock_world_closed(void *arg)
{
	*(bool *)arg = true;
}

static inline void mock_world_close(struct mock_world *w)
{
	bool closed = false;

	weir_mock_close(w->mock, mock_world_closed, &closed);
	CHECK(!closed);
	uv_close((uv_handle_t *)&w->limit, NULL);
	CHECK_INT(uv_run(&w->loop, UV_RUN_DEFAULT), 0);
	CHECK(closed);
	weir_net_fini(&w->net);
	CHECK_INT(uv_loop_close(&w->loop), 0);
	CHECK_INT(weir_alloc_live(), w->blocks_before);
}

static inline void mock_connect_port(struct mock_world *w, struct mock_client *c, unsigned port,
				     struct weir_tls_session *tls)
{
	struct sockaddr_in addr;

	*c = (struct mock_client){ .quiet_ms = MOCK_QUIET_MS };
	weir_buf_init(&c->in, 64 * 1024 * 1024);
	CHECK_INT(uv_ip4_addr("127.0.0.1", (int)port, &addr), 0);
	CHECK_INT(weir_conn_open(&c->conn, &w->net, (const struct sockaddr *)&addr, tls,
				 &mock_client_events, c, mock_client_on_closed),
		  0);
}

static inline void mock_connect(struct mock_world *w, struct mock_client *c, const char *vendor)
{
	mock_connect_port(w, c, weir_mock_port(w->mock, vendor), NULL);
}

static inline void mock_client_close(struct mock_world *w, struct mock_client *c)
{
	weir_conn_close(&c->conn);
	while (!c->closed)
		uv_run(&w->loop, UV_RUN_ONCE);
	weir_buf_fini(&c->in);
}

/* Until the peer ends or is quiet; ms is how long the first byte may take. */
static inline enum mock_end mock_wait(struct mock_world *w, struct mock_client *c, uint64_t ms)
{
	while (!c->opened)
		uv_run(&w->loop, UV_RUN_ONCE);
	if (c->open_err)
		return MOCK_FAILED;
	c->quiet = c->expired = false;
	weir_conn_timer(&c->conn, ms);
	while (!c->ended && !c->quiet)
		uv_run(&w->loop, UV_RUN_ONCE);
	if (!c->ended)
		return MOCK_KEPT;
	if (c->end_err && c->end_err != UV_ECONNRESET)
		NOTE("ended with %s", uv_err_name(c->end_err));
	return c->end_err == UV_ECONNRESET ? MOCK_RST : MOCK_FIN;
}

static inline void mock_say(struct mock_world *w, struct mock_client *c, const char *bytes,
			    size_t len)
{
	struct weir_slice slice = { bytes, len };

	while (!c->opened)
		uv_run(&w->loop, UV_RUN_ONCE);
	if (!c->open_err && !c->ended && weir_conn_write(&c->conn, &slice, 1))
		NOTE("the mock was gone before the request was out");
}

static inline void mock_post(struct mock_world *w, struct mock_client *c, const char *path,
			     const char *body)
{
	char request[8192];
	int n = snprintf(request, sizeof request,
			 "POST %s HTTP/1.1\r\nhost: mock\r\nauthorization: Bearer sk-one\r\n"
			 "content-type: application/json\r\ncontent-length: %zu\r\n\r\n%s",
			 path, strlen(body), body);

	mock_say(w, c, request, (size_t)n);
}

#define CHAT  "/v1/chat/completions"
#define PLAIN "{\"model\":\"m1\",\"messages\":[{\"role\":\"user\",\"content\":\"hi nonce=N1!\"}]}"
#define STREAM                                                                               \
	"{\"model\":\"m1\",\"messages\":[{\"role\":\"user\",\"content\":\"hi nonce=N1!\"}]," \
	"\"stream\":true}"

/* A fresh connection, one request, its answer and how it ended. The caller closes it. */
static inline enum mock_end mock_ask(struct mock_world *w, struct mock_client *c,
				     const char *vendor, const char *body, uint64_t ms)
{
	mock_connect(w, c, vendor);
	mock_post(w, c, CHAT, body);
	return mock_wait(w, c, ms);
}

static inline bool mock_has(const struct mock_client *c, const char *text)
{
	return c->in.len && memmem(c->in.base, c->in.len, text, strlen(text)) != NULL;
}

static inline unsigned mock_count(const struct mock_client *c, const char *text)
{
	const char *at = c->in.base, *end = at + c->in.len;
	unsigned n = 0;

	while (at && (at = memmem(at, (size_t)(end - at), text, strlen(text)))) {
		at += strlen(text);
		n++;
	}
	return n;
}

#endif
