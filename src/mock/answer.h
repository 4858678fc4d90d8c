/* Good answers, whole ones and the events of streams, in the words of the API that was asked
 * by: OpenAI's here, others' in messages.c and generate.c. */
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

typedef void weir_mock_say(struct weir_mock_pen *pen, const struct weir_mock_voice *voice);
typedef void weir_mock_say_token(struct weir_mock_pen *pen, const struct weir_mock_voice *voice,
				 uint64_t i);

/* An API's words. */
struct weir_mock_tongue {
	/* Stream events, from "data: " to the empty line. A token's event comes in two halves,
	 * so that its content can be made longer in between; one may have none. */
	weir_mock_say *begin, *finish, *no_choices;
	weir_mock_say_token *open_token, *close_token;
	weir_mock_say *usage; /* when it was asked for; NULL: it is in the others */
	/* A whole body, in two halves as above. */
	weir_mock_say *open_whole, *close_whole;
	/* A failure inside a stream, where that is no error event; NULL: it is. */
	void (*fail)(struct weir_mock_pen *pen, const struct weir_mock_voice *voice,
		     struct weir_slice code, struct weir_slice message);
	const char *end, *ping; /* events */
	bool ends_errors;       /* an error's event is followed by the end */
	bool names_errors;      /* it is always named "error" */
};

/* That of the route. */
const struct weir_mock_tongue *weir_mock_tongue(enum weir_mock_route route);

void weir_mock_put_embeddings(struct weir_mock_pen *pen, const struct weir_mock_voice *voice);
/* One model's description, and the list's frame around them is the caller's. */
void weir_mock_put_model(struct weir_mock_pen *pen, struct weir_slice model, const char *vendor);
