#include <mbedtls/gcm.h>

#include "gcm_plain.h"
#include "test.h"

enum { LONG = 16 * 25 + 5 }; /* three times eight blocks, one, and a part */

#define ZEROS "00000000000000000000000000000000"
#define K16   "feffe9928665731c6d6a8f9467308308"
#define K24   K16 "feffe9928665731c"
#define K32   K16 K16
#define IV12  "cafebabefacedbaddecaf888"
#define IV60                                                       \
	"9313225df88406e555909c5aff5269aa6a7a9538534f7da1e4c303d2" \
	"a318a728c3c0c95156809539fcf0e2429a6b525416aedbf5a0de6a57a637b39b"
#define P60                                                        \
	"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d" \
	"8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
#define A20 "feedfacedeadbeeffeedfacedeadbeefabaddad2"
#define C16                                                        \
	"42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e23" \
	"29aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
#define C24                                                        \
	"3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b4" \
	"0ca1e19c7d773d00c144c525ac619d18c84a3f4718e2448b2fe324d9ccda2710"
#define C32                                                        \
	"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd" \
	"2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"

/* McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B: NIST's test cases. */
static const struct row {
	const char *key, *iv, *in, *add, *out, *tag;
} rows[] = {
	{ ZEROS, "000000000000000000000000", "", "", "", "58e2fccefa7e3061367f1d57a4e7455a" },
	{ ZEROS, "000000000000000000000000", ZEROS, "", "0388dace60b6a392f328c2b971b2fe78",
	  "ab6e47d42cec13bdf53a67b21257bddf" },
	{ K16, IV12, P60 "1aafd255", "", C16 "473f5985", "4d5c2af327cd64a62cf35abd2ba6fab4" },
	{ K16, IV12, P60, A20, C16, "5bc94fbc3221a5db94fae95ae7121a47" },
	{ K16, "cafebabefacedbad", P60, A20,
	  "61353b4c2806934a777ff51fa22a4755699b2a714fcdc6f83766e5f9"
	  "7b6c742373806900e49f24b22b097544d4896b424989b5e1ebac0f07c23f4598",
	  "3612d2e79e3b0785561be14aaca2fccb" },
	{ K16, IV60, P60, A20,
	  "8ce24998625615b603a033aca13fb894be9112a5c3a211a8ba262a3c"
	  "ca7e2ca701e4a9a4fba43c90ccdcb281d48c7c6fd62875d2aca417034c34aee5",
	  "619cc5aefffe0bfa462af43c1699d050" },
	{ K24, IV12, P60 "1aafd255", "", C24 "acade256", "9924a7c8587336bfb118024db8674a14" },
	{ K24, IV12, P60, A20, C24, "2519498e80f1478f37ba55bd6d27618c" },
	{ ZEROS ZEROS, "000000000000000000000000", "", "", "", "530f8afbc74536b9a963b4f1c4cb738b" },
	{ ZEROS ZEROS, "000000000000000000000000", ZEROS, "", "cea7403d4d606b6e074ec5d3baf39d18",
	  "d0d1c8a799996bf0265b98b5d48ab919" },
	{ K32, IV12, P60 "1aafd255", "", C32 "898015ad", "b094dac5d93471bdec1a502270e3cc6c" },
	{ K32, IV12, P60, A20, C32, "76fc6ece0f4e1768cddf8853bb2d551b" },
};

static size_t unhex(const char *hex, uint8_t *to)
{
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++) {
		char byte[3] = { hex[2 * i], hex[2 * i + 1] };

		to[i] = (uint8_t)strtoul(byte, NULL, 16);
	}
	return n;
}

static uint8_t key[32], iv[64], add[64], text[LONG], out[LONG], want[LONG], tag[16], want_tag[16];

static void fill(uint8_t *to, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (uint8_t)((i + seed) * 2654435761U >> 13);
}

static void begin(mbedtls_gcm_context *gcm, size_t key_len)
{
	mbedtls_gcm_init(gcm);
	CHECK_INT(mbedtls_gcm_setkey(gcm, MBEDTLS_CIPHER_ID_AES, key, (unsigned)key_len * 8), 0);
}

static int crypt(mbedtls_gcm_context *gcm, const struct gcm_text *t, uint8_t *to)
{
	int mode = t->decrypt ? MBEDTLS_GCM_DECRYPT : MBEDTLS_GCM_ENCRYPT;

	return mbedtls_gcm_crypt_and_tag(gcm, mode, t->len, t->iv, t->iv_len, t->add, t->add_len,
					 t->in, to, 16, tag);
}

