/* The caller's body: scanned once, kept as it came, and given to each target with only
 * what concerns weir changed. Nothing is re-encoded. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "core/complaint.h"
#include "dialect/adapt.h"
#include "dialect/chat.h"
#include "dialect/dialect.h"
#include "wire/json.h"

enum {
	WEIR_BODY_MEMBERS_MAX = 1024, /* top-level fields */
	WEIR_FALLBACKS_MAX = 15,      /* named by one request */
	WEIR_RETRIES_WISH_MAX = 31,
	WEIR_MODEL_NAME_MAX = 256
};

/* How a body is to be read. */
enum {
	WEIR_BODY_OWN_FALLBACKS = 1, /* the field `fallbacks` is the provider's, and goes there */
	WEIR_BODY_LITELLM = 2,       /* LiteLLM's fields are weir's… */
	WEIR_BODY_METADATA = 4       /* …but for `metadata` */
};

/* The fields weir reads or routes on: once each, or two readers could disagree. */
enum weir_body_field {
	WEIR_BODY_MODEL,
	WEIR_BODY_STREAM,
	WEIR_BODY_MESSAGES,
	WEIR_BODY_FALLBACKS,
	WEIR_BODY_TIMEOUT,
	WEIR_BODY_RETRIES,
	WEIR_BODY_FIELDS_N
};

struct weir_fallback {
	char *name;
	char where[64];              /* it stands in the request: "fallbacks[0]" */
	struct weir_slice overrides; /* an object's text, into body or extra; base NULL: none */
	uint64_t timeout_ms;         /* of its own; 0: the request's */
	int retries;                 /* of its own; -1: the request's */
};

struct weir_body {
	struct weir_buf bytes;
	struct weir_json_member *members; /* top-level, in order */
	unsigned members_n, members_cap;
	unsigned places[WEIR_BODY_FIELDS_N]; /* among them, from 1; 0: it is not there */

	/* What the caller wishes. */
	char *model;
	bool stream;
	bool timeout_set, retries_set, fallbacks_set;
	bool no_fallback; /* the first step is the only one */
	bool skip_first;  /* the first step is gone past, for a test */
	bool led;         /* the fallbacks stand for the whole chain: the first leads it */
	unsigned how;     /* WEIR_BODY_… */
	uint64_t timeout_ms;
	unsigned retries;
	struct weir_fallback *fallbacks; /* at most WEIR_FALLBACKS_MAX, and one that leads */
	unsigned fallbacks_n;
	struct weir_buf extra;      /* what their overrides say that is not of the body */
	struct weir_drops *ignored; /* what was asked of weir, and is not heeded; NULL: nothing */
};

/* 0; WEIR_ECONFIG and *complaint when the caller has to change something; WEIR_ENOMEM.
 * bytes are taken over in every case; the body is fit for _fini in every case. */
WEIR_MUST_CHECK int weir_body_read(struct weir_body *body, struct weir_buf *bytes,
				   struct weir_complaint *complaint);
/* The same; how: WEIR_BODY_… */
WEIR_MUST_CHECK int weir_body_read_as(struct weir_body *body, struct weir_buf *bytes, unsigned how,
				      struct weir_complaint *complaint);
/* Frees the bytes and what points into them; the wishes stay. */
void weir_body_release(struct weir_body *body);
void weir_body_fini(struct weir_body *body);

/* What a caller was shown of an answer that another target shall go on with. */
struct weir_body_resume {
	struct weir_slice text;
	bool prefill;             /* the text ends the messages; else a turn asks to go on */
	const char *prefill_flag; /* set to true beside a prefill: "prefix"; NULL: none */
};

/* How one target wants it. */
struct weir_body_edit {
	const char *model;                     /* replaces the caller's */
	struct weir_slice overrides;           /* object text, or base NULL */
	const struct weir_adapted *adapted;    /* to what its target takes; NULL: as it came */
	const struct weir_body_resume *resume; /* added to the messages; NULL: nothing */
	const struct weir_usage_wish *wish;    /* the stream shall be counted; NULL: as it is */
};

/* The pieces of the body so edited, in order, into a new array (weir_free) from its second
 * element on: the first is the caller's, for a head. They point into body, edit and *scratch,
 * which must have room for the text to be gone on with, six times when all of it is escaped.
 * *length is their sum, *pieces_n counts the first as well. 0 or WEIR_ENOMEM. */
WEIR_MUST_CHECK int weir_body_pieces(const struct weir_body *body,
				     const struct weir_body_edit *edit, struct weir_buf *scratch,
				     struct weir_slice **pieces, size_t *pieces_n, size_t *length);

/* What stands there, if anywhere in the overrides (base NULL: none), then there; else "null". */
struct weir_slice weir_body_value(const struct weir_body *body, struct weir_slice overrides,
				  const char *name);

/* Tells each tail of a call's id that only another dialect's target understands, in the order
 * of a list of messages, which is valid JSON; never inside of what anybody says. Marks within
 * a message come before those of its calls and blocks. */
typedef void weir_body_on_mark(void *arg, struct weir_slice mark);
void weir_body_find_marks(struct weir_slice messages, weir_body_on_mark *on_mark, void *arg);

/* Can its answer be gone on with elsewhere at all? It has messages, and wants one choice of
 * plain text without log probabilities. */
bool weir_body_can_resume(const struct weir_body *body);

/* Appends the messages that ask for it, joined by commas. 0, WEIR_ENOMEM, WEIR_ELIMIT. */
WEIR_MUST_CHECK int weir_body_put_turns(struct weir_buf *out,
					const struct weir_body_resume *resume);

/* As a chat that another dialect can write, with the overrides of a fallback (base NULL: none).
 * Whatever cannot be said elsewhere is said in chat->cannot. The chat points into the body and
 * is fit for _fini in every case. 0 or WEIR_ENOMEM. */
WEIR_MUST_CHECK int weir_body_read_chat(const struct weir_body *body, struct weir_slice overrides,
					const struct weir_dialect *caller, struct weir_chat *chat);
/* May a fallback's overrides replace that field? */
bool weir_body_may_override(const struct weir_body *body, struct weir_slice key);
/* Is it a word to weir, that no provider gets? */
bool weir_body_is_ours(const struct weir_body *body, struct weir_slice key);
/* The same of one of its members. */
bool weir_body_member_is_ours(const struct weir_body *body, unsigned member);

/* What it has to do with what is kept at one account. */
struct weir_body_state {
	bool bound;        /* it can only be done there */
	uint64_t previous; /* hash of the id of the answer it goes on from; 0: none */
	bool acts;         /* sent twice it might act twice */
};
void weir_body_read_state(const struct weir_body *body, struct weir_body_state *state);

/* body_wishes.c: of a body whose members stand. As weir_body_read(). */
WEIR_MUST_CHECK int weir_body_read_wishes(struct weir_body *body, struct weir_complaint *complaint);
/* One more; name is taken over, also on failure. */
WEIR_MUST_CHECK int weir_body_add_fallback(struct weir_body *body, char *name, const char *where,
					   struct weir_complaint *complaint);
/* The caller will be told that this was not heeded. False: out of memory. */
WEIR_MUST_CHECK bool weir_body_ignore(struct weir_body *body, struct weir_slice name);

/* What is to be changed for a target of the caller's dialect; chat NULL: it is no chat. */
void weir_body_adapt(const struct weir_body *body, struct weir_slice overrides,
		     const struct weir_adapt_to *to, void (*chat)(struct weir_adapting *a),
		     struct weir_adapted *adapted);
