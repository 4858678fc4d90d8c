#include <sys/ioctl.h>

#include "base/assert.h"
#include "net/conn_private.h"
#include "net/turn.h"

/* libuv goes on reading while the buffer comes back full, up to 2 MiB: after this many
 * the others get their turn. */
enum { FULL_READS_MAX = 4 };

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct weir_conn *conn = handle->data;
	bool pause = conn->full_reads >= FULL_READS_MAX ||
		     (conn->full_reads && weir_turn_full(conn->net));

	(void)suggested;
	if (!conn->full_reads)
		conn->passed = weir_turn_full(conn->net) && !conn->due;
	conn->due = false;
	if (!conn->passed) {
		conn->passes = 0;
		weir_list_remove(&conn->late);
	}
	*buf = uv_buf_init(conn->net->read_buf, pause || conn->passed ? 0 : WEIR_CONN_READ_MAX);
}

void weir_conn_end(struct weir_conn *conn, int err)
{
	if (conn->closing || conn->ended)
		return;
	conn->ended = true;
	weir_conn_poll(conn);
	if (err == 0 && conn->write_err)
		err = conn->write_err;
	if (conn->events->on_end)
		conn->events->on_end(conn, err);
}

void weir_conn_deliver(struct weir_conn *conn, const char *bytes, size_t len)
{
	conn->delivering = true;
	if (conn->events->on_bytes)
		conn->events->on_bytes(conn, bytes, len);
	conn->delivering = false;
}

static void on_eof(struct weir_conn *conn, int err)
{
	conn->polling = false; /* libuv has stopped by itself */
	conn->eof = true;
	conn->end_err = err == UV_EOF ? 0 : err;
	if (conn->finishing)
		weir_conn_finish_check(conn);
	else if (conn->tls)
		weir_turn_later(conn);
	else
		weir_conn_end(conn, conn->end_err);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct weir_conn *conn = stream->data;
	bool paused = n == UV_ENOBUFS && (conn->full_reads || conn->passed);

	if (n == UV_ENOBUFS && conn->passed && !conn->closing) {
		weir_turn_read_later(conn);
		conn->parked = ++conn->passes >= WEIR_TURN_PASSES_MAX;
		if (conn->parked)
			uv_read_stop(stream);
	}
	conn->full_reads = n == WEIR_CONN_READ_MAX ? conn->full_reads + 1 : 0;
	if (conn->closing || n == 0 || paused)
		return;
	if (n < 0) {
		on_eof(conn, (int)n);
		return;
	}
	conn->bytes_in += (uint64_t)n;
	conn->read_ms = uv_now(conn->net->loop);
	if (conn->finishing) {
		conn->dropped += (size_t)n;
		weir_conn_finish_check(conn);
	} else if (conn->tls) {
		weir_conn_tls_feed(conn, buf->base, (size_t)n);
	} else {
		weir_conn_deliver(conn, buf->base, (size_t)n);
	}
}

/* What was fed and not yet decrypted has its bound here. */
static bool wanted(const struct weir_conn *conn)
{
	if (!conn->connected || conn->closing || conn->eof)
		return false;
	if (conn->finishing)
		return conn->dropped <= WEIR_CONN_FINISH_BYTES_MAX;
	if (conn->ended)
		return false;
	if (conn->tls && weir_tls_backlog(conn->tls) >= WEIR_CONN_READ_MAX)
		return false;
	return conn->handshaking || (conn->announced && conn->reading);
}

static void start(struct weir_conn *conn)
{
	conn->full_reads = 0;
	conn->end_err = uv_read_start(&conn->uv.stream, on_alloc, on_read);
	if (conn->end_err == 0)
		return;
	conn->polling = false;
	conn->eof = true;
	weir_turn_later(conn);
}

void weir_conn_unpark(struct weir_conn *conn)
{
	if (!conn->parked)
		return;
	conn->parked = false;
	start(conn);
}

void weir_conn_poll(struct weir_conn *conn)
{
	bool want = wanted(conn);

	if (want == conn->polling)
		return;
	conn->polling = want;
	conn->parked = false;
	weir_list_remove(&conn->late);
	if (want)
		start(conn);
	else
		uv_read_stop(&conn->uv.stream);
}

bool weir_conn_pending(const struct weir_conn *conn)
{
	uv_os_fd_t fd;
	int n = 0;

	return conn->polling && uv_fileno(&conn->uv.handle, &fd) == 0 &&
	       ioctl(fd, FIONREAD, &n) == 0 && n > 0;
}

uint64_t weir_conn_silent_ms(const struct weir_conn *conn)
{
	if (!weir_list_empty(&conn->ready) || weir_conn_pending(conn))
		return 0;
	return uv_now(conn->net->loop) - conn->read_ms;
}

void weir_conn_read_start(struct weir_conn *conn)
{
	if (conn->closing || conn->finishing || conn->reading)
		return;
	conn->reading = true;
	weir_conn_poll(conn);
	if (conn->open && !conn->ended && (conn->eof || (conn->tls && weir_tls_backlog(conn->tls))))
		weir_turn_later(conn);
}

void weir_conn_read_stop(struct weir_conn *conn)
{
	if (conn->closing || conn->finishing)
		return;
	conn->reading = false;
	weir_conn_poll(conn);
}
