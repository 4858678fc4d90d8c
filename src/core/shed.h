/* When weir itself cannot do more: new requests are refused, cheaply and with a time to come again,
 * so that those under way end well. */
#pragma once

#include "core/client.h"

enum {
	WEIR_SHED_RETRY_MS = 1000,
	WEIR_SHED_SHRINK_MS = 10 * 1000, /* so often idle connections are closed for memory */
	WEIR_SHED_TELL_MS = 60 * 1000    /* so often it is logged that an address has too many */
};

/* A look at the memory, twice a second. */
void weir_shed_look(struct weir_gateway *gateway);

/* Has the loop fallen behind, or is the memory at its end? Then it is refused. */
bool weir_shed_refuse(struct weir_client *client);
/* Connections are worth keeping. */
bool weir_shed_keeps(const struct weir_gateway *gateway);

/* One more connection of a caller. False: his address has as many as may be. */
bool weir_shed_join(struct weir_client *client);

/* A body of len bytes may come; false: refused, as all of them together are too much. Never less
 * than one that is as large as may be. What is only announced takes no room from others. */
bool weir_shed_admit(struct weir_client *client, uint64_t len);
/* So much of it has come in all; likewise. */
bool weir_shed_hold(struct weir_client *client, uint64_t len);
/* It is gone. */
void weir_shed_let_go(struct weir_gateway *gateway, uint64_t *held);
