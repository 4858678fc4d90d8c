#include <netinet/in.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "net/pool_private.h"

static const struct weir_conn_events events;

static uint64_t now_ms(const struct weir_origin *origin)
{
	return uv_now(origin->pool->net->loop);
}

static struct weir_link *link_of(struct weir_list *node)
{
	return WEIR_CONTAINER_OF(node, struct weir_link, conn.node);
}

/* An origin gets at most as many as are left: one that hangs cannot take them all, and
 * there is always one for the next (dynamic thresholds, Choudhury and Hahne 1998). */
static bool slot_left(const struct weir_origin *origin)
{
	unsigned used = origin->pool->slots_n;

	return used < WEIR_POOL_HANDSHAKES_MAX && origin->slots_n < WEIR_POOL_HANDSHAKES_MAX - used;
}

/* Until it has given a ticket the others wait for: what is resumed costs a third in TLS 1.3 and
 * next to nothing in 1.2. Not for long, because there are servers that give none. */
static bool may_begin(const struct weir_origin *origin)
{
	bool cold = !origin->ticket && now_ms(origin) < origin->cold_until_ms;

	return slot_left(origin) && !(cold && origin->slots_n >= WEIR_POOL_COLD_MAX);
}

/* Connections that are there or about to be, and serve all who wait, that one first. */
static bool enough(const struct weir_origin *origin, const struct weir_lease *first)
{
	return origin->each > 1 &&
	       weir_share_room(origin, first->fresh ? first->began : 0) +
			       (origin->slots_n - origin->slow_n) * origin->each >=
		       origin->waiting_n;
}

/* The next may do better: those who wait do not count on a single one. */
static void rely_on_none(struct weir_origin *origin)
{
	origin->each = 1;
}

static void count_slot(struct weir_origin *origin)
{
	if (origin->cold_until_ms == 0)
		origin->cold_until_ms = now_ms(origin) + WEIR_POOL_COLD_MS;
	origin->slots_n++;
	origin->pool->slots_n++;
}

/* What the other side did tells more than what this machine lacks or refuses. */
static void note(struct weir_lease *lease, const char *reason, const char *text)
{
	bool ours = strcmp(reason, "policy") == 0 || strcmp(reason, "local_resource") == 0;

	if (lease->reason && ours)
		return;
	lease->reason = reason;
	lease->text = text;
}

static struct weir_tls_session *tls_for(struct weir_origin *origin)
{
	if (weir_origin_http1(origin))
		return weir_tls_session_create_http1(origin->tls, origin->host, &origin->ticket);
	return weir_tls_session_create(origin->tls, origin->host, &origin->ticket);
}

static int open_link(struct weir_lease *lease, union weir_address *address)
{
	struct weir_origin *origin = lease->origin;
	struct weir_link *link = weir_alloc(sizeof *link);
	struct weir_tls_session *tls = NULL;
	int rc;

	if (!link)
		return WEIR_ENOMEM;
	if (origin->tls && !origin->proxy.host) {
		tls = tls_for(origin);
		if (!tls) {
			weir_free(link);
			return WEIR_ENOMEM;
		}
	}
	*link = (struct weir_link){ .origin = origin,
				    .lease = lease,
				    .v6 = address->any.sa_family == AF_INET6,
				    .started_ms = now_ms(origin) };
	weir_list_init(&link->leases);
	weir_list_init(&link->touched);
	rc = weir_conn_open(&link->conn, origin->pool->net, &address->any, tls, &events, NULL,
			    weir_link_closed);
	if (rc) {
		weir_free(link);
		return rc;
	}
	origin->links_n++;
	origin->pool->links_n++;
	weir_list_push(&lease->dials, &link->conn.node);
	weir_conn_timer(&link->conn, WEIR_POOL_STAGGER_MS);
	return 0;
}

/* The next address that may be connected to. NULL: there is none left. */
static struct weir_link *open_next(struct weir_lease *lease)
{
	const struct weir_origin *origin = lease->origin;
	bool proxied = origin->proxy.host != NULL;

