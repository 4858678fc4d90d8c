#include "core/shed.h"

#include "core/peer.h"
#include "core/report.h"

static void refuse(struct weir_client *client, enum weir_rejection why)
{
	static const char *const words[WEIR_REJECTION_N] = {
		[WEIR_REJECT_ADDRESS] = "this address has as many connections as it may have",
		[WEIR_REJECT_BODIES] = "the requests under way hold as much as they may",
		[WEIR_REJECT_LAG] = "weir is behind with its work",
		[WEIR_REJECT_MEMORY] = "weir has hardly any memory left",
	};
	char room[WEIR_CLIENT_MORE_MAX];
	struct weir_buf fields;
	struct weir_pen pen = { &fields, 0 };

	weir_metrics_reject(client->gateway->metrics, why);
	weir_buf_init_lent(&fields, sizeof room, room, sizeof room);
	weir_report_retry(&pen, true, WEIR_SHED_RETRY_MS);
	if (pen.rc == 0)
		pen.rc = weir_buf_append(&fields, "", 1);
	weir_client_refuse(client, 503, "overloaded", words[why], pen.rc ? "" : fields.base);
	weir_buf_fini(&fields);
}

void weir_shed_look(struct weir_gateway *g)
{
	uint64_t now_ms = weir_gateway_now_ms(g);

	weir_memory_look(&g->memory);
	weir_metrics_memory(g->metrics, g->memory.used);
	if (!weir_memory_is(&g->memory, WEIR_MEMORY_TIGHT) ||
	    now_ms < g->shrunk_ms + WEIR_SHED_SHRINK_MS)
		return;
	g->shrunk_ms = now_ms;
	weir_pool_shrink(g->pool);
	weir_spares_fini(&g->spare_requests);
	weir_spares_fini(&g->spare_attempts);
	weir_log_note(&g->log, WEIR_LOG_WARN, "warning",
		      "%d %% of the memory that weir may have is in use",
		      (int)(g->memory.used * 100));
}

bool weir_shed_refuse(struct weir_client *client)
{
	const struct weir_gateway *g = client->gateway;

	if (weir_memory_is(&g->memory, WEIR_MEMORY_OUT))
		refuse(client, WEIR_REJECT_MEMORY);
	else if (weir_lag_is_behind(&g->lag))
		refuse(client, WEIR_REJECT_LAG);
	else
		return false;
	return true;
}

bool weir_shed_keeps(const struct weir_gateway *g)
{
	return !weir_memory_is(&g->memory, WEIR_MEMORY_SCARCE);
}

bool weir_shed_join(struct weir_client *client)
{
	struct weir_gateway *g = client->gateway;
	const struct weir_config *config = g->now->config;
	unsigned char bytes[16];
	uint64_t now_ms = weir_gateway_now_ms(g);
	unsigned size;
	char peer[WEIR_PEER_MAX];

	if (client->admin || !config->connections_per_address)
		return true;
	size = weir_peer_address(client, bytes);
	if (size == 0 || weir_peer_is_trusted(config, bytes, size))
		return true;
	client->crowd = weir_crowd_join(&g->crowd, bytes, size, config->connections_per_address);
	if (client->crowd)
		return true;
	weir_metrics_reject(g->metrics, WEIR_REJECT_ADDRESS);
	if (g->crowd_told_ms && now_ms < g->crowd_told_ms + WEIR_SHED_TELL_MS)
		return false;
	g->crowd_told_ms = now_ms;
	weir_conn_peer(&client->conn, peer, sizeof peer);
	weir_log_note(&g->log, WEIR_LOG_WARN, "warning",
		      "%s has as many connections as an address may have", peer);
	return false;
}

/* So much more of this one, beside what has come of all. */
static bool fits(const struct weir_client *client, uint64_t more)
{
	const struct weir_gateway *g = client->gateway;
	const struct weir_config *config = g->now->config;
	uint64_t most = config->bodies_max;

	if (most < config->body_max)
		most = config->body_max;
	return g->bodies + more <= most;
}

bool weir_shed_admit(struct weir_client *client, uint64_t len)
{
	if (fits(client, len))
		return true;
	refuse(client, WEIR_REJECT_BODIES);
	return false;
}

bool weir_shed_hold(struct weir_client *client, uint64_t len)
{
	struct weir_gateway *g = client->gateway;
	uint64_t *held = &client->input.held;

	if (len <= *held)
		return true;
	if (!weir_shed_admit(client, len - *held))
		return false;
	g->bodies += len - *held;
	*held = len;
	weir_metrics_bodies(g->metrics, g->bodies);
	return true;
}

void weir_shed_let_go(struct weir_gateway *g, uint64_t *held)
{
	g->bodies -= *held;
	*held = 0;
	weir_metrics_bodies(g->metrics, g->bodies);
}
