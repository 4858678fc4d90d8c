/* Connections to providers: one pool per origin (scheme, host, port, trust), idle ones
 * kept alive and re-used newest first, new ones resolved, opened and verified on demand.
 *
 * A lease is a way to one exchange with a provider: a connection of its own for HTTP/1.1, or a
 * stream of one that it shares with others where both sides agree on HTTP/2. It is written to,
 * held and ended alike; only what comes is told in other words (struct weir_lease_events).
 *
 * A lease ends with exactly one of weir_pool_give() or weir_pool_drop(). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "net/conn.h"
#include "net/resolve.h"
#include "wire/end.h"

enum {
	WEIR_POOL_IDLE_MAX = 1024, /* per origin */
	WEIR_POOL_IDLE_MS = 55 * 1000,
	WEIR_POOL_AGE_MAX_MS = 10 * 60 * 1000,
	WEIR_POOL_HANDSHAKES_MAX = 64, /* TLS handshakes under way per loop; others wait */
	WEIR_POOL_COLD_MAX = 8,        /* of one origin, as long as there is no ticket of it */
	WEIR_POOL_COLD_MS = 500,       /* but no longer than this from the first on */
	WEIR_POOL_PEAK_S = 60,         /* idle ones are kept up to the peak of leases in it */
	WEIR_POOL_STAGGER_MS = 250,    /* no TCP answer: the next address beside (RFC 8305 §5) */
	WEIR_POOL_MUTE_MS = 1000,      /* no TCP answer: does not count as a handshake any more */
	WEIR_POOL_STALE_MS = 3000,     /* an end so soon after a request came before it was read */
	WEIR_POOL_DOUBT_MS = 5000,     /* not an answer on a connection: it is not used again */
	WEIR_POOL_ORPHAN_MS = 5000,    /* to open one whose lease was served otherwise */
	WEIR_POOL_V6_BAD_MS = 60 * 1000,         /* IPv4 first after IPv6 failed to connect */
	WEIR_POOL_WARM_MAX = 64,                 /* kept ready at an origin, at the most */
	WEIR_POOL_WARM_JITTER_MS = 1000,         /* until one that is missing is opened */
	WEIR_POOL_WARM_SHORT_MS = 10 * 1000,     /* a life too short to begin another at once */
	WEIR_POOL_WARM_AGAIN_MS_MAX = 60 * 1000, /* between attempts that all fail */
	WEIR_POOL_PING_MS = 30 * 1000, /* silence of a shared one with streams: is it there? */
	WEIR_POOL_PONG_MS = 10 * 1000, /* …and no answer to that: it is not */
	WEIR_POOL_HTTP1_MS = 10 * 60 *
			     1000, /* HTTP/1.1 was wanted: HTTP/2 is not offered so long */
	WEIR_POOL_SHED = 8         /* idle ones closed when descriptors run out */
};

struct weir_pool;   /* all origins of a loop */
struct weir_origin; /* one of them */

/* On the way to an origin: with TLS it is asked to connect there (CONNECT), without it hears the
 * requests themselves (RFC 9112 §3.2.2), which is their writer's affair. */
struct weir_origin_proxy {
	const char *host; /* NULL: there is none */
	uint16_t port;
	const char *authorization; /* a field's value, secret; NULL: none */
};

struct weir_origin_config {
	const char *host; /* copied */
	uint16_t port;
	struct weir_tls_config *tls; /* NULL: plain. The origin takes a share of its own */
	bool http2;                  /* tls offers it: many may be served by one connection */
	bool public_vendor; /* private addresses are refused: product of a well-known name */
	struct weir_origin_proxy proxy; /* copied. Then its addresses are those that count */
};

/* How a lease is doing, for timers' reasons: "dns", "connect", "tls_timeout". */
enum weir_lease_phase {
	WEIR_LEASE_IDLE,
	WEIR_LEASE_RESOLVING,
	WEIR_LEASE_CONNECTING,
	WEIR_LEASE_HANDSHAKE,
	WEIR_LEASE_HELD
};

struct weir_lease;
struct weir_http_head;

/* While HELD. Any of them may drop the lease. */
struct weir_lease_events {
	/* HTTP/1.1, as it came. */
	void (*on_bytes)(struct weir_lease *lease, const char *bytes, size_t len);
	/* HTTP/2: the response's head, the holder's to free, and its body, framing removed. */
	void (*on_head)(struct weir_lease *lease, struct weir_http_head *head);
	void (*on_body)(struct weir_lease *lease, struct weir_slice bytes);
	/* Nothing more will come. */
	void (*on_end)(struct weir_lease *lease, enum weir_end ending);
	/* The queue fell to WEIR_CONN_QUEUE_LOW after it had been above it. */
	void (*on_drained)(struct weir_lease *lease);
	void (*on_timer)(struct weir_lease *lease);
};

