#include <string.h>

#include "mock/server.h"
#include "wire/json.h"

#define PUT WEIR_MOCK_PUT

static void reply_text(struct weir_mock_peer *peer, unsigned status, const char *text)
{
	weir_mock_peer_reply(peer, status, "text/plain", weir_slice_of(text));
}

static void put_member(struct weir_mock_pen *pen, const char *name, uint64_t value)
{
	weir_mock_put_text(pen, name);
	weir_mock_put_u64(pen, value);
}

static void put_stats(struct weir_mock_pen *pen, const struct weir_mock_stats *s)
{
	put_member(pen, ",\"hits\":", s->hits);
	put_member(pen, ",\"inflight\":", s->inflight);
	put_member(pen, ",\"answered\":", s->answered);
	put_member(pen, ",\"tokens\":", s->tokens);
	put_member(pen, ",\"aborts\":", s->aborts);
	PUT(pen, ",\"last_abort\":");
	if (!s->abort_phase) {
		PUT(pen, "null");
		return;
	}
	PUT(pen, "{\"phase\":");
	weir_mock_put_json(pen, weir_slice_of(s->abort_phase));
	put_member(pen, ",\"ms\":", s->abort_ms);
	put_member(pen, ",\"at_ms\":", s->abort_at_ms);
	PUT(pen, "}");
}

static void put_rule(struct weir_mock_pen *pen, const struct weir_mock_rule *rule)
{
	PUT(pen, "{\"model\":");
	weir_mock_put_json(pen, weir_slice_of(rule->model ? rule->model : "*"));
	PUT(pen, ",\"key\":");
	weir_mock_put_json(pen, weir_slice_of(rule->key ? rule->key : "*"));
	PUT(pen, ",\"script\":");
	weir_mock_put_json(pen, weir_slice_of(rule->script->source));
	put_member(pen, ",\"next\":", rule->at);
	put_member(pen, ",\"hits\":", rule->hits);
	PUT(pen, "}");
}

static void put_vendor(struct weir_mock_pen *pen, const struct weir_mock_vendor *v)
{
	static const char *const modes[] = { "listening", "refuse", "blackhole" };

	PUT(pen, "{\"name\":");
	weir_mock_put_json(pen, weir_slice_of(v->name));
	PUT(pen, ",\"url\":");
	weir_mock_put_json(pen, weir_slice_of(v->url));
	PUT(pen, ",\"mode\":");
	weir_mock_put_json(pen, weir_slice_of(modes[v->mode]));
	put_stats(pen, &v->sum.stats);
	put_member(pen, ",\"connections\":{\"accepted\":", v->sum.stats.accepted);
	put_member(pen, ",\"open\":", v->sum.stats.open);
	PUT(pen, "},\"models\":[");
	for (unsigned i = 0; i < v->models_n; i++) {
		weir_mock_put_text(pen, i ? ",{\"name\":" : "{\"name\":");
		weir_mock_put_json(pen, weir_slice_of(v->models[i]->model));
		put_stats(pen, &v->models[i]->stats);
		PUT(pen, "}");
	}
	PUT(pen, "],\"rules\":[");
	put_rule(pen, &v->rule);
	WEIR_LIST_FOR(node, &v->rules)
	{
		PUT(pen, ",");
		put_rule(pen, WEIR_CONTAINER_OF(node, struct weir_mock_rule, node));
	}
	PUT(pen, "]}");
}

static void reply_json(struct weir_mock_peer *peer, struct weir_mock_pen *pen)
{
	PUT(pen, "\n");
	if (pen->rc)
		reply_text(peer, 500, "out of memory\n");
	else
		weir_mock_peer_reply(peer, 200, "application/json", weir_buf_slice(pen->buf));
	weir_buf_clear(pen->buf);
}

static void show_stats(struct weir_mock_peer *peer)
{
	struct weir_mock *mock = peer->mock;
	struct weir_mock_pen pen = { &mock->payload, 0 };

	PUT(&pen, "{\"vendors\":[");
	for (unsigned i = 0; i < mock->vendors_n; i++) {
		if (i)
			PUT(&pen, ",\n");
		put_vendor(&pen, mock->vendors[i]);
	}
	PUT(&pen, "]}");
	reply_json(peer, &pen);
}

