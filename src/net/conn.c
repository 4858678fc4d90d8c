#include "net/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "net/conn_private.h"
#include "net/turn.h"

enum { EXACT_BELOW_MS = 10 * 1000 }; /* turns are bounded to a few milliseconds */

/* libuv writes with write(2): a peer that left would end the whole process. */
static void ignore_sigpipe(void)
{
	struct sigaction old;

	if (sigaction(SIGPIPE, NULL, &old) == 0 && old.sa_handler == SIG_DFL)
		signal(SIGPIPE, SIG_IGN);
}

int weir_net_init(struct weir_net *net, uv_loop_t *loop)
{
	*net = (struct weir_net){ .loop = loop };
	weir_list_init(&net->ready);
	weir_list_init(&net->handshakes);
	weir_list_init(&net->late);
	weir_list_init(&net->late_lively);
	net->read_buf = weir_alloc(WEIR_CONN_READ_MAX);
	if (!net->read_buf)
		return WEIR_ENOMEM;
	ignore_sigpipe();
	return 0;
}

void weir_net_fini(struct weir_net *net)
{
	WEIR_ASSERT(net->conns_n == 0 && net->handshakes_n == 0);
	weir_free(net->read_buf);
	net->read_buf = NULL;
}

static void init(struct weir_conn *conn, struct weir_net *net, struct weir_tls_session *tls,
		 const struct weir_conn_events *events, void *user,
		 void (*on_closed)(struct weir_conn *conn))
{
	*conn = (struct weir_conn){ .net = net,
				    .events = events,
				    .user = user,
				    .on_closed = on_closed,
				    .tls = tls,
				    .reading = true,
				    .due_ms = UINT64_MAX,
				    .armed_ms = UINT64_MAX };
	weir_list_init(&conn->node);
	weir_list_init(&conn->ready);
	weir_list_init(&conn->late);
	weir_buf_init(&conn->queue, WEIR_CONN_QUEUE_MAX);
	weir_buf_init(&conn->sending, WEIR_CONN_QUEUE_MAX);
	net->conns_n++;
}

/* None of these can fail: they touch nothing but memory. */
static void init_handles(struct weir_conn *conn, bool pipe)
{
	uv_loop_t *loop = conn->net->loop;
	int rc = pipe ? uv_pipe_init(loop, &conn->uv.pipe, 0) : uv_tcp_init(loop, &conn->uv.tcp);

	WEIR_ASSERT(rc == 0);
	rc = uv_timer_init(loop, &conn->timer);
	WEIR_ASSERT(rc == 0);
	rc = uv_idle_init(loop, &conn->turn);
	WEIR_ASSERT(rc == 0);
	conn->uv.handle.data = conn;
	conn->timer.data = conn;
	conn->turn.data = conn;
	conn->handles_open = 3;
}

/* Neither matters enough to give a connection up. */
static void set_options(struct weir_conn *conn)
{
	if (conn->uv.handle.type != UV_TCP)
		return;
	(void)uv_tcp_nodelay(&conn->uv.tcp, 1);
	(void)uv_tcp_keepalive(&conn->uv.tcp, 1, WEIR_CONN_KEEPALIVE_S);
}

static void start(struct weir_conn *conn)
{
	conn->connected = true;
	set_options(conn);
	if (conn->tls)
		weir_conn_handshake_begin(conn);
	else
		conn->open = true;
}

static void on_connect(uv_connect_t *req, int err)
{
	struct weir_conn *conn = WEIR_CONTAINER_OF(req, struct weir_conn, connect);

	if (conn->closing || conn->open_err) /* known before the loop came to it */
		return;
	if (err == 0)
		start(conn);
	if (err == 0 && conn->tls && conn->events->on_connected)
		conn->events->on_connected(conn);
	if (!err && !conn->open)
		return;
	conn->open_err = err;
	if (weir_turn_full(conn->net))
		weir_turn_later(conn);
	else
		weir_conn_announce(conn, err, "connect");
}

static int connect_pipe(struct weir_conn *conn, const struct sockaddr_un *addr)
{
	char path[sizeof addr->sun_path + 1] = { 0 };

	memcpy(path, addr->sun_path, sizeof addr->sun_path);
	uv_pipe_connect(&conn->connect, &conn->uv.pipe, path, on_connect);
	return 0;
}

/* Who refuses on this machine has done so already: the loop need not be asked to find out. */
static int error_so_far(const struct weir_conn *conn)
{
	socklen_t len = sizeof(int);
	int fd, err = 0;

	if (uv_fileno(&conn->uv.handle, &fd) || getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len))
		return 0;
	return -err; /* as libuv has it */
}