/* Embedded in the attempt. Callbacks are never called inside weir_pool_take(). */
struct weir_lease {
	struct weir_list node;
	struct weir_origin *origin;
	const struct weir_lease_events *events;
	struct weir_conn *conn; /* of its own; NULL: shares one */
	enum weir_lease_phase phase;
	bool reused;
	bool opened; /* is the first on its connection */
	uint64_t handshake_ms, connect_ms;
	void (*on_ready)(struct weir_lease *lease);
	/* reason as in weir_conn_events.on_open, or "dns"; text is for the log. */
	void (*on_failed)(struct weir_lease *lease, const char *reason, const char *text);
	/* Private. */
	struct weir_lookup lookup;
	unsigned address_next;
	struct weir_addresses addresses;
	struct weir_list dials;     /* connections being opened for it */
	const char *reason;         /* of what failed so far */
	const char *text;           /* static */
	const struct weir_way *way; /* HELD: how it is written to */
	struct weir_link *link;     /* HELD */
	struct weir_h2_stream *stream;
	uint64_t heard_then; /* bytes on its connection when the request was sent */
	uint64_t wrote_ms;   /* when that began, on a shared one */
	uint64_t due_ms;     /* of its timer, 0: none */
	uint64_t began;      /* the origin's last connection by then */
	bool fresh;
	bool waiting; /* among those of its origin */
	bool queued;  /* for a handshake */
	bool shed;    /* made idle ones close */
};

WEIR_MUST_CHECK int weir_pool_create(struct weir_pool **pool, struct weir_net *net,
				     struct weir_resolver *resolver);
/* Addresses that are this program's own, with their port, are never connected to: it would ask
 * itself for ever. */
void weir_pool_shun(struct weir_pool *pool, bool (*is_own)(void *arg, const struct sockaddr *addr),
		    void *arg);
/* Leases must have ended. Closes idle connections; on_closed comes once all are gone. */
void weir_pool_close(struct weir_pool *pool, void (*on_closed)(void *arg), void *arg);

/* The origin for this configuration, created when it is new. NULL: out of memory. */
WEIR_MUST_CHECK struct weir_origin *weir_pool_origin(struct weir_pool *pool,
						     const struct weir_origin_config *config);
/* Once for each weir_pool_origin(): after the last, its idle connections are closed and it
 * vanishes with its last lease. Origins nobody releases live as long as the pool. */
void weir_origin_release(struct weir_origin *origin);

/* From now on at least n connections are open, in use or idle, so that who comes suddenly finds
 * one: at most WEIR_POOL_WARM_MAX, opened one after the other, and again with jitter when one ends.
 * The highest n since weir_origin_cool() counts. */
void weir_origin_warm(struct weir_origin *origin, unsigned n);
/* The same, as long as the origin is not known to speak HTTP/1.1. */
void weir_origin_warm_shared(struct weir_origin *origin, unsigned n);
void weir_origin_cool(struct weir_origin *origin); /* nothing is wished any more */

/* Closes every idle connection: memory or descriptors are needed elsewhere. */
void weir_pool_shrink(struct weir_pool *pool);

/* 1: it is HELD now (lease->reused). 0: on_ready or on_failed will come. Negative: out of
 * memory. fresh: on no connection that there is already (the stale-connection rule).
 * All the addresses of the name are tried in turn. The holder has set its callbacks. */
WEIR_MUST_CHECK int weir_pool_take(struct weir_origin *origin, struct weir_lease *lease,
				   bool fresh);

/* Ends the lease in any phase before HELD, and in HELD closes the connection. Idempotent. */
void weir_pool_drop(struct weir_lease *lease);
/* The exchange ended cleanly: keep the connection for the next one. idle_ms caps how long
 * (a Keep-Alive: timeout hint), 0 for the default. */
void weir_pool_give(struct weir_lease *lease, uint64_t idle_ms);

/* While HELD. The first slice of all is the request's head as HTTP/1.1 has it, in one piece, with
 * the body's content-length. 0, or negative: WEIR_ENOMEM and WEIR_ELIMIT leave a hole in the
 * request, anything else is also told by on_end. */
WEIR_MUST_CHECK int weir_lease_write(struct weir_lease *lease, const struct weir_slice *slices,
				     size_t slices_n);
size_t weir_lease_queued(const struct weir_lease *lease);
/* Held, a connection is not read at all, and of a stream some more may come, up to its window;
 * others on the same connection are not kept waiting. */
void weir_lease_hold_back(struct weir_lease *lease, bool hold);
/* on_timer, once. False: the connection is being closed. */
bool weir_lease_timer(struct weir_lease *lease, uint64_t ms);

unsigned weir_origin_idle(const struct weir_origin *origin);
unsigned weir_origin_active(const struct weir_origin *origin);  /* connections in use */
unsigned weir_origin_streams(const struct weir_origin *origin); /* on those that are shared */
