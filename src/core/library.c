/* The public face, <weir.h>: checks what comes in, and translates. */
#include "weir.h"

#include <stdio.h>

#include "base/alloc.h"
#include "core/doors.h"
#include "core/reload.h"
#include "core/request.h"
#include "core/view.h"

enum { TRAIL_MAX = 16 * 1024, TEXT_MAX = 64 * 1024 * 1024 };

_Static_assert((int)WEIR_ERR_MEMORY == (int)WEIR_ENOMEM, "public and private codes agree");
_Static_assert((int)WEIR_ERR_CONFIG == (int)WEIR_ECONFIG, "likewise");
_Static_assert((int)WEIR_ERR_TLS == (int)WEIR_ETLS, "likewise");
_Static_assert((int)WEIR_ERR_BIND == (int)WEIR_EBIND, "likewise");

static int explain(char *why, size_t why_size, const struct weir_error *err, int rc)
{
	if (rc && why && why_size)
		snprintf(why, why_size, "%s", err->text);
	return rc;
}

static int read_config(struct weir_gateway *g, struct weir_slice text, struct weir_config **config,
		       struct weir_error *err)
{
	struct weir_findings findings;
	int rc;

	weir_findings_init(&findings, weir_reload_name(g));
	rc = weir_reload_read(g, text, config, &findings);
	weir_reload_hear(&findings, g->on_finding, g->callbacks_arg);
	if (rc)
		weir_fail(err, rc,
			  rc == WEIR_ENOMEM ? "out of memory" : "the configuration has %u error(s)",
			  findings.errors);
	weir_findings_fini(&findings);
	return rc;
}

/* What a caller of another version sets: fewer fields are fine, unknown ones are not. */
static int read_options(struct weir_gateway_options *options,
			const struct weir_gateway_options *given, struct weir_error *err)
{
	const char *bytes = (const char *)given;

	if (given->size <= offsetof(struct weir_gateway_options, now_ms))
		return weir_fail(err, UV_EINVAL,
				 "options.size is not set: begin with WEIR_GATEWAY_OPTIONS_INIT");
	for (size_t i = sizeof *options; i < given->size; i++)
		if (bytes[i])
			return weir_fail(err, UV_E2BIG, "the options are for a later weir");
	memset(options, 0, sizeof *options);
	memcpy(options, given, given->size < sizeof *options ? given->size : sizeof *options);
	if (options->shm && options->worker >= weir_shm_holders(options->shm))
		return weir_fail(err, UV_EINVAL, "there are not so many workers");
	return 0;
}

static struct weir_gateway *allocate(const struct weir_gateway_options *options)
{
	struct weir_gateway *g = weir_calloc(1, sizeof *g);

	if (!g)
		return NULL;
	g->log = (struct weir_log){ options->on_log, options->arg, options->log_text != 0, 0 };
	g->log_text = options->log_text != 0;
	g->log_text_fixed = options->log_text_fixed != 0;
	g->on_attempt = options->on_attempt;
	g->log_dropped = options->log_dropped;
	g->on_drain = options->on_drain;
	g->on_finding = options->on_finding;
	g->on_notice = options->on_notice;
	g->on_reload = options->on_reload;
	g->now_ms = options->now_ms;
	g->shm = options->shm;
	g->callbacks_arg = options->arg;
	g->config_is_text = options->config_text && !options->config_reread;
	if (!options->config_path)
		return g;
	g->config_path = weir_strndup(options->config_path, strlen(options->config_path));
	if (g->config_path)
		return g;
	weir_free(g);
	return NULL;
}

static void on_otel_warning(void *arg, const char *sentence)
{
	struct weir_gateway *g = arg;

	weir_log_note(&g->log, WEIR_LOG_WARN, "traces", "%s", sentence);
}

