/* The head of what is asked of a provider. */
#include "core/attempt_head.h"

#include "base/alloc.h"
#include "dialect/path.h"
#include "dialect/pen.h"
#include "wire/http_write.h"

enum { TARGET_MAX = 4096 };
enum { TARGET_ROOM = 128, HEAD_ROOM = 512, REST_ROOM = 128 }; /* of most of them */

/* Where at the provider. A caller has no say in it but by the model he is given. */
static int put_target(struct weir_buf *out, const struct weir_attempt_order *order)
{
	const struct weir_provider *p = order->target->provider;
	int rc = 0;

	if (!p->tls && p->proxy.host && (rc = weir_buf_puts(out, "http://")) == 0)
		rc = weir_buf_puts(out, p->host_field);
	if (rc == 0)
		rc = weir_path_put(out, weir_slice_of(p->base_path),
				   weir_dialect_path(p->dialect, order->route, order->body->stream),
				   weir_slice_of(order->edit->model));
	if (rc == 0 && p->query)
		rc = weir_buf_puts(out, memchr(out->base, '?', out->len) ? "&" : "?");
	return rc || !p->query ? rc : weir_buf_puts(out, p->query);
}

/* What every request needs, unless the caller has said it himself. */
static bool lacks_fields(const struct weir_attempt_order *order)
{
	const struct weir_dialect *dialect = order->target->provider->dialect;
	struct weir_slice name = weir_slice_of(dialect->fields);
	const char *colon = name.len ? memchr(name.base, ':', name.len) : NULL;

	for (size_t i = 0; colon && i < order->fields.len; i++) {
		struct weir_slice rest = weir_slice(order->fields.base + i, order->fields.len - i);
		size_t n = (size_t)(colon - name.base) + 1;

		if (rest.len >= n && weir_equal_nocase(rest.base, name.base, n))
			return false;
	}
	return true;
}

static int put_start(struct weir_buf *head, const struct weir_attempt_order *order)
{
	struct weir_buf target;
	char room[TARGET_ROOM] WEIR_UNINITIALIZED;
	int rc;

	weir_buf_init_lent(&target, TARGET_MAX, room, sizeof room);
	rc = put_target(&target, order);
	if (rc == 0)
		rc = weir_http_put_request(head, "POST", weir_buf_slice(&target));
	weir_buf_fini(&target);
	return rc;
}

static int put_provider(struct weir_buf *head, const struct weir_attempt_order *order, bool lacking)
{
	const struct weir_provider *p = order->target->provider;
	const struct weir_secret *proxy = &p->proxy.authorization;
	int rc = weir_http_put_field(head, "host", weir_slice_of(p->host_field));

	if (rc == 0 && !p->tls && proxy->len)
		rc = weir_http_put_field(head, "proxy-authorization",
					 weir_slice(proxy->text, proxy->len));
	if (rc == 0 && p->keys_n) {
		const struct weir_secret *key = &p->keys[order->key];

		rc = weir_dialect_put_key(p->dialect, head, weir_slice(key->text, key->len));
	}
	if (rc == 0 && lacking)
		rc = weir_buf_puts(head, p->dialect->fields);
	for (unsigned i = 0; rc == 0 && i < p->headers_n; i++)
		rc = weir_http_put_named(head, weir_slice_of(p->headers[i].name),
					 weir_slice_of(p->headers[i].value));
	return rc;
}

/* All of a head that does not depend on the request. */
static int put_prefix(struct weir_buf *head, const struct weir_attempt_order *order, bool lacking)
{
	struct weir_pen pen = { head, weir_buf_reserve(head, HEAD_ROOM) };

	if (pen.rc == 0)
		pen.rc = put_start(head, order);
	if (pen.rc == 0)
		pen.rc = put_provider(head, order, lacking);
	weir_put(&pen, order->body->stream ? "accept: text/event-stream\r\n"
					   : "accept: application/json\r\n");
	weir_put(&pen, "content-type: application/json\r\n"
		       "accept-encoding: identity\r\n"
		       "content-length: ");
	return pen.rc;
}

/* Written anew where it is another than the last one. */
static int keep_prefix(struct weir_prefix *p, const struct weir_attempt_order *order, bool lacking)
{
	int rc;

	if (p->text.len && p->key == order->key && p->route == order->route &&
	    p->lacking == lacking)
		return 0;
	p->text.max = WEIR_ATTEMPT_HEAD_MAX;
	weir_buf_clear(&p->text);
	rc = put_prefix(&p->text, order, lacking);
	if (rc)
		weir_buf_clear(&p->text);
	p->key = order->key;
	p->route = order->route;
	p->lacking = lacking;
	return rc;
}

void weir_prefixes_free(struct weir_prefix *prefixes, size_t n)
{
	for (size_t i = 0; prefixes && i < n; i++) {
		if (prefixes[i].text.cap) /* there is a key in it */
			explicit_bzero(prefixes[i].text.base, prefixes[i].text.cap);
		weir_buf_fini(&prefixes[i].text);
	}
	weir_free(prefixes);
}

int weir_attempt_put_head(struct weir_buf *head, const struct weir_attempt_order *order,
			  size_t length)
{
	struct weir_prefix *kept = order->prefixes ? &order->prefixes[order->body->stream] : NULL;
	bool lacking = lacks_fields(order);
	struct weir_pen pen = { head, kept ? keep_prefix(kept, order, lacking)
					   : put_prefix(head, order, lacking) };

	if (pen.rc == 0 && kept)
		pen.rc = weir_buf_reserve(head, kept->text.len + order->fields.len + REST_ROOM);
	if (kept)
		weir_put_slice(&pen, weir_buf_slice(&kept->text));
	weir_put_u64(&pen, length);
	weir_put(&pen, "\r\n");
	weir_put_slice(&pen, order->fields);
	if (order->traceparent) {
		weir_put(&pen, "traceparent: ");
		weir_put(&pen, order->traceparent);
		weir_put(&pen, "\r\n");
	}
	weir_put(&pen, "\r\n");
	return pen.rc;
}
