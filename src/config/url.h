/* Where a provider is (RFC 3986), and where weir itself listens. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct weir_url {
	bool tls;
	struct weir_slice host; /* without brackets */
	bool v6;
	uint16_t port;
	struct weir_slice path; /* without a trailing slash */
};

/* "https://host[:port][/path]" with a name, an IPv4 address or a bracketed IPv6 address.
 * NULL, or what is wrong and, after a newline, what to write; text itself is not in it,
 * because it may hold a password. */
const char *weir_url_parse(struct weir_slice text, struct weir_url *url);

/* What % and two digits stand for. False: it does not fit, or has no sense; no NUL is in it. */
bool weir_url_decode(struct weir_slice text, char *out, size_t size, size_t *len);

enum weir_host {
	WEIR_HOST_ANY,
	WEIR_HOST_LOOPBACK,
	WEIR_HOST_PRIVATE,
	WEIR_HOST_LINK_LOCAL,
	WEIR_HOST_PUBLIC
};

/* A listening address: "127.0.0.1:4000", "[::1]:4000", "localhost:4000", ":4000" (all
 * addresses) or "unix:/run/weir.sock". */
struct weir_endpoint {
	bool is_unix;
	enum weir_host kind;
	struct weir_slice host;
	uint16_t port; /* 0: any free one */
};

bool weir_endpoint_parse(struct weir_slice text, struct weir_endpoint *endpoint);

/* Would a connection to host and port arrive at the endpoint? */
bool weir_endpoint_serves(const struct weir_endpoint *endpoint, struct weir_slice host,
			  uint16_t port);

/* What can be told without asking a name server; of other names: PRIVATE for those that
 * only a local network knows, else PUBLIC. */
enum weir_host weir_host_kind(struct weir_slice host);
