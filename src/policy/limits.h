/* A provider's rate limits, so that a key known to be exhausted is skipped before it
 * answers 429, and comes back by itself: what its headers say is left, and what the
 * configuration says it may take per minute. */
#pragma once

#include "policy/minute.h"

/* A reset is believed no further, as the table in outcome.c has it for a 429: whoever reads a
 * date for a duration, or counts by the day, is asked again. */
enum { WEIR_LIMITS_RESET_MAX_MS = 600000 };

/* What one answer said. Absent fields are not *_known. reset_ms: from now. */
struct weir_limits_news {
	bool requests_known, tokens_known;
	uint64_t requests_left, requests_reset_ms;
	uint64_t tokens_left, tokens_reset_ms;
};

struct weir_limits {
	struct weir_minute requests, tokens; /* configured rpm and tpm */
	/* As the headers said, less what has been sent since. */
	uint64_t requests_left, requests_until_ms;
	uint64_t tokens_left, tokens_until_ms;
};

/* rpm, tpm: 0 for none. */
void weir_limits_init(struct weir_limits *limits, uint64_t rpm, uint64_t tpm);
/* The same of one that has begun to count; what it has counted stays. */
void weir_limits_set(struct weir_limits *limits, uint64_t rpm, uint64_t tpm);
/* An answer's headers. A reset of 0 ms clears it; UINT64_MAX is left where nobody
 * limits. */
void weir_limits_learn(struct weir_limits *limits, const struct weir_limits_news *news,
		       uint64_t now_ms);
/* May a request of about so many tokens be sent? Else *return_ms: when, absolute. */
bool weir_limits_admit(const struct weir_limits *limits, uint64_t tokens, uint64_t now_ms,
		       uint64_t *return_ms);
/* Something is left of what the headers said; is it as much as that? Only about: another
 * target is a better choice, but nobody is refused for it. */
bool weir_limits_fit(const struct weir_limits *limits, uint64_t tokens, uint64_t now_ms);
/* It is sent. */
void weir_limits_take(struct weir_limits *limits, uint64_t tokens, uint64_t now_ms);
