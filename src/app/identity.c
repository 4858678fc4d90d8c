#include "app/identity.h"

#include <time.h>

#include "config/report.h"
#include "net/tls.h"

static void check_pair(const struct weir_identity *identity, struct weir_findings *findings)
{
	struct weir_tls_config *tls;
	struct weir_error err = { 0 };
	int64_t left_s;

	if (weir_tls_listener_config_create(&tls, identity->cert, identity->key, &err)) {
		weir_findings_add(findings, WEIR_FINDING_ERROR, identity->line, identity->column,
				  "bad-certificate", "tls",
				  "%s\nput the right file there, or renew it", err.text);
		return;
	}
	left_s = weir_tls_listener_expires_s(tls) - (int64_t)time(NULL);
	if (left_s < WEIR_IDENTITY_SOON_DAYS * 24 * 3600)
		weir_findings_add(findings, WEIR_FINDING_WARNING, identity->line, identity->column,
				  "certificate-expires", "tls",
				  "the certificate in %s expires in %lld days\nrenew it, and "
				  "reload",
				  identity->cert, (long long)(left_s / (24 * 3600)));
	weir_tls_config_destroy(tls);
}

static void check_client_ca(const struct weir_config *config, struct weir_findings *findings)
{
	const struct weir_identity *first = &config->identities[0];
	struct weir_tls_config *tls;
	struct weir_error err = { 0 };

	if (weir_tls_listener_config_create(&tls, first->cert, first->key, &err))
		return; /* told already */
	if (weir_tls_listener_config_trust(tls, config->client_ca, &err))
		weir_findings_add(findings, WEIR_FINDING_ERROR, first->line, first->column,
				  "bad-certificate", "tls.client_ca",
				  "%s\nput the CA's certificate there", err.text);
	weir_tls_config_destroy(tls);
}

void weir_identity_check(const struct weir_config *config, struct weir_findings *findings)
{
	for (unsigned i = 0; i < config->identities_n; i++)
		check_pair(&config->identities[i], findings);
	if (config->client_ca)
		check_client_ca(config, findings);
}
