#include "core/page.h"

#include "core/admin.h"
#include "core/report.h"
#include "core/status_page.inc"
#include "core/view.h"

static int say(struct weir_page_answer *answer, unsigned status, const char *text)
{
	answer->status = status;
	answer->content_type = "text/plain; charset=utf-8";
	return weir_buf_puts(&answer->body, text);
}

static int livez(struct weir_gateway *gateway, struct weir_slice rest,
		 struct weir_page_answer *answer)
{
	(void)gateway, (void)rest;
	return say(answer, 200, "ok\n");
}

static int readyz(struct weir_gateway *gateway, struct weir_slice rest,
		  struct weir_page_answer *answer)
{
	const struct weir_config *config = gateway->now->config;
	int rc;

	(void)rest;
	rc = say(answer, gateway->draining ? 503 : 200,
		 gateway->draining ? "draining\n" : "ready\n");
	for (unsigned i = 0; i < config->chains_n && rc == 0; i++)
		rc = weir_buf_printf(&answer->body, "[+]chain/%s ok\n", config->chains[i]->name);
	return rc;
}

static int metrics(struct weir_gateway *gateway, struct weir_slice rest,
		   struct weir_page_answer *answer)
{
	struct weir_metrics_wish wish = { answer->open_metrics, true };

	(void)rest;
	answer->content_type =
		wish.open_metrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
				  : "text/plain; version=0.0.4; charset=utf-8";
	return weir_view_metrics(gateway, wish, &answer->body);
}

static int status(struct weir_gateway *gateway, struct weir_slice rest,
		  struct weir_page_answer *answer)
{
	(void)rest;
	return weir_view_status(gateway, (struct weir_recent_since){ 0 }, &answer->body);
}

/* All it shows it asks for itself. */
static int status_page(struct weir_gateway *gateway, struct weir_slice rest,
		       struct weir_page_answer *answer)
{
	(void)gateway, (void)rest;
	answer->content_type = "text/html; charset=utf-8";
	answer->fields = WEIR_SLICE("content-security-policy: " STATUS_PAGE_POLICY "\r\n"
				    "x-frame-options: DENY\r\n"
				    "referrer-policy: no-referrer\r\n"
				    "cache-control: no-cache\r\n");
	return weir_buf_append(&answer->body, status_page_html, sizeof status_page_html);
}

static bool events(struct weir_gateway *gateway, struct weir_client *client)
{
	return weir_events_join(&gateway->events, client);
}

static bool live(struct weir_gateway *gateway, struct weir_client *client)
{
	return weir_watch_join(&gateway->watch, client);
}

/* As callers of OpenAI's API and of Anthropic's know one, in one: each finds its own. When it
 * began nobody knows. */
static int put_model(struct weir_buf *out, const struct weir_chain *chain)
{
	struct weir_slice name = weir_slice_of(chain->name);
	int rc = weir_buf_puts(out, "{\"id\":");

	if (rc == 0)
		rc = weir_buf_json(out, name);
	if (rc == 0)
		rc = weir_buf_puts(out, ",\"object\":\"model\",\"created\":0,\"owned_by\":\"weir\","
					"\"type\":\"model\",\"display_name\":");
	if (rc == 0)
		rc = weir_buf_json(out, name);
	return rc ? rc : weir_buf_puts(out, ",\"created_at\":\"1970-01-01T00:00:00Z\"}");
}

static int put_end(struct weir_buf *out, const char *field, const struct weir_chain *chain)
{
	int rc = weir_buf_puts(out, field);

	if (rc)
		return rc;
	return chain ? weir_buf_json(out, weir_slice_of(chain->name)) : weir_buf_puts(out, "null");
}

/* All that the caller may ask for on one page, however few it wants. */
static int models(struct weir_gateway *gateway, struct weir_slice rest,
		  struct weir_page_answer *answer)
{
	const struct weir_config *config = answer->config;
	const struct weir_chain *first = NULL, *last = NULL;
	int rc = weir_buf_puts(&answer->body, "{\"object\":\"list\",\"data\":[");

	(void)gateway, (void)rest;
	for (unsigned i = 0; i < config->chains_n && rc == 0; i++) {
		if (!weir_caller_may(answer->caller, config->chains[i]))
			continue;
		last = config->chains[i];
		if (!first)
			first = last;
		if (first == last || (rc = weir_buf_puts(&answer->body, ",")) == 0)
			rc = put_model(&answer->body, last);
	}
	if (rc == 0)
		rc = put_end(&answer->body, "],\"has_more\":false,\"first_id\":", first);
	if (rc == 0)
		rc = put_end(&answer->body, ",\"last_id\":", last);
	return rc ? rc : weir_buf_puts(&answer->body, "}\n");
}

static int hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

int weir_page_decode(struct weir_slice text, struct weir_buf *out)
{
	int rc = 0;

	for (size_t i = 0; i < text.len && rc == 0; i++) {
		char c = text.base[i];

		if (c == '%' && i + 2 < text.len && hex(text.base[i + 1]) >= 0 &&
		    hex(text.base[i + 2]) >= 0) {
			c = (char)(hex(text.base[i + 1]) * 16 + hex(text.base[i + 2]));
			i += 2;
		}
		rc = weir_buf_append(out, &c, 1);
	}
	return rc;
}

static int model(struct weir_gateway *gateway, struct weir_slice rest,
		 struct weir_page_answer *answer)
{
	const struct weir_chain *chain;
	struct weir_buf name;
	int rc;

