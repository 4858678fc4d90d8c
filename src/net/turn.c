#include "net/turn.h"

#include <limits.h>

#include "base/assert.h"
#include "net/conn_private.h"

enum { FULL = 1 }; /* net->busy_until_ns: has been found to be past */

static void on_turn(uv_idle_t *idle);

/* Any connection's idle handle can drive the turn of all of them: so the net needs no
 * handle of its own that would outlive its last connection. */
static void arm(struct weir_net *net)
{
	struct weir_list *head = weir_list_empty(&net->ready) ? &net->handshakes : &net->ready;
	int rc;

	if (net->turn_owner || weir_list_empty(head))
		return;
	net->turn_owner = WEIR_CONTAINER_OF(head->next, struct weir_conn, ready);
	rc = uv_idle_start(&net->turn_owner->turn, on_turn);
	WEIR_ASSERT(rc == 0);
}

static void disarm(struct weir_net *net)
{
	if (net->turn_owner)
		uv_idle_stop(&net->turn_owner->turn);
	net->turn_owner = NULL;
}

static struct weir_conn *pop(struct weir_list *head)
{
	struct weir_conn *conn = WEIR_CONTAINER_OF(head->next, struct weir_conn, ready);

	weir_list_remove(&conn->ready);
	return conn;
}

/* What is begun now may last that long. */
static uint64_t begin(struct weir_net *net, unsigned us)
{
	uint64_t now_ns = uv_hrtime();

	if (!net->began_ns)
		net->began_ns = now_ns;
	return now_ns + us * UINT64_C(1000);
}

/* Only what waited when the turn began: a callback may ask for more. What there was no time for
 * comes first in the next one. */
static void run_ready(struct weir_net *net)
{
	struct weir_list batch = net->ready;
	uint64_t end_ns;

	if (weir_list_empty(&net->ready))
		return;
	end_ns = begin(net, WEIR_TURN_READY_US);
	batch.next->prev = batch.prev->next = &batch;
	weir_list_init(&net->ready);
	do
		weir_conn_go_on(pop(&batch));
	while (!weir_list_empty(&batch) && uv_hrtime() < end_ns);
	while (!weir_list_empty(&batch)) {
		struct weir_list *last = batch.prev;

		weir_list_remove(last);
		weir_list_push(net->ready.next, last);
	}
	arm(net); /* the owner may have gone meanwhile, when there seemed to be nobody left */
}

static void run_handshakes(struct weir_net *net)
{
	uint64_t end_ns;

	if (weir_list_empty(&net->handshakes))
		return;
	end_ns = begin(net, WEIR_TURN_HANDSHAKES_US);

	while (!weir_list_empty(&net->handshakes)) {
		weir_conn_go_on(pop(&net->handshakes));
		if (uv_hrtime() >= end_ns)
			return;
	}
}

static void on_turn(uv_idle_t *idle)
{
	struct weir_conn *conn = idle->data;
	struct weir_net *net = conn->net;

	run_ready(net);
	run_handshakes(net);
	if (weir_list_empty(&net->ready) && weir_list_empty(&net->handshakes))
		disarm(net);
}

void weir_turn_later(struct weir_conn *conn)
{
	struct weir_net *net = conn->net;

	if (!weir_list_empty(&conn->ready))
		return;
	weir_list_push(conn->handshaking ? &net->handshakes : &net->ready, &conn->ready);
	arm(net);
}

void weir_turn_soon(struct weir_conn *conn)
{
	WEIR_ASSERT(conn->handshaking);
	weir_list_remove(&conn->ready);
	weir_list_push(conn->net->handshakes.next, &conn->ready);
	arm(conn->net);
}

bool weir_turn_full(struct weir_net *net)
{
	if (!net->bounded)
		return false;
	if (!net->busy_until_ns)
		net->busy_until_ns = begin(net, WEIR_TURN_READS_US);
	else if (net->busy_until_ns != FULL && uv_hrtime() >= net->busy_until_ns)
		net->busy_until_ns = FULL; /* the clock need not be read again */
	return net->busy_until_ns == FULL;
}

void weir_turn_read_later(struct weir_conn *conn)
{
	struct weir_net *net = conn->net;
	bool lively = uv_now(net->loop) - conn->read_ms < WEIR_TURN_LIVELY_MS;

	if (weir_list_empty(&conn->late)) /* else it has its place already */
		weir_list_push(lively ? &net->late_lively : &net->late, &conn->late);
}

static bool take_late(struct weir_list *line)
{
	struct weir_conn *conn = WEIR_CONTAINER_OF(line->next, struct weir_conn, late);

	if (weir_list_empty(line))
		return false;
	weir_list_remove(&conn->late);
	conn->due = true;
	weir_conn_unpark(conn);
	return true;
}

/* By turns of both lines: thousands that were silent may all have something to say at once, as when
 * a provider fails, and streams are not to wait for all of them. */
static void read_late(struct weir_net *net, unsigned most)
{
	bool took = !weir_list_empty(&net->late_lively) || !weir_list_empty(&net->late);

	while (most && took) {
		took = take_late(&net->late_lively);
		most -= took;
		if (most && take_late(&net->late)) {
			took = true;
			most--;
		}
	}
}

void weir_net_turn(struct weir_net *net)
{
	net->bounded = true;
	net->began_ns = net->busy_until_ns = 0;
	read_late(net, WEIR_TURN_LATE_MAX);
}

void weir_net_unbound(struct weir_net *net)
{
	net->bounded = false;
	read_late(net, UINT_MAX);
}

void weir_turn_cancel(struct weir_conn *conn)
{
	weir_list_remove(&conn->ready);
	if (conn->net->turn_owner != conn)
		return;
	disarm(conn->net);
	arm(conn->net);
}
