/* Between the files of the pool: pool.c (which lease gets what), pool_origin.c (origins and
 * their idle connections), dial.c (how one is opened), tunnel.c (through a proxy), warm.c (which
 * are opened for nobody), share.c (those that carry many leases), lease.c (how a held one is
 * used). */
#pragma once

#include "base/rng.h"
#include "net/pool.h"
#include "wire/h2.h"

enum { WEIR_PEAK_BUCKETS = 7, WEIR_PEAK_BUCKET_MS = WEIR_POOL_PEAK_S * 1000 / 6 };

enum weir_link_state {
	WEIR_LINK_OPENING, /* in its lease's dials, or in the origin's aside */
	WEIR_LINK_HELD,
	WEIR_LINK_SHARED,   /* in the origin's shared: carries streams of leases */
	WEIR_LINK_SETTLING, /* aside: was given back unread, and may have bytes to tell */
	WEIR_LINK_IDLE,
	WEIR_LINK_CLOSING
};

/* A connection of the pool. */
struct weir_link {
	struct weir_conn conn; /* its node is in the list of its state */
	struct weir_origin *origin;
	struct weir_lease *lease; /* opening for it, or held by it */
	enum weir_link_state state;
	struct weir_buf answer; /* a proxy's, as far as it has come */
	const char *refusal;    /* what the proxy said, static; NULL: nothing, or there is none */
	bool through;           /* the proxy has connected it */
	bool slot;              /* counted as a handshake */
	bool slow;              /* …and among those that take long */
	bool v6;
	bool used; /* by a lease */
	unsigned ticks;
	uint64_t started_ms, connected_ms, idle_since_ms;
	uint64_t serial; /* among those of its origin that were opened */
	/* HTTP/2; else NULL and nothing. */
	struct weir_h2 *h2;
	struct weir_list leases;  /* that have a stream of it */
	struct weir_list touched; /* in pool->touched */
	unsigned leases_n;
	uint64_t heard;                 /* bytes, of plaintext */
	uint64_t heard_ms, refilled_ms; /* when last */
	uint64_t asked_ms;              /* whether it is there, and it has not answered; 0: not */
	uint64_t timer_ms;              /* when its timer fires; 0: it does not */
};

/* How a held lease is used. */
struct weir_way {
	int (*write)(struct weir_lease *lease, const struct weir_slice *slices, size_t slices_n);
	size_t (*queued)(const struct weir_lease *lease);
	void (*hold_back)(struct weir_lease *lease, bool hold);
	bool (*timer)(struct weir_lease *lease, uint64_t ms);
};

/* Connections that are open before anybody asks. */
struct weir_warm {
	unsigned n;              /* as many are wished for, */
	unsigned shared_n;       /* and as many where they speak HTTP/2 */
	unsigned failures;       /* in a row */
	uint64_t due_ms;         /* to begin one, or to give the begun one up; 0: neither */
	uint64_t opened_ms;      /* the last one */
	struct weir_lease lease; /* opens one */
};

struct weir_origin {
	struct weir_list node;
	struct weir_pool *pool;
	char *host;
	uint16_t port;
	struct weir_tls_config *tls;
	bool public_vendor;
	struct weir_origin_proxy proxy; /* its own copies */
	struct weir_tls_ticket *ticket;
	struct weir_list waiting; /* leases, first come first */
	struct weir_list idle;    /* newest last */
	struct weir_list aside;
	struct weir_list shared; /* in use; those with room for more come first */
	unsigned refs;
	unsigned links_n, idle_n, shared_n;
	unsigned streams_n; /* leases that have one */
	unsigned waiting_n;
	unsigned each;                      /* leases that a new connection will serve */
	unsigned room;                      /* that its last shared one gave; 0: not known */
	bool plain;                         /* the last one that was opened speaks HTTP/1.1 */
	uint64_t http1_until_ms;            /* wants that instead of HTTP/2; 0: never did */
	uint64_t serial;                    /* of its last connection */
	unsigned leases_n;                  /* that have begun and not ended */
	unsigned active_n;                  /* leases that are held */
	unsigned hungry_n;                  /* waiting, and content with a used one */
	unsigned queued_n, slots_n, slow_n; /* for handshakes */
	unsigned peaks[WEIR_PEAK_BUCKETS];  /* of leases_n: who waits counts */
	uint64_t bucket;
	struct weir_warm warm;
	uint64_t cold_until_ms; /* 0: no handshake was begun */
};

