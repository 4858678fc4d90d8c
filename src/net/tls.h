/* TLS as a byte machine over memory: ciphertext in, plaintext out, and back. mbedTLS
 * never meets a socket, so it never sees a half-done write. TLS 1.2 and 1.3, AEAD
 * suites, verification always on for clients; there is no insecure switch. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

struct weir_tls_config;  /* trust and credentials; shared by many sessions */
struct weir_tls_session; /* one connection's state */

/* ca_file NULL: the system's bundle (the usual places, then SSL_CERT_FILE). The bundle
 * is parsed once; *unparsed (may be NULL) counts certificates it could not read. */
WEIR_MUST_CHECK int weir_tls_client_config_create(struct weir_tls_config **config,
						  const char *ca_file, int *unparsed,
						  struct weir_error *err);

/* PEM texts (not files), for the simulated providers and for a TLS listener. max_minor
 * and min_minor: 2 or 3, for tests of one version. */
WEIR_MUST_CHECK int weir_tls_server_config_create(struct weir_tls_config **config,
						  struct weir_slice cert_pem,
						  struct weir_slice key_pem, unsigned min_minor,
						  unsigned max_minor, struct weir_error *err);
void weir_tls_config_destroy(struct weir_tls_config *config);

/* Resumption tickets of one origin, kept in memory only. */
struct weir_tls_ticket;
void weir_tls_ticket_destroy(struct weir_tls_ticket *ticket);

/* host: the name to verify and to send as SNI (an IP literal is verified as IP and not
 * sent). Servers: NULL. *ticket (clients, may be NULL) is offered, and replaced when the
 * server issues a new one. NULL: out of memory. */
WEIR_MUST_CHECK struct weir_tls_session *weir_tls_session_create(struct weir_tls_config *config,
								 const char *host,
								 struct weir_tls_ticket **ticket);
void weir_tls_session_destroy(struct weir_tls_session *session);

enum weir_tls_state {
	WEIR_TLS_HANDSHAKE,
	WEIR_TLS_OPEN,
	WEIR_TLS_CLOSED, /* close_notify came: a clean end */
	WEIR_TLS_FAILED  /* see weir_tls_reason() */
};

/* Gives ciphertext from the peer (copied as far as it cannot be used at once). */
WEIR_MUST_CHECK int weir_tls_feed(struct weir_tls_session *session, const char *bytes, size_t len);

/* Goes on: one handshake step, or plaintext into out (at most out_len bytes; *n says how
 * many). *more: call again, there is work left that no further byte will wake. */
enum weir_tls_state weir_tls_pump(struct weir_tls_session *session, char *out, size_t out_len,
				  size_t *n, bool *more);

/* Encrypts; the records appear in weir_tls_outgoing(). 0 or negative (session failed). */
WEIR_MUST_CHECK int weir_tls_write(struct weir_tls_session *session, const char *bytes,
				   size_t len);
int weir_tls_close_notify(struct weir_tls_session *session);

/* Bytes fed and not yet used. */
size_t weir_tls_backlog(const struct weir_tls_session *session);

/* Ciphertext to send; the owner takes bytes from its front with weir_buf_consume(). */
struct weir_buf *weir_tls_outgoing(struct weir_tls_session *session);

/* Why it failed, for the attempt's reason: "tls_cert", "tls_proto", "tls_alert", "tls",
 * and a sentence for the log ("certificate expired", "host name does not match"). */
const char *weir_tls_reason(const struct weir_tls_session *session);
const char *weir_tls_sentence(const struct weir_tls_session *session);
bool weir_tls_resumed(const struct weir_tls_session *session);
const char *weir_tls_version(const struct weir_tls_session *session); /* "TLSv1.3" */
