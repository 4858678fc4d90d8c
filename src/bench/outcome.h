/* What became of a request, as a load tester's user asks it. */
#pragma once

enum weir_bench_outcome {
	WEIR_BENCH_OK,
	WEIR_BENCH_429,
	WEIR_BENCH_4XX,
	WEIR_BENCH_5XX,
	WEIR_BENCH_OTHER,        /* a redirect, or a status nobody asks for */
	WEIR_BENCH_CONNECT,      /* no connection */
	WEIR_BENCH_TLS,          /* a connection, and no handshake */
	WEIR_BENCH_TIMEOUT,      /* no whole answer in time */
	WEIR_BENCH_CLOSED,       /* the connection ended inside an answer, or before it */
	WEIR_BENCH_PROTOCOL,     /* not HTTP, or its framing is broken */
	WEIR_BENCH_BAD_BODY,     /* 200, and no answer of the dialect in it */
	WEIR_BENCH_ERROR_IN_200, /* 200, and an error where the answer should be */
	WEIR_BENCH_STREAM_ERROR, /* an error event inside a stream */
	WEIR_BENCH_STREAM_CUT,   /* a stream without its closing event or its last chunk */
	WEIR_BENCH_WRONG,        /* whole, but not the answer to what was asked */
	WEIR_BENCH_CROSSED,      /* the answer to another request of this run */
	WEIR_BENCH_LOCAL,        /* this machine is short of something: no verdict on the target */
	WEIR_BENCH_OUTCOME_N
};

const char *weir_bench_outcome_name(enum weir_bench_outcome outcome);
/* A few words for people. */
const char *weir_bench_outcome_says(enum weir_bench_outcome outcome);
