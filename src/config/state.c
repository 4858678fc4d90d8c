#include "config/state.h"

#include <stdio.h>

#include "base/alloc.h"
#include "config/loaded.h"
#include "config/secret.h"
#include "config/url.h"

enum { REDIS_PORT = 6379, DATABASE_MAX = 65535, PART_MAX = 1024, ADDRESS_MAX = 512 };

static const struct weir_key known[] = {
	{ "file", &weir_form_text,
	  "The path of the file that holds the address, which nobody else may read.",
	  .needed = true },
};
static const struct weir_shape shape = { "an address", known, 1, 0 };
const struct weir_form weir_state_form = {
	.takes = WEIR_TAKES_TEXT | WEIR_TAKES_MAP,
	.pattern = "^rediss?://.",
	.shapes = { &shape },
};

static const char wrong[] =
	"is no address of a Redis\nwrite redis://HOST:PORT, rediss:// with TLS, or "
	"redis://USER:PASSWORD@HOST:PORT/DATABASE with % and two digits for what is not a letter "
	"or "
	"a digit";

static bool read_part(struct weir_reader *reader, struct weir_slice text, char **part, size_t *len)
{
	char plain[PART_MAX];
	bool ok = weir_url_decode(text, plain, sizeof plain, len);

	if (ok && *len)
		*part = weir_reader_copy(reader, weir_slice(plain, *len));
	explicit_bzero(plain, sizeof plain);
	return ok;
}

/* A name without a password is nobody. */
static bool read_user(struct weir_reader *reader, struct weir_slice text,
		      struct weir_state_at *state)
{
	const char *colon = memchr(text.base, ':', text.len);
	size_t len, name = colon ? (size_t)(colon - text.base) : text.len;

	return colon && read_part(reader, weir_slice(text.base, name), &state->user, &len) &&
	       read_part(reader, weir_slice(colon + 1, text.len - name - 1), &state->password.text,
			 &state->password.len) &&
	       state->password.len;
}

static bool read_database(struct weir_slice path, struct weir_state_at *state)
{
	uint64_t n = 0;

	if (path.len > 1 &&
	    (!weir_slice_to_u64(weir_slice(path.base + 1, path.len - 1), &n) || n > DATABASE_MAX))
		return false;
	state->database = (unsigned)n;
	return true;
}

static bool has_port(struct weir_slice host)
{
	const char *colon = memrchr(host.base, ':', host.len);
	const char *bracket = memrchr(host.base, ']', host.len);

	return colon && (!bracket || colon > bracket);
}

/* text itself is in no message: there may be a password in it. */
static bool parse(struct weir_reader *reader, struct weir_slice text, struct weir_state_at *state)
{
	char whole[ADDRESS_MAX];
	struct weir_url url;
	const char *at, *slash;
	size_t scheme = weir_slice_starts_nocase(text, "rediss://") ? 9 : 8;

	if (scheme == 8 && !weir_slice_starts_nocase(text, "redis://"))
		return false;
	state->tls = scheme == 9;
	text = weir_slice(text.base + scheme, text.len - scheme);
	at = memrchr(text.base, '@', text.len);
	if (at) {
		size_t n = (size_t)(at - text.base);

		if (!read_user(reader, weir_slice(text.base, n), state))
			return false;
		text = weir_slice(at + 1, text.len - n - 1);
	}
	slash = memchr(text.base, '/', text.len);
	if (snprintf(whole, sizeof whole, "http://%.*s", (int)text.len, text.base) >=
		    (int)sizeof whole ||
	    weir_url_parse(weir_slice_of(whole), &url) || !read_database(url.path, state))
		return false;
	if (slash)
		text.len = (size_t)(slash - text.base);
	state->host = weir_reader_copy(reader, url.host);
	state->port = has_port(text) ? url.port : REDIS_PORT;
	snprintf(whole, sizeof whole, url.v6 ? "%s://[%s]:%u/%u" : "%s://%s:%u/%u",
		 state->tls ? "rediss" : "redis", state->host ? state->host : "",
		 (unsigned)state->port, state->database);
	state->shown = weir_reader_copy(reader, weir_slice_of(whole));
	return true;
}

static bool read_file(struct weir_reader *reader, struct weir_node *node,
		      struct weir_state_at *state)
{
	struct weir_secret secret = { 0 };
	bool ok = weir_secret_read(reader, node, WEIR_SECRET_OURS, &secret);

	if (ok && !parse(reader, weir_slice(secret.text, secret.len), state))
		weir_reader_error(reader, node, "bad-state", "what the file holds %s", wrong);
	weir_secret_fini(&secret);
	return ok;
}

void weir_state_read(struct weir_reader *reader, struct weir_node *node)
{
	struct weir_state_at *state = &reader->config->state;
	struct weir_slice text;

#ifndef WEIR_REDIS
	weir_reader_error(reader, node, "not-built",
			  "this weir was built without hiredis, and cannot speak to a Redis\n"
			  "build it where libhiredis-dev is, or leave `state` out");
#endif
	if (node->type == WEIR_NODE_MAP) {
		(void)read_file(reader, node, state);
		return;
	}
	if (!weir_reader_text(reader, node, "an address", &text))
		return;
	if (!parse(reader, text, state))
		weir_reader_error(reader, node, "bad-state", "the value %s", wrong);
	else if (!node->text_base && state->password.len)
		weir_reader_warn(reader, node, "literal-key",
				 "a password in the file itself can be read by whoever sees the "
				 "file\nwrite ${VARIABLE} or {file: PATH}, and replace the "
				 "password");
}
