/* The requests of a run, rendered before it begins: during the run a request is a number
 * written into bytes that are there already. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/rng.h"
#include "bench/dialect.h"
#include "bench/dist.h"
#include "bench/nonce.h"

enum {
	WEIR_BENCH_KINDS_MAX = 256,  /* lines of a mix file */
	WEIR_BENCH_VARIANTS = 200,   /* requests made up of one kind: shares count in 0.5 % */
	WEIR_BENCH_ORDER_MAX = 4096, /* until the mix repeats */
	WEIR_BENCH_NONCES_MAX = 4,   /* in one request; more keep the place's text */
	WEIR_BENCH_MIX_MAX = 512 * 1024 * 1024,
	WEIR_BENCH_FILE_MAX = 64 * 1024 * 1024
};

/* One kind of request. */
struct weir_bench_kind {
	double weight;
	struct weir_bench_dist prompt, answer;
	bool has_answer;
	double stream, tools;   /* shares */
	struct weir_slice body; /* base not NULL: these very bytes, $NONCE replaced */
};

/* What stands around every body. */
struct weir_bench_envelope {
	const struct weir_bench_dialect *dialect;
	const char *method, *path, *host;
	const char *fields; /* more of the head, each with CRLF */
	const char *model;
	bool close; /* asks for the connection's end after each answer */
};

struct weir_bench_request {
	char *bytes; /* head and body */
	size_t len;
	size_t nonce_at[WEIR_BENCH_NONCES_MAX];
	unsigned nonces_n;
	bool stream;
};

struct weir_bench_mix {
	struct weir_bench_request *requests;
	unsigned requests_n, requests_max;
	unsigned *order;
	unsigned order_n, next;
	size_t bytes; /* in all */
};

void weir_bench_mix_init(struct weir_bench_mix *mix);
void weir_bench_mix_fini(struct weir_bench_mix *mix);

/* Reads kinds from lines of JSON: {"weight":3,"prompt_tokens":"50..500","answer_tokens":
 * "lognormal:100,800","stream":0.5,"tools":0.1}, where base says what is not said;
 * {"weight":1,"body":{…}}; or a request's body itself. text lives as long as the kinds.
 * 0 and *n, or WEIR_ECONFIG and a sentence with the line's number. */
WEIR_MUST_CHECK int weir_bench_kinds_read(struct weir_bench_kind *kinds, unsigned *n,
					  const struct weir_bench_kind *base,
					  struct weir_slice text, struct weir_error *err);

/* Renders all kinds, in an order of their weights that the seed decides. 0, or WEIR_ENOMEM,
 * WEIR_ELIMIT and a sentence. */
WEIR_MUST_CHECK int weir_bench_mix_make(struct weir_bench_mix *mix,
					const struct weir_bench_envelope *envelope,
					const struct weir_bench_kind *kinds, unsigned kinds_n,
					uint64_t seed, struct weir_error *err);

/* The next one, with the nonce in it. Valid until the next call for the same request. */
static inline const struct weir_bench_request *
weir_bench_mix_next(struct weir_bench_mix *mix, const struct weir_bench_nonce *nonce)
{
	const struct weir_bench_request *r = &mix->requests[mix->order[mix->next]];

	mix->next = mix->next + 1 == mix->order_n ? 0 : mix->next + 1;
	for (unsigned i = 0; i < r->nonces_n; i++)
		memcpy(r->bytes + r->nonce_at[i], nonce->text, WEIR_BENCH_NONCE_LEN);
	return r;
}