	while (lease->address_next < lease->addresses.n) {
		union weir_address *address = &lease->addresses.list[lease->address_next++];

		if (!weir_address_allowed(&address->any, origin->public_vendor && !proxied)) {
			note(lease, "policy", "a provider may not live at this address");
			continue;
		}
		/* v6: at the same place */
		address->v4.sin_port = htons(proxied ? origin->proxy.port : origin->port);
		if (origin->pool->is_own &&
		    origin->pool->is_own(origin->pool->own_arg, &address->any)) {
			note(lease, "policy", "weir itself listens at this address");
			continue;
		}
		if (open_link(lease, address) == 0)
			return link_of(lease->dials.prev);
		note(lease, "local_resource", "out of memory");
		return NULL;
	}
	return NULL;
}

/* slot: one is counted for it, and goes with the link or back. */
static void go_on(struct weir_lease *lease, bool slot)
{
	struct weir_origin *origin = lease->origin;
	struct weir_link *link = open_next(lease);

	if (link) {
		link->slot = slot;
		return;
	}
	if (weir_list_empty(&lease->dials)) {
		rely_on_none(origin);
		weir_lease_fail(lease, lease->reason, lease->text);
	}
	if (!slot)
		return;
	origin->slots_n--;
	origin->pool->slots_n--;
	weir_dial_grant(origin->pool);
}

static struct weir_lease *first_queued(struct weir_origin *origin)
{
	WEIR_LIST_FOR(node, &origin->waiting)
	{
		struct weir_lease *lease = WEIR_CONTAINER_OF(node, struct weir_lease, node);

		if (lease->queued)
			return lease;
	}
	return NULL;
}

static struct weir_origin *next_origin(struct weir_pool *pool)
{
	WEIR_LIST_FOR(node, &pool->origins)
	{
		struct weir_origin *origin = WEIR_CONTAINER_OF(node, struct weir_origin, node);

		if (origin->queued_n && may_begin(origin) && !enough(origin, first_queued(origin)))
			return origin;
	}
	return NULL;
}

/* Hands free handshakes out, to origins in turn. */
void weir_dial_grant(struct weir_pool *pool)
{
	struct weir_origin *origin;

	while (pool->queued_n && (origin = next_origin(pool))) {
		struct weir_lease *lease = first_queued(origin);

		WEIR_ASSERT(lease);
		weir_list_remove(&origin->node);
		weir_list_push(&pool->origins, &origin->node);
		weir_dial_unqueue(lease);
		count_slot(origin);
		go_on(lease, true);
	}
}

void weir_dial_unqueue(struct weir_lease *lease)
{
	if (!lease->queued)
		return;
	lease->queued = false;
	lease->origin->queued_n--;
	lease->origin->pool->queued_n--;
}

void weir_dial_slot_free(struct weir_link *link)
{
	if (!link->slot)
		return;
	link->slot = false;
	link->origin->slow_n -= link->slow;
	link->slow = false;
	link->origin->slots_n--;
	link->origin->pool->slots_n--;
	weir_dial_grant(link->origin->pool);
}

static void v4_first(struct weir_addresses *addresses)
{
	struct weir_addresses all = *addresses;
	unsigned n = 0;

	for (int v6 = 0; v6 < 2; v6++)
		for (unsigned i = 0; i < all.n; i++)
			if ((all.list[i].any.sa_family == AF_INET6) == v6)
				addresses->list[n++] = all.list[i];
}

void weir_dial_start(struct weir_lease *lease)
{
	struct weir_origin *origin = lease->origin;

	lease->phase = WEIR_LEASE_CONNECTING;
	if (now_ms(origin) < origin->pool->v6_bad_until_ms)
		v4_first(&lease->addresses);
	if (!origin->tls) {
		go_on(lease, false);
		return;
	}
	lease->queued = true;
	origin->queued_n++;
	origin->pool->queued_n++;
	weir_dial_grant(origin->pool);
}

