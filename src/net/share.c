/* Connections that carry many leases, each on a stream of its own. All that their streams have
 * to say in a turn of the loop goes out in one write, before the loop waits again. */
#include "base/alloc.h"
#include "base/assert.h"
#include "base/error.h"
#include "net/pool_private.h"

enum {
	BATCH_BYTES = 64 * 1024 + WEIR_H2_FRAME_MAX, /* what goes out in one write */
	BEAT_MS = 10 * 1000                          /* is the peer still there? */
};

static uint64_t now_ms(const struct weir_link *link)
{
	return uv_now(link->origin->pool->net->loop);
}

/* Until it has said how many it takes, as many as the one before. */
static unsigned room_on(const struct weir_link *link)
{
	unsigned room = weir_h2_room(link->h2), known = link->origin->room;

	return !link->heard && known && known < room ? known : room;
}

static bool has_room(const struct weir_link *link)
{
	return now_ms(link) - link->started_ms < WEIR_POOL_AGE_MAX_MS &&
	       link->leases_n < room_on(link) && !weir_origin_http1(link->origin);
}

struct weir_link *weir_share_pick(struct weir_origin *origin, uint64_t after)
{
	WEIR_LIST_FOR(node, &origin->shared)
	{
		struct weir_link *link = WEIR_CONTAINER_OF(node, struct weir_link, conn.node);

		if (has_room(link) && link->serial > after)
			return link;
	}
	return NULL;
}

static unsigned room_of(const struct weir_list *links, uint64_t after)
{
	unsigned room = 0;

	WEIR_LIST_FOR(node, links)
	{
		struct weir_link *link = WEIR_CONTAINER_OF(node, struct weir_link, conn.node);

		if (link->h2 && has_room(link) && link->serial > after)
			room += room_on(link) - link->leases_n;
	}
	return room;
}

unsigned weir_share_room(const struct weir_origin *origin, uint64_t after)
{
	return room_of(&origin->shared, after) + room_of(&origin->idle, after);
}

/* Where it belongs among the shared ones. */
static void place(struct weir_link *link)
{
	struct weir_list *shared = &link->origin->shared;

	if (link->state != WEIR_LINK_SHARED)
		return;
	weir_list_remove(&link->conn.node);
	weir_list_push(has_room(link) ? shared->next : shared, &link->conn.node);
	if (link->origin->waiting_n) {
		weir_pool_turn_later(link->origin->pool);
		weir_dial_grant(link->origin->pool);
	}
}

static void flush(struct weir_link *link);

static void on_before_poll(uv_prepare_t *prepare)
{
	struct weir_pool *pool = prepare->data;

	while (!weir_list_empty(&pool->touched)) {
		struct weir_list *node = pool->touched.next;

		weir_list_remove(node);
		flush(WEIR_CONTAINER_OF(node, struct weir_link, touched));
	}
	uv_prepare_stop(prepare);
}

static void touch(struct weir_link *link)
{
	struct weir_pool *pool = link->origin->pool;
	int rc;

	if (!weir_list_empty(&link->touched) || link->state == WEIR_LINK_CLOSING || pool->closing)
		return;
	weir_list_push(&pool->touched, &link->touched);
	rc = uv_prepare_start(&pool->before_poll, on_before_poll);
	WEIR_ASSERT(rc == 0);
}

/* Every lease learns it, and goes; the connection with the last of them. */
static void lost(struct weir_link *link, enum weir_end ending)
{
	struct weir_pool *pool = link->origin->pool;

	weir_link_close(link);
	while (!weir_list_empty(&link->leases)) {
		struct weir_lease *lease = WEIR_CONTAINER_OF(link->leases.next, struct weir_lease,
							     node);
		bool stale = ending == WEIR_END_CUT && lease->reused &&
			     lease->heard_then == link->heard &&
			     now_ms(link) - lease->wrote_ms < WEIR_POOL_STALE_MS;

		weir_lease_unhold(lease);
		lease->events->on_end(lease, stale ? WEIR_END_STALE : ending);
	}
	weir_dial_grant(pool);
}

