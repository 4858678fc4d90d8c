#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "loop/trust.h"

static char path[] = "/tmp/weir-test-ca-XXXXXX";

static bool write_file(const char *text, size_t len)
{
	FILE *file;

	snprintf(path, sizeof path, "/tmp/weir-test-ca-XXXXXX");
	close(mkstemp(path));
	file = fopen(path, "w");
	if (!file)
		return false;
	CHECK_INT(fwrite(text, 1, len, file), len);
	fclose(file);
	return true;
}

static void expect_refusal(const char *ca_file, const char *part)
{
	struct weir_tls_config *config = (void *)path;
	struct weir_error err = { 0 };

	CHECK_INT(weir_tls_client_config_create(&config, ca_file, NULL, &err), WEIR_ETLS);
	CHECK(config == NULL);
	if (!strstr(err.text, part))
		NOTE("%s", err.text);
	CHECK(strstr(err.text, part) != NULL);
	CHECK_INT(weir_alloc_live(), 0);
}

/* B-34 */
TEST(refuses_a_bundle_without_certificates)
{
	static const char *const bad[] = {
		"",
		"nothing to see here\n",
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\n!!!!\n",
	};

	expect_refusal("/no/such/file.pem", "/no/such/file.pem: No such file");
	expect_refusal("/tmp", "cannot read the CA certificates in /tmp");
	for (size_t i = 0; i < WEIR_COUNT_OF(bad); i++) {
		REQUIRE(write_file(bad[i], strlen(bad[i])));
		expect_refusal(path, "no usable CA certificate in /tmp/weir-test-ca-");
		unlink(path);
	}
}

TEST(counts_what_it_cannot_read)
{
	static const char broken[] = "-----BEGIN CERTIFICATE-----\nAAAA\n"
				     "-----END CERTIFICATE-----\n";
	struct weir_tls_config *config = NULL;
	struct weir_throwaway_ca *ca;
	struct weir_error err = { 0 };
	struct weir_buf text;
	int unparsed = -1;

	weir_buf_init(&text, 65536);
	CHECK_INT(weir_throwaway_ca_create(&ca, &err), 0);
	CHECK_INT(weir_buf_puts(&text, broken), 0);
	CHECK_INT(weir_buf_append(&text, weir_throwaway_ca_pem(ca).base,
				  weir_throwaway_ca_pem(ca).len),
		  0);
	CHECK_INT(weir_buf_puts(&text, broken), 0);
	REQUIRE(write_file(text.base, text.len));
	CHECK_INT(weir_tls_client_config_create(&config, path, &unparsed, &err), 0);
	CHECK_INT(unparsed, 2);
	weir_tls_config_destroy(config);
	CHECK_INT(
		weir_tls_client_config_create_pem(&config, weir_buf_slice(&text), &unparsed, &err),
		0);
	CHECK_INT(unparsed, 2);
	weir_tls_config_destroy(config);

	setenv("SSL_CERT_FILE", path, 1);
	CHECK_INT(weir_tls_client_config_create(&config, NULL, &unparsed, &err), 0);
	CHECK_INT(unparsed, 2);
	weir_tls_config_destroy(config);
	unlink(path);
	weir_throwaway_ca_destroy(ca);
	weir_buf_fini(&text);
	expect_refusal(NULL, path);
	unsetenv("SSL_CERT_FILE");
}

TEST(finds_the_systems_bundle)
{
	struct weir_tls_config *config = NULL;
	struct weir_error err = { 0 };
	int unparsed = 0;
	clock_t start = clock();

	if (weir_tls_client_config_create(&config, NULL, &unparsed, &err)) {
		NOTE("skipped: %s", err.text);
		CHECK(err.text[0] != '\0');
	} else {
		NOTE("%d unreadable, %ld ms, %zu blocks", unparsed,
		     (long)((clock() - start) * 1000 / CLOCKS_PER_SEC), weir_alloc_live());
	}
	weir_tls_config_destroy(config);
	CHECK_INT(weir_alloc_live(), 0);
}