	(void)gateway;
	weir_buf_init(&name, 16 * 1024);
	rc = weir_page_decode(rest, &name);
	chain = rc ? NULL : weir_config_chain(answer->config, weir_buf_slice(&name));
	weir_buf_fini(&name);
	if (rc)
		return rc;
	if (chain && weir_caller_may(answer->caller, chain))
		return put_model(&answer->body, chain);
	answer->status = 404;
	return weir_report_error("the model is not configured; GET /v1/models lists those that are",
				 "invalid_request_error", "model_not_found", "model", NULL, 0,
				 &answer->body);
}

/* clang-format off */
static const struct weir_page pages[] = {
	/*            path            admin  guard            answer */
	{ "GET",  "/livez",         false, WEIR_PAGE_OPEN,  livez },
	{ "GET",  "/healthz",       false, WEIR_PAGE_OPEN,  livez },
	{ "GET",  "/readyz",        false, WEIR_PAGE_OPEN,  readyz },
	{ "GET",  "/v1/models",     false, WEIR_PAGE_KEYED, models },
	{ "GET",  "/v1/models/",    false, WEIR_PAGE_KEYED, model },
	{ "HEAD", "/",              false, WEIR_PAGE_OPEN,  livez }, /* some clients look whether */
	{ "HEAD", "/api/hello",     false, WEIR_PAGE_OPEN,  livez }, /* anybody is there */
	{ "GET",  "/livez",         true,  WEIR_PAGE_OPEN,  livez },
	{ "GET",  "/healthz",       true,  WEIR_PAGE_OPEN,  livez },
	{ "GET",  "/readyz",        true,  WEIR_PAGE_OPEN,  readyz },
	{ "GET",  "/metrics",       true,  WEIR_PAGE_KEYED, metrics },
	{ "GET",  "/status",        true,  WEIR_PAGE_KEYED, status },
	{ "GET",  "/status/live",   true,  WEIR_PAGE_KEYED, NULL, live },
	{ "GET",  "/events",        true,  WEIR_PAGE_KEYED, NULL, events },
	{ "GET",  "/",              true,  WEIR_PAGE_BARE,  status_page },
	{ "POST", "/reload",        true,  WEIR_PAGE_KEYED, weir_admin_reload },
	{ "POST", "/drain",         true,  WEIR_PAGE_KEYED, weir_admin_drain },
	{ "POST", "/targets/",      true,  WEIR_PAGE_KEYED, weir_admin_switch },
};
/* clang-format on */

/* The quality of a range of types, in thousandths; RFC 9110 §12.4.2. */
static unsigned quality_of(struct weir_slice range)
{
	struct weir_slice value;
	double quality;

	while (range.len) {
		const char *semicolon = memchr(range.base, ';', range.len);
		size_t n = semicolon ? (size_t)(semicolon - range.base) : range.len;

		value = weir_slice_trim(weir_slice(range.base, n));
		if (weir_slice_starts_nocase(value, "q=") &&
		    weir_slice_to_double(weir_slice(value.base + 2, value.len - 2), &quality))
			return quality > 0 && quality <= 1 ? (unsigned)(quality * 1000) : 0;
		n += semicolon != NULL;
		range = weir_slice(range.base + n, range.len - n);
	}
	return 1000;
}

/* Prometheus asks for the version that it wants; 0.0.1 is an early form of the same. */
static bool is_open_metrics(struct weir_slice range)
{
	return weir_slice_starts_nocase(range, "application/openmetrics-text") &&
	       (!weir_slice_has_nocase(range, "version=") ||
		weir_slice_has_nocase(range, "version=1.0.0"));
}

bool weir_page_wants_open_metrics(struct weir_slice accept)
{
	unsigned open = 0, text = 0;

	while (accept.len) {
		const char *comma = memchr(accept.base, ',', accept.len);
		size_t n = comma ? (size_t)(comma - accept.base) : accept.len;
		struct weir_slice range = weir_slice_trim(weir_slice(accept.base, n));
		unsigned quality = quality_of(range);

		if (is_open_metrics(range) && quality > open)
			open = quality;
		if (weir_slice_starts_nocase(range, "text/plain") && quality > text)
			text = quality;
		n += comma != NULL;
		accept = weir_slice(accept.base + n, accept.len - n);
	}
	return open && open >= text;
}

static bool path_is(const struct weir_page *page, struct weir_slice path, struct weir_slice *rest)
{
	size_t n = strlen(page->path);

	if (n > 1 && page->path[n - 1] == '/' && path.len > n &&
	    weir_slice_starts(path, page->path)) {
		*rest = weir_slice(path.base + n, path.len - n);
		return true;
	}
	*rest = weir_slice(NULL, 0);
	return weir_slice_is(path, page->path);
}

const struct weir_page *weir_page_find(bool admin, struct weir_slice method, struct weir_slice path,
				       struct weir_slice *rest, const char **allowed)
{
	bool gets;

	*allowed = NULL;
	for (size_t i = 0; i < WEIR_COUNT_OF(pages); i++) {
		if (pages[i].admin != admin || !path_is(&pages[i], path, rest))
			continue;
		gets = strcmp(pages[i].method, "GET") == 0;
		if (weir_slice_is(method, pages[i].method) ||
		    (gets && weir_slice_is(method, "HEAD")))
			return &pages[i];
		if (strcmp(pages[i].method, "HEAD") != 0)
			*allowed = gets ? "GET, HEAD" : pages[i].method;
	}
	return NULL;
}
