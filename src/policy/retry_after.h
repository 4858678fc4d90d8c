/* When a provider says to come back: every form it is written in, in one place.
 * Order: retry-after-ms, retry-after (seconds or HTTP-date), Google RetryInfo, the
 * reset header of the exhausted bucket, words in the message. */
#pragma once

#include "base/slice.h"

struct weir_retry_hints {
	struct weir_slice retry_after_ms; /* header values; base NULL when absent */
	struct weir_slice retry_after;
	struct weir_slice retry_info; /* google.rpc.RetryInfo retryDelay, "22s" */
	struct weir_slice remaining_requests, reset_requests; /* x-ratelimit-* or anthropic-* */
	struct weir_slice remaining_tokens, reset_tokens;
	struct weir_slice message;
};

/* True and *delay_ms set when a time is stated; garbage is no statement, a date in
 * the past is 0. now_unix_ms: wall clock, for dates only. The caller caps it. */
bool weir_retry_after(const struct weir_retry_hints *hints, uint64_t now_unix_ms,
		      uint64_t *delay_ms);

/* "1h2m3.5s", "250ms", "59.7s", bare seconds. */
bool weir_duration_parse(struct weir_slice text, uint64_t *ms);
