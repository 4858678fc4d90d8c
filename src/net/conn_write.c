#include <sys/ioctl.h>
#include <sys/socket.h>
#if defined(__linux__)
#include <linux/sockios.h>
#endif

#include "base/assert.h"
#include "base/error.h"
#include "net/conn_private.h"

/* libuv's buffers are slices by another name, so that an array of them is one of those. */
_Static_assert(sizeof(uv_buf_t) == sizeof(struct weir_slice) &&
		       offsetof(uv_buf_t, base) == offsetof(struct weir_slice, base) &&
		       offsetof(uv_buf_t, len) == offsetof(struct weir_slice, len),
	       "both begin with where they are");

/* Bytes that the kernel has yet to be offered: with TLS the session holds them. */
static struct weir_buf *waiting(struct weir_conn *conn)
{
	return conn->tls ? weir_tls_outgoing(conn->tls) : &conn->queue;
}

size_t weir_conn_queued(const struct weir_conn *conn)
{
	const struct weir_buf *buf = conn->tls ? weir_tls_outgoing(conn->tls) : &conn->queue;

	return buf->len + (conn->closing ? 0 : uv_stream_get_write_queue_size(&conn->uv.stream));
}

size_t weir_conn_unacked(const struct weir_conn *conn)
{
	size_t queued = weir_conn_queued(conn);
	uv_os_fd_t fd;
	int n = 0;

	if (uv_fileno(&conn->uv.handle, &fd))
		return queued;
#if defined(SIOCOUTQ)
	if (ioctl(fd, SIOCOUTQ, &n))
		return queued;
#elif defined(SO_NWRITE)
	socklen_t len = sizeof n;

	if (getsockopt(fd, SOL_SOCKET, SO_NWRITE, &n, &len))
		return queued;
#endif
	return queued + (n > 0 ? (size_t)n : 0);
}

/* Reading tells the end, after what the peer may still have said; also where the kernel does not
 * know yet that the connection is dead. */
void weir_conn_write_failed(struct weir_conn *conn, int err)
{
	uv_os_fd_t fd;

	if (conn->write_err)
		return;
	conn->write_err = err;
	weir_buf_fini(waiting(conn));
	conn->drain_due = false;
	if (uv_fileno(&conn->uv.handle, &fd) == 0)
		(void)shutdown(fd, SHUT_RDWR);
}

/* Without a copy. How many bytes the kernel took: 0 also when it is full; negative: broken. */
static ssize_t try_write(struct weir_conn *conn, const struct weir_slice *slices, size_t n)
{
	int rc = uv_try_write(&conn->uv.stream, (const uv_buf_t *)slices, (unsigned)n);

	if (rc == UV_EAGAIN)
		return 0;
	if (rc > 0)
		conn->bytes_out += (uint64_t)rc;
	return rc;
}

static void send_on(struct weir_conn *conn, size_t from);

static void drained(struct weir_conn *conn)
{
	if (!conn->drain_due || weir_conn_queued(conn) > WEIR_CONN_QUEUE_LOW)
		return;
	conn->drain_due = false;
	if (conn->events->on_drained)
		conn->events->on_drained(conn);
}

static void on_written(uv_write_t *req, int err)
{
	struct weir_conn *conn = WEIR_CONTAINER_OF(req, struct weir_conn, write);

	conn->sending_now = false;
	if (conn->closing)
		return;
	if (err == 0)
		conn->bytes_out += conn->sending.len - conn->sending_from;
	weir_buf_clear(&conn->sending);
	if (err)
		weir_conn_write_failed(conn, err);
	else if (waiting(conn)->len)
		send_on(conn, 0);
	if (!conn->sending_now) {
		weir_buf_fini(&conn->sending);
		weir_buf_fini(waiting(conn));
	}
	if (conn->finishing)
		weir_conn_finish_check(conn);
	else
		drained(conn);
}

/* Hands what waits to libuv, without its first bytes that are gone already. The two buffers
 * change places: new bytes go into the one that libuv does not read. */
