/* The request's inside, shared by request.c (what happens) and answer.c (what is told). */
#pragma once

#include "core/attempt.h"
#include "core/body.h"
#include "core/gateway.h"
#include "core/plan.h"
#include "core/report.h"
#include "core/request.h"

enum { WEIR_RECORDS_FEW = 5 }; /* of a chain's four attempts, and one: most need no more */

struct weir_request {
	struct weir_list node; /* gateway->requests */
	struct weir_gateway *gateway;
	struct weir_snapshot *snapshot;   /* the one it began with; a reference */
	struct weir_config *config;       /* of the snapshot */
	struct weir_claim claim;          /* of its caller's limits */
	const struct weir_caller *caller; /* likewise; NULL: nobody that is known */
	const struct weir_request_events *events;
	void *user;
	uv_timer_t timer;
	uint64_t armed_ms; /* when the timer will fire; WEIR_NEVER: it is stopped */

	char id[WEIR_REQUEST_ID_MAX];
	char peer[WEIR_PEER_MAX]; /* "": not to be told */
	enum weir_route route;
	struct weir_body body;
	uint64_t body_held;     /* of it, among all bodies */
	struct weir_buf fields; /* for the provider… */
	size_t common_len;      /* …of another dialect: only so much */
	struct weir_route_plan route_plan;
	struct weir_failover failover;
	struct weir_attempt *attempt; /* in flight, or NULL */
	struct weir_attempt *rival;   /* a second one beside it, or NULL */
	struct weir_seam seam;        /* plan.resume: what the caller was shown */
	struct weir_list waiting;     /* gateway->waiting, for room at a target */
	unsigned server;              /* committed: the attempt that is shown */
	unsigned left;                /* the attempt that ended last, by itself */
	struct weir_lessons *lessons; /* of this step's target; NULL: none */
	struct weir_trace *trace;     /* what will be told in spans; NULL: nothing */

	/* The provider's own answer that may become the caller's, or weir's refusal. */
	struct weir_buf own;
	unsigned own_status;
	char own_type[128];
	const struct weir_target *own_target;

	uint64_t began_ms, began_ns; /* uv_now, uv_hrtime */
	uint64_t waited_ns;          /* spent waiting for providers, or on purpose */
	uint64_t pause_ns;           /* when the present waiting began; 0: not waiting */
	uint64_t first_token_ns;     /* since began_ns, once committed */
	struct weir_usage usage;     /* of the attempt that is shown */
	uint64_t shown;              /* bytes of it */
	bool usage_known;
	uint64_t cost_nano; /* once that attempt is done; WEIR_PRICE_UNKNOWN */

	bool opening;          /* inside weir_request_open(): nothing may be told yet */
	bool refused;          /* before any call */
	bool held;             /* the caller reads slower than the provider writes */
	bool muted;            /* and wants to hear nothing meanwhile */
	bool owes;             /* the end was told in part: the owner has paused in it */
	bool head_due;         /* committed, on_answer not yet called */
	bool early;            /* the head was told before there was an answer */
	uint64_t early_due_ms; /* when a sign of life is due; WEIR_NEVER: none is */
	bool committed;        /* the provider's answer is being shown */
	bool told_own;         /* the answer was the provider's own, or weir's refusal */
	bool answered;         /* on_answer was called */
	bool whole;            /* everything was told */
	bool hung_up;
	bool hangup_due; /* asked for inside on_notice */
	bool over;       /* nothing more will happen but on_done */
	bool deferred;   /* finish waits for the timer, or for the release */
	struct weir_action finish;
	enum weir_request_outcome outcome;

	uint64_t story; /* its number in gateway->recent; 0: nothing worth telling yet */

	struct weir_record *records; /* room for as many as max_attempts, and one */
	unsigned records_n, records_cap;
	struct weir_record few[WEIR_RECORDS_FEW]; /* last: not cleared */
};

uint64_t weir_request_now_ms(const struct weir_request *r);
/* Reports an event that has nothing to add, and obeys. */
void weir_request_report(struct weir_request *r, enum weir_event_type type);
/* Reports, and obeys. */
void weir_request_step(struct weir_request *r, const struct weir_event *event);
struct weir_event weir_request_event(const struct weir_request *r, enum weir_event_type type);
/* What a spot of the plan means here. */
const struct weir_target *weir_request_target(const struct weir_request *r, struct weir_spot spot,
					      unsigned *key);

/* Starts what the machine decided, beside the one in flight or in its place. */
void weir_request_begin(struct weir_request *r, const struct weir_action *action);
/* This attempt is over, with this; NULL: the one in flight, if any. */
void weir_request_close_record(struct weir_request *r, unsigned attempt, enum weir_outcome outcome,
			       const char *reason);
/* All attempts but this one are cancelled; WEIR_ATTEMPTS_MAX: all. */
void weir_request_keep_only(struct weir_request *r, unsigned attempt);
/* request_fit.c: what of a request is changed for a target. */
struct weir_request_fit {
	struct weir_lessons known;
	struct weir_model_facts facts;
};
/* Fills the order's facts, lessons and adapted; they point into fit. 0 or
 * WEIR_ENOMEM. */
