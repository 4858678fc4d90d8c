#include <mbedtls/psa_util.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/slice.h"
#include "net/tls_private.h"

enum { FILES_MAX = 2 * (1 + WEIR_TLS_PAIRS_MAX) + 1 };

void weir_tls_listener_fini(struct weir_tls_config *config)
{
	for (unsigned i = 0; i < config->pairs_n; i++) {
		mbedtls_x509_crt_free(&config->pairs[i].certs);
		mbedtls_pk_free(&config->pairs[i].key);
	}
	for (unsigned i = 0; i < config->files_n; i++)
		weir_free(config->files[i].path);
	mbedtls_x509_crt_free(&config->callers_ca);
	weir_free(config->pairs);
	weir_free(config->files);
}

static int remember(struct weir_tls_config *config, const char *path, const char *what,
		    struct weir_error *err)
{
	struct weir_tls_file *file;
	struct stat st;
	int rc = weir_tls_file_check(path, what, &st, err);

	if (rc)
		return rc;
	if (!config->files)
		config->files = weir_calloc(FILES_MAX, sizeof *config->files);
	if (!config->files || config->files_n == FILES_MAX)
		return weir_fail(err, WEIR_ENOMEM, "%s: out of memory", path);
	file = &config->files[config->files_n];
	*file = (struct weir_tls_file){ weir_strndup(path, strlen(path)), st };
	if (!file->path)
		return weir_fail(err, WEIR_ENOMEM, "%s: out of memory", path);
	config->files_n++;
	return 0;
}

bool weir_tls_listener_config_is_fresh(const struct weir_tls_config *config)
{
	for (unsigned i = 0; i < config->files_n; i++)
		if (!weir_tls_file_is_fresh(&config->files[i]))
			return false;
	return true;
}

static int fail(struct weir_error *err, const char *path, const char *fix, int code)
{
	struct weir_error why;

	(void)weir_tls_config_fail(&why, path, code);
	return why.code == WEIR_ENOMEM ? weir_fail(err, WEIR_ENOMEM, "%s", why.text)
				       : weir_fail(err, WEIR_ETLS, "%s; %s", why.text, fix);
}

static int expired(const char *path, const mbedtls_x509_time *when, struct weir_error *err)
{
	return weir_fail(err, WEIR_ETLS, "%s: the certificate expired on %04d-%02d-%02d", path,
			 when->year, when->mon, when->day);
}

static int load(struct weir_tls_config *config, const char *cert, const char *key,
		mbedtls_x509_crt *certs, mbedtls_pk_context *key_context, struct weir_error *err)
{
	int rc = remember(config, cert, "the certificate", err);

	if (rc == 0)
		rc = remember(config, key, "the key", err);
	if (rc)
		return rc;
	(void)weir_tls_library_starved();
	rc = mbedtls_x509_crt_parse_file(certs, cert);
	if (rc > 0)
		return weir_fail(err, WEIR_ETLS, "%s: %d in the chain not readable", cert, rc);
	if (rc)
		return fail(err, cert, "it must hold certificates in PEM form", rc);
	rc = mbedtls_pk_parse_keyfile(key_context, key, NULL, mbedtls_psa_get_random,
				      MBEDTLS_PSA_RANDOM_STATE);
	if (rc)
		return fail(err, key, "it must hold a key in PEM form, without a password", rc);
	rc = weir_tls_pair_judge(certs, key_context, cert, key, err);
	if (rc == 0 && mbedtls_x509_time_is_past(&certs->valid_to))
		rc = expired(cert, &certs->valid_to, err);
	return rc;
}

int weir_tls_listener_config_create(struct weir_tls_config **config, const char *cert_file,
				    const char *key_file, struct weir_error *err)
{
	int rc = weir_tls_config_begin(config, true, err);

	if (rc)
		return rc;
	mbedtls_ssl_conf_authmode(&(*config)->ssl, MBEDTLS_SSL_VERIFY_NONE);
	rc = load(*config, cert_file, key_file, &(*config)->certs, &(*config)->key, err);
	if (rc == 0 &&
	    mbedtls_ssl_conf_own_cert(&(*config)->ssl, &(*config)->certs, &(*config)->key))
		rc = weir_fail(err, WEIR_ENOMEM, "%s: out of memory", cert_file);
	if (rc == 0)
		rc = weir_tls_config_tickets(*config, err);
	if (rc) {
		weir_tls_config_destroy(*config);
		*config = NULL;
	}
	return rc;
}

/* ---- more than one ---- */

static bool matches(struct weir_slice pattern, struct weir_slice name)
{
	const char *dot = memchr(name.base, '.', name.len);

	if (weir_slice_starts(pattern, "*.") && dot) { /* one label only (RFC 9525 §6.3) */
		pattern = weir_slice(pattern.base + 1, pattern.len - 1);
		name = weir_slice(dot, name.len - (size_t)(dot - name.base));
	}
	return pattern.len == name.len && weir_equal_nocase(pattern.base, name.base, name.len);
}

