/* Judges one answer as it comes: a body or a stream, of a dialect. Knows no socket and no
 * clock. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "bench/dialect.h"
#include "bench/mould.h"
#include "bench/outcome.h"
#include "bench/verify.h"
#include "wire/sse.h"

enum { WEIR_BENCH_BODY_MAX = 64 * 1024 * 1024 };

struct weir_bench_judge {
	const struct weir_bench_dialect *dialect;
	bool stream;  /* asked for */
	bool streams; /* is what came */
	bool over, finished, error, nonsense;
	bool counted;
	uint64_t events; /* content events of a stream */
	uint64_t tokens; /* of the answer, as it says itself; else its content events */
	struct weir_bench_verify verify;
	struct weir_sse sse;
	struct weir_bench_mould mould; /* of this stream's events */
	struct weir_buf body;          /* a body that came in pieces; keeps its memory */
};

void weir_bench_judge_init(struct weir_bench_judge *j, const struct weir_bench_dialect *dialect);
void weir_bench_judge_fini(struct weir_bench_judge *j);

void weir_bench_judge_begin(struct weir_bench_judge *j, bool stream, enum weir_bench_care care,
			    const struct weir_bench_nonce *nonce);
/* A 200's head came. */
void weir_bench_judge_head(struct weir_bench_judge *j, bool event_stream);
/* A piece of its body; last: the body ends with it. Returns how many events with content
 * were whole with it. */
unsigned weir_bench_judge_bytes(struct weir_bench_judge *j, struct weir_slice bytes, bool last);
/* The body came to its end. */
enum weir_bench_outcome weir_bench_judge_end(struct weir_bench_judge *j);
/* It did not: the connection ended. */
enum weir_bench_outcome weir_bench_judge_cut(const struct weir_bench_judge *j);
