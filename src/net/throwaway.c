#include "net/throwaway.h"

#include <arpa/inet.h>
#include <mbedtls/ecp.h>
#include <mbedtls/error.h>
#include <mbedtls/oid.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/rsa.h>
#include <mbedtls/x509_crt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "net/tls_private.h"

enum { PEM_MAX = 8192, SERIAL_BYTES = 16, HOUR_S = 3600, DAY_S = 86400, RSA_EXPONENT = 65537 };

#define CA_NAME "CN=weir throw-away CA"

struct weir_throwaway_ca {
	mbedtls_pk_context key;
	struct weir_slice pem;
};

/* One subject alternative name as mbedTLS wants it: a linked list of views. */
struct san {
	mbedtls_x509_san_list list[WEIR_THROWAWAY_HOSTS_MAX];
	unsigned char ip[WEIR_THROWAWAY_HOSTS_MAX][16];
};

static int fail(struct weir_error *err, int code)
{
	char why[100];

	if (weir_tls_library_starved() || weir_tls_no_memory(code))
		return weir_fail(err, WEIR_ENOMEM, "throw-away certificate: out of memory");
	mbedtls_strerror(code, why, sizeof why);
	return weir_fail(err, WEIR_ETLS, "throw-away certificate: %s", why);
}

static int make_key(mbedtls_pk_context *key, unsigned rsa_bits)
{
	mbedtls_pk_type_t type = rsa_bits ? MBEDTLS_PK_RSA : MBEDTLS_PK_ECKEY;
	int rc = mbedtls_pk_setup(key, mbedtls_pk_info_from_type(type));

	if (rc)
		return rc;
	if (rsa_bits)
		return mbedtls_rsa_gen_key(mbedtls_pk_rsa(*key), mbedtls_psa_get_random,
					   MBEDTLS_PSA_RANDOM_STATE, rsa_bits, RSA_EXPONENT);
	return mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key),
				   mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
}

static int set_validity(mbedtls_x509write_cert *cert, int64_t from_s, int64_t until_s)
{
	time_t from = time(NULL) + (time_t)from_s, until = time(NULL) + (time_t)until_s;
	char not_before[16], not_after[16];
	struct tm tm;

	if (!gmtime_r(&from, &tm) || !strftime(not_before, sizeof not_before, "%Y%m%d%H%M%S", &tm))
		return MBEDTLS_ERR_X509_INVALID_DATE;
	if (!gmtime_r(&until, &tm) || !strftime(not_after, sizeof not_after, "%Y%m%d%H%M%S", &tm))
		return MBEDTLS_ERR_X509_INVALID_DATE;
	return mbedtls_x509write_crt_set_validity(cert, not_before, not_after);
}

static int set_serial(mbedtls_x509write_cert *cert)
{
	unsigned char serial[SERIAL_BYTES];
	int rc = mbedtls_psa_get_random(MBEDTLS_PSA_RANDOM_STATE, serial, sizeof serial);

	if (rc)
		return rc;
	serial[0] = (unsigned char)((serial[0] & 0x7f) | 1); /* positive, of full length */
	return mbedtls_x509write_crt_set_serial_raw(cert, serial, sizeof serial);
}

static int set_hosts(mbedtls_x509write_cert *cert, const char *const *hosts)
{
	struct san san = { 0 };
	size_t n = 0;

	for (; n < WEIR_THROWAWAY_HOSTS_MAX && hosts[n]; n++) {
		mbedtls_x509_subject_alternative_name *node = &san.list[n].node;
		bool v4 = inet_pton(AF_INET, hosts[n], san.ip[n]) == 1;

		if (n)
			san.list[n - 1].next = &san.list[n];
		if (v4 || inet_pton(AF_INET6, hosts[n], san.ip[n]) == 1) {
			node->type = MBEDTLS_X509_SAN_IP_ADDRESS;
			node->san.unstructured_name.p = san.ip[n];
			node->san.unstructured_name.len = v4 ? 4 : 16;
		} else {
			node->type = MBEDTLS_X509_SAN_DNS_NAME;
			node->san.unstructured_name.p = (unsigned char *)(uintptr_t)hosts[n];
			node->san.unstructured_name.len = strlen(hosts[n]);
		}
	}
	return n ? mbedtls_x509write_crt_set_subject_alternative_name(cert, san.list) : 0;
}

static int set_usage(mbedtls_x509write_cert *cert, bool ca, bool for_clients)
{
	mbedtls_asn1_sequence use = { .buf = { .tag = MBEDTLS_ASN1_OID } };
	int rc = mbedtls_x509write_crt_set_basic_constraints(cert, ca, ca ? 0 : -1);

	if (rc)
		return rc;
	if (ca)
		return mbedtls_x509write_crt_set_key_usage(cert, MBEDTLS_X509_KU_KEY_CERT_SIGN |
									 MBEDTLS_X509_KU_CRL_SIGN);
	rc = mbedtls_x509write_crt_set_key_usage(cert, MBEDTLS_X509_KU_DIGITAL_SIGNATURE);
	if (rc)
		return rc;
	use.buf.p = (unsigned char *)(uintptr_t)(for_clients ? MBEDTLS_OID_CLIENT_AUTH
							     : MBEDTLS_OID_SERVER_AUTH);
	use.buf.len = MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH);
	return mbedtls_x509write_crt_set_ext_key_usage(cert, &use);
}

