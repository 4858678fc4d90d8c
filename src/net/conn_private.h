/* Between the files of the connection: conn.c (life), conn_read.c, conn_write.c,
 * conn_tls.c. */
#pragma once

#include "net/conn.h"

/* conn.c */
void weir_conn_go_on(struct weir_conn *conn); /* the next turn is here */
/* Tells on_open; err 0 or why not. */
void weir_conn_announce(struct weir_conn *conn, int err, const char *reason);
/* Closes a finishing connection once nothing is left to send or to read. */
void weir_conn_finish_check(struct weir_conn *conn);

/* conn_read.c */
void weir_conn_poll(struct weir_conn *conn);   /* starts or stops uv_read as is wanted now */
void weir_conn_unpark(struct weir_conn *conn); /* its turn has come */
void weir_conn_deliver(struct weir_conn *conn, const char *bytes, size_t len);
void weir_conn_end(struct weir_conn *conn, int err); /* tells on_end, once */

/* conn_write.c */
void weir_conn_flush(struct weir_conn *conn);
void weir_conn_write_failed(struct weir_conn *conn, int err);

/* conn_tls.c */
void weir_conn_handshake_begin(struct weir_conn *conn);
void weir_conn_handshake_over(struct weir_conn *conn);
void weir_conn_tls_feed(struct weir_conn *conn, const char *bytes, size_t len);
void weir_conn_tls_go_on(struct weir_conn *conn);
WEIR_MUST_CHECK int weir_conn_tls_write(struct weir_conn *conn, const struct weir_slice *slices,
					size_t slices_n);
