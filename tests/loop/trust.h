/* A throw-away CA and what is made from it, for tests of TLS. */
#ifndef WEIR_TEST_TRUST_H
#define WEIR_TEST_TRUST_H

#define MBEDTLS_ALLOW_PRIVATE_ACCESS /* to build what mbedTLS itself would not send */
#include <mbedtls/oid.h>

#include "net/throwaway.h"
#include "net/tls_private.h"
#include "test.h"

struct trust {
	struct weir_throwaway_ca *ca;
	struct weir_tls_config *client, *server;
};

/* A server's config with a certificate as spec says; minor 0: both versions. */
static inline struct weir_tls_config *
trust_server(struct trust *trust, const struct weir_throwaway_spec *spec, unsigned minor)
{
	struct weir_tls_config *config = NULL;
	struct weir_throwaway made;
	struct weir_error err = { 0 };

	if (weir_throwaway_issue(trust->ca, spec, &made, &err)) {
		NOTE("%s", err.text);
		return NULL;
	}
	if (weir_tls_server_config_create(&config, made.cert_pem, made.key_pem, minor, minor, &err))
		NOTE("%s", err.text);
	weir_throwaway_fini(&made);
	/* mbedTLS as a server would not use it: a server that does not look does. */
	if (config && spec->for_clients)
		config->certs.ext_types &= ~MBEDTLS_X509_EXT_EXTENDED_KEY_USAGE;
	return config;
}

static inline bool trust_init(struct trust *trust, unsigned minor)
{
	static const struct weir_throwaway_spec spec = { .hosts = { "localhost", "127.0.0.1" } };
	struct weir_error err = { 0 };

	*trust = (struct trust){ 0 };
	if (weir_throwaway_ca_create(&trust->ca, &err) ||
	    weir_tls_client_config_create_pem(&trust->client, weir_throwaway_ca_pem(trust->ca),
					      NULL, &err)) {
		NOTE("%s", err.text);
		return false;
	}
	trust->server = trust_server(trust, &spec, minor);
	return trust->server != NULL;
}

static inline void trust_fini(struct trust *trust)
{
	weir_tls_config_destroy(trust->client);
	weir_tls_config_destroy(trust->server);
	weir_throwaway_ca_destroy(trust->ca);
}

#endif
