/* GET /events: attempts and moves as they happen, as Server-Sent Events. Nothing is made while
 * nobody reads; who reads too slowly is let go, and never holds up a request. */
#pragma once

#include <uv.h>

#include "base/buf.h"
#include "base/log.h"
#include "core/audience.h"

enum {
	WEIR_EVENTS_QUEUE_MAX = 256 * 1024, /* not yet taken by a reader */
	WEIR_EVENTS_TURN_MAX = 64 * 1024,   /* of one turn of the loop, then it is sent */
	WEIR_EVENTS_PING_MS = 15 * 1000
};

struct weir_events {
	struct weir_gateway *gateway;
	struct weir_audience audience;
	uint64_t last_id;
	struct weir_buf turn;
	uv_timer_t ping, flush;
	struct weir_log log; /* lines become events; see weir_events_log() */
};

void weir_events_init(struct weir_events *events, struct weir_gateway *gateway);
/* Its timers, of which there are two; on_closed is called for each. */
void weir_events_close(struct weir_events *events, uv_close_cb on_closed);

/* Where to tell of what happens, in lines like those of the log; NULL: nobody reads. */
const struct weir_log *weir_events_log(const struct weir_events *events);

/* Answers with the stream from now on. False: there are too many readers. */
bool weir_events_join(struct weir_events *events, struct weir_client *client);
