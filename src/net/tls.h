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

enum {
	WEIR_TLS_HOST_MAX = 255,
	WEIR_TLS_BUNDLE_MAX = 8 * 1024 * 1024,
	WEIR_TLS_CHAIN_BYTES_MAX = 5500,     /* a server's certificates, one message */
	WEIR_TLS_IN_MAX = 256 * 1024,        /* fed and not yet used */
	WEIR_TLS_OUT_MAX = 20 * 1024 * 1024, /* ciphertext nobody took */
	WEIR_TLS_PAIRS_MAX = 15,             /* certificates of a listener beyond its first */
	WEIR_TLS_RECORD = 4096,              /* the longest that is sent, of plaintext, */
	WEIR_TLS_RECORD_MAX = 16 *
			      1024, /* and where HTTP/2 was agreed on: there are few of those */
	WEIR_TLS_TICKETS_MAX = 4,   /* kept of one connection, the rest is ignored */
	WEIR_TLS_TICKET_S = 12 * 60 * 60 /* how long ours are good */
};

/* ca_file NULL: SSL_CERT_FILE where it is set, else the system's bundle in the usual
 * places. The bundle is parsed once; *unparsed (may be NULL) counts certificates it could
 * not read; none at all is an error. A certificate is matched by its subject alternative
 * names; by its common name only when it has none of these. Revocation is not checked.
 *
 * The first config of a process seeds its random numbers: create none before fork(). */
WEIR_MUST_CHECK int weir_tls_client_config_create(struct weir_tls_config **config,
						  const char *ca_file, int *unparsed,
						  struct weir_error *err);
/* The same with the certificates to trust as PEM text. */
WEIR_MUST_CHECK int weir_tls_client_config_create_pem(struct weir_tls_config **config,
						      struct weir_slice ca_pem, int *unparsed,
						      struct weir_error *err);

/* PEM texts (not files), for the simulated providers. min_minor and max_minor: 2 or 3, for
 * tests of one version; 0: whatever weir can. */
WEIR_MUST_CHECK int weir_tls_server_config_create(struct weir_tls_config **config,
						  struct weir_slice cert_pem,
						  struct weir_slice key_pem, unsigned min_minor,
						  unsigned max_minor, struct weir_error *err);
/* For a listener: the certificate, with those between it and a root, and its key, from PEM files.
 * WEIR_ETLS and a sentence that names the file: one cannot be read, they do not belong together,
 * the certificate has expired. */
WEIR_MUST_CHECK int weir_tls_listener_config_create(struct weir_tls_config **config,
						    const char *cert_file, const char *key_file,
						    struct weir_error *err);
/* Before its first session, at most WEIR_TLS_PAIRS_MAX times: another certificate, for who asks for
 * a name that is in it. */
WEIR_MUST_CHECK int weir_tls_listener_config_add(struct weir_tls_config *config,
						 const char *cert_file, const char *key_file,
						 struct weir_error *err);
/* Likewise: who comes must have a certificate that was signed by one of these. */
WEIR_MUST_CHECK int weir_tls_listener_config_trust(struct weir_tls_config *config,
						   const char *ca_file, struct weir_error *err);
/* Would one that wants to know who comes be content with whom this session has let in? */
bool weir_tls_session_suits(const struct weir_tls_session *session,
			    const struct weir_tls_config *config);
/* Are its files as they were read? */
bool weir_tls_listener_config_is_fresh(const struct weir_tls_config *config);
/* When the first of its certificates expires, Unix time. */
int64_t weir_tls_listener_expires_s(const struct weir_tls_config *config);
/* Was it made from this ca_file (NULL: the bundle), and is that file still as it was read? */
bool weir_tls_client_config_is(const struct weir_tls_config *config, const char *ca_file);
/* Before its first session: offers HTTP/2, too, or takes it when it is offered (servers). */
void weir_tls_config_http2(struct weir_tls_config *config);
/* One more share. */
void weir_tls_config_share(struct weir_tls_config *config);
/* Gives up the creator's share, or one more; sessions keep it for as long as they live. */
void weir_tls_config_destroy(struct weir_tls_config *config);

/* Resumption tickets of one origin, kept in memory only. */
struct weir_tls_ticket;
void weir_tls_ticket_destroy(struct weir_tls_ticket *ticket);

/* host: the name to verify and to send as SNI (an IP literal is verified as IP and not
 * sent). Servers: NULL. *ticket (clients, ticket may be NULL) is offered when it is of the
 * same host and config, and replaced when the server issues a new one: it must outlive the
 * session. NULL: out of memory. */
WEIR_MUST_CHECK struct weir_tls_session *weir_tls_session_create(struct weir_tls_config *config,
								 const char *host,
								 struct weir_tls_ticket **ticket);
/* The same of a client, which offers HTTP/1.1 alone whatever its config does. */
WEIR_MUST_CHECK struct weir_tls_session *
weir_tls_session_create_http1(struct weir_tls_config *config, const char *host,
			      struct weir_tls_ticket **ticket);
void weir_tls_session_destroy(struct weir_tls_session *session);

/* WEIR_TLS_FAILED and WEIR_TLS_CLOSED are final; plaintext of the same call comes first. */
enum weir_tls_state {
	WEIR_TLS_HANDSHAKE,
	WEIR_TLS_OPEN,
	WEIR_TLS_CLOSED, /* close_notify came: a clean end */
	WEIR_TLS_FAILED  /* see weir_tls_reason() */
};

/* Gives ciphertext from the peer, which is copied. Negative: session failed. */
WEIR_MUST_CHECK int weir_tls_feed(struct weir_tls_session *session, const char *bytes, size_t len);

/* Goes on: one handshake step, or plaintext into out (at most out_len bytes; *n says how
 * many). *more: call again, there is work left that no further byte will wake. */
enum weir_tls_state weir_tls_pump(struct weir_tls_session *session, char *out, size_t out_len,
				  size_t *n, bool *more);

/* Encrypts; the records appear in weir_tls_outgoing(). 0 or negative (session failed). */
WEIR_MUST_CHECK int weir_tls_write(struct weir_tls_session *session, const char *bytes, size_t len);
/* Of an open one: so much fits in one record. */
size_t weir_tls_record(const struct weir_tls_session *session);
/* Once, and only when open; else nothing. */
void weir_tls_close_notify(struct weir_tls_session *session);

/* Bytes fed and not yet used. */
size_t weir_tls_backlog(const struct weir_tls_session *session);

/* Ciphertext to send; the owner takes bytes from its front with weir_buf_consume(). */
struct weir_buf *weir_tls_outgoing(struct weir_tls_session *session);

/* Why it failed, for the attempt's reason: "tls_cert", "tls_proto", "tls_plain" (who came speaks
 * no TLS: nothing was answered), "tls_alert",
 * "tls_keyupdate" (mbedTLS 3.6 cannot), "local_resource" (no memory), "tls"; and a sentence
 * for the log ("certificate expired"). NULL and "" before. No byte of the peer is in it. */
const char *weir_tls_reason(const struct weir_tls_session *session);
const char *weir_tls_sentence(const struct weir_tls_session *session);
bool weir_tls_resumed(const struct weir_tls_session *session);
/* Both sides have agreed on HTTP/2; else they speak HTTP/1.1. */
bool weir_tls_http2(const struct weir_tls_session *session);
const char *weir_tls_version(const struct weir_tls_session *session); /* "TLSv1.3", "" */
