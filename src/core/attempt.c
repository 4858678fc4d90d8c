#include "core/attempt.h"

#include <time.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/error.h"
#include "core/attempt_head.h"

/* What is written beside the body: its new model, or the turns that ask to go on. */
enum { ADDED_MAX = WEIR_ATTEMPT_HEAD_MAX + 6 * WEIR_SEAM_TEXT_MAX };
enum { WRITE_SLICES_MAX = 32 };
enum { ADDED_ROOM = 256 }; /* of most of them */

/* As of the last tick of the kernel's, which is cheap: it is for dates, to the second. */
static uint64_t unix_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int compose_foreign(struct weir_attempt *a, const struct weir_attempt_order *order)
{
	struct weir_slice body;
	int rc = weir_attempt_foreign_make(a, order);

	if (rc)
		return rc;
	body = weir_attempt_foreign_body(a->foreign);
	a->pieces = weir_calloc(2, sizeof *a->pieces);
	rc = a->pieces ? weir_attempt_put_head(&a->head, order, body.len) : WEIR_ENOMEM;
	if (rc)
		return rc;
	a->pieces_n = 2;
	a->pieces[0] = weir_buf_slice(&a->head);
	a->pieces[1] = body;
	return 0;
}

/* pieces[0] is the head, the rest the edited body. */
static int compose(struct weir_attempt *a, const struct weir_attempt_order *order)
{
	struct weir_buf added;
	char room[ADDED_ROOM] WEIR_UNINITIALIZED;
	size_t length, head_len;
	int rc;

	weir_buf_init_lent(&added, ADDED_MAX, room, sizeof room);
	rc = weir_body_pieces(order->body, order->edit, &added, &a->pieces, &a->pieces_n, &length);
	if (rc == 0)
		rc = weir_attempt_put_head(&a->head, order, length);
	head_len = a->head.len;
	if (rc == 0)
		rc = weir_buf_append(&a->head, added.base, added.len);
	if (rc == 0)
		a->pieces[0] = weir_slice(a->head.base, head_len);
	for (size_t i = 1; rc == 0 && added.len && i < a->pieces_n; i++) {
		const char **at = &a->pieces[i].base;

		if (*at >= added.base && *at < added.base + added.len)
			*at = a->head.base + head_len + (*at - added.base);
	}
	weir_buf_fini(&added);
	return rc;
}

static void discard(struct weir_attempt *a)
{
	struct weir_gateway *gateway = a->gateway;

	weir_list_remove(&a->node);
	gateway->attempts_n--;
	weir_exchange_fini(&a->exchange);
	weir_buf_fini(&a->head);
	weir_free(a->pieces);
	weir_attempt_foreign_free(a->foreign);
	if (a->adapted)
		weir_adapted_fini(a->adapted);
	weir_free(a->adapted);
	weir_spares_give(&gateway->spare_attempts, a);
	weir_gateway_settle(gateway);
}

const struct weir_drops *weir_attempt_drops(const struct weir_attempt *a)
{
	static const struct weir_drops nothing = { .n = 0 };

	if (a->foreign)
		return weir_attempt_foreign_drops(a->foreign);
	return a->adapted ? &a->adapted->told : &nothing;
}

bool weir_attempt_added(const struct weir_attempt *a)
{
	const struct weir_exchange *x = &a->exchange;

	return x->unasked && strcmp(x->refused_field, x->unasked->field) == 0;
}

bool weir_attempt_sent(const struct weir_attempt *a)
{
	return a->pieces_sent == a->pieces_n;
}

bool weir_attempt_forget(struct weir_attempt *a)
{
	if (!weir_attempt_sent(a))
		return false;
	weir_buf_fini(&a->head);
	weir_free(a->pieces);
	a->pieces = NULL;
	a->pieces_n = a->pieces_sent = 0;
	if (a->foreign)
		weir_attempt_foreign_forget(a->foreign);
	return true;
}

