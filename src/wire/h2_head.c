#include "base/alloc.h"
#include "base/error.h"
#include "wire/h2_private.h"

enum { FIELD_OVERHEAD = 32 }; /* RFC 9113 §6.5.2 */

/* What stands before a name and its value while they are collected. */
struct lengths {
	uint32_t name, value;
};

static bool cut(struct weir_slice *rest, char end, struct weir_slice *part)
{
	const char *at = rest->len ? memchr(rest->base, end, rest->len) : NULL;

	if (!at)
		return false;
	*part = weir_slice(rest->base, (size_t)(at - rest->base));
	*rest = weir_slice(at + 1, rest->len - part->len - 1);
	return true;
}

static bool cut_line(struct weir_slice *rest, struct weir_slice *line)
{
	if (!cut(rest, '\n', line) || !line->len || line->base[line->len - 1] != '\r')
		return false;
	line->len--;
	return true;
}

static nghttp2_nv pair(struct weir_slice name, struct weir_slice value, uint8_t flags)
{
	return (nghttp2_nv){ .name = (uint8_t *)(uintptr_t)name.base,
			     .namelen = name.len,
			     .value = (uint8_t *)(uintptr_t)value.base,
			     .valuelen = value.len,
			     .flags = flags };
}

static bool ends_nocase(struct weir_slice s, const char *end)
{
	size_t n = strlen(end);

	return s.len >= n && weir_equal_nocase(s.base + s.len - n, end, n);
}

/* Never in a table that others' fields are compared with (RFC 7541 §7.1.3). */
static bool is_secret(struct weir_slice name)
{
	return weir_slice_is_nocase(name, "authorization") || ends_nocase(name, "-key") ||
	       ends_nocase(name, "-token") || weir_slice_is_nocase(name, "cookie");
}

/* Said of a connection, not of a request: HTTP/2 has no such fields (RFC 9113 §8.2.2). */
static bool is_of_connection(struct weir_slice name)
{
	static const char *const names[] = { "connection", "keep-alive", "proxy-connection",
					     "transfer-encoding", "upgrade" };

	for (size_t i = 0; i < WEIR_COUNT_OF(names); i++)
		if (weir_slice_is_nocase(name, names[i]))
			return true;
	return false;
}

int weir_h2_request_fields(struct weir_slice text, nghttp2_nv *fields, size_t max,
			   uint64_t *content_length)
{
	struct weir_slice method, target, version, name, value;
	size_t n = 4;

	*content_length = 0;
	if (!cut(&text, ' ', &method) || !cut(&text, ' ', &target) || !cut_line(&text, &version))
		return WEIR_ELIMIT;
	fields[0] = pair(WEIR_SLICE(":method"), method, NGHTTP2_NV_FLAG_NONE);
	fields[1] = pair(WEIR_SLICE(":scheme"), WEIR_SLICE("https"), NGHTTP2_NV_FLAG_NONE);
	fields[2] = pair(WEIR_SLICE(":authority"), WEIR_SLICE(""), NGHTTP2_NV_FLAG_NONE);
	fields[3] = pair(WEIR_SLICE(":path"), target, NGHTTP2_NV_FLAG_NONE);
	while (cut_line(&text, &value) && value.len) {
		if (!cut(&value, ':', &name) || n == max)
			return WEIR_ELIMIT;
		value = weir_slice_trim(value);
		if (weir_slice_is_nocase(name, "host")) {
			fields[2] = pair(WEIR_SLICE(":authority"), value, NGHTTP2_NV_FLAG_NONE);
			continue;
		}
		if (weir_slice_is_nocase(name, "content-length") &&
		    !weir_slice_to_u64(value, content_length))
			return WEIR_ELIMIT;
		if (!is_of_connection(name))
			fields[n++] = pair(name, value,
					   is_secret(name) ? NGHTTP2_NV_FLAG_NO_INDEX
							   : NGHTTP2_NV_FLAG_NONE);
	}
	return (int)n;
}

void weir_h2_head_begin(struct weir_h2 *h2)
{
	weir_buf_fini(&h2->head);
	h2->status = h2->fields_n = 0;
	h2->list_bytes = 0;
}

int weir_h2_head_add(struct weir_h2 *h2, struct weir_slice name, struct weir_slice value)
{
	struct lengths lengths = { (uint32_t)name.len, (uint32_t)value.len };
	uint64_t status;
	int rc;

	h2->list_bytes += name.len + value.len + FIELD_OVERHEAD;
	if (h2->list_bytes > WEIR_HTTP_HEAD_MAX || h2->fields_n == WEIR_HTTP_FIELDS_MAX ||
	    name.len + value.len > WEIR_HTTP_LINE_MAX)
		return WEIR_ELIMIT;
	if (name.len == 0)
		return WEIR_ELIMIT;
	if (name.base[0] == ':') { /* nghttp2 lets none but this pass */
		h2->status = weir_slice_to_u64(value, &status) && status < 600 ? (unsigned)status
									       : 0;
		return h2->status < 100 ? WEIR_ELIMIT : 0;
	}
	rc = weir_buf_append(&h2->head, &lengths, sizeof lengths);
	if (rc == 0)
		rc = weir_buf_append(&h2->head, name.base, name.len);
	if (rc == 0)
		rc = weir_buf_append(&h2->head, value.base, value.len);
	h2->fields_n += rc == 0;
	return rc;
}

static void frame(struct weir_http_head *head)
{
	struct weir_slice length = weir_http_field(head, "content-length");

	head->has_length = length.base && weir_slice_to_u64(length, &head->content_length);
	if (head->status == 204 || head->status == 304) {
		head->has_length = true;
		head->content_length = 0;
	}
	head->chunked = !head->has_length; /* framed, as that is */
}

struct weir_http_head *weir_h2_head_take(struct weir_h2 *h2)
{
	size_t fields = offsetof(struct weir_http_head, fields) +
			h2->fields_n * sizeof(struct weir_http_field);
	struct weir_http_head *head = weir_calloc(1, fields + h2->head.len);
	struct lengths lengths;
	const char *at;

	if (!head)
		return NULL;
	if (h2->head.len)
		memcpy((char *)head + fields, h2->head.base, h2->head.len);
	at = (char *)head + fields;
	head->status = h2->status;
	head->minor = 1;
	head->keep_alive = true;
	for (unsigned i = 0; i < h2->fields_n; i++) {
		memcpy(&lengths, at, sizeof lengths);
		at += sizeof lengths;
		weir_http_add(head, weir_slice(at, lengths.name),
			      weir_slice(at + lengths.name, lengths.value));
		at += lengths.name + lengths.value;
	}
	frame(head);
	weir_buf_fini(&h2->head);
	return head;
}
