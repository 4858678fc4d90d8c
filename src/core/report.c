#include "core/report.h"

#include <stdio.h>

enum { MS_PER_S = 1000, RETRY_WORTHWHILE_MS = 60 * MS_PER_S };

void weir_report_target(struct weir_pen *pen, const struct weir_record *r)
{
	weir_put(pen, r->target->trail_id);
	if (r->target->provider->keys_n > 1)
		weir_put_number(pen, "#", r->key + 1);
}

void weir_report_trail(struct weir_pen *pen, const struct weir_record *records, unsigned records_n)
{
	for (unsigned i = 0; i < records_n; i++) {
		const struct weir_record *r = &records[i];

		if (i)
			weir_put(pen, ", ");
		weir_report_target(pen, r);
		weir_put(pen, ";");
		if (r->status)
			weir_put_u64(pen, r->status);
		else
			weir_put(pen, "-");
		weir_put(pen, ";");
		weir_put(pen, weir_outcome_name(r->outcome));
		weir_put_number(pen, ";", r->ms);
		weir_put(pen, "ms");
	}
}

static int put_text(struct weir_buf *out, const char *key, const char *value)
{
	int rc = weir_buf_printf(out, "\"%s\":", key);

	if (rc)
		return rc;
	return value ? weir_buf_json(out, weir_slice_of(value)) : weir_buf_puts(out, "null");
}

static int put_attempt(struct weir_buf *out, const struct weir_record *r)
{
	char target[2 * WEIR_NAME_MAX + 16];
	int rc;

	weir_target_name(r->target, r->key, target, sizeof target);
	if ((rc = weir_buf_puts(out, "{\"target\":")) ||
	    (rc = weir_buf_json(out, weir_slice_of(target))))
		return rc;
	rc = r->status ? weir_buf_printf(out, ",\"status\":%u,", r->status)
		       : weir_buf_puts(out, ",\"status\":null,");
	if (rc || (rc = put_text(out, "class", weir_outcome_name(r->outcome))) ||
	    (rc = weir_buf_puts(out, ",")) || (rc = put_text(out, "reason", r->reason)))
		return rc;
	return weir_buf_printf(out, ",\"ms\":%llu}", (unsigned long long)r->ms);
}

static int put_attempts(struct weir_buf *out, const struct weir_record *records, unsigned n)
{
	int rc = weir_buf_puts(out, ",\"attempts\":[");

	for (unsigned i = 0; i < n && rc == 0; i++)
		if (i == 0 || (rc = weir_buf_puts(out, ",")) == 0)
			rc = put_attempt(out, &records[i]);
	return rc ? rc : weir_buf_puts(out, "]");
}

int weir_report_error(const char *message, const char *type, const char *code, const char *param,
		      const struct weir_record *records, unsigned records_n, struct weir_buf *out)
{
	int rc;

	if ((rc = weir_buf_puts(out, "{\"error\":{")) || (rc = put_text(out, "message", message)) ||
	    (rc = weir_buf_puts(out, ",")) || (rc = put_text(out, "type", type)) ||
	    (rc = weir_buf_puts(out, ",")) ||
	    (rc = put_text(out, "param", param && *param ? param : NULL)) ||
	    (rc = weir_buf_puts(out, ",")) || (rc = put_text(out, "code", code)))
		return rc;
	if (records)
		rc = put_attempts(out, records, records_n);
	return rc ? rc : weir_buf_puts(out, "}}\n");
}

static const char *anthropic_type(unsigned status)
{
	static const struct {
		unsigned status;
		const char *type;
	} types[] = {
		{ 401, "authentication_error" },
		{ 402, "billing_error" },
		{ 403, "permission_error" },
		{ 404, "not_found_error" },
		{ 409, "conflict_error" },
		{ 413, "request_too_large" },
		{ 429, "rate_limit_error" },
		{ 503, "overloaded_error" },
		{ 504, "timeout_error" },
		{ 529, "overloaded_error" },
		/* Answers to framing and versions the caller chose. */
		{ 501, "invalid_request_error" },
		{ 505, "invalid_request_error" },
	};

	for (size_t i = 0; i < WEIR_COUNT_OF(types); i++)
		if (types[i].status == status)
			return types[i].type;
	return status < 500 ? "invalid_request_error" : "api_error";
}

int weir_report_anthropic_error(unsigned status, const char *message, const char *code,
				const struct weir_record *records, unsigned records_n,
				const char *request_id, struct weir_buf *out)
{
	int rc;

	if ((rc = weir_buf_puts(out, "{\"type\":\"error\",\"error\":{")) ||
	    (rc = put_text(out, "type", anthropic_type(status))) ||
	    (rc = weir_buf_puts(out, ",")) || (rc = put_text(out, "message", message)))
		return rc;
	if (code && ((rc = weir_buf_puts(out, ",")) || (rc = put_text(out, "code", code))))
		return rc;
	if (records && (rc = put_attempts(out, records, records_n)))
		return rc;
	if ((rc = weir_buf_puts(out, "}")) ||
	    (request_id &&
	     ((rc = weir_buf_puts(out, ",")) || (rc = put_text(out, "request_id", request_id)))))
		return rc;
	return weir_buf_puts(out, "}\n");
}