/* As much as the connection's queue should hold; on_drained brings us back. */
static void send_more(struct weir_attempt *a)
{
	while (!weir_attempt_sent(a) && weir_lease_queued(&a->lease) <= WEIR_CONN_QUEUE_LOW) {
		struct weir_slice slices[WRITE_SLICES_MAX] WEIR_UNINITIALIZED;
		size_t n = 0, bytes = 0;
		int rc;

		while (n < WRITE_SLICES_MAX && bytes < WEIR_CONN_QUEUE_HIGH &&
		       !weir_attempt_sent(a)) {
			struct weir_slice piece = a->pieces[a->pieces_sent];
			size_t left = piece.len - a->piece_sent;
			size_t take = left < WEIR_CONN_QUEUE_HIGH ? left : WEIR_CONN_QUEUE_HIGH;

			slices[n++] = weir_slice(piece.base + a->piece_sent, take);
			bytes += take;
			a->piece_sent += take;
			if (a->piece_sent == piece.len) {
				a->pieces_sent++;
				a->piece_sent = 0;
			}
		}
		rc = weir_lease_write(&a->lease, slices, n);
		/* A broken connection says so by on_end; an answer may still be readable. One
		 * that could not take it for lack of memory would leave a hole. */
		if (rc == WEIR_ENOMEM || rc == WEIR_ELIMIT)
			weir_lease_timer(&a->lease, 0);
		if (rc)
			break;
	}
}

/* The end of a draining attempt, or its connection's way back to the pool. */
static void settle_drain(struct weir_attempt *a)
{
	struct weir_exchange *x = &a->exchange;

	if (!x->message_complete)
		return;
	if (x->reusable && weir_attempt_sent(a))
		weir_pool_give(&a->lease, x->idle_ms);
	else
		weir_pool_drop(&a->lease);
	discard(a);
}

static void go_on(struct weir_attempt *a, enum weir_exchange_state state)
{
	if (a->drains)
		settle_drain(a);
	else if (state != WEIR_EXCHANGE_WAITING)
		a->events->on_news(a);
}

static struct weir_attempt *of(struct weir_lease *lease)
{
	return WEIR_CONTAINER_OF(lease, struct weir_attempt, lease);
}

static uint64_t unix_now_ms(const struct weir_attempt *a)
{
	return weir_gateway_now_ms(a->gateway) + a->unix_ahead_ms;
}

static void on_bytes(struct weir_lease *lease, const char *bytes, size_t len)
{
	struct weir_attempt *a = of(lease);

	go_on(a, weir_exchange_feed(&a->exchange, bytes, len, unix_now_ms(a)));
}

static void on_head(struct weir_lease *lease, struct weir_http_head *head)
{
	struct weir_attempt *a = of(lease);

	go_on(a, weir_exchange_take_head(&a->exchange, head, unix_now_ms(a)));
}

static void on_body(struct weir_lease *lease, struct weir_slice bytes)
{
	struct weir_attempt *a = of(lease);

	go_on(a, weir_exchange_take_bytes(&a->exchange, bytes, unix_now_ms(a)));
}

static int take_connection(struct weir_attempt *a, bool fresh);

/* What the provider did nothing with is no failure of anybody: once, another connection takes its
 * place and nothing is counted. */
static bool replace(struct weir_attempt *a, enum weir_end ending)
{
	int rc;

	if ((ending != WEIR_END_STALE && ending != WEIR_END_REFUSED) || a->replaced)
		return false;
	a->replaced = true;
	a->pieces_sent = a->piece_sent = 0;
	weir_pool_drop(&a->lease);
	rc = take_connection(a, ending == WEIR_END_STALE);
	if (rc > 0)
		send_more(a);
	else if (rc == 0)
		a->events->on_replaced(a);
	return rc >= 0;
}

/* Not a word of an answer, but one of TLS: an alert that comes after the handshake, as where a
 * certificate is wanted in TLS 1.3; or new keys. */
static void explain(struct weir_attempt *a)
{
	const struct weir_conn *conn = a->lease.conn;
	const char *reason = conn && conn->tls ? weir_tls_reason(conn->tls) : NULL;

	if (a->exchange.any_byte || !reason || a->exchange.state != WEIR_EXCHANGE_FAILED)
		return;
	a->exchange.verdict.reason = reason;
	weir_slice_print(weir_slice_of(weir_tls_sentence(conn->tls)), a->text, sizeof a->text);
}

static void on_end(struct weir_lease *lease, enum weir_end ending)
{
	struct weir_attempt *a = of(lease);

	if (a->drains) {
		weir_pool_drop(&a->lease);
		discard(a);
		return;
	}
	if (replace(a, ending))
		return;
	weir_exchange_end(&a->exchange, ending);
	explain(a);
	a->events->on_news(a);
}

static void on_drained(struct weir_lease *lease)
{
	send_more(of(lease));
}

