#include "net/pool.h"

#include <string.h>

#include "base/assert.h"
#include "net/pool_private.h"
#include "net/turn.h"

void weir_lease_end(struct weir_lease *lease)
{
	lease->phase = WEIR_LEASE_IDLE;
	weir_origin_note(lease->origin);
	lease->origin->leases_n--;
}

void weir_lease_unhold(struct weir_lease *lease)
{
	struct weir_origin *origin = lease->origin;
	struct weir_link *link = lease->link;

	origin->active_n--;
	link->lease = NULL;
	lease->link = NULL;
	lease->conn = NULL;
	weir_lease_end(lease);
	if (link->h2)
		weir_share_part(link, lease);
}

static void hold_own(struct weir_lease *lease, struct weir_link *link)
{
	link->state = WEIR_LINK_HELD;
	link->lease = lease;
	weir_conn_timer_stop(&link->conn);
	lease->conn = &link->conn;
	lease->way = &weir_way_own;
	lease->heard_then = 0;
	weir_lease_listen(link);
}

void weir_lease_hold(struct weir_lease *lease, struct weir_link *link, bool reused)
{
	if (link->state == WEIR_LINK_IDLE)
		link->origin->idle_n--;
	weir_list_remove(&link->conn.node);
	weir_conn_count(&link->conn, true);
	lease->link = link;
	lease->phase = WEIR_LEASE_HELD;
	lease->reused = reused;
	lease->opened = !link->used;
	link->used = true;
	link->origin->active_n++;
	if (link->h2)
		weir_share_join(link, lease);
	else
		hold_own(lease, link);
}

static void wait_for_one(struct weir_lease *lease)
{
	unsigned hungry = lease->fresh ? 0 : 1;

	lease->waiting = true;
	weir_list_push(&lease->origin->waiting, &lease->node);
	lease->origin->waiting_n++;
	lease->origin->pool->waiting_n++;
	lease->origin->hungry_n += hungry;
	lease->origin->pool->hungry_n += hungry;
	if (hungry && lease->origin->idle_n)
		weir_pool_turn_later(lease->origin->pool); /* one that cannot be had just now */
}

void weir_lease_leave(struct weir_lease *lease)
{
	unsigned hungry = lease->fresh ? 0 : 1;

	weir_list_remove(&lease->node);
	weir_resolve_cancel(&lease->lookup);
	weir_dial_unqueue(lease);
	if (!lease->waiting)
		return;
	lease->waiting = false;
	lease->origin->waiting_n--;
	lease->origin->pool->waiting_n--;
	lease->origin->hungry_n -= hungry;
	lease->origin->pool->hungry_n -= hungry;
}

void weir_pool_shun(struct weir_pool *pool, bool (*is_own)(void *arg, const struct sockaddr *addr),
		    void *arg)
{
	pool->is_own = is_own;
	pool->own_arg = arg;
}

void weir_lease_fail(struct weir_lease *lease, const char *reason, const char *text)
{
	weir_lease_leave(lease);
	lease->reason = reason ? reason : "dns";
	lease->text = text ? text : "no address";
	weir_list_push(&lease->origin->pool->failed, &lease->node);
	weir_pool_turn_later(lease->origin->pool);
}

static void tell_failed(struct weir_lease *lease)
{
	struct weir_origin *origin = lease->origin;

	weir_list_remove(&lease->node);
	weir_lease_end(lease);
	weir_origin_check(origin);
	lease->on_failed(lease, lease->reason, lease->text);
}

/* One that it may have: room on one that is shared, else an idle one. */
static struct weir_link *link_for(struct weir_origin *origin, const struct weir_lease *lease)
{
	uint64_t after = lease->fresh ? lease->began : 0;
	struct weir_link *link = weir_share_pick(origin, after);

	return link ? link : weir_origin_newest(origin, lease);
}

/* The first that can have one; who came after it can have no more. */
static struct weir_link *match(struct weir_origin *origin, struct weir_lease **first)
{
	bool tried[2] = { origin->waiting_n == origin->hungry_n, !origin->hungry_n };
	struct weir_link *link;

	WEIR_LIST_FOR(node, &origin->waiting)
	{
		struct weir_lease *lease = WEIR_CONTAINER_OF(node, struct weir_lease, node);

		if (tried[0] && tried[1])
			break;
		if (tried[!lease->fresh])
			continue;
		tried[!lease->fresh] = true;
		link = link_for(origin, lease);
		*first = lease;
		if (link)
			return link;
	}
	return NULL;
}

/* A waiting lease gets what became idle; what was begun for it goes on for the next. */
static bool match_one(struct weir_pool *pool)
{
	WEIR_LIST_FOR(node, &pool->origins)
	{
		struct weir_origin *origin = WEIR_CONTAINER_OF(node, struct weir_origin, node);
		struct weir_lease *lease;
		struct weir_link *link = origin->waiting_n ? match(origin, &lease) : NULL;

		if (!link)
			continue;
		weir_lease_leave(lease);
		weir_dial_abandon(lease);
		weir_lease_hold(lease, link, link->serial <= lease->began || !link->h2);
		lease->on_ready(lease);
		return true;
	}
	return false;
}

static unsigned count(const struct weir_list *head)
{
	unsigned n = 0;

	WEIR_LIST_FOR(node, head)
	n++;
	return n;
}

