/* Good answers in the OpenAI API's words: whole ones, and the events of streams. */
#pragma once

#include "mock/ask.h"
#include "mock/pen.h"
#include "mock/script.h"

enum { WEIR_MOCK_CREATED = 1790000000 }; /* fixed, so that answers repeat */

/* " tok0 tok1 tok2 …" as far as it was ever needed. One for all answers of a mock. */
struct weir_mock_chatter {
	struct weir_buf text[2]; /* plain, and with characters of several bytes */
	uint64_t tokens[2];
};

void weir_mock_chatter_init(struct weir_mock_chatter *chatter);
void weir_mock_chatter_fini(struct weir_mock_chatter *chatter);
/* Ready to say n tokens. 0, WEIR_ENOMEM, WEIR_ELIMIT. */
WEIR_MUST_CHECK int weir_mock_chatter_grow(struct weir_mock_chatter *chatter, bool utf8,
					   uint64_t n);

/* Who says what to whom: everything an answer is made of. Owns nothing. */
struct weir_mock_voice {
	const char *vendor;
	const struct weir_mock_chatter *chatter;
	const struct weir_mock_step *step;
	const struct weir_mock_ask *ask;
	uint64_t serial;      /* of the answer at its vendor: its id */
	uint64_t first, last; /* tokens said: first <= i < last */
	bool limited;         /* the caller's max_tokens cut it */
};

/* Sets first, last and limited from the step and the question. An answer that is to be gone
 * on with and is all said is answered anew, or with nothing when it is the assistant's own. */
void weir_mock_voice_plan(struct weir_mock_voice *voice);

/* Of its text; the first token comes behind the vendor's name and the nonce. */
void weir_mock_put_tokens(struct weir_mock_pen *pen, const struct weir_mock_voice *voice,
			  uint64_t from, uint64_t to);

/* Stream events, from "data: " to the empty line. A token's event comes in two halves, so
 * that its content can be made longer in between. */
void weir_mock_put_role(struct weir_mock_pen *pen, const struct weir_mock_voice *voice);
void weir_mock_open_token(struct weir_mock_pen *pen, const struct weir_mock_voice *voice,
			  uint64_t i);
void weir_mock_close_token(struct weir_mock_pen *pen, const struct weir_mock_voice *voice,
			   uint64_t i);
void weir_mock_put_finish(struct weir_mock_pen *pen, const struct weir_mock_voice *voice);
void weir_mock_put_usage(struct weir_mock_pen *pen, const struct weir_mock_voice *voice);
void weir_mock_put_no_choices(struct weir_mock_pen *pen, const struct weir_mock_voice *voice);

/* A whole body, in two halves as above. */
void weir_mock_open_whole(struct weir_mock_pen *pen, const struct weir_mock_voice *voice);
void weir_mock_close_whole(struct weir_mock_pen *pen, const struct weir_mock_voice *voice);

void weir_mock_put_embeddings(struct weir_mock_pen *pen, const struct weir_mock_voice *voice);
/* One model's description, and the list's frame around them is the caller's. */
void weir_mock_put_model(struct weir_mock_pen *pen, struct weir_slice model, const char *vendor);
