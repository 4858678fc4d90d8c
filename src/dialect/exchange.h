/* One exchange with a provider, from the first byte of its answer to the last: bytes in,
 * events out. Knows no socket and no clock; everything it holds back is bounded.
 *
 * Until the answer is worth showing nothing is let out: the head, role-only chunks,
 * comments and pings are held, and a failure leaves no trace. From the commit point on
 * it gives the caller's bytes as they came, whole events only.
 *
 * With a seam, what of a stream is let out is noted there. When another target's stream goes
 * on with it (weir_seam_begin() came before the first byte), nothing is let out but what is
 * new, under the first stream's id; one that does not fit fails unseen, as seam_mismatch. */
#pragma once

#include "dialect/dialect.h"
#include "dialect/lessons.h"
#include "dialect/pattern.h"
#include "dialect/seam.h"
#include "dialect/usage.h"
#include "policy/limits.h"
#include "wire/end.h"
#include "wire/http_read.h"
#include "wire/sse.h"

enum {
	WEIR_EXCHANGE_HOLD_MAX = 4 * 1024 * 1024,    /* of a body, before it is committed unseen */
	WEIR_EXCHANGE_STREAM_HOLD_MAX = 1024 * 1024, /* of a stream without any content */
	WEIR_EXCHANGE_COMMENTS_MAX = 64 * 1024,      /* held so far: further comments are dropped */
	WEIR_EXCHANGE_OUT_MAX = 8 * 1024 * 1024,     /* not yet consumed by the owner */
	WEIR_EXCHANGE_SAID_MAX = 512,                /* of its sentence about an error */
	WEIR_EXCHANGE_MODEL_MAX = 128,               /* of a model's name, its NUL included */
	WEIR_EXCHANGE_BLANK_MAX = 64 * 1024,         /* before the first byte of an untyped body */
	WEIR_EXCHANGE_DRAIN_MAX = 64 * 1024 /* of what nobody wants, to keep the connection */
};

enum weir_exchange_state {
	WEIR_EXCHANGE_WAITING,   /* nothing to show yet */
	WEIR_EXCHANGE_COMMITTED, /* out holds bytes for the caller; more will come */
	WEIR_EXCHANGE_DONE,      /* the answer is complete; out holds the rest of it */
	WEIR_EXCHANGE_FAILED     /* see verdict; out holds the provider's own error body, or,
	                            after commit, its own error event when it sent one and
	                            the seam cannot be gone on from */
};

/* Private: what the next byte of the message's body is for. */
enum weir_exchange_mode {
	WEIR_EXCHANGE_SNIFF, /* the first byte says what it is */
	WEIR_EXCHANGE_BODY,  /* a whole answer, collected */
	WEIR_EXCHANGE_RELAY, /* an answer too large to be looked at */
	WEIR_EXCHANGE_EVENTS,
	WEIR_EXCHANGE_ERROR, /* the body of an error status, collected */
	WEIR_EXCHANGE_DRAIN  /* DONE or FAILED: nobody wants it */
};

struct weir_foreign;