/* Without them requests are served all the same. */
static void start_traces(struct weir_gateway *g, const struct weir_gateway_options *options)
{
	struct weir_error err = { 0 };
	struct weir_otel otel;
	int rc = weir_otel_read(&otel, options->otel, options->arg, on_otel_warning, g);

	if (rc == 0 && !otel.on)
		return;
	if (rc) {
		weir_otel_fini(&otel);
		weir_fail(&err, rc, "out of memory");
	} else {
		rc = weir_exporter_create(&g->exporter, g, &otel, &err);
	}
	if (rc) {
		weir_log_note(&g->log, WEIR_LOG_ERROR, "traces", "no traces are sent: %s",
			      err.text);
		return;
	}
	g->handles_open++;
	weir_log_note(&g->log, WEIR_LOG_INFO, "traces", "traces go to %s as %s",
		      weir_exporter_otel(g->exporter)->url,
		      weir_exporter_otel(g->exporter)->attributes[0].value);
}

static int start_shared(struct weir_gateway *g, struct weir_error *err)
{
	int rc = g->now->config->state.host ? weir_shared_create(&g->shared, g, err) : 0;

	g->handles_open += g->shared != NULL;
	return rc;
}

static int create(struct weir_gateway **gateway, uv_loop_t *loop,
		  const struct weir_gateway_options *options, struct weir_error *err)
{
	struct weir_slice text = weir_slice(options->config_text, options->config_len);
	struct weir_gateway *g = allocate(options);
	struct weir_config *config;
	int rc;

	if (!g)
		return weir_fail(err, WEIR_ENOMEM, "out of memory");
	if (g->shm)
		weir_shm_join(g->shm, options->worker);
	rc = read_config(g, text, &config, err);
	if (rc) {
		weir_free(g->config_path);
		weir_free(g);
		return rc;
	}
	rc = weir_gateway_open(g, loop, config, options->seed, err);
	if (rc == 0)
		rc = start_shared(g, err);
	if (rc) {
		weir_gateway_close(g, NULL, NULL); /* what was opened ends on the loop */
		return rc;
	}
	if (options->otel)
		start_traces(g, options);
	if (g->now->config->log.attempts)
		g->attempt_log = (struct weir_log){ g->on_attempt, g->callbacks_arg, false, 0 };
	*gateway = g;
	return 0;
}

int weir_gateway_create(struct weir_gateway **gateway, uv_loop_t *loop,
			const struct weir_gateway_options *given, char *why, size_t why_size)
{
	struct weir_gateway_options options;
	struct weir_error err = { 0 };
	int rc = read_options(&options, given, &err);

	*gateway = NULL;
	if (rc == 0)
		rc = create(gateway, loop, &options, &err);
	return explain(why, why_size, &err, rc);
}

int weir_gateway_reload(struct weir_gateway *g, const char *config_text, size_t config_len,
			char *why, size_t why_size)
{
	struct weir_error err = { 0 };
	int rc = weir_reload(g, weir_slice(config_text, config_len), g->on_finding, &err);

	return explain(why, why_size, &err, rc);
}

static int open_listener(struct weir_gateway *g, const char *address, bool admin,
			 struct weir_error *err)
{
	bool *configured = admin ? &g->admin_configured : &g->listens_configured;
	struct weir_list fresh;
	const char *key;
	int rc;

	if (g->draining || g->closing)
		return weir_fail(err, WEIR_EBIND, "the gateway is closing");
	if (admin && g->admin)
		return weir_fail(err, WEIR_EBIND, "the admin listener is open already");
	if (address)
		return weir_doors_open(g, address, admin, err);
	*configured = true;
	rc = weir_doors_prepare(g, g->now->config, &fresh, &key, err);
	if (rc)
		*configured = false;
	else
		weir_doors_settle(g, &fresh);
	return rc;
}

int weir_gateway_listen(struct weir_gateway *g, const char *address, char *why, size_t why_size)
{
	struct weir_error err = { 0 };

	return explain(why, why_size, &err, open_listener(g, address, false, &err));
}

int weir_gateway_listen_admin(struct weir_gateway *g, const char *address, char *why,
			      size_t why_size)
{
	struct weir_error err = { 0 };

	return explain(why, why_size, &err, open_listener(g, address, true, &err));
}

