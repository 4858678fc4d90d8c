/* A loop with one listener and scripted connections on both ends, for tests of net/. */
#ifndef WEIR_TEST_WORLD_H
#define WEIR_TEST_WORLD_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "net/conn.h"
#include "net/listen.h"
#include "net/tls.h"
#include "test.h"
#include "trust.h"

enum { WORLD_MS_MAX = 20000, PEERS_MAX = 160 };

struct world;

/* One end of a connection, what it does and what it heard. */
struct peer {
	struct weir_conn conn;
	struct world *world;
	bool server;
	/* script */
	bool echo;
	bool close_on_open, close_on_bytes, close_on_end, close_on_drained;
	bool finish_on_end, finish_on_bytes;
	bool stop_on_bytes;
	size_t bytes_wanted; /* closes once it has so many */
	void (*on_open)(struct peer *peer);
	void (*on_bytes)(struct peer *peer);
	void (*on_drained)(struct peer *peer);
	void (*on_timer)(struct peer *peer);
	/* what happened */
	struct weir_buf in;
	unsigned opened, ended, drained, timers, closed;
	int open_err, end_err;
	char reason[24], sentence[200];
	uint64_t bytes_n;
	bool keep;          /* gathers bytes in `in` */
	size_t script_left; /* bytes it has yet to send */
};

struct world {
	uv_loop_t loop;
	struct weir_net net;
	struct weir_listener listener;
	bool listening;
	unsigned listener_closed;
	uv_timer_t guard;
	bool late;
	struct trust *trust; /* NULL: plain */
	struct weir_tls_config *server_tls;
	struct peer server_script; /* copied into each accepted peer */
	struct peer *peers[PEERS_MAX];
	unsigned peers_n;
	unsigned turns;
};

static inline void peer_on_open(struct weir_conn *conn, int err, const char *reason)
{
	struct peer *peer = conn->user;

	peer->opened++;
	peer->open_err = err;
	CHECK(err == 0 ? reason == NULL : reason != NULL);
	snprintf(peer->reason, sizeof peer->reason, "%s", reason ? reason : "");
	if (conn->tls)
		snprintf(peer->sentence, sizeof peer->sentence, "%s",
			 weir_tls_sentence(conn->tls) ? weir_tls_sentence(conn->tls) : "");
	CHECK(!conn->closing);
	if (peer->on_open)
		peer->on_open(peer);
	if (err || peer->close_on_open)
		weir_conn_close(conn);
}

static inline void peer_on_bytes(struct weir_conn *conn, const char *bytes, size_t len)
{
	struct peer *peer = conn->user;
	struct weir_slice slice = { bytes, len };

	CHECK(peer->opened == 1 && peer->open_err == 0);
	CHECK(!conn->closing && peer->ended == 0 && len > 0);
	CHECK(conn->reading);
	peer->bytes_n += len;
	if (peer->keep && weir_buf_append(&peer->in, bytes, len))
		weir_conn_close(conn);
	if (peer->stop_on_bytes)
		weir_conn_read_stop(conn);
	if (peer->on_bytes)
		peer->on_bytes(peer);
	if (peer->echo && !conn->closing && weir_conn_write(conn, &slice, 1) < 0)
		weir_conn_close(conn);
	if (peer->finish_on_bytes)
		weir_conn_finish(conn, 1000);
	if (peer->close_on_bytes || (peer->bytes_wanted && peer->bytes_n >= peer->bytes_wanted))
		weir_conn_close(conn);
}

static inline void peer_on_end(struct weir_conn *conn, int err)
{
	struct peer *peer = conn->user;

	CHECK(peer->opened == 1 && peer->open_err == 0);
	CHECK(!conn->closing && conn->reading);
	peer->ended++;
	peer->end_err = err;
	if (conn->tls)
		snprintf(peer->sentence, sizeof peer->sentence, "%s",
			 weir_tls_sentence(conn->tls) ? weir_tls_sentence(conn->tls) : "");
	if (peer->finish_on_end)
		weir_conn_finish(conn, 1000);
	if (peer->close_on_end)
		weir_conn_close(conn);
}

