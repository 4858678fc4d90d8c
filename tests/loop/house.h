/* A pool with its resolver, a DNS server and one listener that stands for the providers. */
#ifndef WEIR_TEST_HOUSE_H
#define WEIR_TEST_HOUSE_H

#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "fake_dns.h"
#include "net/listen.h"
#include "net/pool.h"
#include "net/pool_private.h"
#include "test.h"
#include "trust.h"

enum { HOUSE_MS_MAX = 60000, VISITORS_MAX = 1100 };

struct house;

/* The provider's end of a connection. */
struct visitor {
	struct weir_conn conn;
	bool open, ended, closed;
	uint64_t bytes_n;
};

struct house {
	uv_loop_t loop;
	struct weir_net net;
	struct weir_resolver *resolver;
	struct weir_pool *pool;
	struct fake_dns dns;
	struct fake_name names[8];
	struct weir_listener listener;
	struct weir_tls_config *server_tls;
	struct visitor *visitors[VISITORS_MAX];
	unsigned visitors_n;
	uv_timer_t guard;
	bool late;
	unsigned closed; /* pool and resolver */
	size_t live_before;
};

struct user {
	struct weir_lease lease;
	struct house *house;
	unsigned ready, failed;
	bool taking; /* inside weir_pool_take() */
	char reason[24], text[120];
	enum weir_lease_phase last_phase;
	void (*then)(struct user *user); /* after on_ready or on_failed */
};

static inline void visitor_on_open(struct weir_conn *conn, int err, const char *reason)
{
	struct visitor *visitor = conn->user;

	(void)reason;
	visitor->open = err == 0;
	if (err)
		weir_conn_close(conn);
}

static inline void visitor_on_bytes(struct weir_conn *conn, const char *bytes, size_t len)
{
	(void)bytes;
	((struct visitor *)conn->user)->bytes_n += len;
}

static inline void visitor_on_end(struct weir_conn *conn, int err)
{
	(void)err;
	((struct visitor *)conn->user)->ended = true;
	weir_conn_close(conn);
}

static inline void visitor_on_closed(struct weir_conn *conn)
{
	((struct visitor *)conn->user)->closed = true;
}

static const struct weir_conn_events visitor_events = { .on_open = visitor_on_open,
							.on_bytes = visitor_on_bytes,
							.on_end = visitor_on_end };

static inline void house_on_connection(struct weir_listener *listener)
{
	struct house *h = listener->user;
	struct visitor *visitor = calloc(1, sizeof *visitor); /* not weir_alloc(): it may fail */
	struct weir_tls_session *tls = NULL;

	if (h->server_tls)
		tls = weir_tls_session_create(h->server_tls, NULL, NULL);
	h->visitors[h->visitors_n++] = visitor;
	if (weir_conn_accept(&visitor->conn, &h->net, &listener->uv.stream, tls, &visitor_events,
			     visitor, visitor_on_closed)) {
		CHECK(!"accepts");
		return;
	}
	if (h->server_tls && !tls)
		weir_conn_close(&visitor->conn); /* out of memory */
}

static inline void house_on_guard(uv_timer_t *timer)
{
	struct house *h = timer->data;

	h->late = true;
	uv_stop(&h->loop);
}

static size_t house_trust_live;

/* For one or more houses: what TLS makes once and keeps is counted at its end only. */
static inline bool house_trust(struct trust *trust)
{
	house_trust_live = weir_alloc_live();
	return trust_init(trust, 0);
}

static inline void house_distrust(struct trust *trust)
{
	trust_fini(trust);
	CHECK_INT(weir_alloc_live(), house_trust_live);
}

static inline bool house_open(struct house *h, struct weir_tls_config *server_tls)
{
	struct weir_error err = { 0 };

	memset(h, 0, sizeof *h);
	h->live_before = weir_alloc_live();
	h->server_tls = server_tls;
	CHECK_INT(uv_loop_init(&h->loop), 0);
	uv_timer_init(&h->loop, &h->guard);
	h->guard.data = h;
	uv_timer_start(&h->guard, house_on_guard, HOUSE_MS_MAX, 0);
	if (!fake_dns_open(&h->dns, &h->loop, h->names) || weir_net_init(&h->net, &h->loop) ||
	    weir_listener_open(&h->listener, &h->loop, "127.0.0.1:0", house_on_connection, h,
			       &err) ||
	    weir_resolver_create(&h->resolver, &h->loop, &err) ||
	    weir_resolver_set_servers(h->resolver, h->dns.address) ||
	    weir_pool_create(&h->pool, &h->net, h->resolver)) {
		NOTE("%s", err.text);
		return false;
	}
	return true;
}

