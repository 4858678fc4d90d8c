/* Reads HTTP/1.1 answers in place, without a copy or an allocation in the usual case: a load
 * tester that works harder than its target measures itself. Bytes in, events out. It is
 * strict about framing and takes no interest in most header fields; wire/http_read.h is for
 * those who do. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum {
	WEIR_BENCH_HEAD_MAX = 64 * 1024,
	WEIR_BENCH_LINE_MAX = 4096 /* of a chunk's size with its extensions, of a trailer */
};

enum weir_bench_got {
	WEIR_BENCH_GOT_NOTHING, /* all bytes are used, more are needed */
	WEIR_BENCH_GOT_HEAD,
	WEIR_BENCH_GOT_BODY, /* a piece of it */
	WEIR_BENCH_GOT_END,  /* the message is whole; what is left of the bytes is not of it */
	WEIR_BENCH_GOT_BAD   /* see reason; final */
};

struct weir_bench_answer {
	unsigned status;
	bool keep_alive;
	bool event_stream;  /* by its content type */
	bool has_attempts;  /* x-weir-attempts was there */
	uint64_t attempts;  /* how many upstream calls a gateway says it made */
	uint64_t length;    /* when it was said, else 0 */
	const char *reason; /* static */
	/* Private. */
	enum {
		WEIR_BENCH_IN_HEAD,
		WEIR_BENCH_IN_LENGTH,
		WEIR_BENCH_IN_SIZE,
		WEIR_BENCH_IN_EXTENSION,
		WEIR_BENCH_IN_CHUNK,
		WEIR_BENCH_IN_CHUNK_END,
		WEIR_BENCH_IN_TRAILER,
		WEIR_BENCH_IN_REST, /* until the connection ends */
		WEIR_BENCH_ENDED,
		WEIR_BENCH_BROKEN
	} state;
	bool chunked, has_length;
	uint64_t left;        /* of the body, or of the chunk */
	unsigned digits;      /* of the chunk's size */
	unsigned line;        /* bytes of this line */
	struct weir_buf held; /* a head that came in pieces; keeps its memory */
};

void weir_bench_answer_init(struct weir_bench_answer *a);
void weir_bench_answer_fini(struct weir_bench_answer *a);
/* For the next message on the connection; or on another one. */
void weir_bench_answer_next(struct weir_bench_answer *a);

/* Takes from the front of in. Call until NOTHING, END or BAD. */
enum weir_bench_got weir_bench_answer_read(struct weir_bench_answer *a, struct weir_slice *in,
					   struct weir_slice *body);
/* Any byte of the present message so far? */
bool weir_bench_answer_started(const struct weir_bench_answer *a);
/* The connection ended: is the message whole by that? */
bool weir_bench_answer_ends(const struct weir_bench_answer *a);
