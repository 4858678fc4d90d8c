#define MBEDTLS_ALLOW_PRIVATE_ACCESS /* which alert came is told nowhere else */
#include <mbedtls/asn1.h>
#include <mbedtls/bignum.h>
#include <mbedtls/ecp.h>
#include <mbedtls/error.h>
#include <mbedtls/md.h>
#include <mbedtls/pem.h>
#include <mbedtls/pk.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "net/tls_private.h"

/* RFC 8446 §6; a number the peer made up is not repeated. */
static const struct {
	unsigned char code;
	const char *name;
} alerts[] = {
	{ MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE, "unexpected_message" },
	{ MBEDTLS_SSL_ALERT_MSG_BAD_RECORD_MAC, "bad_record_mac" },
	{ MBEDTLS_SSL_ALERT_MSG_RECORD_OVERFLOW, "record_overflow" },
	{ MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE, "handshake_failure" },
	{ MBEDTLS_SSL_ALERT_MSG_BAD_CERT, "bad_certificate" },
	{ MBEDTLS_SSL_ALERT_MSG_UNSUPPORTED_CERT, "unsupported_certificate" },
	{ MBEDTLS_SSL_ALERT_MSG_CERT_REVOKED, "certificate_revoked" },
	{ MBEDTLS_SSL_ALERT_MSG_CERT_EXPIRED, "certificate_expired" },
	{ MBEDTLS_SSL_ALERT_MSG_CERT_UNKNOWN, "certificate_unknown" },
	{ MBEDTLS_SSL_ALERT_MSG_ILLEGAL_PARAMETER, "illegal_parameter" },
	{ MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA, "unknown_ca" },
	{ MBEDTLS_SSL_ALERT_MSG_ACCESS_DENIED, "access_denied" },
	{ MBEDTLS_SSL_ALERT_MSG_DECODE_ERROR, "decode_error" },
	{ MBEDTLS_SSL_ALERT_MSG_DECRYPT_ERROR, "decrypt_error" },
	{ MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION, "protocol_version" },
	{ MBEDTLS_SSL_ALERT_MSG_INSUFFICIENT_SECURITY, "insufficient_security" },
	{ MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR, "internal_error" },
	{ MBEDTLS_SSL_ALERT_MSG_INAPROPRIATE_FALLBACK, "inappropriate_fallback" },
	{ MBEDTLS_SSL_ALERT_MSG_USER_CANCELED, "user_canceled" },
	{ MBEDTLS_SSL_ALERT_MSG_MISSING_EXTENSION, "missing_extension" },
	{ MBEDTLS_SSL_ALERT_MSG_UNSUPPORTED_EXT, "unsupported_extension" },
	{ MBEDTLS_SSL_ALERT_MSG_UNRECOGNIZED_NAME, "unrecognized_name" },
	{ MBEDTLS_SSL_ALERT_MSG_UNKNOWN_PSK_IDENTITY, "unknown_psk_identity" },
	{ MBEDTLS_SSL_ALERT_MSG_CERT_REQUIRED, "certificate_required" },
	{ MBEDTLS_SSL_ALERT_MSG_NO_APPLICATION_PROTOCOL, "no_application_protocol" },
};

enum {
	WEAK = MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK |
	       MBEDTLS_X509_BADCERT_BAD_KEY,
	WRONG_USE = MBEDTLS_X509_BADCERT_KEY_USAGE | MBEDTLS_X509_BADCERT_EXT_KEY_USAGE |
		    MBEDTLS_X509_BADCERT_NS_CERT_TYPE
};

static const struct {
	uint32_t flags;
	const char *text;
} flaws[] = {
	{ MBEDTLS_X509_BADCERT_EXPIRED, "certificate expired" },
	{ MBEDTLS_X509_BADCERT_FUTURE, "certificate not yet valid" },
	{ MBEDTLS_X509_BADCERT_CN_MISMATCH, "host name does not match the certificate" },
	{ MBEDTLS_X509_BADCERT_NOT_TRUSTED,
	  "unknown CA, or an intermediate certificate is missing" },
	{ WEAK, "certificate with a weak key or hash" },
	{ WRONG_USE, "certificate not meant for servers" },
	{ MBEDTLS_X509_BADCERT_MISSING, "no certificate" },
};

/* An mbedTLS code is a high-level one (multiples of 0x80) plus a low-level one. */
static int high(int code)
{
	return -(-code & 0xff80);
}

static int low(int code)
{
	return -(-code & 0x7f);
}

