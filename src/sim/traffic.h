/* Traffic on a virtual clock: callers with an SDK's habits, the policy of the proxy (or, to
 * compare, three tries at each provider), and providers that fail by script. The same seed
 * makes the same run, byte for byte. */
#pragma once

#include "sim/traffic_book.h"

enum {
	WEIR_TRAFFIC_CALLERS_MAX = 200000, /* at once */
	WEIR_TRAFFIC_WORKERS_MAX = 16,
	WEIR_TRAFFIC_ROOM_MS = 20 /* until another worker sees that there is room */
};

enum weir_traffic_policy {
	WEIR_POLICY_WEIR,
	WEIR_POLICY_NAIVE, /* at each step three tries, no memory */
	WEIR_POLICY_N
};

const char *weir_traffic_policy_name(enum weir_traffic_policy policy);

enum weir_arrivals { WEIR_ARRIVE_POISSON, WEIR_ARRIVE_EVENLY, WEIR_ARRIVE_LISTED };

/* A rate from then on, until the next one's beginning. */
struct weir_phase {
	uint64_t from_ms;
	double per_s;
};

/* LISTED: each with what it asks for. */
struct weir_arrival {
	uint64_t at_ms;
	bool stream;
	uint64_t tokens_in, tokens_out;
};

struct weir_callers {
	enum weir_arrivals arrivals;
	const struct weir_phase *phases; /* the first one's from_ms is 0 */
	unsigned phases_n;
	unsigned burst; /* EVENLY: so many at once, at the same rate; 0 is 1 */
	const struct weir_arrival *list;
	size_t list_n;

	unsigned sdk_retries; /* of the caller's own library */
	uint64_t timeout_ms;  /* of each of its tries; 0: none */
	uint32_t leaves_ppm;  /* share that may leave early, */
	uint64_t leaves_ms;   /* at some moment up to then */
	uint32_t stream_ppm;
	struct weir_spread tokens_in, tokens_out;
	uint64_t users; /* distinct ones, for affinity; 0: no affinity */
};

/* By the index that the plan's members have as theirs. */
struct weir_traffic_target {
	const char *name;
	uint32_t site;
	uint64_t nano_in, nano_out; /* nano-dollars for a token */
};

/* One thing that happened to one request. */
struct weir_sight {
	uint64_t now_ms, caller; /* counted from 0 */
	unsigned try;
	const struct weir_event *event;
	const struct weir_action *action;
	const struct weir_failover *failover; /* after it */
};

struct weir_traffic {
	enum weir_traffic_policy policy;
	uint64_t seed;
	uint64_t ms; /* requests come for so long; those under way are waited for */
	struct weir_callers callers;
	/* Of whole answers, of streams, each with one for every worker: which of them takes a
	 * request is chance. WEIR writes into what they point to. */
	const struct weir_plan *plans[2];
	unsigned workers; /* 0 is 1 */
	const struct weir_traffic_target *targets;
	unsigned targets_n; /* at most WEIR_BOOK_TARGETS_MAX */
	const struct weir_site *sites;
	unsigned sites_n;
	const struct weir_fault *faults;
	unsigned faults_n; /* at most WEIR_BOOK_FAULTS_MAX */

	void (*saw)(void *arg, const struct weir_sight *sight); /* NULL: nobody looks */
	void *arg;
};

/* book must be given to weir_book_fini(), also on failure. 0, WEIR_ENOMEM, or WEIR_ELIMIT:
 * more than WEIR_TRAFFIC_CALLERS_MAX at once. */
WEIR_MUST_CHECK int weir_traffic_run(const struct weir_traffic *traffic, struct weir_book *book);