TEST(knows_the_test_cases_of_nist)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct row *row = &rows[i];
		struct gcm_text t = { .key = key, .iv = iv, .add = add, .in = text };
		mbedtls_gcm_context gcm;

		t.key_len = unhex(row->key, key);
		t.iv_len = unhex(row->iv, iv);
		t.add_len = unhex(row->add, add);
		t.len = unhex(row->in, text);
		unhex(row->out, want);
		unhex(row->tag, want_tag);
		begin(&gcm, t.key_len);
		CHECK_INT(crypt(&gcm, &t, out), 0);
		CHECK_MEM(out, want, t.len);
		CHECK_MEM(tag, want_tag, 16);
		CHECK_INT(mbedtls_gcm_auth_decrypt(&gcm, t.len, iv, t.iv_len, add, t.add_len,
						   want_tag, 16, want, out),
			  0);
		CHECK_MEM(out, text, t.len);
		gcm_plain(&t, out, tag); /* what the other cases compare with */
		CHECK_MEM(out, want, t.len);
		CHECK_MEM(tag, want_tag, 16);
		mbedtls_gcm_free(&gcm);
	}
}

static void same_as_plain(const struct gcm_text *t)
{
	mbedtls_gcm_context gcm;

	begin(&gcm, t->key_len);
	gcm_plain(t, want, want_tag);
	CHECK_INT(crypt(&gcm, t, out), 0);
	CHECK_MEM(out, want, t->len);
	CHECK_MEM(tag, want_tag, 16);
	mbedtls_gcm_free(&gcm);
}

TEST(does_every_length_as_the_standard_says)
{
	fill(key, sizeof key, 1);
	fill(iv, sizeof iv, 2);
	fill(add, sizeof add, 3);
	fill(text, sizeof text, 4);
	for (size_t len = 0; len <= LONG; len += len < 300 ? 1 : 7) {
		struct gcm_text t = { .key = key, .iv = iv, .add = add, .in = text };

		t.key_len = 16 + len % 3 * 8;
		t.iv_len = len % 2 ? 12 : 1 + len % 63;
		t.add_len = len % 37;
		t.len = len;
		t.decrypt = len & 2;
		same_as_plain(&t);
	}
}

/* An IV of 16 bytes of which comes the counter that is wanted. */
static void aim(struct gcm_block counter, size_t key_len)
{
	struct gcm_block h = gcm_hash_key(key, key_len), back = gcm_inverse(h);
	struct gcm_block x = gcm_xor(gcm_times(counter, back), gcm_lengths(0, 16).b, 16);

	memcpy(iv, gcm_times(x, back).b, 16);
}

TEST(counts_in_32_bits_and_carries_no_further)
{
	fill(key, sizeof key, 5);
	fill(text, sizeof text, 6);
	for (int before = 0; before <= 18; before++) {
		struct gcm_block counter;
		struct gcm_text t = { .key = key, .iv = iv, .in = text, .iv_len = 16, .len = LONG };

		memset(counter.b, 0xff, sizeof counter.b);
		counter.b[15] = (uint8_t)(0xff - before);
		t.key_len = before % 2 ? 16 : 32;
		aim(counter, t.key_len);
		t.decrypt = before % 3 == 0;
		same_as_plain(&t);
	}
	for (unsigned bit = 0; bit < 24; bit++) { /* a carry into each byte */
		struct gcm_block counter = { { 0 } };
		struct gcm_text t = { .key = key, .iv = iv, .in = text, .iv_len = 16, .len = LONG };

		counter.b[15] = 0xfa;
		counter.b[14] = bit >= 8 ? 0xff : (uint8_t)bit;
		counter.b[13] = bit >= 16 ? 0xff : (uint8_t)bit;
		t.key_len = 16;
		aim(counter, 16);
		same_as_plain(&t);
	}
}

