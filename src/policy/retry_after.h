/* When a provider says to come back, and how much it says is left: every form it is
 * written in, in one place. Order: retry-after-ms, retry-after (seconds or HTTP-date),
 * Google RetryInfo, the reset header of the exhausted bucket, words in the message. */
#pragma once

#include "base/slice.h"
#include "policy/limits.h"

/* What x-ratelimit-* and anthropic-ratelimit-* speak of. */
enum weir_retry_bucket {
	WEIR_RETRY_REQUESTS,
	WEIR_RETRY_REQUESTS_DAY,
	WEIR_RETRY_TOKENS,
	WEIR_RETRY_TOKENS_MINUTE,
	WEIR_RETRY_TOKENS_PROJECT,
	WEIR_RETRY_TOKENS_IN,
	WEIR_RETRY_TOKENS_OUT,
	WEIR_RETRY_BUCKETS
};

struct weir_retry_hints {
	struct weir_slice retry_after_ms; /* header values; base NULL when absent */
	struct weir_slice retry_after;
	struct weir_slice retry_info; /* google.rpc.RetryInfo retryDelay, "22s" */
	struct weir_slice message;
	struct {
		struct weir_slice remaining, reset;
	} buckets[WEIR_RETRY_BUCKETS];
};

/* True and *delay_ms set when a time is stated; garbage is no statement, a date in
 * the past is 0. now_unix_ms: wall clock, for dates only. The caller caps it. */
bool weir_retry_after(const struct weir_retry_hints *hints, uint64_t now_unix_ms,
		      uint64_t *delay_ms);

/* What is left of each kind: the least, until its reset; among equals, the later one. A
 * bucket without a readable amount or reset says nothing; one that is full again counts
 * only beside no other. Output tokens count only when none are left: how many an answer
 * takes nobody knows before. */
void weir_limits_read(const struct weir_retry_hints *hints, uint64_t now_unix_ms,
		      struct weir_limits_news *news);

/* "1h2m3.5s", "250ms", "59.7s", bare seconds. */
bool weir_duration_parse(struct weir_slice text, uint64_t *ms);

/* RFC 3339, "2026-11-21T10:00:05.5Z": Unix time in milliseconds. What is before 1970 is 0. */
bool weir_rfc3339_parse(struct weir_slice text, uint64_t *ms);
