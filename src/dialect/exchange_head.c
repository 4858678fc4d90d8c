#include "base/error.h"
#include "dialect/exchange_private.h"

/* A body is read into one buffer of just its length, up to here without waiting for it. */
enum { RESERVE_MAX = 256 * 1024 };

static bool is_printable(struct weir_slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.base[i] < ' ' || s.base[i] > '~')
			return false;
	return true;
}

/* Leaves to as it is when the value is absent, too long, or not plain ASCII. */
static void copy(char *to, size_t size, struct weir_slice value)
{
	if (value.len == 0 || value.len >= size || !is_printable(value))
		return;
	memcpy(to, value.base, value.len);
	to[value.len] = '\0';
}

void weir_exchange_set_type(struct weir_exchange *x, struct weir_slice type, const char *otherwise)
{
	x->content_type[0] = '\0';
	copy(x->content_type, sizeof x->content_type, type);
	if (!x->content_type[0])
		copy(x->content_type, sizeof x->content_type, weir_slice_of(otherwise));
}

/* Without its parameters. */
static struct weir_slice media_type(const struct weir_http_head *head)
{
	struct weir_slice field = weir_http_field(head, "content-type");
	const char *semicolon = field.len ? memchr(field.base, ';', field.len) : NULL;

	if (semicolon)
		field.len = (size_t)(semicolon - field.base);
	return weir_slice_trim(field);
}

static bool is_json_type(struct weir_slice type)
{
	return weir_slice_is_nocase(type, "application/json") ||
	       weir_slice_is_nocase(type, "text/json") ||
	       (type.len > 5 &&
		weir_slice_is_nocase(weir_slice(type.base + type.len - 5, 5), "+json"));
}

/* "timeout=5, max=100": one second less, so that we leave before the provider does.
 * False when that leaves nothing. */
static bool read_keep_alive(struct weir_slice field, uint64_t *idle_ms)
{
	static const char name[] = "timeout=";
	uint64_t seconds;

	for (size_t i = 0; i + sizeof name - 1 < field.len; i++) {
		struct weir_slice digits = weir_slice(field.base + i + sizeof name - 1, 0);

		if (!weir_equal_nocase(field.base + i, name, sizeof name - 1))
			continue;
		while (digits.base + digits.len < field.base + field.len &&
		       digits.base[digits.len] >= '0' && digits.base[digits.len] <= '9')
			digits.len++;
		if (!weir_slice_to_u64(digits, &seconds) || seconds > UINT32_MAX)
			return true;
		*idle_ms = seconds > 1 ? (seconds - 1) * 1000 : 0;
		return seconds > 1;
	}
	return true;
}

static struct weir_slice field_or(const struct weir_http_head *head, const char *name,
				  const char *other)
{
	struct weir_slice value = weir_http_field(head, name);

	return value.base ? value : weir_http_field(head, other);
}

static void read_fields(struct weir_exchange *x, const struct weir_http_head *head)
{
	struct weir_slice encoding = weir_http_field(head, "content-encoding");
	struct weir_slice type = media_type(head);

	copy(x->upstream_request_id, sizeof x->upstream_request_id,
	     field_or(head, "x-request-id", "request-id"));
	if (!weir_slice_to_u64(weir_http_field(head, "openai-processing-ms"), &x->processing_ms))
		x->processing_ms = 0;
	x->keep_alive = read_keep_alive(weir_http_field(head, "keep-alive"), &x->idle_ms) &&
			head->keep_alive;
	x->encoded = encoding.len && !weir_slice_is_nocase(encoding, "identity");
	x->typed_json = is_json_type(type);
	x->typed_sse = weir_slice_is_nocase(type, "text/event-stream");
	x->typed_html = weir_slice_is_nocase(type, "text/html");
	weir_exchange_set_type(x, weir_http_field(head, "content-type"), "application/json");
}

/* None of these can hold an answer: redirects (never followed: the key would go along),
 * parts, and statuses without a body. */
static bool may_answer(unsigned status)
{
	return status >= 200 && status < 300 && status != 204 && status != 205 && status != 206;
}

static bool reserve(struct weir_exchange *x, const struct weir_http_head *head)
{
	if (!head->has_length || head->content_length > RESERVE_MAX)
		return true;
	return weir_buf_reserve(&x->out, (size_t)head->content_length) == 0;
}

