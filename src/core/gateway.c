#include "core/gateway.h"

#include <endian.h>
#include <sys/random.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "core/attempt.h"
#include "core/client.h"
#include "core/doors.h"
#include "core/request.h"

enum { REQUEST_ID_DIGITS = 24, ROOM_LOOK_MS = 20 };
enum { CALENDAR_MOVED_MS = 100 }; /* by more, and it was set */

/* Draining: how long nobody must have asked before idle callers are let go, and when they are at
 * the latest. Where a successor serves already, nobody waits for the end. */
enum {
	PARTING_MS = 1000,
	PARTING_MS_MAX = 10 * 1000,
	PARTING_LONG_MS = 10 * 1000,
	PARTING_LONG_MS_MAX = WEIR_CLIENT_IDLE_MS,
	PARTING_STEP_MS = 20,
	PARTING_LOOK_MS = 200
};

static int seed(struct weir_gateway *g, uint64_t wanted)
{
	if (!wanted && getrandom(&wanted, sizeof wanted, 0) != sizeof wanted)
		return -1;
	weir_rng_init(&g->rng, wanted);
	return 0;
}

static int open_machinery(struct weir_gateway *g, uint64_t wanted_seed, struct weir_error *err)
{
	int rc;

	if (seed(g, wanted_seed))
		return weir_fail(err, WEIR_ETLS, "the system gives no random numbers");
	g->metrics = weir_metrics_create(g->shm);
	g->bonds = weir_bonds_create(g->shm);
	if (g->metrics)
		g->recent = weir_recent_create(g->metrics, g->started_ms);
	if (!g->recent || !g->bonds || weir_net_init(&g->net, g->loop))
		return weir_fail(err, WEIR_ENOMEM, "out of memory");
	rc = weir_resolver_create(&g->resolver, g->loop, err);
	if (rc == 0 && weir_pool_create(&g->pool, &g->net, g->resolver))
		rc = weir_fail(err, WEIR_ENOMEM, "out of memory");
	if (rc == 0)
		weir_pool_shun(g->pool, weir_doors_are_at, g);
	weir_crowd_init(&g->crowd, weir_rng_next(&g->rng));
	return rc;
}

uint64_t weir_gateway_now_ms(const struct weir_gateway *g)
{
	return g->now_ms ? g->now_ms(g->callbacks_arg) : uv_now(g->loop);
}

struct weir_quota_time weir_gateway_time(const struct weir_gateway *g)
{
	return (struct weir_quota_time){ weir_gateway_now_ms(g), (uint64_t)time(NULL) };
}

static void on_polled(uv_check_t *polled)
{
	struct weir_gateway *g = polled->data;

	weir_lag_polled(&g->lag, g->loop);
}

static void on_turn(uv_prepare_t *turn)
{
	struct weir_gateway *g = turn->data;

	weir_lag_turn(&g->lag, g->net.began_ns, g->metrics);
	weir_net_turn(&g->net);
}

int weir_gateway_open(struct weir_gateway *g, uv_loop_t *loop, struct weir_config *config,
		      uint64_t wanted_seed, struct weir_error *err)
{
	int rc;

	g->loop = loop;
	g->started_ms = weir_gateway_now_ms(g);
	g->callers.shm = g->shm;
	weir_memory_open(&g->memory, NULL);
	weir_list_init(&g->clients);
	weir_list_init(&g->greeting);
	weir_list_init(&g->requests);
	weir_list_init(&g->attempts);
	weir_list_init(&g->waiting);
	weir_list_init(&g->doors);
	weir_list_init(&g->leaving);
	weir_list_init(&g->heirlooms);
	uv_timer_init(loop, &g->timer);
	uv_timer_init(loop, &g->room);
	uv_prepare_init(loop, &g->turn);
	uv_check_init(loop, &g->polled);
	uv_unref((uv_handle_t *)&g->turn);
	uv_unref((uv_handle_t *)&g->polled);
	g->timer.data = g->room.data = g->turn.data = g->polled.data = g;
	weir_events_init(&g->events, g);
	weir_watch_init(&g->watch, g);
	g->handles_open = 7;
	rc = open_machinery(g, wanted_seed, err);
	if (rc) {
		weir_config_unref(config);
		return rc;
	}
	uv_prepare_start(&g->turn, on_turn);
	uv_check_start(&g->polled, on_polled);
	rc = weir_snapshot_create(&g->now, g, config, NULL, err);
	if (rc)
		return rc;
	weir_snapshot_settle(g->now, NULL);
	weir_gateway_heed_log(g);
	weir_metrics_reload(g->metrics, true, g->now->generation, (uint64_t)time(NULL));
	weir_watch_start(&g->watch);
	return 0;
}

