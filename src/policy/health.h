/* What is known of the targets across requests, and whether one may be tried now.
 *
 * A target here is a model at a provider with one key; what it shares with others (the
 * key over all models, the model over all keys, the provider, a group that shares its
 * fate) is kept once and pointed to. Everything is fed and asked by the failover machine
 * alone; mechanism only looks. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "policy/breaker.h"
#include "policy/budget.h"
#include "policy/latency.h"
#include "policy/limits.h"
#include "policy/outcome.h"

#define WEIR_NEVER UINT64_MAX

enum { WEIR_GROUPS_MAX = 4, WEIR_GROUP_TRIPPED = 2 };
enum { WEIR_HOLDERS_MAX = 64 }; /* processes that share what is known, each with a number */

/* Set aside until a time, stated by the provider or ours. */
struct weir_bench {
	uint64_t until_ms;
	enum weir_outcome why;
	bool stated;    /* the provider said when; else it is a guess, and anybody may ask again */
	bool asked;     /* a guess is being asked about: one request at a time */
	unsigned asker; /* who does */
	unsigned doublings; /* of guesses in a row */
};

/* A vendor, a region, an account: members that fail together. */
struct weir_group {
	unsigned models_n, tripped_n;
};

struct weir_provider_health {
	unsigned inflight, max_inflight; /* 0: no cap */
};

struct weir_key_health {
	struct weir_bench bench; /* credentials, quota */
	struct weir_limits limits;
};

struct weir_model_health {
	struct weir_provider_health *provider;
	struct weir_group *groups[WEIR_GROUPS_MAX];
	unsigned groups_n;
	struct weir_bench bench; /* unknown there */
	struct weir_budget budget;
	unsigned inflight, max_inflight; /* 0: no cap */
	unsigned targets_n, open_n;      /* keys, and how many of their breakers are not closed */
	bool disabled;                   /* by an operator, with whatever key */
	struct weir_health *targets;     /* one per key, each with the next */
	/* Failures that count, in a row over all keys: of one key alone they say nothing of the
	 * others, of several they speak of the model. */
	unsigned row;
	const struct weir_health *row_of; /* whose the last one was */
	bool row_mixed;
};

struct weir_health {
	struct weir_model_health *model;
	struct weir_health *next; /* the same model with another key; NULL: the last */
	struct weir_key_health *key;
	struct weir_breaker breaker;
	struct weir_bench bench; /* rate limited, overloaded with a stated time */
	struct weir_limits limits;
	struct weir_latency latency[2]; /* of whole answers, of streams */
	bool disabled;                  /* by an operator, with this key alone */
	bool retired;     /* its key is configured no more: it speaks for nobody else */
	unsigned prober;  /* who has the breaker's lease */
	uint32_t *shares; /* of inflight, of each process; NULL: there is but one */
	unsigned inflight;
	uint64_t attempts, failures; /* so far; failures: those that count */
	uint64_t tokens;             /* about what its attempts cost, so far */
	uint64_t learned; /* the newest attempt whose head told of limits, as attempts was then */
};

/* Its parts' init must have been called for what it points to. */
void weir_health_init(struct weir_health *health, struct weir_model_health *model,
		      struct weir_key_health *key);

/* The same in two parts, for one whose model is in use already. */
void weir_health_reset(struct weir_health *health, struct weir_model_health *model,
		       struct weir_key_health *key);
void weir_health_join(struct weir_health *health);
/* A configuration takes the place of another, and what is known stays. The model forgets whom
 * it counts and leaves who counts it; its targets join it anew, and then it joins its groups. A
 * target that does not join is retired: its attempts under way are booked as ever. */
void weir_model_part(struct weir_model_health *model);
void weir_model_join(struct weir_model_health *model, struct weir_group *group);
void weir_health_retire(struct weir_health *health);

