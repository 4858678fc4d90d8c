/* What a run of traffic amounted to. */
#pragma once

#include <stdbool.h>

#include "policy/verdict.h"
#include "sim/traffic_site.h"
#include "sim/traffic_tally.h"

enum {
	WEIR_BOOK_BUCKET_MS = 250,
	WEIR_BOOK_BUCKETS_MAX = 400000, /* a day, and some; what comes later is in no bucket */
	WEIR_BOOK_SECOND = 4,           /* buckets */
	WEIR_BOOK_HEALTHY = 95,         /* percent of a second's requests, served at once */
	WEIR_BOOK_SETTLING_MS = 2000,   /* a fault is news for so long */
	WEIR_BOOK_TARGETS_MAX = 64,
	WEIR_BOOK_FAULTS_MAX = 64
};

/* A quarter of a second. */
struct weir_bucket {
	uint32_t offered, good, failed, errors;
	/* Of the requests that came in this time: served without coming back, and gone. */
	uint32_t at_once, left;
	uint32_t *calls; /* per target */
};

/* Of one fault, from WEIR_BOOK_SETTLING_MS after its beginning to its end. */
struct weir_fault_book {
	uint64_t offered;
	uint64_t calls; /* that met it */
};

struct weir_book {
	/* Requests of callers; each ends in one of three ways. */
	uint64_t offered, good, failed, left;
	uint64_t tries;       /* how often they asked: their SDK comes back after an error */
	uint64_t errors, cut; /* answers that were none, and those that broke off */
	uint64_t timeouts;    /* tries that their caller lost patience with */
	uint64_t finals[WEIR_FINAL_N];
	uint64_t calls, calls_of[WEIR_BOOK_TARGETS_MAX];
	uint64_t probes, fallbacks, hedges, waits, queued;
	uint64_t tokens_good, tokens_wasted;
	uint64_t cost_nano;         /* dollars; of all tokens, wasted ones as well */
	struct weir_tally first_ms; /* from a caller's first try to the first content */
	struct weir_tally error_ms; /* from a try to its error */
	unsigned attempts_most;     /* upstream calls of one try */
	unsigned probes_most;       /* of one target at once */
	uint64_t over_ms;           /* when the last request had ended */
	struct weir_fault_book faults[WEIR_BOOK_FAULTS_MAX];

	struct weir_bucket *buckets; /* of the time in which requests came */
	unsigned buckets_n, targets_n;
};

/* For so long a run. 0 or WEIR_ENOMEM. */
WEIR_MUST_CHECK int weir_book_init(struct weir_book *book, uint64_t ms, unsigned targets_n);
void weir_book_fini(struct weir_book *book);

/* The bucket of that time; NULL: after the end. */
struct weir_bucket *weir_book_at(struct weir_book *book, uint64_t at_ms);

/* How long after that time a whole second is served again as if nothing were the matter;
 * WEIR_NEVER: not in this run. */
uint64_t weir_book_recovery_ms(const struct weir_book *book, uint64_t from_ms);
/* The sums of a span of time; its bounds rounded to buckets. calls: of all targets. */
struct weir_span {
	uint64_t offered, good, failed, errors, at_once, left, calls;
};
struct weir_span weir_book_span(const struct weir_book *book, uint64_t from_ms, uint64_t to_ms);
