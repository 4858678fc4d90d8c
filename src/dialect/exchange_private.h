/* What the three parts of an exchange share:
 *
 *	exchange.c         feed, the end of the message, the only setters of state
 *	exchange_head.c    what the head says
 *	exchange_body.c    whole answers and error bodies
 *	exchange_events.c  streams
 *	exchange_seam.c    streams that may go on elsewhere, or come from elsewhere
 *	exchange_foreign.c answers for a caller of another dialect
 *	exchange_usage.c   tokens: counted, and hidden from who did not ask
 */
#pragma once

#include "dialect/exchange.h"

/* The three ways on. Each state is entered once; what comes later is ignored. */
void weir_exchange_commit(struct weir_exchange *x);
void weir_exchange_done(struct weir_exchange *x);
/* Before commit this empties out. reason: static. */
void weir_exchange_fail(struct weir_exchange *x, enum weir_outcome outcome, const char *reason);
/* Out of memory, or of a bound of ours. */
void weir_exchange_fail_local(struct weir_exchange *x);
/* With the provider's own words; out stays as it is, its type is content_type. */
void weir_exchange_fail_as(struct weir_exchange *x, struct weir_verdict verdict,
			   const struct weir_reading *reading);
/* An error inside a 200: never the caller's fault. */
void weir_exchange_fail_in_200(struct weir_exchange *x, const struct weir_reading *reading,
			       bool in_stream);
/* Appends to out; false: failed locally. */
bool weir_exchange_put(struct weir_exchange *x, struct weir_slice bytes);

static inline bool weir_exchange_over(const struct weir_exchange *x)
{
	return x->state == WEIR_EXCHANGE_DONE || x->state == WEIR_EXCHANGE_FAILED;
}

/* The caller may get to see such an answer, so it must be whole. */
static inline bool weir_exchange_is_own(enum weir_outcome outcome)
{
	return outcome == WEIR_OUT_CALLER || outcome == WEIR_OUT_NOT_HERE ||
	       outcome == WEIR_OUT_REPAIRABLE;
}

/* How many bytes before what is no JSON white space. */
static inline size_t weir_exchange_blanks(struct weir_slice s)
{
	size_t i = 0;

	while (i < s.len &&
	       (s.base[i] == ' ' || s.base[i] == '\t' || s.base[i] == '\r' || s.base[i] == '\n'))
		i++;
	return i;
}

/* A reading has counted tokens, or has not. */
void weir_exchange_count(struct weir_exchange *x, const struct weir_reading *reading);
/* data: what was read, valid JSON. */
void weir_exchange_name_model(struct weir_exchange *x, struct weir_slice data);
/* Leaves out of an event what its caller did not ask for (x->unasked); *event may then stand in
 * x->shown. False: nothing of it is to be shown, or it failed locally. */
bool weir_exchange_hide_usage(struct weir_exchange *x, const struct weir_reading *reading,
			      struct weir_sse_event *event);

/* Chooses the mode, or fails. */
void weir_exchange_read_head(struct weir_exchange *x, const struct weir_http_head *head);
/* Fills *hints from the head's fields. */
void weir_exchange_read_hints(const struct weir_exchange *x, struct weir_retry_hints *hints);
void weir_exchange_set_type(struct weir_exchange *x, struct weir_slice type, const char *otherwise);

void weir_exchange_take_body(struct weir_exchange *x, struct weir_slice bytes);
void weir_exchange_end_body(struct weir_exchange *x);
void weir_exchange_take_relay(struct weir_exchange *x, struct weir_slice bytes);
void weir_exchange_end_relay(struct weir_exchange *x);
void weir_exchange_take_error(struct weir_exchange *x, struct weir_slice bytes);
/* cut: why the body is not all there; NULL: it is. */
void weir_exchange_end_error(struct weir_exchange *x, const struct weir_verdict *cut);

static inline bool weir_exchange_resumes(const struct weir_exchange *x)
{
	return x->seam && weir_seam_resumes(x->seam);
}

/* A LF may follow the CR that ends it, and is to go with it. */
static inline bool weir_exchange_ends_with_cr(struct weir_slice raw)
{
	return raw.base[raw.len - 1] == '\r';
}

/* An event was let out: keeps what another target would need to go on from it. */
void weir_exchange_note(struct weir_exchange *x, struct weir_slice data);
/* An event of a stream that goes on with another's. */
void weir_exchange_take_resumed(struct weir_exchange *x, const struct weir_sse_event *event);
/* Its [DONE], before anything of it was let out. */
void weir_exchange_end_resumed(struct weir_exchange *x);

weir_sse_on_event weir_exchange_on_event;
weir_sse_skip weir_exchange_skip;
void weir_exchange_take_events(struct weir_exchange *x, struct weir_slice bytes);
void weir_exchange_end_events(struct weir_exchange *x);

/* A caller of another dialect (x->foreign). All return false once they have failed locally. */
bool weir_exchange_tell(struct weir_exchange *x, struct weir_slice data);
/* Was the event that was told last nothing but these words of its data, which changed nothing of
 * how the next will be told? */
bool weir_exchange_told_words(const struct weir_exchange *x, struct weir_slice words);
void weir_exchange_tell_ping(struct weir_exchange *x);
/* The end of a stream; done. */
void weir_exchange_tell_end(struct weir_exchange *x);
/* out is a whole good answer; becomes what the caller asked for, done. */
void weir_exchange_tell_body(struct weir_exchange *x);
bool weir_exchange_tell_error(struct weir_exchange *x, const struct weir_reading *reading);
/* out becomes the provider's refusal in the caller's words. */
bool weir_exchange_tell_refusal(struct weir_exchange *x, struct weir_verdict verdict,
				const struct weir_reading *reading);
void weir_exchange_foreign_fini(struct weir_exchange *x);
