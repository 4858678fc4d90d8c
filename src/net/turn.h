/* What a connection must do later, in the next turn of the loop: callbacks that may not run
 * inside the call that caused them, and TLS handshakes, of which one turn does only a
 * little, because a single step can take milliseconds while streams want to be relayed. */
#pragma once

#include "net/conn.h"

enum { WEIR_TURN_HANDSHAKES_US = 500 }; /* no further step is begun after it */

/* weir_conn_go_on() will be called once. */
void weir_turn_later(struct weir_conn *conn);
/* As weir_turn_later(), before all others that wait for a handshake step. */
void weir_turn_soon(struct weir_conn *conn);
/* Before the handles of conn are closed. */
void weir_turn_cancel(struct weir_conn *conn);
