#define MBEDTLS_ALLOW_PRIVATE_ACCESS /* the state of the handshake is told nowhere else */
#include "net/tls.h"

#include <arpa/inet.h>
#include <mbedtls/platform.h>
#include <mbedtls/platform_util.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "net/tls_private.h"

enum { SPINS_MAX = 8 }; /* calls in a row that use no byte and bring nothing */

static int take_in(void *ctx, unsigned char *bytes, size_t len)
{
	struct weir_tls_session *session = ctx;
	size_t left = session->in.len - session->in_at;

	if (left == 0) {
		session->starved = true;
		return MBEDTLS_ERR_SSL_WANT_READ;
	}
	if (len > left)
		len = left;
	memcpy(bytes, session->in.base + session->in_at, len);
	session->in_at += len;
	if (session->in_at == session->in.len) {
		weir_buf_fini(&session->in);
		session->in_at = 0;
	}
	return (int)len;
}

static int put_out(void *ctx, const unsigned char *bytes, size_t len)
{
	struct weir_tls_session *session = ctx;

	if (weir_buf_append(&session->out, bytes, len))
		return MBEDTLS_ERR_SSL_ALLOC_FAILED;
	return (int)len;
}

/* Says why a certificate is not trusted; decides nothing. */
static int on_cert(void *ctx, mbedtls_x509_crt *cert, int depth, uint32_t *flags)
{
	struct weir_tls_session *session = ctx;

	if (depth == 0 && (*flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED))
		session->self_signed = weir_slice_eq(
			weir_slice((char *)cert->issuer_raw.p, cert->issuer_raw.len),
			weir_slice((char *)cert->subject_raw.p, cert->subject_raw.len));
	return 0;
}

static bool is_ip(const char *host)
{
	struct in6_addr addr;

	return inet_pton(AF_INET, host, &addr) == 1 || inet_pton(AF_INET6, host, &addr) == 1;
}

/* In brackets or with the root's dot it is the same host. */
static bool take_host(struct weir_tls_session *session, const char *host)
{
	struct weir_slice name = weir_slice_of(host);

	if (name.len > 2 && name.base[0] == '[' && name.base[name.len - 1] == ']')
		name = weir_slice(name.base + 1, name.len - 2);
	else if (name.len > 1 && name.base[name.len - 1] == '.')
		name.len--;
	if (name.len == 0 || name.len > WEIR_TLS_HOST_MAX)
		return false;
	memcpy(session->host, name.base, name.len);
	session->ip = is_ip(session->host);
	return true;
}

static bool fits(const struct weir_tls_session *session, const struct weir_tls_ticket *ticket)
{
	return ticket->serial == session->config->serial &&
	       strcmp(ticket->host, session->host) == 0;
}

/* An address is not sent as SNI (RFC 6066 §3), so mbedTLS is told it only after its hello. */
static int prepare_client(struct weir_tls_session *session, const char *host)
{
	int rc;

	if (!host || !take_host(session, host))
		return MBEDTLS_ERR_SSL_BAD_INPUT_DATA;
	session->host_set = !session->ip;
	rc = mbedtls_ssl_set_hostname(&session->ssl, session->ip ? NULL : session->host);
	if (rc)
		return rc;
	mbedtls_ssl_set_verify(&session->ssl, on_cert, session);
	if (!session->ticket || !*session->ticket || !fits(session, *session->ticket))
		return 0;
	rc = mbedtls_ssl_set_session(&session->ssl, &(*session->ticket)->session);
	return weir_tls_no_memory(rc) ? rc : 0;
}

static struct weir_tls_session *create(struct weir_tls_config *config,
				       const mbedtls_ssl_config *ssl, const char *host,
				       struct weir_tls_ticket **ticket)
{
	struct weir_tls_session *session = weir_calloc(1, sizeof *session);

	if (!session)
		return NULL;
	session->config = config;
	session->ticket = ticket;
	config->users++;
	weir_buf_init(&session->in, WEIR_TLS_IN_MAX);
	weir_buf_init(&session->out, WEIR_TLS_OUT_MAX);
	mbedtls_ssl_init(&session->ssl);
	if (mbedtls_ssl_setup(&session->ssl, ssl) ||
	    (!config->server && prepare_client(session, host))) {
		weir_tls_session_destroy(session);
		return NULL;
	}
	mbedtls_ssl_set_bio(&session->ssl, session, put_out, take_in, NULL);
	return session;
}

