#include "core/admin.h"

#include <stdio.h>

#include "config/url.h"
#include "core/access.h"
#include "core/client.h"
#include "core/reload.h"
#include "core/report.h"

enum { ID_MAX = 3 * (2 * WEIR_NAME_MAX + 16), HOST_FIELD_MAX = 300 };

/* ---- who ---- */

static bool is_literal(const struct weir_url *url)
{
	struct weir_slice host = url->host;

	for (size_t i = 0; i < host.len && !url->v6; i++)
		if (host.base[i] != '.' && (host.base[i] < '0' || host.base[i] > '9'))
			return false;
	return host.len > 0;
}

/* A Host field; url goes into text. */
static bool read_host(struct weir_slice field, char text[HOST_FIELD_MAX], struct weir_url *url)
{
	if (field.len == 0 || field.len > HOST_FIELD_MAX - 10)
		return false;
	snprintf(text, HOST_FIELD_MAX, "http://%.*s", (int)field.len, field.base);
	return !weir_url_parse(weir_slice_of(text), url) && url->path.len == 0;
}

/* A name that an attacker has pointed here is not the listener's. */
static bool is_own_host(const struct weir_listener *listener, struct weir_slice field)
{
	char text[HOST_FIELD_MAX];
	struct weir_endpoint own;
	struct weir_url url;

	if (!listener || !weir_endpoint_parse(weir_slice_of(listener->text), &own))
		return false;
	if (own.is_unix)
		return true;
	if (!read_host(field, text, &url))
		return false;
	return weir_endpoint_serves(&own, url.host, url.port) ||
	       (own.kind == WEIR_HOST_ANY && own.port == url.port && is_literal(&url));
}

/* An address, localhost or the listener's own name, at any port: a forwarded one is no
 * attack. Only a browser can be led here, and it always sends a Host. */
static bool is_known_host(const struct weir_listener *listener, struct weir_slice field)
{
	char text[HOST_FIELD_MAX];
	struct weir_endpoint own;
	struct weir_url url;

	if (field.len == 0 || !listener ||
	    !weir_endpoint_parse(weir_slice_of(listener->text), &own) || own.is_unix)
		return true;
	if (!read_host(field, text, &url))
		return false;
	return is_literal(&url) || weir_host_kind(url.host) == WEIR_HOST_LOOPBACK ||
	       weir_slice_eq(url.host, own.host);
}

/* Who came from outside needs the key, also by a listener that a reload has closed since. */
static bool has_key(const struct weir_client *client, const struct weir_http_head *head)
{
	const struct weir_config *config = client->gateway->now->config;

	return !(client->outside && config->admin_key.len == 0) && weir_access_admin(config, head);
}

const struct weir_admin_refusal *weir_admin_refusal(const struct weir_client *client,
						    const struct weir_page *page,
						    const struct weir_http_head *head)
{
	static const struct weir_admin_refusal no_header = {
		403, "admin_header_missing",
		"send the header x-weir-admin: 1, which no web page can send for you"
	};
	static const struct weir_admin_refusal foreign_host = {
		403, "admin_host_mismatch",
		"the Host header must be the admin listener's own address and port"
	};
	static const struct weir_admin_refusal foreign_name = {
		403, "admin_host_mismatch",
		"the Host header must be an IP address, localhost or the admin listener's own name"
	};
	static const struct weir_admin_refusal foreign_page = {
		403, "cross_site_request", "this is not for a web page of another origin"
	};
	static const struct weir_admin_refusal no_key = {
		401, "invalid_admin_key",
		"missing or wrong admin_key; send it as authorization: Bearer"
	};
	bool changes = strcmp(page->method, "POST") == 0;
	bool keyed = page->guard == WEIR_PAGE_KEYED;
	const struct weir_listener *own = client->gateway->admin;

	if (changes && !weir_slice_is(weir_http_field(head, "x-weir-admin"), "1"))
		return &no_header;
	if (changes && !is_own_host(own, weir_http_field(head, "host")))
		return &foreign_host;
	if (page->guard != WEIR_PAGE_OPEN && !client->outside &&
	    !is_known_host(own, weir_http_field(head, "host")))
		return &foreign_name;
	if (keyed && weir_access_cross_site(head))
		return &foreign_page;
	if (keyed && (changes || client->outside) && !has_key(client, head))
		return &no_key;
	return NULL;
}

/* ---- what ---- */

