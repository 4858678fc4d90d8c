#include "core/client.h"

/* Callers whose TLS handshake is under way. */

/* A socket file is of this machine only, as is what the admin listener tells. */
bool weir_client_needs_tls(const struct weir_gateway *g, const struct weir_listener *listener,
			   bool admin)
{
	return g->now->identity && !admin && listener->uv.handle.type == UV_TCP;
}

/* Who has come and says nothing does not keep others out. */
bool weir_client_may_greet(struct weir_gateway *g)
{
	struct weir_client *oldest;

	if (g->greeting_n < WEIR_CLIENT_HANDSHAKES_MAX)
		return true;
	oldest = WEIR_CONTAINER_OF(g->greeting.next, struct weir_client, greeting);
	if (weir_conn_silent_ms(&oldest->conn) < WEIR_CLIENT_MUTE_MS)
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
