/* A world without sockets or a clock: scripted targets, virtual time.
 *
 * A script lists what one target does on each try, in milliseconds after the line before.
 * The world drives the failover machine exactly as core/request.c does and writes down, in
 * words, everything that happens. What is known of the targets lasts from one request to
 * the next, until the world is made anew. */
#pragma once

#include <stddef.h>

#include "policy/failover.h"

enum {
	WEIR_WORLD_TRACE_MAX = 16 * 1024,
	WEIR_WORLD_TRIES_MAX = 64,
	WEIR_WORLD_TARGETS_MAX = 16,
	WEIR_WORLD_KEYS_MAX = 16 /* of one target */
};

struct weir_world_line {
	uint64_t after_ms;       /* WEIR_NEVER: silence from here on */
	struct weir_event event; /* now_ms and attempt are filled in */
};

struct weir_world_target {
	const char *name;                    /* NULL: there are no more */
	const struct weir_world_line *lines; /* the last one is silence, and repeats */
	unsigned keys;                       /* 0 is one */
	bool beside;                         /* in the same step as the target before */
	bool at_cap;                         /* may not be tried */
	uint64_t context_tokens;
	uint32_t weight; /* 0 is one */
	uint64_t price;
};

struct weir_world_try {
	unsigned step, target, key; /* target: its place in the list */
	uint64_t began_ms, ended_ms;
	enum weir_outcome outcome; /* WEIR_OUT_N while in flight or abandoned */
	bool timed_out, hedge;
};

struct weir_world {
	/* Set by the caller. The plan's pools are made here; its steps are the targets, those
	 * beside each other together. */
	struct weir_plan plan;
	const struct weir_world_target *targets;
	enum weir_balance balance;
	uint64_t seed;
	uint64_t hangup_ms; /* after the request began; WEIR_NEVER: the caller stays */
	uint64_t room_ms;   /* when what is at its cap has room; WEIR_NEVER: never */
	uint64_t now_ms;    /* when the next request begins; afterwards, when it ended */

	/* What is known of the targets. */
	unsigned targets_n;
	struct weir_provider_health providers[WEIR_WORLD_TARGETS_MAX];
	struct weir_model_health models[WEIR_WORLD_TARGETS_MAX];
	struct weir_key_health keys[WEIR_WORLD_TARGETS_MAX][WEIR_WORLD_KEYS_MAX];
	struct weir_health healths[WEIR_WORLD_TARGETS_MAX][WEIR_WORLD_KEYS_MAX];
	struct weir_member members[WEIR_BALANCE_MEMBERS_MAX];
	struct weir_balancer pools[WEIR_PLAN_STEPS_MAX];
	struct weir_queue queue;
	struct weir_hedges hedges;
	struct weir_rng rng;
	const struct weir_world_line *cursor[WEIR_WORLD_TARGETS_MAX];

	/* What became of the last request. */
	struct weir_failover failover;
	struct weir_world_try tries[WEIR_WORLD_TRIES_MAX];
	unsigned tries_n;
	unsigned relays_n, ends_n, tries_after_relay_n;
	bool abandoned;
	uint64_t began_ms, relay_ms, end_ms;
	struct weir_action finish;
	char trace[WEIR_WORLD_TRACE_MAX];
	size_t trace_len;
};

/* Everybody is well, no script has begun. */
void weir_world_init(struct weir_world *world);
/* Runs one request to its end. */
void weir_world_run(struct weir_world *world);
