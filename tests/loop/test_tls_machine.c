#include "duo.h"

#include <mbedtls/ssl_ticket.h>

/* Inside mbedTLS: the only way to send what a well-behaved server does not. */
int mbedtls_ssl_write_record(mbedtls_ssl_context *ssl, int force_flush);

static bool open_duo(struct duo *duo, struct trust *trust, unsigned minor, size_t chunk)
{
	if (!trust_init(trust, minor) || !duo_init(duo, trust, NULL))
		return false;
	duo_run(duo, chunk);
	CHECK_INT(duo->client.state, WEIR_TLS_OPEN);
	CHECK_INT(duo->server.state, WEIR_TLS_OPEN);
	return duo->client.state == WEIR_TLS_OPEN;
}

static void close_duo(struct duo *duo, struct trust *trust)
{
	duo_fini(duo);
	trust_fini(trust);
	CHECK_INT(weir_alloc_live(), 0);
}

/* A record of the server's with these bytes, correctly encrypted. */
static void send_record(struct duo *duo, int type, const void *bytes, size_t len)
{
	mbedtls_ssl_context *ssl = &duo->server.session->ssl;

	ssl->out_msgtype = type;
	ssl->out_msglen = len;
	memcpy(ssl->out_msg, bytes, len);
	CHECK_INT(mbedtls_ssl_write_record(ssl, 1), 0);
}

TEST(works_in_any_segments)
{
	static const size_t chunks[] = { 1, 2, 7, 1000, 100000 };

	for (unsigned minor = 2; minor <= 3; minor++) {
		for (size_t i = 0; i < WEIR_COUNT_OF(chunks); i++) {
			struct trust trust;
			struct duo duo;

			REQUIRE(open_duo(&duo, &trust, minor, chunks[i]));
			CHECK_INT(weir_tls_write(duo.client.session, "ping", 4), 0);
			CHECK_INT(weir_tls_write(duo.server.session, "pong", 4), 0);
			duo_run(&duo, chunks[i]);
			CHECK_INT(duo.server.in.len, 4);
			CHECK_INT(duo.client.in.len, 4);
			CHECK_STR(weir_tls_version(duo.client.session),
				  minor == 2 ? "TLSv1.2" : "TLSv1.3");
			CHECK(duo.client.session->in.base == NULL);
			weir_tls_close_notify(duo.server.session);
			weir_tls_close_notify(duo.server.session);
			duo_run(&duo, chunks[i]);
			CHECK_INT(duo.client.state, WEIR_TLS_CLOSED);
			CHECK_INT(weir_tls_feed(duo.client.session, "more", 4), 0);
			CHECK_INT(weir_tls_backlog(duo.client.session), 0);
			close_duo(&duo, &trust);
		}
	}
}

/* One step per call, so that the caller can do something else in between. */
TEST(shakes_hands_in_small_steps)
{
	struct trust trust;
	struct duo duo;

	REQUIRE(open_duo(&duo, &trust, 3, 100000));
	NOTE("%u steps of the client, %u of the server", duo.client.steps, duo.server.steps);
	CHECK(duo.client.steps > 6 && duo.server.steps > 6);
	close_duo(&duo, &trust);
}

/* What is reckoned with elliptic curves comes in parts, as far as mbedTLS can: the client's, in TLS
 * 1.2. It may be given up in the middle. */
TEST(does_long_steps_in_parts)
{
	char bytes[2048];
	struct trust trust;
	struct duo duo;
	unsigned steps;
	bool more;
	size_t n;

	REQUIRE(open_duo(&duo, &trust, 2, 100000));
	steps = duo.client.steps;
	NOTE("%u steps of the client", steps);
#if defined(MBEDTLS_ECP_RESTARTABLE) /* not in the system's mbedTLS, as a rule */
	CHECK(steps > 25);
#endif
	close_duo(&duo, &trust);
	REQUIRE(trust_init(&trust, 2));
	for (unsigned left = 1; left < steps; left++) {
		REQUIRE(duo_init(&duo, &trust, NULL));
		end_pump(&duo.client);
		duo_move(&duo.client, &duo.server, 100000);
		REQUIRE(weir_tls_feed(duo.client.session, duo.server.session->out.base,
				      duo.server.session->out.len) == 0);
		more = true;
		for (unsigned i = 0; i < left && more; i++)
			weir_tls_pump(duo.client.session, bytes, sizeof bytes, &n, &more);
		duo_fini(&duo);
	}
	trust_fini(&trust);
}