static void send_on(struct weir_conn *conn, size_t from)
{
	struct weir_buf *fresh = waiting(conn);
	struct weir_buf spare = conn->sending;
	uv_buf_t buf;
	int rc;

	conn->sending = *fresh;
	*fresh = (struct weir_buf){ spare.base, 0, spare.cap, fresh->max };
	buf = uv_buf_init(conn->sending.base + from, (unsigned)(conn->sending.len - from));
	rc = uv_write(&conn->write, &conn->uv.stream, &buf, 1, on_written);
	conn->sending_now = rc == 0;
	conn->sending_from = from;
	if (rc)
		weir_conn_write_failed(conn, rc);
	if (weir_conn_queued(conn) > WEIR_CONN_QUEUE_LOW)
		conn->drain_due = true;
}

void weir_conn_flush(struct weir_conn *conn)
{
	struct weir_buf *buf = waiting(conn);
	struct weir_slice all = weir_buf_slice(buf);
	ssize_t n;

	if (buf->len == 0 || conn->closing || conn->write_err)
		return;
	if (conn->sending_now) {
		if (weir_conn_queued(conn) > WEIR_CONN_QUEUE_LOW)
			conn->drain_due = true;
		return;
	}
	n = try_write(conn, &all, 1);
	if (n < 0)
		weir_conn_write_failed(conn, (int)n);
	else if ((size_t)n == buf->len)
		weir_buf_fini(buf);
	else
		send_on(conn, (size_t)n);
}

static size_t total(const struct weir_slice *slices, size_t n)
{
	size_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += slices[i].len;
	return sum;
}

/* All of it or nothing. */
static int enqueue(struct weir_conn *conn, const struct weir_slice *slices, size_t n, size_t skip)
{
	struct weir_buf *queue = &conn->queue;
	size_t need = queue->len + total(slices, n) - skip;
	size_t twice = 2 * queue->cap < queue->max ? 2 * queue->cap : queue->max;
	int rc = 0;

	if (need > queue->cap)
		rc = weir_buf_reserve(queue, need > twice ? need : twice);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		size_t gone = skip < slices[i].len ? skip : slices[i].len;

		skip -= gone;
		rc = weir_buf_append(queue, slices[i].base + gone, slices[i].len - gone);
	}
	return rc;
}

/* len: of them all. */
static int write_plain(struct weir_conn *conn, const struct weir_slice *slices, size_t n,
		       size_t len)
{
	ssize_t gone = 0;
	int rc;

	if (!conn->sending_now)
		gone = try_write(conn, slices, n);
	if (gone < 0) {
		weir_conn_write_failed(conn, (int)gone);
		return (int)gone;
	}
	if ((size_t)gone == len)
		return 0;
	rc = weir_conn_queued(conn) + len - (size_t)gone > WEIR_CONN_QUEUE_MAX
		     ? WEIR_ELIMIT
		     : enqueue(conn, slices, n, (size_t)gone);
	if (rc && gone)
		weir_conn_write_failed(conn, rc); /* half a message is out */
	if (rc)
		return rc;
	if (!conn->sending_now)
		send_on(conn, 0);
	else if (weir_conn_queued(conn) > WEIR_CONN_QUEUE_LOW)
		conn->drain_due = true;
	return conn->write_err;
}

int weir_conn_write(struct weir_conn *conn, const struct weir_slice *slices, size_t slices_n)
{
	size_t len = total(slices, slices_n);
	int rc;

	if (conn->write_err)
		return conn->write_err;
	if (!conn->open || conn->finishing)
		return UV_ENOTCONN;
	if (len == 0)
		return 0;
	if (!conn->tls)
		return write_plain(conn, slices, slices_n, len);
	if (weir_conn_queued(conn) + len > WEIR_CONN_QUEUE_MAX)
		return WEIR_ELIMIT;
	rc = weir_conn_tls_write(conn, slices, slices_n);
	return rc ? rc : conn->write_err;
}