static uint64_t unix_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The loop's clock and the calendar's are read a moment apart: when something was must not
 * move by that. */
static uint64_t steady_unix_ms(struct weir_gateway *g)
{
	uint64_t now_ms = weir_gateway_now_ms(g), ahead_ms = unix_ms() - now_ms;
	int64_t moved_ms = (int64_t)(ahead_ms - g->unix_ahead_ms);

	if (moved_ms > CALENDAR_MOVED_MS || moved_ms < -CALENDAR_MOVED_MS)
		g->unix_ahead_ms = ahead_ms;
	return now_ms + g->unix_ahead_ms;
}

struct weir_standing weir_gateway_standing(struct weir_gateway *g)
{
	return (struct weir_standing){
		.config = g->now->config,
		.board = g->now->board,
		.origins = g->now->origins,
		.ledger = g->now->ledger,
		.books = g->now->books,
		.generation = g->now->generation,
		.now_ms = weir_gateway_now_ms(g),
		.uptime_s = (weir_gateway_now_ms(g) - g->started_ms) / 1000,
		.unix_ms = steady_unix_ms(g),
		.draining = g->draining,
		.reload = weir_buf_slice(&g->reload),
		.shared = weir_shared_status(g->shared),
		.shm = g->shm,
	};
}

void weir_gateway_heed_log(struct weir_gateway *g)
{
	const struct weir_logging *said = &g->now->config->log;

	g->log.least = said->least;
	if (g->log_text_fixed)
		return;
	g->log.text = said->format == WEIR_LOG_AUTO ? g->log_text && !said->file
						    : said->format == WEIR_LOG_TEXT;
}

