#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "net/pool_private.h"

static const struct weir_conn_events idle_events;

static uint64_t now_ms(const struct weir_pool *pool)
{
	return uv_now(pool->net->loop);
}

static struct weir_link *link_of(struct weir_list *node)
{
	return WEIR_CONTAINER_OF(node, struct weir_link, conn.node);
}

/* The peaks of the last minute and of the bucket that is being filled. */
void weir_origin_note(struct weir_origin *origin)
{
	uint64_t bucket = now_ms(origin->pool) / WEIR_PEAK_BUCKET_MS;
	uint64_t passed = bucket - origin->bucket;
	unsigned *peak = &origin->peaks[bucket % WEIR_PEAK_BUCKETS];

	for (uint64_t i = 1; i <= passed && i <= WEIR_PEAK_BUCKETS; i++)
		origin->peaks[(origin->bucket + i) % WEIR_PEAK_BUCKETS] = origin->leases_n;
	origin->bucket = bucket;
	if (origin->leases_n > *peak)
		*peak = origin->leases_n;
}

static unsigned idle_max(struct weir_origin *origin)
{
	unsigned max = weir_warm_wished(origin);

	if (max == 0)
		max = 1;
	weir_origin_note(origin);
	for (unsigned i = 0; i < WEIR_PEAK_BUCKETS; i++)
		if (origin->peaks[i] > max)
			max = origin->peaks[i];
	return max < WEIR_POOL_IDLE_MAX ? max : WEIR_POOL_IDLE_MAX;
}

static void free_origin(struct weir_origin *origin)
{
	weir_list_remove(&origin->node);
	weir_tls_ticket_destroy(origin->ticket);
	weir_tls_config_destroy(origin->tls);
	weir_free((char *)origin->proxy.host);
	if (origin->proxy.authorization)
		weir_free_secret((char *)origin->proxy.authorization,
				 strlen(origin->proxy.authorization));
	weir_free(origin->host);
	weir_free(origin);
}

void weir_origin_check(struct weir_origin *origin)
{
	if (origin->refs == 0 && origin->links_n == 0 && origin->leases_n == 0)
		free_origin(origin);
}

static void check_closed(struct weir_pool *pool)
{
	void (*on_closed)(void *arg) = pool->on_closed;
	void *arg = pool->arg;

	if (!pool->closing || pool->handles_open || pool->links_n)
		return;
	WEIR_LIST_FOR(node, &pool->origins)
	free_origin(WEIR_CONTAINER_OF(node, struct weir_origin, node));
	weir_free(pool->batch);
	weir_free(pool);
	if (on_closed)
		on_closed(arg);
}

void weir_link_closed(struct weir_conn *conn)
{
	struct weir_link *link = WEIR_CONTAINER_OF(conn, struct weir_link, conn);
	struct weir_origin *origin = link->origin;
	struct weir_pool *pool = origin->pool;

	if (link->lease)
		weir_lease_unhold(link->lease); /* its holder closed it and has yet to drop it */
	weir_share_fini(link);
	weir_buf_fini(&link->answer);
	weir_free(link);
	origin->links_n--;
	pool->links_n--;
	if (!pool->closing) {
		weir_warm_look(origin);
		weir_origin_check(origin);
	}
	check_closed(pool);
}

void weir_link_close(struct weir_link *link)
{
	if (link->state == WEIR_LINK_CLOSING)
		return;
	if (link->state == WEIR_LINK_IDLE)
		link->origin->idle_n--;
	if (link->state == WEIR_LINK_SHARED)
		link->origin->shared_n--;
	link->state = WEIR_LINK_CLOSING;
	link->lease = NULL;
	weir_list_remove(&link->conn.node);
	if (link->h2)
		weir_share_goodbye(link);
	weir_conn_close(&link->conn);
	weir_dial_slot_free(link);
}

bool weir_origin_http1(const struct weir_origin *origin)
{
	return origin->http1_until_ms && now_ms(origin->pool) < origin->http1_until_ms;
}

/* One that was opened after it had begun, and that others share: a fresh one is not on what there
 * was already. */
static bool may_have(const struct weir_lease *lease, const struct weir_link *link)
{
	return !lease || !lease->fresh || (link->h2 && link->serial > lease->began);
}

static bool is_usable(const struct weir_link *link)
{
	const struct weir_conn *conn = &link->conn;

	return conn->open && !conn->ended && !conn->eof &&
	       (!link->h2 || (weir_h2_room(link->h2) && !weir_origin_http1(link->origin)));
}

struct weir_link *weir_origin_newest(struct weir_origin *origin, const struct weir_lease *lease)
{
	struct weir_list *node = origin->idle.prev;

	while (node != &origin->idle) {
		struct weir_link *link = link_of(node);

		node = node->prev;
		if (link->conn.delivering && !link->h2) /* there may be more in what it just read */
			continue;
		if (!may_have(lease, link))
			continue;
		if (is_usable(link))
			return link;
		weir_link_close(link);
	}
	return NULL;
}