/* Whoever is shown the same certificate again has less to reckon. */
TEST(checks_no_signature_twice)
{
	struct trust trust;
	struct duo duo;
	unsigned steps;

	REQUIRE(open_duo(&duo, &trust, 2, 100000));
	steps = duo.client.steps;
	duo_fini(&duo);
	REQUIRE(duo_init(&duo, &trust, NULL));
	duo_run(&duo, 100000);
	CHECK_INT(duo.client.state, WEIR_TLS_OPEN);
	CHECK(!weir_tls_resumed(duo.client.session));
	NOTE("%u steps of the client, then %u", steps, duo.client.steps);
#if defined(WEIR_MBEDTLS_KNOWN_SIGNATURES) && defined(MBEDTLS_ECP_RESTARTABLE)
	CHECK(duo.client.steps + 3 <= steps);
#endif
	close_duo(&duo, &trust);
}

TEST(moves_large_messages)
{
	enum { LEN = 1024 * 1024 };
	static char message[LEN];
	struct trust trust;
	struct duo duo;

	for (size_t i = 0; i < LEN; i++)
		message[i] = (char)(i * 7);
	REQUIRE(open_duo(&duo, &trust, 3, 100000));
	CHECK_INT(weir_tls_write(duo.client.session, message, LEN), 0);
	duo_run(&duo, 64 * 1024);
	CHECK_INT(duo.server.in.len, LEN);
	CHECK_MEM(duo.server.in.base, message, LEN);
	close_duo(&duo, &trust);
}

/* B-20: the server likes none of the key shares it was offered. */
TEST(answers_a_hello_retry_request)
{
	static const uint16_t groups[] = { MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, 0 };
	struct trust trust;
	struct duo duo;

	REQUIRE(trust_init(&trust, 3));
	mbedtls_ssl_conf_groups(&trust.server->ssl, groups);
	REQUIRE(duo_init(&duo, &trust, NULL));
	duo_run(&duo, 100);
	CHECK_INT(duo.client.state, WEIR_TLS_OPEN);
	CHECK_INT(duo.server.state, WEIR_TLS_OPEN);
	close_duo(&duo, &trust);
}

/* B-20a */
TEST(takes_many_tickets_with_data_between)
{
	struct weir_tls_ticket *ticket = NULL;
	struct trust trust;
	struct duo duo;

	REQUIRE(trust_init(&trust, 3));
	mbedtls_ssl_conf_new_session_tickets(&trust.server->ssl, 10);
	REQUIRE(duo_init(&duo, &trust, &ticket));
	duo_run(&duo, 50);
	CHECK(ticket != NULL); /* before anything is asked */
	CHECK_INT(weir_tls_write(duo.server.session, "data", 4), 0);
	duo_run(&duo, 50);
	CHECK_INT(duo.client.in.len, 4);
	CHECK(ticket != NULL);
	CHECK_INT(duo.client.session->tickets_n, 10);
	weir_tls_ticket_destroy(ticket);
	close_duo(&duo, &trust);
}

/* B-21 */
TEST(names_a_key_update)
{
	static const char update[] = { 24, 0, 0, 1, 0 };
	struct trust trust;
	struct duo duo;

	REQUIRE(open_duo(&duo, &trust, 3, 1000));
	CHECK_INT(weir_tls_write(duo.server.session, "before", 6), 0);
	send_record(&duo, MBEDTLS_SSL_MSG_HANDSHAKE, update, sizeof update);
	duo_run(&duo, 100000);
	CHECK_INT(duo.client.in.len, 6);
	CHECK_INT(duo.client.state, WEIR_TLS_FAILED);
	CHECK_STR(weir_tls_reason(duo.client.session), "tls_keyupdate");
	CHECK_INT(duo.server.state, WEIR_TLS_FAILED); /* was told */
	CHECK_STR(weir_tls_reason(duo.server.session), "tls_alert");
	CHECK(weir_tls_write(duo.client.session, "x", 1) < 0);
	CHECK(weir_tls_feed(duo.client.session, "x", 1) < 0);
	close_duo(&duo, &trust);
}

/* B-22: refused with a warning, the stream goes on. */
TEST(does_not_renegotiate)
{
	static const char hello_request[] = { 0, 0, 0, 0 };
	struct trust trust;
	struct duo duo;

	REQUIRE(open_duo(&duo, &trust, 2, 1000));
	send_record(&duo, MBEDTLS_SSL_MSG_HANDSHAKE, hello_request, sizeof hello_request);
	CHECK_INT(weir_tls_write(duo.server.session, "data", 4), 0);
	duo_run(&duo, 100000);
	CHECK_INT(duo.client.state, WEIR_TLS_OPEN);
	CHECK_INT(duo.client.in.len, 4);
	CHECK_INT(duo.server.state, WEIR_TLS_OPEN);
	close_duo(&duo, &trust);
}