int weir_gateway_inherit(struct weir_gateway *g, int fd, const char *name, unsigned flags,
			 char *why, size_t why_size)
{
	struct weir_error err = { 0 };

	return explain(why, why_size, &err, weir_doors_inherit(g, fd, name, flags, &err));
}

const char *weir_gateway_inherited(const struct weir_gateway *g, size_t index)
{
	return weir_doors_inherited(g, index);
}

void weir_gateway_disinherit(struct weir_gateway *g)
{
	weir_doors_disinherit(g);
}

int weir_gateway_socket(const struct weir_gateway *g, size_t index, struct weir_socket *socket)
{
	WEIR_LIST_FOR(node, &g->doors)
	{
		const struct weir_door *door = WEIR_CONTAINER_OF(node, struct weir_door, node);

		if (index--)
			continue;
		*socket = (struct weir_socket){
			.fd = weir_listener_fd(&door->listener),
			.flags = (unsigned)(door->admin ? WEIR_SOCKET_ADMIN : WEIR_SOCKET_PUBLIC) |
				 (unsigned)(door->listener.shared ? WEIR_SOCKET_SHARED : 0),
			.name = door->asked,
			.address = door->listener.text,
		};
		return 0;
	}
	return UV_ENOENT;
}

void weir_gateway_hand_over(struct weir_gateway *g)
{
	weir_doors_hand_over(g);
	g->handed_over = true;
}

void weir_gateway_unref(struct weir_gateway *g)
{
	g->unrefed = true;
	weir_doors_count(g);
}

void weir_gateway_ref(struct weir_gateway *g)
{
	g->unrefed = false;
	weir_doors_count(g);
}

const char *weir_gateway_address(const struct weir_gateway *g, size_t index)
{
	const struct weir_door *door = weir_doors_at(g, false, index);

	return door ? door->listener.text : NULL;
}

const char *weir_gateway_admin_address(const struct weir_gateway *g)
{
	return g->admin ? g->admin->text : NULL;
}

struct weir_log_settings weir_gateway_log_settings(const struct weir_gateway *g)
{
	return (struct weir_log_settings){
		.file = g->now->config->log.file,
		.attempts = g->now->config->log.attempts,
		.text = g->log.text,
		.level = (int)g->log.least,
	};
}

const char *weir_gateway_chain(const struct weir_gateway *g, size_t index)
{
	return index < g->now->config->chains_n ? g->now->config->chains[index]->name : NULL;
}

static int give_text(struct weir_buf *buf, int rc, char **text, size_t *len)
{
	*text = NULL;
	*len = 0;
	if (rc == 0)
		rc = weir_buf_append(buf, "", 1); /* a NUL for those who print it */
	if (rc) {
		weir_buf_fini(buf);
		return rc;
	}
	*text = buf->base;
	*len = buf->len - 1;
	return 0;
}

int weir_gateway_metrics(struct weir_gateway *g, char **text, size_t *len)
{
	struct weir_metrics_wish wish = { 0 };
	struct weir_buf buf;

	weir_buf_init(&buf, TEXT_MAX);
	return give_text(&buf, weir_view_metrics(g, wish, &buf), text, len);
}

int weir_gateway_status(struct weir_gateway *g, char **text, size_t *len)
{
	struct weir_buf buf;

	weir_buf_init(&buf, TEXT_MAX);
	return give_text(&buf, weir_view_status(g, (struct weir_recent_since){ 0 }, &buf), text,
			 len);
}

int weir_replace_allocator(void *(*malloc_fn)(size_t size),
			   void *(*realloc_fn)(void *ptr, size_t size),
			   void *(*calloc_fn)(size_t count, size_t size),
			   void (*free_fn)(void *ptr))
{
	if (!malloc_fn || !realloc_fn || !calloc_fn || !free_fn)
		return UV_EINVAL;
	if (weir_alloc_used())
		return UV_EBUSY;
	weir_alloc_replace(&(struct weir_heap){ malloc_fn, calloc_fn, realloc_fn, free_fn });
	return 0;
}

