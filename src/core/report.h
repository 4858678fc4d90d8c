/* What others are told about a request: the trail, the final error, the log lines. */
#pragma once

#include "base/log.h"
#include "config/config.h"
#include "core/body.h"
#include "core/metrics.h"
#include "dialect/pen.h"
#include "policy/failover.h"

/* One upstream call, as it will be told. */
struct weir_record {
	const struct weir_target *target;
	unsigned key;    /* counted from 0 */
	unsigned status; /* 0: none came */
	enum weir_outcome outcome;
	const char *reason; /* static */
	bool ended;         /* all of it is known */
	uint64_t began_ms, ms;
};

/* "provider/model", or "provider/model#N" for the Nth of several keys, trail-escaped. */
void weir_report_target(struct weir_pen *pen, const struct weir_record *record);

/* TARGET;STATUS;CLASS;Nms, …, fit for a header field. */
void weir_report_trail(struct weir_pen *pen, const struct weir_record *records, unsigned records_n);

/* {"error":{…,"attempts":[…]}}; records NULL: without attempts. */
WEIR_MUST_CHECK int weir_report_error(const char *message, const char *type, const char *code,
				      const char *param, const struct weir_record *records,
				      unsigned records_n, struct weir_buf *out);

/* The same in Anthropic's shape, of which the status names the type. request_id may be NULL. */
WEIR_MUST_CHECK int weir_report_anthropic_error(unsigned status, const char *message,
						const char *code, const struct weir_record *records,
						unsigned records_n, const char *request_id,
						struct weir_buf *out);

/* Appends retry-after, where a time is stated, and x-should-retry. */
void weir_report_retry(struct weir_pen *pen, bool stated, uint64_t after_ms);

/* One move. */
struct weir_move {
	const char *request_id;
	const struct weir_chain *chain; /* NULL: other */
	const struct weir_record *from;
	const struct weir_target *to;
	unsigned to_key;
	const char *event; /* "fallback", "retry" when to is the same target and key, "hedge" */
	enum weir_log_level level;
	const char *move_class; /* an outcome's name, or why it was gone past */
	const char *text;       /* of a failed connection; may be NULL */
	uint64_t attempt, elapsed_ms, remaining_ms;
};

void weir_report_move(const struct weir_log *log, const struct weir_move *move);

/* event=attempt: the nth of a request, from 1, is over. */
void weir_report_attempt(const struct weir_log *log, const char *request_id,
			 const struct weir_chain *chain, const struct weir_record *record,
			 unsigned n);

/* event=event_dropped: n single events of a stream were not JSON. */
void weir_report_dropped(const struct weir_log *log, const char *request_id,
			 const struct weir_record *record, unsigned n);

/* event=fields_dropped: what a target of another dialect does not get. */
void weir_report_fields_dropped(const struct weir_log *log, const char *request_id,
				const struct weir_record *record, const struct weir_drops *drops);

/* event=request of one that was refused before it could be planned; code: why. caller NULL:
 * nobody that is known; peer "": not to be told. */
void weir_report_rejected(const struct weir_log *log, const char *request_id,
			  const struct weir_caller *caller, const char *peer, unsigned status,
			  const char *code);
