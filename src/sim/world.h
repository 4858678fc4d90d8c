/* A world without sockets or a clock: scripted targets, virtual time.
 *
 * A script lists what one step of the plan does on each try, in milliseconds after the
 * line before. The world drives the failover machine exactly as core/request.c does and
 * writes down, in words, everything that happens. */
#pragma once

#include <stddef.h>

#include "policy/failover.h"

enum { WEIR_WORLD_TRACE_MAX = 16 * 1024, WEIR_WORLD_TRIES_MAX = 64 };

struct weir_world_line {
	uint64_t after_ms;       /* WEIR_NEVER: silence from here on */
	struct weir_event event; /* now_ms is filled in */
};

struct weir_world_target {
	const char *name;
	const struct weir_world_line *lines; /* the last one is silence, and repeats */
	bool at_cap;                         /* may not be tried */
};

struct weir_world_try {
	unsigned step, key;
	uint64_t began_ms, ended_ms;
	enum weir_outcome outcome; /* WEIR_OUT_N while in flight or abandoned */
	bool timed_out;
};

struct weir_world {
	/* Set by the caller. */
	const struct weir_plan *plan;
	const struct weir_world_target *targets; /* one per step */
	uint64_t seed;
	uint64_t hangup_ms; /* WEIR_NEVER: the caller stays */

	/* What became of it. */
	struct weir_world_try tries[WEIR_WORLD_TRIES_MAX];
	unsigned tries_n;
	unsigned relays_n, ends_n, tries_after_relay_n;
	bool abandoned;
	uint64_t relay_ms, end_ms;
	struct weir_action finish;
	char trace[WEIR_WORLD_TRACE_MAX];
	size_t trace_len;
};

/* Runs one request to its end. */
void weir_world_run(struct weir_world *world);
