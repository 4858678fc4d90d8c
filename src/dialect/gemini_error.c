/* What Google says of a failure beside its message: google.rpc.ErrorInfo, QuotaFailure. */
#include "dialect/gemini.h"
#include "dialect/openai.h"

static bool ends_with(struct weir_slice s, const char *tail)
{
	size_t n = strlen(tail);

	return s.len >= n && memcmp(s.base + s.len - n, tail, n) == 0;
}

static bool holds(struct weir_slice s, const char *text)
{
	return s.len && memmem(s.base, s.len, text, strlen(text));
}

/* {"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier","quotaValue":"50"}; a value
 * of nothing may be left out, and is told in the message. */
static void read_violation(struct weir_slice violation, struct weir_reading *r)
{
	struct weir_slice id = weir_chat_pick(violation, "quotaId");
	struct weir_slice value = weir_chat_pick(violation, "quotaValue");
	bool none = weir_slice_is(value, "0") ||
		    (value.len == 0 && holds(r->failure.message, "limit: 0"));

	if (holds(id, "FreeTier") && none)
		r->failure.code = WEIR_SLICE("quota_of_nothing");
	else if (holds(id, "PerDay") && !weir_slice_is(r->failure.code, "quota_of_nothing"))
		r->failure.code = WEIR_SLICE("quota_per_day");
	else
		return;
	r->retry_info = WEIR_SLICE("3600s"); /* theirs is of the minute */
}

static void read_violations(struct weir_slice list, struct weir_reading *r)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;

	if (list.len == 0 || weir_json_open(&cursor, list))
		return;
	while (weir_json_next(&cursor, &m) == 1)
		if (m.type == WEIR_JSON_OBJECT)
			read_violation(m.value, r);
}

static void read_detail(struct weir_slice detail, struct weir_reading *r)
{
	struct weir_slice type = weir_chat_pick(detail, "@type");
	struct weir_slice reason = weir_chat_pick(detail, "reason");

	if (ends_with(type, "google.rpc.ErrorInfo") && reason.len)
		r->failure.code = reason;
	else if (ends_with(type, "google.rpc.QuotaFailure"))
		read_violations(weir_json_pick(detail, "violations", WEIR_JSON_ARRAY), r);
}

/* An error may stand in a list of one. */
static struct weir_slice find_error(struct weir_slice body)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;

	if (weir_json_open(&cursor, body))
		return WEIR_SLICE("");
	if (!cursor.is_array)
		return weir_json_pick(body, "error", WEIR_JSON_OBJECT);
	if (weir_json_next(&cursor, &m) == 1 && m.type == WEIR_JSON_OBJECT)
		return weir_json_pick(m.value, "error", WEIR_JSON_OBJECT);
	return WEIR_SLICE("");
}

bool weir_gemini_read_failed_body(struct weir_slice body, bool json, struct weir_buf *scratch,
				  struct weir_reading *r)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;
	struct weir_slice details;

	if (!weir_openai_read_failed_body(body, json, scratch, r))
		return false;
	if (!json)
		return true;
	if (weir_slice_is(r->failure.type, "INVALID_ARGUMENT"))
		r->failure.code = WEIR_SLICE("invalid_translation");
	details = weir_json_pick(find_error(body), "details", WEIR_JSON_ARRAY);
	if (details.len && weir_json_open(&cursor, details) == 0)
		while (weir_json_next(&cursor, &m) == 1)
			if (m.type == WEIR_JSON_OBJECT)
				read_detail(m.value, r);
	return true;
}
