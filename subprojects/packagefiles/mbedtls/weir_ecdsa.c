/* Good signatures that were seen lately: who opens many connections to one provider is shown the
 * same certificates each time, and their signatures are most of what a handshake costs.
 *
 * Whether a signature is good depends on nothing but curve, key, hash, r and s. What is kept is
 * SHA-256 over all of them, and of good ones only: another that is taken for it would be a second
 * preimage. Names, dates and purposes of certificates are looked at anew each time. */
#include "common.h"

#include "weir_ecdsa.h"

#include "mbedtls/sha256.h"

#include <string.h>

enum { KEPT = 64, DIGEST = 32, NUMBER = MBEDTLS_ECP_MAX_BYTES };

/* A thread has its own: gateways may live on several. */
static _Thread_local struct {
	unsigned char digests[KEPT][DIGEST];
	unsigned n, next;
} good;

static int add_number(mbedtls_sha256_context *sha, const mbedtls_mpi *number)
{
	unsigned char bytes[NUMBER];
	int rc = mbedtls_mpi_write_binary(number, bytes, sizeof bytes);

	return rc ? rc : mbedtls_sha256_update(sha, bytes, sizeof bytes);
}

/* Each part has its place: its length is fixed or said before it. */
static int add_all(mbedtls_sha256_context *sha, const mbedtls_ecp_group *group,
		   const unsigned char *hash, size_t hash_len, const mbedtls_ecp_point *key,
		   const mbedtls_mpi *r, const mbedtls_mpi *s)
{
	unsigned char head[2] = { (unsigned char) group->id, (unsigned char) hash_len };
	int rc = hash_len > 255 || !group->id ? -1 : mbedtls_sha256_starts(sha, 0);

	rc = rc ? rc : mbedtls_mpi_cmp_int(&key->Z, 1);
	rc = rc ? rc : mbedtls_sha256_update(sha, head, sizeof head);
	rc = rc ? rc : mbedtls_sha256_update(sha, hash, hash_len);
	rc = rc ? rc : add_number(sha, &key->X);
	rc = rc ? rc : add_number(sha, &key->Y);
	rc = rc ? rc : add_number(sha, r);
	return rc ? rc : add_number(sha, s);
}

static int digest_of(unsigned char digest[DIGEST], const mbedtls_ecp_group *group,
		     const unsigned char *hash, size_t hash_len, const mbedtls_ecp_point *key,
		     const mbedtls_mpi *r, const mbedtls_mpi *s)
{
	mbedtls_sha256_context sha;
	int rc;

	mbedtls_sha256_init(&sha);
	rc = add_all(&sha, group, hash, hash_len, key, r, s);
	rc = rc ? rc : mbedtls_sha256_finish(&sha, digest);
	mbedtls_sha256_free(&sha);
	return rc;
}

static int is_kept(const unsigned char digest[DIGEST])
{
	for (unsigned i = 0; i < good.n; i++)
		if (memcmp(good.digests[i], digest, DIGEST) == 0)
			return 1;
	return 0;
}

int weir_ecdsa_known(const mbedtls_ecp_group *group, const unsigned char *hash, size_t hash_len,
		     const mbedtls_ecp_point *key, const mbedtls_mpi *r, const mbedtls_mpi *s)
{
	unsigned char digest[DIGEST];

	return good.n && digest_of(digest, group, hash, hash_len, key, r, s) == 0 &&
	       is_kept(digest);
}

void weir_ecdsa_learn(const mbedtls_ecp_group *group, const unsigned char *hash, size_t hash_len,
		      const mbedtls_ecp_point *key, const mbedtls_mpi *r, const mbedtls_mpi *s)
{
	unsigned char digest[DIGEST];

	if (digest_of(digest, group, hash, hash_len, key, r, s) != 0 || is_kept(digest))
		return;
	memcpy(good.digests[good.next], digest, DIGEST);
	good.next = (good.next + 1) % KEPT;
	if (good.n < KEPT)
		good.n++;
}
