#include "mock_world.h"
#include "net/tls.h"

/* A client that trusts the mock's authority and asks for host. */
static void ask_tls(struct mock_world *w, struct mock_client *c, const char *host)
{
	struct weir_tls_config *config = NULL;
	struct weir_error err = { 0 };
	struct weir_tls_session *session;

	CHECK_INT(weir_tls_client_config_create_pem(&config, weir_mock_ca_pem(w->mock, &err), NULL,
						    &err),
		  0);
	REQUIRE(config);
	session = weir_tls_session_create(config, host, NULL);
	weir_tls_config_destroy(config);
	REQUIRE(session);
	mock_connect_port(w, c, weir_mock_port(w->mock, "alpha"), session);
}

static const struct {
	const char *tls;
	const char *reason; /* NULL: the handshake ends well */
	const char *version;
	const char *host;
} rows[] = {
	{ "valid", NULL, NULL, "localhost" },
	{ "valid", NULL, NULL, "127.0.0.1" },
	{ "valid;only=1.2", NULL, "TLSv1.2", "localhost" },
	{ "valid;only=1.3", NULL, "TLSv1.3", "localhost" },
	{ "valid;host=*.example.com", NULL, NULL, "a.example.com" },
	{ "valid;host=*.example.com", "tls_cert", NULL, "a.b.example.com" },
	{ "expired", "tls_cert", NULL, "localhost" },
	{ "not-yet", "tls_cert", NULL, "localhost" },
	{ "self-signed", "tls_cert", NULL, "localhost" },
	{ "wrong-host", "tls_cert", NULL, "localhost" },
	{ "wrong-host;host=other.example", NULL, NULL, "other.example" },
	{ "unknown-ca", "tls_cert", NULL, "localhost" },
	{ "sha1", "tls_cert", NULL, "localhost" },
	{ "plaintext", "tls_proto", NULL, "localhost" },
	{ "reset", "tls", NULL, "localhost" },
	{ "reset;after=60", "tls", NULL, "localhost" },
	{ "close", "tls", NULL, "localhost" },
	{ "close;after=200", "tls", NULL, "localhost" },
};

TEST(shows_every_shade)
{
	for (size_t i = 0; i < WEIR_COUNT_OF(rows); i++) {
		struct mock_world w;
		struct mock_client c = { .opened = false };
		int before = test_failures;

		REQUIRE(mock_world_open(&w));
		mock_vendor(&w, "alpha", rows[i].tls, NULL);
		CHECK(strncmp(weir_mock_url(w.mock, "alpha"), "https://127.0.0.1:", 18) == 0);
		ask_tls(&w, &c, rows[i].host);
		while (!c.opened)
			uv_run(&w.loop, UV_RUN_ONCE);
		if (rows[i].reason) {
			CHECK(c.open_err != 0);
			CHECK(c.reason && (strcmp(c.reason, rows[i].reason) == 0 ||
					   strcmp(c.reason, "connect") == 0));
		} else {
			CHECK_INT(c.open_err, 0);
			mock_post(&w, &c, CHAT, STREAM);
			CHECK_INT(mock_wait(&w, &c, 2000), MOCK_KEPT);
			CHECK(mock_has(&c, "alpha N1: tok0") && mock_has(&c, "[DONE]"));
			if (rows[i].version)
				CHECK_STR(weir_tls_version(c.conn.tls), rows[i].version);
		}
		if (test_failures > before)
			NOTE("tls \"%s\": %s", rows[i].tls, c.reason ? c.reason : "no reason");
		mock_client_close(&w, &c);
		mock_world_close(&w);
	}
}

TEST(stalls_in_the_handshake)
{
	static const char *const stalls[] = { "stall", "stall;after=1", "stall;after=300" };

	for (size_t i = 0; i < WEIR_COUNT_OF(stalls); i++) {
		struct mock_world w;
		struct mock_client c = { .opened = false };
		uint64_t until = uv_hrtime() + 100 * 1000 * 1000;

		REQUIRE(mock_world_open(&w));
		mock_vendor(&w, "alpha", stalls[i], NULL);
		ask_tls(&w, &c, "localhost");
		while (uv_hrtime() < until && !c.opened)
			uv_run(&w.loop, UV_RUN_NOWAIT);
		CHECK(!c.opened);
		CHECK_INT(c.conn.bytes_in, i == 0 ? 0 : i == 1 ? 1 : 300);
		mock_client_close(&w, &c);
		mock_world_close(&w);
	}
}

TEST(ends_with_and_without_close_notify)
{
	for (int notify = 0; notify < 2; notify++) {
		struct mock_world w;
		struct mock_client c = { .opened = false };
		char script[64];

		REQUIRE(mock_world_open(&w));
		snprintf(script, sizeof script, "cut;after=2;notify=%d", notify);
		mock_vendor(&w, "alpha", "valid", script);
		ask_tls(&w, &c, "localhost");
		mock_post(&w, &c, CHAT, STREAM);
		CHECK(mock_wait(&w, &c, 2000) == MOCK_FIN);
		CHECK_INT(c.end_err, notify ? 0 : UV_ECONNABORTED);
		CHECK(mock_has(&c, "tok1") && !mock_has(&c, "tok2"));
		mock_client_close(&w, &c);
		mock_world_close(&w);
	}
}

TEST(refuses_unknown_words)
{
	static const char *const wrong[] = { "",
					     "odd",
					     "valid;only=1.1",
					     "valid;rsa=12",
					     "valid;host=",
					     "stall;after=x",
					     "valid;what=1" };
	struct mock_world w;

	REQUIRE(mock_world_open(&w));
	for (size_t i = 0; i < WEIR_COUNT_OF(wrong); i++) {
		struct weir_error err = { 0 };

		CHECK_INT(weir_mock_add(w.mock, "alpha", "127.0.0.1:0", wrong[i], &err),
			  WEIR_ECONFIG);
		CHECK(err.text[0]);
	}
	mock_world_close(&w);
}

TEST_MAIN
