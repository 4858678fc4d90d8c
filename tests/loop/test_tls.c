#include <time.h>

#include "world.h"

static struct peer *connect_tls(struct world *w, const char *host, struct weir_tls_ticket **ticket)
{
	struct weir_tls_session *session = weir_tls_session_create(w->trust->client, host, ticket);

	CHECK(session != NULL);
	return session ? world_connect(w, session) : NULL;
}

/* A world whose listener speaks TLS and echoes; minor 0: both versions. */
static bool open_world(struct world *w, struct trust *t, unsigned minor)
{
	if (!trust_init(t, minor) || !world_open(w, t))
		return false;
	w->server_script.echo = true;
	return world_listen(w, "127.0.0.1:0");
}

static void ping(struct world *w, struct peer *client)
{
	uint64_t before = client->bytes_n;

	CHECK_INT(peer_say(client, "ping"), 0);
	WORLD_UNTIL(w, client->bytes_n == before + 4 || client->ended);
	CHECK_INT(client->ended, 0);
}

static void echo(unsigned minor, const char *version)
{
	struct trust t;
	struct world w;
	struct peer *client;

	REQUIRE(open_world(&w, &t, minor));
	client = connect_tls(&w, "localhost", NULL);
	client->keep = true;
	WORLD_UNTIL(&w, client->opened);
	CHECK_INT(client->open_err, 0);
	CHECK_STR(weir_tls_version(client->conn.tls), version);
	CHECK(!weir_tls_resumed(client->conn.tls));
	CHECK_INT(weir_conn_write(&client->conn,
				  (struct weir_slice[]){ WEIR_SLICE("head "), WEIR_SLICE(""),
							 WEIR_SLICE("body") },
				  3),
		  0);
	WORLD_UNTIL(&w, client->in.len == 9);
	CHECK_MEM(client->in.base, "head body", 9);
	CHECK_INT(w.net.handshakes_n, 0);
	CHECK(client->conn.sending.base == NULL);
	CHECK(weir_tls_outgoing(client->conn.tls)->base == NULL);
	weir_conn_finish(&client->conn, 1000);
	WORLD_UNTIL(&w, world_server(&w, 0)->ended);
	CHECK_INT(world_server(&w, 0)->end_err, 0);
	world_close(&w);
}

TEST(echoes_over_tls_1_2)
{
	echo(2, "TLSv1.2");
}

TEST(echoes_over_tls_1_3)
{
	echo(3, "TLSv1.3");
}

static void resume(unsigned minor)
{
	struct weir_tls_ticket *ticket = NULL;
	struct weir_tls_config *rotated;
	struct trust t;
	struct world w;

	REQUIRE(open_world(&w, &t, minor));
	for (int i = 0; i < 4; i++) {
		/* An origin that has changed its keys since makes a full handshake. */
		struct peer *client;

		if (i == 3) {
			rotated = trust_server(
				&t, &(struct weir_throwaway_spec){ .hosts = { "localhost" } },
				minor);
			weir_tls_config_destroy(t.server);
			w.server_tls = t.server = rotated;
		}
		client = connect_tls(&w, "localhost", &ticket);
		WORLD_UNTIL(&w, client->opened);
		CHECK_INT(client->open_err, 0);
		CHECK(weir_tls_resumed(client->conn.tls) == (i == 1 || i == 2));
		ping(&w, client);
		CHECK(weir_tls_resumed(world_server(&w, (unsigned)i)->conn.tls) ==
		      (i == 1 || i == 2));
		CHECK(ticket != NULL);
		weir_conn_close(&client->conn);
	}
	weir_tls_ticket_destroy(ticket);
	world_close(&w);
}

TEST(resumes_tls_1_2)
{
	resume(2);
}

TEST(resumes_tls_1_3)
{
	resume(3);
}

/* B-30 */
TEST(offers_a_ticket_to_nobody_else)
{
	struct weir_tls_ticket *ticket = NULL;
	struct weir_tls_config *other = NULL;
	struct trust t;
	struct world w;
	struct peer *client;

	REQUIRE(open_world(&w, &t, 3));
	client = connect_tls(&w, "localhost", &ticket);
	WORLD_UNTIL(&w, client->opened);
	ping(&w, client);
	REQUIRE(ticket != NULL);
	client = connect_tls(&w, "127.0.0.1", &ticket);
	WORLD_UNTIL(&w, client->opened);
	CHECK_INT(client->open_err, 0);
	CHECK(!weir_tls_resumed(client->conn.tls));
	ping(&w, client);

	CHECK_INT(
		weir_tls_client_config_create_pem(&other, weir_throwaway_ca_pem(t.ca), NULL, NULL),
		0);
	client = world_connect(&w, weir_tls_session_create(other, "127.0.0.1", &ticket));
	weir_tls_config_destroy(other);
	WORLD_UNTIL(&w, client->opened);
	CHECK_INT(client->open_err, 0);
	CHECK(!weir_tls_resumed(client->conn.tls));
	weir_conn_close(&client->conn);
	WORLD_UNTIL(&w, client->closed);
	weir_tls_ticket_destroy(ticket);
	world_close(&w);
}

