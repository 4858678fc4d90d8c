/* What one caller may take of weir: requests and tokens a minute, requests at once, dollars a day
 * and a month, in UTC. Decided when the head of a request has come, settled when it has ended. */
#pragma once

#include "policy/minute.h"

/* 0: no bound. */
struct weir_quota_bounds {
	uint64_t rpm, tpm;
	unsigned max_inflight;
	uint64_t day_nano, month_nano; /* nano-dollars */
};

enum weir_quota_limit {
	WEIR_QUOTA_RPM,
	WEIR_QUOTA_TPM,
	WEIR_QUOTA_INFLIGHT,
	WEIR_QUOTA_DAY,
	WEIR_QUOTA_MONTH,
	WEIR_QUOTA_LIMITS_N
};

/* As the configuration calls them. */
const char *weir_quota_limit_name(enum weir_quota_limit limit);

/* Two clocks: one that never leaps, for minutes, and the calendar's. */
struct weir_quota_time {
	uint64_t ms, unix_s;
};

/* Dollars of a day or a month. An answer's cost is known when it has ended, so one under way
 * counts as much as the dearest of this period and the one before. */
struct weir_purse {
	uint64_t period;         /* days, or months, since 1970 */
	uint64_t nano;           /* spent in it, here */
	uint64_t elsewhere_nano; /* likewise, by way of other weirs */
	uint64_t dearest_nano, dearest_before_nano;
};

struct weir_quota {
	struct weir_quota_bounds bounds;
	struct weir_minute requests, tokens;
	unsigned inflight;
	struct weir_purse day, month;
};

/* Why not, and when it may ask again. */
struct weir_quota_refusal {
	enum weir_quota_limit limit; /* of all that refuse, the one that does so longest */
	uint64_t retry_ms;           /* from now */
};

/* What a request has taken. */
struct weir_quota_share {
	uint64_t tokens, at_ms;
};

/* A zeroed quota has none. What it has counted stays. */
void weir_quota_set(struct weir_quota *quota, const struct weir_quota_bounds *bounds);
/* May a request of about so many tokens begin? */
bool weir_quota_admits(const struct weir_quota *quota, uint64_t tokens,
		       const struct weir_quota_time *now, struct weir_quota_refusal *refusal);
/* It begins. */
void weir_quota_begin(struct weir_quota *quota, uint64_t tokens, const struct weir_quota_time *now,
		      struct weir_quota_share *share);
/* It will use so many, as is known now. */
void weir_quota_grow(struct weir_quota *quota, uint64_t tokens, const struct weir_quota_time *now,
		     struct weir_quota_share *share);
/* It has ended, and has used so many tokens and nano-dollars. */
void weir_quota_end(struct weir_quota *quota, const struct weir_quota_share *share, uint64_t tokens,
		    uint64_t nano, const struct weir_quota_time *now);
/* In this period so much was spent here, and by way of other weirs at least so much. */
uint64_t weir_purse_own(const struct weir_purse *purse, uint64_t period);
void weir_purse_hear(struct weir_purse *purse, uint64_t period, uint64_t nano);
/* The days, or months, since 1970. */
uint64_t weir_quota_period(enum weir_quota_limit limit, uint64_t unix_s);
/* Spent today, and this month, in nano-dollars. */
uint64_t weir_quota_day_nano(const struct weir_quota *quota, uint64_t unix_s);
uint64_t weir_quota_month_nano(const struct weir_quota *quota, uint64_t unix_s);
