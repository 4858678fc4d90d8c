/* A run's inside: what callers, the policy and the naive baseline share. */
#pragma once

#include "sim/traffic.h"

enum { WEIR_CALLS_AT_ONCE = 2, WEIR_SHOULD_RETRY_MS = 60000 };

struct weir_run;
struct weir_caller;

/* Who serves callers. */
struct weir_driver {
	void (*begin)(struct weir_caller *caller);
	void (*news)(struct weir_caller *caller, struct weir_call *call, struct weir_event *news);
	void (*timer)(struct weir_caller *caller);
	void (*hangup)(struct weir_caller *caller);
	void (*room)(struct weir_caller *caller); /* of those in run->queued */
};

extern const struct weir_driver weir_driver_weir, weir_driver_naive;

/* Probes that hold the lease of a breaker; an epoch's end ends the lease. */
struct weir_probing {
	unsigned epoch, n;
};

struct weir_caller {
	struct weir_list node; /* run->callers, then run->gone */
	struct weir_run *run;
	struct weir_tick tick; /* its own: it comes back, loses patience, or leaves */
	uint64_t number;
	uint64_t came_ms, try_ms, leaves_ms;
	unsigned tries;
	bool stream, asking, shown, over;
	uint64_t tokens_in, tokens_out, user;

	/* Its present try, served by the driver. */
	unsigned worker;
	struct weir_tick timer;
	struct weir_call calls[WEIR_CALLS_AT_ONCE];
	struct weir_probing probes[WEIR_CALLS_AT_ONCE]; /* n: 0 or 1 */
	struct weir_plan plan;
	struct weir_failover failover;
	struct weir_list queued; /* run->queued */
	uint64_t tokens_shown;
	struct {
		unsigned step, tries, calls;
	} naive;
};

struct weir_run {
	const struct weir_traffic *traffic;
	const struct weir_driver *driver;
	struct weir_book *book;
	struct weir_agenda agenda;
	struct weir_sites sites;
	struct weir_rng arriving, calling, deciding, spreading;
	struct weir_tick arrival, room, others; /* room is seen where it was made, then by all */
	uint32_t roomy;                         /* workers where it was made: bit each */
	uint64_t arrival_us;
	size_t arrived;
	unsigned phase;
	struct weir_list callers, gone, queued;
	size_t callers_n;
	struct weir_probing *probing; /* per target and key */
	int failure;                  /* WEIR_ENOMEM, WEIR_ELIMIT; ends the run */
};

/* What a try came to. */
struct weir_reply {
	bool good;
	bool may_retry; /* an SDK would come again */
	bool after_stated;
	uint64_t after_ms;
	enum weir_final final;
};

/* The first content. */
void weir_caller_shown(struct weir_caller *caller);
/* The try is over. */
void weir_caller_reply(struct weir_caller *caller, const struct weir_reply *reply);

/* A free call slot, set up and begun; books it. */
struct weir_call *weir_caller_call(struct weir_caller *caller, const struct weir_member *member,
				   unsigned attempt);
/* Its tokens are billed: to whom they were of use, or to nobody. */
void weir_caller_settle(struct weir_caller *caller, const struct weir_call *call, bool good);
