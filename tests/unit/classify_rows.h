/* Rows of what providers answer, and what it means. */
#pragma once

#include "test.h"

#include "policy/classify.h"

enum { STREAM = 1 }; /* in place of a status */

struct row {
	unsigned status;
	const char *code, *type, *param, *message;
	enum weir_outcome outcome;
	const char *reason;
};

#define CALLER       WEIR_OUT_CALLER
#define NOT_HERE     WEIR_OUT_NOT_HERE
#define CREDENTIALS  WEIR_OUT_CREDENTIALS
#define QUOTA        WEIR_OUT_QUOTA
#define RATE_LIMITED WEIR_OUT_RATE_LIMITED
#define OVERLOADED   WEIR_OUT_OVERLOADED
#define SERVER_ERROR WEIR_OUT_SERVER_ERROR
#define REPAIRABLE   WEIR_OUT_REPAIRABLE
#define INVALID      "invalid_request_error"
#define BAD_FIELD    REPAIRABLE, "unsupported_parameter"
#define TOO_LONG     NOT_HERE, "context_length"
#define NO_MODEL     NOT_HERE, "model_not_found"
#define POLICY       CALLER, "content_policy"
#define BAD_KEY      CREDENTIALS, "auth"
#define NO_MONEY     QUOTA, "insufficient_quota"

static inline struct weir_verdict classify(const struct row *row)
{
	return weir_classify(&(struct weir_failure){
		.status = row->status == STREAM ? 200 : row->status,
		.in_stream = row->status == STREAM,
		.code = weir_slice_of(row->code),
		.type = weir_slice_of(row->type),
		.param = weir_slice_of(row->param),
		.message = weir_slice_of(row->message),
	});
}

static inline void check_rows(const char *table, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct weir_verdict v = classify(&rows[i]);
		int before = test_failures;

		CHECK_STR(weir_outcome_name(v.outcome), weir_outcome_name(rows[i].outcome));
		CHECK_STR(v.reason, rows[i].reason);
		CHECK(v.overflow == (strcmp(v.reason, "context_length") == 0));
		CHECK(v.model_unknown == (strcmp(v.reason, "model_not_found") == 0));
		CHECK(v.never_fits == (strcmp(v.reason, "request_too_large") == 0));
		CHECK(v.content_policy == (strcmp(v.reason, "content_policy") == 0));
		if (test_failures > before)
			NOTE("%s[%zu]: %u %s %s: %s", table, i, rows[i].status, rows[i].code,
			     rows[i].type, rows[i].message);
	}
}

#define CHECK_ROWS(rows) check_rows(#rows, rows, sizeof(rows) / sizeof *(rows))
