/* One connection's worth of load: it carries one request at a time, and opens again
 * whenever it must. */
#pragma once

#include "bench/run.h"

struct weir_bench_slot {
	struct weir_bench_run *run;
	struct weir_list node; /* in the run's idle, busy or resting */
	enum {
		WEIR_BENCH_SLOT_SHUT,
		WEIR_BENCH_SLOT_OPENING,
		WEIR_BENCH_SLOT_OPEN,
		WEIR_BENCH_SLOT_CLOSING
	} state;
	bool busy;   /* carries a request */
	bool counts; /* … that is not of the warm-up */
	bool sent;   /* … that was written */
	bool judged; /* … whose body the judge has seen to its end */
	bool stream; /* … for a stream */
	bool first;  /* … of which a token has come */
	unsigned phase;
	uint64_t due_ns, begun_ns, sent_ns, token_ns;
	uint64_t opened_ns; /* when opening began */
	struct weir_bench_nonce nonce;
	struct weir_bench_answer answer;
	struct weir_bench_judge judge;
	struct weir_conn conn;
};

/* NULL: out of memory. */
WEIR_MUST_CHECK struct weir_bench_slot *weir_bench_slot_create(struct weir_bench_run *run);
/* When it is SHUT. */
void weir_bench_slot_destroy(struct weir_bench_slot *slot);

/* Opens ahead of the first request. */
void weir_bench_slot_open(struct weir_bench_slot *slot);
/* Carries a request that is or was due then. */
void weir_bench_slot_begin(struct weir_bench_slot *slot, uint64_t due_ns, uint64_t now_ns);
/* The request it carries ends so, and the slot is free. */
void weir_bench_slot_end(struct weir_bench_slot *slot, enum weir_bench_outcome outcome,
			 uint64_t now_ns);
/* Without an end: the round is over, and does not count it. */
void weir_bench_slot_abandon(struct weir_bench_slot *slot);
void weir_bench_slot_shut(struct weir_bench_slot *slot);

/* What the run is told. */
struct weir_bench_slot_events {
	void (*on_opened)(struct weir_bench_slot *slot); /* ahead; or it failed */
	void (*on_free)(struct weir_bench_slot *slot, enum weir_bench_outcome outcome,
			uint64_t now_ns);
	void (*on_shut)(struct weir_bench_slot *slot);
};
