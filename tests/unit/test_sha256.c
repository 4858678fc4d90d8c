#include "test.h"

#include "base/sha256.h"

/* FIPS 180-2, appendix B, and the lengths at which the padding takes another block. */
static const struct {
	const char *text; /* repeated */
	size_t times;
	const char *hex;
} rows[] = {
	{ "", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	{ "a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
	{ "a", 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318" },
	{ "a", 56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a" },
	{ "a", 63, "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34" },
	{ "a", 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb" },
	{ "a", 65, "635361c48bb9eab14198e76ea8ab7f1a41685d6ad62aa9146d301d4f17eb0ae0" },
};

TEST(the_hashes_of_the_standard)
{
	static char text[1000000];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t n = strlen(rows[i].text);
		struct weir_digest want, got;

		for (size_t k = 0; k < rows[i].times; k++)
			memcpy(text + k * n, rows[i].text, n);
		CHECK(weir_digest_parse(weir_slice_of(rows[i].hex), &want));
		got = weir_sha256(weir_slice(text, n * rows[i].times));
		if (!weir_digest_eq(&got, &want))
			NOTE("row %zu", i);
		CHECK(weir_digest_eq(&got, &want));
	}
}

TEST(hashes_differ_in_any_bit)
{
	struct weir_digest a = weir_sha256(WEIR_SLICE("abc"));

	for (unsigned bit = 0; bit < 256; bit++) {
		struct weir_digest b = a;

		b.part[bit / 64] ^= UINT64_C(1) << bit % 64;
		CHECK(!weir_digest_eq(&a, &b));
	}
}

TEST(a_hash_is_64_digits)
{
	static const char hex[] =
		"BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	struct weir_digest abc = weir_sha256(WEIR_SLICE("abc")), read;

	CHECK(weir_digest_parse(weir_slice_of(hex), &read));
	CHECK(weir_digest_eq(&read, &abc));
	CHECK(!weir_digest_parse(weir_slice(hex, 63), &read));
	CHECK(!weir_digest_parse(weir_slice(hex, 65), &read));
	CHECK(!weir_digest_parse(weir_slice("", 0), &read));
	for (size_t i = 0; i < 64; i++) {
		char other[65];

		memcpy(other, hex, sizeof other);
		other[i] = 'g';
		CHECK(!weir_digest_parse(weir_slice_of(other), &read));
	}
}

TEST_MAIN