/* At most what was there when the turn began, as callbacks may cause more; and as much as there is
 * time for. */
static void on_turn(uv_idle_t *idle)
{
	struct weir_pool *pool = idle->data;
	unsigned failed_n = count(&pool->failed), waiting_n = pool->waiting_n;
	uint64_t end_ns = uv_hrtime() + WEIR_TURN_READY_US * UINT64_C(1000);
	bool late = false;

	uv_idle_stop(idle);
	while (failed_n-- && !weir_list_empty(&pool->failed) && !late) {
		tell_failed(WEIR_CONTAINER_OF(pool->failed.next, struct weir_lease, node));
		late = uv_hrtime() >= end_ns;
	}
	while (waiting_n && !pool->closing && !late && match_one(pool)) {
		waiting_n--;
		late = uv_hrtime() >= end_ns;
	}
	if (late || !weir_list_empty(&pool->failed))
		weir_pool_turn_later(pool);
	weir_dial_grant(pool); /* what some counted on may be gone again */
}

void weir_pool_turn_later(struct weir_pool *pool)
{
	int rc;

	if (pool->closing)
		return;
	rc = uv_idle_start(&pool->turn, on_turn);
	WEIR_ASSERT(rc == 0);
}

static void on_resolved(struct weir_lookup *lookup, const struct weir_addresses *addresses,
			const char *text)
{
	struct weir_lease *lease = WEIR_CONTAINER_OF(lookup, struct weir_lease, lookup);

	if (!addresses) {
		weir_lease_fail(lease, strcmp(text, WEIR_RESOLVE_LOCAL) ? "dns" : "local_resource",
				text);
		return;
	}
	lease->addresses = *addresses;
	weir_dial_start(lease);
}

static void reset(struct weir_lease *lease, struct weir_origin *origin, bool fresh)
{
	WEIR_ASSERT(lease->phase == WEIR_LEASE_IDLE);
	lease->origin = origin;
	lease->conn = NULL;
	lease->link = NULL;
	lease->stream = NULL;
	lease->began = origin->serial;
	lease->reused = false;
	lease->handshake_ms = lease->connect_ms = 0;
	lease->lookup = (struct weir_lookup){ .on_resolved = on_resolved };
	lease->address_next = 0;
	lease->addresses.n = 0;
	lease->reason = lease->text = NULL;
	lease->fresh = fresh;
	lease->waiting = lease->queued = lease->shed = false;
	weir_list_init(&lease->node);
	weir_list_init(&lease->dials);
}

int weir_pool_take(struct weir_origin *origin, struct weir_lease *lease, bool fresh)
{
	struct weir_link *link;
	int rc;

	reset(lease, origin, fresh);
	/* Those who wait come first. */
	link = fresh || origin->hungry_n ? NULL : weir_share_pick(origin, 0);
	if (!link && !fresh && origin->idle_n > origin->hungry_n)
		link = weir_origin_newest(origin, NULL);
	if (link) {
		origin->leases_n++;
		weir_origin_note(origin);
		weir_lease_hold(lease, link, true);
		return 1;
	}
	rc = weir_resolve(origin->pool->resolver,
			  origin->proxy.host ? origin->proxy.host : origin->host, &lease->lookup,
			  &lease->addresses);
	if (rc == WEIR_ENOMEM)
		return rc;
	lease->phase = WEIR_LEASE_RESOLVING;
	origin->leases_n++;
	weir_origin_note(origin);
	wait_for_one(lease);
	if (rc < 0)
		weir_lease_fail(lease, "dns", "the name is too long, or too many are asked for");
	else if (rc == 1)
		weir_dial_start(lease);
	return 0;
}

void weir_pool_drop(struct weir_lease *lease)
{
	struct weir_link *link = lease->link;

	if (lease->phase == WEIR_LEASE_IDLE)
		return;
	if (lease->phase == WEIR_LEASE_HELD) {
		weir_lease_unhold(lease);
		if (!link->h2)
			weir_link_close(link);
		return;
	}
	weir_lease_leave(lease);
	if (lease->origin->each > 1 && lease->origin->waiting_n)
		weir_dial_abandon(lease); /* others count on them */
	else
		weir_dial_close(lease);
	weir_lease_end(lease);
	weir_origin_check(lease->origin);
}

/* Nothing is under way in either direction, as far as anybody can know now. */
static bool healthy(const struct weir_conn *conn)
{
	return conn->open && !conn->finishing && !conn->ended && !conn->eof && !conn->write_err &&
	       weir_conn_queued(conn) == 0;
}

void weir_pool_give(struct weir_lease *lease, uint64_t idle_ms)
{
	struct weir_conn *conn = lease->conn;
	struct weir_link *link = lease->link;

	if (lease->phase == WEIR_LEASE_IDLE)
		return; /* its holder closed it, and it is gone */
	WEIR_ASSERT(lease->phase == WEIR_LEASE_HELD);
	weir_lease_unhold(lease);
	if (link->h2)
		return;
	if (conn->closing || !healthy(conn)) {
		weir_link_close(link);
		return;
	}
	if (idle_ms == 0 || idle_ms > WEIR_POOL_IDLE_MS)
		idle_ms = WEIR_POOL_IDLE_MS;
	if (conn->reading)
		weir_link_idle(link, idle_ms);
	else
		weir_link_settle(link);
}
