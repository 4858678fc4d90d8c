/* What was lately, for who looks only now: requests that did not simply go through, how targets
 * failed and how they stood, and how much there was of everything. All of it is bounded, and no
 * prompt, no answer and no key is in it. Names are those of the counters' series, which stay as
 * long as they are spoken of here. A request that goes through costs a comparison. */
#pragma once

#include "core/metrics.h"
#include "core/report.h"
#include "core/stand.h"

enum {
	WEIR_RECENT_STORIES = 64,   /* requests that moved, or that nobody answered */
	WEIR_RECENT_PLAIN = 16,     /* examples of others… */
	WEIR_RECENT_PLAIN_MS = 250, /* …one in so long at most */
	WEIR_RECENT_STEPS = 16,     /* of one request */
	WEIR_RECENT_TURNS = 256,    /* of targets from one state to another */
	WEIR_RECENT_FAILURES = 8,   /* of one target */
	WEIR_RECENT_ID_MAX = 40,
	WEIR_RECENT_WORDS_MAX = 160,
	WEIR_RECENT_WORDS_MS = 50 /* between two that are looked through for a quotation */
};

struct weir_target_metrics; /* metrics_private.h */
struct weir_chain_metrics;

/* A target with one of its keys; key 0: it has not several, else from 1. */
struct weir_recent_name {
	struct weir_target_metrics *target; /* NULL: unknown; a reference */
	unsigned key;
};

/* An attempt, or a target that was gone past. */
struct weir_story_step {
	struct weir_recent_name name;
	unsigned attempt; /* from 1; 0: it was not tried */
	unsigned status;  /* 0: none came */
	bool ended;
	const char *step_class, *reason; /* static */
	uint64_t ms;
};

struct weir_story {
	uint64_t version;            /* when it was last added to; 0: empty */
	uint64_t number;             /* from 1 */
	uint64_t began_ms, ended_ms; /* the loop's clock; ended_ms 0: it goes on */
	char request_id[WEIR_RECENT_ID_MAX];
	struct weir_chain_metrics *chain; /* a reference */
	bool stream, first_token_known;
	enum weir_request_outcome outcome; /* once it has ended */
	unsigned status, attempts;
	uint64_t first_token_ms;
	unsigned steps_n;
	struct weir_story_step steps[WEIR_RECENT_STEPS];
};

struct weir_turn {
	uint64_t version, at_ms;
	struct weir_recent_name name;
	enum weir_stand_state from, to;
	const char *turn_class, *reason; /* static; NULL: none */
	bool until_known;
	uint64_t until_ms; /* from then */
};

struct weir_failure_note {
	uint64_t version, at_ms, ms;
	char request_id[WEIR_RECENT_ID_MAX];
	unsigned key, status;
	enum weir_outcome outcome;
	const char *reason;                /* static */
	char words[WEIR_RECENT_WORDS_MAX]; /* "" when there are none */
};

/* Of one target, made with its first failure. */
struct weir_failures {
	uint64_t n; /* so far */
	struct weir_failure_note notes[WEIR_RECENT_FAILURES];
};

struct weir_recent {
	struct weir_metrics *metrics;
	uint64_t version; /* counts all that is noted */
	uint64_t began_ms;
	uint64_t stories_n, plain_n, turns_n; /* so far */
	uint64_t plain_ms;                    /* when the last plain one was kept */
	uint64_t quote_ms;                    /* when words were last looked through */
	uint64_t lost_ms;                     /* when the newest turn that is lost was */
	uint64_t filled, filled_ms;           /* buckets so far; when the last one was */
	struct weir_story stories[WEIR_RECENT_STORIES], plain[WEIR_RECENT_PLAIN];
	struct weir_turn turns[WEIR_RECENT_TURNS];
};

WEIR_MUST_CHECK struct weir_recent *weir_recent_create(struct weir_metrics *metrics,
						       uint64_t now_ms); /* NULL: no memory */
/* Before its metrics. NULL is fine. */
void weir_recent_destroy(struct weir_recent *recent);

/* The clock's part: how all targets stand, and the buckets that are due. */
void weir_recent_look(struct weir_recent *recent, const struct weir_standing *standing);

/* Of whom a story tells. */
struct weir_recent_request {
	struct weir_ledger *ledger;
	const struct weir_chain *chain; /* NULL: other */
	const char *id;
	uint64_t began_ms;
	bool stream;
	uint64_t *story; /* its number, 0 before it has one */
};

/* It goes on from there. attempt: as record's, from 1; 0: not tried. */
void weir_recent_step(struct weir_recent *recent, const struct weir_recent_request *request,
		      const struct weir_record *record, unsigned attempt, const char *step_class);

struct weir_recent_end {
	const struct weir_record *records;
	unsigned records_n;
	enum weir_request_outcome outcome;
	unsigned status;
	bool first_token_known;
	uint64_t first_token_ms, now_ms;
};

void weir_recent_end(struct weir_recent *recent, const struct weir_recent_request *request,
		     const struct weir_recent_end *end);

/* Is it time again to look words through? That costs as much as a body is long. */
bool weir_recent_may_quote(struct weir_recent *recent, uint64_t now_ms);
/* An attempt failed; words: weir's own about it, or the target's without secrets; may be
 * NULL. */
void weir_recent_failure(struct weir_recent *recent, struct weir_ledger *ledger,
			 const struct weir_record *record, const char *request_id,
			 struct weir_slice words, uint64_t now_ms);

/* The JSON of what is newer than since (0: all of it) and the buckets from the buckets-th on.
 * unix_ms: the clock's, now. */
struct weir_recent_since {
	uint64_t version, buckets;
};
WEIR_MUST_CHECK int weir_recent_put(const struct weir_recent *recent,
				    struct weir_recent_since since, uint64_t now_ms,
				    uint64_t unix_ms, struct weir_buf *out);
