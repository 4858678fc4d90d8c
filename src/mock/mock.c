#include "mock/mock.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "mock/server.h"

int weir_mock_create(struct weir_mock **out, uv_loop_t *loop, uint64_t seed)
{
	struct weir_mock *mock = weir_calloc(1, sizeof *mock);
	int rc;

	*out = NULL;
	if (!mock)
		return WEIR_ENOMEM;
	mock->loop = loop;
	mock->seed = seed;
	mock->spare = weir_alloc(sizeof *mock->spare);
	rc = mock->spare ? weir_net_init(&mock->net, loop) : WEIR_ENOMEM;
	if (rc) {
		weir_free(mock->spare);
		weir_free(mock);
		return rc;
	}
	weir_list_init(&mock->control_peers);
	weir_mock_chatter_init(&mock->chatter);
	weir_buf_init(&mock->payload, WEIR_MOCK_WIRE_MAX);
	weir_buf_init(&mock->wire, WEIR_MOCK_WIRE_MAX);
	weir_list_init(&mock->turns);
	rc = uv_idle_init(loop, &mock->turn);
	WEIR_ASSERT(rc == 0);
	mock->turn.data = mock;
	mock->open_n = 1;
	*out = mock;
	return 0;
}

static void vendor_destroy(struct weir_mock_vendor *v)
{
	weir_mock_rules_fini(v);
	weir_mock_tally_fini(v);
	weir_tls_config_destroy(v->tls);
	weir_free(v->name);
	weir_free(v);
}

void weir_mock_closed_one(struct weir_mock *mock)
{
	void (*on_closed)(void *arg) = mock->on_closed;
	void *arg = mock->arg;

	WEIR_ASSERT(mock->open_n > 0);
	if (--mock->open_n)
		return;
	for (unsigned i = 0; i < mock->vendors_n; i++)
		vendor_destroy(mock->vendors[i]);
	weir_free(mock->spare);
	weir_throwaway_ca_destroy(mock->ca);
	weir_mock_chatter_fini(&mock->chatter);
	weir_buf_fini(&mock->payload);
	weir_buf_fini(&mock->wire);
	weir_net_fini(&mock->net);
	weir_free(mock);
	if (on_closed)
		on_closed(arg);
}

static void on_turn_closed(uv_handle_t *handle)
{
	weir_mock_closed_one(handle->data);
}

static void on_control_closed(struct weir_listener *listener)
{
	struct weir_mock *mock = listener->user;

	weir_free(listener);
	weir_mock_closed_one(mock);
}

void weir_mock_close(struct weir_mock *mock, void (*on_closed)(void *arg), void *arg)
{
	if (mock->closing)
		return;
	mock->closing = true;
	mock->on_closed = on_closed;
	mock->arg = arg;
	for (unsigned i = 0; i < mock->vendors_n; i++)
		weir_mock_vendor_close(mock->vendors[i]);
	WEIR_LIST_FOR(node, &mock->control_peers)
	weir_conn_close(WEIR_CONTAINER_OF(node, struct weir_conn, node));
	if (mock->control)
		weir_listener_close(mock->control, on_control_closed);
	uv_close((uv_handle_t *)&mock->turn, on_turn_closed);
}

static void on_turn(uv_idle_t *idle)
{
	struct weir_mock *mock = idle->data;
	struct weir_list now = mock->turns;

	uv_idle_stop(idle);
	if (weir_list_empty(&mock->turns))
		return;
	now.next->prev = now.prev->next = &now; /* who asks again is not among these */
	weir_list_init(&mock->turns);
	while (!weir_list_empty(&now)) {
		struct weir_list *node = now.next;

		weir_list_remove(node);
		weir_mock_peer_go_on(WEIR_CONTAINER_OF(node, struct weir_mock_peer, turn));
	}
}

void weir_mock_next_turn(struct weir_mock_peer *peer)
{
	struct weir_mock *mock = peer->mock;
	int rc;

	if (mock->closing || peer->conn.closing || !weir_list_empty(&peer->turn))
		return;
	weir_list_push(&mock->turns, &peer->turn);
	rc = uv_idle_start(&mock->turn, on_turn);
	WEIR_ASSERT(rc == 0);
}

struct weir_mock_vendor *weir_mock_vendor_named(const struct weir_mock *mock,
						struct weir_slice name)
{
	for (unsigned i = 0; i < mock->vendors_n; i++)
		if (weir_slice_is(name, mock->vendors[i]->name))
			return mock->vendors[i];
	return NULL;
}

