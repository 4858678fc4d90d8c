/* Shared by shared.c (the rounds), shared_items.c (what is known of targets) and shared_tallies.c
 * (what callers have used). */
#pragma once

#include "core/gateway.h"
#include "core/redis.h"
#include "core/shared.h"
#include "policy/hearsay.h"

#define WEIR_SHARED_PREFIX "weir:1:"

enum { WEIR_SHARED_ID_DIGITS = 32 };

/* A text that is the same in each weir for the same thing, with no secret in it. */
struct weir_shared_id {
	char text[WEIR_SHARED_ID_DIGITS + 1];
};

struct weir_shared_id weir_shared_id(struct weir_slice name);

struct weir_item;

/* In memory that workers have in common, or this process' own. */
struct weir_shared_common {
	uint64_t id;       /* of this weir, whichever worker speaks */
	unsigned speaker;  /* its number and 1; 0: nobody */
	uint64_t spoke_ms; /* when it did last */
	int64_t ahead_ms;  /* the server's clock less ours */
	unsigned epoch;    /* counts the connections */
	struct weir_shared_status status;
};

struct weir_shared {
	struct weir_gateway *gateway;
	struct weir_config *config; /* that it was made for: says where */
	struct weir_redis redis;
	struct weir_shared_common *common, own;
	struct weir_buf out;
	uv_timer_t timer;
	bool speaks;
	bool flushing, flushed;
	uint64_t flush_by_ms;
	uint64_t flush_rounds; /* another speaks: it has written all when there are so many */
	void (*on_closed)(struct weir_gateway *gateway);

	/* The round under way: first what is told, whose replies say nothing; then the clock; then
	 * the counter of changes and the tallies; then, where there was a change, items. */
	bool asking_items, flushes;
	unsigned told;
	uint64_t began_ms;
	uint64_t clock_ms; /* its seconds, until the rest is there */
	/* The counter of changes, as it was when all had been read. */
	long long seen;
	bool seen_known, bad_seen;
	bool changed; /* by this round, which counts once */

	/* The counts that are asked for in this round, one after the other. */
	struct weir_window {
		struct weir_books *books;
		enum weir_quota_limit limit;
	} window[WEIR_SHARED_TALLIES];
	unsigned window_n, next_tally;
	struct weir_resp_value total; /* the one before the reply under way */

	struct weir_item *items;
	unsigned items_n, items_cap;
	unsigned from, asked; /* the items that are asked for */
	unsigned unread;      /* how many are still to be, from `from` on */
};

static inline uint64_t weir_shared_clock_ms(const struct weir_shared *s, uint64_t now_ms)
{
	return now_ms + (uint64_t)s->common->ahead_ms;
}

/* Something in there makes no sense. */
static inline void weir_shared_ignore(struct weir_shared *s)
{
	s->common->status.ignored++;
}

/* A whole number within ±2^53. */
bool weir_shared_number(struct weir_slice text, long long *number);

/* shared_items.c. All inside. */
void weir_items_make(struct weir_shared *shared);
void weir_items_free(struct weir_shared *shared);
/* What has changed here? */
void weir_items_look(struct weir_shared *shared, uint64_t now_ms);
/* Tells it; *told: replies that come, 0 where there was nothing. */
WEIR_MUST_CHECK int weir_items_put(struct weir_shared *shared, unsigned *told);
/* Asks for the next of those unread: one reply. */
WEIR_MUST_CHECK int weir_items_ask(struct weir_shared *shared);
void weir_items_hear(struct weir_shared *shared, unsigned place,
		     const struct weir_resp_value *value);

/* shared_tallies.c. All inside. */
/* Tells what is new of the next of them; *told: replies that come. */
WEIR_MUST_CHECK int weir_tallies_put(struct weir_shared *shared, unsigned *told);
/* How many keys weir_tallies_ask() writes. */
unsigned weir_tallies_keys(const struct weir_shared *shared);
WEIR_MUST_CHECK int weir_tallies_ask(struct weir_shared *shared);
void weir_tallies_hear(struct weir_shared *shared, unsigned place,
		       const struct weir_resp_value *value);
