#include <errno.h>
#include <mbedtls/error.h>
#include <mbedtls/platform.h>
#include <mbedtls/psa_util.h>
#include <psa/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include "base/alloc.h"
#include "base/assert.h"
#include "net/lock.h"
#include "net/tls_private.h"

/* Forward secrecy and AEAD only (RFC 9325 §4.2). */
static const int suites_aes_first[] = { MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
					MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
					MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
					MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
					MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
					MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
					MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
					MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
					MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
					0 };
static const int suites_chacha_first[] = { MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
					   MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
					   MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
					   MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
					   MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
					   MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
					   MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
					   MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
					   MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
					   0 };

/* mbedTLS is quickest with the first, and there is no server without it. */
static const uint16_t groups[] = { MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
				   MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
				   MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1,
				   MBEDTLS_SSL_IANA_TLS_GROUP_SECP521R1,
				   MBEDTLS_SSL_IANA_TLS_GROUP_NONE };

static const char *protocols[] = { "http/1.1", NULL };
static const char *protocols_http2[] = { "h2", "http/1.1", NULL };

static const char *const bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt",                /* Debian, Alpine, Arch */
	"/etc/pki/tls/certs/ca-bundle.crt",                  /* Fedora */
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* RHEL */
	"/etc/ssl/ca-bundle.pem",                            /* openSUSE */
	"/etc/ssl/cert.pem",                                 /* macOS, BSD, Alpine */
	"/opt/homebrew/etc/ca-certificates/cert.pem",        /* Homebrew */
	"/usr/local/share/certs/ca-root-nss.crt",            /* FreeBSD */
};

/* Of a scalar multiplication's 3,300 in P-256: a quarter of a millisecond. */
enum { EC_OPS_MAX = 1000 };

static unsigned library_users;
static _Thread_local bool starved;

static void *allocate(size_t count, size_t size)
{
	void *ptr = weir_calloc(count, size);

	starved |= !ptr;
	return ptr;
}

bool weir_tls_library_starved(void)
{
	bool was = starved;

	starved = false;
	return was;
}

static bool library_begin(void)
{
#if defined(MBEDTLS_PLATFORM_MEMORY) && !defined(MBEDTLS_PLATFORM_CALLOC_MACRO)
	mbedtls_platform_set_calloc_free(allocate, weir_free);
#endif
#if defined(MBEDTLS_ECP_RESTARTABLE)
	mbedtls_ecp_set_max_ops(EC_OPS_MAX);
#endif
	return psa_crypto_init() == PSA_SUCCESS;
}

int weir_tls_library_take(struct weir_error *err)
{
	bool begun;

	weir_process_lock();
	begun = library_users || library_begin();
	library_users += begun;
	weir_process_unlock();
	if (begun)
		return 0;
	return weir_fail(err, WEIR_ETLS,
			 "TLS cannot start: no random numbers from the system, or no memory");
}

void weir_tls_library_give(void)
{
	weir_process_lock();
	WEIR_ASSERT(library_users > 0);
	if (--library_users == 0)
		mbedtls_psa_crypto_free();
	weir_process_unlock();
}

/* Without instructions for it AES is slower than ChaCha20 and its timing tells secrets. */
static bool has_aes(void)
{
#if defined(__x86_64__)
	return __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul");
#elif defined(__aarch64__) && defined(__linux__)
	return getauxval(AT_HWCAP) & HWCAP_AES;
#else
	return true;
#endif
}

int weir_tls_config_fail(struct weir_error *err, const char *what, int code)
{
	char why[100];

	if (weir_tls_library_starved() || weir_tls_no_memory(code))
		return weir_fail(err, WEIR_ENOMEM, "%s: out of memory", what);
	mbedtls_strerror(code, why, sizeof why);
	return weir_fail(err, WEIR_ETLS, "%s: %s", what, why);
}

static void destroy(struct weir_tls_config *config)
{
	mbedtls_ssl_config_free(&config->ssl);
	mbedtls_x509_crt_free(&config->certs);
	mbedtls_pk_free(&config->key);
	mbedtls_ssl_ticket_free(&config->tickets);
	weir_tls_listener_fini(config);
	weir_free(config->file.path);
	weir_free(config);
	weir_tls_library_give();
}