static bool name_ok(const char *name)
{
	size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				"0123456789._-");

	return n > 0 && name[n] == '\0';
}

static uint64_t hash(const char *text)
{
	uint64_t h = 14695981039346656037u; /* FNV-1a */

	while (*text)
		h = (h ^ (unsigned char)*text++) * 1099511628211u;
	return h;
}

static struct weir_mock_vendor *vendor_create(struct weir_mock *mock, const char *name)
{
	struct weir_mock_vendor *v = weir_calloc(1, sizeof *v);

	if (!v)
		return NULL;
	v->mock = mock;
	v->hold_fd = v->filler_fd = -1;
	v->name = weir_strndup(name, strlen(name));
	v->rule.script = weir_mock_script_parse(weir_slice(NULL, 0), NULL);
	weir_list_init(&v->rules);
	weir_list_init(&v->peers);
	weir_rng_init(&v->rng, mock->seed ^ hash(name));
	weir_buf_init(&v->sum.head, WEIR_HTTP_HEAD_MAX);
	weir_buf_init(&v->sum.body, WEIR_MOCK_BODY_MAX);
	if (v->name && v->rule.script)
		return v;
	vendor_destroy(v);
	return NULL;
}

int weir_mock_add(struct weir_mock *mock, const char *name, const char *listen, const char *tls,
		  struct weir_error *err)
{
	struct weir_mock_vendor *v;
	int rc = 0;

	if (!name_ok(name))
		return weir_fail(err, WEIR_ECONFIG, "vendor name \"%s\" must be [A-Za-z0-9._-]+",
				 name);
	if (weir_mock_vendor_named(mock, weir_slice_of(name)))
		return weir_fail(err, WEIR_ECONFIG, "there are two vendors called \"%s\"", name);
	if (mock->vendors_n == WEIR_MOCK_VENDORS_MAX)
		return weir_fail(err, WEIR_ECONFIG, "at most %d vendors", WEIR_MOCK_VENDORS_MAX);
	v = vendor_create(mock, name);
	if (!v)
		return weir_fail(err, WEIR_ENOMEM, "out of memory");
	if (tls)
		rc = weir_mock_shade_set(v, tls, err);
	if (rc == 0)
		rc = weir_mock_vendor_open(v, listen, err);
	if (rc) {
		vendor_destroy(v);
		return rc;
	}
	mock->vendors[mock->vendors_n++] = v;
	return 0;
}

const char *weir_mock_url(const struct weir_mock *mock, const char *name)
{
	struct weir_mock_vendor *v = weir_mock_vendor_named(mock, weir_slice_of(name));

	return v ? v->url : NULL;
}

unsigned weir_mock_port(const struct weir_mock *mock, const char *name)
{
	struct weir_mock_vendor *v = weir_mock_vendor_named(mock, weir_slice_of(name));

	return v ? v->port : 0;
}

/* "alpha/gpt-4o#KEY". */
struct target {
	struct weir_slice vendor, model, key;
};

static struct target parse_target(struct weir_slice text)
{
	const char *slash = text.len ? memchr(text.base, '/', text.len) : NULL;
	const char *hash_sign = text.len ? memrchr(text.base, '#', text.len) : NULL;
	const char *end = text.base + text.len;
	struct target t = { .vendor = text };

	if (hash_sign) {
		t.key = weir_slice(hash_sign + 1, (size_t)(end - hash_sign - 1));
		end = hash_sign;
	}
	if (slash && slash < end)
		t.model = weir_slice(slash + 1, (size_t)(end - slash - 1));
	else
		slash = NULL;
	t.vendor.len = (size_t)((slash ? slash : end) - text.base);
	if (weir_slice_is(t.model, "*"))
		t.model.len = 0;
	return t;
}

static int set_script(struct weir_mock *mock, struct weir_slice target, struct weir_slice script,
		      struct weir_error *err)
{
	struct target t = parse_target(target);
	bool all = weir_slice_is(t.vendor, "*"), any = false;

	for (unsigned i = 0; i < mock->vendors_n; i++) {
		struct weir_mock_vendor *v = mock->vendors[i];
		int rc;

		if (!all && !weir_slice_is(t.vendor, v->name))
			continue;
		any = true;
		rc = weir_mock_rules_set(v, t.model, t.key, script, err);
		if (rc)
			return rc;
		weir_mock_vendor_settle(v);
	}
	if (any || all)
		return 0;
	return weir_fail(err, WEIR_ECONFIG, "no vendor is called \"%.*s\"", (int)t.vendor.len,
			 t.vendor.base);
}