/* An SDK retries on its own unless told not to: only an honest, short return is worth it. */
void weir_report_retry(struct weir_pen *pen, bool stated, uint64_t after_ms)
{
	uint64_t seconds = (after_ms + MS_PER_S - 1) / MS_PER_S;

	if (stated) {
		weir_put_number(pen, "retry-after: ", seconds ? seconds : 1);
		weir_put(pen, "\r\n");
	}
	if (!stated || after_ms > RETRY_WORTHWHILE_MS)
		weir_put(pen, "x-should-retry: false\r\n");
}

static void log_target(struct weir_log_line *line, const char *name,
		       const struct weir_target *target, unsigned key)
{
	char text[WEIR_LOG_VALUE_MAX] WEIR_UNINITIALIZED;

	weir_target_name(target, key, text, sizeof text);
	weir_log_str(line, name, text);
}

void weir_report_move(const struct weir_log *log, const struct weir_move *move)
{
	struct weir_log_line line WEIR_UNINITIALIZED;

	weir_log_begin(&line, log, move->level, move->event);
	weir_log_str(&line, "request_id", move->request_id);
	weir_log_str(&line, "chain", move->chain ? move->chain->name : "other");
	log_target(&line, "from", move->from->target, move->from->key);
	log_target(&line, "to", move->to, move->to_key);
	weir_log_str(&line, "class", move->move_class);
	weir_log_str(&line, "reason", move->from->reason);
	if (move->from->status)
		weir_log_u64(&line, "status", move->from->status);
	else
		weir_log_null(&line, "status");
	weir_log_u64(&line, "attempt", move->attempt);
	weir_log_u64(&line, "elapsed_ms", move->elapsed_ms);
	weir_log_u64(&line, "remaining_ms", move->remaining_ms);
	if (move->text && *move->text)
		weir_log_str(&line, "detail", move->text);
	weir_log_end(&line);
}

void weir_report_attempt(const struct weir_log *log, const char *request_id,
			 const struct weir_chain *chain, const struct weir_record *record,
			 unsigned n)
{
	struct weir_log_line line WEIR_UNINITIALIZED;

	weir_log_begin(&line, log, WEIR_LOG_DEBUG, "attempt");
	weir_log_str(&line, "request_id", request_id);
	weir_log_str(&line, "chain", chain ? chain->name : "other");
	log_target(&line, "target", record->target, record->key);
	weir_log_str(&line, "class", weir_outcome_name(record->outcome));
	weir_log_str(&line, "reason", record->reason);
	if (record->status)
		weir_log_u64(&line, "status", record->status);
	else
		weir_log_null(&line, "status");
	weir_log_u64(&line, "attempt", n);
	weir_log_u64(&line, "ms", record->ms);
	weir_log_end(&line);
}

void weir_report_dropped(const struct weir_log *log, const char *request_id,
			 const struct weir_record *record, unsigned n)
{
	struct weir_log_line line WEIR_UNINITIALIZED;

	weir_log_begin(&line, log, WEIR_LOG_WARN, "event_dropped");
	weir_log_str(&line, "request_id", request_id);
	log_target(&line, "target", record->target, record->key);
	weir_log_u64(&line, "events", n);
	weir_log_str(&line, "reason", "not_json");
	weir_log_end(&line);
}

void weir_report_fields_dropped(const struct weir_log *log, const char *request_id,
				const struct weir_record *record, const struct weir_drops *drops)
{
	char names[WEIR_CHAT_DROPS_MAX * (WEIR_CHAT_NAME_MAX + 2)] = "";
	struct weir_log_line line WEIR_UNINITIALIZED;
	size_t n = 0;

	for (unsigned i = 0; i < drops->n; i++)
		n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i ? ", " : "",
				      drops->names[i]);
	weir_log_begin(&line, log, WEIR_LOG_INFO, "fields_dropped");
	weir_log_str(&line, "request_id", request_id);
	log_target(&line, "target", record->target, record->key);
	weir_log_str(&line, "fields", names);
	weir_log_end(&line);
}

void weir_report_rejected(const struct weir_log *log, const char *request_id,
			  const struct weir_caller *caller, const char *peer, unsigned status,
			  const char *code)
{
	static const char *const unknown[] = { "model", "target" };
	static const char *const none[] = { "first_token_ms", "tokens_in", "tokens_out",
					    "cost_usd" };
	struct weir_log_line line WEIR_UNINITIALIZED;

	weir_log_begin(&line, log, WEIR_LOG_INFO, "request");
	weir_log_str(&line, "request_id", request_id);
	if (caller)
		weir_log_str(&line, "caller", caller->name);
	if (peer[0])
		weir_log_str(&line, "peer", peer);
	weir_log_str(&line, "chain", "other");
	for (size_t i = 0; i < WEIR_COUNT_OF(unknown); i++)
		weir_log_null(&line, unknown[i]);
	weir_log_str(&line, "outcome", "rejected");
	weir_log_u64(&line, "status", status);
	weir_log_u64(&line, "attempts", 0);
	weir_log_bool(&line, "stream", false);
	weir_log_u64(&line, "ms", 0);
	for (size_t i = 0; i < WEIR_COUNT_OF(none); i++)
		weir_log_null(&line, none[i]);
	weir_log_str(&line, "trail", "");
	weir_log_str(&line, "reason", code);
	weir_log_end(&line);
}