static bool has_name(const mbedtls_x509_crt *cert, struct weir_slice name)
{
	enum { TAG_MASK = MBEDTLS_ASN1_TAG_CLASS_MASK | MBEDTLS_ASN1_TAG_VALUE_MASK };

	for (const mbedtls_x509_sequence *at = &cert->subject_alt_names; at; at = at->next)
		if ((at->buf.tag & TAG_MASK) ==
			    (MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_X509_SAN_DNS_NAME) &&
		    matches(weir_slice((const char *)at->buf.p, at->buf.len), name))
			return true;
	return false;
}

/* Whoever asks for a name of nobody's is shown the first: what it thinks of that is its affair. */
static int on_name(void *arg, mbedtls_ssl_context *ssl, const unsigned char *bytes, size_t len)
{
	struct weir_tls_config *config = arg;
	struct weir_slice name = weir_slice((const char *)bytes, len);

	if (has_name(&config->certs, name))
		return 0;
	for (unsigned i = 0; i < config->pairs_n; i++)
		if (has_name(&config->pairs[i].certs, name))
			return mbedtls_ssl_set_hs_own_cert(ssl, &config->pairs[i].certs,
							   &config->pairs[i].key);
	return 0;
}

int weir_tls_listener_config_add(struct weir_tls_config *config, const char *cert_file,
				 const char *key_file, struct weir_error *err)
{
	struct weir_tls_pair *pair;

	if (!config->pairs)
		config->pairs = weir_calloc(WEIR_TLS_PAIRS_MAX, sizeof *config->pairs);
	if (!config->pairs || config->pairs_n == WEIR_TLS_PAIRS_MAX)
		return weir_fail(err, WEIR_ENOMEM, "%s: out of memory", cert_file);
	pair = &config->pairs[config->pairs_n++];
	mbedtls_x509_crt_init(&pair->certs);
	mbedtls_pk_init(&pair->key);
	mbedtls_ssl_conf_sni(&config->ssl, on_name, config);
	return load(config, cert_file, key_file, &pair->certs, &pair->key, err);
}

/* Without tickets: each connection shows its certificate, which may have expired since. */
int weir_tls_listener_config_trust(struct weir_tls_config *config, const char *ca_file,
				   struct weir_error *err)
{
	int rc = remember(config, ca_file, "the CA certificates", err);

	if (rc)
		return rc;
	(void)weir_tls_library_starved();
	rc = mbedtls_x509_crt_parse_file(&config->callers_ca, ca_file);
	if (rc > 0)
		return weir_fail(err, WEIR_ETLS, "%s: %d certificates not readable", ca_file, rc);
	if (rc)
		return fail(err, ca_file, "it must hold certificates in PEM form", rc);
	mbedtls_ssl_conf_ca_chain(&config->ssl, &config->callers_ca, NULL);
	mbedtls_ssl_conf_authmode(&config->ssl, MBEDTLS_SSL_VERIFY_REQUIRED);
	mbedtls_ssl_conf_session_tickets_cb(&config->ssl, NULL, NULL,
					    NULL); /* all a server heeds */
	config->wants_certificate = true;
	return 0;
}

static bool same_certificates(const mbedtls_x509_crt *a, const mbedtls_x509_crt *b)
{
	for (; a && b; a = a->next, b = b->next)
		if (a->raw.len != b->raw.len ||
		    (a->raw.len && memcmp(a->raw.p, b->raw.p, a->raw.len) != 0))
			return false;
	return a == b;
}

bool weir_tls_session_suits(const struct weir_tls_session *session,
			    const struct weir_tls_config *config)
{
	const struct weir_tls_config *own = session->config;

	return own == config || !config->wants_certificate ||
	       (own->wants_certificate && same_certificates(&own->callers_ca, &config->callers_ca));
}

/* ---- how long ---- */

static int64_t unix_s(const mbedtls_x509_time *when)
{
	struct tm utc = { .tm_year = when->year - 1900,
			  .tm_mon = when->mon - 1,
			  .tm_mday = when->day,
			  .tm_hour = when->hour,
			  .tm_min = when->min,
			  .tm_sec = when->sec };

	return timegm(&utc);
}

int64_t weir_tls_listener_expires_s(const struct weir_tls_config *config)
{
	int64_t soonest = unix_s(&config->certs.valid_to);

	for (unsigned i = 0; i < config->pairs_n; i++) {
		int64_t when = unix_s(&config->pairs[i].certs.valid_to);

		if (when < soonest)
			soonest = when;
	}
	return soonest;
}
