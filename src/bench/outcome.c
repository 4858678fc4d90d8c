#include "bench/outcome.h"

/* clang-format off */
static const struct {
	const char *name, *says;
} rows[WEIR_BENCH_OUTCOME_N] = {
	[WEIR_BENCH_OK]           = { "ok", "answered well" },
	[WEIR_BENCH_429]          = { "http_429", "told to slow down" },
	[WEIR_BENCH_4XX]          = { "http_4xx", "refused" },
	[WEIR_BENCH_5XX]          = { "http_5xx", "failed with a status" },
	[WEIR_BENCH_OTHER]        = { "http_other", "a status that is no answer" },
	[WEIR_BENCH_CONNECT]      = { "connect", "no connection" },
	[WEIR_BENCH_TLS]          = { "tls", "no TLS handshake" },
	[WEIR_BENCH_TIMEOUT]      = { "timeout", "no whole answer in time" },
	[WEIR_BENCH_CLOSED]       = { "closed", "the connection ended before the answer did" },
	[WEIR_BENCH_PROTOCOL]     = { "protocol", "broken HTTP" },
	[WEIR_BENCH_BAD_BODY]     = { "bad_body", "200 without an answer in it" },
	[WEIR_BENCH_ERROR_IN_200] = { "error_in_200", "200 with an error in it" },
	[WEIR_BENCH_STREAM_ERROR] = { "stream_error", "an error event inside a stream" },
	[WEIR_BENCH_STREAM_CUT]   = { "stream_cut", "a stream that did not come to its end" },
	[WEIR_BENCH_WRONG]        = { "wrong", "a whole answer to something else" },
	[WEIR_BENCH_CROSSED]      = { "crossed", "the answer to another caller's request" },
	[WEIR_BENCH_LOCAL]        = { "local", "this machine ran out of something" },
};
/* clang-format on */

const char *weir_bench_outcome_name(enum weir_bench_outcome outcome)
{
	return rows[outcome].name;
}

const char *weir_bench_outcome_says(enum weir_bench_outcome outcome)
{
	return rows[outcome].says;
}