void weir_link_settle(struct weir_link *link)
{
	link->state = WEIR_LINK_SETTLING;
	link->conn.events = &idle_events;
	weir_list_push(&link->origin->aside, &link->conn.node);
	weir_conn_read_start(&link->conn);
	weir_conn_timer(&link->conn, 1);
}

static bool is_wished(const struct weir_link *link)
{
	const struct weir_origin *origin = link->origin;

	return weir_origin_idle(origin) + weir_origin_active(origin) <= weir_warm_wished(origin);
}

/* How long it may still rest. One that is kept warm is asked now and then whether its peer is
 * there, which HTTP/1.1 has no words for. */
static uint64_t rest_ms(const struct weir_link *link, uint64_t idle_ms)
{
	uint64_t at = now_ms(link->origin->pool);
	uint64_t until = link->idle_since_ms + idle_ms;
	uint64_t aged = link->started_ms + WEIR_POOL_AGE_MAX_MS;

	if (until > aged || (link->h2 && is_wished(link)))
		until = aged;
	return until > at ? until - at : 0;
}

void weir_link_idle(struct weir_link *link, uint64_t ms)
{
	struct weir_origin *origin = link->origin;
	uint64_t age_ms = now_ms(origin->pool) - link->started_ms;
	unsigned max = idle_max(origin);

	link->lease = NULL;
	if (link->state == WEIR_LINK_SHARED)
		origin->shared_n--;
	link->state = WEIR_LINK_OPENING; /* until that is decided */
	weir_list_remove(&link->conn.node);
	if (age_ms >= WEIR_POOL_AGE_MAX_MS || origin->refs == 0 || origin->pool->closing ||
	    (link->h2 && weir_origin_http1(origin))) {
		weir_link_close(link);
		return;
	}
	link->state = WEIR_LINK_IDLE;
	link->idle_since_ms = now_ms(origin->pool);
	link->conn.events = &idle_events;
	weir_conn_count(&link->conn, false);
	weir_list_push(&origin->idle, &link->conn.node);
	origin->idle_n++;
	ms = rest_ms(link, ms);
	weir_conn_timer(&link->conn, link->h2 && ms > WEIR_POOL_PING_MS ? WEIR_POOL_PING_MS : ms);
	while (origin->idle_n > max)
		weir_link_close(link_of(origin->idle.next));
	if (origin->waiting_n)
		weir_pool_turn_later(origin->pool);
}

static void on_idle_bytes(struct weir_conn *conn, const char *bytes, size_t len)
{
	struct weir_link *link = WEIR_CONTAINER_OF(conn, struct weir_link, conn);

	if (link->h2)
		weir_share_feed(link, bytes, len);
	else
		weir_link_close(link);
}

static void on_idle_end(struct weir_conn *conn, int err)
{
	(void)err;
	weir_link_close(WEIR_CONTAINER_OF(conn, struct weir_link, conn));
}

static void on_idle_timer(struct weir_conn *conn)
{
	struct weir_link *link = WEIR_CONTAINER_OF(conn, struct weir_link, conn);
	uint64_t ms, again_ms;

	if (link->state == WEIR_LINK_SETTLING) {
		weir_link_idle(link, WEIR_POOL_IDLE_MS);
		return;
	}
	ms = link->h2 ? rest_ms(link, WEIR_POOL_IDLE_MS) : 0;
	again_ms = ms ? weir_share_ask(link) : 0;
	if (again_ms)
		weir_conn_timer(conn, ms < again_ms ? ms : again_ms);
	else
		weir_link_close(link);
}

static const struct weir_conn_events idle_events = { .on_bytes = on_idle_bytes,
						     .on_end = on_idle_end,
						     .on_timer = on_idle_timer };

static void on_handle_closed(uv_handle_t *handle)
{
	struct weir_pool *pool = handle->data;

	pool->handles_open--;
	check_closed(pool);
}

int weir_pool_create(struct weir_pool **to, struct weir_net *net, struct weir_resolver *resolver)
{
	struct weir_pool *pool = weir_calloc(1, sizeof *pool);
	int rc;

	if (!pool)
		return WEIR_ENOMEM;
	pool->net = net;
	pool->resolver = resolver;
	weir_list_init(&pool->origins);
	weir_list_init(&pool->failed);
	weir_list_init(&pool->touched);
	rc = uv_idle_init(net->loop, &pool->turn);
	WEIR_ASSERT(rc == 0);
	rc = uv_prepare_init(net->loop, &pool->before_poll);
	WEIR_ASSERT(rc == 0);
	pool->turn.data = pool->before_poll.data = pool;
	weir_warm_init(pool);
	pool->handles_open = 3;
	*to = pool;
	return 0;
}

static void close_list(struct weir_list *list)
{
	while (!weir_list_empty(list))
		weir_link_close(link_of(list->next));
}

