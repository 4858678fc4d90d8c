/* Simulated providers: how fast they answer, how much they take, and what goes wrong with
 * them when. They know nothing of who calls. */
#pragma once

#include "base/list.h"
#include "policy/failover.h"
#include "sim/traffic_agenda.h"
#include "sim/traffic_chance.h"

enum { WEIR_SITE_KEYS_MAX = 64, WEIR_RATE_EVERY_MS = 1000 };

#define WEIR_ANY UINT32_MAX

/* Of one attempt in the past, for a site that repeats them. */
struct weir_recorded {
	uint64_t at_ms;   /* when it began, on the clock of the run */
	uint64_t ms;      /* until its first content, or until it failed */
	uint64_t rest_ms; /* from then to the end */
	enum weir_outcome outcome;
};

/* Sorted by at_ms. */
struct weir_series {
	const struct weir_recorded *list;
	size_t n;
};

/* A provider, or one of its models: what its calls share. */
struct weir_site {
	const char *name;
	unsigned capacity; /* calls at once; 0: any number */
	unsigned queue;    /* calls that may wait for room; more get 503 */
	uint64_t connect_ms;
	uint64_t error_ms;          /* how long it takes to say no */
	struct weir_spread first;   /* milliseconds until the first token */
	unsigned tokens_per_s;      /* from then on; 0: all at once */
	struct weir_series past[2]; /* of whole answers, of streams; given, they are repeated */
};

enum weir_fault_kind {
	WEIR_FAULT_DEAD,      /* refuses connections */
	WEIR_FAULT_BLACKHOLE, /* connections never come about */
	WEIR_FAULT_HANG,      /* connects, then nothing */
	WEIR_FAULT_STATUS,    /* answers with status */
	WEIR_FAULT_BROWNOUT,  /* a share succeeds, the rest gets status */
	WEIR_FAULT_RATE_LIMITED,
	WEIR_FAULT_SLOW,     /* times as slow */
	WEIR_FAULT_CUT,      /* a share of the answers ends before their end */
	WEIR_FAULT_CAPACITY, /* another one than usual */
	WEIR_FAULT_FLAPPING, /* up, then down (dead), and again */
	WEIR_FAULT_N
};

struct weir_fault {
	const char *name; /* of who has it, for people */
	const char *what; /* it is, likewise */
	enum weir_fault_kind kind;
	uint32_t site;
	uint32_t target; /* WEIR_ANY: all there */
	uint32_t key;    /* likewise */
	uint64_t from_ms, to_ms;
	uint32_t share_ppm;              /* BROWNOUT: served; CUT: cut */
	unsigned status;                 /* STATUS, BROWNOUT */
	unsigned percent;                /* SLOW: 1000 for ten times as slow */
	unsigned capacity;               /* CAPACITY */
	uint64_t up_ms, down_ms;         /* FLAPPING */
	uint64_t most, window_ms;        /* RATE_LIMITED: so many in each window, per key */
	bool says_when;                  /* its 429 and 503 carry retry-after */
	bool says_left;                  /* its answers carry x-ratelimit-* */
	const struct weir_event *answer; /* STATUS: this result, instead; NULL: by its status */
};

const char *weir_fault_name(enum weir_fault_kind kind);
/* Is it this fault that such a call meets? */
bool weir_fault_meets(const struct weir_fault *fault, uint32_t site, uint32_t target, uint32_t key,
		      uint64_t at_ms);

enum weir_call_phase {
	WEIR_CALL_IDLE,
	WEIR_CALL_SILENT, /* nothing will come */
	WEIR_CALL_CONNECTING,
	WEIR_CALL_FAILING, /* its end is on the way */
	WEIR_CALL_IN_LINE, /* waits for room */
	WEIR_CALL_SERVED,  /* no content yet */
	WEIR_CALL_FLOWING
};

/* One upstream call. Zeroed, it is idle. */
struct weir_call {
	/* Set by who makes it. */
	void (*on_news)(struct weir_call *call, struct weir_event *news); /* may end the call */
	void *owner;
	uint32_t site, target, key;
	unsigned attempt;
	bool stream;
	uint64_t tokens_in, tokens_out; /* of its whole answer */

	/* The site's. */
	struct weir_sites *at;
	struct weir_tick tick;
	struct weir_list node; /* in line */
	enum weir_call_phase phase;
	bool has_room, cut;
	uint64_t began_ms, first_ms, end_ms;
	struct weir_event end;
};

struct weir_site_state {
	unsigned inflight, waiting;
	struct weir_list line;
};

struct weir_fault_state {
	uint64_t window; /* the running one */
	uint64_t used[WEIR_SITE_KEYS_MAX];
};

struct weir_sites {
	struct weir_agenda *agenda;
	struct weir_rng rng;
	const struct weir_site *sites;
	const struct weir_fault *faults;
	unsigned sites_n, faults_n;
	struct weir_site_state *states;
	struct weir_fault_state *fault_states;
};

/* 0 or WEIR_ENOMEM. sites and faults must outlive it. */
WEIR_MUST_CHECK int weir_sites_init(struct weir_sites *at, struct weir_agenda *agenda,
				    uint64_t seed);
void weir_sites_fini(struct weir_sites *at);

/* Says CONNECTED, COMMIT, PROGRESS and RESULT, later. The agenda needs room for it. */
void weir_call_begin(struct weir_sites *at, struct weir_call *call);
/* Nothing more is said. Idle is fine. */
void weir_call_cancel(struct weir_call *call);
/* Tokens that came out of it by now. */
uint64_t weir_call_tokens(const struct weir_call *call, uint64_t now_ms);