static inline void peer_on_drained(struct weir_conn *conn)
{
	struct peer *peer = conn->user;

	CHECK(!conn->closing);
	CHECK(weir_conn_queued(conn) <= WEIR_CONN_QUEUE_LOW);
	peer->drained++;
	if (peer->on_drained)
		peer->on_drained(peer);
	if (peer->close_on_drained)
		weir_conn_close(conn);
}

static inline void peer_on_timer(struct weir_conn *conn)
{
	struct peer *peer = conn->user;

	CHECK(!conn->closing);
	peer->timers++;
	if (peer->on_timer)
		peer->on_timer(peer);
}

static inline void peer_on_closed(struct weir_conn *conn)
{
	struct peer *peer = conn->user;

	CHECK(peer->closed == 0);
	peer->closed++;
}

static const struct weir_conn_events peer_events = { peer_on_open, peer_on_bytes, peer_on_end,
						     peer_on_drained, peer_on_timer };

static inline int peer_write(struct peer *peer, const void *bytes, size_t len)
{
	struct weir_slice slice = { bytes, len };

	return weir_conn_write(&peer->conn, &slice, 1);
}

static inline int peer_say(struct peer *peer, const char *text)
{
	return peer_write(peer, text, strlen(text));
}

enum { PATTERN_MAX = 1024 * 1024 };

/* At most PATTERN_MAX bytes, of which the i-th is pattern_at(i). */
static inline char pattern_at(size_t i)
{
	return (char)(i * 7 + 1);
}

static inline int peer_write_pattern(struct peer *peer, size_t len)
{
	static char block[PATTERN_MAX];
	static bool filled;

	for (size_t i = 0; !filled && i < sizeof block; i++)
		block[i] = pattern_at(i);
	filled = true;
	return peer_write(peer, block, len);
}

/* Writes until so much is queued; how much it was in all. */
static inline size_t peer_fill(struct peer *peer, size_t upto)
{
	size_t sum = 0;

	while (weir_conn_queued(&peer->conn) < upto) {
		if (peer_write_pattern(peer, WEIR_CONN_READ_MAX))
			break;
		sum += WEIR_CONN_READ_MAX;
	}
	return sum;
}

/* Sends script_left bytes, as fast as the peer takes them; also for on_drained. */
static inline void peer_send_more(struct peer *peer)
{
	while (peer->script_left && weir_conn_queued(&peer->conn) < WEIR_CONN_QUEUE_HIGH) {
		CHECK_INT(peer_write_pattern(peer, WEIR_CONN_READ_MAX), 0);
		peer->script_left -= WEIR_CONN_READ_MAX;
	}
	CHECK(weir_conn_queued(&peer->conn) < WEIR_CONN_QUEUE_HIGH + 2 * WEIR_CONN_READ_MAX);
}

static inline struct peer *world_peer(struct world *world)
{
	/* Not weir_alloc: its failures are for what is tested. */
	struct peer *peer = calloc(1, sizeof *peer);

	peer->world = world;
	weir_buf_init(&peer->in, 64 * 1024 * 1024);
	world->peers[world->peers_n++] = peer;
	return peer;
}

static inline void world_on_connection(struct weir_listener *listener)
{
	struct world *world = listener->user;
	struct weir_tls_session *tls = NULL;
	struct peer *peer = world_peer(world);
	struct world *keep_world = world;
	int rc;

	struct weir_buf in = peer->in;
	*peer = world->server_script;
	peer->world = keep_world;
	peer->in = in;
	peer->server = true;
	if (world->server_tls) {
		tls = weir_tls_session_create(world->server_tls, NULL, NULL);
		if (!tls) { /* out of memory: turn it away */
			peer->close_on_open = true;
		}
	}
	rc = weir_conn_accept(&peer->conn, &world->net, &listener->uv.stream, tls, &peer_events,
			      peer, peer_on_closed);
	CHECK_INT(rc, 0);
	CHECK_INT(peer->opened, 0);
}

static inline void world_on_guard(uv_timer_t *timer)
{
	struct world *world = timer->data;

	world->late = true;
	uv_stop(&world->loop);
}

static inline bool world_open(struct world *world, struct trust *trust)
{
	memset(world, 0, sizeof *world);
	world->trust = trust;
	world->server_tls = trust ? trust->server : NULL;
	CHECK_INT(uv_loop_init(&world->loop), 0);
	CHECK_INT(uv_timer_init(&world->loop, &world->guard), 0);
	world->guard.data = world;
	uv_timer_start(&world->guard, world_on_guard, WORLD_MS_MAX, 0);
	if (weir_net_init(&world->net, &world->loop))
		return false;
	return true;
}

