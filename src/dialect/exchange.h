/* One exchange with a provider, from the first byte of its answer to the last: bytes in,
 * events out. Knows no socket and no clock; everything it holds back is bounded.
 *
 * Until the answer is worth showing nothing is let out: the head, role-only chunks,
 * comments and pings are held, and a failure leaves no trace. From the commit point on
 * it gives the caller's bytes as they came, whole events only. */
#pragma once

#include "dialect/dialect.h"
#include "wire/http_read.h"
#include "wire/sse.h"

enum {
	WEIR_EXCHANGE_HOLD_MAX = 4 * 1024 * 1024, /* of a body, before it is committed unseen */
	WEIR_EXCHANGE_STREAM_HOLD_MAX = 1024 * 1024 /* of a stream without any content */
};

enum weir_exchange_state {
	WEIR_EXCHANGE_WAITING,   /* nothing to show yet */
	WEIR_EXCHANGE_COMMITTED, /* out holds bytes for the caller; more will come */
	WEIR_EXCHANGE_DONE,      /* the answer is complete; out holds the rest of it */
	WEIR_EXCHANGE_FAILED     /* see verdict; out holds the provider's own error body, or,
	                            after commit, its own error event when it sent one */
};

struct weir_exchange {
	const struct weir_dialect *dialect;
	enum weir_route route;
	bool stream;
	enum weir_exchange_state state;
	bool committed; /* has been COMMITTED or DONE: bytes may have been shown */
	unsigned status; /* 0 until the head came */
	struct weir_buf out; /* body bytes for the caller, framing removed; the owner consumes */
	char content_type[128]; /* of the answer, as the caller shall see it */
	char upstream_request_id[128]; /* "" when none */
	uint64_t processing_ms;
	struct weir_verdict verdict; /* FAILED */
	bool error_event_shown; /* FAILED after commit: out ends with the provider's error event */
	bool retry_after_stated;
	uint64_t retry_after_ms;
	bool usage;
	uint64_t tokens_in, tokens_out;
	bool has_length;         /* DONE or COMMITTED bodies: how long the whole body is */
	uint64_t content_length;
	unsigned events_dropped; /* single events that were not JSON, after commit */
	bool message_complete;   /* the HTTP message ended: */
	bool reusable;           /* …and its connection may carry another exchange */
	uint64_t idle_ms;        /* Keep-Alive: timeout hint less one second, 0 none */
	bool any_byte;           /* the provider has said something */
	/* … private: reader, sse, held, scratch … */
	struct weir_http_reader reader;
	struct weir_sse sse;
	struct weir_buf held;
	struct weir_buf scratch;
	bool finish_seen, end_mark_seen, is_sse;
	uint64_t now_unix_ms;
};

void weir_exchange_init(struct weir_exchange *x, const struct weir_dialect *dialect,
			enum weir_route route, bool stream);
void weir_exchange_fini(struct weir_exchange *x);

/* Bytes from the provider. Returns x->state. After DONE or FAILED further bytes only
 * bring message_complete (draining, so that the connection can be kept); bytes beyond the
 * message make it not reusable. now_unix_ms: wall clock, for Retry-After dates. */
enum weir_exchange_state weir_exchange_feed(struct weir_exchange *x, const char *bytes, size_t len,
					    uint64_t now_unix_ms);

/* The connection ended; clean: FIN (with TLS, close_notify before it). Returns x->state,
 * which is DONE or FAILED afterwards. */
enum weir_exchange_state weir_exchange_eof(struct weir_exchange *x, bool clean);
