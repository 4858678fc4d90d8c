/* One request on its way down the chain: asks the failover machine what to do, does it,
 * and reports what happened. Knows nothing of the caller's connection: its front (an HTTP
 * client, or an embedding program) gets a head, bytes and an end. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"
#include "base/list.h"
#include "config/config.h"
#include "core/callers.h"
#include "core/metrics.h"
#include "core/portkey.h"
#include "dialect/exchange.h"
#include "policy/failover.h"
#include "trace/context.h"

struct weir_gateway;
struct weir_snapshot;
struct weir_request;
struct weir_attempt;

enum { WEIR_ANSWER_HEAD_MAX = 16 * 1024 };

/* The head of the answer. Slices and texts are valid during on_answer. */
struct weir_answer {
	unsigned status;
	const char *content_type;
	bool stream;     /* relayed as it comes: no length is known */
	bool has_length; /* the whole body will be content_length bytes */
	uint64_t content_length;
	const char *target; /* provider/model that serves; NULL: nobody, weir's own error */
	struct weir_slice
		fields; /* finished header lines ("x-weir-trail: …\r\n"…), no blank line */
};

struct weir_request_events {
	/* At most once. first: the bytes that go with the head; ended: there are no more. False:
	 * the owner has muted the request before it took first, and on_bytes shall bring it. */
	bool (*on_answer)(struct weir_request *request, const struct weir_answer *answer,
			  struct weir_slice first, bool ended);
	/* More of the body; ended: these were the last, and the answer is whole. */
	void (*on_bytes)(struct weir_request *request, struct weir_slice bytes, bool ended);
	/* The end, exactly once and last; the request is freed after it. whole: on_answer or
	 * on_bytes has said ended. Otherwise it was cut after its head (the connection must
	 * end short, never cleanly), or cancelled. */
	void (*on_done)(struct weir_request *request, bool whole);
};

/* What the caller sent along, beside the body. */
struct weir_request_input {
	struct weir_snapshot *snapshot;   /* the configuration it goes by; taken over, as below */
	const struct weir_caller *caller; /* of that configuration; NULL: nobody that is known */
	struct weir_claim claim;          /* what it has taken of its caller's limits; taken over */
	enum weir_route route;
	struct weir_buf body; /* taken over, also on failure */
	uint64_t held;        /* as much of it is counted among all bodies */
	uint64_t deadline_ms; /* the caller's own; 0: none */
	bool no_fallback;     /* x-weir-fallback: off */
	const char *only;     /* the chain's target that alone is asked; NULL: all of it */
	bool own_fallbacks;   /* the body's `fallbacks` are the provider's affair */
	bool repeated;        /* the caller's SDK has tried before: no retries of ours on top */
	struct weir_trace_context parent; /* the caller's span; its id 0: none that is known */
	uint64_t affinity[WEIR_AFFINITY_HEADERS_MAX]; /* of the fields it may hang on; 0: none */
	struct weir_buf fields;      /* finished header lines for the provider, from the allow-list;
	                            taken over, also on failure */
	size_t common_len;           /* of them, the first: for a provider of whatever dialect */
	char peer[WEIR_PEER_MAX];    /* where it comes from; "": nobody wants to know */
	struct weir_portkey portkey; /* empty unless it is understood; taken over likewise */
};

/* 0 and *request: callbacks will come, none inside this call. WEIR_ENOMEM: nothing will.
 * Bad input (not JSON, unknown model…) is no failure here: its answer comes by on_answer. */
WEIR_MUST_CHECK int weir_request_open(struct weir_request **request, struct weir_gateway *gateway,
				      struct weir_request_input *input,
				      const struct weir_request_events *events, void *user);

/* The route of a path; false when a chain cannot serve it. */
bool weir_request_route(struct weir_slice path, enum weir_route *route);
const char *weir_request_path(enum weir_route route);

/* The caller left: cancels the attempt at once (inside on_notice, where the request is in the
 * middle of something, in the next turn); on_done comes later. */
void weir_request_hangup(struct weir_request *request);

/* The clock has leapt: what is due happens in the next turn. */
void weir_request_wake(struct weir_request *request);

/* The owner goes away and hears nothing any more. Does not hang up. */
void weir_request_disown(struct weir_request *request);

/* Back-pressure: the provider is not read until released. mute: nor is anything told, the
 * end of a hung-up request excepted. */
void weir_request_hold(struct weir_request *request, bool mute);
void weir_request_release(struct weir_request *request);
/* Does the owner take bytes now: neither muted nor gone? */
bool weir_request_listens(const struct weir_request *request);

/* For one in the gateway's list of those who wait: a target may have room again. */
void weir_request_report_room(struct weir_list *waiting);
/* From its node in the gateway's list. */
struct weir_request *weir_request_of(struct weir_list *node);
void *weir_request_owner(const struct weir_request *request); /* the user of _open */
/* The trail so far; appended to out. */
WEIR_MUST_CHECK int weir_request_trail(const struct weir_request *request, struct weir_buf *out);
