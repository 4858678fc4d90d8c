/* A worker's side of the line to its supervisor: it says which sockets it has, and obeys. */
#pragma once

#include "app/server.h"

/* Over the line, in words; a reload comes and is answered as sockets do (weir_handover_send()),
 * with the configuration's text as the descriptor beside them. */
#define WEIR_ORDER_GO     "go"     /* all are ready: serve */
#define WEIR_ORDER_DRAIN  "drain"  /* the proxy ends; to the supervisor: it is to */
#define WEIR_ORDER_LEAVE  "leave"  /* others go on with the sockets: end */
#define WEIR_ORDER_STOP   "stop"   /* at once */
#define WEIR_ORDER_ROTATE "rotate" /* the log's files */
#define WEIR_ORDER_KEPT   "kept"   /* to the supervisor: that configuration is refused */

struct weir_worker_events {
	void (*on_drain)(struct server *server, bool leave);
	void (*on_stop)(struct server *server);
	void (*on_rotate)(struct server *server);
	/* 0: it is in force. */
	int (*on_reload)(struct server *server, const char *text, size_t len);
};

/* Tells the supervisor, and waits until all are ready. An exit code. */
int weir_worker_up(struct server *server);
void weir_worker_listen(struct server *server, const struct weir_worker_events *events);
/* Another configuration is in force here, or is not. */
void weir_worker_tell(struct server *server, bool reloaded);
void weir_worker_ask_drain(struct server *server);
void weir_worker_close(struct server *server);