static int connect_tcp(struct weir_conn *conn, const struct sockaddr *addr)
{
	int rc = uv_tcp_connect(&conn->connect, &conn->uv.tcp, addr, on_connect);

	return rc ? rc : error_so_far(conn);
}

static bool family_ok(int family)
{
	return family == AF_INET || family == AF_INET6 || family == AF_UNIX;
}

int weir_conn_open(struct weir_conn *conn, struct weir_net *net, const struct sockaddr *addr,
		   struct weir_tls_session *tls, const struct weir_conn_events *events, void *user,
		   void (*on_closed)(struct weir_conn *conn))
{
	if (!family_ok(addr->sa_family)) {
		weir_tls_session_destroy(tls);
		return UV_EAFNOSUPPORT;
	}
	init(conn, net, tls, events, user, on_closed);
	init_handles(conn, addr->sa_family == AF_UNIX);
	if (addr->sa_family == AF_UNIX)
		conn->open_err = connect_pipe(conn, (const struct sockaddr_un *)addr);
	else
		conn->open_err = connect_tcp(conn, addr);
	if (conn->open_err)
		weir_turn_later(conn);
	return 0;
}

int weir_conn_accept(struct weir_conn *conn, struct weir_net *net, uv_stream_t *listener,
		     struct weir_tls_session *tls, const struct weir_conn_events *events,
		     void *user, void (*on_closed)(struct weir_conn *conn))
{
	if (listener->accepted_fd < 0) {
		weir_tls_session_destroy(tls);
		return UV_EAGAIN;
	}
	init(conn, net, tls, events, user, on_closed);
	init_handles(conn, listener->type == UV_NAMED_PIPE);
	conn->open_err = uv_accept(listener, &conn->uv.stream);
	if (conn->open_err == 0)
		start(conn);
	if (conn->open_err || conn->open)
		weir_turn_later(conn);
	return 0;
}

/* Failures that say something about this machine, not about the peer. */
static bool local(int err)
{
	return err == UV_EMFILE || err == UV_ENFILE || err == UV_ENOBUFS || err == UV_ENOMEM ||
	       err == UV_EADDRNOTAVAIL || err == WEIR_ENOMEM;
}

void weir_conn_announce(struct weir_conn *conn, int err, const char *reason)
{
	WEIR_ASSERT(!conn->announced);
	conn->announced = true;
	weir_conn_handshake_over(conn);
	conn->open = err == 0;
	conn->ended = err != 0;
	weir_conn_poll(conn);
	if (err == 0)
		reason = NULL;
	else if (local(err))
		reason = "local_resource";
	if (conn->events->on_open)
		conn->events->on_open(conn, err, reason);
}

void weir_conn_go_on(struct weir_conn *conn)
{
	if (conn->closing)
		return;
	if (conn->tls && conn->connected && !conn->open_err)
		weir_conn_tls_go_on(conn);
	else if (!conn->announced)
		weir_conn_announce(conn, conn->open_err, "connect");
	else if (conn->eof)
		weir_conn_end(conn, conn->end_err);
}

static void on_timer(uv_timer_t *timer);

static void arm_timer(struct weir_conn *conn)
{
	int rc = uv_timer_start(&conn->timer, on_timer, conn->due_ms - uv_now(conn->net->loop), 0);

	WEIR_ASSERT(rc == 0);
	conn->armed_ms = conn->due_ms;
}

/* The loop's clock stands still during callbacks: a short timer must not fire early by that. It is
 * moved only when it would fire too late: every request moves a few, almost none is ever due. */
static void start_timer(struct weir_conn *conn, uint64_t ms)
{
	uint64_t now_ms;

	if (ms < EXACT_BELOW_MS)
		uv_update_time(conn->net->loop);
	now_ms = uv_now(conn->net->loop);
	conn->due_ms = ms < UINT64_MAX - now_ms ? now_ms + ms : UINT64_MAX - 1;
	if (conn->due_ms < conn->armed_ms)
		arm_timer(conn);
}

static void on_timer(uv_timer_t *timer)
{
	struct weir_conn *conn = timer->data;
	size_t left;

	if (conn->closing)
		return;
	conn->armed_ms = UINT64_MAX;
	if (conn->due_ms > uv_now(conn->net->loop)) {
		if (conn->due_ms != UINT64_MAX)
			arm_timer(conn);
		return;
	}
	conn->due_ms = UINT64_MAX;
	if (!conn->finishing) {
		if (conn->events->on_timer)
			conn->events->on_timer(conn);
		return;
	}
	left = weir_conn_unacked(conn);
	if (!conn->fin_sent && left < conn->write_left &&
	    uv_now(conn->net->loop) < conn->finish_by_ms) {
		conn->write_left = left;
		start_timer(conn, conn->linger_ms);
		return;
	}
	weir_conn_close(conn);
}