struct weir_exchange {
	const struct weir_dialect *dialect;
	enum weir_route route;
	bool stream;
	enum weir_exchange_state state;
	bool committed;         /* has been COMMITTED or DONE: bytes may have been shown */
	unsigned status;        /* 0 until the head came */
	struct weir_buf out;    /* body bytes for the caller, framing removed; the owner consumes */
	char content_type[128]; /* of the answer, as the caller shall see it */
	char upstream_request_id[128]; /* "" when none */
	uint64_t processing_ms;
	struct weir_verdict verdict; /* FAILED */
	bool error_event_shown; /* FAILED after commit: out ends with the provider's error event */
	bool retry_after_stated;
	uint64_t retry_after_ms;
	struct weir_limits_news limits; /* as soon as status; nothing known: it said nothing */
	bool usage;                     /* the provider has counted; the last word once DONE */
	uint64_t answer;          /* hash of its id, where that can be gone on from; 0: none */
	struct weir_usage tokens; /* so far, also where usage is not said yet; no reasoning */
	bool has_length;          /* DONE or COMMITTED bodies: how long the whole body is */
	uint64_t content_length;
	unsigned events_dropped; /* single events that were not JSON, after commit */
	char *said; /* FAILED: the provider's own sentence, which may quote the request; NULL: it
	               said none, or too long a one */
	char refused_field[64];    /* FAILED as repairable: the field it names, "" when none */
	struct weir_lesson lesson; /* likewise: what can be learned from it */
	bool message_complete;     /* the HTTP message ended, or cannot be followed further: */
	bool reusable;             /* …and its connection may carry another exchange */
	uint64_t idle_ms;          /* Keep-Alive: timeout hint less one second, 0 none */
	bool any_byte;             /* the provider has said something */
	struct weir_seam *seam;    /* the owner's, set before the first byte; NULL: none */
	/* The owner's, likewise, WEIR_EXCHANGE_MODEL_MAX bytes and "": the model's name, as its
	 * provider says it; NULL: nobody asks. */
	char *model;
	/* Of a stream, likewise: what its caller has not asked for; NULL: nothing. */
	const struct weir_usage_wish *unasked;
	bool proxied; /* likewise: a proxy answers as well, which wants credentials by 407 */
	/* Private. */
	struct weir_foreign *foreign; /* the caller speaks another dialect; NULL: the same */
	enum weir_exchange_mode mode;
	struct weir_http_reader reader;
	const struct weir_http_head *head; /* while it may be asked */
	struct weir_http_head *own_head;   /* …when it was given, and is not the reader's */
	struct weir_sse sse;
	struct weir_buf held;    /* blanks before an untyped body's first byte */
	struct weir_buf scratch; /* texts of the last reading */
	bool typed_sse, typed_json, typed_html, encoded; /* what the head says of the body */
	struct weir_pattern pattern;                     /* of content events, from the commit on */
	uint64_t fresh; /* of tokens.in: neither cached nor written */
	bool finish_seen;
	uint64_t begun, ended; /* choices, as in a reading */
	bool drop_lf;          /* the LF to a CR that ended a dropped event */
	bool keep_alive, extra_bytes;
	bool by_close; /* RELAY: the body ends with the connection; where its JSON stands: */
	bool in_string, escaped;
	size_t depth;
	size_t drained_bytes;
	uint64_t now_unix_ms;
	struct weir_buf shown;   /* an event without what was not asked for */
	struct weir_buf words;   /* seam: the text of the last event */
	struct weir_buf example; /* …: the data of an event whose text is held */
};

/* x must stay where it is until _fini. No allocation before the first byte. */
void weir_exchange_init(struct weir_exchange *x, const struct weir_dialect *dialect,
			enum weir_route route, bool stream);
void weir_exchange_fini(struct weir_exchange *x);
/* What an answer is called whose provider does not say; borrowed as long as the exchange is. */
struct weir_exchange_names {
	struct weir_slice id, model;
};

/* Before the first byte, for a caller of another dialect: what is let out is told in his, also
 * a refusal that may become his answer. usage_wanted: as an event of its own. 0 or WEIR_ENOMEM. */
WEIR_MUST_CHECK int weir_exchange_translate(struct weir_exchange *x,
					    const struct weir_dialect *caller, bool usage_wanted,
					    struct weir_exchange_names names);
/* …and one of the caller's tools by this name (the inside of a string), which is told as it was
 * again where the target had to be told a shorter one. 0, WEIR_ENOMEM, WEIR_ELIMIT. */
WEIR_MUST_CHECK int weir_exchange_keep_tool(struct weir_exchange *x, struct weir_slice name);

/* Bytes from the provider. Returns x->state. After DONE or FAILED further bytes only
 * bring message_complete (draining, so that the connection can be kept); bytes beyond the
 * message make it not reusable. now_unix_ms: wall clock, for Retry-After dates. */
enum weir_exchange_state weir_exchange_feed(struct weir_exchange *x, const char *bytes, size_t len,
					    uint64_t now_unix_ms);

/* The same from who has read the message already: its final head, which is the exchange's from now
 * on, then its body in pieces. */
enum weir_exchange_state weir_exchange_take_head(struct weir_exchange *x,
						 struct weir_http_head *head, uint64_t now_unix_ms);
enum weir_exchange_state weir_exchange_take_bytes(struct weir_exchange *x, struct weir_slice bytes,
						  uint64_t now_unix_ms);

/* Nothing more will come; else as weir_exchange_eof(). */
enum weir_exchange_state weir_exchange_end(struct weir_exchange *x, enum weir_end ending);

/* The connection ended; clean: FIN (with TLS, close_notify before it). Returns x->state,
 * which is DONE or FAILED afterwards. */
enum weir_exchange_state weir_exchange_eof(struct weir_exchange *x, bool clean);
