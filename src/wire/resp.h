/* RESP, as Redis and Valkey speak it, by hiredis' reader: bytes in, values out, all of it bounded.
 * Built without hiredis it is none: weir_resp_is_built(). */
#pragma once

#include "base/buf.h"

enum {
	WEIR_RESP_REPLY_MAX = 1024 * 1024, /* bytes of one that is not whole yet */
	WEIR_RESP_PLACES_MAX = 4096,       /* elements of an array */
	WEIR_RESP_WORDS_MAX = 8            /* of a command that is written at once */
};

enum weir_resp_kind { WEIR_RESP_TEXT, WEIR_RESP_NUMBER, WEIR_RESP_NIL, WEIR_RESP_ERROR };

struct weir_resp_value {
	enum weir_resp_kind kind;
	struct weir_slice text; /* TEXT, ERROR; good during the call */
	long long number;
};

struct weir_resp;

bool weir_resp_is_built(void);
const char *weir_resp_version(void); /* of hiredis; NULL: there is none */

/* on_value: place -1, a reply that is one value; else its place in one that is an array. NULL: out
 * of memory. */
WEIR_MUST_CHECK struct weir_resp *
weir_resp_create(void (*on_value)(void *arg, int place, const struct weir_resp_value *value),
		 void *arg);
void weir_resp_destroy(struct weir_resp *resp); /* NULL is fine */

/* 0, or negative: out of memory or of bounds. */
WEIR_MUST_CHECK int weir_resp_feed(struct weir_resp *resp, struct weir_slice bytes);
/* On to the end of a reply: 1, one has ended; 0, more bytes are needed; negative: it is none. */
WEIR_MUST_CHECK int weir_resp_next(struct weir_resp *resp);

/* A command of so many words begins; then each of them. */
WEIR_MUST_CHECK int weir_resp_begin(struct weir_buf *out, unsigned words);
WEIR_MUST_CHECK int weir_resp_word(struct weir_buf *out, struct weir_slice word);
/* All at once, the last one NULL. */
WEIR_MUST_CHECK int weir_resp_put(struct weir_buf *out, const char *const words[]);