static enum weir_end ending_of(ssize_t rc)
{
	return rc == WEIR_ENOMEM ? WEIR_END_STARVED : WEIR_END_MALFORMED;
}

/* 0, or negative: the connection is of no use. A broken one says so by itself. */
static ssize_t send_some(struct weir_link *link, char *room, size_t size)
{
	while (weir_conn_queued(&link->conn) <= WEIR_CONN_QUEUE_LOW) {
		struct weir_buf batch;
		struct weir_slice all;
		ssize_t n;
		int rc = 0;

		weir_buf_init_lent(&batch, size, room, size);
		n = weir_h2_take(link->h2, &batch);
		all = weir_buf_slice(&batch);
		if (all.len)
			rc = weir_conn_write(&link->conn, &all, 1);
		if (rc == WEIR_ENOMEM || rc == WEIR_ELIMIT)
			return WEIR_ENOMEM; /* what is missing now cannot be sent later */
		if (n <= 0 || rc)
			return n;
	}
	return 0;
}

static void flush(struct weir_link *link)
{
	ssize_t rc;

	if (link->state == WEIR_LINK_CLOSING)
		return;
	rc = send_some(link, link->origin->pool->batch, BATCH_BYTES);
	if (link->state == WEIR_LINK_CLOSING)
		return;
	if (rc < 0)
		lost(link, ending_of(rc));
	else if (weir_h2_over(link->h2))
		lost(link, WEIR_END_MALFORMED);
}

void weir_share_goodbye(struct weir_link *link)
{
	char room[WEIR_H2_FRAME_MAX] WEIR_UNINITIALIZED; /* another's batch may be under way */

	weir_list_remove(&link->touched);
	if (!link->conn.open || link->leases_n)
		return;
	weir_h2_goodbye(link->h2);
	if (send_some(link, room, sizeof room) < 0)
		return; /* and so be it */
}

void weir_share_fini(struct weir_link *link)
{
	weir_h2_destroy(link->h2);
	link->h2 = NULL;
}

static struct weir_lease *first_unsent(const struct weir_link *link)
{
	WEIR_LIST_FOR(node, &link->leases)
	{
		struct weir_lease *lease = WEIR_CONTAINER_OF(node, struct weir_lease, node);

		if (lease->stream && weir_h2_unsent(lease->stream))
			return lease;
	}
	return NULL;
}

/* The peer allows fewer than were begun: those that wait in vain may go elsewhere. */
static void release_unsent(struct weir_link *link)
{
	struct weir_lease *lease;

	while (link->state == WEIR_LINK_SHARED && link->leases_n > weir_h2_room(link->h2) &&
	       (lease = first_unsent(link))) {
		weir_lease_unhold(lease);
		lease->events->on_end(lease, WEIR_END_REFUSED);
	}
}

bool weir_share_feed(struct weir_link *link, const char *bytes, size_t len)
{
	unsigned room;
	int rc;

	link->heard += len;
	link->heard_ms = now_ms(link);
	link->asked_ms = 0;
	rc = weir_h2_feed(link->h2, bytes, len);
	if (link->state == WEIR_LINK_CLOSING)
		return false;
	room = weir_h2_room(link->h2);
	if (room && !weir_origin_http1(link->origin))
		link->origin->each = link->origin->room = room;
	touch(link);
	if (rc) {
		lost(link, ending_of(rc));
		return false;
	}
	release_unsent(link);
	if (link->state == WEIR_LINK_CLOSING)
		return false;
	place(link);
	return link->state != WEIR_LINK_CLOSING;
}

static void on_bytes(struct weir_conn *conn, const char *bytes, size_t len)
{
	weir_share_feed(WEIR_CONTAINER_OF(conn, struct weir_link, conn), bytes, len);
}