static const struct {
	const char *host;
	struct weir_throwaway_spec spec;
	const char *sentence; /* NULL: accepted */
	const char *tls12_sentence;
	bool other_ca;
} certificates[] = {
	{ "localhost", { .hosts = { "localhost" } }, NULL },
	{ "LOCALHOST", { .hosts = { "localhost" } }, NULL },
	{ "localhost.", { .hosts = { "localhost" } }, NULL },
	{ "127.0.0.1", { .hosts = { "localhost", "127.0.0.1" } }, NULL },
	{ "::1", { .hosts = { "::1" } }, NULL },
	{ "[::1]", { .hosts = { "::1" } }, NULL },
	{ "a.example.com", { .hosts = { "*.example.com" } }, NULL },
	{ "example.org", { .hosts = { "example.com", "example.org" } }, NULL },
	{ "example.org", { .common_name = "example.org" }, NULL },
	{ "localhost",
	  { .hosts = { "localhost" }, .from_s = -7200, .until_s = -3600 },
	  "certificate expired" },
	{ "localhost",
	  { .hosts = { "localhost" }, .from_s = 3600, .until_s = 7200 },
	  "certificate not yet valid" },
	{ "localhost",
	  { .hosts = { "localhost" }, .self_signed = true },
	  "certificate signed by itself" },
	{ "localhost",
	  { .hosts = { "localhost" } },
	  "unknown CA, or an intermediate certificate is missing",
	  .other_ca = true },
	{ "localhost", { .hosts = { "example.com" } }, "host name does not match the certificate" },
	{ "example.org",
	  { .hosts = { "example.com" }, .common_name = "example.org" },
	  "host name does not match the certificate" },
	{ "127.0.0.1", { .hosts = { "localhost" } }, "host name does not match the certificate" },
	{ "127.0.0.1", { .hosts = { "127.0.0.2" } }, "host name does not match the certificate" },
	{ "::2", { .hosts = { "::1" } }, "host name does not match the certificate" },
	{ "a.b.example.com",
	  { .hosts = { "*.example.com" } },
	  "host name does not match the certificate" },
	{ "example.com",
	  { .hosts = { "*.example.com" } },
	  "host name does not match the certificate" },
	{ "localhost",
	  { .hosts = { "localhost" }, .sha1 = true },
	  "certificate with a weak key or hash" },
	{ "localhost",
	  { .hosts = { "localhost" }, .rsa_bits = 1024 },
	  "certificate with a weak key or hash" },
	{ "localhost",
	  { .hosts = { "localhost" }, .for_clients = true },
	  "certificate not meant for servers" },
	{ "localhost",
	  { .hosts = { "example.com" }, .from_s = -7200, .until_s = -3600 },
	  "certificate expired; host name does not match the certificate" },
};

static void verify(size_t i, unsigned minor)
{
	struct weir_throwaway_ca *own, *other = NULL;
	struct trust t;
	struct world w;
	struct peer *client;

	REQUIRE(trust_init(&t, minor));
	weir_tls_config_destroy(t.server);
	own = t.ca;
	if (certificates[i].other_ca) {
		CHECK_INT(weir_throwaway_ca_create(&other, NULL), 0);
		t.ca = other;
	}
	t.server = trust_server(&t, &certificates[i].spec, minor);
	t.ca = own;
	weir_throwaway_ca_destroy(other);
	REQUIRE(t.server != NULL);
	REQUIRE(world_open(&w, &t));
	w.server_script.echo = true;
	world_listen(&w, "127.0.0.1:0");
	client = connect_tls(&w, certificates[i].host, NULL);
	WORLD_UNTIL(&w, client->opened);
	if (certificates[i].sentence) {
		CHECK_INT(client->open_err, WEIR_ETLS);
		CHECK_STR(client->reason, "tls_cert");
		CHECK_STR(client->sentence, certificates[i].sentence);
		WORLD_UNTIL(&w, world_server(&w, 0)->opened);
		CHECK_INT(world_server(&w, 0)->bytes_n, 0);
		if (minor == 2) {
			CHECK_STR(world_server(&w, 0)->reason, "tls_alert");
			NOTE("%s", world_server(&w, 0)->sentence);
		}
	} else {
		CHECK_STR(client->sentence, "");
		CHECK_INT(client->open_err, 0);
	}
	world_close(&w);
}

TEST(verifies_certificates)
{
	for (size_t i = 0; i < WEIR_COUNT_OF(certificates); i++) {
		int before = test_failures;

		verify(i, i % 2 ? 2 : 3);
		if (test_failures > before)
			NOTE("row %zu, %s, TLS 1.%u", i, certificates[i].host, i % 2 ? 2 : 3);
	}
}

/* B-12 */
TEST(accepts_rsa_servers)
{
	static const struct weir_throwaway_spec rsa = { .hosts = { "localhost" },
							.rsa_bits = 2048 };
	struct trust t;
	struct world w;
	struct peer *client;

	for (unsigned minor = 2; minor <= 3; minor++) {
		REQUIRE(trust_init(&t, minor));
		weir_tls_config_destroy(t.server);
		t.server = trust_server(&t, &rsa, minor);
		REQUIRE(t.server && world_open(&w, &t));
		w.server_script.echo = true;
		world_listen(&w, "127.0.0.1:0");
		client = connect_tls(&w, "localhost", NULL);
		WORLD_UNTIL(&w, client->opened);
		CHECK_INT(client->open_err, 0);
		ping(&w, client);
		world_close(&w);
	}
}

TEST_MAIN