void weir_tls_config_http2(struct weir_tls_config *config)
{
	int rc;

	config->http1 = config->ssl;
	rc = mbedtls_ssl_conf_alpn_protocols(&config->ssl, protocols_http2);
	WEIR_ASSERT(rc == 0); /* only a name too long is refused */
}

void weir_tls_config_share(struct weir_tls_config *config)
{
	WEIR_ASSERT(config->users > 0);
	config->users++;
}

void weir_tls_config_destroy(struct weir_tls_config *config)
{
	if (!config)
		return;
	WEIR_ASSERT(config->users > 0);
	if (--config->users == 0)
		destroy(config);
}

static int set_defaults(struct weir_tls_config *config, struct weir_error *err)
{
	int role = config->server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT;
	int rc = mbedtls_ssl_config_defaults(&config->ssl, role, MBEDTLS_SSL_TRANSPORT_STREAM,
					     MBEDTLS_SSL_PRESET_DEFAULT);

	if (rc)
		return weir_tls_config_fail(err, "TLS", rc);
	mbedtls_ssl_conf_rng(&config->ssl, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
	mbedtls_ssl_conf_ciphersuites(&config->ssl,
				      has_aes() ? suites_aes_first : suites_chacha_first);
	mbedtls_ssl_conf_groups(&config->ssl, groups);
	mbedtls_ssl_conf_min_tls_version(&config->ssl, MBEDTLS_SSL_VERSION_TLS1_2);
	mbedtls_ssl_conf_max_tls_version(&config->ssl, MBEDTLS_SSL_VERSION_TLS1_3);
	rc = mbedtls_ssl_conf_alpn_protocols(&config->ssl, protocols);
	return rc ? weir_tls_config_fail(err, "TLS", rc) : 0;
}

int weir_tls_config_begin(struct weir_tls_config **config, bool server, struct weir_error *err)
{
	static uint64_t serial;
	int rc = weir_tls_library_take(err);

	*config = NULL;
	if (rc)
		return rc;
	(void)weir_tls_library_starved();
	*config = weir_calloc(1, sizeof **config);
	if (!*config) {
		weir_tls_library_give();
		return weir_fail(err, WEIR_ENOMEM, "TLS: out of memory");
	}
	(*config)->users = 1;
	(*config)->serial = ++serial;
	(*config)->server = server;
	mbedtls_ssl_config_init(&(*config)->ssl);
	mbedtls_x509_crt_init(&(*config)->certs);
	mbedtls_x509_crt_init(&(*config)->callers_ca);
	mbedtls_pk_init(&(*config)->key);
	mbedtls_ssl_ticket_init(&(*config)->tickets);
	rc = set_defaults(*config, err);
	if (rc) {
		destroy(*config);
		*config = NULL;
	}
	return rc;
}

static const char *find_bundle(const char *ca_file)
{
	const char *named = getenv("SSL_CERT_FILE");

	if (ca_file)
		return ca_file;
	if (named && *named)
		return named;
	for (size_t i = 0; i < WEIR_COUNT_OF(bundles); i++)
		if (access(bundles[i], R_OK) == 0)
			return bundles[i];
	return NULL;
}

/* A bundle may hold certificates that mbedTLS cannot read: rc counts them. */
static int trust(struct weir_tls_config *config, const char *what, int rc, int *unparsed,
		 struct weir_error *err)
{
	if (rc < 0 && (weir_tls_library_starved() || weir_tls_no_memory(rc)))
		return weir_fail(err, WEIR_ENOMEM, "%s: out of memory", what);
	if (rc < 0 || !config->certs.raw.p)
		return weir_fail(err, WEIR_ETLS,
				 "no usable CA certificate in %s: it must hold certificates in PEM "
				 "form",
				 what);
	if (unparsed)
		*unparsed = rc;
	mbedtls_ssl_conf_authmode(&config->ssl, MBEDTLS_SSL_VERIFY_REQUIRED);
	mbedtls_ssl_conf_ca_chain(&config->ssl, &config->certs, NULL);
	mbedtls_ssl_conf_session_tickets(&config->ssl, MBEDTLS_SSL_SESSION_TICKETS_ENABLED);
	mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
		&config->ssl, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
	return 0;
}

/* mbedTLS would ask a directory for its size and then for as much memory. */
int weir_tls_file_check(const char *path, const char *what, struct stat *st, struct weir_error *err)
{
	if (stat(path, st) || access(path, R_OK))
		return weir_fail(err, WEIR_ETLS, "cannot read %s in %s: %s", what, path,
				 strerror(errno));
	if (!S_ISREG(st->st_mode) || st->st_size > WEIR_TLS_BUNDLE_MAX)
		return weir_fail(err, WEIR_ETLS,
				 "cannot read %s in %s: it must be a file of at most %d bytes",
				 what, path, WEIR_TLS_BUNDLE_MAX);
	return 0;
}

int weir_tls_client_config_create(struct weir_tls_config **config, const char *ca_file,
				  int *unparsed, struct weir_error *err)
{
	const char *path = find_bundle(ca_file);
	struct stat st;
	int rc;

	*config = NULL;
	if (!path)
		return weir_fail(err, WEIR_ETLS,
				 "found no CA certificates, looked for %s and the like; install "
				 "them (Debian: ca-certificates), or name a PEM file with ca_file "
				 "or SSL_CERT_FILE",
				 bundles[0]);
	rc = weir_tls_file_check(path, "the CA certificates", &st, err);
	if (rc)
		return rc;
	rc = weir_tls_config_begin(config, false, err);
	if (rc)
		return rc;
	(*config)->file = (struct weir_tls_file){ weir_strndup(path, strlen(path)), st };
	rc = (*config)->file.path ? mbedtls_x509_crt_parse_file(&(*config)->certs, path)
				  : MBEDTLS_ERR_X509_ALLOC_FAILED;
	rc = trust(*config, path, rc, unparsed, err);
	if (rc) {
		destroy(*config);
		*config = NULL;
	}
	return rc;
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool weir_tls_file_is_fresh(const struct weir_tls_file *file)
{
	const struct stat *was = &file->as_read;
	struct stat st;

	return stat(file->path, &st) == 0 && st.st_dev == was->st_dev && st.st_ino == was->st_ino &&
	       st.st_size == was->st_size && same_time(st.st_mtim, was->st_mtim) &&
	       same_time(st.st_ctim, was->st_ctim);
}

bool weir_tls_client_config_is(const struct weir_tls_config *config, const char *ca_file)
{
	const char *path = find_bundle(ca_file);

	return path && config->file.path && strcmp(path, config->file.path) == 0 &&
	       weir_tls_file_is_fresh(&config->file);
}

/* mbedTLS tells PEM from DER by the NUL at its end, which counts. */
static int parse_pem(mbedtls_x509_crt *certs, struct weir_slice pem)
{
	char *text = weir_strndup(pem.base, pem.len);
	int rc = MBEDTLS_ERR_X509_ALLOC_FAILED;

	if (text)
		rc = mbedtls_x509_crt_parse(certs, (const unsigned char *)text, pem.len + 1);
	weir_free(text);
	return rc;
}

int weir_tls_client_config_create_pem(struct weir_tls_config **config, struct weir_slice ca_pem,
				      int *unparsed, struct weir_error *err)
{
	int rc = weir_tls_config_begin(config, false, err);

	if (rc)
		return rc;
	rc = parse_pem(&(*config)->certs, ca_pem);
	rc = trust(*config, "the given text", rc, unparsed, err);
	if (rc) {
		destroy(*config);
		*config = NULL;
	}
	return rc;
}

static int parse_key(struct weir_tls_config *config, struct weir_slice pem)
{
	char *text = weir_strndup(pem.base, pem.len);
	int rc = MBEDTLS_ERR_X509_ALLOC_FAILED;

	if (text)
		rc = mbedtls_pk_parse_key(&config->key, (const unsigned char *)text, pem.len + 1,
					  NULL, 0, mbedtls_psa_get_random,
					  MBEDTLS_PSA_RANDOM_STATE);
	weir_free_secret(text, pem.len + 1);
	return rc;
}

static size_t chain_bytes(const mbedtls_x509_crt *cert)
{
	size_t sum = 0;

	for (; cert; cert = cert->next)
		sum += cert->raw.len;
	return sum;
}

int weir_tls_pair_judge(mbedtls_x509_crt *certs, mbedtls_pk_context *key_context, const char *what,
			const char *key, struct weir_error *err)
{
	int rc = mbedtls_pk_check_pair(&certs->pk, key_context, mbedtls_psa_get_random,
				       MBEDTLS_PSA_RANDOM_STATE);

	if (rc && (weir_tls_library_starved() || weir_tls_no_memory(rc)))
		return weir_fail(err, WEIR_ENOMEM, "%s: out of memory", key);
	if (rc)
		return weir_fail(err, WEIR_ETLS,
				 "%s: it belongs to another certificate than the first one", key);
	if (chain_bytes(certs) > WEIR_TLS_CHAIN_BYTES_MAX)
		return weir_fail(err, WEIR_ETLS,
				 "%s: the chain has %zu bytes, at most %d fit; leave the "
				 "root out, or use EC keys",
				 what, chain_bytes(certs), WEIR_TLS_CHAIN_BYTES_MAX);
	return 0;
}

static int load_identity(struct weir_tls_config *config, struct weir_slice cert_pem,
			 struct weir_slice key_pem, struct weir_error *err)
{
	int rc = parse_pem(&config->certs, cert_pem);

	if (rc > 0)
		return weir_fail(err, WEIR_ETLS, "TLS certificate: %d in the chain not readable",
				 rc);
	if (rc)
		return weir_tls_config_fail(err, "TLS certificate", rc);
	rc = parse_key(config, key_pem);
	if (rc)
		return weir_tls_config_fail(err, "TLS key", rc);
	rc = weir_tls_pair_judge(&config->certs, &config->key, "TLS certificate", "TLS key", err);
	if (rc)
		return rc;
	rc = mbedtls_ssl_conf_own_cert(&config->ssl, &config->certs, &config->key);
	return rc ? weir_tls_config_fail(err, "TLS certificate", rc) : 0;
}

int weir_tls_config_tickets(struct weir_tls_config *config, struct weir_error *err)
{
	int rc = mbedtls_ssl_ticket_setup(&config->tickets, mbedtls_psa_get_random,
					  MBEDTLS_PSA_RANDOM_STATE, MBEDTLS_CIPHER_AES_256_GCM,
					  WEIR_TLS_TICKET_S);

	if (rc)
		return weir_tls_config_fail(err, "TLS tickets", rc);
	mbedtls_ssl_conf_session_tickets(&config->ssl, MBEDTLS_SSL_SESSION_TICKETS_ENABLED);
	mbedtls_ssl_conf_session_tickets_cb(&config->ssl, mbedtls_ssl_ticket_write,
					    mbedtls_ssl_ticket_parse, &config->tickets);
	return 0;
}

int weir_tls_server_config_create(struct weir_tls_config **config, struct weir_slice cert_pem,
				  struct weir_slice key_pem, unsigned min_minor, unsigned max_minor,
				  struct weir_error *err)
{
	int rc = weir_tls_config_begin(config, true, err);

	if (rc)
		return rc;
	mbedtls_ssl_conf_authmode(&(*config)->ssl, MBEDTLS_SSL_VERIFY_NONE);
	if (min_minor == 3)
		mbedtls_ssl_conf_min_tls_version(&(*config)->ssl, MBEDTLS_SSL_VERSION_TLS1_3);
	if (max_minor == 2)
		mbedtls_ssl_conf_max_tls_version(&(*config)->ssl, MBEDTLS_SSL_VERSION_TLS1_2);
	rc = load_identity(*config, cert_pem, key_pem, err);
	if (rc == 0)
		rc = weir_tls_config_tickets(*config, err);
	if (rc) {
		destroy(*config);
		*config = NULL;
	}
	return rc;
}