void weir_pool_close(struct weir_pool *pool, void (*on_closed)(void *arg), void *arg)
{
	WEIR_ASSERT(!pool->closing);
	pool->closing = true;
	pool->on_closed = on_closed;
	pool->arg = arg;
	WEIR_LIST_FOR(node, &pool->origins)
	{
		struct weir_origin *origin = WEIR_CONTAINER_OF(node, struct weir_origin, node);

		weir_warm_stop(origin);
		WEIR_ASSERT(origin->leases_n == 0);
		close_list(&origin->idle);
		close_list(&origin->aside);
		close_list(&origin->shared);
	}
	uv_close((uv_handle_t *)&pool->turn, on_handle_closed);
	uv_close((uv_handle_t *)&pool->warm, on_handle_closed);
	uv_close((uv_handle_t *)&pool->before_poll, on_handle_closed);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_proxy(const struct weir_origin_proxy *a, const struct weir_origin_proxy *b)
{
	return same_text(a->host, b->host) && a->port == b->port &&
	       same_text(a->authorization, b->authorization);
}

static bool copy_proxy(struct weir_origin_proxy *to, const struct weir_origin_proxy *from)
{
	to->port = from->port;
	if (from->host)
		to->host = weir_strndup(from->host, strlen(from->host));
	if (from->authorization)
		to->authorization = weir_strndup(from->authorization, strlen(from->authorization));
	return !to->host == !from->host && !to->authorization == !from->authorization;
}

static bool same(const struct weir_origin *origin, const char *host, size_t len,
		 const struct weir_origin_config *config)
{
	/* A released one is never revived: another trust may live at the old address now. */
	return origin->refs && origin->port == config->port && origin->tls == config->tls &&
	       origin->public_vendor == config->public_vendor && strlen(origin->host) == len &&
	       weir_equal_nocase(origin->host, host, len) &&
	       same_proxy(&origin->proxy, &config->proxy);
}

static struct weir_origin *create_origin(struct weir_pool *pool, const char *host, size_t len,
					 const struct weir_origin_config *config)
{
	struct weir_origin *origin = weir_calloc(1, sizeof *origin);

	if (!origin)
		return NULL;
	weir_list_init(&origin->node);
	origin->host = weir_strndup(host, len);
	if (!origin->host || !copy_proxy(&origin->proxy, &config->proxy)) {
		free_origin(origin);
		return NULL;
	}
	origin->pool = pool;
	origin->port = config->port;
	origin->tls = config->tls;
	if (origin->tls)
		weir_tls_config_share(origin->tls);
	origin->public_vendor = config->public_vendor;
	weir_list_init(&origin->waiting);
	weir_list_init(&origin->idle);
	weir_list_init(&origin->aside);
	weir_list_init(&origin->shared);
	origin->each = config->http2 ? WEIR_H2_STREAMS_MAX : 1;
	weir_list_push(&pool->origins, &origin->node);
	return origin;
}

struct weir_origin *weir_pool_origin(struct weir_pool *pool,
				     const struct weir_origin_config *config)
{
	const char *host = config->host;
	size_t len = strlen(host);
	struct weir_origin *origin;

	if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	}
	WEIR_LIST_FOR(node, &pool->origins)
	{
		origin = WEIR_CONTAINER_OF(node, struct weir_origin, node);
		if (same(origin, host, len, config)) {
			origin->refs++;
			return origin;
		}
	}
	origin = create_origin(pool, host, len, config);
	if (origin)
		origin->refs = 1;
	return origin;
}

void weir_origin_release(struct weir_origin *origin)
{
	WEIR_ASSERT(origin->refs > 0);
	if (origin->refs == 1)
		weir_warm_stop(origin);
	if (--origin->refs)
		return;
	close_list(&origin->idle);
	weir_origin_check(origin);
}

static struct weir_link *oldest_idle(const struct weir_pool *pool)
{
	struct weir_link *oldest = NULL;

	WEIR_LIST_FOR(node, &pool->origins)
	{
		struct weir_origin *origin = WEIR_CONTAINER_OF(node, struct weir_origin, node);
		struct weir_link *link = link_of(origin->idle.next);

		if (origin->idle_n && (!oldest || link->idle_since_ms < oldest->idle_since_ms))
			oldest = link;
	}
	return oldest;
}

unsigned weir_pool_shed(struct weir_pool *pool, unsigned n)
{
	struct weir_link *link;
	unsigned shed = 0;

	for (; shed < n && (link = oldest_idle(pool)); shed++)
		weir_link_close(link);
	return shed;
}

void weir_pool_shrink(struct weir_pool *pool)
{
	WEIR_LIST_FOR(node, &pool->origins)
	close_list(&WEIR_CONTAINER_OF(node, struct weir_origin, node)->idle);
}

unsigned weir_origin_idle(const struct weir_origin *origin)
{
	return origin->idle_n;
}

unsigned weir_origin_active(const struct weir_origin *origin)
{
	return origin->active_n - origin->streams_n + origin->shared_n;
}

unsigned weir_origin_streams(const struct weir_origin *origin)
{
	return origin->streams_n;
}