void weir_text_free(char *text)
{
	weir_free(text);
}

/* ---- requests without a listener ---- */

struct weir_call {
	const struct weir_request_callbacks *callbacks;
	void *user;
	const struct weir_gateway *gateway;
	bool cancelled;
};

static struct weir_call *call_of(const struct weir_request *request)
{
	return weir_request_owner(request);
}

/* Closing a gateway cancels all, though it may be later that they end. */
static bool hears(struct weir_call *call)
{
	call->cancelled |= call->gateway->closing;
	return !call->cancelled;
}

static bool on_answer(struct weir_request *request, const struct weir_answer *answer,
		      struct weir_slice first, bool ended)
{
	struct weir_call *call = call_of(request);
	const struct weir_request_callbacks *callbacks = call->callbacks;

	(void)ended;
	if (callbacks->on_start && hears(call))
		callbacks->on_start(request, (int)answer->status, answer->content_type,
				    answer->target);
	if (first.len == 0 || !callbacks->on_bytes || !hears(call))
		return true;
	if (!weir_request_listens(request))
		return false;
	callbacks->on_bytes(request, first.base, first.len);
	return true;
}

static void on_bytes(struct weir_request *request, struct weir_slice bytes, bool ended)
{
	struct weir_call *call = call_of(request);

	(void)ended;
	if (bytes.len && call->callbacks->on_bytes && hears(call))
		call->callbacks->on_bytes(request, bytes.base, bytes.len);
}

static void on_done(struct weir_request *request, bool whole)
{
	struct weir_call *call = call_of(request);
	struct weir_buf trail;

	weir_buf_init(&trail, TRAIL_MAX);
	if (weir_request_trail(request, &trail) || weir_buf_append(&trail, "", 1))
		weir_buf_clear(&trail);
	if (call->callbacks->on_done)
		call->callbacks->on_done(request, whole && !call->cancelled,
					 trail.len ? trail.base : "");
	weir_buf_fini(&trail);
	weir_free(call);
}

static const struct weir_request_events call_events = { on_answer, on_bytes, on_done };

int weir_request_start(struct weir_request **request, struct weir_gateway *g, const char *path,
		       const char *body, size_t body_len,
		       const struct weir_request_callbacks *callbacks, void *user)
{
	return weir_request_start_at(request, g, path, NULL, body, body_len, callbacks, user);
}

int weir_request_start_at(struct weir_request **request, struct weir_gateway *g, const char *path,
			  const char *target, const char *body, size_t body_len,
			  const struct weir_request_callbacks *callbacks, void *user)
{
	struct weir_request_input input = { .only = target };
	struct weir_call *call;
	int rc;

	if (!weir_request_route(weir_slice_of(path), &input.route) || g->closing || g->draining)
		return UV_EINVAL;
	weir_buf_init(&input.body, g->now->config->body_max);
	weir_buf_init(&input.fields, 0);
	rc = weir_buf_append(&input.body, body, body_len);
	call = rc ? NULL : weir_alloc(sizeof *call);
	if (!call) {
		weir_buf_fini(&input.body);
		return rc == WEIR_ELIMIT ? UV_EMSGSIZE : WEIR_ENOMEM;
	}
	*call = (struct weir_call){ callbacks, user, g, false };
	input.snapshot = weir_snapshot_ref(g->now);
	rc = weir_request_open(request, g, &input, &call_events, call);
	if (rc)
		weir_free(call);
	return rc;
}

void weir_request_cancel(struct weir_request *request)
{
	call_of(request)->cancelled = true;
	weir_request_hangup(request);
}

void weir_request_pause(struct weir_request *request)
{
	weir_request_hold(request, true);
}

void weir_request_resume(struct weir_request *request)
{
	weir_request_release(request);
}

void *weir_request_user(const struct weir_request *request)
{
	return call_of(request)->user;
}
