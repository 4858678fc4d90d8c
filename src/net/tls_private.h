/* Between the files of TLS: tls_config.c, tls_session.c, tls_reason.c. */
#pragma once

#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ticket.h>
#include <mbedtls/x509_crt.h>
#include <sys/stat.h>

#include "net/tls.h"

/* A file as it was read. */
struct weir_tls_file {
	char *path; /* NULL: none was */
	struct stat as_read;
};

/* One of a listener's further certificates. */
struct weir_tls_pair {
	mbedtls_x509_crt certs;
	mbedtls_pk_context key;
};

struct weir_tls_config {
	mbedtls_ssl_config ssl;
	mbedtls_ssl_config http1; /* the same without HTTP/2; owns nothing */
	mbedtls_x509_crt certs;   /* clients: whom to trust; servers: our own chain */
	mbedtls_pk_context key;
	mbedtls_ssl_ticket_context tickets;
	unsigned users; /* the creator and the sessions */
	uint64_t serial;
	bool server;
	struct weir_tls_file file;   /* clients: the CA certificates */
	struct weir_tls_file *files; /* listeners: all of them */
	unsigned files_n;
	struct weir_tls_pair *pairs; /* listeners: beyond certs and key */
	unsigned pairs_n;
	mbedtls_x509_crt callers_ca; /* listeners: whom callers' certificates are from */
	bool wants_certificate;
};

struct weir_tls_ticket {
	mbedtls_ssl_session session;
	uint64_t serial; /* of the config it was got under */
	char host[WEIR_TLS_HOST_MAX + 1];
};

struct weir_tls_session {
	mbedtls_ssl_context ssl;
	struct weir_tls_config *config;
	struct weir_tls_ticket **ticket;
	struct weir_buf in;
	size_t in_at; /* bytes of in before it are used */
	struct weir_buf out;
	enum weir_tls_state state;
	unsigned tickets_n;
	bool begun;       /* the peer's first byte was looked at */
	bool starved;     /* mbedTLS wanted more than there is */
	bool full;        /* a certificate was exchanged: not resumed */
	bool ip;          /* host is an address */
	bool host_set;    /* mbedTLS was told what to verify */
	bool self_signed; /* the peer's certificate, and not one we trust */
	bool notified;    /* close_notify sent */
	bool narrow;      /* the record that is written is in memory of ours */
	char host[WEIR_TLS_HOST_MAX + 1];
	const char *reason;
	char sentence[160];
};

/* tls_config.c: one share; server or client, with nobody to trust or to be. */
WEIR_MUST_CHECK int weir_tls_config_begin(struct weir_tls_config **config, bool server,
					  struct weir_error *err);
/* Do they belong together, and fit? what and key: names for the sentence. */
WEIR_MUST_CHECK int weir_tls_pair_judge(mbedtls_x509_crt *certs, mbedtls_pk_context *key_context,
					const char *what, const char *key, struct weir_error *err);
WEIR_MUST_CHECK int weir_tls_config_tickets(struct weir_tls_config *config, struct weir_error *err);
int weir_tls_config_fail(struct weir_error *err, const char *what, int code);
/* Can it be read, is it a file, and not too large? what: "the CA certificates". */
WEIR_MUST_CHECK int weir_tls_file_check(const char *path, const char *what, struct stat *as_read,
					struct weir_error *err);
bool weir_tls_file_is_fresh(const struct weir_tls_file *file);
/* tls_listener.c: the further ones, and what they were read from. */
void weir_tls_listener_fini(struct weir_tls_config *config);

/* mbedTLS with our allocation, and PSA, for as long as anybody uses them. 0 or negative. */
WEIR_MUST_CHECK int weir_tls_library_take(struct weir_error *err);
void weir_tls_library_give(void);

/* Has an allocation failed since the last question? mbedTLS then often names another cause,
 * which would blame the peer for it. */
bool weir_tls_library_starved(void);

/* Is this mbedTLS code about memory? */
bool weir_tls_no_memory(int code);
/* Fills reason and sentence from what mbedTLS returned. */
void weir_tls_explain(struct weir_tls_session *session, int code);