/* B-28: records without a byte in them */
TEST(tires_of_empty_records)
{
	for (unsigned minor = 2; minor <= 3; minor++) {
		struct trust trust;
		struct duo duo;

		REQUIRE(open_duo(&duo, &trust, minor, 1000));
		for (int i = 0; i < 1000; i++)
			send_record(&duo, MBEDTLS_SSL_MSG_APPLICATION_DATA, "", 0);
		duo_run(&duo, 100000);
		CHECK_INT(duo.client.state, WEIR_TLS_FAILED);
		CHECK_STR(weir_tls_reason(duo.client.session), "tls");
		close_duo(&duo, &trust);
	}
}

static const struct {
	unsigned char code;
	const char *reason, *sentence;
} alerts[] = {
	{ MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE, "tls_alert",
	  "the peer sent the alert handshake_failure" },
	{ MBEDTLS_SSL_ALERT_MSG_UNRECOGNIZED_NAME, "tls_alert",
	  "the peer sent the alert unrecognized_name" },
	{ MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR, "tls_alert",
	  "the peer sent the alert internal_error" },
	{ MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION, "tls_proto",
	  "the peer sent the alert protocol_version" },
	{ MBEDTLS_SSL_ALERT_MSG_CERT_REQUIRED, "tls_cert",
	  "the peer sent the alert certificate_required" },
	{ 200, "tls_alert", "the peer sent the alert unknown" },
};

TEST(names_alerts)
{
	for (size_t i = 0; i < WEIR_COUNT_OF(alerts); i++) {
		const char record[] = { 21, 3, 3, 0, 2, 2, (char)alerts[i].code };
		struct trust trust;
		struct duo duo;

		REQUIRE(trust_init(&trust, 0));
		REQUIRE(duo_init(&duo, &trust, NULL));
		end_pump(&duo.client);
		CHECK_STR(weir_tls_sentence(duo.client.session), "");
		CHECK_INT(weir_tls_feed(duo.client.session, record, sizeof record), 0);
		end_pump(&duo.client);
		CHECK_INT(duo.client.state, WEIR_TLS_FAILED);
		CHECK_STR(weir_tls_reason(duo.client.session), alerts[i].reason);
		CHECK_STR(weir_tls_sentence(duo.client.session), alerts[i].sentence);
		close_duo(&duo, &trust);
	}
}

/* What answers our hello, or greets our server, and is no TLS that we speak. */
static const struct {
	const char *bytes;
	size_t len;
	const char *reason;
	bool to_server;
} strangers[] = {
	{ "HTTP/1.1 400 Bad Request\r\n\r\n", 28, "tls_proto" },
	{ "SSH-2.0-OpenSSH_9.2p1\r\n", 23, "tls_proto" },
	{ "\0\0\0\0\0\0\0\0\0\0", 10, "tls_proto" },
	{ "GET / HTTP/1.1\r\n\r\n", 18, "tls_plain", .to_server = true },
	{ "\x05\x01\0", 3, NULL, .to_server = true }, /* too little to tell */
	/* B-11: a server's hello in TLS 1.1 */
	{ "\x16\x03\x02\0\x2a\x02\0\0\x26\x03\x02"
	  "01234567890123456789012345678901\0\xc0\x13\0",
	  47, "tls_proto" },
};

TEST(knows_strangers)
{
	for (size_t i = 0; i < WEIR_COUNT_OF(strangers); i++) {
		struct trust trust;
		struct duo duo;
		struct end *end = strangers[i].to_server ? &duo.server : &duo.client;

		REQUIRE(trust_init(&trust, 0));
		REQUIRE(duo_init(&duo, &trust, NULL));
		end_pump(end);
		CHECK_INT(weir_tls_feed(end->session, strangers[i].bytes, strangers[i].len), 0);
		end_pump(end);
		CHECK_INT(end->in.len, 0);
		CHECK_INT(end->state, strangers[i].reason ? WEIR_TLS_FAILED : WEIR_TLS_HANDSHAKE);
		CHECK_STR(weir_tls_reason(end->session), strangers[i].reason);
		if (end->state == WEIR_TLS_FAILED)
			NOTE("%s", weir_tls_sentence(end->session));
		close_duo(&duo, &trust);
	}
}