static int set_key_ids(mbedtls_x509write_cert *cert)
{
	int rc = 0;

#if defined(MBEDTLS_MD_CAN_SHA1)
	rc = mbedtls_x509write_crt_set_subject_key_identifier(cert);
	if (rc == 0)
		rc = mbedtls_x509write_crt_set_authority_key_identifier(cert);
#else
	(void)cert;
#endif
	return rc;
}

static int to_slice(struct weir_slice *slice, const char *text)
{
	char *copy = weir_strndup(text, strlen(text));

	*slice = weir_slice(copy, strlen(text));
	return copy ? 0 : MBEDTLS_ERR_X509_ALLOC_FAILED;
}

static void free_slice(struct weir_slice *slice)
{
	weir_free_secret((char *)(uintptr_t)slice->base, slice->len);
	*slice = weir_slice(NULL, 0);
}

/* subject's certificate, signed by issuer; spec NULL: an authority's. */
static int certify(mbedtls_pk_context *subject, const mbedtls_pk_context *issuer,
		   const struct weir_throwaway_spec *spec, const char *name,
		   const char *issuer_name, struct weir_slice *pem)
{
	static const struct weir_throwaway_spec ca_spec = { .from_s = -DAY_S,
							    .until_s = 30 * DAY_S };
	const struct weir_throwaway_spec *s = spec ? spec : &ca_spec;
	bool dated = s->from_s || s->until_s;
	mbedtls_x509write_cert cert;
	char text[PEM_MAX];
	int rc;

	mbedtls_x509write_crt_init(&cert);
	mbedtls_x509write_crt_set_version(&cert, MBEDTLS_X509_CRT_VERSION_3);
	mbedtls_x509write_crt_set_md_alg(&cert, s->sha1 ? MBEDTLS_MD_SHA1 : MBEDTLS_MD_SHA256);
	mbedtls_x509write_crt_set_subject_key(&cert, subject);
	mbedtls_x509write_crt_set_issuer_key(&cert, (mbedtls_pk_context *)(uintptr_t)issuer);
	rc = mbedtls_x509write_crt_set_subject_name(&cert, name);
	if (rc == 0)
		rc = mbedtls_x509write_crt_set_issuer_name(&cert, issuer_name);
	if (rc == 0)
		rc = set_serial(&cert);
	if (rc == 0)
		rc = set_validity(&cert, dated ? s->from_s : -HOUR_S, dated ? s->until_s : DAY_S);
	if (rc == 0)
		rc = set_usage(&cert, !spec, s->for_clients);
	if (rc == 0)
		rc = set_key_ids(&cert);
	if (rc == 0)
		rc = set_hosts(&cert, s->hosts);
	if (rc == 0)
		rc = mbedtls_x509write_crt_pem(&cert, (unsigned char *)text, sizeof text,
					       mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
	if (rc == 0)
		rc = to_slice(pem, text);
	mbedtls_x509write_crt_free(&cert);
	return rc;
}

int weir_throwaway_ca_create(struct weir_throwaway_ca **ca, struct weir_error *err)
{
	int rc = weir_tls_library_take(err);

	*ca = NULL;
	if (rc)
		return rc;
	*ca = weir_calloc(1, sizeof **ca);
	if (!*ca) {
		weir_tls_library_give();
		return fail(err, MBEDTLS_ERR_X509_ALLOC_FAILED);
	}
	mbedtls_pk_init(&(*ca)->key);
	rc = make_key(&(*ca)->key, 0);
	if (rc == 0)
		rc = certify(&(*ca)->key, &(*ca)->key, NULL, CA_NAME, CA_NAME, &(*ca)->pem);
	if (rc == 0)
		return 0;
	weir_throwaway_ca_destroy(*ca);
	*ca = NULL;
	return fail(err, rc);
}

void weir_throwaway_ca_destroy(struct weir_throwaway_ca *ca)
{
	if (!ca)
		return;
	mbedtls_pk_free(&ca->key);
	free_slice(&ca->pem);
	weir_free(ca);
	weir_tls_library_give();
}

struct weir_slice weir_throwaway_ca_pem(const struct weir_throwaway_ca *ca)
{
	return ca->pem;
}

static int write_key(mbedtls_pk_context *key, struct weir_slice *pem)
{
	char text[PEM_MAX];
	int rc = mbedtls_pk_write_key_pem(key, (unsigned char *)text, sizeof text);

	if (rc == 0)
		rc = to_slice(pem, text);
	explicit_bzero(text, sizeof text);
	return rc;
}

int weir_throwaway_issue(const struct weir_throwaway_ca *ca, const struct weir_throwaway_spec *spec,
			 struct weir_throwaway *made, struct weir_error *err)
{
	const char *common = spec->common_name ? spec->common_name : "weir-throw-away";
	mbedtls_pk_context key;
	char name[128];
	int rc;

	*made = (struct weir_throwaway){ 0 };
	(void)weir_tls_library_starved();
	snprintf(name, sizeof name, "CN=%s", common);
	mbedtls_pk_init(&key);
	rc = make_key(&key, spec->rsa_bits);
	if (rc == 0)
		rc = certify(&key, spec->self_signed ? &key : &ca->key, spec, name,
			     spec->self_signed ? name : CA_NAME, &made->cert_pem);
	if (rc == 0)
		rc = write_key(&key, &made->key_pem);
	mbedtls_pk_free(&key);
	if (rc == 0)
		return 0;
	weir_throwaway_fini(made);
	return fail(err, rc);
}

void weir_throwaway_fini(struct weir_throwaway *made)
{
	free_slice(&made->cert_pem);
	free_slice(&made->key_pem);
}
