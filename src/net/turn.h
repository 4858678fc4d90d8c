/* What a connection must do later, in the next turn of the loop: callbacks that may not run
 * inside the call that caused them, and TLS handshakes, of which one turn does only a
 * little, because a single step can take milliseconds while streams want to be relayed. */
#pragma once

#include "net/conn.h"

/* What no more is begun after in one turn, so that whoever else lives on the loop has his timers in
 * time; and how many of those who were late are read all the same, first come first served. */
enum {
	WEIR_TURN_HANDSHAKES_US = 500,
	WEIR_TURN_READY_US = 500,
	WEIR_TURN_READS_US = 500,
	WEIR_TURN_LATE_MAX = 16,
	/* Passed so often, one is not polled any more until its turn comes. To be told of it once
	 * more in vain costs less than the two system calls of that, but not with thousands. */
	WEIR_TURN_PASSES_MAX = 16,
	WEIR_TURN_LIVELY_MS = 1000 /* who was read so lately does not queue with the silent */
};

/* Has enough been read in this turn? */
bool weir_turn_full(struct weir_net *net);
/* conn has something to read: in a later turn. */
void weir_turn_read_later(struct weir_conn *conn);

/* weir_conn_go_on() will be called once. */
void weir_turn_later(struct weir_conn *conn);
/* As weir_turn_later(), before all others that wait for a handshake step. */
void weir_turn_soon(struct weir_conn *conn);
/* What it was to do later it need not; who is late keeps his place. Before the handles of conn are
 * closed. */
void weir_turn_cancel(struct weir_conn *conn);
