#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "mock/server.h"

enum { REOPEN_MS = 20 };

static void on_listener_closed(struct weir_listener *listener)
{
	struct weir_mock_vendor *v = listener->user;

	weir_free(listener);
	weir_mock_closed_one(v->mock);
}

static void on_connection(struct weir_listener *listener)
{
	struct weir_mock_vendor *v = listener->user;

	weir_mock_peer_accept(v->mock, v, listener);
}

static int open_listener(struct weir_mock_vendor *v, const char *text, struct weir_error *err)
{
	struct weir_listener *l = weir_alloc(sizeof *l);
	int rc;

	if (!l)
		return weir_fail(err, WEIR_ENOMEM, "out of memory");
	rc = weir_listener_open(l, v->mock->loop, text, on_connection, v, err);
	if (rc) {
		weir_free(l);
		return rc;
	}
	v->listener = l;
	v->mock->open_n++;
	return 0;
}

static void close_listener(struct weir_mock_vendor *v)
{
	if (!v->listener)
		return;
	weir_listener_close(v->listener, on_listener_closed);
	v->listener = NULL;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static socklen_t bound_size(const struct weir_mock_vendor *v)
{
	return v->bound.any.sa_family == AF_INET ? sizeof(struct sockaddr_in)
						 : sizeof(struct sockaddr_in6);
}

static int make_socket(int family)
{
	return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* A socket that is bound but does not listen: the kernel refuses, and nobody else can have
 * the port. */
static void hold_port(struct weir_mock_vendor *v)
{
	int on = 1;

	if (v->bound.any.sa_family != AF_INET && v->bound.any.sa_family != AF_INET6)
		return;
	v->hold_fd = make_socket(v->bound.any.sa_family);
	if (v->hold_fd < 0)
		return;
	(void)setsockopt(v->hold_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(v->hold_fd, &v->bound.any, bound_size(v)))
		close_fd(&v->hold_fd);
}

/* With room for one connection and that one taken by ourselves, the kernel drops every
 * further SYN, exactly as a host does that is not there. */
static void dig_hole(struct weir_mock_vendor *v)
{
	if (v->hold_fd < 0 || listen(v->hold_fd, 0))
		return;
	v->filler_fd = make_socket(v->bound.any.sa_family);
	if (v->filler_fd >= 0 && connect(v->filler_fd, &v->bound.any, bound_size(v)) &&
	    errno != EINPROGRESS)
		close_fd(&v->filler_fd);
}

static void close_idle_peers(struct weir_mock_vendor *v)
{
	WEIR_LIST_FOR(node, &v->peers)
	{
		struct weir_conn *conn = WEIR_CONTAINER_OF(node, struct weir_conn, node);
		struct weir_mock_peer *peer = conn->user;

		if (peer->phase == WEIR_MOCK_IDLE)
			weir_conn_close(conn);
	}
}

static void on_timer(uv_timer_t *timer);

static void start_timer(struct weir_mock_vendor *v, uint64_t ms)
{
	int rc;

	uv_update_time(v->mock->loop);
	rc = uv_timer_start(&v->timer, on_timer, ms, 0);
	WEIR_ASSERT(rc == 0);
}

static void enter(struct weir_mock_vendor *v, enum weir_mock_mode mode)
{
	close_fd(&v->filler_fd);
	close_fd(&v->hold_fd);
	v->mode = mode;
	if (mode != WEIR_MOCK_LISTENING) {
		close_listener(v);
		hold_port(v);
	}
	if (mode == WEIR_MOCK_REFUSING)
		close_idle_peers(v);
	if (mode == WEIR_MOCK_HOLE)
		dig_hole(v);
	if (mode == WEIR_MOCK_LISTENING && !v->listener && open_listener(v, v->address, NULL))
		start_timer(v, REOPEN_MS); /* somebody took the port: it may come free */
}

static enum weir_mock_mode mode_of(const struct weir_mock_step *step)
{
	if (step->kind == WEIR_MOCK_REFUSE)
		return WEIR_MOCK_REFUSING;
	return step->kind == WEIR_MOCK_BLACKHOLE ? WEIR_MOCK_HOLE : WEIR_MOCK_LISTENING;
}

void weir_mock_vendor_settle(struct weir_mock_vendor *v)
{
	const struct weir_mock_step *step = weir_mock_rule_peek(&v->rule);
	enum weir_mock_mode mode = mode_of(step);

	if (v->mock->closing || (mode == v->mode && mode == WEIR_MOCK_LISTENING))
		return;
	uv_timer_stop(&v->timer);
	if (mode != v->mode)
		enter(v, mode);
	if (mode != WEIR_MOCK_LISTENING && step->for_ms)
		start_timer(v, step->for_ms);
}

/* The mode's time is over, or the port is tried again. */
static void on_timer(uv_timer_t *timer)
{
	struct weir_mock_vendor *v = timer->data;

	if (v->mock->closing)
		return;
	if (v->mode == WEIR_MOCK_LISTENING) {
		enter(v, WEIR_MOCK_LISTENING);
		return;
	}
	if (v->rule.at + 1 < v->rule.script->steps_n) {
		v->rule.at++;
		v->rule.played = 0;
	}
	weir_mock_vendor_settle(v);
}

static void describe(struct weir_mock_vendor *v)
{
	int len = sizeof v->bound.storage;
	bool tls = v->tls_kind != WEIR_MOCK_TLS_NONE;

	v->bound.storage.ss_family = AF_UNSPEC;
	if (v->listener->uv.handle.type == UV_TCP)
		(void)uv_tcp_getsockname(&v->listener->uv.tcp, &v->bound.any, &len);
	v->port = weir_listener_port(v->listener);
	memcpy(v->address, v->listener->text, sizeof v->address);
	snprintf(v->url, sizeof v->url, "%s%s",
		 v->port == 0 ? ""
		 : tls        ? "https://"
			      : "http://",
		 v->address);
}

int weir_mock_vendor_open(struct weir_mock_vendor *v, const char *text, struct weir_error *err)
{
	int rc = open_listener(v, text, err);

	if (rc)
		return rc;
	rc = uv_timer_init(v->mock->loop, &v->timer);
	WEIR_ASSERT(rc == 0);
	v->timer.data = v;
	v->mock->open_n++;
	describe(v);
	return 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct weir_mock_vendor *v = handle->data;

	weir_mock_closed_one(v->mock);
}

void weir_mock_vendor_close(struct weir_mock_vendor *v)
{
	WEIR_LIST_FOR(node, &v->peers)
	weir_conn_close(WEIR_CONTAINER_OF(node, struct weir_conn, node));
	close_listener(v);
	close_fd(&v->filler_fd);
	close_fd(&v->hold_fd);
	uv_close((uv_handle_t *)&v->timer, on_timer_closed);
}