void weir_conn_timer(struct weir_conn *conn, uint64_t ms)
{
	if (!conn->closing && !conn->finishing)
		start_timer(conn, ms);
}

void weir_conn_timer_stop(struct weir_conn *conn)
{
	if (!conn->closing && !conn->finishing)
		conn->due_ms = UINT64_MAX;
}

void weir_conn_count(struct weir_conn *conn, bool counts)
{
	void (*count)(uv_handle_t *) = counts ? uv_ref : uv_unref;

	count(&conn->uv.handle);
	count((uv_handle_t *)&conn->timer);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct weir_conn *conn = handle->data;

	WEIR_ASSERT(conn->closing && conn->handles_open > 0);
	if (--conn->handles_open)
		return;
	weir_buf_fini(&conn->queue);
	weir_buf_fini(&conn->sending);
	weir_tls_session_destroy(conn->tls);
	conn->tls = NULL;
	conn->net->conns_n--;
	if (conn->on_closed)
		conn->on_closed(conn);
}

void weir_conn_close(struct weir_conn *conn)
{
	if (conn->closing)
		return;
	conn->closing = true;
	conn->open = false;
	weir_turn_cancel(conn);
	weir_list_remove(&conn->late);
	weir_conn_handshake_over(conn);
	uv_close(&conn->uv.handle, on_handle_closed);
	uv_close((uv_handle_t *)&conn->timer, on_handle_closed);
	uv_close((uv_handle_t *)&conn->turn, on_handle_closed);
}

void weir_conn_reset(struct weir_conn *conn)
{
	struct linger abort_now = { .l_onoff = 1, .l_linger = 0 };
	uv_os_fd_t fd;

	/* Not uv_tcp_close_reset(): it refuses after a shutdown. */
	if (!conn->closing && conn->uv.handle.type == UV_TCP &&
	    uv_fileno(&conn->uv.handle, &fd) == 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort_now, sizeof abort_now);
	weir_conn_close(conn);
}

void weir_conn_finish_check(struct weir_conn *conn)
{
	uv_os_fd_t fd;

	if (!conn->finishing || conn->closing)
		return;
	if (conn->write_err) {
		weir_conn_close(conn);
		return;
	}
	if (conn->sending_now || weir_conn_queued(conn))
		return;
	if (!conn->fin_sent) {
		conn->fin_sent = true;
		if (uv_fileno(&conn->uv.handle, &fd) || shutdown(fd, SHUT_WR))
			conn->eof = true;
		start_timer(conn, conn->linger_ms);
	}
	if (conn->eof || conn->dropped > WEIR_CONN_FINISH_BYTES_MAX)
		weir_conn_close(conn);
}

void weir_conn_finish(struct weir_conn *conn, uint64_t linger_ms)
{
	if (conn->closing || conn->finishing)
		return;
	if (!conn->open || conn->write_err) {
		weir_conn_close(conn);
		return;
	}
	conn->finishing = true;
	conn->linger_ms = linger_ms;
	weir_turn_cancel(conn);
	if (conn->tls)
		weir_tls_close_notify(conn->tls);
	start_timer(conn, linger_ms);
	conn->finish_by_ms = uv_now(conn->net->loop) + WEIR_CONN_FINISH_MS_MAX;
	weir_conn_poll(conn);
	weir_conn_flush(conn);
	conn->write_left = weir_conn_unacked(conn);
	weir_conn_finish_check(conn);
}

void weir_conn_peer(const struct weir_conn *conn, char *text, size_t size)
{
	struct sockaddr_storage addr;
	int len = sizeof addr;
	char ip[INET6_ADDRSTRLEN] = "";

	snprintf(text, size, "%s", conn->uv.handle.type == UV_TCP ? "unknown" : "unix");
	if (conn->uv.handle.type != UV_TCP ||
	    uv_tcp_getpeername(&conn->uv.tcp, (struct sockaddr *)&addr, &len))
		return;
	if (addr.ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)&addr;

		uv_ip4_name(in, ip, sizeof ip);
		snprintf(text, size, "%s:%u", ip, ntohs(in->sin_port));
	} else if (addr.ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&addr;

		uv_ip6_name(in6, ip, sizeof ip);
		snprintf(text, size, "[%s]:%u", ip, ntohs(in6->sin6_port));
	}
}
