/* One stream connection, plain or TLS, accepted or opened by us, TCP or unix socket.
 *
 * Ownership: whoever holds the conn calls weir_conn_close() once it is done; from then
 * on the loop owns it, on_closed comes once, and every other callback has stopped the
 * moment close was called. The events pointer and user may be swapped at any time: a
 * connection goes from the pool to an attempt and back without being re-created. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/slice.h"
#include "net/tls.h"

enum {
	WEIR_CONN_READ_MAX = 64 * 1024,         /* the loop's one read buffer, lent per callback */
	WEIR_CONN_QUEUE_HIGH = 256 * 1024,      /* queued bytes at which a relay stops reading */
	WEIR_CONN_QUEUE_LOW = 64 * 1024,        /* and at which on_drained tells it to go on */
	WEIR_CONN_QUEUE_MAX = 16 * 1024 * 1024, /* a write past it fails: a bug in back-pressure */
	WEIR_CONN_KEEPALIVE_S = 60,
	WEIR_CONN_FINISH_BYTES_MAX = 64 * 1024, /* read and dropped by weir_conn_finish() */
	WEIR_CONN_FINISH_MS_MAX = 60 * 1000     /* while a slow peer still takes queued bytes */
};

struct weir_conn;

struct weir_conn_events {
	/* Opened (and, with TLS, verified): err 0. Else UV_E* or WEIR_ETLS; reason is the
	 * attempt's word: "connect", "policy", "local_resource", "tls_cert", "tls_proto"… */
	void (*on_open)(struct weir_conn *conn, int err, const char *reason);
	/* Plaintext, valid during the call. May call close, write, read_stop. */
	void (*on_bytes)(struct weir_conn *conn, const char *bytes, size_t len);
	/* The peer ended: 0 for a clean end (FIN; with TLS close_notify first), else UV_E*
	 * or WEIR_ETLS (FIN without close_notify is UV_ECONNABORTED). */
	void (*on_end)(struct weir_conn *conn, int err);
	/* The queue fell to WEIR_CONN_QUEUE_LOW after it had been above it. NULL: nobody asks. */
	void (*on_drained)(struct weir_conn *conn);
	/* The timer set by weir_conn_timer() fired. */
	void (*on_timer)(struct weir_conn *conn);
	/* The peer's TCP answered, the TLS handshake begins; never without TLS. */
	void (*on_connected)(struct weir_conn *conn);
};

/* Shared by all connections of a loop: the read buffer, counters. */
struct weir_net {
	uv_loop_t *loop;
	char *read_buf;
	unsigned conns_n;      /* open or closing */
	unsigned handshakes_n; /* under way */
	/* Private: see net/turn.h. */
	struct weir_list ready;
	struct weir_list handshakes;
	struct weir_list late;        /* have something to read, and wait for their turn */
	struct weir_list late_lively; /* the same, of those who were read a moment ago */
	struct weir_conn *turn_owner;
	uint64_t began_ns;      /* what was done first in this turn; 0: nothing was yet */
	uint64_t busy_until_ns; /* this turn's reading; 0: none was done yet */
	bool bounded;
};

/* Must not move while in use. Also ignores SIGPIPE unless somebody handles it. */
WEIR_MUST_CHECK int weir_net_init(struct weir_net *net, uv_loop_t *loop);
/* A turn of the loop begins: call it in each one, before polling, to have the reading of a turn
 * bounded, and weir_net_unbound() when that will not be called any more. */
void weir_net_turn(struct weir_net *net);
void weir_net_unbound(struct weir_net *net);
void weir_net_fini(struct weir_net *net); /* after every conn's on_closed */

