/* The clock of what was lately, and GET /status/live: /status as it changes, for the status page.
 * Each event is a whole one, but for what was lately, of which it has what is new to its reader.
 * Who has not taken the last event is not given another yet. */
#pragma once

#include <uv.h>

#include "core/audience.h"
#include "core/recent.h"

enum {
	WEIR_WATCH_MS = 500,
	WEIR_WATCH_MISSED_MAX = 120,            /* events; then its reader is let go */
	WEIR_WATCH_EVENT_MAX = 64 * 1024 * 1024 /* bytes */
};

struct weir_watch {
	struct weir_audience audience;
	uv_timer_t timer; /* keeps no loop alive */
};

void weir_watch_init(struct weir_watch *watch, struct weir_gateway *gateway);
/* Looks from now on: there are a configuration and a memory for what was lately. */
void weir_watch_start(struct weir_watch *watch);
void weir_watch_close(struct weir_watch *watch, uv_close_cb on_closed);
/* False: there are too many readers. */
bool weir_watch_join(struct weir_watch *watch, struct weir_client *client);
