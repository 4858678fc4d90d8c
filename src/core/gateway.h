/* What everything in core shares: the loop's machinery, the configuration in force, the
 * open listeners, and all clients and requests under way. */
#pragma once

#include <time.h>

#include "base/log.h"
#include "base/rng.h"
#include "base/shm.h"
#include "core/bonds.h"
#include "core/callers.h"
#include "core/crowd.h"
#include "core/events.h"
#include "core/exporter.h"
#include "core/lag.h"
#include "core/memory.h"
#include "core/shared.h"
#include "core/snapshot.h"
#include "core/spares.h"
#include "core/watch.h"
#include "net/listen.h"
#include "net/pool.h"
#include "weir.h"

enum { WEIR_REQUEST_ID_MAX = 40 };

struct weir_gateway {
	uv_loop_t *loop;
	struct weir_net net;
	struct weir_resolver *resolver;
	struct weir_pool *pool;
	struct weir_shm *shm;      /* NULL: no other process has a part in this proxy */
	struct weir_snapshot *now; /* the configuration in force */
	struct weir_bonds *bonds;  /* which account gave which answer */
	struct weir_callers callers;
	struct weir_metrics *metrics;
	struct weir_recent *recent;
	char *config_path; /* NULL: from a text without a name, or the environment */
	bool config_is_text;
	struct weir_buf reload; /* what became of the last one, as JSON; empty: there was none */
	struct weir_log log;
	struct weir_log attempt_log; /* of log.attempts; without a sink where there is none */
	bool log_text, log_text_fixed;
	void (*on_attempt)(void *arg, const char *line, size_t len);
	uint64_t (*log_dropped)(void *arg);
	struct weir_events events;      /* GET /events */
	struct weir_watch watch;        /* GET /status/live */
	struct weir_exporter *exporter; /* NULL: no traces */
	struct weir_shared *shared;     /* NULL: nothing is known of other machines */
	struct weir_rng rng;
	uint64_t started_ms;
	uint64_t unix_ahead_ms; /* the calendar's time less the loop's, as it is told */

	struct weir_list doors;      /* struct weir_door.node: open listeners */
	struct weir_list leaving;    /* those that take who has come already, and then close */
	struct weir_list heirlooms;  /* sockets taken over, which nobody has wanted yet */
	unsigned doors_n;            /* with those that are closing */
	struct weir_listener *admin; /* a door's; NULL: not open */
	bool listens_configured, admin_configured; /* their addresses are the configuration's */
	bool handed_over;                          /* draining: a successor has the listeners */

	struct weir_list clients;  /* struct weir_client.node */
	struct weir_list greeting; /* struct weir_client.greeting: TLS handshakes, oldest first */
	unsigned greeting_n;
	struct weir_list requests; /* struct weir_request.node */
	struct weir_list attempts; /* every one not yet closed, also draining */
	struct weir_list waiting;  /* struct weir_request.waiting: for room at a target */
	unsigned clients_n, admin_clients_n, requests_n, attempts_n;
	struct weir_spares spare_requests, spare_attempts;

	uint64_t bodies;           /* bytes that callers' bodies hold */
	struct weir_memory memory; /* of the cgroup */
	uint64_t shrunk_ms;        /* when idle connections were closed for it */
	struct weir_crowd crowd;
	uint64_t crowd_told_ms;

	bool draining, closing, emptied;
	bool shut; /* draining: nothing is accepted any more */
	bool told_drained;
	bool drain_asked; /* by POST /drain; on_drain, in the next turn */
	void (*on_drain)(void *arg);
	void (*on_reload)(void *arg);
	void (*on_finding)(void *arg, const char *line, size_t len);
	void (*on_notice)(void *arg, const struct weir_notice *notice);
	uint64_t (*now_ms)(void *arg); /* NULL: uv_now() */
	void *callbacks_arg;
	unsigned telling; /* inside on_notice: requests and the gateway end from the loop */
	bool close_due;   /* it was closed in there */
	bool unrefed;     /* listeners do not keep the loop alive */
	uint64_t draining_ms;
	uint64_t stirred_ms; /* when a caller came last, began to ask, or had its answer */
	void (*on_drained)(void *arg);
	void *drained_arg;
	void (*on_closed)(void *arg);
	void *closed_arg;
	struct weir_lag lag;
	uv_prepare_t turn; /* measures each, and bounds what is read in one */
	uv_check_t polled; /* the loop has waited */
	uv_timer_t timer;  /* drain */
	uv_timer_t room;   /* an attempt has ended: those that wait may have their turn */
	time_t date_s;     /* of the date below */
	char date[40];
	unsigned handles_open; /* of the gateway itself, listeners included */
};

/* g is zeroed but for its log and where its configuration is from. Takes the reference to
 * config. On failure weir_gateway_close() still frees everything. */
WEIR_MUST_CHECK int weir_gateway_open(struct weir_gateway *gateway, uv_loop_t *loop,
				      struct weir_config *config, uint64_t seed,
				      struct weir_error *err);
/* The time all decisions go by. */
uint64_t weir_gateway_now_ms(const struct weir_gateway *gateway);

/* The same with the calendar's. */
struct weir_quota_time weir_gateway_time(const struct weir_gateway *gateway);

/* A new request id, with a NUL after it. */
void weir_gateway_make_id(struct weir_gateway *gateway, char id[WEIR_REQUEST_ID_MAX]);

/* An attempt ended: in the next turn, those who wait for room are told. */
void weir_gateway_make_room(struct weir_gateway *gateway);
/* Somebody waits for room, which other processes may make, too. */
void weir_gateway_await_room(struct weir_gateway *gateway);

/* POST /drain: the embedding program is told in the next turn, or draining begins. */
void weir_gateway_ask_drain(struct weir_gateway *gateway);

/* The log goes by the configuration that is now in force. */
void weir_gateway_heed_log(struct weir_gateway *gateway);

/* As it is now. */
struct weir_standing weir_gateway_standing(struct weir_gateway *gateway);

/* Something ended: go on with draining or closing if that was the last of it. */
void weir_gateway_settle(struct weir_gateway *gateway);