void weir_dial_abandon(struct weir_lease *lease)
{
	WEIR_LIST_FOR(node, &lease->dials)
	{
		struct weir_link *link = link_of(node);

		weir_list_remove(node);
		link->lease = NULL;
		weir_list_push(&link->origin->aside, node);
		link->ticks = 0;
		weir_conn_timer(&link->conn, WEIR_POOL_STAGGER_MS);
	}
}

void weir_dial_close(struct weir_lease *lease)
{
	while (!weir_list_empty(&lease->dials))
		weir_link_close(link_of(lease->dials.next));
}

static void v6_is_bad(const struct weir_link *link)
{
	if (link->v6)
		link->origin->pool->v6_bad_until_ms = now_ms(link->origin) + WEIR_POOL_V6_BAD_MS;
}

/* Another address may do better, unless the peer was reached and turned out wrong. */
static bool worth_another(const char *reason)
{
	return strcmp(reason, "connect") == 0 || strcmp(reason, "local_resource") == 0 ||
	       strcmp(reason, "tls") == 0;
}

static void failed_for_good(struct weir_link *link, const char *reason)
{
	struct weir_lease *lease = link->lease;
	const char *text = link->refusal ? link->refusal : weir_tls_sentence(link->conn.tls);

	weir_link_close(link); /* not its memory, and so not the text, until later */
	if (!weir_list_empty(&lease->dials))
		return;
	rely_on_none(lease->origin);
	weir_lease_leave(lease);
	weir_lease_end(lease);
	lease->on_failed(lease, reason, text);
}

/* Descriptors that idle connections hold are better used now; once per lease. */
static bool make_room(struct weir_lease *lease, int err)
{
	if (lease->shed || (err != UV_EMFILE && err != UV_ENFILE))
		return false;
	lease->shed = true;
	return weir_pool_shed(lease->origin->pool, WEIR_POOL_SHED) > 0;
}

/* Not uv_strerror() for what is not libuv's: it would allocate. */
static const char *text_of(int err)
{
	if (err == WEIR_ETLS)
		return "TLS failed";
	return err == WEIR_ENOMEM ? "out of memory" : uv_strerror(err);
}

static enum weir_lease_phase phase_of(const struct weir_lease *lease)
{
	WEIR_LIST_FOR(node, &lease->dials)
	if (link_of(node)->connected_ms)
		return WEIR_LEASE_HANDSHAKE;
	return WEIR_LEASE_CONNECTING;
}

static void failed(struct weir_link *link, int err, const char *reason)
{
	struct weir_lease *lease = link->lease;
	bool slot = link->slot;

	if (strcmp(reason, "connect") == 0)
		v6_is_bad(link);
	if (!lease) {
		rely_on_none(link->origin);
		weir_link_close(link);
		return;
	}
	if (!worth_another(reason)) {
		failed_for_good(link, reason);
		return;
	}
	if (make_room(lease, err))
		lease->address_next--;
	else
		note(lease, reason, text_of(err));
	link->origin->slow_n -= link->slow;
	link->slot = link->slow = false;
	weir_link_close(link);
	lease->phase = phase_of(lease);
	go_on(lease, slot);
}

static void opened(struct weir_link *link)
{
	struct weir_origin *origin = link->origin;
	struct weir_lease *lease = link->lease;
	uint64_t at_ms = now_ms(origin);

	link->serial = ++origin->serial;
	if (weir_share_begin(link)) {
		failed(link, WEIR_ENOMEM, "local_resource");
		return;
	}
	if (link->v6)
		origin->pool->v6_bad_until_ms = 0;
	if (!lease) {
		weir_link_idle(link, WEIR_POOL_IDLE_MS);
		weir_dial_slot_free(link);
		return;
	}
	if (!link->connected_ms)
		link->connected_ms = at_ms;
	lease->connect_ms = link->connected_ms - link->started_ms;
	lease->handshake_ms = at_ms - link->connected_ms;
	weir_lease_leave(lease);
	weir_list_remove(&link->conn.node);
	weir_dial_close(lease);
	link->lease = NULL;
	weir_lease_hold(lease, link, false);
	weir_dial_slot_free(link);
	lease->on_ready(lease);
}