int weir_mock_script(struct weir_mock *mock, const char *target, const char *script,
		     struct weir_error *err)
{
	return set_script(mock, weir_slice_of(target), weir_slice_of(script), err);
}

int weir_mock_assign(struct weir_mock *mock, const char *text, struct weir_error *err)
{
	const char *sign = strchr(text, '=');

	if (!sign)
		return weir_fail(err, WEIR_ECONFIG, "\"%s\" must be TARGET=SCRIPT", text);
	return set_script(mock, weir_slice_trim(weir_slice(text, (size_t)(sign - text))),
			  weir_slice_trim(weir_slice_of(sign + 1)), err);
}

void weir_mock_reset(struct weir_mock *mock)
{
	for (unsigned i = 0; i < mock->vendors_n; i++) {
		struct weir_mock_vendor *v = mock->vendors[i];

		weir_mock_tally_reset(v);
		weir_mock_rules_rewind(v);
		weir_rng_init(&v->rng, mock->seed ^ hash(v->name));
		v->serial = 0;
		weir_mock_vendor_settle(v);
	}
}

static const struct weir_mock_tally *find_tally(const struct weir_mock *mock, const char *target)
{
	struct target t = parse_target(weir_slice_of(target));
	struct weir_mock_vendor *v = weir_mock_vendor_named(mock, t.vendor);

	if (!v || t.model.len == 0)
		return v ? &v->sum : NULL;
	for (unsigned i = 0; i < v->models_n; i++)
		if (weir_slice_is(t.model, v->models[i]->model))
			return v->models[i];
	return NULL;
}

bool weir_mock_stats(const struct weir_mock *mock, const char *target,
		     struct weir_mock_stats *stats)
{
	const struct weir_mock_tally *t = find_tally(mock, target);

	*stats = t ? t->stats : (struct weir_mock_stats){ .hits = 0 };
	return t != NULL;
}

const struct weir_mock_request *weir_mock_last(const struct weir_mock *mock, const char *target)
{
	const struct weir_mock_tally *t = find_tally(mock, target);
	struct weir_mock_vendor *v = weir_mock_vendor_named(
		mock, parse_target(weir_slice_of(target)).vendor);

	if (t && v && t == &v->sum)
		t = v->latest;
	return t && t->last.method.base ? &t->last : NULL;
}

struct weir_slice weir_mock_field(const struct weir_mock_request *request, const char *name)
{
	struct weir_slice rest = request->fields;

	while (rest.len) {
		const char *end = memmem(rest.base, rest.len, "\r\n", 2);
		const char *colon = memchr(rest.base, ':', rest.len);
		size_t n = (size_t)(end - rest.base);

		if (weir_slice_is_nocase(weir_slice(rest.base, (size_t)(colon - rest.base)), name))
			return weir_slice(colon + 2, (size_t)(end - colon - 2));
		rest = weir_slice(end + 2, rest.len - n - 2);
	}
	return weir_slice(NULL, 0);
}

struct weir_slice weir_mock_ca_pem(struct weir_mock *mock, struct weir_error *err)
{
	if (weir_mock_shade_ca(mock, err))
		return weir_slice("", 0);
	return weir_throwaway_ca_pem(mock->ca);
}

static void on_control_connection(struct weir_listener *listener)
{
	weir_mock_peer_accept(listener->user, NULL, listener);
}

int weir_mock_control(struct weir_mock *mock, const char *listen, struct weir_error *err)
{
	struct weir_listener *l;
	int rc;

	if (mock->control)
		return weir_fail(err, WEIR_ECONFIG, "there is one control listener already");
	l = weir_alloc(sizeof *l);
	if (!l)
		return weir_fail(err, WEIR_ENOMEM, "out of memory");
	rc = weir_listener_open(l, mock->loop, listen, on_control_connection, mock, err);
	if (rc) {
		weir_free(l);
		return rc;
	}
	mock->control = l;
	mock->open_n++;
	snprintf(mock->control_url, sizeof mock->control_url, "%s%s",
		 weir_listener_port(l) ? "http://" : "", l->text);
	return 0;
}

const char *weir_mock_control_url(const struct weir_mock *mock)
{
	return mock->control ? mock->control_url : NULL;
}