/* Eight digits, the lowest first. */
static void put_hex(char *at, uint32_t bits)
{
	const uint64_t ones = ~UINT64_C(0) / 255;
	uint64_t x = bits;

	x = (x | x << 16) & UINT64_C(0x0000ffff0000ffff);
	x = (x | x << 8) & UINT64_C(0x00ff00ff00ff00ff);
	x = (x | x << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	x = htole64(x);
	x += ones * '0' + ((x + ones * 6) >> 4 & ones) * ('a' - '9' - 1);
	memcpy(at, &x, sizeof x);
}

void weir_gateway_make_id(struct weir_gateway *g, char id[WEIR_REQUEST_ID_MAX])
{
	static const char prefix[] = "req_";
	char *at = id + sizeof prefix - 1;

	uint64_t bits = 0;

	_Static_assert(REQUEST_ID_DIGITS % 8 == 0, "so many at once");
	memcpy(id, prefix, sizeof prefix - 1);
	for (unsigned i = 0; i < REQUEST_ID_DIGITS; i += 8, at += 8, bits >>= 32) {
		if (i % 16 == 0)
			bits = weir_rng_next(&g->rng);
		put_hex(at, (uint32_t)bits);
	}
	*at = '\0';
}

static void on_freed(void *arg)
{
	struct weir_gateway *g = arg;
	void (*on_closed)(void *) = g->on_closed;
	void *closed_arg = g->closed_arg;

	if (g->net.loop)
		weir_net_fini(&g->net);
	weir_snapshot_unref(g->now);
	weir_recent_destroy(g->recent);
	weir_callers_fini(&g->callers);
	weir_metrics_destroy(g->metrics);
	weir_buf_fini(&g->reload);
	weir_free(g->config_path);
	weir_bonds_destroy(g->bonds, g->shm);
	weir_memory_close(&g->memory);
	weir_spares_fini(&g->spare_requests);
	weir_spares_fini(&g->spare_attempts);
	weir_free(g);
	if (on_closed)
		on_closed(closed_arg);
}

static void on_pool_closed(void *arg)
{
	struct weir_gateway *g = arg;

	if (g->resolver)
		weir_resolver_close(g->resolver, on_freed, g);
	else
		on_freed(g);
}

static void on_timer(uv_timer_t *timer);
static void on_room(uv_timer_t *timer);
static void close_all(struct weir_gateway *g);

/* Deferred by a turn, so that nobody is called back inside his own call. */
static void wake_soon(struct weir_gateway *g, uint64_t ms)
{
	if (!uv_is_closing((uv_handle_t *)&g->timer))
		uv_timer_start(&g->timer, on_timer, ms, 0);
}

static bool is_drained(const struct weir_gateway *g)
{
	return g->shut && g->on_drained && g->requests_n == 0 && g->clients_n == 0 &&
	       weir_list_empty(&g->leaving) && weir_exporter_is_flushed(g->exporter) &&
	       weir_shared_is_flushed(g->shared);
}

static bool is_empty(const struct weir_gateway *g)
{
	return g->closing && g->requests_n == 0 && g->clients_n == 0 && g->admin_clients_n == 0 &&
	       g->attempts_n == 0 && g->handles_open == 0;
}

void weir_gateway_settle(struct weir_gateway *g)
{
	if (g->shut && !g->closing && g->requests_n == 0 && g->clients_n == 0) {
		weir_exporter_flush(g->exporter);
		weir_shared_flush(g->shared);
	}
	if (is_drained(g) && !g->closing)
		wake_soon(g, 0);
	if (!is_empty(g) || g->emptied)
		return;
	g->emptied = true;
	if (g->now)
		weir_snapshot_leave_pool(g->now);
	if (g->pool)
		weir_pool_close(g->pool, on_pool_closed, g);
	else
		on_pool_closed(g);
}

/* Nobody tells when another process has made some. */
void weir_gateway_await_room(struct weir_gateway *g)
{
	if (g->shm && !weir_list_empty(&g->waiting) && !uv_is_closing((uv_handle_t *)&g->room))
		uv_timer_start(&g->room, on_room, ROOM_LOOK_MS, 0);
}

/* In order; who takes the room leaves the list. */
static void on_room(uv_timer_t *timer)
{
	struct weir_gateway *g = timer->data;

	WEIR_LIST_FOR(node, &g->waiting)
	weir_request_report_room(node);
	weir_gateway_await_room(g);
}

void weir_gateway_make_room(struct weir_gateway *g)
{
	if (!weir_list_empty(&g->waiting) && !uv_is_closing((uv_handle_t *)&g->room))
		uv_timer_start(&g->room, on_room, 0, 0);
}

static void tell_drained(struct weir_gateway *g)
{
	void (*on_drained)(void *) = g->on_drained;

	g->on_drained = NULL;
	g->told_drained |= on_drained != NULL;
	if (on_drained)
		on_drained(g->drained_arg);
}

static void on_exporter_closed(struct weir_gateway *g)
{
	g->exporter = NULL;
	g->handles_open--;
	weir_gateway_settle(g);
}

static void on_shared_closed(struct weir_gateway *g)
{
	g->shared = NULL;
	g->handles_open--;
	weir_gateway_settle(g);
}

/* Callers without a request. Closing their connections at once would meet requests that are on
 * their way, most of all from those who find no other connection just now. So they may ask once
 * more, and are told that it is the last time, until nobody has for a while; then they are closed,
 * few at a time, the longest idle first: a pool of connections is a stack. Returns when to look
 * again. */
static uint64_t part_clients(struct weir_gateway *g)
{
	uint64_t quiet_ms = g->handed_over ? PARTING_LONG_MS : PARTING_MS;
	uint64_t end_ms = g->draining_ms + (g->handed_over ? PARTING_LONG_MS_MAX : PARTING_MS_MAX);
	uint64_t now_ms = weir_gateway_now_ms(g), left_ms = end_ms > now_ms ? end_ms - now_ms : 0;
	uint64_t since_ms = now_ms > quiet_ms ? now_ms - quiet_ms : 0;
	unsigned most = (unsigned)(g->clients_n * PARTING_STEP_MS / (left_ms + 1)) + 1, n = 0;

	if (now_ms < g->draining_ms + quiet_ms || (g->stirred_ms > since_ms && left_ms))
		return PARTING_LOOK_MS;
	WEIR_LIST_FOR(node, &g->clients)
	if (n < most &&
	    weir_client_part(WEIR_CONTAINER_OF(node, struct weir_client, node), since_ms))
		n++;
	return n ? PARTING_STEP_MS : PARTING_LOOK_MS;
}

static void go_on_draining(struct weir_gateway *g)
{
	uint64_t past_ms = weir_gateway_now_ms(g) - g->draining_ms, next_ms;
	uint64_t delay_ms = g->handed_over ? 0 : g->now->config->drain_delay_ms,
		 most_ms = g->now->config->drain_timeout_ms;

	if (!g->shut && past_ms >= (delay_ms < most_ms ? delay_ms : most_ms)) {
		g->shut = true;
		weir_doors_leave(g, g->handed_over);
		weir_gateway_settle(g);
	}
	if (is_drained(g) || past_ms >= most_ms) {
		tell_drained(g);
		return;
	}
	next_ms = g->clients_n || !weir_list_empty(&g->leaving) ? part_clients(g) : most_ms;
	if (next_ms > (g->shut ? most_ms : delay_ms) - past_ms)
		next_ms = (g->shut ? most_ms : delay_ms) - past_ms;
	wake_soon(g, next_ms);
}

static void on_timer(uv_timer_t *timer)
{
	struct weir_gateway *g = timer->data;

	if (g->drain_asked) {
		g->drain_asked = false;
		if (g->on_drain)
			g->on_drain(g->callbacks_arg);
		else
			weir_gateway_drain(g, NULL, NULL);
	}
	if (g->draining && !g->closing)
		go_on_draining(g);
	if (g->close_due)
		close_all(g);
}

void weir_gateway_wake(struct weir_gateway *g)
{
	WEIR_LIST_FOR(request, &g->requests)
	weir_request_wake(weir_request_of(request));
	if (g->draining && !g->closing)
		wake_soon(g, 0);
}

void weir_gateway_ask_drain(struct weir_gateway *g)
{
	if (g->draining || g->closing)
		return;
	g->drain_asked = true;
	wake_soon(g, 0);
}

void weir_gateway_drain(struct weir_gateway *g, void (*on_drained)(void *arg), void *arg)
{
	if (g->closing)
		return;
	if (g->draining) { /* begun by POST /drain, for nobody */
		if (!g->on_drained && !g->told_drained) {
			g->on_drained = on_drained;
			g->drained_arg = arg;
			wake_soon(g, 0);
		}
		return;
	}
	g->draining = true;
	g->draining_ms = weir_gateway_now_ms(g);
	g->on_drained = on_drained;
	g->drained_arg = arg;
	weir_snapshot_cool(g->now);
	wake_soon(g, 0);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct weir_gateway *g = handle->data;

	g->handles_open--;
	weir_gateway_settle(g);
}

static void close_all(struct weir_gateway *g)
{
	g->close_due = false;
	weir_doors_close(g);
	WEIR_LIST_FOR(client, &g->clients)
	weir_client_close(WEIR_CONTAINER_OF(client, struct weir_client, node));
	WEIR_LIST_FOR(request, &g->requests)
	weir_request_hangup(weir_request_of(request));
	WEIR_LIST_FOR(attempt, &g->attempts)
	weir_attempt_release(WEIR_CONTAINER_OF(attempt, struct weir_attempt, node));
	if (g->exporter)
		weir_exporter_close(g->exporter, on_exporter_closed);
	if (g->shared)
		weir_shared_close(g->shared, on_shared_closed);
	weir_events_close(&g->events, on_timer_closed);
	weir_watch_close(&g->watch, on_timer_closed);
	uv_close((uv_handle_t *)&g->timer, on_timer_closed);
	uv_close((uv_handle_t *)&g->room, on_timer_closed);
	uv_close((uv_handle_t *)&g->turn, on_timer_closed);
	uv_close((uv_handle_t *)&g->polled, on_timer_closed);
	if (g->net.loop)
		weir_net_unbound(&g->net);
}

void weir_gateway_close(struct weir_gateway *g, void (*on_closed)(void *arg), void *arg)
{
	if (g->closing)
		return;
	g->closing = true;
	g->on_closed = on_closed;
	g->closed_arg = arg;
	g->close_due = g->telling > 0;
	if (g->close_due)
		wake_soon(g, 0);
	else
		close_all(g);
}
