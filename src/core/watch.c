#include "core/watch.h"

#include "core/client.h"
#include "core/reply.h"
#include "core/shed.h"
#include "core/view.h"

/* One event in the making: readers who know the same hear the same. */
struct event {
	struct weir_recent_since since;
	bool made;
	struct weir_buf text;
};

/* Line ends in JSON are white space; in an event they are its end. */
static void on_one_line(struct weir_buf *text, size_t from)
{
	for (size_t i = from; i < text->len; i++)
		if (text->base[i] == '\n' || text->base[i] == '\r')
			text->base[i] = ' ';
}

static int make(struct event *event, struct weir_gateway *g, struct weir_recent_since since)
{
	size_t from;
	int rc;

	if (event->made && event->since.version == since.version &&
	    event->since.buckets == since.buckets)
		return 0;
	event->made = true;
	event->since = since;
	weir_buf_clear(&event->text);
	if ((rc = weir_buf_puts(&event->text, "event: status\ndata: ")))
		return rc;
	from = event->text.len;
	rc = weir_view_status(g, since, &event->text);
	if (rc)
		return rc;
	on_one_line(&event->text, from);
	return weir_buf_puts(&event->text, "\n\n");
}

static void tell(struct event *event, struct weir_client *client)
{
	struct weir_gateway *g = client->gateway;

	if (weir_conn_queued(&client->conn)) {
		if (++client->missed > WEIR_WATCH_MISSED_MAX) {
			weir_metrics_reader_dropped(g->metrics);
			weir_client_close(client);
		}
		return;
	}
	if (make(event, g, client->told)) { /* the next one has it all */
		event->made = false;
		return;
	}
	client->missed = 0;
	client->told.version = g->recent->version;
	client->told.buckets = g->recent->filled;
	weir_reply_bytes(client, weir_buf_slice(&event->text), false);
}

static void event_init(struct event *event)
{
	*event = (struct event){ 0 };
	weir_buf_init(&event->text, WEIR_WATCH_EVENT_MAX);
}

static void on_timer(uv_timer_t *timer)
{
	struct weir_gateway *g = timer->data;
	struct weir_standing now = weir_gateway_standing(g);
	struct event event;

	event_init(&event);
	weir_shed_look(g);
	if (g->shm)
		weir_view_note(g);
	weir_recent_look(g->recent, &now);
	WEIR_LIST_FOR(node, &g->watch.audience.readers)
	tell(&event, weir_audience_reader(node));
	weir_buf_fini(&event.text);
}

void weir_watch_init(struct weir_watch *watch, struct weir_gateway *gateway)
{
	weir_audience_init(&watch->audience, gateway, NULL);
	uv_timer_init(gateway->loop, &watch->timer);
	watch->timer.data = gateway;
}

void weir_watch_start(struct weir_watch *watch)
{
	uv_timer_start(&watch->timer, on_timer, 0, WEIR_WATCH_MS);
	uv_unref((uv_handle_t *)&watch->timer);
}

void weir_watch_close(struct weir_watch *watch, uv_close_cb on_closed)
{
	uv_close((uv_handle_t *)&watch->timer, on_closed);
}

bool weir_watch_join(struct weir_watch *watch, struct weir_client *client)
{
	struct event event;

	if (!weir_audience_join(&watch->audience, client))
		return false;
	if (!client->audience)
		return true;
	client->told = (struct weir_recent_since){ 0 };
	client->missed = 0;
	event_init(&event);
	tell(&event, client);
	weir_buf_fini(&event.text);
	return true;
}