static void on_timer(struct weir_lease *lease)
{
	struct weir_attempt *a = of(lease);

	if (!a->drains) {
		a->verdict = (struct weir_verdict){ WEIR_OUT_UNREACHABLE, "local_resource" };
		weir_slice_print(WEIR_SLICE("out of memory"), a->text, sizeof a->text);
		a->events->on_unreachable(a);
		return;
	}
	weir_pool_drop(&a->lease);
	discard(a);
}

static const struct weir_lease_events lease_events = {
	.on_bytes = on_bytes,
	.on_head = on_head,
	.on_body = on_body,
	.on_end = on_end,
	.on_drained = on_drained,
	.on_timer = on_timer,
};

static void on_ready(struct weir_lease *lease)
{
	struct weir_attempt *a = of(lease);

	send_more(a);
	a->events->on_connected(a);
}

static void on_failed(struct weir_lease *lease, const char *reason, const char *text)
{
	struct weir_attempt *a = of(lease);

	a->verdict = (struct weir_verdict){ .outcome = WEIR_OUT_UNREACHABLE, .reason = reason };
	weir_slice_print(weir_slice_of(text), a->text, sizeof a->text);
	a->events->on_unreachable(a);
}

static int take_connection(struct weir_attempt *a, bool fresh)
{
	struct weir_origin *origin = a->lease.origin;

	a->lease = (struct weir_lease){ .events = &lease_events,
					.on_ready = on_ready,
					.on_failed = on_failed };
	weir_list_init(&a->lease.node);
	a->lease.origin = origin;
	return weir_pool_take(origin, &a->lease, fresh);
}

struct weir_attempt *weir_attempt_open(struct weir_gateway *gateway,
				       const struct weir_attempt_order *order,
				       const struct weir_attempt_events *events, void *user)
{
	const struct weir_provider *provider = order->target->provider;
	const struct weir_dialect *words = weir_dialect_words(provider->dialect, order->route);
	struct weir_attempt *a = weir_spares_take(&gateway->spare_attempts, sizeof *a);
	int rc;

	if (!a) {
		if (order->adapted)
			weir_adapted_fini(order->adapted);
		weir_free(order->adapted);
		return NULL;
	}
	memset(a, 0, offsetof(struct weir_attempt, exchange));
	a->adapted = order->adapted;
	order->edit->adapted = a->adapted;
	a->gateway = gateway;
	a->unix_ahead_ms = unix_ms() - weir_gateway_now_ms(gateway);
	a->events = events;
	a->user = user;
	a->number = order->number;
	a->lease.origin = order->origin;
	weir_buf_init(&a->head, WEIR_ATTEMPT_HEAD_MAX + ADDED_MAX);
	weir_exchange_init(&a->exchange, words, order->route, order->body->stream);
	a->exchange.seam = order->seam;
	a->exchange.unasked = order->edit->wish;
	a->exchange.proxied = !provider->tls && provider->proxy.host;
	weir_list_push(&gateway->attempts, &a->node);
	gateway->attempts_n++;
	rc = weir_dialect_same(order->caller, words) ? compose(a, order)
						     : compose_foreign(a, order);
	if (rc == 0)
		rc = take_connection(a, false);
	if (rc < 0) {
		discard(a);
		return NULL;
	}
	if (rc > 0)
		send_more(a);
	return a;
}

void weir_attempt_release(struct weir_attempt *a)
{
	struct weir_exchange *x = &a->exchange;
	bool may_drain = x->state == WEIR_EXCHANGE_DONE && weir_attempt_sent(a) &&
			 a->lease.phase == WEIR_LEASE_HELD && !a->gateway->closing;

	a->drains = true;
	x->model = NULL; /* whose it was may be gone */
	if (a->lease.phase == WEIR_LEASE_HELD && x->message_complete) {
		settle_drain(a);
		return;
	}
	if (may_drain && weir_lease_timer(&a->lease, WEIR_ATTEMPT_DRAIN_MS)) {
		/* The body it points to may go: all of it has been sent. */
		weir_lease_hold_back(&a->lease, false);
		return;
	}
	weir_pool_drop(&a->lease);
	discard(a);
}

void weir_attempt_hold(struct weir_attempt *a)
{
	if (a->lease.phase == WEIR_LEASE_HELD)
		weir_lease_hold_back(&a->lease, true);
}

void weir_attempt_resume(struct weir_attempt *a)
{
	if (a->lease.phase == WEIR_LEASE_HELD)
		weir_lease_hold_back(&a->lease, false);
}
