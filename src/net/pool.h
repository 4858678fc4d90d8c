/* Connections to providers: one pool per origin (scheme, host, port, trust), idle ones
 * kept alive and re-used newest first, new ones resolved, opened and verified on demand.
 *
 * A lease ends with exactly one of weir_pool_give() or weir_pool_drop(). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "net/conn.h"
#include "net/resolve.h"

enum {
	WEIR_POOL_IDLE_MAX = 1024, /* per origin */
	WEIR_POOL_IDLE_MS = 55 * 1000,
	WEIR_POOL_AGE_MAX_MS = 10 * 60 * 1000,
	WEIR_POOL_HANDSHAKES_MAX = 64,   /* TLS handshakes under way per loop; others wait */
	WEIR_POOL_COLD_MAX = 8,          /* of one origin, as long as there is no ticket of it */
	WEIR_POOL_COLD_MS = 500,         /* but no longer than this from the first on */
	WEIR_POOL_PEAK_S = 60,           /* idle ones are kept up to the peak of leases in it */
	WEIR_POOL_STAGGER_MS = 250,      /* no TCP answer: the next address beside (RFC 8305 §5) */
	WEIR_POOL_MUTE_MS = 1000,        /* no TCP answer: does not count as a handshake any more */
	WEIR_POOL_ORPHAN_MS = 5000,      /* to open one whose lease was served otherwise */
	WEIR_POOL_V6_BAD_MS = 60 * 1000, /* IPv4 first after IPv6 failed to connect */
	WEIR_POOL_WARM_MAX = 64,         /* kept ready at an origin, at the most */
	WEIR_POOL_WARM_JITTER_MS = 1000, /* until one that is missing is opened */
	WEIR_POOL_WARM_SHORT_MS = 10 * 1000,     /* a life too short to begin another at once */
	WEIR_POOL_WARM_AGAIN_MS_MAX = 60 * 1000, /* between attempts that all fail */
	WEIR_POOL_SHED = 8                       /* idle ones closed when descriptors run out */
};

struct weir_pool;   /* all origins of a loop */
struct weir_origin; /* one of them */

struct weir_origin_config {
	const char *host; /* copied */
	uint16_t port;
	struct weir_tls_config *tls; /* NULL: plain. The origin takes a share of its own */
	bool public_vendor; /* private addresses are refused: product of a well-known name */
};

/* How a lease is doing, for timers' reasons: "dns", "connect", "tls_timeout". */
enum weir_lease_phase {
	WEIR_LEASE_IDLE,
	WEIR_LEASE_RESOLVING,
	WEIR_LEASE_CONNECTING,
	WEIR_LEASE_HANDSHAKE,
	WEIR_LEASE_HELD
};

/* Embedded in the attempt. Callbacks are never called inside weir_pool_take(). */
struct weir_lease {
	struct weir_list node;
	struct weir_origin *origin;
	struct weir_conn *conn;
	enum weir_lease_phase phase;
	bool reused;
	uint64_t handshake_ms, connect_ms;
	void (*on_ready)(struct weir_lease *lease);
	/* reason as in weir_conn_events.on_open, or "dns"; text is for the log. */
	void (*on_failed)(struct weir_lease *lease, const char *reason, const char *text);
	/* Private. */
	struct weir_lookup lookup;
	unsigned address_next;
	struct weir_addresses addresses;
	struct weir_list dials; /* connections being opened for it */
	const char *reason;     /* of what failed so far */
	const char *text;       /* static */
	bool fresh;
	bool waiting; /* among those of its origin */
	bool queued;  /* for a handshake */
	bool shed;    /* made idle ones close */
};

WEIR_MUST_CHECK int weir_pool_create(struct weir_pool **pool, struct weir_net *net,
				     struct weir_resolver *resolver);
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
 * The highest n since the last 0, which is no wish at all, counts. */
void weir_origin_warm(struct weir_origin *origin, unsigned n);

/* Closes every idle connection: memory or descriptors are needed elsewhere. */
void weir_pool_shrink(struct weir_pool *pool);

/* 1: lease->conn is ready now (an idle one; lease->reused). 0: on_ready or on_failed will
 * come. Negative: out of memory. fresh: never an idle one (the stale-connection rule).
 * All the addresses of the name are tried in turn. The holder sets conn->events/user. */
WEIR_MUST_CHECK int weir_pool_take(struct weir_origin *origin, struct weir_lease *lease,
				   bool fresh);

/* Ends the lease in any phase before HELD, and in HELD closes the connection. Idempotent. */
void weir_pool_drop(struct weir_lease *lease);
/* The exchange ended cleanly: keep the connection for the next one. idle_ms caps how long
 * (a Keep-Alive: timeout hint), 0 for the default. */
void weir_pool_give(struct weir_lease *lease, uint64_t idle_ms);

unsigned weir_origin_idle(const struct weir_origin *origin);
unsigned weir_origin_active(const struct weir_origin *origin);