static inline struct weir_origin *house_origin(struct house *h, const char *host,
					       struct weir_tls_config *tls)
{
	struct weir_origin_config config = { .host = host,
					     .port = (uint16_t)weir_listener_port(&h->listener),
					     .tls = tls };
	struct weir_origin *origin = weir_pool_origin(h->pool, &config);

	CHECK(origin != NULL);
	return origin;
}

static inline void house_turns(struct house *h, unsigned n)
{
	while (n--)
		uv_run(&h->loop, UV_RUN_NOWAIT);
}

static inline void house_sleep(struct house *h, uint64_t ms)
{
	uint64_t end_ms;

	uv_update_time(&h->loop);
	for (end_ms = uv_now(&h->loop) + ms; uv_now(&h->loop) < end_ms;) {
		uv_sleep(1);
		uv_run(&h->loop, UV_RUN_NOWAIT);
	}
}

#define HOUSE_UNTIL(house_, cond)                             \
	do {                                                  \
		while (!(cond) && !(house_)->late)            \
			uv_run(&(house_)->loop, UV_RUN_ONCE); \
		CHECK(cond);                                  \
	} while (0)

static inline void house_on_part_closed(void *arg)
{
	((struct house *)arg)->closed++;
}

static inline void house_close_pool(struct house *h)
{
	if (h->pool)
		weir_pool_close(h->pool, house_on_part_closed, h);
	h->pool = NULL;
}

/* Everything must vanish by itself once closed. */
static inline void house_close(struct house *h)
{
	CHECK(!h->late);
	house_close_pool(h);
	if (h->resolver)
		weir_resolver_close(h->resolver, house_on_part_closed, h);
	for (unsigned i = 0; i < h->visitors_n; i++)
		if (h->visitors[i]->conn.net && !h->visitors[i]->closed)
			weir_conn_close(&h->visitors[i]->conn);
	weir_listener_close(&h->listener, NULL);
	fake_dns_close(&h->dns);
	uv_close((uv_handle_t *)&h->guard, NULL);
	CHECK_INT(uv_run(&h->loop, UV_RUN_DEFAULT), 0);
	CHECK_INT(h->closed, 2);
	CHECK_INT(h->net.conns_n, 0);
	for (unsigned i = 0; i < h->visitors_n; i++)
		free(h->visitors[i]);
	weir_net_fini(&h->net);
	CHECK_INT(uv_loop_close(&h->loop), 0);
	if (!h->server_tls)
		CHECK_INT(weir_alloc_live(), h->live_before);
}

static inline unsigned house_visitors_open(const struct house *h)
{
	unsigned n = 0;

	for (unsigned i = 0; i < h->visitors_n; i++)
		n += h->visitors[i]->open && !h->visitors[i]->ended;
	return n;
}

static inline void user_on_ready(struct weir_lease *lease)
{
	struct user *user = WEIR_CONTAINER_OF(lease, struct user, lease);

	CHECK(!user->taking && user->failed == 0);
	CHECK_INT(lease->phase, WEIR_LEASE_HELD);
	CHECK(lease->link && lease->link->conn.open && !lease->link->conn.closing);
	user->ready++;
	if (user->then)
		user->then(user);
}

static inline void user_on_failed(struct weir_lease *lease, const char *reason, const char *text)
{
	struct user *user = WEIR_CONTAINER_OF(lease, struct user, lease);

	CHECK(!user->taking && user->ready == 0);
	CHECK_INT(lease->phase, WEIR_LEASE_IDLE);
	snprintf(user->reason, sizeof user->reason, "%s", reason);
	snprintf(user->text, sizeof user->text, "%s", text);
	user->failed++;
	if (user->then)
		user->then(user);
}

static inline int user_take(struct user *user, struct weir_origin *origin, bool fresh)
{
	int rc;

	user->lease = (struct weir_lease){ .on_ready = user_on_ready, .on_failed = user_on_failed };
	user->ready = user->failed = 0;
	user->taking = true;
	rc = weir_pool_take(origin, &user->lease, fresh);
	user->taking = false;
	CHECK(user->ready == 0 && user->failed == 0);
	if (rc == 1)
		user->ready = 1;
	return rc;
}

#endif