/* There is somebody: no other address is tried beside. */
static void connected(struct weir_link *link)
{
	link->connected_ms = now_ms(link->origin);
	if (link->origin->tls && !link->slot) {
		link->slot = true;
		count_slot(link->origin);
	}
}

static void on_open(struct weir_conn *conn, int err, const char *reason)
{
	struct weir_link *link = WEIR_CONTAINER_OF(conn, struct weir_link, conn);

	if (err) {
		failed(link, err, reason);
	} else if (link->origin->tls && link->origin->proxy.host && !link->through) {
		connected(link);
		weir_tunnel_begin(link);
	} else {
		opened(link);
	}
}

static void on_connected(struct weir_conn *conn)
{
	struct weir_link *link = WEIR_CONTAINER_OF(conn, struct weir_link, conn);

	connected(link);
	if (link->lease)
		link->lease->phase = WEIR_LEASE_HANDSHAKE;
}

void weir_dial_refused(struct weir_link *link, const char *reason)
{
	failed(link, UV_ECONNREFUSED, reason);
}

void weir_dial_through(struct weir_link *link)
{
	struct weir_tls_session *tls;

	link->through = true;
	weir_buf_fini(&link->answer);
	link->conn.events = &events;
	if (!link->origin->tls) {
		opened(link);
		return;
	}
	tls = tls_for(link->origin);
	if (!tls) {
		failed(link, WEIR_ENOMEM, "local_resource");
		return;
	}
	if (link->lease)
		link->lease->phase = WEIR_LEASE_HANDSHAKE;
	weir_conn_begin_tls(&link->conn, tls);
}

/* The address does not answer: whether another one does is tried meanwhile. */
static void stagger(struct weir_link *link)
{
	struct weir_lease *lease = link->lease;
	struct weir_origin *origin = link->origin;
	bool slot = origin->tls != NULL;

	if (lease->dials.prev != &link->conn.node || lease->address_next == lease->addresses.n)
		return;
	if (slot && !slot_left(origin))
		return;
	if (slot)
		count_slot(origin);
	go_on(lease, slot);
}

/* Its handshake does not end: who waits for it had better not wait for it alone. */
static void mark_slow(struct weir_link *link)
{
	if (!link->slot || link->slow)
		return;
	link->slow = true;
	link->origin->slow_n++;
	weir_dial_grant(link->origin->pool);
}

static void on_slow(struct weir_link *link)
{
	if (++link->ticks < WEIR_POOL_MUTE_MS / WEIR_POOL_STAGGER_MS)
		weir_conn_timer(&link->conn, WEIR_POOL_STAGGER_MS);
	else
		mark_slow(link);
}

static void on_orphan(struct weir_link *link)
{
	if (++link->ticks >= WEIR_POOL_ORPHAN_MS / WEIR_POOL_STAGGER_MS) {
		weir_link_close(link);
		return;
	}
	weir_conn_timer(&link->conn, WEIR_POOL_STAGGER_MS);
	if (link->ticks == WEIR_POOL_MUTE_MS / WEIR_POOL_STAGGER_MS)
		mark_slow(link);
}

static void on_timer(struct weir_conn *conn)
{
	weir_dial_slow(WEIR_CONTAINER_OF(conn, struct weir_link, conn));
}

void weir_dial_slow(struct weir_link *link)
{
	if (!link->lease) {
		on_orphan(link);
		return;
	}
	if (link->connected_ms) {
		on_slow(link);
		return;
	}
	v6_is_bad(link);
	if (++link->ticks == WEIR_POOL_MUTE_MS / WEIR_POOL_STAGGER_MS)
		weir_dial_slot_free(link);
	weir_conn_timer(&link->conn, WEIR_POOL_STAGGER_MS);
	stagger(link);
}

static const struct weir_conn_events events = { .on_open = on_open,
						.on_timer = on_timer,
						.on_connected = on_connected };
