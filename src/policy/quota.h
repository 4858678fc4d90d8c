/* What one caller may take of weir: requests and tokens a minute, requests at once, dollars a day
 * and a month, in UTC. Decided when the head of a request has come, settled when it has ended. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* 0: no bound. */
struct weir_quota_bounds {
	uint64_t rpm, tpm;
	unsigned max_inflight;
	uint64_t day_nano, month_nano; /* nano-dollars */
};