static void read_answer(struct weir_exchange *x, const struct weir_http_head *head)
{
	if (!may_answer(head->status))
		weir_exchange_fail(x, WEIR_OUT_SERVER_ERROR, "bad_status");
	else if (x->encoded || x->typed_html || (x->typed_sse && !x->stream))
		weir_exchange_fail(x, WEIR_OUT_SERVER_ERROR, "bad_type");
	else
		x->mode = x->typed_json ? WEIR_EXCHANGE_BODY : WEIR_EXCHANGE_SNIFF;
}

/* "x-ratelimit-remaining-tokens" and "anthropic-ratelimit-tokens-remaining" alike: fills
 * in the bucket. A name without a bucket is that of requests. */
static bool read_bucket(struct weir_slice name, struct weir_slice value, bool reset,
			struct weir_retry_hints *hints)
{
	static const char *const names[WEIR_RETRY_BUCKETS] = {
		[WEIR_RETRY_REQUESTS] = "requests",
		[WEIR_RETRY_REQUESTS_DAY] = "requests-day",
		[WEIR_RETRY_TOKENS] = "tokens",
		[WEIR_RETRY_TOKENS_MINUTE] = "tokens-minute",
		[WEIR_RETRY_TOKENS_PROJECT] = "project-tokens",
		[WEIR_RETRY_TOKENS_IN] = "input-tokens",
		[WEIR_RETRY_TOKENS_OUT] = "output-tokens",
	};
	struct weir_slice *to;

	for (unsigned i = 0; i < WEIR_RETRY_BUCKETS; i++) {
		if (!weir_slice_is_nocase(name, names[i]) && !(name.len == 0 && i == 0))
			continue;
		to = reset ? &hints->buckets[i].reset : &hints->buckets[i].remaining;
		if (!to->base)
			*to = value;
		return true;
	}
	return false;
}

static bool cut_start(struct weir_slice *s, const char *start)
{
	size_t n = strlen(start);

	if (!weir_slice_starts_nocase(*s, start))
		return false;
	*s = weir_slice(s->base + n, s->len - n);
	return true;
}

static bool cut_end(struct weir_slice *s, const char *end)
{
	size_t n = strlen(end);

	if (s->len < n || !weir_equal_nocase(s->base + s->len - n, end, n))
		return false;
	s->len -= n;
	return true;
}

static bool read_ratelimit(const struct weir_http_field *field, struct weir_retry_hints *hints)
{
	struct weir_slice name = field->name;
	bool reset;

	if (name.len < sizeof "x-ratelimit-reset" - 1)
		return false;
	if (cut_start(&name, "x-ratelimit-")) {
		reset = cut_start(&name, "reset");
		if (!reset && !cut_start(&name, "remaining"))
			return false;
		if (name.len && !cut_start(&name, "-"))
			return false;
	} else if (cut_start(&name, "anthropic-ratelimit-")) {
		reset = cut_end(&name, "-reset");
		if (!reset && !cut_end(&name, "-remaining"))
			return false;
	} else {
		return false;
	}
	return read_bucket(name, field->value, reset, hints);
}

static bool read_ratelimits(const struct weir_http_head *head, struct weir_retry_hints *hints)
{
	bool any = false;

	for (unsigned i = 0; i < head->fields_n; i++)
		any |= read_ratelimit(&head->fields[i], hints);
	return any;
}

void weir_exchange_read_head(struct weir_exchange *x, const struct weir_http_head *head)
{
	struct weir_retry_hints hints = { 0 };

	x->status = head->status;
	read_fields(x, head);
	if (read_ratelimits(head, &hints))
		weir_limits_read(&hints, x->now_unix_ms, &x->limits);
	if (head->status >= 400)
		x->mode = WEIR_EXCHANGE_ERROR;
	else
		read_answer(x, head);
	if ((x->mode == WEIR_EXCHANGE_ERROR || x->mode == WEIR_EXCHANGE_BODY) && !reserve(x, head))
		weir_exchange_fail_local(x);
}

void weir_exchange_read_hints(const struct weir_exchange *x, struct weir_retry_hints *hints)
{
	const struct weir_http_head *head = x->head;

	if (!head)
		return;
	hints->retry_after_ms = weir_http_field(head, "retry-after-ms");
	hints->retry_after = weir_http_field(head, "retry-after");
	read_ratelimits(head, hints);
}