WEIR_MUST_CHECK int weir_request_fit(struct weir_request *r, const struct weir_action *action,
				     struct weir_attempt_order *order,
				     struct weir_request_fit *fit);
/* From a refusal of this attempt. True: the request can be sent once more, changed. */
bool weir_request_learn(struct weir_request *r, const struct weir_attempt *attempt);
/* This attempt was answered: what was learned for it is true. */
void weir_request_remember(struct weir_request *r, const struct weir_attempt *attempt);
/* Is the field known to be refused there? */
bool weir_request_refused(const struct weir_request *r, const struct weir_target *target,
			  struct weir_slice field);
/* What a target refused in this request is its own matter. */
void weir_request_forget_lessons(struct weir_request *r);
/* Can the stream that is shown go on at another target? */
bool weir_request_can_resume(const struct weir_request *r);
/* request_claim.c: claim.books is there, and the books are closed. */
void weir_request_settle_claim(struct weir_request *r);
/* request_trace.c: nothing, where there is nobody to be told. */
void weir_request_trace_begin(struct weir_request *r, const struct weir_trace_context *parent);
void weir_request_trace_attempt(struct weir_request *r, unsigned attempt);
/* It is under way: what it hears is noted, too. */
void weir_request_trace_listen(struct weir_request *r, struct weir_attempt *attempt);
void weir_request_trace_first(struct weir_request *r, unsigned attempt); /* worth showing */
/* x: what came, NULL: nothing. */
void weir_request_trace_attempt_end(struct weir_request *r, unsigned attempt,
				    const struct weir_exchange *x);
void weir_request_trace_move(struct weir_request *r, const struct weir_move *move);
/* The books are closed: all of it is told. */
void weir_request_trace_end(struct weir_request *r);
void weir_request_trace_free(struct weir_request *r);
/* False: it is not traced. */
bool weir_request_trace_id(const struct weir_request *r, char out[WEIR_TRACE_ID_DIGITS + 1]);
/* For the provider of that attempt; NULL: it is not told. */
const char *weir_request_traceparent(const struct weir_request *r, unsigned attempt,
				     char out[WEIR_TRACEPARENT_LEN + 1]);

/* What waits for the provider is not our time. */
void weir_request_idle_begin(struct weir_request *r);
void weir_request_idle_end(struct weir_request *r);
/* Every move to another target is told, also past those that were not tried, and so is a
 * retry. The attempt that is left has ended. */
void weir_request_tell_moves(struct weir_request *r, const struct weir_action *action);
/* A second attempt is begun beside the first: no move yet. */
void weir_request_tell_hedge(struct weir_request *r, const struct weir_action *action);
/* Of two attempts the second is gone on with: a move like any other. */
void weir_request_tell_overtaken(struct weir_request *r);

/* request_recent.c: what is kept of it for who looks later. attempt: from 1; 0: not tried. */
void weir_request_note_move(struct weir_request *r, const struct weir_record *from,
			    unsigned attempt, const char *move_class);
/* attempt: NULL when it could not even be begun. */
void weir_request_note_failure(struct weir_request *r, const struct weir_record *record,
			       const struct weir_attempt *attempt);
void weir_request_note_end(struct weir_request *r, unsigned status);

void weir_request_finish(struct weir_request *r, const struct weir_action *action);
/* The timer fires in the next turn: what waits for it is told. */
void weir_request_soon(struct weir_request *r);
/* The body is needed no more. */
void weir_request_release_body(struct weir_request *request);
/* The books are closed; on_done follows from the loop. */
void weir_request_end(struct weir_request *r, enum weir_request_outcome outcome);

/* Still nothing to show: a head and a comment, or one more comment. */
void weir_answer_keepalive(struct weir_request *r);
/* Tells the provider's answer: its head if still due, and what the exchange has let out. */
void weir_answer_relay(struct weir_request *r, bool ended);
/* Has a muted owner something coming from a relay that goes on? */
bool weir_answer_pending(const struct weir_request *r);
/* Tells what finish decided. */
void weir_answer_finish(struct weir_request *r, const struct weir_action *finish);
/* Makes a complaint the request's own answer. 0 or WEIR_ENOMEM. */
WEIR_MUST_CHECK int weir_answer_complain(struct weir_request *r,
					 const struct weir_complaint *complaint);
/* Of an answer that is weir's own. */
unsigned weir_answer_status(const struct weir_request *r, enum weir_final final);
/* The status as the caller saw it: an early head is out before anybody knows. */
unsigned weir_answer_seen(const struct weir_request *r);
/* Makes an estimate of a prompt's tokens the request's own answer. 0 or WEIR_ENOMEM. */
WEIR_MUST_CHECK int weir_answer_estimate(struct weir_request *r);
/* event=request, and the books. Once. */
void weir_answer_account(struct weir_request *r);
