#include "base/sha256.h"

enum { BLOCK = 64, LENGTH = 8, WORDS = 8, ROUNDS = 64 };

/* The first bits of the fractions of the cube roots of the first primes. */
static const uint32_t constants[ROUNDS] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

static uint32_t turned(uint32_t x, unsigned by)
{
	return x >> by | x << (32 - by);
}

static void spread(uint32_t w[ROUNDS], const unsigned char *block)
{
	for (unsigned i = 0; i < 16; i++)
		w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
		       (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
	for (unsigned i = 16; i < ROUNDS; i++) {
		uint32_t a = w[i - 15], b = w[i - 2];

		w[i] = w[i - 16] + (turned(a, 7) ^ turned(a, 18) ^ a >> 3) + w[i - 7] +
		       (turned(b, 17) ^ turned(b, 19) ^ b >> 10);
	}
}

static void take(uint32_t h[WORDS], const unsigned char *block)
{
	uint32_t w[ROUNDS], s[WORDS];

	spread(w, block);
	memcpy(s, h, sizeof s);
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint32_t a = s[0], e = s[4];
		uint32_t up = s[7] + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) +
			      ((e & s[5]) ^ (~e & s[6])) + constants[i] + w[i];
		uint32_t down = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) +
				((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));

		memmove(s + 1, s, (WORDS - 1) * sizeof *s);
		s[4] += up;
		s[0] = up + down;
	}
	for (unsigned i = 0; i < WORDS; i++)
		h[i] += s[i];
	explicit_bzero(w, sizeof w);
	explicit_bzero(s, sizeof s);
}

struct weir_digest weir_sha256(struct weir_slice text)
{
	uint32_t h[WORDS] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
			      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
	unsigned char last[2 * BLOCK] = { 0 };
	size_t whole = text.len / BLOCK * BLOCK, rest = text.len - whole;
	size_t end = rest + 1 + LENGTH <= BLOCK ? BLOCK : 2 * BLOCK;
	struct weir_digest digest;

	for (size_t at = 0; at < whole; at += BLOCK)
		take(h, (const unsigned char *)text.base + at);
	if (rest)
		memcpy(last, text.base + whole, rest);
	last[rest] = 0x80;
	for (unsigned i = 0; i < LENGTH; i++)
		last[end - 1 - i] = (unsigned char)((uint64_t)text.len * 8 >> 8 * i);
	for (size_t at = 0; at < end; at += BLOCK)
		take(h, last + at);
	explicit_bzero(last, sizeof last);
	for (unsigned i = 0; i < WEIR_DIGEST_PARTS; i++)
		digest.part[i] = (uint64_t)h[2 * i] << 32 | h[2 * i + 1];
	return digest;
}

bool weir_digest_parse(struct weir_slice hex, struct weir_digest *digest)
{
	*digest = (struct weir_digest){ { 0 } };
	if (hex.len != WEIR_DIGEST_HEX)
		return false;
	for (size_t i = 0; i < hex.len; i++) {
		int digit = weir_hex_digit(hex.base[i]);

		if (digit < 0)
			return false;
		digest->part[i / 16] = digest->part[i / 16] << 4 | (uint64_t)digit;
	}
	return true;
}