struct weir_tls_session *weir_tls_session_create(struct weir_tls_config *config, const char *host,
						 struct weir_tls_ticket **ticket)
{
	return create(config, &config->ssl, host, ticket);
}

struct weir_tls_session *weir_tls_session_create_http1(struct weir_tls_config *config,
						       const char *host,
						       struct weir_tls_ticket **ticket)
{
	bool both = config->http1.MBEDTLS_PRIVATE(alpn_list);

	return create(config, both ? &config->http1 : &config->ssl, host, ticket);
}

/* What mbedTLS writes a record in, before its length and after. */
enum { RECORD_ROOM = WEIR_TLS_RECORD + 512 };

/* mbedTLS has one size of it for all. Of a handshake a message may be long; then there is no need
 * for more than a record that we choose. Many streams choose the longest. */
static void make_narrow(struct weir_tls_session *session)
{
#if !defined(MBEDTLS_SSL_VARIABLE_BUFFER_LENGTH)
	mbedtls_ssl_context *ssl = &session->ssl;
	unsigned char *was = ssl->out_buf, *now;

	if (session->narrow || ssl->state != MBEDTLS_SSL_HANDSHAKE_OVER || ssl->out_left ||
	    weir_tls_http2(session))
		return;
	now = mbedtls_calloc(1, RECORD_ROOM);
	if (!now)
		return;
	ssl->out_ctr = now + (ssl->out_ctr - was);
	ssl->out_hdr = now + (ssl->out_hdr - was);
	ssl->out_len = now + (ssl->out_len - was);
	ssl->out_iv = now + (ssl->out_iv - was);
	ssl->out_msg = now + (ssl->out_msg - was);
	ssl->out_buf = now;
	mbedtls_platform_zeroize(was, MBEDTLS_SSL_OUT_CONTENT_LEN);
	mbedtls_free(was);
	session->narrow = true;
#endif
}

size_t weir_tls_record(const struct weir_tls_session *session)
{
	size_t most = weir_tls_http2(session) ? WEIR_TLS_RECORD_MAX : WEIR_TLS_RECORD;

	return most < MBEDTLS_SSL_OUT_CONTENT_LEN ? most : MBEDTLS_SSL_OUT_CONTENT_LEN;
}

static void free_narrow(struct weir_tls_session *session)
{
	if (!session->narrow)
		return;
	mbedtls_platform_zeroize(session->ssl.out_buf, RECORD_ROOM);
	mbedtls_free(session->ssl.out_buf);
	session->ssl.out_buf = NULL; /* mbedTLS would clear more than that */
}

void weir_tls_session_destroy(struct weir_tls_session *session)
{
	if (!session)
		return;
	free_narrow(session);
	mbedtls_ssl_free(&session->ssl);
	weir_buf_fini(&session->in);
	weir_buf_fini(&session->out);
	weir_tls_config_destroy(session->config);
	weir_free(session);
}

void weir_tls_ticket_destroy(struct weir_tls_ticket *ticket)
{
	if (!ticket)
		return;
	mbedtls_ssl_session_free(&ticket->session);
	weir_free(ticket);
}

/* Best effort: without it the next handshake is a full one. */
static void keep_ticket(struct weir_tls_session *session)
{
	struct weir_tls_ticket *ticket;

	if (!session->ticket || session->tickets_n++ >= WEIR_TLS_TICKETS_MAX)
		return;
	ticket = weir_calloc(1, sizeof *ticket);
	if (!ticket)
		return;
	mbedtls_ssl_session_init(&ticket->session);
	if (mbedtls_ssl_get_session(&session->ssl, &ticket->session)) {
		weir_tls_ticket_destroy(ticket);
		return;
	}
	ticket->serial = session->config->serial;
	memcpy(ticket->host, session->host, sizeof ticket->host);
	weir_tls_ticket_destroy(*session->ticket);
	*session->ticket = ticket;
}

static enum weir_tls_state fail(struct weir_tls_session *session, int code)
{
	weir_tls_explain(session, code);
	if (weir_slice_is(weir_slice_of(session->reason), "tls_keyupdate"))
		(void)mbedtls_ssl_send_alert_message(&session->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
						     MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE);
	session->state = WEIR_TLS_FAILED;
	weir_buf_fini(&session->in);
	session->in_at = 0;
	return WEIR_TLS_FAILED;
}