struct weir_conn {
	struct weir_net *net;
	const struct weir_conn_events *events;
	void *user;                                /* the present holder's */
	void (*on_closed)(struct weir_conn *conn); /* the memory is free again: last call */
	struct weir_list node;                     /* for the holder's lists */
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} uv;
	uv_timer_t timer;
	uv_connect_t connect;
	uv_write_t write;
	struct weir_tls_session *tls; /* NULL: plain */
	struct weir_buf queue;        /* not yet taken by the kernel */
	unsigned handles_open;
	bool closing;
	bool reading;
	bool open;
	bool dense; /* TLS: what comes is much work for its length, and may come piece by piece */
	uint64_t bytes_in, bytes_out; /* on the wire */
	/* Private. */
	uv_idle_t turn;
	struct weir_list ready;    /* has work for the next turn */
	struct weir_list late;     /* net->late or net->late_lively */
	uint64_t read_ms;          /* when there was something; 0: never */
	bool due;                  /* has been late: is read whatever others have taken */
	bool passed;               /* was not read just now */
	bool parked;               /* late, and polled no more until its turn */
	unsigned passes;           /* in a row */
	struct weir_buf sending;   /* uv_write reads from it: its memory stays where it is */
	size_t sending_from;       /* its bytes before this went already */
	size_t write_left;         /* finishing: unacknowledged when the timer was armed */
	size_t dropped;            /* finishing: bytes read and thrown away */
	uint64_t due_ms, armed_ms; /* of the timer: wanted, and as it is; UINT64_MAX: never */
	uint64_t linger_ms;
	uint64_t finish_by_ms;
	int open_err; /* to be told by on_open */
	int write_err;
	int end_err;         /* the kernel's word, when eof */
	unsigned full_reads; /* in a row, without a look at other connections */
	bool connected;      /* there is a peer, maybe not yet verified */
	bool handshaking;    /* counted in net->handshakes_n */
	bool announced;      /* on_open was called */
	bool polling;        /* uv_read_start is on, or would be if it were not parked */
	bool delivering;     /* inside on_bytes */
	bool eof;            /* nothing more from the kernel */
	bool ended;          /* on_end was called */
	bool sending_now;    /* a uv_write is under way */
	bool drain_due;
	bool finishing;
	bool fin_sent;
};

/* Opens to addr (TCP or unix); tls NULL for plain, else owned by the conn from now on, also
 * when this fails. 0, or negative with nothing to close; what the kernel refuses at once
 * comes by on_open. conn is the caller's memory, zeroed or not; on_closed frees it. */
WEIR_MUST_CHECK int weir_conn_open(struct weir_conn *conn, struct weir_net *net,
				   const struct sockaddr *addr, struct weir_tls_session *tls,
				   const struct weir_conn_events *events, void *user,
				   void (*on_closed)(struct weir_conn *conn));

/* Takes the next connection of a listening stream; on_open comes in the next turn of the
 * loop for plain (writing is fine before), after the handshake with TLS. UV_EAGAIN: there
 * is none. */
WEIR_MUST_CHECK int weir_conn_accept(struct weir_conn *conn, struct weir_net *net,
				     uv_stream_t *listener, struct weir_tls_session *tls,
				     const struct weir_conn_events *events, void *user,
				     void (*on_closed)(struct weir_conn *conn));

/* All slices in one go: tried at once (one writev), the rest copied and queued. 0, or
 * negative when the connection is broken or the queue is at its bound; a broken one also
 * reports on_end later, never inside this call. */
WEIR_MUST_CHECK int weir_conn_write(struct weir_conn *conn, const struct weir_slice *slices,
				    size_t slices_n);
size_t weir_conn_queued(const struct weir_conn *conn);
/* An open one without TLS has it from now on, which owns tls; on_open comes again, and says whether
 * it could. Nothing may wait to be sent. */
void weir_conn_begin_tls(struct weir_conn *conn, struct weir_tls_session *tls);
/* In on_open for "tls_plain": what is written from now on goes out as it is. */
void weir_conn_forgo_tls(struct weir_conn *conn);
/* Queued here or in the kernel, and not yet acknowledged: when it falls, the peer reads,
 * long before the kernel takes the next byte. A system call. */
size_t weir_conn_unacked(const struct weir_conn *conn);

/* Has the kernel bytes of the peer's that were not yet read? A system call. */
bool weir_conn_pending(const struct weir_conn *conn);

/* In a handshake: for how long the peer, whose turn it is, has said nothing. */
uint64_t weir_conn_silent_ms(const struct weir_conn *conn);

void weir_conn_read_start(struct weir_conn *conn); /* on from the beginning */
void weir_conn_read_stop(struct weir_conn *conn);  /* no bytes and no end until started */

/* Once, ms from now; replaces the one before. */
void weir_conn_timer(struct weir_conn *conn, uint64_t ms);
/* Does it keep the loop alive? It does to begin with. */
void weir_conn_count(struct weir_conn *conn, bool counts);
void weir_conn_timer_stop(struct weir_conn *conn);

/* Idempotent; queued bytes are lost, and with TLS there is no close_notify, so that a peer
 * that got half a message can tell; weir_conn_finish() says it. */
void weir_conn_close(struct weir_conn *conn);
/* RST instead of FIN (TCP): the peer learns that the message was not whole. */
void weir_conn_reset(struct weir_conn *conn);
/* Sends what is queued, then FIN, then reads and drops until the peer ends, at most
 * linger_ms and 64 KiB, then closes. The holder hears nothing any more but on_closed. */
void weir_conn_finish(struct weir_conn *conn, uint64_t linger_ms);

/* "203.0.113.7:52311", "[::1]:80", "unix". */
void weir_conn_peer(const struct weir_conn *conn, char *text, size_t size);
