/* A signature that was good a moment ago is good without being checked again, and nothing else
 * is. */
#define MBEDTLS_ALLOW_PRIVATE_ACCESS /* to turn a key round */
#include <mbedtls/ecdsa.h>
#include <mbedtls/platform.h>

#include "test.h"

enum { HASH = 32, MANY = 150 };

static uint64_t state = 88172645463325252u;

static int random_bytes(void *arg, unsigned char *to, size_t n)
{
	(void)arg;
	for (size_t i = 0; i < n; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		to[i] = (unsigned char)(state >> 24);
	}
	return 0;
}

struct signer {
	mbedtls_ecp_group group;
	mbedtls_mpi secret, r, s;
	mbedtls_ecp_point key;
	unsigned char hash[HASH];
};

static void begin(struct signer *x, mbedtls_ecp_group_id curve)
{
	mbedtls_ecp_group_init(&x->group);
	mbedtls_ecp_point_init(&x->key);
	mbedtls_mpi_init(&x->secret);
	mbedtls_mpi_init(&x->r);
	mbedtls_mpi_init(&x->s);
	CHECK_INT(mbedtls_ecp_group_load(&x->group, curve), 0);
	CHECK_INT(mbedtls_ecp_gen_keypair(&x->group, &x->secret, &x->key, random_bytes, NULL), 0);
}

static void finish(struct signer *x)
{
	mbedtls_ecp_group_free(&x->group);
	mbedtls_ecp_point_free(&x->key);
	mbedtls_mpi_free(&x->secret);
	mbedtls_mpi_free(&x->r);
	mbedtls_mpi_free(&x->s);
}

static void sign(struct signer *x)
{
	(void)random_bytes(NULL, x->hash, HASH);
	CHECK_INT(mbedtls_ecdsa_sign(&x->group, &x->r, &x->s, &x->secret, x->hash, HASH,
				     random_bytes, NULL),
		  0);
}

static bool good(struct signer *x)
{
	int rc = mbedtls_ecdsa_verify(&x->group, x->hash, HASH, &x->key, &x->r, &x->s);

	CHECK(rc == 0 || rc == MBEDTLS_ERR_ECP_VERIFY_FAILED);
	return rc == 0;
}

static void turn_bit(mbedtls_mpi *number, size_t bit)
{
	CHECK_INT(
		mbedtls_mpi_set_bit(number, bit, (unsigned char)!mbedtls_mpi_get_bit(number, bit)),
		0);
}

static void expect_bad_with_a_bit_turned(struct signer *x, mbedtls_mpi *number)
{
	for (size_t bit = 0; bit < x->group.nbits; bit += 23) {
		turn_bit(number, bit);
		CHECK(!good(x));
		CHECK(!good(x)); /* what is bad is not kept */
		turn_bit(number, bit);
	}
	CHECK(good(x));
}

TEST(what_was_good_says_nothing_about_another)
{
	static const mbedtls_ecp_group_id curves[] = { MBEDTLS_ECP_DP_SECP256R1,
						       MBEDTLS_ECP_DP_SECP384R1 };

	for (unsigned i = 0; i < 2; i++) {
		struct signer x, other;

		begin(&x, curves[i]);
		begin(&other, curves[i]);
		sign(&x);
		CHECK(good(&x));
		CHECK(good(&x));
		expect_bad_with_a_bit_turned(&x, &x.r);
		expect_bad_with_a_bit_turned(&x, &x.s);
		for (size_t bit = 0; bit < 8 * HASH; bit += 23) {
			x.hash[bit / 8] ^= (unsigned char)(1 << bit % 8);
			CHECK(!good(&x));
			x.hash[bit / 8] ^= (unsigned char)(1 << bit % 8);
		}
		mbedtls_mpi_swap(&x.r, &x.s);
		CHECK(!good(&x));
		mbedtls_mpi_swap(&x.r, &x.s);
		for (int twice = 0; twice < 2;
		     twice++) { /* the key on the other side of the curve */
			CHECK_INT(mbedtls_mpi_sub_mpi(&x.key.Y, &x.group.P, &x.key.Y), 0);
			CHECK_INT(good(&x), twice);
		}
		CHECK_INT(mbedtls_ecp_copy(&x.key, &other.key), 0); /* another's key */
		CHECK(!good(&x));
		CHECK_INT(mbedtls_mpi_lset(&x.r, 0), 0);
		CHECK(!good(&x));
		finish(&x);
		finish(&other);
	}
}

TEST(what_was_bad_first_may_be_good)
{
	struct signer x;

	begin(&x, MBEDTLS_ECP_DP_SECP256R1);
	sign(&x);
	x.hash[0] ^= 1;
	CHECK(!good(&x));
	x.hash[0] ^= 1;
	CHECK(good(&x));
	x.hash[0] ^= 1;
	CHECK(!good(&x));
	finish(&x);
}

/* The first are forgotten by and by, and checked again. */
TEST(more_than_are_kept)
{
	struct signer x[2];

	begin(&x[0], MBEDTLS_ECP_DP_SECP256R1);
	begin(&x[1], MBEDTLS_ECP_DP_SECP256R1);
	sign(&x[0]);
	for (int i = 0; i < MANY; i++) {
		sign(&x[1]);
		CHECK(good(&x[1]));
		x[1].hash[i % HASH] ^= 1;
		CHECK(!good(&x[1]));
		if (i % 50 == 0)
			CHECK(good(&x[0]));
	}
	finish(&x[0]);
	finish(&x[1]);
}

TEST_MAIN
