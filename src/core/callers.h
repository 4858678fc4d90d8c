/* The books of each caller: what it has taken of its limits, and what is counted. By name, so that
 * a reload goes on with them, and so do other processes that have shm in common. */
#pragma once

#include "base/shm.h"
#include "config/config.h"
#include "core/metrics.h"
#include "dialect/pen.h"

enum { WEIR_CALLERS_VANISHED_MAX = 1024 }; /* whose books are kept though nobody has them */

/* How a count is known to other weirs: see shared_tallies.c. */
struct weir_tally {
	uint64_t period;
	uint64_t base;       /* what had been taken here when the period began; goes round */
	long long applied;   /* of our own, in it: as it is known there */
	long long elsewhere; /* of others */
	unsigned epoch;      /* of the connection that has read it; 0: none has */
	bool based;
	unsigned late; /* rounds since the period ended, in which the last of it may still come */
};

struct weir_books {
	char *name;
	uint64_t hash;
	unsigned references; /* of configurations in use */
	struct weir_quota quota;
	uint32_t *shares; /* of its inflight, of each process; NULL: there is but one */
	uint64_t requests[WEIR_REQUEST_OUTCOME_N], limited[WEIR_QUOTA_LIMITS_N];
	uint64_t tokens_in, tokens_out, nano;
	struct weir_tally tallies[WEIR_QUOTA_LIMITS_N];
};

struct weir_callers {
	struct weir_shm *shm;
	struct weir_books **list;
	unsigned n, cap;
};

/* What one request has taken; books NULL: it is nobody's. */
struct weir_claim {
	struct weir_books *books;
	struct weir_shm *shm;
	struct weir_quota_share share;
};

/* The books of all callers of a configuration, by index; NULL: out of memory. */
WEIR_MUST_CHECK struct weir_books **weir_callers_enrol(struct weir_callers *callers,
						       const struct weir_config *config);
/* The configuration is in force: its limits hold. */
void weir_callers_settle(const struct weir_callers *callers, struct weir_books *const *books,
			 const struct weir_config *config);
void weir_callers_leave(const struct weir_callers *callers, struct weir_books **books,
			const struct weir_config *config);
void weir_callers_fini(struct weir_callers *callers);

/* A request of so many bytes, 0 where nobody knows, wants to begin. False: it may not, and
 * why; counted. */
bool weir_claim_take(struct weir_claim *claim, struct weir_shm *shm, struct weir_books *books,
		     uint64_t bytes, const struct weir_quota_time *now,
		     struct weir_quota_refusal *refusal);
/* All of it is there: how long it is is known now. */
void weir_claim_grow(struct weir_claim *claim, uint64_t bytes, const struct weir_quota_time *now);
/* Must its answers be counted, whether it asks for that or not? */
bool weir_claim_counts(const struct weir_claim *claim);
/* What is counted besides, of a request that has ended. */
void weir_claim_count(const struct weir_claim *claim, enum weir_request_outcome outcome,
		      uint64_t tokens_in, uint64_t tokens_out, uint64_t nano);
/* The end of what was taken. */
void weir_claim_end(struct weir_claim *claim, uint64_t tokens, uint64_t nano,
		    const struct weir_quota_time *now);
/* A process is gone, with its requests; and one was killed in the middle of a change. Inside. */
void weir_callers_forfeit(struct weir_shm *shm, unsigned holder);
void weir_callers_mend(struct weir_shm *shm);
/* x-ratelimit-*, as OpenAI calls them, of limits that are set. */
void weir_claim_put_fields(const struct weir_books *books, uint64_t now_ms, struct weir_pen *pen);

struct weir_metrics_pen;
/* callers_text.c */
void weir_callers_put_metrics(struct weir_metrics_pen *pen, const struct weir_standing *now);
/* ,"callers":[…] */
void weir_callers_put_status(struct weir_pen *pen, const struct weir_standing *now);
