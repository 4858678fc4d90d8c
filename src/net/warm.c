#include "base/assert.h"
#include "net/pool_private.h"

enum { AGAIN_MS = 1000, DOUBLINGS_MAX = 6 };

static void on_timer(uv_timer_t *timer);

static uint64_t now_ms(const struct weir_pool *pool)
{
	return uv_now(pool->net->loop);
}

static void arm(struct weir_pool *pool)
{
	uint64_t first_ms = UINT64_MAX, at_ms = now_ms(pool);

	if (pool->closing)
		return;
	WEIR_LIST_FOR(node, &pool->origins)
	{
		uint64_t due_ms = WEIR_CONTAINER_OF(node, struct weir_origin, node)->warm.due_ms;

		if (due_ms && due_ms < first_ms)
			first_ms = due_ms;
	}
	if (first_ms == UINT64_MAX)
		uv_timer_stop(&pool->warm);
	else
		uv_timer_start(&pool->warm, on_timer, first_ms > at_ms ? first_ms - at_ms : 0, 0);
}

/* Not all at the same moment, and ever more seldom what keeps failing. */
static uint64_t pause_ms(struct weir_origin *origin)
{
	unsigned n = origin->warm.failures;
	uint64_t ms = WEIR_POOL_WARM_JITTER_MS;

	if (n)
		ms = (uint64_t)AGAIN_MS << (n < DOUBLINGS_MAX ? n : DOUBLINGS_MAX);
	if (ms > WEIR_POOL_WARM_AGAIN_MS_MAX)
		ms = WEIR_POOL_WARM_AGAIN_MS_MAX;
	return (n ? ms / 2 : 0) + weir_rng_upto(&origin->pool->rng, n ? ms / 2 : ms);
}

unsigned weir_warm_wished(const struct weir_origin *origin)
{
	const struct weir_warm *warm = &origin->warm;

	return warm->shared_n > warm->n && !origin->plain ? warm->shared_n : warm->n;
}

static bool enough(const struct weir_origin *origin)
{
	return weir_origin_idle(origin) + weir_origin_active(origin) >= weir_warm_wished(origin);
}

static void plan(struct weir_origin *origin)
{
	struct weir_warm *warm = &origin->warm;

	if (warm->due_ms || enough(origin) || origin->refs == 0 || origin->pool->closing)
		return;
	warm->due_ms = now_ms(origin->pool) + pause_ms(origin);
	arm(origin->pool);
}

void weir_warm_look(struct weir_origin *origin)
{
	struct weir_warm *warm = &origin->warm;

	if (warm->due_ms || enough(origin))
		return;
	if (now_ms(origin->pool) - warm->opened_ms >= WEIR_POOL_WARM_SHORT_MS)
		warm->failures = 0;
	else
		warm->failures++;
	plan(origin);
}

static void failed(struct weir_origin *origin)
{
	origin->warm.due_ms = 0;
	origin->warm.failures++;
	plan(origin);
}

static void on_ready(struct weir_lease *lease)
{
	struct weir_origin *origin = lease->origin;

	origin->warm.due_ms = 0;
	origin->warm.opened_ms = now_ms(origin->pool);
	weir_pool_give(lease, 0);
	plan(origin);
	arm(origin->pool);
}

static void on_failed(struct weir_lease *lease, const char *reason, const char *text)
{
	(void)reason;
	(void)text;
	failed(lease->origin);
}

static void begin(struct weir_origin *origin)
{
	struct weir_lease *lease = &origin->warm.lease;

	lease->on_ready = on_ready;
	lease->on_failed = on_failed;
	if (weir_pool_take(origin, lease, true) < 0)
		failed(origin);
	else
		origin->warm.due_ms = now_ms(origin->pool) + WEIR_POOL_ORPHAN_MS;
}

static void go_on(struct weir_origin *origin)
{
	if (origin->warm.lease.phase != WEIR_LEASE_IDLE) {
		weir_pool_drop(&origin->warm.lease);
		failed(origin);
		return;
	}
	origin->warm.due_ms = 0;
	if (!enough(origin))
		begin(origin);
}

static void on_timer(uv_timer_t *timer)
{
	struct weir_pool *pool = timer->data;
	uint64_t at_ms = now_ms(pool);

	WEIR_LIST_FOR(node, &pool->origins)
	{
		struct weir_origin *origin = WEIR_CONTAINER_OF(node, struct weir_origin, node);

		if (origin->warm.due_ms && origin->warm.due_ms <= at_ms)
			go_on(origin);
	}
	arm(pool);
}

void weir_warm_init(struct weir_pool *pool)
{
	int rc = uv_timer_init(pool->net->loop, &pool->warm);

	WEIR_ASSERT(rc == 0);
	uv_unref((uv_handle_t *)&pool->warm);
	pool->warm.data = pool;
	weir_rng_init(&pool->rng, uv_hrtime() ^ (uint64_t)(uintptr_t)pool);
}

void weir_origin_cool(struct weir_origin *origin)
{
	origin->warm.n = origin->warm.shared_n = 0;
}

void weir_warm_stop(struct weir_origin *origin)
{
	weir_pool_drop(&origin->warm.lease);
	weir_origin_cool(origin);
	origin->warm.due_ms = 0;
}

static void wish(struct weir_origin *origin, unsigned *wished, unsigned n)
{
	if (n > WEIR_POOL_WARM_MAX)
		n = WEIR_POOL_WARM_MAX;
	if (n > *wished)
		*wished = n;
	plan(origin);
}

void weir_origin_warm(struct weir_origin *origin, unsigned n)
{
	wish(origin, &origin->warm.n, n);
}

void weir_origin_warm_shared(struct weir_origin *origin, unsigned n)
{
	wish(origin, &origin->warm.shared_n, n);
}