TEST(does_not_mind_where_a_message_is_cut)
{
	struct gcm_text t = { .key = key,
			      .iv = iv,
			      .add = add,
			      .in = text,
			      .key_len = 16,
			      .iv_len = 12,
			      .add_len = 13,
			      .len = LONG };
	mbedtls_gcm_context gcm;
	size_t n;

	fill(text, sizeof text, 7);
	begin(&gcm, 16);
	for (size_t cut = 0; cut <= LONG; cut++) {
		size_t third = (LONG - cut) / 2, skip = cut + third;
		int mode = cut % 2 ? MBEDTLS_GCM_DECRYPT : MBEDTLS_GCM_ENCRYPT;

		t.decrypt = cut % 2;
		gcm_plain(&t, want, want_tag);
		CHECK_INT(mbedtls_gcm_starts(&gcm, mode, iv, 12), 0);
		CHECK_INT(mbedtls_gcm_update_ad(&gcm, add, 5), 0);
		CHECK_INT(mbedtls_gcm_update_ad(&gcm, add + 5, 8), 0);
		CHECK_INT(mbedtls_gcm_update(&gcm, text, cut, out, cut, &n), 0);
		CHECK_INT(mbedtls_gcm_update(&gcm, text + cut, third, out + cut, third, &n), 0);
		CHECK_INT(mbedtls_gcm_update(&gcm, text + skip, LONG - skip, out + skip,
					     LONG - skip, &n),
			  0);
		CHECK_INT(mbedtls_gcm_finish(&gcm, NULL, 0, &n, tag, 16), 0);
		CHECK_MEM(out, want, LONG);
		CHECK_MEM(tag, want_tag, 16);
	}
	mbedtls_gcm_free(&gcm);
}

TEST(works_in_place_and_a_little_before_it)
{
	struct gcm_text t = { .key = key, .iv = iv, .key_len = 32, .iv_len = 12, .len = LONG };
	uint8_t room[LONG + 40];
	mbedtls_gcm_context gcm;

	begin(&gcm, 32);
	for (size_t ahead = 0; ahead <= 40; ahead++) {
		t.decrypt = ahead % 2;
		fill(text, sizeof text, (unsigned)ahead);
		t.in = text;
		gcm_plain(&t, want, want_tag);
		memcpy(room + ahead, text, LONG);
		t.in = room + ahead;
		CHECK_INT(crypt(&gcm, &t, room), 0);
		CHECK_MEM(room, want, LONG);
		CHECK_MEM(tag, want_tag, 16);
	}
	t.in = room;
	CHECK_INT(crypt(&gcm, &t, room + 1), MBEDTLS_ERR_GCM_BAD_INPUT);
	mbedtls_gcm_free(&gcm);
}

TEST(believes_no_tag_text_or_data_with_a_bit_turned)
{
	static const uint8_t zeros[LONG];
	struct gcm_text t = { .key = key,
			      .iv = iv,
			      .add = add,
			      .in = text,
			      .key_len = 16,
			      .iv_len = 12,
			      .add_len = 20,
			      .len = LONG };
	mbedtls_gcm_context gcm;

	fill(text, sizeof text, 8);
	gcm_plain(&t, want, want_tag);
	begin(&gcm, 16);
	for (size_t bit = 0; bit < 8 * (16 + LONG + 20); bit++) {
		size_t byte = bit / 8;
		uint8_t *at = byte < 16 ? want_tag + byte : want + byte - 16;

		if (byte >= 16 + LONG)
			at = add + byte - 16 - LONG;
		*at ^= (uint8_t)(1 << bit % 8);
		memset(out, 1, sizeof out);
		CHECK_INT(mbedtls_gcm_auth_decrypt(&gcm, LONG, iv, 12, add, 20, want_tag, 16, want,
						   out),
			  MBEDTLS_ERR_GCM_AUTH_FAILED);
		CHECK_MEM(out, zeros, LONG);
		*at ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t n = 4; n <= 16; n++) {
		CHECK_INT(mbedtls_gcm_auth_decrypt(&gcm, LONG, iv, 12, add, 20, want_tag, n, want,
						   out),
			  0);
		CHECK_MEM(out, text, LONG);
	}
	CHECK_INT(mbedtls_gcm_auth_decrypt(&gcm, LONG, iv, 12, add, 20, want_tag, 3, want, out),
		  MBEDTLS_ERR_GCM_BAD_INPUT);
	mbedtls_gcm_free(&gcm);
}

TEST(refuses_what_is_too_long_and_an_empty_iv)
{
	mbedtls_gcm_context gcm;
	size_t n;

	begin(&gcm, 16);
	CHECK_INT(mbedtls_gcm_starts(&gcm, MBEDTLS_GCM_ENCRYPT, iv, 0), MBEDTLS_ERR_GCM_BAD_INPUT);
	CHECK_INT(mbedtls_gcm_starts(&gcm, MBEDTLS_GCM_ENCRYPT, iv, 12), 0);
	CHECK_INT(mbedtls_gcm_update(&gcm, text, 200, out, 199, &n),
		  MBEDTLS_ERR_GCM_BUFFER_TOO_SMALL);
	CHECK_INT(mbedtls_gcm_update(&gcm, text, SIZE_MAX, out, SIZE_MAX, &n),
		  MBEDTLS_ERR_GCM_BAD_INPUT);
	mbedtls_gcm_free(&gcm);
}

TEST_MAIN