bool weir_tls_no_memory(int code)
{
	switch (high(code)) {
	case MBEDTLS_ERR_SSL_ALLOC_FAILED:
	case MBEDTLS_ERR_X509_ALLOC_FAILED:
	case MBEDTLS_ERR_PK_ALLOC_FAILED:
	case MBEDTLS_ERR_PEM_ALLOC_FAILED:
	case MBEDTLS_ERR_ECP_ALLOC_FAILED:
	case MBEDTLS_ERR_MD_ALLOC_FAILED:
		return true;
	default:
		return low(code) == MBEDTLS_ERR_MPI_ALLOC_FAILED ||
		       low(code) == MBEDTLS_ERR_ASN1_ALLOC_FAILED;
	}
}

static void say(struct weir_tls_session *session, const char *reason, const char *sentence)
{
	session->reason = reason;
	snprintf(session->sentence, sizeof session->sentence, "%s", sentence);
}

static void explain_flaws(struct weir_tls_session *session, uint32_t flags)
{
	size_t n = 0;

	say(session, "tls_cert", "certificate not acceptable");
	if (flags == UINT32_MAX) /* nothing was verified */
		return;
	for (size_t i = 0; i < WEIR_COUNT_OF(flaws); i++) {
		const char *text = flaws[i].text;

		if (!(flags & flaws[i].flags) || n >= sizeof session->sentence)
			continue;
		if (flaws[i].flags == MBEDTLS_X509_BADCERT_NOT_TRUSTED && session->self_signed)
			text = "certificate signed by itself";
		n += (size_t)snprintf(session->sentence + n, sizeof session->sentence - n, "%s%s",
				      n ? "; " : "", text);
	}
}

static void explain_alert(struct weir_tls_session *session, unsigned char code)
{
	const char *name = "unknown";

	for (size_t i = 0; i < WEIR_COUNT_OF(alerts); i++)
		if (alerts[i].code == code)
			name = alerts[i].name;
	session->reason = "tls_alert";
	if (code == MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION)
		session->reason = "tls_proto";
	else if (code == MBEDTLS_SSL_ALERT_MSG_CERT_REQUIRED)
		session->reason = "tls_cert"; /* it wants one of ours */
	snprintf(session->sentence, sizeof session->sentence, "the peer sent the alert %s", name);
}

static bool is_key_update(const mbedtls_ssl_context *ssl)
{
	enum { KEY_UPDATE = 24 }; /* RFC 8446 §4 */

	return ssl->tls_version == MBEDTLS_SSL_VERSION_TLS1_3 &&
	       ssl->in_msgtype == MBEDTLS_SSL_MSG_HANDSHAKE && ssl->in_msg &&
	       ssl->in_msg[0] == KEY_UPDATE;
}

static void explain_rest(struct weir_tls_session *session, int code)
{
	char why[80];

	mbedtls_strerror(code, why, sizeof why);
	session->reason = "tls";
	snprintf(session->sentence, sizeof session->sentence, "%s", why);
}

void weir_tls_explain(struct weir_tls_session *session, int code)
{
	bool early = session->ssl.state <= MBEDTLS_SSL_SERVER_HELLO;
	uint32_t flags = mbedtls_ssl_get_verify_result(&session->ssl);

	if (weir_tls_library_starved() || weir_tls_no_memory(code)) {
		say(session, "local_resource", "out of memory");
	} else if (code == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) {
		explain_alert(session, session->ssl.in_msg[1]);
	} else if (code == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED ||
		   code == MBEDTLS_ERR_SSL_BAD_CERTIFICATE) {
		explain_flaws(session, flags);
	} else if (high(code) <= MBEDTLS_ERR_X509_FEATURE_UNAVAILABLE &&
		   high(code) >= MBEDTLS_ERR_X509_FATAL_ERROR) {
		say(session, "tls_cert", "certificate not readable");
	} else if (code == MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE && session->state == WEIR_TLS_OPEN &&
		   is_key_update(&session->ssl)) {
		say(session, "tls_keyupdate", "the peer wants new keys, which weir cannot");
	} else if (code == MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION) {
		say(session, "tls_proto", "no version in common: TLS 1.2 or 1.3 is needed");
	} else if (code == MBEDTLS_ERR_SSL_NO_APPLICATION_PROTOCOL) {
		say(session, "tls_proto", "the peer does not speak http/1.1");
	} else if (early && (code == MBEDTLS_ERR_SSL_INVALID_RECORD ||
			     code == MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE)) {
		say(session, "tls_proto", "the peer does not speak TLS");
	} else {
		explain_rest(session, code);
	}
}