int weir_tls_feed(struct weir_tls_session *session, const char *bytes, size_t len)
{
	int rc;

	if (session->state == WEIR_TLS_CLOSED) /* whatever came after close_notify */
		return 0;
	if (session->state == WEIR_TLS_FAILED)
		return WEIR_ETLS;
	if (session->in_at) {
		weir_buf_consume(&session->in, session->in_at);
		session->in_at = 0;
	}
	rc = weir_buf_append(&session->in, bytes, len);
	if (rc)
		fail(session, MBEDTLS_ERR_SSL_ALLOC_FAILED);
	return rc;
}

size_t weir_tls_backlog(const struct weir_tls_session *session)
{
	return session->in.len - session->in_at;
}

/* A method of HTTP: no record of TLS begins with a letter (RFC 8446 §5.1). */
static bool is_plain(const struct weir_tls_session *session)
{
	char first;

	if (!session->config->server || session->begun || !weir_tls_backlog(session))
		return false;
	first = session->in.base[session->in_at];
	return first >= 'A' && first <= 'Z';
}

static enum weir_tls_state fail_plain(struct weir_tls_session *session)
{
	session->reason = "tls_plain";
	snprintf(session->sentence, sizeof session->sentence, "the peer does not speak TLS");
	return session->state = WEIR_TLS_FAILED;
}

/* It has been looked at, and is of some kilobytes with those that came with it. */
static void forget_peer(struct weir_tls_session *session)
{
	mbedtls_ssl_session *open = session->ssl.session;

	if (!open || !open->peer_cert)
		return;
	mbedtls_x509_crt_free(open->peer_cert);
	mbedtls_free(open->peer_cert);
	open->peer_cert = NULL;
}

static enum weir_tls_state handshake_done(struct weir_tls_session *session, bool *more)
{
	bool client = !session->config->server;

	if (session->config->wants_certificate && mbedtls_ssl_get_verify_result(&session->ssl))
		return fail(session, MBEDTLS_ERR_X509_CERT_VERIFY_FAILED);
	if (client && session->full &&
	    (!session->host_set || mbedtls_ssl_get_verify_result(&session->ssl)))
		return fail(session, MBEDTLS_ERR_X509_CERT_VERIFY_FAILED);
	if (client && mbedtls_ssl_get_version_number(&session->ssl) == MBEDTLS_SSL_VERSION_TLS1_2)
		keep_ticket(session);
	forget_peer(session);
	session->state = WEIR_TLS_OPEN;
	make_narrow(session);
	/* A server has its tickets still to write. */
	*more = session->ssl.state != MBEDTLS_SSL_HANDSHAKE_OVER || weir_tls_backlog(session) ||
		mbedtls_ssl_check_pending(&session->ssl);
	return WEIR_TLS_OPEN;
}

static int step(struct weir_tls_session *session)
{
	int state = session->ssl.state, rc;

	if (session->ip && !session->host_set && state > MBEDTLS_SSL_SERVER_HELLO) {
		rc = mbedtls_ssl_set_hostname(&session->ssl, session->host);
		if (rc)
			return rc;
		session->host_set = true;
	}
	session->full |= state == MBEDTLS_SSL_SERVER_CERTIFICATE;
	return mbedtls_ssl_handshake_step(&session->ssl);
}

static enum weir_tls_state pump_handshake(struct weir_tls_session *session, bool *more)
{
	int rc;

	if (is_plain(session))
		return fail_plain(session);
	session->begun |= weir_tls_backlog(session) > 0;
	session->starved = false;
	rc = step(session);
	if (rc == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) {
		keep_ticket(session);
		rc = 0;
	}
	if (rc == MBEDTLS_ERR_SSL_WANT_READ) {
		*more = !session->starved;
		return WEIR_TLS_HANDSHAKE;
	}
	if (rc == MBEDTLS_ERR_SSL_CRYPTO_IN_PROGRESS) { /* a part of a step, of TLS 1.2 only */
		*more = true;
		return WEIR_TLS_HANDSHAKE;
	}
	if (rc)
		return fail(session, rc);
	if (mbedtls_ssl_is_handshake_over(&session->ssl))
		return handshake_done(session, more);
	*more = true;
	return WEIR_TLS_HANDSHAKE;
}

