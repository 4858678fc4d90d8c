#include "net/pool_private.h"

/* What a connection tells goes to who holds it. */
static struct weir_lease *holder(struct weir_conn *conn)
{
	return WEIR_CONTAINER_OF(conn, struct weir_link, conn)->lease;
}

static void on_bytes(struct weir_conn *conn, const char *bytes, size_t len)
{
	struct weir_lease *lease = holder(conn);

	lease->heard_then = 1;
	lease->events->on_bytes(lease, bytes, len);
}

/* A pooled connection that the peer had already closed is no failure of anybody. */
static void on_end(struct weir_conn *conn, int err)
{
	struct weir_lease *lease = holder(conn);
	bool stale = lease->reused && !lease->heard_then;

	lease->events->on_end(lease, stale      ? WEIR_END_STALE
				     : err == 0 ? WEIR_END_WHOLE
						: WEIR_END_CUT);
}

static void on_drained(struct weir_conn *conn)
{
	holder(conn)->events->on_drained(holder(conn));
}

static void on_timer(struct weir_conn *conn)
{
	holder(conn)->events->on_timer(holder(conn));
}

static const struct weir_conn_events conn_events = {
	.on_bytes = on_bytes,
	.on_end = on_end,
	.on_drained = on_drained,
	.on_timer = on_timer,
};

void weir_lease_listen(struct weir_link *link)
{
	static const struct weir_conn_events nobody = { 0 };

	link->conn.events = link->lease->events ? &conn_events : &nobody;
}

static int write_own(struct weir_lease *lease, const struct weir_slice *slices, size_t slices_n)
{
	return weir_conn_write(lease->conn, slices, slices_n);
}

static size_t queued_own(const struct weir_lease *lease)
{
	return weir_conn_queued(lease->conn);
}

static void hold_back_own(struct weir_lease *lease, bool hold)
{
	if (hold)
		weir_conn_read_stop(lease->conn);
	else
		weir_conn_read_start(lease->conn);
}

static bool timer_own(struct weir_lease *lease, uint64_t ms)
{
	weir_conn_timer(lease->conn, ms);
	return !lease->conn->closing;
}

const struct weir_way weir_way_own = { write_own, queued_own, hold_back_own, timer_own };

int weir_lease_write(struct weir_lease *lease, const struct weir_slice *slices, size_t slices_n)
{
	return lease->way->write(lease, slices, slices_n);
}

size_t weir_lease_queued(const struct weir_lease *lease)
{
	return lease->way->queued(lease);
}

void weir_lease_hold_back(struct weir_lease *lease, bool hold)
{
	lease->way->hold_back(lease, hold);
}

bool weir_lease_timer(struct weir_lease *lease, uint64_t ms)
{
	return lease->way->timer(lease, ms);
}
