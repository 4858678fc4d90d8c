/* AES-GCM as NIST SP 800-38D writes it down: a bit after the other, one block after the other.
 * Slow, and the same on every machine; only AES itself is mbedTLS's. */
#ifndef WEIR_GCM_PLAIN_H
#define WEIR_GCM_PLAIN_H

#include <mbedtls/aes.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct gcm_block {
	uint8_t b[16];
};

static inline struct gcm_block gcm_xor(struct gcm_block x, const uint8_t *y, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x.b[i] ^= y[i];
	return x;
}

/* §6.3, algorithm 1. */
static inline struct gcm_block gcm_times(struct gcm_block x, struct gcm_block y)
{
	struct gcm_block z = { 0 };

	for (int i = 0; i < 128; i++) {
		bool out = y.b[15] & 1;

		if (x.b[i / 8] >> (7 - i % 8) & 1)
			z = gcm_xor(z, y.b, 16);
		for (int j = 15; j > 0; j--)
			y.b[j] = (uint8_t)(y.b[j] >> 1 | y.b[j - 1] << 7);
		y.b[0] = (uint8_t)(y.b[0] >> 1 ^ (out ? 0xe1 : 0));
	}
	return z;
}

/* x to the power of 2^128 - 2. */
static inline struct gcm_block gcm_inverse(struct gcm_block x)
{
	struct gcm_block z = { { 0x80 } }; /* one */

	for (int i = 1; i < 128; i++) {
		x = gcm_times(x, x);
		z = gcm_times(z, x);
	}
	return z;
}

static inline struct gcm_block gcm_lengths(size_t a, size_t b)
{
	struct gcm_block x;

	for (int i = 0; i < 8; i++) {
		x.b[7 - i] = (uint8_t)((uint64_t)a * 8 >> 8 * i);
		x.b[15 - i] = (uint8_t)((uint64_t)b * 8 >> 8 * i);
	}
	return x;
}

/* §6.4, padded with zeros. */
static inline struct gcm_block gcm_hash(struct gcm_block y, struct gcm_block h, const uint8_t *x,
					size_t len)
{
	for (size_t at = 0; at < len; at += 16)
		y = gcm_times(gcm_xor(y, x + at, len - at < 16 ? len - at : 16), h);
	return y;
}

static inline struct gcm_block gcm_cipher(mbedtls_aes_context *aes, struct gcm_block x)
{
	struct gcm_block y = { 0 };

	(void)mbedtls_aes_crypt_ecb(aes, MBEDTLS_AES_ENCRYPT, x.b, y.b);
	return y;
}

struct gcm_text {
	const uint8_t *key, *iv, *add, *in;
	size_t key_len, iv_len, add_len, len;
	bool decrypt;
};

static inline struct gcm_block gcm_hash_key(const uint8_t *key, size_t key_len)
{
	mbedtls_aes_context aes;
	struct gcm_block zero = { 0 };

	mbedtls_aes_init(&aes);
	(void)mbedtls_aes_setkey_enc(&aes, key, (unsigned)key_len * 8);
	zero = gcm_cipher(&aes, zero);
	mbedtls_aes_free(&aes);
	return zero;
}

/* §7.1 and §7.2: len bytes to out, and all of the tag. */
static inline void gcm_plain(const struct gcm_text *t, uint8_t *out, uint8_t tag[16])
{
	struct gcm_block h = gcm_hash_key(t->key, t->key_len), first = { 0 }, counter, s = { 0 };
	mbedtls_aes_context aes;

	mbedtls_aes_init(&aes);
	(void)mbedtls_aes_setkey_enc(&aes, t->key, (unsigned)t->key_len * 8);
	if (t->iv_len == 12) {
		memcpy(first.b, t->iv, 12);
		first.b[15] = 1;
	} else {
		first = gcm_hash(first, h, t->iv, t->iv_len);
		first = gcm_hash(first, h, gcm_lengths(0, t->iv_len).b, 16);
	}
	counter = first;
	for (size_t at = 0; at < t->len; at += 16) {
		size_t n = t->len - at < 16 ? t->len - at : 16;

		for (int i = 15; i >= 12 && ++counter.b[i] == 0; i--)
			;
		memcpy(out + at, gcm_xor(gcm_cipher(&aes, counter), t->in + at, n).b, n);
	}
	s = gcm_hash(s, h, t->add, t->add_len);
	s = gcm_hash(s, h, t->decrypt ? t->in : out, t->len);
	s = gcm_hash(s, h, gcm_lengths(t->add_len, t->len).b, 16);
	memcpy(tag, gcm_xor(gcm_cipher(&aes, first), s.b, 16).b, 16);
	mbedtls_aes_free(&aes);
}

#endif