/* "vendor=alpha&model=gpt-4o", as they stand: no %-decoding but of "/". */
static struct weir_slice query_value(struct weir_slice query, const char *name)
{
	size_t name_len = strlen(name);

	while (query.len) {
		const char *end = memchr(query.base, '&', query.len);
		size_t n = end ? (size_t)(end - query.base) : query.len;

		if (n > name_len && query.base[name_len] == '=' &&
		    memcmp(query.base, name, name_len) == 0)
			return weir_slice(query.base + name_len + 1, n - name_len - 1);
		query = weir_slice(query.base + n + (end ? 1 : 0), query.len - n - (end ? 1 : 0));
	}
	return weir_slice(NULL, 0);
}

/* The vendor asked for, or the one that was asked most recently. */
static const struct weir_mock_vendor *pick_vendor(struct weir_mock *mock, struct weir_slice name)
{
	const struct weir_mock_vendor *best = NULL;

	if (name.base)
		return weir_mock_vendor_named(mock, name);
	for (unsigned i = 0; i < mock->vendors_n; i++) {
		const struct weir_mock_vendor *v = mock->vendors[i];

		if (v->latest && (!best || v->latest->last.at_ms >= best->latest->last.at_ms))
			best = v;
	}
	return best;
}

static const struct weir_mock_tally *pick_tally(const struct weir_mock_vendor *v,
						struct weir_slice model)
{
	if (!v || !model.base)
		return v ? v->latest : NULL;
	for (unsigned i = 0; i < v->models_n; i++)
		if (weir_slice_is(model, v->models[i]->model))
			return v->models[i];
	return NULL;
}

static void put_fields(struct weir_mock_pen *pen, struct weir_slice rest)
{
	bool first = true;

	while (rest.len) {
		const char *end = memmem(rest.base, rest.len, "\r\n", 2);
		const char *colon = memchr(rest.base, ':', rest.len);
		size_t n = (size_t)(end - rest.base);

		if (!first)
			PUT(pen, ",");
		first = false;
		weir_mock_put_json(pen, weir_slice(rest.base, (size_t)(colon - rest.base)));
		PUT(pen, ":");
		weir_mock_put_json(pen, weir_slice(colon + 2, (size_t)(end - colon - 2)));
		rest = weir_slice(end + 2, rest.len - n - 2);
	}
}

static void show_last(struct weir_mock_peer *peer, struct weir_slice query)
{
	const struct weir_mock_vendor *v = pick_vendor(peer->mock, query_value(query, "vendor"));
	const struct weir_mock_tally *t = pick_tally(v, query_value(query, "model"));
	struct weir_mock_pen pen = { &peer->mock->payload, 0 };

	if (!t || !t->last.method.base) {
		reply_text(peer, 404, "no request yet\n");
		return;
	}
	PUT(&pen, "{\"vendor\":");
	weir_mock_put_json(&pen, weir_slice_of(v->name));
	PUT(&pen, ",\"model\":");
	if (t->model)
		weir_mock_put_json(&pen, weir_slice_of(t->model));
	else
		PUT(&pen, "null");
	put_member(&pen, ",\"at_ms\":", t->last.at_ms);
	PUT(&pen, ",\"method\":");
	weir_mock_put_json(&pen, t->last.method);
	PUT(&pen, ",\"target\":");
	weir_mock_put_json(&pen, t->last.target);
	PUT(&pen, ",\"headers\":{");
	put_fields(&pen, t->last.fields);
	PUT(&pen, "},\"body\":");
	weir_mock_put_json(&pen, t->last.body);
	PUT(&pen, "}");
	reply_json(peer, &pen);
}

/* A string member's text after whatever stands before it; absent: "*". */
static int append_member(struct weir_buf *out, struct weir_slice object, const char *name)
{
	struct weir_json_member m;

	if (!weir_json_get(object, name, &m) || m.type != WEIR_JSON_STRING)
		return weir_buf_puts(out, "*");
	return weir_json_unescape(out, m.value);
}

