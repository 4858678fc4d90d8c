/* What weirs on several machines know together, through a Redis or Valkey: who is benched, down or
 * exhausted, and what callers have used. It is read and written beside the requests, many times a
 * second, in rounds: no request waits for it, and without it each weir goes on alone.
 *
 * Where several processes are one proxy, one of them speaks for all; when it is gone another. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum {
	WEIR_SHARED_TICK_MS = 50,
	WEIR_SHARED_FLUSH_MS = 500, /* for what is left when weir ends */
	WEIR_SHARED_LEASE_MS =
		1000,              /* a worker that is silent for so long does not speak any more */
	WEIR_SHARED_CHUNK = 512,   /* keys in one question */
	WEIR_SHARED_TALLIES = 256, /* counts of callers in one round; more take turns */
	WEIR_SHARED_ITEMS_MAX = 65536, /* things to know of targets; the rest is each weir's own */
	WEIR_SHARED_ITEM_TTL_S = 4000  /* longer than any bench */
};

struct weir_gateway;
struct weir_shared;

/* The configuration in force says where. 0; or negative and why: nothing was made. */
WEIR_MUST_CHECK int weir_shared_create(struct weir_shared **shared, struct weir_gateway *gateway,
				       struct weir_error *err);
/* Another configuration is in force: before the last one goes. NULL is fine. */
void weir_shared_heed(struct weir_shared *shared);
/* No more requests will come: what is there is written, for at most WEIR_SHARED_FLUSH_MS.
 * weir_gateway_settle() is called when that is over. Idempotent; NULL has nothing to write. */
void weir_shared_flush(struct weir_shared *shared);
bool weir_shared_is_flushed(const struct weir_shared *shared);
/* on_closed comes once its handles are closed, and it is freed. */
void weir_shared_close(struct weir_shared *shared, void (*on_closed)(struct weir_gateway *gateway));

/* How it stands, of all workers. */
struct weir_shared_status {
	const char *address; /* NULL: there is none */
	bool up, known;      /* known: it was tried */
	uint64_t changed_ms; /* when it came or went, by the loop's clock */
	uint64_t round_ms;   /* how long the last round took */
	uint64_t rounds, failures, ignored;
};

struct weir_shared_status weir_shared_status(const struct weir_shared *shared); /* NULL: none */
