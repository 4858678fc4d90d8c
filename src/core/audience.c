#include "core/audience.h"

#include "core/client.h"
#include "core/reply.h"

void weir_audience_init(struct weir_audience *audience, struct weir_gateway *gateway,
			void (*on_empty)(struct weir_audience *audience))
{
	*audience = (struct weir_audience){ .gateway = gateway, .on_empty = on_empty };
	weir_list_init(&audience->readers);
}

static void count(struct weir_audience *audience, int delta)
{
	struct weir_gateway *g = audience->gateway;

	audience->n = (unsigned)((int)audience->n + delta);
	weir_metrics_readers(g->metrics, g->events.audience.n + g->watch.audience.n);
}

bool weir_audience_join(struct weir_audience *audience, struct weir_client *client)
{
	struct weir_answer answer = {
		.status = 200,
		.content_type = "text/event-stream",
		.stream = true,
	};

	if (audience->n == WEIR_AUDIENCE_MAX && !client->is_head)
		return false;
	weir_conn_timer_stop(&client->conn);
	weir_reply_answer(client, &answer, WEIR_SLICE("retry: 2000\n\n"), client->is_head);
	if (client->is_head || client->phase == WEIR_CLIENT_ENDING)
		return true;
	client->audience = audience;
	weir_list_push(&audience->readers, &client->reading);
	count(audience, 1);
	return true;
}

void weir_audience_leave(struct weir_client *client)
{
	struct weir_audience *audience = client->audience;

	if (!audience)
		return;
	client->audience = NULL;
	weir_list_remove(&client->reading);
	count(audience, -1);
	if (audience->n == 0 && audience->on_empty)
		audience->on_empty(audience);
}

struct weir_client *weir_audience_reader(struct weir_list *node)
{
	return WEIR_CONTAINER_OF(node, struct weir_client, reading);
}

void weir_audience_dismiss(struct weir_audience *audience)
{
	WEIR_LIST_FOR(node, &audience->readers)
	if (weir_audience_reader(node)->outside)
		weir_client_close(weir_audience_reader(node));
}
