/* What everything in core shares: the loop's machinery, the configuration in force, the
 * open listeners, and all clients and requests under way. */
#pragma once

#include "base/log.h"
#include "base/rng.h"
#include "config/config.h"
#include "core/metrics.h"
#include "net/listen.h"
#include "net/pool.h"

struct weir_gateway {
	uv_loop_t *loop;
	struct weir_net net;
	struct weir_resolver *resolver;
	struct weir_pool *pool;
	struct weir_config *config;
	struct weir_origin **origins;      /* one per provider, by index */
	struct weir_tls_config **trusts;   /* likewise; shared ones repeat */
	struct weir_tls_config *system_trust;
	struct weir_metrics *metrics;
	struct weir_log log;
	struct weir_rng rng;
	uint64_t id_seed;                  /* of request ids */
	uint64_t started_ms;

	struct weir_listener *listeners;   /* public ones */
	unsigned listeners_n;
	struct weir_listener *admin;       /* NULL: not open */

	struct weir_list clients;          /* struct weir_client.node */
	struct weir_list requests;         /* struct weir_request.node */
	struct weir_list attempts;         /* every one not yet closed, also draining */
	unsigned clients_n, requests_n, attempts_n;

	bool draining, closing;
	void (*on_drained)(void *arg);
	void *drained_arg;
	void (*on_closed)(void *arg);
	void *closed_arg;
	uv_timer_t timer;                  /* drain */
	unsigned handles_open;             /* of the gateway itself, listeners included */
};

/* Something ended: go on with draining or closing if that was the last of it. */
void weir_gateway_settle(struct weir_gateway *gateway);
