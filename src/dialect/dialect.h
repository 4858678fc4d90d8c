/* A provider's language as const data: a name, where it listens, how it is told the key,
 * and how its answers are read. One file per dialect, no registration: the table in
 * dialect.c lists them. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "policy/classify.h"
#include "policy/retry_after.h"

enum weir_route {
	WEIR_ROUTE_CHAT,        /* /v1/chat/completions */
	WEIR_ROUTE_COMPLETIONS, /* /v1/completions */
	WEIR_ROUTE_EMBEDDINGS,  /* /v1/embeddings */
	WEIR_ROUTE_RESPONSES,   /* /v1/responses */
	WEIR_ROUTE_MESSAGES,    /* /v1/messages */
	WEIR_ROUTE_COUNT,       /* /v1/messages/count_tokens */
	WEIR_ROUTE_NATIVE,      /* no caller's: a chat at who has an API of his own */
	WEIR_ROUTE_N
};

/* What one event of a stream, or one whole body, turned out to be. */
struct weir_reading {
	bool json;    /* it parsed */
	bool content; /* something worth showing: text, tool call, refusal, reasoning, finish */
	bool finish;  /* a finish reason was given */
	uint64_t begun, ended; /* events: choices, a bit per index below 64, with words; with a
	                          finish reason */
	bool end_mark;         /* [DONE] */
	bool broken_off;       /* the stream ends here, but not the answer */
	bool error;            /* an error object; see failure */
	bool choices;   /* bodies: has what a success must have (choices, or data for embeddings) */
	bool barren;    /* events: a finish; with nothing said before it, an error (see failure) */
	bool gave_up;   /* an error only by its finish reason: the caller must be told once more */
	bool no_memory; /* and so nothing is known */
	struct weir_failure failure;  /* slices into scratch or the text, while both live */
	struct weir_slice retry_info; /* Google RetryInfo.retryDelay, "" when none */
	bool usage;                   /* token counts were given (cumulative: the last one wins) */
	uint64_t tokens_in, tokens_out; /* 0: not said */
	uint64_t tokens_cached;         /* of the prompt: read from a cache… */
	uint64_t tokens_written;        /* …and put into one */
	bool cache_beside;              /* these two are not in tokens_in */
	/* Events: what is new in this one, and padding that is meant to vary; each the inside
	 * of a string in the data, or "". An event that differs from this one only there,
	 * neither empty, reads the same (pattern.h). */
	struct weir_slice text, padding;
	/* Of an answer that is kept for going on from: the inside of a string in the data; "". */
	struct weir_slice id;
};

/* What one event of a stream adds to its answer, for going on with it elsewhere. */
struct weir_delta {
	bool no_memory; /* and so nothing is known */
	bool other;     /* more than text and reasoning of the first choice: a tool call, … */
	bool reasoning;
	bool finish;                      /* of the first choice */
	struct weir_slice text;           /* new of the first choice, decoded; in scratch */
	struct weir_slice text_at, id_at; /* strings in the data, with their quotes; "" when none */
};

struct weir_adapting;
struct weir_chat;
struct weir_chat_target;
struct weir_drops;
struct weir_hearing;
struct weir_telling;
struct weir_piece;
struct weir_refusal;
struct weir_json_member;

/* How a chat goes into and out of a dialect, when its caller and its target do not speak the
 * same one (chat.h, piece.h). */
struct weir_chat_words {
	enum weir_route route; /* of a chat */
	/* The caller's side (NULL: no caller speaks it): reads a body's top-level members, writes
	 * an answer or a refusal. 0, WEIR_ENOMEM, WEIR_ELIMIT. */
	int (*read_request)(struct weir_chat *chat, const struct weir_json_member *members,
			    unsigned n);
	void (*tell)(struct weir_telling *telling, const struct weir_piece *piece);
	int (*put_refusal)(struct weir_buf *out, const struct weir_refusal *refusal);
	/* Changes a request for a target of the same dialect; see adapt.h. */
	void (*adapt)(struct weir_adapting *adapting);
	/* The target's side. cannot: why the chat would not mean the same there, as
	 * "cannot_carry_image"; NULL: nothing is in its way. */
	const char *(*cannot)(const struct weir_chat *chat, const struct weir_chat_target *target);
	int (*put_request)(const struct weir_chat *chat, const struct weir_chat_target *target,
			   struct weir_buf *out, struct weir_drops *drops);
	unsigned tool_name_max; /* bytes; longer names are told short (weir_chat_short); 0: any */
	/* Both texts are valid JSON. */
	void (*hear_event)(struct weir_hearing *hearing, struct weir_slice data);
	void (*hear_body)(struct weir_hearing *hearing, struct weir_slice body);
};