static void expect_bad_server(struct weir_slice cert, struct weir_slice key, const char *part)
{
	struct weir_tls_config *config = (void *)path;
	struct weir_error err = { 0 };

	CHECK_INT(weir_tls_server_config_create(&config, cert, key, 0, 0, &err), WEIR_ETLS);
	CHECK(config == NULL);
	if (!strstr(err.text, part))
		NOTE("%s", err.text);
	CHECK(strstr(err.text, part) != NULL);
}

TEST(refuses_a_servers_bad_identity)
{
	static const struct weir_throwaway_spec spec = { .hosts = { "localhost" } };
	struct weir_throwaway_ca *ca;
	struct weir_throwaway one, two;
	struct weir_buf chain;

	weir_buf_init(&chain, 65536);
	CHECK_INT(weir_throwaway_ca_create(&ca, NULL), 0);
	CHECK_INT(weir_throwaway_issue(ca, &spec, &one, NULL), 0);
	CHECK_INT(weir_throwaway_issue(ca, &spec, &two, NULL), 0);
	expect_bad_server(one.cert_pem, two.key_pem, "belongs to another certificate");
	expect_bad_server(one.cert_pem, one.cert_pem, "TLS key: ");
	expect_bad_server(one.key_pem, one.key_pem, "TLS certificate: ");
	expect_bad_server(WEIR_SLICE(""), one.key_pem, "TLS certificate: ");
	for (int i = 0; i < 20; i++)
		CHECK_INT(weir_buf_append(&chain, one.cert_pem.base, one.cert_pem.len), 0);
	expect_bad_server(weir_buf_slice(&chain), one.key_pem, "at most 5500 fit");
	weir_throwaway_fini(&one);
	weir_throwaway_fini(&two);
	weir_throwaway_ca_destroy(ca);
	weir_buf_fini(&chain);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST(outlives_its_creator)
{
	struct trust trust;
	struct weir_tls_session *session;

	REQUIRE(trust_init(&trust, 0));
	session = weir_tls_session_create(trust.client, "localhost", NULL);
	trust_fini(&trust);
	CHECK(session != NULL && weir_alloc_live() > 0);
	weir_tls_session_destroy(session);
	weir_tls_session_destroy(NULL);
	weir_tls_config_destroy(NULL);
	weir_tls_ticket_destroy(NULL);
	weir_throwaway_ca_destroy(NULL);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST_MAIN

static bool write_at(const char *to, struct weir_slice text)
{
	FILE *file = fopen(to, "w");
	bool ok = file && fwrite(text.base, 1, text.len, file) == text.len;

	if (file)
		fclose(file);
	return ok;
}

/* All that reading a listener's files allocates fails once: it is said, and nothing leaks. */
TEST(a_listeners_files_and_no_memory)
{
	static const struct weir_throwaway_spec spec = { .hosts = { "localhost" } };
	static const char cert[] = "/tmp/weir-test-listener.pem",
			  key[] = "/tmp/weir-test-listener.key";
	struct weir_tls_config *config = NULL;
	struct weir_throwaway_ca *ca;
	struct weir_throwaway made;
	struct weir_error err = { 0 };
	int rc = WEIR_ENOMEM;
	unsigned k;

	CHECK_INT(weir_throwaway_ca_create(&ca, &err), 0);
	CHECK_INT(weir_throwaway_issue(ca, &spec, &made, &err), 0);
	REQUIRE(write_at(cert, made.cert_pem) && write_at(key, made.key_pem));
	weir_throwaway_fini(&made);
	weir_throwaway_ca_destroy(ca);
	for (k = 1; rc && k < 2000; k++) {
		weir_alloc_fail_after(k);
		rc = weir_tls_listener_config_create(&config, cert, key, &err);
		if (rc == 0)
			rc = weir_tls_listener_config_add(config, cert, key, &err);
		if (rc == 0)
			rc = weir_tls_listener_config_trust(config, cert, &err);
		weir_alloc_fail_after(0);
		if (rc == 0)
			CHECK(weir_tls_listener_config_is_fresh(config));
		weir_tls_config_destroy(config);
		config = NULL;
		CHECK_INT(weir_alloc_live(), 0);
	}
	CHECK(k > 20);
	CHECK_INT(rc, 0);
	unlink(cert);
	unlink(key);
}