static void on_end(struct weir_conn *conn, int err)
{
	(void)err;
	lost(WEIR_CONTAINER_OF(conn, struct weir_link, conn), WEIR_END_CUT);
}

static void on_drained(struct weir_conn *conn)
{
	touch(WEIR_CONTAINER_OF(conn, struct weir_link, conn));
}

static void arm(struct weir_link *link, uint64_t ms)
{
	uint64_t at = now_ms(link) + ms;

	if (link->timer_ms && link->timer_ms <= at)
		return;
	link->timer_ms = at;
	weir_conn_timer(&link->conn, ms);
}

static struct weir_lease *first_due(const struct weir_link *link, uint64_t at_ms)
{
	WEIR_LIST_FOR(node, &link->leases)
	{
		struct weir_lease *lease = WEIR_CONTAINER_OF(node, struct weir_lease, node);

		if (lease->due_ms && lease->due_ms <= at_ms)
			return lease;
	}
	return NULL;
}

static uint64_t left(uint64_t at, uint64_t due)
{
	return due > at ? due - at : 0;
}

static void arm_next(struct weir_link *link)
{
	uint64_t at = now_ms(link);

	arm(link, BEAT_MS);
	WEIR_LIST_FOR(node, &link->leases)
	{
		struct weir_lease *lease = WEIR_CONTAINER_OF(node, struct weir_lease, node);

		if (lease->due_ms)
			arm(link, left(at, lease->due_ms));
	}
}

uint64_t weir_share_ask(struct weir_link *link)
{
	uint64_t at = now_ms(link), silent = at - link->heard_ms;

	if (at - link->refilled_ms >= BEAT_MS) {
		link->refilled_ms = at;
		weir_h2_refill(link->h2);
	}
	touch(link);
	if (link->asked_ms)
		return left(at, link->asked_ms + WEIR_POOL_PONG_MS);
	if (silent < WEIR_POOL_PING_MS)
		return WEIR_POOL_PING_MS - silent;
	if (weir_h2_ping(link->h2))
		return 0;
	link->asked_ms = at;
	return WEIR_POOL_PONG_MS;
}

static void on_timer(struct weir_conn *conn)
{
	struct weir_link *link = WEIR_CONTAINER_OF(conn, struct weir_link, conn);
	uint64_t at = now_ms(link), again_ms;
	struct weir_lease *lease;

	link->timer_ms = 0;
	while (link->state == WEIR_LINK_SHARED && (lease = first_due(link, at))) {
		lease->due_ms = 0;
		lease->events->on_timer(lease);
	}
	if (link->state != WEIR_LINK_SHARED)
		return;
	again_ms = weir_share_ask(link);
	if (!again_ms) {
		lost(link, link->asked_ms ? WEIR_END_CUT : WEIR_END_STARVED);
		return;
	}
	arm(link, again_ms);
	arm_next(link);
}

static const struct weir_conn_events events = {
	.on_bytes = on_bytes, .on_end = on_end, .on_drained = on_drained, .on_timer = on_timer
};

/* Who refuses because it wants HTTP/1.1 is asked anew in that, and nobody asks it otherwise. */
static void heed(struct weir_link *link)
{
	if (!weir_h2_http1(link->h2) || weir_origin_http1(link->origin))
		return;
	link->origin->http1_until_ms = now_ms(link) + WEIR_POOL_HTTP1_MS;
	link->origin->each = 1;
}

static void on_stream_head(void *user, struct weir_http_head *head)
{
	struct weir_lease *lease = user;

	lease->events->on_head(lease, head);
}

static void on_stream_body(void *user, struct weir_slice bytes)
{
	struct weir_lease *lease = user;

	lease->events->on_body(lease, bytes);
}

