#include <stdio.h>
#include <time.h>

#include "base/error.h"
#include "core/access.h"
#include "core/admin.h"
#include "core/client.h"
#include "core/input.h"
#include "core/page.h"
#include "core/peer.h"
#include "core/reply.h"
#include "core/report.h"
#include "core/shed.h"

/* What the head of a request decides: whose it is, and whether its body is wanted. */

int weir_client_refuse_head(struct weir_client *client, unsigned status, const char *code,
			    const char *message)
{
	weir_client_refuse(client, status, code, message, "");
	return WEIR_CLIENT_STOP;
}

static int invite_body(struct weir_client *client, const struct weir_http_head *head)
{
	if (head->expect_continue)
		weir_reply_continue(client);
	return client->phase == WEIR_CLIENT_ENDING ? WEIR_CLIENT_STOP : 0;
}

/* Right path, wrong method: says which one (RFC 9110 §15.5.6). */
static int refuse_method(struct weir_client *client, const char *allowed)
{
	char allow[64];

	snprintf(allow, sizeof allow, "allow: %s\r\n", allowed);
	weir_client_refuse(client, 405, "method_not_allowed", "wrong method for this path", allow);
	return WEIR_CLIENT_STOP;
}

/* Of a message that a person reads. */
static void say_limit(const struct weir_quota_bounds *bounds, enum weir_quota_limit limit,
		      char *text, size_t size)
{
	switch (limit) {
	case WEIR_QUOTA_RPM:
		snprintf(text, size, "more than %llu requests a minute",
			 (unsigned long long)bounds->rpm);
		return;
	case WEIR_QUOTA_TPM:
		snprintf(text, size, "more than %llu tokens a minute",
			 (unsigned long long)bounds->tpm);
		return;
	case WEIR_QUOTA_INFLIGHT:
		snprintf(text, size, "more than %u requests at once", bounds->max_inflight);
		return;
	case WEIR_QUOTA_DAY:
		snprintf(text, size, "the budget of this day is spent");
		return;
	case WEIR_QUOTA_MONTH:
		snprintf(text, size, "the budget of this month is spent");
		return;
	case WEIR_QUOTA_LIMITS_N:
		break;
	}
}

static int refuse_limited(struct weir_client *client, const struct weir_books *books,
			  const struct weir_quota_refusal *refusal, uint64_t now_ms)
{
	bool budget = refusal->limit == WEIR_QUOTA_DAY || refusal->limit == WEIR_QUOTA_MONTH;
	char words[64] = "", message[160];
	struct weir_buf fields;
	struct weir_pen pen = { &fields, 0 };

	say_limit(&books->quota.bounds, refusal->limit, words, sizeof words);
	snprintf(message, sizeof message, "this API key is at its limit: %s", words);
	weir_buf_init(&fields, WEIR_CLIENT_MORE_MAX);
	weir_claim_put_fields(books, now_ms, &pen);
	weir_report_retry(&pen, true, refusal->retry_ms);
	if (pen.rc == 0)
		pen.rc = weir_buf_append(&fields, "", 1);
	weir_client_refuse(client, 429, budget ? "insufficient_quota" : "rate_limit_exceeded",
			   message, pen.rc ? "" : fields.base);
	weir_buf_fini(&fields);
	return WEIR_CLIENT_STOP;
}

/* Its body is not asked for before it may begin. */
static int admit(struct weir_client *client, const struct weir_http_head *head)
{
	struct weir_request_input *input = &client->input;
	struct weir_quota_time now;
	struct weir_quota_refusal refusal;
	struct weir_books *books;

	if (!input->caller)
		return 0;
	now = weir_gateway_time(client->gateway);
	books = input->snapshot->books[input->caller->index];
	if (weir_claim_take(&input->claim, client->gateway->shm, books,
			    head->has_length ? head->content_length : 0, &now, &refusal))
		return 0;
	return refuse_limited(client, books, &refusal, now.ms);
}

static int begin_request(struct weir_client *client, const struct weir_http_head *head,
			 enum weir_route route)
{
	struct weir_slice type = weir_http_field(head, "content-type");
	struct weir_slice coding = weir_http_field(head, "content-encoding");
	uint64_t max = client->gateway->now->config->body_max;
	int rc;

