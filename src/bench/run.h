/* Load on one target: its connections, and the requests that go over them. Connections
 * outlive a round, so that rounds of several targets can take turns.
 *
 * Closed loop: each connection asks again when it was answered. Open loop: requests are due
 * at their own times, whatever becomes of those before; one that finds no connection free
 * waits, and its latency counts from when it was due (no coordinated omission). */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/list.h"
#include "bench/alarm.h"
#include "bench/answer.h"
#include "bench/arrivals.h"
#include "bench/judge.h"
#include "bench/mix.h"
#include "bench/tally.h"
#include "bench/target.h"
#include "net/conn.h"

enum {
	WEIR_BENCH_CONNECTIONS_MAX = 100 * 1000,
	WEIR_BENCH_BACKLOG_MAX = 1 << 22, /* due and waiting; later ones are never sent */
	WEIR_BENCH_SWEEP_MS = 20,         /* how late a timeout may be noticed */
	WEIR_BENCH_REST_MS = 100          /* after a connection that failed */
};

struct weir_bench_load {
	unsigned connections; /* closed loop: that many; open loop: at most */
	bool open_loop;
	struct weir_bench_rate rate;
	bool poisson;
	bool fresh; /* a connection for every request */
	enum weir_bench_care care;
	uint64_t timeout_ns;
	uint64_t stall_ns; /* a gap between two tokens that is called a stall */
	uint64_t drain_ns; /* how long requests under way are waited for at the end */
	uint64_t seed;
};

/* A round. */
struct weir_bench_round {
	struct weir_bench_tally *tally;
	uint64_t warmup_ns;   /* first; its requests are not counted */
	uint64_t duration_ns; /* then; 0: until `requests` are sent */
	uint64_t requests;    /* at most; 0: no bound */
};

struct weir_bench_run {
	uv_loop_t *loop;
	struct weir_net *net;
	struct weir_bench_target *target;
	const struct weir_bench_dialect *dialect;
	struct weir_bench_mix *mix;
	struct weir_tls_config *tls; /* NULL: plain */
	struct weir_bench_load load;
	void *user;
	void (*on_over)(struct weir_bench_run *run); /* the round; never inside _go() */
	void (*on_closed)(struct weir_bench_run *run);
	/* To look at. */
	unsigned busy_n;       /* requests under way */
	uint64_t began_ns;     /* the measured part; uv_hrtime() */
	uint64_t ends_ns;      /* UINT64_MAX: not known */
	unsigned phase;        /* of what is due from now on, see struct weir_bench_phase */
	const char *complaint; /* static: the last thing that went wrong below HTTP */
	/* Private. */
	struct weir_bench_round round;
	struct weir_tls_ticket *ticket;
	const struct weir_bench_slot_events *slot_events;
	struct weir_bench_slot **slots;
	unsigned slots_n;
	struct weir_list idle, busy, resting;
	struct weir_bench_alarm alarm;
	uv_timer_t sweep;
	struct weir_bench_arrivals arrivals;
	uint64_t start_ns; /* the round's, with its warm-up */
	uint64_t next_due_ns;
	uint64_t *backlog; /* a ring of times */
	unsigned backlog_n, backlog_at, backlog_max;
	uint64_t started, cpu_ns;
	uint32_t number;    /* of the last request */
	unsigned opening_n; /* connections opened before the round begins */
	unsigned parts_open;
	enum {
		WEIR_BENCH_RESTING,
		WEIR_BENCH_OPENING,
		WEIR_BENCH_ASKING,
		WEIR_BENCH_DRAINING
	} state;
	bool closing;
};

/* net, target, dialect, mix, tls and load are set by the caller and outlive the run. 0, or
 * negative with nothing to close. */
WEIR_MUST_CHECK int weir_bench_run_open(struct weir_bench_run *run);
/* Opens the connections that are missing, then begins. */
WEIR_MUST_CHECK int weir_bench_run_go(struct weir_bench_run *run,
				      const struct weir_bench_round *round);
/* Nothing more is sent; what is under way is counted as unfinished. on_over comes. */
void weir_bench_run_stop(struct weir_bench_run *run);
void weir_bench_run_close(struct weir_bench_run *run);