/* mbedTLS says WANT_READ also when there is more to read: only an empty buffer is the end. */
static enum weir_tls_state pump_plaintext(struct weir_tls_session *session, char *out,
					  size_t out_len, size_t *n, bool *more)
{
	unsigned spins = 0;

	while (*n < out_len) {
		size_t before = weir_tls_backlog(session);
		int rc;

		session->starved = false;
		rc = mbedtls_ssl_read(&session->ssl, (unsigned char *)out + *n, out_len - *n);
		if (rc > 0) {
			*n += (size_t)rc;
			spins = 0;
			continue;
		}
		if (rc == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
			session->state = WEIR_TLS_CLOSED;
			weir_buf_fini(&session->in);
			session->in_at = 0;
			return WEIR_TLS_CLOSED;
		}
		if (rc == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
			keep_ticket(session);
		else if (rc != MBEDTLS_ERR_SSL_WANT_READ)
			return fail(session, rc ? rc : MBEDTLS_ERR_SSL_CONN_EOF);
		else if (session->starved)
			return WEIR_TLS_OPEN;
		spins = weir_tls_backlog(session) < before ? 0 : spins + 1;
		if (spins > SPINS_MAX)
			return fail(session, MBEDTLS_ERR_SSL_INTERNAL_ERROR);
	}
	*more = true;
	return WEIR_TLS_OPEN;
}

enum weir_tls_state weir_tls_pump(struct weir_tls_session *session, char *out, size_t out_len,
				  size_t *n, bool *more)
{
	*n = 0;
	*more = false;
	(void)weir_tls_library_starved();
	switch (session->state) {
	case WEIR_TLS_HANDSHAKE:
		return pump_handshake(session, more);
	case WEIR_TLS_OPEN:
		make_narrow(session);
		return pump_plaintext(session, out, out_len, n, more);
	case WEIR_TLS_CLOSED:
	case WEIR_TLS_FAILED:
		break;
	}
	return session->state;
}

int weir_tls_write(struct weir_tls_session *session, const char *bytes, size_t len)
{
	size_t most = weir_tls_record(session);
	unsigned spins = 0;

	if (session->state != WEIR_TLS_OPEN && session->state != WEIR_TLS_CLOSED)
		return WEIR_ETLS;
	(void)weir_tls_library_starved();
	while (len) {
		int rc = mbedtls_ssl_write(&session->ssl, (const unsigned char *)bytes,
					   len < most ? len : most);

		if (rc > 0) {
			bytes += rc;
			len -= (size_t)rc;
			continue;
		}
		if (rc == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
			keep_ticket(session);
		else if (rc != MBEDTLS_ERR_SSL_WANT_READ || ++spins > SPINS_MAX)
			return fail(session, rc), WEIR_ETLS;
	}
	return 0;
}

void weir_tls_close_notify(struct weir_tls_session *session)
{
	if (session->notified ||
	    (session->state != WEIR_TLS_OPEN && session->state != WEIR_TLS_CLOSED))
		return;
	session->notified = true;
	(void)mbedtls_ssl_close_notify(&session->ssl);
}

struct weir_buf *weir_tls_outgoing(struct weir_tls_session *session)
{
	return &session->out;
}

const char *weir_tls_reason(const struct weir_tls_session *session)
{
	return session->reason;
}

const char *weir_tls_sentence(const struct weir_tls_session *session)
{
	return session->sentence;
}

bool weir_tls_resumed(const struct weir_tls_session *session)
{
	return !session->full &&
	       (session->state == WEIR_TLS_OPEN || session->state == WEIR_TLS_CLOSED);
}

bool weir_tls_http2(const struct weir_tls_session *session)
{
	const char *name = mbedtls_ssl_get_alpn_protocol(&session->ssl);

	return name && strcmp(name, "h2") == 0;
}

const char *weir_tls_version(const struct weir_tls_session *session)
{
	if (session->state == WEIR_TLS_HANDSHAKE ||
	    mbedtls_ssl_get_version_number(&session->ssl) == MBEDTLS_SSL_VERSION_UNKNOWN)
		return "";
	return mbedtls_ssl_get_version(&session->ssl);
}
