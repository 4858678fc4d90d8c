#include "base/assert.h"
#include "base/error.h"
#include "net/conn_private.h"
#include "net/turn.h"

enum { DENSE_BYTES = 16 * 1024, RECORD_OVERHEAD = 64 };

void weir_conn_handshake_begin(struct weir_conn *conn)
{
	conn->handshaking = true;
	conn->read_ms = uv_now(conn->net->loop);
	conn->net->handshakes_n++;
	weir_conn_poll(conn);
	weir_turn_later(conn);
}

void weir_conn_handshake_over(struct weir_conn *conn)
{
	if (!conn->handshaking)
		return;
	conn->handshaking = false;
	conn->net->handshakes_n--;
}

/* The peer left before the handshake was done. A reset before any byte is a connection
 * that never was: nobody's TLS is to blame. */
static void handshake_cut(struct weir_conn *conn)
{
	int err = conn->end_err ? conn->end_err : conn->write_err;

	if (err == UV_ECONNRESET && conn->bytes_in == 0)
		weir_conn_announce(conn, err, "connect");
	else
		weir_conn_announce(conn, err ? err : UV_EOF, "tls");
}

static void step(struct weir_conn *conn)
{
	bool more = false;
	size_t n = 0;
	enum weir_tls_state state = weir_tls_pump(conn->tls, conn->net->read_buf,
						  WEIR_CONN_READ_MAX, &n, &more);

	weir_conn_flush(conn);
	weir_conn_poll(conn);
	switch (state) {
	case WEIR_TLS_HANDSHAKE:
		if (more)
			weir_turn_soon(conn);
		else if (conn->eof)
			handshake_cut(conn);
		return;
	case WEIR_TLS_OPEN:
	case WEIR_TLS_CLOSED:
		weir_conn_announce(conn, 0, NULL);
		if (!conn->closing && !conn->finishing &&
		    (more || conn->eof || weir_tls_backlog(conn->tls)))
			weir_turn_later(conn);
		return;
	case WEIR_TLS_FAILED:
		weir_conn_announce(conn, WEIR_ETLS, weir_tls_reason(conn->tls));
		return;
	}
}

static bool takes_bytes(const struct weir_conn *conn)
{
	return !conn->closing && !conn->finishing && !conn->ended && conn->reading;
}

/* All that can be decrypted now, as no event would come for what is left; of what is dense, the
 * rest in later turns. There is an end to it, since no more than WEIR_CONN_READ_MAX and one read
 * was fed. */
static void drain(struct weir_conn *conn)
{
	enum weir_tls_state state = WEIR_TLS_OPEN;
	size_t piece = conn->dense ? DENSE_BYTES : WEIR_CONN_READ_MAX;
	bool more = true;

	while (takes_bytes(conn) && more && state == WEIR_TLS_OPEN) {
		size_t n = 0;

		state = weir_tls_pump(conn->tls, conn->net->read_buf, piece, &n, &more);
		weir_conn_flush(conn);
		if (n)
			weir_conn_deliver(conn, conn->net->read_buf, n);
		if (conn->dense && more && takes_bytes(conn) && weir_turn_full(conn->net)) {
			weir_turn_later(conn);
			weir_conn_poll(conn);
			return;
		}
	}
	if (!takes_bytes(conn)) {
		weir_conn_poll(conn);
		return;
	}
	if (state == WEIR_TLS_CLOSED)
		weir_conn_end(conn, 0);
	else if (state == WEIR_TLS_FAILED)
		weir_conn_end(conn, WEIR_ETLS);
	else if (conn->eof)
		weir_conn_end(conn, conn->end_err ? conn->end_err : UV_ECONNABORTED);
	else
		weir_conn_poll(conn);
}

void weir_conn_tls_go_on(struct weir_conn *conn)
{
	if (conn->handshaking)
		step(conn);
	else
		drain(conn);
}

void weir_conn_tls_feed(struct weir_conn *conn, const char *bytes, size_t len)
{
	int rc = weir_tls_feed(conn->tls, bytes, len);

	if (rc || conn->handshaking) {
		weir_conn_poll(conn);
		weir_turn_later(conn);
	} else {
		drain(conn);
	}
}

void weir_conn_begin_tls(struct weir_conn *conn, struct weir_tls_session *tls)
{
	WEIR_ASSERT(conn->open && !conn->tls && weir_conn_queued(conn) == 0);
	conn->tls = tls;
	conn->open = conn->announced = false;
	weir_conn_handshake_begin(conn);
}

void weir_conn_forgo_tls(struct weir_conn *conn)
{
	WEIR_ASSERT(conn->announced && !conn->open);
	weir_tls_session_destroy(conn->tls);
	conn->tls = NULL;
	conn->open = !conn->closing;
}

/* Head and body of a small message become one record, not two; what fills one by itself is not
 * copied for it. */
static int write_records(struct weir_tls_session *tls, const struct weir_slice *slices, size_t n)
{
	char record[WEIR_TLS_RECORD_MAX] WEIR_UNINITIALIZED;
	size_t most = weir_tls_record(tls), used = 0;
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		struct weir_slice rest = slices[i];

		while (rc == 0 && rest.len) {
			bool alone = !used && (rest.len >= most || i == n - 1);
			size_t take = rest.len < most - used ? rest.len : most - used;

			if (!alone)
				memcpy(record + used, rest.base, take);
			used += take;
			if (alone || used == most) {
				rc = weir_tls_write(tls, alone ? rest.base : record, used);
				used = 0;
			}
			rest = weir_slice(rest.base + take, rest.len - take);
		}
	}
	return rc || !used ? rc : weir_tls_write(tls, record, used);
}

/* For all of it at once: it is not to grow record by record. */
static int make_room(struct weir_tls_session *tls, const struct weir_slice *slices, size_t n)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++)
		len += slices[i].len;
	return weir_buf_grow(weir_tls_outgoing(tls),
			     len + (len / weir_tls_record(tls) + 1) * RECORD_OVERHEAD);
}

int weir_conn_tls_write(struct weir_conn *conn, const struct weir_slice *slices, size_t slices_n)
{
	int rc = make_room(conn->tls, slices, slices_n);

	if (rc)
		return rc;
	rc = write_records(conn->tls, slices, slices_n);
	if (rc)
		weir_turn_later(conn);
	weir_conn_flush(conn);
	return rc;
}
