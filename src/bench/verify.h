/* Is a text the answer to what was asked? It comes in pieces, cut anywhere. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "bench/nonce.h"

enum {
	WEIR_BENCH_VERIFY_HEAD = 512, /* bytes of an answer in which the nonce must stand */
	WEIR_BENCH_VERIFY_TOKEN = 24
};

enum weir_bench_care {
	WEIR_BENCH_CARE_NONE,
	WEIR_BENCH_CARE_NONCE, /* it stands near the beginning */
	/* The whole text is known, as the simulated providers say it: "NAME NONCE: tok0 tok1 …":
	 * nothing lost, doubled or out of order. */
	WEIR_BENCH_CARE_TOKENS
};

struct weir_bench_verify {
	enum weir_bench_care care;
	const struct weir_bench_nonce *nonce;
	bool found;
	bool broken;   /* the known text went another way */
	bool closed;   /* … or a tool call's arguments ended */
	uint64_t said; /* whole tokens of the known text */
	unsigned head_len;
	unsigned token_len, token_at; /* of the token that is expected, and how much came */
	char token[WEIR_BENCH_VERIFY_TOKEN];
	char head[WEIR_BENCH_VERIFY_HEAD];
};

enum weir_bench_truth { WEIR_BENCH_TRUE, WEIR_BENCH_FALSE, WEIR_BENCH_ANOTHERS };

/* nonce must stay as it is until the end. */
void weir_bench_verify_begin(struct weir_bench_verify *v, enum weir_bench_care care,
			     const struct weir_bench_nonce *nonce);
void weir_bench_verify_text(struct weir_bench_verify *v, struct weir_slice text);
enum weir_bench_truth weir_bench_verify_end(const struct weir_bench_verify *v);
