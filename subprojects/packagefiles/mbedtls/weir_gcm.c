/* AES-GCM over whole blocks with the CPU's own instructions, eight at a time.
 *
 * Of GCM only this is ours: mbedTLS's gcm.c, as weir_gcm.py has it built, hands the whole blocks
 * of mbedtls_gcm_update() over. Keys, IVs, additional data, parts of blocks, lengths and their
 * limits, the tag and its comparison remain its own. Where the CPU or the build lacks something
 * nothing is taken over. No branch and no address depends on a secret.
 *
 * GHASH is reckoned as POLYVAL (RFC 8452, appendix A): in bytes turned round, with H times x. */
#include "common.h"

#include "weir_gcm.h"

#include "mbedtls/aes.h"
#include "mbedtls/version.h"

#if MBEDTLS_VERSION_MAJOR != 3 || MBEDTLS_VERSION_MINOR != 6
#error "look again at what of mbedtls_gcm_context is used here"
#endif

#if defined(__x86_64__) && defined(MBEDTLS_AESNI_C) && !defined(MBEDTLS_GCM_LARGE_TABLE) && \
	!defined(MBEDTLS_BLOCK_CIPHER_C)

#include <immintrin.h>

#define TARGET __attribute__((target("aes,pclmul,ssse3")))
#define INLINE static inline TARGET __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8") /* or b is kept in memory */

enum { ACCELERATION_AESNI = 2, POWERS = 8, BLOCK = 16 };

/* Where mbedTLS multiplies by instructions it uses H[8] of its table and no other row: the first
 * eight have room for the powers of H, H itself first. */
_Static_assert(MBEDTLS_GCM_HTABLE_SIZE == 2 * POWERS, "room for the powers");

struct work {
	__m128i counter, hash; /* bytes turned round */
	const __m128i *keys, *powers;
	int rounds;
};

INLINE __m128i turn(__m128i x)
{
	return _mm_shuffle_epi8(x, _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
						15));
}

INLINE __m128i load(const void *from)
{
	return _mm_loadu_si128((const __m128i *) from);
}

INLINE void store(void *to, __m128i x)
{
	_mm_storeu_si128((__m128i *) to, x);
}

/* A product before its reduction. */
struct product {
	__m128i low, mid, high;
};

INLINE void multiply_add(struct product *sum, __m128i a, __m128i b)
{
	__m128i mid = _mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x01),
				    _mm_clmulepi64_si128(a, b, 0x10));

	sum->low = _mm_xor_si128(sum->low, _mm_clmulepi64_si128(a, b, 0x00));
	sum->mid = _mm_xor_si128(sum->mid, mid);
	sum->high = _mm_xor_si128(sum->high, _mm_clmulepi64_si128(a, b, 0x11));
}

/* Times x^64 mod x^128 + x^127 + x^126 + x^121 + 1, backwards: a Montgomery step. */
INLINE __m128i fold(__m128i x)
{
	__m128i poly = _mm_set_epi64x((long long) 0xc200000000000000, 0);

	return _mm_xor_si128(_mm_shuffle_epi32(x, 0x4e), _mm_clmulepi64_si128(x, poly, 0x10));
}

INLINE __m128i reduce(const struct product *p)
{
	__m128i low = _mm_xor_si128(p->low, _mm_slli_si128(p->mid, 8));
	__m128i high = _mm_xor_si128(p->high, _mm_srli_si128(p->mid, 8));

	return _mm_xor_si128(high, fold(fold(low)));
}

INLINE __m128i multiply(__m128i a, __m128i b)
{
	struct product p = { _mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128() };

	multiply_add(&p, a, b);
	return reduce(&p);
}

INLINE __m128i times_x(__m128i a)
{
	__m128i carry = _mm_shuffle_epi32(_mm_srai_epi32(a, 31), 0xff);
	__m128i poly = _mm_set_epi64x((long long) 0xc200000000000000, 1);
	__m128i doubled = _mm_or_si128(_mm_slli_epi64(a, 1),
				       _mm_slli_si128(_mm_srli_epi64(a, 63), 8));

	return _mm_xor_si128(doubled, _mm_and_si128(carry, poly));
}

/* The next n counters, encrypted. */
INLINE void key_stream(struct work *w, __m128i *b, int n)
{
	__m128i key = load(&w->keys[0]);

	UNROLL
	for (int i = 0; i < n; i++) {
		w->counter = _mm_add_epi32(w->counter, _mm_set_epi32(0, 0, 0, 1));
		b[i] = _mm_xor_si128(turn(w->counter), key);
	}
	for (int r = 1; r < w->rounds; r++) {
		key = load(&w->keys[r]);
		UNROLL
		for (int i = 0; i < n; i++)
			b[i] = _mm_aesenc_si128(b[i], key);
	}
	key = load(&w->keys[w->rounds]);
	UNROLL
	for (int i = 0; i < n; i++)
		b[i] = _mm_aesenclast_si128(b[i], key);
}