	if (!weir_slice_is(head->method, "POST"))
		return refuse_method(client, "POST");
	if (!client->gateway->now->config->access_keys_n && weir_access_cross_site(head))
		return weir_client_refuse_head(
			client, 403, "cross_site_request",
			"weir has no access keys, so it answers no web page of another "
			"origin: configure `access.keys`");
	if (type.base && !weir_input_is_json(type))
		return weir_client_refuse_head(
			client, 415, "unsupported_media_type",
			"send the body as content-type: application/json in UTF-8");
	if (coding.len && !weir_slice_is_nocase(coding, "identity"))
		return weir_client_refuse_head(client, 415, "unsupported_media_type",
					       "send the body without content-encoding");
	if (head->has_length && head->content_length > max)
		return weir_client_refuse_head(client, 413, "request_too_large",
					       "the body is larger than weir accepts");
	if (weir_shed_refuse(client) ||
	    (head->has_length && !weir_shed_admit(client, head->content_length)) ||
	    admit(client, head))
		return WEIR_CLIENT_STOP;
	client->work = WEIR_WORK_REQUEST;
	rc = weir_input_take(&client->input, head, route);
	if (rc == WEIR_ELIMIT)
		return weir_client_refuse_head(client, 431, "headers_too_large",
					       "the header fields are larger than weir accepts");
	if (rc)
		return weir_client_refuse_head(client, 503, "out_of_memory",
					       "weir is out of memory");
	return invite_body(client, head);
}

static int begin_page(struct weir_client *client, const struct weir_http_head *head)
{
	const struct weir_admin_refusal *refusal;
	const char *allowed;

	client->page = weir_page_find(client->admin, head->method, client->path, &client->page_rest,
				      &allowed);
	if (client->page && client->admin &&
	    (refusal = weir_admin_refusal(client, client->page, head)))
		return weir_client_refuse_head(client, refusal->status, refusal->code,
					       refusal->message);
	if (client->page) {
		client->work = WEIR_WORK_DIRECT;
		client->wants_open_metrics = weir_page_wants_open_metrics(
			weir_http_field(head, "accept"));
		return invite_body(client, head);
	}
	if (allowed)
		return refuse_method(client, allowed);
	return weir_client_refuse_head(
		client, 404, "not_found",
		client->admin ? "there is no such path here; / lists those there are"
			      : "there is no such path here; this version of weir serves "
				"/v1/chat/completions, /v1/completions, /v1/embeddings, "
				"/v1/responses, /v1/messages and /v1/models");
}

/* By a listener that a reload has closed since: it was safe with the access keys of then. */
static bool is_stranded(const struct weir_client *client)
{
	const struct weir_config *config = client->gateway->now->config;

	return client->outside && !config->access_keys_n && !config->access_open &&
	       !(config->client_ca && client->certified);
}

/* Where there are no keys, whatever a caller sends is ignored. */
static bool let_in(struct weir_client *client, const struct weir_http_head *head)
{
	struct weir_snapshot *now = client->gateway->now;
	const struct weir_caller *caller = NULL;

	if (now->config->access_keys_n) {
		caller = weir_access_find(now->config, head, (uint64_t)time(NULL));
		if (!caller)
			return false;
	}
	weir_input_begin(&client->input, now, caller);
	return true;
}

int weir_client_on_head(void *arg, const struct weir_http_head *head)
{
	struct weir_client *client = arg;
	const struct weir_page *page = NULL;
	enum weir_route route;
	const char *allowed;
	bool is_request;

	client->path = weir_input_path(head->target);
	client->keep_alive = head->keep_alive && weir_shed_keeps(client->gateway) &&
			     !weir_client_is_outdated(client);
	client->minor0 = head->minor == 0;
	client->is_head = weir_slice_is(head->method, "HEAD");
	client->anthropic_shape = weir_slice_starts(client->path, "/v1/messages");
	client->phase = WEIR_CLIENT_BODY;
	client->body_began_ms = weir_gateway_now_ms(client->gateway);
	if (client->admin)
		return begin_page(client, head);
	weir_peer_find(client, head, client->input.peer);
	is_request = weir_request_route(client->path, &route);
	if (!is_request)
		page = weir_page_find(false, head->method, client->path, &client->page_rest,
				      &allowed);
	if (is_stranded(client))
		return weir_client_refuse_head(
			client, 401, "invalid_api_key",
			"weir has no access keys any more and is not open to others");
	if (page && page->guard == WEIR_PAGE_OPEN)
		return begin_page(client, head);
	if (!let_in(client, head))
		return weir_client_refuse_head(
			client, 401, "invalid_api_key",
			"missing or unknown API key; send one of weir's own keys as "
			"authorization: Bearer");
	if (is_request)
		return begin_request(client, head, route);
	return begin_page(client, head);
}
