/* What makes every request its own, so that its answer can be told from all others: the
 * run's mark and the request's number, "wb5f3a91c2.0000002a". */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	WEIR_BENCH_NONCE_MARK = 11, /* the part that all of a run share */
	WEIR_BENCH_NONCE_LEN = 19
};

/* Where it will stand, in a request not yet numbered. */
#define WEIR_BENCH_NONCE_PLACE "@@weir-bench-nonce@"

struct weir_bench_nonce {
	char text[WEIR_BENCH_NONCE_LEN];
};

static inline void weir_bench_hex8(char *out, uint32_t n)
{
	for (int i = 7; i >= 0; i--, n >>= 4)
		out[i] = "0123456789abcdef"[n & 15];
}

static inline void weir_bench_nonce_init(struct weir_bench_nonce *nonce, uint32_t run)
{
	nonce->text[0] = 'w';
	nonce->text[1] = 'b';
	weir_bench_hex8(nonce->text + 2, run);
	nonce->text[10] = '.';
	weir_bench_hex8(nonce->text + WEIR_BENCH_NONCE_MARK, 0);
}

static inline void weir_bench_nonce_number(struct weir_bench_nonce *nonce, uint32_t n)
{
	weir_bench_hex8(nonce->text + WEIR_BENCH_NONCE_MARK, n);
}
