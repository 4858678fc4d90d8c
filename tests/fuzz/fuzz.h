/* Runs a fuzz target where there is no libFuzzer: each seed as it is, every prefix of
 * it, then a bounded number of seeded mutations. The same on every run.
 *
 * A target defines LLVMFuzzerTestOneInput() and ends with FUZZ_MAIN(seeds, rounds).
 * Arguments of the program, if any, are files to run instead. With clang's
 * -fsanitize=fuzzer the loop of libFuzzer takes over. */
#ifndef WEIR_FUZZ_H
#define WEIR_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

struct fuzz_seed {
	const char *bytes;
	size_t len;
};

#define FUZZ_SEED(literal) { (literal), sizeof(literal) - 1 }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is played just now, by the loop below. */
static const uint8_t *fuzz_now;
static size_t fuzz_now_len;

/* As a literal of C's. */
_Noreturn static inline void fuzz_failed(const char *cond, const char *file, int line)
{
	fprintf(stderr, "%s:%d: not true: %s\n", file, line, cond);
	for (size_t i = 0; i < fuzz_now_len; i++)
		fprintf(stderr, "\\%03o", fuzz_now[i]);
	fprintf(stderr, "\n");
	abort();
}

/* What a target says when something does not hold. */
#define FUZZ_CHECK(cond) ((cond) ? (void)0 : fuzz_failed(#cond, __FILE__, __LINE__))

enum { FUZZ_INPUT_MAX = 4096, FUZZ_MUTATIONS_MAX = 6 };

static inline size_t fuzz_below(struct weir_rng *rng, size_t n)
{
	return n ? (size_t)weir_rng_upto(rng, n - 1) : 0;
}

#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
#define FUZZ_MAIN(seeds, rounds)                                    \
	int LLVMFuzzerInitialize(int *argc, char ***argv);          \
	int LLVMFuzzerInitialize(int *argc, char ***argv)           \
	{                                                           \
		(void)argc, (void)argv;                             \
		fuzz_sow((seeds), sizeof(seeds) / sizeof *(seeds)); \
		return 0;                                           \
	}

/* The seeds as files in the folder that is named, the corpus to begin with. */
static inline void fuzz_sow(const struct fuzz_seed *seeds, size_t seeds_n)
{
	const char *folder = getenv("FUZZ_SEEDS");
	char path[4096];

	for (size_t i = 0; folder && i < seeds_n; i++) {
		FILE *file;

		snprintf(path, sizeof path, "%s/seed-%zu", folder, i);
		file = fopen(path, "wb");
		FUZZ_CHECK(file && fwrite(seeds[i].bytes, 1, seeds[i].len, file) == seeds[i].len);
		FUZZ_CHECK(fclose(file) == 0);
	}
}
#else
#define FUZZ_MAIN(seeds, rounds)                                                                \
	int main(int argc, char **argv)                                                         \
	{                                                                                       \
		return fuzz_main(argc, argv, (seeds), sizeof(seeds) / sizeof *(seeds), rounds); \
	}

/* In memory of exactly its size, so that reading past the end is seen. */
static inline void fuzz_one(const char *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	memcpy(copy, bytes, len);
	fuzz_now = copy;
	fuzz_now_len = len;
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

/* Replaces cut bytes at a place by some of another seed. */
static inline size_t fuzz_splice(struct weir_rng *rng, char *bytes, size_t len,
				 const struct fuzz_seed *other)
{
	size_t at = fuzz_below(rng, len + 1), cut = fuzz_below(rng, len - at + 1);
	size_t from = fuzz_below(rng, other->len + 1);
	size_t take = fuzz_below(rng, other->len - from + 1);

	if (len - cut + take > FUZZ_INPUT_MAX)
		return len;
	memmove(bytes + at + take, bytes + at + cut, len - at - cut);
	memcpy(bytes + at, other->bytes + from, take);
	return len - cut + take;
}

static inline size_t fuzz_mutate(struct weir_rng *rng, char *bytes, size_t len,
				 const struct fuzz_seed *other)
{
	static const char odd[] = "\0\t\n\r \"\\/{}[]:,;=-+.0123456789abefnrtu\x7f\x80\xa0\xbb\xbf"
				  "\xc0\xc3\xe2\xed\xef\xf0\xf4\xff";
	size_t at = fuzz_below(rng, len);

	switch (weir_rng_upto(rng, 5)) {
	case 0:
		if (len)
			bytes[at] = (char)(bytes[at] ^ 1 << weir_rng_upto(rng, 7));
		return len;
	case 1:
	case 2:
		if (len)
			bytes[at] = odd[fuzz_below(rng, sizeof odd - 1)];
		return len;
	case 3:
		if (len)
			memmove(bytes + at, bytes + at + 1, --len - at);
		return len;
	default:
		return fuzz_splice(rng, bytes, len, other);
	}
}

static inline void fuzz_mutations(const struct fuzz_seed *seeds, size_t seeds_n, unsigned rounds)
{
	static char bytes[FUZZ_INPUT_MAX];
	struct weir_rng rng;

	weir_rng_init(&rng, 1);
	for (unsigned i = 0; i < rounds; i++) {
		const struct fuzz_seed *seed = &seeds[fuzz_below(&rng, seeds_n)];
		size_t len = seed->len < FUZZ_INPUT_MAX ? seed->len : FUZZ_INPUT_MAX;

		memcpy(bytes, seed->bytes, len);
		for (uint64_t n = 1 + weir_rng_upto(&rng, FUZZ_MUTATIONS_MAX - 1); n > 0; n--)
			len = fuzz_mutate(&rng, bytes, len, &seeds[fuzz_below(&rng, seeds_n)]);
		fuzz_one(bytes, len);
	}
}

static inline int fuzz_file(const char *path)
{
	static char bytes[1024 * 1024];
	FILE *file = fopen(path, "rb");

	if (!file) {
		perror(path);
		return 1;
	}
	fuzz_one(bytes, fread(bytes, 1, sizeof bytes, file));
	fclose(file);
	return 0;
}

static inline int fuzz_main(int argc, char **argv, const struct fuzz_seed *seeds, size_t seeds_n,
			    unsigned rounds)
{
	int rc = 0;

	for (int i = 1; i < argc; i++)
		rc |= fuzz_file(argv[i]);
	if (argc > 1)
		return rc;
	printf("1..1\n");
	for (size_t i = 0; i < seeds_n; i++)
		for (size_t len = 0; len <= seeds[i].len; len++)
			fuzz_one(seeds[i].bytes, len);
	fuzz_mutations(seeds, seeds_n, rounds);
	printf("ok 1 - nothing found in %u mutations of %zu seeds\n", rounds, seeds_n);
	return 0;
}
#endif

#endif
