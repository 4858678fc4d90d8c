#include "core/events.h"

#include "core/client.h"
#include "core/reply.h"

/* All readers hear the same; those who have not taken what came before are let go. */
static void send_all(struct weir_events *events, struct weir_slice bytes)
{
	WEIR_LIST_FOR(node, &events->audience.readers)
	{
		struct weir_client *client = weir_audience_reader(node);

		if (weir_conn_queued(&client->conn) + bytes.len > WEIR_EVENTS_QUEUE_MAX) {
			weir_metrics_reader_dropped(events->gateway->metrics);
			weir_client_close(client);
			continue;
		}
		weir_reply_bytes(client, bytes, false);
	}
}

static void flush(struct weir_events *events)
{
	send_all(events, weir_buf_slice(&events->turn));
	weir_buf_clear(&events->turn);
	uv_timer_stop(&events->flush);
}

static void on_flush(uv_timer_t *timer)
{
	flush(timer->data);
}

static void on_ping(uv_timer_t *timer)
{
	send_all(timer->data, WEIR_SLICE(": ping\n\n"));
}

/* A line names its event second, after the time. */
static struct weir_slice name_of(struct weir_slice line)
{
	static const char key[] = "\"event\":\"";
	const char *at = memmem(line.base, line.len, key, sizeof key - 1);
	const char *end;

	if (!at)
		return weir_slice(NULL, 0);
	at += sizeof key - 1;
	end = memchr(at, '"', line.len - (size_t)(at - line.base));
	return weir_slice(at, end ? (size_t)(end - at) : 0);
}

static int put_event(struct weir_events *events, struct weir_slice line)
{
	struct weir_slice name = name_of(line);
	int rc;

	if ((rc = weir_buf_printf(&events->turn,
				  "id: %llu\nevent: ", (unsigned long long)events->last_id)) ||
	    (rc = weir_buf_append(&events->turn, name.base, name.len)) ||
	    (rc = weir_buf_puts(&events->turn, "\ndata: ")) ||
	    (rc = weir_buf_append(&events->turn, line.base, line.len)))
		return rc;
	return weir_buf_puts(&events->turn, "\n"); /* the line has one of its own */
}

/* One for which there is no memory is left out; its id is missed. */
static void on_line(void *arg, const char *line, size_t len)
{
	struct weir_events *events = arg;
	size_t before = events->turn.len;

	events->last_id++;
	if (put_event(events, weir_slice(line, len)))
		events->turn.len = before;
	if (events->turn.len >= WEIR_EVENTS_TURN_MAX)
		flush(events);
	else if (!uv_is_active((uv_handle_t *)&events->flush))
		uv_timer_start(&events->flush, on_flush, 0, 0);
}

static void on_empty(struct weir_audience *audience)
{
	struct weir_events *events = WEIR_CONTAINER_OF(audience, struct weir_events, audience);

	uv_timer_stop(&events->ping);
	uv_timer_stop(&events->flush);
	weir_buf_clear(&events->turn);
}

void weir_events_init(struct weir_events *events, struct weir_gateway *gateway)
{
	*events = (struct weir_events){
		.gateway = gateway,
		.log = { .sink = on_line, .arg = events },
	};
	weir_audience_init(&events->audience, gateway, on_empty);
	weir_buf_init(&events->turn, (size_t)2 * WEIR_EVENTS_TURN_MAX);
	uv_timer_init(gateway->loop, &events->ping);
	uv_timer_init(gateway->loop, &events->flush);
	events->ping.data = events->flush.data = events;
}

void weir_events_close(struct weir_events *events, uv_close_cb on_closed)
{
	weir_buf_fini(&events->turn);
	events->ping.data = events->flush.data = events->gateway;
	uv_close((uv_handle_t *)&events->ping, on_closed);
	uv_close((uv_handle_t *)&events->flush, on_closed);
}

const struct weir_log *weir_events_log(const struct weir_events *events)
{
	return events->audience.n ? &events->log : NULL;
}

bool weir_events_join(struct weir_events *events, struct weir_client *client)
{
	if (!weir_audience_join(&events->audience, client))
		return false;
	if (client->audience && events->audience.n == 1)
		uv_timer_start(&events->ping, on_ping, WEIR_EVENTS_PING_MS, WEIR_EVENTS_PING_MS);
	return true;
}