static void on_stream_end(void *user, enum weir_end ending)
{
	struct weir_lease *lease = user;

	if (ending == WEIR_END_REFUSED)
		heed(lease->link);
	weir_lease_unhold(lease);
	lease->events->on_end(lease, ending);
}

static void on_stream_drained(void *user)
{
	struct weir_lease *lease = user;

	lease->events->on_drained(lease);
}

static const struct weir_h2_events stream_events = { .on_head = on_stream_head,
						     .on_body = on_stream_body,
						     .on_end = on_stream_end,
						     .on_drained = on_stream_drained };

int weir_share_begin(struct weir_link *link)
{
	int rc;

	link->origin->plain = !link->conn.tls || !weir_tls_http2(link->conn.tls);
	if (link->origin->plain) {
		link->origin->each = 1;
		return 0;
	}
	if (!link->origin->pool->batch)
		link->origin->pool->batch = weir_alloc(BATCH_BYTES);
	rc = link->origin->pool->batch ? weir_h2_create(&link->h2, &stream_events) : WEIR_ENOMEM;
	if (rc)
		return rc;
	link->origin->each = weir_origin_http1(link->origin) ? 1 : room_on(link);
	link->conn.dense = true;
	link->refilled_ms = link->heard_ms = now_ms(link);
	touch(link);
	return 0;
}

static int write_shared(struct weir_lease *lease, const struct weir_slice *slices, size_t slices_n)
{
	struct weir_link *link = lease->link;

	if (!lease->stream) {
		lease->stream = weir_calloc(1, sizeof *lease->stream);
		if (!lease->stream)
			return WEIR_ENOMEM;
		lease->stream->user = lease;
		lease->heard_then = link->heard;
		lease->wrote_ms = now_ms(link);
	}
	touch(link);
	return weir_h2_write(link->h2, lease->stream, slices, slices_n);
}

static size_t queued_shared(const struct weir_lease *lease)
{
	return lease->stream ? weir_h2_queued(lease->stream) : 0;
}

static void hold_back_shared(struct weir_lease *lease, bool hold)
{
	if (!lease->stream)
		return;
	if (hold)
		weir_h2_hold(lease->stream);
	else
		weir_h2_resume(lease->stream);
	touch(lease->link);
}

static bool timer_shared(struct weir_lease *lease, uint64_t ms)
{
	lease->due_ms = now_ms(lease->link) + ms;
	arm(lease->link, ms);
	return true;
}

static const struct weir_way way_shared = { write_shared, queued_shared, hold_back_shared,
					    timer_shared };

void weir_share_join(struct weir_link *link, struct weir_lease *lease)
{
	if (link->state != WEIR_LINK_SHARED) {
		link->state = WEIR_LINK_SHARED;
		link->origin->shared_n++;
		link->conn.events = &events;
		link->heard_ms = now_ms(link);
		link->timer_ms = 0;
		arm(link, BEAT_MS);
	}
	lease->way = &way_shared;
	lease->due_ms = 0;
	weir_list_push(&link->leases, &lease->node);
	link->leases_n++;
	link->origin->streams_n++;
	place(link);
}

void weir_share_part(struct weir_link *link, struct weir_lease *lease)
{
	bool unheard = lease->stream && lease->stream->h2 && lease->heard_then == link->heard &&
		       now_ms(link) - lease->wrote_ms >= WEIR_POOL_DOUBT_MS;

	weir_list_remove(&lease->node);
	link->leases_n--;
	link->origin->streams_n--;
	if (lease->stream)
		weir_h2_close(lease->stream);
	weir_free(lease->stream);
	lease->stream = NULL;
	if (link->state != WEIR_LINK_SHARED)
		return;
	touch(link);
	if (link->leases_n || weir_h2_leaving(link->h2)) {
		place(link);
		return;
	}
	if (unheard)
		weir_link_close(link); /* who knows whether anybody is there */
	else
		weir_link_idle(link, WEIR_POOL_IDLE_MS);
}
