/* Stops asking a target that fails, and finds out when it is back: closed, open, and half
 * open with one leased probe at a time. A sliding window and a row of failures open it;
 * probes that succeed close it, and traffic comes back on a ramp.
 *
 * Open times are short on purpose: a cap of 60 s delays recovery by many seconds. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"

enum {
	WEIR_BREAKER_BUCKETS = 10,
	WEIR_BREAKER_BUCKET_MS = 3000, /* a window of 30 s */
	WEIR_BREAKER_SAMPLES = 10,     /* the least that half of them failed means something */
	WEIR_BREAKER_ROW = 5,          /* failures in a row */
	WEIR_BREAKER_OPEN_MS = 1000,   /* doubled with each opening that no closing follows */
	WEIR_BREAKER_OPEN_MAX_MS = 5000,
	WEIR_BREAKER_JITTER_PERCENT = 20,
	WEIR_BREAKER_PROBES = 2, /* successes that close it */
	WEIR_BREAKER_RAMP_MS = 10000,
	WEIR_BREAKER_TRICKLE_MS = 1000 /* between probes of an open one when all are open */
};

enum weir_breaker_state {
	WEIR_BREAKER_CLOSED,
	WEIR_BREAKER_OPEN,
	WEIR_BREAKER_HALF_OPEN,
	WEIR_BREAKER_N
};

struct weir_breaker {
	enum weir_breaker_state state;
	unsigned epoch; /* counts the moves: what began before one says nothing after it */
	unsigned moves[WEIR_BREAKER_N]; /* into each state; nothing is decided by them */
	struct {
		uint32_t good, bad;
	} window[WEIR_BREAKER_BUCKETS];
	uint64_t bucket_ms;   /* when the newest bucket began */
	unsigned newest;      /* its place */
	unsigned row;         /* failures in a row */
	unsigned openings;    /* since it was last closed */
	unsigned probes_good; /* half open */
	bool probing;         /* the lease is taken */
	uint64_t probed_ms;   /* when it was taken last */
	uint64_t opened_ms;   /* when it opened last */
	uint64_t until_ms;    /* open: from then on one probe may be tried */
	uint64_t closed_ms;   /* when it closed last: the ramp's beginning; 0: never */
	bool heard;           /* open by what others say, and nothing of our own speaks for it */
};

/* What an attempt takes along, so that its end is booked where it began. */
struct weir_breaker_ticket {
	unsigned epoch;
	bool probe;
	bool good; /* its first content has been booked as a success */
};

enum weir_breaker_word {
	WEIR_BREAKER_YES,
	WEIR_BREAKER_RAMP,  /* a share of the traffic, see weir_breaker_ramp_percent() */
	WEIR_BREAKER_PROBE, /* one request, as a probe */
	WEIR_BREAKER_NO
};

void weir_breaker_init(struct weir_breaker *breaker);

/* May a request go through? Changes nothing. */
enum weir_breaker_word weir_breaker_ask(const struct weir_breaker *breaker, uint64_t now_ms);
/* 10, 25, 50 while it ramps up; 100. */
unsigned weir_breaker_ramp_percent(const struct weir_breaker *breaker, uint64_t now_ms);
/* Nobody else is left: may this open one be probed before its time, once a second? */
bool weir_breaker_may_trickle(const struct weir_breaker *breaker, uint64_t now_ms);
/* When the next request may be tried, as far as is known; now_ms when one may be now. */
uint64_t weir_breaker_return_ms(const struct weir_breaker *breaker, uint64_t now_ms);

/* An attempt begins; probe: with the lease, which must be free. Makes an open one half open. */
struct weir_breaker_ticket weir_breaker_begin(struct weir_breaker *breaker, bool probe,
					      uint64_t now_ms);
/* Content came, or any answer that says the target lives. Ends the lease. */
void weir_breaker_good(struct weir_breaker *breaker, struct weir_breaker_ticket *ticket,
		       uint64_t now_ms);
/* It failed in a way that counts; a success already booked is taken back. */
void weir_breaker_bad(struct weir_breaker *breaker, struct weir_breaker_ticket *ticket,
		      uint64_t now_ms, struct weir_rng *rng);
/* Others that share its fate have failed as one: opens a closed one, keeps an open one open. */
void weir_breaker_join(struct weir_breaker *breaker, uint64_t now_ms, struct weir_rng *rng);
/* Another weir has opened its own: opens a closed one, of which no request need be refused. */
void weir_breaker_hear_open(struct weir_breaker *breaker, uint64_t now_ms, struct weir_rng *rng);
/* Another has closed its own: an open one may be probed at once. */
void weir_breaker_hear_closed(struct weir_breaker *breaker, uint64_t now_ms);
/* Nothing is known (the caller left): ends the lease, that another may have it. */
void weir_breaker_nothing(struct weir_breaker *breaker, struct weir_breaker_ticket *ticket);

/* Its writer was killed in the middle: no lease where there can be none. */
void weir_breaker_mend(struct weir_breaker *breaker);

const char *weir_breaker_state_name(enum weir_breaker_state state);