/* The first that applies, in this order. */
enum weir_leave {
	WEIR_LEAVE_UNFIT, /* it cannot carry this request; of the plan, not of the target */
	WEIR_LEAVE_DISABLED,
	WEIR_LEAVE_OPEN,
	WEIR_LEAVE_BENCHED, /* or known to be exhausted */
	WEIR_LEAVE_AT_CAP,
	/* From here on it could be tried, but something better may be at hand. */
	WEIR_LEAVE_HEARD,    /* another weir says that it is down */
	WEIR_LEAVE_GROUP,    /* others that share its fate are down */
	WEIR_LEAVE_DRIFTING, /* much slower than it was */
	WEIR_LEAVE_SHORT,    /* fewer tokens are left than it may cost */
	WEIR_LEAVE_TOO_SLOW, /* usually slower than the time that is left */
	WEIR_LEAVE_RAMPING,  /* just back: not this request */
	/* These are in order. */
	WEIR_LEAVE_PROBE,
	WEIR_LEAVE_YES,
	WEIR_LEAVE_N
};

/* As in logs: "not_here", "open", "benched", "at_cap", "slow"; NULL when it is in order. */
const char *weir_leave_class(enum weir_leave leave);
/* Finer: "breaker_open", "group_down"… */
const char *weir_leave_reason(enum weir_leave leave);

/* Who asks. */
struct weir_asking {
	uint64_t now_ms;
	uint64_t left_ms;       /* until an attempt would have to have answered */
	uint64_t tokens;        /* about how many the request costs */
	unsigned drift_percent; /* 0: slowness alone sets nobody aside */
	unsigned roll;          /* 0…99, for the ramp */
	unsigned holder;        /* which process */
	bool stream;
};

struct weir_answer_to {
	enum weir_leave leave;
	/* OPEN, BENCHED: */
	uint64_t return_ms;    /* when it is thought to return; WEIR_NEVER: unknown */
	bool stated;           /* BENCHED: the provider said so, or we count ourselves */
	bool asked;            /* BENCHED on a guess: somebody is asking already */
	enum weir_outcome why; /* BENCHED */
};

struct weir_answer_to weir_health_ask(const struct weir_health *health,
				      const struct weir_asking *asking);

/* Nobody else is left: may this open one be probed before its time? Once a second, and one
 * key at a time while all of them are open. */
bool weir_health_may_trickle(const struct weir_health *health, uint64_t now_ms);

/* One attempt's hold on what it uses, from its beginning to its end. */
struct weir_pass {
	struct weir_health *health; /* NULL: ended, or none */
	struct weir_breaker_ticket ticket;
	struct weir_bench *asks; /* the guess it asks about; NULL: none */
	uint64_t began_ms;
	uint64_t attempts, tokens; /* the target's when it began, itself included */
	unsigned holder;
	bool stream;
};

/* Against its leave, too: BENCHED asks about the guess, OPEN is a probe before its time. */
void weir_health_begin(struct weir_health *health, const struct weir_asking *asking,
		       struct weir_pass *pass);
/* First content. */
void weir_health_commit(struct weir_pass *pass, uint64_t now_ms);
/* What the answer's head said of limits; at any time between begin and end. Said again at
 * the end of a long answer, or by a request that began before another that has told, it is
 * old and counts no more. What was sent after it began is taken off: the provider had not
 * counted that yet. */
void weir_health_learn(struct weir_pass *pass, const struct weir_limits_news *news,
		       uint64_t now_ms);

struct weir_ending {
	enum weir_outcome outcome;
	uint64_t now_ms;
	bool model_unknown; /* not_here: nobody knows the model there, whoever asks */
	bool model_refused; /* credentials: the key is good, but not for this model */
	bool never_fits;    /* rate_limited: this request alone is too large */
	bool stated;        /* it said when to come back */
	uint64_t after_ms;
};

/* Books what became of it; the pass is empty afterwards. */
void weir_health_end(struct weir_pass *pass, const struct weir_ending *ending,
		     struct weir_rng *rng);

/* Another weir's breaker of the same target has opened, or has closed. */
void weir_health_hear(struct weir_health *health, bool open, uint64_t now_ms, struct weir_rng *rng);

/* That process is gone, and its attempts with it, whatever would have become of them. */
void weir_health_forfeit(struct weir_health *health, unsigned holder);
/* A process was killed in the middle of any of the above: what can be reckoned from something else
 * is reckoned anew, and what must not be both is not. Then join. */
void weir_model_mend(struct weir_model_health *model);
void weir_health_mend(struct weir_health *health);
