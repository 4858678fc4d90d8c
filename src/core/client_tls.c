#include "core/client.h"

/* Callers whose TLS handshake is under way. */

/* A socket file is of this machine only, as is what the admin listener tells. */
bool weir_client_needs_tls(const struct weir_gateway *g, const struct weir_listener *listener,
			   bool admin)
{
	return g->now->identity && !admin && listener->uv.handle.type == UV_TCP;
}

/* Who has come and says nothing, or a byte now and then, does not keep others out. One that waits
 * for weir is not silent. */
bool weir_client_may_greet(struct weir_gateway *g)
{
	struct weir_client *oldest;
	uint64_t silent_ms, age_ms;

	if (g->greeting_n < WEIR_CLIENT_HANDSHAKES_MAX)
		return true;
	oldest = WEIR_CONTAINER_OF(g->greeting.next, struct weir_client, greeting);
	silent_ms = weir_conn_silent_ms(&oldest->conn);
	age_ms = weir_gateway_now_ms(g) - oldest->idle_since_ms;
	if (silent_ms < WEIR_CLIENT_MUTE_MS && (!silent_ms || age_ms < WEIR_CLIENT_GREETING_MS))
		return false;
	weir_client_close(oldest);
	return true;
}

void weir_client_greet(struct weir_client *client)
{
	weir_list_init(&client->greeting);
	if (!client->conn.tls)
		return;
	weir_list_push(&client->gateway->greeting, &client->greeting);
	client->gateway->greeting_n++;
}

void weir_client_greeted(struct weir_client *client)
{
	if (weir_list_empty(&client->greeting))
		return;
	weir_list_remove(&client->greeting);
	client->gateway->greeting_n--;
}

bool weir_client_is_outdated(const struct weir_client *client)
{
	const struct weir_tls_config *identity = client->gateway->now->identity;

	return client->conn.tls && identity && !weir_tls_session_suits(client->conn.tls, identity);
}

/* What is under way ends as it began, and its connection with it. */
static void retire(struct weir_client *client)
{
	if (!client->conn.open)
		weir_client_close(client);
	else if (!weir_client_part(client, UINT64_MAX))
		client->keep_alive = false;
}

void weir_client_heed_trust(struct weir_gateway *g)
{
	WEIR_LIST_FOR(node, &g->clients)
	{
		struct weir_client *client = WEIR_CONTAINER_OF(node, struct weir_client, node);

		if (weir_client_is_outdated(client))
			retire(client);
	}
}
