/* One call to one target with one key: takes a connection, sends, reads the answer into
 * an exchange, and reports. Sending and receiving go on side by side, because an answer
 * can outrun its request. */
#pragma once

#include "base/list.h"
#include "config/config.h"
#include "core/body.h"
#include "core/gateway.h"
#include "dialect/exchange.h"
#include "net/pool.h"

enum { WEIR_ATTEMPT_DRAIN_MS = 1000 };

struct weir_attempt;

struct weir_attempt_events {
	/* The connection stands (with TLS: is verified). */
	void (*on_connected)(struct weir_attempt *attempt);
	/* The connection was stale: another is being opened in its place. */
	void (*on_replaced)(struct weir_attempt *attempt);
	/* The exchange went on: look at its state and take its bytes. May release. */
	void (*on_news)(struct weir_attempt *attempt);
	/* No connection could be had: see verdict and text. May release. */
	void (*on_unreachable)(struct weir_attempt *attempt);
};

/* What to send where. Everything but the body's bytes is copied; they must stay until the
 * attempt is released, or weir_attempt_sent(). */
struct weir_attempt_order {
	const struct weir_target *target;
	struct weir_origin *origin; /* its provider's; lives as long as leases of it */
	unsigned key;
	unsigned number;                   /* in the request, from 0 */
	enum weir_route route;             /* of the target */
	const struct weir_dialect *caller; /* who may speak another than the target */
	const struct weir_body *body;
	struct weir_body_edit *edit;
	const struct weir_model_facts *facts; /* of the target, with what it has said itself */
	const struct weir_lessons *lessons;
	struct weir_adapted *adapted; /* taken over in every case; NULL: as it came */
	struct weir_slice request_id;
	struct weir_slice fields;     /* finished header lines */
	const char *traceparent;      /* NULL: it is not told */
	struct weir_seam *seam;       /* of a stream that may go on elsewhere; NULL: none */
	struct weir_prefix *prefixes; /* the target's, in its snapshot; NULL: it has none */
};

struct weir_attempt_foreign;

struct weir_attempt {
	struct weir_list node; /* gateway->attempts */
	struct weir_gateway *gateway;
	uint64_t unix_ahead_ms; /* the wall clock's time less the gateway's, when it began */
	const struct weir_attempt_events *events;
	void *user;
	unsigned number;
	struct weir_lease lease;
	struct weir_verdict verdict; /* on_unreachable */
	char text[160];              /* on_unreachable: for the log */
	struct weir_buf head;        /* with what is added to the body behind it */
	struct weir_attempt_foreign
		*foreign;             /* the body in the target's dialect; NULL: as it came */
	struct weir_adapted *adapted; /* what was changed of it; NULL: nothing */
	struct weir_slice *pieces;    /* the head, then the body; NULL once forgotten */
	size_t pieces_n, pieces_sent, piece_sent;
	bool replaced; /* a stale pooled connection was replaced once already */
	bool drains;   /* released; the connection waits for the end of the message */
	struct weir_exchange exchange; /* last: it clears itself */
};

/* NULL: out of memory. Callbacks never come inside this call. */
WEIR_MUST_CHECK struct weir_attempt *weir_attempt_open(struct weir_gateway *gateway,
						       const struct weir_attempt_order *order,
						       const struct weir_attempt_events *events,
						       void *user);

/* No callback any more. A connection whose message is complete goes back to the pool, one
 * that is about to be is waited for a moment, any other is closed at once. */
void weir_attempt_release(struct weir_attempt *attempt);

/* Has the whole request left? Then the body is not needed for this attempt any more. */
bool weir_attempt_sent(const struct weir_attempt *attempt);

/* Its answer is being shown: frees what was sent, which is needed no more. False: not all of it
 * has left yet. */
bool weir_attempt_forget(struct weir_attempt *attempt);

/* Did it refuse what weir had added to the caller's body? */
bool weir_attempt_added(const struct weir_attempt *attempt);
/* What the target did not get. */
const struct weir_drops *weir_attempt_drops(const struct weir_attempt *attempt);

/* Back-pressure towards the provider. */
void weir_attempt_hold(struct weir_attempt *attempt);
void weir_attempt_resume(struct weir_attempt *attempt);

/* attempt_foreign.c: a body written anew for a target that does not speak the caller's dialect.
 * 0, WEIR_ENOMEM, WEIR_ELIMIT. */
WEIR_MUST_CHECK int weir_attempt_foreign_make(struct weir_attempt *attempt,
					      const struct weir_attempt_order *order);
void weir_attempt_foreign_free(struct weir_attempt_foreign *foreign); /* NULL is fine */
struct weir_slice weir_attempt_foreign_body(const struct weir_attempt_foreign *foreign);
void weir_attempt_foreign_forget(struct weir_attempt_foreign *foreign); /* the body */
/* Would it be written otherwise by who knows that? */
bool weir_attempt_foreign_heeds(const struct weir_attempt_foreign *foreign,
				const struct weir_lesson *lesson);
const struct weir_drops *weir_attempt_foreign_drops(const struct weir_attempt_foreign *foreign);
