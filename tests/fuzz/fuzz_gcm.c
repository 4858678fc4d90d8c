/* AES-GCM says what the standard written out plainly says, wherever the message is cut, both
 * ways and in place. */
#include "fuzz.h"

#include <mbedtls/gcm.h>

#include "gcm_plain.h"

/* Bytes: flags and lengths of key, IV and additional data, three cuts, then what they say. */
static const struct fuzz_seed seeds[] = {
	FUZZ_SEED("\0\x0c\x0d\x20\x80\x11"
		  "0123456789abcdefcafebabefaceadditional data, and a text of two, of four, of "
		  "eight and of more blocks: 0123456789abcdef0123456789abcdef0123456789abcdef0123"
		  "456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
	FUZZ_SEED("\x05\x01\0\xff\0\0"
		  "0123456789abcdef01234567x\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
	FUZZ_SEED("\x0a\x10\x10\x01\x0f\x10"
		  "0123456789abcdef0123456789abcdefiviviviviviviviv0123456789abcdef"),
};

static const uint8_t *take(const uint8_t **data, size_t *left, size_t n)
{
	const uint8_t *at = *data;

	*data += n;
	*left -= n;
	return at;
}

static void pieces(mbedtls_gcm_context *gcm, const struct gcm_text *t, const uint8_t *cuts,
		   uint8_t *out, uint8_t tag[16])
{
	int mode = t->decrypt ? MBEDTLS_GCM_DECRYPT : MBEDTLS_GCM_ENCRYPT;
	size_t at = 0, n, add_cut = t->add_len / 3;

	FUZZ_CHECK(mbedtls_gcm_starts(gcm, mode, t->iv, t->iv_len) == 0);
	FUZZ_CHECK(mbedtls_gcm_update_ad(gcm, t->add, add_cut) == 0);
	FUZZ_CHECK(mbedtls_gcm_update_ad(gcm, t->add + add_cut, t->add_len - add_cut) == 0);
	for (int i = 0; i < 4; i++) {
		size_t piece = i < 3 && cuts[i] < t->len - at ? cuts[i] : t->len - at;

		FUZZ_CHECK(mbedtls_gcm_update(gcm, t->in + at, piece, out + at, piece, &n) == 0);
		FUZZ_CHECK(n == piece);
		at += piece;
	}
	FUZZ_CHECK(mbedtls_gcm_finish(gcm, NULL, 0, &n, tag, 16) == 0 && n == 0);
}

static void compare(const struct gcm_text *t, const uint8_t *cuts)
{
	static uint8_t want[FUZZ_INPUT_MAX], out[FUZZ_INPUT_MAX], tag[16], want_tag[16];
	struct gcm_text in_place = *t;
	mbedtls_gcm_context gcm;

	gcm_plain(t, want, want_tag);
	mbedtls_gcm_init(&gcm);
	FUZZ_CHECK(mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, t->key,
				      (unsigned)t->key_len * 8) == 0);
	pieces(&gcm, t, cuts, out, tag);
	FUZZ_CHECK(memcmp(out, want, t->len) == 0 && memcmp(tag, want_tag, 16) == 0);
	if (t->decrypt) {
		FUZZ_CHECK(mbedtls_gcm_auth_decrypt(&gcm, t->len, t->iv, t->iv_len, t->add,
						    t->add_len, want_tag, 16, t->in, out) == 0);
		FUZZ_CHECK(memcmp(out, want, t->len) == 0);
	}
	memcpy(out, t->in, t->len);
	in_place.in = out;
	pieces(&gcm, &in_place, cuts, out, tag);
	FUZZ_CHECK(memcmp(out, want, t->len) == 0 && memcmp(tag, want_tag, 16) == 0);
	mbedtls_gcm_free(&gcm);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *head = data;
	struct gcm_text t;

	if (size < 6 || size > FUZZ_INPUT_MAX)
		return 0;
	(void)take(&data, &size, 6);
	t.decrypt = head[0] & 1;
	t.key_len = 16 + (head[0] >> 1) % 3 * 8U;
	t.iv_len = 1 + head[1] % 40U;
	t.add_len = head[2] % 50U;
	if (size < t.key_len + t.iv_len + t.add_len)
		return 0;
	t.key = take(&data, &size, t.key_len);
	t.iv = take(&data, &size, t.iv_len);
	t.add = take(&data, &size, t.add_len);
	t.in = data;
	t.len = size;
	compare(&t, head + 3);
	return 0;
}

FUZZ_MAIN(seeds, 300)
