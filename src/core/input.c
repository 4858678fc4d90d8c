#include "core/input.h"

#include "core/gateway.h"
#include "core/shed.h"

#include "wire/http_write.h"

enum { FIELDS_MAX = 16 * 1024 };

/* Of the caller's header fields only these reach a provider: the first whatever it speaks, the
 * others only in the caller's own dialect. */
static const char *const common_fields[] = { "idempotency-key", "x-client-request-id" };
static const char *const openai_fields[] = { "openai-beta" };

struct weir_slice weir_input_path(struct weir_slice target)
{
	const char *query = target.len ? memchr(target.base, '?', target.len) : NULL;

	return query ? weir_slice(target.base, (size_t)(query - target.base)) : target;
}

bool weir_input_is_json(struct weir_slice type)
{
	const char *semicolon = type.len ? memchr(type.base, ';', type.len) : NULL;
	struct weir_slice media = type;

	if (semicolon)
		media.len = (size_t)(semicolon - type.base);
	media = weir_slice_trim(media);
	if (!weir_slice_is_nocase(media, "application/json"))
		return false;
	return !semicolon || !weir_slice_has_nocase(type, "charset=") ||
	       weir_slice_has_nocase(type, "charset=utf-8") ||
	       weir_slice_has_nocase(type, "charset=\"utf-8\"");
}

/* The shorter of what the caller itself will wait: ours in milliseconds, the SDKs' in
 * seconds. 0: none of them, or nonsense. */
static uint64_t caller_deadline_ms(const struct weir_http_head *head)
{
	static const char *const sdk_fields[] = { "x-stainless-read-timeout",
						  "x-stainless-timeout" };
	uint64_t least_ms = 0, ms;
	double seconds;

	if (weir_slice_to_u64(weir_http_field(head, "x-weir-deadline-ms"), &ms) && ms)
		least_ms = ms;
	for (size_t i = 0; i < WEIR_COUNT_OF(sdk_fields); i++) {
		if (!weir_slice_to_double(weir_http_field(head, sdk_fields[i]), &seconds) ||
		    seconds <= 0 || seconds > 1e6)
			continue;
		ms = (uint64_t)(seconds * 1000);
		if (ms && (!least_ms || ms < least_ms))
			least_ms = ms;
	}
	return least_ms;
}

/* Two of them are none: who knows which is meant? */
static struct weir_trace_context parent_of(const struct weir_http_head *head)
{
	struct weir_trace_context parent = { 0 };
	unsigned n = 0;

	for (unsigned i = 0; i < head->fields_n; i++)
		if (weir_slice_is_nocase(head->fields[i].name, "traceparent") &&
		    (n++ || !weir_traceparent_read(head->fields[i].value, &parent)))
			return (struct weir_trace_context){ 0 };
	return parent;
}

static bool is_repeated(const struct weir_http_head *head)
{
	uint64_t tries;

	return weir_slice_to_u64(weir_http_field(head, "x-stainless-retry-count"), &tries) && tries;
}

static int pass(struct weir_buf *fields, const struct weir_http_head *head,
		const char *const *names, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		struct weir_slice value = weir_http_field(head, names[i]);

		if (value.base)
			rc = weir_http_put_field(fields, names[i], value);
	}
	return rc;
}

static bool is_anthropic(enum weir_route route)
{
	return route == WEIR_ROUTE_MESSAGES || route == WEIR_ROUTE_COUNT;
}

/* An open list, but for what a browser or a router in between is told. */
static int pass_anthropic(struct weir_buf *fields, const struct weir_http_head *head)
{
	int rc = 0;

	for (unsigned i = 0; i < head->fields_n && rc == 0; i++) {
		struct weir_slice name = head->fields[i].name;

		if (!weir_slice_starts_nocase(name, "anthropic-") ||
		    weir_slice_starts_nocase(name, "anthropic-dangerous-"))
			continue;
		rc = weir_http_put_named(fields, name, head->fields[i].value);
	}
	return rc;
}

void weir_input_begin(struct weir_request_input *input, struct weir_snapshot *snapshot,
		      const struct weir_caller *caller)
{
	input->snapshot = weir_snapshot_ref(snapshot);
	input->caller = caller;
}

int weir_input_take(struct weir_request_input *input, const struct weir_http_head *head,
		    enum weir_route route)
{
	const struct weir_config *config = input->snapshot->config;
	int rc;

	input->route = route;
	input->deadline_ms = caller_deadline_ms(head);
	input->no_fallback = weir_slice_is_nocase(weir_http_field(head, "x-weir-fallback"), "off");
	input->own_fallbacks = is_anthropic(route) && weir_http_field(head, "anthropic-beta").base;
	input->repeated = is_repeated(head);
	if (input->snapshot->gateway->exporter)
		input->parent = parent_of(head);
	for (unsigned i = 0; i < config->affinity_headers_n; i++) {
		struct weir_slice value = weir_http_field(head, config->affinity_headers[i]);

		input->affinity[i] = value.base ? weir_slice_hash(value) : 0;
	}
	weir_buf_init(&input->body, config->body_max);
	weir_buf_init(&input->fields, FIELDS_MAX);
	rc = pass(&input->fields, head, common_fields, WEIR_COUNT_OF(common_fields));
	input->common_len = input->fields.len;
	if (rc == 0 && is_anthropic(route))
		rc = pass_anthropic(&input->fields, head);
	else if (rc == 0)
		rc = pass(&input->fields, head, openai_fields, WEIR_COUNT_OF(openai_fields));
	if (rc == 0 && config->compat_portkey)
		rc = weir_portkey_take(&input->portkey, head);
	if (rc)
		return rc;
	return head->has_length ? weir_buf_reserve(&input->body, head->content_length) : 0;
}

void weir_input_unclaim(struct weir_request_input *input)
{
	struct weir_quota_time now;

	if (!input->claim.books)
		return;
	now = weir_gateway_time(input->snapshot->gateway);
	weir_claim_end(&input->claim, 0, 0, &now);
}

void weir_input_fini(struct weir_request_input *input)
{
	weir_input_unclaim(input);
	if (input->held)
		weir_shed_let_go(input->snapshot->gateway, &input->held);
	weir_snapshot_unref(input->snapshot);
	weir_buf_fini(&input->body);
	weir_buf_fini(&input->fields);
	weir_portkey_fini(&input->portkey);
	*input = (struct weir_request_input){ 0 };
}