/* Where streams count their tokens only when asked to. */
struct weir_usage_wish {
	const char *body;        /* an object: what asks for it, to be added to the request */
	const char *field;       /* the name in it */
	const char *switch_name; /* in the field: true asks for it */
	const char *member;      /* of events: what is told then, null in all but one of them */
};

struct weir_dialect {
	const char *name; /* the word in the configuration */
	/* Added to the base path per route (path.h), as "/v1/models/{model}:ask?alt=sse"; NULL:
	 * this dialect has no such route. */
	const char *routes[WEIR_ROUTE_N];
	/* The same for a stream, where it differs; NULL: it does not. */
	const char *stream_routes[WEIR_ROUTE_N];
	/* What all routes begin with, and an address may end in; NULL: nothing. */
	const char *root;
	/* The same where the configuration names a dated version of the API; NULL: has none. */
	const struct weir_dialect *dated;
	/* Whose words WEIR_ROUTE_RESPONSES is spoken in; NULL: its own. */
	const struct weir_dialect *responses;
	/* Of an answer: the member that names its model, in streams maybe in this object; NULL:
	 * it does not say. */
	const char *model_member, *model_inside;
	const char *end;    /* the event that ends a stream */
	const char *fields; /* header lines of every request that is translated; "" none */
	const struct weir_chat_words *chat;
	const struct weir_usage_wish *usage_wish; /* NULL: every stream counts */
	const char *key_field;   /* the line of a head that tells the key, up to where it begins */
	const char *token_field; /* likewise of a key that is a JWT; NULL: no difference */
	/* Reads one event's data. scratch holds decoded strings the reading points to. */
	void (*read_event)(struct weir_slice data, struct weir_buf *scratch,
			   struct weir_reading *reading);
	/* The same event, which was JSON and no error, once more. This and the last two are of
	 * dialects that callers speak; NULL: none does. */
	void (*read_delta)(struct weir_slice data, struct weir_buf *scratch,
			   struct weir_delta *delta);
	/* Reads a whole body, of a success (route says what it must hold) or of an error:
	 * the failure is filled unless it is a success. */
	void (*read_body)(enum weir_route route, struct weir_slice body, struct weir_buf *scratch,
			  struct weir_reading *reading);
	/* What ends a stream of ours honestly: an error event in this dialect. */
	int (*put_error_event)(struct weir_buf *out, struct weir_slice message, const char *code);
	/* Appends a whole success as the stream it would have been, end mark included. body
	 * has been read: it is valid JSON. 0, WEIR_ENOMEM, WEIR_ELIMIT (also: cannot be). */
	int (*put_as_stream)(enum weir_route route, struct weir_slice body, struct weir_buf *out);
};

/* In whose words it speaks that route. */
static inline const struct weir_dialect *weir_dialect_words(const struct weir_dialect *dialect,
							    enum weir_route route)
{
	bool other = route == WEIR_ROUTE_RESPONSES && dialect->responses;

	return other ? dialect->responses : dialect;
}

/* Whose route that is: the dialect of a caller who uses it. */
const struct weir_dialect *weir_dialect_of(enum weir_route route);

static inline const char *weir_dialect_path(const struct weir_dialect *dialect,
					    enum weir_route route, bool stream)
{
	const char *own = stream ? dialect->stream_routes[route] : NULL;

	return own ? own : dialect->routes[route];
}

/* Do they say the same the same way, whatever their addresses? */
static inline bool weir_dialect_same(const struct weir_dialect *a, const struct weir_dialect *b)
{
	return a->chat == b->chat;
}

/* Appends the line that tells the key to a request head. 0, WEIR_ENOMEM, WEIR_ELIMIT: no key
 * has such bytes. */
WEIR_MUST_CHECK int weir_dialect_put_key(const struct weir_dialect *dialect, struct weir_buf *head,
					 struct weir_slice key);

/* All there are; NULL past the last. */
const struct weir_dialect *weir_dialect_at(unsigned index);
/* NULL when there is none of that name (yet). */
const struct weir_dialect *weir_dialect_find(struct weir_slice name);

/* "openai" or, separated by ", ", all there are: for messages. */
const char *weir_dialect_names(void);
