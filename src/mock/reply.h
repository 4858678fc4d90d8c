/* The heads of answers, and the bodies of errors as vendors write them. */
#pragma once

#include "mock/ask.h"
#include "mock/pen.h"
#include "mock/script.h"

struct weir_mock_head {
	unsigned status;
	const struct weir_mock_step *step;
	struct weir_slice content_type; /* base NULL: none */
	const char *vendor;
	uint64_t serial;                /* of the answer: its x-request-id */
	enum weir_mock_framing framing; /* not USUAL */
	uint64_t length;
	bool close;
};

/* Status line and fields, without the empty line, so that a field may be added. */
void weir_mock_put_head(struct weir_mock_pen *pen, const struct weir_mock_head *head);

/* One 1xx response, whole. */
void weir_mock_put_info(struct weir_mock_pen *pen, unsigned status);

/* An error's body: message, type, code and shape of the step where it names them, else of
 * the sample for its word or status. sentence, where not NULL, replaces the message.
 * Returns its content type, base NULL: none. What was asked says the model and, by its path,
 * the API whose words it is in; NULL: nothing is known yet. */
struct weir_slice weir_mock_put_error(struct weir_mock_pen *pen, const struct weir_mock_step *step,
				      unsigned status, const struct weir_mock_ask *ask,
				      const char *sentence);