static inline bool world_listen(struct world *world, const char *text)
{
	struct weir_error err;

	if (weir_listener_open(&world->listener, &world->loop, text, world_on_connection, world,
			       &err)) {
		NOTE("%s", err.text);
		CHECK(!"listens");
		return false;
	}
	world->listening = true;
	return true;
}

static inline struct peer *world_connect(struct world *world, struct weir_tls_session *tls)
{
	struct peer *peer = world_peer(world);
	struct sockaddr_storage addr;
	int len = sizeof addr, rc;

	rc = uv_tcp_getsockname(&world->listener.uv.tcp, (struct sockaddr *)&addr, &len);
	CHECK_INT(rc, 0);
	rc = weir_conn_open(&peer->conn, &world->net, (struct sockaddr *)&addr, tls, &peer_events,
			    peer, peer_on_closed);
	CHECK_INT(rc, 0);
	CHECK_INT(peer->opened, 0);
	return peer;
}

/* The i-th accepted peer, NULL if there is none. */
static inline struct peer *world_server(struct world *world, unsigned i)
{
	for (unsigned k = 0; k < world->peers_n; k++)
		if (world->peers[k]->server && i-- == 0)
			return world->peers[k];
	return NULL;
}

static inline void world_turn(struct world *world)
{
	uv_run(&world->loop, UV_RUN_NOWAIT);
	world->turns++;
}

/* Turns the loop until cond, at most WORLD_MS_MAX. */
#define WORLD_UNTIL(world_, cond)                             \
	do {                                                  \
		while (!(cond) && !(world_)->late) {          \
			uv_run(&(world_)->loop, UV_RUN_ONCE); \
			(world_)->turns++;                    \
		}                                             \
		CHECK(cond);                                  \
	} while (0)

/* A plain connection with both ends open. */
static inline struct peer *world_join(struct world *world, struct peer **server)
{
	struct peer *client = world_connect(world, NULL);
	unsigned n = 0;

	while (world_server(world, n))
		n++;
	WORLD_UNTIL(world,
		    client->opened && world_server(world, n) && world_server(world, n)->opened);
	*server = world_server(world, n);
	return client;
}

static inline void world_sleep(struct world *world, uint64_t ms)
{
	uint64_t end;

	uv_update_time(&world->loop);
	for (end = uv_now(&world->loop) + ms; uv_now(&world->loop) < end;) {
		uv_run(&world->loop, UV_RUN_NOWAIT);
		uv_sleep(1);
		uv_update_time(&world->loop);
	}
}

static inline void world_on_listener_closed(struct weir_listener *listener)
{
	((struct world *)listener->user)->listener_closed++;
}

/* Closes what is still open and looks whether anything was forgotten. */
static inline void world_close(struct world *world)
{
	CHECK(!world->late);
	for (unsigned i = 0; i < world->peers_n; i++)
		if (world->peers[i]->conn.net)
			weir_conn_close(&world->peers[i]->conn);
	if (world->listening) {
		weir_listener_close(&world->listener, world_on_listener_closed);
		weir_listener_close(&world->listener, world_on_listener_closed);
	}
	uv_close((uv_handle_t *)&world->guard, NULL);
	CHECK_INT(uv_run(&world->loop, UV_RUN_DEFAULT), 0);
	CHECK_INT(world->listener_closed, world->listening);
	for (unsigned i = 0; i < world->peers_n; i++) {
		CHECK_INT(world->peers[i]->closed, world->peers[i]->conn.net != NULL);
		CHECK(world->peers[i]->opened <= 1 && world->peers[i]->ended <= 1);
		weir_buf_fini(&world->peers[i]->in);
		free(world->peers[i]);
	}
	CHECK_INT(world->net.conns_n, 0);
	CHECK_INT(world->net.handshakes_n, 0);
	if (world->net.read_buf)
		weir_net_fini(&world->net);
	CHECK_INT(uv_loop_close(&world->loop), 0);
	if (world->trust)
		trust_fini(world->trust);
	CHECK_INT(weir_alloc_live(), 0);
}

#endif
