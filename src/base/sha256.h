/* SHA-256 (FIPS 180-4) of a whole text: what is kept of a caller's key. */
#pragma once

#include <stdbool.h>

#include "base/slice.h"

enum { WEIR_DIGEST_PARTS = 4, WEIR_DIGEST_HEX = 64 };

struct weir_digest {
	uint64_t part[WEIR_DIGEST_PARTS]; /* the first is the first eight bytes */
};

/* Leaves nothing of the text behind on the stack. */
struct weir_digest weir_sha256(struct weir_slice text);

/* From 64 hexadecimal digits, in either case; false: it is none. */
bool weir_digest_parse(struct weir_slice hex, struct weir_digest *digest);

/* Takes the same time whatever they are. */
static inline bool weir_digest_eq(const struct weir_digest *a, const struct weir_digest *b)
{
	uint64_t diff = 0;

	for (unsigned i = 0; i < WEIR_DIGEST_PARTS; i++)
		diff |= a->part[i] ^ b->part[i];
	return diff == 0;
}