struct weir_pool {
	struct weir_net *net;
	struct weir_resolver *resolver;
	struct weir_list origins; /* longest without a handshake first */
	struct weir_list failed;  /* leases to be told in the next turn */
	struct weir_list touched; /* shared connections that may have something to send */
	char *batch;              /* of what one of them sends; NULL: there was none yet */
	unsigned links_n, hungry_n, waiting_n, queued_n, slots_n;
	uint64_t v6_bad_until_ms;
	uv_idle_t turn;
	uv_prepare_t before_poll;
	uv_timer_t warm; /* keeps no loop alive */
	struct weir_rng rng;
	unsigned handles_open;
	bool closing;
	bool (*is_own)(void *arg, const struct sockaddr *addr); /* NULL: nobody knows */
	void *own_arg;
	void (*on_closed)(void *arg);
	void *arg;
};

/* pool.c */
void weir_pool_turn_later(struct weir_pool *pool);
void weir_lease_leave(struct weir_lease *lease); /* waits no more, asks no name */
void weir_lease_end(struct weir_lease *lease);
void weir_lease_hold(struct weir_lease *lease, struct weir_link *link, bool reused);
void weir_lease_unhold(struct weir_lease *lease); /* and ends it */
/* on_failed will be called in the next turn; text is static. */
void weir_lease_fail(struct weir_lease *lease, const char *reason, const char *text);

/* pool_origin.c */
void weir_origin_note(struct weir_origin *origin);  /* leases_n has grown, or will fall */
void weir_origin_check(struct weir_origin *origin); /* frees it when nobody needs it */
/* An idle one that the lease may have, NULL: any can. Or NULL. */
struct weir_link *weir_origin_newest(struct weir_origin *origin, const struct weir_lease *lease);
/* Is HTTP/2 of no use with it now? */
bool weir_origin_http1(const struct weir_origin *origin);
void weir_link_idle(struct weir_link *link, uint64_t ms);
/* Idle in a moment, once what waits in the kernel or in TLS has shown itself. */
void weir_link_settle(struct weir_link *link);
void weir_link_close(struct weir_link *link);
void weir_link_closed(struct weir_conn *conn); /* its on_closed */
/* Closes up to n idle ones, whichever rested longest. How many it were. */
unsigned weir_pool_shed(struct weir_pool *pool, unsigned n);

/* warm.c */
void weir_warm_init(struct weir_pool *pool);
void weir_warm_look(struct weir_origin *origin); /* a connection ended, or was opened */
void weir_warm_stop(struct weir_origin *origin); /* and begins no more */
/* As many are wished for, as far as is known now. */
unsigned weir_warm_wished(const struct weir_origin *origin);

/* dial.c */
void weir_dial_start(struct weir_lease *lease);   /* its addresses are known */
void weir_dial_abandon(struct weir_lease *lease); /* they go on, for whoever comes */
void weir_dial_close(struct weir_lease *lease);
void weir_dial_slot_free(struct weir_link *link);
void weir_dial_unqueue(struct weir_lease *lease);
void weir_dial_grant(struct weir_pool *pool); /* there may be reason for another one */

/* A proxy has connected it, or said why not; it takes its time. */
void weir_dial_through(struct weir_link *link);
void weir_dial_refused(struct weir_link *link, const char *reason);
void weir_dial_slow(struct weir_link *link);

/* tunnel.c: a proxy is reached, and asked for the origin. */
void weir_tunnel_begin(struct weir_link *link);

/* lease.c */
extern const struct weir_way weir_way_own;
void weir_lease_listen(struct weir_link *link); /* its connection's events are its lease's */

/* share.c */
/* A connection stands: shared, if HTTP/2 was agreed on. 0 or WEIR_ENOMEM. */
WEIR_MUST_CHECK int weir_share_begin(struct weir_link *link);
/* One in use that has room, opened after that one. NULL: there is none. */
struct weir_link *weir_share_pick(struct weir_origin *origin, uint64_t after);
/* On all of them, and on idle ones. */
unsigned weir_share_room(const struct weir_origin *origin, uint64_t after);
void weir_share_join(struct weir_link *link, struct weir_lease *lease);
void weir_share_part(struct weir_link *link, struct weir_lease *lease);
/* In no list any more, about to be closed. */
void weir_share_goodbye(struct weir_link *link);
void weir_share_fini(struct weir_link *link);
/* Of one that is silent: is somebody there? In so many ms it is to be asked again; 0: nobody is, or
 * there is no memory to ask. */
WEIR_MUST_CHECK uint64_t weir_share_ask(struct weir_link *link);
/* What comes while nobody uses it. False: it was closed. */
bool weir_share_feed(struct weir_link *link, const char *bytes, size_t len);