/* B-27: every single byte of a record that arrives otherwise than it was sent. */
TEST(notices_any_changed_byte)
{
	for (unsigned minor = 2; minor <= 3; minor++) {
		for (size_t at = 0; at < 33; at++) {
			struct trust trust;
			struct duo duo;
			struct weir_buf *out;

			REQUIRE(open_duo(&duo, &trust, minor, 1000));
			CHECK_INT(weir_tls_write(duo.server.session, "good", 4), 0);
			out = weir_tls_outgoing(duo.server.session);
			if (at >= out->len || at == 3) {
				close_duo(&duo, &trust); /* a long length only waits for more */
				continue;
			}
			out->base[at] ^= 0x10;
			duo_run(&duo, 1000);
			CHECK_INT(duo.client.in.len, 0);
			if (at == 4) /* a longer record */
				CHECK(duo.client.state != WEIR_TLS_CLOSED);
			else
				CHECK_INT(duo.client.state, WEIR_TLS_FAILED);
			close_duo(&duo, &trust);
		}
	}
}

/* B-32 */
TEST(speaks_no_other_protocol)
{
	static const char *h2[] = { "h2", NULL };
	struct trust trust;
	struct duo duo;

	REQUIRE(trust_init(&trust, 3));
	CHECK_INT(mbedtls_ssl_conf_alpn_protocols(&trust.server->ssl, h2), 0);
	REQUIRE(duo_init(&duo, &trust, NULL));
	duo_run(&duo, 1000);
	CHECK_INT(duo.client.state, WEIR_TLS_FAILED);
	CHECK_STR(weir_tls_reason(duo.client.session), "tls_alert");
	CHECK_STR(weir_tls_reason(duo.server.session), "tls_proto");
	close_duo(&duo, &trust);

	REQUIRE(trust_init(&trust, 3)); /* a server that does not care is fine */
	trust.server->ssl.alpn_list = NULL;
	REQUIRE(duo_init(&duo, &trust, NULL));
	duo_run(&duo, 1000);
	CHECK_INT(duo.client.state, WEIR_TLS_OPEN);
	close_duo(&duo, &trust);
}

/* B-33: asked for a certificate we go on without one. */
TEST(has_no_certificate_of_its_own)
{
	for (unsigned minor = 2; minor <= 3; minor++) {
		struct trust trust;
		struct duo duo;

		REQUIRE(trust_init(&trust, minor));
		mbedtls_ssl_conf_authmode(&trust.server->ssl, MBEDTLS_SSL_VERIFY_OPTIONAL);
		REQUIRE(duo_init(&duo, &trust, NULL));
		duo_run(&duo, 1000);
		CHECK_INT(duo.client.state, WEIR_TLS_OPEN);
		close_duo(&duo, &trust);
	}
}

/* Addresses stay out of the hello, also when it is asked for twice. */
TEST(sends_names_and_no_addresses)
{
	static const struct {
		const char *host;
		bool sent;
	} hosts[] = { { "localhost", true }, { "127.0.0.1", false } };

	for (size_t i = 0; i < WEIR_COUNT_OF(hosts); i++) {
		struct trust trust;
		struct duo duo;
		struct weir_buf *out;

		REQUIRE(trust_init(&trust, 3));
		REQUIRE(duo_init(&duo, &trust, NULL));
		weir_tls_session_destroy(duo.client.session);
		duo.client.session = weir_tls_session_create(trust.client, hosts[i].host, NULL);
		end_pump(&duo.client);
		out = weir_tls_outgoing(duo.client.session);
		CHECK((memmem(out->base, out->len, hosts[i].host, strlen(hosts[i].host)) != NULL) ==
		      hosts[i].sent);
		duo_run(&duo, 1000);
		CHECK_INT(duo.client.state, WEIR_TLS_OPEN);
		close_duo(&duo, &trust);
	}
}

TEST(needs_a_host_to_verify)
{
	struct trust trust;

	REQUIRE(trust_init(&trust, 3));
	CHECK(weir_tls_session_create(trust.client, NULL, NULL) == NULL);
	CHECK(weir_tls_session_create(trust.client, "", NULL) == NULL);
	trust_fini(&trust);
	CHECK_INT(weir_alloc_live(), 0);
}

/* Either side may choose: ChaCha20 only where AES would be slow and tell its key by its timing. */
TEST(encrypts_by_aes_where_the_cpu_has_it)
{
#if defined(__x86_64__)
	const char *wanted = __builtin_cpu_supports("aes") ? "GCM" : "CHACHA20";

	for (unsigned minor = 2; minor <= 3; minor++) {
		struct trust t;
		struct duo duo;
		const char *suite;

		REQUIRE(trust_init(&t, minor));
		REQUIRE(duo_init(&duo, &t, NULL));
		duo_run(&duo, 100000);
		suite = mbedtls_ssl_get_ciphersuite(&duo.client.session->ssl);
		CHECK(suite && strstr(suite, wanted));
		duo_fini(&duo);
		trust_fini(&t);
	}
#endif
}

TEST_MAIN