int weir_admin_reload(struct weir_gateway *g, struct weir_slice rest,
		      struct weir_page_answer *answer)
{
	struct weir_error err = { 0 };
	int rc = weir_reload(g, weir_slice(NULL, 0), NULL, &err);

	(void)rest;
	if (rc == WEIR_ENOMEM)
		return rc;
	if (rc == 0 && g->on_reload)
		g->on_reload(g->callbacks_arg);
	answer->status = rc ? 422 : 200;
	rc = weir_buf_append(&answer->body, g->reload.base, g->reload.len);
	return rc ? rc : weir_buf_puts(&answer->body, "\n");
}

int weir_admin_drain(struct weir_gateway *g, struct weir_slice rest,
		     struct weir_page_answer *answer)
{
	(void)rest;
	weir_gateway_ask_drain(g);
	answer->status = 202;
	return weir_buf_puts(&answer->body, "{\"draining\":true}\n");
}

static int not_found(struct weir_page_answer *answer, const char *message)
{
	answer->status = 404;
	return weir_report_error(message, "invalid_request_error", "target_not_found", NULL, NULL,
				 0, &answer->body);
}

static const struct weir_target *target_by(const struct weir_config *config, struct weir_slice id)
{
	const struct weir_target *target = weir_config_target(config, id);

	for (unsigned i = 0; i < config->targets_n && !target; i++)
		if (weir_slice_is(id, config->targets[i]->trail_id))
			target = config->targets[i];
	return target;
}

/* "provider/model", or "provider/model#N" for one of several keys. NULL: there is none. */
static const struct weir_target *target_of(const struct weir_config *config, struct weir_slice id,
					   unsigned *key)
{
	const struct weir_target *target = target_by(config, id);
	const char *mark = id.len ? memrchr(id.base, '#', id.len) : NULL;
	uint64_t n;

	*key = WEIR_KEYS_MAX;
	if (target || !mark)
		return target;
	if (!weir_slice_to_u64(weir_slice(mark + 1, id.len - (size_t)(mark - id.base) - 1), &n))
		return NULL;
	target = target_by(config, weir_slice(id.base, (size_t)(mark - id.base)));
	if (!target || n == 0 || n > target->provider->keys_n)
		return NULL;
	*key = (unsigned)n - 1;
	return target;
}

static void log_switch(const struct weir_log *log, struct weir_slice id, bool disable)
{
	struct weir_log_line line;

	weir_log_begin(&line, log, WEIR_LOG_INFO, disable ? "target_disabled" : "target_enabled");
	weir_log_slice(&line, "target", id);
	weir_log_end(&line);
}

static int turn(struct weir_gateway *g, struct weir_slice id, bool disable,
		struct weir_page_answer *answer)
{
	unsigned key;
	const struct weir_target *target = target_of(g->now->config, id, &key);
	const struct weir_log *events;
	int rc;

	if (!target)
		return not_found(answer, "there is no such target; /status lists those there are");
	rc = weir_board_disable(g->now->board, target, key, disable);
	if (rc)
		return rc;
	log_switch(&g->log, id, disable);
	if ((events = weir_events_log(&g->events)))
		log_switch(events, id, disable);
	weir_gateway_make_room(g); /* somebody may have waited for just this one */
	if ((rc = weir_buf_puts(&answer->body, "{\"target\":")) ||
	    (rc = weir_buf_json(&answer->body, id)))
		return rc;
	return weir_buf_printf(&answer->body, ",\"disabled\":%s}\n", disable ? "true" : "false");
}

int weir_admin_switch(struct weir_gateway *g, struct weir_slice rest,
		      struct weir_page_answer *answer)
{
	const char *slash = rest.len ? memrchr(rest.base, '/', rest.len) : NULL;
	size_t n = slash ? (size_t)(slash - rest.base) : 0;
	struct weir_slice verb = slash ? weir_slice(slash + 1, rest.len - n - 1) : rest;
	bool disable = weir_slice_is(verb, "disable");
	struct weir_buf id;
	int rc;

	if (n == 0 || !(disable || weir_slice_is(verb, "enable")))
		return not_found(answer, "write /targets/{id}/disable or /targets/{id}/enable");
	weir_buf_init(&id, ID_MAX);
	rc = weir_page_decode(weir_slice(rest.base, n), &id);
	if (rc == 0)
		rc = turn(g, weir_buf_slice(&id), disable, answer);
	else if (rc == WEIR_ELIMIT)
		rc = not_found(answer, "there is no such target; /status lists those there are");
	weir_buf_fini(&id);
	return rc;
}