static int read_object(struct weir_buf *line, struct weir_slice object)
{
	struct weir_json_member m;
	int rc = append_member(line, object, "vendor");

	if (!rc)
		rc = weir_buf_puts(line, "/");
	if (!rc)
		rc = append_member(line, object, "model");
	if (!rc && weir_json_get(object, "key", &m) && m.type == WEIR_JSON_STRING) {
		rc = weir_buf_puts(line, "#");
		if (!rc)
			rc = weir_json_unescape(line, m.value);
	}
	if (!rc)
		rc = weir_buf_puts(line, "=");
	if (!rc && weir_json_get(object, "script", &m) && m.type == WEIR_JSON_STRING)
		rc = weir_json_unescape(line, m.value);
	return rc;
}

static int assign(struct weir_mock *mock, struct weir_buf *line, struct weir_error *err)
{
	int rc = weir_buf_append(line, "", 1);

	if (rc)
		return weir_fail(err, rc, "out of memory");
	rc = weir_mock_assign(mock, line->base, err);
	weir_buf_clear(line);
	return rc;
}

static int read_lines(struct weir_mock *mock, struct weir_buf *line, struct weir_slice text,
		      struct weir_error *err)
{
	int rc = 0;

	while (rc == 0 && text.len) {
		const char *end = memchr(text.base, '\n', text.len);
		size_t n = end ? (size_t)(end - text.base) : text.len;
		struct weir_slice one = weir_slice_trim(weir_slice(text.base, n));

		if (one.len && one.base[one.len - 1] == '\r')
			one.len--;
		if (one.len) {
			rc = weir_buf_append(line, one.base, one.len);
			rc = rc ? weir_fail(err, rc, "out of memory") : assign(mock, line, err);
		}
		text = weir_slice(text.base + n + (end ? 1 : 0), text.len - n - (end ? 1 : 0));
	}
	return rc;
}

static void set_script(struct weir_mock_peer *peer)
{
	struct weir_slice body = weir_slice_trim(weir_buf_slice(&peer->body));
	struct weir_error err = { 0 };
	struct weir_buf line;
	size_t at;
	int rc;

	weir_buf_init(&line, 2 * WEIR_MOCK_SCRIPT_MAX);
	if (body.len && body.base[0] == '{') {
		rc = weir_json_check(body, &at) ? WEIR_ECONFIG : read_object(&line, body);
		rc = rc ? weir_fail(&err, rc, "the body is not JSON")
			: assign(peer->mock, &line, &err);
	} else {
		rc = read_lines(peer->mock, &line, body, &err);
	}
	weir_buf_fini(&line);
	reply_text(peer, rc ? 400 : 200, rc ? err.text : "ok\n");
}

static void show_ca(struct weir_mock_peer *peer)
{
	struct weir_error err = { 0 };
	struct weir_slice pem = weir_mock_ca_pem(peer->mock, &err);

	if (pem.len)
		weir_mock_peer_reply(peer, 200, "application/x-pem-file", pem);
	else
		reply_text(peer, 500, err.text);
}

void weir_mock_control_answer(struct weir_mock_peer *peer)
{
	const struct weir_http_head *head = peer->reader.head;
	const char *mark = memchr(head->target.base, '?', head->target.len);
	size_t path_len = mark ? (size_t)(mark - head->target.base) : head->target.len;
	struct weir_slice path = weir_slice(head->target.base, path_len);
	struct weir_slice query = mark ? weir_slice(mark + 1, head->target.len - path_len - 1)
				       : weir_slice("", 0);
	bool post = weir_slice_is(head->method, "POST");

	if (!post && weir_slice_is(path, "/mock/stats")) {
		show_stats(peer);
	} else if (!post && weir_slice_is(path, "/mock/last")) {
		show_last(peer, query);
	} else if (!post && weir_slice_is(path, "/mock/ca")) {
		show_ca(peer);
	} else if (post && weir_slice_is(path, "/mock/script")) {
		set_script(peer);
	} else if (post && weir_slice_is(path, "/mock/reset")) {
		weir_mock_reset(peer->mock);
		reply_text(peer, 200, "ok\n");
	} else {
		reply_text(peer, 404,
			   "GET /mock/stats, /mock/last, /mock/ca; "
			   "POST /mock/script, /mock/reset\n");
	}
}
