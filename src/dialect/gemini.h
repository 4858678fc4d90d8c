/* Google's Gemini API, which only targets speak. https://ai.google.dev/api/generate-content */
#pragma once

#include "dialect/chat.h"
#include "dialect/dialect.h"
#include "dialect/piece.h"

/* Of a call as callers get it. Longer ones are refused by some of them. */
enum { WEIR_GEMINI_ID_MAX = 1024 };

extern const struct weir_dialect weir_gemini;

/* Of an answer or an event, what matters at the top; "" what is not there. */
struct weir_gemini_top {
	struct weir_slice candidate; /* the first: others are not asked for */
	struct weir_slice feedback;  /* on the prompt */
	struct weir_slice usage, error;
	struct weir_slice id, model; /* insides of strings */
};

/* gemini.c. False: it is no JSON object. */
bool weir_gemini_read_top(struct weir_slice data, struct weir_gemini_top *top);
/* How an answer ended; barren: one that has said nothing by then has failed. */
enum weir_finish weir_gemini_finish(struct weir_slice reason, bool *barren);

/* gemini_error.c: as weir_openai_read_failed_body(), and what Google adds in details. */
bool weir_gemini_read_failed_body(struct weir_slice body, bool json, struct weir_buf *scratch,
				  struct weir_reading *reading);

/* gemini_ids.c. A call's signature must come back with it, and a caller keeps nothing but its
 * id; so it is carried there:
 *
 *	gem_ID                  the id that Gemini gave it, or
 *	call_HASHn              one of ours, when it gave none
 *	…__gsig_SIGNATURE       in base64url without its padding
 *
 * Appends such an id, of letters, digits, "_" and "-". id and signature are insides of strings,
 * "" what there is none of; one that does not fit is left out. */
int weir_gemini_put_id(struct weir_buf *out, struct weir_slice id, uint64_t answer, unsigned call,
		       struct weir_slice signature);
/* Appends "\"id\":…," when the id of a call, the inside of a string, has one of Gemini's. */
void weir_gemini_put_own_id(struct weir_pen *pen, struct weir_slice id);
/* Appends the signature in base64; false: it carries none. */
bool weir_gemini_put_signature(struct weir_pen *pen, struct weir_slice id);

/* gemini_request.c */
const char *weir_gemini_cannot(const struct weir_chat *chat, const struct weir_chat_target *target);
int weir_gemini_put_request(const struct weir_chat *chat, const struct weir_chat_target *target,
			    struct weir_buf *out, struct weir_drops *drops);
/* gemini_turns.c: "[…]". signs: calls without a signature would be refused. */
int weir_gemini_put_turns(const struct weir_chat *chat, bool signs, struct weir_buf *out,
			  struct weir_drops *drops);
/* A text, with its title above it. */
void weir_gemini_put_text(struct weir_pen *pen, const struct weir_part *part, const char *before,
			  const char *behind);

/* gemini_pieces.c */
void weir_gemini_hear_event(struct weir_hearing *hearing, struct weir_slice data);
void weir_gemini_hear_body(struct weir_hearing *hearing, struct weir_slice body);