INLINE void blocks(struct work *w, const unsigned char *in, unsigned char *out, int n, bool decrypt)
{
	struct product sum = { _mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128() };
	__m128i b[POWERS];

	key_stream(w, b, n);
	UNROLL
	for (int i = 0; i < n; i++) {
		__m128i from = load(in + BLOCK * i), to = _mm_xor_si128(from, b[i]);
		__m128i x = turn(decrypt ? from : to);

		store(out + BLOCK * i, to);
		if (i == 0)
			x = _mm_xor_si128(x, w->hash);
		multiply_add(&sum, x, load(&w->powers[n - 1 - i]));
	}
	w->hash = reduce(&sum);
}

INLINE size_t all(struct work *w, const unsigned char *in, unsigned char *out, size_t left,
		  bool decrypt)
{
	size_t at = 0;

	for (; left - at >= POWERS * BLOCK; at += POWERS * BLOCK)
		blocks(w, in + at, out + at, POWERS, decrypt);
	for (; left - at >= 2 * BLOCK; at += 2 * BLOCK)
		blocks(w, in + at, out + at, 2, decrypt);
	if (left - at >= BLOCK) {
		blocks(w, in + at, out + at, 1, decrypt);
		at += BLOCK;
	}
	return at;
}

static bool cpu_can(void)
{
	return __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul") &&
	       __builtin_cpu_supports("ssse3");
}

/* A CPU that can all of this and a key of AES, as the tables of gcm.c are not in use. */
static bool takes(const mbedtls_gcm_context *ctx)
{
	mbedtls_cipher_type_t type = mbedtls_cipher_get_type(&ctx->cipher_ctx);

	return ctx->acceleration == ACCELERATION_AESNI && cpu_can() &&
	       (type == MBEDTLS_CIPHER_AES_128_ECB || type == MBEDTLS_CIPHER_AES_192_ECB ||
		type == MBEDTLS_CIPHER_AES_256_ECB);
}

TARGET static void make_powers(mbedtls_gcm_context *ctx)
{
	__m128i h = times_x(turn(load(ctx->H[POWERS])));
	__m128i power = h;

	for (int i = 0; i < POWERS; i++) {
		store(ctx->H[i], power);
		power = multiply(power, h);
	}
}

void weir_gcm_prepare(mbedtls_gcm_context *ctx)
{
	if (takes(ctx))
		make_powers(ctx);
}

TARGET static size_t update(mbedtls_gcm_context *ctx, const unsigned char *in, unsigned char *out,
			    size_t len)
{
	const mbedtls_aes_context *aes = ctx->cipher_ctx.cipher_ctx;
	struct work w = { .counter = turn(load(ctx->y)),
			  .hash = turn(load(ctx->buf)),
			  .keys = (const __m128i *) (aes->buf + aes->rk_offset),
			  .powers = (const __m128i *) ctx->H,
			  .rounds = aes->nr };

	len = ctx->mode == MBEDTLS_GCM_DECRYPT ? all(&w, in, out, len, true)
					       : all(&w, in, out, len, false);
	store(ctx->y, turn(w.counter));
	store(ctx->buf, turn(w.hash));
	return len;
}

size_t weir_gcm_blocks(mbedtls_gcm_context *ctx, const unsigned char *in, unsigned char *out,
		       size_t len)
{
	return len >= BLOCK && takes(ctx) ? update(ctx, in, out, len) : 0;
}

TARGET static void mult(const mbedtls_gcm_context *ctx, const unsigned char *x, unsigned char *out)
{
	store(out, turn(multiply(turn(load(x)), load(ctx->H[0]))));
}

bool weir_gcm_mult(const mbedtls_gcm_context *ctx, const unsigned char *x, unsigned char *out)
{
	if (!takes(ctx))
		return false;
	mult(ctx, x, out);
	return true;
}

#else

void weir_gcm_prepare(mbedtls_gcm_context *ctx)
{
	(void) ctx;
}

size_t weir_gcm_blocks(mbedtls_gcm_context *ctx, const unsigned char *in, unsigned char *out,
		       size_t len)
{
	(void) ctx;
	(void) in;
	(void) out;
	(void) len;
	return 0;
}

bool weir_gcm_mult(const mbedtls_gcm_context *ctx, const unsigned char *x, unsigned char *out)
{
	(void) ctx;
	(void) x;
	(void) out;
	return false;
}

#endif
